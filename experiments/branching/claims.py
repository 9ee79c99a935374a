"""What `branching` claims: xi, the critical laws, W, and that simulated processes follow the theory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from deepk.lab import Claim, Finding, Judging, Tolerance, absolute, needs, present, rounding, share
from deepk.statistics import bernstein_half_width, binomial_half_width, simultaneous
from experiments.branching import LEVEL, SIGMA, TAIL_CONSTANT, Config
from experiments.branching.averages import Mean, Run
from experiments.published import compositional_kernels as published
from experiments.published.edge_of_chaos import RELU_COMPLEMENTS, RELU_RATE

SLIDE = f"{published.PAPER}, slide 'Branching Process and Compositional Kernels'"
LAW = f"{published.PAPER}, figure 2: its law"
LIMIT = f"{published.PAPER}, rescaled limit"
EPS = float(np.finfo(np.float64).eps)
ROUNDED = 1e-15  # 1 - (1 - p) rounds once, and the mean of the shares of several seeds a few times
# The mean size is judged as normal where that many processes are expected alive: Z_l is nearly exponential given that
# it is positive, so that the mean has a skewness of at most 3 / sqrt(2 alive) = 0.07. The quantile z is moved by
# (z^2 - 1) skewness / 6, the first term of Cornish and Fisher, for a skewness of 0.1.
ALIVE, SKEWNESS = 1000, 0.1
TAIL = 32  # k at which P(Y >= k) of ReLU is compared with its power law
N, S = 20, 0.9  # the uniform law of figure 2, and where its two generating functions differ most, near s = 1

# mu and xi of figure 2's laws, by mpmath at 30 digits: -W(-2 exp(-2)) / 2, and roots of (1 + s)^4 = 16 s and of
# 1 + s + ... + s^20 = 21 s.
NAMED = {
    "poisson(2)": (2.0, 0.20318786997997995),
    "binomial(4, 0.5)": (2.0, 0.08737802538415273),
    "uniform(20)": (10.0, 0.05013229457878127),
    "geometric(0.5)": (1.0, 1.0),
}

DIGIT = absolute(published.PRINTED_DIGIT, "half a unit of the last digit of the table, which prints xi and a_1^2")
MEAN = share(published.PRINTED_DIGIT, "half a unit of the last digit of the table's mu, which are near 1")
CURVE = absolute(0.01, "half of what tells L = 5 from L = 7 in figure 6, centered ReLU at t = 1/2: .730 and .750")
GROWTH = absolute(
    0.24, "half of (1.47 / 1.39)^7 - 1, which tells the table's nearest mu apart after the figures' L = 7"
)
ITERATE = share(1e-10, "ten digits, of which a thousand iterations in float64 leave twelve")
POWER = share(0.1, "an exponent of l that is off by 0.02 moves the constant by more at l = 1000")
TAILS_POWER = share(1 - 2**-0.5, "what a tail one half steeper, k^-2, would lose from k = 16 to 32")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Single numbers first, then all comparisons of a kind at once."""
    claim, run = Judging(), Run(theory, data, cfg)
    for part in (_extinction, _named_means, _uniform, _tail, _iterates, _asymptote, _simulation):
        part(claim, run)
    return claim.claims


# --- single numbers ---------------------------------------------------------------------------------------------------


def _means(run: Run, law: str, quantity: str) -> list[Mean]:
    """Means of a quantity; the claim that asks is silent where there are none."""
    present(run.data, law=law)
    found = run.means(law, quantity)
    needs(found, f"{quantity} of {law}: theory and data have nothing in common here")
    return found


def _mean_at(run: Run, law: str, quantity: str, at: float) -> Mean:
    found = [row for row in _means(run, law, quantity) if math.isclose(row.at, at)]
    needs(found, f"{quantity} of {law} at {at:g}: not in this run")
    return found[0]


def _extinction(claim: Judging, run: Run) -> None:
    """xi of the table's activations and of figure 2's laws."""
    for (activation, centered), printed in published.COLUMNS.items():
        law = f"centered {activation}" if centered else activation
        precision = 0.5 if printed.xi in (0.0, 1.0) else published.PRINTED_DIGIT  # those have no decimals
        with claim.printed(
            *_extinct(law), published.TABLE, published=printed.xi, precision=precision, resolution=DIGIT
        ) as finding:
            _give_extinct(finding, run, law)
            finding.expects(run.constant(law, "xi"))
    for law, (_, xi) in NAMED.items():
        with claim.ours(*_extinct(law), LAW, expected=xi, resolution=DIGIT) as finding:
            _give_extinct(finding, run, law)


def _extinct(law: str) -> tuple[str, str]:
    words = "share of the processes that are extinct when they are left, with the exact rest of the way to xi"
    return f"extinction/{law}", f"xi of {law}: {words}"


def _give_extinct(finding: Finding, run: Run, law: str) -> None:
    last = _means(run, law, "alive")[-1]
    rest = run.constant(law, "xi") - (1 - last.value)
    remark = f"left at l = {last.generation:g}, {rest:.1g} before the limit"
    finding.gives(1 - last.mean + rest, _binomial(last), remark=remark)


def _binomial(row: Mean) -> Tolerance:
    width = binomial_half_width(min(1.0, row.value), row.count, level=LEVEL)
    return rounding(width + ROUNDED, f"99.9 % binomial interval of {row.count:.0f}, by the exact probability")


def _named_means(claim: Judging, run: Run) -> None:
    """Mean numbers of children of figure 2's laws."""
    for law, (mu, _) in NAMED.items():
        with claim.ours(f"mu/{law}", f"mean number of children, {law}", LAW, expected=mu, resolution=MEAN) as finding:
            row = _means(run, law, "children")[0]
            width = SIGMA * math.sqrt(max(0.0, run.constant(law, "variance")) / row.count)
            finding.gives(row.mean, rounding(width, "99.9 % normal interval of a mean, with the law's own variance"))


def _uniform(claim: Judging, run: Run) -> None:
    """The generating function of the uniform law, whose printed denominator is wrong."""
    exact, printed = ((1 - S ** (N + 1)) / (n * (1 - S)) for n in (N + 1, N))
    with claim.printed(
        f"generating-function/uniform({N})",
        f"mean of {S:g}^Y, Y uniform on 0..{N}",
        f"{published.PAPER}, table of generating functions",
        expected=exact,
        published=printed,
        resolution=absolute((printed - exact) / 2, "half of what the printed formula is off"),
        explanation=f"printed is (1 - s^(n+1)) / (n (1 - s)) at s = {S:g}, which is {(N + 1) / N:g} at s = 1",
    ) as finding:
        row = _mean_at(run, f"uniform({N})", "generating", S)
        square = (1 - S ** (2 * (N + 1))) / ((N + 1) * (1 - S**2))
        width = SIGMA * math.sqrt((square - exact**2) / row.count)
        finding.gives(row.mean, rounding(width, "99.9 % normal interval of a mean, with the variance of s^Y"))


def _tail(claim: Judging, run: Run) -> None:
    """ReLU's law has infinite variance."""
    with claim.ours(
        "tail/relu",
        f"k^(3/2) P(Y >= k) of ReLU's number of children at k = {TAIL}, less what the exact one is off its limit "
        "(2 / pi)^(3/2) / 6 > 0, which makes the variance infinite",
        f"{SLIDE}: P(Y = k) = a_k^2",
        expected=TAIL_CONSTANT,
        resolution=TAILS_POWER,
    ) as finding:
        row = _mean_at(run, "relu", "at least", TAIL)
        scale, within = TAIL**1.5, _binomial(row)
        measured = scale * (row.mean - row.value) + TAIL_CONSTANT
        rest = scale * row.value - TAIL_CONSTANT
        finding.gives(measured, rounding(scale * within.width, within.reason), remark=f"{rest:.2g} off its limit")


def _survival(run: Run, law: str) -> dict[int, float]:
    """Theory of P(Z_l > 0) by generation, of a law that was measured."""
    present(run.data, law=law)
    alive = present(run.theory, law=law, quantity="alive")
    generations = zip(alive["generation"].astype(int), alive["value"].astype(float), strict=True)
    return {generation: value for generation, value in generations if generation > 0}


def _iterates(claim: Judging, run: Run) -> None:
    """Orbits of G from 0 to all their digits, for the two critical laws."""
    with claim.ours(
        "survival-law/geometric(0.5)",
        "(l + 1) P(Z_l > 0) of geometric(0.5) at the last l, by iterating G from 0",
        f"{LAW}; G o ... o G (s) = (l - (l - 1) s) / (l + 1 - l s)",
        expected=1.0,
        resolution=ITERATE,
    ) as finding:
        alive = _survival(run, "geometric(0.5)")
        last = max(alive)
        rounded = rounding(4 * last * EPS, "four roundings in each generation")
        finding.gives((last + 1) * alive[last], rounded, remark=f"at l = {last}")
    with claim.ours(
        "survival/relu",
        "P(Z_l > 0) of ReLU at the last l of which 40 digits are known, by iterating G from 0",
        f"{SLIDE}: K^(L)(0) = P(Z_L = 0)",
        resolution=ITERATE,
    ) as finding:
        alive = _survival(run, "relu")
        depth = max(set(RELU_COMPLEMENTS) & set(alive), default=0)
        needs(depth, f"no generation of {list(RELU_COMPLEMENTS)} was kept")
        finding.expects(RELU_COMPLEMENTS[depth])
        rounded = rounding(8 * depth * EPS * RELU_COMPLEMENTS[depth], "eight roundings in each generation")
        finding.gives(alive[depth], rounded, remark=f"at l = {depth}; expected is an orbit of 40 digits")


def _asymptote(claim: Judging, run: Run) -> None:
    """How fast critical ReLU dies out."""
    with claim.printed(
        "survival-law/relu",
        "l^2 P(Z_l > 0) of ReLU at the last l, by iterating G from 0",
        f"{SLIDE}: K^(L)(0) = P(Z_L = 0); 9 pi^2 / 2 by Hayou, Doucet, Rousseau 2019, proposition 1",
        expected=RELU_RATE,
        resolution=POWER,
    ) as finding:
        alive = _survival(run, "relu")
        last = max(alive)
        next_term = rounding(
            RELU_RATE * 2 * (3 * math.log(last) + 8.8) / last, "twice the next term, which is (3 log l + 8.8) / l"
        )
        finding.gives(last**2 * alive[last], next_term, remark=f"at l = {last}")


# --- all comparisons of a kind at once --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """A mean that is `off` what is expected of it, where, and half its interval at a level."""

    where: str
    off: float
    half: Callable[[float], float]


def _simulation(claim: Judging, run: Run) -> None:
    """Whatever was simulated, beside the theory: each kind of mean, all laws at once."""
    normal = f"normal interval by the exact variance, for a skewness of up to {SKEWNESS:g}"
    bernstein = "Bernstein interval by the exact variance"
    for header, name, what, source, resolution, compared, interval in (
        (claim.ours, "offspring", "shares of individuals with k children, and with at least k",
         f"{SLIDE}: P(Y = k) = a_k^2", DIGIT, _families, "binomial interval"),
        (claim.printed, "survival", "shares of processes alive at l",
         f"{SLIDE}: K^(L)(0) = P(Z_L = 0)", CURVE, _alive, "binomial interval"),
        (claim.printed, "mean", "means of Z_l over mu^l, of laws of finite variance",
         f"{SLIDE}: E Z_l = mu^l", GROWTH, _sizes, normal),
        (claim.printed, "laplace", "means of exp(-t Z_L / mu^L), beside G o ... o G (exp(-t / mu^L)) of as many layers",
         LIMIT, CURVE, _transforms, bernstein),
        (claim.printed, "limit", "means of exp(-t Z_L / mu^L) at the largest L, of finite variance, beside E exp(-t W)",
         LIMIT, CURVE, _limits, f"{bernstein}, with t^2 Var(W) / (2 mu^L) for the rest"),
    ):  # fmt: skip
        words = f"{what}: the deviation from theory that is furthest outside its interval, or else has the widest"
        with header(f"simulation/{name}", words, source, expected=0.0, resolution=resolution) as finding:
            _worst(finding, run, [comparison for law in run.laws for comparison in compared(run, law)], interval)


def _worst(finding: Finding, run: Run, comparisons: list[Comparison], interval: str) -> None:
    """Differs where one comparison does; known as well as the one that is known least."""
    needs(len(run.data), "nothing is measured yet")
    needs(comparisons, "no law of this kind in this run")
    level = simultaneous(LEVEL, len(comparisons))
    halves = [comparison.half(level) for comparison in comparisons]
    pairs = list(zip(comparisons, halves, strict=True))
    outside = [pair for pair in pairs if not pair[0].off <= pair[1]]  # a NaN is one
    shown, half = max(outside, key=lambda pair: pair[0].off - pair[1]) if outside else max(pairs, key=lambda p: p[1])
    reason = f"{interval}; all {len(pairs)} hold together with 99.9 % (Bonferroni)"
    finding.gives(shown.off, Tolerance(half, reason), remark=shown.where)


def _families(run: Run, law: str) -> list[Comparison]:
    return [*_shares(run, law, "exactly"), *_shares(run, law, "at least")]


def _alive(run: Run, law: str) -> list[Comparison]:
    return list(_shares(run, law, "alive"))


def _shares(run: Run, law: str, quantity: str) -> Iterator[Comparison]:
    for row in run.means(law, quantity):
        p = min(1.0, row.value)
        if p > 0:  # else impossible, or too rare to be known
            at = f"l = {row.generation:g}" if quantity == "alive" else f"k = {row.at:g}"
            yield Comparison(f"{law} at {at}", abs(row.mean - p), _binomial_half(p, row.count))


def _binomial_half(p: float, count: int) -> Callable[[float], float]:
    return lambda level: binomial_half_width(p, count, level=level) + ROUNDED


def _sizes(run: Run, law: str) -> Iterator[Comparison]:
    """At the first generation, and at the last that enough processes are alive in; no interval where none is."""
    mu, variance = run.constant(law, "mu"), run.constant(law, "variance")
    if not 0 < variance < math.inf:
        return
    alive = {generation: value for (generation, _), value in run.predicted(law, "alive").items()}
    rows = [row for row in run.means(law, "size") if row.generation > 0]
    enough = [row for row in rows if row.count * alive.get(row.generation, 0.0) >= ALIVE]
    judged = enough or rows[:1]
    for row in {row.generation: row for row in [*judged[:1], *judged[-1:]]}.values():
        # variance of Z_l / mu^l: sigma^2 (mu^-2 + ... + mu^-(l + 1))
        relative = variance * math.fsum(mu ** -(1 + j) for j in range(1, int(row.generation) + 1))
        half = _skewed_half(math.sqrt(relative / row.count)) if enough else lambda _: math.inf
        yield Comparison(f"{law} at l = {row.generation:g}", abs(row.mean - 1), half)


def _skewed_half(deviation: float) -> Callable[[float], float]:
    def half(level: float) -> float:
        z = float(ndtri((1 + level) / 2))
        return (z + (z * z - 1) * SKEWNESS / 6) * deviation

    return half


def _transforms(run: Run, law: str) -> Iterator[Comparison]:
    predicted = run.predicted(law, "laplace")
    for row in run.means(law, "laplace"):
        half = _bernstein_half(row, predicted)
        yield Comparison(f"{law} at L = {row.generation:g}, t = {row.at:g}", abs(row.mean - row.value), half)


def _limits(run: Run, law: str) -> Iterator[Comparison]:
    """Where W_L = Z_L / mu^L is near enough to W: 0 <= E exp(-t W) - E exp(-t W_L) <= t^2 E (W - W_L)^2 / 2."""
    rows, predicted = run.means(law, "laplace"), run.predicted(law, "laplace")
    limit = {t: value for (_, t), value in run.predicted(law, "limit").items()}
    for row in rows:
        rest = row.at**2 / 2 * run.limit_variance(law) / run.constant(law, "mu") ** row.generation
        if row.generation == rows[-1].generation and rest <= CURVE.width / 2 and row.at in limit:
            half = _bernstein_half(row, predicted, rest)
            yield Comparison(f"{law} at t = {row.at:g}", abs(row.mean - limit[row.at]), half)


def _bernstein_half(
    row: Mean, laplace: dict[tuple[float, float], float], rest: float = 0.0
) -> Callable[[float], float]:
    """Of a mean of numbers in [0, 1], whose variance is the transform at 2 t less the square of that at t."""
    variance = max(0.0, laplace.get((row.generation, 2 * row.at), row.value) - row.value**2)
    deviation, largest, count = np.sqrt(variance), np.array(1.0), np.array(row.count)
    return lambda level: float(bernstein_half_width(deviation, largest, count, outside=1 - level)) + rest
