"""What theory says of `tent-map`: the floors of the best constant, and the bounds for each depth -> theory.csv."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from deepk.dynamics import PiecewiseLinearMap, constant_predictor_floor, get_map, l1_lower_bound, share_above
from deepk.dynamics.numbers import Number
from experiments.tent_map import Config


def predict(cfg: Config) -> pd.DataFrame:
    """Floors of the best constant for each number of compositions; bounds for each depth, where they hold."""
    rows: list[dict[str, Any]] = []
    map_ = get_map(cfg.map)
    for n in sorted({*cfg.compositions, cfg.easy, cfg.hard}):
        floor, above = constant_predictor_floor(map_, n), share_above(map_, n, turn(map_))
        found = {"mse": floor.mse, "mae": floor.mae, "sign error": min(above, 1 - above)}
        rows += [_row(quantity, value, n) for quantity, value in found.items()]
        for depth in cfg.depths:
            bound = l1_lower_bound(map_, n, depth, cfg.width).mean
            rows.append(_row("mean L1 bound", math.nan if bound is None else bound, n, depth))
    return pd.DataFrame(rows)


def turn(map_: PiecewiseLinearMap) -> Number:
    """The turning point nearest to the middle of the interval: 0 of phi |x| - 1. Signs are those of f^n less this."""
    low, high = (float(end) for end in map_.interval)
    return min(map_.turning_points, key=lambda point: abs(float(point) - (low + high) / 2))


def _row(quantity: str, value: float, compositions: int, depth: int = 0) -> dict[str, Any]:
    return {"compositions": compositions, "depth": depth, "quantity": quantity, "value": value}
