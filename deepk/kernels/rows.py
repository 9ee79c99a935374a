"""Rows of data as unit vectors, and the matrices that results are written to."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


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
