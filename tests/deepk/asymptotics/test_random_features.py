"""Random features beside the coupled equations at 50 digits, closed forms, a simulation; what they refuse."""

import math

import numpy as np
import pytest
import torch

from deepk.activations import Activation, leaky_relu
from deepk.asymptotics import random_features_risk
from tests.deepk.asymptotics import coupled
from tests.deepk.asymptotics.coupled import off

ROUNDED = 1e-12
ROUNDINGS = 1e-14  # some tens of them
MANY = 100_000

GROWS = Activation.from_callable("grows", lambda x: (x * x).exp())
ALL_THE_SAME = Activation.from_callable("all the same", lambda x: torch.full_like(x, 3.0))


def many_points(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """psi_1 and psi_2 from 1e-3 to 1e3; a fifth without a ridge, the others from 1e-30 to 1e5."""
    generator = np.random.default_rng(seed)
    psi_1, psi_2 = 10 ** generator.uniform(-3, 3, (2, count))
    ridge = np.where(generator.random(count) < 0.2, 0.0, 10 ** generator.uniform(-30, 5, count))
    return psi_1, psi_2, ridge


# The coupled equations --------------------------------------------------------------------------------------------

POINTS = [
    ("relu", 1.2, 3.0, 1e-2),
    ("relu", 0.01, 100.0, 1e-4),
    ("relu", 100.0, 0.01, 10.0),
    ("relu", 0.3, 0.2, 1e-8),
    ("relu", 50.0, 50.0, 1e-3),
    ("relu", 8.0, 1.0, 1e-12),
    ("tanh", 4.0, 2.0, 1e-6),
    ("tanh", 0.01, 0.02, 0.1),
    ("tanh", 100.0, 99.0, 1e-12),
    ("tanh", 1.0, 1.0, 1.0),
    ("erf", 6.0, 3.0, 1e-2),
    ("erf", 0.5, 7.0, 1e-10),
    ("erf", 30.0, 0.05, 1e-5),
    ("erf", 100.0, 100.0, 10.0),
]


@pytest.mark.parametrize(("activation", "psi_1", "psi_2", "ridge"), POINTS)
def test_everything_is_what_the_coupled_equations_say(activation, psi_1, psi_2, ridge):
    found = random_features_risk(
        psi_1, psi_2, ridge=ridge, activation=activation, signal=0.7, nonlinear=0.25, noise=0.5
    )
    exact = coupled.limits(activation, psi_1, psi_2, ridge, 0.7, 0.75)
    assert off(found.bias, exact.bias) < ROUNDED
    assert off(found.variance, exact.variance) < ROUNDED
    assert off(found.risk, 0.7 * exact.bias + 0.75 * exact.variance + 0.25) < ROUNDED
    assert off(found.training_error, exact.training_error) < ROUNDED
    assert off(found.squared_norm, exact.squared_norm) < ROUNDED


@pytest.mark.parametrize("psi", [0.2, 3.0, 40.0])
def test_the_peak_is_exact_where_a_ridge_of_1e_14_just_bounds_it(psi):
    found, exact = random_features_risk(psi, psi, ridge=1e-14), coupled.limits("relu", psi, psi, 1e-14)
    assert found.variance > 1e4
    assert off(found.bias, exact.bias) < ROUNDED
    assert off(found.variance, exact.variance) < ROUNDED
    assert off(found.training_error, exact.training_error) < ROUNDED
    assert off(found.squared_norm, exact.squared_norm) < ROUNDED


@pytest.mark.parametrize(
    ("activation", "psi_1", "psi_2"),
    [("relu", 2.0, 3.0), ("relu", 0.01, 100.0), ("tanh", 100.0, 0.01), ("tanh", 3.1, 3.0), ("erf", 5.0, 1.0)],
)
def test_without_a_ridge_they_are_the_closed_formula(activation, psi_1, psi_2):
    found = random_features_risk(psi_1, psi_2, activation=activation)
    bias, variance = coupled.ridgeless(activation, psi_1, psi_2)
    assert off(found.bias, bias) < ROUNDED
    assert off(found.variance, variance) < ROUNDED


@pytest.mark.parametrize("activation", ["relu", "tanh", "erf"])
@pytest.mark.parametrize("psi_2", [0.01, 1.0, 3.0, 100.0])
@pytest.mark.parametrize("ridge", [0.0, 1e-3, 10.0])
def test_infinitely_many_features_are_the_closed_formula(activation, psi_2, ridge):
    found = random_features_risk(math.inf, psi_2, ridge=ridge, activation=activation)
    bias, variance = coupled.infinitely_many_features(activation, psi_2, ridge)
    assert off(found.bias, bias) < ROUNDED
    assert off(found.variance, variance) < ROUNDED


@pytest.mark.parametrize("activation", ["relu", "tanh", "erf"])
@pytest.mark.parametrize("psi_1", [0.01, 1.0, 2.0, 100.0])
def test_infinitely_many_samples_are_the_closed_formula(activation, psi_1):
    found = random_features_risk(psi_1, math.inf, activation=activation, noise=2.0)
    assert off(found.bias, coupled.infinitely_many_samples(activation, psi_1)) < ROUNDED
    assert found.variance == 0
    assert found.risk == found.bias


# Digits -----------------------------------------------------------------------------------------------------------

# Computed by others from the coupled complex equations at 50 digits in mpmath: activation, psi_1, psi_2, ridge, B, V.
HANDED = [
    ("relu", 1.2, 3.0, 1e-2, 0.5793895125170868, 0.5007627181290499),
    ("relu", 4.0, 2.0, 1e-6, 0.30250813548677, 1.423874105106584),
    ("relu", 3.0, 3.0, 1e-12, 14907.758691148885, 102900.70618194214),
    ("tanh", 2.0, 1.5, 1e-3, 0.2650371065472919, 2.707342525175518),
    ("erf", 6.0, 3.0, 1e-2, 0.037090232660451444, 0.5445118587077654),
    ("relu", math.inf, 3.0, 1e-3, 0.029161435935976192, 0.3184959524951659),
    ("relu", 2.0, math.inf, 0.0, 0.22829979761532687, 0.0),
]
# The same, with the noise, the training error and (N / d) |a|^2.
HANDED_OF_TRAINING = [
    ("relu", 2.0, 3.0, 1e-2, 0.3, 0.2079493695550677, 7.073264666733101),
    ("tanh", 2.0, 1.5, 1e-3, 0.0, 0.0011018197300122943, 6.900060161218541),
]


@pytest.mark.parametrize(("activation", "psi_1", "psi_2", "ridge", "bias", "variance"), HANDED)
def test_bias_and_variance_have_the_digits_that_others_computed(activation, psi_1, psi_2, ridge, bias, variance):
    found = random_features_risk(psi_1, psi_2, ridge=ridge, activation=activation)
    assert found.bias == pytest.approx(bias, rel=ROUNDED, abs=0)
    assert found.variance == pytest.approx(variance, rel=ROUNDED, abs=0)


@pytest.mark.parametrize(("activation", "psi_1", "psi_2", "ridge", "noise", "error", "norm"), HANDED_OF_TRAINING)
def test_training_has_the_digits_that_others_computed(activation, psi_1, psi_2, ridge, noise, error, norm):
    found = random_features_risk(psi_1, psi_2, ridge=ridge, activation=activation, noise=noise)
    assert found.training_error == pytest.approx(error, rel=ROUNDED, abs=0)
    assert found.squared_norm == pytest.approx(norm, rel=ROUNDED, abs=0)


# ReLU, psi_2 = 3, F_1 = 1, no noise, from a table made with the coupled equations: psi_1, and the risk at ridge 0 and
# 1e-3.
PRINTED = """
    .25 .901481 .901331
    .5  .809974 .809231
    1   .671859 .667047
    1.5 .619504 .599396
    2   .684899 .601189
    2.5 1.068039 .631638
    2.8 2.349432 .615082
    3.2 2.200860 .524852
    3.5 .896996 .442178
    4   .462374 .333090
    5   .245064 .216451
    6   .172627 .161969
    8   .114677 .112281
    10  .089842 .089457
    15  .063972 .064833
    20  .053319 .054471
    30  .043850 .045165
    60  .035378 .036769
    inf .027753 .029161
"""
# From the same table, V at ridge 1e-3.
PRINTED_VARIANCE = {
    1: 0.4892,
    2: 1.6315,
    2.8: 2.908,
    3.2: 2.854,
    4: 2.069,
    6: 1.138,
    10: 0.700,
    30: 0.421,
    1e99: 0.3185,
}


def test_the_risk_rounds_to_the_printed_digits():
    psi_1, ridgeless, ridge = np.array(PRINTED.split(), float).reshape(-1, 3).T
    assert np.abs(random_features_risk(psi_1, 3).risk - ridgeless).max() < 0.6e-6
    assert np.abs(random_features_risk(psi_1, 3, ridge=1e-3).risk - ridge).max() < 0.6e-6


def test_the_variance_rounds_to_the_printed_digits():
    found = random_features_risk(list(PRINTED_VARIANCE), 3, ridge=1e-3).variance
    assert np.abs(found - list(PRINTED_VARIANCE.values())).max() < 0.6e-3
    assert found[[0, 1, -1]] == pytest.approx([0.4892, 1.6315, 0.3185], abs=0.6e-4)


def test_the_risk_at_the_peak_rounds_to_the_printed_digits():
    found = random_features_risk(3, 3, ridge=[1e-8, 1e-3]).risk
    assert found == pytest.approx([149.17, 0.57710], rel=3e-5)


@pytest.mark.parametrize(("ridge", "peaks"), [(1e-4, [2.962]), (1e-3, [2.545]), (1e-2, [])])
def test_a_ridge_moves_the_peak_to_fewer_features_and_then_takes_it_away(ridge, peaks):
    psi_1 = np.linspace(1, 8, 7001)
    risk = random_features_risk(psi_1, 3, ridge=ridge).risk
    inside = np.flatnonzero((risk[1:-1] > risk[:-2]) & (risk[1:-1] > risk[2:])) + 1
    assert psi_1[inside].tolist() == pytest.approx(peaks, abs=2e-3)


# The peak without a ridge -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("psi", [1e-3, 0.5, 3.0, 1e3])
def test_without_a_ridge_it_is_infinite_at_the_peak(psi):
    found = random_features_risk(psi, psi, signal=1.0, noise=0.1)
    assert found.bias == found.variance == found.risk == found.squared_norm == math.inf
    assert found.training_error == 0


def test_what_is_not_there_is_not_infinite_at_the_peak():
    assert random_features_risk(3, 3, signal=0.0, nonlinear=0.0, noise=0.0).risk == 0
    assert random_features_risk(3, 3, signal=0.0, noise=0.1).risk == math.inf
    assert random_features_risk(3, 3, signal=1.0, noise=0.0).risk == math.inf


def test_the_norm_of_nothing_is_zero_at_the_peak():
    assert random_features_risk(3, 3, signal=0.0).squared_norm == 0


# Everywhere -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "erf", "step", "identity"])
def test_a_hundred_thousand_risks_are_finite_and_positive(activation):
    psi_1, psi_2, ridge = many_points(MANY)
    found = random_features_risk(psi_1, psi_2, ridge=ridge, activation=activation, nonlinear=0.1, noise=0.2)
    for values in vars(found).values():
        assert values.shape == (MANY,)
        assert np.isfinite(values).all()
        assert (values >= 0).all()
    assert (found.risk >= 0.1).all()
    assert (found.training_error <= 1.3 * (1 + ROUNDINGS)).all()  # which a = 0 has


def test_no_ridge_that_is_a_number_overflows():
    found = random_features_risk(2, [3, math.inf], ridge=1e-310)
    assert found.risk == pytest.approx(random_features_risk(2, [3, math.inf]).risk, rel=ROUNDED)


@pytest.mark.parametrize("ridge", [1e5, 1e9])
@pytest.mark.parametrize(("psi_1", "psi_2"), [(2.0, 3.0), (3.0, 3.0), (100.0, 0.01)])
def test_risks_keep_their_digits_at_large_ridges(psi_1, psi_2, ridge):
    found, exact = random_features_risk(psi_1, psi_2, ridge=ridge), coupled.limits("relu", psi_1, psi_2, ridge)
    assert off(found.bias, exact.bias) < ROUNDED
    assert off(found.variance, exact.variance) < ROUNDED
    assert off(found.training_error, exact.training_error) < ROUNDED


@pytest.mark.parametrize("ridge", [1e5, 1e9])
def test_the_norm_keeps_its_digits_at_large_ridges(ridge):
    exact = coupled.limits("relu", 2.0, 3.0, ridge, 1.0, 0.5).squared_norm
    assert off(random_features_risk(2, 3, ridge=ridge, noise=0.5).squared_norm, exact) < ROUNDED


def test_more_ridge_is_less_norm_less_variance_and_more_training_error():
    # the minimizer of a sum moves so; noise adds tr(U R Z Z' R) to the risk, and R Z Z' R falls with the ridge
    psi_1, psi_2, _ = many_points(2000, seed=1)
    ridges = 10.0 ** np.arange(-20, 5)
    found = random_features_risk(psi_1[:, None], psi_2[:, None], ridge=ridges, nonlinear=0.1, noise=0.2)
    assert (found.variance[:, 1:] <= found.variance[:, :-1] * (1 + 1e-12)).all()
    assert (found.squared_norm[:, 1:] <= found.squared_norm[:, :-1] * (1 + 1e-12)).all()
    assert (found.training_error[:, 1:] >= found.training_error[:, :-1] * (1 - 1e-12)).all()
    assert (found.variance[:, -1] < 0.5 * found.variance[:, 0]).all()


def test_the_norm_is_the_slope_of_the_least_objective():
    # which is concave in the ridge, so that it lies between the slopes at both ends
    psi_1, psi_2, _ = many_points(2000, seed=2)
    ridges = 10.0 ** np.arange(-6, 2)
    found = random_features_risk(psi_1[:, None], psi_2[:, None], ridge=ridges, nonlinear=0.1, noise=0.2)
    objective = found.training_error + ridges * found.squared_norm
    slope, slack = np.diff(objective) / np.diff(ridges), 1e-14 * objective[:, 1:] / np.diff(ridges)
    assert (slope <= found.squared_norm[:, :-1] * (1 + 1e-9) + slack).all()
    assert (slope >= found.squared_norm[:, 1:] * (1 - 1e-9) - slack).all()
    assert (objective[:, -1] < 1.3).all()


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_least_objective_is_that_of_the_coupled_equations_from_many_sides(activation):
    for signal, rest in [(1.0, 0.0), (0.0, 1.0)]:
        exact = coupled.limits(activation, 0.8, 2.5, 0.03, signal, rest)
        found = random_features_risk(0.8, 2.5, ridge=0.03, activation=activation, signal=signal, noise=rest)
        assert off(found.training_error + 0.03 * found.squared_norm, exact[2] + 0.03 * exact[3]) < ROUNDED
        assert off(found.training_error, exact.training_error) < ROUNDED


def test_the_risk_is_the_sum_of_its_parts():
    parts = {"signal": np.array([0.0, 1.0, 2.5]), "nonlinear": np.array([0.4, 0.0, 1.5])[:, None]}
    found = random_features_risk(2, 3, ridge=0.01, noise=0.7, **parts)
    expected = parts["signal"] * found.bias + (0.7 + parts["nonlinear"]) * found.variance + parts["nonlinear"]
    assert found.risk == pytest.approx(expected, rel=ROUNDINGS)
    assert found.risk.shape == (3, 3)
    swapped = random_features_risk(2, 3, ridge=0.01, nonlinear=0.7, noise=parts["nonlinear"], signal=parts["signal"])
    assert swapped.training_error == pytest.approx(found.training_error, rel=ROUNDINGS)
    assert swapped.squared_norm == pytest.approx(found.squared_norm, rel=ROUNDINGS)


# Limits -----------------------------------------------------------------------------------------------------------

LIMITS = [
    ({"psi_1": 1e9, "psi_2": 3.0, "ridge": 0.01}, {"psi_1": math.inf}),
    ({"psi_1": 1e9, "psi_2": 0.3, "ridge": 0.0}, {"psi_1": math.inf}),
    ({"psi_1": 2.0, "psi_2": 1e9, "ridge": 0.01}, {"psi_2": math.inf}),
    ({"psi_1": 2.0, "psi_2": 1e9, "ridge": 0.0}, {"psi_2": math.inf}),
    ({"psi_1": 1e9, "psi_2": 1e10, "ridge": 0.01}, {"psi_1": math.inf, "psi_2": math.inf}),
    ({"psi_1": 2.0, "psi_2": 3.0, "ridge": 1e-20}, {"ridge": 0.0}),
    ({"psi_1": 3.0, "psi_2": 2.0, "ridge": 1e-20}, {"ridge": 0.0}),
    ({"psi_1": math.inf, "psi_2": 2.0, "ridge": 1e-20}, {"ridge": 0.0}),
    ({"psi_1": 2.0, "psi_2": math.inf, "ridge": 1e-20}, {"ridge": 0.0}),
]


@pytest.mark.parametrize("activation", ["relu", "identity"])
@pytest.mark.parametrize(("close", "limit"), LIMITS)
def test_limits_are_what_large_and_small_numbers_tend_to(close, limit, activation):
    rest = {"activation": activation, "nonlinear": 0.1, "noise": 0.2}
    found, expected = (random_features_risk(**where, **rest) for where in (close, {**close, **limit}))
    for name, value in vars(expected).items():
        assert vars(found)[name] == pytest.approx(value, rel=2e-8, abs=2e-8), name


def test_everything_is_learnt_from_infinitely_many_of_both_without_a_ridge():
    found = random_features_risk(math.inf, math.inf, nonlinear=0.5, noise=1.0)
    assert (found.bias, found.variance, found.risk, found.training_error) == (0, 0, 0.5, 1.5)
    assert found.squared_norm == pytest.approx(4.0, rel=ROUNDED)  # of the linear function with mu_1^2 = 1/4


def test_a_large_ridge_leaves_the_prediction_zero():
    found = random_features_risk(2, 3, ridge=1e12, nonlinear=0.5, noise=1.0)
    assert found.bias == pytest.approx(1, rel=1e-10)
    assert found.variance == pytest.approx(0, abs=1e-20)
    assert found.training_error == pytest.approx(2.5, rel=1e-10)


# Activations ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("c", [1e-3, 7.0, -2.0])
def test_a_multiple_of_the_activation_is_another_unit_of_the_ridge(c):
    psi_1, psi_2, ridge = many_points(50)
    scaled = Activation.from_callable(f"{c} relu", lambda x: c * x.relu(), kinks=(0.0,))
    one = random_features_risk(psi_1, psi_2, ridge=ridge, noise=0.3)
    other = random_features_risk(psi_1, psi_2, ridge=c * c * ridge, activation=scaled, noise=0.3)
    for name, value in vars(one).items():
        unit = c * c if name == "squared_norm" else 1
        assert unit * vars(other)[name] == pytest.approx(value, rel=1e-9), name


def test_a_constant_that_is_added_changes_nothing():
    shifted = Activation.from_callable("shifted", lambda x: x.relu() + 2.0, kinks=(0.0,))
    found, one = (random_features_risk(2, 3, ridge=0.01, activation=act, noise=0.3) for act in (shifted, "relu"))
    for name, value in vars(one).items():
        assert vars(found)[name] == pytest.approx(value, rel=1e-11), name


def test_leaky_relu_is_a_sum_of_a_line_and_half_of_an_absolute_value():
    # sigma(x) = (1 + a) x / 2 + (1 - a) |x| / 2; so mu_*^2 = (1 - a)^2 (1/4 - 1 / 2 pi), whose zeta^2 gives chi
    for a in (0.0, 0.5, 0.99):
        z2 = ((1 + a) / (1 - a)) ** 2 / (1 - 2 / math.pi)
        linear = 2 * z2 - z2 - 1
        chi = -(math.sqrt(linear**2 + 8 * z2) + linear) / (2 * z2)
        bias, variance = coupled.polynomials(chi, 2.0, 3.0, z2)
        found = random_features_risk(2, 3, activation=leaky_relu(a))
        assert found.bias == pytest.approx(bias, rel=1e-9)
        assert found.variance == pytest.approx(variance, rel=1e-9)


def test_features_without_a_linear_part_learn_nothing_of_a_line():
    # they are noise: B - 1 = V = min / |psi_1 - psi_2|, and no risk is below that of predicting zero
    found = random_features_risk([2, 6], [3, 2], activation=leaky_relu(-1.0))
    assert found.variance == pytest.approx([2.0, 0.5], rel=ROUNDED)
    assert found.bias == pytest.approx([3.0, 1.5], rel=ROUNDED)
    assert random_features_risk(math.inf, 3, activation=leaky_relu(-1.0)).bias == pytest.approx(1, rel=ROUNDED)


# Linear regression, in closed form --------------------------------------------------------------------------------


@pytest.mark.parametrize("psi_2", [0.1, 0.9, 1.0, 1.5, 20.0])
@pytest.mark.parametrize("ridge", [1e-6, 0.1, 3.0])
def test_all_linear_features_are_ridge_regression_on_the_law_of_marchenko_and_pastur(psi_2, ridge):
    # with m(-r) = E 1 / (s + r) over eigenvalues s of X'X / n: B = r^2 m', V = (m - r m') / psi_2
    g = 1 / psi_2
    root = math.sqrt((1 - g + ridge) ** 2 + 4 * g * ridge)
    m = 2 / (1 - g + ridge + root) if psi_2 > 1 else (root - (1 - g + ridge)) / (2 * g * ridge)
    # of g r m^2 + (1 - g + r) m = 1
    slope = m * (1 + g * m) / (2 * g * ridge * m + 1 - g + ridge)
    found = random_features_risk(math.inf, psi_2, ridge=ridge, activation="identity", noise=0.4)
    assert found.bias == pytest.approx(ridge**2 * slope, rel=1e-8)
    assert found.variance == pytest.approx(g * (m - ridge * slope), rel=1e-8)
    norm = (1 - 2 * ridge * m + ridge**2 * slope) + 0.4 * g * (m - ridge * slope)
    assert found.squared_norm == pytest.approx(norm, rel=1e-8)


@pytest.mark.parametrize("psi_2", [1.001, 1.5, 100.0])
@pytest.mark.parametrize("psi_1", [1.0001, 3.0, math.inf])
def test_more_samples_than_dimensions_are_least_squares(psi_1, psi_2):
    found = random_features_risk(psi_1, psi_2, activation="identity", noise=0.3)
    assert found.bias == 0
    assert found.variance == pytest.approx(1 / (psi_2 - 1), rel=ROUNDED)
    assert found.training_error == pytest.approx(0.3 * (1 - 1 / psi_2), rel=ROUNDED)


@pytest.mark.parametrize(("psi_1", "psi_2"), [(0.1, 0.5), (0.9, 1.1), (0.5, 300.0)])
def test_fewer_features_than_samples_and_dimensions_are_least_squares_in_a_subspace(psi_1, psi_2):
    # what lies outside of it is noise
    found = random_features_risk(psi_1, psi_2, activation="identity")
    assert found.bias == pytest.approx((1 - psi_1) * psi_2 / (psi_2 - psi_1), rel=ROUNDED)
    assert found.variance == pytest.approx(psi_1 / (psi_2 - psi_1), rel=ROUNDED)
    assert random_features_risk(psi_1, math.inf, activation="identity").bias == pytest.approx(1 - psi_1, rel=ROUNDED)


@pytest.mark.parametrize("psi_2", [0.01, 0.5, 0.999])
def test_fewer_samples_than_dimensions_are_a_projection(psi_2):
    found = random_features_risk(math.inf, psi_2, activation="identity")
    assert found.bias == pytest.approx(1 - psi_2, rel=ROUNDED)
    assert found.variance == pytest.approx(psi_2 / (1 - psi_2), rel=ROUNDED)
    assert found.squared_norm == pytest.approx(psi_2, rel=ROUNDED)


def test_as_many_samples_as_dimensions_are_a_peak_of_linear_features_too():
    found = random_features_risk([math.inf, 1.0, 2.0], [1.0, 1.0, 1.0], activation="identity", noise=0.1)
    assert np.isinf(found.risk).all()
    assert (found.training_error == 0).all()


# Beside networks that are drawn -----------------------------------------------------------------------------------


def on_the_sphere(generator: np.random.Generator, count: int, d: int) -> np.ndarray:
    """Rows of norm sqrt(d)."""
    rows = generator.standard_normal((count, d))
    return rows * math.sqrt(d) / np.linalg.norm(rows, axis=1, keepdims=True)


def drawn(generator: np.random.Generator, d: int, neurons: int, samples: int, ridge: float) -> tuple[float, ...]:
    """Risk, training error and (N / d) |a|^2 of ReLU features; y is linear and quadratic, 1 and 0.2, and noise."""
    x, theta = on_the_sphere(generator, samples + 1000, d), on_the_sphere(generator, neurons, d)
    form = generator.standard_normal((d, d))
    form = form + form.T
    form -= np.eye(d) * np.trace(form) / d
    form *= math.sqrt(0.2 * (d + 2) / (2 * d)) / np.linalg.norm(form)
    target = x[:, 0] + ((x @ form) * x).sum(axis=1)
    y = target[:samples] + math.sqrt(0.3) * generator.standard_normal(samples)
    z = np.maximum(x @ theta.T / math.sqrt(d), 0)
    train, test = z[:samples], z[samples:]
    gram = train.T @ train / samples + neurons / d * ridge * np.eye(neurons)
    a = np.linalg.solve(gram, train.T @ y / samples)
    risk, error = np.mean((target[samples:] - test @ a) ** 2), np.mean((y - train @ a) ** 2)
    return float(risk), float(error), float(neurons / d * a @ a)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("psi_1", "psi_2", "ridge"), [(2, 3, 1e-2), (3, 1, 1e-1)])
def test_networks_of_a_hundred_dimensions_are_close_to_the_limit(psi_1, psi_2, ridge):
    generator, d = np.random.default_rng(0), 100
    found = np.array([drawn(generator, d, psi_1 * d, psi_2 * d, ridge) for _ in range(24)])
    expected = random_features_risk(psi_1, psi_2, ridge=ridge, nonlinear=0.2, noise=0.3)
    error = found.std(axis=0, ddof=1) / math.sqrt(len(found))
    wanted = np.array([expected.risk, expected.training_error, expected.squared_norm])
    assert (np.abs(found.mean(axis=0) - wanted) < 3.5 * error).all()
    assert (error < 0.04 * wanted).all()


# What goes in and comes out ---------------------------------------------------------------------------------------


def test_numbers_give_numbers():
    for values in vars(random_features_risk(2, 3)).values():
        assert isinstance(values, float)


def test_arrays_give_arrays_of_the_shape_that_they_broadcast_to():
    psi_1, ridge = np.array([[1.0], [2.0], [math.inf]]), np.array([0.0, 0.1])
    found = random_features_risk(psi_1, 1.5, ridge=ridge, noise=0.2)
    for name, values in vars(found).items():
        assert values.shape == (3, 2)
        for i in range(3):
            for j in range(2):
                alone = random_features_risk(psi_1[i, 0], 1.5, ridge=ridge[j], noise=0.2)
                assert values[i, j] == pytest.approx(vars(alone)[name], rel=ROUNDINGS)
    assert random_features_risk([], 3).risk.shape == (0,)


def test_an_activation_is_a_name_or_an_object():
    rectified = Activation.from_callable("rectified", lambda x: x.relu(), kinks=(0.0,))
    assert random_features_risk(2, 3, activation=rectified).risk == random_features_risk(2, 3).risk


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"psi_1": 0.0}, r"psi_1 = 0\.0 is not > 0"),
        ({"psi_1": math.nan}, "psi_1 = nan is not > 0"),
        ({"psi_2": [1.0, -2.0]}, r"psi_2 = -2\.0 is not > 0"),
        ({"psi_2": -math.inf}, "psi_2 = -inf is not > 0"),
        ({"ridge": -1e-9}, "ridge = -1e-09 is not finite and >= 0"),
        ({"ridge": math.inf}, "ridge = inf is not finite and >= 0"),
        ({"ridge": [0.1, math.nan]}, "ridge = nan is not finite and >= 0"),
        ({"signal": -1}, r"signal = -1\.0 is not finite and >= 0"),
        ({"nonlinear": math.inf}, "nonlinear = inf is not finite and >= 0"),
        ({"noise": [[0.0], [-0.5]]}, r"noise = -0\.5 is not finite and >= 0"),
        ({"psi_1": [1, 2], "noise": [1, 2, 3]}, r"these shapes do not broadcast: psi_1 \(2,\), noise \(3,\)"),
        ({"activation": "rulu"}, "unknown activation 'rulu'.*"),
        ({"activation": ALL_THE_SAME}, "activation all the same is constant: its features tell nothing"),
        ({"activation": GROWS}, "activation grows has no second moment that can be computed: .+"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(wrong, message):
    with pytest.raises(ValueError, match=rf"\A{message}\Z"):
        random_features_risk(**{"psi_1": 2.0, "psi_2": 3.0, **wrong})
