"""Two inputs on their way through random networks of finite width whose layers are normalized, as the paper's are.

x' = sigma(W x / |x|) with W ~ N(0, 1): given the layer before, the units are independent pairs of standard normal
variables whose correlation is the cosine of the two vectors x. Drawing from that law gives the law of the network
without storing a weight, in O(width) for each layer.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from deepk import activations
from deepk.activations import Activation
from deepk.kernels.dual import dual_kernel


def network_correlations(
    activation: str | Activation,
    rho: float,
    *,
    depth: int,
    width: int,
    networks: int,
    generator: torch.Generator,
    centered: bool = False,
) -> Float[Tensor, "networks depth"]:
    """Cosines of the two inputs' features after 1, ..., depth layers of independent random networks, in float64.

    They tend to K^(1)(rho), ..., K^(depth)(rho) as the width grows, and fluctuate around them by about 1 / sqrt(width);
    NaN from the layer on in which all units of a network are zero, as ReLU's may be in a narrow one.

    Args:
        activation: a known name, or an `Activation`.
        rho: the cosine of the inputs.
        depth: layers.
        width: units in each layer.
        networks: how many.
        generator: of the random numbers, on the CPU.
        centered: whether sigma - E sigma takes the place of sigma.

    Raises ValueError for a rho outside [-1, 1], a count below 1, and as `DualKernel`.
    """
    dual = dual_kernel(activations.get(activation), centered)
    if not -1 <= rho <= 1:
        raise ValueError(f"rho = {rho} is not in [-1, 1]")
    if min(depth, width, networks) < 1:
        raise ValueError(f"depth = {depth}, width = {width} and networks = {networks} must be at least 1")
    correlations = torch.empty(networks, depth, dtype=torch.float64)
    c = torch.full((networks, 1), float(rho), dtype=torch.float64)
    for layer in range(depth):
        shared, own = torch.randn(2, networks, width, generator=generator, dtype=torch.float64)
        a = dual.normalized(shared)
        b = dual.normalized(c * shared + (1 - c * c).clamp(min=0).sqrt() * own)
        cosine = (a * b).sum(1, keepdim=True) / (a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True))
        c = cosine.clamp(-1, 1)
        correlations[:, layer] = c[:, 0]
    return correlations
