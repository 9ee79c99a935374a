"""What `staircase` claims: the equivalent at finite dimension, steps where it has them, and what is never learnt."""

from __future__ import annotations

import math

import pandas as pd

from deepk.lab import (
    Claim,
    Judging,
    Sample,
    Tolerance,
    absolute,
    needs,
    only,
    present,
    scaled_interval,
    share,
    t_interval,
    where,
)
from deepk.lab.claims import Relation
from experiments.published.linearized import STAIRCASE, THEOREMS_STAIRCASE
from experiments.staircase import BOTH, CUBIC, DEEP, KERNEL, SHALLOW, SHIFTED, WIDE, Config

EQUIVALENT = "Defilippis, Loureiro, Misiakiewicz 2024 (arXiv:2405.15699), at the dimension that is simulated"
TENTH = share(0.1, "a tenth: a step of the target's power more or less is a third and more")
LEARNT = 0.5  # of a target of degree 3 alone, what is left where it is learnt


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Model by model; then plateaus, and degree three."""
    claim = Judging()
    for kernel in (SHALLOW, DEEP):
        for n in cfg.samples:
            _risk(claim, theory, data, KERNEL, kernel, n, 0)
    for count in cfg.features:
        _risk(claim, theory, data, WIDE, SHIFTED, 0, count)
    for count, n in cfg.pairs:
        _risk(claim, theory, data, BOTH, SHIFTED, n, count)
    _plateaus(claim, theory, data, cfg)
    _degree_three(claim, data, cfg)
    return claim.claims


def _risk(
    claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, model: str, kernel: str, n: int, count: int
) -> None:
    """The mean over instances."""
    numbers = [f"n = {n}"] * bool(n) + [f"N = {count}"] * bool(count)
    names = [f"n={n}"] * bool(n) + [f"N={count}"] * bool(count)
    with claim.ours(
        f"{model}/{kernel.replace(' ', '')}/{','.join(names)}",
        f"{kernel}, {', '.join(numbers)}: mean test error over instances",
        EQUIVALENT,
        resolution=TENTH,
    ) as finding:
        expected = only(theory, what=model, kernel=kernel, samples=n, features=count)
        finding.expects(expected)
        rows = present(data, model=model, kernel=kernel, samples=n, features=count)
        sample = Sample.of(rows.sort_values("seed")["value"].tolist())
        finding.gives(sample.mean, scaled_interval(sample, expected, over="instances"))


def _plateaus(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """Half-way between two steps the error is the power of all degrees above."""
    d = max(cfg.dimensions)
    for kernel, what in ((DEEP, "samples"), (SHIFTED, "features")):
        for level in range(1, len(cfg.power)):
            left = sum(cfg.power[level + 1 :])
            step = max(cfg.power)
            with claim.printed(
                f"plateau/{what}/{level}",
                f"{kernel}, d = {d}: test error at d^{level + 0.5:g} {what}, of which degrees up to {level} are learnt",
                THEOREMS_STAIRCASE,
                expected=left,
                resolution=absolute(step / 4, "half of what would make two steps one"),
            ) as finding:
                needs(len(data), "nothing is measured yet")
                rows = where(theory, what="plateau", kernel=kernel).sort_values([what])
                finding.gives(float(rows["value"].iloc[level - 1]), _of_step(cfg.power, level, d))


def _of_step(power: list[float], level: int, d: int) -> Tolerance:
    """What half-way between steps is learnt of the next degree, and is still to be learnt of the last.

    N(d, k) is about d^k / k!, so that a share of d^(l + 1/2) / N(d, l + 1) of degree l + 1 is learnt, and of degree l
    one of the order of N(d, l) / d^(l + 1/2) is not, at most d^(-1/2).
    """
    ahead = sum(power[level + 1 : level + 2]) * math.factorial(level + 1)
    width = (ahead + power[level]) / math.sqrt(d)
    return Tolerance(width, f"shares of the next and the last degree that d^({level} + 1/2) leaves, d = {d}")


def _degree_three(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """Of a target of degree 3 alone."""
    n = max(cfg.cubic_samples)
    cases: tuple[tuple[str, Relation, float, str], ...] = (
        (SHALLOW, ">=", 1.0, "two layers without biases never learn an odd degree >= 3"),
        (DEEP, "<=", LEARNT, "three layers do"),
    )
    for kernel, relation, expected, words in cases:
        with claim.printed(
            f"degree-three/{kernel.replace(' ', '')}",
            f"{kernel}, d = {cfg.cubic_dimension}, n = {n}, a target of degree 3: test error over its power; {words}",
            f"{STAIRCASE}; the kernel of two-layer ReLU has no part of odd degree >= 3",
            relation,
            expected,
        ) as finding:
            rows = present(data, model=CUBIC, samples=n, kernel=kernel)
            sample = Sample.of(rows.sort_values("seed")["value"].tolist())
            finding.gives(sample.mean, t_interval(sample, over="instances"))
