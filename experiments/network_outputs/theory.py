"""What theory says of `network-outputs`: how variance and change of an output spread through the layers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from deepk.meanfield import MeanField, edge_of_chaos
from experiments.network_outputs import PHASES, Config


def predict(cfg: Config) -> pd.DataFrame:
    """For each input (a_1, 0): the variance of the output there, and of its change to the next grid point."""
    return pd.concat([_along_axis(cfg, point) for point in points(cfg)], ignore_index=True)


def _along_axis(cfg: Config, point: Point) -> pd.DataFrame:
    theory = MeanField(cfg.activation, sigma_w=point.sigma_w, sigma_b=point.sigma_b)
    rows = [(a, *_change(theory, a, b, cfg.depth)) for a, b in pairwise(ticks(cfg).tolist())]
    table = pd.DataFrame(rows, columns=["a_1", "variance", "change"])
    return table.assign(phase=point.phase, sigma_b=point.sigma_b, sigma_w=point.sigma_w)


def _change(theory: MeanField, a: float, b: float, depth: int) -> tuple[float, float]:
    """Variance of the output y(a, 0), and of y(b, 0) - y(a, 0), by the covariance map from layer to layer."""
    bias, weight = theory.sigma_b**2, theory.sigma_w**2 / 2  # two inputs
    q_a, q_b, covariance = bias + weight * a * a, bias + weight * b * b, bias + weight * a * b
    for _ in range(depth - 1):
        length = math.sqrt(q_a * q_b)  # zero at the origin of a network without biases
        c = max(-1.0, min(1.0, covariance / length)) if length > 0 else 0.0
        covariance = theory.covariance_map(q_a, q_b, c)
        q_a, q_b = theory.variance_map(q_a), theory.variance_map(q_b)
    return q_a, q_a + q_b - 2 * covariance


@dataclass(frozen=True)
class Point:
    """Where a network starts, and what its phase is called."""

    phase: str
    sigma_b: float
    sigma_w: float


def points(cfg: Config) -> list[Point]:
    """The slides' two, and one on the edge between them."""
    edge = edge_of_chaos(cfg.activation, sigma_b=cfg.edge_sigma_b)
    sigma_b = (cfg.ordered_sigma_b, edge.sigma_b, cfg.chaotic_sigma_b)
    sigma_w = (cfg.ordered_sigma_w, edge.sigma_w, cfg.chaotic_sigma_w)
    return [Point(*point) for point in zip(PHASES, sigma_b, sigma_w, strict=True)]


def ticks(cfg: Config) -> np.ndarray:
    """The grid along one axis of the plane, symmetric about 0."""
    half = int(cfg.reach / cfg.step + 1e-9)  # rounding of the division
    return cfg.step * np.arange(-half, half + 1)
