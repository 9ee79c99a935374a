"""The figures of `memorization`, from its tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from deepk import figures
from deepk.figures import Series
from deepk.lab import where
from experiments.memorization import Config
from experiments.memorization.points import circle, shown, spiral
from experiments.memorization.run import Run, opened
from experiments.published.compositional_kernels import ARXIV

_FLOOR = 1e-4  # of the eigenvalues that are drawn
_TITLES = {"circle": "circle, $d = 2$: maximal packing", "sphere": "sphere, $d = 3$: spiral, nearly a packing"}


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Eigenvalues against depth; the minimal depth of uniform points; that of packings of the circle and the sphere."""
    run = opened(theory, data, cfg)
    drawn = {"eigenvalues": _eigenvalues(run), "minimal-depth": _minimal_depth(run), "packing": _packings(run)}
    settings = {
        "eigenvalues": "theory: Marchenko-Pastur edges above, Fourier sums below",
        "minimal-depth": f"uniform points, median and range of {len(cfg.seeds)} draws, centered activations",
        "packing": rf"$\kappa = {cfg.kappa:g}$, centered activations",
    }
    for name, figure in drawn.items():
        figures.note(figure, cfg, ARXIV, settings[name])
    return drawn


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


# --- eigenvalues ------------------------------------------------------------------------------------------------------


def _eigenvalues(run: Run) -> Figure:
    """All eigenvalues against depth: uniform points above, the circle below, an activation in each column."""
    cfg = run.cfg
    columns = len(cfg.activations)
    figure, panels = figures.panels(2, columns, size=(2.8 + 1.2 / columns, 3.2), sharey="row")
    above, below = panels[:columns], panels[columns:]
    for row, arrangement in ((above, "uniform"), (below, "circle")):
        for panel, name in zip(row, cfg.activations, strict=True):
            _spectrum(panel, run, arrangement, name)
    titles = (
        f"small correlation\n{cfg.size} uniform points, $d = {cfg.dimension}$",
        f"large correlation\n{cfg.circle_shown} points on the circle",
    )
    for row, title in zip((above, below), titles, strict=True):
        row[0].set_ylabel(f"{title}\neigenvalues of $K^{{(L)}}$")
    for upper, lower, name in zip(above, below, cfg.activations, strict=True):
        upper.set_title(f"centered {_short(name)}")
        lower.set_xlabel("depth $L$")
    figures.shared_legend(figure, panels[:1], columns=min(7, 2 * columns))
    return figure


def _spectrum(panel: Axes, run: Run, arrangement: str, name: str) -> None:
    """Measured quantiles of one kernel's eigenvalues, theory's ends of them, and the depth that memorizes."""
    kappa = run.cfg.kappa
    panel.axhspan(1 - kappa, 1 + kappa, color=figures.GREEN, alpha=0.15, linewidth=0, label=r"$1 \pm \kappa$")
    known, found = (run.curve(table, arrangement, name) for table in (run.theory, run.data))
    for level, label in ((0.0, "theory"), (1.0, None)):
        line = known[level].where(known[level] > _FLOOR)
        panel.plot(line.index, line, color=figures.BLACK, linewidth=1.2, label=label)
    low, high = (found[level].clip(lower=_FLOOR) for level in (0.25, 0.75))
    panel.fill_between(found.index, low, high, color=figures.BLUE, alpha=0.35, linewidth=0, label="quartiles")
    for level, marker, label in ((1.0, "v", "largest"), (0.5, "_", "median"), (0.0, "^", "smallest")):
        values = found[level].where(found[level] > _FLOOR)
        panel.plot(values.index, values, marker, color=figures.BLUE, markersize=5, label=label)
    _mark_minimal_depth(panel, run, arrangement, name)
    panel.set(xscale="log", yscale="log")
    panel.set_xlim(0.85, 1.15 * found.index[-1])
    _plain(panel.xaxis)
    _plain(panel.yaxis)


def _mark_minimal_depth(panel: Axes, run: Run, arrangement: str, name: str) -> None:
    """The depth that memorizes the points that are drawn, which are those of the first seed, where it was measured."""
    n, d = shown(run.cfg, arrangement)
    at = {"arrangement": arrangement, "activation": name, "quantity": "minimal depth", "n": n, "d": d}
    at |= {"kappa": run.cfg.kappa, "seed": run.cfg.seeds[0]}
    found = where(run.data, **at)["value"]
    if found.empty:
        return
    depth = float(found.iloc[0])
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


# --- minimal depth of uniform points ----------------------------------------------------------------------------------


def _minimal_depth(run: Run) -> Figure:
    """Against n, d and kappa: in layers above, below in units of 1 / log a_1^-2, in which all activations agree."""
    figure, panels = figures.panels(2, 3, size=(3.7, 3.6), sharey="row", sharex="col")
    n, d, kappa = run.cfg.size, run.cfg.dimension, run.cfg.kappa
    sweeps: list[tuple[str, str, dict[str, float]]] = [
        ("n", f"number of points $n$ ($d = {d}$, $\\kappa = {kappa:g}$)", {"d": d, "kappa": kappa}),
        ("d", f"dimension $d$ ($n = {n}$, $\\kappa = {kappa:g}$)", {"n": n, "kappa": kappa}),
        ("kappa", f"$\\kappa$ ($n = {n}$, $d = {d}$)", {"n": n, "d": d}),
    ]
    for above, below, (x, label, at) in zip(panels[:3], panels[3:], sweeps, strict=True):
        for look in figures.series(run.cfg.activations):
            _sweep(above, below, run, look, x, at)
        cases = where(run.known("uniform", run.cfg.activations[0]), **at).sort_values(x)
        _universal(below, cases, x)
        above.set(xscale="log", yscale="log")
        below.set(xscale="log", xlabel=label)
        below.xaxis.set_major_locator(FixedLocator(sorted(set(cases[x]))))
        below.xaxis.set_minor_locator(NullLocator())
        below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panels[0].set_ylabel("minimal depth $L$")
    _plain(panels[0].yaxis)
    panels[3].set_ylabel(r"$L \, \log a_1^{-2}$")
    panels[3].set_ylim(bottom=0)
    figures.shared_legend(figure, (panels[0], panels[3]))
    return figure


def _sweep(above: Axes, below: Axes, run: Run, look: Series, x: str, at: dict[str, float]) -> None:
    """Median and range of the draws of one activation, in layers beside the prediction, and in its own unit."""
    name = _short(look.name)
    rows = where(run.data, arrangement="uniform", activation=look.name, quantity="minimal depth", **at)
    contraction = -math.log(run.constants(look.name)["a_1_squared"])
    marks = look._replace(name=f"{name}, measured")
    figures.measured(above, rows, x, "value", marks, middle="median")
    figures.measured(below, rows.assign(value=rows["value"] * contraction), x, "value", marks, middle="median")
    known = where(run.known("uniform", look.name), **at).sort_values(x)
    above.plot(known[x], known["marchenko_pastur"], color=look.color, label=f"{name}, Marchenko-Pastur")


def _universal(panel: Axes, cases: pd.DataFrame, x: str) -> None:
    """The bounds and the prediction in units of 1 / log a_1^-2, without the layer that rounding up adds."""
    n, kappa, g = cases["n"], cases["kappa"], cases["n"] / cases["d"]
    crowding = np.log(n) / cases["d"]
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


def _packings(run: Run) -> Figure:
    """Points, and the minimal depth against their number for each activation: circle above, sphere below."""
    cfg = run.cfg
    columns = 1 + len(cfg.activations)
    shape = {"width_ratios": [0.8] + [1.0] * len(cfg.activations)}
    width = (3.4 + 2.7 * len(cfg.activations)) / columns
    figure, panels = figures.panels(2, columns, size=(width, 3.3), gridspec_kw=shape)
    pictures = circle(cfg.circle[0] if len(cfg.circle) < 3 else cfg.circle[2]), spiral(cfg.sphere[-1])
    rows = (panels[:columns], panels[columns:])
    for (picture, *row), arrangement, points in zip(rows, ("circle", "sphere"), pictures, strict=True):
        _picture(picture, points, _TITLES[arrangement])
        for panel, look in zip(row, figures.series(cfg.activations), strict=True):
            if panel is not row[0]:
                panel.sharey(row[0])
            _packing(panel, run, arrangement, look)
        row[0].set_ylabel("minimal depth $L$")
    for upper, lower, name in zip(rows[0][1:], rows[1][1:], cfg.activations, strict=True):
        upper.set_title(f"centered {_short(name)}")
        lower.set_xlabel("number of points $n$")
    figures.shared_legend(figure, panels[1:2])
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


def _packing(panel: Axes, run: Run, arrangement: str, look: Series) -> None:
    """Measured depths of one activation on one packing, between the later bounds."""
    known = run.known(arrangement, look.name).sort_values("n")
    low = known["later_low"].clip(lower=1)
    panel.fill_between(known["n"], low, known["later_high"], color="0.5", alpha=0.15, linewidth=0, label="later bounds")
    panel.plot(known["n"], known["slides"], color="0.4", linestyle="--", label="slides, up to a constant factor")
    if arrangement == "circle":
        panel.plot(known["n"], known["fourier"], color=figures.BLACK, label="theory: Fourier sums")
    cases = run.cases(arrangement, look.name)
    panel.plot(
        cases["n"], cases["depth"], look.marker, color=look.color, markersize=6, label="eigenvalues of the matrix"
    )
    panel.set(xscale="log", yscale="log")
    _plain(panel.xaxis)
