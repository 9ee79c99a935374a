"""Stochastic gradient descent on the cross entropy: the plain loop, epoch by epoch, with a way back in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

# An evaluation batch: large enough for full-speed products, small enough that activations stay in cache.
_EVALUATION_BATCH = 1000


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training set gave.

    `train_loss` is the mean over the epoch's batches, in nats, each before its update; NaN or infinite where training
    diverged, after which no more epochs come. `seconds` are spent in training steps since the start, evaluation aside.
    """

    number: int
    step: int
    train_loss: float
    seconds: float

    @property
    def diverged(self) -> bool:
        """Whether the loss left the finite numbers."""
        return not math.isfinite(self.train_loss)


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Batches in one pass; the last may be smaller."""
    return math.ceil(samples / batch_size)


def train(
    network: nn.Module,
    x: Float[Tensor, "n d"],
    y: Int[Tensor, " n"],
    *,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    generator: torch.Generator,
    after: Epoch | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[Epoch]:
    """Trains in place by SGD, w <- w - learning_rate * gradient of the batch's mean cross entropy; yields each epoch.

    Every epoch visits all samples once, in an order that `generator` draws. Stops after the first epoch whose loss is
    not finite, at the batch where it happens. To continue after an interruption, restore the network's state and the
    generator's, and pass the last finished epoch as `after`.
    """
    if after is not None and after.diverged:
        return
    step, seconds, first = (after.step, after.seconds, after.number + 1) if after else (0, 0.0, 1)
    for number in range(first, epochs + 1):
        network.train()
        started = time.perf_counter()
        losses: list[float] = []
        order = torch.randperm(len(x), generator=generator).to(x.device)
        for batch in torch.split(order, batch_size):
            network.zero_grad()
            loss = functional.cross_entropy(network(x[batch]), y[batch])
            losses.append(loss.item())
            step += 1
            if not math.isfinite(losses[-1]):
                break
            loss.backward()
            _descend(network, learning_rate)
            on_step()
        seconds += time.perf_counter() - started
        epoch = Epoch(number, step, sum(losses) / len(losses), seconds)
        yield epoch
        if epoch.diverged:
            return


@torch.no_grad()
def _descend(network: nn.Module, learning_rate: float) -> None:
    """w <- w - learning_rate * gradient, for every parameter that has one; torch.optim would import its compiler."""
    for parameter in network.parameters():
        if parameter.grad is not None:
            parameter.add_(parameter.grad, alpha=-learning_rate)


@torch.no_grad()
def accuracy(network: nn.Module, x: Float[Tensor, "n d"], y: Int[Tensor, " n"]) -> float:
    """Share of samples whose largest logit is the label's, in [0, 1], in evaluation mode; NaN for NaN logits."""
    network.eval()
    right = 0
    for inputs, labels in zip(x.split(_EVALUATION_BATCH), y.split(_EVALUATION_BATCH), strict=True):
        logits = network(inputs)
        if logits.isnan().any():
            return math.nan
        right += int((logits.argmax(dim=1) == labels).sum())
    return right / len(x)
