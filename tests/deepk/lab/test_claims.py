"""Claims: the verdict that follows from the numbers, what is refused, and the table that `verify` reads back."""

import math
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepk.lab.claims import CLAIM_COLUMNS, Claim, Verdict, base_name, count_verdicts, judge, rows, unexplained
from deepk.lab.store import read_table, write_table

REPRODUCED, DIFFERS, NOT_COMPARABLE, ERRATUM = (
    Verdict.REPRODUCED,
    Verdict.DIFFERS,
    Verdict.NOT_COMPARABLE,
    Verdict.ERRATUM,
)


def claim(name: str = "slope", **changed: object) -> Claim:
    """A claim that is reproduced, unless changed. Dyadic numbers, so that the edges of tolerances are exact."""
    settings: dict[str, object] = {
        "statement": "the slope is one",
        "source": "Table 1",
        "relation": "=",
        "expected": 1.0,
        "measured": 1.0,
        "tolerance": 0.25,
        "reason": "half a unit of the print",
    }
    return Claim(name=name, **(settings | changed))


# Verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("relation", "measured", "verdict"),
    [
        ("=", 1.0, REPRODUCED),
        ("=", 1.25, REPRODUCED),  # the edges belong to the tolerance
        ("=", 0.75, REPRODUCED),
        ("=", math.nextafter(1.25, 2), DIFFERS),
        ("=", math.nextafter(0.75, 0), DIFFERS),
        ("=", math.inf, DIFFERS),
        ("=", -math.inf, DIFFERS),
        (">=", 7.0, REPRODUCED),
        (">=", 1.0, REPRODUCED),
        (">=", 0.75, REPRODUCED),
        (">=", math.nextafter(0.75, 0), DIFFERS),
        (">=", math.inf, REPRODUCED),
        (">=", -math.inf, DIFFERS),
        ("<=", -7.0, REPRODUCED),
        ("<=", 1.0, REPRODUCED),
        ("<=", 1.25, REPRODUCED),
        ("<=", math.nextafter(1.25, 2), DIFFERS),
        ("<=", -math.inf, REPRODUCED),
        ("<=", math.inf, DIFFERS),
    ],
)
def test_a_relation_holds_up_to_its_tolerance(relation, measured, verdict):
    assert claim(relation=relation, measured=measured).verdict is verdict


@pytest.mark.parametrize("relation", ["=", ">=", "<="])
@pytest.mark.parametrize("numbers", [{"measured": math.nan}, {"expected": math.nan}])
@pytest.mark.parametrize("tolerance", [0.25, math.inf])
def test_what_is_not_a_number_differs_from_everything(relation, numbers, tolerance):
    assert claim(relation=relation, tolerance=tolerance, **numbers).verdict is DIFFERS


@given(measured=st.integers(-40, 40), expected=st.integers(-40, 40), tolerance=st.integers(0, 20))
def test_equal_is_at_least_and_at_most(measured, expected, tolerance):
    numbers = {"measured": measured / 8, "expected": expected / 8, "tolerance": tolerance / 8}
    equal, least, most = (claim(relation=relation, **numbers).verdict is REPRODUCED for relation in ("=", ">=", "<="))
    assert equal == (least and most)


def test_without_tolerance_the_exact_value_is_still_reproduced():
    assert claim(tolerance=0.0).verdict is REPRODUCED


@pytest.mark.parametrize("measured", [None, 1.0, 50.0, math.nan])
def test_a_blocked_claim_is_not_comparable_whatever_was_measured(measured):
    assert claim(measured=measured, blocked="needs ten seeds").verdict is NOT_COMPARABLE


def test_a_blocked_claim_is_no_erratum():
    assert claim(published=3.0, measured=1.0, blocked="needs ten seeds").verdict is NOT_COMPARABLE


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
        (3.0, 3.0, 0.5, DIFFERS),  # we agree with the print, and not with the theory
        (2.0, 3.0, 0.5, DIFFERS),
        (math.nan, 3.0, 0.5, DIFFERS),
    ],
)
def test_an_erratum_is_a_print_that_misses_an_exact_value_that_we_meet(measured, published, precision, verdict):
    assert claim(measured=measured, published=published, precision=precision).verdict is verdict


@pytest.mark.parametrize("relation", [">=", "<="])
def test_a_bound_is_never_an_erratum(relation):
    assert claim(relation=relation, published=3.0, precision=0.5).verdict is REPRODUCED


# What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"tolerance": -0.1}, "tolerance -0.1 is negative or not a number"),
        ({"tolerance": math.nan}, "tolerance nan is negative or not a number"),
        ({"reason": ""}, "a tolerance without a reason"),
        ({"measured": None}, "nothing was measured, and nothing says why"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused_by_name(changed, says):
    with pytest.raises(ValueError, match=f"claim slope: {says}"):
        claim(**changed)


@pytest.mark.parametrize("relation", ["==", "<", ">", "≈", ""])
def test_a_relation_that_is_none_of_the_three_is_refused_by_name(relation):
    with pytest.raises(ValueError, match=f"claim slope: relation '{relation}' is not one of =, >=, <="):
        claim(relation=relation)


def test_two_claims_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two claims are named slope"):
        judge([claim(), claim("offset"), claim(measured=5.0)])


# The table --------------------------------------------------------------------------------------------------------

COLUMNS = "name, statement, source, published, relation, expected, measured, tolerance, reason, verdict, explanation"


def test_the_columns_are_those_of_claims_csv():
    assert ", ".join(judge([claim()]).columns) == ", ".join(CLAIM_COLUMNS) == COLUMNS


def test_no_claims_still_have_the_columns():
    assert list(judge([]).columns) == list(CLAIM_COLUMNS)


def test_every_claim_has_a_row_in_its_order():
    assert judge(claim(name) for name in "bac")["name"].tolist() == ["b", "a", "c"]


def test_a_row_carries_the_numbers_of_its_claim():
    (row,) = rows(judge([claim(published=1.5, precision=0.5, measured=1.125)]))
    numbers = {key: row[key] for key in ("published", "expected", "measured", "tolerance")}
    assert numbers == {"published": 1.5, "expected": 1.0, "measured": 1.125, "tolerance": 0.25}


@pytest.mark.parametrize(
    ("blocked", "explanation", "says"),
    [
        ("", "", ""),
        ("needs MNIST", "", "needs MNIST"),
        ("", "two seeds diverged", "two seeds diverged"),
        ("needs MNIST", "two seeds diverged", "needs MNIST; two seeds diverged"),
    ],
)
def test_the_explanation_is_what_blocks_and_what_was_said(blocked, explanation, says):
    assert claim(blocked=blocked, explanation=explanation).row()["explanation"] == says


# Known deviations -------------------------------------------------------------------------------------------------

KNOWN = {"slope": "the paper's grid is coarser"}


def test_a_known_deviation_still_differs():
    assert judge([claim(measured=5.0)], KNOWN)["verdict"].tolist() == ["differs"]


@pytest.mark.parametrize(
    ("explanation", "says"),
    [
        ("", "known deviation: the paper's grid is coarser"),
        ("one seed", "one seed; known deviation: the paper's grid is coarser"),
    ],
)
def test_a_known_deviation_is_explained(explanation, says):
    table = judge([claim(measured=5.0, explanation=explanation)], KNOWN)
    assert table["explanation"].tolist() == [says]


@pytest.mark.parametrize("held", [{"measured": 1.0}, {"measured": None, "blocked": "needs MNIST"}])
def test_a_claim_that_does_not_differ_needs_no_known_deviation(held):
    assert "known deviation" not in judge([claim(**held)], KNOWN)["explanation"].item()


def test_what_differs_and_is_not_known_to_is_unexplained():
    table = judge([claim(measured=5.0), claim("offset", measured=5.0), claim("height")], KNOWN)
    assert unexplained(table, KNOWN) == ["offset"]


@pytest.mark.parametrize(
    "settled",
    [{"measured": 1.0}, {"measured": None, "blocked": "needs MNIST"}, {"published": 3.0, "precision": 0.5}],
    ids=["reproduced", "not-comparable", "erratum"],
)
def test_only_a_difference_can_be_unexplained(settled):
    assert unexplained(judge([claim(**settled)]), {}) == []


def test_nothing_is_unexplained_in_an_empty_table():
    assert unexplained(judge([]), {}) == []


def test_in_a_joined_sweep_a_deviation_is_known_at_every_point():
    table = judge([claim(f"{name}[width={width}]", measured=5.0) for name in ("slope", "offset") for width in (8, 16)])
    assert unexplained(table, KNOWN) == ["offset[width=8]", "offset[width=16]"]


@pytest.mark.parametrize(
    ("name", "base"),
    [("slope", "slope"), ("slope[width=8]", "slope"), ("slope[width=8,depth=4]", "slope"), ("slope[a=[1]]", "slope")],
)
def test_a_claims_own_name_ends_at_the_bracket(name, base):
    assert base_name(name) == base


# Counting ---------------------------------------------------------------------------------------------------------


def table_of(**counts: int) -> pd.DataFrame:
    verdicts = [verdict.replace("_", "-") for verdict, count in counts.items() for _ in range(count)]
    return pd.DataFrame({"verdict": verdicts})


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        (
            {"reproduced": 8, "differs": 1, "not_comparable": 4},
            "9 of 13 judged: 8 reproduced, 1 differs; 4 not-comparable",
        ),
        ({"reproduced": 2}, "2 of 2 judged: 2 reproduced"),
        ({"erratum": 1, "differs": 2, "reproduced": 3}, "6 of 6 judged: 3 reproduced, 2 differs, 1 erratum"),
        ({"not_comparable": 3}, "0 of 3 judged; 3 not-comparable"),
        ({}, "0 of 0 judged"),
    ],
)
def test_verdicts_are_counted_in_one_line(counts, line):
    assert count_verdicts(table_of(**counts)) == line


# There and back ---------------------------------------------------------------------------------------------------

MANY = [
    claim("third", expected=1 / 3, measured=0.1 + 0.2, tolerance=1e-17 + 1 / 30),
    claim("tiny", expected=5e-324, measured=1e300, tolerance=math.inf),
    claim("diverged", measured=math.nan, explanation='one seed, "s0", diverged'),
    claim("aside", measured=None, blocked="needs MNIST, not digits"),
    claim("misprint", published=3.0, precision=0.5, statement="a; b,\nc"),
    claim("bound", relation="<=", measured=7.0, statement="χ₁ ≤ 1"),
]


@pytest.fixture
def there_and_back(tmp_path) -> pd.DataFrame:
    write_table(tmp_path / "claims.csv", judge(MANY, {"bound": "our grid"}))
    return read_table(tmp_path / "claims.csv")


@pytest.mark.parametrize("column", ["name", "statement", "source", "relation", "reason", "verdict"])
def test_a_csv_file_keeps_every_text(column, there_and_back):
    assert there_and_back[column].tolist() == judge(MANY)[column].tolist()


@pytest.mark.parametrize("column", ["published", "expected", "measured", "tolerance"])
def test_a_csv_file_keeps_every_number_bit_for_bit(column, there_and_back):
    written = judge(MANY)[column].astype("float64")
    pd.testing.assert_series_equal(there_and_back[column].astype("float64"), written, check_exact=True)


def test_a_csv_file_read_back_counts_as_before(there_and_back):
    assert count_verdicts(there_and_back) == "5 of 6 judged: 2 reproduced, 2 differs, 1 erratum; 1 not-comparable"


def test_a_csv_file_read_back_has_the_same_unexplained_differences(there_and_back):
    assert unexplained(there_and_back, {"bound": "our grid"}) == ["diverged"]


def test_claims_made_again_from_a_csv_file_have_the_verdicts_that_were_written(there_and_back):
    # Neither `precision` nor `blocked` is a column, so both come from the claim; every number comes from the file.
    for original, row in zip(MANY, rows(there_and_back), strict=True):
        numbers = {key: row[key] for key in ("relation", "expected", "measured", "tolerance")}
        assert replace(original, **numbers).verdict == row["verdict"]
