"""What theory says of `batch-norm`: by how much a normalized layer changes a gradient, and what a guess gets right."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deepk import activations
from deepk.gaussian import expectation
from experiments.batch_norm import Config
from experiments.images import images


def predict(cfg: Config) -> pd.DataFrame:
    """The logarithm of `growth` for each activation; the accuracy of the best constant guess."""
    test_y = images(cfg).test_y
    rows = [{"activation": name, "log_growth": float(np.log(growth(name)))} for name in cfg.activations]
    return pd.DataFrame(rows).assign(chance=float(test_y.bincount().max()) / len(test_y), test_images=len(test_y))


def growth(activation: str) -> float:
    """sqrt(E phi'(Z)^2 / Var phi(Z)), Z standard normal, for infinite width and batch.

    Backward through weights of variance sigma_w^2 / n, the activation and the normalization, a gradient's mean square
    is multiplied by sigma_w^2 E phi'(Z)^2 / s^2, where s^2 = sigma_w^2 Var phi(Z) is the variance that is normalized:
    the mean over the batch takes the common part with it, and what is left is as good as independent (Yang, Pennington,
    Rao, Sohl-Dickstein, Schoenholz 2019, arXiv:1902.08129).
    """
    known = activations.get(activation)
    mean = expectation(known, kinks=known.breaks)
    square = expectation(lambda z: known(z) ** 2, kinks=known.breaks)
    slope = expectation(lambda z: known.derivative(z) ** 2, kinks=known.breaks)
    return math.sqrt(slope / (square - mean**2))
