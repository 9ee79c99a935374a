"""What an ensemble learns by: gradient descent that never stores a gradient, and Adam."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from deepk.networks.ensemble import Ensemble

_BETAS, _EPS = (0.9, 0.999), 1e-8  # of Adam (Kingma, Ba 2015, arXiv:1412.6980), and torch's
_TINY = 1e-30  # far below eps^2: dead units leave exact zeros, whose roots take up to ten times as long


class Sgd:
    """w <- w - learning_rate * gradient, added by the product that makes the gradient, layer by layer."""

    def __init__(self, networks: Ensemble, *, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self._layers = networks.layers

    def layer(self, index: int, given: Tensor, delta: Tensor) -> None:
        """W <- W - learning_rate given^T delta, and the bias by the sum of delta over the batch."""
        weight, bias = self._layers[index]
        weight.baddbmm_(given.mT, delta, alpha=-self.learning_rate)
        bias.sub_(delta.sum(dim=1, keepdim=True), alpha=self.learning_rate)

    def vector(self, parameter: Tensor, gradient: Tensor) -> None:
        """The same of a parameter of batch normalization."""
        parameter.sub_(gradient, alpha=self.learning_rate)

    def finish(self) -> None:
        """Nothing is left to do at the end of a step."""

    def tensors(self) -> dict[str, Tensor]:
        """It has no state."""
        return {}


class Gradient:
    """The gradient by all weights and biases, in one tensor like the ensemble's parameters."""

    def __init__(self, networks: Ensemble) -> None:
        self.flat = torch.zeros_like(networks.parameters)
        self._layers = networks.views(self.flat)

    def layer(self, index: int, given: Tensor, delta: Tensor) -> None:
        """Keeps given^T delta, and the sum of delta over the batch."""
        d_weight, d_bias = self._layers[index]
        d_weight.copy_(torch.bmm(given.mT, delta))  # into a view, bmm would multiply one network at a time
        torch.sum(delta, dim=1, keepdim=True, out=d_bias)

    def vector(self, parameter: Tensor, gradient: Tensor) -> None:
        """Those of batch normalization are not kept."""


class Adam(Gradient):
    """m <- b1 m + (1 - b1) g,    v <- b2 v + (1 - b2) g^2
    w <- w - eta (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
    (Kingma, Ba 2015, arXiv:1412.6980), with eta of all networks or of each.
    """

    def __init__(self, networks: Ensemble, *, learning_rate: float | Float[Tensor, " networks"]) -> None:
        """Raises ValueError for networks with batch normalization, whose parameters it does not train."""
        if any(kind.batch_norm is not None and kind.batch_norm.trained for kind in networks.kinds):
            raise ValueError("Adam does not train batch normalization; choose trained=False, or Sgd")
        super().__init__(networks)
        self._parameters = networks.parameters
        self._m, self._v = torch.zeros_like(self.flat), torch.zeros_like(self.flat)
        self._steps = torch.zeros(1, dtype=torch.int64)
        like = self._parameters
        self._eta = torch.as_tensor(learning_rate, dtype=like.dtype, device=like.device).reshape(-1, 1)

    def finish(self) -> None:
        """Takes the step, all gradients there."""
        b1, b2 = _BETAS
        self._steps += 1
        t = int(self._steps)
        self._m.lerp_(self.flat, 1 - b1)
        self._v.mul_(b2).addcmul_(self.flat, self.flat, value=1 - b2)
        scale = self._v.add(_TINY).sqrt_().mul_(1 / math.sqrt(1 - b2**t)).add_(_EPS)
        self._parameters.sub_(self._m.div(scale).mul_(self._eta / (1 - b1**t)))

    def tensors(self) -> dict[str, Tensor]:
        """m, v, and the steps taken."""
        return {"m": self._m, "v": self._v, "steps": self._steps}
