"""What theory says of `tent-compositions`: numbers of pieces, floors, and bounds of one layer -> theory.csv."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import pandas as pd

from deepk.dynamics import constant_predictor_floor, get_map, l1_lower_bound
from deepk.dynamics.numbers import fibonacci
from experiments.tent_compositions import Config

# Linear pieces of f^n, where there is a formula
PIECES: dict[str, Callable[[int], int]] = {"tent": lambda n: 2**n, "golden": lambda n: 2 * fibonacci(n + 1)}
ROUNDINGS = 4  # of a unit's arithmetic, each stretched by the layers after it


def predict(cfg: Config) -> pd.DataFrame:
    """Numbers of pieces by formula, where there is one, as logarithms; floors, and bounds of networks of one layer."""
    rows: list[dict[str, Any]] = []
    for name in cfg.maps:
        if name in PIECES:
            pieces = PIECES[name]
            rows += [_row("log2 pieces", math.log2(pieces(n)), name, n) for n in range(1, cfg.counted + 1)]
    first = cfg.maps[0]
    for n in cfg.targets:
        rows.append(_row("mae of a constant", constant_predictor_floor(get_map(first), n).mae, first, n))
    for n, width in product(cfg.targets, cfg.widths):
        bound = l1_lower_bound(get_map(first), n, 1, width).mean
        rows.append(_row("mean L1 bound", math.nan if bound is None else bound, first, n, width))
    return pd.DataFrame(rows)


def stretched_rounding(name: str, n: int) -> float:
    """How far the network of n layers may be from f^n: some roundings a unit, stretched by the layers after it."""
    map_ = get_map(name)
    largest, slope = max(abs(float(end)) for end in map_.interval), float(map_.lipschitz)
    return ROUNDINGS * map_.pieces * 2.0**-53 * largest * sum(slope**k for k in range(n + 1))


def _row(quantity: str, value: float, map_: str, compositions: int, width: int = 0) -> dict[str, Any]:
    return {"map": map_, "width": width, "compositions": compositions, "quantity": quantity, "value": value}
