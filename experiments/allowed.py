"""What the values of a configuration may be: fields with a bound, and the check of a configuration against them.

Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import field, fields, is_dataclass
from operator import attrgetter
from typing import Any

from omegaconf import MISSING

from deepk import activations


class ConfigError(ValueError):
    """A configuration value that is not allowed: one line with the key, the value, and what is."""


def bounded(allowed: str, holds: Callable[[Any], bool]) -> Any:
    """A value for which `holds`, which `allowed` says in words."""
    return field(default=MISSING, metadata={"allowed": allowed, "holds": holds})


def at_least(bound: float) -> Any:
    """A number >= bound."""
    return bounded(f"a number >= {bound}", lambda x: x >= bound)


def positive() -> Any:
    """A finite number > 0."""
    return bounded("a finite number > 0", lambda x: 0 < x < math.inf)


def optional_at_least(bound: float) -> Any:
    """A number >= bound, or null."""
    return bounded(f"a number >= {bound}, or null", lambda x: x is None or x >= bound)


def each_at_least(bound: float) -> Any:
    """A dict whose values are all >= bound."""
    return bounded(f"a number >= {bound}", lambda x: x >= bound)


def one_of(*names: str) -> Any:
    """One of the names."""
    return bounded(f"one of {', '.join(names)}", lambda x: x in names)


def some_of(*names: str) -> Any:
    """A non-empty list, without repetition, of these names."""
    return bounded(f"a list of {', '.join(names)}", lambda xs: distinct(xs) and all(x in names for x in xs))


def subset_of(*names: str) -> Any:
    """A list, may be empty, without repetition, of these names; all of them by default."""
    allowed = {
        "allowed": f"a list of {', '.join(names)}, may be empty",
        "holds": lambda xs: len(xs) == len(set(xs)) and set(xs) <= set(names),
    }
    return field(default_factory=lambda: list(names), metadata=allowed)


def each_positive() -> Any:
    """A non-empty list of different finite numbers > 0."""
    return bounded(
        "a list of different finite numbers > 0", lambda xs: distinct(xs) and all(0 < x < math.inf for x in xs)
    )


def seeds() -> Any:
    """A non-empty list of integers >= 0, without repetition."""
    return bounded("a list of different integers >= 0", lambda xs: distinct(xs) and all(x >= 0 for x in xs))


def between(low: float, high: float) -> Any:
    """A number in [low, high]."""
    return bounded(f"a number in [{low}, {high}]", lambda x: low <= x <= high)


def integers(bound: int, most: float = math.inf, *, odd: bool = False) -> Any:
    """A non-empty list of integers >= bound, and <= most, without repetition; odd ones alone where it says so."""
    kind = "odd integers" if odd else "integers"
    where = f">= {bound}" if most == math.inf else f"in [{bound}, {most}]"
    return bounded(
        f"a list of different {kind} {where}",
        lambda xs: distinct(xs) and all(bound <= x <= most and not (odd and x % 2 == 0) for x in xs),
    )


def any_integers(bound: int) -> Any:
    """A list, may be empty, of integers >= bound, without repetition."""
    return bounded(
        f"a list of different integers >= {bound}, may be empty",
        lambda xs: len(xs) == len(set(xs)) and all(x >= bound for x in xs),
    )


def activation_list() -> Any:
    """A non-empty list, without repetition, of known activations or `package.module:function`, which is imported."""
    return bounded(
        f"a list of {', '.join(activations.NAMES)}, or package.module:function",
        lambda xs: distinct(xs) and all(activations.get(x) for x in xs),
    )


def _is_countable(name: str) -> bool:
    from deepk.dynamics import get_map, markov_partition  # takes as long to import as the command line to start

    if markov_partition(get_map(name)) is None:
        raise ValueError(
            "oscillations are counted where the orbits of all knots are finite, and their numbers exact: "
            "integers, fractions.Fraction or deepk.dynamics.Sqrt5"
        )
    return True


_A_MAP = "golden, tent, li-yorke, or package.module:name"


def markov_map() -> Any:
    """A known map or `package.module:name`, which is imported; its orbits must allow exact counts."""
    return bounded(f"a map: {_A_MAP}", _is_countable)


def markov_maps(*, least: int = 1) -> Any:
    """A list of so many such maps or more, without repetition."""
    return bounded(
        f"a list of maps: {_A_MAP}",
        lambda xs: least <= len(xs) == len(set(xs)) and all(_is_countable(x) for x in xs),
    )


def out_of_digits(maps: list[str], **compositions: list[int]) -> tuple[str, str]:
    """The first key with more compositions than leave three digits in float64, and how many do; or nothing."""
    from deepk.dynamics import get_map

    steepest = min((get_map(name) for name in maps), key=lambda map_: map_.iterations_in_floats)
    most = steepest.iterations_in_floats
    for key, counts in compositions.items():
        if max(counts) > most:
            slope = float(steepest.lipschitz)
            return key, f"at most {most}, after which slope {slope:.4g} leaves no three digits in float64"
    return "", ""


LAWS: dict[str, tuple[str, tuple[Callable[[float], bool], ...]]] = {
    "poisson": ("poisson(rate) with 0 < rate <= 100", (lambda rate: 0 < rate <= 100,)),
    "binomial": (
        "binomial(n, p) with n = 1, ..., 100 and 0 < p <= 1",
        (lambda n: n in range(1, 101), lambda p: 0 < p <= 1),
    ),
    "uniform": ("uniform(n) with n = 1, ..., 100", (lambda n: n in range(1, 101),)),
    "geometric": ("geometric(p) with 0 < p <= 0.99", (lambda p: 0 < p <= 0.99,)),
}


def parse_law(text: str) -> tuple[str, tuple[float, ...]]:
    """Name and numbers of a law of offspring such as "binomial(4, 0.5)"; ValueError where it is none of LAWS."""
    name, _, rest = text.replace(" ", "").partition("(")
    if name not in LAWS or not rest.endswith(")"):
        raise ValueError(f"{text} is not {', '.join(form.partition(' with')[0] for form, _ in LAWS.values())}")
    form, bounds = LAWS[name]
    try:
        numbers = tuple(float(number) for number in rest[:-1].split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != len(bounds) or not all(holds(number) for holds, number in zip(bounds, numbers, strict=True)):
        raise ValueError(f"{text} is not {form}")
    return name, numbers


def law_list() -> Any:
    """A list, may be empty, without repetition, of LAWS with their numbers."""
    return bounded("a list of different laws", lambda xs: len({parse_law(x) for x in xs}) == len(xs))


def distinct(values: list[Any]) -> bool:
    """Not empty, and without repetition."""
    return 0 < len(values) == len(set(values))


def check(config: Any, prefix: str = "") -> None:
    """Raises ConfigError at the first value outside its bounds."""
    for spec in fields(config):
        key, value = f"{prefix}{spec.name}", getattr(config, spec.name)
        if is_dataclass(value):
            check(value, f"{key}.")
        elif "holds" in spec.metadata:
            items = {f"{key}.{name}": item for name, item in value.items()} if isinstance(value, dict) else {key: value}
            for name, item in items.items():
                check_value(name, item, spec.metadata["allowed"], spec.metadata["holds"])
    if hasattr(config, "conflict"):
        key, allowed = config.conflict()
        if key:
            value = attrgetter(key)(config)
            raise ConfigError(f"{prefix}{key}={value} is not allowed: it takes {allowed}")


def check_value(key: str, value: Any, allowed: str, holds: Callable[[Any], bool]) -> None:
    """Raises ConfigError for a value outside its bounds."""
    shown = "null" if value is None else f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value)
    try:
        fine = holds(value)
    except ValueError as error:  # says more than the bound could: which activation, and what is wrong with it
        raise ConfigError(f"{key}={shown} is not allowed: {error}") from error
    except TypeError:  # a list where a number belongs
        fine = False
    if not fine:
        raise ConfigError(f"{key}={shown} is not allowed: it takes {allowed}")
