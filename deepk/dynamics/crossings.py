"""How often the iterates of a piecewise-linear map oscillate: exact counts, for hundreds of compositions.

(Chatziafratis, Nagarajan, Panageas 2020, arXiv:2003.00777; Telgarsky 2016, arXiv:1602.04485.)
"""

from __future__ import annotations

from functools import reduce
from operator import index
from typing import NamedTuple

from deepk.dynamics.composition import compose
from deepk.dynamics.maps import PiecewiseLinearMap
from deepk.dynamics.markov import MarkovPartition, markov_partition, pieces_by_recursion
from deepk.dynamics.numbers import Number


def linear_pieces(map_: PiecewiseLinearMap, n: int) -> int:
    """The number of maximal intervals on which f^n is linear.

    With a Markov partition by recursion, in time linear in n: f^n runs over an interval as f^(n-1) runs over those that
    f covers with it, less one piece wherever f^(n-1) goes straight on. Otherwise f^n is written out.

    Raises ValueError for n < 1, a map that leaves its interval, or n too large to write f^n out.
    """
    if index(n) < 1:
        raise ValueError(f"n = {n} is not at least 1")
    partition = markov_partition(map_)
    return compose(map_, n).pieces if partition is None else pieces_by_recursion(map_, n, partition)


class _Visits(NamedTuple):
    """Where f^k is first and last over an interval: at `low` or below (-1), `high` or above (1), at neither (0)."""

    first: int
    last: int
    crossings: int

    @property
    def reversed(self) -> _Visits:
        return _Visits(self.last, self.first, self.crossings)

    def then(self, other: _Visits) -> _Visits:
        if not (self.last and other.first):
            return other if other.first else self
        return _Visits(self.first, other.last, self.crossings + other.crossings + (self.last != other.first))


def crossings(map_: PiecewiseLinearMap, n: int, low: Number | int, high: Number | int) -> int:
    """How often f^n goes from `low` or below to `high` or above, or back: the oscillations of f^n across [low, high].

    With a Markov partition that holds low and high by recursion, in time linear in n; otherwise f^n is written out.
    Raises ValueError for n < 1, low >= high, either outside the interval, or as `linear_pieces`.
    """
    if index(n) < 1:
        raise ValueError(f"n = {n} is not at least 1")
    low, high = map_.as_number(low), map_.as_number(high)
    start, end = map_.interval
    if not start <= low < high <= end:
        where = f"[{float(start):g}, {float(end):g}]"
        raise ValueError(f"low = {float(low):g}, high = {float(high):g}: low < high, both in {where}")
    partition = markov_partition(map_, (low, high))
    if partition is None:
        return _along(compose(map_, n).values, low, high).crossings
    at_points = [_along((point,), low, high) for point in partition.points]
    visits = [_along(partition.points[i : i + 2], low, high) for i in partition.intervals]
    for _ in range(n):
        visits = [_over(partition, i, visits, at_points) for i in partition.intervals]
        at_points = [at_points[image] for image in partition.images]
    return _chain(visits).crossings


def _along(values: tuple[Number, ...], low: Number, high: Number) -> _Visits:
    places = (-1 if value <= low else 1 if value >= high else 0 for value in values)
    return _chain([_Visits(place, place, 0) for place in places])


def _over(partition: MarkovPartition, i: int, visits: list[_Visits], at_points: list[_Visits]) -> _Visits:
    """Visits of f^(k+1) over interval i: those of f^k over the intervals that f covers, or at a point if f is flat."""
    covered = partition.covered(i)
    if not covered:
        return at_points[partition.images[i]]
    parts = [visits[j] for j in covered]
    return _chain(parts if covered.step > 0 else [part.reversed for part in parts])


def _chain(parts: list[_Visits]) -> _Visits:
    return reduce(_Visits.then, parts, _Visits(0, 0, 0))
