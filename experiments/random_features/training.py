"""What `random-features` trains: logistic regression by plain SGD on random features, many of them at once."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.kernel_approximation import RBFSampler
from torch import Tensor

from deepk.features.compressed import FeatureMaps
from deepk.lab import Lab
from deepk.networks.training import steps_per_epoch
from deepk.regression.linear import Features, accuracy, softmax_regression
from deepk.spectra.orthogonal import Series
from experiments.random_features import Config
from experiments.random_features.inputs import Images, all_coefficients, images, maps, series

BLOCK = 1000  # rows of features at once, where all are looked at

Rows = list[dict[str, Any]]


def train(cfg: Config, seeds: list[int], batch_size: int, samples: int, lab: Lab) -> Rows:
    """Accuracies of all activations, depths and these seeds, at the evaluated epochs.

    Coefficients are exact, or estimated from so many samples, which are those of the first seed.
    """
    data = images(cfg).on(lab.device)
    both = feature_maps(cfg, data, series(cfg, all_coefficients(cfg, samples, seeds[0], lab)), seeds, lab)
    keys = [{"activation": name, "depth": depth} for name, depth in maps(cfg)]
    return _descend(cfg, data, both, keys, cfg.features, seeds=seeds, batch_size=batch_size, lab=lab)


def train_baseline(cfg: Config, name: str, seeds: list[int], lab: Lab) -> Rows:
    """Accuracies of the same training on features of the RBF kernel, or on pixels."""
    data = images(cfg).on(lab.device)
    train_x, test_x = baseline_features(cfg, data, name, seeds)
    both, width = (_stored(train_x), _stored(test_x)), train_x.shape[2]
    return _descend(cfg, data, both, [{"features": name}], width, seeds=seeds, batch_size=cfg.batch_size, lab=lab)


def feature_maps(
    cfg: Config, data: Images, compressed: Series, seeds: list[int], lab: Lab
) -> tuple[FeatureMaps, FeatureMaps]:
    """Of training and test images; the same directions, noise and batches for every activation and depth."""
    shape = (data.x.shape[1], cfg.features)
    directions = torch.stack([torch.randn(shape, generator=lab.generator(seed, "directions")) for seed in seeds])

    def mapped(x: Tensor, stream: str) -> FeatureMaps:
        noise = None
        if compressed.noisy:
            drawn = (torch.randn(len(x), cfg.features, generator=lab.generator(seed, stream)) for seed in seeds)
            noise = torch.stack(list(drawn)).to(x.device)
        return FeatureMaps(x, directions.to(x.device), compressed, noise)

    return mapped(data.x, "noise"), mapped(data.test_x, "test noise")


def _descend(
    cfg: Config,
    data: Images,
    features: tuple[Features, Features],
    keys: Rows,
    width: int,
    *,
    seeds: list[int],
    batch_size: int,
    lab: Lab,
) -> Rows:
    """Rows of accuracy at the evaluated epochs; of features of training and test images, with their maps named."""
    weights = torch.zeros(len(keys), len(seeds), data.classes, width, device=lab.device)
    generators = [lab.generator(seed, "batches") for seed in seeds]
    evaluated = set(np.linspace(0, cfg.epochs, cfg.evaluations + 1).round().astype(int)) | {1}
    notes: dict[str, Any] = {"rows": [], "epoch": 0, "seconds": 0.0}
    state = lab.resumable({"weights": weights}, generators, notes)
    lab.progress(notes["epoch"] * steps_per_epoch(len(data.y), batch_size), epoch=notes["epoch"])
    for epoch in softmax_regression(
        features[0],
        data.y,
        weights,
        learning_rate=cfg.learning_rate,
        batch_size=batch_size,
        epochs=cfg.epochs,
        generators=generators,
        after=(notes["epoch"], notes["seconds"]),
        on_step=lab.progress,
    ):
        if epoch.number in evaluated:
            test = accuracy(features[1], data.test_y, weights, batch_size=max(1, BLOCK // len(seeds)))
            found = {"train accuracy": epoch.accuracy, "train loss": epoch.loss, "test accuracy": test}
            for (r, key), (s, seed) in itertools.product(enumerate(keys), enumerate(seeds)):
                cell = {**key, "seed": seed, "index": epoch.number}
                notes["rows"] += [{**cell, "quantity": name, "value": float(at[r, s])} for name, at in found.items()]
            lab.progress(0, epoch=epoch.number)
        notes.update(epoch=epoch.number, seconds=epoch.seconds)
        state.save()
    rows: Rows = notes["rows"]
    return rows


def _stored(x: Float[Tensor, "draws n m"]) -> Features:
    """Features that lie in memory, as one map."""

    def features(rows: Int[Tensor, "draws batch"]) -> Float[Tensor, "1 draws batch m"]:
        return torch.stack([one.index_select(0, chosen) for one, chosen in zip(x, rows, strict=True)])[None]

    return features


def baseline_features(
    cfg: Config, data: Images, name: str, seeds: list[int]
) -> tuple[Float[Tensor, "draws n width"], Float[Tensor, "draws n_test width"]]:
    """Scaled to |phi(x)|^2 = m like the compositional ones, so that a learning rate means the same."""
    scale = cfg.features**0.5
    if name == "linear":
        x, test_x = (part.expand(len(seeds), -1, -1) * scale for part in (data.x, data.test_x))
        return x, test_x
    pixels, test_pixels = data.x.cpu().numpy(), data.test_x.cpu().numpy()
    gamma = 1 / (pixels.shape[1] * float(pixels.var()))  # scikit-learn's "scale"
    found: tuple[list[Tensor], list[Tensor]] = ([], [])
    for seed in seeds:
        sampler = RBFSampler(gamma=gamma, n_components=cfg.features, random_state=seed).fit(pixels[:1])
        for part, rows in zip(found, (pixels, test_pixels), strict=True):
            part.append(torch.from_numpy(sampler.transform(rows)).to(data.x) * scale)
    return torch.stack(found[0]), torch.stack(found[1])
