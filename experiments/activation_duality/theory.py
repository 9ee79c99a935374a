"""What theory says of `activation-duality`: the table without any series, and 1 - c^l on the edge -> theory.csv."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from deepk.kernels import DualKernel
from deepk.meanfield import MeanField, edge_of_chaos
from experiments.activation_duality import Config

Row = tuple[str, int, float]  # quantity, index, value


def predict(cfg: Config) -> pd.DataFrame:
    """The table's quantities and the coefficients of each activation, and 1 - c^l of each critical network."""
    rows = [
        (name, centered, *row)
        for name in cfg.activations
        for centered in (False, True)
        for row in _exact(DualKernel(name, centered=centered), cfg)
    ]
    for name in cfg.critical:
        complements = edge(cfg, name).complements(0.0, cfg.generations)
        rows += [(name, False, "survival", layer, float(u)) for layer, u in enumerate(complements)]
    return pd.DataFrame(rows, columns=["activation", "centered", "quantity", "index", "value"])


def _exact(dual: DualKernel, cfg: Config) -> Iterator[Row]:
    """mu and mu_star from E sigma'^2 and from G', and a_1^2 = G'(0): none of them from a series."""
    coefficients = dual.coefficients(max(cfg.truncation, 2))
    yield "mu", 0, dual.mu
    yield "a_1_squared", 0, float(dual.derivative(0.0))
    yield "mu_star", 0, dual.mu_star
    yield "mu_star_above_2", 0, dual.mu_star - 2 * math.log(2) * float(coefficients[2])
    yield "xi", 0, dual.extinction_probability
    for k, square in enumerate(coefficients.tolist()):
        yield "coefficient", k, square


def edge(cfg: Config, name: str) -> MeanField:
    """A network of this activation on its edge of chaos."""
    point = edge_of_chaos(name, sigma_b=cfg.bias(name))
    return MeanField(name, sigma_w=point.sigma_w, sigma_b=point.sigma_b, q=point.q)
