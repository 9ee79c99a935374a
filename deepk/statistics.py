"""Means over seeds, and the intervals that decide whether a measurement agrees with a number, or with another one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtr, expit, logit, stdtrit

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Sample:
    """Mean and standard deviation (with n - 1 in the denominator) of `count` independent runs."""

    mean: float
    deviation: float
    count: int

    @staticmethod
    def of(values: Sequence[float]) -> Sample:
        """Mean and deviation of these values; the deviation of a single one is NaN, and so is the mean of none."""
        array = np.asarray(values, dtype=np.float64)
        deviation = float(array.std(ddof=1)) if len(array) > 1 else math.nan
        return Sample(float(array.mean()) if len(array) else math.nan, deviation, len(array))


def mean_half_width(sample: Sample, *, level: float = 0.99) -> float:
    """Half width of the two-sided t-interval of the mean that the sample was drawn around, its variance unknown.

    t_{(1 + level)/2, n - 1} s / sqrt(n). Raises ValueError for fewer than two runs: they have no spread.
    """
    if sample.count < 2:
        raise ValueError(f"an interval needs two runs, not {sample.count}")
    return float(stdtrit(sample.count - 1, (1 + level) / 2)) * sample.deviation / math.sqrt(sample.count)


def welch_half_width(a: Sample, b: Sample, *, level: float = 0.99) -> float:
    """Half width of the two-sided confidence interval of mean(a) - mean(b), variances unequal and unknown.

    t_{(1 + level)/2, nu} sqrt(s_a^2/n_a + s_b^2/n_b) with the Welch-Satterthwaite degrees of freedom nu. Two sets of
    runs agree where their means are closer than this; at level 0.99 one honest claim in a hundred differs by chance.

    Raises ValueError for a sample of fewer than two runs: it has no spread to test with.
    """
    if min(a.count, b.count) < 2:
        raise ValueError(f"an interval needs two runs on each side, not {a.count} and {b.count}")
    variance_a, variance_b = a.deviation**2 / a.count, b.deviation**2 / b.count
    variance = variance_a + variance_b
    if variance == 0:
        return 0.0
    share = variance_a / variance
    freedom = 1 / (share**2 / (a.count - 1) + (1 - share) ** 2 / (b.count - 1))
    return float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(variance)


def binomial_deviation(p: float, n: int) -> float:
    """Standard deviation sqrt(p (1 - p) / n) of the share of n independent trials that succeed with probability p."""
    return math.sqrt(p * (1 - p) / n)


def median_interval(values: Sequence[float], *, level: float = 0.99) -> tuple[float, float, float]:
    """The median of independent values, and an interval that holds the median of their law with this probability.

    Between two order statistics, whatever the law: the number of values below its median is binomial (n, 1/2). The
    interval is the whole range where n is too small for the level (below 8 at 0.99).
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    outside = max(int((bdtr(np.arange(n // 2), n, 0.5) <= (1 - level) / 2).sum()) - 1, 0)
    return float(np.median(ordered)), float(ordered[outside]), float(ordered[n - 1 - outside])


def simultaneous(level: float, comparisons: int) -> float:
    """The level of each of some intervals that together hold with probability `level`, by Bonferroni's inequality."""
    return 1 - (1 - level) / comparisons


def pooled(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """One sample for each setting of `keys`, from the columns `mean`, `deviation` and `count` of several of them.

    The mean is weighted by count, and the deviation is that of all values together, with n - 1 in the denominator:
    the sum of (n_i - 1) s_i^2 + n_i (m_i - m)^2, over n - 1. A mean that is NaN makes the whole NaN.
    """
    total = table["count"] * table["mean"]
    sums = table.assign(total=total).groupby(keys, as_index=False, sort=False)[["total", "count"]].sum(skipna=False)
    sums["mean"] = sums["total"] / sums["count"]
    spread = table.merge(sums[[*keys, "mean"]], on=keys, suffixes=("", "_all"))
    spread["squares"] = (spread["count"] - 1) * spread["deviation"].where(spread["count"] > 1, 0.0) ** 2
    spread["squares"] += spread["count"] * (spread["mean"] - spread["mean_all"]) ** 2
    squares = spread.groupby(keys, as_index=False, sort=False)["squares"].sum(skipna=False)
    sums = sums.merge(squares, on=keys)
    sums["deviation"] = np.sqrt(sums["squares"] / (sums["count"] - 1))
    return sums.drop(columns=["total", "squares"])


def bernstein_half_width(
    deviation: np.ndarray, largest: np.ndarray, count: np.ndarray, *, outside: float
) -> np.ndarray:
    """How far a mean is from its expectation at most, but for a probability `outside`: whatever the law is.

    Of `count` independent variables of this standard deviation that are never further than `largest` from their
    expectation: the e with 2 exp(-count e^2 / (2 (deviation^2 + largest e / 3))) = outside (Bernstein's inequality).
    """
    rate = math.log(2 / outside) / count
    third = rate * largest / 3
    return np.asarray(third + np.sqrt(third**2 + 2 * rate * deviation**2))


def binomial_half_width(p: float, n: int, *, level: float = 0.99) -> float:
    """How far the share of n successes of probability p lies from p with the probability `level`: the longer side."""
    from scipy.stats import binom  # takes half a second to import

    low, high = binom.interval(level, n, p)
    return max(p - float(low) / n, float(high) / n - p)


def prediction_half_width(values: np.ndarray, *, level: float = 0.99) -> float:
    """Half width of the interval for one more run at the last time, around the mean of these: values (times, runs).

    Its variance is that between runs at the same time, pooled over the times; of a single run, that between the times.
    t_{(1 + level)/2, nu} s sqrt(1 + 1/n) with nu degrees of freedom. Infinite for a single value.

    The times are taken as independent. Where a run's values at all of them are one and the same, an interval of 99 %
    holds 85 % of the runs with two of them at five times, and 91 % with three.
    """
    times, runs = values.shape
    around = values.mean(axis=1, keepdims=True) if runs > 1 else values.mean()
    freedom = times * (runs - 1) if runs > 1 else times - 1
    if freedom < 1:
        return math.inf
    deviation = math.sqrt(float(((values - around) ** 2).sum()) / freedom)
    return float(stdtrit(freedom, (1 + level) / 2)) * deviation * math.sqrt(1 + 1 / runs)


def logit_half_width(shares: Sequence[float], around: float, *, level: float = 0.99) -> float:
    """Half width, at the share `around`, of the t-interval of the mean of log(s / (1 - s)): the longer side.

    Logits are where a wrong share shifts an interval and does not widen it. Shares of 0 and 1 count as 1e-6 from them.
    Infinite for fewer than two shares.
    """
    if len(shares) < 2:
        return math.inf
    half = mean_half_width(Sample.of(logit(np.clip(shares, 1e-6, 1 - 1e-6))), level=level)
    center = logit(np.clip(around, 1e-6, 1 - 1e-6))
    return float(max(abs(expit(center + half) - around), abs(expit(center - half) - around)))
