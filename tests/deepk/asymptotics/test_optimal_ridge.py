"""The best ridge beside closed forms, the slopes of risks of 50 digits, and all other ridges; where it is exactly 0."""

import math

import mpmath
import numpy as np
import pytest

from deepk.activations import Activation, leaky_relu
from deepk.asymptotics import optimal_ridge, random_features_risk
from tests.deepk.asymptotics import coupled

ROUNDED = 1e-12
OF_A_RIDGE = 1e-9

# Computed by others as the zero of the derivative, by the coupled complex equations at 50 digits in mpmath: activation,
# psi_1, psi_2, signal, noise, ridge and risk.
HANDED = [
    ("relu", 3, 3, 1.0, 1.0, 0.12696283030584732, 0.49904503537199574),
    ("tanh", 4, 2, 1.0, 0.25, 0.03545779088867726, 0.22995662402304695),
]
# psi_1, psi_2, and the ratio of signal to noise, for ReLU: where others found that no ridge is best.
BEST_WITHOUT = [(8, 1.5, 20), (20, 3, 20), (100, 3, 5)]
BETTER_WITH = [(8, 1.5, 5), (20, 3, 5), (100, 3, 2.8), (3, 3, 1000), (2, 6, 1000)]


def slope(activation: str, psi_1: float, psi_2: float, ridge: float, signal: float, rest: float) -> float:
    """d risk / d log ridge, by the coupled equations."""
    with mpmath.workdps(coupled.DIGITS):
        step = mpmath.mpf(10) ** -15
        risks = [coupled.risk(activation, psi_1, psi_2, ridge * (1 + s), signal, rest) for s in (step, -step)]
        return float((risks[0] - risks[1]) / (2 * step))


def of_wide_features(activation: str, psi_2: np.ndarray, signal: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(mu_1^2 rest / signal - mu_*^2)_+ / psi_2: the best ridge of linear regression, of which mu_*^2 is a part."""
    first, left = (float(moment) for moment in coupled.moments(activation))
    return np.maximum(first * rest / signal - left, 0) / psi_2


# Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("activation", "psi_1", "psi_2", "signal", "noise", "ridge", "risk"), HANDED)
def test_they_have_the_digits_that_others_computed(activation, psi_1, psi_2, signal, noise, ridge, risk):
    found = optimal_ridge(psi_1, psi_2, activation=activation, signal=signal, noise=noise)
    assert found.ridge == pytest.approx(ridge, rel=OF_A_RIDGE)
    assert found.risk == pytest.approx(risk, rel=ROUNDED)


@pytest.mark.parametrize(
    ("activation", "psi_1", "psi_2", "signal", "rest"),
    [
        ("relu", 3.0, 3.0, 1.0, 1.0),
        ("relu", 0.2, 50.0, 1.0, 0.5),
        ("relu", 8.0, 1.5, 5.0, 1.0),
        ("tanh", 4.0, 2.0, 1.0, 0.25),
        ("erf", 2.0, 0.1, 1.0, 30.0),
        ("erf", 50.0, 7.0, 0.01, 1.0),
    ],
)
def test_the_exact_risk_falls_before_it_and_rises_behind_it(activation, psi_1, psi_2, signal, rest):
    found = optimal_ridge(psi_1, psi_2, activation=activation, signal=signal, nonlinear=rest / 4, noise=rest * 3 / 4)
    ridge = float(found.ridge)
    assert slope(activation, psi_1, psi_2, ridge * (1 - 1e-9), signal, rest) < 0
    assert slope(activation, psi_1, psi_2, ridge * (1 + 1e-9), signal, rest) > 0
    assert coupled.off(found.risk - rest / 4, coupled.risk(activation, psi_1, psi_2, ridge, signal, rest)) < ROUNDED


@pytest.mark.parametrize("activation", ["relu", "tanh", "erf"])
def test_of_infinitely_many_features_it_is_a_closed_form(activation):
    generator = np.random.default_rng(0)
    psi_2, signal, noise = 10 ** generator.uniform(-2, 2, (3, 100))
    found = optimal_ridge(math.inf, psi_2, activation=activation, signal=signal, noise=noise, nonlinear=0.3)
    expected = of_wide_features(activation, psi_2, signal, noise + 0.3)
    assert 20 < (expected > 0).sum() < 90
    assert found.ridge == pytest.approx(expected, rel=OF_A_RIDGE, abs=0)


@pytest.mark.parametrize("rest", [0.1, 10.0, 1000.0])
@pytest.mark.parametrize("psi_2", [0.1, 0.5, 2.0, 10.0])
def test_of_linear_regression_it_is_the_noise_of_a_sample_over_the_signal(psi_2, rest):
    found = optimal_ridge(math.inf, psi_2, activation="identity", noise=rest)
    assert found.ridge == pytest.approx(rest / psi_2, rel=OF_A_RIDGE)


def test_of_linear_regression_it_is_so_at_many_points():
    psi_2, rest = 10 ** np.random.default_rng(0).uniform(-2, 2, (2, 400))
    found = optimal_ridge(math.inf, psi_2, activation="identity", noise=rest)
    assert found.ridge == pytest.approx(rest / psi_2, rel=OF_A_RIDGE)


@pytest.mark.parametrize("rest", [0.1, 1.0])
def test_of_linear_features_that_can_learn_everything_it_is_not_zero(rest):
    # least squares, whose variance falls with the first ridge, and whose bias is zero to first order
    found = optimal_ridge([2.0, 5.0], [3.0, 4.0], activation="identity", noise=rest)
    assert (found.ridge > 0).all()
    without = random_features_risk([2.0, 5.0], [3.0, 4.0], activation="identity", noise=rest).risk
    assert (found.risk < without).all()


# Zero and infinite ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("psi_1", "psi_2", "ratio"), BEST_WITHOUT)
def test_it_is_exactly_zero_where_every_ridge_harms(psi_1, psi_2, ratio):
    found = optimal_ridge(psi_1, psi_2, signal=ratio, noise=1.0)
    assert found.ridge == 0
    bias, variance = coupled.ridgeless("relu", psi_1, psi_2)
    assert coupled.off(found.risk, ratio * bias + variance) < ROUNDED
    assert all(slope("relu", psi_1, psi_2, ridge, ratio, 1.0) > 0 for ridge in (1e-12, 1e-6, 1e-3, 1.0))


@pytest.mark.parametrize(("psi_1", "psi_2", "ratio"), BETTER_WITH)
def test_it_is_not_zero_where_a_small_ridge_helps(psi_1, psi_2, ratio):
    found = optimal_ridge(psi_1, psi_2, signal=ratio, noise=1.0)
    assert 1e-6 < found.ridge < 1
    assert slope("relu", psi_1, psi_2, 1e-10, ratio, 1.0) < 0


@pytest.mark.parametrize("activation", ["relu", "tanh", "erf"])
def test_of_infinitely_many_features_the_first_zero_is_at_the_ratio_of_the_squared_moments(activation):
    first, left = (float(moment) for moment in coupled.moments(activation))
    ratios = first / left * np.array([1 - 1e-6, 1 + 1e-6])
    for psi_2 in (0.3, 1.0, 3.0, 30.0):
        below, above = optimal_ridge(math.inf, psi_2, activation=activation, signal=ratios, noise=1.0).ridge
        assert below == pytest.approx(1e-6 * left / psi_2, rel=1e-5)
        assert above == 0


def test_the_ratio_of_relu_is_the_printed_one():
    found = optimal_ridge(math.inf, 3, signal=[2.7519, 2.7520], noise=1.0).ridge
    assert found[0] > 0
    assert found[1] == 0


def test_without_signal_the_best_is_to_predict_zero():
    found = optimal_ridge([2.0, 3.0, math.inf], [3.0, 3.0, 2.0], signal=0.0, nonlinear=0.5, noise=1.0)
    assert np.isinf(found.ridge).all()
    assert (found.risk == 0.5).all()


def test_features_without_a_linear_part_do_best_where_they_predict_zero():
    found = optimal_ridge([2.0, 3.0], [3.0, 3.0], activation=leaky_relu(-1.0))
    assert np.isinf(found.ridge).all()
    assert (found.risk == 1).all()


def test_of_infinitely_many_samples_none_is_best():
    found = optimal_ridge(np.array([0.1, 1.0, 2.0, 50.0]), math.inf, noise=[[0.0], [1.0]])
    assert (found.ridge == 0).all()


def test_of_infinitely_many_features_and_samples_none_is_best():
    found = optimal_ridge(math.inf, math.inf, noise=1.0, nonlinear=0.5)
    assert found.ridge == 0
    assert found.risk == 0.5


# Everywhere -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "tanh", "step", "sin"])
def test_no_other_ridge_is_better(activation):
    generator = np.random.default_rng(1)
    psi_1, psi_2 = 10 ** generator.uniform(-3, 3, (2, 300))
    psi_1[:40], psi_1[40:60] = math.inf, psi_2[40:60]
    noise = 10 ** generator.uniform(-4, 3, 300)
    found = optimal_ridge(psi_1, psi_2, activation=activation, noise=noise, nonlinear=0.01)
    ridges = np.array([0.0, *10 ** np.arange(-12, 6, 0.25)])
    others = random_features_risk(
        psi_1[:, None], psi_2[:, None], ridge=ridges, activation=activation, noise=noise[:, None], nonlinear=0.01
    ).risk
    assert (found.risk <= others.min(axis=1) * (1 + 1e-13)).all()
    assert (found.risk >= 0.5 * others.min(axis=1)).all()
    assert (found.risk <= 1.01).all()  # of the prediction zero
    assert 0.05 < (found.ridge > 0).mean() < 0.99


def test_the_risk_a_little_beside_it_is_larger():
    psi_1, psi_2 = np.array([3.0, 0.5, 20.0, math.inf]), np.array([3.0, 2.0, 0.7, 2.0])
    found = optimal_ridge(psi_1, psi_2, noise=1.0)
    for factor in (1 - 1e-3, 1 + 1e-3):
        assert (random_features_risk(psi_1, psi_2, ridge=found.ridge * factor, noise=1.0).risk > found.risk).all()


def test_with_the_best_ridge_more_features_and_more_samples_are_never_worse():
    some = np.array([*np.geomspace(0.01, 1000, 61), math.inf])
    for noise in (0.0, 0.05, 0.4, 3.0):
        of_features = optimal_ridge(some, 3, noise=noise).risk
        of_samples = optimal_ridge(3, some, noise=noise).risk
        for risk in (of_features, of_samples):
            assert (risk[1:] <= risk[:-1] * (1 + 1e-13)).all()
        assert of_features[-1] < 0.9 * of_features[0]


def test_only_the_ratio_of_signal_and_all_else_counts():
    one = optimal_ridge(2, 3, signal=1.0, nonlinear=0.2, noise=0.3)
    for signal, nonlinear, noise in [(1.0, 0.0, 0.5), (4.0, 1.5, 0.5), (1e-3, 5e-4, 0.0)]:
        other = optimal_ridge(2, 3, signal=signal, nonlinear=nonlinear, noise=noise)
        assert other.ridge == pytest.approx(one.ridge, rel=1e-9)
        assert (other.risk - nonlinear) / signal == pytest.approx(one.risk - 0.2, rel=1e-9)


@pytest.mark.parametrize("c", [1e-12, 1e-3, 20.0])
def test_a_multiple_of_the_activation_is_another_unit_of_the_ridge(c):
    scaled = Activation.from_callable(f"{c} relu", lambda x: c * x.relu(), kinks=(0.0,))
    one, other = optimal_ridge(2, 3, noise=0.5), optimal_ridge(2, 3, noise=0.5, activation=scaled)
    assert other.ridge == pytest.approx(c * c * one.ridge, rel=1e-9, abs=0)
    assert other.risk == pytest.approx(one.risk, rel=ROUNDED)


# What goes in and comes out ---------------------------------------------------------------------------------------


def test_numbers_give_numbers_and_arrays_what_they_broadcast_to():
    alone = optimal_ridge(2, 3, noise=0.5)
    assert isinstance(alone.ridge, float)
    assert isinstance(alone.risk, float)
    noise = np.array([0.0, 0.5, 1e3])
    together = optimal_ridge(np.array([[2.0], [9.0]]), 3, noise=noise)
    assert together.ridge.shape == together.risk.shape == (2, 3)
    assert together.ridge[0, 1] == alone.ridge
    assert together.ridge[1, 2] == optimal_ridge(9, 3, noise=1e3).ridge
    assert together.risk[1, 0] == optimal_ridge(9, 3, noise=0.0).risk
    assert optimal_ridge([], 3).ridge.shape == (0,)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"psi_1": -2}, r"psi_1 = -2\.0 is not > 0"),
        ({"psi_2": math.nan}, "psi_2 = nan is not > 0"),
        ({"signal": -1}, r"signal = -1\.0 is not finite and >= 0"),
        ({"nonlinear": math.nan}, "nonlinear = nan is not finite and >= 0"),
        ({"noise": math.inf}, "noise = inf is not finite and >= 0"),
        ({"psi_2": [1, 2], "noise": [1, 2, 3]}, r"these shapes do not broadcast: psi_2 \(2,\), noise \(3,\)"),
        ({"activation": "rulu"}, "unknown activation 'rulu'.*"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(wrong, message):
    with pytest.raises(ValueError, match=rf"\A{message}\Z"):
        optimal_ridge(**{"psi_1": 2.0, "psi_2": 3.0, **wrong})
