"""The figures of `kernel-spectra`, from its tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk import figures
from deepk.figures import BLACK, Series
from deepk.lab import only, where
from experiments.kernel_spectra import FEATURES, GAUSSIAN, LAPLACE, TANGENT, TARGETS, Config, named
from experiments.kernel_spectra.claims import growth, prefactor
from experiments.published.deep_equals_shallow import ARXIV

_DEPTHS = (figures.BLUE, figures.SKY, figures.GREEN, figures.ORANGE, figures.VERMILION)
_POINTS = 14  # of a parity, evenly spaced on the axis


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Decay beside theory, the constants, what depth changes, smooth kernels, targets, and the dimension of MNIST."""
    drawn = {
        "decay": _decay(theory, data, cfg),
        "theorem-1": _theorem(theory, data, cfg),
        "depth": _depth(data, cfg),
        "smoothness": _smoothness(data, cfg),
        "targets": _targets(theory, data, cfg),
        "high-dimension": _high_dimension(data, cfg),
    }
    for figure in drawn.values():
        figures.note(figure, cfg, ARXIV, "uniform law on the unit sphere")
    return drawn


def _dimension(cfg: Config) -> int:
    """The one that figures of one dimension show: the paper's 4 where it is there."""
    return 4 if 4 in cfg.dimensions else cfg.dimensions[0]


def _rows(data: pd.DataFrame, kernel: str, layers: int, dimension: int) -> pd.DataFrame:
    rows = where(data, kernel=kernel, layers=layers, dimension=dimension)
    return rows[(rows["degree"] > 0) & (rows["eigenvalue"] > 0)].sort_values("degree")


def _sparse(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows at degrees that are evenly spaced on a logarithmic axis."""
    if rows.empty:
        return rows
    degrees = rows["degree"].to_numpy(float)
    wanted = np.geomspace(degrees[0], degrees[-1], _POINTS)
    return rows.iloc[np.unique([int(np.abs(degrees - each).argmin()) for each in wanted])]


def _both_parities(panel: Axes, rows: pd.DataFrame, look: Series, column: str = "eigenvalue") -> None:
    """Filled markers at even degrees, open ones at odd degrees."""
    for parity, face in ((0, look.color), (1, "white")):
        at = _sparse(rows[rows["degree"] % 2 == parity])
        if at.empty:
            continue
        label = look.name if parity == 0 or rows[rows["degree"] % 2 == 0].empty else ""
        panel.plot(
            at["degree"], at[column], look.marker, color=look.color, markerfacecolor=face, markersize=4, label=label
        )


def _looks(cfg: Config) -> dict[int, Series]:
    """A colour and a marker for each depth."""
    shapes = zip(cfg.layers, _DEPTHS * len(cfg.layers), figures.MARKERS * len(cfg.layers), strict=False)
    return {layers: Series(f"$L = {layers}$", color, marker) for layers, color, marker in shapes}


def _decay(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """A panel for each kernel with a kink or jump, one for smooth ones; dotted, theorem 1."""
    d, looks = _dimension(cfg), _looks(cfg)
    every = [named(name, kind) for kind in (FEATURES, TANGENT) for name in cfg.kinked]
    kernels = [name for name in every if not where(data, kernel=name, dimension=d).empty]
    figure, panels = figures.panels(1, len(kernels) + 1, size=(3.7, 3.9))
    for panel, kernel in zip(panels, kernels, strict=False):
        for layers, look in looks.items():
            rows = _rows(data, kernel, layers, d)
            _both_parities(panel, rows, look)
            _predicted(panel, theory, kernel, layers, d, rows, look.color)
        _reference(panel, data, LAPLACE, d)
        panel.set(title=kernel, xscale="log", yscale="log", xlabel="degree $k$")
    for look in figures.series([*(named(name, TANGENT) for name in cfg.smooth), GAUSSIAN]):
        layers = 0 if look.name == GAUSSIAN else cfg.layers[0]
        name = look.name if layers == 0 else f"{look.name}, L = {layers}"
        _both_parities(panels[-1], _rows(data, look.name, layers, d), look._replace(name=name))
    panels[-1].set(title="smooth", xscale="log", yscale="log", xlabel="degree $k$")
    panels[-1].legend(fontsize=8)
    panels[0].set_ylabel(rf"eigenvalue $\mu_k$, $d = {d}$")
    panels[0].plot([], [], "o", color="0.4", markersize=4, label="even degrees")
    panels[0].plot([], [], "o", color="0.4", markerfacecolor="white", markersize=4, label="odd degrees")
    panels[0].plot([], [], ":", color="0.4", label="theorem 1")
    figures.shared_legend(figure, panels[: len(kernels)], columns=8)
    return figure


def _reference(panel: Axes, data: pd.DataFrame, kernel: str, d: int) -> None:
    rows = _rows(data, kernel, 0, d)
    panel.plot(rows["degree"], rows["eigenvalue"], color=BLACK, linewidth=1, label="Laplace's kernel")


def _predicted(
    panel: Axes, theory: pd.DataFrame, kernel: str, layers: int, d: int, rows: pd.DataFrame, color: str
) -> None:
    """Theorem 1 from the fifth degree on, for each parity that is there."""
    for parity in (0, 1):
        degrees = rows["degree"][(rows["degree"] % 2 == parity) & (rows["degree"] > 4)].to_numpy(float)
        line = _theorem_1(theory, kernel, layers, d, degrees, parity)
        if len(degrees) and (line > 0).all():
            panel.plot(degrees, line, ":", color=color, linewidth=1)


def _theorem_1(theory: pd.DataFrame, kernel: str, layers: int, d: int, degrees: np.ndarray, parity: int) -> np.ndarray:
    nu, c_1, c_minus_1 = (
        only(theory, kernel=kernel, layers=layers, quantity=name) for name in ("nu", "c_1", "c_minus_1")
    )
    if math.isinf(nu):
        return np.zeros_like(degrees)
    sign = 1 - 2 * parity
    return np.asarray((c_1 + sign * c_minus_1) * prefactor(nu, d) * (degrees + (d - 2) / 2) ** (1 - d - 2 * nu))


def _theorem(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """mu_k over theorem 1, for ReLU, in each dimension."""
    looks, kinds = _looks(cfg), (FEATURES, TANGENT)
    figure, panels = figures.panels(2, len(cfg.dimensions), size=(3.9, 3.0), sharex=True)
    for row, kind in enumerate(kinds):
        for column, d in enumerate(cfg.dimensions):
            panel, kernel = panels[row * len(cfg.dimensions) + column], named(cfg.kinked[0], kind)
            for layers, look in looks.items():
                rows = _rows(data, kernel, layers, d)
                rows = rows[rows["degree"] > 2]
                degrees, parity = rows["degree"].to_numpy(float), rows["degree"].to_numpy(int) % 2
                predicted = np.where(
                    parity == 0,
                    _theorem_1(theory, kernel, layers, d, degrees, 0),
                    _theorem_1(theory, kernel, layers, d, degrees, 1),
                )
                excess = np.divide(
                    rows["eigenvalue"], predicted, out=np.full(len(rows), np.nan), where=np.abs(predicted) > 0
                )
                _both_parities(panel, rows.assign(excess=np.abs(excess - 1)), look, "excess")
            panel.set(title=f"{kernel}, $d = {d}$", xscale="log", yscale="log")
    for panel in panels[len(cfg.dimensions) :]:
        panel.set_xlabel("degree $k$")
    for panel in panels[:: len(cfg.dimensions)]:
        panel.set_ylabel(r"$|\mu_k \,/\, $theorem 1$ - 1|$")
    figures.shared_legend(figure, panels, columns=len(looks))
    return figure


def _depth(data: pd.DataFrame, cfg: Config) -> Figure:
    """The constants of ReLU's kernels against depth, and its tangent kernels over Laplace's."""
    activation, d = cfg.kinked[0], _dimension(cfg)
    figure, panels = figures.panels(1, 3, size=(4.2, 3.8))
    for panel, kind, nu, words in (
        (panels[0], TANGENT, 0.5, "$L (L - 1) / 2$"),
        (panels[1], FEATURES, 1.5, "$L - 1$"),
    ):
        kernel = named(activation, kind)
        for look, dimension in zip(figures.series([f"$d = {d}$" for d in cfg.dimensions]), cfg.dimensions, strict=True):
            points = [_mean_constant(_rows(data, kernel, layers, dimension), dimension, nu) for layers in cfg.layers]
            panel.plot(
                cfg.layers,
                np.array(points) / points[0] * growth(kind, cfg.layers[0]),
                look.marker,
                color=look.color,
                label=look.name,
            )
        line = np.linspace(min(cfg.layers), max(cfg.layers), 50)
        panel.plot(line, [growth(kind, layers) for layers in line], color=BLACK, linewidth=1, label=words)
        panel.set(title=kernel, xlabel="layers $L$", ylabel="constant over that of $L = 2$", xticks=cfg.layers)
        panel.legend()
    laplace = _rows(data, LAPLACE, 0, d).set_index("degree")["eigenvalue"]
    for layers, look in _looks(cfg).items():
        rows = _rows(data, named(activation, TANGENT), layers, d)
        ratio = rows["eigenvalue"].to_numpy(float) / laplace.reindex(rows["degree"]).to_numpy(float)
        _both_parities(panels[2], rows.assign(ratio=ratio), look, "ratio")
    panels[2].set(title=f"tangent kernels over Laplace's, $d = {d}$", xscale="log", xlabel="degree $k$")
    panels[2].set_ylim(bottom=0)
    panels[2].legend()
    return figure


def _mean_constant(rows: pd.DataFrame, d: int, nu: float) -> float:
    """mu_k over the power of theorem 1, the mean over the highest even and the highest odd degree."""
    ends = [rows[(rows["degree"] % 2 == parity) & (rows["degree"] > 2)].tail(1) for parity in (0, 1)]
    found = [
        float((end["eigenvalue"] * (end["degree"] + (d - 2) / 2) ** (d + 2 * nu - 1)).sum()) for end in ends
    ]  # zero for a parity without eigenvalues
    return sum(found) / 2


def _smoothness(data: pd.DataFrame, cfg: Config) -> Figure:
    """Minus the local exponent: it stays where a kernel has a kink, and keeps growing where it is smooth."""
    figure, (panel,) = figures.panels(1, 1, size=(7.0, 4.6))
    d = _dimension(cfg)
    names = [(named(name, TANGENT), cfg.layers[0]) for name in (*cfg.smooth, cfg.kinked[0])]
    names += [(LAPLACE, 0), (GAUSSIAN, 0)]
    for look, (kernel, layers) in zip(figures.series([name for name, _ in names]), names, strict=True):
        rows = _rows(data, kernel, layers, d)
        odd = rows[(rows["degree"] % 2 == 1) & (rows["degree"] > 2)]
        one = odd if not odd.empty else rows[(rows["degree"] % 2 == 0) & (rows["degree"] > 2)]
        degrees, logs = np.log(one["degree"].to_numpy(float) + (d - 2) / 2), np.log(one["eigenvalue"].to_numpy(float))
        slope = -np.diff(logs) / np.diff(degrees)
        label = f"{kernel}, $L = {layers}$" if layers else f"{kernel.title()}'s kernel"
        panel.plot(
            one["degree"].to_numpy()[1:], slope, color=look.color, marker=look.marker, markevery=0.1, label=label
        )
    panel.axhline(d, color="0.6", linestyle=":", label="$d$: theorem 1 for ReLU's tangents and Laplace")
    panel.set(xscale="log", yscale="log", xlabel="degree $k$", ylabel=rf"$-d \log \mu_k / d \log k$, $d = {d}$")
    panel.legend(fontsize=8)
    return figure


def _targets(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Squared norms of three functions up to a degree, in the spaces of the shallowest and the deepest kernels."""
    d = cfg.dimensions[0]
    words = {
        "bump": rf"$1$ where $\langle x, w \rangle > {cfg.target_height:g}$",
        "power": rf"$|\langle x, w \rangle|^{{{cfg.target_power:g}}}$",
        "exponential": r"$\exp \langle x, w \rangle$",
    }
    figure, panels = figures.panels(1, len(TARGETS), size=(4.0, 3.9), sharex=True)
    kernels = [
        (named(cfg.kinked[0], kind), layers)
        for kind in (FEATURES, TANGENT)
        for layers in (cfg.layers[1], cfg.layers[-1])
    ]
    for panel, target in zip(panels, TARGETS, strict=True):
        parts = where(theory, kernel=f"target {target}", quantity="part").set_index("degree")["value"]
        looks = figures.series([f"{kernel}, $L = {layers}$" for kernel, layers in kernels])
        for look, (kernel, layers) in zip(looks, kernels, strict=True):
            rows = where(data, kernel=kernel, layers=layers, dimension=d).sort_values("degree")
            terms = parts.reindex(rows["degree"]).to_numpy(float) ** 2 / rows["eigenvalue"].to_numpy(float)
            total = np.cumsum(terms)
            panel.plot(rows["degree"], total, color=look.color, marker=look.marker, markevery=0.12, label=look.name)
        panel.set(title=words[target], xscale="symlog", yscale="log", xlabel="up to degree $k$")
    panels[0].set_ylabel(rf"squared norm in the kernel's space, $d = {d}$")
    figures.shared_legend(figure, panels, columns=len(kernels))
    return figure


def _high_dimension(data: pd.DataFrame, cfg: Config) -> Figure:
    """N(d, k) mu_k, the share of each degree in kappa(1), in the dimension of images."""
    d = cfg.high_dimension
    figure, panels = figures.panels(1, 2, size=(5.0, 4.0), sharey=True)
    for panel, kind in zip(panels, (FEATURES, TANGENT), strict=True):
        kernel = named(cfg.kinked[0], kind)
        for layers, look in _looks(cfg).items():
            rows = where(data, kernel=kernel, layers=layers, dimension=d)
            _both_parities(panel, rows[(rows["degree"] > 0) & (rows["total"] > 0)].sort_values("degree"), look, "total")
        panel.set(title=kernel, xscale="log", yscale="log", xlabel="degree $k$")
    panels[0].set_ylabel(rf"$N(d, k)\, \mu_k$, $d = {d}$")
    figures.shared_legend(figure, panels, columns=5)
    return figure
