"""What shallow networks cannot do: bounds on the pieces of ReLU networks, and on their distance to an iterated map.

(Chatziafratis, Nagarajan, Panageas 2020, arXiv:2003.00777; Telgarsky 2016, arXiv:1602.04485.)
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import combinations
from operator import index
from typing import NamedTuple

import numpy as np

from deepk.dynamics.composition import compose
from deepk.dynamics.crossings import crossings
from deepk.dynamics.maps import PiecewiseLinearMap
from deepk.dynamics.markov import MarkovPartition, markov_partition
from deepk.dynamics.numbers import Number


def relu_pieces_bound(depth: int, width: int) -> int:
    """(width + 1)^depth: a ReLU network on the line, of so many hidden layers that wide, has no more pieces.

    A layer of u units adds at most u knots to each piece of what it is given. Raises ValueError for a depth below 0
    or a width below 1.
    """
    if index(depth) < 0 or index(width) < 1:
        raise ValueError(f"depth = {depth}, width = {width}: it takes at least 0 and 1")
    return int((width + 1) ** depth)


@dataclass(frozen=True)
class Bound:
    """A lower bound, and what it rests on.

    Attributes:
        value: lower bound of the integral of |f^n - g| over the interval of f; None where the theorem does not hold.
        mean: value over the length of that interval: the mean absolute error for uniform points.
        interval: (low, high), whose crossings are counted.
        crossings: of f^n across [low, high].
        pieces: the most that a network of this depth and width can have.
        condition: what must hold for the theorem to say something, in words with these numbers.
    """

    value: float | None
    mean: float | None
    interval: tuple[Number, Number]
    crossings: int
    pieces: int
    condition: str


def l1_lower_bound(
    map_: PiecewiseLinearMap,
    n: int,
    depth: int,
    width: int,
    interval: tuple[Number | int, Number | int] | None = None,
) -> Bound:
    """A floor of the integral of |f^n - g| for every ReLU network g of this depth and width.

        (s/2) (1 - 2 p/s) ((high - low)/2)^2 / lipschitz^n

    with s the crossings of [low, high] = `interval` by f^n and p = (width + 1)^depth pieces of g. Each crossing of the
    middle by f^n and not by g leaves a triangle between them, whose height is (high - low)/2 and whose slope is at most
    lipschitz^n; g crosses the middle at most p times (arXiv:2003.00777, proof of the theorem on L1 separation, with
    constants kept). It holds where s > 2p, and does not fade with n where crossings grow like lipschitz^n.

    Without an interval, the best of those between two of the map's knots and values. Raises ValueError as `crossings`
    and `relu_pieces_bound`.
    """
    if interval is not None:
        low, high = (map_.as_number(end) for end in interval)
        return _bound_across(map_, n, relu_pieces_bound(depth, width), (low, high))
    start, end = map_.interval
    ends = sorted(point for point in {*map_.knots, *map_.values} if start <= point <= end)
    found = [_bound_across(map_, n, relu_pieces_bound(depth, width), pair) for pair in combinations(ends, 2)]
    return max(found, key=lambda bound: (bound.value or 0.0, bound.crossings))


def _bound_across(map_: PiecewiseLinearMap, n: int, p: int, interval: tuple[Number, Number]) -> Bound:
    low, high = interval
    s = crossings(map_, n, low, high)
    condition = f"{s} crossings > 2 x {p} pieces"
    if s <= 2 * p:
        return Bound(None, None, interval, s, p, f"{condition} does not hold")
    start, end = (float(x) for x in map_.interval)
    height = float(high - low) / 2
    size = math.log(s - 2 * p) - math.log(2) + 2 * math.log(height) - n * math.log(float(map_.lipschitz))
    value = math.exp(size)
    return Bound(value, value / (end - start), interval, s, p, condition)


@dataclass(frozen=True)
class ConstantFloor:
    """Errors of the best constant predictions of f^n(X), X uniform on the interval.

    Attributes:
        mse: variance of f^n(X), the mean square error of its mean.
        mae: the mean absolute error of its median.
        mean: of f^n(X).
        median: of f^n(X).
    """

    mse: float
    mae: float
    mean: float
    median: float


def constant_predictor_floor(map_: PiecewiseLinearMap, n: int) -> ConstantFloor:
    """The errors of the best constant: what a network does that has learnt nothing of f^n but its law.

    From the law of f^n(X): with a Markov partition it has a constant density on each interval, which f carries on by a
    matrix, exactly; otherwise f^n is written out. Raises ValueError for n < 1, a map that leaves its interval, or n too
    large to write f^n out.
    """
    return _best_constants(_law(map_, n))


def share_above(map_: PiecewiseLinearMap, n: int, level: Number | int) -> float:
    """P(f^n(X) > level), X uniform on the interval of f.

    By recursion with a Markov partition; otherwise f^n is written out. Raises ValueError for n < 1, a map that leaves
    its interval, or n too large to write f^n out.
    """
    law = _law(map_, n)
    return float(law.mass @ (1 - law.up_to(float(level))))


class _Law(NamedTuple):
    """A mixture: with probability `mass` uniform between `low` and `high`, which may be one point."""

    low: np.ndarray
    high: np.ndarray
    mass: np.ndarray

    def up_to(self, level: float) -> np.ndarray:
        """The share of each part that is at most level."""
        width = self.high - self.low
        inside = np.clip((level - self.low) / np.where(width > 0, width, 1), 0, 1)
        return np.where(width > 0, inside, self.low <= level)

    def median(self) -> float:
        """The first point up to which half of the mass lies."""
        ends = np.unique([self.low, self.high])
        i = bisect_left(ends, 0.5, key=lambda end: float(self.mass @ self.up_to(end)))
        if i == 0:
            return float(ends[0])
        start, end = ends[i - 1 : i + 1]
        before, at_end = self.mass @ self.up_to(start), self.mass @ ((self.low == end) & (self.high == end))
        between = self.mass @ self.up_to(end) - at_end - before
        return float(min(start + (end - start) * (0.5 - before) / between, end)) if between > 0 else float(end)


def _law(map_: PiecewiseLinearMap, n: int) -> _Law:
    if index(n) < 1:
        raise ValueError(f"n = {n} is not at least 1")
    partition = markov_partition(map_)
    parts = _written_out(compose(map_, n)) if partition is None else _carried(partition, n)
    low, high, mass = ([float(part[k]) for part in parts] for k in range(3))
    return _Law(np.array(low), np.array(high), np.array(mass))


Parts = list[tuple[Number, Number, Number]]  # low, high and mass


def _carried(partition: MarkovPartition, n: int) -> Parts:
    """The law of f^n(X) by Perron and Frobenius's operator."""
    x = partition.points
    lengths = [x[i + 1] - x[i] for i in partition.intervals]
    masses = [length / (x[-1] - x[0]) for length in lengths]
    atoms: dict[int, Number] = {}
    zero = masses[0] * 0
    for _ in range(n):
        moved = [zero for _ in masses]
        landed: dict[int, Number] = {}
        for point, mass in atoms.items():
            landed[partition.images[point]] = landed.get(partition.images[point], zero) + mass
        for i, mass in enumerate(masses):
            covered = partition.covered(i)
            if not covered:
                landed[partition.images[i]] = landed.get(partition.images[i], zero) + mass
            span = sum((lengths[j] for j in covered), start=zero)
            for j in covered:
                moved[j] = moved[j] + mass * lengths[j] / span
        masses, atoms = moved, landed
    return [*zip(x, x[1:], masses, strict=False), *((x[point], x[point], mass) for point, mass in atoms.items())]


def _written_out(composed: PiecewiseLinearMap) -> Parts:
    """The law of g(X): the mass of each piece is spread evenly between its two values."""
    knots, values = composed.knots, composed.values
    length = knots[-1] - knots[0]
    pieces = zip(knots, knots[1:], values, values[1:], strict=False)
    return [(min(y0, y1), max(y0, y1), (x1 - x0) / length) for x0, x1, y0, y1 in pieces]


def _best_constants(law: _Law) -> ConstantFloor:
    low, high, mass = law
    middle, width, median = (low + high) / 2, high - low, law.median()
    mean = float(mass @ middle)
    mse = float(mass @ (width**2 / 12 + (middle - mean) ** 2))
    within = (low < median) & (median < high)
    spread = ((median - low) ** 2 + (high - median) ** 2) / (2 * np.where(within, width, 1))
    return ConstantFloor(mse, float(mass @ np.where(within, spread, np.abs(middle - median))), mean, median)
