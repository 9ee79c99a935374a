"""What is measured for `eoc-training`: trainings of several networks at once, a row for each epoch -> data.csv."""

from __future__ import annotations

import logging
import math
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from deepk.lab import Lab, Unit
from deepk.networks import BatchNorm, Classification, Ensemble, Epoch, Kind, Sgd, accuracy
from deepk.networks.training import steps_per_epoch
from experiments.ensembles import train_resumably
from experiments.eoc_training import Config
from experiments.eoc_training.theory import initial_point
from experiments.images import images
from experiments.published.eoc_training import NORMALIZED

LOG = logging.getLogger("deepk")
DTYPES = {"float32": torch.float32, "tf32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Training:
    """One network of an ensemble."""

    activation: str
    initialization: str
    seed: int

    def __str__(self) -> str:
        return f"{self.activation} {self.initialization} {self.seed}"


def ensembles(cfg: Config) -> dict[str, list[Training]]:
    """The trainings of a configuration, in ensembles of `cfg.replicas` at most, by name.

    By default an ensemble is one network on a CPU, where a core is busy with it, and all of them on a GPU.
    """
    every = [
        Training(activation, initialization, seed)
        for activation in cfg.activations
        for initialization in cfg.initializations
        for seed in cfg.seeds
    ]
    size = cfg.replicas or (1 if cfg.device == "cpu" else len(every))
    chunks = [every[start : start + size] for start in range(0, len(every), size)]
    return {f"{chunk[0]} to {chunk[-1]}" if len(chunk) > 1 else f"{chunk[0]}": chunk for chunk in chunks}


def units(cfg: Config) -> list[Unit]:
    """Each ensemble; a step is a batch."""
    steps = cfg.epochs * steps_per_epoch(len(images(cfg).train_x), cfg.batch_size)
    return [Unit({"ensemble": name}, steps, tuple(map(str, chunk))) for name, chunk in ensembles(cfg).items()]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """One ensemble: a row for each network and epoch, its last one marked where its loss diverged.

    The same seed draws the same weights (up to sigma) and the same batches for every activation and initialization. An
    ensemble that does not fit into the device's memory is trained in halves, one after the other.
    """
    torch.backends.cuda.matmul.allow_tf32 = cfg.precision == "tf32"
    trainings = ensembles(cfg)[str(unit.key["ensemble"])]
    saved = lab.restore()
    notes: dict[str, Any] = saved["notes"] if saved else {"rows": [], "done": 0, "size": len(trainings)}
    while notes["done"] < len(trainings):
        part = trainings[notes["done"] :][: notes["size"]]
        try:
            _train(cfg, part, lab, notes)
            notes["done"] += len(part)
        except torch.cuda.OutOfMemoryError:
            if len(part) == 1:
                raise
            others = [row for row in notes["rows"] if _training(row) not in part]
            notes |= {"rows": others, "size": math.ceil(len(part) / 2)}
            LOG.warning("%d networks are too many for the memory of %s: now %d", len(part), lab.device, notes["size"])
            torch.cuda.empty_cache()
        notes.pop("after", None)
    return pd.DataFrame(notes["rows"])


def _train(cfg: Config, trainings: list[Training], lab: Lab, notes: dict[str, Any]) -> None:
    """Trains these networks together, and appends their rows."""
    points = [initial_point(cfg, each.activation, each.initialization) for each in trainings]
    sigma_b, sigma_w, q = zip(*points, strict=True)
    task, test = _tasks(cfg, list(q), lab)
    batch_norm = BatchNorm(**asdict(cfg.batch_norm))
    kinds = [Kind(each.activation, batch_norm if each.initialization == NORMALIZED else None) for each in trainings]
    sizes = [task.x.shape[1], *[cfg.width] * (cfg.depth - 1), len(images(cfg).classes)]
    networks = Ensemble(kinds, sizes, dtype=DTYPES[cfg.precision], device=lab.device)
    networks.draw_normal_([lab.generator(each.seed, "weights") for each in trainings], sigma_w, sigma_b)
    for epoch in train_resumably(
        lab,
        networks,
        task,
        Sgd(networks, learning_rate=cfg.learning_rate),
        batch_size=cfg.batch_size,
        epochs=cfg.epochs,
        generators=[lab.generator(each.seed, "batches") for each in trainings],
        notes=notes,
        of=" ".join(str(each) for each in trainings),
    ):
        shares = accuracy(networks, test).tolist()
        lost = {_training(row) for row in notes["rows"] if row["status"] == "diverged"}
        notes["rows"] += [row for row in _rows(trainings, epoch, shares) if _training(row) not in lost]
        lab.rows(pd.DataFrame(notes["rows"]))
        lab.progress(0, epoch=epoch.number, accuracy=sum(shares) / len(shares))


def _tasks(cfg: Config, q: list[float], lab: Lab) -> tuple[Classification, Classification]:
    """Training and test images, which network r sees scaled by sqrt(q[r])."""
    data, dtype = images(cfg), DTYPES[cfg.precision]
    scale = torch.tensor(q, dtype=torch.float64).sqrt()[:, None, None].to(lab.device, dtype)

    def task(x: Tensor, labels: Tensor) -> Classification:
        return Classification(x.to(lab.device, dtype), labels.to(lab.device), scale)

    return task(data.train_x, data.train_y), task(data.test_x, data.test_y)


def _rows(trainings: list[Training], epoch: Epoch, shares: list[float]) -> list[dict[str, Any]]:
    return [
        {
            **asdict(each),
            "epoch": epoch.number,
            "step": epoch.step,
            "train_loss": loss,
            "test_accuracy": share,
            "status": "diverged" if diverged else "ok",
            "seconds": epoch.seconds,
            "replicas": len(trainings),
        }
        for each, loss, share, diverged in zip(trainings, epoch.loss.tolist(), shares, epoch.diverged, strict=True)
    ]


def _training(row: dict[str, Any]) -> Training:
    """Whose row it is."""
    return Training(row["activation"], row["initialization"], row["seed"])
