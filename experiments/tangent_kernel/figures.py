"""The figures of `tangent-kernel`, from its tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from deepk import figures
from deepk.figures import BLACK
from deepk.lab import where
from experiments.published.deep_equals_shallow import ARXIV
from experiments.tangent_kernel import FEATURES, TANGENT, Config
from experiments.tangent_kernel.claims import WORDS, deviations


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """Both kernels at every depth with networks beside them, and how all three come near their limits."""
    drawn = {"kernels": _kernels(theory, data, cfg), "finite-width": _finite_width(theory, data, cfg)}
    for figure in drawn.values():
        figures.note(figure, cfg, ARXIV, f"{cfg.activation}, {len(cfg.seeds)} seeds, {cfg.steps} steps")
    return drawn


def _kernels(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Divided by their values at equal inputs, so that depths share an axis; markers at the greatest width."""
    figure, panels = figures.panels(1, 2, size=(5.0, 4.2))
    depths = sorted({*cfg.layers, cfg.deep})
    for panel, quantity, words in zip(
        panels, (FEATURES, TANGENT), (r"$K(\rho)$", r"$\Theta(\rho) / \Theta(1)$"), strict=True
    ):
        for look, layers in zip(figures.series([f"$L = {layers}$" for layers in depths]), depths, strict=True):
            curve = where(theory, layers=layers, quantity=quantity, grid="curve")
            at_one = float(curve["value"].iloc[0])
            panel.plot(np.cos(curve["angle"]), curve["value"] / at_one, color=look.color, label=look.name)
            rows = where(data, layers=layers, quantity=quantity, width=max(cfg.widths))
            if not rows.empty:
                relative = rows.assign(rho=np.cos(rows["angle"]), relative=rows["value"] / at_one)
                figures.measured(panel, relative, "rho", "relative", look._replace(name=""))
        panel.set(title=quantity, xlabel=r"$\rho = \langle x, y \rangle$", ylabel=words)
    figures.shared_legend(figure, panels[:1], columns=len(depths))
    return figure


def _finite_width(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> Figure:
    """Root mean square over angles against width, seed by seed; the line falls like the root of the width."""
    figure, panels = figures.panels(1, len(WORDS), size=(4.2, 3.9), sharex=True)
    for panel, (quantity, words) in zip(panels, WORDS.items(), strict=True):
        highest = 0.0
        for look, layers in zip(figures.series([f"$L = {layers}$" for layers in cfg.layers]), cfg.layers, strict=True):
            if where(data, layers=layers, quantity=quantity).empty:
                continue
            found = deviations(theory, data, layers, quantity)
            figures.measured(panel, found, "width", "deviation", look, interval="confidence")
            highest = max(highest, float(found["deviation"].max()))
        widths = np.array(sorted(cfg.widths), float)
        panel.plot(widths, highest * (widths / widths[0]) ** -0.5, ":", color=BLACK, label=r"$m^{-1/2}$")
        panel.set(title=words, xscale="log", yscale="log", xlabel="width $m$")
        panel.set_xticks(cfg.widths, [str(width) for width in cfg.widths])
        panel.minorticks_off()
    panels[0].set_ylabel("root mean square over angles")
    figures.shared_legend(figure, panels[:1], columns=len(cfg.layers) + 1)
    return figure
