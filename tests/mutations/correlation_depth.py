"""Wrong results and wrong code of `correlation-depth`."""

from __future__ import annotations

import math

import numpy as np
from mutation import Change, Fault, Mutant, backwards, edited, scaled, set_to, swapped

TESTS = "tests/experiments/test_correlation_depth.py"
COMPLEMENT = "complement"


def wrong(what: str, change: Change, *hits: str) -> Mutant:
    return Mutant(what, "laptop", change, hits)


MUTANTS = [
    *(
        wrong(f"{factor:g} times 1 - c^l in networks", scaled(factor, COMPLEMENT), "networks/*/share=0.1", *hits)
        for factor, hits in (
            (0.1, ("networks/*/share=1", "networks/residual/*")),
            (0.5, ("networks/swish/share=1",)),
            (2, ("networks/*/share=1", "networks/residual/*")),
            (10, ("networks/*/share=1", "networks/residual/*", "departure/*")),
        )
    ),
    wrong(
        "no correlation can be measured",
        set_to(math.nan, COMPLEMENT),
        "networks/*",
        "departure/relu",
        "departure/tanh",
        "depth-scale/ordered",
    ),
    wrong("all inputs become the same at once", set_to(1e-12, COMPLEMENT), "networks/*", "depth-scale/ordered"),
    wrong(
        "the norm of the difference for its square",
        edited(lambda c: c.clip(lower=0) ** 0.5, COMPLEMENT),  # a rounding has made some of Swish's negative
        "networks/*",
        "depth-scale/ordered",
    ),
    wrong("depth reversed", backwards("layer", case="edge"), "networks/relu/*", "networks/tanh/*"),
    wrong("relu and elu exchanged", swapped("activation", "relu", "elu"), "networks/relu/*", "networks/elu/*"),
    wrong(
        "ten times the prediction in networks as deep as wide",
        scaled(30, COMPLEMENT, case="edge", layer=500),
        "departure/relu",
        "departure/elu",
        "departure/tanh",
    ),
    wrong(
        "the constant of the edge twice as large",
        scaled(2, COMPLEMENT, of="theory", case="edge"),
        "rate/*",
        "gamma/*",
        "relu/l=*",
        "networks/*/share=0.1",
    ),
    wrong(
        "a constant off by a tenth",
        scaled(1.1, COMPLEMENT, of="theory", case="edge"),
        "rate/relu",
        "rate/elu",
        "rate/tanh",
        "rate/swish",
    ),
    wrong(
        "relu as slow as a smooth activation",
        edited(np.sqrt, COMPLEMENT, of="theory", case="edge", activation="relu"),
        "power/relu",
        "relu/l=*",
    ),
    wrong(
        "smooth activations as fast as relu",
        edited(np.square, COMPLEMENT, of="theory", case="edge", activation=["elu", "tanh"]),
        "power/elu",
        "power/tanh",
    ),
    wrong(
        "gamma without its square",
        scaled(0.5, COMPLEMENT, of="theory", case="residual"),
        "gamma/*=0.5",
        "gamma/*=1",
        "gamma/*=2",
    ),
    wrong(
        "the printed depth scale, which is the inverse",
        edited(lambda scale: 1 / scale, "depth_scale", of="theory", case="ordered"),
        "depth-scale/ordered",
    ),
    wrong(
        "a depth scale a fifth too long",
        scaled(1.2, "depth_scale", of="theory", case=["ordered", "chaotic"]),
        "depth-scale/ordered",
        "depth-scale/chaotic",
    ),
]

FAULTS = [
    Fault(
        "experiments/correlation_depth/measurement.py",
        "kept = networks.complement[:, layers]",
        "kept = networks.complement[:, layers - 1]",
        f"{TESTS}::test_layers_are_counted_from_the_inputs",
    ),
    Fault(
        "experiments/correlation_depth/theory.py",
        "/ residual_gamma(case.sigma_w)",
        "* residual_gamma(case.sigma_w)",
        f"{TESTS}::test_asymptotes_are_those_of_the_two_propositions",
    ),
    Fault(
        "experiments/correlation_depth/theory.py",
        "math.sqrt(2 / width)) / math.log(slope)",
        "(2 / width)) / math.log(slope)",
        f"{TESTS}::test_swishs_networks_follow_until_the_fluctuation_of_the_variance_has_grown_to_a_quarter",
    ),
]
