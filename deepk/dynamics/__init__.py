"""Piecewise-linear dynamical systems: periods, oscillations, and what they say of deep and shallow networks."""

from deepk.dynamics.bounds import (
    Bound,
    ConstantFloor,
    constant_predictor_floor,
    l1_lower_bound,
    relu_pieces_bound,
    share_above,
)
from deepk.dynamics.composition import compose
from deepk.dynamics.crossings import crossings, linear_pieces
from deepk.dynamics.maps import PiecewiseLinearMap
from deepk.dynamics.markov import MarkovPartition, markov_partition
from deepk.dynamics.named import (
    MAP_NAMES,
    bounded_slope_map,
    get_map,
    golden_map,
    li_yorke_map,
    period_map,
    tent_map,
)
from deepk.dynamics.network import relu_network
from deepk.dynamics.numbers import GOLDEN_RATIO, Sqrt5, fibonacci
from deepk.dynamics.periods import (
    growth_rate,
    implied_periods,
    periodic_points,
    periods,
    sharkovsky_order,
    topological_entropy,
)

__all__ = [
    "GOLDEN_RATIO",
    "MAP_NAMES",
    "Bound",
    "ConstantFloor",
    "MarkovPartition",
    "PiecewiseLinearMap",
    "Sqrt5",
    "bounded_slope_map",
    "compose",
    "constant_predictor_floor",
    "crossings",
    "fibonacci",
    "get_map",
    "golden_map",
    "growth_rate",
    "implied_periods",
    "l1_lower_bound",
    "li_yorke_map",
    "linear_pieces",
    "markov_partition",
    "period_map",
    "periodic_points",
    "periods",
    "relu_network",
    "relu_pieces_bound",
    "share_above",
    "sharkovsky_order",
    "tent_map",
    "topological_entropy",
]
