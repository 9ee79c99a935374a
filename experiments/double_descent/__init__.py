"""The test error of random features peaks where they are as many as the samples, and falls again: double descent.

(Mei, Montanari 2022, arXiv:1908.05355; slides of Song Mei, 'Generalization of linearized neural networks: staircase
decay and double descent', 2020.)

Claim      For N features of a layer, n samples and inputs of dimension d, all large, the test error is a known function
           of N / d, n / d, the ridge and the signal-to-noise ratio. Without a ridge it peaks at N = n; with
           the best ridge it falls throughout; at infinite width the best ridge is 0 above a ratio of zeta^2.
Measured   Ridge regression on random features of spheres of several dimensions: test error, bias, variance, training
           error and norm along N / d. The same for the gradients of a two-layer network, which have N d features, at
           fixed n; and for images, beside the equivalent with the spectrum of their kernel.
Deviates   The paper's figures print no numbers: what is compared is its theorem. Ridge 1e-8 stands for none, as in its
           figure 1. The curve for images is ours; they are centered, without which their features are far from
           Gaussian and the equivalent is off by up to a half.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from deepk.lab import Configuration, Data, Deviation, bounds

KEY = ("model", "dimension", "seed")
COLUMNS = (*KEY, "features", "ridge", "noise", "quantity", "value")
FIGURES = ("double-descent", "decomposition", "peak", "tangents", "images")
# Far beyond interpolation the training error of few instances is above its limit by 35 % at d = 32 and 8 % at d = 100.
_DIMENSION = (
    "tested: double-descent/laptop, figure decomposition: the distance from the limit falls with the dimension, "
    "from 0.35 of it at d = 32 to 0.08 at d = 100"
)
KNOWN_DEVIATIONS: dict[str, Deviation] = {
    "training-error/ridge=0.001/15": Deviation(measured=7.2e-4, within=6e-5, reason=_DIMENSION),
    "training-error/ridge=0.001/20": Deviation(measured=6.1e-4, within=5e-5, reason=_DIMENSION),
}

FEATURES, TANGENTS, IMAGES = "random features", "tangent features", "images"
BEST = "best"  # the ridge of least risk, by theory
RISK, BIAS, VARIANCE, TRAINING, NORM = "risk", "bias", "variance", "training error", "squared norm"


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/double-descent.yaml."""

    data: Data = field(default_factory=Data)
    activation: str = bounds.activation()
    dimensions: list[int] = bounds.integers(2)
    samples_per_dimension: float = bounds.positive()
    features_per_dimension: list[float] = bounds.each_positive()
    ridges: list[float] = bounds.each_positive()
    noises: list[float] = bounds.bounded(
        "a list of different finite numbers >= 0", lambda xs: bounds.distinct(xs) and all(0 <= x < 1e6 for x in xs)
    )
    seeds: list[int] = bounds.seeds()
    test_points: int = bounds.at_least(10)
    tangent_dimension: int = bounds.at_least(2)
    tangent_samples: int = bounds.at_least(2)
    neurons: list[int] = bounds.integers(1)
    population: int = bounds.at_least(20)
    image_samples: int = bounds.at_least(2)
    image_features: list[int] = bounds.integers(1)
    image_ridges: list[float] = bounds.each_positive()

    def ridge_names(self) -> list[str]:
        """As in the tables: numbers, and the best one."""
        return [*map(ridge_name, self.ridges), BEST]

    def features(self, dimension: int) -> list[int]:
        """N in a dimension."""
        return [max(1, round(ratio * dimension)) for ratio in self.features_per_dimension]

    def samples(self, dimension: int) -> int:
        """n in a dimension."""
        return max(1, round(self.samples_per_dimension * dimension))


def ridge_name(ridge: float) -> str:
    """1e-08, 0.001, ..."""
    return f"{ridge:g}"
