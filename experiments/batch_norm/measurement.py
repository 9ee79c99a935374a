"""What is measured for `batch-norm`: a short training of each reading -> data.csv."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from deepk.lab import Lab, Unit
from deepk.meanfield import edge_of_chaos
from deepk.networks import BatchNorm, Classification, Ensemble, Kind, Sgd, accuracy, train
from deepk.networks.training import steps_per_epoch
from experiments.batch_norm import KEY, SOFTPLUS, VARIANTS, Config, at_sigma_b, edge_sigma_b
from experiments.images import images

WATCHED = (1, 2)  # steps whose gradients are kept
LAYERS = 50  # at most so many of them
DTYPES = {"float32": torch.float32, "float64": torch.float64}


def units(cfg: Config) -> list[Unit]:
    """A training for each reading, activation, depth and seed, the deepest first; a step is a batch."""
    steps = cfg.epochs * steps_per_epoch(len(images(cfg).train_x), cfg.batch_size)
    pairs = [(variant, activation) for variant in cfg.variants for activation in cfg.activations]
    pairs += [(at_sigma_b(sigma_b), SOFTPLUS) for sigma_b in cfg.softplus_sigma_b]
    return [
        Unit(dict(zip(KEY, (variant, activation, depth, seed), strict=True)), steps)
        for depth in sorted(cfg.depths, reverse=True)
        for variant, activation in pairs
        for seed in cfg.seeds
    ]


class WatchedSgd(Sgd):
    """Gradient descent that keeps the norms of the first gradients, of weight matrices at equal distances."""

    def __init__(self, networks: Ensemble, *, learning_rate: float) -> None:
        super().__init__(networks, learning_rate=learning_rate)
        depth = len(networks.layers)
        self.rows: list[dict[str, Any]] = []
        self._step, self._kept = 1, set(range(depth - 1, -1, -math.ceil(depth / LAYERS)))

    def layer(self, index: int, given: Tensor, delta: Tensor) -> None:
        """As `Sgd` does, the norm of the gradient kept."""
        if self._step in WATCHED and index in self._kept:
            norm = float(torch.bmm(given.double().mT, delta.double()).norm())
            self.rows.append({"quantity": "gradient", "step": self._step, "layer": index + 1, "value": norm})
        super().layer(index, given, delta)

    def finish(self) -> None:
        """Counts the step."""
        self._step += 1


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Gradients of the first steps, then the loss and both accuracies after the last epoch; NaN where it diverged.

    The same seed draws the same weights (up to sigma) and the same batches for all.
    """
    name, activation, depth, seed = (unit.key[key] for key in KEY)
    variant = VARIANTS.get(str(name), VARIANTS["plain"])
    of_softplus = {at_sigma_b(sigma_b): sigma_b for sigma_b in cfg.softplus_sigma_b}
    sigma_b = of_softplus.get(str(name), edge_sigma_b(cfg, str(activation)))
    point = edge_of_chaos(str(activation), sigma_b=sigma_b)
    data, dtype = images(cfg), DTYPES[variant.precision]
    scale = torch.full((1, 1, 1), math.sqrt(point.q), dtype=dtype, device=lab.device)
    task, test = (
        Classification(x.to(lab.device, dtype), labels.to(lab.device), scale)
        for x, labels in ((data.train_x, data.train_y), (data.test_x, data.test_y))
    )
    sizes = [task.x.shape[1], *[cfg.width] * (int(depth) - 1), len(data.classes)]
    optimizer, networks = None, {}
    for averages in (True, False):
        how = None if variant.batch_norm is None else BatchNorm(averages=averages, **variant.batch_norm)
        networks[averages] = Ensemble([Kind(str(activation), how)], sizes, dtype=dtype, device=lab.device)
    trained = networks[True]
    trained.draw_normal_([lab.generator(int(seed), "weights")], [point.sigma_w], [point.sigma_b])
    optimizer = WatchedSgd(trained, learning_rate=cfg.learning_rate * variant.rate)
    (*_, last) = train(
        trained,
        task,
        optimizer,
        batch_size=cfg.batch_size,
        epochs=cfg.epochs,
        generators=[lab.generator(int(seed), "batches")],
        on_step=lab.progress,
    )
    for tensor, same in zip(networks[False].tensors().values(), trained.tensors().values(), strict=True):
        tensor.copy_(same)
    ends = {
        "loss": float(last.loss),
        "accuracy": float(accuracy(trained, test)),
        "accuracy by the batch": float(accuracy(networks[False], test)),
    }
    lost = any(last.diverged)
    return pd.DataFrame(
        [
            *optimizer.rows,
            *(
                {"quantity": quantity, "step": last.step, "layer": 0, "value": math.nan if lost else value}
                for quantity, value in ends.items()
            ),
        ]
    )
