"""Deep kernels forget all correlations but those next to 1, where the rescaled kernel has a limit with a shape.

(Liang, Tran-Bach 2020, arXiv:2004.04767: figures 3 to 6; slides: 'Rescaled Limit: Phase Transition', 'Kernel Limits'.)

Claim      K^(L)(rho) = E rho^{Z_L} tends to xi for |rho| < 1. Next to 1, K^(L)(e^{-t/mu^L}) tends to E e^{-tW} where
           mu > 1 and mu_star is finite, W = lim Z_L / mu^L; for mu <= 1, K^(L)(e^{-t}) tends to 1. Where mu_star is
           infinite and mu is not, W = 0, and the limit is 1 (Kesten and Stigum), slowly: for offspring of P(Y = 2^j) =
           2^-j j^-2 / S, 1 - K falls like L^-gamma, gamma = 1 / (S mu log2 mu).
Measured   Both sides of the identity: Galton-Watson processes drawn from the whole law of offspring, and wide random
           networks, at points of the paper's curves for L = 1, 3, 5, 7; where these show no limit yet, processes of 200
           generations.
Deviates   Kernels are exact: the paper's are of 20 Hermite coefficients drawn by Monte Carlo, so that its mu differ
           (centered ReLU 1.39, exactly 1.467) and with them its rescaled curves. Where mu < 1 the paper draws
           K^(L)(e^{-t/mu^L}) all the same, and so do we; it tends to 1, too. The paper prints 0 for an infinite
           mu_star, and xi + (1 - xi) E e^{-tW} for a finite one, which takes W to be conditioned on survival. Slides
           and paper name no widths or numbers of points: ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepk.lab import Configuration, Deviation, bounds

KEY = ("source", "activation", "centering", "seed")
COLUMNS = (*KEY, "kind", "depth", "x", "mean", "deviation", "count")
FIGURES = ("unscaled", "rescaled", "window", "mu-star-infinite")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}

POWERS_OF_TWO = "powers-of-two"  # the law with an infinite mu_star, in the column of activations
CENTERINGS = ("uncentered", "centered")
POINT = ["activation", "centering", "kind", "depth", "x"]  # what tells a point of a curve from all others


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/kernel-limits.yaml."""

    activations: list[str] = bounds.activation_list()
    seeds: list[int] = bounds.seeds()
    depths: list[int] = bounds.each_positive()
    deep: int = bounds.at_least(2)
    unscaled_points: int = bounds.at_least(2)
    rescaled_points: int = bounds.at_least(1)
    paths: int = bounds.at_least(2)
    width: int = bounds.at_least(2)
    networks: int = bounds.at_least(2)
    # The expansion is for great depth; mu^L of the law must stay below 1e300, and its populations below 7e16.
    kesten_stigum_depth: int = bounds.between(100, 640)
    kesten_stigum_generations: int = bounds.between(1, 12)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        deepest = max(self.depths)
        return ("deep", f"a number above {deepest}, the last of depths") if self.deep <= deepest else ("", "")
