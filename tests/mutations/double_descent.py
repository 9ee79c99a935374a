"""Wrong results and wrong code of `double-descent`."""

from __future__ import annotations

from mutation import Fault, Mutant, scaled, set_to, swapped

LAPTOP = "laptop"
FEATURES, TANGENTS, IMAGES = "random features", "tangent features", "images"

MUTANTS = [
    Mutant(
        "errors of the labels and not of the function", LAPTOP, scaled(1.5, quantity="risk"), ("risk/ridge=0.001/*",)
    ),
    Mutant(
        "nothing learnt", LAPTOP, set_to(1.0, quantity=["risk", "bias"]), ("risk/*/10", "bias/*/10", "images/*/600")
    ),
    Mutant("bias for variance", LAPTOP, swapped("quantity", "bias", "variance"), ("bias/*/4", "variance/*/4")),
    Mutant("a norm without its N / d", LAPTOP, scaled(0.1, quantity="squared norm"), ("squared-norm/*/10",)),
    Mutant(
        "the sum of squares for the mean", LAPTOP, scaled(300.0, quantity="training error"), ("training-error/*/1",)
    ),
    Mutant(
        "the largest ridge for the smallest",
        LAPTOP,
        swapped("ridge", "1e-08", "0.001"),
        ("risk/ridge=1e-08/2", "risk/ridge=0.001/4", "peak/height"),
    ),
    Mutant("no peak", LAPTOP, set_to(0.5, model=FEATURES, quantity="risk"), ("peak/height", "peak/position")),
    Mutant("a peak elsewhere", LAPTOP, scaled(1e4, model=TANGENTS, features=1200), ("tangents/peak",)),
    Mutant(
        "a best ridge that lets the error rise",
        LAPTOP,
        scaled(3.0, ridge="best", features=[1000, 1500, 2000]),
        ("best-ridge-falls/*",),
    ),
    Mutant(
        "a threshold of zeta and not of its square",
        LAPTOP,
        scaled(0.6, of="theory", quantity="zeta squared"),
        ("threshold/infinite-width",),
    ),
    Mutant("half the signal in images", LAPTOP, scaled(0.5, model=IMAGES), ("images/*",)),
]

FAULTS = [
    Fault(
        "experiments/double_descent/measurement.py",
        "ridges = [ridge * len(x) * count / d for _, ridge, _ in named]",
        "ridges = [ridge * len(x) for _, ridge, _ in named]",
        "tests/experiments/test_double_descent.py::test_an_instance_is_what_normal_equations_give",
    ),
    Fault(
        "experiments/double_descent/claims.py",
        "rises[worst].tolist()",
        "(-rises[worst]).tolist()",
        "tests/experiments/test_double_descent.py::test_an_error_that_rises_with_the_best_ridge_differs",
    ),
]
