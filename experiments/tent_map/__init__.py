"""Depth lowers the error on a map composed 8 times; composed 40 times it cannot be fitted, whatever the depth.

(Chatziafratis, Nagarajan, Panageas 2020, arXiv:2003.00777; slides: experimental section, easy task and hard task.)

Claim      f = phi |x| - 1 has period 3, and f^n oscillates like phi^n, as fast as its Lipschitz constant allows: no
           ReLU network of l hidden layers of u units, of at most p = (u + 1)^l pieces, comes closer to f^40 than
           (s/2)(1 - 2p/s) (h/2)^2 / phi^40 in L1, s the crossings of an interval of length h.
Measured   Training and fresh errors of networks of width 20 with 1 to 5 hidden layers, on 4 to 40 compositions, by
           Adam; sign errors of the easy task; the same networks on shuffled labels; the digits that floats leave.
Deviates   The slides' slope 1.618 has no period 3; ours is the golden ratio, exactly, with labels of the same law.
           Learning rate, batch size, loss and interval are not stated: we take Adam's default, 100, mean square error,
           and [-1, 1]; the figure `sensitivity` shows other learning rates and batch sizes, one seed each. Labels are
           iterated in float64, off by 1e-8 after 40 compositions; in float32 two in five would have the wrong sign.
           Networks see those inputs rounded to float32. The slides' error is on training points, the theorem's on the
           population: we show fresh points too. Beside the hard task stand shuffled labels, on which no depth can
           help. With `map=` another map takes the golden one's place; claims that hold for that one alone are then
           not judged.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepk.lab import Configuration, Deviation, bounds
from experiments.bounds import markov_map, out_of_digits

KEY = ("part", "depth", "batch_size")
COLUMNS = (*KEY, "task", "setting", "compositions", "seed", "epoch", "quantity", "value")
FIGURES = ("depth-sweep", "compositions", "training", "sensitivity", "digits")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}

ONCE = ("counts", "digits")  # parts that a run measures once, with its first seed
STATED = "as stated"  # `setting` of a training with none of the swept values


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/tent-map.yaml."""

    map: str = markov_map()
    depths: list[int] = bounds.integers(1)
    width: int = bounds.at_least(1)
    points: int = bounds.at_least(10)
    epochs: int = bounds.at_least(1)
    easy: int = bounds.at_least(1)
    hard: int = bounds.at_least(1)
    compositions: list[int] = bounds.integers(1)
    seeds: list[int] = bounds.seeds()
    learning_rate: float = bounds.positive()
    batch_size: int = bounds.at_least(1)
    fresh_points: int = bounds.at_least(10)
    evaluations: int = bounds.at_least(1)
    learning_rates: list[float] = bounds.each_positive()
    batch_sizes: list[int] = bounds.integers(1)
    float_points: int = bounds.at_least(2)

    def conflict(self) -> tuple[str, str]:
        """The first value that does not go with another, and what it takes; or nothing."""
        from deepk.dynamics import get_map

        if self.hard <= self.easy:
            return "hard", f"a number above easy={self.easy}"
        if not get_map(self.map).turning_points:
            return "map", "a map that turns: iterates of a monotone one do not oscillate"
        return out_of_digits([self.map], hard=[self.hard], compositions=self.compositions)
