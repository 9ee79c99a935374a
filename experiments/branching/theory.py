"""What theory says of `branching`: what every measured mean tends to, and the martingale limits -> theory.csv."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from deepk.branching import OffspringLaw
from deepk.kernels import GaltonWatson
from experiments.branching import FAMILIES, S_LINE, TAILS, Config, T
from experiments.branching.laws import compared_generations, grows, kept_generations, sources

_UNRESOLVED = 1e-12  # a probability that rounding may have made
_T_LINE = np.geomspace(0.05, 20, 60)
X_LINE = np.linspace(0.02, 5, 150)
_TAILS_LINE = np.unique(np.geomspace(1, TAILS[-1], 60).round().astype(int))

Row = tuple[str, float, float, float]  # quantity, generation, at, value


def predict(cfg: Config) -> pd.DataFrame:
    """What every measured mean tends to, and the limits: W's Laplace transform and distribution, xi, mu."""
    tables = [
        pd.DataFrame(_theory(law, cfg), columns=["quantity", "generation", "at", "value"]).assign(law=name)
        for name, law in sources(cfg).items()
    ]
    return pd.concat(tables, ignore_index=True)[["law", "quantity", "generation", "at", "value"]]


def _theory(law: OffspringLaw, cfg: Config) -> Iterator[Row]:
    for name, value in (("mu", law.mu), ("xi", law.extinction_probability), ("variance", offspring_variance(law))):
        yield name, math.nan, math.nan, value
    kept = kept_generations(law, cfg)
    survival = GaltonWatson(law).survival(kept[-1]).clip(max=1.0)  # rounded up where nobody dies
    yield from (("alive", generation, math.nan, survival[generation]) for generation in [0, *kept])
    twice = np.append(T, 2 * T[-1])
    for generation in compared_generations(law, cfg):
        yield from _line("laplace", generation, twice, laplace_transform(law, generation, twice))
    if grows(law):
        t = np.union1d(T, _T_LINE)
        yield from _line("limit", math.inf, t, np.asarray(GaltonWatson(law).martingale_limit_laplace(t)))
        yield from _line("distribution", math.inf, X_LINE, limit_distribution(GaltonWatson(law)))
    yield from _line("generating", math.nan, S_LINE, law(S_LINE))
    yield from _line("exactly", math.nan, FAMILIES, law.coefficients(int(FAMILIES[-1])))
    k = np.union1d(TAILS, _TAILS_LINE)
    yield from _line("at least", math.nan, k, _tails(law, k))


def _line(quantity: str, generation: float, at: np.ndarray, values: np.ndarray) -> Iterator[Row]:
    yield from ((quantity, generation, x, value) for x, value in zip(at.tolist(), values, strict=True))


def offspring_variance(law: OffspringLaw) -> float:
    """G''(1) + mu - mu^2; infinite where (G'(1) - G'(1 - u)) / u grows without bound as u tends to 0."""
    if math.isinf(law.mu):
        return math.inf
    near, nearer = (float(law.slope_gap(np.array([u]))[0]) / u for u in (1e-8, 1e-12))
    return nearer + law.mu - law.mu**2 if nearer < 2 * near or nearer == 0 else math.inf


def laplace_transform(law: OffspringLaw, generation: int, t: np.ndarray) -> np.ndarray:
    """E exp(-t Z_l / mu^l) = G o ... o G (exp(-t / mu^l))."""
    u = -np.expm1(-t / law.mu**generation)
    for _ in range(generation):
        u = law.complement(u)
    return np.asarray(1 - u)


def limit_distribution(process: GaltonWatson) -> np.ndarray:
    """P(W <= x) at X_LINE from E exp(-t W) at real t, by the formula of Gaver and Stehfest.

    sum_k v_k phi(k log 2 / x) / k with 14 terms: the most whose weights, up to 2e8, leave 1e-5 of a transform in
    float64. As good for a smooth density, and to 1e-2 where it falls as steeply as that of uniform(20).
    """
    half = 7
    k = np.arange(1, 2 * half + 1)
    weights = [
        (-1) ** (half + i)
        * math.fsum(
            j**half * math.factorial(2 * j) / math.prod(map(math.factorial, (half - j, j, j - 1, i - j, 2 * j - i)))
            for j in range((i + 1) // 2, min(i, half) + 1)
        )
        for i in k.tolist()
    ]
    phi = np.asarray(process.martingale_limit_laplace(k * math.log(2) / X_LINE[:, None]))
    return np.asarray(phi @ (np.array(weights) / k))


def _tails(law: OffspringLaw, k: np.ndarray) -> np.ndarray:
    """P(Y >= k); what may be rounding is 0."""
    p = law.coefficients(int(k.max()))
    beyond = max(0.0, 1 - math.fsum(p))
    tails = beyond + np.cumsum(p[::-1])[::-1][k]
    return np.where(tails > _UNRESOLVED, tails, 0.0)
