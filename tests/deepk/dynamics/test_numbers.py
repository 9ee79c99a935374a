"""Numbers a + b sqrt(5): a field in its order, checked against mpmath, and their neighbours of Python and NumPy."""

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deepk.dynamics import GOLDEN_RATIO, Sqrt5, fibonacci
from deepk.dynamics.numbers import bits, exact, size

light = settings(max_examples=30, deadline=None)

EPS = float(np.finfo(np.float64).eps)  # the spacing of floats, relative: a neighbour of the nearest is that far
DIGITS = 50
# Denominators up to 100: different numbers differ by 1e-11 or more, see the test of the order.
RATIONALS = st.fractions(-100, 100, max_denominator=100)
NUMBERS = st.builds(Sqrt5, RATIONALS, RATIONALS)
OPERANDS = NUMBERS | RATIONALS | st.integers(-100, 100)

ZERO, ONE = Sqrt5(Fraction(0), Fraction(0)), Sqrt5(Fraction(1), Fraction(0))


def in_mpmath(number: Sqrt5 | Fraction | int) -> mp.mpf:
    if isinstance(number, Sqrt5):
        return in_mpmath(number.a) + in_mpmath(number.b) * mp.sqrt(5)
    return mp.mpf(number.numerator) / number.denominator


# The field --------------------------------------------------------------------------------------------------------


@light
@given(x=NUMBERS, y=NUMBERS, z=NUMBERS)
def test_the_axioms_of_a_field_hold_exactly(x, y, z):
    assert (x + y) + z == x + (y + z)
    assert (x * y) * z == x * (y * z)
    assert x + y == y + x
    assert x * y == y * x
    assert x * (y + z) == x * y + x * z
    assert x + ZERO == x
    assert x * ONE == x
    assert x + -x == ZERO
    assert x - y == x + -y
    if y != ZERO:
        assert y * (ONE / y) == ONE
        assert x / y * y == x


@light
@given(x=NUMBERS, y=OPERANDS)
def test_sums_products_and_quotients_are_those_of_mpmath_whichever_comes_first(x, y):
    with mp.workdps(DIGITS):
        a, b = in_mpmath(x), in_mpmath(y)
        found = [(x + y, a + b), (y + x, a + b), (x - y, a - b), (y - x, b - a), (x * y, a * b), (y * x, a * b)]
        found += [(x / y, a / b)] if y != 0 else []
        found += [(y / x, b / a)] if x != 0 else []
        # Terms up to 1e5, rounded at 50 digits; a quotient stretches them by 1e11 at most
        assert all(isinstance(number, Sqrt5) for number, _ in found)
        assert all(mp.almosteq(in_mpmath(number), true, rel_eps=1e-30, abs_eps=1e-30) for number, true in found)


@light
@given(x=NUMBERS, y=OPERANDS)
def test_the_order_is_that_of_mpmath(x, y):
    # x - y = c + d sqrt 5 with c^2 - 5 d^2 a multiple of 1e-16 and a conjugate below 1e3: 0, or above 1e-19
    with mp.workdps(DIGITS):
        gap = in_mpmath(x) - in_mpmath(y)
        sign = 0 if abs(gap) < 1e-30 else int(mp.sign(gap))
    assert (x > y, x >= y, x == y, x <= y, x < y) == (sign > 0, sign >= 0, sign == 0, sign <= 0, sign < 0)
    assert (y < x, y <= x, y == x, y >= x, y > x) == (sign > 0, sign >= 0, sign == 0, sign <= 0, sign < 0)


@light
@given(x=NUMBERS)
def test_the_absolute_value_has_the_sign_taken_away(x):
    assert abs(x) == x * x.sign == size(x)
    assert abs(x) >= 0
    assert (x.sign == 0) == (x == 0)


def test_the_golden_ratio_is_one_more_than_its_inverse():
    assert GOLDEN_RATIO * GOLDEN_RATIO == GOLDEN_RATIO + 1
    assert 1 / GOLDEN_RATIO == GOLDEN_RATIO - 1


@pytest.mark.parametrize("one", [ONE, Fraction(1), 1], ids=["Sqrt5", "Fraction", "int"])
@pytest.mark.parametrize("zero", [ZERO, GOLDEN_RATIO - GOLDEN_RATIO], ids=["zero", "a difference"])
def test_nothing_is_divided_by_zero(one, zero):
    with pytest.raises(ZeroDivisionError):
        one / zero


def test_a_rational_zero_divides_nothing_either():
    with pytest.raises(ZeroDivisionError):
        GOLDEN_RATIO / 0


# As floats --------------------------------------------------------------------------------------------------------


@light
@given(x=NUMBERS)
def test_as_a_float_it_is_the_nearest_or_one_beside_it(x):
    with mp.workdps(DIGITS):
        assert float(x) == pytest.approx(float(in_mpmath(x)), rel=EPS, abs=0)


@pytest.mark.parametrize("n", [1, 10, 100, 1400, 2000])
def test_digits_that_cancel_are_not_lost(n):
    # (1 - phi)^n = (-1)^n phi^-n is a difference of two numbers of size phi^n; from 1475 on they overflow
    power = ONE
    for _ in range(n):
        power = power * (1 - GOLDEN_RATIO)
    with mp.workdps(2 * n + DIGITS):
        assert float(power) == pytest.approx(float((1 - mp.phi) ** n), rel=EPS, abs=0)
    assert power.sign == (-1) ** n


def test_parts_that_are_no_floats_are_a_float_together():
    far = Fraction(10**400)
    root = Fraction(math.isqrt(5 * 10**1000), 10**500)  # of 5, to 500 digits
    assert float(Sqrt5(far * root + 3, -far)) == pytest.approx(3, rel=EPS)


# Among other numbers ----------------------------------------------------------------------------------------------


@light
@given(x=RATIONALS)
def test_a_rational_one_is_equal_to_the_fraction_and_found_in_its_place(x):
    number = Sqrt5(x, Fraction(0))
    assert number == x
    assert x == number
    assert hash(number) == hash(x)
    assert {number, x} == {x}


@light
@given(x=NUMBERS, y=NUMBERS)
def test_equal_numbers_have_equal_hashes(x, y):
    assume(y != 0)
    assert hash(x * y / y) == hash(x)


def test_an_integer_is_equal_to_the_same_of_python():
    assert Sqrt5(Fraction(7), Fraction(0)) == 7
    assert {7: "found"}[Sqrt5(Fraction(7), Fraction(0))] == "found"
    assert Sqrt5(Fraction(7), Fraction(1)) != 7
    assert GOLDEN_RATIO != "phi"


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__mul__", "__truediv__", "__lt__"])
def test_floats_and_exact_numbers_do_not_mix(operation):
    # each answers that it does not know how, and Python raises TypeError
    assert getattr(GOLDEN_RATIO, operation)(0.5) is NotImplemented
    assert getattr(GOLDEN_RATIO, operation.replace("__", "__r", 1), lambda _: NotImplemented)(0.5) is NotImplemented
    with pytest.raises(TypeError):
        GOLDEN_RATIO + 0.5


def test_integers_become_fractions_so_that_they_divide_exactly():
    root = Sqrt5(0, 1)
    assert root * root == 5
    assert 1 / root == Sqrt5(Fraction(0), Fraction(1, 5))
    assert isinstance((1 / root).b, Fraction)


@pytest.mark.parametrize(("a", "b"), [(0.5, 1), (Fraction(1), math.pi), (1, "1")])
def test_parts_that_are_no_rational_numbers_are_refused(a, b):
    with pytest.raises(TypeError):  # in tests by the annotations already
        Sqrt5(a, b)


def test_integers_of_numpy_become_those_of_python_which_do_not_overflow():
    large = np.int64(2**62)
    assert exact(large) * exact(large) == 2**124
    assert exact(Fraction(large, 3)) * 4 == Fraction(2**64, 3)
    assert GOLDEN_RATIO * large * large == GOLDEN_RATIO * 2**124


def test_only_rational_numbers_and_those_with_sqrt_5_are_exact():
    assert exact(GOLDEN_RATIO) is GOLDEN_RATIO
    assert exact(3) == Fraction(3)
    assert [exact(number) for number in (0.5, np.float64(0.5), 1j, "1", None)] == [None] * 5


def test_bits_are_those_of_the_longer_part():
    assert bits(Fraction(5, 8)) == 3 + 4
    assert bits(Sqrt5(Fraction(1, 2), Fraction(255, 256))) == 8 + 9


def test_fibonacci_numbers_by_binet() -> None:
    found = [fibonacci(n) for n in range(8)]
    assert found == [0, 1, 1, 2, 3, 5, 8, 13]
    phi = GOLDEN_RATIO
    power, conjugate = phi, 1 - phi  # phi^n, and (1 - phi)^n
    for n in range(1, 60):
        assert power - conjugate == fibonacci(n) * (2 * phi - 1)  # sqrt(5) F_n
        power, conjugate = power * phi, conjugate * (1 - phi)
