"""kernel-limits: the paper's curves to four digits, what its claims conclude from hand-made tables, and its figures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke
import torch
from mpmath import mp

from deepk.errors import Refused
from deepk.kernels import CompositionalKernel, DualKernel
from deepk.lab import Claim, Lab, Verdict
from experiments.kernel_limits import COLUMNS, POINT, POWERS_OF_TWO
from experiments.kernel_limits.claims import RELU_C
from experiments.kernel_limits.claims import claims as judge
from experiments.kernel_limits.figures import draw
from experiments.kernel_limits.measurement import measure, units
from experiments.kernel_limits.theory import predict

Tables = tuple[pd.DataFrame, pd.DataFrame]

# K^(L) for L = 1, 3, 5, 7 at rho = -1, 0, .5, then rescaled at t = .5 and 1; mpmath quadrature of the exact kernels.
CURVES = {
    ("relu", "centered"): (
        (-0.4669, -0.1933, -0.0934, -0.0477),
        (0, 0, 0, 0),
        (0.4264, 0.2909, 0.1839, 0.1095),
        (0.6457, 0.6982, 0.7298, 0.7496),
        (0.4321, 0.5221, 0.5780, 0.6133),
    ),
    ("relu", "uncentered"): (
        (0, 0.4937, 0.6810, 0.7772),
        (0.3183, 0.6048, 0.7359, 0.8091),
        (0.6090, 0.7381, 0.8105, 0.8557),
        (0.6822, 0.7779, 0.8348, 0.8718),
        (0.5240, 0.6954, 0.7854, 0.8396),
    ),
    ("gelu", "centered"): (
        (-0.4466, -0.1768, -0.0829, -0.0412),
        (0, 0, 0, 0),
        (0.4274, 0.2914, 0.1825, 0.1069),
        (0.6199, 0.6374, 0.6472, 0.6528),
        (0.3964, 0.4345, 0.4564, 0.4689),
    ),
    ("gelu", "uncentered"): (
        (-0.1759, 0.2419, 0.4128, 0.5075),
        (0.1871, 0.3858, 0.4914, 0.5570),
        (0.5345, 0.5858, 0.6219, 0.6485),
        (0.6408, 0.6895, 0.7223, 0.7457),
        (0.4514, 0.5562, 0.6193, 0.6613),
    ),
    ("sigmoid", "centered"): (
        (-1, -1, -1, -1),
        (0, 0, 0, 0),
        (0.4940, 0.4820, 0.4702, 0.4585),
        (0.6103, 0.6174, 0.6239, 0.6300),
        (0.3748, 0.3882, 0.4008, 0.4128),
    ),
    ("sigmoid", "uncentered"): (
        (0.7043, 0.9932, 0.9998, 1),
        (0.8521, 0.9966, 0.9999, 1),
        (0.9252, 0.9983, 1, 1),
        (0.8577, 0.9966, 0.9999, 1),
        (0.8523, 0.9966, 0.9999, 1),
    ),
    ("swish", "centered"): (
        (-0.5970, -0.2917, -0.1634, -0.0969),
        (0, 0, 0, 0),
        (0.4487, 0.3491, 0.2598, 0.1859),
        (0.6157, 0.6290, 0.6378, 0.6437),
        (0.3878, 0.4175, 0.4374, 0.4507),
    ),
    ("swish", "uncentered"): (
        (-0.4054, 0.0274, 0.2213, 0.3335),
        (0.1200, 0.2727, 0.3663, 0.4294),
        (0.5148, 0.5395, 0.5590, 0.5747),
        (0.6281, 0.6617, 0.6864, 0.7053),
        (0.4218, 0.4986, 0.5507, 0.5880),
    ),
}
PLACES = (("unscaled", -1.0), ("unscaled", 0.0), ("unscaled", 0.5), ("rescaled", 0.5), ("rescaled", 1.0))


def compose(scale: str, *overrides: str) -> Any:
    return smoke.compose("kernel-limits", scale, *overrides)


def of(table: pd.DataFrame, activation: str, centering: str, kind: str) -> pd.DataFrame:
    case = (table["activation"] == activation) & (table["centering"] == centering)
    return table[case & (table["kind"] == kind)]


def measured(cfg: Any, **key: str) -> pd.DataFrame:
    """The rows of the first unit with this key."""
    unit = next(u for u in units(cfg) if all(u.key[name] == value for name, value in key.items()))
    return measure(cfg, unit, Lab("cpu"))


def as_predicted(theory: pd.DataFrame, cfg: Any, networks: int = 1600) -> pd.DataFrame:
    """Means that equal the theory at all points that are measured; networks a hundredth apart."""
    points = theory[theory["deviation"].notna()].assign(seed=cfg.seeds[0], mean=lambda rows: rows["value"])
    points = points[(points["kind"] != "kesten-stigum") | (points["depth"] <= cfg.kesten_stigum_generations)]
    of_activation = points["kind"].isin(["unscaled", "rescaled"])
    parts = [
        points.assign(source="branching", count=cfg.paths),
        points[of_activation & points["depth"].isin(cfg.depths)].assign(
            source="networks", deviation=0.01, count=networks
        ),
    ]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def judged(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in judge(theory, data, cfg)}


def shifted(table: pd.DataFrame, column: str, by: float, **where: Any) -> pd.DataFrame:
    """The table with a number added in the rows of a case, of which there is at least one."""
    rows = pd.Series(True, index=table.index)
    for name, value in where.items():
        rows &= table[name] == value
    assert rows.any()
    return table.assign(**{column: table[column].where(~rows, table[column] + by)})


@pytest.fixture(scope="module")
def cfg() -> Any:
    """The paper's activations; as many processes and networks as four seeds at paper scale have."""
    overrides = ("activations=[relu,gelu,sigmoid,swish]", "unscaled_points=8", "rescaled_points=4", "paths=200000")
    return compose("smoke", *overrides, "width=2000")


@pytest.fixture(scope="module")
def tables(cfg: Any) -> Tables:
    theory = predict(cfg)
    return theory, as_predicted(theory, cfg)


@pytest.fixture(scope="module")
def claims(cfg: Any, tables: Tables) -> dict[str, Claim]:
    return judged(cfg, *tables)


# Theory -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "expected"), CURVES.items(), ids=["-".join(case) for case in CURVES])
def test_the_papers_curves_have_their_values_to_four_digits(
    tables: Tables, case: tuple[str, str], expected: tuple[tuple[float, ...], ...]
) -> None:
    for (kind, x), values in zip(PLACES, expected, strict=True):
        rows = of(tables[0], *case, kind)
        curve = rows[rows["x"] == x].set_index("depth")["value"]
        assert curve[[1, 3, 5, 7]].tolist() == pytest.approx(values, abs=0.51e-4)


def test_a_deep_curve_is_added_where_the_mean_population_has_not_changed_by_a_factor_e(tables: Tables) -> None:
    deep = tables[0].query("kind == 'rescaled' and depth == 200")
    cases = {tuple(row) for row in deep[["activation", "centering"]].itertuples(index=False)}
    assert cases == {(name, "uncentered") for name in ("relu", "gelu", "swish")} | {("sigmoid", "centered")}


def test_the_deviation_is_that_of_the_power_of_the_population(tables: Tables) -> None:
    theory = tables[0]
    for kind, x, rho in (("unscaled", -0.5, -0.5), ("rescaled", 0.5, math.exp(-0.5 / DualKernel("gelu").mu ** 3))):
        rows = of(theory, "gelu", "uncentered", kind)
        (row,) = rows[(rows["depth"] == 3) & (rows["x"] == x)].itertuples()
        kernel = CompositionalKernel("gelu", 3)
        assert row.deviation**2 == pytest.approx(kernel(rho**2) - kernel(rho) ** 2, rel=1e-9)


def test_the_leading_order_solves_its_equation_and_comes_to_hold_with_depth(tables: Tables) -> None:
    rows = of(tables[0], POWERS_OF_TWO, "uncentered", "leading").set_index("depth")["value"]
    exact = of(tables[0], POWERS_OF_TWO, "uncentered", "kesten-stigum").set_index("depth")["value"]
    mp.dps = 30
    s = mp.polylog(2, mp.mpf(1) / 2)
    mu = mp.zeta(2) / s
    gamma = 1 / (s * mu * mp.log(mu, 2))
    for depth in (60, 600):
        x = mp.findroot(lambda x, depth=depth: x - gamma * mp.log((depth * mp.log(mu) - gamma) / (x - gamma)), 2)
        assert rows[depth] == pytest.approx(float(mp.exp(-x)), rel=1e-10)
        # Terms left out shift x by about gamma / x of one.
        assert rows[depth] == pytest.approx(exact[depth], rel=float(gamma / x))


# Verdicts -----------------------------------------------------------------------------------------------------------


def test_a_run_that_equals_the_theory_reproduces_all_but_errata_and_limits_that_seven_layers_are_far_from(
    claims: dict[str, Claim],
) -> None:
    found = {name: claim.verdict for name, claim in claims.items()}
    errata = {"survival/gelu/uncentered", "survival/swish/uncentered", "kesten-stigum/limit"}
    far = {f"near-limit/{name}/centered" for name in ("relu", "gelu", "swish")}
    assert {name for name, verdict in found.items() if verdict is Verdict.ERRATUM} == errata
    assert {name for name, verdict in found.items() if verdict is Verdict.UNDERPOWERED} == far
    assert {verdict for name, verdict in found.items() if name not in errata | far} == {Verdict.REPRODUCED}
    assert len(found) == 8 + 8 + 2 + 6 + 2 + 2 + 3 + 2


@pytest.mark.parametrize("source", ["branching", "networks"])
@pytest.mark.parametrize("centering", ["centered", "uncentered"])
def test_one_point_that_is_off_makes_its_case_differ(cfg: Any, tables: Tables, source: str, centering: str) -> None:
    theory, data = tables
    where = {"source": source, "activation": "gelu", "centering": centering, "kind": "unscaled", "depth": 5, "x": 0.25}
    found = judged(cfg, theory, shifted(data, "mean", 0.05, **where))
    differ = {name for name, claim in found.items() if claim.verdict is Verdict.DIFFERS}
    assert differ == {f"{source}/gelu/{centering}"}


@pytest.mark.parametrize(
    ("name", "where", "by"),
    [
        ("end/unscaled/relu", {"source": "networks", "kind": "unscaled", "depth": 1, "x": -1.0}, 0.01),
        ("end/rescaled/relu", {"source": "branching", "kind": "rescaled", "depth": 1, "x": 1.0}, 0.02),
        ("survival/gelu/uncentered", {"source": "branching", "kind": "rescaled", "depth": 200, "x": 1.0}, 0.03),
        ("kesten-stigum/branching", {"source": "branching", "kind": "kesten-stigum", "depth": 8}, 0.03),
    ],
)
def test_a_measurement_that_is_off_makes_its_claim_differ(
    cfg: Any, tables: Tables, name: str, where: dict[str, Any], by: float
) -> None:
    theory, data = tables
    assert judged(cfg, theory, shifted(data, "mean", by, **where))[name].verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("name", "where", "by"),
    [
        ("near-limit/gelu/uncentered", {"activation": "gelu", "kind": "rescaled", "depth": 200, "x": 0.5}, 1e-5),
        ("near-limit/relu/centered", {"activation": "relu", "kind": "rescaled", "depth": 7, "x": 0.5}, -0.3),
        ("not-yet/swish/uncentered", {"activation": "swish", "kind": "limit"}, -0.1),
        ("kesten-stigum/limit", {"kind": "kesten-stigum", "depth": 600}, 0.02),
        ("kesten-stigum/exponent", {"kind": "kesten-stigum", "depth": 600}, 0.01),
        ("extinction/relu", {"activation": "relu", "kind": "extinction", "depth": 200}, 1e-5),
        ("extinction/sigmoid", {"activation": "sigmoid", "kind": "extinction", "depth": 7}, 1e-9),
    ],
)
def test_theory_that_is_off_makes_its_claim_differ(
    cfg: Any, tables: Tables, name: str, where: dict[str, Any], by: float
) -> None:
    theory, data = tables
    assert judged(cfg, shifted(theory, "value", by, **where), data)[name].verdict is Verdict.DIFFERS


def test_processes_that_have_the_printed_mean_make_the_survival_claim_differ(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    at = {"source": "branching", "activation": "gelu", "centering": "uncentered", "kind": "rescaled", "depth": 200}
    printed = of(theory, "gelu", "uncentered", "printed").set_index("x")["value"][1.0]
    limit = of(theory, "gelu", "uncentered", "limit").set_index("x")["value"][1.0]
    assert (printed, limit) == pytest.approx((0.9537, 0.8069), abs=1e-4)
    found = judged(cfg, theory, shifted(data, "mean", printed - limit, **at, x=1.0))["survival/gelu/uncentered"]
    assert found.verdict is Verdict.DIFFERS


@pytest.mark.parametrize(("source", "count"), [("branching", 1000), ("networks", 3)])
def test_too_few_processes_or_networks_are_underpowered(cfg: Any, tables: Tables, source: str, count: int) -> None:
    theory, data = tables
    few = data.assign(count=data["count"].where(data["source"] != source, count))
    found = judged(cfg, theory, few)
    assert found[f"{source}/gelu/centered"].verdict is Verdict.UNDERPOWERED
    other = {"branching": "networks", "networks": "branching"}[source]
    assert found[f"{other}/gelu/centered"].verdict is Verdict.REPRODUCED


def test_processes_that_are_few_differ_all_the_same_where_they_are_far_off(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    few = data.assign(count=data["count"].where(data["source"] != "branching", 1000))
    at = {"source": "branching", "activation": "gelu", "centering": "centered", "kind": "rescaled", "depth": 7}
    assert judged(cfg, theory, shifted(few, "mean", -0.2, **at))["branching/gelu/centered"].verdict is Verdict.DIFFERS


def test_a_wide_interval_does_not_hide_that_a_narrow_one_is_missed(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    at = {"source": "branching", "activation": "sigmoid", "centering": "uncentered", "kind": "unscaled", "depth": 7}
    claim = judged(cfg, theory, shifted(data, "mean", -1e-3, **at, x=-1.0))["branching/sigmoid/uncentered"]
    assert claim.verdict is Verdict.DIFFERS
    assert claim.measured == pytest.approx(1e-3 / 0.2)
    assert claim.explanation == "unscaled, L = 7, x = -1"


@pytest.mark.parametrize("source", ["branching", "networks"])
def test_one_mean_that_is_lost_in_one_seed_makes_its_case_differ(cfg: Any, tables: Tables, source: str) -> None:
    theory, data = tables
    at = {"source": source, "activation": "relu", "centering": "centered", "kind": "unscaled", "depth": 3, "x": 0.0}
    lost = shifted(shifted(data, "mean", math.nan, **at), "deviation", math.nan, **at)
    found = judged(cfg, theory, pd.concat([data, lost.assign(seed=1)], ignore_index=True))
    assert found[f"{source}/relu/centered"].verdict is Verdict.DIFFERS


@pytest.mark.parametrize(("sources", "factor"), [("branching", 0.1), ("branching", 10.0), ("networks", 10.0)])
def test_a_factor_ten_makes_every_case_differ(cfg: Any, tables: Tables, sources: str, factor: float) -> None:
    theory, data = tables
    rows = data["source"] == sources
    wrong = data.assign(
        mean=data["mean"].where(~rows, data["mean"] * factor),
        deviation=data["deviation"].where(~rows, data["deviation"] * factor),
    )
    found = judged(cfg, theory, wrong)
    of_source = [claim.verdict for name, claim in found.items() if name.startswith(sources)]
    assert set(of_source) == {Verdict.DIFFERS}
    assert len(of_source) == 8


def test_what_is_not_in_the_run_is_not_judged(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    found = judged(cfg, theory, data[data["activation"] != "gelu"])
    of_gelu = {name: claim.verdict for name, claim in found.items() if "gelu" in name}
    assert set(of_gelu.values()) == {Verdict.NOT_COMPARABLE}
    assert found["branching/relu/centered"].verdict is Verdict.REPRODUCED


def test_nothing_measured_judges_nothing(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    assert {claim.verdict for claim in judged(cfg, theory, data.iloc[:0]).values()} == {Verdict.NOT_COMPARABLE}


def test_other_depths_than_the_papers_make_no_claim_on_its_figure(tables: Tables) -> None:
    other = compose("smoke", "activations=[relu,gelu,sigmoid,swish]", "depths=[3,5]")
    theory, data = (
        table[table["depth"].isin([0, 3, 5, 100, 200]) | table["kind"].isin(["kesten-stigum", "leading"])]
        for table in tables
    )
    found = judged(other, theory, data)
    for name in ("not-yet/gelu/uncentered", "end/unscaled/relu", "end/rescaled/relu", "extinction/sigmoid"):
        assert found[name].verdict is Verdict.NOT_COMPARABLE


# What theory allows ---------------------------------------------------------------------------------------------------


def test_the_convexity_bound_holds_the_sigmoids_factor_at_every_depth() -> None:
    kernel, mu = CompositionalKernel("sigmoid", 1), DualKernel("sigmoid").mu
    for first in (1, 3, 5):
        below = [CompositionalKernel("sigmoid", first + k).complement(-math.expm1(-1)) for k in (0, 2)]
        factor = math.sqrt(below[1] / below[0])
        earlier = mu**first * -math.expm1(-1)
        assert below[0] <= earlier
        assert kernel.complement(earlier) / earlier <= factor <= mu


def test_the_orbit_of_relu_from_one_over_e_is_between_one_and_two_layers_ahead_of_that_from_0() -> None:
    ahead = [float(CompositionalKernel("relu", depth)(0.0)) for depth in (1, 2)]
    assert ahead[0] < math.exp(-1) < ahead[1]
    # The constant c itself, after 10000 layers from 0: the next term is 1.5 (1.5 log L + c) / L = 0.003.
    depth = 10_000
    below = CompositionalKernel("relu", depth).complement(1.0)
    assert 3 * math.pi / math.sqrt(2 * below) - depth - 1.5 * math.log(depth) == pytest.approx(RELU_C - 2, abs=0.05)


# Measurement --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def few() -> Any:
    overrides = ("unscaled_points=4", "rescaled_points=2", "paths=50", "width=20", "networks=5", "seeds=[0,1]")
    return compose("smoke", *overrides)


@pytest.mark.parametrize("source", ["branching", "networks"])
def test_a_unit_is_measured_the_same_whatever_was_measured_before(few: Any, source: str) -> None:
    key = {"source": source, "activation": "gelu", "centering": "centered"}
    alone = measured(few, **key)
    measured(few, **key | {"activation": "relu"})
    torch.manual_seed(5)
    np.random.seed(5)
    pd.testing.assert_frame_equal(measured(few, **key), alone)


def test_all_that_is_measured_has_its_theory(few: Any) -> None:
    theory = predict(few)
    for unit in units(few):
        rows = measure(few, unit, Lab("cpu")).assign(**unit.key)
        assert len(rows.merge(theory[theory["deviation"].notna()], on=POINT, suffixes=("", "_exact"))) == len(rows)


# Activations of the user's own ----------------------------------------------------------------------------------------


def cube(x: torch.Tensor) -> torch.Tensor:
    """Not the paper's: x^3 = 3 He_1 + He_3, so that mu = 27 / 15."""
    return x**3


@pytest.fixture(scope="module")
def others() -> Any:
    own = f"{__name__}:cube"
    small = ("unscaled_points=4", "rescaled_points=2", "paths=4000", "width=100", "networks=5")
    return compose("smoke", f"activations=[step,'{own}']", *small)


@pytest.fixture(scope="module")
def of_others(others: Any) -> Tables:
    parts = [measure(others, unit, Lab("cpu")).assign(**unit.key) for unit in units(others)]
    data = pd.concat(parts)
    return predict(others), data[list(COLUMNS)]


def test_of_an_infinite_mean_only_the_unscaled_kernel_and_one_generation_exist(of_others: Tables) -> None:
    theory, data = of_others
    assert set(theory.loc[theory["activation"] == "step", "kind"]) == {"mu", "xi", "unscaled"}
    step = data[data["activation"] == "step"]
    assert set(step.loc[step["source"] == "branching", "depth"]) == {1}
    assert set(step.loc[step["source"] == "networks", "depth"]) == {1, 3, 5, 7}


def test_claims_of_ones_own_activation_need_no_printed_number(others: Any, of_others: Tables) -> None:
    found = judged(others, *of_others)
    own = [claim for name, claim in found.items() if "cube" in name or "step" in name]
    assert len(own) > 0
    assert all(claim.published is None for claim in own)
    assert found["branching/step/uncentered"].verdict is Verdict.UNDERPOWERED  # 4000 processes
    assert found[f"branching/{__name__}:cube/uncentered"].verdict is Verdict.UNDERPOWERED
    assert found["networks/step/uncentered"].verdict is Verdict.NOT_COMPARABLE


def test_a_panel_without_a_scale_says_so(others: Any, of_others: Tables) -> None:
    drawn = draw(*of_others, others)
    step = drawn["rescaled"].axes[0]
    assert not [line for line in step.lines if len(line.get_xdata())]
    assert any(r"\mu = \infty" in text.get_text() for text in step.texts)


# Figures ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(cfg: Any, tables: Tables) -> dict[str, Any]:
    return draw(*tables, cfg)


def line(panel: Any, label: str) -> Any:
    (found,) = (line for line in panel.lines if line.get_label() == label)
    return found


@pytest.mark.parametrize("kind", ["unscaled", "rescaled"])
def test_rows_are_centered_and_not_and_columns_activations(drawn: dict[str, Any], tables: Tables, kind: str) -> None:
    cases = [
        (name, centering) for centering in ("centered", "uncentered") for name in ("relu", "gelu", "sigmoid", "swish")
    ]
    for panel, case in zip(drawn[kind].axes, cases, strict=True):
        rows = of(tables[0], *case, kind)
        for depth in rows["depth"].unique():
            curve = line(panel, f"$L = {depth}$")
            assert list(curve.get_ydata()) == list(rows.loc[rows["depth"] == depth, "value"])
            assert curve.get_linestyle() == "-"


def test_the_limit_is_black_and_the_printed_formula_only_where_it_is_another(
    drawn: dict[str, Any], tables: Tables
) -> None:
    panels = drawn["rescaled"].axes
    gelu = panels[5]
    assert list(line(gelu, "limit").get_ydata()) == list(of(tables[0], "gelu", "uncentered", "limit")["value"])
    assert line(gelu, "limit").get_color() == "#000000"
    printed = [any("as printed" in str(line.get_label()) for line in panel.lines) for panel in panels]
    assert printed == [False, False, False, False, False, True, False, True]


def test_the_window_shrinks_like_the_inverse_power_of_mu(drawn: dict[str, Any]) -> None:
    mu = math.pi / (math.pi - 1)
    for panel, depth in zip(drawn["window"].axes, (1, 3, 5, 7), strict=True):
        (window,) = panel.patches
        assert window.get_extents().transformed(panel.transData.inverted()).width == pytest.approx(mu**-depth)


def test_markers_of_the_slow_limit_are_the_simulated_means(drawn: dict[str, Any], tables: Tables) -> None:
    (panel,) = drawn["mu-star-infinite"].axes
    (bars,) = (bars[0] for bars in panel.containers if len(bars[0].get_xdata()))
    data = tables[1]
    rows = data[data["kind"] == "kesten-stigum"]
    assert list(bars.get_xdata()) == list(rows["depth"])
    assert list(bars.get_ydata()) == pytest.approx(list(rows["mean"]), rel=1e-12)  # pooled: the rounding of a mean


# Configuration --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("deep=7", "deep=7 is not allowed: it takes a number above 7, the last of depths"),
        ("kesten_stigum_depth=700", "kesten_stigum_depth=700 is not allowed: it takes a number in [100, 640]"),
    ],
)
def test_a_depth_that_makes_no_sense_is_refused(override: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        compose("smoke", override)
    assert str(refused.value) == said
