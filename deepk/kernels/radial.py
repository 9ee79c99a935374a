"""The kernels that those of networks are compared with: Laplace's and Gauss's, of the distance of unit vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepk.arrays import Array
from deepk.kernels.arithmetic import Correlation, Number
from deepk.kernels.dot_product import DotProductKernel
from deepk.kernels.structure import Degrees, End

_ROUNDINGS = 4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class _RadialKernel(DotProductKernel):
    gamma: float

    def __init__(self, gamma: float = 1.0) -> None:
        """Raises ValueError for a gamma that is not a finite number > 0."""
        if not 0 < gamma < math.inf:
            raise ValueError(f"gamma = {gamma} is not a finite number > 0")
        object.__setattr__(self, "gamma", float(gamma))

    at_one = 1.0
    order = 1.0
    most_digits = math.inf
    degrees = Degrees()

    @property
    def error_bound(self) -> float:
        return _ROUNDINGS * (1 + self.gamma)

    def exact_at_one(self, x: Correlation) -> Number:
        return x.number(1.0)


class LaplaceKernel(_RadialKernel):
    """exp(-gamma |x - y|) of unit vectors x and y: exp(-gamma sqrt(2 - 2 rho)).

    Its reproducing space on the sphere is that of the tangent kernel of a deep ReLU network (Chen, Xu 2021,
    arXiv:2009.10683). Raises ValueError for a gamma that is not a finite number > 0.
    """

    amplification = math.inf
    is_smooth = False

    @property
    def ends(self) -> tuple[End, End]:
        return End(1.0, 0.5, -self.gamma * math.sqrt(2)), End(math.exp(-2 * self.gamma))

    def _values(self, rho: Float[Tensor, ...]) -> Float[Tensor, ...]:
        return torch.exp(-self.gamma * (2 * (1 - rho)).sqrt())

    def _complement(self, u: Array) -> Array:
        return np.asarray(-np.expm1(-self.gamma * np.sqrt(2 * u)))

    def exact(self, x: Correlation) -> Number:
        """In numbers of any kind."""
        return x.exp(-x.number(self.gamma) * x.chord)


class GaussianKernel(_RadialKernel):
    """exp(-gamma |x - y|^2) of unit vectors x and y: exp(-2 gamma (1 - rho)).

    Raises ValueError for a gamma that is not a finite number > 0.
    """

    is_smooth = True

    @property
    def amplification(self) -> float:
        return 2 * self.gamma

    @property
    def ends(self) -> tuple[End, End]:
        return End(1.0), End(math.exp(-4 * self.gamma))

    def _values(self, rho: Float[Tensor, ...]) -> Float[Tensor, ...]:
        return torch.exp(-2 * self.gamma * (1 - rho))

    def _complement(self, u: Array) -> Array:
        return np.asarray(-np.expm1(-2 * self.gamma * u))

    def exact(self, x: Correlation) -> Number:
        """In numbers of any kind."""
        return x.exp(2 * x.number(self.gamma) * (x.cos - 1))
