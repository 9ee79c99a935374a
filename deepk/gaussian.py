"""Expectations of functions of one or two standard normal variables, in float64.

The integrals run over [-13, 13]: P(|Z| > 13) = 1.2e-38. Each smooth piece is cut until Gauss-Legendre quadrature
resolves it, so that kinks cost no digits where they are declared, and only time where they are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

Function = Callable[[Tensor], Tensor]
Rows = Int[np.ndarray, " pieces"]
Nodes = Float[np.ndarray, "pieces nodes"]

CUT = 13.0
# To begin with; narrower where the mass is, and dyadic, so that no length is rounded. The outer pieces, where
# exp(-z^2/2) is steep, hold 2e-9 of it.
_MESH = np.array([-CUT, -6.0, -2.25, 0.0, 2.25, 6.0, CUT])
_NODES = 24  # Gauss-Legendre nodes of a piece
_RESOLVED = 1e-16  # estimated error of a piece, relative to the integral of |f|
_LEFT_OUT = 1e-13  # of E |f|, what the density may leave of f at |z| = 13
_NEGLIGIBLE = 1e-30  # the same for a small integral of a function of size one, whose density there is 1e-38
MOST_PIECES = 20_000  # at once: 10 MB for an array of the values at their nodes
_LEVELS = 40  # bisections: 3.75 * 2^-40 = 3e-12 around a jump that was not declared
_SINGULAR = 1e-10  # of E |f|, what may be left around a point after that many


def expectation(f: Function, *, kinks: Sequence[float] = ()) -> float:
    """E f(Z) for Z ~ N(0, 1), to a relative 1e-12 of E |f(Z)|, for an f that changes on a scale of 0.1 or more.

    Args:
        f: elementwise on a float64 tensor of shape (nodes,).
        kinks: the points where f or a derivative of it jumps. One that is left out costs digits: bisection finds it
            unless it hides between the end of a piece and the first node, 0.24 % of the piece away; some per cent of a
            jump may be lost there.

    Raises ValueError where f(Z) has no finite expectation, or has it from |Z| > 13, or oscillates too fast.
    """
    return float(extended_expectation(f, kinks=kinks))


def extended_expectation(f: Function, *, kinks: Sequence[float] = ()) -> np.longdouble:
    """`expectation` before its last rounding: what is left are the roundings of f itself, averaged over the nodes.

    For sums and differences that would amplify a rounding, as a fixed point does; no better than float64 where the
    platform has no longer floating-point type.
    """
    inside = tuple(kink for kink in kinks if abs(kink) < CUT)
    return np.longdouble(_integrate(lambda z, _: values(f, z), _line(inside))[0])


def expectation_2d(f: Function, g: Function, correlation: float, *, kinks: Sequence[float] = ()) -> float:
    """E f(Z1) g(Z2) for standard normal Z1, Z2 of this correlation in [-1, 1], to a relative 1e-12 of E |f(Z1) g(Z2)|.

    Args:
        f: elementwise on a float64 tensor of shape (nodes,).
        g: the same.
        correlation: E Z1 Z2.
        kinks: the points where f or g, or a derivative of them, jumps.

    Raises ValueError for a correlation outside [-1, 1], or as `expectation` does.
    """
    return plane_expectation(lambda x, y: values(f, x) * values(g, y), correlation, kinks=kinks)


def plane_expectation(
    h: Callable[[Nodes, Nodes], Nodes], correlation: float, *, kinks: Sequence[float] = (), symmetric: bool = False
) -> float:
    """E h(Z1, Z2), for an h that is smooth but where Z1 or Z2 is one of the kinks; `symmetric` if h(x, y) = h(y, x).

    Turns the plane by 45 degrees. For correlation c >= 0, with independent standard normal U and V,

        Z1 = p U + r V,   Z2 = p U - r V,   p = sqrt((1 + c) / 2),   r = sqrt((1 - c) / 2) <= p

    (for c < 0 the same with -Z2). A kink k is met at U = (k - r V) / p and U = (k + r V) / p, and the integral over U
    is smooth in V but where two of these meet, at V = (k - k') / 2r. So both integrals are piecewise smooth on a scale
    of one, however close c is to 1, where nodes in (Z1, Z2) would have to follow a ridge.
    """
    if not -1 <= correlation <= 1:
        raise ValueError(f"correlation = {correlation} is not in [-1, 1]")
    sign = 1.0 if correlation >= 0 else -1.0
    p, r = math.sqrt((1 + abs(correlation)) / 2), math.sqrt((1 - abs(correlation)) / 2)
    points = np.array([kink for kink in kinks if math.isfinite(kink)])

    def over_u(v: Nodes, _: Rows) -> Nodes:
        shift = r * v.reshape(-1, 1)
        cuts = np.concatenate([(points - shift) / p, (sign * points + shift) / p], axis=1)

        def integrand(u: Nodes, row: Rows) -> Nodes:
            along, across = p * u, shift[row]
            return h(along + across, sign * (along - across))

        pieces = _pieces(_edges(cuts)) if len(points) else _uncut(len(cuts))
        return _integrate(integrand, pieces, density(v).ravel()).reshape(v.shape)

    meetings = (points[:, None] - sign * points[None, :]).ravel() / (2 * r) if r > 0 else np.empty(0)
    half = symmetric and sign > 0  # exchanging Z1 and Z2 turns V into -V
    edges = _edges(meetings[None, np.abs(meetings) < CUT])
    if half:
        edges = edges[:, edges[0] >= 0]
    return float(_integrate(over_u, _pieces(edges))[0]) * (2.0 if half else 1.0)


def values(f: Function, x: Nodes) -> Nodes:
    """f at the nodes, which it is shown in one dimension; ValueError where it does not keep shape and type."""
    copy = torch.from_numpy(x.flatten())  # f may work in place
    value = f(copy)
    if value.shape != copy.shape or value.dtype != copy.dtype:
        raise ValueError("the function does not map a float64 tensor to one of the same shape and type")
    nodes: Nodes = value.detach().numpy(force=True).reshape(x.shape)
    return nodes


def density(z: Shaped[np.ndarray, "*nodes"]) -> Shaped[np.ndarray, "*nodes"]:
    """Of the standard normal law at z, in the precision of z."""
    return np.asarray(np.exp(z * z / -2) / np.sqrt(8 * np.arctan(z.dtype.type(1))))


def _edges(breaks: Float[np.ndarray, "rows breaks"]) -> Float[np.ndarray, "rows edges"]:
    """For each row the ends of its pieces, in order: the mesh, cut at the row's breaks."""
    mesh = np.broadcast_to(_MESH, (len(breaks), len(_MESH)))
    return np.sort(np.concatenate([mesh, np.clip(breaks, -CUT, CUT)], axis=1), axis=1)


class _Pieces(NamedTuple):
    """Intervals, each with the row whose integral it belongs to, and their nodes with the normal density there.

    A single integral can afford extended precision, where the platform has it: a rounding of its density and of its
    pieces' lengths would be the same in every evaluation, and would not average out.
    """

    low: Shaped[np.ndarray, " pieces"]
    high: Shaped[np.ndarray, " pieces"]
    row: Rows
    rows: int
    nodes: Nodes
    density: Shaped[np.ndarray, "pieces nodes"]  # times half the length
    ends: Rows  # where, among all nodes, those next to -13 and 13 are

    @staticmethod
    def of(low: Shaped[np.ndarray, " pieces"], high: Shaped[np.ndarray, " pieces"], row: Rows, rows: int) -> _Pieces:
        precision = np.longdouble if rows == 1 else np.float64
        low, high = low.astype(precision), high.astype(precision)
        half = (high - low)[:, None] / 2
        nodes = (high + low)[:, None] / 2 + half * quadrature_rule(precision).nodes
        ends = [np.flatnonzero(low == -CUT) * _NODES, np.flatnonzero(high == CUT) * _NODES + _NODES - 1]
        return _Pieces(low, high, row, rows, nodes.astype(np.float64), density(nodes) * half, np.concatenate(ends))

    def halves(self, rough: Bool[np.ndarray, " pieces"]) -> _Pieces:
        """Both halves of the rough ones."""
        low, high, row = self.low[rough], self.high[rough], self.row[rough]
        middle = (low + high) / 2
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        return _Pieces.of(low, high, np.concatenate([row, row]), self.rows)


def _pieces(edges: Float[np.ndarray, "rows edges"]) -> _Pieces:
    low, high = edges[:, :-1].ravel(), edges[:, 1:].ravel()
    row = np.repeat(np.arange(len(edges)), edges.shape[1] - 1)
    proper = high > low
    return _Pieces.of(low[proper], high[proper], row[proper], len(edges))


@lru_cache(maxsize=8)
def _uncut(rows: int) -> _Pieces:
    """The mesh alone, in each of the rows."""
    return _pieces(_edges(np.empty((rows, 0))))


@lru_cache(maxsize=64)
def _line(breaks: tuple[float, ...]) -> _Pieces:
    return _pieces(_edges(np.array([breaks])))


def _integrate(
    f: Callable[[Nodes, Rows], Nodes],
    pieces: _Pieces,
    importance: Float[np.ndarray, " rows"] | None = None,
) -> Shaped[np.ndarray, " rows"]:
    """E f(Z, row) over each row's pieces.

    Cuts in two, again and again, each piece whose error, times its row's importance, is not yet small beside E |f| of
    the row where that is largest. Raises ValueError where f is not finite, or too large to have an expectation.
    """
    rule, precise = quadrature_rule(np.float64), quadrature_rule(np.longdouble)
    total, size = np.zeros(pieces.rows), 0.0
    for level in range(_LEVELS + 1):
        exact = f(pieces.nodes, pieces.row) * pieces.density
        y = exact.astype(np.float64, copy=False)
        counts = np.ones(len(pieces.row)) if importance is None else importance[pieces.row]
        if level == 0:
            size = float(_by_row(np.abs(y) @ rule.weights * counts, pieces.row, pieces.rows).max())
            if not size < math.inf:
                raise ValueError("the function is not finite, or overflows, somewhere within 13 standard deviations")
            outermost = np.abs(y.ravel()[pieces.ends]) * counts[pieces.ends // _NODES]
            if outermost.max() > max(_LEFT_OUT * size, _NEGLIGIBLE):
                raise ValueError("the function grows too fast: its expectation is infinite, or lies beyond |z| = 13")
        integrals = y @ rule.projection
        value = integrals[:, 0] if exact is y else (exact * precise.weights).sum(axis=1)
        # Legendre coefficients: of half the degree, and the highest. Where they fall geometrically, that of twice the
        # degree, the first that the rule gets wrong, is last * (last / middle)^2.
        spectrum = np.abs(integrals[:, 1:])
        middle, last = np.maximum(spectrum[:, 0], spectrum[:, 1]), np.maximum(spectrum[:, 2], spectrum[:, 3])
        rough = counts * last * (np.minimum(last, middle) / np.maximum(middle, 1e-300)) ** 2 > _RESOLVED * size
        if level == _LEVELS and np.abs(value[rough]).sum() > _SINGULAR * size:
            raise ValueError("the function is singular: it has no expectation, or not to ten digits")
        if level == _LEVELS or not rough.any():
            return np.asarray(total + _by_row(value, pieces.row, pieces.rows))
        total = total + _by_row(value[~rough], pieces.row[~rough], pieces.rows)
        if rough.sum() > MOST_PIECES:
            raise ValueError("the function oscillates too fast to be integrated")
        pieces = pieces.halves(rough)
    raise AssertionError("the last level returns")


def _by_row(value: Shaped[np.ndarray, " pieces"], row: Rows, rows: int) -> Shaped[np.ndarray, " rows"]:
    """The sum of each row's values."""
    if rows == 1:
        return np.array([value.sum()])
    return np.bincount(row, value, minlength=rows).astype(np.float64, copy=False)


class _Rule(NamedTuple):
    """Gauss-Legendre quadrature on [-1, 1]: nodes, weights, and the weights beside a map to Legendre coefficients."""

    nodes: Shaped[np.ndarray, " nodes"]
    weights: Shaped[np.ndarray, " nodes"]
    projection: Shaped[np.ndarray, "nodes 5"]  # the integral, and two coefficients each of half and of full degree


@lru_cache(maxsize=2)
def quadrature_rule(precision: type[np.floating]) -> _Rule:
    """The weights are 2 / ((1 - x^2) P_n'(x)^2).

    Near the ends a node's rounding moves them by 1e-13, so they are taken after a Newton step in extended precision.
    """
    n = _NODES
    x = np.polynomial.legendre.leggauss(n)[0].astype(np.longdouble)
    for _ in range(2):
        legendre = np.polynomial.legendre.legvander(x, n)
        slope = n * (legendre[:, n - 1] - x * legendre[:, n]) / (1 - x**2)
        w = 2 / ((1 - x**2) * slope**2)
        x = x - legendre[:, n] / slope
    degrees = np.array([n // 2 - 2, n // 2 - 1, n - 2, n - 1])
    projection = w[:, None] * np.column_stack([np.ones(n), legendre[:, degrees] * (2 * degrees + 1) / 2])
    return _Rule(x.astype(precision), w.astype(precision), projection.astype(precision))
