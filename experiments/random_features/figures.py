"""The figures of `random-features`, from its tables: accuracies, here, and kernels."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk import figures
from deepk.figures import Series
from deepk.lab import where
from experiments.published.compositional_kernels import ARXIV
from experiments.random_features import EXACT, Config
from experiments.random_features.claims import LATE
from experiments.random_features.kernel_figures import coefficients, kernel_error
from experiments.random_features.tables import Run


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Accuracy against epoch; printed beside ours; classifiers against L; what is left open; kernels; their errors."""
    run = Run(theory, data, cfg)
    found = {
        "accuracy": _accuracy(run),
        "table": _table(run),
        "classifiers": _classifiers(run),
        "sensitivity": _sensitivity(run),
        "coefficients": coefficients(run),
        "kernel-error": kernel_error(run),
    }
    center, count = "centered" if cfg.centered else "un-centered", len(cfg.seeds)
    trained = [f"{cfg.protocol} protocol, {center}, m = {cfg.features}"]
    trained += [f"SGD {cfg.learning_rate:g}, batch {cfg.batch_size}", f"{count} {'seeds' if count > 1 else 'seed'}"]
    trained += [run.images] if run.images != cfg.data.name else []
    series = f"{center}, degree <= {cfg.truncation}"
    settings = {
        "coefficients": [f"{series}, m = {cfg.features}"],
        "kernel-error": [series, f"{cfg.errors.runs} runs"],
    }
    for name, figure in found.items():
        figures.note(figure, cfg, ARXIV, *settings.get(name, trained))
    return found


def _has_print(run: Run) -> bool:
    """Whether the paper prints accuracies of this protocol and these images."""
    return math.isfinite(run.printed("test", run.cfg.activations[0], run.cfg.depths[0]))


def _late(panel: Axes, late: pd.DataFrame, at: float, *, across: bool = False, label: str) -> None:
    """Accuracy (%) at the last epoch, with the range of late epochs and seeds."""
    middle = 100 * float(late.iloc[-1].mean())
    bars = [[middle - 100 * late.to_numpy().min()], [100 * late.to_numpy().max() - middle]]
    x, y, xerr, yerr = (middle, at, bars, None) if across else (at, middle, None, bars)
    panel.errorbar(x, y, yerr, xerr, fmt="o", color=figures.BLUE, markersize=4.5, elinewidth=1, label=label)


def _accuracy(run: Run) -> Figure:
    """A panel for each depth, as in the paper: training solid, test dashed."""
    cfg = run.cfg
    figure, panels = figures.panels(1, len(cfg.depths), size=(4.0, 4.4), sharey=True)
    for panel, depth in zip(panels, cfg.depths, strict=True):
        for look in figures.series(cfg.activations):
            for split, style in (("train", "-"), ("test", "--")):
                _curve(panel, run, look, depth, split, style)
        panel.set(title=f"{run.images}: $L = {depth}$", xlabel="epoch")
    panels[0].set_ylabel("accuracy (%)")
    low = min(panel.get_ylim()[0] for panel in panels)
    panels[0].set_ylim(max(low, 0), None)
    panels[0].plot([], [], "--", color="0.4", label="test")
    if _has_print(run):
        panels[0].plot([], [], "o", color="0.4", markersize=7, label="printed: training")
        panels[0].plot([], [], "o", color="0.4", markerfacecolor="white", markersize=7, label="printed: test")
    figures.shared_legend(figure, panels[:1])
    return figure


def _curve(panel: Axes, run: Run, look: Series, depth: int, split: str, style: str) -> None:
    """Mean and range over seeds of one accuracy (%), and the printed one behind the last epoch."""
    at = 100 * run.trainings(split, look.name, depth)
    label = f"{look.name}, training" if split == "train" else None
    panel.plot(at.index, at.mean(axis=1), style, color=look.color, marker=look.marker, markersize=3, label=label)
    panel.fill_between(at.index, at.min(axis=1), at.max(axis=1), color=look.color, alpha=0.15, linewidth=0)
    printed, face = 100 * run.printed(split, look.name, depth), look.color if split == "train" else "white"
    where_to = 1.06 * run.cfg.epochs
    panel.plot(where_to, printed, look.marker, color=look.color, markerfacecolor=face, markersize=7, clip_on=False)


def _table(run: Run) -> Figure:
    """Every cell: printed, and ours at the last epoch with the range of late evaluations of all seeds."""
    rows = [(name, depth) for name in run.cfg.activations for depth in run.cfg.depths]
    figure, panels = figures.panels(1, 2, size=(4.5, 1.5 + 0.32 * len(rows)), sharey=True)
    for panel, split, words in zip(panels, ("train", "test"), ("training", "test"), strict=True):
        for y, (name, depth) in enumerate(rows):
            late = run.trainings(split, name, depth).tail(LATE)
            _late(panel, late, y, across=True, label="ours at the last epoch; range of late epochs and seeds")
            if split == "test":
                ridge = 100 * run.ridge(name, depth).mean()
                panel.plot(ridge, y, "d", color=figures.GREEN, markersize=5, label="ridge regression, same features")
            if math.isfinite(printed := 100 * run.printed(split, name, depth)):
                panel.plot(printed, y, "x", color=figures.VERMILION, markersize=8, label="printed")
        panel.set(xlabel=f"{words} accuracy (%)", ylim=(len(rows) - 0.5, -0.5))
        panel.set_yticks(range(len(rows)), [f"{name}, L = {depth}" for name, depth in rows])
    figures.shared_legend(figure, panels, columns=3)
    return figure


def _classifiers(run: Run) -> Figure:
    """Test accuracy against L of SGD, of ridge regression on the same features, and of the exact kernel."""
    names, depths = run.cfg.activations, run.cfg.depths
    figure, panels = figures.panels(1, len(names), size=(3.2, 4.2), sharey=True)
    subset = min(run.cfg.subset, int(run.known("training images")))
    for panel, name in zip(panels, names, strict=True):
        late = [run.trainings("test", name, depth).tail(LATE) for depth in depths]
        for depth, table in zip(depths, late, strict=True):
            _late(panel, table, depth, label="SGD")
        panel.plot(depths, [100 * table.iloc[-1].mean() for table in late], color=figures.BLUE)
        ridge = [100 * run.ridge(name, depth).mean() for depth in depths]
        panel.plot(depths, ridge, "s--", color=figures.GREEN, label="ridge, same features")
        kernel = [100 * run.mean("exact kernel", name, depth, features="exact kernel") for depth in depths]
        panel.plot(depths, kernel, "^:", color=figures.PURPLE, label=f"exact kernel, {subset} images")
        for baseline, color, words in (
            ("rbf", figures.ORANGE, "RBF features"),
            ("linear", figures.SKY, "raw pixels"),
        ):
            best = 100 * run.mean("ridge", features=baseline)
            panel.axhline(best, color=color, linewidth=1.2, label=f"{words}, ridge")
            if baseline in run.cfg.baselines:
                sgd = 100 * run.mean(baseline, features=baseline, index=run.cfg.epochs)
                panel.axhline(sgd, color=color, linewidth=1.2, linestyle="--", label=f"{words}, SGD")
        panel.set(title=name, xlabel="depth $L$", xticks=depths)
    panels[0].set_ylabel("test accuracy (%)")
    figures.shared_legend(figure, panels[:1])
    return figure


def _sensitivity(run: Run) -> Figure:
    """Training accuracy at the last epoch against batch size, and against Monte Carlo samples: what is not stated."""
    cfg, names = run.cfg, run.cfg.activations
    figure, panels = figures.panels(2, len(names), size=(3.2, 3.3), sharey="row")
    last = where(run.data, index=cfg.epochs, quantity="train accuracy", features="compositional")
    for above, below, name in zip(panels[: len(names)], panels[len(names) :], names, strict=True):
        for depth, look in zip(cfg.depths, figures.series(f"$L = {depth}$" for depth in cfg.depths), strict=True):
            here = where(last, activation=name, depth=depth)
            by_size = 100 * where(here, samples=EXACT).groupby("batch_size")["value"].mean()
            above.plot(by_size.index, by_size, color=look.color, marker=look.marker, label=look.name)
            swept = 100 * here[here["samples"] > EXACT].groupby("samples")["value"].mean()
            below.plot(swept.index, swept, color=look.color, marker=look.marker)
            below.axhline(float(by_size[cfg.batch_size]), color=look.color, linewidth=1, linestyle=":")
            for panel in (above, below):
                panel.axhline(100 * run.printed("train", name, depth), color=look.color, linewidth=5, alpha=0.2)
        _label_sweeps(above, below, sorted({cfg.batch_size, *cfg.batch_sizes}), swept=bool(cfg.samples))
        above.set_title(name)
    for panel in (panels[0], panels[len(names)]):
        panel.set_ylabel("training accuracy (%)\nat the last epoch")
    if _has_print(run):
        panels[0].plot([], [], color="0.4", linewidth=5, alpha=0.3, label="printed")
    panels[0].plot([], [], color="0.4", linewidth=1, linestyle=":", label="exact coefficients")
    figures.shared_legend(figure, panels[:1], columns=6)
    return figure


def _label_sweeps(above: Axes, below: Axes, sizes: list[int], *, swept: bool) -> None:
    """The axes of one activation's panels, of which the lower one may have nothing to show."""
    above.set(xscale="log", xlabel="batch size")
    above.set_xticks(sizes, [str(size) for size in sizes], minor=False)
    above.minorticks_off()
    below.set_xlabel("Monte Carlo samples of coefficients")
    if swept:
        below.set_xscale("log")
    else:
        below.set_xticks([])
        below.text(0.5, 0.5, "not swept", transform=below.transAxes, ha="center", color="0.4")
