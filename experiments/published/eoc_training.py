"""The two tables of test accuracy of Hayou, Doucet, Rousseau 2019, as printed: percent, mean +- deviation over runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ARXIV = "arXiv:1902.06853"
PAPER = f"Hayou, Doucet, Rousseau 2019 ({ARXIV})"
RUNS = 10  # the authors' script averages ten

# What the tables' captions and the authors' script fix; the activations' sigma_b are the script's, too, but for shifted
# softplus, of which none is given.
SETTING: dict[str, Any] = {"depth": 200, "width": 300, "learning_rate": 1e-4, "batch_size": 64}
SIGMA_B = {"relu": 0.0, "elu": 0.1, "tanh": 0.2}
# (activation, sigma_w in the script, half a unit of its last digit, sigma_w to 20 digits by mpmath) at these sigma_b
EDGE_POINTS = (
    ("relu", 1.4142135623730951, 1e-15, 1.4142135623730950488),  # the script has sqrt(2)
    ("elu", 1.1775, 5e-5, 1.1761484737073743035),
    ("tanh", 1.3029, 5e-5, 1.3041458400565114307),
)


@dataclass(frozen=True)
class Printed:
    """A printed mean +- deviation in percent; two means where the paper's tables contradict each other."""

    means: tuple[float, ...]
    deviation: float
    where: str
    remark: str = ""


_INITIALIZATIONS = ("edge-of-chaos", "batch-norm", "ordered")
_TABLE_1 = {
    "mnist": {
        "relu": ((93.57, 0.18), (93.11, 0.21), (10.09, 0.61)),
        "elu": ((97.62, 0.21), (93.41, 0.3), (10.14, 0.51)),
        "tanh": ((97.20, 0.3), (10.74, 0.1), (10.02, 0.13)),
        "shifted-softplus": ((10.32, 0.41), (9.92, 0.12), (10.09, 0.53)),
    },
    "cifar10": {
        "relu": ((36.55, 1.15), (35.91, 1.52), (9.91, 0.93)),
        "elu": ((45.76, 0.91), (44.12, 0.93), (10.11, 0.65)),
        "tanh": ((44.11, 1.02), (10.15, 0.85), (9.82, 0.88)),
        "shifted-softplus": ((10.13, 0.11), (9.81, 0.63), (10.05, 0.71)),
    },
}
_EPOCHS = (10, 50, 100)
_TABLE_2 = {
    "mnist": {
        "relu": ((66.76, 1.95), (88.62, 0.61), (93.57, 0.18)),
        "elu": ((96.09, 1.55), (97.21, 0.31), (97.62, 0.21)),
        "tanh": ((89.75, 1.01), (96.51, 0.51), (97.20, 0.3)),
    },
    "cifar10": {
        "relu": ((26.46, 1.68), (33.74, 1.21), (36.55, 1.15)),
        "elu": ((35.95, 1.83), (45.55, 0.91), (47.76, 0.91)),
        "tanh": ((34.12, 1.23), (43.47, 1.12), (44.11, 1.02)),
    },
}
BY_INITIALIZATION_TABLE = "table of test accuracy by initialization, 100 epochs"
BY_EPOCH_TABLE = "table of test accuracy by epoch"
_MISPRINT = "the paper prints 45.76 in one table and 47.76 in the other; the nearer is taken"


def _printed(mean: float, deviation: float, where: str, cell: tuple[str, str, str | int]) -> Printed:
    """A cell, with both means where the two tables disagree on it."""
    if cell in (("cifar10", "elu", "edge-of-chaos"), ("cifar10", "elu", 100)):
        other = {45.76: 47.76, 47.76: 45.76}[mean]
        return Printed((mean, other), deviation, where, _MISPRINT)
    return Printed((mean,), deviation, where)


# (data, activation, initialization, printed), all on 100 epochs
BY_INITIALIZATION = tuple(
    (
        data,
        activation,
        initialization,
        _printed(mean, deviation, BY_INITIALIZATION_TABLE, (data, activation, initialization)),
    )
    for data, table in _TABLE_1.items()
    for activation, row in table.items()
    for initialization, (mean, deviation) in zip(_INITIALIZATIONS, row, strict=True)
)
# (data, activation, epoch, printed), all on the edge of chaos
BY_EPOCH = tuple(
    (data, activation, epoch, _printed(mean, deviation, BY_EPOCH_TABLE, (data, activation, epoch)))
    for data, table in _TABLE_2.items()
    for activation, row in table.items()
    for epoch, (mean, deviation) in zip(_EPOCHS, row, strict=True)
)
