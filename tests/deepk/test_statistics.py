"""Means, deviations and Welch intervals: against SciPy, against simulation, and under a change of units."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from deepk.statistics import Sample, binomial_deviation, welch_half_width

# Sums of squares of a few values, in another order, and a quantile that SciPy inverts to 1e-12 or so.
ROUNDING = 1e-10

# Sixteenths up to 64, so that a spread is either zero or far above rounding.
VALUES = st.lists(st.integers(-1024, 1024).map(lambda k: k / 16), min_size=2, max_size=8)


def spread(values: list[float]) -> bool:
    return len(set(values)) > 1


# Samples ----------------------------------------------------------------------------------------------------------


def test_a_sample_has_the_mean_of_its_values():
    assert Sample.of([1.0, 2.0, 6.0]).mean == 3


def test_a_sample_has_the_deviation_with_n_minus_1_in_the_denominator():
    assert Sample.of([1.0, 2.0, 6.0]).deviation == pytest.approx(math.sqrt(14 / 2), rel=1e-15)


def test_a_sample_counts_its_values():
    assert Sample.of([1.0, 2.0, 6.0]).count == 3


def test_one_value_has_no_deviation():
    assert math.isnan(Sample.of([1.0]).deviation)


def test_one_value_is_its_own_mean():
    assert Sample.of([0.1]).mean == 0.1


def test_a_run_that_diverged_makes_the_mean_nan():
    assert math.isnan(Sample.of([1.0, math.nan]).mean)


@given(values=VALUES, shift=st.integers(-100, 100))
def test_shifting_every_value_keeps_the_deviation(values, shift):
    shifted = Sample.of([value + shift for value in values])
    # Values up to 164 whose mean is rounded once.
    assert shifted.deviation == pytest.approx(Sample.of(values).deviation, rel=1e-12, abs=1e-13)


# Welch's interval -------------------------------------------------------------------------------------------------


@given(a=VALUES, b=VALUES, level=st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]))
def test_the_half_width_is_that_of_scipys_welch_interval(a, b, level):
    assume(spread(a) and spread(b))  # SciPy warns of lost precision where a spread is zero
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(level)
    half_width = welch_half_width(Sample.of(a), Sample.of(b), level=level)
    assert half_width == pytest.approx((interval.high - interval.low) / 2, rel=ROUNDING)


def test_without_a_level_it_is_99_percent():
    a, b = Sample(0.0, 1.0, 5), Sample(0.0, 2.0, 3)
    assert welch_half_width(a, b) == welch_half_width(a, b, level=0.99)


@given(a=VALUES, b=VALUES)
def test_the_half_width_does_not_depend_on_the_order(a, b):
    one, two = Sample.of(a), Sample.of(b)
    # The same sums with their terms exchanged.
    assert welch_half_width(one, two) == pytest.approx(welch_half_width(two, one), rel=ROUNDING)


@pytest.mark.parametrize("count", [2, 3, 10, 1000])
def test_equal_samples_have_students_degrees_of_freedom(count):
    sample = Sample(0.0, 1.0, count)
    students = stats.t.ppf(0.995, 2 * count - 2) * math.sqrt(2 / count)
    assert welch_half_width(sample, sample) == pytest.approx(students, rel=ROUNDING)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_beside_an_exactly_known_mean_the_interval_is_students(count):
    exact, sample = Sample(0.0, 0.0, 50), Sample(0.0, 1.0, count)
    students = stats.t.ppf(0.995, count - 1) / math.sqrt(count)
    assert welch_half_width(exact, sample) == pytest.approx(students, rel=ROUNDING)


@pytest.mark.parametrize("unit", [1e-100, 1e-9, 1e9, 1e70])
def test_the_half_width_scales_with_the_unit(unit):
    one = welch_half_width(Sample(0.0, 1.0, 4), Sample(0.0, 3.0, 6))
    scaled = welch_half_width(Sample(0.0, unit, 4), Sample(0.0, 3 * unit, 6))
    assert scaled == pytest.approx(one * unit, rel=ROUNDING)


def test_two_samples_without_spread_leave_no_room():
    assert welch_half_width(Sample(1.0, 0.0, 3), Sample(2.0, 0.0, 5)) == 0


@pytest.mark.parametrize(("n_a", "n_b"), [(1, 5), (5, 1), (1, 1), (0, 2)])
def test_fewer_than_two_runs_are_refused_with_their_numbers(n_a, n_b):
    with pytest.raises(ValueError, match=f"two runs on each side, not {n_a} and {n_b}"):
        welch_half_width(Sample(0.0, 1.0, n_a), Sample(0.0, 1.0, n_b))


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_covers_the_true_difference_as_often_as_it_says(level):
    # Ten runs against fifteen with three times the spread, 2000 times over. Welch's approximation itself is good to a
    # few parts in a thousand here; the simulation's own error bar is four binomial deviations, 0.02 to 0.04.
    repeats, true_difference = 2000, 0.7
    generator = np.random.default_rng(20)
    a = true_difference + generator.standard_normal((repeats, 10))
    b = 3 * generator.standard_normal((repeats, 15))
    covered = 0
    for one, two in zip(a.tolist(), b.tolist(), strict=True):
        x, y = Sample.of(one), Sample.of(two)
        covered += abs(x.mean - y.mean - true_difference) <= welch_half_width(x, y, level=level)
    assert covered / repeats == pytest.approx(level, abs=4 * binomial_deviation(level, repeats))


# Shares -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "n", "deviation"), [(0.5, 100, 0.05), (0.1, 9, 0.1), (0.0, 5, 0.0), (1.0, 5, 0.0), (0.9, 10_000, 0.003)]
)
def test_a_share_deviates_by_the_root_of_p_times_one_minus_p_over_n(p, n, deviation):
    assert binomial_deviation(p, n) == pytest.approx(deviation, rel=1e-14)


@given(p=st.floats(0.001, 0.999), n=st.integers(1, 10_000))  # closer to 1 SciPy's own 1 - p loses digits
def test_the_deviation_is_that_of_scipys_binomial_law(p, n):
    assert binomial_deviation(p, n) == pytest.approx(stats.binom.std(n, p) / n, rel=ROUNDING)
