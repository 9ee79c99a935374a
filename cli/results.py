"""`deepk runs`, `plot`, `verify` and `compare`: what finished runs say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import catalogue, completion, printing
from cli.options import RESULTS, Json, Results, Run
from deepk.errors import LabError, Refused

if TYPE_CHECKING:
    from deepk.lab.folder import RunFolder
    from deepk.lab.verification import FinishedRun, Judgement


def runs(
    name: Annotated[
        str | None,
        typer.Argument(help="Of one experiment only.", autocompletion=completion.names),
    ] = None,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """The versions in the results folder: status, scale, commit, rules, verdicts, overrides."""
    from deepk.lab.folder import homes, versions
    from deepk.lab.verification import summary

    chosen = [results / catalogue.find(name).name] if name is not None else homes(results)
    rows = [summary(folder) for home in chosen for folder in versions(home)]
    if json:
        printing.as_json(rows)
    elif rows:
        columns = ["run", "status", "scale", "started", "seconds", "commit", "overrides", "rules", "verdicts"]
        if not any(row.get("rules") for row in rows):
            columns.remove("rules")
        printing.table(rows, columns)
    else:
        typer.echo(f"no runs in {results}; start one with: deepk run {name or 'NAME'}")


def plot(run: Run, results: Results = RESULTS) -> None:
    """Draw a run's figures again, from its CSV files.

    Example: deepk plot eoc-training/v003
    """
    from deepk.lab.folder import find_run

    for path in opened(find_run(run, results)).draw():
        typer.echo(printing.short(path))


def opened(folder: RunFolder) -> FinishedRun:
    """A finished run with its experiment; raises StoreError where it has no data, Refused without its experiment."""
    from deepk.lab import record as records
    from deepk.lab.verification import FinishedRun

    return FinishedRun.open(folder, catalogue.find(records.load(folder).experiment))


def verify(
    run: Annotated[
        str | None,
        typer.Argument(help="NAME for its latest run, NAME/v007, or a folder.", autocompletion=completion.runs),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every run, the reference results included.")] = False,
    save: Annotated[bool, typer.Option("--save", help="Bring the verdicts of the run up to date.")] = False,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Judge a run's claims again from its CSV files.

    Exits 1 where one differs that is not known to, or where a file is not the one that the run wrote.

    Example: deepk verify eoc-training
    """
    from deepk.lab.folder import find_run, finished_runs

    if (run is None) != everything:
        raise Refused("name a RUN, or give --all for every run")
    folders = [find_run(run, results)] if run is not None else finished_runs(results)
    if not folders:
        raise LabError(f"no finished run in {results}")
    judgements, failures = [], []
    for folder in folders:
        try:
            judgement = opened(folder).judge(save=save)
        except LabError as error:  # one unreadable run does not keep the others from being judged
            failures.append(str(error))
            continue
        judgements.append(judgement)
        run = f"{folder.path.parent.name}/{folder.name}"
        failures += [f"{run}: {claim} differs" for claim in judgement.unexplained]
        failures += [f"{run}: {name} was edited since the run wrote it" for name in judgement.edited]
        if not json:
            _show(judgement)
    if json:
        printing.as_json([{**one.as_dict(), "run": str(printing.short(one.folder.path))} for one in judgements])
    if failures:
        raise LabError("; ".join(failures))


def _show(judgement: Judgement) -> None:
    from deepk.lab.claims import rows

    typer.echo(f"{printing.short(judgement.folder.path)}")
    printing.verdicts(rows(judgement.table), judgement.line)
    if judgement.status != "done":
        typer.echo(f"this run is {judgement.status}: what is judged is what it has")


def report(folder: RunFolder) -> list[str]:
    """Prints a finished run: its verdicts, its folder, its figures. Returns the claims that differ unexplained."""
    from deepk.lab import store
    from deepk.lab.claims import count_line, rows, unexplained

    claims = store.read_table(folder.claims)
    printing.verdicts(rows(claims), count_line(claims))
    typer.echo(f"folder   {printing.short(folder.path)}")
    for path in folder.pictures():
        typer.echo(f"figure   {printing.short(path)}")
    return unexplained(claims)


def log_of(folder: RunFolder | None) -> str:
    """Where to look after a failure, if a folder was made."""
    if folder is None or not folder.log.exists():
        return ""
    path: Path = printing.short(folder.log)
    return f" (the log: {path}; when mended, go on with --resume {folder.name})"


def compare(first: Run, second: Run, results: Results = RESULTS, json: Json = False) -> None:
    """What differs between two runs: configuration, environment, claims, numbers.

    Example: deepk compare eoc-training/v001 eoc-training/v002
    """
    from deepk.lab import comparison
    from deepk.lab.folder import find_run

    content = comparison.compare(*(opened(find_run(run, results)) for run in (first, second)))
    if json:
        printing.as_json(content)
        return
    for part, changes in content.items():
        typer.echo(f"{part}: {'the same' if not changes else ''}".rstrip())
        if changes:
            printing.table(changes, ["what", "first", "second"])
