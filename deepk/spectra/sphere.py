"""Eigenvalues of dot-product kernels on the sphere, of every digit: exact zeros as zeros, errors that hold.

The operator f -> integral of kappa(<x, y>) f(y) over the uniform law on the unit sphere in R^d has the spherical
harmonics as eigenfunctions; those of degree k, N(d, k) of them, share the eigenvalue

    mu_k = c_d int_0^pi kappa(cos t) P_k(cos t) sin(t)^(d - 2) dt,   c_d = Gamma(d / 2) / (sqrt(pi) Gamma((d - 1) / 2))

(Funk, Hecke; Bietti, Bach 2021, arXiv:2009.14397, section 2.1), P_k the Legendre polynomial of dimension d, P_k(1) = 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb
from jaxtyping import Float, Int

from deepk.activations import Activation
from deepk.kernels.composition import CompositionalKernel
from deepk.kernels.dot_product import DotProductKernel
from deepk.kernels.dual import DualKernel
from deepk.kernels.precise import precision
from deepk.kernels.radial import GaussianKernel
from deepk.spectra.by_quadrature import Found, by_quadrature
from deepk.spectra.by_series import by_series, taylor_coefficients
from deepk.spectra.by_values import by_values
from deepk.spectra.harmonics import checked_dimension, multiplicity

_BITS = 128  # of results, before they are rounded
_ENOUGH = 1e-13  # relative error of a sum over Taylor coefficients that no other way is asked for
_HIGHEST = 10**6  # degree
_TINY = 5e-324
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues mu_k on the unit sphere in R^d.

    Attributes:
        dimension: d.
        degrees: k, as asked for.
        values: mu_k.
        errors: a bound on how far each of `values` is from the true one; 0 where symmetry makes it zero.
        totals: N(d, k) mu_k, the share of degree k in kappa(1); they do not underflow where mu_k does.
        total_errors: a bound on how far each of `totals` is from the true one.
    """

    dimension: int
    degrees: Int[np.ndarray, " degrees"]
    values: Float[np.ndarray, " degrees"]
    errors: Float[np.ndarray, " degrees"]
    totals: Float[np.ndarray, " degrees"]
    total_errors: Float[np.ndarray, " degrees"]


def spectrum(kernel: Any, dimension: int, degrees: int | Iterable[int]) -> Spectrum:
    """mu_k for the degrees asked for.

    Of kernels with a closed form (ReLU and leaky ReLU, step, erf, sin, GELU at any depth, Laplace, Gauss, their sums
    and products) to the rounding of float64, at any degree and dimension; of tanh, sigmoid, swish, softplus as far as
    2048 Taylor coefficients tell them; of a kernel known in float64 alone to some 1e-14 kappa(1) / sqrt(N(d, k)), and
    less where it jumps. What is left uncertain is in `errors`.

    Args:
        kernel: one of ours, the name of an activation (its dual kernel) or an `Activation`, any function of an array of
            correlations in [-1, 1], an object with a method `coefficients(degree)`, or a sequence of Taylor
            coefficients.
        dimension: d >= 2, of the space around the sphere.
        degrees: one, or several in any order.

    Raises ValueError for a dimension below 2, degrees that are negative or not integers, and a kernel that does not map
    an array of correlations to finite numbers of its shape.
    """
    d, wanted = _checked(dimension, degrees)
    kernel = as_kernel(kernel)
    ks = sorted({*wanted.tolist()}) or [0]  # something, so that a kernel that is none is refused
    with precision(_BITS):
        found = _eigenvalues(kernel, d, ks)
        if isinstance(kernel, DotProductKernel):
            found.update({k: (arb(0), arb(0)) for k in ks if kernel.degrees.vanishes(k)})
        rows = [(*found[k], multiplicity(d, k)) for k in wanted.tolist()]
        values, errors = _rounded([(mu, error) for mu, error, _ in rows])
        totals, total_errors = _rounded([(mu * n, error * n) for mu, error, n in rows])
    return Spectrum(d, wanted, values, errors, totals, total_errors)


def as_kernel(kernel: Any) -> Any:
    """The dual kernel of an activation, or of its name, as a kernel of one layer; anything else as it is."""
    if isinstance(kernel, DualKernel):
        return CompositionalKernel(kernel.activation, 1, centered=kernel.centered)
    return CompositionalKernel(kernel, 1) if isinstance(kernel, str | Activation) else kernel


def _eigenvalues(kernel: Any, d: int, ks: Sequence[int]) -> Found:
    """mu_k and its error for each degree, by the way that knows most of the kernel."""
    if isinstance(kernel, GaussianKernel):
        return _gaussian(kernel.gamma, d, ks)
    if not isinstance(kernel, DotProductKernel):
        taylor = taylor_coefficients(kernel, max(ks))
        return by_values(kernel, d, ks) if taylor is None else by_series(taylor, d, ks)
    ways: list[Callable[[], Found]] = [lambda: by_quadrature(kernel, d, ks)]
    if kernel.is_smooth:
        ways.append(lambda: by_series(kernel, d, ks))
    ways.append(lambda: by_values(kernel, d, ks, error=kernel.error_bound * kernel.at_one))
    found: Found = {}
    for way in ways:
        for k, value in way().items():
            found[k] = min(found.get(k, value), value, key=_error)
        if all(k in found and found[k][1] <= _ENOUGH * abs(found[k][0]) for k in ks if not kernel.degrees.vanishes(k)):
            break
    return found


def _gaussian(gamma: float, d: int, ks: Sequence[int]) -> Found:
    """exp(-2 gamma) Gamma(d / 2) gamma^(1 - d / 2) I_(k + d/2 - 1)(2 gamma), I the modified Bessel function."""
    half, x = arb(d) / 2, 2 * arb(gamma)
    scale = (-x).exp() * half.gamma() * arb(gamma) ** (1 - half)
    found = {k: scale * x.bessel_i(half + (k - 1)) for k in ks}
    return {k: (mu.mid(), mu.rad().abs_upper()) for k, mu in found.items()}


def _error(found: tuple[arb, arb]) -> float:
    """Its logarithm."""
    return -math.inf if found[1] == 0 else float(found[1].log())


def _rounded(pairs: Sequence[tuple[arb, arb]]) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    """As float64; the errors with that of rounding, and no rounding to zero."""
    values = np.array([float(value) for value, _ in pairs])
    errors = [
        0.0 if value == 0 and error == 0 else float(error + abs(value - arb(found)) + _TINY)
        for (value, error), found in zip(pairs, values.tolist(), strict=True)
    ]
    return values, np.array(errors) * (1 + _EPS)


def _checked(dimension: int, degrees: int | Iterable[int]) -> tuple[int, Int[np.ndarray, " degrees"]]:
    """The dimension, and the degrees as an array; ValueError in one line."""
    d = checked_dimension(dimension)
    given = degrees if hasattr(degrees, "__array__") or not isinstance(degrees, Iterable) else list(degrees)
    wanted = np.atleast_1d(np.asarray(given))
    if wanted.ndim != 1 or (wanted.size and not np.issubdtype(wanted.dtype, np.integer)):
        raise ValueError(f"degrees = {degrees}: one integer, or a sequence of integers")
    if wanted.size and wanted.min() < 0:
        raise ValueError(f"degree = {wanted.min()} is negative")
    if wanted.size and wanted.max() > _HIGHEST:
        raise ValueError(f"degree = {wanted.max()} is above {_HIGHEST}, and out of reach")
    return d, wanted.astype(np.int64)


def reproducing_norm(coefficients: Sequence[float] | np.ndarray, spectrum: Spectrum) -> float:
    """The norm of a function in the reproducing space of a kernel: sqrt(sum_k a_k^2 / mu_k).

    Args:
        coefficients: a_k, the norm in L^2 of the function's part of degree k, one for each of the spectrum's degrees.
            Of f(<x, w>) with eigenvalues m_k of its own, a_k = sqrt(N(d, k)) abs(m_k).
        spectrum: of the kernel.

    Infinite where a coefficient that is not zero meets mu_k = 0: the function is not in the space. Degrees beyond those
    of the spectrum are left out. Raises ValueError for another number of coefficients, one that is not finite, and a
    degree that is there twice.
    """
    if len(set(spectrum.degrees.tolist())) < len(spectrum.degrees):
        raise ValueError("the spectrum has a degree twice, which would be counted twice")
    a = np.asarray(coefficients, np.float64)
    if a.shape != spectrum.values.shape or not np.isfinite(a).all():
        raise ValueError(f"coefficients of shape {a.shape}: it takes {len(spectrum.degrees)} finite numbers")
    there = a != 0
    if (spectrum.totals[there] <= 0).any():
        return math.inf
    counts = np.array([float(arb(multiplicity(spectrum.dimension, k)).sqrt()) for k in spectrum.degrees.tolist()])
    return float(np.linalg.norm(a[there] * counts[there] / np.sqrt(spectrum.totals[there])))
