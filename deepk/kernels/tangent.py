"""The neural tangent kernel of a deep network of infinite width, at the cost of one layer.

With the normalized dual kernel G of the activation, K_0 = Theta_0 = rho and K_(l+1) = G(K_l),

    Theta_(l+1) = Theta_l G'(K_l) + K_(l+1).

(Jacot, Gabriel, Hongler 2018, arXiv:1806.07572; Bietti, Bach 2021, arXiv:2009.14397, for ReLU, where G = kappa_1 and
G' = kappa_0.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepk import activations
from deepk.activations import Activation
from deepk.arrays import Array
from deepk.branching.iterates import iterate, lowest
from deepk.kernels.arithmetic import Correlation, Number
from deepk.kernels.dual import DualKernel, dual_kernel
from deepk.kernels.ends import network_degrees, network_ends
from deepk.kernels.exact import exact_dual
from deepk.kernels.network import NetworkKernel, checked_depth
from deepk.kernels.structure import Degrees, End
from deepk.tabulation import Table, tabulate

_EPS = float(np.finfo(np.float64).eps)
_SMALL = 1e-3  # rho below which Theta / rho is fitted: it is then certain to 1e-16 / rho alone
_ODD = 0.1  # K below which its next is an integral
_GAUSS = np.polynomial.legendre.leggauss(6)
_NOISE = 16 * _EPS  # of a logarithm, from each layer
_DEAD = 1e-307  # added to a complement that falls below: of a network that maps everything to one direction
_KINK = 1.5  # tail index of an activation whose slope jumps


@dataclass(frozen=True)
class TangentKernel(NetworkKernel):
    """Theta_L(rho) of L = `depth` nonlinear layers (the paper's L less one), for rho in [-1, 1].

    The kernel sum over parameters of df(x) df(y) of the linear output of a network whose weights are standard normal,
    scaled so that every layer keeps E of the squares, as the width tends to infinity. Theta_L(1) = 1 + mu + ... + mu^L:
    L + 1 for ReLU. The map is tabulated once, in a time that grows with L (0.2 s for 50 layers), so that a Gram matrix
    costs the same at every depth.

    Attributes:
        activation: a known name, or an `Activation`; kept as an `Activation`.
        depth: L >= 1.
        normalized: whether Theta_L / Theta_L(1) takes its place.

    Raises ValueError as `DualKernel` does, for a depth below 1, and where the slope of sigma is not square integrable:
    the kernel does not exist where sigma jumps.
    """

    activation: Activation
    depth: int
    normalized: bool

    def __init__(self, activation: str | Activation, depth: int, *, normalized: bool = False) -> None:
        """Checks; what is computed is computed on first use."""
        dual = dual_kernel(activations.get(activation), False)
        if math.isinf(dual.mu):
            raise ValueError(
                f"activation {dual.activation.name} has no tangent kernel: it jumps, and E sigma'^2 is infinite"
            )
        known = ("activation", dual.activation), ("depth", checked_depth(depth)), ("normalized", bool(normalized))
        for name, value in known:
            object.__setattr__(self, name, value)

    @property
    def dual(self) -> DualKernel:
        """One layer."""
        return dual_kernel(self.activation, False)

    @property
    def _unnormalized_at_one(self) -> float:
        """1 + mu + ... + mu^L; infinite where that is beyond float64."""
        return float(_sum_of_powers(self.dual.mu, self.depth))

    @property
    def at_one(self) -> float:
        """Theta(1)."""
        return 1.0 if self.normalized else self._unnormalized_at_one

    @property
    def error_bound(self) -> float:
        """Of Theta, beside Theta(1)."""
        return _tables(self.dual, self.depth).error

    def _values(self, rho: Float[Tensor, ...]) -> Float[Tensor, ...]:
        parity, tables = self.dual.parity, _tables(self.dual, self.depth)
        theta = (rho.abs() if parity else rho).acos()
        ratio = tables.ratio(theta.log())
        value = ratio.exp() if tables.logarithmic else ratio
        if parity == -1:
            value = value * rho
        return value if self.normalized else value * self._unnormalized_at_one

    def _complement(self, u: Array) -> Array:
        parity, tables = self.dual.parity, _tables(self.dual, self.depth)
        folded = np.where(u > 1, 2 - u, u) if parity else u
        theta = torch.from_numpy(2 * np.arcsin(np.sqrt(folded / 2)))
        value = (theta.pow(tables.power) * tables.complement(theta.log()).exp()).where(theta > 0, 0.0).numpy()
        return np.asarray(np.where(u > 1, 2 - value, value) if parity == -1 else value)

    @property
    def degrees(self) -> Degrees:
        """Where symmetry leaves zeros."""
        return network_degrees(self.dual, self.depth)[1]

    @property
    def ends(self) -> tuple[End, End]:
        """At 1 and at -1."""
        one, minus_one = network_ends(self.dual, self.depth)[1]
        scale = End(1 / one.value if self.normalized else 1.0)
        return scale * one, scale * minus_one

    @property
    def order(self) -> float:
        """1: a smooth function of theta."""
        return 1.0

    def exact(self, x: Correlation) -> Number:
        """Theta in numbers of any kind, layer by layer."""
        dual = exact_dual(self.dual, x)
        theta = x.cos
        for _ in range(self.depth):
            slope = dual.slope(x)
            x = dual.kernel(x)
            theta = theta * slope + x.cos
        return theta / _sum_of_powers(dual.mu, self.depth) if self.normalized else theta

    def exact_at_one(self, x: Correlation) -> Number:
        """Theta(1)."""
        return x.number(1.0) if self.normalized else _sum_of_powers(exact_dual(self.dual, x).mu, self.depth)


def _sum_of_powers(mu: Number, depth: int) -> Number:
    """1 + mu + ... + mu^L."""
    total = mu * 0 + 1
    for _ in range(depth):
        total = total * mu + 1
    return total


class _Tables(NamedTuple):
    """Theta / Theta(1) as functions of log theta, on [0, largest_angle].

    `ratio` is Theta / Theta(1), over rho for an odd activation; its logarithm where it is positive everywhere.
    `complement` is log(1 - Theta / Theta(1)) - power log theta, with 1e-307 in place of less. `error` is that of Theta,
    beside Theta(1).
    """

    ratio: Table
    logarithmic: bool
    complement: Table
    power: float
    error: float


@lru_cache(maxsize=64)
def _tables(dual: DualKernel, depth: int) -> _Tables:
    low, high = lowest(dual, depth), math.log(dual.largest_angle)
    power = 1.0 if dual.tail_index == _KINK else 2.0
    chain = _over_rho if dual.parity == -1 else _chain
    ratios, complements = chain(dual, depth, np.linspace(low, high, 1000))
    floor = _DEAD if complements.min() < _DEAD else 0.0
    noise = _NOISE * depth

    def functions(x: Array, *, logarithmic: bool) -> tuple[Array, Array]:
        ratio, complement = chain(dual, depth, x)
        return np.log(ratio) if logarithmic else ratio, np.log(complement + floor) - power * x

    for logarithmic in (True, False) if ratios.min() > 0 else (False,):
        tables = tabulate(partial(functions, logarithmic=logarithmic), low, high, noise=noise)
        if tables is not None:
            ratio, complement = tables
            error = ratio.rest + 4 * iterate(dual, depth).error_bound + noise
            return _Tables(ratio, logarithmic, complement, power, error)
    raise ValueError(f"{dual.name} is too steep for the tangent kernel of {depth} layers to be tabulated")


def _chain(dual: DualKernel, depth: int, log_theta: Array) -> tuple[Array, Array]:
    """Theta / Theta(1) and 1 - Theta / Theta(1) at angles in [0, largest_angle].

    With u_l = 1 - K_l and n_l = Theta_l(1), the complements c_l = n_l - Theta_l follow

        c_(l+1) = n_l (G'(1) - G'(K_l)) + c_l G'(K_l) + u_(l+1),

    where nothing cancels as theta tends to 0. All are kept divided by n_l, which may be beyond float64.
    """
    first, theta, layer = np.exp(log_theta), log_theta, iterate(dual, 1)
    kernel = ratio = np.cos(first)
    complement, share = 2 * np.sin(first / 2) ** 2, 1.0  # share: 1 / n_l
    for _ in range(depth):
        gap = dual.slope_gap_at_angles(np.exp(theta))
        slope = dual.mu - gap
        theta = layer.log(theta)
        factor = 1 / (dual.mu + share)  # n_l / n_(l+1)
        share *= factor
        kernel = _next(dual, kernel, np.exp(theta))
        ratio = ratio * slope * factor + kernel * share
        complement = (gap + complement * slope) * factor + 2 * np.sin(np.exp(theta) / 2) ** 2 * share
    return ratio, complement


def _next(dual: DualKernel, kernel: Array, theta: Array) -> Array:
    """K_(l+1) = cos(theta) of K_l; of an odd activation, for a small K_l, as the integral of G' from 0."""
    following: Array = np.cos(theta)
    if dual.parity != -1:
        return following
    (nodes, weights), small = _GAUSS, kernel < _ODD
    following[small] = kernel[small] * (dual.derivative(kernel[small, None] * (nodes + 1) / 2) @ (weights / 2))
    return following


def _over_rho(dual: DualKernel, depth: int, log_theta: Array) -> tuple[Array, Array]:
    """`_chain` of an odd activation, with Theta / (rho Theta(1)); next to rho = 0, an even function, fitted beside."""
    rho = np.cos(np.exp(log_theta))
    far = np.minimum(log_theta, math.log(math.acos(_SMALL)))
    ratio, complement = _chain(dual, depth, far)
    ratio = ratio / np.cos(np.exp(far))
    beside = np.log(np.arccos([_SMALL, 2 * _SMALL]))
    near, next_to_it = _chain(dual, depth, beside)[0] / np.cos(np.exp(beside))
    fitted = near + (next_to_it - near) * ((rho / _SMALL) ** 2 - 1) / 3
    return np.where(rho < _SMALL, fitted, ratio), np.where(rho < _SMALL, 1 - rho * fitted, complement)
