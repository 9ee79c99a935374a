"""What is measured for `rf-nt-nn`: the error of one draw of weights, projected or trained -> data.csv."""

from __future__ import annotations

import math

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from deepk.lab import Lab, Unit
from experiments.rf_nt_nn import KEY, NN, NT, RF, Config
from experiments.rf_nt_nn.theory import eigenvalues

SETTLE = 0.3  # share of the steps after which the learning rate falls
FALL = 100.0  # by which it falls until the end
EVERY = 100  # steps between reports


def units(cfg: Config) -> list[Unit]:
    """A draw of weights for each model, number of neurons and seed; a step is one of SGD, or a projection."""
    return [
        Unit(
            dict(zip(KEY, (model, cfg.dimension_of(model), neurons, seed), strict=True)),
            steps=cfg.steps if model == NN else EVERY,
        )
        for model in (NN, RF, NT)
        for neurons in reversed(cfg.neurons(model))
        for seed in cfg.seeds
    ]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """One number: the error over the target's variance 2 |B|^2."""
    model, d, neurons, seed = (unit.key[name] for name in KEY)
    generator = lab.generator(int(seed), f"{model} {neurons}")
    values = torch.from_numpy(eigenvalues(cfg, int(d)))
    weights = torch.randn(int(neurons), int(d), generator=generator, dtype=torch.float64) / math.sqrt(int(d))
    if model == NN:
        value = _trained(cfg, weights.to(lab.device), values.to(lab.device), generator, lab)
    else:
        value = {RF: random_features, NT: tangents}[str(model)](weights.to(lab.device), values.to(lab.device))
        lab.progress(EVERY)
    return pd.DataFrame({"value": [value]})


def random_features(weights: Float[Tensor, "neurons d"], values: Float[Tensor, " d"]) -> float:
    """What (w_i . x)^2 - |w_i|^2 leave of x^T B x - tr B: covariances 2 <w_i, w_j>^2 and 2 w_i^T B w_i."""
    covariance, with_target = (weights @ weights.T).square(), weights.square() @ values
    # as many features as dimensions of symmetric matrices and more are dependent
    learnt = with_target @ (torch.linalg.pinv(covariance, hermitian=True) @ with_target)
    return float(1 - learnt / values.square().sum())


def tangents(weights: Float[Tensor, "neurons d"], values: Float[Tensor, " d"]) -> float:
    """What <w_i, x> <b_i, x>, for any b_i, leave: B on the complement of the weights' span."""
    d = len(values)
    if len(weights) >= d:
        return 0.0
    basis = torch.linalg.qr(weights.T, mode="complete").Q[:, len(weights) :]
    left = basis.T @ (values[:, None] * basis)
    return float(left.square().sum() / values.square().sum())


def _trained(cfg: Config, weights: Tensor, values: Tensor, generator: torch.Generator, lab: Lab) -> float:
    """One-pass SGD on f(x) = sum_i <w_i, x>^2 + c; its error over all x in closed form."""
    shift = -weights.square().sum()
    size = values.max()
    for step in range(cfg.steps):
        done = step / cfg.steps
        rate = cfg.learning_rate / size * FALL ** -max(0.0, (done - SETTLE) / (1 - SETTLE))
        x = torch.randn(cfg.batch_size, len(values), generator=generator, dtype=torch.float64).to(values.device)
        y = (x.square() - 1) @ values
        hidden = x @ weights.T
        missed = hidden.square().sum(dim=1) + shift - y
        weights -= rate * (hidden * missed[:, None]).T @ x / len(x)
        shift -= rate * len(values) * missed.mean()
        if (step + 1) % EVERY == 0:
            lab.progress(EVERY)
    difference = weights.T @ weights - torch.diag(values)
    error = 2 * difference.square().sum() + (weights.square().sum() + shift) ** 2
    return float(error / (2 * values.square().sum()))
