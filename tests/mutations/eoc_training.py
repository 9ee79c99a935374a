"""Wrong results and wrong code of `eoc-training`."""

from __future__ import annotations

from mutation import Fault, Mutant, both, edited, relabelled, scaled, set_to, shifted, swapped

MNIST = "mnist"
SMOOTH = ["elu", "tanh"]
LEARNS = "edge-of-chaos-learns/*"
FASTER = "smooth-faster-than-relu/*"

MUTANTS = [
    Mutant("nothing is learnt", MNIST, set_to(0.1135, "test_accuracy"), (LEARNS,)),
    Mutant("every answer is as good as chance", MNIST, set_to(0.1, "test_accuracy"), (LEARNS,)),
    Mutant(
        "edge and ordered phase exchanged",
        MNIST,
        swapped("initialization", "edge-of-chaos", "ordered"),
        ("ordered-at-chance/elu", "ordered-at-chance/tanh", "ordered-at-chance/relu", LEARNS),
    ),
    Mutant(
        "ReLU ahead of ELU",
        MNIST,
        swapped("activation", "relu", "elu"),
        ("smooth-faster-than-relu/elu", "smooth-faster-than-relu/tanh"),
    ),
    Mutant(
        "ReLU ahead of Tanh",
        MNIST,
        swapped("activation", "relu", "tanh"),
        ("smooth-faster-than-relu/tanh",),
    ),
    Mutant(
        "batch normalization and its absence exchanged",
        MNIST,
        swapped("initialization", "edge-of-chaos", "batch-norm"),
        ("batch-norm-does-not-help/elu", "batch-norm-does-not-help/tanh"),
    ),
    Mutant(
        "with batch normalization all learn, and better",
        MNIST,
        both(
            relabelled("status", {"diverged": "ok"}),
            set_to(1876, "step", initialization="batch-norm"),
            edited(lambda lost: lost.fillna(0.0) * 0 + 0.9311, "test_accuracy", initialization="batch-norm"),
        ),
        ("batch-norm-does-not-help/relu", "batch-norm-does-not-help/elu", "batch-norm-does-not-help/tanh"),
    ),
    Mutant(
        "the ordered phase learns a little",
        MNIST,
        shifted(0.05, "test_accuracy", initialization="ordered"),
        ("ordered-at-chance/elu", "ordered-at-chance/tanh", "ordered-at-chance/relu"),
    ),
    Mutant(
        "smooth activations as slow as ReLU",
        MNIST,
        set_to(0.17, "test_accuracy", activation=SMOOTH, initialization="edge-of-chaos"),
        (LEARNS, FASTER),
    ),
    Mutant(
        "sigma_w^2 in place of sigma_w",
        MNIST,
        edited(lambda sigma_w: sigma_w**2, "sigma_w", of="theory"),
        ("edge-of-chaos-point/relu", "edge-of-chaos-point/elu", "edge-of-chaos-point/tanh"),
    ),
    Mutant(
        "the edge by the script's Monte Carlo",
        MNIST,
        scaled(1.00115, "sigma_w", of="theory", activation="elu"),
        ("edge-of-chaos-point/elu",),
    ),
]

_INPUT_AND_WEIGHTS = (
    "tests/experiments/test_eoc_training.py::"
    "test_images_enter_a_network_at_the_variance_and_the_weights_of_its_initialization"
)
FAULTS = [
    Fault(
        path="experiments/eoc_training/measurement.py",
        right="dtype=torch.float64).sqrt()[:, None, None]",
        wrong="dtype=torch.float64)[:, None, None]",
        noticed_by=_INPUT_AND_WEIGHTS,
    ),
    Fault(
        path="deepk/networks/ensemble.py",
        right="drawn * (sigma_w[r] / fan_in**0.5)",
        wrong="drawn * (sigma_w[r] ** 2 / fan_in**0.5)",
        noticed_by=_INPUT_AND_WEIGHTS,
    ),
]
