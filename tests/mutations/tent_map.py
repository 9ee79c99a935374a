"""Wrong results and wrong code of `tent-map`."""

from __future__ import annotations

import numpy as np
from mutation import Fault, Mutant, backwards, both, edited, scaled, set_to, shifted, swapped

PAPER = "paper"
TRAINED = {"part": "training"}
FALLS = "easy-falls-with-depth/*"
FLOOR, LEARNT, BOUND = "hard-at-the-floor/*", "hard-is-not-learnt/*", "bound-holds/*"

MUTANTS = [
    Mutant(
        "the networks of one and of five layers are exchanged",
        PAPER,
        backwards("depth", **TRAINED),
        ("easy-falls-with-depth/regression", "easy-falls-with-depth/classification"),
    ),
    Mutant(
        "nothing is learnt of the easy task either",
        PAPER,
        both(
            set_to(0.2, **TRAINED, compositions=8, quantity="train mse"),
            set_to(0.2764, **TRAINED, compositions=8, quantity="train sign error"),
        ),
        ("easy-falls-with-depth/regression", "easy-falls-with-depth/classification"),
    ),
    Mutant(
        "the easy task and the hard one are exchanged",
        PAPER,
        swapped("compositions", 8, 40),
        (FALLS, "hard-at-the-floor/depth-5", "hard-is-not-learnt/depth-5", "crossings/8", "crossings/40"),
    ),
    Mutant(
        "half of the hard task is learnt",
        PAPER,
        scaled(0.5, task="regression", compositions=40, quantity=["train mse", "fresh mse"]),
        (
            "hard-at-the-floor/depth-1",
            "hard-at-the-floor/depth-5",
            "hard-is-not-learnt/depth-3",
            "hard-is-not-*/depth-1",
        ),
    ),
    Mutant("errors ten times too large", PAPER, scaled(10.0, **TRAINED), (FLOOR,)),
    Mutant("errors a hundred times too small", PAPER, scaled(0.01, **TRAINED), (FALLS, FLOOR, LEARNT, BOUND)),
    Mutant(
        "root mean squares",
        PAPER,
        edited(np.sqrt, **TRAINED, quantity="train mse"),
        ("hard-at-the-floor/depth-1", "hard-at-the-floor/depth-5"),
    ),
    Mutant("trainings that diverged", PAPER, set_to(np.nan, **TRAINED), (FALLS, FLOOR, LEARNT, BOUND, "hard-is-flat")),
    Mutant(
        "the deepest network learns of the hard task what it does not of shuffled labels",
        PAPER,
        shifted(-0.02, task="regression", compositions=40, depth=5, quantity="train mse"),
        ("hard-is-flat",),
    ),
    Mutant(
        "mean absolute errors over three times the interval",
        PAPER,
        scaled(1 / 3, **TRAINED, quantity="fresh mae"),
        ("bound-holds/depth-1", "bound-holds/depth-5"),
    ),
    Mutant(
        "a triangle with twice the height",
        PAPER,
        scaled(4.0, of="theory", quantity="mean L1 bound"),
        ("bound-holds/depth-1", "bound-holds/depth-5"),
    ),
    Mutant("a standard deviation for a floor", PAPER, edited(np.sqrt, of="theory", quantity="mse"), (FLOOR, LEARNT)),
    Mutant(
        "pieces for crossings, and one layer more",
        PAPER,
        both(shifted(1.0, quantity="slides' condition"), scaled(1.618, quantity="crossings")),
        ("slides-condition", "crossings/8", "crossings/40"),
    ),
    Mutant(
        "float32 and float64 are exchanged",
        PAPER,
        both(
            swapped("quantity", "float32 error", "float64 error"),
            swapped("quantity", "float32 wrong signs", "float64 wrong signs"),
        ),
        ("float32-labels-are-noise", "float64-labels-are-good"),
    ),
]

_HERE = "tests/experiments/test_tent_map.py"
FAULTS = [
    Fault(
        path="deepk/dynamics/bounds.py",
        right="2 * math.log(height)",
        wrong="math.log(height)",
        noticed_by=f"{_HERE}::test_the_bound_of_one_layer_is_that_of_crossings_alone",
    ),
    Fault(
        path="experiments/tent_map/measurement.py",
        right="    y = map_.iterate(x, task.compositions)\n",
        wrong="    y = map_.iterate(x.astype(np.float32), task.compositions)\n",
        noticed_by=f"{_HERE}::test_labels_are_good_to_six_digits_after_40_compositions",
    ),
    Fault(
        path="experiments/tent_map/measurement.py",
        right='lab.numpy_generator(task.seed, f"{part} points")',
        wrong='lab.numpy_generator(task.seed, "points")',
        noticed_by=f"{_HERE}::test_fresh_points_are_none_that_were_trained_on",
    ),
]
