"""`diagnose` on networks whose weights are known: phases, columns by hand, predictions, and what is refused."""

import copy
import math
import re

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from deepk import activations, networks
from deepk.activations import Activation
from deepk.meanfield import MeanField, diagnose

LEVEL = 1 - 1e-6  # of intervals for one fixed seed
FEATURES = 50
COLUMNS = ["layer", "name", "fan_in", "sigma_w", "sigma_b", "variance", "correlation"]
COLUMNS = [*COLUMNS, "predicted_variance", "predicted_correlation"]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(n: int = 6, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(n, *(shape or (FEATURES,)), generator=seeded(9)).to(dtype)


def plain(
    nonlinearity=nn.Tanh, *, sigma_w: float, sigma_b: float, depth: int = 4, width: int = 100, seed: int = 0, dtype=None
) -> nn.Sequential:
    parts: list[nn.Module] = []
    for n in [FEATURES] + [width] * (depth - 1):
        parts += [nn.Linear(n, width), nonlinearity()]
    network = nn.Sequential(*parts[:-1]).to(dtype)
    networks.normal_(network, sigma_w=sigma_w, sigma_b=sigma_b, generator=seeded(seed))
    return network


def weights_after_the_first(network: nn.Sequential) -> list[nn.Linear]:
    return [part for part in network if isinstance(part, nn.Linear)][1:]


def set_exactly(network: nn.Sequential, *, sigma_w: float, sigma_b: float) -> nn.Sequential:
    """Scales each layer's weights and biases to these standard deviations, without sampling error."""
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.Linear):
                layer.weight *= sigma_w / (layer.weight.square().mean().sqrt() * layer.in_features**0.5)
                layer.bias *= sigma_b / layer.bias.square().mean().sqrt() if sigma_b else 0
    return network


# Phase and depth scale --------------------------------------------------------------------------------------------

ORDERED, CHAOTIC = (1.0, 0.3), (2.0, 0.2)


@pytest.mark.parametrize(("point", "phase"), [(ORDERED, "ordered"), (CHAOTIC, "chaotic")], ids=["ordered", "chaotic"])
def test_the_parameters_the_network_was_drawn_with_are_found_within_their_chi_square_law(point, phase):
    sigma_w, sigma_b = point
    network = plain(sigma_w=sigma_w, sigma_b=sigma_b)
    found = diagnose(network, batch())
    layers = weights_after_the_first(network)
    for value, true, n in (
        (found.sigma_w, sigma_w, sum(layer.weight.numel() for layer in layers)),
        (found.sigma_b, sigma_b, sum(layer.bias.numel() for layer in layers)),
    ):
        low, high = stats.chi2.interval(LEVEL, n)
        assert low < n * (value / true) ** 2 < high
    assert found.phase == phase


@pytest.mark.parametrize("point", [ORDERED, CHAOTIC], ids=["ordered", "chaotic"])
def test_chi_1_and_depth_scale_are_the_theorys_at_the_parameters_found(point):
    found = diagnose(plain(sigma_w=point[0], sigma_b=point[1]), batch())
    theory = MeanField("tanh", sigma_w=found.sigma_w, sigma_b=found.sigma_b)
    assert (found.chi_1, found.depth_scale) == (theory.chi_1, theory.depth_scale())


@pytest.mark.parametrize("point", [ORDERED, CHAOTIC], ids=["ordered", "chaotic"])
def test_the_depth_scale_is_that_of_the_law_the_weights_were_drawn_from(point):
    sigma_w, sigma_b = point
    network = plain(sigma_w=sigma_w, sigma_b=sigma_b)
    found = diagnose(network, batch())
    layers = weights_after_the_first(network)
    # A standard deviation found from n normal numbers has the relative error 1 / sqrt(2 n); five of these, either way.
    counts = (sum(layer.weight.numel() for layer in layers), sum(layer.bias.numel() for layer in layers))
    errors = [5 / math.sqrt(2 * n) for n in counts]
    scales = [
        MeanField("tanh", sigma_w=sigma_w * (1 + s * errors[0]), sigma_b=sigma_b * (1 + t * errors[1])).depth_scale()
        for s in (-1, 1)
        for t in (-1, 1)
    ]
    assert min(scales) < found.depth_scale < max(scales)


@pytest.mark.parametrize("point", [ORDERED, CHAOTIC], ids=["ordered", "chaotic"])
def test_the_trainable_depth_is_six_depth_scales(point):
    found = diagnose(plain(sigma_w=point[0], sigma_b=point[1]), batch())
    assert found.trainable_depth == 6 * found.depth_scale


def test_a_network_initialized_on_the_edge_of_chaos_is_found_there():
    network = plain(sigma_w=1.0, sigma_b=1.0)
    point = networks.initialize_(network, "tanh", sigma_b=0.3, generator=seeded(0))
    set_exactly(network, sigma_w=point.sigma_w, sigma_b=point.sigma_b)
    found = diagnose(network, batch())
    assert (found.phase, found.depth_scale, found.trainable_depth) == ("edge", math.inf, math.inf)
    assert found.chi_1 == pytest.approx(1, abs=1e-5)  # of float32 weights


@pytest.mark.parametrize(
    ("errors", "phase"), [(-4, "ordered"), (-2, "edge"), (0, "edge"), (2, "edge"), (4, "diverging")]
)
def test_the_edge_is_three_standard_errors_of_the_weights_wide(errors, phase):
    """He's initialization, chi_1 = sigma_w^2 / 2: an honest draw is within three errors 997 times in 1000."""
    n = 3 * 100 * 100  # weights after the first layer: their mean square has relative error sqrt(2 / n)
    network = plain(nn.ReLU, sigma_w=1.0, sigma_b=0.0)
    set_exactly(network, sigma_w=math.sqrt(2 * (1 + errors * math.sqrt(2 / n))), sigma_b=0.0)
    assert diagnose(network, batch()).phase == phase


def test_an_activation_that_jumps_is_chaotic_and_not_on_the_edge():
    found = diagnose(plain(nn.ReLU, sigma_w=1.0, sigma_b=0.1), batch(), activation="step")
    assert (found.chi_1, found.phase) == (math.inf, "chaotic")


@pytest.mark.parametrize(("nonlinearity", "sigma_w"), [(nn.Tanh, 0.8), (nn.ReLU, 1.0)])
def test_a_network_without_biases_whose_variance_vanishes_is_ordered(nonlinearity, sigma_w):
    found = diagnose(plain(nonlinearity, sigma_w=sigma_w, sigma_b=0.0), batch())
    assert found.phase == "ordered"
    slope_at_zero = 1.0 if nonlinearity is nn.Tanh else 0.5  # phi'(0)^2, for ReLU the mean of both sides
    assert found.chi_1 == pytest.approx(found.sigma_w**2 * slope_at_zero, rel=1e-9)


@pytest.mark.parametrize("sigma_b", [0.0, 0.1])
def test_relu_whose_variance_grows_is_diverging(sigma_b):
    found = diagnose(plain(nn.ReLU, sigma_w=1.7, sigma_b=sigma_b), batch())
    assert found.phase == "diverging"
    assert all(math.isnan(value) for value in (found.chi_1, found.depth_scale, found.trainable_depth))


# The variance grows 5000 times in a layer: float32 outputs overflow after 21 of them, the predicted variance after 84.
@pytest.mark.parametrize("depth", [30, 100])
def test_a_network_deep_enough_to_overflow_is_diverging(depth):
    assert diagnose(plain(nn.ReLU, sigma_w=100.0, sigma_b=0.1, depth=depth, width=20), batch()).phase == "diverging"


# The variance falls 20000 times in a layer: float32 outputs underflow after 21, predicted variance after 75.
@pytest.mark.parametrize("depth", [30, 100])
def test_a_network_deep_enough_to_underflow_is_ordered(depth):
    assert diagnose(plain(nn.ReLU, sigma_w=0.01, sigma_b=0.0, depth=depth, width=20), batch()).phase == "ordered"


# What it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nonlinearity", "point", "says"),
    [
        (nn.Tanh, ORDERED, r"ordered phase, depth scale \d+\.?\d*\D+\d+\D*$"),
        (nn.Tanh, CHAOTIC, r"chaotic phase, depth scale \d+\.?\d*\D+\d+\D*$"),
        (nn.ReLU, (1.8, 0.1), r"the variance diverges$"),
        (nn.ReLU, (1.0, 0.0), r"ordered phase"),  # its correlation has no depth scale, and its gradient vanishes
    ],
    ids=["ordered", "chaotic", "diverging", "vanishing"],
)
def test_it_says_one_sentence_and_then_a_line_for_each_layer(nonlinearity, point, says):
    text = str(diagnose(plain(nonlinearity, sigma_w=point[0], sigma_b=point[1]), batch()))
    sentence, header, *rows = text.splitlines()
    name = nonlinearity.__name__.lower()
    assert re.match(rf"{name}, sigma_w = \d\.\d+, sigma_b = \d\.?\d*: {says}", sentence)
    assert not re.search(r"\b(nan|inf)\b", sentence)
    assert header.split() == COLUMNS
    assert len(rows) == 4


def test_on_the_edge_it_says_that_it_carries_any_depth():
    network = set_exactly(plain(nn.ReLU, sigma_w=1.0, sigma_b=0.0), sigma_w=1.4142, sigma_b=0.0)
    sentence = str(diagnose(network, batch())).splitlines()[0]
    assert re.match("relu, sigma_w = 1.414, sigma_b = 0: on the edge of chaos, .*any depth", sentence)


# The table --------------------------------------------------------------------------------------------------------


def by_hand(weights: list[np.ndarray], biases: list[np.ndarray], x: np.ndarray, phi) -> list[tuple[float, float]]:
    """Mean square and mean cosine of each layer's outputs, by explicit matrices and loops over pairs."""
    found = []
    for weight, bias in zip(weights, biases, strict=True):
        y = x @ weight.T + bias
        n = len(y)
        cosines = [
            y[a] @ y[b] / (np.linalg.norm(y[a]) * np.linalg.norm(y[b])) for a in range(n) for b in range(n) if a != b
        ]
        found.append((float((y**2).mean()), float(np.mean(cosines))))
        x = phi(y)
    return found


def test_variance_and_correlation_are_those_of_explicit_matrices():
    network, x = plain(sigma_w=1.5, sigma_b=0.3, dtype=torch.float64), batch(dtype=torch.float64)
    layers = [part for part in network if isinstance(part, nn.Linear)]
    weights, biases = ([getattr(layer, name).detach().numpy() for layer in layers] for name in ("weight", "bias"))
    expected = by_hand(weights, biases, x.numpy(), np.tanh)
    table = diagnose(network, x).layers
    # Sums of at most 100 terms in float64, in another order.
    np.testing.assert_allclose(table[["variance", "correlation"]], expected, rtol=1e-12, atol=1e-13)


def test_sigma_w_and_sigma_b_of_each_layer_are_root_mean_squares_of_its_own():
    network = plain(sigma_w=1.5, sigma_b=0.3)
    table = diagnose(network, batch()).layers
    for row, layer in zip(table.itertuples(), [network[0], *weights_after_the_first(network)], strict=True):
        weight, bias = layer.weight.detach().double(), layer.bias.detach().double()
        assert row.fan_in == layer.in_features
        assert row.sigma_w == pytest.approx(math.sqrt(float((weight**2).mean()) * layer.in_features), rel=1e-12)
        assert row.sigma_b == pytest.approx(math.sqrt(float((bias**2).mean())), rel=1e-12)


def test_the_networks_sigma_w_and_sigma_b_are_those_of_all_weights_after_the_first_layer():
    network = nn.Sequential(nn.Linear(FEATURES, 30), nn.Tanh(), nn.Linear(30, 70), nn.Tanh(), nn.Linear(70, 10))
    networks.normal_(network, sigma_w=1.0, sigma_b=1.0, generator=seeded(0))
    with torch.no_grad():
        network[0].weight *= 100  # the first layer, which does not count
        network[0].bias *= 100
        network[2].weight *= 3
        network[4].bias *= 2
    found = diagnose(network, batch())
    scaled = torch.cat([(layer.weight * layer.in_features**0.5).flatten() for layer in (network[2], network[4])])
    biases = torch.cat([network[2].bias, network[4].bias])
    assert found.sigma_w == pytest.approx(scaled.detach().double().square().mean().sqrt().item(), rel=1e-6)  # float32
    assert found.sigma_b == pytest.approx(biases.detach().double().square().mean().sqrt().item(), rel=1e-6)


def test_a_transposed_convolution_counts_each_of_its_biases_once():
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.ConvTranspose2d(2, 5, 3), nn.ReLU(), nn.Conv2d(5, 1, 3)
    )  # 2 channels in, 5 out: 5 biases
    networks.normal_(network, sigma_w=1.0, sigma_b=1.0, generator=seeded(0))
    biases = torch.cat([network[2].bias, network[4].bias]).detach().double()
    assert diagnose(network, batch(3, 1, 9, 9)).sigma_b == pytest.approx(biases.square().mean().sqrt().item(), rel=1e-9)


def test_predictions_start_from_the_first_layer_and_go_on_with_each_layers_own_parameters():
    network = plain(nn.ReLU, sigma_w=1.3, sigma_b=0.4)
    with torch.no_grad():
        network[2].weight *= 1.5  # each layer another sigma_w
    table = diagnose(network, batch()).layers
    q, c = table.variance[0], table.correlation[0]
    assert table[["predicted_variance", "predicted_correlation"]].iloc[0].isna().all()
    for row in table.iloc[1:].itertuples():
        theta = math.acos(c)  # Cho and Saul 2009: the arc-cosine kernel of ReLU
        kernel = (math.sin(theta) + (math.pi - theta) * math.cos(theta)) / (2 * math.pi)
        following = row.sigma_b**2 + row.sigma_w**2 * q / 2
        c, q = (row.sigma_b**2 + row.sigma_w**2 * q * kernel) / following, following
        assert row.predicted_variance == pytest.approx(q, rel=1e-11)  # 1e-12 in each of three expectations
        assert row.predicted_correlation == pytest.approx(c, rel=1e-11)


@pytest.mark.parametrize(("nonlinearity", "point"), [(nn.Tanh, ORDERED), (nn.Tanh, CHAOTIC), (nn.ReLU, (1.4, 0.1))])
def test_in_a_wide_network_the_prediction_is_what_is_measured(nonlinearity, point):
    width = 1200
    table = diagnose(plain(nonlinearity, sigma_w=point[0], sigma_b=point[1], width=width), batch()).layers.iloc[1:]
    # Given a layer, the next one's units are independent; their mean square, and the mean of phi^2 that the next
    # variance is made of, have relative variance E phi^4 / (E phi^2)^2 - 1 over width: 5 for ReLU and at most 2 for
    # Tanh. Layers add up, and five standard deviations are one in a million. A correlation is such a mean, too.
    sd = (np.arange(1, 4) * (5 if nonlinearity is nn.ReLU else 2) / width) ** 0.5
    assert (abs(table.variance / table.predicted_variance - 1) < 5 * sd).all()
    assert (abs(table.correlation - table.predicted_correlation) < 5 * sd).all()


class Backwards(nn.Module):
    """Registers its layers in the opposite order of their use."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.middle, self.first = nn.Linear(5, 4), nn.Linear(7, 5), nn.Linear(FEATURES, 7)
        self.phi = nn.Tanh()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.phi(self.middle(self.phi(self.first(x)))))


def test_layers_come_in_the_order_of_calls():
    table = diagnose(Backwards(), batch()).layers
    assert list(table.columns) == COLUMNS
    assert table.layer.tolist() == [1, 2, 3]
    assert table.name.tolist() == ["first", "middle", "last"]
    assert table.fan_in.tolist() == [FEATURES, 7, 5]


def test_a_layer_that_is_called_twice_appears_twice():
    first, again, phi = nn.Linear(FEATURES, 20), nn.Linear(20, 20), nn.Tanh()
    table = diagnose(nn.Sequential(first, phi, again, phi, again), batch()).layers
    assert table.name.tolist() == ["0", "2", "2"]
    assert table.variance[1] != table.variance[2]


def test_a_layer_that_is_never_called_does_not_appear():
    network = Backwards()
    network.unused = nn.Linear(3, 3)
    assert "unused" not in diagnose(network, batch()).layers.name.tolist()


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_variance_is_that_before_the_nonlinearity_also_where_it_works_in_place(dtype, inplace):
    network = plain(lambda: nn.ReLU(inplace=inplace), sigma_w=1.2, sigma_b=0.2, dtype=dtype)
    expected = plain(nn.ReLU, sigma_w=1.2, sigma_b=0.2)
    variance = diagnose(network, batch(dtype=dtype)).layers.variance
    np.testing.assert_allclose(variance, diagnose(expected, batch()).layers.variance, rtol=1e-5)  # of float32


@pytest.mark.parametrize("seed", [8, 13])
def test_identical_inputs_have_correlation_one_however_it_is_rounded(seed):
    network = plain(sigma_w=1.5, sigma_b=0.3, depth=2, width=37, seed=seed)
    one = torch.randn(1, FEATURES, generator=seeded(seed))
    for n in (2, 4, 7):
        table = diagnose(network, one.expand(n, -1)).layers
        np.testing.assert_allclose(table.correlation, 1, atol=1e-6)  # float32
        assert table.predicted_correlation[1] == pytest.approx(1, abs=1e-12)


def test_opposite_inputs_have_correlation_minus_one():
    network = plain(sigma_w=1.5, sigma_b=0.0)  # odd, without biases
    table = diagnose(network, torch.cat([batch(1), -batch(1)])).layers
    np.testing.assert_allclose(table.correlation, -1, atol=1e-6)
    np.testing.assert_allclose(table.predicted_correlation[1:], -1, atol=1e-6)


# Kinds of network -------------------------------------------------------------------------------------------------


def test_a_single_layer_is_measured_and_nothing_predicted():
    layer = nn.Linear(FEATURES, 40)
    networks.normal_(layer, sigma_w=1.2, sigma_b=0.3, generator=seeded(0))
    found = diagnose(layer, batch(), activation="tanh")
    assert found.layers.name.tolist() == ["Linear"]
    assert (found.sigma_w, found.sigma_b) == tuple(found.layers[["sigma_w", "sigma_b"]].iloc[0])
    assert found.layers[["predicted_variance", "predicted_correlation"]].isna().all(axis=None)


def test_a_convolutional_network_is_measured_over_units_and_pixels():
    channels = 60
    network = nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1, padding_mode="circular"),
        nn.Tanh(),
        nn.Conv2d(channels, channels, 3, padding=1, padding_mode="circular"),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(channels * 64, 10),
    )
    networks.normal_(network, sigma_w=1.5, sigma_b=0.3, generator=seeded(0))
    x = batch(4, 3, 8, 8)
    table = diagnose(network, x).layers
    assert table.fan_in.tolist() == [27, 9 * channels, 64 * channels]
    with torch.no_grad():
        first = network[0](x).double().flatten(1)
    assert table.variance[0] == pytest.approx(first.square().mean().item(), rel=1e-12)
    cosines = torch.nn.functional.cosine_similarity(first[:, None], first[None], dim=2)
    assert table.correlation[0] == pytest.approx((cosines.sum().item() - 4) / 12, rel=1e-9)
    # 60 channels of weights drawn at random, of relative variance 2 / 60 at most for a layer: five standard deviations.
    assert table.variance[1] == pytest.approx(table.predicted_variance[1], rel=5 * math.sqrt(2 / channels))


def test_the_networks_of_the_house_carry_their_nonlinearity():
    network = networks.mlp(FEATURES, 10, activations.get("swish"), depth=3, width=20)
    assert diagnose(network, batch()).activation is activations.get("swish")


# The nonlinearity -------------------------------------------------------------------------------------------------

NONLINEARITIES = [
    (nn.ReLU(), "relu", (0.0,)),
    (nn.Tanh(), "tanh", ()),
    (nn.Sigmoid(), "sigmoid", ()),
    (nn.SiLU(), "swish", ()),
    (nn.GELU(), "gelu", ()),
    (nn.GELU(approximate="tanh"), "gelu-tanh", ()),
    (nn.ELU(), "elu", (0.0,)),
    (nn.ELU(alpha=2.0), "elu(2)", (0.0,)),
    (nn.ELU(alpha=2.0, inplace=True), "elu(2)", (0.0,)),
    (nn.LeakyReLU(), "leaky-relu(0.01)", (0.0,)),
    (nn.LeakyReLU(0.3), "leaky-relu(0.3)", (0.0,)),
    (nn.Softplus(), "softplus", ()),
    (nn.Softplus(beta=2.0), "softplus(2)", ()),
    (nn.Identity(), "identity", ()),
]


@pytest.mark.parametrize(("module", "name", "kinks"), NONLINEARITIES, ids=lambda value: repr(value))
def test_a_torch_nonlinearity_is_found_with_its_parameters(module, name, kinks):
    phi = diagnose(nn.Sequential(nn.Linear(FEATURES, 5), module, nn.Linear(5, 5)), batch()).activation
    assert (phi.name, phi.kinks, phi.jumps) == (name, kinks, ())
    x = torch.linspace(-6, 6, 48, dtype=torch.float64)  # without zero
    point = x.clone().requires_grad_()
    value = module(point.clone())  # a copy, since it may work in place
    (slope,) = torch.autograd.grad(value.sum(), point)
    torch.testing.assert_close(phi(x.clone()), value.detach(), rtol=0, atol=1e-14)  # roundings of numbers up to 6
    torch.testing.assert_close(phi.derivative(x.clone()), slope, rtol=0, atol=1e-14)


@pytest.mark.parametrize("module", [nn.ReLU(), nn.Tanh()], ids=repr)
def test_one_nonlinearity_used_many_times_is_one(module):
    parts = [nn.Linear(FEATURES, 5), module, nn.Linear(5, 5), module, nn.Linear(5, 5), copy.deepcopy(module)]
    assert diagnose(nn.Sequential(*parts), batch()).activation.name == type(module).__name__.lower()


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(FEATURES, 8), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.relu(self.first(x)))


def test_a_nonlinearity_in_forward_has_to_be_named():
    with pytest.raises(ValueError, match=r"not clear \(found: none\); name it by activation="):
        diagnose(Functional(), batch())
    assert diagnose(Functional(), batch(), activation="relu").activation is activations.get("relu")


def test_a_named_nonlinearity_may_be_an_activation_of_ones_own():
    phi = Activation.from_callable("mine", torch.relu, kinks=(0.0,))
    assert diagnose(Functional(), batch(), activation=phi).activation is phi


def test_two_nonlinearities_are_refused():
    network = nn.Sequential(nn.Linear(FEATURES, 5), nn.ReLU(), nn.Linear(5, 5), nn.LeakyReLU(0.1), nn.Linear(5, 5))
    with pytest.raises(ValueError, match=r"not clear \(found: relu, leaky-relu\(0\.1\)\); name it by activation="):
        diagnose(network, batch())


# What is refused --------------------------------------------------------------------------------------------------

NORMALIZATIONS = [nn.BatchNorm1d(8), nn.LayerNorm(8), nn.GroupNorm(2, 8), nn.RMSNorm(8), nn.InstanceNorm1d(8)]


@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("normalization", NORMALIZATIONS, ids=repr)
def test_normalization_is_refused_also_where_the_nonlinearity_is_named(normalization, activation):
    network = nn.Sequential(nn.Linear(FEATURES, 8), normalization, nn.ReLU(), nn.Linear(8, 3))
    with pytest.raises(ValueError, match=f"{type(normalization).__name__} normalizes"):
        diagnose(network, batch(), activation=activation)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_inputs_that_are_not_finite_are_refused(value):
    x = batch()
    x[2, 3] = value
    with pytest.raises(ValueError, match="inputs hold NaN or infinite values"):
        diagnose(plain(sigma_w=1.0, sigma_b=0.1), x)


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_inputs_are_refused(n):
    with pytest.raises(ValueError, match=f"at least two, not {n}"):
        diagnose(plain(sigma_w=1.0, sigma_b=0.1), batch(n))


def test_a_module_without_weights_is_refused():
    with pytest.raises(ValueError, match="Tanh has no Linear or Conv layer"):
        diagnose(nn.Tanh(), batch())


def test_a_module_that_calls_none_of_its_layers_is_refused():
    network = Functional()
    network.forward = torch.relu
    with pytest.raises(ValueError, match="layer"):
        diagnose(network, batch(), activation="relu")


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean tanh"):
        diagnose(Functional(), batch(), activation="tahn")


# The module is not changed ----------------------------------------------------------------------------------------


class Failing(Functional):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        super().forward(x)
        raise RuntimeError("forward failed")


def hooks(module: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in module.modules())


def test_weights_gradients_and_the_global_generator_stay_as_they_were():
    network = plain(sigma_w=1.5, sigma_b=0.2)
    before, state = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    diagnose(network, batch())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("training", [True, False])
def test_the_training_mode_stays_as_it_was(training):
    network = plain(sigma_w=1.5, sigma_b=0.2).train(training)
    diagnose(network, batch())
    assert all(part.training == training for part in network.modules())


def test_a_part_in_another_mode_than_the_whole_stays_in_it():
    network = nn.Sequential(nn.Linear(FEATURES, 5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 5)).train()
    network[2].eval()
    diagnose(network, batch())
    assert [part.training for part in network.modules()] == [True, True, True, False, True]


def test_dropout_is_off_while_it_measures():
    torch_linear = plain(sigma_w=1.5, sigma_b=0.2)
    dropping = nn.Sequential(*(part for layer in torch_linear for part in (layer, nn.Dropout(0.9)))).train()
    assert diagnose(dropping, batch()).layers.variance.equals(diagnose(torch_linear, batch()).layers.variance)


def test_no_hook_stays_behind():
    network = plain(sigma_w=1.5, sigma_b=0.2)
    diagnose(network, batch())
    assert hooks(network) == 0


def test_no_hook_stays_behind_and_the_mode_is_restored_where_forward_fails():
    network = Failing().train()
    with pytest.raises(RuntimeError, match="forward failed"):
        diagnose(network, batch(), activation="relu")
    assert hooks(network) == 0
    assert all(part.training for part in network.modules())
