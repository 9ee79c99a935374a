"""Random features of deep kernels, in scikit-learn's manner."""

from deepk.features.transformers import CompositionalFeatures, GegenbauerFeatures

__all__ = ["CompositionalFeatures", "GegenbauerFeatures"]
