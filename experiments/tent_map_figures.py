"""The figures of `tent-map`, from its tables."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from deepk import figures
from deepk.dynamics import get_map
from experiments.tent_map_claims import STATED, Run, layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.schema import TentMap

_FORMULAS = {  # of a map and of its slope
    "golden": (r"$f(x) = \varphi|x| - 1$", r"\varphi"),
    "tent": (r"$f(x) = 2\,\min(x, 1 - x)$", "2"),
}


def _formula(cfg: TentMap) -> tuple[str, str]:
    return _FORMULAS.get(cfg.map, (cfg.map, rf"{float(get_map(cfg.map).lipschitz):.4g}"))


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: TentMap) -> dict[str, Figure]:
    """Errors against depth, compositions and epochs; what is left open; and the digits of floats."""
    run = Run(theory, data, cfg)
    found = {
        "depth-sweep": _depth_sweep(run),
        "compositions": _compositions(run),
        "training": _training(run),
        "sensitivity": _sensitivity(run),
        "digits": _digits(run),
    }
    setting = f"{cfg.map} map, width {cfg.width}, {cfg.points} points, Adam {cfg.learning_rate:g}"
    setting += f", batch {cfg.batch_size}, {cfg.epochs} epochs; scale {cfg.scale}; "
    seeds = f"{setting}{len(cfg.seeds)} seeds and their range"
    digits = f"{cfg.map} map, {cfg.float_points} points; scale {cfg.scale}"
    notes = {"sensitivity": f"{setting}seed {cfg.seeds[0]}", "digits": digits}
    for name, figure in found.items():
        figures.corner_note(figure, notes.get(name, seeds))
    return found


def _against_depth(panel: Axes, run: Run, task: str, n: int, quantity: str, look: tuple[str, str, str, str]) -> None:
    """Mean over seeds at the last epoch, with their range."""
    color, marker, style, label = look
    rows = run.data[(run.data["task"] == task) & (run.data["compositions"] == n) & (run.data["setting"] == STATED)]
    rows = rows[(rows["quantity"] == quantity) & (rows["epoch"] == run.cfg.epochs)]
    values = rows.groupby("depth")["value"].agg(["mean", "min", "max"])
    bars = [values["mean"] - values["min"], values["max"] - values["mean"]]
    panel.errorbar(
        values.index, values["mean"], bars, fmt=f"{marker}{style}", color=color, markersize=5, elinewidth=1, label=label
    )


def _depth_sweep(run: Run) -> Figure:
    """As on the slides: the easy and the hard task against depth, and the sign errors of the easy one."""
    cfg = run.cfg
    figure = Figure(figsize=(13.0, 4.6))
    easy, hard, absolute, signs = figure.subplots(1, 4)
    easy.sharey(hard)
    train = (figures.BLUE, "o", "-", "training points")
    fresh = (figures.SKY, "s", "--", "fresh points")
    noise = (figures.PURPLE, "^", ":", "shuffled labels, training")
    for panel, n, words in ((easy, cfg.easy, "easy"), (hard, cfg.hard, "hard")):
        _against_depth(panel, run, "regression", n, "train mse", train)
        _against_depth(panel, run, "regression", n, "fresh mse", fresh)
        _against_depth(panel, run, "shuffled", n, "train mse", noise)
        panel.axhline(run.known("mse", n), color=figures.BLACK, linewidth=1.2, label="best constant")
        panel.set(title=f"{words}: {n} compositions", ylabel="mean square error", ylim=(0, None))
    _against_depth(absolute, run, "regression", cfg.hard, "fresh mae", fresh)
    absolute.axhline(run.known("mae", cfg.hard), color=figures.BLACK, linewidth=1.2, label="best constant")
    bounds = pd.Series({depth: run.known("mean L1 bound", cfg.hard, depth) for depth in cfg.depths}).sort_index()
    absolute.plot(bounds.index, bounds, color=figures.ORANGE, label="theorem's bound")
    absolute.set(title="hard, in the theorem's unit", ylabel="mean absolute error", ylim=(0, None))
    for n, color, marker in ((cfg.easy, figures.GREEN, "D"), (cfg.hard, figures.VERMILION, "v")):
        look = (color, marker, "-", f"{n} compositions")
        _against_depth(signs, run, "classification", n, "train sign error", look)
        signs.axhline(run.known("sign error", n), color=color, linewidth=1, linestyle=":")
    signs.set(title="classification", ylabel="share of wrong signs, training", ylim=(0, None))
    signs.legend(fontsize=8)
    for panel in (easy, hard, absolute, signs):
        panel.set(xlabel="hidden layers", xticks=sorted(cfg.depths))
    handles = dict(zip(*hard.get_legend_handles_labels()[::-1], strict=True))
    handles |= dict(zip(*absolute.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=5)
    return figure


def _compositions(run: Run) -> Figure:
    """Errors on fresh points against the number of compositions: where learning ends, for each depth."""
    cfg = run.cfg
    figure = Figure(figsize=(10.0, 4.4))
    panels = figure.subplots(1, 2)
    formula, _ = _formula(cfg)
    ns = sorted({*cfg.compositions, cfg.easy, cfg.hard})
    for panel, error, words in zip(panels, ("mse", "mae"), ("mean square", "mean absolute"), strict=True):
        for depth, color, marker in zip(sorted(cfg.depths), cycle(figures.PALETTE), cycle(figures.MARKERS)):
            rows = pd.concat([run.ends("regression", n, depth) for n in ns])
            errors = rows[rows["quantity"] == f"fresh {error}"].groupby("compositions")["value"]
            panel.plot(errors.mean(), color=color, marker=marker, label=layers(depth))
            panel.vlines(errors.min().index, errors.min(), errors.max(), color=color, linewidth=1)
            if error == "mae":
                bounds = [run.known("mean L1 bound", n, depth) for n in ns]
                panel.plot(ns, bounds, color=color, linewidth=1, linestyle=":")
        panel.plot(ns, [run.known(error, n) for n in ns], color=figures.BLACK, linewidth=1.2, label="best constant")
        panel.set(xlabel=f"compositions of {formula}", ylabel=f"{words} error on fresh points", ylim=(0, None))
    panels[1].plot([], [], color="0.4", linewidth=1, linestyle=":", label="theorem's bound")
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _training(run: Run) -> Figure:
    cfg = run.cfg
    figure = Figure(figsize=(9.0, 4.2))
    panels = figure.subplots(1, 2, sharey=True)
    for panel, n, words in zip(panels, (cfg.easy, cfg.hard), ("easy", "hard"), strict=True):
        for depth, color, marker in zip(sorted(cfg.depths), cycle(figures.PALETTE), cycle(figures.MARKERS)):
            rows = run.trainings("regression", n, depth)
            groups = rows[rows["quantity"] == "train mse"].groupby("epoch")["value"].agg(["mean", "min", "max"])
            panel.plot(groups.index, groups["mean"], color=color, marker=marker, label=layers(depth))
            panel.fill_between(groups.index, groups["min"], groups["max"], color=color, alpha=0.2, linewidth=0)
        panel.axhline(run.known("mse", n), color=figures.BLACK, linewidth=1.2, label="best constant")
        panel.set(title=f"{words}: {n} compositions", xlabel="epoch", ylim=(0, None))
    panels[0].set_ylabel("mean square error, training points")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def _sensitivity(run: Run) -> Figure:
    """Training errors of the first seed at other settings, beside the floor of the stated one."""
    cfg, d = run.cfg, run.data
    first = d[(d["task"] == "regression") & (d["seed"] == cfg.seeds[0]) & (d["epoch"] == cfg.epochs)]
    first = first[first["quantity"] == "train mse"]
    settings = list(dict.fromkeys([STATED, *first["setting"]]))
    low, high = (float(end) for end in get_map(cfg.map).interval)
    constant = f"best constant on [{low:g}, {high:g}]"
    figure = Figure(figsize=(10.0, 4.4))
    panels = figure.subplots(1, 2, sharey=True)
    for panel, n, words in zip(panels, (cfg.easy, cfg.hard), ("easy", "hard"), strict=True):
        for setting, color, marker in zip(settings, cycle(figures.PALETTE), cycle(figures.MARKERS)):
            line = first[(first["setting"] == setting) & (first["compositions"] == n)].set_index("depth")["value"]
            line = line.sort_index()
            panel.plot(line.index, line, color=color, marker=marker, label=setting)
        panel.axhline(run.known("mse", n), color="0.5", linestyle="--", linewidth=1.2, label=constant)
        panel.set(title=f"{words}: {n} compositions", xlabel="hidden layers", xticks=sorted(cfg.depths), ylim=(0, None))
    panels[0].set_ylabel("mean square error, training points")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _digits(run: Run) -> Figure:
    """What is left of f^n in floats."""
    d, (formula, symbol) = run.data, _formula(run.cfg)
    slope = float(get_map(run.cfg.map).lipschitz)
    figure = Figure(figsize=(9.0, 4.0))
    errors, signs = figure.subplots(1, 2)
    n, bottom = np.arange(1, run.cfg.hard + 1), 1e-17
    if (d.loc[d["quantity"].str.endswith(" error") & (d["part"] == "digits"), "value"] == 0).any():
        errors.set_title("(0 is drawn at the bottom)", fontsize=10)
    for name, color, marker, bits in (("float32", figures.VERMILION, "o", 24), ("float64", figures.BLUE, "s", 53)):
        for panel, quantity, least in ((errors, "error", bottom), (signs, "wrong signs", 0.0)):
            line = d[d["quantity"] == f"{name} {quantity}"].set_index("compositions")["value"].sort_index()
            panel.plot(line.index, line.clip(lower=least), marker, color=color, markersize=4, label=name)
        label = rf"${symbol}^n\, 2^{{-{bits}}}$"
        errors.plot(n, slope**n * 2.0**-bits, color=color, linewidth=1, label=label)
    rare = run.known("sign error", run.cfg.hard)
    signs.axhline(2 * rare * (1 - rare), color=figures.BLACK, linewidth=1, label="independent points")
    errors.set(xlabel=f"compositions of {formula}", ylabel="mean error of $f^n(x)$", yscale="log", ylim=(bottom / 2, 3))
    signs.set(xlabel=f"compositions of {formula}", ylabel="share of wrong signs")
    errors.legend()
    signs.legend()
    return figure
