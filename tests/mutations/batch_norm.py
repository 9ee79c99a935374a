"""Wrong results and wrong code of `batch-norm`."""

from __future__ import annotations

import math

from mutation import Fault, Mutant, edited, relabelled, scaled, set_to, shifted

LAPTOP, MNIST = "laptop", "mnist"
GROWTHS = ("gradient-growth/*",)

MUTANTS = [
    Mutant("gradients do not grow", LAPTOP, edited(lambda x: x * 0 + 1, quantity="gradient"), GROWTHS),
    Mutant("gradients squared", LAPTOP, edited(lambda x: x**2, quantity="gradient"), GROWTHS),
    Mutant("gradients shrink", LAPTOP, edited(lambda x: 1 / x, quantity="gradient"), GROWTHS),
    Mutant("theory without its square root", LAPTOP, scaled(2, "log_growth", of="theory"), GROWTHS),
    Mutant("theory of growth doubled", LAPTOP, shifted(math.log(2), "log_growth", of="theory"), GROWTHS),
    Mutant(
        "gradients of the plain network",
        LAPTOP,
        relabelled("variant", {"keras": "plain", "plain": "keras"}),
        ("gradient-growth/relu",),
    ),
    Mutant(
        "every reading learns a little, Tanh too",
        MNIST,
        set_to(0.2, quantity=["accuracy", "accuracy by the batch"], depth=200),
        ("printed-pattern/*", "softplus-stays-at-chance/*"),
    ),
]

FAULTS = [
    Fault(
        path="experiments/batch_norm/theory.py",
        right="DualKernel(activation, centered=True)",
        wrong="DualKernel(activation)",
        noticed_by="tests/experiments/test_batch_norm.py::test_relu_grows_by_the_square_root_of_pi_over_pi_minus_one",
    ),
    Fault(
        path="deepk/networks/normalization.py",
        right=".sub_(unit * (d_scale / count))",
        wrong=".sub_(unit * d_scale)",
        noticed_by="tests/deepk/networks/test_ensemble.py::"
        "test_each_network_trains_as_it_does_alone_by_autograd_and_torchs_sgd",
    ),
]
