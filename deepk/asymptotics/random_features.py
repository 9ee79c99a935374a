"""Ridge regression on random features in the limit of proportional dimensions: double descent, exactly.

Data x on the sphere of radius sqrt(d) in R^d, targets f(x) + noise of variance tau^2, where f has a linear part of norm
F_1 and a nonlinear one, a Gaussian process, of variance F_*^2; N features sigma(<theta, x> / sqrt(d)) with theta on the
same sphere; psi_1 = N / d and psi_2 = n / d as d tends to infinity (Mei, Montanari 2022, arXiv:1908.05355).
The coefficients a minimize the mean over n samples of (y - sum_i a_i sigma_i)^2, plus (N / d) ridge |a|^2: the paper's
convention, with its factor N / d. The risk is the test error against f, without the noise of the test label.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from deepk import activations
from deepk.activations import Activation
from deepk.asymptotics.arguments import broadcast
from deepk.asymptotics.equivalent import Equivalent, Points, Spectrum, derivative, moved, solve
from deepk.gaussian import expectation
from deepk.hermite import hermite_coefficients

_TINY = 1e-30  # of a complex step
_GRID = 10.0 ** np.arange(-18.0, 13.0)  # ridges, times E sigma^2, among which the sign of the slope is looked for
_HALVINGS = 45
_SAME = 4 * float(np.finfo(np.float64).eps)  # of two risks, relative
_ROUNDINGS = 1e-13  # what is left of a linear function, or of one without a linear part


@dataclass(frozen=True)
class RandomFeaturesRisk:
    """Numbers, or arrays of the shape that the arguments broadcast to.

    Attributes:
        bias: B, the share of F_1^2 in the risk.
        variance: V, that of tau^2 + F_*^2.
        risk: F_1^2 B + (tau^2 + F_*^2) V + F_*^2.
        training_error: the mean of (y - sum_i a_i sigma_i)^2 over the samples.
        squared_norm: (N / d) |a|^2.
    """

    bias: Any
    variance: Any
    risk: Any
    training_error: Any
    squared_norm: Any


@dataclass(frozen=True)
class OptimalRidge:
    """Numbers, or arrays of the shape that the arguments broadcast to.

    Attributes:
        ridge: at which the risk is least; 0 where none is better, infinite where to predict zero is best.
        risk: there.
    """

    ridge: Any
    risk: Any


def random_features_risk(
    psi_1: ArrayLike,
    psi_2: ArrayLike,
    *,
    ridge: ArrayLike = 0.0,
    activation: str | Activation = "relu",
    signal: ArrayLike = 1.0,
    nonlinear: ArrayLike = 0.0,
    noise: ArrayLike = 0.0,
) -> RandomFeaturesRisk:
    """The limits of the risk and of what it is made of (arXiv:1908.05355, its main theorem and limits).

    All but the activation are numbers or arrays, which broadcast. At psi_1 = psi_2 it is infinite without a ridge.

    Args:
        psi_1: N / d > 0, features; may be infinite.
        psi_2: n / d > 0, samples; may be infinite.
        ridge: the paper's lambda >= 0, of which N / d times as much multiplies |a|^2 beside the mean of squares.
        activation: sigma, a known name or an `Activation`.
        signal: F_1^2 >= 0, of the linear part.
        nonlinear: F_*^2 >= 0, of the rest of the target.
        noise: tau^2 >= 0, of the labels.

    Raises ValueError for a psi that is not > 0, for others that are negative or not finite, for shapes that do not
    broadcast, and an activation that is constant or has no second moment.
    """
    shape, (p, n, r, f, rest, tau) = broadcast(
        psi_1=psi_1, psi_2=psi_2, ridge=ridge, signal=signal, nonlinear=nonlinear, noise=noise
    )
    spectrum = feature_spectrum(activations.get(activation))
    at = solve(spectrum, p, n, r)
    found = _risk(at, f, rest, tau), *_training(at, spectrum, f, rest + tau)
    bias, variance = at.bias(np.ones(1)), at.variance
    return RandomFeaturesRisk(*(each.reshape(shape)[()] for each in (bias, variance, *found)))


def optimal_ridge(
    psi_1: ArrayLike,
    psi_2: ArrayLike,
    *,
    activation: str | Activation = "relu",
    signal: ArrayLike = 1.0,
    nonlinear: ArrayLike = 0.0,
    noise: ArrayLike = 0.0,
) -> OptimalRidge:
    """The ridge of least risk, by the sign of the exact derivative, and that risk.

    Exactly 0 where no other ridge is better, to a rounding of the risk. For infinitely many features this is where
    F_1^2 / (F_*^2 + tau^2) is above zeta^2 = mu_1^2 / mu_*^2 of the activation, 2.75 for ReLU
    (arXiv:1908.05355); for fewer it is later. Arguments and errors as for `random_features_risk`.
    """
    shape, (p, n, f, rest, tau) = broadcast(psi_1=psi_1, psi_2=psi_2, signal=signal, nonlinear=nonlinear, noise=noise)
    spectrum = feature_spectrum(activations.get(activation))
    scale = float(spectrum.eigenvalues.sum()) + spectrum.tail
    wide = np.isinf(p) & np.isinf(n)  # where all is learnt without a ridge
    p, n = np.where(wide, 1.0, p), np.where(wide, 1.0, n)

    def rises(ridges: Points, which: np.ndarray) -> np.ndarray:
        return _slope(spectrum, p[which], n[which], ridges, f[which], (rest + tau)[which]) >= 0

    everyone = np.arange(len(p))
    signs = rises(scale * np.repeat(_GRID, len(p)), np.tile(everyone, len(_GRID))).reshape(len(_GRID), len(p))
    first = np.where(signs.any(axis=0), signs.argmax(axis=0), len(_GRID))  # of the grid, from which on the risk rises
    ends = scale * np.array([0.0, *_GRID, np.inf])
    low, high = ends[first], ends[first + 1]
    for _ in range(_HALVINGS):
        open_ = np.flatnonzero((low > 0) & np.isfinite(high))
        middle = np.sqrt(low[open_] * high[open_])
        up = rises(middle, open_)
        high[open_], low[open_] = np.where(up, middle, high[open_]), np.where(up, low[open_], middle)
    found = np.where(low == 0, 0.0, np.where(np.isfinite(high), np.sqrt(low * high), np.inf))
    none = np.isinf(found)
    risk = np.where(none, f + rest, _risk(solve(spectrum, p, n, np.where(none, 0.0, found)), f, rest, tau))
    without = np.where(wide, rest, _risk(solve(spectrum, p, n, np.zeros(len(p))), f, rest, tau))
    zero = without <= risk * (1 + _SAME)
    found, risk = np.where(zero, 0.0, found), np.where(zero, without, risk)
    return OptimalRidge(found.reshape(shape)[()], risk.reshape(shape)[()])


@lru_cache(maxsize=64)
def feature_spectrum(activation: Activation) -> Spectrum:
    """mu_1^2 = (E Z sigma(Z))^2, once for each dimension, and mu_*^2, what the linear part leaves of Var sigma(Z).

    The constant part, which one feature learns, does not count as d tends to infinity. Raises ValueError for an
    activation that is constant or has no second moment.
    """
    try:
        mean, slope = hermite_coefficients(activation, 1)
        square = expectation(lambda z: activation(z) ** 2, kinks=activation.breaks)
    except ValueError as error:
        raise ValueError(f"activation {activation.name} has no second moment that can be computed: {error}") from None

    def nonlinear(z: Tensor) -> Tensor:
        value: Tensor = activation(z.clone())
        rest = value - mean - slope * z
        size = value.abs() + abs(mean) + abs(slope) * z.abs()
        return torch.where(rest.abs() > _ROUNDINGS * size, rest, 0.0)

    left = expectation(lambda z: nonlinear(z) ** 2, kinks=activation.breaks)
    first = float(slope**2) if slope**2 > _ROUNDINGS**2 * square else 0.0
    if first + left == 0:
        raise ValueError(f"activation {activation.name} is constant: its features tell nothing")
    return Spectrum(np.array([first]), np.ones(1), left)


def _risk(at: Equivalent, signal: Points, nonlinear: Points, noise: Points) -> Points:
    """F_1^2 B + (tau^2 + F_*^2) V + F_*^2, with nothing infinite of a part that is zero."""
    with np.errstate(invalid="ignore"):
        of_signal = np.where(signal == 0, 0.0, signal * at.bias(np.ones(1)))
        of_rest = np.where(nonlinear + noise == 0, 0.0, (nonlinear + noise) * at.variance)
    return np.asarray(of_signal + of_rest + nonlinear)


def _training(at: Equivalent, spectrum: Spectrum, signal: Points, rest: Points) -> tuple[Points, Points]:
    """The training error and (N / d) |a|^2; `rest` is tau^2 + F_*^2."""
    (first,), learnt, left = spectrum.eigenvalues, at.learnt[:, 0], at.kept[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(np.isinf(at.samples), 1.0, at.spare_samples / at.samples)
        error = share * (share / at.left) * (signal * at.unlearnt(np.ones(1)) + rest)
        linear = learnt**2 / first if first > 0 else np.zeros_like(learnt)  # u x / (1 + x)^2, x = mu_1^2 u
        of_g = linear + (spectrum.tail * at.u**2 if spectrum.tail > 0 else 0.0)  # u g
        of_rest = np.where(np.isinf(at.samples), 0.0, of_g / (at.g + at.spare_samples))
        not_linear = signal * left + rest
        norm = np.where(not_linear == 0, 0.0, of_rest * not_linear) + at.free_samples * signal * linear
        per_feature = np.where(np.isinf(at.features), 1.0, at.features / (at.g + at.spare_features))
        norm = per_feature * norm / (at.free_features + at.c * at.free_samples)
    return np.where(share == 0, 0.0, error), np.where(signal + rest == 0, 0.0, norm)


def _slope(spectrum: Spectrum, p: Points, n: Points, ridge: Points, signal: Points, rest: Points) -> Points:
    """The sign of d risk / d ridge, by a complex step along the root: no difference of risks."""
    at = solve(spectrum, p, n, ridge)
    du, de = derivative(spectrum, at, ridge)
    spare = np.minimum(at.spare_features, at.spare_samples)
    scale = _TINY * ridge
    step = moved(spectrum, at, at.u + 1j * scale * du, spare + 1j * scale * de)
    return np.asarray((signal * step.bias(np.ones(1)) + rest * step.variance).imag)
