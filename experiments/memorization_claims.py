"""The claims of `memorization`: bounds, predictions and identities for the depth that tells all inputs apart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from deepk.lab.claims import Claim
from experiments.published.compositional_kernels import PAPER

if TYPE_CHECKING:
    from experiments.schema import Memorization

SLIDES = f"{PAPER}, slides: memorization capacity"
LATER = "Liang, Tran-Bach, arXiv:2004.04767, later version: theorems 4.3 and 4.6"
OURS = "this project, for the theorem of arXiv:2004.04767 on memorization"

SMALL, LARGE = 1 / 3, 1.0  # log(n) / d up to which correlation counts as small, and from which as large
FEWEST = 3  # draws: their median leaves a range that holds 98 % of all draws once in three thousand times
WIDEST = 1 / 3  # of the predicted depth: a scatter wider than that decides nothing
# Of theory.csv, for each n, d and kappa: bounds, and predictions for uniform points and the circle.
QUANTITIES = (
    *("later_low", "later_high", "slides"),
    *("marchenko_pastur", "shortest", "longest", "scatter", "outlier"),
    "fourier",
)
CONSTANT = 1e-6  # a_0^2 below which an activation counts as centered already
# Minimal depths of this project's first draws, a single matrix each, kappa = 1/2: (n, d) -> activation -> L.
EARLIER = {
    (200, 200): {"relu": 6, "gelu": 6, "swish": 8, "sigmoid": 112},
    (500, 100): {"relu": 10, "gelu": 10, "swish": 14, "sigmoid": 183},
}


@dataclass(frozen=True)
class Run:
    """The tables of a run, by activation."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Memorization

    def constants(self, activation: str) -> pd.Series[float]:
        """mu, a_1_squared, a_0_squared and parity."""
        rows = self.theory[(self.theory["arrangement"] == "any") & (self.theory["activation"] == activation)]
        return rows.set_index("quantity")["value"]

    def known(self, arrangement: str, activation: str) -> pd.DataFrame:
        """Bounds and predictions, a row for each n, d and kappa."""
        rows = (self.theory["arrangement"] == arrangement) & (self.theory["activation"] == activation)
        of_cases = self.theory[rows & self.theory["kappa"].notna()]
        table = of_cases.pivot_table(index=["n", "d", "kappa"], columns="quantity", values="value")
        return table.reindex(columns=list(QUANTITIES)).reset_index()  # those that are not finite anywhere, too

    def cases(self, arrangement: str, activation: str) -> pd.DataFrame:
        """A row for each that was measured, with its median `depth` and range, and log(n)/d as `crowding`."""
        measured = self.rows(self.data, arrangement, activation, "minimal depth")
        key = ["n", "d", "kappa"]
        depth = measured.groupby(key)["value"].agg(depth="median", draws="size", least="min", most="max").reset_index()
        table = self.known(arrangement, activation).merge(depth.astype(float), on=key)
        return table.assign(crowding=np.log(table["n"].astype(float)) / table["d"].astype(float))

    def curve(self, table: pd.DataFrame, arrangement: str, activation: str) -> pd.DataFrame:
        """Eigenvalues, layers by levels."""
        rows = self.rows(table, arrangement, activation, "eigenvalue")
        return rows.pivot_table(index="depth", columns="level", values="value").sort_index()

    def rounding(self, arrangement: str, activation: str) -> float:
        """By how much an eigenvalue may be off."""
        return float(self.rows(self.theory, arrangement, activation, "rounding")["value"].iloc[0])

    @staticmethod
    def rows(table: pd.DataFrame, arrangement: str, activation: str, quantity: str) -> pd.DataFrame:
        """Of one quantity."""
        of = (table["arrangement"] == arrangement) & (table["activation"] == activation)
        return table[of & (table["quantity"] == quantity)]


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Memorization) -> list[Claim]:
    """For each activation: random points, the circle and the sphere, eigenvalues against depth, and centering."""
    run = Run(theory, data.astype({"value": float, "depth": float, "level": float, "kappa": float}), cfg)
    return [
        claim
        for activation in cfg.activations
        for family in (_random_points, _packings, _eigenvalues)
        for claim in family(run, activation)
    ]


# --- random points ----------------------------------------------------------------------------------------------------


def _random_points(run: Run, activation: str) -> Iterator[Claim]:
    cases = run.cases("uniform", activation)
    small = cases[cases["crowding"] <= SMALL]
    yield _within_bounds(run, activation, "small correlation", small, f"no uniform points with log(n)/d <= {SMALL:.2g}")
    yield _slides_small(run, activation, cases)
    yield _marchenko_pastur(activation, small)
    yield _earlier(activation, small)


def _within_bounds(run: Run, activation: str, regime: str, cases: pd.DataFrame, absent: str) -> Claim:
    inside = (cases["least"] >= cases["later_low"]) & (cases["most"] <= cases["later_high"])
    proved = run.constants(activation)["parity"] != 0
    assumption = (
        f"{activation} is odd or even up to a constant, as the theorem assumes"
        if proved
        else f"proved for odd and even activations, which {activation} is not"
    )
    blocked = "" if len(cases) else absent
    if not math.isfinite(run.constants(activation)["mu"]):
        blocked = f"mu of {activation} is infinite: there are no bounds"
    promise = "bounds for a maximal packing, which the points on the sphere in R^3 are only close to"
    if regime == "small correlation":
        promised = (
            float(np.clip(1 - 4 / np.sqrt(cases["n"].to_numpy(dtype=np.float64)), 0, 1).mean()) if len(cases) else 0.0
        )
        promise = f"the theorem promises {promised:.0%} of the draws, and the bounds are wide enough for all"
    return Claim(
        name=f"bounds/{regime.split()[0]}/{activation}",
        statement=f"{regime}, {activation}: the share of (n, d, kappa) at which all draws have a minimal depth "
        "within the later lower and upper bound",
        source=LATER,
        relation="=",
        expected=1.0,
        measured=None if blocked else float(inside.mean()),
        tolerance=0.0,
        reason=f"none needed: {promise}",
        blocked=blocked,
        explanation=f"{len(cases)} cases; {assumption}",
    )


def _slides_small(run: Run, activation: str, cases: pd.DataFrame) -> Claim:
    grown = cases[(cases["d"] == run.cfg.dimension) & (cases["kappa"] == run.cfg.kappa)].sort_values("n")
    grown = grown[grown["n"].isin(run.cfg.sizes)]
    blocked = "" if len(grown) > 1 else "fewer than two sizes of one dimension"
    measured, tolerance, explanation = math.nan, 0.0, ""
    if not blocked:
        first, last = grown.iloc[0], grown.iloc[-1]
        growth = float(last["slides"] - first["slides"])
        measured, tolerance = float(last["depth"] - first["depth"]) / growth, 1 / growth
        ratio = cases.loc[cases["slides"] > 0, "depth"] / cases.loc[cases["slides"] > 0, "slides"]
        explanation = (
            f"the slides leave a constant factor open: here it would be {ratio.min():.2f} to {ratio.max():.2f}"
        )
    return Claim(
        name=f"slides/small/{activation}",
        statement=f"the growth of the minimal depth with n at d = {run.cfg.dimension}, {activation}, over that of the "
        "slides' [log(n/kappa) + log(log(n)/d)] / log a_1^-2",
        source=SLIDES,
        relation="<=",
        expected=1.0,
        measured=None if blocked else measured,
        tolerance=tolerance,
        reason="one layer: both depths are rounded up",
        blocked=blocked,
        explanation=explanation,
    )


def _marchenko_pastur(activation: str, small: pd.DataFrame) -> Claim:
    cases, blocked = _predictable(small)
    distance = (cases["depth"] - cases["marchenko_pastur"]).abs()
    close = f"within one layer in {int((distance <= 1).sum())} of {len(cases)} cases"
    allowed = np.maximum(cases["longest"] - cases["marchenko_pastur"], cases["marchenko_pastur"] - cases["shortest"])
    return _furthest(
        f"marchenko-pastur/{activation}",
        activation,
        cases.assign(expected=cases["marchenko_pastur"], distance=distance, allowed=allowed),
        "the prediction ceil(log((2 sqrt g + g) / kappa) / log a_1^-2), g = n/d",
        "how the largest eigenvalue scatters by Tracy and Widom, 98 % of all draws, and the cubic part of the kernel",
        blocked,
        close,
    )


def _earlier(activation: str, small: pd.DataFrame) -> Claim:
    known = {case: depths[activation] for case, depths in EARLIER.items() if activation in depths}
    at = [known.get((int(n), int(d)), math.nan) for n, d in zip(small["n"], small["d"], strict=True)]
    repeated = small.assign(expected=np.array(at, dtype=np.float64))
    repeated = repeated[repeated["expected"].notna() & (repeated["kappa"] == 0.5)]
    cases, blocked = _predictable(repeated)
    if repeated.empty:
        blocked = "no case that was drawn before: kappa = 0.5 with (n, d) = (200, 200) or (500, 100)"
    distance = (cases["depth"] - cases["expected"]).abs()
    return _furthest(
        f"earlier-draw/{activation}",
        activation,
        cases.assign(distance=distance, allowed=cases["longest"] - cases["shortest"]),
        "that of an earlier, single draw",
        "the range of 98 % of all draws by Tracy and Widom",
        blocked,
        "",
    )


def _predictable(cases: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The cases in which the linear part of the kernel decides, as far as theory knows; or why there are none."""
    enough = cases["draws"] >= FEWEST
    known = enough & (cases["outlier"] < 1) & (cases["scatter"] <= WIDEST)
    if known.any():
        return cases[known], ""
    reason = f"no case with log(n)/d <= {SMALL:.2g}, {FEWEST} draws, a scatter of at most {WIDEST:.2g} of the depth,"
    return cases[known], f"{reason} and a quadratic part that leaves the largest eigenvalue alone"


def _furthest(
    name: str, activation: str, cases: pd.DataFrame, beside: str, reason: str, blocked: str, explanation: str
) -> Claim:
    """The case that is furthest from what is expected, relative to what is allowed."""
    if blocked:
        worst = pd.Series({"n": math.nan, "d": math.nan, "kappa": math.nan, "expected": 0.0, "allowed": 0.0})
    else:
        worst = cases.assign(over=cases["distance"] - cases["allowed"]).sort_values(["over", "distance"]).iloc[-1]
    return Claim(
        name=name,
        statement=f"median minimal depth of {activation} for uniform points at n = {worst['n']:g}, d = {worst['d']:g}, "
        f"kappa = {worst['kappa']:g}, the furthest of {len(cases)} cases from {beside}",
        source=OURS,
        relation="=",
        expected=float(worst["expected"]),
        measured=None if blocked else float(worst["depth"]),
        tolerance=float(worst["allowed"]),
        reason=f"layers: {reason}",
        blocked=blocked,
        explanation=explanation,
    )


# --- packings ---------------------------------------------------------------------------------------------------------


def _packings(run: Run, activation: str) -> Iterator[Claim]:
    on_circle, on_sphere = (run.cases(arrangement, activation) for arrangement in ("circle", "sphere"))
    cases = pd.concat([on_circle, on_sphere], ignore_index=True)
    large = cases[cases["crowding"] >= LARGE]
    absent = f"no packing with log(n)/d >= {LARGE:g}"
    yield _within_bounds(run, activation, "large correlation", large, absent)
    yield _slides_large(run, activation, large, absent)
    yield _exact(activation, on_circle)
    yield _growth(run, activation, len(on_circle) > 0)


def _slides_large(run: Run, activation: str, large: pd.DataFrame, absent: str) -> Claim:
    blocked, explanation, on_circle = ("" if len(large) else absent), "", large[large["d"] == 2]
    if not math.isfinite(run.constants(activation)["mu"]):
        blocked, on_circle = f"mu of {activation} is infinite", large[:0]
    if len(on_circle) > 1:
        ends = on_circle.sort_values("n").iloc[[0, -1]]
        first, last = ends["depth"] / ends["slides"]
        explanation = f"on the circle the ratio falls from {first:.2g} at n = {ends['n'].iloc[0]:g} to {last:.2g} at "
        explanation += f"n = {ends['n'].iloc[1]:g}: enough layers, and far more than it takes; later bounds replace it"
    return Claim(
        name=f"slides/large/{activation}",
        statement=f"the largest ratio of the minimal depth of {activation} on packings with log(n)/d >= {LARGE:g} to "
        "the slides' exp(2 log(n)/d) log(n/kappa) / (mu - 1)",
        source=SLIDES,
        relation="<=",
        expected=1.0,
        measured=None if blocked else float((large["depth"] / large["slides"]).max()),
        tolerance=0.0,
        reason="none needed: the slides leave a constant factor open, and with 1 it is a sufficient depth",
        blocked=blocked,
        explanation=explanation,
    )


def _exact(activation: str, on_circle: pd.DataFrame) -> Claim:
    known = on_circle[on_circle["fourier"].notna()] if len(on_circle) else on_circle
    blocked = "" if len(known) else "no points on the circle, or too many layers to take one by one"
    return Claim(
        name=f"circle/{activation}",
        statement=f"minimal depth of {activation} by eigenvalues of the matrix, less that by Fourier sums over single "
        f"layers: the largest distance in layers, of {len(known)} sizes",
        source=f"{OURS}: equally spaced points have a circulant matrix",
        relation="=",
        expected=0.0,
        measured=None if blocked else float((known["depth"] - known["fourier"]).abs().max()),
        tolerance=0.0,
        reason="none: both are exact integers, unless an eigenvalue is within rounding of 1 +- kappa",
        blocked=blocked,
    )


def _growth(run: Run, activation: str, measured: bool) -> Claim:
    """2 / log(mu), which holds where the nearest points count most: K ~ u^-s, and s as below, summed over j^2."""
    constants = run.constants(activation)
    contraction, expansion = -math.log(constants["a_1_squared"]), math.log(constants["mu"])
    power = 2 * contraction / expansion
    rows = run.rows(run.theory, "circle", activation, "fourier")
    limit = rows[rows["n"].isin(run.cfg.circle_limit)].sort_values("n")
    blocked = "" if measured else "no points on the circle were measured"
    found, tolerance, depths = math.nan, 0.0, limit["value"].to_numpy(dtype=np.float64)
    if len(limit) < 2 or np.isnan(depths).any():
        blocked = blocked or "circle_limit has fewer than two sizes, or takes too many layers"
    elif power <= 1:
        blocked = blocked or f"far points count as much as near ones: log(a_1^-4) / log(mu) = {power:.2f} <= 1"
    else:
        first, last = float(limit["n"].iloc[0]), float(limit["n"].iloc[-1])
        found = float(depths[-1] - depths[0]) / math.log(last / first)
        tolerance = (1 + first ** (1 - power) / contraction) / math.log(last / first)
    sizes = f"n = {limit['n'].min():g} to {limit['n'].max():g}"
    return Claim(
        name=f"growth/{activation}",
        statement=f"growth of the minimal depth of {activation} on the circle with log(n), {sizes}, by Fourier sums: "
        "2 / log(mu), not a power of n as in the slides' exp(2 log(n)/d)",
        source=OURS,
        relation="=",
        expected=2 / expansion,
        measured=None if blocked else found,
        tolerance=tolerance,
        reason="one layer, since depths are rounded up, and far points' share n^(1 - 2s), s = log(a_1^-2) / log(mu)",
        blocked=blocked,
    )


# --- eigenvalues ------------------------------------------------------------------------------------------------------


def _eigenvalues(run: Run, activation: str) -> Iterator[Claim]:
    for arrangement in ("uniform", "circle"):
        yield _inwards(run, arrangement, activation)
    yield _circulant(run, activation)
    yield _un_centered(run, activation)


def _inwards(run: Run, arrangement: str, activation: str) -> Claim:
    curve = run.curve(run.data, arrangement, activation)
    blocked = "" if len(curve) > 1 else "no eigenvalues at two depths"
    outwards = math.nan
    if not blocked:
        outwards = float(max(curve[1.0].diff().max(), -curve[0.0].diff().min()))
    return Claim(
        name=f"inwards/{arrangement}/{activation}",
        statement=f"smallest and largest eigenvalue of {activation} move inwards with depth, {arrangement} points: "
        "the largest step outwards",
        source=f"{OURS}: Schur's product theorem",
        relation="<=",
        expected=0.0,
        measured=None if blocked else outwards,
        tolerance=0.0 if blocked else run.rounding(arrangement, activation),
        reason="error bound of the tabulated kernel times n, and roundings of the eigenvalues",
        blocked=blocked,
    )


def _circulant(run: Run, activation: str) -> Claim:
    measured, known = (run.curve(table, "circle", activation) for table in (run.data, run.theory))
    distance = (measured - known).abs()
    blocked = "" if distance.notna().any(axis=None) else "no eigenvalues on the circle"
    return Claim(
        name=f"circulant/{activation}",
        statement=f"eigenvalues of {activation} on the circle less the Fourier coefficients of K^(L), at all depths "
        "and quantiles: the largest distance",
        source=f"{OURS}: equally spaced points have a circulant matrix",
        relation="=",
        expected=0.0,
        measured=None if blocked else float(distance.to_numpy().max()),
        tolerance=0.0 if blocked else run.rounding("circle", activation),
        reason="n times: the error bound of the tabulated kernel, the rounding of rho near 1 and of single layers",
        blocked=blocked,
    )


def _un_centered(run: Run, activation: str) -> Claim:
    rows = run.data[(run.data["activation"] == activation) & (run.data["quantity"] == "un-centered")]
    blocked = "" if len(rows) else "no un-centered kernels were measured"
    if run.constants(activation)["a_0_squared"] < CONSTANT:
        blocked = f"{activation} is centered already"
    return Claim(
        name=f"un-centered/{activation}",
        statement=f"without centering {activation} does not memorize: the smallest of its largest eigenvalues at the "
        "depths at which it does with centering",
        source=f"{SLIDES}, where activations are centered: K(0) > 0 otherwise",
        relation=">=",
        expected=1 + run.cfg.kappa,
        measured=None if blocked else float(rows["value"].min()),
        tolerance=0.0,
        reason=f"none needed: of {len(rows)} matrices all are expected to be above 1 + kappa",
        blocked=blocked,
    )
