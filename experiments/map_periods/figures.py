"""The figures of `map-periods`, from its tables."""

from __future__ import annotations

import math
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deepk import figures
from deepk.dynamics import growth_rate, implied_periods
from deepk.lab import where
from experiments.map_periods import Config
from experiments.map_periods.claims import first_period, series
from experiments.published.depth_width import ARXIV


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Maps with their cycles, oscillations against n, orbits against the slope, and Sharkovsky's order."""
    drawn = {
        "orbits": _orbits(theory, cfg),
        "oscillations": _oscillations(theory, data, cfg),
        "bifurcation": _bifurcation(theory, data, cfg),
        "sharkovsky": _sharkovsky(theory, data, cfg),
    }
    for name, figure in drawn.items():
        figures.note(figure, cfg, ARXIV, "orbits in float64, else exact" if name == "bifurcation" else "exact")
    return drawn


def _orbits(theory: pd.DataFrame, cfg: Config) -> Figure:
    """Each map over the diagonal, with the cobweb of its cycle."""
    figure, panels = figures.panels(1, len(cfg.periods), size=(3.55, 3.9))
    for panel, period in zip(panels, cfg.periods, strict=True):
        map_, orbit = (series(theory, name, period=period) for name in ("map", "orbit"))
        panel.plot(map_.index, map_.index, color="0.6", linewidth=1, label="$y = x$")
        panel.plot(map_.index, map_, color=figures.BLUE, marker="o", label="$f$")
        web = np.repeat(orbit.to_numpy(), 2)
        panel.plot(web[:-1], web[1:], color=figures.VERMILION, linewidth=1, label="cycle")
        rho = float(series(theory, "growth rate", period=period).iloc[0])
        panel.set(title=rf"period {period}: $\rho_{{{period}}} = {rho:.4f}$", xlabel="$x$", aspect="equal")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.yaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set_ylabel("$f(x)$")
    figures.shared_legend(figure, panels[:1], columns=3)
    return figure


def _oscillations(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Logarithms of the counts against n, beside rho_p^n; of maps of one's own as well."""
    figure, (panel,) = figures.panels(1, 1, size=(6.4, 4.4))
    for period, (_, color, marker) in zip(cfg.periods, figures.series(map(str, cfg.periods)), strict=True):
        logs = series(data, "log crossings", period=period) / math.log(10)
        every = max(1, len(logs) // 12)
        panel.plot(logs.index, logs, marker, color=color, markevery=every, label=f"period {period}, crossings")
        rho = float(series(theory, "growth rate", period=period).iloc[0])
        line = (logs.index - logs.index[-1]) * math.log10(rho) + logs.iloc[-1]
        panel.plot(logs.index, line, color=color, linewidth=1.2, label=rf"slope of $\rho_{{{period}}}^n$, {rho:.4f}")
    for name, color in zip(cfg.maps, cycle(figures.PALETTE[len(cfg.periods) :])):
        logs = series(data, "own log pieces", map=name) / math.log(10)
        panel.plot(logs.index, logs, "--", color=color, label=f"{name}, pieces")
        first = first_period(series(data, "own has", map=name))
        line = logs.index * math.log10(growth_rate(first))
        panel.plot(logs.index, line, color=color, linewidth=1, label=rf"at least $\rho_{{{first}}}^n$")
    panel.set(xlabel="compositions $n$", ylabel=r"$\log_{10}$ of the count for $f^n$")
    panel.legend()
    return figure


def _bifurcation(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Orbits of slope |x| - 1 against the slope; f^3 at the threshold of period 3; how many points each period has."""
    figure, (orbits, third, bars) = figures.panels(1, 3, size=(4.33, 4.8), width_ratios=(2, 1.4, 1.1))
    _slopes(orbits, theory, data, cfg)
    slopes = [(f"slope {slope}", f"slope {slope}") for slope in cfg.beside] + [("golden", "golden ratio")]
    for (name, label), color in zip(slopes, cycle((figures.SKY, figures.ORANGE, figures.BLUE))):
        x, y = (series(data, f"third {part}, {name}", period=0) for part in ("knot", "value"))
        third.plot(x, y, color=color, linewidth=1.3, label=label)
    third.plot([-1, 1], [-1, 1], color="0.6", linewidth=1, label="$y = x$")
    third.set(xlabel="$x$", ylabel="$f^3(x)$", xlim=(-1, 1), ylim=(-1.05, 1.3))
    third.legend(fontsize=8, loc="upper left", ncols=2)
    looked_for = np.arange(1, cfg.up_to + 1)
    sides = (("slides", figures.VERMILION, f"slope {cfg.slope:g}"), ("golden", figures.BLUE, "golden ratio"))
    for shift, (name, color, label) in enumerate(sides):
        counts = series(data, f"points, {name}", period=0)
        bars.bar(looked_for + 0.4 * shift - 0.2, counts.reindex(looked_for), 0.4, color=color, label=label)
    bars.set(xlabel="least period", ylabel="number of points", yscale="symlog", xticks=looked_for)
    bars.legend(fontsize=8, loc="upper left")
    return figure


def _slopes(panel: Axes, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """Where orbits end up, with the thresholds of odd periods."""
    orbit = where(data, quantity="orbit")
    panel.plot(orbit["slope"], orbit["value"], ".", color="0.35", markersize=1, rasterized=True)
    for period, color in zip(cfg.odd, cycle(figures.PALETTE)):
        rho = float(series(theory, "growth rate", period=period).iloc[0])
        label = rf"period {period}: $\rho_{{{period}}} = {rho:.5f}$"
        panel.axvline(rho, color=color, linewidth=1.4, label=label)
    panel.set(xlabel="slope of slope$|x| - 1$", ylabel="orbit", xlim=(1, 2), ylim=(-1.05, 1.3))
    panel.legend(fontsize=8, loc="upper left")


def _sharkovsky(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """For each map the periods that it has, and those that one of them implies."""
    names = [str(period) for period in cfg.sharkovsky] + cfg.maps
    figure, (panel,) = figures.panels(1, 1, size=(1.5 + 0.55 * cfg.up_to, 1.6 + 0.45 * len(names)))
    pairs = [
        (series(theory, "implied", period=period), series(data, "has", period=period)) for period in cfg.sharkovsky
    ]
    for name in cfg.maps:
        has = series(data, "own has", map=name)
        pairs.append((pd.Series(1.0, index=implied_periods(first_period(has), up_to=cfg.up_to)), has))
    for y, (implied, has) in enumerate(pairs):
        has_at, implied_at = has.index[has > 0], implied.index[implied > 0]
        panel.plot(implied_at, [y] * len(implied_at), "s", color="0.8", markersize=15, label="implied")
        panel.plot(has_at, [y] * len(has_at), "o", color=figures.BLUE, markersize=6, label="found")
    panel.set(xlabel="least period", ylabel="map with period", xticks=range(1, cfg.up_to + 1))
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.5)
    figures.shared_legend(figure, [panel], columns=2)
    return figure
