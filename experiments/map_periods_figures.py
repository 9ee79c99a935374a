"""The figures of `map-periods`, from its tables."""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deepk import figures

if TYPE_CHECKING:
    from experiments.schema import MapPeriods


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> dict[str, Figure]:
    """Maps with their cycles, oscillations against n, orbits against the slope, and Sharkovsky's order."""
    found = {
        "orbits": _orbits(theory, cfg),
        "oscillations": _oscillations(theory, data, cfg),
        "bifurcation": _bifurcation(theory, data, cfg),
        "sharkovsky": _sharkovsky(theory, data, cfg),
    }
    for name, figure in found.items():
        exact = "orbits in float64, else exact" if name == "bifurcation" else "exact"
        figures.corner_note(figure, f"{exact}; scale {cfg.scale}")
    return found


def _pick(table: pd.DataFrame, quantity: str, period: int) -> pd.Series[float]:
    found = table[(table["quantity"] == quantity) & (table["period"] == period)]
    return found.set_index("index")["value"].astype(float).sort_index()


def _orbits(theory: pd.DataFrame, cfg: MapPeriods) -> Figure:
    """Each map over the diagonal, with the cobweb of its cycle."""
    figure = Figure(figsize=(0.6 + 3.4 * len(cfg.periods), 3.9))
    panels = figure.subplots(1, len(cfg.periods), squeeze=False)[0]
    for panel, period in zip(panels, cfg.periods, strict=True):
        map_, orbit = (_pick(theory, name, period) for name in ("map", "orbit"))
        panel.plot(map_.index, map_.index, color="0.6", linewidth=1, label="$y = x$")
        panel.plot(map_.index, map_, color=figures.BLUE, marker="o", label="$f$")
        web = np.repeat(orbit.to_numpy(), 2)
        panel.plot(web[:-1], web[1:], color=figures.VERMILION, linewidth=1, label="cycle")
        rho = float(_pick(theory, "growth rate", period).iloc[0])
        panel.set(title=rf"period {period}: $\rho_{{{period}}} = {rho:.4f}$", xlabel="$x$", aspect="equal")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.yaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set_ylabel("$f(x)$")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def _oscillations(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> Figure:
    figure = Figure(figsize=(6.4, 4.4))
    panel = figure.subplots()
    for period, color, marker in zip(cfg.periods, cycle(figures.PALETTE), cycle(figures.MARKERS)):
        logs = _pick(data, "log crossings", period) / math.log(10)
        every = max(1, len(logs) // 12)
        panel.plot(logs.index, logs, marker, color=color, markevery=every, label=f"period {period}, counted")
        rho = float(_pick(theory, "growth rate", period).iloc[0])
        line = (logs.index - logs.index[-1]) * math.log10(rho) + logs.iloc[-1]
        panel.plot(logs.index, line, color=color, linewidth=1.2, label=rf"slope of $\rho_{{{period}}}^n$, {rho:.4f}")
    panel.set(xlabel="compositions $n$", ylabel=r"$\log_{10}$ of the crossings of $f^n$")
    panel.legend()
    return figure


def _bifurcation(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> Figure:
    """Orbits of slope |x| - 1 against the slope, with the thresholds of odd periods; f^3 at that of period 3."""
    figure = Figure(figsize=(13.0, 4.8))
    panel, third, bars = figure.subplots(1, 3, width_ratios=(2, 1.4, 1.1))
    orbit = data[data["quantity"] == "orbit"]
    panel.plot(orbit["slope"], orbit["value"], ".", color="0.35", markersize=1, rasterized=True)
    for period, color in zip(cfg.odd, cycle(figures.PALETTE)):
        rho = float(_pick(theory, "growth rate", period).iloc[0])
        label = rf"period {period} from $\rho_{{{period}}} = {rho:.5f}$ on"
        panel.axvline(rho, color=color, linewidth=1.4, label=label)
    panel.set(xlabel="slope of slope$|x| - 1$", ylabel="orbit", xlim=(1, 2))
    panel.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    slopes = [(f"slope {slope:g}", f"slope {slope:g}") for slope in cfg.beside] + [("golden", "golden ratio")]
    for (name, label), color in zip(slopes, cycle((figures.SKY, figures.ORANGE, figures.BLUE))):
        x, y = (_pick(data, f"third {part}, {name}", 0) for part in ("knot", "value"))
        third.plot(x, y, color=color, linewidth=1.3, label=label)
    third.plot([-1, 1], [-1, 1], color="0.6", linewidth=1, label="$y = x$")
    third.set(xlabel="$x$", ylabel="$f^3(x)$", xlim=(-1, 1))
    third.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    looked_for = np.arange(1, cfg.up_to + 1)
    sides = (("slides", figures.VERMILION, f"slope {cfg.slope:g}"), ("golden", figures.BLUE, "golden ratio"))
    for shift, (name, color, label) in enumerate(sides):
        counts = _pick(data, f"points, {name}", 0)
        bars.bar(looked_for + 0.4 * shift - 0.2, counts.reindex(looked_for), 0.4, color=color, label=label)
    bars.set(xlabel="least period", ylabel="number of points", yscale="symlog")
    bars.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def _sharkovsky(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> Figure:
    """For each map the periods that it has, and those that its own implies."""
    figure = Figure(figsize=(1.5 + 0.55 * cfg.up_to, 1.6 + 0.45 * len(cfg.sharkovsky)))
    panel = figure.subplots()
    for y, period in enumerate(cfg.sharkovsky):
        implied, has = _pick(theory, "implied", period), _pick(data, "has", period)
        has_at, implied_at = has.index[has > 0], implied.index[implied > 0]
        panel.plot(implied_at, [y] * len(implied_at), "s", color="0.8", markersize=15, label="implied")
        panel.plot(has_at, [y] * len(has_at), "o", color=figures.BLUE, markersize=6, label="found")
    panel.set(xlabel="least period", ylabel="map with period", xticks=range(1, cfg.up_to + 1))
    panel.set_yticks(range(len(cfg.sharkovsky)), [str(period) for period in cfg.sharkovsky])
    panel.set_ylim(len(cfg.sharkovsky) - 0.5, -0.5)
    handles = {label: handle for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=2)
    return figure
