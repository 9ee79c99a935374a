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
# Of the network claims: at these shares of the layers up to which networks follow the theory.
SHARES = (0.1, 0.5, 1.0)
# Where the asymptote is compared, the terms left out must be small.
DEEP = 1000
# Layers between which the decay in the ordered phase is measured: after the start, before rounding.
DECAY = (4, 12)


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
    """How far 1 - c^l may be from its asymptote at this depth, relatively, and why."""
    if activation == "relu":
        return (3 * math.log(depth) + 8.8) / depth, "the next term, (3 log l + 8.8) / l relative"
    if activation == "elu":
        return 5 / math.sqrt(depth), "5 / sqrt(l): phi'' jumps, and the next term, 4.1 / sqrt(l), comes from there"
    return 5 * math.log(depth) / depth, "5 log(l) / l: the next term of a smooth map, 2.8 log(l) / l for tanh"


def _rates(run: Run) -> Iterator[Claim]:
    for activation, proposition in (("relu", 1), ("elu", 3), ("tanh", 3), ("swish", 3)):
        curve = run.curve("edge", activation)
        blocked = _too_shallow(run, activation, curve)
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


def _too_shallow(run: Run, activation: str, curve: pd.DataFrame) -> str:
    if curve.empty:
        return f"{activation} is not in this run"
    return f"depth = {run.cfg.depth}: the asymptote needs {DEEP}" if run.cfg.depth < DEEP else ""


def _powers(run: Run) -> Iterator[Claim]:
    for activation, power in (("relu", 2), ("elu", 1), ("tanh", 1)):
        curve = run.curve("edge", activation)
        blocked = _too_shallow(run, activation, curve)
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
            "relu and its residual network are not both in this run" if absent else _too_shallow(run, "relu", edge)
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
        curve = run.curve("edge", activation)
        until = 0 if curve.empty else int(curve["follows_until"].iloc[0])
        of = (run.data["case"] == "edge") & (run.data["activation"] == activation)
        kept = sorted(run.data.loc[of, "layer"].unique())
        for share in SHARES:
            layer = max((layer for layer in kept if layer <= max(1, share * until)), default=0)
            blocked = f"{activation} is not in this run" if layer == 0 else ""
            middle, low, high = (math.nan,) * 3
            if not blocked:
                ratio = run.networks("edge", activation, layer) / float(curve["complement"][layer])
                middle, low, high = median_interval(ratio.tolist(), level=LEVEL)
            yield Claim(
                name=f"networks/{activation}/share={share:g}",
                statement=f"1 - c^l in random {activation} networks over the theory, their median, at l = {layer}",
                source=f"{SLIDES}, information propagation; figure 'Impact of the smoothness'",
                relation="=",
                expected=1.0,
                measured=None if blocked else middle,
                tolerance=0.0 if blocked else (high - low) / 2 + layer / run.cfg.simulation.width,
                reason="99.9 % interval of a median by order statistics, and l / width by which finite width lowers it",
                blocked=blocked,
            )


def _departure(run: Run) -> Iterator[Claim]:
    """At a depth like the width the median is far below the theory."""
    width = run.cfg.simulation.width
    for activation in ("relu", "elu", "tanh"):
        curve = run.curve("edge", activation)
        blocked = f"{activation} is not in this run" if curve.empty else ""
        if not blocked and run.cfg.simulation.depth < width:
            blocked = f"simulation.depth = {run.cfg.simulation.depth}, not the width {width}"
        middle, low, high = (math.nan,) * 3
        if not blocked:
            ratio = run.networks("edge", activation, width) / float(curve["complement"][width])
            middle, low, high = median_interval(ratio.tolist(), level=LEVEL)
        yield Claim(
            name=f"departure/{activation}",
            statement=f"at l = width the median network of {activation} has below 2/3 of the predicted 1 - c^l",
            source="this project: where the theory of infinite width stops; .24 of it for ReLU at width 500",
            relation="<=",
            expected=2 / 3,
            measured=None if blocked else middle,
            tolerance=0.0 if blocked else (high - low) / 2,
            reason="99.9 % interval of a median by order statistics",
            blocked=blocked,
        )


def _depth_scales(run: Run) -> Iterator[Claim]:
    """xi_c from the decay itself, against the formula, and against its inverse, which the slides print."""
    for case in ("ordered", "chaotic"):
        curve = run.curve(case, "tanh")
        blocked = "" if not curve.empty else f"the {case} network is not in this run"
        scale = math.nan if blocked else float(curve["depth_scale"].iloc[0])
        sample, tolerance, reason = None, 0.0, "99.9 % t-interval over networks, and 5 / width for finite width"
        if not blocked and case == "ordered":
            sample = _decay(run)
            tolerance = mean_half_width(sample, level=LEVEL) + 5 / run.cfg.simulation.width * scale
        elif not blocked:
            distance = (curve["complement"] - (1 - curve["limit"])).abs()
            first, last = 20, 50  # seven depth scales at the slides' point: the next power is below 1e-3 of the first
            sample = Sample((last - first) / math.log(distance[first] / distance[last]), 0.0, 1)
            tolerance, reason = 0.02 * scale, "the square of the distance that the linear decay leaves out, 2 %"
        yield Claim(
            name=f"depth-scale/{case}",
            statement=f"layers in which |c^l - c*| falls by a factor e, for tanh in the {case} phase; published is the "
            "printed -log chi, which is the inverse",
            source=f"{SLIDES}, depth scales",
            published=None if blocked else 1 / scale,
            relation="=",
            expected=scale,
            measured=sample.mean if sample else None,
            tolerance=tolerance,
            reason=reason,
            blocked=blocked,
        )


def _decay(run: Run) -> Sample:
    """The decay length of 1 - c^l in each ordered network."""
    first, last = (run.networks("ordered", "tanh", layer) for layer in DECAY)
    return Sample.of(((DECAY[1] - DECAY[0]) / np.log(first / last)).tolist())
