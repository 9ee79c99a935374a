"""Elementwise functions of numpy arrays, applied to numbers, arrays and tensors alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, overload

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from torch import Tensor

Array = Float[np.ndarray, "..."]


@overload
def elementwise(f: Callable[[Array], Array], x: Tensor) -> Tensor: ...
@overload
def elementwise(f: Callable[[Array], Array], x: float) -> float: ...
@overload
def elementwise(f: Callable[[Array], Array], x: np.ndarray) -> np.ndarray: ...
def elementwise(f: Callable[[Array], Array], x: float | np.ndarray | Tensor) -> float | np.ndarray | Tensor:
    """f(x), computed in float64: a number for a number, an array for an array, a tensor on its device for a tensor.

    Arrays and tensors of a floating-point type keep it; all others become float64. No gradient flows through.

    Args:
        f: elementwise on a float64 array of one dimension.
        x: of any shape.
    """
    from torch import Tensor, from_numpy  # laws of offspring need the type of an array, and no torch

    if isinstance(x, Tensor):
        tensor = from_numpy(_applied(f, x.detach().double().numpy(force=True)))
        return tensor.to(device=x.device, dtype=x.dtype if x.is_floating_point() else tensor.dtype)
    value = _applied(f, np.asarray(x, np.float64))
    if not isinstance(x, np.ndarray):
        return float(value) if value.ndim == 0 else value
    with np.errstate(over="ignore"):  # infinite in a smaller type
        return value.astype(x.dtype) if np.issubdtype(x.dtype, np.floating) else value


def _applied(f: Callable[[Array], Array], x: Array) -> Array:
    return np.asarray(f(x.ravel())).reshape(x.shape)
