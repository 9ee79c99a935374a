"""The claims of `memorization`: bounds, predictions and identities for the depth that tells all inputs apart."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deepk.lab import (
    Claim,
    Finding,
    Judging,
    Resolution,
    absolute,
    exact,
    needs,
    only,
    present,
    rounding,
    share,
    values,
    where,
)
from experiments.memorization import Config
from experiments.memorization.run import Run, opened
from experiments.published.compositional_kernels import PAPER

SLIDES = f"{PAPER}, slides: memorization capacity"
LATER = f"{PAPER}, later version: theorems 4.3 and 4.6"
CIRCULANT = "equally spaced points have a circulant matrix"

SMALL, LARGE = 1 / 3, 1.0  # log(n) / d up to which correlation counts as small, and from which as large
CONSTANT = 1e-6  # a_0^2 below which an activation counts as centered already
NO_LINEAR_PART = 1e-20  # a_1^2 that is the square of a rounding
# Minimal depths of this project's first draws, a single matrix each, kappa = 1/2: (n, d) -> activation -> L.
EARLIER = {
    (200, 200): {"relu": 6, "gelu": 6, "swish": 8, "sigmoid": 112},
    (500, 100): {"relu": 10, "gelu": 10, "swish": 14, "sigmoid": 183},
}
COUNTS = absolute(0.5, "layers are counted")
GROWTH = share(0.25, "half the gap to 1 / log(mu): the later bounds leave open whether log(n) counts over d - 1 or d")
DRAWS = "98 % of all draws by Tracy and Widom's law, and by the cubic part of the kernel"


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """For each activation: random points, packings, the circle, eigenvalues against depth, and centering."""
    claim, run = Judging(), opened(theory, data, cfg)
    for activation in cfg.activations:
        for part in (_random_points, _packings, _circle, _inwards, _un_centered):
            part(claim, run, activation)
    return claim.claims


def _small(run: Run, activation: str) -> pd.DataFrame:
    """Uniform points of small correlation, and how far off the prediction 98 % of their depths are, as `allowed`.

    The prediction counts as within that range, since a wrong one may not widen it.
    """
    cases = run.cases("uniform", activation)
    predicted = cases["marchenko_pastur"].clip(cases["shortest"], cases["longest"])
    cases = cases.assign(allowed=np.maximum(cases["longest"] - predicted, predicted - cases["shortest"]))
    cases = cases[cases["crowding"] <= SMALL]
    needs(len(cases), f"no uniform points with log(n)/d <= {SMALL:.2g}")
    return cases


def _large(run: Run, activation: str) -> pd.DataFrame:
    """Packings of large correlation."""
    cases = pd.concat([run.cases(packing, activation) for packing in ("circle", "sphere")], ignore_index=True)
    cases = cases[cases["crowding"] >= LARGE]
    needs(len(cases), f"no packing with log(n)/d >= {LARGE:g}")
    return cases


def _random_points(claim: Judging, run: Run, activation: str) -> None:
    _within_bounds(claim, run, activation, "small")
    _slides_small(claim, run, activation)
    known = run.constants(activation)
    doubling = absolute(
        math.log(2) / 2 / -math.log(known["a_1_squared"]),
        "half of what twice as many points add to the slides' depth: log(2) / log a_1^-2",
    )
    for n in sorted({*run.cfg.sizes, run.cfg.size}):
        with claim.ours(
            f"marchenko-pastur/{activation}/{n}",
            f"median minimal depth of {activation} for {n} uniform points, the furthest from the prediction "
            "ceil(log((2 sqrt g + g) / kappa) / log a_1^-2), g = n/d",
            "the largest eigenvalue by the law of Marchenko and Pastur, which the linear part of the kernel alone has",
            resolution=doubling,
        ) as finding:
            cases = _small(run, activation)
            cases = cases[cases["n"] == n]
            needs(len(cases), f"no {n} uniform points with log(n)/d <= {SMALL:.2g}")
            _furthest(finding, cases.assign(expected=cases["marchenko_pastur"]), doubling)
    _earlier(claim, run, activation, doubling)


def _within_bounds(claim: Judging, run: Run, activation: str, regime: str) -> None:
    """All draws lie within the later bounds: uniform points of small correlation, or packings of large correlation."""
    known = run.constants(activation)
    assumed = "is odd or even up to a constant, as the theorem assumes"
    if known["parity"] == 0:
        assumed = "is not odd or even up to a constant, which the theorem assumes"
    with claim.printed(
        f"bounds/{regime}/{activation}",
        f"{regime} correlation, {activation}: the layers by which the minimal depths lie within the later lower and "
        "upper bound, the least of all draws",
        LATER,
        ">=",
        0.0,
    ) as finding:
        cases = _small(run, activation) if regime == "small" else _large(run, activation)
        needs(math.isfinite(known["mu"]), f"mu of {activation} is infinite: there are no bounds")
        needs(known["a_1_squared"] > NO_LINEAR_PART, f"a_1 of {activation} is zero: there are no bounds")
        inside = pd.concat([cases["least"] - cases["later_low"], cases["later_high"] - cases["most"]])
        promise = "the points on the sphere in R^3 are only close to a maximal packing"
        if regime == "small":
            promised = np.clip(1 - 4 / np.sqrt(cases["n"].to_numpy(dtype=np.float64)), 0, 1).mean()
            promise = f"promised for {promised:.0%} of the draws"
        why = exact("depths are integers, of the points that were drawn")
        finding.gives(inside.to_numpy().min(), why, remark=f"{len(cases)} cases; {activation} {assumed}; {promise}")


def _slides_small(claim: Judging, run: Run, activation: str) -> None:
    cfg = run.cfg
    with claim.printed(
        f"slides/small/{activation}",
        f"the growth of the minimal depth with n at d = {cfg.dimension}, {activation}, over that of the slides' "
        "[log(n/kappa) + log(log(n)/d)] / log a_1^-2, at most 1 and the layer that rounding up adds",
        SLIDES,
        "<=",
    ) as finding:
        cases = _small(run, activation)
        grown = where(cases, d=cfg.dimension, kappa=cfg.kappa, n=cfg.sizes).sort_values("n")
        needs(len(grown) > 1, f"fewer than two sizes with d = {cfg.dimension} and log(n)/d <= {SMALL:.2g}")
        first, last = grown.iloc[0], grown.iloc[-1]
        growth = float(last["slides"] - first["slides"])
        finding.expects(1 + 1 / growth)
        ratio = (cases["depth"] / cases["slides"])[cases["slides"] > 0]
        finding.gives(
            float(last["depth"] - first["depth"]) / growth,
            rounding(float(first["allowed"] + last["allowed"]) / growth, f"both depths: {DRAWS}"),
            remark=f"the slides leave a constant factor open: here it would be {ratio.min():.2f} to {ratio.max():.2f}",
        )


def _earlier(claim: Judging, run: Run, activation: str, resolution: Resolution) -> None:
    with claim.ours(
        f"earlier-draw/{activation}",
        f"median minimal depth of {activation} for uniform points, the furthest from that of an earlier, single draw",
        "this project's first draws",
        resolution=resolution,
    ) as finding:
        cases = _small(run, activation)
        known = {case: depths[activation] for case, depths in EARLIER.items() if activation in depths}
        at = [known.get((int(n), int(d)), math.nan) for n, d in zip(cases["n"], cases["d"], strict=True)]
        cases = cases.assign(expected=np.array(at, dtype=np.float64), allowed=cases["longest"] - cases["shortest"])
        cases = cases[cases["expected"].notna() & (cases["kappa"] == 0.5)]
        needs(len(cases), f"no points for {activation} with kappa = 0.5 and (n, d) among {list(EARLIER)}")
        _furthest(finding, cases, resolution)


def _furthest(finding: Finding, cases: pd.DataFrame, resolution: Resolution) -> None:
    """The case that differs most, or else is known least, of those in which the linear part of the kernel decides."""
    cases = cases[cases["outlier"] < 1]
    needs(len(cases), "no points at which the quadratic part leaves the largest eigenvalue alone")
    off = (cases["depth"] - cases["expected"]).abs()
    over = (off - cases["allowed"]).fillna(math.inf).clip(lower=0)
    worst = cases.iloc[int(np.lexsort((off, cases["allowed"], over))[-1])]
    finding.expects(worst["expected"])
    finding.gives(
        worst["depth"],
        rounding(float(worst["allowed"]), DRAWS),
        remark=f"n = {worst['n']:g}, d = {worst['d']:g}, kappa = {worst['kappa']:g}, of {len(cases)} cases, "
        f"{int((off <= resolution.width).sum())} of them within the resolution",
    )


def _packings(claim: Judging, run: Run, activation: str) -> None:
    _within_bounds(claim, run, activation, "large")
    with claim.printed(
        f"slides/large/{activation}",
        f"the largest ratio of the minimal depth of {activation} on packings with log(n)/d >= {LARGE:g} to the slides' "
        "exp(2 log(n)/d) log(n/kappa) / (mu - 1)",
        SLIDES,
        "<=",
        1.0,
    ) as finding:
        cases = _large(run, activation)
        needs(math.isfinite(run.constants(activation)["mu"]), f"mu of {activation} is infinite")
        ratio = cases["depth"] / cases["slides"]
        at = cases.assign(ratio=ratio)[cases["d"] == 2].sort_values("n")[["n", "ratio"]].to_numpy(dtype=np.float64)
        remark = "the slides leave a constant factor open, and with 1 it is a sufficient depth"
        if len(at) > 1:
            remark += f"; on the circle the ratio falls from {at[0, 1]:.2g} at n = {at[0, 0]:g} to {at[-1, 1]:.2g} at "
            remark += f"n = {at[-1, 0]:g}: enough layers, and far more than it takes; later bounds replace it"
        finding.gives(ratio.to_numpy().max(), exact("depths are integers"), remark=remark)


def _circle(claim: Judging, run: Run, activation: str) -> None:
    """Fourier sums give the depths and eigenvalues of the circle, and how its depth grows."""
    cfg, data, theory = run.cfg, run.data, run.theory
    with claim.ours(
        f"circle/{activation}",
        f"minimal depth of {activation} by eigenvalues of the matrix, less that by Fourier sums over single layers: "
        "the largest distance in layers",
        CIRCULANT,
        expected=0.0,
        resolution=COUNTS,
    ) as finding:
        cases = run.cases("circle", activation)
        cases = cases[cases["fourier"].notna()]
        needs(len(cases), "no depth on the circle that single layers reach")
        off = (cases["depth"] - cases["fourier"]).abs().to_numpy().max()
        finding.gives(off, exact("both are integers"), remark=f"{len(cases)} sizes")
    _growth(claim, run, activation)
    with claim.ours(
        f"circulant/{activation}",
        f"eigenvalues of {activation} on the circle less the Fourier coefficients of K^(L), at all depths and "
        "quantiles: the largest distance",
        CIRCULANT,
        expected=0.0,
        resolution=absolute(0.01 * cfg.kappa, "a hundredth of kappa, by which eigenvalues are told from 1"),
    ) as finding:
        distance = run.curve(data, "circle", activation) - run.curve(theory, "circle", activation)
        off_by = only(theory, arrangement="circle", activation=activation, quantity="rounding")
        why = "n times: the error bound of the tabulated kernel, the rounding of rho near 1 and of single layers"
        finding.gives(distance.abs().to_numpy().max(), rounding(off_by, why))


def _growth(claim: Judging, run: Run, activation: str) -> None:
    """2 / log(mu), which holds where the nearest points count most: K ~ u^-s, and s as below, summed over j^2."""
    known, sizes = run.constants(activation), sorted(run.cfg.circle_limit)
    first, last = sizes[0], sizes[-1]
    contraction, expansion = -math.log(known["a_1_squared"]), math.log(known["mu"])
    power = 2 * contraction / expansion
    with claim.ours(
        f"growth/{activation}",
        f"growth of the minimal depth of {activation} on the circle with log(n), n = {first} to {last}, by "
        "Fourier sums: 2 / log(mu), not a power of n as in the slides' exp(2 log(n)/d)",
        "the two nearest of n equally spaced points are at an angle of 2 pi / n, which each layer expands by sqrt(mu)",
        expected=2 / expansion,
        resolution=GROWTH,
    ) as finding:
        present(run.data, arrangement="circle", activation=activation)
        needs(first < last, f"circle_limit={sizes}: one size alone")
        needs(math.isfinite(known["mu"]), f"mu of {activation} is infinite")
        needs(power > 1, f"far points count as much as near ones: log(a_1^-4) / log(mu) = {power:.2f} <= 1")
        at = {"arrangement": "circle", "activation": activation, "quantity": "fourier"}
        shallow, deep = (only(run.theory, **at, n=n) for n in (first, last))
        needs(math.isfinite(deep), f"n = {last} takes too many layers to take one by one")
        apart, far = math.log(last / first), first ** (1 - power) / contraction
        why = "one layer, since depths are rounded up, and far points' share n^(1 - 2s), s = log(a_1^-2) / log(mu)"
        finding.gives((deep - shallow) / apart, rounding((1 + far) / apart, why))


def _inwards(claim: Judging, run: Run, activation: str) -> None:
    """Eigenvalues only move inwards with depth, but for roundings."""
    for arrangement in ("uniform", "circle"):
        at = {"arrangement": arrangement, "activation": activation}
        with claim.ours(
            f"inwards/{arrangement}/{activation}",
            f"smallest and largest eigenvalue of {activation} move inwards with depth, {arrangement} points: the "
            "largest step outwards, at most n times the error bound of the tabulated kernel, and roundings",
            "Schur's product theorem",
            "<=",
        ) as finding:
            steps = np.diff(run.curve(run.data, arrangement, activation)[[0.0, 1.0]].to_numpy(), axis=0)
            needs(len(steps), "eigenvalues at one depth alone")
            finding.expects(only(run.theory, **at, quantity="rounding"))
            finding.gives((steps * [-1, 1]).max(), exact("roundings are in the bound"))


def _un_centered(claim: Judging, run: Run, activation: str) -> None:
    with claim.ours(
        f"un-centered/{activation}",
        f"without centering {activation} does not memorize: the smallest of its largest eigenvalues at the depths at "
        "which it does with centering is above 1 + kappa",
        f"{SLIDES}, which assume centered activations: K(0) > 0 otherwise",
        ">=",
        1 + run.cfg.kappa,
    ) as finding:
        largest = values(run.data, activation=activation, quantity="un-centered")
        centered = run.constants(activation)["a_0_squared"] < CONSTANT
        needs(not centered, f"{activation} is centered already")
        finding.gives(largest.min(), exact(f"roundings are far below the distance, of {len(largest)} matrices"))
