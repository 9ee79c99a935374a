"""Dual kernels of smooth activations that have no closed form, of any number of digits: E sigma(X) sigma(Y) as a
series a_k^2 c^k of squared Hermite coefficients.

The coefficients a_k = E sigma(Z) h_k(Z) come from the trapezoidal rule on the line, whose error falls like
exp(-2 pi a / h) with the step h for a function that is analytic up to a distance a from the line (Trefethen, Weideman
2014): the distance to the first pole or branch point of sigma.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import flint
import numpy as np
from flint import arb, arb_poly, arb_series

from deepk import activations
from deepk.activations import Activation
from deepk.hermite import hermite_coefficients
from deepk.kernels.arithmetic import Correlation, Number
from deepk.kernels.closed_forms import Form
from deepk.kernels.precise import Digits, Series, precision, projections

_ROUNDINGS = 4e-16  # error of a Hermite coefficient in float64, beside (E sigma^2 + E sigma'^2) / sqrt(E sigma^2)
_MOST_IN_FLOAT64 = 512  # degrees, by which those of a smooth function are roundings
_FEWEST, _MOST = 256, 4096  # terms
_SUMMED = 3  # digits by which the sum of all that follow is more than the next term
_SPARE = 25  # digits beyond the smallest coefficient
_BITS = math.log2(10)


class _Analytic(NamedTuple):
    function: Callable[[arb_series], arb_series]
    width: float  # distance from the line to the nearest singularity


@dataclass(frozen=True)
class Expansion:
    """E sigma(X) sigma(Y) and E sigma'(X) sigma'(Y) as power series, cut behind some degree.

    Attributes:
        polynomials: a_0^2 + a_1^2 c + ... and its derivative, each coefficient of relative accuracy.
        at_one: the sums of all, E sigma^2 and E sigma'^2.
    """

    polynomials: tuple[arb_poly, arb_poly]
    at_one: tuple[arb, arb]

    @staticmethod
    def of(squares: list[arb], at_one: tuple[arb, arb]) -> Expansion:
        """Of a_0^2, a_1^2, ..., at the precision that is set."""
        kernel = arb_poly(squares)
        return Expansion((kernel, kernel.derivative()), at_one)

    def kernel(self, x: Correlation) -> Number:
        """E sigma(X) sigma(Y)."""
        return self._at(x, 0)

    def slope(self, x: Correlation) -> Number:
        """E sigma'(X) sigma'(Y)."""
        return self._at(x, 1)

    def _at(self, x: Correlation, derivative: int) -> Number:
        polynomial = self.polynomials[derivative]
        if isinstance(x, Series):
            constant, *others = x.cos.coeffs() or [arb(0)]
            moved = polynomial if constant == 0 else polynomial(arb_poly([constant, 1]))
            return arb_series(moved.coeffs())(arb_series([0, *others]))
        if not isinstance(x, Digits):
            raise TypeError("a series of Hermite coefficients takes numbers of many digits or power series")
        if x.cos == 1:
            return self.at_one[derivative]
        return polynomial(x.cos)


def smooth_form(activation: Activation, terms: int) -> Form:
    """Of a smooth activation, by the series to a degree below `terms`.

    Of tanh, sigmoid, swish and softplus all digits; of any other activation what `hermite_coefficients` gives in
    float64, with a bound on it in each number. Raises ValueError for an activation with a kink or a jump.
    """
    if activation.breaks:
        raise ValueError(f"activation {activation.name} is not smooth: its kernel is no short series")
    name = _known(activation)
    expansion = _expansion(name, terms) if name else _in_float64(activation, terms)
    return Form(expansion.kernel, expansion.slope)


def terms_of_precision(activation: Activation) -> int:
    """How many terms leave out less than the precision that is set: a_k^2 falls like exp(-2 width sqrt(k))."""
    name = _known(activation)
    if not name:
        return _MOST_IN_FLOAT64
    terms = ((flint.ctx.dps + _SUMMED) * math.log(10) / (2 * _ANALYTIC[name].width)) ** 2
    return int(2 ** math.ceil(math.log2(max(terms, _FEWEST))))  # a power of two, so that a series is found again


def most_digits_of_series(activation: Activation) -> float:
    """Of `_MOST` terms; 0 where Hermite coefficients are known in float64 alone."""
    name = _known(activation)
    return 2 * _ANALYTIC[name].width * math.sqrt(_MOST) / math.log(10) - _SUMMED if name else 0.0


def _known(activation: Activation) -> str:
    return {activations.get(name): name for name in _ANALYTIC}.get(activation, "")


@lru_cache(maxsize=32)
def _in_float64(activation: Activation, terms: int) -> Expansion:
    a = hermite_coefficients(activation, min(terms, _MOST_IN_FLOAT64) - 1)
    uncertain = _ROUNDINGS * float(a**2 @ np.arange(1.0, len(a) + 1)) / float(np.linalg.norm(a))
    numbers = [arb(x, uncertain) for x in a.tolist()]
    squares = [x * x for x in numbers]
    # What is beyond falls faster than any power; the last coefficients bound each of as many more, and more.
    rest = 4 * len(a) * max(float(np.abs(a[-8:]).max()), uncertain) ** 2
    moments = [sum(k**power * c for k, c in enumerate(squares)) for power in (0, 1)]
    second, slope = (m + arb(extra, extra) for m, extra in zip(moments, (rest / 2, len(a) * rest), strict=True))
    return Expansion.of(squares, (second, slope))


@lru_cache(maxsize=32)
def _expansion(name: str, terms: int) -> Expansion:
    function, width = _ANALYTIC[name]
    # a_k falls like exp(-width sqrt(k)), and h_k grows off the line as fast.
    growth = width * math.sqrt(terms)
    digits = _SPARE + 2 * growth / math.log(10)
    step = 2 * math.pi * width / (digits * math.log(10) + 2 * growth)
    end = 2 * math.sqrt(digits * math.log(10))  # abs(h_k(z)) <= 1.09 exp(z^2 / 4)
    with precision(math.ceil((digits + _SPARE) * _BITS), terms=2):
        nodes, moments = [], [arb(0), arb(0)]
        for i in range(math.ceil(end / step) + 1):
            z = arb(step) * i
            weight = step * (-z * z / 2).exp() / (2 * arb.pi()).sqrt() / (2 if i == 0 else 1)
            right, left = (function(arb_series([sign * z, 1])) for sign in (1, -1))
            nodes.append((z, weight * (right[0] + left[0]), weight * (right[0] - left[0])))
            for k in (0, 1):
                moments[k] += weight * (right[k] * right[k] + left[k] * left[k])
        found = projections(nodes, [arb(k) for k in range(1, terms)])
        squares, factorial = [], arb(1)
        for k, a in enumerate(found):
            factorial *= max(k, 1)
            square = (a * a / factorial).mid()
            # Those that vanish by symmetry come out as roundings, far below all others.
            squares.append(square if square > arb(10) ** (-1.5 * digits) else arb(0))
        return Expansion.of(squares, (moments[0].mid(), moments[1].mid()))


def _sigmoid(x: arb_series) -> arb_series:
    return (1 + (-x).exp()).inv()


def _tanh(x: arb_series) -> arb_series:
    return 2 * _sigmoid(2 * x) - 1


def _softplus(x: arb_series) -> arb_series:
    """log(1 + e^x); nothing overflows, as exponents have any size."""
    return (1 + x.exp()).log()


_ANALYTIC = {
    "tanh": _Analytic(_tanh, math.pi / 2),
    "sigmoid": _Analytic(_sigmoid, math.pi),
    "swish": _Analytic(lambda x: x * _sigmoid(x), math.pi),
    "softplus": _Analytic(_softplus, math.pi),
    "shifted-softplus": _Analytic(lambda x: _softplus(x) - arb(2).log(), math.pi),
}
