"""Wrong results and wrong code of `tangent-kernel`."""

from __future__ import annotations

from mutation import Fault, Mutant, backwards, scaled, set_to, swapped

LAPTOP = "laptop"
TANGENT, TRAINED, FEATURES = "tangent kernel", "tangent kernel after training", "features"

MUTANTS = [
    Mutant("gradients twice as large", LAPTOP, scaled(2.0, quantity=[TANGENT, TRAINED]), ("limit/tangent-kernel*",)),
    Mutant("kernels that are not normalized", LAPTOP, scaled(0.5, quantity=FEATURES), ("limit/features/*",)),
    Mutant("depths in the opposite order", LAPTOP, backwards("layers"), ("limit/*",)),
    Mutant("widths in the opposite order", LAPTOP, backwards("width"), ("rate/*",)),
    Mutant("features for tangents", LAPTOP, swapped("quantity", FEATURES, TANGENT), ("limit/tangent-kernel/5",)),
    Mutant(
        "features for what training leaves",
        LAPTOP,
        swapped("quantity", FEATURES, TRAINED),
        ("limit/tangent-kernel-after-training/3", "rate/tangent-kernel-after-training/*"),
    ),
    Mutant("nothing at all", LAPTOP, set_to(0.0), ("limit/*",)),
    Mutant(
        "a limit without its last layer",
        LAPTOP,
        scaled(0.7, of="theory", quantity=TANGENT),
        ("limit/tangent-kernel/*", "rate/tangent-kernel/2"),
    ),
]

FAULTS = [
    Fault(
        "experiments/tangent_kernel/claims.py",
        'difference = both["value"] - both["value_before"]',
        'difference = both["value_before"]',
        "tests/experiments/test_tangent_kernel.py::test_networks_that_come_near_like_the_root_of_the_width_are_reproduced",
    ),
]
