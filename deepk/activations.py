"""Activation functions by name, and a user's own by `package.module:function`.

Importing this module imports no torch, so that configurations can be checked quickly; calling an activation does.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

Function = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True)
class Activation:
    """An elementwise function with its name and the points where it, or its derivative, is not smooth."""

    name: str
    function: Function
    kinks: tuple[float, ...] = ()

    def __call__(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """phi(x), elementwise."""
        return self.function(x)

    def derivative(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """phi'(x), elementwise, by automatic differentiation; at a kink, torch's choice of a one-sided value."""
        import torch

        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.function(x).sum(), x)
        return slope


def _relu(x: Tensor) -> Tensor:
    return x.relu()


def _elu(x: Tensor) -> Tensor:
    from torch.nn import functional

    return functional.elu(x)


def _tanh(x: Tensor) -> Tensor:
    return x.tanh()


def _shifted_softplus(x: Tensor) -> Tensor:
    from torch.nn import functional

    # torch turns to the identity at the threshold: by default at 20, where softplus still differs by 2e-9.
    return functional.softplus(x, threshold=40) - math.log(2)


_KNOWN = {
    activation.name: activation
    for activation in (
        Activation("relu", _relu, kinks=(0.0,)),
        Activation("elu", _elu, kinks=(0.0,)),  # alpha = 1: the second derivative jumps from 1 to 0
        Activation("tanh", _tanh),
        Activation("shifted-softplus", _shifted_softplus),  # log(1 + e^x) - log 2, so that phi(0) = 0
    )
}
NAMES = tuple(_KNOWN)


def get(name: str) -> Activation:
    """The activation of a known name, or the function at `package.module:function`.

    Raises ValueError, in one line, for an unknown name, a path that leads to no function, or a function that does not
    map a tensor to a finite tensor of the same shape.
    """
    if name in _KNOWN:
        return _KNOWN[name]
    if ":" not in name:
        nearest = difflib.get_close_matches(name.lower(), NAMES, n=1)
        hint = f"did you mean {nearest[0]}? " if nearest else ""
        raise ValueError(f"unknown activation {name!r}; {hint}known are {', '.join(NAMES)}, or package.module:function")
    return Activation(name, _load(name))


def _load(path: str) -> Function:
    import torch

    module, _, attribute = path.partition(":")
    try:
        function: Function = getattr(import_module(module), attribute)
        probe = torch.linspace(-3, 3, 7)
        value = function(probe)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"activation {path!r} cannot be used: {type(error).__name__}: {reason}") from error
    if not isinstance(value, torch.Tensor) or value.shape != probe.shape or not value.isfinite().all():
        raise ValueError(f"activation {path!r} does not map a tensor to a finite tensor of the same shape")
    return function
