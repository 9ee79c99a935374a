"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import completion

Multirun = Annotated[
    bool,
    typer.Option("-m", "--multirun", help="Run every combination of comma-separated values."),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on with the newest unfinished run, or with the vNNN given."),
]
Budget = Annotated[
    float | None,
    typer.Option(
        min=0.01,
        metavar="MINUTES",
        help="Stop in time, with what is measured by then judged; --resume goes on.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Results = Annotated[Path, typer.Option("--results", help="Folder of the results.")]
Jobs = Annotated[int, typer.Option("-j", "--jobs", min=1, help="Units, or points of a sweep, to run at a time.")]
Scale = Annotated[str, typer.Option(help="smoke (seconds), laptop (minutes), paper.", autocompletion=completion.scales)]
Name = Annotated[
    str,
    typer.Argument(help="An experiment of `deepk list`, or your own module.", autocompletion=completion.names),
]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME ...]", help="Experiments; all by default.", autocompletion=completion.names),
]
Run = Annotated[
    str,
    typer.Argument(help="NAME for its latest run, NAME/v007, or a folder.", autocompletion=completion.runs),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[key=value ...]",
        help="Changes to the configuration; with --resume also vNNN.",
        autocompletion=completion.overrides,
    ),
]
DataName = Annotated[
    str,
    typer.Argument(help="A data set of `deepk data list`.", autocompletion=completion.data_names),
]
Root = Annotated[
    Path | None,
    typer.Option(help="Where; by default $DEEPK_DATA, else the user cache directory."),
]
RESULTS = Path("results")
