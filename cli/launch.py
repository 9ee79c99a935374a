"""From a request to result folders: one run, or a sweep through Hydra's launchers, fresh or resumed."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from cli import configuration
from cli.catalogue import module_of, see_working_directory
from cli.errors import CommandError
from cli.planning import Outcome, Plan, Request, check_data, check_device, plan
from deepk.lab import record as records
from deepk.lab import runner, store, sweep
from deepk.lab.configuration import Configuration, plain
from deepk.lab.contract import Experiment
from deepk.lab.pool import pin_gpu
from deepk.lab.record import Record

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
    folder = request.folder / str(job.job.num) if request.sweep else request.folder
    overrides = _own(job.overrides.task)
    try:
        config = configuration.typed(request.name, composed)
        check_device(config)
        data = check_data(config)
        with store.hold(folder):
            if (folder / "run.json").exists():
                record = continued(folder, config, data)
                if record.status == "done":
                    shutil.rmtree(folder / "units", ignore_errors=True)  # where the lock was
                    return Outcome(folder, overrides)
            else:
                record = _fresh(config, overrides, request, data)
                runner.begin(folder, record, plain(config))
            record.jobs = request.jobs
            runner.run(Experiment(module_of(request.name)), config, folder, record, progress=request.progress)
    except Exception as error:  # the log holds the traceback
        with suppress(OSError):
            folder.rmdir()  # Hydra made it; nothing was written if the configuration was wrong
        return Outcome(folder, overrides, str(error) if isinstance(error, CommandError) else runner.one_line(error))
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


def continued(folder: Path, config: Configuration, data: dict[str, Any]) -> Record:
    """The record of a run to go on with; CommandError where its configuration or its images were others."""
    record = records.load(folder)
    if record.config_hash != records.config_hash(plain(config)):
        raise CommandError(f"{folder} was begun with another configuration")
    if record.data != data:
        raise CommandError(
            f"{folder} was begun with other images: {record.data.get('sha256')}, not {data.get('sha256')}"
        )
    if record.status != "done":
        _note_resumed(folder, record)
    return record


def _note_resumed(folder: Path, record: Record) -> None:
    """Puts into the record that a run goes on, and by which commit; says so where that is another one."""
    git = records.git_state()
    record.resumed.append({"at": records.now(), "was": record.status, "git": git})
    if git.get("commit") != record.git.get("commit"):
        print(f"begun at commit {record.git.get('commit')}, resumed at {git.get('commit')}", file=sys.stderr)
    record.status, record.error = "running", ""
    record.save(folder)


def run_one(request: Request, folder: Path | None = None) -> Outcome:
    """Runs the request in a new version folder, or goes on in `folder`."""
    with configuration.session(request.name) as hydra:
        plan(hydra, request)
        folder = folder or store.claim_folder(request.results / request.name)
        overrides = [*configuration.selection(request.name, request.scale), *request.overrides]
        overrides.append(f"hydra.run.dir={_quoted(folder)}")
        task = partial(execute, request=replace(request, folder=folder.resolve()))
        outcome: Outcome = hydra.run("config", task, overrides).return_value
    return outcome


def _quoted(folder: Path) -> str:
    """A folder as a value of Hydra's grammar, as seen from the working directory, whose own name may hold anything.

    Inside quotes a backslash is special only before a quote, and at the end.
    """
    text = os.path.relpath(folder)
    return "'" + re.sub(r"(\\*)('|$)", lambda match: 2 * match[1] + ("\\'" if match[2] else ""), text) + "'"


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
        _note_resumed(folder, record)
        return record
    first = planned.points[0][1]
    data: dict[str, Any] = {}
    with suppress(CommandError):  # absent data is the failure of the points that need it
        data = check_data(first)
    record = replace(
        _fresh(first, request.overrides, request, data),
        kind="sweep",
        config_hash=planned.identity(),
        seeds=sorted({seed for _, config in planned.points for seed in getattr(config, "seeds", [])}),
    )
    groups = [{"at": {}, "config": plain(config)} for _, config in planned.points]
    runner.begin(folder, record, {"groups": groups})
    return record


def _launch(hydra: Hydra, request: Request, folder: Path, points: int) -> list[Outcome]:
    """Every point, through the launcher: one after the other, `-j` at a time, or the user's own choice of launcher."""
    inner = replace(request, progress=False, folder=folder.resolve())
    overrides = [*configuration.selection(request.name, request.scale), *request.overrides]
    if request.jobs > 1 and not any(text.startswith("hydra/launcher=") for text in overrides):
        overrides += ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={request.jobs}"]
        inner = replace(inner, jobs=1, parent=os.getpid())  # the points share the cores
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
        sweep.join(Experiment(module_of(request.name)), finished, folder, record)
    failed = [f"{' '.join(outcome.overrides)}: {outcome.error}" for outcome in outcomes if outcome.error]
    if failed:
        raise runner.PointsFailed(f"{len(failed)} of {len(outcomes)} points failed: {'; '.join(failed)}")
