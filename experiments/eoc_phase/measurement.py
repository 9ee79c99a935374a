"""What is measured for `eoc-phase`: variance, correlation and growth in random networks along a line -> data.csv."""

from __future__ import annotations

import math

import pandas as pd

from deepk.lab import Lab, Unit
from deepk.meanfield import MeanField, propagate_pair
from experiments.eoc_phase import LARGE, SMALL, START, START_SMALL, Config


def units(cfg: Config) -> list[Unit]:
    """A batch of random networks for each activation, sigma_w and seed."""
    return [
        Unit({"activation": activation, "sigma_w": sigma_w, "seed": seed})
        for activation in cfg.activations
        for sigma_w in cfg.line_sigma_w
        for seed in cfg.seeds
    ]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """A row for each network: variance and correlation in its second half, and the growth of a small difference."""
    name, sigma_w = str(unit.key["activation"]), float(unit.key["sigma_w"])
    generator = lab.generator(int(unit.key["seed"]), f"{name} {sigma_w}")
    try:
        q = MeanField(name, sigma_w=sigma_w, sigma_b=cfg.line_sigma_b).limiting_variance()
    except ValueError:
        q = 1.0
    size = cfg.simulation
    apart, near = (
        propagate_pair(
            name,
            sigma_w=sigma_w,
            sigma_b=cfg.line_sigma_b,
            q=q,
            c=c,
            width=size.width,
            depth=size.depth,
            networks=size.networks,
            generator=generator,
        )
        for c in (START, 1 - START_SMALL)
    )
    half = size.depth // 2
    difference = near.variance * near.complement  # half the mean square of the difference
    linear = (near.complement[:, 1:] > SMALL) & (near.complement[:, :-1] < LARGE)
    growth = (difference[:, 1:] / difference[:, :-1]).where(linear, math.nan)
    lab.progress()
    return pd.DataFrame(
        {
            "network": range(size.networks),
            "variance": apart.variance[:, half:].mean(dim=1),
            "correlation": 1 - apart.complement[:, half:].mean(dim=1),
            "growth": growth.nanmean(dim=1),
        }
    )
