"""What is measured for `double-descent`: ridge regression, for all numbers of random features in turn -> data.csv."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from deepk.activations import get
from deepk.asymptotics import optimal_ridge
from deepk.lab import Lab, Unit
from deepk.meanfield import moments
from experiments.double_descent import (
    BEST,
    BIAS,
    FEATURES,
    IMAGES,
    KEY,
    NORM,
    RISK,
    TANGENTS,
    TRAINING,
    VARIANCE,
    Config,
    ridge_name,
)
from experiments.double_descent.theory import population

Rows = list[dict[str, Any]]


def units(cfg: Config) -> list[Unit]:
    """An instance of each model, dimension and seed; a step is a number of features."""
    models = [(FEATURES, d, len(cfg.features_per_dimension)) for d in sorted(cfg.dimensions, reverse=True)]
    models += [(TANGENTS, cfg.tangent_dimension, len(cfg.neurons)), (IMAGES, 0, len(cfg.image_features))]
    return [
        Unit(dict(zip(KEY, (model, dimension, seed), strict=True)), steps=steps)
        for model, dimension, steps in models
        for seed in cfg.seeds
    ]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Rows of one instance."""
    model, dimension, seed = (unit.key[name] for name in KEY)
    generator = lab.generator(int(seed), f"{model} {dimension}")
    instance = {FEATURES: _random_features, TANGENTS: _tangents, IMAGES: _images}[str(model)]
    rows: Rows = []
    for some in instance(cfg, int(dimension), generator, lab.device):
        rows += some
        lab.progress()
    return pd.DataFrame(rows)


def _random_features(cfg: Config, d: int, generator: torch.Generator, device: str) -> Iterator[Rows]:
    """Of a linear function of norm one on the sphere of radius sqrt(d); fewer features are the first of more."""
    x, test = (sphere(count, d, generator, device) for count in (cfg.samples(d), cfg.test_points))
    directions = sphere(max(cfg.features(d)), d, generator, device)
    beta = sphere(1, d, generator, device)[0] / math.sqrt(d)
    noise = torch.randn(len(x), generator=generator, dtype=torch.float64).to(device)
    sigma = get(cfg.activation)
    z, test_z = (sigma(points @ directions.T / math.sqrt(d)) for points in (x, test))
    targets = torch.stack([x @ beta, noise], dim=1)
    signal = test @ beta
    for count in cfg.features(d):
        best = optimal_ridge(count / d, len(x) / d, activation=cfg.activation, noise=np.array(cfg.noises)).ridge
        named: list[tuple[str, float, float | None]] = [(ridge_name(ridge), ridge, None) for ridge in cfg.ridges]
        named += [(BEST, ridge, level) for ridge, level in zip(best.tolist(), cfg.noises, strict=True)]
        ridges = [ridge * len(x) * count / d for _, ridge, _ in named]
        solutions = ridge_regression(z[:, :count], targets, ridges)
        rows: Rows = []
        for (name, _, only), a in zip(named, solutions, strict=True):
            predicted, fitted = test_z[:, :count] @ a, z[:, :count] @ a
            missed, of_noise = signal - predicted[:, 0], predicted[:, 1]
            shared = {"features": count, "ridge": name}
            if only is None:
                rows.append(shared | {"noise": 0.0, "quantity": BIAS, "value": float(missed.square().mean())})
                rows.append(shared | {"noise": 0.0, "quantity": VARIANCE, "value": float(of_noise.square().mean())})
            for level in cfg.noises if only is None else [only]:
                scale = math.sqrt(level)
                left = (targets - fitted) @ targets.new_tensor([1.0, scale])
                both = a @ a.new_tensor([1.0, scale])
                for quantity, value in (
                    (RISK, (missed - scale * of_noise).square().mean()),
                    (TRAINING, left.square().mean()),
                    (NORM, both.square().sum() * count / d),
                ):
                    rows.append(shared | {"noise": level, "quantity": quantity, "value": float(value)})
        yield rows


def _tangents(cfg: Config, d: int, generator: torch.Generator, device: str) -> Iterator[Rows]:
    """Gradients of a two-layer network by its hidden weights, sigma'(<w, x>) x: N neurons have N d features."""
    x, test = (sphere(count, d, generator, device) for count in (cfg.tangent_samples, cfg.test_points))
    directions = sphere(max(cfg.neurons), d, generator, device)
    beta = sphere(1, d, generator, device)[0] / math.sqrt(d)
    noise = torch.randn(len(x), generator=generator, dtype=torch.float64).to(device)
    slope = get(cfg.activation).derivative
    level = max(cfg.noises)
    target = x @ beta + math.sqrt(level) * noise
    gates, test_gates = (slope(points @ directions.T / math.sqrt(d)) for points in (x, test))
    for neurons in cfg.neurons:
        z, test_z = (
            (gate[:, :neurons, None] * points[:, None, :]).reshape(len(points), -1) / math.sqrt(d)
            for gate, points in ((gates, x), (test_gates, test))
        )
        rows: Rows = []
        ridges = [ridge * len(x) * neurons for ridge in cfg.ridges]
        for ridge, a in zip(cfg.ridges, ridge_regression(z, target[:, None], ridges), strict=True):
            risk = float((test @ beta - (test_z @ a)[:, 0]).square().mean())
            shared = {"features": neurons * d, "ridge": ridge_name(ridge), "noise": level}
            rows.append(shared | {"quantity": RISK, "value": risk})
        yield rows


def _images(cfg: Config, _: int, generator: torch.Generator, device: str) -> Iterator[Rows]:
    """Some images learnt, and the mean square error on all; features sigma(<w, x>), their mean square one."""
    x, y = (part.to(device) for part in population(cfg))
    chosen = torch.randperm(len(x), generator=generator)[: cfg.image_samples].to(device)
    weights = torch.randn(max(cfg.image_features), x.shape[1], generator=generator, dtype=torch.float64).to(device)
    sigma = get(cfg.activation)
    every = sigma(x @ weights.T) / math.sqrt(moments.second_moment(sigma, 1.0))
    for count in cfg.image_features:
        z = every[:, :count] / math.sqrt(count)
        rows: Rows = []
        for ridge, a in zip(cfg.image_ridges, ridge_regression(z[chosen], y[chosen], cfg.image_ridges), strict=True):
            risk = float((y - z @ a).square().sum(dim=1).mean())
            shared = {"features": count, "ridge": ridge_name(ridge), "noise": 0.0}
            rows.append(shared | {"quantity": RISK, "value": risk})
        yield rows


def sphere(count: int, d: int, generator: torch.Generator, device: str) -> Float[Tensor, "count d"]:
    """Points uniform on the sphere of radius sqrt(d)."""
    x: Tensor = torch.randn(count, d, generator=generator, dtype=torch.float64)
    on_sphere: Tensor = x * (math.sqrt(d) / x.norm(dim=1, keepdim=True))
    return on_sphere.to(device)


def ridge_regression(
    z: Float[Tensor, "n features"], y: Float[Tensor, "n targets"], ridges: list[float]
) -> list[Float[Tensor, "features targets"]]:
    """The coefficients that minimize the sum of squares plus each ridge times theirs, by one decomposition for all."""
    wide = z.shape[1] > z.shape[0]
    eigenvalues, vectors = torch.linalg.eigh(z @ z.T if wide else z.T @ z)
    along = vectors.T @ (y if wide else z.T @ y)
    found = [vectors @ (along / (eigenvalues.clamp(min=0) + ridge)[:, None]) for ridge in ridges]
    return [z.T @ part for part in found] if wide else found
