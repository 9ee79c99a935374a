"""Ensembles of networks trained within one unit of work, from its checkpoint on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from deepk.lab import Lab
from deepk.networks.ensemble import Ensemble, EnsembleEpoch, train_ensemble


def train_resumably(
    lab: Lab,
    networks: Ensemble,
    x: Tensor,
    y: Tensor,
    *,
    generator: torch.Generator,
    rows: list[dict[str, Any]],
    **setting: Any,
) -> Iterator[EnsembleEpoch]:
    """`train_ensemble` from where this unit was left, if it was; yields epochs.

    `rows` is what the unit has measured so far: it is filled with what was saved, and saved with every epoch, so append
    an epoch's rows before the next epoch is asked for. `setting` goes to `train_ensemble`.
    """
    state = {name: torch.zeros_like(networks.parameters) for name in ("m", "v")}
    state["steps"] = torch.zeros(2, dtype=torch.int64)
    notes: dict[str, Any] = {"rows": rows}
    training = lab.resumable({"parameters": networks.parameters, **state}, [generator], notes)
    rows[:] = notes["rows"]
    lab.progress(int(state["steps"][0]))
    for epoch in train_ensemble(networks, x, y, generator=generator, state=state, on_step=lab.progress, **setting):
        yield epoch
        notes["rows"] = rows
        training.save()
