"""Test accuracies of a run of `eoc-training`, and how far those of a guess, or two of them, are apart by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import attrgetter

import pandas as pd
from scipy.special import ndtri

from deepk.lab import Tolerance, needs, present, where
from deepk.statistics import binomial_deviation, binomial_half_width, simultaneous
from experiments.eoc_training import Config
from experiments.published import eoc_training as paper
from experiments.published.eoc_training import ORDERED, SIGMA_B, Cell

LEVEL = 0.99  # two-sided, of every interval


@dataclass(frozen=True)
class Run:
    """The tables of a run, asked for accuracies in percent."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Config

    def ends(self, activation: str, initialization: str, *, epoch: int | None = None, time: float = 0.0) -> list[float]:
        """Test accuracy in percent of each seed after `epoch`, or the `last`; NaN for one that diverged by then.

        Seeds that have not come so far are left out. Silent for a training that is absent, or that no seed has taken so
        far, or where the epoch ends before `time`, in learning rate x steps, and none has diverged.
        """
        at = epoch or self.last((activation, initialization))
        rows = present(self.data, activation=activation, initialization=initialization)
        lost = (rows["status"] == "diverged") & (rows["epoch"] <= at)
        rows = rows.assign(percent=100 * rows["test_accuracy"].astype(float).mask(lost))[lost | (rows["epoch"] == at)]
        needs(not rows.empty, f"no seed of {activation}, {initialization}, has reached epoch {at} yet")
        spent = self.cfg.learning_rate * float(rows["step"].max())
        enough = lost.any() or spent >= time * (1 - 1e-9)  # rounding of the product
        needs(enough, f"learning rate x steps is {spent:.3g}, and the claim needs {time:g}")
        ends: list[float] = rows.sort_values("seed")["percent"].tolist()
        return ends

    def last(self, *trainings: tuple[str, str]) -> int:
        """The last epoch that all seeds of these (activation, initialization) have reached; diverged ones aside."""
        reached = []
        for activation, initialization in trainings:
            rows = present(self.data, activation=activation, initialization=initialization)
            going = rows.groupby("seed").filter(lambda seed: (seed["status"] != "diverged").all())
            if not going.empty:
                reached.append(int(going.groupby("seed")["epoch"].max().min()))
        return min(reached, default=self.cfg.epochs)

    def lost(self, *trainings: tuple[str, str]) -> str:
        """Which seeds of some (activation, initialization) diverged, in words."""
        rows = pd.concat([where(self.data, activation=a, initialization=i, status="diverged") for a, i in trainings])
        keys = rows[["activation", "initialization", "seed", "epoch"]].to_numpy()
        words = [f"{activation} {start} seed {seed} at epoch {epoch}" for activation, start, seed, epoch in keys]
        return f"diverged: {', '.join(words)}" if words else ""

    @property
    def images(self) -> str:
        """Which they are, and how they are encoded; of tables without that column the configuration says it."""
        return str(self.theory["images"].iloc[0] if "images" in self.theory else self.cfg.data.name)

    @property
    def chance(self) -> float:
        """Percentage that the best constant guess gets right."""
        return 100 * float(self.theory["chance"].iloc[0])

    @property
    def test_images(self) -> int:
        """How many the test set has."""
        return int(self.theory["test_images"].iloc[0])

    def guessing(self, seeds: int) -> Tolerance:
        """Of the best or the worst of some accuracies at chance."""
        width = binomial_half_width(self.chance / 100, self.test_images, level=simultaneous(LEVEL, seeds))
        return Tolerance(
            100 * width, f"99 % binomial interval of a guess on {self.test_images} images, for {seeds} at once"
        )

    def difference(self) -> Tolerance:
        """Of a difference of two accuracies on this test set, where they scatter most, at one half."""
        deviation = math.sqrt(2) * binomial_deviation(0.5, self.test_images)
        width = 100 * float(ndtri((1 + LEVEL) / 2)) * deviation
        return Tolerance(
            width, f"99 % interval of a difference of two accuracies on {self.test_images} images, at most"
        )


def other_setting(run: Run, cell: Cell) -> str:
    """In what a run was made at another setting than a printed cell, in words, or nothing."""
    cfg, images = run.cfg, run.images.split(",")[0]
    wanted = {**paper.SETTING, "data.train_size": None, "data.test_size": None}
    if cell.initialization == ORDERED:
        wanted |= {"ordered_sigma_b": 1.0, "ordered_sigma_w": 1.0}
    ours = {key: attrgetter(key)(cfg) for key in wanted}
    other = [] if images == cell.data else [f"data.name={images}, not {cell.data}"]
    other += [f"{key}={ours[key]}, not {value}" for key, value in wanted.items() if ours[key] != value]
    if cell.initialization != ORDERED:
        if cell.activation not in SIGMA_B:
            return f"the paper does not say where its {cell.activation} starts on the edge"
        other += off_the_edge(cfg, cell.activation)
    other += [f"epochs={cfg.epochs}, not {cell.epoch}"] if cfg.epochs < cell.epoch else []
    return "; ".join(other)


def off_the_edge(cfg: Config, activation: str) -> list[str]:
    """The sigma_b of this run where it is not the authors' for an activation, in words."""
    ours, theirs = cfg.sigma_b.get(activation), SIGMA_B[activation]
    return [] if ours == theirs else [f"sigma_b.{activation}={ours}, not {theirs}"]
