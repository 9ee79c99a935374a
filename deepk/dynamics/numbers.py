"""Exact numbers for piecewise-linear maps: rationals, and a + b sqrt(5) with rational a and b."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import total_ordering
from numbers import Rational

_BITS = 64  # of a square root, before it is rounded to the 53 of a float


@total_ordering
@dataclass(frozen=True, eq=False, init=False)
class Sqrt5:
    """a + b sqrt(5), an element of the field Q(sqrt 5): sums, products, quotients and comparisons are exact.

    Golden ratio: `Sqrt5(Fraction(1, 2), Fraction(1, 2))`, or `GOLDEN_RATIO`. Integers become fractions; TypeError for
    a or b that is no rational number.
    """

    a: Fraction
    b: Fraction

    def __init__(self, a: Rational | int, b: Rational | int) -> None:
        """Keeps a and b as fractions, as integers would divide to floats."""
        for name, number in (("a", a), ("b", b)):
            if not isinstance(number, Rational):
                raise TypeError(f"{name} = {number} is not a rational number: give an integer or a fractions.Fraction")
            object.__setattr__(self, name, _fraction(number))

    def __add__(self, other: object) -> Sqrt5:
        """The sum."""
        that = _as_sqrt5(other)
        return NotImplemented if that is None else Sqrt5(self.a + that.a, self.b + that.b)

    __radd__ = __add__

    def __neg__(self) -> Sqrt5:
        """The opposite."""
        return Sqrt5(-self.a, -self.b)

    def __sub__(self, other: object) -> Sqrt5:
        """The difference."""
        that = _as_sqrt5(other)
        return NotImplemented if that is None else self + -that

    def __rsub__(self, other: object) -> Sqrt5:
        """The difference other - self."""
        that = _as_sqrt5(other)
        return NotImplemented if that is None else that + -self

    def __mul__(self, other: object) -> Sqrt5:
        """(a + b sqrt 5)(c + d sqrt 5) = ac + 5bd + (ad + bc) sqrt 5."""
        that = _as_sqrt5(other)
        if that is None:
            return NotImplemented
        return Sqrt5(self.a * that.a + 5 * self.b * that.b, self.a * that.b + self.b * that.a)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Sqrt5:
        """The quotient; ZeroDivisionError for zero, the only number of norm c^2 - 5 d^2 = 0."""
        that = _as_sqrt5(other)
        if that is None:
            return NotImplemented
        norm = that.a**2 - 5 * that.b**2
        return self * Sqrt5(that.a / norm, -that.b / norm)

    def __rtruediv__(self, other: object) -> Sqrt5:
        """The quotient other / self."""
        that = _as_sqrt5(other)
        return NotImplemented if that is None else that / self

    def __abs__(self) -> Sqrt5:
        """The absolute value."""
        return -self if self.sign < 0 else self

    @property
    def sign(self) -> int:
        """-1, 0 or 1: that of the larger of a^2 and 5 b^2 where a and b sqrt(5) have different signs."""
        a, b = self.a, self.b
        a_is_larger = (a.numerator * b.denominator) ** 2 > 5 * (b.numerator * a.denominator) ** 2
        larger = a.numerator if a_is_larger else b.numerator
        return (larger > 0) - (larger < 0)

    def __eq__(self, other: object) -> bool:
        """Whether both are the same number, decided exactly; the other may be rational."""
        that = _as_sqrt5(other)
        return NotImplemented if that is None else (self.a, self.b) == (that.a, that.b)

    def __lt__(self, other: object) -> bool:
        """Whether this number is the smaller one, decided exactly; the other may be rational."""
        that = _as_sqrt5(other)
        return NotImplemented if that is None else (self - that).sign < 0

    def __hash__(self) -> int:
        """The hash; of a rational number the one that Python gives it."""
        return hash(self.a) if self.b == 0 else hash((self.a, self.b))

    def __float__(self) -> float:
        """The nearest float, or one beside it, also where a and b sqrt(5) cancel or are too large for floats."""
        root = math.isqrt(5 * self.b.numerator**2 << 2 * _BITS)  # |b| sqrt(5) to 2^-64 relative
        sum_ = abs(self.a) + Fraction(root, self.b.denominator << _BITS)
        if self.a * self.b < 0:
            return float((self.a**2 - 5 * self.b**2) / (sum_ if self.a > 0 else -sum_))
        return float(sum_ if self.a + self.b > 0 else -sum_)


def _as_sqrt5(number: object) -> Sqrt5 | None:
    if isinstance(number, Sqrt5):
        return number
    return Sqrt5(_fraction(number), Fraction(0)) if isinstance(number, Rational) else None


def _fraction(number: Rational) -> Fraction:
    """The number as a Fraction of Python's integers: those of NumPy would overflow inside a Fraction."""
    if type(number) is Fraction and type(number.numerator) is int:
        return number
    return Fraction(int(number.numerator), int(number.denominator))


Number = Fraction | Sqrt5 | float

GOLDEN_RATIO = Sqrt5(Fraction(1, 2), Fraction(1, 2))


def size(number: Number) -> Number:
    """The absolute value, of the same kind."""
    return -number if number < 0 else number


def bits(number: Number) -> int:
    """How long an exact number is when written down, in binary digits."""
    parts = (number.a, number.b) if isinstance(number, Sqrt5) else (Fraction(number),)
    return max(part.numerator.bit_length() + part.denominator.bit_length() for part in parts)


def exact(number: object) -> Fraction | Sqrt5 | None:
    """An exact number as it is, a rational one as a Fraction; None for all others, floats among them."""
    if isinstance(number, Sqrt5):
        return number
    return _fraction(number) if isinstance(number, Rational) else None


def fibonacci(n: int) -> int:
    """F_n for n >= 0: F_0 = 0, F_1 = F_2 = 1."""
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
