"""Wrong results and wrong code of `map-periods`."""

from __future__ import annotations

import numpy as np
from mutation import Fault, Mutant, backwards, edited, scaled, set_to, shifted, swapped

PAPER = "paper"
COUNTED = ["points, golden", "points, slope 1.66"]

MUTANTS = [
    Mutant(
        "periods 3 and 5 are exchanged",
        PAPER,
        swapped("period", 3, 5),
        ("growth/period-3", "growth/period-5", "threshold/period-3", "threshold/period-5", "sharkovsky/period-5"),
    ),
    Mutant(
        "a power of two makes iterates oscillate",
        PAPER,
        swapped("period", 4, 5),
        ("growth/period-4", "growth/period-5", "sharkovsky/period-4"),
    ),
    Mutant(
        "the rate of a cycle with one self-loop",
        PAPER,
        set_to(1.380278, of="theory", quantity="growth rate", period=5),
        ("growth/period-5", "threshold/period-5"),
    ),
    Mutant(
        "the rate of x^p - x^(p-1) - 1",
        PAPER,
        set_to(1.465571, of="theory", quantity="growth rate", period=3),
        ("growth/period-3", "threshold/period-3"),
    ),
    Mutant(
        "a square root too much", PAPER, scaled(0.5, quantity="log crossings"), ("growth/period-3", "growth/period-5")
    ),
    Mutant("counts grow like n", PAPER, edited(np.log1p, quantity="log crossings"), ("growth/period-3",)),
    Mutant(
        "the printed slope is the threshold, and others have no more digits",
        PAPER,
        edited(lambda slope: slope.round(3), quantity=["without", "with"]),
        ("threshold/period-3", "threshold/period-5", "threshold/period-7", "threshold/period-9"),
    ),
    Mutant("the slides' map has period 3", PAPER, set_to(3, quantity="points, slides", index=3), ("period-3/slides",)),
    Mutant(
        "orbits for points",
        PAPER,
        scaled(1 / 3, quantity=COUNTED, index=3),
        ("points-of-period-3/golden", "points-of-period-3/slope-1.66"),
    ),
    Mutant(
        "fixed points count as of period 3",
        PAPER,
        shifted(2, quantity=[*COUNTED, "points, slope 1.58"], index=3),
        ("points-of-period-3/golden", "points-of-period-3/slope-1.58"),
    ),
    Mutant(
        "slopes below and above the golden ratio are exchanged",
        PAPER,
        swapped("quantity", "points, slope 1.58", "points, slope 1.66"),
        ("points-of-period-3/slope-1.58", "points-of-period-3/slope-1.66"),
    ),
    Mutant(
        "Sharkovsky's order is that of the integers",
        PAPER,
        backwards("index", quantity="has"),
        ("sharkovsky/period-2", "sharkovsky/period-4", "sharkovsky/period-6", "sharkovsky/period-8"),
    ),
    Mutant(
        "every map has every period",
        PAPER,
        set_to(1.0, quantity="has"),
        ("sharkovsky/period-5", "sharkovsky/period-7", "sharkovsky/period-9"),
    ),
    Mutant(
        "period 3 implies nothing",
        PAPER,
        set_to(0.0, of="theory", quantity="implied", period=3),
        ("sharkovsky/period-3",),
    ),
]

FAULTS = [
    Fault(
        path="experiments/map_periods/measurement.py",
        right="low, high = (low, middle) if _has(middle, period) else (middle, high)",
        wrong="low, high = (middle, high) if _has(middle, period) else (low, middle)",
        noticed_by="tests/experiments/test_map_periods.py"
        "::test_a_bisection_ends_between_a_slope_without_the_period_and_one_with_it",
    ),
    Fault(
        path="experiments/map_periods/measurement.py",
        right="    odd = period // (period & -period)\n",
        wrong="    odd = period\n",
        noticed_by="tests/experiments/test_map_periods.py::test_oscillations_grow_by_rho_for_an_even_period_too",
    ),
]
