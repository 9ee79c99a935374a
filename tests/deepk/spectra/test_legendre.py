"""Legendre coefficients against exact rationals, Bessel functions and mpmath's integrals; and what is refused."""

import math
import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepk.activations import Activation
from deepk.kernels import CompositionalKernel, DualKernel, Poisson
from deepk.spectra.legendre import sphere_coefficients
from deepk.spectra.sphere import spectrum

EPS = 2.0**-52
DIMENSIONS = [2, 3, 5, 10]  # where both routes are open
PROMISED = 1e-6  # of f(1): a function's coefficients that are less certain are refused

light = settings(max_examples=25, deadline=None)


def legendre_coefficients(taylor: np.ndarray, d: int, degree: int) -> np.ndarray:
    return spectrum(taylor, d, range(degree + 1)).totals


def projected_coefficients(f: Callable[[np.ndarray], np.ndarray], d: int, degree: int) -> tuple[np.ndarray, np.ndarray]:
    found = spectrum(f, d, range(degree + 1))
    return found.totals, found.total_errors


@cache
def polynomial(d: int, k: int) -> tuple[Fraction, ...]:
    """Coefficients of P_k in powers of t: (k + d - 2) P_(k+1) = (2k + d - 2) t P_k - k P_(k-1)."""
    if k == 0:
        return (Fraction(1),)
    if k == 1:
        return (Fraction(0), Fraction(1))
    j = k - 1
    shifted = (Fraction(0), *((2 * j + d - 2) * c for c in polynomial(d, j)))
    before = (*(j * c for c in polynomial(d, j - 1)), Fraction(0), Fraction(0))
    return tuple((a - b) / (j + d - 2) for a, b in zip(shifted, before, strict=True))


def expanded(taylor: list[Fraction], d: int) -> list[Fraction]:
    """The coefficients in P_k, by elimination from the highest power down."""
    rest, found = list(taylor), [Fraction(0)] * len(taylor)
    for k in reversed(range(len(taylor))):
        p = polynomial(d, k)
        found[k] = rest[k] / p[k]
        rest = [r - found[k] * c for r, c in zip(rest, p, strict=False)]
    return found


def exponential(kappa: float, d: int, k: int) -> float:
    """Of exp(kappa t): Gamma(nu) (2 / kappa)^nu (nu + k) I_(nu + k)(kappa) C_k^nu(1), nu = d/2 - 1 (Watson, 11.5)."""
    with mpmath.workdps(30):
        if d == 2:  # the limit: Jacobi and Anger
            return float((1 if k == 0 else 2) * mpmath.besseli(k, kappa))
        nu = mpmath.mpf(d) / 2 - 1
        at_one = mpmath.binomial(k + 2 * nu - 1, k)
        bessel = mpmath.besseli(nu + k, kappa)
        return float(mpmath.gamma(nu) * (2 / mpmath.mpf(kappa)) ** nu * (nu + k) * bessel * at_one)


def powers(kappa: float, terms: int = 60) -> np.ndarray:
    """Taylor coefficients of exp(kappa t)."""
    return np.array([float(mpmath.mpf(kappa) ** j / mpmath.fac(j)) for j in range(terms)])


# The random walk on degrees ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [*DIMENSIONS, 784, 10**6])
@pytest.mark.parametrize("j", [0, 1, 2, 3, 7, 12])
def test_a_power_has_the_coefficients_that_elimination_finds_in_rationals(j, d):
    exact = [float(value) for value in expanded([Fraction(k == j) for k in range(j + 1)], d)]
    # products and sums of positive numbers: 3 roundings a step
    assert legendre_coefficients(np.eye(j + 1)[j], d, j) == pytest.approx(exact, rel=4 * (j + 1) * EPS, abs=0)


@light
@given(
    taylor=st.lists(st.integers(0, 100), min_size=1, max_size=12),
    d=st.integers(2, 1000),
)
def test_a_sum_of_powers_has_the_coefficients_that_elimination_finds_in_rationals(taylor, d):
    exact = [float(value) for value in expanded([Fraction(c) for c in taylor], d)]
    found = legendre_coefficients(np.array(taylor, float), d, len(taylor) - 1)
    assert found == pytest.approx(exact, rel=4 * 13 * EPS, abs=0)


@light
@given(
    taylor=st.lists(st.floats(0, 1), min_size=1, max_size=60).map(np.array),
    d=st.integers(2, 10**6),
)
def test_the_coefficients_are_positive_and_sum_to_the_value_at_one(taylor, d):
    found = legendre_coefficients(taylor, d, len(taylor) - 1)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(taylor.sum(), rel=64 * len(taylor) * EPS)


@light
@given(taylor=st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array), d=st.integers(2, 10**7))
def test_in_high_dimension_they_are_the_taylor_coefficients(taylor, d):
    # from degree k < j the walk turns back with probability k / (2k + d - 2) <= k / d, in j steps j^2 / 2d at most
    j = np.arange(len(taylor))
    found = legendre_coefficients(taylor, d, len(taylor) - 1)
    assert np.abs(found - taylor).max() <= taylor @ j**2 / (2 * d) + 64 * 30 * EPS * taylor.sum()


@pytest.mark.parametrize("kappa", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("d", [*DIMENSIONS, 100, 784])
def test_the_exponential_has_bessel_functions(d, kappa):
    found = legendre_coefficients(powers(kappa), d, 20)
    exact = [exponential(kappa, d, k) for k in range(21)]
    assert found == pytest.approx(exact, rel=1e-13, abs=0)  # 60 terms, all of them positive


def test_a_degree_beyond_the_taylor_coefficients_has_none():
    assert legendre_coefficients(np.array([0.25, 0.75]), 5, 4).tolist() == [0.25, 0.75, 0, 0, 0]


def test_a_lower_degree_leaves_the_others_as_they_are():
    taylor = powers(2.0)
    assert legendre_coefficients(taylor, 7, 3).tolist() == legendre_coefficients(taylor, 7, 30)[:4].tolist()


# From values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", DIMENSIONS)
def test_the_integrals_of_the_exponential_are_as_certain_as_they_say(d):
    found, uncertain = projected_coefficients(lambda t: np.exp(t - 1), d, 12)
    exact = np.array([exponential(1.0, d, k) for k in range(13)]) / math.e
    assert (np.abs(found - exact) <= uncertain).all()
    assert uncertain[3] < PROMISED


@pytest.mark.parametrize("d", DIMENSIONS)
def test_both_routes_agree_on_relus_dual_kernel(d):
    kernel = DualKernel("relu")
    walked, _ = sphere_coefficients("relu", d, 8)
    taylor = kernel.coefficients(1024)
    integrated, uncertain = projected_coefficients(kernel, d, 8)
    # The walk leaves out terms beyond 1024, which can only add; the rule has ten digits.
    left = integrated - walked
    assert (left >= -uncertain - 1e-10).all()
    assert (left <= 1 - taylor.sum() + uncertain + 1e-10).all()
    assert 1 - taylor.sum() < 1e-5


@pytest.mark.parametrize("k", [0, 1, 2, 3, 4, 6])
def test_the_integrals_of_relus_kernel_have_ten_digits_in_the_plane_where_it_is_least_smooth(k):
    def cosines(theta: mpmath.mpf) -> mpmath.mpf:
        kernel = (mpmath.sin(theta) + (mpmath.pi - theta) * mpmath.cos(theta)) / mpmath.pi
        return kernel * mpmath.cos(k * theta)

    exact = mpmath.quad(cosines, mpmath.linspace(0, mpmath.pi, 5)) * (1 if k == 0 else 2) / mpmath.pi
    found, _ = projected_coefficients(lambda t: np.asarray(DualKernel("relu")(t)), 2, 6)
    assert abs(found[k] - exact) <= 1e-10


@pytest.mark.parametrize("k", [0, 1, 2, 5])
@pytest.mark.parametrize("name", ["gelu", "erf"])
def test_a_smooth_dual_kernel_on_the_ordinary_sphere_agrees_with_mpmaths_integrals(name, k):
    kernel = CompositionalKernel(name, 2)
    legendre = mpmath.quad(
        lambda t: kernel(float(t)) * mpmath.legendre(k, t), [-1, -0.5, 0, 0.5, 1], maxdegree=4
    ) * mpmath.mpf(2 * k + 1)
    found, _ = sphere_coefficients(kernel, 3, 5)
    assert found[k] == pytest.approx(float(legendre / 2), abs=1e-10)


@pytest.mark.parametrize("degree", [20, 511, 512, 601])
def test_high_degrees_of_a_broken_kernel_are_not_confused_with_low_ones(degree):
    # 1 - theta / pi = 1/2 + sum of (2 / pi k)^2 cos(k theta) over odd k
    found, _ = projected_coefficients(lambda t: 1 - np.arccos(t) / math.pi, 2, degree)
    k = np.arange(1, degree + 1)
    exact = np.where(k % 2, 4 / (math.pi * k) ** 2, 0)
    # N of Gauss's nodes take degree 2N - k for k; with two for each degree all of those are beyond three times it
    assert found[0] == pytest.approx(0.5, abs=1e-12)
    assert np.abs(found[1:] - exact).max() <= 2 * 4 / (math.pi * max(1000, 3 * degree)) ** 2


# What `GegenbauerFeatures` asks for ----------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [2, 3, 50, 784])
def test_the_share_beyond_is_what_the_taylor_coefficients_leave(d):
    found, share = sphere_coefficients(powers(1.0), d, 2)
    exact = [exponential(1.0, d, k) for k in range(3)]
    assert found == pytest.approx(exact, rel=1e-12)
    assert share == pytest.approx(1 - sum(exact) / math.e, abs=1e-12)


RELU = Activation.from_callable("rectified", lambda x: x.relu(), kinks=(0.0,))


@pytest.mark.parametrize(
    "same",
    ["relu", RELU, DualKernel("relu"), CompositionalKernel("relu", 1), DualKernel("relu").coefficients(1024)],
    ids=["name", "Activation", "DualKernel", "CompositionalKernel", "Taylor coefficients"],
)
def test_a_kernel_may_be_named_in_many_ways(same):
    expected = legendre_coefficients(DualKernel("relu").coefficients(1024), 6, 9)
    # 1024 Taylor coefficients leave out so much
    assert sphere_coefficients(same, 6, 9)[0] == pytest.approx(expected, abs=1e-9)


def test_a_list_of_taylor_coefficients_is_as_good_as_an_array():
    assert (
        sphere_coefficients([1, 2, 3], 4, 2)[0].tolist() == sphere_coefficients(np.array([1.0, 2, 3]), 4, 2)[0].tolist()
    )


def test_any_law_of_offspring_is_a_kernel():
    # exp(t - 1)
    found, share = sphere_coefficients(Poisson(1.0), 5, 20)
    assert found == pytest.approx([exponential(1.0, 5, k) / math.e for k in range(21)], rel=1e-10)
    assert share < 1e-12


def test_a_kernel_of_the_plane_alone_is_refused_on_the_sphere():
    def twice_the_angle(t: np.ndarray) -> np.ndarray:  # T_2 = (4 P_2 - 1) / 3 in three dimensions
        return 2 * t**2 - 1

    assert sphere_coefficients(twice_the_angle, 2, 4)[0] == pytest.approx([0, 0, 1, 0, 0], abs=1e-12)
    with pytest.raises(
        ValueError, match=r"^the kernel is not positive definite: its Legendre coefficient 0 is -0\.33$"
    ):
        sphere_coefficients(twice_the_angle, 3, 4)


@pytest.mark.parametrize(
    ("kernel", "worst"),
    [([0.5, -0.25, 1.0], "-0.25"), (np.array([-1e-3, 2.0, -1e-4]), "-0.001")],
)
def test_a_negative_taylor_coefficient_is_refused_in_one_line(kernel, worst):
    with pytest.raises(
        ValueError, match=rf"^Taylor coefficient {worst} is negative: [^\n]*not positive definite[^\n]*$"
    ):
        sphere_coefficients(kernel, 10, 2)


@pytest.mark.parametrize("d", [2, 5, 100])
def test_a_function_that_is_not_positive_definite_is_refused(d):
    with pytest.raises(
        ValueError, match=r"^the kernel is not positive definite: its Legendre coefficient 2 is [^\n]*$"
    ):
        sphere_coefficients(lambda t: 1 + t - t**2 / 2, d, 3)


@pytest.mark.parametrize("kernel", [lambda t: 0 * t, lambda t: -(t**3), [0.0, 0.0]], ids=["zero", "minus", "zeros"])
def test_a_kernel_that_is_not_positive_at_one_is_refused_whatever_the_truncation(kernel):
    with pytest.raises(ValueError, match=r"^the kernel is -?[01] at 1[^\n]*$"):
        sphere_coefficients(kernel, 5, 0)


@pytest.mark.parametrize("d", [100, 784, 10**4])
def test_what_values_cannot_tell_in_high_dimension_is_refused_with_the_truncation_that_they_can(d):
    def kernel(t: np.ndarray) -> np.ndarray:
        return np.exp(t - 1)

    with pytest.raises(ValueError, match=rf"^degree 20 of a kernel in dimension {d} [^\n]*truncation=\d+$") as refusal:
        sphere_coefficients(kernel, d, 20)
    enough = int(re.findall(r"truncation=(\d+)", str(refusal.value))[0])
    found, _ = sphere_coefficients(kernel, d, enough)
    exact, _ = sphere_coefficients(powers(1.0) / math.e, d, enough)
    assert enough >= 3
    assert np.abs(found - exact).max() <= PROMISED
    with pytest.raises(ValueError, match=rf"^degree {enough + 1} "):
        sphere_coefficients(kernel, d, enough + 1)


@pytest.mark.parametrize(
    "kernel",
    [lambda _: 1.0, lambda t: np.full_like(t, np.nan), lambda t: t[1:]],
    ids=["a number", "nan", "another shape"],
)
def test_a_function_that_is_none_of_correlations_is_refused(kernel):
    with pytest.raises(ValueError, match=r"^the kernel does not map an array of correlations[^\n]*$"):
        sphere_coefficients(kernel, 5, 3)


@pytest.mark.parametrize("kernel", [3.0, None, [], [[1.0, 2.0]], [1.0, math.inf]], ids=str)
def test_what_is_neither_function_nor_coefficients_is_refused(kernel):
    with pytest.raises(
        ValueError, match=r"^kernel is neither a function nor a sequence of finite Taylor coefficients$"
    ):
        sphere_coefficients(kernel, 5, 3)


@pytest.mark.parametrize("d", [1, 0])
def test_the_values_of_a_kernel_on_a_sphere_of_dimension_below_two_are_refused(d):
    with pytest.raises(ValueError, match=rf"^dimension = {d}: "):
        sphere_coefficients(np.exp, d, 3)
