"""Continuous piecewise-linear maps of an interval, exact where their knots are, and the maps of the theory papers."""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from operator import index
from typing import Any

import numpy as np
from jaxtyping import Float

from deepk.dynamics.numbers import GOLDEN_RATIO, Number, exact, size

_MOST_KNOTS = 2**22  # of a composition that is written out
_SURELY_SMALL = 8  # compositions that are written out without counting first
_EPS = float(np.finfo(np.float64).eps)
_ROUNDING = 8 * _EPS  # of a knot or a value in float64, relative to the largest
_LOST = 1e-3  # error of an iterate in float64 of which a user is warned


@dataclass(frozen=True, init=False)
class PiecewiseLinearMap:
    """The continuous function that takes `values` at `knots` and is linear between them.

    Exact where all of them are integers, `fractions.Fraction`, or `Sqrt5` (a + b sqrt 5); in float64 otherwise. Knots
    in the middle of a straight piece are dropped.

    Attributes:
        knots: increasing, two or more; the first and the last are the ends of the interval.
        values: one for each knot.

    Raises ValueError where knots do not increase, or are not as many as the values, or are not finite.
    """

    knots: tuple[Number, ...]
    values: tuple[Number, ...]

    def __init__(self, knots: Sequence[Any] | np.ndarray, values: Sequence[Any] | np.ndarray) -> None:
        """Checks knots and values, and drops knots that bend nothing."""
        if len(knots) != len(values) or len(knots) < 2:
            raise ValueError(f"{len(knots)} knots and {len(values)} values: it takes two or more, as many of each")
        x, y = _numbers(knots), _numbers(values)
        if isinstance(x[0], float) != isinstance(y[0], float):
            x, y = [float(number) for number in x], [float(number) for number in y]
        for left, right in pairwise(x):
            if not left < right:
                raise ValueError(f"knots do not increase: {float(right):g} follows {float(left):g}")
        kept = [0, *_bends(x, y), len(x) - 1]
        object.__setattr__(self, "knots", tuple(x[i] for i in kept))
        object.__setattr__(self, "values", tuple(y[i] for i in kept))

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def is_exact(self) -> bool:
        """Whether knots and values are rational numbers or a + b sqrt(5)."""
        return not isinstance(self.knots[0], float)

    @property
    def interval(self) -> tuple[Number, Number]:
        """The first and the last knot, between which the map is defined."""
        return self.knots[0], self.knots[-1]

    @cached_property
    def slopes(self) -> tuple[Number, ...]:
        """Of the pieces, from left to right."""
        rises = zip(self.knots, self.knots[1:], self.values, self.values[1:], strict=False)
        return tuple((y1 - y0) / (x1 - x0) for x0, x1, y0, y1 in rises)

    @cached_property
    def turning_points(self) -> tuple[Number, ...]:
        """The knots from which it rises after having fallen, or falls after having risen."""
        moving = [(knot, slope > 0) for knot, slope in zip(self.knots, self.slopes, strict=False) if slope != 0]
        return tuple(knot for (_, before), (knot, rises) in pairwise(moving) if rises != before)

    @property
    def lipschitz(self) -> Number:
        """The steepest slope, in absolute value."""
        return max(size(slope) for slope in self.slopes)

    @property
    def iterations_in_floats(self) -> int | float:
        """The most iterations that leave three digits in float64: lipschitz^n eps <= 1e-3; inf for slopes up to 1."""
        slope = float(self.lipschitz)
        return math.floor(math.log(_LOST / _EPS) / math.log(slope)) if slope > 1 else math.inf

    @property
    def pieces(self) -> int:
        """The number of maximal intervals on which it is linear."""
        return len(self.knots) - 1

    def as_number(self, x: Any) -> Number:
        """x as its knots are: exact for an exact map, where a float is the fraction that it stands for, else a float.

        Raises ValueError for what is not finite.
        """
        number = exact(x)
        if number is not None and self.is_exact:
            return number
        value = _finite(x)
        return Fraction(value) if self.is_exact else value

    def check_maps_into_itself(self) -> None:
        """Raises ValueError where a value lies outside the interval: it cannot be iterated."""
        low, high = self.interval
        for x, y in zip(self.knots, self.values, strict=True):
            if not low <= y <= high:
                where = f"[{float(low):g}, {float(high):g}]"
                raise ValueError(f"the map leaves its interval {where}: it takes {float(x):g} to {float(y):g}")

    # --- what it does -------------------------------------------------------------------------------------------------

    def __call__(self, x: Any) -> Any:
        """The value at x: exact for an exact number under an exact map, else in float64, elementwise for an array.

        Raises ValueError for an x outside the interval.
        """
        number = exact(x) if self.is_exact else None
        if number is None:
            return self._in_floats(x)
        low, high = self.interval
        if not low <= number <= high:
            raise ValueError(f"x = {float(number):g} is not in [{float(low):g}, {float(high):g}]")
        i = min(bisect_right(self.knots, number), len(self.knots) - 1) - 1
        return self.values[i] + self.slopes[i] * (number - self.knots[i])

    @cached_property
    def _tables(self) -> tuple[Float[np.ndarray, " knots"], Float[np.ndarray, " knots"]]:
        return np.array([float(x) for x in self.knots]), np.array([float(y) for y in self.values])

    def _in_floats(self, x: Any) -> Any:
        points = np.asarray(x, np.float64)
        knots, values = self._tables
        if points.size and not (points.min() >= knots[0] and points.max() <= knots[-1]):
            outside = points[~((points >= knots[0]) & (points <= knots[-1]))].flat[0]
            raise ValueError(f"x = {outside:g} is not in [{knots[0]:g}, {knots[-1]:g}]")
        # Clipped, as a rounding upwards beside a turning point would leave the interval
        value = np.clip(np.interp(points, knots, values), values.min(), values.max())
        return float(value) if np.ndim(x) == 0 else value

    def iterate(self, x: Any, n: int) -> Any:
        """f(f(...f(x))), n times: exact for an exact number, else in float64, elementwise for an array.

        Warns where a rounding of x, stretched up to lipschitz^n times, leaves less than three digits: exact numbers,
        such as `fractions.Fraction(x)`, keep them all. Raises ValueError for n < 0, or a map that leaves its interval.
        """
        if index(n) < 0:
            raise ValueError(f"n = {n} is negative")
        self.check_maps_into_itself()
        rounded = not self.is_exact or exact(x) is None
        if rounded and n > self.iterations_in_floats:
            warnings.warn(
                f"after {n} iterations of slope up to {float(self.lipschitz):g} float64 has lost its digits: "
                "iterate exact numbers, such as fractions.Fraction",
                stacklevel=2,
            )
        for _ in range(n):
            x = self(x)
        return x

    def compose(self, n: int) -> PiecewiseLinearMap:
        """f o ... o f, n times, with all its knots; f^0 is the identity. In floats knots within rounding are one.

        Raises ValueError for n < 0, a map that leaves its interval, or more than four million knots.
        """
        if index(n) < 0:
            raise ValueError(f"n = {n} is negative")
        self.check_maps_into_itself()
        self._check_size(n)
        result = PiecewiseLinearMap(self.interval, self.interval)
        for _ in range(n):
            result = self._after(result, n)
        return result

    def _check_size(self, n: int) -> None:
        """Raises ValueError where it can be counted beforehand that f^n has too many knots."""
        from deepk.dynamics.crossings import pieces_by_recursion  # which need this module
        from deepk.dynamics.markov import markov_partition

        if n > _SURELY_SMALL and (partition := markov_partition(self)) is not None:
            _check_knots(pieces_by_recursion(self, n, partition) + 1, n)

    def _after(self, inner: PiecewiseLinearMap, n: int) -> PiecewiseLinearMap:
        """f o inner: knots of inner, and where it passes through knots of f."""
        x, y = [inner.knots[0]], [self(inner.values[0])]
        near = _ROUNDING * max(abs(float(end)) for end in self.interval)
        for x0, x1, y0, y1 in zip(inner.knots, inner.knots[1:], inner.values, inner.values[1:], strict=False):
            low, high = min(y0, y1), max(y0, y1)
            passed = [(k, v) for k, v in zip(self.knots, self.values, strict=True) if low < k < high]
            for k, v in passed if y0 < y1 else passed[::-1]:
                at = x0 + (k - y0) * (x1 - x0) / (y1 - y0)
                if self.is_exact or x[-1] + near < at < x1 - near:
                    x.append(at)
                    y.append(v)
            x.append(x1)
            y.append(self(y1))
            _check_knots(len(x), n)
        return PiecewiseLinearMap(x, y)


def _check_knots(count: int, n: int) -> None:
    if count > _MOST_KNOTS:
        raise ValueError(f"n = {n} is too large to write out: the composition has more than {_MOST_KNOTS} knots")


def _numbers(values: Sequence[Any] | np.ndarray) -> list[Number]:
    """The values as numbers, all exact or all floats; ValueError for one that is not finite."""
    found = [exact(value) for value in values]
    if all(number is not None for number in found):
        return [number for number in found if number is not None]
    return [_finite(value) for value in values]


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is not a finite number")
    return number


def _bends(x: Sequence[Number], y: Sequence[Number]) -> list[int]:
    """The inner knots at which the slope changes; in floats, by more than a rounding of knots and values."""
    in_floats = isinstance(x[0], float)
    x_error, y_error = (_ROUNDING * max(map(size, numbers)) if in_floats else 0 for numbers in (x, y))
    found = []
    for i in range(1, len(x) - 1):
        run, next_run, rise, next_rise = x[i] - x[i - 1], x[i + 1] - x[i], y[i] - y[i - 1], y[i + 1] - y[i]
        error = x_error * (size(rise) + size(next_rise)) + y_error * (run + next_run) if in_floats else 0
        if size(rise * next_run - next_rise * run) > error:
            found.append(i)
    return found


# --- the maps of the papers -------------------------------------------------------------------------------------------


def tent_map(slope: Any = 2) -> PiecewiseLinearMap:
    """slope min(x, 1 - x) on [0, 1]; ValueError for a slope outside (0, 2]."""
    if not 0 < slope <= 2:
        raise ValueError(f"slope = {float(slope):g} is not in (0, 2]: the tent would leave [0, 1]")
    half = Fraction(1, 2)
    number = exact(slope)
    top = half * number if number is not None else 0.5 * float(slope)
    return PiecewiseLinearMap([Fraction(0), half, Fraction(1)], [Fraction(0), top, Fraction(0)])


def bounded_slope_map(slope: Any) -> PiecewiseLinearMap:
    """slope |x| - 1 on [-1, 1]; it has a point of odd period p > 1 if and only if slope >= growth_rate(p).

    (Chatziafratis, Nagarajan, Panageas 2020, arXiv:2003.00777.) ValueError for a slope outside (0, 2].
    """
    if not 0 < slope <= 2:
        raise ValueError(f"slope = {float(slope):g} is not in (0, 2]: the map would leave [-1, 1]")
    number = exact(slope)
    end = (number if number is not None else float(slope)) - 1
    return PiecewiseLinearMap([-1, 0, 1], [end, -1, end])


def golden_map() -> PiecewiseLinearMap:
    """phi |x| - 1 on [-1, 1] with the golden ratio, exactly: the least slope with period 3, on 0, -1, phi - 1."""
    return bounded_slope_map(GOLDEN_RATIO)


def li_yorke_map() -> PiecewiseLinearMap:
    """On [1, 5], through 3, 5, 4, 2, 1: it has period 5 and no period 3 (Li, Yorke 1975, Amer. Math. Monthly 82)."""
    return period_map(5)


def period_map(period: int) -> PiecewiseLinearMap:
    """A map of [1, p] that permutes 1, ..., p in a cycle, and has no period that stands before p in Sharkovsky's order.

    Of the kind that the slides draw for periods 3, 4 and 5; that of 5 is Li and Yorke's. Stefan's cycle for an odd p;
    for p = 2r, 1, ..., r are exchanged with r + 1, ..., p so that twice the map is that of r on the left half. Raises
    ValueError for a period below 2.
    """
    if index(period) < 2:
        raise ValueError(f"period = {period} is not at least 2")
    return PiecewiseLinearMap(range(1, period + 1), _cycle(period))


def _cycle(period: int) -> list[int]:
    """The images of 1, ..., period (Stefan 1977, Comm. Math. Phys. 54, for an odd one)."""
    half = period // 2
    if period == 1:
        return [1]
    if period % 2 == 0:
        return [image + half for image in _cycle(half)] + list(range(1, half + 1))
    return [half + 1, *range(period, half + 1, -1), *range(half, 0, -1)]
