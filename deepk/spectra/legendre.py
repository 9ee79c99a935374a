"""The coefficients of a positive-definite kernel in the Legendre polynomials of a sphere.

f(t) = sum lambda_k P_k(t) with P_k(1) = 1; f(<x, y>) is positive definite on the unit sphere in R^d if and only if all
lambda_k >= 0 (Schoenberg 1942). In every dimension, where f has Taylor coefficients >= 0 alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from deepk.kernels.dot_product import DotProductKernel
from deepk.spectra.sphere import as_kernel, spectrum

_UNCERTAIN = 1e-6  # of the value at 1: coefficients less certain than this are refused


def sphere_coefficients(kernel: Any, dimension: int, degree: int) -> tuple[Float[np.ndarray, " terms"], float]:
    """lambda_0..lambda_degree of `GegenbauerFeatures`, and the share of f(1) beyond; ValueError as there."""
    kernel = as_kernel(kernel)
    found = spectrum(kernel, dimension, range(degree + 1))
    at_one = _at_one(kernel)
    if not 0 < at_one < np.inf:
        raise ValueError(f"the kernel is {at_one:g} at 1, where a positive-definite one is positive and finite")
    uncertain = found.total_errors
    if uncertain[-1] > _UNCERTAIN * at_one:
        enough = int(np.flatnonzero(uncertain <= _UNCERTAIN * at_one).max(initial=0))
        raise ValueError(
            f"degree {degree} of a kernel in dimension {dimension} cannot be told from its values: "
            f"give its Taylor coefficients, or truncation={enough}"
        )
    k = int(np.argmin(found.totals + uncertain))
    if found.totals[k] < -uncertain[k]:
        raise ValueError(f"the kernel is not positive definite: its Legendre coefficient {k} is {found.totals[k]:.2g}")
    coefficients = np.maximum(found.totals, 0.0)
    return coefficients, max(0.0, 1 - float(coefficients.sum()) / at_one)


def _at_one(kernel: Any) -> float:
    """f(1); ValueError for a sequence with a negative Taylor coefficient."""
    if isinstance(kernel, DotProductKernel):
        return kernel.at_one
    if hasattr(kernel, "coefficients"):
        return 1.0
    if callable(kernel):
        return float(np.asarray(kernel(np.ones(1)), np.float64)[0])
    taylor = np.asarray(kernel, np.float64)
    if taylor.min() < 0:
        worst = f"Taylor coefficient {taylor.min():g} is negative"
        raise ValueError(f"{worst}: the kernel is not positive definite in every dimension")
    return float(taylor.sum())
