"""What the kernels of deep networks have in common: they are made of the dual kernel of one layer."""

from __future__ import annotations

from abc import abstractmethod
from operator import index

import numpy as np

from deepk.activations import Activation
from deepk.kernels.dot_product import DotProductKernel
from deepk.kernels.dual import DualKernel
from deepk.kernels.exact import most_digits


class NetworkKernel(DotProductKernel):
    """A kernel of L layers of one activation.

    Attributes:
        activation: sigma.
        depth: L >= 1.
    """

    activation: Activation
    depth: int

    @property
    @abstractmethod
    def dual(self) -> DualKernel:
        """One layer."""

    @property
    def amplification(self) -> float:
        """mu^L, the slope at 1 of the compositional kernel; a tangent kernel's own is infinite for a kink."""
        with np.errstate(over="ignore"):
            return float(np.float64(self.dual.mu) ** self.depth)

    @property
    def is_smooth(self) -> bool:
        """Whether the activation has no kink and no jump."""
        return not self.activation.breaks

    @property
    def most_digits(self) -> float:
        """Infinite for closed forms, some hundred for tanh, sigmoid, swish and softplus, else 0."""
        return most_digits(self.dual)


def checked_depth(depth: int) -> int:
    """As an int; ValueError for one below 1."""
    if index(depth) < 1:
        raise ValueError(f"depth = {depth} is not at least 1")
    return index(depth)
