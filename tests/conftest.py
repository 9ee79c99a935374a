"""What several rooms of tests share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import TOY, Terminal


@pytest.fixture
def deepk(tmp_path: Path) -> Terminal:
    """`deepk(...)` as typed in an empty folder."""
    return Terminal(tmp_path)


@pytest.fixture
def toy(deepk: Terminal) -> Terminal:
    """`deepk(...)` in a folder that holds the user's own experiment `toy`."""
    (deepk.folder / "toy.py").write_text(TOY)
    return deepk


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
