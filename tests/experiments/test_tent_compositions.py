"""tent-compositions: what its claims conclude from tables, and what its networks compute."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke
from torch import nn

from deepk.dynamics import PiecewiseLinearMap, relu_network
from deepk.errors import Refused
from deepk.lab import Claim, Lab, Verdict, lending
from experiments.tent_compositions import COLUMNS, Config, measurement
from experiments.tent_compositions.claims import claims as judge
from experiments.tent_compositions.figures import draw
from experiments.tent_compositions.measurement import measure, units
from experiments.tent_compositions.theory import PIECES, predict


def compose(scale: str, *overrides: str) -> Config:
    return smoke.compose("tent-compositions", scale, *overrides)


def right(cfg: Config) -> pd.DataFrame:
    """Counts by formula, exact networks of two units a layer, and shallow ones a bit above the bound, 1/8."""
    rows: list[tuple[str, str, int, int, int, float, str, float]] = []

    def add(part: str, map_: str, width: int, n: int, seed: int, quantity: str, value: float) -> None:
        rows.append((part, map_, width, n, seed, math.nan, quantity, value))

    for name in cfg.maps:
        pieces = PIECES[name]
        for n in range(1, cfg.counted + 1):
            add("pieces", name, 0, n, 0, "log2 pieces", math.log2(pieces(n)))
            add("pieces", name, 0, n, 0, "miscounted", 0)
        for n in range(1, cfg.written + 1):
            add("pieces", name, 0, n, 0, "written out", pieces(n))
        for n in cfg.network_depths:
            add("deep", name, 0, n, 0, "error", 0)
        add("deep", name, 0, cfg.counted, 0, "units", 2 * cfg.counted)
        add("pieces", name, 0, cfg.counted, 0, "shallow bound", 1 / 8)
    for n, width, seed in product(cfg.targets, cfg.widths, cfg.seeds):
        add("trained", "tent", width, n, seed, "fresh mae", 0.15)
        add("trained", "tent", width, n, seed, "fresh mse", 0.04)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def judged(cfg: Config, data: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in judge(predict(cfg), data, cfg)}


def changed(data: pd.DataFrame, value: float, **where: Any) -> pd.DataFrame:
    """The table with another value in the rows that have these entries."""
    rows = np.logical_and.reduce([data[column] == entry for column, entry in where.items()])
    assert rows.any()
    return data.assign(value=data["value"].where(~rows, value))


def measured(cfg: Config, part: str, map_: str = "tent") -> pd.DataFrame:
    """What all units of a part find for a map."""
    return pd.concat(
        [
            measure(cfg, unit, Lab("cpu")).assign(**unit.key)
            for unit in units(cfg)
            if (unit.key["part"], unit.key["map"]) == (part, map_)
        ]
    )


@pytest.fixture(scope="module")
def paper() -> Config:
    return compose("paper")


# --- the configuration ------------------------------------------------------------------------------------------------


def test_the_compositions_are_those_of_the_slides(paper: Config) -> None:
    assert (paper.shown, paper.counted, paper.shallow) == ([1, 2, 6], 100, 10_000)


def test_curves_have_a_point_at_each_kink_of_the_largest_tent_shown(paper: Config) -> None:
    assert (paper.curve_points - 1) % 2 ** max(paper.shown) == 0


def test_compositions_that_are_written_out_are_counted_too() -> None:
    with pytest.raises(Refused, match=r"written=8 .*at most counted=7"):
        compose("smoke", "counted=7")


# --- what claims conclude ---------------------------------------------------------------------------------------------


def test_right_tables_reproduce_all_that_a_bound_speaks_of(paper: Config) -> None:
    claims = judged(paper, right(paper))
    assert {claim.verdict for claim in claims.values()} == {Verdict.REPRODUCED}
    assert len(claims) == 5 + 3 + 1 + 4


def test_only_widths_of_too_few_pieces_have_a_bound(paper: Config) -> None:
    bounded = {name.split("/", 1)[1] for name in judged(paper, right(paper)) if name.startswith("shallow-stays")}
    # 2 (u + 1) < 2^n: none for n = 2, up to 6 units for n = 4, up to 30 for n = 6
    assert bounded == {"f^4/width-4", "f^6/width-4", "f^6/width-8", "f^6/width-16"}


@pytest.mark.parametrize(
    ("where", "value", "claim"),
    [
        ({"map": "tent", "quantity": "miscounted", "compositions": 100}, 1, "pieces/tent"),
        ({"map": "golden", "quantity": "miscounted", "compositions": 30}, 1, "pieces/golden"),
        ({"map": "golden", "quantity": "log2 pieces", "compositions": 30}, 30, "pieces/golden"),
        ({"map": "tent", "quantity": "written out", "compositions": 14}, 2**14 - 1, "pieces-written-out/tent"),
        ({"map": "golden", "quantity": "written out", "compositions": 3}, 5, "pieces-written-out/golden"),
        ({"map": "tent", "quantity": "written out", "compositions": 6}, 63, "pieces-shown/tent"),
        ({"map": "tent", "quantity": "error", "compositions": 24}, 1e-7, "deep-network/tent"),
        ({"map": "golden", "quantity": "error", "compositions": 24}, 1e-9, "deep-network/golden"),
        ({"map": "tent", "quantity": "error", "compositions": 1}, 1e-14, "deep-network/tent"),
        ({"map": "tent", "quantity": "error", "compositions": 8}, math.nan, "deep-network/tent"),
        ({"map": "tent", "quantity": "units"}, 401, "deep-network-units"),
        ({"map": "tent", "quantity": "shallow bound"}, 0.1249, "shallow-bound"),
        ({"quantity": "fresh mae", "width": 8}, 0.05, "shallow-stays-away/f^6/width-8"),
        ({"quantity": "fresh mae", "compositions": 6, "width": 4, "seed": 2}, 0.05, "shallow-stays-away/f^6/width-4"),
        ({"quantity": "fresh mae", "compositions": 4, "width": 4}, math.nan, "shallow-stays-away/f^4/width-4"),
    ],
)
def test_another_number_is_seen_by_its_claim_alone(
    paper: Config, where: dict[str, Any], value: float, claim: str
) -> None:
    claims = judged(paper, changed(right(paper), value, **where))
    differ = {name for name, found in claims.items() if found.verdict == Verdict.DIFFERS}
    assert claim in differ
    assert differ <= {claim, "pieces-written-out/tent"}  # f^6 is among those that are written out


@pytest.mark.parametrize(("quantity", "claim"), [("miscounted", "pieces"), ("written out", "pieces-written-out")])
def test_a_count_that_is_lacking_is_not_a_right_one(paper: Config, quantity: str, claim: str) -> None:
    data = right(paper)
    lacking = data[~((data["map"] == "golden") & (data["quantity"] == quantity) & (data["compositions"] == 7))]
    differ = {name for name, found in judged(paper, lacking).items() if found.verdict == Verdict.DIFFERS}
    assert differ == {f"{claim}/golden"}


@pytest.mark.parametrize(
    ("overrides", "claim", "reason"),
    [
        (["counted=40"], "deep-network-units", "counted=40, not 100"),
        (["maps=[golden]"], "shallow-bound", "map=tent, quantity=shallow bound: not in this run"),
        (["counted=14"], "shallow-bound", "counted=14: too few compositions for a bound on 10000 units"),
        (["written=5"], "pieces-shown/tent", "map=tent, quantity=written out, compositions=6: not in this run"),
    ],
)
def test_another_setting_is_not_comparable_and_says_why(overrides: list[str], claim: str, reason: str) -> None:
    cfg = compose("paper", *overrides)
    assert judged(cfg, right(cfg))[claim].other_setting == reason


def test_each_part_is_silent_without_its_own_rows(paper: Config) -> None:
    data = right(paper)
    without = {part: judged(paper, data[data["part"] != part]) for part in ("pieces", "deep", "trained")}
    assert without["pieces"]["pieces/golden"].other_setting == "map=golden, quantity=log2 pieces: not in this run"
    assert without["deep"]["deep-network/tent"].other_setting == "map=tent, quantity=error: not in this run"
    assert without["deep"]["deep-network-units"].other_setting == "map=tent, quantity=units: not in this run"
    width_4 = without["trained"]["shallow-stays-away/f^4/width-4"]
    assert width_4.other_setting == "part=trained, width=4, compositions=4: not in this run"


def test_what_is_printed_is_told_from_what_only_we_count(paper: Config) -> None:
    ours = {name for name, claim in judged(paper, right(paper)).items() if claim.kind == "ours"}
    assert ours == {"pieces/golden", "pieces-written-out/tent", "pieces-written-out/golden", "shallow-bound"}


def test_an_error_that_few_points_leave_beside_the_bound_is_not_known_to_be_above(paper: Config) -> None:
    at = {"compositions": 6, "width": 8}  # a bound of 0.0898, and an interval of 0.003
    claims = judged(paper, changed(right(paper), 0.091, quantity="fresh mae", **at))
    assert claims["shallow-stays-away/f^6/width-8"].verdict == Verdict.UNDERPOWERED


def test_a_width_that_is_shallow_too_keeps_the_bound_of_its_own_target() -> None:
    cfg = compose("paper", "shallow=8")
    claims = judged(cfg, right(cfg))
    assert claims["shallow-stays-away/f^6/width-8"].expected == pytest.approx((1 - 2 * 9 / 2**6) / 8)


def test_claims_have_names_of_their_own_where_six_compositions_are_counted() -> None:
    cfg = compose("smoke", "counted=6", "written=6")
    names = [claim.name for claim in judge(predict(cfg), right(cfg), cfg)]
    assert len(set(names)) == len(names)


# --- what is measured -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PIECES))
def test_formulas_are_of_the_pieces_that_are_written_out(name: str) -> None:
    rows = measured(compose("smoke"), "pieces", name)
    written = rows[rows["quantity"] == "written out"].set_index("compositions")["value"]
    assert written.to_dict() == {n: PIECES[name](n) for n in range(1, 9)}


def test_the_curve_of_six_compositions_turns_63_times() -> None:
    curve = measured(compose("smoke"), "curves")
    values = curve[curve["compositions"] == 6].sort_values("x")["value"].to_numpy()
    assert (np.diff(np.sign(np.diff(values))) != 0).sum() == 63


def test_the_deep_network_of_the_tent_map_is_exact_with_two_units_a_layer() -> None:
    rows = measured(compose("smoke"), "deep").set_index(["compositions", "quantity"])["value"]
    assert (rows[8, "error"], rows[40, "units"]) == (0, 80)


def test_a_network_that_computes_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def zeros(map_: PiecewiseLinearMap, n: int) -> nn.Sequential:
        network = relu_network(map_, n)
        nn.init.zeros_(network[-1].weight)
        nn.init.zeros_(network[-1].bias)
        return network

    monkeypatch.setattr(measurement, "relu_network", zeros)
    cfg = compose("paper", "network_depths=[12,24]", "network_points=20")
    claims = judged(cfg, pd.concat([measured(cfg, "deep", name) for name in cfg.maps]))
    assert {claims[f"deep-network/{name}"].verdict for name in cfg.maps} == {Verdict.DIFFERS}


def test_the_shallow_bound_is_the_formulas() -> None:
    cfg = compose("paper", "written=1")
    assert judged(cfg, measured(cfg, "pieces"))["shallow-bound"].verdict == Verdict.REPRODUCED


@pytest.mark.parametrize("key", ["targets", "network_depths", "shown"])
def test_compositions_that_leave_no_digits_are_refused(key: str) -> None:
    with pytest.raises(Refused, match=r"it takes at most 42, after which slope 2 leaves no three digits in float64"):
        compose("smoke", f"{key}=[43]")


@pytest.fixture(scope="module")
def trained() -> pd.DataFrame:
    """Networks of width 4 and 8."""
    return measured(compose("smoke"), "trained")


def test_seeds_train_networks_of_their_own(trained: pd.DataFrame) -> None:
    assert trained["value"].nunique() == len(trained) == 24


def test_errors_have_a_deviation(trained: pd.DataFrame) -> None:
    errors = trained.pivot(index=["width", "seed", "compositions"], columns="quantity", values="value")
    assert (errors["fresh mse"] > errors["fresh mae"] ** 2).all()


def test_a_killed_training_goes_on_to_the_same_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cfg = compose("smoke", "epochs=3", "points=300")  # three batches an epoch
    monkeypatch.setattr(lending, "CHECKPOINT_SECONDS", 0.0)
    unit = units(cfg)[0]
    whole = measure(cfg, unit, Lab("cpu", tmp_path / "whole"))

    class Killed(Exception):
        pass

    steps: list[int] = []

    def die_in_the_last_epoch(step: int, _: Any) -> None:
        steps.append(step)
        if len(steps) == 8:
            raise Killed

    path = tmp_path / "killed"
    with pytest.raises(Killed):
        measure(cfg, unit, Lab("cpu", path, die_in_the_last_epoch))
    steps.clear()
    again = measure(cfg, unit, Lab("cpu", path, lambda step, _: steps.append(step)))
    pd.testing.assert_frame_equal(again, whole, check_exact=True)
    assert steps == [6, 1, 1, 1]  # two epochs are not done again


def test_another_map_is_composed_and_fitted_in_place_of_the_papers() -> None:
    cfg = compose("smoke", "maps=[li-yorke]", "counted=12", "widths=[4]", "epochs=1")
    data = pd.concat([measured(cfg, part, "li-yorke") for part in ("curves", "pieces", "deep", "trained")])
    claims = judged(cfg, data)
    judged_ones = {name for name, claim in claims.items() if claim.verdict != Verdict.NOT_COMPARABLE}
    apart = "shallow-stays-away/f^6/width-4"  # f^4 has too few crossings for a bound at this width
    assert judged_ones == {"pieces-written-out/li-yorke", "deep-network/li-yorke", apart}
    assert {claims[name].verdict for name in judged_ones} == {Verdict.REPRODUCED}
    figures = draw(predict(cfg), data, cfg)
    assert len(figures["curves"].axes) == len(cfg.shown)


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def figures(trained: pd.DataFrame) -> Any:
    cfg = compose("smoke", "shown=[1, 6, 10]", "counted=12")
    exact = [measured(cfg, part, name) for part in ("curves", "pieces", "deep") for name in ("tent", "golden")]
    return draw(predict(cfg), pd.concat([trained, *exact]), cfg)


def test_curves_say_how_many_pieces_they_have(figures: Any) -> None:
    titles = [panel.get_title() for panel in figures["curves"].axes]
    assert titles == [
        "$f^{1}$: 2 pieces",
        "$f^{6}$: 64 pieces",
        "$f^{10}$: 1024 pieces",
        "$f^{1}$: 2 pieces",
        "$f^{6}$: 26 pieces",
        "$f^{10}$: 178 pieces",
    ]


def test_shallow_networks_are_drawn_at_their_mean_error(figures: Any, trained: pd.DataFrame) -> None:
    line = figures["networks"].axes[1].lines[0]
    of_two = trained[(trained["quantity"] == "fresh mae") & (trained["compositions"] == 2)]
    means = of_two.groupby("width")["value"].mean()
    assert dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) == pytest.approx(means.to_dict())
