"""Correlations of many digits, and as power series: the arithmetic of python-flint (Arb, Johansson 2017)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import flint
from flint import arb, arb_series

from deepk.kernels.arithmetic import Correlation, Number


@contextmanager
def precision(bits: int, *, terms: int = 10) -> Iterator[None]:
    """Within it, numbers have so many bits, and power series so many terms."""
    before = flint.ctx.prec, flint.ctx.cap
    try:
        flint.ctx.prec, flint.ctx.cap = bits, terms
        yield
    finally:
        flint.ctx.prec, flint.ctx.cap = before


class _Flint(Correlation):
    @property
    def pi(self) -> Number:
        return arb.pi()

    def number(self, value: float) -> Number:
        return arb(value)

    def asin(self, x: Number) -> Number:
        return x.asin()

    def sqrt(self, x: Number) -> Number:
        return x.sqrt()

    def exp(self, x: Number) -> Number:
        return x.exp()

    def sinh(self, x: Number) -> Number:
        return (x.exp() - (-x).exp()) / 2

    def cosh(self, x: Number) -> Number:
        return (x.exp() + (-x).exp()) / 2


class Digits(_Flint):
    """A number of the precision that is set, its bound on rounding dropped from layer to layer.

    Bounds know nothing of the sum sin(theta) + (pi - theta) cos(theta), which an error of a small angle hardly moves,
    and would grow by 1 / theta a layer. Of a correlation made of an angle the angle is kept: near zero it is lost in
    its cosine.
    """

    def __init__(self, cos: arb) -> None:
        """Takes c."""
        self.cos = cos

    @staticmethod
    def at(angle: arb) -> Digits:
        """The correlation cos(angle), for an angle in [0, pi]."""
        made = Digits(angle.cos())
        made.__dict__["angle"] = angle  # in place of what would be computed of the cosine
        return made

    @cached_property
    def angle(self) -> Number:
        below, above = ((1 + sign * self.cos).nonnegative_part().sqrt() for sign in (-1, 1))
        return 2 * arb.atan2(below, above).mid()

    @cached_property
    def sine(self) -> Number:
        return self.angle.sin()

    @cached_property
    def chord(self) -> Number:
        return 2 * (self.angle / 2).sin()

    def next(self, cos: Number) -> Digits:
        return Digits(cos.mid())


class Series(_Flint):
    """A power series in rho, of the length and precision that are set."""

    def __init__(self, cos: arb_series) -> None:
        """Takes c."""
        self.cos = cos

    @staticmethod
    def rho() -> Series:
        """The correlation rho itself."""
        return Series(arb_series([0, 1]))

    @cached_property
    def angle(self) -> Number:
        return self.cos.acos()

    @cached_property
    def sine(self) -> Number:
        return (1 - self.cos * self.cos).sqrt()

    @cached_property
    def chord(self) -> Number:
        return (2 - 2 * self.cos).sqrt()

    def next(self, cos: Number) -> Series:
        return Series(cos)


def projections(nodes: Iterable[tuple[arb, arb, arb]], recurrence: Sequence[arb]) -> list[arb]:
    """sum over nodes of q_k(x) f(x), for the polynomials q_(k+1) = x q_k - b_k q_(k-1) of leading coefficient one.

    Args:
        nodes: triples x, f for even k, f for odd k, weights included. Where nodes lie symmetrically, those with x > 0
            are enough: f(x) + f(-x) for even k, f(x) - f(-x) for odd k.
        recurrence: b_1, b_2, ..., as many as the highest degree (the last is not used).

    Returns the middles of the sums: bounds carried through a recurrence say nothing.
    """
    sums = [arb(0)] * (len(recurrence) + 1)
    steps = [*enumerate(recurrence)]
    for x, even, odd in nodes:
        parts = even, odd
        before, q, last = arb(0), arb(1), arb(0)
        for k, b in steps:
            sums[k] += q * parts[k % 2]
            before, q, last = q, (x * q - last * before).mid(), b
        sums[-1] += q * parts[len(recurrence) % 2]
    return [total.mid() for total in sums]
