"""Compositional kernels of deep random networks, and the branching processes behind them."""

from deepk.kernels.branching import GaltonWatson, RescaledLimit, rescaled_limit
from deepk.kernels.composition import CompositionalKernel, Health
from deepk.kernels.dual import DualKernel
from deepk.kernels.features import CompositionalFeatures, GegenbauerFeatures
from deepk.kernels.finite_width import network_correlations
from deepk.kernels.generations import generation_law
from deepk.kernels.laws import OffspringLaw
from deepk.kernels.memorization import MemorizationBounds, memorization_bounds, memorization_depth
from deepk.kernels.named_laws import Binomial, Finite, Geometric, Poisson, PowersOfTwo, Uniform

__all__ = [
    "Binomial",
    "CompositionalFeatures",
    "CompositionalKernel",
    "DualKernel",
    "Finite",
    "GaltonWatson",
    "GegenbauerFeatures",
    "Geometric",
    "Health",
    "MemorizationBounds",
    "OffspringLaw",
    "Poisson",
    "PowersOfTwo",
    "RescaledLimit",
    "Uniform",
    "generation_law",
    "memorization_bounds",
    "memorization_depth",
    "network_correlations",
    "rescaled_limit",
]
