"""The output of a deep random network over a plane: flat in the ordered phase, discontinuous in the chaotic one.

(Hayou, Doucet, Rousseau 2019, arXiv:1902.06853, slides: output of a 300x20 Tanh network, ordered and chaotic phase.)

Claim      In the ordered phase two different inputs have the same output, since their correlation tends to 1; in the
           chaotic phase it tends to c* < 1, and very close inputs have very different outputs. How different, the
           covariance map says for every pair of inputs, layer by layer; on the edge of chaos the output still depends
           on the input, smoothly.
Measured   Networks with explicit weights, at (sigma_b, sigma_w) = (1, 1), at (0.3, 2) and on the edge, over a grid of
           inputs: one output, and the squared change between neighbours, averaged over many outputs of the network.
Deviates   The slides do not give the range of inputs; [-5, 5]^2 is ours, as is sigma_b = 0.2 for the edge. Depth counts
           weight matrices. Theory is of infinite width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from deepk import activations, figures
from deepk.lab.claims import Claim
from deepk.lab.contract import Lab, Unit
from deepk.meanfield import MeanField, edge_of_chaos
from deepk.networks import mlp, normal_
from deepk.statistics import Sample, mean_half_width
from experiments.published.edge_of_chaos import SLIDES

if TYPE_CHECKING:
    from mpl_toolkits.mplot3d import Axes3D

    from experiments.schema import NetworkOutputs

COLUMNS = ("phase", "seed", "a_1", "a_2", "output", "square", "change")
FIGURES = ("output-surfaces", "change-between-neighbours")
KNOWN_DEVIATIONS: dict[str, str] = {}
WIDEST = 0.5  # of the prediction: an interval wider than that decides nothing
ROUNDED = 1e-13  # of the variance: a change that differences of rounded variances no longer give to three digits
LEVEL = 0.99  # two-sided, of each of three intervals
# What counts as one output for all inputs: all but a hundredth of its mean square.
ONE_OUTPUT = 0.01
# Close inputs count as very differently treated where their outputs differ by this many times more than on the edge,
# in squared change relative to the output's square; theory gives 15 for inputs 0.25 apart, of which a third is asked.
ROUGHER = 2.0


@dataclass(frozen=True)
class Point:
    """Where a network starts, and what its phase is called."""

    phase: str
    sigma_b: float
    sigma_w: float


def _points(cfg: NetworkOutputs) -> list[Point]:
    edge = edge_of_chaos(cfg.activation, sigma_b=cfg.edge_sigma_b)
    return [
        Point("ordered", cfg.ordered_sigma_b, cfg.ordered_sigma_w),
        Point("edge", edge.sigma_b, edge.sigma_w),
        Point("chaotic", cfg.chaotic_sigma_b, cfg.chaotic_sigma_w),
    ]


def _ticks(cfg: NetworkOutputs) -> np.ndarray:
    """The grid along one axis of the plane, symmetric about 0."""
    half = int(cfg.reach / cfg.step + 1e-9)  # rounding of the division
    return cfg.step * np.arange(-half, half + 1)


# --- theory -----------------------------------------------------------------------------------------------------------


def predict(cfg: NetworkOutputs) -> pd.DataFrame:
    """For each input (a_1, 0): the variance of the output there, and of its change to the next grid point."""
    return pd.concat([_along_axis(cfg, point) for point in _points(cfg)], ignore_index=True)


def _along_axis(cfg: NetworkOutputs, point: Point) -> pd.DataFrame:
    theory = MeanField(cfg.activation, sigma_w=point.sigma_w, sigma_b=point.sigma_b)
    rows = [(a, *_change(theory, a, b, cfg.depth)) for a, b in pairwise(_ticks(cfg).tolist())]
    table = pd.DataFrame(rows, columns=["a_1", "variance", "change"])
    return table.assign(phase=point.phase, sigma_b=point.sigma_b, sigma_w=point.sigma_w)


def _change(theory: MeanField, a: float, b: float, depth: int) -> tuple[float, float]:
    """Variance of the output y(a, 0), and of y(b, 0) - y(a, 0), by the covariance map from layer to layer."""
    bias, weight = theory.sigma_b**2, theory.sigma_w**2 / 2  # two inputs
    q_a, q_b, covariance = bias + weight * a * a, bias + weight * b * b, bias + weight * a * b
    for _ in range(depth - 1):
        length = math.sqrt(q_a * q_b)  # zero at the origin of a network without biases
        c = max(-1.0, min(1.0, covariance / length)) if length > 0 else 0.0
        covariance = theory.covariance_map(q_a, q_b, c)
        q_a, q_b = theory.variance_map(q_a), theory.variance_map(q_b)
    return q_a, q_a + q_b - 2 * covariance


# --- measurement ------------------------------------------------------------------------------------------------------


def units(cfg: NetworkOutputs) -> list[Unit]:
    """A network for each phase and seed."""
    return [Unit({"phase": point.phase, "seed": seed}) for point in _points(cfg) for seed in cfg.seeds]


def measure(cfg: NetworkOutputs, unit: Unit, lab: Lab) -> pd.DataFrame:
    """A row for each point of the grid: the first output, and means over all outputs of their squares and changes.

    After the first seed, whose output is drawn, only the points with a_2 = 0 are kept.

    A seed draws the same weights in every phase, up to sigma_w and sigma_b. The change is that to the next a_1.
    """
    point = next(point for point in _points(cfg) if point.phase == unit.key["phase"])
    ticks = torch.from_numpy(_ticks(cfg))
    plane = torch.cartesian_prod(ticks, ticks)
    network = mlp(2, cfg.outputs, activations.get(cfg.activation), depth=cfg.depth, width=cfg.width).double()
    generator = lab.generator(int(unit.key["seed"]), "weights")
    normal_(network, sigma_w=point.sigma_w, sigma_b=point.sigma_b, generator=generator)
    with torch.no_grad():
        output = network(plane).reshape(len(ticks), len(ticks), cfg.outputs)
    change = torch.full((len(ticks), len(ticks)), math.nan, dtype=torch.float64)
    change[:-1] = (output[1:] - output[:-1]).square().mean(dim=2)
    lab.progress()
    columns = {"output": output[..., 0], "square": output.square().mean(dim=2), "change": change}
    at = {"a_1": plane[:, 0], "a_2": plane[:, 1]}
    rows = pd.DataFrame({**at, **{name: values.ravel() for name, values in columns.items()}})
    return rows if unit.key["seed"] == cfg.seeds[0] else rows[rows["a_2"] == 0]


# --- claims -----------------------------------------------------------------------------------------------------------


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: NetworkOutputs) -> list[Claim]:
    """The change between neighbours against theory in each phase, and what the slides say of the two phases."""
    measured = {} if data.empty else {str(phase): _measured(rows) for phase, rows in data.groupby("phase")}
    return [
        *(_follows(phase, theory, measured, cfg) for phase in ("ordered", "edge", "chaotic")),
        _one_output(theory, measured),
        _very_different(theory, measured),
    ]


def _measured(rows: pd.DataFrame) -> pd.DataFrame:
    """For each seed, along the first axis: mean squared change, mean square, and of the first output what varies."""
    found = []
    for _, network in rows.groupby("seed"):
        axis = _axis(network)
        outputs = axis["output"]
        found.append((axis["change"].mean(), axis["square"].mean(), outputs.var(ddof=0), (outputs**2).mean()))
    return pd.DataFrame(found, columns=["change", "square", "output_variance", "output_square"])


def _axis(network: pd.DataFrame) -> pd.DataFrame:
    """The grid points (a_1, 0) but the last, in order."""
    axis = network[(network["a_2"] == 0) & network["change"].notna()]
    return axis.sort_values("a_1")


def _follows(phase: str, theory: pd.DataFrame, measured: dict[str, pd.DataFrame], cfg: NetworkOutputs) -> Claim:
    blocked = "" if phase in measured else f"the {phase} network is not in this run"
    blocked = blocked or ("one network has no spread to test with" if len(measured[phase]) < 2 else "")
    ratio, tolerance = math.nan, 0.0
    if not blocked:
        line = theory[theory["phase"] == phase]
        predicted = float(line["change"].mean())
        sample = Sample.of((measured[phase]["change"] / predicted).tolist())
        ratio = sample.mean
        tolerance = mean_half_width(sample, level=LEVEL) + cfg.depth / cfg.width
        if predicted < ROUNDED * float(line["variance"].mean()):
            blocked = "the change is below the rounding of the theory's variances"
        elif tolerance > WIDEST:
            blocked = f"the interval of {sample.count} networks is +-{tolerance:.2f} of the prediction"
    return Claim(
        name=f"change/{phase}",
        statement=f"mean squared change of the output between neighbours, {phase}, over the theory",
        source=f"{SLIDES}, correlation propagation",
        relation="=",
        expected=1.0,
        measured=None if blocked else ratio,
        tolerance=tolerance,
        reason="99 % t-interval over networks, and depth / width for what finite width changes",
        blocked=blocked,
    )


def _one_output(theory: pd.DataFrame, measured: dict[str, pd.DataFrame]) -> Claim:
    blocked = "" if "ordered" in measured else "the ordered network is not in this run"
    line = theory[theory["phase"] == "ordered"]
    from_end_to_end = float(np.sqrt(line["change"].clip(lower=0)).sum()) ** 2  # at most
    if from_end_to_end > ONE_OUTPUT * float(line["variance"].mean()):
        blocked = blocked or "the theory does not promise one output at this depth"
    sums = pd.Series(dtype=float) if blocked else measured["ordered"].sum()
    return Claim(
        name="one-output/ordered",
        statement="in the ordered phase all inputs have one output: the share of its mean square that varies",
        source=f"{SLIDES}, ordered phase",
        relation="<=",
        expected=ONE_OUTPUT,
        measured=None if blocked else float(sums["output_variance"] / sums["output_square"]),
        tolerance=0.0,
        reason="none needed: a hundredth of the output counts as nothing, and theory leaves 4e-8 of it",
        blocked=blocked,
    )


def _very_different(theory: pd.DataFrame, measured: dict[str, pd.DataFrame]) -> Claim:
    sums = theory.groupby("phase")[["change", "variance"]].sum()
    predicted = sums["change"] / sums["variance"]
    least = float(predicted["chaotic"] / predicted["edge"]) / 3
    blocked = "" if {"edge", "chaotic"} <= set(measured) else "edge and chaotic network are not both in this run"
    blocked = blocked or ("the chosen points treat close inputs alike, by the theory" if least < ROUGHER else "")
    roughness = {} if blocked else {p: measured[p]["change"].mean() / measured[p]["square"].mean() for p in measured}
    return Claim(
        name="very-different/chaotic",
        statement="in the chaotic phase close inputs have very different outputs: relative change over the edge's",
        source=f"{SLIDES}, chaotic phase",
        relation=">=",
        expected=least,
        measured=None if blocked else float(roughness["chaotic"] / roughness["edge"]),
        tolerance=0.0,
        reason="none needed: expected is a third of what the theory gives for these inputs",
        blocked=blocked,
    )


# --- figures ----------------------------------------------------------------------------------------------------------

_COLORS = {"ordered": figures.GREEN, "edge": figures.VERMILION, "chaotic": figures.BLUE}


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: NetworkOutputs) -> dict[str, Figure]:
    """The first seed's output as a surface in each phase, and the change between neighbours against theory."""
    return {"output-surfaces": _surfaces(theory, data, cfg), "change-between-neighbours": _changes(theory, data, cfg)}


def _title(theory: pd.DataFrame, phase: str) -> str:
    row = theory[theory["phase"] == phase].iloc[0]
    name = "edge of chaos" if phase == "edge" else f"{phase} phase"
    return f"{name}\n" + rf"$(\sigma_b, \sigma_w) = ({row['sigma_b']:g}, {row['sigma_w']:.4g})$"


def _setting(cfg: NetworkOutputs) -> str:
    return f"{cfg.activation}, width {cfg.width}, depth {cfg.depth}; scale {cfg.scale}"


def _surfaces(theory: pd.DataFrame, data: pd.DataFrame, cfg: NetworkOutputs) -> Figure:
    figure = Figure(figsize=(11.5, 4.3))
    seed = data["seed"].iloc[0]
    panels = figure.subplots(1, len(_COLORS), subplot_kw={"projection": "3d"})
    for panel, phase in zip(panels, _COLORS, strict=True):
        _surface(panel, data[(data["phase"] == phase) & (data["seed"] == seed)])
        panel.set_title(_title(theory, phase), y=0.94)
    figures.corner_note(figure, f"output of one random network (seed {seed}); {_setting(cfg)}")
    return figure


def _surface(panel: Axes3D, network: pd.DataFrame) -> None:
    table = network.pivot(index="a_2", columns="a_1", values="output")
    a_1, a_2 = np.meshgrid(table.columns, table.index)
    height = max(1.0, float(table.abs().max().max()))  # a flat output is to look flat
    panel.plot_surface(
        a_1, a_2, table.to_numpy(), cmap="viridis", vmin=-height, vmax=height, rcount=100, ccount=100, linewidth=0
    )
    panel.set(xlabel="$a_1$", ylabel="$a_2$", zlim=(-height, height))
    panel.set_box_aspect(None, zoom=0.9)


def _changes(theory: pd.DataFrame, data: pd.DataFrame, cfg: NetworkOutputs) -> Figure:
    figure = Figure(figsize=(7.5, 4.2))
    panel = figure.subplots()
    for (phase, color), marker in zip(_COLORS.items(), figures.MARKERS, strict=False):
        line = theory[theory["phase"] == phase].sort_values("a_1")
        known = np.sqrt(line["change"].where(line["change"] > 0))  # not where it was rounded away
        panel.plot(line["a_1"], known, color=color, label=_title(theory, phase).replace("\n", ", "))
        groups = np.sqrt(_axis(data[data["phase"] == phase]).set_index("a_1")["change"]).groupby("a_1")
        middle, low, high = groups.median(), groups.min(), groups.max()
        bars = np.stack([middle - low, high - middle])
        panel.errorbar(middle.index, middle, bars, color=color, fmt=marker, markersize=4, elinewidth=1)
    panel.errorbar([], [], [], color="0.4", fmt="o", label=f"{len(cfg.seeds)} random networks: median and range")
    panel.set(yscale="log", xlabel="$a_1$, with $a_2 = 0$", ylabel="root mean square change to the neighbour")
    figure.legend(loc="outside upper center", ncols=2)
    figures.corner_note(figure, f"neighbours {cfg.step:g} apart; {_setting(cfg)}")
    return figure
