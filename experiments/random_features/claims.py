"""What `random-features` claims: each printed accuracy, the paper's conclusions, and the features' own mathematics."""

from __future__ import annotations

import math
from itertools import combinations, groupby
from operator import attrgetter

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from deepk.lab import (
    Claim,
    Judging,
    Resolution,
    Sample,
    Tolerance,
    absolute,
    exact,
    needs,
    rounding,
    scaled_interval,
    share,
    t_interval,
)
from deepk.statistics import binomial_half_width, prediction_half_width
from experiments.published.compositional_kernels import PAPER
from experiments.published.random_features import ACTIVATIONS, CELLS, DIGIT, SCHEDULES, SETTINGS, SOURCES, Cell
from experiments.random_features import Config
from experiments.random_features.tables import Run

LATE = 5  # last evaluations whose scatter counts as that of a training at a late epoch
SHOWN = 100 * 2 * DIGIT  # %, a unit of the tables' last digit: a smaller difference of accuracies they do not show
NEAR = 0.3  # |rho| up to which the error of the kernel estimate is judged
SEEN = 0.95  # share of the variance that a run's features must show: else it rests on few, whose scatter is no interval
TRAINED = 1000  # steps of SGD from which accuracies can be compared with each other
FALLS = {"relu": True, "gelu": True, "swish": True, "sigmoid": False}  # whether the table on CIFAR-10 falls with depth
LATER = f"{PAPER}, later version"
RUNS = "independent runs"
SLOPES = absolute(0.05, "a tenth of the exponent: from 64 features to 16384, a factor of 1.3 in the error")
CONSTANTS = share(0.1, "a twentieth of the error itself, less than a marker on the figure's axis of decades")
MASSES = absolute(0.02, "a fiftieth of the whole kernel's mass, which is 1")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Cells of both tables; what becomes of accuracy with depth, and why; errors of the estimate; tails; conditions."""
    claim, run = Judging(), Run(theory, data, cfg)
    for part in (_cells, _optimization, _depth, _errors, _tails, _conditions):
        part(claim, run)
    return claim.claims


# --- the tables -------------------------------------------------------------------------------------------------------


def _cells(claim: Judging, run: Run) -> None:
    """Each printed accuracy, and the mean of each table's, which fluctuates less."""
    for cell in CELLS:
        words = f"of {cell.activation} at L = {cell.depth}"
        _accuracy(claim, run, [cell], f"{cell.activation}/L={cell.depth}", words, _resolution(cell))
    for _, table in groupby(CELLS, key=lambda cell: cell[:3]):
        cells = list(table)
        words = f"on average over {len(cells)} activations and depths"
        _accuracy(claim, run, cells, "mean", words, absolute(SHOWN, "a unit of the table's last digit"))


def _resolution(cell: Cell) -> Resolution:
    """What matters in a table that compares depths, activation by activation, and prints no spread."""
    row = [other.accuracy for other in CELLS if other[:4] == cell[:4]]
    gap = min(abs(a - b) for a, b in combinations(row, 2))
    why = "half the smallest gap between the depths that the table compares, at least a unit of its last digit"
    return absolute(max(100 * gap / 2, SHOWN), why)


def _accuracy(claim: Judging, run: Run, cells: list[Cell], label: str, words: str, resolution: Resolution) -> None:
    """The mean of some printed accuracies of one table, against that of our trainings."""
    first, printed = cells[0], float(np.mean([cell.accuracy for cell in cells]))
    with claim.printed(
        f"table/{first.protocol}/{first.data}/{first.split}/{label}",
        f"{first.split} accuracy (%) {words} on {first.data}",
        SOURCES[first.protocol],
        expected=100 * printed,
        published=100 * printed,
        precision=100 * DIGIT,
        resolution=resolution,
        explanation="the batch size is not stated; `sensitivity` shows others" if first.protocol == "slides" else "",
    ) as finding:
        other = _other_setting(run, first)
        needs(not other, other)
        late = [run.trainings(cell.split, cell.activation, cell.depth).tail(LATE) for cell in cells]
        mean = sum(late[1:], start=late[0]) / len(cells)
        finding.gives(100 * float(mean.iloc[-1].mean()), _one_more(mean, printed))


def _one_more(late: pd.DataFrame, printed: float) -> Tolerance:
    """How far (%) one more training like ours may be from a printed share: the longer side."""
    half = prediction_half_width(_logit(late.to_numpy()))
    if math.isinf(half):
        return Tolerance(math.inf, "no interval: one training, evaluated once, has no scatter")
    low, high = _logit(np.array([printed - DIGIT, printed + DIGIT]))
    reach = max(printed - float(expit(low - half)), float(expit(high + half)) - printed)
    reason = (
        "half a unit of the last digit, and from there the 99 % interval of one more training like ours, on the scale "
        f"of logits, by the scatter between seeds at the last {LATE} evaluations: the paper prints one number of SGD"
    )
    return Tolerance(0.0 if math.isnan(reach) else 100 * reach, reason)


def _logit(shares: np.ndarray) -> np.ndarray:
    return np.asarray(logit(np.clip(shares, 1e-6, 1 - 1e-6)))


def _other_setting(run: Run, cell: Cell) -> str:
    """How this run's setting is not the table's, or nothing."""
    wanted = {
        "protocol": cell.protocol,
        "data.train_size": None,
        "data.test_size": None,
        **SETTINGS[cell.protocol],
        **SCHEDULES[cell.protocol, cell.data],
    }
    ours = {key: attrgetter(key)(run.cfg) for key in wanted}
    other = [f"{key}={ours[key]}, not {value}" for key, value in wanted.items() if ours[key] != value]
    if run.images.partition(",")[0] != cell.data:
        other.insert(0, f"images are {run.images}, not {cell.data}")
    return "; ".join(other)


# --- depth ------------------------------------------------------------------------------------------------------------


def _optimization(claim: Judging, run: Run) -> None:
    """Un-centered sigmoid loses with L by optimization, not by its features."""
    first, last = min(run.cfg.depths), max(run.cfg.depths)
    source = f"{SOURCES['slides']}, sigmoid"
    fall = (
        f"training accuracy (%) of sigmoid under SGD falls from L = {first} to L = {last}, by what the table can show"
    )
    with claim.printed("sgd-loses-with-depth/sigmoid", fall, source, ">=", SHOWN) as finding:
        _needs_trainings(run, centered=False)
        shallow, deep = (run.trainings("train", "sigmoid", depth) for depth in (first, last))
        finding.gives(*_difference(shallow - deep))
    loss = f"test accuracy (%) of ridge regression on these features, at L = {last} less that at L = {first}: no loss"
    source += ": its features are not at fault"
    with claim.ours("ridge-holds-with-depth/sigmoid", f"{loss} to be shown", source, ">=", -SHOWN) as finding:
        _needs_trainings(run, centered=False)
        before, after = (run.ridge("sigmoid", depth) for depth in (first, last))
        finding.gives(*_difference((after - before).to_frame().T, after.mean(), before.mean(), run=run))
    gain = f"test accuracy (%) at L = {last} of ridge regression, less that of SGD on the same features: a gain"
    with claim.ours("ridge-ahead-of-sgd/sigmoid", f"{gain} to be shown", source, ">=", SHOWN) as finding:
        _needs_trainings(run, centered=False)
        ridge, sgd = run.ridge("sigmoid", last), run.trainings("test", "sigmoid", last)
        finding.gives(*_difference(-sgd.sub(ridge), ridge.mean(), sgd.iloc[-1].mean(), run=run))


def _depth(claim: Judging, run: Run) -> None:
    """On CIFAR-10, centered: which activations lose with L."""
    first, last = min(run.cfg.depths), max(run.cfg.depths)
    for activation in ACTIVATIONS:
        what = "falls" if FALLS[activation] else "holds"
        with claim.printed(
            f"test-accuracy-{what}-with-depth/{activation}",
            f"test accuracy (%) at L = {first} less that at L = {last}: it {what}, by what the table can show",
            SOURCES["journal"],
            ">=" if FALLS[activation] else "<=",
            SHOWN,
        ) as finding:
            needs(run.images.startswith("cifar10"), f"images are {run.images}, not cifar10")
            needs(last >= 8 * first, f"depths={run.cfg.depths}, which do not reach from 1 to 8")
            _needs_trainings(run, centered=True)
            shallow, deep = (run.trainings("test", activation, depth) for depth in (first, last))
            finding.gives(*_difference(shallow - deep, shallow.iloc[-1].mean(), deep.iloc[-1].mean(), run=run))


def _needs_trainings(run: Run, *, centered: bool) -> None:
    """Activations that are centered or not, two depths, and trainings long enough for accuracies to be compared."""
    needs(run.cfg.centered == centered, f"centered={run.cfg.centered}")
    needs(len(run.cfg.depths) > 1, "one depth alone")
    steps = run.cfg.epochs * math.ceil(run.known("training images") / run.cfg.batch_size)
    needs(steps >= TRAINED, f"{steps} steps of SGD, fewer than {TRAINED}")


def _difference(shares: pd.DataFrame, *accuracies: float, run: Run | None = None) -> tuple[float, Tolerance]:
    """The mean (%) over seeds, the columns, at the last epoch; with a run, of accuracies on its test images."""
    late = 100 * shares.tail(LATE)
    # Of one more training it is t s sqrt(1 + 1/n); of the mean of n it is t s sqrt(1/n).
    half = prediction_half_width(late.to_numpy()) / math.sqrt(late.shape[1] + 1)
    reason = f"99 % interval of the mean over seeds, by their scatter at the last {LATE} evaluations"
    if run is not None:
        images = int(run.known("test images"))
        half = math.hypot(half, *(100 * binomial_half_width(min(p, 1.0), images) for p in accuracies))
        reason += f", and that of accuracies on {images} images"
    return float(late.iloc[-1].mean()), Tolerance(0.0 if math.isnan(half) else half, reason)


# --- the kernel estimate ----------------------------------------------------------------------------------------------


def _errors(claim: Judging, run: Run) -> None:
    """m^(-1/2) towards the truncated kernel, and with the constant of theory where it can be seen."""
    near = [rho for rho in run.cfg.errors.rhos if abs(rho) <= NEAR]
    for activation in run.cfg.activations:
        for depth in run.cfg.depths:
            _slope(claim, run, activation, depth, near)
            for rho in near:
                _constant(claim, run, activation, depth, rho)


def _slope(claim: Judging, run: Run, activation: str, depth: int, near: list[float]) -> None:
    with claim.ours(
        f"error-slope/{activation}/L={depth}",
        f"the root mean square error of the kernel estimate falls like m^-1/2 for |rho| <= {NEAR}: the slope of its "
        "logarithm against log m",
        f"{PAPER}, algorithm 2: independent features",
        expected=-0.5,
        resolution=SLOPES,
    ) as finding:
        rows = run.rows("error", "rms error", activation, depth, rho=near)
        table = rows.pivot(index="index", columns=["seed", "rho"], values="value").astype(float)
        lines = np.polyfit(np.log(table.index.to_numpy(float)), np.log(table.to_numpy()), 1)[0]
        slopes = Sample.of(pd.Series(lines, index=table.columns).groupby(level="seed").mean().tolist())
        finding.gives(slopes.mean, t_interval(slopes, over=RUNS))


def _constant(claim: Judging, run: Run, activation: str, depth: int, rho: float) -> None:
    """Mean square error of the fewest features, of which there are the most estimates, times their number."""
    with claim.ours(
        f"error-constant/{activation}/L={depth}/rho={rho:g}",
        f"the mean square of that error times m is the variance of a product of features at rho = {rho:g}",
        f"{PAPER}, algorithm 2; the variance by Mehler's formula for f^2",
        resolution=CONSTANTS,
    ) as finding:
        rows = run.rows("error", "rms error", activation, depth, rho=rho)
        fewest = rows[rows["index"] == rows["index"].min()]
        squares = Sample.of((fewest["value"] ** 2 * fewest["index"]).astype(float).tolist())
        whole, visible = (run.known(q, activation, depth, rho=rho) ** 2 for q in ("deviation", "visible deviation"))
        finding.expects(whole)
        unseen = rounding(max(whole - visible, 0.0), "what rests on values too rare for so many features")
        within = scaled_interval(squares, whole, over=RUNS) + unseen
        if visible < SEEN * whole:
            # Too few runs hold the rare values for their scatter to be an interval; a factor of ten is none of theirs.
            why = f"the whole number, since so many features show {visible / whole:.0%} of the variance"
            within = rounding(max(within.width, whole), why)
        finding.gives(squares.mean, within)


# --- the kernel -------------------------------------------------------------------------------------------------------


def _tails(claim: Judging, run: Run) -> None:
    """alpha_k against independent branching processes."""
    depth, paths = run.cfg.gram_depths, run.cfg.coefficient_paths
    for activation in run.cfg.activations:
        with claim.printed(
            f"tail-mass/{activation}",
            f"the share of the kernel beyond degree {run.cfg.truncation} at L = {depth}, against that of branching "
            "processes with more individuals",
            f"{LATER}, figure of the mass beyond the truncation; K^(L) = E rho^Z",
            resolution=MASSES,
        ) as finding:
            beyond = float(run.rows("tail", "beyond", activation, depth, features="branching process")["value"].iloc[0])
            tail = run.known("tail", activation, depth)
            finding.expects(tail)
            half = binomial_half_width(min(tail, 1.0), paths) + 1 / paths
            finding.gives(beyond / paths, rounding(half, f"99 % interval of the share of {paths}, and one of them"))


def _conditions(claim: Judging, run: Run) -> None:
    """Condition numbers of centered kernels fall with L."""
    deep = run.cfg.gram_depths
    for activation in run.cfg.activations:
        with claim.printed(
            f"condition-falls/{activation}",
            f"condition number of the kernel's Gram matrix at L = {deep}, over that at L = 1",
            f"{LATER}, figure of condition numbers; Schur's product theorem",
            "<=",
            1.0,
        ) as finding:
            needs(run.cfg.centered, "centered=False: un-centered kernels tend to a constant")
            needs(deep > 1, "one depth alone")
            first, last = (
                float(
                    run.rows("condition", "condition number", activation, L, features="exact kernel")["value"].iloc[0]
                )
                for L in (1, deep)
            )
            finding.gives(
                last / first, exact("eigenvalues of a centered kernel move inwards with L, by Schur's theorem")
            )
