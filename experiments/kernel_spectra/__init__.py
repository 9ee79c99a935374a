"""Depth does not change how fast the eigenvalues of a deep ReLU kernel decay on the sphere.

(Bietti, Bach 2021, arXiv:2009.14397, theorem 1 and corollary 3; slides 'Deep equals shallow in kernel regimes'.)

Claim      A kernel kappa(<x, y>) with the terms c_1 t^nu at 1 - t and c_-1 t^nu at -1 + t has the eigenvalues
           mu_k ~ (c_1 + (-1)^k c_-1) C(d, nu) k^(1 - d - 2 nu). For networks of ReLU nu does not depend on depth: 3/2
           for random features (NNGP), 1/2 for the tangent kernel, as for Laplace's. What depth changes is the constant:
           it grows like L - 1, and like L (L - 1) / 2. Steps of depth L have nu = 2^(1 - L), and smooth activations
           eigenvalues that fall faster than any power.
Measured   mu_k to the rounding of float64, by integrals of as many digits as they take; zeros by symmetry are exact.
           Slopes and constants at the highest degree, against those at half of it.
Deviates   The paper plots regression errors, and no eigenvalue; these figures are ours. Kernels are un-normalized, as
           its constants are. L counts weight matrices, as in the paper: `layers`, one more than nonlinear layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from deepk.lab import Configuration, Deviation, bounds

KEY = ("kernel", "layers", "dimension")
COLUMNS = (*KEY, "degree", "eigenvalue", "total", "error")
FIGURES = ("decay", "theorem-1", "depth", "smoothness", "targets", "high-dimension")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}

LAPLACE, GAUSSIAN = "laplace", "gaussian"
RADIAL = (LAPLACE, GAUSSIAN)  # no networks: layers = 0
FEATURES, TANGENT = "nngp", "ntk"


def named(activation: str, kind: str) -> str:
    """What a network's kernel is called: of its features, or of its tangents."""
    return f"{activation} {kind}"


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/kernel-spectra.yaml."""

    kinked: list[str] = bounds.activation_list()
    smooth: list[str] = bounds.activation_list()
    layers: list[int] = bounds.integers(2)
    gamma: float = bounds.positive()
    dimensions: list[int] = bounds.integers(3)
    degree: int = bounds.at_least(16)
    smooth_degree: int = bounds.at_least(16)
    high_dimension: int = bounds.at_least(3)
    high_degree: int = bounds.at_least(1)
    target_power: float = bounds.positive()
    target_height: float = bounds.between(-1, 1)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        if self.high_dimension in self.dimensions:
            return "high_dimension", "none of `dimensions`"
        if set(self.smooth) & set(self.kinked):
            return "smooth", "none of `kinked`"
        even = self.target_power % 2 == 0
        return ("target_power", "no even integer: abs(x)^2 is a polynomial") if even else ("", "")

    def degrees(self, kernel: str, dimension: int) -> int:
        """The highest degree that is asked of a kernel."""
        if dimension == self.high_dimension:
            return self.high_degree
        return self.smooth_degree if self.is_smooth(kernel) else self.degree

    def is_smooth(self, kernel: str) -> bool:
        """Whether eigenvalues fall faster than any power."""
        return kernel == GAUSSIAN or kernel.rsplit(" ", 1)[0] in self.smooth


TARGETS = ("bump", "power", "exponential")  # 1 where <x, w> > height; abs(<x, w>)^power; exp(<x, w>)
NEVER = -math.inf  # the exponent of what falls faster than any power
