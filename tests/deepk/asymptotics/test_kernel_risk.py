"""The risk of any spectrum beside its equations in mpmath, random features, least squares; its symmetries."""

import math
from collections.abc import Callable, Sequence

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from deepk.asymptotics import kernel_risk, random_features_risk
from tests.deepk.asymptotics import coupled
from tests.deepk.asymptotics.coupled import off

ROUNDED = 1e-12
ROUNDINGS = 1e-14

MU = [0.21, 0.013, 0.0009, 4e-05, 1.5e-06]
COUNTS = [1, 25, 324, 2900, 20150]
POWER = [0.1, 0.5, 0.25, 0.1, 0.05]
TAIL = 0.031
FEW = ([2.0, 0.3, 0.04], [3, 10, 40], [0.5, 1.0, 0.3])  # 53 dimensions and no more


# References -------------------------------------------------------------------------------------------------------


def root(falls: Callable[[mpf], mpf]) -> mpf:
    """Where a function of a positive number falls through zero, by halving its logarithm 200 times."""
    low, high = mpf(-120), mpf(120)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if falls(mpmath.exp(middle)) > 0 else (low, middle)
    return mpmath.exp(high)


def trace(mu: Sequence[float], counts: Sequence[float], tail: float, v: mpf, *, top: int = 1, power: int = 1) -> mpf:
    """Of S^top (S + v)^-power, S with the eigenvalues, and a tail of infinitely many that are infinitely small."""
    known = mpmath.fsum(count * mpf(m) ** top / (m + v) ** power for m, count in zip(mu, counts, strict=True))
    return known + (mpf(tail) / v**power if top == 1 else 0)


def two_unknowns(mu, counts, power, tail, samples, features, ridge, noise) -> mpf:
    """The equivalent in two unknowns, as Defilippis, Loureiro, Misiakiewicz print it (arXiv:2405.15699, definition 1).

    n - ridge / v_1 = tr S (S + v_2)^-1 and p - p v_1 / v_2 = tr S (S + v_2)^-1, for n < infinity.
    """
    n, p, ridge = mpf(samples), mpf(features), mpf(ridge)

    def falls(v: mpf) -> mpf:
        t = trace(mu, counts, tail, v)
        return mpf(1) if t >= min(n, p) else ridge - v * (1 - t / p) * (n - t)

    v = root(falls if ridge > 0 else lambda v: trace(mu, counts, tail, v) - min(n, p))
    ratio = 1 - trace(mu, counts, tail, v) / p
    square, mixed = (trace(mu, counts, tail, v, top=top, power=2) for top in (2, 1))
    if mpmath.isinf(p):
        upsilon, chi = square / n, mpf(0)
    else:
        upsilon = p / n * ((1 - ratio) ** 2 + ratio**2 * square / (p - square))
        chi = mixed / (p - square)
    kept = mpmath.fsum(part * (1 + chi * m) / (m + v) ** 2 for m, part in zip(map(mpf, mu), power, strict=True))
    return (v**2 * kept + mpf(noise) * upsilon) / (1 - upsilon)


def omniscient(mu, counts, power, tail, samples, ridge, noise) -> mpf:
    """Of kernel ridge regression: kappa = (ridge + tail) / n + (kappa / n) sum_k N_k mu_k / (mu_k + kappa)."""
    n = mpf(samples)

    def falls(kappa: mpf) -> mpf:
        return (mpf(ridge) + tail) / n + kappa / n * trace(mu, counts, 0.0, kappa) - kappa

    kappa = root(falls)
    gamma = trace(mu, counts, 0.0, kappa, top=2, power=2) / n
    unlearnt = mpmath.fsum(part * (kappa / (m + kappa)) ** 2 for m, part in zip(mu, power, strict=True))
    return (unlearnt + gamma * mpf(noise)) / (1 - gamma)


def infinitely_many_samples(mu, counts, power, tail, features) -> mpf:
    """sum_k P_k v / (mu_k + v), with p = sum_k N_k mu_k / (mu_k + v) + tail / v."""
    v = root(lambda v: trace(mu, counts, tail, v) - features)
    return mpmath.fsum(part * v / (m + v) for m, part in zip(mu, power, strict=True))


# Equations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", [0.0, TAIL])
@pytest.mark.parametrize(
    ("samples", "features", "ridge", "noise"),
    [
        (50, 400, 1e-3, 0.1),
        (400, 50, 0.1, 0.2),
        (400, 50, 0.0, 0.2),
        (30, 10_000, 0.0, 0.3),
        (10_000, 30, 1e-6, 0.3),
        (300, 300, 1e-3, 0.25),
        (300, 300, 1e-12, 0.0),
        (5, 7, 100.0, 0.1),
        (0.01, 3.5, 1.0, 0.1),
        (2000, math.inf, 0.5, 0.1),
    ],
)
def test_it_is_the_solution_of_the_printed_equations(samples, features, ridge, noise, tail):
    found = kernel_risk(MU, COUNTS, POWER, samples=samples, features=features, ridge=ridge, noise=noise, tail=tail)
    with mpmath.workdps(40):
        assert off(found, two_unknowns(MU, COUNTS, POWER, tail, samples, features, ridge, noise)) < ROUNDED


@pytest.mark.parametrize("tail", [0.0, TAIL])
@pytest.mark.parametrize("ridge", [0.0, 1e-6, 0.1, 50.0])
def test_infinitely_many_features_are_kernel_ridge_regression(ridge, tail):
    samples = [0.5, 10.0, 100.0, 900.0, 2e4]
    found = kernel_risk(MU, COUNTS, POWER, samples=samples, ridge=ridge, noise=0.3, tail=tail)
    with mpmath.workdps(40):
        for n, risk in zip(samples, found, strict=True):
            assert off(risk, omniscient(MU, COUNTS, POWER, tail, n, ridge, 0.3)) < ROUNDED


@pytest.mark.parametrize("tail", [0.0, TAIL])
def test_infinitely_many_samples_leave_what_the_features_do_not_reach(tail):
    features = [0.5, 10.0, 100.0, 900.0, 2e4]
    found = kernel_risk(MU, COUNTS, POWER, features=features, tail=tail, noise=5.0, ridge=3.0)
    with mpmath.workdps(40):
        for p, risk in zip(features, found, strict=True):
            assert off(risk, infinitely_many_samples(MU, COUNTS, POWER, tail, p)) < ROUNDED


@pytest.mark.parametrize(
    ("given", "risk"),
    [
        # computed by others from the same two limits, in mpmath
        ({"samples": 100, "noise": 0.1}, 0.495649215600034),
        ({"features": 100}, 0.5085503875652643),
    ],
)
def test_it_has_the_digits_that_others_computed(given, risk):
    assert kernel_risk(MU, COUNTS, POWER, tail=TAIL, **given) == pytest.approx(risk, rel=ROUNDED)


@pytest.mark.parametrize("activation", ["relu", "tanh", "erf"])
def test_of_one_linear_eigenspace_and_a_tail_it_is_the_double_descent(activation):
    # K(x, y) = mu_1^2 <x, y> / d + mu_*^2 where x = y; a sum of squares is n times its mean; N |a|^2 the norm
    d, psi_1 = 700, np.array([0.4, 3.0, 20.0, math.inf, 3.0, 2.0])
    psi_2 = np.array([2.0, 3.0, 0.1, 0.5, 1.0, math.inf])
    first, left = (float(moment) for moment in coupled.moments(activation))
    for ridge in (0.0, 1e-4, 0.01, 10.0):
        some = np.isfinite(psi_2) & (psi_1 != psi_2) if ridge > 0 else psi_1 != psi_2  # beside infinite sums it is none
        rest = {"activation": activation, "ridge": ridge, "signal": 0.8, "noise": 0.3}
        expected = random_features_risk(psi_1[some], psi_2[some], **rest).risk
        beside_sums = psi_2[some] * ridge if ridge > 0 else 0.0
        where = {"samples": d * psi_2[some], "features": d * psi_1[some]}
        found = kernel_risk([first / d], [d], [0.8], tail=left, ridge=beside_sums, noise=0.3, **where)
        assert found == pytest.approx(expected, rel=1e-11)


# Least squares ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("features", [math.inf, 1e6, 60.0])
@pytest.mark.parametrize("samples", [53.5, 60, 1000])
def test_more_samples_than_dimensions_are_least_squares(samples, features):
    found = kernel_risk(*FEW, samples=samples, features=features, noise=0.7)
    assert found == pytest.approx(0.7 * 53 / (samples - 53), rel=ROUNDED)


@pytest.mark.parametrize("samples", [60, 1000])
def test_an_eigenvalue_of_zero_leaves_its_power_unlearnt_and_as_noise(samples):
    mu, counts, power = ([*sequence, last] for sequence, last in zip(FEW, (0.0, 1000, 0.9), strict=True))
    found = kernel_risk(mu, counts, power, samples=samples, noise=0.7)
    assert found == pytest.approx(0.9 + (0.7 + 0.9) * 53 / (samples - 53), rel=ROUNDED)
    assert kernel_risk(mu, counts, power) == pytest.approx(0.9, rel=ROUNDED)


@pytest.mark.parametrize("samples", [0.5, 20, 39.9])
def test_fewer_samples_than_equal_dimensions_are_a_projection(samples):
    found = kernel_risk([3.0], [40], [0.6], samples=samples, noise=0.7)
    expected = 0.6 * (1 - samples / 40) + 0.7 * samples / (40 - samples)
    assert found == pytest.approx(expected, rel=ROUNDED)


@pytest.mark.parametrize(("features", "samples"), [(5, 9), (20, 1000), (39, 41)])
def test_fewer_features_than_samples_and_equal_dimensions_are_least_squares_in_a_subspace(features, samples):
    found = kernel_risk([3.0], [40], [0.6], samples=samples, features=features, noise=0.7)
    noise = 0.7 + 0.6 * (1 - features / 40)
    assert found == pytest.approx(noise * samples / (samples - features) - 0.7, rel=ROUNDED)


def test_as_many_samples_as_dimensions_or_features_are_a_peak():
    assert kernel_risk(*FEW, samples=53, noise=0.1) == math.inf
    assert kernel_risk(*FEW, samples=[20, 90], features=[20, 90], noise=[0.0, 0.1])[0] == math.inf
    assert np.isinf(kernel_risk(MU, COUNTS, POWER, tail=TAIL, samples=[7, 1e3, 1e7], features=[7, 1e3, 1e7])).all()
    assert kernel_risk(MU, COUNTS, [0.0] * 5, tail=TAIL, samples=7, features=7) == 0


# Everywhere -------------------------------------------------------------------------------------------------------


def test_every_risk_is_finite_and_positive():
    generator = np.random.default_rng(0)
    for k in (1, 2, 3, 5, 8) * 20:
        mu, counts = 10 ** generator.uniform(-12, 3, k), 10 ** generator.uniform(0, 6, k)
        tail = generator.choice([0.0, 10 ** generator.uniform(-12, 2)])
        samples, features = 10 ** generator.uniform(-2, 8, (2, 500))
        samples[:40], features[20:80] = math.inf, math.inf
        ridge = np.where(generator.random(500) < 0.3, 0.0, 10 ** generator.uniform(-30, 6, 500))
        power, noise = generator.random(k), generator.random()
        where = {"samples": samples, "features": features, "ridge": ridge, "tail": tail}
        found = kernel_risk(mu, counts, power, noise=noise, **where)
        assert np.isfinite(found).all()
        assert (found >= 0).all()
        assert (found >= kernel_risk(mu, counts, power, **where)).all()


def test_all_is_learnt_of_infinitely_many_of_both_without_a_ridge():
    assert kernel_risk(MU, COUNTS, POWER, noise=3.0, tail=TAIL) == 0
    assert kernel_risk(MU, COUNTS, POWER, noise=3.0) == 0


def test_a_large_ridge_leaves_the_whole_target():
    found = kernel_risk(MU, COUNTS, POWER, samples=[10, 1e4], features=[1e4, 10], ridge=1e14, noise=3.0, tail=TAIL)
    assert found == pytest.approx(1.0, rel=1e-9)


def test_large_numbers_tend_to_infinity_and_small_ridges_to_none():
    for close, limit in [
        ({"samples": 300, "features": 1e13, "ridge": 0.1}, {"features": math.inf}),
        ({"samples": 1e13, "features": 300}, {"samples": math.inf}),
        ({"samples": 300, "features": 200, "ridge": 1e-20}, {"ridge": 0.0}),
        ({"samples": 200, "features": math.inf, "ridge": 1e-20}, {"ridge": 0.0}),
    ]:
        for tail in (0.0, TAIL):
            found, expected = (
                kernel_risk(MU, COUNTS, POWER, noise=0.2, tail=tail, **where) for where in (close, {**close, **limit})
            )
            assert found == pytest.approx(expected, rel=1e-8)


def test_the_tail_is_many_small_eigenvalues():
    where = {"samples": [300, 3e3], "features": [1e3, 500], "ridge": 1e-3, "noise": 0.2}
    many = kernel_risk([*MU, TAIL / 1e12], [*COUNTS, 1e12], [*POWER, 0.0], **where)
    assert many == pytest.approx(kernel_risk(MU, COUNTS, POWER, tail=TAIL, **where), rel=1e-7)
    assert (np.abs(many / kernel_risk(MU, COUNTS, POWER, **where) - 1) > 0.01).all()


def test_another_unit_of_the_kernel_is_one_of_the_ridge():
    where = {"samples": [40, 3e3, 500], "features": [1e3, 500, math.inf], "noise": 0.2}
    one = kernel_risk(MU, COUNTS, POWER, tail=TAIL, ridge=1e-3, **where)
    for c in (1e-6, 50.0, 1e9):
        other = kernel_risk(c * np.array(MU), COUNTS, POWER, tail=c * TAIL, ridge=c * 1e-3, **where)
        assert other == pytest.approx(one, rel=ROUNDED)


def test_the_order_of_eigenspaces_and_how_they_are_cut_change_nothing():
    where = {"samples": [40, 3e3, 500], "features": [1e3, 500, math.inf], "noise": 0.2, "ridge": 1e-3, "tail": TAIL}
    one = kernel_risk(MU, COUNTS, POWER, **where)
    assert kernel_risk(MU[::-1], COUNTS[::-1], POWER[::-1], **where) == pytest.approx(one, rel=ROUNDED)
    mu, counts, power = [*MU, MU[1]], [1, 10, *COUNTS[2:], 15], [0.1, 0.3, *POWER[2:], 0.2]
    assert kernel_risk(mu, counts, power, **where) == pytest.approx(one, rel=ROUNDED)


def test_it_is_linear_in_power_and_noise():
    where = {"samples": 300, "features": 200, "ridge": 1e-3, "tail": TAIL}
    parts = [kernel_risk(MU, COUNTS, np.eye(5)[k], **where) for k in range(5)]
    of_noise = kernel_risk(MU, COUNTS, np.zeros(5), noise=1.0, **where)
    found = kernel_risk(MU, COUNTS, POWER, noise=0.4, **where)
    assert found == pytest.approx(np.dot(parts, POWER) + 0.4 * of_noise, rel=ROUNDED)
    assert parts == sorted(parts)  # smaller eigenvalues are learnt less
    assert of_noise > 0.1


@pytest.mark.parametrize(
    "smallest",
    [1e-100, 1e-160, 1e-300],
)
def test_eigenvalues_may_be_as_small_as_numbers_are(smallest):
    found = kernel_risk([1.0, smallest], [1, 100], [1.0, 0.2], samples=50, noise=0.1)
    expected = kernel_risk([1.0, 1e-30], [1, 100], [1.0, 0.2], samples=50, noise=0.1)
    assert found == pytest.approx(expected, rel=ROUNDED)


# What goes in and comes out ---------------------------------------------------------------------------------------


def test_numbers_give_a_number():
    assert isinstance(kernel_risk(MU, COUNTS, POWER, samples=10), float)
    assert isinstance(kernel_risk(1.0, 5, 0.3, samples=3), float)


def test_arrays_give_an_array_of_the_shape_that_they_broadcast_to():
    samples, features = np.array([[30.0], [500.0], [math.inf]]), np.array([40.0, math.inf])
    found = kernel_risk(MU, COUNTS, POWER, samples=samples, features=features, noise=0.1, tail=TAIL, ridge=0.01)
    assert found.shape == (3, 2)
    for i, n in enumerate(samples[:, 0]):
        for j, p in enumerate(features):
            alone = kernel_risk(MU, COUNTS, POWER, samples=n, features=p, noise=0.1, tail=TAIL, ridge=0.01)
            assert found[i, j] == pytest.approx(alone, rel=ROUNDINGS)
    assert kernel_risk(MU, COUNTS, POWER, samples=[]).shape == (0,)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"eigenvalues": [1.0]}, "eigenvalues, multiplicities and power have lengths 1, 2, 2; .+"),
        ({"power": [1.0, 2.0, 3.0]}, "eigenvalues, multiplicities and power have lengths 2, 2, 3; .+"),
        ({"eigenvalues": [1.0, -1.0]}, r"eigenvalues = -1\.0 is not finite and >= 0"),
        ({"eigenvalues": [math.inf, 1.0]}, "eigenvalues = inf is not finite and >= 0"),
        ({"eigenvalues": [0.0, 0.0]}, "all eigenvalues are zero: there is no kernel"),
        ({"multiplicities": [0, 3]}, r"multiplicities = 0\.0 is not > 0"),
        ({"multiplicities": [math.nan, 3]}, "multiplicities = nan is not > 0"),
        ({"power": [1.0, -0.5]}, r"power = -0\.5 is not finite and >= 0"),
        ({"power": [1.0, math.nan]}, "power = nan is not finite and >= 0"),
        ({"samples": 0}, r"samples = 0\.0 is not > 0"),
        ({"samples": math.nan}, "samples = nan is not > 0"),
        ({"features": [3, -1]}, r"features = -1\.0 is not > 0"),
        ({"ridge": -1e-3}, r"ridge = -0\.001 is not finite and >= 0"),
        ({"ridge": math.inf}, "ridge = inf is not finite and >= 0"),
        ({"noise": -2}, r"noise = -2\.0 is not finite and >= 0"),
        ({"tail": -0.1}, r"tail = -0\.1 is not finite and >= 0"),
        ({"tail": math.nan}, "tail = nan is not finite and >= 0"),
        ({"samples": [1, 2], "ridge": [1, 2, 3]}, r"these shapes do not broadcast: samples \(2,\), ridge \(3,\)"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(wrong, message):
    right = {"eigenvalues": [1.0, 0.1], "multiplicities": [2, 3], "power": [0.5, 0.5], "samples": 4}
    with pytest.raises(ValueError, match=rf"\A{message}\Z"):
        kernel_risk(**{**right, **wrong})


def test_infinitely_many_dimensions_of_one_eigenvalue_are_refused():
    with pytest.raises(ValueError, match=r"\Amultiplicities = inf .+\Z"):
        kernel_risk([1.0], [math.inf], [1.0], samples=3)
