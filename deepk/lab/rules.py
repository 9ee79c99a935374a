"""The rules that judge a run, frozen before its data: a digest of claims, resolutions, deviations, printed numbers.

A run's record keeps the digest and the commit from its first moment. Where `verify` judges by other rules, it says so,
and which verdicts have moved since.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from importlib.util import resolve_name
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepk.lab.contract import Experiment
from deepk.naming import source

if TYPE_CHECKING:
    import pandas as pd

# What turns numbers into verdicts, whatever the experiment.
VERDICTS = ("deepk.lab.claims", "deepk.lab.judging", "deepk.lab.tables", "deepk.statistics")


def digest(experiment: Experiment) -> str:
    """The first 16 digits of the sha256 of all source text that a verdict of this experiment depends on.

    That is the experiment's claims and its tables of names, what these import of the experiment's own room (printed
    numbers, say), of files beside it, and of the library, and the modules that make verdicts of numbers.
    """
    content = hashlib.sha256()
    for module in sorted({*VERDICTS, *_judging(experiment)}):
        content.update(f"{module}\n{_source(module)}\n".encode())
    return content.hexdigest()[:16]


def _judging(experiment: Experiment) -> Iterator[str]:
    """The modules from which the experiment's claims follow; the lab runs them, and is not among them."""
    package = _source(f"{experiment.module}.claims")
    waiting = [f"{experiment.module}.claims" if package else experiment.module, experiment.module]
    beside = _folder(experiment.module.split(".")[0])
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        top = module.split(".")[0]
        known = top in (experiment.module.split(".")[0], "deepk") or _folder(top) == beside
        if module in seen or not known or module.startswith("deepk.lab") or not _source(module):
            continue
        seen.add(module)
        yield module
        waiting += _imports(module)


def _folder(top: str) -> Path | None:
    """Where a module or package of the top level lies."""
    path = source(top)
    return path.parent.parent if path and path.stem == "__init__" else path.parent if path else None


def _imports(module: str) -> Iterator[str]:
    """Dotted paths that a module imports from; of `from a import b` also a.b, which may be a module."""
    path = source(module)
    package = module if path and path.stem == "__init__" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = resolve_name("." * node.level + (node.module or ""), package) if node.level else str(node.module)
            yield home
            yield from (f"{home}.{alias.name}" for alias in node.names)


def _source(module: str) -> str:
    """A module's text, read without running it; empty where there is no such module."""
    path = source(module)
    return path.read_text() if path else ""


def moved(before: Mapping[str, Any], table: pd.DataFrame) -> dict[str, int]:
    """Claims with another verdict than `before` (name -> verdict), new ones, those gone, and all: how many of each."""
    now = dict(zip(table["name"].astype(str), table["verdict"].astype(str), strict=True))
    changed = sum(name in before and before[name] != verdict for name, verdict in now.items())
    new, gone = (len(names) for names in (now.keys() - before.keys(), before.keys() - now.keys()))
    return {"moved": changed, "new": new, "gone": gone, "claims": len(now)}


def in_words(change: Mapping[str, int]) -> str:
    """`judged by rules newer than the data: 3 of 71 moved`."""
    aside = "".join(f", {change[word]} {word}" for word in ("new", "gone") if change.get(word))
    return f"judged by rules newer than the data: {change['moved']} of {change['claims']} moved{aside}"
