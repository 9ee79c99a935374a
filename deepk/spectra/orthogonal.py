"""Orthonormal polynomials under an even weight, Hermite's and Gegenbauer's, and many series of them at once."""

from __future__ import annotations

from copy import copy
from operator import index

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

# Entries at once. A torch operation costs some 3 microseconds before it computes, so tiles are large; the polynomials
# of a tile (5 MB at degree 20) and their product with the coefficients still meet in the cache. Torch gives a thread
# 32,768 entries at least.
_TILE, _GRAIN = 65_536, 32_768


def hermite_recurrence(degree: int) -> Float[np.ndarray, " {degree}"]:
    """b_1..b_degree in x h_k = b_(k+1) h_(k+1) + b_k h_(k-1) for the normalized Hermite polynomials: b_k = sqrt(k)."""
    return np.asarray(np.sqrt(np.arange(1.0, index(degree) + 1)))


def gegenbauer_recurrence(degree: int, dimension: int) -> Float[np.ndarray, " {degree}"]:
    """b_1..b_degree in x p_k = b_(k+1) p_(k+1) + b_k p_(k-1), for polynomials orthonormal on the sphere.

    The law is that of <x, theta>, theta uniform on the unit sphere in R^d, x a fixed point of it:

        b_k^2 = k (k + d - 3) / ((2k + d - 2) (2k + d - 4)),   b_1^2 = 1/d

    They are sqrt(N(d, k)) times the Legendre polynomial of dimension d that is 1 at 1, N(d, k) the number of spherical
    harmonics of degree k; sqrt(d) b_k tends to Hermite's sqrt(k) as d grows (Müller 1966, Spherical Harmonics).
    Raises ValueError for a dimension below 2.
    """
    d = index(dimension)
    if d < 2:
        raise ValueError(f"dimension = {d}: the sphere of dimension 1 is two points, and has no polynomials beyond x")
    k = np.arange(2.0, index(degree) + 1)
    squares = k * (k + d - 3) / ((2 * k + d - 2) * (2 * k + d - 4))
    return np.asarray(np.sqrt(np.concatenate([[1 / d], squares]))[:degree])


def orthonormal(
    x: Float[np.ndarray, " n"], recurrence: Float[np.ndarray, " degree"]
) -> Float[np.ndarray, "degree+1 n"]:
    """p_0..p_degree at x, from b_1..b_degree."""
    p = np.ones((len(recurrence) + 1, len(x)))
    for k, b in enumerate(recurrence):
        p[k + 1] = (x * p[k] - (recurrence[k - 1] * p[k - 1] if k else 0.0)) / b
    return p


class Series:
    """R functions f_r(x) = sum_k c_rk p_k(x) + s_r z of polynomials with x p_k = b_(k+1) p_(k+1) + b_k p_(k-1).

    All of them cost little more than one: the polynomials are computed once, by the recurrence forwards, and a matrix
    product with the coefficients follows while they are in the cache. z is a term of the caller's own, noise say.
    """

    def __init__(
        self,
        coefficients: Float[np.ndarray, "functions terms"],
        recurrence: Float[np.ndarray, " {coefficients.shape[1]}-1"],
        *,
        noise: Float[np.ndarray, " functions"] | None = None,
    ) -> None:
        """Takes c_rk, b_1..b_degree, and the s_r if z will be given."""
        # p_k = g_k q_k, so that a step is one fused operation: q_(k+1) = a_k x q_k + q_(k-1), with q_0 = 1, q_1 = x.
        b = [float(value) for value in recurrence]
        g = [1.0, *(1 / value for value in b[:1])]
        for k in range(1, len(b)):
            g.append(-b[k - 1] / b[k] * g[k - 1])
        self._slopes = [g[k] / (b[k] * g[k + 1]) for k in range(1, len(b))]
        columns = [coefficients * np.array(g)] + ([] if noise is None else [noise[:, None]])
        self._matrix = torch.from_numpy(np.concatenate(columns, axis=1))
        self.noisy = noise is not None

    def __len__(self) -> int:
        """R."""
        return len(self._matrix)

    def __getitem__(self, functions: slice) -> Series:
        """Some of the functions."""
        some = copy(self)
        some._matrix = self._matrix[functions]
        return some

    def __call__(
        self,
        x: Float[Tensor, ...],
        *,
        z: Float[Tensor, ...] | None = None,
        out: Float[Tensor, "functions ..."] | None = None,
    ) -> Float[Tensor, "functions ..."]:
        """The functions at each entry of x, of x's type and on its device; `z` goes with `noise`, and only with it."""
        if (z is not None) != self.noisy:
            raise ValueError("a series with noise takes z, and no other does")
        matrix = self._matrix.to(dtype=x.dtype, device=x.device)
        values = x.new_empty((len(matrix), *x.shape)) if out is None else out
        flat, flat_out = x.reshape(-1), values.view(len(matrix), -1)
        size = max(_TILE, _GRAIN * torch.get_num_threads())
        basis = x.new_empty((matrix.shape[1], min(size, len(flat))))
        for i in range(0, len(flat), size):
            entries = flat[i : i + size]
            tile = basis[:, : len(entries)]
            self._fill(tile, entries)
            if z is not None:
                tile[-1] = z.reshape(-1)[i : i + size]
            torch.mm(matrix, tile, out=flat_out[:, i : i + size])
        return values

    def _fill(self, q: Float[Tensor, "terms n"], x: Float[Tensor, " n"]) -> None:
        q[0] = 1
        if len(q) - self.noisy > 1:
            q[1] = x
        for k, slope in enumerate(self._slopes, start=1):
            torch.addcmul(q[k - 1], x, q[k], value=slope, out=q[k + 1])
