"""What a request would run, checked before any folder exists; and how it went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from deepk import data as datasets
from deepk.errors import LabError, Refused
from deepk.lab import record as records
from deepk.lab import sweep
from deepk.lab.configuration import Configuration, plain
from deepk.lab.contract import Experiment
from deepk.lab.folder import RunFolder


@dataclass(frozen=True)
class Outcome:
    """How one run ended; small enough to come back from any worker. Without a folder it never began.

    `spent` says that its budget was, and that it is to be resumed.
    """

    folder: RunFolder | None
    overrides: list[str] = field(default_factory=list)
    error: str = ""
    spent: bool = False


@dataclass(frozen=True)
class Plan:
    """The configurations of a request: one, or the good points of a sweep beside what is wrong with the bad ones."""

    points: list[tuple[list[str], Configuration]]  # the overrides of each point, and its allowed configuration
    bad: list[Outcome]  # the others

    def identity(self) -> str:
        """The config hash of a run, or of all points of a sweep."""
        return records.config_hash({"points": [plain(config) for _, config in self.points]})


def make_plan(experiment: Experiment, points: list[list[str]], compose: Callable[[list[str]], Configuration]) -> Plan:
    """Composes and checks every point; raises LabError where nothing at all could run, or the points do not join.

    Data or a device that one point of a sweep lacks is that point's own failure when its turn comes: it may be there by
    the time the sweep is resumed, so it is no part of the sweep's identity.
    """
    good: list[tuple[list[str], Configuration]] = []
    bad: list[Outcome] = []
    errors: list[LabError] = []
    runnable: list[Configuration] = []
    for overrides in points:
        try:
            config = compose(overrides)
        except LabError as error:
            errors.append(error)
            bad.append(Outcome(None, overrides, str(error)))
            continue
        good.append((overrides, config))
        try:
            check_device(config)
            check_data(config)
            runnable.append(config)
        except LabError as error:
            errors.append(error)
    if not runnable:
        raise errors[0]
    if len(runnable) > 1 and (twice := sweep.overlap(runnable, experiment.units)):
        raise Refused(twice)
    return Plan(good, bad)


def check_device(config: Configuration) -> None:
    """Raises Refused where the configuration asks for an accelerator that torch does not see."""
    if config.device == "cpu":
        return
    import torch

    seen = torch.cuda.is_available() if config.device == "cuda" else torch.backends.mps.is_available()
    if not seen:
        raise Refused(f"device={config.device} is not allowed: torch sees no such device here; use device=cpu")


def check_data(config: Configuration) -> dict[str, Any]:
    """Name and checksum of the images that the configuration asks for; nothing where it asks for none.

    Raises LabError where they are absent or altered, Refused where there are fewer than it asks for.
    """
    data = getattr(config, "data", None)
    if data is None:
        return {}
    try:
        checksum = datasets.check(data.name, root=data.root)
    except (datasets.DataError, ValueError) as error:
        raise LabError(str(error)) from error
    if data.image_size is not None and data.name != "image-folder":
        raise Refused(f"data.image_size={data.image_size} is not allowed: {data.name} has one size; leave it null")
    status = datasets.status(data.name, root=data.root)
    for key, asked, present in (("train", data.train_size, status.n_train), ("test", data.test_size, status.n_test)):
        if asked is not None and present is not None and asked > present:
            raise Refused(f"data.{key}_size={asked} is not allowed: {data.name} has {present} such images")
    return {"name": data.name, "sha256": checksum}
