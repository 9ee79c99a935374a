"""The kernel of a deep random network: L times the dual kernel of its activation, at the cost of one.

(Liang, Tran-Bach 2020, arXiv:2004.04767; Cho and Saul 2009 for ReLU.)
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from operator import index
from typing import Any, overload

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepk import activations
from deepk.activations import Activation
from deepk.arrays import Array, elementwise
from deepk.branching.generations import generation_law
from deepk.branching.iterates import Iterate, iterate
from deepk.kernels.dual import DualKernel, correlation, dual_kernel

_TILE = 512  # rows and columns of a Gram matrix at once: 2 MB an array, so that a polynomial is evaluated in the cache
_EPS = float(np.finfo(np.float64).eps)
_UNCERTAIN = 1e-8  # uncertainty of an entry that a user is warned of
# Roundings in a product of two unit vectors, at least, and for each sqrt(d): 3.8 were measured at d = 784, 26 at 10^5.
_PRODUCT, _PRODUCT_GROWTH = 4, 0.25


@dataclass(frozen=True)
class Health:
    """What a Gram matrix is good for.

    Attributes:
        smallest_eigenvalue: negative, or lost in rounding, where the matrix is not positive definite in float64.
        largest_eigenvalue: of the same matrix.
        condition: their ratio; infinite where the smallest is not positive.
        symmetric: whether it equals its transpose, entry by entry.
        dtype: of its entries.
        amplification: mu^L eps, by which a rounding of rho near 1 moves an entry.
    """

    smallest_eigenvalue: float
    largest_eigenvalue: float
    condition: float
    symmetric: bool
    dtype: str
    amplification: float


@dataclass(frozen=True)
class CompositionalKernel:
    """K^(L)(rho) = G(G(...G(rho))), L times, on inputs of correlation rho in [-1, 1], G the normalized dual kernel.

    K^(L)(x . y / |x| |y|) is the covariance of the last layer's units of an infinitely wide random network whose
    layers are normalized, sigma(W x / |x|). The map of L layers is tabulated once (`deepk.branching.iterates`), so
    that a Gram matrix costs the same at every depth.

    Attributes:
        activation: a known name, or an `Activation`; kept as an `Activation`.
        depth: L >= 1.
        centered: whether sigma - E sigma takes the place of sigma.

    Raises ValueError as `DualKernel` does, or for a depth below 1.
    """

    activation: Activation
    depth: int
    centered: bool

    def __init__(self, activation: str | Activation, depth: int, *, centered: bool = False) -> None:
        """Checks; what is computed is computed on first use."""
        dual = dual_kernel(activations.get(activation), bool(centered))
        if index(depth) < 1:
            raise ValueError(f"depth = {depth} is not at least 1")
        for name, value in (("activation", dual.activation), ("depth", index(depth)), ("centered", dual.centered)):
            object.__setattr__(self, name, value)

    @property
    def dual(self) -> DualKernel:
        """One layer."""
        return dual_kernel(self.activation, self.centered)

    @property
    def _iterate(self) -> Iterate:
        return iterate(self.dual, self.depth)

    @property
    def error_bound(self) -> float:
        """Relative error of theta_L = arccos K; that of 1 - K, and the error of K, are at most twice it."""
        return self._iterate.error_bound

    @overload
    def __call__(self, rho: Tensor) -> Tensor: ...
    @overload
    def __call__(self, rho: float) -> float: ...
    @overload
    def __call__(self, rho: np.ndarray) -> np.ndarray: ...
    def __call__(self, rho: float | np.ndarray | Tensor) -> float | np.ndarray | Tensor:
        """K(rho), like rho a number, array or tensor; ValueError for a rho outside [-1, 1] beyond rounding."""
        if isinstance(rho, Tensor):
            value = self._kernel(correlation(rho.detach()).double())
            return value.to(rho.dtype if rho.is_floating_point() else value.dtype)
        return elementwise(lambda c: self._kernel(torch.from_numpy(c)).numpy(), correlation(rho))

    def _kernel(self, rho: Float[Tensor, ...]) -> Float[Tensor, ...]:
        parity = self.dual.parity
        value = self._iterate((rho.abs() if parity else rho).acos()).cos()
        return value.copysign(rho) if parity == -1 else value

    @overload
    def complement(self, one_minus_rho: Tensor) -> Tensor: ...
    @overload
    def complement(self, one_minus_rho: float) -> float: ...
    @overload
    def complement(self, one_minus_rho: np.ndarray) -> np.ndarray: ...
    def complement(self, one_minus_rho: float | np.ndarray | Tensor) -> float | np.ndarray | Tensor:
        """1 - K(1 - u) for u in [0, 2], relatively accurate however small u is; like u a number, array or tensor."""
        return elementwise(self._complement, one_minus_rho)

    def _complement(self, u: Array) -> Array:
        if u.size and not (np.min(u) >= 0 and np.max(u) <= 2):
            raise ValueError(f"1 - rho = {u[~((u >= 0) & (u <= 2))].flat[0]} is not in [0, 2]")
        parity = self.dual.parity
        folded = np.where(u > 1, 2 - u, u) if parity else u
        theta = self._iterate(torch.from_numpy(2 * np.arcsin(np.sqrt(folded / 2)))).numpy()
        value = 2 * np.sin(theta / 2) ** 2
        return np.asarray(np.where(u > 1, 2 - value, value) if parity == -1 else value)

    def coefficients(self, degree: int) -> Float[np.ndarray, " {degree}+1"]:
        """P(Z_L = k) for k = 0..degree, the Taylor coefficients of K; see `generation_law` for their accuracy."""
        return generation_law(self.dual, self.depth, degree)

    @overload
    def gram(self, X: Tensor, Y: Tensor | None = None, *, out: Any = None) -> Tensor: ...
    @overload
    def gram(self, X: np.ndarray, Y: np.ndarray | None = None, *, out: Any = None) -> np.ndarray: ...
    def gram(self, X: Any, Y: Any = None, *, out: Any = None) -> Any:
        """K of the correlations of the rows of X with those of Y, or with each other.

        Rows are scaled to norm one, so the kernel is that of their directions. Computed in float64, tile by tile: it
        takes a copy of X and Y beside the result. Of X with itself it is exactly symmetric, with ones on its diagonal.

        Args:
            X: array or tensor of shape (n, d); entries of any numeric type.
            Y: the same of shape (m, d); X by default.
            out: an array or tensor of shape (n, m) to write to, a `numpy.memmap` say; a new one of X's floating-point
                type (else float64) by default.

        Raises ValueError for rows that are zero or not finite, or shapes that do not fit. Warns where rows are so close
        that the rounding of rho, amplified by up to mu^L, leaves an entry uncertain by more than 1e-8.
        """
        same = Y is None or Y is X
        a = unit_rows(X, "X")
        b = a if same else unit_rows(Y, "Y").to(a.device)
        if a.shape[1] != b.shape[1]:
            raise ValueError(f"rows of X have {a.shape[1]} entries, those of Y {b.shape[1]}")
        result = _empty(X, (len(a), len(b))) if out is None else out
        _check_out(result, (len(a), len(b)))
        closest = -1.0
        for i in range(0, len(a), _TILE):
            rows = slice(i, min(i + _TILE, len(a)))
            for j in range(i if same else 0, len(b), _TILE):
                columns = slice(j, min(j + _TILE, len(b)))
                rho = (a[rows] @ b[columns].T).clamp_(-1, 1)
                value = self._kernel(rho)
                if same and i == j:
                    value = value.triu(1) + value.triu(1).T
                    value.fill_diagonal_(1)
                    rho.fill_diagonal_(-1 if not self.dual.parity else 0)
                closest = max(closest, float((rho.abs() if self.dual.parity else rho).max()))
                _write(result, rows, columns, value)
                if same and i != j:
                    _write(result, columns, rows, value.T)
        self._warn(closest, a.shape[1])
        return result

    def _warn(self, closest: float, d: int) -> None:
        """Warns of roundings of rho that K amplifies: by (1 - K) / (1 - rho) at most, as K is convex on [0, 1]."""
        u = max(1 - closest, _EPS)
        uncertainty = min(1.0, max(_PRODUCT, _PRODUCT_GROWTH * math.sqrt(d)) * _EPS * self.complement(u) / u)
        if uncertainty > _UNCERTAIN:
            what = f"rounding leaves their entries uncertain by {uncertainty:.0e}"
            warnings.warn(f"rows are as close as 1 - |rho| = {u:.1g}: {what}", stacklevel=3)

    def health(self, X: np.ndarray | Tensor) -> Health:
        """Extreme eigenvalues, symmetry and precision of the Gram matrix of X."""
        gram = torch.as_tensor(self.gram(X))
        eigenvalues = torch.linalg.eigvalsh(gram.double())
        smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
        return Health(
            smallest_eigenvalue=smallest,
            largest_eigenvalue=largest,
            condition=largest / smallest if smallest > 0 else math.inf,
            symmetric=bool((gram == gram.T).all()),
            dtype=str(gram.dtype).removeprefix("torch."),
            amplification=self._amplification(),
        )

    def _amplification(self) -> float:
        with np.errstate(over="ignore"):
            return float(np.float64(self.dual.mu) ** self.depth * _EPS)


def unit_rows(rows: Any, name: str) -> Float[Tensor, "n d"]:
    """A copy in float64, each row of norm one; ValueError where that cannot be."""
    if rows.is_complex() if isinstance(rows, Tensor) else np.iscomplexobj(rows):
        raise ValueError(f"{name} is complex; it takes real numbers")
    if not isinstance(rows, Tensor):
        unit = torch.from_numpy(np.array(rows, dtype=np.float64, order="C"))
    else:
        unit = rows.detach().to(torch.float64, copy=True)
    if unit.ndim != 2 or 0 in unit.shape:
        raise ValueError(f"{name} has shape {tuple(unit.shape)}; it takes rows, (n, d)")
    size = unit.amax(dim=1, keepdim=True).maximum(-unit.amin(dim=1, keepdim=True))
    for bad, what in ((~size.isfinite(), "not finite"), (size == 0, "zero, and has no direction")):
        if bad.any():
            raise ValueError(f"row {int(bad.ravel().nonzero()[0])} of {name} is {what}")
    unit /= size  # so that no square overflows
    unit /= unit.norm(dim=1, keepdim=True)
    return unit


def _empty(like: Any, shape: tuple[int, int]) -> Any:
    """An array or tensor of this shape, like the input, of its floating-point type or float64."""
    if isinstance(like, Tensor):
        return torch.empty(shape, dtype=like.dtype if like.is_floating_point() else torch.float64, device=like.device)
    kind = np.asarray(like).dtype
    return np.empty(shape, dtype=kind if np.issubdtype(kind, np.floating) else np.float64)


def _write(result: Any, rows: slice, columns: slice, value: Tensor) -> None:
    result[rows, columns] = value if isinstance(result, Tensor) else value.numpy(force=True)


def _check_out(out: Any, shape: tuple[int, int]) -> None:
    """ValueError for an `out` of another shape, or that would truncate."""
    if not isinstance(out, Tensor | np.ndarray):
        raise ValueError(f"out is a {type(out).__name__}; it takes an array or tensor")
    floating = out.is_floating_point() if isinstance(out, Tensor) else np.issubdtype(out.dtype, np.floating)
    if tuple(out.shape) != shape or not floating:
        raise ValueError(
            f"out is {out.dtype} of shape {tuple(out.shape)}; it takes floating-point numbers of shape {shape}"
        )
