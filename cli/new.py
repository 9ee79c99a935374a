"""`deepk new`: a file in which an experiment of one's own begins."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from cli import catalogue
from deepk.errors import Refused


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What to call it: a Python module, such as my_experiment.")
    ],
) -> None:
    """Write NAME.py here: a small experiment that runs at once, each part with a line on what it is.

    Example: deepk new my_experiment && deepk run my_experiment
    """
    if not (name.isascii() and name.isidentifier()):
        raise Refused(f"{name!r} is no name of a Python module: take letters, digits and _, such as my_experiment")
    path = Path(f"{name}.py")
    if name in catalogue.names() or catalogue.is_module(name):
        raise Refused(f"there is a module {name} already; take another name")
    path.write_text((files("deepk.lab") / "template.py").read_text())
    typer.echo(f"wrote {path}; it runs with: deepk run {name}")
