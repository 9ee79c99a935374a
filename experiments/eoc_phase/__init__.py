"""One line in the plane of (sigma_b, sigma_w) separates order from chaos, and every activation has its own.

(Hayou, Doucet, Rousseau 2019, arXiv:1902.06853, and its slides: depth scales, phases, the edge of chaos.)

Claim      With q the limiting variance, chi_1 = sigma_w^2 E phi'(sqrt(q) Z)^2 is the slope of the correlation map at 1:
           below 1 all inputs become the same (ordered), above 1 none do (chaotic). On the edge chi_1 = 1, and the depth
           scale -1 / log f'(c*) is infinite. The slides print chi without its square and the depth scale without its
           inverse. ReLU's edge is the point (0, sqrt(2)); for sigma_w^2 > 2 its variance diverges, while correlation
           still tends to 1.
Measured   Random networks of finite width along a line of constant sigma_b: the variance and the correlation that two
           inputs end up with, and the factor by which a small difference of two inputs grows in a layer.
Deviates   The paper names the points and prints no such diagram; ranges and resolution are ours. A network is drawn
           layer by layer from its exact law given the layer before, so that no weight is stored. Of Swish's variance
           the limit from q = 1 is shown; on Swish's edge itself the variance repels, so the edge drawn over the diagram
           is not where the shown chi_1 crosses 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from deepk.lab import Configuration, Deviation, bounds
from experiments.config import RandomNetworks

COLUMNS = ("activation", "sigma_w", "seed", "network", "variance", "correlation", "growth")
FIGURES = ("phase-diagram", "simulation")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}

START = 0.5  # correlation from which the limit is approached
# The growth of a small difference is measured while 1 - c is between these: large enough for float64 to tell the two
# inputs apart by eight digits, and small enough for the map to be linear; it starts between them.
SMALL, START_SMALL, LARGE = 1e-18, 1e-12, 1e-6


@dataclass
class Axis:
    """Evenly spaced points, both ends included."""

    low: float = bounds.at_least(0)
    high: float = bounds.positive()
    points: int = bounds.at_least(2)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        return ("low", f"a number below high={self.high:g}") if self.low >= self.high else ("", "")


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/eoc-phase.yaml."""

    activations: list[str] = bounds.activation_list()
    seeds: list[int] = bounds.seeds()
    sigma_b: Axis = field(default_factory=Axis)
    sigma_w: Axis = field(default_factory=Axis)
    edge_points: int = bounds.at_least(2)
    line_sigma_b: float = bounds.positive()
    line_sigma_w: list[float] = bounds.each_positive()
    simulation: RandomNetworks = field(default_factory=RandomNetworks)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        return ("sigma_w.low", "a number > 0") if self.sigma_w.low == 0 else ("", "")
