"""The figures of `eoc-training`, from its tables: test accuracy against epoch and against seconds of training."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deepk import figures
from deepk.lab import where
from experiments.eoc_training import NAMES, Config
from experiments.published.eoc_training import ARXIV

# The paper's colours by name, and a marker each, so that the curves stay apart in grey.
CURVES = {
    "edge-of-chaos": (figures.VERMILION, "o"),
    "batch-norm": (figures.BLUE, "s"),
    "ordered": (figures.GREEN, "^"),
}


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Test accuracy against epoch and against seconds of training, a panel for each activation."""
    # Seeds take different times for the same epoch; the curve needs one abscissa: their mean.
    seconds = data.groupby(["activation", "initialization", "epoch"])["seconds"].transform("mean")
    timed = data.assign(seconds=seconds, percent=100 * data["test_accuracy"])
    return {
        "accuracy-against-epoch": _panels(theory, timed, cfg, "epoch", "epoch"),
        "accuracy-against-time": _panels(theory, timed, cfg, "seconds", "training time (s)"),
    }


def _panels(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, x: str, label: str) -> Figure:
    columns = min(len(cfg.activations), 4)
    rows = -(-len(cfg.activations) // columns)
    size = (3.1 + 1.2 / columns, 3.0 + 0.9 / rows)
    figure, panels = figures.panels(rows, columns, size=size, sharey=True)
    for panel, activation in zip(panels, cfg.activations, strict=False):
        _panel(panel, theory, where(data, activation=activation), x)
        panel.set(title=activation, xlabel=label)
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=x == "epoch"))
    for panel in panels[len(cfg.activations) :]:
        panel.set_axis_off()
    for panel in panels[::columns]:
        panel.set_ylabel("test accuracy (%)")
    figures.shared_legend(figure, panels[: len(cfg.activations)])
    seeds = f"{len(cfg.seeds)} seeds, band 5-95 %" if len(cfg.seeds) > 1 else "1 seed"
    setting = f"depth {cfg.depth}, width {cfg.width}, SGD {cfg.learning_rate:g}, batch {cfg.batch_size}"
    figures.note(figure, cfg, ARXIV, setting, seeds)
    return figure


def _panel(panel: Axes, theory: pd.DataFrame, data: pd.DataFrame, x: str) -> None:
    """One activation: a curve for each initialization, and how many of its seeds diverged."""
    lost = []
    for initialization, (color, marker) in CURVES.items():
        name, curve = NAMES[initialization], where(data, initialization=initialization)
        if not curve.empty:
            figures.plot_with_band(panel, curve, x=x, y="percent", label=name, color=color, marker=marker)
        if count := where(curve, status="diverged")["seed"].nunique():
            lost.append(f"{name}: {count} of {curve['seed'].nunique()} diverged")
    panel.text(0.97, 0.97, "\n".join(lost), transform=panel.transAxes, ha="right", va="top", fontsize=8)
    chance = 100 * float(theory["chance"].iloc[0])
    panel.axhline(chance, color=figures.BLACK, linewidth=1, linestyle="--", label="best constant guess")
    panel.set_ylim(0, 100)
