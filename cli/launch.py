"""From a request to result folders: one run, or a sweep through Hydra's launchers, fresh or resumed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from cli import configuration
from cli.catalogue import module_of, see_working_directory
from cli.errors import CommandError, UsageError
from deepk import data as datasets
from deepk.lab import record as records
from deepk.lab import runner, store, sweep
from deepk.lab.contract import plain
from deepk.lab.pool import pin_gpu
from deepk.lab.record import Record
from experiments.schema import Experiment


@dataclass(frozen=True)
class Request:
    """What `deepk run` was asked to do."""

    name: str
    scale: str
    overrides: list[str]  # as normalized for Hydra
    results: Path
    sweep: bool = False
    jobs: int = 1
    progress: bool = True


@dataclass(frozen=True)
class Outcome:
    """How one run ended; small enough to come back from any worker."""

    folder: Path
    overrides: list[str] = field(default_factory=list)
    error: str = ""


# --- before any folder exists -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """The configurations of a request: one, or the good points of a sweep beside what is wrong with the bad ones."""

    points: list[tuple[list[str], Experiment]]
    bad: list[Outcome]

    def identity(self) -> str:
        """The config hash of a run, or of all points of a sweep."""
        return records.config_hash({"points": [plain(config) for _, config in self.points]})


def plan(hydra: Hydra, request: Request) -> Plan:
    """Composes and checks everything; raises where nothing at all could run."""
    points, bad, errors = [], [], []
    for overrides in configuration.expand(request.overrides) if request.sweep else [request.overrides]:
        try:
            config = configuration.compose(hydra, request.name, request.scale, overrides)
            check_device(config)
            check_data(config)
            points.append((overrides, config))
        except CommandError as error:
            errors.append(error)
            bad.append(Outcome(Path(), overrides, str(error)))
    if not points:
        raise errors[0]
    if twice := sweep.overlap([config for _, config in points]):
        raise UsageError(twice)
    return Plan(points, bad)


def check_device(config: Experiment) -> None:
    """UsageError where the configuration asks for an accelerator that torch does not see."""
    if config.device == "cpu":
        return
    import torch

    seen = torch.cuda.is_available() if config.device == "cuda" else torch.backends.mps.is_available()
    if not seen:
        raise UsageError(f"device={config.device} is not allowed: torch sees no such device here; use device=cpu")


def check_data(config: Experiment) -> dict[str, Any]:
    """Name and checksum of the images that the configuration asks for.

    Raises CommandError where they are absent or altered, UsageError where there are fewer than it asks for.
    """
    data = getattr(config, "data", None)
    if data is None:
        return {}
    try:
        checksum = datasets.check(data.name, root=data.root)
    except (datasets.DataError, ValueError) as error:
        raise CommandError(str(error)) from error
    if data.image_size is not None and data.name != "image-folder":
        raise UsageError(f"data.image_size={data.image_size} is not allowed: {data.name} has one size; leave it null")
    status = datasets.status(data.name, root=data.root)
    for key, asked, present in (("train", data.train_size, status.n_train), ("test", data.test_size, status.n_test)):
        if asked is not None and present is not None and asked > present:
            raise UsageError(f"data.{key}_size={asked} is not allowed: {data.name} has {present} such images")
    return {"name": data.name, "sha256": checksum}


# --- one run ----------------------------------------------------------------------------------------------------------


def execute(composed: DictConfig, *, request: Request) -> Outcome:
    """What Hydra calls for each run, here or in a worker: runs or resumes in the folder that Hydra was given.

    Returns how it ended instead of raising: Hydra re-raises the first failed point only, and drops the others.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    see_working_directory()
    job = HydraConfig.get()
    if request.sweep:
        pin_gpu(job.job.num)
    folder, overrides = Path(job.runtime.output_dir), _own(job.overrides.task)
    try:
        config = configuration.typed(request.name, composed)
        with store.hold(folder):
            if (folder / "run.json").exists():
                record = _continued(folder, config)
                if record.status == "done":
                    return Outcome(folder, overrides)
            else:
                record = _fresh(config, overrides, request)
                runner.begin(folder, record, plain(config))
            record.jobs = request.jobs
            runner.run(module_of(request.name), config, folder, record, progress=request.progress)
    except Exception as error:  # the log holds the traceback
        with suppress(OSError):
            folder.rmdir()  # Hydra made it; nothing was written if the configuration was wrong
        return Outcome(folder, overrides, str(error) if isinstance(error, CommandError) else runner.one_line(error))
    return Outcome(folder, overrides)


def _own(overrides: Sequence[str]) -> list[str]:
    """The overrides of the configuration itself, without those that choose experiment, scale and launcher."""
    return [text for text in overrides if not text.startswith(("experiment=", "scale=", "hydra"))]


def _fresh(config: Experiment, overrides: list[str], request: Request) -> Record:
    return Record(
        experiment=config.experiment,
        scale=config.scale,
        config_hash=records.config_hash(plain(config)),
        overrides=overrides,
        jobs=request.jobs,
        threads=config.threads,
        device=config.device,
        seeds=list(getattr(config, "seeds", [])),
        data=check_data(config),
    )


def _continued(folder: Path, config: Experiment) -> Record:
    """The record of a run to go on with; CommandError where its configuration was another one."""
    record = records.load(folder)
    if record.config_hash != records.config_hash(plain(config)):
        raise CommandError(f"{folder} was begun with another configuration")
    commit = records.git_state()
    record.resumed.append({"at": records.now(), "was": record.status, "git": commit})
    record.git = record.git if record.status == "done" else commit or record.git
    return record


def run_one(request: Request, folder: Path | None = None) -> Outcome:
    """Runs the request in a new version folder, or goes on in `folder`."""
    with configuration.session(request.name) as hydra:
        plan(hydra, request)
        folder = folder or store.claim_folder(request.results / request.name)
        overrides = [*configuration.selection(request.name, request.scale), *request.overrides]
        overrides.append(f"hydra.run.dir={_quoted(folder)}")
        outcome: Outcome = hydra.run("config", partial(execute, request=request), overrides).return_value
    return outcome


def _quoted(path: Path) -> str:
    text = str(path.resolve()).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


# --- a sweep ----------------------------------------------------------------------------------------------------------


def run_sweep(request: Request, folder: Path | None = None) -> Outcome:
    """Runs every point of the sweep in a folder of its own and joins the finished ones; a bad point stops no other."""
    error = ""
    with configuration.session(request.name) as hydra:
        planned = plan(hydra, request)
        folder = folder or store.claim_folder(request.results / request.name)
        with store.hold(folder):
            record = _sweep_record(folder, request, planned)
            try:
                with runner.ending(folder, record):
                    outcomes = _launch(hydra, request, folder, len(planned.points) + len(planned.bad))
                    _join(folder, record, request, planned, outcomes)
            except Exception as stopped:
                error = runner.one_line(stopped)
    return Outcome(folder, request.overrides, error)


def _sweep_record(folder: Path, request: Request, planned: Plan) -> Record:
    if (folder / "run.json").exists():
        record = records.load(folder)
        record.resumed.append({"at": records.now(), "was": record.status, "git": records.git_state()})
        record.status = "running"
        record.save(folder)
        return record
    first = planned.points[0][1]
    record = replace(
        _fresh(first, request.overrides, request),
        kind="sweep",
        config_hash=planned.identity(),
        seeds=sorted({seed for _, config in planned.points for seed in getattr(config, "seeds", [])}),
    )
    groups = [{"at": {}, "config": plain(config)} for _, config in planned.points]
    runner.begin(folder, record, {"groups": groups})
    return record


def _launch(hydra: Hydra, request: Request, folder: Path, points: int) -> list[Outcome]:
    """Every point, through the launcher: one after the other, `-j` at a time, or the user's own choice of launcher."""
    inner = replace(request, progress=False)
    overrides = [*configuration.selection(request.name, request.scale), *request.overrides]
    if request.jobs > 1 and not any(text.startswith("hydra/launcher=") for text in overrides):
        overrides += ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={request.jobs}"]
        inner = replace(inner, jobs=1)  # the points share the cores
    overrides += ["hydra.mode=MULTIRUN", f"hydra.sweep.dir={_quoted(folder)}"]
    with _sweep_bar(folder, points, request.progress):
        jobs = hydra.multirun("config", partial(execute, request=inner), overrides)
    (folder / "multirun.yaml").unlink(missing_ok=True)  # Hydra's copy of what overrides.yaml and config.yaml say
    return [job.return_value for batch in jobs for job in batch]


@contextmanager
def _sweep_bar(folder: Path, points: int, progress: bool) -> Iterator[None]:
    """A bar that counts the points whose record says they have ended, whichever process they run in."""
    from tqdm import tqdm

    over = threading.Event()
    with tqdm(total=points, unit="point", disable=None if progress else True) as bar:

        def count() -> int:
            statuses = []
            for path in folder.glob("*/run.json"):
                with suppress(store.StoreError):
                    statuses.append(records.load(path.parent).status)
            return sum(status in ("done", "failed") for status in statuses)

        def watch() -> None:
            while not over.wait(0.5):
                bar.update(count() - bar.n)

        watcher = threading.Thread(target=watch, daemon=True)
        if not bar.disable:
            watcher.start()
        try:
            yield
        finally:
            over.set()
            if watcher.is_alive():
                watcher.join()
                bar.update(count() - bar.n)


def _join(folder: Path, record: Record, request: Request, planned: Plan, outcomes: Sequence[Outcome]) -> None:
    """The sweep's own tables, verdicts and figures, from its finished points; raises where a point failed."""
    configs = {tuple(_own(overrides)): config for overrides, config in planned.points}
    finished = [
        sweep.Point(outcome.folder, configs[tuple(outcome.overrides)]) for outcome in outcomes if not outcome.error
    ]
    if finished:
        sweep.join(module_of(request.name), finished, folder, record)
    failed = [f"{' '.join(outcome.overrides)}: {outcome.error}" for outcome in outcomes if outcome.error]
    if failed:
        raise runner.PointsFailed(f"{len(failed)} of {len(outcomes)} points failed: {'; '.join(failed)}")


# --- resuming ---------------------------------------------------------------------------------------------------------


def unfinished(home: Path, version: str | None) -> Path:
    """The folder to resume: `version`, or the newest that has not finished.

    Raises UsageError where there is nothing to resume, RunIsAlive, naming the process, where it is being run.
    """
    present = [folder for folder in store.versions(home) if (folder / "run.json").exists()]
    if version is not None:
        present = [folder for folder in present if folder.name == version]
        if not present:
            raise UsageError(f"there is no run {home.name}/{version} in {home.parent}")
    for folder in reversed(present):
        record = records.load(folder)
        if record.status != "done":
            if store.is_held(folder):
                raise store.RunIsAlive(
                    f"{folder} is being run by {store.holder(folder)}; wait for it, or stop it first"
                )
            return folder
    raise UsageError(
        f"nothing to resume: {f'{home.name}/{version}' if version else f'every run of {home.name}'} is done"
    )


def resumed(request: Request, folder: Path, *, scale: str | None) -> Request:
    """The request that continues `folder`: its own overrides and scale, unless the user gave some.

    Raises UsageError, with the difference, where the configuration is no longer the same.
    """
    record = records.load(folder)
    request = replace(
        request,
        scale=scale or record.scale,
        overrides=request.overrides or record.overrides,
        sweep=record.kind == "sweep",
    )
    with configuration.session(request.name) as hydra:
        now = plan(hydra, request)
    if record.kind == "sweep":
        same = now.identity() == record.config_hash
        changes = records.difference(
            {"scale": record.scale, "overrides": record.overrides},
            {"scale": request.scale, "overrides": request.overrides},
        )
    else:
        new = plain(now.points[0][1])
        same = records.config_hash(new) == record.config_hash
        changes = records.difference(plain(configuration.read(folder, request.name)[0][1]), new)
    if not same:
        raise UsageError(f"cannot resume {folder}: its configuration has changed: {'; '.join(changes) or 'in conf/'}")
    return request


def dry_run(request: Request) -> list[dict[str, Any]]:
    """What each point of the request would do: units, steps, and seconds after timing one step of some units."""
    from deepk.lab.preflight import estimate

    with configuration.session(request.name) as hydra:
        planned = plan(hydra, request)
    for outcome in planned.bad:
        raise UsageError(f"{' '.join(outcome.overrides)}: {outcome.error}")
    jobs = request.jobs if not request.sweep else 1
    rows = []
    for overrides, config in planned.points:
        found = estimate(module_of(request.name), config, jobs=jobs)
        rows.append({"overrides": " ".join(overrides), **found})
    return rows
