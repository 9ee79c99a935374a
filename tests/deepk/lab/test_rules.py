"""The digest of what judges a run: it changes with claims and printed numbers, and with nothing else."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from terminal import REPOSITORY

from deepk.lab import rules
from deepk.lab.contract import Experiment

FILES = {
    "__init__.py": "from house_of_mine.tables import PRINTED\nKNOWN_DEVIATIONS = {}\n",
    "claims.py": "from . import near\nimport beside_mine\n\ndef claims(theory, data, cfg): ...\n",
    "near.py": "TOLERANCE = 0.9\n",
    "theory.py": "def predict(cfg): ...\n",
    "measurement.py": "def units(cfg): ...\ndef measure(cfg, unit, lab): ...\n",
    "figures.py": "def draw(theory, data, cfg): ...\n",
}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of experiments, with one experiment and a table of printed numbers."""
    package = tmp_path / "house_of_mine"
    for name, text in FILES.items():
        path = package / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (package / "__init__.py").write_text("")
    (package / "tables.py").write_text("PRINTED = 0.95\n")
    (tmp_path / "beside_mine.py").write_text("TOLERANCE = 0.1\n")
    monkeypatch.syspath_prepend(tmp_path)
    for module in (
        "house_of_mine",
        "house_of_mine.mine",
        "house_of_mine.tables",
        "beside_mine",
    ):  # found for another test
        monkeypatch.delitem(sys.modules, module, raising=False)
    return package


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("mine/claims.py", True),
        ("mine/__init__.py", True),  # known deviations
        ("tables.py", True),  # printed numbers
        ("mine/near.py", True),  # a relative import
        ("../beside_mine.py", True),
        ("mine/measurement.py", False),
        ("mine/theory.py", False),
        ("mine/figures.py", False),
    ],
)
def test_the_digest_is_of_what_judges_alone(house: Path, path: str, changes: bool) -> None:
    before = rules.digest(Experiment("house_of_mine.mine"))
    (house / path).write_text((house / path).read_text() + "\nMORE = 1\n")
    assert (rules.digest(Experiment("house_of_mine.mine")) != before) is changes


def test_all_of_a_single_file_is_its_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "single_file_of_mine.py"
    shutil.copy(REPOSITORY / "deepk" / "lab" / "template.py", path)
    monkeypatch.syspath_prepend(tmp_path)
    before = rules.digest(Experiment(path.stem))
    path.write_text(path.read_text().replace("share(0.1,", "share(0.2,"))
    assert rules.digest(Experiment(path.stem)) != before


def test_verdicts_that_moved_are_counted_and_new_claims_apart() -> None:
    table = pd.DataFrame({"name": ["a", "b", "c"], "verdict": ["reproduced", "differs", "reproduced"]})
    change = rules.moved({"a": "reproduced", "b": "reproduced", "gone": "differs"}, table)
    assert change == {"moved": 1, "new": 1, "gone": 1, "claims": 3}
    assert rules.in_words(change) == "judged by rules newer than the data: 1 of 3 moved, 1 new, 1 gone"
