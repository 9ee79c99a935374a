"""The finite partition on which a piecewise-linear map acts like a matrix, where it has one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from deepk.dynamics.maps import PiecewiseLinearMap
from deepk.dynamics.numbers import Number, bits

# Of a partition, and of a number in it: the orbits of most knots never return, and most of those grow with each step.
_MOST_POINTS, _MOST_BITS = 4096, 1024


@dataclass(frozen=True)
class MarkovPartition:
    """Points that f maps into themselves, all knots among them: between two of them f is linear and covers intervals.

    Attributes:
        points: increasing, both ends of the interval included.
        images: the position of f(point) for each point.
    """

    points: tuple[Number, ...]
    images: tuple[int, ...]

    @property
    def intervals(self) -> range:
        """Their positions; interval i lies between points i and i + 1."""
        return range(len(self.points) - 1)

    def covered(self, i: int) -> range:
        """The intervals that f covers with interval i, in the order in which f runs through them; none if f is flat."""
        start, end = self.images[i], self.images[i + 1]
        return range(start, end) if start <= end else range(start - 1, end - 1, -1)


def markov_partition(map_: PiecewiseLinearMap, more: Iterable[Number] = ()) -> MarkovPartition | None:
    """The coarsest one that holds the knots and `more` points; None where an orbit does not close, or in floats.

    In floats an orbit would close or not by rounding. Raises ValueError where the map leaves its interval.
    """
    map_.check_maps_into_itself()
    if not map_.is_exact:
        return None
    points: set[Number] = set()
    pending = [*map_.knots, *(map_.as_number(point) for point in more)]
    while pending:
        point = pending.pop()
        if point not in points:
            points.add(point)
            pending.append(map_(point))
            if len(points) > _MOST_POINTS or bits(point) > _MOST_BITS:
                return None
    ordered = sorted(points)
    return MarkovPartition(tuple(ordered), tuple(bisect_left(ordered, map_(point)) for point in ordered))
