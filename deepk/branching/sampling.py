"""Draws from a law of offspring that is known by its probabilities, its tail included."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

Counts = Int[np.ndarray, " paths"]

HEAD = 64  # families smaller than this are drawn for a whole population at once
DEGREE = 4096  # of the table; beyond it a law goes on as the power law that it ends in
_NO_TAIL = 1e-11  # probability beyond the table that is rounding
_HIGHEST = 2**17  # degree of a table
MOST = 2**56  # individuals: 64 times as many still fit an int64
_ONE_BY_ONE = 10**7  # families drawn one by one: half a GB


def sums_of_offspring(table: Table, counts: Counts, generator: np.random.Generator) -> Counts:
    """For each count z the sum of z independent offspring numbers of a tabulated law.

    How many families have 0, 1, ..., 63 members is drawn by conditional binomial laws; the few larger ones are drawn
    one by one. Raises ValueError where a population becomes too large for either.
    """
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


def limited(draw: Callable[[Any], Counts], sizes: Any) -> Counts:
    """draw(sizes) in int64; ValueError where a size or what is drawn exceeds MOST individuals."""
    drawn = np.asarray(draw(sizes), np.int64) if np.max(sizes, initial=0) <= MOST else None
    if drawn is None or drawn.max(initial=0) > MOST:
        raise ValueError(f"a population exceeds {MOST:.2g}: simulate fewer generations")
    return drawn


class Table(NamedTuple):
    """P(Y >= k) up to a degree, and the power law in which it goes on."""

    survival: Float[np.ndarray, " degree+2"]
    hazard: Float[np.ndarray, " head"]  # P(Y = k | Y >= k) for k < HEAD
    tail_index: float  # P(Y >= k) ~ k^-index beyond
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


def tabulated(coefficients: Callable[[int], Float[np.ndarray, " terms"]], tail_index: float, name: str) -> Table:
    """A law by its probabilities p_0, ..., p_degree for any degree, as a table to draw from.

    Up to DEGREE where its tail is a power law (a finite tail index), which goes on from there: for ReLU the tail has
    probability 3e-7, and the power law is within 3e-4 of it. Else up to where nothing is left. Raises ValueError for a
    law that is spread too widely to be tabulated.
    """
    degree, tail = DEGREE, 0.0
    while True:
        p = coefficients(degree)
        tail = max(0.0, 1 - math.fsum(p))
        if tail <= _NO_TAIL or tail_index < math.inf:
            break
        degree *= 2
        if degree > _HIGHEST:
            raise ValueError(f"{name} has offspring beyond {_HIGHEST}: too many to be tabulated")
    tail = tail if tail > _NO_TAIL else 0.0
    survival = np.append(tail + np.cumsum(p[::-1])[::-1], tail)
    survival /= survival[0]
    hazard = np.divide(p[:HEAD], survival[:HEAD], out=np.ones(HEAD), where=survival[:HEAD] > 0)
    late = p[degree // 2 :]  # from an even k on
    return Table(survival, np.minimum(hazard, 1.0), tail_index, float(late[::2].sum() / late.sum()) if tail else 0.0)
