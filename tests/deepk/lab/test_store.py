"""Result folders: versions nobody shares, files that appear whole, locks that die with their process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
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


def test_forty_claims_at_once_give_forty_versions(tmp_path: Path) -> None:
    claimed: list[Path] = []
    threads = [threading.Thread(target=lambda: claimed.append(store.claim_folder(tmp_path))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(folder.name for folder in claimed) == [f"v{number:03d}" for number in range(1, 41)]


def test_versions_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("v1000", "v002", "v010", "latest", "v2", "notes"):
        (tmp_path / name).mkdir()
    assert [folder.name for folder in store.versions(tmp_path)] == ["v002", "v010", "v1000"]
    assert store.claim_folder(tmp_path).name == "v1001"


def test_latest_moves_from_one_version_to_the_next(tmp_path: Path) -> None:
    for name in ("v001", "v002"):
        (tmp_path / name).mkdir()
        store.point_to_latest(tmp_path / name)
    assert (tmp_path / "latest").resolve().name == "v002"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "v001", "v002"]


@pytest.mark.parametrize("run", ["parabola", "parabola/v002", "results/parabola/v002"])
def test_a_run_is_found_by_name_by_version_and_by_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("v001", "v002"):
        store.write_text(Path("results/parabola") / name / "run.json", "{}")
    store.point_to_latest(Path("results/parabola/v002"))
    assert store.find_run(run, Path("results")) == (tmp_path / "results/parabola/v002")


def test_a_held_run_is_refused_and_free_again_when_the_holder_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom deepk.lab import store\n"
        f"with store.hold(Path({str(tmp_path)!r})):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert store.is_held(tmp_path)
        with pytest.raises(store.RunIsAlive, match=f"process {process.pid} on "), store.hold(tmp_path):
            pass
        process.kill()
        process.wait()
    assert not store.is_held(tmp_path)
    with store.hold(tmp_path):
        assert store.is_held(tmp_path)


def test_a_folder_that_was_never_held_is_free(tmp_path: Path) -> None:
    assert not store.is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []
