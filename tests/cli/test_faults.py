"""What happens when things go wrong for real: killed processes, full disks, concurrent runs. Nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from terminal import DEEPK, Terminal

SUBMITIT = "hydra/launcher=submitit_local"
Wait = Callable[[Callable[[], bool]], None]


def record(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "run.json").read_text())
    return content


def version(terminal: Terminal, name: str = "v001") -> Path:
    return terminal.folder / "results" / "toy" / name


def units(folder: Path) -> list[Path]:
    return sorted((folder / "units").glob("*.csv"))


def statuses(terminal: Terminal) -> list[str]:
    return [row["status"] for row in json.loads(terminal("runs", "--json").out)]


# --- killed and resumed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_run_is_interrupted_and_resumes_to_the_same_bytes(
    toy: Terminal, wait_until: Wait, finished_folder: Path, jobs: str
) -> None:
    toy.hold()
    process = toy.start("run", "toy", "-j", jobs)
    wait_until(lambda: bool(units(version(toy))))
    os.kill(process.pid, signal.SIGKILL)  # the process alone: its workers must notice by themselves
    process.communicate()
    toy.release()
    assert statuses(toy) == ["interrupted"]
    kept = {path: path.stat().st_mtime_ns for path in units(version(toy))}
    result = toy("run", "toy", "--resume", "-j", jobs)
    assert result.code == 0, result.err
    assert f"{4 - len(kept)} of 4 units to measure" in (version(toy) / "run.log").read_text()
    assert statuses(toy) == ["done"]
    whole = finished_folder / "results" / "toy" / "v001" / "data.csv"
    assert (version(toy) / "data.csv").read_bytes() == whole.read_bytes()
    assert record(version(toy))["resumed"]


def test_workers_do_not_outlive_a_killed_run(toy: Terminal, wait_until: Wait) -> None:
    toy.hold()
    process = toy.start("run", "toy", "-j", "2")
    wait_until(lambda: bool(units(version(toy))))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    def group_is_gone() -> bool:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        return False

    wait_until(group_is_gone)


def test_ctrl_c_exits_130_and_leaves_a_resumable_run(toy: Terminal, wait_until: Wait) -> None:
    toy.hold()
    process = toy.start("run", "toy", "-j", "2")
    wait_until(lambda: bool(units(version(toy))))
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does, to the whole group
    _, err = process.communicate(timeout=60)
    toy.release()
    assert process.returncode == 130
    assert err.strip().splitlines()[-1] == "deepk: interrupted; a run goes on with: deepk run NAME --resume"
    assert "Traceback" not in err
    assert record(version(toy))["status"] == "interrupted"
    assert toy("run", "toy", "--resume").code == 0


def test_ctrl_c_while_the_workers_start_is_one_line(toy: Terminal, wait_until: Wait) -> None:
    source = toy.folder / "toy.py"
    slow = """
import multiprocessing

if multiprocessing.current_process().name != "MainProcess":
    open("starting", "w").close()
    while os.path.exists("hold-start"):
        time.sleep(0.01)
"""
    source.write_text(source.read_text() + slow)
    toy.hold("start")
    process = toy.start("run", "toy", "-j", "2")
    wait_until(lambda: (toy.folder / "starting").exists())
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "deepk: interrupted; a run goes on with: deepk run NAME --resume\n"


def test_a_schedulers_sigterm_leaves_a_resumable_run(toy: Terminal, wait_until: Wait) -> None:
    toy.hold()
    process = toy.start("run", "toy")
    wait_until(lambda: bool(units(version(toy))))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert record(version(toy))["status"] == "interrupted"


def test_a_changed_configuration_is_refused_with_the_difference(toy: Terminal) -> None:
    toy("run", "toy", "fault=raise")
    result = toy("run", "toy", "--resume", "fault=raise", "power=3")
    assert result.code == 2
    assert "its configuration has changed: power: 2.0 -> 3.0" in result.line
    assert record(version(toy))["status"] == "failed"


def test_a_finished_run_is_not_resumed(finished: Terminal) -> None:
    result = finished("run", "toy", "--resume")
    assert (result.code, result.line) == (2, "deepk: nothing to resume: every run of toy is done")


def test_resuming_a_live_run_is_refused_naming_the_process(toy: Terminal, wait_until: Wait) -> None:
    toy.hold()
    process = toy.start("run", "toy")
    wait_until(lambda: bool(units(version(toy))))
    result = toy("run", "toy", "--resume")
    assert result.code == 1
    assert f"is being run by process {process.pid} on " in result.line
    toy.release()
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert statuses(toy) == ["done"]


def test_of_two_resumes_at_once_one_goes_on_and_one_is_refused(toy: Terminal, wait_until: Wait) -> None:
    toy.hold()
    process = toy.start("run", "toy")
    wait_until(lambda: bool(units(version(toy))))
    process.kill()
    process.communicate()
    both = [toy.start("run", "toy", "--resume") for _ in range(2)]
    wait_until(lambda: any(process.poll() is not None for process in both))
    toy.release()
    errors = [process.communicate(timeout=100)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    winner, loser = (0, 1) if both[0].returncode == 0 else (1, 0)
    assert f"is being run by process {both[winner].pid} on " in errors[loser]
    assert statuses(toy) == ["done"]


def test_eight_runs_at_once_have_eight_versions_and_complete_records(toy: Terminal) -> None:
    processes = [toy.start("run", "toy") for _ in range(8)]
    for process in processes:
        process.communicate(timeout=200)
    assert [process.returncode for process in processes] == [0] * 8
    folders = [version(toy, f"v00{number}") for number in range(1, 9)]
    assert [record(folder)["status"] for folder in folders] == ["done"] * 8
    assert len({(folder / "data.csv").read_bytes() for folder in folders}) == 1
    assert (version(toy, "latest") / "data.csv").exists()


def test_a_spent_budget_judges_what_there_is_and_the_run_goes_on_to_the_same_bytes(
    toy: Terminal, finished_folder: Path
) -> None:
    toy.hold()
    result = toy("run", "toy", "--budget", "0.1", "-j", "2")
    assert result.code == 0, result.err
    assert result.line == "deepk: the budget is spent; it goes on with: deepk run toy --resume v001"
    assert "printed: 1 reproduced, 0 errata, 0 differ" in result.out
    assert (version(toy) / "data.csv").read_text().count("\n") == 2  # of four units, the one that nothing holds up
    assert statuses(toy) == ["interrupted"]
    assert record(version(toy))["error"] == "its budget is spent"
    toy.release()
    assert toy("run", "toy", "--resume").code == 0
    assert statuses(toy) == ["done"]
    whole = finished_folder / "results" / "toy" / "v001" / "data.csv"
    assert (version(toy) / "data.csv").read_bytes() == whole.read_bytes()


# --- failures inside a run --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_exception_is_one_line_and_its_traceback_is_in_the_log(toy: Terminal, jobs: str) -> None:
    result = toy("run", "toy", "fault=raise", "-j", jobs)
    assert result.code == 1
    assert len(result.err.strip().splitlines()) == 1
    assert result.line.startswith("deepk: 2: ArithmeticError: the parabola broke")
    log = (version(toy) / "run.log").read_text()
    assert 'raise ArithmeticError("the parabola broke")' in log
    assert record(version(toy))["status"] == "failed"
    assert record(version(toy))["error"] == "2: ArithmeticError: the parabola broke"


def test_a_worker_that_dies_is_reported_and_the_run_is_resumable(toy: Terminal) -> None:
    result = toy("run", "toy", "fault=die", "-j", "2")
    assert result.code == 1
    assert "2: its process died" in result.line
    assert record(version(toy))["status"] == "failed"
    source = toy.folder / "toy.py"
    source.write_text(source.read_text().replace("os._exit(9)", "pass"))
    assert toy("run", "toy", "--resume", "-j", "2").code == 0


def test_undeclared_columns_are_refused(toy: Terminal) -> None:
    assert "unit 2 has columns ['cube'" in toy("run", "toy", "fault=columns").line


# --- the disk ---------------------------------------------------------------------------------------------------------


WITHOUT_OVERRIDE = ("setpriv", "--bounding-set", "-dac_override")


def in_a_small_disk(terminal: Terminal, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell script that has a 3 MB file system of its own at ./results, and no one else sees it."""
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    mount = "mkdir -p results && mount -t tmpfs -o size=3m tmpfs results"
    probe = [*namespace, "sh", "-c", mount]
    if shutil.which("unshare") is None or subprocess.run(probe, cwd=terminal.folder, capture_output=True).returncode:
        pytest.skip("this system lets no test mount a file system of its own")
    return subprocess.run(
        [*namespace, "sh", "-c", f"{mount}\n{script}"],
        cwd=terminal.folder,
        env={**terminal.environment, "deepk": str(DEEPK)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_full_disk_names_the_path_keeps_finished_units_and_resumes(toy: Terminal) -> None:
    result = in_a_small_disk(
        toy,
        """
        $deepk run toy megabytes=1; echo "exit $?"
        ls results/toy/v001/units/*.csv | wc -l
        mount -o remount,size=64m results
        $deepk runs --json
        $deepk run toy --resume >/dev/null; echo "exit $?"
        grep -c "3 of 4 units to measure\\|2 of 4 units to measure" results/toy/v001/run.log
        $deepk runs --json
        """,
    )
    assert "No space left on device" in result.stderr
    assert "deepk: cannot write " in result.stderr
    assert "results/toy/v001/units/" in result.stderr
    assert "Traceback" not in result.stderr
    words = result.stdout.split()
    assert words[:2] == ["exit", "1"]
    assert int(words[2]) in (1, 2)  # of four units, those that fit
    assert '"status": "done"' in result.stdout
    assert "exit\n0" in "\n".join(words[3:])


def test_a_folder_that_becomes_read_only_names_the_path_and_resumes(toy: Terminal, wait_until: Wait) -> None:
    # Root may write anywhere, unless it gives up that capability.
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root cannot be kept from writing without setpriv")
    toy.hold()
    process = toy.start("run", "toy", prefix=WITHOUT_OVERRIDE if os.geteuid() == 0 else ())
    wait_until(lambda: bool(units(version(toy))))
    (version(toy) / "units").chmod(0o555)
    toy.release()
    _, err = process.communicate(timeout=60)
    (version(toy) / "units").chmod(0o755)
    assert process.returncode == 1
    assert err.startswith("deepk: cannot write ")
    assert "results/toy/v001/units/" in err
    assert "Permission denied" in err
    assert len(err.strip().splitlines()) == 1
    assert toy("run", "toy", "--resume").code == 0
    assert "3 of 4 units to measure" in (version(toy) / "run.log").read_text()


def test_a_results_folder_that_cannot_be_made_is_one_line(toy: Terminal) -> None:
    (toy.folder / "results").write_text("a file where the folder should be")
    result = toy("run", "toy")
    assert result.code == 1
    assert "cannot make a result folder in results/toy" in result.line


# --- a user's folders with our names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [("seeds=[0,1]", "-j", "2"), ("seeds=[0],[1]", "-m", "-j", "2"), ("seeds=[0],[1]", "-m", SUBMITIT)],
    ids=["units", "joblib", "submitit"],
)
def test_a_users_own_folders_with_our_names_do_not_shadow_ours(toy: Terminal, words: tuple[str, ...]) -> None:
    if words[-1] == SUBMITIT:
        pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="the extra `slurm` is not installed")
    for name in ("cli", "experiments", "deepk", "conf"):
        (toy.folder / name).mkdir()
        (toy.folder / name / "__init__.py").write_text("raise RuntimeError('a user folder was imported')\n")
    (toy.folder / "conf" / "config.yaml").write_text("width: nonsense\n")
    result = toy("run", "toy", *words)
    assert result.code == 0, result.err
    assert "printed: 1 reproduced, 0 errata, 0 differ" in result.out


# --- sweeps -----------------------------------------------------------------------------------------------------------


def test_one_bad_point_of_a_sweep_stops_no_other(toy: Terminal) -> None:
    result = toy("run", "toy", "fault=none,raise", "-m")
    assert result.code == 1
    assert "1 of 2 points failed: fault=raise: 2: ArithmeticError: the parabola broke" in result.line
    assert "printed: 1 reproduced, 0 errata, 0 differ" in result.out
    lines = (version(toy) / "data.csv").read_text().splitlines()
    assert (lines[0], len(lines)) == ("fault,x,square,noise", 5)  # as it will be when the other point is there, too
    assert record(version(toy))["status"] == "failed"


def test_one_point_that_is_not_allowed_stops_no_other(toy: Terminal) -> None:
    result = toy("run", "toy", "megabytes=0.0,-3.0", "-m", "-j", "2")
    assert result.code == 1
    assert "1 of 2 points failed: megabytes=-3" in result.line
    assert "printed: 1 reproduced, 0 errata, 0 differ" in result.out
    assert sorted(path.name for path in version(toy).glob("[0-9]")) == ["0"]


def test_a_killed_sweep_resumes_and_runs_only_what_is_missing(toy: Terminal, wait_until: Wait) -> None:
    toy.hold("3")
    process = toy.start("run", "toy", "power=2.0,3.0", "-m")
    wait_until(lambda: (version(toy) / "1" / "units").exists() and bool(units(version(toy) / "1")))
    process.kill()
    process.communicate()
    toy.release()
    assert statuses(toy) == ["interrupted"]
    first = (version(toy) / "0" / "run.json").stat().st_mtime_ns
    result = toy("run", "toy", "--resume")
    assert result.code == 0, result.err
    assert (version(toy) / "0" / "run.json").stat().st_mtime_ns == first
    assert "3 of 4 units to measure" in (version(toy) / "1" / "run.log").read_text()
    assert statuses(toy) == ["done"]


def test_points_with_seeds_of_their_own_join_into_the_table_and_figure_of_one_run(drawn: Terminal) -> None:
    result = drawn("run", "toy", "seeds=[0],[1],[2],[3]", "-m", "-j", "2")
    assert result.code == 0, result.err
    assert sorted(path.stem for path in (version(drawn) / "figures").glob("*.png")) == ["parabola"]
    assert drawn("run", "toy").code == 0
    assert (version(drawn) / "data.csv").read_bytes() == (version(drawn, "v002") / "data.csv").read_bytes()


def test_a_swept_scalar_becomes_a_column_and_each_value_is_judged(drawn: Terminal) -> None:
    result = drawn("run", "toy", "power=2.0,3.0", "-m", "-j", "2")
    assert result.code == 0, result.err
    lines = (version(drawn) / "data.csv").read_text().splitlines()
    assert lines[0] == "power,x,square,noise"
    assert "reproduced  parabola[power=2.0]" in result.out
    assert "differs     parabola[power=3.0]" in result.out
    assert sorted(path.name for path in (version(drawn) / "figures").glob("*.png")) == [
        "parabola-power=2.0-0.png",
        "parabola-power=3.0-1.png",
    ]
    assert drawn("verify", "toy").line == "deepk: toy/v001: parabola[power=3.0] differs"


def test_a_swept_text_stays_inside_the_folder_and_finds_its_rows(drawn: Terminal) -> None:
    result = drawn("run", "toy", "fault=a/../../b,'1',None", "-m")
    assert result.code == 0, result.err
    assert "printed: 3 reproduced" in result.out
    assert len(list((version(drawn) / "figures").glob("*.png"))) == 3
    assert drawn.results() == ["toy/latest", "toy/v001"]


def test_workers_of_a_killed_sweep_end_and_it_resumes(toy: Terminal, wait_until: Wait) -> None:
    toy.hold("2")
    toy.hold("3")
    process = toy.start("run", "toy", "power=2.0,3.0", "-m", "-j", "2")
    wait_until(lambda: all(units(version(toy) / point) for point in "01"))
    os.kill(process.pid, signal.SIGKILL)  # the parent alone
    process.communicate(timeout=60)  # returns when every process that holds its pipes has ended
    toy.release()
    assert statuses(toy) == ["interrupted"]
    result = toy("run", "toy", "--resume", "-j", "2")
    assert result.code == 0, result.err
    assert statuses(toy) == ["done"]
    assert not list(version(toy).glob("*/units"))


def test_a_half_finished_sweep_of_jobs_resumes_what_is_missing_into_one_table(deepk: Terminal, real_data: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="the extra `slurm` is not installed")
    words = ("activations=[relu],[tanh]", "data=digits,mnist", "initializations=[ordered]", "seeds=[0]")
    first = deepk("run", "eoc-training", *words, "-m", SUBMITIT, "--scale", "smoke", DEEPK_DATA="nowhere")
    assert first.code == 1
    assert "2 of 4 points failed: activations=[relu] data=mnist" in first.line
    folder = deepk.folder / "results" / "eoc-training" / "v001"
    kept = [(folder / point / "run.json").stat().st_mtime_ns for point in "02"]  # of digits
    assert deepk("run", "eoc-training", "--resume", DEEPK_DATA=str(real_data)).code == 0
    assert [(folder / point / "run.json").stat().st_mtime_ns for point in "02"] == kept
    data, claims = (pd.read_csv(folder / f"{table}.csv") for table in ("data", "claims"))
    points = data[["data.name", "activation"]].drop_duplicates()
    assert list(map(tuple, points.to_numpy())) == [
        (where, what) for what, where in product(("relu", "tanh"), ("digits", "mnist"))
    ]
    assert claims["name"].is_unique
    assert {path.stem for path in (folder / "figures").glob("*.png")} == {
        "accuracy-data.name=digits-0",
        "accuracy-data.name=mnist-1",
    }


@pytest.mark.parametrize("name", ["back\\slash", "dollar${x}", 'it\'s, "quoted" é=ü', "end\\"])
def test_a_working_directory_of_any_name_gets_its_results(toy: Terminal, name: str) -> None:
    folder = toy.folder / name
    folder.mkdir()
    shutil.copy(toy.folder / "toy.py", folder)
    there = Terminal(folder)
    result = there("run", "toy")
    assert result.code == 0, result.err
    assert "folder   results/toy/v001" in result.out
    assert (folder / "results" / "toy" / "v001" / "data.csv").exists()
