"""The figures of `tent-compositions`, from its tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from deepk import figures
from experiments.tent_compositions_claims import DEEP_UNITS, ROUNDINGS, pick, rounding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.schema import TentCompositions

_LABELS = {"tent": "tent map", "golden": r"$\varphi|x| - 1$"}
_LAWS = {"tent": "$2^n$", "golden": "$2 F_{n+1}$"}


def _looks(cfg: TentCompositions) -> Iterator[tuple[str, str, str, str]]:
    """Name, color, marker and label of each map."""
    looks = zip(cfg.maps, cycle(figures.PALETTE), cycle(figures.MARKERS))
    return ((name, color, marker, _LABELS.get(name, name)) for name, color, marker in looks)


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: TentCompositions) -> dict[str, Figure]:
    """Curves of f^n, their pieces, and networks that compute them or try to."""
    found = {
        "curves": _curves(data, cfg),
        "pieces": _pieces(theory, data, cfg),
        "networks": _networks(theory, data, cfg),
    }
    for name, figure in found.items():
        trained = f"one layer: Adam {cfg.learning_rate:g}, {cfg.epochs} epochs, {len(cfg.seeds)} seeds; "
        figures.corner_note(figure, f"{trained if name == 'networks' else 'exact; '}scale {cfg.scale}")
    return found


def _curves(data: pd.DataFrame, cfg: TentCompositions) -> Figure:
    figure = Figure(figsize=(1.0 + 3.4 * len(cfg.shown), 2.8 * len(cfg.maps)))
    panels = figure.subplots(len(cfg.maps), len(cfg.shown), squeeze=False, sharex="row", sharey="row")
    for row, (name, color, _, label) in zip(panels, _looks(cfg), strict=True):
        for panel, n in zip(row, cfg.shown, strict=True):
            curve = data[(data["quantity"] == "curve") & (data["map"] == name) & (data["compositions"] == n)]
            panel.plot(curve["x"], curve["value"], color=color, linewidth=1.2)
            pieces = pick(data, name, "log2 pieces")
            panel.set_title(
                f"$f^{{{n}}}$: {round(2 ** float(pieces[n]))} pieces" if n in pieces.index else f"$f^{{{n}}}$"
            )
        row[0].set_ylabel(f"{label}\n$f^n(x)$")
    for panel in panels[-1]:
        panel.set_xlabel("$x$")
    return figure


def _pieces(theory: pd.DataFrame, data: pd.DataFrame, cfg: TentCompositions) -> Figure:
    figure = Figure(figsize=(6.8, 4.6))
    panel = figure.subplots()
    for name, color, marker, label in _looks(cfg):
        known, counted = (pick(table, name, "log2 pieces") for table in (theory, data))
        if name in _LAWS:
            panel.plot(known.index, known, color=color, linewidth=1.2, label=f"{label}: {_LAWS[name]}")
        every = max(1, len(counted) // 14)
        panel.plot(
            counted.index, counted, marker, color=color, markersize=5, markevery=every, label=f"{label}: by recursion"
        )
        written = pick(data, name, "written out")
        panel.plot(written.index, np.log2(written), "x", color=figures.BLACK, markersize=5, label="written out")
    shallow = math.log2(cfg.shallow + 1)
    panel.axhline(shallow, color=figures.GREEN, linestyle="--", label=f"one layer of {cfg.shallow} units, at most")
    units = float(pick(data, cfg.maps[0], "units").iloc[-1])
    title = f"the network of {cfg.counted} layers for the {cfg.maps[0]} map has {units:.0f} units"
    title += f" (slides: {DEEP_UNITS})" if (cfg.maps[0], cfg.counted) == ("tent", 100) else ""
    panel.set_title(title, fontsize=10)
    panel.set(xlabel="compositions $n$", ylabel=r"$\log_2$ of the linear pieces of $f^n$")
    handles = {label: handle for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    panel.legend(list(handles.values()), list(handles))
    return figure


def _networks(theory: pd.DataFrame, data: pd.DataFrame, cfg: TentCompositions) -> Figure:
    """The deep network's error against n, and that of trained shallow ones against their width."""
    figure = Figure(figsize=(10.0, 4.4))
    deep, shallow = figure.subplots(1, 2)
    _deep(deep, data, cfg)
    _shallow(shallow, theory, data, cfg)
    return figure


def _deep(panel: Axes, data: pd.DataFrame, cfg: TentCompositions) -> None:
    ns = range(1, max(cfg.network_depths) + 1)
    for name, color, marker, label in _looks(cfg):
        errors = pick(data, name, "error").clip(lower=1e-18)
        panel.plot(errors.index, errors, marker, color=color, label=f"{label}: network of $n$ layers")
        allowed = [rounding(name, n) for n in ns]
        panel.plot(ns, allowed, color=color, linewidth=1, label=f"{ROUNDINGS} roundings a unit, stretched")
    panel.set(xlabel="compositions $n$", ylabel="largest error of the deep network", yscale="log", ylim=(3e-19, 1e-5))
    panel.set_title("exact, but for rounding (0 is drawn at the bottom)", fontsize=10)
    panel.legend(fontsize=8)


def _shallow(panel: Axes, theory: pd.DataFrame, data: pd.DataFrame, cfg: TentCompositions) -> None:
    rows, known = data[data["quantity"] == "fresh mae"], theory[theory["quantity"] == "mean L1 bound"]
    for n, color, marker in zip(cfg.targets, cycle(figures.PALETTE), cycle(figures.MARKERS)):
        errors = rows[rows["compositions"] == n].groupby("width")["value"].agg(["mean", "min", "max"])
        bars = [errors["mean"] - errors["min"], errors["max"] - errors["mean"]]
        label = f"trained on $f^{{{n}}}$"
        panel.errorbar(
            errors.index, errors["mean"], bars, fmt=f"{marker}-", color=color, elinewidth=1, markersize=5, label=label
        )
        bounds = known[(known["compositions"] == n) & known["width"].isin(cfg.widths)].sort_values("width")
        panel.plot(bounds["width"], bounds["value"], marker, color=color, linestyle=":", markerfacecolor="none")
        floor = float(pick(theory, cfg.maps[0], "mae of a constant")[n])
        panel.axhline(floor, color=figures.BLACK, linewidth=1.2, label="best constant")
    panel.plot([], [], "o", color="0.4", linestyle=":", markerfacecolor="none", label="theorem's bound")
    panel.set(xlabel="units of the hidden layer", ylabel="mean absolute error on fresh points", xscale="log")
    panel.set_title("one hidden layer, trained (mean and range)", fontsize=10)
    panel.set_ylim(0, 1.4 * panel.get_ylim()[1])
    panel.set_xticks(sorted(cfg.widths), [str(width) for width in sorted(cfg.widths)])
    panel.minorticks_off()
    handles = {label: handle for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    panel.legend(list(handles.values()), list(handles), fontsize=8, loc="upper right", ncols=2)
