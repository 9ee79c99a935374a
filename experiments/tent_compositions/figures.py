"""The figures of `tent-compositions`, from its tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk import figures
from deepk.figures import Series
from deepk.lab import only, where
from experiments.published.depth_width import ARXIV
from experiments.tent_compositions import Config
from experiments.tent_compositions.claims import DEEP, DEEP_UNITS, ROUNDINGS, largest_rounding, series

_LABELS = {"tent": "tent map", "golden": r"$\varphi|x| - 1$"}
_LAWS = {"tent": "$2^n$", "golden": "$2 F_{n+1}$"}


def _looks(cfg: Config) -> dict[str, Series]:
    """The label, colour and marker of each map."""
    return dict(zip(cfg.maps, figures.series(_LABELS.get(name, name) for name in cfg.maps), strict=True))


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Curves of f^n, their pieces, and networks that compute them or try to."""
    drawn = {
        "curves": _curves(data, cfg),
        "pieces": _pieces(theory, data, cfg),
        "networks": _networks(theory, data, cfg),
    }
    trained = f"one layer: Adam {cfg.learning_rate:g}, {cfg.epochs} epochs, {len(cfg.seeds)} seeds"
    for name, figure in drawn.items():
        figures.note(figure, cfg, ARXIV, trained if name == "networks" else "exact")
    return drawn


def _curves(data: pd.DataFrame, cfg: Config) -> Figure:
    """f^n of each map for growing n, with the number of its pieces."""
    rows, columns = len(cfg.maps), len(cfg.shown)
    figure, panels = figures.panels(rows, columns, size=(3.6, 2.8), sharex="row", sharey="row")
    for i, (name, look) in enumerate(_looks(cfg).items()):
        pieces = series(data, name, "log2 pieces")
        for panel, n in zip(panels[i * columns : (i + 1) * columns], cfg.shown, strict=True):
            curve = where(data, quantity="curve", map=name, compositions=n)
            panel.plot(curve["x"], curve["value"], color=look.color, linewidth=1.2)
            count = f": {round(2 ** float(pieces[n]))} pieces" if n in pieces.index else ""
            panel.set_title(f"$f^{{{n}}}${count}")
        panels[i * columns].set_ylabel(f"{look.name}\n$f^n(x)$")
    for panel in panels[-columns:]:
        panel.set_xlabel("$x$")
    return figure


def _pieces(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Pieces of f^n against n: by formula, by recursion, and written out; what one layer can have at most."""
    figure, (panel,) = figures.panels(1, 1, size=(6.8, 4.6))
    for name, look in _looks(cfg).items():
        known, counted = (series(table, name, "log2 pieces") for table in (theory, data))
        if name in _LAWS:
            panel.plot(known.index, known, color=look.color, linewidth=1.2, label=f"{look.name}: {_LAWS[name]}")
        style: dict[str, Any] = {"color": look.color, "markersize": 5, "markevery": max(1, len(counted) // 14)}
        panel.plot(counted.index, counted, look.marker, label=f"{look.name}: by recursion", **style)
        written = series(data, name, "written out")
        panel.plot(written.index, np.log2(written), "x", color=figures.BLACK, markersize=5, label="written out")
    shallow = math.log2(cfg.shallow + 1)
    panel.axhline(shallow, color=figures.GREEN, linestyle="--", label=f"one layer of {cfg.shallow} units, at most")
    first = cfg.maps[0]
    units = only(data, map=first, quantity="units", seed=cfg.seeds[0])
    title = f"the network of {cfg.counted} layers for the {first} map has {units:.0f} units"
    title += f" (slides: {DEEP_UNITS})" if (first, cfg.counted) == ("tent", DEEP) else ""
    panel.set_title(title, fontsize=10)
    panel.set(xlabel="compositions $n$", ylabel=r"$\log_2$ of the linear pieces of $f^n$")
    _legend(panel)
    return figure


def _legend(panel: Axes, **layout: Any) -> None:
    """A legend with each label once."""
    handles = {label: handle for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    panel.legend(list(handles.values()), list(handles), **layout)


def _networks(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """The deep network's error against n, and that of trained shallow ones against their width."""
    figure, (deep, shallow) = figures.panels(1, 2, size=(5.0, 4.4))
    _deep(deep, data, cfg)
    _shallow(shallow, theory, data, cfg)
    return figure


def _deep(panel: Axes, data: pd.DataFrame, cfg: Config) -> None:
    ns = range(1, max(cfg.network_depths) + 1)
    for name, look in _looks(cfg).items():
        errors = series(data, name, "error").clip(lower=1e-18)
        panel.plot(errors.index, errors, look.marker, color=look.color, label=f"{look.name}: network of $n$ layers")
        allowed = [largest_rounding(name, n) for n in ns]
        panel.plot(ns, allowed, color=look.color, linewidth=1, label=f"{ROUNDINGS} roundings a unit, stretched")
    panel.set(xlabel="compositions $n$", ylabel="largest error of the deep network", yscale="log", ylim=(3e-19, 1e-5))
    panel.set_title("exact, but for rounding (0 is drawn at the bottom)", fontsize=10)
    panel.legend(fontsize=8)


def _shallow(panel: Axes, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    for n, look in zip(cfg.targets, figures.series(f"trained on $f^{{{n}}}$" for n in cfg.targets), strict=True):
        rows = where(data, quantity="fresh mae", compositions=n)
        figures.measured(panel, rows, "width", "value", look, line="-")
        bounds = where(theory, quantity="mean L1 bound", compositions=n, width=cfg.widths).sort_values("width")
        style: dict[str, Any] = {"color": look.color, "linestyle": ":", "markerfacecolor": "none"}
        panel.plot(bounds["width"], bounds["value"], look.marker, **style)
        floor = only(theory, map=cfg.maps[0], quantity="mae of a constant", compositions=n)
        panel.axhline(floor, color=figures.BLACK, linewidth=1.2, label="best constant")
    panel.plot([], [], "o", color="0.4", linestyle=":", markerfacecolor="none", label="theorem's bound")
    panel.set(xlabel="units of the hidden layer", ylabel="mean absolute error on fresh points", xscale="log")
    panel.set_title("one hidden layer, trained (mean and range)", fontsize=10)
    panel.set_ylim(0, 1.4 * panel.get_ylim()[1])
    panel.set_xticks(sorted(cfg.widths), [str(width) for width in sorted(cfg.widths)])
    panel.minorticks_off()
    _legend(panel, fontsize=8, loc="upper right", ncols=2)
