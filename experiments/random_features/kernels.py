"""What `random-features` measures of kernels and their estimates: condition numbers, errors, and mass left out."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepk.features.compressed import hermite_series
from deepk.kernels import CompositionalFeatures, CompositionalKernel, GaltonWatson
from deepk.lab import Lab
from experiments.random_features import Config
from experiments.random_features.inputs import coefficients, images, maps, some

Rows = list[dict[str, Any]]


def conditions(cfg: Config, seeds: list[int], lab: Lab) -> Rows:
    """Condition numbers of the kernel's Gram matrix, of that of features, and of features with noise, against L."""
    data = images(cfg)
    x = data.x[some(len(data.x), cfg.gram_size, seeds[0], lab)]
    generator = lab.generator(seeds[0], "condition")
    z = x @ torch.randn(x.shape[1], cfg.features, generator=generator)
    noise = torch.randn(z.shape, generator=generator)
    rows: Rows = []
    for name in cfg.activations:
        for depth in range(1, cfg.gram_depths + 1):
            alpha = coefficients(cfg, name, depth)[None]
            missing = np.maximum(0.0, 1 - alpha.sum(axis=1))
            kernel = CompositionalKernel(name, depth, centered=cfg.centered)
            found = {
                "exact kernel": torch.as_tensor(kernel.gram(x.double())),
                "compositional": _gram(hermite_series(alpha)(z.double())[0]),
                "with noise": _gram(hermite_series(alpha, noise=missing)(z.double(), z=noise.double())[0]),
            }
            for features, gram in found.items():
                key = {"features": features, "activation": name, "depth": depth, "seed": seeds[0]}
                rows.append({**key, "quantity": "condition number", "value": _condition(gram)})
        lab.progress(condition=name)
    return rows


def _gram(phi: Float[Tensor, "n m"]) -> Float[Tensor, "n n"]:
    return phi @ phi.mT / phi.shape[1]


def _condition(gram: Float[Tensor, "n n"]) -> float:
    """Largest over smallest eigenvalue; infinite where rounding leaves nothing of the smallest."""
    values = torch.linalg.eigvalsh(gram)
    lost = float(values[-1]) * len(gram) * torch.finfo(values.dtype).eps
    return float(values[-1] / values[0]) if float(values[0]) > lost else math.inf


def errors(cfg: Config, seeds: list[int], lab: Lab) -> Rows:
    """Errors of phi(x) . phi(y) towards the truncated kernel: root mean square and median over estimates of m each."""
    del seeds  # runs have their own, each another for each map, so that the claims are independent
    rhos = np.array(cfg.errors.rhos)
    pairs = np.vstack([[1.0, 0.0], np.column_stack([rhos, np.sqrt(1 - rhos**2)])])
    rows: Rows = []
    for (name, depth), run in itertools.product(maps(cfg), range(cfg.errors.runs)):
        total, seed = cfg.errors.total, int(lab.numpy_generator(run, f"errors {name} {depth}").integers(2**32))
        features = CompositionalFeatures(
            name, depth, total, truncation=cfg.truncation, centered=cfg.centered, random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the mass beyond the truncation, which the figures show
            phi = features.fit_transform(pairs)
        expected = features.coefficients_ @ rhos ** np.arange(cfg.truncation + 1)[:, None]
        products = phi[0] * phi[1:] * total
        for m in cfg.errors.features:
            estimates = products[:, : total // m * m].reshape(len(rhos), -1, m).mean(axis=2)
            off = np.abs(estimates - expected[:, None])
            found = {"rms error": np.sqrt((off**2).mean(axis=1)), "median error": np.median(off, axis=1)}
            for quantity, values in found.items():
                key = {"activation": name, "depth": depth, "seed": run, "index": m, "quantity": quantity}
                rows += [{**key, "rho": rho, "value": value} for rho, value in zip(rhos, values, strict=True)]
        lab.progress(errors=name)
    return rows


def tails(cfg: Config, seeds: list[int], lab: Lab) -> Rows:
    """How many of independent branching processes exceed the truncation, generation by generation."""
    rows: Rows = []
    for name in cfg.activations:
        process = GaltonWatson(name, centered=cfg.centered)
        generator = lab.numpy_generator(seeds[0], f"tails {name}")
        sizes = process.simulate(cfg.gram_depths, cfg.coefficient_paths, generator=generator)
        for depth in range(1, cfg.gram_depths + 1):
            beyond = int((sizes[:, depth] > cfg.truncation).sum())
            key = {"features": "branching process", "activation": name, "depth": depth, "seed": seeds[0]}
            rows.append({**key, "quantity": "beyond", "value": float(beyond)})
        lab.progress(tails=name)
    return rows
