"""Deep kernels compressed into one layer of random features classify MNIST and CIFAR-10, best at depth one.

(Liang, Tran-Bach 2020, arXiv:2004.04767: figures and tables of accuracy, slides and journal version; figures 8 and 9.)

Claim      K^(L)(rho) = sum alpha_k rho^k = E f(<x, theta>) f(<y, theta>) with f = sum_{k <= 20} sqrt(alpha_k) h_k, for
           unit vectors x, y and Gaussian theta: one layer of m random features in place of L layers (algorithm 2).
           Un-centered sigmoid loses accuracy with L under SGD, not under ridge regression on the same features:
           alpha_0 = .85, .98, .997 leaves little but a constant. Centered, ReLU, GELU and Swish lose with L, and
           sigmoid, whose mu is next to 1, does not. The features lose, whose high degrees vary hugely; on a subset of
           CIFAR-10 the kernels themselves gain with L.
Measured   Training and test accuracy of logistic regression by plain SGD, against epochs, for each activation and
           depth; beside it ridge regression on the same features, ridge regression with the exact kernel on a subset,
           random features of the RBF kernel, and raw pixels. The sensitivity to batch size and to the Monte Carlo
           estimate of coefficients. The error of the kernel estimate against m; mass of the kernel beyond degree 20,
           and condition numbers, against L.
Deviates   The slides do not state the batch size: 32 is taken, which fits the printed training accuracies best, and
           others are swept. Features are not divided by sqrt(m), weights start at zero, without bias, and training
           accuracy is that of an epoch's batches before their update: with these the printed numbers come out.
           Coefficients are exact where the paper's are Monte Carlo estimates; those are swept. CIFAR-10 may be the
           re-encoding as JPEG, and is named so. At smaller scales the images are 8x8 digits: printed accuracies are
           then not comparable, what is concluded from them is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from deepk.lab import Configuration, Data, bounds
from experiments.random_features.deviations import KNOWN_DEVIATIONS

__all__ = ["COLUMNS", "FIGURES", "KEY", "KNOWN_DEVIATIONS", "Config"]

KEY = ("part", "batch_size", "samples", "group")
COLUMNS = (*KEY, "features", "activation", "depth", "seed", "index", "rho", "quantity", "value")
FIGURES = ("accuracy", "table", "classifiers", "sensitivity", "coefficients", "kernel-error")

PROTOCOLS = ("slides", "journal")
BASELINES = ("rbf", "linear")
EXACT = 0  # `samples` where coefficients are not estimated


@dataclass
class Protocol:
    """What a version of the paper says of its experiment, some of it for each data set."""

    features: int = bounds.at_least(1)
    centered: bool = MISSING
    ridge_noise: bool = MISSING
    batch_size: int = bounds.at_least(1)
    batch_sizes: list[int] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    learning_rate: dict[str, float] = bounds.each_at_least(0)
    epochs: dict[str, int] = bounds.each_at_least(1)
    depths: dict[str, list[int]] = field(default_factory=dict)


@dataclass
class KernelErrors:
    """Where the error of a kernel estimate is measured: `total` features a run, as total / m estimates from m each."""

    rhos: list[float] = bounds.bounded(
        "a list of different numbers in (-1, 1)", lambda xs: bounds.distinct(xs) and all(-1 < x < 1 for x in xs)
    )
    features: list[int] = bounds.bounded(
        "a list of two or more different integers >= 1",
        lambda xs: len(xs) > 1 and bounds.distinct(xs) and all(x >= 1 for x in xs),
    )
    total: int = bounds.at_least(1)
    runs: int = bounds.at_least(2)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        most = max(self.features)
        return ("total", f"a number >= {most}, the most features") if self.total < most else ("", "")


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/random-features.yaml."""

    data: Data = field(default_factory=Data)
    protocol: str = bounds.one_of(*PROTOCOLS)
    activations: list[str] = bounds.activation_list()
    depths: list[int] = bounds.integers(1)
    seeds: list[int] = bounds.seeds()
    truncation: int = bounds.at_least(1)
    features: int = bounds.at_least(1)
    centered: bool = MISSING
    ridge_noise: bool = MISSING
    learning_rate: float = bounds.positive()
    batch_size: int = bounds.at_least(1)
    epochs: int = bounds.at_least(1)
    evaluations: int = bounds.at_least(1)
    seeds_at_once: int = bounds.at_least(1)
    batch_sizes: list[int] = bounds.any_integers(1)
    samples: list[int] = bounds.any_integers(100)
    baselines: list[str] = bounds.subset_of(*BASELINES)
    subset: int = bounds.at_least(10)
    gram_size: int = bounds.at_least(2)
    gram_depths: int = bounds.at_least(1)
    coefficient_paths: int = bounds.at_least(10)
    errors: KernelErrors = field(default_factory=KernelErrors)
    protocols: dict[str, Protocol] = field(default_factory=dict)
