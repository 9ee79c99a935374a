"""Deep kernels forget all correlations but those next to 1, where the rescaled kernel has a limit with a shape.

(Liang, Tran-Bach 2020, arXiv:2004.04767: figures 3 to 6; slides: 'Rescaled Limit: Phase Transition', 'Kernel Limits'.)

Claim      K^(L)(rho) = E rho^{Z_L} tends to xi for |rho| < 1. Next to 1, K^(L)(e^{-t/mu^L}) tends to E e^{-tW} where
           mu > 1 and mu_star is finite, W = lim Z_L / mu^L; for mu <= 1, K^(L)(e^{-t}) tends to 1. Where mu_star is
           infinite and mu is not, W = 0, and the limit is 1 (Kesten and Stigum), slowly: for offspring of P(Y = 2^j) =
           2^-j j^-2 / S, 1 - K falls like L^-gamma, gamma = 1 / (S mu log2 mu).
Measured   Both sides of the identity: Galton-Watson processes drawn from the whole law of offspring, and wide random
           networks, at points of the paper's curves for L = 1, 3, 5, 7; where these show no limit yet, processes of 200
           generations.
Deviates   Kernels are exact: the paper's are of 20 Hermite coefficients drawn by Monte Carlo, so that its mu differ
           (centered ReLU 1.39, exactly 1.467) and with them its rescaled curves. Where mu < 1 the paper draws
           K^(L)(e^{-t/mu^L}) all the same, and so do we; it tends to 1, too. The paper prints 0 for an infinite
           mu_star, and xi + (1 - xi) E e^{-tW} for a finite one, which takes W to be conditioned on survival. Slides
           and paper name no widths or numbers of points: ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.optimize import brentq
from scipy.special import spence

from deepk import activations, figures
from deepk.branching.iterates import iterate
from deepk.kernels import (
    CompositionalKernel,
    DualKernel,
    GaltonWatson,
    OffspringLaw,
    PowersOfTwo,
    network_correlations,
    rescaled_limit,
)
from deepk.lab.contract import Lab, Unit
from experiments.kernel_limits_claims import claims, pooled

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from experiments.schema import KernelLimits

    Curve = Float[np.ndarray, " points"]

__all__ = ["claims", "draw", "measure", "predict", "units"]

COLUMNS = ("source", "activation", "centering", "seed", "kind", "depth", "x", "mean", "deviation", "count")
FIGURES = ("unscaled", "rescaled", "window", "mu-star-infinite")
KNOWN_DEVIATIONS: dict[str, str] = {}

POWERS_OF_TWO = "powers-of-two"
UNSCALED_CURVE, RESCALED_CURVE = 73, 33  # points of a curve
LARGEST = 1e7  # mean population up to which processes are drawn
PER_DECADE = 12  # depths of the slow limit, evenly spaced on a logarithmic scale


@dataclass(frozen=True)
class Case:
    """An activation, centered or not."""

    activation: str
    centering: str

    @cached_property
    def dual(self) -> DualKernel:
        """Its kernel, and law of offspring."""
        return DualKernel(self.activation, centered=self.centering == "centered")

    @property
    def linear(self) -> bool:
        """Whether nothing changes with depth."""
        return self.dual.a1_squared == 1

    def depths(self, cfg: KernelLimits) -> list[int]:
        """Those of the paper, and the deep one where the mean population mu^L has not changed by a factor e by then."""
        mu = self.dual.mu
        near_critical = 0 < mu < math.inf and abs(max(cfg.depths) * math.log(mu)) < 1
        return [*cfg.depths, cfg.deep] if near_critical and not self.linear else list(cfg.depths)

    def kernel(self, depth: int) -> CompositionalKernel:
        """K^(L)."""
        return CompositionalKernel(self.activation, depth, centered=self.centering == "centered")

    def exponents(self, depth: int, t: Curve) -> Curve:
        """-log rho = t / mu^L, infinite where mu^L underflows."""
        with np.errstate(over="ignore", divide="ignore"):
            return np.where(t > 0, t * np.float_power(self.dual.mu, -depth), 0.0)


def _cases(cfg: KernelLimits) -> list[Case]:
    return [Case(name, centering) for name in cfg.activations for centering in ("uncentered", "centered")]


def _correlations(cfg: KernelLimits) -> Curve:
    """Where the unscaled kernel is measured: evenly from -1, without 1 itself."""
    return np.linspace(-1, 1, cfg.unscaled_points + 1)[:-1]


def _times(cfg: KernelLimits) -> Curve:
    """Where the rescaled kernel is measured: evenly up to 1, without 0."""
    return np.linspace(0, 1, cfg.rescaled_points + 1)[1:]


# --- theory -----------------------------------------------------------------------------------------------------------


def predict(cfg: KernelLimits) -> pd.DataFrame:
    """Curves at points x: rho of the unscaled kernel, t of the rescaled one.

    kind: 'unscaled' and 'rescaled', K and, where it is measured, the standard deviation of rho^{Z_L}; 'limit' of the
    latter, 'printed', the paper's formula for it with the unconditional W, and 'bound' of the distance of the deepest
    curve; 'extinction' (mu <= 1), 1 - K^(L)(1/e); 'kesten-stigum', 1 - K^(L)(exp(-1/mu^L)) of the powers of two, its
    'leading' order and 'exponent' gamma; 'mu'; 'xi'.
    """
    parts = [part for case in _cases(cfg) for part in _case(cfg, case)]
    return pd.concat([*parts, *_kesten_stigum(cfg)], ignore_index=True)


def _rows(case: Case, kind: str, depth: int | list[int], x: float | Curve, *values: object) -> pd.DataFrame:
    """Of value and, where there is one, deviation; numbers are repeated to the length of the arrays."""
    value, deviation = (*values, math.nan)[:2]
    columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(c)) for c in (depth, x, value, deviation)))
    at = {"activation": case.activation, "centering": case.centering, "kind": kind}
    return pd.DataFrame(at | dict(zip(("depth", "x", "value", "deviation"), columns, strict=True)))


def _case(cfg: KernelLimits, case: Case) -> list[pd.DataFrame]:
    dual, depths = case.dual, case.depths(cfg)
    mu, xi = dual.mu, dual.extinction_probability
    correlations, times = _correlations(cfg), _times(cfg)
    rho = np.union1d(np.cos(np.linspace(0, math.pi, UNSCALED_CURVE)).round(9), correlations)  # dense next to 1
    t = np.union1d(np.linspace(0, 1, RESCALED_CURVE), times)
    parts = [_rows(case, "mu", 0, 0.0, mu), _rows(case, "xi", 0, 0.0, xi)]
    parts += [_kernel_rows(case, "unscaled", depth, rho, 1 - rho, 1 - rho**2, correlations) for depth in depths]
    if math.isinf(mu):
        return parts
    for depth in depths:
        s = case.exponents(depth, t)
        parts.append(_kernel_rows(case, "rescaled", depth, t, -np.expm1(-s), -np.expm1(-2 * s), times))
    limit = rescaled_limit(dual, t)
    parts.append(_rows(case, "limit", 0, t, limit.value))
    if limit.regime == "martingale limit":
        parts.append(_rows(case, "printed", 0, t, xi + (1 - xi) * np.asarray(limit.value)))
        parts.append(_bound(case, max(depths), times))
    if limit.regime == "extinction":
        deep = sorted({*depths, cfg.deep // 2, cfg.deep})
        below = [case.kernel(depth).complement(-math.expm1(-1)) for depth in deep]
        parts.append(_rows(case, "extinction", deep, 1.0, below))
    return parts


def _kernel_rows(
    case: Case, kind: str, depth: int, x: Curve, u: Curve, u_squared: Curve, measured: Curve
) -> pd.DataFrame:
    """K(1 - u), and at measured points the deviation of rho^Z: its variance is K(rho^2) - K(rho)^2."""
    complement = case.kernel(depth).complement
    below = complement(u)
    deviation = np.where(np.isin(x, measured), _deviation(below, complement(u_squared)), math.nan)
    return _rows(case, kind, depth, x, 1 - below, deviation)


def _deviation(below: Curve, below_squared: Curve) -> Curve:
    """sqrt(K(rho^2) - K(rho)^2) from 1 - K(rho) and 1 - K(rho^2)."""
    return np.asarray(np.sqrt(np.clip(2 * below - below_squared - below**2, 0, None)))


def _bound(case: Case, depth: int, t: Curve) -> pd.DataFrame:
    """Of |K^(L)(e^{-t/mu^L}) - E e^{-tW}|: E e^{-tW} = K^(L)(phi(s)) with s = t / mu^L, and K^(L) has slope <= mu^L."""
    s = case.exponents(depth, t)
    phi = GaltonWatson(case.dual).martingale_limit_laplace(s)
    return _rows(case, "bound", depth, t, (phi - np.exp(-s)) * case.dual.mu**depth)


def _kesten_stigum(cfg: KernelLimits) -> list[pd.DataFrame]:
    law, case = PowersOfTwo(), Case(POWERS_OF_TWO, "uncentered")
    gamma = _gamma(law)
    deepest = cfg.kesten_stigum_depth
    even = np.geomspace(1, deepest, 1 + math.ceil(PER_DECADE * math.log10(deepest))).round().astype(int)
    depths = np.unique([*even, *range(1, cfg.kesten_stigum_generations + 1), deepest // 10]).tolist()
    below, below_squared = (
        np.array([_complement(law, depth, -math.expm1(-t * law.mu**-depth)) for depth in depths]) for t in (1, 2)
    )
    late = [depth for depth in depths if depth >= 10]  # log L is not large before
    leading = [_leading_order(gamma, law.mu, depth) for depth in late]
    return [
        _rows(case, "mu", 0, 0.0, law.mu),
        _rows(case, "exponent", 0, 0.0, gamma),
        _rows(case, "kesten-stigum", depths, 1.0, below, _deviation(below, below_squared)),
        _rows(case, "leading", late, 1.0, leading),
    ]


def _gamma(law: OffspringLaw) -> float:
    """1 / (S mu log2 mu), S = Li_2(1/2) = sum 2^-j / j^2."""
    return 1 / (float(spence(0.5)) * law.mu * math.log2(law.mu))


def _complement(law: OffspringLaw, depth: int, u: float) -> float:
    """1 - G o ... o G (1 - u)."""
    theta = iterate(law, depth)(torch.tensor([2 * math.asin(math.sqrt(u / 2))], dtype=torch.float64))
    return 2 * math.sin(float(theta) / 2) ** 2


def _leading_order(gamma: float, mu: float, depth: int) -> float:
    """1 - K^(L)(exp(-1/mu^L)) of the powers of two at great depth.

    1 - G(1 - u) = mu u (1 - 1 / (S mu log2(1/u)) + ...), since families above 1/u are missed. For x = log(1/u), layers
    as a continuum: dx/dl = -lambda + gamma lambda / x, lambda = log mu. From x = L lambda this gives after L layers
    x = gamma log((lambda L - gamma) / (x - gamma)).
    """
    width = depth * math.log(mu) - gamma
    return math.exp(-brentq(lambda x: x - gamma * math.log(width / (x - gamma)), gamma * (1 + 1e-12), gamma + width))


# --- measurement ------------------------------------------------------------------------------------------------------


def units(cfg: KernelLimits) -> list[Unit]:
    """Processes and networks of each case and seed, and processes of the powers of two."""
    named = [(source, case.activation, case.centering) for source in ("branching", "networks") for case in _cases(cfg)]
    named.append(("branching", POWERS_OF_TWO, "uncentered"))
    names = ("source", "activation", "centering", "seed")
    return [Unit(dict(zip(names, (*name, seed), strict=True))) for name in named for seed in cfg.seeds]


def measure(cfg: KernelLimits, unit: Unit, lab: Lab) -> pd.DataFrame:
    """For each kind, depth and point the mean over processes or networks, and their standard deviation."""
    case = Case(str(unit.key["activation"]), str(unit.key["centering"]))
    source = str(unit.key["source"])
    stream = int(unit.key["seed"]), f"{source} {case.activation} {case.centering}"
    if source == "networks":
        found = _networks(cfg, case, lab.generator(*stream))
    elif case.activation == POWERS_OF_TWO:
        found = _slow_processes(cfg, lab.numpy_generator(*stream))
    else:
        found = _processes(cfg, case, lab.numpy_generator(*stream))
    lab.progress()
    return pd.DataFrame(found, columns=list(COLUMNS[4:]))


Row = tuple[str, int, float, float, float, int]


def _row(kind: str, depth: int, x: float, values: Curve) -> Row:
    return kind, depth, x, float(values.mean()), float(values.std(ddof=1)), len(values)


def _processes(cfg: KernelLimits, case: Case, generator: np.random.Generator) -> list[Row]:
    """E rho^{Z_L}; of offspring with an infinite mean only the first generation, which the next would not fit."""
    mu = case.dual.mu
    depths = [depth for depth in case.depths(cfg) if (depth == 1 if math.isinf(mu) else mu**depth <= LARGEST)]
    if not depths:
        return []
    sizes = GaltonWatson(case.dual).simulate(max(depths), cfg.paths, generator=generator)[:, depths].astype(np.float64)
    rows = []
    for column, depth in enumerate(depths):
        z = sizes[:, column]
        rows += [_row("unscaled", depth, rho, rho**z) for rho in _correlations(cfg)]
        if math.isfinite(mu):
            s = case.exponents(depth, _times(cfg))
            rows += [_row("rescaled", depth, t, np.exp(-at) ** z) for t, at in zip(_times(cfg), s, strict=True)]
    return rows


def _slow_processes(cfg: KernelLimits, generator: np.random.Generator) -> list[Row]:
    """1 - E exp(-Z_L / mu^L) of the powers of two."""
    law, generations = PowersOfTwo(), cfg.kesten_stigum_generations
    sizes = GaltonWatson(law).simulate(generations, cfg.paths, generator=generator)
    depths = range(1, generations + 1)
    return [_row("kesten-stigum", depth, 1.0, -np.expm1(-sizes[:, depth] * law.mu**-depth)) for depth in depths]


def _networks(cfg: KernelLimits, case: Case, generator: torch.Generator) -> list[Row]:
    def cosines(rho: float, depth: int) -> Float[np.ndarray, "networks depth"]:
        size = {"width": cfg.width, "networks": cfg.networks}
        found = network_correlations(
            case.activation, rho, depth=depth, generator=generator, centered=case.dual.centered, **size
        )
        return found.numpy()

    rows = []
    for rho in _correlations(cfg):
        through = cosines(rho, max(cfg.depths))
        rows += [_row("unscaled", depth, rho, through[:, depth - 1]) for depth in cfg.depths]
    if math.isfinite(case.dual.mu):
        for depth in cfg.depths:
            s = case.exponents(depth, _times(cfg))
            for t, at in zip(_times(cfg), s, strict=True):
                rows.append(_row("rescaled", depth, t, cosines(math.exp(-at), depth)[:, -1]))
    return rows


# --- figures ----------------------------------------------------------------------------------------------------------

_MARKERS = {"branching": ("x", "Galton-Watson processes"), "networks": ("o", "random networks")}
_AXES = {
    "unscaled": (r"correlation $\rho$ of the inputs", r"$K^{(L)}(\rho)$"),
    "rescaled": (r"rescaled distance $t$", r"$K^{(L)}(e^{-t/\mu^L})$"),
}
INTERVAL = 2.58  # standard errors: 99 %


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: KernelLimits) -> dict[str, Figure]:
    """The paper's two grids of curves, the slides' window, and the slow limit where mu_star is infinite."""
    measured = pooled(data)
    drawn = {
        "unscaled": _grid("unscaled", theory, measured, cfg),
        "rescaled": _grid("rescaled", theory, measured, cfg),
        "window": _window(theory, measured, cfg),
        "mu-star-infinite": _slow(theory, measured),
    }
    seeds = len(cfg.seeds)
    sizes = f"{seeds * cfg.paths} processes, {seeds * cfg.networks} networks of width {cfg.width}"
    for name, figure in drawn.items():
        made = f"{seeds * cfg.paths} processes" if name == "mu-star-infinite" else sizes
        figures.corner_note(figure, f"{made}; scale {cfg.scale}")
    return drawn


def _of(table: pd.DataFrame, case: Case, kind: str) -> pd.DataFrame:
    found = (table["activation"] == case.activation) & (table["centering"] == case.centering)
    return table[found & (table["kind"] == kind)]


def _color(cfg: KernelLimits, depth: int) -> str:
    colors = dict(zip([*cfg.depths, cfg.deep], cycle(figures.PALETTE[:-1]), strict=False))  # black is the limit's
    return colors[depth]


def _name(case: Case) -> str:
    return f"{'un-' if case.centering == 'uncentered' else ''}centered {activations.get(case.activation).name}"


def _grid(kind: str, theory: pd.DataFrame, measured: pd.DataFrame, cfg: KernelLimits) -> Figure:
    columns = len(cfg.activations)
    figure = Figure(figsize=(1.5 + 2.9 * max(columns, 2), 6.6))
    panels = figure.subplots(2, columns, squeeze=False, sharex=True)
    for row, centering in zip(panels, ("centered", "uncentered"), strict=True):
        for panel, activation in zip(row, cfg.activations, strict=True):
            _panel(panel, kind, Case(activation, centering), theory, measured, cfg)
        row[0].set_ylabel(_AXES[kind][1])
    for panel in panels[-1]:
        panel.set_xlabel(_AXES[kind][0])
    entries: dict[str, Artist] = {}
    for panel in panels.flat:
        handles, labels = panel.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    order = sorted(entries, key=lambda label: (not label.startswith("$L"), len(label), label))
    figure.legend([entries[label] for label in order], order, loc="outside upper center", ncols=5 if columns > 3 else 3)
    return figure


def _panel(panel: Axes, kind: str, case: Case, theory: pd.DataFrame, measured: pd.DataFrame, cfg: KernelLimits) -> None:
    mu, xi = (float(_of(theory, case, name)["value"].iloc[0]) for name in ("mu", "xi"))
    panel.set_title(
        f"{_name(case)}, " + (rf"$\mu = {mu:.4g}$" if math.isfinite(mu) else r"$\mu = \infty$"), fontsize=10
    )
    _draw_limit(panel, kind, case, theory, xi)
    curves = _of(theory, case, kind)
    for depth in case.depths(cfg):
        curve = curves[curves["depth"] == depth]
        if len(curve):
            panel.plot(curve["x"], curve["value"], color=_color(cfg, depth), label=f"$L = {depth}$")
    _draw_measured(panel, _of(measured, case, kind), lambda depth: _color(cfg, depth))
    if kind == "rescaled" and math.isinf(mu):
        said = r"$\mu = \infty$: at every scale $m^L$ the" + "\n" + rf"limit is $\xi = {xi:.3g}$ for $t > 0$"
        panel.text(0.5, 0.5, said, transform=panel.transAxes, ha="center", va="center")
    elif kind == "rescaled" and mu <= 1 and not case.linear:
        panel.text(0.97, 0.85, r"$\mu \leq 1$: the limit is 1", transform=panel.transAxes, ha="right")


def _draw_limit(panel: Axes, kind: str, case: Case, theory: pd.DataFrame, xi: float) -> None:
    """Wide, since the deepest curve lies on it."""
    look: dict[str, Any] = {"color": figures.BLACK, "linewidth": 3.2}
    if kind == "unscaled":
        if not case.linear:
            panel.plot([-1, 1], [xi, xi], label=r"limit $\xi$, $|\rho| < 1$", **look)
        return
    limit, printed = _of(theory, case, "limit"), _of(theory, case, "printed")
    if len(limit):
        panel.plot(limit["x"], limit["value"], label="limit", **look)
    if 0 < xi < 1 and len(printed):
        label = r"$\xi + (1 - \xi) E e^{-tW}$ as printed, with $W = \lim Z_L / \mu^L$"
        panel.plot(printed["x"], printed["value"], color="0.5", linestyle="--", linewidth=1.2, label=label)


def _draw_measured(panel: Axes, rows: pd.DataFrame, color: Callable[[int], str]) -> None:
    for source, (marker, label) in _MARKERS.items():
        measured = rows[rows["source"] == source]
        for depth in measured["depth"].unique().tolist():
            _errorbars(panel, measured[measured["depth"] == depth], marker, color(depth))
        if len(measured):
            panel.errorbar([], [], [], fmt=marker, color="0.4", markerfacecolor="none", label=f"{label}: mean, 99 %")


def _errorbars(panel: Axes, points: pd.DataFrame, marker: str, color: str) -> None:
    error = INTERVAL * points["deviation"] / np.sqrt(points["count"])
    look: dict[str, Any] = {"markersize": {"x": 4, "o": 6}[marker], "markerfacecolor": "none", "elinewidth": 1}
    panel.errorbar(points["x"], points["mean"], error, fmt=marker, color=color, **look)


def _window(theory: pd.DataFrame, measured: pd.DataFrame, cfg: KernelLimits) -> Figure:
    """Of centered ReLU, as on the slides, or else of the first activation."""
    case = Case("relu" if "relu" in cfg.activations else cfg.activations[0], "centered")
    mu = float(_of(theory, case, "mu")["value"].iloc[0])
    curves, points = _of(theory, case, "unscaled"), _of(measured, case, "unscaled")
    figure = Figure(figsize=(1.0 + 2.7 * max(len(cfg.depths), 3), 3.7))
    panels = figure.subplots(1, len(cfg.depths), squeeze=False, sharey=True)[0]
    for panel, depth in zip(panels, cfg.depths, strict=True):
        curve, width = curves[curves["depth"] == depth], mu**-depth
        window: dict[str, Any] = {"color": figures.ORANGE, "alpha": 0.3, "linewidth": 0}
        panel.axvspan(1 - min(width, 2.0), 1, label=r"window of width $1/\mu^L$", **window)
        panel.plot(curve["x"], curve["value"], color=figures.BLUE, label=f"theory, {_name(case)}")
        _draw_measured(panel, points[points["depth"] == depth], lambda _: figures.BLUE)
        panel.set(title=f"$L = {depth}$: $1/\\mu^L = {width:.3g}$", xlabel=_AXES["unscaled"][0])
    panels[0].set_ylabel(_AXES["unscaled"][1])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _slow(theory: pd.DataFrame, measured: pd.DataFrame) -> Figure:
    case = Case(POWERS_OF_TWO, "uncentered")
    curve, leading, exponent = (_of(theory, case, kind) for kind in ("kesten-stigum", "leading", "exponent"))
    gamma = float(exponent["value"].iloc[0])
    figure = Figure(figsize=(7.0, 4.6))
    panel = figure.subplots()
    panel.plot(curve["depth"], curve["value"], color=figures.BLUE, label="theory")
    panel.plot(
        leading["depth"], leading["value"], color=figures.VERMILION, linestyle="--", label="leading order of theory"
    )
    late = leading["depth"].to_numpy(dtype=float)
    label = rf"$L^{{-\gamma}}$, $\gamma = 1/(S \mu \log_2 \mu) = {gamma:.4f}$"
    power = curve["value"].iloc[-1] * (late / late[-1]) ** -gamma
    panel.plot(late, power, color=figures.BLACK, linestyle=":", label=label)
    panel.axhline(1.0, color="0.5", linewidth=1.0, linestyle="--", label="the printed limit: $K = 0$")
    points = _of(measured, case, "kesten-stigum")
    _errorbars(panel, points.assign(x=points["depth"]), "o", figures.BLUE)
    label = f"{_MARKERS['branching'][1]}: mean, 99 %"
    panel.errorbar([], [], [], fmt="o", color=figures.BLUE, markerfacecolor="none", label=label)
    panel.set(xscale="log", yscale="log", xlabel="layer $L$", ylabel=r"$1 - K^{(L)}(e^{-1/\mu^L})$")
    panel.set_title(r"$P(Y = 2^j) = 2^{-j} j^{-2} / S$: finite $\mu$, infinite $\mu_*$")
    panel.legend(loc="lower left")
    return figure
