"""The figures of `double-descent`, from its tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from deepk import figures
from deepk.figures import BLACK
from deepk.lab import where
from experiments.double_descent import (
    BEST,
    BIAS,
    FEATURES,
    IMAGES,
    NORM,
    RISK,
    TANGENTS,
    TRAINING,
    VARIANCE,
    Config,
    ridge_name,
)
from experiments.published.linearized import DESCENT


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Risk and its parts along N / d; peaks and thresholds; the tangent model; images."""
    drawn = {
        "double-descent": _risks(theory, data, cfg),
        "decomposition": _parts(theory, data, cfg),
        "peak": _peak(theory, cfg),
        "tangents": _tangents(data, cfg),
        "images": _images(theory, data, cfg),
    }
    setting = f"{cfg.activation}, {len(cfg.seeds)} instances"
    for name, figure in drawn.items():
        figures.note(figure, cfg, DESCENT, setting, images=name == "images")
    return drawn


def _lines(
    panel: Axes, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, ridge: str, noise: float, of: str
) -> None:
    """The exact curve, and the medians of each dimension with their intervals."""
    curve = where(theory, what="curve", ridge=ridge, noise=noise, quantity=of)
    panel.plot(curve["features"], curve["value"], color=BLACK, linewidth=1.2, label="theory")
    for look, d in zip(figures.series([f"$d = {d}$" for d in cfg.dimensions]), cfg.dimensions, strict=True):
        rows = where(data, model=FEATURES, dimension=d, ridge=ridge, noise=noise, quantity=of)
        if not rows.empty:
            at = rows.assign(ratio=rows["features"] / d)
            figures.measured(panel, at, "ratio", "value", look, middle="median", interval="confidence")
    panel.axvline(cfg.samples_per_dimension, color="0.6", linewidth=0.8, linestyle="--", label="$N = n$")
    panel.set(xscale="log", yscale="log", xlabel="features per dimension $N / d$")


def _risks(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """A row for each noise, a column for each ridge."""
    names = cfg.ridge_names()
    figure, panels = figures.panels(len(cfg.noises), len(names), size=(3.9, 3.2), sharey="row", sharex=True)
    for number, panel in enumerate(panels):
        noise, ridge = cfg.noises[number // len(names)], names[number % len(names)]
        _lines(panel, theory, data, cfg, ridge, noise, RISK)
        words = "best ridge" if ridge == BEST else f"ridge {ridge}"
        panel.set_title(f"{words}, noise {noise:g}")
        if number % len(names) == 0:
            panel.set_ylabel("test error")
    figures.shared_legend(figure, panels[:1], columns=5)
    return figure


def _parts(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Bias, variance, training error and norm, at the larger ridge."""
    figure, panels = figures.panels(1, 4, size=(3.6, 3.5), sharex=True)
    ridge, level = ridge_name(max(cfg.ridges)), max(cfg.noises)
    for panel, (quantity, noise, words) in zip(
        panels,
        (
            (BIAS, 0.0, "bias"),
            (VARIANCE, 0.0, "variance"),
            (TRAINING, level, f"training error, noise {level:g}"),
            (NORM, level, f"$(N / d) |a|^2$, noise {level:g}"),
        ),
        strict=True,
    ):
        same = where(theory, noise=cfg.noises[0]).assign(noise=0.0)  # bias and variance are there for each noise
        curves = same if quantity in (BIAS, VARIANCE) else theory
        _lines(panel, curves, data, cfg, ridge, noise, quantity)
        panel.set_title(words)
    panels[0].set_ylabel(f"ridge {ridge}")
    figures.shared_legend(figure, panels[:1], columns=5)
    return figure


def _peak(theory: pd.DataFrame, cfg: Config) -> Figure:
    """Where the peak stands at each ridge, until it is gone; and the thresholds of the best ridge."""
    figure, (left, right) = figures.panels(1, 2, size=(4.6, 3.9))
    found = where(theory, what="peak")
    ridges = sorted(found["ridge"].unique(), key=float)
    for look, ridge in zip(figures.series([f"ridge {ridge}" for ridge in ridges]), ridges, strict=True):
        curve = where(found, ridge=ridge)
        x, y = curve["features"].to_numpy(float), curve["value"].to_numpy(float)
        left.plot(x, y, color=look.color, label=look.name)
        inside = np.flatnonzero((y[1:-1] > y[:-2]) & (y[1:-1] > y[2:])) + 1
        left.plot(x[inside], y[inside], look.marker, color=look.color)
    left.axvline(cfg.samples_per_dimension, color="0.6", linewidth=0.8, linestyle="--", label="$N = n$")
    left.set(xscale="log", yscale="log", xlabel="features per dimension $N / d$", ylabel="test error", title="no noise")
    left.legend(fontsize=8)
    of = where(theory, what="threshold", quantity="ratio of signal to noise")
    at = of.assign(features=of["features"].astype(float)).sort_values("features")
    finite = at[np.isfinite(at["features"])]
    right.plot(finite["features"], finite["value"], "o-", color=figures.BLUE, label="best ridge is 0 above")
    right.axhline(float(at["value"].iloc[-1]), color=BLACK, linestyle="--", label=r"infinite width: $\zeta^2$")
    right.set(xscale="log", yscale="log", xlabel="features per dimension $N / d$", ylabel="signal-to-noise ratio")
    right.minorticks_off()
    right.set_xticks(finite["features"].tolist(), [f"{width:g}" for width in finite["features"]])
    right.legend(fontsize=8)
    return figure


def _tangents(data: pd.DataFrame, cfg: Config) -> Figure:
    """Medians of the two-layer tangent model at fixed n."""
    figure, (panel,) = figures.panels(1, 1, size=(5.0, 3.9))
    for look, ridge in zip(figures.series([f"ridge {r:g}" for r in cfg.ridges]), cfg.ridges, strict=True):
        rows = where(data, model=TANGENTS, ridge=ridge_name(ridge), quantity=RISK)
        if not rows.empty:
            figures.measured(panel, rows, "features", "value", look, middle="median", interval="confidence", line="-")
    panel.axvline(cfg.tangent_samples, color="0.6", linewidth=0.8, linestyle="--", label="$N d = n$")
    d, n, noise = cfg.tangent_dimension, cfg.tangent_samples, max(cfg.noises)
    panel.set(xscale="log", yscale="log", xlabel="parameters $N d$", ylabel="test error")
    panel.set_title(f"two-layer tangent model, d = {d}, n = {n}, noise {noise:g}")
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.legend()
    return figure


def _images(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Measured medians beside the equivalent with the images' own spectrum."""
    figure, (panel,) = figures.panels(1, 1, size=(5.0, 3.9))
    for look, ridge in zip(figures.series([f"ridge {r:g}" for r in cfg.image_ridges]), cfg.image_ridges, strict=True):
        curve = where(theory, what=IMAGES, ridge=ridge_name(ridge)).sort_values("features")
        panel.plot(curve["features"], curve["value"], color=look.color, linewidth=1)
        rows = where(data, model=IMAGES, ridge=ridge_name(ridge), quantity=RISK)
        if not rows.empty:
            figures.measured(panel, rows, "features", "value", look, middle="median", interval="confidence")
    panel.axvline(cfg.image_samples, color="0.6", linewidth=0.8, linestyle="--", label="$N = n$")
    panel.set(xscale="log", yscale="log", xlabel="features $N$", ylabel="error on all images, targets of mean square 1")
    panel.set_title(f"{cfg.data.name}: markers measured, lines by the spectrum of its kernel", fontsize=10)
    panel.legend()
    return figure
