"""An activation is a probability law: its squared Hermite coefficients, whose generating function is its kernel.

(Liang, Tran-Bach 2020, arXiv:2004.04767: table 2, and the slides on duality and on the experiment's activations.)

Claim      sigma = sum a_k h_k with E sigma^2 = sum a_k^2 = 1, and E sigma(X) sigma(Y) = sum a_k^2 rho^k =: G(rho).
           Table 2 prints mu = G'(1), a_1^2, mu_star = sum a_k^2 k log k and the fixed point xi = G(xi) of four
           activations, centered and not. And with the edge of chaos (Hayou et al. 2019, arXiv:1902.06853): 1 - c^l from
           orthogonal inputs is the survival probability of a critical branching process.
Measured   The table by its defining series, coefficient by coefficient, beside expectations of the derivative; by the
           paper's own recipe, Monte Carlo coefficients up to k = 20; survival by simulating the branching process.
Deviates   The number of Monte Carlo samples is not stated: 10^5 is ours, at which the printed digits lie within the
           recipe's scatter. The recipe's law is divided by its own sum. The definition of mu_star sums over k > 2,
           the printed numbers over k >= 2; so do ours. With biases, the edge's process is that of phi(sqrt(q) x) in
           which an individual is childless with probability sigma_b^2 / q before anything else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from deepk import figures
from deepk.gaussian import hermite, monte_carlo_coefficients
from deepk.kernels import DualKernel, Finite
from deepk.lab.contract import Lab, Unit
from deepk.meanfield import MeanField, edge_of_chaos, rate
from deepk.statistics import binomial_deviation
from experiments.activation_duality_claims import claims
from experiments.published.compositional_kernels import COLUMNS as PRINTED
from experiments.published.compositional_kernels import QUANTITIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas.core.groupby import SeriesGroupBy

    from experiments.schema import ActivationDuality

__all__ = ["claims", "draw", "measure", "predict", "units"]

COLUMNS = ("part", "activation", "seed", "centered", "quantity", "index", "value")
FIGURES = ("hermite-polynomials", "distributions", "table", "critical-survival")
KNOWN_DEVIATIONS: dict[str, str] = {}

POLYNOMIALS, REACH = 6, 2.0  # of the slide's picture: h_0..h_5 on [-2, 2]
LABELS = {"mu": r"$\mu$", "a_1_squared": "$a_1^2$", "mu_star": r"$\mu_\star$", "xi": r"$\xi$"}
FLOOR = 1e-7  # of the coefficients that are drawn
ITERATIONS = 10_000  # of G from 0: a critical law cut at its 4096th member has a mean of 0.996
BESIDE = 2.576  # standard deviations in half a 99 % interval

Row = tuple[str, int, float]  # quantity, index, value


# --- theory -----------------------------------------------------------------------------------------------------------


def predict(cfg: ActivationDuality) -> pd.DataFrame:
    """The table's quantities and the coefficients of each activation, and 1 - c^l of each critical network."""
    rows = [
        (name, centered, *row)
        for name in cfg.activations
        for centered in (False, True)
        for row in _exact(DualKernel(name, centered=centered), cfg)
    ]
    for name in cfg.critical:
        theory = _edge(cfg, name)
        complements = theory.complements(0.0, cfg.generations)
        rows += [(name, False, "survival", layer, float(u)) for layer, u in enumerate(complements)]
    return pd.DataFrame(rows, columns=["activation", "centered", "quantity", "index", "value"])


def _exact(dual: DualKernel, cfg: ActivationDuality) -> Iterator[Row]:
    """mu and mu_star from E sigma'^2 and from G', and a_1^2 = G'(0): none of them from a series."""
    coefficients = dual.coefficients(max(cfg.truncation, 2))
    yield "mu", 0, dual.mu
    yield "a_1_squared", 0, float(dual.derivative(0.0))
    yield "mu_star", 0, dual.mu_star
    yield "mu_star_above_2", 0, dual.mu_star - 2 * math.log(2) * float(coefficients[2])
    yield "xi", 0, dual.extinction_probability
    for k, square in enumerate(coefficients.tolist()):
        yield "coefficient", k, square


def _sigma_b(cfg: ActivationDuality, name: str) -> float:
    return cfg.sigma_b.get(name, cfg.default_sigma_b)


def _edge(cfg: ActivationDuality, name: str) -> MeanField:
    point = edge_of_chaos(name, sigma_b=_sigma_b(cfg, name))
    return MeanField(name, sigma_w=point.sigma_w, sigma_b=point.sigma_b, q=point.q)


# --- measurement ------------------------------------------------------------------------------------------------------


def units(cfg: ActivationDuality) -> list[Unit]:
    """The series of each activation; its Monte Carlo recipe, and each critical process, for each seed."""
    parts = [Unit({"part": "series", "activation": name, "seed": 0}) for name in cfg.activations]
    for part, names in (("recipe", cfg.activations), ("branching", cfg.critical)):
        parts += [Unit({"part": part, "activation": name, "seed": seed}) for name in names for seed in cfg.seeds]
    return parts


def measure(cfg: ActivationDuality, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Rows of one of the three parts."""
    name, seed = str(unit.key["activation"]), int(unit.key["seed"])
    rows: list[tuple[bool, str, int, float]] = []
    if unit.key["part"] == "series":
        for centered in (False, True):
            rows += [(centered, *row) for row in _series(DualKernel(name, centered=centered), cfg.series_degree)]
    elif unit.key["part"] == "recipe":
        generator = lab.generator(seed, f"recipe {name}")
        for run in range(cfg.runs):
            x = torch.randn(cfg.samples, generator=generator, dtype=torch.float64)
            a = monte_carlo_coefficients(name, x, cfg.truncation)
            for centered in (False, True):
                a[0] = 0.0 if centered else a[0]
                rows += [(centered, *row) for row in _of_law(Finite(a**2 / (a**2).sum()), run)]
    else:
        rows += [(False, *row) for row in _survivors(cfg, name, lab.numpy_generator(seed, f"paths {name}"))]
    lab.progress()
    return pd.DataFrame(rows, columns=["centered", "quantity", "index", "value"])


def _series(dual: DualKernel, degree: int) -> Iterator[Row]:
    """Partial sums of the series up to an eighth, a quarter, a half and all of the degree; xi of the law cut there."""
    p = dual.coefficients(degree)
    k = np.arange(degree + 1)
    logarithms = np.log(np.maximum(k, 1))
    for terms in (degree // 8, degree // 4, degree // 2, degree):
        yield "mu", terms, math.fsum((k * p)[: terms + 1])
        yield "mu_star", terms, math.fsum((k * logarithms * p)[: terms + 1])
    yield "a_1_squared", 1, float(p[1])
    if not dual.centered:
        s = 0.0
        for _ in range(ITERATIONS):
            s = float(p @ s**k / p.sum())
        yield "xi", degree, s


def _of_law(law: Finite, run: int) -> Iterator[Row]:
    """The table's quantities of one run of the recipe; of the first, the law itself."""
    k = np.arange(len(law.probabilities))
    yield "mu", run, law.mu
    yield "a_1_squared", run, law.a1_squared
    yield "mu_star", run, math.fsum(k * np.log(np.maximum(k, 1)) * law.probabilities)
    yield "xi", run, law.extinction_probability
    if run == 0:
        for degree, square in enumerate(law.probabilities):
            yield "coefficient", degree, square


def _survivors(cfg: ActivationDuality, name: str, generator: np.random.Generator) -> Iterator[Row]:
    """How many of the processes are alive, generation by generation."""
    edge = _edge(cfg, name)
    q = edge.limiting_variance()
    offspring = DualKernel(edge.activation.rescaled(math.sqrt(q)))
    fertile = 1 - edge.sigma_b**2 / q
    sizes = np.ones(cfg.paths, np.int64)
    for generation in range(1, cfg.generations + 1):
        sizes = offspring.sums(generator.binomial(sizes, fertile), generator)
        yield "alive", generation, float(np.count_nonzero(sizes))


# --- figures ----------------------------------------------------------------------------------------------------------


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: ActivationDuality) -> dict[str, Figure]:
    """The slide's polynomials, the distributions, the printed table beside the exact one, and critical survival."""
    drawn = {
        "hermite-polynomials": _polynomials(),
        "distributions": _distributions(theory, data, cfg),
        "table": _table(theory, data, cfg),
        "critical-survival": _survival(theory, data, cfg),
    }
    count = len(cfg.seeds)
    runs = f"{count * cfg.runs} x {cfg.samples:,} Monte Carlo samples, {count * cfg.paths:,} processes"
    for name, figure in drawn.items():
        figures.corner_note(
            figure, f"scale {cfg.scale}" if name == "hermite-polynomials" else f"{runs}; scale {cfg.scale}"
        )
    return drawn


def _polynomials() -> Figure:
    figure = Figure(figsize=(6.0, 4.2))
    panel = figure.subplots()
    x = np.linspace(-REACH, REACH, 401)
    for k, color in zip(range(POLYNOMIALS), figures.PALETTE, strict=False):
        panel.plot(x, hermite(k, x), color=color, label=f"$h_{k}$")
    panel.set(xlabel="$x$", ylabel="$h_k(x)$, normalized Hermite polynomial", ylim=(-2.2, 2.2))
    figure.legend(loc="outside upper center", ncols=POLYNOMIALS)
    return figure


def _distributions(theory: pd.DataFrame, data: pd.DataFrame, cfg: ActivationDuality) -> Figure:
    names = list(cfg.activations)
    figure = Figure(figsize=(1.0 + 2.9 * len(names), 5.4))
    panels = figure.subplots(2, len(names), sharex=True, sharey=True, squeeze=False)
    for row, centered in zip(panels, (False, True), strict=True):
        for panel, name, color in zip(row, names, cycle(figures.PALETTE)):
            exact = _pick(theory, name, centered, "coefficient").set_index("index")["value"]
            panel.bar(exact.index, exact, color=color, alpha=0.35, label="$a_k^2$, exact")
            groups = _pick(data[data["part"] == "recipe"], name, centered, "coefficient").groupby("index")["value"]
            _interval(panel, groups)
            panel.set(title=f"{'centered ' if centered else ''}{name}", yscale="log", ylim=(FLOOR, 1.5))
    for panel in panels[1]:
        panel.set_xlabel("$k$")
    for row in panels:
        row[0].set_ylabel("$P(Y = k) = a_k^2$")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return figure


def _interval(panel: Axes, groups: SeriesGroupBy[Any, Any]) -> None:
    middle, low, high = groups.median(), groups.quantile(0.05), groups.quantile(0.95)
    label = f"the paper's recipe: median and 5-95 % of {int(groups.size().max())} runs"
    bars = np.stack([middle - low, high - middle])
    panel.errorbar(middle.index, middle, bars, fmt="o", color="0.2", markersize=3, elinewidth=1, label=label)


def _table(theory: pd.DataFrame, data: pd.DataFrame, cfg: ActivationDuality) -> Figure:
    """Each quantity of the table: exact, printed, and as the recipe scatters."""
    rows = [(name, centered) for centered in (False, True) for name in cfg.activations]
    figure = Figure(figsize=(11.0, 1.2 + 0.36 * len(rows)))
    panels = figure.subplots(1, len(QUANTITIES), sharey=True)
    recipe = data[data["part"] == "recipe"]
    for panel, quantity in zip(panels, QUANTITIES, strict=True):
        for y, (name, centered) in enumerate(rows):
            _entry(panel, y, _pick(theory, name, centered, quantity), _pick(recipe, name, centered, quantity))
            printed = PRINTED.get((name, centered))
            if printed is not None:
                panel.plot(getattr(printed, quantity), y, "x", color=figures.VERMILION, markersize=8, label="printed")
        panel.set(xlabel=LABELS[quantity], yticks=range(len(rows)), ylim=(len(rows) - 0.5, -0.5))
    panels[0].set_yticklabels([f"{'centered ' if centered else ''}{name}" for name, centered in rows])
    handles = {label: handle for handle, label in zip(*panels[0].get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=3)
    return figure


def _entry(panel: Axes, y: int, exact: pd.DataFrame, recipe: pd.DataFrame) -> None:
    value = float(exact["value"].iloc[0])
    if math.isfinite(value):
        panel.plot(value, y, "|", color=figures.BLACK, markersize=16, markeredgewidth=2, label="exact")
    if recipe.empty:
        return
    middle, low, high = recipe["value"].quantile([0.5, 0.05, 0.95])
    label = "the paper's recipe: median, 5-95 %"
    panel.errorbar(
        middle, y, xerr=[[middle - low], [high - middle]], fmt="o", color=figures.BLUE, markersize=4, label=label
    )


def _survival(theory: pd.DataFrame, data: pd.DataFrame, cfg: ActivationDuality) -> Figure:
    figure = Figure(figsize=(7.0, 4.6))
    panel = figure.subplots()
    lowest = 1.0
    for name, color, marker in zip(cfg.critical, cycle(figures.PALETTE), cycle(figures.MARKERS)):
        line = _pick(theory, name, False, "survival").set_index("index")["value"].loc[1:]
        panel.plot(line.index, line, color=color, label=rf"$1 - c^l$ on the edge of chaos: {name}")
        late = line.index[line.index >= cfg.generations // 5].to_numpy(float)
        asymptote = rate(name, sigma_b=_sigma_b(cfg, name))(late)
        panel.plot(late, asymptote, color=color, linestyle=":", linewidth=1.2)
        alive = _pick(data[data["part"] == "branching"], name, False, "alive").groupby("index")["value"].sum()
        kept = alive.loc[np.unique(np.geomspace(1, cfg.generations, 14).round().astype(int))]
        total = cfg.paths * len(cfg.seeds)
        share = kept / total
        bars = [BESIDE * binomial_deviation(float(p), total) for p in share]
        panel.errorbar(share.index, share, bars, fmt=marker, color=color, markersize=5, elinewidth=1)
        lowest = min(lowest, float(line.min()))
    panel.errorbar([], [], [], fmt="o", color="0.4", label="share of branching processes alive, 99 % interval")
    panel.plot([], [], color="0.4", linestyle=":", label=r"$\beta_q / l$, and $9\pi^2 / 2 l^2$ for ReLU")
    panel.set(xscale="log", yscale="log", xlabel="layer, generation $l$", ylabel=r"$1 - c^l = P(Z_l > 0)$")
    panel.set_ylim(lowest / 2, 1.2)
    panel.legend(loc="lower left")
    return figure


def _pick(table: pd.DataFrame, name: str, centered: bool, quantity: str) -> pd.DataFrame:
    found = (table["activation"] == name) & (table["centered"] == centered) & (table["quantity"] == quantity)
    return table[found]
