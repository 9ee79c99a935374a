"""The kernel of a deep random network: L times the dual kernel of its activation, at the cost of one.

(Liang, Tran-Bach 2020, arXiv:2004.04767; Cho and Saul 2009 for ReLU.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepk import activations
from deepk.activations import Activation
from deepk.arrays import Array
from deepk.branching.generations import generation_law
from deepk.branching.iterates import Iterate, iterate
from deepk.kernels.arithmetic import Correlation, Number
from deepk.kernels.dual import DualKernel, dual_kernel
from deepk.kernels.ends import network_degrees, network_ends
from deepk.kernels.exact import exact_dual
from deepk.kernels.network import NetworkKernel, checked_depth
from deepk.kernels.structure import Degrees, End


@dataclass(frozen=True)
class CompositionalKernel(NetworkKernel):
    """K^(L)(rho) = G(G(...G(rho))), L times, on inputs of correlation rho in [-1, 1], G the normalized dual kernel.

    K^(L)(x . y / |x| |y|) is the covariance of the last layer's units of an infinitely wide random network whose
    layers are normalized, sigma(W x / |x|). The map of L layers is tabulated once (`deepk.branching.iterates`), so
    that a Gram matrix costs the same at every depth.

    Attributes:
        activation: a known name, or an `Activation`; kept as an `Activation`.
        depth: L >= 1.
        centered: whether sigma - E sigma takes the place of sigma.

    Raises ValueError as `DualKernel` does, or for a depth below 1.
    """

    activation: Activation
    depth: int
    centered: bool

    def __init__(self, activation: str | Activation, depth: int, *, centered: bool = False) -> None:
        """Checks; what is computed is computed on first use."""
        dual = dual_kernel(activations.get(activation), bool(centered))
        known = ("activation", dual.activation), ("depth", checked_depth(depth)), ("centered", dual.centered)
        for name, value in known:
            object.__setattr__(self, name, value)

    @property
    def dual(self) -> DualKernel:
        """One layer."""
        return dual_kernel(self.activation, self.centered)

    @property
    def _iterate(self) -> Iterate:
        return iterate(self.dual, self.depth)

    @property
    def error_bound(self) -> float:
        """Of K, and relative of 1 - K; that of theta_L = arccos K, relative, is half."""
        return 2 * self._iterate.error_bound

    @property
    def at_one(self) -> float:
        """K(1) = 1."""
        return 1.0

    def _values(self, rho: Float[Tensor, ...]) -> Float[Tensor, ...]:
        parity = self.dual.parity
        value = self._iterate((rho.abs() if parity else rho).acos()).cos()
        return value.copysign(rho) if parity == -1 else value

    def _complement(self, u: Array) -> Array:
        parity = self.dual.parity
        folded = np.where(u > 1, 2 - u, u) if parity else u
        theta = self._iterate(torch.from_numpy(2 * np.arcsin(np.sqrt(folded / 2)))).numpy()
        value = 2 * np.sin(theta / 2) ** 2
        return np.asarray(np.where(u > 1, 2 - value, value) if parity == -1 else value)

    def coefficients(self, degree: int) -> Float[np.ndarray, " {degree}+1"]:
        """P(Z_L = k) for k = 0..degree, the Taylor coefficients of K; see `generation_law` for their accuracy."""
        return generation_law(self.dual, self.depth, degree)

    @cached_property
    def degrees(self) -> Degrees:
        """Where symmetry leaves zeros."""
        return network_degrees(self.dual, self.depth)[0]

    @cached_property
    def ends(self) -> tuple[End, End]:
        """At 1 and at -1."""
        return network_ends(self.dual, self.depth)[0]

    @property
    def order(self) -> float:
        """1, or 2^(1 - L) where the activation jumps."""
        return self.dual.order ** (self.depth - 1)

    def exact(self, x: Correlation) -> Number:
        """K in numbers of any kind, layer by layer."""
        dual = exact_dual(self.dual, x)
        for _ in range(self.depth):
            x = dual.kernel(x)
        return x.cos

    def exact_at_one(self, x: Correlation) -> Number:
        """1."""
        return x.number(1.0)
