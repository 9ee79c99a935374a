"""Asking a run's tables: the rows that are there, the one number that is, and what is said where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deepk.lab.tables import Silent, needs, once, only, present, values, where

TABLE = pd.DataFrame(
    {
        "law": ["poisson", "poisson", "binomial", "binomial"],
        "depth": [1, 2, 1, 2],
        "rate": [0.1, 0.1, 0.30000000000000004, 0.5],
        "value": [1.0, 2.0, 3.0, np.nan],
        "count": [10, 20, 30, 40],
    }
)
EMPTY = TABLE[:0]


@pytest.mark.parametrize(
    ("at", "rows"),
    [
        ({}, [0, 1, 2, 3]),
        ({"law": "poisson"}, [0, 1]),
        ({"law": "poisson", "depth": 2}, [1]),
        ({"depth": [1, 7]}, [0, 2]),
        ({"depth": (2,)}, [1, 3]),
        ({"depth": {1, 2}, "law": "binomial"}, [2, 3]),
        ({"depth": []}, []),
        ({"law": "geometric"}, []),
        ({"rate": 0.1 + 0.2}, [2]),
    ],
)
def test_rows_have_these_values_or_one_of_a_list(at: dict[str, object], rows: list[int]) -> None:
    assert where(TABLE, **at).index.tolist() == rows


def test_a_column_that_is_not_there_is_an_error_and_no_silence() -> None:
    with pytest.raises(KeyError, match="width"):
        where(TABLE, width=3)


@pytest.mark.parametrize("ask", [present, only, values])
def test_a_run_without_rows_has_measured_nothing_yet(ask: object) -> None:
    with pytest.raises(Silent, match=r"^nothing is measured yet$"):
        ask(EMPTY, law="poisson")  # type: ignore[operator]


@pytest.mark.parametrize("ask", [present, only, values])
@pytest.mark.parametrize(
    ("at", "says"),
    [
        ({"law": "geometric"}, "law=geometric: not in this run"),
        ({"law": "poisson", "depth": 3}, "law=poisson, depth=3: not in this run"),
        ({"rate": 1 / 3}, "rate=0.333333: not in this run"),
        ({"depth": [5, 6]}, "depth=[5, 6]: not in this run"),
    ],
)
def test_rows_that_a_run_lacks_are_named(ask: object, at: dict[str, object], says: str) -> None:
    with pytest.raises(Silent) as silence:
        ask(TABLE, **at)  # type: ignore[operator]
    assert str(silence.value) == says


def test_present_rows_are_those_that_were_asked_for() -> None:
    pd.testing.assert_frame_equal(present(TABLE, law="binomial"), TABLE[2:])


@pytest.mark.parametrize(("column", "number"), [("value", 2.0), ("count", 20.0), ("rate", 0.1)])
def test_the_only_number_is_that_of_the_column(column: str, number: float) -> None:
    found = only(TABLE, column, law="poisson", depth=2)
    assert (found, type(found)) == (number, float)


def test_a_number_that_is_not_one_is_a_number_of_the_run() -> None:
    assert np.isnan(only(TABLE, law="binomial", depth=2))


def test_several_rows_where_one_was_asked_for_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"2 rows at \{'law': 'poisson'\}, where one was asked for"):
        only(TABLE, law="poisson")


def test_all_numbers_stand_in_the_order_of_the_table() -> None:
    turned = TABLE[::-1]
    assert values(turned, depth=1).tolist() == [3.0, 1.0]
    assert values(turned, "count", law="binomial").tolist() == [40.0, 30.0]


def test_numbers_are_in_double_precision_whatever_the_column_holds() -> None:
    texts = TABLE.astype({"value": object})
    assert values(texts, law="poisson").dtype == np.float64
    assert values(TABLE, "count").dtype == np.float64


@pytest.mark.parametrize("holds", [True, 1, [0], "x", 0.5])
def test_what_holds_is_not_silent(holds: object) -> None:
    needs(holds, "never said")


@pytest.mark.parametrize("fails", [False, 0, [], "", None, 0.0])
def test_what_does_not_hold_is_silent_with_the_setting(fails: object) -> None:
    with pytest.raises(Silent, match=r"^map=tent$"):
        needs(fails, "map=tent")


def test_what_is_measured_once_is_that_of_the_first_seed_and_the_rest_stays() -> None:
    table = pd.DataFrame({"part": ["counts", "trained", "counts", "trained"], "seed": [0, 0, 1, 1], "value": range(4)})
    assert once(table, 0, part="counts")["value"].tolist() == [0, 1, 3]
    assert once(table.iloc[:0], 0, part="counts").empty
