"""Many fully connected networks of one shape at once: every product is batched, with the network leading."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from deepk.activations import Activation
from deepk.networks.elementwise import elementwise
from deepk.networks.normalization import BatchNorm, Normalizer


@dataclass(frozen=True)
class Kind:
    """What the networks of an ensemble may differ in: the hidden layers' activation, and their batch normalization."""

    activation: str | Activation
    batch_norm: BatchNorm | None = None


@runtime_checkable
class Learner(Protocol):
    """What takes the gradient, layer by layer, while `Ensemble.backward` goes through them."""

    def layer(self, index: int, given: Tensor, delta: Tensor) -> None:
        """Of layer `index`: d_weight = given^T delta, d_bias = sum of delta over the batch."""

    def vector(self, parameter: Tensor, gradient: Tensor) -> None:
        """Of a parameter of batch normalization."""


class Ensemble:
    """R fully connected networks of one shape, network r of `kinds[r]`.

        z_l = a_(l-1) W_l + b_l,    a_l = phi(z_l), normalized before phi where the kind says so,    f = z_L

    All weights and biases are one tensor of shape (R, P), and each layer's are views of it. A network's numbers depend
    on its own data and draws alone, whatever stands beside it: within the rounding of products whose order of
    summation may change with R.

    Attributes:
        kinds: of each network.
        sizes: of the layers, inputs first, outputs last.
        parameters: weights and biases of all networks, a row for each; zero until they are drawn.
        layers: (weights, biases) of each layer, of shape (R, fan_in, fan_out) and (R, 1, fan_out).
    """

    def __init__(
        self, kinds: Sequence[Kind], sizes: Sequence[int], *, dtype: torch.dtype = torch.float32, device: str = "cpu"
    ) -> None:
        """Raises ValueError for no network, for fewer than two sizes, or one below 1."""
        if not kinds:
            raise ValueError("an ensemble has at least one network")
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes = {list(sizes)}: it takes those of inputs and outputs at least, and each >= 1")
        self.kinds, self.sizes = tuple(kinds), tuple(sizes)
        count = sum((a + 1) * b for a, b in pairwise(sizes))
        self.parameters = torch.zeros(len(self.kinds), count, dtype=dtype, device=device)
        self.layers = self.views(self.parameters)
        self._parts: list[_Part] = []
        for kind, members in groupby(self.kinds):
            start = self._parts[-1].stop if self._parts else 0
            self._parts.append(_Part(kind, start, start + len(list(members)), self.sizes, dtype, device))
        self._spaces: dict[int, _Space] = {}

    def views(self, flat: Float[Tensor, "networks parameters"]) -> list[tuple[Tensor, Tensor]]:
        """A tensor like `parameters` as the weights and biases of the layers."""
        found, start = [], 0
        for a, b in pairwise(self.sizes):
            weight, bias = flat[:, start : start + a * b], flat[:, start + a * b : start + (a + 1) * b]
            found.append((weight.unflatten(1, (a, b)), bias.unflatten(1, (1, b))))
            start += (a + 1) * b
        return found

    def tensors(self) -> dict[str, Tensor]:
        """All that training changes, by name: parameters, and those of batch normalization with its averages."""
        found = {"parameters": self.parameters}
        for part in self._parts:
            for index, normalizer in part.normalizers.items():
                for name, tensor in normalizer.tensors().items():
                    found[f"networks {part.start}-{part.stop - 1}, layer {index}, {name}"] = tensor
        return found

    # --- drawing ------------------------------------------------------------------------------------------------------

    def draw_uniform_(self, generators: Sequence[torch.Generator]) -> Ensemble:
        """Weights and biases uniform in +-1/sqrt(fan_in), as `torch.nn.Linear` draws them; network r by generator r."""
        self._one_each(generators=generators)
        for r, generator in enumerate(generators):
            for weight, bias in self.layers:
                for part in (weight, bias):
                    drawn = torch.rand(part[r].shape, generator=generator, dtype=torch.float64)
                    part[r].copy_((2 * drawn - 1) / math.sqrt(weight.shape[1]))
        return self

    def draw_normal_(
        self, generators: Sequence[torch.Generator], sigma_w: Sequence[float], sigma_b: Sequence[float]
    ) -> Ensemble:
        """W ~ N(0, sigma_w^2 / fan_in) and b ~ N(0, sigma_b^2), network r by generator r with sigma_w[r], sigma_b[r].

        In float32 on the CPU, layer by layer: a generator's seed gives the network that `deepk.networks.normal_` gives.
        """
        self._one_each(generators=generators, sigma_w=sigma_w, sigma_b=sigma_b)
        for r, generator in enumerate(generators):
            for weight, bias in self.layers:
                _, fan_in, fan_out = weight.shape
                drawn = torch.randn(fan_out, fan_in, generator=generator, dtype=torch.float32)
                weight[r].copy_((drawn * (sigma_w[r] / fan_in**0.5)).T)
                bias[r, 0].copy_(torch.randn(fan_out, generator=generator, dtype=torch.float32) * sigma_b[r])
        return self

    def _one_each(self, **sequences: Sequence[object]) -> None:
        """Raises ValueError for a sequence that is not as long as there are networks."""
        for name, values in sequences.items():
            if len(values) != len(self.kinds):
                raise ValueError(f"{len(values)} {name} for {len(self.kinds)} networks: it takes one each")

    # --- forward and backward -----------------------------------------------------------------------------------------

    def __call__(self, x: Float[Tensor, "networks batch inputs"]) -> Float[Tensor, "networks batch outputs"]:
        """Network r at x[r], as evaluation normalizes."""
        a = x
        for index, (weight, bias) in enumerate(self.layers, start=1):
            a = torch.baddbmm(bias, a, weight)
            for part in self._parts:
                part.evaluate(index, a[part.start : part.stop])
        return a

    def forward(self, x: Float[Tensor, "networks batch inputs"]) -> Float[Tensor, "networks batch outputs"]:
        """Network r at x[r], as training normalizes, with all that `backward` needs; valid until the next call."""
        space = self._space(x.shape[1])
        space.saved.clear()
        given = x
        for index, (weight, bias) in enumerate(self.layers, start=1):
            space.given[index - 1] = given
            given = torch.baddbmm(bias, given, weight, out=space.values[index - 1])
            for part in self._parts:
                space.saved.append(part.forward(index, given[part.start : part.stop]))
        return given

    def backward(self, delta: Float[Tensor, "networks batch outputs"], learner: Learner) -> None:
        """Goes back through the layers of the last `forward`, delta the gradient by its outputs, which is overwritten.

        delta_(l-1) = (delta_l W_l^T) phi'(z_(l-1)), taken before the learner may change W_l.
        """
        space = self._space(delta.shape[1])
        for index in range(len(self.layers), 0, -1):
            value = space.values[index - 1]
            for part in reversed(self._parts):
                rows = slice(part.start, part.stop)
                part.backward(index, delta[rows], value[rows], space.saved.pop(), learner)
            before = None
            if index > 1:
                before = torch.bmm(delta, self.layers[index - 1][0].mT, out=space.delta(index - 1))
            learner.layer(index - 1, space.given[index - 1], delta)
            if before is not None:
                delta = before

    def _space(self, batch: int) -> _Space:
        if batch not in self._spaces:
            larger = next((space for size, space in self._spaces.items() if size > batch), None)
            self._spaces[batch] = _Space(self, batch, larger)
        return self._spaces[batch]


_Saved = tuple[Tensor | None, tuple[Tensor, Tensor] | None]  # by the activation, and by the normalization


class _Part:
    """Networks start to stop - 1 of an ensemble, of one kind: what each layer does to their values."""

    def __init__(
        self, kind: Kind, start: int, stop: int, sizes: Sequence[int], dtype: torch.dtype, device: str
    ) -> None:
        self.start, self.stop, self.last = start, stop, len(sizes) - 1
        self.activation = elementwise(kind.activation)
        self.normalizers: dict[int, Normalizer] = {}
        if (how := kind.batch_norm) is not None:
            normalized = sizes[1:] if how.output else sizes[1:-1]
            self.normalizers = {
                layer: Normalizer(how, stop - start, size, dtype, device)
                for layer, size in enumerate(normalized, start=1)
            }

    def forward(self, layer: int, z: Tensor) -> _Saved:
        normalizer = self.normalizers.get(layer)
        normalized = normalizer.forward(z) if normalizer else None
        return (self.activation.forward(z) if layer < self.last else None), normalized

    def backward(self, layer: int, delta: Tensor, value: Tensor, saved: _Saved, learner: Learner) -> None:
        by_activation, normalized = saved
        if layer < self.last:
            self.activation.backward(delta, value, by_activation)
        if normalized is not None:
            normalizer = self.normalizers[layer]
            d_scale, d_shift = normalizer.backward(delta, *normalized)
            if normalizer.how.trained:
                learner.vector(normalizer.scale, d_scale)
                learner.vector(normalizer.shift, d_shift)

    def evaluate(self, layer: int, z: Tensor) -> None:
        if normalizer := self.normalizers.get(layer):
            normalizer.evaluate(z)
        if layer < self.last:
            self.activation.forward(z)


class _Space:
    """Where a step at one batch size keeps its values, so that no step allocates what the one before has freed.

    The last batch of an epoch, which is smaller, finds room where the others keep theirs.

    Attributes:
        values: of each layer, (R, batch, n).
        given: to each layer by the one before, or the inputs.
        saved: by activations and normalizations, in the order of `forward`.
    """

    def __init__(self, networks: Ensemble, batch: int, larger: _Space | None) -> None:
        like, shapes = networks.parameters, [(len(networks.kinds), batch, size) for size in networks.sizes[1:]]
        if larger is None:
            rooms = [like.new_empty(math.prod(shape)) for shape in shapes]
            self._rooms, self._two = rooms, [like.new_empty(max(map(math.prod, shapes))) for _ in range(2)]
        else:
            self._rooms, self._two = larger._rooms, larger._two
        self.values = [room[: math.prod(shape)].view(shape) for room, shape in zip(self._rooms, shapes, strict=True)]
        self.given: list[Tensor] = [like.new_empty(0)] * len(self.values)
        self.saved: list[_Saved] = []

    def delta(self, layer: int) -> Tensor:
        """Room for the gradient by the values of a layer; neighbours take turns, so that it stays in the cache."""
        shape = self.values[layer - 1].shape
        return self._two[layer % 2][: shape.numel()].view(shape)
