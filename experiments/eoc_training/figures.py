"""The figure of `eoc-training`: test accuracy against epoch, and below it against seconds of training, as printed."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deepk import figures
from deepk.lab import where
from experiments.eoc_training import NAMES, Config
from experiments.eoc_training.accuracies import Run, other_setting
from experiments.published import eoc_training as paper
from experiments.published.eoc_training import ARXIV, EDGE, NORMALIZED, ORDERED

# The paper's colours by name, and a marker each, so that the curves stay apart in grey.
CURVES = {EDGE: (figures.VERMILION, "o"), NORMALIZED: (figures.BLUE, "s"), ORDERED: (figures.GREEN, "^")}


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """A column for each activation; above, the printed accuracies stand beside ours where the setting is theirs."""
    # Seeds take different times for the same epoch; the curve needs one abscissa: their mean.
    seconds = data.groupby(["activation", "initialization", "epoch"])["seconds"].transform("mean")
    timed = data.assign(seconds=seconds, percent=100 * data["test_accuracy"])
    run, count = Run(theory, timed, cfg), len(cfg.activations)
    figure, panels = figures.panels(2, count, size=(3.1 + 1.2 / count, 3.4), sharey=True)
    for number, activation in enumerate(cfg.activations):
        curves = where(timed, activation=activation)
        upper, lower = panels[number], panels[count + number]
        _curves(upper, run, curves, "epoch")
        _printed(upper, run, activation)
        _lost(upper, curves)
        _curves(lower, run, curves, "seconds")
        upper.set(title=activation, xlabel="epoch")
        lower.set(xlabel="training time (s)")
    for panel in panels[::count]:
        panel.set_ylabel("test accuracy (%)")
    figures.shared_legend(figure, panels)
    figures.note(figure, cfg, ARXIV, *_setting(run))
    return {"accuracy": figure}


def _setting(run: Run) -> list[str]:
    cfg = run.cfg
    seeds = f"{len(cfg.seeds)} seeds, band 5-95 %" if len(cfg.seeds) > 1 else "1 seed"
    named = [run.images] if run.images != cfg.data.name else []
    return [f"depth {cfg.depth}, width {cfg.width}, SGD {cfg.learning_rate:g}, batch {cfg.batch_size}", seeds, *named]


def _curves(panel: Axes, run: Run, data: pd.DataFrame, x: str) -> None:
    """A curve for each initialization, and what a guess gets right."""
    for initialization, (color, marker) in CURVES.items():
        curve = where(data, initialization=initialization)
        if not curve.empty:
            name = NAMES[initialization]
            figures.plot_with_band(panel, curve, x=x, y="percent", label=name, color=color, marker=marker)
    panel.axhline(run.chance, color=figures.BLACK, linewidth=1, linestyle="--", label="best constant guess")
    panel.set(xlim=(0, None), ylim=(0, 100))
    panel.xaxis.set_major_locator(MaxNLocator(5, integer=x == "epoch"))


def _printed(panel: Axes, run: Run, activation: str) -> None:
    """The printed accuracies up to the last epoch here, with their spread over ten runs."""
    drawn = set(where(run.data, activation=activation)["initialization"])
    for cell in (*paper.BY_EPOCH, *paper.BY_INITIALIZATION):
        if cell.activation != activation or cell.initialization not in drawn or other_setting(run, cell):
            continue
        color, marker = CURVES[cell.initialization]
        panel.errorbar(
            cell.epoch,
            cell.means[0],
            cell.deviation,
            color=color,
            marker=marker,
            markersize=9,
            markerfacecolor="none",
            capsize=3,
            linestyle="",
            label=f"printed: {NAMES[cell.initialization]}",
        )


def _lost(panel: Axes, data: pd.DataFrame) -> None:
    """How many seeds of each initialization diverged, in words."""
    lost = []
    for initialization, name in NAMES.items():
        curve = where(data, initialization=initialization)
        if count := where(curve, status="diverged")["seed"].nunique():
            lost.append(f"{name}: {count} of {curve['seed'].nunique()} diverged")
    panel.text(0.97, 0.97, "\n".join(lost), transform=panel.transAxes, ha="right", va="top", fontsize=8)
