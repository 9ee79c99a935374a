"""The residual ReLU network: its map, its rate beside the plain network's, at any weights."""

import math

import mpmath
import numpy as np
import pytest

from deepk.meanfield import MeanField, residual_complements, residual_correlation_map, residual_gamma

# What the library promises; measured 3e-15 for one layer.
DIGITS = 1e-12
EPSILON = 2.0**-52
SIGMA_W = [math.sqrt(0.5), 1.0, math.sqrt(2), 3.0]


def step(u: mpmath.mpf, alpha: mpmath.mpf) -> mpmath.mpf:
    """u - alpha / (1 + alpha) (sin t - t cos t) / pi with u = 1 - cos t: (u + alpha (1 - f(1 - u))) / (1 + alpha)."""
    t = 2 * mpmath.asin(mpmath.sqrt(u / 2))
    return u - alpha / (1 + alpha) * (mpmath.sin(t) - t * mpmath.cos(t)) / mpmath.pi


@pytest.mark.parametrize("sigma_w", SIGMA_W)
@pytest.mark.parametrize("c", [-1.0, -0.4, 0.0, 0.6, 0.999, 1.0])
def test_the_residual_map_mixes_the_identity_with_the_arc_cosine_kernel(c, sigma_w):
    with mpmath.workdps(30):
        exact = 1 - step(1 - mpmath.mpf(c), mpmath.mpf(sigma_w) ** 2 / 2)
    assert residual_correlation_map(c, sigma_w=sigma_w) == pytest.approx(float(exact), rel=DIGITS, abs=1e-15)


@pytest.mark.parametrize("sigma_w", SIGMA_W)
@pytest.mark.parametrize("c0", [-0.5, 0.0, 0.9, 1 - 1e-6])
def test_two_hundred_layers_lose_no_more_than_a_rounding_each(c0, sigma_w):
    found = residual_complements(c0, 200, sigma_w=sigma_w)
    with mpmath.workdps(30):
        u, alpha = 1 - mpmath.mpf(c0), mpmath.mpf(sigma_w) ** 2 / 2
        for _ in range(200):
            u = step(u, alpha)
    assert found[-1] == pytest.approx(float(u), rel=DIGITS)


# 1 - cbar^l at l = 10^4 from c^0 = 0, by the map above in 40 digits from exactly these float64 sigma_w.
DEEP = [
    (0.7071067811865476, "0.000011006941383310885838"),
    (1.0, "3.9729608075872616183e-6"),
    (1.4142135623730951, "1.7680062249924137057e-6"),
    (3.0, "6.6088695336089714492e-7"),
]


@pytest.mark.parametrize(("sigma_w", "reference"), DEEP)
def test_ten_thousand_layers_lose_no_more_than_a_rounding_each(sigma_w, reference):
    found = residual_complements(0.0, 10_000, sigma_w=sigma_w)
    assert found[-1] == pytest.approx(float(reference), rel=10_000 * EPSILON)


@pytest.mark.parametrize(("squared", "gamma"), [(0.5, "0.0400"), (1.0, "0.1111"), (2.0, "0.2500")])
def test_gamma_is_the_printed_value(squared, gamma):
    assert residual_gamma(math.sqrt(squared)) == pytest.approx(float(gamma), abs=0.5e-4)


@pytest.mark.parametrize("squared", [0.1, 0.5, 2.0, 9.0])
def test_gamma_is_the_square_of_the_branchs_share_of_the_variance(squared):
    assert residual_gamma(math.sqrt(squared)) == pytest.approx((squared / (2 + squared)) ** 2, rel=DIGITS)


@pytest.mark.parametrize("sigma_w", SIGMA_W)
def test_the_plain_networks_distance_from_one_is_gamma_times_the_residual_ones(sigma_w):
    depths = np.array([300, 3000])
    plain = MeanField("relu", sigma_w=math.sqrt(2), sigma_b=0.0).complements(0.0, 3000)[depths]
    residual = residual_complements(0.0, 3000, sigma_w=sigma_w)[depths]
    shallow, deep = np.abs(plain / (residual_gamma(sigma_w) * residual) - 1)
    # both corrections are of the order log(l) / l, larger in the residual network by 1 / sqrt(gamma) <= 5
    assert deep < 0.05
    assert deep < shallow / 5


@pytest.mark.parametrize("sigma_w", SIGMA_W)
def test_correlation_grows_in_every_layer_at_any_weights(sigma_w):
    assert (np.diff(residual_complements(-0.5, 1000, sigma_w=sigma_w)) < 0).all()


@pytest.mark.parametrize("c0", [-0.5, 0.0, 0.9])
def test_with_large_weights_the_branch_alone_is_left(c0):
    # the skip connection's share is 1 / (1 + alpha) = 2e-12
    plain = MeanField("relu", sigma_w=math.sqrt(2), sigma_b=0.0).complements(c0, 20)
    assert residual_complements(c0, 20, sigma_w=1e6) == pytest.approx(plain, rel=20 * 2e-12)


@pytest.mark.parametrize("c0", [-1.0, 0.25, 1.0])
def test_the_orbit_begins_at_its_start(c0):
    assert residual_complements(c0, 1, sigma_w=1.0)[0] == 1 - c0


@pytest.mark.parametrize("sigma_w", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize(
    "ask",
    [
        residual_gamma,
        lambda sigma_w: residual_correlation_map(0.5, sigma_w=sigma_w),
        lambda sigma_w: residual_complements(0.5, 3, sigma_w=sigma_w),
    ],
    ids=["gamma", "map", "complements"],
)
def test_weights_that_are_none_are_refused_in_one_line(ask, sigma_w):
    with pytest.raises(ValueError, match=rf"^sigma_w = {sigma_w} is not a finite number > 0$"):
        ask(sigma_w)


@pytest.mark.parametrize("c", [1.1, -1.1, math.nan])
@pytest.mark.parametrize(
    "ask",
    [lambda c: residual_correlation_map(c, sigma_w=1.0), lambda c: residual_complements(c, 3, sigma_w=1.0)],
    ids=["map", "complements"],
)
def test_a_correlation_outside_its_interval_is_refused_in_one_line(ask, c):
    with pytest.raises(ValueError, match=rf"^c0? = {c} is not a correlation in \[-1, 1\]$"):
        ask(c)
