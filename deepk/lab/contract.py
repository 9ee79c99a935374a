"""The contract between an experiment and the lab: what a module offers, and what it is lent in return."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from deepk.lab import store

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import torch
    from matplotlib.figure import Figure

    from deepk.lab.claims import Claim

Key = str | int | float
CHECKPOINT_SECONDS = (
    30.0  # what a kill may cost at most, beside the time to write one checkpoint (72 MB at paper scale)
)


def file_name(text: str) -> str:
    """A text as a file name that leads nowhere else: what could is an underscore, and 80 characters are enough."""
    return re.sub(r"[^A-Za-z0-9.=,-]+", "_", text)[:80]


def _digest(seed: int, stream: str) -> bytes:
    return hashlib.sha256(f"{seed}/{stream}".encode()).digest()


@dataclass(frozen=True)
class Unit:
    """One independent piece of work: a training, or a simulation at one grid point.

    `key` names it and becomes the leading columns of its rows; `steps` is how often `lab.progress` will count.
    """

    key: Mapping[str, Key]
    steps: int = 1

    @property
    def label(self) -> str:
        """What a person reads: the values of the key."""
        return " ".join(str(value) for value in self.key.values())

    @property
    def file_stem(self) -> str:
        """A file name that is this key's alone: readable, and unique through a checksum of the key."""
        digest = hashlib.sha256(json.dumps(dict(self.key), sort_keys=True).encode()).hexdigest()[:8]
        return f"{file_name('-'.join(str(value) for value in self.key.values()))}-{digest}"


class Experiment(Protocol):
    """The module of an experiment: three tables of names and five functions."""

    __name__: str
    COLUMNS: tuple[str, ...]  # of data.csv, the unit's key first
    FIGURES: tuple[str, ...]
    KNOWN_DEVIATIONS: dict[str, str]  # claim name -> why ours differs, once understood

    def predict(self, cfg: Any) -> pd.DataFrame: ...
    def units(self, cfg: Any) -> list[Unit]: ...
    def measure(self, cfg: Any, unit: Unit, lab: Lab) -> pd.DataFrame: ...
    def claims(self, theory: pd.DataFrame, data: pd.DataFrame, cfg: Any) -> Sequence[Claim]: ...
    def draw(self, theory: pd.DataFrame, data: pd.DataFrame, cfg: Any) -> dict[str, Figure]: ...


REQUIRED = ("COLUMNS", "FIGURES", "KNOWN_DEVIATIONS", "predict", "units", "measure", "claims", "draw")


def load_experiment(module: str) -> Experiment:
    """The experiment in a module; TypeError where the module lacks a part of the contract."""
    experiment = import_module(module)
    missing = [name for name in REQUIRED if not hasattr(experiment, name)]
    if missing:
        raise TypeError(f"module {module} is not an experiment: it lacks {', '.join(missing)}")
    return cast(Experiment, experiment)


def timing_columns(experiment: Experiment) -> tuple[str, ...]:
    """Columns of timing.csv after the unit's key: `TIMING` of the module, by default the seconds of the whole unit.

    A name that is also in COLUMNS (`epoch`, say) tells the rows of a unit apart.
    """
    return tuple(getattr(experiment, "TIMING", ("seconds",)))


def plain(config: Any) -> dict[str, Any]:
    """A typed config as nested dicts and lists: what config.yaml holds and the config hash is taken of."""
    return asdict(config)


def flat(config: Any) -> dict[str, Any]:
    """A typed config as one dict with dotted keys, `data.name` say."""

    def walk(content: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in content.items():
            values |= walk(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
        return values

    return walk(plain(config), "")


@dataclass
class Lab:
    """What the lab lends to one measurement: progress, random generators, the device, a checkpoint."""

    device: str
    checkpoint_path: Path | None = None
    report: Callable[[int, Mapping[str, Any]], None] | None = None
    _saved_at: float = 0.0

    def progress(self, steps: int = 1, **values: Any) -> None:
        """Counts `steps` of the unit's steps as done; `values` (epoch, accuracy) stand beside the progress bar."""
        if self.report is not None:
            self.report(steps, values)

    def generator(self, seed: int, stream: str) -> torch.Generator:
        """A generator on the CPU for one stream of random numbers ("weights", "batches") of one seed.

        Streams of a seed are independent of each other, and the same on every machine and device.
        """
        import torch

        return torch.Generator().manual_seed(int.from_bytes(_digest(seed, stream)[:7]))

    def numpy_generator(self, seed: int, stream: str) -> np.random.Generator:
        """The same for NumPy."""
        import numpy as np

        return np.random.default_rng(int.from_bytes(_digest(seed, stream)))

    def checkpoint(self, state: Mapping[str, Any]) -> None:
        """Saves `state` (tensors, numbers, lists, dicts of them) so that a killed unit continues from here.

        Call it as often as you like: it writes at most every 30 seconds. Raises StoreError where it cannot be written.
        """
        self._saved_at = self._saved_at or time.monotonic()
        if self.checkpoint_path is None or time.monotonic() - self._saved_at < CHECKPOINT_SECONDS:
            return
        import io

        import torch

        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        store.write_bytes(self.checkpoint_path, buffer.getvalue())
        self._saved_at = time.monotonic()

    def restore(self) -> dict[str, Any] | None:
        """The state that the last `checkpoint` of this unit saved, on the CPU; or None for a fresh start."""
        if self.checkpoint_path is None or not self.checkpoint_path.exists():
            return None
        import torch

        state: dict[str, Any] = torch.load(self.checkpoint_path, map_location="cpu", weights_only=True)
        return state
