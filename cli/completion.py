"""Shell completion of experiment names, configuration keys, scales and runs.

The user is in the middle of a word: nothing here may raise or print, so every completer swallows its exceptions.
"""

from __future__ import annotations

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


def overrides(ctx: typer.Context, args: list[str], incomplete: str) -> list[str]:
    """Configuration keys that begin so, and after `data=` the data sets.

    bash splits words at `=`: a value arrives as a word of its own behind the words `data` and `=`, and what it gets back
    replaces that word alone.
    """
    try:
        words = [word for word in args if word]
        if words[-2:] == ["data", "="] or (words[-1:] == ["data"] and incomplete == "="):
            return [name for name in catalogue.data_names() if name.startswith(incomplete.lstrip("="))]
        if incomplete.startswith("data="):
            return [f"data={name}" for name in catalogue.data_names() if f"data={name}".startswith(incomplete)]
        keys = _keys(str(ctx.params.get("name") or ""))
        return [f"{key}=" for key in keys if key.startswith(incomplete)]
    except Exception:
        return []


def _keys(name: str) -> list[str]:
    import yaml

    content: dict[str, Any] = yaml.safe_load((catalogue.CONF / "experiment" / f"{name}.yaml").read_text())
    aside = ("defaults", "about", "experiment", "scale")
    return ["data", "threads", "device", *(key for key in content if key not in aside)]
