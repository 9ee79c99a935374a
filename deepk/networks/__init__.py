"""Deep fully connected networks: their shape, their random initialization, and their training, many at once."""

from deepk.networks.ensemble import Ensemble, Kind
from deepk.networks.initialization import initialize_, normal_
from deepk.networks.losses import Classification, Regression
from deepk.networks.mlp import mlp
from deepk.networks.normalization import BatchNorm
from deepk.networks.normalized import NormalizedMlp
from deepk.networks.optimizers import Adam, Sgd
from deepk.networks.tangent import empirical_tangent_kernel
from deepk.networks.training import Epoch, accuracy, train

__all__ = [
    "Adam",
    "BatchNorm",
    "Classification",
    "Ensemble",
    "Epoch",
    "Kind",
    "NormalizedMlp",
    "Regression",
    "Sgd",
    "accuracy",
    "empirical_tangent_kernel",
    "initialize_",
    "mlp",
    "normal_",
    "train",
]
