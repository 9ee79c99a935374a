"""The look that all figures share, and the pieces they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.style
from matplotlib.figure import Figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

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


def corner_note(figure: Figure, text: str) -> None:
    """Says in the lower right corner what the figure was made from: scale, data set, seeds."""
    figure.supxlabel(text, x=0.995, ha="right", fontsize=8, color="0.45")


def plot_with_band(axes: Axes, table: pd.DataFrame, *, x: str, y: str, label: str, color: str, marker: str) -> None:
    """The mean over seeds of `y` at each `x`, with the 5-95 percentile band, and markers for at most 20 points."""
    groups = table.groupby(x)[y]
    mean, low, high = groups.mean(), groups.quantile(BAND[0] / 100), groups.quantile(BAND[1] / 100)
    every = max(1, -(-len(mean) // 20))
    axes.plot(mean.index, mean, color=color, marker=marker, markevery=every, label=label)
    axes.fill_between(mean.index, low, high, color=color, alpha=0.2, linewidth=0)
