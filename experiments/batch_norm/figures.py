"""The figure of `batch-norm`: gradients by layer beside the theory, and what each reading learns."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk import figures
from deepk.lab import only, where
from experiments.batch_norm import SOFTPLUS, VARIANTS, Config, at_sigma_b
from experiments.published.eoc_training import ARXIV


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """A column for each activation: above the norms of gradients by layer, below the accuracy of each reading."""
    softplus = [at_sigma_b(sigma_b) for sigma_b in cfg.softplus_sigma_b]
    names = {name: VARIANTS[name].words for name in cfg.variants}
    count = len(cfg.activations) + 1
    figure, panels = figures.panels(2, count, size=(3.6 + 0.6 / count, 3.4))
    for number, activation in enumerate(cfg.activations):
        rows = where(data, activation=activation)
        _gradients(panels[number], theory, rows, cfg, activation)
        _accuracies(panels[count + number], theory, rows, cfg, names if number == 0 else dict.fromkeys(names, ""))
        panels[number].set_title(activation)
    of_softplus = where(data, activation=SOFTPLUS, variant=softplus)
    _accuracies(panels[-1], theory, of_softplus, cfg, {name: f"none, {name}" for name in softplus})
    panels[-1].set_title(SOFTPLUS)
    panels[count - 1].set_axis_off()
    panels[0].set_ylabel("norm of the gradient of the weights")
    figures.shared_legend(figure, panels, columns=3)
    epochs = f"{cfg.epochs} epoch{'s' if cfg.epochs > 1 else ''}"
    setting = (
        f"width {cfg.width}, SGD {cfg.learning_rate:g}, batch {cfg.batch_size}, {epochs}, {len(cfg.seeds)} seed(s)"
    )
    figures.note(figure, cfg, ARXIV, setting)
    return {"batch-norm": figure}


def _gradients(panel: Axes, theory: pd.DataFrame, rows: pd.DataFrame, cfg: Config, activation: str) -> None:
    """With Keras' defaults at the greatest depth, first and second step; theory from the last hidden layer back."""
    depth = max(cfg.depths)
    kept = where(rows, variant="keras", depth=depth, seed=cfg.seeds[0], quantity="gradient")
    for step, color, marker in ((1, figures.VERMILION, "o"), (2, figures.BLUE, "s")):
        at = where(kept, step=step).sort_values("layer")
        panel.plot(at["layer"], at["value"], marker, color=color, markersize=3, label=f"gradient at step {step}")
    first = where(kept, step=1).sort_values("layer")
    if len(first) > 2:
        start, growth = first.iloc[-2], math.exp(only(theory, "log_growth", activation=activation))
        layers = np.arange(1, start["layer"] + 1)
        line = start["value"] * growth ** (start["layer"] - layers)
        panel.plot(
            layers,
            line,
            color=figures.BLACK,
            linewidth=1,
            label="theory: √(E φ'² / Var φ) a layer",  # plain text: mathtext's prime is of a font that warns
        )
    panel.set(yscale="log", xlabel=f"layer of {depth}")


def _accuracies(panel: Axes, theory: pd.DataFrame, rows: pd.DataFrame, cfg: Config, names: Mapping[str, str]) -> None:
    """The mean over seeds for each variant and depth, by the variants' names; what diverged stands at the left."""
    found = where(rows, quantity="accuracy").groupby(["depth", "variant"])["value"]
    means = found.apply(lambda values: 100 * values.mean(skipna=False))
    for depth, look in zip(sorted(cfg.depths), figures.series(map(str, sorted(cfg.depths))), strict=True):
        of_depth = {name: float(means[depth, name]) for name in names if (depth, name) in means}
        panel.plot(list(of_depth.values()), list(of_depth), look.marker, color=look.color, label=f"depth {depth}")
        lost = [name for name, mean in of_depth.items() if np.isnan(mean)]
        if lost:
            panel.plot([-2.0] * len(lost), lost, "x", color=look.color, label=f"depth {depth}, diverged")
    chance = 100 * float(theory["chance"].iloc[0])
    panel.axvline(chance, color=figures.BLACK, linewidth=1, linestyle="--", label="best constant guess")
    panel.set(xlim=(-5, 100), xlabel="test accuracy (%)", ylim=(len(names) - 0.5, -0.5))
    panel.set_yticks(range(len(names)), list(names.values()), fontsize=7)
