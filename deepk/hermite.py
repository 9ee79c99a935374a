"""Hermite polynomials, normalized, and the coefficients of activations in them, in float64."""

from __future__ import annotations

import math
from typing import overload

import numpy as np
from jaxtyping import Float
from numpy.polynomial.hermite_e import hermevander
from scipy.special import factorial
from torch import Tensor

from deepk import activations
from deepk.activations import Activation
from deepk.arrays import Array, elementwise
from deepk.gaussian import CUT, MOST_PIECES, density, expectation, quadrature_rule, values

_EPS = float(np.finfo(np.float64).eps)
_SHIFT = 500  # binary digits by which Hermite polynomials are scaled down on the way
_LARGE = 2.0**_SHIFT
_FAR, _BEYOND = 1e100, 4  # |x| where h_k is its leading term, and the degree from which that is beyond float64
_PHASE = 16.0  # of h_k, whose wave number is sqrt(k) at most, across a piece: half of what the rule resolves
_STEP, _FURTHEST = 1.0, 40.0  # by which the line goes on beyond 13 for a function that grows, and where it ends
_AGREE = 1e-13  # between Hermite coefficients on a mesh and on that of half its pieces, relative to sqrt(E f^2)


@overload
def hermite(k: int, x: Tensor) -> Tensor: ...
@overload
def hermite(k: int, x: float) -> float: ...
@overload
def hermite(k: int, x: np.ndarray) -> np.ndarray: ...
def hermite(k: int, x: float | np.ndarray | Tensor) -> float | np.ndarray | Tensor:
    """h_k(x) = He_k(x) / sqrt(k!), the Hermite polynomial normalized so that E h_j(Z) h_k(Z) = delta_jk.

    By the three-term recurrence, which is stable on the whole line; infinite where h_k(x) is beyond float64.

    Args:
        k: the degree, >= 0.
        x: a number, array or tensor of any shape; the result is like it (`deepk.arrays.elementwise`).
    """
    if k < 0:
        raise ValueError(f"k = {k}: a degree is at least 0")
    return elementwise(lambda points: _recurrence(k, points), x)


def _recurrence(k: int, x: Array) -> Array:
    with np.errstate(over="ignore"):
        leading = x**k / math.sqrt(math.factorial(k)) if k < _BEYOND else np.copysign(math.inf, x**3 if k % 2 else 1)
    far = np.abs(x) > _FAR
    return np.where(far, leading, _near(k, np.where(far, 0.0, x)))


def _near(k: int, x: Array) -> Array:
    last, value, exponent = np.zeros_like(x), np.ones_like(x), np.zeros(x.shape, np.int64)
    for j in range(k):
        last, value = value, (x * value - math.sqrt(j) * last) / math.sqrt(j + 1)
        shift = np.where(np.abs(value) > _LARGE, _SHIFT, 0)  # what overflows on the way may come back
        last, value, exponent = np.ldexp(last, -shift), np.ldexp(value, -shift), exponent + shift
    with np.errstate(over="ignore"):
        return np.asarray(np.ldexp(value, exponent))


def hermite_coefficients(activation: str | Activation, degree: int) -> Float[np.ndarray, " {degree}+1"]:
    """a_k = E phi(Z) h_k(Z) for k = 0..degree, to 1e-12 sqrt(E phi^2): phi = sum a_k h_k, and E phi(Z)^2 = sum a_k^2.

    Raises ValueError where E phi(Z)^2 is infinite, or phi changes or grows too fast to be integrated.
    """
    phi = activations.get(activation)
    if degree < 0:
        raise ValueError(f"degree = {degree}: it is at least 0")
    size = math.sqrt(expectation(lambda z: phi(z) ** 2, kinks=phi.breaks))
    end = _end(phi, size)
    breaks = np.array([point for point in phi.breaks if abs(point) < end])
    width, coarse = min(1.0, _PHASE / math.sqrt(degree + 1)), None
    while (pieces := math.ceil(2 * end / width)) <= MOST_PIECES:
        edges = np.union1d(np.linspace(-end, end, pieces + 1), breaks)
        fine = _projections(phi, edges, degree)
        if coarse is not None and np.abs(fine - coarse).max() <= _AGREE * size:
            return fine
        width, coarse = width / 2, fine
    raise ValueError(f"{phi.name} changes too fast: its Hermite coefficients cannot be integrated")


def _end(phi: Activation, size: float) -> float:
    """From 13 on, the first |z| at which phi h_k, times the density, is below a rounding of `size`, at any degree."""
    end = CUT
    while end <= _FURTHEST:
        if np.abs(values(phi, np.array([[-end, end]]))).max() * math.exp(-end * end / 4) < _EPS * size:
            return end  # as |h_k(z)| < 1.09 exp(z^2 / 4), and 1.09 times the density less than exp(-z^2 / 2)
        end += _STEP
    raise ValueError(f"{phi.name} grows too fast: its Hermite coefficients cannot be integrated")


def _projections(phi: Activation, edges: Float[np.ndarray, " edges"], degree: int) -> Float[np.ndarray, " {degree}+1"]:
    """E phi(Z) h_k(Z) by Gauss-Legendre quadrature between the edges."""
    rule, half = quadrature_rule(np.float64), np.diff(edges)[:, None] / 2
    x = ((edges[1:] + edges[:-1])[:, None] / 2 + half * rule.nodes).ravel()
    weighted = values(phi, x[None])[0] * density(x) * (half * rule.weights).ravel()
    coefficients = np.empty(degree + 1)
    last, value = np.zeros_like(x), np.ones_like(x)
    for k in range(degree + 1):
        coefficients[k] = weighted @ value
        last, value = value, (x * value - math.sqrt(k) * last) / math.sqrt(k + 1)
    return coefficients


def monte_carlo_coefficients(
    activation: str | Activation, x: Float[Tensor, " samples"], degree: int
) -> Float[np.ndarray, " {degree}+1"]:
    """(1/M) sum_i phi(x_i) h_k(x_i) for k = 0..degree: Hermite coefficients from M standard normal samples, float64.

    Algorithm 3 of Liang and Tran-Bach 2020 (arXiv:2004.04767). Unbiased, with the variance Var(phi(Z) h_k(Z)) / M; the
    squares are therefore too large on average, by as much. `hermite_coefficients` are those of infinitely many samples.

    Raises ValueError for a negative degree.
    """
    if degree < 0:
        raise ValueError(f"degree = {degree}: it is at least 0")
    phi = activations.get(activation)(x).numpy()
    return np.asarray(phi @ hermevander(x.numpy(), degree) / len(x) / np.sqrt(factorial(np.arange(degree + 1))))
