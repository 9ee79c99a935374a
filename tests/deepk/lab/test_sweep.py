"""Joining the points of a sweep."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

from deepk.lab import Unit, sweep
from deepk.lab.folder import RunFolder
from deepk.lab.runner import Group, Tables


@dataclass
class Config:
    width: int = 8
    train_size: int | None = None
    seeds: list[int] = field(default_factory=lambda: [0])
    activations: list[str] = field(default_factory=lambda: ["tanh"])


def alone(config: Config) -> list[Unit]:
    """A unit for each seed and activation."""
    return [Unit({"activation": name, "seed": seed}) for name in config.activations for seed in config.seeds]


def together(config: Config) -> list[Unit]:
    """A unit for each activation, which measures all seeds; and one that has none."""
    return [Unit({"part": "training", "activation": name}) for name in config.activations] + [Unit({"part": "counts"})]


@pytest.mark.parametrize(
    ("configs", "units", "meet"),
    [
        ([Config(seeds=[0]), Config(seeds=[1]), Config(seeds=[2])], alone, ""),
        ([Config(seeds=[0]), Config(seeds=[1]), Config(seeds=[2])], together, ""),
        (
            [Config(seeds=[0, 1]), Config(seeds=[1, 2])],
            alone,
            "points 0 and 1 of the sweep measure the same unit: tanh",
        ),
        ([Config(seeds=[0, 1]), Config(seeds=[1, 2])], together, "points 0 and 1 of the sweep measure the same unit"),
        ([Config(seeds=[0]), Config(seeds=[1]), Config(seeds=[0])], alone, "points 0 and 2"),
        ([Config(width=8), Config(width=16)], alone, ""),
        ([Config(activations=["tanh"]), Config(activations=["relu"])], alone, ""),
        ([Config(activations=["tanh"]), Config(activations=["relu"])], together, "points 0 and 1"),
        ([Config(), Config()], alone, "points 0 and 1"),
    ],
)
def test_points_that_would_measure_the_same_unit_are_known_beforehand(
    configs: list[Config], units: Callable[[Config], list[Unit]], meet: str
) -> None:
    found = sweep.overlap(configs, units)
    assert found.startswith(meet)
    assert bool(found) == bool(meet)


def test_a_swept_key_that_is_also_a_column_of_the_data_has_a_column_of_its_own() -> None:
    points = [sweep.Point(RunFolder(Path("0")), Config(width=8)), sweep.Point(RunFolder(Path("1")), Config(width=16))]
    configs = [point.config for point in points]
    assert sweep._columns(configs, ["seed", "loss"]) == {"width": "width"}
    assert sweep._columns(configs, ["seed", "width"]) == {"width": "config.width"}
    (group, _) = sweep._groups(points, {"width": "config.width"})
    assert group.suffix == "width=8"


def test_a_point_that_is_there_alone_is_named_as_it_will_be_among_the_others() -> None:
    point = sweep.Point(RunFolder(Path("1")), Config(width=16))
    table = pd.DataFrame({"seed": [0], "value": [1.0]})
    tables = Tables(table, table, pd.DataFrame({"seed": [0], "seconds": [2.0]}))
    joined, (group,) = sweep.joined([point], [tables], [Config(width=8), point.config])
    assert group.suffix == "width=16"
    assert joined.data.to_dict("list") == {"width": [16], "seed": [0], "value": [1.0]}


def test_rows_of_a_unit_without_seeds_are_joined_once_and_repeated_rows_of_one_point_stay() -> None:
    first = pd.DataFrame({"seed": [0, 0, 7], "value": [1.0, 1.0, math.nan]})
    second = pd.DataFrame({"seed": [1, 7], "value": [2.0, math.nan]})
    joined = sweep._pooled([first, second])
    assert joined["seed"].tolist() == [0, 0, 7, 1]


def test_the_seconds_of_a_unit_that_two_points_measured_are_their_mean() -> None:
    tables = [pd.DataFrame({"part": ["training"], "seconds": [seconds]}) for seconds in (2.0, 4.0)]
    assert sweep._timing(tables, pd.DataFrame(columns=["part", "value"]))["seconds"].tolist() == [3.0]


def test_a_group_selects_its_rows_and_drops_the_swept_columns() -> None:
    table = pd.DataFrame({"width": [8, 8, 16], "train_size": [float("nan"), 100, 100], "x": [1.0, 2.0, 3.0]})
    group = Group({"width": 8, "train_size": None}, Config())
    assert group.select(table).to_dict("list") == {"x": [1.0]}
    assert group.suffix == "width=8,train_size=None"


def test_timing_joins_the_data_row_by_row() -> None:
    data = pd.DataFrame({"seed": [0, 0, 1, 1], "epoch": [1, 2, 1, 2], "loss": [4.0, 3.0, 2.0, 1.0]})
    timing = pd.DataFrame({"seed": [1, 1, 0, 0], "epoch": [2, 1, 2, 1], "seconds": [9.0, 8.0, 7.0, 6.0]})
    timed = Tables(pd.DataFrame(), data, timing).timed()
    assert list(timed["seconds"]) == [6.0, 7.0, 8.0, 9.0]
    assert list(timed["loss"]) == [4.0, 3.0, 2.0, 1.0]
