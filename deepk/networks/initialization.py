"""Random initialization in the mean-field parametrization, and on the edge of chaos."""

from __future__ import annotations

import torch
from torch import nn

from deepk.activations import Activation
from deepk.layers import fan_in, weighted_layers
from deepk.meanfield import EdgeOfChaos, edge_of_chaos


def normal_(module: nn.Module, *, sigma_w: float, sigma_b: float, generator: torch.Generator | None = None) -> None:
    """Draws every Linear and Conv layer of a module in place: W ~ N(0, sigma_w^2 / fan_in), b ~ N(0, sigma_b^2).

    Draws on the CPU in float32, layer by layer, so that a generator's seed gives the same network on every device;
    without one, torch's global generator serves. Raises ValueError for a module without such layers.
    """
    with torch.no_grad():
        for layer in weighted_layers(module).values():
            weight = torch.randn(layer.weight.shape, generator=generator, dtype=torch.float32)
            layer.weight.copy_(weight * (sigma_w / fan_in(layer) ** 0.5))
            if layer.bias is not None:
                bias = torch.randn(layer.bias.shape, generator=generator, dtype=torch.float32)
                layer.bias.copy_(bias * sigma_b)


def initialize_(
    module: nn.Module, activation: str | Activation, *, sigma_b: float, generator: torch.Generator | None = None
) -> EdgeOfChaos:
    """Puts every Linear and Conv layer of a module on the activation's edge of chaos, in place, and returns the point.

    In the manner of `torch.nn.init`: W ~ N(0, sigma_w^2 / fan_in) and b ~ N(0, sigma_b^2) at the sigma_w where
    chi_1 = 1, so that a gradient's mean square stays the same from layer to layer of a plain network, without
    normalization or skip connections (Hayou, Doucet, Rousseau 2019, arXiv:1902.06853). With "relu" and sigma_b = 0 it
    is He's initialization. Inputs of mean square (q - sigma_b^2) / sigma_w^2, q from the returned point, start at the
    variance q; others are drawn to it where q attracts (`EdgeOfChaos`). The last layer is drawn like all others.

    Raises ValueError where the activation has no edge of chaos at sigma_b, for a module without such layers, and for a
    layer without bias if sigma_b > 0; nothing is drawn then.
    """
    point = edge_of_chaos(activation, sigma_b=sigma_b)
    for name, layer in weighted_layers(module).items():
        if sigma_b > 0 and layer.bias is None:
            raise ValueError(f"layer {name} has no bias, and sigma_b = {sigma_b} needs one")
    normal_(module, sigma_w=point.sigma_w, sigma_b=point.sigma_b, generator=generator)
    return point
