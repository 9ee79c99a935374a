"""Activation functions by name, and a user's own by `package.module:function` or from any elementwise torch function.

Importing this module imports no torch, so that configurations can be checked quickly; calling an activation does.
Everywhere in deepk, `activation` is a name or an `Activation`; `get` makes the one of the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, SupportsIndex

from deepk.naming import load

if TYPE_CHECKING:
    from torch import Tensor

Function = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True)
class Activation:
    """An elementwise function with its derivatives, and the points where they are not smooth.

    Attributes:
        name: what tables and figures call it.
        function: phi, elementwise on a floating-point tensor of any shape.
        derivative: phi', where it exists.
        second_derivative: phi'', where it exists. A kink or a jump contributes nothing here: the mean-field maps add
            the Dirac terms that it stands for, which is why it must be declared.
        kinks: where phi is continuous, and phi' or phi'' jumps.
        jumps: where phi itself jumps.
    """

    name: str
    function: Function = field(repr=False)
    derivative: Function = field(repr=False)
    second_derivative: Function = field(repr=False)
    kinks: tuple[float, ...] = ()
    jumps: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for a kink or jump that is not a finite number, or declared as both."""
        for name in ("kinks", "jumps"):
            object.__setattr__(self, name, tuple(float(point) for point in getattr(self, name)))
        if not all(math.isfinite(point) for point in self.breaks):
            raise ValueError(f"activation {self.name}: kinks {self.kinks} and jumps {self.jumps} must be finite")
        if len(set(self.breaks)) < len(self.breaks):
            raise ValueError(f"activation {self.name}: a point stands twice in kinks {self.kinks}, jumps {self.jumps}")

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """A known activation is pickled by its name, so that its formulas need not be."""
        return (get, (self.name,)) if _KNOWN.get(self.name) == self else super().__reduce_ex__(protocol)

    def __call__(self, x: Tensor) -> Tensor:
        """phi(x), elementwise."""
        return self.function(x)

    @property
    def breaks(self) -> tuple[float, ...]:
        """Kinks and jumps: phi is smooth between them."""
        return tuple(sorted((*self.kinks, *self.jumps)))

    def rescaled(self, scale: float) -> Activation:
        """x -> phi(scale x), for a finite scale > 0."""
        if not 0 < scale < math.inf:
            raise ValueError(f"scale = {scale} is not a finite number > 0")
        return Activation(
            f"{self.name}({scale:g} x)",
            lambda x: self.function(scale * x),
            lambda x: scale * self.derivative(scale * x),
            lambda x: scale**2 * self.second_derivative(scale * x),
            tuple(point / scale for point in self.kinks),
            tuple(point / scale for point in self.jumps),
        )

    @staticmethod
    def from_callable(name: str, f: Function, kinks: Sequence[float] = (), jumps: Sequence[float] = ()) -> Activation:
        """The activation of an elementwise torch function, its derivatives by automatic differentiation.

        Declare every point where f or its slope jumps: automatic differentiation does not see them, and they decide
        how fast correlation converges (`deepk.meanfield.rate`). f must keep shape and dtype, and always give the same
        values: what has been computed of an activation is remembered.
        """
        return Activation(name, f, _slope(f), _slope(_slope(f)), tuple(kinks), tuple(jumps))


def _slope(f: Function) -> Function:
    """The derivative of an elementwise function; zero where it does not depend on its argument."""

    def derivative(x: Tensor) -> Tensor:
        import torch

        with torch.inference_mode(False), torch.enable_grad():
            point = x if x.requires_grad else x.detach().clone().requires_grad_()
            value = f(point.clone())  # a copy, for functions that work in place
            if not value.requires_grad:
                return torch.zeros_like(x)
            (slope,) = torch.autograd.grad(value.sum(), point, create_graph=True, materialize_grads=True)
        return slope if x.requires_grad else slope.detach()

    return derivative


def leaky_relu(slope: float) -> Activation:
    """x for x > 0, and slope x below; ValueError for a slope that is not a finite number."""
    if not math.isfinite(slope):
        raise ValueError(f"slope = {slope} is not a finite number")
    return Activation(
        name=f"leaky-relu({slope:g})",
        function=lambda x: x.where(x > 0, slope * x),
        derivative=lambda x: x.new_ones(x.shape).where(x > 0, slope),
        second_derivative=_zero,
        kinks=(0.0,),
    )


def _zero(x: Tensor) -> Tensor:
    return x.new_zeros(x.shape)


def _one(x: Tensor) -> Tensor:
    return x.new_ones(x.shape)


def _step(x: Tensor) -> Tensor:
    return (x > 0).to(x.dtype)


def _elu(x: Tensor) -> Tensor:
    from torch.nn import functional

    return functional.elu(x)


def _softplus(x: Tensor) -> Tensor:
    from torch.nn import functional

    # torch turns to the identity at the threshold: by default at 20, where softplus still differs by 2e-9.
    return functional.softplus(x, threshold=40)


def _logistic_slope(x: Tensor) -> Tensor:
    """sigmoid'(x) = sigmoid(x) sigmoid(-x), without the cancellation of 1 - sigmoid(x)."""
    return x.sigmoid() * (-x).sigmoid()


def _density(x: Tensor) -> Tensor:
    """The standard normal density."""
    return (x * x / -2).exp() / math.sqrt(2 * math.pi)


def _distribution(x: Tensor) -> Tensor:
    """P(Z <= x) = erfc(-x / sqrt(2)) / 2, relatively accurate in the lower tail, too."""
    import torch

    probability: Tensor = torch.special.erfc(x * -math.sqrt(0.5)) / 2
    return probability


def _sech_squared(x: Tensor) -> Tensor:
    """tanh'(x), without the cancellation of 1 - tanh(x)^2."""
    return x.cosh().pow(-2)


def _gaussian_bump(x: Tensor) -> Tensor:
    """erf'(x)."""
    return (-x * x).exp() * (2 / math.sqrt(math.pi))


# Each with phi, phi', phi''.
_KNOWN = {
    activation.name: activation
    for activation in (
        Activation("relu", lambda x: x.relu(), _step, _zero, kinks=(0.0,)),
        replace(leaky_relu(0.01), name="leaky-relu"),  # torch's default slope
        # alpha = 1: the slope is continuous, the second derivative falls from 1 to 0
        Activation("elu", _elu, lambda x: x.clamp(max=0).exp(), lambda x: x.exp().where(x < 0, 0.0), kinks=(0.0,)),
        Activation("tanh", lambda x: x.tanh(), _sech_squared, lambda x: -2 * x.tanh() * _sech_squared(x)),
        Activation("erf", lambda x: x.erf(), _gaussian_bump, lambda x: -2 * x * _gaussian_bump(x)),
        Activation("sigmoid", lambda x: x.sigmoid(), _logistic_slope, lambda x: -(x / 2).tanh() * _logistic_slope(x)),
        Activation(
            "swish",
            lambda x: x * x.sigmoid(),
            lambda x: x.sigmoid() * (1 + x * (-x).sigmoid()),
            lambda x: _logistic_slope(x) * (2 - x * (x / 2).tanh()),
        ),
        Activation(
            "gelu",
            lambda x: x * _distribution(x),
            lambda x: _distribution(x) + x * _density(x),
            lambda x: (2 - x * x) * _density(x),
        ),
        Activation("softplus", _softplus, lambda x: x.sigmoid(), _logistic_slope),
        # log(1 + e^x) - log 2, so that phi(0) = 0
        Activation("shifted-softplus", lambda x: _softplus(x) - math.log(2), lambda x: x.sigmoid(), _logistic_slope),
        Activation("step", _step, _zero, _zero, jumps=(0.0,)),  # 1 for x > 0
        Activation("sin", lambda x: x.sin(), lambda x: x.cos(), lambda x: -x.sin()),
        Activation("identity", lambda x: x, _one, _zero),
    )
}
NAMES = tuple(_KNOWN)


def get(activation: str | Activation) -> Activation:
    """The activation of a known name, or the function at `package.module:function`; an `Activation` as it is.

    What the path leads to may be an `Activation` (with its kinks and jumps), or a plain elementwise torch function,
    which is taken to be smooth. Raises ValueError, in one line, for an unknown name, a path that leads to no function,
    or a function that does not map a tensor to a finite tensor of the same shape.
    """
    if isinstance(activation, Activation):
        return activation
    if not isinstance(activation, str):
        raise ValueError(f"{activation!r} is not an activation: give a name, or Activation.from_callable(name, f)")
    if activation in _KNOWN:
        return _KNOWN[activation]
    found = load("activation", activation, NAMES, _elementwise, leads_to="function")
    return found if isinstance(found, Activation) else _differentiated(activation, found)


@lru_cache(maxsize=64)
def _differentiated(path: str, function: Function) -> Activation:
    """An activation made of a function, one object for each path, so that what was computed of it is found again."""
    return Activation.from_callable(path, function)


def _elementwise(function: Function | Activation) -> Function | Activation:
    import torch

    probe = torch.linspace(-3, 3, 7)
    value = function(probe)
    if not isinstance(value, torch.Tensor) or value.shape != probe.shape or not value.isfinite().all():
        raise TypeError("it does not map a tensor to a finite tensor of the same shape")
    return function
