"""Deep kernels compressed into one layer of random features classify MNIST and CIFAR-10, best at depth one.

(Liang, Tran-Bach 2020, arXiv:2004.04767: figures and tables of accuracy, slides and journal version; figures 8 and 9.)

Claim      K^(L)(rho) = sum alpha_k rho^k = E f(<x, theta>) f(<y, theta>) with f = sum_{k <= 20} sqrt(alpha_k) h_k, for
           unit vectors x, y and Gaussian theta: one layer of m random features in place of L layers (algorithm 2).
           Un-centered sigmoid loses accuracy with L under SGD, not under ridge regression on the same features:
           alpha_0 = .85, .98, .997 leaves little but a constant. Centered, ReLU, GELU and Swish lose with L, and
           sigmoid, whose mu is next to 1, does not. The features lose, whose high degrees vary hugely; on a subset of
           CIFAR-10 the kernels themselves gain with L.
Measured   Training and test accuracy of logistic regression by plain SGD, against epochs, for each activation and
           depth; beside it ridge regression on the same features, ridge regression with the exact kernel on a subset,
           random features of the RBF kernel, and raw pixels. The sensitivity to batch size and to the Monte Carlo
           estimate of coefficients. The error of the kernel estimate against m; mass of the kernel beyond degree 20,
           and condition numbers, against L.
Deviates   The slides do not state the batch size: 32 is taken, which fits the printed training accuracies best, and
           others are swept. Features are not divided by sqrt(m), weights start at zero, without bias, and training
           accuracy is that of an epoch's batches before their update: with these the printed numbers come out.
           Coefficients are exact where the paper's are Monte Carlo estimates; those are swept. CIFAR-10 may be the
           re-encoding as JPEG, and is named so. At smaller scales the images are 8x8 digits: printed accuracies are
           then not comparable, what is concluded from them is.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from deepk.features.compressed import feature_deviation
from deepk.lab.contract import Lab, Unit
from deepk.networks.training import steps_per_epoch
from experiments.published.random_features import CELLS, RE_ENCODED
from experiments.random_features_claims import claims
from experiments.random_features_figures import draw
from experiments.random_features_kernels import conditions, errors, tails
from experiments.random_features_training import (
    BASELINES,
    EXACT,
    coefficients,
    exact_kernel,
    images,
    maps,
    ridge_accuracies,
    train,
    train_baseline,
)

if TYPE_CHECKING:
    from experiments.schema import RandomFeatures

__all__ = ["claims", "draw", "measure", "predict", "units"]

KEY = ("part", "batch_size", "samples", "group")
COLUMNS = (*KEY, "features", "activation", "depth", "seed", "index", "rho", "quantity", "value")
FIGURES = ("accuracy", "table", "classifiers", "sensitivity", "coefficients", "kernel-error")
_SLOW = (
    "at the stated learning rate our SGD is not yet where the printed numbers are, and why is open; at 0.1, ten times "
    "it, 40 epochs of MNIST at L = 1, one seed, give 99.0, 99.1, 95.4, 98.9 % for ReLU, GELU, sigmoid, Swish, near "
    "the printed ones"
)
_SWISH = (
    "Swish loses little with depth: 0.4 % of its kernel is beyond degree 20 at L = 8. A guess, not tested: the "
    "paper's Monte Carlo coefficients of Swish miss more (in its figure 4 the kernel of 7 layers ends near 0.7, where "
    "it should be 1), and what is missing is noise in its features"
)
KNOWN_DEVIATIONS = {
    f"table/journal/{data}/train/{label}": _SLOW
    for data in ("mnist", "cifar10")
    for label in (
        "mean",
        *(f"{cell.activation}/L={cell.depth}" for cell in CELLS if cell[:3] == ("journal", data, "train")),
    )
} | {
    **{f"table/journal/mnist/test/sigmoid/L={depth}": _SLOW for depth in (1, 2, 3)},
    "table/journal/cifar10/test/swish/L=4": _SWISH,
    "table/journal/cifar10/test/swish/L=8": _SWISH,
    "test-accuracy-falls-with-depth/swish": _SWISH,
}
PARTS = {
    "ridge": ridge_accuracies,
    "exact kernel": exact_kernel,
    "condition": conditions,
    "error": errors,
    "tail": tails,
}

# --- theory -----------------------------------------------------------------------------------------------------------


def predict(cfg: RandomFeatures) -> pd.DataFrame:
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
    every_depth = itertools.product(cfg.activations, range(1, max(cfg.gram_depths, *cfg.depths) + 1))
    for name, depth in every_depth:
        alpha = coefficients(cfg, name, depth)
        rows += [_row("alpha", value, name, depth, index=k) for k, value in enumerate(alpha)]
        rows.append(_row("tail", max(0.0, 1 - float(alpha.sum())), name, depth))
    return pd.DataFrame(rows).assign(images=RE_ENCODED.get(data.sha256, cfg.data.name))


def _row(
    quantity: str, value: float, activation: str = "all", depth: int = 0, *, index: int = 0, rho: float = np.nan
) -> dict[str, Any]:
    key = {"activation": activation, "depth": depth, "index": index, "rho": rho}
    return {**key, "quantity": quantity, "value": float(value)}


# --- measurement ------------------------------------------------------------------------------------------------------


def units(cfg: RandomFeatures) -> list[Unit]:
    """Trainings for each group of seeds, and sweeps with the first seed; then what takes no training."""
    n, groups, count = len(images(cfg).x), _groups(cfg), len(maps(cfg))
    swept = [(size, EXACT) for size in cfg.batch_sizes if size != cfg.batch_size]
    swept += [(cfg.batch_size, samples) for samples in cfg.samples]

    def steps(batch_size: int) -> int:
        return cfg.epochs * steps_per_epoch(n, batch_size)

    # The longest first, so that no process is left alone with one at the end.
    found = [_unit("sgd", cfg.batch_size, EXACT, group, steps=steps(cfg.batch_size)) for group in range(len(groups))]
    found += [_unit("sweep", size, samples, steps=steps(size)) for size, samples in swept]
    for group, seeds in enumerate(groups):
        found += [_unit(name, cfg.batch_size, EXACT, group, steps=steps(cfg.batch_size)) for name in cfg.baselines]
        found.append(_unit("ridge", group=group, steps=(count + len(BASELINES)) * len(seeds)))
    found.append(_unit("exact kernel", steps=count))
    found.append(_unit("condition", steps=len(cfg.activations)))
    found.append(_unit("error", steps=count * cfg.errors.runs))
    return [*found, _unit("tail", steps=len(cfg.activations))]


def _unit(part: str, batch_size: int = 0, samples: int = EXACT, group: int = 0, *, steps: int) -> Unit:
    return Unit(dict(zip(KEY, (part, batch_size, samples, group), strict=True)), steps)


def _groups(cfg: RandomFeatures) -> list[list[int]]:
    """Seeds that are trained as one batched product."""
    return [cfg.seeds[i : i + cfg.seeds_at_once] for i in range(0, len(cfg.seeds), cfg.seeds_at_once)]


def measure(cfg: RandomFeatures, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Rows of one part."""
    part, seeds = str(unit.key["part"]), _groups(cfg)[int(unit.key["group"])]
    if part in ("sgd", "sweep"):
        chosen = seeds if part == "sgd" else seeds[:1]
        rows = train(cfg, chosen, int(unit.key["batch_size"]), int(unit.key["samples"]), lab)
    elif part in BASELINES:
        rows = train_baseline(cfg, part, seeds, lab)
    else:
        rows = PARTS[part](cfg, seeds, lab)
    empty = {"features": "compositional", "activation": "all", "depth": 0, "seed": 0, "index": 0, "rho": np.nan}
    return pd.DataFrame([{**empty, **row} for row in rows])[list(COLUMNS[len(KEY) :])]
