"""What is measured for `staircase`: the risk of one instance of a model -> data.csv."""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor

from deepk.kernels import DotProductKernel
from deepk.lab import Lab, Unit
from experiments.staircase import BOTH, CUBIC, DEEP, KERNEL, KEY, SHALLOW, SHIFTED, WIDE, Config
from experiments.staircase.kernels import TANGENTS, features, harmonics, target

CUBIC_POWER = [0.0, 0.0, 0.0, 1.0]


def units(cfg: Config) -> list[Unit]:
    """An instance of each model, numbers of samples and features, and seed; a step is one."""
    cases = [(KERNEL, n, 0) for n in cfg.samples] + [(CUBIC, n, 0) for n in cfg.cubic_samples]
    cases += [(WIDE, 0, count) for count in cfg.features] + [(BOTH, n, count) for count, n in cfg.pairs]
    return [
        Unit(dict(zip(KEY, (*case, seed), strict=True)))
        for case in sorted(cases, key=lambda case: -max(case[1:]))
        for seed in cfg.seeds
    ]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """A row for each kernel."""
    model, n, count, seed = (unit.key[name] for name in KEY)
    generator = lab.generator(int(seed), f"{model} {n} {count}")
    if model == WIDE:
        found = {SHIFTED: _projection(cfg, int(count), generator, lab.device)}
    elif model == BOTH:
        found = {SHIFTED: _regression(cfg, int(count), int(n), generator, lab.device)}
    else:
        cubic = model == CUBIC
        d, power = (cfg.cubic_dimension, CUBIC_POWER) if cubic else (cfg.dimension, cfg.power)
        found = _kernels(cfg, d, power, int(n), generator, lab.device)
    lab.progress()
    return pd.DataFrame({"kernel": list(found), "value": list(found.values())})


def unit_vectors(count: int, d: int, generator: torch.Generator, device: str) -> Tensor:
    """Uniform on the sphere."""
    x: Tensor = torch.randn(count, d, generator=generator, dtype=torch.float64)
    directions: Tensor = x / x.norm(dim=1, keepdim=True)
    return directions.to(device)


def _kernels(
    cfg: Config, d: int, power: list[float], n: int, generator: torch.Generator, device: str
) -> dict[str, float]:
    """Interpolation of n samples without noise by both tangent kernels: mean square error on other points."""
    x, test = (unit_vectors(count, d, generator, device) for count in (n, cfg.test_points))
    directions = unit_vectors(len(power), d, generator, device)
    y, wanted = (target(power, d, points, directions) for points in (x, test))
    return {name: _interpolated(TANGENTS[name], x, y, test, wanted) for name in (SHALLOW, DEEP)}


def _interpolated(kernel: DotProductKernel, x: Tensor, y: Tensor, test: Tensor, wanted: Tensor) -> float:
    coefficients = torch.linalg.solve(kernel.gram(x), y)
    return float((wanted - kernel.gram(test, x) @ coefficients).square().mean())


def _projection(cfg: Config, count: int, generator: torch.Generator, device: str) -> float:
    """Of N random features and infinitely many samples: |f|^2 - v^T U^-1 v, U and v in closed form.

    U_ij = E sigma(<w_i, x>) sigma(<w_j, x>) = sum_k lambda_k^2 N(d, k) P_k(<w_i, w_j>) + tail, and by Funk and Hecke
    v_i = E sigma(<w_i, x>) f(x) = lambda_k f(w_i) for an f of degree k.
    """
    d, known = cfg.dimension, features(cfg.dimension)
    weights, directions = unit_vectors(count, d, generator, device), unit_vectors(len(cfg.power), d, generator, device)
    rho = (weights @ weights.T).clamp(-1, 1)
    matrix = torch.zeros_like(rho)
    before, p = torch.zeros_like(rho), torch.ones_like(rho)
    for k, (value, number) in enumerate(zip(known.coefficients.tolist(), known.multiplicities.tolist(), strict=True)):
        matrix += value**2 * number * p
        before, p = p, ((2 * k + d - 2) * rho * p - k * before) / (k + d - 2)
    matrix += known.tail * torch.eye(count, dtype=torch.float64, device=device)
    parts = [
        lambda_k * power**0.5 * harmonics(d, k, weights @ directions[k])
        for k, (lambda_k, power) in enumerate(zip(known.coefficients.tolist(), cfg.power, strict=False))
    ]
    v = torch.stack(parts).sum(dim=0)
    return float(sum(cfg.power) - v @ torch.linalg.solve(matrix, v))


def _regression(cfg: Config, count: int, n: int, generator: torch.Generator, device: str) -> float:
    """Ridge regression on N features and n samples with noise; the ridge beside the mean of features' products."""
    d = cfg.dimension
    x, test = (unit_vectors(size, d, generator, device) for size in (n, cfg.test_points))
    weights, directions = unit_vectors(count, d, generator, device), unit_vectors(len(cfg.power), d, generator, device)
    noise: Tensor = torch.randn(n, generator=generator, dtype=torch.float64).to(device)
    y = target(cfg.power, d, x, directions) + cfg.noise**0.5 * noise
    z, test_z = ((d**0.5 * points @ weights.T - 0.5).relu() / count**0.5 for points in (x, test))
    if count > n:
        a = z.T @ torch.linalg.solve(z @ z.T + cfg.ridge * torch.eye(n, dtype=z.dtype, device=device), y)
    else:
        a = torch.linalg.solve(z.T @ z + cfg.ridge * torch.eye(count, dtype=z.dtype, device=device), z.T @ y)
    return float((target(cfg.power, d, test, directions) - test_z @ a).square().mean())
