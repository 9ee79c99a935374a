"""What the kernels of deep networks inherit from one layer: their behaviour at the ends of [-1, 1], and their zeros.

A jump of size D of the m-th derivative of sigma at z leaves in E sigma(X) sigma(Y), at correlation 1 - t, the term

    (-1)^(m+1) D^2 phi(z) t^(m + 1/2) / (sqrt(pi) (3/2) (5/2) ... (m + 1/2)),

phi the normal density: sqrt(2) / (3 pi) t^(3/2) for ReLU. At -1 + t jumps at z and -z meet, with the sign +. Layers
pass these terms on (Bietti, Bach 2021, arXiv:2009.14397, corollary 3, for ReLU and step).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from deepk.kernels.dual import DualKernel
from deepk.kernels.structure import Degrees, End
from deepk.meanfield import moments


def dual_ends(dual: DualKernel) -> tuple[End, End]:
    """Of one layer, at 1 and at -1."""
    below = float(dual.parity or dual(np.array([-1.0]))[0])
    for m, found in enumerate((moments.jumps, moments.slope_jumps, moments.curvature_jumps)):
        atoms = dict(found(dual.activation))
        if atoms:
            scale = 1 / (math.sqrt(math.pi) * math.prod(i + 0.5 for i in range(1, m + 1)) * dual.variance)
            density = {z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in atoms}
            same = scale * math.fsum(size**2 * density[z] for z, size in atoms.items())
            opposite = scale * math.fsum(size * atoms.get(-z, 0.0) * density[z] for z, size in atoms.items())
            return End(1.0, m + 0.5, (-1) ** (m + 1) * same), End(below, m + 0.5, opposite)
    return End(1.0), End(below)


@lru_cache(maxsize=64)
def network_ends(dual: DualKernel, depth: int) -> tuple[tuple[End, End], tuple[End, End]]:
    """At 1 and at -1: of the compositional kernel, and of the un-normalized tangent kernel.

    The second are NaN where sigma jumps, and no tangent kernel is.
    """
    one, minus_one = dual_ends(dual)
    mu, nu, c = dual.mu, one.nu, one.c
    jump = nu < 1
    top, bottom = End(1.0), End(-1.0)  # of K_0 = rho
    tangent_top, tangent_bottom = End(1.0), End(-1.0)
    power = 1.0  # of K_l: 1 - K_l(1 - t) is about -top.c t^power, or mu^l t
    for layer in range(depth):
        slope_below = _slope(dual, bottom.value)
        first = layer == 0  # where the argument of G is -1 + t itself
        if not jump and math.isfinite(nu):
            inner = mu**layer
            into = -tangent_top.value * nu * c * inner ** (nu - 1)
            tangent_top = End(mu * tangent_top.value + 1, nu - 1, mu * tangent_top.c + into)
            into_below = tangent_bottom.value * nu * minus_one.c if first else slope_below * tangent_bottom.c
            value = tangent_bottom.value * slope_below + float(_value(dual, bottom.value))
            tangent_bottom = End(value, nu - 1, into_below)
            top = End(1.0, nu, mu * top.c + c * inner**nu)
        elif jump:
            top = End(1.0, power / 2, c * math.sqrt(-top.c if layer else 1.0))
            power /= 2
            tangent_top = tangent_bottom = End(math.nan, math.nan, math.nan)
        else:
            value = tangent_bottom.value * slope_below + float(_value(dual, bottom.value))
            tangent_top, tangent_bottom = End(mu * tangent_top.value + 1), End(value)
        bottom = End(float(_value(dual, bottom.value)), nu, minus_one.c if first else slope_below * bottom.c)
    return (top, _mirrored(dual, top, bottom)), (tangent_top, _mirrored(dual, tangent_top, tangent_bottom))


def _mirrored(dual: DualKernel, top: End, bottom: End) -> End:
    """At -1 by symmetry, where there is one."""
    parity = dual.parity
    return End(float(parity * top.value), top.nu, parity * top.c) if parity else bottom


def _value(dual: DualKernel, rho: float) -> float:
    return float(dual(np.array([rho]))[0])


def _slope(dual: DualKernel, rho: float) -> float:
    return float(dual.derivative(np.array([rho]))[0])


@lru_cache(maxsize=64)
def network_degrees(dual: DualKernel, depth: int) -> tuple[Degrees, Degrees]:
    """Of the compositional and of the tangent kernel."""
    kernel = tangent = Degrees(-math.inf, 1.0)
    for _ in range(depth):
        before = kernel, tangent
        tangent = tangent * dual.degrees.derivative.of(kernel) + dual.degrees.of(kernel)
        kernel = dual.degrees.of(kernel)
        if (kernel, tangent) == before:
            break
    return kernel, tangent
