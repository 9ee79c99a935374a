"""From plain values, of YAML files and the command line, to an experiment's typed configuration."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationResolutionError, MissingMandatoryValue, OmegaConfBaseException

from deepk.lab.configuration import ConfigError, Configuration, check, check_value
from deepk.lab.store import StoreError

# What a value of each type is, in words. In this order: of `list[int]` the list decides.
KINDS = {
    list: "a list, [...]",
    dict: "a number",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "a word",
}


def typed(config_type: type[Configuration], values: dict[str, Any], *, bounds: bool = True) -> Configuration:
    """Plain values as the experiment's dataclass.

    Raises ConfigError, in one line, at the first value that is unknown, missing, of another type or not allowed.
    Without `bounds` these are not looked at: what was run once was allowed then.
    """
    try:
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(config_type), values))
    except MissingMandatoryValue as error:
        raise ConfigError(f"{error.full_key} has no value; give {error.full_key}=...") from error
    except InterpolationResolutionError as error:
        raise ConfigError(_unresolved(error, config_type, values)) from error
    except OmegaConfBaseException as error:
        raise ConfigError(_wrong_type(error, config_type, values)) from error
    assert isinstance(config, Configuration)  # noqa: S101 - to_object returns the structured type
    if bounds:
        check(config)
    return config


def read_groups(path: Path, config_type: type[Configuration]) -> list[tuple[dict[str, Any], Configuration]]:
    """The configurations in a config.yaml: one, or one for each setting of a joined sweep, with the swept values.

    Raises StoreError where the file is absent or holds no configuration of the experiment.
    """
    try:
        content = yaml.safe_load(path.read_text())
        groups = content.get("groups", [{"at": {}, "config": content}])
        return [(group["at"], typed(config_type, group["config"], bounds=False)) for group in groups]
    except (OSError, yaml.YAMLError, AttributeError, TypeError, KeyError, ConfigError) as error:
        raise StoreError(f"cannot read {path}: {' '.join(str(error).split())}") from error


def keys(config_type: type, prefix: str = "") -> dict[str, Any]:
    """The dotted keys of a configuration, each with `list`, `dict` or its type."""
    found: dict[str, Any] = {}
    hints = get_type_hints(config_type)
    for spec in fields(config_type):
        hint = hints[spec.name]
        found[f"{prefix}{spec.name}"] = getattr(hint, "__origin__", hint)
        if is_dataclass(hint):
            found |= keys(hint, f"{prefix}{spec.name}.")  # type: ignore[arg-type]
    return found


def chain(error: BaseException) -> str:
    """An exception and its causes in one line, without Hydra's advice to add keys with `+`."""
    lines: list[str] = []
    current: BaseException | None = error
    while current is not None:
        lines += [line.strip() for line in str(current).splitlines()]
        current = current.__cause__
    kept = [line for line in dict.fromkeys(lines) if line and not line.startswith(("To append to your", "See https"))]
    return "; ".join(kept)


def _unresolved(error: OmegaConfBaseException, config_type: type, values: dict[str, Any]) -> str:
    """Where a value is looked up by others: the first of those that is not allowed, else that it is not there."""
    for spec in fields(config_type):
        value = values.get(spec.name)
        if "holds" in spec.metadata and "${" not in str(value):
            try:
                check_value(spec.name, value, spec.metadata["allowed"], spec.metadata["holds"])
            except ConfigError as known:
                return str(known)
    return f"{error.full_key} has no value here; give {error.full_key}=..."


def _wrong_type(error: OmegaConfBaseException, config_type: type, values: dict[str, Any]) -> str:
    key = str(error.full_key or "").split("[")[0]
    kind = _kind(config_type, key)
    value = OmegaConf.select(OmegaConf.create(values), key)
    return f"{key}={value} is not allowed: it takes {kind}" if kind else chain(error)


def _kind(config_type: type, key: str) -> str:
    """What the type of a dotted key takes, in words; empty where the key is unknown."""
    hints = keys(config_type)
    hint = str(hints.get(key) or hints.get(key.rpartition(".")[0]) or "")
    kinds = [words for kind, words in KINDS.items() if kind.__name__ in hint]
    return kinds[0] if kinds else ""
