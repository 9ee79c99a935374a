"""The network that `deepk.kernels.CompositionalKernel` and `TangentKernel` are the limits of."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepk import activations
from deepk.activations import Activation
from deepk.meanfield import moments


class NormalizedMlp(nn.Module):
    """f(x) = v . h_L / sqrt(m), h_1 = s(W_1 x / |x|), h_(l+1) = s(W_(l+1) h_l / sqrt(m)), with activation s.

    Of an activation sigma, s = sigma / sqrt(E sigma(Z)^2), so that each layer keeps the mean of its squares.

    All weights are standard normal and are what is trained, which is called the tangent parametrization: as m grows,
    h_L(x) . h_L(y) / m tends to the compositional kernel of x and y, and sum df(x) df(y) over parameters to
    the tangent kernel (Jacot, Gabriel, Hongler 2018, arXiv:1806.07572; equation 2 of Bietti, Bach 2021,
    arXiv:2009.14397).

    Args:
        features: entries of a row x.
        activation: a known name, or an `Activation`.
        depth: L >= 1, hidden layers.
        width: m.
        generator: of the weights, on the CPU; torch's own by default.
        dtype: of the weights.

    Maps (n, features) to (n,); a row of zeros has no direction, and gives NaN. Raises ValueError for features, a depth
    or a width below 1.
    """

    def __init__(
        self,
        features: int,
        activation: str | Activation,
        *,
        depth: int,
        width: int,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if min(features, depth, width) < 1:
            raise ValueError(f"features = {features}, depth = {depth} and width = {width} must be at least 1")
        self.activation = activations.get(activation)
        self.scale = 1 / math.sqrt(moments.second_moment(self.activation, 1.0))
        shapes = [(width, features), *[(width, width)] * (depth - 1), (width,)]
        self.weights = nn.ParameterList(torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)

    def hidden(self, x: Float[Tensor, "n features"]) -> Float[Tensor, "n width"]:
        """h_L / sqrt(m), whose products are the random-feature kernel of the last layer."""
        *hidden, last = self.weights
        h: Tensor = x / x.norm(dim=1, keepdim=True)
        for weight in hidden:
            h = self.activation(h @ weight.T) * (self.scale / math.sqrt(len(last)))
        return h

    def forward(self, x: Float[Tensor, "n features"]) -> Float[Tensor, " n"]:
        """f of each row."""
        outputs: Tensor = self.hidden(x) @ self.weights[-1]
        return outputs
