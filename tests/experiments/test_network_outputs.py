"""network-outputs: what its claims conclude from hand-made tables, its theory in closed form, networks and figures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke
import torch

from deepk.errors import Refused
from deepk.lab import Claim, Lab, Unit, Verdict
from deepk.meanfield import MeanField, edge_of_chaos
from experiments.network_outputs import COLUMNS, PHASES
from experiments.network_outputs.claims import claims
from experiments.network_outputs.figures import draw
from experiments.network_outputs.measurement import measure
from experiments.network_outputs.theory import predict

Tables = tuple[pd.DataFrame, pd.DataFrame]
SMALL = ("width=20", "outputs=8", "depth=4")


def compose(scale: str, *overrides: str) -> Any:
    return smoke.compose("network-outputs", scale, *overrides)


def measured(cfg: Any, phase: str, seed: int = 0) -> pd.DataFrame:
    return measure(cfg, Unit({"phase": phase, "seed": seed}), Lab("cpu"))


def as_predicted(theory: pd.DataFrame, cfg: Any, seeds: int = 4, spread: float = 0.01) -> pd.DataFrame:
    """Networks spread about the theory on the axis a_2 = 0, whose output is 1 but for a sine of the theory's size.

    The first seed has a row of its output at a_2 = 1, too: 3 there, and for every other seed nothing.
    """
    parts = []
    for phase, rows in theory.groupby("phase"):
        last = rows.assign(a_1=rows["a_1"].max() + cfg.step, change=math.nan).tail(1)
        axis = pd.concat([rows, last])
        varies = math.sqrt((rows["change"] / rows["variance"]).mean())
        for seed in range(seeds):
            factor = 1 + spread * (seed - (seeds - 1) / 2)
            columns = {"phase": phase, "seed": seed, "a_1": axis["a_1"], "a_2": 0.0}
            columns |= {"output": 1 + varies * np.sin(axis["a_1"]) + seed, "square": axis["variance"]}
            on_axis = pd.DataFrame({**columns, "change": axis["change"] * factor})
            above = on_axis.assign(a_2=1.0, output=3.0, change=1e6)
            parts += [on_axis, above] if seed == 0 else [on_axis]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def judged(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in claims(theory, data, cfg)}


def scaled(data: pd.DataFrame, phase: str, factor: float) -> pd.DataFrame:
    """The table with the changes of a phase multiplied by a factor."""
    return data.assign(change=data["change"].where(data["phase"] != phase, data["change"] * factor))


@pytest.fixture(scope="module")
def cfg() -> Any:
    return compose("smoke", "reach=1.5", "step=0.5")


@pytest.fixture(scope="module")
def tables(cfg: Any) -> Tables:
    """A run whose networks do what the theory says."""
    theory = predict(cfg)
    return theory, as_predicted(theory, cfg)


# Verdicts -----------------------------------------------------------------------------------------------------------


def test_a_run_that_equals_the_theory_reproduces_everything(cfg: Any, tables: Tables) -> None:
    found = judged(cfg, *tables)
    assert len(found) == 5
    assert {claim.verdict for claim in found.values()} == {Verdict.REPRODUCED}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_a_change_differs_when_its_mean_leaves_the_interval(
    cfg: Any, tables: Tables, phase: str, factor: float
) -> None:
    theory, data = tables
    # depth / width is 0.2 here, and the 99 % t-interval of these four networks 0.04.
    assert judged(cfg, theory, scaled(data, phase, factor))[f"change/{phase}"].verdict is Verdict.DIFFERS


def test_wider_networks_are_held_to_a_narrower_interval(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    off = scaled(data, "edge", 1.15)
    narrow, wide = (judged(replace(cfg, width=width), theory, off)["change/edge"] for width in (100, 1000))
    assert (narrow.verdict, wide.verdict) == (Verdict.REPRODUCED, Verdict.DIFFERS)


@pytest.mark.parametrize("factor", [0.01, 0.1, 10, 100])
def test_a_wrong_factor_differs_however_much_networks_scatter(cfg: Any, tables: Tables, factor: float) -> None:
    theory, _ = tables
    off = scaled(as_predicted(theory, cfg, spread=0.1), "edge", factor)
    assert judged(replace(cfg, width=1000), theory, off)["change/edge"].verdict is Verdict.DIFFERS


def test_the_interval_of_one_output_is_that_of_two_mean_squares_by_the_theory(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    narrow, wide = (
        judged(cfg, theory, data.assign(output=data["output"] * size))["one-output/ordered"] for size in (1, 1000)
    )
    assert narrow.tolerance == wide.tolerance
    # F of (4, 4) degrees of freedom is above 23.15 once in 200.
    line = theory[theory["phase"] == "ordered"]
    from_end_to_end = np.sqrt(line["change"]).sum() ** 2 / line["variance"].mean()
    assert narrow.tolerance == pytest.approx(23.15 * from_end_to_end, rel=1e-3)


def test_the_ordered_phase_differs_when_its_output_varies(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    ordered = data["phase"] == "ordered"
    slope = data.assign(output=data["output"].where(~ordered, 1 + data["a_1"]))
    assert judged(cfg, theory, slope)["one-output/ordered"].verdict is Verdict.DIFFERS


def test_the_share_of_the_output_that_varies_is_its_variance_over_its_mean_square(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    # 1 and 3 in turn at an even number of inputs: variance 1 and mean square 5, whatever stands off the axis.
    turns = data.assign(output=np.where(((data["a_1"] + cfg.reach) / cfg.step).round() % 2 == 0, 1.0, 3.0))
    claim = judged(cfg, theory, turns)["one-output/ordered"]
    assert claim.measured == pytest.approx(1 / 5, rel=1e-12)


@pytest.mark.parametrize("factor", [0.0, 0.1])
def test_the_chaotic_phase_differs_when_its_output_is_as_flat_as_on_the_edge(
    cfg: Any, tables: Tables, factor: float
) -> None:
    theory, data = tables
    assert judged(cfg, theory, scaled(data, "chaotic", factor))["very-different/chaotic"].verdict is Verdict.DIFFERS


def test_how_different_outputs_are_is_relative_to_their_size(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    larger = data.assign(square=data["square"].where(data["phase"] != "chaotic", 10 * data["square"]))
    assert judged(cfg, theory, larger)["very-different/chaotic"].verdict is Verdict.DIFFERS


# What a run cannot speak of -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "name", "reason"),
    [
        ("ordered", "change/ordered", "phase=ordered: not in this run"),
        ("edge", "change/edge", "phase=edge: not in this run"),
        ("ordered", "one-output/ordered", "phase=ordered: not in this run"),
        ("edge", "very-different/chaotic", "phase=edge: not in this run"),
        ("chaotic", "very-different/chaotic", "phase=chaotic: not in this run"),
    ],
)
def test_a_phase_that_was_not_measured_is_not_comparable(
    cfg: Any, tables: Tables, phase: str, name: str, reason: str
) -> None:
    theory, data = tables
    claim = judged(cfg, theory, data[data["phase"] != phase])[name]
    assert (claim.verdict, claim.other_setting) == (Verdict.NOT_COMPARABLE, reason)


@pytest.mark.parametrize("phase", PHASES)
def test_one_network_has_no_spread_to_test_with(cfg: Any, tables: Tables, phase: str) -> None:
    theory, data = tables
    claim = judged(cfg, theory, data[data["seed"] == 0])[f"change/{phase}"]
    assert (claim.verdict, claim.tolerance) == (Verdict.UNDERPOWERED, math.inf)


def test_an_interval_wider_than_half_of_the_prediction_is_underpowered(cfg: Any, tables: Tables) -> None:
    theory, _ = tables
    claim = judged(cfg, theory, as_predicted(theory, cfg, spread=0.15))["change/edge"]
    assert claim.tolerance > claim.resolution == 0.5
    assert claim.verdict is Verdict.UNDERPOWERED


def test_networks_that_scatter_too_much_leave_open_how_different_outputs_are(cfg: Any, tables: Tables) -> None:
    theory, _ = tables
    few = as_predicted(theory, cfg, seeds=2)
    seed_apart = few["change"].where((few["phase"] != "chaotic") | (few["seed"] != 1), few["change"] / 2)
    claim = judged(cfg, theory, few.assign(change=seed_apart))["very-different/chaotic"]
    assert claim.verdict is Verdict.UNDERPOWERED


def test_points_that_treat_close_inputs_alike_cannot_speak_of_very_different_outputs(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    alike = theory.assign(change=theory["change"].where(theory["phase"] != "chaotic", theory["change"] / 10))
    claim = judged(cfg, alike, data)["very-different/chaotic"]
    assert claim.verdict is Verdict.NOT_COMPARABLE
    assert claim.other_setting == "step=0.5: by the theory, the chosen points treat close inputs alike"


def test_two_layers_are_too_few_for_one_output() -> None:
    # The correlation of inputs far apart has not come near 1, in the theory as little as in networks.
    shallow = compose("smoke", "depth=2", "width=200", "outputs=8", "step=2.5", "seeds=[0]")
    theory = predict(shallow)
    data = measured(shallow, "ordered").assign(phase="ordered", seed=0)
    assert judged(shallow, theory, data)["one-output/ordered"].verdict is Verdict.NOT_COMPARABLE


def test_a_change_below_the_rounding_of_the_variance_is_not_comparable(cfg: Any, tables: Tables) -> None:
    # As in the ordered phase at depth 45: 0.4^45 of a change is left, and q_a + q_b - 2 cov is rounded at 1e-16.
    theory, data = tables
    rounded = theory.assign(change=theory["change"].where(theory["phase"] != "ordered", 1e-18))
    claim = judged(replace(cfg, depth=45), rounded, data.assign(change=1e-31 * data["change"]))["change/ordered"]
    assert claim.verdict is Verdict.NOT_COMPARABLE


def test_a_change_that_was_rounded_below_zero_is_judged_without_a_warning(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    below = theory.assign(change=theory["change"].where(theory["phase"] != "ordered", -1e-17))
    found = judged(cfg, below, data)
    assert found["change/ordered"].verdict is Verdict.NOT_COMPARABLE
    assert found["one-output/ordered"].verdict is Verdict.REPRODUCED  # what the networks did, and theory agrees


# Theory -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def linear() -> pd.DataFrame:
    """Theory of a network of six linear layers."""
    cfg = compose("smoke", "activation=identity", "edge_sigma_b=0", "depth=6", "reach=1")
    return predict(cfg)


@pytest.mark.parametrize(("phase", "sigma_w"), [("ordered", 1.0), ("edge", 1.0), ("chaotic", 2.0)])
def test_a_linear_network_multiplies_a_change_by_sigma_w_squared_in_each_layer(
    linear: pd.DataFrame, phase: str, sigma_w: float
) -> None:
    change = linear.loc[linear["phase"] == phase, "change"].to_numpy()
    # step^2 / 2, of two inputs, after six layers; rounded as a difference of variances 13 times as large.
    assert change == pytest.approx(sigma_w**12 / 2, rel=1e-12)


def test_a_linear_network_multiplies_a_variance_by_sigma_w_squared_and_adds_the_biases(linear: pd.DataFrame) -> None:
    chaotic = linear[linear["phase"] == "chaotic"]
    q = chaotic["a_1"] ** 2 / 2
    for _ in range(6):
        q = 0.09 + 4 * q
    # A rounding in each layer.
    assert chaotic["variance"].tolist() == pytest.approx(q.tolist(), rel=1e-14)


def test_the_theory_is_given_at_every_input_but_the_last(tables: Tables) -> None:
    for _, rows in tables[0].groupby("phase"):
        assert rows["a_1"].tolist() == [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0]


def test_the_ordered_phase_leaves_a_change_of_chi_1_to_the_depth(cfg: Any) -> None:
    theory = MeanField("tanh", sigma_w=1.0, sigma_b=1.0)
    (one, other) = (
        predict(replace(cfg, depth=depth, reach=1.0, step=1.0)).query("phase == 'ordered'")["change"].mean()
        for depth in (7, 8)
    )
    # After seven layers the difference is small and q at its limit, to 0.4^7 = 0.002; a hundredth is asked.
    assert other / one == pytest.approx(theory.chi_1, rel=0.01)


def test_the_edge_network_starts_on_the_edge(cfg: Any, tables: Tables) -> None:
    edge = tables[0][tables[0]["phase"] == "edge"].iloc[0]
    assert edge["sigma_w"] == edge_of_chaos("tanh", sigma_b=cfg.edge_sigma_b).sigma_w


# Configuration ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("depth=1", "depth=1 is not allowed: it takes a number >= 2"),
        ("outputs=0", "outputs=0 is not allowed: it takes a number >= 1"),
        ("reach=0", "reach=0.0 is not allowed: it takes a finite number > 0"),
        ("step=-0.1", "step=-0.1 is not allowed: it takes a finite number > 0"),
        ("edge_sigma_b=-0.1", "edge_sigma_b=-0.1 is not allowed: it takes a number >= 0"),
        ("ordered_sigma_b=-1", "ordered_sigma_b=-1.0 is not allowed: it takes a number >= 0"),
        ("seeds=[]", "seeds=[] is not allowed: it takes a list of different integers >= 0"),
    ],
)
def test_a_bad_value_is_refused_in_one_line(override: str, line: str) -> None:
    with pytest.raises(Refused) as refused:
        compose("smoke", override)
    assert str(refused.value) == line


def test_a_step_longer_than_the_reach_is_refused() -> None:
    with pytest.raises(Refused, match="step"):
        compose("smoke", "step=10")


def test_the_papers_setting_is_that_of_the_slides() -> None:
    paper = compose("paper")
    assert (paper.activation, paper.width, paper.depth) == ("tanh", 300, 20)
    assert (paper.ordered_sigma_b, paper.ordered_sigma_w) == (1.0, 1.0)
    assert (paper.chaotic_sigma_b, paper.chaotic_sigma_w) == (0.3, 2.0)


# Networks -----------------------------------------------------------------------------------------------------------


def test_a_unit_is_measured_the_same_whatever_was_measured_before() -> None:
    small = compose("smoke", *SMALL)
    alone = measured(small, "chaotic")
    measured(small, "edge")
    torch.manual_seed(5)
    pd.testing.assert_frame_equal(measured(small, "chaotic"), alone)


@pytest.mark.parametrize("phase", ["edge", "chaotic"])
def test_networks_have_the_variance_of_the_theory(phase: str) -> None:
    some = compose("smoke", "width=200", "outputs=100", "depth=4", "step=2.5")
    line = predict(some).query(f"phase == '{phase}'").set_index("a_1")["variance"]
    networks = pd.concat(measured(some, phase, seed).query("a_2 == 0").set_index("a_1") for seed in range(4))
    ratio = (networks["square"] / line).dropna().mean()
    # Of 100 outputs, three layers of 200 units and 4 networks the scatter is 0.1: five times that.
    assert ratio == pytest.approx(1, abs=0.5)


def test_another_seed_is_another_network() -> None:
    small = compose("smoke", *SMALL)
    first, second = (measured(small, "edge", seed).query("a_2 == 0")["output"].to_numpy() for seed in (0, 1))
    assert not (first == second).any()


def test_the_first_seed_keeps_the_plane_and_the_others_one_axis() -> None:
    small = compose("smoke", *SMALL, "step=2.5", "seeds=[3,1]")
    first, second = measured(small, "edge", 3), measured(small, "edge", 1)
    assert tuple(first.columns) == COLUMNS[2:]
    assert len(first) == 5 * 5
    assert (len(second), set(second["a_2"])) == (5, {0.0})


def test_the_change_is_that_to_the_next_input() -> None:
    small = compose("smoke", "width=20", "outputs=1", "depth=4", "step=2.5")
    rows = measured(small, "chaotic").sort_values(["a_2", "a_1"])
    of = rows.groupby("a_2")["output"]
    # With one output, the mean over outputs is its own square: the same numbers, subtracted in the same order.
    assert rows["change"].to_numpy() == pytest.approx(((of.shift(-1) - rows["output"]) ** 2).to_numpy(), nan_ok=True)
    assert rows["square"].to_numpy() == pytest.approx((rows["output"] ** 2).to_numpy())


def test_a_seed_draws_the_same_weights_in_every_phase_up_to_their_scale() -> None:
    overrides = ("activation=relu", "edge_sigma_b=0", "chaotic_sigma_b=0", "width=20", "outputs=2", "depth=4")
    homogeneous = compose("smoke", *overrides, "step=2.5")
    edge, chaotic = (measured(homogeneous, phase)["output"].to_numpy() for phase in ("edge", "chaotic"))
    # ReLU hands factors on: sigma_w = 2 over sqrt(2) in four layers. Weights are rounded to float32 after scaling.
    assert chaotic == pytest.approx(4 * edge, rel=1e-4, abs=1e-5 * np.abs(edge).max())


@pytest.fixture(scope="module")
def without_biases() -> tuple[Any, pd.DataFrame, pd.DataFrame]:
    """ReLU on its edge, sigma_b = 0, where the input 0 has the output 0."""
    cfg = compose("smoke", "activation=relu", "edge_sigma_b=0", "width=50", "outputs=8", "depth=5", "reach=2")
    data = [measured(cfg, p, s).assign(phase=p, seed=s) for p in PHASES for s in cfg.seeds]
    return cfg, predict(cfg), pd.concat(data, ignore_index=True)


def test_without_biases_the_theory_gives_the_origin_no_variance(without_biases: Any) -> None:
    _, theory, _ = without_biases
    origin = theory[(theory["phase"] == "edge") & (theory["a_1"] == 0)].iloc[0]
    # From 0 to 1 all of the variance there is change: 1/2 in the first layer, which ReLU's edge keeps.
    assert (origin["variance"], origin["change"]) == (0.0, pytest.approx(1.0, rel=1e-14))


def test_without_biases_networks_answer_the_origin_with_zero(without_biases: Any) -> None:
    _, _, data = without_biases
    at = data[(data["phase"] == "edge") & (data["a_1"] == 0) & (data["a_2"] == 0)]
    assert (at["output"] == 0).all()


def test_without_biases_no_claim_is_without_a_number(without_biases: Any) -> None:
    cfg, theory, data = without_biases
    found = judged(cfg, theory, data)
    assert all(math.isfinite(claim.measured) for claim in found.values() if claim.measured is not None)
    # ReLU has no chaotic phase in which correlation stays below 1.
    assert found["very-different/chaotic"].verdict is Verdict.NOT_COMPARABLE


# Figures ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(cfg: Any, tables: Tables) -> dict[str, Any]:
    return draw(*tables, cfg)


def test_the_surfaces_are_those_of_the_first_seed(drawn: dict[str, Any]) -> None:
    # The first seed's output is 3 at most, and the others', shifted by their seed, 4 and more.
    for panel in drawn["output-surfaces"].axes:
        assert panel.get_zlim() == (-3.0, 3.0)


def test_a_flat_output_below_one_is_drawn_on_a_scale_of_one(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    flat = data.assign(output=0.01)
    for panel in draw(theory, flat, cfg)["output-surfaces"].axes:
        assert panel.get_zlim() == (-1.0, 1.0)


@pytest.mark.parametrize("phase", PHASES)
def test_theory_is_a_line_and_networks_are_markers_of_the_same_change(
    drawn: dict[str, Any], tables: Tables, phase: str
) -> None:
    (panel,) = drawn["change-between-neighbours"].axes
    theory, data = tables
    rows = theory[theory["phase"] == phase]
    start = "edge of chaos" if phase == "edge" else f"{phase} phase"
    (line,) = (line for line in panel.lines if str(line.get_label()).startswith(start))
    assert list(line.get_ydata()) == list(np.sqrt(rows["change"]))
    (points,) = (
        bars[0] for bars in panel.containers if bars[0].get_color() == line.get_color() and len(bars[0].get_xdata())
    )
    axis = data[(data["phase"] == phase) & (data["a_2"] == 0)].dropna()
    assert list(points.get_ydata()) == list(np.sqrt(axis["change"]).groupby(axis["a_1"]).median())
    assert (line.get_linestyle(), points.get_linestyle()) == ("-", "None")


def test_bars_span_all_networks(drawn: dict[str, Any], tables: Tables) -> None:
    (panel,) = drawn["change-between-neighbours"].axes
    data = tables[1]
    for bars, phase in zip(panel.containers, PHASES, strict=False):
        axis = data[(data["phase"] == phase) & (data["a_2"] == 0)].dropna()
        spans = [(low, high) for (_, low), (_, high) in bars[2][0].get_segments()]
        groups = np.sqrt(axis["change"]).groupby(axis["a_1"])
        # A bar is the median minus and plus a difference: two roundings.
        expected = zip(groups.min(), groups.max(), strict=True)
        assert spans == [pytest.approx(span, rel=1e-14) for span in expected]
