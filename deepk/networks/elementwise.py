"""Activations in place, with as few passes over memory as torch allows: the elementwise part of a training step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from deepk import activations
from deepk.activations import Activation

_ATEN = torch.ops.aten


@dataclass(frozen=True)
class Elementwise:
    """An activation that overwrites its argument, and the product with its slope that overwrites a gradient.

    Attributes:
        forward: z becomes phi(z) in place; returns what `backward` needs beside phi(z), or None.
        backward: (delta, phi(z), what `forward` returned): delta becomes delta phi'(z) in place.
    """

    forward: Callable[[Tensor], Tensor | None]
    backward: Callable[[Tensor, Tensor, Tensor | None], None]


def elementwise(activation: str | Activation) -> Elementwise:
    """Of an activation: by torch's own fused kernels where it has them, or else by phi and phi' as they are given."""
    found = activations.get(activation)
    is_ours = found.name in _FUSED and found == activations.get(found.name)  # and no namesake of a user's own
    return _FUSED[found.name] if is_ours else _plain(found)


def _plain(activation: Activation) -> Elementwise:
    def forward(z: Tensor) -> Tensor:
        before = z.clone()
        z.copy_(activation(before))
        return before

    def backward(delta: Tensor, _: Tensor, before: Tensor | None) -> None:
        assert before is not None  # noqa: S101 - what `forward` above returned
        delta.mul_(activation.derivative(before))

    return Elementwise(forward, backward)


def _fused(forward_: Callable[[Tensor], Tensor], slope_: Callable[[Tensor, Tensor], None]) -> Elementwise:
    """Of an activation whose slope follows from its value."""

    def forward(z: Tensor) -> None:
        forward_(z)

    return Elementwise(forward, lambda delta, a, _: slope_(delta, a))


def _relu_slope(delta: Tensor, a: Tensor) -> None:
    _ATEN.threshold_backward.grad_input(delta, a, 0, grad_input=delta)


def _elu_slope(delta: Tensor, a: Tensor) -> None:
    # alpha, scale and input scale of 1; `a` is the value, not the argument
    _ATEN.elu_backward.grad_input(delta, 1, 1, 1, True, a, grad_input=delta)


def _tanh_slope(delta: Tensor, a: Tensor) -> None:
    _ATEN.tanh_backward.grad_input(delta, a, grad_input=delta)


_FUSED = {
    "relu": _fused(torch.relu_, _relu_slope),
    "elu": _fused(torch.nn.functional.elu_, _elu_slope),
    "tanh": _fused(torch.tanh_, _tanh_slope),
}
