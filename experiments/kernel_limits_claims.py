"""What `kernel-limits` claims: processes and networks have the kernel's mean, and the limits are what they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from deepk.kernels import DualKernel
from deepk.lab.claims import Claim
from deepk.statistics import Sample, mean_half_width
from experiments.published.compositional_kernels import COLUMNS, PAPER

if TYPE_CHECKING:
    from experiments.schema import KernelLimits

SLIDES = f"{PAPER}, slides"
THEOREM = f"{SLIDES}, Rescaled Limit: Phase Transition"
FIGURES = f"{PAPER}, figures 3 to 6"
LIMITS = f"{SLIDES}, Kernel Limits"

NAMES = ("relu", "gelu", "sigmoid", "swish")  # the paper's
KEY = ["activation", "centering", "kind", "depth", "x"]
LEVEL = 0.999  # of each simultaneous interval
WIDEST = 0.1  # of the kernel's range [0, 1]: an interval wider than that on either side decides nothing
# Finite width moves a mean by at most 1.4 L / width in the paper's eight cases: measured over 4000 networks of width
# 100 at six correlations (Swish at rho = -1 and L = 1 is the largest; from L = 3 on 0.5 L / width is).
FINITE_WIDTH = 2.0
PRINTED_MU = COLUMNS["relu", True].mu
# Where the slides' curves of L = 1 end, read off to a tenth of the distance of their ticks.
ENDS = {"unscaled": (-0.47, 0.02), "rescaled": (0.43, 0.01)}
VISIBLE = 0.1  # a distance of curves, of the kernel's range: the spacing of the figures' ticks
ROUNDING = 1e-9  # of the tables of kernel and limit; their own error bounds are below 1e-10
RESOLVED = 1e7  # mu^L up to which the bound is not lost in rounding: its terms cancel to 1e-16 mu^L


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: KernelLimits) -> list[Claim]:
    """The identity by processes and networks first, then what the paper prints, then its limits."""
    run = Run(theory, data, cfg)
    parts = (_processes, _networks, _ends, _near_limit, _not_yet, _unconditional, _kesten_stigum, _extinction)
    return [claim for part in parts for claim in part(run)]


def pooled(data: pd.DataFrame) -> pd.DataFrame:
    """Mean, deviation and count over all seeds."""
    keys = ["source", *KEY]
    total = data["count"] * data["mean"]
    table = data.assign(total=total).groupby(keys, as_index=False, sort=False)[["total", "count"]].sum()
    table["mean"] = table["total"] / table["count"]
    spread = data.merge(table[[*keys, "mean"]], on=keys, suffixes=("", "_all"))
    spread["squares"] = (spread["count"] - 1) * spread["deviation"] ** 2
    spread["squares"] += spread["count"] * (spread["mean"] - spread["mean_all"]) ** 2
    squares = spread.groupby(keys, as_index=False, sort=False)["squares"].sum()
    table = table.merge(squares, on=keys)
    table["deviation"] = np.sqrt(table["squares"] / (table["count"] - 1))
    return table.drop(columns=["total", "squares"])


@dataclass(frozen=True)
class Run:
    """The tables of a run, asked for one curve."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: KernelLimits

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Pooled over seeds, beside the theory at the same point."""
        if self.data.empty:
            return pd.DataFrame(columns=["source", *KEY, "mean", "deviation", "count", "value", "exact_deviation"])
        beside = self.theory[self.theory["deviation"].notna()].rename(columns={"deviation": "exact_deviation"})
        return pooled(self.data).merge(beside, on=KEY)

    def points(self, source: str, activation: str, centering: str, **where: object) -> pd.DataFrame:
        """What was measured of a case."""
        found = pd.Series(True, index=self.measured.index)
        for name, value in {"source": source, "activation": activation, "centering": centering, **where}.items():
            found &= self.measured[name] == value
        return self.measured[found]

    def curve(self, kind: str, activation: str, centering: str, depth: int = 0) -> pd.Series[float]:
        """Theory by x."""
        at = self._of(kind, activation, centering)
        return at[at["depth"] == depth].set_index("x")["value"]

    def layers(self, kind: str, activation: str, centering: str) -> pd.Series[float]:
        """Theory by depth."""
        return self._of(kind, activation, centering).set_index("depth")["value"]

    def absent(self, activation: str, centering: str) -> str:
        """Why nothing can be said of a case, or nothing."""
        found = (self.data["activation"] == activation) & (self.data["centering"] == centering)
        return "" if found.any() else f"{centering} {activation} is not in this run"

    def distance(self, activation: str, centering: str, depth: int) -> float:
        """Of the rescaled kernel from its limit, the largest over t."""
        curve = self.curve("rescaled", activation, centering, depth)
        return float((curve - self.curve("limit", activation, centering)).abs().max())

    @property
    def cases(self) -> list[tuple[str, str]]:
        """The activations of this run, and those of the paper, each centered and not."""
        names = dict.fromkeys([*NAMES, *self.cfg.activations])
        return [(name, centering) for name in names for centering in ("uncentered", "centered")]

    def _of(self, kind: str, activation: str, centering: str) -> pd.DataFrame:
        table = self.theory
        return table[
            (table["kind"] == kind) & (table["activation"] == activation) & (table["centering"] == centering)
        ].sort_values(["depth", "x"])


def bernstein(deviation: np.ndarray, largest: np.ndarray, count: np.ndarray, *, outside: float) -> np.ndarray:
    """How far a mean is from its expectation at most, but for a probability `outside`: whatever the law is.

    Of `count` independent variables of this standard deviation that are never further than `largest` from their
    expectation: the e with 2 exp(-count e^2 / (2 (deviation^2 + largest e / 3))) = outside.
    """
    rate = math.log(2 / outside) / count
    third = rate * largest / 3
    return np.asarray(third + np.sqrt(third**2 + 2 * rate * deviation**2))


def _deviations(points: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Of simulated E rho^Z from K: |mean - K|, and what it is at most at all points, but for 1 - LEVEL."""
    value = points["value"].to_numpy()
    negative = (points["kind"] == "unscaled") & (points["x"] < 0)
    largest = np.where(negative, 1 + np.abs(value), np.maximum(value, 1 - value))
    allowed = bernstein(
        points["exact_deviation"].to_numpy(), largest, points["count"].to_numpy(), outside=(1 - LEVEL) / len(points)
    )
    return np.abs(points["mean"].to_numpy() - value), allowed


def _processes(run: Run) -> Iterator[Claim]:
    for activation, centering in run.cases:
        points = run.points("branching", activation, centering)
        blocked = run.absent(activation, centering) or ("" if len(points) else "no process was drawn")
        worst = math.nan
        if not blocked:
            distance, allowed = _deviations(points)
            worst = float((distance / allowed).max())
            if allowed.max() > WIDEST:
                blocked = f"{points['count'].min()} processes: an interval is +-{allowed.max():.2f}"
        yield Claim(
            name=f"branching/{activation}/{centering}",
            statement=f"simulated E rho^Z_L of {centering} {activation} is K^(L)(rho): its largest deviation over "
            f"{len(points)} points, unscaled and rescaled, in units of what chance allows",
            source=f"{SLIDES}, Branching Process and Compositional Kernels",
            relation="<=",
            expected=1.0,
            measured=None if blocked else worst,
            tolerance=0.0,
            reason="none needed: the unit is Bernstein's bound at all points at once with probability 99.9 %, from the "
            "exact variance K(rho^2) - K(rho)^2",
            blocked=blocked,
        )


def _networks(run: Run) -> Iterator[Claim]:
    for activation, centering in run.cases:
        points = run.points("networks", activation, centering)
        blocked = run.absent(activation, centering) or ("" if len(points) else "no network was drawn")
        if activation not in NAMES:
            blocked = blocked or "what finite width changes is known for the paper's activations alone"
        worst = math.nan
        if not blocked:
            allowed = _network_intervals(run, points)
            worst = float((np.abs(points["mean"] - points["value"]) / allowed).max())
            if allowed.max() > WIDEST:
                blocked = f"{points['count'].min()} networks of width {run.cfg.width}: +-{allowed.max():.2f}"
        yield Claim(
            name=f"networks/{activation}/{centering}",
            statement=f"the mean correlation in random networks of {centering} {activation} is K^(L)(rho): its largest "
            f"deviation over {len(points)} points in units of what chance and finite width allow",
            source=f"{SLIDES}, Duality: Activation and Kernel",
            relation="<=",
            expected=1.0,
            measured=None if blocked else worst,
            tolerance=0.0,
            reason="none needed: the unit is the t-interval at all points at once with probability 99.9 %, and "
            "2 L / width, since finite width was measured to change means by up to 1.4 L / width",
            blocked=blocked,
        )


def _network_intervals(run: Run, points: pd.DataFrame) -> np.ndarray:
    level = 1 - (1 - LEVEL) / len(points)
    samples = [Sample(*row) for row in points[["mean", "deviation", "count"]].itertuples(index=False)]
    chance = np.array([mean_half_width(sample, level=level) for sample in samples])
    return np.asarray(chance + FINITE_WIDTH * points["depth"].to_numpy(dtype=float) / run.cfg.width)


def _centered_relu(rho: float) -> float:
    """G = (sqrt(1 - rho^2) + rho (pi - arccos rho) - 1) / (pi - 1)."""
    return (math.sqrt((1 - rho) * (1 + rho)) + rho * (math.pi - math.acos(rho)) - 1) / (math.pi - 1)


def _ends(run: Run) -> Iterator[Claim]:
    """The lowest points of the slides' two figures, both of L = 1."""
    exact_mu = math.pi / (math.pi - 1)
    drawn = _centered_relu(math.exp(-1 / PRINTED_MU))
    ends = {
        "unscaled": ("networks", -1.0, _centered_relu(-1.0)),
        "rescaled": ("branching", 1.0, _centered_relu(math.exp(-1 / exact_mu))),
    }
    for kind, (source, x, expected) in ends.items():
        point = run.points(source, "relu", "centered", kind=kind, depth=1, x=x)
        blocked = run.absent("relu", "centered") or ("" if len(point) == 1 else "L = 1 is not in this run")
        tolerance, reason = 0.0, "99.9 % by Bernstein's bound, from the exact variance"
        if source == "networks":
            reason = "99.9 % t-interval over networks, and 2 / width for what finite width changes"
        if not blocked:
            tolerance = float((_network_intervals(run, point) if source == "networks" else _deviations(point)[1])[0])
            if tolerance > WIDEST * abs(expected):
                blocked = f"{source}: the interval is +-{tolerance:.3f}"
        printed, precision = ENDS[kind]
        where = "K^(1)(-1)" if kind == "unscaled" else "K^(1)(exp(-1/mu))"
        yield Claim(
            name=f"end/{kind}/relu",
            statement=f"the lowest point of the {kind} curves of centered ReLU, {where}, in {source}; published is "
            "read off the slide",
            source=LIMITS,
            published=printed,
            precision=precision,
            relation="=",
            expected=expected,
            measured=None if blocked else float(point["mean"].iloc[0]),
            tolerance=tolerance,
            reason=reason,
            blocked=blocked,
            explanation=""
            if kind == "unscaled"
            else f"mu is exactly {exact_mu:.4f}; with the paper's {PRINTED_MU} the point is at {drawn:.4f}",
        )


def _near_limit(run: Run) -> Iterator[Claim]:
    for activation, centering in run.cases:
        if (activation, centering) in (("relu", "uncentered"), ("sigmoid", "uncentered")):
            continue  # mu <= 1
        blocked = run.absent(activation, centering)
        depths = run.layers("bound", activation, centering).index
        if not (blocked or len(depths)):
            continue  # one of the user's own with mu <= 1, or infinite
        depth, bound, distance = max(run.cfg.depths), math.nan, math.nan
        if not blocked:
            depth = int(depths.max())
            bound = float(run.curve("bound", activation, centering, depth).max())
            distance = run.distance(activation, centering, depth)
            growth = float(run.curve("mu", activation, centering).iloc[0]) ** depth
            blocked = f"mu^{depth} = {growth:.1g}: the bound is lost in rounding" if growth > RESOLVED else ""
        yield Claim(
            name=f"near-limit/{activation}/{centering}",
            statement=f"K^(L)(exp(-t/mu^L)) of {centering} {activation} at L = {depth} is as close to its limit "
            "E exp(-t W) as theory tells: largest distance over t in [0, 1]",
            source=f"{THEOREM}; {FIGURES}",
            relation="<=",
            expected=bound,
            measured=None if blocked else distance,
            tolerance=ROUNDING,
            reason="rounding of the tables; expected is mu^L (phi(s) - exp(-s)), s = t/mu^L, phi(t) = E exp(-t W), "
            "since phi(t) = K^(L)(phi(s)) and the slope of K^(L) is at most mu^L",
            blocked=blocked,
        )


def _not_yet(run: Run) -> Iterator[Claim]:
    for activation in ("gelu", "swish"):
        depth = max(run.cfg.depths)
        blocked = run.absent(activation, "uncentered")
        blocked = blocked or ("" if depth == 7 else f"the deepest of the paper's curves is L = 7, here {depth}")
        yield Claim(
            name=f"not-yet/{activation}/uncentered",
            statement=f"the paper's deepest curve, L = 7, shows no limit yet for un-centered {activation}: its largest "
            "distance from it over t in [0, 1]",
            source=f"{PAPER}, figure 5",
            relation=">=",
            expected=VISIBLE,
            measured=None if blocked else run.distance(activation, "uncentered", depth),
            tolerance=0.0,
            reason="none needed: expected is the spacing of the figure's ticks",
            blocked=blocked,
            explanation="mu is close to 1, so that mu^7 is below 2: hence our curve of a greater depth",
        )


def _unconditional(run: Run) -> Iterator[Claim]:
    for activation in ("gelu", "swish"):
        depth = run.cfg.deep
        point = run.points("branching", activation, "uncentered", kind="rescaled", depth=depth, x=1.0)
        blocked = run.absent(activation, "uncentered")
        blocked = blocked or ("" if len(point) == 1 else f"processes of {depth} generations are not in this run")
        printed = limit = math.nan
        tolerance = 0.0
        if not blocked:
            printed, limit = (float(run.curve(kind, activation, "uncentered")[1.0]) for kind in ("printed", "limit"))
            left = float(run.curve("bound", activation, "uncentered", depth)[1.0])
            tolerance = float(_deviations(point)[1][0]) + left
            if not tolerance < abs(printed - limit) / 4:
                blocked = (
                    f"the interval is +-{tolerance:.3f}, and the two formulas are {abs(printed - limit):.3f} apart"
                )
        yield Claim(
            name=f"survival/{activation}/uncentered",
            statement=f"the limit of K^(L)(exp(-t/mu^L)) for un-centered {activation} at t = 1, as E exp(-Z_L/mu^L) at "
            f"L = {depth}; published is the printed xi + (1 - xi) E exp(-W) with W = lim Z_L/mu^L",
            source=THEOREM,
            published=None if blocked else printed,
            relation="=",
            expected=limit,
            measured=None if blocked else float(point["mean"].iloc[0]),
            tolerance=tolerance,
            reason=f"99.9 % by Bernstein's bound from the exact variance, and what theory leaves at L = {depth}",
            blocked=blocked,
            explanation="the limit is E exp(-t W) itself; the printed formula is the same if its W is conditioned on "
            "survival, and counts extinction twice if it is not",
        )


def _kesten_stigum(run: Run) -> Iterator[Claim]:
    """E Y log Y infinite at a finite mean: simulation, the limit, and the power law that leads there."""
    law = ("powers-of-two", "uncentered")
    absent = run.absent(*law)
    below, leading = run.layers("kesten-stigum", *law), run.layers("leading", *law)
    last = int(below.index.max())
    gamma = float(run.curve("exponent", *law).iloc[0])
    points = run.points("branching", *law)
    worst, blocked = math.nan, absent or ("" if len(points) else "no process was drawn")
    if not blocked:
        distance, allowed = _deviations(points)
        worst = float((distance / allowed).max())
        if allowed.max() > WIDEST:
            blocked = f"{points['count'].min()} processes: an interval is +-{allowed.max():.2f}"
    yield Claim(
        name="kesten-stigum/branching",
        statement="simulated E exp(-Z_L/mu^L) of P(Y = 2^j) = 2^-j j^-2 / S is K^(L)(exp(-1/mu^L)): its largest "
        f"deviation over L = 1..{len(points)} in units of what chance allows",
        source=f"{SLIDES}, Branching Process and Compositional Kernels",
        relation="<=",
        expected=1.0,
        measured=None if blocked else worst,
        tolerance=0.0,
        reason="none needed: the unit is Bernstein's bound at all L at once with probability 99.9 %, exact variance",
        blocked=blocked,
    )
    # The terms left out of the leading order shift x = log(1/(1-K)) where it stands under 1/x by about one.
    x = -math.log(float(leading[last]))
    tolerance = float(leading[last]) * (1 + gamma / x)
    blocked = absent or ("" if tolerance < 0.5 else f"L = {last} cannot tell a limit of 1 from one of 0")
    yield Claim(
        name="kesten-stigum/limit",
        statement=f"the limit of K^(L)(exp(-t/mu^L)) for mu_star infinite, at t = 1 and L = {last}",
        source=THEOREM,
        published=0.0,
        relation="=",
        expected=1.0,
        measured=None if blocked else 1 - float(below[last]),
        tolerance=tolerance,
        reason=f"the leading order of 1 - K at L = {last}, and gamma / log(1/(1 - K)) of it for the terms left out",
        blocked=blocked,
        explanation="with a finite mean and an infinite E Y log Y, Z_L / mu^L tends to 0 (Kesten and Stigum), so that "
        "E exp(-t Z_L/mu^L) tends to 1",
    )
    first = last // 10
    slope = math.log(float(below[first] / below[last])) / math.log(last / first)
    near, far = (-math.log(float(below[depth])) for depth in (first, last))
    tolerance = gamma * (gamma / near) ** 2
    blocked = absent or ("" if tolerance < gamma / 4 else f"at L = {first} the expansion does not hold yet")
    yield Claim(
        name="kesten-stigum/exponent",
        statement=f"1 - K^(L)(exp(-1/mu^L)) falls like L^-gamma, gamma = 1/(S mu log2 mu) = {gamma:.4f}: its power "
        f"between L = {first} and {last}, expected gamma (1 - gamma / log(1/(1 - K))) at this depth",
        source="this project: Kesten and Stigum's theorem says that the limit is 1, not how it is approached",
        relation="=",
        expected=gamma * (1 - gamma / ((near + far) / 2)),
        measured=None if blocked else slope,
        tolerance=tolerance,
        reason=f"the next order of the expansion in gamma / log(1/(1 - K)), at L = {first}",
        blocked=blocked,
    )


@lru_cache(maxsize=1)
def _sigmoid() -> DualKernel:
    return DualKernel("sigmoid")


def _extinction(run: Run) -> Iterator[Claim]:
    """mu <= 1: how 1 - K^(L)(1/e) vanishes."""
    relu, sigmoid = (run.layers("extinction", name, "uncentered") for name in ("relu", "sigmoid"))
    blocked = run.absent("relu", "uncentered")
    deep = run.cfg.deep
    measured, tolerance = math.nan, 0.0
    if not blocked:
        half = deep // 2
        # (1 - K)^(-1/2) = (sqrt 2 / 3 pi) (L + 1.5 log L + c + ...), so that both constants drop out of a difference.
        lengths = {depth: 3 * math.pi / math.sqrt(2 * float(relu[depth])) for depth in (half, deep)}
        measured = (lengths[deep] - lengths[half] - 1.5 * math.log(deep / half)) / (deep - half)
        tolerance = 1.5 * abs(lengths[half] - half) / (deep * half) * 2
        if tolerance > WIDEST:
            blocked = f"deep = {deep}: the terms left out are {tolerance:.2f} of it"
    yield Claim(
        name="extinction/relu",
        statement="1 - K^(L)(1/e) ~ 9 pi^2 / (2 L^2) for un-centered ReLU, mu = 1: growth of 3 pi / sqrt(2 (1 - K)) "
        f"per layer between L = {deep // 2} and {deep}, less its term 1.5 log L",
        source=f"{THEOREM}, mu <= 1; the rate is that of ReLU on the edge of chaos",
        relation="=",
        expected=1.0,
        measured=None if blocked else measured,
        tolerance=tolerance,
        reason="twice the next term's part, 1.5 (1.5 log L + c) / L^2, c from the curve itself",
        blocked=blocked,
    )
    first, last = sorted(run.cfg.depths)[-2:] if len(run.cfg.depths) > 1 else (0, 0)
    blocked = run.absent("sigmoid", "uncentered") or ("" if last else "one depth alone has no rate")
    mu, ratio, tolerance = math.nan, math.nan, 0.0
    if not blocked:
        mu = float(run.curve("mu", "sigmoid", "uncentered").iloc[0])
        ratio = float(sigmoid[last] / sigmoid[first]) ** (1 / (last - first))
        tolerance = float(_sigmoid().slope_gap(np.array([float(sigmoid[first])]))[0])
    yield Claim(
        name="extinction/sigmoid",
        statement=f"1 - K^(L)(1/e) ~ mu^L for un-centered sigmoid: its factor per layer between L = {first} and {last}",
        source=f"{THEOREM}, mu <= 1",
        relation="=",
        expected=mu,
        measured=None if blocked else ratio,
        tolerance=tolerance,
        reason="the factor is between G'(1) = mu and G' at the first of the two, since G is convex",
        blocked=blocked,
    )
