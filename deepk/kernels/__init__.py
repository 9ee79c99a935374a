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
from deepk.kernels.arc_cosine import kappa_0, kappa_1
from deepk.kernels.composition import CompositionalKernel
from deepk.kernels.dot_product import ConstantKernel, DotProductKernel
from deepk.kernels.dual import DualKernel
from deepk.kernels.finite_width import network_correlations
from deepk.kernels.galton_watson import GaltonWatson, RescaledLimit, rescaled_limit
from deepk.kernels.memorization import MemorizationBounds, memorization_bounds, memorization_depth
from deepk.kernels.radial import GaussianKernel, LaplaceKernel
from deepk.kernels.structure import Health
from deepk.kernels.tangent import TangentKernel

if TYPE_CHECKING:
    from deepk.features import CompositionalFeatures, GegenbauerFeatures

__all__ = [
    "Binomial",
    "CompositionalFeatures",
    "CompositionalKernel",
    "ConstantKernel",
    "DotProductKernel",
    "DualKernel",
    "Finite",
    "GaltonWatson",
    "GaussianKernel",
    "GegenbauerFeatures",
    "Geometric",
    "Health",
    "LaplaceKernel",
    "MemorizationBounds",
    "OffspringLaw",
    "Poisson",
    "PowersOfTwo",
    "RescaledLimit",
    "TangentKernel",
    "Uniform",
    "generation_law",
    "kappa_0",
    "kappa_1",
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
