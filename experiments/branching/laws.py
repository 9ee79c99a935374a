"""The laws of `branching` by their names, and how many generations of each are followed, kept and compared."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from deepk.branching import Binomial, Geometric, OffspringLaw, Poisson, Uniform
from deepk.branching.laws import CRITICAL
from deepk.branching.named_laws import parse_law
from deepk.kernels import DualKernel
from experiments.branching import Config

SHOWN_GENERATIONS = 20  # of the sample paths; and of all paths where the mean is infinite
_EXTINCT = 1e-9  # mu^l, which is at least P(Z_l > 0), at which a subcritical process has ended
_ROUNDED = 1e-9  # generations, by which a rounding of mu may be off
_PER_DECADE = 8  # generations that are kept


def sources(cfg: Config) -> dict[str, OffspringLaw]:
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


def last_generation(law: OffspringLaw, cfg: Config) -> int:
    """Where a process is left: once mu^l exceeds `growth`, or nobody is left, or at `generations`."""
    if math.isinf(law.mu):
        return min(SHOWN_GENERATIONS, cfg.generations)
    if law.mu == 0 or abs(law.mu - 1) <= CRITICAL:
        return 1 if law.mu == 0 else cfg.generations
    end = cfg.growth if law.mu > 1 else _EXTINCT
    return min(cfg.generations, math.ceil(math.log(end) / math.log(law.mu) - _ROUNDED))


def grows(law: OffspringLaw) -> bool:
    """Whether Z_L / mu^L has a limit that is not 0."""
    return 1 + CRITICAL < law.mu < math.inf


def compared_generations(law: OffspringLaw, cfg: Config) -> list[int]:
    """The generations whose Z_L / mu^L is compared with W: where mu^L is the 4th root of `growth`, its root, and it."""
    if not grows(law):
        return []
    end = last_generation(law, cfg)
    return sorted({math.ceil(end / 4), math.ceil(end / 2), end})


def kept_generations(law: OffspringLaw, cfg: Config) -> list[int]:
    """Evenly spaced on a logarithmic scale where they can be, and those that are compared."""
    end = last_generation(law, cfg)
    spaced = np.geomspace(1, end, 1 + math.ceil(_PER_DECADE * math.log10(end))).round().astype(int)
    return sorted({*spaced.tolist(), *compared_generations(law, cfg)})
