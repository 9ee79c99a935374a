"""double-descent: what its claims conclude from made instances, and that an instance is ridge regression."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke
import torch

from deepk.lab import Claim, Lab, Unit, Verdict, only, where
from experiments.double_descent import (
    BEST,
    BIAS,
    COLUMNS,
    FEATURES,
    IMAGES,
    NORM,
    RISK,
    TANGENTS,
    TRAINING,
    VARIANCE,
    ridge_name,
)
from experiments.double_descent.claims import claims
from experiments.double_descent.measurement import measure, ridge_regression, sphere
from experiments.double_descent.theory import population, predict


@pytest.fixture(scope="module")
def cfg() -> Any:
    seeds = ",".join(map(str, range(24)))
    return smoke.compose("double-descent", "smoke", "dimensions=[200]", f"seeds=[{seeds}]", "neurons=[5,10,20]")


@pytest.fixture(scope="module")
def theory(cfg: Any) -> pd.DataFrame:
    return predict(cfg)


def made(cfg: Any, theory: pd.DataFrame, scatter: float = 0.02) -> pd.DataFrame:
    """Instances that scatter around the theory, relative; the tangent model peaks where it should."""
    generator = np.random.default_rng(0)
    rows: list[tuple[Any, ...]] = []

    def add(value: float, *key: Any) -> None:
        rows.extend((*key[:2], seed, *key[2:], value * math.exp(scatter * generator.normal())) for seed in cfg.seeds)

    for row in where(theory, what="points").to_dict("records"):
        if row["quantity"] not in (BIAS, VARIANCE) or row["noise"] == 0:
            keys = (row["features"], row["ridge"], row["noise"], row["quantity"])
            add(row["value"], FEATURES, row["dimension"], *keys)
    for neurons in cfg.neurons:
        count = neurons * cfg.tangent_dimension
        risk = 0.3 + 5 * (count == cfg.tangent_samples)
        for ridge in cfg.ridges:
            add(risk, TANGENTS, cfg.tangent_dimension, count, ridge_name(ridge), max(cfg.noises), RISK)
    for row in where(theory, what=IMAGES).to_dict("records"):
        add(row["value"], IMAGES, 0, row["features"], row["ridge"], 0.0, RISK)
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.fixture(scope="module")
def data(cfg: Any, theory: pd.DataFrame) -> pd.DataFrame:
    return made(cfg, theory)


def judged(cfg: Any, *tables: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in claims(*tables, cfg)}


def verdicts(found: dict[str, Claim], start: str) -> set[Verdict]:
    return {claim.verdict for name, claim in found.items() if name.startswith(start)}


def changed(data: pd.DataFrame, factor: float, **at: Any) -> pd.DataFrame:
    copy = data.copy()
    copy.loc[where(copy, **at).index, "value"] *= factor
    return copy


def test_instances_around_the_theory_are_reproduced(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> None:
    found = judged(cfg, theory, data)
    assert verdicts(found, "") == {Verdict.REPRODUCED}
    assert len(found) > 40


@pytest.mark.parametrize("quantity", [RISK, BIAS, VARIANCE, TRAINING, NORM])
@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_another_value_of_any_quantity_differs(
    cfg: Any, theory: pd.DataFrame, data: pd.DataFrame, quantity: str, factor: float
) -> None:
    found = judged(cfg, theory, changed(data, factor, model=FEATURES, quantity=quantity))
    assert verdicts(found, f"{quantity.replace(' ', '-')}/") == {Verdict.DIFFERS}


def test_a_peak_that_is_elsewhere_or_none_differs(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> None:
    n = cfg.samples(200)
    flat = changed(data, 1e-3, model=FEATURES, ridge="1e-08", features=n, quantity=RISK)
    found = judged(cfg, theory, flat)
    assert verdicts(found, "peak/") == {Verdict.DIFFERS}
    moved = changed(data, 1e3, model=TANGENTS, features=cfg.neurons[-1] * cfg.tangent_dimension)
    assert judged(cfg, theory, moved)["tangents/peak"].verdict is Verdict.DIFFERS


def test_an_error_that_rises_with_the_best_ridge_differs(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> None:
    risen = changed(data, 2.0, model=FEATURES, ridge=BEST, features=cfg.features(200)[-1], quantity=RISK)
    found = judged(cfg, theory, risen)
    assert verdicts(found, "best-ridge-falls/") == {Verdict.DIFFERS}


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_images_whose_errors_are_elsewhere_differ(
    cfg: Any, theory: pd.DataFrame, data: pd.DataFrame, factor: float
) -> None:
    assert verdicts(judged(cfg, theory, changed(data, factor, model=IMAGES)), "images/") == {Verdict.DIFFERS}


def test_another_threshold_differs(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> None:
    other = theory.copy()
    other.loc[where(other, what="threshold", quantity="ratio of signal to noise").index, "value"] *= 1.1
    assert judged(cfg, other, data)["threshold/infinite-width"].verdict is Verdict.DIFFERS


def test_an_instance_is_what_normal_equations_give() -> None:
    # a single number of features and its risk, with the paper's ridge lambda N / d beside a mean of squares
    cfg = smoke.compose(
        "double-descent", "smoke", "dimensions=[12]", "features_per_dimension=[2]", "ridges=[1e-2]", "noises=[0.25]"
    )
    found = measure(cfg, Unit({"model": FEATURES, "dimension": 12, "seed": 5}), Lab("cpu"))
    generator = Lab("cpu").generator(5, f"{FEATURES} 12")
    x, test, theta = (sphere(count, 12, generator, "cpu") for count in (36, cfg.test_points, 24))
    beta = sphere(1, 12, generator, "cpu")[0] / math.sqrt(12)
    y = x @ beta + 0.5 * torch.randn(36, generator=generator, dtype=torch.float64)
    z, test_z = ((points @ theta.T / math.sqrt(12)).relu() for points in (x, test))
    a = torch.linalg.solve(z.T @ z / 36 + 24 * 0.01 / 12 * torch.eye(24, dtype=torch.float64), z.T @ y / 36)
    expected = {
        RISK: (test @ beta - test_z @ a).square().mean(),
        TRAINING: (y - z @ a).square().mean(),
        NORM: 24 / 12 * a.square().sum(),
    }
    for quantity, value in expected.items():
        rows = where(found, ridge="0.01", noise=0.25, quantity=quantity)
        assert only(rows) == pytest.approx(float(value), rel=1e-9)


@pytest.mark.parametrize("shape", [(30, 12), (12, 30), (20, 20)], ids=str)
def test_ridge_regression_is_that_of_the_normal_equations(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    z, y = (torch.randn(shape[0], k, generator=generator, dtype=torch.float64) for k in (shape[1], 3))
    for ridge, found in zip((1e-3, 2.0), ridge_regression(z, y, [1e-3, 2.0]), strict=True):
        expected = torch.linalg.solve(z.T @ z + ridge * torch.eye(shape[1], dtype=torch.float64), z.T @ y)
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)


def test_points_of_a_sphere_have_its_radius_and_no_preferred_direction() -> None:
    x = sphere(20_000, 5, torch.Generator().manual_seed(0), "cpu")
    torch.testing.assert_close(x.norm(dim=1), torch.full((20_000,), math.sqrt(5), dtype=torch.float64))
    # the covariance is the identity: entries of 20,000 points scatter by 1 / 141
    assert float((x.T @ x / len(x) - torch.eye(5, dtype=torch.float64)).abs().max()) < 5 / 141


def test_images_are_centered_and_targets_of_mean_square_one(cfg: Any) -> None:
    x, y = population(cfg)
    torch.testing.assert_close(x.norm(dim=1), torch.ones(len(x), dtype=torch.float64))
    assert float(y.mean(dim=0).abs().max()) < 1e-12
    assert float(y.square().sum(dim=1).mean()) == pytest.approx(1.0)
