"""Quadratic targets beside projections of drawn networks, digits, and limits; what they refuse."""

import math
from fractions import Fraction

import numpy as np
import pytest

from deepk.asymptotics import quadratic_target_risk

ROUNDINGS = 1e-14

# Eigenvalues k / 30 for k = 1..30; neurons, and the risks rf, nt, nn as others computed them.
HANDED = [
    (6, 0.8729508196721312, 0.7619672131147541, 0.518244315177155),
    (15, 0.7459016393442623, 0.4405737704918033, 0.13114754098360656),
]
# The 450 eigenvalues of the authors' experiment, for N / d = .1, .25, .5, .75, 1: as others computed them.
RATIOS = [0.1, 0.25, 0.5, 0.75, 1.0]
PRINTED = {
    "rf": [0.9556, 0.9022, 0.8371, 0.7905, 0.7556],
    "nt": [0.8540, 0.6542, 0.3722, 0.1542, 0.0],
    "nn": [0.3797, 0.1493, 0.0324, 0.0030, 0.0],
}


def of_the_authors() -> np.ndarray:
    """Exponential, from the seed of their code."""
    return np.random.RandomState(100).exponential(size=450)


@pytest.mark.parametrize(("neurons", "rf", "nt", "nn"), HANDED)
def test_they_have_the_digits_that_others_computed(neurons, rf, nt, nn):
    found = quadratic_target_risk(np.arange(1, 31) / 30, neurons)
    assert found.rf == pytest.approx(rf, rel=ROUNDINGS)
    assert found.nt == pytest.approx(nt, rel=ROUNDINGS)
    assert found.nn == pytest.approx(nn, rel=ROUNDINGS)


def test_they_round_to_the_printed_digits():
    proportional = quadratic_target_risk(of_the_authors(), 450 * np.array(RATIOS))
    assert np.abs(proportional.rf - PRINTED["rf"]).max() < 0.6e-4
    assert np.abs(proportional.nt - PRINTED["nt"]).max() < 0.6e-4
    whole = quadratic_target_risk(of_the_authors(), np.floor(450 * np.array(RATIOS)))
    assert np.abs(whole.nn - PRINTED["nn"]).max() < 0.6e-4


@pytest.mark.parametrize("neurons", range(8))
def test_they_are_the_formulas_in_rational_numbers(neurons):
    values = [Fraction(k * k, 3) for k in (5, 1, 3, 2, 0, 4)]
    rho, square = Fraction(neurons, 6), sum(v * v for v in values)
    s, free = sum(values) ** 2 / (6 * square), max(1 - rho, Fraction(0))
    found = quadratic_target_risk([float(v) for v in values], neurons)
    assert found.rf == pytest.approx(float(1 - s * rho / (1 + rho)), rel=ROUNDINGS)
    assert found.nt == pytest.approx(float(free**2 * (1 - s) + free * s), rel=ROUNDINGS, abs=0)
    largest = sorted(values, reverse=True)[:neurons]
    assert found.nn == pytest.approx(float(1 - sum(v * v for v in largest) / square), rel=ROUNDINGS, abs=0)


# Beside projections of drawn networks -----------------------------------------------------------------------------


def projections(values: np.ndarray, neurons: int, generator: np.random.Generator) -> tuple[float, float]:
    """What linear combinations of <w, x>^2 leave of B, and those of <a, x><w, x> for all a, in the Frobenius norm.

    A mean of the target is learnt by a constant, and E (x' A x - tr A)^2 = 2 |A|^2.
    """
    d = len(values)
    w = generator.standard_normal((neurons, d))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    square = values @ values
    onto = (w**2) @ values
    rf = 1 - onto @ np.linalg.solve((w @ w.T) ** 2, onto) / square
    outside = np.eye(d) - w.T @ np.linalg.solve(w @ w.T, w)
    return float(rf), float(np.sum((outside @ (values[:, None] * outside)) ** 2) / square)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("neurons", [40, 100, 150])
def test_models_of_200_dimensions_leave_as_much(neurons):
    generator = np.random.default_rng(0)
    values = generator.exponential(size=200)
    drawn = np.array([projections(values, neurons, generator) for _ in range(6)])
    expected = quadratic_target_risk(values, neurons)
    error = drawn.std(axis=0, ddof=1) / math.sqrt(len(drawn))
    finite = 1 / 200  # by which a finite dimension is off
    assert (np.abs(drawn.mean(axis=0) - [expected.rf, expected.nt]) < 3 * error + finite).all()
    assert (error < 0.01).all()


def test_a_network_leaves_the_matrix_that_is_closest_in_its_rank():
    generator = np.random.default_rng(0)
    root = generator.standard_normal((12, 12))
    b = root @ root.T
    u, sizes, v = np.linalg.svd(b)
    for rank in (0, 1, 5, 12):
        rest = b - (u[:, :rank] * sizes[:rank]) @ v[:rank]
        expected = np.sum(rest**2) / np.sum(b**2)
        assert quadratic_target_risk(np.linalg.eigvalsh(b), rank).nn == pytest.approx(expected, rel=1e-9, abs=1e-25)


# Limits -----------------------------------------------------------------------------------------------------------


def test_without_neurons_nothing_is_learnt():
    found = quadratic_target_risk(of_the_authors(), 0)
    assert (found.rf, found.nt, found.nn) == pytest.approx((1, 1, 1), rel=ROUNDINGS)


def test_as_many_neurons_as_dimensions_learn_all_but_with_random_features():
    values = of_the_authors()
    found = quadratic_target_risk(values, [450, 451, 1e9, math.inf])
    s = values.sum() ** 2 / (450 * values @ values)
    assert (found.nt == 0).all()
    assert (found.nn == 0).all()
    assert found.rf == pytest.approx([1 - s / 2, 1 - s * 451 / 901, 1 - s, 1 - s], rel=1e-6)


def test_more_neurons_are_better_and_training_more_of_them_is_too():
    found = quadratic_target_risk(of_the_authors(), np.linspace(0, 600, 1201))
    for risks in vars(found).values():
        assert (np.diff(risks) <= 0).all()
        assert (risks >= 0).all()
    assert (found.nn <= found.nt + ROUNDINGS).all()
    assert (found.nt <= found.rf + ROUNDINGS).all()


def test_a_multiple_of_the_identity_is_learnt_by_random_features_in_the_end_and_one_neuron_learns_one_eigenvalue():
    found = quadratic_target_risk([7.0] * 10, [0, 5, 10, math.inf])
    assert found.rf == pytest.approx([1, 2 / 3, 1 / 2, 0], abs=ROUNDINGS)
    assert found.nt == pytest.approx([1, 1 / 2, 0, 0], abs=ROUNDINGS)
    assert found.nn == pytest.approx([1, 1 / 2, 0, 0], abs=ROUNDINGS)
    one = quadratic_target_risk([0.0] * 99 + [3.0], [0.25, 1, 2])
    assert one.nn.tolist() == [0.75, 0, 0]
    assert one.rf == pytest.approx(1 - np.array([0.25, 1, 2]) / (100 * (100 + np.array([0.25, 1, 2]))), rel=ROUNDINGS)


def test_what_is_nearly_learnt_keeps_its_digits():
    found = quadratic_target_risk([1e-9, 1.0, 1e-7], [1, 2])
    assert found.nn == pytest.approx([1e-14 + 1e-18, 1e-18], rel=1e-12)


@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_the_unit_and_the_order_of_the_eigenvalues_change_nothing(unit):
    values = of_the_authors()
    one, other = (quadratic_target_risk(v, [3.5, 80, 400]) for v in (values, unit * values[::-1]))
    for name, risks in vars(one).items():
        assert vars(other)[name] == pytest.approx(risks, rel=1e-12), name


# What goes in and comes out ---------------------------------------------------------------------------------------


def test_numbers_give_numbers_and_arrays_arrays():
    for value in vars(quadratic_target_risk([1, 2, 3], 2)).values():
        assert isinstance(value, float)
    for values in vars(quadratic_target_risk([1, 2, 3], [[0, 1], [2, 3]])).values():
        assert values.shape == (2, 2)


@pytest.mark.parametrize(
    "eigenvalues", [[], [0.0, 0.0], [1.0, -1e-3], [1.0, math.nan], [1.0, math.inf], [[1.0, 2.0]], 3.0]
)
def test_eigenvalues_that_make_no_sense_are_refused_in_one_line(eigenvalues):
    with pytest.raises(
        ValueError, match=r"\Aeigenvalues are not a sequence of finite numbers >= 0, some of them > 0\Z"
    ):
        quadratic_target_risk(eigenvalues, 1)


@pytest.mark.parametrize(("neurons", "named"), [(-1, r"-1\.0"), (math.nan, "nan"), ([1, -2], r"-2\.0")])
def test_neurons_that_make_no_sense_are_refused_in_one_line(neurons, named):
    with pytest.raises(ValueError, match=rf"\Aneurons = {named} is not >= 0\Z"):
        quadratic_target_risk([1.0, 2.0], neurons)
