"""The iterates of a generating function, each as one table.

With s = cos(theta), a generating function G maps an angle to an angle, theta_1 = arccos G(cos theta), and zero to zero.
What is tabulated is log theta_L - p log theta against log theta, piecewise by polynomials. This is smooth on a scale of
one whatever happens at zero: theta_L is mu^(L/2) theta there for a finite mean, theta / (1 + L theta / 3 pi) at first
for ReLU, and a constant times theta^p, p = 2^-L, where the activation jumps; and a relative error of theta_L is one of
1 - K, however small that is. In these coordinates layers rarely stretch a distance, so errors add up rather than
multiply; and the table of 2L layers is that of L layers applied to itself, so that it costs log L.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepk.branching.laws import CRITICAL, OffspringLaw
from deepk.tabulation import Table, tabulate

_EPS = float(np.finfo(np.float64).eps)
_SMALLEST = math.log(1e-150)  # theta of u = 5e-301, which loses no digit to underflow
_DEAD = 1e-300  # 1 - G that counts as zero: of a constant activation, or a law without offspring
_LINEAR = -38.0  # log of the angle below which theta_L is a power of theta to 3e-17, up to factors that grow with L
_FIRST = 4 * _EPS  # relative error of theta_1 by rounding, beside that of 1 - G

Logs = Float[np.ndarray, "..."]


@dataclass(frozen=True)
class Iterate:
    """theta -> theta_L on [0, largest_angle].

    Attributes:
        power: p, 1 for a finite mean.
        log_factor: log theta_L - p log theta, as a table in log theta.
        error_bound: relative error of theta_L, from the truncated polynomials and the rounding of all layers. The bound
            takes a layer's errors to be stretched by the following ones as much as they stretch anything.
        stretch: the largest d log theta_L / d log theta.
    """

    power: float
    log_factor: Table
    error_bound: float
    stretch: float

    def __call__(self, theta: Float[Tensor, ...]) -> Float[Tensor, ...]:
        """theta_L, for float64 angles on any device."""
        image = theta.pow(self.power) * self.log_factor(theta.log()).exp()
        return image.where(theta > 0, 0.0)  # also where p is so small that 0^p = 1

    def log(self, log_theta: Logs) -> Logs:
        """log theta_L."""
        x = torch.from_numpy(log_theta)
        return np.asarray((self.power * x + self.log_factor(x)).numpy())


@lru_cache(maxsize=64)
def iterate(law: OffspringLaw, depth: int) -> Iterate:
    """The map theta -> theta_L of L = `depth` generations of a law, as a table."""
    if depth > 1:
        half = iterate(law, depth // 2)
        twice = _composed(law, half, half, 2 * (depth // 2))
        return _composed(law, iterate(law, 1), twice, depth) if depth % 2 else twice

    def layer(log_theta: Logs) -> Logs:
        complement = law.complement_at_angles(np.exp(log_theta)).clip(_DEAD, 2)
        return np.asarray(np.log(2 * np.arcsin(np.sqrt(complement / 2))))

    return _tabulated(layer, law, 1, _FIRST + law.error)


def _composed(law: OffspringLaw, outer: Iterate, inner: Iterate, depth: int) -> Iterate:
    error = outer.error_bound + outer.stretch * inner.error_bound
    return _tabulated(lambda x: outer.log(inner.log(x)), law, depth, error)


def _tabulated(log_map: Callable[[Logs], Logs], law: OffspringLaw, depth: int, error: float) -> Iterate:
    """The table of a map of `depth` generations; `error` is the relative error of the values that it is made from."""
    power, low = law.order**depth, lowest(law, depth)
    tables = tabulate(lambda x: (log_map(x) - power * x,), low, math.log(law.largest_angle))
    if tables is None:
        raise ValueError(
            f"{law.name} is too steep, or too nearly odd, for the kernel of {depth} layers to be tabulated"
        )
    (table,) = tables
    return Iterate(
        power=power,
        log_factor=table,
        error_bound=error + table.rest + 2 * _EPS * max(1.0, abs(low)),
        stretch=max(abs(power + table.least_slope), abs(power + table.largest_slope)),
    )


def lowest(law: OffspringLaw, depth: int) -> float:
    """log theta below which theta_L is a constant times theta^p."""
    if math.isinf(law.mu) or not law.starts_as_power:
        return _SMALLEST
    growth = depth / 2 * math.log(law.mu) if law.mu > 1 + CRITICAL else 0.0
    return max(_LINEAR - math.log(depth) - growth, _SMALLEST)
