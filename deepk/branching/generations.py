"""The law of the number of individuals in one generation of a branching process."""

from __future__ import annotations

import math
from functools import lru_cache
from operator import index

import numpy as np
from jaxtyping import Float

from deepk.branching.laws import OffspringLaw

_EPS = float(np.finfo(np.float64).eps)
_DEAD = 1e-290  # a survival probability that counts as zero
_USUAL, _HIGHEST = 1024, 2**16  # degree of the offspring law, where individuals may die without descendants


def generation_law(law: OffspringLaw, depth: int, degree: int) -> Float[np.ndarray, " {degree}+1"]:
    """P(Z_L = k) for k = 0..degree: the Taylor coefficients of G o ... o G, L = depth times, at zero.

    Generation by generation, with c = P(Z_l = 0): G(c + delta(s)) is a polynomial in delta whose coefficients are those
    of offspring that are kept with probability 1 - c each. All terms are positive; the law is cut at a degree beyond
    which hardly anybody keeps so few. Where c is so close to 1 that this takes more than 65536 (deep, un-centered and
    critical: ReLU from L = 200 on), what is left out has at most the probability of the law beyond, 5e-9 for ReLU.

    Raises ValueError for a negative depth or degree.
    """
    if index(depth) < 0 or index(degree) < 0:
        raise ValueError(f"depth = {depth} and degree = {degree} must be at least 0")
    law_of_z = np.zeros(degree + 1)
    law_of_z[1:2] = 1.0
    alive = 1.0  # P(Z_l > 0)
    for _ in range(depth):
        if alive < _DEAD:
            return np.append(1.0, np.zeros(degree))
        kept = _thinned(law, alive, degree)
        conditional = law_of_z / alive
        conditional[0] = 0.0
        law_of_z = np.zeros(degree + 1)
        for weight in kept[::-1]:
            law_of_z = np.convolve(law_of_z, conditional)[: degree + 1]
            law_of_z[0] += weight
        if kept[0] > 0:
            alive = min(alive, float(law.complement(np.array([alive]))[0]))  # never up, by a rounding
        law_of_z[0] = 1 - alive
    return law_of_z


def _thinned(law: OffspringLaw, share: float, degree: int) -> Float[np.ndarray, " {degree}+1"]:
    """P(j of an individual's offspring are kept) = sum_k p_k C(k, j) share^j (1 - share)^(k - j), j = 0..degree."""
    if share == 1:
        return _coefficients(law, degree)
    enough = (degree + 10 * math.sqrt(degree) + 50) / share
    p = _coefficients(law, _USUAL)
    if enough > _USUAL and p[-2:].max() > _EPS**2:
        p = _coefficients(law, 2 ** math.ceil(math.log2(min(enough, _HIGHEST))))
    p = p[: max(int(np.flatnonzero(p > _EPS**2)[-1]), degree) + 1]  # what follows are squared roundings
    k = np.arange(len(p))
    log_binomial = k * math.log1p(-share)
    kept = np.empty(degree + 1)
    for j in range(degree + 1):
        kept[j] = p[j:] @ np.exp(log_binomial[j:])
        with np.errstate(divide="ignore"):  # C(k, j + 1) = 0 for k = j
            log_binomial += np.log(np.maximum(k - j, 0) / (j + 1)) + math.log(share / (1 - share))
    return kept


@lru_cache(maxsize=32)
def _coefficients(law: OffspringLaw, degree: int) -> Float[np.ndarray, " {degree}+1"]:
    return law.coefficients(degree)
