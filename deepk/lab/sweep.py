"""Sweeps: the points' tables joined into one, judged and drawn as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from deepk.lab import store
from deepk.lab.configuration import flat, plain
from deepk.lab.contract import Experiment
from deepk.lab.runner import Group, finish

if TYPE_CHECKING:
    import pandas as pd

    from deepk.lab.record import Record


@dataclass(frozen=True)
class Point:
    """One finished point of a sweep: its folder, and its typed config."""

    folder: Path
    config: Any


def join(experiment: Experiment, points: Sequence[Point], folder: Path, record: Record) -> None:
    """Joins the points' tables into `folder`, judges and draws them.

    Scalars that differ between points become columns, and each setting of them is judged by itself. Lists that differ
    (`seeds`, `activations`) select units: their points pool into one setting. Raises ValueError where two points
    measured the same unit.
    """
    swept = _swept_scalars(points)
    groups = _groups(points, swept)
    _refuse_twice(points, swept, list(experiment.units(points[0].config)[0].key))
    for name in ("theory", "data", "timing"):
        store.write_table(folder / f"{name}.csv", _concatenate(points, swept, name))
    store.write_text(folder / "config.yaml", _groups_yaml(groups))
    finish(experiment, folder, record, groups)


def _swept_scalars(points: Sequence[Point]) -> list[str]:
    """Dotted names of the scalar config values that differ between the points."""
    values = [flat(point.config) for point in points]
    return [
        key
        for key, value in values[0].items()
        if not isinstance(value, list) and any(other.get(key) != value for other in values)
    ]


def overlap(configs: Sequence[Any]) -> str:
    """Which two points would measure the same units, or nothing.

    Two points do when they are alike in their scalars and have a common value in each list: every experiment's units
    are the combinations of its lists, so this is known before anything runs.
    """
    values = [flat(config) for config in configs]
    for second, other in enumerate(values):
        for first, one in enumerate(values[:second]):
            if all(_meet(one.get(key), other.get(key)) for key in one):
                return f"points {first} and {second} of the sweep measure the same units"
    return ""


def _meet(one: Any, other: Any) -> bool:
    return bool(set(one) & set(other)) if isinstance(one, list) else bool(one == other)


def _groups(points: Sequence[Point], swept: Sequence[str]) -> list[Group]:
    """A group for each setting of the swept scalars; its lists hold what its points' lists hold, in order."""
    groups: dict[tuple[Any, ...], Group] = {}
    for point in points:
        values = flat(point.config)
        at = {key: values.get(key) for key in swept}
        known = groups.get(tuple(at.values()))
        groups[tuple(at.values())] = Group(at, _union(known.config, point.config) if known else point.config)
    return list(groups.values())


def _union(first: Any, second: Any) -> Any:
    """`first`, its lists extended by what only `second` holds."""
    lists = {
        key: list(dict.fromkeys([*value, *getattr(second, key)]))
        for key, value in vars(first).items()
        if isinstance(value, list)
    }
    return replace(first, **lists)


def _concatenate(points: Sequence[Point], swept: Sequence[str], name: str) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for point in points:
        values = flat(point.config)
        table = store.read_table(point.folder / f"{name}.csv")
        for position, key in enumerate(swept):
            table.insert(position, key, values.get(key))
        parts.append(table)
    joined = pd.concat(parts, ignore_index=True)
    return joined.drop_duplicates(ignore_index=True) if name == "theory" else joined


def _refuse_twice(points: Sequence[Point], swept: Sequence[str], key: Sequence[str]) -> None:
    """ValueError where two points, alike in the swept scalars, measured the same unit."""
    seen: dict[tuple[Any, ...], Path] = {}
    for point in points:
        values = flat(point.config)
        for unit in store.read_table(point.folder / "timing.csv")[list(key)].drop_duplicates().itertuples(index=False):
            identity = (*(values.get(name) for name in swept), *unit)
            if identity in seen:
                label = " ".join(str(value) for value in unit)
                raise ValueError(
                    f"the same unit twice: {label} in points {seen[identity].name} and {point.folder.name}"
                )
            seen[identity] = point.folder


def _groups_yaml(groups: Sequence[Group]) -> str:
    content = {"groups": [{"at": dict(group.at), "config": plain(group.config)} for group in groups]}
    return str(yaml.safe_dump(content, sort_keys=False))
