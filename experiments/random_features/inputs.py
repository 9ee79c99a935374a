"""On what `random-features` trains: unit images, and the coefficients of the compressed activations."""

from __future__ import annotations

import itertools
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from deepk.data import load
from deepk.features.compressed import hermite_series
from deepk.hermite import monte_carlo_coefficients
from deepk.kernels import CompositionalKernel, Finite, generation_law
from deepk.lab import Lab
from deepk.spectra.orthogonal import Series
from experiments.random_features import EXACT, Config

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
        """These images on a device."""
        x, y, test_x, test_y = (part.to(device) for part in self[:4])
        return Images(x, y, test_x, test_y, self.classes, self.sha256)


def images(cfg: Config) -> Images:
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


def maps(cfg: Config) -> list[tuple[str, int]]:
    """The compressed activations that are trained, in the order of the feature maps."""
    return list(itertools.product(cfg.activations, cfg.depths))


def coefficients(cfg: Config, name: str, depth: int) -> Float[np.ndarray, " terms"]:
    """alpha_0, ..., alpha_truncation of one compressed activation."""
    return _law(name, depth, cfg.centered, cfg.truncation)


@cache
def _law(name: str, depth: int, centered: bool, degree: int) -> Float[np.ndarray, " terms"]:
    return CompositionalKernel(name, depth, centered=centered).coefficients(degree)


def all_coefficients(cfg: Config, samples: int, seed: int, lab: Lab) -> Alpha:
    """Those of every feature map: exact ones, or composed of one layer's estimates from so many samples."""
    if samples == EXACT:
        return np.stack([coefficients(cfg, *one) for one in maps(cfg)])
    laws = {}
    for name in cfg.activations:
        x = torch.randn(samples, generator=lab.generator(seed, f"samples {name}"), dtype=torch.float64)
        a = monte_carlo_coefficients(name, x, cfg.truncation)
        a[0] = 0.0 if cfg.centered else a[0]
        laws[name] = Finite(a**2 / (a**2).sum())
    return np.stack([generation_law(laws[name], depth, cfg.truncation) for name, depth in maps(cfg)])


def series(cfg: Config, alpha: Alpha, *, constant: bool = True) -> Series:
    """The compressed activations, with noise in place of what is beyond the truncation if the protocol has it.

    Without `constant`, alpha_0 is left out.
    """
    noise = np.maximum(0.0, 1 - alpha.sum(axis=1)) if cfg.ridge_noise else None
    kept = alpha if constant else np.where(np.arange(alpha.shape[1]) == 0, 0.0, alpha)
    return hermite_series(kept, noise=noise)
