"""The deterministic equivalent of ridge regression on random features: one equation in one real unknown u.

For a kernel with eigenvalues mu_k of multiplicity N_k and a rest of which only the sum, `tail`, is known, with p
features and n samples, and a ridge r beside a mean of squares over the samples,

    h(u) = sum_k N_k mu_k u / (1 + mu_k u) + tail u,   (1 - h / p) (1 - h / n) = r u,   0 < h < min(p, n).

The left side falls in u and the right side rises: there is one root. All that follows from it is a sum of positive
terms. (Mei, Montanari 2022, arXiv:1908.05355, for features of one nonlinear layer, in two complex unknowns; Defilippis,
Loureiro, Misiakiewicz 2024, arXiv:2405.15699, for any spectrum. In one real unknown: ours.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, " points"]
Atoms = Float[np.ndarray, " atoms"]
PerAtom = Float[np.ndarray, "points atoms"]

_STEPS = 100  # of Newton's method, a bisection where it leaves the bracket; 5 to 20 are usual
_DONE = 1e-15  # last step, of log u


class Spectrum(NamedTuple):
    """Of a kernel.

    Attributes:
        eigenvalues: mu_k >= 0.
        multiplicities: N_k > 0, of which p and n are multiples: numbers, or numbers over d.
        tail: the sum of all others, each far below 1 / u.
    """

    eigenvalues: Atoms
    multiplicities: Atoms
    tail: float

    @property
    def rank(self) -> float:
        """The number of eigenvalues > 0, those of the tail left out."""
        return float(self.multiplicities[self.eigenvalues > 0].sum())


@dataclass(frozen=True)
class Equivalent:
    """The solution at each point, and what risks are made of.

    Attributes:
        u: the root; infinite where, without a ridge, features and samples are more than the kernel's dimensions.
        learnt: mu_k u / (1 + mu_k u).
        kept: 1 / (1 + mu_k u).
        g: h - sum_k N_k (mu_k u / (1 + mu_k u))^2.
        spare_features: e_1 = p - h.
        spare_samples: e_2 = n - h.
        c: g / (g + e_1).
        free_features: e_1 / (g + e_1).
        free_samples: e_2 / (g + e_2).
        left: 1 - Y, the share of the samples that is left to tell signal from noise; 0 at the peak without a ridge.
        taken: Y = 1 - left.
        features: p.
        samples: n.
    """

    u: Points
    learnt: PerAtom
    kept: PerAtom
    g: Points
    spare_features: Points
    spare_samples: Points
    c: Points
    free_features: Points
    free_samples: Points
    left: Points
    taken: Points
    features: Points
    samples: Points

    def unlearnt(self, power: Float[np.ndarray, "... atoms"]) -> Points:
        """sum_k P_k (1 + c x_k) / (1 + x_k)^2 with x_k = mu_k u, for the target's power P_k."""
        share = self.kept * (self.kept + self.c[:, None] * self.learnt)
        return np.asarray((share * power).sum(axis=1))

    def bias(self, power: Float[np.ndarray, "... atoms"]) -> Points:
        """`unlearnt` / (1 - Y), infinite at the peak."""
        unlearnt = self.unlearnt(power)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(unlearnt == 0, 0.0, unlearnt / self.left))

    @property
    def variance(self) -> Points:
        """Y / (1 - Y), by which noise adds to the risk; infinite at the peak."""
        with np.errstate(divide="ignore"):
            return np.asarray(self.taken / self.left)


def solve(spectrum: Spectrum, features: Points, samples: Points, ridge: Points) -> Equivalent:
    """At each point p, n > 0, either or both infinite, and r >= 0."""
    u = _root(spectrum, features, samples, ridge)
    spare = _spare(features, samples, ridge, u)
    beyond = np.minimum(features, samples) - (spectrum.rank if spectrum.tail == 0 else 0.0)
    spare = np.where(np.isinf(u), beyond, spare)  # nothing is left to learn
    return _equivalent(spectrum, features, samples, u, spare)


def derivative(spectrum: Spectrum, at: Equivalent, ridge: Points) -> tuple[Points, Points]:
    """du / dr and d min(e_1, e_2) / dr, the derivatives along the root."""
    small, gap, ratio = _sizes(at.features, at.samples)
    spare = np.minimum(at.spare_features, at.spare_samples)
    slope = _slope(spectrum, at.u)
    du = -small * at.u / (small * ridge + (2 * spare * ratio / small + gap) * slope)
    return du, -slope * du


def moved(spectrum: Spectrum, at: Equivalent, u: np.ndarray, spare: np.ndarray) -> Equivalent:
    """The same features and samples at another u and min(e_1, e_2), which may be complex."""
    return _equivalent(spectrum, at.features, at.samples, u, spare)


def _equivalent(spectrum: Spectrum, p: Points, n: Points, u: np.ndarray, spare: np.ndarray) -> Equivalent:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        x = np.where(spectrum.eigenvalues > 0, spectrum.eigenvalues * u[:, None], 0.0)
        kept = np.where(np.isinf(x), 0.0, 1 / (1 + x))
        learnt = np.where(np.isinf(x), 1.0, x * kept)
        if np.iscomplexobj(learnt):  # whose imaginary part would cancel where x is large
            learnt = learnt.real - 1j * kept.imag
        a = (spectrum.multiplicities * learnt**2).sum(axis=1)
        g = (spectrum.multiplicities * learnt * kept).sum(axis=1)
        if spectrum.tail > 0:
            g = g + spectrum.tail * u
        h = a + g
        more = np.where(p > n, p - n, 0.0), np.where(n > p, n - p, 0.0)
        first, second = spare + more[0], spare + more[1]
        free_features, free_samples = (_share(e, g) for e in (first, second))
        left = np.where(np.isinf(n), 1.0, (g * free_features + second) / n)
        taken = (h * h / p + np.where(np.isinf(p), 1.0, first / p) * free_features * a) / n
        taken = np.where(np.isinf(n), 0.0, taken)
        c = np.where(np.isinf(p), 0.0, np.where(first == 0, 1.0, _share(g, first)))
    return Equivalent(u, learnt, kept, g, first, second, c, free_features, free_samples, left, taken, p, n)


def _share(e: np.ndarray, g: np.ndarray) -> np.ndarray:
    """e / (g + e), 1 where e is infinite, 0 where it is zero; no cancellation in a derivative."""
    return np.asarray(np.where(np.isinf(e), 1.0, np.where(e == 0, 0.0, 1 / (1 + g / e))))


def _sizes(p: Points, n: Points) -> tuple[Points, Points, Points]:
    """m = min(p, n), (M - m) / M and m / M of the larger M."""
    small, large = np.minimum(p, n), np.maximum(p, n)
    with np.errstate(invalid="ignore"):
        ratio = np.where(np.isinf(large), 0.0, small / large)
        gap = np.where(np.isinf(large), 1.0, (large - small) / large)
    return small, gap, ratio


def _spare(p: Points, n: Points, ridge: Points, u: Points) -> Points:
    """min(e_1, e_2) at the root, from e (e + M - m) = m M r u: no difference of h from m."""
    small, gap, ratio = _sizes(p, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        ru = np.where(ridge > 0, ridge * u, 0.0)
        found = 2 * small * ru / (gap + np.sqrt(gap**2 + 4 * ratio * ru))
    return np.asarray(np.where(ru > 0, found, 0.0))


def _filled(spectrum: Spectrum, u: Points) -> Points:
    """h(u)."""
    x = spectrum.eigenvalues * u[:, None]
    return np.asarray((spectrum.multiplicities * (x / (1 + x))).sum(axis=1) + spectrum.tail * u)


def _slope(spectrum: Spectrum, u: Points) -> Points:
    """h'(u)."""
    kept = 1 / (1 + spectrum.eigenvalues * u[:, None])
    return np.asarray((spectrum.multiplicities * spectrum.eigenvalues * kept * kept).sum(axis=1) + spectrum.tail)


def _root(spectrum: Spectrum, p: Points, n: Points, ridge: Points) -> Points:
    """The root u, by Newton's method in log u between bounds that hold."""
    small, gap, ratio = _sizes(p, n)
    order = np.argsort(-spectrum.eigenvalues)
    mu, counts = spectrum.eigenvalues[order], np.cumsum(spectrum.multiplicities[order])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        trace = float(spectrum.multiplicities @ spectrum.eigenvalues) + spectrum.tail
        low = np.minimum(small / (2 * trace), 0.25 / ridge)
        # where the largest, down to any mu, are more than m: h(u) >= sum N_k mu u / (1 + mu u) over these
        excess = counts - small[:, None]
        above = np.where((excess > 0) & (mu > 0), small[:, None] / (excess * mu), np.inf).min(axis=1)
        high = np.minimum(np.minimum(1 / ridge, small / np.float64(spectrum.tail)), above)
    u: Points = high  # infinite where nothing bounds it; of infinitely many features and samples 1 / r
    found = np.isfinite(small) & np.isfinite(high)
    if found.any():
        u[found] = _newton(spectrum, *(each[found] for each in (p, n, ridge, small, gap, ratio, low, high)))
    return u


def _newton(
    spectrum: Spectrum,
    p: Points,
    n: Points,
    ridge: Points,
    small: Points,
    gap: Points,
    ratio: Points,
    low: Points,
    high: Points,
) -> Points:
    """Of two functions that fall through zero at the root, each where it keeps its digits.

    These are m - h - e, with e of `_spare`, and log((1 - h / p) (1 - h / n) / (r u)) where h is below m / 2.
    """
    bottom, top = np.log(low), np.log(high)
    t = (bottom + top) / 2
    for _ in range(_STEPS):
        u = np.exp(t)
        h, slope, spare = _filled(spectrum, u), u * _slope(spectrum, u), _spare(p, n, ridge, u)
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithmic = np.log1p(-h / p) + np.log1p(-h / n) - np.log(ridge * u)
            steepness = 1 + slope / (p - h) + slope / (n - h)
            spare_slope = np.where(ridge > 0, small * ridge * u / (2 * spare * ratio / small + gap), 0.0)
        by_logarithm = (h < small / 2) & (ridge > 0)
        value = np.where(by_logarithm, logarithmic, small - h - spare)
        bottom, top = np.where(value > 0, t, bottom), np.where(value > 0, top, t)
        following = t + value / np.where(by_logarithm, steepness, slope + spare_slope)
        outside = ~((following >= bottom) & (following <= top))
        following = np.where(outside, (bottom + top) / 2, following)
        step, t = np.abs(following - t), following
        if (step <= _DONE * (1 + np.abs(t))).all():
            break
    return np.asarray(np.exp(t))
