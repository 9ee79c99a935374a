"""What the deterministic equivalent says of `staircase`: at what is measured, along curves, and on a map."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from deepk.asymptotics import kernel_risk, staircase
from experiments.staircase import BOTH, CUBIC, DEEP, KERNEL, SHALLOW, SHIFTED, WIDE, Config
from experiments.staircase.kernels import TANGENTS, features

COLUMNS = ["what", "kernel", "dimension", "features", "samples", "value"]
FINE, MAP = 81, 41
HIGHEST = 3.4  # power of d up to which curves go


def predict(cfg: Config) -> pd.DataFrame:
    """Rows by `what`: the models that are measured; curve; map; plateau."""
    rows = [*_measured(cfg), *_curves(cfg), *_map(cfg), *_plateaus(cfg)]
    return pd.DataFrame(rows, columns=COLUMNS)


def of_kernel(name: str, d: int, power: list[float], samples: np.ndarray) -> np.ndarray:
    """Kernel ridge regression without a ridge."""
    return np.asarray(staircase(TANGENTS[name], d, power, samples=samples))


def of_features(
    d: int,
    power: list[float],
    *,
    neurons: np.ndarray | float,
    samples: np.ndarray | float,
    ridge: float = 0.0,
    noise: float = 0.0,
) -> np.ndarray:
    """Random features of the shifted ReLU."""
    known = features(d)
    padded = np.pad(np.array(power), (0, len(known.coefficients) - len(power)))
    return np.asarray(
        kernel_risk(
            known.coefficients**2,
            known.multiplicities,
            padded,
            samples=samples,
            features=neurons,
            ridge=ridge,
            noise=noise,
            tail=known.tail,
        )
    )


def _measured(cfg: Config) -> Iterator[tuple[Any, ...]]:
    d, ns = cfg.dimension, np.array(cfg.samples, float)
    for name in (SHALLOW, DEEP):
        for n, risk in zip(cfg.samples, of_kernel(name, d, cfg.power, ns).tolist(), strict=True):
            yield (KERNEL, name, d, 0, n, risk)
        cubic = of_kernel(name, cfg.cubic_dimension, [0, 0, 0, 1], np.array(cfg.cubic_samples, float))
        for n, risk in zip(cfg.cubic_samples, cubic.tolist(), strict=True):
            yield (CUBIC, name, cfg.cubic_dimension, 0, n, risk)
    wide = of_features(d, cfg.power, neurons=np.array(cfg.features, float), samples=math.inf)
    for count, risk in zip(cfg.features, wide.tolist(), strict=True):
        yield (WIDE, SHIFTED, d, count, 0, risk)
    for count, n in cfg.pairs:
        risk = of_features(d, cfg.power, neurons=count, samples=n, ridge=cfg.ridge, noise=cfg.noise)
        yield (BOTH, SHIFTED, d, count, n, float(risk))


def _curves(cfg: Config) -> Iterator[tuple[Any, ...]]:
    """Against the power of d, in every dimension."""
    for d in sorted({cfg.dimension, *cfg.dimensions}):
        at = d ** np.linspace(0.3, HIGHEST, FINE)
        for name in (SHALLOW, DEEP):
            for n, risk in zip(at.tolist(), of_kernel(name, d, cfg.power, at).tolist(), strict=True):
                yield ("curve", name, d, 0, n, risk)
        for count, risk in zip(
            at.tolist(), of_features(d, cfg.power, neurons=at, samples=math.inf).tolist(), strict=True
        ):
            yield ("curve", SHIFTED, d, count, 0, risk)


def _map(cfg: Config) -> Iterator[tuple[Any, ...]]:
    """The risk over N and n, both from d^(1/2) on."""
    at = cfg.dimension ** np.linspace(0.5, HIGHEST, MAP)
    neurons, samples = np.meshgrid(at, at, indexing="ij")
    risks = of_features(cfg.dimension, cfg.power, neurons=neurons, samples=samples, ridge=cfg.ridge, noise=cfg.noise)
    for count, n, risk in zip(neurons.ravel().tolist(), samples.ravel().tolist(), risks.ravel().tolist(), strict=True):
        yield ("map", SHIFTED, cfg.dimension, count, n, risk)


def _plateaus(cfg: Config) -> Iterator[tuple[Any, ...]]:
    """Half-way between steps, in the dimension in which they are steepest."""
    d = max(cfg.dimensions)
    at = d ** (np.arange(1, len(cfg.power)) + 0.5)
    for n, risk in zip(at.tolist(), of_kernel(DEEP, d, cfg.power, at).tolist(), strict=True):
        yield ("plateau", DEEP, d, 0, n, risk)
    wide = of_features(d, cfg.power, neurons=at, samples=math.inf)
    for count, risk in zip(at.tolist(), wide.tolist(), strict=True):
        yield ("plateau", SHIFTED, d, count, 0, risk)
