"""Variance and correlation of two inputs on their way through a wide random network, and the phase that they decide.

For y^l = W phi(y^{l-1}) + B with W ~ N(0, sigma_w^2 / width) and B ~ N(0, sigma_b^2), in the limit of infinite width
(Hayou, Doucet, Rousseau 2019, arXiv:1902.06853; Schoenholz et al. 2017, arXiv:1611.01232).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from deepk import activations
from deepk.activations import Activation
from deepk.meanfield import moments
from deepk.meanfield.edge_of_chaos import EDGE, variance_on_edge
from deepk.meanfield.propagation import ComplementMap, orbit, start

Phase = Literal["ordered", "chaotic", "edge"]

# Beyond these the variance is looked at once more, and taken to diverge, or to vanish.
_LARGEST_Q, _SMALLEST_Q = 1e12, 1e-12
_ROUNDING = 4 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class MeanField:
    """The mean-field theory of a network with these weights, at the fixed point q of its variance map.

    Attributes:
        activation: a known name, or an `Activation`; kept as an `Activation`.
        sigma_w: standard deviation of sqrt(fan_in) W, finite and > 0.
        sigma_b: standard deviation of the biases, finite and >= 0.
        q: which fixed point of the variance map to take, where there are several; by default `limiting_variance()`.

    Raises ValueError for parameters outside these bounds, or a q that is no fixed point to 1e-9. What depends on q
    raises it where the variance diverges; of a positively homogeneous activation the correlation does not depend on q
    there, and is given.
    """

    activation: Activation
    sigma_w: float
    sigma_b: float
    q: float | None

    def __init__(self, activation: str | Activation, *, sigma_w: float, sigma_b: float, q: float | None = None) -> None:
        """Checks the parameters; computes nothing else."""
        sigma_w, sigma_b = float(sigma_w), float(sigma_b)
        if not 0 < sigma_w < math.inf:
            raise ValueError(f"sigma_w = {sigma_w} is not a finite number > 0")
        if not 0 <= sigma_b < math.inf:
            raise ValueError(f"sigma_b = {sigma_b} is not a finite number >= 0")
        for name, value in (("activation", activations.get(activation)), ("sigma_w", sigma_w), ("sigma_b", sigma_b)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "q", None if q is None else float(q))
        if q is not None and not abs(self.variance_map(q) - q) <= 1e-9 * q:
            raise ValueError(f"q = {q} is no fixed point of {self}: the variance map gives {self.variance_map(q)}")

    def __str__(self) -> str:
        """The activation and the point, for messages."""
        return f"{self.activation.name} at sigma_w = {self.sigma_w:g}, sigma_b = {self.sigma_b:g}"

    # --- variance -----------------------------------------------------------------------------------------------------

    def variance_map(self, q: float) -> float:
        """sigma_b^2 + sigma_w^2 E phi(sqrt(q) Z)^2: the variance one layer on.

        Raises ValueError for a q that is negative or not a number, and an activation that is not square-integrable.
        """
        if not 0 <= q < math.inf:
            raise ValueError(f"q = {q} is not a finite number >= 0")
        return self.sigma_b**2 + self.sigma_w**2 * moments.second_moment(self.activation, float(q))

    def limiting_variance(self) -> float:
        """The fixed point of the variance map that q^l tends to from q^0 = 1.

        At a point on the edge of chaos it is the edge's own q, also where that repels (`EdgeOfChaos`): only there is
        chi_1 = 1. A homogeneous activation on its edge keeps any variance; 1 is returned.

        Raises ValueError where the variance diverges.
        """
        return self._limiting_variance

    @cached_property
    def _limiting_variance(self) -> float:
        if self.q is not None:
            return self.q
        if self._slopes is not None:
            return self._homogeneous_limit()
        edge = variance_on_edge(self.activation, sigma_w=self.sigma_w, sigma_b=self.sigma_b)
        return self._polished(self._attractor() if edge is None else edge)

    def _polished(self, q: float) -> float:
        """A fixed point after a Newton step, which takes back the roundings that a slope near 1 has amplified."""
        if q == 0:
            return q
        excess = moments.variance_excess(self.activation, sigma_w=self.sigma_w, sigma_b=self.sigma_b, q=q)
        slope = self._variance_slope(q)
        return q + excess / (1 - slope) if slope != 1 else q

    def _variance_slope(self, q: float) -> float:
        """d q^{l+1} / d q^l."""
        return self.sigma_w**2 * moments.second_moment_slope(self.activation, q)

    def _homogeneous_limit(self) -> float:
        growth, source = self.sigma_w**2 * self._power, self.sigma_b**2
        if source == 0 and abs(growth - 1) <= EDGE:
            return 1.0
        if growth >= 1:
            raise self._diverging()
        return source / (1 - growth)

    def _attractor(self) -> float:
        """The first fixed point on the side of q = 1 to which the map moves it, by bisection and secants."""

        def excess(q: float) -> float:
            try:
                return self.variance_map(q) - q
            except ValueError:
                if q <= 1:
                    raise
                raise self._diverging() from None

        low = high = 1.0
        at = excess(1.0)
        if abs(at) <= _ROUNDING:
            return 1.0
        while (excess(high) > 0) if at > 0 else (excess(low) < 0):
            if at > 0:
                low, high = high, 2 * high
            else:
                low, high = low / 2, low
            if high > _LARGEST_Q:  # far out phi is a power law: what grows there goes on growing
                high = _LARGEST_Q**2
                if excess(high) > 0:
                    raise self._diverging()
            if low < _SMALLEST_Q and self.variance_map(0.0) == 0:
                return 0.0
        return float(brentq(excess, low, high, xtol=1e-300, rtol=_ROUNDING))

    def _diverging(self) -> ValueError:
        return ValueError(f"the variance of {self} diverges")

    def variance_depth_scale(self) -> float:
        """xi_q = -1 / log |d q^{l+1} / d q^l| at the fixed point: the layers in which q^l - q falls by a factor e.

        Infinite where the fixed point does not attract.
        """
        q = self.limiting_variance()
        if self._slopes is not None:
            slope = self.sigma_w**2 * self._power
        elif q == 0:
            slope = self.chi_1
        else:
            slope = abs(self._variance_slope(q))
        if abs(slope) < _ROUNDING:
            return 0.0
        return -1 / math.log(slope) if slope < 1 - EDGE else math.inf

    # --- correlation --------------------------------------------------------------------------------------------------

    def covariance_map(self, q_a: float, q_b: float, c: float) -> float:
        """sigma_b^2 + sigma_w^2 E phi(X) phi(Y), for X ~ N(0, q_a), Y ~ N(0, q_b) of correlation c: one layer on.

        The correlation there is this over sqrt(variance_map(q_a) variance_map(q_b)).
        """
        for q in (q_a, q_b):
            if not 0 <= q < math.inf:
                raise ValueError(f"q = {q} is not a finite number >= 0")
        if not -1 <= c <= 1:
            raise ValueError(f"c = {c} is not a correlation in [-1, 1]")
        return self.sigma_b**2 + self.sigma_w**2 * moments.covariance(self.activation, float(q_a), float(q_b), float(c))

    def correlation_map(self, c: float) -> float:
        """f(c) = (sigma_b^2 + sigma_w^2 E phi(X) phi(Y)) / q, both of variance q: the correlation one layer on.

        As 1 - sigma_w^2 E (phi(X) - phi(Y))^2 / 2q, which keeps the digits of 1 - f(c) where c is close to 1.
        """
        if not -1 <= c <= 1:
            raise ValueError(f"c = {c} is not a correlation in [-1, 1]")
        return 1 - self._complement(1 - float(c))

    def _complement(self, u: float) -> float:
        """1 - f(1 - u)."""
        sphere = self._sphere
        q = sphere.limiting_variance()
        return sphere.sigma_w**2 * moments.half_squared_difference(sphere.activation, q, u) / q

    @property
    def chi_1(self) -> float:
        """sigma_w^2 E phi'(sqrt(q) Z)^2: the mean-square factor of a gradient in one layer; infinite if phi jumps.

        It is the slope of the correlation map at c = 1. The slides print phi' without its square; the slope needs it.
        """
        if self._slopes is not None:
            return self.sigma_w**2 * self._power
        return self.sigma_w**2 * moments.slope_second_moment(self.activation, self.limiting_variance())

    @property
    def phase(self) -> Phase:
        """Ordered where chi_1 < 1, chaotic where chi_1 > 1, edge where chi_1 = 1 to 1e-10.

        Raises ValueError where the variance diverges: there is no phase then, and ReLU's correlation tends to 1
        although its gradients explode.
        """
        self.limiting_variance()
        distance = self.chi_1 - 1
        return "edge" if abs(distance) <= EDGE else "chaotic" if distance > 0 else "ordered"

    def limiting_correlation(self) -> float:
        """c* = f(c*) that c^l tends to from any c^0 in [0, 1): 1 in the ordered phase and on the edge."""
        return 1 - self._limiting_complement

    @cached_property
    def _limiting_complement(self) -> float:
        if self._sphere.phase != "chaotic":
            return 0.0

        # Convex on [0, 1], f meets the diagonal once below 1: at the one u in (0, 1] with u = 1 - f(1 - u).
        at_zero, chi_1 = self._complement(1.0), self._sphere.chi_1
        if at_zero >= 1:
            return 1.0

        def excess(u: float) -> float:
            growth = chi_1 if u == 0 else at_zero if u == 1 else self._complement(u) / u
            return 1 - 1 / growth  # nearly a straight line

        return float(brentq(excess, 0.0, 1.0, xtol=1e-300, rtol=1e-13))

    def depth_scale(self) -> float:
        """xi_c = -1 / log f'(c*): the layers in which c^l - c* falls by a factor e; infinite on the edge.

        f'(c*) is chi_1 in the ordered phase, and sigma_w^2 E phi'(X) phi'(Y) at correlation c* in the chaotic one. The
        slides print its inverse for xi_c. For a homogeneous activation without bias it is infinite at every sigma_w.
        """
        vanishing = self._slopes is None and self.limiting_variance() == 0
        sphere = self if vanishing else self._sphere
        if sphere.phase == "edge":
            return math.inf
        if sphere.phase == "ordered":
            slope = sphere.chi_1
        else:
            c = self.limiting_correlation()
            slope = sphere.sigma_w**2 * moments.slope_covariance(self.activation, sphere.limiting_variance(), c)
        return -1 / math.log(slope) if slope > 0 else 0.0

    def complements(self, c0: float, depth: int) -> Float[np.ndarray, " layers"]:
        """1 - c^l for l = 0..depth, from c^0 = c0, at the limiting variance.

        Carries 1 - c from layer to layer, so that its relative error at layer l is about l * 2^-53 and no digit is lost
        to the approach of c to 1. Raises ValueError for c0 outside [-1, 1] or a negative depth.
        """
        u = start(float(c0), index(depth))
        return orbit(self.complement_map, u, depth)

    @cached_property
    def complement_map(self) -> ComplementMap:
        """The correlation map as a map of 1 - c, tabulated: fast, and exact where c is close to 1."""
        sphere = self._sphere
        return ComplementMap(sphere.activation, sigma_w=sphere.sigma_w, q=sphere.limiting_variance())

    # --- positively homogeneous activations ---------------------------------------------------------------------------

    @property
    def _slopes(self) -> tuple[float, float] | None:
        return moments.homogeneous_slopes(self.activation)

    @property
    def _power(self) -> float:
        """E phi(Z)^2 of a homogeneous activation."""
        below, above = self._slopes or (0.0, 0.0)
        return (below**2 + above**2) / 2

    @cached_property
    def _sphere(self) -> MeanField:
        """The network at which the correlation map may be taken.

        A homogeneous activation whose variance vanishes or diverges has the correlation map of its edge of chaos, since
        the bias ends up too small to matter, and the scale never does.
        """
        growth = self.sigma_w**2 * self._power
        if self._slopes is not None and growth > 0 and (self.sigma_b == 0 or growth > 1 + EDGE):
            return MeanField(self.activation, sigma_w=self._power**-0.5, sigma_b=0.0, q=1.0)
        if self.limiting_variance() == 0:
            raise ValueError(f"the variance of {self} vanishes, and with it the correlation loses its meaning")
        return self
