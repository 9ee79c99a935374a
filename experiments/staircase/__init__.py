"""How much a linearized network learns is a staircase: a degree more for each power of the dimension.

(Ghorbani, Mei, Misiakiewicz, Montanari 2021, arXiv:1904.12191; slides of Song Mei, 'Generalization of linearized neural
networks: staircase decay and double descent', 2020.)

Claim      With infinitely many samples, d^l << N << d^(l+1) random features of an activation learn the part of a target
           of degree at most l, and as many neurons of its tangent model one degree more; with infinitely many features
           d^l << n << d^(l+1) samples learn what no kernel of <x, y> can beat, degrees up to l, and kernel ridge
           regression does so. Both are edges of one map of the risk over N and n, with double descent on its diagonal.
Measured   Kernel ridge regression with two tangent kernels, random features with infinitely many samples (a projection,
           exact) and with finitely many, on targets of equal power in each degree, beside the deterministic equivalent.
           A target of degree 3 alone, which the tangent kernel of two-layer ReLU without biases never learns.
Deviates   Steps are a limit: at the dimensions that are simulated they are ramps, so what is compared there is the
           equivalent at that dimension; steps are compared at a dimension where it has them. No figure prints numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepk.lab import Configuration, Deviation, bounds

KEY = ("model", "samples", "features", "seed")
COLUMNS = (*KEY, "kernel", "value")
FIGURES = ("staircase", "map", "odd-degrees")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}

KERNEL, WIDE, BOTH, CUBIC = "kernel", "features", "both", "degree three"
DEEP, SHALLOW, SHIFTED = "ntk L = 3", "ntk L = 2", "relu(z - 1/2)"


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/staircase.yaml."""

    dimension: int = bounds.at_least(4)
    dimensions: list[int] = bounds.integers(4)
    power: list[float] = bounds.bounded(
        "a list of numbers >= 0, some > 0", lambda xs: len(xs) > 0 and min(xs) >= 0 and max(xs) > 0
    )
    samples: list[int] = bounds.integers(1)
    features: list[int] = bounds.integers(1)
    pairs: list[list[int]] = bounds.bounded(
        "a list of different pairs [N, n] of integers >= 1",
        lambda xs: len({tuple(x) for x in xs}) == len(xs) > 0 and all(len(x) == 2 and min(x) >= 1 for x in xs),
    )
    ridge: float = bounds.positive()
    noise: float = bounds.at_least(0)
    cubic_dimension: int = bounds.at_least(4)
    cubic_samples: list[int] = bounds.integers(1)
    test_points: int = bounds.at_least(10)
    seeds: list[int] = bounds.seeds()
