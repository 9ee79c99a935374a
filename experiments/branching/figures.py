"""The figures of `branching`, from its tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from deepk import figures
from deepk.figures import Series
from deepk.lab import where
from experiments.branching import SIGMA, TAIL_CONSTANT, Config
from experiments.branching.averages import Run
from experiments.published.compositional_kernels import ARXIV
from experiments.published.edge_of_chaos import RELU_RATE

NO_LIMIT = "none grows with a finite mean"
DRAWN = 60  # generations of the panel of extinction
UNDRAWN = 1e-6  # the share that is too rare for a run to see


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Paths, the limit and its transform, extinction, generating functions, and numbers of children."""
    run = Run(theory, data, cfg)
    drawn = {
        "sample-paths": _paths(run),
        "martingale-limit": _distributions(run),
        "laplace-transform": _transforms(run),
        "extinction": _extinction(run),
        "generating-functions": _generating(run),
        "offspring": _offspring(run),
    }
    draws = f"{cfg.offspring * len(cfg.seeds):,} individuals"
    counts = {"sample-paths": f"{cfg.shown_paths} processes", "generating-functions": draws, "offspring": draws}
    for name, figure in drawn.items():
        count = counts.get(name, f"{cfg.paths * len(cfg.seeds):,} processes")
        figures.note(figure, cfg, ARXIV, f"{count} of each law")
    return drawn


def _all(run: Run) -> list[str]:
    return [str(law) for law in run.theory["law"].unique()]


def _growing(run: Run) -> list[str]:
    """Laws with a martingale limit."""
    return [law for law in _all(run) if len(run.line(law, "limit"))]


def _looks(laws: list[str]) -> list[Series]:
    """Each law with a colour and a marker, a pair of its own for up to 49 laws."""
    many = len(figures.PALETTE)
    pairs = [(figures.PALETTE[i % many], figures.MARKERS[(i + i // many) % many]) for i in range(len(laws))]
    return [Series(law, *pair) for law, pair in zip(laws, pairs, strict=True)]


def _grid(count: int, width: float, height: float, xlabel: str) -> tuple[Figure, list[Axes]]:
    """Panels with common axes, in rows of four, or of three where that leaves no gap."""
    columns = max(1, min(count, 3 if count % 3 == 0 and count % 4 else 4))
    rows = max(1, math.ceil(count / columns))
    figure, panels = figures.panels(rows, columns, size=(width + 0.25, height + 0.3), sharex=True, sharey=True)
    for panel in panels[count:]:
        panel.axis("off")
    for panel in panels[max(0, count - columns) : count]:
        panel.xaxis.set_tick_params(labelbottom=True)
        panel.set_xlabel(xlabel)
    return figure, panels[:count]


def _with_interval(panel: Axes, x: str, rows: pd.DataFrame, look: Series) -> None:
    """Means with the 99.9 % interval of their own variance, which for a share is the binomial one."""
    width = SIGMA * np.sqrt((rows["mean_square"] - rows["mean"] ** 2).clip(lower=0) / rows["count"])
    panel.errorbar(
        rows[x],
        rows["mean"],
        width,
        fmt=look.marker,
        color=look.color,
        markersize=4,
        elinewidth=0.8,
        label=look.name,
    )


def _simulated(panel: Axes, what: str) -> ErrorbarContainer:
    return panel.errorbar([], [], [], fmt="o", color="0.4", label=f"simulated {what}, 99.9 % interval")


def _theory(panel: Axes, what: str) -> Artist:
    return panel.plot([], [], color="0.4", label=f"theory: {what}")[0]


def _atom(panel: Axes, what: str) -> Artist:
    return panel.plot([], [], "o", color="0.4", markerfacecolor="white", markersize=8, label=what)[0]


def _limit(panel: Axes, what: str) -> Artist:
    return panel.plot([], [], color="0.4", linestyle="--", linewidth=0.8, label=what)[0]


# --- paths ------------------------------------------------------------------------------------------------------------


def _paths(run: Run) -> Figure:
    """The first paths of each law, with the mean, on a scale that shows single individuals and crowds."""
    laws = _all(run)
    figure, panels = _grid(len(laws), 2.6, 2.0, "generation $l$")
    paths = where(run.data, quantity="path")
    finite = paths.loc[np.isfinite(paths["mean"])]
    last, largest = (int(finite["generation"].max()), float(finite["mean"].max())) if len(finite) else (1, 1.0)
    powers = [100.0**k for k in range(1, 9) if 100.0**k <= 3 * largest]
    for panel, law in zip(panels, laws, strict=True):
        _paths_of(panel, where(finite, law=law), run.constant(law, "mu"), np.arange(last + 1), 2 * largest)
        mu = run.constant(law, "mu")
        mean_is = rf"$\mu = {mu:.4g}$" if math.isfinite(mu) else r"$\mu = \infty$: left when large"
        panel.set_title(f"{law}, {mean_is}", fontsize=9)
        panel.set_yscale("symlog", linthresh=1, linscale=0.5)
        panel.set(xlim=(0, last), ylim=(-0.3, 3 * largest))
        panel.set_yticks([0, 1, *powers], ["0", "1", *(f"$10^{{{round(math.log10(z))}}}$" for z in powers)])
        panel.minorticks_off()
    panels[0].plot([], [], color=figures.SKY, marker=".", label="sample paths")
    panels[0].plot([], [], "x", color=figures.VERMILION, label="extinct")
    panels[0].plot([], [], color=figures.BLACK, label=r"theory: mean $\mu^l$")
    figures.shared_legend(figure, panels[:1])
    figure.supylabel("$Z_l$, individuals in generation $l$ (linear below 1)", fontsize=10)
    return figure


def _paths_of(panel: Axes, paths: pd.DataFrame, mu: float, generations: np.ndarray, top: float) -> None:
    """Each path to its extinction, and mu^l up to `top`."""
    for _, path in paths.groupby("at"):
        panel.plot(path["generation"], path["mean"], color=figures.SKY, linewidth=0.9, marker=".", markersize=3)
        ended = path[path["mean"] == 0]
        panel.plot(ended["generation"], ended["mean"], "x", color=figures.VERMILION, markersize=5)
    if math.isfinite(mu):
        mean = mu ** generations.astype(float)
        panel.plot(generations[mean <= top], mean[mean <= top], color=figures.BLACK, linewidth=1.4)


# --- the martingale limit ---------------------------------------------------------------------------------------------


def _distributions(run: Run) -> Figure:
    """P(Z_L / mu^L <= x) at three depths, beside the distribution of W."""
    laws = _growing(run)
    figure, panels = _grid(len(laws), 2.7, 2.1, "$x$")
    for panel, law in zip(panels, laws, strict=True):
        xi, line = run.constant(law, "xi"), run.line(law, "distribution")
        measured = run.beside(law, "distribution")
        depths = sorted(measured["generation"].unique())
        colors = (figures.SKY, figures.ORANGE, figures.VERMILION)
        for depth, color, marker in zip(depths, colors, figures.MARKERS, strict=False):
            _with_interval(panel, "at", where(measured, generation=depth), Series(f"$L = {depth:.0f}$", color, marker))
        panel.legend(loc="lower right", fontsize=7, handletextpad=0.2)
        panel.plot(line["at"], line["value"], color=figures.BLACK, zorder=1.5)
        panel.plot([0], [xi], "o", color=figures.BLACK, markerfacecolor="white", zorder=4)
        panel.set_title(f"{law}, $\\xi = {xi:.4g}$", fontsize=9)
        panel.set(xlim=(-0.1, 5.1), ylim=(-0.03, 1.03))
    figure.supylabel(r"$P(Z_L / \mu^L \leq x)$", fontsize=10)
    if not panels:
        figure.text(0.5, 0.5, NO_LIMIT, ha="center")
        return figure
    key = [
        _theory(panels[0], r"$P(W \leq x)$"),
        _atom(panels[0], r"atom $\xi = P(W = 0)$"),
        _simulated(panels[0], "share"),
    ]
    figure.legend(handles=key, loc="outside upper center", ncols=3)
    return figure


def _transforms(run: Run) -> Figure:
    laws = _growing(run)
    figure, panels = figures.panels(1, 2, size=(4.75, 4.4), sharey=True)
    named = [law for law in laws if "(" in law]
    groups = ([law for law in laws if law not in named], named)
    for panel, group, title in zip(panels, groups, ("activations", "laws"), strict=True):
        for look in _looks(group):
            line, rows = run.line(look.name, "limit"), run.beside(look.name, "laplace")
            panel.plot(line["at"], line["value"], color=look.color)
            panel.axhline(run.constant(look.name, "xi"), color=look.color, linestyle="--", linewidth=0.8)
            deepest = where(rows, generation=rows["generation"].max())
            label = f"{look.name}, $L = {rows['generation'].max():.0f}$"
            _with_interval(panel, "at", deepest, look._replace(name=label))
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
    figure, (left, right) = figures.panels(1, 2, size=(5.5, 4.6))
    mortal = [law for law in _all(run) if run.constant(law, "xi") > 0]
    mortal.sort(key=lambda law: run.constant(law, "xi") < 1)  # first those of both panels, in colours of their own
    for look in _looks(mortal):
        line, rows, xi = run.line(look.name, "alive"), run.beside(look.name, "alive"), run.constant(look.name, "xi")
        early = line[line["generation"] <= DRAWN]
        left.plot(early["generation"], 1 - early["value"], color=look.color)
        shown = rows[rows["generation"] <= DRAWN].assign(mean=lambda table: 1 - table["mean"])
        _with_interval(left, "generation", shown.assign(mean_square=shown["mean"]), look)
        if xi < 1:
            left.axhline(xi, color=look.color, linestyle="--", linewidth=0.8)
        else:
            _survival(right, line[line["generation"] > 0], rows, look)
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


def _survival(panel: Axes, line: pd.DataFrame, rows: pd.DataFrame, look: Series) -> None:
    """On logarithmic axes, and the markers as long as some process is alive."""
    panel.plot(line["generation"], line["value"], color=look.color)
    _with_interval(panel, "generation", _seen(rows), look)


def _seen(rows: pd.DataFrame) -> pd.DataFrame:
    """The shares whose interval does not hold 0."""
    return rows[rows["mean"] * rows["count"] > SIGMA**2]


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
    """G(s) and the mean of s^Y, with the fixed point xi."""
    kinds = _kinds(run)
    figure, panels = figures.panels(1, len(kinds), size=(3.8, 4.2), sharey=True)
    for panel, (title, group) in zip(panels, kinds, strict=True):
        for look in _looks(group):
            line, xi = run.line(look.name, "generating"), run.constant(look.name, "xi")
            panel.plot(line["at"], line["value"], color=look.color)
            _with_interval(panel, "at", run.beside(look.name, "generating"), look)
            panel.plot(
                [xi], [xi], "o", color=look.color, markerfacecolor="white", markersize=8, zorder=4, clip_on=False
            )
        panel.plot([0, 1], [0, 1], color="0.6", linestyle=":")
        panel.set(title=title, xlabel="$s$", xlim=(0, 1), ylim=(0, 1))
        panel.legend(loc="lower right" if title == "activations" else "upper left", fontsize=8)
    panels[0].set_ylabel("$G(s) = E\\,s^Y$")
    panel = panels[0]
    key = [_theory(panel, "$G(s)$"), _simulated(panel, "mean of $s^Y$"), _atom(panel, r"fixed point $\xi$")]
    figure.legend(handles=key, loc="outside upper center", ncols=3)
    return figure


def _offspring(run: Run) -> Figure:
    """P(Y >= k), with the power law of ReLU's."""
    kinds = _kinds(run)
    figure, panels = figures.panels(1, len(kinds), size=(3.8, 4.2), sharey=True)
    for panel, (title, group) in zip(panels, kinds, strict=True):
        for look in _looks(group):
            line = run.line(look.name, "at least")
            positive = line[line["value"] > 0]
            panel.plot(positive["at"], positive["value"], color=look.color)
            _with_interval(panel, "at", _seen(run.beside(look.name, "at least")), look)
        if "relu" in group:
            k, label = np.geomspace(16, 1024, 20), r"$(2/\pi)^{3/2} / (6 k^{3/2})$"
            panel.plot(k, TAIL_CONSTANT * k**-1.5, ":", color=figures.BLACK, linewidth=1.5, zorder=3, label=label)
        panel.set(title=title, xscale="log", yscale="log", xlabel="$k$", ylim=(UNDRAWN, 2), xlim=(0.9, 1200))
        panel.legend(loc="upper right", fontsize=8)
    panels[0].set_ylabel(r"$P(Y \geq k)$, at least $k$ children")
    key = [_theory(panels[0], r"$\sum_{j \geq k} a_j^2$"), _simulated(panels[0], "share")]
    figure.legend(handles=key, loc="outside upper center", ncols=2)
    return figure
