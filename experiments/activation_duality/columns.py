"""A column of the printed table, beside a run's theory: what is exact, what is cut, what is swapped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepk.lab import only, where
from experiments.published.compositional_kernels import COLUMNS, PRINTED_DIGIT, TRUNCATION


@dataclass(frozen=True)
class Column:
    """A column of the printed table, beside a run's theory of the same activation and of its other column."""

    theory: pd.DataFrame
    name: str
    centered: bool

    @property
    def label(self) -> str:
        """The column in words, and in the names of its claims."""
        return f"{self.name}/{'centered' if self.centered else 'un-centered'}"

    @property
    def other(self) -> Column:
        """The same activation centered, where this one is not, and the other way round."""
        return Column(self.theory, self.name, not self.centered)

    def printed(self, quantity: str) -> float:
        """As the table has it."""
        return float(getattr(COLUMNS[self.name, self.centered], quantity))

    def exact(self, quantity: str) -> float:
        """Theory of it. Silent where this run has none."""
        return only(self.theory, activation=self.name, centered=self.centered, quantity=quantity)

    def holds(self, quantity: str, number: float) -> bool:
        """Whether a number is its exact value to the printed digit; of no theory, not."""
        exact = where(self.theory, activation=self.name, centered=self.centered, quantity=quantity)["value"]
        return len(exact) > 0 and abs(float(exact.iloc[0]) - number) <= PRINTED_DIGIT

    def cut(self) -> dict[str, float]:
        """mu and mu_star of the exact law cut at the paper's truncation."""
        rows = where(self.theory, activation=self.name, centered=self.centered, quantity="coefficient")
        rows = rows[rows["index"] <= TRUNCATION]
        k, p = rows["index"].to_numpy(float), rows["value"].to_numpy(float)
        return {"mu": float((k * p).sum()), "mu_star": float((k * np.log(np.maximum(k, 1)) * p).sum())}

    def swapped(self, quantity: str) -> bool:
        """Whether the printed number is the exact one of the other column, and not of this one."""
        printed = self.printed(quantity)
        return self.other.holds(quantity, printed) and not self.holds(quantity, printed)
