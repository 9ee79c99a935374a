"""Means over seeds, their bands, and the intervals that decide whether two sets of runs agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, stdtrit


@dataclass(frozen=True)
class Sample:
    """Mean and standard deviation (with n - 1 in the denominator) of `count` independent runs."""

    mean: float
    deviation: float
    count: int

    @staticmethod
    def of(values: Sequence[float]) -> Sample:
        """Of the values themselves; the deviation of a single value is NaN."""
        array = np.asarray(values, dtype=np.float64)
        deviation = float(array.std(ddof=1)) if len(array) > 1 else math.nan
        return Sample(float(array.mean()), deviation, len(array))


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
