"""Torch is configured whenever it is there, and is not imported to be configured."""

from __future__ import annotations

import subprocess
import sys

CONFIGURE = "from deepk.lab.torch_settings import configure_torch; configure_torch(3)"
# 1e-40 is a denormal number of float32.
SHOW = "print(torch.get_num_threads(), torch.full((1,), 1e-40).sum().item() == 0)"


def printed(*lines: str) -> list[str]:
    result = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    return result.stdout.splitlines()


def test_torch_that_is_there_gets_its_threads_and_flushes_denormals() -> None:
    before, after = printed("import torch", SHOW, CONFIGURE, SHOW)
    assert before.endswith("False")
    assert after == "3 True"


def test_torch_imported_later_and_through_a_submodule_is_configured_as_was_said_last() -> None:
    assert printed(CONFIGURE.replace("3", "2"), CONFIGURE, "import torch.nn, torch", SHOW) == ["3 True"]


def test_configuring_and_looking_for_torch_import_no_torch() -> None:
    look = "import importlib.util, sys; print(importlib.util.find_spec('torch').name, 'torch' in sys.modules)"
    assert printed(CONFIGURE, look) == ["torch False"]
