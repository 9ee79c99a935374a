"""Sweeps: the points' tables joined into one, judged and drawn as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from deepk.lab import store
from deepk.lab.configuration import flat, plain
from deepk.lab.contract import Experiment, Unit
from deepk.lab.folder import RunFolder
from deepk.lab.runner import Group, Tables, finish

if TYPE_CHECKING:
    import pandas as pd

    from deepk.lab.record import Record

POOLED = "seeds"  # the list whose values pool even where a unit measures all of them together


@dataclass(frozen=True)
class Point:
    """One finished point of a sweep: its folder, and its typed config."""

    folder: RunFolder
    config: Any


def join(
    experiment: Experiment,
    points: Sequence[Point],
    folder: RunFolder,
    record: Record,
    *,
    planned: Sequence[Any] = (),
) -> None:
    """Joins the points' tables into `folder`, judges and draws them.

    Scalars that differ between points become columns, and each setting of them is judged by itself. Lists that differ
    (`seeds`, `activations`) select what is measured: their points pool into one setting. `planned` are the configs of
    all points of the sweep, so that those which are there are named as they will be among the others. Raises
    ValueError where two points measured the same unit.
    """
    if twice := overlap([point.config for point in points], experiment.units):
        raise ValueError(twice)
    tables, groups = joined(points, [Tables.read(point.folder) for point in points], planned)
    for name in ("theory", "data", "timing"):
        store.write_table(folder.table(name), getattr(tables, name))
    store.write_text(folder.config, _groups_yaml(groups))
    finish(experiment, folder, record, groups)


def joined(
    points: Sequence[Point], tables: Sequence[Tables], planned: Sequence[Any] = ()
) -> tuple[Tables, list[Group]]:
    """The points' tables as one, with columns for the swept scalars, and the settings that they hold."""
    taken = {column for of_point in tables for table in vars(of_point).values() for column in table.columns}
    columns = _columns(planned or [point.config for point in points], taken)
    theory, data, timing = (
        [
            _with_swept(getattr(of_point, name), point.config, columns)
            for point, of_point in zip(points, tables, strict=True)
        ]
        for name in ("theory", "data", "timing")
    )
    pooled = _pooled(data)
    return Tables(_pooled(theory), pooled, _timing(timing, pooled)), _groups(points, columns)


def _swept_scalars(configs: Sequence[Any]) -> list[str]:
    """Dotted names of the scalar config values that differ between the points."""
    values = [flat(config) for config in configs]
    return [
        key
        for key, value in values[0].items()
        if not isinstance(value, list) and any(other.get(key) != value for other in values)
    ]


def _columns(configs: Sequence[Any], taken: Iterable[str]) -> dict[str, str]:
    """Swept key -> its column in the joined tables: `config.slope` where a table has a column `slope` of its own."""
    names = set(taken)
    swept = _swept_scalars(configs)
    return {key: f"config.{key}" if key in names else key for key in swept}


def overlap(configs: Sequence[Any], units: Callable[[Any], Sequence[Unit]]) -> str:
    """Which two points would measure the same unit, in words, or nothing; known before anything runs.

    Points alike in their scalars are compared by the keys of their units. Two points that differ in their seeds alone,
    and have none in common, may share a key: that unit measures all seeds of a config together, or none.
    """
    swept = _swept_scalars(configs) if configs else []
    seen: dict[tuple[Any, ...], list[int]] = {}
    for number, config in enumerate(configs):
        at = tuple(flat(config).get(key) for key in swept)
        for part, label in _parts(units(config)):
            others = seen.setdefault((*at, part), [])
            for other in others:
                if not _other_seeds_alone(configs[other], config):
                    return f"points {other} and {number} of the sweep measure the same unit: {label}"
            others.append(number)
    return ""


def _parts(units: Sequence[Unit]) -> Iterator[tuple[str, str]]:
    """What the units measure, so that the same is the same text, and how a person reads it."""
    for unit in units:
        if unit.parts:
            yield from zip(unit.parts, unit.parts, strict=True)
        else:
            yield unit.file_stem, unit.label


def _other_seeds_alone(first: Any, second: Any) -> bool:
    """Whether two configs, alike in their scalars, have no seed in common, and the same lists otherwise."""
    one, two = flat(first), flat(second)
    seeds, other_seeds = set(one.pop(POOLED, [])), set(two.pop(POOLED, []))
    lists = {key for key, value in one.items() if isinstance(value, list)}
    return bool(seeds) and seeds.isdisjoint(other_seeds) and all(one[key] == two.get(key) for key in lists)


def _groups(points: Sequence[Point], columns: Mapping[str, str]) -> list[Group]:
    """A group for each setting of the swept scalars; its lists hold what its points' lists hold, in order."""
    groups: dict[tuple[Any, ...], Group] = {}
    for point in points:
        values = flat(point.config)
        at = {column: values.get(key) for key, column in columns.items()}
        known = groups.get(tuple(at.values()))
        groups[tuple(at.values())] = Group(at, _union(known.config, point.config) if known else point.config)
    return list(groups.values())


def _union(first: Any, second: Any) -> Any:
    """`first`, its lists extended by what only `second` holds."""
    lists = {
        key: [*value, *(each for each in getattr(second, key) if each not in value)]
        for key, value in vars(first).items()
        if isinstance(value, list)
    }
    return replace(first, **lists)


def _with_swept(table: pd.DataFrame, config: Any, columns: Mapping[str, str]) -> pd.DataFrame:
    """A point's table, the swept columns first."""
    values = flat(config)
    return table.assign(**{column: values.get(key) for key, column in columns.items()})[
        [*columns.values(), *table.columns]
    ]


def _pooled(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The tables one below the other, without rows that an earlier one holds already: of a unit without seeds, say."""
    import pandas as pd

    kept, seen = [], set()
    for table in tables:
        rows = list(map(tuple, table.astype(str).to_numpy()))
        kept.append(table[[row not in seen for row in rows]])
        seen |= set(rows)
    return pd.concat(kept, ignore_index=True)


def _timing(tables: Sequence[pd.DataFrame], data: pd.DataFrame) -> pd.DataFrame:
    """The wall-clock rows; the mean of those that two points have of the same unit."""
    import pandas as pd

    joined = pd.concat(tables, ignore_index=True)
    index = [column for column in joined if column in data]
    return joined.groupby(index, sort=False, as_index=False, dropna=False).mean()


def _groups_yaml(groups: Sequence[Group]) -> str:
    content = {"groups": [{"at": dict(group.at), "config": plain(group.config)} for group in groups]}
    return str(yaml.safe_dump(content, sort_keys=False))
