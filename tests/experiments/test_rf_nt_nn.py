"""rf-nt-nn: what its claims conclude from made errors, and that its projections are least squares."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke
import torch
from torch import Tensor

from deepk.lab import Claim, Lab, Unit, Verdict, where
from experiments.rf_nt_nn import COLUMNS, NN, NT, RF
from experiments.rf_nt_nn.claims import claims
from experiments.rf_nt_nn.measurement import measure, random_features, tangents
from experiments.rf_nt_nn.theory import eigenvalues, predict


@pytest.fixture(scope="module")
def cfg() -> Any:
    return smoke.compose("rf-nt-nn", "smoke", "dimension=400", "ratios=[0.25,0.5,1.0]", "seeds=[0,1,2,3]")


@pytest.fixture(scope="module")
def theory(cfg: Any) -> pd.DataFrame:
    return predict(cfg)


@pytest.fixture(scope="module")
def data(cfg: Any, theory: pd.DataFrame) -> pd.DataFrame:
    """Errors that scatter by a hundredth of the target around the theorems."""
    generator = np.random.default_rng(0)
    rows = [
        (row["model"], row["dimension"], row["neurons"], seed, row["value"] + 0.002 * generator.normal())
        for row in where(theory, grid="points").to_dict("records")
        for seed in cfg.seeds
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def judged(cfg: Any, *tables: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in claims(*tables, cfg)}


def verdicts(found: dict[str, Claim], start: str) -> set[Verdict]:
    return {claim.verdict for name, claim in found.items() if name.startswith(start)}


def test_errors_around_the_theorems_are_reproduced(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> None:
    found = judged(cfg, theory, data)
    assert verdicts(found, "") == {Verdict.REPRODUCED}
    assert len(found) == 3 + 3 + 2 + 2


@pytest.mark.parametrize("model", [RF, NT, NN])
def test_other_errors_differ(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame, model: str) -> None:
    copy = data.copy()
    copy.loc[where(copy, model=model).index, "value"] += 0.15
    assert verdicts(judged(cfg, theory, copy), f"{model}/") == {Verdict.DIFFERS}


def test_another_order_differs(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> None:
    copy = data.copy()
    copy.loc[where(copy, model=NT).index, "value"] += 1.0
    assert judged(cfg, theory, copy)["order/nt-before-rf"].verdict is Verdict.DIFFERS


def test_projections_are_those_of_many_samples() -> None:
    d, neurons = 6, 3
    generator = torch.Generator().manual_seed(0)
    values = torch.tensor([1.0, 0.7, 0.5, 0.4, 0.2, 0.1], dtype=torch.float64)
    weights = torch.randn(neurons, d, generator=generator, dtype=torch.float64) / math.sqrt(d)
    x = torch.randn(200_000, d, generator=generator, dtype=torch.float64)
    y = (x.square() - 1) @ values
    squares = (x @ weights.T).square() - weights.square().sum(dim=1)
    products = ((x @ weights.T)[:, :, None] * x[:, None, :]).flatten(1)
    # 200,000 samples leave 1 / 447 of scatter, for fourth moments some times more
    assert random_features(weights, values) == pytest.approx(left(squares, y), abs=0.02)
    assert tangents(weights, values) == pytest.approx(left(products - products.mean(dim=0), y), abs=0.02)


def left(features: Tensor, y: Tensor) -> float:
    gram, along = features.T @ features, features.T @ y
    solution = torch.linalg.pinv(gram, rtol=1e-10, hermitian=True) @ along
    return float((y - features @ solution).square().mean() / y.square().mean())


def test_as_many_neurons_as_dimensions_span_all_tangents_and_not_all_features() -> None:
    values = torch.from_numpy(np.linspace(0.1, 1, 8))
    weights = torch.randn(8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert tangents(weights, values) == 0.0
    assert 0.1 < random_features(weights, values) < 0.9


def test_a_network_that_is_trained_is_near_the_best_of_its_size() -> None:
    cfg = smoke.compose("rf-nt-nn", "smoke", "steps=3000")
    found = measure(cfg, Unit({"model": NN, "dimension": 10, "neurons": 5, "seed": 0}), Lab("cpu"))
    largest = np.sort(eigenvalues(cfg, 10) ** 2)[::-1]
    best = largest[5:].sum() / largest.sum()
    assert best <= found["value"][0] <= best + 0.03
