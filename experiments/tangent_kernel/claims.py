"""What `tangent-kernel` claims: the limits of three kernels, and the power of the width with which they are reached."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deepk.lab import Claim, Judging, Sample, absolute, needs, only, present, scaled_interval, t_interval, where
from experiments.published.deep_equals_shallow import SLIDES
from experiments.tangent_kernel import FEATURES, TANGENT, TRAINED, Config

JACOT = "Jacot, Gabriel, Hongler 2018 (arXiv:1806.07572)"
LEE = "Lee and others 2019 (arXiv:1902.06720), theorem 2.1: the change by training is at most of order width^(-1/2)"
ROOT = absolute(0.2, "half of the distance to the other simple powers, 0 and -1")
ENOUGH = 3  # widths, whose span is a factor of eight or more
SPAN = 8
WORDS = {
    TANGENT: "distance of the tangent kernel from its limit",
    TRAINED: "change of the tangent kernel by training",
    FEATURES: "distance of the features' products from theirs",
}


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """For each depth: the limits at a right angle, and how fast all three kernels come near theirs."""
    claim = Judging()
    for layers in cfg.layers:
        for quantity in (FEATURES, TANGENT, TRAINED):
            _limit(claim, theory, data, cfg, layers, quantity)
        for quantity in WORDS:
            _rate(claim, theory, data, cfg, layers, quantity)
    return claim.claims


def _limit(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, layers: int, quantity: str) -> None:
    """The mean over seeds at the greatest width, for two points at the middle angle."""
    angle = math.pi * (cfg.points // 2) / (cfg.points - 1)
    limit = FEATURES if quantity == FEATURES else TANGENT
    with claim.printed(
        f"limit/{quantity.replace(' ', '-')}/{layers}",
        f"{quantity}, L = {layers}, of points at an angle of {angle:.3g}: mean over wide networks",
        SLIDES if quantity != TRAINED else JACOT,
        resolution=absolute(0.1 * layers, "a layer more adds about 1 to the tangent kernel: a tenth of it for each"),
    ) as finding:
        expected = _at(theory, angle, layers=layers, quantity=limit, grid="points")
        finding.expects(expected)
        width = max(cfg.widths)
        rows = present(data, layers=layers, width=width, quantity=quantity)
        values = rows[np.isclose(rows["angle"], angle)].sort_values("seed")["value"].tolist()
        finding.gives(Sample.of(values).mean, scaled_interval(Sample.of(values), expected, over="seeds"))


def _at(table: pd.DataFrame, angle: float, **at: object) -> float:
    rows = where(table, **at)
    return only(rows[np.isclose(rows["angle"], angle)])


def _rate(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, layers: int, quantity: str) -> None:
    """The slope of log deviation in log width, seed by seed."""
    bound = quantity == TRAINED
    with claim.ours(
        f"rate/{quantity.replace(' ', '-')}/{layers}",
        f"{WORDS[quantity]}, L = {layers}: power of the width with which it falls{', at least' if bound else ''}",
        LEE if bound else f"{JACOT}; a mean of as many independent units",
        "<=" if bound else "=",
        -0.5,
        resolution=None if bound else ROOT,
    ) as finding:
        widths = sorted(cfg.widths)
        needs(len(widths) >= ENOUGH and widths[-1] >= SPAN * widths[0], f"widths={widths}: too few, or too close")
        found = deviations(theory, data, layers, quantity)
        slopes = [_power(rows) for _, rows in found.groupby("seed")]
        finding.gives(Sample.of(slopes).mean, t_interval(Sample.of(slopes), over="seeds"))


def _power(rows: pd.DataFrame) -> float:
    """Of the width, by least squares on logarithms; NaN where a deviation is zero."""
    widths, found = rows["width"].to_numpy(float), rows["deviation"].to_numpy(float)
    return float(np.polyfit(np.log(widths), np.log(found), 1)[0]) if (found > 0).all() else math.nan


def deviations(theory: pd.DataFrame, data: pd.DataFrame, layers: int, quantity: str) -> pd.DataFrame:
    """Root mean square over angles, for each width and seed: from the limit, or of the change by training."""
    rows = present(data, layers=layers, quantity=quantity)
    key = ["width", "seed", "angle"]
    if quantity == TRAINED:
        other = where(data, layers=layers, quantity=TANGENT)[[*key, "value"]]
        both = rows.merge(other, on=key, suffixes=("", "_before"))
        difference = both["value"] - both["value_before"]
    else:
        limit = where(theory, layers=layers, quantity=quantity, grid="points")["value"].to_numpy(float)
        both = rows.sort_values(key)
        difference = both["value"] - np.tile(limit, len(both) // len(limit))
    square = both.assign(square=difference**2).groupby(["width", "seed"])["square"].mean()
    found: pd.DataFrame = square.pow(0.5).rename("deviation").reset_index()
    return found
