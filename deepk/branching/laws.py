"""Laws of the number of offspring, by their probability generating function G(s) = sum p_k s^k = E s^Y.

Everything is asked of 1 - G(1 - u) rather than of G(s), so that no digit is lost near s = 1, where a branching process
decides between extinction and growth.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.integrate import quad
from scipy.optimize import brentq

from deepk.arrays import Array
from deepk.branching.sampling import Counts, Table, sums_of_offspring, tabulated

CRITICAL = 1e-12  # |mu - 1| up to which a process counts as critical: rounding of an expectation
_ROUNDING = np.finfo(np.float64).eps
_SMALLEST = 1e-300  # the survival probability down to which extinction is decided


class OffspringLaw(ABC):
    """P(Y = k) = p_k for k = 0, 1, ..., by its generating function G on [0, 1]."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What tables and figures call the law."""

    @property
    @abstractmethod
    def mu(self) -> float:
        """E Y = G'(1), may be infinite."""

    @abstractmethod
    def complement(self, one_minus_s: Array) -> Array:
        """1 - G(1 - u) for u in [0, 1], to a few roundings of itself also as u tends to 0."""

    @abstractmethod
    def slope_gap(self, one_minus_s: Array) -> Array:
        """G'(1) - G'(1 - u) without the cancellation; for a law of finite mean."""

    @abstractmethod
    def coefficients(self, degree: int) -> Float[np.ndarray, " {degree}+1"]:
        """p_0, ..., p_degree."""

    def __call__(self, s: Array) -> Array:
        """G(s) for s in [0, 1]."""
        return np.asarray(1 - self.complement(1 - s))

    def complement_at_angles(self, theta: Array) -> Array:
        """1 - G(cos theta) for theta in [0, largest_angle]."""
        return self.complement(2 * np.sin(theta / 2) ** 2)

    @property
    def largest_angle(self) -> float:
        """G maps cos [0, largest_angle] into itself."""
        return math.pi / 2

    @property
    def order(self) -> float:
        """The power of u that 1 - G(1 - u) starts with: 1 where the mean is finite."""
        return 1.0

    @property
    def error(self) -> float:
        """Relative error of `complement` beyond rounding."""
        return 0.0

    @property
    def starts_as_power(self) -> bool:
        """Whether 1 - G(1 - u) is that power times a constant for small u; not where E Y log Y is infinite."""
        return True

    @cached_property
    def a1_squared(self) -> float:
        """p_1; of an activation, its squared first Hermite coefficient."""
        return float(self.coefficients(1)[1])

    @property
    def tail_index(self) -> float:
        """a where P(Y >= k) ~ k^-a; infinite where it falls faster than any power."""
        return math.inf

    @property
    def is_identity(self) -> bool:
        """Whether p_1 = 1 to rounding: everybody has one child, and G(s) = s."""
        return abs(1 - self.a1_squared) <= CRITICAL

    @cached_property
    def mu_star(self) -> float:
        """E Y log Y = sum p_k k log k, may be infinite.

        As int_0^inf exp(-s) (mu - G'(exp(-s))) / s ds, since log k = int_0^inf (exp(-s) - exp(-k s)) / s ds: the series
        itself converges only like k^(-1/2) log k for ReLU.
        """
        if math.isinf(self.mu):
            return math.inf

        def density(s: float) -> float:
            return math.exp(-s) * float(self.slope_gap(np.array([-math.expm1(-s)]))[0]) / s

        def near_zero(x: float) -> float:  # s = x^2, since the density of a kinked activation starts like s^(-1/2)
            return 2 * x * density(x * x)

        pieces = ((near_zero, 0.0, 1.0), (density, 1.0, math.inf))
        return math.fsum(quad(f, low, high, epsabs=1e-14, epsrel=1e-13, limit=200)[0] for f, low, high in pieces)

    @cached_property
    def extinction_probability(self) -> float:
        """xi, the smallest fixed point of G in [0, 1]: the probability that Z_l = 0 for some l.

        1 - xi has a relative error of about 1e-16 / (mu - 1), and is 0 for mu <= 1 + 1e-12.
        """
        constant = float(self.coefficients(0)[0])
        if constant <= _ROUNDING**2 or self.is_identity:  # the square of a rounding; every individual has descendants
            return 0.0
        if self.mu <= 1 + CRITICAL:
            return 1.0

        def excess(log_u: float) -> float:
            u = math.exp(log_u)
            return float(1 - u / self.complement(np.array([u]))[0])

        return -math.expm1(brentq(excess, math.log(_SMALLEST), 0.0, xtol=_ROUNDING, rtol=4 * _ROUNDING))

    def sums(self, counts: Counts, generator: np.random.Generator) -> Counts:
        """For each count z the sum of z independent draws of Y: one generation from the last.

        Raises ValueError where a population exceeds 7e16.
        """
        return sums_of_offspring(self.table, counts, generator)

    @cached_property
    def table(self) -> Table:
        """The probabilities that draws are made from, and the power law in which they go on; see `tabulated`."""
        return tabulated(self.coefficients, self.tail_index, self.name)
