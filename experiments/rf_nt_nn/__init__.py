"""Of a quadratic target a network learns more than its tangent model, and that more than random features.

(Ghorbani, Mei, Misiakiewicz, Montanari 2019, arXiv:1906.08899; slides of Song Mei, 'Generalization of linearized neural
networks: staircase decay and double descent', 2020.)

Claim      Of y = x^T B x - tr B, x standard normal in R^d, N neurons of quadratic activation and many samples leave,
           relative to the target's variance and with rho = N / d, s = (tr B)^2 / (d |B|^2): random features
           1 - s rho / (1 + rho), the tangent model (1 - rho)_+^2 (1 - s) + (1 - rho)_+ s, the network 1 less the share
           of the N largest eigenvalues.
Measured   The first two by exact projections on random weights in the paper's dimension; the network by one-pass SGD.
Deviates   The network is trained in a smaller dimension than the paper's, and without its weights' scales and schedule.
           The paper's figure prints no numbers: what is compared is its theorems.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepk.lab import Configuration, Deviation, bounds

KEY = ("model", "dimension", "neurons", "seed")
COLUMNS = (*KEY, "value")
FIGURES = ("rf-nt-nn",)
KNOWN_DEVIATIONS: dict[str, Deviation] = {}

RF, NT, NN = "rf", "nt", "nn"


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/rf-nt-nn.yaml."""

    dimension: int = bounds.at_least(2)
    ratios: list[float] = bounds.each_positive()
    target_seed: int = bounds.at_least(0)
    network_dimension: int = bounds.at_least(2)
    network_ratios: list[float] = bounds.each_positive()
    steps: int = bounds.at_least(1)
    batch_size: int = bounds.at_least(1)
    learning_rate: float = bounds.positive()
    seeds: list[int] = bounds.seeds()

    def neurons(self, model: str) -> list[int]:
        """N of each ratio, in the model's dimension."""
        ratios = self.network_ratios if model == NN else self.ratios
        return sorted({max(1, round(ratio * self.dimension_of(model))) for ratio in ratios})

    def dimension_of(self, model: str) -> int:
        """d of a model."""
        return self.network_dimension if model == NN else self.dimension
