"""What `correlation-depth` claims: the rates on the edge, gamma, the depth scale, and that random networks follow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from deepk.lab.claims import Claim
from deepk.statistics import Sample, mean_half_width, median_interval
from experiments.published.edge_of_chaos import GAMMAS, PAPER, RELU_COMPLEMENTS, SLIDES

if TYPE_CHECKING:
    from experiments.schema import CorrelationDepth

LEVEL = 0.999  # two-sided, of each interval
# Of the curves whose next term is known; the authors' for ReLU, ELU and Tanh.
SIGMA_B = {"relu": 0.0, "elu": 0.1, "tanh": 0.2, "swish": 0.2}
# A median is judged where its interval is no wider than this share of the prediction on either side.
WIDEST = 0.3
FEWEST = 11  # networks: 2 / 2^11, the chance that all are on one side of their median, is below 1 - LEVEL
ENOUGH = 100  # networks whose median can be told from the theory at l = width
# Of the network claims: at these shares of the layers up to which networks follow the theory.
SHARES = (0.1, 0.5, 1.0)
# Where the asymptote is compared, the terms left out must be small.
DEEP = 1000
# Layers between which the decay in the ordered phase is measured: after the start, before rounding.
DECAY = (4, 12)
LINEAR = 0.1  # |c - c*| at which the decay in the chaotic phase has to have come to be the linear one


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: CorrelationDepth) -> list[Claim]:
    """Exact values first, then what the propositions say of great depth, then random networks."""
    run = Run(theory, data, cfg)
    parts = (_relu_orbit, _rates, _powers, _gammas, _networks, _departure, _depth_scales)
    return [claim for part in parts for claim in part(run)]


def within_theory(measured: pd.DataFrame) -> pd.DataFrame:
    """The rows of layers in which networks of this width are expected to follow the theory."""
    return measured[measured["layer"] <= measured["follows_until"]]


@dataclass(frozen=True)
class Run:
    """The tables of a run, asked for one curve."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: CorrelationDepth

    def curve(self, case: str, activation: str, sigma_w: float | None = None) -> pd.DataFrame:
        """Theory of a case, by layer; empty where the run has measured nothing of it."""
        key = (self.data["case"] == case) & (self.data["activation"] == activation)
        found = (self.theory["case"] == case) & (self.theory["activation"] == activation)
        if sigma_w is not None:
            key &= (self.data["sigma_w"] - sigma_w).abs() < 1e-9
            found &= (self.theory["sigma_w"] - sigma_w).abs() < 1e-9
        return self.theory[found if key.any() else found & False].sort_values("layer").set_index("layer")

    def measured(self, curve: pd.DataFrame, case: str, activation: str) -> pd.DataFrame:
        """What was measured of the case whose theory this is."""
        of = (self.data["case"] == case) & (self.data["activation"] == activation)
        if curve.empty:
            return self.data[of & False]
        return self.data[of & ((self.data["sigma_w"] - float(curve["sigma_w"].iloc[0])).abs() < 1e-9)]

    def networks(self, case: str, activation: str, layer: int) -> np.ndarray:
        """1 - c^l in every network."""
        rows = (self.data["case"] == case) & (self.data["activation"] == activation) & (self.data["layer"] == layer)
        return self.data.loc[rows, "complement"].to_numpy(dtype=np.float64)


def _relu_orbit(run: Run) -> Iterator[Claim]:
    curve = run.curve("edge", "relu")
    for layer, expected in RELU_COMPLEMENTS.items():
        blocked = "relu is not in this run" if curve.empty else ""
        blocked = blocked or (f"c0 = {run.cfg.c0:g}, not 0" if run.cfg.c0 != 0 else "")
        blocked = blocked or (f"depth = {run.cfg.depth}, not {layer}" if layer > run.cfg.depth else "")
        yield Claim(
            name=f"relu/l={layer}",
            statement=f"1 - c^{layer} of ReLU on its edge of chaos from c^0 = 0",
            source=f"{SLIDES}, edge of chaos for ReLU: iterates of f(c) = (c arcsin c + sqrt(1 - c^2)) / pi + c / 2",
            relation="=",
            expected=expected,
            measured=None if blocked else float(curve["complement"][layer]),
            tolerance=1e-12 * expected,
            reason="relative 1e-12: rounding over up to 1000 layers; expected is exact to 40 digits",
            blocked=blocked,
        )


def _left_out(activation: str, depth: float) -> tuple[float, str]:
    """How far 1 - c^l may be from its asymptote at this depth, relatively, and why: twice the next term of its series.

    For the inputs and edges of the paper's setting; both move the term.
    """
    if activation == "relu":
        return 2 * (3 * math.log(depth) + 8.8) / depth, "twice the next term, which is (3 log l + 8.8) / l relative"
    if activation == "elu":
        return 2 * 4.1 / math.sqrt(depth), "twice the next term, 4.1 / sqrt(l) relative, since phi'' jumps"
    return 2 * 2.8 * math.log(depth) / depth, "twice the next term of a smooth map, 2.8 log(l) / l relative for tanh"


def _other_setting(run: Run, activation: str, curve: pd.DataFrame) -> str:
    """Why this run's curve is not one whose next term is known, or nothing."""
    if curve.empty:
        return f"{activation} is not in this run"
    ours = run.cfg.sigma_b.get(activation, run.cfg.default_sigma_b)
    other = [f"c0 = {run.cfg.c0:g}, not 0"] if run.cfg.c0 != 0 else []
    if ours != SIGMA_B.get(activation, ours):
        other.append(f"sigma_b.{activation} = {ours:g}, not {SIGMA_B[activation]:g}")
    if run.cfg.depth < DEEP:
        other.append(f"depth = {run.cfg.depth}: the asymptote needs {DEEP}")
    return "; ".join(other)


def _rates(run: Run) -> Iterator[Claim]:
    for activation, proposition in (("relu", 1), ("elu", 3), ("tanh", 3), ("swish", 3)):
        curve = run.curve("edge", activation)
        blocked = _other_setting(run, activation, curve)
        depth = run.cfg.depth
        tolerance, reason = _left_out(activation, depth)
        yield Claim(
            name=f"rate/{activation}",
            statement=f"1 - c^l of {activation} over its asymptote, "
            + ("9 pi^2 / (2 l^2)" if proposition == 1 else "beta_q / l")
            + f", at l = {depth}",
            source=f"{PAPER}, proposition {proposition}",
            published=1.0,
            precision=tolerance,
            relation="=",
            expected=1.0,
            measured=None if blocked else float(curve["complement"].iloc[-1] / curve["asymptote"].iloc[-1]),
            tolerance=tolerance,
            reason=reason,
            blocked=blocked,
        )


def _powers(run: Run) -> Iterator[Claim]:
    for activation, power in (("relu", 2), ("elu", 1), ("tanh", 1)):
        curve = run.curve("edge", activation)
        blocked = _other_setting(run, activation, curve)
        measured, tolerance, reason = None, 0.0, _left_out(activation, DEEP)[1]
        if not blocked:
            ends = curve.iloc[[-2, -1]]
            tolerance = _left_out(activation, float(ends.index[0]))[0]
            measured = float(-np.diff(np.log(ends["complement"]))[0] / np.diff(np.log(ends.index))[0])
        yield Claim(
            name=f"power/{activation}",
            statement=f"the power of l with which 1 - c^l of {activation} falls, at l = {run.cfg.depth}",
            source=f"{SLIDES}, figure 'Impact of the smoothness': O(1/l^2) for ReLU, O(1/l) for ELU and Tanh",
            published=float(power),
            precision=0.5,
            relation="=",
            expected=float(power),
            measured=measured,
            tolerance=tolerance,
            reason=f"derivative of {reason}, at the first of the last two layers",
            blocked=blocked,
        )


def _gammas(run: Run) -> Iterator[Claim]:
    edge = run.curve("edge", "relu")
    for squared, gamma in GAMMAS.items():
        residual = run.curve("residual", "relu", math.sqrt(squared))
        absent = edge.empty or residual.empty
        blocked = (
            "relu and its residual network are not both in this run" if absent else _other_setting(run, "relu", edge)
        )
        depth = run.cfg.depth
        tolerance, reason = _left_out("relu", depth * math.sqrt(gamma))
        yield Claim(
            name=f"gamma/sigma_w^2={squared:g}",
            statement=f"(1 - c^l) / (1 - cbar^l), plain over residual ReLU at sigma_w^2 = {squared:g}, at l = {depth}",
            source=f"{PAPER}, proposition 1: a constant gamma > 0, which is (sigma_w^2 / (2 + sigma_w^2))^2",
            relation="=",
            expected=gamma,
            measured=None if blocked else float(edge["complement"].iloc[-1] / residual["complement"].iloc[-1]),
            tolerance=gamma * tolerance,
            reason=f"{reason}, at l sqrt(gamma), where the plain network is as far",
            blocked=blocked,
        )


def _networks(run: Run) -> Iterator[Claim]:
    """The median over networks, at three depths up to where the width allows a comparison."""
    for activation in run.cfg.activations:
        yield from _medians(run, activation, run.curve("edge", activation), "edge", activation)
    for sigma_w in run.cfg.residual_sigma_w:
        name = f"residual/sigma_w^2={sigma_w**2:.4g}"
        yield from _medians(run, name, run.curve("residual", "relu", sigma_w), "residual", "relu")


def _medians(run: Run, name: str, curve: pd.DataFrame, case: str, activation: str) -> Iterator[Claim]:
    until = 0 if curve.empty else int(curve["follows_until"].iloc[0])
    rows = run.measured(curve, case, activation)
    kept = sorted(set(rows["layer"]) & set(curve.index))
    for share in SHARES:
        layer = max((layer for layer in kept if layer <= max(1, share * until)), default=0)
        blocked = f"{name} is not in this run" if layer == 0 else ""
        middle, low, high = (math.nan,) * 3
        if not blocked:
            ratio = rows.loc[rows["layer"] == layer, "complement"] / float(curve["complement"][layer])
            middle, low, high = median_interval(ratio.tolist(), level=LEVEL)
            if len(ratio) < FEWEST:
                blocked = f"{len(ratio)} networks: an interval of their median needs {FEWEST}"
            elif (high - low) / 2 > WIDEST:
                blocked = f"{len(ratio)} networks: the interval of their median is +-{(high - low) / 2:.2f} of it"
        yield Claim(
            name=f"networks/{name}/share={share:g}",
            statement=f"1 - c^l in random networks over the theory, {name}, their median, at l = {layer}",
            source=f"{SLIDES}, information propagation; figure 'Impact of the smoothness'",
            relation="=",
            expected=1.0,
            measured=None if blocked else middle,
            tolerance=0.0 if blocked else (high - low) / 2 + layer / run.cfg.simulation.width,
            reason="99.9 % interval of a median by order statistics, and l / width by which finite width lowers it",
            blocked=blocked,
        )


def _departure(run: Run) -> Iterator[Claim]:
    """At a depth like the width the median is below the theory by more than its interval."""
    width = run.cfg.simulation.width
    for activation in ("relu", "elu", "tanh"):
        curve = run.curve("edge", activation)
        blocked = f"{activation} is not in this run" if curve.empty else ""
        ratio = np.empty(0)
        if not blocked and width in curve.index:
            ratio = run.networks("edge", activation, width) / float(curve["complement"][width])
        if not blocked and len(ratio) < ENOUGH:
            blocked = f"{len(ratio)} networks as deep as the width {width}; the claim needs {ENOUGH}"
        yield Claim(
            name=f"departure/{activation}",
            statement=f"at l = width the median network of {activation} has less than the predicted 1 - c^l: "
            "the upper end of the 99.9 % interval of the ratio",
            source="this project: where the theory of infinite width stops to hold",
            relation="<=",
            expected=1.0,
            measured=None if blocked else median_interval(ratio.tolist(), level=LEVEL)[2],
            tolerance=0.0,
            reason="none needed: measured is the upper end of the interval",
            blocked=blocked,
        )


def _depth_scales(run: Run) -> Iterator[Claim]:
    """xi_c from the decay itself, against its formula; published is the formula as the slides print it.

    They print xi_c = -log chi with chi = sigma_w^2 E phi'(sqrt(q) Z): the inverse, without the square, and at c = 1
    also where c* < 1.
    """
    for case, how in (("ordered", "in random networks"), ("chaotic", "by iterating the map")):
        curve = run.curve(case, "tanh")
        blocked = "" if not curve.empty else f"the {case} network is not in this run"
        scale = math.nan if blocked else float(curve["depth_scale"].iloc[0])
        alike = not blocked and float(curve["limit"].iloc[0]) == 1
        if not blocked and (alike != (case == "ordered") or not math.isfinite(scale)):
            blocked = f"the chosen point is not in the {case} phase"
        printed = math.nan if blocked else float(curve["printed"].iloc[0])
        measured, tolerance, reason = None, 0.0, "99.9 % t-interval over networks, and 5 / width for finite width"
        if not blocked and case == "ordered":
            sample = _decay(run)
            if sample.count < 2 or math.isnan(sample.mean):
                blocked = f"{sample.count} networks at layers {DECAY[0]} and {DECAY[1]}: no spread to test with"
            else:
                measured = sample.mean
                tolerance = mean_half_width(sample, level=LEVEL) + 5 / run.cfg.simulation.width * scale
        elif not blocked:
            distance = (curve["complement"] - (1 - curve["limit"])).abs()
            first, last = round(3 * scale), round(7 * scale)
            if last > distance.index[-1]:
                blocked = f"the curve ends at layer {distance.index[-1]}, and the decay is measured up to {last}"
            elif distance[first] > LINEAR:
                blocked = f"|c - c*| is {distance[first]:.2g} at layer {first}: the decay has not begun"
            else:
                measured = (last - first) / math.log(distance[first] / distance[last])
            tolerance, reason = 0.02 * scale, "2 %: the square of the distance, which the linear decay leaves out"
        if not blocked and abs(printed - scale) <= tolerance:
            blocked = "the interval of these networks holds the printed formula's value, too"
        yield Claim(
            name=f"depth-scale/{case}",
            statement=f"layers in which |c^l - c*| falls by a factor e, for tanh in the {case} phase, {how}; "
            "published is the printed -log chi, chi without its square",
            source=f"{SLIDES}, depth scales",
            published=None if blocked else printed,
            relation="=",
            expected=scale,
            measured=None if blocked else measured,
            tolerance=tolerance,
            reason=reason,
            blocked=blocked,
        )


def _decay(run: Run) -> Sample:
    """The decay length of 1 - c^l in each ordered network; of none where a layer is missing."""
    first, last = (run.networks("ordered", "tanh", layer) for layer in DECAY)
    if len(first) != len(last) or len(last) == 0:
        return Sample(math.nan, math.nan, 0)
    return Sample.of(((DECAY[1] - DECAY[0]) / np.log(first / last)).tolist())
