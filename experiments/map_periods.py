"""A point of odd period makes the iterates of a map oscillate exponentially, and a slope of 1.618 has none of period 3.

(Chatziafratis, Nagarajan, Panageas 2020, arXiv:2003.00777; slides: periods, oscillations, tight examples.)

Claim      A continuous map of an interval with a point of odd period p has iterates f^n that oscillate at least about
           rho_p^n times, rho_p the largest root of x^p - 2 x^(p-2) - 1; its Lipschitz constant is then at least rho_p.
           The map slope |x| - 1 is tight: it has period p if and only if slope >= rho_p. By Sharkovsky's theorem a
           period implies all that stand after it in 3, 5, 7, ..., 2 3, 2 5, ..., 8, 4, 2, 1.
Measured   Oscillations of f^n, counted exactly, for maps with the slides' periods; the periods that maps have; by
           bisection over rational slopes the least slope with each odd period; the number of points of period 3 at the
           slides' slope, and below and above the golden ratio; orbits against the slope.
Deviates   The slides' example maps are drawn without their formulas: those here have the same periods and none that
           stands before in Sharkovsky's order. 1.618 is less than the golden ratio rho_3 = 1.6180339..., so that the
           slides' map, said to have period 3, has no such point.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from deepk.dynamics import (
    PiecewiseLinearMap,
    bounded_slope_map,
    crossings,
    get_map,
    golden_map,
    growth_rate,
    implied_periods,
    linear_pieces,
    markov_partition,
    period_map,
    periodic_points,
    periods,
)
from deepk.lab.contract import Lab, Unit
from experiments.map_periods_claims import claims
from experiments.map_periods_figures import draw

if TYPE_CHECKING:
    from experiments.schema import MapPeriods

__all__ = ["claims", "draw", "measure", "predict", "units"]

KEY = ("part", "map", "period")
COLUMNS = (*KEY, "slope", "index", "quantity", "value")
FIGURES = ("orbits", "oscillations", "bifurcation", "sharkovsky")
KNOWN_DEVIATIONS: dict[str, str] = {}

_SAME = 1e-6  # two moduli of eigenvalues: a double one is known to the root of a rounding
SLOPE, NO_PERIOD = "slope |x| - 1", 0  # `map` of the parts about all slopes, `period` of those not about one
Rows = list[dict[str, Any]]


# --- theory -----------------------------------------------------------------------------------------------------------


def predict(cfg: MapPeriods) -> pd.DataFrame:
    """Growth rates, implied periods, and the slides' maps with their orbits."""
    rows: Rows = []
    for period in sorted({*cfg.periods, *cfg.odd, *cfg.sharkovsky}):
        rows.append(_row("growth rate", growth_rate(period), period))
        if period in cfg.sharkovsky:
            implied = implied_periods(period, up_to=cfg.up_to)
            rows += [_row("implied", float(other in implied), period, index=other) for other in _looked_for(cfg)]
    for period in cfg.periods:
        map_ = period_map(period)
        rows.append(_row("second eigenvalue", _second_eigenvalue(map_), period))
        rows += [_row("map", float(y), period, index=i) for i, y in enumerate(map_.values, start=1)]
        rows += [_row("orbit", float(map_.iterate(1, i)), period, index=i) for i in range(period + 1)]
    return pd.DataFrame(rows)


def _second_eigenvalue(map_: PiecewiseLinearMap) -> float:
    """The second modulus among the covering matrix's eigenvalues: counts are off rho^n by a multiple of its power.

    Of an even period, -rho may be one as well: counts alternate by it, and not over a whole period.
    """
    partition = markov_partition(map_)
    assert partition is not None  # noqa: S101 - its knots are a cycle
    covers = np.array([[j in partition.covered(i) for j in partition.intervals] for i in partition.intervals], float)
    sizes = np.abs(np.linalg.eigvals(covers))
    return float(sizes[sizes < sizes.max() - _SAME].max(initial=0.0))


def _row(quantity: str, value: float, period: int, *, index: int = 0) -> dict[str, Any]:
    return {"period": period, "index": index, "quantity": quantity, "value": value}


def _looked_for(cfg: MapPeriods) -> range:
    return range(1, cfg.up_to + 1)


# --- measurement ------------------------------------------------------------------------------------------------------


def units(cfg: MapPeriods) -> list[Unit]:
    """Oscillations of each map, thresholds and periods of each, the picture over slopes, and maps of one's own."""
    keys = [("oscillations", f"period {period}", period) for period in cfg.periods]
    keys += [("threshold", SLOPE, period) for period in cfg.odd]
    keys += [("sharkovsky", f"period {period}", period) for period in cfg.sharkovsky]
    keys += [(part, SLOPE, NO_PERIOD) for part in ("points", "bifurcation")]
    keys += [("own", name, NO_PERIOD) for name in cfg.maps]
    return [Unit(dict(zip(KEY, key, strict=True))) for key in keys]


def measure(cfg: MapPeriods, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Rows of one part."""
    part, period = str(unit.key["part"]), int(unit.key["period"])
    if part == "own":
        rows = _own(cfg, get_map(str(unit.key["map"])))
    else:
        rows = {
            "oscillations": _oscillations,
            "threshold": _threshold,
            "sharkovsky": _sharkovsky,
            "points": _points,
            "bifurcation": _bifurcation,
        }[part](cfg, period)
    lab.progress()
    empty = {"slope": np.nan, "index": 0}
    return pd.DataFrame([{**empty, **row} for row in rows])[list(COLUMNS[len(KEY) :])]


def _own(cfg: MapPeriods, map_: PiecewiseLinearMap) -> Rows:
    """Periods of a map, and logarithms of the pieces of its iterates."""
    has = periods(map_, cfg.up_to)
    rows: Rows = [{"index": p, "quantity": "own has", "value": float(p in has)} for p in _looked_for(cfg)]
    for n in range(1, cfg.iterations + 1):
        rows.append({"index": n, "quantity": "own log pieces", "value": math.log(linear_pieces(map_, n))})
    return rows


def _oscillations(cfg: MapPeriods, period: int) -> Rows:
    """Logarithms of the crossings of f^n between two points of the orbit."""
    map_ = period_map(period)
    low, high = (Fraction(x) for x in crossed(period))
    rows: Rows = []
    for n in range(1, cfg.iterations + 1):
        count = crossings(map_, n, low, high)
        rows.append({"index": n, "quantity": "log crossings", "value": math.log(count) if count else -math.inf})
    return rows


def crossed(period: int) -> tuple[int, int]:
    """The neighbouring points of the cycle in the middle, about which Stefan's cycle turns.

    Halves of an even period are exchanged, and their middle is crossed once: those of the first part of odd length.
    """
    odd = period // (period & -period)
    middle = ((odd if odd > 1 else period) + 1) // 2
    return middle, middle + 1


@cache
def _has(slope: Fraction, period: int) -> bool:
    return bool(periodic_points(bounded_slope_map(slope), period))


def _threshold(cfg: MapPeriods, period: int) -> Rows:
    """The least slope of slope |x| - 1 with this period, between two rational slopes."""
    low, high = Fraction(1), Fraction(2)
    for _ in range(cfg.bisections):
        middle = (low + high) / 2
        low, high = (low, middle) if _has(middle, period) else (middle, high)
    found = {"without": low, "with": high}
    return [{"slope": float(slope), "quantity": name, "value": float(slope)} for name, slope in found.items()]


def _sharkovsky(cfg: MapPeriods, period: int) -> Rows:
    has = periods(period_map(period), cfg.up_to)
    return [{"index": other, "quantity": "has", "value": float(other in has)} for other in _looked_for(cfg)]


def _points(cfg: MapPeriods, _: int) -> Rows:
    """How many points of each least period the slides' map has, and with the golden ratio, and beside it; and f^3."""
    slopes = {"slides": cfg.slope} | {f"slope {slope}": slope for slope in cfg.beside}
    maps = {name: bounded_slope_map(Fraction(str(slope))) for name, slope in slopes.items()} | {"golden": golden_map()}
    rows: Rows = []
    for name, map_ in maps.items():
        slope, third = float(map_.lipschitz), map_.compose(3)
        found = [(p, f"points, {name}", float(len(periodic_points(map_, p)))) for p in _looked_for(cfg)]
        found += [(i, f"third knot, {name}", float(x)) for i, x in enumerate(third.knots)]
        found += [(i, f"third value, {name}", float(y)) for i, y in enumerate(third.values)]
        rows += [{"slope": slope, "index": i, "quantity": name, "value": value} for i, name, value in found]
    return rows


def _bifurcation(cfg: MapPeriods, _: int) -> Rows:
    """Where orbits of slope |x| - 1 end up; in floats, which is what a picture shows."""
    rows: Rows = []
    for slope in np.linspace(1, 2, cfg.slopes + 1)[1:]:
        x = np.array([0.1234567])
        for step in range(cfg.settled + cfg.shown):
            x = slope * np.abs(x) - 1
            if step >= cfg.settled:
                rows.append({"slope": slope, "index": step, "quantity": "orbit", "value": float(x[0])})
    return rows
