"""Which experiments there are: ours, from conf/experiment, and a user's own module. Imports no torch and no Hydra."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from cli.words import nearest
from deepk.errors import Refused
from deepk.naming import source

if TYPE_CHECKING:
    from deepk.lab.contract import Entry

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


def find(name: str) -> Entry:
    """The experiment of a name: ours, or a user's own by its dotted path.

    Raises Refused, with the nearest right name, where there is none, and with what it lacks where a module of that
    name is only half an experiment.
    """
    from deepk.lab.contract import ARGUMENT, PARTS, Entry

    if name in names():
        return Entry(name, f"experiments.{name.replace('-', '_')}")
    path = source(name) if name.isascii() and all(part.isidentifier() for part in name.split(".")) else None
    if path is None:
        raise Refused(f"unknown experiment {name!r}{nearest(name, names())}")
    rooms = [path.with_name(f"{part}.py") for part in set(PARTS.values())] if path.stem == "__init__" else []
    try:
        defined = set().union(*(_defined(room) for room in (path, *rooms) if room.exists()))
    except SyntaxError as error:
        raise Refused(f"module {name} cannot be read: {error.msg}, line {error.lineno} of {error.filename}") from error
    lacking = [part for part in (*ARGUMENT, *PARTS) if part not in defined]
    if lacking:
        raise Refused(f"module {name} is no experiment yet: it lacks {', '.join(lacking)}; `deepk new` shows each")
    return Entry(name, name)


def is_module(name: str) -> bool:
    """Whether Python finds a module, or a file of that name is here."""
    return importlib.util.find_spec(name) is not None or Path(f"{name}.py").exists()


def docstring(module: str) -> str:
    """A module's docstring, read without importing it."""
    path = source(module)
    return (ast.get_docstring(ast.parse(path.read_text())) if path else None) or ""


def _defined(path: Path) -> set[str]:
    """The names that a module defines or imports at its top, read without running it."""
    defined: set[str] = set()
    for node in ast.parse(path.read_text(), path.name).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {target.id for target in targets if isinstance(target, ast.Name)}
    return defined


def see_working_directory() -> None:
    """Lets a user's own modules be imported from the working directory, behind everything of ours.

    Our own root goes before it: the import hook of an editable installation comes after all of sys.path, so that a
    user's folder named `experiments` would win.
    """
    for folder in (str(CONF.parent), str(Path.cwd())):
        if folder not in sys.path:
            sys.path.append(folder)
