"""What the lab lends to a measurement: progress, generators, the device, a state that survives a kill, and time."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepk.lab import store

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import torch
    from torch import Tensor

# What a kill may cost at most, beside the time to write one checkpoint (72 MB at paper scale).
CHECKPOINT_SECONDS = 30.0


class BudgetSpent(Exception):
    """The time that a run was given is over: it ends as interrupted, and goes on with --resume."""


@dataclass
class Lab:
    """What the lab lends to one measurement: progress, random generators, the device, a checkpoint.

    Attributes:
        device: for torch.
        checkpoint_path: where the state is kept; nowhere, if None.
        report: what hears of progress.
        keep: what writes the rows measured so far.
        deadline: when the budget is spent, in seconds since the epoch of `time.time`.
    """

    device: str
    checkpoint_path: Path | None = None
    report: Callable[[int, Mapping[str, Any]], None] | None = None
    keep: Callable[[pd.DataFrame], None] | None = None
    deadline: float = math.inf
    _saved_at: float = field(default_factory=time.monotonic)
    _called_at: float = field(default_factory=time.time)

    def progress(self, steps: int = 1, **values: Any) -> None:
        """Counts `steps` of the unit's steps as done; `values` (epoch, accuracy) stand beside the progress bar.

        Raises BudgetSpent after the deadline: what came since the last checkpoint is then to be done again.
        """
        if self.report is not None:
            self.report(steps, values)
        if time.time() > self.deadline:
            raise BudgetSpent

    def rows(self, rows: pd.DataFrame) -> None:
        """The rows measured so far, which a run whose budget ends before the unit judges and draws in their place."""
        if self.keep is not None:
            self.keep(rows)

    def generator(self, seed: int, stream: str) -> torch.Generator:
        """A generator on the CPU for one stream of random numbers ("weights", "batches") of one seed.

        Streams of a seed are independent of each other, and the same on every machine and device.
        """
        import torch

        return torch.Generator().manual_seed(int.from_bytes(_digest(seed, stream)[:7]))

    def numpy_generator(self, seed: int, stream: str) -> np.random.Generator:
        """A NumPy generator for one stream of random numbers of one seed, independent of all others."""
        import numpy as np

        return np.random.default_rng(int.from_bytes(_digest(seed, stream)))

    def resumable(
        self, tensors: Mapping[str, Tensor], generators: Sequence[torch.Generator], notes: dict[str, Any], of: str = ""
    ) -> Resumable:
        """A training's state, put back to where this unit was left if it was; `save()` it after each epoch.

        `of` names the training where a unit has several, one after the other: only its own state is put back.
        """
        state = Resumable(self, tensors, generators, notes, of)
        state.restore()
        return state

    def checkpoint(self, state: Mapping[str, Any], *, more: bool = True) -> None:
        """Saves `state` (tensors, numbers, lists, dicts of them) so that a killed unit continues from here.

        Call it as often as you like: it writes at most every 30 seconds. Raises StoreError where it cannot be written,
        and BudgetSpent, all written, where there is `more` to do and as long as since the last call would take the run
        past its deadline.
        """
        now = time.time()
        spent = more and now + (now - self._called_at) > self.deadline
        self._called_at = now
        if spent or time.monotonic() - self._saved_at >= CHECKPOINT_SECONDS:
            self._write(state)
        if spent:
            raise BudgetSpent

    def _write(self, state: Mapping[str, Any]) -> None:
        if self.checkpoint_path is None:
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


@dataclass(frozen=True)
class Resumable:
    """The state of a training within one unit of work.

    Attributes:
        lab: that lends the checkpoint.
        tensors: that the training changes in place (parameters, buffers, moments of an optimizer), by name.
        generators: from which it draws.
        notes: numbers, texts, and lists and dicts of them, such as the rows measured so far and the last epoch.
        of: which of the unit's trainings this is.
    """

    lab: Lab
    tensors: Mapping[str, Tensor]
    generators: Sequence[torch.Generator]
    notes: dict[str, Any]
    of: str = ""

    def restore(self) -> None:
        """Puts everything back, in place, as it was last saved; leaves it as it is where nothing was."""
        saved = self.lab.restore()
        if saved is None or saved["of"] != self.of:
            return
        for name, tensor in self.tensors.items():
            tensor.copy_(saved["tensors"][name])
        for generator, state in zip(self.generators, saved["generators"], strict=True):
            generator.set_state(state)
        self.notes.update(saved["notes"])

    def save(self, *, more: bool = True) -> None:
        """A checkpoint, at most every 30 seconds (see `Lab.checkpoint`); call it when notes and tensors agree."""
        states = [generator.get_state() for generator in self.generators]
        self.lab.checkpoint(
            {"of": self.of, "tensors": dict(self.tensors), "generators": states, "notes": self.notes}, more=more
        )


def _digest(seed: int, stream: str) -> bytes:
    return hashlib.sha256(f"{seed}/{stream}".encode()).digest()
