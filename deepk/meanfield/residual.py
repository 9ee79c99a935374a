"""The simple residual ReLU network y^l = y^{l-1} + W phi(y^{l-1}): every sigma_w > 0 behaves like the edge of chaos.

Hayou, Doucet, Rousseau 2019 (arXiv:1902.06853), proposition 1, with sigma_b = 0.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from deepk.meanfield.maps import MeanField
from deepk.meanfield.propagation import orbit, start


def residual_correlation_map(c: float, *, sigma_w: float) -> float:
    """(c + alpha f(c)) / (1 + alpha), alpha = sigma_w^2 / 2 and f ReLU's correlation map: one residual layer on.

    The two terms are the covariances of the skip connection, q c, and of the branch, sigma_w^2 E phi(X) phi(Y) =
    alpha q f(c); the variance grows by 1 + alpha. Raises ValueError for sigma_w <= 0 and for c outside [-1, 1].
    """
    alpha = _alpha(sigma_w)
    return (c + alpha * _edge().correlation_map(c)) / (1 + alpha)


def residual_gamma(sigma_w: float) -> float:
    """gamma = (alpha / (1 + alpha))^2 = (sigma_w^2 / (2 + sigma_w^2))^2, with 1 - c^l ~ gamma (1 - cbar^l).

    cbar is the correlation in the residual network, c that of the plain ReLU network on its edge of chaos, so that
    1 - cbar^l ~ 9 pi^2 / (2 gamma l^2): slower than on the edge, by a constant.
    """
    alpha = _alpha(sigma_w)
    return (alpha / (1 + alpha)) ** 2


def residual_complements(c0: float, depth: int, *, sigma_w: float) -> Float[np.ndarray, " layers"]:
    """1 - cbar^l for l = 0..depth from cbar^0 = c0, carried as 1 - cbar as in `MeanField.complements`."""
    alpha, branch = _alpha(sigma_w), _edge().complement_map
    return orbit(lambda u: (u + alpha * branch(u)) / (1 + alpha), start(c0, depth), depth)


def _alpha(sigma_w: float) -> float:
    if not 0 < sigma_w < math.inf:
        raise ValueError(f"sigma_w = {sigma_w} is not a finite number > 0")
    return sigma_w**2 / 2


@lru_cache(maxsize=1)
def _edge() -> MeanField:
    return MeanField("relu", sigma_w=math.sqrt(2), sigma_b=0.0)
