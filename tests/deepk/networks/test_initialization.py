"""Random initialization: its law, layer by layer, what a seed fixes, and what the edge of chaos is good for."""

import math

import pytest
import torch
from scipy import stats
from torch import nn

from deepk import activations, networks
from deepk.layers import fan_in, weighted_layers
from deepk.meanfield import EdgeOfChaos, edge_of_chaos

# Each test of a fixed seed asks whether an honest draw would land outside once in a million.
LEVEL = 1 - 1e-6
SIGMA_W, SIGMA_B = 1.7, 0.4


def draw(seed: int, *, sigma_b: float = SIGMA_B, batch_norm: bool = False, dtype=torch.float32) -> nn.Sequential:
    network = networks.mlp(50, 20, activations.get("relu"), depth=4, width=80, batch_norm=batch_norm).to(dtype)
    networks.normal_(network, sigma_w=SIGMA_W, sigma_b=sigma_b, generator=torch.Generator().manual_seed(seed))
    return network


def convolutional(seed: int) -> nn.Sequential:
    network = nn.Sequential(
        nn.Conv1d(3, 40, 5),
        nn.Conv2d(8, 30, (3, 5)),
        nn.Conv2d(16, 40, 3, groups=4),
        nn.Conv3d(4, 30, 2),
        nn.ConvTranspose2d(12, 20, 4, stride=2),
    )
    networks.normal_(network, sigma_w=SIGMA_W, sigma_b=SIGMA_B, generator=torch.Generator().manual_seed(seed))
    return network


def linear(network: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in network if isinstance(layer, nn.Linear)]


def parameters(network: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def standardized(layer: nn.Module, sigma_w: float = SIGMA_W) -> torch.Tensor:
    return layer.weight.detach().double().flatten() * math.sqrt(fan_in(layer)) / sigma_w


# normal_ ----------------------------------------------------------------------------------------------------------

DRAWN = [*linear(draw(0)), *convolutional(0)]


@pytest.mark.parametrize("layer", DRAWN, ids=str)
def test_fan_in_times_the_squared_weights_follow_their_chi_square_law(layer):
    z = standardized(layer)
    low, high = stats.chi2.interval(LEVEL, len(z))
    assert low < float(z @ z) < high


@pytest.mark.parametrize("layer", DRAWN, ids=str)
def test_the_squared_biases_follow_their_chi_square_law(layer):
    z = layer.bias.detach().double() / SIGMA_B
    low, high = stats.chi2.interval(LEVEL, len(z))
    assert low < float(z @ z) < high


@pytest.mark.parametrize("layer", DRAWN, ids=str)
def test_the_weights_are_normal(layer):
    assert stats.kstest(standardized(layer).numpy(), "norm").pvalue > 1 - LEVEL


def test_weights_of_two_layers_are_independent():
    _, second, third, _ = linear(draw(0))
    z = standardized(second) * standardized(third)
    # A mean of 6400 products of independent standard normals, nearly normal itself: five standard errors.
    assert abs(float(z.mean())) < 5 / math.sqrt(len(z))


def test_without_sigma_b_every_bias_is_zero():
    assert all(not layer.bias.any() for layer in linear(draw(0, sigma_b=0.0)))


def test_one_seed_gives_one_network():
    assert torch.equal(parameters(draw(3)), parameters(draw(3)))


def test_two_seeds_give_two_networks():
    assert not torch.equal(parameters(draw(3)), parameters(draw(4)))


def test_what_was_there_before_does_not_matter():
    network = draw(3)
    networks.normal_(network, sigma_w=SIGMA_W, sigma_b=SIGMA_B, generator=torch.Generator().manual_seed(5))
    assert torch.equal(parameters(network), parameters(draw(5)))


def test_a_generator_goes_on_where_the_last_network_ended():
    generator = torch.Generator().manual_seed(0)
    first, second = draw(1), draw(1)
    for network in (first, second):
        networks.normal_(network, sigma_w=SIGMA_W, sigma_b=SIGMA_B, generator=generator)
    assert not torch.equal(parameters(first), parameters(second))


def test_the_global_generator_is_not_touched():
    network = draw(0)  # torch's own constructor draws from it
    before = torch.get_rng_state()
    networks.normal_(network, sigma_w=1.0, sigma_b=1.0, generator=torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_float64_network_is_the_float32_one():
    assert torch.equal(parameters(draw(3, dtype=torch.float64)), parameters(draw(3)).double())


def test_batch_normalization_changes_no_draw_and_keeps_its_own_parameters():
    plain, normalized = draw(3), draw(3, batch_norm=True)
    for one, two in zip(linear(plain), linear(normalized), strict=True):
        assert torch.equal(one.weight, two.weight)
    for layer in normalized:
        if isinstance(layer, nn.BatchNorm1d):
            assert (layer.weight == 1).all()
            assert not layer.bias.any()


def test_a_module_without_layers_is_refused():
    with pytest.raises(ValueError, match="ReLU has no Linear or Conv layer"):
        networks.normal_(nn.ReLU(), sigma_w=1.0, sigma_b=0.0)


def test_a_weight_that_is_computed_from_others_is_drawn_or_refused_but_not_left_as_it_was():
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(100, 100))
    try:
        networks.normal_(layer, sigma_w=SIGMA_W, sigma_b=SIGMA_B, generator=torch.Generator().manual_seed(0))
    except ValueError:
        return
    z = standardized(layer)
    low, high = stats.chi2.interval(LEVEL, len(z))
    assert low < float(z @ z) < high


# initialize_ ------------------------------------------------------------------------------------------------------


def plain(*, features: int = 50, depth: int = 4, width: int = 80, bias: bool = True) -> nn.Sequential:
    layers = [nn.Linear(n, width, bias=bias) for n in [features] + [width] * (depth - 1)]
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.Tanh())))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("activation", "sigma_b"), [("tanh", 0.2), ("tanh", 0.0), ("relu", 0.0), ("swish", 0.3)])
def test_initialize_returns_the_edge_of_chaos(activation, sigma_b):
    point = networks.initialize_(plain(), activation, sigma_b=sigma_b)
    assert isinstance(point, EdgeOfChaos)
    assert point == edge_of_chaos(activation, sigma_b=sigma_b)


def test_initialize_takes_an_activation_of_ones_own():
    phi = activations.Activation.from_callable("sine", torch.sin)
    assert networks.initialize_(plain(), phi, sigma_b=0.2) == edge_of_chaos(phi, sigma_b=0.2)


@pytest.mark.parametrize("make", [plain, lambda: convolutional(1)], ids=["linear", "convolutional"])
def test_initialize_puts_every_layer_at_the_law_of_the_point_it_returns(make):
    network = make()
    point = networks.initialize_(network, "tanh", sigma_b=0.2, generator=seeded(0))
    for layer in weighted_layers(network).values():
        for z in (standardized(layer, point.sigma_w), layer.bias.detach().double() / point.sigma_b):
            low, high = stats.chi2.interval(LEVEL, len(z))
            assert low < float(z @ z) < high


@pytest.mark.parametrize("layer", [nn.Linear(300, 200), nn.Conv2d(30, 60, 3), nn.Conv1d(40, 60, 5)], ids=str)
def test_with_relu_and_no_bias_it_is_hes_law(layer):
    networks.initialize_(layer, "relu", sigma_b=0.0, generator=seeded(0))
    # torch.nn.init.kaiming_normal_ with nonlinearity="relu": standard deviation sqrt(2 / fan_in), torch's own fan_in
    fan, _ = nn.init._calculate_fan_in_and_fan_out(layer.weight)
    z = layer.weight.detach().double().flatten() / math.sqrt(2 / fan)
    low, high = stats.chi2.interval(LEVEL, len(z))
    assert low < float(z @ z) < high
    assert not layer.bias.any()


def test_a_layer_without_bias_is_refused_by_name_before_anything_is_drawn():
    network = nn.Sequential(nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 5, bias=False))
    before, generator = parameters(network), seeded(0)
    state = generator.get_state()
    with pytest.raises(ValueError, match=r"layer 2 has no bias, and sigma_b = 0\.2 needs one"):
        networks.initialize_(network, "tanh", sigma_b=0.2, generator=generator)
    assert torch.equal(parameters(network), before)
    assert torch.equal(generator.get_state(), state)


def test_without_sigma_b_no_layer_needs_a_bias():
    network = plain(bias=False)
    point = networks.initialize_(network, "tanh", sigma_b=0.0, generator=seeded(0))
    z = torch.cat([standardized(layer, point.sigma_w) for layer in linear(network)])
    low, high = stats.chi2.interval(LEVEL, len(z))
    assert low < float(z @ z) < high


@pytest.mark.parametrize(
    ("activation", "sigma_b", "says"),
    [("relu", 0.1, "no edge of chaos"), ("step", 0.1, "it jumps"), ("tanh", -1.0, "sigma_b"), ("tahn", 0.1, "tanh")],
)
def test_where_there_is_no_edge_nothing_is_drawn(activation, sigma_b, says):
    network = plain()
    before = parameters(network)
    with pytest.raises(ValueError, match=says):
        networks.initialize_(network, activation, sigma_b=sigma_b)
    assert torch.equal(parameters(network), before)


def test_a_module_without_layers_has_nothing_to_initialize():
    with pytest.raises(ValueError, match="Tanh has no Linear or Conv layer"):
        networks.initialize_(nn.Tanh(), "tanh", sigma_b=0.2)


def test_one_generator_seed_gives_one_network():
    one, same, other = plain(), plain(), plain()
    for network, seed in ((one, 1), (same, 1), (other, 2)):
        networks.initialize_(network, "tanh", sigma_b=0.2, generator=seeded(seed))
    assert torch.equal(parameters(one), parameters(same))
    assert not torch.equal(parameters(one), parameters(other))


def test_without_a_generator_torchs_global_one_serves():
    one, same, explicit = plain(), plain(), plain()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        networks.initialize_(one, "tanh", sigma_b=0.2)
        networks.initialize_(same, "tanh", sigma_b=0.2)
        assert not torch.equal(parameters(one), parameters(same))
        torch.manual_seed(5)
        networks.initialize_(same, "tanh", sigma_b=0.2)
    networks.initialize_(explicit, "tanh", sigma_b=0.2, generator=seeded(5))
    assert torch.equal(parameters(one), parameters(same))
    assert torch.equal(parameters(one), parameters(explicit))


def test_an_input_of_the_mean_square_that_the_docstring_gives_starts_at_variance_q():
    layer = nn.Linear(100, 4000)
    point = networks.initialize_(layer, "tanh", sigma_b=0.3, generator=seeded(0))
    x = torch.ones(100) * math.sqrt((point.q - point.sigma_b**2) / point.sigma_w**2)
    y = layer(x).detach().double()  # 4000 independent N(0, q)
    low, high = stats.chi2.interval(LEVEL, len(y))
    assert low < float(y @ y) / point.q < high


def gradient_ratio(network: nn.Sequential, x: torch.Tensor) -> float:
    """Mean square of a random projection's gradient after the first layer, over that before the last nonlinearity."""
    first = network[0](x).detach().requires_grad_()
    last = network[1:-1](first)
    direction = torch.randn(last.shape, generator=seeded(1), dtype=last.dtype)
    (gradient,) = torch.autograd.grad((last * direction).sum(), first)
    return float(gradient.square().mean() / direction.square().mean())


def deep() -> nn.Sequential:
    return plain(features=100, depth=100, width=200).double()  # float32 would lose a gradient of 1e-48


def test_a_tanh_network_of_100_layers_carries_a_gradient():
    network = deep()
    point = networks.initialize_(network, "tanh", sigma_b=0.3, generator=seeded(0))
    x = torch.randn(4, 100, generator=seeded(2), dtype=torch.float64)
    x *= math.sqrt((point.q - point.sigma_b**2) / point.sigma_w**2)
    # At this width the logarithm of the ratio has mean -0.4 and standard deviation 1.1 (over 60 seeds): one draw in a
    # million is beyond 0.4 + 4.9 * 1.1 < 6.
    assert abs(math.log(gradient_ratio(network, x))) < 6


def test_pytorchs_default_loses_that_gradient():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = deep()
    x = torch.randn(4, 100, generator=seeded(2), dtype=torch.float64)
    # sigma_w^2 = 1/3, so that each of 99 layers divides the mean square by at least 3: 1e-47; e^6 for chance.
    assert gradient_ratio(network, x) < 3.0**-99 * math.exp(6)
