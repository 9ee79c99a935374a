"""The rules that judge a run, frozen before its data: a digest of claims, resolutions, deviations, printed numbers.

A run's record keeps the digest and the commit from its first moment. Where `verify` judges by other rules, it says so,
and which verdicts have moved since.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from deepk.lab.contract import Experiment
from deepk.naming import source

if TYPE_CHECKING:
    import pandas as pd

# What turns numbers into verdicts, whatever the experiment.
VERDICTS = ("deepk.lab.claims", "deepk.lab.judging", "deepk.lab.tables", "deepk.statistics")


def digest(experiment: Experiment) -> str:
    """The first 16 digits of the sha256 of all source text that a verdict of this experiment depends on.

    That is the experiment's claims, its tables of names and known deviations, what these import from the experiment's
    own room (printed numbers, say), and the verdicts' own modules.
    """
    content = hashlib.sha256()
    for module in sorted({*VERDICTS, *_judging(experiment)}):
        content.update(f"{module}\n{_source(module)}\n".encode())
    return content.hexdigest()[:16]


def _judging(experiment: Experiment) -> Iterator[str]:
    """The experiment's modules from which its claims follow."""
    room = experiment.module.split(".")[0]
    package = _source(f"{experiment.module}.claims")
    waiting = [f"{experiment.module}.claims" if package else experiment.module, experiment.module]
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen or not _source(module):
            continue
        seen.add(module)
        yield module
        waiting += [name for name in _imports(module) if name.split(".")[0] == room]


def _imports(module: str) -> Iterator[str]:
    """Dotted paths that a module imports from; of `from a import b` also a.b, which may be a module."""
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _source(module: str) -> str:
    """A module's text, read without running it; empty where there is no such module."""
    path = source(module)
    return path.read_text() if path else ""


def moved(before: Mapping[str, Any], table: pd.DataFrame) -> dict[str, int]:
    """How many claims have another verdict than `before` (name -> verdict), how many are new, and all of them."""
    now = dict(zip(table["name"].astype(str), table["verdict"].astype(str), strict=True))
    changed = sum(name in before and before[name] != verdict for name, verdict in now.items())
    return {"moved": changed, "new": sum(name not in before for name in now), "claims": len(now)}


def in_words(change: Mapping[str, int]) -> str:
    """`judged by rules newer than the data: 3 of 71 moved`."""
    new = f", {change['new']} new" if change["new"] else ""
    return f"judged by rules newer than the data: {change['moved']} of {change['claims']} moved{new}"
