"""`activation-duality`: the table against other people's digits, the recipe, and what makes a claim fail."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import pandas as pd
import pytest

from cli import configuration
from deepk.lab.claims import Verdict
from deepk.lab.contract import Lab
from experiments import activation_duality as experiment

# mpmath 1.3 at 30 digits, from E sigma'^2, (E sigma')^2 and the root of G(s) = s by its Hermite series to k = 200
EXACT = {
    ("relu", True, "mu"): 1 / (1 - 1 / math.pi),
    ("relu", True, "a_1_squared"): 0.5 / (1 - 1 / math.pi),
    ("relu", False, "xi"): 1.0,
}


def compose(*overrides: str) -> Any:
    with configuration.session("activation-duality") as hydra:
        return configuration.compose(hydra, "activation-duality", "smoke", list(overrides))


@pytest.fixture(scope="module")
def config() -> Any:
    return compose("activations=[relu,gelu]", "critical=[relu]", "seeds=[0]")


@pytest.fixture(scope="module")
def theory(config: Any) -> pd.DataFrame:
    return experiment.predict(config)


@pytest.fixture(scope="module")
def data(config: Any) -> pd.DataFrame:
    return measured(config)


def measured(config: Any) -> pd.DataFrame:
    tables = []
    for unit in experiment.units(config):
        rows = experiment.measure(config, unit, Lab("cpu"))
        tables.append(rows.assign(**unit.key)[list(experiment.COLUMNS)])
    return pd.concat(tables, ignore_index=True)


def value(theory: pd.DataFrame, name: str, centered: bool, quantity: str, index: int = 0) -> float:
    found = theory[(theory["activation"] == name) & (theory["centered"] == centered)]
    return float(found[(found["quantity"] == quantity) & (found["index"] == index)]["value"].iloc[0])


def verdict(claims: list[Any], name: str) -> Verdict:
    return next(claim.verdict for claim in claims if claim.name == name)


@pytest.mark.parametrize(("key", "exact"), EXACT.items())
def test_relus_constants_are_those_of_its_closed_form(theory, key, exact):
    assert value(theory, *key) == pytest.approx(exact, abs=1e-14)


def test_gelus_mu_star_is_that_of_its_series(theory):
    # G = rho / 4 + (rho asin(rho / 2) + 1 / sqrt(4 - rho^2)) / 2 pi, over G(1); its coefficients fall like 2^-k
    mpmath.mp.dps = 40

    def kernel(c):
        return c / 4 + (c * mpmath.asin(c / 2) + 1 / mpmath.sqrt(4 - c * c)) / (2 * mpmath.pi)

    p = [mpmath.re(a) / kernel(1) for a in mpmath.taylor(kernel, 0, 60)]
    series = sum(k * mpmath.log(k) * p[k] for k in range(2, 61))
    assert value(theory, "gelu", False, "mu_star") == pytest.approx(float(series), abs=1e-12)
    beyond = value(theory, "gelu", False, "mu_star_above_2")
    assert beyond == pytest.approx(float(series - 2 * mpmath.log(2) * p[2]), abs=1e-12)


def test_critical_relu_survives_a_generation_with_probability_one_minus_one_over_pi(theory):
    assert value(theory, "relu", False, "survival", 1) == pytest.approx(1 - 1 / math.pi, abs=1e-14)


def test_the_printed_mu_of_relu_is_an_erratum_and_its_a_1_squared_is_not(theory, data, config):
    claims = experiment.claims(theory, data, config)
    assert verdict(claims, "table/mu/relu/un-centered") is Verdict.ERRATUM
    assert verdict(claims, "table/a_1_squared/relu/un-centered") is Verdict.REPRODUCED


@pytest.mark.parametrize("quantity", ["mu", "a_1_squared", "mu_star", "xi"])
def test_a_wrong_series_differs(theory, data, config, quantity):
    wrong = data.copy()
    wrong.loc[(wrong["part"] == "series") & (wrong["quantity"] == quantity), "value"] += 0.02
    assert verdict(experiment.claims(theory, wrong, config), f"table/{quantity}/gelu/un-centered") is Verdict.DIFFERS


def test_processes_that_live_longer_than_the_theory_differ(theory, data, config):
    assert verdict(experiment.claims(theory, data, config), "survival/relu") is Verdict.REPRODUCED
    wrong = data.copy()
    wrong.loc[wrong["quantity"] == "alive", "value"] *= 1.15
    assert verdict(experiment.claims(theory, wrong, config), "survival/relu") is Verdict.DIFFERS


def test_the_recipe_is_judged_only_with_the_papers_truncation_our_samples_and_enough_runs(theory, data, config):
    claims = experiment.claims(theory, data, config)
    blocked = next(claim for claim in claims if claim.name == "recipe/mu/relu/un-centered")
    assert "100000 samples" in blocked.blocked
    full = compose("samples=100000")
    few = next(c for c in experiment.claims(theory, data, full) if c.name == "recipe/mu/relu/un-centered")
    assert few.blocked == "2 runs of the recipe; a rank needs 200"


def test_the_recipe_gives_the_same_law_as_the_series_up_to_monte_carlo_noise(data):
    recipe, series = data[data["part"] == "recipe"], data[data["part"] == "series"]
    ours = recipe[(recipe["activation"] == "gelu") & recipe["centered"] & (recipe["quantity"] == "a_1_squared")]
    exact = series[(series["activation"] == "gelu") & series["centered"] & (series["quantity"] == "a_1_squared")]
    # a_1 is a mean of 10^4 products of deviation below 2: 0.02, doubled by the square, four times over
    assert float(ours["value"].iloc[0]) == pytest.approx(float(exact["value"].iloc[0]), abs=0.16)


def test_an_activation_that_jumps_is_drawn_and_not_judged():
    config = compose("activations=[step]", "critical=[relu]", "seeds=[0]", "samples=1000", "paths=100")
    theory = experiment.predict(config)
    assert math.isinf(value(theory, "step", False, "mu"))
    data = measured(config)
    judged = [c.name for c in experiment.claims(theory, data, config) if c.verdict is not Verdict.NOT_COMPARABLE]
    assert judged == ["survival/relu"]
    assert set(experiment.draw(theory, data, config)) == set(experiment.FIGURES)
