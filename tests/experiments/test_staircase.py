"""staircase: what its claims conclude from made instances, and that its projections are what they say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke
import torch

from deepk.lab import Claim, Lab, Unit, Verdict, where
from experiments.staircase import BOTH, COLUMNS, CUBIC, DEEP, KERNEL, SHALLOW, WIDE
from experiments.staircase.claims import claims
from experiments.staircase.kernels import activation, features, harmonics, target
from experiments.staircase.measurement import measure, unit_vectors
from experiments.staircase.theory import predict


@pytest.fixture(scope="module")
def cfg() -> Any:
    seeds = ",".join(map(str, range(12)))
    return smoke.compose("staircase", "smoke", "dimensions=[1000]", f"seeds=[{seeds}]")


@pytest.fixture(scope="module")
def theory(cfg: Any) -> pd.DataFrame:
    return predict(cfg)


@pytest.fixture(scope="module")
def data(cfg: Any, theory: pd.DataFrame) -> pd.DataFrame:
    """Instances that scatter by some per cent around the theory; degree three as it should be."""
    generator = np.random.default_rng(0)
    rows: list[tuple[Any, ...]] = []
    for model in (KERNEL, WIDE, BOTH, CUBIC):
        for row in where(theory, what=model).to_dict("records"):
            value = {SHALLOW: 1.1, DEEP: 0.2}[row["kernel"]] if model == CUBIC else row["value"]
            for seed in cfg.seeds:
                scatter = math.exp(0.03 * generator.normal())
                rows.append((model, row["samples"], row["features"], seed, row["kernel"], value * scatter))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def judged(cfg: Any, *tables: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in claims(*tables, cfg)}


def verdicts(found: dict[str, Claim], start: str) -> set[Verdict]:
    return {claim.verdict for name, claim in found.items() if name.startswith(start)}


def test_instances_around_the_theory_are_reproduced(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> None:
    found = judged(cfg, theory, data)
    assert verdicts(found, "") == {Verdict.REPRODUCED}
    assert len(found) > 15


@pytest.mark.parametrize("factor", [0.8, 1.25])
@pytest.mark.parametrize("model", [KERNEL, WIDE, BOTH])
def test_another_risk_differs(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame, model: str, factor: float) -> None:
    copy = data.copy()
    copy.loc[where(copy, model=model).index, "value"] *= factor
    assert verdicts(judged(cfg, theory, copy), f"{model}/") == {Verdict.DIFFERS}


def test_a_step_that_is_not_there_differs(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> None:
    other = theory.copy()
    other.loc[where(other, what="plateau").index, "value"] += max(cfg.power)
    assert verdicts(judged(cfg, other, data), "plateau/") == {Verdict.DIFFERS}


def test_a_degree_that_two_layers_learn_or_three_do_not_differs(
    cfg: Any, theory: pd.DataFrame, data: pd.DataFrame
) -> None:
    copy = data.copy()
    swapped = {SHALLOW: DEEP, DEEP: SHALLOW}
    copy["kernel"] = copy["kernel"].map(lambda name: swapped.get(name, name))
    assert verdicts(judged(cfg, theory, copy), "degree-three/") == {Verdict.DIFFERS}


@pytest.mark.parametrize("d", [5, 30])
def test_harmonics_are_orthonormal(d: int) -> None:
    # of one direction and degrees 0 to 3; 200,000 points leave 1 / 447 of scatter, for fourth moments some times more
    t = unit_vectors(200_000, d, torch.Generator().manual_seed(0), "cpu")[:, 0]
    found = torch.stack([harmonics(d, k, t) for k in range(4)])
    assert float((found @ found.T / len(t) - torch.eye(4, dtype=torch.float64)).abs().max()) < 0.05


def test_a_target_has_the_power_that_it_is_given() -> None:
    generator = torch.Generator().manual_seed(1)
    x, directions = unit_vectors(200_000, 12, generator, "cpu"), unit_vectors(4, 12, generator, "cpu")
    found = target([0.1, 0.4, 0.3, 0.2], 12, x, directions)
    assert float(found.mean()) == pytest.approx(math.sqrt(0.1), abs=0.01)
    assert float(found.square().mean()) == pytest.approx(1.0, abs=0.03)


def test_the_coefficients_of_the_activation_are_its_means_against_legendre_polynomials() -> None:
    known, d = features(12), 12
    t = unit_vectors(400_000, d, torch.Generator().manual_seed(2), "cpu")[:, 0]
    sigma = torch.from_numpy(activation(math.sqrt(d) * t.numpy()))
    for k in range(4):
        mean = float((sigma * harmonics(d, k, t)).mean())
        assert mean == pytest.approx(known.coefficients[k] * math.sqrt(known.multiplicities[k]), abs=0.004)
    assert float(sigma.square().mean()) == pytest.approx(known.second_moment, rel=0.01)
    assert 0 <= known.tail < 0.01 * known.second_moment


def test_the_projection_is_the_limit_of_many_samples() -> None:
    # 8 features and 40,000 samples with hardly a ridge: what is left is the projection's error, up to 1 / 70 or so
    cfg = smoke.compose(
        "staircase", "smoke", "features=[8]", "pairs=[[8,40000]]", "noise=0", "ridge=1e-9", "test_points=40000"
    )
    risks = {
        model: np.mean(
            [
                measure(cfg, Unit({"model": model, "samples": n, "features": 8, "seed": seed}), Lab("cpu"))["value"][0]
                for seed in range(8)
            ]
        )
        for model, n in ((WIDE, 0), (BOTH, 40_000))
    }
    assert risks[WIDE] == pytest.approx(risks[BOTH], abs=0.05)
    assert risks[WIDE] < 0.95
