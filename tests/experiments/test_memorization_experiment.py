"""memorization: what its claims conclude from hand-made tables, its circle in closed form, its points and figures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke
import torch
from scipy.spatial.distance import pdist

from deepk.errors import Refused
from deepk.kernels import CompositionalKernel, DualKernel
from deepk.lab import Claim, Lab, Unit, Verdict
from experiments.memorization import COLUMNS, FIGURES
from experiments.memorization.claims import claims
from experiments.memorization.figures import draw
from experiments.memorization.fourier import circulant_eigenvalues
from experiments.memorization.measurement import measure, points_of, units
from experiments.memorization.points import circle, spiral
from experiments.memorization.theory import finite_size, predict

Tables = tuple[pd.DataFrame, pd.DataFrame]
KEY = ["arrangement", "activation", "n", "d", "kappa"]
CASES = ("size=200", "dimension=100", "sizes=[50,100,200]", "dimensions=[20,100,200,400]", "kappas=[0.5]")
POINTS = ("circle=[9,33,65]", "circle_limit=[1025,4097]", "circle_shown=9", "sphere=[33,65]", "depths=5")
TINY = ("size=12", "dimension=30", "sizes=[12]", "dimensions=[30]", "circle=[5,9]", "circle_limit=[33]", "sphere=[9]")


def compose(*overrides: str) -> Any:
    return smoke.compose("memorization", "smoke", *overrides)


def as_predicted(theory: pd.DataFrame, cfg: Any) -> pd.DataFrame:
    """Three draws that do what theory says: packings of the sphere have the geometric mean of their bounds."""
    values = theory[theory["kappa"].notna()].pivot_table(index=KEY, columns="quantity", values="value").reset_index()
    middle = np.sqrt(values["later_low"].clip(lower=1) * values["later_high"]).round()
    depth = values["marchenko_pastur"].fillna(values["fourier"]).fillna(middle)
    measured = values[~values["n"].isin(cfg.circle_limit)]
    rows = measured[KEY].assign(quantity="minimal depth", depth=math.nan, level=math.nan, value=depth)
    draws = [rows.assign(seed=seed) for seed in cfg.seeds if seed == 0]
    draws += [rows[rows["arrangement"] == "uniform"].assign(seed=seed) for seed in cfg.seeds if seed > 0]
    curves = theory[theory["quantity"] == "eigenvalue"].assign(seed=0)
    lowest = curves[(curves["arrangement"] == "uniform") & (curves["level"] == 0)]
    quartiles = [lowest.assign(level=level, value=1.0) for level in (0.25, 0.5, 0.75)]
    un_centered = rows.assign(seed=0, quantity="un-centered", level=1.0, value=5.0)
    table = pd.concat([*draws, curves, *quartiles, un_centered], ignore_index=True)
    return table[list(COLUMNS)]


def measured(cfg: Any) -> pd.DataFrame:
    """All units of a run."""
    parts = [measure(cfg, unit, Lab("cpu")).assign(**unit.key) for unit in units(cfg)]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def judged(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in claims(theory, data, cfg)}


def shifted(table: pd.DataFrame, by: float, **where: Any) -> pd.DataFrame:
    """The table with its values moved in the rows where these columns have these values."""
    rows = pd.Series(True, index=table.index)
    for column, value in where.items():
        rows &= table[column] == value
    assert rows.any()
    return table.assign(value=table["value"].where(~rows, table["value"] + by))


@pytest.fixture(scope="module")
def cfg() -> Any:
    return compose("activations=[relu,sigmoid]", *CASES, *POINTS)


@pytest.fixture(scope="module")
def tables(cfg: Any) -> Tables:
    theory = predict(cfg)
    return theory, as_predicted(theory, cfg)


# Verdicts -----------------------------------------------------------------------------------------------------------


def test_a_run_that_equals_the_theory_reproduces_all_it_can_speak_of(cfg: Any, tables: Tables) -> None:
    found = judged(cfg, *tables)
    of = {verdict: {name for name, claim in found.items() if claim.verdict is verdict} for verdict in Verdict}
    assert of[Verdict.NOT_COMPARABLE] == {"growth/sigmoid"}
    assert of[Verdict.UNDERPOWERED] == set()
    assert len(of[Verdict.REPRODUCED]) == len(found) - 1 == 27


@pytest.mark.parametrize(
    ("name", "by", "where"),
    [
        # ReLU's upper bound at n = 200, d = 20 is above 40, and its lower one there below 0.
        ("bounds/small/relu", 60, {"arrangement": "uniform", "d": 20, "seed": 2}),
        ("bounds/large/relu", -13, {"arrangement": "sphere", "n": 33}),
        ("marchenko-pastur/relu/200", 2, {"arrangement": "uniform", "n": 200, "d": 200}),
        ("marchenko-pastur/relu/200", -2, {"arrangement": "uniform", "n": 200, "d": 400}),
        ("marchenko-pastur/relu/100", 2, {"arrangement": "uniform", "n": 100}),
        ("marchenko-pastur/sigmoid/200", 15, {"arrangement": "uniform", "n": 200, "d": 200}),
        ("marchenko-pastur/relu/200", math.nan, {"arrangement": "uniform", "n": 200, "seed": 0}),
        ("earlier-draw/relu", 1, {"arrangement": "uniform", "n": 200, "d": 200}),
        ("slides/small/relu", 8, {"arrangement": "uniform", "n": 200, "d": 100}),
        ("slides/large/relu", 1000, {"arrangement": "circle", "n": 33}),
        ("circle/relu", 1, {"arrangement": "circle", "n": 65, "quantity": "minimal depth"}),
        ("circle/relu", math.nan, {"arrangement": "circle", "n": 65, "quantity": "minimal depth"}),
        ("circulant/relu", 1e-6, {"arrangement": "circle", "quantity": "eigenvalue", "level": 0.5}),
        ("circulant/relu", math.nan, {"arrangement": "circle", "quantity": "eigenvalue", "level": 0.5, "depth": 1}),
        ("inwards/uniform/relu", math.nan, {"arrangement": "uniform", "quantity": "eigenvalue", "depth": 1}),
        ("un-centered/relu", -3.6, {"quantity": "un-centered", "n": 65}),
        ("bounds/small/relu", math.nan, {"arrangement": "uniform", "d": 20, "seed": 2}),
    ],
)
def test_a_claim_differs_when_what_it_speaks_of_moves(
    cfg: Any, tables: Tables, name: str, by: float, where: dict[str, Any]
) -> None:
    theory, data = tables
    activation = next(part for part in name.split("/") if part in cfg.activations)
    moved = shifted(data, by, activation=activation, **where)
    assert judged(cfg, theory, moved)[name].verdict is Verdict.DIFFERS


@pytest.mark.parametrize("factor", [0.1, 10.0])
@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_depths_that_are_off_by_a_factor_of_ten_differ(cfg: Any, tables: Tables, name: str, factor: float) -> None:
    theory, data = tables
    depths = data["quantity"] == "minimal depth"
    wrong = data.assign(value=data["value"].where(~depths, data["value"] * factor))
    found = judged(cfg, theory, wrong)
    families = ("bounds/large/{}", "marchenko-pastur/{}/200", "earlier-draw/{}", "circle/{}")
    assert {found[family.format(name)].verdict for family in families} == {Verdict.DIFFERS}


@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("arrangement", ["uniform", "circle"])
def test_eigenvalues_that_once_move_outwards_differ(cfg: Any, tables: Tables, arrangement: str, level: float) -> None:
    theory, data = tables
    rows = data[(data["arrangement"] == arrangement) & (data["quantity"] == "eigenvalue") & (data["level"] == level)]
    second = sorted(set(rows.loc[rows["activation"] == "relu", "depth"]))[1]
    where = {"arrangement": arrangement, "activation": "relu", "quantity": "eigenvalue", "level": level}
    # Further out than the first layer's, whose largest eigenvalue is below 10.
    moved = shifted(data, 10.0 if level else -10.0, depth=second, **where)
    assert judged(cfg, theory, moved)[f"inwards/{arrangement}/relu"].verdict is Verdict.DIFFERS


def test_the_growth_on_the_circle_differs_when_it_is_another_power_of_log_n(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    faster = shifted(theory, 3, activation="relu", quantity="fourier", n=4097)
    assert judged(cfg, faster, data)["growth/relu"].verdict is Verdict.DIFFERS


def test_one_draw_out_of_three_does_not_move_the_median(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    moved = shifted(data, 2, activation="relu", arrangement="uniform", quantity="minimal depth", seed=1)
    claim = judged(cfg, theory, moved)["marchenko-pastur/relu/200"]
    assert (claim.verdict, claim.measured) == (Verdict.REPRODUCED, claim.expected)


def test_a_single_draw_is_enough_where_theory_knows_how_draws_scatter(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    found = judged(cfg, theory, data[data["seed"] == 0])
    assert found["marchenko-pastur/relu/200"].verdict is Verdict.REPRODUCED


def test_few_points_whose_depth_scatters_by_more_than_matters_are_underpowered() -> None:
    cfg = compose("activations=[sigmoid]", *TINY)
    theory = predict(cfg)
    claim = judged(cfg, theory, as_predicted(theory, cfg))["marchenko-pastur/sigmoid/12"]
    # All depths from 1 on are possible; 22 layers are what twice as many points add, by half.
    assert claim.verdict is Verdict.UNDERPOWERED
    assert claim.resolution == pytest.approx(math.log(2) / 2 / -math.log(0.98416717), rel=1e-6)


def test_the_least_known_case_decides_where_no_case_differs(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    case = {"activation": "relu", "arrangement": "uniform", "n": 200, "d": 200, "kappa": 0.5}
    wider = shifted(theory, 2, quantity="longest", **case)
    claim = judged(cfg, wider, data)["marchenko-pastur/relu/200"]
    assert (claim.verdict, claim.tolerance) == (Verdict.UNDERPOWERED, 2)


@pytest.mark.parametrize("by", [-3, 3])
def test_a_wrong_prediction_does_not_widen_its_own_tolerance(cfg: Any, tables: Tables, by: int) -> None:
    theory, data = tables
    wrong = shifted(theory, by, activation="relu", quantity="marchenko_pastur")
    assert judged(cfg, wrong, data)["marchenko-pastur/relu/200"].verdict is Verdict.DIFFERS


def test_crowded_points_are_not_held_to_the_bounds_of_small_correlation(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    crowded = data["d"].where(data["arrangement"] == "circle", 5)
    found = judged(
        cfg, theory.assign(d=theory["d"].where(theory["arrangement"] != "uniform", 5)), data.assign(d=crowded)
    )
    names = ("bounds/small/relu", "slides/small/relu", "marchenko-pastur/relu/200")
    assert {found[name].other_setting for name in names} == {"no uniform points with log(n)/d <= 0.33"}


def test_a_jump_has_no_bounds_since_mu_is_infinite() -> None:
    cfg = compose("activations=[step]", *TINY, "seeds=[0]", "circle_shown=5", "depths=4")
    found = judged(cfg, predict(cfg), measured(cfg))
    silent = {name for name, claim in found.items() if "mu of step is infinite" in claim.other_setting}
    assert silent == {"bounds/small/step", "bounds/large/step", "slides/large/step"}


def test_an_odd_activation_needs_no_centering() -> None:
    cfg = compose("activations=[tanh]", *TINY)
    theory = predict(cfg)
    claim = judged(cfg, theory, as_predicted(theory, cfg))["un-centered/tanh"]
    assert claim.other_setting == "tanh is centered already"


# Theory -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
@pytest.mark.parametrize("depth", [1, 6])
def test_fourier_sums_are_the_eigenvalues_of_the_kernel_matrix_on_the_circle(name: str, depth: int) -> None:
    n = 17
    sums = next(values for layer, values in enumerate(circulant_eigenvalues(name, n), start=1) if layer == depth)
    gram = CompositionalKernel(name, depth, centered=True).gram(circle(n))
    # n entries in a row, each good to the table's 1e-12 at most.
    assert np.sort(sums) == pytest.approx(np.linalg.eigvalsh(gram), abs=n * 1e-12)


def test_the_largest_eigenvalue_of_many_random_points_comes_near_the_marchenko_pastur_edge() -> None:
    n, d, depth, name = 400, 100, 6, "relu"
    points = np.random.default_rng(0).standard_normal((n, d))
    eigenvalues = np.linalg.eigvalsh(CompositionalKernel(name, depth, centered=True).gram(points))
    edge = DualKernel(name, centered=True).a1_squared ** depth * (2 * math.sqrt(n / d) + n / d)
    # Tracy-Widom scatter of 4 n^(-2/3) relative, and 3 / d of a cubic coefficient like the linear one.
    assert eigenvalues[-1] - 1 == pytest.approx(edge, rel=4 * n ** (-2 / 3) + 3 / d)


def test_the_finite_size_range_holds_the_prediction_and_narrows_with_n() -> None:
    small, large = (finite_size("relu", n, n, 0.5) for n in (50, 5000))
    assert small["shortest"] <= 6 <= small["longest"]
    # Both scale as n^(-2/3): 0.046.
    assert large["scatter"] / small["scatter"] == pytest.approx(100 ** (-2 / 3), rel=0.3)


def test_the_quadratic_part_of_gelu_has_an_eigenvalue_of_its_own_from_n_of_12_d_on() -> None:
    # 1 / (r - 1)^2 = 11.6 with r = a_2^2 / (a_1^2 (1 - a_1^2)) = .25901 / (.72329 * .27671).
    assert finite_size("gelu", 110, 10, 0.5)["outlier"] < 1
    assert finite_size("gelu", 120, 10, 0.5)["outlier"] > 1


# Points and measurements --------------------------------------------------------------------------------------------


def test_points_on_the_circle_are_as_far_from_each_other_as_can_be() -> None:
    assert pdist(circle(9)).min() == pytest.approx(2 * math.sin(math.pi / 9), rel=1e-14)


@pytest.mark.parametrize("n", [33, 257])
def test_the_spiral_is_close_to_a_packing(n: int) -> None:
    points = spiral(n)
    assert np.linalg.norm(points, axis=1) == pytest.approx(np.ones(n), rel=1e-14)
    # No n points are further apart than Fejes Toth's bound, sqrt(4 - 1 / sin(n pi / (6 (n - 2)))^2).
    bound = math.sqrt(4 - 1 / math.sin(n * math.pi / (6 * (n - 2))) ** 2)
    assert 0.75 * bound < pdist(points).min() < bound


def test_seeds_draw_different_points_and_each_the_same_again() -> None:
    first, again, other = (points_of("uniform", 5, 3, seed, Lab("cpu")) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_minimal_depth_is_where_the_eigenvalues_enter_the_band() -> None:
    cfg = compose("activations=[relu]", *TINY, "circle_shown=9", "depths=50")
    data = measure(cfg, Unit({"arrangement": "circle", "activation": "relu"}), Lab("cpu"))
    minimal = data[(data["quantity"] == "minimal depth") & (data["n"] == 9)]["value"].item()
    curve = data[data["quantity"] == "eigenvalue"].pivot_table(index="depth", columns="level", values="value")
    inside = (curve[0.0] >= 1 - cfg.kappa) & (curve[1.0] <= 1 + cfg.kappa)
    assert inside.index[inside].min() == minimal


def bent(x: torch.Tensor) -> torch.Tensor:
    """A user's own activation, smooth and neither odd nor even."""
    return torch.tanh(x + 0.5)


def line(x: torch.Tensor) -> torch.Tensor:
    """A user's own activation that memorizes nothing."""
    return 2 * x + 1


def test_a_users_own_activation_is_measured_judged_and_drawn() -> None:
    cfg = compose(f"activations=['{__name__}:bent']", *TINY, "circle_shown=5", "depths=4")
    theory = predict(cfg)
    data = measured(cfg)
    found = judged(cfg, theory, data)
    assert found[f"circle/{__name__}:bent"].verdict is Verdict.REPRODUCED
    assert Verdict.DIFFERS not in {claim.verdict for claim in found.values()}
    assert set(draw(theory, data, cfg)) == set(FIGURES)


def test_a_linear_activation_is_refused() -> None:
    with pytest.raises(ValueError, match="line is linear"):
        predict(compose(f"activations=['{__name__}:line']", *TINY))


@pytest.mark.parametrize("override", ["circle=[8]", "circle_shown=8", "kappa=1", "kappas=[0.5,0]", "sizes=[]"])
def test_a_setting_that_has_no_answer_is_refused(override: str) -> None:
    with pytest.raises(Refused, match=override.partition("=")[0]):
        compose(override)


# Figures ------------------------------------------------------------------------------------------------------------


def test_theory_is_a_line_and_measured_depths_are_markers(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    figure = draw(theory, data, cfg)["packing"]
    panel = figure.axes[1]  # the circle, of the first activation
    lines = {str(line.get_label()): line for line in panel.lines}
    sums = theory[(theory["quantity"] == "fourier") & (theory["activation"] == "relu")].sort_values("n")
    assert list(lines["theory: Fourier sums"].get_ydata()) == list(sums["value"])
    depths = lines["eigenvalues of the matrix"]
    assert (list(depths.get_xdata()), depths.get_linestyle()) == (cfg.circle, "None")
