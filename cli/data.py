"""`deepk data list`, `fetch` and `check`."""

from __future__ import annotations

import typer

from cli import catalogue, printing
from cli.options import DataName, Json, Root
from cli.words import nearest
from deepk.errors import Refused

app = typer.Typer(help="Data sets: which are here, fetch one, check one.", rich_markup_mode=None, no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """The data sets, and whether they are here."""
    from dataclasses import asdict

    from deepk import data as datasets

    rows = [asdict(datasets.status(name)) for name in datasets.DATASETS]
    if json:
        printing.as_json(rows)
    else:
        printing.table(rows, ["name", "state", "n_train", "n_test", "n_classes", "path"])
        for row in rows:
            if row["state"] == "corrupt":
                typer.echo(row["detail"])


@app.command()
def fetch(name: DataName, root: Root = None) -> None:
    """Download a data set, and check it."""
    from deepk import data as datasets

    _known_data(name)
    typer.echo(f"{name} is in {datasets.fetch(name, root=root)}")


@app.command()
def check(name: DataName, root: Root = None) -> None:
    """Check a data set's files against their checksums, and print its sha256."""
    from deepk import data as datasets

    _known_data(name)
    typer.echo(f"{name} {datasets.check(name, root=root)}")


def _known_data(name: str) -> None:
    if name not in catalogue.data_names():
        raise Refused(f"unknown data set {name!r}{nearest(name, catalogue.data_names())}")
