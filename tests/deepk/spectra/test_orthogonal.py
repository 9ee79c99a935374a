"""Orthonormal polynomials and their sums, against numpy's and scipy's own, exact rationals, and Gauss's quadrature."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.hermite_e import hermegauss, hermeval
from scipy import special

from deepk.spectra import orthogonal
from deepk.spectra.orthogonal import Series, gegenbauer_recurrence, hermite_recurrence, orthonormal

EPS = {torch.float64: 2.0**-52, torch.float32: 2.0**-23}
DEGREE = 20  # the paper's
DIMENSIONS = [2, 3, 4, 5, 10, 100, 784]

light = settings(max_examples=25, deadline=None)


def hermite_table(x: np.ndarray, degree: int = DEGREE) -> np.ndarray:
    """He_k / sqrt(k!), by numpy."""
    return np.stack([hermeval(x, np.eye(degree + 1)[k]) / math.sqrt(math.factorial(k)) for k in range(degree + 1)])


def harmonics(d: int, k: int) -> int:
    """N(d, k), spherical harmonics of degree k in R^d: homogeneous polynomials, less those times |x|^2."""
    return math.comb(k + d - 1, d - 1) - (math.comb(k + d - 3, d - 1) if k >= 2 else 0)


def legendre_polynomial(x: np.ndarray, d: int, k: int) -> np.ndarray:
    """P_k of dimension d, one at 1, by scipy."""
    if d == 2:
        return special.eval_chebyt(k, x)
    nu = (d - 2) / 2
    return special.eval_gegenbauer(k, nu, x) / special.eval_gegenbauer(k, nu, 1.0)


# Recurrences ------------------------------------------------------------------------------------------------------


def test_hermites_recurrence_gives_numpys_polynomials_over_sqrt_k_factorial():
    x = np.linspace(-6, 6, 41)
    exact = hermite_table(x)
    # Cramer: |h_k(x)| <= 1.09 exp(x^2 / 4), and each step rounds a few times
    assert (np.abs(orthonormal(x, hermite_recurrence(DEGREE)) - exact) <= 8 * DEGREE * 2**-52 * np.exp(x**2 / 4)).all()


@pytest.mark.parametrize("x", [0.0, 0.3, -2.5, 7.0])
def test_hermites_recurrence_keeps_its_digits_to_degree_two_hundred(x):
    with mpmath.workdps(40):
        exact = float(mpmath.hermite(200, x / mpmath.sqrt(2)) / mpmath.sqrt(mpmath.mpf(2) ** 200 * mpmath.fac(200)))
    found = orthonormal(np.array([x]), hermite_recurrence(200))[200, 0]
    assert abs(found - exact) <= 8 * 200 * 2**-52 * math.exp(x**2 / 4)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_gegenbauers_recurrence_gives_sqrt_n_times_scipys_legendre_polynomials(d):
    x = np.linspace(-1, 1, 41)
    found = orthonormal(x, gegenbauer_recurrence(DEGREE, d))
    for k in range(DEGREE + 1):
        exact = math.sqrt(harmonics(d, k)) * legendre_polynomial(x, d, k)
        # |P_k| <= 1: a rounding in each step, relative to the largest value
        assert np.abs(found[k] - exact).max() <= 1e-13 * math.sqrt(harmonics(d, k)), k


def test_in_the_plane_they_are_chebyshevs_polynomials():
    theta = np.linspace(0, math.pi, 33)
    found = orthonormal(np.cos(theta), gegenbauer_recurrence(DEGREE, 2))
    k = np.arange(DEGREE + 1)[:, None]
    assert found == pytest.approx(np.where(k == 0, 1, math.sqrt(2)) * np.cos(k * theta), rel=0, abs=1e-13)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_they_are_orthonormal_under_the_law_of_a_uniform_directions_component(d):
    # whose density is (1 - t^2)^((d - 3) / 2): 40 of Gauss's nodes integrate degree 79
    nodes, weights = special.roots_gegenbauer(2 * DEGREE, (d - 2) / 2)
    p = orthonormal(nodes, gegenbauer_recurrence(DEGREE, d))
    assert p * (weights / weights.sum()) @ p.T == pytest.approx(np.eye(DEGREE + 1), abs=1e-11)  # scipy's weights


def test_they_are_orthonormal_on_directions_that_are_drawn():
    d, n = 5, 200_000
    theta = np.random.default_rng(0).standard_normal((n, d))
    p = orthonormal(theta[:, 0] / np.linalg.norm(theta, axis=1), gegenbauer_recurrence(4, d))
    products = p[:, None] * p
    errors = 4.9 * products.std(axis=2) / math.sqrt(n)  # of which a normal mean exceeds one in a million
    assert (np.abs(products.mean(axis=2) - np.eye(5)) <= errors + 1e-12).all()


@pytest.mark.parametrize("d", [2, 3, 7, 1000])
def test_the_squares_are_the_rationals_of_the_polynomials_that_are_one_at_one(d):
    # (k + d - 2) P_(k+1) = (2k + d - 2) t P_k - k P_(k-1), so b_(k+1)^2 is the product of both factors beside t P_k
    def up(k: int) -> Fraction:
        return Fraction(1) if k == 0 else Fraction(k + d - 2, 2 * k + d - 2)

    squares = [float(up(k) * Fraction(k + 1, 2 * (k + 1) + d - 2)) for k in range(DEGREE)]
    assert gegenbauer_recurrence(DEGREE, d) ** 2 == pytest.approx(squares, rel=4 * 2**-52)


@pytest.mark.parametrize("d", [10**4, 10**6])
def test_in_high_dimension_gegenbauers_are_hermites_to_the_first_order(d):
    # log(sqrt(d) b_k / sqrt(k)) = -3 (k - 1) / 2 d + O(k^2 / d^2)
    k = np.arange(1, DEGREE + 1)
    ratio = math.sqrt(d) * gegenbauer_recurrence(DEGREE, d) / hermite_recurrence(DEGREE)
    assert ratio - 1 == pytest.approx(-1.5 * (k - 1) / d, rel=0, abs=4 * DEGREE**2 / d**2 + 4 * 2**-52)


@pytest.mark.parametrize("degree", [0, 1, 2, 5])
def test_a_recurrence_has_as_many_terms_as_its_degree(degree):
    assert hermite_recurrence(degree) == pytest.approx(np.sqrt(np.arange(1, degree + 1)), rel=2**-52)
    for d in (2, 3, 50):
        whole = gegenbauer_recurrence(9, d)
        assert gegenbauer_recurrence(degree, d).tolist() == whole[:degree].tolist()


@pytest.mark.parametrize("d", [1, 0, -3])
def test_a_sphere_of_dimension_below_two_is_refused_in_one_line(d):
    with pytest.raises(ValueError, match=rf"^dimension = {d}: [^\n]*$"):
        gegenbauer_recurrence(3, d)


# Series -----------------------------------------------------------------------------------------------------------


def coefficients(functions: int, degree: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((functions, degree + 1))


def check_hermite(found: torch.Tensor, c: np.ndarray, x: np.ndarray) -> None:
    """Within the roundings of each step, relative to Cramer's bound of |h_k|."""
    degree = c.shape[1] - 1
    exact = np.tensordot(c, hermite_table(x, degree), 1)
    bound = 8 * (degree + 1) * EPS[found.dtype] * np.abs(c).sum(axis=1).reshape(-1, *[1] * x.ndim) * np.exp(x**2 / 4)
    assert found.shape == exact.shape
    assert (np.abs(found.double().numpy() - exact) <= bound).all()


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 20, 60])
@pytest.mark.parametrize("functions", [1, 7])
def test_a_series_is_the_sum_of_numpys_hermite_polynomials(functions, degree, dtype):
    c, x = coefficients(functions, degree), torch.linspace(-6, 6, 101, dtype=dtype)
    found = Series(c, hermite_recurrence(degree))(x)
    assert found.dtype == dtype
    check_hermite(found, c, x.double().numpy())


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("d", DIMENSIONS)
def test_a_series_is_the_sum_of_scipys_gegenbauer_polynomials(d, dtype):
    c, x = coefficients(4, DEGREE), torch.linspace(-1, 1, 101, dtype=dtype)
    found = Series(c, gegenbauer_recurrence(DEGREE, d))(x)
    roots = np.array([math.sqrt(harmonics(d, k)) for k in range(DEGREE + 1)])
    legendre = np.stack([legendre_polynomial(x.double().numpy(), d, k) for k in range(DEGREE + 1)])
    error = np.abs(found.double().numpy() - (c * roots) @ legendre)
    # |P_k| <= 1; scipy's own are good to some 1e-14
    assert (error <= (64 * DEGREE * EPS[dtype]) * (np.abs(c) @ roots)[:, None]).all()


@light
@given(seed=st.integers(0, 2**32), a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_a_series_is_linear_in_its_coefficients(seed, a, b):
    first, second = coefficients(2, 6, seed), coefficients(2, 6, seed + 1)
    x = torch.linspace(-3, 3, 13, dtype=torch.float64)
    recurrence = hermite_recurrence(6)
    both = Series(a * first + b * second, recurrence)(x)
    apart = a * Series(first, recurrence)(x) + b * Series(second, recurrence)(x)
    # |h_k(3)| < 11, and coefficients below 5 in 7 terms
    assert torch.allclose(both, apart, rtol=0, atol=64 * 2**-52 * 11 * 5 * 7 * (abs(a) + abs(b)))


@pytest.mark.parametrize("tile", [1, 7, 12, 24, 25])
@pytest.mark.parametrize("n", [0, 1, 6, 7, 8, 14, 24])
def test_a_series_does_not_see_the_borders_of_tiles(monkeypatch, n, tile):
    monkeypatch.setattr(orthogonal, "_TILE", tile)
    monkeypatch.setattr(orthogonal, "_GRAIN", 0)
    c, x = coefficients(3, 5), np.random.default_rng(1).standard_normal(n)
    z = torch.arange(n, dtype=torch.float64)
    check_hermite(Series(c, hermite_recurrence(5))(torch.from_numpy(x)), c, x)
    noisy = Series(c, hermite_recurrence(5), noise=np.array([0.0, 1.0, 2.0]))(torch.from_numpy(x), z=z)
    check_hermite(noisy - torch.arange(3.0)[:, None] * z, c, x)


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_the_border_of_a_tile_as_it_is_is_not_seen_either(beyond):
    n = max(orthogonal._TILE, orthogonal._GRAIN * torch.get_num_threads()) + beyond
    c, x = coefficients(2, 3), np.random.default_rng(1).standard_normal(n)
    check_hermite(Series(c, hermite_recurrence(3))(torch.from_numpy(x)), c, x)


def test_entries_keep_their_places_in_an_array_of_any_shape():
    c, series = coefficients(3, 4), Series(coefficients(3, 4), hermite_recurrence(4))
    x = torch.from_numpy(np.random.default_rng(2).standard_normal((5, 4, 2)))
    check_hermite(series(x), c, x.numpy())
    check_hermite(series(x.mT), c, x.mT.numpy())  # not contiguous
    check_hermite(series(x[0, 0, 0]), c, x[0, 0, 0].numpy())  # a number


def test_what_is_given_as_out_is_written_to_and_returned():
    series, x = Series(coefficients(3, 4), hermite_recurrence(4)), torch.linspace(-1, 1, 10, dtype=torch.float64)
    out = torch.full((3, 10), math.nan, dtype=torch.float64)
    assert series(x, out=out) is out
    assert torch.equal(out, series(x))


def test_the_callers_numbers_are_left_as_they_are():
    c, x = coefficients(3, 4), torch.linspace(-1, 1, 10, dtype=torch.float64)
    before = c.copy(), x.clone()
    Series(c, hermite_recurrence(4))(x)
    assert (c == before[0]).all()
    assert torch.equal(x, before[1])


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("degree", [0, 1, 2, 20])
def test_noise_is_added_with_each_functions_own_factor(degree, dtype):
    c, factors = coefficients(3, degree), np.array([0.0, 0.5, -2.0])
    x, z = torch.from_numpy(np.random.default_rng(3).standard_normal((2, 4, 6))).to(dtype)
    noisy = Series(c, hermite_recurrence(degree), noise=factors)(x, z=z)
    bare = Series(c, hermite_recurrence(degree))(x)
    added = torch.from_numpy(factors).to(dtype)[:, None, None] * z
    # the sums round as often as they have terms, relative to |c| and exp(x^2 / 4) < 10
    assert torch.allclose(noisy, bare + added, rtol=0, atol=8 * EPS[dtype] * 10 * (np.abs(c).sum() + 10))


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("some", [slice(1, 3), slice(None), slice(4, 5), slice(0, 5, 2)], ids=str)
def test_a_slice_is_those_functions(noisy, some):
    noise = np.arange(5.0) if noisy else None
    series = Series(coefficients(5, 6), hermite_recurrence(6), noise=noise)
    x, z = torch.from_numpy(np.random.default_rng(4).standard_normal((2, 9)))
    given_z = {"z": z} if noisy else {}
    few = series[some]
    assert (len(few), len(series), few.noisy) == (len(range(5)[some]), 5, noisy)
    # a product with fewer rows may sum in another order
    assert torch.allclose(few(x, **given_z), series(x, **given_z)[some], rtol=1e-13, atol=1e-13)


def test_a_gauss_rule_finds_the_coefficients_of_a_series_again():
    c = coefficients(4, DEGREE)
    nodes, weights = hermegauss(DEGREE + 1)
    values = Series(c, hermite_recurrence(DEGREE))(torch.from_numpy(nodes)).numpy()
    projected = values * (weights / weights.sum()) @ hermite_table(nodes).T
    assert projected == pytest.approx(c, rel=0, abs=1e-12)  # sums of 20 terms of size one, with weights good to 1e-14


def test_z_goes_with_noise_and_with_noise_alone():
    x = torch.zeros(3, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"^a series with noise takes z[^\n]*$"):
        Series(coefficients(2, 3), hermite_recurrence(3))(x, z=x)
    with pytest.raises(ValueError, match=r"^a series with noise takes z[^\n]*$"):
        Series(coefficients(2, 3), hermite_recurrence(3), noise=np.ones(2))(x)
