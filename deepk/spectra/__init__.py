"""Expansions in orthogonal polynomials: Hermite for Gaussian inputs, Gegenbauer and Legendre on the sphere."""

from deepk.spectra.endpoints import EndpointExpansion, endpoint_expansion, theorem_1
from deepk.spectra.harmonics import multiplicity
from deepk.spectra.sphere import Spectrum, reproducing_norm, spectrum

__all__ = [
    "EndpointExpansion",
    "Spectrum",
    "endpoint_expansion",
    "multiplicity",
    "reproducing_norm",
    "spectrum",
    "theorem_1",
]
