"""Composed n times, the tent map has 2^n pieces: n layers compute it, and one layer needs exponentially many units.

(Chatziafratis, Nagarajan, Panageas 2020, arXiv:2003.00777; Telgarsky 2016, arXiv:1602.04485; slides: repeated
compositions.)

Claim      f^n has 2^n linear pieces for the tent map and 2 F_(n+1) for the golden one. A ReLU network of n layers with
           a unit for each piece of f computes it exactly; one of a single layer of u units has at most u + 1 pieces,
           and is (1/8)(1 - 2 (u + 1) / 2^n) away from the tent map's f^n in L1 at least, however it is trained.
Measured   Pieces, counted by recursion and written out; the deep network beside f^n; networks of one layer of growing
           width, trained by Adam on f^2, f^4 and f^6.
Deviates   The slides say 400 against 10000 ReLUs at L = 100 without a setting; ours takes two units a layer, 200. At
           100 compositions slope 2^100 is beyond float64: networks are compared up to 24, counts at 100.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepk.lab import Configuration, Deviation, bounds
from experiments.bounds import markov_maps, out_of_digits

KEY = ("part", "map", "width")
COLUMNS = (*KEY, "compositions", "seed", "x", "quantity", "value")
FIGURES = ("curves", "pieces", "networks")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}

ONCE = ("curves", "pieces", "deep")  # parts that a run measures once, with its first seed
FRESH_POINTS = 20_000  # on which trained networks are compared with f^n


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/tent-compositions.yaml."""

    maps: list[str] = markov_maps()
    shown: list[int] = bounds.integers(1)
    curve_points: int = bounds.at_least(2)
    counted: int = bounds.between(1, 1000)
    written: int = bounds.between(1, 16)
    network_depths: list[int] = bounds.integers(1)
    network_points: int = bounds.at_least(1)
    shallow: int = bounds.at_least(1)
    targets: list[int] = bounds.integers(1)
    widths: list[int] = bounds.integers(1)
    points: int = bounds.at_least(10)
    epochs: int = bounds.at_least(1)
    batch_size: int = bounds.at_least(1)
    learning_rate: float = bounds.positive()
    seeds: list[int] = bounds.seeds()

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        if self.written > self.counted:
            return "written", f"at most counted={self.counted}"
        return out_of_digits(self.maps, shown=self.shown, network_depths=self.network_depths, targets=self.targets)
