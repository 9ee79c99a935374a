"""A run's tables, asked in the words of `random-features`: part, features, activation and depth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from deepk.lab import only, present, where
from experiments.published.random_features import CELLS
from experiments.random_features import Config


@dataclass(frozen=True)
class Run:
    """A run's tables and its configuration."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Config

    @cached_property
    def images(self) -> str:
        """The data set's name, as theory.csv has it: where it is a re-encoding, this says so."""
        return str(self.theory["images"].iloc[0])

    def known(self, quantity: str, activation: str = "all", depth: int = 0, **at: float) -> float:
        """A number of the theory."""
        asked = {"quantity": quantity, "activation": activation, "depth": depth, **at}
        return only(self.theory, "value", **asked)

    def rows(
        self,
        part: str,
        quantity: str,
        activation: str = "all",
        depth: int = 0,
        *,
        features: str = "compositional",
        **at: object,
    ) -> pd.DataFrame:
        """Rows of the data. Silences a claim where there are none."""
        asked = {"part": part, "features": features, "quantity": quantity, "activation": activation, "depth": depth}
        return present(self.data, **asked, **at)

    def mean(self, part: str, activation: str = "all", depth: int = 0, *, features: str, **at: object) -> float:
        """Mean test accuracy of some rows; NaN where there are none."""
        asked = {"part": part, "features": features, "activation": activation, "depth": depth}
        return float(where(self.data, **asked, quantity="test accuracy", **at)["value"].mean())

    def trainings(self, split: str, activation: str, depth: int) -> pd.DataFrame:
        """Accuracies of SGD: a row for each evaluated epoch, a column for each seed."""
        rows = self.rows("sgd", f"{split} accuracy", activation, depth)
        return rows.pivot(index="index", columns="seed", values="value").astype(float)

    def ridge(self, activation: str, depth: int) -> pd.Series[float]:
        """Test accuracy of ridge regression on the features that SGD is given, by seed."""
        return self.rows("ridge", "test accuracy", activation, depth).set_index("seed")["value"].astype(float)

    def printed(self, split: str, activation: str, depth: int) -> float:
        """The printed accuracy of this protocol and data set; NaN where there is none."""
        here = (self.cfg.protocol, self.images.partition(",")[0], split, activation, depth)
        return next((cell.accuracy for cell in CELLS if cell[:5] == here), math.nan)
