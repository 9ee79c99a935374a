"""Training of an ensemble, epoch by epoch, with a way back in: one loop for every loss and optimizer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from deepk.networks.ensemble import Ensemble
from deepk.networks.losses import Classification, Regression
from deepk.networks.optimizers import Adam, Sgd

# An evaluation batch: large enough for full-speed products, small enough that activations stay in cache.
_EVALUATION_BATCH = 1000
_EAGER_STEPS = 3  # before a step is captured as a CUDA graph: libraries make their workspaces in the first


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training set gave.

    `loss` is each network's mean over the samples, each batch before its update; NaN or infinite where its training
    diverged. `seconds` are spent in training steps since the start, evaluation aside.
    """

    number: int
    step: int
    loss: Float[Tensor, " networks"]
    seconds: float

    @property
    def diverged(self) -> list[bool]:
        """Of each network, whether the loss left the finite numbers."""
        found: list[bool] = (~self.loss.isfinite()).tolist()
        return found


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Batches in one pass; the last may be smaller."""
    return math.ceil(samples / batch_size)


def train(
    networks: Ensemble,
    task: Classification | Regression,
    optimizer: Sgd | Adam,
    *,
    batch_size: int,
    epochs: int,
    generators: Sequence[torch.Generator],
    after: Epoch | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[Epoch]:
    """Trains all networks in place; yields each epoch, and stops after one in which the losses of all left the numbers.

    Every epoch visits all samples once, network r in an order that generators[r] draws; a single generator draws one
    order for all. On a CUDA device a step of `Sgd` is captured once and replayed as a graph. Losses stay on the device
    until the end of an epoch. To continue after an interruption, restore what `networks.tensors()`, the optimizer's and
    the generators held, and pass the last finished epoch as `after`.

    Raises ValueError where there are as many generators as neither one nor the networks.
    """
    if len(generators) not in (1, len(networks.kinds)):
        raise ValueError(f"{len(generators)} generators for {len(networks.kinds)} networks: it takes one, or one each")
    if after is not None and all(after.diverged):
        return
    number, step, seconds = (after.number, after.step, after.seconds) if after else (0, 0, 0.0)
    losses = _zeros(networks)

    def take(index: Tensor) -> None:
        found, delta = task.loss(networks.forward(task.inputs(index)), index)
        losses.add_(found, alpha=index.shape[1])
        networks.backward(delta, optimizer)
        optimizer.finish()

    graphed = _Graphed(take) if networks.parameters.is_cuda and isinstance(optimizer, Sgd) else take
    while number < epochs:
        number += 1
        started = time.perf_counter()
        losses.zero_()
        order = torch.stack([torch.randperm(task.samples, generator=generator) for generator in generators])
        for index in order.to(losses.device).split(batch_size, dim=1):
            graphed(index)
            step += 1
            on_step()
        loss = losses.cpu() / task.samples
        seconds += time.perf_counter() - started
        epoch = Epoch(number, step, loss, seconds)
        yield epoch
        if all(epoch.diverged):
            return


def _zeros(networks: Ensemble) -> Tensor:
    """A sum to begin with, for each network: in float64, where the device has it."""
    device = networks.parameters.device
    dtype = torch.float32 if device.type == "mps" else torch.float64
    return torch.zeros(len(networks.kinds), dtype=dtype, device=device)


class _Graphed:
    """A step as a CUDA graph for each batch size: taken as it is a few times, then captured, then replayed."""

    def __init__(self, take: Callable[[Tensor], None]) -> None:
        self._take = take
        self._taken: dict[int, int] = {}
        self._graphs: dict[int, tuple[Tensor, torch.cuda.CUDAGraph]] = {}

    def __call__(self, index: Tensor) -> None:
        size = index.shape[1]
        taken = self._taken[size] = self._taken.get(size, 0) + 1
        if taken <= _EAGER_STEPS:
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                self._take(index)
            torch.cuda.current_stream().wait_stream(stream)
            return
        if size not in self._graphs:
            fixed, graph = index.clone(), torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._take(fixed)
            self._graphs[size] = fixed, graph
        fixed, graph = self._graphs[size]
        fixed.copy_(index)
        graph.replay()


def accuracy(networks: Ensemble, task: Classification) -> Float[Tensor, " networks"]:
    """Each network's share of samples whose largest output is the label's, in [0, 1]; NaN where it has a NaN output."""
    right = _zeros(networks)
    for index in torch.arange(task.samples, device=right.device)[None].split(_EVALUATION_BATCH, dim=1):
        outputs = networks(task.inputs(index))
        right += (outputs.argmax(dim=2) == task.labels[index]).sum(dim=1)
        right[outputs.isnan().any(dim=2).any(dim=1)] = torch.nan
    return right.cpu() / task.samples
