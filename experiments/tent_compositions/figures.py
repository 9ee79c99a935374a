"""The figures of `tent-compositions`, from its tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk import figures
from deepk.dynamics import get_map
from deepk.figures import Series
from deepk.lab import once, only, where
from experiments.published.depth_width import ARXIV, DEEP_UNITS, LAYERS
from experiments.tent_compositions import ONCE, Config
from experiments.tent_compositions.claims import by_compositions
from experiments.tent_compositions.theory import PIECES, ROUNDINGS, stretched_rounding

_LABELS = {"tent": "tent map", "golden": r"$\varphi|x| - 1$"}
_LAWS = {"tent": "$2^n$", "golden": "$2 F_{n+1}$"}


def _looks(cfg: Config) -> list[tuple[Series, str]]:
    """Look, by its name, and label of each map."""
    return [(look, _LABELS.get(look.name, look.name)) for look in figures.series(cfg.maps)]


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Curves of f^n, their pieces, and networks that compute them or try to."""
    data = once(data, cfg.seeds[0], part=ONCE)
    drawn = {
        "curves": _curves(data, cfg),
        "pieces": _pieces(theory, data, cfg),
        "networks": _networks(theory, data, cfg),
    }
    trained = f"one layer: {cfg.points} points, Adam {cfg.learning_rate:g}, {cfg.epochs} epochs"
    for name, figure in drawn.items():
        setting = [trained, f"{len(cfg.seeds)} seeds and their range"] if name == "networks" else ["exact"]
        figures.note(figure, cfg, ARXIV, *setting)
    return drawn


def _curves(data: pd.DataFrame, cfg: Config) -> Figure:
    """f^n for a few n, with its number of pieces."""
    size = (1.0 / len(cfg.shown) + 3.4, 2.8)
    figure, panels = figures.panels(len(cfg.maps), len(cfg.shown), size=size, sharex="row", sharey="row")
    grid = np.array(panels).reshape(len(cfg.maps), len(cfg.shown))
    for row, (look, label) in zip(grid, _looks(cfg), strict=True):
        counted = by_compositions(data, look.name, "log2 pieces")
        for panel, n in zip(row, cfg.shown, strict=True):
            curve = where(data, quantity="curve", map=look.name, compositions=n)
            panel.plot(curve["x"], curve["value"], color=look.color, linewidth=1.2)
            pieces = f": {round(2 ** counted[n])} pieces" if n in counted.index else ""
            panel.set_title(f"$f^{{{n}}}${pieces}")
        row[0].set_ylabel(f"{label}\n$f^n(x)$")
    for panel in grid[-1]:
        panel.set_xlabel("$x$")
    return figure


def _pieces(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Linear pieces against n: by formula, by recursion and written out."""
    figure, (panel,) = figures.panels(1, 1, size=(6.8, 5.4))
    for look, label in _looks(cfg):
        if look.name in PIECES:
            known = by_compositions(theory, look.name, "log2 pieces")
            panel.plot(known.index, known, color=look.color, linewidth=1.2, label=f"{label}: {_LAWS[look.name]}")
        counted = by_compositions(data, look.name, "log2 pieces")
        every, label = max(1, len(counted) // 14), f"{label}: by recursion"
        panel.plot(counted.index, counted, look.marker, color=look.color, markersize=5, markevery=every, label=label)
        written = by_compositions(data, look.name, "written out")
        panel.plot(written.index, np.log2(written), "x", color=figures.BLACK, markersize=5, label="written out")
    shallow = math.log2(cfg.shallow + 1)
    panel.axhline(shallow, color=figures.GREEN, linestyle="--", label=f"one layer of {cfg.shallow} units, at most")
    first = cfg.maps[0]
    units = only(data, map=first, quantity="units")
    title = f"the network of {cfg.counted} layers for the {first} map has {units:.0f} units"
    title += f" (slides: {DEEP_UNITS})" if (first, cfg.counted) == ("tent", LAYERS) else ""
    panel.set_title(title, fontsize=10)
    panel.set(xlabel="compositions $n$", ylabel=r"$\log_2$ of the linear pieces of $f^n$")
    figures.shared_legend(figure, [panel], columns=2)
    return figure


def _networks(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """The deep network's error against n, and that of trained shallow ones against their width."""
    figure, (deep, shallow) = figures.panels(1, 2, size=(5.0, 4.4))
    _deep(deep, data, cfg)
    _shallow(shallow, theory, data, cfg)
    return figure


def _deep(panel: Axes, data: pd.DataFrame, cfg: Config) -> None:
    ns = range(1, max(cfg.network_depths) + 1)
    for look, label in _looks(cfg):
        errors = by_compositions(data, look.name, "error").clip(lower=1e-18)
        panel.plot(errors.index, errors, look.marker, color=look.color, label=f"{label}: network of $n$ layers")
        allowed = [stretched_rounding(look.name, n) for n in ns]
        panel.plot(ns, allowed, color=look.color, linewidth=1, label=f"{ROUNDINGS} roundings a unit, stretched")
    panel.set(xlabel="compositions $n$", ylabel="largest error of the deep network", yscale="log", ylim=(3e-19, 1e-5))
    panel.set_title("exact, but for rounding (0 is drawn at the bottom)", fontsize=10)
    panel.legend(fontsize=8)


def _shallow(panel: Axes, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    widths = sorted(cfg.widths)
    for n, look in zip(cfg.targets, figures.series(f"trained on $f^{{{n}}}$" for n in cfg.targets), strict=True):
        rows = where(data, quantity="fresh mae", compositions=n)
        figures.measured(panel, rows, "width", "value", look, line="-")
        bounds = where(theory, quantity="mean L1 bound", compositions=n, width=widths).sort_values("width")
        panel.plot(bounds["width"], bounds["value"], look.marker, color=look.color, ls=":", markerfacecolor="none")
        floor = only(theory, map=cfg.maps[0], quantity="mae of a constant", compositions=n)
        panel.axhline(floor, color=figures.BLACK, linewidth=1.2, label="best constant")
    panel.plot([], [], "o", color="0.4", linestyle=":", markerfacecolor="none", label="theorem's bound")
    panel.set(xlabel="units of the hidden layer", ylabel="mean absolute error on fresh points", xscale="log")
    low, high = (float(end) for end in get_map(cfg.maps[0]).interval)
    panel.set_title(f"one hidden layer, trained on [{low:g}, {high:g}]", fontsize=10)
    panel.set_ylim(0, 1.4 * panel.get_ylim()[1])
    panel.set_xticks(widths, [str(width) for width in widths])
    panel.minorticks_off()
    handles = {label: handle for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    panel.legend(list(handles.values()), list(handles), fontsize=8, loc="upper right", ncols=2)
