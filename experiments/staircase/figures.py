"""The figures of `staircase`, from its tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk import figures
from deepk.figures import BLACK
from deepk.lab import where
from experiments.published.linearized import STEPS
from experiments.staircase import CUBIC, DEEP, KERNEL, SHALLOW, SHIFTED, WIDE, Config


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """The staircase in samples and in features; the map of both; degree three."""
    drawn = {
        "staircase": _staircase(theory, data, cfg),
        "map": _map(theory, cfg),
        "odd-degrees": _odd(theory, data, cfg),
    }
    power = ", ".join(f"{p:.2g}" for p in cfg.power)
    for name, figure in drawn.items():
        of_target = [f"target of power {power} in degrees 0, 1, ..."] if name == "staircase" else []
        figures.note(figure, cfg, STEPS, *of_target, f"{len(cfg.seeds)} instances")
    return drawn


def _levels(panel: Axes, cfg: Config) -> None:
    """What is left where all degrees up to l are learnt, with the degree beside its line."""
    for level in range(len(cfg.power)):
        left = sum(cfg.power[level + 1 :])
        panel.axhline(left, color="0.8", linewidth=0.8, zorder=0)
        panel.annotate(
            f"degree {level} learnt",
            (1, left),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 2),
            textcoords="offset points",
            ha="right",
            fontsize=7,
            color="0.45",
        )


def _staircase(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Against the power of d: two tangent kernels in samples, and random features in their number."""
    figure, panels = figures.panels(1, 3, size=(4.3, 3.9), sharey=True)
    dimensions = sorted({cfg.dimension, *cfg.dimensions})
    for panel, (kernel, model, column) in zip(
        panels,
        ((SHALLOW, KERNEL, "samples"), (DEEP, KERNEL, "samples"), (SHIFTED, WIDE, "features")),
        strict=True,
    ):
        for look, d in zip(figures.series([f"$d = {d}$" for d in dimensions]), dimensions, strict=True):
            curve = where(theory, what="curve", kernel=kernel, dimension=d).sort_values(column)
            panel.plot(np.log(curve[column]) / math.log(d), curve["value"], color=look.color, label=look.name)
            rows = where(data, model=model, kernel=kernel) if d == cfg.dimension else pd.DataFrame()
            if not rows.empty:
                at = rows.assign(power=np.log(rows[column]) / math.log(d))
                figures.measured(panel, at, "power", "value", look._replace(name="measured"), interval="confidence")
        _levels(panel, cfg)
        words = "n" if column == "samples" else "N"
        title = f"{kernel}, {'N' if column == 'samples' else 'n'} infinite"
        panel.set(title=title, xlabel=rf"$\log {words} \,/\, \log d$")
    panels[0].set_ylabel("test error")
    figures.shared_legend(figure, panels[:1], columns=len(dimensions) + 1)
    return figure


def _map(theory: pd.DataFrame, cfg: Config) -> Figure:
    """The risk over samples and features, both as powers of d."""
    figure, (panel,) = figures.panels(1, 1, size=(5.6, 4.4))
    table = where(theory, what="map").pivot(index="features", columns="samples", values="value")
    logs = [np.log(axis.to_numpy(float)) / math.log(cfg.dimension) for axis in (table.columns, table.index)]
    mesh = panel.pcolormesh(*logs, np.log10(table.to_numpy()), cmap="viridis", shading="gouraud", rasterized=True)
    figure.colorbar(mesh, ax=panel, label=r"$\log_{10}$ test error")
    ends = [max(axis.min() for axis in logs), min(axis.max() for axis in logs)]
    panel.plot(ends, ends, "--", color="white", linewidth=1)
    for level in range(1, len(cfg.power)):
        for draw_line in (panel.axvline, panel.axhline):
            draw_line(level, color="white", linewidth=0.5, linestyle=":")
    panel.set(xlabel=r"$\log n \,/\, \log d$", ylabel=r"$\log N \,/\, \log d$")
    panel.set_title(f"{SHIFTED}, d = {cfg.dimension}, ridge {cfg.ridge:g}, noise {cfg.noise:g}", fontsize=10)
    return figure


def _odd(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """A target of degree 3 alone."""
    figure, (panel,) = figures.panels(1, 1, size=(5.0, 3.9))
    for look, kernel in zip(figures.series([SHALLOW, DEEP]), (SHALLOW, DEEP), strict=True):
        curve = where(theory, what=CUBIC, kernel=kernel).sort_values("samples")
        panel.plot(curve["samples"], curve["value"], color=look.color, linewidth=1)
        rows = where(data, model=CUBIC, kernel=kernel)
        if not rows.empty:
            figures.measured(panel, rows, "samples", "value", look, interval="confidence")
    panel.axhline(1, color=BLACK, linewidth=0.8, linestyle="--", label="nothing learnt")
    panel.axvline(cfg.cubic_dimension**3, color="0.6", linewidth=0.8, linestyle=":", label="$d^3$")
    panel.set(xscale="log", xlabel="samples $n$", ylabel="test error", ylim=(0, None))
    panel.set_title(f"a target of degree 3, d = {cfg.cubic_dimension}")
    panel.legend()
    return figure
