"""What `eoc-training` claims: each printed accuracy, the authors' points on the edge, and the paper's conclusions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from scipy.special import ndtri

from deepk.lab.claims import Claim
from deepk.lab.contract import flat
from deepk.statistics import Sample, binomial_deviation, welch_half_width
from experiments.published.eoc_training import (
    BY_EPOCH,
    BY_EPOCH_TABLE,
    BY_INITIALIZATION,
    BY_INITIALIZATION_TABLE,
    EDGE_POINTS,
    PAPER,
    RUNS,
    SETTING,
    SIGMA_B,
    Printed,
)

if TYPE_CHECKING:
    from experiments.schema import EocTraining

Training = tuple[str, str]  # activation, initialization
NAMES = {"edge-of-chaos": "edge of chaos", "batch-norm": "edge of chaos + batch norm", "ordered": "ordered phase"}

# Gradient descent's own clock is learning rate x steps. One epoch of MNIST at the paper's values is 0.0938 of it.
# Within that, ELU and Tanh leave chance on MNIST (results/reference/eoc-training); for ReLU the paper's first number
# is after ten epochs.
SMOOTH_TIME, PRINTED_TIME = 0.0938, 0.938
# One-sided probability of three standard deviations: chance exceeds them once in 740 looks.
TAIL = 0.00135
# A gradient that has shrunk to less than this in mean square moves no weight of float32 within any training here.
VANISHED = 1e-6
# With two seeds a 99 % interval is 64 standard errors wide, and nothing could differ.
INTERVAL_SEEDS = 3


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: EocTraining) -> list[Claim]:
    """Every cell of both tables, then what the paper concludes from them."""
    run = Run(theory, data, cfg)
    parts = (_cells, _edge_points, _at_chance, _learns, _faster_than_relu, _batch_norm)
    return [claim for part in parts for claim in part(run)]


@dataclass(frozen=True)
class Run:
    """The tables of a run, asked for accuracies in percent. A training is (activation, initialization)."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: EocTraining

    def rows(self, training: Training) -> pd.DataFrame:
        """The rows of a training, all seeds."""
        activation, initialization = training
        return self.data[(self.data["activation"] == activation) & (self.data["initialization"] == initialization)]

    def accuracies(self, training: Training, *, epoch: int | None = None) -> list[float]:
        """Test accuracy in percent of each seed after `epoch`, by default the last; NaN for a diverged one."""
        until = self.rows(training)
        last = until[until["epoch"] <= (epoch or self.cfg.epochs)].sort_values("epoch").groupby("seed").tail(1)
        cells = zip(last["status"], last["test_accuracy"], strict=True)
        return [math.nan if status == "diverged" else 100 * float(accuracy) for status, accuracy in cells]

    def diverged(self, *trainings: Training) -> str:
        """Which seeds of the trainings diverged, in words."""
        rows = pd.concat([self.rows(training) for training in trainings])
        key = rows.loc[rows["status"] == "diverged", ["activation", "initialization", "seed", "epoch"]].to_numpy()
        where = [
            f"{activation} {initialization} seed {seed} at epoch {epoch}"
            for activation, initialization, seed, epoch in key
        ]
        return f"diverged: {', '.join(where)}" if where else ""

    def silent(self, *trainings: Training, time: float = 0.0, seeds: int = 1) -> str:
        """Why the run cannot speak of these trainings (absent, too few seeds, too short), or nothing."""
        for training in trainings:
            count = self.rows(training)["seed"].nunique()
            if count == 0:
                return f"{' '.join(training)} is not in this run"
            if count < seeds:
                return f"an interval test needs {seeds} seeds; {count} here"
        spent = self.cfg.learning_rate * float(self.data["step"].max())
        if spent < time * (1 - 1e-9):  # rounding of the product
            return f"learning rate x steps is {spent:.3g}, and the claim needs {time:g}"
        return ""

    @property
    def chance(self) -> float:
        """Percentage that the best constant guess gets right."""
        return 100 * float(self.theory["chance"].iloc[0])

    def noise(self, percent: float, *, looks: int = 1) -> float:
        """Three binomial standard deviations of an accuracy on this test set (%); more for the best of `looks`."""
        images = int(self.theory["test_images"].iloc[0])
        return 100 * float(-ndtri(TAIL / looks)) * binomial_deviation(percent / 100, images)


def _cells(run: Run) -> Iterator[Claim]:
    """Each printed accuracy, against ours after the same epoch."""
    for data, activation, initialization, printed in BY_INITIALIZATION:
        name = f"table-1/{data}/{activation}/{initialization}"
        yield _cell(run, name, data, (activation, initialization), 100, printed)
    for data, activation, epoch, printed in BY_EPOCH:
        name = f"table-2/{data}/{activation}/epoch-{epoch}"
        yield _cell(run, name, data, (activation, "edge-of-chaos"), epoch, printed)


def _cell(run: Run, name: str, data: str, training: Training, epoch: int, printed: Printed) -> Claim:
    activation, initialization = training
    blocked = _other_setting(run.cfg, data, training, epoch) or run.silent(training, seeds=INTERVAL_SEEDS)
    ours = None if blocked else Sample.of(run.accuracies(training, epoch=epoch))
    # Where the two tables print different numbers for the same cell, the nearer one is taken.
    mean = min(printed.means, key=lambda mean: abs(mean - ours.mean)) if ours else printed.means[0]
    interval = welch_half_width(Sample(mean, printed.deviation, RUNS), ours) if ours else 0.0
    return Claim(
        name=name,
        statement=f"test accuracy (%) of {activation}, {NAMES[initialization]}, on {data} after {epoch} epochs",
        source=f"{PAPER}, {printed.where}",
        published=printed.means[0],
        # Of a cell with two printed values neither is exact, so neither can be an erratum.
        precision=0.005 if len(printed.means) == 1 else abs(printed.means[0] - printed.means[1]),
        relation="=",
        expected=mean,
        measured=ours.mean if ours else None,
        tolerance=0.0 if math.isnan(interval) else interval,
        reason=f"99 % Welch interval of the paper's +-{printed.deviation} over {RUNS} runs and the spread of our seeds",
        blocked=blocked,
        explanation="" if blocked else "; ".join(filter(None, [run.diverged(training), printed.remark])),
    )


def _other_setting(cfg: EocTraining, data: str, training: Training, epoch: int) -> str:
    """How this run's setting is not the table's, or nothing."""
    activation, initialization = training
    wanted = {"data.name": data, **SETTING, "data.train_size": None, "data.test_size": None}
    if initialization == "ordered":
        wanted |= {"ordered_sigma_b": 1.0, "ordered_sigma_w": 1.0}
    elif activation in SIGMA_B:
        wanted |= {f"sigma_b.{activation}": SIGMA_B[activation]}
    else:
        return f"the paper does not say where on the edge of chaos its {activation} starts"
    ours = flat(cfg)
    other = [f"{key}={ours.get(key)}, not {value}" for key, value in wanted.items() if ours.get(key) != value]
    if cfg.epochs < epoch:
        other.append(f"epochs={cfg.epochs}, not {epoch}")
    return "; ".join(other)


def _edge_points(run: Run) -> Iterator[Claim]:
    """sigma_w on the edge, where the authors' script has its own estimates."""
    for activation, sigma_w, precision, exact in EDGE_POINTS:
        training = (activation, "edge-of-chaos")
        blocked = run.silent(training)
        if not blocked and run.cfg.sigma_b.get(activation) != SIGMA_B[activation]:
            blocked = f"sigma_b.{activation}={run.cfg.sigma_b.get(activation)}, not {SIGMA_B[activation]}"
        rows = run.theory[(run.theory["activation"] == activation) & (run.theory["initialization"] == "edge-of-chaos")]
        yield Claim(
            name=f"edge-of-chaos-point/{activation}",
            statement=f"sigma_w of {activation} on the edge of chaos at sigma_b = {SIGMA_B[activation]}",
            source=f"{PAPER}, the authors' simulation script: Monte Carlo over 500,000 samples",
            published=sigma_w,
            precision=precision,
            relation="=",
            expected=exact,
            measured=None if blocked else float(rows["sigma_w"].iloc[0]),
            tolerance=1e-12,
            reason="rounding of the quadrature and of the fixed point in float64; expected is exact to 30 digits",
            blocked=blocked,
        )


def _at_chance(run: Run) -> Iterator[Claim]:
    for activation in run.cfg.activations:
        training = (activation, "ordered")
        start = run.theory[(run.theory["activation"] == activation) & (run.theory["initialization"] == "ordered")]
        shallow = (start["gradient_factor"] > VANISHED).any()
        blocked = run.silent(training, time=SMOOTH_TIME)
        blocked = blocked or ("too shallow: gradients do not vanish at this depth" if shallow else "")
        looks = run.rows(training)["seed"].nunique() or 1
        yield Claim(
            name=f"ordered-at-chance/{activation}",
            statement=f"{activation} in the ordered phase stays at chance: its best seed's test accuracy (%)",
            source=f"{PAPER}, {BY_INITIALIZATION_TABLE}, column Ord Phase",
            relation="<=",
            expected=run.chance,
            measured=None if blocked else _extreme(max, run.accuracies(training)),
            tolerance=run.noise(run.chance, looks=looks),
            reason="three binomial standard deviations of the best constant guess, widened for the best of the seeds",
            blocked=blocked,
            explanation="" if blocked else run.diverged(training),
        )


def _learns(run: Run) -> Iterator[Claim]:
    for activation, time in (("relu", PRINTED_TIME), ("elu", SMOOTH_TIME), ("tanh", SMOOTH_TIME)):
        training = (activation, "edge-of-chaos")
        blocked = run.silent(training, time=time)
        yield Claim(
            name=f"edge-of-chaos-learns/{activation}",
            statement=f"{activation} on the edge of chaos learns: its worst seed's test accuracy (%) is above chance",
            source=f"{PAPER}, {BY_INITIALIZATION_TABLE}, column EOC",
            relation=">=",
            expected=run.chance + run.noise(run.chance),
            measured=None if blocked else _extreme(min, run.accuracies(training)),
            tolerance=0.0,
            reason="none needed: expected is three binomial standard deviations above the best constant guess",
            blocked=blocked,
            explanation="" if blocked else run.diverged(training),
        )


def _faster_than_relu(run: Run) -> Iterator[Claim]:
    for activation in ("elu", "tanh"):
        smooth, kinked = (activation, "edge-of-chaos"), ("relu", "edge-of-chaos")
        blocked = run.silent(smooth, kinked, time=SMOOTH_TIME)
        lead = _extreme(min, run.accuracies(smooth)) - _extreme(max, run.accuracies(kinked)) if not blocked else None
        yield Claim(
            name=f"smooth-faster-than-relu/{activation}",
            statement=f"at equal epoch {activation} is ahead of ReLU: its worst seed minus ReLU's best (%)",
            source=f"{PAPER}, {BY_EPOCH_TABLE}",
            relation=">=",
            expected=run.noise(50.0) * math.sqrt(2),
            measured=lead,
            tolerance=0.0,
            reason="none needed: expected is three standard deviations of a difference of accuracies on this test set",
            blocked=blocked,
            explanation="" if blocked else run.diverged(smooth, kinked),
        )


def _batch_norm(run: Run) -> Iterator[Claim]:
    for activation in ("relu", "elu", "tanh"):
        plain, normalized = (activation, "edge-of-chaos"), (activation, "batch-norm")
        blocked = run.silent(plain, normalized, time=SMOOTH_TIME)
        ours, theirs = (Sample.of(run.accuracies(training) or [math.nan]) for training in (plain, normalized))
        difference = ours.mean - theirs.mean
        if min(ours.count, theirs.count) >= INTERVAL_SEEDS and math.isfinite(difference):
            tolerance, reason = welch_half_width(ours, theirs), "99 % Welch interval of the difference over seeds"
        else:
            tolerance = run.noise(50.0) * math.sqrt(1 / ours.count + 1 / theirs.count)
            reason = "three standard deviations from the size of the test set; too few seeds to know their spread"
        yield Claim(
            name=f"batch-norm-does-not-help/{activation}",
            statement=f"{activation} is no worse without batch normalization than with it: mean difference (%)",
            source=f"{PAPER}, {BY_INITIALIZATION_TABLE}, columns EOC and EOC + BN",
            relation=">=",
            expected=0.0,
            measured=None if blocked else difference,
            tolerance=tolerance,
            reason=reason,
            blocked=blocked,
            explanation="" if blocked else run.diverged(plain, normalized),
        )


def _extreme(pick: Callable[[Sequence[float]], float], values: Sequence[float]) -> float:
    """The largest or smallest value; NaN where one is NaN, since a diverged seed has no accuracy to rank."""
    return math.nan if any(math.isnan(value) for value in values) else pick(values)
