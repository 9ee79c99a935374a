"""What `activation-duality` claims: the printed table, how its digits arose, and survival of critical processes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtri

from deepk.lab.claims import Claim
from deepk.statistics import binomial_deviation
from experiments.published.compositional_kernels import (
    COLUMNS,
    PAPER,
    PRINTED_DIGIT,
    QUANTITIES,
    SAMPLES,
    TABLE,
    TRUNCATION,
    Printed,
)

if TYPE_CHECKING:
    from experiments.schema import ActivationDuality

ROUNDING = 1e-10  # of a sum of coefficients that are good to 1e-12 each
LEVEL = 0.99  # of all intervals of one kind together
FEWEST = 200  # runs of the recipe, the fewest in which a rank can be RAREST or less
RAREST = 0.01  # rank of the printed number among runs of the recipe
REBUILT = ("mu", "a_1_squared", "mu_star")  # xi follows from them
GENERATIONS = (1, 2, 5, 10, 20, 50, 100)  # at which survival is judged
FEWEST_ALIVE = 30  # processes expected alive, for a binomial law to be nearly normal
WORDS = {
    "mu": "mu = sum k a_k^2",
    "a_1_squared": "a_1^2",
    "mu_star": "mu_star = sum of k log k a_k^2 over k >= 2",
    "xi": "xi = G(xi)",
}


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: ActivationDuality) -> list[Claim]:
    """The table against exact values; where those differ, against the recipe; the critical processes."""
    found = [claim for column in COLUMNS.items() for claim in _column(theory, data, *column)]
    found += [claim for column in COLUMNS.items() for claim in _recipe(theory, data, cfg, *column)]
    found += [_survival(theory, data, cfg, name) for name in cfg.critical]
    return found


def _label(name: str, centered: bool) -> str:
    return f"{name}/{'centered' if centered else 'un-centered'}"


def _pick(table: pd.DataFrame, name: str, centered: bool, quantity: str) -> pd.Series[float]:
    found = (table["activation"] == name) & (table["centered"] == centered) & (table["quantity"] == quantity)
    return table[found].set_index("index")["value"].sort_index().astype(float)


# --- the table, exactly -----------------------------------------------------------------------------------------------


def _column(theory: pd.DataFrame, data: pd.DataFrame, key: tuple[str, bool], printed: Printed) -> Iterator[Claim]:
    series = data[data["part"] == "series"]
    for quantity in QUANTITIES:
        if quantity == "xi" and key[1]:
            continue  # 0, since nobody is childless
        exact, sums = (_pick(table, *key, quantity) for table in (theory, series))
        absent = "" if len(exact) and len(sums) else f"{key[0]} is not in this run"
        yield _exact_claim(quantity, key, exact, sums, printed, absent, _comment(theory, key, quantity))


def _exact_claim(
    quantity: str,
    key: tuple[str, bool],
    exact: pd.Series[float],
    sums: pd.Series[float],
    printed: Printed,
    blocked: str,
    comment: str,
) -> Claim:
    measured, tolerance = (None, 0.0) if blocked else _limit(sums)
    if not blocked and tolerance > PRINTED_DIGIT:
        blocked = f"the series is not yet known to the printed digit: +-{tolerance:.2g}"
    published = float(getattr(printed, quantity))
    misprinted = len(exact) > 0 and abs(float(exact.iloc[0]) - published) > PRINTED_DIGIT
    return Claim(
        name=f"table/{quantity}/{_label(*key)}",
        statement=f"{WORDS[quantity]} of {_label(*key)}, by its series",
        source=TABLE,
        relation="=",
        published=published,
        precision=PRINTED_DIGIT,
        expected=math.nan if blocked else float(exact.iloc[0]),
        measured=None if blocked else measured,
        tolerance=tolerance,
        reason="of a series: how far it moved, extrapolated, with its last octave; 1e-10 for rounding",
        blocked=blocked,
        explanation=comment if misprinted or quantity == "mu_star" else "",
    )


def _comment(theory: pd.DataFrame, key: tuple[str, bool], quantity: str) -> str:
    """Where a printed number comes from, as far as the exact law tells; the recipe's claims tell the rest."""
    cut = _cut_sums(theory, key)
    if quantity in cut:
        told = f"up to k = {TRUNCATION}, as the paper computes, the exact series gives {cut[quantity]:.4f}"
        if quantity == "mu":
            return f"{told}; Monte Carlo adds noise"
        above = _pick(theory, *key, "mu_star_above_2")
        defined = f"; over k > 2, as the definition is printed, the sum is {above.iloc[0]:.4f}" if len(above) else ""
        return told + defined
    other = _pick(theory, key[0], not key[1], quantity)
    if len(other) and abs(float(other.iloc[0]) - getattr(COLUMNS[key], quantity)) <= PRINTED_DIGIT:
        return f"the two columns are swapped: the other one's exact value is {other.iloc[0]:.4f}"
    return "Monte Carlo noise"


def _cut_sums(theory: pd.DataFrame, key: tuple[str, bool]) -> dict[str, float]:
    """mu and mu_star of the exact law cut at the paper's truncation."""
    p = _pick(theory, *key, "coefficient").loc[:TRUNCATION]
    k = p.index.to_numpy(float)
    return {"mu": float((k * p).sum()), "mu_star": float((k * np.log(np.maximum(k, 1)) * p).sum())}


def _limit(sums: pd.Series[float]) -> tuple[float, float]:
    """The limit S of partial sums S - (a log N + b) / sqrt(N) to N/8, N/4, N/2 and N, and how sure it is.

    Their rest falls like this where an activation has a kink: a_k^2 like k^(-5/2). Elsewhere there is none.
    """
    if len(sums) < 4 or abs(sums.iloc[-1] - sums.iloc[-3]) <= ROUNDING:
        return float(sums.iloc[-1]), ROUNDING
    before, last = _extrapolated(sums.iloc[:3]), _extrapolated(sums.iloc[1:])
    return last, abs(last - before) + ROUNDING


def _extrapolated(sums: pd.Series[float]) -> float:
    terms = sums.index.to_numpy(float)
    model = np.column_stack([np.ones(3), np.log(terms) / np.sqrt(terms), 1 / np.sqrt(terms)])
    return float(np.linalg.solve(model, sums.to_numpy())[0])


# --- the table, by the recipe -----------------------------------------------------------------------------------------


def _recipe(
    theory: pd.DataFrame, data: pd.DataFrame, cfg: ActivationDuality, key: tuple[str, bool], printed: Printed
) -> Iterator[Claim]:
    """Of the printed numbers that are not the exact ones."""
    runs = data[data["part"] == "recipe"]
    for quantity in REBUILT:
        published = float(getattr(printed, quantity))
        exact, other = (_pick(theory, key[0], centered, quantity) for centered in (key[1], not key[1]))
        if len(exact) and abs(float(exact.iloc[0]) - published) <= PRINTED_DIGIT:
            continue
        swapped = len(other) > 0 and abs(float(other.iloc[0]) - published) <= PRINTED_DIGIT
        found = (runs["activation"] == key[0]) & (runs["centered"] == (key[1] != swapped))
        values = runs.loc[found & (runs["quantity"] == quantity), "value"].to_numpy(float)
        cut = "" if swapped or not len(exact) else _cause(theory, key, quantity, float(exact.iloc[0]))
        yield _recipe_claim(quantity, key, values, published, cfg, swapped=swapped, cause=cut)


def _cause(theory: pd.DataFrame, key: tuple[str, bool], quantity: str, exact: float) -> str:
    """Why the recipe's numbers are not the exact one."""
    cut = _cut_sums(theory, key).get(quantity, exact)
    if abs(cut - exact) > PRINTED_DIGIT:
        return f"the exact {exact:.4f} loses {exact - cut:.4f} by the cut at k = {TRUNCATION}"
    return f"the exact value is {exact:.4f}: the rest is Monte Carlo noise"


def _recipe_claim(
    quantity: str,
    key: tuple[str, bool],
    values: np.ndarray,
    published: float,
    cfg: ActivationDuality,
    *,
    swapped: bool,
    cause: str,
) -> Claim:
    blocked = "" if len(values) else f"{key[0]} is not in this run"
    if not blocked and (cfg.samples, cfg.truncation) != (SAMPLES, TRUNCATION):
        blocked = f"the recipe takes {SAMPLES} samples and coefficients up to {TRUNCATION}"
    if not blocked and len(values) < FEWEST:
        blocked = f"{len(values)} runs of the recipe; a rank needs {FEWEST}"
    rank, explanation = math.nan, cause
    if not blocked:
        beyond = min(int((values >= published - PRINTED_DIGIT).sum()), int((values <= published + PRINTED_DIGIT).sum()))
        rank = min(1.0, 2 * (1 + beyond) / (1 + len(values)))
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        explanation = f"median {middle:.3f}, 5-95 % of the runs in [{low:.3f}, {high:.3f}]"
        explanation += f"; {cause}" if cause else ""
    other = " of the other column, a_1^2 being swapped between centered and un-centered" if swapped else ""
    return Claim(
        name=f"recipe/{quantity}/{_label(*key)}",
        statement=f"the printed {published:g}, {WORDS[quantity]} of {_label(*key)}, is consistent with one run of the "
        f"paper's algorithm 3{other}: the two-sided rank among {len(values)} runs, to the printed digit",
        source=f"{PAPER}, table 2 and algorithm 3",
        relation=">=",
        expected=RAREST,
        measured=None if blocked else rank,
        tolerance=0.0,
        reason="none needed: a run of the recipe has a smaller rank with this probability at most",
        blocked=blocked,
        explanation=explanation,
    )


# --- critical processes -----------------------------------------------------------------------------------------------


def _survival(theory: pd.DataFrame, data: pd.DataFrame, cfg: ActivationDuality, name: str) -> Claim:
    alive = data[(data["part"] == "branching") & (data["activation"] == name)]
    total = cfg.paths * alive["seed"].nunique()
    counts = alive.groupby("index")["value"].sum().astype(float)
    exact = _pick(theory, name, False, "survival")
    judged = [g for g in GENERATIONS if g in counts.index and g in exact.index and exact[g] * total >= FEWEST_ALIVE]
    blocked = "" if len(judged) > 1 else "no generation in which enough processes are expected alive"
    scores = [(counts[g] / total - exact[g]) / binomial_deviation(float(exact[g]), total) for g in judged]
    quantile = float(ndtri(1 - (1 - LEVEL) / 2 / max(len(judged), 1)))
    return Claim(
        name=f"survival/{name}",
        statement=f"1 - c^l of {name} on the edge of chaos, from c = 0, is the survival probability of a critical "
        f"branching process: worst deviation over generations {judged}, in standard deviations",
        source=f"{PAPER}; Hayou, Doucet, Rousseau 2019 (arXiv:1902.06853)",
        relation="<=",
        expected=quantile,
        measured=None if blocked else float(np.max(np.abs(scores))),
        tolerance=0.0,
        reason=f"none needed: the {LEVEL:.0%} quantile of the largest of that many normal deviations",
        blocked=blocked,
    )
