"""What theory says of `memorization`: bounds and predictions of the minimal depth, and eigenvalues -> theory.csv."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from deepk.kernels import CompositionalKernel, DualKernel, memorization_bounds
from experiments.memorization import ARRANGEMENTS, COLUMNS, Config
from experiments.memorization.fourier import LAYERS, centered, circle_depth, circulant_eigenvalues
from experiments.memorization.points import cases, shown

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the quantiles of the eigenvalues that are kept
BEYOND = 2.0  # minimal depths up to which eigenvalues are drawn
# 1 and 99 % points of the Tracy-Widom law of real matrices (Johnstone 2001, Annals of Statistics 29).
TRACY_WIDOM = (-3.90, 2.02)
_EPS = float(np.finfo(np.float64).eps)

Rows = list[dict[str, Any]]


def predict(cfg: Config) -> pd.DataFrame:
    """Bounds and predictions for each case, the depths at which eigenvalues are kept, and what these are there."""
    parts = []
    for name in cfg.activations:
        # First, since they refuse an activation that memorizes nothing.
        rows = [row for arrangement in ARRANGEMENTS for row in _predicted(cfg, arrangement, name)]
        rows += [*_constants(name), *_marchenko_pastur_edges(cfg, name), *_fourier_curves(cfg, name)]
        parts.append(pd.DataFrame(rows).assign(activation=name))
    table = pd.concat(parts, ignore_index=True)
    return table[[column for column in COLUMNS if column != "seed"]]


def depths(cfg: Config, arrangement: str, name: str) -> list[int]:
    """Layers from 1 to twice the predicted depth, evenly spaced on a logarithmic scale where they can be."""
    n, d = shown(cfg, arrangement)
    if arrangement == "uniform":
        predicted: float = memorization_bounds(n, d, name, cfg.kappa).marchenko_pastur
    else:
        predicted = circle_depth(name, n, cfg.kappa)
    last = max(4, math.ceil(BEYOND * predicted)) if math.isfinite(predicted) else LAYERS
    return [int(depth) for depth in np.unique(np.geomspace(1, last, cfg.depths).round())]


def _row(quantity: str, value: float, **key: Any) -> dict[str, Any]:
    """A row of theory.csv; of the circle, unless said otherwise."""
    empty = {"arrangement": "circle", "n": 0, "d": 2, "kappa": math.nan, "depth": math.nan, "level": math.nan}
    return {**empty, **key, "quantity": quantity, "value": float(value)}


def _constants(name: str) -> Rows:
    """Of the centered activation, and a_0^2 of the activation itself."""
    dual = centered(name)
    values = {"mu": dual.mu, "a_1_squared": dual.a1_squared, "parity": dual.parity}
    values["a_0_squared"] = float(DualKernel(name).coefficients(0)[0])
    return [_row(quantity, value, arrangement="any", d=0) for quantity, value in values.items()]


def _predicted(cfg: Config, arrangement: str, name: str) -> Iterator[dict[str, Any]]:
    """The later bounds and the slides' order for each case, and what is known beside them."""
    larger = [(n, 2, cfg.kappa) for n in cfg.circle_limit if n not in cfg.circle]
    for n, d, kappa in cases(cfg, arrangement) + (larger if arrangement == "circle" else []):
        bounds = memorization_bounds(n, d, name, kappa)
        low, high = bounds.small if arrangement == "uniform" else bounds.large
        slides = bounds.slides_small if arrangement == "uniform" else bounds.slides_large
        values = {"later_low": low, "later_high": high, "slides": slides}
        if arrangement == "uniform":
            values |= {"marchenko_pastur": bounds.marchenko_pastur, **finite_size(name, n, d, kappa)}
        elif arrangement == "circle":
            values["fourier"] = circle_depth(name, n, kappa)
        for quantity, value in values.items():
            yield _row(quantity, value, arrangement=arrangement, n=n, d=d, kappa=kappa)


def finite_size(name: str, n: int, d: int, kappa: float) -> dict[str, float]:
    """What moves the depth of finitely many uniform points off the prediction by Marchenko and Pastur.

    shortest, longest: the depths between which 98 % of all draws lie where the largest eigenvalue of x_i . x_j follows
    the Tracy-Widom law at its edge, with the part of K that is linear on the sphere: a_1^(2L) and, to first order in
    1/d, 3 / (d + 2) of the cubic coefficient. scatter: how far that is from the prediction, over it, before rounding.

    outlier: sqrt(g) (r - 1) with r = a_2^2 / (a_1^2 (1 - a_1^2)), the limit of the quadratic over the linear
    coefficient. The quadratic part adds a matrix of rank one, which has no eigenvalue beyond the edge below 1.
    """
    dual = centered(name)
    contraction, g = -math.log(dual.a1_squared), n / d
    prediction = math.log((2 * math.sqrt(g) + g) / kappa) / contraction
    _, a_1, a_2 = dual.coefficients(2)
    _, linear, _, cubic = CompositionalKernel(name, max(1, math.ceil(prediction)), centered=True).coefficients(3)
    root = math.sqrt(d - 1) + math.sqrt(n)
    edge, scale = root**2 / d, root * (1 / math.sqrt(d - 1) + 1 / math.sqrt(n)) ** (1 / 3) / d
    least = edge + scale * TRACY_WIDOM[0] - 1
    most = (1 + 3 / (d + 2) * cubic / linear) * (edge + scale * TRACY_WIDOM[1] - 1)
    ends = [math.log(excess / kappa) / contraction if excess > 0 else -math.inf for excess in (least, most)]
    return {
        "shortest": max(1, math.ceil(ends[0])) if ends[0] > -math.inf else 1,
        "longest": max(1, math.ceil(ends[1])),
        "scatter": max(abs(depth - prediction) for depth in ends) / max(1.0, prediction),
        "outlier": math.sqrt(g) * (a_2 / (a_1 * (1 - a_1)) - 1),
    }


def _marchenko_pastur_edges(cfg: Config, name: str) -> Iterator[dict[str, Any]]:
    """Smallest and largest eigenvalue in the limit: off its diagonal K is a_1^(2L) times the matrix of x_i . x_j."""
    n, d = shown(cfg, "uniform")
    g, a_1_squared, layers = n / d, centered(name).a1_squared, depths(cfg, "uniform", name)
    for depth in layers:
        linear = a_1_squared**depth
        lowest = g - 2 * math.sqrt(g) if g <= 1 else -1.0  # beyond n = d the matrix is singular
        for level, value in ((0.0, 1 + linear * lowest), (1.0, 1 + linear * (g + 2 * math.sqrt(g)))):
            yield _row("eigenvalue", value, arrangement="uniform", n=n, d=d, depth=depth, level=level)
    error = CompositionalKernel(name, layers[-1], centered=True).error_bound
    yield _row("rounding", n * (2 * error + 16 * _EPS), arrangement="uniform", n=n, d=d)


def _fourier_curves(cfg: Config, name: str) -> Iterator[dict[str, Any]]:
    """Quantiles of the circle's eigenvalues, and by how much those of a matrix may be off."""
    n, kept = cfg.circle_shown, set(depths(cfg, "circle", name))
    for depth, eigenvalues in enumerate(circulant_eigenvalues(name, n), start=1):
        if depth in kept:
            for level in LEVELS:
                yield _row("eigenvalue", np.quantile(eigenvalues, level), n=n, depth=depth, level=level)
        if depth == max(kept):
            break
    # An entry is off by the table's error at most, and by that of rho, 4 eps, over 1 - rho; an
    # eigenvalue by as much as a whole row. The sums lose a few roundings in each layer.
    error = CompositionalKernel(name, max(kept), centered=True).error_bound
    closest = 2 * math.sin(math.pi / n) ** 2
    yield _row("rounding", n * (2 * error + 8 * _EPS * (2 + 1 / closest + max(kept))), n=n)
