"""What `branching` claims: xi, the critical laws, W, and that simulated processes follow the theory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import bdtr, bdtrc, ndtri
from scipy.stats import binom

from deepk.lab.claims import Claim
from experiments.published import compositional_kernels as published
from experiments.published.edge_of_chaos import RELU_COMPLEMENTS, RELU_RATE

if TYPE_CHECKING:
    from experiments.schema import Branching

    Comparison = tuple[str, float]  # what was compared, and how many standard deviations it is off

SLIDE = f"{published.PAPER}, slide 'Branching Process and Compositional Kernels'"
FIGURE = f"{published.PAPER}, figure 2"
LEVEL = 0.999  # two-sided, of each claim
SIGMA = float(ndtri((1 + LEVEL) / 2))  # standard deviations of a single comparison
# Of an extinction probability: an interval wider than a unit of the table's last digit on either side is too wide.
WIDEST = 0.01
WIDEST_TAIL = 0.5  # the same of the tail's constant, relative
# The mean of n values in [0, 1] of variance v has a skewness of at most 1 / sqrt(n v). Up to this one it is judged as
# normal, and the quantile z moved by (z^2 - 1) skewness / 6, the first term of Cornish and Fisher.
SKEWED = 0.1
# Alive processes that the mean size is taken over: Z_l is nearly exponential given that it is positive, and the mean
# then has a skewness of at most 3 / sqrt(2 alive) = 0.07.
ALIVE = 1000
TAIL = 32  # k at which P(Y >= k) of ReLU is compared with its power law
TAIL_CONSTANT = (2 / math.pi) ** 1.5 / 6  # from a_2m^2 = ((2m - 3)!!)^2 / (pi (2m)!) ~ m^(-5/2) / (4 pi^(3/2))
S = 0.9  # where the two generating functions of the uniform law are compared: they differ most near s = 1

MEANS = ["mean", "mean_square"]
PREDICTED = ("alive", "exactly", "at least", "laplace")
UNKNOWN = "theory and data have nothing in common here"

# mu and xi of figure 2's laws, by mpmath at 30 digits: -W(-2 exp(-2)) / 2, and roots of (1 + s)^4 = 16 s and of
# 1 + s + ... + s^20 = 21 s.
NAMED = {
    "poisson(2)": (2.0, 0.20318786997997995),
    "binomial(4, 0.5)": (2.0, 0.08737802538415273),
    "uniform(20)": (10.0, 0.05013229457878127),
    "geometric(0.5)": (1.0, 1.0),
}


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Branching) -> list[Claim]:
    """Single numbers first, then all comparisons of a kind at once."""
    run = Run(theory, data, cfg)
    parts = (_extinction, _named_extinction, _named_means, _uniform, _tail, _critical, _pooled)
    return [claim for part in parts for claim in part(run)]


@dataclass(frozen=True)
class Mean:
    """A mean over all seeds, and the value that theory predicts for it."""

    generation: float
    at: float
    count: int
    mean: float
    value: float


@dataclass(frozen=True)
class Run:
    """The tables of a run, asked for one quantity of one law."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Branching

    @property
    def laws(self) -> list[str]:
        """Those that were measured."""
        return [str(law) for law in self.data["law"].unique()]

    def absent(self, law: str) -> str:
        """Why nothing can be said of a law, or nothing."""
        return "" if law in self.laws else f"{law} is not in this run"

    @cached_property
    def _theory(self) -> dict[tuple[str, str], pd.DataFrame]:
        return {(str(law), str(of)): rows for (law, of), rows in self.theory.groupby(["law", "quantity"])}

    @cached_property
    def _data(self) -> dict[tuple[str, str], pd.DataFrame]:
        """Means over all seeds, weighted by their paths, with the predicted `value`."""
        key = ["law", "quantity", "generation", "at"]
        weighted = self.data.assign(**{name: self.data[name] * self.data["count"] for name in MEANS})
        sums = weighted.groupby(key, dropna=False, sort=False)[["count", *MEANS]].sum().reset_index()
        sums[MEANS] = sums[MEANS].div(sums["count"], axis=0)
        beside = sums.merge(self.theory, on=key, how="left").sort_values(["generation", "at"])
        return {(str(law), str(of)): rows for (law, of), rows in beside.groupby(["law", "quantity"])}

    def constant(self, law: str, quantity: str) -> float:
        """Of the theory: mu, xi, variance."""
        return float(self._theory[law, quantity]["value"].iloc[0])

    def beside(self, law: str, quantity: str) -> pd.DataFrame:
        """Means of a quantity with its predicted `value`, by generation and argument."""
        return self._data.get((law, quantity), self.data.iloc[:0].assign(value=math.nan))

    def means(self, law: str, quantity: str) -> list[Mean]:
        """The same, row by row; of what theory speaks of, only where it does."""
        table = self.beside(law, quantity)
        if quantity in PREDICTED:
            table = table[table["value"].notna()]
        columns = [table[name].tolist() for name in ("generation", "at", "count", "mean", "value")]
        return [Mean(*row) for row in zip(*columns, strict=True)]

    def line(self, law: str, quantity: str) -> pd.DataFrame:
        """Theory of a quantity, by generation and argument; empty where it has none."""
        return self._theory.get((law, quantity), self.theory.iloc[:0]).sort_values(["generation", "at"])

    def values(self, law: str, quantity: str) -> dict[tuple[float, float], float]:
        """The same, by generation and argument."""
        table = self.line(law, quantity)
        keys = zip(table["generation"].tolist(), table["at"].tolist(), strict=True)
        return dict(zip(keys, table["value"].tolist(), strict=True))

    def survival(self, law: str) -> pd.DataFrame:
        """Theory of P(Z_l > 0), by generation; empty where the run has measured nothing of the law."""
        return self.line(law if law in self.laws else "", "alive").set_index("generation")


# --- single numbers ---------------------------------------------------------------------------------------------------


def _extinction(run: Run) -> Iterator[Claim]:
    for (activation, centered), printed in published.COLUMNS.items():
        law = f"centered {activation}" if centered else activation
        whole = printed.xi in (0.0, 1.0)  # printed without decimals
        yield _extinct(
            run,
            law,
            source=published.TABLE,
            expected=None,
            published=printed.xi,
            precision=0.5 if whole else published.PRINTED_DIGIT,
        )


def _named_extinction(run: Run) -> Iterator[Claim]:
    for law, (_, xi) in NAMED.items():
        yield _extinct(run, law, source=f"{FIGURE}: its law", expected=xi, published=None, precision=0.0)


def _extinct(
    run: Run, law: str, *, source: str, expected: float | None, published: float | None, precision: float
) -> Claim:
    blocked, measured, tolerance, generation = run.absent(law), None, 0.0, 0
    rows = run.means(law, "alive")
    if not rows:
        blocked = blocked or UNKNOWN
    else:
        last = rows[-1]
        generation, alive, predicted = int(last.generation), last.mean, last.value
        expected = run.constant(law, "xi") if expected is None else expected
        left = abs(1 - predicted - expected)
        measured = 1 - alive
        # 1 - (1 - p) rounds once, and the mean of the shares of several seeds a few times
        tolerance = binomial_half_width(predicted, last.count) + left + 1e-15
        if tolerance > WIDEST:
            blocked = f"the interval of {last.count:.0f} processes, left at l = {generation}, is +-{tolerance:.3f}"
    return Claim(
        name=f"extinction/{law}",
        statement=f"share of the processes of {law} that are extinct at l = {generation}",
        source=source,
        published=published,
        precision=precision,
        relation="=",
        expected=math.nan if expected is None else expected,
        measured=None if blocked else measured,
        tolerance=tolerance,
        reason="99.9 % binomial interval, and xi - P(Z_l = 0) by which the theory is not yet at its limit",
        blocked=blocked,
    )


def binomial_half_width(p: float, n: int) -> float:
    """How far the share of n successes of probability p lies from p with the probability LEVEL: the longer side."""
    low, high = binom.interval(LEVEL, n, p)
    return max(p - float(low) / n, float(high) / n - p)


def _named_means(run: Run) -> Iterator[Claim]:
    for law, (mu, _) in NAMED.items():
        blocked, measured, tolerance = run.absent(law), None, 0.0
        if not blocked:
            row = run.means(law, "children")[0]
            measured = row.mean
            tolerance = SIGMA * math.sqrt(max(0.0, run.constant(law, "variance")) / row.count)
            if tolerance > 0.1 * mu:
                blocked = f"the interval of {row.count:.0f} draws is +-{tolerance:.2g}"
        yield Claim(
            name=f"mu/{law}",
            statement=f"mean number of children, {law}",
            source=f"{FIGURE}: its law",
            relation="=",
            expected=mu,
            measured=None if blocked else measured,
            tolerance=tolerance,
            reason="99.9 % normal interval of a mean, with the law's own variance",
            blocked=blocked,
        )


def _uniform(run: Run) -> Iterator[Claim]:
    n = 20
    law, exact, printed = f"uniform({n})", (1 - S ** (n + 1)) / ((n + 1) * (1 - S)), (1 - S ** (n + 1)) / (n * (1 - S))
    row = next((row for row in run.means(law, "generating") if math.isclose(row.at, S)), None)
    blocked, measured, tolerance = run.absent(law), None, 0.0
    if row is None:
        blocked = blocked or UNKNOWN
    else:
        square = (1 - S ** (2 * (n + 1))) / ((n + 1) * (1 - S**2))
        measured = row.mean
        tolerance = SIGMA * math.sqrt((square - exact**2) / row.count)
        if tolerance >= printed - exact:
            blocked = f"the interval of {row.count:.0f} draws holds the printed formula's value, too"
    yield Claim(
        name=f"generating-function/{law}",
        statement=f"mean of {S:g}^Y, Y uniform on 0..{n}; published is (1 - s^(n+1)) / (n (1 - s)) at s = {S:g}, "
        f"which is {(n + 1) / n:g} at s = 1",
        source=f"{published.PAPER}, table of generating functions",
        published=printed,
        relation="=",
        expected=exact,
        measured=None if blocked else measured,
        tolerance=tolerance,
        reason="99.9 % normal interval of a mean, with the variance of s^Y",
        blocked=blocked,
    )


def _tail(run: Run) -> Iterator[Claim]:
    row = next((row for row in run.means("relu", "at least") if row.at == TAIL), None)
    blocked, measured, tolerance = run.absent("relu"), None, 0.0
    if row is None:
        blocked = blocked or UNKNOWN
    else:
        scale = TAIL**1.5
        measured = scale * row.mean
        interval = scale * binomial_half_width(row.value, row.count)
        tolerance = interval + abs(scale * row.value - TAIL_CONSTANT)
        if tolerance > WIDEST_TAIL * TAIL_CONSTANT:
            blocked = f"{row.count:.0f} draws: the interval is +-{tolerance / TAIL_CONSTANT:.2f} of what is predicted"
    yield Claim(
        name="tail/relu",
        statement=f"k^(3/2) P(Y >= k) of ReLU's number of children at k = {TAIL}; its limit (2 / pi)^(3/2) / 6 > 0 "
        "makes the variance infinite",
        source=f"{SLIDE}: P(Y = k) = a_k^2",
        relation="=",
        expected=TAIL_CONSTANT,
        measured=None if blocked else measured,
        tolerance=tolerance,
        reason="99.9 % binomial interval, and what the exact P(Y >= k) has left to its limit",
        blocked=blocked,
    )


def _critical(run: Run) -> Iterator[Claim]:
    """What iterating G from 0 gives for the two critical laws, without simulation."""
    geometric = run.survival("geometric(0.5)")
    last = int(geometric.index[-1]) if len(geometric) else 0
    yield Claim(
        name="survival-law/geometric(0.5)",
        statement=f"(l + 1) P(Z_l > 0) of geometric(0.5) at l = {last}, by iterating G from 0",
        source=f"{FIGURE}: its law; G o ... o G (s) = (l - (l - 1) s) / (l + 1 - l s)",
        relation="=",
        expected=1.0,
        measured=(last + 1) * float(geometric["value"].iloc[-1]) if last else None,
        tolerance=4 * last * float(np.finfo(np.float64).eps),
        reason="four roundings in each generation",
        blocked="" if last else run.absent("geometric(0.5)") or UNKNOWN,
    )
    relu = run.survival("relu")
    known = [generation for generation in RELU_COMPLEMENTS if generation in relu.index]
    depth = max(known, default=0)
    absent = run.absent("relu") or ("" if known else f"no generation of {list(RELU_COMPLEMENTS)} was kept")
    yield Claim(
        name="survival/relu",
        statement=f"P(Z_l > 0) of ReLU at l = {depth}, by iterating G from 0",
        source=f"{SLIDE}: K^(L)(0) = P(Z_L = 0)",
        relation="=",
        expected=RELU_COMPLEMENTS[depth] if known else math.nan,
        measured=None if absent else float(relu["value"][depth]),
        tolerance=0.0 if absent else 8 * depth * float(np.finfo(np.float64).eps) * float(relu["value"][depth]),
        reason="eight roundings in each generation; expected is an orbit of 40 digits",
        blocked=absent,
    )
    last = int(relu.index[-1]) if len(relu) else 0
    short = "" if last >= 1000 else f"generations = {last}: the asymptote needs 1000"
    yield Claim(
        name="survival-law/relu",
        statement=f"l^2 P(Z_l > 0) of ReLU at l = {last}, by iterating G from 0",
        source=f"{SLIDE}: K^(L)(0) = P(Z_L = 0); 9 pi^2 / 2 by Hayou, Doucet, Rousseau 2019, proposition 1",
        relation="=",
        expected=RELU_RATE,
        measured=last**2 * float(relu["value"].iloc[-1]) if last else None,
        tolerance=RELU_RATE * 2 * (3 * math.log(last) + 8.8) / last if last else 0.0,
        reason="twice the next term, which is (3 log l + 8.8) / l relative",
        blocked=run.absent("relu") or short,
    )


# --- all comparisons of a kind at once --------------------------------------------------------------------------------


def _pooled(run: Run) -> Iterator[Claim]:
    yield _worst(
        "offspring",
        "shares of individuals with k children, and with at least k",
        [c for law in run.laws for quantity in ("exactly", "at least") for c in _shares(run, law, quantity)],
        source=f"{SLIDE}: P(Y = k) = a_k^2",
        exact=True,
    )
    yield _worst(
        "survival",
        "shares of processes alive at l",
        [c for law in run.laws for c in _shares(run, law, "alive")],
        source=f"{SLIDE}: K^(L)(0) = P(Z_L = 0)",
        exact=True,
    )
    yield _worst(
        "mean",
        "means of Z_l over mu^l, of laws of finite variance",
        [c for law in run.laws for c in _sizes(run, law)],
        source=f"{SLIDE}: E Z_l = mu^l",
    )
    yield _worst(
        "laplace",
        "means of exp(-t Z_L / mu^L), beside G o ... o G (exp(-t / mu^L)) of as many layers",
        [c for law in run.laws for c in _transforms(run, law)],
        source=f"{published.PAPER}, rescaled limit",
    )
    yield _worst(
        "limit",
        "means of exp(-t Z_L / mu^L) at the largest L, beside E exp(-t W), less the exact difference of the two",
        [c for law in run.laws for c in _limits(run, law)],
        source=f"{published.PAPER}, rescaled limit",
    )


def _worst(name: str, what: str, comparisons: list[Comparison], *, source: str, exact: bool = False) -> Claim:
    """The largest of many standardized deviations, against the level for as many."""
    z = float(ndtri(1 - (1 - LEVEL) / 2 / max(1, len(comparisons))))
    where, worst = max(comparisons, key=lambda comparison: comparison[1], default=("", math.nan))
    many = f"99.9 % that none of {len(comparisons)} is larger (Bonferroni)"
    return Claim(
        name=f"simulation/{name}",
        statement=f"{what}: the largest of {len(comparisons)} deviations from theory in standard deviations"
        + (f", {where}" if where else ""),
        source=source,
        relation="<=",
        expected=z,
        measured=worst if comparisons else None,
        tolerance=0.0 if exact else (z * z - 1) * SKEWED / 6,
        reason=f"expected: {many}; "
        + ("none needed: the binomial law is exact" if exact else f"tolerance: a skewness of up to {SKEWED:g}"),
        blocked="" if comparisons else "this run has too few processes to compare anything",
    )


def _shares(run: Run, law: str, quantity: str) -> Iterator[Comparison]:
    for row in run.means(law, quantity):
        p = min(1.0, row.value)
        if p > 0:  # else impossible, or too rare to be known
            where = f"{law} at " + (f"l = {row.generation:g}" if quantity == "alive" else f"k = {row.at:g}")
            yield where, binomial_deviate(round(row.mean * row.count), row.count, p)


def binomial_deviate(successes: int, trials: int, p: float) -> float:
    """The normal deviate with the two-sided probability of this many successes or of what is further out."""
    at_most = float(bdtr(successes, trials, p))
    at_least = float(bdtrc(successes - 1, trials, p)) if successes > 0 else 1.0
    return max(0.0, -float(ndtri(min(at_most, at_least, 0.5))))


def _sizes(run: Run, law: str) -> Iterator[Comparison]:
    """At the first generation, and at the last that enough processes are alive in."""
    mu, variance = run.constant(law, "mu"), run.constant(law, "variance")
    if not 0 < variance < math.inf:
        return
    alive = {generation: value for (generation, _), value in run.values(law, "alive").items()}
    enough = [
        row
        for row in run.means(law, "size")
        if row.generation > 0 and row.count * alive.get(row.generation, 0.0) >= ALIVE
    ]
    for row in {row.generation: row for row in [*enough[:1], *enough[-1:]]}.values():
        # variance of Z_l / mu^l: sigma^2 (mu^-2 + ... + mu^-(l + 1))
        relative = variance * math.fsum(mu ** -(1 + j) for j in range(1, int(row.generation) + 1))
        yield f"{law} at l = {row.generation:g}", abs(row.mean - 1) / math.sqrt(relative / row.count)


def _transforms(run: Run, law: str) -> Iterator[Comparison]:
    for row, deviation in _nearly_normal(run, law):
        yield f"{law} at L = {row.generation:g}, t = {row.at:g}", abs(row.mean - row.value) / deviation


def _limits(run: Run, law: str) -> Iterator[Comparison]:
    """Where the transform at L is within a standard deviation of its limit."""
    limit = {t: value for (_, t), value in run.values(law, "limit").items()}
    rows = _nearly_normal(run, law)
    for row, deviation in rows:
        left = abs(row.value - limit.get(row.at, math.nan))
        if row.generation == rows[-1][0].generation and left <= deviation:
            yield f"{law} at t = {row.at:g}", (abs(row.mean - limit[row.at]) - left) / deviation


def _nearly_normal(run: Run, law: str) -> list[tuple[Mean, float]]:
    """The means of exp(-t Z_L / mu^L) that are not too skewed, and their standard deviations."""
    value = run.values(law, "laplace")
    rows = run.means(law, "laplace")
    variances = [value.get((row.generation, 2 * row.at), math.nan) - row.value**2 for row in rows]
    pairs = zip(rows, variances, strict=True)
    return [(row, math.sqrt(v / row.count)) for row, v in pairs if v * row.count >= 1 / SKEWED**2]
