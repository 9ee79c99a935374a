"""What `eoc-phase` claims: exact points of the edge, phases and limits, and that random networks follow them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from deepk.lab.claims import Claim
from deepk.statistics import Sample, mean_half_width
from experiments.published.edge_of_chaos import (
    LIMITS,
    PHASE_POINTS,
    POINTS,
    SCRIPT,
    SCRIPT_POINTS,
    SLIDES,
    EdgePoint,
)

if TYPE_CHECKING:
    from experiments.schema import EocPhase

EXACT = 1e-12  # relative
EXACT_REASON = "relative 1e-12: rounding of quadrature and fixed point in float64; expected is exact to 30 digits"
# Two-sided level of each interval: of the hundred or so that a run asks for, one in ten runs fails one by chance.
LEVEL = 0.999
# Relative bias of a network's average, in units of 1 / width. Over 4000 networks of width 100 that of the variance was
# -1.5 +- 0.3 for ELU at sigma_w = 1.2, and within 0.4 for Tanh; it grows towards where the variance diverges.
BIAS = 5.0
# A share of the prediction: an interval wider than that decides nothing.
WIDEST = 0.5
NETWORKS_REASON = (
    "99.9 % t-interval over networks, and the bias of finite width: 5 / width, of a correlation c that of 1 - c"
)
QUANTITIES = (("variance", "q"), ("correlation", "correlation"), ("growth", "chi_1"))  # (measured, predicted)


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: EocPhase) -> list[Claim]:
    """Every reference value, then every simulated point."""
    run = Run(theory, data, cfg)
    parts = (_edge_points, _script_points, _limits, _phases, _simulated, _missing_square, _diverging_relu)
    return [claim for part in parts for claim in part(run)]


@dataclass(frozen=True)
class Run:
    """The tables of a run, asked for one row or one sample."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: EocPhase

    def absent(self, activation: str) -> str:
        """Why the run cannot speak of an activation, or nothing."""
        return "" if (self.data["activation"] == activation).any() else f"{activation} is not in this run"

    def value(self, column: pd.Series[float]) -> tuple[float | None, str]:
        """The first value of rows of theory, or why there is none to judge."""
        if self.data.empty:
            return None, "this run has measured nothing"
        if column.empty:
            return None, "theory.csv of this run, from an older version, lacks the point"
        return float(column.iloc[0]), ""

    def rows(self, kind: str, activation: str, **values: float) -> pd.DataFrame:
        """Rows of theory at a point, found by the numbers it was asked for."""
        found = self.theory[(self.theory["kind"] == kind) & (self.theory["activation"] == activation)]
        for column, value in values.items():
            found = found[(found[column] - value).abs() <= EXACT * abs(value)]
        return found

    def sample(self, activation: str, sigma_w: float, column: str) -> tuple[Sample | None, str]:
        """A measured quantity over the networks of a point; or why it cannot be judged."""
        rows = self.data[(self.data["activation"] == activation) & (self.data["sigma_w"] == sigma_w)]
        lost = int(rows[column].isna().sum())
        if self.absent(activation):
            return None, self.absent(activation)
        if lost:
            return None, f"no {column} could be measured in {lost} of {len(rows)} networks"
        if len(rows) < 2:
            return None, "one network has no spread to test with"
        return Sample.of(rows[column].tolist()), ""


def _exact(name: str, statement: str, source: str, expected: float, solved: tuple[float | None, str]) -> Claim:
    measured, blocked = solved
    return Claim(
        name=name,
        statement=statement,
        source=source,
        relation="=",
        expected=expected,
        measured=measured,
        tolerance=EXACT * abs(expected),
        reason=EXACT_REASON,
        blocked=blocked,
    )


def _edge_points(run: Run) -> Iterator[Claim]:
    for point in POINTS:
        at = f"{point.given} = {getattr(point, point.given):g}"
        for quantity in ("sigma_b", "sigma_w", "q", "beta_q"):
            if quantity != point.given:
                yield _exact(
                    f"edge/{point.activation}/{at.replace(' ', '')}/{quantity}",
                    f"{quantity} of {point.activation} on the edge of chaos at {at}",
                    f"{SLIDES}, definition of the edge of chaos" + (", proposition 3" if quantity == "beta_q" else ""),
                    getattr(point, quantity),
                    _solved(run, point, quantity),
                )


def _solved(run: Run, point: EdgePoint, quantity: str) -> tuple[float | None, str]:
    given = {point.given: getattr(point, point.given)}
    return run.value(run.rows(f"reference-{point.given}", point.activation, **given)[quantity])


def _script_points(run: Run) -> Iterator[Claim]:
    """Where the authors' Monte Carlo put the edge."""
    exact = {(point.activation, point.sigma_b): point for point in POINTS if point.given == "sigma_b"}
    for where, activation, sigma_b, quantity, published, precision in SCRIPT_POINTS:
        point = exact[activation, sigma_b]
        expected = getattr(point, quantity)
        measured, blocked = _solved(run, point, quantity)
        yield Claim(
            name=f"script/{where}/{activation}/sigma_b={sigma_b:g}/{quantity}",
            statement=f"{quantity} of {activation}'s edge of chaos at sigma_b = {sigma_b:g}, in the script's {where}",
            source=SCRIPT,
            published=published,
            precision=precision,
            relation="=",
            expected=expected,
            measured=measured,
            tolerance=EXACT * expected,
            reason=EXACT_REASON,
            blocked=blocked,
        )


def _limits(run: Run) -> Iterator[Claim]:
    for activation, expected in LIMITS.items():
        yield _exact(
            f"limit/{activation}",
            f"sigma_w of {activation} where its edge of chaos begins, at sigma_b = 0",
            f"{SLIDES}, edge of chaos: 1 / |phi'(0)|, and sqrt(2) for ReLU",
            expected,
            run.value(run.rows("limit", activation)["sigma_w"]),
        )


def _phases(run: Run) -> Iterator[Claim]:
    for point in PHASE_POINTS:
        at = f"({point.sigma_b:g}, {point.sigma_w:g})"
        name = f"phase/{point.activation}/{at.replace(' ', '')}"
        rows = run.rows("check", point.activation, sigma_b=point.sigma_b, sigma_w=point.sigma_w)
        if point.q is None or point.chi_1 is None:
            diverging = run.value((rows["phase"] == "diverging").astype(float))
            statement = f"the variance of {point.activation} diverges at (sigma_b, sigma_w) = {at}"
            yield _exact(f"{name}/diverges", statement, f"{SLIDES}, chaotic phase", 1.0, diverging)
            continue
        for quantity, expected in (("q", point.q), ("chi_1", point.chi_1)):
            yield _exact(
                f"{name}/{quantity}",
                f"{quantity} of {point.activation} at (sigma_b, sigma_w) = {at}",
                f"{SLIDES}, ordered and chaotic phase",
                expected,
                run.value(rows[quantity]),
            )


def _interval(run: Run, measured: str, sample: Sample, expected: float) -> float:
    """Half width of the t-interval of a mean, and what finite width may add; to a correlation, to its 1 - c."""
    share = abs(1 - expected) if measured == "correlation" else abs(expected)
    return mean_half_width(sample, level=LEVEL) + BIAS / run.cfg.simulation.width * share


def _judged(
    run: Run, activation: str, sigma_w: float, measured: str, expected: float
) -> tuple[float | None, float, str]:
    """The mean over networks, its tolerance, and why they cannot be judged, or nothing."""
    sample, blocked = run.sample(activation, sigma_w, measured)
    if sample is None:
        return None, 0.0, blocked
    tolerance = _interval(run, measured, sample, expected)
    if tolerance > WIDEST * abs(expected):
        return None, tolerance, f"the interval of {sample.count} networks is +-{tolerance:.2g}"
    return sample.mean, tolerance, ""


def _simulated(run: Run) -> Iterator[Claim]:
    """Variance, correlation and growth at every point of the line where they have a limit."""
    for activation in run.cfg.activations:
        for sigma_w in run.cfg.line_sigma_w:
            line = run.rows("line", activation, sigma_w=sigma_w)
            for measured, predicted in QUANTITIES:
                expected = float(line[predicted].iloc[0])
                if not math.isfinite(expected) or (line["phase"] == "diverging").any():
                    continue
                mean, tolerance, blocked = _judged(run, activation, sigma_w, measured, expected)
                yield Claim(
                    name=f"networks/{activation}/sigma_w={sigma_w:.10g}/{measured}",
                    statement=f"{measured} in random {activation} networks at (sigma_b, sigma_w) = "
                    f"({run.cfg.line_sigma_b:g}, {sigma_w:g}) is the mean-field {predicted}",
                    source=f"{SLIDES}, information propagation and depth scales",
                    relation="=",
                    expected=expected,
                    measured=None if blocked else mean,
                    tolerance=tolerance,
                    reason=NETWORKS_REASON,
                    blocked=blocked,
                )


def _missing_square(run: Run) -> Iterator[Claim]:
    """The growth of a small difference, against the formula that the slides print for it."""
    for sigma_w in run.cfg.line_sigma_w[-1:]:
        line = run.rows("line", "tanh", sigma_w=sigma_w)
        expected, printed = (math.nan if line.empty else float(line[c].iloc[0]) for c in ("chi_1", "printed_chi"))
        mean, tolerance, blocked = _judged(run, "tanh", sigma_w, "growth", expected)
        if not blocked and abs(printed - expected) <= tolerance:
            blocked = "the interval of these networks holds the printed formula's value, too"
        yield Claim(
            name="missing-square/tanh",
            statement=f"a small difference of two inputs grows by sigma_w^2 E phi'^2 in a layer of tanh at sigma_w = "
            f"{sigma_w:g}; published is the printed sigma_w^2 E phi', without the square",
            source=f"{SLIDES}, depth scales",
            published=None if blocked else printed,
            relation="=",
            expected=expected,
            measured=None if blocked else mean,
            tolerance=tolerance,
            reason=NETWORKS_REASON,
            blocked=blocked,
        )


def _diverging_relu(run: Run) -> Iterator[Claim]:
    """Where ReLU's variance diverges, its correlation still tends to 1 as on the edge, and its gradients explode."""
    for sigma_w in run.cfg.line_sigma_w:
        if sigma_w**2 <= 2:
            continue
        line = run.rows("line", "relu", sigma_w=sigma_w)
        for measured, predicted, says in (
            ("correlation", "correlation", "tends to 1 as on the edge"),
            ("growth", "chi_1", "is sigma_w^2 / 2"),
        ):
            expected = math.nan if line.empty else float(line[predicted].iloc[0])
            mean, tolerance, blocked = _judged(run, "relu", sigma_w, measured, expected)
            yield Claim(
                name=f"diverging-relu/sigma_w={sigma_w:.10g}/{measured}",
                statement=f"with sigma_w^2 > 2 ReLU's {measured} {says}, at sigma_w = {sigma_w:g}",
                source=f"{SLIDES}, edge of chaos for ReLU",
                relation="=",
                expected=expected,
                measured=None if blocked else mean,
                tolerance=tolerance,
                reason=NETWORKS_REASON,
                blocked=blocked,
            )
