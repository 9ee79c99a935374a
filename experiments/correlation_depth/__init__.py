"""On the edge of chaos correlation converges like 1/l for smooth activations and like 1/l^2 for ReLU.

(Hayou, Doucet, Rousseau 2019, arXiv:1902.06853: figure 'Impact of the smoothness', propositions 1 and 3.)

Claim      1 - c^l ~ beta_q / l with beta_q = 2 E phi'^2 / (q E phi''^2) for a smooth phi (proposition 3), and
           9 pi^2 / (2 l^2) for ReLU; a residual ReLU network is slower by a constant, 1 - c^l ~ gamma (1 - cbar^l) with
           gamma = (sigma_w^2 / (2 + sigma_w^2))^2 (proposition 1). Off the edge |c^l - c*| falls by a factor e in
           xi_c = -1 / log f'(c*) layers; the slides print the inverse.
Measured   The same correlation in random networks of finite width, layer by layer: medians over networks up to a fifth
           of the width, and beyond it, in a figure of its own, how they depart from the theory.
Deviates   The paper gives neither the inputs' correlation nor the widths of its picture; c^0 = 0 and a width of 1000
           are ours, and sigma_b is that of the authors' script (0.2 for Swish). q and sigma_w are solved for to
           rounding: given to four digits, the smooth curves drift off the edge by l = 1000. Networks are drawn layer by
           layer from their exact law given the layer before. On Swish's edge the variance repels, so its networks leave
           the theory after about 18 layers (15 at width 500), long before a fifth of the width.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from deepk.lab import Configuration, Deviation, bounds
from experiments.config import RandomNetworks

COLUMNS = ("case", "activation", "sigma_w", "seed", "network", "layer", "complement")
FIGURES = ("impact-of-smoothness", "finite-width", "depth-scales")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}

FOLLOWS = 0.2  # of the width: the layers in which networks follow the theory


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/correlation-depth.yaml."""

    activations: list[str] = bounds.activation_list()
    seeds: list[int] = bounds.seeds()
    sigma_b: dict[str, float] = bounds.each_at_least(0)
    default_sigma_b: float = bounds.at_least(0)
    c0: float = bounds.bounded("a correlation in [-1, 1)", lambda x: -1 <= x < 1)
    depth: int = bounds.at_least(10)
    residual_sigma_w: list[float] = bounds.each_positive()
    simulation: RandomNetworks = field(default_factory=RandomNetworks)
    ordered_sigma_b: float = bounds.at_least(0)
    ordered_sigma_w: float = bounds.positive()
    chaotic_sigma_b: float = bounds.at_least(0)
    chaotic_sigma_w: float = bounds.positive()
