"""The points of `memorization`: the circle's packing, a spiral on the sphere, and at which n, d and kappa."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from experiments.memorization import Config

Case = tuple[int, int, float]  # n, d, kappa


def circle(n: int) -> Float[np.ndarray, "n 2"]:
    """n equally spaced points: the maximal packing."""
    angle = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def spiral(n: int) -> Float[np.ndarray, "n 3"]:
    """n points on a sphere, of equal steps in height and a golden-ratio turn each: nearly a maximal packing."""
    turn, height = math.pi * (3 - math.sqrt(5)) * np.arange(n), 1 - (2 * np.arange(n) + 1) / n
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), height], axis=1)


def cases(cfg: Config, arrangement: str) -> list[Case]:
    """Each n, d and kappa at which the minimal depth is measured."""
    if arrangement != "uniform":
        d = 2 if arrangement == "circle" else 3
        return [(n, d, cfg.kappa) for n in (cfg.circle if d == 2 else cfg.sphere)]
    found = [(n, cfg.dimension, cfg.kappa) for n in cfg.sizes] + [(cfg.size, d, cfg.kappa) for d in cfg.dimensions]
    found += [(cfg.size, cfg.dimension, kappa) for kappa in [cfg.kappa, *cfg.kappas]]
    return sorted(set(found))


def shown(cfg: Config, arrangement: str) -> tuple[int, int]:
    """n and d of the points whose eigenvalues are drawn against depth: uniform ones, or the circle's."""
    return (cfg.size, cfg.dimension) if arrangement == "uniform" else (cfg.circle_shown, 2)
