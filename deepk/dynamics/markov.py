"""The finite partition on which a piecewise-linear map acts like a matrix, where it has one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

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
        """Positions of the intervals; interval i lies between points i and i + 1."""
        return range(len(self.points) - 1)

    def covered(self, i: int) -> range:
        """The intervals that f covers with interval i, in the order in which f runs through them; none if f is flat."""
        start, end = self.images[i], self.images[i + 1]
        return range(start, end) if start <= end else range(start - 1, end - 1, -1)


def markov_partition(map_: PiecewiseLinearMap, more: Iterable[Number] = ()) -> MarkovPartition | None:
    """The coarsest partition that holds the knots and `more` points; None where an orbit does not close, or in floats.

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


def pieces_by_recursion(map_: PiecewiseLinearMap, n: int, partition: MarkovPartition) -> int:
    """The number of maximal intervals on which f^n is linear, n >= 0, from a Markov partition of f; linear in n."""
    pieces = [1 for _ in partition.intervals]
    kinks = _Slopes(map_, partition)
    for _ in range(n):
        inner = kinks.bends()
        pieces = [max(1, _joined(partition.covered(i), pieces, inner)) for i in partition.intervals]
        kinks.advance()
    return _joined(partition.intervals, pieces, kinks.bends())


def _joined(covered: range, pieces: list[int], bends: list[bool]) -> int:
    """The number of pieces over neighbouring intervals; two that meet without a bend are one."""
    straight = sum(not bends[max(i, j)] for i, j in pairwise(covered))
    return sum(pieces[i] for i in covered) - straight


class _Slopes:
    """The slopes of f^k on both sides of each point of the partition."""

    def __init__(self, map_: PiecewiseLinearMap, partition: MarkovPartition) -> None:
        last = len(partition.points) - 1
        middles = [(partition.points[i] + partition.points[i + 1]) / 2 for i in partition.intervals]
        pieces = [next(j for j, knot in enumerate(map_.knots[1:]) if middle < knot) for middle in middles]
        steps = [map_.slopes[j] for j in pieces]
        self._images = partition.images
        self._left, self._right = [steps[max(i - 1, 0)] for i in range(last + 1)], [*steps, steps[-1]]
        one = steps[0] * 0 + 1
        # Of f^k, on the left and on the right of each point
        self._slopes: tuple[list[Number], list[Number]] = ([one] * (last + 1), [one] * (last + 1))

    def bends(self) -> list[bool]:
        """Whether f^k has a kink at each point."""
        return [left != right for left, right in zip(*self._slopes, strict=True)]

    def advance(self) -> None:
        """Goes on from f^k to f^k o f: the two sides of a point are exchanged where f falls."""
        self._slopes = (
            [self._beyond(step, i, -1) for i, step in enumerate(self._left)],
            [self._beyond(step, i, 1) for i, step in enumerate(self._right)],
        )

    def _beyond(self, step: Number, i: int, side: int) -> Number:
        left, right = self._slopes
        image = self._images[i]
        return step * (right[image] if (step > 0) == (side > 0) else left[image])
