"""The iterates of a generating function, each as one table.

With s = cos(theta), a generating function G maps an angle to an angle, theta_1 = arccos G(cos theta), and zero to zero.
What is tabulated is log theta_L - p log theta against log theta, piecewise by polynomials. This is smooth on a scale of
one whatever happens at zero: theta_L is mu^(L/2) theta there for a finite mean, theta / (1 + L theta / 3 pi) at first
for ReLU, and a constant times theta^p, p = 2^-L, where the activation jumps; and a relative error of theta_L is one of
1 - K, however small that is. In these coordinates layers rarely stretch a distance, so errors add up rather than
multiply; and the table of 2L layers is that of L layers applied to itself, so that it costs log L.
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

from deepk.branching.laws import CRITICAL, OffspringLaw

_DEGREE = 12  # of the polynomial of a piece
_NODES = np.cos((np.arange(_DEGREE + 1) + 0.5) * math.pi / (_DEGREE + 1))  # on which these are orthogonal
_WIDTH = 4.0  # of the pieces to begin with: 1.5 decades of theta
_LEVELS = 24  # bisections
_EPS = float(np.finfo(np.float64).eps)
_RESOLVED = 2e-15  # last coefficients of a piece, relative to 1 or to the largest value
_UNRESOLVED = 1e-9  # the same where bisection ends, for a map that is not smooth
_SMALLEST = math.log(1e-150)  # theta of u = 5e-301, which loses no digit to underflow
_MOST_PIECES = 4096  # at once
_DEAD = 1e-300  # 1 - G that counts as zero: of a constant activation, or a law without offspring
_LINEAR = -38.0  # log of the angle below which theta_L is a power of theta to 3e-17, up to factors that grow with L
_FIRST = 4 * _EPS  # relative error of theta_1 by rounding, beside that of 1 - G

Logs = Float[np.ndarray, "..."]
Series = Float[np.ndarray, "degrees pieces"]


@dataclass(frozen=True)
class Iterate:
    """theta -> theta_L on [0, largest_angle].

    Attributes:
        power: p, 1 for a finite mean.
        edges: of the pieces, log theta.
        polynomials: in x in [-1, 1] on each piece, highest degree last.
        error_bound: relative error of theta_L, from the truncated polynomials and the rounding of all layers. The bound
            takes a layer's errors to be stretched by the following ones as much as they stretch anything.
        stretch: the largest d log theta_L / d log theta.
    """

    power: float
    edges: Float[Tensor, " edges"]
    polynomials: Float[Tensor, "degrees pieces"]
    error_bound: float
    stretch: float

    def __call__(self, theta: Float[Tensor, ...]) -> Float[Tensor, ...]:
        """theta_L, for float64 angles on any device."""
        image = theta.pow(self.power) * self.log_factor(theta.log()).exp()
        return image.where(theta > 0, 0.0)  # also where p is so small that 0^p = 1

    def log(self, log_theta: Logs) -> Logs:
        """log theta_L."""
        x = torch.from_numpy(log_theta)
        return np.asarray((self.power * x + self.log_factor(x)).numpy())

    def log_factor(self, x: Float[Tensor, ...]) -> Float[Tensor, ...]:
        """log theta_L - p log theta at x = log theta; constant below the table."""
        edges, polynomials = self.edges.to(x.device), self.polynomials.to(x.device)
        x = x.clamp(edges[0], edges[-1])
        piece = torch.bucketize(x, edges[1:-1])
        low, high = edges[:-1], edges[1:]
        t = (x - ((high + low) / 2)[piece]) * (2 / (high - low))[piece]
        value = polynomials[-1][piece]
        for coefficients in polynomials.flip(0)[1:]:
            value = torch.addcmul(coefficients[piece], value, t)
        return value


@lru_cache(maxsize=64)
def iterate(law: OffspringLaw, depth: int) -> Iterate:
    """The map theta -> theta_L of L = `depth` generations of a law, as a table."""
    if depth > 1:
        half = iterate(law, depth // 2)
        twice = _composed(law, half, half, 2 * (depth // 2))
        return _composed(law, iterate(law, 1), twice, depth) if depth % 2 else twice

    def layer(log_theta: Logs) -> Logs:
        complement = law.complement_at_angles(np.exp(log_theta)).clip(_DEAD, 2)
        return np.asarray(np.log(2 * np.arcsin(np.sqrt(complement / 2))))

    return _tabulated(layer, law, 1, _FIRST + law.error)


def _composed(law: OffspringLaw, outer: Iterate, inner: Iterate, depth: int) -> Iterate:
    error = outer.error_bound + outer.stretch * inner.error_bound
    return _tabulated(lambda x: outer.log(inner.log(x)), law, depth, error)


def _tabulated(log_map: Callable[[Logs], Logs], law: OffspringLaw, depth: int, error: float) -> Iterate:
    """The table of a map of `depth` generations; `error` is the relative error of the values that it is made from."""
    power, low = law.order**depth, _lowest(law, depth)
    pieces = _resolve(lambda x: log_map(x) - power * x, low, math.log(law.largest_angle))
    if pieces is None:
        raise ValueError(
            f"{law.name} is too steep, or too nearly odd, for the kernel of {depth} layers to be tabulated"
        )
    left, right, series = pieces
    slopes = power + chebyshev.chebval(_NODES, chebyshev.chebder(series)) * (2 / (right - left))[:, None]
    return Iterate(
        power=power,
        edges=torch.from_numpy(np.append(left, right[-1])),
        polynomials=torch.from_numpy(_monomials() @ series),
        error_bound=error + float(_rest(series).max()) + 2 * _EPS * max(1.0, abs(low)),
        stretch=float(np.abs(slopes).max()),
    )


def _resolve(f: Callable[[Logs], Logs], low: float, high: float) -> tuple[Logs, Logs, Series] | None:
    """Ends of pieces of [low, high], in order, and Chebyshev series of f on them: pieces are cut in two until resolved.

    None where that takes too many pieces, or f is not finite.
    """
    edges = np.linspace(low, high, math.ceil((high - low) / _WIDTH) + 1)
    left, right = edges[:-1], edges[1:]
    done = []
    for level in range(_LEVELS + 1):
        x = (left + right)[:, None] / 2 + (right - left)[:, None] / 2 * _NODES
        series = dct(f(x), type=2, axis=1).T / (_DEGREE + 1)
        series[0] /= 2
        rest = _rest(series)
        noise = _EPS * (np.abs(x).max(axis=1) + np.abs(series[0]))
        rough = rest > (_RESOLVED + noise if level < _LEVELS else _UNRESOLVED)
        if not np.isfinite(rest).all() or rough.sum() > _MOST_PIECES or (level == _LEVELS and rough.any()):
            return None
        done.append((left[~rough], right[~rough], series[:, ~rough]))
        if not rough.any():
            break
        left, middle, right = left[rough], (left + right)[rough] / 2, right[rough]
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    lefts, rights, all_series = (np.concatenate(parts, axis=-1) for parts in zip(*done, strict=True))
    order = np.argsort(lefts)
    return lefts[order], rights[order], all_series[:, order]


def _rest(series: Series) -> Float[np.ndarray, " pieces"]:
    """The size of the last two coefficients on each piece, which shows how large those left out are."""
    return np.asarray(np.abs(series[-2:]).sum(axis=0))


@lru_cache(maxsize=1)
def _monomials() -> Float[np.ndarray, "degrees degrees"]:
    """The coefficients of the Chebyshev polynomials, one in each column."""
    columns = [chebyshev.cheb2poly([0] * k + [1]) for k in range(_DEGREE + 1)]
    return np.stack([np.pad(column, (0, _DEGREE + 1 - len(column))) for column in columns], axis=1)


def _lowest(law: OffspringLaw, depth: int) -> float:
    """log theta below which theta_L is a constant times theta^p."""
    if math.isinf(law.mu) or not law.starts_as_power:
        return _SMALLEST
    growth = depth / 2 * math.log(law.mu) if law.mu > 1 + CRITICAL else 0.0
    return max(_LINEAR - math.log(depth) - growth, _SMALLEST)
