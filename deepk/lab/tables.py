"""Asking a run's tables: the rows where some columns have some values, and the one number that stands there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


class Silent(Exception):
    """A run was made at another setting than a claim names: which setting, in one line."""


def needs(holds: object, otherwise: str) -> None:
    """Raises Silent, with the setting that this run has instead, where what a claim needs is not so."""
    if not holds:
        raise Silent(otherwise)


def where(table: pd.DataFrame, **at: object) -> pd.DataFrame:
    """The rows in which these columns have these values, or one of a list of values; may be none."""
    return table[_rows(table, at)]


def _rows(table: pd.DataFrame, at: Mapping[str, object]) -> np.ndarray:
    """Which rows these are."""
    rows = np.ones(len(table), dtype=bool)
    for column, value in at.items():
        cells = table[column]
        rows &= (cells.isin(value) if isinstance(value, list | tuple | set) else cells == value).to_numpy(dtype=bool)
    return rows


def present(table: pd.DataFrame, **at: object) -> pd.DataFrame:
    """The rows of `where`. Raises Silent where there are none: this run was made without them."""
    needs(len(table), "nothing is measured yet")
    chosen = where(table, **at)
    needs(len(chosen), f"{', '.join(f'{name}={_shown(value)}' for name, value in at.items())}: not in this run")
    return chosen


def only(table: pd.DataFrame, column: str = "value", **at: object) -> float:
    """The one number there. Raises Silent where there is none, ValueError where there are several."""
    numbers = present(table, **at)[column]
    if len(numbers) > 1:
        raise ValueError(f"{len(numbers)} rows at {at}, where one was asked for")
    return float(numbers.iloc[0])


def values(table: pd.DataFrame, column: str = "value", **at: object) -> np.ndarray:
    """All numbers there, in the table's order, in float64. Raises Silent where there are none."""
    return present(table, **at)[column].to_numpy(dtype=np.float64)


def once(table: pd.DataFrame, seed: int, **at: object) -> pd.DataFrame:
    """A table whose rows at some values, what a run measures once and with its first seed, are those of that seed.

    A sweep over seeds, joined, holds such rows once for each of its points.
    """
    return table[~_rows(table, at) | (table["seed"] == seed).to_numpy(dtype=bool)]


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
