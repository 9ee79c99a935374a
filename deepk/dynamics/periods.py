"""Periodic points of interval maps, Sharkovsky's order, and how fast iterates oscillate by their periods.

(Sharkovsky 1964; Chatziafratis, Nagarajan, Panageas 2020, arXiv:2003.00777.)
"""

from __future__ import annotations

import math
from operator import index

import numpy as np
from scipy.optimize import brentq
from scipy.sparse.csgraph import connected_components

from deepk.dynamics.composition import compose
from deepk.dynamics.maps import PiecewiseLinearMap
from deepk.dynamics.markov import MarkovPartition, markov_partition
from deepk.dynamics.numbers import Number

_SAME = 1e-9  # of the interval: two points in floats, and a point that returns
_ROUNDING = 64 * float(np.finfo(np.float64).eps)  # of the largest number, where the interval is short beside it
_LARGE = 10_000  # an odd period from which rho is sqrt(2) to all digits


def periodic_points(map_: PiecewiseLinearMap, period: int) -> list[Number]:
    """The points of this least period, in increasing order: the fixed points of f^p that no smaller power fixes.

    Exact for an exact map; in floats, points closer than 1e-9 of the interval's length count as one, and a point that
    returns to within that as fixed.
    Raises ValueError for a period below 1, a map that leaves its interval or is too large to compose, and where a whole
    interval is fixed by f^p.
    """
    points, intervals = _fixed(map_, period)
    if intervals:
        low, high = (float(end) for end in intervals[0])
        raise ValueError(f"all points from {low:g} to {high:g} return after {period} steps")
    return [point for point in points if _is_least(map_, point, period)]


def _fixed(map_: PiecewiseLinearMap, period: int) -> tuple[list[Number], list[tuple[Number, Number]]]:
    """The isolated fixed points of f^p, in order, and the intervals on which it is the identity."""
    if index(period) < 1:
        raise ValueError(f"period = {period} is not at least 1")
    composed = compose(map_, period)
    found: list[Number] = []
    intervals: list[tuple[Number, Number]] = []
    sides = zip(composed.knots, composed.knots[1:], composed.values, composed.values[1:], strict=False)
    for x0, x1, y0, y1 in sides:
        left, right = y0 - x0, y1 - x1
        at_left, at_right = _same(map_, x0, y0), _same(map_, x1, y1)
        if at_left and at_right and not _same(map_, x0, x1):
            intervals.append((x0, x1))
        elif left != right and min(left, right) <= 0 <= max(left, right):
            found.append(x0 + (x1 - x0) * left / (left - right))
        elif at_left or at_right:  # in floats: it touches the diagonal but for a rounding
            found.append(x0 if at_left else x1)
    points: list[Number] = []
    for point in sorted(found):
        if not points or not _same(map_, point, points[-1]):
            points.append(point)
    return points, intervals


def _is_least(map_: PiecewiseLinearMap, point: Number, period: int) -> bool:
    return not any(_same(map_, map_.iterate(point, divisor), point) for divisor in _divisors(period))


def _divisors(period: int) -> list[int]:
    """The divisors p / q, q prime: a point that f^d fixes for a proper divisor d of p is fixed for one of these."""
    return [period // prime for prime in range(2, period + 1) if period % prime == 0 and _is_prime(prime)]


def _is_prime(n: int) -> bool:
    return all(n % k for k in range(2, math.isqrt(n) + 1))


def _same(map_: PiecewiseLinearMap, a: Number, b: Number) -> bool:
    if map_.is_exact:
        return a == b
    low, high = (float(end) for end in map_.interval)
    return abs(float(a) - float(b)) <= max(_SAME * (high - low), _ROUNDING * max(-low, high))


def periods(map_: PiecewiseLinearMap, up_to: int) -> list[int]:
    """The least periods, up to a largest, of the periodic points of a map.

    Raises ValueError for up_to < 1, and where the map is too large to compose.
    """
    return [period for period in _up_to(up_to) if _has(map_, period)]


def _up_to(most: int) -> range:
    if index(most) < 1:
        raise ValueError(f"up_to = {most} is not at least 1")
    return range(1, most + 1)


def _has(map_: PiecewiseLinearMap, period: int) -> bool:
    points, intervals = _fixed(map_, period)
    # On an interval that f^p fixes, each f^d is the identity or fixes a point at most: one more point than divisors.
    count = len(_divisors(period)) + 1
    points += [low + (high - low) * i / (count + 1) for low, high in intervals for i in range(1, count + 1)]
    return any(_is_least(map_, point, period) for point in points)


def _split(period: int) -> tuple[int, int]:
    """(k, q) with period = 2^k q and q odd; ValueError for a period that is not positive."""
    if index(period) < 1:
        raise ValueError(f"period = {period} is not a positive integer")
    k = (period & -period).bit_length() - 1
    return k, period >> k


def _place(period: int) -> tuple[int, ...]:
    """A key that sorts in Sharkovsky's order: 3, 5, 7, ..., 2*3, 2*5, ..., 4*3, ..., and at last ..., 8, 4, 2, 1."""
    k, q = _split(period)
    return (1, -k) if q == 1 else (0, k, q)


def sharkovsky_order(a: int, b: int) -> int:
    """-1 where a stands before b in Sharkovsky's order, 1 where after it, 0 for equal ones.

        3, 5, 7, ..., 2*3, 2*5, 2*7, ..., 4*3, 4*5, ..., ..., 16, 8, 4, 2, 1

    A continuous map of an interval with a point of least period a has one of every period that stands after it. Raises
    ValueError for a number that is not a positive integer.
    """
    left, right = _place(a), _place(b)
    return (left > right) - (left < right)


def implied_periods(period: int, *, up_to: int = 20) -> list[int]:
    """The periods up to a largest that a continuous map of an interval must have with this one, itself among them.

    Raises ValueError for a period or a largest that is not a positive integer.
    """
    return [other for other in _up_to(up_to) if sharkovsky_order(period, other) <= 0]


def growth_rate(period: int) -> float:
    """rho_p: the iterates of a map with a point of least period p oscillate at least about rho_p^n times.

    For odd p > 1 the largest root of x^p - 2 x^(p-2) - 1: 1.618 for p = 3, falling to sqrt(2). For p = 2^k q, since
    f^(2^k) has period q, rho_q^(1/2^k). For a power of two 1: nothing is implied. To 1e-15 relative.

    Raises ValueError for a period that is not a positive integer.
    """
    k, q = _split(period)
    if q == 1:
        return 1.0
    # x^2 - 2 = x^(2-p), divided so that no power overflows
    root = brentq(lambda x: x * x - 2 - x ** (2.0 - min(q, _LARGE)), 1.4, 2.0, xtol=1e-15, rtol=1e-15)
    return float(root ** (1 / 2**k))


def topological_entropy(map_: PiecewiseLinearMap) -> float:
    """lim log(number of monotone pieces of f^n) / n, for an exact map with a Markov partition.

    The logarithm of the largest eigenvalue of its covering matrix, at least 0 (Misiurewicz, Szlenk 1980). Raises
    ValueError where there is no such partition, and a map that leaves its interval.
    """
    partition = markov_partition(map_)
    if partition is None:
        raise ValueError("the map has no Markov partition that is known: give exact knots whose orbits are finite")
    return math.log(max(spectral_radius(partition), 1.0))


def spectral_radius(partition: MarkovPartition) -> float:
    """The largest eigenvalue of the matrix that says which intervals f covers with which."""
    matrix = np.zeros((len(partition.intervals), len(partition.intervals)))
    for i in partition.intervals:
        for j in partition.covered(i):
            matrix[i, j] = 1.0
    # Of each strongly connected part by itself, where it is a simple eigenvalue: several parts may share it, in a
    # Jordan block whose eigenvalues are rounded by a root of the rounding
    _, part = connected_components(matrix, connection="strong")
    blocks = (matrix[np.ix_(part == k, part == k)] for k in range(part.max() + 1))
    return max(float(np.abs(np.linalg.eigvals(block)).max()) for block in blocks)
