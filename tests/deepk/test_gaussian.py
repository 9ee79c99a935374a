"""Gaussian expectations on the line and in the plane: closed forms, kinks and jumps, and what has no expectation."""

import functools
import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deepk.gaussian import expectation, expectation_2d, plane_expectation

PROMISED = 1e-12  # relative to E |f|, in the docstrings
PROMISED_AT_A_JUMP = 1e-11  # that was not declared: 3 * 2^-40 of the density, where the bisection ends

# In the plane: independent, both signs, both ends, and so close to them that nodes in (Z1, Z2) would follow a ridge.
CORRELATIONS = (0.0, 0.3, -0.3, 0.5, -0.5, 0.9, -0.9, 1 - 1e-9, -1 + 1e-9, 1 - 1e-15, 1.0, -1.0)

light = settings(max_examples=25, deadline=None)


def close(value: float, promise: float = PROMISED) -> object:
    return pytest.approx(value, rel=promise, abs=0)


def double_factorial(n: int) -> int:
    return math.prod(range(n, 0, -2))


def step(z: torch.Tensor) -> torch.Tensor:
    return (z > 0).double()


# Smooth integrands ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", range(11))  # to z^20, beyond which the cut at 13 standard deviations begins to show
def test_an_even_moment_is_a_double_factorial(k):
    assert expectation(lambda z: z ** (2 * k)) == close(double_factorial(2 * k - 1))


@pytest.mark.parametrize("k", range(10))
def test_an_odd_moment_vanishes(k):
    # Against the absolute moment E|Z|^(2k+1) = 2^k k! sqrt(2/pi), whose two halves cancel.
    scale = 2**k * math.factorial(k) * math.sqrt(2 / math.pi)
    assert expectation(lambda z: z ** (2 * k + 1)) == pytest.approx(0, abs=PROMISED * scale)


@light
@given(t=st.floats(-4, 4))
def test_the_moment_generating_function_is_a_gaussian(t):
    # e^(tz) moves the density's peak to t <= 4, so that the cut is 9 standard deviations away: 1e-19 is lost.
    assert expectation(lambda z: (t * z).exp()) == close(math.exp(t**2 / 2))


@light
@given(t=st.floats(-100, 100))
def test_the_characteristic_function_is_a_gaussian(t):
    assert expectation(lambda z: (t * z).cos()) == pytest.approx(math.exp(-(t**2) / 2), abs=PROMISED)


@light
@given(a=st.floats(0, 4), b=st.floats(-3, 3))
def test_integration_by_parts_gives_steins_identity(a, b):
    # E Z f(Z) = E f'(Z) for f = tanh(a z + b).
    slope = expectation(lambda z: a * (a * z + b).cosh() ** -2)
    # E |Z f| and E f' are at most 4.
    assert expectation(lambda z: z * (a * z + b).tanh()) == pytest.approx(slope, abs=4 * PROMISED)


@pytest.mark.parametrize(
    ("f", "value"),
    [
        # mpmath 1.3 at 30 digits: quad of npdf(z) f(z) over [-20, 20], in eight pieces and more
        (lambda z: z.tanh() ** 2, 0.39429449039784117442),
        (lambda z: (1 + z.exp()).log(), 0.80605918334743978453),
        (lambda z: 1 / (1 + 25 * z * z), 0.21518892798304273827),  # poles at +-i/5
        (lambda z: (1000 * z).tanh() ** 2, 0.99920211576731372516),  # all of it but 0.1 % beside zero
    ],
)
def test_an_analytic_integrand_agrees_with_mpmath(f, value):
    assert expectation(f) == close(value)


@pytest.mark.parametrize("a", [10.0, 100.0, 500.0])  # beyond, the first nodes, 0.005 from zero, do not see the slope
def test_a_steep_sigmoid_at_zero_is_resolved(a):
    assert expectation(lambda z: (a * z).erf() ** 2) == close(arcsine(a, a, 1.0))


@pytest.mark.parametrize("a", [1e3, 1e5, 1e7])
def test_a_slope_too_steep_for_the_first_nodes_is_resolved_between_declared_points(a):
    points = tuple(k / a for k in (-16, -4, -1, 1, 4, 16))
    assert expectation(lambda z: (a * z).erf() ** 2, kinks=points) == close(arcsine(a, a, 1.0))


# Kinks and jumps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "value"),
    [
        (lambda z: z.relu(), 1 / math.sqrt(2 * math.pi)),
        (lambda z: z.relu() ** 2, 1 / 2),
        (lambda z: z.abs(), math.sqrt(2 / math.pi)),
        (lambda z: z.abs() ** 3, 2 * math.sqrt(2 / math.pi)),
        (step, 1 / 2),
        (lambda z: (-z.abs()).exp(), math.exp(1 / 2) * math.erfc(math.sqrt(1 / 2))),
    ],
)
def test_an_integrand_kinked_at_zero_has_its_closed_form(f, value):
    assert expectation(f, kinks=(0.0,)) == close(value)


def upper_tail(a: float) -> float:
    return float(mpmath.ncdf(-a))  # relative accuracy in the tail, 1e-9 at a = 6


def shifted_relu(a: float) -> float:
    """E max(Z - a, 0) = density(a) - a P(Z > a), two terms that cancel for large a."""
    with mpmath.workdps(30):
        return float(mpmath.npdf(a) - a * mpmath.ncdf(-a))


@pytest.mark.parametrize("a", [-3.0, -1.0, -0.1, 0.3, 1.0, 2.5, 6.0])
def test_a_step_gives_the_upper_tail_of_the_normal_distribution(a):
    assert expectation(lambda z: step(z - a), kinks=(a,)) == close(upper_tail(a))


@light
@given(a=st.floats(-6, 6))
def test_a_shifted_relu_has_its_closed_form(a):
    assert expectation(lambda z: (z - a).relu(), kinks=(a,)) == close(shifted_relu(a))


@light
@given(a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_two_kinks_in_any_order_give_the_probability_between_them(a, b):
    low, high = min(a, b), max(a, b)
    between = expectation(lambda z: ((z > low) & (z < high)).double(), kinks=(a, b))
    # The difference of two numbers of at most 1, which scipy has to a rounding each.
    assert between == pytest.approx(stats.norm.cdf(high) - stats.norm.cdf(low), abs=4 * 2.0**-53, rel=PROMISED)


UNDECLARED = (-5.0, -3.3, -1.0, -0.1, 0.3, 1.0, 2.5, 5.0)
# Between the end of a piece and its first node, 0.24 % of the piece away: 2.2086 and 5.994 of the mesh to begin with,
# the others after bisections.
HIDDEN = (0.549, 1.6491, 2.2086, 4.1025, 5.994)


@pytest.mark.parametrize("a", UNDECLARED)
def test_a_kink_that_is_not_declared_is_found_by_bisection(a):
    assert expectation(lambda z: (z - a).relu()) == close(shifted_relu(a))


@pytest.mark.parametrize("a", UNDECLARED)
def test_a_jump_that_is_not_declared_is_found_by_bisection(a):
    assert expectation(lambda z: step(z - a)) == close(upper_tail(a), PROMISED_AT_A_JUMP)


@pytest.mark.parametrize("a", HIDDEN)
def test_a_jump_that_hides_from_the_nodes_costs_some_per_cent_and_nothing_once_it_is_declared(a):
    assert expectation(lambda z: step(z - a)) == close(upper_tail(a), 0.05)
    assert expectation(lambda z: step(z - a), kinks=(a,)) == close(upper_tail(a))


def test_a_declared_point_where_nothing_happens_changes_nothing_but_roundings():
    assert expectation(lambda z: z.tanh() ** 2, kinks=(-0.7, 0.2, 3.0)) == close(0.39429449039784117442)


@pytest.mark.parametrize("kink", [-1e9, -14.0, 14.0, math.inf])
def test_a_kink_beyond_the_cut_changes_nothing(kink):
    assert expectation(torch.tanh, kinks=(kink,)) == expectation(torch.tanh)


@pytest.mark.parametrize("kink", [-1e9, -14.0, 14.0])
def test_a_kink_beyond_the_cut_changes_nothing_in_the_plane(kink):
    plain = expectation_2d(torch.tanh, torch.erf, 0.4)
    assert expectation_2d(torch.tanh, torch.erf, 0.4, kinks=(kink,)) == close(plain)


def test_the_integrand_is_given_float64_nodes_in_one_dimension():
    seen = set()
    expectation(lambda z: seen.add((z.dtype, z.ndim)) or z.abs().sqrt())
    expectation_2d(lambda z: seen.add((z.dtype, z.ndim)) or z.relu(), torch.tanh, 0.3, kinks=(0.0,))
    assert seen == {(torch.float64, 1)}


def test_an_integrand_that_works_in_place_changes_no_other_expectation():
    kinks = (0.123,)  # of this test alone: should nodes be shared and spoilt, then no other test's
    expectation(lambda z: z.relu_(), kinks=kinks)
    assert expectation(lambda z: z * z, kinks=kinks) == close(1)


# In the plane: closed forms ---------------------------------------------------------------------------------------


def arc_cosine(order: int, c: float) -> float:
    """E max(X, 0)^n max(Y, 0)^n = J_n(theta) / 2 pi at correlation cos(theta): Cho and Saul 2009, equations 4 to 6.

    With 50 digits: towards c = -1 the terms of J_2 cancel from size 1 to theta^5.
    """
    with mpmath.workdps(50):
        theta = mpmath.acos(mpmath.mpf(c))
        rest, sine, cosine = mpmath.pi - theta, mpmath.sin(theta), mpmath.cos(theta)
        j = (rest, sine + rest * cosine, 3 * sine * cosine + rest * (1 + 2 * cosine**2))
        return float(j[order] / (2 * mpmath.pi))


@pytest.mark.parametrize("c", CORRELATIONS)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_a_power_of_relu_has_its_arc_cosine_kernel(order, c):
    f: Callable = (step, torch.relu, lambda z: z.relu() ** 2)[order]
    true = arc_cosine(order, c)
    # At c = -1 the true value is zero but for the 50 digits.
    assert expectation_2d(f, f, c, kinks=(0.0,)) == pytest.approx(true, rel=PROMISED, abs=1e-45)


def arcsine(a: float, b: float, c: float) -> float:
    """E erf(a X) erf(b Y): Williams 1997, "Computing with infinite networks", equation 11."""
    with mpmath.workdps(40):
        a, b, c = (mpmath.mpf(value) for value in (a, b, c))
        return float(2 / mpmath.pi * mpmath.asin(2 * a * b * c / mpmath.sqrt((1 + 2 * a * a) * (1 + 2 * b * b))))


@pytest.mark.parametrize("c", CORRELATIONS)
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.5, 3.0), (20.0, 1.0)])
def test_two_error_functions_obey_the_arcsine_law(a, b, c):
    value = expectation_2d(lambda z: (a * z).erf(), lambda z: (b * z).erf(), c)
    # E |f g| is between 0.1 and 1
    assert value == pytest.approx(arcsine(a, b, c), rel=0, abs=PROMISED)


@pytest.mark.parametrize("c", [0.0, 0.5, 1 - 1e-9, -1.0])
@pytest.mark.parametrize("a", [1e3, 1e5])
def test_two_steep_error_functions_obey_the_arcsine_law_between_declared_points(a, c):
    points = tuple(k / a for k in (-16, -4, -1, 1, 4, 16))
    value = expectation_2d(lambda z: (a * z).erf(), lambda z: (a * z).erf(), c, kinks=points)
    assert value == pytest.approx(arcsine(a, a, c), rel=0, abs=PROMISED)


@pytest.mark.parametrize("c", CORRELATIONS)
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.5, 2.0), (5.0, 4.5)])
def test_sines_and_cosines_give_hyperbolic_functions_of_the_correlation(a, b, c):
    damping = math.exp(-(a * a + b * b) / 2)
    sines = expectation_2d(lambda z: (a * z).sin(), lambda z: (b * z).sin(), c)
    cosines = expectation_2d(lambda z: (a * z).cos(), lambda z: (b * z).cos(), c)
    # |sin|, |cos| <= 1, so that E |f g| is at most 1, and at least 0.1 here
    assert sines == pytest.approx(damping * math.sinh(a * b * c), abs=PROMISED)
    assert cosines == pytest.approx(damping * math.cosh(a * b * c), abs=PROMISED)


@light
@given(s=st.floats(-2, 2), t=st.floats(-2, 2), c=st.floats(-1, 1))
def test_two_exponentials_give_the_bivariate_moment_generating_function(s, t, c):
    value = expectation_2d(lambda z: (s * z).exp(), lambda z: (t * z).exp(), c)
    assert value == close(math.exp((s * s + t * t) / 2 + s * t * c))


@pytest.mark.parametrize("c", [0.0, 0.4, -0.7, 0.99, 1.0, -1.0])
def test_hermite_polynomials_are_orthogonal_between_correlated_variables(c):
    """E h_j(Z1) h_k(Z2) = delta_jk c^j, for normalized probabilists' polynomials: Mehler's formula."""

    def hermite(degree: int, z: torch.Tensor) -> torch.Tensor:
        coefficients = np.zeros(degree + 1)
        coefficients[degree] = 1 / math.sqrt(math.factorial(degree))
        return torch.from_numpy(np.polynomial.hermite_e.hermeval(z.numpy(), coefficients))

    for j in range(6):
        for k in range(6):
            value = expectation_2d(functools.partial(hermite, j), functools.partial(hermite, k), c)
            # E |h_j h_k| <= 1 by Cauchy-Schwarz
            assert value == pytest.approx(c**j if j == k else 0.0, abs=PROMISED), (j, k)


# E f(X - a) g(Y - b) at correlation c. mpmath 1.3 at 30 digits: quad over x from a to 25 of npdf(x) f(x - a) times the
# conditional expectation in closed form, P(Y > b | x) = ncdf(u) and E[max(Y - b, 0) | x] = s (u ncdf(u) + npdf(u)) with
# s = sqrt(1 - c^2) and u = (c x - b) / s.
SHIFTED = [
    (step, 0.5, step, 0.5, 0.5, 0.16331952130906337174),
    (step, -1.0, step, 0.7, -0.4, 0.16882028736683599311),
    (step, 1.0, step, 2.0, 0.9, 0.022501572916410804287),
    (step, 0.3, step, 0.3, 1 - 1e-9, 0.38208177337915137273),
    (step, 0.3, step, -0.3, -0.999, 0.0068049480994494600626),
    (step, -2.0, step, 1.5, 0.1, 0.065886166146540553153),
    (torch.relu, 0.5, torch.relu, 0.5, 0.5, 0.10311877762261581614),
    (torch.relu, -1.0, torch.relu, 0.7, -0.4, 0.079985757182871528326),
    (torch.relu, 1.0, torch.relu, 2.0, 0.9, 0.011989164751515466317),
    (torch.relu, 0.3, torch.relu, 0.3, 1 - 1e-9, 0.30206020479380037486),
    (torch.relu, -2.0, torch.relu, 1.5, 0.1, 0.065422733996705339026),
    (torch.relu, 0.5, step, 0.5, 0.5, 0.12240522227624420122),
    (torch.relu, -1.0, step, 0.7, -0.4, 0.16084740856223420772),
    (torch.relu, 1.0, step, 2.0, 0.99, 0.030700924899877000494),
]


@pytest.mark.parametrize(("f", "a", "g", "b", "c", "value"), SHIFTED)
def test_shifted_kinks_and_jumps_agree_with_mpmath(f, a, g, b, c, value):
    assert expectation_2d(lambda z: f(z - a), lambda z: g(z - b), c, kinks=(a, b)) == close(value)


@settings(light, max_examples=10)
@given(a=st.floats(-2, 2), b=st.floats(-2, 2), c=st.floats(-0.99, 0.99))
def test_two_steps_give_the_orthant_probability_of_scipy(a, b, c):
    probability = stats.multivariate_normal(cov=[[1, c], [c, 1]]).cdf([-a, -b])
    # Genz's bivariate algorithm is good to 1e-15 or so in absolute terms.
    value = expectation_2d(lambda z: step(z - a), lambda z: step(z - b), c, kinks=(a, b))
    assert value == pytest.approx(probability, rel=0, abs=1e-14)


# In the plane: identities -----------------------------------------------------------------------------------------

PAIRS = {
    "tanh, sin": (torch.tanh, torch.sin, ()),
    "relu, tanh": (torch.relu, torch.tanh, (0.0,)),
    "kinks at 0.4 and -1": (lambda z: (z - 0.4).relu(), lambda z: (z + 1).abs(), (0.4, -1.0)),
    "step, exp": (step, torch.exp, (0.0,)),
}


@pytest.mark.parametrize("c", [0.0, 0.6, -0.6, 1.0])
@pytest.mark.parametrize("pair", PAIRS)
def test_the_order_of_two_functions_does_not_matter(pair, c):
    f, g, kinks = PAIRS[pair]
    # E |f g| is between 0.1 and 2
    assert expectation_2d(f, g, c, kinks=kinks) == pytest.approx(expectation_2d(g, f, c, kinks=kinks), abs=PROMISED)


@pytest.mark.parametrize("pair", PAIRS)
def test_without_correlation_the_expectation_is_a_product(pair):
    f, g, kinks = PAIRS[pair]
    product = expectation(f, kinks=kinks) * expectation(g, kinks=kinks)
    assert expectation_2d(f, g, 0.0, kinks=kinks) == pytest.approx(product, abs=PROMISED)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("pair", PAIRS)
def test_at_full_correlation_the_plane_is_a_line(pair, sign):
    f, g, kinks = PAIRS[pair]
    both = {*kinks, *(sign * kink for kink in kinks)}
    line = expectation(lambda z: f(z) * g(sign * z), kinks=tuple(both))
    assert expectation_2d(f, g, sign, kinks=kinks) == pytest.approx(line, abs=PROMISED)


@pytest.mark.parametrize("c", CORRELATIONS)
@pytest.mark.parametrize("kinks", [(0.0,), (-1.0, 0.4), (0.0, 0.7)])
def test_declaring_the_symmetry_changes_nothing_but_roundings(kinks, c):
    def h(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        def f(z: np.ndarray) -> np.ndarray:
            return sum(np.abs(z - kink) + (z > kink) for kink in kinks)

        return f(x) * f(y)

    plain = plane_expectation(h, c, kinks=kinks)
    assert plane_expectation(h, c, kinks=kinks, symmetric=True) == close(plain)


@pytest.mark.parametrize("c", [0.0, 0.4, -0.8])
@pytest.mark.parametrize(
    ("f", "slope_f", "g", "slope_g", "kinks"),
    [
        (torch.tanh, lambda z: z.cosh() ** -2, torch.sin, torch.cos, ()),
        (torch.relu, step, torch.tanh, lambda z: z.cosh() ** -2, (0.0,)),
        (torch.relu, step, lambda z: (z - 1).relu(), lambda z: step(z - 1), (0.0, 1.0)),
    ],
)
def test_prices_theorem_holds(f, slope_f, g, slope_g, kinks, c):
    """d/dc E f(X) g(Y) = E f'(X) g'(Y)."""
    h = 1e-3
    at = {k: expectation_2d(f, g, c + k * h, kinks=kinks) for k in (-2, -1, 1, 2)}
    difference = (at[-2] - 8 * at[-1] + 8 * at[1] - at[2]) / (12 * h)
    # h^4 / 30 times the fifth derivative in c, of order 1e3 at c = -0.8: 3e-11; and roundings over h: 1e-13.
    slope = expectation_2d(slope_f, slope_g, c, kinks=kinks)
    assert difference == pytest.approx(slope, rel=0, abs=1e-10)


# In the plane: functions of both ----------------------------------------------------------------------------------


@pytest.mark.parametrize("c", CORRELATIONS)
@pytest.mark.parametrize(
    ("h", "value"),
    [
        (lambda x, y: x**2 * y**2, lambda c: 1 + 2 * c * c),
        (lambda x, y: np.cos(x - y), lambda c: math.exp(c - 1)),
        (lambda x, y: np.exp(-((x + y) ** 2) / 2), lambda c: 1 / math.sqrt(3 + 2 * c)),
    ],
)
def test_a_function_of_both_variables_has_its_closed_form(h, value, c):
    assert plane_expectation(h, c) == close(value(c))


@pytest.mark.parametrize("gap", [1.0, 1e-3, 1e-9, 1e-15])
def test_a_squared_difference_keeps_its_digits_where_the_correlation_is_close_to_one(gap):
    c = 1 - gap

    def squared_difference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (np.maximum(x, 0) - np.maximum(y, 0)) ** 2

    with mpmath.workdps(50):  # E relu(X)^2 + E relu(Y)^2 - 2 E relu(X) relu(Y), the last Cho and Saul's kernel
        theta = mpmath.acos(mpmath.mpf(c))
        true = 1 - (mpmath.sin(theta) + (mpmath.pi - theta) * mpmath.cos(theta)) / mpmath.pi
    # X - Y is of size sqrt(gap), a difference of numbers of size 1 that are rounded.
    promise = max(PROMISED, 2.0**-52 / math.sqrt(gap))
    assert plane_expectation(squared_difference, c, kinks=(0.0,), symmetric=True) == close(float(true), promise)


# What has no expectation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("c", [1.1, -1.1, 1 + 1e-15, math.nan, math.inf])
def test_a_correlation_outside_its_range_is_refused(c):
    with pytest.raises(ValueError, match=r"correlation = .* is not in \[-1, 1\]"):
        expectation_2d(torch.tanh, torch.tanh, c)


TOO_FAST = {
    "exp(z^2 / 2), infinite": lambda z: (z * z / 2).exp(),
    "exp(z^2 / 4)^2, infinite": lambda z: (z * z / 4).exp() ** 2,
    "exp(0.45 z^2), a part of 1e-4 beyond 13": lambda z: (0.45 * z * z).exp(),
    "exp(12 z), half of it beyond 12": lambda z: (12 * z).exp(),
    "z^100, all of it around 10": lambda z: z**100,
}


@pytest.mark.parametrize("f", TOO_FAST.values(), ids=TOO_FAST)
def test_a_function_that_lives_far_out_is_refused(f):
    with pytest.raises(ValueError, match="grows too fast"):
        expectation(f)


@pytest.mark.parametrize("f", TOO_FAST.values(), ids=TOO_FAST)
def test_a_function_that_lives_far_out_is_refused_in_the_plane(f):
    with pytest.raises(ValueError, match="grows too fast"):
        expectation_2d(f, torch.cos, 0.5)


@pytest.mark.parametrize("f", [lambda z: z.exp().exp(), torch.sqrt, torch.log, lambda z: z / z.relu()])
def test_a_function_that_is_not_finite_is_refused(f):
    with pytest.raises(ValueError, match="not finite, or overflows"):
        expectation(f)
    with pytest.raises(ValueError, match="not finite, or overflows"):
        expectation_2d(f, torch.tanh, 0.5)


def test_two_functions_whose_product_alone_has_no_expectation_are_refused():
    def half(z: torch.Tensor) -> torch.Tensor:
        return (z * z / 4).exp()  # E half(Z) = sqrt(2)

    with pytest.raises(ValueError, match="grows too fast"):
        expectation_2d(half, half, 1.0)


@pytest.mark.parametrize("c", [0.0, 0.3, -0.3])
def test_what_grows_but_has_an_expectation_on_the_line_has_it_in_the_plane(c):
    # E exp(Z^2 / 4) = sqrt(2), and all but 1e-19 of it within 13 standard deviations.
    assert expectation(lambda z: (z * z / 4).exp()) == close(math.sqrt(2))
    assert expectation_2d(lambda z: (z * z / 4).exp(), torch.ones_like, c) == close(math.sqrt(2))


@pytest.mark.parametrize("f", [torch.sin, torch.cos])
def test_an_oscillation_too_fast_to_resolve_is_refused(f):
    with pytest.raises(ValueError, match="oscillates too fast"):
        expectation(lambda z: f(1e6 * z))


def test_an_oscillation_too_fast_to_resolve_is_refused_in_the_plane():
    with pytest.raises(ValueError, match="oscillates too fast"):
        expectation_2d(lambda z: (1e6 * z).sin(), torch.tanh, 0.5)


def test_the_zero_function_has_expectation_zero():
    assert expectation(torch.zeros_like) == 0
    assert expectation_2d(torch.zeros_like, torch.exp, 0.5) == 0
