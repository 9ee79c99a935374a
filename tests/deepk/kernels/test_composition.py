"""Deep kernels layer by layer in mpmath, to 10^4 layers and next to one; the bound they promise; the law of Z_L."""

import math
import pickle
from collections.abc import Callable
from functools import cache

import jaxtyping
import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepk.activations import Activation
from deepk.kernels import CompositionalKernel, DualKernel
from tests.support.arrays import SHAPES, TYPES, check_kinds

EPS = 2.0**-52
Map = Callable[[mpmath.mpf], mpmath.mpf]

light = settings(max_examples=25, deadline=None)

BENT = Activation.from_callable("bent", lambda x: (x - 0.3).relu(), kinks=(0.3,))
SIGN = Activation.from_callable("sign", torch.sign, jumps=(0.0,))
COSINE = Activation.from_callable("cos", torch.cos)
SQUARE = Activation.from_callable("square", lambda x: x * x)
CUBE = Activation.from_callable("cube", lambda x: x**3 - 3 * x)
EXPONENTIAL = Activation.from_callable("exp", torch.exp)
ONE = Activation.from_callable("one", lambda x: 0 * x + 1)


@cache
def deep(activation: str | Activation, depth: int, centered: bool = False) -> CompositionalKernel:
    return CompositionalKernel(activation, depth, centered=centered)


# References: u -> 1 - G(1 - u), without cancellation --------------------------------------------------------------


def angle(u: mpmath.mpf) -> mpmath.mpf:
    return 2 * mpmath.asin(mpmath.sqrt(u / 2))


def relu(u: mpmath.mpf) -> mpmath.mpf:
    t = angle(u)
    return u - (mpmath.sin(t) - t * mpmath.cos(t)) / mpmath.pi


def centered_relu(u: mpmath.mpf) -> mpmath.mpf:
    return relu(u) / (1 - 1 / mpmath.pi)


def step(u: mpmath.mpf) -> mpmath.mpf:
    return angle(u) / mpmath.pi


def centered_step(u: mpmath.mpf) -> mpmath.mpf:
    return 2 * step(u)


def erf(u: mpmath.mpf) -> mpmath.mpf:
    two_thirds = mpmath.mpf(2) / 3
    return 1 - mpmath.asin(two_thirds * (1 - u)) / mpmath.asin(two_thirds)


def sine(a: int) -> Map:
    """Of sin(a x)."""
    return lambda u: 1 - mpmath.sinh(a * a * (1 - u)) / mpmath.sinh(a * a)


def cosine(u: mpmath.mpf, a: int = 1) -> mpmath.mpf:
    """cosh(a^2) - cosh(a^2 (1 - u)), of cos(a x)."""
    return 2 * mpmath.sinh(a * a * (1 - u / 2)) * mpmath.sinh(a * a * u / 2)


def gelu(u: mpmath.mpf, centered: bool = False) -> mpmath.mpf:
    def g(c: mpmath.mpf) -> mpmath.mpf:
        return c / 4 + (c * mpmath.asin(c / 2) + 1 / mpmath.sqrt(4 - c * c)) / (2 * mpmath.pi)

    one = mpmath.mpf(1)
    return (g(one) - g(1 - u)) / (g(one) - (g(0 * one) if centered else 0))


def series(sigma: Map, terms: int) -> tuple[mpmath.mpf, ...]:
    """sum_{k > j} a_k^2 for j = terms, ..., 0, -1: Hermite coefficients by the trapezoid rule, exact in 25 digits."""
    with mpmath.workdps(30):
        points = [mpmath.mpf(i) / 8 for i in range(-14 * 8, 14 * 8 + 1)]
        last, value = [mpmath.mpf(0)] * len(points), [mpmath.npdf(x) * sigma(x) / 8 for x in points]
        squares = []
        for k in range(terms):
            squares.append(mpmath.fsum(value) ** 2)
            low, high = mpmath.sqrt(k), mpmath.sqrt(k + 1)
            last, value = value, [(x * v - low * u) / high for x, v, u in zip(points, value, last, strict=True)]
        tails = [mpmath.mpf(0)]
        for square in reversed(squares):
            tails.append(tails[-1] + square)
    return tuple(tails)


@cache
def tails(name: str) -> tuple[mpmath.mpf, ...]:
    def logistic(x: mpmath.mpf) -> mpmath.mpf:
        return 1 / (1 + mpmath.exp(-x))

    if name == "tanh":
        return series(mpmath.tanh, 220)  # a_220^2 = 1e-20
    return series(logistic if name == "sigmoid" else lambda x: x * logistic(x), 100)  # 1e-22


def analytic(name: str, centered: bool = False) -> Map:
    """1 - G = u sum_j s^j P(Y > j), all terms positive."""

    def complement(u: mpmath.mpf) -> mpmath.mpf:
        *above, total = tails(name)
        return u * mpmath.polyval(above, 1 - u) / (above[-1] if centered else total)

    return complement


# name: activation, centered, map
CASES: dict[str, tuple[str | Activation, bool, Map]] = {
    "relu": ("relu", False, relu),
    "centered-relu": ("relu", True, centered_relu),
    "step": ("step", False, step),
    "centered-step": ("step", True, centered_step),
    "erf": ("erf", False, erf),
    "sin": ("sin", False, sine(1)),
    "gelu": ("gelu", False, gelu),
    "centered-gelu": ("gelu", True, lambda u: gelu(u, True)),
    "cos": (COSINE, False, lambda u: cosine(u) / mpmath.cosh(1)),
    "centered-cos": (COSINE, True, lambda u: cosine(u) / (mpmath.cosh(1) - 1)),
    "square": (SQUARE, False, lambda u: (2 * u - u * u) * 2 / 3),
    "centered-square": (SQUARE, True, lambda u: 2 * u - u * u),
    "cube": (CUBE, False, lambda u: 1 - (1 - u) ** 3),
    "exp": (EXPONENTIAL, False, lambda u: -mpmath.expm1(-u)),
    "identity": ("identity", False, lambda u: u),
}
SERIES: dict[str, tuple[str | Activation, bool, Map]] = {
    "tanh": ("tanh", False, analytic("tanh")),
    "swish": ("swish", False, analytic("swish")),
    "centered-swish": ("swish", True, analytic("swish", True)),
    "sigmoid": ("sigmoid", False, analytic("sigmoid")),
    "centered-sigmoid": ("sigmoid", True, analytic("sigmoid", True)),
}
PLACES = (-1.0, -0.875, -0.3125, 0.0, 0.1875, 0.5, 0.9375, 1 - 2.0**-20, 1 - 2.0**-40)  # 1 - rho has no rounding


def iterated(complement: Map, u: mpmath.mpf, depth: int) -> mpmath.mpf:
    for _ in range(depth):
        u = complement(u)
    return u


def check(kernel: CompositionalKernel, complement: Map, places: tuple[float, ...] = PLACES) -> None:
    """K and 1 - K keep the promised bound: d(1 - K) / (1 - K) <= 2 d theta / theta, and dK = sin(theta) d theta."""
    bound = kernel.error_bound + 2 * EPS
    for rho in places:
        with mpmath.workdps(32):  # of which a difference next to one loses twelve
            exact = iterated(complement, 1 - mpmath.mpf(rho), kernel.depth)
            assert abs(kernel(rho) - (1 - exact)) <= bound, rho
            assert abs(kernel.complement(1 - rho) - exact) <= bound * exact, rho


FEW = (-1.0, 0.0, 1 - 2.0**-20)


@pytest.mark.parametrize("depth", [1, 6, 200])
@pytest.mark.parametrize("name", CASES)
def test_the_kernel_and_its_complement_agree_with_mpmath_to_the_promised_bound(name, depth):
    activation, centered, complement = CASES[name]
    check(deep(activation, depth, centered), complement, PLACES if depth <= 6 else FEW)


@pytest.mark.parametrize("depth", [1, 6])
@pytest.mark.parametrize("name", SERIES)
def test_the_kernel_of_a_power_series_agrees_with_mpmath_to_the_promised_bound(name, depth):
    activation, centered, complement = SERIES[name]
    check(deep(activation, depth, centered), complement, PLACES if depth == 1 else FEW)


# whose map is resolved to 1e-13 or 1e-12 only, which the table cannot see but in a comparison with integrals
FAST: dict[str, tuple[Activation, Map]] = {
    "sin-10": (Activation.from_callable("sin-10", lambda x: (10 * x).sin()), sine(10)),
    "cos-5": (
        Activation.from_callable("cos-5", lambda x: (5 * x).cos()),
        lambda u: cosine(u, 5) / mpmath.cosh(25),
    ),
}


@pytest.mark.parametrize("depth", [1, 6, 50])
@pytest.mark.parametrize("name", FAST)
def test_the_bound_also_holds_for_an_activation_that_its_map_hardly_resolves(name, depth):
    activation, complement = FAST[name]
    check(deep(activation, depth), complement, PLACES)


@pytest.mark.parametrize("name", FAST)
def test_the_error_of_a_map_that_is_hardly_resolved_is_in_the_bound(name):
    kernel = deep(FAST[name][0], 1)
    assert 3e-13 < kernel.dual.error < kernel.error_bound < 1e-11


# K of six layers at -0.9, -0.3, 0.2, 0.5, 0.9, 0.99 as float64, made once with mpmath: each layer by 40-point
# Gauss-Legendre rules in 25 digits between -12, -9, -7, -5, -4, -3, ..., 5, 7, 9, 12 and the breaks, of
# density(x) sigma(x) E sigma(Y | X = x), the inner expectation in closed form.
SIX = (-0.9, -0.3, 0.2, 0.5, 0.9, 0.99)
SIX_LAYERS = [
    (
        "elu",
        False,
        "-0.21581868650024120918 0.034196426778050600983 0.30954744188011569693 "
        "0.51935194567344855424 0.88424300934204591478 0.98773715496786555123",
    ),
    (
        "elu",
        True,
        "-0.48022401844788901906 -0.18593209041484244636 0.14387512883193776015 "
        "0.39939993344401198396 0.85312242537219558277 0.98435164338371442118",
    ),
    (
        BENT,
        True,
        "-0.021956635186950459665 -0.013513494374215912015 0.016786463389114662626 "
        "0.070248784742951258414 0.42373235930569866123 0.86803454247243346745",
    ),
]


@pytest.mark.parametrize(("activation", "centered", "values"), SIX_LAYERS, ids=str)
def test_six_layers_of_a_broken_activation_agree_with_mpmath_to_the_promised_bound(activation, centered, values):
    kernel = deep(activation, 6, centered)
    for rho, value in zip(SIX, values.split(), strict=True):
        assert abs(kernel(rho) - mpmath.mpf(value)) <= kernel.error_bound + EPS
        assert abs(kernel(rho) - mpmath.mpf(value)) <= 1e-10


# 1 - K of 10^4 layers of relu: `relu` above iterated in 40 digits from 1 - rho, rho as float64, half a second each.
TEN_THOUSAND = [
    (-1.0, "4.426076430658042762687e-7"),
    (-0.5, "4.425838680255933236929e-7"),
    (0.0, "4.425192735980129891251e-7"),
    (0.5, "4.42338507166467286562e-7"),
    (0.9, "4.414370599625427077138e-7"),
    (1 - 1e-6, "1.599061480591746789089e-7"),
]


@pytest.mark.parametrize(("rho", "exact"), TEN_THOUSAND)
def test_ten_thousand_layers_of_relu_keep_eight_digits_of_the_complement(rho, exact):
    kernel = deep("relu", 10_000)
    u = float(1 - mpmath.mpf(rho))
    assert kernel.error_bound < 1e-8
    for found in (kernel.complement(u), 1 - kernel(rho)):
        # 1 - K loses seven digits to rounding
        assert found == pytest.approx(float(exact), rel=kernel.error_bound + (EPS / 1e-7), abs=0)
    assert kernel.complement(u) == pytest.approx(float(exact), rel=1e-8, abs=0)


def test_the_table_of_ten_thousand_layers_is_made_by_the_iteration_it_names():
    with mpmath.workdps(40):
        u = iterated(relu, mpmath.mpf(1) / 2, 1000)
    kernel = deep("relu", 1000)
    assert abs(kernel.complement(0.5) / u - 1) <= kernel.error_bound


@pytest.mark.parametrize("depth", [10, 100, 10_000, 10**6])
def test_relu_tends_to_one_like_the_squared_depth(depth):
    # theta_L = 3 pi / L (1 + O(log L / L)): 1 - K L^2 -> 9 pi^2 / 2, the critical case mu = 1 of infinite variance
    product = deep("relu", depth).complement(1.0) * depth**2 / (9 * math.pi**2 / 2)
    assert abs(product - 1) <= 5 * math.log(depth) / depth


DEEP = ["relu", "centered-relu", "step", "erf", "sin", "gelu", "centered-gelu", "cos", "exp"]


@pytest.mark.parametrize(("depth", "bound"), [(200, 2e-11), (10_000, 1e-8)])
@pytest.mark.parametrize("name", DEEP)
def test_the_bound_is_small(name, depth, bound):
    activation, centered, _ = CASES[name]
    kernel = deep(activation, depth, centered)
    # of theta_L, which is half of K's: beside the error of the first map, once for each layer
    assert kernel.error_bound / 2 - depth * kernel.dual.error < bound


@pytest.mark.parametrize("name", DEEP)
def test_the_error_of_the_map_is_what_the_comparison_with_integrals_rounds(name):
    # at an angle of 0.02, 1 - rho = 2e-4 is known to a rounding of rho next to one, half a rounding of one
    activation, centered, _ = CASES[name]
    assert 0 <= deep(activation, 1, centered).dual.error <= EPS / 4 / (1 - math.cos(0.02)) + 32 * EPS


@pytest.mark.parametrize("depth", [1, 6])
@pytest.mark.parametrize("u", [1e-20, 1e-200])
@pytest.mark.parametrize("name", ["relu", "centered-relu", "step", "centered-step", "erf", "sin", "gelu", "cos", "exp"])
def test_the_complement_is_relatively_accurate_however_small(name, u, depth):
    activation, centered, complement = CASES[name]
    kernel = deep(activation, depth, centered)
    with mpmath.workdps(450):  # 1 - 1e-200 has to be told from one, also where 1 - G is a difference
        exact = iterated(complement, mpmath.mpf(u), depth)
        assert abs(kernel.complement(u) / exact - 1) <= kernel.error_bound


SMOOTH = ["erf", "sin", "gelu", "centered-gelu", "cos", "exp", "square", "cube", *SERIES]


@pytest.mark.parametrize("depth", [1, 50])
@pytest.mark.parametrize("name", SMOOTH)
def test_next_to_one_a_smooth_kernel_grows_by_mu_in_a_layer(name, depth):
    activation, centered, _ = {**CASES, **SERIES}[name]
    kernel, u = deep(activation, depth, centered), 1e-200
    # the next term is smaller by a multiple of mu^L u, which is below 1e-150
    growth = kernel.dual.mu**depth
    assert growth < 1e40
    # each layer's mu is an expectation, to 1e-13
    promise = kernel.error_bound + depth * 1e-13
    assert kernel.complement(u) == pytest.approx(growth * u, rel=promise, abs=0)


@pytest.mark.parametrize("u", [2.0, 1.0, 0.1, 1e-20, 1e-200])
def test_the_complement_of_the_step_is_its_angle_over_pi(u):
    exact = 2 * math.asin(math.sqrt(u / 2)) / math.pi
    assert deep("step", 1).complement(u) == pytest.approx(exact, rel=deep("step", 1).error_bound, abs=0)


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("name", ["relu", "gelu", "step"])
@pytest.mark.parametrize("depth", [1, 7, 1000])
def test_equal_inputs_stay_equal(name, centered, depth):
    kernel = deep(name, depth, centered)
    assert kernel(1.0) == 1
    assert kernel.complement(0.0) == 0


@pytest.mark.parametrize("name", CASES)
def test_one_layer_is_the_dual_kernel(name):
    activation, centered, _ = CASES[name]
    kernel, rho = deep(activation, 1, centered), np.array([-0.8, 0.0, 0.3, 0.99])
    assert kernel(rho) == pytest.approx(kernel.dual(rho), rel=0, abs=kernel.error_bound + 1e-13)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (2, 3), (50, 150), (1, 999), (512, 488)])
@pytest.mark.parametrize("name", ["relu", "centered-relu", "step", "sin", "gelu", "centered-square", "exp"])
def test_layers_compose(name, a, b):
    activation, centered, _ = CASES[name]
    first, second, both = (deep(activation, depth, centered) for depth in (b, a, a + b))
    u = np.array([1e-200, 1e-12, 1e-3, 0.3, 0.9])
    once, twice = both.complement(u), second.complement(first.complement(u))
    # 1 - K of b layers is off by twice the bound, which a layers do not stretch
    bound = first.error_bound + second.error_bound + both.error_bound
    assert np.abs(once / twice - 1).max() <= bound


@pytest.mark.parametrize("depth", [1, 4, 20, 60, 200])
def test_the_centered_square_is_a_power(depth):
    # G(rho) = rho^2
    kernel, rho = deep(SQUARE, depth, True), np.array([-0.5, 0.1, 0.9, 1 - 1e-9])
    assert kernel(rho) == pytest.approx(np.abs(rho) ** 2.0**depth, rel=0, abs=kernel.error_bound + EPS * 1e3)
    u = np.array([1e-300, 1e-20, 1e-3])
    assert kernel.complement(u) == pytest.approx(-np.expm1(2.0**depth * np.log1p(-u)), rel=kernel.error_bound)


# Symmetry ---------------------------------------------------------------------------------------------------------

ODD = [("sigmoid", True), ("tanh", False), ("sin", False), ("step", True), (CUBE, False)]
EVEN = [(SQUARE, False), (SQUARE, True), (COSINE, False), (COSINE, True)]


@pytest.mark.parametrize("depth", [1, 5, 100])
@pytest.mark.parametrize(("activation", "centered"), ODD, ids=str)
def test_an_odd_activation_has_an_odd_kernel(activation, centered, depth):
    kernel, rho = deep(activation, depth, centered), np.linspace(0.05, 1, 12)
    assert (kernel(-rho) == -kernel(rho)).all()
    u = np.array([2.0**-30, 0.3125, 0.75])  # 2 - u has no rounding
    assert kernel.complement(2 - u) == pytest.approx(2 - kernel.complement(u), rel=kernel.error_bound + 4 * EPS)


@pytest.mark.parametrize("depth", [1, 5, 100])
@pytest.mark.parametrize(("activation", "centered"), EVEN, ids=str)
def test_an_even_activation_has_an_even_kernel(activation, centered, depth):
    kernel, rho = deep(activation, depth, centered), np.linspace(0, 1, 12)
    assert (kernel(-rho) == kernel(rho)).all()


CONVEX = [("relu", False), ("gelu", True), ("step", True), ("tanh", False), (EXPONENTIAL, False), (SQUARE, True)]
ANY = [deep(activation, depth, centered) for activation, centered in CONVEX for depth in (1, 8, 64)]


@light
@given(kernel=st.sampled_from(ANY), s=st.floats(0, 1), t=st.floats(0, 1))
def test_a_deep_kernel_increases_and_is_convex_on_correlations_that_are_not_negative(kernel, s, t):
    slack = 2 * kernel.error_bound + 8 * EPS
    low, high = min(s, t), max(s, t)
    assert kernel(low) <= kernel(high) + slack
    assert kernel((s + t) / 2) <= (kernel(s) + kernel(t)) / 2 + slack


@light
@given(kernel=st.sampled_from(ANY), rho=st.floats(0, 1))
def test_a_deep_kernel_is_largest_in_size_at_the_positive_correlation(kernel, rho):
    assert abs(kernel(-rho)) <= kernel(rho) + 2 * kernel.error_bound + 8 * EPS


@light
@given(kernel=st.sampled_from(ANY), rho=st.floats(-1, 1))
def test_a_deep_kernel_and_its_complement_sum_to_one(kernel, rho):
    # 1 - rho and arccos round, and a layer stretches that by mu at most: K' <= (1 - K) / (1 - rho) on [0, 1]
    u = 1 - rho
    slack = 2 * kernel.error_bound + 8 * EPS * (1 + kernel.complement(u) / max(u, EPS))
    assert kernel(rho) + kernel.complement(u) == pytest.approx(1, rel=0, abs=slack)


# Kinds of numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("f", ["__call__", "complement"])
def test_arrays_and_tensors_keep_shape_and_type(f, shape, dtype):
    check_kinds(getattr(deep("gelu", 3), f), shape, dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_tensor_of_half_precision_is_rounded_once_at_the_end(dtype):
    kernel, x = deep("gelu", 3), torch.tensor([0.25, 0.5], dtype=dtype)
    for f in (kernel, kernel.complement):
        assert f(x).dtype == dtype
        assert torch.equal(f(x), f(x.double()).to(dtype))


@pytest.mark.parametrize(
    "view",
    [lambda x: x[::-1], lambda x: x.astype(">f8"), lambda x: x.astype(np.longdouble)],
    ids=["reversed", "big-endian", "longdouble"],
)
def test_an_array_is_taken_however_it_lies_in_memory(view):
    kernel, rho = deep("gelu", 3), view(np.array([0.1, 0.5, 0.7]))
    rho.setflags(write=False)
    for f in (kernel, kernel.complement):
        assert f(rho).tolist() == [f(float(value)) for value in rho]


def test_float32_is_computed_in_float64():
    kernel = deep("relu", 1000)
    rho = np.array([0.999, 0.1], np.float32)
    assert kernel(rho) == pytest.approx(kernel(rho.astype(np.float64)), rel=2.0**-24)
    tiny = np.array([1e-30], np.float32)  # whose cosine is one
    assert kernel.complement(tiny) == pytest.approx(kernel.complement(tiny.astype(np.float64)), rel=2.0**-24)


def test_whole_numbers_give_float64():
    kernel = deep("gelu", 3)
    array, tensor = kernel(np.array([-1, 0, 1])), kernel(torch.tensor([-1, 0, 1]))
    assert (array.dtype, tensor.dtype) == (np.float64, torch.float64)
    assert array.tolist() == tensor.tolist() == [kernel(c) for c in (-1.0, 0.0, 1.0)]


@pytest.mark.parametrize("rho", [1.1, -1.1, math.nan, math.inf, -math.inf, 1 + 1e-9])
def test_what_is_no_correlation_is_refused_in_one_line(rho):
    for given_as in (rho, np.array([0.5, rho]), torch.tensor([[0.5, rho]], dtype=torch.float64)):
        with pytest.raises(ValueError, match=r"^rho = [^\n]* is not a correlation in \[-1, 1\][^\n]*$"):
            deep("gelu", 3)(given_as)


@pytest.mark.parametrize("u", [-1e-9, 2.1, math.nan, math.inf])
def test_what_is_no_complement_is_refused_in_one_line(u):
    for given_as in (u, np.array([0.5, u]), torch.tensor([[0.5, u]], dtype=torch.float64)):
        with pytest.raises(ValueError, match=r"^1 - rho = [^\n]* is not in \[0, 2\][^\n]*$"):
            deep("gelu", 3).complement(given_as)


def test_rounding_may_take_a_correlation_out_of_its_range():
    assert deep("gelu", 3)(1 + 4 * EPS) == 1
    assert deep("gelu", 3)(-1 - 4 * EPS) == deep("gelu", 3)(-1.0)


# What a kernel is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [0, -1, -100])
def test_a_depth_below_one_is_refused_in_one_line(depth):
    with pytest.raises(ValueError, match=rf"^depth = {depth} [^\n]*$"):
        CompositionalKernel("relu", depth)


@pytest.fixture
def annotations_are_not_enforced(monkeypatch):
    """As outside of these tests."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("depth", [1.5, "3", None], ids=str)
def test_a_depth_that_is_not_whole_is_refused_in_one_line(depth):
    with pytest.raises(TypeError, match=rf"^'{type(depth).__name__}' object cannot be interpreted as an integer$"):
        CompositionalKernel("relu", depth)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("kernel", [DualKernel("relu"), DualKernel("tanh"), deep("gelu", 3)], ids=str)
def test_numbers_of_any_kind_are_taken(kernel):
    for number in (1, np.float32(0.5), np.int64(-1), True):
        assert type(kernel(number)) is float
        assert kernel(number) == kernel(float(number))


@pytest.mark.usefixtures("annotations_are_not_enforced")
def test_a_depth_may_be_a_whole_number_of_numpy():
    kernel = CompositionalKernel("gelu", np.int64(3))
    assert kernel == deep("gelu", 3)
    assert type(kernel.depth) is int


def test_what_has_no_dual_kernel_is_refused():
    with pytest.raises(ValueError, match="constant: centered"):
        CompositionalKernel(ONE, 3, centered=True)
    with pytest.raises(ValueError, match="did you mean relu"):
        CompositionalKernel("rellu", 3)


def test_a_constant_has_the_kernel_one_at_every_depth():
    assert deep(ONE, 3)(np.array([-1.0, 0.0, 0.5])).tolist() == [1, 1, 1]


def test_kernels_are_equal_when_their_activation_depth_and_centering_are():
    kernel = CompositionalKernel("relu", 3)
    same = CompositionalKernel(DualKernel("relu").activation, 3, centered=False)
    assert kernel == same
    assert hash(kernel) == hash(same)
    others = [
        CompositionalKernel("relu", 4),
        CompositionalKernel("gelu", 3),
        CompositionalKernel("relu", 3, centered=True),
    ]
    assert len({kernel, same, *others}) == 4


@pytest.mark.parametrize("name", ["relu", "erf", "tanh"])
def test_a_kernel_that_was_used_can_be_pickled(name):
    def used(kernel: CompositionalKernel) -> list[float]:
        rows = kernel.gram(np.eye(2) + 0.3)
        return [kernel(0.3), kernel.complement(1e-9), kernel.dual(0.3), kernel.error_bound, rows[0, 1]]

    kernel = CompositionalKernel(name, 3, centered=True)
    value, law = used(kernel), kernel.coefficients(3).tolist()
    copy = pickle.loads(pickle.dumps(kernel))
    assert copy == kernel
    assert used(copy) == value
    assert copy.coefficients(3).tolist() == law


def test_a_kernel_shows_what_it_was_made_of():
    assert "relu" in repr(CompositionalKernel("relu", 7, centered=True))
    assert "depth=7, centered=True" in repr(CompositionalKernel("relu", 7, centered=True))


# The law of Z_L ---------------------------------------------------------------------------------------------------

COEFFICIENT = 1e-12  # of a_k^2 / E sigma^2


def composed(p: list[mpmath.mpf], depth: int) -> list[mpmath.mpf]:
    """Coefficients of the power series sum p_k s^k composed with itself; exact to its degree, since p_0 = 0."""
    degree, found = len(p) - 1, [mpmath.mpf(0), mpmath.mpf(1)] + [mpmath.mpf(0)] * (len(p) - 2)
    for _ in range(depth):
        result = [mpmath.mpf(0)] * (degree + 1)
        for coefficient in reversed(p):  # Horner: result * found + coefficient
            product = [mpmath.mpf(0)] * (degree + 1)
            for i, a in enumerate(result):
                for j in range(degree + 1 - i):
                    product[i + j] += a * found[j]
            product[0] += coefficient
            result = product
        found = result
    return found


DEGREE = 10


@pytest.mark.parametrize("depth", [1, 2, 5, 20])
@pytest.mark.parametrize("name", ["centered-relu", "centered-gelu"])
def test_the_law_of_a_centered_kernel_is_a_composition_of_power_series(name, depth):
    activation, centered, complement = CASES[name]
    with mpmath.workdps(40):
        p = mpmath.taylor(lambda s: 1 - complement(1 - s), 0, DEGREE)
        p[0] = mpmath.mpf(0)
        exact = [float(value) for value in composed(p, depth)]
    found = deep(activation, depth, centered).coefficients(DEGREE)
    # the first coefficient a_1^(2 L) is off by L roundings, and so are the others
    assert found == pytest.approx(exact, rel=depth * COEFFICIENT, abs=depth * COEFFICIENT * max(exact))


@pytest.mark.parametrize("depth", [1, 5, 20])
@pytest.mark.parametrize("name", ["relu", "gelu"])
def test_the_law_of_a_kernel_that_is_not_centered_is_its_taylor_series_at_zero(name, depth):
    complement = CASES[name][2]
    with mpmath.workdps(60):  # differences of order ten leave thirty
        exact = mpmath.taylor(lambda s: 1 - iterated(complement, 1 - s, depth), 0, DEGREE)
    found = deep(name, depth).coefficients(DEGREE)
    assert found == pytest.approx([float(value) for value in exact], rel=0, abs=depth * COEFFICIENT)


LAWS = [(name, centered) for name in ("relu", "gelu", "swish", "elu", "tanh") for centered in (False, True)]


@pytest.mark.parametrize("depth", [1, 3, 20])
@pytest.mark.parametrize(("name", "centered"), LAWS)
def test_the_law_generates_the_kernel(name, centered, depth):
    kernel = deep(name, depth, centered)
    p = kernel.coefficients(40)
    assert p.shape == (41,)
    assert (p >= 0).all()
    assert p.sum() <= 1 + depth * COEFFICIENT
    # 0.2^41 = 2e-29 is left out
    slack = depth * COEFFICIENT + kernel.error_bound
    assert p @ 0.2 ** np.arange(41.0) == pytest.approx(kernel(0.2), rel=0, abs=slack)
    assert p[0] == pytest.approx(kernel(0.0), rel=0, abs=slack)


def test_every_layer_of_the_identity_has_one_child():
    assert deep("identity", 7).coefficients(3).tolist() == pytest.approx([0, 1, 0, 0], abs=COEFFICIENT)


def test_every_layer_of_the_square_has_two_children():
    # Z_L = 2^L
    assert deep(SQUARE, 3, True).coefficients(9) == pytest.approx([0] * 8 + [1, 0], abs=8 * COEFFICIENT)


def test_a_negative_degree_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^[^\n]*degree = -1[^\n]*$"):
        deep("relu", 3).coefficients(-1)
