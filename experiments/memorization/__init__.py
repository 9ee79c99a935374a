"""A network deep enough tells all inputs apart: its kernel matrix tends to the identity, sooner for inputs less alike.

(Liang, Tran-Bach 2020, arXiv:2004.04767, slides: memorization capacity, small and large correlation.)

Claim      The smallest L at which all eigenvalues of K^(L) lie in [1 - kappa, 1 + kappa]. Small correlation, n uniform
           points on the sphere in R^d with log(n)/d -> 0: L of the order [log(n/kappa) + log(log(n)/d)] / log a_1^-2.
           Large correlation, a maximal packing with log(n)/d -> infinity: exp(2 log(n)/d) log(n/kappa) / (mu - 1). A
           later version of the paper has lower and upper bounds in place of both. And for random points, by the law
           of Marchenko and Pastur with g = n/d: L = log((2 sqrt g + g) / kappa) / log a_1^-2, rounded up.
Measured   Eigenvalues and minimal depths of centered kernels: of uniform points, against n, d and kappa; of n equally
           spaced points on the circle, which are its maximal packing, and of a spiral on the sphere in R^3.
Deviates   The paper has no experiment on this. The later bounds are proved where |G(s)| = G(|s|), so for odd and even
           activations alone: ReLU, GELU and Swish are neither, and obey them here all the same (but for GELU and Swish
           on 5 points of the circle, where log(n)/d is not large). The slides' orders leave a constant factor open;
           where d > log(n) n/kappa the first is negative. The spiral is close to a packing, not a maximal one. Fourier
           sums give the circle's eigenvalues without a matrix, so up to any n: there L grows like 2 log(n) / log(mu),
           not like a power of n.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepk.lab import Configuration, Deviation, bounds

ARRANGEMENTS = ("uniform", "circle", "sphere")
KEY = ("arrangement", "activation")
COLUMNS = (*KEY, "n", "d", "seed", "kappa", "quantity", "depth", "level", "value")
FIGURES = ("eigenvalues", "minimal-depth", "packing")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/memorization.yaml."""

    activations: list[str] = bounds.activation_list()
    seeds: list[int] = bounds.seeds()
    kappa: float = bounds.bounded("a number in (0, 1)", lambda x: 0 < x < 1)
    kappas: list[float] = bounds.bounded(
        "a list of different numbers in (0, 1)", lambda xs: bounds.distinct(xs) and all(0 < x < 1 for x in xs)
    )
    size: int = bounds.at_least(2)
    dimension: int = bounds.at_least(2)
    sizes: list[int] = bounds.integers(2)
    dimensions: list[int] = bounds.integers(2)
    circle: list[int] = bounds.integers(3, odd=True)
    circle_limit: list[int] = bounds.integers(3, odd=True)
    circle_shown: int = bounds.bounded("an odd integer >= 3", lambda x: x >= 3 and x % 2 == 1)
    sphere: list[int] = bounds.integers(3)
    depths: int = bounds.at_least(4)
