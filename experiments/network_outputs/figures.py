"""The figures of `network-outputs`, from its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from deepk import figures
from deepk.figures import Series
from deepk.lab import where
from experiments.network_outputs import Config
from experiments.network_outputs.claims import axis
from experiments.published.edge_of_chaos import ARXIV

if TYPE_CHECKING:
    from mpl_toolkits.mplot3d import Axes3D

LOOKS = (
    Series("ordered", figures.GREEN, "o"),
    Series("edge", figures.VERMILION, "s"),
    Series("chaotic", figures.BLUE, "^"),
)


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """The first seed's output as a surface in each phase, and the change between neighbours against theory."""
    drawn = {"output-surfaces": _surfaces(theory, data), "change-between-neighbours": _changes(theory, data, cfg)}
    setting = f"{cfg.activation}, width {cfg.width}, depth {cfg.depth}"
    figures.note(drawn["output-surfaces"], cfg, ARXIV, "output of one random network", f"seed {_first(data)}", setting)
    figures.note(drawn["change-between-neighbours"], cfg, ARXIV, f"neighbours {cfg.step:g} apart", setting)
    return drawn


def _first(data: pd.DataFrame) -> int:
    """The seed whose whole plane is kept."""
    return int(data["seed"].iloc[0])


def _title(theory: pd.DataFrame, phase: str) -> str:
    row = where(theory, phase=phase).iloc[0]
    name = "edge of chaos" if phase == "edge" else f"{phase} phase"
    return f"{name}\n" + rf"$(\sigma_b, \sigma_w) = ({row['sigma_b']:g}, {row['sigma_w']:.4g})$"


def _surfaces(theory: pd.DataFrame, data: pd.DataFrame) -> Figure:
    figure, panels = figures.panels(1, len(LOOKS), size=(3.85, 4.3), subplot_kw={"projection": "3d"})
    for panel, look in zip(panels, LOOKS, strict=True):
        _surface(cast("Axes3D", panel), where(data, phase=look.name, seed=_first(data)))
        panel.set_title(_title(theory, look.name), y=0.94)
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


def _changes(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    figure, (panel,) = figures.panels(1, 1, size=(7.5, 4.2))
    networks = f"{len(cfg.seeds)} random networks: median and range"
    for look in LOOKS:
        line = where(theory, phase=look.name).sort_values("a_1")
        known = np.sqrt(line["change"].where(line["change"] > 0))  # not where it was rounded away
        panel.plot(line["a_1"], known, color=look.color, label=_title(theory, look.name).replace("\n", ", "))
        rows = axis(where(data, phase=look.name))
        rows = rows.assign(root=np.sqrt(rows["change"]))
        figures.measured(panel, rows, "a_1", "root", look._replace(name="_"), middle="median")
    panel.errorbar([], [], [], color="0.4", fmt="o", label=networks)
    panel.set(yscale="log", xlabel="$a_1$, with $a_2 = 0$", ylabel="root mean square change to the neighbour")
    figures.shared_legend(figure, [panel], columns=2)
    return figure
