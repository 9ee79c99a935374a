"""The kinds of network of `correlation-depth`, and the layers at which they are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deepk.meanfield import MeanField, edge_of_chaos
from experiments.correlation_depth import Config

OFF_EDGE_LAYERS = 60  # enough for ten depth scales of the slides' points
PER_DECADE = 12  # layers that are kept, evenly spaced on a logarithmic scale


@dataclass(frozen=True)
class Case:
    """A kind of network: on the edge, residual, ordered or chaotic."""

    case: str
    activation: str
    sigma_b: float
    sigma_w: float
    q: float

    @property
    def residual(self) -> bool:
        """Whether layers are added to what they are given."""
        return self.case == "residual"

    @property
    def off_edge(self) -> bool:
        """Whether correlation converges exponentially."""
        return self.case in ("ordered", "chaotic")

    @property
    def key(self) -> dict[str, str | float]:
        """What names it in the tables."""
        return {"case": self.case, "activation": self.activation, "sigma_w": self.sigma_w}

    def depth(self, most: int) -> int:
        """Up to which layer it is followed, of as many."""
        return min(most, OFF_EDGE_LAYERS) if self.off_edge else most

    def layers(self, depth: int) -> np.ndarray:
        """The layers that are kept, up to a depth: off the edge all of them."""
        return np.arange(1, depth + 1) if self.off_edge else logarithmic(depth)


def cases(cfg: Config) -> list[Case]:
    """Each activation on its edge, residual ReLU networks, and Tanh on either side of its edge."""
    found = []
    for name in cfg.activations:
        point = edge_of_chaos(name, sigma_b=cfg.sigma_b.get(name, cfg.default_sigma_b))
        found.append(Case("edge", name, point.sigma_b, point.sigma_w, point.q))
    found += [Case("residual", "relu", 0.0, sigma_w, 1.0) for sigma_w in cfg.residual_sigma_w]
    for case, sigma_b, sigma_w in (
        ("ordered", cfg.ordered_sigma_b, cfg.ordered_sigma_w),
        ("chaotic", cfg.chaotic_sigma_b, cfg.chaotic_sigma_w),
    ):
        q = MeanField("tanh", sigma_w=sigma_w, sigma_b=sigma_b).limiting_variance()
        found.append(Case(case, "tanh", sigma_b, sigma_w, q))
    return found


def logarithmic(depth: int) -> np.ndarray:
    """Layers from 1 to depth, evenly spaced on a logarithmic scale where they can be."""
    count = 1 + math.ceil(PER_DECADE * math.log10(depth))
    return np.unique(np.geomspace(1, depth, count).round().astype(int))
