"""Compositions f o ... o f written out, with all their knots, where these are few enough."""

from __future__ import annotations

from operator import index

from deepk.dynamics.maps import ROUNDING, PiecewiseLinearMap
from deepk.dynamics.markov import markov_partition, pieces_by_recursion

_MOST_KNOTS = 2**22  # of a composition that is written out
_SURELY_SMALL = 8  # compositions that are written out without counting first


def compose(map_: PiecewiseLinearMap, n: int) -> PiecewiseLinearMap:
    """f o ... o f, n times, with all its knots; f^0 is the identity. In floats knots within rounding are one.

    Raises ValueError for n < 0, a map that leaves its interval, or more than four million knots.
    """
    if index(n) < 0:
        raise ValueError(f"n = {n} is negative")
    map_.check_maps_into_itself()
    _check_size(map_, n)
    result = PiecewiseLinearMap(map_.interval, map_.interval)
    for _ in range(n):
        result = _after(map_, result, n)
    return result


def _check_size(map_: PiecewiseLinearMap, n: int) -> None:
    """Raises ValueError where it can be counted beforehand that f^n has too many knots."""
    if n > _SURELY_SMALL and (partition := markov_partition(map_)) is not None:
        _check_knots(pieces_by_recursion(map_, n, partition) + 1, n)


def _after(map_: PiecewiseLinearMap, inner: PiecewiseLinearMap, n: int) -> PiecewiseLinearMap:
    """f o inner: knots of inner, and where it passes through knots of f."""
    x, y = [inner.knots[0]], [map_(inner.values[0])]
    near = ROUNDING * max(abs(float(end)) for end in map_.interval)
    for x0, x1, y0, y1 in zip(inner.knots, inner.knots[1:], inner.values, inner.values[1:], strict=False):
        low, high = min(y0, y1), max(y0, y1)
        passed = [(k, v) for k, v in zip(map_.knots, map_.values, strict=True) if low < k < high]
        for k, v in passed if y0 < y1 else passed[::-1]:
            at = x0 + (k - y0) * (x1 - x0) / (y1 - y0)
            if map_.is_exact or x[-1] + near < at < x1 - near:
                x.append(at)
                y.append(v)
        x.append(x1)
        y.append(map_(y1))
        _check_knots(len(x), n)
    return PiecewiseLinearMap(x, y)


def _check_knots(count: int, n: int) -> None:
    if count > _MOST_KNOTS:
        raise ValueError(f"n = {n} is too large to write out: the composition has more than {_MOST_KNOTS} knots")
