"""Batch normalization of the networks of an ensemble, with the choices that papers leave open."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BatchNorm:
    """How values are normalized over a batch (Ioffe, Szegedy 2015, arXiv:1502.03167): y = scale (z - mean) / s + shift.

    s^2 = variance + epsilon, with the mean and the variance (n in the denominator) of the batch, for each unit. The
    defaults are those of Keras.

    Attributes:
        epsilon: added to the variance.
        momentum: m in average <- m average + (1 - m) of the batch, by which averages for evaluation are kept.
        unbiased: whether the averaged variance has n - 1 in its denominator, as in torch; in Keras it has n.
        trained: whether scale and shift are trained, or stay 1 and 0.
        averages: whether evaluation takes the averages, or the mean and the variance of the evaluated batch: of 1000
            samples at a time, in their order, in `accuracy`.
        output: whether the output layer is normalized, too.

    Raises ValueError for an epsilon that is not > 0, or a momentum outside [0, 1].
    """

    epsilon: float = 1e-3
    momentum: float = 0.99
    unbiased: bool = False
    trained: bool = True
    averages: bool = True
    output: bool = False

    def __post_init__(self) -> None:
        if not (self.epsilon > 0 and 0 <= self.momentum <= 1):
            raise ValueError(f"epsilon = {self.epsilon}, momentum = {self.momentum}: it takes > 0, and one in [0, 1]")


class Normalizer:
    """Batch normalization of one layer of some networks, with its parameters and averages, of shape (R, 1, n)."""

    def __init__(self, how: BatchNorm, networks: int, width: int, dtype: torch.dtype, device: str) -> None:
        self.how = how
        self.scale, self.variance = (torch.ones(networks, 1, width, dtype=dtype, device=device) for _ in range(2))
        self.shift, self.mean = (torch.zeros(networks, 1, width, dtype=dtype, device=device) for _ in range(2))

    def tensors(self) -> dict[str, Tensor]:
        """What training changes, by name."""
        return {"scale": self.scale, "shift": self.shift, "mean": self.mean, "variance": self.variance}

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Normalizes z of shape (R, batch, n) in place, by its batch, and keeps the averages; for `backward`."""
        variance, mean = torch.var_mean(z, dim=1, keepdim=True, correction=0)
        count = z.shape[1]
        kept = 1 - self.how.momentum
        self.mean.lerp_(mean, kept)
        self.variance.lerp_(variance * (count / max(count - 1, 1)) if self.how.unbiased else variance, kept)
        inverse = (variance + self.how.epsilon).rsqrt_()
        unit = z.sub(mean).mul_(inverse)
        torch.addcmul(self.shift, unit, self.scale, out=z)
        return unit, inverse

    def backward(self, delta: Tensor, unit: Tensor, inverse: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient by y becomes that by z, in place; returns those by scale and shift.

        With u = (z - mean) / s:  d_scale = sum delta u,  d_shift = sum delta,
        d_z = scale / s (delta - d_shift / batch - u d_scale / batch)
        """
        d_shift = delta.sum(dim=1, keepdim=True)
        d_scale = (delta * unit).sum(dim=1, keepdim=True)
        count = delta.shape[1]
        delta.sub_(d_shift / count).sub_(unit * (d_scale / count)).mul_(self.scale * inverse)
        return d_scale, d_shift

    def evaluate(self, z: Tensor) -> None:
        """Normalizes z in place as evaluation does."""
        variance, mean = self.variance, self.mean
        if not self.how.averages:
            variance, mean = torch.var_mean(z, dim=1, keepdim=True, correction=0)
        z.sub_(mean).mul_((variance + self.how.epsilon).rsqrt()).mul_(self.scale).add_(self.shift)
