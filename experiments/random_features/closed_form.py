"""What `random-features` fits in closed form: ridge regression on features, and with the kernels themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jaxtyping import Float
from torch import Tensor, arange

from deepk.features.compressed import FeatureMaps
from deepk.kernels import CompositionalKernel
from deepk.lab import Lab
from deepk.regression.linear import kernel_ridge, ridge
from experiments.random_features import BASELINES, EXACT, Config
from experiments.random_features.inputs import Images, all_coefficients, images, maps, series, some
from experiments.random_features.training import BLOCK, Rows, baseline_features, feature_maps


def ridge_accuracies(cfg: Config, seeds: list[int], lab: Lab) -> Rows:
    """Test accuracy of ridge regression on the features that SGD is given, and on the baselines'."""
    data = images(cfg).on(lab.device)
    alpha = all_coefficients(cfg, EXACT, seeds[0], lab)
    rows: Rows = []
    for seed in seeds:
        # Without the constant that all features share, and the unpenalized bias makes up for.
        features, test_features = feature_maps(cfg, data, series(cfg, alpha, constant=False), [seed], lab)
        for r, (name, depth) in enumerate(maps(cfg)):
            key = {"activation": name, "depth": depth, "seed": seed}
            rows += _ridge(data, key, _blocks(features, len(data.y), r), _blocks(test_features, len(data.test_y), r))
            lab.progress(ridge=name)
        for name in BASELINES:
            x, test_x = baseline_features(cfg, data, name, [seed])
            rows += _ridge(data, {"features": name, "seed": seed}, x[0].split(BLOCK), test_x[0].split(BLOCK))
            lab.progress(ridge=name)
    return rows


def _blocks(features: FeatureMaps, n: int, r: int) -> Iterator[Float[Tensor, "block m"]]:
    """The features of one map, of all rows in order."""
    for rows in arange(n).split(BLOCK):
        yield features(rows[None], maps=slice(r, r + 1))[0, 0]


def _ridge(
    data: Images, key: dict[str, Any], blocks: Iterable[Tensor], test_blocks: Iterable[Tensor]
) -> Iterator[dict[str, Any]]:
    fit = ridge(blocks, data.y, data.classes)
    hits = sum(fit.accuracy(phi, y) * len(y) for phi, y in zip(test_blocks, data.test_y.split(BLOCK), strict=True))
    yield {**key, "quantity": "test accuracy", "value": hits / len(data.test_y)}
    yield {**key, "quantity": "penalty", "value": fit.penalty}


def exact_kernel(cfg: Config, seeds: list[int], lab: Lab) -> Rows:
    """Test accuracy of kernel ridge regression with the kernels themselves, on some of the images."""
    data = images(cfg)
    chosen = some(len(data.y), cfg.subset, seeds[0], lab)
    x, y = data.x[chosen].double(), data.y[chosen]
    rows: Rows = []
    for name, depth in maps(cfg):
        kernel = CompositionalKernel(name, depth, centered=cfg.centered)
        fit = kernel_ridge(kernel.gram(x), y, data.classes)
        parts = zip(data.test_x.double().split(BLOCK), data.test_y.split(BLOCK), strict=True)
        share = sum(fit.accuracy(kernel.gram(test, x), labels) * len(labels) for test, labels in parts)
        key = {"features": "exact kernel", "activation": name, "depth": depth, "index": len(y)}
        rows.append({**key, "quantity": "test accuracy", "value": share / len(data.test_y)})
        lab.progress()
    return rows
