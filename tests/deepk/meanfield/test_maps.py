"""The variance map and chi_1: the papers' fixed points and phases, other quadratures, and networks that were drawn."""

import math
from functools import cache

import mpmath
import pytest
import torch
from scipy import stats
from torch import nn

from deepk import activations, networks
from deepk.activations import Activation
from deepk.meanfield import chi_1, edge_of_chaos, limiting_variance
from deepk.meanfield.maps import second_moment, slope_second_moment
from deepk.statistics import Sample

# Of the quadrature's weights, as measured in tests/deepk/test_gaussian.py.
QUADRATURE = 2e-13


def half_unit(printed: str) -> float:
    """Half a unit of the last digit of a printed number."""
    return 0.5 * 10.0 ** -len(printed.partition(".")[2])


def as_printed(printed: str) -> object:
    return pytest.approx(float(printed), rel=0, abs=half_unit(printed))


# Moments ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [0.01, 0.5, 3.0, 100.0])
def test_relu_halves_the_second_moment(q):
    assert second_moment(activations.get("relu"), q) == pytest.approx(q / 2, rel=QUADRATURE)


@pytest.mark.parametrize("q", [0.01, 0.5, 3.0, 100.0])
def test_relus_slope_is_one_half_of_the_time(q):
    assert slope_second_moment(activations.get("relu"), q) == pytest.approx(1 / 2, rel=QUADRATURE)


@pytest.mark.parametrize("a", [-0.5, 0.0, 0.1, 0.9])
def test_a_leaky_slope_adds_its_square(a):
    leaky = Activation("leaky", lambda x: torch.where(x > 0, x, a * x), kinks=(0.0,))
    assert second_moment(leaky, 2.0) == pytest.approx(1 + a**2, rel=QUADRATURE)


@pytest.mark.parametrize("q", [0.1, 1.0, 7.0])
def test_a_kink_away_from_zero_moves_with_the_scale(q):
    # phi(x) = max(x - 1, 0): E phi'^2 = P(sqrt(q) Z > 1).
    shifted = Activation("shifted-relu", lambda x: (x - 1).relu(), kinks=(1.0,))
    assert slope_second_moment(shifted, q) == pytest.approx(stats.norm.sf(1 / math.sqrt(q)), rel=QUADRATURE)


@pytest.mark.parametrize("name", activations.NAMES)
def test_no_variance_gives_no_second_moment(name):
    assert second_moment(activations.get(name), 0.0) == 0


MPMATH = {
    "tanh": (mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
    "elu": (lambda x: x if x > 0 else mpmath.expm1(x), lambda x: mpmath.mpf(1) if x > 0 else mpmath.exp(x)),
    "shifted-softplus": (
        lambda x: mpmath.log1p(mpmath.exp(x)) - mpmath.log(2),
        lambda x: 1 / (1 + mpmath.exp(-x)),
    ),
}


def mpmath_moment(f, q: float) -> float:
    """E f(sqrt(q) Z)^2 by tanh-sinh quadrature in 20 digits, cut where the density is 1e-31."""
    with mpmath.workdps(20):
        pieces = [-12, -6, -3, -1, 0, 1, 3, 6, 12]
        return float(mpmath.quad(lambda z: f(mpmath.sqrt(q) * z) ** 2 * mpmath.npdf(z), pieces, maxdegree=6))


@pytest.mark.parametrize("name", MPMATH)
@pytest.mark.parametrize("q", [0.05, 1.0, 9.0])
def test_the_second_moment_agrees_with_another_quadrature(name, q):
    assert second_moment(activations.get(name), q) == pytest.approx(mpmath_moment(MPMATH[name][0], q), rel=QUADRATURE)


@pytest.mark.parametrize("name", MPMATH)
@pytest.mark.parametrize("q", [0.05, 1.0, 9.0])
def test_the_slopes_second_moment_agrees_with_another_quadrature(name, q):
    slope = mpmath_moment(MPMATH[name][1], q)
    assert slope_second_moment(activations.get(name), q) == pytest.approx(slope, rel=QUADRATURE)


# Fixed points and phases ------------------------------------------------------------------------------------------

# (sigma_w, sigma_b, q, chi_1), recomputed independently to the printed digits; Hayou et al. call (1, 1) ordered.
PHASES = [
    ("relu", 1.0, 1.0, "2.0000", "0.50000"),
    ("tanh", 1.0, 1.0, "1.4639", "0.39888"),
    ("elu", 1.0, 1.0, "2.433", "0.6175"),
    ("shifted-softplus", 1.0, 1.0, "1.4167", "0.3051"),
    ("tanh", 2.0, 0.3, "2.2538", "1.3271"),
]


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "q", "_"), PHASES)
def test_the_limiting_variance_is_the_reference_value(name, sigma_w, sigma_b, q, _):
    assert limiting_variance(activations.get(name), sigma_w=sigma_w, sigma_b=sigma_b) == as_printed(q)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "_", "chi"), PHASES)
def test_chi_1_is_the_reference_value(name, sigma_w, sigma_b, _, chi):
    phi = activations.get(name)
    q = limiting_variance(phi, sigma_w=sigma_w, sigma_b=sigma_b)
    assert chi_1(phi, sigma_w=sigma_w, q=q) == as_printed(chi)


@pytest.mark.parametrize("sigma_w", [0.5, 1.0, 1.3])
def test_relus_limiting_variance_is_a_geometric_series(sigma_w):
    q = limiting_variance(activations.get("relu"), sigma_w=sigma_w, sigma_b=0.7)
    ratio = sigma_w**2 / 2
    # The series magnifies the quadrature's error by at most ratio / (1 - ratio) = 5.5.
    assert q == pytest.approx(0.7**2 / (1 - ratio), rel=6 * QUADRATURE)


def test_the_limiting_variance_does_not_move_under_the_map():
    phi = activations.get("tanh")
    q = limiting_variance(phi, sigma_w=1.5, sigma_b=0.1)
    # The iteration stops where a step is below 1e-14 of q.
    assert 0.1**2 + 1.5**2 * second_moment(phi, q) == pytest.approx(q, rel=2e-14)


def test_without_bias_an_ordered_tanh_network_forgets_its_input():
    assert limiting_variance(activations.get("tanh"), sigma_w=0.5, sigma_b=0.0) == 0


@pytest.mark.parametrize("name", ["relu", "elu", "shifted-softplus"])
def test_a_variance_that_diverges_is_an_error_that_says_where(name):
    with pytest.raises(ValueError, match=f"the variance of {name} at sigma_w = 2.0, sigma_b = 0.3 does not converge"):
        limiting_variance(activations.get(name), sigma_w=2.0, sigma_b=0.3)


def test_chi_1_grows_with_the_square_of_sigma_w():
    phi = activations.get("elu")
    # A power of two: exact in floating point.
    assert chi_1(phi, sigma_w=2.6, q=0.8) == 4 * chi_1(phi, sigma_w=1.3, q=0.8)


# Networks that were drawn -----------------------------------------------------------------------------------------

WIDTH, DEPTH, DRAWS = 300, 8, 60
# Of Student's t with 59 degrees of freedom: 4.2 standard errors. Eight layers and four networks ask 60 questions, so an
# honest simulation misses somewhere with probability 0.6 % at most; the seed is fixed. The theory's own error at finite
# width, of order 1/WIDTH, is a fraction of a standard error.
LEVEL = 0.9999


def at_the_edge(name: str, sigma_b: float) -> tuple[str, float, float]:
    return name, edge_of_chaos(activations.get(name), sigma_b=sigma_b).sigma_w, sigma_b


SIMULATED = [at_the_edge("tanh", 0.2), at_the_edge("elu", 0.1), ("tanh", 2.0, 0.3), ("elu", 1.0, 1.0)]


@cache
def simulate(name: str, sigma_w: float, sigma_b: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Variance of y^l, (DRAWS, DEPTH), and ratio of mean square gradients at y^l and y^(l+1), (DRAWS, DEPTH - 1).

    The input has the norm at which the first layer already has the limiting variance.
    """
    phi = activations.get(name)
    q = limiting_variance(phi, sigma_w=sigma_w, sigma_b=sigma_b)
    network = networks.mlp(WIDTH, WIDTH, phi, depth=DEPTH, width=WIDTH)
    layers: list[torch.Tensor] = []
    for module in network:
        if isinstance(module, nn.Linear):
            module.register_forward_hook(lambda _module, _input, y: layers.append(y))
    generator = torch.Generator().manual_seed(7)
    x = torch.full((1, WIDTH), math.sqrt((q - sigma_b**2) / sigma_w**2), dtype=torch.float32)
    variances, ratios = [], []
    for _ in range(DRAWS):
        networks.normal_(network, sigma_w=sigma_w, sigma_b=sigma_b, generator=generator)
        layers.clear()
        y = network(x)
        gradients = torch.autograd.grad(y, layers, torch.randn(y.shape, generator=generator))
        size = torch.stack([(gradient**2).mean() for gradient in gradients])
        variances.append(torch.stack([(y.detach() ** 2).mean() for y in layers]))
        ratios.append(size[:-1] / size[1:])
    return torch.stack(variances), torch.stack(ratios)


def half_width(sample: Sample) -> float:
    return float(stats.t.ppf((1 + LEVEL) / 2, sample.count - 1)) * sample.deviation / math.sqrt(sample.count)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), SIMULATED)
@pytest.mark.parametrize("layer", range(DEPTH))
def test_wide_random_networks_have_the_limiting_variance_in_every_layer(name, sigma_w, sigma_b, layer):
    variances, _ = simulate(name, sigma_w, sigma_b)
    sample = Sample.of(variances[:, layer].tolist())
    q = limiting_variance(activations.get(name), sigma_w=sigma_w, sigma_b=sigma_b)
    assert sample.mean == pytest.approx(q, rel=0, abs=half_width(sample))


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), SIMULATED)
@pytest.mark.parametrize("layer", range(DEPTH - 1))
def test_gradients_of_wide_random_networks_change_by_chi_1_in_every_layer(name, sigma_w, sigma_b, layer):
    _, ratios = simulate(name, sigma_w, sigma_b)
    sample = Sample.of(ratios[:, layer].tolist())
    phi = activations.get(name)
    chi = chi_1(phi, sigma_w=sigma_w, q=limiting_variance(phi, sigma_w=sigma_w, sigma_b=sigma_b))
    assert sample.mean == pytest.approx(chi, rel=0, abs=half_width(sample))


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), SIMULATED)
def test_the_simulation_is_sharp_enough_to_tell_a_tenth_apart(name, sigma_w, sigma_b):
    for table in simulate(name, sigma_w, sigma_b):
        for column in table.T:
            sample = Sample.of(column.tolist())
            assert half_width(sample) < 0.1 * sample.mean
