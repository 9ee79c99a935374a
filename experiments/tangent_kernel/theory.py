"""What theory says of `tangent-kernel`: both kernels around a half circle, for each depth."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deepk.kernels import CompositionalKernel, TangentKernel
from experiments.tangent_kernel import FEATURES, TANGENT, Config

FINE = 181  # angles of the curves


def angles(cfg: Config) -> np.ndarray:
    """Of the points, from 0 to pi."""
    return np.linspace(0, math.pi, cfg.points)


def predict(cfg: Config) -> pd.DataFrame:
    """Kernels at the points' angles and, for curves, at finer ones; Theta(1) = 1 + mu + ... + mu^(L-1)."""
    rows = []
    for layers in sorted({*cfg.layers, cfg.deep}):
        for name, kernel in (
            (FEATURES, CompositionalKernel(cfg.activation, layers - 1)),
            (TANGENT, TangentKernel(cfg.activation, layers - 1)),
        ):
            for grid, at in (("points", angles(cfg)), ("curve", np.linspace(0, math.pi, FINE))):
                values = np.asarray(kernel(np.cos(at)))
                rows += [(layers, name, grid, *pair) for pair in zip(at.tolist(), values.tolist(), strict=True)]
    return pd.DataFrame(rows, columns=["layers", "quantity", "grid", "angle", "value"])
