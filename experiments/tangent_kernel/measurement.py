"""What is measured for `tangent-kernel`: rows of the kernels of one network, before and after training -> data.csv."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from deepk.kernels import TangentKernel
from deepk.lab import Lab, Unit
from deepk.networks import NormalizedMlp, empirical_tangent_kernel
from experiments.tangent_kernel import FEATURES, KEY, TANGENT, TRAINED, Config
from experiments.tangent_kernel.theory import angles


def units(cfg: Config) -> list[Unit]:
    """A network for each depth, width and seed; a step is one of gradient descent."""
    return [
        Unit(dict(zip(KEY, (layers, width, seed), strict=True)), steps=cfg.steps)
        for layers in cfg.layers
        for width in sorted(cfg.widths, reverse=True)
        for seed in cfg.seeds
    ]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """A row for each kernel and angle from the first point."""
    layers, width, seed = (int(unit.key[name]) for name in KEY)
    at = angles(cfg)
    x = circle(cfg, at).to(lab.device)
    network = NormalizedMlp(
        cfg.features, cfg.activation, depth=layers - 1, width=width, generator=lab.generator(seed, "weights")
    ).to(lab.device)
    with torch.no_grad():
        features = network.hidden(x)
        found = {FEATURES: features @ features[0]}
    found[TANGENT] = _row(network, x)
    descend(network, x, wave(at).to(lab.device), TangentKernel(cfg.activation, layers - 1).at_one, cfg, lab)
    found[TRAINED] = _row(network, x)
    return pd.concat(
        [pd.DataFrame({"quantity": name, "angle": at, "value": row.numpy(force=True)}) for name, row in found.items()]
    )


def circle(cfg: Config, at: np.ndarray) -> Tensor:
    """Unit vectors at these angles from the first axis, in the plane of the first two."""
    x = torch.zeros(len(at), cfg.features, dtype=torch.float64)
    x[:, 0], x[:, 1] = torch.from_numpy(np.cos(at)), torch.from_numpy(np.sin(at))
    return x


def wave(at: np.ndarray) -> Tensor:
    """What the network learns: cos(2 theta)."""
    return torch.from_numpy(np.cos(2 * at))


def _row(network: NormalizedMlp, x: Tensor) -> Tensor:
    """Products of gradients with that of the first point."""
    return empirical_tangent_kernel(network, x, x[:1], batch=1)[:, 0]


def descend(network: NormalizedMlp, x: Tensor, y: Tensor, at_one: float, cfg: Config, lab: Lab) -> None:
    """Gradient descent on half the mean square error, at `rate` times 1 / Theta(1): steps cannot overshoot below 2."""
    parameters = list(network.parameters())
    for _ in range(cfg.steps):
        loss = (network(x) - y).square().mean() / 2
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(gradient, alpha=cfg.rate / at_one)
        lab.progress()
