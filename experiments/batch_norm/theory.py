"""What theory says of `batch-norm`: by how much a normalized layer changes a gradient, and what a guess gets right."""

from __future__ import annotations

import math

import pandas as pd

from deepk.kernels import DualKernel
from deepk.meanfield import edge_of_chaos
from experiments.batch_norm import Config, edge_sigma_b
from experiments.images import images


def predict(cfg: Config) -> pd.DataFrame:
    """The logarithm of `growth` for each activation; the accuracy of the best constant guess.

    Raises ValueError for an activation without an edge of chaos, before anything is trained.
    """
    for name in cfg.activations:
        edge_of_chaos(name, sigma_b=edge_sigma_b(cfg, name))
    test_y = images(cfg).test_y
    rows = [{"activation": name, "log_growth": math.log(growth(name))} for name in cfg.activations]
    return pd.DataFrame(rows).assign(chance=float(test_y.bincount().max()) / len(test_y), test_images=len(test_y))


def growth(activation: str) -> float:
    """sqrt(E phi'(Z)^2 / Var phi(Z)), Z standard normal, for infinite width and batch.

    Backward through weights of variance sigma_w^2 / n, the activation and the normalization, a gradient's mean square
    is multiplied by sigma_w^2 E phi'(Z)^2 / s^2, where s^2 = sigma_w^2 Var phi(Z) is the variance that is normalized:
    the mean over the batch takes the common part with it, and what is left is as good as independent (Yang, Pennington,
    Rao, Sohl-Dickstein, Schoenholz 2019, arXiv:1902.08129).
    """
    return math.sqrt(DualKernel(activation, centered=True).mu)
