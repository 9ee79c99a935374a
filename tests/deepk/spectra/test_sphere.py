"""Eigenvalues on the sphere against digits of others, mpmath, closed forms and rationals; errors that hold; zeros."""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache

import flint
import jaxtyping
import mpmath
import numpy as np
import pytest
import torch
from flint import arb

from deepk.activations import Activation, leaky_relu
from deepk.kernels import (
    CompositionalKernel,
    ConstantKernel,
    DotProductKernel,
    GaussianKernel,
    LaplaceKernel,
    TangentKernel,
)
from deepk.kernels.precise import precision
from deepk.spectra import Spectrum, multiplicity, reproducing_norm, spectrum
from deepk.spectra.by_quadrature import by_quadrature
from deepk.spectra.by_series import by_series
from deepk.spectra.by_values import by_values

ROUNDED = 2.0**-53  # what float64 leaves of all digits, relatively
KINDS = {"rf": CompositionalKernel, "ntk": TangentKernel}


@pytest.fixture
def annotations_are_not_enforced(monkeypatch):
    """As outside of these tests."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def named(name: str) -> DotProductKernel:
    kind, *what = name.split()
    if kind == "laplace":
        return LaplaceKernel(float(what[0]))
    if kind == "gaussian":
        return GaussianKernel(float(what[0]))
    return KINDS[kind](what[0], int(what[1]))


# References -------------------------------------------------------------------------------------------------------


def integral(kernel: Callable[[mpmath.mpf], mpmath.mpf], d: int, k: int, *, power: int = 1) -> mpmath.mpf:
    """mu_k of a function of the angle, by mpmath.quad in theta^(1 / power)."""
    half = mpmath.mpf(d - 1) / 2

    def of(s: mpmath.mpf) -> mpmath.mpf:
        theta = s**power
        legendre = mpmath.hyp2f1(-k, k + d - 2, half, mpmath.sin(theta / 2) ** 2)
        return kernel(theta) * legendre * mpmath.sin(theta) ** (d - 2) * power * s ** (power - 1)

    constant = mpmath.gamma(half + 0.5) / (mpmath.sqrt(mpmath.pi) * mpmath.gamma(half))
    return constant * mpmath.quad(of, mpmath.linspace(0, mpmath.pi ** (mpmath.mpf(1) / power), 3))


def relu(t: mpmath.mpf) -> mpmath.mpf:
    return (mpmath.sin(t) + (mpmath.pi - t) * mpmath.cos(t)) / mpmath.pi


def step(t: mpmath.mpf) -> mpmath.mpf:
    return 1 - t / mpmath.pi


def angle(rho: mpmath.mpf) -> mpmath.mpf:
    return 2 * mpmath.asin(mpmath.sqrt(abs(1 - rho) / 2))  # next to one, it rounds beyond


def two_steps(t: mpmath.mpf) -> mpmath.mpf:
    return step(2 * mpmath.asin(mpmath.sqrt(t / mpmath.pi / 2)))


def tangent_of_two_layers(t: mpmath.mpf) -> mpmath.mpf:
    first, t_1 = mpmath.cos(t) * step(t) + relu(t), angle(relu(t))
    return first * step(t_1) + relu(t_1)


def with_biases(t: mpmath.mpf) -> mpmath.mpf:
    return (1 + mpmath.cos(t)) * step(t) + relu(t)


def legendre(d: int, degree: int, t: mpmath.mpf) -> list[mpmath.mpf]:
    """P_0(t), ..., P_degree(t)."""
    p = [mpmath.mpf(1), t]
    for k in range(1, degree):
        p.append(((2 * k + d - 2) * t * p[k] - k * p[k - 1]) / (k + d - 2))
    return p[: degree + 1]


def of_powers(coefficients: list[mpmath.mpf], d: int, k: int) -> mpmath.mpf:
    """mu_k of sum c_j t^j, by E t^j P_k(t)."""
    total, moment = mpmath.mpf(0), mpmath.fprod(mpmath.mpf(i + 1) / (2 * i + d) for i in range(k))
    for j in range(k, len(coefficients), 2):
        total += coefficients[j] * moment
        moment *= mpmath.mpf((j + 1) * (j + 2)) / ((j - k + 2) * (j + k + d))
    return total


def bessel(gamma: float, d: int, k: int) -> mpmath.mpf:
    """mu_k of exp(-2 gamma (1 - t))."""
    half, gamma = mpmath.mpf(d) / 2, mpmath.mpf(gamma)
    scale = mpmath.exp(-2 * gamma) * mpmath.gamma(half) * gamma ** (1 - half)
    return scale * mpmath.besseli(k + half - 1, 2 * gamma)


@cache
def squared_coefficients_of_tanh(scale: float, mean: float, terms: int) -> list[mpmath.mpf]:
    """a_k^2 / E sigma^2 of sigma = mean + tanh(scale x), by the trapezoidal rule at 90 digits.

    Poles at i pi / (2 scale) leave exp(-pi^2 / (h scale)) of it, and p_k grows with the distance z from 0 as
    exp(z^2 / 4) at most, so that exp(-z^2 / 4) is left out. In Arb, since mpmath takes twenty times as long.
    """
    with precision(300):
        h, z_max, sums, square = arb(1) / 12, 24, [arb(0)] * terms, arb(mean) ** 2
        roots = [arb(k).sqrt() for k in range(terms + 1)]
        for i in range(1, 12 * z_max):
            z = h * i
            value, before, p = (scale * z).tanh(), arb(0), arb(1)
            weighted = 2 * h * (-z * z / 2).exp() / (2 * arb.pi()).sqrt() * value
            square += weighted * value
            for k in range(terms):
                if k % 2:
                    sums[k] += weighted * p
                before, p = p, ((z * p - roots[k] * before) / roots[k + 1]).mid()
        found = [arb(mean) ** 2 / square, *(a * a / square for a in sums[1:])]
        return [mpmath.mpf(c.mid().str(60, radius=False)) for c in found]


@cache
def squared_coefficients_of_elu(terms: int) -> list[mpmath.mpf]:
    """a_k^2 / E elu^2: a_k = E elu'' He_(k-2) / sqrt(k!), elu'' = e^x for x < 0, each by parts from the one before."""
    density, e = 1 / mpmath.sqrt(2 * mpmath.pi), mpmath.sqrt(mpmath.e) * mpmath.ncdf(-1)
    curvature, at_zero = [e], [mpmath.mpf(1), mpmath.mpf(0)]  # E elu'' He_m, and He_m(0)
    for m in range(1, terms):
        curvature.append(curvature[-1] - at_zero[m - 1] * density)
        at_zero.append(-m * at_zero[m - 1])
    a = [density + e - 0.5, e + 0.5, *(c / mpmath.sqrt(mpmath.fac(k)) for k, c in enumerate(curvature[:-2], start=2))]
    square = 1 + mpmath.exp(2) * mpmath.ncdf(-2) - 2 * e
    return [x * x / square for x in a]


def distances(found: Spectrum, exact: list[mpmath.mpf]) -> np.ndarray:
    """Of the values from the exact ones, less what 20 digits leave of those."""
    pairs = zip(found.values.tolist(), exact, strict=True)
    return np.array([float(abs(value - mu) - mpmath.mpf(10) ** -20 * abs(mu)) for value, mu in pairs])


def errors_hold(found: Spectrum, exact: list[mpmath.mpf]) -> bool:
    return bool((distances(found, exact) <= found.errors).all())


# Of every digit ---------------------------------------------------------------------------------------------------

# Computed by two independent methods, tanh-sinh quadrature in mpmath at 60 digits one of them, which agree to 40 digits
# and more; kernel, d, k, mu_k, N(d, k) mu_k. The tangent kernels are not normalized.
HANDED = [
    ("rf relu 1", 4, 8, "6.751243368658359905391043e-6", "5.468507128613271523366745e-4"),
    ("rf relu 1", 4, 32, "2.529081803035389766847841e-9", "2.754170083505539456097299e-6"),
    ("rf relu 1", 4, 33, "0", "0"),
    ("rf relu 1", 4, 200, "4.917675745177191411279648e-14", "1.986790177809037102071090e-9"),
    ("rf relu 1", 10, 6, "6.545110730893406431356618e-7", "2.807852503553271359051989e-3"),
    ("rf relu 2", 4, 7, "1.049202459868973880988733e-5", "6.714895743161432838327894e-4"),
    ("rf relu 2", 4, 200, "6.147063846699354090490530e-14", "2.483475264705006046099079e-9"),
    ("rf relu 2", 10, 20, "1.156584653613340668418100e-11", "6.162491219689529482651952e-5"),
    ("ntk relu 2", 4, 40, "5.057331073193841468613420e-7", "8.501373534038847508739160e-4"),
    ("ntk relu 2", 4, 1000, "1.412854358526710017644565e-12", "1.415681480098121964389872e-6"),
    ("ntk relu 2", 10, 9, "4.029267654266574372764024e-7", "1.498081713856312351793664e-2"),
    ("ntk relu 4", 3, 50, "1.263836027213819211023036e-5", "1.276474387485957403133267e-3"),
    ("ntk relu 4", 10, 128, "9.522173233006052236281472e-17", "4.349987198503361895443106e-4"),
    ("rf step 2", 4, 10, "2.611114527071958722352492e-5", "3.159448577757070054046515e-3"),
    ("rf step 2", 4, 99, "1.650074336739185225956291e-8", "1.650074336739185225956291e-4"),
    ("laplace 1", 4, 16, "1.526927919138158953055936e-5", "4.412821686309279374331655e-3"),
    ("laplace 1", 10, 10, "1.959842821726497978234483e-7", "1.334025811892792643824648e-2"),
    ("gaussian 1", 4, 30, "1.698065943599455247586312e-35", "1.631841371799076492930446e-32"),
    ("ntk erf 2", 4, 17, "4.438410587266761434006153e-8", "1.438045030274430704617993e-5"),
    ("ntk gelu 2", 10, 12, "4.279325304356604876083823e-10", "8.625065737436824259844466e-5"),
    ("rf relu 2", 50, 12, "3.848322179432584280490619e-16", "6.462220416122947007552032e-4"),
    ("ntk relu 2", 784, 4, "7.231977062461680940152328e-12", "1.147150426946553692853371e-1"),
    ("ntk relu 2", 784, 100, "3.896291924609571049801699e-138", "4.781667882483373212526657e-4"),
]


@pytest.mark.usefixtures("annotations_are_not_enforced")  # it takes longer than the mathematics
@pytest.mark.parametrize(("name", "d", "k", "mu", "total"), HANDED)
def test_they_are_the_numbers_that_two_other_methods_find(name, d, k, mu, total):
    found = spectrum(named(name), d, k)
    for exact, value, error in ((mu, found.values, found.errors), (total, found.totals, found.total_errors)):
        off = abs(Fraction(value[0]) - Fraction(exact))
        assert off <= Fraction(1, 10**15) * Fraction(exact)
        assert off <= Fraction(error[0]) + Fraction(1, 10**24) * Fraction(exact)  # the digits end there
        assert error[0] <= 1e-15 * value[0]
    assert Fraction(total) == pytest.approx(multiplicity(d, k) * Fraction(mu), rel=1e-15)


QUADRATURES = {
    "random features of ReLU": (CompositionalKernel("relu", 1), relu, 3, [0, 1, 2, 4], 1),
    "ReLU's tangent kernel": (TangentKernel("relu", 2), tangent_of_two_layers, 5, [0, 1, 3, 6], 1),
    "ReLU in the plane": (TangentKernel("relu", 2), tangent_of_two_layers, 2, [0, 1, 3, 6], 1),
    "steps": (CompositionalKernel("step", 2), two_steps, 4, [0, 1, 2, 5], 2),
    "Laplace": (LaplaceKernel(0.7), lambda t: mpmath.exp(-2 * mpmath.mpf(0.7) * mpmath.sin(t / 2)), 3, [0, 1, 2, 9], 1),
    "a sum of products": (
        (1.0 + CompositionalKernel("identity", 1)) * CompositionalKernel("step", 1) + CompositionalKernel("relu", 1),
        with_biases,
        4,
        [0, 1, 2, 3, 7],
        1,
    ),
}


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize(("kernel", "exact", "d", "ks", "power"), QUADRATURES.values(), ids=QUADRATURES)
def test_they_are_the_integrals_of_mpmath(kernel, exact, d, ks, power):
    with mpmath.workdps(30):
        found, exact = spectrum(kernel, d, ks), [integral(exact, d, k, power=power) for k in ks]
        assert errors_hold(found, exact)
    assert found.values == pytest.approx([float(mu) for mu in exact], rel=3 * ROUNDED, abs=0)
    assert (found.errors <= 2 * ROUNDED * found.values).all()


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize(
    ("name", "scale", "mean", "d", "ks"),
    [
        ("tanh", 1.0, 0.0, 3, [1, 3, 5, 9, 15]),
        ("tanh", 1.0, 0.0, 10, [1, 3, 5, 9, 15]),
        ("sigmoid", 0.5, 1.0, 2, [0, 1, 9, 123]),  # 1 + tanh(x / 2) is twice the sigmoid
    ],
)
def test_those_of_tanh_and_sigmoid_are_sums_over_hermite_coefficients_down_to_the_smallest(name, scale, mean, d, ks):
    with mpmath.workdps(60):
        # a_k^2 falls like exp(-pi sqrt(k) / scale): 1e-38 and 1e-77 at the end
        squares = squared_coefficients_of_tanh(scale, mean, 800)
        exact = [of_powers(squares, d, k) for k in ks]
        found = spectrum(CompositionalKernel(name, 1), d, ks)
        assert errors_hold(found, exact)
    assert (found.errors <= 2 * ROUNDED * found.values).all()
    assert found.values[-1] < (1e-53 if name == "sigmoid" else 1e-8)


@pytest.mark.parametrize(("d", "degree"), [(2, 60), (3, 60), (4, 300), (784, 60)])
@pytest.mark.parametrize("gamma", [0.25, 1.0, 40.0])
def test_those_of_gauss_are_bessel_functions_as_far_as_float64_goes(gamma, d, degree):
    ks = list(range(0, degree + 1, 5))
    with mpmath.workdps(30):
        found, exact = spectrum(GaussianKernel(gamma), d, ks), [bessel(gamma, d, k) for k in ks]
        assert errors_hold(found, exact)
        assert all(mu > 0 for mu in exact)
    there = found.values > 1e-307
    assert (found.errors <= 2 * ROUNDED * found.values)[there].all()
    assert found.values[there] == pytest.approx(np.array(exact, float)[there], rel=2 * ROUNDED, abs=0)
    assert (found.errors > 0).all()


def test_the_quadrature_finds_bessel_functions_far_below_the_rounding_of_float64():
    ks = [0, 1, 2, 7, 30, 45]
    with precision(160):
        found = by_quadrature(GaussianKernel(1.0), 4, ks)
        numbers = {k: (mu.str(40, radius=False), float(error)) for k, (mu, error) in found.items()}
    with mpmath.workdps(45):
        for k, (digits, error) in numbers.items():
            exact = bessel(1.0, 4, k)
            assert abs(mpmath.mpf(digits) - exact) <= error + 1e-38 * exact
            assert error <= 1e-17 * exact
        assert exact < 1e-55


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize(
    ("kernel", "d"),
    [
        (TangentKernel("erf", 1), 4),
        (CompositionalKernel("sin", 1) * GaussianKernel(0.5) + 0.25, 5),
    ],
    ids=["erf", "a product and a sum"],
)
def test_three_ways_to_the_eigenvalues_of_a_smooth_kernel_agree_within_their_errors(kernel, d):
    ks = list(range(31))
    with precision(128):
        series, quadrature = by_series(kernel, d, ks), by_quadrature(kernel, d, ks)
        values = by_values(kernel, d, ks, error=kernel.error_bound * kernel.at_one)
        for one, other in ((series, quadrature), (series, values), (quadrature, values)):
            assert all(abs(one[k][0] - other[k][0]) <= one[k][1] + other[k][1] for k in ks)
        # values in float64 know sqrt(N) mu_k to some hundred roundings, the others all digits
        assert all(float(values[k][1]) * math.sqrt(multiplicity(d, k)) < 1e-12 * kernel.at_one for k in ks)
        there = [k for k in ks if not kernel.degrees.vanishes(k)]
        assert all(way[k][1] <= 1e-16 * way[k][0] for way in (series, quadrature) for k in there)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize(("d", "k"), [(3, 0), (4, 5), (10, 12), (100, 20)])
@pytest.mark.parametrize("name", ["ntk relu 2", "rf step 2", "laplace 1", "rf tanh 1"])
def test_two_dimensions_on_they_are_differences(name, d, k):
    # (1 - t^2) P_k of dimension d + 2 is (d - 1) / (2k + d) (P_k - P_(k+2)) of dimension d
    kernel = named(name)
    low, high = spectrum(kernel, d, [k, k + 2]), spectrum(kernel, d + 2, k)
    expected = Fraction(d, 2 * k + d) * (Fraction(low.values[0]) - Fraction(low.values[1]))
    # the difference is an eigenvalue itself, never much smaller than the first
    rounding = Fraction(3 * ROUNDED) * Fraction(low.values[0])
    assert abs(Fraction(high.values[0]) - expected) <= rounding
    assert (expected > 10 * rounding) == (k % 2 == 1 or name != "rf tanh 1")


# Errors that hold -------------------------------------------------------------------------------------------------


def chords(d: int, degree: int) -> list[mpmath.mpf]:
    """mu_k of exp(-|x - y|) for odd d: in powers of the distance r, with gamma functions."""
    with mpmath.workdps(100):  # differences of order 60 leave fifty digits
        m = (d - 3) // 2  # dt = -r dr, 1 - t^2 = r^2 (1 - r^2 / 4)
        powers = [mpmath.gammainc(2 * j + 2 * m + 2, 0, 2) / mpmath.mpf(4) ** j for j in range(degree + m + 1)]
        half = mpmath.mpf(d - 1) / 2
        constant = mpmath.gamma(half + 0.5) / (mpmath.sqrt(mpmath.pi) * mpmath.gamma(half))
        found = []
        for k in range(degree + 1):
            total, c = mpmath.mpf(0), mpmath.mpf(1)
            for j in range(k + 1):  # of P_k = sum c_j ((1 - t) / 2)^j
                total += c * sum((-1) ** i * mpmath.binomial(m, i) * powers[j + i] for i in range(m + 1))
                c *= mpmath.mpf((j - k) * (j + k + d - 2)) / ((j + half) * (j + 1))
            found.append(constant * total)
        return found


def absolute(d: int, degree: int) -> list[mpmath.mpf]:
    """mu_k of abs(t): of t^2 = s it is a power, s^(1/2)."""
    half = mpmath.mpf(d) / 2
    mean = mpmath.gamma(half) / (mpmath.sqrt(mpmath.pi) * mpmath.gamma(half + 0.5))
    shares = [math.prod(Fraction(1 - i, 1 + d + i) for i in range(0, k, 2)) for k in range(degree + 1)]
    return [mpmath.mpf(0) if k % 2 else mean * s.numerator / s.denominator for k, s in enumerate(shares)]


def above(a: float, d: int, degree: int) -> list[mpmath.mpf]:
    """mu_k of the indicator of t > a: c_d (1 - a^2)^((d - 1) / 2) / (d - 1) P_(k-1)(a), P of dimension d + 2."""
    a, half = mpmath.mpf(a), mpmath.mpf(d - 1) / 2
    constant = mpmath.gamma(half + 0.5) / (mpmath.sqrt(mpmath.pi) * mpmath.gamma(half))
    first = constant * mpmath.quad(lambda t: mpmath.sin(t) ** (d - 2), [0, mpmath.acos(a)])
    scale = constant * (1 - a * a) ** half / (d - 1)
    return [first, *(scale * p for p in legendre(d + 2, degree - 1, a))]


def ramp(a: float, d: int, degree: int) -> list[mpmath.mpf]:
    """mu_k of max(t - a, 0) for k >= 2, the integral of the indicator's: by parts once more, two dimensions on."""
    a = mpmath.mpf(a)
    half = mpmath.mpf(d - 1) / 2
    constant = mpmath.gamma(half + 0.5) / (mpmath.sqrt(mpmath.pi) * mpmath.gamma(half))
    # int_x^1 P_k w = (1 - x^2)^((d - 1) / 2) P_(k-1)(x) / (d - 1) with P of dimension d + 2; and so on
    scale = constant * (1 - a * a) ** (half + 1) / ((d - 1) * (d + 1))
    return [mpmath.nan, mpmath.nan, *(scale * p for p in legendre(d + 4, degree - 2, a))]


OWN = {
    "a cone at one": (lambda r: np.exp(-np.sqrt(2 - 2 * r)), chords, [3, 7], 1e-8),
    "a kink": (np.abs, absolute, [2, 3, 4, 7], 1e-6),
    "a jump": (lambda r: (r > 0.3) * 1.0, lambda d, degree: above(0.3, d, degree), [2, 3, 4, 7], 1e-2),
}


@pytest.mark.parametrize(
    ("function", "exact", "d", "known"),
    [(function, exact, d, known) for function, exact, ds, known in OWN.values() for d in ds],
    ids=[f"{name}, {d}" for name, (_, _, ds, _) in OWN.items() for d in ds],
)
def test_the_errors_of_a_function_known_in_float64_hold(function, exact, d, known):
    found = spectrum(function, d, range(61))
    with mpmath.workdps(30):
        assert errors_hold(found, exact(d, 60))
    # the constant has so many digits at least, which no error of one would say
    assert found.errors[0] < known * found.values[0]


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("d", [3, 7, 50])
def test_the_errors_hold_wherever_a_jump_or_kink_is(d):
    # between two nodes anything may be missed: here at 60 places, of which a difference of rules misjudges a third
    places = np.random.default_rng(d).uniform(-1, 1, 60) / math.sqrt(d / 3)
    for a in [*places, -0.012214036107547233, -0.6763945374634104]:
        jump = spectrum(lambda r, a=a: (r > a) * 1.0, d, range(4))
        kink = spectrum(lambda r, a=a: np.maximum(r - a, 0), d, range(2, 4))
        with mpmath.workdps(20):
            assert errors_hold(jump, above(a, d, 3)), a
            assert (distances(kink, ramp(a, d, 3)[2:]) <= kink.errors).all(), a


def test_a_kernel_of_ours_is_known_better_than_its_values():
    found, values = (
        spectrum(LaplaceKernel(1.0), 5, range(61)),
        spectrum(lambda r: np.exp(-np.sqrt(2 - 2 * r)), 5, range(61)),
    )
    assert (np.abs(found.values - values.values) <= found.errors + values.errors).all()
    assert (1e3 * found.errors < values.errors).all()
    with mpmath.workdps(30):
        assert errors_hold(found, chords(5, 60))


OWN_TANH = Activation.from_callable("own tanh", torch.tanh)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize(
    ("kind", "depth", "d"),
    [(CompositionalKernel, 1, 3), (CompositionalKernel, 2, 10), (TangentKernel, 1, 10), (TangentKernel, 2, 3)],
)
def test_a_users_own_smooth_activation_is_known_to_ten_digits(kind, depth, d):
    own, exact = (spectrum(kind(activation, depth), d, range(20)) for activation in (OWN_TANH, "tanh"))
    large = exact.totals > 1e-8
    assert own.values[large] == pytest.approx(exact.values[large], rel=1e-10, abs=0)
    assert (own.errors[large] <= 1e-10 * own.values[large]).all()
    assert (np.abs(own.values - exact.values) <= own.errors + exact.errors).all()
    assert (np.abs(own.totals - exact.totals) <= own.total_errors + exact.total_errors).all()
    assert large.sum() >= 8
    assert (own.values[::2] == 0).all()


def test_the_errors_of_elu_which_has_no_closed_form_hold():
    ks = [*range(10), 20]
    found = spectrum("elu", 10, ks)
    with mpmath.workdps(60):
        squares = squared_coefficients_of_elu(800)
        exact = [of_powers(squares, 10, k) for k in ks]
        # what is left out: the rest of the sum, 2e-9, times E t^800 P_k(t), which is below 1e-11
        assert 1 - sum(squares) < 3e-9
        assert (distances(found, exact) + 3e-20 <= found.errors).all()
    # values in float64 leave E kappa(T) p_k(T) = sqrt(N) mu_k to some hundred roundings
    assert (found.total_errors < 1e-13 * np.sqrt([multiplicity(10, k) for k in ks])).all()


@pytest.mark.parametrize("kind", KINDS.values())
def test_of_an_activation_almost_linear_the_small_part_is_found(kind):
    # leaky-relu of slope b is (1 + b) / 2 x + (1 - b) / 2 |x|, of which ReLU has the halves
    b = 1 - 2.0**-20
    found, whole = (spectrum(kind(a, 1), 4, [2, 3, 4, 20]) for a in (leaky_relu(b), "relu"))
    share = (1 - b) ** 2 / (1 + b * b)
    assert found.values == pytest.approx(share * whole.values, rel=1e-15, abs=0)
    assert (found.values > 0).tolist() == [True, False, True, True]


# Zeros ------------------------------------------------------------------------------------------------------------


def vanishing(found: Spectrum) -> list[int]:
    """The degrees whose eigenvalues are exactly zero, beyond doubt."""
    zero = (found.values == 0) & (found.errors == 0)
    assert ((found.totals == 0) & (found.total_errors == 0) == zero).all()
    assert (np.abs(found.values) > found.errors)[~zero].all()  # all others are certain not to be
    return found.degrees[zero].tolist()


UP_TO = 13
ODD, EVEN = list(range(3, UP_TO, 2)), list(range(2, UP_TO, 2))
SYMMETRIES = [
    *((f"{kind} {name} 1", ODD) for kind in KINDS for name in ("relu", "leaky-relu", "gelu", "swish", "softplus")),
    *(
        (f"{kind} {name} {depth}", [0, *EVEN])
        for kind in KINDS
        for name in ("erf", "tanh", "sin")
        for depth in (1, 2, 3)
    ),
    *((f"{kind} {name} 2", []) for kind in KINDS for name in ("relu", "gelu", "swish")),
    *((f"{kind} relu {depth}", []) for kind in KINDS for depth in (3, 4)),
    *((f"{kind} identity {depth}", [0, *range(2, UP_TO)]) for kind in KINDS for depth in (1, 2)),
    *((f"{kind} sigmoid 1", EVEN) for kind in KINDS),
    ("rf step 1", EVEN),
    ("rf step 2", []),
    ("laplace 1", []),
    ("gaussian 1", []),
]


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize(("name", "zero"), SYMMETRIES)
def test_zeros_are_exact_and_there_are_no_others(name, zero):
    assert vanishing(spectrum(named(name), 4, range(UP_TO))) == zero


@pytest.mark.parametrize("d", [2, 3, 11])
def test_zeros_are_the_same_on_every_sphere(d):
    for name in ("ntk relu 1", "rf step 1", "ntk erf 2", "ntk relu 2"):
        assert vanishing(spectrum(named(name), d, range(UP_TO))) == dict(SYMMETRIES)[name]


def test_zeros_are_known_from_symmetry_and_not_from_size():
    # at degree 99 erf's kernel has 1e-45, at degree 100 nothing
    found = spectrum(CompositionalKernel("erf", 1), 3, [99, 100])
    assert 0 < found.values[0] < 1e-40
    assert found.errors[0] < 1e-15 * found.values[0]
    assert (found.values[1], found.errors[1]) == (0, 0)


def test_a_function_that_is_given_by_its_values_may_have_zeros_but_no_certain_ones():
    kernel = CompositionalKernel("relu", 1)
    found = spectrum(lambda r: kernel(r), 4, range(UP_TO))
    assert (found.errors > 0).all()
    assert (np.abs(found.values[ODD]) <= found.errors[ODD]).all()


def test_sums_and_products_have_the_zeros_that_are_left():
    step, relu, identity = (CompositionalKernel(name, 1) for name in ("step", "relu", "identity"))
    # step: odd degrees and the constant; relu: even ones and the linear part
    assert vanishing(spectrum(2.0 * relu + identity, 4, range(UP_TO))) == ODD
    assert vanishing(spectrum(identity * step + relu, 4, range(UP_TO))) == ODD  # ReLU's tangent kernel
    assert vanishing(spectrum(step + relu, 4, range(UP_TO))) == []
    assert vanishing(spectrum((1.0 + identity) * step + relu, 4, range(UP_TO))) == []
    assert vanishing(spectrum(identity * identity + 3.0, 4, range(UP_TO))) == [1, *range(3, UP_TO)]
    assert vanishing(spectrum(ConstantKernel(2.0), 4, range(UP_TO))) == list(range(1, UP_TO))


# Identities -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize(
    ("name", "at_one", "nu"),
    [
        ("rf relu 1", 1, 1.5),
        ("rf relu 3", 1, 1.5),
        ("ntk relu 1", 2, 0.5),
        ("ntk relu 3", 4, 0.5),
        ("laplace 1", 1, 0.5),
    ],
)
def test_the_totals_sum_to_the_value_at_one_which_they_approach_from_below(name, at_one, nu):
    found = spectrum(named(name), 4, range(201))
    assert (found.totals >= 0).all()
    rest = at_one - np.cumsum(found.totals)
    assert (rest[:200] > 0).all()
    # N mu_k is of the size k^(-1 - 2 nu), and corrections are of the size 1 / k
    assert rest[99] / rest[199] == pytest.approx(2 ** (2 * nu), rel=0.03)


@pytest.mark.parametrize("name", ["gaussian 1", "rf erf 2", "ntk gelu 1", "rf sin 3", "rf identity 4"])
@pytest.mark.parametrize("d", [2, 5])
def test_the_totals_of_a_smooth_kernel_sum_to_its_value_at_one(name, d):
    kernel = named(name)
    assert math.fsum(spectrum(kernel, d, range(60)).totals) == pytest.approx(kernel.at_one, rel=1e-13)


@pytest.mark.usefixtures("annotations_are_not_enforced")
def test_eigenvalues_add_and_scale_as_their_kernels_do():
    ks, d = [0, 1, 2, 3, 9, 30], 6
    first, second = TangentKernel("relu", 2), LaplaceKernel(0.5)
    a, b = spectrum(first, d, ks), spectrum(second, d, ks)
    for found, expected in (
        (spectrum(2.0 * first, d, ks), 2 * a.values),
        (spectrum(first + first, d, ks), 2 * a.values),
        (spectrum(first * 0.1, d, ks), 0.1 * a.values),
        (spectrum(first + second, d, ks), a.values + b.values),
        (spectrum(first + 3.0, d, ks), a.values + 3 * (np.array(ks) == 0)),
        (spectrum(TangentKernel("relu", 2, normalized=True), d, ks), a.values / 3),
        (
            spectrum(TangentKernel("gelu", 1, normalized=True) * TangentKernel("gelu", 1).at_one, d, ks[:3]),
            spectrum(TangentKernel("gelu", 1), d, ks[:3]).values,
        ),
    ):
        assert found.values == pytest.approx(expected, rel=4 * ROUNDED, abs=0)


def test_the_tangent_kernel_is_made_of_those_of_step_and_relu():
    ks, d = range(20), 5
    step, relu, identity = (CompositionalKernel(name, 1) for name in ("step", "relu", "identity"))
    made, known = spectrum(identity * step + relu, d, ks), spectrum(TangentKernel("relu", 1), d, ks)
    assert made.values == pytest.approx(known.values, rel=4 * ROUNDED, abs=0)


def test_the_names_of_activations_are_kernels_of_one_layer():
    for same in ("relu", CompositionalKernel("relu", 1).dual, CompositionalKernel("relu", 1).activation):
        assert spectrum(same, 5, 4).values.tolist() == spectrum(CompositionalKernel("relu", 1), 5, 4).values.tolist()


# Where float64 ends -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mnist() -> Spectrum:
    """Of ReLU's tangent kernel, where mu_400 is 1e-332."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # it takes longer than the mathematics
        return spectrum(TangentKernel("relu", 2), 784, [4, 100, 399, 400])


def test_an_eigenvalue_below_float64_is_zero_with_an_error_and_its_total_is_known(mnist):
    assert mnist.values[3] == 0
    assert 0 < mnist.errors[3] < 1e-300
    assert (mnist.totals > 1e-5).all()
    assert (mnist.total_errors < 1e-15 * mnist.totals).all()
    # in high dimension they decay like Taylor coefficients, which are of the size k^(-3/2) for (1 - t)^(1/2)
    decay = math.log(mnist.totals[1] / mnist.totals[3]) / math.log(400 / 100)
    assert 1.3 < decay < 1.7
    exact = Fraction(mnist.totals[3]) / multiplicity(784, 400)
    assert 0 < exact < Fraction(mnist.errors[3])


def test_totals_are_the_eigenvalues_times_how_many_there_are(mnist):
    for value, total, k in zip(mnist.values[:2], mnist.totals, mnist.degrees.tolist(), strict=False):
        assert Fraction(total) == pytest.approx(Fraction(value) * multiplicity(784, k), rel=3 * ROUNDED)


def test_errors_are_not_rounded_to_zero_where_eigenvalues_are():
    found = spectrum(GaussianKernel(1.0), 4, range(301))
    assert found.values[0] > 0
    assert (found.values[200:] == 0).all()
    assert (found.errors > 0).all()
    assert (found.total_errors > 0).all()
    assert (np.diff(found.values[:150]) < 0).all()


# Degrees and other arguments --------------------------------------------------------------------------------------


def test_degrees_come_in_any_order_and_may_be_repeated():
    kernel, ks = TangentKernel("relu", 2), [7, 0, 3, 7, 1]
    found, whole = spectrum(kernel, 4, ks), spectrum(kernel, 4, range(8))
    assert found.degrees.tolist() == ks
    for name in ("values", "errors", "totals", "total_errors"):
        assert getattr(found, name).tolist() == getattr(whole, name)[ks].tolist()
    assert (whole.dimension, whole.degrees.tolist()) == (4, list(range(8)))


def test_one_degree_is_an_array_of_one():
    found = spectrum(TangentKernel("relu", 2), 4, 3)
    assert found.values.shape == found.total_errors.shape == (1,)
    assert found.values == pytest.approx(spectrum(TangentKernel("relu", 2), 4, [3, 9]).values[:1], rel=2 * ROUNDED)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize(
    "degrees",
    [np.array([2, 5]), np.array([2, 5], np.uint8), (2, 5), range(2, 6, 3), iter([2, 5]), [np.int64(2), np.int32(5)]],
    ids=["array", "uint8", "tuple", "range", "iterator", "numbers of numpy"],
)
def test_integers_of_any_kind_are_degrees(degrees):
    found = spectrum("step", np.int64(4), degrees)
    assert found.degrees.dtype == np.int64
    assert found.degrees.tolist() == [2, 5]
    assert found.values.tolist() == spectrum("step", 4, [2, 5]).values.tolist()
    assert type(found.dimension) is int


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("degree", [np.int64(5), np.array(5), torch.tensor(5)], ids=lambda n: type(n).__name__)
def test_a_number_of_numpy_or_torch_is_a_degree(degree):
    assert spectrum("step", 4, degree).values.tolist() == spectrum("step", 4, 5).values.tolist()


@pytest.mark.parametrize("degrees", [[], range(0), np.array([], np.int64)], ids=["list", "range", "array"])
def test_no_degrees_have_no_eigenvalues(degrees):
    found = spectrum("relu", 3, degrees)
    for name in ("degrees", "values", "errors", "totals", "total_errors"):
        assert getattr(found, name).shape == (0,)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize(
    ("d", "degrees", "message"),
    [
        (1, 2, r"dimension = 1: it is at least 2, [^\n]*"),
        (0, 2, r"dimension = 0: it is at least 2, [^\n]*"),
        (2.5, 2, r"dimension = 2\.5 is not an integer"),
        (None, 2, r"dimension = None is not an integer"),
        (1, [], r"dimension = 1: it is at least 2, [^\n]*"),
        (3, -1, r"degree = -1 is negative"),
        (3, [4, -2, 1], r"degree = -2 is negative"),
        (3, 1.5, r"degrees = 1\.5: one integer, or a sequence of integers"),
        (3, [1, 2.5], r"degrees = \[1, 2\.5\]: one integer, or a sequence of integers"),
        (3, [[1, 2]], r"degrees = \[\[1, 2\]\]: one integer, or a sequence of integers"),
        (3, 2**63, r"degree = 9223372036854775808 is above 1000000, and out of reach"),
        (3, 2**64, r"degrees = 18446744073709551616: one integer, or a sequence of integers"),
        (3, "2", r"degrees = 2: one integer, or a sequence of integers"),
        (3, None, r"degrees = None: one integer, or a sequence of integers"),
    ],
)
def test_what_is_no_sphere_or_no_degree_is_refused_in_one_line(d, degrees, message):
    with pytest.raises(ValueError, match=rf"^{message}$"):
        spectrum("relu", d, degrees)


NEITHER = r"kernel is neither a function nor a sequence of finite Taylor coefficients"
NO_MAP = r"the kernel does not map an array of correlations in \(-1, 1\) to finite numbers of its shape"
BAD = {
    "nothing": (None, NEITHER),
    "a number": (3.0, NEITHER),
    "NaN among Taylor coefficients": ([1.0, math.nan], NEITHER),
    "no Taylor coefficients": ([], NEITHER),
    "a matrix": (np.eye(2), NEITHER),
    "a function that gives a number": (lambda _: 1.0, NO_MAP),
    "another shape": (lambda r: r[1:], NO_MAP),
    "a column": (lambda r: r[:, None], NO_MAP),
    "NaN": (lambda r: np.where(r > 0.5, np.nan, r), NO_MAP),
    "infinite": (lambda r: np.where(r > 0.5, np.inf, r), NO_MAP),
    "complex": (lambda r: 1j * r, r"the kernel has complex values; it takes real ones"),
    "complex Taylor coefficients": (np.array([1j, 1.0]), NEITHER),
    "a misprint": ("rellu", r"unknown activation 'rellu'; did you mean relu\?[^\n]*"),
}


@pytest.mark.parametrize(("kernel", "message"), BAD.values(), ids=BAD)
def test_what_is_no_kernel_is_refused_in_one_line_and_the_precision_of_others_left_as_it_is(kernel, message):
    before = flint.ctx.prec, flint.ctx.cap
    for degrees in ([0, 4], []):
        with pytest.raises(ValueError, match=rf"^{message}$"):
            spectrum(kernel, 3, degrees)
    assert (flint.ctx.prec, flint.ctx.cap) == before


def test_the_precision_of_others_is_left_as_it_is():
    with precision(77, terms=5):
        known = spectrum(TangentKernel("relu", 2), 4, 6)
        assert (flint.ctx.prec, flint.ctx.cap) == (77, 5)
    assert spectrum(TangentKernel("relu", 2), 4, 6).values.tolist() == known.values.tolist()


# The reproducing space --------------------------------------------------------------------------------------------


def test_the_norm_of_zonal_polynomials_is_that_by_hand():
    # on the ordinary sphere t^2 = (1 + 2 P_2) / 3, so that 1/2 + t/4 + t^2/4 = 7/12 + P_1 / 4 + P_2 / 6: eigenvalues
    # 7/12, 1/12 and 1/30; and P_k(<x, w>) has the norm (2k + 1)^(-1/2) in L^2
    kernel = spectrum([0.5, 0.25, 0.25], 3, [0, 1, 2])
    assert kernel.values == pytest.approx([7 / 12, 1 / 12, 1 / 30], rel=4 * ROUNDED)
    one, three, five = (1 / math.sqrt(n) for n in (1, 3, 5))
    for coefficients, square in (
        ([one, 0.0, 0.0], 12 / 7),
        ([0.0, three, 0.0], 4),
        ([0.0, 0.0, five], 6),
        ([0.0, 0.0, -3 * five], 54),
        ([one, three, five], 12 / 7 + 10),
        ([0.0, 0.0, 0.0], 0),
    ):
        assert reproducing_norm(coefficients, kernel) == pytest.approx(math.sqrt(square), rel=1e-15)
        assert reproducing_norm(np.array(coefficients), kernel) == reproducing_norm(coefficients, kernel)


@pytest.mark.parametrize(("name", "d", "degree"), [("gaussian 1", 4, 40), ("ntk erf 2", 3, 60), ("rf gelu 1", 10, 40)])
def test_point_evaluation_has_the_square_of_its_norm_at_the_point(name, d, degree):
    # kappa(<., w>) has the coefficients sqrt(N) mu_k
    kernel = named(name)
    found = spectrum(kernel, d, range(degree + 1))
    coefficients = np.sqrt([multiplicity(d, k) for k in range(degree + 1)]) * found.values
    assert reproducing_norm(coefficients, found) ** 2 == pytest.approx(kernel.at_one, rel=1e-13)


def test_it_does_not_underflow_with_the_eigenvalues(mnist):
    # a function with one coefficient a_k = total_k / sqrt(N): sqrt(a_k^2 / mu_k) = sqrt(total_k)
    for i, total in enumerate(mnist.totals.tolist()):
        coefficients = np.zeros(4)
        coefficients[i] = total / mpmath.sqrt(multiplicity(784, int(mnist.degrees[i])))
        assert reproducing_norm(coefficients, mnist) == pytest.approx(math.sqrt(total), rel=1e-12)


def test_a_function_with_a_part_that_the_kernel_lacks_is_not_in_the_space():
    relu = spectrum("relu", 4, range(6))
    assert reproducing_norm([1.0, 1.0, 1.0, 0.0, 1.0, 0.0], relu) < math.inf
    assert reproducing_norm([1.0, 1.0, 1.0, 1e-200, 1.0, 0.0], relu) == math.inf
    # biases leave no part out
    biases = spectrum(1.0 + CompositionalKernel("step", 1) + CompositionalKernel("relu", 1), 4, range(6))
    assert reproducing_norm([1.0] * 6, biases) < math.inf


@pytest.mark.parametrize(
    "coefficients",
    [[1.0, 2.0], [1.0, 2.0, 3.0, 4.0], [], [1.0, math.nan, 0.0], [math.inf, 0.0, 0.0], [[1.0, 2.0, 3.0]]],
    ids=str,
)
def test_coefficients_of_another_number_or_not_finite_are_refused_in_one_line(coefficients):
    with pytest.raises(ValueError, match=r"^coefficients of shape \([^\n]*\): it takes 3 finite numbers$"):
        reproducing_norm(np.array(coefficients), spectrum("relu", 4, range(3)))


def test_a_degree_that_is_there_twice_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^the spectrum has a degree twice[^\n]*$"):
        reproducing_norm([1.0, 1.0], spectrum(LaplaceKernel(1.0), 3, [2, 2]))
