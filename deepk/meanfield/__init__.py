"""How variance and correlation of inputs travel through a wide random network."""

from deepk.meanfield.edge_of_chaos import EdgeOfChaos, edge_of_chaos
from deepk.meanfield.maps import chi_1, limiting_variance

__all__ = ["EdgeOfChaos", "chi_1", "edge_of_chaos", "limiting_variance"]
