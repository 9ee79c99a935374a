"""Wrong branching processes."""

from __future__ import annotations

import numpy as np
from mutation import Fault, Mutant, both, edited, scaled, set_to, shifted, swapped

LAPTOP = "laptop"
CENTERED = ["centered relu", "centered gelu", "centered sigmoid", "centered swish"]
GROWING = ["poisson(2)", "binomial(4, 0.5)", "uniform(20)"]

MUTANTS = [
    Mutant("nobody dies", LAPTOP, set_to(1.0, "mean", quantity="alive"), ("extinction/gelu", "simulation/survival")),
    Mutant(
        "the printed xi of a centered law is 0, and a tenth dies",
        LAPTOP,
        scaled(0.9, "mean", quantity="alive", law=CENTERED),
        ("extinction/centered relu", "extinction/centered swish", "simulation/survival"),
    ),
    Mutant(
        "half as many processes are alive",
        LAPTOP,
        scaled(0.5, "mean", quantity="alive"),
        ("extinction/poisson(2)", "extinction/uniform(20)", "simulation/survival"),
    ),
    Mutant(
        "alive and extinct are exchanged",
        LAPTOP,
        edited(lambda share: 1 - share, "mean", quantity="alive"),
        ("extinction/relu", "extinction/sigmoid", "extinction/geometric(0.5)"),
    ),
    Mutant(
        "relu and gelu are exchanged",
        LAPTOP,
        swapped("law", "relu", "gelu"),
        ("extinction/relu", "extinction/gelu", "simulation/offspring"),
    ),
    Mutant(
        "un-centered and centered swish are exchanged",
        LAPTOP,
        swapped("law", "swish", "centered swish"),
        ("extinction/swish", "extinction/centered swish"),
    ),
    Mutant(
        "one child too many", LAPTOP, shifted(1.0, "mean", quantity="children"), ("mu/poisson(2)", "mu/uniform(20)")
    ),
    Mutant("means of twice the law", LAPTOP, scaled(2.0, "mean", quantity="children"), ("mu/geometric(0.5)",)),
    Mutant(
        "the uniform law counts its members as n",
        LAPTOP,
        scaled(21 / 20, "mean", quantity="generating", law="uniform(20)"),
        ("generating-function/uniform(20)",),
    ),
    Mutant(
        "the square of P(Y >= k) for itself",
        LAPTOP,
        edited(np.square, "mean", quantity="at least"),
        ("tail/relu", "simulation/offspring"),
    ),
    Mutant("a_k for a_k^2", LAPTOP, edited(np.sqrt, "mean", quantity="exactly"), ("simulation/offspring",)),
    Mutant(
        "sizes relative to mu^(l - 1)",
        LAPTOP,
        scaled(2.0, "mean", quantity="size", law=GROWING),
        ("simulation/mean",),
    ),
    Mutant("sizes ten times too large", LAPTOP, scaled(10.0, "mean", quantity="size"), ("simulation/mean",)),
    Mutant(
        "the transform at t / 2",
        LAPTOP,
        edited(np.sqrt, "mean", quantity="laplace"),
        ("simulation/laplace", "simulation/limit"),
    ),
    Mutant(
        "the printed limit, with the unconditional W",
        LAPTOP,
        edited(lambda phi: 0.2031878699 + (1 - 0.2031878699) * phi, of="theory", quantity="limit", law="poisson(2)"),
        ("simulation/limit",),
    ),
    Mutant(
        "an iterate that loses a digit in each of four generations",
        LAPTOP,
        scaled(1 + 1e-9, of="theory", quantity="alive"),
        ("survival-law/geometric(0.5)", "survival/relu"),
    ),
    Mutant(
        "a survival that dies out as 1 / l",
        LAPTOP,
        both(
            edited(np.sqrt, of="theory", quantity="alive", law="relu"),
            edited(np.sqrt, "mean", quantity="alive", law="relu"),
        ),
        ("survival-law/relu", "survival/relu"),
    ),
]

FAULTS = [
    Fault(
        path="experiments/branching/claims.py",
        right="    judged = enough or rows[:1]",
        wrong="    judged = rows[:1]",
        noticed_by="tests/experiments/test_branching.py::test_a_mean_that_drifts_from_generation_to_generation_differs",
    ),
    Fault(
        path="experiments/branching/averages.py",
        right='self.data[name] * self.data["count"]',
        wrong="self.data[name]",
        noticed_by="tests/experiments/test_branching.py::test_means_are_over_all_seeds_weighted_by_their_paths",
    ),
    Fault(
        path="experiments/branching/theory.py",
        right="    u = -np.expm1(-t / law.mu**generation)",
        wrong="    u = -np.expm1(-t / law.mu)",
        noticed_by="tests/experiments/test_branching.py::test_simulated_processes_follow_the_theory",
    ),
]
