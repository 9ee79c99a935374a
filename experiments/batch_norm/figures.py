"""The figure of `batch-norm`: gradients by layer beside the theory, and what each reading learns."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk import figures
from deepk.lab import only, where
from experiments.batch_norm import VARIANTS, Config
from experiments.published.eoc_training import ARXIV


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """A column for each activation: above the norms of gradients by layer, below the accuracy of each reading."""
    count = len(cfg.activations)
    figure, panels = figures.panels(2, count, size=(3.6 + 0.6 / count, 3.4))
    for number, activation in enumerate(cfg.activations):
        rows = where(data, activation=activation)
        _gradients(panels[number], theory, rows, cfg, activation)
        _accuracies(panels[count + number], theory, rows, cfg)
        panels[number].set_title(activation)
    panels[0].set_ylabel("norm of the gradient of the weights")
    for panel in panels[count + 1 :]:
        panel.set_yticklabels([])
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
        start, growth = first.iloc[-2], float(only(theory, "growth", activation=activation))
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


def _accuracies(panel: Axes, theory: pd.DataFrame, rows: pd.DataFrame, cfg: Config) -> None:
    """The mean over seeds for each reading and depth; what diverged stands at the left."""
    found = where(rows, quantity="accuracy").groupby(["depth", "variant"])["value"]
    means = found.apply(lambda values: 100 * values.mean(skipna=False))
    for depth, look in zip(sorted(cfg.depths), figures.series(map(str, sorted(cfg.depths))), strict=True):
        of_depth = [float(means.get((depth, variant), np.nan)) for variant in cfg.variants]
        panel.plot(of_depth, cfg.variants, look.marker, color=look.color, label=f"depth {depth}")
        lost = [variant for variant, mean in zip(cfg.variants, of_depth, strict=True) if np.isnan(mean)]
        if lost:
            panel.plot([-2.0] * len(lost), lost, "x", color=look.color, label=f"depth {depth}, diverged")
    chance = 100 * float(theory["chance"].iloc[0])
    panel.axvline(chance, color=figures.BLACK, linewidth=1, linestyle="--", label="best constant guess")
    panel.set(xlim=(-5, 100), xlabel="test accuracy (%)", ylim=(len(cfg.variants) - 0.5, -0.5))
    panel.set_yticks(range(len(cfg.variants)), [VARIANTS[variant].words for variant in cfg.variants], fontsize=7)
