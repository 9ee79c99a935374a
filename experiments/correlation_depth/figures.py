"""The figures of `correlation-depth`, from its tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepk import figures
from deepk.figures import Series
from deepk.lab import where
from deepk.statistics import median_interval
from experiments.correlation_depth import FOLLOWS, Config
from experiments.correlation_depth.claims import KEY, within_theory
from experiments.published.edge_of_chaos import ARXIV

RATIOS = (0.03, 30.0)  # measured over predicted 1 - c^l, as far as it is drawn
ASYMPTOTIC = 30  # the layer from which the asymptotes are drawn


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """The paper's figure with its asymptotes, the departure at finite width, and the decay off the edge."""
    drawn = {
        "impact-of-smoothness": _smoothness(theory, data),
        "finite-width": _departure(theory, data, cfg),
        "depth-scales": _off_edge(theory, data),
    }
    size = cfg.simulation
    networks = f"{size.networks * len(cfg.seeds)} random networks of width {size.width}"
    for figure in drawn.values():
        figures.note(figure, cfg, ARXIV, networks, f"c0 = {cfg.c0:g}")
    return drawn


def _curves(theory: pd.DataFrame) -> list[tuple[Series, pd.DataFrame]]:
    """The look and the theory of each case on the edge or residual, in the order of the table."""
    groups = where(theory, case=["edge", "residual"]).groupby(KEY, sort=False)
    tables = [rows for _, rows in groups]
    return list(zip(figures.series(_name(rows) for rows in tables), tables, strict=True))


def _name(rows: pd.DataFrame) -> str:
    case, activation, sigma_w = rows[KEY].iloc[0]
    return rf"residual relu, $\sigma_w^2 = {sigma_w**2:.3g}$" if case == "residual" else str(activation)


def _of(data: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The measurements of the case that these rows of theory are of, with the theory's value beside."""
    key = [*KEY, "layer"]
    return data.merge(rows[[*key, "complement", "limit", "follows_until"]], on=key, suffixes=("", "_theory"))


def _smoothness(theory: pd.DataFrame, data: pd.DataFrame) -> Figure:
    """1 - c^l against the layer: theory, its asymptote, and random networks as long as they follow."""
    figure, (panel,) = figures.panels(1, 1, size=(8.0, 5.2))
    for look, rows in _curves(theory):
        panel.plot(rows["layer"], rows["complement"], color=look.color, label=look.name)
        late = rows[rows["layer"] >= ASYMPTOTIC]
        panel.plot(late["layer"], late["asymptote"], color=look.color, linestyle=":", linewidth=1.2)
        _medians(panel, within_theory(_of(data, rows)), look._replace(name="_nolegend_"))
    panel.plot([], [], color="0.4", linestyle=":", label=r"$\beta_q / l$, and $9\pi^2 / 2 l^2$ (over $\gamma$)")
    panel.errorbar([], [], [], fmt="o", color="0.4", label="random networks: median, its 99 % interval")
    panel.set(xscale="log", yscale="log", xlabel="layer $l$", ylabel="$1 - c^l$, complement of the correlation")
    panel.set_ylim(bottom=theory.loc[theory["case"] == "edge", "complement"].min() / 3, top=3)
    panel.legend(loc="lower left")
    return figure


def _medians(panel: Axes, rows: pd.DataFrame, look: Series, minus: float = 0.0) -> None:
    """Distance of the median over networks from `minus`, with its interval, as long as it can be told from zero."""
    kept = []
    for _, networks in rows.groupby("layer"):
        middle, low, high = median_interval(networks["complement"].tolist())
        if abs(middle - minus) <= (high - low) / 2:
            break  # from here on it is noise
        kept.append(networks.assign(distance=(networks["complement"] - minus) * np.sign(middle - minus)))
    if kept:
        shown = pd.concat(kept)
        figures.measured(panel, shown, "layer", "distance", look, middle="median", interval="confidence")


def _departure(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Measured over predicted 1 - c^l, beyond the layers in which networks follow, for each activation on its edge."""
    curves = [(look, rows) for look, rows in _curves(theory) if (rows["case"] == "edge").all()]
    figure, panels = figures.panels(1, len(curves), size=(2.9 + 1.0 / len(curves), 3.6), sharey=True)
    for panel, (look, rows) in zip(panels, curves, strict=True):
        color, networks = look.color, _of(data, rows)
        groups = networks.assign(ratio=networks["complement"] / networks["complement_theory"]).groupby("layer")["ratio"]
        x = groups.median().index / cfg.simulation.width
        low, high = groups.quantile(0.05), groups.quantile(0.95)
        panel.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0, label="5-95 %")
        panel.plot(x, groups.median(), color=color, marker="o", label="median")
        seen = (groups.mean() < RATIOS[1]).cummin()  # Swish's mean is carried away by single networks
        mean = groups.mean().where(seen)
        panel.plot(x, mean, color=color, marker="s", linestyle="--", markerfacecolor="white", label="mean")
        panel.axhline(1.0, color=figures.BLACK, linewidth=1.0, label="theory, infinite width")
        panel.axvline(FOLLOWS, color="0.5", linewidth=1.0, linestyle=":", label="a fifth of the width")
        panel.set(title=look.name, xscale="log", yscale="log", xlabel="layer / width", ylim=RATIOS)
    panels[0].set_ylabel("$1 - c^l$ over theory")
    figures.shared_legend(figure, panels[:1], columns=5)
    return figure


def _off_edge(theory: pd.DataFrame, data: pd.DataFrame) -> Figure:
    """The distance to the limit against the layer, in the ordered and in the chaotic phase."""
    figure, panels = figures.panels(1, 2, size=(4.25, 3.8))
    for panel, case, color in zip(panels, ("ordered", "chaotic"), (figures.GREEN, figures.BLUE), strict=True):
        rows = where(theory, case=case)
        limit, scale = float(rows["limit"].iloc[0]), float(rows["depth_scale"].iloc[0])
        distance = (rows["complement"] - (1 - limit)).abs()
        panel.plot(rows["layer"], distance, color=color, label="theory")
        slope = distance.iloc[0] * np.exp(-(rows["layer"] - rows["layer"].iloc[0]) / scale)
        panel.plot(rows["layer"], slope, color="0.4", linestyle=":", label=rf"$e^{{-l/\xi_c}}$, $\xi_c = {scale:.3f}$")
        networks = Series("networks: median, 99 % interval", color, "o")
        _medians(panel, _of(data, rows), networks, minus=1 - limit)
        point = rf"$(\sigma_b, \sigma_w) = ({rows['sigma_b'].iloc[0]:g}, {rows['sigma_w'].iloc[0]:g})$"
        panel.set(title=f"{case}: tanh at {point}", yscale="log", xlabel="layer $l$", ylim=(1e-12, 3))
        panel.legend()
    panels[0].set_ylabel("$|c^l - c^*|$")
    return figure
