"""Eigenvalues of kernels known to many digits, by Gauss-Legendre quadrature in the angle with as many as they take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from flint import arb

from deepk.kernels.dot_product import DotProductKernel
from deepk.kernels.precise import Digits, precision, projections
from deepk.spectra.harmonics import leading_coefficients, monic_recurrence, multiplicity, sphere_constant

_DIGITS, _GUARD, _MORE_DIGITS = 17, 14, 10
_BITS = math.log2(10)
# Nodes for each oscillation of P_k and each digit: much fewer fail. Two rules are compared, and a third and so on taken
# until they agree; kernels of hundreds of layers are steep at 0.
_PER_DEGREE, _PER_DIGIT, _FEWEST, _MORE_NODES, _RULES = 0.4, 0.75, 15, 1.35, 12
_AGREE = 1e-17
_UNSEEN, _MANY_MORE_DIGITS = 0.1, 1.6
_NOTHING = arb(2) ** -1074  # the least that float64 tells from zero

Found = dict[int, tuple[arb, arb]]  # of each degree, the eigenvalue and its error


def by_quadrature(kernel: DotProductKernel, d: int, ks: Sequence[int]) -> Found:
    """mu_k for the degrees ks, in order; empty where that takes more digits of the kernel than there are.

    kappa(cos theta) is analytic on [0, pi] in closed form, but for a kernel of step activations: that is smooth in
    theta^(2^(1 - L)), which takes the place of theta. Of tanh and its like it is smooth, and the rules converge still.
    The error is the difference between two rules, the finer of which is returned, and that of the digits.
    """
    top, power = ks[-1], round(1 / kernel.order)
    # P_k sin^(d - 2) is as small as N(d, k)^(-1/2), and so is what integrals are made of.
    digits, more_nodes = _DIGITS + _GUARD + math.log10(multiplicity(d, top)) / 2, 1.0
    there = [k for k in ks if not kernel.degrees.vanishes(k)]
    found: Found = {}
    coarse: list[arb] = []
    for _ in range(_RULES):
        if digits > kernel.most_digits:
            break
        fine = _integrals(kernel, d, top, power, more_nodes, digits)
        if coarse:
            found = {k: (fine[k], abs(fine[k] - coarse[k]) + _unseen(kernel, d, k, digits)) for k in ks}
            wrong = max((_excess(*found[k], multiplicity(d, k)) for k in there), default=0.0)
            if wrong <= _AGREE:
                break
            if wrong > _UNSEEN:  # an eigenvalue of a smooth kernel, far below the digits
                digits, coarse = _MANY_MORE_DIGITS * digits, []
                continue
        digits, more_nodes, coarse = digits + _MORE_DIGITS, more_nodes * _MORE_NODES, fine
    return found


def _unseen(kernel: DotProductKernel, d: int, k: int, digits: float) -> arb:
    """What an error of kappa below its digits, which two rules may share, moves mu_k by at most."""
    return kernel.at_one * arb(10) ** -digits / arb(multiplicity(d, k)).sqrt()


def _excess(mu: arb, error: arb, count: int) -> float:
    """The relative error; 0 where not even N(d, k) mu_k can be told from zero in float64."""
    return 0.0 if error * count <= _NOTHING else float(error / (abs(mu) + error))


def _integrals(kernel: DotProductKernel, d: int, top: int, power: int, more_nodes: float, digits: float) -> list[arb]:
    nodes = math.ceil(more_nodes * (_PER_DEGREE * (top + d - 2) * power + _PER_DIGIT * digits + _FEWEST))
    with precision(math.ceil(digits * _BITS)):
        half_pi, parity = arb.pi() / 2, kernel.parity
        points = []
        for x, weight in _rule(nodes, math.ceil(digits * _BITS)):
            s = (1 + x) / 2
            theta = half_pi * s**power
            density = weight / 2 * half_pi * power * s ** (power - 1) * theta.sin() ** (d - 2)
            right = density * kernel.exact(Digits.at(theta))
            left = parity * right if parity else density * kernel.exact(Digits.at(2 * half_pi - theta))
            points.append((theta.cos().mid(), (right + left).mid(), (right - left).mid()))
        found = projections(points, monic_recurrence(d, top))
        scale = sphere_constant(d)
        return [(scale * a * m).mid() for a, m in zip(leading_coefficients(d, top), found, strict=True)]


@lru_cache(maxsize=8)
def _rule(nodes: int, bits: int) -> list[tuple[arb, arb]]:
    """Nodes and weights of Gauss and Legendre on [-1, 1], at a precision that is set."""
    del bits
    found = [arb.legendre_p_root(nodes, i, weight=True) for i in range(nodes)]
    return [(x.mid(), w.mid()) for x, w in found]
