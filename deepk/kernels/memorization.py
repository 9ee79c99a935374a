"""At which depth the kernel matrix becomes the identity, up to kappa: the network tells all inputs apart.

(Liang, Tran-Bach 2020, arXiv:2004.04767.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import index

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor

from deepk import activations
from deepk.activations import Activation
from deepk.branching.laws import CRITICAL
from deepk.kernels.composition import CompositionalKernel
from deepk.kernels.dual import DualKernel, dual_kernel
from deepk.kernels.gram import unit_rows

_ROUNDINGS = 16  # of a correlation: closer to 1 than this, two rows count as the same
_DEEPEST = 2**40
_NO_LINEAR_PART = 1e-20  # a_1^2 that is the square of a rounding


def memorization_depth(X: np.ndarray | Tensor, activation: str | Activation, kappa: float) -> int:
    """The smallest L at which all eigenvalues of the centered kernel's matrix lie in [1 - kappa, 1 + kappa].

    By bisection, which is sound: with a_0 = 0 every term of K^(L+1) = sum a_k^2 K^(L) o ... o K^(L) is a Schur product
    of K^(L) with a correlation matrix, so that by Schur's theorem the eigenvalues only move inwards with L.

    The activation is always centered. An un-centered kernel tends to K(0) > 0 between different inputs, so that its
    largest eigenvalue grows like n K(0): it memorizes nothing of size.

    Args:
        X: rows of shape (n, d), n >= 2; scaled to norm one.
        activation: a known name, or an `Activation`.
        kappa: in (0, 1).

    Raises ValueError for rows that coincide to rounding, or point in opposite directions where the activation is odd or
    even (its kernel is then -1 or 1 there at all depths); for a linear activation; and as `CompositionalKernel.gram`.
    """
    _check_kappa(kappa)
    dual = _nonlinear(activation)
    _refuse_coinciding(X, dual)
    if kappa < _ROUNDINGS * len(X) * float(np.finfo(np.float64).eps):
        raise ValueError(f"kappa = {kappa:g} is below what rounding leaves of the eigenvalues")

    def memorizes(depth: int) -> bool:
        gram = CompositionalKernel(activation, depth, centered=True).gram(X)
        eigenvalues = torch.linalg.eigvalsh(torch.as_tensor(gram).double())
        return bool((eigenvalues - 1).abs().max() <= kappa)

    shallow, deep = 0, 1
    while not memorizes(deep):
        shallow, deep = deep, 2 * deep
        if deep > _DEEPEST:
            raise ValueError(f"{dual.name} does not memorize these rows within {_DEEPEST:.0e} layers")
    while deep - shallow > 1:
        middle = (deep + shallow) // 2
        shallow, deep = (shallow, middle) if memorizes(middle) else (middle, deep)
    return deep


@dataclass(frozen=True)
class MemorizationBounds:
    """What is known beforehand of the depth that memorizes n inputs in dimension d.

    Attributes:
        slides_small: [log(n/kappa) + log(log(n)/d)] / log a_1^-2, up to a constant factor that is not given.
        slides_large: exp(2 log(n)/d) log(n/kappa) / (mu - 1), likewise.
        small: lower and upper bound for points drawn uniformly on the sphere, log(n)/d small, with probability at least
            1 - 4 n^-1/2.
        large: lower and upper bound for a maximal packing of the sphere, log(n)/d large.
        marchenko_pastur: ceil(log((2 sqrt(g) + g) / kappa) / log a_1^-2) with g = n/d, at least 1: for points drawn
            uniformly only the linear part a_1^(2L) of the kernel is left when it holds, and the eigenvalues of its
            correlation matrix fill [(1 - sqrt g)^2, (1 + sqrt g)^2]. Not a bound; ours.
    """

    slides_small: float
    slides_large: float
    small: tuple[float, float]
    large: tuple[float, float]
    marchenko_pastur: float


def memorization_bounds(n: int, d: int, activation: str | Activation, kappa: float) -> MemorizationBounds:
    """The theorem's bounds on `memorization_depth`: the slides' (arXiv v1), and the later, two-sided ones.

    As the formulas give them, also below 1. NaN where they have no meaning: what rests on mu where sigma jumps, since
    mu is infinite, and what rests on a_1 for an even activation, since it is 0.

    The later ones are proved for |G(s)| = G(|s|), which holds for odd and even activations alone. As there,

        s* = inf {s: (1 - G(s)) / (1 - s) >= (1 + mu) / 2}.

    Raises ValueError for n < 2, d < 2, a kappa outside (0, 1), or a linear activation.
    """
    _check_kappa(kappa)
    if index(n) < 2 or index(d) < 2:
        raise ValueError(f"n = {n}, d = {d}: both are at least 2")
    dual = _nonlinear(activation)
    mu = dual.mu if math.isfinite(dual.mu) else math.nan
    contraction = -math.log(dual.a1_squared) if dual.a1_squared > _NO_LINEAR_PART else math.nan
    crowding = math.log(n) / d
    half, s_star = (1 + mu) / 2, _s_star(dual)
    predicted = math.log((2 * math.sqrt(n / d) + n / d) / kappa) / contraction
    return MemorizationBounds(
        slides_small=(math.log(n / kappa) + math.log(crowding)) / contraction,
        slides_large=math.exp(2 * crowding) * math.log(n / kappa) / (mu - 1),
        small=(
            (math.log(crowding) / 2 + math.log(0.5 / kappa)) / contraction,
            (math.log(crowding) + 2 * math.log(3 * n / kappa)) / contraction + 1,
        ),
        large=(
            1.5 * crowding / math.log(mu) + math.log(0.5 / kappa) / contraction - 1,
            3 * math.log(n) / (d - 1) / math.log(half)
            + math.log(s_star * n / kappa) / math.log(s_star / (1 - (1 - s_star) * half))
            + 2,
        ),
        marchenko_pastur=math.nan if math.isnan(predicted) else max(1.0, float(math.ceil(predicted))),
    )


def _s_star(dual: DualKernel) -> float:
    """Where the chord of G to (1, 1) has the slope (1 + mu) / 2; chords are steeper the closer to 1 they begin."""
    half = (1 + dual.mu) / 2

    def excess(log_u: float) -> float:
        u = math.exp(log_u)
        return float(dual.complement(np.array([u]))[0]) / u - half

    return -math.expm1(brentq(excess, math.log(1e-300), 0.0, xtol=1e-15)) if math.isfinite(half) else math.nan


def _check_kappa(kappa: float) -> None:
    if not 0 < kappa < 1:
        raise ValueError(f"kappa = {kappa} is not in (0, 1)")


def _nonlinear(activation: str | Activation) -> DualKernel:
    """Centered; ValueError for a linear activation."""
    dual = dual_kernel(activations.get(activation), True)
    if dual.mu <= 1 + CRITICAL:
        raise ValueError(f"{dual.activation.name} is linear: its kernel is the correlation itself at every depth")
    return dual


def _refuse_coinciding(rows: np.ndarray | Tensor, dual: DualKernel) -> None:
    """ValueError for two rows whose kernel is 1 or -1 at every depth."""
    unit = unit_rows(rows, "X")
    rho = (unit @ unit.T).fill_diagonal_(0)
    worst = rho.abs() if dual.parity else rho
    if len(rho) < 2:
        raise ValueError("X has one row: there is nothing to tell apart")
    if float(worst.max()) < 1 - _ROUNDINGS * torch.finfo(rho.dtype).eps:
        return
    i, j = divmod(int(worst.argmax()), len(rho))
    how = "coincide" if rho[i, j] > 0 else f"are opposite, and {dual.activation.name} is odd or even up to a constant"
    raise ValueError(f"rows {i} and {j} {how}: no depth tells them apart")
