"""Deep fully connected networks: their shape, their random initialization, and plain training."""

from deepk.networks.initialization import initialize_, normal_
from deepk.networks.mlp import mlp
from deepk.networks.training import Epoch, accuracy, train

__all__ = ["Epoch", "accuracy", "initialize_", "mlp", "normal_", "train"]
