"""Means, deviations and intervals: against closed forms, SciPy and simulation, and under a change of units."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logit

from deepk.statistics import (
    Sample,
    bernstein_half_width,
    binomial_deviation,
    binomial_half_width,
    logit_half_width,
    mean_half_width,
    pooled,
    prediction_half_width,
    simultaneous,
    welch_half_width,
)

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


def within(p: float, n: int, half: float) -> float:
    """The probability that the share of n trials of probability p lies no further from p than `half`."""
    successes = np.arange(n + 1)
    # 1e-12: the width is one of these distances, rounded otherwise.
    return float(stats.binom.pmf(successes[np.abs(successes / n - p) <= half + 1e-12], n, p).sum())


@pytest.mark.parametrize("level", [0.8, 0.99, 0.999])
@pytest.mark.parametrize(("p", "n"), [(0.5, 1), (0.5, 100), (0.02, 50), (0.98, 50), (1e-4, 1000), (0.3, 7)])
def test_the_binomial_interval_holds_the_share_with_the_level_and_only_just(p, n, level):
    half = binomial_half_width(p, n, level=level)
    assert within(p, n, half) >= level
    # Narrower by two trials the longer side alone loses its tail.
    tail = (1 - level) / 2
    below, above = stats.binom.cdf(n * (p - half) + 1.5, n, p), stats.binom.sf(n * (p + half) - 1.5, n, p)
    assert max(below, above) > tail


def test_the_binomial_interval_becomes_the_normal_one():
    n, p = 10**6, 0.3
    normal = stats.norm.ppf(0.995) * binomial_deviation(p, n)
    # To one trial, 1 / n, of 1180 within, and the skewness, (z^2 - 1) (1 - 2 p) / 6 trials.
    assert binomial_half_width(p, n) == pytest.approx(normal, abs=2 / n)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_a_share_that_cannot_vary_has_no_width(p):
    assert binomial_half_width(p, 10) == 0


def test_the_binomial_interval_of_an_unknown_probability_is_unknown():
    assert math.isnan(binomial_half_width(math.nan, 10))


# Several intervals at once ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.5, 0.99, 0.999])
def test_one_comparison_has_the_level_itself(level):
    assert simultaneous(level, 1) == pytest.approx(level, rel=1e-15)


@pytest.mark.parametrize(("level", "comparisons"), [(0.8, 5), (0.99, 60), (0.999, 1000)])
def test_the_intervals_share_what_may_be_outside(level, comparisons):
    assert comparisons * (1 - simultaneous(level, comparisons)) == pytest.approx(1 - level, rel=1e-9)


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_simultaneous_intervals_hold_all_together_as_often_as_they_say(correlation):
    level, comparisons, repeats = 0.9, 8, 4000
    generator = np.random.default_rng(5)
    common, own = generator.standard_normal((repeats, 1)), generator.standard_normal((repeats, comparisons))
    deviates = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own
    half = stats.norm.ppf((1 + simultaneous(level, comparisons)) / 2)
    covered = float((np.abs(deviates) <= half).all(axis=1).mean())
    # Four binomial deviations, 0.019. From above: independent ones hold with (1 - 0.1 / 8)^8 = 0.904.
    error = 4 * binomial_deviation(level, repeats)
    assert covered >= level - error
    if not correlation:
        assert covered == pytest.approx(simultaneous(level, comparisons) ** comparisons, abs=error)


# Pooled samples ---------------------------------------------------------------------------------------------------


def summary(setting: str, values: list[float]) -> dict[str, object]:
    sample = Sample.of(values)
    return {"setting": setting, "mean": sample.mean, "deviation": sample.deviation, "count": sample.count}


@given(parts=st.lists(VALUES, min_size=1, max_size=5))
def test_pooled_samples_are_the_sample_of_all_their_values(parts):
    (row,) = pooled(pd.DataFrame([summary("a", values) for values in parts]), ["setting"]).itertuples()
    whole = Sample.of([value for values in parts for value in values])
    assert row.count == whole.count
    # Values up to 64, whose squares are added in another order.
    assert (row.mean, row.deviation) == pytest.approx((whole.mean, whole.deviation), rel=1e-12, abs=1e-12)


def test_settings_are_pooled_each_on_its_own_in_the_order_in_which_they_come():
    parts = [("b", [1.0, 2.0]), ("a", [10.0, 30.0]), ("b", [3.0, 4.0])]
    found = pooled(pd.DataFrame([summary(*part) for part in parts]), ["setting"])
    assert found["setting"].tolist() == ["b", "a"]
    assert found["mean"].tolist() == [2.5, 20.0]
    assert found["count"].tolist() == [4, 2]
    assert found["deviation"].tolist() == pytest.approx([math.sqrt(5 / 3), math.sqrt(200)], rel=1e-14)


def test_nothing_pooled_is_nothing():
    table = pd.DataFrame([summary("a", [1.0, 2.0])])
    assert pooled(table.iloc[:0], ["setting"]).empty


def test_a_single_run_pooled_has_no_deviation():
    (row,) = pooled(pd.DataFrame([summary("a", [1.0])]), ["setting"]).itertuples()
    assert row.mean == 1
    assert math.isnan(row.deviation)


def test_two_single_runs_have_the_deviation_of_two_values():
    (row,) = pooled(pd.DataFrame([summary("a", [1.0]), summary("a", [2.0])]), ["setting"]).itertuples()
    assert row.deviation == pytest.approx(math.sqrt(0.5), rel=1e-14)


@pytest.mark.parametrize("others", [[], [[1.0, 2.0]]])
def test_a_run_that_diverged_makes_the_pooled_mean_nan(others):
    parts = [[math.nan, 1.0], *others]
    (row,) = pooled(pd.DataFrame([summary("a", values) for values in parts]), ["setting"]).itertuples()
    assert math.isnan(row.mean)


# Bernstein's bound ------------------------------------------------------------------------------------------------


def bernstein(deviation: float, largest: float, count: int, outside: float) -> float:
    columns = (np.array([number]) for number in (deviation, largest, count))
    return float(bernstein_half_width(*columns, outside=outside)[0])


@pytest.mark.parametrize("outside", [0.05, 1e-3, 1e-8])
@pytest.mark.parametrize(("deviation", "largest", "count"), [(1.0, 1.0, 10), (0.01, 1.0, 500), (3.0, 20.0, 10**6)])
def test_the_bernstein_bound_solves_its_inequality(deviation, largest, count, outside):
    e = bernstein(deviation, largest, count, outside)
    probability = 2 * math.exp(-count * e**2 / (2 * (deviation**2 + largest * e / 3)))
    assert probability == pytest.approx(outside, rel=1e-9)


@pytest.mark.parametrize(("p", "count"), [(0.5, 20), (0.1, 100), (1e-4, 10_000), (0.99, 1000)])
@pytest.mark.parametrize("outside", [0.1, 1e-3])
def test_the_mean_of_coin_tosses_is_outside_the_bernstein_bound_no_more_often_than_it_says(p, count, outside):
    e = bernstein(math.sqrt(p * (1 - p)), max(p, 1 - p), count, outside)
    assert 1 - within(p, count, e) <= outside


def test_the_bernstein_bound_holds_for_a_rare_event_where_a_normal_interval_would_not():
    count, p, outside = 10_000, 1e-4, 1e-3
    bound = bernstein(math.sqrt(p), 1.0, count, outside)
    assert stats.binom.sf(count * (p + bound), count, p) < outside / 2
    normal = stats.norm.isf(outside / 2) * math.sqrt(p / count)
    assert stats.binom.sf(count * (p + normal), count, p) > outside / 2


def test_for_many_variables_the_bernstein_bound_is_that_of_a_normal_tail():
    count, outside = 10**12, 1e-3
    assert bernstein(2.0, 5.0, count, outside) == pytest.approx(2 * math.sqrt(2 * math.log(2000) / count), rel=1e-5)


def test_the_bernstein_bound_is_elementwise_and_scales_with_the_unit():
    deviation, largest, count = np.array([1.0, 0.0, math.nan]), np.array([2.0, 3.0, 1.0]), np.array([10, 20, 30])
    one = bernstein_half_width(deviation, largest, count, outside=0.01)
    np.testing.assert_allclose(
        bernstein_half_width(1e6 * deviation, 1e6 * largest, count, outside=0.01), 1e6 * one, rtol=1e-12
    )
    assert one[1] == pytest.approx(2 * 3.0 * math.log(200) / (3 * 20), rel=1e-12)  # without variance: 2/3 of b log / n
    assert math.isnan(one[2])


# One more run -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.8, 0.99])
@pytest.mark.parametrize(("times", "runs"), [(1, 2), (1, 5), (4, 3)])
def test_the_prediction_interval_holds_one_more_run_as_often_as_it_says(times, runs, level):
    repeats = 4000
    generator = np.random.default_rng(100 * times + runs)
    drift = np.linspace(0, 5, times)[:, None]  # the same of all runs: no part of their scatter
    values = drift + generator.standard_normal((repeats, times, runs))
    further = drift[-1, 0] + generator.standard_normal(repeats)
    covered = np.mean(
        [
            abs(one - of[-1].mean()) <= prediction_half_width(of, level=level)
            for of, one in zip(values, further, strict=True)
        ]
    )
    # Exact for normal values that are independent from time to time; four binomial deviations of the simulation.
    assert covered == pytest.approx(level, abs=4 * binomial_deviation(level, repeats))


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_a_single_run_that_scatters_about_a_level_predicts_the_next_at_least_as_often_as_it_says(level):
    repeats, times = 4000, 5
    generator = np.random.default_rng(8)
    values, further = generator.standard_normal((repeats, times, 1)), generator.standard_normal(repeats)
    covered = np.mean(
        [
            abs(one - of[-1, 0]) <= prediction_half_width(of, level=level)
            for of, one in zip(values, further, strict=True)
        ]
    )
    # The last value is one of those that the spread is taken of, so that the interval is a little too wide.
    error = 4 * binomial_deviation(level, repeats)
    assert level - error <= covered <= level + 0.02 + error


def test_at_one_time_the_prediction_interval_is_the_means_times_the_root_of_n_plus_one():
    values = [1.0, 2.0, 4.0, 8.0]
    half = mean_half_width(Sample.of(values)) * math.sqrt(len(values) + 1)
    assert prediction_half_width(np.array([values])) == pytest.approx(half, rel=ROUNDING)


def test_a_single_value_predicts_nothing():
    assert prediction_half_width(np.array([[3.0]])) == math.inf


def test_runs_that_never_differ_leave_no_room():
    assert prediction_half_width(np.array([[1.0, 1.0], [2.0, 2.0]])) == 0


@pytest.mark.parametrize("values", [[[1.0, math.nan], [2.0, 3.0]], [[1.0], [math.nan]]])
def test_a_run_that_diverged_predicts_nothing(values):
    assert math.isnan(prediction_half_width(np.array(values)))


# Shares on the scale of logits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.8, 0.99])
@pytest.mark.parametrize("middle", [0.5, 0.97, 0.02])
def test_the_logit_interval_holds_the_mean_share_as_often_as_it_says(middle, level):
    repeats = 3000
    generator = np.random.default_rng(11)
    shares = expit(logit(middle) + 0.1 * generator.standard_normal((repeats, 4)))
    covered = np.mean([abs(of.mean() - middle) <= logit_half_width(of.tolist(), middle, level=level) for of in shares])
    # The mean share is that of the mean logit to second order in 0.1, and the longer side is longer in the same order:
    # a hundredth of the level. The simulation's own error bar is four binomial deviations, 0.007 and 0.03.
    assert covered == pytest.approx(level, abs=0.01 + 4 * binomial_deviation(level, repeats))


def test_the_logit_interval_is_the_t_interval_carried_over_on_its_longer_side():
    shares, around = [0.9, 0.95, 0.97], 0.9
    half = mean_half_width(Sample.of([math.log(share / (1 - share)) for share in shares]))
    low, high = (1 / (1 + (1 - around) / around * math.exp(sign * half)) for sign in (1, -1))
    assert logit_half_width(shares, around) == pytest.approx(max(around - low, high - around), rel=1e-9)


@given(by=st.floats(-3, 3))
def test_a_wrong_share_shifts_the_logit_interval_and_does_not_widen_it(by):
    right = np.array([0.9, 0.92, 0.95])
    wrong = expit(logit(right) + by)
    assert logit_half_width(wrong.tolist(), 0.92) == pytest.approx(logit_half_width(right.tolist(), 0.92), rel=1e-9)


def test_errors_have_the_logit_interval_of_accuracies():
    shares, around = [0.9, 0.95, 0.97], 0.93
    errors = logit_half_width([1 - share for share in shares], 1 - around)
    assert errors == pytest.approx(logit_half_width(shares, around), rel=1e-9)


def test_shares_of_nothing_and_of_all_have_a_finite_logit():
    assert logit_half_width([1.0, 1.0], 1.0) == pytest.approx(0, abs=1.1e-6)  # 1 counts as 1 - 1e-6
    assert 0 < logit_half_width([0.999, 1.0], 0.999) < 1


@pytest.mark.parametrize("shares", [[], [0.5]])
def test_fewer_than_two_shares_have_an_infinite_logit_interval(shares):
    assert logit_half_width(shares, 0.5) == math.inf


def test_a_share_that_is_lost_has_no_logit_interval():
    assert math.isnan(logit_half_width([0.5, math.nan], 0.5))
