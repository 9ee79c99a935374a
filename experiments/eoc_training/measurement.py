"""What is measured for `eoc-training`: one training for each activation, initialization and seed -> data.csv."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from torch import nn

from deepk import activations
from deepk.lab import Lab, Unit
from deepk.networks import Epoch, accuracy, mlp, normal_, train
from deepk.networks.training import steps_per_epoch
from experiments.eoc_training import Config
from experiments.eoc_training.theory import images, initial_point


def units(cfg: Config) -> list[Unit]:
    """A training for each activation, initialization and seed; a step is a batch."""
    steps = cfg.epochs * steps_per_epoch(len(images(cfg).train_x), cfg.batch_size)
    return [
        Unit({"activation": activation, "initialization": initialization, "seed": seed}, steps)
        for activation in cfg.activations
        for initialization in cfg.initializations
        for seed in cfg.seeds
    ]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """One training: a row for each epoch, the last one marked where the loss diverged.

    The same seed draws the same weights (up to sigma) and the same batches for every activation and initialization.
    """
    seed = int(unit.key["seed"])
    sigma_b, sigma_w, q = initial_point(cfg, str(unit.key["activation"]), str(unit.key["initialization"]))
    data = images(cfg)
    train_x, test_x = (x.to(lab.device) * math.sqrt(q) for x in (data.train_x, data.test_x))
    train_y, test_y = data.train_y.to(lab.device), data.test_y.to(lab.device)
    network = _network(cfg, unit, train_x.shape[1], len(data.classes))
    normal_(network, sigma_w=sigma_w, sigma_b=sigma_b, generator=lab.generator(seed, "weights"))
    network.to(lab.device)
    batches = lab.generator(seed, "batches")

    notes: dict[str, Any] = {"rows": [], "after": []}
    training = lab.resumable(network.state_dict(), [batches], notes)
    after = Epoch(*notes["after"]) if notes["after"] else None
    if after:
        lab.progress(after.step, epoch=after.number)
    for epoch in train(
        network,
        train_x,
        train_y,
        learning_rate=cfg.learning_rate,
        batch_size=cfg.batch_size,
        epochs=cfg.epochs,
        generator=batches,
        after=after,
        on_step=lab.progress,
    ):
        share = accuracy(network, test_x, test_y)
        notes["rows"].append(_row(epoch, share))
        notes["after"] = [epoch.number, epoch.step, epoch.train_loss, epoch.seconds]
        lab.progress(0, epoch=epoch.number, accuracy=share)
        training.save()
    return pd.DataFrame(notes["rows"])


def _network(cfg: Config, unit: Unit, inputs: int, classes: int) -> nn.Module:
    """The network of a unit, its weights not yet drawn."""
    return mlp(
        inputs,
        classes,
        activations.get(str(unit.key["activation"])),
        depth=cfg.depth,
        width=cfg.width,
        batch_norm=unit.key["initialization"] == "batch-norm",
    )


def _row(epoch: Epoch, share: float) -> dict[str, Any]:
    return {
        "epoch": epoch.number,
        "step": epoch.step,
        "train_loss": epoch.train_loss,
        "test_accuracy": share,
        "status": "diverged" if epoch.diverged else "ok",
        "seconds": epoch.seconds,
    }
