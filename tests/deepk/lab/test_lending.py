"""What a measurement is lent: random streams, and a state that survives a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from deepk.lab import Lab, lending


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
    monkeypatch.setattr(lending, "CHECKPOINT_SECONDS", 0.0)
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


def trained(lab: Lab, until: int) -> tuple[torch.Tensor, dict[str, Any]]:
    """A random walk in five steps, which stops after some of them."""
    position, generator = torch.zeros(3), lab.generator(0, "walk")
    notes: dict[str, Any] = {"steps": 0, "rows": []}
    state = lab.resumable({"position": position}, [generator], notes)
    for step in range(notes["steps"], until):
        position.add_(torch.randn(3, generator=generator))
        notes["steps"], notes["rows"] = step + 1, [*notes["rows"], float(position[0])]
        state.save()
    return position, notes


def test_a_resumed_training_ends_as_one_that_was_never_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lending, "CHECKPOINT_SECONDS", 0.0)
    whole, all_notes = trained(Lab("cpu"), 5)
    path = tmp_path / "unit.checkpoint"
    trained(Lab("cpu", path), 2)
    resumed, notes = trained(Lab("cpu", path), 5)
    assert torch.equal(resumed, whole)
    assert notes == all_notes


def test_only_the_state_of_the_same_training_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "CHECKPOINT_SECONDS", 0.0)
    lab = Lab("cpu", tmp_path / "unit.checkpoint")
    lab.resumable({"position": torch.ones(3)}, [], {"done": 1}, of="first").save()
    for of, expected in (("second", 0.0), ("first", 1.0)):
        position, notes = torch.zeros(3), {"done": 0}
        lab.resumable({"position": position}, [], notes, of=of)
        assert (float(position[0]), float(notes["done"])) == (expected, expected)


def test_a_run_stops_at_the_checkpoint_after_which_its_budget_would_be_overdrawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(lending.time, "time", lambda: now)
    lab = Lab("cpu", tmp_path / "unit.checkpoint", deadline=1100.0)
    now = 1040.0
    lab.checkpoint({"epoch": 1})  # the next 40 seconds end at 1080
    now = 1080.0
    with pytest.raises(lending.BudgetSpent):
        lab.checkpoint({"epoch": 2})
    assert lab.restore() == {"epoch": 2}
    now = 1090.0
    lab.checkpoint({"epoch": 3}, more=False)  # nothing is left to do, and the run may end


def test_progress_after_the_deadline_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    lab, steps = Lab("cpu", report=lambda n, _: steps.append(n), deadline=1000.0), []
    monkeypatch.setattr(lending.time, "time", lambda: 999.0)
    lab.progress(3)
    monkeypatch.setattr(lending.time, "time", lambda: 1001.0)
    with pytest.raises(lending.BudgetSpent):
        lab.progress(4)
    assert steps == [3, 4]
