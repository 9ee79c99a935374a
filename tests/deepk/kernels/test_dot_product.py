"""Kernels of a scalar product: sums and products of them, Laplace's and Gauss's, and the arc-cosine kernels."""

import math
import pickle
import warnings
from collections.abc import Callable

import jaxtyping
import mpmath
import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from deepk.kernels import (
    CompositionalKernel,
    ConstantKernel,
    DotProductKernel,
    GaussianKernel,
    LaplaceKernel,
    TangentKernel,
    kappa_0,
    kappa_1,
)
from deepk.kernels.precise import Digits, Series, precision
from tests.support.arrays import SHAPES, TYPES, check_kinds

EPS = 2.0**-52
Map = Callable[[mpmath.mpf], mpmath.mpf]

light = settings(max_examples=25, deadline=None)

RELU = CompositionalKernel("relu", 1)
TANGENT = TangentKernel("relu", 1)
ERF = CompositionalKernel("erf", 1)  # odd
LAPLACE, GAUSSIAN = LaplaceKernel(0.7), GaussianKernel(0.4)


# References -------------------------------------------------------------------------------------------------------


def step(c: mpmath.mpf) -> mpmath.mpf:
    return 1 - mpmath.acos(c) / mpmath.pi


def relu(c: mpmath.mpf) -> mpmath.mpf:
    return mpmath.sqrt(1 - c * c) / mpmath.pi + c * step(c)


def tangent(c: mpmath.mpf) -> mpmath.mpf:
    return c * step(c) + relu(c)


def erf(c: mpmath.mpf) -> mpmath.mpf:
    return mpmath.asin(2 * c / 3) / mpmath.asin(mpmath.mpf(2) / 3)


def laplace(c: mpmath.mpf) -> mpmath.mpf:
    return mpmath.exp(-mpmath.mpf(0.7) * mpmath.sqrt(2 - 2 * c))


def gaussian(c: mpmath.mpf) -> mpmath.mpf:
    return mpmath.exp(-mpmath.mpf(0.4) * (2 - 2 * c))


KERNELS: dict[str, tuple[DotProductKernel, Map]] = {
    "laplace": (LAPLACE, laplace),
    "gaussian": (GAUSSIAN, gaussian),
    "constant": (ConstantKernel(2.5), lambda c: mpmath.mpf(2.5) + 0 * c),
    "sum": (RELU + TANGENT, lambda c: relu(c) + tangent(c)),
    "product": (RELU * ERF, lambda c: relu(c) * erf(c)),
    "scaled": (2.5 * TANGENT, lambda c: mpmath.mpf(2.5) * tangent(c)),
    "shifted": (ERF + 0.5, lambda c: erf(c) + mpmath.mpf(0.5)),
    "square": (ERF * ERF, lambda c: erf(c) ** 2),
    "mixed": (
        (LAPLACE + 3.0 * RELU) * GAUSSIAN + 1.0,
        lambda c: (laplace(c) + 3 * relu(c)) * gaussian(c) + 1,
    ),
}
PLACES = (-1.0, -0.6, 0.0, 0.3, 0.9375, 1 - 2.0**-30, 1.0)


# Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KERNELS)
def test_the_kernel_agrees_with_mpmath(name):
    kernel, exact = KERNELS[name]
    with mpmath.workdps(40):
        for rho in PLACES:
            # a bound on an angle, which a kernel of layers has, is half of one on its cosine
            bound = (2 * kernel.error_bound + 8 * EPS) * kernel.at_one
            assert abs(kernel(rho) - exact(mpmath.mpf(rho))) <= bound, rho


@pytest.mark.parametrize("name", [name for name in KERNELS if name != "constant"])
@pytest.mark.parametrize("u", [2.0, 1.0, 1e-3, 1e-12, 1e-20, 1e-200])
def test_the_complement_is_relatively_accurate_however_small(name, u):
    kernel, exact = KERNELS[name]
    with mpmath.workdps(450):  # 1 - 1e-200 has to be told from one
        expected = 1 - exact(1 - mpmath.mpf(u)) / exact(mpmath.mpf(1))
        assert abs(kernel.complement(u) / expected - 1) <= 1e-12 if expected else kernel.complement(u) <= 4 * EPS


@pytest.mark.parametrize("name", KERNELS)
def test_equal_inputs_have_the_kernel_at_one(name):
    kernel, exact = KERNELS[name]
    one = float(exact(mpmath.mpf(1)))
    assert kernel.at_one == pytest.approx(one, rel=8 * EPS)
    assert kernel(1.0) == pytest.approx(one, rel=2 * kernel.error_bound + 8 * EPS)
    assert kernel.complement(0.0) == 0


@pytest.mark.parametrize("name", ["gaussian", "constant", "product", "shifted", "square"])
def test_a_rounding_next_to_one_is_amplified_by_the_slope(name):
    kernel, exact = KERNELS[name]
    with mpmath.workdps(30):
        below = mpmath.mpf(10) ** -20  # relu leaves t^(3/2) beside its slope
        slope = (1 - exact(1 - below) / exact(mpmath.mpf(1))) / below
    assert kernel.amplification == pytest.approx(float(slope), rel=1e-9, abs=1e-9)


def test_a_slope_that_is_infinite_stays_so_in_sums_and_products():
    for kernel in (LAPLACE, LAPLACE + 1.0, 3.0 * LAPLACE, RELU * LAPLACE, RELU + LAPLACE * ERF):
        assert kernel.amplification == math.inf


@light
@given(a=st.floats(1e-3, 1e3), b=st.floats(1e-3, 1e3), rho=st.floats(-1, 1))
def test_a_combination_is_that_of_the_values(a, b, rho):
    kernel = a * RELU + GAUSSIAN * b
    exact = a * RELU(rho) + b * GAUSSIAN(rho)
    assert kernel(rho) == pytest.approx(exact, rel=8 * EPS, abs=8 * EPS * (a + b))
    assert kernel.at_one == pytest.approx(a + b, rel=4 * EPS)
    assert 0 <= kernel.error_bound <= max(RELU.error_bound, GAUSSIAN.error_bound) * (1 + 8 * EPS)


def test_the_bound_of_a_product_is_the_sum_of_relative_ones():
    assert (RELU * GAUSSIAN).error_bound == pytest.approx(RELU.error_bound + GAUSSIAN.error_bound)
    assert (2.0 * RELU).error_bound == RELU.error_bound


# Symmetry ---------------------------------------------------------------------------------------------------------

PARITIES = [
    (ERF, -1),
    (ERF + ERF, -1),
    (2.0 * ERF, -1),
    (ERF * ERF * ERF, -1),
    (ERF * ERF, 1),
    (ERF * ERF + 1.0, 1),
    (ConstantKernel(3.0), 1),
    (ConstantKernel(3.0) * 2.0 + 1.0, 1),
    (ERF + 1.0, 0),
    (ERF * RELU, 0),
    (ERF + ERF * ERF, 0),
    (LAPLACE, 0),
    (GAUSSIAN, 0),
]


@pytest.mark.parametrize(("kernel", "parity"), PARITIES, ids=str)
def test_sums_and_products_are_even_and_odd_as_those_of_functions_are(kernel, parity):
    rho = np.linspace(0.1, 1, 7)
    assert kernel.parity == parity
    for sign in (-1, 1):
        found = np.abs(kernel(-rho) - sign * kernel(rho)).max()
        assert found == 0 if sign == parity else found > 0.1


# Gram matrices ----------------------------------------------------------------------------------------------------


def rows(n: int, d: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("name", KERNELS)
def test_a_gram_matrix_is_symmetric_and_positive_with_the_kernel_at_one_on_its_diagonal(name):
    kernel, _ = KERNELS[name]
    gram = kernel.gram(rows(30))
    assert (gram == gram.T).all()
    assert (np.diag(gram) == kernel.at_one).all()
    # entries are off by the bound and the rounding of rho, amplified by sqrt(2) / |x - y| at most, and a matrix by 30
    assert np.linalg.eigvalsh(gram)[0] >= -30 * (2 * kernel.error_bound + 64 * EPS) * kernel.at_one


def test_the_matrix_of_a_sum_and_of_a_product_are_those_of_the_matrices():
    x, y = rows(7), rows(5, seed=1)
    a, b = RELU.gram(x, y), LAPLACE.gram(x, y)
    assert (RELU + LAPLACE).gram(x, y) == pytest.approx(a + b, rel=4 * EPS)
    assert (RELU * LAPLACE).gram(x, y) == pytest.approx(a * b, rel=4 * EPS)
    assert (0.5 * LAPLACE + 2.0).gram(x, y) == pytest.approx(0.5 * b + 2, rel=4 * EPS)


@pytest.mark.parametrize("gamma", [0.1, 1.0, 20.0])
def test_laplace_and_gauss_are_functions_of_the_distance_of_unit_vectors(gamma):
    x, y = rows(20), rows(30, seed=1)
    unit = [z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y)]
    distance = cdist(*unit)
    # a few roundings of the squared distance, which gamma / distance turns into those of the exponent
    slack = 32 * EPS * (1 + gamma) / distance.min()
    assert LaplaceKernel(gamma).gram(x, y) == pytest.approx(np.exp(-gamma * distance), rel=slack)
    assert GaussianKernel(gamma).gram(x, y) == pytest.approx(np.exp(-gamma * distance**2), rel=slack)


def test_rows_that_are_the_same_are_uncertain_where_the_slope_is_infinite():
    x = np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 1.0]])
    with pytest.warns(UserWarning, match=r"^rows are as close as 1 - \|rho\| = [^\n]*$"):
        LAPLACE.gram(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kernel in (GAUSSIAN, ConstantKernel(1.0), ERF + RELU):
            kernel.gram(x)


def test_the_health_of_a_sum_is_that_of_its_matrix():
    x, kernel = rows(9), 2.0 * GAUSSIAN + 1.0
    eigenvalues = np.linalg.eigvalsh(kernel.gram(x))
    health = kernel.health(x)
    assert health.smallest_eigenvalue == pytest.approx(eigenvalues[0], rel=1e-9)
    assert health.largest_eigenvalue == pytest.approx(eigenvalues[-1], rel=1e-12)
    assert health.condition == pytest.approx(eigenvalues[-1] / eigenvalues[0], rel=1e-9)
    assert health.symmetric
    assert health.amplification == pytest.approx(0.8 * 2 / 3 * EPS)


# Kinds of numbers -------------------------------------------------------------------------------------------------


def named(call) -> str:
    return getattr(call, "__name__", str(call))


CALLS = [call for name in ("laplace", "mixed", "constant") for call in (KERNELS[name][0], KERNELS[name][0].complement)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("call", [*CALLS, kappa_0, kappa_1], ids=named)
def test_arrays_and_tensors_keep_shape_and_type(call, shape, dtype):
    check_kinds(call, shape, dtype, roundings=2)


@pytest.mark.parametrize("rho", [1.1, -1.1, math.nan, math.inf])
@pytest.mark.parametrize("call", [LAPLACE, RELU * LAPLACE + 1.0, ConstantKernel(1.0), kappa_0, kappa_1], ids=named)
def test_what_is_no_correlation_is_refused_in_one_line(call, rho):
    for given_as in (rho, np.array([0.5, rho]), torch.tensor([[0.5, rho]], dtype=torch.float64)):
        with pytest.raises(ValueError, match=r"^rho = [^\n]* is not a correlation in \[-1, 1\][^\n]*$"):
            call(given_as)


@pytest.mark.parametrize("u", [-1e-9, 2.1, math.nan])
@pytest.mark.parametrize("kernel", [LAPLACE, RELU + ERF, ConstantKernel(1.0)], ids=str)
def test_what_is_no_complement_is_refused_in_one_line(kernel, u):
    for given_as in (u, np.array([0.5, u]), torch.tensor([[0.5, u]], dtype=torch.float64)):
        with pytest.raises(ValueError, match=r"^1 - rho = [^\n]* is not in \[0, 2\][^\n]*$"):
            kernel.complement(given_as)


@pytest.fixture
def annotations_are_not_enforced(monkeypatch):
    """As outside of these tests."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("number", [2, 2.0, np.float64(2), np.float32(2), np.int64(2)], ids=lambda n: type(n).__name__)
def test_a_number_of_any_kind_stands_for_a_constant_on_either_side(number):
    rho = np.array([-0.5, 0.25, 1.0])
    for kernel in (LAPLACE + number, number + LAPLACE):
        assert isinstance(kernel, DotProductKernel)
        assert kernel(rho) == pytest.approx(LAPLACE(rho) + 2, rel=4 * EPS)
        assert kernel.at_one == 3
    for kernel in (LAPLACE * number, number * LAPLACE):
        assert isinstance(kernel, DotProductKernel)
        assert kernel(rho) == pytest.approx(LAPLACE(rho) * 2, rel=4 * EPS)
        assert kernel.at_one == 2


# What a kernel is -------------------------------------------------------------------------------------------------


def test_kernels_are_added_up_by_sum():
    assert sum([LAPLACE, RELU, ERF]) == LAPLACE + RELU + ERF  # which begins with 0


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("other", ["a", None, [1.0]], ids=str)
def test_what_is_neither_number_nor_kernel_is_a_type_error(other):
    for combine in (lambda: LAPLACE + other, lambda: other + LAPLACE, lambda: LAPLACE * other, lambda: other * LAPLACE):
        with pytest.raises(TypeError, match=r"unsupported operand|can't multiply|can only concatenate|must be str"):
            combine()


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_positive_is_refused_in_one_line(value):
    makers = [ConstantKernel, lambda x: RELU + x, lambda x: RELU * x, lambda x: x * RELU]
    if value:  # which `sum` begins with
        makers.append(lambda x: x + RELU)
    for make in makers:
        with pytest.raises(ValueError, match=rf"^{value} is not a finite number > 0, nor a kernel$"):
            make(value)


@pytest.mark.parametrize("gamma", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("kind", [LaplaceKernel, GaussianKernel])
def test_a_gamma_that_is_not_positive_is_refused_in_one_line(kind, gamma):
    with pytest.raises(ValueError, match=rf"^gamma = {gamma} is not a finite number > 0$"):
        kind(gamma)


def test_kernels_are_equal_when_their_parts_are():
    first, second = 2.0 * RELU + LAPLACE, 2.0 * CompositionalKernel("relu", 1) + LaplaceKernel(0.7)
    assert first == second
    assert hash(first) == hash(second)
    others = [RELU + LAPLACE, RELU * LAPLACE, LAPLACE + RELU, LaplaceKernel(0.4), GAUSSIAN, LaplaceKernel()]
    assert len({first, second, *others}) == 7


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_was_used_can_be_pickled(name):
    kernel, _ = KERNELS[name]
    used = kernel(0.3), kernel.complement(1e-9)
    copy = pickle.loads(pickle.dumps(kernel))
    assert copy == kernel
    assert (copy(0.3), copy.complement(1e-9)) == used


def test_the_power_of_the_angle_is_the_smallest_of_the_parts():
    rough = CompositionalKernel("step", 3)
    assert rough.order == 0.25
    for kernel in (rough + RELU, RELU * rough, 2.0 * rough + 1.0):
        assert kernel.order == 0.25
    for kernel in (RELU + LAPLACE, GAUSSIAN * ERF, ConstantKernel(1.0)):
        assert kernel.order == 1


def test_a_kernel_is_smooth_when_all_of_its_parts_are():
    assert all(kernel.is_smooth for kernel in (GAUSSIAN, ERF, ConstantKernel(1.0), GAUSSIAN * ERF + 1.0))
    assert not any(kernel.is_smooth for kernel in (LAPLACE, RELU, LAPLACE * GAUSSIAN, 1.0 + RELU, RELU + ERF))


# Numbers of many digits, power series -----------------------------------------------------------------------------


def decimal(number: arb) -> mpmath.mpf:
    return mpmath.mpf(number.mid().str(70, radius=False))


@pytest.mark.parametrize("name", KERNELS)
def test_fifty_digits_agree_with_mpmath(name):
    kernel, exact = KERNELS[name]
    with mpmath.workdps(100), precision(200):  # of which a cosine next to one takes forty
        for angle in ("1e-20", "0.4", "2.5"):
            x = Digits.at(arb(angle))
            expected = exact(mpmath.cos(mpmath.mpf(angle)))
            assert abs(decimal(kernel.exact(x)) - expected) <= mpmath.mpf(10) ** -50, angle
            assert abs(decimal(kernel.exact_at_one(x)) - exact(mpmath.mpf(1))) <= mpmath.mpf(10) ** -50


@pytest.mark.parametrize("name", [name for name in KERNELS if name != "constant"])
def test_the_power_series_is_that_of_mpmath(name):
    kernel, exact = KERNELS[name]
    with mpmath.workdps(80):  # differences of order eight lose half of them
        expected = mpmath.taylor(exact, 0, 8)
        with precision(200, terms=9):
            found = [decimal(c) for c in kernel.exact(Series.rho()).coeffs()]
        found += [mpmath.mpf(0)] * (9 - len(found))  # zeros at the end are left out
        assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= 1e-30


def test_a_chord_of_a_tiny_angle_loses_no_digit():
    # 1 - rho = 2 sin(theta / 2)^2 is lost in rho
    with mpmath.workdps(60), precision(200):
        found = 1 - decimal(LAPLACE.exact(Digits.at(arb("1e-40"))))
        expected = -mpmath.expm1(-2 * mpmath.mpf(0.7) * mpmath.sin(mpmath.mpf("0.5e-40")))
        assert abs(found / expected - 1) <= mpmath.mpf(10) ** -15


def test_digits_are_those_of_the_part_that_has_fewest():
    tanh, elu = CompositionalKernel("tanh", 1), CompositionalKernel("elu", 1)
    assert 0 < tanh.most_digits < math.inf
    assert (tanh + LAPLACE).most_digits == (2.0 * tanh).most_digits == tanh.most_digits
    assert (tanh * elu).most_digits == 0
    assert all(KERNELS[name][0].most_digits == math.inf for name in KERNELS)


# The arc-cosine kernels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("c", [-0.9, -0.25, 0.0, 0.5, 0.96])
def test_the_arc_cosine_kernels_are_twice_the_expectations_of_step_and_relu(c):
    # over x > 0, the inner expectation of s(Y) and of relu(Y), Y = c x + s Z, in closed form
    with mpmath.workdps(20):
        s = mpmath.sqrt(1 - mpmath.mpf(c) ** 2)

        def steps(x: mpmath.mpf) -> mpmath.mpf:
            return mpmath.npdf(x) * mpmath.ncdf(c * x / s)

        def ramps(x: mpmath.mpf) -> mpmath.mpf:
            return x * mpmath.npdf(x) * (c * x * mpmath.ncdf(c * x / s) + s * mpmath.npdf(c * x / s))

        for kappa, integrand in ((kappa_0, steps), (kappa_1, ramps)):
            assert kappa(c) == pytest.approx(float(2 * mpmath.quad(integrand, [0, 1, 4, 10])), rel=0, abs=8 * EPS)


@pytest.mark.parametrize("c", [-1.0, -1 + 2.0**-40, -0.5, 0.0, 0.75, 1 - 2.0**-20, 1.0])
def test_the_arc_cosine_kernels_agree_with_mpmath(c):
    with mpmath.workdps(40):
        assert abs(kappa_0(c) - step(mpmath.mpf(c))) <= 2 * EPS
        assert abs(kappa_1(c) - relu(mpmath.mpf(c))) <= 4 * EPS


def test_the_arc_cosine_kernels_end_in_zero_and_one():
    assert [kappa(c) for kappa in (kappa_0, kappa_1) for c in (-1.0, 1.0)] == [0, 1, 0, 1]
    assert kappa_0(1 + 4 * EPS) == kappa_1(1 + 4 * EPS) == 1  # rounding may take a correlation out of its range
    assert kappa_0(0.0) == 0.5


def test_one_layer_of_relu_and_of_the_step_are_the_arc_cosine_kernels():
    c = np.linspace(-1, 1, 9)
    for kappa, kernel in ((kappa_0, CompositionalKernel("step", 1)), (kappa_1, RELU)):
        assert kappa(c) == pytest.approx(kernel(c), rel=0, abs=2 * kernel.error_bound + 4 * EPS)
