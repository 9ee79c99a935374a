"""`deepk runs`, `plot`, `verify` and `compare`: what finished runs say."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import catalogue, completion, printing
from cli.errors import CommandError, UsageError
from cli.options import RESULTS, Json, Results, Run


def runs(
    name: Annotated[
        str | None,
        typer.Argument(help="Of one experiment only.", autocompletion=completion.names),
    ] = None,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """The versions in the results folder: status, scale, commit, verdicts, overrides."""
    if name is not None:
        catalogue.module_of(name)
    from cli import inspection

    found = inspection.runs(results, name)
    if json:
        printing.as_json(found)
    elif found:
        printing.table(found, ["run", "status", "scale", "started", "seconds", "commit", "overrides", "verdicts"])
    else:
        typer.echo(f"no runs in {results}; start one with: deepk run {name or 'NAME'}")


def plot(run: Run, results: Results = RESULTS) -> None:
    """Draw a run's figures again, from its CSV files.

    Example: deepk plot eoc-training/v003
    """
    from cli import inspection
    from deepk.lab import store

    for path in inspection.plot(store.find_run(run, results)):
        typer.echo(printing.short(path))


def verify(
    run: Annotated[
        str | None,
        typer.Argument(help="NAME for its latest run, NAME/v007, or a folder.", autocompletion=completion.runs),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every run, the reference results included.")] = False,
    save: Annotated[bool, typer.Option("--save", help="Bring claims.csv up to date.")] = False,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Judge a run's claims again from its CSV files; exits 1 where one differs that is not known to.

    Example: deepk verify eoc-training
    """
    from cli import inspection
    from deepk.lab import store
    from deepk.lab.claims import rows

    if (run is None) != everything:
        raise UsageError("name a RUN, or give --all for every run")
    folders = [store.find_run(run, results)] if run is not None else inspection.all_runs(results)
    if not folders:
        raise CommandError(f"no finished run in {results}")
    content, failures = [], []
    for folder in folders:
        try:
            table, count, unexplained = inspection.verify(folder, save=save)
            changed = inspection.edited(folder)
        except (
            CommandError,
            store.StoreError,
        ) as error:  # one unreadable run does not keep the others from being judged
            failures.append(str(error))
            continue
        content.append({"run": str(printing.short(folder)), "count": count, "edited": changed, "claims": rows(table)})
        failures += [f"{folder.name}: {claim} differs" for claim in unexplained]
        if not json:
            typer.echo(f"{printing.short(folder)}")
            printing.verdicts(rows(table), count)
            for name in changed:
                typer.echo(f"{name} is not the file that the run wrote: it was edited since", err=True)
    if json:
        printing.as_json(content)
    if failures:
        raise CommandError("; ".join(failures))


def compare(first: Run, second: Run, results: Results = RESULTS, json: Json = False) -> None:
    """What differs between two runs: configuration, environment, claims, numbers.

    Example: deepk compare eoc-training/v001 eoc-training/v002
    """
    from cli import inspection
    from deepk.lab import store

    content = inspection.compare(store.find_run(first, results), store.find_run(second, results))
    if json:
        printing.as_json(content)
        return
    for part, changes in content.items():
        typer.echo(f"{part}: {'the same' if not changes else ''}".rstrip())
        if changes:
            printing.table(changes, ["what", "first", "second"])
