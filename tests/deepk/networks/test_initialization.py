"""Random initialization: its law, layer by layer, and what a seed fixes."""

import math

import pytest
import torch
from scipy import stats
from torch import nn

from deepk import activations, networks

# Each test of a fixed seed asks whether an honest draw would land outside once in a million.
LEVEL = 1 - 1e-6
SIGMA_W, SIGMA_B = 1.7, 0.4


def draw(seed: int, *, sigma_b: float = SIGMA_B, batch_norm: bool = False, dtype=torch.float32) -> nn.Sequential:
    network = networks.mlp(50, 20, activations.get("relu"), depth=4, width=80, batch_norm=batch_norm).to(dtype)
    networks.normal_(network, sigma_w=SIGMA_W, sigma_b=sigma_b, generator=torch.Generator().manual_seed(seed))
    return network


def linear(network: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in network if isinstance(layer, nn.Linear)]


def parameters(network: nn.Sequential) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def standardized(layer: nn.Linear) -> torch.Tensor:
    return layer.weight.detach().double().flatten() * math.sqrt(layer.in_features) / SIGMA_W


@pytest.mark.parametrize("layer", linear(draw(0)), ids=str)
def test_fan_in_times_the_squared_weights_follow_their_chi_square_law(layer):
    z = standardized(layer)
    low, high = stats.chi2.interval(LEVEL, len(z))
    assert low < float(z @ z) < high


@pytest.mark.parametrize("layer", linear(draw(0)), ids=str)
def test_the_squared_biases_follow_their_chi_square_law(layer):
    z = layer.bias.detach().double() / SIGMA_B
    low, high = stats.chi2.interval(LEVEL, len(z))
    assert low < float(z @ z) < high


@pytest.mark.parametrize("layer", linear(draw(0)), ids=str)
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
