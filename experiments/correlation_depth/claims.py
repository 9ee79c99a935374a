"""What `correlation-depth` claims: the rates on the edge, gamma, the depth scale, and that random networks follow."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepk.lab import (
    Claim,
    Finding,
    Judging,
    Sample,
    Tolerance,
    absolute,
    needs,
    only,
    present,
    rounding,
    scaled_interval,
    share,
    where,
)
from deepk.statistics import median_interval
from experiments.correlation_depth import Config
from experiments.published.edge_of_chaos import GAMMAS, PAPER, RELU_COMPLEMENTS, SLIDES

KEY = ["case", "activation", "sigma_w"]
LEVEL = 0.999  # two-sided, of each interval
# Of the curves whose next term is known; the authors' for ReLU, ELU and Tanh.
SIGMA_B = {"relu": 0.0, "elu": 0.1, "tanh": 0.2, "swish": 0.2}
FEWEST = 11  # networks: 2 / 2^11, the chance that all are on one side of their median, is below 1 - LEVEL
SHARES = (0.1, 0.5, 1.0)  # of the layers up to which networks follow the theory: where they are compared
DEEP = 1000  # where the asymptote is compared, the terms left out must be small
# Layers between which the decay in the ordered phase is measured: after the start, before rounding.
DECAY = (4, 12)
ALIKE = 0.5  # |c0| up to which two inputs need no layers to part before the decay of |c - c*| in the chaotic phase

ORBIT = share(1e-9, "an iterate is exact: a wrong ninth digit would be the map's, and no rounding's")
CONSTANT = share(0.1, "a tenth moves a curve by a 24th of a decade, a line's width in the figure of the paper")
POWER = absolute(0.25, "a quarter of what lies between O(1/l) and O(1/l^2), the two that the figure compares")
CURVE = absolute(0.3, "half, on a logarithmic axis, of the factor 2.1 between the figure's curves of Tanh and ELU")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Exact values first, then what the propositions say of great depth, then random networks."""
    claim, run = Judging(), Run(theory, data, cfg)
    for part in (_relu_orbit, _rates, _powers, _gammas, _networks, _departure, _depth_scales):
        part(claim, run)
    return claim.claims


def within_theory(measured: pd.DataFrame) -> pd.DataFrame:
    """The rows of layers in which networks of this width are expected to follow the theory."""
    return measured[measured["layer"] <= measured["follows_until"]]


@dataclass(frozen=True)
class Run:
    """The tables of a run, asked for one case."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Config

    def case(self, case: str, activation: str, sigma_w: float | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Theory of a case, by layer, and what was measured of it. Raises Silent where one of them lacks it."""
        needs(len(self.data), "nothing is measured yet")
        found = []
        for table in (self.theory, self.data):
            rows = where(table, case=case, activation=activation)
            rows = rows if sigma_w is None else rows[(rows["sigma_w"] - sigma_w).abs() < 1e-9]
            needs(len(rows), f"{case} {activation} networks are not in this run")
            found.append(rows.sort_values("layer"))
        return found[0], found[1]

    def asymptotic(self, activation: str) -> pd.DataFrame:
        """Theory of an activation on its edge, where its next term is known and small."""
        curve, _ = self.case("edge", activation)
        needs(self.cfg.c0 == 0, f"c0 = {self.cfg.c0:g}, not 0")
        ours, usual = self.cfg.sigma_b.get(activation, self.cfg.default_sigma_b), SIGMA_B[activation]
        needs(ours == usual, f"sigma_b.{activation} = {ours:g}, not {usual:g}")
        needs(self.cfg.depth >= DEEP, f"depth = {self.cfg.depth}: the asymptote needs {DEEP}")
        return curve


# --- what theory approaches -------------------------------------------------------------------------------------------


def _relu_orbit(claim: Judging, run: Run) -> None:
    source = "this project: iterates of the slides' f(c) = (c arcsin c + sqrt(1 - c^2)) / pi + c / 2 at 40 digits"
    for layer, exact in RELU_COMPLEMENTS.items():
        words = f"1 - c^{layer} of ReLU on its edge of chaos from c^0 = 0"
        with claim.ours(f"relu/l={layer}", words, source, "=", exact, resolution=ORBIT) as finding:
            curve, _ = run.case("edge", "relu")
            needs(run.cfg.c0 == 0, f"c0 = {run.cfg.c0:g}, not 0")
            needs(layer <= run.cfg.depth, f"depth = {run.cfg.depth}, not {layer}")
            found = only(curve, "complement", layer=layer)
            finding.gives(found, rounding(1e-12 * exact, "relative 1e-12: rounding over up to 1000 layers"))


def _left_out(activation: str, depth: float, scale: float = 1.0) -> Tolerance:
    """How far 1 - c^l may be from its asymptote at this depth, as a share: twice the next term of its series.

    For the inputs and edges of the paper's setting; both move the term.
    """
    if activation == "relu":
        width, why = 2 * (3 * math.log(depth) + 8.8) / depth, "(3 log l + 8.8) / l relative"
    elif activation == "elu":
        width, why = 2 * 4.1 / math.sqrt(depth), "4.1 / sqrt(l) relative, since phi'' jumps"
    else:
        width, why = 2 * 2.8 * math.log(depth) / depth, "of a smooth map, 2.8 log(l) / l relative for tanh"
    return rounding(scale * width, f"twice the next term of the series, {why}, at l = {depth:.0f}")


def _rates(claim: Judging, run: Run) -> None:
    depth = run.cfg.depth
    for activation, proposition in (("relu", 1), ("elu", 3), ("tanh", 3), ("swish", 3)):
        source = (
            f"{PAPER}, proposition {proposition}: 1 - c^l ~ {'9 pi^2 / (2 l^2)' if proposition == 1 else 'beta_q / l'}"
        )
        words = f"1 - c^l of {activation} over its asymptote, at l = {depth}"
        with claim.printed(f"rate/{activation}", words, source, "=", 1.0, resolution=CONSTANT) as finding:
            last = run.asymptotic(activation).iloc[-1]
            finding.gives(last["complement"] / last["asymptote"], _left_out(activation, depth))


def _powers(claim: Judging, run: Run) -> None:
    source = f"{SLIDES}, figure 'Impact of the smoothness': O(1/l^2) for ReLU, O(1/l) for ELU and Tanh"
    for activation, power in (("relu", 2), ("elu", 1), ("tanh", 1)):
        words = f"the power of l with which 1 - c^l of {activation} falls, at l = {run.cfg.depth}"
        with claim.printed(f"power/{activation}", words, source, "=", power, resolution=POWER) as finding:
            before, last = (row for _, row in run.asymptotic(activation).iloc[-2:].iterrows())
            found = _fall(before["complement"], last["complement"]) / math.log(last["layer"] / before["layer"])
            finding.gives(found, _left_out(activation, before["layer"]))


def _fall(before: float, after: float) -> float:
    """log(before / after); NaN where it has none."""
    return math.log(before / after) if after and before / after > 0 else math.nan


def _gammas(claim: Judging, run: Run) -> None:
    source = f"{PAPER}, proposition 1: a constant gamma > 0, which is (sigma_w^2 / (2 + sigma_w^2))^2"
    for squared, gamma in GAMMAS.items():
        words = f"(1 - c^l) / (1 - cbar^l), plain over residual ReLU at sigma_w^2 = {squared:g}, at l = {run.cfg.depth}"
        with claim.printed(f"gamma/sigma_w^2={squared:g}", words, source, "=", gamma, resolution=CONSTANT) as finding:
            plain, (residual, _) = run.asymptotic("relu"), run.case("residual", "relu", math.sqrt(squared))
            found = plain["complement"].iloc[-1] / residual["complement"].iloc[-1]
            # At l sqrt(gamma) the plain network is as far as the residual one at l.
            finding.gives(found, _left_out("relu", run.cfg.depth * math.sqrt(gamma), gamma))


# --- what networks do -------------------------------------------------------------------------------------------------


def _networks(claim: Judging, run: Run) -> None:
    """The median over networks, at three depths up to where the width allows a comparison."""
    edge = [(name, ("edge", name, None)) for name in run.cfg.activations]
    residual = [(f"residual/sigma_w^2={s**2:.4g}", ("residual", "relu", s)) for s in run.cfg.residual_sigma_w]
    for (name, case), part in itertools.product([*edge, *residual], SHARES):
        with claim.printed(
            f"networks/{name}/share={part:g}",
            f"median of 1 - c^l in random networks over the theory, {name}, at {part:g} of the layers that follow",
            f"{SLIDES}, information propagation; figure 'Impact of the smoothness'",
            expected=1.0,
            resolution=CURVE,
        ) as finding:
            curve, networks = run.case(*case)
            until, kept = max(1.0, part * curve["follows_until"].iloc[0]), {*networks["layer"]} & {*curve["layer"]}
            layer = max((at for at in kept if at <= until), default=0)
            middle, low, high = _median(curve, networks, layer)
            bias = rounding(layer / run.cfg.simulation.width, "l / width by which finite width lowers it")
            finding.gives(middle, _interval((high - low) / 2 / (middle or 1.0)) + bias, remark=f"at l = {layer}")


def _median(curve: pd.DataFrame, networks: pd.DataFrame, layer: int) -> tuple[float, float, float]:
    """Of the networks' 1 - c^l over the theory, with the ends of its interval; too few networks have none."""
    ratio = present(networks, layer=layer)["complement"] / only(curve, "complement", layer=layer)
    middle, low, high = median_interval(ratio.tolist(), level=LEVEL)
    return (middle, low, high) if len(ratio) >= FEWEST else (middle, -math.inf, math.inf)


def _interval(width: float) -> Tolerance:
    why = f"99.9 % interval of a median by order statistics, for which it takes {FEWEST} networks"
    return rounding(0.0 if math.isnan(width) else width, why)


def _departure(claim: Judging, run: Run) -> None:
    """At a depth like the width the median is further below the theory than what matters to the figure."""
    source, width = "this project: where the theory of infinite width stops to hold", run.cfg.simulation.width
    departed = 1 - CURVE.width
    for activation in ("relu", "elu", "tanh"):
        words = f"at l = width the median network of {activation} has at most {departed:g} of the predicted 1 - c^l"
        with claim.ours(f"departure/{activation}", words, source, "<=", departed) as finding:
            middle, low, high = _median(*run.case("edge", activation), width)
            towards = high - middle if middle <= departed else middle - low  # the side on which the bound is
            finding.gives(middle, _interval(towards))


def _depth_scales(claim: Judging, run: Run) -> None:
    """xi_c from the decay itself, against its formula; published is the formula as the slides print it."""
    for case, how in (("ordered", "in random networks"), ("chaotic", "by iterating the map")):
        theory = where(run.theory, case=case, activation="tanh")[["depth_scale", "printed"]]
        scale, printed = theory.iloc[0] if len(theory) else (math.nan, math.nan)
        with claim.printed(
            f"depth-scale/{case}",
            f"layers in which |c^l - c*| falls by a factor e, for tanh in the {case} phase, {how}; "
            "published is the printed -log chi, chi without its square",
            f"{SLIDES}, depth scales",
            expected=scale,
            published=printed,
            resolution=absolute(abs(printed - scale) / 4, "a quarter of the distance between the two formulas"),
            explanation="the slides print xi_c = -log chi: the inverse, and chi without the square of phi'",
        ) as finding:
            curve, networks = run.case(case, "tanh")
            alike = curve["limit"].iloc[0] == 1
            needs(math.isfinite(scale) and alike == (case == "ordered"), f"the chosen point is not in the {case} phase")
            if case == "ordered":
                _in_networks(run, finding, networks)
            else:
                _of_the_map(run, finding, curve)


def _in_networks(run: Run, finding: Finding, networks: pd.DataFrame) -> None:
    """The decay length of 1 - c^l in each network, between two layers."""
    first, last = (present(networks, layer=at).set_index(["seed", "network"])["complement"] for at in DECAY)
    with np.errstate(divide="ignore", invalid="ignore"):
        sample = Sample.of(((DECAY[1] - DECAY[0]) / np.log(first / last)).tolist())
    bias = rounding(5 / run.cfg.simulation.width * finding.expected, "5 / width for finite width")
    finding.gives(sample.mean, scaled_interval(sample, finding.expected, over="networks", level=LEVEL) + bias)


def _of_the_map(run: Run, finding: Finding, curve: pd.DataFrame) -> None:
    """The decay length of |c - c*| once it is the linear one, from three to seven lengths."""
    first, last = round(3 * finding.expected), round(7 * finding.expected)
    away = (curve.set_index("layer")["complement"] - (1 - curve["limit"].iloc[0])).abs()
    needs({first, last} <= set(away.index), f"depth = {away.index.max()}: no layers {first} and {last} for the decay")
    needs(abs(run.cfg.c0) <= ALIKE, f"c0 = {run.cfg.c0:g}: so far from c* that the decay begins late")
    fall = _fall(away[first], away[last])
    why = "2 %: the square of the distance, which the linear decay leaves out"
    finding.gives((last - first) / fall if fall else math.inf, rounding(0.02 * finding.expected, why))
