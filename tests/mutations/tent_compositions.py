"""Wrong results and wrong code of `tent-compositions`."""

from __future__ import annotations

import numpy as np
from mutation import Fault, Mutant, edited, scaled, set_to, shifted, swapped

PAPER = "paper"
AWAY = "shallow-stays-away/*"
WIDTH_4 = ("shallow-stays-away/f^4/width-4", "shallow-stays-away/f^6/width-4")

MUTANTS = [
    Mutant(
        "kinks for pieces",
        PAPER,
        shifted(-1, quantity="written out"),
        ("pieces-written-out/tent", "pieces-written-out/golden", "pieces-shown/tent"),
    ),
    Mutant(
        "the tent map and the golden one are exchanged",
        PAPER,
        swapped("map", "tent", "golden"),
        ("pieces/tent", "pieces/golden", "pieces-written-out/tent", "pieces-written-out/golden", "pieces-shown/tent"),
    ),
    Mutant("one composition too many", PAPER, shifted(1.0, quantity="log2 pieces"), ("pieces/tent", "pieces/golden")),
    Mutant(
        "F_n for F_(n+1)",
        PAPER,
        scaled(1 - 0.01, of="theory", quantity="log2 pieces", map="golden"),
        ("pieces/golden", "pieces-written-out/golden"),
    ),
    Mutant(
        "deep networks in float32",
        PAPER,
        shifted(2.0**-24, quantity="error"),
        ("deep-network/tent", "deep-network/golden"),
    ),
    Mutant(
        "a last layer without its bias",
        PAPER,
        set_to(1.0, quantity="error"),
        ("deep-network/tent", "deep-network/golden"),
    ),
    Mutant("a unit for each piece of f^2", PAPER, scaled(2.01, quantity="units"), ("deep-network-units",)),
    Mutant("the height of a triangle for its square", PAPER, scaled(2.0, quantity="shallow bound"), ("shallow-bound",)),
    Mutant(
        "errors ten times too small",
        PAPER,
        scaled(0.1, part="trained", quantity="fresh mae"),
        (*WIDTH_4, "shallow-stays-away/f^6/width-8"),
    ),
    Mutant("squares for distances", PAPER, edited(np.square, part="trained", quantity="fresh mae"), WIDTH_4[1:]),
    Mutant("trainings that diverged", PAPER, set_to(np.nan, part="trained"), (*WIDTH_4, AWAY)),
    Mutant(
        "a layer that computes f^n",
        PAPER,
        set_to(0.0, part="trained", compositions=[4, 6]),
        (*WIDTH_4, "shallow-stays-away/f^6/width-16"),
    ),
]

_HERE = "tests/experiments/test_tent_compositions.py"
FAULTS = [
    Fault(
        path="experiments/tent_compositions/measurement.py",
        right="    iterates: list[Any] = [Fraction(point) for point in x.tolist()]\n",
        wrong="    iterates: list[Any] = [Fraction(point) / 2 for point in x.tolist()]\n",
        noticed_by=f"{_HERE}::test_the_deep_network_of_the_tent_map_is_exact_with_two_units_a_layer",
    ),
    Fault(
        path="experiments/tent_compositions/theory.py",
        right="2 * fibonacci(n + 1)",
        wrong="2 * fibonacci(n)",
        noticed_by=f"{_HERE}::test_formulas_are_of_the_pieces_that_are_written_out",
    ),
]
