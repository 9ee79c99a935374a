"""deepk: run the experiments of deep-learning theory, and see what matches the papers."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

import typer

from cli import catalogue, data, new, printing, results, running
from cli.options import Json, Name, Scale
from deepk.errors import LabError, Refused

app = typer.Typer(
    help="Reproduce the figures and tables of deep-learning theory, with a verdict on every number.",
    epilog="Start with: deepk list; deepk run eoc-training; deepk verify eoc-training",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list")
def list_(json: Json = False) -> None:
    """The experiments: paper, figure, cost at each scale, data."""
    known = [{"name": name, **catalogue.about(name)} for name in catalogue.names()]
    if json:
        printing.as_json(known)
        return
    for row in known:
        typer.echo(f"{row['name']}: {row['title']}")
        typer.echo(f"  paper   {row['paper']}")
        typer.echo(f"  figure  {row['figure']}")
        typer.echo(f"  cost    {', '.join(f'{scale}: {cost}' for scale, cost in row['cost'].items())}")
        typer.echo(f"  data    {row['data']}")


@app.command()
def show(name: Name, scale: Scale = "laptop", json: Json = False) -> None:
    """An experiment's argument, its configuration, its claims and the values they are held against.

    Example: deepk show eoc-training --scale paper
    """
    entry = catalogue.find(name)
    from cli import configuration
    from deepk.lab.configuration import plain

    with configuration.session(entry) as hydra:
        config = configuration.compose(hydra, entry, scale, [])
    claims = _claims_before_any_run(entry.experiment, config)
    argument = catalogue.docstring(entry.module)
    content = {"name": name, "argument": argument, "config": plain(config), "claims": claims}
    if json:
        printing.as_json(content)
        return
    import yaml

    typer.echo(content["argument"])
    typer.echo(f"\nConfiguration at scale {config.scale}\n")
    typer.echo(yaml.safe_dump(content["config"], sort_keys=False))
    typer.echo("Claims\n")
    shown = [{**claim, "": claim["relation"]} for claim in claims]
    printing.table(shown, ["name", "kind", "", "published", "expected", "resolution", "statement"])


def _claims_before_any_run(experiment: Any, config: Any) -> list[dict[str, Any]]:
    """The claims with nothing measured: what they state, and what is published."""
    import pandas as pd

    from deepk.lab.claims import judge, rows
    from deepk.lab.torch_settings import configure_torch

    configure_torch(config.threads)
    empty = pd.DataFrame(columns=list(experiment.columns))
    table = judge(experiment.claims(experiment.predict(config), empty, config))
    kept = [
        "name",
        "statement",
        "kind",
        "source",
        "published",
        "relation",
        "expected",
        "resolution",
        "resolution_reason",
    ]
    return rows(table[kept])


for command in (running.run, running.reproduce, new.new, results.runs, results.plot, results.verify, results.compare):
    app.command()(command)
app.add_typer(data.app, name="data")


def _terminated(number: int, frame: object) -> NoReturn:
    """A scheduler's SIGTERM ends a run as Ctrl-C does: recorded as interrupted, resumable."""
    del frame
    raise SystemExit(128 + number)


def main() -> NoReturn:
    """The entry point: every error is one line on stderr, and the exit code says which kind.

    0 all well; 1 a run failed, or a claim differs that is not known to; 2 the command was wrong; 130 Ctrl-C.
    """
    os.environ["PYTHONSAFEPATH"] = "1"  # in workers, a user's own conf/ or experiments/ must not shadow ours
    signal.signal(signal.SIGTERM, _terminated)
    catalogue.see_working_directory()
    try:
        code = app(standalone_mode=False) or 0
    except LabError as error:
        _fail(str(error), 2 if isinstance(error, Refused) else 1)
    except typer.TyperException as error:
        message = error.format_message()
        if message.startswith("Usage:"):  # no words at all: the help, as it is
            typer.echo(message)
            sys.exit(0)
        _fail(" ".join(message.split()), getattr(error, "exit_code", 2))
    except Exception as error:
        from deepk.data import DataError

        if isinstance(error, DataError):  # one line already: the data set, and what to do
            _fail(str(error), 1)
        raise
    if code == 130:  # Typer turns Ctrl-C into this exit code, without a word
        _fail("interrupted; a run goes on with: deepk run NAME --resume", code)
    sys.exit(code)


def _fail(line: str, code: int) -> NoReturn:
    typer.echo(f"deepk: {line}", err=True)
    sys.exit(code)
