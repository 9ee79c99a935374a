"""The coefficients of a dot-product kernel in the Legendre polynomials of a sphere.

f(t) = sum lambda_k P_k(t) with P_k(1) = 1; f(<x, y>) is positive definite on the unit sphere in R^d if and only if all
lambda_k >= 0 (Schoenberg 1942). In every dimension, where f has Taylor coefficients >= 0 alone.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh_tridiagonal

from deepk import activations
from deepk.activations import Activation
from deepk.kernels.dual import dual_kernel
from deepk.spectra.orthogonal import gegenbauer_recurrence, orthonormal

_NODES = 512  # of Gauss's quadrature, at least: 10 digits of a kernel with the square-root singularities of ReLU's
_ROUNDINGS = 64 * float(np.finfo(np.float64).eps)  # of an integral
_TAYLOR = 1024  # degree to which a kernel's Taylor coefficients are asked for, if it has them
_UNCERTAIN = 1e-6  # of the largest value of a kernel: coefficients less certain than this are refused


def sphere_coefficients(kernel: Any, dimension: int, degree: int) -> tuple[Float[np.ndarray, " terms"], float]:
    """lambda_0..lambda_degree of `GegenbauerFeatures`, and the share of f(1) beyond; ValueError as there."""
    if isinstance(kernel, str | Activation):
        kernel = dual_kernel(activations.get(kernel), False)
    if callable(kernel) and not hasattr(kernel, "coefficients"):
        found, uncertain = projected_coefficients(kernel, dimension, degree)
        at_one = float(np.asarray(kernel(np.ones(1)), np.float64)[0])
        if uncertain[-1] > _UNCERTAIN * abs(at_one):
            enough = int(np.flatnonzero(uncertain <= _UNCERTAIN * abs(at_one)).max(initial=0))
            raise ValueError(
                f"degree {degree} of a kernel in dimension {dimension} cannot be told from its values: "
                f"give its Taylor coefficients, or truncation={enough}"
            )
    else:
        has_method = hasattr(kernel, "coefficients")
        taylor = np.asarray(kernel.coefficients(max(_TAYLOR, degree)) if has_method else kernel, np.float64)
        if taylor.ndim != 1 or not len(taylor) or not np.isfinite(taylor).all():
            raise ValueError("kernel is neither a function nor a sequence of finite Taylor coefficients")
        at_one, uncertain = (1.0 if has_method else float(taylor.sum())), np.zeros(degree + 1)
        if not has_method and taylor.min() < 0:
            worst = f"Taylor coefficient {taylor.min():g} is negative"
            raise ValueError(f"{worst}: the kernel is not positive definite in every dimension")
        found = legendre_coefficients(taylor, dimension, degree)
    if not 0 < at_one < np.inf:
        raise ValueError(f"the kernel is {at_one:g} at 1, where a positive-definite one is positive and finite")
    k = int(np.argmin(found + uncertain))
    if found[k] < -uncertain[k]:
        raise ValueError(f"the kernel is not positive definite: its Legendre coefficient {k} is {found[k]:.2g}")
    found = np.maximum(found, 0.0)
    return found, max(0.0, 1 - float(found.sum()) / at_one)


def legendre_coefficients(
    taylor: Float[np.ndarray, " terms"], dimension: int, degree: int
) -> Float[np.ndarray, " {degree}+1"]:
    """lambda_0..lambda_degree in sum_j c_j t^j = sum_k lambda_k P_k(t), P_k the Legendre polynomials, P_k(1) = 1.

    Multiplication by t is a random walk on degrees,

        t P_k = (k + d - 2) / (2k + d - 2) P_(k+1) + k / (2k + d - 2) P_(k-1),

    so that lambda_k = sum_j c_j P(the walk from 0 is at k after j steps): all terms are positive, and nothing cancels
    in any dimension. The kernel's terms beyond `taylor` are left out.
    """
    d, terms = index(dimension), len(taylor)
    k = np.arange(terms)
    with np.errstate(invalid="ignore"):
        up = np.where(k == 0, 1.0, (k + d - 2) / (2 * k + d - 2))
        down = np.where(k == 0, 0.0, k / (2 * k + d - 2))  # small in high dimension, where 1 - up has lost digits
    law, found = np.zeros(terms), np.zeros(terms)
    law[0] = 1.0
    for c in taylor:
        found += c * law
        step = np.zeros(terms)
        step[1:] = (law * up)[:-1]
        step[:-1] += (law * down)[1:]
        law = step
    return np.concatenate([found, np.zeros(max(0, degree + 1 - terms))])[: degree + 1]


def projected_coefficients(
    kernel: Callable[[np.ndarray], np.ndarray], dimension: int, degree: int
) -> tuple[Float[np.ndarray, " {degree}+1"], Float[np.ndarray, " {degree}+1"]]:
    """Coefficients lambda_k on the sphere of a kernel known by its values, and how far rounding may have moved each.

    lambda_k = sqrt(N(d, k)) E f(T) p_k(T) by Gauss's quadrature, p_k orthonormal under the law of T = <x, theta>. A
    rounding of f is amplified by sqrt(N(d, k)) = p_k(1), some d^(k/2): high degrees in high dimension are not to be
    had from values.
    """
    count = max(_NODES, 2 * (degree + 1))  # fewer than degree + 1 would confuse high degrees with low ones
    b = gegenbauer_recurrence(count, dimension)
    nodes, vectors = eigh_tridiagonal(np.zeros(count), b[: count - 1])  # Golub and Welsch 1969
    weights = vectors[0] ** 2
    values = np.asarray(kernel(nodes), np.float64)
    if values.shape != nodes.shape or not np.isfinite(values).all():
        raise ValueError("the kernel does not map an array of correlations in (-1, 1) to finite numbers of its shape")
    at_nodes, at_one = (orthonormal(x, b[:degree]) for x in (nodes, np.ones(1)))
    roots = at_one[:, 0]
    return roots * (at_nodes @ (weights * values)), _ROUNDINGS * np.abs(values).max() * roots
