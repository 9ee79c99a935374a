"""The kernel that an activation stands for: G(rho) = E sigma(X) sigma(Y), X and Y standard normal of correlation rho.

By Mehler's formula G(rho) = sum a_k^2 rho^k with the Hermite coefficients a_k of sigma: normalized, an activation is a
probability law on 0, 1, 2, ... and its kernel the generating function of that law (Daniely, Frostig, Singer 2016,
arXiv:1602.05897; Liang, Tran-Bach 2020, arXiv:2004.04767).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import overload

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepk import activations
from deepk.activations import Activation
from deepk.arrays import Array, elementwise
from deepk.branching.laws import OffspringLaw
from deepk.gaussian import expectation
from deepk.hermite import hermite_coefficients
from deepk.kernels.arithmetic import Floats
from deepk.kernels.closed_forms import Form, closed_form
from deepk.kernels.structure import Degrees
from deepk.meanfield import moments
from deepk.meanfield.propagation import ComplementMap

_CONSTANT = 1e-28  # variance relative to E sigma^2: the square of a rounding
_SYMMETRIC = 1e-14  # sigma(-x) -+ sigma(x), relative to the largest value
_CHECKED = (0.02, 0.05, 0.15, 0.4, 1.0, 1.8, 3.0)  # angles; at less than 0.014 the integrals use slopes, too
_UNDECLARED = 1e-8  # by two ways that agree to 1e-12 where all kinks are declared
_END = 1e-8  # angle from the ends up to which a slope is divided by sin(theta)
_OUTSIDE, _FURTHEST = 1000, 0.01  # roundings of the correlation's type by which it may leave [-1, 1]


@dataclass(frozen=True)
class DualKernel(OffspringLaw):
    """G(rho) = E sigma(X) sigma(Y) / E sigma^2, so that G(1) = 1, for rho in [-1, 1]; the law P(Y = k) = a_k^2.

    Attributes:
        activation: a known name, or an `Activation`; kept as an `Activation`.
        centered: whether sigma - E sigma takes the place of sigma, so that a_0 = 0 and G(0) = 0.

    Raises ValueError where E sigma^2 is zero (or sigma is constant, centered) or infinite, or where sigma has a jump
    that is not declared: mu would be finite.
    """

    activation: Activation
    centered: bool

    def __init__(self, activation: str | Activation, *, centered: bool = False) -> None:
        """Integrates sigma and sigma^2."""
        object.__setattr__(self, "activation", activations.get(activation))
        object.__setattr__(self, "centered", bool(centered))
        square = moments.second_moment(self.activation, 1.0)
        if not self.variance > _CONSTANT * square:
            what = "constant: centered, it is zero" if square > 0 else "zero"
            raise ValueError(f"activation {self.activation.name} is {what} and has no kernel")
        if _jumps_undeclared(self.activation) > _UNDECLARED * math.sqrt(square):
            known = f"not among those declared, {self.activation.jumps}"
            raise ValueError(f"activation {self.activation.name} has a jump that is {known}")

    @property
    def name(self) -> str:
        """The activation's name, with `centered` before it where its mean is subtracted."""
        return f"centered {self.activation.name}" if self.centered else self.activation.name

    @cached_property
    def mean(self) -> float:
        """What is subtracted from sigma: E sigma(Z) if centered, else 0."""
        return mean(self.activation) if self.centered else 0.0

    @cached_property
    def variance(self) -> float:
        """What G is divided by: E (sigma(Z) - mean)^2."""
        return centered_variance(self.activation) if self.centered else moments.second_moment(self.activation, 1.0)

    def __reduce__(self) -> tuple[Callable[..., DualKernel], tuple[Activation, bool]]:
        """Pickled without what has been computed of it."""
        return dual_kernel, (self.activation, self.centered)

    def normalized(self, x: Tensor) -> Tensor:
        """(sigma(x) - mean) / sqrt(variance), the activation whose dual kernel this is."""
        return (self.activation(x.clone()) - self.mean) / math.sqrt(self.variance)

    # --- the kernel ---------------------------------------------------------------------------------------------------

    @overload
    def __call__(self, rho: Tensor) -> Tensor: ...
    @overload
    def __call__(self, rho: float) -> float: ...
    @overload
    def __call__(self, rho: np.ndarray) -> np.ndarray: ...
    def __call__(self, rho: float | np.ndarray | Tensor) -> float | np.ndarray | Tensor:
        """G(rho), like rho a number, array or tensor; ValueError for a rho outside [-1, 1] beyond rounding."""
        closed = self._closed
        if closed is None:
            return elementwise(lambda c: 1 - self.complement_at_angles(np.arccos(c)), correlation(rho))
        return elementwise(lambda c: (closed.kernel(Floats(c)) - self.mean**2) / self.variance, correlation(rho))

    @overload
    def derivative(self, rho: Tensor) -> Tensor: ...
    @overload
    def derivative(self, rho: float) -> float: ...
    @overload
    def derivative(self, rho: np.ndarray) -> np.ndarray: ...
    def derivative(self, rho: float | np.ndarray | Tensor) -> float | np.ndarray | Tensor:
        """G'(rho) = E sigma'(X) sigma'(Y) / variance; where sigma jumps, infinite at rho = 1, and at -1 by symmetry."""
        closed = self._closed
        if closed is None:
            return elementwise(self._slope, correlation(rho))
        with np.errstate(divide="ignore"):  # of a step, at rho = 1
            return elementwise(lambda c: closed.slope(Floats(c)) / self.variance, correlation(rho))

    def _slope(self, rho: Array) -> Array:
        if self._share == 0:
            return np.zeros_like(rho)
        if not self.activation.jumps:
            return self._share * self._map.slope(np.arccos(rho))
        slope = self._share * self._map.slope(np.arccos(rho).clip(_END, math.pi - _END))
        mirrored = any(-point in self.activation.jumps for point in self.activation.jumps)
        return np.where((rho == 1) | mirrored & (rho == -1), math.inf, slope)

    def complement(self, one_minus_s: Array) -> Array:
        """1 - G(1 - u) for u in [0, 2], to a few roundings of itself and `error`."""
        return self.complement_at_angles(2 * np.arcsin(np.sqrt(one_minus_s / 2)))

    def complement_at_angles(self, theta: Array) -> Array:
        """1 - G(cos theta) for theta in [0, pi]."""
        return self._share * self._map.at_angles(theta) if self._share > 0 else np.zeros_like(theta)

    def slope_gap(self, one_minus_s: Array) -> Array:
        """G'(1) - G'(1 - u), to some 1e-14 of itself; for an activation without jumps."""
        return self.slope_gap_at_angles(2 * np.arcsin(np.sqrt(one_minus_s / 2)))

    def slope_gap_at_angles(self, theta: Array) -> Array:
        """G'(1) - G'(cos theta) for theta in [0, pi]; for an activation without jumps."""
        return self._share * self._map.slope_gap(theta) if self._share > 0 else np.zeros_like(theta)

    @property
    def error(self) -> float:
        """Relative error of 1 - G as tabulated, by comparison with plane integrals at a few angles."""
        return tabulated_map(self.activation)[1] if self._share > 0 else 0.0

    @property
    def _map(self) -> ComplementMap:
        return tabulated_map(self.activation)[0]

    @cached_property
    def _share(self) -> float:
        """What the centered kernel's 1 - G is multiplied by; 0 for a constant."""
        square, spread = moments.second_moment(self.activation, 1.0), centered_variance(self.activation)
        return spread / self.variance if spread > _CONSTANT * square else 0.0

    @property
    def is_closed(self) -> bool:
        """Whether G has a closed form."""
        return self._closed is not None

    @cached_property
    def _closed(self) -> Form | None:
        return closed_form(self.activation)

    # --- the law ------------------------------------------------------------------------------------------------------

    @cached_property
    def mu(self) -> float:
        """E sigma'(Z)^2 / variance = sum k a_k^2 = G'(1); infinite where sigma jumps."""
        return moments.slope_second_moment(self.activation, 1.0) / self.variance

    def coefficients(self, degree: int) -> Float[np.ndarray, " {degree}+1"]:
        """a_0^2, ..., a_degree^2."""
        a = hermite_coefficients(self.activation, degree)
        if self.centered:
            a[0] = 0.0
        return np.asarray(a**2 / self.variance)

    @property
    def order(self) -> float:
        """1/2 where sigma jumps, else 1."""
        return 0.5 if self.activation.jumps else 1.0

    @property
    def tail_index(self) -> float:
        """1/2 where sigma jumps, 3/2 where its slope does, 5/2 where only the curvature does; else infinite."""
        if self.activation.jumps:
            return 0.5
        if not self.activation.kinks:
            return math.inf
        return 1.5 if moments.slope_jumps(self.activation) else 2.5

    @cached_property
    def degrees(self) -> Degrees:
        """What symmetry says of G: sigma(x) + sigma(-x) constant, or sigma(x) - sigma(-x) linear, leaves no higher one.

        Seen on 400 points: true of ReLU, GELU, swish and softplus (odd part x / 2), step and sigmoid (even part 1 / 2).
        """
        x = torch.linspace(0.01, 12, 400, dtype=torch.float64)
        right, left = self.activation(x.clone()) - self.mean, self.activation(-x) - self.mean
        size = float(torch.maximum(right.abs(), left.abs()).max())

        def degree(part: Tensor, shape: Tensor, highest: float) -> float:
            for factor, found in ((0.0, -math.inf), (float(part[-1] / shape[-1]), highest)):
                if float((part - factor * shape).abs().max()) <= _SYMMETRIC * size:
                    return found
            return math.inf

        return Degrees(degree(right + left, torch.ones_like(x), 0.0), degree(right - left, x, 1.0))

    @property
    def parity(self) -> int:
        """1 for an even sigma - mean, -1 for an odd one, else 0: G(-rho) = parity G(rho)."""
        return self.degrees.parity

    @property
    def largest_angle(self) -> float:
        """pi, and pi / 2 where symmetry gives the rest."""
        return math.pi / 2 if self.parity else math.pi


def _jumps_undeclared(activation: Activation) -> float:
    """E Z f(Z) less E f'(Z), for f = sigma and f = x sigma: zero by Stein's identity once all jumps are in f'."""
    atoms = [(x, size * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)) for x, size in moments.jumps(activation)]

    def gap(z: Tensor) -> Tensor:
        return z * activation(z.clone()) - activation.derivative(z)

    def next_gap(z: Tensor) -> Tensor:
        return (z * z - 1) * activation(z.clone()) - z * activation.derivative(z)

    left = (expectation(f, kinks=activation.breaks) for f in (gap, next_gap))
    right = (math.fsum(x**power * mass for x, mass in atoms) for power in (0, 1))
    return max(abs(found - declared) for found, declared in zip(left, right, strict=True))


def mean(activation: Activation) -> float:
    """E sigma(Z)."""
    return expectation(activation, kinks=activation.breaks)


def centered_variance(activation: Activation) -> float:
    """E sigma(Z)^2 - (E sigma(Z))^2, without the cancellation."""
    center = mean(activation)
    return expectation(lambda z: (activation(z) - center) ** 2, kinks=activation.breaks)


@lru_cache(maxsize=128)
def tabulated_map(activation: Activation) -> tuple[ComplementMap, float]:
    """1 - G of the centered kernel as a function of the angle, and its relative error.

    It is the correlation map at variance one, the bias taking up the mean. It rests on sigma'', in which a kink or a
    jump that is not declared is missing, and on a series that may not resolve a steep activation; the plane integral
    finds both out. Raises ValueError where they differ by more than 1e-8.
    """
    variance = centered_variance(activation)
    found = ComplementMap(activation, sigma_w=variance**-0.5, q=1.0)
    u = 1 - np.cos(_CHECKED)
    exact = np.array([moments.half_squared_difference(activation, 1.0, one) for one in u.tolist()]) / variance
    error = float(np.abs(found.at_angles(2 * np.arcsin(np.sqrt(u / 2))) / exact - 1).max())
    if error > _UNDECLARED:
        known = f"not among those declared, {activation.breaks}"
        raise ValueError(f"activation {activation.name} is too steep, or has a kink or a jump that is {known}")
    return found, error


@lru_cache(maxsize=128)
def dual_kernel(activation: Activation, centered: bool) -> DualKernel:
    """One `DualKernel` for all who ask, since it keeps what has been integrated."""
    return DualKernel(activation, centered=centered)


@overload
def correlation(rho: Tensor) -> Tensor: ...
@overload
def correlation(rho: float) -> float: ...
@overload
def correlation(rho: np.ndarray) -> np.ndarray: ...
def correlation(rho: float | np.ndarray | Tensor) -> float | np.ndarray | Tensor:
    """rho clipped to [-1, 1]; ValueError where it is NaN, or further outside than rounding takes it."""
    if isinstance(rho, Tensor):
        size = rho.detach().double().numpy(force=True)
        eps = torch.finfo(rho.dtype).eps if rho.is_floating_point() else 0.0
    else:
        size = np.asarray(rho)
        eps = float(np.finfo(size.dtype if np.issubdtype(size.dtype, np.floating) else np.float64).eps)
    if size.size and not np.abs(size).max() <= 1 + min(_OUTSIDE * eps, _FURTHEST):
        raise ValueError(f"rho = {size[~(np.abs(size) <= 1)].flat[0]} is not a correlation in [-1, 1]")
    if isinstance(rho, Tensor):
        return rho.clip(-1, 1)
    return np.asarray(np.clip(rho, -1, 1)) if isinstance(rho, np.ndarray) else min(max(rho, -1.0), 1.0)
