"""Configurations: their bounds, and their values as plain and flat dicts."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from deepk.lab import Configuration, bounds
from deepk.lab.configuration import ConfigError, check, flat
from deepk.lab.reading import typed


@dataclass
class Inner:
    name: str = "digits"


@dataclass
class Outer:
    depth: int = 3
    seeds: list[int] = field(default_factory=lambda: [0, 1])
    data: Inner = field(default_factory=Inner)
    sigma_b: dict[str, float] = field(default_factory=lambda: {"relu": 0.0})


def test_a_config_is_flat_under_dotted_keys() -> None:
    assert flat(Outer()) == {"depth": 3, "seeds": [0, 1], "data.name": "digits", "sigma_b.relu": 0.0}


@dataclass
class Config(Configuration):
    """Of an experiment in one file."""

    threads: int = bounds.at_least(1, default=1)
    device: str = bounds.one_of("cpu", "cuda", default="cpu")
    sizes: list[int] = bounds.integers(1, default=[10, 100])
    rate: float = bounds.positive(default=0.1)


VALUES = {"experiment": "mine", "scale": "own"}


def test_a_bound_may_have_a_default_which_no_two_configurations_share() -> None:
    first, second = Config(**VALUES), Config(**VALUES)
    assert (first.sizes, first.rate) == ([10, 100], 0.1)
    first.sizes.append(1000)
    assert second.sizes == [10, 100]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"rate": 0.0}, "rate=0.0 is not allowed: it takes a finite number > 0"),
        ({"sizes": [0]}, r"sizes=\[0\] is not allowed: it takes a list of different integers >= 1"),
        ({"device": "gpu"}, "device=gpu is not allowed: it takes one of cpu, cuda"),
        ({"rate": "fast"}, "rate=fast is not allowed: it takes a number"),
    ],
)
def test_a_value_outside_its_bound_is_one_line(values: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError, match=line):
        typed(Config, {**VALUES, **values})


def test_values_inside_their_bounds_pass() -> None:
    check(Config(**VALUES))
