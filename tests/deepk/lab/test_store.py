"""Files of results: whole or not at all, and tables that come back bit for bit."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepk.lab import store


def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    store.write_text(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(store.StoreError, match=r"cannot write .*table\.csv: No space left on device"):
        store.write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]  # nothing is left aside


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_a_table_comes_back_from_its_csv_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    store.write_table(path, pd.DataFrame({"x": values}))
    assert np.array_equal(store.read_table(path)["x"].to_numpy(dtype=float), np.array(values))


def test_a_missing_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(store.StoreError, match=r"data\.csv is missing"):
        store.read_table(tmp_path / "data.csv")
