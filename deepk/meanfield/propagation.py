"""The correlation map as a map of u = 1 - c, tabulated once, so that 10^5 layers keep all their digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy.polynomial import chebyshev
from scipy.fft import dct

from deepk.activations import Activation
from deepk.meanfield import moments

Angles = Float[np.ndarray, "..."]

# Chebyshev degrees to try, until the last coefficients fall below this share of the largest.
_DEGREES = (32, 64, 128, 256, 512)
_RESOLVED, _UNRESOLVED = 1e-15, 1e-10
_QUADRATURE = 32  # Gauss-Legendre nodes on [0, theta]: the integrands are polynomials of these degrees at most


class ComplementMap:
    """u -> 1 - f(1 - u), for the correlation map f of an activation at sigma_w and the fixed point q.

    With u = 1 - cos(theta) and chi(c) = sigma_w^2 E phi'(X) phi'(Y) the slope of f,

        1 - f(1 - u) = u chi_1 - u theta H(theta),
        u theta H(theta) = q sigma_w^2 int_0^theta sin(t) E phi''(X_t) phi''(Y_t) (cos t - cos theta) dt.

    The integrand is smooth in t for every activation without jumps (`moments.sine_curvature_covariance`), positive near
    zero, and free of cancellation; so H is tabulated on [0, pi] as a Chebyshev series. Where phi jumps, chi_1 is
    infinite, and 1 - f(1 - u) = theta H(theta) with theta H = sigma_w^2 int_0^theta sin(t) E phi'(X_t) phi'(Y_t) dt.
    """

    def __init__(self, activation: Activation, *, sigma_w: float, q: float) -> None:
        """Tabulates H: about 50 ms for a smooth activation, seconds for one that is steep, or has kinks away from 0."""
        self._jumps, self._kinked = bool(activation.jumps), bool(moments.slope_jumps(activation))
        self._factor = sigma_w**2 if self._jumps else q * sigma_w**2
        self._excess = moments.slope_excess(activation, sigma_w=sigma_w, q=q)  # chi_1 - 1
        density = moments.sine_slope_covariance if self._jumps else moments.sine_curvature_covariance
        self._density = _resolve(lambda theta: density(activation, q, theta))

        def fall(theta: float, t: Angles) -> Angles:  # cos t - cos theta, over u
            return np.sin((theta + t) / 2) * np.sin((theta - t) / 2) / math.sin(theta / 2) ** 2

        self._series = self._average((lambda _, t: np.ones_like(t)) if self._jumps else fall)
        self._degrees = np.arange(len(self._series), dtype=np.float64)

    def __call__(self, u: float) -> float:
        """1 - f(1 - u), for u in [0, 2]."""
        theta = 2 * math.asin(math.sqrt(min(u, 2.0) / 2))
        h = float(self._series @ np.cos(self._degrees * math.acos(2 * theta / math.pi - 1)))
        return theta * h if self._jumps else u + u * (self._excess - theta * h)

    def at_angles(self, theta: Angles) -> Angles:
        """1 - f(cos theta), for angles in [0, pi]."""
        h = chebyshev.chebval(2 * theta / math.pi - 1, self._series)
        u = 2 * np.sin(theta / 2) ** 2
        return np.asarray(theta * h if self._jumps else u + u * (self._excess - theta * h))

    def slope_gap(self, theta: Angles) -> Angles:
        """f'(1) - f'(cos theta), for angles in [0, pi] and an activation without jumps, to some 1e-14 of itself.

        q sigma_w^2 int_0^theta sin(t) E phi''(X_t) phi''(Y_t) dt, as a power of theta times a Chebyshev series: theta
        where the slope of phi jumps, and theta^2 where it does not.
        """
        power, series = self._gap
        return np.asarray(theta**power * chebyshev.chebval(2 * theta / math.pi - 1, series))

    def slope(self, theta: Angles) -> Angles:
        """f'(cos theta), for angles in (0, pi) where phi jumps, and in [0, pi] where it does not."""
        if not self._jumps:
            return np.asarray(1 + self._excess - self.slope_gap(theta))
        return np.asarray(self._factor * chebyshev.chebval(2 * theta / math.pi - 1, self._density) / np.sin(theta))

    @cached_property
    def _gap(self) -> tuple[int, Float[np.ndarray, " terms"]]:
        mean = self._average(lambda _, t: np.ones_like(t))
        if self._kinked or len(mean) < 2:
            return 1, mean
        quotient, _ = chebyshev.chebdiv(mean, [math.pi / 2, math.pi / 2])  # by theta, at which the mean vanishes
        return 2, quotient

    def _average(self, weight: Callable[[float, Angles], Angles]) -> Float[np.ndarray, " terms"]:
        """Series of the mean over t in [0, theta] of weight(theta, t) times the density, times the factor."""
        nodes, weights = np.polynomial.legendre.leggauss(max(_QUADRATURE, len(self._density)))

        def mean(theta: float) -> float:
            t = theta / 2 * (nodes + 1)
            values = chebyshev.chebval(2 * t / math.pi - 1, self._density)
            return float(self._factor / 2 * (weights @ (values * weight(theta, t))))

        return _resolve(mean)


def start(c0: float, depth: int) -> float:
    """1 - c0; ValueError for c0 outside [-1, 1] and a depth that is negative."""
    if not -1 <= c0 <= 1:
        raise ValueError(f"c0 = {c0} is not a correlation in [-1, 1]")
    if depth < 0:
        raise ValueError(f"depth = {depth} is negative")
    return 1 - c0


def orbit(step: Callable[[float], float], u: float, depth: int) -> Float[np.ndarray, " layers"]:
    """u = 1 - c^0 and its first `depth` images, where `step` maps 1 - c to that of the next layer."""
    complements = np.empty(depth + 1)
    complements[0] = u
    for layer in range(1, depth + 1):
        complements[layer] = u = step(u)
    return complements


def _resolve(f: Callable[[float], float]) -> Float[np.ndarray, " terms"]:
    """Chebyshev coefficients of f on [0, pi], as many as float64 can tell from zero.

    Raises ValueError where the highest degree leaves more than 1e-10: the activation is too steep at this variance.
    """
    for degree in _DEGREES:
        angles = (np.arange(degree + 1) + 0.5) * math.pi / (degree + 1)
        values = [f(theta) for theta in (math.pi * np.cos(angles / 2) ** 2).tolist()]
        series = dct(values, type=2) / (degree + 1)  # the polynomials are orthogonal on these points
        series[0] /= 2
        size = np.abs(series)
        rest = size[-2:].max()
        if rest <= _RESOLVED * size.max():
            break
    if rest > _UNRESOLVED * size.max():
        raise ValueError("the correlation map is too steep to be tabulated to ten digits")
    kept = np.trim_zeros(np.where(size > _RESOLVED / 10 * size.max(), series, 0.0), "b")
    return kept if len(kept) else np.zeros(1)
