"""Wrong results and wrong code of `staircase`."""

from __future__ import annotations

from mutation import Fault, Mutant, scaled, set_to, swapped

LAPTOP = "laptop"
KERNEL, WIDE, BOTH, CUBIC = "kernel", "features", "both", "degree three"
DEEP, SHALLOW, SHIFTED = "ntk L = 3", "ntk L = 2", "relu(z - 1/2)"

MUTANTS = [
    Mutant("the noise of the test label in the error", LAPTOP, scaled(1.3, model=BOTH), ("both/*",)),
    Mutant("nothing learnt", LAPTOP, set_to(1.0, model=[KERNEL, WIDE]), ("kernel/*/n=1500", "features/*/N=1000")),
    Mutant(
        "one tangent kernel for the other",
        LAPTOP,
        swapped("kernel", DEEP, SHALLOW),
        ("kernel/ntkL=3/n=1500", "degree-three/*"),
    ),
    Mutant("half the target", LAPTOP, scaled(0.5, model=WIDE), ("features/*",)),
    Mutant(
        "a degree more at each step", LAPTOP, scaled(0.5, of="theory", what="plateau"), ("plateau/*/1", "plateau/*/2")
    ),
    Mutant("degree three learnt by two layers", LAPTOP, set_to(0.4, model=CUBIC), ("degree-three/ntkL=2",)),
]

FAULTS = [
    Fault(
        "experiments/staircase/measurement.py",
        "matrix += value**2 * number * p",
        "matrix += abs(value) * number * p",
        "tests/experiments/test_staircase.py::test_the_projection_is_the_limit_of_many_samples",
    ),
    Fault(
        "experiments/staircase/claims.py",
        "left = sum(cfg.power[level + 1 :])",
        "left = sum(cfg.power[level:])",
        "tests/experiments/test_staircase.py::test_instances_around_the_theory_are_reproduced",
    ),
]
