"""Wrong results and wrong code of `kernel-spectra`."""

from __future__ import annotations

import numpy as np
from mutation import Fault, Mutant, backwards, edited, scaled, set_to, swapped

LAPTOP = "laptop"
MU = "eigenvalue"

MUTANTS = [
    Mutant(
        "tangents and features exchanged",
        LAPTOP,
        swapped("kernel", "relu ntk", "relu nngp"),
        ("decay/relu-ntk-3/*", "decay/relu-nngp-3/*", "constant/*", "same-decay-as-laplace/*", "growth-with-depth/*"),
    ),
    Mutant(
        "depths in the opposite order",
        LAPTOP,
        backwards("layers", kernel=["relu ntk", "relu nngp", "step nngp"]),
        ("growth-with-depth/*", "constant/relu-ntk-3/*", "decay/step-nngp-3/*", "steps-improve-with-depth/*"),
    ),
    Mutant(
        "totals for eigenvalues",
        LAPTOP,
        edited(lambda mu: mu * np.arange(1, len(mu) + 1) ** 2.0, MU, kernel="laplace", dimension=4),
        ("decay/laplace/4/*", "constant/laplace/4/*", "same-decay-as-laplace/3/4/*"),
    ),
    Mutant("eigenvalues twice as large", LAPTOP, scaled(2.0, MU), ("constant/*", "from-hermite-coefficients/*")),
    Mutant("square roots", LAPTOP, edited(np.sqrt, MU), ("decay/*", "constant/*", "norm-of-a-power/*")),
    Mutant("noise where zeros belong", LAPTOP, edited(lambda mu: mu + 1e-17, MU), ("zeros/*",)),
    Mutant(
        "a quadrature in float64",
        LAPTOP,
        edited(lambda mu: mu.clip(lower=1e-16), MU),
        ("faster-than-powers/*", "decay/relu-nngp-3/10/*"),
    ),
    Mutant("no decay at all", LAPTOP, set_to(1e-3, MU), ("decay/*", "faster-than-powers/*", "norm-of-a-power/*")),
    Mutant(
        "kernels of which E sigma^2 is 1",
        LAPTOP,
        scaled(2.0, of="theory", quantity="second moment"),
        ("kappa-at-one/*", "weight-variance"),
    ),
    Mutant(
        "the sign of c_-1",
        LAPTOP,
        scaled(-1.0, of="theory", quantity="c_minus_1"),
        ("constant/relu-ntk-3/*", "condition-for-even-degrees"),
    ),
    Mutant(
        "a target with a jump",
        LAPTOP,
        swapped("kernel", "target power", "target bump", of="theory"),
        ("norm-of-a-power/*",),
    ),
]

FAULTS = [
    Fault(
        "experiments/kernel_spectra/claims.py",
        "return layers * (layers - 1) / 2 if kind == TANGENT else layers - 1",
        "return layers * (layers + 1) / 2 if kind == TANGENT else layers - 1",
        "tests/experiments/test_kernel_spectra.py::test_the_coefficients_of_depth_are_those_of_the_expansions",
    ),
    Fault(
        "experiments/kernel_spectra/theory.py",
        "found[1:] = _constant(d) * (1 - a * a) ** ((d - 1) / 2) / (d - 1) * p[:-1]",
        "found[1:] = _constant(d) * (1 - a * a) ** ((d - 1) / 2) / d * p[:-1]",
        "tests/experiments/test_kernel_spectra.py::test_targets_are_expanded_as_mpmath_integrates_them",
    ),
]
