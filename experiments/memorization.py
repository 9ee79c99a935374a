"""A network deep enough tells all inputs apart: its kernel matrix tends to the identity, sooner for inputs less alike.

(Liang, Tran-Bach 2020, arXiv:2004.04767, slides: memorization capacity, small and large correlation.)

Claim      The smallest L at which all eigenvalues of K^(L) lie in [1 - kappa, 1 + kappa]. Small correlation, n uniform
           points on the sphere in R^d with log(n)/d -> 0: L of the order [log(n/kappa) + log(log(n)/d)] / log a_1^-2.
           Large correlation, a maximal packing with log(n)/d -> infinity: exp(2 log(n)/d) log(n/kappa) / (mu - 1). A
           later version of the paper has lower and upper bounds in place of both. And for random points, by the law
           of Marchenko and Pastur with g = n/d: L = log((2 sqrt g + g) / kappa) / log a_1^-2, rounded up.
Measured   Eigenvalues and minimal depths of centered kernels: of uniform points, against n, d and kappa; of n equally
           spaced points on the circle, which are its maximal packing, and of a spiral on the sphere in R^3.
Deviates   The paper has no experiment on this. The later bounds are proved where |G(s)| = G(|s|), so for odd and even
           activations alone: ReLU, GELU and Swish are neither, and obey them here all the same (but for GELU and Swish
           on 5 points of the circle, where log(n)/d is not large). The slides' orders leave a constant factor open;
           where d > log(n) n/kappa the first is negative. The spiral is close to a packing, not a maximal one. Fourier
           sums give the circle's eigenvalues without a matrix, so up to any n: there L grows like 2 log(n) / log(mu),
           not like a power of n.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure

from deepk import activations
from deepk.activations import Activation
from deepk.kernels import CompositionalKernel, DualKernel, memorization_bounds, memorization_depth
from deepk.lab.contract import Lab, Unit
from experiments.memorization_claims import claims
from experiments.memorization_figures import eigenvalue_figure, minimal_depth_figure, packing_figure

if TYPE_CHECKING:
    from experiments.schema import Memorization

__all__ = ["circle", "claims", "draw", "measure", "predict", "spiral", "units"]

COLUMNS = ("arrangement", "activation", "n", "d", "seed", "kappa", "quantity", "depth", "level", "value")
FIGURES = ("eigenvalues", "minimal-depth", "packing")
KNOWN_DEVIATIONS: dict[str, str] = {}

ARRANGEMENTS = ("uniform", "circle", "sphere")
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the quantiles of the eigenvalues that are kept
BEYOND = 2.0  # minimal depths up to which eigenvalues are drawn
# 1 and 99 % points of the Tracy-Widom law of real matrices (Johnstone 2001, Annals of Statistics 29).
TRACY_WIDOM = (-3.90, 2.02)
LAYERS = 20_000  # at which an iteration by single layers gives up: an activation that is all but linear
_EPS = float(np.finfo(np.float64).eps)

Case = tuple[int, int, float]  # n, d, kappa
Rows = list[dict[str, Any]]


def circle(n: int) -> Float[np.ndarray, "n 2"]:
    """n equally spaced points: the maximal packing."""
    angle = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def spiral(n: int) -> Float[np.ndarray, "n 3"]:
    """n points on a sphere, of equal steps in height and a golden-ratio turn each: nearly a maximal packing."""
    turn, height = math.pi * (3 - math.sqrt(5)) * np.arange(n), 1 - (2 * np.arange(n) + 1) / n
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), height], axis=1)


@cache
def _activation(name: str) -> Activation:
    """One object for each name: kernels are tabulated once for it, also where it is a user's own."""
    return activations.get(name)


@cache
def _dual(name: str) -> DualKernel:
    """Of the centered activation; it tabulates itself once."""
    return DualKernel(_activation(name), centered=True)


def _cases(cfg: Memorization, arrangement: str) -> list[Case]:
    if arrangement != "uniform":
        d = 2 if arrangement == "circle" else 3
        return [(n, d, cfg.kappa) for n in (cfg.circle if d == 2 else cfg.sphere)]
    cases = [(n, cfg.dimension, cfg.kappa) for n in cfg.sizes] + [(cfg.size, d, cfg.kappa) for d in cfg.dimensions]
    cases += [(cfg.size, cfg.dimension, kappa) for kappa in [cfg.kappa, *cfg.kappas]]
    return sorted(set(cases))


# --- theory -----------------------------------------------------------------------------------------------------------


def predict(cfg: Memorization) -> pd.DataFrame:
    """Bounds and predictions for each case, the depths at which eigenvalues are kept, and what these are there."""
    parts = []
    for name in cfg.activations:
        # First, since they refuse an activation that memorizes nothing.
        rows = [row for arrangement in ARRANGEMENTS for row in _predicted(cfg, arrangement, name)]
        rows += [*_constants(name), *_marchenko_pastur_edges(cfg, name), *_fourier_curves(cfg, name)]
        parts.append(pd.DataFrame(rows).assign(activation=name))
    table = pd.concat(parts, ignore_index=True)
    return table[[column for column in COLUMNS if column != "seed"]]


def _row(quantity: str, value: float, **key: Any) -> dict[str, Any]:
    """A row of theory.csv; of the circle, unless said otherwise."""
    empty = {"arrangement": "circle", "n": 0, "d": 2, "kappa": math.nan, "depth": math.nan, "level": math.nan}
    return {**empty, **key, "quantity": quantity, "value": float(value)}


def _constants(name: str) -> Rows:
    """Of the centered activation, and a_0^2 of the activation itself."""
    dual = _dual(name)
    values = {"mu": dual.mu, "a_1_squared": dual.a1_squared, "parity": dual.parity}
    values["a_0_squared"] = float(DualKernel(_activation(name)).coefficients(0)[0])
    return [_row(quantity, value, arrangement="any", d=0) for quantity, value in values.items()]


def _predicted(cfg: Memorization, arrangement: str, name: str) -> Iterator[dict[str, Any]]:
    larger = [(n, 2, cfg.kappa) for n in cfg.circle_limit if n not in cfg.circle]
    for n, d, kappa in _cases(cfg, arrangement) + (larger if arrangement == "circle" else []):
        bounds = memorization_bounds(n, d, _activation(name), kappa)
        low, high = bounds.small if arrangement == "uniform" else bounds.large
        slides = bounds.slides_small if arrangement == "uniform" else bounds.slides_large
        values = {"later_low": low, "later_high": high, "slides": slides}
        if arrangement == "uniform":
            values |= {"marchenko_pastur": bounds.marchenko_pastur, **_finite_size(name, n, d, kappa)}
        elif arrangement == "circle":
            values["fourier"] = _fourier_depth(name, n, kappa)
        for quantity, value in values.items():
            yield _row(quantity, value, arrangement=arrangement, n=n, d=d, kappa=kappa)


def _finite_size(name: str, n: int, d: int, kappa: float) -> dict[str, float]:
    """What moves the depth of finitely many uniform points off the prediction by Marchenko and Pastur.

    shortest, longest: the depths between which 98 % of all draws lie where the largest eigenvalue of x_i . x_j follows
    the Tracy-Widom law at its edge, with the part of K that is linear on the sphere: a_1^(2L) and, to first order in
    1/d, 3 / (d + 2) of the cubic coefficient. scatter: how far that is from the prediction, over it, before rounding.

    outlier: sqrt(g) (r - 1) with r = a_2^2 / (a_1^2 (1 - a_1^2)), the limit of the quadratic over the linear
    coefficient. The quadratic part adds a matrix of rank one, which has no eigenvalue beyond the edge below 1.
    """
    dual = _dual(name)
    contraction, g = -math.log(dual.a1_squared), n / d
    prediction = math.log((2 * math.sqrt(g) + g) / kappa) / contraction
    _, a_1, a_2 = dual.coefficients(2)
    _, linear, _, cubic = CompositionalKernel(
        _activation(name), max(1, math.ceil(prediction)), centered=True
    ).coefficients(3)
    root = math.sqrt(d - 1) + math.sqrt(n)
    edge, scale = root**2 / d, root * (1 / math.sqrt(d - 1) + 1 / math.sqrt(n)) ** (1 / 3) / d
    least = edge + scale * TRACY_WIDOM[0] - 1
    most = (1 + 3 / (d + 2) * cubic / linear) * (edge + scale * TRACY_WIDOM[1] - 1)
    depths = [math.log(excess / kappa) / contraction if excess > 0 else -math.inf for excess in (least, most)]
    return {
        "shortest": max(1, math.ceil(depths[0])) if depths[0] > -math.inf else 1,
        "longest": max(1, math.ceil(depths[1])),
        "scatter": max(abs(depth - prediction) for depth in depths) / max(1.0, prediction),
        "outlier": math.sqrt(g) * (a_2 / (a_1 * (1 - a_1)) - 1),
    }


def _marchenko_pastur_edges(cfg: Memorization, name: str) -> Iterator[dict[str, Any]]:
    """Smallest and largest eigenvalue in the limit: off its diagonal K is a_1^(2L) times the matrix of x_i . x_j."""
    n, d = cfg.size, cfg.dimension
    g, a_1_squared = n / d, _dual(name).a1_squared
    for depth in _depths(cfg, "uniform", name):
        linear = a_1_squared**depth
        lowest = g - 2 * math.sqrt(g) if g <= 1 else -1.0  # beyond n = d the matrix is singular
        for level, value in ((0.0, 1 + linear * lowest), (1.0, 1 + linear * (g + 2 * math.sqrt(g)))):
            yield _row("eigenvalue", value, arrangement="uniform", n=n, d=d, depth=depth, level=level)
    error = CompositionalKernel(_activation(name), _depths(cfg, "uniform", name)[-1], centered=True).error_bound
    yield _row("rounding", n * (4 * error + 16 * _EPS), arrangement="uniform", n=n, d=d)


def _fourier_curves(cfg: Memorization, name: str) -> Iterator[dict[str, Any]]:
    """Quantiles of the circle's eigenvalues, and by how much those of a matrix may be off, see `_fourier`."""
    n, kept = cfg.circle_shown, set(_depths(cfg, "circle", name))
    for depth, eigenvalues in enumerate(_fourier(name, n), start=1):
        if depth in kept:
            for level in LEVELS:
                yield _row("eigenvalue", np.quantile(eigenvalues, level), n=n, depth=depth, level=level)
        if depth == max(kept):
            break
    # An entry is off by twice the table's relative error of theta at most, and by that of rho, 4 eps, over 1 - rho; an
    # eigenvalue by as much as a whole row. The sums lose a few roundings in each layer.
    error = CompositionalKernel(_activation(name), max(kept), centered=True).error_bound
    closest = 2 * math.sin(math.pi / n) ** 2
    yield _row("rounding", n * (4 * error + 8 * _EPS * (2 + 1 / closest + max(kept))), n=n)


def _fourier(name: str, n: int) -> Iterator[Float[np.ndarray, " n"]]:
    """The eigenvalues of K^(L) for L = 1, 2, ... on n equally spaced points of the circle, n odd.

    The matrix is circulant, so that they are the discrete Fourier transform of K^(L)(cos theta), here layer by layer.
    """
    dual = _dual(name)
    complement = 2 * np.sin(np.pi * np.arange(n // 2 + 1) / n) ** 2
    for _ in range(LAYERS):
        complement = dual.complement(complement)
        row = 1 - np.concatenate([complement, complement[:0:-1]])
        yield np.fft.fft(row).real


@cache
def _fourier_depth(name: str, n: int, kappa: float) -> float:
    """The minimal depth on the circle; NaN where it takes very many layers."""
    for depth, eigenvalues in enumerate(_fourier(name, n), start=1):
        if np.abs(eigenvalues - 1).max() <= kappa:
            return depth
    return math.nan


def _depths(cfg: Memorization, arrangement: str, name: str) -> list[int]:
    """Layers from 1 to twice the predicted depth, evenly spaced on a logarithmic scale where they can be."""
    if arrangement == "uniform":
        predicted: float = memorization_bounds(cfg.size, cfg.dimension, _activation(name), cfg.kappa).marchenko_pastur
    else:
        predicted = _fourier_depth(name, cfg.circle_shown, cfg.kappa)
    last = max(4, math.ceil(BEYOND * predicted)) if math.isfinite(predicted) else LAYERS
    return [int(depth) for depth in np.unique(np.geomspace(1, last, cfg.depths).round())]


# --- measurement ------------------------------------------------------------------------------------------------------


def units(cfg: Memorization) -> list[Unit]:
    """Each arrangement of points with each activation, whose kernels are tabulated once for all of its matrices."""
    return [Unit({"arrangement": points, "activation": name}) for name in cfg.activations for points in ARRANGEMENTS]


def measure(cfg: Memorization, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Minimal depths; at the first seed the largest un-centered eigenvalue there, and the curves that are drawn."""
    arrangement, name = str(unit.key["arrangement"]), str(unit.key["activation"])
    seeds = cfg.seeds if arrangement == "uniform" else cfg.seeds[:1]
    rows: Rows = []
    for n, d, kappa in _cases(cfg, arrangement):
        for seed in seeds:
            points = _points(arrangement, n, d, seed, lab)
            depth = memorization_depth(points, _activation(name), kappa)
            key = {"n": n, "d": d, "seed": seed, "kappa": kappa}
            rows.append({**key, "quantity": "minimal depth", "value": depth})
            if seed == seeds[0] and kappa == cfg.kappa:
                largest = _eigenvalues(points, name, depth, centered=False)[-1]
                rows.append({**key, "quantity": "un-centered", "depth": depth, "level": 1.0, "value": largest})
    if arrangement != "sphere":
        rows += _curves(cfg, arrangement, name, lab)
    lab.progress()
    return pd.DataFrame(rows, columns=list(COLUMNS[2:]))


def _points(arrangement: str, n: int, d: int, seed: int, lab: Lab) -> Float[np.ndarray, "n d"]:
    """Of any length: a kernel looks at their directions. The same for every activation."""
    if arrangement == "uniform":
        generator = lab.generator(seed, f"points {n} {d}")
        return torch.randn(n, d, generator=generator, dtype=torch.float64).numpy()
    return circle(n) if arrangement == "circle" else spiral(n)


def _eigenvalues(points: Float[np.ndarray, "n d"], name: str, depth: int, *, centered: bool) -> Float[np.ndarray, " n"]:
    return np.linalg.eigvalsh(CompositionalKernel(_activation(name), depth, centered=centered).gram(points))


def _curves(cfg: Memorization, arrangement: str, name: str, lab: Lab) -> Iterator[dict[str, Any]]:
    n, d = (cfg.size, cfg.dimension) if arrangement == "uniform" else (cfg.circle_shown, 2)
    seed = cfg.seeds[0]
    points = _points(arrangement, n, d, seed, lab)
    for depth in _depths(cfg, arrangement, name):
        quantiles = np.quantile(_eigenvalues(points, name, depth, centered=True), LEVELS)
        for level, value in zip(LEVELS, quantiles, strict=True):
            key = {"n": n, "d": d, "seed": seed, "kappa": math.nan, "depth": depth, "level": level}
            yield {**key, "quantity": "eigenvalue", "value": value}


# --- figures ----------------------------------------------------------------------------------------------------------


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Memorization) -> dict[str, Figure]:
    """Eigenvalues against depth; the minimal depth of uniform points; that of packings of the circle and the sphere."""
    pictures = (circle(cfg.circle[0] if len(cfg.circle) < 3 else cfg.circle[2]), spiral(cfg.sphere[-1]))
    return {
        "eigenvalues": eigenvalue_figure(theory, data, cfg),
        "minimal-depth": minimal_depth_figure(theory, data, cfg),
        "packing": packing_figure(theory, data, cfg, pictures),
    }
