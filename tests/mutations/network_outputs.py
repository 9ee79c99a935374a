"""Wrong results and wrong code of `network-outputs`."""

from __future__ import annotations

from mutation import Fault, Mutant, edited, scaled, swapped

LAPTOP = "laptop"
CHANGES = ("change/ordered", "change/edge", "change/chaotic")

MUTANTS = [
    Mutant("changes doubled", LAPTOP, scaled(2, "change"), CHANGES),
    Mutant("half of the changes", LAPTOP, scaled(0.5, "change"), CHANGES),
    Mutant("changes tenfold", LAPTOP, scaled(10, "change"), CHANGES),
    Mutant("changes a hundredfold", LAPTOP, scaled(100, "change"), CHANGES),
    Mutant("a tenth of the changes", LAPTOP, scaled(0.1, "change"), CHANGES),
    Mutant("roots of changes in place of their squares", LAPTOP, edited(lambda x: x**0.5, "change"), CHANGES[:2]),
    Mutant(
        "ordered and chaotic phase exchanged",
        LAPTOP,
        swapped("phase", "ordered", "chaotic"),
        ("change/ordered", "change/chaotic", "one-output/ordered", "very-different/chaotic"),
    ),
    Mutant(
        "edge and chaotic phase exchanged",
        LAPTOP,
        swapped("phase", "edge", "chaotic"),
        ("change/edge", "change/chaotic", "very-different/chaotic"),
    ),
    Mutant(
        "the chaotic phase as smooth as the edge",
        LAPTOP,
        scaled(1 / 15, "change", phase="chaotic"),
        ("change/chaotic", "very-different/chaotic"),
    ),
    Mutant("theory of one layer more", LAPTOP, scaled(0.4, "change", of="theory", phase="ordered"), CHANGES[:1]),
]

FAULTS = [
    Fault(
        path="deepk/networks/initialization.py",
        right="weight * (sigma_w / fan_in(layer) ** 0.5)",
        wrong="weight * (sigma_w**2 / fan_in(layer) ** 0.5)",
        noticed_by="tests/experiments/test_network_outputs.py::test_networks_have_the_variance_of_the_theory",
    ),
    Fault(
        path="experiments/network_outputs/theory.py",
        right="theory.sigma_w**2 / 2",
        wrong="theory.sigma_w / 2",
        noticed_by="tests/experiments/test_network_outputs.py::"
        "test_a_linear_network_multiplies_a_change_by_sigma_w_squared_in_each_layer",
    ),
]
