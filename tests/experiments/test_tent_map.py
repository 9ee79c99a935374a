"""tent-map: what its claims conclude from tables, and on what its networks are trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke

from deepk.dynamics import MAP_NAMES, PiecewiseLinearMap, golden_map, li_yorke_map
from deepk.errors import Refused
from deepk.lab import Claim, Lab, Verdict, lending
from experiments.published import depth_width
from experiments.tent_map import COLUMNS, STATED, Config, measurement
from experiments.tent_map.claims import claims as judge
from experiments.tent_map.figures import draw
from experiments.tent_map.measurement import measure, units
from experiments.tent_map.theory import predict, turn

Errors = dict[tuple[str, int, str], Callable[[int], float]]  # (task, compositions, quantity), of the depth

# Of the hard task, what a network does that has learnt nothing: a bit above 1/5, the floor of a constant. The bound is
# 0.146 and the mean absolute error of a constant 0.382.
RIGHT: Errors = {
    ("regression", 8, "train mse"): lambda depth: 0.2 / depth,
    ("classification", 8, "train sign error"): lambda depth: 0.25 / depth,
    ("regression", 40, "train mse"): lambda _: 0.199,
    ("shuffled", 40, "train mse"): lambda _: 0.199,
    ("regression", 40, "fresh mse"): lambda _: 0.201,
    ("regression", 40, "fresh mae"): lambda _: 0.39,
}
SCATTER = 0.001  # between neighbouring seeds
THEORIES: dict[str, pd.DataFrame] = {}  # of each configuration, a third of a second


def compose(scale: str, *overrides: str) -> Config:
    return smoke.compose("tent-map", scale, *overrides)


def trainings(cfg: Config, errors: Errors, scatter: float = SCATTER) -> pd.DataFrame:
    """Errors at the last epoch, with seeds so far apart."""
    rows = [
        ("training", depth, cfg.batch_size, task, STATED, n, seed, cfg.epochs, quantity, value)
        for (task, n, quantity), error in errors.items()
        for depth in cfg.depths
        for place, seed in enumerate(cfg.seeds)
        for value in [error(depth) + scatter * (place - (len(cfg.seeds) - 1) / 2)]
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def digits(cfg: Config, wrong_signs: float = 0.4, error: float = 5e-8) -> pd.DataFrame:
    """What floats leave of the hard task."""
    rows = [
        ("digits", 0, 0, "", STATED, cfg.hard, 0, 0, quantity, value)
        for quantity, value in (("float32 wrong signs", wrong_signs), ("float64 error", error))
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def counts(cfg: Config, easy: float = 68, hard: float = 331_160_282, layers: float = 3) -> pd.DataFrame:
    """Crossings of f^8 and f^40, and up to how many layers the slides' condition holds."""
    rows = [
        ("counts", 0, 0, "", STATED, n, 0, 0, quantity, value)
        for n, quantity, value in (
            (cfg.easy, "crossings", easy),
            (cfg.hard, "crossings", hard),
            (cfg.hard, "slides' condition", layers),
        )
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def theory(cfg: Config) -> pd.DataFrame:
    """Computed once for each configuration."""
    if repr(cfg) not in THEORIES:
        THEORIES[repr(cfg)] = predict(cfg)
    return THEORIES[repr(cfg)].copy()


def judged(cfg: Config, *parts: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in judge(theory(cfg), pd.concat(parts), cfg)}


@pytest.fixture(scope="module")
def paper() -> Config:
    return compose("paper")


@pytest.fixture(scope="module")
def run() -> tuple[Config, pd.DataFrame]:
    """A short run: configuration and data."""
    cfg = compose("smoke", "float_points=40")
    return cfg, pd.concat([measure(cfg, unit, Lab("cpu")).assign(**unit.key) for unit in units(cfg)])


# --- the configuration ------------------------------------------------------------------------------------------------


def test_the_setting_is_that_of_the_slides(paper: Config) -> None:
    assert (paper.width, paper.depths, paper.easy, paper.hard) == (20, [1, 2, 3, 4, 5], 8, 40)
    assert (paper.points, paper.epochs) == (10_000, 1500)


def test_the_published_setting_is_the_same(paper: Config) -> None:
    assert (paper.width, tuple(paper.depths)) == (depth_width.WIDTH, depth_width.DEPTHS)
    assert (paper.easy, paper.hard) == (depth_width.EASY, depth_width.HARD)
    assert (paper.points, paper.epochs) == (depth_width.POINTS, depth_width.EPOCHS)


def test_a_hard_task_of_no_more_compositions_than_the_easy_one_is_refused() -> None:
    with pytest.raises(Refused, match=r"hard=8 .*a number above easy=8"):
        compose("smoke", "hard=8")


@pytest.mark.parametrize(
    ("overrides", "key", "most", "slope"),
    [
        (["hard=61"], "hard=61", 60, "1.618"),  # phi^60 2^-52 = 7.7e-4
        (["map=tent", "hard=43"], "hard=43", 42, "2"),
        (["compositions=[4,61]"], "compositions=[4, 61]", 60, "1.618"),
    ],
)
def test_labels_without_three_digits_are_refused(overrides: list[str], key: str, most: int, slope: str) -> None:
    with pytest.raises(Refused) as error:
        compose("smoke", *overrides)
    text = f"{key} is not allowed: it takes at most {most}, after which slope {slope} leaves no three digits in float64"
    assert str(error.value) == text


def test_all_tasks_of_a_depth_are_one_unit_of_all_steps(paper: Config) -> None:
    stated = [unit for unit in units(paper) if unit.key["batch_size"] == 100]
    assert [unit.key["depth"] for unit in stated] == [5, 4, 3, 2, 1]
    assert {unit.steps for unit in stated} == {150_000}


# --- what claims conclude ---------------------------------------------------------------------------------------------


def test_right_tables_reproduce_all_but_the_slides_condition(paper: Config) -> None:
    claims = judged(paper, trainings(paper, RIGHT), counts(paper), digits(paper))
    others = {name: claim.verdict for name, claim in claims.items() if name != "slides-condition"}
    assert set(others.values()) == {Verdict.REPRODUCED}
    assert len(others) == 2 + 3 * 5 + 1 + 2 + 2


def test_the_slides_condition_holds_at_three_layers_and_not_at_five(paper: Config) -> None:
    claim = judged(paper, counts(paper))["slides-condition"]
    assert (claim.verdict, claim.published, claim.measured) == (Verdict.ERRATUM, 5, 3)


def test_the_bound_holds_at_five_layers_all_the_same(paper: Config) -> None:
    claims = judged(paper, trainings(paper, RIGHT))
    assert claims["bound-holds/depth-5"].expected > 0.1


def test_the_bound_of_one_layer_is_that_of_crossings_alone(paper: Config) -> None:
    bounds = theory(paper).query("quantity == 'mean L1 bound' and compositions == 40 and depth == 1")["value"]
    # (s/2) (phi/2)^2 / phi^40, over the length 2: s = 2 F_40 = 2 phi^40 / sqrt(5) crossings of [-1, phi - 1]
    assert bounds.tolist() == pytest.approx([((1 + math.sqrt(5)) / 2) ** 2 / (8 * math.sqrt(5))], rel=1e-6)


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        ({("regression", 8, "train mse"): lambda _: 0.2}, "easy-falls-with-depth/regression"),
        ({("classification", 8, "train sign error"): lambda _: 0.25}, "easy-falls-with-depth/classification"),
        ({("regression", 40, "train mse"): lambda depth: 0.2 - 0.0005 * depth}, "hard-is-flat"),
        ({("shuffled", 40, "train mse"): lambda depth: 0.2 - 0.0005 * depth}, "hard-is-flat"),
        ({("regression", 40, "train mse"): lambda depth: 0.2 - 0.01 * depth}, "hard-at-the-floor/depth-5"),
        ({("regression", 40, "train mse"): lambda _: 0.21}, "hard-at-the-floor/depth-5"),
        ({("regression", 40, "fresh mse"): lambda depth: 0.21 - 0.01 * depth}, "hard-is-not-learnt/depth-5"),
        ({("regression", 40, "fresh mae"): lambda _: 0.1}, "bound-holds/depth-5"),
    ],
)
def test_another_error_is_seen(paper: Config, change: Errors, claim: str) -> None:
    assert judged(paper, trainings(paper, RIGHT | change))[claim].verdict == Verdict.DIFFERS


@pytest.mark.parametrize(
    ("fall", "scatter", "verdict"),
    [
        (0.04, 0.001, Verdict.REPRODUCED),  # from one layer to five, beside 0.01 that a figure shows
        (0.04, 0.05, Verdict.UNDERPOWERED),
        (1.2, 0.05, Verdict.REPRODUCED),  # scatters as much, and falls by far
        (0.004, 0.001, Verdict.DIFFERS),  # falls without doubt, by nothing that a figure shows
        (0.0, 0.0, Verdict.DIFFERS),
    ],
)
def test_a_fall_is_one_that_a_figure_shows(paper: Config, fall: float, scatter: float, verdict: Verdict) -> None:
    errors: Errors = {("regression", 8, "train mse"): lambda depth: 0.2 - fall * (depth - 1) / 4}
    data = trainings(paper, RIGHT | errors, scatter)
    assert judged(paper, data)["easy-falls-with-depth/regression"].verdict == verdict


def test_seeds_that_scatter_too_much_know_too_little_of_the_floor(paper: Config) -> None:
    claims = judged(paper, trainings(paper, RIGHT, 0.02))
    assert claims["hard-at-the-floor/depth-5"].verdict == Verdict.UNDERPOWERED
    assert claims["hard-is-not-learnt/depth-5"].verdict == Verdict.UNDERPOWERED


def test_two_seeds_are_enough_for_an_interval_and_one_is_not(paper: Config) -> None:
    data = trainings(paper, RIGHT)
    verdicts = [judged(paper, data[data["seed"] < seeds])["hard-is-flat"].verdict for seeds in (1, 2)]
    assert verdicts == [Verdict.UNDERPOWERED, Verdict.REPRODUCED]


def test_errors_wrong_by_a_factor_are_not_hidden_by_their_scatter(paper: Config) -> None:
    tenfold: Errors = {key: lambda depth, error=error: 10 * error(depth) for key, error in RIGHT.items()}
    claims = judged(paper, trainings(paper, tenfold, 0.2))
    assert {claims[f"hard-at-the-floor/depth-{depth}"].verdict for depth in paper.depths} == {Verdict.DIFFERS}


def test_one_network_below_the_bound_would_refute_it(paper: Config) -> None:
    data = trainings(paper, RIGHT)
    one = (data["quantity"] == "fresh mae") & (data["depth"] == 3) & (data["seed"] == 4)
    claims = judged(paper, data.assign(value=data["value"].where(~one, 0.1)))
    assert claims["bound-holds/depth-3"].verdict == Verdict.DIFFERS


def test_a_diverged_training_differs(paper: Config) -> None:
    diverged: Errors = {key: lambda _: math.nan for key in RIGHT}
    found = {name: claim.verdict for name, claim in judged(paper, trainings(paper, diverged)).items()}
    names = ("hard-at-the-floor/depth-1", "hard-is-not-learnt/depth-1", "hard-is-flat", "bound-holds/depth-1")
    assert {found[name] for name in names} == {Verdict.DIFFERS}


def test_errors_of_swept_settings_enter_no_claim(paper: Config) -> None:
    data = trainings(paper, RIGHT)
    swept = data.assign(setting="learning rate 0.003", value=9.0)
    assert judged(paper, data, swept, digits(paper)) == judged(paper, data, digits(paper))


def test_another_number_of_crossings_differs(paper: Config) -> None:
    claims = judged(paper, counts(paper, hard=68))
    assert claims["crossings/8"].verdict == Verdict.REPRODUCED
    assert claims["crossings/40"].verdict == Verdict.DIFFERS


def test_a_condition_that_holds_for_all_layers_differs(paper: Config) -> None:
    assert judged(paper, counts(paper, layers=5))["slides-condition"].verdict == Verdict.DIFFERS


@pytest.mark.parametrize(
    ("wrong_signs", "error", "claim"),
    [(0.3, 5e-8, "float32-labels-are-noise"), (0.4, 1e-6, "float64-labels-are-good")],
)
def test_other_digits_are_seen(paper: Config, wrong_signs: float, error: float, claim: str) -> None:
    assert judged(paper, digits(paper, wrong_signs, error))[claim].verdict == Verdict.DIFFERS


@pytest.mark.parametrize(
    ("override", "claim", "reason"),
    [
        ("epochs=10", "easy-falls-with-depth/regression", "1000 steps of Adam, fewer than 40000"),
        ("depths=[3]", "easy-falls-with-depth/classification", "one depth alone"),
        ("depths=[3]", "slides-condition", "depths=[3], not [1, 2, 3, 4, 5]"),
        ("width=50", "slides-condition", "map=golden, hard=40, width=50"),
        ("map=tent", "slides-condition", "map=tent, hard=40, width=20"),
        ("map=tent", "crossings/40", "map=tent"),
        ("map=tent", "float32-labels-are-noise", "map=tent: roundings are another's"),
        ("width=50", "bound-holds/depth-5", "40 compositions cross too seldom for 5 layers of 50 units"),
        ("hard=20", "float32-labels-are-noise", "hard=20: float32 keeps digits up to some 30 compositions"),
        (
            "hard=20",
            "hard-at-the-floor/depth-1",
            "task=regression, compositions=20, depth=1, setting=as stated, epoch=1500, quantity=train mse: "
            "not in this run",
        ),
    ],
)
def test_another_setting_is_not_comparable_and_says_why(override: str, claim: str, reason: str) -> None:
    cfg = compose("paper", "compositions=[8]", override)  # in a moment
    assert judged(cfg, trainings(cfg, RIGHT), digits(cfg))[claim].other_setting == reason


# --- what is trained --------------------------------------------------------------------------------------------------


def drawn(task: measurement.Task, count: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Points and labels of a task, by the generator of its seed."""
    return measurement._points(golden_map(), task, count, Lab("cpu").numpy_generator(task.seed, "train points"))


def task(name: str = "regression", compositions: int = 40, seed: int = 0, narrow: bool = False) -> measurement.Task:
    return measurement.Task(name, compositions, seed, STATED, 1e-3, narrow=narrow)


def test_labels_are_good_to_six_digits_after_40_compositions() -> None:
    x, y = drawn(task(), 20)
    exact = [float(golden_map().iterate(Fraction(point), 40)) for point in x.tolist()]
    # A rounding of 2^-53 in each iteration, stretched by phi^40: 7e-8
    np.testing.assert_allclose(y, exact, atol=1e-6, rtol=0)


def test_tasks_of_one_seed_share_their_points() -> None:
    easy, hard, shuffled, other = (
        drawn(one)[0] for one in (task(compositions=8), task(), task("shuffled"), task(seed=1))
    )
    np.testing.assert_array_equal(easy, hard)
    np.testing.assert_array_equal(shuffled, hard)
    assert not np.isin(other, hard).any()


def test_fresh_points_are_none_that_were_trained_on() -> None:
    cfg = compose("smoke")
    (train, _), (fresh, _) = (measurement._stacked(cfg, [task()], part, Lab("cpu")) for part in ("train", "fresh"))
    assert not np.isin(fresh.numpy(), train.numpy()).any()


def test_shuffled_labels_are_those_of_the_task_in_another_order() -> None:
    labels, shuffled = (drawn(task(name))[1] for name in ("regression", "shuffled"))
    np.testing.assert_array_equal(np.sort(labels), np.sort(shuffled))
    assert (labels != shuffled).mean() > 0.9


def test_a_classification_is_of_the_signs() -> None:
    labels, classes = (drawn(task(name))[1] for name in ("regression", "classification"))
    np.testing.assert_array_equal(classes, np.sign(labels))


def test_the_narrow_interval_is_the_one_that_the_map_covers() -> None:
    x, _ = drawn(task(narrow=True), 1000)
    assert -1 <= x.min() < -0.99
    assert 0.61 < x.max() <= (math.sqrt(5) - 1) / 2


def test_batch_sizes_are_swept_with_the_first_seed_on_both_tasks(paper: Config) -> None:
    swept = measurement._tasks(paper, 500)
    assert [(one.compositions, one.seed, one.setting) for one in swept] == [
        (8, 0, "batch size 500"),
        (40, 0, "batch size 500"),
    ]


def test_all_that_is_stated_is_trained_with_every_seed(paper: Config) -> None:
    stated = [one for one in measurement._tasks(paper, 100) if one.setting == STATED]
    # Ten numbers of compositions; signs and shuffled labels of the easy and the hard task
    assert len(stated) == (10 + 2 * 2) * 5


def test_an_equal_learning_rate_is_not_swept() -> None:
    settings = {one.setting for one in measurement._tasks(compose("smoke", "learning_rates=[1e-3,3e-3]"), 100)}
    assert "learning rate 0.003" in settings
    assert "learning rate 0.001" not in settings


def test_crossings_and_the_slides_condition_are_counted(run: tuple[Config, pd.DataFrame], paper: Config) -> None:
    _, data = run
    crossed = data[data["quantity"] == "crossings"].set_index("compositions")["value"]
    assert crossed.to_dict() == {8: 68, 40: 331_160_282}
    rows = measure(paper, units(paper)[-2], Lab("cpu"))
    assert rows[rows["quantity"] == "slides' condition"]["value"].tolist() == [3]


@pytest.mark.parametrize(
    ("map_", "point"),
    [
        (golden_map(), 0),
        (li_yorke_map(), 2),
        (PiecewiseLinearMap([0, 1, 2, 9, 10], [0, 9, 9, 8, 10]), 2),  # a plateau's end, and further out a minimum
    ],
)
def test_signs_are_told_where_the_map_turns_nearest_to_the_middle(map_: PiecewiseLinearMap, point: int) -> None:
    assert turn(map_) == point


def test_a_map_that_does_not_turn_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "monotone_maps.py").write_text(
        "from deepk.dynamics import PiecewiseLinearMap\nramp = PiecewiseLinearMap([0, 1, 2], [0, 0, 2])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Refused, match="a map that turns: iterates of a monotone one do not oscillate"):
        compose("smoke", "map=monotone_maps:ramp")


def test_the_tent_map_in_place_of_the_golden_one() -> None:
    cfg = compose("smoke", "map=tent", "compositions=[8]", "depths=[1]", "batch_size=100", "float_points=40")
    data = pd.concat([measure(cfg, unit, Lab("cpu")).assign(**unit.key) for unit in units(cfg)])
    claims = {claim.name: claim for claim in judge(predict(cfg), data, cfg)}
    assert claims["bound-holds/depth-1"].expected == pytest.approx(1 / 8)  # (2^n / 2) (1/2)^2 / 2^n, and no pieces
    assert claims["bound-holds/depth-1"].verdict == Verdict.REPRODUCED
    assert claims["hard-at-the-floor/depth-1"].expected == pytest.approx(1 / 12)  # iterates are uniform
    assert not data["setting"].str.startswith("on [").any()  # it covers its interval
    floats = data[(data["part"] == "digits") & (data["compositions"] == 40)].set_index("quantity")["value"]
    assert floats["float64 error"] == 0  # slope 2 loses no digit that a float32 has


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("tnet", "unknown map 'tnet'; did you mean tent"),
        ("uncountable_maps:unending", "the orbits of all knots are finite"),
        ("uncountable_maps:rounded", "and their numbers exact"),
    ],
)
def test_a_map_that_cannot_be_counted_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, message: str
) -> None:
    (tmp_path / "uncountable_maps.py").write_text(
        "from fractions import Fraction\nfrom deepk.dynamics import bounded_slope_map\n"
        "unending, rounded = bounded_slope_map(Fraction('1.618')), bounded_slope_map(1.618)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Refused, match=message):
        compose("smoke", f"map={value}")


def test_the_configuration_names_all_known_maps() -> None:
    (allowed,) = (spec.metadata["allowed"] for spec in fields(Config) if spec.name == "map")
    assert all(name in allowed for name in MAP_NAMES)


def test_before_the_last_epoch_only_what_is_drawn_is_kept(run: tuple[Config, pd.DataFrame]) -> None:
    cfg, data = run
    before = data[(data["part"] == "training") & (data["epoch"] < cfg.epochs)]
    assert set(before["quantity"]) == {"train mse"}
    assert set(before["compositions"]) == {cfg.easy, cfg.hard}
    assert len(before[before["batch_size"] == cfg.batch_size]) == 2 * len(cfg.seeds) * len(cfg.depths)


def test_float32_loses_the_signs_that_float64_keeps(run: tuple[Config, pd.DataFrame]) -> None:
    _, data = run
    wrong = data[(data["part"] == "digits") & (data["compositions"] == 40)].set_index("quantity")["value"]
    assert wrong["float32 wrong signs"] > 0.25
    assert wrong["float64 wrong signs"] == 0


def test_a_killed_training_goes_on_to_the_same_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cfg = compose("smoke", "epochs=3", "evaluations=3", "points=300", "fresh_points=100")
    monkeypatch.setattr(lending, "CHECKPOINT_SECONDS", 0.0)
    unit = units(cfg)[0]
    whole = measure(cfg, unit, Lab("cpu", tmp_path / "whole"))

    class Killed(Exception):
        pass

    def die_in_the_last_epoch(_: int, values: Any) -> None:
        if values.get("epoch") == 3:
            raise Killed

    path = tmp_path / "killed"
    with pytest.raises(Killed):
        measure(cfg, unit, Lab("cpu", path, die_in_the_last_epoch))
    steps: list[int] = []
    again = measure(cfg, unit, Lab("cpu", path, lambda step, _: steps.append(step)))
    pd.testing.assert_frame_equal(again, whole, check_exact=True)
    assert steps[0] == 6  # two epochs of three batches are not done again


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def figures(run: tuple[Config, pd.DataFrame]) -> Any:
    cfg, data = run
    return draw(theory(cfg), data, cfg)


def test_the_depth_sweep_shows_the_mean_of_the_seeds_at_the_last_epoch(
    run: tuple[Config, pd.DataFrame], figures: Any
) -> None:
    cfg, data = run
    line = figures["depth-sweep"].axes[1].lines[0]
    last = data[(data["task"] == "regression") & (data["compositions"] == 40) & (data["epoch"] == cfg.epochs)]
    last = last[(last["quantity"] == "train mse") & (last["setting"] == STATED)]
    assert line.get_xdata().tolist() == cfg.depths
    assert line.get_ydata() == pytest.approx(last.groupby("depth")["value"].mean().to_numpy())


def test_the_hard_task_is_drawn_beside_the_best_constant(figures: Any) -> None:
    panel = figures["depth-sweep"].axes[1]
    (line,) = [line for line in panel.lines if line.get_label() == "best constant"]
    assert line.get_ydata()[0] == pytest.approx(1 / 5, abs=1e-3)
