"""map-periods: what its claims conclude from tables, and what it counts."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke

from deepk.dynamics import bounded_slope_map, growth_rate, implied_periods, periodic_points
from deepk.errors import Refused
from deepk.lab import Claim, Lab, Verdict
from experiments.map_periods import COLUMNS, Config
from experiments.map_periods.claims import claims as judge
from experiments.map_periods.figures import draw
from experiments.map_periods.measurement import measure, units
from experiments.map_periods.theory import predict


def compose(scale: str, *overrides: str) -> Config:
    return smoke.compose("map-periods", scale, *overrides)


def table(rows: list[tuple[str, int, float, int, str, float]]) -> pd.DataFrame:
    """Of the papers' maps, which claims do not tell apart by name."""
    return pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "map"]).assign(map="")


def oscillations(cfg: Config, rates: dict[int, float]) -> pd.DataFrame:
    """Crossings that grow at these rates."""
    return table(
        [
            ("oscillations", period, math.nan, n, "log crossings", n * math.log(rate))
            for period, rate in rates.items()
            for n in range(1, cfg.iterations + 1)
        ]
    )


def thresholds(cfg: Config, shift: float = 0.0) -> pd.DataFrame:
    """The last interval of a bisection around each threshold, moved by so many of its lengths."""
    length = 2.0**-cfg.bisections
    return table(
        [
            ("threshold", period, slope, 0, name, slope)
            for period in cfg.odd
            for name, side in (("without", -0.5), ("with", 0.5))
            for slope in [growth_rate(period) + (side + shift) * length]
        ]
    )


def points(slides: float, golden: float, below: float = 0, above: float = 6) -> pd.DataFrame:
    """So many points of period 3; beside the golden ratio as many as there are."""
    counts = {"slides": slides, "golden": golden, "slope 1.58": below, "slope 1.66": above}
    return table([("points", 0, 1.618, 3, f"points, {name}", n) for name, n in counts.items()])


def found(cfg: Config, change: int = 0) -> pd.DataFrame:
    """The periods that Sharkovsky's theorem implies, all but that of `change`."""
    return table(
        [
            ("sharkovsky", period, math.nan, other, "has", float((other in implied) != (other == change)))
            for period in cfg.sharkovsky
            for implied in [implied_periods(period, up_to=cfg.up_to)]
            for other in range(1, cfg.up_to + 1)
        ]
    )


def judged(cfg: Config, *parts: pd.DataFrame) -> dict[str, Claim]:
    data = pd.concat(parts)
    return {claim.name: claim for claim in judge(predict(cfg), data, cfg)}


def measured(cfg: Config, part: str) -> pd.DataFrame:
    """What all units of a part find."""
    return pd.concat(
        [measure(cfg, unit, Lab("cpu")).assign(**unit.key) for unit in units(cfg) if unit.key["part"] == part]
    )


@pytest.fixture
def paper() -> Config:
    return compose("paper")


# --- the configuration ------------------------------------------------------------------------------------------------


def test_the_periods_and_the_slope_are_those_of_the_slides(paper: Config) -> None:
    assert (paper.periods, paper.slope) == ([3, 4, 5], 1.618)


def test_a_slope_at_which_whole_intervals_return_is_refused() -> None:
    with pytest.raises(Refused, match=r"slope=1.0 is not allowed: it takes a number in \(0, 2\] other than 1"):
        compose("smoke", "slope=1")


# --- what claims conclude ---------------------------------------------------------------------------------------------


def test_right_tables_reproduce_all_but_the_slides_points_of_period_3(paper: Config) -> None:
    rates = {period: growth_rate(period) for period in paper.periods}
    claims = judged(paper, oscillations(paper, rates), thresholds(paper), points(0, 3), found(paper))
    others = {name: claim.verdict for name, claim in claims.items() if name != "period-3/slides"}
    assert set(others.values()) == {Verdict.REPRODUCED}
    assert len(others) == len(paper.periods) + len(paper.odd) + len(paper.sharkovsky) + 3


def test_without_points_of_period_3_the_slides_are_in_error(paper: Config) -> None:
    claim = judged(paper, points(0, 3))["period-3/slides"]
    assert (claim.verdict, claim.published, claim.expected) == (Verdict.ERRATUM, 1, 0)


@pytest.mark.parametrize(("slides", "golden"), [(3, 3), (0, 0), (0, 6)])
def test_another_number_of_points_differs(paper: Config, slides: int, golden: int) -> None:
    claims = judged(paper, points(slides, golden))
    other = {"period-3/slides": slides != 0, "points-of-period-3/golden": golden != 3}
    for name, wrong in other.items():
        assert (claims[name].verdict == Verdict.DIFFERS) == wrong


@pytest.mark.parametrize(("below", "above", "name"), [(6, 6, "slope-1.58"), (0, 0, "slope-1.66"), (0, 3, "slope-1.66")])
def test_another_number_of_points_beside_the_threshold_differs(
    paper: Config, below: int, above: int, name: str
) -> None:
    claims = judged(paper, points(0, 3, below, above))
    differ = {claim for claim, found in claims.items() if found.verdict == Verdict.DIFFERS}
    assert differ == {f"points-of-period-3/{name}"}


@pytest.mark.parametrize(
    ("period", "rate", "verdict"),
    [
        (3, 1.6180, Verdict.DIFFERS),
        (3, 1.6181, Verdict.DIFFERS),
        (5, 1.5128, Verdict.DIFFERS),
        (4, 0.999, Verdict.DIFFERS),
        (4, 1.1, Verdict.DIFFERS),  # the map of a power of two has no period that implies growth
    ],
)
def test_oscillations_of_another_rate_are_seen(paper: Config, period: int, rate: float, verdict: Verdict) -> None:
    assert judged(paper, oscillations(paper, {period: rate}))[f"growth/period-{period}"].verdict == verdict


def test_an_even_period_has_a_tolerance_that_lets_it_differ() -> None:
    cfg = compose("paper", "periods=[6]")
    assert judged(cfg, oscillations(cfg, {6: 1.27}))["growth/period-6"].verdict == Verdict.DIFFERS


@pytest.mark.parametrize(
    "override", ["periods=[101]", "odd=[15]", "sharkovsky=[17]", "up_to=17", "iterations=2001", "bisections=61"]
)
def test_what_would_never_end_is_refused(override: str) -> None:
    with pytest.raises(Refused, match="is not allowed: it takes"):
        compose("smoke", override)


@pytest.mark.parametrize(
    ("period", "iterations", "verdict"),
    [(3, 18, Verdict.REPRODUCED), (3, 17, Verdict.UNDERPOWERED), (5, 30, Verdict.UNDERPOWERED)],
)
def test_few_iterations_know_too_little_of_growth(period: int, iterations: int, verdict: Verdict) -> None:
    cfg = compose("paper", f"periods=[{period}]", f"iterations={iterations}")
    claim = judged(cfg, oscillations(cfg, {period: growth_rate(period)}))[f"growth/period-{period}"]
    assert claim.verdict == verdict  # ten times (second eigenvalue / rho)^(n - p), beside 1e-5


def test_no_more_iterations_than_the_period_say_nothing_of_growth() -> None:
    cfg = compose("paper", "periods=[29]", "iterations=29")
    claim = judged(cfg, oscillations(cfg, {29: growth_rate(29)}))["growth/period-29"]
    assert claim.other_setting == "iterations=29, no more than the period"


@pytest.mark.parametrize("period", [3, 5, 6, 8, 12])
def test_growth_is_within_its_tolerance_at_any_number_of_iterations(period: int) -> None:
    for iterations in (max(period + 1, 6), 2 * period, 40):
        cfg = compose("smoke", f"periods=[{period}]", f"iterations={iterations}")
        claim = judged(cfg, measured(cfg, "oscillations"))[f"growth/period-{period}"]
        assert claim.verdict != Verdict.DIFFERS


def test_a_threshold_outside_the_last_interval_of_its_bisection_differs() -> None:
    cfg = compose("smoke")
    verdicts = [judged(cfg, thresholds(cfg, shift))["threshold/period-3"].verdict for shift in (0.4, 0.6, -0.6)]
    assert verdicts == [Verdict.REPRODUCED, Verdict.DIFFERS, Verdict.DIFFERS]


def test_the_printed_threshold_is_right_in_its_digits(paper: Config) -> None:
    claim = judged(paper, thresholds(paper))["threshold/period-3"]
    assert claim.published == 1.618
    assert claim.verdict == Verdict.REPRODUCED  # and no erratum


@pytest.mark.parametrize("change", [2, 7])  # which period 8 has and has not
def test_a_period_too_few_or_too_many_differs(paper: Config, change: int) -> None:
    assert judged(paper, found(paper, change))["sharkovsky/period-8"].verdict == Verdict.DIFFERS


def test_another_slope_is_not_that_of_the_slides() -> None:
    claims = judged(compose("paper", "slope=1.7"), points(3, 3))
    assert claims["period-3/slides"].other_setting == "slope=1.7, not 1.618"
    assert claims["points-of-period-3/golden"].verdict == Verdict.REPRODUCED


def test_each_part_is_silent_without_its_own_rows(paper: Config) -> None:
    claims = judged(paper, points(0, 3))
    assert claims["growth/period-3"].other_setting == "quantity=log crossings, period=3: not in this run"
    assert claims["threshold/period-5"].other_setting == "quantity=without, period=5: not in this run"
    assert claims["sharkovsky/period-8"].other_setting == "quantity=has, period=8: not in this run"
    golden = judged(paper, thresholds(paper))["points-of-period-3/golden"]
    assert golden.other_setting == "quantity=points, golden, index=3: not in this run"


def test_a_period_that_the_table_lacks_is_not_a_right_one(paper: Config) -> None:
    data = found(paper)
    lacking = data[(data["period"] != 8) | (data["index"] != 2)]
    assert judged(paper, lacking)["sharkovsky/period-8"].measured == 1


def test_points_that_were_not_counted_are_not_none(paper: Config) -> None:
    assert judged(paper, points(math.nan, 3))["period-3/slides"].verdict == Verdict.DIFFERS


# --- what is measured -------------------------------------------------------------------------------------------------


def test_the_slides_slope_is_below_the_golden_ratio() -> None:
    a = Fraction("1.618")
    assert a**2 - a - 1 == Fraction("-7.6e-5")


def test_the_slides_map_has_no_point_of_period_3_and_the_golden_one_three() -> None:
    rows = measured(compose("smoke"), "points").set_index(["quantity", "index"])["value"]
    assert (rows["points, slides", 3], rows["points, golden", 3]) == (0, 3)


@pytest.mark.parametrize("slope", [1.6180, 1.6181, 1.7, 1.9, 2.0])
def test_two_orbits_of_period_3_are_there_at_every_slope_above_the_golden_ratio(slope: float) -> None:
    cfg = compose("smoke", f"beside=[{slope}]")
    claim = judged(cfg, measured(cfg, "points"))[f"points-of-period-3/slope-{slope}"]
    assert (claim.measured, claim.expected) == ((0, 0) if slope < 1.618034 else (6, 6))


def test_slopes_that_differ_in_the_eighth_digit_are_two() -> None:
    cfg = compose("smoke", "beside=[1.6180339,1.6180340]")
    claims = judged(cfg, measured(cfg, "points"))
    found = [claims[f"points-of-period-3/slope-{slope}"] for slope in (1.6180339, 1.618034)]
    assert [claim.measured for claim in found] == [claim.expected for claim in found] == [0, 6]


def test_oscillations_grow_by_rho_for_an_even_period_too() -> None:
    cfg = compose("smoke", "periods=[6]")
    claim = judged(cfg, measured(cfg, "oscillations"))["growth/period-6"]
    # The next eigenvalue is 0.79 of rho: 0.79^24 after 30 iterations
    assert claim.measured == pytest.approx(growth_rate(6), rel=3e-3)


def test_a_bisection_ends_between_a_slope_without_the_period_and_one_with_it() -> None:
    rows = measured(compose("smoke"), "threshold").set_index("quantity")["value"]
    without, with_ = (bounded_slope_map(Fraction(rows[name])) for name in ("without", "with"))
    assert not periodic_points(without, 3)
    assert periodic_points(with_, 3)


def test_a_map_of_ones_own_is_asked_for_its_periods_and_its_growth() -> None:
    cfg = compose("smoke", "maps=[tent, li-yorke]")
    data = measured(cfg, "own")
    claims = judged(cfg, data)
    assert claims["own-growth/tent"].measured == pytest.approx(2)
    assert claims["own-growth/tent"].expected == pytest.approx(growth_rate(3))
    assert claims["own-growth/li-yorke"].expected == pytest.approx(growth_rate(5))  # it has no period 3
    assert {claim.verdict for name, claim in claims.items() if name.startswith("own")} == {Verdict.REPRODUCED}
    slow = data.assign(value=data["value"].where(data["quantity"] != "own log pieces", math.log(1.4) * data["index"]))
    assert judged(cfg, slow)["own-growth/li-yorke"].verdict == Verdict.DIFFERS
    lost = data.assign(value=data["value"].where((data["quantity"] != "own has") | (data["index"] != 2), 0.0))
    assert judged(cfg, lost)["own-periods/tent"].verdict == Verdict.DIFFERS


def test_an_orbit_returns_after_its_period() -> None:
    theory = predict(compose("smoke"))
    orbit = theory[(theory["quantity"] == "orbit") & (theory["period"] == 5)].sort_values("index")["value"].tolist()
    assert orbit == [1, 3, 4, 2, 5, 1]


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn() -> Any:
    """The figures of a run of period 3 and period 10."""
    cfg = compose("smoke", "periods=[3, 10]", "iterations=6", "maps=[li-yorke]")
    data = pd.concat([measured(cfg, part) for part in ("oscillations", "sharkovsky", "points", "bifurcation", "own")])
    return draw(predict(cfg), data, cfg)


def test_the_bifurcation_picture_has_a_line_at_the_threshold(drawn: Any) -> None:
    panel = drawn["bifurcation"].axes[0]
    assert panel.lines[-1].get_xdata() == pytest.approx([growth_rate(3)] * 2)


def test_f_cubed_passes_the_origin_as_period_3_appears(drawn: Any) -> None:
    lines = drawn["bifurcation"].axes[1].lines[:3]
    heights = [float(np.interp(0, line.get_xdata(), line.get_ydata())) for line in lines]
    slopes = [1.58, 1.66, (1 + math.sqrt(5)) / 2]
    assert heights == pytest.approx([a * a - a - 1 for a in slopes], abs=1e-12)


def test_a_map_of_ones_own_has_a_row_beside_those_with_a_period(drawn: Any) -> None:
    panel = drawn["sharkovsky"].axes[0]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["3", "4", "li-yorke"]
    assert panel.lines[-1].get_xdata().tolist() == [1, 2, 4, 5]  # of up to five


def test_a_period_of_two_digits_is_set_as_one_index(drawn: Any) -> None:
    title = drawn["orbits"].axes[1].get_title()
    assert title == r"period 10: $\rho_{10} = 1.2300$"
