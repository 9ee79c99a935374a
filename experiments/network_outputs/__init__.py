"""The output of a deep random network over a plane: flat in the ordered phase, discontinuous in the chaotic one.

(Hayou, Doucet, Rousseau 2019, arXiv:1902.06853, slides: output of a 300x20 Tanh network, ordered and chaotic phase.)

Claim      In the ordered phase two different inputs have the same output, since their correlation tends to 1; in the
           chaotic phase it tends to c* < 1, and very close inputs have very different outputs. How different, the
           covariance map says for every pair of inputs, layer by layer; on the edge of chaos the output still depends
           on the input, smoothly.
Measured   Networks with explicit weights, at (sigma_b, sigma_w) = (1, 1), at (0.3, 2) and on the edge, over a grid of
           inputs: one output, and the squared change between neighbours, averaged over many outputs of the network.
Deviates   The slides do not give the range of inputs; [-5, 5]^2 is ours, as is sigma_b = 0.2 for the edge. Depth counts
           weight matrices. Theory is of infinite width.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepk.lab import Configuration, Deviation, bounds

COLUMNS = ("phase", "seed", "a_1", "a_2", "output", "square", "change")
FIGURES = ("output-surfaces", "change-between-neighbours")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}

PHASES = ("ordered", "edge", "chaotic")


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/network-outputs.yaml."""

    activation: str = bounds.activation()
    seeds: list[int] = bounds.seeds()
    depth: int = bounds.at_least(2)
    width: int = bounds.at_least(1)
    outputs: int = bounds.at_least(1)
    reach: float = bounds.positive()
    step: float = bounds.positive()
    edge_sigma_b: float = bounds.at_least(0)
    ordered_sigma_b: float = bounds.at_least(0)
    ordered_sigma_w: float = bounds.positive()
    chaotic_sigma_b: float = bounds.at_least(0)
    chaotic_sigma_w: float = bounds.positive()

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        return ("step", f"at most reach={self.reach:g}") if self.step > self.reach else ("", "")
