"""deepk: run the experiments of deep-learning theory, and see what matches the papers."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from cli import catalogue, completion, printing
from cli.errors import CommandError, UsageError, nearest

app = typer.Typer(
    help="Reproduce the figures and tables of deep-learning theory, with a verdict on every number.",
    epilog="Start with: deepk list; deepk run eoc-training; deepk verify eoc-training",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
data_app = typer.Typer(help="Data sets: which are here, fetch one, check one.", rich_markup_mode=None, no_args_is_help=True)
app.add_typer(data_app, name="data")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Results = Annotated[Path, typer.Option("--results", help="Folder of the results.")]
Jobs = Annotated[int, typer.Option("-j", "--jobs", min=1, help="Units, or points of a sweep, to run at a time.")]
Scale = Annotated[
    str, typer.Option("--scale", help="smoke (seconds), laptop (minutes), paper.", autocompletion=completion.scales)
]
Name = Annotated[str, typer.Argument(help="An experiment of `deepk list`, or your own module.", autocompletion=completion.names)]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="NAME for its latest run, NAME/v007, or a folder.", autocompletion=completion.runs)]
RESULTS = Path("results")


@app.command("list")
def list_(json: Json = False) -> None:
    """The experiments: paper, figure, cost at each scale, data."""
    rows = [{"name": name, **catalogue.about(name)} for name in catalogue.names()]
    if json:
        printing.as_json(rows)
        return
    for row in rows:
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
    module = catalogue.module_of(name)
    from cli import configuration
    from deepk.lab.contract import load_experiment, plain

    with configuration.session(name) as hydra:
        config = configuration.compose(hydra, name, scale, [])
    claims = _claims_before_any_run(load_experiment(module), config)
    content = {"name": name, "argument": catalogue.docstring(module), "config": plain(config), "claims": claims}
    if json:
        printing.as_json(content)
        return
    import yaml

    typer.echo(content["argument"])
    typer.echo(f"\nConfiguration at scale {scale}\n")
    typer.echo(yaml.safe_dump(content["config"], sort_keys=False))
    typer.echo("Claims\n")
    shown = [{**claim, "": claim["relation"]} for claim in claims]
    printing.table(shown, ["name", "", "published", "expected", "statement"])


def _claims_before_any_run(experiment: Any, config: Any) -> list[dict[str, Any]]:
    """The claims with nothing measured: what they state, and what is published."""
    import pandas as pd

    from deepk.lab.claims import judge
    from deepk.lab.pool import configure_torch

    configure_torch(config.threads)
    empty = pd.DataFrame(columns=list(experiment.COLUMNS))
    table = judge(experiment.claims(experiment.predict(config), empty, config))
    kept = ["name", "statement", "source", "published", "relation", "expected", "reason"]
    rows: list[dict[str, Any]] = table[kept].to_dict(orient="records")
    return rows


@app.command()
def run(
    name: Name,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[key=value ...]", help="Changes to the configuration.", autocompletion=completion.overrides),
    ] = None,
    scale: Annotated[str | None, typer.Option("--scale", help="smoke, laptop (the default) or paper.", autocompletion=completion.scales)] = None,
    multirun: Annotated[bool, typer.Option("-m", "--multirun", help="Run every combination of comma-separated values.")] = False,
    jobs: Jobs = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the newest unfinished run, or with the vNNN given.")] = False,
    results: Results = RESULTS,
    show_config: Annotated[bool, typer.Option("--show-config", help="Print the configuration and stop.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print units, steps and the time they will take, and stop.")] = False,
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
) -> Any:
    from cli import configuration
    from cli.launch import Request

    scale = scale or "laptop"
    configuration.selection(name, scale)
    normalized = configuration.normalize(name, words, sweep=multirun)
    return Request(name, scale, normalized, results, sweep=multirun, jobs=jobs, progress=progress)


def _show_config(request: Any) -> None:
    import yaml

    from cli import configuration
    from deepk.lab.contract import plain

    with configuration.session(request.name) as hydra:
        for overrides in configuration.expand(request.overrides):
            config = configuration.compose(hydra, request.name, request.scale, overrides)
            typer.echo(yaml.safe_dump(plain(config), sort_keys=False))


def _dry_run(request: Any) -> None:
    from cli.launch import dry_run

    rows = dry_run(request)
    total = sum(row["seconds"] for row in rows)
    for row in rows:
        row["time"] = printing.duration(row["seconds"])
        row["a step"] = f"{1000 * row['seconds_per_step']:.1f} ms"
    printing.table(rows, ["units", "steps", "a step", "time", "overrides"])
    if len(rows) > 1:
        typer.echo(f"{len(rows)} points, {printing.duration(total / request.jobs)} with -j {request.jobs}")


def _run(request: Any, scale: str | None, resume: bool, version: str | None) -> None:
    from cli import launch

    folder = None
    if resume:
        folder = launch.unfinished(request.results / request.name, version)
        request = launch.resumed(request, folder, scale=scale)
        typer.echo(f"resuming {folder}", err=True)
    outcome = launch.run_sweep(request, folder) if request.sweep else launch.run_one(request, folder)
    if not outcome.error or (request.sweep and (outcome.folder / "claims.csv").exists()):
        _report(outcome.folder)
    if outcome.error:
        raise CommandError(f"{outcome.error}{_where(outcome.folder)}")


def _where(folder: Path) -> str:
    """Where to look after a failure, if a folder was made."""
    log = folder / "run.log"
    return f" (the log: {log}; go on with --resume {folder.name})" if log.exists() else ""


def _report(folder: Path) -> None:
    """The folder, the figures, and the table of verdicts."""
    from deepk.lab import store
    from deepk.lab.claims import count_verdicts

    claims = store.read_table(folder / "claims.csv")
    printing.verdicts(claims.to_dict(orient="records"), count_verdicts(claims))
    typer.echo(f"folder   {_short(folder)}")
    for path in sorted((folder / "figures").glob("*.png")):
        typer.echo(f"figure   {_short(path)}")


def _short(path: Path) -> Path:
    """A path as seen from the working directory, where it lies below it."""
    path, here = path.resolve(), Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path


@app.command()
def reproduce(
    only: Annotated[list[str] | None, typer.Argument(metavar="[NAME ...]", help="All by default.", autocompletion=completion.names)] = None,
    scale: Scale = "laptop",
    jobs: Jobs = 1,
    results: Results = RESULTS,
) -> None:
    """Run several experiments, or all, and verify them; exits 1 where a claim differs that is not known to.

    Example: deepk reproduce --scale smoke -j 2
    """
    from cli import launch

    requests = []
    for name in only or catalogue.names():
        catalogue.module_of(name)
        requests.append(_request(name, [], scale, False, jobs, results, True))
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


@app.command()
def runs(
    name: Annotated[str | None, typer.Argument(help="Of one experiment only.", autocompletion=completion.names)] = None,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """The versions in the results folder: status, scale, commit, verdicts, overrides."""
    if name is not None:
        catalogue.module_of(name)
    from cli import inspection

    rows = inspection.runs(results, name)
    if json:
        printing.as_json(rows)
    elif rows:
        printing.table(rows, ["run", "status", "scale", "started", "seconds", "commit", "overrides", "verdicts"])
    else:
        typer.echo(f"no runs in {results}; start one with: deepk run {name or 'NAME'}")


@app.command()
def plot(run: RunName, results: Results = RESULTS) -> None:
    """Draw a run's figures again, from its CSV files.

    Example: deepk plot eoc-training/v003
    """
    from cli import inspection
    from deepk.lab import store

    for path in inspection.plot(store.find_run(run, results)):
        typer.echo(_short(path))


@app.command()
def verify(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="NAME for its latest run, NAME/v007, or a folder.", autocompletion=completion.runs)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every run, the reference results included.")] = False,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Judge a run's claims again from its CSV files; exits 1 where one differs that is not known to.

    Example: deepk verify eoc-training
    """
    from cli import inspection
    from deepk.lab import store

    if (run is None) != everything:
        raise UsageError("name a RUN, or give --all for every run")
    folders = [store.find_run(run, results)] if run is not None else inspection.all_runs(results)
    if not folders:
        raise CommandError(f"no finished run in {results}")
    content, failures = [], []
    for folder in folders:
        table, count, unexplained = inspection.verify(folder)
        claims = table.to_dict(orient="records")
        content.append({"run": str(_short(folder)), "count": count, "claims": claims})
        failures += [f"{folder.name}: {claim}" for claim in unexplained]
        if not json:
            typer.echo(f"{_short(folder)}")
            printing.verdicts(claims, count)
    if json:
        printing.as_json(content)
    if failures:
        raise CommandError(f"differs: {', '.join(failures)}")


@app.command()
def compare(first: RunName, second: RunName, results: Results = RESULTS, json: Json = False) -> None:
    """What differs between two runs: configuration, environment, claims, numbers.

    Example: deepk compare eoc-training/v001 eoc-training/v002
    """
    from cli import inspection
    from deepk.lab import store

    content = inspection.compare(store.find_run(first, results), store.find_run(second, results))
    if json:
        printing.as_json(content)
        return
    for part, rows in content.items():
        typer.echo(f"{part}: {'the same' if not rows else ''}".rstrip())
        if rows:
            printing.table(rows, ["what", "first", "second"])


@data_app.command("list")
def data_list(json: Json = False) -> None:
    """The data sets, and whether they are here."""
    from dataclasses import asdict

    from deepk import data as datasets

    rows = [asdict(datasets.status(name)) for name in datasets.DATASETS]
    if json:
        printing.as_json(rows)
    else:
        printing.table(rows, list(rows[0]))


DataName = Annotated[str, typer.Argument(metavar="NAME", help="A data set of `deepk data list`.", autocompletion=completion.data_names)]
Root = Annotated[Path | None, typer.Option("--root", help="Where; by default $DEEPK_DATA, else the user cache directory.")]


@data_app.command("fetch")
def data_fetch(name: DataName, root: Root = None) -> None:
    """Download a data set, and check it."""
    from deepk import data as datasets

    _known_data(name)
    try:
        typer.echo(f"{name} is in {datasets.fetch(name, root=root)}")
    except datasets.DataError as error:
        raise CommandError(str(error)) from error


@data_app.command("check")
def data_check(name: DataName, root: Root = None) -> None:
    """Check a data set's files against their checksums, and print its sha256."""
    from deepk import data as datasets

    _known_data(name)
    try:
        typer.echo(f"{name} {datasets.check(name, root=root)}")
    except datasets.DataError as error:
        raise CommandError(str(error)) from error


def _known_data(name: str) -> None:
    if name not in catalogue.data_names():
        raise UsageError(f"unknown data set {name!r}{nearest(name, catalogue.data_names())}")


def _terminated(number: int, frame: object) -> NoReturn:
    """A scheduler's SIGTERM ends a run as Ctrl-C does: recorded as interrupted, resumable."""
    del frame
    raise SystemExit(128 + number)


def main() -> NoReturn:
    """The entry point: every error is one line on stderr, and the exit code says which kind.

    0 all well; 1 a run failed or a claim differs; 2 the command was wrong; 130 Ctrl-C.
    """
    os.environ["PYTHONSAFEPATH"] = "1"  # in workers, a user's own conf/ or experiments/ must not shadow ours
    signal.signal(signal.SIGTERM, _terminated)
    catalogue.see_working_directory()
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except CommandError as error:
        _fail(str(error), error.exit_code)
    except typer.Abort:
        _fail("interrupted; go on with: deepk run NAME --resume", 130)
    except KeyboardInterrupt:
        _fail("interrupted; go on with: deepk run NAME --resume", 130)
    except typer.TyperException as error:
        _fail(" ".join(error.format_message().split()), getattr(error, "exit_code", 2))
    except Exception as error:
        from deepk.lab.store import StoreError

        if isinstance(error, StoreError):
            _fail(str(error), 1)
        raise


def _fail(line: str, code: int) -> NoReturn:
    typer.echo(f"deepk: {line}", err=True)
    sys.exit(code)
