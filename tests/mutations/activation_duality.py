"""Wrong laws of activations."""

from __future__ import annotations

import numpy as np
from mutation import Fault, Mutant, edited, scaled, set_to, shifted, swapped

LAPTOP = "laptop"
TABLE = ["mu", "a_1_squared", "mu_star", "xi"]

MUTANTS = [
    Mutant(
        "a_k^2 that sum to 2",
        LAPTOP,
        scaled(2.0, part="series", quantity=["mu", "a_1_squared", "mu_star"]),
        ("table/mu/*", "table/a_1_squared/*", "table/mu_star/*"),
    ),
    Mutant(
        "a_k for a_k^2",
        LAPTOP,
        edited(np.sqrt, part="series", quantity="a_1_squared"),
        ("table/a_1_squared/gelu/un-centered", "table/a_1_squared/swish/centered"),
    ),
    Mutant(
        "the columns of the table exchanged",
        LAPTOP,
        swapped("centered", False, True),
        ("table/mu/relu/un-centered", "table/a_1_squared/sigmoid/centered", "recipe/mu/relu/*", "recipe/a_1_squared/*"),
    ),
    Mutant(
        "relu and gelu exchanged",
        LAPTOP,
        swapped("activation", "relu", "gelu"),
        ("table/mu/relu/*", "table/xi/gelu/un-centered", "table/mu_star/gelu/centered"),
    ),
    Mutant(
        "a fixed point that is G(0)",
        LAPTOP,
        set_to(0.2, part="series", quantity="xi"),
        ("table/xi/relu/un-centered", "table/xi/swish/un-centered"),
    ),
    Mutant(
        "a logarithm to base 2",
        LAPTOP,
        scaled(1 / np.log(2), quantity="mu_star"),
        ("table/mu_star/gelu/un-centered", "recipe/mu_star/relu/*"),
    ),
    Mutant("the theory of mu without its k = 1", LAPTOP, shifted(-0.1, of="theory", quantity="mu"), ("table/mu/*",)),
    Mutant(
        "a recipe whose law is not divided by its sum",
        LAPTOP,
        scaled(10.0, part="recipe", quantity=TABLE),
        ("recipe/mu/*", "recipe/a_1_squared/*", "recipe/mu_star/relu/*"),
    ),
    Mutant(
        "a recipe a tenth as large",
        LAPTOP,
        scaled(0.1, part="recipe", quantity=TABLE),
        ("recipe/mu/*", "recipe/mu_star/swish/*", "recipe/a_1_squared/relu/centered"),
    ),
    Mutant(
        "processes that are never without children",
        LAPTOP,
        scaled(1.15, part="branching"),
        ("survival/relu", "survival/tanh", "survival/elu"),
    ),
    Mutant(
        "tanh and elu exchanged",
        LAPTOP,
        swapped("activation", "tanh", "elu"),
        ("survival/tanh", "survival/elu"),
    ),
    Mutant(
        "c^l for 1 - c^l",
        LAPTOP,
        edited(lambda u: 1 - u, of="theory", quantity="survival"),
        ("survival/relu", "survival/tanh", "survival/elu"),
    ),
]

FAULTS = [
    Fault(
        path="deepk/hermite.py",
        right=" / np.sqrt(factorial(np.arange(degree + 1))))",
        wrong=" / factorial(np.arange(degree + 1)))",
        noticed_by="tests/deepk/test_hermite.py::"
        "test_a_monte_carlo_coefficient_is_the_mean_of_the_product_with_the_normalized_polynomial",
    ),
    Fault(
        path="experiments/activation_duality/measurement.py",
        right="    fertile = 1 - critical.sigma_b**2 / q",
        wrong="    fertile = 1 - critical.sigma_b / q",
        noticed_by="tests/experiments/test_activation_duality.py::"
        "test_with_biases_processes_are_alive_as_the_theory_says",
    ),
    Fault(
        path="experiments/activation_duality/measurement.py",
        right="critical.activation.rescaled(math.sqrt(q))",
        wrong="critical.activation.rescaled(q)",
        noticed_by="tests/experiments/test_activation_duality.py::"
        "test_with_biases_processes_are_alive_as_the_theory_says",
    ),
]
