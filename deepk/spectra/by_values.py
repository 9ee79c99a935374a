"""Eigenvalues of a kernel known by its values in float64 alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from flint import arb
from jaxtyping import Float
from scipy.special import gammaln

from deepk.spectra.harmonics import multiplicity
from deepk.spectra.orthogonal import gegenbauer_recurrence

_NODES, _MOST_NODES, _PER_WIDTH = 512, 2**13, 16
_ROUNDINGS = 256 * float(np.finfo(np.float64).eps)  # of a kernel's values, beside the largest
_BESIDE = 2  # degrees whose error counts for one, which may be small by chance
# Fourth differences of a function are, in sum, 8 times a jump, and 2 to 4 times a kink: a tenth of them at the nodes
# nearby, weighted as these are, is more than what a rule may miss, wherever between two nodes the jump or kink is.
_PER_JUMP = 10

Found = dict[int, tuple[arb, arb]]  # of each degree, the eigenvalue and its error


def by_values(kernel: Callable[[np.ndarray], np.ndarray], d: int, ks: Sequence[int], *, error: float = 0.0) -> Found:
    """mu_k for the degrees ks, in order, of an elementwise function of an array of correlations in [-1, 1].

    sqrt(N(d, k)) mu_k = E kappa(T) p_k(T), p_k orthonormal under the law of T = <x, y>, so that an error of kappa moves
    it by no more than itself. By Gauss-Legendre quadrature in the angle, with twice the nodes until that changes
    nothing; where something is left, its size is taken from the change and from how rough kappa is at the nodes.

    Args:
        kernel: kappa.
        d: the dimension.
        ks: degrees.
        error: of kappa's values, where it is more than some roundings of the largest.

    Raises ValueError where kappa does not map an array to finite numbers of its shape.
    """
    top = ks[-1] + _BESIDE
    nodes = max(_NODES, 2 * top + math.ceil(_PER_WIDTH * math.sqrt(d)))  # the law of T has width d^(-1/2)
    coarse = _projected(kernel, d, top, nodes)
    rounding = max(_ROUNDINGS * coarse.size, error)
    while True:
        nodes *= 2
        fine = _projected(kernel, d, top, nodes)
        changed = np.abs(fine.integrals - coarse.integrals)
        if changed.max() <= rounding or nodes >= _MOST_NODES:
            break
        coarse = fine
    window = np.lib.stride_tricks.sliding_window_view(np.pad(changed, _BESIDE), 2 * _BESIDE + 1).max(axis=1)
    errors = 2 * window + rounding + (fine.roughness if changed.max() > rounding else 0.0)
    found = {}
    for k in ks:
        root = arb(multiplicity(d, k)).sqrt()
        found[k] = (arb(float(fine.integrals[k])) / root).mid(), (arb(float(errors[k])) / root).abs_upper()
    return found


@lru_cache(maxsize=8)
def _rule(nodes: int) -> tuple[Float[np.ndarray, " {nodes}"], Float[np.ndarray, " {nodes}"]]:
    """Nodes and weights of Gauss and Legendre on [-1, 1]."""
    found = [arb.legendre_p_root(nodes, i, weight=True) for i in range(nodes)]
    return np.array([float(x) for x, _ in found]), np.array([float(w) for _, w in found])


class _Projections(NamedTuple):
    """E kappa(T) p_k(T) for k = 0..top, what a jump or kink may leave of each, and the largest abs(kappa)."""

    integrals: Float[np.ndarray, " degrees"]
    roughness: Float[np.ndarray, " degrees"]
    size: float


def _projected(kernel: Callable[[np.ndarray], np.ndarray], d: int, top: int, nodes: int) -> _Projections:
    x, weights = _rule(nodes)
    theta = math.pi / 2 * (1 + x)
    log_constant = gammaln(d / 2) - gammaln((d - 1) / 2) + math.log(math.pi) / 2  # c_d, times pi / 2 beside weights / 2
    root = np.exp((log_constant + np.log(weights / 2) + (d - 2) * np.log(np.sin(theta))) / 2)
    rho = np.cos(theta)
    given = np.asarray(kernel(rho))
    if np.iscomplexobj(given):
        raise ValueError("the kernel has complex values; it takes real ones")
    values = given.astype(np.float64)
    if values.shape != rho.shape or not np.isfinite(values).all():
        raise ValueError("the kernel does not map an array of correlations in (-1, 1) to finite numbers of its shape")
    integrals, roughness = np.empty(top + 1), np.empty(top + 1)
    b = gegenbauer_recurrence(top + 1, d)
    before, p, last = np.zeros(nodes), root, 0.0
    weighted = values * root
    # kappa(cos theta) goes on symmetrically at both ends of [0, pi]
    rough = np.abs(np.diff(np.pad(values, 2, mode="symmetric"), 4)) / _PER_JUMP * root
    for k in range(top + 1):
        integrals[k], roughness[k] = weighted @ p, rough @ np.abs(p)
        before, p, last = p, (rho * p - last * before) / b[k], float(b[k])
    return _Projections(integrals, roughness, float(np.abs(values).max()))
