"""The look that all figures share, and the pieces they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk.statistics import Sample, mean_half_width, median_interval

if TYPE_CHECKING:
    import pandas as pd

STYLE = Path(__file__).parent / "deepk.mplstyle"

# Okabe and Ito's palette by name, for series that keep their colour across figures.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")  # beside the colours, so that series stay apart in grey
BAND = (5.0, 95.0)  # percentiles over seeds, as in Hayou et al.'s figures


@contextmanager
def house_style() -> Iterator[None]:
    """Draws with deepk.mplstyle alone, whatever the user's own matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.style.use(STYLE)
        yield


def close_all(figures: Iterable[Figure]) -> None:
    """Frees the memory of figures that have been written."""
    for figure in figures:
        figure.clear()


class Series(NamedTuple):
    """What tells one series from the others, in colour and in grey."""

    name: str
    color: str
    marker: str


def series(names: Iterable[str]) -> list[Series]:
    """A colour and a marker for each name, in the order of the palette."""
    return [Series(*look) for look in zip(names, cycle(PALETTE), cycle(MARKERS), strict=False)]


def panels(
    rows: int, columns: int, *, size: tuple[float, float] = (4.5, 4.0), **layout: Any
) -> tuple[Figure, list[Axes]]:
    """A figure of rows x columns panels, row by row, of `size` inches each; `layout` goes to `Figure.subplots`."""
    figure = Figure(figsize=(size[0] * columns, size[1] * rows))
    grid = figure.subplots(rows, columns, squeeze=False, **layout)
    return figure, list(grid.flat)


def shared_legend(figure: Figure, sources: Iterable[Axes], *, columns: int = 4) -> None:
    """One legend above all panels, with each label of these panels once."""
    entries: dict[str, Any] = {}
    for panel in sources:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(list(entries.values()), list(entries), loc="outside upper center", ncols=columns)


def measured(
    panel: Axes,
    table: pd.DataFrame,
    x: str,
    y: str,
    look: Series,
    *,
    middle: Literal["mean", "median"] = "mean",
    interval: Literal["range", "confidence"] = "range",
    line: str = "",
    level: float = 0.99,
) -> None:
    """Markers at the mean or median of `y` at each `x`, with the range of its values or its confidence interval.

    The confidence interval is the t-interval of a mean, or the order-statistics interval of a median, at `level`; of a
    single value there is none. `line` is the style that joins the markers. The label is the look's name.
    """
    groups = [(at, rows[y].to_numpy(dtype=np.float64)) for at, rows in table.groupby(x)]
    center = np.array([getattr(np, middle)(values) for _, values in groups])
    ends = np.array([_ends(values, middle, interval, level) for _, values in groups]).reshape(-1, 2)
    bars = [center - ends[:, 0], ends[:, 1] - center]
    panel.errorbar(
        [float(at) for at, _ in groups],  # type: ignore[arg-type]
        center,
        bars,
        fmt=f"{look.marker}{line}",
        color=look.color,
        markersize=5,
        elinewidth=1,
        label=look.name,
    )


def _ends(values: np.ndarray, middle: str, interval: str, level: float) -> tuple[float, float]:
    if interval == "range" or len(values) < 2:
        return float(values.min()), float(values.max())
    if middle == "median":
        return median_interval(values.tolist(), level=level)[1:]
    sample = Sample.of(values.tolist())
    half = mean_half_width(sample, level=level)
    return sample.mean - half, sample.mean + half


def note(figure: Figure, cfg: Any, paper: str, *setting: str, images: bool = True) -> None:
    """Says in the lower right corner what a figure was made from: setting, images, scale, and the paper.

    `paper` is its arXiv id, so that a slide keeps its source; `cfg` gives the scale, and the images where it has them
    and the figure shows them.
    """
    shown = [str(cfg.data.name)] if images and hasattr(cfg, "data") else []
    text = "; ".join([*setting, *shown, f"scale {cfg.scale}", paper])
    figure.supxlabel(text, x=0.995, ha="right", fontsize=8, color="0.45")


def plot_with_band(axes: Axes, table: pd.DataFrame, *, x: str, y: str, label: str, color: str, marker: str) -> None:
    """The mean over seeds of `y` at each `x`, with the 5-95 percentile band, and markers for at most 20 points."""
    groups = table.groupby(x)[y]
    mean, low, high = groups.mean(), groups.quantile(BAND[0] / 100), groups.quantile(BAND[1] / 100)
    every = max(1, -(-len(mean) // 20))
    axes.plot(mean.index, mean, color=color, marker=marker, markevery=every, label=label)
    axes.fill_between(mean.index, low, high, color=color, alpha=0.2, linewidth=0)
