"""How near trained networks come to what a theorem keeps every network away from. Imports no torch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from deepk.lab import Sample, Tolerance, t_interval

if TYPE_CHECKING:
    import pandas as pd


def nearest(absolute: pd.Series[float], squared: pd.Series[float], points: int) -> tuple[float, Tolerance]:
    """The least mean absolute error of some networks, and its interval over so many fresh points.

    Only the points are random: |f^n - g| has variance mse - mae^2 over them. Of errors that are NaN the first is given.
    """
    place = int(absolute.to_numpy().argmin())
    mean = float(absolute.iloc[place])
    spread = math.sqrt(max(float(squared.iloc[place]) - mean**2, 0.0))
    return mean, t_interval(Sample(mean, spread, points), over="fresh points")
