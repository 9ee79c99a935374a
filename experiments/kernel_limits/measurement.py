"""What is measured for `kernel-limits`: means over Galton-Watson processes and over random networks -> data.csv."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from deepk.branching import PowersOfTwo
from deepk.kernels import GaltonWatson, network_correlations
from deepk.lab import Lab, Unit
from experiments.kernel_limits import COLUMNS, KEY, POWERS_OF_TWO, Config
from experiments.kernel_limits.cases import Case, Curve, cases, correlations, times

LARGEST = 1e7  # mean population up to which processes are drawn

Row = tuple[str, int, float, float, float, int]


def units(cfg: Config) -> list[Unit]:
    """Processes and networks of each case and seed, and processes of the powers of two."""
    named = [(source, case.activation, case.centering) for source in ("branching", "networks") for case in cases(cfg)]
    named.append(("branching", POWERS_OF_TWO, "uncentered"))
    return [Unit(dict(zip(KEY, (*name, seed), strict=True))) for name in named for seed in cfg.seeds]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """For each kind, depth and point the mean over processes or networks, and their standard deviation."""
    case = Case(str(unit.key["activation"]), str(unit.key["centering"]))
    source = str(unit.key["source"])
    stream = int(unit.key["seed"]), f"{source} {case.activation} {case.centering}"
    if source == "networks":
        found = _networks(cfg, case, lab.generator(*stream))
    elif case.activation == POWERS_OF_TWO:
        found = _slow_processes(cfg, lab.numpy_generator(*stream))
    else:
        found = _processes(cfg, case, lab.numpy_generator(*stream))
    lab.progress()
    return pd.DataFrame(found, columns=list(COLUMNS[len(KEY) :]))


def _row(kind: str, depth: int, x: float, values: Curve) -> Row:
    return kind, depth, x, float(values.mean()), float(values.std(ddof=1)), len(values)


def _processes(cfg: Config, case: Case, generator: np.random.Generator) -> list[Row]:
    """E rho^{Z_L}; of offspring with an infinite mean only the first generation, which the next would not fit."""
    mu = case.dual.mu
    depths = [depth for depth in case.depths(cfg) if (depth == 1 if math.isinf(mu) else mu**depth <= LARGEST)]
    if not depths:
        return []
    sizes = GaltonWatson(case.dual).simulate(max(depths), cfg.paths, generator=generator)[:, depths].astype(np.float64)
    rows = []
    for column, depth in enumerate(depths):
        z = sizes[:, column]
        rows += [_row("unscaled", depth, rho, rho**z) for rho in correlations(cfg)]
        if math.isfinite(mu):
            s = case.exponents(depth, times(cfg))
            rows += [_row("rescaled", depth, t, np.exp(-at) ** z) for t, at in zip(times(cfg), s, strict=True)]
    return rows


def _slow_processes(cfg: Config, generator: np.random.Generator) -> list[Row]:
    """1 - E exp(-Z_L / mu^L) of the powers of two."""
    law, generations = PowersOfTwo(), cfg.kesten_stigum_generations
    sizes = GaltonWatson(law).simulate(generations, cfg.paths, generator=generator)
    depths = range(1, generations + 1)
    return [_row("kesten-stigum", depth, 1.0, -np.expm1(-sizes[:, depth] * law.mu**-depth)) for depth in depths]


def _networks(cfg: Config, case: Case, generator: torch.Generator) -> list[Row]:
    """Correlations of outputs: an unscaled point has one draw for all depths, a rescaled one a draw for each."""

    def cosines(rho: float, depth: int) -> Float[np.ndarray, "networks depth"]:
        size = {"width": cfg.width, "networks": cfg.networks}
        found = network_correlations(
            case.activation, rho, depth=depth, generator=generator, centered=case.dual.centered, **size
        )
        return found.numpy()

    rows = []
    for rho in correlations(cfg):
        through = cosines(rho, max(cfg.depths))
        rows += [_row("unscaled", depth, rho, through[:, depth - 1]) for depth in cfg.depths]
    if math.isfinite(case.dual.mu):
        for depth in cfg.depths:
            s = case.exponents(depth, times(cfg))
            for t, at in zip(times(cfg), s, strict=True):
                rows.append(_row("rescaled", depth, t, cosines(math.exp(-at), depth)[:, -1]))
    return rows
