"""What theory says of `map-periods`: growth rates, implied periods, and maps with their cycles -> theory.csv."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from deepk.dynamics import PiecewiseLinearMap, growth_rate, implied_periods, markov_partition, period_map
from experiments.map_periods import Config

_SAME = 1e-6  # two moduli of eigenvalues: a double one is known to the root of a rounding


def predict(cfg: Config) -> pd.DataFrame:
    """Growth rates, implied periods, and the slides' maps with their orbits."""
    rows: list[dict[str, Any]] = []
    for period in sorted({*cfg.periods, *cfg.odd, *cfg.sharkovsky}):
        rows.append(_row("growth rate", growth_rate(period), period))
        if period in cfg.sharkovsky:
            implied = implied_periods(period, up_to=cfg.up_to)
            rows += [_row("implied", float(other in implied), period, index=other) for other in cfg.looked_for]
    for period in cfg.periods:
        map_ = period_map(period)
        rows.append(_row("second eigenvalue", second_eigenvalue(map_), period))
        rows += [_row("map", float(y), period, index=i) for i, y in enumerate(map_.values, start=1)]
        rows += [_row("orbit", float(map_.iterate(1, i)), period, index=i) for i in range(period + 1)]
    return pd.DataFrame(rows)


def second_eigenvalue(map_: PiecewiseLinearMap) -> float:
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
