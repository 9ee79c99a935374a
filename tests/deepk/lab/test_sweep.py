"""Joining the points of a sweep."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
import pytest

from deepk.lab import sweep
from deepk.lab.runner import Group, Tables


@dataclass
class Config:
    width: int = 8
    train_size: int | None = None
    seeds: list[int] = field(default_factory=lambda: [0])
    activations: list[str] = field(default_factory=lambda: ["tanh"])


@pytest.mark.parametrize(
    ("configs", "meet"),
    [
        ([Config(seeds=[0]), Config(seeds=[1]), Config(seeds=[2])], ""),
        ([Config(seeds=[0, 1]), Config(seeds=[1, 2])], "points 0 and 1"),
        ([Config(seeds=[0]), Config(seeds=[1]), Config(seeds=[0])], "points 0 and 2"),
        ([Config(width=8), Config(width=16)], ""),
        ([Config(activations=["tanh"]), Config(activations=["relu"])], ""),
        ([Config(), Config()], "points 0 and 1"),
    ],
)
def test_points_that_would_measure_the_same_unit_are_known_beforehand(configs: list[Config], meet: str) -> None:
    found = sweep.overlap(configs)
    assert found.startswith(meet)
    assert bool(found) == bool(meet)


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
