"""One layer of a kernel in mpmath: c -> G(c), G'(c), to check tables, digits and ends against."""

from __future__ import annotations

from collections.abc import Callable

import mpmath

Layer = Callable[[mpmath.mpf], tuple[mpmath.mpf, mpmath.mpf]]


def below(a: mpmath.mpf, b: mpmath.mpf, c: mpmath.mpf) -> mpmath.mpf:
    """P(X < a, Y < b), by the density's integral over the correlation sin(t) from zero."""

    def density(t: mpmath.mpf) -> mpmath.mpf:
        return mpmath.exp(-(a * a + b * b - 2 * a * b * mpmath.sin(t)) / (2 * mpmath.cos(t) ** 2))

    integral = mpmath.quad(density, [0, mpmath.asin(c)], method="gauss-legendre")
    return mpmath.ncdf(a) * mpmath.ncdf(b) + integral / (2 * mpmath.pi)


def elu(c: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    """In parts, x for x > 0 and e^x - 1 below; e^Y times the joint density is a density of shifted mean."""
    t, s, root = mpmath.acos(c), mpmath.sqrt(1 - c * c), mpmath.sqrt(mpmath.e)
    one_below, both_below = below(-c, mpmath.mpf(-1), c), mpmath.exp(1 + c) * below(-1 - c, -1 - c, c)
    right = mpmath.ncdf(-1) - one_below  # P(X > -c, Y < -1)
    ramps = (s + (mpmath.pi - t) * c) / (2 * mpmath.pi)
    mixed = mpmath.npdf(c) * mpmath.ncdf(-s) - c * mpmath.npdf(1) / 2 + c * right
    mixed = root * mixed - (1 - c) / (2 * mpmath.sqrt(2 * mpmath.pi))
    quadrant = (mpmath.pi - t) / (2 * mpmath.pi)
    kernel = ramps + 2 * mixed + both_below - 2 * root * one_below + quadrant
    return kernel / elu_moments()[0], (quadrant + 2 * root * right + both_below) / elu_moments()[0]


def elu_moments() -> tuple[mpmath.mpf, mpmath.mpf, mpmath.mpf]:
    """E sigma^2, E sigma'^2, E sigma''^2."""
    bent = mpmath.exp(2) * mpmath.ncdf(-2)
    return 1 + bent - 2 * mpmath.sqrt(mpmath.e) * mpmath.ncdf(-1), bent + mpmath.mpf(1) / 2, bent
