"""What is measured for `kernel-spectra`: the eigenvalues of each kernel in each dimension -> data.csv."""

from __future__ import annotations

import pandas as pd

from deepk.lab import Lab, Unit
from deepk.spectra import spectrum
from experiments.kernel_spectra import KEY, Config
from experiments.kernel_spectra.kernels import cost, kernel_of, kernels


def units(cfg: Config) -> list[Unit]:
    """A kernel in a dimension; a step is a degree, more in a high dimension."""
    return [
        Unit(dict(zip(KEY, (name, layers, dimension), strict=True)), steps=cost(cfg, name, dimension))
        for name, layers in kernels(cfg)
        for dimension in (*cfg.dimensions, cfg.high_dimension)
    ]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """A row for each degree."""
    name, layers, dimension = str(unit.key["kernel"]), int(unit.key["layers"]), int(unit.key["dimension"])
    found = spectrum(kernel_of(cfg, name, layers), dimension, range(cfg.degrees(name, dimension) + 1))
    lab.progress(cost(cfg, name, dimension))
    columns = {"degree": found.degrees, "eigenvalue": found.values, "total": found.totals, "error": found.errors}
    return pd.DataFrame(columns)
