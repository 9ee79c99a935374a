"""Spherical harmonics: how many there are, and the polynomials and moments that integrals against them are made of."""

from __future__ import annotations

import math
from operator import index

from flint import arb, fmpq
from scipy.special import gammaln

_SLACK = 0.1  # of the logarithm of a moment, which is largest near an integer


def multiplicity(dimension: int, degree: int) -> int:
    """N(d, k), the number of spherical harmonics of degree k on the unit sphere in R^d; exact.

    N(d, k) = (2k + d - 2) / k C(k + d - 3, d - 2), and N(d, 0) = 1, where the formula of the slides is 0 / 0. Raises
    ValueError for a dimension below 2, and a degree that is negative or not an integer.
    """
    d, k = checked_dimension(dimension), _index("degree", degree)
    if k < 0:
        raise ValueError(f"degree = {k} is negative")
    return 1 if k == 0 else (2 * k + d - 2) * math.comb(k + d - 3, d - 2) // k


def checked_dimension(dimension: int) -> int:
    """The dimension as an int; ValueError where it is below 2 or not an integer."""
    d = _index("dimension", dimension)
    if d < 2:
        raise ValueError(f"dimension = {d}: it is at least 2, since the sphere of dimension 1 is two points")
    return d


def _index(name: str, value: int) -> int:
    try:
        return index(value)
    except TypeError:
        raise ValueError(f"{name} = {value} is not an integer") from None


def monic_recurrence(dimension: int, degree: int) -> list[arb]:
    """b_1..b_degree in q_(k+1) = x q_k - b_k q_(k-1), q_k the Legendre polynomial over its leading coefficient."""
    d = dimension
    return [
        arb(fmpq(1, d)) if k == 1 else arb(fmpq(k * (k + d - 3), (2 * k + d - 2) * (2 * k + d - 4)))
        for k in range(1, degree + 1)
    ]


def leading_coefficients(dimension: int, degree: int) -> list[arb]:
    """Of P_0, ..., P_degree, with P_k(1) = 1."""
    found = [arb(1), arb(1)]
    for k in range(1, degree):
        found.append(found[-1] * (2 * k + dimension - 2) / (k + dimension - 2))
    return found[: degree + 1]


def sphere_constant(dimension: int) -> arb:
    """c_d = Gamma(d / 2) / (sqrt(pi) Gamma((d - 1) / 2)): the law of <x, y> has density c_d (1 - t^2)^((d - 3) / 2)."""
    half = arb(dimension) / 2
    return half.gamma() / (arb.pi().sqrt() * (half - arb(1) / 2).gamma())


def power_moments(dimension: int, degree: int) -> list[arb]:
    """m_kk = E t^k P_k(t) for k = 0..degree."""
    found = [arb(1)]
    for k in range(degree):
        found.append(found[-1] * (k + 1) / (2 * k + dimension))
    return found


def largest_moment(dimension: int, degree: int) -> arb:
    """A bound on m_jk = E t^j P_k(t) over all j: it grows while (d - 1) j < (k - 2) (k + d) + 2, and then falls.

    m_jk = j! Gamma(d/2) Gamma((j-k+1)/2) / (2^k (j-k)! sqrt(pi) Gamma((j+k+d)/2)) for j - k even and >= 0, else 0.
    """
    d, k = dimension, degree
    turn = max(((k - 2) * (k + d) + 2) / (d - 1), k)  # not always an integer, where the moments go on smoothly
    log = (
        gammaln(turn + 1)
        + gammaln(d / 2)
        + gammaln((turn - k + 1) / 2)
        - gammaln(turn - k + 1)
        - gammaln((turn + k + d) / 2)
        - k * math.log(2)
        - math.log(math.pi) / 2
    )
    return arb(float(log) + _SLACK).exp()
