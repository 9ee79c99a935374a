"""What a run is said to take, from a few timed steps."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from deepk.lab import Lab, Unit, preflight
from deepk.lab.contract import Experiment

SECONDS = {"slow": 1.0, "fast": 1e-4}  # a step, on a clock of the test's own


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An experiment whose steps take these times."""
    clock = SimpleNamespace(now=0.0)
    module = ModuleType("parts")

    def measure(_: Any, unit: Unit, lab: Lab) -> None:
        for _ in range(unit.steps):
            clock.now += SECONDS[str(unit.key["part"])]
            lab.progress()

    names = ("COLUMNS", "FIGURES", "KNOWN_DEVIATIONS", "predict", "claims", "draw")
    module.__dict__.update(dict.fromkeys(names), units=lambda cfg: cfg.units, measure=measure)
    monkeypatch.setitem(sys.modules, "parts", module)
    monkeypatch.setattr(preflight, "configure_torch", lambda _: None)  # of all tests in this process
    monkeypatch.setattr(preflight, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return module


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("kinds", [1, 40])
def test_slow_steps_of_one_part_do_not_make_the_fast_ones_of_another_slow(kinds: int) -> None:
    fast = [Unit({"part": "fast", "size": size}, steps=100_000) for size in range(kinds)]
    units = [Unit({"part": "slow", "size": 0}, steps=10), *fast]
    found = preflight.estimate(Experiment("parts"), SimpleNamespace(threads=1, device="cpu", units=units), jobs=2)
    assert found["steps"] == 10 + 100_000 * kinds
    assert found["seconds"] == pytest.approx((10 + 10 * kinds) / 2)
