"""The reference runs: every verdict is what claims.csv says, so that no change of code moves one unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal import REPOSITORY

from cli.catalogue import find, names
from deepk.lab import store
from deepk.lab.claims import counts
from deepk.lab.folder import RunFolder
from deepk.lab.verification import FinishedRun

RECORDS = sorted((REPOSITORY / "results" / "reference").glob("*/*/run.json"))
FOLDERS = [
    pytest.param(path.parent, id="/".join(path.parent.parts[-2:]), marks=pytest.mark.xdist_group(path.parts[-3]))
    for path in RECORDS
]


@pytest.mark.parametrize("path", FOLDERS)
def test_its_verdicts_are_those_of_its_claims_csv_and_nothing_differs_unexplained(path: Path) -> None:
    folder = RunFolder(path)
    judgement = FinishedRun.open(folder, find(path.parent.name)).judge()
    stored = store.read_table(folder.claims)
    now = dict(zip(judgement.table["name"], judgement.table["verdict"], strict=True))
    assert now == dict(zip(stored["name"], stored["verdict"], strict=True))
    assert judgement.unexplained == []
    assert judgement.edited == []


@pytest.mark.parametrize("path", FOLDERS)
def test_the_readme_says_what_its_verdicts_are(path: Path) -> None:
    found = counts(store.read_table(RunFolder(path).claims))
    printed, ours = found["printed"], found["ours"]
    cells = [printed[verdict] for verdict in ("reproduced", "erratum", "differs", "underpowered", "not-comparable")]
    own = f"{ours['reproduced'] + ours['erratum']} of {sum(ours.values()) - ours['not-comparable']}"
    row = f"| `{path.parent.name}/{path.name}` | {' | '.join(map(str, cells))} | {own} |"
    assert row in (REPOSITORY / "README.md").read_text()


def test_every_experiment_has_a_reference_run() -> None:
    assert {path.parts[-3] for path in RECORDS} == set(names())


def test_reference_results_stay_small() -> None:
    files = (REPOSITORY / "results" / "reference").rglob("*")
    assert sum(path.stat().st_size for path in files if path.is_file()) < 40e6
