"""The figures of `memorization`."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from deepk import figures
from experiments.memorization_claims import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from experiments.schema import Memorization

_FLOOR = 1e-4  # of the eigenvalues that are drawn
_TITLES = {"circle": "circle, $d = 2$: maximal packing", "sphere": "sphere, $d = 3$: spiral, nearly a packing"}


def _plain(axis: Axis) -> None:
    """A logarithmic axis in plain numbers, labelled at 1, 2, 5 where it is short."""
    axis.set_major_locator(LogLocator(subs=(1.0,) if _decades(axis) > 1.7 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _decades(axis: Axis) -> float:
    low, high = axis.get_view_interval()
    return math.log10(high / low)


def _short(name: str) -> str:
    """A user's own activation without its module."""
    return name.rpartition(":")[2]


def _looks(names: list[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each activation."""
    looks = zip(cycle(figures.PALETTE), cycle(figures.MARKERS), strict=False)
    return dict(zip(names, looks, strict=False))


# --- eigenvalues ------------------------------------------------------------------------------------------------------


def eigenvalue_figure(theory: pd.DataFrame, data: pd.DataFrame, cfg: Memorization) -> Figure:
    """All eigenvalues against depth: uniform points above, the circle below, an activation in each column."""
    run = Run(theory, data, cfg)
    figure = Figure(figsize=(1.2 + 2.8 * len(cfg.activations), 6.4))
    panels = figure.subplots(2, len(cfg.activations), squeeze=False, sharey="row")
    for row, arrangement in zip(panels, ("uniform", "circle"), strict=True):
        for panel, name in zip(row, cfg.activations, strict=True):
            _eigenvalues(panel, run, arrangement, name)
    below = f"large correlation\n{cfg.circle_shown} points on the circle"
    above = f"small correlation\n{cfg.size} uniform points, $d = {cfg.dimension}$"
    for row, title in zip(panels, (above, below), strict=True):
        row[0].set_ylabel(f"{title}\neigenvalues of $K^{{(L)}}$")
    for panel, name in zip(panels[0], cfg.activations, strict=True):
        panel.set_title(f"centered {_short(name)}")
    for panel in panels[1]:
        panel.set_xlabel("depth $L$")
    figure.legend(
        *panels[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=min(7, 2 * len(cfg.activations))
    )
    figures.corner_note(figure, f"theory: Marchenko-Pastur edges above, Fourier sums below; scale {cfg.scale}")
    return figure


def _eigenvalues(panel: Axes, run: Run, arrangement: str, name: str) -> None:
    kappa = run.cfg.kappa
    panel.axhspan(1 - kappa, 1 + kappa, color=figures.GREEN, alpha=0.15, linewidth=0, label=r"$1 \pm \kappa$")
    known, measured = (run.curve(table, arrangement, name) for table in (run.theory, run.data))
    for level, label in ((0.0, "theory"), (1.0, None)):
        line = known[level].where(known[level] > _FLOOR)
        panel.plot(line.index, line, color=figures.BLACK, linewidth=1.2, label=label)
    low, high = (measured[level].clip(lower=_FLOOR) for level in (0.25, 0.75))
    panel.fill_between(measured.index, low, high, color=figures.BLUE, alpha=0.35, linewidth=0, label="quartiles")
    for level, marker, label in ((1.0, "v", "largest"), (0.5, "_", "median"), (0.0, "^", "smallest")):
        values = measured[level].where(measured[level] > _FLOOR)
        panel.plot(values.index, values, marker, color=figures.BLUE, markersize=5, label=label)
    shown = (run.cfg.size, run.cfg.dimension) if arrangement == "uniform" else (run.cfg.circle_shown, 2)
    depth = _minimal_depth(run, arrangement, name, *shown)
    if depth is not None:
        panel.axvline(depth, color=figures.VERMILION, linewidth=1.2, linestyle=":", label="minimal depth")
        panel.annotate(
            f"$L = {depth:g}$",
            (depth, 0.02),
            xycoords=("data", "axes fraction"),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            color=figures.VERMILION,
            fontsize=9,
        )
    panel.set(xscale="log", yscale="log")
    panel.set_xlim(0.85, 1.15 * measured.index[-1])
    _plain(panel.xaxis)
    _plain(panel.yaxis)


def _minimal_depth(run: Run, arrangement: str, name: str, n: int, d: int) -> float | None:
    """Of the points that are drawn: those of the first seed."""
    rows = run.rows(run.data, arrangement, name, "minimal depth")
    found = rows[(rows["n"] == n) & (rows["d"] == d) & (rows["kappa"] == run.cfg.kappa)]
    found = found[found["seed"] == run.cfg.seeds[0]]
    return None if found.empty else float(found["value"].iloc[0])


# --- minimal depth of uniform points ----------------------------------------------------------------------------------


def minimal_depth_figure(theory: pd.DataFrame, data: pd.DataFrame, cfg: Memorization) -> Figure:
    """Against n, d and kappa: in layers above, below in units of 1 / log a_1^-2, in which all activations agree."""
    run = Run(theory, data, cfg)
    figure = Figure(figsize=(11, 7.2))
    panels = figure.subplots(2, 3, sharey="row", sharex="col")
    n, d, kappa = cfg.size, cfg.dimension, cfg.kappa
    sweeps: list[tuple[str, str, Callable[[pd.DataFrame], Any]]] = [
        (
            "n",
            f"number of points $n$ ($d = {d}$, $\\kappa = {kappa:g}$)",
            lambda t: (t["d"] == d) & (t["kappa"] == kappa),
        ),
        ("d", f"dimension $d$ ($n = {n}$, $\\kappa = {kappa:g}$)", lambda t: (t["n"] == n) & (t["kappa"] == kappa)),
        ("kappa", f"$\\kappa$ ($n = {n}$, $d = {d}$)", lambda t: (t["n"] == n) & (t["d"] == d)),
    ]
    for (above, below), (x, label, chosen) in zip(panels.T, sweeps, strict=True):
        for name, (color, marker) in _looks(list(cfg.activations)).items():
            cases = run.cases("uniform", name)
            cases = cases[chosen(cases)].sort_values(x)
            contraction = -math.log(run.constants(name)["a_1_squared"])
            bars = np.stack([cases["depth"] - cases["least"], cases["most"] - cases["depth"]])
            style = {"fmt": marker, "color": color, "markersize": 5, "elinewidth": 1}
            above.errorbar(cases[x], cases["depth"], bars, label=f"{_short(name)}, measured", **style)
            above.plot(cases[x], cases["marchenko_pastur"], color=color, label=f"{_short(name)}, Marchenko-Pastur")
            below.errorbar(cases[x], cases["depth"] * contraction, bars * contraction, **style)
        if not cases.empty:
            _universal(below, cases, x)
        above.set(xscale="log", yscale="log")
        below.set(xscale="log", xlabel=label)
        below.xaxis.set_major_locator(FixedLocator(sorted(set(cases[x]))))
        below.xaxis.set_minor_locator(NullLocator())
        below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panels[0, 0].set_ylabel("minimal depth $L$")
    _plain(panels[0, 0].yaxis)
    panels[1, 0].set_ylabel(r"$L \, \log a_1^{-2}$")
    panels[1, 0].set_ylim(bottom=0)
    (marks, names), (bounds, kinds) = (panel.get_legend_handles_labels() for panel in panels[:, 0])
    figure.legend([*marks, *bounds], [*names, *kinds], loc="outside upper center", ncols=4)
    note = f"uniform points, median and range of {len(cfg.seeds)} draws, centered activations; scale {cfg.scale}"
    figures.corner_note(figure, note)
    return figure


def _universal(panel: Axes, cases: pd.DataFrame, x: str) -> None:
    """The bounds and the prediction in units of 1 / log a_1^-2, without the layer that rounding up adds."""
    n, crowding, kappa, g = cases["n"], cases["crowding"], cases["kappa"], cases["n"] / cases["d"]
    low = np.log(crowding) / 2 + np.log(0.5 / kappa)
    high = np.log(crowding) + 2 * np.log(3 * n / kappa)
    panel.fill_between(
        cases[x], low.clip(lower=0), high, color="0.5", alpha=0.15, linewidth=0, label="later bounds, lower and upper"
    )
    slides = np.log(n / kappa) + np.log(crowding)
    panel.plot(cases[x], slides, color="0.4", linestyle="--", label="slides, up to a constant factor")
    prediction = np.log((2 * np.sqrt(g) + g) / kappa)
    panel.plot(cases[x], prediction, color=figures.BLACK, label=r"$\log((2\sqrt{g} + g)/\kappa)$, $g = n/d$")


# --- packings ---------------------------------------------------------------------------------------------------------


def packing_figure(
    theory: pd.DataFrame, data: pd.DataFrame, cfg: Memorization, pictures: tuple[Float[np.ndarray, "_ _"], ...]
) -> Figure:
    """Points, and the minimal depth against their number for each activation: circle above, sphere below."""
    run = Run(theory, data, cfg)
    figure = Figure(figsize=(3.4 + 2.7 * len(cfg.activations), 6.6))
    shape = {"width_ratios": [0.8] + [1.0] * len(cfg.activations)}
    panels = figure.subplots(2, 1 + len(cfg.activations), squeeze=False, gridspec_kw=shape)
    for row, arrangement, points in zip(panels, ("circle", "sphere"), pictures, strict=True):
        _picture(row[0], points, _TITLES[arrangement])
        for panel, name in zip(row[1:], cfg.activations, strict=True):
            if panel is not row[1]:
                panel.sharey(row[1])
            _packing(panel, run, arrangement, name)
        row[1].set_ylabel("minimal depth $L$")
    for panel, name in zip(panels[0, 1:], cfg.activations, strict=True):
        panel.set_title(f"centered {_short(name)}")
    for panel in panels[1, 1:]:
        panel.set_xlabel("number of points $n$")
    figure.legend(*panels[0, 1].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    figures.corner_note(figure, rf"$\kappa = {cfg.kappa:g}$; scale {cfg.scale}")
    return figure


def _picture(panel: Axes, points: Float[np.ndarray, "n d"], title: str) -> None:
    """The points from above, those of the far side of a sphere pale."""
    angle = np.linspace(0, 2 * np.pi, 200)
    panel.plot(np.cos(angle), np.sin(angle), color="0.7", linewidth=1)
    far = points[:, 2] < 0 if points.shape[1] == 3 else np.zeros(len(points), dtype=bool)
    for side, alpha in ((far, 0.2), (~far, 1.0)):
        panel.plot(*points[side, :2].T, "o", color=figures.BLUE, markersize=3, alpha=alpha)
    panel.set_aspect("equal")
    panel.set_axis_off()
    panel.set_title(title.replace(": ", ":\n"), fontsize=9)


def _packing(panel: Axes, run: Run, arrangement: str, name: str) -> None:
    known = run.known(arrangement, name).sort_values("n")
    low = known["later_low"].clip(lower=1)
    panel.fill_between(known["n"], low, known["later_high"], color="0.5", alpha=0.15, linewidth=0, label="later bounds")
    panel.plot(known["n"], known["slides"], color="0.4", linestyle="--", label="slides, up to a constant factor")
    if arrangement == "circle":
        panel.plot(known["n"], known["fourier"], color=figures.BLACK, label="theory: Fourier sums")
    color, marker = _looks(list(run.cfg.activations))[name]
    cases = run.cases(arrangement, name)
    panel.plot(cases["n"], cases["depth"], marker, color=color, markersize=6, label="eigenvalues of the matrix")
    panel.set(xscale="log", yscale="log")
    _plain(panel.xaxis)
