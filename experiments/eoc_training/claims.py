"""What `eoc-training` claims: each printed accuracy, the authors' points on the edge, and the paper's conclusions."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deepk.lab import Claim, Judging, Sample, Tolerance, absolute, needs, only, present, rounding, share, welch_interval
from deepk.statistics import mean_half_width
from experiments.eoc_training import NAMES, Config
from experiments.eoc_training.accuracies import LEVEL, Run, off_the_edge, other_setting
from experiments.published import eoc_training as paper
from experiments.published.eoc_training import EDGE, LEARNERS, NORMALIZED, ORDERED, PAPER, SIGMA_B, SMOOTH, Cell

TABLE = f"{PAPER}, {paper.BY_INITIALIZATION_TABLE}"
# Gradient descent's own clock is learning rate x steps. One epoch of MNIST at the paper's values is 0.0938 of it.
# Within that, ELU and Tanh leave chance on MNIST (results/reference/eoc-training); for ReLU the paper's first number
# is after ten epochs.
SMOOTH_TIME, PRINTED_TIME = 0.0938, 0.938
# A gradient that has shrunk to less than this in mean square moves no weight of float32 within any training here.
VANISHED = 1e-6
# With two seeds a 99 % interval is 64 standard errors wide: of so few, the size of the test set says more.
INTERVAL_SEEDS = 3
# In points above chance: half of the least printed gain is learning; less than a tenth of it is staying at chance.
LEARNT, STAYED = paper.LEAST_GAIN / 2, paper.LEAST_GAIN / 10
ON_THE_EDGE = share(1e-6, "by so much a gradient's mean square changes by 4e-4 over 200 layers: no curve shows it")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Every cell of both tables, then what the paper concludes from them."""
    claim, run = Judging(), Run(theory, data, cfg)
    for part in (_cells, _edge_points, _at_chance, _learns, _faster_than_relu, _batch_norm):
        part(claim, run)
    return claim.claims


def _cells(claim: Judging, run: Run) -> None:
    """Each printed accuracy, against ours after the same epoch."""
    for cell in (*paper.BY_INITIALIZATION, *paper.BY_EPOCH):
        with claim.printed(
            cell.name,
            f"test accuracy (%) of {cell.activation}, {NAMES[cell.initialization]}, on {cell.data} "
            f"after {cell.epoch} epochs",
            f"{PAPER}, {cell.where}",
            expected=cell.means[0],
            published=cell.means[0],
            precision=cell.precision,
            # The one rule for all cells.
            resolution=absolute(
                _resolution(cell),
                "half the gap to the nearest cell that the paper compares it with; at least what ten runs tell apart",
            ),
            explanation=cell.remark,
        ) as finding:
            needs(not (other := other_setting(run, cell)), other)
            ends = run.ends(cell.activation, cell.initialization, epoch=cell.epoch)
            ours = Sample.of(ends)
            finding.expects(cell.nearest(ours.mean))
            remark = "; ".join(filter(None, [run.lost((cell.activation, cell.initialization)), cell.remark]))
            finding.gives(ours.mean, _interval(cell, ours), remark=remark)


def _resolution(cell: Cell) -> float:
    return max(cell.gap / 2, _apart(cell, paper.RUNS))


def _interval(cell: Cell, ours: Sample) -> Tolerance:
    """Of our mean minus the printed one: Welch's from three seeds on, below them at the printed spread.

    Seeds that scatter more than the cell can show cannot excuse a wrong mean: where Welch's interval is wider than the
    resolution, a mean that would be wrong if they scattered as the printed runs do is refuted by that. One that would
    not be is left open by Welch's interval, and never confirmed.
    """
    why = f"99 % prediction interval from {paper.RUNS} printed runs for the mean of {ours.count}, of equal spread"
    at_printed_spread = Tolerance(_apart(cell, ours.count), why)
    if ours.count < INTERVAL_SEEDS:
        return at_printed_spread
    welch = welch_interval(ours, Sample(cell.means[0], cell.deviation, paper.RUNS), over="seeds and printed runs")
    refuted = abs(ours.mean - cell.nearest(ours.mean)) > at_printed_spread.width
    return at_printed_spread if welch.width > _resolution(cell) and refuted else welch


def _apart(cell: Cell, seeds: int) -> float:
    """How far, at the printed spread s, a mean over so many seeds is from the printed one over ten, at most.

    t_9 s sqrt(1/seeds + 1/10), at 99 %: the prediction interval of a normal sample whose spread is estimated from ten.
    """
    return mean_half_width(Sample(0.0, cell.deviation, paper.RUNS), level=LEVEL) * math.sqrt(1 + paper.RUNS / seeds)


def _edge_points(claim: Judging, run: Run) -> None:
    """sigma_w on the edge, where the authors' script has its own estimates."""
    for activation, sigma_w, precision, exact in paper.EDGE_POINTS:
        with claim.printed(
            f"edge-of-chaos-point/{activation}",
            f"sigma_w of {activation} on the edge of chaos at sigma_b = {SIGMA_B[activation]}",
            f"{PAPER}, the authors' simulation script: Monte Carlo over 500,000 samples",
            expected=exact,
            published=sigma_w,
            precision=precision,
            resolution=ON_THE_EDGE,
            explanation="" if abs(sigma_w - exact) <= precision else "the script's Monte Carlo missed the exact point",
        ) as finding:
            at = {"activation": activation, "initialization": EDGE}
            present(run.data, **at)
            needs(run.cfg.edge == "exact", f"edge={run.cfg.edge}")
            needs(not (other := off_the_edge(run.cfg, activation)), "".join(other))
            why = "rounding of the quadrature and of the fixed point in float64; expected is exact to 30 digits"
            finding.gives(only(run.theory, "sigma_w", **at), rounding(1e-12, why))


def _at_chance(claim: Judging, run: Run) -> None:
    """Nothing is learnt in the ordered phase, wherever gradients vanish."""
    for activation in run.cfg.activations:
        with claim.printed(
            f"ordered-at-chance/{activation}",
            f"{activation} in the ordered phase stays at chance: its best seed's test accuracy (%) is at most "
            f"{STAYED:.1f} above the best constant guess's, a tenth of the least that the edge gains in the table",
            f"{TABLE}, column Ord Phase",
            "<=",
            run.chance + STAYED,
        ) as finding:
            ends = run.ends(activation, ORDERED, time=SMOOTH_TIME)
            factor = only(run.theory, "gradient_factor", activation=activation, initialization=ORDERED)
            needs(factor <= VANISHED, f"depth={run.cfg.depth}: too shallow for gradients to vanish")
            finding.gives(float(np.max(ends)), run.guessing(len(ends)), remark=run.lost((activation, ORDERED)))


def _learns(claim: Judging, run: Run) -> None:
    """On the edge of chaos every seed learns."""
    for activation in LEARNERS:
        with claim.printed(
            f"edge-of-chaos-learns/{activation}",
            f"{activation} on the edge of chaos learns: its worst seed's test accuracy (%) is at least {LEARNT:.1f} "
            "above the best constant guess's, half of the least that the edge gains over the ordered phase",
            f"{TABLE}, column EOC",
            ">=",
            run.chance + LEARNT,
        ) as finding:
            ends = run.ends(activation, EDGE, time=SMOOTH_TIME if activation in SMOOTH else PRINTED_TIME)
            finding.gives(float(np.min(ends)), run.guessing(len(ends)), remark=run.lost((activation, EDGE)))


def _faster_than_relu(claim: Judging, run: Run) -> None:
    """Smooth activations are ahead of ReLU on the edge, seed by seed."""
    for activation in SMOOTH:
        with claim.printed(
            f"smooth-faster-than-relu/{activation}",
            f"at equal epoch {activation} is ahead of ReLU: its worst seed minus ReLU's best (%)",
            f"{PAPER}, {paper.BY_EPOCH_TABLE}",
            ">=",
            0.0,
        ) as finding:
            epoch = run.last((activation, EDGE), ("relu", EDGE))
            smooth, kinked = (run.ends(name, EDGE, epoch=epoch, time=SMOOTH_TIME) for name in (activation, "relu"))
            lost = run.lost((activation, EDGE), ("relu", EDGE))
            finding.gives(float(np.min(smooth) - np.max(kinked)), run.difference(), remark=lost)


def _batch_norm(claim: Judging, run: Run) -> None:
    """The edge without batch normalization is no worse than with it."""
    for activation in LEARNERS:
        with claim.printed(
            f"batch-norm-does-not-help/{activation}",
            f"{activation} is no worse without batch normalization than with it: mean difference (%)",
            f"{TABLE}, columns EOC and EOC + BN",
            ">=",
            0.0,
        ) as finding:
            epoch = run.last((activation, EDGE), (activation, NORMALIZED))
            plain, normalized = (
                Sample.of(run.ends(activation, start, epoch=epoch, time=SMOOTH_TIME)) for start in (EDGE, NORMALIZED)
            )
            few = min(plain.count, normalized.count) < INTERVAL_SEEDS
            within = run.difference() if few else welch_interval(plain, normalized, over="seeds")
            lost = run.lost((activation, EDGE), (activation, NORMALIZED))
            # A plain network that diverges is worse than any, and not what the known deviation is about.
            difference = -math.inf if math.isnan(plain.mean) else plain.mean - normalized.mean
            finding.gives(difference, within, remark=lost)
