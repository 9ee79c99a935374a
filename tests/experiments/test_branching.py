"""branching: what its claims conclude from hand-made tables, its laws, its processes and its figures."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke

from deepk.branching import Geometric, Uniform
from deepk.branching.named_laws import parse_law
from deepk.errors import Refused
from deepk.kernels import DualKernel, GaltonWatson
from deepk.lab import Claim, Lab, Verdict
from deepk.statistics import binomial_half_width
from experiments.branching import COLUMNS, FIGURES, LEVEL, TAIL_CONSTANT, Config, figures
from experiments.branching.claims import ITERATE, NAMED
from experiments.branching.claims import claims as judge
from experiments.branching.laws import last_generation, named_law, sources
from experiments.branching.measurement import measure, next_generation, units
from experiments.branching.theory import (
    X_LINE,
    laplace_transform,
    limit_distribution,
    offspring_variance,
    predict,
)
from experiments.published.compositional_kernels import COLUMNS as TABLE_2

Tables = tuple[pd.DataFrame, pd.DataFrame]
MANY = 10**6  # paths of a hand-made run: intervals of +-0.002
FEW = ("paths=200", "shown_paths=3", "offspring=200", "seeds=[0]")


def compose(*overrides: str, scale: str = "smoke") -> Config:
    return smoke.compose("branching", scale, *overrides)


def measured(cfg: Config) -> pd.DataFrame:
    """What a run of this configuration measures."""
    parts = [measure(cfg, unit, Lab("cpu")).assign(**dict(unit.key))[list(COLUMNS)] for unit in units(cfg)]
    return pd.concat(parts, ignore_index=True)


def as_predicted(theory: pd.DataFrame, data: pd.DataFrame) -> pd.DataFrame:
    """The same rows as if many paths had done exactly what is expected of them."""
    key = ["law", "quantity", "generation", "at"]
    means = data.merge(theory, on=key, how="left")["value"]
    mu = data["law"].map(theory[theory["quantity"] == "mu"].set_index("law")["value"])
    means = means.where(data["quantity"] != "children", mu)
    means = means.where(data["quantity"] != "size", 1.0)
    kept = data["quantity"].isin(["path", "distribution"])
    return data.assign(mean=data["mean"].where(kept, means), count=data["count"].where(kept, MANY))


def moved(table: pd.DataFrame, column: str, by: float, law: str, quantity: str) -> pd.DataFrame:
    rows = (table["law"] == law) & (table["quantity"] == quantity)
    assert rows.any()
    return table.assign(**{column: table[column] + by * rows})


def judged(cfg: Config, theory: pd.DataFrame, data: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in judge(theory, data, cfg)}


@pytest.fixture(scope="module")
def cfg() -> Config:
    return compose("activations=[relu,gelu]", "generations=1000", "growth=1e5", *FEW)


@pytest.fixture(scope="module")
def tables(cfg: Config) -> Tables:
    """A run whose processes do what is expected of them."""
    theory = predict(cfg)
    return theory, as_predicted(theory, measured(cfg))


@pytest.fixture(scope="module")
def claims(cfg: Config, tables: Tables) -> dict[str, Claim]:
    return judged(cfg, *tables)


# Verdicts -----------------------------------------------------------------------------------------------------------


def test_a_run_that_equals_the_theory_reproduces_every_claim_but_the_misprint(claims: dict[str, Claim]) -> None:
    found = {name: claim.verdict for name, claim in claims.items() if "not in this run" not in claim.other_setting}
    assert found.pop("generating-function/uniform(20)") is Verdict.ERRATUM
    assert len(found) == 4 + 4 + 4 + 1 + 3 + 5
    assert set(found.values()) == {Verdict.REPRODUCED}


def test_the_printed_generating_function_of_the_uniform_law_is_not_one_at_one(claims: dict[str, Claim]) -> None:
    claim = claims["generating-function/uniform(20)"]
    assert claim.published is not None
    assert claim.published / claim.expected == pytest.approx(21 / 20, rel=1e-15)  # n (1 - s) for (n + 1) (1 - s)


@pytest.mark.parametrize(
    ("claim", "law", "quantity", "by"),
    [
        ("extinction/relu", "relu", "alive", 0.01),
        ("extinction/gelu", "gelu", "alive", 0.01),
        ("extinction/centered gelu", "centered gelu", "alive", -0.001),
        ("extinction/poisson(2)", "poisson(2)", "alive", -0.01),
        ("mu/binomial(4, 0.5)", "binomial(4, 0.5)", "children", 0.01),
        ("generating-function/uniform(20)", "uniform(20)", "generating", 0.01),
        ("tail/relu", "relu", "at least", 0.001),
        ("simulation/offspring", "gelu", "exactly", 0.01),
        ("simulation/survival", "geometric(0.5)", "alive", 0.005),
        ("simulation/mean", "centered gelu", "size", 0.1),
        ("simulation/laplace", "centered relu", "laplace", 0.02),
        ("simulation/limit", "centered gelu", "laplace", -0.02),
    ],
)
def test_a_claim_differs_when_what_it_is_about_is_off(
    cfg: Config, tables: Tables, claim: str, law: str, quantity: str, by: float
) -> None:
    theory, data = tables
    assert judged(cfg, theory, moved(data, "mean", by, law, quantity))[claim].verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("claim", "law", "generation"),
    [("survival-law/geometric(0.5)", "geometric(0.5)", 1000), ("survival/relu", "relu", 1000)],
)
def test_an_iterate_differs_when_it_is_off_by_1e_11(
    cfg: Config, tables: Tables, claim: str, law: str, generation: int
) -> None:
    theory, data = tables
    rows = (theory["law"] == law) & (theory["quantity"] == "alive") & (theory["generation"] == generation)
    off = theory.assign(value=theory["value"].where(~rows, theory["value"] * (1 + 1e-11)))
    assert judged(cfg, off, data)[claim].verdict is Verdict.DIFFERS


def test_a_wrong_limit_is_seen(cfg: Config, tables: Tables) -> None:
    theory, data = tables
    # The limit as the paper prints it, with the unconditional W: xi + (1 - xi) phi for phi.
    xi = theory[(theory["law"] == "poisson(2)") & (theory["quantity"] == "xi")]["value"].iloc[0]
    rows = (theory["law"] == "poisson(2)") & (theory["quantity"] == "limit")
    printed = theory.assign(value=theory["value"].where(~rows, xi + (1 - xi) * theory["value"]))
    found = judged(cfg, printed, data)["simulation/limit"]
    assert found.verdict is Verdict.DIFFERS
    assert found.explanation.startswith("poisson(2)")


def test_a_generation_that_is_not_near_the_limit_is_not_held_against_it(cfg: Config, tables: Tables) -> None:
    theory, data = tables
    early = theory.loc[(theory["law"] == "uniform(20)") & (theory["quantity"] == "laplace"), "generation"].min()
    only_early = data[(data["quantity"] != "laplace") | (data["law"] == "uniform(20)") & (data["generation"] == early)]
    found = judged(cfg, theory, only_early)["simulation/limit"]
    assert found.verdict is Verdict.REPRODUCED
    assert found.tolerance > 1e-3  # of t^2 Var(W) / (2 mu^L), a multiple of what 10^6 paths leave


def test_too_few_processes_confirm_nothing(cfg: Config, tables: Tables) -> None:
    theory, data = tables
    found = judged(cfg, theory, data.assign(count=300))
    for name in ("extinction/gelu", "mu/poisson(2)", "tail/relu", "generating-function/uniform(20)"):
        assert found[name].verdict is Verdict.UNDERPOWERED, name
    for name in ("offspring", "survival", "mean", "laplace", "limit"):
        assert found[f"simulation/{name}"].verdict is Verdict.UNDERPOWERED, name
    assert math.isinf(found["simulation/mean"].tolerance)  # of 300 processes hardly any law of a mean is known


def test_a_short_run_does_not_confirm_the_asymptote_of_relu(cfg: Config, tables: Tables) -> None:
    theory, data = (table[~table["generation"].between(101, 1e9)] for table in tables)
    found = judged(cfg, theory, data)
    assert found["survival-law/relu"].verdict is Verdict.UNDERPOWERED
    assert found["survival/relu"].verdict is Verdict.REPRODUCED


def test_iterates_in_half_the_digits_would_confirm_nothing(claims: dict[str, Claim]) -> None:
    assert claims["survival/relu"].resolution == pytest.approx(ITERATE.width * claims["survival/relu"].expected)
    assert claims["survival/relu"].tolerance < claims["survival/relu"].resolution / 10


def test_a_mean_that_drifts_from_generation_to_generation_differs(cfg: Config, tables: Tables) -> None:
    theory, data = tables
    rows = (data["law"] == "poisson(2)") & (data["quantity"] == "size")
    drifted = data.assign(mean=data["mean"].where(~rows, data["mean"] * 1.01 ** (data["generation"] - 1)))
    assert judged(cfg, theory, drifted)["simulation/mean"].verdict is Verdict.DIFFERS


def test_a_lost_mean_differs(cfg: Config, tables: Tables) -> None:
    theory, data = tables
    found = judged(cfg, theory, moved(data, "mean", math.nan, "gelu", "alive"))
    assert found["extinction/gelu"].verdict is Verdict.DIFFERS
    assert found["simulation/survival"].verdict is Verdict.DIFFERS


def test_without_data_nothing_is_judged(cfg: Config, tables: Tables) -> None:
    theory, data = tables
    assert {claim.verdict for claim in judged(cfg, theory, data.iloc[:0]).values()} == {Verdict.NOT_COMPARABLE}
    assert {claim.verdict for claim in judged(cfg, theory, pd.DataFrame()).values()} == {Verdict.NOT_COMPARABLE}


def test_means_are_over_all_seeds_weighted_by_their_paths(cfg: Config, tables: Tables) -> None:
    theory, data = tables
    low, high = moved(data, "mean", 0.03, "gelu", "alive"), moved(data, "mean", -0.01, "gelu", "alive")
    both = pd.concat([low, high.assign(seed=1, count=3 * high["count"])], ignore_index=True)
    assert judged(cfg, theory, both)["extinction/gelu"].measured == pytest.approx(0.7604, abs=1e-4)


def test_a_single_survivor_of_many_that_are_hardly_ever_alive_is_no_contradiction() -> None:
    # P(at least 1) = 1 - (1 - 1e-4)^1000 = 0.0952
    assert binomial_half_width(1e-4, 1000, level=LEVEL) > 0.001 - 1e-4


# Exact values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["poisson(2)", "binomial(4, 0.5)", "uniform(20)", "geometric(0.5)"])
def test_the_constants_of_the_named_laws_are_their_mean_and_fixed_point(text: str) -> None:
    law, (mu, xi) = named_law(text), NAMED[text]
    assert law.name == text
    assert law.mu == pytest.approx(mu, rel=1e-15)  # a rounding
    assert law.extinction_probability == pytest.approx(xi, rel=1e-14)  # a few


def test_relus_tail_has_the_constant_that_is_claimed() -> None:
    # a_2m^2 / a_(2m-2)^2 = (2m - 3)^2 / (2m (2m - 1)), from a_2^2 = 1 / (2 pi)
    m = np.arange(2, 200_001)
    logs = np.cumsum(np.append(-math.log(2 * math.pi), np.log((2 * m - 3) ** 2 / (2 * m * (2 * m - 1)))))
    k = 20_000
    tail = np.exp(logs[k // 2 - 1 :]).sum() + TAIL_CONSTANT * 400_001**-1.5
    # (1 + 3 / 2k), and as much again of the part beyond
    assert tail * k**1.5 == pytest.approx(TAIL_CONSTANT, rel=2e-4)


@pytest.mark.parametrize(
    ("text", "variance"),
    [("poisson(2)", 2.0), ("binomial(4, 0.5)", 1.0), ("uniform(20)", 440 / 12), ("geometric(0.5)", 2.0)],
)
def test_the_variance_of_a_named_law_is_its_own(text: str, variance: float) -> None:
    # The difference quotient at u = 1e-12, of values good to a few roundings.
    assert offspring_variance(named_law(text)) == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize("activation", ["relu", "step"])
def test_an_activation_with_a_kink_or_a_jump_has_offspring_of_infinite_variance(activation: str) -> None:
    assert offspring_variance(DualKernel(activation)) == math.inf


def test_the_distribution_of_w_is_exponential_for_a_geometric_law() -> None:
    # W = 0 with probability xi = 1/2, else exponential of mean 2, for geometric(2/3): G is linear-fractional.
    below = limit_distribution(GaltonWatson(Geometric(2 / 3)))
    exact = 1 - np.exp(-X_LINE / 2) / 2
    assert np.abs(below - exact).max() < 2e-5  # 14 terms of Gaver and Stehfest; their rounding is 1e-5


def test_the_transform_of_a_generation_is_that_of_its_geometric_law() -> None:
    # Critical and linear-fractional: 1 - G o ... o G (1 - u) = u / (1 + l u).
    t = np.array([0.1, 1.0, 10.0])
    u = -np.expm1(-t)
    assert laplace_transform(Geometric(0.5), 50, t) == pytest.approx(1 - u / (1 + 50 * u), rel=1e-13)


def test_processes_are_left_when_they_have_grown_or_gone(cfg: Config) -> None:
    ends = {name: last_generation(law, cfg) for name, law in sources(cfg).items()}
    assert ends["poisson(2)"] == math.ceil(math.log2(cfg.growth))
    assert ends["uniform(20)"] == 5  # 10^5, with mu a rounding below 10
    assert ends["relu"] == ends["geometric(0.5)"] == cfg.generations
    assert last_generation(named_law("poisson(0.1)"), cfg) == 9  # 10^-9


# Processes ----------------------------------------------------------------------------------------------------------


def test_simulated_processes_follow_the_theory() -> None:
    cfg = compose("activations=[gelu]", "paths=3000", "offspring=3000", "generations=40", "growth=100")
    found = judged(cfg, predict(cfg), measured(cfg))
    for name in ("offspring", "survival", "mean", "laplace", "limit"):
        assert found[f"simulation/{name}"].measured <= found[f"simulation/{name}"].tolerance, name


def test_an_activation_of_infinite_mean_is_followed_until_it_cannot_die_out() -> None:
    cfg = compose("activations=[step]", "laws=[]", "paths=400", "offspring=400")
    theory, data = predict(cfg), measured(cfg)
    found = judged(cfg, theory, data)
    assert found["simulation/survival"].verdict is Verdict.UNDERPOWERED
    assert found["simulation/mean"].verdict is Verdict.NOT_COMPARABLE
    alive = data[(data["law"] == "centered step") & (data["quantity"] == "alive")]["mean"]
    assert (alive == 1).all()
    assert not data["quantity"].isin(["size", "children", "laplace"]).any()
    assert set(figures.draw(theory, data, cfg)) == set(FIGURES)


def test_a_population_that_cannot_be_counted_is_infinite_and_leaves_the_others_alone() -> None:
    sizes = np.array([3.0, 2.0**55, 5.0])
    children = next_generation(Uniform(20), sizes, np.random.default_rng(0))
    assert children[1] == math.inf
    assert (children[[0, 2]] <= 20 * sizes[[0, 2]]).all()


def test_an_activation_of_ones_own_is_named_as_it_was_given() -> None:
    cfg = compose("activations=['torch:tanh']", "laws=['uniform(3)']", "generations=4", *FEW)
    theory, data = predict(cfg), measured(cfg)
    assert list(data["law"].unique()) == ["torch:tanh", "centered torch:tanh", "uniform(3)"]
    assert {c.verdict for name, c in judged(cfg, theory, data).items() if "simulation" not in name} == {
        Verdict.NOT_COMPARABLE
    }


def test_a_unit_is_measured_the_same_alone_and_another_seed_otherwise() -> None:
    cfg = compose("activations=[gelu]", "laws=[]", *FEW[:3], "seeds=[0,1]")
    first, second = (unit for unit in units(cfg) if unit.key["law"] == "gelu")
    alone = measure(cfg, first, Lab("cpu"))
    other = measure(cfg, second, Lab("cpu"))
    pd.testing.assert_frame_equal(measure(cfg, first, Lab("cpu")), alone)
    assert not (other["quantity"] == "path").any()  # drawn are those of the first seed
    rows = alone[alone["quantity"] == "size"]["mean"]
    assert not np.array_equal(rows, other[other["quantity"] == "size"]["mean"])


def test_a_path_ends_with_its_extinction(tables: Tables) -> None:
    paths = tables[1][tables[1]["quantity"] == "path"]
    assert (paths["mean"] == 0).any()
    for _, path in paths.groupby(["law", "at"]):
        assert list(path["generation"]) == list(range(len(path)))
        assert (path["mean"].iloc[:-1] > 0).all()


# Figures ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(cfg: Config, tables: Tables) -> dict[str, Any]:
    return figures.draw(*tables, cfg)


def test_extinct_paths_end_at_zero_with_a_cross(drawn: dict[str, Any], tables: Tables) -> None:
    data = tables[1]
    crosses = sum(
        len(line.get_xdata())
        for panel in drawn["sample-paths"].axes
        for line in panel.lines
        if line.get_marker() == "x"
    )
    assert crosses == ((data["quantity"] == "path") & (data["mean"] == 0)).sum()


def test_the_transforms_line_is_the_limit_and_its_markers_the_deepest_generation(
    drawn: dict[str, Any], tables: Tables
) -> None:
    theory, data = tables
    panel = drawn["laplace-transform"].axes[1]
    rows = data[(data["law"] == "uniform(20)") & (data["quantity"] == "laplace")]
    deepest = rows[rows["generation"] == rows["generation"].max()]["mean"]
    (bars,) = (c for c in panel.containers if str(c.get_label()).startswith("uniform(20)"))
    assert list(bars[0].get_ydata()) == pytest.approx(list(deepest), rel=1e-15)  # times the count, and over it
    line = theory[(theory["law"] == "uniform(20)") & (theory["quantity"] == "limit")]["value"]
    assert any(np.array_equal(x.get_ydata(), line) and x.get_linestyle() == "-" for x in panel.lines)


def test_every_law_that_can_die_out_is_in_the_figure_of_extinction(drawn: dict[str, Any]) -> None:
    labels = {c.get_label() for c in drawn["extinction"].axes[0].containers}
    assert set(NAMED) | {"relu", "gelu"} <= labels


# Configuration ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("poison(2)", "poison(2) is not poisson(rate), binomial(n, p), uniform(n), geometric(p)"),
        ("poisson", "poisson is not poisson(rate), binomial(n, p), uniform(n), geometric(p)"),
        ("poisson(0)", "poisson(0) is not poisson(rate) with 0 < rate <= 100"),
        ("poisson(two)", "poisson(two) is not poisson(rate) with 0 < rate <= 100"),
        ("poisson(nan)", "poisson(nan) is not poisson(rate) with 0 < rate <= 100"),
        ("binomial(4)", "binomial(4) is not binomial(n, p) with n = 1, ..., 100 and 0 < p <= 1"),
        ("binomial(4.5, 0.5)", "binomial(4.5, 0.5) is not binomial(n, p) with n = 1, ..., 100 and 0 < p <= 1"),
        ("uniform(-1)", "uniform(-1) is not uniform(n) with n = 1, ..., 100"),
        ("geometric(1)", "geometric(1) is not geometric(p) with 0 < p <= 0.99"),
    ],
)
def test_a_law_that_is_none_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        parse_law(text)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("laws=['poisson(2)','poisson(2.0)']", "laws=[poisson(2),poisson(2.0)] is not allowed: it takes a list of "),
        ("laws=['uniform(0)']", "laws=[uniform(0)] is not allowed: uniform(0) is not uniform(n) with n = 1, ..., 100"),
        ("growth=1", "growth=1.0 is not allowed: it takes a number in (1, 1e6]"),
        ("paths=0", "paths=0 is not allowed: it takes a number >= 1"),
        ("shown_paths=20000", "shown_paths=20000 is not allowed: it takes at most paths=10000"),
    ],
)
def test_a_bad_value_is_refused_in_one_line(override: str, line: str) -> None:
    with pytest.raises(Refused) as refused:
        compose(override)
    assert str(refused.value).startswith(line)


def test_spaces_in_a_law_do_not_matter() -> None:
    assert parse_law("binomial( 4,0.5 )") == parse_law("binomial(4, 0.5)") == ("binomial", (4.0, 0.5))


def test_the_papers_setting_holds_its_activations_and_laws() -> None:
    paper = compose(scale="paper")
    assert set(paper.activations) == {activation for activation, _ in TABLE_2}
    assert [named_law(text).name for text in paper.laws] == list(NAMED)
