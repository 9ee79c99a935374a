"""Hermite polynomials to degree 1000 in 60 digits, and Hermite coefficients in closed form and against mpmath."""

import math
from functools import cache

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln

from deepk.activations import Activation, get
from deepk.gaussian import expectation, expectation_2d
from deepk.hermite import hermite, hermite_coefficients, monte_carlo_coefficients

EPS = 2.0**-52
LARGEST = np.finfo(np.float64).max
PROMISED = 1e-12  # of a coefficient, relative to sqrt(E phi^2), in the docstring

light = settings(max_examples=25, deadline=None)

# Polynomials ------------------------------------------------------------------------------------------------------


@cache
def exact_hermite(x: float, degree: int = 1000) -> list[mpmath.mpf]:
    """h_0(x), ..., h_degree(x) by the recurrence in 60 digits."""
    with mpmath.workdps(60):
        point, found, root = mpmath.mpf(x), [mpmath.mpf(1), mpmath.mpf(x)], mpmath.mpf(1)
        for j in range(1, degree):
            last_root, root = root, mpmath.sqrt(j + 1)
            found.append((point * found[-1] - last_root * found[-2]) / root)
    return found


# Within the oscillation, at its edge 2 sqrt(k) = 63.2 for k = 1000, next to zero, and where h_1000 ends in float64: at
# 38.3 outside of the oscillation of lower degrees, and at 53 within that of the highest.
POINTS = (0.0, 5e-324, 1e-8, 0.3, 1.0, math.sqrt(3), 2.5, 7.0, 13.0, 20.0, 30.0, 38.3, 45.0, 52.0, 53.0, 53.2, 54.0)
DEGREES = (0, 1, 2, 3, 4, 10, 31, 100, 365, 720, 999, 1000)


@pytest.mark.parametrize("x", [*POINTS, *(-x for x in POINTS)])
def test_a_polynomial_agrees_with_sixty_digits_as_far_as_float64_goes(x):
    exact = exact_hermite(x)
    for k in DEGREES:
        if abs(exact[k]) > LARGEST:
            assert hermite(k, x) == math.copysign(math.inf, exact[k]), k
        else:
            # Next to a zero of h_k, an error is relative to its neighbour; each step of the recurrence rounds twice.
            size = max(abs(exact[k]), abs(exact[k - 1]) if k else 0)
            assert abs(hermite(k, x) - exact[k]) <= 2 * (k + 1) * EPS * size, k


@pytest.mark.parametrize("x", [1e3, 1e10, 1e150, 1e160, 1e307])
def test_beyond_float64_a_polynomial_is_infinite_with_its_sign(x):
    for k in (200, 999, 1000):
        assert hermite(k, x) == math.inf
        assert hermite(k, -x) == (-1) ** k * math.inf


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 1000])
def test_a_polynomial_of_an_infinite_number_is_infinite(k):
    # without a warning, which is an error here
    assert hermite(k, math.inf) == math.inf
    assert hermite(k, -math.inf) == (-1) ** k * math.inf
    ends = torch.tensor([math.inf, -math.inf], dtype=torch.float32)
    assert hermite(k, ends).tolist() == [math.inf, (-1) ** k * math.inf]


def test_a_constant_is_one_at_infinity_too():
    assert hermite(0, np.array([math.inf, -math.inf, 1e300])).tolist() == [1, 1, 1]


@pytest.mark.parametrize("x", [0.99e100, 1.01e100, 1e102, 1e153, 1e155, 1e307])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_a_huge_argument_leaves_the_leading_term(k, x):
    with mpmath.workdps(30):
        exact = mpmath.mpf(x) ** k / mpmath.sqrt(mpmath.factorial(k))
    expected = float(exact) if exact < LARGEST else math.inf
    assert hermite(k, x) == pytest.approx(expected, rel=2 * (k + 1) * EPS)
    assert hermite(k, -x) == (-1) ** k * hermite(k, x)


def test_a_huge_number_spoils_no_neighbour():
    x = np.array([1e300, 0.5, -math.inf, 2.0, math.nan])
    value = hermite(7, x)
    assert value[[0, 2]].tolist() == [math.inf, -math.inf]
    assert value[[1, 3]].tolist() == [hermite(7, 0.5), hermite(7, 2.0)]
    assert math.isnan(value[4])


def test_a_large_argument_of_low_degree_is_not_lost():
    # h_2 = (x^2 - 1) / sqrt(2)
    assert hermite(2, 1e154) == pytest.approx(1e154 * (1e154 / math.sqrt(2)), rel=4 * EPS)
    assert hermite(1, 1e308) == 1e308


def test_beyond_float32_an_array_and_a_tensor_of_that_type_are_infinite():
    assert hermite(100, np.full(2, 200, np.float32)).tolist() == [math.inf] * 2
    assert hermite(100, torch.full((2,), 200.0)).tolist() == [math.inf] * 2


def test_a_nan_stays_one_and_spoils_no_neighbour():
    value = hermite(5, np.array([math.nan, 1.0]))
    assert math.isnan(value[0])
    assert value[1] == hermite(5, 1.0)


def test_the_polynomials_are_orthonormal():
    # A Gauss rule of 100 nodes integrates degree 199, its weights being good to 1e-13.
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    table = np.stack([hermite(k, nodes) for k in range(61)])
    gram = table * (weights / math.sqrt(2 * math.pi)) @ table.T
    assert gram == pytest.approx(np.eye(61), abs=1e-12)


@light
@given(k=st.integers(0, 1000), x=st.floats(-30, 30))
def test_a_polynomial_is_even_or_odd_like_its_degree(k, x):
    assert hermite(k, -x) == (-1) ** k * hermite(k, x)


@light
@given(x=st.floats(-5, 5), t=st.floats(-2, 2))
def test_the_generating_function_is_an_exponential(x, t):
    # sum h_k(x) t^k / sqrt(k!) = exp(x t - t^2 / 2). |h_k(x)| <= exp(x^2 / 4) < 600, and 2^50 / sqrt(50!) = 6e-18.
    terms = [hermite(k, x) * t**k / math.sqrt(math.factorial(k)) for k in range(50)]
    size = sum(map(abs, terms))
    assert math.fsum(terms) == pytest.approx(math.exp(x * t - t * t / 2), rel=0, abs=1e-14 + 100 * EPS * size)


@light
@given(k=st.integers(1, 200), x=st.floats(-5, 5), h=st.sampled_from([1e-5]))
def test_the_slope_is_sqrt_k_times_the_polynomial_before(k, x, h):
    slope = (hermite(k, x + h) - hermite(k, x - h)) / (2 * h)
    # |h_k| <= exp(x^2 / 4) up to a constant. The third derivative is at most k^(3/2) times that; rounding is k eps.
    size = math.exp(x * x / 4) * 2
    assert abs(slope - math.sqrt(k) * hermite(k - 1, x)) <= (h**2 * (k + 3) ** 1.5 + 2 * k * EPS / h) * size


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_arrays_and_tensors_give_their_like(dtype):
    x = torch.tensor([[0.5, -1.0, 2.0]], dtype=dtype)
    tensor, array = hermite(7, x), hermite(7, x.numpy())
    assert (tensor.dtype, tensor.shape) == (dtype, x.shape)
    assert isinstance(array, np.ndarray)
    assert (array.dtype, array.shape) == (x.numpy().dtype, x.shape)
    number = hermite(7, 0.5)
    assert type(number) is float
    assert tensor[0, 0] == array[0, 0] == np.array(number, array.dtype)


def test_a_negative_degree_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^k = -1: [^\n]*$"):
        hermite(-1, 0.0)


# Coefficients -----------------------------------------------------------------------------------------------------
# Closed forms, in 30 digits.


@cache
def at_zero(k: int) -> mpmath.mpf:
    """h_k(0): zero for an odd k, else (-1)^(k/2) (k - 1)!! / sqrt(k!)."""
    return mpmath.mpf(0) if k % 2 else (-1) ** (k // 2) * mpmath.fac2(k - 1) / mpmath.sqrt(mpmath.factorial(k))


def shifted_step(k: int, b: float) -> mpmath.mpf:
    """Of the step at b: density(b) h_{k-1}(b) / sqrt(k), by parts."""
    if k == 0:
        return mpmath.ncdf(-mpmath.mpf(b))
    before = exact_hermite(b)[k - 1] if b else at_zero(k - 1)
    return mpmath.npdf(mpmath.mpf(b)) * before / mpmath.sqrt(k)


def shifted_relu(k: int, b: float) -> mpmath.mpf:
    """Of relu(x - b), whose slope is the step: a_k = (that of the step at k - 1) / sqrt(k)."""
    if k == 0:
        return mpmath.npdf(mpmath.mpf(b)) - mpmath.mpf(b) * mpmath.ncdf(-mpmath.mpf(b))
    return shifted_step(k - 1, b) / mpmath.sqrt(k)


def absolute(k: int) -> mpmath.mpf:
    return 2 * shifted_relu(k, 0) if k != 1 else mpmath.mpf(0)


def error_function(k: int) -> mpmath.mpf:
    """From a_k^2 being the coefficients of (2 / pi) arcsin(2 rho / 3)."""
    if k % 2 == 0:
        return mpmath.mpf(0)
    m = k // 2
    square = 2 / mpmath.pi * mpmath.binomial(2 * m, m) / 4**m / k * (mpmath.mpf(2) / 3) ** k
    return (-1) ** m * mpmath.sqrt(square)


def sine(k: int) -> mpmath.mpf:
    return (-1) ** (k // 2) * mpmath.exp(-0.5) / mpmath.sqrt(mpmath.factorial(k)) if k % 2 else mpmath.mpf(0)


ABSOLUTE = Activation.from_callable("abs", torch.abs, kinks=(0.0,))
EXPONENTIAL = Activation.from_callable("exp", torch.exp)
BROKEN = Activation.from_callable(  # a jump, a kink, and another on the same side
    "broken",
    lambda x: 2.0 * (x > 0.5) + (x + 0.7).relu() - 3 * (x - 1.1).relu(),
    kinks=(-0.7, 1.1),
    jumps=(0.5,),
)
HIDDEN = Activation.from_callable("far", lambda x: (x - 4.25).relu(), kinks=(4.25,))  # E phi^2 = 3e-6


def broken(k: int) -> mpmath.mpf:
    return 2 * shifted_step(k, 0.5) + shifted_relu(k, -0.7) - 3 * shifted_relu(k, 1.1)


CLOSED = {
    "relu": ("relu", lambda k: shifted_relu(k, 0)),
    "step": ("step", lambda k: shifted_step(k, 0)),
    "abs": (ABSOLUTE, absolute),
    "erf": ("erf", error_function),
    "sin": ("sin", sine),
    "exp": (EXPONENTIAL, lambda k: mpmath.exp(0.5) / mpmath.sqrt(mpmath.factorial(k))),
    "identity": ("identity", lambda k: mpmath.mpf(k == 1)),
    "broken": (BROKEN, broken),
    "far": (HIDDEN, lambda k: shifted_relu(k, 4.25)),
}


def size(phi: Activation | str) -> float:
    return math.sqrt(hermite_norm(phi))


def hermite_norm(phi: Activation | str) -> float:
    return expectation(lambda z: get(phi)(z) ** 2, kinks=get(phi).breaks)


@pytest.mark.parametrize("degree", [0, 1, 40, 1000])
@pytest.mark.parametrize("name", CLOSED)
def test_coefficients_have_twelve_digits_of_the_norm(name, degree):
    phi, exact = CLOSED[name]
    found = hermite_coefficients(phi, degree)
    assert found.shape == (degree + 1,)
    degrees = range(degree + 1) if degree <= 40 else (*range(0, 100, 7), 365, 366, 719, 720, 998, 999, 1000)
    for k in degrees:
        assert abs(found[k] - float(exact(k))) <= PROMISED * size(phi), k


def test_the_first_coefficients_of_relu_are_those_of_its_arc_cosine_kernel():
    # a_0^2 = 1 / pi, a_1^2 = 1 / 2, a_2^2 = 1 / 2 pi, and no other odd one, relative to E relu^2 = 1/2
    expected = [1 / (2 * math.pi), 1 / 4, 1 / (4 * math.pi), 0, 1 / (48 * math.pi), 0]
    assert hermite_coefficients("relu", 5) ** 2 == pytest.approx(expected, abs=PROMISED)


# By the trapezoid rule, whose error for these is exp(-2 pi 8 times the distance of the nearest pole), below 1e-30; and
# where the second derivative jumps, by mpmath's own quadrature of (exp(x) - 1) h_k on x < 0, the rest being relu.
SMOOTH = {
    "tanh": mpmath.tanh,
    "gelu": lambda x: x * mpmath.ncdf(x),
    "swish": lambda x: x / (1 + mpmath.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_coefficients_of_a_smooth_activation_agree_with_mpmath(name):
    found = hermite_coefficients(name, 60)
    with mpmath.workdps(25):
        points = [mpmath.mpf(i) / 8 for i in range(-13 * 8, 13 * 8 + 1)]
        weighted = [SMOOTH[name](x) * mpmath.npdf(x) / 8 for x in points]
        for k in (0, 1, 2, 3, 8, 25, 60):
            exact = mpmath.fdot(weighted, (exact_hermite(float(x), 60)[k] for x in points))
            assert abs(found[k] - exact) <= PROMISED * size(name), k


@pytest.mark.parametrize("k", [0, 1, 2, 3, 8, 25])
def test_coefficients_of_elu_agree_with_mpmath(k):
    def integrand(x: mpmath.mpf) -> mpmath.mpf:
        polynomial = mpmath.hermite(k, x / mpmath.sqrt(2)) / mpmath.sqrt(2**k * mpmath.factorial(k))
        return mpmath.expm1(x) * polynomial * mpmath.npdf(x)

    exact = shifted_relu(k, 0) + mpmath.quad(integrand, [-13, -8, -5, -2, 0])
    assert hermite_coefficients("elu", 30)[k] == pytest.approx(float(exact), abs=PROMISED * size("elu"), rel=0)


@pytest.mark.parametrize("name", ["gelu", "swish", "sigmoid", "sin", "erf", "softplus"])
def test_the_squares_of_an_analytic_activation_sum_to_its_norm(name):
    # a_k falls geometrically in sqrt(k) at least: 250 of them leave less than a rounding
    assert (hermite_coefficients(name, 250) ** 2).sum() == pytest.approx(hermite_norm(name), rel=PROMISED)


@pytest.mark.parametrize("name", ["relu", "step", "abs", "broken"])
@pytest.mark.parametrize("degree", [10, 200, 1000])
def test_the_squares_of_a_broken_activation_miss_their_tail(name, degree):
    phi, exact = CLOSED[name]
    with mpmath.workdps(20):
        closed = mpmath.fsum(exact(k) ** 2 for k in range(11))
    found = hermite_coefficients(phi, degree) ** 2
    assert found[:11].sum() == pytest.approx(float(closed), abs=11 * PROMISED * hermite_norm(phi))
    # a_k^2 falls like k^-5/2 after a kink, k^-3/2 after a jump: what is left is of this size, neither more nor less
    power = 0.5 if name in ("step", "broken") else 1.5
    left = (hermite_norm(phi) - found.sum()) / hermite_norm(phi)
    assert 0.05 * degree**-power < left < degree**-power


@pytest.mark.parametrize("phi", [BROKEN, HIDDEN, ABSOLUTE, "elu", "tanh"], ids=str)
@pytest.mark.parametrize("rho", [-0.9, -0.4, 0.3, 0.9])
def test_mehlers_formula_is_the_double_integral(phi, rho):
    found = hermite_coefficients(phi, 400)  # 0.9^400 = 5e-19 is left
    plane = expectation_2d(get(phi), get(phi), rho, kinks=get(phi).breaks)
    # 1e-12 of the norm in each coefficient, and of E |phi phi| in the integral
    assert found**2 @ rho ** np.arange(401.0) == pytest.approx(plane, rel=0, abs=4 * PROMISED * hermite_norm(phi))


@pytest.mark.parametrize("degree", [5, 100, 511])
@pytest.mark.parametrize("c", [0.5, 1.0, 2.0])
def test_the_coefficients_of_an_exponential_need_more_than_13_standard_deviations(c, degree):
    # E exp(c Z) h_k(Z) = exp(c^2 / 2) c^k / sqrt(k!)
    phi = Activation.from_callable("growing", lambda x: (c * x).exp())
    k = np.arange(degree + 1)
    exact = np.exp(c * c / 2 + k * math.log(c) - gammaln(k + 1) / 2)
    assert np.abs(hermite_coefficients(phi, degree) - exact).max() <= PROMISED * math.exp(c * c)


def test_an_activation_that_grows_as_fast_as_a_finite_norm_allows_is_refused_in_one_line():
    # E phi^2 is finite, but a density of a quarter of the exponent is left at 40 standard deviations
    phi = Activation.from_callable("growing", lambda x: (0.24 * x * x).exp())
    with pytest.raises(ValueError, match=r"^[^\n]*(too fast|beyond)[^\n]*$"):
        hermite_coefficients(phi, 3)


@pytest.mark.parametrize("steep", [3.0, 30.0])
def test_a_steep_activation_is_resolved(steep):
    phi = Activation.from_callable("steep", lambda x: (steep * x).erf())
    # E erf(aX) erf(aY) = (2 / pi) arcsin(2 a^2 rho / (1 + 2 a^2)), whose first coefficient is a_1^2
    square = 2 / math.pi * 2 * steep**2 / (1 + 2 * steep**2)
    assert hermite_coefficients(phi, 1)[1] == pytest.approx(math.sqrt(square), rel=PROMISED)


def test_a_negative_degree_of_coefficients_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^degree = -1[^\n]*$"):
        hermite_coefficients("relu", -1)


@pytest.mark.parametrize("power", [0.25, 1.0])
def test_an_activation_without_a_finite_norm_is_refused_in_one_line(power):
    phi = Activation.from_callable("growing", lambda x: (power * x * x).exp())
    with pytest.raises(ValueError, match=r"^[^\n]*(infinite|not finite)[^\n]*$"):
        hermite_coefficients(phi, 3)


def test_an_activation_that_changes_too_fast_is_refused_in_one_line():
    phi = Activation.from_callable("fast", lambda x: (1e6 * x).sin())
    with pytest.raises(ValueError, match=r"^[^\n]*(too fast|resolved|integrated)[^\n]*$"):
        hermite_coefficients(phi, 3)


# Monte Carlo ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["relu", "gelu", "sigmoid"])
def test_monte_carlo_coefficients_scatter_around_the_exact_ones_as_their_variance_says(name):
    degree, samples = 8, 100_000
    x = torch.randn(samples, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found, exact = monte_carlo_coefficients(name, x, degree), hermite_coefficients(name, degree)
    assert found.shape == (degree + 1,)
    for k in range(degree + 1):
        square = expectation(lambda z, k=k: (get(name)(z) * hermite(k, z)) ** 2, kinks=get(name).breaks)
        # 27 deviations in all: none beyond 4.5 of its own but for 2e-4
        assert abs(found[k] - exact[k]) <= 4.5 * math.sqrt((square - exact[k] ** 2) / samples), k


def test_a_monte_carlo_coefficient_is_the_mean_of_the_product_with_the_normalized_polynomial():
    # By hand at x = -1, 2: relu = 0, 2, h_0 = 1, h_1 = x, h_2 = (x^2 - 1) / sqrt(2)
    found = monte_carlo_coefficients("relu", torch.tensor([-1.0, 2.0], dtype=torch.float64), 2)
    assert found == pytest.approx([1.0, 2.0, 3 / math.sqrt(2)], rel=4 * EPS)


def test_a_negative_degree_of_monte_carlo_coefficients_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^degree = -1[^\n]*$"):
        monte_carlo_coefficients("relu", torch.zeros(2, dtype=torch.float64), -1)
