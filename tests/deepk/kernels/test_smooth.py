"""Dual kernels of smooth activations as series of Hermite coefficients: the coefficients, their sums, their bounds."""

import math
from collections.abc import Callable
from functools import cache

import mpmath
import numpy as np
import pytest
import torch
from flint import arb, arb_series

from deepk import activations
from deepk.activations import Activation
from deepk.kernels.arithmetic import Floats
from deepk.kernels.closed_forms import Form
from deepk.kernels.precise import Digits, Series, precision
from deepk.kernels.smooth import most_digits_of_series, smooth_form, terms_of_precision

TERMS, BITS = 250, 300
Function = Callable[[mpmath.mpf], mpmath.mpf]


def logistic(x: mpmath.mpf) -> mpmath.mpf:
    return 1 / (1 + mpmath.exp(-x))


# sigma and its slope
KNOWN: dict[str, tuple[Function, Function]] = {
    "tanh": (mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
    "sigmoid": (logistic, lambda x: logistic(x) * logistic(-x)),
    "swish": (lambda x: x * logistic(x), lambda x: logistic(x) * (1 + x * logistic(-x))),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), logistic),
    "shifted-softplus": (lambda x: mpmath.log1p(mpmath.exp(x)) - mpmath.log(2), logistic),
}


@cache
def known(name: str) -> Form:
    return smooth_form(activations.get(name), TERMS)


def coefficients(f: Callable[[Series], arb_series], terms: int) -> list[arb]:
    with precision(BITS, terms=terms):
        found = f(Series.rho()).coeffs()
    return [*found, *[arb(0)] * (terms - len(found))]  # zeros at the end are left out


def decimal(number: arb) -> mpmath.mpf:
    return mpmath.mpf(number.mid().str(80, radius=False))


def at_one(f: Callable[[Digits], arb]) -> mpmath.mpf:
    with precision(BITS):
        return decimal(f(Digits.at(arb(0))))


def normal_mean(f: Function) -> mpmath.mpf:
    """E f(Z) for an f that grows like a polynomial: what is beyond 17 is below 1e-60."""
    return mpmath.quad(lambda x: mpmath.npdf(x) * f(x), [-17, -8, -4, -2, 0, 2, 4, 8, 17], method="gauss-legendre")


def hermite(k: int, x: mpmath.mpf) -> mpmath.mpf:
    """The polynomial of norm one."""
    last, value = mpmath.mpf(0), mpmath.mpf(1)
    for j in range(k):
        last, value = value, (x * value - mpmath.sqrt(j) * last) / mpmath.sqrt(j + 1)
    return value


# Known activations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, 1, 2, 3, 14])
@pytest.mark.parametrize("name", ["tanh", "swish"])
def test_the_coefficients_are_squared_integrals_to_twenty_digits(name, k):
    with mpmath.workdps(30):
        found = decimal(coefficients(known(name).kernel, 16)[k])
        exact = normal_mean(lambda x: KNOWN[name][0](x) * hermite(k, x)) ** 2
    # by symmetry every other one is zero, and is so exactly
    assert found == 0 if exact < 1e-50 else abs(found / exact - 1) <= 1e-20


def test_small_coefficients_are_relatively_accurate():
    # by the trapezoidal rule of step 1 / 12, exact in fifty digits, on half the line, of an even function
    k = 100
    with mpmath.workdps(60):
        total = mpmath.mpf(0)
        for i in range(20 * 12 + 1):
            x = mpmath.mpf(i) / 12
            both = KNOWN["swish"][0](x) + KNOWN["swish"][0](-x)
            total += mpmath.npdf(x) * both * hermite(k, x) / (24 if i == 0 else 12)
        found = decimal(coefficients(known("swish").kernel, k + 1)[k])
        assert 0 < found < 1e-12
        assert abs(found / total**2 - 1) <= 1e-20


@pytest.mark.parametrize("name", KNOWN)
def test_the_coefficients_sum_to_the_second_moment_and_that_of_the_slope(name):
    # a_k^2 falls like exp(-2 w sqrt(k)), w the distance from the line to the first pole, pi / 2 or pi
    rest = 1e-18 if name == "tanh" else 1e-27
    squares = coefficients(known(name).kernel, TERMS)
    slopes = coefficients(known(name).slope, TERMS)
    with mpmath.workdps(30):
        for found, numbers, f in (
            (at_one(known(name).kernel), squares, KNOWN[name][0]),
            (at_one(known(name).slope), slopes, KNOWN[name][1]),
        ):
            exact = normal_mean(lambda x, f=f: f(x) ** 2)
            assert abs(found - exact) <= 1e-27
            assert abs(mpmath.fsum(decimal(c) for c in numbers) - exact) <= rest


@pytest.mark.parametrize("name", KNOWN)
def test_opposite_inputs_have_the_alternating_sum(name):
    with mpmath.workdps(30), precision(BITS):
        exact = normal_mean(lambda x: KNOWN[name][0](x) * KNOWN[name][0](-x))
        found = decimal(known(name).kernel(Digits(arb(-1))))
        assert abs(found - exact) <= (1e-20 if name == "tanh" else 1e-27)


@pytest.mark.parametrize("name", ["tanh", "swish"])
def test_coefficients_are_not_negative_and_every_other_one_may_vanish(name):
    squares = coefficients(known(name).kernel, 64)
    assert all(c >= 0 for c in squares)
    zeros = {k for k, c in enumerate(squares) if c == 0}
    assert zeros == set(range(0, 64, 2) if name == "tanh" else range(3, 64, 2))


@pytest.mark.parametrize("name", KNOWN)
def test_the_slope_is_the_derivative_of_the_polynomial(name):
    squares, slopes = (coefficients(f, 40) for f in (known(name).kernel, known(name).slope))
    for k in range(39):
        assert slopes[k].overlaps((k + 1) * squares[k + 1])


@pytest.mark.parametrize("name", ["tanh", "swish"])
def test_a_number_takes_the_polynomial(name):
    with mpmath.workdps(60), precision(BITS):
        squares = [decimal(c) for c in coefficients(known(name).kernel, TERMS)]
        for c in ("-0.75", "0.25", "0.99"):
            value, slope = mpmath.polyval(squares[::-1], mpmath.mpf(c), derivative=True)
            assert abs(decimal(known(name).kernel(Digits(arb(c)))) - value) <= 1e-50
            assert abs(decimal(known(name).slope(Digits(arb(c)))) - slope) <= 1e-50


def test_the_slope_has_all_digits_whatever_the_precision_of_its_first_use():
    def at(bits: int) -> arb:
        with precision(bits):
            return form.slope(Digits(arb("0.75"))).mid()

    form = smooth_form(activations.get("sigmoid"), 40)
    rough, fine = at(53), at(BITS)
    with precision(BITS):
        polynomial = sum(k * a * arb("0.75") ** (k - 1) for k, a in enumerate(coefficients(form.kernel, 40)) if k)
        assert abs(fine - polynomial) < arb(10) ** -60
        assert 0 < abs(rough - fine) < 1e-15


def test_a_power_series_around_another_point_is_the_polynomial_moved_there():
    with mpmath.workdps(60), precision(BITS, terms=5):
        squares = [decimal(c) for c in coefficients(known("swish").kernel, TERMS)]
        moved = known("swish").kernel(Series(arb_series([arb("0.25"), arb(1)]))).coeffs()
        binomials = (
            mpmath.fsum(mpmath.binomial(k, j) * mpmath.mpf("0.25") ** (k - j) * c for k, c in enumerate(squares))
            for j in range(5)
        )
        for found, exact in zip(moved, binomials, strict=True):
            assert abs(decimal(found) - exact) <= 1e-50


def test_series_take_no_arrays():
    with pytest.raises(TypeError, match=r"^a series of Hermite coefficients takes [^\n]*$"):
        known("tanh").kernel(Floats(np.array([0.5])))


@pytest.mark.parametrize("name", ["relu", "elu", "step"])
def test_an_activation_with_a_break_is_refused_in_one_line(name):
    with pytest.raises(ValueError, match=rf"^activation {name} is not smooth: [^\n]*$"):
        smooth_form(activations.get(name), TERMS)


@pytest.mark.parametrize(("name", "bits"), [("tanh", 100)])
def test_as_many_terms_as_a_precision_asks_for_leave_out_less_than_a_rounding(name, bits):
    with precision(bits):
        terms = terms_of_precision(activations.get(name))
    squares = coefficients(smooth_form(activations.get(name), terms).kernel, terms)
    with mpmath.workdps(90):
        one = at_one(smooth_form(activations.get(name), terms).kernel)
        assert abs(one - mpmath.fsum(decimal(c) for c in squares)) <= 64 * one * mpmath.mpf(2) ** -bits


def test_more_digits_ask_for_more_terms():
    counts = []
    for bits in (53, 200, 400):
        with precision(bits):
            counts.append(terms_of_precision(activations.get("tanh")))
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    # a pole of swish is twice as far from the line
    tanh, swish = (most_digits_of_series(activations.get(name)) for name in ("tanh", "swish"))
    assert 50 < tanh < 0.6 * swish


# A user's own activation ------------------------------------------------------------------------------------------


def powers(a: int, parity: int) -> Callable[[int], arb]:
    """Of cos(a x) for even k and of sin(a x) for odd k: exp(-a^2) a^(2k) / k!."""
    return lambda k: (-arb(a * a)).exp() * arb(a * a) ** k / arb(k).fac() if k % 2 == parity else arb(0)


def bell(k: int) -> arb:
    """Of exp(-x^2 / 2), whose kernel is (4 - c^2)^(-1/2)."""
    return arb(math.comb(k, k // 2)) / arb(16) ** (k // 2) / 2 if k % 2 == 0 else arb(0)


OWN: dict[str, tuple[Activation, Callable[[int], arb]]] = {
    "line": (Activation.from_callable("line", lambda x: 3 * x + 2), lambda k: arb({0: 4, 1: 9}.get(k, 0))),
    "cube": (Activation.from_callable("cube", lambda x: x**3), lambda k: arb({1: 9, 3: 6}.get(k, 0))),
    "cos-2": (Activation.from_callable("cos-2", lambda x: (2 * x).cos()), powers(2, 0)),
    "sin-5": (Activation.from_callable("sin-5", lambda x: (5 * x).sin()), powers(5, 1)),
    "exp-2": (
        Activation.from_callable("exp-2", lambda x: (2 * x).exp()),
        lambda k: arb(4).exp() * arb(4) ** k / arb(k).fac(),
    ),
    "bell": (Activation.from_callable("bell", lambda x: (-x * x / 2).exp()), bell),
}


@pytest.mark.parametrize("name", OWN)
def test_the_coefficients_of_a_users_own_activation_are_within_their_bounds(name):
    activation, exact = OWN[name]
    form = smooth_form(activation, TERMS)
    assert terms_of_precision(activation) > 0 == most_digits_of_series(activation)
    with precision(BITS):
        size = arb(sum(exact(k) for k in range(120)))
        for k, found in enumerate(coefficients(form.kernel, 120)):
            assert found.overlaps(exact(k)), k
            assert found.rad() <= 1e-14 * size  # so that the bound says something


@pytest.mark.parametrize("name", OWN)
def test_the_kernel_of_a_users_own_activation_is_within_its_bound(name):
    activation, exact = OWN[name]
    form = smooth_form(activation, TERMS)
    with precision(BITS):
        for c in (arb("-0.875"), arb(0), arb("0.25"), arb("0.99")):
            assert form.kernel(Digits(c)).overlaps(sum(exact(k) * c**k for k in range(120)))
            assert form.slope(Digits(c)).overlaps(sum(k * exact(k) * c ** (k - 1) for k in range(1, 120)))
        one = Digits.at(arb(0))
        for f, power in ((form.kernel, 0), (form.slope, 1)):
            total = sum(k**power * exact(k) for k in range(120))
            assert f(one).overlaps(total)
            assert f(one).rad() <= 1e-11 * total


def test_moments_of_a_steep_activation_allow_for_what_is_cut_off():
    # a_512^2 = 1e-9 of tanh(5 x), which has a pole near the line
    form = smooth_form(Activation.from_callable("tanh-5", lambda x: (5 * x).tanh()), 512)
    breaks = [-12, -2, -0.5, 0, 0.5, 2, 12]
    with mpmath.workdps(25), precision(BITS):
        square = mpmath.quad(lambda x: mpmath.npdf(x) * mpmath.tanh(5 * x) ** 2, breaks)
        slope = mpmath.quad(lambda x: mpmath.npdf(x) * (5 * mpmath.sech(5 * x) ** 2) ** 2, breaks)
        for f, exact in ((form.kernel, square), (form.slope, slope)):
            found = f(Digits.at(arb(0)))
            assert abs(decimal(found) - exact) <= decimal(found.rad())
            assert decimal(found.rad()) <= 1e-2 * exact


def test_a_users_own_copy_of_a_known_activation_agrees_with_it():
    copy = smooth_form(Activation.from_callable("copy", torch.tanh), TERMS)
    for own, exact in zip(coefficients(copy.kernel, 60), coefficients(known("tanh").kernel, 60), strict=True):
        assert own.overlaps(exact)
