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
from deepk.dynamics import growth_rate
from deepk.lab import only, where
from experiments.map_periods import Config
from experiments.map_periods.claims import by_index, first_period, implied_by
from experiments.published.depth_width import ARXIV


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Maps with their cycles, oscillations against n, orbits against the slope, and Sharkovsky's order."""
    drawn = {
        "orbits": _orbits(theory, cfg),
        "oscillations": _oscillations(theory, data, cfg),
        "bifurcation": _slopes(theory, data, cfg),
        "sharkovsky": _sharkovsky(theory, data, cfg),
    }
    for name, figure in drawn.items():
        figures.note(figure, cfg, ARXIV, "orbits in float64, else exact" if name == "bifurcation" else "exact")
    return drawn


def _rate(theory: pd.DataFrame, period: int) -> float:
    return only(theory, quantity="growth rate", period=period)


def _orbits(theory: pd.DataFrame, cfg: Config) -> Figure:
    """Each map over the diagonal, with the cobweb of its cycle."""
    figure, panels = figures.panels(1, len(cfg.periods), size=(3.6, 3.9))
    for panel, period in zip(panels, cfg.periods, strict=True):
        map_, orbit = (by_index(theory, name, period=period) for name in ("map", "orbit"))
        panel.plot(map_.index, map_.index, color="0.6", linewidth=1, label="$y = x$")
        panel.plot(map_.index, map_, color=figures.BLUE, marker="o", label="$f$")
        web = np.repeat(orbit.to_numpy(), 2)
        panel.plot(web[:-1], web[1:], color=figures.VERMILION, linewidth=1, label="cycle")
        title = rf"period {period}: $\rho_{{{period}}} = {_rate(theory, period):.4f}$"
        panel.set(title=title, xlabel="$x$", aspect="equal")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.yaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set_ylabel("$f(x)$")
    figures.shared_legend(figure, panels[:1])
    return figure


def _oscillations(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Crossings of the papers' maps and pieces of one's own against n, beside the growth that their periods imply."""
    figure, (panel,) = figures.panels(1, 1, size=(6.4, 4.4))
    looks = figures.series([*map(str, cfg.periods), *cfg.maps])
    for period, look in zip(cfg.periods, looks, strict=False):
        logs = by_index(data, "log crossings", period=period) / math.log(10)
        every = max(1, len(logs) // 12)
        label = f"period {period}, crossings"
        panel.plot(logs.index, logs, look.marker, color=look.color, markevery=every, label=label)
        rho = _rate(theory, period)
        line = (logs.index - logs.index[-1]) * math.log10(rho) + logs.iloc[-1]
        label = rf"slope of $\rho_{{{period}}}^n$, {rho:.4f}"
        panel.plot(logs.index, line, color=look.color, linewidth=1.2, label=label)
    for look in looks[len(cfg.periods) :]:
        logs = by_index(data, "own log pieces", map=look.name) / math.log(10)
        panel.plot(logs.index, logs, "--", color=look.color, label=f"{look.name}, pieces")
        first = first_period(by_index(data, "own has", map=look.name))
        if not first:
            continue
        line = logs.index * math.log10(growth_rate(first))
        panel.plot(logs.index, line, color=look.color, linewidth=1, label=rf"at least $\rho_{{{first}}}^n$")
    panel.set(xlabel="compositions $n$", ylabel=r"$\log_{10}$ of the count for $f^n$")
    panel.legend()
    return figure


def _slopes(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """What the map slope |x| - 1 does against its slope: orbits, f^3 beside period 3's threshold, points by period."""
    figure, (orbits, third, bars) = figures.panels(1, 3, size=(4.35, 4.8), width_ratios=(2, 1.4, 1.1))
    _bifurcation(orbits, theory, data, cfg)
    _third(third, data, cfg)
    _points(bars, data, cfg)
    return figure


def _bifurcation(panel: Axes, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """Orbits against the slope, with the thresholds of odd periods."""
    orbit = where(data, quantity="orbit")
    panel.plot(orbit["slope"], orbit["value"], ".", color="0.35", markersize=1, rasterized=True)
    for period, look in zip(cfg.odd, figures.series(map(str, cfg.odd)), strict=True):
        rho = _rate(theory, period)
        label = rf"period {period}: $\rho_{{{period}}} = {rho:.5f}$"
        panel.axvline(rho, color=look.color, linewidth=1.4, label=label)
    panel.set(xlabel="slope of slope$|x| - 1$", ylabel="orbit", xlim=(1, 2), ylim=(-1.05, 1.3))
    panel.legend(fontsize=8, loc="upper left")


def _third(panel: Axes, data: pd.DataFrame, cfg: Config) -> None:
    """f^3 at slopes beside the golden ratio, where it comes to touch the diagonal."""
    slopes = {f"slope {slope}": f"slope {slope}" for slope in cfg.beside} | {"golden": "golden ratio"}
    for (name, label), color in zip(slopes.items(), cycle((figures.SKY, figures.ORANGE, figures.BLUE)), strict=False):
        x, y = (by_index(data, f"third {part}, {name}") for part in ("knot", "value"))
        panel.plot(x, y, color=color, linewidth=1.3, label=label)
    panel.plot([-1, 1], [-1, 1], color="0.6", linewidth=1, label="$y = x$")
    panel.set(xlabel="$x$", ylabel="$f^3(x)$", xlim=(-1, 1), ylim=(-1.05, 1.3), xticks=np.linspace(-1, 1, 5))
    panel.legend(fontsize=8, loc="upper left", ncols=2)


def _points(panel: Axes, data: pd.DataFrame, cfg: Config) -> None:
    """How many points of each least period the slides' slope gives, and the golden ratio."""
    looked_for = np.array(cfg.looked_for)
    sides = (("slides", figures.VERMILION, f"slope {cfg.slope:g}"), ("golden", figures.BLUE, "golden ratio"))
    for shift, (name, color, label) in enumerate(sides):
        counts = by_index(data, f"points, {name}")
        panel.bar(looked_for + 0.4 * shift - 0.2, counts.reindex(looked_for), 0.4, color=color, label=label)
    panel.set(xlabel="least period", ylabel="number of points", yscale="symlog", xticks=looked_for)
    panel.legend(fontsize=8, loc="upper left")


def _sharkovsky(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """For each map the periods that it has, and those that one of them implies."""
    names = [str(period) for period in cfg.sharkovsky] + cfg.maps
    figure, (panel,) = figures.panels(1, 1, size=(1.5 + 0.55 * cfg.up_to, 1.6 + 0.45 * len(names)))
    rows = [(by_index(theory, "implied", period=p), by_index(data, "has", period=p)) for p in cfg.sharkovsky]
    for name in cfg.maps:
        has = by_index(data, "own has", map=name)
        rows.append((pd.Series(1.0, index=implied_by(first_period(has), cfg)), has))
    for y, (implied, has) in enumerate(rows):
        has_at, implied_at = has.index[has > 0], implied.index[implied > 0]
        panel.plot(implied_at, [y] * len(implied_at), "s", color="0.8", markersize=15, label="implied")
        panel.plot(has_at, [y] * len(has_at), "o", color=figures.BLUE, markersize=6, label="found")
    panel.set(xlabel="least period", ylabel="map with period", xticks=cfg.looked_for)
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.5)
    figures.shared_legend(figure, [panel], columns=2)
    return figure
