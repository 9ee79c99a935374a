"""The Galton-Watson process that a deep network is: K^(L)(rho) = E rho^{Z_L}.

(Liang, Tran-Bach 2020, arXiv:2004.04767; the limits are those of Kesten and Stigum 1966.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int

from deepk import activations
from deepk.activations import Activation
from deepk.arrays import Array, elementwise
from deepk.branching.iterates import iterate
from deepk.branching.laws import CRITICAL, OffspringLaw
from deepk.branching.named_laws import Finite
from deepk.kernels.dual import dual_kernel

Source = str | Activation | OffspringLaw | Sequence[float] | np.ndarray
Regime = Literal["extinction", "identity", "martingale limit", "Kesten-Stigum", "infinite mean"]

# How small t / mu^L is made: e^{-tW} is then linear in it to 1e-14 even for ReLU, where the next term is x^(3/2).
_START = 1e-30


def as_law(source: Source, *, centered: bool = False) -> OffspringLaw:
    """The offspring law of an activation (P(Y = k) = a_k^2), of probabilities p_0, p_1, ..., or a law as it is.

    Raises ValueError where only an activation could be centered.
    """
    if isinstance(source, str | Activation):
        return dual_kernel(activations.get(source), centered)
    if centered:
        raise ValueError("only an activation can be centered: this is a law already")
    return source if isinstance(source, OffspringLaw) else Finite(source)


class GaltonWatson:
    """Z_0 = 1, and Z_{l+1} the number of children of Z_l individuals, each with an independent number by the law.

    Attributes:
        law: `DualKernel` for an activation; `Poisson`, `Binomial`, `Uniform`, `Geometric`, or any other `OffspringLaw`.
    """

    def __init__(self, source: Source, *, centered: bool = False) -> None:
        """From an activation, centered or not, a list of probabilities, or a law; raises what `as_law` does."""
        self.law = as_law(source, centered=centered)

    @property
    def mu(self) -> float:
        """E Z_1."""
        return self.law.mu

    @property
    def extinction_probability(self) -> float:
        """xi = P(Z_l = 0 for some l), the smallest fixed point of G in [0, 1]; 1 for mu <= 1, unless Z_1 = 1 surely."""
        return self.law.extinction_probability

    def survival(self, generations: int) -> Float[np.ndarray, " {generations}+1"]:
        """P(Z_l > 0) = 1 - G o ... o G (0) for l = 0..generations, relatively accurate."""
        alive = np.ones(index(generations) + 1)
        for generation in range(generations):
            here = alive[generation : generation + 1]
            alive[generation + 1] = min(here[0], self.law.complement(here)[0])  # never up, by a rounding
        return alive

    def simulate(
        self, generations: int, paths: int, *, generator: np.random.Generator
    ) -> Int[np.ndarray, "{paths} {generations}+1"]:
        """Z_0, ..., Z_generations of independent processes, drawn from the whole law: no tail is cut off.

        Raises ValueError where a population exceeds 7e16, or has too many large families to draw one by one.
        """
        if index(generations) < 0 or index(paths) < 1:
            raise ValueError(f"generations = {generations}, paths = {paths}: it takes at least 0 and 1")
        sizes = np.ones((paths, generations + 1), np.int64)
        for generation in range(generations):
            sizes[:, generation + 1] = self.law.sums(sizes[:, generation], generator)
        return sizes

    def martingale_limit_laplace(self, t: float | np.ndarray) -> float | np.ndarray:
        """E exp(-t W) for t >= 0, W = lim Z_l / mu^l, unconditional: at infinity it is P(W = 0) = xi.

        The solution of phi(mu t) = G(phi(t)), phi'(0) = -1, as G o ... o G (exp(-t / mu^L)) with t / mu^L = 1e-30.
        Where mu <= 1 or mu_star is infinite W is zero, and this 1 (exp(-t) where Z_l = 1 for ever). Near mu = 1 the
        relative error of 1 - phi grows to about 1e-13 / (mu - 1).

        Raises ValueError for a negative t, or an infinite mean: Z_l / mu^l has no meaning then.
        """
        if math.isinf(self.mu):
            raise ValueError(f"{self.law.name} has an infinite mean: there is no martingale limit")
        return elementwise(self._laplace, t)

    def _laplace(self, t: Array) -> Array:
        _check(t)
        law = self.law
        if law.is_identity:
            return np.asarray(np.exp(-t))
        if law.mu <= 1 + CRITICAL or math.isinf(law.mu_star):
            return np.ones_like(t)
        value = np.where(np.isinf(t), law.extinction_probability, 1.0)
        inside = (t > 0) & np.isfinite(t)
        if inside.any():
            depth = max(1, math.ceil((math.log(t[inside].max()) - math.log(_START)) / math.log(law.mu)))
            u = t[inside] * math.exp(-depth * math.log(law.mu))
            theta = iterate(law, depth)(torch.from_numpy(2 * np.arcsin(np.sqrt(u / 2))))
            value[inside] = theta.cos().numpy()
        return np.asarray(value)


@dataclass(frozen=True)
class RescaledLimit:
    """lim of K^(L)(exp(-t / s_L)) as L tends to infinity.

    Attributes:
        value: like t.
        regime: 'extinction' (mu <= 1, s_L = 1), 'identity' (a_1^2 = 1, s_L = 1), 'martingale limit' (mu > 1,
            mu_star < inf, s_L = mu^L), 'Kesten-Stigum' (mu < inf = mu_star, s_L = mu^L), or 'infinite mean' (mu = inf,
            s_L = m^L for any m).
    """

    value: float | np.ndarray
    regime: Regime


def rescaled_limit(activation: Source, t: float | np.ndarray, *, centered: bool = False) -> RescaledLimit:
    """The limit of the compositional kernel at correlations that approach 1 with depth, for t >= 0; the regime named.

    mu <= 1: 1 (exp(-t) if a_1^2 = 1). 1 < mu < inf and mu_star < inf: E exp(-t W) with the unconditional W; the paper
    prints xi + (1 - xi) E exp(-t W), which is the same with W conditioned on survival. mu_star infinite: 1, since then
    W = 0 by the theorem of Kesten and Stigum, where the paper prints 0. mu infinite: xi for t > 0.

    Args:
        activation: or a law, or probabilities, as `GaltonWatson` takes.
        t: a number or array.
        centered: of an activation.
    """
    process = GaltonWatson(activation, centered=centered)
    law, xi = process.law, process.extinction_probability
    if math.isinf(law.mu):
        return RescaledLimit(elementwise(lambda s: np.where(_check(s) > 0, xi, 1.0), t), "infinite mean")
    regime: Regime = "martingale limit"
    if law.is_identity:
        regime = "identity"
    elif law.mu <= 1 + CRITICAL:
        regime = "extinction"
    elif math.isinf(law.mu_star):
        regime = "Kesten-Stigum"
    return RescaledLimit(process.martingale_limit_laplace(t), regime)


def _check(t: Array) -> Array:
    if not (t >= 0).all():
        raise ValueError(f"t = {t[~(t >= 0)].flat[0]} is not at least 0")
    return t
