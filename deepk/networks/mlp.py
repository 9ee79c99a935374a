"""The fully connected network of the theory papers, as an ordinary torch module."""

from __future__ import annotations

from torch import Tensor, nn

from deepk.activations import Activation


class Elementwise(nn.Module):
    """An activation as a torch module."""

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """phi(x), elementwise."""
        return self.activation(x)

    def extra_repr(self) -> str:
        """The activation's name, for `print(network)`."""
        return self.activation.name


def mlp(
    features: int, classes: int, activation: Activation, *, depth: int, width: int, batch_norm: bool = False
) -> nn.Sequential:
    """y^l = W^l phi(y^{l-1}) + b^l for l = 1..depth, with y^1 = W^1 x + b^1 and logits y^depth.

    Maps (batch, features) to (batch, classes). `depth` counts weight matrices: depth - 1 hidden layers of `width`
    units, and the output layer. With `batch_norm`, each hidden y^l is batch-normalized before phi, with the defaults
    of Keras (epsilon 1e-3, running averages of momentum 0.99, which is 0.01 in torch's convention).

    Weights are torch's default until an initialization is chosen, for example `deepk.networks.normal_`. Raises
    ValueError for a depth below 2.
    """
    if depth < 2:
        raise ValueError(f"depth = {depth}: a network has at least one hidden layer, hence two weight matrices")
    layers: list[nn.Module] = []
    for fan_in in [features] + [width] * (depth - 2):
        layers.append(nn.Linear(fan_in, width))
        if batch_norm:
            layers.append(nn.BatchNorm1d(width, eps=1e-3, momentum=0.01))
        layers.append(Elementwise(activation))
    return nn.Sequential(*layers, nn.Linear(width, classes))
