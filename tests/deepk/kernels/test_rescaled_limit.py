"""The limit of K^(L)(exp(-t / mu^L)) in each regime, beside the kernel itself at large depth."""

import math

import numpy as np
import pytest

from deepk.activations import Activation
from deepk.kernels import CompositionalKernel, Finite, GaltonWatson, Geometric, OffspringLaw, Poisson, PowersOfTwo
from deepk.kernels import rescaled_limit as limit

T = np.array([0.0, 1e-3, 0.1, 0.5, 1.0, 2.0, 10.0])
GROWING = [
    ("relu", True),
    ("gelu", False),
    ("gelu", True),
    ("sigmoid", True),
    ("swish", False),
    ("swish", True),
]
DILOGARITHM = math.pi**2 / 12 - math.log(2) ** 2 / 2  # Li_2(1/2)


def complement(law: OffspringLaw, depth: int, t: float, rescaling: float) -> float:
    """1 - K^(L)(exp(-t / m^L)), generation by generation."""
    u = np.array([-math.expm1(-t * rescaling**-depth)])
    for _ in range(depth):
        u = law.complement(u)
    return float(u[0])


# Regimes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "centered", "regime"),
    [
        ("relu", False, "extinction"),
        ("sigmoid", False, "extinction"),
        (Poisson(0.5), False, "extinction"),
        (Poisson(1.0), False, "extinction"),
        ("identity", False, "identity"),
        ([0.0, 1.0], False, "identity"),
        *[(name, centered, "martingale limit") for name, centered in GROWING],
        ("tanh", False, "martingale limit"),
        ([0.1, 0.2, 0.3, 0.4], False, "martingale limit"),
        (Geometric(0.7), False, "martingale limit"),
        (PowersOfTwo(), False, "Kesten-Stigum"),
        ("step", False, "infinite mean"),
        ("step", True, "infinite mean"),
    ],
    ids=str,
)
def test_the_regime_has_its_name_and_the_value_is_one_at_zero(source, centered, regime):
    found = limit(source, T, centered=centered)
    assert found.regime == regime
    assert isinstance(found.value, np.ndarray)
    assert found.value.shape == T.shape
    assert found.value[0] == 1
    number = limit(source, float(T[-1]), centered=centered).value
    assert isinstance(number, float)
    assert number == found.value[-1]


@pytest.mark.parametrize("source", ["relu", "sigmoid", Poisson(0.5), Poisson(1.0), PowersOfTwo()], ids=str)
def test_where_families_die_out_or_w_is_zero_the_limit_is_one(source):
    assert (limit(source, T).value == 1).all()


@pytest.mark.parametrize("slope", [1.0, 3.0, 0.3, 7.0, -1.7])
def test_of_a_linear_activation_nothing_changes_with_depth(slope):
    linear = Activation.from_callable("linear", lambda x: slope * x)
    found = limit(linear, T)
    assert found.regime == "identity"
    np.testing.assert_allclose(found.value, np.exp(-T), rtol=1e-14)


def test_of_an_affine_activation_centered_nothing_changes_with_depth():
    affine = Activation.from_callable("affine", lambda x: 0.3 * x + 2)
    np.testing.assert_allclose(limit(affine, T, centered=True).value, np.exp(-T), rtol=1e-12)


@pytest.mark.parametrize(("centered", "xi"), [(False, None), (True, 0.0)])
def test_of_a_step_the_limit_is_the_extinction_probability_at_once(centered, xi):
    value = limit("step", np.array([0.0, 1e-300, 1.0, math.inf]), centered=centered).value
    process = GaltonWatson("step", centered=centered)
    exact = process.extinction_probability if xi is None else xi
    np.testing.assert_array_equal(value, [1, exact, exact, exact])
    # whatever the rescaling; what is left of 1 / m^L falls like G'(xi)^L
    for rescaling in (1.5, 3.0):
        assert 1 - complement(process.law, 60, 1.0, rescaling) == pytest.approx(exact, abs=1e-9)


def test_of_a_step_the_extinction_probability_solves_its_kernel():
    # xi = 1/2 + arcsin(xi) / pi
    xi = limit("step", 1.0).value
    assert 0 < xi < 1
    assert xi == pytest.approx(0.5 + math.asin(xi) / math.pi, abs=1e-14)


# Beside the kernel ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "centered"), GROWING)
def test_it_is_the_kernel_at_large_depth(name, centered):
    # At t / mu^L = 1e-24 the first term that is left out, of order 3/2 for a kinked activation, is 1e-12 of the first;
    # beside it the table's own bound, for 1 - K <= 1.
    mu = GaltonWatson(name, centered=centered).mu
    depth = math.ceil(24 * math.log(10) / math.log(mu))
    kernel = CompositionalKernel(name, depth, centered=centered)
    exact = 1 - kernel.complement(-np.expm1(-T / mu**depth))
    np.testing.assert_allclose(
        limit(name, T, centered=centered).value, exact, rtol=0, atol=1e-12 + 2 * kernel.error_bound
    )
    assert kernel.error_bound < 1e-9


@pytest.mark.parametrize(("name", "centered"), GROWING)
def test_the_kernel_approaches_it_from_below_with_depth(name, centered):
    mu = GaltonWatson(name, centered=centered).mu
    depths = [math.ceil(digits * math.log(10) / math.log(mu)) for digits in (1, 2, 3, 4)]
    values = [
        1 - CompositionalKernel(name, depth, centered=centered).complement(-math.expm1(-1 / mu**depth))
        for depth in depths
    ]
    gaps = limit(name, 1.0, centered=centered).value - np.array(values)
    assert (gaps > 0).all()
    assert (np.diff(gaps) < 0).all()
    assert gaps[-1] < 0.01


@pytest.mark.parametrize(("name", "depth", "gap"), [("relu", 10_000, 9 * math.pi**2 / 2 / 1e8), ("sigmoid", 30, 1e-24)])
def test_where_families_die_out_the_kernel_tends_to_one_everywhere(name, depth, gap):
    # un-centered: ReLU like (3 pi / L)^2 / 2, sigmoid like mu^L = 0.153^30
    left = CompositionalKernel(name, depth).complement(-np.expm1(-T[1:]))
    assert (left > 0).all()
    assert (left <= gap * 1.01).all()
    assert limit(name, 1.0).value == 1


@pytest.mark.parametrize(
    ("name", "centered", "at_half", "at_one"),
    # K^(7)(exp(-t / mu^7)) of the paper's figures, exact to four digits; the limit lies above
    [
        ("relu", True, 0.7496, 0.6133),
        ("gelu", True, 0.6528, 0.4689),
        ("gelu", False, 0.7457, 0.6613),
        ("sigmoid", True, 0.6300, 0.4128),
        ("swish", True, 0.6437, 0.4507),
        ("swish", False, 0.7053, 0.5880),
    ],
)
def test_seven_layers_are_those_of_the_figures_and_below_the_limit(name, centered, at_half, at_one):
    mu = GaltonWatson(name, centered=centered).mu
    t = np.array([0.5, 1.0])
    seven = 1 - CompositionalKernel(name, 7, centered=centered).complement(-np.expm1(-t / mu**7))
    np.testing.assert_allclose(seven, [at_half, at_one], rtol=0, atol=0.51e-4)
    assert (limit(name, t, centered=centered).value > seven).all()


def test_with_the_unconditional_limit_the_printed_formula_is_far_off():
    # xi + (1 - xi) E exp(-t W): right with W conditioned on survival, .954 with W as it is, where the kernel has .807
    xi, phi = GaltonWatson("gelu").extinction_probability, limit("gelu", 1.0).value
    naive = xi + (1 - xi) * phi
    kernel = 1 - CompositionalKernel("gelu", 800).complement(-math.expm1(-(GaltonWatson("gelu").mu ** -800)))
    assert phi == pytest.approx(0.807, abs=0.5e-3)
    assert naive == pytest.approx(0.954, abs=0.5e-3)
    assert kernel == pytest.approx(phi, abs=1e-10)
    survivors = (phi - xi) / (1 - xi)  # E exp(-t W) given survival
    assert xi + (1 - xi) * survivors == pytest.approx(phi, abs=1e-15)


def test_of_finite_laws_it_is_the_martingale_limit():
    law = Finite([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_array_equal(limit(law, T).value, GaltonWatson(law).martingale_limit_laplace(T))


# A finite mean without a martingale limit -------------------------------------------------------------------------


def test_where_mu_star_is_infinite_the_kernel_climbs_towards_one():
    law = PowersOfTwo()
    values = [1 - complement(law, depth, 1.0, law.mu) for depth in (5, 20, 80, 320, 600)]
    assert (np.diff(values) > 0).all()
    assert values[0] == pytest.approx(0.6033, abs=0.5e-4)
    assert values[-1] > 0.9


@pytest.mark.parametrize("depth", [5, 10, 20, 40, 80, 160, 300])
def test_it_climbs_as_slowly_as_the_tail_of_the_law_says(depth):
    # With x = log 1 / u, the powers up to 1 / u alone count: 1 - G(1 - u) = mu u (1 - a log(mu) / x + ...) where
    # a = 1 / (Li_2(1/2) mu log2 mu) = .406, since sum_{j > log2(1/u)} j^-2 = log(2) / x. Over L generations that begin
    # at x = L log(mu), a d log L is lost but for what the climb itself adds to x, that is
    #     d log(1 - K) / d log L = -a (1 - a / x),   x = log 1 / (1 - K),
    # up to the next order (a / x)^2. So the exponent tends to .406 as slowly as 1 / log L.
    law = PowersOfTwo()
    a = 1 / (DILOGARITHM * law.mu * math.log2(law.mu))
    assert a == pytest.approx(0.406, abs=0.5e-3)
    near, far = (complement(law, at, 1.0, law.mu) for at in (depth, 2 * depth))
    x = -math.log(near * far) / 2
    exponent = math.log2(near / far)
    assert exponent == pytest.approx(a * (1 - a / x), abs=a * (a / x) ** 2)
    assert exponent < a


# Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["gelu", "relu", "identity", PowersOfTwo(), "step"], ids=str)
@pytest.mark.parametrize("t", [-1.0, -1e-300, -math.inf, math.nan])
def test_a_t_that_is_not_at_least_zero_is_refused(source, t):
    for given_as in (t, np.array([1.0, t, 0.0])):
        with pytest.raises(ValueError, match=rf"^t = {t} is not at least 0$"):
            limit(source, given_as)


def test_a_law_cannot_be_centered():
    with pytest.raises(ValueError, match="only an activation can be centered"):
        limit([0.5, 0.5], 1.0, centered=True)
