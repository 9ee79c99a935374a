"""The kernels of `kernel-spectra` by their names."""

from __future__ import annotations

import math

from deepk import activations
from deepk.kernels import CompositionalKernel, DotProductKernel, GaussianKernel, LaplaceKernel, TangentKernel
from experiments.kernel_spectra import FEATURES, LAPLACE, RADIAL, TANGENT, Config, named


def kernels(cfg: Config) -> list[tuple[str, int]]:
    """(name, layers) of each; no tangent kernel where an activation jumps."""
    found = [
        (named(activation, kind), layers)
        for activation in (*cfg.kinked, *cfg.smooth)
        for kind in (FEATURES, TANGENT)
        if kind == FEATURES or not activations.get(activation).jumps
        for layers in cfg.layers
    ]
    return [*found, *((name, 0) for name in RADIAL)]


def kernel_of(cfg: Config, name: str, layers: int) -> DotProductKernel:
    """The kernel of a name and a number of weight matrices, one more than its nonlinear layers."""
    if name in RADIAL:
        return LaplaceKernel(cfg.gamma) if name == LAPLACE else GaussianKernel(cfg.gamma)
    activation, kind = name.rsplit(" ", 1)
    network = CompositionalKernel if kind == FEATURES else TangentKernel
    return network(activation, layers - 1)


def cost(cfg: Config, name: str, dimension: int) -> int:
    """Of a spectrum, in units of a degree."""
    return math.ceil(cfg.degrees(name, dimension) * math.sqrt(dimension))
