"""The figures of `eoc-phase`, from its tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm, LogNorm, Normalize
from matplotlib.figure import Figure

from deepk import figures
from deepk.figures import Series
from deepk.lab import where
from experiments.eoc_phase import Config
from experiments.eoc_phase.claims import QUANTITIES
from experiments.published.edge_of_chaos import ARXIV

LABELS = {
    "variance": "variance $q$",
    "correlation": "correlation $c$",
    "growth": r"growth of a small difference, $\chi_1$",
}


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """The diagrams, a row for each activation, and the simulated line, a panel for each quantity."""
    return {"phase-diagram": _diagrams(theory, cfg), "simulation": _simulation(theory, data, cfg)}


def _diagrams(theory: pd.DataFrame, cfg: Config) -> Figure:
    """chi_1, depth scale and limiting variance over the plane of (sigma_b, sigma_w)."""
    rows = len(cfg.activations)
    figure, panels = figures.panels(rows, 3, size=(3.5, 2.7 + 0.8 / rows), sharex=True, sharey=True)
    for row, name in enumerate(cfg.activations):
        line = panels[3 * row : 3 * row + 3]
        of = where(theory, activation=name)
        grid, edge = where(of, kind="grid"), where(of, kind="edge")
        chi_1, scale, q = (
            grid.pivot(index="sigma_w", columns="sigma_b", values=column) for column in ("chi_1", "depth_scale", "q")
        )
        _map(line[0], chi_1.transform(np.log2), r"$\log_2 \chi_1$", "RdBu_r", CenteredNorm(0, 1.5))
        _map(line[1], scale.replace(math.inf, np.nan), r"depth scale $\xi_c$", "viridis", LogNorm(0.3, 100))
        _map(line[2], q.replace(0.0, np.nan), "limiting variance $q$", "cividis", LogNorm(0.01, 100))
        for panel in line:
            _regions(panel, grid, edge)
        line[0].set_ylabel(f"{name}\n" + r"$\sigma_w$ (of $\sqrt{N} W$)")
    for panel in panels[-3:]:
        panel.set_xlabel(r"$\sigma_b$ (standard deviation of the biases)")
    colours = "theory; black: edge of chaos; grey: the variance diverges, or vanishes (sigma_b = 0)"
    figures.note(figure, cfg, ARXIV, colours)
    return figure


def _map(panel: Axes, table: pd.DataFrame, label: str, cmap: str, norm: Normalize) -> None:
    """A table in colours, grey where there is no number."""
    panel.set_facecolor("0.75")
    mesh = panel.pcolormesh(table.columns, table.index, table, cmap=cmap, norm=norm, rasterized=True)
    panel.figure.colorbar(mesh, ax=panel, label=label, extend="both")
    panel.grid(visible=False)


def _regions(panel: Axes, grid: pd.DataFrame, edge: pd.DataFrame) -> None:
    """The edge of chaos, and what the regions are called."""
    single = len(edge) == 1
    panel.plot(edge["sigma_b"], edge["sigma_w"], color=figures.BLACK, marker="o" if single else "", clip_on=False)
    for phase, rows in grid.groupby("phase"):
        text = str(phase)
        if phase == "diverging":
            text = "variance diverges"
            if rows["chi_1"].notna().any():  # of a homogeneous activation alone chi_1 is known there
                text += ",\ncorrelation tends to 1"
        if len(rows) >= 0.06 * len(grid):
            box = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1.5}
            middle = rows["sigma_b"].median(), rows["sigma_w"].median()
            panel.text(*middle, text, ha="center", va="center", fontsize=8, bbox=box)


def _simulation(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """What random networks have along the line, over what theory says."""
    figure, panels = figures.panels(1, 3, size=(3.5, 3.9))
    for panel, (quantity, predicted) in zip(panels, QUANTITIES, strict=True):
        for look in figures.series(cfg.activations):
            line = where(theory, kind=["line", "curve"], activation=look.name).sort_values("sigma_w")
            line = line[np.isfinite(line[predicted].to_numpy(dtype=float))]
            panel.plot(line["sigma_w"], line[predicted], color=look.color, label=f"{look.name}, theory")
            rows = where(data, activation=look.name)
            if quantity == "variance":  # a diverging one has no limit to show
                rows = where(rows, sigma_w=line["sigma_w"].tolist())
            networks = Series(f"{look.name}, networks", look.color, look.marker)
            figures.measured(panel, rows, "sigma_w", quantity, networks, middle="median")
        panel.set(xlabel=r"$\sigma_w$", ylabel=LABELS[quantity])
    panels[0].set_yscale("log")
    panels[2].set_yscale("log")
    panels[2].axhline(1.0, color="0.5", linewidth=0.8)
    figures.shared_legend(figure, panels[:1])
    size = cfg.simulation
    drawn = f"{size.networks * len(cfg.seeds)} networks of width {size.width}, depth {size.depth}, second half"
    figures.note(figure, cfg, ARXIV, f"sigma_b = {cfg.line_sigma_b:g}", f"{drawn}: median and range")
    return figure
