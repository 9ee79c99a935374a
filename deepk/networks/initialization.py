"""Random initialization in the mean-field parametrization."""

from __future__ import annotations

import torch
from torch import nn


def normal_(module: nn.Module, *, sigma_w: float, sigma_b: float, generator: torch.Generator) -> None:
    """Draws every Linear layer of a module in place: W ~ N(0, sigma_w^2 / fan_in), b ~ N(0, sigma_b^2).

    Draws on the CPU in float32, layer by layer, so that a generator's seed gives the same network on every device.
    """
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Linear):
                weight = torch.randn(layer.weight.shape, generator=generator, dtype=torch.float32)
                bias = torch.randn(layer.bias.shape, generator=generator, dtype=torch.float32)
                layer.weight.copy_(weight * (sigma_w / layer.in_features**0.5))
                layer.bias.copy_(bias * sigma_b)
