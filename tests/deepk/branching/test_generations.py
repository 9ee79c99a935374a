"""The law of one generation against Taylor coefficients of the composed generating function in 60 digits."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepk.activations import Activation
from deepk.kernels import (
    Binomial,
    CompositionalKernel,
    Finite,
    GaltonWatson,
    Geometric,
    OffspringLaw,
    Poisson,
    PowersOfTwo,
    Uniform,
    generation_law,
)
from deepk.kernels.dual import DualKernel

THIRD = Activation.from_callable("0.3 x", lambda x: 0.3 * x)
PAPER = [(name, centered) for name in ("relu", "gelu", "sigmoid", "swish") for centered in (False, True)]


def relu(s):
    return (mp.sqrt(1 - s * s) + s * (mp.pi - mp.acos(s))) / mp.pi


def gelu(s):
    return s / 4 + (s * mp.asin(s / 2) + 1 / mp.sqrt(4 - s * s)) / (2 * mp.pi)


TINY = [0.2, 0.3, 0.1, 0.4]
GENERATED = {
    "finite": (Finite(TINY), lambda s: mp.fsum(mp.mpf(p) * s**k for k, p in enumerate(TINY))),
    "poisson": (Poisson(2.0), lambda s: mp.exp(2 * (s - 1))),
    "binomial": (Binomial(4, 0.5), lambda s: ((1 + s) / 2) ** 4),
    "geometric": (Geometric(0.7), lambda s: (1 - mp.mpf(0.7)) / (1 - mp.mpf(0.7) * s)),
    "uniform": (Uniform(5), lambda s: mp.fsum(s**k for k in range(6)) / 6),
    "relu": (DualKernel("relu"), relu),
    "centered relu": (DualKernel("relu", centered=True), lambda s: (relu(s) - 1 / mp.pi) / (1 - 1 / mp.pi)),
    "gelu": (DualKernel("gelu"), lambda s: gelu(s) / gelu(mp.mpf(1))),
    "step": (DualKernel("step"), lambda s: mp.mpf(1) / 2 + mp.asin(s) / mp.pi),
}


def composed(generating, depth):
    def iterate(s):
        for _ in range(depth):
            s = generating(s)
        return s

    return iterate


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
@pytest.mark.parametrize("key", GENERATED)
def test_it_is_the_taylor_series_of_the_composed_generating_function(key, depth):
    law, generating = GENERATED[key]
    degree = 8
    with mp.workdps(60):  # mpmath differentiates numerically
        series = [float(mp.re(value)) for value in mp.taylor(composed(generating, depth), mp.mpf(0), degree)]
    # the coefficients of an activation have an error of 1e-12, which layers at the fixed point do not amplify
    np.testing.assert_allclose(generation_law(law, depth, degree), series, rtol=0, atol=2e-12)


@pytest.mark.parametrize("depth", [1, 2, 5, 20])
def test_of_geometric_families_it_is_geometric_again_but_for_the_dead(depth):
    # (G^l(s) - xi) / (1 - G^l(s)) = c (s - xi) / (1 - s), c = mu^-l: with the pole of G^l the ratio of the tail
    p = 0.6
    xi, c = (1 - p) / p, ((1 - p) / p) ** depth
    dead, ratio = xi * (1 - c) / (1 - c * xi), (1 - c) / (1 - c * xi)
    rest = c * (1 - xi) / (1 - c * xi)  # 1 - ratio
    exact = [dead, *((1 - dead) * rest * ratio**k for k in range(40))]
    np.testing.assert_allclose(generation_law(Geometric(p), depth, 40), exact, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "centered", "depth"),
    # sigmoid as it is dies out so fast that more layers take 65536 coefficients: see below for such
    [(*case, depth) for case in PAPER for depth in (1, 2, 4) if depth < 4 or case != ("sigmoid", False)],
)
def test_its_power_series_is_the_kernel(name, centered, depth):
    # beyond degree 50 there is less than 0.5^51
    kernel = CompositionalKernel(name, depth, centered=centered)
    p = kernel.coefficients(50)
    for rho in (0.0, 0.2, 0.5):
        value = math.fsum(p * rho ** np.arange(51))
        assert value == pytest.approx(kernel(rho), rel=0, abs=1e-11)
    assert (p >= 0).all()
    assert math.fsum(p) <= 1 + 1e-11


@pytest.mark.parametrize("law", [Poisson(0.5), Finite([0.6, 0.3, 0.1]), Binomial(2, 0.4)], ids=lambda law: law.name)
def test_nobody_is_lost(law):
    # a population that shrinks has hardly a chance of 60
    for depth in (1, 4, 8):
        assert math.fsum(generation_law(law, depth, 60)) == pytest.approx(1, rel=0, abs=1e-13)


def test_its_mean_is_mu_to_the_generation():
    # of a law whose tail beyond the degree is nothing
    law = Binomial(3, 0.5)
    p = generation_law(law, 4, 81)
    assert math.fsum(p) == pytest.approx(1, abs=1e-13)
    assert math.fsum(p * np.arange(82)) == pytest.approx(1.5**4, rel=1e-12)


@pytest.mark.parametrize("key", GENERATED)
def test_generations_compose(key):
    # P(Z_5 = k) = sum_j P(Z_2 = j) P(sum of j copies of Z_3 = k), cut where j has the power 1/2 at most
    law, degree = GENERATED[key][0], 10
    if law.coefficients(0)[0] < 1e-30:  # with a_0 = 0 nothing is cut
        outer, inner = generation_law(law, 2, degree), generation_law(law, 3, degree)
        total, power = np.zeros(degree + 1), np.eye(1, degree + 1)[0]
        for weight in outer:
            total += weight * power
            power = np.convolve(power, inner)[: degree + 1]
        np.testing.assert_allclose(generation_law(law, 5, degree), total, rtol=0, atol=1e-12)
    else:
        s = 0.3
        inner = float(generation_law(law, 3, 30) @ s ** np.arange(31))
        twice = float(generation_law(law, 2, 200) @ inner ** np.arange(201))
        once = float(generation_law(law, 5, 30) @ s ** np.arange(31))
        assert once == pytest.approx(twice, abs=1e-11 + inner**201)


@pytest.mark.parametrize("key", GENERATED)
def test_nobody_has_come_before_the_first_generation(key):
    np.testing.assert_array_equal(generation_law(GENERATED[key][0], 0, 4), [0, 1, 0, 0, 0])
    np.testing.assert_array_equal(generation_law(GENERATED[key][0], 0, 0), [0])


@pytest.mark.parametrize("key", GENERATED)
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_lower_degree_gives_the_first_of_the_same_probabilities(key, depth):
    law = GENERATED[key][0]
    np.testing.assert_allclose(generation_law(law, depth, 2), generation_law(law, depth, 12)[:3], rtol=0, atol=2e-12)
    assert generation_law(law, depth, 0).shape == (1,)


@pytest.mark.parametrize("key", GENERATED)
def test_the_first_generation_is_the_law(key):
    law = GENERATED[key][0]
    np.testing.assert_allclose(generation_law(law, 1, 20), law.coefficients(20), rtol=0, atol=2e-12)


def test_powers_of_two_are_composed_to_powers_and_sums_of_powers():
    p = generation_law(PowersOfTwo(), 2, 8)
    q = PowersOfTwo().coefficients(8)
    # two children of two each, and so on: 4 = 2 + 2, 6 = 2 + 4 = 4 + 2, 8 = 4 + 4 or four times 2
    exact = [0, 0, 0, 0, q[2] ** 3, 0, 2 * q[2] ** 2 * q[4], 0, q[2] * q[4] ** 2 + q[4] * q[2] ** 4]
    np.testing.assert_allclose(p, exact, rtol=1e-14)


@settings(max_examples=30, deadline=None)
@given(
    weights=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5),
    depth=st.integers(0, 6),
    rho=st.floats(0.0, 0.5),
)
def test_of_any_finite_law_it_generates_the_iterates(weights, depth, rho):
    law = Finite(np.array(weights) / sum(weights))
    p = generation_law(law, depth, 45)
    s = rho
    for _ in range(depth):
        s = float(law(np.array([s]))[0])
    assert float(p @ rho ** np.arange(46)) == pytest.approx(s, abs=1e-13)  # 0.5^46, and roundings of ten terms


class ArcCosine(OffspringLaw):
    """ReLU's law in closed form, of which many probabilities are known at once."""

    name, mu = "arc-cosine", 1.0

    def complement(self, one_minus_s):
        theta = 2 * np.arcsin(np.sqrt(one_minus_s / 2))
        return DualKernel("relu").complement_at_angles(theta)

    def slope_gap(self, one_minus_s):
        return 2 * np.arcsin(np.sqrt(one_minus_s / 2)) / math.pi

    def coefficients(self, degree):
        # p_2m = ((2m - 3)!!)^2 / (pi (2m)!), beside p_0 = 1 / pi and p_1 = 1 / 2
        m = np.arange(1, degree // 2)
        even = np.cumprod(np.append(1 / (2 * math.pi), (2 * m - 1) ** 2 / ((2 * m + 1) * (2 * m + 2))))
        p = np.zeros(degree + 1)
        p[2::2] = even[: degree // 2]
        p[:2] = [1 / math.pi, 0.5][: degree + 1]
        return p


def test_the_closed_form_of_relus_law_is_relus_law():
    for degree in (0, 1, 2, 3, 100, 101):
        np.testing.assert_allclose(
            ArcCosine().coefficients(degree), DualKernel("relu").coefficients(degree), rtol=0, atol=2e-12
        )


def test_deep_critical_networks_keep_the_promise_for_what_is_left_out():
    # ReLU as it is, beyond 65536 members of probability 5e-9. P(Z_L = 1) is the product of G' along the orbit of 0.
    law, depth = ArcCosine(), 250
    alive = GaltonWatson(law).survival(depth)
    slopes = 1 - law.slope_gap(alive[:-1])
    p = generation_law(law, depth, 1)
    assert p[0] == pytest.approx(1 - alive[-1], rel=0, abs=1e-15)
    assert p[1] == pytest.approx(math.prod(slopes), rel=0, abs=5e-9)
    assert p[1] > 100 * 5e-9  # and sharp


def test_extinction_is_the_processs():
    for name, centered in PAPER:
        depth = 1 if name == "sigmoid" else 2
        law = DualKernel(name, centered=centered)
        # a centered law never dies out, though its survival is rounded
        exact = 1 - GaltonWatson(law).survival(depth)[depth]
        assert generation_law(law, depth, 3)[0] == pytest.approx(exact, abs=1e-14)


@pytest.mark.parametrize(
    ("law", "depth"),
    [
        (Finite([1.0]), 1),
        (Finite([1.0]), 2),
        (Poisson(0.0), 3),
        (Poisson(0.1), 400),
        (Geometric(0.0), 2),
    ],
    ids=["death", "death twice", "poisson(0)", "poisson(0.1)", "geometric(0)"],
)
def test_where_survival_is_zero_in_float64_all_are_dead(law, depth):
    np.testing.assert_array_equal(generation_law(law, depth, 3), [1, 0, 0, 0])


@pytest.mark.parametrize(
    "law", [Finite([0.0, 1.0]), DualKernel("identity"), DualKernel(THIRD)], ids=["one child", "identity", "0.3 x"]
)
@pytest.mark.parametrize("depth", [1, 4, 200])
def test_where_everybody_has_one_child_there_is_one_for_ever(law, depth):
    # the coefficients are rounded once in each generation
    np.testing.assert_allclose(generation_law(law, depth, 3), [0, 1, 0, 0], rtol=0, atol=depth * 4e-15)


@pytest.mark.parametrize("depth", [1, 2, 30])
def test_of_a_constant_activation_nobody_is_left_after_one_generation(depth):
    constant = DualKernel(Activation.from_callable("one", lambda x: 0 * x + 1))
    np.testing.assert_allclose(generation_law(constant, depth, 3), [1, 0, 0, 0], rtol=0, atol=2e-12)


@pytest.mark.parametrize(
    "law", [DualKernel("sigmoid"), Poisson(0.3), Finite([0.6, 0.3, 0.1])], ids=lambda law: law.name
)
def test_a_law_that_dies_out_leaves_all_its_mass_at_zero(law):
    # survival falls like mu^L, below float64 after 700 generations at most
    np.testing.assert_array_equal(generation_law(law, 2000, 3), [1, 0, 0, 0])
    few = generation_law(law, 3, 40)
    assert few[0] == 1 - GaltonWatson(law).survival(3)[3]
    assert math.fsum(few) == pytest.approx(1, abs=1e-7)  # of a sigmoid, somebody has more than 40 grandchildren


@pytest.mark.parametrize(("depth", "degree"), [(-1, 3), (2, -1)])
def test_a_negative_depth_or_degree_is_refused(depth, degree):
    with pytest.raises(ValueError, match=rf"^depth = {depth} and degree = {degree} must be at least 0$"):
        generation_law(Poisson(2.0), depth, degree)
