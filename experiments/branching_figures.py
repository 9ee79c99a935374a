"""The figures of `branching`, from its tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from deepk import figures
from experiments.branching_claims import SIGMA, TAIL_CONSTANT, Run
from experiments.published.edge_of_chaos import RELU_RATE

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer

    from experiments.schema import Branching

NO_LIMIT = "none grows with a finite mean"
DRAWN = 60  # generations of the panel of extinction
UNDRAWN = 1e-6  # the share that is too rare for a run to see


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Branching) -> dict[str, Figure]:
    """Paths, the limit and its transform, extinction, generating functions, and numbers of children."""
    run = Run(theory, data, cfg)
    found = {
        "sample-paths": _paths(run),
        "martingale-limit": _distributions(run),
        "laplace-transform": _transforms(run),
        "extinction": _extinction(run),
        "generating-functions": _generating(run),
        "offspring": _offspring(run),
    }
    processes = f"{cfg.paths * len(cfg.seeds)} processes"
    draws = f"{cfg.offspring * len(cfg.seeds)} individuals"
    for name, figure in found.items():
        of = {"sample-paths": f"{cfg.shown_paths} processes", "generating-functions": draws, "offspring": draws}
        figures.corner_note(figure, f"{of.get(name, processes)} of each law; scale {cfg.scale}")
    return found


def _all(run: Run) -> list[str]:
    return [str(law) for law in run.theory["law"].unique()]


def _growing(run: Run) -> list[str]:
    """Laws with a martingale limit."""
    return [law for law in _all(run) if len(run.line(law, "limit"))]


def _styles(laws: list[str]) -> list[tuple[str, str, str]]:
    """Each law with a colour and a marker, a pair of its own for up to 49 laws."""
    many = len(figures.PALETTE)
    return [(law, figures.PALETTE[i % many], figures.MARKERS[(i + i // many) % many]) for i, law in enumerate(laws)]


def _grid(count: int, width: float, height: float, xlabel: str) -> tuple[Figure, list[Axes]]:
    """Panels with common axes, in rows of four, or of three where that leaves no gap."""
    columns = max(1, min(count, 3 if count % 3 == 0 and count % 4 else 4))
    rows = max(1, math.ceil(count / columns))
    figure = Figure(figsize=(1 + width * columns, 1 + height * rows))
    panels = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
    for panel in panels[count:]:
        panel.axis("off")
    for panel in panels[max(0, count - columns) : count]:
        panel.xaxis.set_tick_params(labelbottom=True)
        panel.set_xlabel(xlabel)
    return figure, panels[:count]


def _with_interval(panel: Axes, x: str, rows: pd.DataFrame, color: str, marker: str, label: str) -> None:
    """Means with the 99.9 % interval of their own variance, which for a share is the binomial one."""
    width = SIGMA * np.sqrt((rows["mean_square"] - rows["mean"] ** 2).clip(lower=0) / rows["count"])
    panel.errorbar(rows[x], rows["mean"], width, fmt=marker, color=color, markersize=4, elinewidth=0.8, label=label)


def _simulated(panel: Axes, what: str) -> ErrorbarContainer:
    return panel.errorbar([], [], [], fmt="o", color="0.4", label=f"simulated {what}, 99.9 % interval")


def _theory(panel: Axes, what: str) -> Artist:
    return panel.plot([], [], color="0.4", label=f"theory: {what}")[0]


def _limit(panel: Axes, what: str) -> Artist:
    return panel.plot([], [], color="0.4", linestyle="--", linewidth=0.8, label=what)[0]


# --- paths ------------------------------------------------------------------------------------------------------------


def _paths(run: Run) -> Figure:
    laws = _all(run)
    figure, panels = _grid(len(laws), 2.6, 2.0, "generation $l$")
    paths = run.data[run.data["quantity"] == "path"]
    last = int(paths["generation"].max()) if len(paths) else 1
    largest = float(paths.loc[np.isfinite(paths["mean"]), "mean"].max()) if len(paths) else 1.0
    powers = [100.0**k for k in range(1, 9) if 100.0**k <= 3 * largest]
    for panel, law in zip(panels, laws, strict=True):
        for _, path in paths[paths["law"] == law].groupby("at"):
            alive = path[np.isfinite(path["mean"])]
            panel.plot(alive["generation"], alive["mean"], color=figures.SKY, linewidth=0.9, marker=".", markersize=3)
            ended = path[path["mean"] == 0]
            panel.plot(ended["generation"], ended["mean"], "x", color=figures.VERMILION, markersize=5)
        mu = run.constant(law, "mu")
        mean = mu ** np.arange(last + 1.0) if math.isfinite(mu) else np.empty(0)
        mean = mean[mean <= 2 * largest]
        panel.plot(np.arange(len(mean)), mean, color=figures.BLACK, linewidth=1.4)
        mean_is = rf"$\mu = {mu:.4g}$" if math.isfinite(mu) else r"$\mu = \infty$: left when large"
        panel.set_title(f"{law}, {mean_is}", fontsize=9)
        panel.set_yscale("symlog", linthresh=1, linscale=0.5)
        panel.set(xlim=(0, last), ylim=(-0.3, 3 * largest))
        panel.set_yticks([0, 1, *powers], ["0", "1", *(f"$10^{{{round(math.log10(z))}}}$" for z in powers)])
        panel.minorticks_off()
    panels[0].plot([], [], color=figures.SKY, marker=".", label="sample paths")
    panels[0].plot([], [], "x", color=figures.VERMILION, label="extinct")
    panels[0].plot([], [], color=figures.BLACK, label=r"theory: mean $\mu^l$")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    figure.supylabel("$Z_l$, individuals in generation $l$ (linear below 1)", fontsize=10)
    return figure


# --- the martingale limit ---------------------------------------------------------------------------------------------


def _distributions(run: Run) -> Figure:
    laws = _growing(run)
    figure, panels = _grid(len(laws), 2.7, 2.1, "$x$")
    for panel, law in zip(panels, laws, strict=True):
        xi, line = run.constant(law, "xi"), run.line(law, "distribution")
        panel.plot(line["at"], line["value"], color=figures.BLACK, label=r"theory: $P(W \leq x)$")
        panel.plot(
            [0], [xi], "o", color=figures.BLACK, markerfacecolor="white", zorder=4, label=r"atom $\xi = P(W = 0)$"
        )
        measured = run.beside(law, "distribution")
        depths = sorted(measured["generation"].unique())
        looks = zip(depths, (figures.SKY, figures.ORANGE, figures.VERMILION), figures.MARKERS, strict=False)
        for depth, color, marker in looks:
            rows = measured[measured["generation"] == depth]
            _with_interval(panel, "at", rows, color, marker, f"$L = {depth:.0f}$")
        panel.set_title(f"{law}, $\\xi = {xi:.4g}$", fontsize=9)
        handles = panel.get_legend_handles_labels()
        kept = [(h, name) for h, name in zip(*handles, strict=True) if name.startswith("$L")]
        panel.legend(*zip(*kept, strict=True), loc="lower right", fontsize=7, handletextpad=0.2)
        panel.set(xlim=(-0.1, 5.1), ylim=(-0.03, 1.03))
    figure.supylabel(r"$P(Z_L / \mu^L \leq x)$", fontsize=10)
    if not panels:
        figure.text(0.5, 0.5, NO_LIMIT, ha="center")
        return figure
    drawn = zip(*panels[0].get_legend_handles_labels(), strict=True)
    common = [handle for handle, name in drawn if not name.startswith("$L")]
    figure.legend(handles=[*common, _simulated(panels[0], "share")], loc="outside upper center", ncols=len(common) + 1)
    return figure


def _transforms(run: Run) -> Figure:
    laws = _growing(run)
    figure = Figure(figsize=(9.5, 4.4))
    panels = list(figure.subplots(1, 2, sharey=True))
    named = [law for law in laws if "(" in law]
    groups = ([law for law in laws if law not in named], named)
    for panel, group, title in zip(panels, groups, ("activations", "laws"), strict=True):
        for law, color, marker in _styles(group):
            line = run.line(law, "limit")
            panel.plot(line["at"], line["value"], color=color)
            rows = run.beside(law, "laplace")
            rows = rows[rows["generation"] == rows["generation"].max()]
            panel.axhline(run.constant(law, "xi"), color=color, linestyle="--", linewidth=0.8)
            label = f"{law}, $L = {rows['generation'].max():.0f}$"
            _with_interval(panel, "at", rows, color, marker, label)
        panel.set(title=title, xscale="log", xlabel="$t$", xlim=(0.045, 22), ylim=(-0.03, 1.03))
        if group:
            panel.legend(loc="lower left", bbox_to_anchor=(0, 0.28 if group is named else 0.02), fontsize=8)
        else:
            panel.text(0.5, 0.5, NO_LIMIT, ha="center", transform=panel.transAxes)
    panels[0].set_ylabel(r"$E\,\exp(-t\,Z_L/\mu^L)$")
    panel = panels[0]
    key = [_theory(panel, r"$\phi(t) = E\,e^{-tW}$"), _limit(panel, r"$\xi = \phi(\infty)$"), _simulated(panel, "mean")]
    figure.legend(handles=key, loc="outside upper center", ncols=3)
    return figure


# --- extinction -------------------------------------------------------------------------------------------------------


def _extinction(run: Run) -> Figure:
    figure = Figure(figsize=(11.0, 4.6))
    left, right = figure.subplots(1, 2)
    mortal = [law for law in _all(run) if run.constant(law, "xi") > 0]
    mortal.sort(key=lambda law: run.constant(law, "xi") < 1)  # first those of both panels, in colours of their own
    for law, color, marker in _styles(mortal):
        line, rows = run.line(law, "alive"), run.beside(law, "alive")
        early = line[line["generation"] <= DRAWN]
        left.plot(early["generation"], 1 - early["value"], color=color)
        shown = rows[rows["generation"] <= DRAWN].assign(mean=lambda table: 1 - table["mean"])
        shown["mean_square"] = shown["mean"]
        _with_interval(left, "generation", shown, color, marker, law)
        if run.constant(law, "xi") < 1:
            left.axhline(run.constant(law, "xi"), color=color, linestyle="--", linewidth=0.8)
        else:
            _survival(right, line[line["generation"] > 0], rows, color, marker, law)
    _asymptotes(right, run)
    left.set(xlabel="generation $l$", ylabel="$P(Z_l = 0)$, extinct", xlim=(0, DRAWN), ylim=(-0.02, 1.02))
    right.set(
        xscale="log", yscale="log", xlabel="generation $l$", ylabel="$P(Z_l > 0)$, not extinct", ylim=(UNDRAWN, 2)
    )
    if mortal:
        left.legend(loc="center right", bbox_to_anchor=(1, 0.42), ncols=2, fontsize=8)
    if right.lines:
        right.legend(loc="lower left", fontsize=8)
    key = [_theory(left, r"$G \circ \cdots \circ G\,(0)$"), _limit(left, r"its limit $\xi$"), _simulated(left, "share")]
    figure.legend(handles=key, loc="outside upper center", ncols=3)
    return figure


def _survival(panel: Axes, line: pd.DataFrame, rows: pd.DataFrame, color: str, marker: str, law: str) -> None:
    """On logarithmic axes, and the markers as long as some process is alive."""
    panel.plot(line["generation"], line["value"], color=color)
    seen = rows[rows["mean"] * rows["count"] > SIGMA**2]  # where the interval does not hold 0
    _with_interval(panel, "generation", seen, color, marker, law)


def _asymptotes(panel: Axes, run: Run) -> None:
    last = run.theory.loc[run.theory["quantity"] == "alive", "generation"].max()
    x = np.geomspace(max(1, last / 30), last, 50)
    for law, asymptote, label in (
        ("relu", RELU_RATE / x**2, r"$9\pi^2 / 2 l^2$ (relu)"),
        ("geometric(0.5)", 1 / (x + 1), "$1 / (l + 1)$ (geometric(0.5))"),
    ):
        if law in _all(run):
            panel.plot(x, asymptote, color=figures.BLACK, linestyle=":", linewidth=1.5, zorder=3, label=label)


# --- one individual ---------------------------------------------------------------------------------------------------


def _kinds(run: Run) -> list[tuple[str, list[str]]]:
    laws = _all(run)
    named = [law for law in laws if "(" in law]
    centered = [law for law in laws if law.startswith("centered ")]
    rest = [law for law in laws if law not in named and law not in centered]
    kinds = [("activations", rest), ("centered activations", centered), ("laws", named)]
    return [(title, group) for title, group in kinds if group]


def _generating(run: Run) -> Figure:
    kinds = _kinds(run)
    figure = Figure(figsize=(1 + 3.5 * len(kinds), 4.2))
    for panel, (title, group) in zip(figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0], kinds, strict=True):
        for law, color, marker in _styles(group):
            line, rows, xi = run.line(law, "generating"), run.beside(law, "generating"), run.constant(law, "xi")
            panel.plot(line["at"], line["value"], color=color)
            _with_interval(panel, "at", rows, color, marker, law)
            panel.plot([xi], [xi], "o", color=color, markerfacecolor="white", markersize=8, zorder=4, clip_on=False)
        panel.plot([0, 1], [0, 1], color="0.6", linestyle=":")
        panel.set(title=title, xlabel="$s$", xlim=(0, 1), ylim=(0, 1))
        panel.legend(loc="lower right" if title == "activations" else "upper left", fontsize=8)
    figure.axes[0].set_ylabel("$G(s) = E\\,s^Y$")
    panel = figure.axes[0]
    key = [
        _theory(panel, "$G(s)$"),
        _simulated(panel, "mean of $s^Y$"),
        panel.plot([], [], "o", color="0.4", markerfacecolor="white", markersize=8, label=r"fixed point $\xi$")[0],
    ]
    figure.legend(handles=key, loc="outside upper center", ncols=3)
    return figure


def _offspring(run: Run) -> Figure:
    kinds = _kinds(run)
    figure = Figure(figsize=(1 + 3.5 * len(kinds), 4.2))
    for panel, (title, group) in zip(figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0], kinds, strict=True):
        for law, color, marker in _styles(group):
            line, rows = run.line(law, "at least"), run.beside(law, "at least")
            positive = line[line["value"] > 0]
            panel.plot(positive["at"], positive["value"], color=color)
            seen = rows[rows["mean"] * rows["count"] > SIGMA**2]
            _with_interval(panel, "at", seen, color, marker, law)
        if "relu" in group:
            k = np.geomspace(16, 1024, 20)
            panel.plot(k, TAIL_CONSTANT * k**-1.5, color=figures.BLACK, linestyle=":", linewidth=1.5, zorder=3)
            panel.plot([], [], color=figures.BLACK, linestyle=":", label=r"$(2/\pi)^{3/2} / (6 k^{3/2})$")
        panel.set(title=title, xscale="log", yscale="log", xlabel="$k$", ylim=(UNDRAWN, 2), xlim=(0.9, 1200))
        panel.legend(loc="upper right", fontsize=8)
    figure.axes[0].set_ylabel(r"$P(Y \geq k)$, at least $k$ children")
    panel = figure.axes[0]
    key = [_theory(panel, r"$\sum_{j \geq k} a_j^2$"), _simulated(panel, "share")]
    figure.legend(handles=key, loc="outside upper center", ncols=2)
    return figure
