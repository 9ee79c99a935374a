"""Compressed activations: L layers in one polynomial, their features for many at once, and how far these scatter.

With K^(L)(rho) = sum alpha_k rho^k, f = sum sqrt(alpha_k) h_k and Gaussian theta, K^(L)(<x, y>) = E f(<x, theta>)
f(<y, theta>) on unit vectors (Liang, Tran-Bach 2020, arXiv:2004.04767, algorithm 2).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import leggauss
from torch import Tensor

from deepk.kernels.composition import CompositionalKernel
from deepk.spectra.orthogonal import Series, hermite_recurrence, orthonormal

_PLANE = 400  # nodes on each axis: ten digits at |rho| = 0.9
_MOST = 184  # degree to which numpy has Gauss's weights, twice as many and one; beyond, they overflow


def truncated(kernel: CompositionalKernel, truncation: int) -> tuple[Float[np.ndarray, " terms"], float]:
    """alpha_0..alpha_truncation, and the share of the kernel beyond."""
    alpha = kernel.coefficients(truncation)
    return alpha, max(0.0, 1 - float(alpha.sum()))


def hermite_series(
    alpha: Float[np.ndarray, "functions terms"],
    *,
    noise: Float[np.ndarray, " functions"] | None = None,
    scale: float = 1.0,
) -> Series:
    """The compressed activations scale sum_k sqrt(alpha_rk) h_k; with `noise`, plus scale sqrt(noise_r) z."""
    amplitudes = None if noise is None else scale * np.sqrt(noise)
    return Series(scale * np.sqrt(alpha), hermite_recurrence(alpha.shape[1] - 1), noise=amplitudes)


def feature_deviation(alpha: Float[np.ndarray, " terms"], rho: float, *, within: float | None = None) -> float:
    """Standard deviation of f(U) f(V), U and V standard normal of correlation rho: of the product of one feature.

    A kernel estimate of m features has this deviation over sqrt(m). By Mehler's formula E f(U)^2 f(V)^2 = sum_j e_j^2
    rho^j with the Hermite coefficients e_j of the polynomial f^2; all digits are there, however large it is.

    Much of it may rest on values too rare to be seen. With `within`, values of |U| or |V| beyond that count as zero: at
    the c for which P(|U| > c) = 1/N it is about what N features show. |rho| < 1 then. Without, raises ValueError for a
    degree above 184.
    """
    degree = len(alpha) - 1
    if within is None:
        if degree > _MOST:
            raise ValueError(f"degree {degree}: the deviation of a feature is to be had up to degree {_MOST}")
        mean = float(alpha @ rho ** np.arange(degree + 1.0))
        nodes, weights = hermegauss(2 * degree + 1)  # exact to degree 4 degree + 1, that of f^2 h_(2 degree)
        h = orthonormal(nodes, hermite_recurrence(2 * degree))
        e = h @ (weights / weights.sum() * (np.sqrt(alpha) @ h[: degree + 1]) ** 2)
        # of a constant, nothing is left but a rounding
        return math.sqrt(max(0.0, float(e**2 @ rho ** np.arange(2 * degree + 1.0)) - mean**2))
    nodes, weights = leggauss(_PLANE)
    u = within * nodes
    f = np.sqrt(alpha) @ orthonormal(u, hermite_recurrence(degree))
    inner = (u[:, None] ** 2 - 2 * rho * np.outer(u, u) + u**2) / (1 - rho**2)
    density = np.exp(-inner / 2) / (2 * math.pi * math.sqrt(1 - rho**2)) * within**2
    mean, square = (float((weights * g) @ density @ (weights * g)) for g in (f, f**2))
    return math.sqrt(max(0.0, square - mean**2))


class FeatureMaps:
    """R compressed activations of the same products, for each of S draws of directions: made for the rows asked for.

    What is kept is <x_i, theta_j>, so R feature maps take the memory of one.
    """

    def __init__(
        self,
        x: Float[Tensor, "n d"],
        directions: Float[Tensor, "draws d m"],
        series: Series,
        noise: Float[Tensor, "draws n m"] | None = None,
    ) -> None:
        """Takes unit rows, and standard normal numbers for z if the series has noise."""
        self._series = series
        self._products = torch.stack([x @ theta for theta in directions])  # (S, n, m)
        self._noise = noise
        self._buffer = x.new_empty(0)

    def __call__(
        self, rows: Int[Tensor, "draws batch"], *, maps: slice = slice(None)
    ) -> Float[Tensor, "maps draws batch m"]:
        """The features of row `rows[s, i]` under draw s, of all maps or some; the next call overwrites them."""
        draws, n, m = self._products.shape
        chosen = (rows + n * torch.arange(draws, device=rows.device)[:, None]).ravel()
        x, z = (
            None if one is None else one.view(draws * n, m).index_select(0, chosen)
            for one in (self._products, self._noise)
        )
        assert x is not None  # noqa: S101 - the products are there
        series = self._series[maps]
        shape = (len(series), len(chosen), m)
        if self._buffer.shape != shape:
            self._buffer = x.new_empty(shape)
        return series(x, z=z, out=self._buffer).view(len(series), draws, rows.shape[1], m)
