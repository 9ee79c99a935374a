"""Units at work: one after the other in this process, or N at a time, each in a process of its own."""

from __future__ import annotations

import math
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import connection, get_context, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepk.lab import store
from deepk.lab.contract import Experiment, Unit
from deepk.lab.lending import BudgetSpent, Lab
from deepk.lab.torch_settings import configure_torch

if TYPE_CHECKING:
    import pandas as pd
    from tqdm import tqdm

MESSAGE_SECONDS = 0.1  # progress crosses the process boundary at most this often


class UnitFailed(RuntimeError):
    """A unit raised: `str` is one line for the terminal, `trace` the traceback for run.log."""

    def __init__(self, line: str, trace: str) -> None:
        super().__init__(line)
        self.trace = trace


@dataclass(frozen=True)
class Work:
    """What a process needs to measure a unit: the experiment, its config, and where finished units go."""

    experiment: Experiment
    config: Any  # the experiment's typed config, with `threads` and `device`
    folder: Path
    deadline: float = math.inf  # see Lab

    def finished(self, unit: Unit) -> Path:
        """The file of a finished unit."""
        return self.folder / f"{unit.file_stem}.csv"

    def so_far(self, unit: Unit) -> Path:
        """The file of the rows of a unit that has not finished."""
        return self.folder / f"{unit.file_stem}.so-far.csv"

    def measured(self, unit: Unit) -> Path | None:
        """The file of what there is of a unit, if there is something."""
        return next((path for path in (self.finished(unit), self.so_far(unit)) if path.exists()), None)


@dataclass
class _Throttle:
    """Adds up progress and passes it on at most every MESSAGE_SECONDS."""

    send: Callable[[int, Mapping[str, Any]], None]
    steps: int = 0
    sent_at: float = 0.0
    values: dict[str, Any] = field(default_factory=dict)

    def __call__(self, steps: int, values: Mapping[str, Any]) -> None:
        self.steps += steps
        self.values.update(values)
        if time.monotonic() - self.sent_at >= MESSAGE_SECONDS:
            self.flush()

    def flush(self) -> None:
        self.send(self.steps, self.values)
        self.steps, self.sent_at = 0, time.monotonic()


def measure(work: Work, unit: Unit, report: Callable[[int, Mapping[str, Any]], None]) -> None:
    """Measures one unit and stores its rows, the key first, as `<unit>.csv`; a checkpoint it left is then removed.

    Raises ValueError where the columns are not the declared ones, BudgetSpent where the deadline has come.
    """
    if time.time() > work.deadline:
        raise BudgetSpent
    configure_torch(work.config.threads)
    experiment = work.experiment
    checkpoint = work.folder / f"{unit.file_stem}.checkpoint"
    throttle = _Throttle(report)
    timing = experiment.timing

    def keep(rows: pd.DataFrame) -> None:
        store.write_table(work.so_far(unit), _with_key(rows, unit, experiment.columns, timing))

    started = time.perf_counter()
    lab = Lab(work.config.device, checkpoint, throttle, keep, work.deadline)
    rows = experiment.measure(work.config, unit, lab)
    throttle.flush()
    if timing == ("seconds",) and "seconds" not in rows:
        rows = rows.assign(seconds=time.perf_counter() - started)
    store.write_table(work.finished(unit), _with_key(rows, unit, experiment.columns, timing))
    for left in (checkpoint, work.so_far(unit)):
        left.unlink(missing_ok=True)


def _with_key(rows: pd.DataFrame, unit: Unit, columns: tuple[str, ...], timing: tuple[str, ...]) -> pd.DataFrame:
    """The rows with the key's columns added, in the declared order."""
    declared = list(dict.fromkeys([*columns, *timing]))
    complete = rows.assign(**unit.key)
    if set(complete.columns) != set(declared):
        raise ValueError(f"unit {unit.label} has columns {sorted(complete.columns)}; declared are {sorted(declared)}")
    return complete[declared]


def run_units(work: Work, units: Sequence[Unit], jobs: int, on_done: Callable[[Unit], None], bar: tqdm[Any]) -> None:
    """Measures the units, `jobs` at a time, in any order.

    Raises UnitFailed at the first unit that raises or whose process dies; finished units stay on disk. Raises
    BudgetSpent, every unit at work having saved its state, when the deadline comes.
    """
    if jobs == 1 or len(units) <= 1:
        for unit in units:
            try:
                measure(work, unit, partial(_show, bar, unit))
            except BudgetSpent:
                raise
            except Exception as error:
                raise UnitFailed(_one_line(unit, error), traceback.format_exc()) from error
            on_done(unit)
        return
    with _workers(work, min(jobs, len(units))) as pipes:
        waiting = list(reversed(units))
        busy: dict[Connection, Unit] = {}
        spent = False
        for pipe in pipes:
            busy[pipe] = waiting.pop()
            pipe.send(busy[pipe])
        while busy:
            for pipe in (pipe for pipe in connection.wait(list(busy)) if isinstance(pipe, Connection)):
                unit = busy[pipe]
                try:
                    kind, *content = pipe.recv()
                except (EOFError, ConnectionResetError):
                    raise UnitFailed(f"{unit.label}: its process died (out of memory, or killed)", "") from None
                if kind == "progress":
                    _show(bar, unit, *content)
                elif kind == "failed":
                    raise UnitFailed(*content)
                else:
                    del busy[pipe]
                    if kind == "done":
                        on_done(unit)
                    spent |= kind == "spent"
                    if waiting and not spent:
                        busy[pipe] = waiting.pop()
                        pipe.send(busy[pipe])
    if spent:
        raise BudgetSpent


@contextmanager
def _workers(work: Work, count: int) -> Iterator[list[Connection]]:
    """`count` fresh processes behind pipes; on the way out all are stopped, busy or not."""
    context = get_context("spawn")  # a forked torch is not safe to use
    processes, pipes = [], []
    try:
        with _ctrl_c_blocked():
            for index in range(count):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(work, theirs, index), daemon=False)
                process.start()
                theirs.close()  # so that the end of the process is the end of the pipe
                processes.append(process)
                pipes.append(ours)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.terminate()
            process.join()


@contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Ctrl-C waits here until the end, and never reaches a process that is started meanwhile.

    A worker takes a second to import what it needs; the traceback of that import is nothing a user has asked for.
    """
    resource_tracker.ensure_running()  # when the first process starts it, it lets Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(work: Work, pipe: Connection, index: int) -> None:
    """A worker: measures what comes through the pipe until the pipe, or the parent behind it, is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    pin_gpu(index)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            unit: Unit = pipe.recv()
            try:
                measure(work, unit, lambda steps, values: pipe.send(("progress", steps, dict(values))))
            except (BrokenPipeError, ConnectionResetError):
                raise
            except BudgetSpent:
                pipe.send(("spent",))
            except Exception as error:
                pipe.send(("failed", _one_line(unit, error), traceback.format_exc()))
            else:
                pipe.send(("done",))


def pin_gpu(index: int) -> None:
    """Gives process number `index` one of the visible GPUs, in turn; must come before torch is imported."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    present = Path("/proc/driver/nvidia/gpus")
    devices = visible.split(",") if visible else [str(i) for i, _ in enumerate(present.glob("*"))]
    if len(devices) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[index % len(devices)]


def _show(bar: tqdm[Any], unit: Unit, steps: int, values: Mapping[str, Any]) -> None:
    shown = " ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )
    bar.set_postfix_str(f"{unit.label} {shown}".strip(), refresh=False)
    bar.update(steps)


def _one_line(unit: Unit, error: Exception) -> str:
    if isinstance(error, store.StoreError):  # already says which path, and why
        return str(error)
    return f"{unit.label}: {type(error).__name__}: {' '.join(str(error).split())}"
