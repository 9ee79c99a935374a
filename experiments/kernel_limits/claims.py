"""What `kernel-limits` claims: processes and networks have the kernel's mean, and the limits are what they are."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deepk.lab import Claim, Judging, Resolution, absolute, exact, needs, rounding, share, where
from experiments.kernel_limits import POWERS_OF_TWO, Config
from experiments.kernel_limits.points import NAMES, TICKS, WORST, Run
from experiments.published.compositional_kernels import COLUMNS, PAPER, PRINTED_DIGIT

SLIDES = f"{PAPER}, slides"
THEOREM = f"{SLIDES}, Rescaled Limit: Phase Transition"
IDENTITY = f"{SLIDES}, Branching Process and Compositional Kernels"
ENDS = f"{SLIDES}, Kernel Limits"

SUPERCRITICAL = [(name, "centered") for name in NAMES] + [("gelu", "uncentered"), ("swish", "uncentered")]  # mu > 1
SLOW = {"activation": POWERS_OF_TWO, "centering": "uncentered"}
ROUNDED = 1e-9  # of the tables of kernel and limit; their own error bounds are below 1e-10
# (1 - K^(L)(1/e))^(-1/2) of ReLU is (sqrt 2 / 3 pi) (L + 1.5 log L + c + ...): c = 4.4 from rho = 0 (edge of chaos:
# 1 - K ~ (9 pi^2 / 2 L^2) (1 - (3 log L + 8.8) / L)), and at most two layers more from 1/e, which K^(2)(0) is above.
RELU_C = 4.4 + 2


def read(distance: float = 1.0) -> Resolution:
    """How finely a curve can be read off a figure with ticks at this distance."""
    return absolute(0.1 * distance, "a tenth of the distance of the figure's ticks, to which its curves can be read")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """The identity by processes and networks first, then what the paper prints, then its limits."""
    claim, run = Judging(), Run(theory, data, cfg)
    limits = (_near_limit, _not_yet, _unconditional, _kesten_stigum, _power, _extinction, _subcritical)
    for part in (_identity, _ends, *limits):
        part(claim, run)
    return claim.claims


def _identity(claim: Judging, run: Run) -> None:
    """E rho^Z and mean correlations in networks are the kernel, at all points of a case at once."""
    for case in run.cases:
        activation, centering = case.values()
        with claim.printed(
            f"branching/{activation}/{centering}",
            f"simulated E rho^Z_L of {centering} {activation} is K^(L)(rho), unscaled and rescaled: {WORST}",
            IDENTITY,
            expected=0.0,
            resolution=read(),
        ) as finding:
            run.processes(**case).give_worst(finding)
        with claim.printed(
            f"networks/{activation}/{centering}",
            f"the mean correlation in random networks of {centering} {activation} is K^(L)(rho): {WORST}",
            f"{SLIDES}, Duality: Activation and Kernel",
            expected=0.0,
            resolution=read(),
        ) as finding:
            needs(activation in NAMES, f"{activation}: what finite width changes is known of {', '.join(NAMES)} alone")
            run.networks(**case).give_worst(finding)


def _centered_relu(rho: float) -> float:
    """G = (sqrt(1 - rho^2) + rho (pi - arccos rho) - 1) / (pi - 1)."""
    return (math.sqrt((1 - rho) * (1 + rho)) + rho * (math.pi - math.acos(rho)) - 1) / (math.pi - 1)


def _ends(claim: Judging, run: Run) -> None:
    """The lowest points of the slides' two figures, both of L = 1."""
    end = {"activation": "relu", "centering": "centered", "depth": 1}
    with claim.printed(
        "end/unscaled/relu",
        "the lowest point of the unscaled curves of centered ReLU, K^(1)(-1), in networks; published is read off the "
        "slide",
        ENDS,
        expected=_centered_relu(-1.0),
        published=-0.47,
        precision=0.1 * TICKS["unscaled"],
        resolution=read(TICKS["unscaled"]),
    ) as finding:
        run.networks(**end, kind="unscaled", x=-1.0).gives(finding)
    mu, printed_mu = math.pi / (math.pi - 1), COLUMNS["relu", True].mu
    drawn = _centered_relu(math.exp(-1 / printed_mu))
    with claim.printed(
        "end/rescaled/relu",
        "the lowest point of the rescaled curves of centered ReLU, K^(1)(exp(-1/mu)), in branching; published is read "
        "off the slide",
        ENDS,
        expected=_centered_relu(math.exp(-1 / mu)),
        published=0.43,
        precision=0.1 * TICKS["rescaled"],
        resolution=read(TICKS["rescaled"]),
        explanation=f"mu is exactly {mu:.4f}; with the paper's {printed_mu} the point is at {drawn:.4f}",
    ) as finding:
        run.processes(**end, kind="rescaled", x=1.0).gives(finding)


def _near_limit(claim: Judging, run: Run) -> None:
    """The deepest curve is as near its limit as its depth allows."""
    bounded = where(run.theory, kind="bound").groupby(["activation", "centering"])["depth"].max().to_dict()
    for case in run.cases:
        activation, centering = case.values()
        if (activation, centering) not in {*SUPERCRITICAL, *bounded}:
            continue  # no limit next to 1 but 1 itself
        depth = int(bounded.get((activation, centering), max(run.cfg.depths)))
        with claim.printed(
            f"near-limit/{activation}/{centering}",
            f"K^(L)(exp(-t/mu^L)) of {centering} {activation} tends to E exp(-t W): largest distance of L = {depth} "
            "over t in [0, 1]",
            f"{THEOREM}; {PAPER}, figures 3 to 6",
            expected=0.0,
            resolution=read(TICKS["rescaled"]),
        ) as finding:
            left = rounding(
                float(run.curve("bound", depth=depth, **case).max()),
                "what is left at this depth: mu^L (phi(s) - exp(-s)), s = t/mu^L, phi(t) = E exp(-t W), since "
                "phi(t) = K^(L)(phi(s)) and the slope of K^(L) is at most mu^L",
            )
            lost = ROUNDED + float(np.finfo(np.float64).eps) * run.number("mu", **case) ** depth
            finding.gives(run.distance(depth, **case), left + rounding(lost, "rounding, which mu^L magnifies"))


def _not_yet(claim: Judging, run: Run) -> None:
    """What the paper's figure cannot show."""
    for activation in ("gelu", "swish"):
        with claim.ours(
            f"not-yet/{activation}/uncentered",
            f"the paper's deepest curve, L = 7, shows no limit yet for un-centered {activation}: its largest distance "
            "from it over t in [0, 1] is that of the figure's ticks, or more",
            f"{PAPER}, figure 5, beside the limit that it does not draw",
            ">=",
            TICKS["rescaled"],
            explanation="mu is close to 1, so that mu^7 is below 2: hence our curve of a greater depth",
        ) as finding:
            distance = run.distance(max(run.cfg.depths), activation=activation, centering="uncentered")
            needs(max(run.cfg.depths) == 7, f"depths={run.cfg.depths}, of which the paper's deepest is 7")
            finding.gives(distance, exact("both curves are computed to nine digits"))


def _unconditional(claim: Judging, run: Run) -> None:
    """The printed formula of the limit counts extinction twice."""
    depth = run.cfg.deep
    for activation in ("gelu", "swish"):
        case = {"activation": activation, "centering": "uncentered"}
        printed, limit = (where(run.theory, kind=kind, x=1.0, **case)["value"].max() for kind in ("printed", "limit"))
        with claim.printed(
            f"survival/{activation}/uncentered",
            f"the limit of K^(L)(exp(-t/mu^L)) for un-centered {activation} at t = 1, as E exp(-Z_L/mu^L) at "
            f"L = {depth}; published is the printed xi + (1 - xi) E exp(-W) with W = lim Z_L/mu^L",
            THEOREM,
            expected=limit,
            published=printed,
            resolution=absolute(abs(printed - limit) / 2, "half of what the printed formula is off"),
            explanation="the limit is E exp(-t W) itself; the printed formula is the same if its W is conditioned on "
            "survival, and counts extinction twice if it is not",
        ) as finding:
            point = run.processes(**case, kind="rescaled", depth=depth, x=1.0)
            bound = run.curve("bound", depth=depth, **case)[1.0]
            point.gives(finding, rounding(bound, f"what theory leaves at L = {depth}"))


def _kesten_stigum(claim: Judging, run: Run) -> None:
    """E Y log Y infinite at a finite mean: simulation, and the limit."""
    last = run.cfg.kesten_stigum_depth
    with claim.printed(
        "kesten-stigum/branching",
        f"simulated E exp(-Z_L/mu^L) of P(Y = 2^j) = 2^-j j^-2 / S is K^(L)(exp(-1/mu^L)): {WORST}",
        IDENTITY,
        expected=0.0,
        resolution=read(),
    ) as finding:
        run.processes(**SLOW).give_worst(finding)
    with claim.printed(
        "kesten-stigum/limit",
        f"the limit of K^(L)(exp(-t/mu^L)) for mu_star infinite, at t = 1 and L = {last}",
        THEOREM,
        expected=1.0,
        published=0.0,
        resolution=absolute(0.5, "half of what the printed limit is off"),
        explanation="with a finite mean and an infinite E Y log Y, Z_L / mu^L tends to 0 (Kesten and Stigum), so that "
        "E exp(-t Z_L/mu^L) tends to 1",
    ) as finding:
        below, leading, gamma = _slow(run)
        # The terms left out of the leading order shift x = log(1/(1-K)) where it stands under 1/x by about one.
        left = leading[last] * (1 - gamma / math.log(leading[last]))
        why = f"the leading order of 1 - K at L = {last}, and gamma / log(1/(1 - K)) of it for the terms left out"
        finding.gives(1 - below[last], rounding(left, why))


def _power(claim: Judging, run: Run) -> None:
    """How slowly that limit is approached."""
    last = run.cfg.kesten_stigum_depth
    first = last // 10
    with claim.ours(
        "kesten-stigum/exponent",
        "1 - K^(L)(exp(-1/mu^L)) falls like L^-gamma, gamma = 1/(S mu log2 mu): its power between "
        f"L = {first} and {last}, expected that of the leading order there",
        "this project: Kesten and Stigum's theorem says that the limit is 1, not how it is approached",
        resolution=share(0.15, "half of what gamma is off with a natural logarithm in place of log2"),
    ) as finding:
        below, leading, gamma = _slow(run)
        power, expected = (math.log(line[first] / line[last]) / math.log(last / first) for line in (below, leading))
        finding.expects(expected)
        next_order = gamma * (gamma / math.log(leading[first])) ** 2
        why = f"the next order of the expansion in gamma / log(1/(1 - K)), at L = {first}"
        finding.gives(power, rounding(next_order, why), remark=f"gamma = {gamma:.4f}")


def _slow(run: Run) -> tuple[pd.Series[float], pd.Series[float], float]:
    """1 - K of the powers of two by depth, its leading order, and gamma."""
    return run.layers("kesten-stigum", **SLOW), run.layers("leading", **SLOW), run.number("exponent", **SLOW)


def _extinction(claim: Judging, run: Run) -> None:
    """How 1 - K^(L)(1/e) vanishes where mu = 1."""
    deep, half = run.cfg.deep, run.cfg.deep // 2
    with claim.printed(
        "extinction/relu",
        "1 - K^(L)(1/e) ~ 9 pi^2 / (2 L^2) for un-centered ReLU, mu = 1: growth of 3 pi / sqrt(2 (1 - K)) per layer "
        f"between L = {half} and {deep}, less its term 1.5 log L",
        f"{THEOREM}, mu <= 1; the rate is that of ReLU on the edge of chaos",
        expected=1.0,
        resolution=absolute(0.05, "an exponent of L that is off by 0.02 changes the growth by as much at L = 200"),
    ) as finding:
        below = run.layers("extinction", activation="relu", centering="uncentered")
        short, long = 3 * math.pi / np.sqrt(2 * below[[half, deep]])
        left = 2 * 1.5 * (1.5 * math.log(half) + RELU_C) / (deep * half)
        grown = (long - short - 1.5 * math.log(deep / half)) / (deep - half)
        finding.gives(grown, rounding(left, "twice the next term's part, 1.5 (1.5 log L + c) / L^2 with c <= 6.4"))


def _subcritical(claim: Judging, run: Run) -> None:
    """How 1 - K^(L)(1/e) vanishes where mu < 1."""
    first, last = [0, *sorted(run.cfg.depths)][-2:]
    sigmoid = {"activation": "sigmoid", "centering": "uncentered"}
    with claim.printed(
        "extinction/sigmoid",
        f"1 - K^(L)(1/e) ~ mu^L for un-centered sigmoid: its factor per layer between L = {first} and {last}",
        f"{THEOREM}, mu <= 1",
        resolution=absolute(PRINTED_DIGIT, "half a unit of the last digit of the table's mu, 0.15"),
    ) as finding:
        below, mu = run.layers("extinction", **sigmoid), run.number("mu", **sigmoid)
        needs(first and 1 in run.cfg.depths, f"depths={run.cfg.depths}, not 1 and another one")
        finding.expects(mu)
        # G's own curve at the point next to 1 that is still no nearer than the orbit is at the first of the two.
        curve = run.curve("unscaled", depth=1, **sigmoid)
        rho = curve.index[curve.index <= 1 - mu**first * -math.expm1(-1)].max()
        chord = rounding(
            mu - (1 - curve[rho]) / (1 - rho),
            "G is convex: the factor is between mu = G'(1) and the slope of its chord to 1 from an earlier point",
        )
        finding.gives((below[last] / below[first]) ** (1 / (last - first)), chord)
