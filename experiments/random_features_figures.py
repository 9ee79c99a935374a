"""The figures of `random-features`, from its tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from deepk import figures
from experiments.published.random_features import CELLS
from experiments.random_features_claims import Run

if TYPE_CHECKING:
    from experiments.schema import RandomFeatures

_FLOOR, _LEAST_TAIL = 1e-7, 1e-6  # of coefficients, and of the mass beyond them, that are drawn
_SHOWN_DEPTHS = (1, 2, 4, 8, 20)  # whose coefficients are drawn
_CLASSIFIERS = (
    ("ridge", "compositional", "ridge, same features", "s", "--"),
    ("exact kernel", "exact kernel", "exact kernel, subset", "^", ":"),
)


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: RandomFeatures) -> dict[str, Figure]:
    """Accuracy against epoch; printed beside ours; classifiers against L; what is left open; kernels; their errors."""
    run = Run(theory, data, cfg)
    found = {
        "accuracy": _accuracy(run),
        "table": _table(run),
        "classifiers": _classifiers(run),
        "sensitivity": _sensitivity(run),
        "coefficients": _coefficients(run),
        "kernel-error": _kernel_error(run),
    }
    center = "centered" if cfg.centered else "un-centered"
    setting = (
        f"{cfg.protocol} protocol, {center}, m = {cfg.features}, SGD {cfg.learning_rate:g}, batch {cfg.batch_size}"
    )
    count = len(cfg.seeds)
    trained = f"{run.images}, scale {cfg.scale}; {setting}; {count} {'seeds' if count > 1 else 'seed'}"
    notes = {
        "coefficients": f"{run.images}, scale {cfg.scale}; {center}, degree <= {cfg.truncation}, m = {cfg.features}",
        "kernel-error": f"scale {cfg.scale}; {center}, degree <= {cfg.truncation}; {cfg.errors.runs} runs",
    }
    for name, figure in found.items():
        figures.corner_note(figure, notes.get(name, trained))
    return found


def _looks(names: Sequence[object]) -> dict[object, tuple[str, str]]:
    """A colour and a marker for each."""
    return dict(zip(names, zip(cycle(figures.PALETTE), cycle(figures.MARKERS), strict=False), strict=False))


def _published(run: Run, split: str, activation: str, depth: int) -> float:
    """The printed accuracy (%) of this protocol and data set; NaN where there is none."""
    images = run.images.partition(",")[0]
    here = (run.cfg.protocol, images, split, activation, depth)
    return next((100 * cell.accuracy for cell in CELLS if cell[:5] == here), math.nan)


# --- accuracy ---------------------------------------------------------------------------------------------------------


def _accuracy(run: Run) -> Figure:
    """A panel for each depth, as in the paper: training solid, test dashed."""
    depths = run.cfg.depths
    figure = Figure(figsize=(1.0 + 3.7 * len(depths), 4.2))
    panels = figure.subplots(1, len(depths), squeeze=False, sharey=True)[0]
    for panel, depth in zip(panels, depths, strict=True):
        for name, (color, marker) in _looks(run.cfg.activations).items():
            for split, style in (("train", "-"), ("test", "--")):
                rows = run.rows("sgd", "compositional", f"{split} accuracy", str(name), depth)
                groups = 100 * rows.groupby("index")["value"].agg(["mean", "min", "max"])
                label = f"{name}, training" if split == "train" else None
                panel.plot(groups.index, groups["mean"], style, color=color, marker=marker, markersize=3, label=label)
                panel.fill_between(groups.index, groups["min"], groups["max"], color=color, alpha=0.15, linewidth=0)
                printed = _published(run, split, str(name), depth)
                filled = color if split == "train" else "white"
                panel.plot(
                    1.06 * run.cfg.epochs,
                    printed,
                    marker,
                    color=color,
                    markerfacecolor=filled,
                    markersize=7,
                    clip_on=False,
                )
        panel.set(title=f"{run.images}: $L = {depth}$", xlabel="epoch")
    panels[0].set_ylabel("accuracy (%)")
    low = min(panel.get_ylim()[0] for panel in panels)
    panels[0].set_ylim(max(low, 0), None)
    panels[0].plot([], [], "--", color="0.4", label="test")
    if not math.isnan(_published(run, "test", str(run.cfg.activations[0]), depths[0])):
        panels[0].plot([], [], "o", color="0.4", markersize=7, label="printed: training")
        panels[0].plot([], [], "o", color="0.4", markerfacecolor="white", markersize=7, label="printed: test")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _table(run: Run) -> Figure:
    """Every cell: printed, and ours at the last epoch with the range of late evaluations of all seeds."""
    rows = [(str(name), depth) for name in run.cfg.activations for depth in run.cfg.depths]
    figure = Figure(figsize=(9.0, 1.3 + 0.32 * len(rows)))
    panels = figure.subplots(1, 2, sharey=True)
    for panel, split in zip(panels, ("train", "test"), strict=True):
        for y, (name, depth) in enumerate(rows):
            late = run.late(split, name, depth)
            middle = float(late.iloc[-1].mean())
            bars = [[middle - late.to_numpy().min()], [late.to_numpy().max() - middle]]
            panel.errorbar(
                middle, y, xerr=bars, fmt="o", color=figures.BLUE, markersize=4, elinewidth=1,
                label="ours at the last epoch; range of late epochs and seeds",
            )  # fmt: skip
            ridge = run.ridge(name, depth).mean
            if split == "test":
                panel.plot(ridge, y, "d", color=figures.GREEN, markersize=5, label="ridge regression, same features")
            if math.isfinite(printed := _published(run, split, name, depth)):
                panel.plot(printed, y, "x", color=figures.VERMILION, markersize=8, label="printed")
        panel.set(xlabel=f"{'training' if split == 'train' else 'test'} accuracy (%)", ylim=(len(rows) - 0.5, -0.5))
        panel.set_yticks(range(len(rows)), [f"{name}, L = {depth}" for name, depth in rows])
    handles = {label: handle for handle, label in zip(*panels[1].get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=3)
    return figure


def _classifiers(run: Run) -> Figure:
    """Test accuracy against L of SGD, of ridge regression on the same features, and of the exact kernel."""
    names = run.cfg.activations
    figure = Figure(figsize=(1.0 + 2.9 * len(names), 4.0))
    panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    subset = min(run.cfg.subset, int(run.known("training images")["value"].iloc[0]))
    for panel, name in zip(panels, names, strict=True):
        late = [run.late("test", name, depth) for depth in run.cfg.depths]
        middle = [float(table.iloc[-1].mean()) for table in late]
        span = [[m - t.to_numpy().min() for m, t in zip(middle, late, strict=True)]]
        span += [[t.to_numpy().max() - m for m, t in zip(middle, late, strict=True)]]
        panel.errorbar(
            run.cfg.depths, middle, span, fmt="o-", color=figures.BLUE, markersize=5, elinewidth=1, label="SGD"
        )
        for (part, features, label, marker, style), color in zip(
            _CLASSIFIERS, (figures.GREEN, figures.PURPLE), strict=True
        ):
            values = [
                100 * float(run.rows(part, features, "test accuracy", name, depth)["value"].mean())
                for depth in run.cfg.depths
            ]
            shown = label if part == "ridge" else f"exact kernel, {subset} images"
            panel.plot(run.cfg.depths, values, style, marker=marker, color=color, label=shown)
        for baseline, color in (("rbf", figures.ORANGE), ("linear", figures.SKY)):
            words = "RBF features" if baseline == "rbf" else "raw pixels"
            ridge = 100 * float(run.rows("ridge", baseline, "test accuracy")["value"].mean())
            panel.axhline(ridge, color=color, linewidth=1.2, label=f"{words}, ridge")
            rows = run.rows(baseline, baseline, "test accuracy")
            if len(rows):
                sgd = 100 * float(rows[rows["index"] == rows["index"].max()]["value"].mean())
                panel.axhline(sgd, color=color, linewidth=1.2, linestyle="--", label=f"{words}, SGD")
        panel.set(title=name, xlabel="depth $L$", xticks=run.cfg.depths)
    panels[0].set_ylabel("test accuracy (%)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _sensitivity(run: Run) -> Figure:
    """Training accuracy at the last epoch against batch size, and against Monte Carlo samples: what is not stated."""
    cfg, names = run.cfg, run.cfg.activations
    sizes, samples = sorted({cfg.batch_size, *cfg.batch_sizes}), sorted(cfg.samples)
    figure = Figure(figsize=(1.0 + 2.9 * len(names), 6.2))
    panels = figure.subplots(2, len(names), squeeze=False, sharey="row")
    last = run.data[(run.data["index"] == cfg.epochs) & (run.data["quantity"] == "train accuracy")]
    last = last[last["features"] == "compositional"]
    for (above, below), name in zip(panels.T, names, strict=True):
        for depth, (color, marker) in _looks(cfg.depths).items():
            here = last[(last["activation"] == name) & (last["depth"] == depth)]
            by_size = 100 * here[here["samples"] == 0].groupby("batch_size")["value"].mean()
            above.plot(by_size.index, by_size, color=color, marker=marker, label=f"$L = {depth}$")
            swept = 100 * here[here["samples"] > 0].groupby("samples")["value"].mean()
            below.plot(swept.index, swept, color=color, marker=marker)
            below.axhline(float(by_size[cfg.batch_size]), color=color, linewidth=1, linestyle=":")
            for panel in (above, below):
                printed = _published(run, "train", name, int(str(depth)))
                panel.axhline(printed, color=color, linewidth=5, alpha=0.2)
        above.set(title=name, xscale="log", xlabel="batch size")
        above.set_xticks(sizes, [str(size) for size in sizes], minor=False)
        above.minorticks_off()
        below.set_xlabel("Monte Carlo samples of coefficients")
        if samples:
            below.set_xscale("log")
        else:
            below.text(0.5, 0.5, "not swept", transform=below.transAxes, ha="center", color="0.4")
    for row in panels:
        row[0].set_ylabel("training accuracy (%)\nat the last epoch")
    if math.isfinite(_published(run, "train", names[0], cfg.depths[0])):
        panels[0, 0].plot([], [], color="0.4", linewidth=5, alpha=0.3, label="printed")
    panels[0, 0].plot([], [], color="0.4", linewidth=1, linestyle=":", label="exact coefficients")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return figure


# --- the kernel -------------------------------------------------------------------------------------------------------


def _coefficients(run: Run) -> Figure:
    """Coefficients and the mass beyond them, and condition numbers of Gram matrices, against L."""
    names = run.cfg.activations
    figure = Figure(figsize=(1.0 + 2.9 * len(names), 8.4))
    panels = figure.subplots(3, len(names), squeeze=False, sharey="row")
    depths = range(1, run.cfg.gram_depths + 1)
    for (top, middle, bottom), name in zip(panels.T, names, strict=True):
        shown = [depth for depth in _SHOWN_DEPTHS if depth in depths]
        for depth, (color, marker) in _looks(shown).items():
            alpha = run.known("alpha", name, int(str(depth))).set_index("index")["value"]
            alpha = alpha[(alpha > _FLOOR) & (alpha.index > 0)]
            top.plot(alpha.index, alpha, color=color, marker=marker, linewidth=1, label=f"$L = {depth}$")
        top.set(title=name, xlabel="degree $k$", yscale="log")
        tail = [float(run.known("tail", name, depth)["value"].iloc[0]) for depth in depths]
        beyond = [float(run.rows("tail", "branching process", "beyond", name, d)["value"].iloc[0]) for d in depths]
        share = np.array(beyond) / run.cfg.coefficient_paths
        middle.plot(depths, tail, color=figures.BLACK, label="exact")
        bars = 3 * np.sqrt(share * (1 - share) / run.cfg.coefficient_paths)
        middle.errorbar(depths, share, bars, fmt="o", color=figures.BLUE, markersize=4, elinewidth=1, label="processes")
        middle.set(xlabel="depth $L$", yscale="log", ylim=(_LEAST_TAIL, 1.5), xlim=(0, run.cfg.gram_depths + 1))
        for features, color, marker, label in (
            ("exact kernel", figures.BLACK, "", "exact kernel"),
            ("compositional", figures.VERMILION, "o", "features"),
            ("with noise", figures.GREEN, "s", "features with noise"),
        ):
            rows = run.data[(run.data["part"] == "condition") & (run.data["features"] == features)]
            line = rows[rows["activation"] == name].set_index("depth")["value"]
            line = line[np.isfinite(line.astype(float))]
            bottom.plot(line.index, line, color=color, marker=marker, linewidth=1.2, label=label)
        bottom.set(xlabel="depth $L$", yscale="log", xlim=(0, run.cfg.gram_depths + 1))
    for panel, label in zip(
        panels[:, 0],
        (r"coefficient $\alpha_k$", f"mass beyond degree {run.cfg.truncation}", "condition number"),
        strict=True,
    ):
        panel.set_ylabel(label)
        panel.legend(loc="best", fontsize=8)
    return figure


def _kernel_error(run: Run) -> Figure:
    """Root mean square and median error of the estimate against m, with the line of theory, at the deepest L."""
    cfg = run.cfg
    depths, names = cfg.depths, cfg.activations
    figure = Figure(figsize=(1.0 + 2.9 * len(names), 0.9 + 2.6 * len(depths)))
    panels = figure.subplots(len(depths), len(names), squeeze=False, sharex=True, sharey=True)
    m = np.array(sorted(cfg.errors.features))
    for row, depth in zip(panels, depths, strict=True):
        for panel, name in zip(row, names, strict=True):
            for rho, (color, marker) in _looks([r for r in cfg.errors.rhos if r >= 0]).items():
                visible, exact = (
                    float(t[t["rho"] == rho]["value"].iloc[0])
                    for t in (run.known(q, name, depth) for q in ("visible deviation", "deviation"))
                )
                panel.plot(m, visible / np.sqrt(m), color=color, linewidth=1.2)
                for quantity, filled in (("rms error", color), ("median error", "white")):
                    rows = run.rows("error", "compositional", quantity, name, depth)
                    rows = rows[rows["rho"].astype(float) == rho]
                    values = rows.groupby("index")["value"].agg(["mean", "min", "max"])
                    bars = [values["mean"] - values["min"], values["max"] - values["mean"]]
                    label = rf"$\rho = {rho:g}$" if filled == color else None
                    panel.errorbar(
                        values.index, values["mean"], bars, fmt=marker, color=color, markerfacecolor=filled,
                        markersize=5, elinewidth=0.8, label=label,
                    )  # fmt: skip
                if rho == max(cfg.errors.rhos):
                    note = f"deviation at $\\rho$ = {rho:g}, m = {m[-1]}:\n{exact / math.sqrt(m[-1]):.2g}"
                    panel.text(0.97, 0.97, note, transform=panel.transAxes, ha="right", va="top", fontsize=7)
            panel.set(xscale="log", yscale="log")
            if depth == depths[0]:
                panel.set_title(name)
        row[0].set_ylabel(f"$L = {depth}$\nerror of the kernel estimate")
    for panel in panels[-1]:
        panel.set_xlabel("features $m$")
    panels[0, 0].plot([], [], color="0.4", label="deviation these features can show, $m^{-1/2}$")
    panels[0, 0].plot([], [], "o", color="0.4", label="root mean square")
    panels[0, 0].plot([], [], "o", color="0.4", markerfacecolor="white", label="median")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure
