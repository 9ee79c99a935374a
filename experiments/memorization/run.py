"""A run of `memorization`: its tables, asked for what belongs to one activation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from deepk.lab import once, present, where
from experiments.memorization import Config

# Of theory.csv, for each n, d and kappa: bounds, and predictions for uniform points and the circle.
QUANTITIES = (
    *("later_low", "later_high", "slides"),
    *("marchenko_pastur", "shortest", "longest", "scatter", "outlier"),
    "fourier",
)
_CASE = ["n", "d", "kappa"]


@dataclass(frozen=True)
class Run:
    """The tables of a run, by activation."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Config
    _cases: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict)

    def constants(self, activation: str) -> pd.Series[float]:
        """mu, a_1_squared, a_0_squared and parity."""
        return where(self.theory, arrangement="any", activation=activation).set_index("quantity")["value"]

    def known(self, arrangement: str, activation: str) -> pd.DataFrame:
        """Bounds and predictions, a row for each n, d and kappa."""
        rows = where(self.theory, arrangement=arrangement, activation=activation)
        table = rows[rows["kappa"].notna()].pivot_table(index=_CASE, columns="quantity", values="value")
        return table.reindex(columns=list(QUANTITIES)).reset_index()  # those that are not finite anywhere, too

    def cases(self, arrangement: str, activation: str) -> pd.DataFrame:
        """A row for each that was measured, with its median `depth` and range, and log(n)/d as `crowding`.

        Raises Silent where nothing was measured.
        """
        key = (arrangement, activation)
        if key not in self._cases:
            self._cases[key] = self._measured_cases(*key)
        return self._cases[key]

    def _measured_cases(self, arrangement: str, activation: str) -> pd.DataFrame:
        measured = present(self.data, arrangement=arrangement, activation=activation, quantity="minimal depth")
        groups = measured.groupby(_CASE)["value"]
        depth = groups.agg(depth=_of(np.median), least=_of(np.min), most=_of(np.max), draws="size").reset_index()
        table = self.known(arrangement, activation).merge(depth.astype(float), on=_CASE)
        return table.assign(crowding=np.log(table["n"].astype(float)) / table["d"].astype(float))

    def curve(self, table: pd.DataFrame, arrangement: str, activation: str) -> pd.DataFrame:
        """Eigenvalues, layers by levels. Raises Silent where there are none."""
        rows = present(table, arrangement=arrangement, activation=activation, quantity="eigenvalue")
        return rows.pivot(index="depth", columns="level", values="value").sort_index().astype(float)


def opened(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Run:
    """A run, with what does not depend on the seed, or is measured with the first one alone, of that seed."""
    seed = cfg.seeds[0]
    data = once(data, seed, arrangement=["circle", "sphere"])
    return Run(theory, once(data, seed, quantity=["eigenvalue", "un-centered"]), cfg)


def _of(function: Callable[[np.ndarray], float]) -> Callable[[pd.Series[float]], float]:
    """A function of all values of a group: pandas would leave out those that are NaN."""
    return lambda values: float(function(values.to_numpy(dtype=np.float64)))
