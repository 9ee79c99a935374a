"""What `rf-nt-nn` claims: the theorems' errors at each number of neurons, and their order."""

from __future__ import annotations

import pandas as pd

from deepk.lab import Claim, Judging, Sample, Tolerance, absolute, needs, only, present, t_interval
from experiments.published.linearized import LAZY_LIMITS
from experiments.rf_nt_nn import NN, NT, RF, Config

HALF = absolute(0.05, "half of what the theorems put between features and tangent model at N / d = 0.1, the least")
WORDS = {RF: "random features", NT: "the tangent model", NN: "the network"}
PROJECTED = 4.0  # over d: the theorems' corrections


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Point by point for each model, then the order of the three at half as many neurons as dimensions."""
    claim = Judging()
    for model in (RF, NT):
        for neurons in cfg.neurons(model):
            _risk(claim, theory, data, cfg, model, neurons)
    for neurons in cfg.neurons(NN):
        _trained(claim, theory, data, cfg, neurons)
    _order(claim, data, cfg)
    return claim.claims


def _risk(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, model: str, neurons: int) -> None:
    """The mean over draws of the weights."""
    d = cfg.dimension_of(model)
    with claim.printed(
        f"{model}/{neurons / d:g}",
        f"{WORDS[model]}, N / d = {neurons / d:g}, d = {d}: mean error over draws, relative to the target's variance",
        f"{LAZY_LIMITS}",
        resolution=HALF,
    ) as finding:
        finding.expects(only(theory, grid="points", model=model, dimension=d, neurons=neurons))
        rows = present(data, model=model, dimension=d, neurons=neurons)
        sample = Sample.of(rows.sort_values("seed")["value"].tolist())
        limit = Tolerance(PROJECTED / d, f"terms of the order of 1 / d, d = {d}")
        finding.gives(sample.mean, t_interval(sample, over="draws") + limit)


def _trained(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, neurons: int) -> None:
    """SGD finds the best network of its size, up to its own noise."""
    d = cfg.network_dimension
    with claim.printed(
        f"{NN}/{neurons / d:g}",
        f"a network trained by SGD, N / d = {neurons / d:g}, d = {d}: mean error less that of the best of its size",
        f"{LAZY_LIMITS}",
        "<=",
        HALF.width,
    ) as finding:
        best = only(theory, grid="points", model=NN, dimension=d, neurons=neurons)
        rows = present(data, model=NN, dimension=d, neurons=neurons)
        sample = Sample.of(rows.sort_values("seed")["value"].tolist())
        finding.gives(sample.mean - best, t_interval(sample, over="draws"))


def _order(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """Network before tangent model before random features."""
    for better, worse in ((NT, RF), (NN, NT)):
        shared = sorted(
            {n / cfg.dimension_of(better) for n in cfg.neurons(better)}
            & {n / cfg.dimension_of(worse) for n in cfg.neurons(worse)}
        )
        with claim.printed(
            f"order/{better}-before-{worse}",
            f"largest error of {WORDS[better]} less that of {WORDS[worse]}, over the N / d that both have below 1",
            LAZY_LIMITS,
            "<=",
            0.0,
        ) as finding:
            gaps = [_mean(data, cfg, better, ratio) - _mean(data, cfg, worse, ratio) for ratio in shared if ratio < 1]
            needs(bool(gaps), f"{better} and {worse} share no N / d below 1")
            finding.gives(max(gaps), Tolerance(0.0, "means of what was measured"))


def _mean(data: pd.DataFrame, cfg: Config, model: str, ratio: float) -> float:
    rows = present(data, model=model, neurons=round(ratio * cfg.dimension_of(model)))
    return float(rows["value"].mean())
