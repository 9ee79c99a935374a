"""correlation-depth: what its claims conclude from hand-made tables, its exact orbit, its networks and its figures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smoke
import torch
from mpmath import mp

from deepk.errors import Refused
from deepk.lab import Claim, Lab, Verdict
from deepk.meanfield import MeanField, edge_of_chaos, rate, residual_gamma
from deepk.statistics import median_interval
from experiments.correlation_depth import COLUMNS
from experiments.correlation_depth import claims as judging
from experiments.correlation_depth.figures import ASYMPTOTIC, draw
from experiments.correlation_depth.measurement import measure
from experiments.correlation_depth.measurement import units as units_of
from experiments.correlation_depth.theory import predict
from experiments.published.edge_of_chaos import GAMMAS, RELU_COMPLEMENTS, RELU_RATE

Tables = tuple[pd.DataFrame, pd.DataFrame]
KEY = ["case", "activation", "sigma_w"]
NETWORKS = 100
DEPARTED = 0.2  # of the prediction: where hand-made networks are at l = width


def compose(scale: str, *overrides: str) -> Any:
    return smoke.compose("correlation-depth", scale, *overrides)


def measured(cfg: Any, activation: str, **case: Any) -> pd.DataFrame:
    """The rows of the unit of a case that this configuration has, with its key."""
    units = [u for u in units_of(cfg) if u.key["activation"] == activation]
    (unit,) = [u for u in units if all(u.key[name] == value for name, value in case.items())]
    return measure(cfg, unit, Lab("cpu"))


def as_predicted(theory: pd.DataFrame, cfg: Any, networks: int = NETWORKS, spread: float = 0.01) -> pd.DataFrame:
    """Networks spread about the theory up to a fifth of the width, and far below it at l = width.

    In the ordered phase each has its own decay, spread about the theory's.
    """
    early = theory["layer"] <= cfg.simulation.depth / 5
    rows = theory[early | (theory["layer"] == cfg.simulation.depth) | theory["case"].isin(["ordered", "chaotic"])]
    parts = []
    for network in range(networks):
        shift = spread * (network - (networks - 1) / 2) / networks
        ratio = np.where(rows["layer"] <= cfg.simulation.width / 2, 1.0, DEPARTED)
        complement = rows["complement"] * np.where(rows["case"] == "edge", ratio, 1.0) * (1 + shift)
        decayed = np.exp(-rows["layer"] / rows["depth_scale"] / (1 + shift))
        complement = complement.where(rows["case"] != "ordered", decayed)
        parts.append(rows[[*KEY, "layer"]].assign(seed=cfg.seeds[0], network=network, complement=complement))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def scaled(table: pd.DataFrame, factor: Any, **where: Any) -> pd.DataFrame:
    """The table with `complement` multiplied by a factor (or a function of the layer) in the rows of a case."""
    rows = pd.Series(True, index=table.index)
    for key, value in where.items():
        rows &= table[key] == value
    assert rows.any()
    by = factor(table["layer"].astype(float)) if callable(factor) else factor
    return table.assign(complement=table["complement"].where(~rows, table["complement"] * by))


def judged(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in judging.claims(theory, data, cfg)}


def verdicts(claims: dict[str, Claim], *kinds: str) -> dict[str, Verdict]:
    return {name: claim.verdict for name, claim in claims.items() if name.startswith(kinds)}


@pytest.fixture(scope="module")
def cfg() -> Any:
    return compose("smoke", "activations=[relu,elu,tanh,swish]")


@pytest.fixture(scope="module")
def tables(cfg: Any) -> Tables:
    """A run whose networks do what is expected of them."""
    theory = predict(cfg)
    return theory, as_predicted(theory, cfg)


@pytest.fixture(scope="module")
def claims(cfg: Any, tables: Tables) -> dict[str, Claim]:
    return judged(cfg, *tables)


# Verdicts -----------------------------------------------------------------------------------------------------------


def test_a_run_that_equals_the_theory_reproduces_all_it_can_speak_of(claims: dict[str, Claim]) -> None:
    found = {name: claim.verdict for name, claim in claims.items() if claim.verdict is not Verdict.NOT_COMPARABLE}
    assert len(found) == 5 + 4 + 3 + 1 + 12 + 3 + 3 + 2
    # At l = 1000 ELU's next term, 4.1 / sqrt(l), twice, is a quarter of 1; ReLU's at l sqrt(gamma) is a ninth of it.
    shallow = {"rate/elu", "power/elu", "gamma/sigma_w^2=2"}
    assert {name for name, verdict in found.items() if verdict is Verdict.UNDERPOWERED} == shallow
    others = {verdict for name, verdict in found.items() if name not in shallow and "depth-scale" not in name}
    assert others == {Verdict.REPRODUCED}


def test_a_run_without_data_says_nothing(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    assert set(verdicts(judged(cfg, theory, data[:0]), "").values()) == {Verdict.NOT_COMPARABLE}


def test_the_printed_depth_scales_are_errata(claims: dict[str, Claim]) -> None:
    assert set(verdicts(claims, "depth-scale").values()) == {Verdict.ERRATUM}


@pytest.mark.parametrize(("case", "sigma_b", "sigma_w"), [("ordered", 1.0, 1.0), ("chaotic", 0.3, 2.0)])
def test_the_printed_depth_scale_is_minus_the_logarithm_of_chi_without_its_square(
    claims: dict[str, Claim], case: str, sigma_b: float, sigma_w: float
) -> None:
    root = math.sqrt(MeanField("tanh", sigma_w=sigma_w, sigma_b=sigma_b).limiting_variance())
    with mp.workdps(20):
        chi = sigma_w**2 * mp.quad(lambda z: mp.sech(root * z) ** 2 * mp.npdf(z), [-14, -4, 0, 4, 14])
    # q is good to 1e-12, and chi moves less than it does.
    assert claims[f"depth-scale/{case}"].published == pytest.approx(float(-mp.log(chi)), rel=1e-11)


@pytest.mark.parametrize("layer", RELU_COMPLEMENTS)
def test_relus_orbit_differs_when_it_is_off_by_1e_11(cfg: Any, tables: Tables, layer: int) -> None:
    theory, data = tables
    off = scaled(theory, 1 + 1e-11, case="edge", activation="relu", layer=layer)
    assert judged(cfg, off, data)[f"relu/l={layer}"].verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("activation", "factor"), [("relu", 1.1), ("relu", 0.9), ("elu", 1.3), ("tanh", 1.05), ("tanh", 0.92)]
)
def test_a_rate_differs_when_its_constant_is_wrong(cfg: Any, tables: Tables, activation: str, factor: float) -> None:
    theory, data = tables
    off = scaled(theory, factor, case="edge", activation=activation)
    assert judged(cfg, off, data)[f"rate/{activation}"].verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("activation", "excess"),
    [("relu", 0.1), ("relu", -0.1), ("relu", -1.0), ("elu", 0.35), ("elu", -0.4), ("tanh", 0.1), ("tanh", -0.1)],
)
def test_a_power_differs_when_it_is_another(cfg: Any, tables: Tables, activation: str, excess: float) -> None:
    theory, data = tables
    off = scaled(theory, lambda layer: layer**-excess, case="edge", activation=activation)
    assert judged(cfg, off, data)[f"power/{activation}"].verdict is Verdict.DIFFERS


@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_gamma_differs_when_the_residual_network_converges_otherwise(cfg: Any, tables: Tables, factor: float) -> None:
    theory, data = tables
    off = scaled(theory, factor, case="residual")
    assert judged(cfg, off, data)["gamma/sigma_w^2=2"].verdict is Verdict.DIFFERS


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(("share", "factor"), [(0.1, 0.96), (0.5, 0.88), (1, 0.78), (1, 1.22)])
def test_networks_differ_when_their_median_leaves_the_interval(
    cfg: Any, tables: Tables, activation: str, share: float, factor: float
) -> None:
    theory, data = tables
    # l / width is 0.02, 0.1 and 0.2 at the three shares; the spread of these networks adds 0.005.
    off = scaled(data, factor, case="edge", activation=activation)
    assert judged(cfg, theory, off)[f"networks/{activation}/share={share:g}"].verdict is Verdict.DIFFERS


def test_networks_that_still_follow_the_theory_at_the_width_have_not_departed(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    follows = scaled(data, 1 / DEPARTED, case="edge", activation="elu", layer=cfg.simulation.width)
    assert judged(cfg, theory, follows)["departure/elu"].verdict is Verdict.DIFFERS


def test_networks_whose_median_may_still_be_the_theory_show_no_departure(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    at = (data["case"] == "edge") & (data["layer"] == cfg.simulation.width)
    ratio = np.where(data["network"] < NETWORKS / 2, 0.1, 1.2) / DEPARTED
    scattered = data.assign(complement=data["complement"].where(~at, data["complement"] * ratio))
    claim = judged(cfg, theory, scattered)["departure/tanh"]  # the median is 0.65, its interval from 0.1 to 1.2
    assert claim.verdict is Verdict.UNDERPOWERED


@pytest.mark.parametrize("factor", [0.01, 0.1, 0.5, 2, 10, 100])
def test_a_wrong_factor_differs_however_the_networks_scatter_about_it(cfg: Any, tables: Tables, factor: float) -> None:
    theory, _ = tables
    scattered = as_predicted(theory, cfg, networks=400, spread=1.0)  # from half to one and a half of the theory
    off = judged(cfg, theory, scaled(scattered, factor, case="edge", activation="tanh"))
    assert {off[f"networks/tanh/share={part}"].verdict for part in ("0.1", "0.5", "1")} == {Verdict.DIFFERS}


def test_one_network_whose_correlation_could_not_be_measured_differs(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    lost = judged(cfg, theory, data.assign(complement=data["complement"].mask(data["network"] == 3)))
    kinds = ("networks/", "departure/", "depth-scale/ordered")
    assert set(verdicts(lost, *kinds).values()) == {Verdict.DIFFERS}


def test_the_ordered_phase_differs_when_it_decays_at_the_printed_scale(
    cfg: Any, tables: Tables, claims: dict[str, Claim]
) -> None:
    theory, data = tables
    scale, published = claims["depth-scale/ordered"].expected, claims["depth-scale/ordered"].published
    assert published is not None
    printed = scaled(data, lambda layer: np.exp(layer * (1 / scale - 1 / published)), case="ordered")
    assert judged(cfg, theory, printed)["depth-scale/ordered"].verdict is Verdict.DIFFERS


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_the_chaotic_phase_differs_when_it_decays_at_another_scale(cfg: Any, tables: Tables, factor: float) -> None:
    theory, data = tables
    chaotic = theory[theory["case"] == "chaotic"]
    away = 0.2 * np.exp(-chaotic["layer"] / (factor * chaotic["depth_scale"]))  # small from the start
    off = theory.assign(complement=theory["complement"].mask(theory["case"] == "chaotic", 1 - chaotic["limit"] + away))
    assert judged(cfg, off, data)["depth-scale/chaotic"].verdict is Verdict.DIFFERS


def test_networks_that_know_their_decay_less_well_than_the_formulas_differ_are_underpowered(
    cfg: Any, tables: Tables
) -> None:
    theory, _ = tables
    wide = as_predicted(theory, cfg, networks=2, spread=0.4)  # 637 deviations over sqrt(2)
    claim = judged(cfg, theory, wide)["depth-scale/ordered"]
    assert claim.published is not None
    assert claim.resolution == pytest.approx((claim.expected - claim.published) / 4)
    assert claim.verdict is Verdict.UNDERPOWERED


# What a run cannot speak of -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "name", "reason"),
    [
        ({"activation": "relu"}, "relu/l=100", "edge relu networks are not in this run"),
        ({"activation": "relu"}, "rate/relu", "edge relu networks are not in this run"),
        ({"activation": "relu"}, "gamma/sigma_w^2=2", "edge relu networks are not in this run"),
        ({"case": "residual"}, "gamma/sigma_w^2=2", "residual relu networks are not in this run"),
        ({"activation": "elu"}, "power/elu", "edge elu networks are not in this run"),
        ({"activation": "elu"}, "networks/elu/share=1", "edge elu networks are not in this run"),
        ({"activation": "elu"}, "departure/elu", "edge elu networks are not in this run"),
        ({"case": "ordered"}, "depth-scale/ordered", "ordered tanh networks are not in this run"),
        ({"case": "chaotic"}, "depth-scale/chaotic", "chaotic tanh networks are not in this run"),
    ],
)
def test_what_was_not_measured_is_not_comparable(
    cfg: Any, tables: Tables, missing: dict[str, str], name: str, reason: str
) -> None:
    theory, data = tables
    ((column, value),) = missing.items()
    claim = judged(cfg, theory, data[data[column] != value])[name]
    assert (claim.verdict, claim.other_setting) == (Verdict.NOT_COMPARABLE, reason)


def test_relus_orbit_needs_orthogonal_inputs(tables: Tables, cfg: Any) -> None:
    claim = judged(replace(cfg, c0=0.5), *tables)["relu/l=100"]
    assert (claim.verdict, claim.other_setting) == (Verdict.NOT_COMPARABLE, "c0 = 0.5, not 0")


def test_an_orbit_that_ends_before_the_layer_is_not_comparable(tables: Tables, cfg: Any) -> None:
    found = judged(replace(cfg, depth=150), *tables)
    assert found["relu/l=200"].other_setting == "depth = 150, not 200"
    assert found["relu/l=100"].verdict is Verdict.REPRODUCED


@pytest.mark.parametrize("name", ["rate/relu", "rate/tanh", "power/elu", "gamma/sigma_w^2=2"])
def test_the_asymptote_needs_a_thousand_layers(tables: Tables, cfg: Any, name: str) -> None:
    claim = judged(replace(cfg, depth=999), *tables)[name]
    assert (claim.verdict, claim.other_setting) == (Verdict.NOT_COMPARABLE, "depth = 999: the asymptote needs 1000")


def test_asymptotes_are_compared_at_the_authors_sigma_b(tables: Tables, cfg: Any) -> None:
    claim = judged(replace(cfg, sigma_b={**cfg.sigma_b, "tanh": 0.3}), *tables)["rate/tanh"]
    assert (claim.verdict, claim.other_setting) == (Verdict.NOT_COMPARABLE, "sigma_b.tanh = 0.3, not 0.2")


def test_a_departure_needs_networks_as_deep_as_they_are_wide(tables: Tables, cfg: Any) -> None:
    theory, data = tables
    claim = judged(cfg, theory, data[data["layer"] <= 50])["departure/relu"]
    assert (claim.verdict, claim.other_setting) == (Verdict.NOT_COMPARABLE, "layer=100: not in this run")


def test_a_median_known_to_a_third_of_the_prediction_is_underpowered(cfg: Any, tables: Tables) -> None:
    theory, _ = tables
    wide = as_predicted(theory, cfg, networks=12, spread=0.8)
    claim = judged(cfg, theory, wide)["networks/elu/share=0.5"]
    assert claim.verdict is Verdict.UNDERPOWERED
    assert 0.3 < claim.tolerance < 0.5


@pytest.mark.parametrize("networks", [1, 10])
def test_a_median_needs_eleven_networks_for_its_interval(cfg: Any, tables: Tables, networks: int) -> None:
    theory, data = tables
    # 2 / 2^n, the chance that all networks are on one side of their median, is below 0.1 % from 11 on.
    found = judged(cfg, theory, data[data["network"] < networks])
    assert set(verdicts(found, "networks/", "departure/").values()) == {Verdict.UNDERPOWERED}
    assert found["networks/elu/share=1"].tolerance == math.inf


def test_one_network_has_no_spread_of_its_depth_scale(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    claim = judged(cfg, theory, data[data["network"] == 0])["depth-scale/ordered"]
    assert (claim.verdict, claim.tolerance) == (Verdict.UNDERPOWERED, math.inf)


def test_networks_too_shallow_for_the_decay_are_not_comparable(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    shallow = replace(cfg, simulation=replace(cfg.simulation, depth=5))
    claim = judged(shallow, theory, data[data["layer"] <= 5])["depth-scale/ordered"]
    assert claim.verdict is Verdict.NOT_COMPARABLE


@pytest.fixture(scope="module")
def shallow(cfg: Any, tables: Tables) -> dict[str, Claim]:
    """Claims of a run whose theory ends at layer 20, and whose networks were kept at a layer that it lacks."""
    theory, data = tables
    ends = theory[(theory["layer"] <= 20) & (theory["layer"] != 18)]
    assert 18 in set(data["layer"])
    return judged(replace(cfg, depth=20), ends, data)


def test_a_theory_too_shallow_for_the_decay_is_not_comparable(shallow: dict[str, Claim]) -> None:
    assert shallow["depth-scale/chaotic"].verdict is Verdict.NOT_COMPARABLE


def test_networks_are_compared_at_layers_that_the_theory_has(shallow: dict[str, Claim]) -> None:
    assert shallow["networks/relu/share=1"].verdict is Verdict.REPRODUCED


def test_a_departure_beyond_the_theory_is_not_comparable(shallow: dict[str, Claim]) -> None:
    assert shallow["departure/relu"].verdict is Verdict.NOT_COMPARABLE


def test_a_departure_is_not_comparable_where_no_network_was_kept_at_its_layer(cfg: Any, tables: Tables) -> None:
    deep = replace(cfg, simulation=replace(cfg.simulation, width=95))  # kept are 83 and 100
    assert judged(deep, *tables)["departure/relu"].verdict is Verdict.NOT_COMPARABLE


def test_inputs_that_start_close_are_not_held_against_the_asymptote_before_it_is_reached(
    cfg: Any, tables: Tables
) -> None:
    # From c0 = 0.99 on, ReLU is 67 layers further along 9 pi^2 / 2 l^2, and at l = 1000 an eighth below it; its
    # residual network, with gamma = 1/4, is 133 layers further along four times that.
    late = tables[0].copy()
    for case, constant in (("edge", RELU_RATE), ("residual", 4 * RELU_RATE)):
        rows = (late["case"] == case) & (late["activation"] == "relu")
        late.loc[rows, "complement"] = constant / (late.loc[rows, "layer"] + math.sqrt(constant / 0.01)) ** 2
    found = judged(replace(cfg, c0=0.99), late, as_predicted(late, cfg))
    assert Verdict.DIFFERS not in verdicts(found, "rate/relu", "power/relu", "gamma/").values()


def test_a_chaotic_network_that_lies_on_the_edge_has_no_depth_scale_to_compare(cfg: Any, tables: Tables) -> None:
    theory, data = tables
    chaotic = theory["case"] == "chaotic"
    edge = theory.assign(
        limit=theory["limit"].mask(chaotic, 1.0), depth_scale=theory["depth_scale"].mask(chaotic, math.inf)
    )
    point = edge_of_chaos("tanh", sigma_b=0.2)
    on_edge = replace(cfg, chaotic_sigma_b=point.sigma_b, chaotic_sigma_w=point.sigma_w)
    assert judged(on_edge, edge, data)["depth-scale/chaotic"].verdict is Verdict.NOT_COMPARABLE


def test_inputs_that_start_close_are_not_held_against_the_chaotic_decay(cfg: Any, tables: Tables) -> None:
    # From c0 = 0.9999 the distance of two inputs first grows, by chi_1 = 1.33 in a layer, for about 30 layers.
    claim = judged(replace(cfg, c0=0.9999), *tables)["depth-scale/chaotic"]
    assert claim.other_setting == "c0 = 0.9999: so far from c* that the decay begins late"


def test_the_chaotic_decay_is_the_linear_one_from_all_inputs_that_are_compared(cfg: Any) -> None:
    for c0 in (-judging.ALIKE, judging.ALIKE):
        apart = replace(cfg, activations=["relu"], c0=c0)
        theory = predict(apart)
        claim = judged(apart, theory, as_predicted(theory, apart, networks=2))["depth-scale/chaotic"]
        assert claim.verdict is Verdict.ERRATUM


@pytest.mark.parametrize(("name", "actual"), [("ordered", "chaotic"), ("chaotic", "ordered")])
def test_a_network_in_another_phase_than_its_name_says_is_not_comparable(
    cfg: Any, tables: Tables, name: str, actual: str
) -> None:
    point = {f"{name}_{x}": getattr(cfg, f"{actual}_{x}") for x in ("sigma_b", "sigma_w")}
    theory, data = (
        pd.concat([table[table["case"] != name], table[table["case"] == actual].assign(case=name)], ignore_index=True)
        for table in tables
    )
    found = judged(replace(cfg, **point), theory, data)
    assert found[f"depth-scale/{name}"].verdict is Verdict.NOT_COMPARABLE


# Exact values -------------------------------------------------------------------------------------------------------


def test_relus_orbit_is_that_of_40_digits() -> None:
    with mp.workdps(40):
        c, found = mp.zero, {}
        for layer in range(1, 1001):
            c = (c * mp.asin(c) + mp.sqrt(1 - c * c)) / mp.pi + c / 2
            if layer in RELU_COMPLEMENTS:
                found[layer] = float(1 - c)
    assert found == pytest.approx(RELU_COMPLEMENTS, rel=1e-15)  # rounded to float64


def test_relus_orbit_is_the_theorys() -> None:
    complements = MeanField("relu", sigma_w=math.sqrt(2), sigma_b=0.0).complements(0.0, 1000)
    # An error of 2^-53 in each of up to 1000 layers.
    assert {layer: complements[layer] for layer in RELU_COMPLEMENTS} == pytest.approx(RELU_COMPLEMENTS, rel=1e-12)


def test_the_printed_rate_of_relu_is_the_theorys() -> None:
    assert rate("relu", sigma_b=0.0).constant == pytest.approx(RELU_RATE, rel=1e-15)


@pytest.mark.parametrize(("squared", "gamma"), GAMMAS.items())
def test_gamma_is_the_theorys(squared: float, gamma: float) -> None:
    assert residual_gamma(math.sqrt(squared)) == pytest.approx(gamma, rel=1e-15)  # a few roundings


# Theory -------------------------------------------------------------------------------------------------------------


def test_asymptotes_are_those_of_the_two_propositions(tables: Tables) -> None:
    ends = tables[0].groupby("case").tail(1).set_index("case")
    relu = tables[0][(tables[0]["case"] == "edge") & (tables[0]["activation"] == "relu")].set_index("layer")
    # gamma of the residual network at sigma_w^2 = 2 is 1/4; a few roundings
    assert relu["asymptote"][1000] == pytest.approx(RELU_RATE / 1000**2, rel=1e-14)
    assert ends["asymptote"]["residual"] == pytest.approx(4 * RELU_RATE / 1000**2, rel=1e-14)


def test_off_the_edge_there_is_no_asymptote(tables: Tables) -> None:
    off = tables[0][tables[0]["case"].isin(["ordered", "chaotic"])]
    assert off["asymptote"].isna().all()


def test_on_the_edge_the_depth_scale_is_infinite(tables: Tables) -> None:
    on = tables[0][tables[0]["case"].isin(["edge", "residual"])]
    assert (on["depth_scale"] == math.inf).all()


def test_networks_follow_up_to_a_fifth_of_the_width_where_the_variance_attracts(tables: Tables) -> None:
    attracts = tables[0][tables[0]["activation"] != "swish"]
    assert set(attracts["follows_until"]) == {20.0}


def test_swishs_networks_follow_until_the_fluctuation_of_the_variance_has_grown_to_a_quarter(
    cfg: Any, tables: Tables
) -> None:
    theory = tables[0]
    (until,) = theory.loc[theory["activation"] == "swish", "follows_until"].unique()
    slope = 1.098727803680553  # of the variance map at the edge's q, by a difference quotient in 30 digits
    # The slope's own quadrature is good to 1e-12.
    expected = math.log(0.25 / math.sqrt(2 / cfg.simulation.width)) / math.log(slope)
    assert until == pytest.approx(expected, rel=1e-10)


# Configuration ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("c0=1", "c0=1.0 is not allowed: it takes a correlation in [-1, 1)"),
        ("c0=-1.1", "c0=-1.1 is not allowed: it takes a correlation in [-1, 1)"),
        ("depth=9", "depth=9 is not allowed: it takes a number >= 10"),
        ("sigma_b.tanh=-0.1", "sigma_b.tanh=-0.1 is not allowed: it takes a number >= 0"),
        ("default_sigma_b=-1", "default_sigma_b=-1.0 is not allowed: it takes a number >= 0"),
        (
            "residual_sigma_w=[0]",
            "residual_sigma_w=[0.0] is not allowed: it takes a list of different finite numbers > 0",
        ),
        ("ordered_sigma_b=-1", "ordered_sigma_b=-1.0 is not allowed: it takes a number >= 0"),
        ("chaotic_sigma_w=0", "chaotic_sigma_w=0.0 is not allowed: it takes a finite number > 0"),
    ],
)
def test_a_bad_value_is_refused_in_one_line(override: str, line: str) -> None:
    with pytest.raises(Refused) as refused:
        compose("smoke", override)
    assert str(refused.value) == line


def test_the_papers_setting_holds_the_slides_points() -> None:
    paper = compose("paper")
    assert (paper.ordered_sigma_b, paper.ordered_sigma_w) == (1.0, 1.0)
    assert (paper.chaotic_sigma_b, paper.chaotic_sigma_w) == (0.3, 2.0)
    assert (paper.sigma_b["elu"], paper.sigma_b["tanh"]) == (0.1, 0.2)
    assert [sigma_w**2 for sigma_w in paper.residual_sigma_w] == pytest.approx(list(GAMMAS), rel=1e-15)


# Networks -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def few() -> Any:
    """A few small networks."""
    overrides = ("simulation.width=30", "simulation.depth=12", "simulation.networks=4", "depth=12", "seeds=[0,1]")
    return compose("smoke", *overrides)


def test_a_unit_is_measured_the_same_whatever_was_measured_before(few: Any) -> None:
    alone = measured(few, "elu", case="edge", seed=0)
    measured(few, "relu", case="edge", seed=0)
    torch.manual_seed(5)
    pd.testing.assert_frame_equal(measured(few, "elu", case="edge", seed=0), alone)


@pytest.mark.parametrize(
    ("activation", "case", "seed"), [("relu", "edge", 1), ("relu", "residual", 0), ("tanh", "edge", 0)]
)
def test_another_unit_has_other_networks(few: Any, activation: str, case: str, seed: int) -> None:
    alone = measured(few, "relu", case="edge", seed=0)
    other = measured(few, activation, case=case, seed=seed)
    assert not (alone["complement"].to_numpy() == other["complement"].to_numpy()).any()


def test_every_network_is_kept_at_the_same_layers_of_the_theory(cfg: Any, tables: Tables) -> None:
    rows = measured(cfg, "tanh", case="edge", seed=0)
    theory = tables[0]
    (layers,) = {tuple(of["layer"]) for _, of in rows.groupby("network")}
    assert tuple(rows.columns) == COLUMNS[4:]
    assert rows["network"].nunique() == cfg.simulation.networks
    assert (layers[0], layers[-1]) == (1, cfg.simulation.depth)
    assert set(layers) <= set(theory.loc[(theory["case"] == "edge") & (theory["activation"] == "tanh"), "layer"])


def test_layers_are_counted_from_the_inputs(cfg: Any) -> None:
    rows = measured(cfg, "relu", case="edge", seed=0)
    first = rows[rows["layer"] == 1]["complement"]
    # 1 - c^1 = 1 - 1 / pi from orthogonal inputs, and 1 at l = 0; 40 networks of width 100, sqrt(5 / 100) each.
    assert first.mean() == pytest.approx(1 - 1 / math.pi, rel=5 * math.sqrt(5 / 100 / 40))


def test_deep_in_the_ordered_phase_a_complement_keeps_its_digits() -> None:
    deep = compose("smoke", "simulation.width=30", "simulation.depth=60", "simulation.networks=4")
    last = measured(deep, "tanh", case="ordered").groupby("network")["complement"].last()
    # exp(-60 / 1.088) is 1e-24, far below the rounding of 1 - c itself; one layer of width 30 fluctuates by a quarter.
    assert last.between(1e-30, 1e-20).all()


# Figures ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(cfg: Any, tables: Tables) -> dict[str, Any]:
    theory, data = tables
    sooner = theory.assign(follows_until=theory["follows_until"].mask(theory["activation"] == "tanh", 7.0))
    return draw(sooner, data, cfg)


def markers(panel: Any, color: str) -> list[Any]:
    """The data points of each set of markers of a colour; the legend's own set is empty."""
    found = [bars[0] for bars in panel.containers if bars[0].get_color() == color]
    return [line for line in found if len(line.get_xdata())]


def colour(panel: Any, label: str) -> str:
    (line,) = (line for line in panel.lines if line.get_label() == label)
    return str(line.get_color())


@pytest.mark.parametrize(("activation", "last"), [("relu", 20), ("elu", 20), ("tanh", 7)])
def test_markers_stop_where_networks_stop_following_the_theory(
    drawn: dict[str, Any], tables: Tables, activation: str, last: int
) -> None:
    (panel,) = drawn["impact-of-smoothness"].axes
    (points,) = markers(panel, colour(panel, activation))
    layers = tables[1].loc[tables[1]["case"] == "edge", "layer"]
    assert max(points.get_xdata()) == layers[layers <= last].max()
    assert points.get_linestyle() == "None"


def test_markers_are_medians_over_networks(drawn: dict[str, Any], tables: Tables) -> None:
    (panel,) = drawn["impact-of-smoothness"].axes
    (points,) = markers(panel, colour(panel, "relu"))
    data = tables[1]
    relu = data[(data["case"] == "edge") & (data["activation"] == "relu") & (data["layer"] <= 20)]
    expected = relu.groupby("layer")["complement"].median()
    assert (list(points.get_xdata()), list(points.get_ydata())) == (list(expected.index), list(expected))


def test_theory_is_a_solid_line_to_the_full_depth_and_its_asymptote_dotted(
    drawn: dict[str, Any], tables: Tables
) -> None:
    (panel,) = drawn["impact-of-smoothness"].axes
    theory = tables[0]
    rows = theory[(theory["case"] == "edge") & (theory["activation"] == "elu")]
    (line,) = (line for line in panel.lines if line.get_label() == "elu")
    assert (list(line.get_ydata()), line.get_linestyle()) == (list(rows["complement"]), "-")
    dotted = [x for x in panel.lines if x.get_color() == line.get_color() and x.get_linestyle() == ":"]
    late = rows[rows["layer"] >= ASYMPTOTIC]
    assert [list(x.get_ydata()) for x in dotted] == [list(late["asymptote"])]


def test_the_departure_is_drawn_over_layers_in_units_of_the_width(drawn: dict[str, Any], cfg: Any) -> None:
    for panel in drawn["finite-width"].axes:
        (median,) = (line for line in panel.lines if line.get_label() == "median")
        at = dict(zip(median.get_xdata(), median.get_ydata(), strict=True))
        # Twelve values spread evenly about the ratio that was put in: their median is it, to rounding.
        assert at[1.0] == pytest.approx(DEPARTED, rel=1e-12)
        assert at[1 / cfg.simulation.width] == pytest.approx(1.0, rel=1e-12)


def test_off_the_edge_the_distance_to_the_limit_is_drawn(drawn: dict[str, Any], tables: Tables) -> None:
    for panel, case in zip(drawn["depth-scales"].axes, ("ordered", "chaotic"), strict=True):
        rows = tables[0][tables[0]["case"] == case]
        (line,) = (line for line in panel.lines if line.get_label() == "theory")
        assert list(line.get_ydata()) == list((rows["complement"] - (1 - rows["limit"])).abs())
        assert line.get_linestyle() == "-"


def test_off_the_edge_a_median_that_cannot_be_told_from_its_limit_has_no_marker(
    drawn: dict[str, Any], tables: Tables
) -> None:
    panel = drawn["depth-scales"].axes[1]
    theory, data = tables
    away = 1 - theory.loc[theory["case"] == "chaotic", "limit"].iloc[0]
    groups = data[data["case"] == "chaotic"].groupby("layer")["complement"]
    clear = {}
    for layer, values in groups:
        middle, low, high = median_interval(values.tolist())
        if abs(middle - away) > (high - low) / 2:
            clear[layer] = abs(middle - away)
    (points,) = markers(panel, colour(panel, "theory"))
    drawn_points = dict(zip(points.get_xdata(), points.get_ydata(), strict=True))
    assert drawn_points == pytest.approx(clear, rel=1e-12)  # the limit is taken off before the median, or after it
    assert 0 < len(clear) < 60


def test_every_case_is_drawn_also_where_there_are_more_than_colours() -> None:
    cfg = compose("smoke", "activations=[relu,elu,tanh,swish,gelu,erf]", "residual_sigma_w=[0.5,1,1.5]", "depth=10")
    theory = pd.concat(
        pd.DataFrame({"case": case, "activation": name, "sigma_w": sigma_w, "layer": [1, 2], "complement": [0.5, 0.4]})
        for case, name, sigma_w in [
            *(("edge", name, 1.2) for name in cfg.activations),
            *(("residual", "relu", sigma_w) for sigma_w in cfg.residual_sigma_w),
            ("ordered", "tanh", 1.0),
            ("chaotic", "tanh", 2.0),
        ]
    ).assign(sigma_b=0.1, limit=1.0, depth_scale=2.0, follows_until=20.0, asymptote=math.nan)
    data = as_predicted(theory.reset_index(drop=True), cfg)
    (panel,) = draw(theory, data, cfg)["impact-of-smoothness"].axes
    labels = {line.get_label() for line in panel.lines}
    assert set(cfg.activations) <= labels
    assert sum("residual" in label for label in labels) == 3
