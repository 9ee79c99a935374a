"""What is measured for `random-features`: trainings, classifiers in closed form, and the kernels -> data.csv."""

from __future__ import annotations

import numpy as np
import pandas as pd

from deepk.lab import Lab, Unit
from deepk.networks.training import steps_per_epoch
from experiments.random_features import BASELINES, COLUMNS, EXACT, KEY, Config
from experiments.random_features.closed_form import exact_kernel, ridge_accuracies
from experiments.random_features.inputs import images, maps
from experiments.random_features.kernels import conditions, errors, tails
from experiments.random_features.training import train, train_baseline

PARTS = {
    "ridge": ridge_accuracies,
    "exact kernel": exact_kernel,
    "condition": conditions,
    "error": errors,
    "tail": tails,
}


def units(cfg: Config) -> list[Unit]:
    """Trainings for each group of seeds, and sweeps with the first seed; then what takes no training."""
    n, groups, count = len(images(cfg).x), _groups(cfg), len(maps(cfg))
    swept = [(size, EXACT) for size in cfg.batch_sizes if size != cfg.batch_size]
    swept += [(cfg.batch_size, samples) for samples in cfg.samples]

    def steps(batch_size: int) -> int:
        return cfg.epochs * steps_per_epoch(n, batch_size)

    # The longest first, so that no process is left alone with one at the end.
    found = [_unit("sgd", cfg.batch_size, EXACT, group, steps=steps(cfg.batch_size)) for group in range(len(groups))]
    found += [_unit("sweep", size, samples, steps=steps(size)) for size, samples in swept]
    for group, seeds in enumerate(groups):
        found += [_unit(name, cfg.batch_size, EXACT, group, steps=steps(cfg.batch_size)) for name in cfg.baselines]
        found.append(_unit("ridge", group=group, steps=(count + len(BASELINES)) * len(seeds)))
    found.append(_unit("exact kernel", steps=count))
    found.append(_unit("condition", steps=len(cfg.activations)))
    found.append(_unit("error", steps=count * cfg.errors.runs))
    return [*found, _unit("tail", steps=len(cfg.activations))]


def _unit(part: str, batch_size: int = 0, samples: int = EXACT, group: int = 0, *, steps: int) -> Unit:
    return Unit(dict(zip(KEY, (part, batch_size, samples, group), strict=True)), steps)


def _groups(cfg: Config) -> list[list[int]]:
    """Seeds that are trained as one batched product."""
    return [cfg.seeds[i : i + cfg.seeds_at_once] for i in range(0, len(cfg.seeds), cfg.seeds_at_once)]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Rows of one part."""
    part, seeds = str(unit.key["part"]), _groups(cfg)[int(unit.key["group"])]
    if part in ("sgd", "sweep"):
        chosen = seeds if part == "sgd" else seeds[:1]
        rows = train(cfg, chosen, int(unit.key["batch_size"]), int(unit.key["samples"]), lab)
    elif part in BASELINES:
        rows = train_baseline(cfg, part, seeds, lab)
    else:
        rows = PARTS[part](cfg, seeds, lab)
    empty = {"features": "compositional", "activation": "all", "depth": 0, "seed": 0, "index": 0, "rho": np.nan}
    return pd.DataFrame([{**empty, **row} for row in rows])[list(COLUMNS[len(KEY) :])]
