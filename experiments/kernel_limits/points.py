"""A run of `kernel-limits` as its claims ask it: theory by curve, measured means beside it, and their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from deepk.lab import Finding, Sample, Tolerance, needs, present, t_interval
from deepk.statistics import bernstein_half_width, pooled, simultaneous
from experiments.kernel_limits import CENTERINGS, POINT, Config

NAMES = ("relu", "gelu", "sigmoid", "swish")  # the paper's
LEVEL = 0.999  # of all points of a case together
# Finite width moves a mean by at most 1.4 L / width in the paper's eight cases: measured over 4000 networks of width
# 100 at six correlations (Swish at rho = -1 and L = 1 is the largest; from L = 3 on 0.5 L / width is).
FINITE_WIDTH = 2.0
TICKS = {"unscaled": 0.2, "rescaled": 0.1, "kesten-stigum": 0.1}  # their distance in the paper's and slides' figures
WORST = (
    "the deviation that is furthest outside its interval, or else has the widest, in distances of its figure's ticks"
)


@dataclass(frozen=True)
class Points:
    """Means beside the kernel, and half the width of their intervals, all of which hold together."""

    table: pd.DataFrame
    half: np.ndarray
    reason: str

    def gives(self, finding: Finding, left: Tolerance | None = None) -> None:
        """The first mean to a claim; `left` is what its theory leaves open."""
        chance = Tolerance(float(self.half[0]), self.reason)
        finding.gives(self.table["mean"].iloc[0], chance + left if left else chance)

    def give_worst(self, finding: Finding) -> None:
        """In ticks, WORST: the claim differs where one point does, and is known as well as the least known one."""
        ticks = self.table["kind"].map(TICKS).to_numpy()
        mean, value = (self.table[name].to_numpy(dtype=float) for name in ("mean", "value"))
        off, half = np.abs(mean - value) / ticks, self.half / ticks
        outside = ~(off <= half)  # a NaN is
        shown = int(np.where(outside, off - half, -math.inf).argmax() if outside.any() else half.argmax())
        within = Tolerance(float(half[shown]), f"{self.reason}; all {len(half)} points hold together (Bonferroni)")
        kind, depth, x = self.table[["kind", "depth", "x"]].iloc[shown]
        finding.gives(float(off[shown]), within, remark=f"{kind}, L = {depth}, x = {x:g}")


@dataclass(frozen=True)
class Run:
    """A run's tables, asked for points and curves."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Config

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Pooled over seeds, beside the theory at the same point."""
        needs(len(self.data), "nothing is measured yet")
        keys = ["source", *POINT]
        beside = self.theory[self.theory["deviation"].notna()].rename(columns={"deviation": "exact_deviation"})
        return pooled(self.data, keys).merge(beside, on=POINT)

    def processes(self, **at: object) -> Points:
        """Means of rho^Z_L, in [-1, 1] where rho < 0 and else in [0, 1], with Bernstein's bound."""
        table = present(self.measured, source="branching", **at)
        value, deviation, count = (table[name].to_numpy() for name in ("value", "exact_deviation", "count"))
        negative = (table["kind"] == "unscaled") & (table["x"] < 0)
        largest = np.where(negative, 1 + np.abs(value), np.maximum(value, 1 - value))
        half = bernstein_half_width(deviation, largest, count, outside=1 - simultaneous(LEVEL, len(table)))
        return Points(table, half, "99.9 % by Bernstein's bound, from the exact variance")

    def networks(self, **at: object) -> Points:
        """Mean correlations, with their t-interval and what a finite width may change."""
        table = present(self.measured, source="networks", **at)
        level = simultaneous(LEVEL, len(table))
        samples = [Sample(*row) for row in table[["mean", "deviation", "count"]].itertuples(index=False)]
        chance = np.array([t_interval(sample, over="networks", level=level).width for sample in samples])
        half = chance + FINITE_WIDTH * table["depth"].to_numpy(dtype=float) / self.cfg.width
        reason = "99.9 % t-interval over networks, and 2 L / width, since finite width was measured to change means "
        return Points(table, half, reason + "by up to 1.4 L / width")

    def curve(self, kind: str, /, **at: object) -> pd.Series[float]:
        """Theory by x."""
        return self._theory(kind, at).set_index("x")["value"].astype(float)

    def layers(self, kind: str, /, **at: object) -> pd.Series[float]:
        """Theory by depth."""
        return self._theory(kind, at).set_index("depth")["value"].astype(float)

    def number(self, kind: str, /, **case: object) -> float:
        """Theory's mu, or exponent."""
        return float(self._theory(kind, case)["value"].iloc[0])

    def distance(self, depth: int, /, **case: object) -> float:
        """Of the rescaled kernel from its limit, the largest over t."""
        curve, limit = self.curve("rescaled", depth=depth, **case), self.curve("limit", **case)
        return float(np.abs(curve.to_numpy() - limit.to_numpy()).max())

    @property
    def cases(self) -> list[dict[str, str]]:
        """The activations of the paper and of this run, each centered and not."""
        names = dict.fromkeys([*NAMES, *self.cfg.activations])
        return [{"activation": name, "centering": centering} for name in names for centering in CENTERINGS]

    def _theory(self, kind: str, at: dict[str, object]) -> pd.DataFrame:
        """Of a case that was measured."""
        present(self.data, activation=at["activation"], centering=at["centering"])
        return present(self.theory, kind=kind, **at)
