"""Run folders: the names of a run's files, versions that no two runs share, and who holds a run right now."""

from __future__ import annotations

import os
import platform
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import filelock

from deepk.lab import store
from deepk.lab.store import StoreError

VERSION = re.compile(r"v\d{3,}")
TABLES = ("theory", "data", "timing", "claims")


class RunIsAlive(StoreError):
    """Another process holds this run."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run, of one sweep, or of one point of a sweep; it alone knows what the files are called."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """The version, `v007`; of a point of a sweep its number."""
        return self.path.name

    @property
    def record(self) -> Path:
        """run.json: what ran, on what, from which code, and how it ended."""
        return self.path / "run.json"

    @property
    def config(self) -> Path:
        """config.yaml: the configuration, or those of a sweep."""
        return self.path / "config.yaml"

    @property
    def overrides(self) -> Path:
        """overrides.yaml: what was given on the command line."""
        return self.path / "overrides.yaml"

    def table(self, name: str) -> Path:
        """The CSV file of one of TABLES."""
        return self.path / f"{name}.csv"

    @property
    def claims(self) -> Path:
        """claims.csv: the verdicts."""
        return self.table("claims")

    @property
    def figures(self) -> Path:
        """The folder of the figures."""
        return self.path / "figures"

    @property
    def log(self) -> Path:
        """run.log: when units were measured, and tracebacks."""
        return self.path / "run.log"

    @property
    def patch(self) -> Path:
        """dirty.patch: how the code differed from its commit."""
        return self.path / "dirty.patch"

    @property
    def units(self) -> Path:
        """The folder of finished units and checkpoints, while the run is not done."""
        return self.path / "units"

    @property
    def launcher_copy(self) -> Path:
        """multirun.yaml, which Hydra writes: what overrides.yaml and config.yaml say already."""
        return self.path / "multirun.yaml"

    @property
    def begun(self) -> bool:
        """Whether there is a record."""
        return self.record.is_file()

    @property
    def judged(self) -> bool:
        """Whether there are verdicts: the run came to its end once."""
        return self.claims.is_file()

    @property
    def is_version(self) -> bool:
        """Whether this is a run or a sweep of its own; a point of a sweep is not."""
        return VERSION.fullmatch(self.name) is not None

    def points(self) -> list[RunFolder]:
        """The points of a sweep that were begun, in order."""
        folders = [RunFolder(path.parent) for path in self.path.glob("*/run.json")]
        return sorted(folders, key=lambda folder: (len(folder.name), folder.name))

    def point(self, number: int) -> RunFolder:
        """A point of a sweep."""
        return RunFolder(self.path / str(number))

    def pictures(self) -> list[Path]:
        """The figures as PNG."""
        return sorted(self.figures.glob("*.png"))

    @property
    def has_units(self) -> bool:
        """Whether finished units, or the state of unfinished ones, are kept for a run that goes on."""
        return self.units.is_dir() and any(not path.name.startswith(".") for path in self.units.iterdir())

    def clear_units(self) -> None:
        """Removes finished units and checkpoints, once their rows are in the tables."""
        shutil.rmtree(self.units, ignore_errors=True)

    def point_to_latest(self) -> None:
        """Moves `latest`, beside this version, to it: a new link renamed over the old one."""
        link = self.path.parent / "latest"
        aside = self.path.parent / f".latest.{uuid.uuid4().hex[:8]}"
        try:
            aside.symlink_to(self.name)
            aside.replace(link)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise StoreError(f"cannot move {link} to {self.name}: {error.strerror or error}") from error

    # --- who holds it -------------------------------------------------------------------------------------------------

    @property
    def _lock(self) -> Path:
        return self.units / ".lock"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Holds this folder: the operating system lets go when the process dies, however it dies.

        Raises RunIsAlive, naming the process, where another one holds it.
        """
        try:
            self.units.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self._lock, timeout=0.5)  # a status probe holds it for microseconds
            lock.acquire()
        except filelock.Timeout:
            raise RunIsAlive(f"{self} is being run by {self.holder()}; wait for it, or stop it first") from None
        except OSError as error:
            raise StoreError(f"cannot lock {self._lock}: {error.strerror or error}") from error
        try:
            store.write_text(self.units / ".holder", f"process {os.getpid()} on {platform.node()}")
            yield
        finally:
            lock.release()

    def is_held(self) -> bool:
        """Whether a live process holds this folder."""
        if not self._lock.exists():
            return False
        try:
            with filelock.FileLock(self._lock, timeout=0):
                return False
        except filelock.Timeout:
            return True
        except OSError:  # a lock that we may not open is somebody else's, and we could not take their run over either
            return True

    def holder(self) -> str:
        """The process that holds this folder; one that took it over just now has half a second to write its name."""
        for _ in range(10):
            with suppress(OSError):
                name = (self.units / ".holder").read_text()
                if not _has_ended(name):
                    return name
            time.sleep(0.05)
        return "another process"

    def refuse_live(self) -> None:
        """Raises RunIsAlive, naming the process, where this run, or a point of it, is being run."""
        for folder in (self, *self.points()):
            if folder.is_held():
                raise RunIsAlive(f"{folder} is being run by {folder.holder()}; wait for it, or stop it first")


def _has_ended(holder: str) -> bool:
    """Whether `process 123 on HOST` is of this machine, and no more; of another one we cannot know."""
    _, process, _, host = holder.split(maxsplit=3)
    if host != platform.node():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's
        return False
    return False


# --- the results folder -----------------------------------------------------------------------------------------------


def claim_folder(home: Path) -> RunFolder:
    """A new version under `home` (results/<experiment>), ours alone: eight runs at once get eight."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(folder.name[1:]) for folder in versions(home)), default=0)
        while True:
            folder = home / f"v{number:03d}"
            with suppress(FileExistsError):
                folder.mkdir()
                return RunFolder(folder)
            number += 1
    except OSError as error:
        raise StoreError(f"cannot make a result folder in {home}: {error.strerror or error}") from error


def versions(home: Path) -> list[RunFolder]:
    """The versions under `home`, oldest first."""
    if not home.is_dir():
        return []
    folders = [folder for folder in home.iterdir() if VERSION.fullmatch(folder.name) and folder.is_dir()]
    return [RunFolder(folder) for folder in sorted(folders, key=lambda folder: int(folder.name[1:]))]


def homes(results: Path) -> list[Path]:
    """The folders of experiments under `results`, the reference results aside."""
    if not results.is_dir():
        return []
    return sorted(path for path in results.iterdir() if path.is_dir() and path.name != "reference")


def finished_runs(results: Path) -> list[RunFolder]:
    """Every run under `results` that has verdicts, the reference results among them."""
    records = [*sorted(results.glob("*/v*/run.json")), *sorted(results.glob("reference/*/*/run.json"))]
    return [folder for folder in (RunFolder(path.parent) for path in records) if folder.judged]


def find_run(run: str, results: Path) -> RunFolder:
    """The folder that RUN names: a path, `NAME/v007`, or `NAME` for its latest finished run.

    Raises StoreError, with the versions there are, where there is none such.
    """
    for path in (results / run / "latest", results / run, Path(run) / "latest", Path(run)):
        if RunFolder(path).begun:
            return RunFolder(path.resolve())
    home = results / run.split("/", 1)[0]
    present = ", ".join(f"{home.name}/{folder.name}" for folder in versions(home))
    advice = f"there are {present}" if present else f"`deepk runs` lists the runs in {results}"
    raise StoreError(f"no finished run {run!r} in {results}; {advice}")
