"""What Bietti and Bach 2021 say of kernels on the sphere, as the slides state it: exponents, and slips."""

from __future__ import annotations

ARXIV = "arXiv:2009.14397"
PAPER = f"Bietti, Bach 2021 ({ARXIV})"
THEOREM_1 = f"{PAPER}, theorem 1"
COROLLARY_3 = f"{PAPER}, corollary 3"
SLIDES = f"{PAPER}, slides"

# nu in mu_k ~ k^(1 - d - 2 nu): k^(-d-2) for random features of ReLU, k^(-d) for its tangent kernel at every depth, and
# for Laplace's kernel. L counts weight matrices, output included.
RELU_FEATURES, RELU_TANGENT, LAPLACE = 1.5, 0.5, 0.5


def step_nu(layers: int) -> float:
    """nu of step activations, 2^(1 - L): these improve with depth."""
    return float(2.0 ** (1 - layers))


# The slides print W ~ N(0, 1/n) where kappa_1(1) = 1 takes 2/n; call kappa_0 and kappa_1 the kernels of step and ReLU,
# whose E sigma(Z)^2 is 1/2; and ask c_1 != c_-1 for even k, where c_1 != -c_-1 is needed.
PRINTED_WEIGHT_VARIANCE, WEIGHT_VARIANCE = 1.0, 2.0
PRINTED_AT_ONE, AT_ONE = 1.0, 0.5
