"""Files of results: they appear whole, and the same content gives the same bytes."""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from deepk.errors import LabError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class StoreError(LabError):
    """A result folder cannot be read, written or claimed."""


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
