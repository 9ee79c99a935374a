"""What `random-features` measures of classifiers: trainings by SGD, ridge regression, and exact kernels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.kernel_approximation import RBFSampler
from torch import Tensor
from torch.nn.functional import normalize

from deepk.data import load
from deepk.features.compressed import FeatureMaps, hermite_series
from deepk.kernels import CompositionalKernel, Finite, generation_law
from deepk.lab.contract import Lab
from deepk.regression.linear import Features, accuracy, kernel_ridge, ridge, softmax_regression
from experiments.activation_duality import monte_carlo_coefficients

if TYPE_CHECKING:
    from deepk.spectra.orthogonal import Series
    from experiments.schema import RandomFeatures

EXACT = 0  # `samples` where coefficients are not estimated
BASELINES = ("rbf", "linear")
_BLOCK = 1000  # rows of features at once, where all are looked at

Rows = list[dict[str, Any]]
Alpha = Float[np.ndarray, "maps terms"]


class Images(NamedTuple):
    """Images scaled to norm one, with their labels; `sha256` of the data set."""

    x: Float[Tensor, "n d"]
    y: Int[Tensor, " n"]
    test_x: Float[Tensor, "n_test d"]
    test_y: Int[Tensor, " n_test"]
    classes: int
    sha256: str

    def on(self, device: str) -> Images:
        """The same on a device."""
        x, y, test_x, test_y = (part.to(device) for part in self[:4])
        return Images(x, y, test_x, test_y, self.classes, self.sha256)


def images(cfg: RandomFeatures) -> Images:
    """The data set of a configuration; an image that is black stays zero."""
    data = cfg.data
    found = load(
        data.name, root=data.root, train_size=data.train_size, test_size=data.test_size, image_size=data.image_size
    )
    x, test_x = normalize(found.train_x, dim=1), normalize(found.test_x, dim=1)
    return Images(x, found.train_y, test_x, found.test_y, len(found.classes), found.sha256)


def some(count: int, size: int, seed: int, lab: Lab) -> Int[Tensor, " size"]:
    """Rows drawn without replacement: a folder's images come class by class."""
    return torch.randperm(count, generator=lab.generator(seed, "subset"))[:size]


def maps(cfg: RandomFeatures) -> list[tuple[str, int]]:
    """The compressed activations that are trained, in the order of the feature maps."""
    return list(itertools.product(cfg.activations, cfg.depths))


@cache
def _law(name: str, depth: int, centered: bool, degree: int) -> Float[np.ndarray, " terms"]:
    return CompositionalKernel(name, depth, centered=centered).coefficients(degree)


def coefficients(cfg: RandomFeatures, name: str, depth: int) -> Float[np.ndarray, " terms"]:
    """alpha_0, ..., alpha_truncation."""
    return _law(name, depth, cfg.centered, cfg.truncation)


def _exact(cfg: RandomFeatures) -> Alpha:
    return np.stack([coefficients(cfg, *one) for one in maps(cfg)])


def _estimated(cfg: RandomFeatures, samples: int, seed: int, lab: Lab) -> Alpha:
    """With one layer's coefficients by the paper's algorithm 3, and L layers composed of these."""
    laws = {}
    for name in cfg.activations:
        x = torch.randn(samples, generator=lab.generator(seed, f"samples {name}"), dtype=torch.float64)
        a = monte_carlo_coefficients(name, x, cfg.truncation)
        a[0] = 0.0 if cfg.centered else a[0]
        laws[name] = Finite(a**2 / (a**2).sum())
    return np.stack([generation_law(laws[name], depth, cfg.truncation) for name, depth in maps(cfg)])


def _series(cfg: RandomFeatures, alpha: Alpha) -> Series:
    noise = np.maximum(0.0, 1 - alpha.sum(axis=1)) if cfg.ridge_noise else None
    return hermite_series(alpha, noise=noise)


def _feature_maps(
    cfg: RandomFeatures, data: Images, series: Series, seeds: list[int], lab: Lab
) -> tuple[FeatureMaps, FeatureMaps]:
    """Of training and test images; the same directions, noise and batches for every activation and depth."""
    shape = (data.x.shape[1], cfg.features)
    directions = torch.stack([torch.randn(shape, generator=lab.generator(seed, "directions")) for seed in seeds])

    def mapped(x: Tensor, stream: str) -> FeatureMaps:
        noise = None
        if series.noisy:
            drawn = (torch.randn(len(x), cfg.features, generator=lab.generator(seed, stream)) for seed in seeds)
            noise = torch.stack(list(drawn)).to(x.device)
        return FeatureMaps(x, directions.to(x.device), series, noise)

    return mapped(data.x, "noise"), mapped(data.test_x, "test noise")


# --- trainings --------------------------------------------------------------------------------------------------------


def train(cfg: RandomFeatures, seeds: list[int], batch_size: int, samples: int, lab: Lab) -> Rows:
    """Logistic regression by SGD for all activations, depths and these seeds at once."""
    data = images(cfg).on(lab.device)
    # Estimates are made with one seed alone.
    alpha = _exact(cfg) if samples == EXACT else _estimated(cfg, samples, seeds[0], lab)
    both = _feature_maps(cfg, data, _series(cfg, alpha), seeds, lab)
    keys = [{"activation": name, "depth": depth} for name, depth in maps(cfg)]
    return _descend(cfg, data, both, keys, cfg.features, seeds=seeds, batch_size=batch_size, lab=lab)


def train_baseline(cfg: RandomFeatures, name: str, seeds: list[int], lab: Lab) -> Rows:
    """The same training on features of the RBF kernel, or on pixels."""
    data = images(cfg).on(lab.device)
    train_x, test_x = baseline_features(cfg, data, name, seeds)
    both, width = (_stored(train_x), _stored(test_x)), train_x.shape[2]
    return _descend(cfg, data, both, [{"features": name}], width, seeds=seeds, batch_size=cfg.batch_size, lab=lab)


def _descend(
    cfg: RandomFeatures,
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
    rows: Rows = []
    after = (0, 0.0)
    if (state := lab.restore()) is not None:
        weights.copy_(state["weights"])
        for generator, saved in zip(generators, state["generators"], strict=True):
            generator.set_state(saved)
        rows, after = state["rows"], (state["after"][0], state["after"][1])
        lab.progress(after[0] * -(-len(data.y) // batch_size), epoch=after[0])
    for epoch in softmax_regression(
        features[0],
        data.y,
        weights,
        learning_rate=cfg.learning_rate,
        batch_size=batch_size,
        epochs=cfg.epochs,
        generators=generators,
        after=after,
        on_step=lab.progress,
    ):
        if epoch.number in evaluated:
            test = accuracy(features[1], data.test_y, weights, batch_size=max(1, _BLOCK // len(seeds)))
            found = {"train accuracy": epoch.accuracy, "train loss": epoch.loss, "test accuracy": test}
            for (r, key), (s, seed) in itertools.product(enumerate(keys), enumerate(seeds)):
                cell = {**key, "seed": seed, "index": epoch.number}
                rows += [{**cell, "quantity": name, "value": float(value[r, s])} for name, value in found.items()]
            lab.progress(0, epoch=epoch.number)
        lab.checkpoint(
            {
                "weights": weights,
                "generators": [generator.get_state() for generator in generators],
                "rows": rows,
                "after": [epoch.number, epoch.seconds],
            }
        )
    return rows


def _stored(x: Float[Tensor, "draws n m"]) -> Features:
    """Features that lie in memory, as one map."""

    def features(rows: Int[Tensor, "draws batch"]) -> Float[Tensor, "1 draws batch m"]:
        return torch.stack([one.index_select(0, chosen) for one, chosen in zip(x, rows, strict=True)])[None]

    return features


def baseline_features(
    cfg: RandomFeatures, data: Images, name: str, seeds: list[int]
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


# --- classifiers in closed form ---------------------------------------------------------------------------------------


def ridge_accuracies(cfg: RandomFeatures, seeds: list[int], lab: Lab) -> Rows:
    """Ridge regression on the features that SGD is given, and on the baselines'."""
    data = images(cfg).on(lab.device)
    alpha = _exact(cfg)
    noise = np.maximum(0.0, 1 - alpha.sum(axis=1)) if cfg.ridge_noise else None
    alpha[:, 0] = 0.0  # a constant that all features share, and the unpenalized bias makes up for
    rows: Rows = []
    for seed in seeds:
        features, test_features = _feature_maps(cfg, data, hermite_series(alpha, noise=noise), [seed], lab)
        for r, (name, depth) in enumerate(maps(cfg)):
            key = {"activation": name, "depth": depth, "seed": seed}
            rows += _ridge(data, key, _blocks(features, len(data.y), r), _blocks(test_features, len(data.test_y), r))
            lab.progress(ridge=name)
        for name in BASELINES:
            x, test_x = baseline_features(cfg, data, name, [seed])
            rows += _ridge(data, {"features": name, "seed": seed}, x[0].split(_BLOCK), test_x[0].split(_BLOCK))
            lab.progress(ridge=name)
    return rows


def _blocks(features: FeatureMaps, n: int, r: int) -> Iterator[Float[Tensor, "block m"]]:
    """The features of one map, of all rows in order."""
    for rows in torch.arange(n).split(_BLOCK):
        yield features(rows[None], maps=slice(r, r + 1))[0, 0]


def _ridge(
    data: Images, key: dict[str, Any], blocks: Iterable[Tensor], test_blocks: Iterable[Tensor]
) -> Iterator[dict[str, Any]]:
    fit = ridge(blocks, data.y, data.classes)
    hits = sum(fit.accuracy(phi, y) * len(y) for phi, y in zip(test_blocks, data.test_y.split(_BLOCK), strict=True))
    yield {**key, "quantity": "test accuracy", "value": hits / len(data.test_y)}
    yield {**key, "quantity": "penalty", "value": fit.penalty}


def exact_kernel(cfg: RandomFeatures, seeds: list[int], lab: Lab) -> Rows:
    """Kernel ridge regression with the kernels themselves, on some of the images."""
    data = images(cfg)
    chosen = some(len(data.y), cfg.subset, seeds[0], lab)
    x, y = data.x[chosen].double(), data.y[chosen]
    rows: Rows = []
    for name, depth in maps(cfg):
        kernel = CompositionalKernel(name, depth, centered=cfg.centered)
        fit = kernel_ridge(kernel.gram(x), y, data.classes)
        parts = zip(data.test_x.double().split(_BLOCK), data.test_y.split(_BLOCK), strict=True)
        share = sum(fit.accuracy(kernel.gram(test, x), labels) * len(labels) for test, labels in parts)
        key = {"features": "exact kernel", "activation": name, "depth": depth, "index": len(y)}
        rows.append({**key, "quantity": "test accuracy", "value": share / len(data.test_y)})
        lab.progress()
    return rows
