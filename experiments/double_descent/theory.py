"""What theory says of `double-descent`: exact risks at the points that are measured, and along fine curves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from deepk.activations import get
from deepk.asymptotics import kernel_risk, optimal_ridge, random_features_risk
from deepk.asymptotics.random_features import feature_spectrum
from deepk.kernels import CompositionalKernel
from experiments.double_descent import (
    BEST,
    BIAS,
    IMAGES,
    NORM,
    RISK,
    TRAINING,
    VARIANCE,
    Config,
    ridge_name,
)
from experiments.images import images

FINE = 161
CURVES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # ridges of the figure of the peak
WIDTHS = (6.0, 12.0, 25.0, 50.0, 200.0, math.inf)  # N / n of the thresholds; at N = 3 n there is none
RATIOS = (1e-3, 1e6)  # between which they are looked for
HALVINGS = 36
COLUMNS = ["what", "dimension", "features", "ridge", "noise", "quantity", "value"]


def predict(cfg: Config) -> pd.DataFrame:
    """Rows by `what`: points, curve, peak, threshold, of random features; images."""
    rows = [*_points(cfg), *_curves(cfg), *_peaks(cfg), *_thresholds(cfg), *_images(cfg)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _points(cfg: Config) -> Iterator[tuple[Any, ...]]:
    """At the numbers of features and samples that are measured in each dimension."""
    for d in cfg.dimensions:
        counts = cfg.features(d)
        for row in _risks(cfg, np.array(counts) / d, cfg.samples(d) / d):
            yield ("points", d, counts[row[0]], *row[1:])


def _curves(cfg: Config) -> Iterator[tuple[Any, ...]]:
    ratios = np.geomspace(min(cfg.features_per_dimension), max(cfg.features_per_dimension), FINE)
    for row in _risks(cfg, ratios, cfg.samples_per_dimension):
        yield ("curve", 0, float(ratios[row[0]]), *row[1:])


def _risks(cfg: Config, psi_1: Float[np.ndarray, " points"], psi_2: float) -> Iterator[tuple[Any, ...]]:
    """Index, ridge, noise, quantity, value."""
    for noise in cfg.noises:
        best = optimal_ridge(psi_1, psi_2, activation=cfg.activation, noise=noise).ridge
        for name, ridge in [*((ridge_name(ridge), ridge) for ridge in cfg.ridges), (BEST, best)]:
            found = random_features_risk(psi_1, psi_2, ridge=ridge, activation=cfg.activation, noise=noise)
            for quantity, values in (
                (RISK, found.risk),
                (BIAS, found.bias),
                (VARIANCE, found.variance),
                (TRAINING, found.training_error),
                (NORM, found.squared_norm),
            ):
                for index, value in enumerate(values.tolist()):
                    yield (index, name, noise, quantity, value)


def _peaks(cfg: Config) -> Iterator[tuple[Any, ...]]:
    """Risk along N / d without noise, at ridges from nearly none on."""
    ratios = np.geomspace(0.1, 100, FINE)
    for ridge in CURVES:
        risks = random_features_risk(ratios, cfg.samples_per_dimension, ridge=ridge, activation=cfg.activation).risk
        for ratio, risk in zip(ratios.tolist(), risks.tolist(), strict=True):
            yield ("peak", 0, ratio, ridge_name(ridge), 0.0, RISK, risk)


def _thresholds(cfg: Config) -> Iterator[tuple[Any, ...]]:
    """The ratio of signal to noise above which the best ridge is zero, at each width; zeta^2 at infinite width."""
    spectrum = feature_spectrum(get(cfg.activation))
    zeta_squared = float(spectrum.eigenvalues[0]) / spectrum.tail if spectrum.tail else math.inf
    yield ("threshold", 0, math.inf, BEST, 0.0, "zeta squared", zeta_squared)
    psi_1 = np.array(WIDTHS) * cfg.samples_per_dimension
    low, high = (np.full(len(psi_1), math.log(ratio)) for ratio in RATIOS)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        ridge = optimal_ridge(
            psi_1, cfg.samples_per_dimension, activation=cfg.activation, signal=np.exp(middle), noise=1.0
        ).ridge
        low, high = np.where(ridge > 0, middle, low), np.where(ridge > 0, high, middle)
    for width, ratio in zip(psi_1.tolist(), np.exp((low + high) / 2).tolist(), strict=True):
        yield ("threshold", 0, width, BEST, 0.0, "ratio of signal to noise", ratio)


class Population(NamedTuple):
    """Images as if they were all there are.

    Attributes:
        x: less their mean, and then of norm one. With the mean, which has three quarters of ReLU's kernel on images,
            half of all units are silent on all of them, and features are far from Gaussian.
        y: classes, one column each, without the mean, of mean square one in all.
    """

    x: Float[Tensor, "images pixels"]
    y: Float[Tensor, "images classes"]


def population(cfg: Config) -> Population:
    """The first images of the data set, training set first."""
    found = images(cfg)
    x = torch.cat([found.train_x, found.test_x])[: cfg.population].double()
    x = normalize(x - x.mean(dim=0), dim=1)
    labels = torch.cat([found.train_y, found.test_y])[: cfg.population]
    y = one_hot(labels, len(found.classes)).double()
    y -= y.mean(dim=0)
    return Population(x, y / y.square().sum(dim=1).mean().sqrt())


@cache
def kernel(activation: str) -> CompositionalKernel:
    """That of infinitely many features."""
    return CompositionalKernel(activation, 1)


def _images(cfg: Config) -> Iterator[tuple[Any, ...]]:
    """By the eigenvalues and the target's power of the population's own kernel matrix, each of multiplicity one."""
    x, y = population(cfg)
    eigenvalues, vectors = torch.linalg.eigh(kernel(cfg.activation).gram(x) / len(x))
    power = (vectors.T @ y).square().sum(dim=1) / len(x)
    for ridge in cfg.image_ridges:
        risks = kernel_risk(
            eigenvalues.clamp(min=0).numpy(),
            np.ones(len(x)),
            power.numpy(),
            samples=cfg.image_samples,
            features=np.array(cfg.image_features, float),
            ridge=ridge,
        )
        for features, risk in zip(cfg.image_features, risks.tolist(), strict=True):
            yield (IMAGES, 0, features, ridge_name(ridge), 0.0, RISK, risk)
