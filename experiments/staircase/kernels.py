"""The kernels of `staircase`, their spectra, and targets of a given power in each degree."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepk.kernels import TangentKernel
from deepk.spectra import multiplicity, spectrum
from experiments.staircase import DEEP, SHALLOW

DEGREES = 40  # of the activation's series on the sphere; beyond, each eigenvalue is far below one over any u
TANGENTS = {SHALLOW: TangentKernel("relu", 1), DEEP: TangentKernel("relu", 2)}


def activation(z: np.ndarray) -> np.ndarray:
    """relu(z - 1/2): no degree of it vanishes, as odd ones of relu do."""
    return np.maximum(z - 0.5, 0.0)


class Features(NamedTuple):
    """sigma(sqrt(d) <w, x>) for unit vectors w and x.

    Attributes:
        coefficients: lambda_k = E sigma(sqrt(d) T) P_k(T), whose squares are the eigenvalues of the kernel.
        multiplicities: N(d, k).
        second_moment: E sigma(sqrt(d) T)^2, the kernel at one.
    """

    coefficients: Float[np.ndarray, " degrees"]
    multiplicities: Float[np.ndarray, " degrees"]
    second_moment: float

    @property
    def tail(self) -> float:
        """The sum of all eigenvalues that are left out."""
        return max(0.0, self.second_moment - float(self.multiplicities @ self.coefficients**2))


@cache
def features(d: int) -> Features:
    """Of `activation` on the unit sphere in R^d."""

    def on_sphere(t: np.ndarray) -> np.ndarray:
        return activation(math.sqrt(d) * t)

    found = spectrum(on_sphere, d, range(DEGREES))
    square = spectrum(lambda t: on_sphere(t) ** 2, d, 0)
    counts = np.array([float(multiplicity(d, k)) for k in range(DEGREES)])
    return Features(found.values, counts, float(square.values[0]))


def harmonics(d: int, degree: int, t: Tensor) -> Tensor:
    """sqrt(N(d, k)) P_k(t), of mean square one: a function of degree k of x, for t = <x, u> and a unit vector u."""
    before, p = torch.zeros_like(t), torch.ones_like(t)
    for k in range(degree):
        before, p = p, ((2 * k + d - 2) * t * p - k * before) / (k + d - 2)
    return math.sqrt(multiplicity(d, degree)) * p


def target(power: list[float], d: int, x: Float[Tensor, "n d"], directions: Float[Tensor, "degrees d"]) -> Tensor:
    """sum over degrees of sqrt(P_k) times a harmonic of its own direction."""
    parts = [math.sqrt(p) * harmonics(d, k, x @ directions[k]) for k, p in enumerate(power)]
    return torch.stack(parts).sum(dim=0)
