"""What theory says of `random-features`: coefficients, what they leave out, and how far features scatter."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from deepk.features.compressed import feature_deviation
from experiments.published.images import RE_ENCODED
from experiments.random_features import Config
from experiments.random_features.inputs import coefficients, images, maps


def predict(cfg: Config) -> pd.DataFrame:
    """alpha_k and the mass beyond them, deviations of the kernel estimate; the data set, its size, and chance."""
    data = images(cfg)
    chance = float(data.test_y.bincount().max()) / len(data.test_y)
    rows = [_row("chance", chance), _row("training images", len(data.y)), _row("test images", len(data.test_y))]
    # What a run with so many features shows: nothing that happens less often than once.
    seen = -float(ndtri(0.5 / (cfg.errors.total * cfg.errors.runs)))
    for (name, depth), rho in itertools.product(maps(cfg), cfg.errors.rhos):
        alpha = coefficients(cfg, name, depth)
        rows.append(_row("deviation", feature_deviation(alpha, rho), name, depth, rho=rho))
        rows.append(_row("visible deviation", feature_deviation(alpha, rho, within=seen), name, depth, rho=rho))
    for name, depth in itertools.product(cfg.activations, range(1, max(cfg.gram_depths, *cfg.depths) + 1)):
        alpha = coefficients(cfg, name, depth)
        rows += [_row("alpha", value, name, depth, index=k) for k, value in enumerate(alpha)]
        rows.append(_row("tail", max(0.0, 1 - float(alpha.sum())), name, depth))
    return pd.DataFrame(rows).assign(images=RE_ENCODED.get(data.sha256, cfg.data.name))


def _row(
    quantity: str, value: float, activation: str = "all", depth: int = 0, *, index: int = 0, rho: float = np.nan
) -> dict[str, Any]:
    key = {"activation": activation, "depth": depth, "index": index, "rho": rho}
    return {**key, "quantity": quantity, "value": float(value)}
