"""Continuous piecewise-linear maps of an interval, exact where their knots are."""

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

from deepk.dynamics.numbers import Number, exact, size

_EPS = float(np.finfo(np.float64).eps)
ROUNDING = 8 * _EPS  # of a knot or a value in float64, relative to the largest
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
        """The slopes of the pieces, from left to right."""
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
    x_error, y_error = (ROUNDING * max(map(size, numbers)) if in_floats else 0 for numbers in (x, y))
    found = []
    for i in range(1, len(x) - 1):
        run, next_run, rise, next_rise = x[i] - x[i - 1], x[i + 1] - x[i], y[i] - y[i - 1], y[i + 1] - y[i]
        error = x_error * (size(rise) + size(next_rise)) + y_error * (run + next_run) if in_floats else 0
        if size(rise * next_run - next_rise * run) > error:
            found.append(i)
    return found
