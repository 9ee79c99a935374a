"""Whether an elementwise function gives a number for a number, an array for an array and a tensor for a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

SHAPES = [(), (3,), (2, 3), (0,)]
TYPES = [torch.float32, torch.float64]


def check_kinds(f: Callable[[Any], Any], shape: tuple[int, ...], dtype: torch.dtype, *, roundings: int = 0) -> None:
    """At 0.25 it keeps shape and type, with the same value in each, up to so many roundings."""
    x = torch.full(shape, 0.25, dtype=dtype)
    tensor, array = f(x), f(x.numpy())
    assert (tensor.dtype, tensor.shape) == (dtype, x.shape)
    assert isinstance(array, np.ndarray)
    assert (array.dtype, array.shape) == (x.numpy().dtype, x.numpy().shape)
    assert type(f(0.25)) is float
    expected = np.array(f(0.25), array.dtype)
    slack = roundings * float(np.finfo(array.dtype).eps) * abs(expected)
    assert (np.abs(array - expected) <= slack).all()
    assert (np.abs(tensor.numpy() - expected) <= slack).all()
