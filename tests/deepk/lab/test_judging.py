"""The vocabulary of claims: header and body, silence, tolerances and where they come from, what a wrong factor does."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import expit, logit

from deepk.lab import (
    Claim,
    Judging,
    Resolution,
    Sample,
    Tolerance,
    Verdict,
    absolute,
    exact,
    logit_interval,
    needs,
    only,
    rounding,
    scaled_interval,
    share,
    t_interval,
    welch_interval,
)
from deepk.statistics import mean_half_width, welch_half_width

COUNTS = absolute(0.5, "counts are integers")
DATA = pd.DataFrame({"quantity": ["crossings"], "compositions": [40], "value": [68.0]})


def judged(expected: float, measured: float, within: Tolerance, resolution: Resolution = COUNTS) -> Claim:
    """An equality of our own."""
    claim = Judging()
    with claim.ours("slope", "the slope is so", "an identity", expected=expected, resolution=resolution) as finding:
        finding.gives(measured, within)
    return claim.claims[0]


# Header and body ----------------------------------------------------------------------------------------------------


def test_a_printed_claim_holds_what_its_header_and_its_body_say() -> None:
    claim = Judging()
    with claim.printed(
        "crossings",
        "f^40 crosses 68 times",
        "table 1",
        expected=68,
        published=70,
        precision=0.5,
        resolution=COUNTS,
        explanation="a misprint",
    ) as finding:
        finding.gives(only(DATA, quantity="crossings"), exact("the count is exact"))
    assert claim.claims == [
        Claim(
            name="crossings",
            statement="f^40 crosses 68 times",
            kind="printed",
            source="table 1",
            relation="=",
            expected=68.0,
            measured=68.0,
            tolerance=0.0,
            reason="none needed: the count is exact",
            resolution=0.5,
            resolution_reason="counts are integers",
            published=70.0,
            precision=0.5,
            explanation="a misprint",
        )
    ]
    assert claim.claims[0].verdict is Verdict.ERRATUM


def test_a_claim_of_our_own_has_no_print_to_miss() -> None:
    claim = judged(68, 68, exact("the count is exact"))
    assert (claim.kind, claim.published, claim.verdict) == ("ours", None, Verdict.REPRODUCED)


def test_a_bound_needs_no_resolution() -> None:
    claim = Judging()
    with claim.printed("bound", "the error is above 0.1", "theorem 1", ">=", 0.1) as finding:
        finding.gives(0.3, rounding(0.1, "rounding"))
    assert (claim.claims[0].relation, claim.claims[0].verdict) == (">=", Verdict.REPRODUCED)


def test_an_equality_without_a_resolution_is_refused() -> None:
    with pytest.raises(ValueError, match="claim slope: an equality without a resolution"):  # noqa: SIM117
        with Judging().ours("slope", "the slope is one", "an identity", expected=1.0) as finding:
            finding.gives(1.0, exact("it is exact"))


def test_a_body_may_know_the_expected_number_from_theory_alone() -> None:
    claim = Judging()
    with claim.printed("mu", "mu is so", "table 2", resolution=share(0.01, "a digit"), precision=0.005) as finding:
        finding.expects(2.0, published=1.9)
        finding.gives(2.0, exact("a sum"))
    found = claim.claims[0]
    assert (found.expected, found.published, found.precision, found.resolution) == (2.0, 1.9, 0.005, 0.02)
    assert found.verdict is Verdict.ERRATUM


def test_what_a_body_expects_leaves_the_print_of_the_header_as_it_is() -> None:
    claim = Judging()
    with claim.printed("mu", "", "table 2", resolution=COUNTS, published=1.9, precision=0.2) as finding:
        finding.expects(2.0)
        finding.gives(2.0, exact("a sum"))
    assert (claim.claims[0].published, claim.claims[0].precision) == (1.9, 0.2)


def test_a_remark_on_a_measurement_takes_the_place_of_the_headers_explanation() -> None:
    claim = Judging()
    for name, remark in (("with", "two cases"), ("without", "")):
        with claim.ours(name, "", "a check", "<=", 1.0, explanation="a check") as finding:
            finding.gives(0.0, exact("it is exact"), remark=remark)
    assert [found.explanation for found in claim.claims] == ["two cases", "a check"]


def test_claims_stand_in_the_order_of_their_bodies() -> None:
    claim = Judging()
    for name in "bac":
        with claim.ours(name, "", "a check", ">=", 0.0) as finding:
            finding.gives(1.0, exact("it is exact"))
    assert [found.name for found in claim.claims] == ["b", "a", "c"]


# Silence ------------------------------------------------------------------------------------------------------------


def test_what_a_claim_needs_and_a_run_lacks_makes_it_not_comparable() -> None:
    claim = Judging()
    with claim.printed("slope", "the slope is one", "table 1", expected=1.0, resolution=COUNTS) as finding:
        needs(False, "map=tent")
        finding.gives(1.0, exact("it is exact"))
    (found,) = claim.claims
    assert (found.verdict, found.other_setting, found.measured) == (Verdict.NOT_COMPARABLE, "map=tent", None)
    assert found.row()["explanation"] == "map=tent"


def test_rows_that_a_run_lacks_make_a_claim_not_comparable() -> None:
    claim = Judging()
    with claim.ours("slope", "", "a check", "<=", 1.0) as finding:
        finding.gives(only(DATA, quantity="crossings", compositions=8), exact("it is exact"))
    assert claim.claims[0].other_setting == "quantity=crossings, compositions=8: not in this run"


def test_a_need_after_the_measurement_silences_it_too() -> None:
    claim = Judging()
    with claim.ours("slope", "", "a check", "<=", 1.0) as finding:
        finding.gives(5.0, exact("it is exact"))
        needs(False, "width=3")
    assert claim.claims[0].verdict is Verdict.NOT_COMPARABLE
    assert claim.claims[0].row()["measured"] is None


def test_the_next_claim_speaks_after_a_silent_one() -> None:
    claim = Judging()
    for depth in (1, 2):
        with claim.ours(f"depth-{depth}", "", "a check", ">=", 0.0) as finding:
            needs(depth > 1, "one layer")
            finding.gives(1.0, exact("it is exact"))
    assert [found.verdict for found in claim.claims] == [Verdict.NOT_COMPARABLE, Verdict.REPRODUCED]


@pytest.mark.parametrize("error", [KeyError("value"), ValueError("3 rows"), ZeroDivisionError()])
def test_only_silence_is_swallowed(error: Exception) -> None:
    claim = Judging()
    with pytest.raises(type(error)), claim.ours("slope", "", "a check", ">=", 0.0):
        raise error
    assert claim.claims == []


def test_a_body_that_gives_nothing_is_refused() -> None:
    with (
        pytest.raises(ValueError, match="claim slope: nothing was measured"),
        Judging().ours("slope", "", "x", ">=", 0.0),
    ):
        pass


# Resolutions and tolerances -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resolution", "at_4", "at_minus_4"), [(absolute(0.5, "integers"), 0.5, 0.5), (share(0.25, "digits"), 1.0, 1.0)]
)
def test_a_resolution_is_absolute_or_a_share(resolution: Resolution, at_4: float, at_minus_4: float) -> None:
    assert (resolution.at(4.0), resolution.at(-4.0)) == (at_4, at_minus_4)


def test_tolerances_add_up_with_their_reasons() -> None:
    both = rounding(0.25, "rounding") + rounding(0.5, "99 % interval")
    assert both == Tolerance(0.75, "rounding, and 99 % interval")
    assert (exact("a count") + rounding(0.5, "an error")).width == 0.5


def test_no_tolerance_says_why_none_is_needed() -> None:
    assert exact("a count") == Tolerance(0.0, "none needed: a count")


SAMPLE = Sample.of([1.0, 2.0, 3.0, 4.0])
OTHER = Sample.of([10.0, 20.0, 60.0])


@pytest.mark.parametrize("level", [0.99, 0.9])
def test_intervals_are_those_of_the_library(level: float) -> None:
    assert t_interval(SAMPLE, over="seeds", level=level).width == mean_half_width(SAMPLE, level=level)
    assert welch_interval(SAMPLE, OTHER, over="seeds", level=level).width == welch_half_width(
        SAMPLE, OTHER, level=level
    )


def test_an_interval_on_a_logarithmic_scale_is_relative_to_the_mean() -> None:
    assert scaled_interval(SAMPLE, 10.0, over="seeds").width == pytest.approx(4 * mean_half_width(SAMPLE), rel=1e-15)
    assert scaled_interval(SAMPLE, -10.0, over="seeds").width > 0


def test_an_interval_on_the_scale_of_logits_maps_back_around_the_expected_share() -> None:
    shares = [0.6, 0.7, 0.8]
    half = mean_half_width(Sample.of(logit(shares).tolist()))
    width = logit_interval(shares, 0.9, over="seeds").width
    assert width == pytest.approx(0.9 - expit(logit(0.9) - half), rel=1e-12)  # the longer side


def test_intervals_say_over_what_and_at_which_level() -> None:
    reasons = [
        t_interval(SAMPLE, over="seeds").reason,
        t_interval(SAMPLE, over="draws", level=0.999).reason,
        scaled_interval(SAMPLE, 1.0, over="seeds").reason,
        logit_interval([0.6, 0.7], 0.5, over="seeds").reason,
        welch_interval(SAMPLE, OTHER, over="seeds").reason,
    ]
    assert reasons == [
        "99 % interval of the mean over seeds",
        "99.9 % interval of the mean over draws",
        "99 % interval of the mean over seeds, on a logarithmic scale",
        "99 % interval of the mean over seeds, on the scale of logits",
        "99 % Welch interval of the difference over seeds",
    ]


ONE = Sample.of([0.5])


@pytest.mark.parametrize(
    "tolerance",
    [
        t_interval(ONE, over="seeds"),
        scaled_interval(ONE, 1.0, over="seeds"),
        logit_interval([0.5], 0.5, over="seeds"),
        logit_interval([], 0.5, over="seeds"),
        welch_interval(ONE, SAMPLE, over="seeds"),
        welch_interval(SAMPLE, ONE, over="seeds"),
    ],
)
def test_one_run_has_no_interval_and_confirms_nothing(tolerance: Tolerance) -> None:
    assert tolerance.width == math.inf
    assert tolerance.reason.startswith("no interval: ")
    assert judged(0.5, 0.5, tolerance, absolute(100.0, "anything")).verdict is Verdict.UNDERPOWERED


@pytest.mark.parametrize("lost", [[math.nan, 0.5], [math.nan, math.nan]])
def test_a_lost_run_differs(lost: list[float]) -> None:
    sample = Sample.of(lost)
    tolerances = [
        t_interval(sample, over="seeds"),
        scaled_interval(sample, 0.5, over="seeds"),
        logit_interval(lost, 0.5, over="seeds"),
    ]
    found = {judged(0.5, sample.mean, tolerance, absolute(9.0, "anything")).verdict for tolerance in tolerances}
    assert found == {Verdict.DIFFERS}


def test_runs_that_agree_to_the_last_digit_have_an_interval_of_no_width() -> None:
    same = Sample.of([0.5, 0.5, 0.5])
    assert t_interval(same, over="seeds").width == scaled_interval(same, 7.0, over="seeds").width == 0.0
    assert welch_interval(same, same, over="seeds").width == 0.0


def test_zero_has_no_scale() -> None:
    assert scaled_interval(Sample.of([0.0, 0.0]), 7.0, over="seeds").width == 0.0
    assert judged(7.0, 0.0, scaled_interval(Sample.of([0.0, 0.0]), 7.0, over="seeds")).verdict is Verdict.DIFFERS


# What is wrong differs ----------------------------------------------------------------------------------------------

POSITIVE = st.lists(st.floats(0.5, 2.0), min_size=2, max_size=12)
CLOSE = share(0.8, "below the 9/11 that tell a number from ten of it")


@given(runs=POSITIVE, expected=st.floats(0.5, 2.0), factor=st.floats(1e-3, 1e3))
def test_a_wrong_factor_shifts_an_interval_on_a_logarithmic_scale_and_does_not_widen_it(
    runs: list[float], expected: float, factor: float
) -> None:
    right, wrong = Sample.of(runs), Sample.of([factor * run for run in runs])
    width = scaled_interval(right, expected, over="seeds").width
    assert scaled_interval(wrong, expected, over="seeds").width == pytest.approx(width, rel=1e-9, abs=1e-12)
    assert t_interval(wrong, over="seeds").width == pytest.approx(
        factor * t_interval(right, over="seeds").width, rel=1e-9, abs=1e-12 * max(1.0, factor)
    )


@given(runs=POSITIVE, expected=st.floats(0.5, 2.0), factor=st.sampled_from([0.01, 0.1, 10.0, 100.0]))
def test_a_result_off_by_a_factor_of_ten_or_a_hundred_differs_wherever_the_right_one_is_reproduced(
    runs: list[float], expected: float, factor: float
) -> None:
    right, wrong = Sample.of(runs), Sample.of([factor * run for run in runs])
    assume(
        judged(expected, right.mean, scaled_interval(right, expected, over="seeds"), CLOSE).verdict
        is Verdict.REPRODUCED
    )
    claim = judged(expected, wrong.mean, scaled_interval(wrong, expected, over="seeds"), CLOSE)
    assert claim.verdict is Verdict.DIFFERS


def test_with_an_interval_that_grows_with_the_result_the_factor_of_ten_would_not_differ() -> None:
    runs = [10 * run for run in (0.9, 1.0, 1.1, 0.4, 1.7)]
    sample = Sample.of(runs)
    assert judged(1.0, sample.mean, t_interval(sample, over="seeds")).verdict is Verdict.UNDERPOWERED
    assert judged(1.0, sample.mean, scaled_interval(sample, 1.0, over="seeds")).verdict is Verdict.DIFFERS


@given(
    expected=st.floats(0.5, 0.99),
    scatter=st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=12),
    chance=st.sampled_from([0.0, 0.1]),
)
def test_accuracies_at_chance_differ_wherever_the_right_ones_are_reproduced(
    expected: float, scatter: list[float], chance: float
) -> None:
    tenth = absolute(0.1, "a tenth of the images")
    right, wrong = (
        expit(logit(level) + np.array(scatter)).tolist() if level else [0.0] * len(scatter)
        for level in (expected, chance)
    )
    assume(
        judged(expected, float(np.mean(right)), logit_interval(right, expected, over="seeds"), tenth).verdict
        is Verdict.REPRODUCED
    )
    claim = judged(expected, float(np.mean(wrong)), logit_interval(wrong, expected, over="seeds"), tenth)
    assert claim.verdict is Verdict.DIFFERS


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_shares_of_none_and_of_all_have_a_finite_interval(level: float) -> None:
    assert math.isfinite(logit_interval([level, 0.5, 0.6], 0.9, over="seeds").width)
    assert judged(0.9, level, logit_interval([level] * 3, 0.9, over="seeds")).verdict is Verdict.DIFFERS
