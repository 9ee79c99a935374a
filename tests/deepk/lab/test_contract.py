"""Units, random streams and checkpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from deepk.lab import contract
from deepk.lab.contract import Lab, Unit, flat, load_experiment


@dataclass
class Inner:
    name: str = "digits"


@dataclass
class Outer:
    depth: int = 3
    seeds: list[int] = field(default_factory=lambda: [0, 1])
    data: Inner = field(default_factory=Inner)
    sigma_b: dict[str, float] = field(default_factory=lambda: {"relu": 0.0})


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


def test_a_config_is_flat_under_dotted_keys() -> None:
    assert flat(Outer()) == {"depth": 3, "seeds": [0, 1], "data.name": "digits", "sigma_b.relu": 0.0}


def test_streams_of_a_seed_are_reproducible_and_independent() -> None:
    lab = Lab("cpu")
    first, again, other, next_seed = (
        torch.randn(20_000, generator=lab.generator(seed, stream))
        for seed, stream in ((0, "weights"), (0, "weights"), (0, "batches"), (1, "weights"))
    )
    assert torch.equal(first, again)
    for stranger in (other, next_seed):
        # Correlation of 20,000 independent pairs: standard deviation 1/sqrt(20,000) = .007; five of them.
        assert abs(torch.corrcoef(torch.stack([first, stranger]))[0, 1]) < 0.036


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "CHECKPOINT_SECONDS", 0.0)
    lab = Lab("cpu", tmp_path / "unit.checkpoint")
    assert lab.restore() is None
    state = {"weights": torch.randn(3), "rows": [{"epoch": 1, "status": "ok"}], "seconds": 0.1}
    lab.checkpoint(state)
    restored = lab.restore()
    assert restored is not None
    assert torch.equal(restored.pop("weights"), state.pop("weights"))
    assert restored == state


def test_checkpoints_are_not_written_more_often_than_they_are_worth(tmp_path: Path) -> None:
    lab = Lab("cpu", tmp_path / "unit.checkpoint")
    for step in range(100):
        lab.checkpoint({"step": step})
    assert not (tmp_path / "unit.checkpoint").exists()


def test_a_module_without_the_five_functions_is_refused() -> None:
    with pytest.raises(TypeError, match="module json is not an experiment: it lacks COLUMNS"):
        load_experiment("json")
