"""A deep network's kernel is the generating function of a branching process, whose children follow a_k^2.

(Liang, Tran-Bach 2020, arXiv:2004.04767, figure 2 and table 2; slide 'Branching Process and Compositional Kernels'.)

Claim      K^(L)(rho) = E rho^{Z_L} for the Galton-Watson process with P(Y = k) = a_k^2. It dies out with probability
           xi, the smallest fixed point of G; where mu > 1, Z_L / mu^L converges to W with E exp(-t W) = phi(t),
           phi(mu t) = G(phi(t)), an atom xi at 0. Critical: P(Z_l > 0) = 1 / (l + 1) for geometric(0.5), and
           ~ 9 pi^2 / (2 l^2) for ReLU, whose number of children has P(Y >= k) ~ (2 / pi)^(3/2) / (6 k^(3/2)).
Measured   Processes drawn from the whole law: the share extinct, the mean, E exp(-t Z_L / mu^L) and the distribution of
           Z_L / mu^L at three depths; and for single individuals the shares of each number of children.
Deviates   The paper shows the laws, and prints xi; numbers of paths and generations are ours. Its table has n (1 - s)
           in the denominator of the uniform law's G, where n + 1 is right. A growing process is followed until mu^l
           exceeds `growth`; where the mean is infinite (an activation that jumps), a population only until its
           extinction has become impossible but for 1e-12.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from deepk.lab import Configuration, Deviation, bounds
from experiments.bounds import law_list

KEY = ("law", "seed")
COLUMNS = (*KEY, "quantity", "generation", "at", "count", "mean", "mean_square")
FIGURES = (
    "sample-paths",
    "martingale-limit",
    "laplace-transform",
    "extinction",
    "generating-functions",
    "offspring",
)
KNOWN_DEVIATIONS: dict[str, Deviation] = {}

LEVEL = 0.999  # two-sided, of each claim and of each interval in a figure
SIGMA = float(ndtri((1 + LEVEL) / 2))  # standard deviations of a single normal comparison
T = 2.0 ** np.arange(-4, 5)  # of the Laplace transform: with 2 t beside t, for its variance
FAMILIES = np.arange(11)  # numbers of children whose probabilities are kept; beyond them, powers of two
TAILS = 2 ** np.arange(11)
S_LINE = np.linspace(0, 1, 101)  # arguments of the generating function
TAIL_CONSTANT = (2 / math.pi) ** 1.5 / 6  # from a_2m^2 = ((2m - 3)!!)^2 / (pi (2m)!) ~ m^(-5/2) / (4 pi^(3/2))


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/branching.yaml."""

    activations: list[str] = bounds.activation_list()
    laws: list[str] = law_list()
    seeds: list[int] = bounds.seeds()
    paths: int = bounds.at_least(1)
    shown_paths: int = bounds.at_least(1)
    generations: int = bounds.at_least(1)
    growth: float = bounds.bounded("a number in (1, 1e6]", lambda x: 1 < x <= 1e6)
    offspring: int = bounds.at_least(1)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        return ("shown_paths", f"at most paths={self.paths}") if self.shown_paths > self.paths else ("", "")
