"""The edge of chaos: the (sigma_b, sigma_w) at which chi_1 = 1."""

from __future__ import annotations

import math
from dataclasses import dataclass

from deepk.activations import Activation
from deepk.meanfield.maps import second_moment, slope_second_moment

_ITERATIONS = 20_000  # near sigma_b = 0 the iteration contracts slowly
_LARGEST_Q = 1e8


@dataclass(frozen=True)
class EdgeOfChaos:
    """A point on the edge of chaos: sigma_b, sigma_w, and the fixed point q of the variance map at which chi_1 = 1.

    For Tanh and ELU the variance of a deep network converges to q. For shifted softplus it does not: at its edge the
    slope of the variance map exceeds 1 (1.057 at sigma_b = 0.1763), so that any deviation from q grows with depth.
    """

    sigma_b: float
    sigma_w: float
    q: float


def edge_of_chaos(activation: Activation, *, sigma_b: float) -> EdgeOfChaos:
    """The point of the activation's edge of chaos at this sigma_b.

    Iterates q <- sigma_b^2 + E phi(sqrt(q) Z)^2 / E phi'(sqrt(q) Z)^2 from q = 1, with sigma_w = E[phi'^2]^{-1/2}: the
    iteration of the code published with Hayou, Doucet, Rousseau 2019 (arXiv:1902.06853). At sigma_b = 0 a positively
    homogeneous activation stays at q = 1; its edge is that single line, at any q.

    Raises ValueError where the iteration does not converge: there is no edge at this sigma_b.
    """
    q = 1.0
    for _ in range(_ITERATIONS):
        slope = slope_second_moment(activation, q)
        if not 0 < slope < math.inf:
            break
        q, previous = sigma_b**2 + second_moment(activation, q) / slope, q
        if not 1 / _LARGEST_Q < q < _LARGEST_Q:
            break
        if abs(q - previous) <= 1e-13 * q:  # a few roundings of the map in float64
            return EdgeOfChaos(sigma_b=sigma_b, sigma_w=slope_second_moment(activation, q) ** -0.5, q=q)
    raise ValueError(f"{activation.name} has no edge of chaos that can be found at sigma_b = {sigma_b}")
