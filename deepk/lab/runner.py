"""The runner: from a config and an empty folder to tables, verdicts and figures, and from any interruption onwards.

predict -> theory.csv      units -> measure (N at a time) -> units/*.csv -> data.csv, timing.csv
the tables as read back from these files -> claims.csv, figures/*
"""

from __future__ import annotations

import logging
import math
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from deepk.errors import LabError
from deepk.lab import record as records
from deepk.lab import rules, store
from deepk.lab.claims import count_line, judge
from deepk.lab.contract import Experiment, Unit, file_name
from deepk.lab.folder import TABLES, RunFolder
from deepk.lab.lending import BudgetSpent
from deepk.lab.pool import UnitFailed, Work, run_units
from deepk.lab.torch_settings import configure_torch

if TYPE_CHECKING:
    import pandas as pd

    from deepk.lab.record import Record

LOG = logging.getLogger("deepk")


class PointsFailed(LabError):
    """Some points of a sweep failed; the others are joined."""


@dataclass(frozen=True)
class Tables:
    """A run's tables, as read back from its CSV files; `timing` holds wall-clock seconds and is joined for drawing."""

    theory: pd.DataFrame
    data: pd.DataFrame
    timing: pd.DataFrame

    @staticmethod
    def read(folder: RunFolder) -> Tables:
        """Raises StoreError where the run did not get that far."""
        return Tables(*(store.read_table(folder.table(name)) for name in ("theory", "data", "timing")))

    def timed(self) -> pd.DataFrame:
        """data.csv with the wall-clock columns of timing.csv."""
        shared = [column for column in self.timing.columns if column in self.data.columns]
        return self.data.merge(self.timing, on=shared, how="left", validate="many_to_one")


# --- a run ------------------------------------------------------------------------------------------------------------


def begin(experiment: Experiment, folder: RunFolder, record: Record, config: Mapping[str, Any]) -> None:
    """Writes what a fresh run folder holds before any work: config, overrides, record, uncommitted changes."""
    record.started = records.now()
    record.argv = records.argv()
    record.git = records.git_state()
    record.rules = rules.digest(experiment)
    record.environment = records.environment()
    store.write_text(folder.config, yaml.safe_dump(dict(config), sort_keys=False))
    store.write_text(folder.overrides, yaml.safe_dump(record.overrides))
    record.save(folder)
    records.save_patch(folder)


def run(
    experiment: Experiment,
    config: Any,
    folder: RunFolder,
    record: Record,
    *,
    progress: bool,
    deadline: float = math.inf,
) -> None:
    """Runs or resumes the experiment in its folder, which the caller holds; `record` ends as `done`.

    Finished units are not measured again. Raises what stopped the run: UnitFailed, StoreError, an exception of the
    experiment (its traceback is in run.log), KeyboardInterrupt, or BudgetSpent at the deadline (of `time.time`), with
    what was measured until then judged and drawn. The record then says `failed` or `interrupted`, and the same call
    continues the run.
    """
    with ending(folder, record):
        try:
            measure_tables(experiment, config, folder, jobs=record.jobs, progress=progress, deadline=deadline)
        except BudgetSpent:
            if folder.table("data").exists():
                finish(experiment, folder, record, [Group({}, config)])
            raise
        finish(experiment, folder, record, [Group({}, config)])


def measure_tables(
    experiment: Experiment,
    config: Any,
    folder: RunFolder,
    *,
    jobs: int,
    progress: bool,
    deadline: float = math.inf,
) -> None:
    """Predicts and measures: theory.csv, data.csv and timing.csv, from finished units on.

    Raises BudgetSpent at the deadline; the tables then hold what there is, unless that is nothing.
    """
    configure_torch(config.threads)
    store.write_table(folder.table("theory"), experiment.predict(config))
    units = distinct(experiment.units(config))
    work = Work(experiment, config, folder.units, deadline)
    try:
        _measure(work, units, jobs, progress)
    except BudgetSpent:
        _gather(folder, work, units)
        raise
    _gather(folder, work, units)


def distinct(units: Sequence[Unit]) -> list[Unit]:
    """The units; ValueError where two have the same key, since their rows could not be told apart."""
    seen: set[str] = set()
    for unit in units:
        if unit.file_stem in seen:
            raise ValueError(f"the same unit twice: {unit.label}")
        seen.add(unit.file_stem)
    if not units:
        raise ValueError("nothing to measure: the config selects no unit")
    return list(units)


def _measure(work: Work, units: list[Unit], jobs: int, progress: bool) -> None:
    from tqdm import tqdm

    pending = [unit for unit in units if not work.finished(unit).exists()]
    done = len(units) - len(pending)
    LOG.info("%d of %d units to measure, %d at a time", len(pending), len(units), jobs)
    total, left = (sum(unit.steps for unit in some) for some in (units, pending))
    with tqdm(total=total, initial=total - left, unit="step", disable=None if progress else True) as bar:
        bar.set_description(f"{done}/{len(units)} units")

        def on_done(unit: Unit) -> None:
            nonlocal done
            done += 1
            LOG.info("measured %s", unit.label)
            bar.set_description(f"{done}/{len(units)} units")

        run_units(work, pending, jobs, on_done, bar)


def _gather(folder: RunFolder, work: Work, units: list[Unit]) -> None:
    """data.csv and timing.csv from what there is of the units, in their order; nothing where there is nothing."""
    import pandas as pd

    measured = [path for unit in units if (path := work.measured(unit))]
    if not measured:
        return
    rows = pd.concat([store.read_table(path) for path in measured], ignore_index=True)
    timing = rows[list(dict.fromkeys([*units[0].key, *work.experiment.timing]))]
    index = [column for column in timing if column in work.experiment.columns]
    store.write_table(folder.table("data"), rows[list(work.experiment.columns)])
    store.write_table(folder.table("timing"), timing.drop_duplicates(subset=index))


@contextmanager
def ending(folder: RunFolder, record: Record) -> Iterator[None]:
    """Keeps run.log and the record's status and seconds, however the work inside ends; `done` frees the unit files."""
    started, before = time.monotonic(), record.seconds

    def close(status: records.Status, error: str = "", trace: str = "") -> None:
        record.status, record.error = status, error
        record.finished, record.seconds = records.now(), round(before + time.monotonic() - started, 3)
        level = logging.INFO if status == "done" else logging.ERROR
        LOG.log(level, "%s", "\n".join(filter(None, [f"{status} {error}".strip(), trace])))
        record.save(folder)

    with _logging_to(folder.log):
        try:
            yield
            close("done")
            if folder.is_version:  # a point of a sweep is nobody's latest
                folder.point_to_latest()
            folder.clear_units()
        except BudgetSpent:
            close("interrupted", "its budget is spent")
            raise
        except Exception as error:
            trace = error.trace if isinstance(error, UnitFailed) else traceback.format_exc()
            with suppress(store.StoreError):  # a full disk: the first error is the one to report
                close("failed", one_line(error), trace)
            raise
        except BaseException as error:  # Ctrl-C, or the signal of a scheduler
            with suppress(store.StoreError):
                close("interrupted", type(error).__name__)
            raise


def one_line(error: BaseException) -> str:
    """An exception in one line: our own messages as they are, any other with its type."""
    text = " ".join(str(error).split())
    return text if isinstance(error, UnitFailed | LabError) else f"{type(error).__name__}: {text}"


class _QuietFileHandler(logging.FileHandler):
    """A log file whose own write errors stay silent: on a full disk the run reports the file that matters."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        del record


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    handler = _QuietFileHandler(path, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        with suppress(OSError):
            handler.close()


# --- from tables to verdicts and figures ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """The part of a run's tables that was made under one config: all of it, or one setting `at` of a joined sweep."""

    at: Mapping[str, Any]
    config: Any

    def select(self, table: pd.DataFrame) -> pd.DataFrame:
        """This group's rows, without the sweep's columns."""
        for column, value in self.at.items():
            cells = table[column]  # a text that looks like a number comes back from a CSV file as one
            same = cells.isna() if value is None else (cells == value) | (cells.astype(str) == str(value))
            table = table[same]
        return table.drop(columns=list(self.at)).reset_index(drop=True)

    def of(self, tables: Tables) -> Tables:
        """This group's tables."""
        selected = Tables(*(self.select(table) for table in (tables.theory, tables.data, tables.timing)))
        if selected.data.empty:
            raise ValueError(f"data.csv has no rows{f' at {self.suffix}' if self.suffix else ''}")
        return selected

    @property
    def suffix(self) -> str:
        """`width=8,depth=4`, or nothing for a plain run."""
        return ",".join(f"{column.removeprefix('config.')}={value}" for column, value in self.at.items())


def judge_groups(experiment: Experiment, tables: Tables, groups: Sequence[Group]) -> pd.DataFrame:
    """The table of verdicts; claims of a joined sweep are named `name[width=8]`."""
    import pandas as pd

    parts = []
    for group in groups:
        part = group.of(tables)
        verdicts = judge(experiment.claims(part.theory, part.data, group.config), experiment.known_deviations)
        if group.suffix:
            verdicts["name"] = verdicts["name"] + f"[{group.suffix}]"
        parts.append(verdicts)
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def draw_groups(experiment: Experiment, folder: RunFolder, tables: Tables, groups: Sequence[Group]) -> list[Path]:
    """Draws every group's figures into `folder/figures`; ValueError where they are not the declared ones."""
    if not experiment.figures:
        return []
    from deepk.figures import close_all, house_style

    paths = []
    for number, group in enumerate(groups):
        part = group.of(tables)
        with house_style():
            figures = experiment.draw(part.theory, part.timed(), group.config)
            if set(figures) != set(experiment.figures):
                raise ValueError(f"drew {sorted(figures)}; declared are {sorted(experiment.figures)}")
            for name, figure in figures.items():
                stem = f"{name}-{file_name(group.suffix)}-{number}" if group.suffix else name
                paths += store.write_figure(folder.figures, stem, figure)
            close_all(figures.values())
    return paths


def finish(experiment: Experiment, folder: RunFolder, record: Record, groups: Sequence[Group]) -> None:
    """Judges and draws from the tables as read back, and notes in the record what the folder now holds."""
    tables = Tables.read(folder)
    verdicts = judge_groups(experiment, tables, groups)
    store.write_table(folder.claims, verdicts)
    paths = draw_groups(experiment, folder, tables, groups)
    remove_figures(folder, record, but=paths)
    record.verdicts = count_line(verdicts)
    note_outputs(folder, record, [*(folder.table(name) for name in TABLES), *paths])


def remove_figures(folder: RunFolder, record: Record, *, but: Sequence[Path]) -> None:
    """Removes the figures of the record that are not among these: of a part of a sweep, say, or of an older version."""
    for name in list(record.outputs):
        path = folder.path / name
        if path.parent == folder.figures and path not in but:
            path.unlink(missing_ok=True)
            del record.outputs[name]


def note_outputs(folder: RunFolder, record: Record, outputs: Iterable[Path]) -> None:
    """Puts the checksums of these files into the run's record."""
    record.outputs |= {path.relative_to(folder.path).as_posix(): store.sha256(path) for path in outputs}


def altered(folder: RunFolder, record: Record) -> list[str]:
    """The tables that are no longer the files which the run wrote."""
    paths = [folder.table(name) for name in TABLES]
    return [
        path.name
        for path in paths
        if path.name in record.outputs and not (path.is_file() and store.sha256(path) == record.outputs[path.name])
    ]
