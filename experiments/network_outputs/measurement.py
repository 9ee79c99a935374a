"""What is measured for `network-outputs`: one network for each phase and seed, over a plane of inputs -> data.csv."""

from __future__ import annotations

import math

import pandas as pd
import torch

from deepk import activations
from deepk.lab import Lab, Unit
from deepk.networks import mlp, normal_
from experiments.network_outputs import Config
from experiments.network_outputs.theory import points, ticks


def units(cfg: Config) -> list[Unit]:
    """A network for each phase and seed."""
    return [Unit({"phase": point.phase, "seed": seed}) for point in points(cfg) for seed in cfg.seeds]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """A row for each point of the grid: the first output, and means over all outputs of their squares and changes.

    After the first seed, whose output is drawn, only the points with a_2 = 0 are kept.

    A seed draws the same weights in every phase, up to sigma_w and sigma_b. The change is that to the next a_1.
    """
    point = next(point for point in points(cfg) if point.phase == unit.key["phase"])
    axis = torch.from_numpy(ticks(cfg))
    plane = torch.cartesian_prod(axis, axis)
    network = mlp(2, cfg.outputs, activations.get(cfg.activation), depth=cfg.depth, width=cfg.width).double()
    generator = lab.generator(int(unit.key["seed"]), "weights")
    normal_(network, sigma_w=point.sigma_w, sigma_b=point.sigma_b, generator=generator)
    with torch.no_grad():
        output = network(plane).reshape(len(axis), len(axis), cfg.outputs)
    change = torch.full((len(axis), len(axis)), math.nan, dtype=torch.float64)
    change[:-1] = (output[1:] - output[:-1]).square().mean(dim=2)
    lab.progress()
    columns = {"output": output[..., 0], "square": output.square().mean(dim=2), "change": change}
    at = {"a_1": plane[:, 0], "a_2": plane[:, 1]}
    rows = pd.DataFrame({**at, **{name: values.ravel() for name, values in columns.items()}})
    return rows if unit.key["seed"] == cfg.seeds[0] else rows[rows["a_2"] == 0]
