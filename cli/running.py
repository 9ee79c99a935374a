"""`deepk run` and `deepk reproduce`."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import catalogue, completion, printing
from cli.options import RESULTS, Budget, Jobs, Multirun, Name, Names, Overrides, Results, Resume, Scale
from cli.results import log_of, report
from cli.words import nearest
from deepk.errors import LabError, Refused

if TYPE_CHECKING:
    from cli.launch import Request
    from deepk.lab.contract import Entry
    from deepk.lab.folder import RunFolder


def run(
    name: Name,
    overrides: Overrides = None,
    scale: Annotated[
        str | None,
        typer.Option(help="smoke, laptop (the default) or paper.", autocompletion=completion.scales),
    ] = None,
    multirun: Multirun = False,
    jobs: Jobs = 1,
    resume: Resume = False,
    budget: Budget = None,
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

    deepk run eoc-training --scale paper --budget 60
    """
    entry = catalogue.find(name)
    words = list(overrides or [])
    version = _take_version(words) if resume else None
    request = _request(entry, words, scale, multirun, jobs, results, not quiet)
    if budget is not None:
        request = replace(request, deadline=time.time() + 60 * budget)
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
    entry: Entry, words: list[str], scale: str | None, multirun: bool, jobs: int, results: Path, progress: bool
) -> Request:
    from cli import configuration
    from cli.launch import Request

    if scale is not None and entry.own:
        raise Refused(f"--scale {scale} is not allowed: {entry.name} is your own and has one scale")
    scale = scale or "laptop"
    configuration.selection(entry, scale)
    normalized = configuration.normalize(entry, words, sweep=multirun)
    return Request(entry, scale, normalized, results, sweep=multirun, jobs=jobs, progress=progress)


def _show_config(request: Request) -> None:
    import yaml

    from cli import configuration
    from deepk.lab.configuration import plain

    with configuration.session(request.entry) as hydra:
        for overrides in configuration.expand(request.overrides):
            config = configuration.compose(hydra, request.entry, request.scale, overrides)
            typer.echo(yaml.safe_dump(plain(config), sort_keys=False))


def _dry_run(request: Request) -> None:
    from cli import configuration, launch
    from deepk.lab.preflight import estimate

    with configuration.session(request.entry) as hydra:
        planned = launch.plan(hydra, request)
    for outcome in planned.bad:
        raise Refused(f"{' '.join(outcome.overrides)}: {outcome.error}")
    jobs, experiment = (request.jobs if not request.sweep else 1), request.entry.experiment
    rows = [{"overrides": " ".join(o), **estimate(experiment, config, jobs=jobs)} for o, config in planned.points]
    total = sum(row["seconds"] for row in rows)
    for row in rows:
        row["time"] = printing.duration(row["seconds"])
        row["a step"] = f"{1000 * row['seconds_per_step']:.1f} ms"
    printing.table(rows, ["units", "steps", "a step", "time", "overrides"])
    if len(rows) > 1:
        typer.echo(f"{len(rows)} points, {printing.duration(total / request.jobs)} with -j {request.jobs}")


def _run(request: Request, scale: str | None, resume: bool, version: str | None) -> None:
    from cli import launch
    from deepk.lab.resuming import unfinished

    folder = None
    if resume:
        folder = unfinished(request.results / request.entry.name, version)
        request = launch.resumed(request, folder, scale=scale)
        typer.echo(f"resuming {printing.short(folder.path)}", err=True)
    outcome = launch.run_sweep(request, folder) if request.sweep else launch.run_one(request, folder)
    if outcome.folder and (outcome.folder.judged if request.sweep or outcome.spent else not outcome.error):
        report(outcome.folder)
    if outcome.error:
        raise LabError(f"{outcome.error}{log_of(outcome.folder)}")
    if outcome.spent:
        typer.echo(_spent(request, outcome.folder), err=True)


def _spent(request: Request, folder: RunFolder | None) -> str:
    """What a user does after a budget is spent."""
    kept = folder is not None and any(one.judged or one.has_units for one in (folder, *folder.points()))
    if folder is None or not kept:
        return "deepk: the budget was spent before anything could be kept; give it more"
    elsewhere = f" --results {request.results}" if request.results != RESULTS else ""
    again = f"deepk run {request.entry.name} --resume {folder.name}{elsewhere}"
    return f"deepk: the budget is spent; it goes on with: {again}"


def reproduce(only: Names = None, scale: Scale = "laptop", jobs: Jobs = 1, results: Results = RESULTS) -> None:
    """Run several experiments, or all, and verify them; exits 1 where a claim differs that is not known to.

    Example: deepk reproduce --scale smoke -j 2
    """
    from cli import launch

    if scale not in catalogue.SCALES:
        raise Refused(f"unknown scale {scale!r}{nearest(scale, catalogue.SCALES)}")
    requests = [
        _request(entry, [], None if entry.own else scale, False, jobs, results, True)
        for entry in map(catalogue.find, only or catalogue.names())
    ]
    failures = []
    for request in requests:
        typer.echo(f"{request.entry.name} at scale {scale}")
        outcome = launch.run_one(request)
        if outcome.error or outcome.folder is None:
            failures.append(f"{request.entry.name}: {outcome.error}{log_of(outcome.folder)}")
            continue
        failures += [f"{request.entry.name}: {claim} differs" for claim in report(outcome.folder)]
    if failures:
        raise LabError("; ".join(failures))
