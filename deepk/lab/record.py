"""run.json: what ran, on what, from which code, and how it ended."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from deepk.lab import store
from deepk.lab.folder import RunFolder

Status = Literal["running", "done", "failed", "interrupted"]
PACKAGES = ("deepk", "torch", "torchvision", "numpy", "scipy", "pandas", "matplotlib", "scikit-learn", "hydra-core")
CODE = ("cli", "conf", "deepk", "experiments", "pyproject.toml")  # what a number can depend on
SOURCE = Path(__file__).resolve().parents[2]  # the checkout, or site-packages


@dataclass
class Record:
    """The record of one run (or of one sweep), as it stands in run.json."""

    experiment: str
    scale: str
    config_hash: str
    overrides: list[str] = field(default_factory=list)
    kind: Literal["run", "sweep"] = "run"
    status: Status = "running"
    started: str = ""
    finished: str = ""
    seconds: float = 0.0  # working time over all sessions of the run
    jobs: int = 1
    threads: int = 1
    device: str = "cpu"
    seeds: list[int] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    argv: list[str] = field(default_factory=list)
    git: dict[str, Any] = field(default_factory=dict)
    rules: str = ""  # digest of what judges the run, from its first moment; the commit is that of `git`
    environment: dict[str, Any] = field(default_factory=dict)
    resumed: list[dict[str, Any]] = field(default_factory=list)
    verdicts: str = ""
    judged: dict[str, Any] = field(default_factory=dict)  # when, and by which rules, claims.csv was last made anew
    first_verdicts: dict[str, str] = field(default_factory=dict)  # those of before that, by the run's own rules
    outputs: dict[str, str] = field(default_factory=dict)
    error: str = ""

    def save(self, folder: RunFolder) -> None:
        """Writes run.json, whole."""
        store.write_text(folder.record, json.dumps(asdict(self), indent=2) + "\n")


def load(folder: RunFolder) -> Record:
    """The record of a run folder; `running` becomes `interrupted` where no live process holds the folder.

    Raises StoreError where run.json is absent or unreadable.
    """
    path = folder.record
    try:
        content = json.loads(path.read_text())
        record = Record(**{key: value for key, value in content.items() if key in Record.__dataclass_fields__})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise store.StoreError(f"cannot read {path}: {error}") from error
    if record.status == "running" and not folder.is_held():
        record.status = "interrupted"
    return record


def now() -> str:
    """The time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def config_hash(config: Mapping[str, Any]) -> str:
    """Identity of a configuration: the first 16 digits of the sha256 of its sorted JSON."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def difference(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any, Any]]:
    """What differs between two configurations: the dotted key, the old value, the new one."""
    changes: list[tuple[str, Any, Any]] = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            changes += difference(before, after, f"{prefix}{key}.")
        elif before != after:
            changes.append((f"{prefix}{key}", before, after))
    return changes


def environment() -> dict[str, Any]:
    """Versions of what the numbers rest on, and the machine."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "python": platform.python_version(),
        **versions,
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def git_state() -> dict[str, Any]:
    """Commit of deepk's own checkout and whether tracked code differs from it; empty for an installed package."""
    if not (SOURCE / ".git").exists():
        return {}
    commit = _git("rev-parse", "HEAD").decode().strip()
    return (
        {"commit": commit, "dirty": bool(_git("status", "--porcelain", "--untracked-files=no", "--", *CODE))}
        if commit
        else {}
    )


def save_patch(folder: RunFolder) -> None:
    """Keeps the uncommitted changes of deepk's code beside the run as dirty.patch, where there are any."""
    if (SOURCE / ".git").exists() and (patch := _git("diff", "--binary", "HEAD", "--", *CODE)):
        store.write_bytes(folder.patch, patch)


def _git(*arguments: str) -> bytes:
    try:
        command = ["git", "-C", str(SOURCE), *arguments]
        return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout  # noqa: S603 - fixed arguments
    except (OSError, subprocess.SubprocessError):
        return b""


def argv() -> list[str]:
    """The command that was typed: `deepk` and its words, however it was started."""
    return ["deepk", *sys.argv[1:]]
