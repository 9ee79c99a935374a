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
from deepk.dynamics import growth_rate, implied_periods
from experiments.map_periods_claims import first_period, of_map, pick

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


def _orbits(theory: pd.DataFrame, cfg: MapPeriods) -> Figure:
    """Each map over the diagonal, with the cobweb of its cycle."""
    figure = Figure(figsize=(0.6 + 3.4 * len(cfg.periods), 3.9))
    panels = figure.subplots(1, len(cfg.periods), squeeze=False)[0]
    for panel, period in zip(panels, cfg.periods, strict=True):
        map_, orbit = (pick(theory, name, period) for name in ("map", "orbit"))
        panel.plot(map_.index, map_.index, color="0.6", linewidth=1, label="$y = x$")
        panel.plot(map_.index, map_, color=figures.BLUE, marker="o", label="$f$")
        web = np.repeat(orbit.to_numpy(), 2)
        panel.plot(web[:-1], web[1:], color=figures.VERMILION, linewidth=1, label="cycle")
        rho = float(pick(theory, "growth rate", period).iloc[0])
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
        logs = pick(data, "log crossings", period) / math.log(10)
        every = max(1, len(logs) // 12)
        panel.plot(logs.index, logs, marker, color=color, markevery=every, label=f"period {period}, crossings")
        rho = float(pick(theory, "growth rate", period).iloc[0])
        line = (logs.index - logs.index[-1]) * math.log10(rho) + logs.iloc[-1]
        panel.plot(logs.index, line, color=color, linewidth=1.2, label=rf"slope of $\rho_{{{period}}}^n$, {rho:.4f}")
    for name, color in zip(cfg.maps, cycle(figures.PALETTE[len(cfg.periods) :])):
        logs = of_map(data, "own log pieces", name) / math.log(10)
        panel.plot(logs.index, logs, "--", color=color, label=f"{name}, pieces")
        first = first_period(of_map(data, "own has", name))
        line = logs.index * math.log10(growth_rate(first))
        panel.plot(logs.index, line, color=color, linewidth=1, label=rf"at least $\rho_{{{first}}}^n$")
    panel.set(xlabel="compositions $n$", ylabel=r"$\log_{10}$ of the count for $f^n$")
    panel.legend()
    return figure


def _bifurcation(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> Figure:
    """Orbits of slope |x| - 1 against the slope, with the thresholds of odd periods; f^3 at that of period 3."""
    figure = Figure(figsize=(13.0, 4.8))
    panel, third, bars = figure.subplots(1, 3, width_ratios=(2, 1.4, 1.1))
    orbit = data[data["quantity"] == "orbit"]
    panel.plot(orbit["slope"], orbit["value"], ".", color="0.35", markersize=1, rasterized=True)
    for period, color in zip(cfg.odd, cycle(figures.PALETTE)):
        rho = float(pick(theory, "growth rate", period).iloc[0])
        label = rf"period {period}: $\rho_{{{period}}} = {rho:.5f}$"
        panel.axvline(rho, color=color, linewidth=1.4, label=label)
    panel.set(xlabel="slope of slope$|x| - 1$", ylabel="orbit", xlim=(1, 2), ylim=(-1.05, 1.3))
    panel.legend(fontsize=8, loc="upper left")

    slopes = [(f"slope {slope}", f"slope {slope}") for slope in cfg.beside] + [("golden", "golden ratio")]
    for (name, label), color in zip(slopes, cycle((figures.SKY, figures.ORANGE, figures.BLUE))):
        x, y = (pick(data, f"third {part}, {name}", 0) for part in ("knot", "value"))
        third.plot(x, y, color=color, linewidth=1.3, label=label)
    third.plot([-1, 1], [-1, 1], color="0.6", linewidth=1, label="$y = x$")
    third.set(xlabel="$x$", ylabel="$f^3(x)$", xlim=(-1, 1), ylim=(-1.05, 1.3))
    third.legend(fontsize=8, loc="upper left", ncols=2)

    looked_for = np.arange(1, cfg.up_to + 1)
    sides = (("slides", figures.VERMILION, f"slope {cfg.slope:g}"), ("golden", figures.BLUE, "golden ratio"))
    for shift, (name, color, label) in enumerate(sides):
        counts = pick(data, f"points, {name}", 0)
        bars.bar(looked_for + 0.4 * shift - 0.2, counts.reindex(looked_for), 0.4, color=color, label=label)
    bars.set(xlabel="least period", ylabel="number of points", yscale="symlog", xticks=looked_for)
    bars.legend(fontsize=8, loc="upper left")
    return figure


def _sharkovsky(theory: pd.DataFrame, data: pd.DataFrame, cfg: MapPeriods) -> Figure:
    """For each map the periods that it has, and those that one of them implies."""
    names = [str(period) for period in cfg.sharkovsky] + cfg.maps
    figure = Figure(figsize=(1.5 + 0.55 * cfg.up_to, 1.6 + 0.45 * len(names)))
    panel = figure.subplots()
    found = [(pick(theory, "implied", period), pick(data, "has", period)) for period in cfg.sharkovsky]
    for name in cfg.maps:
        has = of_map(data, "own has", name)
        found.append((pd.Series(1.0, index=implied_periods(first_period(has), up_to=cfg.up_to)), has))
    for y, (implied, has) in enumerate(found):
        has_at, implied_at = has.index[has > 0], implied.index[implied > 0]
        panel.plot(implied_at, [y] * len(implied_at), "s", color="0.8", markersize=15, label="implied")
        panel.plot(has_at, [y] * len(has_at), "o", color=figures.BLUE, markersize=6, label="found")
    panel.set(xlabel="least period", ylabel="map with period", xticks=range(1, cfg.up_to + 1))
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.5)
    handles = {label: handle for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=2)
    return figure
