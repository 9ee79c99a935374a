"""Verdicts notice wrong results, and tests notice wrong code: both are made on purpose here.

`tests/mutations/<experiment>.py` holds the wrong results of an experiment, MUTANTS, made on its reference runs, and the
wrong lines of its code, FAULTS.
"""

from __future__ import annotations

import os
import shutil
from fnmatch import fnmatch
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from mutation import Fault, Mutant
from terminal import REPOSITORY
from warm import run_pytest

from cli.catalogue import find, names
from deepk.lab import runner
from deepk.lab.claims import Verdict, unexplained
from deepk.lab.folder import RunFolder
from deepk.lab.verification import FinishedRun

REFERENCE = REPOSITORY / "results" / "reference"


def mutations(name: str) -> ModuleType:
    """The module of an experiment's mutations, from its file."""
    spec = spec_from_file_location(f"mutations_{name}", REPOSITORY / "tests" / "mutations" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULES = {name: mutations(name.replace("-", "_")) for name in names()}
MUTANTS = [
    pytest.param(name, mutant, id=f"{name}: {mutant.what}", marks=pytest.mark.xdist_group(f"mutants {name}"))
    for name, module in MODULES.items()
    for mutant in module.MUTANTS
]
# The first of each experiment, since each takes a fresh process; DEEPK_FAULTS=all makes all of them.
EVERY = os.environ.get("DEEPK_FAULTS") == "all"
FAULTS = [
    pytest.param(fault, id=f"{fault.path}: {fault.wrong.strip()}", marks=pytest.mark.xdist_group(f"faults {name}"))
    for name, module in MODULES.items()
    for fault in (module.FAULTS if EVERY else module.FAULTS[:1])
]


@lru_cache(maxsize=8)
def reference(name: str, label: str) -> FinishedRun:
    return FinishedRun.open(RunFolder(REFERENCE / name / label), find(name))


def judged(name: str, label: str, mutant: Mutant | None = None) -> pd.DataFrame:
    run = reference(name, label)
    tables = mutant.change(run.tables) if mutant else run.tables
    return runner.judge_groups(run.entry.experiment, tables, run.groups)


@lru_cache(maxsize=8)
def unexplained_as_it_is(name: str, label: str) -> frozenset[str]:
    return frozenset(unexplained(judged(name, label)))


@lru_cache(maxsize=64)
def wrongly_judged(name: str, mutant: Mutant) -> frozenset[str]:
    """The claims that differ unexplained by a wrong result, and not without it."""
    return frozenset(unexplained(judged(name, mutant.label, mutant))) - unexplained_as_it_is(name, mutant.label)


@pytest.mark.parametrize(("name", "mutant"), MUTANTS)
def test_a_wrong_result_differs(name: str, mutant: Mutant) -> None:
    found = wrongly_judged(name, mutant)
    missed = [pattern for pattern in mutant.hits if not any(fnmatch(claim, pattern) for claim in found)]
    assert found
    assert not missed


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.xdist_group(f"mutants {n}")) for n in names()])
def test_half_of_the_claims_at_least_can_be_made_to_differ(name: str) -> None:
    found = set().union(*(wrongly_judged(name, mutant) for mutant in MODULES[name].MUTANTS))
    comparable: set[str] = set()
    for folder in sorted((REFERENCE / name).glob("*/run.json")):
        table = judged(name, folder.parent.name)
        comparable |= set(table.loc[table["verdict"] != Verdict.NOT_COMPARABLE, "name"])
    assert len(found & comparable) >= len(comparable) / 2, sorted(comparable - found)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_line_of_code_is_noticed(fault: Fault, tmp_path: Path) -> None:
    for room in ("cli", "conf", "deepk", "experiments", "tests", "pyproject.toml"):
        copy = shutil.copytree if (REPOSITORY / room).is_dir() else shutil.copy
        copy(REPOSITORY / room, tmp_path / room)
    (tmp_path / "results").symlink_to(REPOSITORY / "results")
    path = tmp_path / fault.path
    text = path.read_text()
    assert text.count(fault.right) == 1
    path.write_text(text.replace(fault.right, fault.wrong))
    # Without conftest.py, whose checks of shapes take half of the time: here the test itself must notice
    options = ["-q", "-x", "-p", "no:cacheprovider", "--noconftest"]
    output = tmp_path / "output.txt"
    status = run_pytest(tmp_path, [*options, fault.noticed_by], output)
    assert status == 1, output.read_text()
    assert "1 failed" in output.read_text()  # and is no error in setting it up
