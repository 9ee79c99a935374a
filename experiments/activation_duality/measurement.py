"""What is measured for `activation-duality`: the series, the paper's recipe, and critical processes -> data.csv."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from deepk.branching import Finite
from deepk.hermite import monte_carlo_coefficients
from deepk.kernels import DualKernel
from deepk.lab import Lab, Unit
from experiments.activation_duality import COLUMNS, KEY, Config
from experiments.activation_duality.theory import Row, edge

_ITERATIONS = 10_000  # of G from 0: a critical law cut at its 4096th member has a mean of 0.996


def units(cfg: Config) -> list[Unit]:
    """The series of each activation; its Monte Carlo recipe, and each critical process, for each seed."""
    parts = [("series", name, 0) for name in cfg.activations]
    for part, names in (("recipe", cfg.activations), ("branching", cfg.critical)):
        parts += [(part, name, seed) for name in names for seed in cfg.seeds]
    return [Unit(dict(zip(KEY, part, strict=True))) for part in parts]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Rows of one of the three parts."""
    name, seed = str(unit.key["activation"]), int(unit.key["seed"])
    rows: list[tuple[bool, str, int, float]] = []
    if unit.key["part"] == "series":
        for centered in (False, True):
            rows += [(centered, *row) for row in _series(DualKernel(name, centered=centered), cfg.series_degree)]
    elif unit.key["part"] == "recipe":
        generator = lab.generator(seed, f"recipe {name}")
        for run in range(cfg.runs):
            x = torch.randn(cfg.samples, generator=generator, dtype=torch.float64)
            a = monte_carlo_coefficients(name, x, cfg.truncation)
            for centered in (False, True):
                a[0] = 0.0 if centered else a[0]
                rows += [(centered, *row) for row in _of_law(Finite(a**2 / (a**2).sum()), run)]
    else:
        rows += [(False, *row) for row in _survivors(cfg, name, lab.numpy_generator(seed, f"paths {name}"))]
    lab.progress()
    return pd.DataFrame(rows, columns=list(COLUMNS[len(KEY) :]))


def _series(dual: DualKernel, degree: int) -> Iterator[Row]:
    """Partial sums of the series up to an eighth, a quarter, a half and all of the degree; xi of the law cut there."""
    p = dual.coefficients(degree)
    k = np.arange(degree + 1)
    logarithms = np.log(np.maximum(k, 1))
    for terms in (degree // 8, degree // 4, degree // 2, degree):
        yield "mu", terms, math.fsum((k * p)[: terms + 1])
        yield "mu_star", terms, math.fsum((k * logarithms * p)[: terms + 1])
    yield "a_1_squared", 1, float(p[1])
    if not dual.centered:
        s = 0.0
        for _ in range(_ITERATIONS):
            s = float(p @ s**k / p.sum())
        yield "xi", degree, s


def _of_law(law: Finite, run: int) -> Iterator[Row]:
    """The table's quantities of one run of the recipe; of the first, the law itself."""
    k = np.arange(len(law.probabilities))
    yield "mu", run, law.mu
    yield "a_1_squared", run, law.a1_squared
    yield "mu_star", run, math.fsum(k * np.log(np.maximum(k, 1)) * law.probabilities)
    yield "xi", run, law.extinction_probability
    if run == 0:
        for degree, square in enumerate(law.probabilities):
            yield "coefficient", degree, square


def _survivors(cfg: Config, name: str, generator: np.random.Generator) -> Iterator[Row]:
    """How many of the processes are alive, generation by generation."""
    critical = edge(cfg, name)
    q = critical.limiting_variance()
    offspring = DualKernel(critical.activation.rescaled(math.sqrt(q)))
    fertile = 1 - critical.sigma_b**2 / q
    sizes = np.ones(cfg.paths, np.int64)
    for generation in range(1, cfg.generations + 1):
        sizes = offspring.sums(generator.binomial(sizes, fertile), generator)
        yield "alive", generation, float(np.count_nonzero(sizes))
