"""batch-norm: the growth of gradients in closed form, and what its claims conclude from tables."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
import smoke

from deepk.lab import Claim, Lab, Verdict
from experiments.batch_norm import COLUMNS, VARIANTS
from experiments.batch_norm.claims import claims
from experiments.batch_norm.measurement import measure, units
from experiments.batch_norm.theory import growth

GROWTH = {"relu": math.sqrt(math.pi / (math.pi - 1)), "elu": 1.0387, "tanh": 1.0853}
CHANCE = 0.1135
ENDS = ("accuracy", "accuracy by the batch", "loss")


def compose(scale: str, *overrides: str) -> Any:
    return smoke.compose("batch-norm", scale, *overrides)


def tables(cfg: Any, accuracies: dict[str, tuple[float, float, float]], factor: float = 1.0) -> Any:
    """A run whose gradients grow as theory says, to the power `factor`, and in which each reading ends so (%)."""
    theory = pd.DataFrame([{"activation": a, "log_growth": math.log(GROWTH[a])} for a in cfg.activations])
    theory = theory.assign(chance=CHANCE, test_images=10_000)
    rows = []
    for variant, of_variant in accuracies.items():
        for activation, accuracy in zip(("relu", "elu", "tanh"), of_variant, strict=True):
            key = (variant, activation, 200, 0)
            slope = factor * math.log(GROWTH[activation])
            rows += [(*key, "gradient", 1, layer, math.exp(slope * (200 - layer))) for layer in range(4, 201, 4)]
            rows += [(*key, name, 938, 0, accuracy / 100) for name in ENDS]
    return theory, pd.DataFrame(rows, columns=list(COLUMNS))


def judged(cfg: Any, *both: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in claims(*both, cfg)}


@pytest.fixture
def paper() -> Any:
    return compose("paper")


def test_relu_grows_by_the_square_root_of_pi_over_pi_minus_one() -> None:
    # E phi'^2 = 1/2, E phi^2 = 1/2, E phi = 1/sqrt(2 pi)
    assert growth("relu") == pytest.approx(math.sqrt(math.pi / (math.pi - 1)), rel=1e-12)


def test_elu_grows_as_its_moments_say() -> None:
    # Of e^(tz) below 0: e^(t^2/2) P(Z < -t), from tables of the normal distribution
    below = {0: 0.5, 1: math.exp(0.5) * 0.15865525393145707, 2: math.exp(2.0) * 0.022750131948179195}
    slope, mean = 0.5 + below[2], 1 / math.sqrt(2 * math.pi) + below[1] - below[0]
    square = 0.5 + below[2] - 2 * below[1] + below[0]
    assert growth("elu") == pytest.approx(math.sqrt(slope / (square - mean**2)), rel=1e-12)


def test_a_linear_layer_does_not_change_a_gradient() -> None:
    assert growth("softplus") > 1  # it is curved
    assert growth("linear:identity") == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("factor", [0.0, 0.4, 2.0, -1.0])
def test_gradients_that_grow_otherwise_differ(paper: Any, factor: float) -> None:
    as_said, otherwise = (
        judged(paper, *tables(paper, {"keras": (93.1, 93.4, 10.7)}, power))["gradient-growth/relu"]
        for power in (1.0, factor)
    )
    assert (as_said.verdict, otherwise.verdict) == (Verdict.REPRODUCED, Verdict.DIFFERS)


@pytest.mark.parametrize(
    ("accuracies", "as_printed"),
    [
        ((93.1, 93.4, 10.7), 3),
        ((math.nan, 93.4, 10.7), 2),
        ((math.nan, 10.5, 10.1), 1),
        ((11.0, 12.0, 90.0), 0),
    ],
)
def test_the_pattern_counts_the_activations_that_learn_or_not_as_printed(
    paper: Any, accuracies: tuple[float, float, float], as_printed: int
) -> None:
    claim = judged(paper, *tables(paper, {"untrained": accuracies}))["printed-pattern/untrained"]
    assert claim.measured == as_printed
    assert claim.verdict is (Verdict.REPRODUCED if as_printed == 3 else Verdict.DIFFERS)


def test_a_shallower_network_is_not_compared_with_the_table(paper: Any) -> None:
    cfg = compose("paper", "depths=[50,100]")
    claim = judged(cfg, *tables(paper, {"keras": (93.1, 93.4, 10.7)}))["printed-pattern/keras"]
    assert claim.other_setting.startswith("depth=100")


@pytest.mark.parametrize(
    ("accuracy", "verdict"),
    [
        (0.1135, Verdict.REPRODUCED),
        (0.14, Verdict.UNDERPOWERED),
        (0.5, Verdict.DIFFERS),
        (math.nan, Verdict.DIFFERS),
    ],
)
def test_softplus_stays_at_chance_or_does_not(paper: Any, accuracy: float, verdict: Verdict) -> None:
    theory, _ = tables(paper, {})
    rows = [("sigma_b=0.1763", "shifted-softplus", 200, 0, name, 938, 0, accuracy) for name in ENDS]
    data = pd.DataFrame(rows, columns=list(COLUMNS))
    assert judged(paper, theory, data)["softplus-stays-at-chance/0.1763"].verdict is verdict


def test_every_reading_trains_and_those_that_differ_do_differ() -> None:
    cfg = compose("smoke", f"variants=[{','.join(VARIANTS)}]", "depths=[6]", "activations=[tanh]", "epochs=2")
    plain = [unit.key["variant"] for unit in units(cfg) if unit.key["activation"] == "shifted-softplus"]
    assert plain == ["sigma_b=0.0238", "sigma_b=0.1763", "sigma_b=0.6735"]
    found = {}
    for unit in (unit for unit in units(cfg) if unit.key["activation"] == "tanh"):
        rows = measure(cfg, unit, Lab("cpu"))
        assert len(rows[rows["quantity"] == "gradient"]) == 2 * 6
        found[unit.key["variant"]] = float(rows[rows["quantity"] == "loss"]["value"].iloc[0])
    assert len(set(found.values())) == len(VARIANTS)
