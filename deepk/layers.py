"""The layers of a torch module that hold weights: which they are, and how many inputs each of their outputs sums."""

from __future__ import annotations

import math

from torch import nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.utils.parametrize import is_parametrized

Layer = nn.Linear | _ConvNd


def weighted_layers(module: nn.Module) -> dict[str, Layer]:
    """Every Linear and Conv layer of a module by its name, the module itself included.

    Raises ValueError for a module without any, for a lazy layer that has not seen an input yet, and for a parametrized
    one (`torch.nn.utils.parametrize`), whose weights are not its own.
    """
    layers = {name or type(module).__name__: m for name, m in module.named_modules() if isinstance(m, Layer)}
    if not layers:
        raise ValueError(f"{type(module).__name__} has no Linear or Conv layer")
    for name, layer in layers.items():
        if is_parametrized(layer):
            raise ValueError(f"layer {name} computes its weights from others (weight or spectral normalization)")
        if isinstance(layer, LazyModuleMixin) and layer.has_uninitialized_params():
            raise ValueError(f"layer {name} is lazy: pass an input through the module first, to fix its shape")
    return layers


def fan_in(layer: Layer) -> float:
    """How many inputs each output of the layer sums; for a transposed convolution the average over outputs."""
    if isinstance(layer, nn.Linear):
        return layer.in_features
    window = math.prod(layer.kernel_size) * layer.in_channels / layer.groups
    return window / math.prod(layer.stride) if isinstance(layer, _ConvTransposeNd) else window
