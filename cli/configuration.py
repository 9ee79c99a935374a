"""Hydra under Typer: from an experiment's name and overrides to a typed, checked configuration.

Everything that is wrong with an override becomes one line here, before any folder exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

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
from omegaconf.errors import OmegaConfBaseException

from cli.catalogue import CONF, SCALES, data_names
from cli.words import nearest
from deepk.errors import Refused
from deepk.lab import reading
from deepk.lab.configuration import Configuration
from deepk.lab.contract import Entry
from deepk.lab.reading import chain

GROUPS = ("data",)  # config groups that an override may choose from


def config_of(entry: Entry) -> type[Configuration]:
    """The dataclass of an experiment's configuration; Refused where a user's module does not give one."""
    try:
        return entry.config
    except TypeError as error:
        raise Refused(str(error)) from error
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise Refused(f"module {entry.module} cannot be imported: {reason}") from error


@contextmanager
def session(entry: Entry) -> Iterator[Hydra]:
    """An open Hydra on our own conf/ folder, whatever the working directory holds."""
    if entry.own:
        node = {"experiment": entry.name, "scale": "own", **_defaults(config_of(entry))}
        ConfigStore.instance().store(group="experiment", name=entry.name, node=node, package="_global_")
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), job_name=entry.name, version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None  # noqa: S101 - initialize_config_dir has just made it
        yield hydra


def _defaults(config: type[Configuration]) -> dict[str, Any]:
    """The values that a user's `Config` gives its own fields."""
    values: dict[str, Any] = OmegaConf.to_container(OmegaConf.structured(config))  # type: ignore[assignment]
    return {key: value for key, value in values.items() if value != "???"}


def selection(entry: Entry, scale: str) -> list[str]:
    """The overrides that choose an experiment and a scale; a user's own experiment has one scale only."""
    if entry.own:
        return [f"experiment={entry.name}"]
    if scale not in SCALES:
        raise Refused(f"unknown scale {scale!r}{nearest(scale, SCALES)}")
    return [f"experiment={entry.name}", *([] if scale == "paper" else [f"scale={scale}/{entry.name}"])]


def compose(hydra: Hydra, entry: Entry, scale: str, overrides: Sequence[str]) -> Configuration:
    """The typed, checked configuration of one run; Refused, in one line, where something is not allowed."""
    try:
        everything = [*selection(entry, scale), *overrides]
        composed = hydra.compose_config("config", everything, RunMode.RUN, with_log_configuration=False)
    except (HydraException, OmegaConfBaseException) as error:
        raise Refused(chain(error)) from error
    return typed(entry, composed)


def typed(entry: Entry, composed: DictConfig) -> Configuration:
    """A composed configuration as the experiment's dataclass; Refused at the first value that is not allowed."""
    content: dict[str, Any] = OmegaConf.to_container(composed)  # type: ignore[assignment]
    values = {key: value for key, value in content.items() if key not in ("hydra", "about")}
    return reading.typed(config_of(entry), values)


# --- overrides --------------------------------------------------------------------------------------------------------


def normalize(entry: Entry, overrides: Sequence[str], *, sweep: bool) -> list[str]:
    """The overrides as Hydra takes them, or Refused naming the first that is unknown, with the nearest right word.

    The singular of a list's key takes one value of it: `activation=tanh` is `activations=[tanh]`. A key of a dict, such
    as `sigma_b.gelu`, may be new. A text that Hydra's grammar cannot read, such as a path with an accent, is quoted.
    """
    keys = reading.keys(config_of(entry))
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
            raise Refused(f"{text} gives several values: add -m to run them all as a sweep, or write {instead}")
        normalized.append(_hydra_text(override, key, keys))
    return normalized


def _parse(text: str, keys: dict[str, Any]) -> Override:
    if "=" not in text and not text.startswith("~"):
        raise Refused(f"cannot read {text!r}: an override is written key=value")
    key, _, value = text.partition("=")
    parser = OverridesParser.create()
    try:
        return parser.parse_override(text)
    except HydraException as error:
        if "str" in str(keys.get(key.lstrip("+"))):
            escaped = value.replace("'", "\\'")
            return parser.parse_override(f"{key}='{escaped}'")
        reason = str(error).splitlines()[-1].strip()  # the lines before it repeat the override
        raise Refused(f"cannot read {text!r}: {reason}") from error


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
                raise Refused(f"unknown data set {value!r}{nearest(str(value), data_names())}")
        return
    parent = key.rpartition(".")[0]
    if key in ("experiment", "scale") or (key not in keys and keys.get(parent) is not dict):
        known = [known for known in keys if known not in ("experiment", "scale", "data")]
        hint = "; it is chosen by --scale" if key == "scale" else nearest(key, known)
        raise Refused(f"unknown key {key!r} in {override.input_line}{hint}")


def _hydra_text(override: Override, key: str, keys: dict[str, Any]) -> str:
    """The override's text; a dict's key may be new, and `+` before a key that there is says no more than the key."""
    text = str(override.input_line)
    if text.startswith("~"):
        return text
    of_dict = key not in keys and keys.get(key.rpartition(".")[0]) is dict
    return f"++{text.lstrip('+')}" if of_dict else text.lstrip("+")


def expand(overrides: Sequence[str]) -> list[list[str]]:
    """The points of a sweep, each with its own overrides, in the order in which Hydra runs them."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    try:
        points: list[list[str]] = BasicSweeper.split_arguments(parsed, max_batch_size=None)[0]
    except HydraException as error:
        raise Refused(chain(error)) from error
    return points
