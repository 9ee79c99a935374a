"""Bad input ends in one line, exit code 2 or 1, and no folder left behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import Finished, Terminal

RUN = ("run", "eoc-training")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("run", "eoc-trainin"), "unknown experiment 'eoc-trainin'; did you mean eoc-training?"),
        (("run", "json"), "module json is no experiment yet: it lacks Config, COLUMNS"),
        (("rnu",), "No such command 'rnu'. Did you mean 'run'"),
        ((*RUN, "--sclae", "smoke"), "No such option: --sclae (Possible options: --scale)"),
        ((*RUN, "--scale", "smok"), "unknown scale 'smok'; did you mean smoke?"),
        ((*RUN, "-j", "0"), "Invalid value for '-j'"),
        ((*RUN, "widht=5"), "unknown key 'widht' in widht=5; did you mean width?"),
        ((*RUN, "+widht=5"), "unknown key 'widht' in +widht=5; did you mean width?"),
        ((*RUN, "data.trainsize=5"), "unknown key 'data.trainsize' in data.trainsize=5; did you mean data.train_size?"),
        ((*RUN, "scale=smoke"), "unknown key 'scale' in scale=smoke; it is chosen by --scale"),
        ((*RUN, "data=mnits"), "unknown data set 'mnits'; did you mean mnist?"),
        ((*RUN, "width=abc"), "width=abc is not allowed: it takes an integer"),
        ((*RUN, "width=null"), "width"),
        ((*RUN, "width=2.5"), "width=2.5 is not allowed: it takes an integer"),
        ((*RUN, "depth=-3"), "depth=-3 is not allowed: it takes a number >= 2"),
        ((*RUN, "learning_rate=0"), "learning_rate=0.0 is not allowed: it takes a finite number > 0"),
        ((*RUN, "learning_rate=nan"), "learning_rate=nan is not allowed: it takes a finite number > 0"),
        ((*RUN, "learning_rate=inf"), "learning_rate=inf is not allowed: it takes a finite number > 0"),
        ((*RUN, "seeds=[0,0]"), "seeds=[0,0] is not allowed: it takes a list of different integers >= 0"),
        ((*RUN, "seeds=[]"), "seeds=[] is not allowed"),
        ((*RUN, "sigma_b.tanh=-1"), "sigma_b.tanh=-1.0 is not allowed: it takes a number >= 0"),
        ((*RUN, "device=mps"), "device=mps is not allowed: torch sees no such device here; use device=cpu"),
        ((*RUN, "device=gpu"), "device=gpu is not allowed: it takes one of cpu, cuda, mps"),
        ((*RUN, "activation=tahn"), "unknown activation 'tahn'; did you mean tanh?"),
        ((*RUN, "activation=nowhere:f"), "activation 'nowhere:f' cannot be used: ModuleNotFoundError"),
        ((*RUN, "data.train_size=5000"), "data.train_size=5000 is not allowed: digits has 1437 such images"),
        ((*RUN, "data.image_size=8"), "data.image_size=8 is not allowed: digits has one size; leave it null"),
        ((*RUN, "seeds=0"), "seeds=0 is not allowed: it takes a list, [...]"),
        ((*RUN, "sigma_b.gelu=x"), "sigma_b.gelu=x is not allowed: it takes a number"),
        ((*RUN, "width=1,2"), "width=1,2 gives several values: add -m"),
        ((*RUN, "width=[1"), "cannot read 'width=[1'"),
        ((*RUN, "width"), "cannot read 'width': an override is written key=value"),
        ((*RUN, "~width"), "width has no value; give width=..."),
        (
            ("run", "random-features", "protocol=slide"),
            "protocol=slide is not allowed: it takes one of slides, journal",
        ),
        (("run", "random-features", "epochs=${no}"), "epochs has no value here; give epochs=..."),
        ((*RUN, "seeds=[0,1],[1,2]", "-m"), "points 0 and 1 of the sweep measure the same unit: relu edge-of-chaos 1"),
        ((*RUN, "width=-1,-2", "-m"), "width=-1 is not allowed: it takes a number >= 1"),
        ((*RUN, "--resume"), "nothing to resume"),
        ((*RUN, "--resume", "v042"), "there is no run eoc-training/v042"),
        (("data", "check", "nmist"), "unknown data set 'nmist'; did you mean mnist?"),
        (("data", "fetch", "nmist"), "unknown data set 'nmist'; did you mean mnist?"),
        (("runs", "eoc-train"), "unknown experiment 'eoc-train'; did you mean eoc-training?"),
        (("verify",), "name a RUN, or give --all for every run"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else "",
)
def test_a_wrong_command_is_one_line_exit_2_and_no_folder(
    here: Callable[..., Finished], tmp_path: Path, words: tuple[str, ...], line: str
) -> None:
    result = here(*words)
    assert line in result.line
    assert len(result.err.strip().splitlines()) == 1
    assert result.code == 2
    assert list(tmp_path.glob("results/*")) == []


def test_a_folder_with_an_accent_and_a_comma_is_read_as_it_is_written(deepk: Terminal) -> None:
    result = deepk(*RUN, "data=image-folder", "data.root=its/né's")
    assert result.code == 1
    assert f"image-folder: no folder {deepk.folder}/its/né's" in result.line


def test_a_users_module_that_cannot_be_imported_is_one_line(toy: Terminal) -> None:
    source = toy.folder / "toy.py"
    source.write_text(source.read_text() + "\nraise RuntimeError('half\\nwritten')\n")
    result = toy("run", "toy")
    assert (result.code, result.line) == (2, "deepk: module toy cannot be imported: RuntimeError: half written")


def test_a_users_module_with_a_slip_in_it_is_one_line(toy: Terminal) -> None:
    (toy.folder / "toy.py").write_text("COLUMNS = (\n")
    result = toy("run", "toy")
    assert (result.code, result.line) == (2, "deepk: module toy cannot be read: '(' was never closed, line 1 of toy.py")


def test_a_users_module_has_one_scale(toy: Terminal) -> None:
    assert "--scale smoke is not allowed" in toy("run", "toy", "--scale", "smoke").line


def test_absent_data_names_where_it_looked_and_the_three_ways_out(deepk: Terminal) -> None:
    result = deepk(*RUN, "data=mnist")
    assert result.code == 1
    assert len(result.err.strip().splitlines()) == 1
    looked = str(deepk.folder / "cache" / "deepk" / "MNIST" / "raw")
    for part in ("mnist", looked, "deepk data fetch mnist", "DEEPK_DATA", "data=digits"):
        assert part in result.line
    assert deepk.results() == []


def test_fetching_without_a_network_is_one_line(deepk: Terminal) -> None:
    # A proxy that refuses: the same as no network, on any machine.
    result = deepk("data", "fetch", "mnist", https_proxy="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9")
    assert result.code == 1
    assert result.line.startswith("deepk: mnist")
    assert len(result.err.strip().splitlines()) == 1


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_data_file_is_named_with_its_checksum(deepk: Terminal, real_data: Path, damage: str) -> None:
    shutil.copytree(real_data / "MNIST", deepk.folder / "data" / "MNIST")
    path = deepk.folder / "data" / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content[:5000] if damage == "truncated" else content)
    result = deepk(*RUN, "data=mnist", DEEPK_DATA=str(deepk.folder / "data"))
    assert result.code == 1
    assert str(path) in result.line
    assert "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2" in result.line
    assert deepk.results() == []
    assert deepk("data", "check", "mnist", "--root", "data").code == 1


def test_a_half_written_module_is_told_what_it_lacks(deepk: Terminal) -> None:
    (deepk.folder / "half.py").write_text("COLUMNS = ()\n\n\ndef units(cfg): ...\n")
    result = deepk("run", "half")
    assert result.code == 2
    lacking = "Config, FIGURES, KNOWN_DEVIATIONS, predict, measure, claims, draw"
    assert result.line == f"deepk: module half is no experiment yet: it lacks {lacking}; `deepk new` shows each"


@pytest.mark.parametrize("name", ["tent-map", "json", "1st", "half.module"])
def test_a_new_experiment_takes_a_free_name_of_a_module(
    here: Callable[..., Finished], tmp_path: Path, name: str
) -> None:
    result = here("new", name)
    assert result.code == 2
    assert len(result.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_run_names_those_there_are(finished: Terminal) -> None:
    result = finished("verify", "toy/v009")
    assert result.code == 1
    assert "no finished run 'toy/v009'" in result.line
    assert "toy/v001" in result.line
