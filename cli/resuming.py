"""Going on with a run that was killed, failed or interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cli import configuration
from cli.errors import UsageError
from cli.planning import Request, plan
from deepk.lab import record as records
from deepk.lab import store
from deepk.lab.configuration import plain


def unfinished(home: Path, version: str | None) -> Path:
    """The folder to resume: `version`, or the newest that has not finished.

    Raises UsageError where there is nothing to resume, RunIsAlive, naming the process, where it, or a point of it, is
    being run.
    """
    present = [folder for folder in store.versions(home) if (folder / "run.json").exists()]
    if version is not None:
        present = [folder for folder in present if folder.name == version]
        if not present:
            raise UsageError(f"there is no run {home.name}/{version} in {home.parent}")
    for folder in reversed(present):
        try:
            done = records.load(folder).status == "done"
        except store.StoreError:
            if version is not None:
                raise
            continue  # an unreadable record is no run to go on with
        if not done:
            for held in (folder, *(path.parent for path in folder.glob("*/run.json"))):
                if store.is_held(held):
                    raise store.RunIsAlive(f"{held} is being run by {store.holder(held)}; wait, or stop it first")
            return folder
    what = f"{home.name}/{version}" if version else f"every run of {home.name}"
    raise UsageError(f"nothing to resume: {what} is done")


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
    old: dict[str, Any]
    new: dict[str, Any]
    if record.kind == "sweep":
        same = now.identity() == record.config_hash
        old = {"scale": record.scale, "overrides": record.overrides}
        new = {"scale": request.scale, "overrides": request.overrides}
    else:
        new = plain(now.points[0][1])
        same = records.config_hash(new) == record.config_hash
        old = plain(configuration.read(folder, request.name)[0][1])
    if not same:
        changes = [f"{key}: {before} -> {after}" for key, before, after in records.difference(old, new)]
        raise UsageError(f"cannot resume {folder}: its configuration has changed: {'; '.join(changes) or 'in conf/'}")
    return request
