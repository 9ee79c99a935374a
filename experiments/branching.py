"""A deep network's kernel is the generating function of a branching process, whose children follow a_k^2.

(Liang, Tran-Bach 2020, arXiv:2004.04767, figure 2 and table 2; slide 'Branching Process and Compositional Kernels'.)

Claim      K^(L)(rho) = E rho^{Z_L} for the Galton-Watson process with P(Y = k) = a_k^2. It dies out with probability
           xi, the smallest fixed point of G; where mu > 1, Z_L / mu^L converges to W with E exp(-t W) = phi(t),
           phi(mu t) = G(phi(t)), an atom xi at 0. Critical: P(Z_l > 0) = 1 / (l + 1) for geometric(0.5), and
           ~ 9 pi^2 / (2 l^2) for ReLU, whose number of children has P(Y >= k) ~ (2 / pi)^(3/2) / (6 k^(3/2)).
Measured   Processes drawn from the whole law: the share extinct, the mean, E exp(-t Z_L / mu^L) and the distribution of
           Z_L / mu^L at three depths; and for single individuals the shares of each number of children.
Deviates   The paper shows the laws, and prints xi; numbers of paths and generations are ours. Its table has n (1 - s)
           in the denominator of the uniform law's G, where n + 1 is right. A growing process is followed until mu^l
           exceeds `growth`; where the mean is infinite (an activation that jumps), a population only until its
           extinction has become impossible but for 1e-12.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from deepk.branching.laws import CRITICAL
from deepk.kernels import Binomial, DualKernel, GaltonWatson, Geometric, OffspringLaw, Poisson, Uniform
from deepk.lab.contract import Lab, Unit
from experiments.allowed import parse_law
from experiments.branching_claims import claims
from experiments.branching_figures import draw

if TYPE_CHECKING:
    from experiments.schema import Branching

    Row = tuple[str, float, float, float, float, float]  # quantity, generation, at, count, mean, mean square

__all__ = ["claims", "draw", "measure", "predict", "units"]

COLUMNS = ("law", "seed", "quantity", "generation", "at", "count", "mean", "mean_square")
FIGURES = (
    "sample-paths",
    "martingale-limit",
    "laplace-transform",
    "extinction",
    "generating-functions",
    "offspring",
)
KNOWN_DEVIATIONS: dict[str, str] = {}

EXTINCT = 1e-9  # mu^l, which is at least P(Z_l > 0), at which a subcritical process has ended
IMMORTAL = 1e-12  # probability of extinction from which on a population of infinite mean is not followed any more
ROUNDED = 1e-9  # generations, by which a rounding of mu may be off
CROWD = 1000  # individuals up to which it is followed in any case, to be drawn
SHOWN_GENERATIONS = 20  # of the sample paths; and of all paths where the mean is infinite
PER_DECADE = 8  # generations that are kept
T = 2.0 ** np.arange(-4, 5)  # of the Laplace transform: with 2 t beside t, for its variance
X = np.concatenate([np.arange(0, 2, 0.125), np.arange(2, 5.1, 0.25)])  # of the distribution of Z_L / mu^L
FAMILIES = np.arange(11)  # numbers of children whose probabilities are kept; beyond them, powers of two
TAILS = 2 ** np.arange(11)
UNRESOLVED = 1e-12  # a probability that rounding may have made
T_LINE = np.geomspace(0.05, 20, 60)
X_LINE = np.linspace(0.02, 5, 150)
S_LINE = np.linspace(0, 1, 101)
S = S_LINE[10:100:20]  # of the generating function: 0.1, 0.3, ..., 0.9
TAILS_LINE = np.unique(np.geomspace(1, TAILS[-1], 60).round().astype(int))


def sources(cfg: Branching) -> dict[str, OffspringLaw]:
    """Every law by the name that it has in the tables: activations un-centered and centered, then the named ones."""
    found: dict[str, OffspringLaw] = {}
    for activation, centered in product(cfg.activations, (False, True)):
        found[f"centered {activation}" if centered else activation] = DualKernel(activation, centered=centered)
    return found | {law.name: law for law in map(named_law, cfg.laws)}


def named_law(text: str) -> OffspringLaw:
    """The law of a text such as "binomial(4, 0.5)"."""
    name, numbers = parse_law(text)
    if name == "binomial":
        return Binomial(int(numbers[0]), numbers[1])
    if name == "uniform":
        return Uniform(int(numbers[0]))
    return {"poisson": Poisson, "geometric": Geometric}[name](numbers[0])


def last_generation(law: OffspringLaw, cfg: Branching) -> int:
    """Where a process is left: once mu^l exceeds `growth`, or nobody is left, or at `generations`."""
    if math.isinf(law.mu):
        return min(SHOWN_GENERATIONS, cfg.generations)
    if law.mu == 0 or abs(law.mu - 1) <= CRITICAL:
        return 1 if law.mu == 0 else cfg.generations
    end = cfg.growth if law.mu > 1 else EXTINCT
    return min(cfg.generations, math.ceil(math.log(end) / math.log(law.mu) - ROUNDED))


def compared_generations(law: OffspringLaw, cfg: Branching) -> list[int]:
    """The generations whose Z_L / mu^L is compared with W: where mu^L is the 4th root of `growth`, its root, and it."""
    if not 1 + CRITICAL < law.mu < math.inf:
        return []
    end = last_generation(law, cfg)
    return sorted({math.ceil(end / 4), math.ceil(end / 2), end})


def kept_generations(law: OffspringLaw, cfg: Branching) -> list[int]:
    """Evenly spaced on a logarithmic scale where they can be, and those that are compared."""
    end = last_generation(law, cfg)
    spaced = np.geomspace(1, end, 1 + math.ceil(PER_DECADE * math.log10(end))).round().astype(int)
    return sorted({*spaced.tolist(), *compared_generations(law, cfg)})


# --- theory -----------------------------------------------------------------------------------------------------------


def predict(cfg: Branching) -> pd.DataFrame:
    """What every measured mean tends to, and the limits: W's Laplace transform and distribution, xi, mu."""
    tables = [
        pd.DataFrame(_theory(law, cfg), columns=["quantity", "generation", "at", "value"]).assign(law=name)
        for name, law in sources(cfg).items()
    ]
    return pd.concat(tables, ignore_index=True)[["law", "quantity", "generation", "at", "value"]]


def _theory(law: OffspringLaw, cfg: Branching) -> Iterator[tuple[str, float, float, float]]:
    process = GaltonWatson(law)
    for name, value in (("mu", law.mu), ("xi", law.extinction_probability), ("variance", offspring_variance(law))):
        yield name, math.nan, math.nan, value
    kept = kept_generations(law, cfg)
    survival = process.survival(kept[-1]).clip(max=1.0)  # rounded up where nobody dies
    yield from (("alive", generation, math.nan, survival[generation]) for generation in [0, *kept])
    for generation in compared_generations(law, cfg):
        twice = np.append(T, 2 * T[-1])
        yield from (("laplace", generation, t, v) for t, v in zip(twice, _laplace(law, generation, twice), strict=True))
    if 1 + CRITICAL < law.mu < math.inf:
        t = np.union1d(T, T_LINE)
        phi = np.asarray(process.martingale_limit_laplace(t))
        yield from (("limit", math.inf, at, value) for at, value in zip(t, phi, strict=True))
        below = limit_distribution(process)
        yield from (("distribution", math.inf, x, p) for x, p in zip(X_LINE, below, strict=True))
    yield from (("generating", math.nan, s, v) for s, v in zip(S_LINE, law(S_LINE), strict=True))
    yield from (
        ("exactly", math.nan, k, p) for k, p in zip(FAMILIES.tolist(), law.coefficients(int(FAMILIES[-1])), strict=True)
    )
    k = np.union1d(TAILS, TAILS_LINE)
    yield from (("at least", math.nan, j, p) for j, p in zip(k.tolist(), _tails(law, k), strict=True))


def offspring_variance(law: OffspringLaw) -> float:
    """G''(1) + mu - mu^2; infinite where (G'(1) - G'(1 - u)) / u grows without bound as u tends to 0."""
    if math.isinf(law.mu):
        return math.inf
    near, nearer = (float(law.slope_gap(np.array([u]))[0]) / u for u in (1e-8, 1e-12))
    return nearer + law.mu - law.mu**2 if nearer < 2 * near or nearer == 0 else math.inf


def _laplace(law: OffspringLaw, generation: int, t: np.ndarray) -> np.ndarray:
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
    return np.where(tails > UNRESOLVED, tails, 0.0)


# --- measurement ------------------------------------------------------------------------------------------------------


def units(cfg: Branching) -> list[Unit]:
    """A batch of processes for each law and seed."""
    return [Unit({"law": law, "seed": seed}) for law in sources(cfg) for seed in cfg.seeds]


def measure(cfg: Branching, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Means over paths of what theory.csv predicts, with mean squares; and of the first seed some paths themselves."""
    name, seed = str(unit.key["law"]), int(unit.key["seed"])
    law = sources(cfg)[name]
    generator = lab.numpy_generator(seed, f"processes of {name}")
    rows = list(_single_individuals(law, cfg, generator))
    rows += _processes(law, cfg, generator, shown=cfg.shown_paths if seed == cfg.seeds[0] else 0)
    lab.progress()
    return pd.DataFrame(rows, columns=list(COLUMNS[2:]))


def _single_individuals(law: OffspringLaw, cfg: Branching, generator: np.random.Generator) -> Iterator[Row]:
    children = next_generation(law, np.ones(cfg.offspring), generator)
    if math.isfinite(law.mu):
        yield _mean("children", math.nan, math.nan, children)
    yield from (_mean("exactly", math.nan, k, children == k) for k in FAMILIES.tolist())
    yield from (_mean("at least", math.nan, k, children >= k) for k in TAILS.tolist())
    yield from (_mean("generating", math.nan, s, s**children) for s in S)


def _processes(law: OffspringLaw, cfg: Branching, generator: np.random.Generator, *, shown: int) -> Iterator[Row]:
    kept, compared = set(kept_generations(law, cfg)), set(compared_generations(law, cfg))
    sizes, most = np.ones(cfg.paths), _followed(law)
    yield from (("path", 0, path, 1, 1.0, math.nan) for path in range(shown))
    for generation in range(1, last_generation(law, cfg) + 1):
        followed = np.flatnonzero((sizes[:shown] > 0) & np.isfinite(sizes[:shown]))
        moving = np.flatnonzero((sizes > 0) & (sizes <= most) & np.isfinite(sizes))
        sizes[moving] = next_generation(law, sizes[moving], generator)
        if generation <= SHOWN_GENERATIONS:
            yield from (("path", generation, path, 1, sizes[path], math.nan) for path in followed.tolist())
        sizes[sizes > most] = math.inf
        if generation in kept:
            yield _mean("alive", generation, math.nan, sizes > 0)
            if math.isfinite(law.mu):
                yield _mean("size", generation, math.nan, sizes / law.mu**generation)
        if generation in compared:
            scaled = sizes / law.mu**generation
            yield from (_mean("laplace", generation, t, np.exp(-t * scaled)) for t in T)
            yield from (_mean("distribution", generation, x, scaled <= x) for x in X)


def _mean(quantity: str, generation: float, at: float, values: np.ndarray) -> Row:
    numbers = values.astype(np.float64)
    return quantity, generation, at, len(numbers), float(numbers.mean()), float((numbers**2).mean())


def _followed(law: OffspringLaw) -> float:
    """The largest population that is followed: any, but for a law of infinite mean."""
    if math.isfinite(law.mu):
        return math.inf
    xi = law.extinction_probability
    return max(CROWD, math.log(IMMORTAL) / math.log(xi)) if xi > 0 else CROWD


def next_generation(law: OffspringLaw, sizes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The numbers of children of populations; infinite where one of them is too large to be drawn."""
    try:
        return law.sums(sizes.astype(np.int64), generator).astype(np.float64)
    except ValueError:
        if len(sizes) == 1:
            return np.array([math.inf])
        halves = np.array_split(sizes, 2)
        return np.concatenate([next_generation(law, half, generator) for half in halves])
