"""Spherical harmonics counted by monomials, in exact integers; polynomials and moments against rationals and mpmath."""

import math
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, pairwise, product

import jaxtyping
import mpmath
import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from deepk.kernels.precise import precision
from deepk.spectra import multiplicity
from deepk.spectra.harmonics import (
    checked_dimension,
    largest_moment,
    leading_coefficients,
    monic_recurrence,
    power_moments,
    sphere_constant,
)

DIMENSIONS = [2, 3, 4, 5, 10, 784]

light = settings(max_examples=25, deadline=None)


@pytest.fixture
def annotations_are_not_enforced(monkeypatch):
    """As outside of these tests."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def contains(ball: arb, exact: Fraction) -> bool:
    with precision(500):  # a rational is a ball itself
        return ball.contains(arb(fmpq(exact.numerator, exact.denominator)))


@cache
def polynomial(d: int, k: int) -> tuple[Fraction, ...]:
    """Coefficients of P_k in powers of t, by Gram and Schmidt under the law of <x, y>; P_k(1) = 1."""
    found = [Fraction(0)] * k + [Fraction(1)]
    for lower in range(k - 2, -1, -2):
        p = polynomial(d, lower)
        share = expectation(d, [0] * k + [1], p) / expectation(d, p, p)
        found = [a - share * b for a, b in zip(found, [*p, *[Fraction(0)] * (k - lower)], strict=True)]
    return tuple(c / sum(found) for c in found)


def expectation(d: int, p: tuple | list, q: tuple | list) -> Fraction:
    """E p(T) q(T) for T = <x, y>, by E T^(2n) = 1 3 ... (2n - 1) / (d (d + 2) ... (d + 2n - 2))."""
    total = Fraction(0)
    for (i, a), (j, b) in product(enumerate(p), enumerate(q)):
        if (i + j) % 2 == 0:
            total += Fraction(a) * b * math.prod(Fraction(m + 1, d + m) for m in range(0, i + j, 2))
    return total


# How many there are -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [2, 3, 4, 6])
@pytest.mark.parametrize("k", [0, 1, 2, 3, 6])
def test_they_are_the_monomials_less_those_of_a_degree_lower_by_two(d, k):
    # every homogeneous polynomial is one harmonic and |x|^2 times another polynomial, in one way
    def monomials(degree: int) -> int:
        return sum(1 for _ in combinations_with_replacement(range(d), degree)) if degree >= 0 else 0

    assert multiplicity(d, k) == monomials(k) - monomials(k - 2)


@light
@given(d=st.integers(2, 10**6), k=st.integers(0, 300))
def test_those_up_to_a_degree_are_two_binomials(d, k):
    up_to = [math.comb(n + d - 1, d - 1) + math.comb(n + d - 2, d - 1) if n >= 0 else 0 for n in (k - 1, k)]
    assert multiplicity(d, k) == up_to[1] - up_to[0]


@pytest.mark.parametrize("d", [2, 3, 4, 7, 50])
def test_they_are_generated_by_one_plus_r_over_a_power_of_one_minus_r(d):
    terms = 40
    found = [multiplicity(d, k) for k in range(terms)]
    for _ in range(d - 1):  # times 1 - r
        found = [found[0], *(b - a for a, b in pairwise(found))]
    assert found == [1, 1, *[0] * (terms - 2)]


@pytest.mark.parametrize("d", [2, 3, 784, 10**9])
def test_the_constant_is_alone_and_linear_functions_are_as_many_as_the_dimension(d):
    assert multiplicity(d, 0) == 1
    assert multiplicity(d, 1) == d


@pytest.mark.parametrize("k", [1, 2, 17, 10**6, 10**20])
def test_in_the_plane_there_are_two_and_on_the_ordinary_sphere_one_more_than_twice_the_degree(k):
    assert multiplicity(2, k) == 2
    assert multiplicity(3, k) == 2 * k + 1
    assert multiplicity(4, k) == (k + 1) ** 2


@pytest.mark.parametrize(("d", "k"), [(784, 400), (3072, 1000), (10**6, 5), (5, 10**12)])
def test_huge_numbers_are_exact_integers(d, k):
    found = multiplicity(d, k)
    assert type(found) is int
    assert found == math.comb(k + d - 1, k if k < d else d - 1) - math.comb(k + d - 3, k - 2 if k < d else d - 1)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("integer", [np.int64, np.uint8, np.int32])
def test_integers_of_numpy_do_not_overflow(integer):
    assert multiplicity(integer(100), integer(100)) == multiplicity(100, 100) > 2**64


@pytest.mark.parametrize("d", [1, 0, -5])
def test_a_dimension_below_two_is_refused_in_one_line(d):
    for refusing in (lambda: multiplicity(d, 3), lambda: checked_dimension(d)):
        with pytest.raises(ValueError, match=rf"^dimension = {d}: it is at least 2[^\n]*$"):
            refusing()


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("d", [2.5, 3.0, "3", None])
def test_a_dimension_that_is_no_integer_is_refused_in_one_line(d):
    with pytest.raises(ValueError, match=rf"^dimension = {d} is not an integer$"):
        multiplicity(d, 3)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("k", [1.5, "3", None])
def test_a_degree_that_is_no_integer_is_refused_in_one_line(k):
    with pytest.raises(ValueError, match=rf"^degree = {k} is not an integer$"):
        multiplicity(3, k)


def test_a_negative_degree_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^degree = -1 is negative$"):
        multiplicity(3, -1)


# What integrals are made of ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", DIMENSIONS)
def test_the_law_of_a_product_of_unit_vectors_has_the_integral_one(d):
    # even about pi / 2, where it has width d^(-1/2)
    ends = mpmath.linspace(0, min(mpmath.pi / 2, 12 / mpmath.sqrt(d)), 5)
    integral = 2 * mpmath.quad(lambda t: mpmath.cos(t) ** (d - 2), ends)
    assert float(sphere_constant(d)) * float(integral) == pytest.approx(1, rel=1e-13)


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("k", [0, 1, 2, 3, 4, 9])
def test_the_leading_coefficient_is_that_of_the_orthogonal_polynomial(d, k):
    found = leading_coefficients(d, k)
    assert len(found) == k + 1
    assert contains(found[k], polynomial(d, k)[k])
    assert float(found[k].rad()) < 1e-13 * abs(float(found[k]))


@pytest.mark.parametrize("d", DIMENSIONS)
def test_the_recurrence_has_the_ratios_of_the_squares_of_polynomials_over_their_leading_coefficients(d):
    # E q_k^2 = E x q_(k-1) q_k = b_k E q_(k-1)^2
    monic = [[c / polynomial(d, k)[k] for c in polynomial(d, k)] for k in range(9)]
    squares = [expectation(d, q, q) for q in monic]
    found = monic_recurrence(d, 8)
    assert len(found) == 8
    for b, below, square in zip(found, squares, squares[1:], strict=False):
        assert contains(b, square / below)
        assert float(b.rad()) < 1e-15


@pytest.mark.parametrize("d", DIMENSIONS)
def test_the_first_moments_are_those_of_rationals(d):
    found = power_moments(d, 9)
    assert len(found) == 10
    for k, moment in enumerate(found):
        assert contains(moment, expectation(d, [0] * k + [1], polynomial(d, k)))
        assert float(moment.rad()) < 1e-13 * float(moment)


def moment(d: int, j: int, k: int) -> mpmath.mpf:
    """E t^j P_k(t) for j - k even and >= 0."""
    gamma = mpmath.gamma
    above = mpmath.factorial(j) * gamma(mpmath.mpf(d) / 2) * gamma(mpmath.mpf(j - k + 1) / 2)
    below = mpmath.mpf(2) ** k * mpmath.factorial(j - k) * mpmath.sqrt(mpmath.pi) * gamma(mpmath.mpf(j + k + d) / 2)
    return above / below


@pytest.mark.parametrize(("d", "j", "k"), [(2, 5, 3), (3, 4, 2), (5, 6, 0), (10, 9, 9), (784, 8, 4)])
def test_the_formula_for_moments_is_right(d, j, k):
    exact = expectation(d, [0] * j + [1], polynomial(d, k))
    assert float(moment(d, j, k)) == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize("d", [2, 3, 4, 20, 784])
@pytest.mark.parametrize("k", [0, 1, 2, 3, 10, 60])
def test_no_moment_is_beyond_the_largest(d, k):
    turn = max((k - 2) * (k + d) // (d - 1), k)
    around = [moment(d, j, k) for j in range(k, turn + 40, 2) if abs(j - turn) < 40 or j % 16 == k % 16]
    bound = float(largest_moment(d, k))
    # a bound for an integral of a positive and decreasing rest: 20 % above is no loss
    assert float(max(around)) <= bound <= 1.2 * float(max(around))
