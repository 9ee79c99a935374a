"""Claims: the verdict that follows from the numbers, what is refused, known deviations, counts, and the CSV file."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepk.lab.claims import (
    CLAIM_COLUMNS,
    Claim,
    Deviation,
    Verdict,
    count_line,
    counts,
    judge,
    rows,
    unexplained,
)
from deepk.lab.store import read_table, write_table

REPRODUCED, ERRATUM, UNDERPOWERED, DIFFERS, NOT_COMPARABLE = (
    Verdict.REPRODUCED,
    Verdict.ERRATUM,
    Verdict.UNDERPOWERED,
    Verdict.DIFFERS,
    Verdict.NOT_COMPARABLE,
)


def claim(name: str = "slope", **changed: Any) -> Claim:
    """A claim that is reproduced, unless changed. Dyadic numbers, so that the edges of intervals are exact."""
    settings: dict[str, Any] = {
        "statement": "the slope is one",
        "kind": "printed",
        "source": "Table 1",
        "relation": "=",
        "expected": 1.0,
        "measured": 1.0,
        "tolerance": 0.25,
        "reason": "99 % interval over seeds",
        "resolution": 0.5,
        "resolution_reason": "half a unit of the print",
    }
    return Claim(name=name, **(settings | changed))


# Verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "tolerance", "resolution", "verdict"),
    [
        (1.0, 0.25, 0.5, REPRODUCED),
        (1.25, 0.25, 0.5, REPRODUCED),  # the edges belong to the interval
        (0.75, 0.25, 0.5, REPRODUCED),
        (1.0, 0.5, 0.5, REPRODUCED),  # as wide as what matters
        (1.0, math.nextafter(0.5, 1), 0.5, UNDERPOWERED),
        (1.0, math.inf, 0.5, UNDERPOWERED),  # no interval
        (7.0, math.inf, 0.5, UNDERPOWERED),
        (1.0, math.inf, math.inf, REPRODUCED),
        (1.0, 0.0, 0.0, REPRODUCED),
        (1.0, 0.25, 0.0, UNDERPOWERED),
        (math.nextafter(1.25, 2), 0.25, 0.5, DIFFERS),
        (math.nextafter(0.75, 0), 0.25, 0.5, DIFFERS),
        (1.25, 0.125, 0.5, DIFFERS),  # by less than matters
        (3.0, 1.0, 0.5, DIFFERS),  # what is refuted is not underpowered
        (2.0, 1.0, 0.5, UNDERPOWERED),
        (math.inf, 0.25, 0.5, DIFFERS),
        (-math.inf, 0.25, 0.5, DIFFERS),
    ],
)
def test_an_equality_holds_within_its_interval_if_that_is_as_narrow_as_its_resolution(
    measured: float, tolerance: float, resolution: float, verdict: Verdict
) -> None:
    assert claim(measured=measured, tolerance=tolerance, resolution=resolution).verdict is verdict


@pytest.mark.parametrize(
    ("relation", "measured", "verdict"),
    [
        (">=", 7.0, REPRODUCED),
        (">=", 1.25, REPRODUCED),  # on all of its interval
        (">=", math.nextafter(1.25, 0), UNDERPOWERED),
        (">=", 1.0, UNDERPOWERED),
        (">=", 0.75, UNDERPOWERED),
        (">=", math.nextafter(0.75, 0), DIFFERS),  # on none of it
        (">=", math.inf, REPRODUCED),
        (">=", -math.inf, DIFFERS),
        ("<=", -7.0, REPRODUCED),
        ("<=", 0.75, REPRODUCED),
        ("<=", 0.75 + 2**-52, UNDERPOWERED),
        ("<=", 1.0, UNDERPOWERED),
        ("<=", 1.25, UNDERPOWERED),
        ("<=", math.nextafter(1.25, 2), DIFFERS),
        ("<=", -math.inf, REPRODUCED),
        ("<=", math.inf, DIFFERS),
    ],
)
def test_a_bound_holds_on_the_whole_interval_or_fails_on_all_of_it(
    relation: str, measured: float, verdict: Verdict
) -> None:
    assert claim(relation=relation, measured=measured).verdict is verdict


@pytest.mark.parametrize(("relation", "holds", "fails"), [(">=", 1.0, 0.5), ("<=", 1.0, 1.5)])
def test_a_bound_of_an_exact_number_is_never_underpowered(relation: str, holds: float, fails: float) -> None:
    found = [claim(relation=relation, measured=measured, tolerance=0.0).verdict for measured in (holds, fails)]
    assert found == [REPRODUCED, DIFFERS]


@pytest.mark.parametrize("relation", [">=", "<="])
@pytest.mark.parametrize("measured", [-7.0, 1.0, 7.0])
def test_a_bound_without_an_interval_is_underpowered(relation: str, measured: float) -> None:
    assert claim(relation=relation, measured=measured, tolerance=math.inf).verdict is UNDERPOWERED


@pytest.mark.parametrize("relation", ["=", ">=", "<="])
@pytest.mark.parametrize("numbers", [{"measured": math.nan}, {"expected": math.nan}])
@pytest.mark.parametrize("tolerance", [0.25, math.inf])
def test_what_is_not_a_number_differs_from_everything(
    relation: str, numbers: dict[str, float], tolerance: float
) -> None:
    assert claim(relation=relation, tolerance=tolerance, **numbers).verdict is DIFFERS


EIGHTHS = st.integers(-40, 40).map(lambda n: n / 8)
WIDTHS = st.integers(0, 20).map(lambda n: n / 8)


@given(measured=EIGHTHS, expected=EIGHTHS, tolerance=WIDTHS)
def test_an_equality_is_refuted_where_one_of_the_two_bounds_is(
    measured: float, expected: float, tolerance: float
) -> None:
    numbers = {"measured": measured, "expected": expected, "tolerance": tolerance}
    equal, least, most = (claim(relation=relation, **numbers).verdict is DIFFERS for relation in ("=", ">=", "<="))
    assert equal == (least or most)


@given(measured=EIGHTHS, expected=EIGHTHS, tolerance=WIDTHS, relation=st.sampled_from([">=", "<="]))
def test_of_a_bound_a_wider_interval_refutes_and_confirms_no_more(
    measured: float, expected: float, tolerance: float, relation: str
) -> None:
    narrow, wide = (
        claim(relation=relation, measured=measured, expected=expected, tolerance=width).verdict
        for width in (tolerance, 2 * tolerance + 1)
    )
    assert wide in {UNDERPOWERED, narrow}


@given(measured=EIGHTHS, expected=EIGHTHS, tolerance=WIDTHS, resolution=WIDTHS)
def test_what_is_reproduced_is_no_further_off_than_matters(
    measured: float, expected: float, tolerance: float, resolution: float
) -> None:
    numbers = {"measured": measured, "expected": expected, "tolerance": tolerance, "resolution": resolution}
    assert claim(**numbers).verdict is not REPRODUCED or abs(measured - expected) <= resolution


@pytest.mark.parametrize("measured", [None, 1.0, 50.0, math.nan])
@pytest.mark.parametrize("relation", ["=", ">=", "<="])
def test_at_another_setting_nothing_is_comparable_whatever_was_measured(measured: float | None, relation: str) -> None:
    found = claim(measured=measured, relation=relation, other_setting="map=tent", published=3.0, tolerance=math.nan)
    assert found.verdict is NOT_COMPARABLE


@pytest.mark.parametrize(
    ("measured", "published", "precision", "verdict"),
    [
        (1.0, 3.0, 0.5, ERRATUM),
        (1.25, 3.0, 0.5, ERRATUM),  # agrees within the tolerance
        (1.0, 1.5, 0.5, REPRODUCED),  # the exact value may be half a unit from the print
        (1.0, 0.5, 0.5, REPRODUCED),
        (1.0, 1.5 + 2**-52, 0.5, ERRATUM),
        (1.0, 0.5 - 2**-52, 0.5, ERRATUM),
        (1.0, 1.0, 0.0, REPRODUCED),
        (1.0, None, 0.0, REPRODUCED),
        (3.0, 3.0, 0.5, DIFFERS),  # agrees with the print, and not with the theory
        (2.0, 3.0, 0.5, DIFFERS),
        (math.nan, 3.0, 0.5, DIFFERS),
    ],
)
def test_an_erratum_is_a_print_that_misses_an_exact_value_that_is_met(
    measured: float, published: float | None, precision: float, verdict: Verdict
) -> None:
    assert claim(measured=measured, published=published, precision=precision).verdict is verdict


def test_a_run_that_knows_too_little_finds_no_erratum() -> None:
    assert claim(published=3.0, tolerance=1.0).verdict is UNDERPOWERED


@pytest.mark.parametrize(("relation", "measured"), [(">=", 2.0), ("<=", 0.0)])
def test_a_bound_is_never_an_erratum(relation: str, measured: float) -> None:
    assert claim(relation=relation, measured=measured, published=3.0, precision=0.5).verdict is REPRODUCED


# What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"tolerance": -0.1}, "tolerance -0.1 is negative or not a number"),
        ({"tolerance": math.nan}, "tolerance nan is negative or not a number"),
        ({"reason": ""}, "a tolerance without a reason"),
        ({"measured": None}, "nothing was measured, and nothing says why"),
        ({"resolution": -0.1}, "resolution -0.1 is negative or not a number"),
        ({"resolution": math.nan}, "resolution nan is negative or not a number"),
        ({"resolution_reason": ""}, "an equality without a resolution and its reason"),
        ({"resolution_reason": "", "other_setting": "map=tent"}, "an equality without a resolution and its reason"),
        ({"kind": "theirs"}, "kind 'theirs' is not printed or ours"),
        ({"kind": ""}, "kind '' is not printed or ours"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused_by_name(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"^claim slope: {says}"):
        claim(**changed)


@pytest.mark.parametrize("relation", ["==", "<", ">", "≈", ""])
def test_a_relation_that_is_none_of_the_three_is_refused_by_name(relation: str) -> None:
    with pytest.raises(ValueError, match=f"claim slope: relation '{relation}' is not one of =, >=, <="):
        claim(relation=relation)


@pytest.mark.parametrize("relation", [">=", "<="])
def test_a_bound_has_no_resolution_to_miss(relation: str) -> None:
    assert claim(relation=relation, resolution=math.nan, resolution_reason="").verdict is UNDERPOWERED


def test_at_another_setting_neither_tolerance_nor_resolution_is_asked_for() -> None:
    found = claim(other_setting="map=tent", measured=None, tolerance=math.nan, reason="", resolution=math.nan)
    assert found.verdict is NOT_COMPARABLE


def test_two_claims_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two claims are named slope"):
        judge([claim(), claim("offset"), claim(measured=5.0)])


# The table --------------------------------------------------------------------------------------------------------

COLUMNS = (
    "name, statement, kind, source, published, relation, expected, measured, tolerance, resolution, reason, "
    "resolution_reason, verdict, known, explanation"
)


def test_the_columns_are_those_of_claims_csv() -> None:
    assert ", ".join(judge([claim()]).columns) == ", ".join(CLAIM_COLUMNS) == COLUMNS


def test_no_claims_still_have_the_columns() -> None:
    assert list(judge([]).columns) == list(CLAIM_COLUMNS)


def test_every_claim_has_a_row_in_its_order() -> None:
    assert judge(claim(name) for name in "bac")["name"].tolist() == ["b", "a", "c"]


def test_a_row_carries_the_numbers_of_its_claim() -> None:
    (row,) = rows(judge([claim(published=1.5, precision=0.5, measured=1.125)]))
    numbers = {key: row[key] for key in ("published", "expected", "measured", "tolerance", "resolution")}
    assert numbers == {"published": 1.5, "expected": 1.0, "measured": 1.125, "tolerance": 0.25, "resolution": 0.5}


def test_a_row_says_nothing_measured_at_another_setting() -> None:
    row = claim(other_setting="map=tent", explanation="two seeds diverged").row()
    assert (row["measured"], row["tolerance"], row["explanation"]) == (None, None, "map=tent")


def test_a_row_carries_the_explanation_of_a_claim_that_was_judged() -> None:
    assert claim(explanation="two seeds diverged").row()["explanation"] == "two seeds diverged"


# Known deviations -------------------------------------------------------------------------------------------------

REASON = "guess: the paper's grid is coarser"
KNOWN = {"slope": Deviation(measured=5.0, within=0.5, reason=REASON)}


@pytest.mark.parametrize(
    ("measured", "explains"),
    [
        (5.0, True),
        (5.5, True),  # the edges belong to the range
        (4.5, True),
        (math.nextafter(5.5, 6), False),
        (math.nextafter(4.5, 4), False),
        (-5.0, False),
        (math.nan, False),
        (math.inf, False),
    ],
)
def test_a_deviation_is_known_within_its_range(measured: float, explains: bool) -> None:
    assert KNOWN["slope"].explains(measured) is explains
    assert judge([claim(measured=measured)], KNOWN)["known"].tolist() == [REASON if explains else None]


@pytest.mark.parametrize(("measured", "explains"), [(math.nan, True), (5.0, False), (math.inf, False)])
def test_a_training_that_diverged_is_explained_by_one_that_did(measured: float, explains: bool) -> None:
    diverged = Deviation(measured=math.nan, within=math.inf, reason="tested: eoc-training, rates: it diverges")
    assert diverged.explains(measured) is explains


@pytest.mark.parametrize("reason", ["", "the grid is coarser", "Guess: a coarser grid", "tested a coarser grid"])
def test_a_deviation_is_tested_or_a_guess(reason: str) -> None:
    with pytest.raises(ValueError, match="begins with 'tested: ' or 'guess: '"):
        Deviation(measured=5.0, within=0.5, reason=reason)


def test_a_known_deviation_still_differs() -> None:
    assert judge([claim(measured=5.0)], KNOWN)["verdict"].tolist() == ["differs"]


@pytest.mark.parametrize(
    "settled",
    [
        {"measured": 5.0, "expected": 5.0},
        {"measured": 5.0, "tolerance": math.inf},
        {"measured": 5.0, "expected": 5.0, "published": 3.0},
        {"measured": 5.0, "other_setting": "map=tent"},
    ],
    ids=["reproduced", "underpowered", "erratum", "not-comparable"],
)
def test_only_a_difference_is_known_or_unexplained(settled: dict[str, Any]) -> None:
    assert judge([claim(**settled)], KNOWN)["known"].tolist() == [None]
    assert unexplained(judge([claim(**settled)])) == []


def test_what_differs_and_is_not_known_to_or_not_by_so_much_is_unexplained() -> None:
    claims = [claim(measured=5.0), claim("offset", measured=5.0), claim("height")]
    assert unexplained(judge(claims, KNOWN)) == ["offset"]
    claims[0] = claim(measured=6.0)
    assert unexplained(judge(claims, KNOWN)) == ["slope", "offset"]


def test_nothing_is_unexplained_in_an_empty_table() -> None:
    assert unexplained(judge([])) == []


# Counting ---------------------------------------------------------------------------------------------------------

OF = {  # a claim with each verdict
    REPRODUCED: {},
    ERRATUM: {"published": 3.0},
    UNDERPOWERED: {"tolerance": 1.0},
    DIFFERS: {"measured": 5.0},
    NOT_COMPARABLE: {"other_setting": "map=tent"},
}


def table_of(*kinds: tuple[str, Verdict, int], known: dict[str, Deviation] | None = None) -> pd.DataFrame:
    """So many claims of each kind and verdict, named by all three."""
    return judge(
        [
            claim(f"{kind}/{verdict}/{place}", kind=kind, **OF[verdict])
            for kind, verdict, count in kinds
            for place in range(count)
        ],
        known,
    )


def test_claims_are_counted_by_verdict_what_is_printed_apart_from_our_own() -> None:
    table = table_of(
        *(("printed", verdict, count) for count, verdict in enumerate(OF, start=1)),
        *(("ours", verdict, count) for count, verdict in enumerate(OF, start=6)),
    )
    found = counts(table)
    assert found["printed"] == {
        "reproduced": 1, "erratum": 2, "underpowered": 3, "differs": 4, "not-comparable": 5,
    }  # fmt: skip
    assert found["ours"] == {
        "reproduced": 6, "erratum": 7, "underpowered": 8, "differs": 9, "not-comparable": 10,
    }  # fmt: skip
    assert found["deviations"] == {"known": 0, "guesses": 0}


def test_known_differences_are_counted_and_guesses_among_them() -> None:
    known = {
        "printed/differs/0": Deviation(5.0, 0.5, "guess: a coarser grid"),
        "printed/differs/1": Deviation(5.0, 0.5, "tested: kernel-limits, grid: it is coarser"),
        "printed/differs/2": Deviation(9.0, 0.5, "guess: another cause"),
        "printed/reproduced/0": Deviation(1.0, 0.5, "guess: it differed once"),
    }
    table = table_of(("printed", DIFFERS, 4), ("printed", REPRODUCED, 1), known=known)
    assert counts(table)["deviations"] == {"known": 2, "guesses": 1}


@pytest.mark.parametrize(
    ("kinds", "line"),
    [
        (
            [
                ("printed", REPRODUCED, 35),
                ("printed", ERRATUM, 36),
                ("printed", UNDERPOWERED, 2),
                ("printed", NOT_COMPARABLE, 147),
                ("ours", REPRODUCED, 408),
            ],
            "printed: 35 reproduced, 36 errata, 0 differ, 2 underpowered, 147 not comparable; our own: 408 of 408",
        ),
        (
            [("printed", ERRATUM, 1), ("printed", DIFFERS, 1), ("ours", REPRODUCED, 2), ("ours", NOT_COMPARABLE, 3)],
            "printed: 0 reproduced, 1 erratum, 1 differs, 0 underpowered, 0 not comparable; our own: 2 of 2, "
            "3 not comparable",
        ),
        (
            [*(("ours", verdict, count) for verdict, count in zip(OF, (2, 1, 1, 2, 1), strict=True))],
            "printed: 0 reproduced, 0 errata, 0 differ, 0 underpowered, 0 not comparable; our own: 3 of 6, 2 differ, "
            "1 underpowered, 1 not comparable",
        ),
        ([], "printed: 0 reproduced, 0 errata, 0 differ, 0 underpowered, 0 not comparable"),
    ],
)
def test_verdicts_are_counted_in_one_line(kinds: list[tuple[str, Verdict, int]], line: str) -> None:
    assert count_line(table_of(*kinds)) == line


def test_the_line_says_how_many_differences_are_known_and_how_many_by_a_guess() -> None:
    known = {f"printed/differs/{place}": Deviation(5.0, 0.5, REASON) for place in range(2)}
    assert count_line(table_of(("printed", DIFFERS, 3), known=known)).endswith(
        "; 2 of the differences known, 2 of them by a guess"
    )


# There and back ---------------------------------------------------------------------------------------------------

MANY = [
    claim("third", expected=1 / 3, measured=0.1 + 0.2, tolerance=1e-17 + 1 / 30),
    claim("tiny", expected=5e-324, measured=1e300, tolerance=math.inf),
    claim("diverged", measured=math.nan, explanation='one seed, "s0", diverged'),
    claim("aside", measured=None, other_setting="data.name=mnist, not digits", tolerance=math.nan, reason=""),
    claim("misprint", published=3.0, precision=0.5, statement="a; b,\nc"),
    claim("bound", kind="ours", relation="<=", measured=7.0, resolution=math.nan, statement="χ₁ ≤ 1"),
]
KNOWN_OF_MANY = {"bound": Deviation(7.0, 0.5, "tested: eoc-phase, grid: ours is finer")}


@pytest.fixture
def there_and_back(tmp_path: Path) -> pd.DataFrame:
    write_table(tmp_path / "claims.csv", judge(MANY, KNOWN_OF_MANY))
    return read_table(tmp_path / "claims.csv")


@pytest.mark.parametrize(
    "column", ["name", "statement", "kind", "source", "relation", "reason", "resolution_reason", "verdict"]
)
def test_a_csv_file_keeps_every_text(column: str, there_and_back: pd.DataFrame) -> None:
    assert there_and_back[column].fillna("").tolist() == judge(MANY)[column].tolist()


@pytest.mark.parametrize("column", ["published", "expected", "measured", "tolerance", "resolution"])
def test_a_csv_file_keeps_every_number_bit_for_bit(column: str, there_and_back: pd.DataFrame) -> None:
    written = judge(MANY)[column].astype("float64")
    pd.testing.assert_series_equal(there_and_back[column].astype("float64"), written, check_exact=True)


def test_a_csv_file_read_back_counts_as_before(there_and_back: pd.DataFrame) -> None:
    assert count_line(there_and_back) == (
        "printed: 1 reproduced, 1 erratum, 1 differs, 1 underpowered, 1 not comparable; our own: 0 of 1, 1 differs; "
        "1 of the differences known, 0 of them by a guess"
    )


def test_a_csv_file_read_back_has_the_same_unexplained_differences(there_and_back: pd.DataFrame) -> None:
    assert unexplained(there_and_back) == ["diverged"]


def test_claims_made_again_from_a_csv_file_have_the_verdicts_that_were_written(there_and_back: pd.DataFrame) -> None:
    # Neither `precision` nor `other_setting` is a column, so both come from the claim; numbers come from the file.
    for original, row in zip(MANY, rows(there_and_back), strict=True):
        numbers = {key: row[key] for key in ("relation", "expected", "measured", "tolerance", "resolution")}
        assert replace(original, **numbers).verdict == row["verdict"]
