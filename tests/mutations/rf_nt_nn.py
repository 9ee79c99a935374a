"""Wrong results and wrong code of `rf-nt-nn`."""

from __future__ import annotations

from mutation import Fault, Mutant, scaled, set_to, shifted, swapped

LAPTOP = "laptop"
RF, NT, NN = "rf", "nt", "nn"

MUTANTS = [
    Mutant("the tangent model for random features", LAPTOP, swapped("model", RF, NT), ("rf/*", "nt/*", "order/nt-*")),
    Mutant("nothing learnt", LAPTOP, set_to(1.0), ("rf/1", "nt/0.5", "nn/0.5")),
    Mutant("a network that is not trained enough", LAPTOP, shifted(0.2, model=NN), ("nn/*",)),
    Mutant("errors of half the target", LAPTOP, scaled(0.5, model=[RF, NT]), ("rf/*", "nt/0.24*")),
    Mutant(
        "a network no better than its tangent model",
        LAPTOP,
        shifted(0.9, model=NN, neurons=[10, 20]),
        ("order/nn-before-nt",),
    ),
]

FAULTS = [
    Fault(
        "experiments/rf_nt_nn/measurement.py",
        "covariance, with_target = (weights @ weights.T).square(), weights.square() @ values",
        "covariance, with_target = (weights @ weights.T), weights.square() @ values",
        "tests/experiments/test_rf_nt_nn.py::test_projections_are_those_of_many_samples",
    ),
]
