"""Draws from a law of offspring that is known by its probabilities, its tail included."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:
    from deepk.kernels.laws import OffspringLaw

Counts = Int[np.ndarray, " paths"]

HEAD = 64  # families smaller than this are drawn for a whole population at once
DEGREE = 4096  # of the table; beyond it a law goes on as the power law that it ends in
_NO_TAIL = 1e-11  # probability beyond the table that is rounding
_TAIL, _HIGHEST = 0.1, 2**20  # probability beyond it that is not yet a tail, and the degree at which that is given up
MOST = 2**56  # individuals: 64 times as many still fit an int64
_ONE_BY_ONE = 10**8  # families drawn one by one: 1 GB


def sums_of_offspring(law: OffspringLaw, counts: Counts, generator: np.random.Generator) -> Counts:
    """For each count z the sum of z independent offspring numbers.

    How many families have 0, 1, ..., 63 members is drawn by conditional binomial laws; the few larger ones are drawn
    one by one. Raises ValueError where a population becomes too large for either.
    """
    table = tabulated(law)
    total = np.zeros_like(counts)
    path = np.flatnonzero(counts)  # of those with families left
    remaining = counts[path]
    for k in range(HEAD):
        if not len(path):
            break
        drawn = generator.binomial(remaining, table.hazard[k])
        total[path] += k * drawn
        left = remaining > drawn
        path, remaining = path[left], (remaining - drawn)[left]
    if remaining.sum(dtype=np.float64) > _ONE_BY_ONE:
        raise ValueError(f"a population of {counts.max():.2g} has too many large families to draw them one by one")
    owner = np.repeat(path, remaining)
    families = table.beyond(generator.random((2, len(owner))))
    if (total + np.bincount(owner, families, minlength=len(counts))).max(initial=0) > MOST:
        raise ValueError(f"a population exceeds {MOST:.2g}: simulate fewer generations")
    np.add.at(total, owner, families.astype(np.int64))
    return total


class Table(NamedTuple):
    """P(Y >= k) up to a degree, and the power law in which it goes on."""

    survival: Float[np.ndarray, " degree+2"]
    hazard: Float[np.ndarray, " head"]  # P(Y = k | Y >= k) for k < HEAD
    tail_index: float  # P(Y >= k) ~ k^-index
    even: float  # the share of the even k there

    def beyond(self, uniform: Float[np.ndarray, "2 draws"]) -> Float[np.ndarray, " draws"]:
        """Y given Y >= HEAD: the largest y with P(Y >= y) >= level, for a uniform level in (0, P(Y >= HEAD)]."""
        level = (1 - uniform[0]) * self.survival[HEAD]
        ascending, last = self.survival[::-1], len(self.survival) - 1
        family = (last - np.searchsorted(ascending, level, side="left")).astype(np.float64)
        tail = family == last
        far = last * (self.survival[last] / level[tail]) ** (1 / self.tail_index)
        odd = uniform[1][tail] >= self.even
        family[tail] = last + 2 * np.floor((far - last) / 2) + (odd != last % 2)
        return np.asarray(family)


@lru_cache(maxsize=32)
def tabulated(law: OffspringLaw) -> Table:
    """A law up to DEGREE, or to where it has few members beyond: its tail, of the same index as the table's last half.

    For ReLU the tail has probability 3e-7, and the power law is within 3e-4 of it there.
    """
    degree = DEGREE
    while (tail := 1 - math.fsum(p := law.coefficients(degree))) > _TAIL:
        degree *= 2
        if degree > _HIGHEST:
            raise ValueError(f"{law.name} has most of its probability beyond {_HIGHEST}: too large families to draw")
    tail = tail if tail > _NO_TAIL else 0.0
    survival = np.append(tail + np.cumsum(p[::-1])[::-1], tail)
    survival /= survival[0]
    index = math.log2(survival[degree // 2] / survival[degree]) if tail else math.inf
    hazard = np.divide(p[:HEAD], survival[:HEAD], out=np.ones(HEAD), where=survival[:HEAD] > 0)
    even = p[degree] / (p[degree] + p[degree - 1]) if tail else 0.0
    return Table(survival, np.minimum(hazard, 1.0), index, even)
