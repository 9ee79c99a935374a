"""The figures of `random-features` on kernels: coefficients, condition numbers, and the error of the estimate."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk import figures
from deepk.figures import Series
from deepk.lab import where
from experiments.random_features.tables import Run

_FLOOR, _LEAST_TAIL = 1e-7, 1e-6  # of coefficients, and of the mass beyond them, that are drawn
_SHOWN_DEPTHS = (1, 2, 4, 8, 20)  # whose coefficients are drawn
_GRAMS = (
    ("exact kernel", Series("exact kernel", figures.BLACK, "")),
    ("compositional", Series("features", figures.VERMILION, "o")),
    ("with noise", Series("features with noise", figures.GREEN, "s")),
)


def coefficients(run: Run) -> Figure:
    """Coefficients and the mass beyond them, and condition numbers of Gram matrices, against L."""
    names = run.cfg.activations
    figure, panels = figures.panels(3, len(names), size=(3.2, 2.8), sharey="row")
    for column, name in enumerate(names):
        top, middle, bottom = panels[column :: len(names)]
        _alphas(top, run, name)
        _masses(middle, run, name)
        _condition_numbers(bottom, run, name)
        top.set_title(name)
    labels = (r"coefficient $\alpha_k$", f"mass beyond degree {run.cfg.truncation}", "condition number")
    for panel, label in zip(panels[:: len(names)], labels, strict=True):
        panel.set_ylabel(label)
        panel.legend(loc="best", fontsize=8)
    return figure


def _alphas(panel: Axes, run: Run, name: str) -> None:
    shown = [depth for depth in _SHOWN_DEPTHS if depth <= run.cfg.gram_depths]
    for depth, look in zip(shown, figures.series(f"$L = {depth}$" for depth in shown), strict=True):
        alpha = where(run.theory, quantity="alpha", activation=name, depth=depth).set_index("index")["value"]
        alpha = alpha[(alpha > _FLOOR) & (alpha.index > 0)]
        panel.plot(alpha.index, alpha, color=look.color, marker=look.marker, linewidth=1, label=look.name)
    panel.set(xlabel="degree $k$", yscale="log")


def _masses(panel: Axes, run: Run, name: str) -> None:
    depths, paths = range(1, run.cfg.gram_depths + 1), run.cfg.coefficient_paths
    beyond = where(run.data, part="tail", features="branching process", quantity="beyond", activation=name)
    share = beyond.set_index("depth")["value"].astype(float).sort_index() / paths
    panel.plot(depths, [run.known("tail", name, depth) for depth in depths], color=figures.BLACK, label="exact")
    bars = 3 * np.sqrt(share * (1 - share) / paths)
    panel.errorbar(share.index, share, bars, fmt="o", color=figures.BLUE, markersize=4, elinewidth=1, label="processes")
    panel.set(xlabel="depth $L$", yscale="log", ylim=(_LEAST_TAIL, 1.5), xlim=(0, run.cfg.gram_depths + 1))


def _condition_numbers(panel: Axes, run: Run, name: str) -> None:
    for features, look in _GRAMS:
        rows = where(run.data, part="condition", features=features, activation=name)
        line = rows.set_index("depth")["value"].astype(float)
        line = line[np.isfinite(line)]
        panel.plot(line.index, line, color=look.color, marker=look.marker, linewidth=1.2, label=look.name)
    panel.set(xlabel="depth $L$", yscale="log", xlim=(0, run.cfg.gram_depths + 1))


def kernel_error(run: Run) -> Figure:
    """Root mean square and median error of the estimate against m, with the line of theory, for each map."""
    depths, names = run.cfg.depths, run.cfg.activations
    size = (3.2, 2.6 + 0.9 / len(depths))
    figure, panels = figures.panels(len(depths), len(names), size=size, sharex=True, sharey=True)
    rhos = [rho for rho in run.cfg.errors.rhos if rho >= 0]
    looks = dict(zip(rhos, figures.series(rf"$\rho = {rho:g}$" for rho in rhos), strict=True))
    for panel, (depth, name) in zip(panels, [(L, phi) for L in depths for phi in names], strict=True):
        _errors(panel, run, name, depth, looks)
        panel.set(xscale="log", yscale="log")
    for panel, name in zip(panels, names, strict=False):
        panel.set_title(name)
    for panel, depth in zip(panels[:: len(names)], depths, strict=True):
        panel.set_ylabel(f"$L = {depth}$\nerror of the kernel estimate")
    for panel in panels[-len(names) :]:
        panel.set_xlabel("features $m$")
    panels[0].plot([], [], color="0.4", label="deviation these features can show, $m^{-1/2}$")
    panels[0].plot([], [], "o", color="0.4", label="root mean square")
    panels[0].plot([], [], "o", color="0.4", markerfacecolor="white", label="median")
    figures.shared_legend(figure, panels[:1])
    return figure


def _errors(panel: Axes, run: Run, name: str, depth: int, looks: dict[float, Series]) -> None:
    """The errors of one map, and in words how much larger they would be with all features there could be."""
    m = np.array(sorted(run.cfg.errors.features))
    for rho, look in looks.items():
        visible = run.known("visible deviation", name, depth, rho=rho)
        panel.plot(m, visible / np.sqrt(m), color=look.color, linewidth=1.2)
        for quantity, filled in (("rms error", True), ("median error", False)):
            values = run.rows("error", quantity, name, depth, rho=rho).groupby("index")["value"]
            middle = values.mean()
            panel.errorbar(
                middle.index,
                middle,
                [middle - values.min(), values.max() - middle],
                fmt=look.marker,
                color=look.color,
                markerfacecolor=look.color if filled else "white",
                markersize=5,
                elinewidth=0.8,
                label=look.name if filled else None,
            )
    rho = max(run.cfg.errors.rhos)
    exact = run.known("deviation", name, depth, rho=rho) / math.sqrt(m[-1])
    text = f"deviation at $\\rho$ = {rho:g}, m = {m[-1]}:\n{exact:.2g}"
    panel.text(0.97, 0.97, text, transform=panel.transAxes, ha="right", va="top", fontsize=7)
