"""The figure of `rf-nt-nn`, from its tables."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from deepk import figures
from deepk.lab import where
from experiments.published.linearized import LAZY
from experiments.rf_nt_nn import NN, NT, RF, Config

WORDS = {RF: "random features", NT: "tangent model", NN: "network"}


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Errors against neurons per dimension, in the dimension of the projections and in that of the networks."""
    figure, panels = figures.panels(1, 2, size=(4.8, 4.0), sharey=True)
    for panel, d in zip(panels, (cfg.dimension, cfg.network_dimension), strict=True):
        for look, model in zip(figures.series([WORDS[model] for model in (RF, NT, NN)]), (RF, NT, NN), strict=True):
            curve = where(theory, grid="curve", model=model, dimension=d)
            panel.plot(curve["neurons"] / d, curve["value"], color=look.color, linewidth=1.2)
            rows = where(data, model=model, dimension=d)
            if not rows.empty:
                at = rows.assign(ratio=rows["neurons"] / d)
                figures.measured(panel, at, "ratio", "value", look, interval="range")
        panel.set(xlabel="neurons per dimension $N / d$", title=f"$d = {d}$", ylim=(-0.02, 1.05))
    panels[0].set_ylabel("error over the target's variance")
    figures.shared_legend(figure, panels, columns=3)
    figures.note(figure, cfg, LAZY, f"lines: theorems; {len(cfg.seeds)} draws of weights; {cfg.steps} steps of SGD")
    return {"rf-nt-nn": figure}
