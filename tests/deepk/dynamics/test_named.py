"""Maps by name, and a user's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from deepk.dynamics import MAP_NAMES, PiecewiseLinearMap, get_map, golden_map, li_yorke_map, tent_map

MODULE = """
from fractions import Fraction

from deepk.dynamics import PiecewiseLinearMap, tent_map

bent = PiecewiseLinearMap([0, 1, 2], [2, 0, 1])
number = 3


def low_tent():
    return tent_map(Fraction(3, 2))


def leaves():
    return PiecewiseLinearMap([0, 1], [0, 2])


def exits():
    raise SystemExit(3)


def fails():
    raise RuntimeError("first line\\nsecond line")
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of maps, found by the import system."""
    (tmp_path / "own_maps.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "own_maps"
    sys.modules.pop("own_maps", None)


def test_the_papers_maps_have_names() -> None:
    assert {name: get_map(name) for name in MAP_NAMES} == {
        "golden": golden_map(),
        "li-yorke": li_yorke_map(),
        "tent": tent_map(),
    }


def test_a_map_of_ones_own_is_found_by_its_path(own: str) -> None:
    assert get_map(f"{own}:bent") == PiecewiseLinearMap([0, 1, 2], [2, 0, 1])


def test_a_function_that_makes_a_map_is_called(own: str) -> None:
    assert get_map(f"{own}:low_tent") == tent_map(Fraction(3, 2))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tnet", r"^unknown map 'tnet'; did you mean tent\? known are golden, li-yorke, tent, or package.module:name$"),
        ("zzz", r"^unknown map 'zzz'; known are "),
        ("no_such_module:f", r"ModuleNotFoundError: No module named 'no_such_module'$"),
        ("own_maps:absent", r"AttributeError: .*absent"),
        ("own_maps:number", r"TypeError: it leads to a int, not to a deepk.dynamics.PiecewiseLinearMap$"),
        ("own_maps:leaves", r"ValueError: the map leaves its interval \[0, 1\]: it takes 1 to 2$"),
        ("own_maps:exits", r"SystemExit: 3$"),
        ("own_maps:fails", r"RuntimeError: first line second line$"),
    ],
)
def test_what_is_no_map_is_one_line_that_says_why(own: str, name: str, message: str) -> None:
    del own
    with pytest.raises(ValueError, match=message) as error:
        get_map(name)
    assert "\n" not in str(error.value)
