"""Numbers and arrays that users give, checked, and as arrays of one shape."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

Points = Float[np.ndarray, " points"]
_INFINITE = ("psi_1", "psi_2", "samples", "features")  # > 0, and may be infinite; all others are >= 0 and finite


def broadcast(**arguments: ArrayLike) -> tuple[tuple[int, ...], list[Points]]:
    """The shape that they broadcast to, and each as an array of one dimension; ValueError in one line."""
    arrays = {name: np.asarray(value, np.float64) for name, value in arguments.items()}
    positive(**{name: array for name, array in arrays.items() if name in _INFINITE})
    at_least_zero(**{name: array for name, array in arrays.items() if name not in _INFINITE})
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items() if array.shape)
        raise ValueError(f"these shapes do not broadcast: {shapes}") from None
    return shape, [np.broadcast_to(array, shape).ravel() for array in arrays.values()]


def positive(**arrays: Float[np.ndarray, ...]) -> None:
    """ValueError for an entry that is not > 0."""
    for name, array in arrays.items():
        if not (array > 0).all():
            raise ValueError(f"{name} = {array[~(array > 0)].flat[0]} is not > 0")


def at_least_zero(**arrays: Float[np.ndarray, ...]) -> None:
    """ValueError for an entry that is negative or not finite."""
    for name, array in arrays.items():
        ok = (array >= 0) & (array < np.inf)
        if not ok.all():
            raise ValueError(f"{name} = {array[~ok].flat[0]} is not finite and >= 0")
