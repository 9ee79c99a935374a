"""What `eoc-phase` claims: exact points of the edge, phases and limits, and that random networks follow them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from deepk.lab import (
    Claim,
    Finding,
    Judging,
    Resolution,
    Sample,
    absolute,
    needs,
    only,
    present,
    rounding,
    scaled_interval,
    share,
)
from experiments.eoc_phase import SMALL, START_SMALL, Config
from experiments.published.edge_of_chaos import LIMITS, PHASE_POINTS, POINTS, SCRIPT, SCRIPT_POINTS, SLIDES

QUANTITIES = (("variance", "q"), ("correlation", "correlation"), ("growth", "chi_1"))  # (measured, predicted)
DIGITS_30 = "this project: the slides' formulas by mpmath at 30 digits"
EXACT = 1e-12  # relative
# Two-sided level of each interval: of the hundred or so that a run asks for, one in ten runs fails one by chance.
LEVEL = 0.999
# Relative bias of a network's average, in units of 1 / width. Over 4000 networks of width 100 that of the variance was
# -1.5 +- 0.3 for ELU at sigma_w = 1.2, and within 0.4 for Tanh; it grows towards where the variance diverges.
BIAS = 5.0
DIGITS = 1e-15  # of an average of correlations near 1
OVERFLOW = 340.0  # log of the variance whose square is beyond float64

ON_THE_EDGE = share(1e-6, "an edge missed by so much is left after 1e6 layers, ten times as deep as any curve drawn")


@dataclass(frozen=True)
class Run:
    """The tables of a run, asked at points found by the numbers that it was given."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Config

    def rows(self, kind: str, activation: str, **numbers: float) -> pd.DataFrame:
        """Rows of theory at a point; may be none."""
        rows = self._parts.get((kind, activation), self.theory.iloc[:0])
        return _near(rows, **numbers)

    @cached_property
    def _parts(self) -> dict[tuple[str, str], pd.DataFrame]:
        """Theory, by kind and activation."""
        groups = self.theory.groupby(["kind", "activation"], sort=False)
        return {(str(kind), str(activation)): rows for (kind, activation), rows in groups}

    def predicted(self, activation: str, sigma_w: float, column: str) -> float:
        """What theory predicts of networks on the line; NaN where it does not."""
        line = self.rows("line", activation, sigma_w=sigma_w)
        return math.nan if line.empty else float(line[column].iloc[0])


def _near(table: pd.DataFrame, **numbers: float) -> pd.DataFrame:
    """The rows with these numbers, but for a rounding in their last digits."""
    for column, number in numbers.items():
        table = table[(table[column] - number).abs() <= EXACT * abs(number)]
    return table


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Every reference value, then every simulated point."""
    claim, run = Judging(), Run(theory, data, cfg)
    for part in (_edge_points, _script_points, _limits, _phases, _simulated, _missing_square):
        part(claim, run)
    return claim.claims


# --- what is solved for -----------------------------------------------------------------------------------------------


def _solved(run: Run, finding: Finding, kind: str, activation: str, column: str, **at: float) -> None:
    """Gives a number of theory.csv, exact to a few roundings."""
    needs(len(run.data), "nothing is measured yet")
    rows = run.rows(kind, activation, **at)
    needs(len(rows), "theory.csv of this run, from an older version, lacks the point")
    rows = rows.assign(diverges=(rows["phase"] == "diverging").astype(float))
    width = EXACT * abs(finding.expected)
    finding.gives(only(rows, column), rounding(width, "relative 1e-12: quadrature and fixed point in float64"))


def _edge_points(claim: Judging, run: Run) -> None:
    for point in POINTS:
        given = {point.given: float(getattr(point, point.given))}
        at = f"{point.given} = {given[point.given]:g}"
        for quantity in sorted({"sigma_b", "sigma_w", "q", "beta_q"} - set(given)):
            name = f"edge/{point.activation}/{at.replace(' ', '')}/{quantity}"
            words, exact = f"{quantity} of {point.activation} on the edge of chaos at {at}", getattr(point, quantity)
            with claim.ours(name, words, DIGITS_30, "=", exact, resolution=ON_THE_EDGE) as finding:
                _solved(run, finding, f"reference-{point.given}", point.activation, quantity, **given)


def _limits(claim: Judging, run: Run) -> None:
    """Where each edge begins; of these the slides print ReLU's."""
    for activation, exact in LIMITS.items():
        header: Any = claim.printed if activation == "relu" else claim.ours
        source = f"{SLIDES}, edge of chaos for ReLU" if activation == "relu" else "chi_1 = 1 as q -> 0: 1 / |phi'(0)|"
        words = f"sigma_w of {activation} where its edge of chaos begins, at sigma_b = 0"
        with header(f"limit/{activation}", words, source, "=", exact, resolution=ON_THE_EDGE) as finding:
            _solved(run, finding, "limit", activation, "sigma_w")


def _phases(claim: Judging, run: Run) -> None:
    """Points of the slides in either phase."""
    for point in PHASE_POINTS:
        given = {"sigma_b": point.sigma_b, "sigma_w": point.sigma_w}
        at = f"({point.sigma_b:g}, {point.sigma_w:g})"
        for quantity, exact in ({"q": point.q, "chi_1": point.chi_1} if point.q else {"diverges": 1.0}).items():
            name = f"phase/{point.activation}/{at.replace(' ', '')}/{quantity}"
            what = quantity if point.q else "1 for a diverging variance"
            words = f"{what} of {point.activation} at (sigma_b, sigma_w) = {at}"
            with claim.ours(name, words, DIGITS_30, "=", exact or math.nan, resolution=ON_THE_EDGE) as finding:
                _solved(run, finding, "check", point.activation, quantity, **given)


def _script_points(claim: Judging, run: Run) -> None:
    """Where the authors' Monte Carlo put the edge."""
    exact = {(point.activation, point.sigma_b): point for point in POINTS if point.given == "sigma_b"}
    for part, activation, sigma_b, quantity, published, precision in SCRIPT_POINTS:
        with claim.printed(
            f"script/{part}/{activation}/sigma_b={sigma_b:g}/{quantity}",
            f"{quantity} of {activation}'s edge of chaos at sigma_b = {sigma_b:g}, in the script's {part}",
            SCRIPT,
            expected=getattr(exact[activation, sigma_b], quantity),
            published=published,
            precision=precision,
            resolution=absolute(precision, "half a unit of the last printed digit"),
            explanation="Monte Carlo: all points of this comment are above the exact ones" * (part == "comment"),
        ) as finding:
            _solved(run, finding, "reference-sigma_b", activation, quantity, sigma_b=sigma_b)


# --- what networks do -------------------------------------------------------------------------------------------------


def _resolution(quantity: str, expected: float) -> Resolution:
    """The one rule for what networks have: a quarter of what tells the phases apart, and the digits of a printed q."""
    if quantity == "variance":
        return share(0.1, "the script prints Tanh's q as .5: half a unit of this digit is a tenth of it")
    if quantity == "growth":
        return share(0.06, "a quarter of what lies between the slides' chaotic point, chi_1 = 1.33, and the edge")
    width = (1 - expected) / 4 + 10 * DIGITS
    return absolute(width, "a quarter of 1 - c, which is 0 in the ordered phase alone; and digits of float64")


def _follows(run: Run, finding: Finding, activation: str, sigma_w: float, quantity: str) -> None:
    """Gives the mean over the networks at a point of the line, and its interval relative to it; of c, to 1 - c."""
    rows = _near(present(run.data, activation=activation), sigma_w=sigma_w)
    needs(len(rows), f"sigma_w={sigma_w:g}: not in this run")
    needs(len(run.rows("line", activation, sigma_w=sigma_w)), "theory.csv of this run lacks the point")
    chi_1, depth = run.predicted(activation, sigma_w, "chi_1"), run.cfg.simulation.depth
    fine = quantity != "growth" or not chi_1 < 2 * SMALL / START_SMALL
    needs(fine, f"sigma_w={sigma_w:g}: one layer makes a small difference too small for float64")
    fits = math.isfinite(run.predicted(activation, sigma_w, "q")) or depth * math.log(chi_1) < OVERFLOW
    needs(fits or quantity == "growth", f"depth={depth}: the variance is beyond float64")
    measured, scale, digits = rows[quantity].astype(float), finding.expected, 0.0
    if quantity == "correlation":
        measured, scale, digits = 1 - measured, 1 - scale, DIGITS
    sample, bias = Sample.of(measured.tolist()), BIAS / run.cfg.simulation.width * abs(scale) + digits
    interval = scaled_interval(sample, scale, over="networks", level=LEVEL)
    interval += rounding(bias, "5 / width for the bias of finite width, of a correlation c on 1 - c")
    finding.gives(1 - sample.mean if quantity == "correlation" else sample.mean, interval)


def _simulated(claim: Judging, run: Run) -> None:
    """Variance, correlation and growth at every point of the line where they have a limit.

    Where ReLU's variance diverges its correlation tends to 1 as on the edge, and a difference grows by sigma_w^2 / 2.
    """
    for activation, sigma_w in itertools.product(run.cfg.activations, run.cfg.line_sigma_w):
        diverging = (run.rows("line", activation, sigma_w=sigma_w)["phase"] == "diverging").any()
        kind = "diverging-" if diverging else "networks/"
        source = "edge of chaos for ReLU" if diverging else "information propagation and depth scales"
        for quantity, predicted in QUANTITIES:
            expected = run.predicted(activation, sigma_w, predicted)
            if diverging and math.isnan(expected):
                continue
            with claim.printed(
                f"{kind}{activation}/sigma_w={sigma_w:.10g}/{quantity}",
                f"{quantity} in random {activation} networks at (sigma_b, sigma_w) = "
                f"({run.cfg.line_sigma_b:g}, {sigma_w:g}) is the mean-field {predicted}",
                f"{SLIDES}, {source}",
                expected=expected,
                resolution=_resolution(quantity, expected),
            ) as finding:
                _follows(run, finding, activation, sigma_w, quantity)


def _missing_square(claim: Judging, run: Run) -> None:
    """The growth of a small difference, against the formula that the slides print for it."""
    sigma_w = run.cfg.line_sigma_w[-1]
    expected, printed = (run.predicted("tanh", sigma_w, column) for column in ("chi_1", "printed_chi"))
    with claim.printed(
        "missing-square/tanh",
        f"a small difference of two inputs grows by sigma_w^2 E phi'^2 in a layer of tanh at sigma_w = {sigma_w:g}; "
        "published is the printed sigma_w^2 E phi', without the square",
        f"{SLIDES}, depth scales",
        expected=expected,
        published=printed,
        resolution=absolute(abs(printed - expected) / 4, "a quarter of the distance between the two formulas"),
        explanation="the slides print chi without the square of phi'",
    ) as finding:
        _follows(run, finding, "tanh", sigma_w, "growth")
