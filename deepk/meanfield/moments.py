"""Gaussian moments of an activation: what every mean-field map is made of.

With X, Y ~ N(0, q) of correlation c = cos(theta), the covariance of phi(X) and phi(Y) has the derivatives

    d/dc   E phi(X) phi(Y)  = q   E phi'(X) phi'(Y)
    d2/dc2 E phi(X) phi(Y)  = q^2 E phi''(X) phi''(Y)

in the sense of distributions: where phi jumps by a at x, phi' holds a Dirac mass a at x; where its slope jumps, phi''
does.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial

import numpy as np
import torch

from deepk.activations import Activation, Function
from deepk.gaussian import Nodes, expectation, extended_expectation, plane_expectation, values

Atoms = tuple[tuple[float, float], ...]  # (where, how large), the Dirac masses of a derivative

# How far from a break its one-sided limits are read, relative to its own size or to 1, and what counts as no jump at
# all: linear extrapolation from two such points leaves 2e-12 times the third derivative, and rounding 1e-10.
_BESIDE = 1e-6
_NO_JUMP = 1e-9
# Between nodes that are 0.1 apart, the slope of phi(scale z) may be a peak that none of them sees. Activations change
# on a scale of one around zero: these cuts, in units of phi's own argument, find it from there.
_STEEP, _STEEP_ABOVE = (-16.0, -4.0, -1.0, 1.0, 4.0, 16.0), 16.0
# 1 - c up to which a difference phi(X) - phi(Y) has lost two digits, and nodes on [0, arccos c] that then resolve what
# is smooth in the angle, at most 0.015, to 1e-16.
_CLOSE, _CLOSE_NODES = 1e-4, 4
# The scale up to which 24 nodes on [0, 2.25] resolve tanh(scale z) and its derivatives.
_GENTLE = 1.4
_HOMOGENEOUS = 1e-12  # rounding of phi(2x) - 2 phi(x) for a user's own formula


def second_moment(activation: Activation, q: float) -> float:
    """E phi(sqrt(q) Z)^2; ValueError where it is infinite."""
    return float(_moment(activation, activation.function, q))


def slope_second_moment(activation: Activation, q: float) -> float:
    """E phi'(sqrt(q) Z)^2; infinite where phi jumps."""
    return math.inf if activation.jumps else float(_moment(activation, activation.derivative, q))


def curvature_second_moment(activation: Activation, q: float) -> float:
    """E phi''(sqrt(q) Z)^2; infinite where phi jumps or has a kink in its slope."""
    rough = activation.jumps or slope_jumps(activation)
    return math.inf if rough else float(_moment(activation, activation.second_derivative, q))


def variance_excess(activation: Activation, *, sigma_w: float, sigma_b: float, q: float) -> float:
    """sigma_b^2 + sigma_w^2 E phi(sqrt(q) Z)^2 - q, its terms not rounded: 0 at a fixed point of the variance map."""
    square = np.longdouble(sigma_w) ** 2 * _moment(activation, activation.function, q)
    return float(np.longdouble(sigma_b) ** 2 + square - np.longdouble(q))


def squared_bias(activation: Activation, q: float) -> float:
    """sigma_b^2 = q - E phi^2 / E phi'^2 of the point of the edge of chaos at q, its terms not rounded.

    Minus infinity where phi is flat.
    """
    slope = _moment(activation, activation.derivative, q)
    return float(np.longdouble(q) - _moment(activation, activation.function, q) / slope) if slope > 0 else -math.inf


def slope_excess(activation: Activation, *, sigma_w: float, q: float) -> float:
    """chi_1 - 1 = sigma_w^2 E phi'(sqrt(q) Z)^2 - 1, its terms not rounded; infinite where phi jumps."""
    if activation.jumps:
        return math.inf
    return float(np.longdouble(sigma_w) ** 2 * _moment(activation, activation.derivative, q) - 1)


def second_moment_slope(activation: Activation, q: float) -> float:
    """d/dq E phi(sqrt(q) Z)^2 = E phi(sqrt(q) Z)^2 (Z^2 - 1) / 2q, for q > 0; phi need not be differentiable."""
    scale = math.sqrt(q)
    weighted = expectation(lambda z: activation(scale * z) ** 2 * (z * z - 1), kinks=_cuts(activation, scale))
    return weighted / (2 * q)


def covariance(activation: Activation, q_a: float, q_b: float, c: float) -> float:
    """E phi(X) phi(Y) for X ~ N(0, q_a), Y ~ N(0, q_b) of correlation c."""
    return _product(activation, activation.function, q_a, q_b, c)


def _squared_difference(activation: Activation, q: float, c: float) -> float:
    """E (phi(X) - phi(Y))^2 for X, Y ~ N(0, q) of correlation c."""
    scale = math.sqrt(q)

    def integrand(x: Nodes, y: Nodes) -> Nodes:
        difference = values(activation.function, scale * x) - values(activation.function, scale * y)
        squared: Nodes = difference * difference
        return squared

    with _named(activation, q):
        return plane_expectation(integrand, c, kinks=_scaled(activation, scale), symmetric=True)


def half_squared_difference(activation: Activation, q: float, u: float) -> float:
    """E (phi(X) - phi(Y))^2 / 2 for X, Y ~ N(0, q) of correlation 1 - u, u in [0, 2], to a relative 1e-12.

    Close to u = 0 the difference is a rounding; there it is q int_0^theta sin(t) E phi'(X_t) phi'(Y_t) dt instead.
    """
    if u == 0:
        return 0.0
    if u > _CLOSE:
        return _squared_difference(activation, q, 1 - u) / 2
    half = math.asin(math.sqrt(u / 2))
    nodes, weights = np.polynomial.legendre.leggauss(_CLOSE_NODES)
    slopes = [sine_slope_covariance(activation, q, half * (x + 1)) for x in nodes.tolist()]
    return float(q * half * (weights @ slopes))


def slope_covariance(activation: Activation, q: float, c: float) -> float:
    """E phi'(X) phi'(Y) for X, Y ~ N(0, q) of correlation c; infinite at c = 1 where phi jumps."""
    if not activation.jumps:
        return _product(activation, activation.derivative, q, q, c)
    return sine_slope_covariance(activation, q, math.acos(c)) / math.sqrt(1 - c * c) if abs(c) < 1 else math.inf


def sine_slope_covariance(activation: Activation, q: float, theta: float) -> float:
    """sin(theta) E phi'(X) phi'(Y) at correlation cos(theta), theta in (0, pi): smooth in theta for any activation."""
    return _sine_covariance(activation, activation.derivative, jumps(activation), q, theta)


def sine_curvature_covariance(activation: Activation, q: float, theta: float) -> float:
    """sin(theta) E phi''(X) phi''(Y) at correlation cos(theta), theta in (0, pi), for an activation without jumps.

    Smooth in theta: for ReLU it is the constant 1 / (2 pi q).
    """
    return _sine_covariance(activation, activation.second_derivative, slope_jumps(activation), q, theta)


def _sine_covariance(activation: Activation, regular: Function, atoms: Atoms, q: float, theta: float) -> float:
    """sin(theta) E D(X) D(Y) for D = regular + sum of size_j delta(x - x_j).

    Regular with regular; regular with Dirac mass, twice, by conditioning one of the two on x_j; and the joint density

        exp(-(x_i - x_j)^2 / (8 q sin^2(theta/2)) - (x_i + x_j)^2 / (8 q cos^2(theta/2))) / (2 pi q sin(theta)).
    """
    scale, sine, cosine = math.sqrt(q), math.sin(theta), math.cos(theta)
    total = sine * _product(activation, regular, q, q, cosine)
    for x, size in atoms:
        density = math.exp(-x * x / (2 * q)) / math.sqrt(2 * math.pi * q)
        kinks = tuple((point - cosine * x) / (scale * sine) for point in activation.breaks)
        shifted = partial(_affine, regular, cosine * x, scale * sine)
        total += 2 * sine * size * density * expectation(shifted, kinks=kinks)
    near, far = 8 * q * math.sin(theta / 2) ** 2, 8 * q * math.cos(theta / 2) ** 2
    for (x, size), (y, other) in itertools.product(atoms, repeat=2):
        total += size * other * math.exp(-((x - y) ** 2) / near - (x + y) ** 2 / far) / (2 * math.pi * q)
    return total


@lru_cache(maxsize=256)
def jumps(activation: Activation) -> Atoms:
    """Where phi jumps, and by how much."""
    return _gaps(activation.function, activation.jumps)


@lru_cache(maxsize=256)
def slope_jumps(activation: Activation) -> Atoms:
    """Where the slope of phi jumps, and by how much; a kink at which only phi'' jumps (ELU) is not among them."""
    return _gaps(activation.derivative, activation.kinks)


@lru_cache(maxsize=256)
def curvature_jumps(activation: Activation) -> Atoms:
    """Where the second derivative of phi jumps, and by how much."""
    return _gaps(activation.second_derivative, activation.kinks)


def _gaps(f: Function, points: tuple[float, ...]) -> Atoms:
    found = []
    for x in points:
        h = _BESIDE * max(1.0, abs(x))
        far_left, left, right, far_right = f(x + torch.tensor([-2 * h, -h, h, 2 * h], dtype=torch.float64)).tolist()
        gap = (2 * right - far_right) - (2 * left - far_left)
        if abs(gap) > _NO_JUMP * max(1.0, abs(left), abs(right)):
            found.append((x, gap))
    return tuple(found)


@lru_cache(maxsize=256)
def homogeneous_slopes(activation: Activation) -> tuple[float, float] | None:
    """(slope for x < 0, slope for x > 0) of a positively homogeneous activation, phi(s x) = s phi(x) for s > 0."""
    x = torch.tensor(np.geomspace(1e-3, 1e3, 25), dtype=torch.float64)
    below, above = (activation(side * x) / (side * x) for side in (-1, 1))
    for slope in (below, above):
        if not (slope - slope[0]).abs().max() <= _HOMOGENEOUS * slope[0].abs():  # NaN where phi overflows
            return None
    return float(below[0]), float(above[0])


def _moment(activation: Activation, f: Function, q: float) -> np.longdouble:
    scale = math.sqrt(q)
    with _named(activation, q):
        return extended_expectation(lambda z: f(scale * z) ** 2, kinks=_cuts(activation, scale))


@contextmanager
def _named(activation: Activation, q: float) -> Iterator[None]:
    """Says of which activation an integral does not exist."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{activation.name} is not square-integrable under N(0, {q:g}): {error}") from error


def _product(activation: Activation, f: Function, q_a: float, q_b: float, c: float) -> float:
    """E f(X) f(Y), f broken where the activation is."""
    a, b = math.sqrt(q_a), math.sqrt(q_b)
    kinks = tuple({*_scaled(activation, a), *_scaled(activation, b)})
    with _named(activation, max(q_a, q_b)):
        return plane_expectation(lambda x, y: values(f, a * x) * values(f, b * y), c, kinks=kinks, symmetric=q_a == q_b)


def _affine(f: Function, start: float, slope: float, z: torch.Tensor) -> torch.Tensor:
    return f(start + slope * z)


def _cuts(activation: Activation, scale: float) -> tuple[float, ...]:
    """`_scaled`, and where bisection would cut phi(scale z) on its way to zero, so that it need not find out."""
    halvings = math.ceil(math.log2(scale / _GENTLE)) if scale > _GENTLE else 0
    return (*_scaled(activation, scale), *(side * 2.25 / 2**k for k in range(1, halvings + 1) for side in (-1, 1)))


def _scaled(activation: Activation, scale: float) -> tuple[float, ...]:
    """Where phi(scale z) is not smooth, or changes too quickly for the first nodes of the quadrature to see it."""
    if scale == 0:
        return ()
    steep = _STEEP if scale > _STEEP_ABOVE else ()
    return tuple({point / scale for point in (*activation.breaks, *steep)})
