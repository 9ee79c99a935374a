"""eoc-training: what its claims conclude from tables, and that a training survives an interruption bit for bit."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cli import configuration
from deepk.activations import get
from deepk.lab import contract
from deepk.lab.claims import Claim, Verdict
from deepk.lab.contract import Lab, Unit
from deepk.meanfield import edge_of_chaos
from experiments import eoc_training
from experiments.published.eoc_training import BY_EPOCH, BY_INITIALIZATION, EDGE_POINTS, SIGMA_B

SIGMA_W = {activation: exact for activation, _, _, exact in EDGE_POINTS}
INITIALIZATIONS = ("edge-of-chaos", "batch-norm", "ordered")


def compose(scale: str, *overrides: str) -> Any:
    with configuration.session("eoc-training") as hydra:
        return configuration.compose(hydra, "eoc-training", scale, list(overrides))


def tables(cfg: Any, final: dict[tuple[str, str], list[float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Theory and data of a run on MNIST in which each seed of each training ended at the given accuracy (%)."""
    steps = 938 * cfg.epochs
    rows = [
        (activation, initialization, seed, epoch, steps * epoch // cfg.epochs, 1.0, accuracy / 100, "ok")
        for (activation, initialization), accuracies in final.items()
        for seed, accuracy in enumerate(accuracies)
        for epoch in range(1, cfg.epochs + 1)
    ]
    theory = pd.DataFrame(
        [
            (a, i, SIGMA_W.get(a, 1.8), 1e-40 if i == "ordered" else 1.0, 0.1135, 10_000)
            for a in cfg.activations
            for i in INITIALIZATIONS
        ],
        columns=["activation", "initialization", "sigma_w", "gradient_factor", "chance", "test_images"],
    )
    return theory, pd.DataFrame(rows, columns=list(eoc_training.COLUMNS))


def judged(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in eoc_training.claims(theory, data, cfg)}


def around(mean: float, deviation: float) -> list[float]:
    """Ten accuracies of exactly this mean and nearly this standard deviation."""
    return [mean + deviation * shift for shift in (-1, 1) * 5]


@pytest.fixture
def paper() -> Any:
    """The paper's own setting."""
    return compose("paper")


@pytest.fixture
def as_printed(paper: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A run that ends exactly as the first table says, on MNIST."""
    cells = {(a, i): around(p.means[0], p.deviation) for data, a, i, p in BY_INITIALIZATION if data == "mnist"}
    return tables(paper, cells)


def test_a_run_that_equals_the_table_reproduces_every_cell_of_it(paper: Any, as_printed: Any) -> None:
    claims = judged(paper, *as_printed)
    cells = [claim for name, claim in claims.items() if name.startswith("table-1/mnist/")]
    judged_cells = [claim for claim in cells if not claim.blocked]
    assert (len(cells), len(judged_cells)) == (12, 10)
    assert {claim.verdict for claim in judged_cells} == {Verdict.REPRODUCED}


def test_shifted_softplus_on_the_edge_is_not_comparable_for_want_of_its_parameters(paper: Any, as_printed: Any) -> None:
    cell = judged(paper, *as_printed)["table-1/mnist/shifted-softplus/edge-of-chaos"]
    assert cell.blocked == "the paper does not say where on the edge of chaos its shifted-softplus starts"


def test_a_cell_differs_when_its_mean_leaves_the_interval_of_both_spreads(paper: Any, as_printed: Any) -> None:
    theory, data = as_printed
    wrong = (data["activation"] == "elu") & (data["initialization"] == "edge-of-chaos")
    data.loc[wrong, "test_accuracy"] -= 0.01
    cell = judged(paper, theory, data)["table-1/mnist/elu/edge-of-chaos"]
    assert cell.verdict is Verdict.DIFFERS
    # The 99 % Welch interval of two samples of ten: t = 2.88, and ours, with n - 1, is sqrt(10/9) wider than .21.
    assert cell.tolerance == pytest.approx(2.88 * 0.21 * math.sqrt((1 + 10 / 9) / 10), rel=0.01)


def test_cells_of_another_data_set_are_not_comparable(paper: Any, as_printed: Any) -> None:
    claims = judged(paper, *as_printed)
    cell = claims["table-1/cifar10/elu/edge-of-chaos"]
    assert cell.verdict is Verdict.NOT_COMPARABLE
    assert cell.blocked == "data.name=mnist, not cifar10"


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("depth=100", "depth=100, not 200"),
        ("width=100", "width=100, not 300"),
        ("learning_rate=0.001", "learning_rate=0.001, not 0.0001"),
        ("batch_size=32", "batch_size=32, not 64"),
        ("epochs=50", "epochs=50, not 100"),
        ("data.train_size=1000", "data.train_size=1000, not None"),
        ("sigma_b.elu=0.2", "sigma_b.elu=0.2, not 0.1"),
    ],
)
def test_a_cell_needs_the_papers_setting(as_printed: Any, override: str, reason: str) -> None:
    cell = judged(compose("paper", override), *as_printed)["table-1/mnist/elu/edge-of-chaos"]
    assert cell.verdict is Verdict.NOT_COMPARABLE
    assert reason in cell.blocked


def test_two_seeds_cannot_carry_an_interval_test(paper: Any) -> None:
    theory, data = tables(paper, {("elu", "edge-of-chaos"): [97.6, 97.7]})
    assert judged(paper, theory, data)["table-1/mnist/elu/edge-of-chaos"].verdict is Verdict.NOT_COMPARABLE


@pytest.mark.parametrize("mean", [45.76, 47.76])
def test_either_of_the_two_printed_values_of_elu_on_cifar10_is_accepted(mean: float) -> None:
    cfg = compose("paper", "data=cifar10")
    claims = judged(cfg, *tables(cfg, {("elu", "edge-of-chaos"): around(mean, 0.91)}))
    for name in ("table-1/cifar10/elu/edge-of-chaos", "table-2/cifar10/elu/epoch-100"):
        assert claims[name].verdict is Verdict.REPRODUCED
        assert "45.76 in one table and 47.76 in the other" in claims[name].explanation


def test_the_published_tables_are_complete() -> None:
    assert len(BY_INITIALIZATION) == 2 * 4 * 3
    assert len(BY_EPOCH) == 2 * 3 * 3


def test_the_conclusions_follow_from_the_printed_accuracies(paper: Any, as_printed: Any) -> None:
    claims = judged(paper, *as_printed)
    kinds = ("ordered-at-chance/", "edge-of-chaos-learns/", "smooth-faster-than-relu/", "batch-norm-does-not-help/")
    found = {name: claim.verdict for name, claim in claims.items() if name.startswith(kinds)}
    assert len(found) == 4 + 3 + 2 + 3
    assert set(found.values()) == {Verdict.REPRODUCED}


@pytest.mark.parametrize(
    ("name", "final"),
    [
        ("ordered-at-chance/tanh", {("tanh", "ordered"): [11.35, 13.0]}),
        ("edge-of-chaos-learns/tanh", {("tanh", "edge-of-chaos"): [97.0, 11.35]}),
        ("smooth-faster-than-relu/tanh", {("tanh", "edge-of-chaos"): [95.0], ("relu", "edge-of-chaos"): [94.5]}),
        ("batch-norm-does-not-help/tanh", {("tanh", "edge-of-chaos"): [90.0], ("tanh", "batch-norm"): [96.0]}),
        (
            "batch-norm-does-not-help/elu",
            {("elu", "edge-of-chaos"): [40.0, 45.0, 42.0], ("elu", "batch-norm"): [95.0, 94.0, 96.0]},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_conclusion_differs_where_the_accuracies_speak_against_it(paper: Any, name: str, final: Any) -> None:
    assert judged(paper, *tables(paper, final))[name].verdict is Verdict.DIFFERS


def test_the_scripts_points_on_the_edge_are_errata_where_monte_carlo_missed_the_exact_ones(
    paper: Any, as_printed: Any
) -> None:
    claims = judged(paper, *as_printed)
    found = {name: claims[f"edge-of-chaos-point/{name}"].verdict for name in ("relu", "elu", "tanh")}
    assert found == {"relu": Verdict.REPRODUCED, "elu": Verdict.ERRATUM, "tanh": Verdict.ERRATUM}


@pytest.mark.parametrize(("activation", "exact"), SIGMA_W.items())
def test_the_exact_points_are_those_of_the_solver(activation: str, exact: float) -> None:
    point = edge_of_chaos(get(activation), sigma_b=SIGMA_B[activation])
    # The solver is held against mpmath elsewhere; its own rounding is a few 1e-14.
    assert point.sigma_w == pytest.approx(exact, rel=1e-13)


def test_a_diverged_training_does_not_go_on_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "CHECKPOINT_SECONDS", 0.0)
    cfg = compose("smoke", "depth=5", "learning_rate=1e9", "epochs=4")
    unit = Unit({"activation": "relu", "initialization": "edge-of-chaos", "seed": 0})
    lab = Lab("cpu", tmp_path / "unit.checkpoint")
    whole = eoc_training.measure(cfg, unit, lab)
    assert whole["status"].iloc[-1] == "diverged"
    assert (tmp_path / "unit.checkpoint").exists()  # killed after it, before the unit was stored
    again = eoc_training.measure(cfg, unit, Lab("cpu", tmp_path / "unit.checkpoint"))
    pd.testing.assert_frame_equal(again.drop(columns="seconds"), whole.drop(columns="seconds"))


def test_a_point_off_the_edge_differs(paper: Any, as_printed: Any) -> None:
    theory, data = as_printed
    claims = judged(paper, theory.assign(sigma_w=theory["sigma_w"] + 1e-9), data)
    assert claims["edge-of-chaos-point/elu"].verdict is Verdict.DIFFERS


def test_staying_at_chance_is_judged_only_after_a_training_in_which_others_learn(paper: Any) -> None:
    final = {("tanh", "ordered"): [11.35]}
    theory, data = tables(replace(paper, epochs=1), final)
    few = data.assign(step=100)
    assert judged(paper, theory, few)["ordered-at-chance/tanh"].verdict is Verdict.NOT_COMPARABLE
    assert judged(paper, theory, data)["ordered-at-chance/tanh"].verdict is Verdict.REPRODUCED


def test_relu_needs_ten_epochs_of_mnist_before_its_learning_is_judged(paper: Any) -> None:
    final = {("relu", "edge-of-chaos"): [11.35], ("elu", "edge-of-chaos"): [80.0]}
    short = judged(replace(paper, epochs=2), *tables(replace(paper, epochs=2), final))
    assert short["edge-of-chaos-learns/relu"].verdict is Verdict.NOT_COMPARABLE
    assert short["edge-of-chaos-learns/elu"].verdict is Verdict.REPRODUCED
    long = judged(replace(paper, epochs=10), *tables(replace(paper, epochs=10), final))
    assert long["edge-of-chaos-learns/relu"].verdict is Verdict.DIFFERS


def test_a_diverged_seed_makes_its_cell_differ_and_is_named(paper: Any, as_printed: Any) -> None:
    theory, data = as_printed
    last = (data["activation"] == "elu") & (data["seed"] == 3) & (data["epoch"] == 60)
    data.loc[last & (data["initialization"] == "edge-of-chaos"), "status"] = "diverged"
    gone = (data["activation"] == "elu") & (data["seed"] == 3) & (data["epoch"] > 60)
    data = data[~(gone & (data["initialization"] == "edge-of-chaos"))]
    cell = judged(paper, theory, data)["table-1/mnist/elu/edge-of-chaos"]
    assert cell.verdict is Verdict.DIFFERS
    assert "diverged: elu edge-of-chaos seed 3 at epoch 60" in cell.explanation


def test_gradients_vanish_in_the_ordered_phase_and_not_on_the_edge() -> None:
    theory = eoc_training.predict(compose("laptop"))
    factor = theory.groupby("initialization")["gradient_factor"]
    assert factor.max()["ordered"] < 1e-40
    # chi_1 = 1 up to a few roundings, to the power of the depth
    assert abs(factor.min()["edge-of-chaos"] - 1) < 1e-11


@pytest.mark.parametrize("initialization", INITIALIZATIONS)
def test_a_training_interrupted_at_its_checkpoint_ends_in_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, initialization: str
) -> None:
    monkeypatch.setattr(contract, "CHECKPOINT_SECONDS", 0.0)
    cfg = compose("smoke", "epochs=3", "depth=5")
    unit = Unit({"activation": "tanh", "initialization": initialization, "seed": 0})
    whole = eoc_training.measure(cfg, unit, Lab("cpu"))

    class PowerCut(Exception):
        pass

    def cut(_: int, values: Any) -> None:
        if values.get("epoch") == 3:
            raise PowerCut

    path = tmp_path / "unit.checkpoint"
    with pytest.raises(PowerCut):
        eoc_training.measure(cfg, unit, Lab("cpu", path, cut))
    assert path.exists()
    steps: list[int] = []
    resumed = eoc_training.measure(cfg, unit, Lab("cpu", path, lambda n, _: steps.append(n)))
    assert steps[0] == 2 * 4  # two epochs of four batches were done already
    pd.testing.assert_frame_equal(resumed.drop(columns="seconds"), whole.drop(columns="seconds"))


def test_the_band_of_the_figure_spans_the_seeds() -> None:
    cfg = compose("smoke", "activations=[tanh]")
    theory, data = tables(cfg, {("tanh", "edge-of-chaos"): [20.0, 40.0]})
    figure = eoc_training.draw(theory, data.assign(seconds=1.0), cfg)["accuracy-against-epoch"]
    (panel,) = figure.axes
    (mean,) = {tuple(line.get_ydata()) for line in panel.lines if line.get_label() == "edge of chaos"}
    assert mean == (30.0, 30.0)
    band = panel.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((21.0, 39.0))  # 5 and 95 % between two seeds
