"""Gaussian expectations: moments, transforms and kinked integrands against their closed forms."""

import math

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from deepk.gaussian import expectation

# NumPy's outermost Gauss-Legendre weights of 160 are off by 1.5e-11 relative (against 40 digits); a panel that starts
# in the steep tail of the density feels 1.1e-13 of it, the others 2e-14 or so. All else is a rounding or two.
QUADRATURE = 2e-13


def close(value: float) -> object:
    return pytest.approx(value, rel=QUADRATURE, abs=0)


def double_factorial(n: int) -> int:
    return math.prod(range(n, 0, -2))


# Smooth integrands ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", range(11))  # to z^20, beyond which the cut at 13 standard deviations begins to show
def test_an_even_moment_is_a_double_factorial(k):
    assert expectation(lambda z: z ** (2 * k)) == close(double_factorial(2 * k - 1))


@pytest.mark.parametrize("k", range(10))
def test_an_odd_moment_vanishes(k):
    # Against the absolute moment E|Z|^(2k+1) = 2^k k! sqrt(2/pi), whose two halves cancel.
    scale = 2**k * math.factorial(k) * math.sqrt(2 / math.pi)
    assert expectation(lambda z: z ** (2 * k + 1)) == pytest.approx(0, abs=QUADRATURE * scale)


@given(t=st.floats(-4, 4))
def test_the_moment_generating_function_is_a_gaussian(t):
    # e^(tz) moves the density's peak to t <= 4, so that the cut is 9 standard deviations away: 1e-19 is lost.
    assert expectation(lambda z: (t * z).exp()) == close(math.exp(t**2 / 2))


@given(t=st.floats(-6, 6))
def test_the_characteristic_function_is_a_gaussian(t):
    assert expectation(lambda z: (t * z).cos()) == pytest.approx(math.exp(-(t**2) / 2), abs=QUADRATURE)


@given(a=st.floats(0, 4), b=st.floats(-3, 3))
def test_integration_by_parts_gives_steins_identity(a, b):
    # E Z f(Z) = E f'(Z) for f = tanh(a z + b).
    slope = expectation(lambda z: a * (a * z + b).cosh() ** -2)
    # Both sides are at most 4, a quantity of size one for the absolute error.
    assert expectation(lambda z: z * (a * z + b).tanh()) == pytest.approx(slope, abs=4 * QUADRATURE)


# Kinks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "value"),
    [
        (lambda z: z.relu(), 1 / math.sqrt(2 * math.pi)),
        (lambda z: z.relu() ** 2, 1 / 2),
        (lambda z: z.abs(), math.sqrt(2 / math.pi)),
        (lambda z: z.abs() ** 3, 2 * math.sqrt(2 / math.pi)),
        (lambda z: (z > 0).double(), 1 / 2),
        (lambda z: (-z.abs()).exp(), math.exp(1 / 2) * math.erfc(math.sqrt(1 / 2))),
    ],
)
def test_an_integrand_kinked_at_zero_has_its_closed_form(f, value):
    assert expectation(f, kinks=(0.0,)) == close(value)


@pytest.mark.parametrize("a", [-3.0, -1.0, -0.1, 0.3, 1.0, 2.5, 6.0])
def test_a_step_gives_the_upper_tail_of_the_normal_distribution(a):
    exact = float(mpmath.ncdf(-a))  # relative accuracy in the tail, 1e-9 at a = 6
    assert expectation(lambda z: (z > a).double(), kinks=(a,)) == close(exact)


@given(a=st.floats(-5, 5))
def test_a_shifted_relu_has_its_closed_form(a):
    # E max(Z - a, 0) = density(a) - a P(Z > a); the two terms, at most 5, cancel for a > 0.
    exact = stats.norm.pdf(a) - a * stats.norm.sf(a)
    assert expectation(lambda z: (z - a).relu(), kinks=(a,)) == pytest.approx(exact, abs=5 * QUADRATURE)


@given(a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_two_kinks_in_any_order_give_the_probability_between_them(a, b):
    low, high = min(a, b), max(a, b)
    between = expectation(lambda z: ((z > low) & (z < high)).double(), kinks=(a, b))
    assert between == pytest.approx(stats.norm.cdf(high) - stats.norm.cdf(low), abs=QUADRATURE)


def test_a_kink_that_is_not_declared_costs_ten_digits():
    # Why the argument exists: one step inside a panel of 160 nodes is misplaced by up to a node's spacing.
    exact = stats.norm.sf(0.5)
    assert abs(expectation(lambda z: (z > 0.5).double()) - exact) > 1e3 * QUADRATURE * exact


@pytest.mark.parametrize("kink", [-1e9, -14.0, 14.0, math.inf])
def test_a_kink_beyond_the_cut_changes_nothing(kink):
    assert expectation(torch.tanh, kinks=(kink,)) == expectation(torch.tanh)


def test_the_integrand_is_given_float64_nodes_in_one_dimension():
    seen = []
    expectation(lambda z: seen.append((z.dtype, z.ndim)) or z)
    assert seen == [(torch.float64, 1)]
