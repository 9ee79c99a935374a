"""Ensembles of networks trained within one unit of work, from its checkpoint on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from deepk.lab import Lab
from deepk.networks import Adam, Classification, Ensemble, Epoch, Regression, Sgd, train


def train_resumably(
    lab: Lab,
    networks: Ensemble,
    task: Classification | Regression,
    optimizer: Sgd | Adam,
    *,
    generators: Sequence[torch.Generator],
    notes: dict[str, Any],
    epochs: int,
    of: str = "",
    **setting: Any,
) -> Iterator[Epoch]:
    """`deepk.networks.train` from where this unit was left, if it was; yields epochs.

    `notes["rows"]` is what the unit has measured so far: it is filled with what was saved, and saved with every epoch,
    so append an epoch's rows before the next epoch is asked for. `of` names the training where a unit has several, and
    `setting` goes to `train`.
    """
    notes |= {"rows": [], "after": None, **notes}
    training = lab.resumable({**networks.tensors(), **optimizer.tensors()}, generators, notes, of)
    after = None
    if notes["after"] is not None:
        number, step, loss, seconds = notes["after"]
        after = Epoch(number, step, torch.tensor(loss, dtype=torch.float64), seconds)
        lab.progress(step)
    setting |= {"epochs": epochs, "generators": generators, "after": after, "on_step": lab.progress}
    for epoch in train(networks, task, optimizer, **setting):
        yield epoch
        notes["after"] = [epoch.number, epoch.step, epoch.loss.tolist(), epoch.seconds]
        training.save(more=epoch.number < epochs)
