"""What several rooms of tests share."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # processes beside each other; before torch is imported

import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import pytest
from hypothesis import settings
from terminal import TOY, Finished, Terminal

from cli.app import main

# The shapes in annotations are checked wherever a test calls the mathematics.
jaxtyping.install_import_hook(
    [
        "deepk.branching",
        "deepk.dynamics",
        "deepk.features",
        "deepk.gaussian",
        "deepk.kernels",
        "deepk.meanfield",
        "deepk.networks",
        "deepk.regression",
        "deepk.spectra",
    ],
    "beartype.beartype",
)

# The same cases each time, so that a change is judged by itself; HYPOTHESIS_PROFILE=random looks for others.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("random")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps the tests of a file in one process, so that what they share is computed once."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(item.config.rootpath))))


@pytest.fixture
def deepk(tmp_path: Path) -> Iterator[Terminal]:
    """`deepk(...)` as typed in an empty folder."""
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.release()  # where a test has failed, no run waits for it forever


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Finished]]:
    """`here(...)` as typed in an empty folder without data, in this process: for what ends before anything runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DEEPK_DATA", raising=False)
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    monkeypatch.setattr(sys, "path", [*sys.path])
    terminated = signal.getsignal(signal.SIGTERM)

    def typed(*words: str) -> Finished:
        monkeypatch.setattr(sys, "argv", ["deepk", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        return Finished(int(ended.value.code or 0), written.out, written.err)

    yield typed
    signal.signal(signal.SIGTERM, terminated)


@pytest.fixture
def drawn(deepk: Terminal) -> Terminal:
    """`deepk(...)` in a folder that holds the user's own experiment `toy`."""
    (deepk.folder / "toy.py").write_text(TOY)
    return deepk


@pytest.fixture
def toy(drawn: Terminal) -> Terminal:
    """The same without its figure, which takes half of the seconds of a run."""
    (drawn.folder / "toy.py").write_text(TOY.replace('FIGURES = ("parabola",)', "FIGURES = ()"))
    return drawn


@pytest.fixture(scope="session")
def finished_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `toy` has run as v001, and with power=3 as v002; not to be changed."""
    terminal = Terminal(tmp_path_factory.mktemp("finished"))
    (terminal.folder / "toy.py").write_text(TOY)
    assert terminal("run", "toy").code == 0
    assert terminal("run", "toy", "power=3").code == 0
    return terminal.folder


@pytest.fixture
def finished(finished_folder: Path, tmp_path: Path) -> Terminal:
    """`deepk(...)` in a copy of that folder."""
    shutil.copytree(finished_folder, tmp_path, dirs_exist_ok=True, symlinks=True)
    return Terminal(tmp_path)


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Waits for something that another process does, for a minute at most."""

    def wait(happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not happened():
            assert time.monotonic() < deadline, "it did not happen within a minute"
            time.sleep(0.02)

    return wait


@pytest.fixture
def real_data() -> Path:
    """The folder of real MNIST, by DEEPK_DATA; its tests are skipped where there is none."""
    root = Path(os.environ.get("DEEPK_DATA", "nowhere")).resolve()
    if not (root / "MNIST" / "raw").is_dir():
        pytest.skip("DEEPK_DATA holds no MNIST")
    return root
