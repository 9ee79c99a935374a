"""Run folders: versions nobody shares, found by name, and locks that die with their process."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deepk.lab import store
from deepk.lab.folder import RunFolder, RunIsAlive, claim_folder, find_run, versions


def test_forty_claims_at_once_give_forty_versions(tmp_path: Path) -> None:
    claimed: list[RunFolder] = []
    threads = [threading.Thread(target=lambda: claimed.append(claim_folder(tmp_path))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(folder.name for folder in claimed) == [f"v{number:03d}" for number in range(1, 41)]


def test_versions_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("v1000", "v002", "v010", "latest", "v2", "notes"):
        (tmp_path / name).mkdir()
    assert [folder.name for folder in versions(tmp_path)] == ["v002", "v010", "v1000"]
    assert claim_folder(tmp_path).name == "v1001"


def test_latest_moves_from_one_version_to_the_next(tmp_path: Path) -> None:
    for name in ("v001", "v002"):
        (tmp_path / name).mkdir()
        RunFolder(tmp_path / name).point_to_latest()
    assert (tmp_path / "latest").resolve().name == "v002"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "v001", "v002"]


@pytest.mark.parametrize("run", ["parabola", "parabola/v002", "results/parabola/v002"])
def test_a_run_is_found_by_name_by_version_and_by_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("v001", "v002"):
        store.write_text(Path("results/parabola") / name / "run.json", "{}")
    RunFolder(Path("results/parabola/v002")).point_to_latest()
    assert find_run(run, Path("results")) == RunFolder(tmp_path / "results/parabola/v002")


def test_a_held_run_is_refused_and_free_again_when_the_holder_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom deepk.lab.folder import RunFolder\n"
        f"with RunFolder(Path({str(tmp_path)!r})).hold():\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert RunFolder(tmp_path).is_held()
        with pytest.raises(RunIsAlive, match=f"process {process.pid} on "), RunFolder(tmp_path).hold():
            pass
        process.kill()
        process.wait()
    assert not RunFolder(tmp_path).is_held()
    assert RunFolder(tmp_path).holder() == "another process"  # whoever holds it by now, it is not the one that ended
    with RunFolder(tmp_path).hold():
        assert RunFolder(tmp_path).is_held()


def test_a_lock_is_no_unit_that_is_kept_and_a_checkpoint_is(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert not folder.has_units
    with folder.hold():
        assert not folder.has_units
        (folder.units / "tanh-0.checkpoint").touch()
        assert folder.has_units


def test_a_folder_that_was_never_held_is_free(tmp_path: Path) -> None:
    assert not RunFolder(tmp_path).is_held()
    assert list(tmp_path.iterdir()) == []
