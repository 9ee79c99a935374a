"""Many small ReLU networks of one shape, trained by Adam as one batched product."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import index

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_BETAS, _EPS = (0.9, 0.999), 1e-8  # of Adam (Kingma, Ba 2015, arXiv:1412.6980), and torch's
_TINY = 1e-30  # far below eps^2: dead units leave exact zeros, whose roots take up to ten times as long


class Ensemble:
    """R fully connected ReLU networks with `depth` hidden layers of `width` units, from R^inputs to R^outputs.

    Their parameters are one tensor of shape (R, P), and each layer's weights and biases are views of it.

    Attributes:
        parameters: of all networks, a row for each.
        layers: (weights, biases) of each layer, of shape (R, fan_in, fan_out) and (R, 1, fan_out).
    """

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        *,
        depth: int,
        width: int,
        inputs: int = 1,
        outputs: int = 1,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        """Draws network r from generator r: weights and biases uniform in +-1/sqrt(fan_in), as `torch.nn.Linear` does.

        Raises ValueError for a depth below 0 or a width below 1.
        """
        if index(depth) < 0 or index(width) < 1:
            raise ValueError(f"depth = {depth}, width = {width}: it takes at least 0 and 1")
        self._sizes = [inputs, *[width] * depth, outputs]
        count = sum((a + 1) * b for a, b in pairwise(self._sizes))
        self.parameters = torch.empty(len(generators), count, dtype=dtype, device=device)
        self.layers = self.views(self.parameters)
        for r, generator in enumerate(generators):
            for weight, bias in self.layers:
                for part in (weight, bias):
                    drawn = torch.rand(part[r].shape, generator=generator, dtype=torch.float64)
                    part[r].copy_((2 * drawn - 1) / math.sqrt(weight.shape[1]))

    def views(self, flat: Float[Tensor, "networks parameters"]) -> list[tuple[Tensor, Tensor]]:
        """A tensor like `parameters` as the weights and biases of the layers."""
        found, start = [], 0
        for a, b in pairwise(self._sizes):
            weight, bias = flat[:, start : start + a * b], flat[:, start + a * b : start + (a + 1) * b]
            found.append((weight.unflatten(1, (a, b)), bias.unflatten(1, (1, b))))
            start += (a + 1) * b
        return found

    def __call__(self, x: Float[Tensor, "networks batch inputs"]) -> Float[Tensor, "networks batch outputs"]:
        """Network r at x[r]."""
        return self._forward(x)[-1]

    def _forward(self, x: Tensor) -> list[Tensor]:
        """What each layer is given, and the output."""
        given = [x]
        for layer, (weight, bias) in enumerate(self.layers, start=1):
            z = torch.baddbmm(bias, given[-1], weight)
            given.append(z.relu_() if layer < len(self.layers) else z)
        return given

    def gradient(
        self,
        x: Float[Tensor, "networks batch inputs"],
        y: Float[Tensor, "networks batch outputs"],
        out: Float[Tensor, "networks parameters"],
        *,
        absolute: Bool[Tensor, " networks"] | None = None,
    ) -> Float[Tensor, " networks"]:
        """Each network's mean square error, where `absolute` its mean absolute error, with the gradient into `out`.

        delta_L = 2 (f(x) - y) / n or sign(f(x) - y) / n
        delta_(l-1) = (delta_l W_l^T) 1[a_(l-1) > 0],    dW_l = a_(l-1)^T delta_l,    db_l = sum delta_l
        """
        given = self._forward(x)
        error = given.pop() - y
        loss, delta = error.square(), error * 2
        if absolute is not None:
            chosen = absolute[:, None, None]
            loss, delta = torch.where(chosen, error.abs(), loss), torch.where(chosen, error.sign(), delta)
        delta = delta / error[0].numel()
        for (weight, _), (d_weight, d_bias) in zip(self.layers[::-1], self.views(out)[::-1], strict=True):
            a = given.pop()
            d_weight.copy_(torch.bmm(a.mT, delta))  # into a view, bmm would multiply one network at a time
            torch.sum(delta, dim=1, keepdim=True, out=d_bias)
            if given:
                delta = torch.bmm(delta, weight.mT).mul_(a.sign())
        return loss.mean(dim=(1, 2))


@dataclass(frozen=True)
class EnsembleEpoch:
    """What an epoch of `train_ensemble` left: its number, and each network's mean batch loss."""

    number: int
    loss: Float[Tensor, " networks"]


def train_ensemble(
    networks: Ensemble,
    x: Float[Tensor, "networks n inputs"],
    y: Float[Tensor, "networks n outputs"],
    *,
    learning_rate: float | Float[Tensor, " networks"],
    batch_size: int,
    epochs: int,
    generator: torch.Generator,
    absolute: Bool[Tensor, " networks"] | None = None,
    state: dict[str, Tensor] | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[EnsembleEpoch]:
    """Trains all networks in place by Adam on mean square (or `absolute`) errors, each on its own data; yields epochs.

        m <- b1 m + (1 - b1) g,    v <- b2 v + (1 - b2) g^2
        w <- w - eta (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    `learning_rate` is eta, of all networks or of each. Batches are drawn by `generator`, the same positions for all
    networks. To continue after an interruption, restore parameters and generator, and pass what `state` held: it is
    kept up to date with m, v, and the steps done.
    """
    state = {} if state is None else state
    m, v = (state.setdefault(name, torch.zeros_like(networks.parameters)) for name in ("m", "v"))
    steps = state.setdefault("steps", torch.zeros(2, dtype=torch.int64))  # steps, epochs
    gradient, (b1, b2) = torch.empty_like(networks.parameters), _BETAS
    eta = torch.as_tensor(learning_rate, dtype=x.dtype, device=x.device).reshape(-1, 1)
    for number in range(int(steps[1]) + 1, epochs + 1):
        loss = torch.zeros(len(networks.parameters), dtype=torch.float64, device=x.device)
        order = torch.randperm(x.shape[1], generator=generator).to(x.device)
        for batch in order.split(batch_size):
            found = networks.gradient(x.index_select(1, batch), y.index_select(1, batch), gradient, absolute=absolute)
            loss += found * len(batch)
            steps[0] += 1
            t = int(steps[0])
            m.lerp_(gradient, 1 - b1)
            v.mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
            scale = v.add(_TINY).sqrt_().mul_(1 / math.sqrt(1 - b2**t)).add_(_EPS)
            networks.parameters.sub_(m.div(scale).mul_(eta / (1 - b1**t)))
            on_step()
        steps[1] = number
        yield EnsembleEpoch(number, loss / x.shape[1])
