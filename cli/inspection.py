"""What finished runs say: list them, judge and draw them again, lay two side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.catalogue import module_of
from cli.errors import CommandError
from deepk.lab import record as records
from deepk.lab import runner, store
from deepk.lab.claims import count_line, unexplained
from deepk.lab.configuration import plain
from deepk.lab.contract import Experiment

if TYPE_CHECKING:
    import pandas as pd


def runs(results: Path, name: str | None) -> list[dict[str, Any]]:
    """A row for each version folder, oldest first; one whose record cannot be read says so."""
    homes = [results / name] if name else sorted(path for path in _folders(results) if path.name != "reference")
    rows = []
    for home in homes:
        for folder in store.versions(home):
            row: dict[str, Any] = {"run": f"{home.name}/{folder.name}"}
            try:
                record = records.load(folder)
            except store.StoreError:
                rows.append({**row, "status": "unreadable"})
                continue
            rows.append(
                {
                    **row,
                    "status": record.status,
                    "kind": record.kind,
                    "scale": record.scale,
                    "started": record.started,
                    "seconds": record.seconds,
                    "commit": str(record.git.get("commit", ""))[:8] + ("+" if record.git.get("dirty") else ""),
                    "verdicts": record.error or record.verdicts,
                    "overrides": " ".join(record.overrides),
                }
            )
    return rows


def _folders(path: Path) -> list[Path]:
    return [child for child in path.iterdir() if child.is_dir()] if path.is_dir() else []


def _open(folder: Path) -> tuple[Experiment, records.Record, list[runner.Group]]:
    """A finished run's experiment, record and configurations."""
    from cli import configuration

    record = records.load(folder)
    if not (folder / "data.csv").exists():
        raise CommandError(f"{folder} is {record.status} and has no data yet")
    groups = [runner.Group(at, config) for at, config in configuration.read(folder, record.experiment)]
    return Experiment(module_of(record.experiment)), record, groups


def verify(folder: Path, *, save: bool = False) -> tuple[pd.DataFrame, str, list[str]]:
    """A run's claims judged again from its CSV files: the table, its count, and the unexplained differences.

    With `save`, claims.csv and the record are brought up to date, and the record says when and by which commit.
    """
    experiment, record, groups = _open(folder)
    table = runner.judge_groups(experiment, runner.Tables.read(folder), groups)
    count = count_line(table)
    if save:
        _refuse_live(folder)
        store.write_table(folder / "claims.csv", table)
        record.verdicts, record.judged = count, {"at": records.now(), "git": records.git_state()}
        runner.note_outputs(folder, record, [folder / "claims.csv"])
        record.save(folder)
    return table, count, unexplained(table)


def edited(folder: Path) -> list[str]:
    """The tables of a run that are no longer the files which it wrote."""
    return runner.altered(folder, records.load(folder))


def plot(folder: Path) -> list[Path]:
    """A run's figures drawn again from its CSV files, in place; their new checksums go into its record."""
    experiment, record, groups = _open(folder)
    _refuse_live(folder)
    paths = runner.draw_groups(experiment, folder, runner.Tables.read(folder), groups)
    runner.note_outputs(folder, record, paths)
    record.save(folder)
    return paths


def _refuse_live(folder: Path) -> None:
    if store.is_held(folder):
        raise store.RunIsAlive(f"{folder} is being run by {store.holder(folder)}; wait for it, or stop it first")


def compare(first: Path, second: Path) -> dict[str, list[dict[str, Any]]]:
    """What differs between two runs: configuration, environment, claims, and the columns of data.csv.

    Raises CommandError for runs of two experiments, and for a sweep beside a single run.
    """
    one, two = _open(first), _open(second)
    if one[1].experiment != two[1].experiment:
        raise CommandError(f"{one[1].experiment} and {two[1].experiment} are different experiments: nothing to compare")
    if one[1].kind != two[1].kind:
        raise CommandError(f"{first} is a {one[1].kind} and {second} a {two[1].kind}: compare one point of the sweep")
    return {
        "config": _lines(_configs(one[2]), _configs(two[2])),
        "environment": _lines(_environment(one[1]), _environment(two[1])),
        "claims": _claims(first, second),
        "data": _numbers(store.read_table(first / "data.csv"), store.read_table(second / "data.csv"), one[0]),
    }


def _configs(groups: Sequence[runner.Group]) -> dict[str, Any]:
    """The configuration of a run, or those of a sweep by their swept values."""
    return plain(groups[0].config) if len(groups) == 1 else {f"[{g.suffix}]": plain(g.config) for g in groups}


def _environment(record: records.Record) -> dict[str, Any]:
    machine = {"threads": record.threads, "device": record.device, "data": record.data}
    return {**record.environment, **machine, "commit": record.git.get("commit", ""), "dirty": record.git.get("dirty")}


def _lines(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    changes = records.difference(old, new)
    return [{"what": key, "first": str(before), "second": str(after)} for key, before, after in changes]


def _claims(first: Path, second: Path) -> list[dict[str, Any]]:
    """Claims whose measurement or verdict differs."""
    tables = [store.read_table(folder / "claims.csv").set_index("name") for folder in (first, second)]
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


def _numbers(first: pd.DataFrame, second: pd.DataFrame, experiment: Experiment) -> list[dict[str, Any]]:
    """How many rows each run has, and for each column of numbers the largest difference on the rows of both."""
    import numpy as np

    floats = [name for name in experiment.columns if "f" in (first[name].dtype.kind, second[name].dtype.kind)]
    shared = [name for name in first.columns if name in second.columns and name not in floats]
    both = first.merge(second, on=shared, suffixes=("_1", "_2"))
    rows: list[dict[str, Any]] = []
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


def all_runs(results: Path) -> Sequence[Path]:
    """Every finished run under `results`, the reference results among them."""
    folders = sorted(path.parent for path in results.glob("*/v*/run.json")) + sorted(
        path.parent for path in results.glob("reference/*/*/run.json")
    )
    return [folder for folder in folders if (folder / "claims.csv").exists()]
