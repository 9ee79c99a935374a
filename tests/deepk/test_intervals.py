"""The intervals of one sample: of a mean by Student's law, of a median by order statistics."""

import math

import numpy as np
import pytest
from scipy import stats

from deepk.statistics import Sample, binomial_deviation, mean_half_width, median_interval

# A quantile that SciPy inverts to 1e-12 or so.
ROUNDING = 1e-10


# Of a mean ----------------------------------------------------------------------------------------------------------


def test_two_runs_at_one_half_have_their_own_deviation_over_root_two():
    # Student's law with one degree of freedom is Cauchy's, whose quartile is 1.
    assert mean_half_width(Sample(5.0, 3.0, 2), level=0.5) == pytest.approx(3 / math.sqrt(2), rel=ROUNDING)


@pytest.mark.parametrize("level", [0.9, 0.99, 0.999])
@pytest.mark.parametrize("values", [[1.0, 2.0], [0.5, -1.0, 4.0], [float(k * k) for k in range(20)]])
def test_the_half_width_is_that_of_scipys_t_interval(values, level):
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(level)
    assert mean_half_width(Sample.of(values), level=level) == pytest.approx(
        (interval.high - interval.low) / 2, rel=ROUNDING
    )


def test_without_a_level_it_is_99_percent():
    sample = Sample(0.0, 1.0, 5)
    assert mean_half_width(sample) == mean_half_width(sample, level=0.99)


def test_runs_without_spread_leave_no_room():
    assert mean_half_width(Sample(1.0, 0.0, 3)) == 0


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_runs_are_refused_with_their_number(count):
    with pytest.raises(ValueError, match=f"two runs, not {count}"):
        mean_half_width(Sample(0.0, 1.0, count))


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_the_interval_of_a_mean_covers_it_as_often_as_it_says(level):
    repeats = 2000
    draws = 0.7 + np.random.default_rng(3).standard_normal((repeats, 5))
    samples = [Sample.of(values) for values in draws.tolist()]
    covered = sum(abs(sample.mean - 0.7) <= mean_half_width(sample, level=level) for sample in samples)
    # Exact for normal values; the simulation's own error bar is four binomial deviations.
    assert covered / repeats == pytest.approx(level, abs=4 * binomial_deviation(level, repeats))


# Of a median --------------------------------------------------------------------------------------------------------


def test_the_middle_of_an_even_number_of_values_is_between_two_of_them():
    assert median_interval([4.0, 1.0, 3.0, 10.0])[0] == 3.5


def test_the_order_of_the_values_does_not_matter():
    values = np.random.default_rng(1).permutation(50).astype(float).tolist()
    assert median_interval(values) == median_interval(sorted(values))


def test_one_value_is_its_own_interval():
    assert median_interval([2.5]) == (2.5, 2.5, 2.5)


@pytest.mark.parametrize(
    ("n", "level", "skipped"),
    [
        (5, 0.99, 0),  # too few for the level: the whole range
        (8, 0.99, 0),  # outside the whole range in 2 / 2^8 = 0.8 %; outside the next in 2 * 9 / 2^8 = 7 %
        (9, 0.95, 1),  # 2 (1 + 9) / 2^9 = 3.9 %; the next, 2 (1 + 9 + 36) / 2^9 = 18 %
        (20, 0.95, 5),  # the textbooks' [x_6, x_15], of 95.9 %
        (11, 0.999, 0),  # 2 / 2^11 = 0.098 %
    ],
)
def test_the_interval_skips_as_many_values_at_each_end_as_the_level_allows(n, level, skipped):
    values = [float(k) for k in range(n)]
    assert median_interval(values, level=level)[1:] == (skipped, n - 1 - skipped)


@pytest.mark.parametrize("n", [8, 11, 12, 40, 41, 400])
@pytest.mark.parametrize("level", [0.9, 0.99, 0.999])
def test_the_interval_is_that_of_scipys_quantile_test(n, level):
    values = np.random.default_rng(n).standard_normal(n)
    interval = stats.quantile_test(values, q=0, p=0.5).confidence_interval(level)
    if not math.isnan(interval.low + interval.high):  # n too small for the level
        assert median_interval(values.tolist(), level=level)[1:] == (interval.low, interval.high)


@pytest.mark.parametrize(("n", "level"), [(8, 0.99), (21, 0.9), (40, 0.99)])
def test_the_interval_of_a_median_covers_it_at_least_as_often_as_it_says(n, level):
    repeats = 2000
    draws = np.random.default_rng(n).exponential(size=(repeats, n))  # skewed: the median is log 2, and no mean
    intervals = [median_interval(values, level=level) for values in draws.tolist()]
    covered = sum(low <= math.log(2) <= high for _, low, high in intervals)
    # Four binomial deviations of the simulation's own; from above there is no bound, since n is discrete.
    assert covered / repeats >= level - 4 * binomial_deviation(level, repeats)
