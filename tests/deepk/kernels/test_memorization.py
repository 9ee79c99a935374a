"""The depth that memorizes, by its definition; what moves it; the theorem's bounds in 30 digits; random points."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepk.activations import Activation
from deepk.kernels import CompositionalKernel, memorization_bounds, memorization_depth
from deepk.kernels.dual import DualKernel

NAMES = ["relu", "gelu", "sigmoid", "swish"]
EIGENVALUE = 1e-9  # 16 roundings of rho, amplified by mu^L < 1e5 at the depths below, and those of eigvalsh


def points(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


def eigenvalues(x: np.ndarray, name: str, depth: int) -> np.ndarray:
    return np.linalg.eigvalsh(CompositionalKernel(name, depth, centered=True).gram(x))


# The definition ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*NAMES, "tanh", "step"])
@pytest.mark.parametrize(("n", "d", "kappa"), [(2, 8, 0.1), (4, 30, 0.3), (8, 20, 0.9)])
def test_it_is_the_first_depth_whose_eigenvalues_all_are_within_kappa_of_one(name, n, d, kappa):
    x = points(n, d, 3)
    depth = 1
    while np.abs(eigenvalues(x, name, depth) - 1).max() > kappa:
        depth += 1
    assert memorization_depth(x, name, kappa) == depth


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from([*NAMES, "tanh"]),
    n=st.integers(2, 6),
    d=st.integers(2, 4),
    seed=st.integers(0, 10_000),
    depth=st.integers(1, 8),
)
def test_with_each_layer_the_eigenvalues_move_inwards(name, n, d, seed, depth):
    # Schur: the matrix of the next layer is a mean of Schur products of this one with correlation matrices
    x = points(n, d, seed)
    shallow, deep = eigenvalues(x, name, depth), eigenvalues(x, name, depth + 1)
    assert deep[0] >= shallow[0] - EIGENVALUE
    assert deep[-1] <= shallow[-1] + EIGENVALUE


@pytest.mark.parametrize("name", NAMES)
def test_one_layer_is_enough_for_orthogonal_inputs(name):
    # K(0) = 0: the matrix is the identity
    assert memorization_depth(np.eye(5), name, 1e-6) == 1


def test_of_two_inputs_the_off_diagonal_entry_decides():
    # eigenvalues 1 +- K(rho)
    rho = 0.7
    x = np.array([[1.0, 0.0], [rho, math.sqrt(1 - rho * rho)]])
    for kappa in (0.4, 0.1, 0.01):
        depth = memorization_depth(x, "gelu", kappa)
        assert CompositionalKernel("gelu", depth, centered=True)(rho) <= kappa
        assert CompositionalKernel("gelu", depth - 1, centered=True)(rho) > kappa


def test_inputs_that_are_close_take_log_distance_over_log_mu_more_layers():
    # 1 - rho grows by mu a layer until it is of size one: 10^4 times closer, 4 log(10) / log(mu) layers more
    depths = [memorization_depth(np.array([[1.0, 0.0], [1.0, gap]]), "gelu", 0.5) for gap in (1e-1, 1e-3)]
    slow = 4 * math.log(10) / math.log(DualKernel("gelu", centered=True).mu)  # 1 - rho is half the gap's square
    assert depths[1] - depths[0] == pytest.approx(slow, abs=2)  # each rounded up, and a start that is not yet linear


# What moves it ----------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), name=st.sampled_from(["relu", "gelu", "swish"]))
def test_the_order_of_the_rows_and_their_lengths_do_not_matter(seed, name):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((6, 4))
    moved = (x * np.exp(generator.standard_normal((6, 1))))[generator.permutation(6)]
    # a kappa in the middle between two depths, so that roundings do not decide
    gaps = [np.abs(eigenvalues(x, name, depth) - 1).max() for depth in (3, 4)]
    kappa = min(sum(gaps) / 2, 0.99)
    assert memorization_depth(moved, name, kappa) == memorization_depth(x, name, kappa)


@pytest.mark.parametrize("name", NAMES)
def test_a_stricter_kappa_takes_no_fewer_layers(name):
    x = points(8, 6, 1)
    depths = [memorization_depth(x, name, kappa) for kappa in (0.9, 0.5, 0.1, 1e-3)]
    assert depths == sorted(depths)
    assert depths[0] < depths[-1]


@pytest.mark.parametrize("name", ["relu", "gelu"])
def test_far_on_each_layer_brings_the_factor_a1_squared(name):
    x = points(8, 6, 1)
    first, second = (memorization_depth(x, name, kappa) for kappa in (1e-4, 1e-8))
    contraction = -math.log(DualKernel(name, centered=True).a1_squared)
    assert second - first == pytest.approx(4 * math.log(10) / contraction, abs=1)  # both rounded up


def test_a_part_of_the_inputs_takes_no_more_layers():
    # eigenvalues of a principal submatrix interlace
    x = points(12, 5, 2)
    depths = [memorization_depth(x[:n], "swish", 0.5) for n in (2, 4, 8, 12)]
    assert depths == sorted(depths)


def test_tensors_and_arrays_give_the_same():
    x = points(6, 5, 4)
    assert memorization_depth(torch.from_numpy(x), "relu", 0.5) == memorization_depth(x, "relu", 0.5)


def test_it_is_always_centered():
    # of relu and relu + 3 the centered activations are the same
    shifted = Activation.from_callable("shifted", lambda x: x.relu() + 3, kinks=(0.0,))
    x = points(6, 5, 4)
    assert memorization_depth(x, shifted, 0.3) == memorization_depth(x, "relu", 0.3)


# Refusals ---------------------------------------------------------------------------------------------------------

OPPOSITE = np.array([[1.0, 2.0], [3.0, -1.0], [-2.0, -4.0]])
SQUARE = Activation.from_callable("square", lambda x: x * x)
COSINE = Activation.from_callable("cos", torch.cos)


def refusal(name: str) -> str:
    return rf"^rows 0 and 2 are opposite, and {name} is odd or even up to a constant: no depth tells them apart$"


@pytest.mark.parametrize("name", [*NAMES, "tanh"])
@pytest.mark.parametrize("factor", [1.0, 2.5])
def test_inputs_of_one_direction_are_refused(name, factor):
    x = points(4, 3)
    x[3] = factor * x[1]
    with pytest.raises(ValueError, match=r"^rows 1 and 3 coincide: no depth tells them apart$"):
        memorization_depth(x, name, 0.5)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "erf", "sin"])
def test_opposite_inputs_are_refused_for_an_odd_activation(name):
    with pytest.raises(ValueError, match=refusal(name)):
        memorization_depth(OPPOSITE, name, 0.5)


def test_opposite_inputs_are_refused_for_an_even_activation():
    with pytest.raises(ValueError, match=refusal("square")):
        memorization_depth(OPPOSITE, SQUARE, 0.5)


@pytest.mark.parametrize("name", ["relu", "gelu", "swish"])
def test_opposite_inputs_are_told_apart_by_others(name):
    depth = memorization_depth(OPPOSITE, name, 0.5)
    assert np.abs(eigenvalues(OPPOSITE, name, depth) - 1).max() <= 0.5


def test_a_linear_activation_is_refused():
    affine = Activation.from_callable("affine", lambda x: 0.3 * x + 2)
    for activation in ("identity", affine):
        with pytest.raises(ValueError, match="is linear: its kernel is the correlation itself at every depth"):
            memorization_depth(points(3, 3), activation, 0.5)
        with pytest.raises(ValueError, match="is linear: its kernel is the correlation itself at every depth"):
            memorization_bounds(10, 10, activation, 0.5)


@pytest.mark.parametrize("kappa", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_a_kappa_outside_the_unit_interval_is_refused(kappa):
    with pytest.raises(ValueError, match=rf"^kappa = {kappa} is not in \(0, 1\)$"):
        memorization_depth(points(3, 3), "relu", kappa)
    with pytest.raises(ValueError, match=rf"^kappa = {kappa} is not in \(0, 1\)$"):
        memorization_bounds(10, 10, "relu", kappa)


@pytest.mark.parametrize(("value", "said"), [(0.0, "zero"), (math.nan, "not finite"), (math.inf, "not finite")])
def test_rows_without_a_direction_are_refused(value, said):
    x = points(3, 2)
    x[1] = value
    with pytest.raises(ValueError, match=rf"^row 1 of X is {said}"):
        memorization_depth(x, "relu", 0.5)


def test_one_row_is_refused():
    with pytest.raises(ValueError, match=r"^X has one row: there is nothing to tell apart$"):
        memorization_depth(points(1, 3), "relu", 0.5)


@pytest.mark.parametrize("n", [2, 6])
def test_a_kappa_below_rounding_is_refused(n):
    x, least = np.eye(n), 16 * n * 2.0**-52
    with pytest.raises(ValueError, match=r"^kappa = \S+ is below what rounding leaves of the eigenvalues$"):
        memorization_depth(x, "relu", 0.99 * least)
    assert memorization_depth(x, "relu", 1.01 * least) == 1


def test_what_are_no_rows_is_refused():
    with pytest.raises(ValueError, match=r"^X has shape \(3,\)"):
        memorization_depth(np.ones(3), "relu", 0.5)
    with pytest.raises(ValueError, match=r"^X has shape \(0, 3\)"):
        memorization_depth(np.ones((0, 3)), "relu", 0.5)


@pytest.mark.parametrize(("n", "d"), [(1, 10), (10, 1), (0, 10), (-3, 10)])
def test_fewer_than_two_points_or_dimensions_are_refused(n, d):
    with pytest.raises(ValueError, match=rf"^n = {n}, d = {d}: both are at least 2$"):
        memorization_bounds(n, d, "relu", 0.5)


# Bounds -----------------------------------------------------------------------------------------------------------


def relu(s):
    """Of centered ReLU."""
    kernel = (mp.sqrt(1 - s * s) + s * (mp.pi - mp.acos(s))) / mp.pi
    return (kernel - 1 / mp.pi) / (1 - 1 / mp.pi)


def gelu(s):
    """Of centered GELU."""

    def kernel(c):
        return c / 4 + (c * mp.asin(c / 2) + 1 / mp.sqrt(4 - c * c)) / (2 * mp.pi)

    return (kernel(s) - kernel(mp.mpf(0))) / (kernel(mp.mpf(1)) - kernel(mp.mpf(0)))


def erf(s):
    return mp.asin(2 * s / 3) / mp.asin(mp.mpf(2) / 3)


CLOSED = {"relu": relu, "gelu": gelu, "erf": erf}
SIZES = [(200, 200, 0.5), (500, 20, 0.1), (50, 3, 0.9), (10**6, 784, 1e-3), (2, 2, 0.5)]


def constants(name):
    """mu, a_1^2, and s* with (1 - G(s*)) / (1 - s*) = (1 + mu) / 2."""
    kernel = CLOSED[name]
    mu = 1 / (1 - 1 / mp.pi) if name == "relu" else mp.diff(kernel, mp.mpf(1))
    half = (1 + mu) / 2
    s_star = mp.re(mp.findroot(lambda s: (1 - kernel(s)) - half * (1 - s), (0.3, 0.9), solver="anderson"))
    return mu, mp.diff(kernel, mp.mpf(0)), s_star


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize(("n", "d", "kappa"), SIZES)
def test_the_bounds_are_the_theorems_formulas(name, n, d, kappa):
    bounds = memorization_bounds(n, d, name, kappa)
    with mp.workdps(30):
        mu, a, s = constants(name)
        assert abs((1 - CLOSED[name](s)) / (1 - s) - (1 + mu) / 2) < mp.mpf(10) ** -20
        log, k = mp.log, mp.mpf(kappa)
        inverse, half = log(1 / a), (mu + 1) / 2
        expected = {
            "slides_small": (log(n / k) + log(log(n) / d)) / inverse,
            "slides_large": mp.exp(2 * log(n) / d) * log(n / k) / (mu - 1),
            "small low": log(log(n) / d) / inverse / 2 + log(0.5 / k) / inverse,
            "small high": log(log(n) / d) / inverse + 2 * log(3 * n / k) / inverse + 1,
            "large low": 3 * (log(n) / d) / log(mu) / 2 + log(0.5 / k) / inverse - 1,
            "large high": 3 * (log(n) / (d - 1)) / log(half) + log(s * n / k) / log(s / (1 - (1 - s) * half)) + 2,
        }
        expected = {key: float(value) for key, value in expected.items()}
        edge = 2 * mp.sqrt(mp.mpf(n) / d) + mp.mpf(n) / d  # the Marchenko-Pastur law ends at 1 + edge
        layers = max(1, int(mp.ceil(log(edge / k) / inverse)))
    found = {
        "slides_small": bounds.slides_small,
        "slides_large": bounds.slides_large,
        "small low": bounds.small[0],
        "small high": bounds.small[1],
        "large low": bounds.large[0],
        "large high": bounds.large[1],
    }
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)  # coefficients have 1e-12, here over log a_1^-2
    assert bounds.marchenko_pastur == layers
    assert type(bounds.marchenko_pastur) is float


@pytest.mark.parametrize("name", [*NAMES, "tanh", "elu"])
@pytest.mark.parametrize(("n", "d", "kappa"), SIZES)
def test_lower_bounds_are_below_upper_bounds_and_all_are_numbers(name, n, d, kappa):
    bounds = memorization_bounds(n, d, name, kappa)
    for low, high in (bounds.small, bounds.large):
        assert math.isfinite(low)
        assert math.isfinite(high)
        assert low <= high
    assert bounds.marchenko_pastur >= 1


def test_a_jump_leaves_the_bounds_for_small_correlation_alone():
    # mu is infinite, and no s has a chord of infinite slope
    bounds = memorization_bounds(100, 50, "step", 0.5)
    assert math.isfinite(bounds.slides_small)
    assert -math.inf < bounds.small[0] <= bounds.small[1] < math.inf
    assert 1 <= bounds.marchenko_pastur < math.inf
    assert np.isnan([bounds.slides_large, *bounds.large]).all()


@pytest.mark.parametrize("activation", [SQUARE, COSINE], ids=["square", "cos"])
def test_an_even_activation_has_no_bounds_that_rest_on_its_linear_part(activation):
    # a_1 = 0; the others rest on mu
    bounds = memorization_bounds(100, 50, activation, 0.5)
    assert np.isnan([bounds.slides_small, *bounds.small, bounds.marchenko_pastur, bounds.large[0]]).all()
    assert 0 < bounds.slides_large < math.inf
    assert 0 < bounds.large[1] < math.inf


# Random points ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found_before"),
    # (n, d) = (200, 200), kappa = 1/2, one draw; another draw differs by rounding up, and by the edge's fluctuation
    [("relu", 6), ("gelu", 6), ("swish", 8), ("sigmoid", 112)],
)
def test_two_hundred_points_in_as_many_dimensions_take_as_many_layers_as_before(name, found_before):
    depth = memorization_depth(points(200, 200), name, 0.5)
    assert abs(depth - found_before) <= 1 + edge_fluctuation(name, 200)


def edge_fluctuation(name: str, n: int) -> float:
    """Layers by which random points differ: the largest eigenvalue has a relative spread of n^(-2/3) (Tracy-Widom),
    three of which change the depth by that over log a_1^-2."""
    return 3 * n ** (-2 / 3) / -math.log(DualKernel(name, centered=True).a1_squared)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n", "d"), [(200, 40), (100, 50)])
def test_random_points_take_the_layers_of_marchenko_and_pastur_up_to_five_points_a_dimension(name, n, d):
    predicted = memorization_bounds(n, d, name, 0.5).marchenko_pastur
    assert abs(memorization_depth(points(n, d, 1), name, 0.5) - predicted) <= 1 + edge_fluctuation(name, n)


@pytest.mark.parametrize("name", ["relu", "gelu", "swish"])
def test_crowded_points_take_more_than_that(name):
    # closest pairs decide there, not the linear part of the kernel
    assert memorization_depth(points(100, 3), name, 0.5) > 1 + memorization_bounds(100, 3, name, 0.5).marchenko_pastur


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n", "d"), [(100, 100), (100, 20), (100, 6)])
def test_random_points_lie_within_the_two_sided_bounds(name, n, d):
    low, high = memorization_bounds(n, d, name, 0.5).small
    assert low <= memorization_depth(points(n, d, 5), name, 0.5) <= high
