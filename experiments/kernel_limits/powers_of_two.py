"""How slowly the kernel of the powers of two, P(Y = 2^j) = 2^-j j^-2 / S with an infinite mu_star, tends to 1."""

from __future__ import annotations

import math

import torch
from scipy.optimize import brentq
from scipy.special import spence

from deepk.branching import OffspringLaw
from deepk.branching.iterates import iterate


def gamma(law: OffspringLaw) -> float:
    """The exponent of 1 - K ~ L^-gamma: 1 / (S mu log2 mu), S = Li_2(1/2) = sum 2^-j / j^2."""
    return 1 / (float(spence(0.5)) * law.mu * math.log2(law.mu))


def complement(law: OffspringLaw, depth: int, u: float) -> float:
    """1 - G o ... o G (1 - u)."""
    theta = iterate(law, depth)(torch.tensor([2 * math.asin(math.sqrt(u / 2))], dtype=torch.float64))
    return 2 * math.sin(float(theta) / 2) ** 2


def leading_order(exponent: float, mu: float, depth: int) -> float:
    """1 - K^(L)(exp(-1/mu^L)) at great depth, for the exponent gamma.

    1 - G(1 - u) = mu u (1 - 1 / (S mu log2(1/u)) + ...), since families above 1/u are missed. For x = log(1/u), layers
    as a continuum: dx/dl = -lambda + gamma lambda / x, lambda = log mu. From x = L lambda this gives after L layers
    x = gamma log((lambda L - gamma) / (x - gamma)).
    """
    width = depth * math.log(mu) - exponent
    least = exponent * (1 + 1e-12)
    return math.exp(-brentq(lambda x: x - exponent * math.log(width / (x - exponent)), least, exponent + width))
