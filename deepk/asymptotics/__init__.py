"""Exact risks of linearized networks in high dimension: double descent, the staircase, quadratic targets."""

from deepk.asymptotics.kernels import kernel_risk, staircase
from deepk.asymptotics.quadratic import QuadraticTargetRisk, quadratic_target_risk
from deepk.asymptotics.random_features import OptimalRidge, RandomFeaturesRisk, optimal_ridge, random_features_risk

__all__ = [
    "OptimalRidge",
    "QuadraticTargetRisk",
    "RandomFeaturesRisk",
    "kernel_risk",
    "optimal_ridge",
    "quadratic_target_risk",
    "random_features_risk",
    "staircase",
]
