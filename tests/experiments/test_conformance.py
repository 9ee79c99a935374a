"""What every experiment must do. A new one is covered as soon as it has its YAML file."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import warm
from smoke import SmokeRun, compose, smoke_run

from cli.catalogue import SCALES, docstring, find, names
from deepk.lab import pool, runner, store, sweep
from deepk.lab.claims import Claim, Verdict, judge, unexplained
from deepk.lab.configuration import flat
from deepk.lab.contract import Unit
from deepk.lab.folder import RunFolder
from deepk.lab.record import Record

# The tests of one experiment share its smoke run, so one test process gets all of them.
EXPERIMENTS = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names()]


@pytest.fixture(params=EXPERIMENTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@cache
def cached(name: str, home: Path) -> SmokeRun:
    return smoke_run(name, home / name, jobs=1)


@pytest.fixture
def run(name: str, tmp_path_factory: pytest.TempPathFactory) -> SmokeRun:
    """A smoke run in one process, made once."""
    return cached(name, tmp_path_factory.getbasetemp() / "smoke")


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
    text = docstring(find(name).module)
    assert text.splitlines()[0].endswith(".")
    assert [text.count(f"\n{word}") for word in ("Claim ", "Measured ", "Deviates ")] == [1, 1, 1]


def test_its_units_are_distinct_and_lead_the_declared_columns(run: SmokeRun) -> None:
    units: list[Unit] = runner.distinct(run.experiment.units(run.config))
    assert len({unit.file_stem for unit in units}) == len(units)
    assert {tuple(unit.key) for unit in units} == {run.experiment.columns[: len(units[0].key)]}


def test_data_and_timing_hold_the_declared_columns(run: SmokeRun) -> None:
    assert tuple(run.tables.data.columns) == run.experiment.columns
    assert set(run.experiment.timing) <= set(run.tables.timing.columns)
    assert "seconds" not in run.experiment.columns  # wall-clock would make data.csv differ from run to run


def test_the_declared_figures_are_drawn_as_png_and_pdf(run: SmokeRun) -> None:
    drawn = {path.name for path in run.folder.figures.iterdir()}
    assert drawn == {f"{name}.{suffix}" for name in run.experiment.figures for suffix in ("png", "pdf")}


def test_figures_come_from_the_csv_files_alone_byte_for_byte_and_say_their_scale_and_paper(
    run: SmokeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: dict[str, list[str]] = {}

    def write_png(folder: Path, name: str, figure: Any) -> list[Path]:
        texts[name] = [artist.get_text() for artist in figure.findobj(lambda a: hasattr(a, "get_text"))]
        path = folder / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, metadata={"Software": None})
        return [path]

    monkeypatch.setattr(store, "write_figure", write_png)
    for path in runner.draw_groups(run.experiment, RunFolder(tmp_path), run.tables, [run.group]):
        assert path.read_bytes() == (run.folder.figures / path.name).read_bytes()
    for name, found in texts.items():
        assert any(f"scale {run.config.scale}" in text and "arXiv:" in text for text in found), name


def test_the_same_seed_gives_the_same_data_again_and_in_two_processes(
    run: SmokeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "get_context", lambda _: warm.context())  # not two more imports of torch each time
    again = smoke_run(run.name, tmp_path, jobs=2, measured_only=True).folder
    for table in ("data", "theory"):
        assert again.table(table).read_bytes() == run.folder.table(table).read_bytes()


def test_claims_are_rejudged_from_the_csv_files(run: SmokeRun) -> None:
    again = runner.judge_groups(run.experiment, run.tables, [run.group])
    store.write_table(run.folder.path / "again.csv", again)
    assert (run.folder.path / "again.csv").read_bytes() == run.folder.claims.read_bytes()


def test_a_smoke_run_can_judge_something_and_finds_nothing_unexplained(run: SmokeRun) -> None:
    table = store.read_table(run.folder.claims)
    assert any(table["verdict"] != Verdict.NOT_COMPARABLE)
    assert unexplained(table) == []


def test_without_data_no_claim_is_judged(run: SmokeRun) -> None:
    empty = pd.DataFrame(columns=list(run.experiment.columns))
    found = verdicts(run.experiment.claims(run.tables.theory, empty, run.config))
    assert found
    assert set(found) == {Verdict.NOT_COMPARABLE}


def test_a_perturbed_table_changes_a_verdict(run: SmokeRun) -> None:
    before = verdicts(run.experiment.claims(run.tables.theory, run.tables.data, run.config))
    changed = [(theory, run.tables.data) for theory in perturbations(run.tables.theory)]
    changed += [(run.tables.theory, data) for data in perturbations(run.tables.data)]
    assert any(verdicts(run.experiment.claims(*both, run.config)) != before for both in changed)


def test_every_claim_has_its_source_and_the_reasons_of_its_tolerance_and_resolution(run: SmokeRun) -> None:
    for claim in run.experiment.claims(run.tables.theory, run.tables.data, run.config):
        assert claim.source
        assert claim.statement
        assert claim.other_setting or len(claim.reason) > 10
        assert claim.relation != "=" or len(claim.resolution_reason) > 10


def test_known_deviations_are_names_of_claims(run: SmokeRun) -> None:
    known = {claim.name for claim in run.experiment.claims(run.tables.theory, run.tables.data, run.config)}
    assert set(run.experiment.known_deviations) <= known


# --- sweeps -----------------------------------------------------------------------------------------------------------

SHIFT = 1000  # of the seeds of a made second point


def other_seeds(table: pd.DataFrame, run: SmokeRun, config: Any) -> pd.DataFrame:
    """A table as the same run with other seeds would have it: their rows, and those of units that name no such seed."""
    if "seed" not in table:
        return table
    units = run.experiment.units(config)
    key = list(units[0].key)
    kept = {tuple(unit.key.values()) for unit in units} if "seed" in key else set()
    same = [tuple(row) in kept for row in table[key].itertuples(index=False)]
    moved = table["seed"].map(lambda seed: seed + SHIFT if seed in run.config.seeds else seed)
    return table.assign(seed=moved.where([not stays for stays in same], table["seed"]))


def written(folder: RunFolder, tables: runner.Tables) -> RunFolder:
    for name in ("theory", "data", "timing"):
        store.write_table(folder.table(name), getattr(tables, name))
    return folder


def test_points_with_other_seeds_join_into_one_setting(
    run: SmokeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "write_figure", lambda *_: [])  # drawn, and not written once more
    if not hasattr(run.config, "seeds"):
        return
    config = replace(run.config, seeds=[seed + SHIFT for seed in run.config.seeds])
    data, timing = (other_seeds(table, run, config) for table in (run.tables.data, run.tables.timing))
    others = runner.Tables(run.tables.theory, data, timing)
    points = [
        sweep.Point(written(RunFolder(tmp_path / "0"), run.tables), run.config),
        sweep.Point(written(RunFolder(tmp_path / "1"), others), config),
    ]
    record = Record(run.name, "smoke", "0")
    sweep.join(run.experiment, points, RunFolder(tmp_path), record)
    claims = store.read_table(RunFolder(tmp_path).claims)
    assert list(claims["name"]) == list(store.read_table(run.folder.claims)["name"])


def scalars(config: Any) -> dict[str, str | int | float]:
    """The numbers and texts that a configuration holds at its top, by key."""
    found = {spec.name: getattr(config, spec.name) for spec in fields(config)}
    aside = ("experiment", "scale", "device")
    return {key: value for key, value in found.items() if isinstance(value, str | int | float) and key not in aside}


def test_a_sweep_over_any_scalar_joins_and_each_setting_finds_its_rows(run: SmokeRun, tmp_path: Path) -> None:
    for key, value in scalars(run.config).items():
        other = replace(run.config, **{key: f"{value}2" if isinstance(value, str) else value + 1})
        points = [sweep.Point(RunFolder(tmp_path / "0"), run.config), sweep.Point(RunFolder(tmp_path / "1"), other)]
        joined, groups = sweep.joined(points, [run.tables, run.tables])
        assert [flat(group.config)[key] for group in groups] == [value, getattr(other, key)]
        for group in groups:
            pd.testing.assert_frame_equal(group.of(joined).data, run.tables.data, check_dtype=False)
