"""A wide network's gradients have the products that the tangent kernel says, before training and after it.

(Jacot, Gabriel, Hongler 2018, arXiv:1806.07572; Bietti, Bach 2021, arXiv:2009.14397, slides 'Deep equals shallow in
kernel regimes': random-feature and neural tangent kernels.)

Claim      <df(x), df(y)> of a network whose weights are standard normal tends, as its width m grows, to Theta_L, and to
           the same after training; the products of its last features tend to K_L, which is all that training the last
           layer alone sees. The recursion for both: K_(l+1) = G(K_l), Theta_(l+1) = Theta_l G'(K_l) + K_(l+1).
Measured   Rows of all three kernels between a point and others around a circle, for networks of several depths, widths
           and seeds: distance from the limit, change by gradient descent on a wave, features. How they fall with m.
Deviates   The slides show no experiment on this; figures are ours. `layers` counts weight matrices, as in the paper.
           Training is full-batch gradient descent on a handful of points, in the lazy regime by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepk.lab import Configuration, Deviation, bounds

KEY = ("layers", "width", "seed")
COLUMNS = (*KEY, "quantity", "angle", "value")
FIGURES = ("kernels", "finite-width")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}

TANGENT, TRAINED, FEATURES = "tangent kernel", "tangent kernel after training", "features"


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/tangent-kernel.yaml."""

    activation: str = bounds.activation()
    layers: list[int] = bounds.integers(2)
    deep: int = bounds.at_least(2)
    widths: list[int] = bounds.integers(1)
    seeds: list[int] = bounds.seeds()
    features: int = bounds.at_least(2)
    points: int = bounds.at_least(3)
    steps: int = bounds.at_least(1)
    rate: float = bounds.positive()
