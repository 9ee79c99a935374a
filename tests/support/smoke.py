"""Smoke runs of our experiments, in the process of the test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cli import configuration
from cli.catalogue import find
from deepk.lab import runner
from deepk.lab.configuration import plain
from deepk.lab.contract import Experiment
from deepk.lab.folder import RunFolder
from deepk.lab.record import Record


def compose(name: str, scale: str, *overrides: str) -> Any:
    """An experiment's configuration at a scale."""
    entry = find(name)
    with configuration.session(entry) as hydra:
        return configuration.compose(hydra, entry, scale, list(overrides))


@dataclass(frozen=True)
class SmokeRun:
    """A finished run at smoke scale."""

    name: str
    config: Any
    folder: RunFolder
    tables: runner.Tables

    @property
    def experiment(self) -> Experiment:
        return find(self.name).experiment

    @property
    def group(self) -> runner.Group:
        return runner.Group({}, self.config)


def smoke_run(name: str, path: Path, *, jobs: int, measured_only: bool = False) -> SmokeRun:
    """Runs an experiment as `deepk run NAME --scale smoke` does; `measured_only`, without verdicts and figures."""
    config, folder, experiment = compose(name, "smoke"), RunFolder(path), find(name).experiment
    record = Record(name, "smoke", "0", jobs=jobs)
    path.mkdir(parents=True, exist_ok=True)
    runner.begin(experiment, folder, record, plain(config))
    try:
        if measured_only:
            runner.measure_tables(experiment, config, folder, jobs=jobs, progress=False)
        else:
            runner.run(experiment, config, folder, record, progress=False)
    finally:
        torch.set_flush_denormal(False)  # other tests in this process count on denormal numbers
    return SmokeRun(name, config, folder, runner.Tables.read(folder))
