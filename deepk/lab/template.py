"""The mean of n independent uniform numbers is off by 1 / sqrt(12 n).

Claim      The variance of a uniform number on [0, 1] is 1/12, and variances of independent numbers add up.
Measured   The root mean square error of many such means, for each n and seed.
Deviates   In nothing: replace this argument, and each part below, by your own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from deepk import figures
from deepk.lab import (
    Claim,
    Configuration,
    Deviation,
    Judging,
    Lab,
    Sample,
    Unit,
    bounds,
    scaled_interval,
    share,
    values,
)

# Columns of data.csv: the unit's key, then what a unit measures.
COLUMNS = ("n", "seed", "error")
# Names of the figures that `draw` returns.
FIGURES = ("error",)
# By a claim's name, why ours is known to differ, and by how much. An example:
# {"error/n=10": Deviation(measured=0.11, within=0.01, reason="guess: the paper counts n from 0")}
KNOWN_DEVIATIONS: dict[str, Deviation] = {}


@dataclass
class Config(Configuration):
    """Every value that `deepk run NAME key=value` can set, with its bound."""

    seeds: list[int] = bounds.seeds(default=[0, 1, 2, 3, 4])
    sizes: list[int] = bounds.integers(1, default=[10, 100, 1000])
    means: int = bounds.at_least(2, default=400)


def predict(cfg: Config) -> pd.DataFrame:
    """The theory, written to theory.csv."""
    return pd.DataFrame({"n": cfg.sizes, "error": [1 / np.sqrt(12 * n) for n in cfg.sizes]})


def units(cfg: Config) -> list[Unit]:
    """The independent pieces of work: each is measured in its turn, stored, and not measured again on --resume."""
    return [Unit({"n": n, "seed": seed}) for n in cfg.sizes for seed in cfg.seeds]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """The rows of one unit, without its key; `lab` lends generators, progress, the device, a checkpoint."""
    n, seed = int(unit.key["n"]), int(unit.key["seed"])
    drawn = lab.numpy_generator(seed, f"numbers {n}").random((cfg.means, n))
    lab.progress()
    return pd.DataFrame({"error": [np.sqrt(np.mean((drawn.mean(axis=1) - 0.5) ** 2))]})


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """What the tables say: each claim a header (what is claimed), and a body (what it needs, and what was measured)."""
    claim = Judging()
    for n in cfg.sizes:
        expected = float(values(theory, "error", n=n)[0])
        with claim.ours(
            f"error/n={n}",
            f"root mean square error of the mean of {n} uniform numbers",
            "variances of independent numbers add up",
            expected=expected,
            resolution=share(0.1, "a tenth: what the figure can show"),
        ) as finding:
            errors = Sample.of(values(data, "error", n=n).tolist())
            finding.gives(errors.mean, scaled_interval(errors, expected, over="seeds"))
    return claim.claims


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> dict[str, Figure]:
    """The figures: theory as a line, measurements as markers with an interval."""
    figure, (panel,) = figures.panels(1, 1)
    panel.plot(theory["n"], theory["error"], color=figures.BLACK, label="1 / sqrt(12 n)")
    (look,) = figures.series(["measured, range over seeds"])
    figures.measured(panel, data, "n", "error", look)
    panel.set(xscale="log", yscale="log", xlabel="n", ylabel="root mean square error")
    panel.legend()
    figures.note(figure, cfg, "your paper, arXiv:0000.00000", f"{cfg.means} means, {len(cfg.seeds)} seeds")
    return {"error": figure}
