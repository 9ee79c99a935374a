"""What is measured for `memorization`: minimal depths of matrices, and their eigenvalues against depth -> data.csv."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from deepk.kernels import CompositionalKernel, memorization_depth
from deepk.lab import Lab, Unit
from experiments.memorization import ARRANGEMENTS, COLUMNS, KEY, Config
from experiments.memorization.points import cases, circle, shown, spiral
from experiments.memorization.theory import LEVELS, Rows, depths


def units(cfg: Config) -> list[Unit]:
    """Each arrangement of points with each activation, whose kernels are tabulated once for all of its matrices."""
    return [
        Unit(dict(zip(KEY, (arrangement, name), strict=True)))
        for name in cfg.activations
        for arrangement in ARRANGEMENTS
    ]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Minimal depths; at the first seed the largest un-centered eigenvalue there, and the curves that are drawn."""
    arrangement, name = str(unit.key["arrangement"]), str(unit.key["activation"])
    seeds = cfg.seeds if arrangement == "uniform" else cfg.seeds[:1]
    rows: Rows = []
    for n, d, kappa in cases(cfg, arrangement):
        for seed in seeds:
            points = points_of(arrangement, n, d, seed, lab)
            depth = memorization_depth(points, name, kappa)
            key = {"n": n, "d": d, "seed": seed, "kappa": kappa}
            rows.append({**key, "quantity": "minimal depth", "value": depth})
            if seed == seeds[0] and kappa == cfg.kappa:
                largest = _eigenvalues(points, name, depth, centered=False)[-1]
                rows.append({**key, "quantity": "un-centered", "depth": depth, "level": 1.0, "value": largest})
    if arrangement != "sphere":
        rows += _curves(cfg, arrangement, name, lab)
    lab.progress()
    return pd.DataFrame(rows, columns=list(COLUMNS[len(KEY) :]))


def points_of(arrangement: str, n: int, d: int, seed: int, lab: Lab) -> Float[np.ndarray, "n d"]:
    """Rows of any length, since a kernel looks at their directions; those of a seed serve every activation."""
    if arrangement == "uniform":
        generator = lab.generator(seed, f"points {n} {d}")
        return torch.randn(n, d, generator=generator, dtype=torch.float64).numpy()
    return circle(n) if arrangement == "circle" else spiral(n)


def _eigenvalues(points: Float[np.ndarray, "n d"], name: str, depth: int, *, centered: bool) -> Float[np.ndarray, " n"]:
    return np.linalg.eigvalsh(CompositionalKernel(name, depth, centered=centered).gram(points))


def _curves(cfg: Config, arrangement: str, name: str, lab: Lab) -> Iterator[dict[str, Any]]:
    """Quantiles of the eigenvalues of the points that are drawn, at each depth that is kept."""
    n, d = shown(cfg, arrangement)
    seed = cfg.seeds[0]
    points = points_of(arrangement, n, d, seed, lab)
    for depth in depths(cfg, arrangement, name):
        quantiles = np.quantile(_eigenvalues(points, name, depth, centered=True), LEVELS)
        for level, value in zip(LEVELS, quantiles, strict=True):
            key = {"n": n, "d": d, "seed": seed, "kappa": math.nan, "depth": depth, "level": level}
            yield {**key, "quantity": "eigenvalue", "value": value}
