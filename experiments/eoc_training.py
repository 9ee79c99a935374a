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
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deepk import activations, figures
from deepk.data import Dataset, load
from deepk.lab.contract import Lab, Unit
from deepk.meanfield import MeanField, edge_of_chaos
from deepk.networks import Epoch, accuracy, mlp, normal_, train
from deepk.networks.training import steps_per_epoch
from experiments.eoc_claims import NAMES, claims

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.schema import EocTraining

__all__ = ["claims", "draw", "measure", "predict", "units"]

COLUMNS = ("activation", "initialization", "seed", "epoch", "step", "train_loss", "test_accuracy", "status")
TIMING = ("epoch", "seconds")
FIGURES = ("accuracy-against-epoch", "accuracy-against-time")
_OVERFLOW = (
    "float32 overflows: at depth 200 and width 300 the first gradient of batch-normalized ReLU has norm 2e17 on MNIST"
)
KNOWN_DEVIATIONS = {"batch-norm-does-not-help/relu": _OVERFLOW, "table-1/mnist/relu/batch-norm": _OVERFLOW}

# The paper's colours by name, and a marker each, so that the curves stay apart in grey.
CURVES = {
    "edge-of-chaos": (NAMES["edge-of-chaos"], figures.VERMILION, "o"),
    "batch-norm": (NAMES["batch-norm"], figures.BLUE, "s"),
    "ordered": (NAMES["ordered"], figures.GREEN, "^"),
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
            slope = MeanField(name, sigma_w=sigma_w, sigma_b=sigma_b, q=q).chi_1
            rows.append((name, initialization, sigma_b, sigma_w, q, slope, slope**cfg.depth))
    columns = ["activation", "initialization", "sigma_b", "sigma_w", "q", "chi_1", "gradient_factor"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(chance=float(test_y.bincount().max()) / len(test_y), test_images=len(test_y))


def initial_point(cfg: EocTraining, activation: str, initialization: str) -> tuple[float, float, float]:
    """(sigma_b, sigma_w, q) of an initialization; the input is scaled by sqrt(q), as in the authors' script."""
    if initialization == "ordered":
        sigma_b, sigma_w = cfg.ordered_sigma_b, cfg.ordered_sigma_w
        return sigma_b, sigma_w, MeanField(activation, sigma_w=sigma_w, sigma_b=sigma_b).limiting_variance()
    point = edge_of_chaos(activation, sigma_b=cfg.sigma_b.get(activation, cfg.default_sigma_b))
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
