"""The typed configuration of an experiment: what every one holds, and the check of its values against their bounds.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, is_dataclass
from operator import attrgetter
from typing import Any

from omegaconf import MISSING

from deepk.data import DATASETS
from deepk.errors import Refused
from deepk.lab.bounds import at_least, one_of, optional_at_least

DEVICES = ("cpu", "cuda", "mps")


class ConfigError(Refused, ValueError):
    """A configuration value that is not allowed: one line with the key, the value, and what is."""


@dataclass
class Configuration:
    """What every experiment's configuration holds; an experiment derives its `Config` from this.

    A field made by `deepk.lab.bounds` has a bound; `conflict()`, where a class has it, gives the first key that does
    not go with another and what it takes, or two empty texts.
    """

    experiment: str = MISSING
    scale: str = MISSING
    threads: int = at_least(1)
    device: str = one_of(*DEVICES)


@dataclass
class Data:
    """Which images an experiment takes, from where, and how many of them."""

    name: str = one_of(*DATASETS)
    root: str | None = None
    train_size: int | None = optional_at_least(1)
    test_size: int | None = optional_at_least(1)
    image_size: int | None = optional_at_least(1)


def plain(config: Any) -> dict[str, Any]:
    """A typed config as nested dicts and lists: what config.yaml holds and the config hash is taken of."""
    return asdict(config)


def flat(config: Any) -> dict[str, Any]:
    """A typed config as one dict with dotted keys, `data.name` say."""

    def walk(content: dict[str, Any], prefix: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in content.items():
            values |= walk(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
        return values

    return walk(plain(config), "")


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
