"""Eigenvalues of smooth kernels, by their Taylor coefficients: a sum of positive terms, in which no digit is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from flint import arb, arb_series

from deepk.kernels.dot_product import DotProductKernel
from deepk.kernels.precise import Series, precision
from deepk.spectra.harmonics import largest_moment, power_moments

_PRECISE, _IN_FLOAT64 = (512, 2048), (128, 512)  # bits and terms
_SPARE = 16  # bits
_USUAL = 1024  # Taylor coefficients that an object is asked for
_UNCERTAIN = 1e-12  # relative error of coefficients that somebody gives

Found = dict[int, tuple[arb, arb]]  # of each degree, the eigenvalue and its error


class Given(NamedTuple):
    """A kernel by Taylor coefficients that somebody gives, and the sum of those that are left out."""

    coefficients: list[arb]
    rest: arb


def taylor_coefficients(kernel: Any, degree: int) -> Given | None:
    """Of an object with a method `coefficients`, a law of generations say, or of a sequence; None for others.

    Raises ValueError for coefficients that are not finite numbers.
    """
    has_method = hasattr(kernel, "coefficients")
    if callable(kernel) and not has_method:
        return None
    given = kernel.coefficients(max(_USUAL, degree)) if has_method else kernel
    try:
        taylor = np.empty(0) if np.iscomplexobj(given) else np.asarray(given, np.float64)
    except (TypeError, ValueError):
        taylor = np.empty(0)
    if taylor.ndim != 1 or not len(taylor) or not np.isfinite(taylor).all():
        raise ValueError("kernel is neither a function nor a sequence of finite Taylor coefficients")
    uncertain = _UNCERTAIN if has_method else 0.0
    rest = max(0.0, 1 - float(taylor.sum())) if has_method else 0.0
    return Given([arb(c, uncertain * abs(c)) for c in taylor.tolist()], arb(rest))


def by_series(kernel: DotProductKernel | Given, d: int, ks: Sequence[int]) -> Found:
    """mu_k = sum_j c_j m_jk for the degrees ks, in order, m_jk = E t^j P_k(t); of a smooth kernel.

    The error is that of the coefficients, and what is left out: at most kappa(1) - sum c_j, times the largest m_jk.
    """
    moments = power_moments(d, ks[-1])
    coefficients, rest = kernel if isinstance(kernel, Given) else _taylor(kernel)
    sums = {k: _sum(coefficients, moments[k], d, k) for k in ks}
    return {k: (mu.mid(), (mu.rad() + rest * largest_moment(d, k)).abs_upper()) for k, mu in sums.items()}


def _taylor(kernel: DotProductKernel) -> Given:
    """Coefficients, and the sum of those beyond, of the kernel that their middles are of."""
    bits, terms = _PRECISE if kernel.most_digits else _IN_FLOAT64
    with precision(bits, terms=terms):
        series = kernel.exact(Series.rho())
        coefficients = series.coeffs() if isinstance(series, arb_series) else [arb(series)]
        at_one = kernel.exact_at_one(Series.rho()).mid()
        beyond = at_one - sum((c.mid() for c in coefficients), arb(0))
        rounding = 2.0 ** (_SPARE - bits) * at_one
        return Given(coefficients, beyond.max(arb(0)).abs_upper() + rounding)


def _sum(coefficients: Sequence[arb], moment: arb, d: int, k: int) -> arb:
    """sum_j c_j m_jk, from m_kk on."""
    total = arb(0)
    for j in range(k, len(coefficients), 2):
        total += coefficients[j] * moment
        moment = moment * ((j + 1) * (j + 2)) / ((j - k + 2) * (j + k + d))
    return total
