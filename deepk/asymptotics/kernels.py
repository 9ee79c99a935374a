"""The risk of kernel ridge regression and of random features for any spectrum: the staircase and its map.

(Ghorbani, Mei, Misiakiewicz, Montanari 2021, arXiv:1904.12191, for the steps as the dimension tends to infinity; the
deterministic equivalent at finite dimension is that of Defilippis, Loureiro, Misiakiewicz 2024, arXiv:2405.15699.)
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deepk.asymptotics.arguments import at_least_zero, broadcast, positive
from deepk.asymptotics.equivalent import Spectrum, solve
from deepk.kernels.dot_product import DotProductKernel
from deepk.spectra import spectrum
from deepk.spectra.sphere import as_kernel

_FIRST, _HIGHEST = 16, 1024  # degrees of a spectrum
_EPS = float(np.finfo(np.float64).eps)
_SETTLED, _UNCERTAIN = 1e-12, 1e-8  # change of the risk by twice the degrees, relative; the second is warned of
_SMALLEST = 1e-290  # eigenvalue; smaller ones are in the tail


def kernel_risk(
    eigenvalues: ArrayLike,
    multiplicities: ArrayLike,
    power: ArrayLike,
    *,
    samples: ArrayLike = np.inf,
    features: ArrayLike = np.inf,
    ridge: ArrayLike = 0.0,
    noise: ArrayLike = 0.0,
    tail: float = 0.0,
) -> Any:
    """The test error against the target, of regression on random features of a kernel, or on the kernel itself.

    The coefficients minimize the sum of squares over the samples plus the ridge times the squared norm in the kernel's
    space: the ridge is added to the Gram matrix. Of finitely many features the kernel is the mean of p random ones,
    drawn by its own expansion. With infinitely many of both and no ridge all is learnt that the kernel has.

    Args:
        eigenvalues: mu_k >= 0 of the kernel under the law of the inputs.
        multiplicities: N_k > 0.
        power: P_k >= 0, the mean square of the target's part in the k-th eigenspace, all of its dimensions together.
        samples: n > 0, a number or an array; may be infinite.
        features: p > 0, the same.
        ridge: >= 0, the same but finite.
        noise: tau^2 >= 0, variance of the labels' noise; it is not in the risk by itself.
        tail: the sum of all eigenvalues left out: what is missing to the kernel's mean value at equal inputs.

    Raises ValueError for sequences of different length, and numbers that are not as said.
    """
    mu, counts, p_k = (np.atleast_1d(np.asarray(each, np.float64)) for each in (eigenvalues, multiplicities, power))
    if not (mu.ndim == 1 and mu.shape == counts.shape == p_k.shape):
        lengths = ", ".join(str(len(each)) for each in (mu, counts, p_k))
        raise ValueError(f"eigenvalues, multiplicities and power have lengths {lengths}; they take one for each degree")
    at_least_zero(eigenvalues=mu, power=p_k, tail=np.asarray(tail, np.float64))
    positive(multiplicities=counts)
    at_least_zero(multiplicities=counts)  # and finite
    shape, (n, p, r, tau) = broadcast(samples=samples, features=features, ridge=ridge, noise=noise)
    if not mu.any() and not tail > 0:
        raise ValueError("all eigenvalues are zero: there is no kernel")
    at = solve(Spectrum(mu, counts, float(tail)), p, n, r / n)
    with np.errstate(invalid="ignore"):
        of_noise = np.where(tau == 0, 0.0, tau * at.variance)
    return (at.bias(p_k) + of_noise).reshape(shape)[()]


def staircase(
    kernel: Any,
    dimension: int,
    power: Sequence[float] | np.ndarray,
    *,
    samples: ArrayLike = np.inf,
    features: ArrayLike = np.inf,
    ridge: ArrayLike = 0.0,
    noise: ArrayLike = 0.0,
) -> Any:
    """`kernel_risk` of a dot-product kernel, for inputs uniform on the unit sphere of a dimension.

    As the dimension d grows, degree k of the target is learnt where the fewer of samples and features passes d^k:
    the staircase. Degrees are taken until more change nothing, and all others together are in the tail.

    Args:
        kernel: one of ours, the name of an activation (its dual kernel), or any function of <x, y>.
        dimension: d >= 2.
        power: the target's mean square in degree 0, 1, 2, ...
        samples: as in `kernel_risk`; the following, too.
        features: p.
        ridge: beside the Gram matrix.
        noise: tau^2.

    Warns where 1024 degrees are too few, as for a million samples in a dimension of two or three. Raises ValueError as
    `kernel_risk` and `deepk.spectra.spectrum` do.
    """
    kernel = as_kernel(kernel)
    of_degree = np.atleast_1d(np.asarray(power, np.float64))
    rest = {"samples": samples, "features": features, "ridge": ridge, "noise": noise}
    most = min(float(np.max(each, initial=0.0)) for each in (samples, features))
    highest, before = max(_FIRST, len(of_degree)), None
    while True:
        mu, counts, tail = _known(kernel, dimension, highest)
        risk = kernel_risk(mu, counts, np.pad(of_degree, (0, highest - len(of_degree))), tail=tail, **rest)
        change = np.inf if before is None else _largest_change(risk, before)
        # a kernel of infinite rank whose eigenvalues fall so fast that samples see more of them than are known
        short = tail == 0 and counts[mu > 0].sum() <= most < np.inf and bool(mu[highest // 2 :].any())
        if change <= _SETTLED and not short:
            return risk
        if highest >= _HIGHEST:
            if short or change > _UNCERTAIN:
                off = "samples see more of it than is known" if short else f"risks may be off by {change:.0e}, relative"
                warnings.warn(f"{highest} degrees of the kernel are taken, too few: {off}", stacklevel=2)
            return risk
        highest, before = 2 * highest, risk


def _known(kernel: Any, dimension: int, degrees: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Eigenvalues that are certain, how many there are of each, and the sum of all others."""
    found = spectrum(kernel, dimension, range(degrees))
    at_one = kernel.at_one if isinstance(kernel, DotProductKernel) else float(np.asarray(kernel(np.ones(1)))[0])
    certain = found.values > np.maximum(found.errors, _SMALLEST)
    mu, totals = np.where(certain, found.values, 0.0), np.where(certain, found.totals, 0.0)
    counts = np.where(certain, totals / np.where(certain, mu, 1.0), 1.0)
    tail = at_one - float(totals.sum())
    rounding = float(found.total_errors[certain].sum()) + degrees * _EPS * at_one
    return mu, counts, tail if tail > rounding else 0.0


def _largest_change(risk: Any, before: Any) -> float:
    """Relative; of what is zero or infinite before and after, none."""
    with np.errstate(invalid="ignore"):
        moved = np.abs(risk - before) / np.maximum(before, _SMALLEST)
    return float(np.max(np.where(risk == before, 0.0, moved), initial=0.0))
