"""The circle's eigenvalues by Fourier sums over single layers, so without a matrix and up to any n."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
from jaxtyping import Float

from deepk import activations
from deepk.kernels.dual import DualKernel, dual_kernel

LAYERS = 20_000  # at which an iteration by single layers gives up: an activation that is all but linear


def centered(name: str) -> DualKernel:
    """The dual kernel of a centered activation: one object for all who ask, which tabulates itself once."""
    return dual_kernel(activations.get(name), True)


def circulant_eigenvalues(name: str, n: int) -> Iterator[Float[np.ndarray, " n"]]:
    """The eigenvalues of K^(L) for L = 1, 2, ... on n equally spaced points of the circle, n odd.

    The matrix is circulant, so that they are the discrete Fourier transform of K^(L)(cos theta), here layer by layer.
    """
    dual = centered(name)
    complement = 2 * np.sin(np.pi * np.arange(n // 2 + 1) / n) ** 2
    for _ in range(LAYERS):
        complement = dual.complement(complement)
        row = 1 - np.concatenate([complement, complement[:0:-1]])
        yield np.fft.fft(row).real


@cache
def circle_depth(name: str, n: int, kappa: float) -> float:
    """The minimal depth on the circle; NaN where it takes very many layers."""
    for depth, eigenvalues in enumerate(circulant_eigenvalues(name, n), start=1):
        if np.abs(eigenvalues - 1).max() <= kappa:
            return depth
    return math.nan
