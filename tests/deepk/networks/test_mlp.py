"""The fully connected network: its shapes, its formula, and where batch normalization sits."""

import pytest
import torch
from torch import nn

from deepk import activations, networks

TANH = activations.get("tanh")


def kinds(network: nn.Sequential) -> list[str]:
    return [type(layer).__name__ for layer in network]


@pytest.mark.parametrize("depth", [2, 3, 10, 200])
def test_depth_counts_weight_matrices(depth):
    network = networks.mlp(4, 3, TANH, depth=depth, width=2)
    assert kinds(network).count("Linear") == depth


@pytest.mark.parametrize(
    ("depth", "shapes"),
    [
        (2, [(5, 7), (3, 5)]),
        (3, [(5, 7), (5, 5), (3, 5)]),
        (5, [(5, 7), (5, 5), (5, 5), (5, 5), (3, 5)]),
    ],
)
def test_weights_lead_from_features_through_width_to_classes(depth, shapes):
    network = networks.mlp(7, 3, TANH, depth=depth, width=5)
    assert [tuple(layer.weight.shape) for layer in network if isinstance(layer, nn.Linear)] == shapes


def test_a_batch_of_features_becomes_a_batch_of_logits():
    network = networks.mlp(7, 3, TANH, depth=4, width=5)
    assert network(torch.zeros(11, 7)).shape == (11, 3)


def test_the_network_is_the_recursion_of_the_papers():
    network = networks.mlp(4, 3, TANH, depth=3, width=6).double()
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    first, second, last = (layer for layer in network if isinstance(layer, nn.Linear))
    y = x @ first.weight.T + first.bias
    y = y.tanh() @ second.weight.T + second.bias
    y = y.tanh() @ last.weight.T + last.bias
    # Sums of at most six terms of size one, in another order.
    torch.testing.assert_close(network(x), y, rtol=0, atol=1e-15 * 6)


def test_the_hidden_layers_apply_the_activation_that_was_given():
    shift = activations.Activation.from_callable("shift", lambda x: x + 1)
    network = networks.mlp(2, 2, shift, depth=5, width=3)
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    nn.init.ones_(network[-1].weight)
    # Only the last hidden layer reaches the output: three units of phi(0) = 1, with weight 1.
    assert network(torch.zeros(1, 2)).tolist() == [[3.0, 3.0]]


def test_batch_normalization_stands_between_each_hidden_product_and_its_activation():
    network = networks.mlp(4, 3, TANH, depth=4, width=2, batch_norm=True)
    assert kinds(network) == ["Linear", "BatchNorm1d", "Elementwise"] * 3 + ["Linear"]


def test_without_batch_normalization_there_is_none():
    network = networks.mlp(4, 3, TANH, depth=4, width=2)
    assert kinds(network) == ["Linear", "Elementwise"] * 3 + ["Linear"]


def test_the_output_layer_is_not_normalized():
    network = networks.mlp(4, 3, TANH, depth=2, width=6, batch_norm=True)
    nn.init.constant_(network[-1].bias, 100.0)
    assert network(torch.randn(8, 4, generator=torch.Generator().manual_seed(0))).mean() > 90


def test_running_averages_keep_99_percent_of_their_past_as_in_keras():
    network = networks.mlp(4, 3, TANH, depth=2, width=6, batch_norm=True)
    x = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    network(x)
    # From an initial mean of zero; float32 rounding.
    torch.testing.assert_close(network[1].running_mean, 0.01 * network[0](x).mean(dim=0), rtol=1e-5, atol=1e-8)


def test_normalization_adds_kerass_epsilon_to_the_variance():
    network = networks.mlp(4, 3, TANH, depth=2, width=6, batch_norm=True).double()
    x = torch.randn(8, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = network[0](x)
    normalized = (y - y.mean(dim=0)) / (y.var(dim=0, correction=0) + 1e-3).sqrt()
    # A dozen float64 roundings of numbers below 3.
    torch.testing.assert_close(network[1](y), normalized, rtol=0, atol=1e-14)


def test_a_printed_network_names_its_activation():
    assert "Elementwise(tanh)" in str(networks.mlp(4, 3, TANH, depth=2, width=2))
