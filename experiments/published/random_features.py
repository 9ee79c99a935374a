"""The accuracy tables of Liang and Tran-Bach 2020 as printed, and the settings that each of them names."""

from __future__ import annotations

from typing import Any, NamedTuple

from experiments.published.compositional_kernels import PAPER

ACTIVATIONS = ("relu", "gelu", "sigmoid", "swish")
DIGIT = 0.005  # half a unit of the last printed digit


class Cell(NamedTuple):
    """A printed accuracy in [0, 1]."""

    protocol: str
    data: str
    split: str
    activation: str
    depth: int
    accuracy: float


SOURCES = {
    "slides": f"{PAPER}, first version, table of training and test accuracy; slides, MNIST and CIFAR-10",
    "journal": f"{PAPER}, later version, table of training and test accuracy",
}
# What each table's caption or text fixes, beside epochs, learning rate and depths.
SETTINGS: dict[str, dict[str, Any]] = {
    "slides": {"features": 1024, "centered": False, "truncation": 20},
    "journal": {"features": 2048, "centered": True, "truncation": 20, "batch_size": 256},
}
SCHEDULES: dict[tuple[str, str], dict[str, float]] = {
    ("slides", "mnist"): {"epochs": 40, "learning_rate": 0.1},
    ("slides", "cifar10"): {"epochs": 100, "learning_rate": 0.1},
    ("journal", "mnist"): {"epochs": 100, "learning_rate": 0.01},
    ("journal", "cifar10"): {"epochs": 1000, "learning_rate": 0.001},
}
DEPTHS = {
    ("slides", "mnist"): (1, 2, 3),
    ("slides", "cifar10"): (1, 2, 3),
    ("journal", "mnist"): (1, 2, 3),
    ("journal", "cifar10"): (1, 4, 8),
}
# In the order of ACTIVATIONS, three depths each.
_PRINTED = {
    ("slides", "mnist", "train"): (".98 .97 .96", ".98 .98 .96", ".90 .88 .84", ".98 .98 .97"),
    ("slides", "mnist", "test"): (".95 .96 .95", ".95 .95 .95", ".89 .89 .74", ".96 .95 .96"),
    ("slides", "cifar10", "train"): (".34 .32 .31", ".35 .33 .32", ".28 .25 .22", ".35 .33 .33"),
    ("slides", "cifar10", "test"): (".26 .24 .28", ".31 .28 .28", ".24 .23 .20", ".30 .28 .32"),
    ("journal", "mnist", "train"): ("1.00 .99 .99", "1.00 1.00 .99", ".97 .97 .98", ".99 1.00 .99"),
    ("journal", "mnist", "test"): (".97 .97 .97", ".97 .97 .96", ".95 .96 .96", ".97 .97 .97"),
    ("journal", "cifar10", "train"): (".55 .51 .44", ".55 .51 .46", ".50 .52 .52", ".55 .51 .47"),
    ("journal", "cifar10", "test"): (".47 .39 .30", ".47 .44 .32", ".43 .44 .44", ".44 .39 .33"),
}
CELLS = tuple(
    Cell(protocol, data, split, activation, depth, float(accuracy))
    for (protocol, data, split), rows in _PRINTED.items()
    for activation, row in zip(ACTIVATIONS, rows, strict=True)
    for depth, accuracy in zip(DEPTHS[protocol, data], row.split(), strict=True)
)
