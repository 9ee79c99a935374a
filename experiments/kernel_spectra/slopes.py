"""Exponents and constants of eigenvalues at high degrees, and how far they still are from their limits."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepk.lab import Tolerance, needs, present

# What falls like k^(-1/2) changes, from a degree to twice it, by .41 of what is left at the second, and what falls
# faster by more: three times the change is enough. A change may be small by chance, where a number turns; so the one
# before counts, too, as far as it would have fallen.
_REST = 3.0
# No exponent and no logarithm of a constant is further from its limit at a degree of five times the dimension. Without
# this bound a number that does not converge would excuse itself.
_FURTHEST, _ENOUGH = 0.5, 5
SHARES = (1.0, 0.5, 0.25)  # of the highest degree, at which a number that converges is taken
_FLOOR = 1e-12  # of a quotient of eigenvalues with 16 digits


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues of one kernel in one dimension that have one parity, and are not zero by symmetry."""

    degrees: np.ndarray
    eigenvalues: np.ndarray
    dimension: int

    @staticmethod
    def of(data: pd.DataFrame, kernel: str, layers: int, dimension: int, parity: int) -> Spectrum:
        """Silent where they are not in the run, or are zero."""
        rows = present(data, kernel=kernel, layers=layers, dimension=dimension).sort_values("degree")
        rows = rows[(rows["degree"] % 2 == parity) & (rows["degree"] > 2)]
        there = rows["eigenvalue"] != 0
        needs(there.mean() > 0.5, f"{kernel}, layers={layers}: zero by symmetry")
        rows = rows[there]
        top = int(rows["degree"].max())
        needs(top >= _ENOUGH * dimension, f"degree {top}: too low for dimension {dimension}")
        degrees, eigenvalues = rows["degree"].to_numpy(int), rows["eigenvalue"].to_numpy(float)
        return Spectrum(degrees, eigenvalues, dimension)

    @property
    def shifted(self) -> np.ndarray:
        """k + (d - 2) / 2, in which powers are followed to second order."""
        return np.asarray(self.degrees + (self.dimension - 2) / 2)

    def near(self, degree: float) -> int:
        """The place of the degree of this parity that is nearest to one."""
        return int(np.abs(self.degrees - degree).argmin())

    def slope(self, share: float = 1.0) -> float:
        """d log mu / d log k between half of this share of the highest degree, and it."""
        top = share * self.degrees[-1]
        ends = [self.near(top / 2), self.near(top)]
        rise = np.diff(np.log(np.abs(self.eigenvalues[ends])))[0]
        return float(rise / np.diff(np.log(self.shifted[ends]))[0])

    def constant(self, exponent: float, share: float = 1.0) -> float:
        """mu / k^exponent at this share of the highest degree."""
        place = self.near(share * self.degrees[-1])
        return float(self.eigenvalues[place] / self.shifted[place] ** exponent)


def limit(numbers: Iterable[float]) -> tuple[float, Tolerance]:
    """A number at the highest degree, and how far it still is from its limit, from its last two changes.

    Args:
        numbers: at all of the highest degree, at half of it, and at a quarter: `SHARES`.
    """
    at, at_half, at_quarter = numbers
    change = max(abs(at - at_half), abs(at_half - at_quarter) / math.sqrt(2))
    why = "three times the change from half the degree, as what is left falls like k^(-1/2) at least; at most 0.5"
    return at, Tolerance(min(_REST * change, _FURTHEST) + _FLOOR * max(1.0, abs(at)), why)
