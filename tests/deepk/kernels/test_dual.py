"""The dual kernel in closed form, by the general path and in mpmath; its derivative, its constants, and its law."""

import math
import pickle
from functools import cache

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepk.activations import Activation
from deepk.gaussian import expectation, expectation_2d
from deepk.kernels import DualKernel
from tests.support.arrays import SHAPES, TYPES, check_kinds

EPS = 2.0**-52
DIGITS = 1e-13  # absolute, of a kernel whose values are at most one; measured below: 3e-15
INTEGRAL = 1e-12  # relative, of an expectation

light = settings(max_examples=25, deadline=None)

JUMP = Activation.from_callable("jump", lambda x: x.relu() + (x > 0.5).double(), kinks=(0.0,), jumps=(0.5,))
SIGN = Activation.from_callable("sign", torch.sign, jumps=(0.0,))
COSINE = Activation.from_callable("cos", torch.cos)
SQUARE = Activation.from_callable("square", lambda x: x * x)
CUBE = Activation.from_callable("cube", lambda x: x**3 - 3 * x)
EXPONENTIAL = Activation.from_callable("exp", torch.exp)
ABSOLUTE = Activation.from_callable("abs", torch.abs, kinks=(0.0,))
FAR = Activation.from_callable("far", lambda x: x + 1000)  # whose mean is far larger than its deviations
ZERO = Activation.from_callable("zero", lambda x: 0 * x)
ONE = Activation.from_callable("one", lambda x: 0 * x + 1)


@cache  # of which each keeps its table
def dual(activation: str | Activation, centered: bool = False) -> DualKernel:
    return DualKernel(activation, centered=centered)


# References -------------------------------------------------------------------------------------------------------


def relu(c: mpmath.mpf) -> mpmath.mpf:
    return (mpmath.sqrt(1 - c * c) + c * (mpmath.pi - mpmath.acos(c))) / (2 * mpmath.pi)


# E sigma(X) sigma(Y), each from an integral of its own: orthants, moment generating functions, moments.
CLOSED = {
    "relu": ("relu", relu),
    "leaky-relu": ("leaky-relu", lambda c: (1 + mpmath.mpf(0.01) ** 2) * relu(c) - 2 * mpmath.mpf(0.01) * relu(-c)),
    "abs": (ABSOLUTE, lambda c: 2 * relu(c) + 2 * relu(-c)),
    "step": ("step", lambda c: (mpmath.pi - mpmath.acos(c)) / (2 * mpmath.pi)),
    "sign": (SIGN, lambda c: 2 / mpmath.pi * mpmath.asin(c)),
    "erf": ("erf", lambda c: 2 / mpmath.pi * mpmath.asin(2 * c / 3)),
    "sin": ("sin", lambda c: mpmath.sinh(c) / mpmath.e),
    "cos": (COSINE, lambda c: mpmath.cosh(c) / mpmath.e),
    "exp": (EXPONENTIAL, lambda c: mpmath.exp(1 + c)),
    "square": (SQUARE, lambda c: 1 + 2 * c**2),
    "cube": (CUBE, lambda c: 6 * c**3),
    "identity": ("identity", lambda c: c),
    "far": (FAR, lambda c: 10**6 + c),
}
# By Hermite coefficients, which are sums of the trapezoid rule: exact in 25 digits for these.
SMOOTH = {
    "tanh": mpmath.tanh,
    "gelu": lambda x: x * mpmath.ncdf(x),
    "swish": lambda x: x / (1 + mpmath.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
}
TERMS = {"tanh": 220}  # a_220^2 = 1e-20, the slowest; the others are there after 120


@cache
def squares(name: str) -> list[mpmath.mpf]:
    """a_0^2, a_1^2, ... of a smooth activation."""
    with mpmath.workdps(30):
        points = [mpmath.mpf(i) / 8 for i in range(-14 * 8, 14 * 8 + 1)]
        last, value = [mpmath.mpf(0)] * len(points), [mpmath.npdf(x) * SMOOTH[name](x) / 8 for x in points]
        found = []
        for k in range(TERMS.get(name, 120)):
            found.append(mpmath.fsum(value) ** 2)
            low, high = mpmath.sqrt(k), mpmath.sqrt(k + 1)
            last, value = value, [(x * v - low * u) / high for x, v, u in zip(points, value, last, strict=True)]
    return found


def power_series(name: str, c: mpmath.mpf) -> mpmath.mpf:
    return mpmath.polyval(squares(name)[::-1], c)


FORMULAS = {**CLOSED, **{name: (name, lambda c, name=name: power_series(name, c)) for name in SMOOTH}}
KNOWN = [name for name in FORMULAS if name in ("relu", "leaky-relu", "step", "erf", "sin", "gelu")]

CORRELATIONS = (-1.0, -1 + 1e-9, -0.9, -0.3, 0.0, 0.2, 0.5, 0.9, 0.99, 1 - 1e-6, 1 - 1e-12, 1.0)


def reference(name: str, centered: bool, c: float) -> float:
    """G(c) = (g(c) - mean^2) / (g(1) - mean^2), mean^2 = g(0), in 30 digits."""
    g = FORMULAS[name][1]
    with mpmath.workdps(30):
        mean = g(mpmath.mpf(0)) if centered else 0
        return float((g(mpmath.mpf(c)) - mean) / (g(mpmath.mpf(1)) - mean))


def variance(name: str, centered: bool) -> float:
    g = FORMULAS[name][1]
    with mpmath.workdps(30):
        return float(g(mpmath.mpf(1)) - (g(mpmath.mpf(0)) if centered else 0))


# G at -0.9, -0.3, 0.2, 0.5, 0.9, 0.99 as float64, made once with mpmath: 40-point Gauss-Legendre rules in 25 digits
# between -12, -9, -7, -5, -4, -3, ..., 5, 7, 9, 12 and the breaks, of density(x) sigma(x) E sigma(Y | X = x), the inner
# expectation in closed form:
#   relu(y - b)   (m - b) P(Y > b) + s density((m - b) / s),  Y ~ N(m, s^2)
#   elu           relu, and exp(m + s^2 / 2) P(Y < -s^2) - P(Y < 0)
# "jump" is relu(x) + 1 for x > 0.5.
PLACES = (-0.9, -0.3, 0.2, 0.5, 0.9, 0.99)
INTEGRALS = [
    (
        "elu",
        False,
        "-0.72983465379392910736 -0.22518874014065068918 0.22197572149692256629 "
        "0.50358315626039138369 0.89746968907766336203 0.98965311121104487284",
    ),
    (
        "elu",
        True,
        "-0.80182099152279785634 -0.27617445154141140216 0.18959857010228183971 "
        "0.48292497919742015074 0.89320293353931553355 0.98922252980884485666",
    ),
    (
        JUMP,
        True,
        "-0.48445942667225351784 -0.20053751353860368508 0.15013904346051955047 "
        "0.40330134814222712933 0.82784909259026962457 0.96861445184423413353",
    ),
]

# Values -----------------------------------------------------------------------------------------------------------

ODD = ("sign", "erf", "sin", "identity", "cube", "tanh")  # centered as they are
EVERY = [(name, centered) for name in FORMULAS for centered in (False, True) if not (centered and name in ODD)]


@pytest.mark.parametrize(("name", "centered"), EVERY)
def test_the_kernel_agrees_with_mpmath(name, centered):
    kernel = dual(FORMULAS[name][0], centered)
    for c in CORRELATIONS:
        assert kernel(c) == pytest.approx(reference(name, centered, c), rel=0, abs=DIGITS), c


@pytest.mark.parametrize(("name", "centered"), EVERY)
def test_the_general_path_agrees_with_mpmath(name, centered):
    kernel = dual(FORMULAS[name][0], centered)
    found = 1 - kernel.complement_at_angles(np.arccos(np.array(CORRELATIONS)))
    for c, value in zip(CORRELATIONS, found, strict=True):
        assert value == pytest.approx(reference(name, centered, c), rel=0, abs=DIGITS), c


@pytest.mark.parametrize(("activation", "centered", "values"), INTEGRALS, ids=str)
def test_the_kernel_of_a_broken_activation_agrees_with_mpmath(activation, centered, values):
    exact = [float(value) for value in values.split()]
    assert dual(activation, centered)(np.array(PLACES)) == pytest.approx(exact, rel=0, abs=DIGITS)


@pytest.mark.parametrize("activation", ["softplus", JUMP], ids=str)
@pytest.mark.parametrize("c", [-0.7, 0.1, 0.95])
def test_the_kernel_is_the_expectation_of_its_normalized_activation_at_two_places(activation, c):
    kernel = dual(activation, True)
    plane = expectation_2d(kernel.normalized, kernel.normalized, c, kinks=kernel.activation.breaks)
    assert kernel(c) == pytest.approx(plane, rel=0, abs=2 * INTEGRAL)


@pytest.mark.parametrize("name", ["relu", "step", "erf", "sin"])
def test_the_complement_is_relatively_accurate_however_small_it_is(name):
    u = [2.0, 1.0, 0.3, 1e-3, 1e-9, 1e-20, 1e-200, 0.0]
    with mpmath.workdps(450):  # 1 - 1e-200 has to be told from one, and so has its square root
        g = FORMULAS[name][1]
        one = g(mpmath.mpf(1))
        exact = [float((one - g(1 - mpmath.mpf(value))) / one) for value in u]
    # the angle and the cancellation-free formula round a few times each
    assert dual(name).complement(np.array(u)) == pytest.approx(exact, rel=20 * EPS, abs=0)


@pytest.mark.parametrize(("name", "centered"), EVERY)
def test_a_kernel_is_one_at_one(name, centered):
    assert dual(FORMULAS[name][0], centered)(1.0) == pytest.approx(1, rel=0, abs=8 * EPS)


@pytest.mark.parametrize("name", FORMULAS)
def test_centering_makes_the_kernel_vanish_at_zero(name):
    assert dual(FORMULAS[name][0], True)(0.0) == pytest.approx(0, abs=DIGITS)


@pytest.mark.parametrize("name", FORMULAS)
def test_what_is_normalized_has_variance_one_and_centered_mean_zero(name):
    kernel = dual(FORMULAS[name][0], True)
    kinks = kernel.activation.breaks
    # relative to the size of sigma before its mean is taken away
    size = math.sqrt(1 + kernel.mean**2 / kernel.variance)
    assert expectation(kernel.normalized, kinks=kinks) == pytest.approx(0, abs=INTEGRAL * size)
    assert expectation(lambda z: kernel.normalized(z) ** 2, kinks=kinks) == pytest.approx(1, rel=INTEGRAL * size)


GENERATED = [dual(name, centered) for name in ("relu", "gelu", "tanh", "step") for centered in (False, True)]
GENERATED += [dual(EXPONENTIAL), dual("elu", True)]


@light
@given(kernel=st.sampled_from(GENERATED), s=st.floats(0, 1), t=st.floats(0, 1))
def test_a_kernel_increases_and_is_convex_on_correlations_that_are_not_negative(kernel, s, t):
    low, high = min(s, t), max(s, t)
    assert kernel(low) <= kernel(high) + 8 * EPS
    assert kernel((s + t) / 2) <= (kernel(s) + kernel(t)) / 2 + 8 * EPS


@light
@given(kernel=st.sampled_from(GENERATED), rho=st.floats(0, 1))
def test_a_kernel_is_largest_in_size_at_the_positive_correlation(kernel, rho):
    assert abs(kernel(-rho)) <= kernel(rho) + 8 * EPS


@light
@given(kernel=st.sampled_from(GENERATED), rho=st.floats(0, 0.9))
def test_a_kernel_lies_between_its_partial_sum_and_that_with_all_the_rest(kernel, rho):
    p = kernel.coefficients(40)
    partial = float(p @ rho ** np.arange(41.0))
    assert partial - DIGITS <= kernel(rho) <= partial + max(0, 1 - p.sum()) * rho**41 + DIGITS


# Kinds of numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["relu", "tanh"])  # in closed form, and not
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", TYPES)
def test_arrays_and_tensors_keep_shape_and_type(name, shape, dtype):
    for f in (dual(name), dual(name).derivative):
        check_kinds(f, shape, dtype)


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_whole_numbers_give_float64(name):
    array, tensor = dual(name)(np.array([-1, 0, 1])), dual(name)(torch.tensor([-1, 0, 1]))
    assert (array.dtype, tensor.dtype) == (np.float64, torch.float64)
    assert array.tolist() == tensor.tolist() == [dual(name)(c) for c in (-1.0, 0.0, 1.0)]


@pytest.mark.parametrize("name", ["relu", "tanh"])
@pytest.mark.parametrize("rho", [1.1, -1.1, math.nan, math.inf, -math.inf, 1 + 1e-9])
def test_what_is_no_correlation_is_refused_in_one_line(name, rho):
    for given_as in (rho, np.array([0.5, rho]), torch.tensor([[0.5, rho]], dtype=torch.float64)):
        for f in (dual(name), dual(name).derivative):
            with pytest.raises(ValueError, match=r"^rho = [^\n]* is not a correlation in \[-1, 1\][^\n]*$"):
                f(given_as)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_what_is_no_correlation_is_refused_in_every_type(kind):
    with pytest.raises(ValueError, match="is not a correlation"):
        dual("relu")(np.array([1.5], kind))


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_rounding_may_take_a_correlation_out_of_its_range(name):
    kernel = dual(name)
    assert kernel(1 + 4 * EPS) == kernel(1.0)
    assert kernel(-1 - 4 * EPS) == kernel(-1.0)
    assert kernel(np.array([1 + 1e-6], np.float32))[0] == np.float32(kernel(1.0))


def test_a_tensor_of_bfloat16_is_taken():
    value = dual("relu")(torch.tensor([0.5], dtype=torch.bfloat16))
    assert value.dtype == torch.bfloat16
    assert float(value[0]) == pytest.approx(dual("relu")(0.5), rel=2**-8)


# Derivative -------------------------------------------------------------------------------------------------------

INSIDE = (-0.99, -0.5, 0.0, 0.3, 0.9, 0.999, 1 - 1e-6)


@pytest.mark.parametrize(("name", "centered"), EVERY)
def test_the_derivative_agrees_with_mpmath(name, centered):
    kernel = dual(FORMULAS[name][0], centered)
    for c in INSIDE:
        with mpmath.workdps(60):
            if name in SMOOTH:
                exact = mpmath.fsum(k * p * mpmath.mpf(c) ** (k - 1) for k, p in enumerate(squares(name)) if k)
            else:
                exact = mpmath.diff(FORMULAS[name][1], mpmath.mpf(c))
        # relative to the largest, G'(1), or to itself where that is infinite, or to G(1) = 1
        size = max(abs(float(exact)) / variance(name, centered), kernel.mu if math.isfinite(kernel.mu) else 0, 1)
        # A table in the angle, whose rounding in arccos(c) is divided by sin(theta) where sigma jumps.
        steepness = 1 / math.sqrt(1 - c * c) if kernel.activation.jumps else 1
        found = float(exact) / variance(name, centered)
        assert kernel.derivative(c) == pytest.approx(found, rel=0, abs=DIGITS * size * steepness), c


@pytest.mark.parametrize("activation", ["elu", JUMP], ids=str)
@pytest.mark.parametrize("c", [-0.8, 0.1, 0.7])
def test_the_derivative_is_the_slope_of_the_kernel(activation, c):
    kernel, h = dual(activation, True), 2.0**-9
    # Differences at h, h/2, h/4 extrapolated twice: the rest is h^6 times a seventh derivative of a size below 1e4.
    d = [(kernel(c + h / 2**j) - kernel(c - h / 2**j)) * 2**j / (2 * h) for j in range(3)]
    first = [(4 * d[j + 1] - d[j]) / 3 for j in range(2)]
    assert kernel.derivative(c) == pytest.approx((16 * first[1] - first[0]) / 15, rel=0, abs=1e4 * h**6)


@pytest.mark.parametrize("activation", [name for name in FORMULAS if name not in ("step", "sign")] + ["elu"], ids=str)
@pytest.mark.parametrize("centered", [False, True])
def test_the_derivative_at_one_is_mu(activation, centered):
    kernel = dual(FORMULAS[activation][0] if activation in FORMULAS else activation, centered)
    assert kernel.derivative(1.0) == pytest.approx(kernel.mu, rel=INTEGRAL)


@pytest.mark.parametrize("activation", ["step", JUMP, SIGN], ids=str)
def test_the_derivative_of_a_jump_is_infinite_at_one(activation):
    kernel = dual(activation, True)
    assert kernel.derivative(1.0) == math.inf
    mirrored = activation is not JUMP
    assert math.isinf(kernel.derivative(-1.0)) == mirrored


@pytest.mark.parametrize("activation", ["step", SIGN, JUMP], ids=str)
def test_the_derivative_of_a_jump_grows_like_one_over_the_angle(activation):
    # a jump of size a at x adds a^2 times the density of (x, x), exp(-x^2 / (1 + c)) / (2 pi sin(theta))
    kernel = dual(activation, True)
    jump, place = {"step": (1, 0.0), "sign": (2, 0.0), "jump": (1, 0.5)}[kernel.activation.name]
    expected = jump**2 * math.exp(-(place**2) / 2) / (2 * math.pi) / kernel.variance
    theta = 1e-5
    assert kernel.derivative(math.cos(theta)) * theta == pytest.approx(expected, rel=10 * theta)


# Constants --------------------------------------------------------------------------------------------------------


def test_mu_of_relu_is_exactly_one():
    assert dual("relu").mu == 1
    assert dual("relu", True).mu == pytest.approx(1 / (1 - 1 / math.pi), rel=INTEGRAL / 10)


@pytest.mark.parametrize("activation", ["step", SIGN, JUMP], ids=str)
@pytest.mark.parametrize("centered", [False, True])
def test_a_jump_makes_mu_and_mu_star_infinite(activation, centered):
    assert dual(activation, centered).mu == math.inf
    assert dual(activation, centered).mu_star == math.inf


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("name", SMOOTH)
def test_the_constants_of_a_smooth_activation_agree_with_their_series(name, centered):
    kernel, p = dual(name, centered), squares(name)
    with mpmath.workdps(30):
        total = mpmath.fsum(p[1:] if centered else p)
        mu = mpmath.fsum(k * value for k, value in enumerate(p)) / total
        mu_star = mpmath.fsum(k * mpmath.log(k) * value for k, value in enumerate(p) if k) / total
    assert kernel.variance == pytest.approx(float(total), rel=DIGITS)
    assert kernel.mu == pytest.approx(float(mu), rel=DIGITS)
    assert kernel.mu_star == pytest.approx(float(mu_star), rel=10 * DIGITS)
    assert kernel.a1_squared == pytest.approx(float(p[1] / total), rel=10 * DIGITS)


def test_mu_star_of_erf_agrees_with_its_series():
    # a_k^2 = C(2m, m) (2 / 3)^k / (4^m k), k = 2m + 1, over arcsin(2/3)
    def term(m: int) -> mpmath.mpf:
        k = 2 * m + 1
        return mpmath.binomial(2 * m, m) / mpmath.mpf(4) ** m / k * (mpmath.mpf(2) / 3) ** k * k * mpmath.log(k)

    exact = mpmath.fsum(term(m) for m in range(120)) / mpmath.asin(mpmath.mpf(2) / 3)  # (2/3)^240 = 6e-43
    assert dual("erf").mu_star == pytest.approx(float(exact), rel=10 * DIGITS)


def test_mu_star_of_relu_agrees_with_its_accelerated_series():
    # a_2m^2 = ((2m - 3)!!)^2 / (pi (2m)!), and k a_k^2 log k falls like k^(-3/2) log k; the tail from m = 200 is taken
    # from Euler and Maclaurin's formula, the integral, half a term, and two odd derivatives.
    def term(m: mpmath.mpf) -> mpmath.mpf:
        odd = 2 ** (2 * m - 2) * mpmath.gamma(m - 0.5) ** 2 / mpmath.pi  # ((2m - 3)!!)^2
        return odd / (mpmath.pi * mpmath.gamma(2 * m + 1)) * 2 * m * mpmath.log(2 * m)

    with mpmath.workdps(25):
        start = 200
        head = mpmath.fsum(term(mpmath.mpf(m)) for m in range(1, start))
        steps = [mpmath.log(start), 8, 12, 20, 35]
        tail = mpmath.quad(lambda x: mpmath.exp(x) * term(mpmath.exp(x)), steps)
        end = mpmath.exp(35)  # beyond, terms are log(2m) m^(-3/2) / (2 pi^(3/2))
        tail += (mpmath.log(2 * end) + 2) / mpmath.sqrt(end) / mpmath.pi**1.5
        slope, third = mpmath.diff(term, start), mpmath.diff(term, start, 3)
        exact = head + tail + term(mpmath.mpf(start)) / 2 - slope / 12 + third / 720
    assert dual("relu").mu_star == pytest.approx(float(exact), rel=1e-9)
    assert dual("relu").mu_star == pytest.approx(0.73878, abs=5e-6)
    assert dual("relu", True).mu_star == pytest.approx(1.08375, abs=5e-6)


def test_mu_star_of_relu_agrees_with_its_integral_in_mpmath():
    # int_0^inf exp(-s) (1 - G'(exp(-s))) / s ds, with 1 - G'(c) = arccos(c) / pi; s = x^2 takes the root away
    with mpmath.workdps(25):
        integral = mpmath.quad(lambda x: mpmath.exp(-x * x) * mpmath.acos(mpmath.exp(-x * x)) / x, [0, 1, 3, 9])
        exact = 2 * integral / mpmath.pi
    assert dual("relu").mu_star == pytest.approx(float(exact), rel=10 * DIGITS)
    assert dual("relu", True).mu_star == pytest.approx(float(exact) / (1 - 1 / math.pi), rel=10 * DIGITS)


# mu, a_1^2, mu_* (sum over k >= 2) to five digits: exact values of the table of Liang and Tran-Bach 2020, recomputed.
TABLE = [
    ("relu", False, 1, 0.5, 0.73878),
    ("relu", True, 1.46694, 0.73347, 1.08375),
    ("gelu", False, 1.07203, 0.58793, 0.3863),
    ("gelu", True, 1.31884, 0.72329, 0.4753),
    ("sigmoid", False, 0.15283, 0.14552, 0.0084),
    ("sigmoid", True, 1.03359, 0.98417, 0.0568),
    ("swish", False, 1.06663, 0.70269, 0.2656),
    ("swish", True, 1.21208, 0.79851, 0.3018),
]


@pytest.mark.parametrize(("name", "centered", "mu", "a1_squared", "mu_star"), TABLE)
def test_the_constants_of_the_four_activations_of_the_paper(name, centered, mu, a1_squared, mu_star):
    kernel = dual(name, centered)
    assert kernel.mu == pytest.approx(mu, abs=5e-6)
    assert kernel.a1_squared == pytest.approx(a1_squared, abs=5e-6)
    assert kernel.mu_star == pytest.approx(mu_star, abs=5e-6 if name == "relu" else 5e-5)


@pytest.mark.parametrize(("activation", "xi"), [("gelu", 0.7604), ("swish", 0.6587), ("relu", 1.0), ("sigmoid", 1.0)])
def test_the_extinction_probability_is_the_smallest_fixed_point(activation, xi):
    kernel = dual(activation)
    found = kernel.extinction_probability
    assert found == pytest.approx(xi, abs=5e-5)
    assert kernel(found) == pytest.approx(found, rel=0, abs=DIGITS)
    below = np.linspace(0, found, 50)[:-1]
    assert (kernel(below) > below).all()
    assert dual(activation, True).extinction_probability == 0


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.01, 0.5, 1.0])
def test_mu_of_a_positively_homogeneous_activation_is_one(slope):
    phi = Activation.from_callable("own", lambda x: x.where(x > 0, slope * x), kinks=(0.0,))
    assert dual(phi).mu == pytest.approx(1, rel=INTEGRAL)


# The law ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("name", CLOSED)
def test_coefficients_are_those_of_the_closed_form(name, centered):
    phi, g = CLOSED[name]
    with mpmath.workdps(40):
        taylor = [float(value) for value in mpmath.taylor(g, 0, 12)]
    taylor[0] *= not centered
    exact = np.array(taylor) / variance(name, centered)
    found = dual(phi, centered).coefficients(12)
    # a_k to 1e-12 sqrt(E sigma^2), and twice that for its square
    size = variance(name, False) / variance(name, centered)
    assert found == pytest.approx(exact, rel=0, abs=2 * INTEGRAL * size)
    assert (found >= 0).all()


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("centered", [False, True])
def test_coefficients_are_a_law(name, centered):
    p = dual(FORMULAS[name][0], centered).coefficients(100)
    assert p.shape == (101,)
    assert (p >= 0).all()
    assert p.sum() <= 1 + INTEGRAL * (1 if name != "far" else 1e6)
    assert not centered or p[0] == 0


PARITIES = [
    ("tanh", False, -1),
    ("erf", True, -1),
    ("sin", False, -1),
    ("identity", False, -1),
    (SIGN, False, -1),
    ("sigmoid", False, 0),
    ("sigmoid", True, -1),
    ("step", True, -1),
    ("step", False, 0),
    (COSINE, False, 1),
    (COSINE, True, 1),
    (SQUARE, False, 1),
    (ABSOLUTE, True, 1),
    ("relu", False, 0),
    ("relu", True, 0),
    ("gelu", True, 0),
    (EXPONENTIAL, True, 0),
    (JUMP, True, 0),
]


@pytest.mark.parametrize(("activation", "centered", "parity"), PARITIES, ids=str)
def test_parity_is_found_and_is_that_of_the_kernel(activation, centered, parity):
    kernel, rho = dual(activation, centered), np.linspace(0, 1, 21)
    assert kernel.parity == parity
    reflected = kernel(-rho)
    if parity:
        assert reflected == pytest.approx(parity * kernel(rho), rel=0, abs=DIGITS)
    else:
        assert np.abs(np.abs(reflected) - kernel(rho)).max() > 0.01


@pytest.mark.parametrize(("activation", "order"), [("relu", 1), ("tanh", 1), ("step", 0.5), (JUMP, 0.5)], ids=str)
def test_the_order_is_the_power_with_which_the_complement_starts(activation, order):
    kernel = dual(activation, True)
    small, smaller = kernel.complement(np.array([1e-60, 1e-62]))
    assert kernel.order == order == pytest.approx(math.log(small / smaller) / math.log(100), rel=1e-12)


@pytest.mark.parametrize("activation", ["relu", "elu", "gelu"], ids=str)
@pytest.mark.parametrize("u", [1.5, 0.5, 1e-2])
def test_the_slope_gap_is_a_difference_of_derivatives(activation, u):
    kernel = dual(activation)
    gap = kernel.mu - kernel.derivative(1 - u)
    assert float(kernel.slope_gap(np.array([u]))[0]) == pytest.approx(gap, rel=0, abs=4 * DIGITS)


@pytest.mark.parametrize("u", [1e-2, 1e-8, 1e-30, 1e-200])
def test_the_slope_gap_of_relu_is_its_angle_over_pi(u):
    exact = 2 * math.asin(math.sqrt(u / 2)) / math.pi
    assert float(dual("relu").slope_gap(np.array([u]))[0]) == pytest.approx(exact, rel=20 * EPS, abs=0)


# What has no kernel, and what a kernel is -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activation", "centered", "message"),
    [
        (ZERO, False, "activation zero is zero and has no kernel"),
        (ZERO, True, "activation zero is zero and has no kernel"),
        (ONE, True, "activation one is constant: centered, it is zero and has no kernel"),
        (Activation.from_callable("growing", lambda x: (x * x).exp()), False, "growing .* infinite"),
        (Activation.from_callable("pole", lambda x: 1 / x), False, "pole .* singular"),
    ],
    ids=str,
)
def test_an_activation_without_a_kernel_is_refused_in_one_line_that_names_it(activation, centered, message):
    with pytest.raises(ValueError, match=rf"^{message}[^\n]*$"):
        DualKernel(activation, centered=centered)


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize(
    "phi",
    [lambda x: (x > 0.3).double(), lambda x: x.tanh() + 0.01 * (x > -1.7).double(), torch.sign],
    ids=["step", "small", "sign"],
)
def test_a_jump_that_was_not_declared_is_refused_at_once(phi, centered):
    with pytest.raises(ValueError, match=r"^activation hidden has a jump that is not among those declared, \(\)$"):
        DualKernel(Activation.from_callable("hidden", phi), centered=centered)


def test_a_jump_that_was_not_declared_is_refused_beside_one_that_was():
    phi = Activation.from_callable("two", lambda x: (x > 0).double() + (x > 1).double(), jumps=(0.0,))
    with pytest.raises(ValueError, match=r"^activation two has a jump [^\n]* declared, \(0\.0,\)$"):
        DualKernel(phi)


def test_a_kink_that_was_not_declared_is_refused_with_the_table():
    kernel = DualKernel(Activation.from_callable("hidden", lambda x: (x - 0.3).relu()))
    said = r"^activation hidden is too steep, or has a kink or a jump that is not among those declared, \(\)$"
    with pytest.raises(ValueError, match=said):
        kernel.complement(np.array([0.5]))


def test_an_activation_that_works_in_place_is_that_which_does_not():
    inplace = DualKernel(Activation.from_callable("in-place", lambda x: x.mul_(2).tanh_()))
    usual = DualKernel(Activation.from_callable("usual", lambda x: (2 * x).tanh()))
    assert inplace.parity == usual.parity == -1
    assert (inplace.mu, inplace.variance) == (usual.mu, usual.variance)
    assert inplace.coefficients(5).tolist() == usual.coefficients(5).tolist()
    doubled = DualKernel(Activation.from_callable("in-place", lambda x: x.mul_(2).sub_(x / 2).sin_()))
    sine = DualKernel("sin")  # of 2 x - x
    assert doubled.parity == -1
    assert doubled(np.array([-0.3, 0.5])) == pytest.approx(sine(np.array([-0.3, 0.5])), rel=0, abs=DIGITS)


@pytest.mark.parametrize("centered", [False, True])
def test_what_is_normalized_leaves_its_argument_alone(centered):
    kernel = DualKernel(Activation.from_callable("in-place", lambda x: x.mul_(2).sigmoid_()), centered=centered)
    x = torch.linspace(-2, 2, 5, dtype=torch.float64)
    before = x.clone()
    assert torch.equal(kernel.normalized(x), ((2 * before).sigmoid() - kernel.mean) / math.sqrt(kernel.variance))
    assert torch.equal(x, before)


SMOOTH_BEND = Activation.from_callable("bend", lambda x: x.relu() ** 2, kinks=(0.0,))


@pytest.mark.parametrize(
    ("activation", "index"),
    [("step", 0.5), (JUMP, 0.5), ("relu", 1.5), (ABSOLUTE, 1.5), ("elu", 2.5), (SMOOTH_BEND, 2.5), ("tanh", math.inf)],
    ids=str,
)
@pytest.mark.parametrize("centered", [False, True])
def test_the_tail_index_is_that_of_what_was_declared_to_jump(activation, index, centered):
    assert dual(activation, centered).tail_index == index


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="did you mean relu"):
        DualKernel("rellu")


def test_a_constant_has_the_kernel_one():
    assert dual(ONE)(np.array([-1.0, 0.0, 0.5])).tolist() == [1, 1, 1]
    assert dual(ONE).mu == 0


def test_kernels_are_equal_when_their_activation_and_centering_are():
    assert DualKernel("relu") == DualKernel(dual("relu").activation)
    assert hash(DualKernel("relu")) == hash(DualKernel(dual("relu").activation))
    assert len({DualKernel("relu"), DualKernel("relu", centered=True), DualKernel("gelu"), DualKernel("relu")}) == 3


@pytest.mark.parametrize("name", ["relu", "erf", "tanh"])
def test_a_kernel_that_was_used_can_be_pickled(name):
    kernel = DualKernel(name)
    value = kernel(0.3), kernel.derivative(0.3), kernel.mu
    copy = pickle.loads(pickle.dumps(kernel))
    assert copy == kernel
    assert (copy(0.3), copy.derivative(0.3), copy.mu) == value


def test_a_kernel_is_named_by_its_activation():
    assert dual("relu").name == "relu"
    assert dual("relu", True).name == "centered relu"


def test_a_constant_activation_has_the_kernel_one_and_no_slope():
    constant = DualKernel(Activation.from_callable("constant", lambda x: 0 * x + 2.0))
    rho = np.array([-1.0, 0.3, 1.0])
    assert constant(rho).tolist() == [1.0, 1.0, 1.0]
    assert constant.derivative(rho).tolist() == [0.0, 0.0, 0.0]
    assert constant.mu == 0.0
