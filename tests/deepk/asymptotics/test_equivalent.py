"""The root of the one equation: it solves it, its derivative is one, and its shares add up to one."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from deepk.asymptotics.equivalent import Spectrum, derivative, moved, solve

MANY = 100_000
ONE = Spectrum(np.array([0.25]), np.ones(1), 0.0908)
LINEAR = Spectrum(np.array([1.0]), np.ones(1), 0.0)
EVEN = Spectrum(np.array([0.0]), np.ones(1), 0.3)
SEVERAL = Spectrum(np.array([0.21, 0.013, 9e-4, 4e-5]), np.array([1.0, 25.0, 324.0, 2900.0]), 0.031)
SHORT = Spectrum(np.array([2.0, 0.3, 0.0, 1e-6]), np.array([3.0, 10.0, 50.0, 40.0]), 0.0)
SPECTRA = {"one": ONE, "linear": LINEAR, "even": EVEN, "several": SEVERAL, "short": SHORT}


def points(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, samples, ridges: a tenth of both sides infinite, a tenth alike, a fifth without a ridge."""
    generator = np.random.default_rng(seed)
    p, n = 10 ** generator.uniform(-3, 3, (2, count))
    p[: count // 10] = math.inf
    n[count // 20 : count * 3 // 20] = math.inf
    p[count * 3 // 20 : count // 4] = n[count * 3 // 20 : count // 4]
    return p, n, np.where(generator.random(count) < 0.2, 0.0, 10 ** generator.uniform(-30, 5, count))


def filled(spectrum: Spectrum, u: mpf) -> mpf:
    """h(u)."""
    pairs = zip(spectrum.eigenvalues.tolist(), spectrum.multiplicities.tolist(), strict=True)
    return mpmath.fsum(mpf(n) * mu * u / (1 + mu * u) for mu, n in pairs) + mpf(spectrum.tail) * u


@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA)
def test_the_root_solves_the_equation_to_roundings_of_itself(spectrum):
    # by the sign of what falls through zero at the root, a little before and behind it
    p, n, ridge = points(60)
    u = solve(spectrum, p, n, ridge).u
    with mpmath.workdps(60):
        for found, features, samples, r in zip(u.tolist(), p.tolist(), n.tolist(), ridge.tolist(), strict=True):
            if math.isinf(found):
                continue

            def falls(at: mpf, features: float = features, samples: float = samples, r: float = r) -> bool:
                h = filled(spectrum, at)
                if h >= min(features, samples):
                    return False
                return (1 - h / mpf(features)) * (1 - h / mpf(samples)) > r * at

            # where the last of a finite spectrum is filled, h tells u to fewer digits
            slack = mpf("1e-13") * (1 + mpf(found) * float(spectrum.eigenvalues.max()) * (spectrum.tail == 0))
            assert falls(found * (1 - slack))
            assert not falls(found * (1 + slack))


def test_it_is_infinite_only_where_features_and_samples_are_more_than_all_dimensions():
    above, below = np.array([54.0, 1e3, math.inf]), np.array([52.0, 20.0, 1e-3])
    finite = Spectrum(np.array([2.0, 0.3, 0.04]), np.array([3.0, 10.0, 40.0]), 0.0)
    none, some = np.zeros(3), np.full(3, 1e-9)
    assert np.isinf(solve(finite, above, above[::-1].copy(), none).u).all()
    for features, samples, ridge in [(above, below, none), (below, above, none), (above, above, some)]:
        assert np.isfinite(solve(finite, features, samples, ridge).u).all()
    tailed = finite._replace(tail=1e-9)
    assert np.isfinite(solve(tailed, above[:2], above[:2], none[:2]).u).all()
    at = solve(finite, above, above[::-1].copy(), none)
    assert at.spare_features.tolist() == [1.0, 947.0, math.inf]
    assert at.spare_samples.tolist() == [math.inf, 947.0, 1.0]


def test_the_rank_leaves_out_zero_eigenvalues_and_the_tail():
    assert SHORT.rank == 53
    assert EVEN.rank == 0


@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA)
def test_what_is_taken_and_what_is_left_are_one(spectrum):
    p, n, ridge = points(MANY if spectrum is ONE else 5000)
    at = solve(spectrum, p, n, ridge)
    assert np.abs(at.taken + at.left - 1).max() < 1e-13
    for share in (at.taken, at.left, at.c, at.free_features, at.free_samples):
        assert ((share >= 0) & (share <= 1 + 1e-14)).all()
    finite = np.isfinite(p) | np.isfinite(n)
    for amount in (at.g[finite], at.spare_features, at.spare_samples):
        assert (amount >= 0).all()
    unlearnt = at.unlearnt(np.ones(len(spectrum.eigenvalues)))
    assert ((unlearnt >= 0) & (unlearnt <= len(spectrum.eigenvalues))).all()
    some = np.isfinite(p)
    assert at.c[some] + at.free_features[some] == pytest.approx(1, abs=1e-14)


def test_g_of_infinitely_many_of_both_is_a_number():
    everything = np.full(2, math.inf)
    at = solve(LINEAR, everything, everything, np.array([0.0, 0.1]))
    assert at.g == pytest.approx([0, 10 / 11**2], rel=1e-14)


def test_nothing_is_left_at_the_peak_and_nowhere_else():
    p, n = np.array([3.0, 3.0, 3.0]), np.array([3.0, 3.0 + 1e-12, 3.0])
    left = solve(ONE, p, n, np.array([0.0, 0.0, 1e-300])).left
    assert left[0] == 0
    assert (left[1:] > 0).all()


@pytest.mark.parametrize("spectrum", [ONE, LINEAR, SEVERAL], ids=["one", "linear", "several"])
def test_the_derivatives_are_slopes_between_close_roots(spectrum):
    p = np.array([2.0, 3.0, 0.5, 40.0, 40.0, math.inf, 7.0])
    n = np.array([3.0, 2.0, 0.7, 40.0, 0.2, 2.0, math.inf])
    ridge, step = np.full(7, 0.03), 1e-4
    du, de = derivative(spectrum, solve(spectrum, p, n, ridge), ridge)
    low, high = (solve(spectrum, p, n, ridge * factor) for factor in (1 - step, 1 + step))
    assert du == pytest.approx((high.u - low.u) / (2 * step * ridge), rel=1e-6)
    spare_low, spare_high = (np.minimum(at.spare_features, at.spare_samples) for at in (low, high))
    assert de == pytest.approx((spare_high - spare_low) / (2 * step * ridge), rel=1e-6)
    assert (du < 0).all()
    assert (de > 0).all()


def test_what_follows_from_another_root_is_what_follows_from_it():
    p, n = np.array([2.0, 3.0, 40.0, math.inf]), np.array([3.0, 2.0, 40.0, 2.0])
    one, other = (solve(SEVERAL, p, n, np.full(4, ridge)) for ridge in (0.01, 0.02))
    again = moved(SEVERAL, one, other.u, np.minimum(other.spare_features, other.spare_samples))
    for name, values in vars(other).items():
        assert vars(again)[name] == pytest.approx(values, rel=1e-13), name
