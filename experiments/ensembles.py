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
    of: str = "",
    **setting: Any,
) -> Iterator[Epoch]:
    """`deepk.networks.train` from where this unit was left, if it was; yields epochs.

    `notes["rows"]` is what the unit has measured so far: it is filled with what was saved, and saved with every epoch,
    so append an epoch's rows before the next epoch is asked for. `of` names the
    training where a unit has several, and `setting` goes to `train`.
    """
    notes |= {"rows": [], "after": [0, 0, 0.0], **notes}
    training = lab.resumable({**networks.tensors(), **optimizer.tensors()}, generators, notes, of)
    lab.progress(notes["after"][1])
    after = (int(notes["after"][0]), int(notes["after"][1]), float(notes["after"][2]))
    for epoch in train(networks, task, optimizer, generators=generators, after=after, on_step=lab.progress, **setting):
        yield epoch
        notes["after"] = [epoch.number, epoch.step, epoch.seconds]
        training.save()
