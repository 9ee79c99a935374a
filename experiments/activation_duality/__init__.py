"""An activation is a probability law: its squared Hermite coefficients, whose generating function is its kernel.

(Liang, Tran-Bach 2020, arXiv:2004.04767: table 2, and the slides on duality and on the experiment's activations.)

Claim      sigma = sum a_k h_k with E sigma^2 = sum a_k^2 = 1, and E sigma(X) sigma(Y) = sum a_k^2 rho^k =: G(rho).
           Table 2 prints mu = G'(1), a_1^2, mu_star = sum a_k^2 k log k and the fixed point xi = G(xi) of four
           activations, centered and not. And with the edge of chaos (Hayou et al. 2019, arXiv:1902.06853): 1 - c^l from
           orthogonal inputs is the survival probability of a critical branching process.
Measured   The table by its defining series, coefficient by coefficient, beside expectations of the derivative; by the
           paper's own recipe, Monte Carlo coefficients up to k = 20; survival by simulating the branching process.
Deviates   The number of Monte Carlo samples is not stated: 10^5 is ours, at which the printed digits lie within the
           recipe's scatter. The recipe's law is divided by its own sum. The definition of mu_star sums over k > 2,
           the printed numbers over k >= 2; so do ours. With biases, the edge's process is that of phi(sqrt(q) x) in
           which an individual is childless with probability sigma_b^2 / q before anything else.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepk.lab import Configuration, Deviation, bounds

KEY = ("part", "activation", "seed")
COLUMNS = (*KEY, "centered", "quantity", "index", "value")
FIGURES = ("hermite-polynomials", "distributions", "table", "critical-survival")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/activation-duality.yaml."""

    activations: list[str] = bounds.activation_list()
    seeds: list[int] = bounds.seeds()
    series_degree: int = bounds.at_least(64)
    samples: int = bounds.at_least(100)
    runs: int = bounds.at_least(1)
    truncation: int = bounds.at_least(2)
    critical: list[str] = bounds.activation_list()
    sigma_b: dict[str, float] = bounds.each_at_least(0)
    default_sigma_b: float = bounds.at_least(0)
    generations: int = bounds.at_least(10)
    paths: int = bounds.at_least(10)

    def bias(self, activation: str) -> float:
        """The sigma_b at which an activation is put on its edge of chaos."""
        return self.sigma_b.get(activation, self.default_sigma_b)
