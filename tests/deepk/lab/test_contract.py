"""Units, and an experiment by its module."""

from __future__ import annotations

import pickle

import pytest

from deepk.lab.contract import Entry, Experiment, Unit


def test_units_that_read_alike_have_different_files() -> None:
    keys = [
        {"a": "x:y", "b": 1},
        {"a": "x/y", "b": 1},
        {"a": "x_y", "b": 1},
        {"a": "x", "b": "y-1"},
        {"a": "x-y", "b": 1},
    ]
    stems = [Unit(key).file_stem for key in keys]
    assert len(set(stems)) == len(keys)
    assert all(stem.isascii() and "/" not in stem and ":" not in stem for stem in stems)


def test_a_package_gives_its_parts_from_their_modules_and_a_file_from_itself() -> None:
    package, file = Experiment("experiments.tent_map"), Experiment("deepk.lab.template")
    assert package.columns[:3] == ("part", "depth", "batch_size")
    assert file.figures == ("error",)
    config = Entry("deepk.lab.template", "deepk.lab.template").config(experiment="template", scale="own")
    assert len(file.units(config)) == 15
    assert list(file.predict(config)["n"]) == [10, 100, 1000]


def test_an_experiment_goes_to_a_worker_as_its_name() -> None:
    experiment = Experiment("experiments.tent_map")
    assert experiment.columns
    assert pickle.loads(pickle.dumps(experiment)) == experiment


def test_a_config_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="module json needs a dataclass `Config`"):
        _ = Entry("json", "json").config
