"""What theory says of `tent-compositions`: pieces, floors and bounds of shallow networks -> theory.csv."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pandas as pd

from deepk.dynamics import constant_predictor_floor, get_map, l1_lower_bound
from experiments.tent_compositions import PIECES, Config


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


def _row(quantity: str, value: float, map_: str, compositions: int, width: int = 0) -> dict[str, Any]:
    return {"map": map_, "width": width, "compositions": compositions, "quantity": quantity, "value": value}
