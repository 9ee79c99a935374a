"""The deep network that computes an iterated map, which no shallow one of few units can.

Torch is imported where a network is made: the mathematics of maps does without.
"""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING

from deepk.dynamics.maps import PiecewiseLinearMap

if TYPE_CHECKING:
    from torch import Tensor, nn


def relu_network(map_: PiecewiseLinearMap, n: int) -> nn.Sequential:
    """f^n on its interval as a ReLU network of n hidden layers, each as wide as f has pieces; maps (batch, 1), float64.

        f(x) = f(x_0) + s_1 relu(x - x_0) + sum_i (s_(i+1) - s_i) relu(x - x_i)

    with knots x_i and slopes s_i; the output of one map and the input of the next are one affine layer. A network of
    one hidden layer needs a unit for each kink of f^n: `linear_pieces(f, n) - 1` at least.

    Raises ValueError for n < 1, or a map that leaves its interval.
    """
    import torch
    from torch import nn

    if index(n) < 1:
        raise ValueError(f"n = {n} is not at least 1")
    map_.check_maps_into_itself()
    slopes = torch.tensor([float(slope) for slope in map_.slopes], dtype=torch.float64)
    changes = torch.cat([slopes[:1], slopes.diff()])
    knots = torch.tensor([float(knot) for knot in map_.knots[:-1]], dtype=torch.float64)
    start, width = float(map_.values[0]), len(changes)
    ones = torch.ones(width, 1, dtype=torch.float64)
    layers: list[nn.Module] = [_affine(ones, -knots)]
    for _ in range(n - 1):
        layers += [nn.ReLU(), _affine(ones * changes, start - knots)]
    layers += [nn.ReLU(), _affine(changes[None], torch.tensor([start], dtype=torch.float64))]
    return nn.Sequential(*layers)


def _affine(weight: Tensor, bias: Tensor) -> nn.Linear:
    import torch
    from torch import nn

    # Not drawn at first, which would move the global generator
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0], dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer
