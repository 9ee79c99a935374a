"""The named laws of offspring: those of the paper's table, a finite list, and one without a finite E Y log Y."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.polynomial.polynomial import polyval
from scipy.special import gammaln, polygamma, xlog1py, xlogy
from scipy.stats import binom

from deepk.arrays import Array
from deepk.branching.laws import OffspringLaw
from deepk.branching.sampling import MOST, Counts, limited

_SUM = 1e-9  # how far from 1 the probabilities that a user gives may sum
_J = np.arange(1.0, 1001.0)  # 2^-1000 is far below the u that float64 can carry through a sum
_DILOGARITHM = math.pi**2 / 12 - math.log(2) ** 2 / 2  # Li_2(1/2) = sum 2^-j / j^2


@dataclass(frozen=True)
class Finite(OffspringLaw):
    """p_0, ..., p_n as given; ValueError unless they are probabilities that sum to 1."""

    probabilities: tuple[float, ...]

    def __init__(self, probabilities: Sequence[float] | Float[np.ndarray, " n"]) -> None:
        """Divides the probabilities by their sum, which may be off 1 by 1e-9."""
        p = np.asarray(probabilities, np.float64)
        if p.ndim != 1 or not len(p) or not (p >= 0).all():
            raise ValueError(f"probabilities {p.tolist()}: they must be a list of numbers >= 0")
        if not abs(p.sum() - 1) <= _SUM:
            raise ValueError(f"probabilities that sum to {p.sum():.12g}: they must sum to 1")
        object.__setattr__(self, "probabilities", tuple((p / p.sum()).tolist()))

    @property
    def name(self) -> str:
        """The law with the size of its largest family."""
        return f"finite({len(self.probabilities) - 1})"

    @property
    def mu(self) -> float:
        """Sum of k p_k."""
        return math.fsum(k * p for k, p in enumerate(self.probabilities))

    def complement(self, one_minus_s: Array) -> Array:
        """u sum_j s^j P(Y > j), all terms positive."""
        return np.asarray(one_minus_s * polyval(1 - one_minus_s, _tails(self.probabilities)))

    def slope_gap(self, one_minus_s: Array) -> Array:
        """u sum_j s^j sum_{k > j + 1} k p_k."""
        slope = (np.arange(len(self.probabilities)) * self.probabilities)[1:]  # the coefficients of G'
        return np.asarray(one_minus_s * polyval(1 - one_minus_s, _tails(slope)))

    def coefficients(self, degree: int) -> Float[np.ndarray, " {degree}+1"]:
        """The probabilities as they were given, and zeros beyond."""
        p = np.zeros(degree + 1)
        given = self.probabilities[: degree + 1]
        p[: len(given)] = given
        return p


def _tails(p: Sequence[float] | Float[np.ndarray, " n"]) -> Float[np.ndarray, " m"]:
    """sum_{k > j} p_k for j = 0, ..., n - 2; a zero where there is none."""
    above = np.cumsum(np.asarray(p)[::-1])[::-1][1:]
    return above if len(above) else np.zeros(1)


class Uniform(Finite):
    """0, ..., n with equal probabilities: G(s) = (1 - s^(n+1)) / ((n + 1) (1 - s)).

    The paper's table prints n (1 - s) for the denominator, with which G(1) would be (n + 1) / n.
    """

    def __init__(self, n: int) -> None:
        """Raises ValueError for a negative n."""
        if n < 0:
            raise ValueError(f"n = {n} is negative")
        super().__init__([1 / (n + 1)] * (n + 1))

    @property
    def name(self) -> str:
        """The law with its parameters, as the paper's table writes it."""
        return f"uniform({len(self.probabilities) - 1})"


@dataclass(frozen=True)
class Poisson(OffspringLaw):
    """G(s) = exp(rate (s - 1))."""

    rate: float

    def __post_init__(self) -> None:
        """Raises ValueError for a rate that is not a finite number >= 0."""
        if not 0 <= self.rate < math.inf:
            raise ValueError(f"rate = {self.rate} is not a finite number >= 0")

    @property
    def name(self) -> str:
        """The law with its parameters, as the paper's table writes it."""
        return f"poisson({self.rate:g})"

    @property
    def mu(self) -> float:
        """E Y, which is the rate."""
        return float(self.rate)

    def complement(self, one_minus_s: Array) -> Array:
        """1 - exp(-rate u)."""
        return np.asarray(-np.expm1(-self.rate * one_minus_s))

    def slope_gap(self, one_minus_s: Array) -> Array:
        """rate (1 - exp(-rate u))."""
        return self.rate * self.complement(one_minus_s)

    def coefficients(self, degree: int) -> Float[np.ndarray, " {degree}+1"]:
        """exp(-rate) rate^k / k!."""
        k = np.arange(degree + 1)
        return np.asarray(np.exp(xlogy(k, self.rate) - self.rate - gammaln(k + 1)))

    def sums(self, counts: Counts, generator: np.random.Generator) -> Counts:
        """The sum of z Poisson numbers is one of Poisson(z rate)."""
        return limited(generator.poisson, self.rate * counts)


@dataclass(frozen=True)
class Binomial(OffspringLaw):
    """G(s) = (1 - p + p s)^n."""

    n: int
    p: float

    def __post_init__(self) -> None:
        """Raises ValueError for an n that is not a whole number >= 1, or a p outside [0, 1]."""
        if not (self.n >= 1 and self.n == int(self.n) and 0 <= self.p <= 1):
            raise ValueError(f"n = {self.n}, p = {self.p}: it takes a whole number n >= 1, and p in [0, 1]")

    @property
    def name(self) -> str:
        """The law with its parameters, as the paper's table writes it."""
        return f"binomial({self.n}, {self.p:g})"

    @property
    def mu(self) -> float:
        """n p."""
        return self.n * self.p

    def complement(self, one_minus_s: Array) -> Array:
        """1 - (1 - p u)^n."""
        return np.asarray(-np.expm1(xlog1py(self.n, -self.p * one_minus_s)))

    def slope_gap(self, one_minus_s: Array) -> Array:
        """n p (1 - (1 - p u)^(n - 1))."""
        return np.asarray(-self.mu * np.expm1(xlog1py(self.n - 1, -self.p * one_minus_s)))

    def coefficients(self, degree: int) -> Float[np.ndarray, " {degree}+1"]:
        """C(n, k) p^k (1 - p)^(n - k)."""
        return np.asarray(binom.pmf(np.arange(degree + 1), self.n, self.p))

    def sums(self, counts: Counts, generator: np.random.Generator) -> Counts:
        """The sum of z binomial numbers is one of Binomial(z n, p)."""
        return limited(lambda trials: generator.binomial(trials.astype(np.int64), self.p), self.n * counts)


@dataclass(frozen=True)
class Geometric(OffspringLaw):
    """p_k = (1 - p) p^k: G(s) = (1 - p) / (1 - p s)."""

    p: float

    def __post_init__(self) -> None:
        """Raises ValueError for a p outside [0, 1)."""
        if not 0 <= self.p < 1:
            raise ValueError(f"p = {self.p} is not in [0, 1)")

    @property
    def name(self) -> str:
        """The law with its parameters, as the paper's table writes it."""
        return f"geometric({self.p:g})"

    @property
    def mu(self) -> float:
        """p / (1 - p)."""
        return self.p / (1 - self.p)

    def complement(self, one_minus_s: Array) -> Array:
        """p u / (1 - p + p u)."""
        return self.p * one_minus_s / (1 - self.p + self.p * one_minus_s)

    def slope_gap(self, one_minus_s: Array) -> Array:
        """mu (1 - v^2 / (v + p u)^2) with v = 1 - p."""
        v, grown = 1 - self.p, 1 - self.p + self.p * one_minus_s
        return self.mu * self.p * one_minus_s * (v + grown) / grown**2

    def coefficients(self, degree: int) -> Float[np.ndarray, " {degree}+1"]:
        """(1 - p) p^k."""
        return np.asarray((1 - self.p) * self.p ** np.arange(degree + 1))

    def sums(self, counts: Counts, generator: np.random.Generator) -> Counts:
        """The sum of z geometric numbers is negative binomial, with z successes."""
        drawn = np.zeros_like(counts)
        alive = counts > 0
        drawn[alive] = limited(lambda z: generator.negative_binomial(z, 1 - self.p), counts[alive])
        return drawn


@dataclass(frozen=True)
class PowersOfTwo(OffspringLaw):
    """P(Y = 2^j) = 2^-j j^-2 / Li_2(1/2) for j = 1, 2, ...: a finite mean without a finite E Y log Y.

    The case mu_star = infinity of the theorem, in closed form: mu = pi^2 / (6 Li_2(1/2)) = 2.825, and E Y log Y is a
    harmonic series. Nobody dies, and yet Z_l / mu^l tends to 0 (Kesten and Stigum 1966).
    """

    @property
    def name(self) -> str:
        """A name without numbers, as the law has no parameters."""
        return "powers-of-two"

    @property
    def mu(self) -> float:
        """pi^2 / (6 Li_2(1/2))."""
        return math.pi**2 / 6 / _DILOGARITHM

    @property
    def mu_star(self) -> float:
        """Infinite, as E Y log Y is a harmonic series."""
        return math.inf

    @property
    def starts_as_power(self) -> bool:
        """False, as the slope mu is approached like 1 / log(1/u) only."""
        return False

    def complement(self, one_minus_s: Array) -> Array:
        """Sum of p_k (1 - (1 - u)^k) over the powers of two."""
        return self._sum(_J**-2 * 2**-_J, 2**_J, one_minus_s)

    def slope_gap(self, one_minus_s: Array) -> Array:
        """Sum of k p_k (1 - (1 - u)^(k - 1)); where k is beyond float64, (1 - u)^(k - 1) = 0."""
        beyond = float(polygamma(1, _J[-1] + 1)) / _DILOGARITHM * (one_minus_s > 0)
        return np.asarray(self._sum(_J**-2, 2**_J - 1, one_minus_s) + beyond)

    @staticmethod
    def _sum(weights: Array, powers: Array, u: Array) -> Array:
        with np.errstate(divide="ignore"):  # at u = 1
            logarithm = np.log1p(-u)
        return np.asarray(-np.expm1(powers * logarithm[..., None]) @ weights / _DILOGARITHM)

    def coefficients(self, degree: int) -> Float[np.ndarray, " {degree}+1"]:
        """p_0, ..., p_degree, of which only those at powers of two are not zero."""
        p = np.zeros(degree + 1)
        j = np.arange(1, max(degree, 1).bit_length())
        p[2**j] = 1 / (2.0**j * j**2 * _DILOGARITHM)
        return p

    def sums(self, counts: Counts, generator: np.random.Generator) -> Counts:
        """The sums, from binomial numbers of families with 2, 4, 8, ... members, each among the families left."""
        remaining, total = counts.copy(), np.zeros_like(counts)
        masses = _J**-2 * 2**-_J
        for j in range(1, MOST.bit_length()):
            drawn = generator.binomial(remaining, masses[j - 1] / masses[j - 1 :].sum())
            total += drawn << j
            remaining -= drawn
        if remaining.any() or total.max(initial=0) > MOST:
            raise ValueError(f"a population exceeds {MOST:.2g}: simulate fewer generations")
        return total


# What names a law in a configuration: its form and bounds in words, and the bound of each number.
LAWS: dict[str, tuple[str, tuple[Callable[[float], bool], ...]]] = {
    "poisson": ("poisson(rate) with 0 < rate <= 100", (lambda rate: 0 < rate <= 100,)),
    "binomial": (
        "binomial(n, p) with n = 1, ..., 100 and 0 < p <= 1",
        (lambda n: n in range(1, 101), lambda p: 0 < p <= 1),
    ),
    "uniform": ("uniform(n) with n = 1, ..., 100", (lambda n: n in range(1, 101),)),
    "geometric": ("geometric(p) with 0 < p <= 0.99", (lambda p: 0 < p <= 0.99,)),
}


def parse_law(text: str) -> tuple[str, tuple[float, ...]]:
    """Name and numbers of a law of offspring such as "binomial(4, 0.5)"; ValueError where it is none of LAWS."""
    name, _, rest = text.replace(" ", "").partition("(")
    if name not in LAWS or not rest.endswith(")"):
        raise ValueError(f"{text} is not {', '.join(form.partition(' with')[0] for form, _ in LAWS.values())}")
    form, bounds = LAWS[name]
    try:
        numbers = tuple(float(number) for number in rest[:-1].split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != len(bounds) or not all(holds(number) for holds, number in zip(bounds, numbers, strict=True)):
        raise ValueError(f"{text} is not {form}")
    return name, numbers
