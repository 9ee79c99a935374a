"""One line in the plane of (sigma_b, sigma_w) separates order from chaos, and every activation has its own.

(Hayou, Doucet, Rousseau 2019, arXiv:1902.06853, and its slides: depth scales, phases, the edge of chaos.)

Claim      With q the limiting variance, chi_1 = sigma_w^2 E phi'(sqrt(q) Z)^2 is the slope of the correlation map at 1:
           below 1 all inputs become the same (ordered), above 1 none do (chaotic). On the edge chi_1 = 1, and the depth
           scale -1 / log f'(c*) is infinite. The slides print chi without its square and the depth scale without its
           inverse. ReLU's edge is the point (0, sqrt(2)); for sigma_w^2 > 2 its variance diverges, while correlation
           still tends to 1.
Measured   Random networks of finite width along a line of constant sigma_b: the variance and the correlation that two
           inputs end up with, and the factor by which a small difference of two inputs grows in a layer.
Deviates   The paper names the points and prints no such diagram; ranges and resolution are ours. A network is drawn
           layer by layer from its exact law given the layer before, so that no weight is stored. Of Swish's variance
           the limit from q = 1 is shown; on Swish's edge itself the variance repels, so the edge drawn over the diagram
           is not where the shown chi_1 crosses 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.colors import CenteredNorm, LogNorm, Normalize
from matplotlib.figure import Figure

from deepk import activations, figures
from deepk.gaussian import expectation
from deepk.lab.contract import Lab, Unit
from deepk.meanfield import EdgeOfChaos, MeanField, edge_of_chaos, propagate_pair
from deepk.meanfield.moments import homogeneous_slopes, second_moment
from experiments.eoc_phase_claims import claims
from experiments.published.edge_of_chaos import LIMITS, PHASE_POINTS, POINTS, EdgePoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.schema import Axis, EocPhase

__all__ = ["claims", "draw", "measure", "predict", "units"]

COLUMNS = ("activation", "sigma_w", "seed", "network", "variance", "correlation", "growth")
FIGURES = ("phase-diagram", "simulation")
KNOWN_DEVIATIONS: dict[str, str] = {}

# The growth of a small difference is measured while 1 - c is between these: large enough for float64 to tell the two
# inputs apart by eight digits, and small enough for the map to be linear; it starts between them.
SMALL, START_SMALL, LARGE = 1e-18, 1e-12, 1e-6
START = 0.5  # correlation from which the limit is approached

# --- theory -----------------------------------------------------------------------------------------------------------


def predict(cfg: EocPhase) -> pd.DataFrame:
    """The `grid` of the diagrams, the `edge` over it, the simulated `line`, its `curve`, and the points checked."""
    rows = [row for name in cfg.activations for row in _theory(cfg, name)]
    return pd.DataFrame([*rows, *_references()])


def _theory(cfg: EocPhase, name: str) -> Iterator[dict[str, object]]:
    second_moment(activations.get(name), 1.0)  # an error where it is infinite: then nothing below has a meaning
    for sigma_b, sigma_w in itertools.product(_ticks(cfg.sigma_b), _ticks(cfg.sigma_w)):
        yield _row("grid", name, sigma_b, sigma_w)
    for sigma_w in cfg.line_sigma_w:
        yield _line_row("line", cfg, name, sigma_w)
    for sigma_w in _ticks(cfg.sigma_w):
        yield _line_row("curve", cfg, name, sigma_w)
    for point in _edge(cfg, name):
        yield _edge_row("edge", name, point)


def _references() -> Iterator[dict[str, object]]:
    """Solved for at any scale and for any choice of activations: milliseconds, and exact."""
    for phase in PHASE_POINTS:
        yield _row("check", phase.activation, phase.sigma_b, phase.sigma_w)
    for reference in POINTS:
        yield _reference(reference)
    for name in LIMITS:
        yield _edge_row("limit", name, edge_of_chaos(name, sigma_b=0.0))


def _ticks(axis: Axis) -> list[float]:
    ticks: list[float] = np.linspace(axis.low, axis.high, axis.points).tolist()
    return ticks


def _row(kind: str, name: str, sigma_b: float, sigma_w: float) -> dict[str, object]:
    """The theory at one point; NaN for what has no meaning where the variance diverges or vanishes."""
    theory = MeanField(name, sigma_w=sigma_w, sigma_b=sigma_b)
    row: dict[str, object] = {"kind": kind, "activation": name, "sigma_b": sigma_b, "sigma_w": sigma_w}
    row |= {"phase": "diverging", "q": math.nan, "chi_1": math.nan, "correlation": math.nan, "depth_scale": math.nan}
    with suppress(ValueError):
        row["chi_1"] = theory.chi_1  # of ReLU also where its variance diverges
        row |= {"q": theory.limiting_variance(), "phase": theory.phase}
        row |= {"correlation": theory.limiting_correlation(), "depth_scale": theory.depth_scale()}
    return row


def _line_row(kind: str, cfg: EocPhase, name: str, sigma_w: float) -> dict[str, object]:
    """A point on the line where networks are simulated, with chi as the slides print it, sigma_w^2 E phi'(sqrt(q) Z).

    The correlation is that of the same layers as in the simulation, which near the edge are far from the limit; for
    ReLU it is known also where the variance diverges.
    """
    row = _row(kind, name, cfg.line_sigma_b, sigma_w)
    phi, theory = activations.get(name), MeanField(name, sigma_w=sigma_w, sigma_b=cfg.line_sigma_b)
    with suppress(ValueError):
        layers = theory.complements(START, cfg.simulation.depth - 1)
        row["correlation"] = 1 - float(layers[cfg.simulation.depth // 2 :].mean())
        scale = math.sqrt(theory.limiting_variance())
        kinks = [point / scale for point in phi.breaks]
        row["printed_chi"] = sigma_w**2 * expectation(lambda z: phi.derivative(scale * z), kinks=kinks)
    return row


def _edge(cfg: EocPhase, name: str) -> list[EdgeOfChaos]:
    """Points of the edge within the diagram: one for a homogeneous activation, none where there is no edge."""
    points = []
    steps = np.linspace(0, 1, cfg.edge_points) ** 2  # denser at small sigma_b, where the edge turns
    for sigma_b in (cfg.sigma_b.low + (cfg.sigma_b.high - cfg.sigma_b.low) * steps).tolist():
        try:
            points.append(edge_of_chaos(name, sigma_b=sigma_b))
        except ValueError:
            continue
    return points


def _reference(point: EdgePoint) -> dict[str, object]:
    by_q = point.given == "q"
    solved = (
        edge_of_chaos(point.activation, q=point.q) if by_q else edge_of_chaos(point.activation, sigma_b=point.sigma_b)
    )
    return _edge_row(f"reference-{point.given}", point.activation, solved)


def _edge_row(kind: str, name: str, point: EdgeOfChaos) -> dict[str, object]:
    theory = MeanField(name, sigma_w=point.sigma_w, sigma_b=point.sigma_b, q=point.q)
    row = {"kind": kind, "activation": name, "sigma_b": point.sigma_b, "sigma_w": point.sigma_w, "q": point.q}
    return row | {"phase": theory.phase, "chi_1": theory.chi_1, "beta_q": point.beta_q}


# --- measurement ------------------------------------------------------------------------------------------------------


def units(cfg: EocPhase) -> list[Unit]:
    """A batch of random networks for each activation, sigma_w and seed."""
    return [
        Unit({"activation": activation, "sigma_w": sigma_w, "seed": seed})
        for activation in cfg.activations
        for sigma_w in cfg.line_sigma_w
        for seed in cfg.seeds
    ]


def measure(cfg: EocPhase, unit: Unit, lab: Lab) -> pd.DataFrame:
    """A row for each network: variance and correlation in its second half, and the growth of a small difference."""
    name, sigma_w = str(unit.key["activation"]), float(unit.key["sigma_w"])
    generator = lab.generator(int(unit.key["seed"]), f"{name} {sigma_w}")
    try:
        q = MeanField(name, sigma_w=sigma_w, sigma_b=cfg.line_sigma_b).limiting_variance()
    except ValueError:
        q = 1.0
    size = cfg.simulation
    apart, near = (
        propagate_pair(
            name,
            sigma_w=sigma_w,
            sigma_b=cfg.line_sigma_b,
            q=q,
            c=c,
            width=size.width,
            depth=size.depth,
            networks=size.networks,
            generator=generator,
        )
        for c in (START, 1 - START_SMALL)
    )
    half = size.depth // 2
    difference = near.variance * near.complement  # half the mean square of the difference
    linear = (near.complement[:, 1:] > SMALL) & (near.complement[:, :-1] < LARGE)
    growth = (difference[:, 1:] / difference[:, :-1]).where(linear, math.nan)
    lab.progress()
    return pd.DataFrame(
        {
            "network": range(size.networks),
            "variance": apart.variance[:, half:].mean(dim=1),
            "correlation": 1 - apart.complement[:, half:].mean(dim=1),
            "growth": growth.nanmean(dim=1),
        }
    )


# --- figures ----------------------------------------------------------------------------------------------------------


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: EocPhase) -> dict[str, Figure]:
    """The diagrams, a row for each activation, and the simulated line, a column for each."""
    return {"phase-diagram": _diagrams(theory, cfg), "simulation": _simulation(theory, data, cfg)}


def _diagrams(theory: pd.DataFrame, cfg: EocPhase) -> Figure:
    rows = len(cfg.activations)
    figure = Figure(figsize=(10.5, 0.8 + 2.7 * rows))
    panels = figure.subplots(rows, 3, squeeze=False, sharex=True, sharey=True)
    for line, name in zip(panels, cfg.activations, strict=True):
        of = theory[theory["activation"] == name]
        grid, edge = of[of["kind"] == "grid"], of[of["kind"] == "edge"]
        table = {c: grid.pivot(index="sigma_w", columns="sigma_b", values=c) for c in ("chi_1", "depth_scale", "q")}
        _map(figure, line[0], table["chi_1"].transform(np.log2), r"$\log_2 \chi_1$", "RdBu_r", CenteredNorm(0, 1.5))
        _map(
            figure,
            line[1],
            table["depth_scale"].replace(math.inf, np.nan),
            r"depth scale $\xi_c$",
            "viridis",
            LogNorm(0.3, 100),
        )
        _map(figure, line[2], table["q"].replace(0.0, np.nan), "limiting variance $q$", "cividis", LogNorm(0.01, 100))
        for panel in line:
            _regions(panel, grid, edge, name)
        line[0].set_ylabel(f"{name}\n" + r"$\sigma_w$ (of $\sqrt{N} W$)")
    for panel in panels[-1]:
        panel.set_xlabel(r"$\sigma_b$ (standard deviation of the biases)")
    figures.corner_note(
        figure,
        f"theory; black: edge of chaos; grey: the variance diverges, or vanishes (sigma_b = 0); scale {cfg.scale}",
    )
    return figure


def _map(figure: Figure, panel: Axes, table: pd.DataFrame, label: str, cmap: str, norm: Normalize) -> None:
    panel.set_facecolor("0.75")
    mesh = panel.pcolormesh(table.columns, table.index, table, cmap=cmap, norm=norm, rasterized=True)
    figure.colorbar(mesh, ax=panel, label=label, extend="both")
    panel.grid(visible=False)


def _regions(panel: Axes, grid: pd.DataFrame, edge: pd.DataFrame, name: str) -> None:
    """The edge of chaos, and what the regions are called."""
    single = len(edge) == 1
    panel.plot(edge["sigma_b"], edge["sigma_w"], color=figures.BLACK, marker="o" if single else "", clip_on=False)
    for phase, rows in grid.groupby("phase"):
        text = str(phase)
        if phase == "diverging":
            text = "variance diverges"
            if homogeneous_slopes(activations.get(name)) is not None:
                text += ",\ncorrelation tends to 1"
        if len(rows) >= 0.06 * len(grid):
            box = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1.5}
            panel.text(
                rows["sigma_b"].median(), rows["sigma_w"].median(), text, ha="center", va="center", fontsize=8, bbox=box
            )


_QUANTITIES = (
    ("variance", "q", "variance $q$"),
    ("correlation", "correlation", "correlation $c$"),
    ("growth", "chi_1", r"growth of a small difference, $\chi_1$"),
)


def _simulation(theory: pd.DataFrame, data: pd.DataFrame, cfg: EocPhase) -> Figure:
    figure = Figure(figsize=(10.5, 3.9))
    panels = figure.subplots(1, 3)
    colors = dict(zip(cfg.activations, itertools.cycle(figures.PALETTE), strict=False))
    for panel, (measured, predicted, label) in zip(panels, _QUANTITIES, strict=True):
        for name, marker in zip(cfg.activations, itertools.cycle(figures.MARKERS), strict=False):
            on_line = theory["kind"].isin(["line", "curve"]) & (theory["activation"] == name)
            line = theory[on_line].sort_values("sigma_w")
            known = np.isfinite(line[predicted].to_numpy(dtype=float))
            panel.plot(line["sigma_w"][known], line[predicted][known], color=colors[name], label=f"{name}, theory")
            rows = data[data["activation"] == name]
            if measured == "variance":  # a diverging one has no limit to show
                rows = rows[rows["sigma_w"].isin(line["sigma_w"][known])]
            groups = rows.groupby("sigma_w")[measured]
            spread = np.stack([groups.median() - groups.quantile(0.05), groups.quantile(0.95) - groups.median()])
            panel.errorbar(
                groups.median().index,
                groups.median(),
                spread,
                fmt=marker,
                color=colors[name],
                label=f"{name}, networks",
                ms=4,
            )
        panel.set(xlabel=r"$\sigma_w$", ylabel=label)
    panels[0].set_yscale("log")
    panels[2].set_yscale("log")
    panels[2].axhline(1.0, color="0.5", linewidth=0.8)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    size = cfg.simulation
    count = size.networks * len(cfg.seeds)
    setting = f"{count} networks of width {size.width}, depth {size.depth}, second half: median, 5-95 %"
    figures.corner_note(figure, f"sigma_b = {cfg.line_sigma_b:g}; {setting}; scale {cfg.scale}")
    return figure
