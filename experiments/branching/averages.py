"""Means over all paths of a run of `branching`, of every seed together, beside what theory predicts of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from deepk.lab import needs, where
from experiments.branching import Config

_KEY = ["law", "quantity", "generation", "at"]
_MEANS = ["mean", "mean_square"]
_PREDICTED = ("alive", "exactly", "at least", "laplace")  # of these, means that theory does not speak of are left out


@dataclass(frozen=True)
class Mean:
    """A mean over all seeds, and the value that theory predicts for it, or NaN."""

    generation: float
    at: float
    count: int
    mean: float
    value: float


@dataclass(frozen=True)
class Run:
    """The tables of a run, asked for one quantity of one law."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Config

    @property
    def laws(self) -> list[str]:
        """Those that were measured."""
        return [str(law) for law in self.data["law"].unique()] if len(self.data) else []

    @cached_property
    def _beside(self) -> pd.DataFrame:
        """Means over all seeds, weighted by their paths, with the predicted `value`."""
        weighted = self.data.assign(**{name: self.data[name] * self.data["count"] for name in _MEANS})
        sums = weighted.groupby(_KEY, dropna=False, sort=False)[["count", *_MEANS]].sum(skipna=False).reset_index()
        sums[_MEANS] = sums[_MEANS].div(sums["count"], axis=0)
        return sums.merge(self.theory, on=_KEY, how="left").sort_values(["generation", "at"])

    @cached_property
    def _constants(self) -> dict[tuple[str, str], float]:
        """What theory has one number of, by law and quantity."""
        single = self.theory[~self.theory.duplicated(["law", "quantity"], keep=False)]
        keys = zip(single["law"], single["quantity"], strict=True)
        return dict(zip(keys, single["value"].astype(float), strict=True))

    def constant(self, law: str, quantity: str) -> float:
        """A number of the theory: mu, xi, or the variance of the number of children."""
        needs((law, quantity) in self._constants, f"{law}: not in this run")
        return self._constants[law, quantity]

    def beside(self, law: str, quantity: str) -> pd.DataFrame:
        """Means of a quantity with its predicted `value`, by generation and argument; may be empty."""
        return where(self._beside, law=law, quantity=quantity)

    def means(self, law: str, quantity: str) -> list[Mean]:
        """Means of a quantity with its predicted value, in order; of what theory speaks of, only where it does."""
        if not len(self.data):
            return []
        table = self.beside(law, quantity)
        if quantity in _PREDICTED:
            table = table[table["value"].notna()]
        columns = [table[name].tolist() for name in ("generation", "at", "count", "mean", "value")]
        return [Mean(*row) for row in zip(*columns, strict=True)]

    def line(self, law: str, quantity: str) -> pd.DataFrame:
        """Theory of a quantity, by generation and argument; empty where it has none."""
        return where(self.theory, law=law, quantity=quantity).sort_values(["generation", "at"])

    def predicted(self, law: str, quantity: str) -> dict[tuple[float, float], float]:
        """Theory of a quantity as a dict by generation and argument; where it has only one of the two, that is NaN."""
        table = self.line(law, quantity)
        keys = zip(table["generation"].tolist(), table["at"].tolist(), strict=True)
        return dict(zip(keys, table["value"].tolist(), strict=True))

    def limit_variance(self, law: str) -> float:
        """Of W: sigma^2 / (mu^2 - mu), sigma^2 that of the number of children; infinite where that is."""
        mu = self.constant(law, "mu")
        return self.constant(law, "variance") / (mu**2 - mu) if 1 < mu < math.inf else math.inf
