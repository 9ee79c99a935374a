"""What `activation-duality` claims: the printed table, how its digits arose, and survival of critical processes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deepk.lab import Claim, Judging, Tolerance, absolute, needs, present, rounding
from deepk.statistics import binomial_half_width, simultaneous
from experiments.activation_duality import Config
from experiments.activation_duality.columns import Column
from experiments.published.compositional_kernels import (
    COLUMNS,
    PAPER,
    PRINTED_DIGIT,
    QUANTITIES,
    SAMPLES,
    TABLE,
    TRUNCATION,
)

ROUNDING = 1e-10  # of a sum of coefficients that are good to 1e-12 each
LEVEL = 0.99  # of an interval, and of all intervals of one kind together
REBUILT = ("mu", "a_1_squared", "mu_star")  # xi follows from them
GENERATIONS = (1, 2, 5, 10, 20, 50, 100)  # at which survival is judged
WORDS = {
    "mu": "mu = sum k a_k^2",
    "a_1_squared": "a_1^2",
    "mu_star": "mu_star = sum of k log k a_k^2 over k >= 2",
    "xi": "xi = G(xi)",
}
DIGIT = absolute(PRINTED_DIGIT, "half a unit of the table's last digit")
RATE = absolute(0.1, "an exponent of l that is off by 0.02 moves 1 - c^l by as much at l = 100")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """The table against exact values; where those differ, against the recipe; the critical processes."""
    claim, columns = Judging(), [Column(theory, *key) for key in COLUMNS]
    for column in columns:
        for quantity in QUANTITIES:
            if quantity != "xi" or not column.centered:  # that is 0, since nobody is childless
                _table(claim, column, quantity, data)
    for column in columns:
        for quantity in REBUILT:
            if not column.holds(quantity, column.printed(quantity)):
                _recipe(claim, column, quantity, data, cfg)
    for name in cfg.critical:
        _survival(claim, theory, data, cfg, name)
    return claim.claims


# --- the table, exactly -----------------------------------------------------------------------------------------------


def _table(claim: Judging, column: Column, quantity: str, data: pd.DataFrame) -> None:
    """A cell of the table by its defining series, beside its exact value."""
    with claim.printed(
        f"table/{quantity}/{column.label}",
        f"{WORDS[quantity]} of {column.label}, by its series",
        TABLE,
        published=column.printed(quantity),
        precision=PRINTED_DIGIT,
        resolution=DIGIT,
    ) as finding:
        at = {"activation": column.name, "centered": column.centered, "quantity": quantity}
        sums = present(data, part="series", **at).set_index("index")["value"].sort_index().astype(float)
        finding.expects(column.exact(quantity))
        told = quantity == "mu_star" or not column.holds(quantity, column.printed(quantity))
        finding.gives(*_limit(sums), remark=_comment(column, quantity) if told else "")


def _comment(column: Column, quantity: str) -> str:
    """Where a printed number comes from, as far as the exact law tells; the recipe's claims tell the rest."""
    cut = column.cut()
    if quantity in cut:
        defined = "over k > 2, as the definition is printed, the sum is"
        rest = f"{defined} {column.exact('mu_star_above_2'):.4f}" if quantity == "mu_star" else "Monte Carlo adds noise"
        return f"up to k = {TRUNCATION}, as the paper computes, the exact series gives {cut[quantity]:.4f}; {rest}"
    if column.swapped(quantity):
        return f"the two columns are swapped: the other one's exact value is {column.other.exact(quantity):.4f}"
    return "Monte Carlo noise"


def _limit(sums: pd.Series[float]) -> tuple[float, Tolerance]:
    """The limit S of partial sums S - (a log N + b) / sqrt(N) to N/8, N/4, N/2 and N, and how sure it is.

    Their rest falls like this where an activation has a kink: a_k^2 like k^(-5/2). Elsewhere there is none.
    """
    if len(sums) < 4 or not abs(sums.iloc[-1] - sums.iloc[-3]) > ROUNDING:
        return float(sums.iloc[-1]), rounding(ROUNDING, "1e-10 for rounding")
    before, last = _extrapolated(sums.iloc[:3]), _extrapolated(sums.iloc[1:])
    return last, rounding(abs(last - before) + ROUNDING, "how far the extrapolated series moved with its last octave")


def _extrapolated(sums: pd.Series[float]) -> float:
    terms = sums.index.to_numpy(float)
    model = np.column_stack([np.ones(3), np.log(terms) / np.sqrt(terms), 1 / np.sqrt(terms)])
    return float(np.linalg.solve(model, sums.to_numpy())[0])


# --- the table, by the recipe -----------------------------------------------------------------------------------------


def _recipe(claim: Judging, column: Column, quantity: str, data: pd.DataFrame, cfg: Config) -> None:
    """A printed number that is not the exact one, beside runs of the paper's recipe for it."""
    printed, swapped = column.printed(quantity), column.swapped(quantity)
    other = " of the other column, a_1^2 being swapped between centered and un-centered" if swapped else ""
    gap = abs(printed - column.other.printed(quantity)) / 2
    with claim.printed(
        f"recipe/{quantity}/{column.label}",
        f"the printed {printed:g}, {WORDS[quantity]} of {column.label}, is that of one run of the paper's algorithm "
        f"3{other}: the runs' median, and where one more run falls",
        f"{PAPER}, table 2 and algorithm 3",
        expected=printed,
        resolution=absolute(gap, "half of what tells the activation's two columns of the table apart, as printed"),
    ) as finding:
        at = {"activation": column.name, "centered": column.centered != swapped, "quantity": quantity}
        values = present(data, part="recipe", **at)["value"].to_numpy(float)
        stated = (cfg.samples, cfg.truncation) == (SAMPLES, TRUNCATION)
        needs(stated, f"{cfg.samples} samples and coefficients up to {cfg.truncation}, not {SAMPLES} and {TRUNCATION}")
        low, high = np.quantile(values, [0.05, 0.95])
        remark = f"{len(values)} runs, 5-95 % of them in [{low:.3f}, {high:.3f}]"
        cause = "" if swapped else f"; {_cause(column, quantity)}"
        digit = rounding(PRINTED_DIGIT, "half a unit of the printed digit")
        median = float(np.median(values))
        nearest = min(max(median, printed - PRINTED_DIGIT), printed + PRINTED_DIGIT)
        finding.gives(median, prediction_interval(values, nearest) + digit, remark=remark + cause)


def prediction_interval(values: np.ndarray, number: float, *, level: float = LEVEL) -> Tolerance:
    """Where one more value of an unknown law falls, around the median: its longer side, or the one a number is beyond.

    Of n + 1 values of one law the last is equally likely to have each rank: it is between the j-th smallest and the
    j-th largest of the others with probability 1 - 2 j / (n + 1). Infinite for fewer than 199 values, at 0.99.
    """
    outside = math.floor((len(values) + 1) * (1 - level) / 2 + 1e-9)  # of 0.005 * 200, say, which is not quite 1
    if outside < 1:
        return Tolerance(math.inf, f"no interval: {len(values)} runs are too few for one of {100 * level:g} %")
    ordered, middle = np.sort(values), float(np.median(values))
    below, above = middle - ordered[outside - 1], ordered[-outside] - middle
    width = below if number < middle - below else above if number > middle + above else max(below, above)
    width = 0.0 if math.isnan(width) else float(width)  # NaN has no median, and differs
    return Tolerance(width, f"{100 * level:g} % interval of one more run, whatever its law")


def _cause(column: Column, quantity: str) -> str:
    """Why the recipe's numbers are not the exact one."""
    exact = column.exact(quantity)
    cut = column.cut().get(quantity, exact)
    if abs(cut - exact) > PRINTED_DIGIT:
        return f"the exact {exact:.4f} loses {exact - cut:.4f} by the cut at k = {TRUNCATION}"
    return f"the exact value is {exact:.4f}: the rest is Monte Carlo noise"


# --- critical processes -----------------------------------------------------------------------------------------------


def _survival(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, name: str) -> None:
    """1 - c^l of a network on the edge of chaos, beside the share of processes that are alive."""
    with claim.ours(
        f"survival/{name}",
        f"1 - c^l of {name} on the edge of chaos, from c = 0, is the survival probability of a critical branching "
        f"process, l in {list(GENERATIONS)}: relative deviation, the one that is furthest outside its interval or else "
        "has the widest",
        f"{PAPER}; Hayou, Doucet, Rousseau 2019 (arXiv:1902.06853)",
        expected=0.0,
        resolution=RATE,
    ) as finding:
        alive = present(data, part="branching", activation=name)
        total = cfg.paths * alive["seed"].nunique()
        shares = alive.groupby("index")["value"].sum(min_count=1) / total
        exact = present(theory, activation=name, centered=False, quantity="survival").set_index("index")["value"]
        judged = sorted(set(GENERATIONS) & set(shares.index) & set(exact.index))
        needs(judged, f"none of generations {list(GENERATIONS)}")
        level = simultaneous(LEVEL, len(judged))
        halves = {g: binomial_half_width(exact[g], total, level=level) / exact[g] for g in judged}
        offs = {g: abs(shares[g] / exact[g] - 1) for g in judged}
        outside = [g for g in judged if not offs[g] <= halves[g]]  # a NaN is
        shown = max(outside, key=lambda g: offs[g] / halves[g]) if outside else max(judged, key=lambda g: halves[g])
        reason = f"binomial interval of {total} processes; all {len(judged)} hold together with 99 % (Bonferroni)"
        finding.gives(offs[shown], rounding(halves[shown], reason), remark=f"at l = {shown}")
