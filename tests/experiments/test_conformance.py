"""What every experiment must do. A new one is covered as soon as it has its YAML file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from terminal import DEEPK, REPOSITORY

from cli import configuration
from cli.catalogue import SCALES, docstring, module_of, names
from deepk.lab import runner, store
from deepk.lab.claims import Claim, Verdict, judge
from deepk.lab.contract import Experiment, Unit, load_experiment, timing_columns

# The tests of one experiment share its smoke run, so one test process gets all of them.
EXPERIMENTS = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names()]


def compose(name: str, scale: str) -> Any:
    with configuration.session(name) as hydra:
        return configuration.compose(hydra, name, scale, [])


@pytest.fixture(scope="module", params=EXPERIMENTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def experiment(name: str) -> Experiment:
    return load_experiment(module_of(name))


@pytest.fixture(scope="module")
def config(name: str) -> Any:
    return compose(name, "smoke")


@pytest.fixture(scope="module")
def folder(name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a smoke run, as the command makes it in one process."""
    here = tmp_path_factory.mktemp(name)
    subprocess.run([str(DEEPK), "run", name, "--scale", "smoke", "-j", "1"], cwd=here, check=True, capture_output=True)
    yield here / "results" / name / "v001"
    shutil.rmtree(here)


@pytest.fixture(scope="module")
def tables(folder: Path) -> runner.Tables:
    return runner.Tables.read(folder)


def perturbations(table: pd.DataFrame) -> list[pd.DataFrame]:
    """The table with one of its columns of real numbers replaced by 1 minus it."""
    numbers = [column for column in table.columns if table[column].dtype.kind == "f"]
    return [table.assign(**{column: 1.0 - table[column]}) for column in numbers]


def verdicts(claims: list[Claim]) -> list[str]:
    return list(judge(claims)["verdict"])


@pytest.mark.parametrize("scale", SCALES)
def test_it_composes_at_every_scale_and_says_which(name: str, scale: str) -> None:
    assert compose(name, scale).scale == scale


def test_its_docstring_is_an_argument(name: str) -> None:
    text = docstring(module_of(name))
    assert text.splitlines()[0].endswith(".")
    assert [text.count(f"\n{word}") for word in ("Claim ", "Measured ", "Deviates ")] == [1, 1, 1]


def test_its_units_are_distinct_and_lead_the_declared_columns(experiment: Experiment, config: Any) -> None:
    units: list[Unit] = runner.distinct(experiment.units(config))
    assert len({unit.file_stem for unit in units}) == len(units)
    assert {tuple(unit.key) for unit in units} == {experiment.COLUMNS[: len(units[0].key)]}


def test_data_and_timing_hold_the_declared_columns(experiment: Experiment, tables: runner.Tables) -> None:
    assert tuple(tables.data.columns) == experiment.COLUMNS
    assert set(timing_columns(experiment)) <= set(tables.timing.columns)
    assert "seconds" not in experiment.COLUMNS  # wall-clock would make data.csv differ from run to run


def test_the_declared_figures_are_drawn_as_png_and_pdf(experiment: Experiment, folder: Path) -> None:
    drawn = {path.name for path in (folder / "figures").iterdir()}
    assert drawn == {f"{name}.{suffix}" for name in experiment.FIGURES for suffix in ("png", "pdf")}


def test_figures_come_from_the_csv_files_alone_byte_for_byte(
    experiment: Experiment, config: Any, folder: Path, tables: runner.Tables, tmp_path: Path
) -> None:
    runner.draw_groups(experiment, tmp_path, tables, [runner.Group({}, config)])
    for path in (folder / "figures").iterdir():
        assert (tmp_path / "figures" / path.name).read_bytes() == path.read_bytes()


def test_every_figure_says_its_scale(experiment: Experiment, config: Any, tables: runner.Tables) -> None:
    for figure in experiment.draw(tables.theory, tables.timed(), config).values():
        assert any(
            f"scale {config.scale}" in text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))
        )


def test_the_same_seed_gives_the_same_data_again_and_in_two_processes(name: str, folder: Path, tmp_path: Path) -> None:
    subprocess.run(
        [str(DEEPK), "run", name, "--scale", "smoke", "-j", "2"], cwd=tmp_path, check=True, capture_output=True
    )
    again = tmp_path / "results" / name / "v001"
    for table in ("data.csv", "theory.csv", "claims.csv"):
        assert (again / table).read_bytes() == (folder / table).read_bytes()


def test_claims_are_rejudged_from_the_csv_files(
    experiment: Experiment, config: Any, folder: Path, tables: runner.Tables
) -> None:
    again = runner.judge_groups(experiment, tables, [runner.Group({}, config)])
    stored = store.read_table(folder / "claims.csv")
    assert list(again["verdict"]) == list(stored["verdict"])
    assert list(again["name"]) == list(stored["name"])


def test_a_smoke_run_can_judge_something(experiment: Experiment, config: Any, tables: runner.Tables) -> None:
    found = verdicts(list(experiment.claims(tables.theory, tables.data, config)))
    assert any(verdict != Verdict.NOT_COMPARABLE for verdict in found)


def test_without_data_no_claim_is_judged(experiment: Experiment, config: Any, tables: runner.Tables) -> None:
    empty = pd.DataFrame(columns=list(experiment.COLUMNS))
    found = verdicts(list(experiment.claims(tables.theory, empty, config)))
    assert found
    assert set(found) == {Verdict.NOT_COMPARABLE}


def test_a_perturbed_table_changes_a_verdict(experiment: Experiment, config: Any, tables: runner.Tables) -> None:
    before = verdicts(list(experiment.claims(tables.theory, tables.data, config)))
    changed = [(theory, tables.data) for theory in perturbations(tables.theory)]
    changed += [(tables.theory, data) for data in perturbations(tables.data)]
    assert any(verdicts(list(experiment.claims(*both, config))) != before for both in changed)


def test_every_claim_has_its_source_and_the_reason_of_its_tolerance(
    experiment: Experiment, config: Any, tables: runner.Tables
) -> None:
    for claim in experiment.claims(tables.theory, tables.data, config):
        assert claim.source
        assert len(claim.reason) > 10
        assert claim.statement


def test_known_deviations_are_names_of_claims(experiment: Experiment, config: Any, tables: runner.Tables) -> None:
    known = {claim.name for claim in experiment.claims(tables.theory, tables.data, config)}
    assert set(experiment.KNOWN_DEVIATIONS) <= known


def test_its_reference_results_verify(name: str) -> None:
    for record in sorted((REPOSITORY / "results" / "reference" / name).glob("*/run.json")):
        command = [str(DEEPK), "verify", str(record.parent)]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
