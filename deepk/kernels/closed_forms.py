"""Dual kernels in closed form: E sigma(X) sigma(Y) and its derivative, X and Y standard normal of correlation c.

None is normalized. ReLU and step: Cho and Saul 2009 (arc-cosine kernels of order 1 and 0); erf: Williams 1997; GELU:
Tsuchida et al. 2021, here after integrating by parts until only P(X <= U, Y <= V) and Gaussian densities are left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deepk import activations
from deepk.activations import Activation
from deepk.kernels.arithmetic import Correlation, Number
from deepk.meanfield import moments


@dataclass(frozen=True)
class Form:
    """E sigma(X) sigma(Y), and E sigma'(X) sigma'(Y), in numbers of any kind."""

    kernel: Callable[[Correlation], Number]
    slope: Callable[[Correlation], Number]


def closed_form(activation: Activation) -> Form | None:
    """The kernel of a known activation, or of any positively homogeneous one, in closed form; None for others."""
    slopes = moments.homogeneous_slopes(activation)
    if slopes is not None:
        return _homogeneous(*slopes)
    known = {activations.get(name): form for name, form in _KNOWN.items()}
    return known.get(activation)


def _homogeneous(below: float, above: float) -> Form:
    """The kernel of above relu(x) - below relu(-x): those of relu(X) relu(Y) and relu(X) relu(-Y), twice each."""

    def weights(x: Correlation) -> tuple[Number, Number]:
        b, a = x.number(below), x.number(above)
        return a * a + b * b, 2 * a * b

    def kernel(x: Correlation) -> Number:
        same, opposite = weights(x)
        return same * relu(x) - opposite * (x.sine - x.angle * x.cos) / (2 * x.pi)

    def slope(x: Correlation) -> Number:
        same, opposite = weights(x)
        return same * step(x) + opposite * x.angle / (2 * x.pi)

    return Form(kernel, slope)


def relu(x: Correlation) -> Number:
    """Of ReLU: (sin theta + (pi - theta) cos theta) / 2 pi."""
    return (x.sine + (x.pi - x.angle) * x.cos) / (2 * x.pi)


def step(x: Correlation) -> Number:
    """Of the step function: (pi - theta) / 2 pi."""
    return (x.pi - x.angle) / (2 * x.pi)


def _gelu(x: Correlation) -> Number:
    c = x.cos
    return c / 4 + (c * x.asin(c / 2) + 1 / x.sqrt(4 - c * c)) / (2 * x.pi)


def _gelu_slope(x: Correlation) -> Number:
    c, rest = x.cos, 4 - x.cos * x.cos
    return x.number(0.25) + (x.asin(c / 2) + c / x.sqrt(rest) * (1 + 1 / rest)) / (2 * x.pi)


_KNOWN = {
    "step": Form(step, lambda x: 1 / (2 * x.pi * x.sine)),
    "erf": Form(
        lambda x: 2 / x.pi * x.asin(2 * x.cos / 3),
        lambda x: 4 / (x.pi * x.sqrt(9 - 4 * x.cos * x.cos)),
    ),
    "sin": Form(
        lambda x: x.sinh(x.cos) * x.exp(x.number(-1.0)),
        lambda x: x.cosh(x.cos) * x.exp(x.number(-1.0)),
    ),
    "gelu": Form(_gelu, _gelu_slope),
}
