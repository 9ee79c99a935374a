"""The figures of `activation-duality`, from its tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.polynomial.hermite_e import hermeval
from pandas.core.groupby import SeriesGroupBy

from deepk import figures
from deepk.figures import Series
from deepk.lab import where
from deepk.statistics import binomial_half_width
from experiments.activation_duality import Config
from experiments.published.compositional_kernels import ARXIV, QUANTITIES
from experiments.published.compositional_kernels import COLUMNS as PRINTED
from experiments.published.edge_of_chaos import ARXIV as EDGE
from experiments.published.edge_of_chaos import POINTS, RELU_RATE

_POLYNOMIALS, _REACH = 6, 2.0  # of the slide's picture: h_0..h_5 on [-2, 2]
_LABELS = {"mu": r"$\mu$", "a_1_squared": "$a_1^2$", "mu_star": r"$\mu_\star$", "xi": r"$\xi$"}
_FLOOR = 1e-7  # of the coefficients that are drawn


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """The slide's polynomials, the distributions, the printed table beside the exact one, and critical survival."""
    drawn = {
        "hermite-polynomials": _polynomials(),
        "distributions": _distributions(theory, data, cfg),
        "table": _table(theory, data, cfg),
        "critical-survival": _survival(theory, data, cfg),
    }
    recipe = f"{len(cfg.seeds) * cfg.runs} x {cfg.samples:,} Monte Carlo samples"
    processes = f"{len(cfg.seeds) * cfg.paths:,} processes"
    settings = {"hermite-polynomials": [], "critical-survival": [processes, EDGE]}
    for name, figure in drawn.items():
        figures.note(figure, cfg, ARXIV, *settings.get(name, [recipe]))
    return drawn


def _polynomials() -> Figure:
    figure, (panel,) = figures.panels(1, 1, size=(6.0, 4.2))
    x = np.linspace(-_REACH, _REACH, 401)
    for k, color in zip(range(_POLYNOMIALS), figures.PALETTE, strict=False):
        value = hermeval(x, [0.0] * k + [1.0]) / math.sqrt(math.factorial(k))
        panel.plot(x, value, color=color, label=f"$h_{k}$")
    panel.set(xlabel="$x$", ylabel="$h_k(x)$, normalized Hermite polynomial", ylim=(-2.2, 2.2))
    figures.shared_legend(figure, [panel], columns=_POLYNOMIALS)
    return figure


def _title(name: str, centered: bool) -> str:
    return f"centered {name}" if centered else name


def _distributions(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Each law, exact and as the recipe estimates it."""
    names = list(cfg.activations)
    figure, panels = figures.panels(2, len(names), size=(3.1, 2.7), sharex=True, sharey=True)
    columns = [(name, centered) for centered in (False, True) for name in names]
    for panel, (name, centered), look in zip(panels, columns, 2 * figures.series(names), strict=True):
        at = {"activation": name, "centered": centered, "quantity": "coefficient"}
        exact = where(theory, **at).set_index("index")["value"]
        panel.bar(exact.index, exact, color=look.color, alpha=0.35, label="$a_k^2$, exact")
        _interval(panel, where(data, part="recipe", **at).groupby("index")["value"])
        panel.set(title=_title(name, centered), yscale="log", ylim=(_FLOOR, 1.5))
    for panel in panels[len(names) :]:
        panel.set_xlabel("$k$")
    for panel in panels[:: len(names)]:
        panel.set_ylabel("$P(Y = k) = a_k^2$")
    figures.shared_legend(figure, panels[:1], columns=2)
    return figure


def _interval(panel: Axes, groups: SeriesGroupBy[Any, Any]) -> None:
    middle, low, high = groups.median(), groups.quantile(0.05), groups.quantile(0.95)
    label = f"the paper's recipe: median and 5-95 % of {int(groups.size().max())} runs"
    bars = np.stack([middle - low, high - middle])
    panel.errorbar(middle.index, middle, bars, fmt="o", color="0.2", markersize=3, elinewidth=1, label=label)


def _table(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Each quantity of the table: exact, printed, and as the recipe scatters."""
    columns = [(name, centered) for centered in (False, True) for name in cfg.activations]
    size = (11.0 / len(QUANTITIES), 1.2 + 0.36 * len(columns))
    figure, panels = figures.panels(1, len(QUANTITIES), size=size, sharey=True)
    for panel, quantity in zip(panels, QUANTITIES, strict=True):
        for y, (name, centered) in enumerate(columns):
            at = {"activation": name, "centered": centered, "quantity": quantity}
            _cell(panel, y, where(theory, **at)["value"], where(data, part="recipe", **at)["value"])
            if (printed := PRINTED.get((name, centered))) is not None:
                panel.plot(getattr(printed, quantity), y, "x", color=figures.VERMILION, markersize=8, label="printed")
        panel.set(xlabel=_LABELS[quantity], yticks=range(len(columns)), ylim=(len(columns) - 0.5, -0.5))
    panels[0].set_yticklabels([_title(*column) for column in columns])
    figures.shared_legend(figure, panels[:1], columns=3)
    return figure


def _cell(panel: Axes, y: int, exact: pd.Series[float], recipe: pd.Series[float]) -> None:
    value = float(exact.iloc[0])
    if math.isfinite(value):
        panel.plot(value, y, "|", color=figures.BLACK, markersize=16, markeredgewidth=2, label="exact")
    if not recipe.empty:
        middle, low, high = recipe.quantile([0.5, 0.05, 0.95])
        bars, label = [[middle - low], [high - middle]], "the paper's recipe: median, 5-95 %"
        panel.errorbar(middle, y, xerr=bars, fmt="o", color=figures.BLUE, markersize=4, label=label)


def _survival(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """1 - c^l of each critical network, the share of processes alive, and where both tend."""
    figure, (panel,) = figures.panels(1, 1, size=(7.0, 4.6))
    lowest = 1.0
    for look in figures.series(cfg.critical):
        line = where(theory, activation=look.name, quantity="survival").set_index("index")["value"].loc[1:]
        panel.plot(line.index, line, color=look.color, label=rf"$1 - c^l$ on the edge of chaos: {look.name}")
        late = line.index[line.index >= cfg.generations // 5].to_numpy(float)
        panel.plot(late, _asymptote(look.name, cfg, late), color=look.color, linestyle=":", linewidth=1.2)
        _alive(panel, data, cfg, look)
        lowest = min(lowest, float(line.min()))
    panel.errorbar([], [], [], fmt="o", color="0.4", label="share of branching processes alive, 99 % interval")
    panel.plot([], [], color="0.4", linestyle=":", label=r"$\beta_q / l$, and $9\pi^2 / 2 l^2$ for ReLU")
    panel.set(xscale="log", yscale="log", xlabel="layer, generation $l$", ylabel=r"$1 - c^l = P(Z_l > 0)$")
    panel.set_ylim(lowest / 2, 1.2)
    panel.legend(loc="lower left")
    return figure


def _asymptote(name: str, cfg: Config, depth: np.ndarray) -> np.ndarray:
    """beta_q / l of the points on the edge that are known to many digits, and of ReLU; NaN elsewhere."""
    if name == "relu":
        return RELU_RATE / depth**2
    known = {(point.activation, point.sigma_b): point.beta_q for point in POINTS if point.given == "sigma_b"}
    return known.get((name, cfg.bias(name)), math.nan) / depth


def _alive(panel: Axes, data: pd.DataFrame, cfg: Config, look: Series) -> None:
    """The share of processes alive at generations that are evenly spaced on the axis."""
    total = cfg.paths * len(cfg.seeds)
    alive = where(data, part="branching", activation=look.name, quantity="alive").groupby("index")["value"].sum()
    share = alive.loc[np.unique(np.geomspace(1, cfg.generations, 14).round().astype(int))] / total
    bars = [binomial_half_width(float(p), total) for p in share]
    panel.errorbar(share.index, share, bars, fmt=look.marker, color=look.color, markersize=5, elinewidth=1)
