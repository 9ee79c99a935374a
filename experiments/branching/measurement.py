"""What is measured for `branching`: processes and single individuals drawn from each law -> data.csv."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from deepk.branching import OffspringLaw
from deepk.lab import Lab, Unit
from experiments.branching import COLUMNS, FAMILIES, KEY, S_LINE, TAILS, Config, T
from experiments.branching.laws import (
    SHOWN_GENERATIONS,
    compared_generations,
    kept_generations,
    last_generation,
    sources,
)

_IMMORTAL = 1e-12  # probability of extinction from which on a population of infinite mean is not followed any more
_CROWD = 1000  # individuals up to which it is followed in any case, to be drawn
_X = np.concatenate([np.arange(0, 2, 0.125), np.arange(2, 5.1, 0.25)])  # of the distribution of Z_L / mu^L
_S = S_LINE[10:100:20]  # of the generating function: 0.1, 0.3, ..., 0.9

Row = tuple[str, float, float, float, float, float]  # quantity, generation, at, count, mean, mean square


def units(cfg: Config) -> list[Unit]:
    """A batch of processes for each law and seed."""
    return [Unit({"law": law, "seed": seed}) for law in sources(cfg) for seed in cfg.seeds]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Means over paths of what theory.csv predicts, with mean squares; and of the first seed some paths themselves."""
    name, seed = str(unit.key["law"]), int(unit.key["seed"])
    law = sources(cfg)[name]
    generator = lab.numpy_generator(seed, f"processes of {name}")
    rows = list(_single_individuals(law, cfg, generator))
    rows += _processes(law, cfg, generator, shown=cfg.shown_paths if seed == cfg.seeds[0] else 0)
    lab.progress()
    return pd.DataFrame(rows, columns=list(COLUMNS[len(KEY) :]))


def _single_individuals(law: OffspringLaw, cfg: Config, generator: np.random.Generator) -> Iterator[Row]:
    children = next_generation(law, np.ones(cfg.offspring), generator)
    if math.isfinite(law.mu):
        yield _mean("children", math.nan, math.nan, children)
    yield from (_mean("exactly", math.nan, k, children == k) for k in FAMILIES.tolist())
    yield from (_mean("at least", math.nan, k, children >= k) for k in TAILS.tolist())
    yield from (_mean("generating", math.nan, s, s**children) for s in _S)


def _processes(law: OffspringLaw, cfg: Config, generator: np.random.Generator, *, shown: int) -> Iterator[Row]:
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
            yield from (_mean("distribution", generation, x, scaled <= x) for x in _X)


def _mean(quantity: str, generation: float, at: float, values: np.ndarray) -> Row:
    numbers = values.astype(np.float64)
    return quantity, generation, at, len(numbers), float(numbers.mean()), float((numbers**2).mean())


def _followed(law: OffspringLaw) -> float:
    """The largest population that is followed: any, but for a law of infinite mean."""
    if math.isfinite(law.mu):
        return math.inf
    xi = law.extinction_probability
    return max(_CROWD, math.log(_IMMORTAL) / math.log(xi)) if xi > 0 else _CROWD


def next_generation(law: OffspringLaw, sizes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The numbers of children of populations; infinite where one of them is too large to be drawn."""
    try:
        return law.sums(sizes.astype(np.int64), generator).astype(np.float64)
    except ValueError:
        if len(sizes) == 1:
            return np.array([math.inf])
        halves = np.array_split(sizes, 2)
        return np.concatenate([next_generation(law, half, generator) for half in halves])
