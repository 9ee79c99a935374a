"""Wrong results and wrong code, made on purpose: what a verdict, or a test, must notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from deepk.lab import where
from deepk.lab.runner import Tables

Change = Callable[[Tables], Tables]
Which = Literal["theory", "data"]


@dataclass(frozen=True)
class Mutant:
    """A plausible wrong result, on the tables of a reference run.

    Attributes:
        what: what is wrong, in words.
        label: of the reference run, results/reference/<experiment>/<label>.
        change: makes the wrong tables.
        hits: patterns (fnmatch) of the claims at which it is aimed; each of them must match one that then differs.
    """

    what: str
    label: str
    change: Change
    hits: tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    """A wrong line of code.

    Attributes:
        path: of the file, from the root of the repository.
        right: a text that stands there once.
        wrong: what a slip would make of it.
        noticed_by: a test, as pytest names it, that must fail.
    """

    path: str
    right: str
    wrong: str
    noticed_by: str


def scaled(factor: float, column: str = "value", *, of: Which = "data", **at: object) -> Change:
    """That column times a factor, in the rows where some columns have some values (or one of a list)."""
    return edited(lambda numbers: numbers * factor, column, of=of, **at)


def set_to(number: float, column: str = "value", *, of: Which = "data", **at: object) -> Change:
    """One number in that column, in the rows where some columns have some values: chance level, say."""
    return edited(lambda numbers: pd.Series(number, index=numbers.index), column, of=of, **at)


def shifted(by: float, column: str = "value", *, of: Which = "data", **at: object) -> Change:
    """That column plus a number, in the rows where some columns have some values."""
    return edited(lambda numbers: numbers + by, column, of=of, **at)


def edited(
    change: Callable[[pd.Series[float]], pd.Series[float]], column: str = "value", *, of: Which = "data", **at: object
) -> Change:
    """That column changed by a function, in the rows where some columns have some values."""

    def mutate(tables: Tables) -> Tables:
        table = getattr(tables, of).copy()
        rows = where(table, **at).index
        assert len(rows), f"no rows at {at}"
        table[column] = table[column].astype(float)
        table.loc[rows, column] = change(table.loc[rows, column])
        return replace(tables, **{of: table})

    return mutate


def swapped(column: str, first: object, second: object, *, of: Which = "data") -> Change:
    """The rows of one value of a column exchanged with those of another: relu for tanh, say."""
    return relabelled(column, {first: second, second: first}, of=of)


def backwards(column: str, *, of: Which = "data", **at: object) -> Change:
    """The values of a column in the opposite order: what belongs to the first depth stands at the last."""

    def mutate(tables: Tables) -> Tables:
        table = getattr(tables, of)
        values = sorted(where(table, **at)[column].unique())
        return relabelled(column, dict(zip(values, reversed(values), strict=True)), of=of, **at)(tables)

    return mutate


def relabelled(column: str, names: dict[object, object], *, of: Which = "data", **at: object) -> Change:
    """Values of a column replaced by others, in the rows where some columns have some values."""

    def mutate(tables: Tables) -> Tables:
        table = getattr(tables, of).copy()
        rows = where(table, **at).index
        assert table.loc[rows, column].isin(list(names)).any(), f"{column} has none of {list(names)}"
        table.loc[rows, column] = table.loc[rows, column].map(lambda value: names.get(value, value))
        return replace(tables, **{of: table})

    return mutate


def both(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def mutate(tables: Tables) -> Tables:
        for change in changes:
            tables = change(tables)
        return tables

    return mutate
