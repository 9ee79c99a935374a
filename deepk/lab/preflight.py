"""What a run would cost: units, steps, and the time they take after timing one step of a few of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from deepk.lab.contract import Experiment, Unit
from deepk.lab.lending import Lab
from deepk.lab.torch_settings import configure_torch

WARM_STEPS = 2  # the first step allocates and loads libraries
TIMED_STEPS = 2
# Units that differ in more than their seed; a dozen covers three initializations of four activations. At least one of
# each value that leads the key: parts of an experiment whose steps have nothing in common.
SAMPLED_UNITS = 12


class _Enough(Exception):
    """Ends a measurement that has been timed."""


class _Clock:
    """Counts steps and stops the measurement once enough of them are timed."""

    def __init__(self) -> None:
        self.steps = 0
        self.started = time.perf_counter()
        self.seconds = 0.0

    def __call__(self, steps: int, values: Mapping[str, Any]) -> None:
        del values
        if steps == 0:
            return
        self.steps += steps
        if self.steps == WARM_STEPS:
            self.started = time.perf_counter()
        if self.steps >= WARM_STEPS + TIMED_STEPS:
            self.seconds = (time.perf_counter() - self.started) / (self.steps - WARM_STEPS)
            raise _Enough


def estimate(experiment: Experiment, config: Any, *, jobs: int) -> dict[str, Any]:
    """Units, steps in all, seconds a step on average, and the seconds that `jobs` processes will need."""
    configure_torch(config.threads)
    units = experiment.units(config)
    kinds: dict[tuple[Any, ...], Unit] = {}
    for unit in units:
        kinds.setdefault(_kind(unit), unit)
    parts: dict[Any, list[Unit]] = {}
    for unit in kinds.values():
        parts.setdefault(_part(unit), []).append(unit)
    every = max(1, -(-len(kinds) // SAMPLED_UNITS))
    timed: dict[tuple[Any, ...], float] = {}
    typical: dict[Any, float] = {}
    for part, alike in parts.items():
        measured = {_kind(unit): _seconds_a_step(experiment, config, unit) for unit in alike[::every]}
        timed |= measured
        typical[part] = sum(measured.values()) / len(measured)
    seconds = sum(unit.steps * timed.get(_kind(unit), typical[_part(unit)]) for unit in units)
    steps = sum(unit.steps for unit in units)
    return {"units": len(units), "steps": steps, "seconds_per_step": seconds / steps, "seconds": seconds / jobs}


def _part(unit: Unit) -> Any:
    return next(iter(unit.key.values()))


def _kind(unit: Unit) -> tuple[Any, ...]:
    return tuple(value for name, value in unit.key.items() if name != "seed")


def _seconds_a_step(experiment: Experiment, config: Any, unit: Unit) -> float:
    clock = _Clock()
    started = time.perf_counter()
    try:
        experiment.measure(config, unit, Lab(config.device, None, clock))
    except _Enough:
        return clock.seconds
    return (time.perf_counter() - started) / max(unit.steps, 1)  # shorter than the warm-up: timed as a whole
