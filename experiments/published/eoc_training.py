"""The two tables of test accuracy of Hayou, Doucet, Rousseau 2019, as printed: percent, mean +- deviation over runs."""

from __future__ import annotations

from collections.abc import Iterator
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
# q in the script, which scales its inputs by sqrt(q); 0.4378 and 0.5121 on the edge itself
SCRIPT_Q = {"relu": 1.0, "elu": 0.44, "tanh": 0.5}
# (sigma_b, sigma_w, q) in the script
SCRIPT_POINTS = {name: (SIGMA_B[name], sigma_w, SCRIPT_Q[name]) for name, sigma_w, _, _ in EDGE_POINTS}

# The activations of which the paper says that they learn on the edge of chaos, and those that are ahead of ReLU.
LEARNERS, SMOOTH = ("relu", "elu", "tanh"), ("elu", "tanh")
EDGE, NORMALIZED, ORDERED = "edge-of-chaos", "batch-norm", "ordered"


@dataclass(frozen=True)
class Cell:
    """A printed accuracy, mean +- deviation in percent over ten runs; two means where the two tables disagree.

    Attributes:
        gap: to the nearest cell of its table that the paper's text compares it with: the edge of chaos with batch
            normalization and with the ordered phase, and smooth activations with ReLU on the edge.
    """

    name: str
    data: str
    activation: str
    initialization: str
    epoch: int
    means: tuple[float, ...]
    deviation: float
    gap: float
    where: str

    @property
    def precision(self) -> float:
        """Half a unit of the last digit; of two means their distance, since neither is exact, and none an erratum."""
        return 0.005 if len(self.means) == 1 else abs(self.means[0] - self.means[1])

    @property
    def remark(self) -> str:
        """What is odd about it, or nothing."""
        both = "the paper prints 45.76 in one table and 47.76 in the other; the nearer is taken"
        return both if len(self.means) > 1 else ""

    def nearest(self, mean: float) -> float:
        """Of two printed means the one nearer to a measured mean; the first for NaN."""
        return min(self.means, key=lambda printed: abs(printed - mean))


_INITIALIZATIONS = (EDGE, NORMALIZED, ORDERED)
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
_ELU = {45.76: (45.76, 47.76), 47.76: (47.76, 45.76)}  # the same cell of both tables, on CIFAR-10


def _rivals(activation: str) -> tuple[str, ...]:
    """The activations with which the text compares this one on the edge of chaos."""
    return SMOOTH if activation == "relu" else ("relu",) if activation in SMOOTH else ()


def _by_initialization() -> Iterator[Cell]:
    for data, table in _TABLE_1.items():
        for activation, row in table.items():
            (edge, _), (normalized, _), (ordered, _) = row
            rivals = [normalized, ordered, *(table[rival][0][0] for rival in _rivals(activation))]
            for start, (mean, deviation) in zip(_INITIALIZATIONS, row, strict=True):
                gap = min(abs(mean - rival) for rival in (rivals if start == EDGE else [edge]))
                name, means = f"table-1/{data}/{activation}/{start}", _ELU.get(mean, (mean,))
                yield Cell(name, data, activation, start, 100, means, deviation, gap, BY_INITIALIZATION_TABLE)


def _by_epoch() -> Iterator[Cell]:
    for data, table in _TABLE_2.items():
        for activation, row in table.items():
            for column, (mean, deviation) in enumerate(row):
                gap = min(abs(mean - table[rival][column][0]) for rival in _rivals(activation))
                epoch, means = _EPOCHS[column], _ELU.get(mean, (mean,))
                name = f"table-2/{data}/{activation}/epoch-{epoch}"
                yield Cell(name, data, activation, EDGE, epoch, means, deviation, gap, BY_EPOCH_TABLE)


BY_INITIALIZATION, BY_EPOCH = tuple(_by_initialization()), tuple(_by_epoch())
# The least that an activation which learns gains on the edge over the ordered phase: 26.64 points, ReLU on CIFAR-10.
LEAST_GAIN = min(
    row[0][0] - row[2][0] for table in _TABLE_1.values() for activation, row in table.items() if activation in LEARNERS
)
