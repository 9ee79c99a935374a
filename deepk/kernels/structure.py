"""What is known of a kernel beside its values: zeros by symmetry, its ends, and what a Gram matrix is good for."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class End:
    """How a kernel behaves at an end: at distance t from it a polynomial + c t^nu + o(t^nu).

    Attributes:
        value: there.
        nu: the first exponent that is no integer, infinite where there is none.
        c: its coefficient; 0 where nu is infinite.
    """

    value: float
    nu: float = math.inf
    c: float = 0.0

    def __add__(self, other: End) -> End:
        """Of a sum."""
        return _first(self.value + other.value, (self.nu, self.c), (other.nu, other.c))

    def __mul__(self, other: End) -> End:
        """Of a product; c is 0 where the other factor vanishes there."""
        terms = (self.nu, self.c * other.value), (other.nu, other.c * self.value)
        return _first(self.value * other.value, *terms)


def _first(value: float, *terms: tuple[float, float]) -> End:
    nu = min(nu for nu, _ in terms)
    return End(value, nu, sum(c for other, c in terms if other == nu))


@dataclass(frozen=True)
class Degrees:
    """The degrees of a kernel's even and odd part as polynomials in rho: infinite for none, -inf for zero."""

    even: float = math.inf
    odd: float = math.inf

    def __add__(self, other: Degrees) -> Degrees:
        """Of a sum."""
        return Degrees(max(self.even, other.even), max(self.odd, other.odd))

    def __mul__(self, other: Degrees) -> Degrees:
        """Of a product."""
        return Degrees(
            max(_sum(self.even, other.even), _sum(self.odd, other.odd)),
            max(_sum(self.even, other.odd), _sum(self.odd, other.even)),
        )

    def of(self, inner: Degrees) -> Degrees:
        """Of this function of another."""
        both = max(self.even, self.odd)
        if inner.odd == -math.inf:
            return Degrees(_times(both, inner.even), -math.inf)
        if inner.even == -math.inf:
            return Degrees(_times(self.even, inner.odd), _times(self.odd, inner.odd))
        highest = _times(both, max(inner.even, inner.odd))
        return Degrees(highest, highest if both > 0 else -math.inf)

    @property
    def derivative(self) -> Degrees:
        """Of the derivative."""
        return Degrees(*(part - 1 if part > 0 else -math.inf for part in (self.odd, self.even)))

    @property
    def parity(self) -> int:
        """1 for an even function, -1 for an odd one, else 0."""
        return 1 if self.odd == -math.inf else -1 if self.even == -math.inf else 0

    def vanishes(self, k: int) -> bool:
        """Whether the kernel has no part of degree k, on any sphere."""
        return k > (self.odd if k % 2 else self.even)


@dataclass(frozen=True)
class Health:
    """What a Gram matrix is good for.

    Attributes:
        smallest_eigenvalue: negative, or lost in rounding, where the matrix is not positive definite in float64.
        largest_eigenvalue: of the same matrix.
        condition: their ratio; infinite where the smallest is not positive.
        symmetric: whether it equals its transpose, entry by entry.
        dtype: of its entries.
        amplification: mu^L eps for the kernels of networks, by which a rounding of rho near 1 moves an entry beside
            K(1); of others the slope at 1 in place of mu^L.
    """

    smallest_eigenvalue: float
    largest_eigenvalue: float
    condition: float
    symmetric: bool
    dtype: str
    amplification: float


def _sum(a: float, b: float) -> float:
    return -math.inf if -math.inf in (a, b) else a + b


def _times(a: float, b: float) -> float:
    """Of a degree and one that is at least 0."""
    return -math.inf if a == -math.inf else 0.0 if 0 in (a, b) else a * b
