"""The two coupled equations for random features in complex numbers of 50 digits, beside which ours are checked."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import mpmath
from mpmath import mpf

DIGITS = 50


class Limits(NamedTuple):
    """B and V, and the training error and squared norm for one signal and one sum of noise and nonlinear part."""

    bias: mpf
    variance: mpf
    training_error: mpf
    squared_norm: mpf


@cache
def moments(activation: str) -> tuple[mpf, mpf]:
    """mu_1^2 and mu_*^2."""
    with mpmath.workdps(DIGITS):
        if activation == "relu":
            return mpf(1) / 4, mpf(1) / 4 - 1 / (2 * mpmath.pi)
        if activation == "erf":
            first = 4 / (3 * mpmath.pi)
            return first, 2 * mpmath.asin(mpf(2) / 3) / mpmath.pi - first
        assert activation == "tanh"
        points = [mpf(i) / 16 for i in range(1, 16 * 16)]  # the trapezoid rule; poles at i pi / 2 leave exp(-16 pi^2)
        density, values = [mpmath.npdf(z) / 8 for z in points], [mpmath.tanh(z) for z in points]
        first = mpmath.fsum(w * z * t for w, z, t in zip(density, points, values, strict=True)) ** 2
        return first, mpmath.fsum(w * t * t for w, t in zip(density, values, strict=True)) - first


def newton(start, xi, p, n, z2, tolerance):
    """nu_1 and nu_2 from close by: nu_1 = p / (-xi - nu_2 - z2 nu_2 / (1 - z2 nu_1 nu_2)), and with p for n."""
    a, b = start
    for _ in range(100):
        q = 1 - z2 * a * b
        f, g = a * (-xi - b - z2 * b / q) - p, b * (-xi - a - z2 * a / q) - n
        k = 1 + z2 / q**2
        matrix = -xi - k * b, -k * a, -k * b, -xi - k * a
        determinant = matrix[0] * matrix[3] - matrix[1] * matrix[2]
        da, db = (matrix[3] * f - matrix[1] * g) / determinant, (matrix[0] * g - matrix[2] * f) / determinant
        a, b = a - da, b - db
        if abs(da) <= tolerance * abs(a) and abs(db) <= tolerance * abs(b):
            return a, b
    raise AssertionError("Newton's method does not end")


def followed(p: mpf, n: mpf, z2: mpf, scaled_ridge: mpf) -> tuple[mpf, mpf, mpf]:
    """The branch that vanishes as 1 / xi, followed down the imaginary axis; abs(xi), chi, and nu_2."""
    end = mpmath.sqrt(p * n * scaled_ridge)
    height, nu = 100 * (1 + p + n + z2 + end), None
    while True:
        height = max(height / 2, end)
        start = (1j * p / height, 1j * n / height) if nu is None else nu
        last = height == end
        nu = newton(start, 1j * height, p, n, z2, mpf(10) ** (10 - DIGITS if last else -6))
        assert nu[0].imag > 0
        assert nu[1].imag > 0
        assert abs(nu[0]) <= p / height
        assert abs(nu[1]) <= n / height
        if last:
            return end, (nu[0] * nu[1]).real, nu[1]


def polynomials(chi: mpf, p: mpf, n: mpf, z2: mpf) -> tuple[mpf, mpf]:
    """B = E_1 / E_0 and V = E_2 / E_0 of the paper (arXiv:1908.05355)."""
    z4, z6 = z2**2, z2**3
    e_0 = (
        -(chi**5) * z6
        + 3 * chi**4 * z4
        + (p * n - n - p + 1) * chi**3 * z6
        - 2 * chi**3 * z4
        - 3 * chi**3 * z2
        + (p + n - 3 * p * n + 1) * chi**2 * z4
        + 2 * chi**2 * z2
        + chi**2
        + 3 * p * n * chi * z2
        - p * n
    )
    e_1 = n * chi**3 * z4 - n * chi**2 * z2 + p * n * chi * z2 - p * n
    e_2 = (
        chi**5 * z6
        - 3 * chi**4 * z4
        + (p - 1) * chi**3 * z6
        + 2 * chi**3 * z4
        + 3 * chi**3 * z2
        + (-p - 1) * chi**2 * z4
        - 2 * chi**2 * z2
        - chi**2
    )
    return e_1 / e_0, e_2 / e_0


@cache
def limits(activation: str, psi_1: float, psi_2: float, ridge: float, signal: float = 1.0, rest: float = 0.0) -> Limits:
    """Of finite psi and a ridge > 0.

    The least value of the objective is (abs(xi nu_2) / psi_2) (F_1^2 / (1 - zeta^2 chi) + F_*^2 + tau^2); its
    derivative by the ridge is the squared norm.
    """
    with mpmath.workdps(DIGITS):
        first, left = moments(activation)
        p, n, z2, r = mpf(psi_1), mpf(psi_2), first / left, mpf(ridge)

        def objective(at: mpf) -> mpf:
            height, chi, nu_2 = followed(p, n, z2, at / left)
            return height * nu_2.imag / n * (signal / (1 - z2 * chi) + rest)

        chi = followed(p, n, z2, r / left)[1]
        step = r * mpf(10) ** -13
        norm = (objective(r + step) - objective(r - step)) / (2 * step)
        return Limits(*polynomials(chi, p, n, z2), objective(r) - r * norm, norm)


def risk(activation: str, psi_1: float, psi_2: float, ridge: float, signal: float = 1.0, rest: float = 0.0) -> mpf:
    """F_1^2 B + (F_*^2 + tau^2) V, the whole risk of a linear target."""
    with mpmath.workdps(DIGITS):
        first, left = moments(activation)
        p, n, z2 = mpf(psi_1), mpf(psi_2), first / left
        bias, variance = polynomials(followed(p, n, z2, mpf(ridge) / left)[1], p, n, z2)
        return signal * bias + rest * variance


def ridgeless(activation: str, psi_1: float, psi_2: float) -> tuple[mpf, mpf]:
    """B and V for ridge -> 0 at psi_1 != psi_2, by the closed chi."""
    with mpmath.workdps(DIGITS):
        first, left = moments(activation)
        z2, psi = first / left, mpf(min(psi_1, psi_2))
        linear = psi * z2 - z2 - 1
        chi = -(mpmath.sqrt(linear**2 + 4 * z2 * psi) + linear) / (2 * z2)
        return polynomials(chi, mpf(psi_1), mpf(psi_2), z2)


def infinitely_many_features(activation: str, psi_2: float, ridge: float) -> tuple[mpf, mpf]:
    """B and V for psi_1 = infinity."""
    with mpmath.workdps(DIGITS):
        first, left = moments(activation)
        z2, n, bar = first / left, mpf(psi_2), mpf(ridge) / left
        linear = n * z2 - z2 - bar * n - 1
        w = -(mpmath.sqrt(linear**2 + 4 * n * z2 * (bar * n + 1)) + linear) / (2 * (bar * n + 1))
        below = (n - 1) * w**3 + (1 - 3 * n) * w**2 + 3 * n * w - n
        return (n * w - n) / below, (w**3 - w**2) / below


def infinitely_many_samples(activation: str, psi_1: float) -> mpf:
    """B for psi_2 = infinity and ridge -> 0, where V = 0."""
    with mpmath.workdps(DIGITS):
        first, left = moments(activation)
        z2, p = first / left, mpf(psi_1)
        linear = p * z2 - z2 - 1
        w = -(mpmath.sqrt(linear**2 + 4 * p * z2) + linear) / 2
        below = (p - 1) * w**3 + (1 - 3 * p) * w**2 + 3 * p * w - p
        return ((w**3 - w**2) / z2 + p * w - p) / below


def off(found: object, exact: object) -> float:
    """The relative error; of zero, the error."""
    with mpmath.workdps(DIGITS):
        difference = abs(mpf(float(found)) - exact)  # type: ignore[arg-type]
        return float(difference / abs(exact) if exact else difference)
