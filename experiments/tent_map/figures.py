"""The figures of `tent-map`, from its tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk import figures
from deepk.dynamics import get_map
from deepk.figures import Series
from deepk.lab import once, only, where
from experiments.published.depth_width import ARXIV
from experiments.tent_map import ONCE, STATED, Config
from experiments.tent_map.claims import layers

_FORMULAS = {  # of a map and of its slope
    "golden": (r"$f(x) = \varphi|x| - 1$", r"\varphi"),
    "tent": (r"$f(x) = 2\,\min(x, 1 - x)$", "2"),
}


def _formula(cfg: Config) -> tuple[str, str]:
    """A map and its slope as figures write them."""
    return _FORMULAS.get(cfg.map, (cfg.map, rf"{float(get_map(cfg.map).lipschitz):.4g}"))


@dataclass(frozen=True)
class Run:
    """A run's tables, asked for what is drawn."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Config

    def floor(self, quantity: str, n: int, depth: int = 0) -> float:
        """An error of the best constant on n compositions; with a depth, a bound for it."""
        return only(self.theory, quantity=quantity, compositions=n, depth=depth)

    def stated(self, task: str, n: int, quantity: str, **at: object) -> pd.DataFrame:
        """Errors of trainings with nothing swept."""
        return where(self.data, task=task, compositions=n, setting=STATED, quantity=quantity, **at)


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Errors against depth, compositions and epochs; what is left open; and the digits of floats."""
    run = Run(theory, once(data, cfg.seeds[0], part=ONCE), cfg)
    drawn = {
        "depth-sweep": _depth_sweep(run),
        "compositions": _compositions(run),
        "training": _training(run),
        "sensitivity": _sensitivity(run),
        "digits": _digits(run),
    }
    setting = f"{cfg.map} map, width {cfg.width}, {cfg.points} points, Adam {cfg.learning_rate:g}, "
    setting += f"batch {cfg.batch_size}, {cfg.epochs} epochs"
    seeds = {"sensitivity": [setting, f"seed {cfg.seeds[0]}"], "digits": [f"{cfg.map} map, {cfg.float_points} points"]}
    for name, figure in drawn.items():
        figures.note(figure, cfg, ARXIV, *seeds.get(name, [setting, f"{len(cfg.seeds)} seeds and their range"]))
    return drawn


def _against_depth(panel: Axes, run: Run, task: str, n: int, quantity: str, look: Series, line: str) -> None:
    """Mean over seeds at the last epoch, with their range."""
    rows = run.stated(task, n, quantity, epoch=run.cfg.epochs)
    figures.measured(panel, rows, "depth", "value", look, line=line)


def _depth_sweep(run: Run) -> Figure:
    """As on the slides: the easy and the hard task against depth, and the sign errors of the easy one."""
    cfg = run.cfg
    figure, (easy, hard, absolute, signs) = figures.panels(1, 4, size=(3.25, 4.6))
    easy.sharey(hard)
    train = Series("training points", figures.BLUE, "o"), "-"
    fresh = Series("fresh points", figures.SKY, "s"), "--"
    noise = Series("shuffled labels, training", figures.PURPLE, "^"), ":"
    for panel, n, words in ((easy, cfg.easy, "easy"), (hard, cfg.hard, "hard")):
        _against_depth(panel, run, "regression", n, "train mse", *train)
        _against_depth(panel, run, "regression", n, "fresh mse", *fresh)
        _against_depth(panel, run, "shuffled", n, "train mse", *noise)
        panel.axhline(run.floor("mse", n), color=figures.BLACK, linewidth=1.2, label="best constant")
        panel.set(title=f"{words}: {n} compositions", ylabel="mean square error", ylim=(0, None))
    _against_depth(absolute, run, "regression", cfg.hard, "fresh mae", *fresh)
    absolute.axhline(run.floor("mae", cfg.hard), color=figures.BLACK, linewidth=1.2, label="best constant")
    bounds = [run.floor("mean L1 bound", cfg.hard, depth) for depth in sorted(cfg.depths)]
    absolute.plot(sorted(cfg.depths), bounds, color=figures.ORANGE, label="theorem's bound")
    absolute.set(title="hard, in the theorem's unit", ylabel="mean absolute error", ylim=(0, None))
    for n, color, marker in ((cfg.easy, figures.GREEN, "D"), (cfg.hard, figures.VERMILION, "v")):
        look = Series(f"{n} compositions", color, marker)
        _against_depth(signs, run, "classification", n, "train sign error", look, "-")
        constant = run.floor("sign error", n)
        signs.axhline(constant, color=color, linewidth=1, linestyle=":", label=f"one sign always, {n}")
    signs.set(title="classification", ylabel="share of wrong signs, training", ylim=(0, None))
    signs.legend(fontsize=8)
    for panel in (easy, hard, absolute, signs):
        panel.set(xlabel="hidden layers", xticks=sorted(cfg.depths))
    figures.shared_legend(figure, (hard, absolute), columns=5)
    return figure


def _compositions(run: Run) -> Figure:
    """Errors on fresh points against the number of compositions: where learning ends, for each depth."""
    cfg, (formula, _) = run.cfg, _formula(run.cfg)
    ns = sorted({*cfg.compositions, cfg.easy, cfg.hard})
    looks = dict(zip(sorted(cfg.depths), figures.series(map(layers, sorted(cfg.depths))), strict=True))
    figure, panels = figures.panels(1, 2, size=(5.0, 4.4))
    for panel, error, words in zip(panels, ("mse", "mae"), ("mean square", "mean absolute"), strict=True):
        for depth, look in looks.items():
            at = {"task": "regression", "setting": STATED, "depth": depth, "epoch": cfg.epochs}
            rows = where(run.data, **at, compositions=ns, quantity=f"fresh {error}")
            figures.measured(panel, rows, "compositions", "value", look, line="-")
            if error == "mae":
                bounds = [run.floor("mean L1 bound", n, depth) for n in ns]
                panel.plot(ns, bounds, color=look.color, linewidth=1, linestyle=":")
        panel.plot(ns, [run.floor(error, n) for n in ns], color=figures.BLACK, linewidth=1.2, label="best constant")
        panel.set(xlabel=f"compositions of {formula}", ylabel=f"{words} error on fresh points", ylim=(0, None))
    panels[1].plot([], [], color="0.4", linewidth=1, linestyle=":", label="theorem's bound")
    figures.shared_legend(figure, panels)
    return figure


def _training(run: Run) -> Figure:
    """Training errors of the easy and the hard task against epochs, the range over seeds shaded."""
    cfg = run.cfg
    figure, panels = figures.panels(1, 2, size=(4.5, 4.2), sharey=True)
    for panel, n, words in zip(panels, (cfg.easy, cfg.hard), ("easy", "hard"), strict=True):
        for depth, look in zip(sorted(cfg.depths), figures.series(map(layers, sorted(cfg.depths))), strict=True):
            rows = run.stated("regression", n, "train mse", depth=depth)
            groups = rows.groupby("epoch")["value"].agg(["mean", "min", "max"])
            panel.plot(groups.index, groups["mean"], color=look.color, marker=look.marker, label=look.name)
            panel.fill_between(groups.index, groups["min"], groups["max"], color=look.color, alpha=0.2, linewidth=0)
        panel.axhline(run.floor("mse", n), color=figures.BLACK, linewidth=1.2, label="best constant")
        panel.set(title=f"{words}: {n} compositions", xlabel="epoch", ylim=(0, None))
    panels[0].set_ylabel("mean square error, training points")
    figures.shared_legend(figure, panels[:1], columns=3)
    return figure


def _sensitivity(run: Run) -> Figure:
    """Training errors of the first seed at other settings, beside the floor of the stated one."""
    cfg = run.cfg
    at = {"task": "regression", "seed": cfg.seeds[0], "epoch": cfg.epochs, "quantity": "train mse"}
    first = where(run.data, **at)
    settings = list(dict.fromkeys([STATED, *first["setting"]]))
    low, high = (float(end) for end in get_map(cfg.map).interval)
    constant = f"best constant on [{low:g}, {high:g}]"
    figure, panels = figures.panels(1, 2, size=(5.0, 4.4), sharey=True)
    for panel, n, words in zip(panels, (cfg.easy, cfg.hard), ("easy", "hard"), strict=True):
        for look in figures.series(settings):
            line = where(first, setting=look.name, compositions=n).set_index("depth")["value"].sort_index()
            panel.plot(line.index, line, color=look.color, marker=look.marker, label=look.name)
        panel.axhline(run.floor("mse", n), color="0.5", linestyle="--", linewidth=1.2, label=constant)
        panel.set(title=f"{words}: {n} compositions", xlabel="hidden layers", xticks=sorted(cfg.depths), ylim=(0, None))
    panels[0].set_ylabel("mean square error, training points")
    figures.shared_legend(figure, panels[:1])
    return figure


def _digits(run: Run) -> Figure:
    """What is left of f^n in floats."""
    digits, (formula, symbol) = where(run.data, part="digits"), _formula(run.cfg)
    slope = float(get_map(run.cfg.map).lipschitz)
    figure, (errors, signs) = figures.panels(1, 2)
    n, bottom = np.arange(1, run.cfg.hard + 1), 1e-17
    if (digits.loc[digits["quantity"].str.endswith(" error"), "value"] == 0).any():
        errors.set_title("(0 is drawn at the bottom)", fontsize=10)
    for name, color, marker, bits in (("float32", figures.VERMILION, "o", 24), ("float64", figures.BLUE, "s", 53)):
        for panel, quantity, least in ((errors, "error", bottom), (signs, "wrong signs", 0.0)):
            line = where(digits, quantity=f"{name} {quantity}").set_index("compositions")["value"].sort_index()
            panel.plot(line.index, line.clip(lower=least), marker, color=color, markersize=4, label=name)
        label = rf"${symbol}^n\, 2^{{-{bits}}}$"
        errors.plot(n, slope**n * 2.0**-bits, color=color, linewidth=1, label=label)
    rare = run.floor("sign error", run.cfg.hard)
    signs.axhline(2 * rare * (1 - rare), color=figures.BLACK, linewidth=1, label="independent points")
    errors.set(xlabel=f"compositions of {formula}", ylabel="mean error of $f^n(x)$", yscale="log", ylim=(bottom / 2, 3))
    signs.set(xlabel=f"compositions of {formula}", ylabel="share of wrong signs")
    errors.legend()
    signs.legend()
    return figure
