"""Processes that start with the libraries that ours import: a fresh interpreter takes two seconds for torch alone."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.context import BaseContext
from pathlib import Path

import pytest

LIBRARIES = ["torch", "pandas", "scipy.optimize", "scipy.stats", "matplotlib.figure", "mpmath", "pytest"]


def context() -> BaseContext:
    """What makes such processes; none of our own modules is imported in them."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(LIBRARIES)
    return found


def run_pytest(root: Path, words: list[str], output: Path) -> int | None:
    """The exit status of pytest in the repository at `root`, in a process of its own; it writes into `output`."""
    process = context().Process(target=_pytest, args=(root, words, output))
    process.start()
    process.join()
    return process.exitcode


def _pytest(root: Path, words: list[str], output: Path) -> None:
    os.chdir(root)
    sys.path.insert(0, str(root))
    sys.dont_write_bytecode = True
    with output.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        sys.exit(pytest.main(words))
