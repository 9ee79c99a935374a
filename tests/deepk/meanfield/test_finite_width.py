"""`propagate_pair` beside networks with explicit weights, beside the theory, and the Gaussian process it stands for."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from deepk import activations
from deepk.meanfield import MeanField, PairPropagation, propagate_pair, residual_complements

# Of one test of an honest simulation; the seeds are fixed, so that it can fail only when code or torch changes.
FALSE_ALARM = 1e-6
WIDTH, DEPTH, NETWORKS = 20, 10, 2000
Q, C = 1.0, 0.5

# activation, sigma_w, sigma_b, residual
LAWS = [
    ("tanh", 1.3041458400565114, 0.2, False),
    ("relu", math.sqrt(2), 0.0, False),
    ("relu", 1.0, 0.0, True),
    ("tanh", 1.5, 0.3, True),
]


def explicit(name: str, sigma_w: float, sigma_b: float, residual: bool) -> PairPropagation:
    """The same as `propagate_pair` by definition: y^1 given, and then W phi(y) + B with matrices that are drawn."""
    generator = torch.Generator().manual_seed(11)
    phi = activations.get(name)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    z = normal(2, NETWORKS, WIDTH)
    y = math.sqrt(Q) * torch.stack([z[0], C * z[0] + math.sqrt(1 - C * C) * z[1]], dim=2)  # (networks, units, inputs)
    variances, complements = [], []
    for layer in range(DEPTH):
        if layer > 0:
            step = sigma_w / math.sqrt(WIDTH) * normal(NETWORKS, WIDTH, WIDTH) @ phi(y)
            step = step + sigma_b * normal(NETWORKS, WIDTH, 1)
            y = y + step if residual else step
        a, b = y.unbind(dim=2)
        variances.append((y**2).mean(dim=(1, 2)))
        complements.append(1 - (a * b).sum(dim=1) / (a.norm(dim=1) * b.norm(dim=1)))
    return PairPropagation(torch.stack(variances, dim=1), torch.stack(complements, dim=1))


@cache
def both(name: str, sigma_w: float, sigma_b: float, residual: bool) -> tuple[PairPropagation, PairPropagation]:
    sent = propagate_pair(
        name,
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        q=Q,
        c=C,
        width=WIDTH,
        depth=DEPTH,
        networks=NETWORKS,
        generator=torch.Generator().manual_seed(5),
        residual=residual,
    )
    return sent, explicit(name, sigma_w, sigma_b, residual)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "residual"), LAWS)
@pytest.mark.parametrize("layer", [1, 2, 5, 10])
def test_the_variance_has_the_law_of_networks_with_explicit_weights(name, sigma_w, sigma_b, residual, layer):
    sent, drawn = (run.variance[:, layer - 1].numpy() for run in both(name, sigma_w, sigma_b, residual))
    assert stats.ks_2samp(sent, drawn).pvalue > FALSE_ALARM


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "residual"), LAWS)
@pytest.mark.parametrize("layer", [1, 2, 5, 10])
def test_the_complement_has_the_law_of_networks_with_explicit_weights(name, sigma_w, sigma_b, residual, layer):
    sent, drawn = (run.complement[:, layer - 1].numpy() for run in both(name, sigma_w, sigma_b, residual))
    assert stats.ks_2samp(sent, drawn).pvalue > FALSE_ALARM


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "residual"), LAWS)
def test_variance_and_complement_together_have_that_law(name, sigma_w, sigma_b, residual):
    # a product feels their dependence, which the two tests above do not see
    sent, drawn = (
        (run.variance[:, -1] * run.complement[:, -1]).numpy() for run in both(name, sigma_w, sigma_b, residual)
    )
    assert stats.ks_2samp(sent, drawn).pvalue > FALSE_ALARM


@pytest.mark.parametrize("layer", [2, 5, 10])
def test_the_test_is_sharp_enough_to_tell_a_tenth_of_the_weights_apart(layer):
    sent = propagate_pair(
        "relu",
        sigma_w=1.1 * math.sqrt(2),
        sigma_b=0.0,
        q=Q,
        c=C,
        width=WIDTH,
        depth=DEPTH,
        networks=NETWORKS,
        generator=torch.Generator().manual_seed(5),
    )
    drawn = both("relu", math.sqrt(2), 0.0, False)[1]
    assert stats.ks_2samp(sent.variance[:, layer - 1], drawn.variance[:, layer - 1]).pvalue < FALSE_ALARM


# The theory -------------------------------------------------------------------------------------------------------


def median_interval(sample: np.ndarray) -> tuple[float, float]:
    """Order statistics that hold the median of the law but for FALSE_ALARM: a sign test, turned around."""
    low = int(stats.binom.ppf(FALSE_ALARM / 2, len(sample), 0.5))
    ordered = np.sort(sample)
    return float(ordered[low - 1]), float(ordered[len(sample) - low])


@cache
def wide(residual: bool) -> np.ndarray:
    run = propagate_pair(
        "relu",
        sigma_w=1.0 if residual else math.sqrt(2),
        sigma_b=0.0,
        q=1.0,
        c=0.0,
        width=300,
        depth=60,
        networks=300,
        generator=torch.Generator().manual_seed(3),
        residual=residual,
    )
    return run.complement.numpy()


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("layer", [1, 2, 5, 20, 60])
def test_the_median_follows_the_theory_up_to_a_fifth_of_the_width(residual, layer):
    if residual:
        theory = residual_complements(0.0, 60, sigma_w=1.0)
    else:
        theory = MeanField("relu", sigma_w=math.sqrt(2), sigma_b=0.0).complements(0.0, 60)
    low, high = median_interval(wide(residual)[:, layer - 1])
    # At finite width the median lies lower, in relative terms by l / width and a factor of size one.
    exact = float(theory[layer - 1])
    assert low <= exact * (1 + layer / 300)
    assert high >= exact * (1 - 2 * layer / 300)


@pytest.mark.parametrize("layer", [1, 2, 5, 20, 60])
def test_the_medians_interval_is_sharp_enough_to_tell_the_edge_from_a_rate_half_as_large(layer):
    low, high = median_interval(wide(False)[:, layer - 1])
    assert high < 2 * low


def test_close_inputs_part_without_noise():
    run = propagate_pair(
        "tanh",
        sigma_w=2.0,
        sigma_b=0.3,
        q=2.2538,
        c=1 - 1e-13,
        width=200,
        depth=5,
        networks=1000,
        generator=torch.Generator().manual_seed(1),
    )
    # 1 - 1e-13 itself rounds to 1e-3 of 1 - c; then 1 - c grows by chi_1, with a spread of 1 / sqrt(width) in a layer
    growth = (run.complement[:, -1] / run.complement[:, 0]).numpy()
    chi_1 = MeanField("tanh", sigma_w=2.0, sigma_b=0.3).chi_1
    low, high = median_interval(growth)
    assert low <= chi_1**4 <= high
    assert high < 1.2 * low


def test_equal_inputs_stay_equal():
    run = propagate_pair(
        "tanh",
        sigma_w=2.0,
        sigma_b=0.3,
        q=1.0,
        c=1.0,
        width=10,
        depth=5,
        networks=3,
        generator=torch.Generator().manual_seed(1),
    )
    assert (run.complement == 0).all()


def test_a_seed_gives_the_same_networks_again():
    first, second = (
        propagate_pair(
            "elu",
            sigma_w=1.2,
            sigma_b=0.1,
            q=1.0,
            c=0.2,
            width=7,
            depth=4,
            networks=3,
            generator=torch.Generator().manual_seed(9),
        )
        for _ in range(2)
    )
    assert torch.equal(first.complement, second.complement)
    assert torch.equal(first.variance, second.variance)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sigma_w": -1.0}, r"sigma_w = -1\.0 is not a finite number > 0"),
        ({"sigma_w": math.nan}, "sigma_w = nan is not a finite number > 0"),
        ({"sigma_b": -0.1}, r"sigma_b = -0\.1 is not a finite number >= 0"),
        ({"q": -1.0}, r"q = -1\.0 is not a finite number > 0"),
        ({"q": math.inf}, "q = inf is not a finite number > 0"),
        ({"c": 1.1}, r"c = 1\.1 is not a correlation in \[-1, 1\]"),
        ({"c": math.nan}, r"c = nan is not a correlation in \[-1, 1\]"),
    ],
)
def test_parameters_that_are_none_are_refused_in_one_line(given, said):
    sound = {"sigma_w": 1.0, "sigma_b": 0.1, "q": 1.0, "c": 0.5}
    with pytest.raises(ValueError, match=rf"^{said}[^\n]*$"):
        propagate_pair(
            "tanh", width=5, depth=2, networks=1, generator=torch.Generator().manual_seed(0), **{**sound, **given}
        )


# The Gaussian process in the limit of infinite width --------------------------------------------------------------
# Units of y^3 = W^3 phi(y^2) + B^3 at two inputs: independent Gaussian pairs as the width grows, of the covariance that
# two steps of the maps give. At width 1000 the layer's own covariance still varies by 1 / sqrt(1000) from network to
# network, which 1200 units of a few networks do not resolve into a departure from the normal law.

GP_WIDTH, GP_NETWORKS = 1000, 12
SIGMA_W, SIGMA_B, Q_A, Q_B = 1.5, 0.3, 1.0, 0.4


@cache
def third_layer() -> Tensor:
    """y^3 at inputs a and b, of variances Q_A and Q_B and correlation C in y^1: (networks, inputs, units)."""
    generator = torch.Generator().manual_seed(21)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float32)

    layers = []
    for _ in range(GP_NETWORKS):
        z = normal(2, GP_WIDTH)
        y = torch.stack([math.sqrt(Q_A) * z[0], math.sqrt(Q_B) * (C * z[0] + math.sqrt(1 - C * C) * z[1])])
        for _ in range(2):
            weight, bias = normal(GP_WIDTH, GP_WIDTH) * (SIGMA_W / GP_WIDTH**0.5), normal(GP_WIDTH) * SIGMA_B
            y = y.tanh() @ weight.T + bias
        layers.append(y.double())
    return torch.stack(layers)


@cache
def predicted() -> tuple[float, float, float]:
    """Variances of y^3 at a and b, and their covariance, by two steps of the maps."""
    theory = MeanField("tanh", sigma_w=SIGMA_W, sigma_b=SIGMA_B)
    q_a, q_b, covariance = Q_A, Q_B, C * math.sqrt(Q_A * Q_B)
    for _ in range(2):
        q_a, q_b, covariance = (
            theory.variance_map(q_a),
            theory.variance_map(q_b),
            theory.covariance_map(q_a, q_b, covariance / math.sqrt(q_a * q_b)),
        )
    return q_a, q_b, covariance


# Standard errors that a normal mean leaves with probability FALSE_ALARM
ERRORS = float(stats.norm.isf(FALSE_ALARM / 2))


@pytest.mark.parametrize("side", [0, 1])
def test_units_of_the_third_layer_are_normal_with_the_predicted_variance(side):
    # 100 units of each network, so that the networks' common variance is not mistaken for a different law
    units = third_layer()[:, side, :100].flatten() / math.sqrt(predicted()[side])
    assert stats.kstest(units.numpy(), "norm").pvalue > FALSE_ALARM


@pytest.mark.parametrize(("of", "expected"), [((0, 0), 0), ((1, 1), 1), ((0, 1), 2)])
def test_units_of_the_third_layer_have_the_predicted_covariance_between_inputs(of, expected):
    # by network means, whose spread holds that of the layer's own covariance: Student's t with 11 degrees of freedom
    y = third_layer()
    means = (y[:, of[0]] * y[:, of[1]]).mean(dim=1).numpy()
    assert stats.ttest_1samp(means, predicted()[expected]).pvalue > FALSE_ALARM
    assert means.std(ddof=1) / math.sqrt(GP_NETWORKS) < 0.05 * predicted()[expected]  # and sharp


@pytest.mark.parametrize("of", [(0, 0), (0, 1), (1, 1)])
def test_two_units_are_uncorrelated(of):
    # neighbours: products of two independent normal numbers, one for each pair
    y = third_layer() / torch.tensor(predicted()[:2]).sqrt()[:, None]
    products = (y[:, of[0], 0::2] * y[:, of[1], 1::2]).flatten()
    assert abs(products.mean()) < ERRORS * products.std() / math.sqrt(len(products))


@pytest.mark.parametrize("of", [(0, 0), (0, 1), (1, 1)])
def test_two_units_are_independent_beyond_correlation(of):
    # Their squares have the covariance of the layer's own variance over networks, 5 / width at most, and no other.
    y = third_layer() / torch.tensor(predicted()[:2]).sqrt()[:, None]
    squares = y**2 - 1
    products = (squares[:, of[0], 0::2] * squares[:, of[1], 1::2]).flatten()
    half_width = ERRORS * products.std() / math.sqrt(len(products))
    assert abs(products.mean()) < half_width + 5 / GP_WIDTH
    assert half_width < 0.2  # dependent squares, as of equal units, have covariance 2


def test_a_pair_of_inputs_is_a_normal_pair():
    # whatever is left of b after a's share is independent of a, also of its square
    q_a, q_b, covariance = predicted()
    a, b = third_layer()[:, 0, :100].flatten(), third_layer()[:, 1, :100].flatten()
    rest = (b - covariance / q_a * a) / math.sqrt(q_b - covariance**2 / q_a)
    assert stats.kstest(rest.numpy(), "norm").pvalue > FALSE_ALARM
    products = (a**2 / q_a - 1) * (rest**2 - 1)
    assert abs(products.mean()) < ERRORS * products.std() / math.sqrt(len(products)) + 5 / GP_WIDTH
