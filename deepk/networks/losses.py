"""What an ensemble is trained on: the samples, and the loss with its gradient by the outputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Losses = tuple[Float[Tensor, " networks"], Float[Tensor, "networks batch outputs"]]


@dataclass(frozen=True)
class Classification:
    """The cross entropy, in nats, of samples that all networks share, network r seeing scale[r] x.

    Attributes:
        x: of shape (n, inputs).
        labels: class numbers, of shape (n,).
        scale: of shape (R, 1, 1).
    """

    x: Float[Tensor, "n inputs"]
    labels: Int[Tensor, " n"]
    scale: Float[Tensor, "networks 1 1"]

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(self.x)

    def inputs(self, index: Int[Tensor, "networks_or_one batch"]) -> Float[Tensor, "networks batch inputs"]:
        """The samples index[r] as network r sees them; a single row is every network's."""
        found = self.x.index_select(0, index.flatten()).view(*index.shape, -1)
        return found * self.scale if len(index) == 1 else found.mul_(self.scale)

    def loss(self, outputs: Tensor, index: Tensor) -> Losses:
        """Each network's mean over the batch of -log softmax(f)_label, and softmax(f) - 1_label over the batch size."""
        labels = self.labels[index].expand(outputs.shape[:2])[..., None]
        logs = outputs.log_softmax(dim=2)
        loss = -logs.gather(2, labels).mean(dim=(1, 2))
        delta = logs.exp_()
        delta.scatter_add_(2, labels, -torch.ones_like(labels, dtype=delta.dtype))
        return loss, delta.div_(outputs.shape[1])


@dataclass(frozen=True)
class Regression:
    """The mean square error, where `absolute` the mean absolute error, network r on its own samples x[r], y[r].

    Attributes:
        x: of shape (R, n, inputs).
        y: of shape (R, n, outputs).
        absolute: of shape (R,), or None for squares everywhere.
    """

    x: Float[Tensor, "networks n inputs"]
    y: Float[Tensor, "networks n outputs"]
    absolute: Bool[Tensor, " networks"] | None = None

    @property
    def samples(self) -> int:
        """How many each network has."""
        return self.x.shape[1]

    def inputs(self, index: Int[Tensor, "networks_or_one batch"]) -> Float[Tensor, "networks batch inputs"]:
        """The samples index[r] of network r; a single row is every network's."""
        return _taken(self.x, index)

    def loss(self, outputs: Tensor, index: Tensor) -> Losses:
        """Each network's error over the batch, with 2 (f - y) / n or sign(f - y) / n, n values in the batch."""
        error = outputs - _taken(self.y, index)
        loss, delta = error.square(), error * 2
        if self.absolute is not None:
            chosen = self.absolute[:, None, None]
            loss, delta = torch.where(chosen, error.abs(), loss), torch.where(chosen, error.sign(), delta)
        return loss.mean(dim=(1, 2)), delta / error[0].numel()


def _taken(samples: Tensor, index: Tensor) -> Tensor:
    if len(index) == 1:
        return samples.index_select(1, index[0])
    return samples.gather(1, index[..., None].expand(-1, -1, samples.shape[2]))
