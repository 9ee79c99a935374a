"""Hydra under Typer: from an experiment's name and overrides to a typed, checked configuration.

Everything that is wrong with an override becomes one line here, before any folder exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from hydra import initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.hydra import Hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, MissingMandatoryValue, OmegaConfBaseException

from cli.catalogue import CONF, SCALES, data_names, module_of, names
from cli.errors import UsageError, nearest
from deepk.lab import configuration as configurations
from deepk.lab.configuration import ConfigError, Configuration
from deepk.lab.contract import Entry
from deepk.lab.store import StoreError

GROUPS = ("data",)  # config groups that an override may choose from
# In this order: of `list[int]` the list decides.
KINDS = {
    list: "a list, [...]",
    dict: "a number",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "a word",
}


def schema_of(name: str) -> type[Configuration]:
    """The dataclass of an experiment's configuration."""
    try:
        return Entry(name, module_of(name)).config
    except TypeError as error:
        raise UsageError(str(error)) from error
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UsageError(f"module {name} cannot be imported: {reason}") from error


@contextmanager
def session(name: str) -> Iterator[Hydra]:
    """An open Hydra on our own conf/ folder, whatever the working directory holds."""
    if name not in names():
        node = {"experiment": name, "scale": "own", **_defaults(schema_of(name))}
        ConfigStore.instance().store(group="experiment", name=name, node=node, package="_global_")
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), job_name=name, version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None  # noqa: S101 - initialize_config_dir has just made it
        yield hydra


def _defaults(config: type[Configuration]) -> dict[str, Any]:
    """The values that a user's `Config` gives its own fields."""
    values: dict[str, Any] = OmegaConf.to_container(OmegaConf.structured(config))  # type: ignore[assignment]
    return {key: value for key, value in values.items() if value != "???"}


def selection(name: str, scale: str) -> list[str]:
    """The overrides that choose an experiment and a scale; a user's own experiment has one scale only."""
    if name not in names():
        return [f"experiment={name}"]
    if scale not in SCALES:
        raise UsageError(f"unknown scale {scale!r}{nearest(scale, SCALES)}")
    return [f"experiment={name}", *([] if scale == "paper" else [f"scale={scale}/{name}"])]


def compose(hydra: Hydra, name: str, scale: str, overrides: Sequence[str]) -> Configuration:
    """The typed, checked configuration of one run; UsageError, in one line, where something is not allowed."""
    try:
        everything = [*selection(name, scale), *overrides]
        composed = hydra.compose_config("config", everything, RunMode.RUN, with_log_configuration=False)
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(_chain(error)) from error
    return typed(name, composed)


def typed(name: str, composed: DictConfig) -> Configuration:
    """A composed configuration as the experiment's dataclass; UsageError at the first value that is not allowed."""
    content: dict[str, Any] = OmegaConf.to_container(composed)  # type: ignore[assignment]
    values = {key: value for key, value in content.items() if key not in ("hydra", "about")}
    return from_values(name, values)


def from_values(name: str, values: dict[str, Any], *, check: bool = True) -> Configuration:
    """Plain values as the experiment's dataclass; UsageError at the first that is unknown, missing or not allowed.

    Without `check` the bounds are not looked at: what was run once was allowed then.
    """
    config_type = schema_of(name)
    try:
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(config_type), values))
        if check:
            configurations.check(config)
    except ConfigError as error:
        raise UsageError(str(error)) from error
    except MissingMandatoryValue as error:
        raise UsageError(f"{error.full_key} has no value; give {error.full_key}=...") from error
    except InterpolationResolutionError as error:
        raise UsageError(_unresolved(error, config_type, values)) from error
    except OmegaConfBaseException as error:
        raise UsageError(_wrong_type(error, config_type, values)) from error
    assert isinstance(config, Configuration)  # noqa: S101 - to_object returns the structured type
    return config


def _unresolved(error: OmegaConfBaseException, config_type: type, values: dict[str, Any]) -> str:
    """Where a value is looked up by others: the first of those that is not allowed, else that it is not there."""
    for spec in fields(config_type):
        value = values.get(spec.name)
        if "holds" in spec.metadata and "${" not in str(value):
            try:
                configurations.check_value(spec.name, value, spec.metadata["allowed"], spec.metadata["holds"])
            except ConfigError as known:
                return str(known)
    return f"{error.full_key} has no value here; give {error.full_key}=..."


def _wrong_type(error: OmegaConfBaseException, config_type: type, values: dict[str, Any]) -> str:
    key = str(error.full_key or "").split("[")[0]
    kind = _kind(config_type, key)
    value = OmegaConf.select(OmegaConf.create(values), key)
    return f"{key}={value} is not allowed: it takes {kind}" if kind else _chain(error)


def _kind(config_type: type, key: str) -> str:
    """What the type of a dotted key takes, in words; empty where the key is unknown."""
    hints = _keys(config_type)
    hint = str(hints.get(key) or hints.get(key.rpartition(".")[0]) or "")
    kinds = [words for kind, words in KINDS.items() if kind.__name__ in hint]
    return kinds[0] if kinds else ""


def _chain(error: BaseException) -> str:
    """An exception and its causes in one line, without Hydra's advice to add keys with `+`."""
    lines: list[str] = []
    current: BaseException | None = error
    while current is not None:
        lines += [line.strip() for line in str(current).splitlines()]
        current = current.__cause__
    kept = [line for line in dict.fromkeys(lines) if line and not line.startswith(("To append to your", "See https"))]
    return "; ".join(kept)


# --- overrides --------------------------------------------------------------------------------------------------------


def normalize(name: str, overrides: Sequence[str], *, sweep: bool) -> list[str]:
    """The overrides as Hydra takes them, or UsageError naming the first that is unknown, with the nearest right word.

    The singular of a list's key takes one value of it: `activation=tanh` is `activations=[tanh]`. A key of a dict, such
    as `sigma_b.gelu`, may be new. A text that Hydra's grammar cannot read, such as a path with an accent, is quoted.
    """
    keys = _keys(schema_of(name))
    normalized = []
    for text in overrides:
        override = _parse(text, keys)
        key = override.key_or_group
        plural = f"{key}s"
        if key not in keys and keys.get(plural) is list:
            override = _parse(f"{plural}={_as_lists(override)}", keys)
            key = plural
        _check_key(override, key, keys)
        if override.is_sweep_override() and not sweep:
            instead = f"{key}=[...] for a list" if keys.get(key) is list else f"{key}='...' for one text with a comma"
            raise UsageError(f"{text} gives several values: add -m to run them all as a sweep, or write {instead}")
        normalized.append(_hydra_text(override, key, keys))
    return normalized


def _parse(text: str, keys: dict[str, Any]) -> Override:
    if "=" not in text and not text.startswith("~"):
        raise UsageError(f"cannot read {text!r}: an override is written key=value")
    key, _, value = text.partition("=")
    parser = OverridesParser.create()
    try:
        return parser.parse_override(text)
    except HydraException as error:
        if "str" in str(keys.get(key.lstrip("+"))):
            escaped = value.replace("'", "\\'")
            return parser.parse_override(f"{key}='{escaped}'")
        reason = str(error).splitlines()[-1].strip()  # the lines before it repeat the override
        raise UsageError(f"cannot read {text!r}: {reason}") from error


def _as_lists(override: Override) -> str:
    """One value, or each value of a sweep, in brackets."""
    if override.is_sweep_override():
        return ",".join(_bracketed(choice) for choice in override.sweep_string_iterator())
    return _bracketed(str(override.input_line).partition("=")[2])


def _bracketed(value: str) -> str:
    return value if value.startswith("[") else f"[{value}]"


def _check_key(override: Override, key: str, keys: dict[str, Any]) -> None:
    if key.startswith("hydra"):
        return
    if key in GROUPS and "data" in keys:
        values = override.sweep_string_iterator() if override.is_sweep_override() else [override.value()]
        for value in values:
            if value not in data_names():
                raise UsageError(f"unknown data set {value!r}{nearest(str(value), data_names())}")
        return
    parent = key.rpartition(".")[0]
    if key in ("experiment", "scale") or (key not in keys and keys.get(parent) is not dict):
        known = [known for known in keys if known not in ("experiment", "scale", "data")]
        hint = "; it is chosen by --scale" if key == "scale" else nearest(key, known)
        raise UsageError(f"unknown key {key!r} in {override.input_line}{hint}")


def _hydra_text(override: Override, key: str, keys: dict[str, Any]) -> str:
    """The override's text; a dict's key may be new, and `+` before a key that there is says no more than the key."""
    text = str(override.input_line)
    if text.startswith("~"):
        return text
    of_dict = key not in keys and keys.get(key.rpartition(".")[0]) is dict
    return f"++{text.lstrip('+')}" if of_dict else text.lstrip("+")


def _keys(config_type: type, prefix: str = "") -> dict[str, Any]:
    """The dotted keys of a configuration, each with `list`, `dict` or its type."""
    keys: dict[str, Any] = {}
    hints = get_type_hints(config_type)
    for spec in fields(config_type):
        hint = hints[spec.name]
        keys[f"{prefix}{spec.name}"] = getattr(hint, "__origin__", hint)
        if is_dataclass(hint):
            keys |= _keys(hint, f"{prefix}{spec.name}.")  # type: ignore[arg-type]
    return keys


def expand(overrides: Sequence[str]) -> list[list[str]]:
    """The points of a sweep, each with its own overrides, in the order in which Hydra runs them."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    try:
        points: list[list[str]] = BasicSweeper.split_arguments(parsed, max_batch_size=None)[0]
    except HydraException as error:
        raise UsageError(_chain(error)) from error
    return points


def read(folder: Path, name: str) -> list[tuple[dict[str, Any], Configuration]]:
    """The configurations of a finished run: one, or one for each setting of a joined sweep, with the swept values.

    Raises StoreError where config.yaml is absent or no configuration of the experiment.
    """
    path = folder / "config.yaml"
    try:
        content = yaml.safe_load(path.read_text())
        groups = content.get("groups", [{"at": {}, "config": content}])
        return [(group["at"], from_values(name, group["config"], check=False)) for group in groups]
    except (OSError, yaml.YAMLError, AttributeError, TypeError, KeyError, UsageError) as error:
        raise StoreError(f"cannot read {path}: {' '.join(str(error).split())}") from error
