"""Rows of data as unit vectors, and the matrices of a function of their products."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

_TILE = 512  # rows and columns of a Gram matrix at once: 2 MB an array, so that a polynomial is evaluated in the cache
_EPS = float(np.finfo(np.float64).eps)
# Roundings in a product of two unit vectors, at least, and for each sqrt(d): 3.8 were measured at d = 784, 26 at 10^5.
_PRODUCT, _PRODUCT_GROWTH = 4, 0.25


def filled_gram(
    kappa: Callable[[Float[Tensor, ...]], Float[Tensor, ...]], at_one: float, X: Any, Y: Any, out: Any, *, even: bool
) -> tuple[Any, float]:
    """The matrix of kappa(<x, y>) of the directions of rows, and the largest product of two that are not the same row.

    Args:
        kappa: elementwise on products in [-1, 1], float64.
        at_one: kappa(1), for the diagonal.
        X: array or tensor of shape (n, d).
        Y: the same of shape (m, d); None for X, where the matrix is exactly symmetric.
        out: of shape (n, m), to write to; None for a new one.
        even: whether the largest absolute value of a product is wanted.

    Raises ValueError for rows that are zero or not finite, and shapes that do not fit.
    """
    same = Y is None or Y is X
    a = unit_rows(X, "X")
    b = a if same else unit_rows(Y, "Y").to(a.device)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"rows of X have {a.shape[1]} entries, those of Y {b.shape[1]}")
    result = empty_like(X, (len(a), len(b))) if out is None else out
    check_out(result, (len(a), len(b)))
    closest = -1.0
    for i in range(0, len(a), _TILE):
        rows = slice(i, min(i + _TILE, len(a)))
        for j in range(i if same else 0, len(b), _TILE):
            columns = slice(j, min(j + _TILE, len(b)))
            rho = (a[rows] @ b[columns].T).clamp_(-1, 1)
            value = kappa(rho)
            if same and i == j:
                value = value.triu(1) + value.triu(1).T
                value.fill_diagonal_(at_one)
                rho.fill_diagonal_(-1 if not even else 0)
            closest = max(closest, float((rho.abs() if even else rho).max()))
            write(result, rows, columns, value)
            if same and i != j:
                write(result, columns, rows, value.T)
    return result, closest


def product_rounding(d: int) -> float:
    """What rounding may move the product of two unit vectors of d entries by."""
    return max(_PRODUCT, _PRODUCT_GROWTH * math.sqrt(d)) * _EPS


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


def empty_like(like: Any, shape: tuple[int, int]) -> Any:
    """An array or tensor of this shape, like the input, of its floating-point type or float64."""
    if isinstance(like, Tensor):
        return torch.empty(shape, dtype=like.dtype if like.is_floating_point() else torch.float64, device=like.device)
    kind = np.asarray(like).dtype
    return np.empty(shape, dtype=kind if np.issubdtype(kind, np.floating) else np.float64)


def write(result: Any, rows: slice, columns: slice, value: Tensor) -> None:
    result[rows, columns] = value if isinstance(result, Tensor) else value.numpy(force=True)


def check_out(out: Any, shape: tuple[int, int]) -> None:
    """ValueError for an `out` of another shape, or that would truncate."""
    if not isinstance(out, Tensor | np.ndarray):
        raise ValueError(f"out is a {type(out).__name__}; it takes an array or tensor")
    floating = out.is_floating_point() if isinstance(out, Tensor) else np.issubdtype(out.dtype, np.floating)
    if tuple(out.shape) != shape or not floating:
        raise ValueError(
            f"out is {out.dtype} of shape {tuple(out.shape)}; it takes floating-point numbers of shape {shape}"
        )
