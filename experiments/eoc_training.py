"""A network of depth 200 trains on the edge of chaos, and stays at chance in the ordered phase.

(Hayou, Doucet, Rousseau 2019, arXiv:1902.06853: training curves and both tables of test accuracy.)

Claim      chi_1 = sigma_w^2 E phi'(sqrt(q) Z)^2 is the mean-square factor by which a gradient changes in one layer. On
           the edge of chaos chi_1 = 1 and a gradient crosses 200 layers; in the ordered phase it shrinks by
           chi_1^200 (below 1e-40 here) and nothing is learnt. Smooth activations learn faster than ReLU; batch
           normalization on the edge does not help.
Measured   Test accuracy after each epoch of plain SGD on the cross entropy, for each activation, initialization and
           seed; mean and 5-95 % band over seeds, against epochs and against seconds of training.
Deviates   sigma_w and q are solved for at the authors' sigma_b, where their script rounds them to 2-4 digits. The
           point (sigma_b, sigma_w) = (1, 1) of the ordered phase is printed for one figure of Tanh only; we take it for
           all activations. The parameters of shifted softplus are not printed; we take its edge at q = 1. Depth counts
           weight matrices, output included, and only the hidden layers are batch-normalized. At laptop scale the
           network is narrower, the images are 8x8 digits and the steps are fewer: the published accuracies are then
           not comparable, the order of the curves is. Batch-normalized ReLU overflows float32 at its second step: at
           depth 200 and width 300 its first gradient on MNIST has norm 2e17 in the first layer. It is recorded as
           diverged where the paper prints 93 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deepk import activations, figures
from deepk.data import Dataset, load
from deepk.lab.claims import Claim
from deepk.lab.contract import Lab, Unit, flat
from deepk.meanfield import chi_1, edge_of_chaos, limiting_variance
from deepk.networks import Epoch, accuracy, mlp, normal_, train
from deepk.networks.training import steps_per_epoch
from deepk.statistics import Sample, binomial_deviation, welch_half_width
from experiments.published.eoc_training import (
    BY_EPOCH,
    BY_EPOCH_TABLE,
    BY_INITIALIZATION,
    BY_INITIALIZATION_TABLE,
    PAPER,
    RUNS,
    SETTING,
    SIGMA_B,
    Printed,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.schema import EocTraining

COLUMNS = ("activation", "initialization", "seed", "epoch", "step", "train_loss", "test_accuracy", "status")
TIMING = ("epoch", "seconds")
FIGURES = ("accuracy-against-epoch", "accuracy-against-time")
KNOWN_DEVIATIONS: dict[str, str] = {}

Training = tuple[str, str]  # activation, initialization

# The paper's colours by name, and a marker each, so that the curves stay apart in grey.
CURVES = {
    "edge-of-chaos": ("edge of chaos", figures.VERMILION, "o"),
    "batch-norm": ("edge of chaos + batch norm", figures.BLUE, "s"),
    "ordered": ("ordered phase", figures.GREEN, "^"),
}

# --- theory -----------------------------------------------------------------------------------------------------------


def predict(cfg: EocTraining) -> pd.DataFrame:
    """Where each network starts, the factor chi_1^depth on its gradients, and the accuracy of the best constant guess.

    chi_1 is that of the network without batch normalization.
    """
    test_y = _data(cfg).test_y
    rows = []
    for name in cfg.activations:
        for initialization in cfg.initializations:
            sigma_b, sigma_w, q = initial_point(cfg, name, initialization)
            slope = chi_1(activations.get(name), sigma_w=sigma_w, q=q)
            rows.append((name, initialization, sigma_b, sigma_w, q, slope, slope**cfg.depth))
    columns = ["activation", "initialization", "sigma_b", "sigma_w", "q", "chi_1", "gradient_factor"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(chance=float(test_y.bincount().max()) / len(test_y), test_images=len(test_y))


def initial_point(cfg: EocTraining, activation: str, initialization: str) -> tuple[float, float, float]:
    """(sigma_b, sigma_w, q) of an initialization; the input is scaled by sqrt(q), as in the authors' script."""
    phi = activations.get(activation)
    if initialization == "ordered":
        sigma_b, sigma_w = cfg.ordered_sigma_b, cfg.ordered_sigma_w
        return sigma_b, sigma_w, limiting_variance(phi, sigma_w=sigma_w, sigma_b=sigma_b)
    point = edge_of_chaos(phi, sigma_b=cfg.sigma_b.get(activation, cfg.default_sigma_b))
    return point.sigma_b, point.sigma_w, point.q


# --- measurement ------------------------------------------------------------------------------------------------------


def units(cfg: EocTraining) -> list[Unit]:
    """A training for each activation, initialization and seed; a step is a batch."""
    steps = cfg.epochs * steps_per_epoch(len(_data(cfg).train_x), cfg.batch_size)
    return [
        Unit({"activation": activation, "initialization": initialization, "seed": seed}, steps)
        for activation in cfg.activations
        for initialization in cfg.initializations
        for seed in cfg.seeds
    ]


def measure(cfg: EocTraining, unit: Unit, lab: Lab) -> pd.DataFrame:
    """One training: a row for each epoch, the last one marked where the loss diverged.

    The same seed draws the same weights (up to sigma) and the same batches for every activation and initialization.
    """
    activation, initialization = str(unit.key["activation"]), str(unit.key["initialization"])
    seed = int(unit.key["seed"])
    sigma_b, sigma_w, q = initial_point(cfg, activation, initialization)
    data = _data(cfg)
    train_x, test_x = (x.to(lab.device) * math.sqrt(q) for x in (data.train_x, data.test_x))
    train_y, test_y = data.train_y.to(lab.device), data.test_y.to(lab.device)

    network = mlp(
        train_x.shape[1],
        len(data.classes),
        activations.get(activation),
        depth=cfg.depth,
        width=cfg.width,
        batch_norm=initialization == "batch-norm",
    )
    normal_(network, sigma_w=sigma_w, sigma_b=sigma_b, generator=lab.generator(seed, "weights"))
    network.to(lab.device)
    batches = lab.generator(seed, "batches")

    rows: list[dict[str, float | int | str]] = []
    after = None
    if (state := lab.restore()) is not None:
        network.load_state_dict(state["network"])
        batches.set_state(state["batches"])
        rows, after = state["rows"], Epoch(*state["after"])
        lab.progress(after.step, epoch=after.number)

    for epoch in train(
        network,
        train_x,
        train_y,
        learning_rate=cfg.learning_rate,
        batch_size=cfg.batch_size,
        epochs=cfg.epochs,
        generator=batches,
        after=after,
        on_step=lab.progress,
    ):
        share = accuracy(network, test_x, test_y)
        rows.append(
            {
                "epoch": epoch.number,
                "step": epoch.step,
                "train_loss": epoch.train_loss,
                "test_accuracy": share,
                "status": "diverged" if epoch.diverged else "ok",
                "seconds": epoch.seconds,
            }
        )
        lab.progress(0, epoch=epoch.number, accuracy=share)
        lab.checkpoint(
            {
                "network": network.state_dict(),
                "batches": batches.get_state(),
                "rows": rows,
                "after": [epoch.number, epoch.step, epoch.train_loss, epoch.seconds],
            }
        )
    return pd.DataFrame(rows)


def _data(cfg: EocTraining) -> Dataset:
    data = cfg.data
    return load(
        data.name,
        root=data.root,
        train_size=data.train_size,
        test_size=data.test_size,
        image_size=data.image_size,
    )


# --- claims -----------------------------------------------------------------------------------------------------------

# Gradient descent's own clock is learning rate x steps. One epoch of MNIST at the paper's values is 0.0938 of it.
# Within that, ELU and Tanh leave chance on MNIST (results/reference/eoc-training); for ReLU the paper's first number
# is after ten epochs.
SMOOTH_TIME, PRINTED_TIME = 0.0938, 0.938
# Three binomial standard deviations: chance exceeds them once in 700 times.
SIGMAS = 3.0
# A gradient that has shrunk to less than this in mean square moves no weight of float32 within any training here.
VANISHED = 1e-6
# With two seeds a 99 % interval is 64 standard errors wide, and nothing could differ.
INTERVAL_SEEDS = 3


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: EocTraining) -> list[Claim]:
    """Every cell of both tables, then what the paper concludes from them."""
    run = Run(theory, data, cfg)
    return [*_cells(run), *_at_chance(run), *_learns(run), *_faster_than_relu(run), *_batch_norm(run)]


@dataclass(frozen=True)
class Run:
    """The tables of a run, asked for accuracies in percent. A training is (activation, initialization)."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: EocTraining

    def rows(self, training: Training) -> pd.DataFrame:
        """The rows of a training, all seeds."""
        activation, initialization = training
        return self.data[(self.data["activation"] == activation) & (self.data["initialization"] == initialization)]

    def accuracies(self, training: Training, *, epoch: int | None = None, diverged: float = math.nan) -> list[float]:
        """Test accuracy in percent of each seed after `epoch`, by default the last; `diverged` if it diverged."""
        until = self.rows(training)
        last = until[until["epoch"] <= (epoch or self.cfg.epochs)].sort_values("epoch").groupby("seed").tail(1)
        cells = zip(last["status"], last["test_accuracy"], strict=True)
        return [diverged if status == "diverged" else 100 * float(accuracy) for status, accuracy in cells]

    def diverged(self, *trainings: Training) -> str:
        """Which seeds of the trainings diverged, in words."""
        rows = pd.concat([self.rows(training) for training in trainings])
        key = rows.loc[rows["status"] == "diverged", ["activation", "initialization", "seed", "epoch"]].to_numpy()
        where = [
            f"{activation} {initialization} seed {seed} at epoch {epoch}"
            for activation, initialization, seed, epoch in key
        ]
        return f"diverged: {', '.join(where)}" if where else ""

    def silent(self, *trainings: Training, time: float = 0.0, seeds: int = 1) -> str:
        """Why the run cannot speak of these trainings (absent, too few seeds, too short), or nothing."""
        for training in trainings:
            count = self.rows(training)["seed"].nunique()
            if count == 0:
                return f"{' '.join(training)} is not in this run"
            if count < seeds:
                return f"an interval test needs {seeds} seeds; {count} here"
        spent = self.cfg.learning_rate * float(self.data["step"].max())
        if spent < time * (1 - 1e-9):  # rounding of the product
            return f"learning rate x steps is {spent:.3g}; the claim needs {time:g}"
        return ""

    @property
    def chance(self) -> float:
        """Percentage that the best constant guess gets right."""
        return 100 * float(self.theory["chance"].iloc[0])

    def noise(self, percent: float) -> float:
        """Three binomial standard deviations of an accuracy on this test set, in percent."""
        images = int(self.theory["test_images"].iloc[0])
        return 100 * SIGMAS * binomial_deviation(percent / 100, images)


def _cells(run: Run) -> Iterator[Claim]:
    """Each printed accuracy, against ours after the same epoch."""
    for data, activation, initialization, printed in BY_INITIALIZATION:
        name = f"table-1/{data}/{activation}/{initialization}"
        yield _cell(run, name, data, (activation, initialization), 100, printed)
    for data, activation, epoch, printed in BY_EPOCH:
        name = f"table-2/{data}/{activation}/epoch-{epoch}"
        yield _cell(run, name, data, (activation, "edge-of-chaos"), epoch, printed)


def _cell(run: Run, name: str, data: str, training: Training, epoch: int, printed: Printed) -> Claim:
    activation, initialization = training
    blocked = _other_setting(run.cfg, data, training, epoch) or run.silent(training, seeds=INTERVAL_SEEDS)
    ours = None if blocked else Sample.of(run.accuracies(training, epoch=epoch))
    # Where the two tables print different numbers for the same cell, the nearer one is taken.
    mean = min(printed.means, key=lambda mean: abs(mean - ours.mean)) if ours else printed.means[0]
    interval = welch_half_width(Sample(mean, printed.deviation, RUNS), ours) if ours else 0.0
    return Claim(
        name=name,
        statement=f"test accuracy (%) of {activation}, {CURVES[initialization][0]}, on {data} after {epoch} epochs",
        source=f"{PAPER}, {printed.where}",
        published=mean,
        precision=0.005,
        relation="=",
        expected=mean,
        measured=ours.mean if ours else None,
        tolerance=0.0 if math.isnan(interval) else interval,
        reason=f"99 % Welch interval of the paper's +-{printed.deviation} over {RUNS} runs and the spread of our seeds",
        blocked=blocked,
        explanation="" if blocked else "; ".join(filter(None, [run.diverged(training), printed.remark])),
    )


def _other_setting(cfg: EocTraining, data: str, training: Training, epoch: int) -> str:
    """How this run's setting is not the table's, or nothing."""
    activation, initialization = training
    wanted = {"data.name": data, **SETTING, "data.train_size": None, "data.test_size": None}
    if initialization == "ordered":
        wanted |= {"ordered_sigma_b": 1.0, "ordered_sigma_w": 1.0}
    elif activation in SIGMA_B:
        wanted |= {f"sigma_b.{activation}": SIGMA_B[activation]}
    ours = flat(cfg)
    other = [f"{key}={ours.get(key)}, not {value}" for key, value in wanted.items() if ours.get(key) != value]
    if cfg.epochs < epoch:
        other.append(f"epochs={cfg.epochs}, not {epoch}")
    return "; ".join(other)


def _at_chance(run: Run) -> Iterator[Claim]:
    for activation in run.cfg.activations:
        training = (activation, "ordered")
        start = run.theory[(run.theory["activation"] == activation) & (run.theory["initialization"] == "ordered")]
        shallow = (start["gradient_factor"] > VANISHED).any()
        blocked = run.silent(training) or ("too shallow: gradients do not vanish at this depth" if shallow else "")
        yield Claim(
            name=f"ordered-at-chance/{activation}",
            statement=f"{activation} in the ordered phase stays at chance: its best seed's test accuracy (%)",
            source=f"{PAPER}, {BY_INITIALIZATION_TABLE}, column Ord Phase",
            relation="<=",
            expected=run.chance,
            measured=None if blocked else _extreme(max, run.accuracies(training)),
            tolerance=run.noise(run.chance),
            reason="the best constant guess on this test set, and three binomial standard deviations",
            blocked=blocked,
            explanation="" if blocked else run.diverged(training),
        )


def _learns(run: Run) -> Iterator[Claim]:
    for activation, time in (("relu", PRINTED_TIME), ("elu", SMOOTH_TIME), ("tanh", SMOOTH_TIME)):
        training = (activation, "edge-of-chaos")
        blocked = run.silent(training, time=time)
        yield Claim(
            name=f"edge-of-chaos-learns/{activation}",
            statement=f"{activation} on the edge of chaos learns: its worst seed's test accuracy (%) is above chance",
            source=f"{PAPER}, {BY_INITIALIZATION_TABLE}, column EOC",
            relation=">=",
            expected=run.chance + run.noise(run.chance),
            measured=None if blocked else _extreme(min, run.accuracies(training)),
            tolerance=0.0,
            reason="none needed: expected is three binomial standard deviations above the best constant guess",
            blocked=blocked,
            explanation="" if blocked else run.diverged(training),
        )


def _faster_than_relu(run: Run) -> Iterator[Claim]:
    for activation in ("elu", "tanh"):
        smooth, kinked = (activation, "edge-of-chaos"), ("relu", "edge-of-chaos")
        blocked = run.silent(smooth, kinked, time=SMOOTH_TIME)
        lead = _extreme(min, run.accuracies(smooth)) - _extreme(max, run.accuracies(kinked)) if not blocked else None
        yield Claim(
            name=f"smooth-faster-than-relu/{activation}",
            statement=f"at equal epoch {activation} is ahead of ReLU: its worst seed minus ReLU's best (%)",
            source=f"{PAPER}, {BY_EPOCH_TABLE}",
            relation=">=",
            expected=run.noise(50.0) * math.sqrt(2),
            measured=lead,
            tolerance=0.0,
            reason="none needed: expected is three standard deviations of a difference of accuracies on this test set",
            blocked=blocked,
            explanation="" if blocked else run.diverged(smooth, kinked),
        )


def _batch_norm(run: Run) -> Iterator[Claim]:
    for activation in ("relu", "elu", "tanh"):
        plain, normalized = (activation, "edge-of-chaos"), (activation, "batch-norm")
        blocked = run.silent(plain, normalized, time=SMOOTH_TIME)
        ours, theirs = (run.accuracies(training, diverged=run.chance) for training in (plain, normalized))
        yield Claim(
            name=f"batch-norm-does-not-help/{activation}",
            statement=f"batch normalization does not put {activation} ahead: best seed without minus worst with it (%)",
            source=f"{PAPER}, {BY_INITIALIZATION_TABLE}, columns EOC and EOC + BN",
            relation=">=",
            expected=0.0,
            measured=None if blocked else max(ours) - min(theirs),
            tolerance=run.noise(50.0) * math.sqrt(2),
            reason="three standard deviations of a difference of accuracies; a diverged seed counts as constant guess",
            blocked=blocked,
            explanation="" if blocked else run.diverged(plain, normalized),
        )


def _extreme(pick: Callable[[Sequence[float]], float], values: Sequence[float]) -> float:
    """The largest or smallest value; NaN where one is NaN, since a diverged seed has no accuracy to rank."""
    return math.nan if any(math.isnan(value) for value in values) else pick(values)


# --- figures ----------------------------------------------------------------------------------------------------------


def draw(theory: pd.DataFrame, data: pd.DataFrame, cfg: EocTraining) -> dict[str, Figure]:
    """Test accuracy against epoch and against seconds of training, a panel for each activation."""
    # Seeds take different times for the same epoch; the curve needs one abscissa: their mean.
    seconds = data.groupby(["activation", "initialization", "epoch"])["seconds"].transform("mean")
    timed = data.assign(seconds=seconds, percent=100 * data["test_accuracy"])
    return {
        "accuracy-against-epoch": _panels(theory, timed, cfg, "epoch", "epoch"),
        "accuracy-against-time": _panels(theory, timed, cfg, "seconds", "training time (s)"),
    }


def _panels(theory: pd.DataFrame, data: pd.DataFrame, cfg: EocTraining, x: str, label: str) -> Figure:
    columns = min(len(cfg.activations), 4)
    rows = -(-len(cfg.activations) // columns)
    figure = Figure(figsize=(1.2 + 3.1 * columns, 0.9 + 3.0 * rows))
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for panel, activation in zip(panels.flat, cfg.activations, strict=False):
        _panel(panel, theory, data[data["activation"] == activation], x)
        panel.set(title=activation, xlabel=label)
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=x == "epoch"))
    for panel in panels.flat[len(cfg.activations) :]:
        panel.set_axis_off()
    for panel in panels[:, 0]:
        panel.set_ylabel("test accuracy (%)")
    figure.legend(*panels.flat[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    seeds = f"{len(cfg.seeds)} seeds, band 5-95 %" if len(cfg.seeds) > 1 else "1 seed"
    setting = f"depth {cfg.depth}, width {cfg.width}, SGD {cfg.learning_rate:g}, batch {cfg.batch_size}"
    figures.corner_note(figure, f"{cfg.data.name}, scale {cfg.scale}; {setting}; {seeds}")
    return figure


def _panel(panel: Axes, theory: pd.DataFrame, data: pd.DataFrame, x: str) -> None:
    lost = []
    for initialization, (name, color, marker) in CURVES.items():
        curve = data[data["initialization"] == initialization]
        if not curve.empty:
            figures.plot_with_band(panel, curve, x=x, y="percent", label=name, color=color, marker=marker)
        if count := curve.loc[curve["status"] == "diverged", "seed"].nunique():
            lost.append(f"{name}: {count} of {curve['seed'].nunique()} diverged")
    panel.text(0.97, 0.97, "\n".join(lost), transform=panel.transAxes, ha="right", va="top", fontsize=8)
    chance = 100 * float(theory["chance"].iloc[0])
    panel.axhline(chance, color=figures.BLACK, linewidth=1, linestyle="--", label="best constant guess")
    panel.set_ylim(0, 100)
