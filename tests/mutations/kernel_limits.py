"""Wrong processes and networks, and wrong curves and limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mutation import Fault, Mutant, backwards, both, edited, scaled, set_to, swapped

from deepk.lab import where
from deepk.lab.runner import Tables

LAPTOP = "laptop"
KERNELS = ["unscaled", "rescaled"]
PROCESSES, NETWORKS = ({"source": source, "kind": KERNELS} for source in ("branching", "networks"))
SLOW = {"activation": "powers-of-two", "kind": "kesten-stigum"}


def deterministic(tables: Tables) -> Tables:
    """W = 1, as if a population were mu^L: the limit is exp(-t)."""
    theory = tables.theory.copy()
    rows = where(theory, kind="limit").index
    theory.loc[rows, "value"] = np.exp(-theory.loc[rows, "x"])
    return replace(tables, theory=theory)


def converged(tables: Tables) -> Tables:
    """The paper's deepest curve is twice as near its limit."""
    theory = tables.theory.copy()
    rows = where(theory, kind="rescaled", depth=7).index
    at = ["activation", "centering", "x"]
    limit = theory.loc[rows, at].merge(where(theory, kind="limit"), on=at, how="left")["value"].to_numpy()
    theory.loc[rows, "value"] = (theory.loc[rows, "value"] + limit) / 2
    return replace(tables, theory=theory)


def linear(tables: Tables) -> Tables:
    """Means are the inputs' own correlations."""
    data = tables.data.copy()
    rows = where(data, kind="unscaled").index
    data.loc[rows, "mean"] = data.loc[rows, "x"]
    return replace(tables, data=data)


MUTANTS = [
    Mutant(
        "outputs are as correlated as inputs",
        LAPTOP,
        linear,
        (
            "branching/relu/*",
            "branching/sigmoid/uncentered",
            "networks/gelu/*",
            "networks/swish/*",
            "end/unscaled/relu",
        ),
    ),
    Mutant(
        "outputs are not correlated at all",
        LAPTOP,
        set_to(0.0, "mean", kind=KERNELS),
        ("branching/*/centered", "branching/*/uncentered", "networks/*/centered", "networks/*/uncentered", "end/*"),
    ),
    Mutant(
        "outputs are all the same",
        LAPTOP,
        set_to(1.0, "mean", kind=KERNELS),
        ("branching/sigmoid/uncentered", "networks/sigmoid/uncentered", "survival/gelu/*", "survival/swish/*"),
    ),
    Mutant(
        "centered and un-centered are exchanged",
        LAPTOP,
        swapped("centering", "centered", "uncentered"),
        ("branching/relu/*", "branching/sigmoid/*", "networks/swish/*", "networks/gelu/*"),
    ),
    Mutant(
        "relu and gelu are exchanged",
        LAPTOP,
        swapped("activation", "relu", "gelu"),
        ("branching/relu/centered", "branching/gelu/uncentered", "networks/relu/uncentered", "networks/gelu/centered"),
    ),
    Mutant(
        "gelu and swish are exchanged",
        LAPTOP,
        swapped("activation", "gelu", "swish"),
        ("branching/gelu/*", "branching/swish/*", "networks/gelu/*", "networks/swish/*", "survival/gelu/*"),
    ),
    Mutant(
        "the deepest network is called the shallowest",
        LAPTOP,
        backwards("depth", source="networks", depth=[1, 3, 5, 7]),
        ("networks/relu/*", "networks/sigmoid/*", "end/unscaled/relu"),
    ),
    Mutant(
        "the last generation is called the first",
        LAPTOP,
        backwards("depth", source="branching", activation=["relu", "gelu", "sigmoid", "swish"], depth=[1, 3, 5, 7]),
        ("branching/relu/*", "branching/gelu/*", "branching/sigmoid/uncentered", "end/rescaled/relu"),
    ),
    Mutant("processes ten times too large", LAPTOP, scaled(10, "mean", **PROCESSES), ("branching/*", "survival/*")),
    Mutant("processes a tenth", LAPTOP, scaled(0.1, "mean", **PROCESSES), ("branching/*", "end/rescaled/relu")),
    Mutant(
        "networks ten times too large, and their spread",
        LAPTOP,
        both(scaled(10, "mean", **NETWORKS), scaled(10, "deviation", **NETWORKS)),
        ("networks/relu/*", "networks/gelu/*", "networks/sigmoid/*", "networks/swish/*", "end/*"),
    ),
    Mutant(
        "squares of correlations",
        LAPTOP,
        edited(np.square, "mean", kind="unscaled"),
        ("branching/relu/centered", "networks/sigmoid/centered", "end/unscaled/relu"),
    ),
    Mutant(
        "the printed limit of gelu",
        LAPTOP,
        set_to(0.9537, "mean", activation="gelu", centering="uncentered", kind="rescaled", depth=200, x=1.0),
        ("survival/gelu/uncentered",),
    ),
    Mutant(
        "processes that die out are left out",
        LAPTOP,
        edited(lambda mean: (mean - 0.6587) / (1 - 0.6587), "mean", activation="swish", depth=200, kind="rescaled"),
        ("survival/swish/uncentered", "branching/swish/uncentered"),
    ),
    Mutant(
        "a limit without a shape",
        LAPTOP,
        deterministic,
        ("near-limit/gelu/centered", "near-limit/sigmoid/centered", "near-limit/swish/uncentered"),
    ),
    Mutant(
        "the limit of mu <= 1 for all",
        LAPTOP,
        set_to(1.0, of="theory", kind="limit"),
        ("near-limit/relu/centered", "near-limit/swish/centered", "near-limit/gelu/uncentered"),
    ),
    Mutant(
        "seven layers are twice as near the limit",
        LAPTOP,
        converged,
        ("not-yet/gelu/uncentered", "not-yet/swish/uncentered"),
    ),
    Mutant(
        "the printed limit where mu_star is infinite",
        LAPTOP,
        set_to(1.0, of="theory", **SLOW),
        ("kesten-stigum/branching", "kesten-stigum/limit", "kesten-stigum/exponent"),
    ),
    Mutant(
        "half the exponent",
        LAPTOP,
        edited(np.sqrt, of="theory", **SLOW),
        ("kesten-stigum/exponent", "kesten-stigum/limit"),
    ),
    Mutant(
        "populations are not divided by mu^L", LAPTOP, edited(np.sqrt, "mean", **SLOW), ("kesten-stigum/branching",)
    ),
    Mutant("half the rate of extinction", LAPTOP, scaled(0.5, of="theory", kind="extinction"), ("extinction/relu",)),
    Mutant("the square of it", LAPTOP, edited(np.square, of="theory", kind="extinction"), ("extinction/*",)),
]

FAULTS = [
    Fault(
        "experiments/kernel_limits/theory.py",
        "np.clip(2 * below - below_squared - below**2, 0, None)",
        "np.clip(below - below_squared, 0, None)",
        "tests/experiments/test_kernel_limits.py::test_the_deviation_is_that_of_the_power_of_the_population",
    ),
    Fault(
        "experiments/kernel_limits/cases.py",
        "np.float_power(self.dual.mu, -depth)",
        "np.float_power(self.dual.mu, depth)",
        "tests/experiments/test_kernel_limits.py::test_the_papers_curves_have_their_values_to_four_digits",
    ),
    Fault(
        "experiments/kernel_limits/powers_of_two.py",
        "law.mu * math.log2(law.mu)",
        "law.mu * math.log(law.mu)",
        "tests/experiments/test_kernel_limits.py::"
        "test_the_leading_order_solves_its_equation_and_comes_to_hold_with_depth",
    ),
]
