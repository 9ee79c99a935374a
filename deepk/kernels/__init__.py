"""Compositional kernels of deep random networks, and the branching processes behind them."""

from typing import TYPE_CHECKING, Any

from deepk.branching import (
    Binomial,
    Finite,
    Geometric,
    OffspringLaw,
    Poisson,
    PowersOfTwo,
    Uniform,
    generation_law,
)
from deepk.kernels.composition import CompositionalKernel, Health
from deepk.kernels.dual import DualKernel
from deepk.kernels.finite_width import network_correlations
from deepk.kernels.galton_watson import GaltonWatson, RescaledLimit, rescaled_limit
from deepk.kernels.memorization import MemorizationBounds, memorization_bounds, memorization_depth

if TYPE_CHECKING:
    from deepk.features import CompositionalFeatures, GegenbauerFeatures

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


def __getattr__(name: str) -> Any:
    """`CompositionalFeatures` and `GegenbauerFeatures` live in `deepk.features`, which imports the kernels."""
    if name in ("CompositionalFeatures", "GegenbauerFeatures"):
        from deepk import features

        return getattr(features, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
