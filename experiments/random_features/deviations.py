"""Where `random-features` is known to differ from the paper, by how much, and why: in the later version's tables."""

from __future__ import annotations

from deepk.lab import Deviation

_SLOW = (
    "guess: at the stated learning rate our SGD is not yet where the printed numbers are, and why is open; at 0.1, ten "
    "times it, 40 epochs of MNIST at L = 1, one seed, give 99.0, 99.1, 95.4, 98.9 % for ReLU, GELU, sigmoid, Swish, "
    "near the printed ones"
)
_SWISH = (
    "guess: Swish loses little with depth, 0.4 % of its kernel is beyond degree 20 at L = 8; the paper's Monte Carlo "
    "coefficients of Swish miss more (in its figure 4 the kernel of 7 layers ends near 0.7, where it should be 1), and "
    "what is missing is noise in its features"
)
# Accuracy (%) in the reference runs, and the 99 % interval of one more training with half a unit of the printed digit.
_MEASURED: dict[str, dict[str, tuple[float, float]]] = {
    "mnist/train": {
        "relu/L=1": (97.86, 0.63),
        "relu/L=2": (97.89, 0.57),
        "relu/L=3": (97.70, 0.56),
        "gelu/L=1": (97.97, 0.61),
        "gelu/L=2": (97.95, 0.60),
        "gelu/L=3": (97.67, 0.63),
        "sigmoid/L=1": (94.69, 0.61),
        "sigmoid/L=2": (95.36, 0.66),
        "sigmoid/L=3": (95.70, 0.65),
        "swish/L=1": (97.71, 0.72),
        "swish/L=2": (97.93, 0.59),
        "swish/L=3": (97.82, 0.66),
        "mean": (97.19, 0.59),
    },
    "mnist/test": {
        "sigmoid/L=1": (93.99, 1.00),
        "sigmoid/L=2": (94.54, 1.06),
        "sigmoid/L=3": (94.88, 0.68),
    },
    "cifar10/train": {
        "relu/L=1": (49.73, 1.56),
        "relu/L=4": (48.43, 2.14),
        "gelu/L=1": (49.92, 1.49),
        "gelu/L=4": (46.87, 1.67),
        "sigmoid/L=1": (45.82, 0.66),
        "sigmoid/L=4": (47.25, 0.80),
        "sigmoid/L=8": (47.69, 0.82),
        "swish/L=1": (49.53, 1.45),
        "swish/L=4": (47.82, 0.90),
        "mean": (47.25, 1.32),
    },
    "cifar10/test": {
        "swish/L=4": (44.65, 3.28),
        "swish/L=8": (42.57, 5.48),
    },
}
KNOWN_DEVIATIONS = {
    f"table/journal/{table}/{label}": Deviation(*at, reason=_SWISH if table == "cifar10/test" else _SLOW)
    for table, cells in _MEASURED.items()
    for label, at in cells.items()
}
