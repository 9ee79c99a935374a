"""The arc-cosine kernels of order 0 and 1 (Cho, Saul 2009), which the kernels of ReLU networks are made of."""

from __future__ import annotations

from typing import overload

import numpy as np
from torch import Tensor

from deepk.arrays import elementwise
from deepk.kernels.arithmetic import Floats
from deepk.kernels.closed_forms import relu, step
from deepk.kernels.dual import correlation


@overload
def kappa_0(rho: Tensor) -> Tensor: ...
@overload
def kappa_0(rho: float) -> float: ...
@overload
def kappa_0(rho: np.ndarray) -> np.ndarray: ...
def kappa_0(rho: float | np.ndarray | Tensor) -> float | np.ndarray | Tensor:
    """(pi - arccos rho) / pi, like rho a number, array or tensor.

    Twice E s(X) s(Y) of the step function s for standard normal X and Y of correlation rho, where the slides of Bietti
    and Bach 2021 (arXiv:2009.14397) call it the kernel of the step function. ValueError for a rho outside [-1, 1].
    """
    return elementwise(lambda c: 2 * step(Floats(c)), correlation(rho))


@overload
def kappa_1(rho: Tensor) -> Tensor: ...
@overload
def kappa_1(rho: float) -> float: ...
@overload
def kappa_1(rho: np.ndarray) -> np.ndarray: ...
def kappa_1(rho: float | np.ndarray | Tensor) -> float | np.ndarray | Tensor:
    """(rho (pi - arccos rho) + sqrt(1 - rho^2)) / pi, like rho a number, array or tensor.

    Twice E relu(X) relu(Y) for standard normal X and Y of correlation rho, where the slides of Bietti and Bach 2021
    (arXiv:2009.14397) call it the kernel of ReLU. ValueError for a rho outside [-1, 1].
    """
    return elementwise(lambda c: 2 * relu(Floats(c)), correlation(rho))
