"""On the edge of chaos correlation converges like 1/l for smooth activations and like 1/l^2 for ReLU.

(Hayou, Doucet, Rousseau 2019, arXiv:1902.06853: figure 'Impact of the smoothness', propositions 1 and 3.)

Claim      1 - c^l ~ beta_q / l with beta_q = 2 E phi'^2 / (q E phi''^2) for a smooth phi (proposition 3), and
           9 pi^2 / (2 l^2) for ReLU; a residual ReLU network is slower by a constant, 1 - c^l ~ gamma (1 - cbar^l) with
           gamma = (sigma_w^2 / (2 + sigma_w^2))^2 (proposition 1). Off the edge |c^l - c*| falls by a factor e in
           xi_c = -1 / log f'(c*) layers; the slides print the inverse.
Measured   The same correlation in random networks of finite width, layer by layer: medians over networks up to a fifth
           of the width, and beyond it, in a figure of its own, how they depart from the theory.
Deviates   The paper gives neither the inputs' correlation nor the widths of its picture; c^0 = 0 and a width of 1000
           are ours, and sigma_b is that of the authors' script (0.2 for Swish). q and sigma_w are solved for to
           rounding: given to four digits, the smooth curves drift off the edge by l = 1000. Networks are drawn layer by
           layer from their exact law given the layer before. On Swish's edge the variance repels, so its networks leave
           the theory after about 18 layers (15 at width 500), long before a fifth of the width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from deepk import activations, figures
from deepk.gaussian import expectation
from deepk.lab.contract import Lab, Unit
from deepk.meanfield import (
    MeanField,
    edge_of_chaos,
    moments,
    propagate_pair,
    rate,
    residual_complements,
    residual_gamma,
)
from deepk.statistics import median_interval
from experiments.correlation_depth_claims import claims, within_theory
from experiments.published.edge_of_chaos import RELU_COMPLEMENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.schema import CorrelationDepth

    Groups = Iterable[tuple[Any, pd.Series[float]]]

__all__ = ["claims", "draw", "measure", "predict", "units"]

COLUMNS = ("case", "activation", "sigma_w", "seed", "network", "layer", "complement")
FIGURES = ("impact-of-smoothness", "finite-width", "depth-scales")
KNOWN_DEVIATIONS: dict[str, str] = {}

OFF_EDGE_LAYERS = 60  # enough for ten depth scales of the slides' points
FOLLOWS = 0.2  # of the width: the layers in which networks follow the theory
RATIOS = (0.03, 30.0)  # measured over predicted 1 - c^l, as far as it is drawn
ASYMPTOTIC = 30  # the layer from which the asymptotes are drawn
PER_DECADE = 12  # layers that are kept, evenly spaced on a logarithmic scale


@dataclass(frozen=True)
class Case:
    """A kind of network: on the edge, residual, ordered or chaotic."""

    case: str
    activation: str
    sigma_b: float
    sigma_w: float
    q: float

    @property
    def residual(self) -> bool:
        """Whether layers are added to what they are given."""
        return self.case == "residual"

    @property
    def off_edge(self) -> bool:
        """Whether correlation converges exponentially."""
        return self.case in ("ordered", "chaotic")

    @property
    def key(self) -> dict[str, str | float]:
        """What names it in the tables."""
        return {"case": self.case, "activation": self.activation, "sigma_w": self.sigma_w}


def _cases(cfg: CorrelationDepth) -> list[Case]:
    cases = []
    for name in cfg.activations:
        point = edge_of_chaos(name, sigma_b=cfg.sigma_b.get(name, cfg.default_sigma_b))
        cases.append(Case("edge", name, point.sigma_b, point.sigma_w, point.q))
    cases += [Case("residual", "relu", 0.0, sigma_w, 1.0) for sigma_w in cfg.residual_sigma_w]
    for case, sigma_b, sigma_w in (
        ("ordered", cfg.ordered_sigma_b, cfg.ordered_sigma_w),
        ("chaotic", cfg.chaotic_sigma_b, cfg.chaotic_sigma_w),
    ):
        q = MeanField("tanh", sigma_w=sigma_w, sigma_b=sigma_b).limiting_variance()
        cases.append(Case(case, "tanh", sigma_b, sigma_w, q))
    return cases


# --- theory -----------------------------------------------------------------------------------------------------------


def predict(cfg: CorrelationDepth) -> pd.DataFrame:
    """1 - c^l of each case at some layers up to the greatest depth, its limit, and what it is predicted to approach."""
    return pd.concat([_curve(cfg, case) for case in _cases(cfg)], ignore_index=True)


def _curve(cfg: CorrelationDepth, case: Case) -> pd.DataFrame:
    depth = min(cfg.depth, OFF_EDGE_LAYERS) if case.off_edge else cfg.depth
    layers = np.arange(1, depth + 1) if case.off_edge else _kept(cfg, depth)
    limit, scale, asymptote = 1.0, math.inf, np.full(len(layers), math.nan)
    if case.residual:
        complements = residual_complements(cfg.c0, depth, sigma_w=case.sigma_w)
        asymptote = rate("relu", sigma_b=0.0)(layers.astype(float)) / residual_gamma(case.sigma_w)
    else:
        theory = MeanField(case.activation, sigma_w=case.sigma_w, sigma_b=case.sigma_b, q=case.q)
        complements = theory.complements(cfg.c0, depth)
        limit, scale = theory.limiting_correlation(), theory.depth_scale()
        if not case.off_edge:
            asymptote = rate(case.activation, sigma_b=case.sigma_b)(layers.astype(float))
    constants = {"sigma_b": case.sigma_b, "q": case.q, "limit": limit, "depth_scale": scale}
    constants["follows_until"] = _follows_until(cfg, case)
    constants["printed"] = _printed_depth_scale(case)
    values = {"layer": layers, "complement": complements[layers], "asymptote": asymptote}
    return pd.DataFrame({**case.key, **constants, **values})


def _printed_depth_scale(case: Case) -> float:
    """-log chi with chi = sigma_w^2 E phi'(sqrt(q) Z), as the slides print xi_c; NaN where chi <= 0."""
    phi, scale = activations.get(case.activation), math.sqrt(case.q)
    kinks = [point / scale for point in phi.breaks]
    chi = case.sigma_w**2 * expectation(lambda z: phi.derivative(scale * z), kinks=kinks)
    return -math.log(chi) if chi > 0 else math.nan


def _follows_until(cfg: CorrelationDepth, case: Case) -> float:
    """The layer up to which networks of this width are expected to follow the theory.

    A fifth of the width, since the fluctuations of log(1 - c^l) grow like l / width; and where the variance's fixed
    point repels, the layer at which its fluctuation, sqrt(2 / width) at first, has grown to a quarter.
    """
    width = cfg.simulation.width
    if case.residual or moments.homogeneous_slopes(activations.get(case.activation)) is not None:
        return width * FOLLOWS
    slope = case.sigma_w**2 * moments.second_moment_slope(activations.get(case.activation), case.q)
    repelled = math.log(0.25 / math.sqrt(2 / width)) / math.log(slope) if slope > 1 else math.inf
    return min(width * FOLLOWS, repelled)


def _kept(cfg: CorrelationDepth, depth: int) -> np.ndarray:
    """The layers of theory.csv: evenly spaced on a logarithmic scale, those of the simulation, and the reference's."""
    reference = [layer for layer in RELU_COMPLEMENTS if layer <= depth]
    return np.union1d(np.union1d(_layers(depth), _layers(min(cfg.simulation.depth, depth))), reference)


def _layers(depth: int) -> np.ndarray:
    """Layers from 1 to depth, evenly spaced on a logarithmic scale where they can be."""
    count = 1 + math.ceil(PER_DECADE * math.log10(depth))
    return np.unique(np.geomspace(1, depth, count).round().astype(int))


# --- measurement ------------------------------------------------------------------------------------------------------


def units(cfg: CorrelationDepth) -> list[Unit]:
    """A batch of random networks for each case and seed."""
    return [Unit({**case.key, "seed": seed}) for case in _cases(cfg) for seed in cfg.seeds]


def measure(cfg: CorrelationDepth, unit: Unit, lab: Lab) -> pd.DataFrame:
    """A row for each network and kept layer."""
    case = next(case for case in _cases(cfg) if {**case.key, "seed": unit.key["seed"]} == dict(unit.key))
    size = cfg.simulation
    depth = min(size.depth, OFF_EDGE_LAYERS) if case.off_edge else size.depth
    networks = propagate_pair(
        case.activation,
        sigma_w=case.sigma_w,
        sigma_b=case.sigma_b,
        q=case.q,
        c=cfg.c0,
        width=size.width,
        depth=depth + 1,  # the first of its layers is l = 0
        networks=size.networks,
        generator=lab.generator(int(unit.key["seed"]), f"{case.case} {case.activation} {case.sigma_w}"),
        residual=case.residual,
    )
    layers = np.arange(1, depth + 1) if case.off_edge else _layers(depth)
    lab.progress()
    kept = networks.complement[:, layers]
    network, layer = np.meshgrid(range(size.networks), layers, indexing="ij")
    return pd.DataFrame({"network": network.ravel(), "layer": layer.ravel(), "complement": kept.numpy().ravel()})


# --- figures ----------------------------------------------------------------------------------------------------------


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: CorrelationDepth) -> dict[str, Figure]:
    """The paper's figure with its asymptotes, the departure at finite width, and the decay off the edge."""
    figures_ = {
        "impact-of-smoothness": _smoothness(theory, data),
        "finite-width": _departure(theory, data, cfg),
        "depth-scales": _off_edge(theory, data),
    }
    size = cfg.simulation
    note = f"{size.networks * len(cfg.seeds)} random networks of width {size.width}; c0 = {cfg.c0:g}; scale {cfg.scale}"
    for figure in figures_.values():
        figures.corner_note(figure, note)
    return figures_


def _styles(theory: pd.DataFrame) -> list[tuple[str, pd.DataFrame, str, str]]:
    """(label, rows, colour, marker) of each case on the edge or residual, in the order of the table."""
    on_edge = theory[theory["case"].isin(["edge", "residual"])]
    groups = list(on_edge.groupby(["case", "activation", "sigma_w"], sort=False))
    looks = zip(groups, cycle(figures.PALETTE), cycle(figures.MARKERS), strict=False)
    return [(_name(rows), rows, color, marker) for (_, rows), color, marker in looks]


def _name(rows: pd.DataFrame) -> str:
    case, activation, sigma_w = rows[["case", "activation", "sigma_w"]].iloc[0]
    return rf"residual relu, $\sigma_w^2 = {sigma_w**2:.3g}$" if case == "residual" else str(activation)


def _of(data: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The measurements of the case that these rows of theory are of, with the theory's value beside."""
    key = ["case", "activation", "sigma_w", "layer"]
    return data.merge(rows[[*key, "complement", "limit", "follows_until"]], on=key, suffixes=("", "_theory"))


def _smoothness(theory: pd.DataFrame, data: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(8.0, 5.2))
    panel = figure.subplots()
    for label, rows, color, marker in _styles(theory):
        panel.plot(rows["layer"], rows["complement"], color=color, label=label)
        late = rows[rows["layer"] >= ASYMPTOTIC]
        panel.plot(late["layer"], late["asymptote"], color=color, linestyle=":", linewidth=1.2)
        measured = within_theory(_of(data, rows))
        _medians(panel, measured.groupby("layer")["complement"], color, marker)
    panel.plot([], [], color="0.4", linestyle=":", label=r"$\beta_q / l$, and $9\pi^2 / 2 l^2$ (over $\gamma$)")
    panel.errorbar([], [], [], fmt="o", color="0.4", label="random networks: median, its 99 % interval")
    panel.set(xscale="log", yscale="log", xlabel="layer $l$", ylabel="$1 - c^l$, complement of the correlation")
    panel.set_ylim(bottom=theory.loc[theory["case"] == "edge", "complement"].min() / 3, top=3)
    panel.legend(loc="lower left")
    return figure


def _medians(panel: Axes, groups: Groups, color: str, marker: str, minus: float = 0.0) -> None:
    """Distance of the median over networks from `minus`, with its interval, as long as it can be told from zero."""
    kept = []
    for layer, values in groups:
        middle, low, high = median_interval(values.tolist())
        if abs(middle - minus) <= (high - low) / 2:
            break  # from here on it is noise
        kept.append((layer, abs(middle - minus), middle - low, high - middle))
    if kept:
        layer, distance, below, above = np.array(kept).T
        panel.errorbar(layer, distance, [below, above], fmt=marker, color=color, markersize=4)


def _departure(theory: pd.DataFrame, data: pd.DataFrame, cfg: CorrelationDepth) -> Figure:
    styles = [style for style in _styles(theory) if (style[1]["case"] == "edge").all()]
    figure = Figure(figsize=(1.0 + 2.9 * len(styles), 3.6))
    panels = figure.subplots(1, len(styles), sharey=True, squeeze=False)[0]
    for panel, (label, rows, color, _) in zip(panels, styles, strict=True):
        measured = _of(data, rows)
        groups = measured.assign(ratio=measured["complement"] / measured["complement_theory"]).groupby("layer")["ratio"]
        x = groups.median().index / cfg.simulation.width
        panel.fill_between(
            x, groups.quantile(0.05), groups.quantile(0.95), color=color, alpha=0.2, linewidth=0, label="5-95 %"
        )
        panel.plot(x, groups.median(), color=color, marker="o", label="median")
        seen = (groups.mean() < RATIOS[1]).cummin()  # Swish's mean is carried away by single networks
        mean = groups.mean().where(seen)
        panel.plot(x, mean, color=color, marker="s", linestyle="--", markerfacecolor="white", label="mean")
        panel.axhline(1.0, color=figures.BLACK, linewidth=1.0, label="theory, infinite width")
        panel.axvline(FOLLOWS, color="0.5", linewidth=1.0, linestyle=":", label="a fifth of the width")
        panel.set(title=label, xscale="log", yscale="log", xlabel="layer / width", ylim=RATIOS)
    panels[0].set_ylabel("$1 - c^l$ over theory")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
    return figure


def _off_edge(theory: pd.DataFrame, data: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(8.5, 3.8))
    for panel, case, color in zip(
        figure.subplots(1, 2), ("ordered", "chaotic"), (figures.GREEN, figures.BLUE), strict=True
    ):
        rows = theory[theory["case"] == case]
        limit, scale = float(rows["limit"].iloc[0]), float(rows["depth_scale"].iloc[0])
        distance = (rows["complement"] - (1 - limit)).abs()
        panel.plot(rows["layer"], distance, color=color, label="theory")
        start = rows["layer"].iloc[0]
        slope = distance.iloc[0] * np.exp(-(rows["layer"] - start) / scale)
        panel.plot(rows["layer"], slope, color="0.4", linestyle=":", label=rf"$e^{{-l/\xi_c}}$, $\xi_c = {scale:.3f}$")
        _medians(panel, _of(data, rows).groupby("layer")["complement"], color, "o", minus=1 - limit)
        panel.errorbar([], [], [], fmt="o", color=color, markersize=4, label="networks: median, 99 % interval")
        point = rf"$(\sigma_b, \sigma_w) = ({rows['sigma_b'].iloc[0]:g}, {rows['sigma_w'].iloc[0]:g})$"
        panel.set(title=f"{case}: tanh at {point}", yscale="log", xlabel="layer $l$", ylim=(1e-12, 3))
        panel.legend()
    figure.axes[0].set_ylabel("$|c^l - c^*|$")
    return figure
