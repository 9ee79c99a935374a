"""The edge of chaos: the (sigma_b, sigma_w) at which chi_1 = 1, and how fast correlation converges there."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, overload

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from deepk import activations
from deepk.activations import Activation
from deepk.meanfield import moments

# The variances between which the edge is looked for, and at how many of them to begin with: four in each decade.
_SMALLEST_Q, _LARGEST_Q, _GRID = 1e-6, 1e8, 57
# |chi_1 - 1| up to which a point is taken to be on the edge: a depth scale of 1e10 layers and more.
EDGE = 1e-10
_MARGIN = 1.05  # sigma_w between two points of the grid is within 5 % of theirs
_XTOL = 1e-15  # of log q, and so relative to q: some roundings


@dataclass(frozen=True)
class EdgeOfChaos:
    """A point on the edge of chaos: the standard deviations, the variance q at which chi_1 = 1, and beta_q.

    q is a fixed point of the variance map. It attracts Tanh, erf, sin and ELU. At small sigma_b it repels Swish, GELU
    and shifted softplus (the variance map's slope there is 1.08, 1.11 and 1.03 at q = 0.3; that of GELU is below 1 from
    sigma_b = 0.5 on, that of Swish from 0.8): there a network started at q leaves it with depth.

    beta_q = 2 E phi'(sqrt(q) Z)^2 / (q E phi''(sqrt(q) Z)^2), so that 1 - c^l ~ beta_q / l for a smooth activation
    (Hayou, Doucet, Rousseau 2019, arXiv:1902.06853, proposition 3). It is 0 where the slope has kinks, since
    correlation then converges faster (`rate`), and infinite for a linear activation, for which it never does.
    """

    sigma_b: float
    sigma_w: float
    q: float
    beta_q: float


def edge_of_chaos(activation: str | Activation, *, sigma_b: float | None = None, q: float | None = None) -> EdgeOfChaos:
    """The point of the activation's edge of chaos at this sigma_b, or with this variance q.

    On it sigma_w^2 E phi'(sqrt(q) Z)^2 = 1 and q = sigma_b^2 + sigma_w^2 E phi(sqrt(q) Z)^2: given q, both parameters
    follow; given sigma_b, the least q > 0 with q - E phi^2 / E phi'^2 = sigma_b^2 is found. Good to 1e-12 for
    sigma_b >= 0.01; below, a rounding is amplified (in Tanh's q about q / 3 sigma_b^2 times, 6.6e4 at sigma_b = 1e-4).
    At sigma_b = 0 the limit of the edge is returned, q = 0 and sigma_w = 1 / |phi'(0)|, where phi(0) = 0.

    A positively homogeneous activation, of slopes a and b on the two sides, has the single point sigma_b = 0,
    sigma_w = sqrt(2 / (a^2 + b^2)), at any q (1 by default).

    Raises ValueError unless exactly one of sigma_b >= 0 and q > 0 is given (both, for a homogeneous activation, with
    sigma_b = 0), and where there is no edge.
    """
    phi = activations.get(activation)
    sigma_b, q = (None if x is None else float(x) for x in (sigma_b, q))
    _check(sigma_b, q)
    if phi.jumps:
        raise ValueError(f"{phi.name} has no edge of chaos: it jumps, and chi_1 is infinite")
    slopes = moments.homogeneous_slopes(phi)
    if slopes is not None:
        return _homogeneous(phi, slopes, sigma_b, q)
    if q is not None:
        if sigma_b is not None:
            raise ValueError(f"give sigma_b = {sigma_b} or q = {q}, not both: each decides the other")
        return _at(phi, q)
    if sigma_b == 0 and _starts_at_zero(phi):
        return _limit(phi)
    return _at(phi, _solve(phi, float(sigma_b or 0.0)), sigma_b)


@dataclass(frozen=True)
class Rate:
    """1 - c^l ~ constant / l^power on the edge of chaos."""

    constant: float
    power: int

    @overload
    def __call__(self, depth: float) -> float: ...
    @overload
    def __call__(self, depth: np.ndarray) -> np.ndarray: ...
    def __call__(self, depth: float | np.ndarray) -> float | np.ndarray:
        """The prediction at this depth, a number or an array."""
        return self.constant / depth**self.power


def rate(activation: str | Activation, *, sigma_b: float | None = None, q: float | None = None) -> Rate:
    """How fast correlation converges to 1 on the edge of chaos, at the point that `edge_of_chaos` would return.

    Smooth: beta_q / l (Hayou, Doucet, Rousseau 2019, proposition 3). Where the slope jumps by Delta_j at x_j:
    9 pi^2 / (2 kappa^2 l^2), kappa = (sigma_w^2 / 2) sum_j Delta_j^2 exp(-x_j^2 / 2q), which is 1 for ReLU
    (proposition 1) and follows from 1 - f(c) = (1 - c) - (2 sqrt(2) / 3 pi) kappa (1 - c)^(3/2) + ...

    Raises ValueError as `edge_of_chaos` does.
    """
    phi = activations.get(activation)
    point = edge_of_chaos(phi, sigma_b=sigma_b, q=q)
    if point.beta_q > 0:
        return Rate(point.beta_q, 1)
    kinks = moments.slope_jumps(phi)
    kappa = point.sigma_w**2 / 2 * sum(size**2 * math.exp(-x * x / (2 * point.q)) for x, size in kinks)
    return Rate(9 * math.pi**2 / (2 * kappa**2), 2)


def _check(sigma_b: float | None, q: float | None) -> None:
    if sigma_b is None and q is None:
        raise ValueError("give sigma_b or q: one of them chooses the point of the edge of chaos")
    if sigma_b is not None and not 0 <= sigma_b < math.inf:
        raise ValueError(f"sigma_b = {sigma_b} is not a finite number >= 0")
    if q is not None and not 0 < q < math.inf:
        raise ValueError(f"q = {q} is not a finite number > 0")


def _homogeneous(phi: Activation, slopes: tuple[float, float], sigma_b: float | None, q: float | None) -> EdgeOfChaos:
    power = (slopes[0] ** 2 + slopes[1] ** 2) / 2
    if sigma_b:
        raise ValueError(
            f"{phi.name} has no edge of chaos at sigma_b = {sigma_b}: a homogeneous one has only sigma_b = 0"
        )
    if power == 0:
        raise ValueError(f"{phi.name} has no edge of chaos: it is zero")
    variance = 1.0 if q is None else q
    return EdgeOfChaos(0.0, power**-0.5, variance, _beta(phi, variance, power))


def _at(phi: Activation, q: float, sigma_b: float | None = None) -> EdgeOfChaos:
    """The point with this q; its sigma_b where that is not known already."""
    slope = moments.slope_second_moment(phi, q)
    if sigma_b is None:
        squared = moments.squared_bias(phi, q)
        if not squared >= 0:
            raise ValueError(f"{phi.name} has no edge of chaos at q = {q}: it would need sigma_b^2 = {squared:.3g}")
        sigma_b = math.sqrt(squared)
    return EdgeOfChaos(sigma_b, slope**-0.5, q, _beta(phi, q, slope))


def _beta(phi: Activation, q: float, slope: float) -> float:
    curvature = moments.curvature_second_moment(phi, q)
    return 2 * slope / (q * curvature) if curvature > 0 else math.inf


def _starts_at_zero(phi: Activation) -> bool:
    """Whether the edge begins at q = 0: phi is zero there, and not flat, and its slope does not jump."""
    slope = moments.slope_second_moment(phi, 0.0)
    return moments.second_moment(phi, 0.0) == 0 and slope > 0 and 0.0 not in dict(moments.slope_jumps(phi))


def _limit(phi: Activation) -> EdgeOfChaos:
    return EdgeOfChaos(0.0, moments.slope_second_moment(phi, 0.0) ** -0.5, 0.0, math.inf)


class _Grid(NamedTuple):
    """Points along the edge of chaos, from small q to large; NaN where a moment cannot be had, and the first reason."""

    log_q: Float[np.ndarray, " n"]
    squared_bias: Float[np.ndarray, " n"]
    sigma_w: Float[np.ndarray, " n"]
    failure: str


@lru_cache(maxsize=64)
def _grid(phi: Activation) -> _Grid:
    """About 10 ms, once for each activation."""
    points, failure = [], ""
    for log_q in np.linspace(math.log(_SMALLEST_Q), math.log(_LARGEST_Q), _GRID).tolist():
        squared_bias = sigma_w = math.nan
        try:
            slope = moments.slope_second_moment(phi, math.exp(log_q))
            squared_bias = moments.squared_bias(phi, math.exp(log_q))
            sigma_w = slope**-0.5 if slope > 0 else math.inf
        except ValueError as error:
            failure = failure or str(error)
        points.append((log_q, squared_bias, sigma_w))
    log_qs, squared, sigma_ws = np.array(points).T
    return _Grid(log_qs, squared, sigma_ws, failure)


def _bracket(phi: Activation, sigma_b: float) -> int | None:
    """Between which point of the grid and the next the edge first has this sigma_b."""
    excess = np.sign(_grid(phi).squared_bias - sigma_b**2)
    crossings = np.flatnonzero(np.where(excess[:-1] > 0, excess[1:] <= 0, (excess[:-1] <= 0) & (excess[1:] > 0)))
    return int(crossings[0]) if len(crossings) else None


def variance_on_edge(phi: Activation, *, sigma_w: float, sigma_b: float) -> float | None:
    """The edge's q if (sigma_b, sigma_w) is on the edge of chaos, sigma_w to a relative 1e-10; None if it is not."""
    at = _bracket(phi, sigma_b)
    if at is not None and sigma_b > 0:
        nearby = _grid(phi).sigma_w[at : at + 2]
        if not nearby.min() / _MARGIN < sigma_w < nearby.max() * _MARGIN:
            return None
    try:
        point = edge_of_chaos(phi, sigma_b=sigma_b)
    except ValueError:
        return None
    return point.q if abs(point.sigma_w / sigma_w - 1) <= EDGE else None


def _solve(phi: Activation, sigma_b: float) -> float:
    """The least q on the grid's range at which the edge has this sigma_b."""
    at = _bracket(phi, sigma_b)
    log_q, squared, _, failure = _grid(phi)
    if at is None:
        searched = f"with q between {_SMALLEST_Q:g} and {_LARGEST_Q:g}" + (f" ({failure})" if failure else "")
        raise ValueError(f"{phi.name} has no edge of chaos at sigma_b = {sigma_b} {searched}")
    target = sigma_b**2
    near = slice(max(at - 1, 0), at + 3)
    # Nearly a power law, where all signs allow it: then a few secant steps on the logarithmic scale are enough.
    logarithmic = target > 0 and (squared[near] > 0).all() and (np.diff(squared[near]) > 0).all()

    def excess(x: float) -> float:
        reached = moments.squared_bias(phi, math.exp(x))
        return math.log(reached / target) if logarithmic else reached - target

    if logarithmic:
        # log q as the cubic in log(sigma_b^2 / target) through these points: its value and slope where that is zero
        *_, slope, guess = np.linalg.solve(np.vander(np.log(squared[near] / target)), log_q[near]).tolist()
        root = _secant(excess, guess, 1 / slope)
        if log_q[at] <= root <= log_q[at + 1]:
            return math.exp(root)
    return math.exp(brentq(excess, log_q[at], log_q[at + 1], xtol=_XTOL))


def _secant(f: Callable[[float], float], x: float, slope: float) -> float:
    """A root near x, where f has about this slope; NaN where ten secant steps do not settle on one."""
    f_x = f(x)
    y = x - f_x / slope
    for _ in range(10):
        f_y = f(y)
        if f_y == f_x:
            return y if f_y == 0 else math.nan
        z = y - f_y * (y - x) / (f_y - f_x)
        if abs(z - y) * abs(z - x) < _XTOL:  # the next error is of the order of this product
            return z
        x, y, f_x = y, z, f_y
    return math.nan
