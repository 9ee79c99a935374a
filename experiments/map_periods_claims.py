"""What `map-periods` claims: growth rates, thresholds, Sharkovsky's order, and the slides' map without period 3."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cmp_to_key
from typing import TYPE_CHECKING

import pandas as pd

from deepk.dynamics import growth_rate, implied_periods, sharkovsky_order
from deepk.lab.claims import Claim
from experiments.published.depth_width import PAPER, SLOPE, SLOPE_DIGIT

if TYPE_CHECKING:
    from experiments.schema import MapPeriods

SETTLED = 20  # iterations from which the growth of counts is exponential to rounding
ROUNDING = 1e-12


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> list[Claim]:
    """Growth of oscillations, the least slope of each odd period, points of period 3, implied periods, own maps."""
    parts = (_growth, _thresholds, _points, _sharkovsky, _own)
    return [claim for part in parts for claim in part(theory, data, cfg)]


def pick(table: pd.DataFrame, quantity: str, period: int) -> pd.Series[float]:
    """A quantity of maps with this period, by index."""
    found = table[(table["quantity"] == quantity) & (table["period"] == period)]
    return found.set_index("index")["value"].astype(float).sort_index()


def _rate(theory: pd.DataFrame, period: int) -> float:
    known = pick(theory, "growth rate", period)
    return float(known.iloc[0]) if len(known) else math.nan


def _growth(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> Iterator[Claim]:
    """Crossings of f^n grow at least like rho_p^n: for cycles that imply no more than they must, exactly so."""
    for period in cfg.periods:
        logs = pick(data, "log crossings", period)
        blocked = "" if len(logs) else f"no oscillations of period {period} in this run"
        least = max(SETTLED, period + 1)
        blocked = blocked or ("" if logs.index[-1] >= least else f"{logs.index[-1]} iterations, fewer than {least}")
        measured = None
        if not blocked:  # over as many iterations as the period, since counts of an even one alternate
            measured = math.exp((logs.iloc[-1] - logs.iloc[-1 - period]) / period)
        yield Claim(
            name=f"growth/period-{period}",
            statement=f"oscillations of f^n grow by rho_{period} each time, for a map with "
            f"period {period} and none before it in Sharkovsky's order",
            source=f"{PAPER}, main lemma; slides: periods, oscillations",
            relation="=",
            expected=_rate(theory, period),
            measured=measured,
            tolerance=0.0 if blocked else _unsettled(theory, period, int(logs.index[-1])) + ROUNDING,
            reason="ten times the share of the covering matrix's second eigenvalue in a count, and rounding",
            blocked=blocked,
        )


def _unsettled(theory: pd.DataFrame, period: int, n: int) -> float:
    """Ten times (second eigenvalue / rho)^(n - period); nothing where rho is 1, and growth is not exponential."""
    second, rate = float(pick(theory, "second eigenvalue", period).iloc[0]), _rate(theory, period)
    return 10 * (second / rate) ** (n - period) if rate > 1 else 0.0


def _thresholds(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> Iterator[Claim]:
    for period in cfg.odd:
        without, with_ = (pick(data, name, period) for name in ("without", "with"))
        blocked = "" if len(without) and len(with_) else f"no threshold of period {period} in this run"
        printed = SLOPE if period == 3 else None
        yield Claim(
            name=f"threshold/period-{period}",
            statement=f"the least slope with which slope |x| - 1 has period {period}, by bisection",
            source=f"{PAPER}, tight examples; slides: if slope is less than 1.618, then no period 3 appears",
            published=printed,
            precision=SLOPE_DIGIT,
            relation="=",
            expected=_rate(theory, period),
            measured=None if blocked else float(without.iloc[0] + with_.iloc[0]) / 2,
            tolerance=0.0 if blocked else float(with_.iloc[0] - without.iloc[0]) / 2 + ROUNDING,
            reason="half the last interval of the bisection, in exact arithmetic, and rounding",
            blocked=blocked,
        )


def _points(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> Iterator[Claim]:
    """The slides' map is said to have period 3."""
    del theory
    golden, slides = (pick(data, f"points, {name}", 0) for name in ("golden", "slides"))
    blocked = "" if 3 in golden.index and 3 in slides.index else "no points of period 3 in this run"
    other = "" if cfg.slope == SLOPE else f"slope={cfg.slope}, not {SLOPE}"
    yield Claim(
        name="period-3/slides",
        statement="whether 1.618 |x| - 1, in the slides' task for its period 3, has that period (1) or not (0)",
        source=f"{PAPER}, slides: experimental section, period-specific task",
        published=1.0,
        relation="=",
        expected=0.0,
        measured=None if blocked or other else float(slides[3] > 0),
        tolerance=0.0,
        reason="none needed: points are counted exactly; a^2 - a - 1 = -7.6e-5 at a = 1.618, below the golden ratio",
        blocked=blocked or other,
    )
    yield Claim(
        name="points-of-period-3/golden",
        statement="points of least period 3 of phi |x| - 1",
        source=f"{PAPER}, tight examples: the orbit 0, -1, phi - 1",
        relation="=",
        expected=3.0,
        measured=None if blocked else float(golden[3]),
        tolerance=0.0,
        reason="none needed: the count is exact",
        blocked=blocked,
    )
    for slope in cfg.beside:
        exact, counted = Fraction(str(slope)), pick(data, f"points, slope {slope}", 0)
        yield Claim(
            name=f"points-of-period-3/slope-{slope}",
            statement=f"points of least period 3 of {slope} |x| - 1",
            source=f"{PAPER}, tight examples: period 3 if and only if the slope is at least the golden ratio",
            relation="=",
            expected=0.0 if exact**2 < exact + 1 else 6.0,
            measured=None if 3 not in counted.index else float(counted[3]),
            tolerance=0.0,
            reason="none needed: the count is exact; two orbits part from one as the slope passes the golden ratio",
            blocked="" if 3 in counted.index else "no points of period 3 in this run",
        )


def _sharkovsky(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> Iterator[Claim]:
    for period in cfg.sharkovsky:
        implied, has = pick(theory, "implied", period), pick(data, "has", period)
        blocked = "" if len(has) else f"no periods of the map of period {period} in this run"
        yield Claim(
            name=f"sharkovsky/period-{period}",
            statement=f"periods up to {cfg.up_to} of a map with period {period} that Sharkovsky's theorem implies, and "
            "the map has, less those which only one of them does",
            source="Sharkovsky 1964; slides: Sharkovsky's theorem",
            relation="=",
            expected=float(implied.sum()),
            measured=None if blocked else float((implied * has).sum() - (implied != has).sum()),
            tolerance=0.0,
            reason="none needed: periods are found exactly, and the map has none before its own in the order",
            blocked=blocked,
        )


def of_map(data: pd.DataFrame, quantity: str, name: str) -> pd.Series[float]:
    """A quantity of a map of one's own, by index."""
    found = data[(data["quantity"] == quantity) & (data["map"] == name)]
    return found.set_index("index")["value"].astype(float).sort_index()


def first_period(has: pd.Series[float]) -> int:
    """Of the periods that a map has, the one that stands before all others in Sharkovsky's order."""
    return min((int(period) for period in has.index[has > 0]), key=cmp_to_key(sharkovsky_order))


def _own(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> Iterator[Claim]:
    """The theorems hold for a map of one's own as well."""
    del theory
    for name in cfg.maps:
        has, logs = (of_map(data, quantity, name) for quantity in ("own has", "own log pieces"))
        blocked = "" if len(has) and len(logs) else f"{name} is not in this run"
        first = 1 if blocked else first_period(has)
        missing = set(implied_periods(first, up_to=cfg.up_to)) - set(has.index[has > 0])
        n = cfg.iterations
        yield Claim(
            name=f"own-growth/{name}",
            statement=f"{name} has period {first}: the root of order {n} of the pieces of f^{n} is at least rho",
            source=f"{PAPER}, main lemma",
            relation=">=",
            expected=growth_rate(first),
            measured=None if blocked else math.exp(logs[n] / n),
            tolerance=ROUNDING,
            reason="rounding; pieces of f^(m + n) are at most as many as those of f^m and f^n multiplied",
            blocked=blocked,
        )
        yield Claim(
            name=f"own-periods/{name}",
            statement=f"periods up to {cfg.up_to} that {name} has not, though its period {first} implies them",
            source="Sharkovsky 1964; slides: Sharkovsky's theorem",
            relation="=",
            expected=0.0,
            measured=None if blocked else float(len(missing)),
            tolerance=0.0,
            reason="none needed: periods are found exactly",
            blocked=blocked,
        )
