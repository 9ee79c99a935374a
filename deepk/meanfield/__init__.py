"""How variance and correlation of inputs travel through a wide random network."""

from deepk.meanfield.diagnosis import Diagnosis, diagnose
from deepk.meanfield.edge_of_chaos import EdgeOfChaos, Rate, edge_of_chaos, rate
from deepk.meanfield.finite_width import PairPropagation, propagate_pair
from deepk.meanfield.maps import MeanField
from deepk.meanfield.residual import residual_complements, residual_correlation_map, residual_gamma

__all__ = [
    "Diagnosis",
    "EdgeOfChaos",
    "MeanField",
    "PairPropagation",
    "Rate",
    "diagnose",
    "edge_of_chaos",
    "propagate_pair",
    "rate",
    "residual_complements",
    "residual_correlation_map",
    "residual_gamma",
]
