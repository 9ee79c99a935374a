"""The images of a configuration."""

from __future__ import annotations

from typing import Any

from deepk.data import Dataset, load


def images(cfg: Any) -> Dataset:
    """The images that `cfg.data` (`deepk.lab.Data`) names, as many and as large as it says."""
    data = cfg.data
    return load(
        data.name, root=data.root, train_size=data.train_size, test_size=data.test_size, image_size=data.image_size
    )
