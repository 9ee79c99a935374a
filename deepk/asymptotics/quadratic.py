"""A quadratic target learnt by a network of quadratic activations, of N neurons and infinitely many samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class QuadraticTargetRisk:
    """Relative to the target's variance; numbers, or arrays of the shape of `neurons`.

    Attributes:
        rf: random features, only the outer weights trained.
        nt: the tangent model, linear in all weights.
        nn: the network itself, at its best.
    """

    rf: Any
    nt: Any
    nn: Any


def quadratic_target_risk(eigenvalues: ArrayLike, neurons: ArrayLike) -> QuadraticTargetRisk:
    """Risk on x ~ N(0, I) of y = x^T B x - tr B, by sigma(z) = z^2, N / d fixed as d tends to infinity.

    With rho = N / d and s = (tr B)^2 / (d |B|_F^2), relative to the target's variance 2 |B|_F^2,

        RF: 1 - s rho / (1 + rho),   NT: (1 - rho)_+^2 (1 - s) + (1 - rho)_+ s,
        NN: 1 - sum of the N largest lambda^2 / |B|_F^2

    (Ghorbani, Mei, Misiakiewicz, Montanari 2019, arXiv:1906.08899, for B positive semidefinite.)

    Args:
        eigenvalues: of B, d of them, all >= 0 and not all zero.
        neurons: N >= 0, a number or an array; a fraction of a neuron takes that fraction of its eigenvalue.

    Raises ValueError for eigenvalues or neurons that are not so.
    """
    values, count = np.asarray(eigenvalues, np.float64), np.asarray(neurons, np.float64)
    if values.ndim != 1 or not np.isfinite(values).all() or not (values >= 0).all() or not values.any():
        raise ValueError("eigenvalues are not a sequence of finite numbers >= 0, some of them > 0")
    if not (count >= 0).all():
        raise ValueError(f"neurons = {count[~(count >= 0)].flat[0]} is not >= 0")
    values = values / values.max()  # so that no square overflows
    rho, d = count / len(values), len(values)
    square = float(values @ values)
    s = float(values.sum()) ** 2 / (d * square)
    free = np.maximum(1 - rho, 0.0)
    with np.errstate(invalid="ignore"):
        rf = 1 - s * np.where(np.isinf(rho), 1.0, rho / (1 + rho))
    # 1 less the largest is the sum of the smallest: no difference of nearly equal numbers
    left = np.concatenate([[0.0], np.cumsum(np.sort(values**2))]) / square
    nn = np.interp(np.maximum(d - count, 0.0), np.arange(d + 1), left)
    return QuadraticTargetRisk(rf[()], (free**2 * (1 - s) + free * s)[()], nn[()])
