"""The record of a run: identity, differences, and what became of a process that died."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepk.lab import record, store
from deepk.lab.folder import RunFolder
from deepk.lab.record import Record


def saved(folder: RunFolder, status: record.Status) -> Record:
    content = Record(experiment="parabola", scale="smoke", config_hash="0", status=status)
    content.save(folder)
    return content


def test_a_record_comes_back_from_its_file(tmp_path: Path) -> None:
    assert saved(RunFolder(tmp_path), "done") == record.load(RunFolder(tmp_path))


def test_a_running_record_that_nobody_holds_is_interrupted(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    saved(folder, "running")
    assert record.load(folder).status == "interrupted"
    with folder.hold():
        assert record.load(folder).status == "running"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"experiment": "parabola"}'])
def test_an_unreadable_record_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(store.StoreError, match=r"cannot read .*run\.json"):
        record.load(RunFolder(tmp_path))


def test_the_config_hash_knows_values_and_not_their_order() -> None:
    one = record.config_hash({"a": 1, "b": {"c": [1, 2]}})
    assert one == record.config_hash({"b": {"c": [1, 2]}, "a": 1})
    assert one != record.config_hash({"a": 1, "b": {"c": [2, 1]}})


def test_a_difference_names_the_dotted_key_and_both_values() -> None:
    old = {"width": 300, "data": {"name": "mnist", "root": None}, "gone": 1}
    new = {"width": 100, "data": {"name": "digits", "root": None}, "new": 2}
    assert record.difference(old, new) == [
        ("data.name", "mnist", "digits"),
        ("gone", 1, None),
        ("new", None, 2),
        ("width", 300, 100),
    ]
    assert record.difference(old, old) == []
