"""What `map-periods` claims: growth rates, thresholds, Sharkovsky's order, and the slides' map without period 3."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cmp_to_key

import numpy as np
import pandas as pd

from deepk.dynamics import growth_rate, implied_periods, sharkovsky_order
from deepk.lab import Claim, Judging, absolute, exact, needs, only, present, rounding
from experiments.map_periods import Config
from experiments.published.depth_width import PAPER, SLOPE, SLOPE_DIGIT

ROUNDING = 1e-12  # of logarithms and roots of counts, and of the two ends of a bisection
SHARKOVSKY = "Sharkovsky 1964; slides: Sharkovsky's theorem"
TIGHT = f"{PAPER}, tight examples"
RATES = absolute(1e-5, "a third of what the slides' 1.618 lacks of the golden ratio, and with it of period 3")
COUNTS = absolute(0.5, "counts are integers")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Growth of oscillations, the least slope of each odd period, points of period 3, implied periods, own maps."""
    claim = Judging()
    for part in (_growth, _thresholds, _points, _sharkovsky, _own):
        part(claim, theory, data, cfg)
    return claim.claims


def by_index(table: pd.DataFrame, quantity: str, **at: object) -> pd.Series[float]:
    """A quantity of one map, or of maps with a period, by its index: the number of iterations, or a period."""
    return present(table, quantity=quantity, **at).set_index("index")["value"].astype(float).sort_index()


def first_period(has: pd.Series[float]) -> int:
    """Of a map's periods the one that stands before all others in Sharkovsky's order; 0 where none was found."""
    return min((int(period) for period in has.index[has > 0]), key=cmp_to_key(sharkovsky_order), default=0)


def implied_by(period: int, cfg: Config) -> list[int]:
    """The periods up to `up_to` that one implies; of a map with none known (0) its fixed point, which each map has."""
    return list(implied_periods(period, up_to=cfg.up_to)) if period else [1]


def _growth(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """Crossings of f^n grow at least like rho_p^n: for cycles that imply no more than they must, exactly so."""
    for period in cfg.periods:
        with claim.printed(
            f"growth/period-{period}",
            f"oscillations of f^n grow by rho_{period} each time, for a map with period {period} and none before it in "
            "Sharkovsky's order",
            f"{PAPER}, main lemma; slides: periods, oscillations",
            resolution=RATES,
        ) as finding:
            rate, second = (only(theory, quantity=name, period=period) for name in ("growth rate", "second eigenvalue"))
            finding.expects(rate)
            n, logs = cfg.iterations, by_index(data, "log crossings", period=period)
            needs(n > period, f"iterations={n}, no more than the period")
            # Over as many iterations as the period, since counts of an even one alternate
            grown = math.exp((logs[n] - logs[n - period]) / period)
            unsettled = 10 * (second / rate) ** (n - period) if rate > 1 else 0.0
            why = "ten times the share of the covering matrix's second eigenvalue in a count, and rounding"
            finding.gives(grown, rounding(unsettled + ROUNDING, why))


def _thresholds(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """The map slope |x| - 1 has an odd period from rho on."""
    for period in cfg.odd:
        with claim.printed(
            f"threshold/period-{period}",
            f"the least slope with which slope |x| - 1 has period {period}, by bisection",
            f"{TIGHT}; slides: if slope is less than 1.618, then no period 3 appears",
            resolution=RATES,
            precision=SLOPE_DIGIT,
        ) as finding:
            rate = only(theory, quantity="growth rate", period=period)
            finding.expects(rate, published=SLOPE if period == 3 else None)
            without, with_ = (only(data, quantity=name, period=period) for name in ("without", "with"))
            half = 2.0 ** -(cfg.bisections + 1) + ROUNDING
            why = "half the last interval of the bisection, in exact arithmetic, and rounding"
            finding.gives((without + with_) / 2, rounding(half, why))


def _points(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """The slides' map is said to have period 3, and has no such point."""
    del theory
    with claim.printed(
        "period-3/slides",
        "whether 1.618 |x| - 1, in the slides' task for its period 3, has that period (1) or not (0)",
        f"{PAPER}, slides: experimental section, period-specific task",
        expected=0.0,
        published=1.0,
        resolution=COUNTS,
        explanation="a^2 - a - 1 = -7.6e-5 at a = 1.618: it is below the golden ratio, from which on there is period 3",
    ) as finding:
        points = only(data, quantity="points, slides", index=3)
        needs(cfg.slope == SLOPE, f"slope={cfg.slope}, not {SLOPE}")
        finding.gives(np.sign(points), exact("points are counted exactly"))
    counted = {"golden": ("phi", f"{TIGHT}: the orbit 0, -1, phi - 1", 3.0)}
    threshold = f"{TIGHT}: period 3 if and only if the slope is at least the golden ratio"
    for slope in map(str, cfg.beside):
        below = Fraction(slope) ** 2 < Fraction(slope) + 1
        # Two orbits part from one as the slope passes the golden ratio
        counted[f"slope {slope}"] = (slope, threshold, 0.0 if below else 6.0)
    for name, (slope, source, expected) in counted.items():
        with claim.printed(
            f"points-of-period-3/{name.replace(' ', '-')}",
            f"points of least period 3 of {slope} |x| - 1",
            source,
            expected=expected,
            resolution=COUNTS,
        ) as finding:
            finding.gives(only(data, quantity=f"points, {name}", index=3), exact("the count is exact"))


def _sharkovsky(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """A map that has a period, and none before it in the order, has those that stand after it alone."""
    for period in cfg.sharkovsky:
        with claim.printed(
            f"sharkovsky/period-{period}",
            f"periods up to {cfg.up_to} that a map with period {period} has, or the theorem implies, and not both",
            SHARKOVSKY,
            expected=0.0,
            resolution=COUNTS,
        ) as finding:
            implied, has = by_index(theory, "implied", period=period), by_index(data, "has", period=period)
            wrong = (implied != has.reindex(implied.index)).sum()  # one that is lacking in the table is wrong as well
            finding.gives(wrong, exact("periods are found exactly, and the map has none before its own in the order"))


def _own(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """The theorems hold for a map of one's own as well."""
    del theory
    for name in cfg.maps:
        n = cfg.iterations
        with claim.printed(
            f"own-growth/{name}",
            f"{name}: the root of order {n} of the pieces of f^{n} is at least rho of its first period, up to rounding",
            f"{PAPER}, main lemma",
            ">=",
        ) as finding:
            first = first_period(by_index(data, "own has", map=name))
            needs(first > 0, "no point of a period found, though each map of an interval has a fixed one")
            finding.expects(growth_rate(first) * (1 - ROUNDING))
            logs = only(data, quantity="own log pieces", map=name, index=n)
            why = "counts are exact, and pieces of f^(m + n) at most as many as those of f^m and f^n multiplied"
            finding.gives(math.exp(logs / n), exact(why), remark=f"its first period in Sharkovsky's order is {first}")
        with claim.printed(
            f"own-periods/{name}",
            f"periods up to {cfg.up_to} that {name} has not, though its first one in Sharkovsky's order implies them",
            SHARKOVSKY,
            expected=0.0,
            resolution=COUNTS,
        ) as finding:
            has = by_index(data, "own has", map=name)
            missing = set(implied_by(first_period(has), cfg)) - set(has.index[has > 0])
            finding.gives(len(missing), exact("periods are found exactly"))
