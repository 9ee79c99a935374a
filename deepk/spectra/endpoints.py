"""How fast eigenvalues on the sphere decay, from a kernel's behaviour at the ends of [-1, 1].

With kappa(1 - t) = p(t) + c_1 t^nu + o(t^nu) and kappa(-1 + t) = q(t) + c_-1 t^nu + o(t^nu), p and q polynomials and nu
no integer,

    mu_k ~ (c_1 + (-1)^k c_-1) C(d, nu) k^(1 - d - 2 nu),
    C(d, nu) = 2^(nu + d - 2) Gamma(d / 2) Gamma(nu + (d - 1) / 2) / (sqrt(pi) Gamma(-nu))

(Bietti, Bach 2021, arXiv:2009.14397, theorem 1, which leaves C open). Where the sum in brackets is zero, mu_k is of
smaller order: the slides' condition c_1 != c_-1 for even k should read c_1 != -c_-1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from deepk.activations import Activation
from deepk.kernels.dot_product import DotProductKernel
from deepk.kernels.dual import DualKernel
from deepk.spectra.harmonics import checked_dimension
from deepk.spectra.sphere import as_kernel


@dataclass(frozen=True)
class EndpointExpansion:
    """The first term of no integer exponent at either end.

    Attributes:
        nu: its exponent; infinite for a kernel that is smooth at both.
        c_1: its coefficient at 1.
        c_minus_1: its coefficient at -1, 0 where that end is smoother.
    """

    nu: float
    c_1: float
    c_minus_1: float


def endpoint_expansion(kernel: DotProductKernel | DualKernel | Activation | str) -> EndpointExpansion:
    """Of a kernel of ours, in closed form; ReLU's tangent kernel has nu = 1/2, c_1 = -L (L + 1) / sqrt(2) / pi.

    Raises ValueError for what is known by its values alone.
    """
    kernel = as_kernel(kernel)
    if not isinstance(kernel, DotProductKernel):
        raise ValueError(f"{kernel!r} is no kernel of deepk.kernels: its ends are not known")
    one, minus_one = kernel.ends
    nu = min(one.nu, minus_one.nu)
    return EndpointExpansion(nu, *(end.c + 0.0 if end.nu == nu else 0.0 for end in (one, minus_one)))  # and no -0.0


def theorem_1(expansion: EndpointExpansion, dimension: int) -> Callable[[ArrayLike], np.ndarray]:
    """The predicted mu_k, for an integer k >= 1 or an array of them, in k + (d - 2) / 2 in place of k.

    The two agree to first order; the eigenvalues of (1 - t)^nu are Gamma(k - nu) / Gamma(k + nu + d - 1) times a
    constant, which k + (d - 2) / 2 follows to second order. What is left out is
    smaller by k^(-2) for kernels of ReLU, but by k^(-4 nu) alone for those of L step layers, nu = 2^(-L). Zero for a
    smooth kernel, whose eigenvalues fall faster than any power. Raises ValueError for a dimension below 2.
    """
    d, nu = checked_dimension(dimension), expansion.nu

    def predicted(k: ArrayLike) -> np.ndarray:
        degrees = np.asarray(k, np.float64)
        if math.isinf(nu):
            return np.zeros_like(degrees)
        log = (
            (nu + d - 2) * math.log(2)
            + gammaln(d / 2)
            + gammaln(nu + (d - 1) / 2)
            - math.log(math.pi) / 2
            + (1 - d - 2 * nu) * np.log(degrees + (d - 2) / 2)
        )
        signs = np.where(degrees % 2, expansion.c_1 - expansion.c_minus_1, expansion.c_1 + expansion.c_minus_1)
        return np.asarray(signs / math.gamma(-nu) * np.exp(log))

    return predicted
