"""Shell completion of experiment names, configuration keys, scales and runs.

The user is in the middle of a word: nothing here may raise or print, so every completer swallows its exceptions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from cli import catalogue


def _quietly(complete: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    def completer(incomplete: str) -> list[str]:
        try:
            return complete(incomplete)
        except Exception:
            return []

    return completer


@_quietly
def names(incomplete: str) -> list[str]:
    """Experiments that begin so."""
    return [name for name in catalogue.names() if name.startswith(incomplete)]


@_quietly
def data_names(incomplete: str) -> list[str]:
    """Data sets that begin so."""
    return [name for name in catalogue.data_names() if name.startswith(incomplete)]


@_quietly
def scales(incomplete: str) -> list[str]:
    """Scales that begin so."""
    return [scale for scale in catalogue.SCALES if scale.startswith(incomplete)]


@_quietly
def runs(incomplete: str) -> list[str]:
    """Experiments and their versions in ./results that begin so."""
    found = [f"{path.parent.name}/{path.name}" for path in Path("results").glob("*/v*")]
    return sorted(run for run in [*catalogue.names(), *found] if run.startswith(incomplete))


def overrides(ctx: typer.Context, incomplete: str) -> list[str]:
    """Configuration keys that begin so, and after `data=` the data sets."""
    try:
        key, value = _key_and_value(incomplete)
        if key is None:
            return [f"{key}=" for key in _keys(str(ctx.params.get("name") or "")) if key.startswith(incomplete)]
        values = [name for name in catalogue.data_names() if key == "data" and name.startswith(value)]
        return [f"data={name}" for name in values] if incomplete.startswith("data=") else values
    except Exception:
        return []


def _key_and_value(incomplete: str) -> tuple[str | None, str]:
    """The key before a `=` that has been typed, and what follows; None before any `=`.

    bash splits words at `=`: behind the words `data` and `=` the value is a word of its own, and what completes it
    replaces that word alone.
    """
    words = os.environ.get("COMP_WORDS", "").split()
    at = int(os.environ.get("COMP_CWORD") or 0)
    if "=" in incomplete:
        key, _, value = incomplete.partition("=")
        return key, value
    if words[at : at + 1] == ["="]:
        return words[at - 1], ""
    if words[at - 1 : at] == ["="]:
        return words[at - 2], incomplete
    return None, incomplete


def _keys(name: str) -> list[str]:
    import yaml

    content: dict[str, Any] = yaml.safe_load((catalogue.CONF / "experiment" / f"{name}.yaml").read_text())
    aside = ("defaults", "about", "experiment", "scale")
    return ["data", "threads", "device", *(key for key in content if key not in aside)]
