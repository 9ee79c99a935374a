"""A point of odd period makes the iterates of a map oscillate exponentially, and a slope of 1.618 has none of period 3.

(Chatziafratis, Nagarajan, Panageas 2020, arXiv:2003.00777; slides: periods, oscillations, tight examples.)

Claim      A continuous map of an interval with a point of odd period p has iterates f^n that oscillate at least about
           rho_p^n times, rho_p the largest root of x^p - 2 x^(p-2) - 1; its Lipschitz constant is then at least rho_p.
           The map slope |x| - 1 is tight: it has period p if and only if slope >= rho_p. By Sharkovsky's theorem a
           period implies all that stand after it in 3, 5, 7, ..., 2 3, 2 5, ..., 8, 4, 2, 1.
Measured   Oscillations of f^n, counted exactly, for maps with the slides' periods; the periods that maps have; by
           bisection over rational slopes the least slope with each odd period; the number of points of period 3 at the
           slides' slope, and below and above the golden ratio; orbits against the slope.
Deviates   The slides' example maps are drawn without their formulas: those here have the same periods and none that
           stands before in Sharkovsky's order. 1.618 is less than the golden ratio rho_3 = 1.6180339..., so that the
           slides' map, said to have period 3, has no such point.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepk.lab import Configuration, Deviation, bounds
from experiments.bounds import markov_maps

KEY = ("part", "map", "period")
COLUMNS = (*KEY, "slope", "index", "quantity", "value")
FIGURES = ("orbits", "oscillations", "bifurcation", "sharkovsky")
KNOWN_DEVIATIONS: dict[str, Deviation] = {}


@dataclass
class Config(Configuration):
    """Values and sources: conf/experiment/map-periods.yaml."""

    # Iterates up to these periods are written out, with up to 2^period pieces.
    periods: list[int] = bounds.integers(2, 100)
    odd: list[int] = bounds.integers(3, 13, odd=True)
    sharkovsky: list[int] = bounds.integers(2, 16)
    maps: list[str] = markov_maps(least=0)
    up_to: int = bounds.between(3, 16)
    iterations: int = bounds.between(6, 2000)
    slope: float = bounds.bounded(
        "a number in (0, 2] other than 1, where whole intervals return", lambda x: 0 < x <= 2 and x != 1
    )
    beside: list[float] = bounds.bounded(
        "a list of different slopes in (1, 2]", lambda xs: bounds.distinct(xs) and all(1 < x <= 2 for x in xs)
    )
    slopes: int = bounds.at_least(2)
    shown: int = bounds.at_least(1)
    settled: int = bounds.at_least(0)
    bisections: int = bounds.between(1, 60)

    @property
    def looked_for(self) -> range:
        """The periods that a map is asked for."""
        return range(1, self.up_to + 1)
