"""What `map-periods` claims: growth rates, thresholds, Sharkovsky's order, and the slides' map without period 3."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cmp_to_key

import pandas as pd

from deepk.dynamics import growth_rate, implied_periods, sharkovsky_order
from deepk.lab import Claim, Judging, absolute, exact, needs, only, present, rounding, share, where
from experiments.map_periods import Config
from experiments.published.depth_width import PAPER, SLOPE, SLOPE_DIGIT

SETTLED = 20  # iterations from which the growth of counts is exponential to rounding
ROUNDING = 1e-12
SHARKOVSKY = "Sharkovsky 1964; slides: Sharkovsky's theorem"
COUNTS = absolute(0.5, "counts are integers")
RATES = share(1e-3, "a tenth of the distance of rho_13 and rho_15, the closest rates that the slides tell apart")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Growth of oscillations, the least slope of each odd period, points of period 3, implied periods, own maps."""
    claim = Judging()
    _growth(claim, theory, data, cfg)
    _thresholds(claim, data, cfg)
    _points(claim, data, cfg)
    _sharkovsky(claim, theory, data, cfg)
    _own(claim, data, cfg)
    return claim.claims


def series(table: pd.DataFrame, quantity: str, **at: object) -> pd.Series[float]:
    """A quantity of the maps with a period, or of a map of one's own, by index; may be empty."""
    return where(table, quantity=quantity, **at).set_index("index")["value"].astype(float).sort_index()


def first_period(has: pd.Series[float]) -> int:
    """Of the periods that a map has, the one that stands before all others in Sharkovsky's order."""
    return min((int(period) for period in has.index[has > 0]), key=cmp_to_key(sharkovsky_order))


def _growth(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """Crossings of f^n grow at least like rho_p^n: for cycles that imply no more than they must, exactly so."""
    for period in cfg.periods:
        rate = growth_rate(period)
        with claim.printed(
            f"growth/period-{period}",
            f"oscillations of f^n grow by rho_{period} each time, for a map with period {period} and none before it in "
            "Sharkovsky's order",
            f"{PAPER}, main lemma; slides: periods, oscillations",
            expected=rate,
            resolution=RATES,
        ) as finding:
            present(data, quantity="log crossings", period=period)
            logs, least = series(data, "log crossings", period=period), max(SETTLED, period + 1)
            n = int(logs.index[-1])
            needs(n >= least, f"{n} iterations, fewer than {least}")
            # Over as many iterations as the period, since counts of an even one alternate
            grown = math.exp((logs.iloc[-1] - logs.iloc[-1 - period]) / period)
            second = only(theory, quantity="second eigenvalue", period=period)
            # Where rho is 1, growth is not exponential, and nothing is left of the second eigenvalue's part.
            left = 10 * (second / rate) ** (n - period) if rate > 1 else 0.0
            why = "ten times the share of the covering matrix's second eigenvalue in a count, and rounding"
            finding.gives(grown, rounding(left + ROUNDING, why))


def _thresholds(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """slope |x| - 1 has an odd period p from slope rho_p on."""
    for period in cfg.odd:
        with claim.printed(
            f"threshold/period-{period}",
            f"the least slope with which slope |x| - 1 has period {period}, by bisection",
            f"{PAPER}, tight examples; slides: if slope is less than 1.618, then no period 3 appears",
            expected=growth_rate(period),
            published=SLOPE if period == 3 else None,
            precision=SLOPE_DIGIT,
            resolution=absolute(
                1e-5, "a third of the distance of 1.618 and the golden ratio, which decides on period 3"
            ),
        ) as finding:
            without, with_ = (only(data, quantity=side, period=period) for side in ("without", "with"))
            why = "half the last interval of the bisection, in exact arithmetic, and rounding"
            finding.gives((without + with_) / 2, rounding((with_ - without) / 2 + ROUNDING, why))


def _points(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """The slides' map is said to have period 3, and has none; from the golden ratio on there are points."""
    counted = exact("points are counted exactly")
    with claim.printed(
        "period-3/slides",
        "whether 1.618 |x| - 1, in the slides' task for its period 3, has that period (1) or not (0)",
        f"{PAPER}, slides: experimental section, period-specific task",
        expected=0,
        published=1,
        resolution=COUNTS,
        explanation="a^2 - a - 1 = -7.6e-5 at a = 1.618, which lies below the golden ratio",
    ) as finding:
        points = only(data, quantity="points, slides", index=3)
        needs(cfg.slope == SLOPE, f"slope={cfg.slope}, not {SLOPE}")
        finding.gives(points > 0, counted)
    with claim.printed(
        "points-of-period-3/golden",
        "points of least period 3 of phi |x| - 1",
        f"{PAPER}, tight examples: the orbit 0, -1, phi - 1",
        expected=3,
        resolution=COUNTS,
    ) as finding:
        finding.gives(only(data, quantity="points, golden", index=3), counted)
    for slope in cfg.beside:
        number = Fraction(str(slope))
        with claim.printed(
            f"points-of-period-3/slope-{slope}",
            f"points of least period 3 of {slope} |x| - 1",
            f"{PAPER}, tight examples: period 3 if and only if the slope is at least the golden ratio",
            expected=0 if number**2 < number + 1 else 6,
            resolution=COUNTS,
            explanation="two orbits part from one as the slope passes the golden ratio",
        ) as finding:
            finding.gives(only(data, quantity=f"points, slope {slope}", index=3), counted)


def _sharkovsky(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """A map with a period, and none before it in the order, has the periods that this one implies, and no others."""
    for period in cfg.sharkovsky:
        implied = series(theory, "implied", period=period)
        with claim.printed(
            f"sharkovsky/period-{period}",
            f"periods up to {cfg.up_to} of a map with period {period} that Sharkovsky's theorem implies, and the map "
            "has, less those which only one of them does",
            SHARKOVSKY,
            expected=implied.sum(),
            resolution=COUNTS,
        ) as finding:
            present(data, quantity="has", period=period)
            has = series(data, "has", period=period).reindex(implied.index)  # a period that is lacking counts as NaN
            both = (implied * has).to_numpy().sum() - (implied != has).sum()
            finding.gives(both, exact("periods are found exactly, and the map has none before its own in the order"))


def _own(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """The theorems hold for a map of one's own as well."""
    n = cfg.iterations
    for name in cfg.maps:
        has, logs = (series(data, f"own {quantity}", map=name) for quantity in ("has", "log pieces"))
        first = first_period(has) if len(has) else 1
        with claim.printed(
            f"own-growth/{name}",
            f"{name} has period {first}: the root of order {n} of the pieces of f^{n} is at least rho",
            f"{PAPER}, main lemma",
            ">=",
            growth_rate(first) - ROUNDING,
        ) as finding:
            present(data, map=name)
            finding.gives(
                math.exp(logs[n] / n), exact("pieces of f^(m + n) are at most those of f^m times those of f^n")
            )
        with claim.printed(
            f"own-periods/{name}",
            f"periods up to {cfg.up_to} that {name} has not, though its period {first} implies them",
            SHARKOVSKY,
            expected=0,
            resolution=COUNTS,
        ) as finding:
            present(data, map=name)
            missing = set(implied_periods(first, up_to=cfg.up_to)) - set(has.index[has > 0])
            finding.gives(len(missing), exact("periods are found exactly"))
