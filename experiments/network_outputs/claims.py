"""What `network-outputs` claims: outputs change as theory says in each phase, and as the slides show in two of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import fdtri

from deepk.lab import (
    Claim,
    Judging,
    Sample,
    Tolerance,
    needs,
    present,
    rounding,
    scaled_interval,
    share,
    t_interval,
    where,
)
from experiments.network_outputs import PHASES, Config
from experiments.published.edge_of_chaos import SLIDES

ROUNDED = 1e-13  # of the variance: a change that differences of rounded variances no longer give to three digits
# What counts as one output for all inputs: all but a hundredth of its mean square.
ONE_OUTPUT = 0.01
# Close inputs count as very differently treated where their outputs differ by this many times more than on the edge,
# in squared change relative to the output's square; theory gives 15 for inputs 0.25 apart, of which a third is asked.
ROUGHER = 2.0
OVER = "networks, relative to it"
LEVEL = 0.99  # two-sided, of each interval
SEEN = share(0.5, "a half of the square, a fifth of the change itself: the least that shows on the slides' surfaces")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """The change between neighbours against theory in each phase, and what the slides say of the two phases."""
    claim = Judging()
    _follows(claim, theory, data, cfg)
    _one_output(claim, theory, data, cfg)
    _very_different(claim, theory, data, cfg)
    return claim.claims


def axis(network: pd.DataFrame) -> pd.DataFrame:
    """The grid points (a_1, 0) but the last, in order."""
    return network[(network["a_2"] == 0) & network["change"].notna()].sort_values("a_1")


def _networks(data: pd.DataFrame, phase: str) -> pd.DataFrame:
    """By seed, along the first axis: mean squared change, mean square, and of the first output what varies."""
    seeds = axis(present(data, phase=phase)).groupby("seed")
    means = seeds[["change", "square"]].mean()
    return means.assign(varies=seeds["output"].var(ddof=0), output=seeds["output"].apply(lambda y: (y**2).mean()))


def _scatter(networks: pd.DataFrame) -> pd.Series[float]:
    """By seed, what a network adds to the ratio of mean change to mean square, as a share of it, to first order."""
    change, square = networks["change"], networks["square"]
    added: pd.Series[float] = change / (change.mean() or 1.0) - square / square.mean()
    return added


def _follows(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    for phase in PHASES:
        with claim.printed(
            f"change/{phase}",
            f"mean squared change of the output between neighbours, {phase}, over the theory",
            f"{SLIDES}, correlation propagation",
            expected=1.0,
            resolution=SEEN,
        ) as finding:
            changes, line = _networks(data, phase)["change"], where(theory, phase=phase)
            predicted, variance = line["change"].mean(), line["variance"].mean()
            needs(predicted >= ROUNDED * variance, f"depth={cfg.depth}: the change is below the rounding of variances")
            sample = Sample.of((changes / predicted).tolist())
            finite = rounding(cfg.depth / cfg.width, "depth / width for what finite width changes")
            finding.gives(sample.mean, scaled_interval(sample, 1.0, over=OVER) + finite)


def _one_output(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    with claim.printed(
        "one-output/ordered",
        "in the ordered phase all inputs have one output: the share of its mean square that varies is at most a "
        "hundredth",
        f"{SLIDES}, ordered phase",
        "<=",
        ONE_OUTPUT,
    ) as finding:
        networks, line = _networks(data, "ordered"), where(theory, phase="ordered")
        from_end_to_end = float(np.sqrt(line["change"].clip(lower=0)).sum()) ** 2  # at most
        predicted = from_end_to_end / float(line["variance"].mean())
        needs(predicted <= ONE_OUTPUT, f"depth={cfg.depth}: the theory does not promise one output")
        # Over Gaussian networks both means are chi-square, of one degree of freedom each network at least.
        count = len(networks)
        above = float(fdtri(count, count, (1 + LEVEL) / 2))
        within = Tolerance(
            abs(predicted) * above, f"99 % of the F law of {count} networks, at most, from theory's share"
        )
        finding.gives(networks["varies"].mean() / networks["output"].mean(), within)


def _very_different(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    sums = theory.groupby("phase")[["change", "variance"]].sum()
    predicted = sums["change"] / sums["variance"]
    least = float(predicted["chaotic"] / predicted["edge"]) / 3
    with claim.printed(
        "very-different/chaotic",
        "in the chaotic phase close inputs have very different outputs: their relative change over the edge's is at "
        "least a third of what theory gives for these inputs",
        f"{SLIDES}, chaotic phase",
        ">=",
        least,
    ) as finding:
        chaotic, edge = (_networks(data, phase) for phase in ("chaotic", "edge"))
        needs(least >= ROUGHER, f"step={cfg.step:g}: by the theory, the chosen points treat close inputs alike")
        rough, smooth = (networks["change"].mean() / networks["square"].mean() for networks in (chaotic, edge))
        # A seed has the same weights in both phases, up to their scale.
        scatter = (_scatter(chaotic) - _scatter(edge)).dropna()
        interval = t_interval(Sample.of(scatter.tolist()), over=OVER)
        finding.gives(rough / smooth, Tolerance(least * interval.width, interval.reason))
