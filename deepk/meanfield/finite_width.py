"""Two inputs on their way through random networks of finite width, without storing a weight.

Given a layer's inputs, W phi(y) + B is a Gaussian vector: its units are independent, and its covariance between two
inputs a and b is sigma_b^2 + sigma_w^2 phi(y_a) . phi(y_b) / width. Drawing from that law layer by layer gives the law
of the network itself at a cost of width, not width^2, for each layer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from deepk.activations import Activation
from deepk.meanfield.maps import MeanField


@dataclass(frozen=True)
class PairPropagation:
    """What a pair of inputs looks like in each of several random networks, for l = 1..depth."""

    variance: Float[Tensor, "networks depth"]  # mean square of y^l over units, and over the two inputs
    complement: Float[Tensor, "networks depth"]  # 1 - c^l, c^l the cosine of the two vectors y^l


def propagate_pair(
    activation: str | Activation,
    *,
    sigma_w: float,
    sigma_b: float,
    q: float,
    c: float,
    width: int,
    depth: int,
    networks: int,
    generator: torch.Generator,
    residual: bool = False,
) -> PairPropagation:
    """Sends two inputs, of variance q and correlation c in the first layer, through independent random networks.

    With `residual`, y^l = y^{l-1} + W phi(y^{l-1}) + B. Carries the difference of the two inputs instead of the second
    one, in float64, so that 1 - c^l keeps its digits as c tends to 1. A network takes O(width depth) time.

    Raises ValueError for a parameter outside its range, as `MeanField` does.
    """
    phi = MeanField(activation, sigma_w=sigma_w, sigma_b=sigma_b).activation  # which checks the three
    if not 0 < q < math.inf:
        raise ValueError(f"q = {q} is not a finite number > 0")
    if not -1 <= c <= 1:
        raise ValueError(f"c = {c} is not a correlation in [-1, 1]")
    if min(width, depth, networks) < 1:
        raise ValueError(f"width = {width}, depth = {depth} and networks = {networks} must be at least 1")
    variances, complements = (torch.empty(networks, depth, dtype=torch.float64) for _ in range(2))

    def draw(a: Tensor, e: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor]:
        return _gaussian_pair(a, e, covariance, width, generator)

    start = torch.full((networks, 1), q, dtype=torch.float64)
    y, difference = draw(start, 2 * (1 - c) * start, (1 - c) * start)
    for layer in range(depth):
        if layer > 0:
            image = phi(y)
            change = image - phi(y - difference)
            moments = (_mean(image * image), _mean(change * change), _mean(image * change))
            a, e, covariance = (sigma_w**2 * moment for moment in moments)
            step, step_difference = draw(sigma_b**2 + a, e, covariance)
            y, difference = (y + step, difference + step_difference) if residual else (step, step_difference)
        other = y - difference
        squares = _mean(y * y), _mean(other * other)
        lengths = squares[0].sqrt(), squares[1].sqrt()
        gap = (_mean(difference * (y + other))) / (lengths[0] + lengths[1])  # of the two lengths
        variances[:, layer] = ((squares[0] + squares[1]) / 2).squeeze(1)
        complements[:, layer] = ((_mean(difference**2) - gap**2) / (2 * lengths[0] * lengths[1])).squeeze(1)
    return PairPropagation(variances, complements)


def _gaussian_pair(
    a: Tensor, e: Tensor, covariance: Tensor, width: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Gaussian vectors of variances a, e and this covariance, unit by unit; a row for each network."""
    z = torch.randn(2, len(a), width, generator=generator, dtype=torch.float64)
    first = a.sqrt() * z[0]
    rest = (e - covariance**2 / a).clamp(min=0)
    return first, covariance / a * first + rest.sqrt() * z[1]


def _mean(x: Tensor) -> Tensor:
    """The mean over units, kept as a column."""
    return x.mean(dim=1, keepdim=True)
