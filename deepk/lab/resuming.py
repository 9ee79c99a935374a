"""Going on with a run that was killed, failed or interrupted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from deepk.errors import LabError, Refused
from deepk.lab import record as records
from deepk.lab import store
from deepk.lab.configuration import Configuration, plain
from deepk.lab.contract import Entry
from deepk.lab.folder import RunFolder, versions
from deepk.lab.reading import read_groups
from deepk.lab.record import Record


def unfinished(home: Path, version: str | None) -> RunFolder:
    """The folder to resume under results/<experiment>: `version`, or the newest that has not finished.

    Raises Refused where there is nothing to resume, RunIsAlive where it, or a point of it, is being run.
    """
    present = [folder for folder in versions(home) if folder.begun]
    if version is not None:
        present = [folder for folder in present if folder.name == version]
        if not present:
            raise Refused(f"there is no run {home.name}/{version} in {home.parent}")
    for folder in reversed(present):
        try:
            done = records.load(folder).status == "done"
        except store.StoreError:
            if version is not None:
                raise
            continue  # an unreadable record is no run to go on with
        if not done:
            folder.refuse_live()
            return folder
    what = f"{home.name}/{version}" if version else f"every run of {home.name}"
    raise Refused(f"nothing to resume: {what} is done")


def stored_config(folder: RunFolder, entry: Entry) -> dict[str, Any]:
    """The configuration that a run was begun with, as plain values."""
    return plain(read_groups(folder.config, entry.config)[0][1])


def refuse_change(folder: RunFolder, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Raises Refused for a run that was begun with another configuration, or as another sweep: what differs."""
    changes = [f"{key}: {before} -> {after}" for key, before, after in records.difference(old, new)]
    raise Refused(f"cannot resume {folder}: its configuration has changed: {'; '.join(changes) or 'in conf/'}")


def continued(folder: RunFolder, config: Configuration, data: dict[str, Any]) -> Record:
    """The record of a run to go on with; LabError where its configuration or its images were others."""
    record = records.load(folder)
    if record.config_hash != records.config_hash(plain(config)):
        raise LabError(f"{folder} was begun with another configuration")
    if record.data != data:
        raise LabError(f"{folder} was begun with other images: {record.data.get('sha256')}, not {data.get('sha256')}")
    if record.status != "done":
        note_resumed(folder, record)
    return record


def note_resumed(folder: RunFolder, record: Record) -> None:
    """Puts into the record that a run goes on, and by which commit; says so where that is another one."""
    git = records.git_state()
    record.resumed.append({"at": records.now(), "was": record.status, "git": git})
    if git.get("commit") != record.git.get("commit"):
        print(f"begun at commit {record.git.get('commit')}, resumed at {git.get('commit')}", file=sys.stderr)
    record.status, record.error = "running", ""
    record.save(folder)
