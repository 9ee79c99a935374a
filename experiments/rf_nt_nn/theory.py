"""What the theorems say of `rf-nt-nn`, at the numbers of neurons that are measured and along curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepk.asymptotics import quadratic_target_risk
from experiments.rf_nt_nn import NN, NT, RF, Config

FINE = 121


def eigenvalues(cfg: Config, d: int) -> Float[np.ndarray, " d"]:
    """Of B: exponential, from the seed that the authors' code sets, over sqrt(d)."""
    return np.asarray(np.random.RandomState(cfg.target_seed).exponential(size=d) / np.sqrt(d))


def predict(cfg: Config) -> pd.DataFrame:
    """A row for each model, dimension and number of neurons."""
    rows = []
    for model in (RF, NT, NN):
        for d in sorted({cfg.dimension, cfg.network_dimension}):
            counts = cfg.neurons(model) if d == cfg.dimension_of(model) else []
            for grid, neurons in (("points", np.array(counts, float)), ("curve", np.linspace(0, 1.5 * d, FINE))):
                risks = getattr(quadratic_target_risk(eigenvalues(cfg, d), neurons), model)
                rows += [(grid, model, d, *pair) for pair in zip(neurons.tolist(), risks.tolist(), strict=True)]
    return pd.DataFrame(rows, columns=["grid", "model", "dimension", "neurons", "value"])
