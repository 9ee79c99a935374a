"""tangent-kernel: what its claims conclude from made networks, and what its training does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke
import torch

from deepk.kernels import TangentKernel
from deepk.lab import Claim, Lab, Unit, Verdict, where
from deepk.networks import NormalizedMlp
from experiments.tangent_kernel import COLUMNS, FEATURES, TANGENT, TRAINED
from experiments.tangent_kernel.claims import claims
from experiments.tangent_kernel.measurement import circle, descend, measure, wave
from experiments.tangent_kernel.theory import angles, predict


@pytest.fixture(scope="module")
def cfg() -> Any:
    seeds = ",".join(map(str, range(24)))
    return smoke.compose("tangent-kernel", "smoke", "widths=[64,256,1024]", f"seeds=[{seeds}]")


@pytest.fixture(scope="module")
def theory(cfg: Any) -> pd.DataFrame:
    return predict(cfg)


def made(cfg: Any, theory: pd.DataFrame, spread: Callable[[int], float], moved: Callable[[int], float]) -> pd.DataFrame:
    """Networks whose kernels scatter around their limits by `spread` of the width, and move by `moved` in training."""
    generator = np.random.default_rng(0)
    rows = []
    for layers in cfg.layers:
        limits = {
            name: where(theory, layers=layers, quantity=name, grid="points")["value"].to_numpy()
            for name in (FEATURES, TANGENT)
        }
        for width in cfg.widths:
            for seed in cfg.seeds:
                before = {name: limit * (1 + spread(width) * generator.normal()) for name, limit in limits.items()}
                after = before[TANGENT] + moved(width) * generator.normal()
                for name, values in {**before, TRAINED: after}.items():
                    rows += [(layers, width, seed, name, *pair) for pair in zip(angles(cfg), values, strict=True)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def judged(cfg: Any, *tables: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in claims(*tables, cfg)}


def root(width: int) -> float:
    return width**-0.5


def verdicts(found: dict[str, Claim], start: str) -> set[Verdict]:
    return {claim.verdict for name, claim in found.items() if name.startswith(start)}


def test_networks_that_come_near_like_the_root_of_the_width_are_reproduced(cfg: Any, theory: pd.DataFrame) -> None:
    found = judged(cfg, theory, made(cfg, theory, root, lambda width: 1 / width))
    assert verdicts(found, "") <= {Verdict.REPRODUCED, Verdict.UNDERPOWERED}
    assert verdicts(found, "limit/") == {Verdict.REPRODUCED}
    assert verdicts(found, "rate/tangent-kernel-after-training/") == {Verdict.REPRODUCED}


@pytest.mark.parametrize("power", [0.0, -2.0])
def test_another_power_of_the_width_differs(cfg: Any, theory: pd.DataFrame, power: float) -> None:
    found = judged(cfg, theory, made(cfg, theory, lambda width: 0.1 * (width / 64) ** power, root))
    for layers in cfg.layers:
        assert found[f"rate/tangent-kernel/{layers}"].verdict is Verdict.DIFFERS
        assert found[f"rate/features/{layers}"].verdict is Verdict.DIFFERS


def test_a_kernel_that_moves_at_every_width_differs(cfg: Any, theory: pd.DataFrame) -> None:
    found = judged(cfg, theory, made(cfg, theory, root, lambda _: 0.3))
    assert verdicts(found, "rate/tangent-kernel-after-training/") == {Verdict.DIFFERS}


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_another_limit_differs(cfg: Any, theory: pd.DataFrame, factor: float) -> None:
    data = made(cfg, theory, root, root)
    data["value"] *= factor
    assert verdicts(judged(cfg, theory, data), "limit/") == {Verdict.DIFFERS}


def test_widths_that_are_too_close_tell_no_power(theory: pd.DataFrame) -> None:
    narrow = smoke.compose("tangent-kernel", "smoke", "widths=[64,65,66]")
    data = made(narrow, theory, root, root)
    assert verdicts(judged(narrow, theory, data), "rate/") == {Verdict.NOT_COMPARABLE}


def test_training_follows_the_linear_dynamics_of_the_kernel_at_great_width() -> None:
    # f_t - y = (1 - rate K / (n Theta(1)))^t (f_0 - y) for a kernel that does not change
    cfg, lab = smoke.compose("tangent-kernel", "smoke", "steps=20"), Lab("cpu")
    x, y = circle(cfg, angles(cfg)), wave(angles(cfg))
    network = NormalizedMlp(cfg.features, "relu", depth=1, width=4096, generator=lab.generator(0, "weights"))
    gram, at_one = TangentKernel("relu", 1).gram(x), TangentKernel("relu", 1).at_one
    with torch.no_grad():
        start = network(x) - y
    descend(network, x, y, at_one, cfg, lab)
    step = torch.eye(len(x), dtype=torch.float64) - cfg.rate * gram / (len(x) * at_one)
    expected = torch.linalg.matrix_power(step, cfg.steps) @ start
    with torch.no_grad():
        error = float((network(x) - y - expected).norm())
    # The kernel of 4096 units is off by some 1/64 of itself, and so is what has been learnt.
    assert error <= 4 / 64 * float((expected - start).norm())


def test_the_first_point_has_the_products_of_its_own_gradient() -> None:
    cfg = smoke.compose("tangent-kernel", "smoke", "steps=1")
    found = measure(cfg, Unit({"layers": 2, "width": 4096, "seed": 0}), Lab("cpu"))
    limit = np.asarray(TangentKernel("relu", 1)(np.cos(angles(cfg))))
    # of 4096 units each entry is within four standard deviations, some 1/64 of Theta(1) = 2 each
    assert np.abs(where(found, quantity=TANGENT)["value"].to_numpy() - limit).max() <= 4 * 2 / 64
