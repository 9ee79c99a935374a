"""The figures of `kernel-limits`, from its tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk import activations, figures
from deepk.figures import Series
from deepk.lab import where
from deepk.statistics import pooled
from experiments.kernel_limits import POINT, POWERS_OF_TWO, Config
from experiments.published.compositional_kernels import ARXIV

_SOURCES = {
    "branching": Series("Galton-Watson processes: mean, 99 %", "0.4", "x"),
    "networks": Series("random networks: mean, 99 %", "0.4", "o"),
}
_SIZES = {"x": 4, "o": 6}
_AXES = {
    "unscaled": (r"correlation $\rho$ of the inputs", r"$K^{(L)}(\rho)$"),
    "rescaled": (r"rescaled distance $t$", r"$K^{(L)}(e^{-t/\mu^L})$"),
}
INTERVAL = 2.58  # standard errors: 99 %


@dataclass(frozen=True)
class Run:
    """A run's tables, asked for what is drawn."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Config

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Means over all seeds."""
        return pooled(self.data, ["source", *POINT])

    def number(self, kind: str, activation: str, centering: str) -> float:
        """Of mu, xi, or an exponent, the one there is."""
        return float(where(self.theory, kind=kind, activation=activation, centering=centering)["value"].iloc[0])


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """The paper's two grids of curves, the slides' window, and the slow limit where mu_star is infinite."""
    run = Run(theory, data, cfg)
    drawn = {
        "unscaled": _grid("unscaled", run),
        "rescaled": _grid("rescaled", run),
        "window": _window(run),
        "mu-star-infinite": _slow(run),
    }
    processes = f"{len(cfg.seeds) * cfg.paths:,} processes"
    networks = f"{len(cfg.seeds) * cfg.networks:,} networks of width {cfg.width}"
    for name, figure in drawn.items():
        figures.note(figure, cfg, ARXIV, *([processes] if name == "mu-star-infinite" else [processes, networks]))
    return drawn


def _color(cfg: Config, depth: int) -> str:
    colors = dict(zip([*cfg.depths, cfg.deep], cycle(figures.PALETTE[:-1]), strict=False))  # black is the limit's
    return colors[depth]


def _name(activation: str, centering: str) -> str:
    return f"{'un-' if centering == 'uncentered' else ''}centered {activations.get(activation).name}"


def _grid(kind: str, run: Run) -> Figure:
    """A panel for each activation, centered above and un-centered below."""
    names = run.cfg.activations
    size = ((1.5 + 2.9 * max(len(names), 2)) / len(names), 3.3)
    figure, panels = figures.panels(2, len(names), size=size, sharex=True)
    shown = [(name, centering) for centering in ("centered", "uncentered") for name in names]
    for panel, case in zip(panels, shown, strict=True):
        _panel(panel, kind, run, *case)
    for panel in panels[:: len(names)]:
        panel.set_ylabel(_AXES[kind][1])
    for panel in panels[-len(names) :]:
        panel.set_xlabel(_AXES[kind][0])
    # The panel with the most curves comes first in the legend: it has the deep one, after those of all.
    most = sorted(panels, key=lambda panel: -len(panel.get_legend_handles_labels()[1]))
    figures.shared_legend(figure, most, columns=5 if len(names) > 3 else 3)
    return figure


def _panel(panel: Axes, kind: str, run: Run, activation: str, centering: str) -> None:
    """The curves of a case, its limit, and what was measured."""
    mu, xi = (run.number(name, activation, centering) for name in ("mu", "xi"))
    shown = rf"$\mu = {mu:.4g}$" if math.isfinite(mu) else r"$\mu = \infty$"
    panel.set_title(f"{_name(activation, centering)}, {shown}", fontsize=10)
    of_case = where(run.theory, activation=activation, centering=centering)
    unscaled = where(of_case, kind="unscaled")
    linear = bool(np.allclose(unscaled["value"], unscaled["x"], rtol=0, atol=1e-9))  # then nothing has a limit
    for depth, curve in where(of_case, kind=kind).groupby("depth", sort=False):
        panel.plot(curve["x"], curve["value"], color=_color(run.cfg, int(str(depth))), label=f"$L = {depth}$")
    if not linear:
        _limit(panel, kind, of_case, xi)
    measured = where(run.measured, activation=activation, centering=centering, kind=kind)
    for depth, rows in measured.groupby("depth"):
        _measured(panel, rows, _color(run.cfg, int(str(depth))))
    if kind == "rescaled" and math.isinf(mu):
        said = r"$\mu = \infty$: at every scale $m^L$ the" + "\n" + rf"limit is $\xi = {xi:.3g}$ for $t > 0$"
        panel.text(0.5, 0.5, said, transform=panel.transAxes, ha="center", va="center")
    elif kind == "rescaled" and mu <= 1 and not linear:
        panel.text(0.97, 0.85, r"$\mu \leq 1$: the limit is 1", transform=panel.transAxes, ha="right")


def _limit(panel: Axes, kind: str, of_case: pd.DataFrame, xi: float) -> None:
    """Wide and behind, since the deepest curve lies on it; and the printed formula where it is another."""
    look: dict[str, Any] = {"color": figures.BLACK, "linewidth": 3.2, "zorder": 1.5}
    if kind == "unscaled":
        panel.plot([-1, 1], [xi, xi], label=r"limit $\xi$, $|\rho| < 1$", **look)
        return
    limit, printed = where(of_case, kind="limit"), where(of_case, kind="printed")
    if len(limit):
        panel.plot(limit["x"], limit["value"], label="limit", **look)
    if 0 < xi < 1 and len(printed):
        label = r"$\xi + (1 - \xi) E e^{-tW}$ as printed, with $W = \lim Z_L / \mu^L$"
        panel.plot(printed["x"], printed["value"], color="0.5", linestyle="--", linewidth=1.2, label=label)


def _measured(panel: Axes, rows: pd.DataFrame, color: str) -> None:
    """Markers of one curve, and a grey one for the legend, which has one for all curves."""
    for source, look in _SOURCES.items():
        points = where(rows, source=source)
        if len(points):
            _errorbars(panel, points, look.marker, color)
            panel.errorbar([], [], [], fmt=look.marker, color=look.color, markerfacecolor="none", label=look.name)


def _errorbars(panel: Axes, points: pd.DataFrame, marker: str, color: str, x: str = "x") -> None:
    error = INTERVAL * points["deviation"] / np.sqrt(points["count"])
    look: dict[str, Any] = {"markersize": _SIZES[marker], "markerfacecolor": "none", "elinewidth": 1}
    panel.errorbar(points[x], points["mean"], error, fmt=marker, color=color, **look)


def _window(run: Run) -> Figure:
    """Of centered ReLU, as on the slides, or else of the first activation."""
    cfg = run.cfg
    case = {"activation": "relu" if "relu" in cfg.activations else cfg.activations[0], "centering": "centered"}
    mu = run.number("mu", **case)
    figure, panels = figures.panels(
        1, len(cfg.depths), size=((1.0 + 2.7 * max(len(cfg.depths), 3)) / len(cfg.depths), 3.7), sharey=True
    )
    for panel, depth in zip(panels, cfg.depths, strict=True):
        at = {**case, "kind": "unscaled", "depth": depth}
        curve, width = where(run.theory, **at), mu**-depth
        window: dict[str, Any] = {"color": figures.ORANGE, "alpha": 0.3, "linewidth": 0}
        panel.axvspan(1 - min(width, 2.0), 1, label=r"window of width $1/\mu^L$", **window)
        panel.plot(curve["x"], curve["value"], color=figures.BLUE, label=f"theory, {_name(**case)}")
        _measured(panel, where(run.measured, **at), figures.BLUE)
        panel.set(title=f"$L = {depth}$: $1/\\mu^L = {width:.3g}$", xlabel=_AXES["unscaled"][0])
    panels[0].set_ylabel(_AXES["unscaled"][1])
    figures.shared_legend(figure, panels[:1])
    return figure


def _slow(run: Run) -> Figure:
    """1 - K of the powers of two against depth, beside the power law that it tends to."""
    law = {"activation": POWERS_OF_TWO, "centering": "uncentered"}
    curve, leading = (where(run.theory, kind=kind, **law) for kind in ("kesten-stigum", "leading"))
    gamma = run.number("exponent", **law)
    figure, (panel,) = figures.panels(1, 1, size=(7.0, 4.6))
    panel.plot(curve["depth"], curve["value"], color=figures.BLUE, label="theory")
    panel.plot(
        leading["depth"], leading["value"], color=figures.VERMILION, linestyle="--", label="leading order of theory"
    )
    late = leading["depth"].to_numpy(dtype=float)
    label = rf"$L^{{-\gamma}}$, $\gamma = 1/(S \mu \log_2 \mu) = {gamma:.4f}$"
    power = curve["value"].iloc[-1] * (late / late[-1]) ** -gamma
    panel.plot(late, power, color=figures.BLACK, linestyle=":", label=label)
    panel.axhline(1.0, color="0.5", linewidth=1.0, linestyle="--", label="the printed limit: $K = 0$")
    _errorbars(panel, where(run.measured, kind="kesten-stigum", **law), "o", figures.BLUE, "depth")
    label = _SOURCES["branching"].name
    panel.errorbar([], [], [], fmt="o", color=figures.BLUE, markerfacecolor="none", label=label)
    panel.set(xscale="log", yscale="log", xlabel="layer $L$", ylabel=r"$1 - K^{(L)}(e^{-1/\mu^L})$")
    panel.set_title(r"$P(Y = 2^j) = 2^{-j} j^{-2} / S$: finite $\mu$, infinite $\mu_*$")
    panel.legend(loc="lower left")
    return figure
