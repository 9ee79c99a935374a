"""Bounds of configuration values: dataclass fields that say what is allowed, in words and as a check.

`default` is the value of a field that no YAML file sets: that of an experiment in one file. Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from dataclasses import field
from typing import Any

from omegaconf import MISSING

from deepk import activations


def bounded(allowed: str, holds: Callable[[Any], bool], *, default: Any = MISSING) -> Any:
    """A value for which `holds`, which `allowed` says in words."""
    metadata = {"allowed": allowed, "holds": holds}
    if isinstance(default, list | dict):
        return field(default_factory=lambda: copy(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def at_least(bound: float, *, default: Any = MISSING) -> Any:
    """A number >= bound."""
    return bounded(f"a number >= {bound}", lambda x: x >= bound, default=default)


def between(low: float, high: float, *, default: Any = MISSING) -> Any:
    """A number in [low, high]."""
    return bounded(f"a number in [{low}, {high}]", lambda x: low <= x <= high, default=default)


def positive(*, default: Any = MISSING) -> Any:
    """A finite number > 0."""
    return bounded("a finite number > 0", lambda x: 0 < x < math.inf, default=default)


def optional_at_least(bound: float, *, default: Any = MISSING) -> Any:
    """A number >= bound, or null."""
    return bounded(f"a number >= {bound}, or null", lambda x: x is None or x >= bound, default=default)


def each_at_least(bound: float, *, default: Any = MISSING) -> Any:
    """A dict whose values are all >= bound."""
    return bounded(f"a number >= {bound}", lambda x: x >= bound, default=default)


def one_of(*names: str, default: Any = MISSING) -> Any:
    """One of the names."""
    return bounded(f"one of {', '.join(names)}", lambda x: x in names, default=default)


def some_of(*names: str, default: Any = MISSING) -> Any:
    """A non-empty list, without repetition, of these names."""
    allowed = f"a list of {', '.join(names)}"
    return bounded(allowed, lambda xs: distinct(xs) and all(x in names for x in xs), default=default)


def subset_of(*names: str) -> Any:
    """A list, may be empty, without repetition, of these names; all of them by default."""
    allowed = f"a list of {', '.join(names)}, may be empty"
    return bounded(allowed, lambda xs: len(xs) == len(set(xs)) and set(xs) <= set(names), default=list(names))


def each_positive(*, default: Any = MISSING) -> Any:
    """A non-empty list of different finite numbers > 0."""
    allowed = "a list of different finite numbers > 0"
    return bounded(allowed, lambda xs: distinct(xs) and all(0 < x < math.inf for x in xs), default=default)


def seeds(*, default: Any = MISSING) -> Any:
    """A non-empty list of integers >= 0, without repetition."""
    allowed = "a list of different integers >= 0"
    return bounded(allowed, lambda xs: distinct(xs) and all(x >= 0 for x in xs), default=default)


def integers(bound: int, most: float = math.inf, *, odd: bool = False, default: Any = MISSING) -> Any:
    """A non-empty list of integers >= bound, and <= most, without repetition; of odd ones alone if `odd`."""
    kind = "odd integers" if odd else "integers"
    where = f">= {bound}" if most == math.inf else f"in [{bound}, {most}]"
    return bounded(
        f"a list of different {kind} {where}",
        lambda xs: distinct(xs) and all(bound <= x <= most and not (odd and x % 2 == 0) for x in xs),
        default=default,
    )


def any_integers(bound: int, *, default: Any = MISSING) -> Any:
    """A list, may be empty, of integers >= bound, without repetition."""
    return bounded(
        f"a list of different integers >= {bound}, may be empty",
        lambda xs: len(xs) == len(set(xs)) and all(x >= bound for x in xs),
        default=default,
    )


def activation(*, default: Any = MISSING) -> Any:
    """A known activation, or `package.module:function`, which is imported."""
    allowed = "a known activation, or package.module:function"
    return bounded(allowed, lambda x: bool(activations.get(x)), default=default)


def activation_list(*, default: Any = MISSING) -> Any:
    """A non-empty list, without repetition, of known activations or `package.module:function`, which is imported."""
    return bounded(
        f"a list of {', '.join(activations.NAMES)}, or package.module:function",
        lambda xs: distinct(xs) and all(activations.get(x) for x in xs),
        default=default,
    )


def distinct(values: list[Any]) -> bool:
    """Whether a list is not empty and holds nothing twice."""
    return 0 < len(values) == len(set(values))
