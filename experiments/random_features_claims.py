"""What `random-features` claims: each printed accuracy, the paper's conclusions, and the features' own mathematics."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from deepk.lab.claims import Claim
from deepk.lab.contract import flat
from deepk.statistics import Sample, binomial_deviation, mean_half_width
from experiments.published.compositional_kernels import PAPER
from experiments.published.random_features import ACTIVATIONS, CELLS, DIGIT, SCHEDULES, SETTINGS, SOURCES, Cell

if TYPE_CHECKING:
    from experiments.schema import RandomFeatures

LEVEL = 0.99  # of all intervals
LATE = 5  # last evaluations whose scatter counts as that of a training at a late epoch
NEAR = 0.3  # |rho| up to which the error of the kernel estimate is judged
SEEN = 0.95  # share of the variance that a run's features must be able to show: else their scatter is no interval
TRAINED = 1000  # steps of SGD from which accuracies can be compared with each other
CHANGES = {  # activation -> what the paper's table on CIFAR-10 shows of test accuracy with depth
    "relu": "falls",
    "gelu": "falls",
    "swish": "falls",
    "sigmoid": "holds",
}


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: RandomFeatures) -> list[Claim]:
    """Cells of both tables; what becomes of accuracy with depth, and why; errors of the estimate; tails; conditions."""
    run = Run(theory, data, cfg)
    parts = (_cells, _optimization, _depth, _errors, _tails, _conditions)
    return [claim for part in parts for claim in part(run)]


@dataclass(frozen=True)
class Run:
    """A run's tables, asked for accuracies in percent."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: RandomFeatures

    @cached_property
    def images(self) -> str:
        """The data set's name, as theory.csv has it."""
        return str(self.theory["images"].iloc[0])

    def known(self, quantity: str, activation: str = "all", depth: int = 0) -> pd.DataFrame:
        """Rows of the theory."""
        t = self.theory
        return t[(t["quantity"] == quantity) & (t["activation"] == activation) & (t["depth"] == depth)]

    def rows(self, part: str, features: str, quantity: str, activation: str = "all", depth: int = 0) -> pd.DataFrame:
        """Rows of the data."""
        d = self.data
        found = (d["part"] == part) & (d["features"] == features) & (d["quantity"] == quantity)
        return d[found & (d["activation"] == activation) & (d["depth"] == depth)]

    def late(self, split: str, activation: str, depth: int) -> pd.DataFrame:
        """Accuracy (%) at the last evaluations: a row for each epoch, a column for each seed."""
        rows = self.rows("sgd", "compositional", f"{split} accuracy", activation, depth)
        return 100 * rows.pivot_table(index="index", columns="seed", values="value").astype(float).tail(LATE)

    def last(self, split: str, activation: str, depth: int) -> float:
        """The mean over seeds at the last epoch."""
        return float(self.late(split, activation, depth).iloc[-1].mean())

    def ridge(self, activation: str, depth: int) -> Sample:
        """Test accuracy (%) of ridge regression on the same features, over seeds."""
        rows = self.rows("ridge", "compositional", "test accuracy", activation, depth)
        return Sample.of((100 * rows["value"].astype(float)).tolist()) if len(rows) else Sample(math.nan, math.nan, 0)

    def silent(self, *cells: tuple[str, int]) -> str:
        """Why the run cannot speak of trainings at these depths, or nothing."""
        for activation, depth in cells:
            if self.rows("sgd", "compositional", "test accuracy", activation, depth).empty:
                return f"{activation} at L = {depth} is not in this run"
        return ""

    @property
    def short(self) -> str:
        """Whether the training is too short for its accuracies to be compared, or nothing."""
        images = int(self.known("training images")["value"].iloc[0])
        steps = self.cfg.epochs * math.ceil(images / self.cfg.batch_size)
        return f"{steps} steps of SGD, fewer than {TRAINED}" if steps < TRAINED else ""

    @property
    def noise(self) -> float:
        """Three standard deviations of a difference of two accuracies (%) on this test set, each of 50 % at worst."""
        images = int(self.known("test images")["value"].iloc[0])
        return 100 * 3 * math.sqrt(2) * binomial_deviation(0.5, images)


# --- the tables -------------------------------------------------------------------------------------------------------


def _cells(run: Run) -> Iterator[Claim]:
    """Each printed accuracy, and the mean of each table's, which fluctuates less."""
    for cell in CELLS:
        label = f"{cell.activation}/L={cell.depth}"
        yield _printed(run, [cell], label, f"of {cell.activation} at L = {cell.depth}")
    for _, table in groupby(CELLS, key=lambda cell: cell[:3]):
        cells = list(table)
        yield _printed(run, cells, "mean", f"on average over {len(cells)} activations and depths")


def _printed(run: Run, cells: list[Cell], label: str, words: str) -> Claim:
    """The mean of some printed accuracies of one table, against that of our trainings."""
    first = cells[0]
    blocked = _other_setting(run, first) or run.silent(*((cell.activation, cell.depth) for cell in cells))
    printed = 100 * float(np.mean([cell.accuracy for cell in cells]))
    measured, tolerance = math.nan, 0.0
    if not blocked:
        trainings = [run.late(cell.split, cell.activation, cell.depth) for cell in cells]
        late = sum(trainings[1:], start=trainings[0]) / len(cells)
        measured, scatter = float(late.iloc[-1].mean()), _one_more(late)
        tolerance = scatter + 100 * DIGIT
        chance = 100 * float(run.known("chance")["value"].iloc[0])
        if late.size < 2:
            blocked = "one training, evaluated once, has no scatter to judge by"
        elif measured - scatter <= chance:
            blocked = (
                f"SGD swings too far: one more training is within {scatter:.0f} % of ours, which reaches to chance"
            )
    return Claim(
        name=f"table/{first.protocol}/{first.data}/{first.split}/{label}",
        statement=f"{first.split} accuracy (%) {words} on {first.data}",
        source=SOURCES[first.protocol],
        published=printed,
        precision=100 * DIGIT,
        relation="=",
        expected=printed,
        measured=None if blocked else measured,
        tolerance=tolerance,
        reason=f"99 % interval of one more training like ours, by the scatter between seeds at the last {LATE} "
        "evaluations, since the paper prints one number of SGD that fluctuates; and half a unit of its last digit",
        blocked=blocked,
        explanation="" if blocked or first.protocol != "slides" else "the batch size is not stated; see the sweep",
    )


def _one_more(late: pd.DataFrame) -> float:
    """Half width of the interval for one more training at the last epoch, around the mean of ours.

    Its variance is that between seeds at the same epoch, pooled over the last evaluations; of a single seed, that
    between these.
    """
    values = late.to_numpy()
    epochs, seeds = values.shape
    around = values.mean(axis=1, keepdims=True) if seeds > 1 else values.mean()
    freedom = epochs * (seeds - 1) if seeds > 1 else epochs - 1
    if freedom < 1:
        return 0.0
    deviation = math.sqrt(float(((values - around) ** 2).sum()) / freedom)
    return float(stdtrit(freedom, (1 + LEVEL) / 2)) * deviation * math.sqrt(1 + 1 / seeds)


def _other_setting(run: Run, cell: Cell) -> str:
    """How this run's setting is not the table's, or nothing."""
    wanted = {
        "protocol": cell.protocol,
        "data.train_size": None,
        "data.test_size": None,
        **SETTINGS[cell.protocol],
        **SCHEDULES[cell.protocol, cell.data],
    }
    ours = flat(run.cfg)
    other = [f"{key}={ours.get(key)}, not {value}" for key, value in wanted.items() if ours.get(key) != value]
    if run.images.partition(",")[0] != cell.data:
        other.insert(0, f"images are {run.images}, not {cell.data}")
    return "; ".join(other)


# --- depth ------------------------------------------------------------------------------------------------------------


def _optimization(run: Run) -> Iterator[Claim]:
    """Un-centered sigmoid loses with L by optimization, not by its features."""
    depths = sorted(run.cfg.depths)
    shallow, deep = ("sigmoid", depths[0]), ("sigmoid", depths[-1])
    blocked = "the activations are centered" if run.cfg.centered else run.silent(shallow, deep)
    blocked = blocked or ("one depth alone" if len(depths) < 2 else run.short)
    if not blocked and not all(run.ridge(*cell).count for cell in (shallow, deep)):
        blocked = "no ridge regression on the same features in this run"
    source = f"{SOURCES['slides']}, sigmoid"
    yield Claim(
        name="sgd-loses-with-depth/sigmoid",
        statement=f"training accuracy (%) of sigmoid under SGD falls from L = {depths[0]} to L = {depths[-1]} by more",
        source=source,
        relation=">=",
        expected=_pooled(run, "train", shallow, deep) if not blocked else math.nan,
        measured=None if blocked else run.last("train", *shallow) - run.last("train", *deep),
        tolerance=0.0,
        reason="none needed: expected is the 99 % interval of one training's difference, by the scatter of ours",
        blocked=blocked,
    )
    yield Claim(
        name="ridge-holds-with-depth/sigmoid",
        statement=f"ridge regression on the same features loses no test accuracy (%) from L = {depths[0]} to "
        f"L = {depths[-1]}: the difference",
        source=f"{source}: the features are not at fault",
        relation=">=",
        expected=0.0,
        measured=None if blocked else run.ridge(*deep).mean - run.ridge(*shallow).mean,
        tolerance=run.noise,
        reason="three standard deviations of a difference of two accuracies on this test set",
        blocked=blocked,
    )
    yield Claim(
        name="ridge-ahead-of-sgd/sigmoid",
        statement=f"at L = {depths[-1]} ridge regression beats SGD on the same features by more: test accuracy (%)",
        source=source,
        relation=">=",
        expected=run.noise,
        measured=None if blocked else run.ridge(*deep).mean - run.last("test", *deep),
        tolerance=0.0,
        reason="none needed: expected is three standard deviations of a difference of accuracies on this test set",
        blocked=blocked,
    )


def _pooled(run: Run, split: str, *cells: tuple[str, int]) -> float:
    """99 % interval of a sum or difference of one training each."""
    return math.hypot(*(_one_more(run.late(split, *cell)) for cell in cells))


def _depth(run: Run) -> Iterator[Claim]:
    """On CIFAR-10, centered: which activations lose with L."""
    depths = sorted(run.cfg.depths)
    for activation in ACTIVATIONS:
        shallow, deep = (activation, depths[0]), (activation, depths[-1])
        blocked = "" if run.cfg.centered else "the activations are not centered"
        blocked = blocked or ("" if depths[-1] >= 8 * depths[0] else f"depths {depths} do not reach from 1 to 8")
        blocked = blocked or ("" if run.images.startswith("cifar10") else f"images are {run.images}, not cifar10")
        blocked = blocked or run.silent(shallow, deep) or run.short
        falls = CHANGES[activation] == "falls"
        margin = math.nan if blocked else math.hypot(run.noise, _pooled(run, "test", shallow, deep))
        yield Claim(
            name=f"test-accuracy-{CHANGES[activation]}-with-depth/{activation}",
            statement=f"test accuracy (%) at L = {depths[0]} less that at L = {depths[-1]}: it {CHANGES[activation]}",
            source=SOURCES["journal"],
            relation=">=" if falls else "<=",
            expected=margin if falls else 0.0,
            measured=None if blocked else run.last("test", *shallow) - run.last("test", *deep),
            tolerance=0.0 if falls or blocked else margin,
            reason="three standard deviations on this test set and the 99 % interval of one training's difference"
            + (", both in expected" if falls else ""),
            blocked=blocked,
        )


# --- the kernel estimate ----------------------------------------------------------------------------------------------


def _errors(run: Run) -> Iterator[Claim]:
    """m^(-1/2) towards the truncated kernel, and with the constant of theory where it can be seen."""
    near = [rho for rho in run.cfg.errors.rhos if abs(rho) <= NEAR]
    for activation in run.cfg.activations:
        for depth in run.cfg.depths:
            rows = run.rows("error", "compositional", "rms error", activation, depth)
            rows = rows[rows["rho"].astype(float).abs() <= NEAR]
            blocked = "" if len(rows) else f"no error of {activation} at L = {depth} and |rho| <= {NEAR} in this run"
            yield _slope(rows, f"{activation}/L={depth}", blocked)
            for rho in near:
                yield _constant(run, rows, activation, depth, rho, blocked)


def _slope(rows: pd.DataFrame, label: str, blocked: str) -> Claim:
    slopes = [math.nan]
    if not blocked:
        table = rows.pivot_table(index="index", columns=["seed", "rho"], values="value").astype(float)
        lines = np.polyfit(np.log(table.index.to_numpy(float)), np.log(table.to_numpy()), 1)[0]
        by_run = pd.Series(lines, index=table.columns).groupby(level="seed").mean()
        slopes = [float(slope) for slope in by_run]
    return Claim(
        name=f"error-slope/{label}",
        statement=f"the root mean square error of the kernel estimate falls like m^-1/2 for |rho| <= {NEAR}: the slope "
        "of its logarithm against log m",
        source=f"{PAPER}, algorithm 2: independent features",
        relation="=",
        expected=-0.5,
        measured=None if blocked else float(np.mean(slopes)),
        tolerance=0.0 if blocked else mean_half_width(Sample.of(slopes), level=LEVEL),
        reason="99 % interval of the mean over independent runs",
        blocked=blocked,
    )


def _constant(run: Run, rows: pd.DataFrame, activation: str, depth: int, rho: float, blocked: str) -> Claim:
    """Mean square error of the fewest features, of which there are the most estimates, times their number."""
    exact, visible = (
        known[known["rho"] == rho]["value"].astype(float)
        for known in (run.known(q, activation, depth) for q in ("deviation", "visible deviation"))
    )
    if not blocked and exact.empty:
        blocked = f"theory.csv has no deviation at rho = {rho:g}"
    if not blocked and (share := float(visible.iloc[0] / exact.iloc[0]) ** 2) < SEEN:
        blocked = f"these features are too few to show more than {share:.0%} of the variance, {exact.iloc[0] ** 2:.3g}"
    measured = [math.nan]
    if not blocked:
        here = rows[(rows["rho"].astype(float) == rho) & (rows["index"] == rows["index"].min())].sort_values("seed")
        measured = (here["value"].astype(float) ** 2 * here["index"].astype(float)).tolist()
    return Claim(
        name=f"error-constant/{activation}/L={depth}/rho={rho:g}",
        statement=f"the mean square of that error times m is the variance of a product of features at rho = {rho:g}",
        source=f"{PAPER}, algorithm 2; the variance by Mehler's formula for f^2",
        relation="=",
        expected=math.nan if blocked else float(exact.iloc[0] ** 2),
        measured=None if blocked else float(np.mean(measured)),
        tolerance=0.0
        if blocked
        else mean_half_width(Sample.of(measured), level=LEVEL) + float(exact.iloc[0] ** 2 - visible.iloc[0] ** 2),
        reason="99 % interval of the mean over independent runs, and what rests on values too rare for them",
        blocked=blocked,
    )


# --- the kernel -------------------------------------------------------------------------------------------------------


def _tails(run: Run) -> Iterator[Claim]:
    """alpha_k against independent branching processes."""
    depth, paths = run.cfg.gram_depths, run.cfg.coefficient_paths
    for activation in run.cfg.activations:
        rows = run.rows("tail", "branching process", "beyond", activation, depth)
        known = run.known("tail", activation, depth)["value"].astype(float)
        blocked = "" if len(rows) else f"no branching processes of {activation} in this run"
        tail = math.nan if blocked else float(known.iloc[0])
        yield Claim(
            name=f"tail-mass/{activation}",
            statement=f"the share of the kernel beyond degree {run.cfg.truncation} at L = {depth}, against that of "
            "branching processes with more individuals",
            source=f"{PAPER}, later version, figure of the mass beyond the truncation; K^(L) = E rho^Z",
            relation="=",
            expected=tail,
            measured=None if blocked else float(rows["value"].iloc[0]) / paths,
            tolerance=0.0 if blocked else 3 * binomial_deviation(min(tail, 1.0), paths) + 1 / paths,
            reason="three binomial standard deviations of the share of processes, and one process",
            blocked=blocked,
        )


def _conditions(run: Run) -> Iterator[Claim]:
    """Condition numbers of centered kernels fall with L."""
    for activation in run.cfg.activations:
        first, last = (
            run.rows("condition", "exact kernel", "condition number", activation, depth)["value"].astype(float)
            for depth in (1, run.cfg.gram_depths)
        )
        blocked = "" if run.cfg.centered else "the activations are not centered: their kernels tend to a constant"
        blocked = blocked or ("" if len(first) and len(last) else f"no condition number of {activation} in this run")
        blocked = blocked or ("" if run.cfg.gram_depths > 1 else "one depth alone")
        yield Claim(
            name=f"condition-falls/{activation}",
            statement=f"condition number of the kernel's Gram matrix at L = {run.cfg.gram_depths}, over that at L = 1",
            source=f"{PAPER}, later version, figure of condition numbers; Schur's product theorem",
            relation="<=",
            expected=1.0,
            measured=None if blocked else float(last.iloc[0] / first.iloc[0]),
            tolerance=0.0,
            reason="none needed: eigenvalues of a centered kernel move inwards with L, by Schur's theorem",
            blocked=blocked,
        )
