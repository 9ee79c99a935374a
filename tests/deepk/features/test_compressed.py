"""Compressed activations against exact quadrature, a closed form, and simulations with their own error bars."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.hermite_e import hermegauss, hermeval
from scipy import integrate, stats

from deepk.features.compressed import FeatureMaps, feature_deviation, hermite_series, truncated
from deepk.kernels import CompositionalFeatures, CompositionalKernel

EPS = 2.0**-52
ERRORS = float(stats.norm.isf(5e-7))  # standard errors that a normal mean leaves once in a million
DEGREE = 20  # the paper's
RHOS = [-0.9, -0.3, 0.0, 0.2, 0.6, 0.95, 1.0]

light = settings(max_examples=25, deadline=None)


def alpha(activation: str, depth: int, centered: bool = False, degree: int = DEGREE) -> np.ndarray:
    return CompositionalKernel(activation, depth, centered=centered).coefficients(degree)


def compressed(coefficients: np.ndarray, x: np.ndarray) -> np.ndarray:
    """sum_k sqrt(alpha_k) He_k(x) / sqrt(k!), by numpy."""
    factorials = np.array([math.sqrt(math.factorial(k)) for k in range(len(coefficients))])
    return hermeval(x, np.sqrt(coefficients) / factorials)


def plane(rho: float, nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """U, V and weights of Gauss's rule for standard normal numbers of correlation rho."""
    x, w = hermegauss(nodes)
    w = w / w.sum()
    u, other = np.meshgrid(x, x, indexing="ij")
    return u, rho * u + math.sqrt(1 - rho**2) * other, np.outer(w, w)


# Their products in expectation ------------------------------------------------------------------------------------

MAPS = [("relu", 3, False), ("relu", 2, True), ("sigmoid", 1, True), ("gelu", 2, False), ("swish", 3, True)]


@pytest.mark.parametrize("rho", RHOS)
def test_the_gram_matrix_of_many_in_expectation_is_that_of_their_coefficients(rho):
    coefficients = np.stack([alpha(*which) for which in MAPS])
    u, v, weights = plane(rho, DEGREE + 1)  # exact to degree 41, that of f(U) g(V) being 40
    series = hermite_series(coefficients)
    f, g = (series(torch.from_numpy(x)).numpy() for x in (u, v))
    # E h_j(U) h_k(V) = rho^k if j = k, else 0
    exact = (np.sqrt(coefficients) * rho ** np.arange(DEGREE + 1.0)) @ np.sqrt(coefficients).T
    # 441 terms of alternating sign, of size E |f(U) g(V)| <= 1 together
    assert np.einsum("iab,jab,ab->ij", f, g, weights) == pytest.approx(exact, rel=0, abs=1e-12)


@light
@given(
    coefficients=st.lists(st.floats(0, 1), min_size=1, max_size=21).map(np.array),
    rho=st.floats(-1, 1),
)
def test_of_any_coefficients_the_expected_product_is_their_power_series(coefficients, rho):
    u, v, weights = plane(rho, len(coefficients))
    series = hermite_series(coefficients[None])
    f, g = (series(torch.from_numpy(x))[0].numpy() for x in (u, v))
    exact = np.polynomial.polynomial.polyval(rho, coefficients)
    assert (f * g * weights).sum() == pytest.approx(exact, rel=0, abs=1e-12 * (1 + coefficients.sum()))


@pytest.mark.parametrize("scale", [1.0, 1 / 32])
def test_a_scale_multiplies_the_function_and_its_noise(scale):
    coefficients, missing = np.stack([alpha("relu", 1, degree=4), alpha("gelu", 3, degree=4)]), np.array([0.25, 0.0])
    x, z = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 50)))
    found = hermite_series(coefficients, noise=missing, scale=scale)(x, z=z).numpy()
    for values, row, amplitude in zip(found, coefficients, (0.5, 0.0), strict=True):
        exact = scale * (compressed(row, x.numpy()) + amplitude * z.numpy())
        assert values == pytest.approx(exact, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("which", MAPS, ids=str)
@pytest.mark.parametrize("degree", [0, 3, 20])
def test_a_kernel_is_truncated_to_its_coefficients_and_the_share_that_they_leave(which, degree):
    name, depth, centered = which
    found, share = truncated(CompositionalKernel(name, depth, centered=centered), degree)
    assert found.shape == (degree + 1,)
    assert found == pytest.approx(alpha(*which, degree=degree))
    assert share + found.sum() == pytest.approx(1, abs=4 * EPS)


# The deviation of one feature -------------------------------------------------------------------------------------


def positive(coefficients: np.ndarray, rho: float) -> float:
    """The same deviation from h_m h_n = sum_r sqrt(m! n! (m + n - 2r)!) / (r! (m - r)! (n - r)!) h_(m + n - 2r).

    All terms are positive: no quadrature, and nothing cancels but the mean.
    """
    root, n = np.sqrt(coefficients), len(coefficients)
    e = np.zeros(2 * n - 1)
    log = np.array([math.lgamma(k + 1) for k in range(2 * n)])
    for i in range(n):
        for j in range(n):
            r = np.arange(min(i, j) + 1)
            half = (log[i] + log[j] + log[i + j - 2 * r]) / 2
            e[i + j - 2 * r] += root[i] * root[j] * np.exp(half - log[r] - log[i - r] - log[j - r])
    powers = rho ** np.arange(2 * n - 1.0)
    return math.sqrt(e**2 @ powers - (coefficients @ powers[:n]) ** 2)


@pytest.mark.parametrize("rho", RHOS)
@pytest.mark.parametrize("which", MAPS, ids=str)
def test_the_deviation_has_all_digits_of_the_closed_form(which, rho):
    # log factorials up to 110, whose roundings are some 1e-14 each
    assert feature_deviation(alpha(*which), rho) == pytest.approx(positive(alpha(*which), rho), rel=1e-12)


@pytest.mark.parametrize("degree", [60, 184])
def test_at_high_degree_too_however_large_it_is(degree):
    coefficients = alpha("relu", 3, degree=degree)
    found = feature_deviation(coefficients, 0.9)
    assert found > 1e20
    assert found == pytest.approx(positive(coefficients, 0.9), rel=1e-11)  # log factorials up to 1800


@light
@given(
    coefficients=st.lists(st.floats(0, 1), min_size=1, max_size=8).map(np.array),
    rho=st.floats(-0.99, 0.99),
)
def test_the_deviation_is_that_of_a_quadrature_in_the_plane(coefficients, rho):
    u, v, weights = plane(rho, 2 * len(coefficients))  # exact to degree 4 n - 1, that of f^2 g^2 being 4 (n - 1)
    product = compressed(coefficients, u) * compressed(coefficients, v)
    second, mean = (product**2 * weights).sum(), (product * weights).sum()
    # a variance next to nothing is a difference
    assert feature_deviation(coefficients, rho) ** 2 == pytest.approx(second - mean**2, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("rho", RHOS)
def test_of_low_degree_it_is_a_polynomial_of_the_correlation(rho):
    # f = x: E U^2 V^2 - rho^2. f = h_2: h_2^2 = 1 + 2 sqrt(2) h_2 + sqrt(6) h_4.
    assert feature_deviation(np.array([0.0, 1.0]), rho) == pytest.approx(math.sqrt(1 + rho**2))
    variance = 1 + 8 * rho**2 + 6 * rho**4 - rho**4
    assert feature_deviation(np.array([0.0, 0.0, 1.0]), rho) == pytest.approx(math.sqrt(variance))


@pytest.mark.parametrize("which", MAPS, ids=str)
def test_of_unlike_inputs_it_is_that_of_independent_features(which):
    # E f(U)^2 E f(V)^2 - (E f)^4
    coefficients = alpha(*which)
    exact = math.sqrt(coefficients.sum() ** 2 - coefficients[0] ** 2)
    assert feature_deviation(coefficients, 0.0) == pytest.approx(exact)


@pytest.mark.parametrize("constant", [1.0, 0.9, 0.7, 0.3, 1e-9])
@pytest.mark.parametrize("within", [None, 9.0])
def test_a_constant_does_not_deviate(constant, within):
    # but by the root of a rounding, of the square; P(|U| > 9) is 1e-19
    assert feature_deviation(np.array([constant]), 0.5, within=within) <= 1e-6 * constant


# f(U) f(V) is bounded or nearly: the square of its error bar is a mean of fourth powers.
LIGHT = [("sigmoid", 1, True, 0.3), ("sigmoid", 1, True, -0.4), ("swish", 1, False, 0.3)]


@pytest.mark.parametrize(("name", "depth", "centered", "rho"), LIGHT)
def test_a_simulation_of_features_deviates_as_much(name, depth, centered, rho):
    coefficients = alpha(name, depth, centered)
    rng = np.random.default_rng(0)
    u, other = rng.standard_normal((2, 400_000))
    product = compressed(coefficients, u) * compressed(coefficients, rho * u + math.sqrt(1 - rho**2) * other)
    squares = (product - coefficients @ rho ** np.arange(DEGREE + 1.0)) ** 2
    error = ERRORS * squares.std() / math.sqrt(len(squares))
    assert error < 0.1 * squares.mean()
    assert abs(squares.mean() - feature_deviation(coefficients, rho) ** 2) <= error


def test_three_layers_of_relu_at_the_papers_settings_deviate_by_thousands():
    # K^(3)(0.9) = 0.925 of m = 1024 features
    assert feature_deviation(alpha("relu", 3), 0.9) / math.sqrt(1024) == pytest.approx(4525, abs=0.5)


# What is seen of it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.0, 0.5, 0.9])
@pytest.mark.parametrize("which", MAPS, ids=str)
def test_within_far_enough_it_is_the_whole(which, rho):
    # f^4 is x^80 at most, times exp(-x^2 / (1 + |rho|)): nothing is left beyond 20
    coefficients = alpha(*which)
    found = feature_deviation(coefficients, rho, within=20.0)
    assert found == pytest.approx(feature_deviation(coefficients, rho), rel=1e-9)  # ten digits are promised


@pytest.mark.parametrize("which", [("relu", 3, False), ("swish", 3, True)], ids=str)
def test_what_is_seen_grows_with_what_is_looked_at(which):
    coefficients = alpha(*which)
    seen = [feature_deviation(coefficients, 0.9, within=c) for c in (1.0, 3.0, 5.0, 8.0, 10.0, 12.0, 20.0)]
    assert (np.diff(seen) > 0).all()


def test_a_million_features_of_three_layers_of_relu_show_a_thousandth_of_their_deviation():
    coefficients, seen = alpha("relu", 3), float(stats.norm.isf(0.5e-6))
    assert feature_deviation(coefficients, 0.9, within=seen) < 1e-3 * feature_deviation(coefficients, 0.9)


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.8])
@pytest.mark.parametrize("c", [0.5, 2.0])
def test_of_the_identity_it_is_scipys_integral_over_a_square(c, rho):
    def moment(power: int) -> float:
        law = stats.multivariate_normal(cov=[[1, rho], [rho, 1]])
        return integrate.dblquad(lambda v, u: (u * v) ** power * law.pdf([u, v]), -c, c, -c, c, epsabs=1e-9)[0]

    exact = math.sqrt(moment(2) - moment(1) ** 2)
    assert feature_deviation(np.array([0.0, 1.0]), rho, within=c) == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize("which", MAPS, ids=str)
@pytest.mark.parametrize("rho", [0.3, 0.9])
def test_a_simulation_that_counts_rare_values_as_zero_deviates_as_much(which, rho):
    coefficients, c = alpha(*which), 2.5
    u, other = np.random.default_rng(1).standard_normal((2, 200_000))
    v = rho * u + math.sqrt(1 - rho**2) * other
    seen = (np.abs(u) <= c) & (np.abs(v) <= c)
    product = np.where(seen, compressed(coefficients, u) * compressed(coefficients, v), 0)
    squares = (product - product.mean()) ** 2
    error = ERRORS * squares.std() / math.sqrt(len(squares))
    assert error < 0.2 * squares.mean()
    assert abs(squares.mean() - feature_deviation(coefficients, rho, within=c) ** 2) <= error


def test_a_degree_whose_quadrature_overflows_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^degree 185: [^\n]*184$"):
        feature_deviation(alpha("relu", 1, degree=185), 0.5)


# Feature maps -----------------------------------------------------------------------------------------------------

N, D, M, DRAWS = 9, 4, 6, 3


def made(*, noisy: bool, dtype: torch.dtype = torch.float64) -> tuple[FeatureMaps, np.ndarray]:
    """Feature maps, and those of all rows by numpy, (maps, draws, n, m)."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((N, D))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    directions, z = rng.standard_normal((DRAWS, D, M)), rng.standard_normal((DRAWS, N, M))
    coefficients, missing = np.stack([alpha(*which, degree=8) for which in MAPS]), np.linspace(0, 0.2, len(MAPS))
    series = hermite_series(coefficients, noise=missing if noisy else None, scale=M**-0.5)
    given = [torch.from_numpy(array).to(dtype) for array in (x, directions)]
    maps = FeatureMaps(*given, series, torch.from_numpy(z).to(dtype) if noisy else None)
    bare = np.stack([compressed(row, np.einsum("nd,sdm->snm", x, directions)) for row in coefficients])
    return maps, (bare + noisy * np.sqrt(missing)[:, None, None, None] * z) * M**-0.5


# of each draw its own, with repetitions
ROWS = torch.tensor([[3, 0, 8, 3], [1, 1, 2, 7], [8, 5, 4, 0]])


def chosen(features: np.ndarray) -> np.ndarray:
    return np.stack([features[:, s, ROWS[s]] for s in range(DRAWS)], axis=1)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])  # 500 roundings
@pytest.mark.parametrize("noisy", [False, True])
def test_each_draw_and_map_has_the_features_of_the_rows_asked_for(noisy, dtype, tolerance):
    maps, exact = made(noisy=noisy, dtype=dtype)
    found = maps(ROWS)
    assert (found.shape, found.dtype) == ((len(MAPS), DRAWS, 4, M), dtype)
    assert found.numpy() == pytest.approx(chosen(exact), rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("some", [slice(0, 1), slice(1, 4), slice(3, None)], ids=str)
def test_some_of_the_maps_are_those(some, noisy):
    maps, exact = made(noisy=noisy)
    assert maps(ROWS, maps=some).numpy() == pytest.approx(chosen(exact)[some], rel=1e-12, abs=1e-12)


def test_batches_of_any_size_follow_one_another():
    maps, exact = made(noisy=False)
    for size in (4, 2, 4, 1):
        assert maps(ROWS[:, :size]).numpy() == pytest.approx(chosen(exact)[:, :, :size], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("which", MAPS, ids=str)
def test_a_map_is_the_transformer_of_the_same_directions(which):
    name, depth, centered = which
    x = np.random.default_rng(6).standard_normal((N, D))
    transformer = CompositionalFeatures(name, depth, M, centered=centered, truncation=8, random_state=0).fit(x)
    unit = torch.from_numpy(x / np.linalg.norm(x, axis=1, keepdims=True))
    series = hermite_series(alpha(*which, degree=8)[None], scale=M**-0.5)
    maps = FeatureMaps(unit, torch.from_numpy(transformer.random_weights_)[None], series)
    found = maps(torch.arange(N)[None])[0, 0]
    assert found.numpy() == pytest.approx(transformer.transform(x), rel=1e-12, abs=1e-13)
