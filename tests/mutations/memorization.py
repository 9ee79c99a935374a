"""Wrong depths and eigenvalues of kernel matrices."""

from __future__ import annotations

import numpy as np
from mutation import Fault, Mutant, backwards, edited, scaled, set_to, shifted, swapped

LAPTOP = "laptop"
DEPTHS = {"quantity": "minimal depth"}
UNIFORM = {**DEPTHS, "arrangement": "uniform"}
PACKINGS = {**DEPTHS, "arrangement": ["circle", "sphere"]}
NOTICED_BY = "tests/experiments/test_memorization_experiment.py"

MUTANTS = [
    Mutant(
        "ten times the depth",
        LAPTOP,
        scaled(10.0, **DEPTHS),
        ("bounds/*/relu", "marchenko-pastur/*/200", "earlier-draw/*", "slides/small/*", "circle/*"),
    ),
    Mutant(
        "a hundred times the depth of packings",
        LAPTOP,
        scaled(100.0, **PACKINGS),
        ("bounds/large/*", "slides/large/relu", "slides/large/swish"),
    ),
    Mutant("a tenth of the depth", LAPTOP, scaled(0.1, **DEPTHS), ("bounds/large/relu", "marchenko-pastur/*/300")),
    Mutant(
        "twice the depth, of log a_1 for log a_1^2",
        LAPTOP,
        scaled(2.0, **UNIFORM),
        ("marchenko-pastur/relu/200", "marchenko-pastur/sigmoid/200", "earlier-draw/gelu"),
    ),
    Mutant(
        "half the depth",
        LAPTOP,
        scaled(0.5, **DEPTHS),
        ("marchenko-pastur/swish/200", "earlier-draw/sigmoid", "circle/*"),
    ),
    Mutant("a depth that counts from 0", LAPTOP, shifted(-1.0, **DEPTHS), ("circle/*", "marchenko-pastur/relu/*")),
    Mutant("two layers too many", LAPTOP, shifted(2.0, **UNIFORM), ("marchenko-pastur/gelu/200", "earlier-draw/relu")),
    Mutant(
        "no depth found for one draw of three",
        LAPTOP,
        set_to(np.nan, **UNIFORM, seed=1),
        ("bounds/small/*", "marchenko-pastur/*/25", "slides/small/*"),
    ),
    Mutant(
        "the depth of relu for that of sigmoid",
        LAPTOP,
        swapped("activation", "relu", "sigmoid"),
        ("marchenko-pastur/relu/*", "marchenko-pastur/sigmoid/*", "earlier-draw/relu", "circulant/relu"),
    ),
    Mutant(
        "the depth of relu for that of swish",
        LAPTOP,
        swapped("activation", "relu", "swish"),
        ("marchenko-pastur/relu/200", "marchenko-pastur/swish/200", "circle/swish"),
    ),
    Mutant(
        "uniform points take n for d",
        LAPTOP,
        backwards("d", **UNIFORM, n=200, kappa=0.5),
        ("marchenko-pastur/relu/200", "marchenko-pastur/sigmoid/200"),
    ),
    Mutant("kappas in the opposite order", LAPTOP, backwards("kappa", **UNIFORM), ("marchenko-pastur/swish/200",)),
    Mutant(
        "eigenvalues of a kernel one layer less deep",
        LAPTOP,
        edited(lambda eigenvalue: eigenvalue.shift(5), quantity="eigenvalue", arrangement="circle"),
        ("circulant/*",),
    ),
    Mutant(
        "eigenvalues in single precision",
        LAPTOP,
        edited(lambda eigenvalue: eigenvalue.astype(np.float32).astype(float), quantity="eigenvalue"),
        ("circulant/*",),
    ),
    Mutant(
        "depths in the opposite order",
        LAPTOP,
        backwards("depth", quantity="eigenvalue", arrangement="uniform", activation="relu"),
        ("inwards/uniform/relu",),
    ),
    Mutant(
        "eigenvalues less 1 that fall on one side alone",
        LAPTOP,
        edited(lambda eigenvalue: 2 - eigenvalue, quantity="eigenvalue"),
        ("inwards/*/relu", "inwards/*/gelu", "inwards/*/sigmoid", "inwards/*/swish"),
    ),
    Mutant("un-centered kernels that are centered", LAPTOP, set_to(1.4, quantity="un-centered"), ("un-centered/*",)),
    Mutant(
        "log(mu) squared in the growth on the circle",
        LAPTOP,
        scaled(1.5, of="theory", quantity="fourier"),
        ("growth/relu", "growth/gelu", "growth/swish"),
    ),
    Mutant(
        "Marchenko and Pastur's edge without its square root",
        LAPTOP,
        shifted(3.0, of="theory", quantity="marchenko_pastur", activation=["relu", "gelu", "swish"]),
        ("marchenko-pastur/relu/300", "marchenko-pastur/gelu/300"),
    ),
]

FAULTS = [
    Fault(
        "experiments/memorization/fourier.py",
        "/ n) ** 2",
        "/ n)",
        f"{NOTICED_BY}::test_fourier_sums_are_the_eigenvalues_of_the_kernel_matrix_on_the_circle",
    ),
    Fault(
        "experiments/memorization/theory.py",
        "edge, scale = root**2 / d",
        "edge, scale = root / d",
        f"{NOTICED_BY}::test_the_finite_size_range_holds_the_prediction_and_narrows_with_n",
    ),
    Fault(
        "experiments/memorization/measurement.py",
        "centered=centered)",
        "centered=True)",
        f"{NOTICED_BY}::test_a_users_own_activation_is_measured_judged_and_drawn",
    ),
]
