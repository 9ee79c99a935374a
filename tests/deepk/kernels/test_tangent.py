"""Tangent kernels beside their recursion in mpmath, at any distance from one; their symmetries; what they refuse."""

import math
import pickle
from functools import cache
from itertools import dropwhile

import jaxtyping
import mpmath
import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from deepk.activations import Activation, leaky_relu
from deepk.kernels import CompositionalKernel, DualKernel, TangentKernel, kappa_0, kappa_1
from deepk.kernels.precise import Digits, Series, precision
from tests.support.arrays import SHAPES, TYPES, check_kinds
from tests.support.layers import Layer, elu, elu_moments

EPS = 2.0**-52

light = settings(max_examples=25, deadline=None)

BENT = Activation.from_callable("bent", lambda x: (x - 0.3).relu(), kinks=(0.3,))
SQUARE = Activation.from_callable("square", lambda x: x * x)
ABSOLUTE = leaky_relu(-1.0)


@cache
def tangent(activation: str | Activation, depth: int, normalized: bool = False) -> TangentKernel:
    return TangentKernel(activation, depth, normalized=normalized)


# References: one layer --------------------------------------------------------------------------------------------


def relu(c: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    t = mpmath.acos(c)
    return (mpmath.sin(t) + (mpmath.pi - t) * c) / mpmath.pi, (mpmath.pi - t) / mpmath.pi


def absolute(c: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    t = mpmath.asin(c)
    return (mpmath.cos(t) + t * c) * 2 / mpmath.pi, t * 2 / mpmath.pi


def erf(c: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    one = mpmath.asin(mpmath.mpf(2) / 3)
    return mpmath.asin(2 * c / 3) / one, 2 / mpmath.sqrt(9 - 4 * c * c) / one


def gelu(c: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    def kernel(c: mpmath.mpf) -> mpmath.mpf:
        return c / 4 + (c * mpmath.asin(c / 2) + 1 / mpmath.sqrt(4 - c * c)) / (2 * mpmath.pi)

    rest = 4 - c * c
    slope = (mpmath.asin(c / 2) + c / mpmath.sqrt(rest) + c / mpmath.sqrt(rest) ** 3) / (2 * mpmath.pi)
    one = kernel(mpmath.mpf(1))
    return kernel(c) / one, (slope + mpmath.mpf(1) / 4) / one


def square(c: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    return (1 + 2 * c * c) / 3, 4 * c / 3


@cache
def squares(name: str) -> tuple[list[mpmath.mpf], list[mpmath.mpf]]:
    """a_k^2 of even and of odd k, highest degree first, without leading zeros.

    The trapezoid rule is exact in 25 digits, and those left out sum to 1e-19.
    """
    logistic = {"swish": 1, "sigmoid": 0}
    with mpmath.workdps(30):
        points = [mpmath.mpf(i) / 8 for i in range(-14 * 8, 14 * 8 + 1)]
        if name == "tanh":
            value = [mpmath.tanh(x) for x in points]
        else:
            value = [x ** logistic[name] / (1 + mpmath.exp(-x)) for x in points]
        value = [mpmath.npdf(x) * v / 8 for x, v in zip(points, value, strict=True)]
        last, found = [mpmath.mpf(0)] * len(points), []
        for k in range(500 if name == "tanh" else 90):
            found.append(mpmath.fsum(value) ** 2)
            low, high = mpmath.sqrt(k), mpmath.sqrt(k + 1)
            last, value = value, [(x * v - low * u) / high for x, v, u in zip(points, value, last, strict=True)]
    parts = found[::2][::-1], found[1::2][::-1]
    return tuple(list(dropwhile(lambda square: square < 1e-40, part)) or [mpmath.mpf(0)] for part in parts)


def analytic(name: str) -> Layer:
    def layer(c: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
        (even, even_slope), (odd, odd_slope) = (mpmath.polyval(part, c * c, derivative=True) for part in squares(name))
        one = mpmath.fsum(square for part in squares(name) for square in part)
        return (even + c * odd) / one, (2 * c * even_slope + odd + 2 * c * c * odd_slope) / one

    return layer


def recursion(layer: Layer, rho: mpmath.mpf, depth: int) -> mpmath.mpf:
    kernel = theta = rho
    for _ in range(depth):
        kernel, slope = layer(kernel)
        theta = theta * slope + kernel
    return theta


LAYERS: dict[str, Layer] = {
    "relu": relu,
    "erf": erf,
    "gelu": gelu,
    "tanh": analytic("tanh"),
    "swish": analytic("swish"),
    "sigmoid": analytic("sigmoid"),
}
CASES = [(name, depth) for name in LAYERS for depth in ((1, 2, 5, 50) if name != "sigmoid" else (20,))]
EVEN: dict[str, tuple[Activation, Layer]] = {
    "square": (SQUARE, square),
    "absolute": (ABSOLUTE, absolute),
}


def at_one(name: str, depth: int) -> mpmath.mpf:
    """The recursion at one, where K stays one."""
    mu = elu_moments()[1] / elu_moments()[0] if name == "elu" else LAYERS[name](mpmath.mpf(1))[1]
    return mpmath.fsum(mu**k for k in range(depth + 1))


# Values -----------------------------------------------------------------------------------------------------------

PLACES = (-1 + 2.0**-20, -0.75, 0.0, 2.0**-20, 0.1875, 0.9375, 1 - 2.0**-40)
FEW = (-0.75, 2.0**-20, 1 - 2.0**-20)


@pytest.mark.parametrize(("name", "depth"), CASES)
def test_the_kernel_agrees_with_its_recursion_in_mpmath(name, depth):
    kernel = tangent(name, depth)
    with mpmath.workdps(40):
        for rho in PLACES if depth < 5 else FEW:
            exact = recursion(LAYERS[name], mpmath.mpf(rho), depth)
            assert abs(kernel(rho) - exact) <= kernel.error_bound * kernel.at_one, rho
            assert abs(kernel(rho) - exact) <= 1e-9 * abs(exact), rho


@pytest.mark.parametrize(("depth", "places"), [(1, PLACES[1:-1]), (2, FEW), (5, (0.5,)), (50, (0.5,))], ids=str)
def test_the_kernel_of_elu_agrees_with_its_recursion_in_mpmath(depth, places):
    kernel = tangent("elu", depth)
    with mpmath.workdps(30):
        for rho in places:
            exact = recursion(elu, mpmath.mpf(rho), depth)
            assert abs(kernel(rho) - exact) <= kernel.error_bound * kernel.at_one, rho
            assert abs(kernel(rho) - exact) <= 1e-9 * abs(exact), rho


@pytest.mark.parametrize(("name", "depth"), CASES)
def test_opposite_inputs_have_the_recursion_at_minus_one(name, depth):
    # 0 for one layer of ReLU
    kernel = tangent(name, depth)
    with mpmath.workdps(40):
        exact = recursion(LAYERS[name], mpmath.mpf(-1), depth)
    assert abs(kernel(-1.0) - exact) <= kernel.error_bound * kernel.at_one


def wave(c: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    return mpmath.sinh(9 * c) / mpmath.sinh(9), 9 * mpmath.cosh(9 * c) / mpmath.sinh(9)


STEEP: dict[str, tuple[Activation, Layer]] = {
    "third": (Activation.from_callable("third", lambda x: x**3 - 3 * x), lambda c: (c**3, 3 * c**2)),
    "wave": (Activation.from_callable("wave", lambda x: (3 * x).sin()), wave),
}


@pytest.mark.parametrize("depth", [1, 2, 10])
@pytest.mark.parametrize("name", STEEP)
def test_a_kernel_that_is_all_but_zero_between_its_ends_agrees_with_its_recursion(name, depth):
    activation, layer = STEEP[name]
    kernel = tangent(activation, depth)
    with mpmath.workdps(40):
        for rho in (-0.9375, -(2.0**-20), 0.0, 0.5, 0.9375, 1 - 2.0**-30):
            exact = recursion(layer, mpmath.mpf(rho), depth)
            assert abs(kernel(rho) - exact) <= kernel.error_bound * kernel.at_one, rho
        exact = 1 - recursion(layer, 1 - mpmath.mpf(1e-8), depth) / recursion(layer, mpmath.mpf(1), depth)
    assert kernel.complement(1e-8) == pytest.approx(float(exact), rel=1e-9)


def test_a_network_that_maps_all_inputs_to_one_direction_has_a_constant_kernel():
    # mu = 0.15 of sigmoid: 1 - K is below float64 after 400 layers
    kernel = tangent("sigmoid", 400)
    assert kernel(np.array([-1.0, 0.0, 1.0])) == pytest.approx(1 / (1 - DualKernel("sigmoid").mu), rel=1e-13)
    assert (kernel.complement(np.array([0.0, 1e-300, 1.0, 2.0])) <= 1e-300).all()


@pytest.mark.parametrize("depth", [1, 2, 20])
@pytest.mark.parametrize("name", EVEN)
def test_the_kernel_of_an_even_activation_agrees_with_its_recursion_and_is_even(name, depth):
    activation, layer = EVEN[name]
    kernel = tangent(activation, depth)
    with mpmath.workdps(40):
        for rho in (0.0, 2.0**-20, 0.5, 0.9375, 1 - 2.0**-30):
            exact = recursion(layer, mpmath.mpf(rho), depth)
            assert abs(kernel(rho) - exact) <= min(kernel.error_bound * kernel.at_one, 1e-9 * exact), rho
            assert kernel(-rho) == kernel(rho)
            assert kernel.complement(1 + rho) == pytest.approx(kernel.complement(1 - rho), rel=1e-12)
    assert kernel.parity == 1


@pytest.mark.parametrize("rho", [-0.5, 0.5, 0.9375, 1 - 2.0**-30])
def test_a_thousand_layers_of_relu_agree_with_the_recursion(rho):
    kernel = tangent("relu", 1000)
    with mpmath.workdps(40):
        exact = recursion(relu, mpmath.mpf(rho), 1000)
        assert abs(kernel(rho) / exact - 1) <= 1e-9
        assert abs(kernel(rho) - exact) <= kernel.error_bound * kernel.at_one
        rest = 1 - exact / 1001
        assert abs(kernel.complement(1 - rho) / rest - 1) <= 1e-9


@pytest.mark.parametrize("depth", [1, 3, 20])
def test_the_identity_has_a_layers_kernel_for_each_layer(depth):
    # G(rho) = rho: Theta_L = (L + 1) rho
    rho = np.array([-1.0, -0.3, 1e-9, 0.5, 1.0])
    kernel = tangent("identity", depth)
    assert kernel(rho) == pytest.approx((depth + 1) * rho, rel=1e-12, abs=0)


@pytest.mark.parametrize("activation", ["softplus", "sin", leaky_relu(0.3)], ids=str)
def test_one_layer_is_made_of_the_dual_kernel_and_its_slope(activation):
    kernel, dual = tangent(activation, 1), DualKernel(activation)
    rho = np.array([-0.9, -0.2, 0.1, 0.7, 0.99])
    expected = rho * dual.derivative(rho) + dual(rho)
    assert kernel(rho) == pytest.approx(expected, rel=0, abs=2 * kernel.error_bound + 1e-13)


def test_one_layer_of_relu_is_made_of_the_arc_cosine_kernels():
    rho = np.linspace(-1, 1, 9)
    assert tangent("relu", 1)(rho) == pytest.approx(rho * kappa_0(rho) + kappa_1(rho), rel=0, abs=8 * EPS)


# Next to one ------------------------------------------------------------------------------------------------------

CLOSE = (1.875, 1.0, 1e-3, 1e-8, 1e-12, 1e-14, 1e-20)


@pytest.mark.parametrize(("name", "depth"), CASES)
def test_the_complement_is_relatively_accurate_however_small(name, depth):
    kernel = tangent(name, depth)
    with mpmath.workdps(90):  # twenty layers of sigmoid leave 1e-37 of 1e-20
        for u in CLOSE if depth < 20 else CLOSE[2:]:
            exact = 1 - recursion(LAYERS[name], 1 - mpmath.mpf(u), depth) / at_one(name, depth)
            assert abs(kernel.complement(u) / exact - 1) <= 1e-10, u


@pytest.mark.parametrize("depth", [1, 2, 5, 1000])
def test_next_to_one_relu_leaves_the_depth_times_the_root(depth):
    # Theta = L + 1 - L (L + 1) sqrt(u) / (sqrt(2) pi) + ...
    u = 1e-200
    exact = depth / (math.sqrt(2) * math.pi) * math.sqrt(u)
    assert tangent("relu", depth).complement(u) == pytest.approx(exact, rel=1e-10, abs=0)


# 1 - Theta / Theta(1) of elu, u as float64: `elu` above iterated in 45 digits, the integrals in `below` cut at 0.3, 1,
# 3, 10, 30, 100, ..., 10^6 times sqrt(1 - c^2) from their end, where their integrand changes.
ELU = [
    (1, 1e-3, "0.001141945485260060950789"),
    (1, 1e-5, "0.00001145297657219671096443"),
    (1, 1e-8, "1.145648645729256637433e-8"),
    (2, 1e-3, "0.00129135103290343958678"),
    (2, 1e-5, "0.00001298374907802749097726"),
    (2, 1e-8, "1.299106772463462052361e-8"),
    (5, 1e-3, "0.001787375660402251312381"),
    (5, 1e-5, "0.00001807575039818895456873"),
    (5, 1e-8, "1.809648826766614922335e-8"),
]


@pytest.mark.parametrize(("depth", "u", "exact"), ELU)
def test_the_complement_of_elu_is_relatively_accurate(depth, u, exact):
    assert tangent("elu", depth).complement(u) == pytest.approx(float(exact), rel=1e-11, abs=0)


def test_the_table_of_elu_is_made_by_the_recursion_it_names():
    with mpmath.workdps(30):
        found = 1 - recursion(elu, 1 - mpmath.mpf(1e-3), 1) / at_one("elu", 1)
    assert float(found) == pytest.approx(float(ELU[0][2]), rel=1e-14)


@pytest.mark.parametrize("u", [1e-20, 1e-200])
@pytest.mark.parametrize("depth", [1, 2, 5, 50])
def test_next_to_one_elu_leaves_its_slope(depth, u):
    # Theta' = Theta_l' mu + Theta_l G''(1) K_l' + K_(l+1)', the next term being smaller by sqrt(u)
    with mpmath.workdps(30):
        square_, slope, curvature = elu_moments()
        mu, theta, kernel, grown = slope / square_, mpmath.mpf(1), mpmath.mpf(1), mpmath.mpf(1)
        for _ in range(depth):
            grown = grown * mu + theta * curvature / square_ * kernel + kernel * mu
            kernel, theta = kernel * mu, theta * mu + 1
        exact = grown / theta * u
        assert abs(tangent("elu", depth).complement(u) / exact - 1) <= 1e-9


@pytest.mark.parametrize("name", ["relu", "elu", "erf", "gelu", "tanh", "swish"])
@pytest.mark.parametrize("depth", [1, 2, 50])
def test_the_kernel_at_one_is_a_sum_of_powers(name, depth):
    kernel = tangent(name, depth)
    with mpmath.workdps(30):
        exact = float(at_one(name, depth))
    # mu is an expectation, to 1e-13, and depth times as wrong in mu^depth
    assert kernel.at_one == pytest.approx(exact, rel=2e-13 * depth)
    assert kernel(1.0) == pytest.approx(kernel.at_one, rel=kernel.error_bound)
    assert kernel.complement(0.0) == 0
    assert tangent(name, depth, True).at_one == 1


@pytest.mark.parametrize("depth", [1, 7, 1000])
def test_relu_at_one_counts_its_layers_of_weights(depth):
    assert tangent("relu", depth).at_one == pytest.approx(depth + 1, rel=depth * EPS)


@pytest.mark.parametrize("depth", [1, 5, 50])
@pytest.mark.parametrize("name", ["relu", "elu", "tanh", "gelu"])
def test_the_normalized_kernel_is_the_quotient(name, depth):
    kernel, normalized = tangent(name, depth), tangent(name, depth, True)
    rho, u = np.array([-1.0, -0.4, 0.0, 1e-5, 0.6, 1.0]), np.array([0.0, 1e-12, 0.5, 2.0])
    assert normalized(rho) == pytest.approx(kernel(rho) / kernel.at_one, rel=4 * EPS, abs=0)
    assert (normalized.complement(u) == kernel.complement(u)).all()
    assert normalized.error_bound == kernel.error_bound


ANY = [tangent(name, depth) for name in ("relu", "elu", "tanh", "gelu") for depth in (1, 5, 50)]


@light
@given(kernel=st.sampled_from(ANY), rho=st.floats(-1, 1))
def test_the_kernel_and_its_complement_sum_to_one(kernel, rho):
    # 1 - rho rounds where rho is small, by which 1 - Theta / Theta(1), convex on [0, 1], moves as much as it grows
    u = 1 - rho
    slack = 2 * kernel.error_bound + 8 * EPS * (1 + kernel.complement(u) / max(u, EPS))
    assert kernel(rho) / kernel.at_one + kernel.complement(u) == pytest.approx(1, rel=0, abs=slack)


@light
@given(kernel=st.sampled_from(ANY), s=st.floats(0, 1), t=st.floats(0, 1))
def test_the_kernel_increases_and_is_convex_on_correlations_that_are_not_negative(kernel, s, t):
    slack = 2 * (kernel.error_bound + 8 * EPS) * kernel.at_one
    assert kernel(min(s, t)) <= kernel(max(s, t)) + slack
    assert kernel((s + t) / 2) <= (kernel(s) + kernel(t)) / 2 + slack
    assert abs(kernel(-s)) <= kernel(s) + slack


# Symmetry ---------------------------------------------------------------------------------------------------------

ODD = {"tanh": "tanh", "erf": "erf"}


@pytest.mark.parametrize("depth", [1, 2, 5, 50])
@pytest.mark.parametrize("name", ODD)
def test_the_kernel_of_an_odd_activation_is_odd(name, depth):
    kernel = tangent(name, depth)
    rho = np.array([1e-300, 1e-12, 1e-6, 9e-4, 1e-3, 1.1e-3, 0.05, 0.5, 1.0])
    assert (kernel(-rho) == -kernel(rho)).all()
    assert kernel(0.0) == 0
    assert kernel.parity == -1
    u = np.array([2.0**-40, 0.3125, 0.75])  # 2 - u has no rounding
    assert kernel.complement(2 - u) == pytest.approx(2 - kernel.complement(u), rel=4 * EPS)


@pytest.mark.parametrize("depth", [1, 2, 5, 50])
@pytest.mark.parametrize("name", ODD)
def test_an_odd_kernel_next_to_zero_keeps_its_digits(name, depth):
    # on both sides of 1e-3, from where on what the table is made of has no cancellation
    kernel = tangent(name, depth)
    with mpmath.workdps(30):
        for rho in (9.99e-4, 1.001e-3, 0.05):
            exact = recursion(LAYERS[name], mpmath.mpf(rho), depth)
            assert abs(kernel(rho) / exact - 1) <= 1e-10, rho


@pytest.mark.parametrize("rho", [1e-300, 1e-9])
@pytest.mark.parametrize("depth", [1, 2, 5, 50])
@pytest.mark.parametrize("name", ODD)
def test_an_odd_kernel_has_its_slope_at_zero(name, depth, rho):
    # Theta_L = (L + 1) G'(0)^L rho (1 + O(rho^2))
    with mpmath.workdps(30):
        exact = (depth + 1) * LAYERS[name](mpmath.mpf(0))[1] ** depth * rho
        assert abs(tangent(name, depth)(rho) / exact - 1) <= 1e-10


# Kinds of numbers, Gram matrices ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("f", ["__call__", "complement"])
def test_arrays_and_tensors_keep_shape_and_type(f, shape, dtype):
    check_kinds(getattr(tangent("gelu", 3), f), shape, dtype)


@pytest.mark.parametrize("rho", [1.1, -1.1, math.nan, math.inf])
def test_what_is_no_correlation_is_refused_in_one_line(rho):
    for given_as in (rho, np.array([0.5, rho]), torch.tensor([[0.5, rho]], dtype=torch.float64)):
        with pytest.raises(ValueError, match=r"^rho = [^\n]* is not a correlation in \[-1, 1\][^\n]*$"):
            tangent("gelu", 3)(given_as)


@pytest.mark.parametrize("u", [-1e-9, 2.1, math.nan])
def test_what_is_no_complement_is_refused_in_one_line(u):
    for given_as in (u, np.array([0.5, u]), torch.tensor([[0.5, u]], dtype=torch.float64)):
        with pytest.raises(ValueError, match=r"^1 - rho = [^\n]* is not in \[0, 2\][^\n]*$"):
            tangent("gelu", 3).complement(given_as)


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("name", ["relu", "tanh", "gelu"])
def test_a_gram_matrix_is_symmetric_with_the_kernel_at_one_on_its_diagonal(name, normalized):
    kernel, x = tangent(name, 3, normalized), np.random.default_rng(0).normal(size=(40, 8))
    gram = kernel.gram(x)
    assert (gram == gram.T).all()
    assert (np.diag(gram) == kernel.at_one).all()
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    off = ~np.eye(40, dtype=bool)
    # a few roundings of rho, whose slope is at most 50 off the diagonal
    assert np.abs(gram - kernel(np.clip(unit @ unit.T, -1, 1)))[off].max() <= 50 * 32 * EPS
    assert np.linalg.eigvalsh(gram)[0] >= -40 * (kernel.error_bound + 32 * EPS) * kernel.at_one


def test_rows_that_are_the_same_are_uncertain_by_the_root_of_a_rounding():
    x = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 0.0]])
    with pytest.warns(UserWarning, match=r"^rows are as close as 1 - \|rho\| = [^\n]*$"):
        tangent("relu", 3).gram(x)


# What a kernel is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["step", Activation.from_callable("sign", torch.sign, jumps=(0.0,))], ids=str)
def test_an_activation_that_jumps_is_refused_in_one_line(activation):
    with pytest.raises(ValueError, match=r"^activation (step|sign) has no tangent kernel: it jumps[^\n]*$"):
        TangentKernel(activation, 3)


@pytest.mark.parametrize("depth", [0, -1, -100])
def test_a_depth_below_one_is_refused_in_one_line(depth):
    with pytest.raises(ValueError, match=rf"^depth = {depth} [^\n]*$"):
        TangentKernel("relu", depth)


def test_an_unknown_name_is_refused_in_one_line_with_the_nearest_one():
    with pytest.raises(ValueError, match=r"^unknown activation 'rellu'; did you mean relu\?[^\n]*$"):
        TangentKernel("rellu", 3)


@pytest.fixture
def annotations_are_not_enforced(monkeypatch):
    """As outside of these tests."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("depth", [1.5, "3", None], ids=str)
def test_a_depth_that_is_not_whole_is_refused_in_one_line(depth):
    with pytest.raises(TypeError, match=rf"^'{type(depth).__name__}' object cannot be interpreted as an integer$"):
        TangentKernel("relu", depth)


@pytest.mark.usefixtures("annotations_are_not_enforced")
def test_a_depth_may_be_a_whole_number_of_numpy():
    kernel = TangentKernel("gelu", np.int64(3))
    assert kernel == tangent("gelu", 3)
    assert type(kernel.depth) is int


def test_kernels_are_equal_when_their_activation_depth_and_normalization_are():
    kernel = TangentKernel("relu", 3)
    same = TangentKernel(DualKernel("relu").activation, 3, normalized=False)
    assert kernel == same
    assert hash(kernel) == hash(same)
    others = [
        TangentKernel("relu", 4),
        TangentKernel("gelu", 3),
        TangentKernel("relu", 3, normalized=True),
        CompositionalKernel("relu", 3),
    ]
    assert len({kernel, same, *others}) == 5


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_a_kernel_that_was_used_can_be_pickled(name):
    kernel = TangentKernel(name, 3, normalized=True)
    used = [kernel(0.3), kernel.complement(1e-9), kernel.gram(np.eye(2) + 0.3)[0, 1]]
    copy = pickle.loads(pickle.dumps(kernel))
    assert copy == kernel
    assert [copy(0.3), copy.complement(1e-9), copy.gram(np.eye(2) + 0.3)[0, 1]] == used


def test_a_kernel_shows_what_it_was_made_of():
    assert "relu" in repr(tangent("relu", 7, True))
    assert "depth=7, normalized=True" in repr(tangent("relu", 7, True))


@pytest.mark.parametrize(("depth", "bound"), [(1, 1e-12), (50, 1e-10), (1000, 1e-9)])
def test_the_bound_is_small(depth, bound):
    assert EPS < tangent("relu", depth).error_bound < bound


@pytest.mark.parametrize("name", ["relu", "erf", "gelu"])
def test_a_rounding_next_to_one_is_amplified_by_the_slope_of_each_layer(name):
    mu = DualKernel(name).mu
    assert tangent(name, 20).amplification == pytest.approx(mu**20, rel=40 * EPS)
    assert tangent("erf", 10_000).amplification == math.inf  # 1.23^10000, and nothing overflows


# Numbers of many digits, power series -----------------------------------------------------------------------------


def decimal(number: arb) -> mpmath.mpf:
    return mpmath.mpf(number.mid().str(70, radius=False))


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("name", ["relu", "erf", "gelu"])
def test_fifty_digits_agree_with_mpmath(name, depth):
    with mpmath.workdps(60), precision(200):
        for angle in ("0.001", "1.1", "3.1"):
            exact = recursion(LAYERS[name], mpmath.cos(mpmath.mpf(angle)), depth)
            found = decimal(tangent(name, depth).exact(Digits.at(arb(angle))))
            assert abs(found / exact - 1) <= mpmath.mpf(10) ** -50, angle
        one = decimal(tangent(name, depth).exact_at_one(Digits.at(arb(0))))
        assert abs(one / at_one(name, depth) - 1) <= mpmath.mpf(10) ** -50


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize(("name", "rest"), [("tanh", 1e-16), ("swish", 1e-20)])
def test_digits_of_a_kernel_without_a_closed_form_agree_with_its_hermite_series(name, rest, depth):
    with mpmath.workdps(30), precision(120):
        exact = recursion(LAYERS[name], mpmath.cos(mpmath.mpf("1.1")), depth)
        assert abs(decimal(tangent(name, depth).exact(Digits.at(arb("1.1")))) / exact - 1) <= rest


@pytest.mark.parametrize("kernel", [CompositionalKernel, TangentKernel])
def test_digits_of_a_users_own_activation_are_refused_in_one_line(kernel):
    own = kernel(Activation.from_callable("own", torch.tanh), 1)
    assert own.most_digits == 0
    with precision(100), pytest.raises(ValueError, match=r"^the kernel of own is known in float64[^\n]*$"):
        own.exact(Digits(arb("0.5")))


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("name", ["relu", "erf", "gelu", "tanh"])
def test_the_power_series_is_that_of_mpmath(name, depth):
    with mpmath.workdps(60):  # differences of order eight lose half of them
        exact = mpmath.taylor(lambda rho: recursion(LAYERS[name], rho, depth), 0, 8)
        with precision(200, terms=9):
            found = [decimal(c) for c in tangent(name, depth).exact(Series.rho()).coeffs()]
        assert 8 <= len(found) <= 9  # zeros at the end are left out
        assert max(abs(a - b) for a, b in zip(found, exact, strict=False)) <= 1e-16
        assert abs(exact[8]) <= 1e-16 or len(found) == 9


@pytest.mark.parametrize("name", ["relu", "erf"])
def test_the_normalized_kernel_is_the_quotient_in_all_digits(name):
    with precision(200):
        x, one = Digits.at(arb("0.4")), Digits.at(arb(0))
        quotient = tangent(name, 3).exact(x) / tangent(name, 3).exact_at_one(x)
        assert abs(decimal(tangent(name, 3, True).exact(x) / quotient - 1)) <= 1e-50
        assert abs(decimal(tangent(name, 3, True).exact(one) - 1)) <= 1e-50
        assert tangent(name, 3, True).exact_at_one(x) == 1


@pytest.mark.parametrize("activation", ["elu", BENT], ids=str)
def test_a_kink_without_a_closed_form_has_no_exact_numbers(activation):
    assert tangent(activation, 2).most_digits == 0
    with precision(200), pytest.raises(ValueError, match=r"^activation (elu|bent) is not smooth[^\n]*$"):
        tangent(activation, 2).exact(Digits.at(arb(1)))
