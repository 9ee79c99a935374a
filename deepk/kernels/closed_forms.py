"""Dual kernels in closed form: E sigma(X) sigma(Y) and its derivative, X and Y standard normal of correlation c.

None is normalized. ReLU and step: Cho and Saul 2009 (arc-cosine kernels of order 1 and 0); erf: Williams 1997; GELU:
Tsuchida et al. 2021, here after integrating by parts until only P(X <= U, Y <= V) and Gaussian densities are left.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deepk import activations
from deepk.activations import Activation
from deepk.arrays import Array
from deepk.meanfield import moments


@dataclass(frozen=True)
class ClosedForm:
    """E sigma(X) sigma(Y), and E sigma'(X) sigma'(Y)."""

    kernel: Callable[[Array], Array]
    derivative: Callable[[Array], Array]


def closed_form(activation: Activation) -> ClosedForm | None:
    """The kernel of a known activation, or of any positively homogeneous one, in closed form; None for others."""
    slopes = moments.homogeneous_slopes(activation)
    if slopes is not None:
        return _homogeneous(*slopes)
    known = {activations.get(name): form for name, form in _KNOWN.items()}
    return known.get(activation)


def _homogeneous(below: float, above: float) -> ClosedForm:
    """The kernel of above relu(x) - below relu(-x): those of relu(X) relu(Y) and relu(X) relu(-Y), twice each."""
    same, opposite = above**2 + below**2, 2 * above * below
    return ClosedForm(
        lambda c: same * _relu(c) - opposite * _relu(-c),
        lambda c: same * _step(c) + opposite * _step(-c),
    )


def _relu(c: Array) -> Array:
    """(sin theta + (pi - theta) cos theta) / 2 pi."""
    return np.asarray((np.sqrt((1 - c) * (1 + c)) + (math.pi - np.arccos(c)) * c) / (2 * math.pi))


def _step(c: Array) -> Array:
    """(pi - theta) / 2 pi."""
    return np.asarray((math.pi - np.arccos(c)) / (2 * math.pi))


def _step_slope(c: Array) -> Array:
    """1 / (2 pi sin theta)."""
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (2 * math.pi * np.sqrt((1 - c) * (1 + c))))


def _gelu(c: Array) -> Array:
    return np.asarray(c / 4 + (c * np.arcsin(c / 2) + 1 / np.sqrt(4 - c * c)) / (2 * math.pi))


def _gelu_slope(c: Array) -> Array:
    rest = 4 - c * c
    return np.asarray(1 / 4 + (np.arcsin(c / 2) + c / np.sqrt(rest) * (1 + 1 / rest)) / (2 * math.pi))


_KNOWN = {
    "step": ClosedForm(_step, _step_slope),
    "erf": ClosedForm(
        lambda c: np.asarray(2 / math.pi * np.arcsin(2 * c / 3)),
        lambda c: np.asarray(4 / (math.pi * np.sqrt(9 - 4 * c * c))),
    ),
    "sin": ClosedForm(lambda c: np.sinh(c) / math.e, lambda c: np.cosh(c) / math.e),
    "gelu": ClosedForm(_gelu, _gelu_slope),
}
