"""What `batch-norm` claims: how gradients grow, and which reading gives the pattern of the printed accuracies."""

from __future__ import annotations

import numpy as np
import pandas as pd

from deepk.lab import (
    Claim,
    Judging,
    Sample,
    Tolerance,
    absolute,
    exact,
    needs,
    only,
    present,
    share,
    t_interval,
    where,
)
from deepk.statistics import binomial_half_width
from experiments.batch_norm import SOFTPLUS, VARIANTS, Config, at_sigma_b
from experiments.published import eoc_training as paper
from experiments.published.eoc_training import EDGE, LEARNERS, NORMALIZED, PAPER

THEORY = "Yang and others 2019 (arXiv:1902.08129); ours: sqrt(E phi'(Z)^2 / Var phi(Z)) a layer"
# One epoch of MNIST at the paper's values, in learning rate x steps: ELU and Tanh on the edge have learnt by then.
TIME = 0.0938
SIZE = {"depth": 200, "width": 300, "data.name": "mnist"}  # the table's
SOFTPLUS_CELL = f"table-1/mnist/{SOFTPLUS}/{EDGE}"
MANY = 50  # units, and images of a batch: the theory's corrections are of the order of one over either
# In points above chance: a tenth of the least gain that the paper prints is staying there.
STAYED = paper.LEAST_GAIN / 10


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """The growth of each activation's gradient, then the pattern of each reading."""
    claim = Judging()
    for activation in cfg.activations:
        _growth(claim, theory, data, cfg, activation)
    for variant in cfg.variants:
        if VARIANTS[variant].batch_norm is not None:
            _pattern(claim, theory, data, cfg, variant)
    for sigma_b in cfg.softplus_sigma_b:
        _softplus(claim, theory, data, cfg, sigma_b)
    return claim.claims


def _growth(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, activation: str) -> None:
    """The logarithm of the factor from layer to layer, at the first step."""
    expected = only(theory, "log_growth", activation=activation)
    depth = max(cfg.depths)
    with claim.ours(
        f"gradient-growth/{activation}",
        f"logarithm of the factor by which batch-normalized {activation} multiplies a gradient's norm in one layer",
        THEORY,
        expected=expected,
        resolution=share(0.5, "half of it: no growth is as far away on one side as twice the growth on the other"),
    ) as finding:
        needs("keras" in cfg.variants, "no network with Keras' defaults")
        small = f"width={cfg.width}, batch_size={cfg.batch_size}: theory is of many units and images, at least {MANY}"
        needs(min(cfg.width, cfg.batch_size) >= MANY, small)
        factors = [
            log_factors(where(data, variant="keras", activation=activation, depth=depth, seed=seed, step=1))
            for seed in cfg.seeds
        ]
        every = np.concatenate(factors)
        needs(len(every) >= 3, f"depth={depth}: too few layers")
        finite = Tolerance(1 / cfg.batch_size, f"a batch of {cfg.batch_size} images and not infinitely many")
        finding.gives(float(every.mean()), t_interval(Sample.of(every.tolist()), over="layers") + finite)


def log_factors(gradients: pd.DataFrame) -> np.ndarray:
    """log(norm_l / norm_(l+k)) / k between the layers of a table of gradients, without the first and the last fifth."""
    rows = where(gradients, quantity="gradient").sort_values("layer")
    layers, logs = rows["layer"].to_numpy(), np.log(rows["value"].to_numpy(dtype=float))
    factors = -np.diff(logs) / np.diff(layers)
    fifth = max(1, len(factors) // 5)
    found: np.ndarray = factors[fifth : len(factors) - fifth]
    return found


def _pattern(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, variant: str) -> None:
    """Of the three activations with a printed accuracy, those that leave chance, or do not, as printed."""
    printed = {
        cell.activation: cell.means[0]
        for cell in paper.BY_INITIALIZATION
        if (cell.data, cell.initialization) == ("mnist", NORMALIZED) and cell.activation in LEARNERS
    }
    with claim.ours(
        f"printed-pattern/{variant}",
        f"{VARIANTS[variant].words}: how many of ReLU, ELU and Tanh leave chance after one epoch, or stay there, as "
        f"the printed accuracies do after a hundred ({', '.join(map(str, printed.values()))} %)",
        f"{PAPER}, {paper.BY_INITIALIZATION_TABLE}",
        expected=len(printed),
        resolution=absolute(0.5, "counts are integers"),
    ) as finding:
        _needs_size(cfg)
        chance = 100 * float(theory["chance"].iloc[0])
        as_printed = [
            _leaves(data, cfg, variant, activation, chance) == (accuracy > chance + STAYED)
            for activation, accuracy in printed.items()
        ]
        finding.gives(float(sum(as_printed)), exact("the count is exact"))


def _softplus(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, sigma_b: float) -> None:
    """Whether shifted softplus stays at chance at this point of its edge, as the paper prints of an unknown one."""
    chance = float(theory["chance"].iloc[0])
    (printed,) = (cell.means[0] for cell in paper.BY_INITIALIZATION if cell.name == SOFTPLUS_CELL)
    with claim.ours(
        f"softplus-stays-at-chance/{sigma_b:g}",
        f"{SOFTPLUS} on the edge at sigma_b = {sigma_b:g} has after one epoch a test accuracy (%) of at most "
        f"{STAYED:.1f} above the best constant guess's (printed after a hundred: {printed})",
        f"{PAPER}, {paper.BY_INITIALIZATION_TABLE}",
        "<=",
        100 * chance + STAYED,
    ) as finding:
        _needs_size(cfg)
        rows = present(data, variant=at_sigma_b(sigma_b), activation=SOFTPLUS, depth=max(cfg.depths))
        _needs_time(rows, cfg.learning_rate)
        width = binomial_half_width(chance, int(theory["test_images"].iloc[0]), level=0.99)
        best = float(where(rows, quantity="accuracy")["value"].max(skipna=False))
        finding.gives(100 * best, Tolerance(100 * width, "99 % binomial interval of a guess on the test images"))


def _needs_size(cfg: Config) -> None:
    """Silent for other networks or images than the table's."""
    found = {"depth": max(cfg.depths), "width": cfg.width, "data.name": cfg.data.name}
    other = [f"{key}={found[key]}, not {value}" for key, value in SIZE.items() if found[key] != value]
    needs(not other, "; ".join(other))


def _needs_time(rows: pd.DataFrame, rate: float) -> None:
    """Silent for less than an epoch of MNIST at the paper's values."""
    spent = rate * float(where(rows, quantity="loss")["step"].max())
    needs(spent >= TIME * (1 - 1e-9), f"learning rate x steps is {spent:.3g}, and the claim needs {TIME:g}")


def _leaves(data: pd.DataFrame, cfg: Config, variant: str, activation: str, chance: float) -> bool:
    """Whether the better of the two accuracies, on average over seeds, is above chance; a diverged training stays."""
    rows = present(data, variant=variant, activation=activation, depth=max(cfg.depths))
    _needs_time(rows, cfg.learning_rate * VARIANTS[variant].rate)
    means = [where(rows, quantity=name)["value"].mean(skipna=False) for name in ("accuracy", "accuracy by the batch")]
    return bool(np.nanmax([*means, 0.0]) * 100 > chance + STAYED)
