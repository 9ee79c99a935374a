"""Wrong results and wrong code of `eoc-phase`."""

from __future__ import annotations

import math

import numpy as np
from mutation import Change, Fault, Mutant, backwards, edited, relabelled, scaled, set_to, swapped

TESTS = "tests/experiments/test_eoc_phase.py"
NETWORKS, GROWTH = ("networks/*/variance", "networks/*/correlation", "networks/*/growth"), "diverging-relu/*/growth"
REFERENCES = ["reference-sigma_b", "reference-q"]


def wrong(what: str, change: Change, *hits: str) -> Mutant:
    return Mutant(what, "laptop", change, hits)


MUTANTS = [
    *(
        wrong(f"{factor:g} times the variance", scaled(factor, "variance"), "networks/tanh/*/variance")
        for factor in (0.1, 0.5, 2, 10, 100)
    ),
    wrong("a standard deviation for a variance", edited(np.sqrt, "variance"), "networks/*/variance"),
    wrong("all inputs become the same", set_to(1.0, "correlation"), "networks/tanh/*/correlation", "diverging-relu/*"),
    wrong("no inputs become the same", set_to(0.0, "correlation"), "networks/relu/*/correlation", "diverging-relu/*"),
    wrong(
        "no correlation can be measured", set_to(math.nan, "correlation"), "networks/*/correlation", "diverging-relu/*"
    ),
    wrong("no growth can be measured", set_to(math.nan, "growth"), "networks/*/growth", GROWTH, "missing-square/tanh"),
    wrong(
        "growth of a norm for that of its square", edited(np.sqrt, "growth"), NETWORKS[2], GROWTH, "missing-square/*"
    ),
    wrong("tanh grows by chi without its square", scaled(1.42, "growth", activation="tanh"), "missing-square/tanh"),
    wrong("every small difference stays as it is", set_to(1.0, "growth"), NETWORKS[2], GROWTH, "missing-square/tanh"),
    wrong("sigma_w from the other end of the line", backwards("sigma_w"), *NETWORKS, "missing-square/tanh"),
    wrong("relu and tanh exchanged", swapped("activation", "relu", "tanh"), *NETWORKS, GROWTH),
    wrong("elu and swish exchanged", swapped("activation", "elu", "swish"), "networks/elu/*", "networks/swish/*"),
    wrong("twice the variance in theory", scaled(2, "q", of="theory", kind="line"), "networks/*/variance"),
    wrong(
        "the variance of weights where their standard deviation belongs",
        edited(np.square, "sigma_w", of="theory", kind=[*REFERENCES, "limit"]),
        "edge/*/sigma_w",
        "limit/relu",
        "limit/gelu",
        "script/*/sigma_w",
    ),
    wrong(
        "the reciprocal of beta_q, which the authors' script returns",
        edited(lambda beta_q: 1 / beta_q, "beta_q", of="theory", kind=REFERENCES),
        "edge/tanh/*/beta_q",
        "edge/gelu/*/beta_q",
    ),
    wrong(
        "edges solved for to six digits",
        scaled(1 + 1e-6, "q", of="theory", kind="reference-sigma_b"),
        "edge/*/q",
        "script/settings/*/q",
    ),
    wrong(
        "biases of another edge",
        scaled(1.1, "sigma_b", of="theory", kind="reference-q"),
        "edge/shifted-softplus/*/sigma_b",
    ),
    wrong("edges that begin elsewhere", scaled(0.99, "sigma_w", of="theory", kind="limit"), "limit/tanh", "limit/elu"),
    wrong("phases at another variance", scaled(1.01, "q", of="theory", kind="check"), "phase/*/q"),
    wrong("phases of another slope", scaled(0.9, "chi_1", of="theory", kind="check"), "phase/*/chi_1"),
    wrong(
        "a variance that stays finite",
        relabelled("phase", {"diverging": "chaotic"}, of="theory", kind="check"),
        "phase/relu/*/diverges",
        "phase/elu/*/diverges",
    ),
]

FAULTS = [
    Fault(
        "experiments/eoc_phase/measurement.py",
        "difference = near.variance * near.complement",
        "difference = near.complement",
        f"{TESTS}::test_where_the_variance_diverges_a_difference_grows_by_half_of_sigma_w_squared",
    ),
    Fault(
        "experiments/eoc_phase/theory.py",
        'row["printed_chi"] = sigma_w**2 *',
        'row["printed_chi"] = sigma_w *',
        f"{TESTS}::test_the_missing_square_is_an_erratum_where_networks_grow_by_chi_1",
    ),
    Fault(
        "experiments/eoc_phase/measurement.py",
        "for c in (START, 1 - START_SMALL)",
        "for c in (START, START_SMALL)",
        f"{TESTS}::test_where_the_variance_diverges_a_difference_grows_by_half_of_sigma_w_squared",
    ),
]
