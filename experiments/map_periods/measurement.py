"""What is measured for `map-periods`: oscillations, thresholds and periods, counted exactly -> data.csv."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from deepk.dynamics import (
    PiecewiseLinearMap,
    bounded_slope_map,
    compose,
    crossings,
    get_map,
    golden_map,
    linear_pieces,
    period_map,
    periodic_points,
    periods,
)
from deepk.lab import Lab, Unit
from experiments.map_periods import COLUMNS, KEY, Config

SLOPE, NO_PERIOD = "slope |x| - 1", 0  # `map` of the parts about all slopes, `period` of those not about one
Rows = list[dict[str, Any]]


def units(cfg: Config) -> list[Unit]:
    """Oscillations of each map, thresholds and periods of each, the picture over slopes, and maps of one's own."""
    keys = [("oscillations", f"period {period}", period) for period in cfg.periods]
    keys += [("threshold", SLOPE, period) for period in cfg.odd]
    keys += [("sharkovsky", f"period {period}", period) for period in cfg.sharkovsky]
    keys += [(part, SLOPE, NO_PERIOD) for part in ("points", "bifurcation")]
    keys += [("own", name, NO_PERIOD) for name in cfg.maps]
    return [Unit(dict(zip(KEY, key, strict=True))) for key in keys]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
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


def _own(cfg: Config, map_: PiecewiseLinearMap) -> Rows:
    """Periods of a map, and logarithms of the pieces of its iterates."""
    has = periods(map_, cfg.up_to)
    rows: Rows = [{"index": p, "quantity": "own has", "value": float(p in has)} for p in cfg.looked_for]
    for n in range(1, cfg.iterations + 1):
        rows.append({"index": n, "quantity": "own log pieces", "value": math.log(linear_pieces(map_, n))})
    return rows


def _oscillations(cfg: Config, period: int) -> Rows:
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


def _threshold(cfg: Config, period: int) -> Rows:
    """The least slope of slope |x| - 1 with this period, between two rational slopes."""
    low, high = Fraction(1), Fraction(2)
    for _ in range(cfg.bisections):
        middle = (low + high) / 2
        low, high = (low, middle) if _has(middle, period) else (middle, high)
    found = {"without": low, "with": high}
    return [{"slope": float(slope), "quantity": name, "value": float(slope)} for name, slope in found.items()]


def _sharkovsky(cfg: Config, period: int) -> Rows:
    has = periods(period_map(period), cfg.up_to)
    return [{"index": other, "quantity": "has", "value": float(other in has)} for other in cfg.looked_for]


def _points(cfg: Config, _: int) -> Rows:
    """How many points of each least period the slides' map has, and with the golden ratio, and beside it; and f^3."""
    slopes = {"slides": cfg.slope} | {f"slope {slope}": slope for slope in cfg.beside}
    maps = {name: bounded_slope_map(Fraction(str(slope))) for name, slope in slopes.items()} | {"golden": golden_map()}
    rows: Rows = []
    for name, map_ in maps.items():
        slope, third = float(map_.lipschitz), compose(map_, 3)
        found = [(p, f"points, {name}", float(len(periodic_points(map_, p)))) for p in cfg.looked_for]
        found += [(i, f"third knot, {name}", float(x)) for i, x in enumerate(third.knots)]
        found += [(i, f"third value, {name}", float(y)) for i, y in enumerate(third.values)]
        rows += [{"slope": slope, "index": i, "quantity": name, "value": value} for i, name, value in found]
    return rows


def _bifurcation(cfg: Config, _: int) -> Rows:
    """Where orbits of slope |x| - 1 end up; in floats, which is what a picture shows."""
    rows: Rows = []
    for slope in np.linspace(1, 2, cfg.slopes + 1)[1:]:
        x = np.array([0.1234567])
        for step in range(cfg.settled + cfg.shown):
            x = slope * np.abs(x) - 1
            if step >= cfg.settled:
                rows.append({"slope": slope, "index": step, "quantity": "orbit", "value": float(x[0])})
    return rows
