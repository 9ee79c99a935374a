"""What a request would run, checked before any folder exists."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra._internal.hydra import Hydra

from cli import configuration
from cli.catalogue import module_of
from cli.errors import CommandError, UsageError
from deepk import data as datasets
from deepk.lab import record as records
from deepk.lab import sweep
from deepk.lab.configuration import Configuration, plain
from deepk.lab.contract import Experiment


@dataclass(frozen=True)
class Request:
    """What `deepk run` was asked to do."""

    name: str
    scale: str
    overrides: list[str]  # as normalized for Hydra
    results: Path
    sweep: bool = False
    jobs: int = 1
    progress: bool = True
    folder: Path | None = None  # the run's, or the sweep's, once it is claimed
    parent: int | None = None  # the process without which a worker on this machine should not go on


@dataclass(frozen=True)
class Outcome:
    """How one run ended; small enough to come back from any worker."""

    folder: Path
    overrides: list[str] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True)
class Plan:
    """The configurations of a request: one, or the good points of a sweep beside what is wrong with the bad ones."""

    points: list[tuple[list[str], Configuration]]  # every point whose configuration is allowed
    bad: list[Outcome]  # the others

    def identity(self) -> str:
        """The config hash of a run, or of all points of a sweep."""
        return records.config_hash({"points": [plain(config) for _, config in self.points]})


def plan(hydra: Hydra, request: Request) -> Plan:
    """Composes and checks everything; raises where nothing at all could run.

    Data or a device that one point of a sweep lacks is that point's own failure when its turn comes: it may be there by
    the time the sweep is resumed, so it is no part of the sweep's identity.
    """
    points, bad, errors = [], [], []
    runnable = 0
    for overrides in configuration.expand(request.overrides) if request.sweep else [request.overrides]:
        try:
            config = configuration.compose(hydra, request.name, request.scale, overrides)
        except CommandError as error:
            errors.append(error)
            bad.append(Outcome(Path(), overrides, str(error)))
            continue
        points.append((overrides, config))
        try:
            check_device(config)
            check_data(config)
            runnable += 1
        except CommandError as error:
            errors.append(error)
    if not runnable:
        raise errors[0]
    if twice := sweep.overlap([config for _, config in points]):
        raise UsageError(twice)
    return Plan(points, bad)


def check_device(config: Configuration) -> None:
    """UsageError where the configuration asks for an accelerator that torch does not see."""
    if config.device == "cpu":
        return
    import torch

    seen = torch.cuda.is_available() if config.device == "cuda" else torch.backends.mps.is_available()
    if not seen:
        raise UsageError(f"device={config.device} is not allowed: torch sees no such device here; use device=cpu")


def check_data(config: Configuration) -> dict[str, Any]:
    """Name and checksum of the images that the configuration asks for.

    Raises CommandError where they are absent or altered, UsageError where there are fewer than it asks for.
    """
    data = getattr(config, "data", None)
    if data is None:
        return {}
    try:
        checksum = datasets.check(data.name, root=data.root)
    except (datasets.DataError, ValueError) as error:
        raise CommandError(str(error)) from error
    if data.image_size is not None and data.name != "image-folder":
        raise UsageError(f"data.image_size={data.image_size} is not allowed: {data.name} has one size; leave it null")
    status = datasets.status(data.name, root=data.root)
    for key, asked, present in (("train", data.train_size, status.n_train), ("test", data.test_size, status.n_test)):
        if asked is not None and present is not None and asked > present:
            raise UsageError(f"data.{key}_size={asked} is not allowed: {data.name} has {present} such images")
    return {"name": data.name, "sha256": checksum}


def dry_run(request: Request) -> list[dict[str, Any]]:
    """What each point of the request would do: units, steps, and seconds after timing one step of some units."""
    from deepk.lab.preflight import estimate

    with configuration.session(request.name) as hydra:
        planned = plan(hydra, request)
    for outcome in planned.bad:
        raise UsageError(f"{' '.join(outcome.overrides)}: {outcome.error}")
    jobs = request.jobs if not request.sweep else 1
    rows = []
    for overrides, config in planned.points:
        found = estimate(Experiment(module_of(request.name)), config, jobs=jobs)
        rows.append({"overrides": " ".join(overrides), **found})
    return rows
