"""What theory says of `eoc-training`: where networks start, how gradients change, and what a guess gets right."""

from __future__ import annotations

import pandas as pd

from deepk.meanfield import MeanField, edge_of_chaos
from experiments.eoc_training import Config
from experiments.images import images
from experiments.published.eoc_training import SCRIPT_POINTS
from experiments.published.images import RE_ENCODED


def predict(cfg: Config) -> pd.DataFrame:
    """Where each network starts, the factor chi_1^depth on its gradients, and the accuracy of the best constant guess.

    chi_1 is that of the network without batch normalization.
    """
    data = images(cfg)
    rows = []
    for name in cfg.activations:
        for initialization in cfg.initializations:
            sigma_b, sigma_w, q = initial_point(cfg, name, initialization)
            limit = MeanField(name, sigma_w=sigma_w, sigma_b=sigma_b).limiting_variance() if _rounded(cfg, name) else q
            slope = MeanField(name, sigma_w=sigma_w, sigma_b=sigma_b, q=limit).chi_1
            rows.append((name, initialization, sigma_b, sigma_w, q, slope, slope**cfg.depth))
    columns = ["activation", "initialization", "sigma_b", "sigma_w", "q", "chi_1", "gradient_factor"]
    table = pd.DataFrame(rows, columns=columns)
    chance = float(data.test_y.bincount().max()) / len(data.test_y)
    named = RE_ENCODED.get(data.sha256, cfg.data.name)
    return table.assign(chance=chance, test_images=len(data.test_y), images=named)


def _rounded(cfg: Config, activation: str) -> bool:
    """Whether its point on the edge is the script's."""
    return cfg.edge == "script" and activation in SCRIPT_POINTS


def initial_point(cfg: Config, activation: str, initialization: str) -> tuple[float, float, float]:
    """(sigma_b, sigma_w, q) of an initialization; the input is scaled by sqrt(q), as in the authors' script."""
    if initialization == "ordered":
        sigma_b, sigma_w = cfg.ordered_sigma_b, cfg.ordered_sigma_w
        return sigma_b, sigma_w, MeanField(activation, sigma_w=sigma_w, sigma_b=sigma_b).limiting_variance()
    if _rounded(cfg, activation):
        return SCRIPT_POINTS[activation]
    point = edge_of_chaos(activation, sigma_b=cfg.sigma_b.get(activation, cfg.default_sigma_b))
    return point.sigma_b, point.sigma_w, point.q
