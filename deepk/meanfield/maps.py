"""The variance map of a wide random network, its fixed point, and the slope chi_1 that decides the phase.

For y^l = W phi(y^{l-1}) + B with W ~ N(0, sigma_w^2 / width) and B ~ N(0, sigma_b^2), the variance of y^l follows
q -> sigma_b^2 + sigma_w^2 E phi(sqrt(q) Z)^2 (Hayou, Doucet, Rousseau 2019, arXiv:1902.06853, section 2).
"""

from __future__ import annotations

import math

from deepk.activations import Activation
from deepk.gaussian import expectation

# Far above any variance at which a trainable network would sit; beyond it the iteration is taken to diverge.
_DIVERGED = 1e12
_ITERATIONS = 100_000


def second_moment(activation: Activation, q: float) -> float:
    """E phi(sqrt(q) Z)^2."""
    scale = math.sqrt(q)
    return expectation(lambda z: activation(scale * z) ** 2, kinks=_scaled(activation, scale))


def slope_second_moment(activation: Activation, q: float) -> float:
    """E phi'(sqrt(q) Z)^2."""
    scale = math.sqrt(q)
    return expectation(lambda z: activation.derivative(scale * z) ** 2, kinks=_scaled(activation, scale))


def _scaled(activation: Activation, scale: float) -> tuple[float, ...]:
    return tuple(kink / scale for kink in activation.kinks) if scale > 0 else ()


def limiting_variance(activation: Activation, *, sigma_w: float, sigma_b: float) -> float:
    """The fixed point q of the variance map, from q = 1; ValueError where the variance diverges."""
    q = 1.0
    for _ in range(_ITERATIONS):
        q, previous = sigma_b**2 + sigma_w**2 * second_moment(activation, q), q
        if not q < _DIVERGED:
            break
        if abs(q - previous) <= 1e-14 * q:  # float64 rounding of the map itself
            return q
    raise ValueError(f"the variance of {activation.name} at sigma_w = {sigma_w}, sigma_b = {sigma_b} does not converge")


def chi_1(activation: Activation, *, sigma_w: float, q: float) -> float:
    """sigma_w^2 E phi'(sqrt(q) Z)^2, q the limiting variance: below 1 ordered, above 1 chaotic, 1 on the edge.

    The slides print phi' without its square; chi_1 needs it. A gradient's mean square changes by chi_1 in each layer.
    """
    return sigma_w**2 * slope_second_moment(activation, q)
