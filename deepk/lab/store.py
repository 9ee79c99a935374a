"""Result folders: versions that no two runs share, files that appear whole, and who holds a run right now."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

VERSION = re.compile(r"v\d{3,}")


class StoreError(RuntimeError):
    """A result folder cannot be read, written or claimed."""


class RunIsAlive(StoreError):
    """Another process holds this run."""


# --- files that appear whole ------------------------------------------------------------------------------------------


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file aside, syncs it and renames it into place: a reader sees the old file or the whole new one.

    Raises StoreError, with the path and the reason, where the disk is full or the folder cannot be written.
    """
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of UTF-8 text."""
    write_bytes(path, text.encode())


def write_table(path: Path, table: pd.DataFrame) -> None:
    """A CSV file with shortest round-trip floats: the same table gives the same bytes."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def read_table(path: Path) -> pd.DataFrame:
    """The table of a CSV file, floats exactly as they were written."""
    import pandas as pd

    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""])  # a text `None` stays a text
    except FileNotFoundError:
        raise StoreError(f"{path} is missing: the run did not get that far") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {path}: {error}") from error


def write_figure(folder: Path, name: str, figure: Figure) -> list[Path]:
    """`name.png` and `name.pdf`, byte-stable for the same figure."""
    paths = []
    for suffix, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix, metadata=metadata)
        path = folder / f"{name}.{suffix}"
        write_bytes(path, buffer.getvalue())
        paths.append(path)
    return paths


def sha256(path: Path) -> str:
    """Checksum of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- versions ---------------------------------------------------------------------------------------------------------


def claim_folder(home: Path) -> Path:
    """A new version folder under `home` (results/<experiment>), ours alone: eight runs at once get eight."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(folder.name[1:]) for folder in versions(home)), default=0)
        while True:
            folder = home / f"v{number:03d}"
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
            number += 1
    except OSError as error:
        raise StoreError(f"cannot make a result folder in {home}: {error.strerror or error}") from error


def versions(home: Path) -> list[Path]:
    """The version folders under `home`, oldest first."""
    if not home.is_dir():
        return []
    found = [folder for folder in home.iterdir() if VERSION.fullmatch(folder.name) and folder.is_dir()]
    return sorted(found, key=lambda folder: int(folder.name[1:]))


def point_to_latest(folder: Path) -> None:
    """Moves `latest`, beside a version folder, to it: a new link renamed over the old one."""
    link = folder.parent / "latest"
    aside = folder.parent / f".latest.{uuid.uuid4().hex[:8]}"
    try:
        aside.symlink_to(folder.name)
        aside.replace(link)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise StoreError(f"cannot move {link} to {folder.name}: {error.strerror or error}") from error


def find_run(run: str, results: Path) -> Path:
    """The folder that RUN names: a path, `NAME/v007`, or `NAME` for its latest finished run.

    Raises StoreError, with the versions there are, where there is none such.
    """
    for folder in (results / run / "latest", results / run, Path(run) / "latest", Path(run)):
        if (folder / "run.json").is_file():
            return folder.resolve()
    home = results / run.split("/", 1)[0]
    present = ", ".join(f"{home.name}/{folder.name}" for folder in versions(home))
    advice = f"there are {present}" if present else f"`deepk runs` lists the runs in {results}"
    raise StoreError(f"no finished run {run!r} in {results}; {advice}")


# --- who holds a run --------------------------------------------------------------------------------------------------


def _lock_path(folder: Path) -> Path:
    return folder / "units" / ".lock"


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Holds a run's folder: the operating system lets go when the process dies, however it dies.

    Raises RunIsAlive, naming the process, where another one holds it.
    """
    path = _lock_path(folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, timeout=0.5)  # a status probe holds it for microseconds: wait that out
        lock.acquire()
    except filelock.Timeout:
        raise RunIsAlive(f"{folder} is being run by {holder(folder)}; wait for it, or stop it first") from None
    except OSError as error:
        raise StoreError(f"cannot lock {path}: {error.strerror or error}") from error
    try:
        write_text(folder / "units" / ".holder", f"process {os.getpid()} on {platform.node()}")
        yield
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a live process holds this run's folder."""
    path = _lock_path(folder)
    if not path.exists():
        return False
    try:
        with filelock.FileLock(path, timeout=0):
            return False
    except filelock.Timeout:
        return True
    except OSError:  # a lock that we may not open is somebody else's, and we could not take their run over either
        return True


def holder(folder: Path) -> str:
    """The process that holds, or last held, a run's folder."""
    try:
        return (folder / "units" / ".holder").read_text()
    except OSError:
        return "another process"
