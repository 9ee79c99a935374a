"""Shell completion, asked as bash asks: with words split at `=`."""

from __future__ import annotations

import pytest
from terminal import Terminal

from cli.catalogue import data_names


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("deepk run eo", ["eoc-phase", "eoc-training"]),
        ("deepk run eoc-training wid", ["width="]),
        ("deepk run eoc-training see", ["seeds="]),
        ("deepk run eoc-training data = mn", ["mnist"]),
        ("deepk run eoc-training data =", data_names()),
        ("deepk run eoc-training data=mn", ["data=mnist"]),
        ("deepk run nonsense wid", []),
        ("deepk run eoc-training --scale la", ["laptop"]),
        ("deepk show eoc-t", ["eoc-training"]),
        ("deepk data fetch fa", ["fashion-mnist"]),
    ],
)
def test_what_is_offered(deepk: Terminal, words: str, offered: list[str]) -> None:
    at = str(len(words.split()) - 1)
    result = deepk(_DEEPK_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=at)
    assert result.out.split() == offered
    assert result.err == ""


def test_runs_in_the_results_folder_are_offered(deepk: Terminal) -> None:
    (deepk.folder / "results" / "eoc-training" / "v004").mkdir(parents=True)
    result = deepk(_DEEPK_COMPLETE="complete_bash", COMP_WORDS="deepk verify eoc-training/", COMP_CWORD="2")
    assert result.out.split() == ["eoc-training/v004"]
