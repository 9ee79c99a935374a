"""The eight kernels, four activations centered and not, and the points at which they are measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from deepk.kernels import CompositionalKernel, DualKernel
from experiments.kernel_limits import CENTERINGS, Config

Curve = Float[np.ndarray, " points"]


@dataclass(frozen=True)
class Case:
    """An activation, centered or not."""

    activation: str
    centering: str

    @cached_property
    def dual(self) -> DualKernel:
        """Its kernel, and law of offspring."""
        return DualKernel(self.activation, centered=self.centering == "centered")

    def depths(self, cfg: Config) -> list[int]:
        """Those of the paper, and the deep one where the mean population mu^L has not changed by a factor e by then.

        A linear network has no deep one: nothing changes with depth.
        """
        mu, linear = self.dual.mu, self.dual.a1_squared == 1
        near_critical = 0 < mu < math.inf and abs(max(cfg.depths) * math.log(mu)) < 1
        return [*cfg.depths, cfg.deep] if near_critical and not linear else list(cfg.depths)

    def kernel(self, depth: int) -> CompositionalKernel:
        """K^(L)."""
        return CompositionalKernel(self.activation, depth, centered=self.centering == "centered")

    def exponents(self, depth: int, t: Curve) -> Curve:
        """-log rho = t / mu^L, infinite where mu^L underflows."""
        with np.errstate(over="ignore", divide="ignore"):
            return np.where(t > 0, t * np.float_power(self.dual.mu, -depth), 0.0)


def cases(cfg: Config) -> list[Case]:
    """All of a run."""
    return [Case(name, centering) for name in cfg.activations for centering in CENTERINGS]


def correlations(cfg: Config) -> Curve:
    """Where the unscaled kernel is measured: evenly from -1, without 1 itself."""
    return np.linspace(-1, 1, cfg.unscaled_points + 1)[:-1]


def times(cfg: Config) -> Curve:
    """Where the rescaled kernel is measured: evenly up to 1, without 0."""
    return np.linspace(0, 1, cfg.rescaled_points + 1)[1:]
