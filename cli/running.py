"""`deepk run` and `deepk reproduce`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import catalogue, completion, printing
from cli.errors import CommandError, UsageError, nearest
from cli.options import RESULTS, Jobs, Name, Names, Overrides, Results, Scale

if TYPE_CHECKING:
    from cli.planning import Request


def run(
    name: Name,
    overrides: Overrides = None,
    scale: Annotated[
        str | None,
        typer.Option(help="smoke, laptop (the default) or paper.", autocompletion=completion.scales),
    ] = None,
    multirun: Annotated[
        bool,
        typer.Option("-m", "--multirun", help="Run every combination of comma-separated values."),
    ] = False,
    jobs: Jobs = 1,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the newest unfinished run, or with the vNNN given."),
    ] = False,
    results: Results = RESULTS,
    show_config: Annotated[bool, typer.Option("--show-config", help="Print the configuration and stop.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print units, steps and time, and stop.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Run an experiment; ends with its folder, its figures and its verdicts.

    Examples:

    deepk run eoc-training -j 2

    deepk run eoc-training data=mnist epochs=2 seed=0 activation=tanh --scale paper

    deepk run eoc-training 'seeds=[0],[1],[2]' -m -j 2 --scale smoke

    deepk run eoc-training activation=my_module:my_function

    deepk run eoc-training --resume
    """
    catalogue.module_of(name)
    words = list(overrides or [])
    version = _take_version(words) if resume else None
    request = _request(name, words, scale, multirun, jobs, results, not quiet)
    if show_config:
        _show_config(request)
    elif dry_run:
        _dry_run(request)
    else:
        _run(request, scale, resume, version)


def _take_version(words: list[str]) -> str | None:
    """Removes and returns the vNNN among the words: `--resume v007` names the version to go on with."""
    for word in words:
        if re.fullmatch(r"v\d+", word):
            words.remove(word)
            return word
    return None


def _request(
    name: str, words: list[str], scale: str | None, multirun: bool, jobs: int, results: Path, progress: bool
) -> Request:
    from cli import configuration
    from cli.planning import Request

    if scale is not None and name not in catalogue.names():
        raise UsageError(f"--scale {scale} is not allowed: {name} is your own and has one scale")
    scale = scale or "laptop"
    configuration.selection(name, scale)
    normalized = configuration.normalize(name, words, sweep=multirun)
    return Request(name, scale, normalized, results, sweep=multirun, jobs=jobs, progress=progress)


def _show_config(request: Request) -> None:
    import yaml

    from cli import configuration
    from deepk.lab.configuration import plain

    with configuration.session(request.name) as hydra:
        for overrides in configuration.expand(request.overrides):
            config = configuration.compose(hydra, request.name, request.scale, overrides)
            typer.echo(yaml.safe_dump(plain(config), sort_keys=False))


def _dry_run(request: Request) -> None:
    from cli.planning import dry_run

    rows = dry_run(request)
    total = sum(row["seconds"] for row in rows)
    for row in rows:
        row["time"] = printing.duration(row["seconds"])
        row["a step"] = f"{1000 * row['seconds_per_step']:.1f} ms"
    printing.table(rows, ["units", "steps", "a step", "time", "overrides"])
    if len(rows) > 1:
        typer.echo(f"{len(rows)} points, {printing.duration(total / request.jobs)} with -j {request.jobs}")


def _run(request: Request, scale: str | None, resume: bool, version: str | None) -> None:
    from cli import launch, resuming

    folder = None
    if resume:
        folder = resuming.unfinished(request.results / request.name, version)
        request = resuming.resumed(request, folder, scale=scale)
        typer.echo(f"resuming {printing.short(folder)}", err=True)
    outcome = launch.run_sweep(request, folder) if request.sweep else launch.run_one(request, folder)
    if not outcome.error or (request.sweep and (outcome.folder / "claims.csv").exists()):
        _report(outcome.folder)
    if outcome.error:
        raise CommandError(f"{outcome.error}{_where(outcome.folder)}")


def _where(folder: Path) -> str:
    """Where to look after a failure, if a folder was made."""
    log = folder / "run.log"
    return f" (the log: {printing.short(log)}; when mended, go on with --resume {folder.name})" if log.exists() else ""


def _report(folder: Path) -> None:
    """The folder, the figures, and the table of verdicts."""
    from deepk.lab import store
    from deepk.lab.claims import count_line, rows

    claims = store.read_table(folder / "claims.csv")
    printing.verdicts(rows(claims), count_line(claims))
    typer.echo(f"folder   {printing.short(folder)}")
    for path in sorted((folder / "figures").glob("*.png")):
        typer.echo(f"figure   {printing.short(path)}")


def reproduce(only: Names = None, scale: Scale = "laptop", jobs: Jobs = 1, results: Results = RESULTS) -> None:
    """Run several experiments, or all, and verify them; exits 1 where a claim differs that is not known to.

    Example: deepk reproduce --scale smoke -j 2
    """
    from cli import launch

    if scale not in catalogue.SCALES:
        raise UsageError(f"unknown scale {scale!r}{nearest(scale, catalogue.SCALES)}")
    requests = []
    for name in only or catalogue.names():
        catalogue.module_of(name)
        requests.append(_request(name, [], scale if name in catalogue.names() else None, False, jobs, results, True))
    failures = []
    for request in requests:
        typer.echo(f"{request.name} at scale {scale}")
        outcome = launch.run_one(request)
        if outcome.error:
            failures.append(f"{request.name}: {outcome.error}{_where(outcome.folder)}")
            continue
        _report(outcome.folder)
        failures += [f"{request.name}: {claim} differs" for claim in _unexplained(outcome.folder)]
    if failures:
        raise CommandError("; ".join(failures))


def _unexplained(folder: Path) -> list[str]:
    from cli import inspection

    return inspection.verify(folder)[2]
