"""What is measured for `correlation-depth`: 1 - c^l in random networks, layer by layer -> data.csv."""

from __future__ import annotations

import numpy as np
import pandas as pd

from deepk.lab import Lab, Unit
from deepk.meanfield import propagate_pair
from experiments.correlation_depth import Config
from experiments.correlation_depth.cases import cases


def units(cfg: Config) -> list[Unit]:
    """A batch of random networks for each case and seed."""
    return [Unit({**case.key, "seed": seed}) for case in cases(cfg) for seed in cfg.seeds]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """A row for each network and kept layer."""
    case = next(case for case in cases(cfg) if {**case.key, "seed": unit.key["seed"]} == dict(unit.key))
    size = cfg.simulation
    depth = case.depth(size.depth)
    networks = propagate_pair(
        case.activation,
        sigma_w=case.sigma_w,
        sigma_b=case.sigma_b,
        q=case.q,
        c=cfg.c0,
        width=size.width,
        depth=depth + 1,  # the first of its layers is l = 0
        networks=size.networks,
        generator=lab.generator(int(unit.key["seed"]), f"{case.case} {case.activation} {case.sigma_w}"),
        residual=case.residual,
    )
    layers = case.layers(depth)
    lab.progress()
    kept = networks.complement[:, layers]
    network, layer = np.meshgrid(range(size.networks), layers, indexing="ij")
    return pd.DataFrame({"network": network.ravel(), "layer": layer.ravel(), "complement": kept.numpy().ravel()})
