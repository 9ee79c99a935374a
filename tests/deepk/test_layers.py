"""The weighted layers of a module, and how many inputs each of their outputs sums."""

import math

import pytest
import torch
from scipy import stats
from torch import nn

from deepk.layers import fan_in, weighted_layers

# Every kind of layer, with its fan-in counted by hand, and an input (of width 9 along each axis) for it.
LAYERS = {
    "linear": (nn.Linear(7, 3), 7, (7,)),
    "conv1d": (nn.Conv1d(4, 6, 3), 12, (4, 9)),
    "conv2d": (nn.Conv2d(2, 3, (3, 5)), 30, (2, 9, 9)),
    "conv3d": (nn.Conv3d(2, 3, 2), 16, (2, 9, 9, 9)),
    "groups": (nn.Conv2d(6, 4, 3, groups=2), 27, (6, 9, 9)),
    "depthwise": (nn.Conv2d(5, 5, 3, groups=5), 9, (5, 9, 9)),
    "stride and dilation": (nn.Conv1d(4, 6, 3, stride=2, dilation=2), 12, (4, 9)),
    "transposed": (nn.ConvTranspose1d(4, 6, 3), 12, (4, 9)),
    "transposed, stride 2": (nn.ConvTranspose1d(4, 6, 4, stride=2), 8, (4, 9)),
    "transposed, stride 2, kernel 3": (nn.ConvTranspose1d(4, 6, 3, stride=2), 6, (4, 9)),
    "transposed, stride beyond the kernel": (nn.ConvTranspose1d(4, 6, 2, stride=4), 2, (4, 9)),
    "transposed 2d, groups": (nn.ConvTranspose2d(6, 4, (4, 3), stride=(2, 1), groups=2), 18, (6, 9, 9)),
    "transposed 3d": (nn.ConvTranspose3d(2, 3, 2, stride=2), 2, (2, 9, 9, 9)),
}


def interior(y: torch.Tensor, layer: nn.Module) -> torch.Tensor:
    """Outputs that see no border: whole periods of the stride, at least a kernel away from each end."""
    for axis in range(2, y.ndim):
        period = layer.stride[axis - 2] if layer.transposed else 1
        margin = period * math.ceil(layer.kernel_size[axis - 2] / period) if layer.transposed else 0
        length = (y.shape[axis] - 2 * margin) // period * period
        y = y.narrow(axis, margin, length)
    return y


@pytest.mark.parametrize(("layer", "expected", "_shape"), LAYERS.values(), ids=LAYERS)
def test_fan_in_is_the_number_counted_by_hand(layer, expected, _shape):
    assert fan_in(layer) == expected


@pytest.mark.parametrize(("layer", "_expected", "shape"), LAYERS.values(), ids=LAYERS)
def test_with_ones_for_inputs_and_weights_the_average_output_is_fan_in(layer, _expected, shape):
    with torch.no_grad():
        parameters = {"weight": torch.ones_like(layer.weight), "bias": torch.zeros_like(layer.bias)}
        y = torch.func.functional_call(layer, parameters, torch.ones(1, *shape))
    assert interior(y, layer).mean().item() == fan_in(layer)  # small integers: no rounding


@pytest.mark.parametrize(("layer", "_expected", "shape"), LAYERS.values(), ids=LAYERS)
def test_weights_of_variance_one_over_fan_in_keep_unit_variance(layer, _expected, shape):
    generator = torch.Generator().manual_seed(0)
    means = []
    for _ in range(50):
        weight = torch.randn(layer.weight.shape, generator=generator) / math.sqrt(fan_in(layer))
        x = torch.randn(4, *shape, generator=generator)
        with torch.no_grad():
            y = torch.func.functional_call(layer, {"weight": weight, "bias": torch.zeros_like(layer.bias)}, x)
        means.append(interior(y, layer).double().square().mean().item())
    # 50 independent layers: Student's interval for the mean, which misses the true one once in a million.
    low, high = stats.t.interval(1 - 1e-6, len(means) - 1, loc=sum(means) / len(means), scale=stats.sem(means))
    assert low < 1 < high


def test_layers_come_by_name_in_the_order_of_registration():
    module = nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.ModuleDict({"head": nn.Linear(4, 2)}))
    assert weighted_layers(module) == {"0": module[0], "3.head": module[3]["head"]}


def test_a_layer_by_itself_goes_by_its_class():
    layer = nn.Linear(2, 3)
    assert weighted_layers(layer) == {"Linear": layer}


def test_a_layer_that_is_registered_twice_comes_once():
    layer = nn.Linear(2, 2)
    assert list(weighted_layers(nn.Sequential(layer, nn.ReLU(), layer)).values()) == [layer]


@pytest.mark.parametrize("other", [nn.ReLU(), nn.BatchNorm1d(3), nn.Embedding(3, 4), nn.LayerNorm(3)], ids=repr)
def test_only_linear_and_convolutional_layers_count(other):
    assert list(weighted_layers(nn.Sequential(nn.Linear(2, 3), other))) == ["0"]
    with pytest.raises(ValueError, match=f"{type(other).__name__} has no Linear or Conv layer"):
        weighted_layers(other)


@pytest.mark.parametrize("lazy", [nn.LazyLinear, lambda n: nn.LazyConv1d(n, 3)])
def test_a_lazy_layer_is_refused_until_it_has_seen_an_input(lazy):
    module = nn.Sequential(nn.Conv1d(2, 3, 3), lazy(5))
    with pytest.raises(ValueError, match="layer 1 is lazy: pass an input"):
        weighted_layers(module)
    module(torch.ones(1, 2, 9))  # 3 channels of 7 pixels to the lazy layer
    assert fan_in(weighted_layers(module)["1"]) == {"Linear": 7, "Conv1d": 9}[type(module[1]).__name__]
