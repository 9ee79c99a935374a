"""What `double-descent` claims: the theorem's risks, the peak, and what the best ridge does to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from deepk.lab import (
    Claim,
    Judging,
    Sample,
    Tolerance,
    absolute,
    exact,
    needs,
    only,
    present,
    rounding,
    scaled_interval,
    share,
    t_interval,
    where,
)
from deepk.statistics import median_interval
from experiments.double_descent import (
    BEST,
    BIAS,
    FEATURES,
    IMAGES,
    NORM,
    RISK,
    TANGENTS,
    TRAINING,
    VARIANCE,
    Config,
    ridge_name,
)
from experiments.published.linearized import DOUBLE_DESCENT, THEOREM_2, WIDE_THRESHOLD

MARKER = share(0.1, "ours: a tenth, where the curve itself changes by factors")
NEAR = 0.2  # from N = n, relative: there instances scatter too widely for a mean, and medians stand for the limit
LIMIT = 2.0  # over d: the theorem's corrections, relative
FIFTH = 0.2  # images are no Gaussians: a fifth still shows the shape of the curve
PEAK = 2.0  # the least that is called one, times the risk at half and at twice as many features
WORDS = {
    RISK: "test error",
    BIAS: "bias, the error on a target without noise,",
    VARIANCE: "variance, the mean square that noise alone adds,",
    TRAINING: "training error",
    NORM: "squared norm of the coefficients, times N / d,",
}


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Of random features point by point, then of peaks, thresholds and images."""
    claim = Judging()
    for name in cfg.ridge_names():
        _curve(claim, theory, data, cfg, RISK, name, min(cfg.noises))
    for quantity, noise in ((BIAS, 0.0), (VARIANCE, 0.0), (TRAINING, max(cfg.noises)), (NORM, max(cfg.noises))):
        _curve(claim, theory, data, cfg, quantity, ridge_name(max(cfg.ridges)), noise)
    _peak(claim, data, cfg)
    _falls(claim, data, cfg)
    _threshold(claim, theory, data)
    _tangents(claim, data, cfg)
    _images(claim, theory, data, cfg)
    return claim.claims


def _curve(
    claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, quantity: str, ridge: str, noise: float
) -> None:
    """One quantity along N / d in the largest dimension, at one ridge."""
    d = max(cfg.dimensions)
    n = cfg.samples(d)
    for count in cfg.features(d):
        if count == n and ridge == ridge_name(min(cfg.ridges)):
            continue  # where the limit is of the size of one over the ridge, and no dimension is large: see the peak
        near = abs(count / n - 1) < NEAR
        middle = "median" if near else "mean"
        with claim.printed(
            f"{quantity.replace(' ', '-')}/ridge={ridge}/{count / d:g}",
            f"{WORDS[quantity]} at N / d = {count / d:g}, n / d = {n / d:g}, ridge {ridge}: {middle} over instances",
            THEOREM_2,
            resolution=MARKER,
        ) as finding:
            alike = cfg.noises[0] if quantity in (BIAS, VARIANCE) else noise  # these are there for each noise
            expected = only(
                theory, what="points", dimension=d, features=count, ridge=ridge, noise=alike, quantity=quantity
            )
            finding.expects(expected)
            needs(LIMIT / d <= MARKER.width / 2, f"d = {d}: terms of the order of 1 / d are of the size that matters")
            rows = present(
                data, model=FEATURES, dimension=d, features=count, ridge=ridge, noise=noise, quantity=quantity
            )
            values = rows.sort_values("seed")["value"].tolist()
            limit = Tolerance(LIMIT / d * abs(expected), f"terms of the order of 1 / d, d = {d}")
            if near:
                finding.gives(float(np.median(values)), _of_median(values) + limit)
            else:
                sample = Sample.of(values)
                finding.gives(sample.mean, scaled_interval(sample, expected, over="instances") + limit)


def _of_median(values: Sequence[float]) -> Tolerance:
    """Half the order-statistics interval of a median, on its wider side."""
    needs(len(values) >= 8, f"{len(values)} instances: too few for an interval of their median")
    middle, low, high = median_interval(list(values), level=0.99)
    return Tolerance(max(middle - low, high - middle), "99 % interval of the median over instances")


def _medians(rows: pd.DataFrame) -> pd.Series:
    """Of the risk over seeds, by the number of features."""
    found: pd.Series = where(rows, quantity=RISK).groupby("features")["value"].median()
    return found


def _highest(rows: pd.DataFrame) -> float:
    """The number of features at which the median risk is largest."""
    medians = _medians(rows)
    return float(medians.index.to_numpy()[medians.to_numpy().argmax()])


def _peak(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """Where the risk is largest without a ridge, and by how much."""
    d, ridge = max(cfg.dimensions), ridge_name(min(cfg.ridges))
    n, counts = cfg.samples(d), cfg.features(d)
    at = {"model": FEATURES, "dimension": d, "ridge": ridge, "noise": min(cfg.noises)}
    with claim.printed(
        "peak/position",
        f"N / n at which the median test error is largest, ridge {ridge}",
        f"{DOUBLE_DESCENT}, figure 1",
        expected=1.0,
        resolution=absolute(_spacing([count / n for count in counts]), "half the distance to the next number measured"),
    ) as finding:
        needs(n in counts, f"N = n = {n} is not among the numbers of features")
        finding.gives(_highest(present(data, **at)) / n, exact("the place is one of those measured"))
    with claim.printed(
        "peak/height",
        f"median test error at N = n over the larger of those next to n / 2 and 2 n, ridge {ridge}",
        f"{DOUBLE_DESCENT}, figure 1",
        ">=",
        PEAK,
    ) as finding:
        spans = n in counts and min(counts) <= n / 2 and max(counts) >= 2 * n
        needs(spans, "features are not measured at n, at most n / 2 and at least 2 n")
        medians = _medians(present(data, **at))
        beside = [float(medians.iloc[np.abs(medians.index.to_numpy() - target).argmin()]) for target in (n / 2, 2 * n)]
        finding.gives(float(medians[n]) / max(beside), exact("a ratio of what was measured"))


def _spacing(places: Sequence[float]) -> float:
    """Half the distance from the place nearest to one to the place next to it."""
    ordered = sorted(places, key=lambda place: abs(place - 1))
    return abs(ordered[1] - ordered[0]) / 2 if len(ordered) > 1 else math.nan


def _falls(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """With the best ridge more features never hurt."""
    d = max(cfg.dimensions)
    for noise in cfg.noises:
        with claim.printed(
            f"best-ridge-falls/noise={noise:g}",
            f"largest rise of the test error from one number of features to the next, best ridge, noise {noise:g}",
            f"{DOUBLE_DESCENT}: with the optimal ridge the error falls throughout",
            "<=",
            0.0,
        ) as finding:
            rows = present(data, model=FEATURES, dimension=d, ridge=BEST, noise=noise, quantity=RISK)
            table = rows.pivot(index="seed", columns="features", values="value").sort_index(axis=1)
            rises = table.diff(axis=1).iloc[:, 1:]
            worst = rises.mean().idxmax()
            sample = Sample.of(rises[worst].tolist())
            finding.gives(sample.mean, t_interval(sample, over="instances"), remark=f"at N = {worst}")


def _threshold(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame) -> None:
    """The signal-to-noise ratio above which no ridge is best."""
    with claim.printed(
        "threshold/infinite-width",
        "signal-to-noise ratio above which the best ridge is 0, for infinitely many features: zeta^2",
        WIDE_THRESHOLD,
        resolution=share(0.01, "at N = 200 n it is further away than this"),
    ) as finding:
        finding.expects(only(theory, what="threshold", quantity="zeta squared"))
        needs(len(data), "nothing is measured yet")
        found = where(theory, what="threshold", quantity="ratio of signal to noise")
        value = only(found[np.isinf(found["features"].astype(float))])
        finding.gives(value, rounding(1e-6 * value, "of the bisection"))
    with claim.ours(
        "threshold/finite-width",
        "smallest fall of the logarithm of that ratio from one width to the next: it is later at every finite width",
        f"{THEOREM_2}; ours",
        ">=",
        0.0,
    ) as finding:
        needs(len(data), "nothing is measured yet")
        found = where(theory, what="threshold", quantity="ratio of signal to noise")
        ordered = found.assign(features=found["features"].astype(float)).sort_values("features")["value"]
        finding.gives(float(-np.diff(np.log(ordered)).max()), rounding(1e-6, "of the bisection"))


def _tangents(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """A two-layer network's gradients peak where N d = n."""
    n, ridge = cfg.tangent_samples, ridge_name(min(cfg.ridges))
    counts = [neurons * cfg.tangent_dimension for neurons in cfg.neurons]
    with claim.printed(
        "tangents/peak",
        f"N d / n at which the median test error of the two-layer tangent model is largest, n = {n}, ridge {ridge}",
        f"{DOUBLE_DESCENT}; slides: the tangent model has N d parameters",
        expected=1.0,
        resolution=absolute(_spacing([count / n for count in counts]), "half the distance to the next number measured"),
    ) as finding:
        needs(n in counts, f"N d = n = {n} is not among the numbers of features")
        rows = present(data, model=TANGENTS, dimension=cfg.tangent_dimension, ridge=ridge)
        finding.gives(_highest(rows) / n, exact("the place is one of those measured"))


def _images(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """The equivalent with the spectrum of the images' own kernel."""
    for ridge in map(ridge_name, cfg.image_ridges):
        for count in cfg.image_features:
            near = abs(count / cfg.image_samples - 1) < NEAR
            with claim.ours(
                f"images/ridge={ridge}/{count}",
                f"{cfg.data.name}: error of {count} random features on all images, {cfg.image_samples} learnt, ridge "
                f"{ridge} beside the Gram matrix, {'median' if near else 'mean'} over instances: its relative distance "
                "from the equivalent",
                "Defilippis, Loureiro, Misiakiewicz 2024 (arXiv:2405.15699), with the spectrum of the images' kernel",
                "<=",
                FIFTH,
            ) as finding:
                expected = only(theory, what=IMAGES, features=count, ridge=ridge)
                rows = present(data, model=IMAGES, features=count, ridge=ridge)
                values = rows.sort_values("seed")["value"].tolist()
                if near:
                    middle, within = float(np.median(values)), _of_median(values)
                else:
                    sample = Sample.of(values)
                    middle, within = sample.mean, t_interval(sample, over="instances")
                finding.gives(abs(middle / expected - 1), Tolerance(within.width / expected, within.reason))
