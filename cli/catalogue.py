"""Which experiments there are: ours, from conf/experiment, and a user's own module. Imports no torch and no Hydra."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

import yaml

from cli.errors import UsageError, nearest
from deepk.lab.contract import PARTS

CONF = Path(__file__).resolve().parent.parent / "conf"
SCALES = ("smoke", "laptop", "paper")


def names() -> list[str]:
    """Our experiments."""
    return sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


def data_names() -> list[str]:
    """The data sets that `data=` takes."""
    return sorted(path.stem for path in (CONF / "data").glob("*.yaml"))


def about(name: str) -> dict[str, Any]:
    """The `about` block of an experiment's file, read without composing anything."""
    content = yaml.safe_load((CONF / "experiment" / f"{name}.yaml").read_text())
    block: dict[str, Any] = content["about"]
    return block


def module_of(name: str) -> str:
    """The module of an experiment: ours by name, a user's own by its dotted path.

    Raises UsageError, with the nearest right name, where there is none.
    """
    if name in names():
        return f"experiments.{name.replace('-', '_')}"
    if name.isascii() and all(part.isidentifier() for part in name.split(".")) and _offers_experiment(name):
        return name
    raise UsageError(f"unknown experiment {name!r}{nearest(name, names())}")


def _offers_experiment(module: str) -> bool:
    """Whether a module on the Python path defines the five functions, read without running it."""
    tree = _parse(module)
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} if tree else set()
    return set(PARTS) <= defined


def docstring(module: str) -> str:
    """A module's docstring, read without importing it."""
    tree = _parse(module)
    return (ast.get_docstring(tree) if tree else None) or ""


def _parse(module: str) -> ast.Module | None:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return ast.parse(Path(spec.origin).read_text())


def see_working_directory() -> None:
    """Lets a user's own modules be imported from the working directory, behind everything of ours.

    Our own root goes before it: the import hook of an editable installation comes after all of sys.path, so that a
    user's folder named `experiments` would win.
    """
    for folder in (str(CONF.parent), str(Path.cwd())):
        if folder not in sys.path:
            sys.path.append(folder)
