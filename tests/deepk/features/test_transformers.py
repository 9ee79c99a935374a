"""Random features as scikit-learn wants them, and as the kernel is: in expectation, to a known error, on any scale."""

import inspect
import math
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from deepk.features.compressed import feature_deviation
from deepk.features.transformers import _PolynomialFeatures
from deepk.kernels import CompositionalFeatures, CompositionalKernel, DualKernel, GegenbauerFeatures, Poisson

ERRORS = float(stats.norm.isf(5e-7))  # standard errors that a normal mean leaves once in a million
EPS32 = 2.0**-23

light = settings(max_examples=15, deadline=None)


def rows(n: int = 20, d: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


def pair(rho: float, d: int = 6) -> np.ndarray:
    """Two unit rows of this correlation, in a direction of no axis."""
    a, b = np.linalg.qr(rows(d, d, seed=3))[0][:2]
    return np.stack([a, rho * a + math.sqrt(1 - rho**2) * b])


def pairs(rho: float, count: int) -> np.ndarray:
    """2 count unit rows, those of different pairs orthogonal, so that all of their products are independent."""
    e = np.eye(2 * count)
    e[1::2] = rho * e[::2] + math.sqrt(1 - rho**2) * e[1::2]
    return e


def polynomial(rho: float, coefficients: np.ndarray) -> float:
    return float(coefficients @ rho ** np.arange(float(len(coefficients))))


EXPONENTIAL = 1 / special.factorial(np.arange(30)) / math.e  # Taylor coefficients of exp(rho - 1)

TRANSFORMERS = {
    "compositional": partial(CompositionalFeatures, random_state=0),
    "noisy": partial(CompositionalFeatures, "relu", 4, truncation=3, ridge_noise=True, random_state=0),
    "gegenbauer": partial(GegenbauerFeatures, EXPONENTIAL, random_state=0),
}
every_transformer = pytest.mark.parametrize("make", TRANSFORMERS.values(), ids=TRANSFORMERS)


# As scikit-learn wants them ---------------------------------------------------------------------------------------

CHECKED = [
    CompositionalFeatures(),
    CompositionalFeatures(ridge_noise=True),
    CompositionalFeatures("tanh", 3),
    CompositionalFeatures("gelu", 1, 7, centered=True, truncation=3),
    CompositionalFeatures("sigmoid", 2, truncation=0),
    GegenbauerFeatures("relu"),
    GegenbauerFeatures([0.25, 0.25, 0.5], 5, truncation=2),
]


@pytest.fixture
def unchecked(monkeypatch):
    """Types of arguments are not checked as elsewhere in these tests: scikit-learn hands over wrong ones on purpose."""
    for owner in (_PolynomialFeatures, CompositionalFeatures, GegenbauerFeatures):
        for name, member in list(vars(owner).items()):
            if inspect.isfunction(member):
                monkeypatch.setattr(owner, name, inspect.unwrap(member))


# which scikit-learn says where SCIPY_ARRAY_API is not set; any other check that is skipped is an error here
@pytest.mark.filterwarnings("ignore:Skipping check check_array_api_input:sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize("estimator", CHECKED, ids=repr)
@pytest.mark.usefixtures("unchecked")
def test_scikit_learns_own_checks_pass(estimator):
    check_estimator(estimator)


@every_transformer
def test_a_clone_is_not_fitted_and_fits_to_the_same_features(make):
    fitted = make(n_components=9).fit(rows())
    copy = clone(fitted)
    with pytest.raises(NotFittedError):
        copy.transform(rows())
    assert (copy.fit(rows()).transform(rows()) == fitted.transform(rows())).all()


@every_transformer
def test_what_is_pickled_gives_the_same_features(make):
    fitted = make(n_components=9).fit(rows())
    assert (pickle.loads(pickle.dumps(fitted)).transform(rows(seed=1)) == fitted.transform(rows(seed=1))).all()


@every_transformer
def test_features_are_named_after_their_class(make):
    fitted = make(n_components=3).fit(rows())
    names = [f"{type(fitted).__name__.lower()}{j}" for j in range(3)]
    assert fitted.get_feature_names_out().tolist() == names
    frame = pd.DataFrame(rows(), index=[f"row {i}" for i in range(20)])
    found = fitted.set_output(transform="pandas").transform(frame.to_numpy())
    assert list(found.columns) == names
    assert (found.to_numpy() == fitted.set_output(transform="default").transform(rows())).all()


def test_a_frame_keeps_its_index():
    frame = pd.DataFrame(rows(), index=[f"row {i}" for i in range(20)], columns=list("abcdef"))
    found = CompositionalFeatures(n_components=3).set_output(transform="pandas").fit_transform(frame)
    assert list(found.index) == list(frame.index)


def test_the_search_for_a_depth_works_in_a_pipeline():
    # a product of signs, which is orthogonal to every linear function
    x = rows(400, 4)
    y = x[:, 0] * x[:, 1] > 0
    model = make_pipeline(CompositionalFeatures(n_components=256, random_state=0), LogisticRegression(C=100))
    search = GridSearchCV(model, {"compositionalfeatures__depth": [1, 2, 3]}, cv=3).fit(x[:300], y[:300])
    assert set(search.cv_results_["param_compositionalfeatures__depth"]) == {1, 2, 3}
    # of a classifier that guesses, 100 answers are right 0.5 + 0.05 * 4.9 of the time once in a million
    assert search.score(x[300:], y[300:]) > 0.75
    assert LogisticRegression().fit(x[:300], y[:300]).score(x[300:], y[300:]) < 0.75


def test_ridge_regression_on_many_features_is_that_of_the_kernel():
    x, new = rows(30, 4), rows(5, 4, seed=1)
    y = np.sin(2 * x[:, 0])
    kernel = CompositionalKernel("sigmoid", 1, centered=True)
    exact = kernel.gram(new, x) @ np.linalg.solve(kernel.gram(x) + np.eye(30), y)
    features = CompositionalFeatures("sigmoid", 1, 40_000, centered=True, random_state=0).fit(x)
    found = Ridge(alpha=1.0, fit_intercept=False).fit(features.transform(x), y).predict(features.transform(new))
    # a product deviates by 4 / sqrt(m) = 0.02 at most, and thirty of them, with weights below one, by less than this
    assert np.abs(found - exact).max() < 0.1


@every_transformer
@pytest.mark.parametrize("n", [1, 511, 512, 513])
def test_blocks_of_rows_are_not_seen(make, n):
    fitted = make(n_components=4).fit(rows())
    x = rows(n)
    apart = np.concatenate([fitted.transform(part) for part in np.array_split(x, min(n, 7))])
    # products of matrices of other shapes may round otherwise
    assert fitted.transform(x) == pytest.approx(apart, rel=1e-12, abs=1e-12)


@every_transformer
def test_a_callers_rows_may_be_read_only_or_in_any_order_of_memory(make):
    fitted, x = make(n_components=4).fit(rows()), rows()
    expected = fitted.transform(x.copy())
    frozen = rows()
    frozen.setflags(write=False)
    for given_rows in (x, frozen, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x.tolist()):
        assert (fitted.transform(given_rows) == expected).all()
    assert (x == rows()).all()


# On any scale -----------------------------------------------------------------------------------------------------

PLAIN = [TRANSFORMERS["compositional"], TRANSFORMERS["gegenbauer"]]


@every_transformer
def test_rows_of_zeros_have_zero_features(make):
    x = rows()
    x[[0, 7]] = 0.0
    x[3] = -0.0
    zero = np.isin(np.arange(20), [0, 3, 7])
    features = make(n_components=9).fit(x).transform(x)
    assert (features[zero] == 0).all()
    assert (features[~zero] != 0).any(axis=1).all()


@pytest.mark.parametrize("make", PLAIN, ids=["compositional", "gegenbauer"])
@pytest.mark.parametrize("scale", [1e-300, 1e-150, 0.3, 7.0, 1e160, 1e300])
def test_the_length_of_a_row_does_not_matter(make, scale):
    fitted = make(n_components=50).fit(rows())
    expected = fitted.transform(rows())
    # a rounding in each entry of a row, times the slope of a polynomial of degree 20
    assert fitted.transform(scale * rows()) == pytest.approx(expected, rel=0, abs=1e-13 * np.abs(expected).max() * 20)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_smallest_and_the_largest_numbers_have_directions(dtype):
    fitted = CompositionalFeatures(n_components=5, random_state=0).fit(rows(d=3))
    tiny, huge = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    x = np.array([[tiny, 0, 0], [huge, 0, 0], [1, 0, 0], [tiny, tiny, 0], [huge, huge, 0], [1, 1, 0]], dtype)
    features = fitted.transform(x)
    for i, j in ((0, 2), (1, 2), (3, 5), (4, 5)):
        assert features[i] == pytest.approx(features[j], rel=16 * float(np.finfo(dtype).eps))


@light
@given(seed=st.integers(0, 2**32 - 1), powers=st.lists(st.integers(-300, 300), min_size=20, max_size=20))
def test_rows_of_many_lengths_do_not_disturb_one_another(seed, powers):
    x = rows(seed=seed)
    fitted = CompositionalFeatures(n_components=8, random_state=0).fit(x)
    expected = fitted.transform(x)
    scaled = fitted.transform(x * 2.0 ** np.array(powers)[:, None])  # without a rounding
    assert scaled == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        *PLAIN,
        partial(CompositionalFeatures, "sigmoid", 1, centered=True, random_state=1),
        partial(CompositionalFeatures, "swish", 8, centered=True, random_state=1),
        partial(GegenbauerFeatures, "gelu", random_state=1),
    ],
    ids=["relu", "exp on the sphere", "sigmoid", "swish", "gelu on the sphere"],
)
def test_features_of_float32_are_of_that_type_and_close_to_those_of_float64(make):
    x = rows(50).astype(np.float32)
    fitted = make(n_components=300).fit(x)
    single, double = fitted.transform(x), fitted.transform(x.astype(np.float64))
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    # roundings of <x, theta>, of each polynomial, and of the sum, relative to the largest; 6 were found
    assert np.abs(single - double).max() <= 32 * EPS32 * np.abs(double).max()


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float16, bool])
def test_other_numbers_have_features_of_float64(dtype):
    x = np.array([[1, 0, 1], [1, 1, 0]], dtype)
    fitted = CompositionalFeatures(n_components=4, random_state=0).fit(x)
    assert fitted.transform(x).dtype == np.float64
    assert (fitted.transform(x) == fitted.transform(x.astype(np.float64))).all()


# In expectation ---------------------------------------------------------------------------------------------------

LIGHT = [("sigmoid", 1, True), ("sigmoid", 3, False), ("swish", 2, False), ("gelu", 1, True), ("tanh", 2, False)]


@pytest.mark.parametrize("rho", [-0.3, 0.0, 0.1, 0.3])
@pytest.mark.parametrize("which", LIGHT, ids=str)
def test_products_are_an_unbiased_estimate_of_the_truncated_kernel(which, rho):
    name, depth, centered = which
    m = 100_000
    fitted = CompositionalFeatures(name, depth, m, centered=centered, random_state=0).fit(pair(rho))
    a, b = fitted.transform(pair(rho))
    exact = polynomial(rho, fitted.coefficients_)
    assert abs(a @ b - exact) <= ERRORS * feature_deviation(fitted.coefficients_, rho) / math.sqrt(m)
    kernel = CompositionalKernel(name, depth, centered=centered)
    assert abs(exact - kernel(rho)) <= fitted.tail_mass_ * abs(rho) ** 21 + 1e-12


RUNS = 200
SPREAD = stats.chi2(RUNS).ppf([5e-7, 1 - 5e-7]) / RUNS  # of a mean square of normal numbers, once in a million


@pytest.mark.parametrize("m", [16, 64, 256, 1024])
def test_the_error_falls_like_the_root_of_the_number_of_features(m):
    rho, errors = 0.3, []
    for seed in range(RUNS):
        fitted = CompositionalFeatures("sigmoid", 1, m, centered=True, random_state=seed).fit(pair(rho))
        a, b = fitted.transform(pair(rho))
        errors.append(a @ b - polynomial(rho, fitted.coefficients_))
    expected = feature_deviation(fitted.coefficients_, rho) ** 2 / m
    # errors of so few features as 16 are not quite normal: their squares deviate by half more
    low, high = 1 + 1.5 * (SPREAD - 1)
    assert low <= np.mean(np.square(errors)) / expected <= high


def test_its_attributes_are_the_kernels():
    fitted = CompositionalFeatures("gelu", 3, 5, truncation=6, centered=True, random_state=0).fit(rows(d=4))
    coefficients = CompositionalKernel("gelu", 3, centered=True).coefficients(6)
    assert (fitted.coefficients_ == coefficients).all()
    assert fitted.tail_mass_ == pytest.approx(1 - coefficients.sum())
    assert fitted.random_weights_.shape == (4, 5)


def test_features_are_numpys_hermite_polynomials_of_the_products():
    x = rows()
    fitted = CompositionalFeatures("relu", 2, 7, truncation=8, random_state=0).fit(x)
    products = x / np.linalg.norm(x, axis=1, keepdims=True) @ fitted.random_weights_
    weights = np.sqrt(fitted.coefficients_ / special.factorial(np.arange(9)))
    exact = np.polynomial.hermite_e.hermeval(products, weights) / math.sqrt(7)
    assert fitted.transform(x) == pytest.approx(exact, rel=1e-12, abs=1e-12)


def test_directions_are_standard_normal_and_differ_with_the_random_state():
    weights = [CompositionalFeatures(n_components=1000, random_state=s).fit(rows()).random_weights_ for s in (0, 1)]
    assert stats.kstest(weights[0].ravel(), "norm").pvalue > 1e-6
    assert abs(np.corrcoef(weights[0].ravel(), weights[1].ravel())[0, 1]) < ERRORS / math.sqrt(6000)


# With noise -------------------------------------------------------------------------------------------------------

# A tenth of the kernel is beyond degree 2, whose polynomial has no rare values.
noisy = partial(CompositionalFeatures, "relu", 4, truncation=2, random_state=0)


def with_and_without(x: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray, Any]:
    bare, fitted = noisy(n_components=m).fit(x), noisy(n_components=m, ridge_noise=True).fit(x)
    assert 0.08 < fitted.tail_mass_ < 0.1
    return fitted.transform(x), bare.transform(x), fitted


def test_noise_makes_the_diagonal_one_in_expectation():
    # products of orthogonal rows with directions are independent: each feature is one of 100 000
    noise, bare, fitted = with_and_without(np.eye(200), 500)
    for features, exact in ((noise, 1.0), (bare, 1 - fitted.tail_mass_)):
        squares = 500 * features**2
        assert abs(squares.mean() - exact) <= ERRORS * squares.std() / math.sqrt(squares.size)


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.3, 0.9])
def test_noise_leaves_other_entries_as_they_are_in_expectation(rho):
    x = pairs(rho, 100)
    noise, bare, fitted = with_and_without(x, 300)
    products, before = ((300 * f[::2] * f[1::2]).ravel() for f in (noise, bare))
    for found, exact in ((products - before, 0.0), (products, polynomial(rho, fitted.coefficients_))):
        assert abs(found.mean() - exact) <= ERRORS * found.std() / math.sqrt(found.size)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_is_standard_normal_and_each_rows_and_features_own(dtype):
    x = rows(100).astype(dtype)
    noise, bare, fitted = with_and_without(x, 200)
    z = ((noise - bare) * math.sqrt(200 / fitted.tail_mass_)).astype(np.float64)
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-6
    for correlations, n in ((np.corrcoef(z), 200), (np.corrcoef(z.T), 100)):
        others = correlations[~np.eye(len(correlations), dtype=bool)]
        assert np.abs(others).max() < 6.5 / math.sqrt(n)  # of 20 000 pairs, one in a million


def test_the_noise_of_a_row_is_its_own_whatever_is_beside_it():
    x = rows(600)
    fitted = noisy(n_components=40, ridge_noise=True).fit(x)
    whole, order = fitted.transform(x), np.random.default_rng(1).permutation(600)
    # a product of other shapes may round otherwise; another noise would differ in the first digit
    assert fitted.transform(x[order]) == pytest.approx(whole[order], rel=1e-12, abs=1e-12)
    assert fitted.transform(x[17:18]) == pytest.approx(whole[17:18], rel=1e-12, abs=1e-12)
    assert fitted.transform(x[::7]) == pytest.approx(whole[::7], rel=1e-12, abs=1e-12)


def test_noise_is_the_same_in_each_call_and_in_each_fit_of_the_same_random_state():
    x = rows()
    fitted = noisy(n_components=40, ridge_noise=True).fit(x)
    first = fitted.transform(x)
    assert (fitted.transform(x) == first).all()
    assert (noisy(n_components=40, ridge_noise=True).fit_transform(x) == first).all()


def test_equal_rows_have_equal_noise_whatever_the_sign_of_a_zero():
    fitted = noisy(n_components=40, ridge_noise=True).fit(rows(d=3))
    features = fitted.transform(np.array([[0.0, 1.0, 2.0], [-0.0, 1.0, 2.0]]))
    assert (features[0] == features[1]).all()


def test_noise_differs_with_the_random_state():
    x, found = rows(), []
    for seed in (0, 1):
        fitted, bare = (noisy(n_components=200, ridge_noise=r, random_state=seed).fit(x) for r in (True, False))
        found.append((fitted.transform(x) - bare.transform(x)).ravel())
    assert abs(np.corrcoef(*found)[0, 1]) < ERRORS / math.sqrt(20 * 200)


# What is missing, and what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(CompositionalFeatures, "relu", 8, centered=True), "21% of the kernel of 8 layers of centered relu"),
        (partial(CompositionalFeatures, "step", 2), "12% of the kernel of 2 layers of step"),
        (partial(CompositionalFeatures, "relu", 1, truncation=0), "68% of the kernel of 1 layers of relu"),  # 1 - 1/pi
        (partial(GegenbauerFeatures, [0.0, 0.0, 1.0], truncation=1), "83% of the kernel"),  # 1 - 1/6
    ],
    ids=str,
)
def test_a_tail_of_more_than_a_tenth_is_warned_of(make, message):
    with pytest.warns(UserWarning, match=rf"^{message} [^\n]*is beyond degree \d+[^\n]*larger truncation[^\n]*$"):
        make(n_components=3).fit(rows())


@pytest.mark.parametrize(
    ("make", "share"),
    [
        (partial(CompositionalFeatures, "relu", 4, truncation=2), 0.093),
        (partial(CompositionalFeatures, "step", 1), 0.057),
        (partial(GegenbauerFeatures, [0.5, 0.41, 0.0, 0.09], truncation=2), 0.05625),
    ],
    ids=str,
)
def test_a_tail_of_less_is_not(make, share):
    # a warning is an error here; t^3 is 5/8 P_3 + 3/8 P_1 in six dimensions
    assert make(n_components=3).fit(rows()).tail_mass_ == pytest.approx(share, abs=5e-4)


COMPOSITIONAL: list[tuple[dict[str, Any], str]] = [
    ({"n_components": 0}, "n_components = 0 is not an integer >= 1"),
    ({"n_components": -3}, "n_components = -3 is not an integer >= 1"),
    ({"truncation": -1}, "truncation = -1 is not an integer >= 0"),
    ({"depth": 0}, "depth = 0 is not at least 1"),
    ({"activation": "rely"}, ".*rely.*relu"),
]


@pytest.mark.parametrize(("bad", "message"), COMPOSITIONAL, ids=str)
def test_a_bad_parameter_is_refused_with_its_name_and_value_in_one_line(bad, message):
    estimator = CompositionalFeatures(**bad)  # which only keeps it
    with pytest.raises(ValueError, match=rf"^{message}[^\n]*$"):
        estimator.fit(rows())


GEGENBAUER: list[tuple[dict[str, Any], str]] = [
    ({"n_components": 0}, "n_components = 0 is not an integer >= 1"),
    ({"truncation": -2}, "truncation = -2 is not an integer >= 0"),
    ({"kernel": "rely"}, ".*rely.*relu"),
    ({"kernel": None}, "kernel is neither a function nor"),
    ({"kernel": [1.0, -1.0]}, "Taylor coefficient -1 is negative"),
    ({"kernel": np.cos}, "the kernel is not positive definite: its Legendre coefficient 2 is"),
]


@pytest.mark.parametrize(("bad", "message"), GEGENBAUER, ids=str)
def test_a_bad_kernel_is_refused_in_one_line(bad, message):
    with pytest.raises(ValueError, match=rf"^{message}[^\n]*$"):
        GegenbauerFeatures(**{"kernel": EXPONENTIAL, **bad}).fit(rows())


def test_a_sphere_of_one_dimension_is_refused():
    with pytest.raises(ValueError, match=r"^n_features=1: [^\n]*$"):
        GegenbauerFeatures(EXPONENTIAL).fit(rows(d=1))


def test_a_function_in_high_dimension_is_refused_with_the_truncation_that_works():
    kernel, x = Poisson(1.0), rows(d=784)
    with pytest.raises(ValueError, match=r"truncation=(\d+)$") as refusal:
        GegenbauerFeatures(lambda t: np.exp(t - 1)).fit(x)
    enough = int(str(refusal.value).rsplit("=", 1)[1])
    few, many = (GegenbauerFeatures(lambda t: np.exp(t - 1), truncation=enough), GegenbauerFeatures(kernel))
    assert few.fit(x).coefficients_ == pytest.approx(many.fit(x).coefficients_[: enough + 1], abs=1e-6)


# On the sphere ----------------------------------------------------------------------------------------------------

KERNELS = {
    "exp": (EXPONENTIAL, lambda rho: math.exp(rho - 1)),
    "an activation": ("gelu", DualKernel("gelu")),
    "two layers": (CompositionalKernel("swish", 2), CompositionalKernel("swish", 2)),
    "a law": (Poisson(2.0), lambda rho: math.exp(2 * (rho - 1))),
    "a function": (lambda t: np.exp(t - 1), lambda rho: math.exp(rho - 1)),
    "a power": ([0.0, 0.0, 0.0, 2.0], lambda rho: 2 * rho**3),  # need not be one at one
}


@pytest.mark.parametrize("d", [2, 3, 6])
@pytest.mark.parametrize("rho", [-0.9, 0.3, 0.9])
@pytest.mark.parametrize("name", KERNELS)
def test_products_on_the_sphere_are_an_unbiased_estimate_of_any_kernel(name, rho, d):
    kernel, exact = KERNELS[name]
    m = 20_000
    a, b = GegenbauerFeatures(kernel, m, truncation=16, random_state=0).fit_transform(pair(rho, d))
    products = m * a * b  # bounded, for directions on the sphere
    # what is beyond degree 16 is below 1e-5 of these
    assert abs(products.mean() - exact(rho)) <= ERRORS * products.std() / math.sqrt(m) + 1e-5


def test_directions_on_the_sphere_have_norm_one_and_no_mean():
    theta = GegenbauerFeatures(EXPONENTIAL, 10_000, random_state=0).fit(rows(d=5)).random_weights_
    assert np.linalg.norm(theta, axis=0) == pytest.approx(np.ones(10_000), rel=1e-14)
    # each component has variance 1/d
    assert np.abs(theta.mean(axis=1)).max() < ERRORS * math.sqrt(1 / 5 / 10_000)
    assert 5 * theta @ theta.T / 10_000 == pytest.approx(np.eye(5), abs=0.07)  # 5 theta_i theta_j deviates below 1.3


@pytest.mark.parametrize("d", [2, 5])
def test_the_squares_of_all_features_of_a_kernel_on_the_sphere_are_its_value_at_one(d):
    # sum of lambda_k; the norm of a row's features
    m = 50_000
    features = GegenbauerFeatures(2 * EXPONENTIAL, m, random_state=0).fit_transform(rows(3, d))
    squares = m * features**2
    assert (np.abs(squares.mean(axis=1) - 2) <= ERRORS * squares.std(axis=1) / math.sqrt(m)).all()


@pytest.mark.parametrize("same", ["relu", lambda t: DualKernel("relu")(t), DualKernel("relu").coefficients(1024)])
def test_however_a_kernel_is_given_its_features_are_the_same(same):
    make = partial(GegenbauerFeatures, n_components=30, truncation=6, random_state=0)
    expected = make(CompositionalKernel("relu", 1)).fit_transform(rows())
    # Taylor coefficients end at 1024, with 1e-5 of the kernel beyond, of which less comes back to low degrees
    assert make(same).fit_transform(rows()) == pytest.approx(expected, rel=0, abs=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("which", [("gelu", 2, False), ("sigmoid", 1, True)], ids=str)
def test_in_high_dimension_both_transformers_are_nearly_one(which):
    name, depth, centered = which
    d, kernel = 5000, CompositionalKernel(name, depth, centered=centered)
    x = np.zeros((2, d))
    x[:, :6] = pair(0.3)
    gaussian = CompositionalFeatures(name, depth, 2000, centered=centered, random_state=0).fit(x)
    sphere = GegenbauerFeatures(kernel, 2000, random_state=0).fit(x)
    # the walk of `legendre_coefficients` turns back with probability j^2 / 2d at most
    alpha = gaussian.coefficients_
    bound = alpha @ np.arange(21.0) ** 2 / (2 * d) + gaussian.tail_mass_
    assert np.abs(sphere.coefficients_ - alpha).max() <= bound
    estimates = [a @ b for a, b in (gaussian.transform(x), sphere.transform(x))]
    error = ERRORS * feature_deviation(alpha, 0.3) / math.sqrt(2000)
    assert np.abs(np.array(estimates) - kernel(0.3)).max() <= error + 2 * bound
    # the same random numbers, on the sphere and off it: |theta| is sqrt(d) to 1 in sqrt(2d) = 100
    assert abs(estimates[0] - estimates[1]) < 0.2 * error


# Memory -----------------------------------------------------------------------------------------------------------

# The kernel's own high-water mark of this program: that of getrusage begins with the memory of the test that forked it.
MEMORY = """
from pathlib import Path
import numpy as np
from deepk.kernels import CompositionalFeatures
def most():
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(lines["VmHWM"].split()[0])
n, m = 40_000, 512
x = np.random.default_rng(0).standard_normal((n, 8)).astype(np.float32)
features = CompositionalFeatures(n_components=m, ridge_noise=True, random_state=0).fit(x)
features.transform(x[:1024])  # what is loaded or laid out on first use
before = most()
found = features.transform(x)
print((most() - before) / found.nbytes)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the high-water mark is told by Linux")
def test_a_transform_takes_little_memory_beside_its_output():
    shown = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True).stdout
    # The output has 82 MB. Blocks take some MB, and the allocator keeps up to 16 more. An array more of products would
    # be another output, polynomials of all rows twenty.
    assert float(shown) < 1.5
