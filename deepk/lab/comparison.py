"""Two runs side by side: what differs in configuration, environment, claims and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deepk.errors import LabError
from deepk.lab import record as records
from deepk.lab import store
from deepk.lab.configuration import plain
from deepk.lab.runner import Group
from deepk.lab.verification import FinishedRun

if TYPE_CHECKING:
    import pandas as pd

Rows = list[dict[str, Any]]


def compare(first: FinishedRun, second: FinishedRun) -> dict[str, Rows]:
    """What differs between two runs: configuration, environment, claims, and the columns of data.csv.

    Raises LabError for runs of two experiments, and for a sweep beside a single run.
    """
    one, two = first.record, second.record
    if one.experiment != two.experiment:
        raise LabError(f"{one.experiment} and {two.experiment} are different experiments: nothing to compare")
    if one.kind != two.kind:
        raise LabError(
            f"{first.folder} is a {one.kind} and {second.folder} a {two.kind}: compare one point of the sweep"
        )
    return {
        "config": _lines(_configs(first.groups), _configs(second.groups)),
        "environment": _lines(_environment(one), _environment(two)),
        "claims": _claims(*(store.read_table(run.folder.claims) for run in (first, second))),
        "data": _numbers(first.tables.data, second.tables.data, first.entry.experiment.columns),
    }


def _configs(groups: Sequence[Group]) -> dict[str, Any]:
    """The configuration of a run, or those of a sweep by their swept values."""
    return plain(groups[0].config) if len(groups) == 1 else {f"[{g.suffix}]": plain(g.config) for g in groups}


def _environment(record: records.Record) -> dict[str, Any]:
    machine = {"threads": record.threads, "device": record.device, "data": record.data}
    return {**record.environment, **machine, "commit": record.git.get("commit", ""), "dirty": record.git.get("dirty")}


def _lines(old: dict[str, Any], new: dict[str, Any]) -> Rows:
    changes = records.difference(old, new)
    return [{"what": key, "first": str(before), "second": str(after)} for key, before, after in changes]


def _claims(first: pd.DataFrame, second: pd.DataFrame) -> Rows:
    """Claims whose measurement or verdict differs."""
    tables = [table.set_index("name") for table in (first, second)]
    rows = []
    for name in dict.fromkeys([*tables[0].index, *tables[1].index]):
        sides = [_side(table, str(name)) for table in tables]
        if sides[0] != sides[1]:
            rows.append({"what": name, "first": sides[0], "second": sides[1]})
    return rows


def _side(table: pd.DataFrame, name: str) -> str:
    if name not in table.index:
        return "absent"
    row = table.loc[name]
    measured = "" if row["verdict"] == "not-comparable" else f" ({row['measured']:.6g})"
    return f"{row['verdict']}{measured}"


def _numbers(first: pd.DataFrame, second: pd.DataFrame, columns: Sequence[str]) -> Rows:
    """How many rows each run has, and for each column of numbers the largest difference on the rows of both."""
    import numpy as np

    absent = [name for name in columns if name not in first.columns or name not in second.columns]
    if absent:  # of a version of the experiment that had other columns: row by row nothing can be compared
        sides = [
            {name: "present" if name in table.columns else "absent" for name in absent} for table in (first, second)
        ]
        return [{"what": f"column {name}", "first": sides[0][name], "second": sides[1][name]} for name in absent]
    floats = [name for name in columns if "f" in (first[name].dtype.kind, second[name].dtype.kind)]
    shared = [name for name in first.columns if name in second.columns and name not in floats]
    both = first.merge(second, on=shared, suffixes=("_1", "_2"))
    rows: Rows = []
    if not len(first) == len(second) == len(both):
        rows.append({"what": f"rows ({len(both)} in both)", "first": len(first), "second": len(second)})
    for name in floats:
        one, two = both[f"{name}_1"].to_numpy(dtype=float), both[f"{name}_2"].to_numpy(dtype=float)
        if len(both) and not np.array_equal(one, two, equal_nan=True):
            # A number that only one side has is the largest difference there is.
            change = np.where(np.isnan(one) & np.isnan(two), 0.0, np.nan_to_num(abs(one - two), nan=np.inf))
            worst = change.argmax()
            rows.append({"what": f"{name} (largest difference)", "first": one[worst], "second": two[worst]})
    return rows
