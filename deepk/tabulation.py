"""Smooth functions of a logarithm as piecewise polynomials, evaluated on arrays of any size at the cost of one lookup.

Pieces of an interval are cut in two until their Chebyshev coefficients have fallen to the rounding of the function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from numpy.polynomial import chebyshev
from scipy.fft import dct
from torch import Tensor

_DEGREE = 12  # of the polynomial of a piece
_NODES = np.cos((np.arange(_DEGREE + 1) + 0.5) * math.pi / (_DEGREE + 1))  # on which these are orthogonal
_WIDTH = 4.0  # of the pieces to begin with: 1.5 decades
_LEVELS = 24  # bisections
_EPS = float(np.finfo(np.float64).eps)
_RESOLVED = 2e-15  # last coefficients of a piece, relative to 1 or to the largest value
_UNRESOLVED = 1e-9  # the same where bisection ends, for a function that is not smooth
_MOST_PIECES = 4096  # at once

Values = Float[np.ndarray, "..."]
Series = Float[np.ndarray, "degrees pieces"]


@dataclass(frozen=True)
class Table:
    """A function of x on [low, high], constant below and above.

    Attributes:
        edges: of the pieces.
        polynomials: in t in [-1, 1] on each piece, highest degree last.
        rest: the size of what the polynomials leave out.
        least_slope: the smallest of the derivative at the nodes.
        largest_slope: the largest.
    """

    edges: Float[Tensor, " edges"]
    polynomials: Float[Tensor, "degrees pieces"]
    rest: float
    least_slope: float
    largest_slope: float

    def __call__(self, x: Float[Tensor, ...]) -> Float[Tensor, ...]:
        """The function at x, float64 on any device."""
        edges, polynomials = self.edges.to(x.device), self.polynomials.to(x.device)
        x = x.clamp(edges[0], edges[-1])
        piece = torch.bucketize(x, edges[1:-1])
        low, high = edges[:-1], edges[1:]
        t = (x - ((high + low) / 2)[piece]) * (2 / (high - low))[piece]
        value = polynomials[-1][piece]
        for coefficients in polynomials.flip(0)[1:]:
            value = torch.addcmul(coefficients[piece], value, t)
        return value


def tabulate(
    f: Callable[[Values], tuple[Values, ...]], low: float, high: float, *, noise: float = 0.0
) -> tuple[Table, ...] | None:
    """Tables of the functions f on [low, high], on the same pieces; None where that takes too many, or f is infinite.

    `noise` is the error of f's values that cannot be resolved, beside a rounding of them and of x.
    """
    pieces = _resolve(f, low, high, noise)
    if pieces is None:
        return None
    left, right, every = pieces
    edges = torch.from_numpy(np.append(left, right[-1]))
    return tuple(_table(edges, series, right - left) for series in every)


def _table(edges: Float[Tensor, " edges"], series: Series, width: Float[np.ndarray, " pieces"]) -> Table:
    slopes = chebyshev.chebval(_NODES, chebyshev.chebder(series)) * (2 / width)[:, None]
    return Table(
        edges=edges,
        polynomials=torch.from_numpy(_monomials() @ series),
        rest=float(_rest(series).max()),
        least_slope=float(slopes.min()),
        largest_slope=float(slopes.max()),
    )


def _resolve(
    f: Callable[[Values], tuple[Values, ...]], low: float, high: float, noise: float
) -> tuple[Values, Values, Float[np.ndarray, "functions degrees pieces"]] | None:
    """Ends of pieces of [low, high], in order, and Chebyshev series of f on them."""
    edges = np.linspace(low, high, max(math.ceil((high - low) / _WIDTH), 1) + 1)
    left, right = edges[:-1], edges[1:]
    done = []
    for level in range(_LEVELS + 1):
        x = (left + right)[:, None] / 2 + (right - left)[:, None] / 2 * _NODES
        every = dct(np.stack(f(x)), type=2, axis=2).swapaxes(1, 2) / (_DEGREE + 1)
        every[:, 0] /= 2
        rounding = noise + _EPS * (np.abs(x).max(axis=1) + np.abs(every[:, 0]))
        allowed = _RESOLVED + rounding if level < _LEVELS else _UNRESOLVED
        rest = np.stack([_rest(series) for series in every])
        rough = (rest > allowed).any(axis=0)
        if not np.isfinite(rest).all() or rough.sum() > _MOST_PIECES or (level == _LEVELS and rough.any()):
            return None
        done.append((left[~rough], right[~rough], every[..., ~rough]))
        if not rough.any():
            break
        left, middle, right = left[rough], (left + right)[rough] / 2, right[rough]
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    lefts, rights, all_series = (np.concatenate(parts, axis=-1) for parts in zip(*done, strict=True))
    order = np.argsort(lefts)
    return lefts[order], rights[order], all_series[..., order]


def _rest(series: Series) -> Float[np.ndarray, " pieces"]:
    """The size of the last two coefficients on each piece, which shows how large those left out are."""
    return np.asarray(np.abs(series[-2:]).sum(axis=0))


@lru_cache(maxsize=1)
def _monomials() -> Float[np.ndarray, "degrees degrees"]:
    """The coefficients of the Chebyshev polynomials, one in each column."""
    columns = [chebyshev.cheb2poly([0] * k + [1]) for k in range(_DEGREE + 1)]
    return np.stack([np.pad(column, (0, _DEGREE + 1 - len(column))) for column in columns], axis=1)
