"""From a request to result folders: one run, or a sweep through Hydra's launchers, fresh or resumed."""

from __future__ import annotations

import math
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from cli import configuration
from cli.catalogue import see_working_directory
from deepk.errors import LabError
from deepk.lab import record as records
from deepk.lab import resuming, runner, store, sweep
from deepk.lab.configuration import Configuration, plain
from deepk.lab.contract import Entry
from deepk.lab.folder import RunFolder, claim_folder
from deepk.lab.lending import BudgetSpent
from deepk.lab.planning import Outcome, Plan, check_data, check_device, make_plan
from deepk.lab.pool import pin_gpu
from deepk.lab.record import Record


@dataclass(frozen=True)
class Request:
    """What `deepk run` was asked to do."""

    entry: Entry
    scale: str
    overrides: list[str]  # as normalized for Hydra
    results: Path
    sweep: bool = False
    jobs: int = 1
    progress: bool = True
    deadline: float = math.inf  # when the budget is spent, of time.time
    folder: RunFolder | None = None  # the run's, or the sweep's, once it is claimed
    parent: int | None = None  # the process without which a worker on this machine should not go on


def plan(hydra: Hydra, request: Request) -> Plan:
    """What the request would run, composed and checked; raises LabError where nothing at all could run."""
    points = configuration.expand(request.overrides) if request.sweep else [request.overrides]

    def compose(overrides: list[str]) -> Configuration:
        return configuration.compose(hydra, request.entry, request.scale, overrides)

    return make_plan(request.entry.experiment, points, compose)


def resumed(request: Request, folder: RunFolder, *, scale: str | None) -> Request:
    """The request that continues `folder`: its own overrides and scale, unless the user gave some.

    Raises Refused, with the difference, where the configuration is no longer the same.
    """
    record = records.load(folder)
    request = replace(
        request,
        scale=scale or record.scale,
        overrides=request.overrides or record.overrides,
        sweep=record.kind == "sweep",
    )
    with configuration.session(request.entry) as hydra:
        now = plan(hydra, request)
    if record.kind == "sweep":
        if now.identity() != record.config_hash:
            old = {"scale": record.scale, "overrides": record.overrides}
            resuming.refuse_change(folder, old, {"scale": request.scale, "overrides": request.overrides})
    elif records.config_hash(new := plain(now.points[0][1])) != record.config_hash:
        resuming.refuse_change(folder, resuming.stored_config(folder, request.entry), new)
    return request


# --- one run ----------------------------------------------------------------------------------------------------------


def execute(composed: DictConfig, *, request: Request) -> Outcome:
    """What Hydra calls for each run, here or in a worker: runs or resumes in the folder that Hydra was given.

    Returns how it ended instead of raising: Hydra re-raises the first failed point only, and drops the others.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    see_working_directory()
    if request.parent not in (None, os.getpid()):
        _end_with(request.parent)
    job = HydraConfig.get()
    if request.sweep:
        pin_gpu(job.job.num)
    assert request.folder is not None  # noqa: S101 - given by run_one and run_sweep
    folder = request.folder.point(job.job.num) if request.sweep else request.folder
    overrides = _own(job.overrides.task)
    try:
        config = configuration.typed(request.entry, composed)
        check_device(config)
        data = check_data(config)
        with folder.hold():
            if folder.begun:
                record = resuming.continued(folder, config, data)
                if record.status == "done":
                    folder.clear_units()  # where the lock was
                    return Outcome(folder, overrides)
            else:
                record = _fresh(config, overrides, request, data)
                runner.begin(request.entry.experiment, folder, record, plain(config))
            record.jobs = request.jobs
            experiment, deadline = request.entry.experiment, request.deadline
            runner.run(experiment, config, folder, record, progress=request.progress, deadline=deadline)
    except BudgetSpent:
        return Outcome(folder, overrides, spent=True)
    except Exception as error:  # the log holds the traceback
        with suppress(OSError):
            folder.path.rmdir()  # Hydra made it; nothing was written if the configuration was wrong
        return Outcome(folder, overrides, runner.one_line(error))
    return Outcome(folder, overrides)


def _end_with(parent: int | None) -> None:
    """Ends this worker when the command that it works for has died: an orphan would hold its points for days."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if os.getppid() == parent:
        threading.Thread(target=watch, daemon=True).start()


def _own(overrides: Sequence[str]) -> list[str]:
    """The overrides of the configuration itself, without those that choose experiment, scale and launcher."""
    return [text for text in overrides if not text.startswith(("experiment=", "scale=", "hydra"))]


def _fresh(config: Configuration, overrides: list[str], request: Request, data: dict[str, Any]) -> Record:
    return Record(
        experiment=config.experiment,
        scale=config.scale,
        config_hash=records.config_hash(plain(config)),
        overrides=overrides,
        jobs=request.jobs,
        threads=config.threads,
        device=config.device,
        seeds=list(getattr(config, "seeds", [])),
        data=data,
    )


def run_one(request: Request, folder: RunFolder | None = None) -> Outcome:
    """Runs the request in a new version folder, or goes on in `folder`."""
    with configuration.session(request.entry) as hydra:
        plan(hydra, request)
        folder = folder or claim_folder(request.results / request.entry.name)
        overrides = [*configuration.selection(request.entry, request.scale), *request.overrides]
        overrides.append(f"hydra.run.dir={_quoted(folder)}")
        task = partial(execute, request=replace(request, folder=RunFolder(folder.path.resolve())))
        outcome: Outcome = hydra.run("config", task, overrides).return_value
    return outcome


def _quoted(folder: RunFolder) -> str:
    """A folder as a value of Hydra's grammar, as seen from the working directory, whose own name may hold anything.

    Inside quotes a backslash is special only before a quote, and at the end.
    """
    text = os.path.relpath(folder.path)
    return "'" + re.sub(r"(\\*)('|$)", lambda match: 2 * match[1] + ("\\'" if match[2] else ""), text) + "'"


# --- a sweep ----------------------------------------------------------------------------------------------------------


def run_sweep(request: Request, folder: RunFolder | None = None) -> Outcome:
    """Runs every point of the sweep in a folder of its own and joins the finished ones; a bad point stops no other."""
    error = ""
    with configuration.session(request.entry) as hydra:
        planned = plan(hydra, request)
        folder = folder or claim_folder(request.results / request.entry.name)
        with folder.hold():
            record = _sweep_record(folder, request, planned)
            try:
                with runner.ending(folder, record):
                    outcomes = _launch(hydra, request, folder, len(planned.points) + len(planned.bad))
                    _join(folder, record, request, planned, outcomes)
            except BudgetSpent:
                return Outcome(folder, request.overrides, spent=True)
            except Exception as stopped:
                error = runner.one_line(stopped)
    return Outcome(folder, request.overrides, error)


def _sweep_record(folder: RunFolder, request: Request, planned: Plan) -> Record:
    if folder.begun:
        record = records.load(folder)
        resuming.note_resumed(folder, record)
        return record
    first = planned.points[0][1]
    data: dict[str, Any] = {}
    with suppress(LabError):  # absent data is the failure of the points that need it
        data = check_data(first)
    record = replace(
        _fresh(first, request.overrides, request, data),
        kind="sweep",
        config_hash=planned.identity(),
        seeds=sorted({seed for _, config in planned.points for seed in getattr(config, "seeds", [])}),
    )
    groups = [{"at": {}, "config": plain(config)} for _, config in planned.points]
    runner.begin(request.entry.experiment, folder, record, {"groups": groups})
    return record


def _launch(hydra: Hydra, request: Request, folder: RunFolder, points: int) -> list[Outcome]:
    """Every point, through the launcher: one after the other, `-j` at a time, or the user's own choice of launcher."""
    inner = replace(request, progress=False, folder=RunFolder(folder.path.resolve()))
    overrides = [*configuration.selection(request.entry, request.scale), *request.overrides]
    if request.jobs > 1 and not any(text.startswith("hydra/launcher=") for text in overrides):
        overrides += ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={request.jobs}"]
        inner = replace(inner, jobs=1, parent=os.getpid())  # the points share the cores
    overrides += ["hydra.mode=MULTIRUN", f"hydra.sweep.dir={_quoted(folder)}"]
    with _sweep_bar(folder, points, request.progress):
        jobs = hydra.multirun("config", partial(execute, request=inner), overrides)
    folder.launcher_copy.unlink(missing_ok=True)
    return [job.return_value for batch in jobs for job in batch]


@contextmanager
def _sweep_bar(folder: RunFolder, points: int, progress: bool) -> Iterator[None]:
    """A bar that counts the points whose record says they have ended, whichever process they run in."""
    from tqdm import tqdm

    over = threading.Event()
    with tqdm(total=points, unit="point", disable=None if progress else True) as bar:

        def count() -> int:
            statuses = []
            for point in folder.points():
                with suppress(store.StoreError):
                    statuses.append(records.load(point).status)
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


def _join(folder: RunFolder, record: Record, request: Request, planned: Plan, outcomes: Sequence[Outcome]) -> None:
    """The sweep's own tables, verdicts and figures, from its finished points; raises where a point failed."""
    configs = {tuple(_own(overrides)): config for overrides, config in planned.points}
    finished = [
        sweep.Point(outcome.folder, configs[tuple(outcome.overrides)])
        for outcome in outcomes
        if outcome.folder and not outcome.error and outcome.folder.table("data").exists()
    ]
    if finished:
        everyone = [config for _, config in planned.points]
        sweep.join(request.entry.experiment, finished, folder, record, planned=everyone)
    failed = [f"{' '.join(outcome.overrides)}: {outcome.error}" for outcome in outcomes if outcome.error]
    if failed:
        raise runner.PointsFailed(f"{len(failed)} of {len(outcomes)} points failed: {'; '.join(failed)}")
    if any(outcome.spent for outcome in outcomes):
        raise BudgetSpent
