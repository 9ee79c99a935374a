"""The ends of kernels against Taylor series by mpmath; theorem 1 against closed forms and against eigenvalues."""

import math
from collections.abc import Callable

import jaxtyping
import mpmath
import numpy as np
import pytest

from deepk.activations import Activation, leaky_relu
from deepk.kernels import (
    CompositionalKernel,
    ConstantKernel,
    DotProductKernel,
    GaussianKernel,
    LaplaceKernel,
    Poisson,
    TangentKernel,
)
from deepk.spectra import EndpointExpansion, endpoint_expansion, spectrum, theorem_1

Kernel = Callable[[mpmath.mpf], mpmath.mpf]  # of the angle


@pytest.fixture
def annotations_are_not_enforced(monkeypatch):
    """As outside of these tests."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


# References -------------------------------------------------------------------------------------------------------


def homogeneous(below: float, above: float) -> tuple[Kernel, Kernel]:
    """The normalized kernel of above relu(x) - below relu(-x), and of its derivative."""
    square, cross = mpmath.mpf(below) ** 2 + mpmath.mpf(above) ** 2, 2 * mpmath.mpf(below) * mpmath.mpf(above)

    def kernel(t: mpmath.mpf) -> mpmath.mpf:
        same = mpmath.sin(t) + (mpmath.pi - t) * mpmath.cos(t)
        return (same - cross / square * (mpmath.sin(t) - t * mpmath.cos(t))) / mpmath.pi

    def slope(t: mpmath.mpf) -> mpmath.mpf:
        return (mpmath.pi - t + cross / square * t) / mpmath.pi

    return kernel, slope


def step(t: mpmath.mpf) -> mpmath.mpf:
    return 1 - t / mpmath.pi


def angle(rho: mpmath.mpf) -> mpmath.mpf:
    return 2 * mpmath.asin(mpmath.sqrt((1 - rho) / 2))


def deep(layer: Kernel, depth: int) -> Kernel:
    def kernel(t: mpmath.mpf) -> mpmath.mpf:
        for _ in range(depth - 1):
            t = angle(layer(t))
        return layer(t)

    return kernel


def tangent(below: float, above: float, depth: int) -> Kernel:
    layer, slope = homogeneous(below, above)

    def kernel(t: mpmath.mpf) -> mpmath.mpf:
        theta = mpmath.cos(t)
        for _ in range(depth):
            theta = theta * slope(t) + layer(t)
            t = angle(layer(t))
        return theta

    return kernel


def relu(depth: int) -> Kernel:
    return deep(homogeneous(0, 1)[0], depth)


def term(kernel: Kernel, nu: float, root: int, end: int) -> float:
    """The coefficient of t^nu at correlation end (1 - t), in a power series in s = t^(1 / root), by interpolation."""

    def at(s: mpmath.mpf) -> mpmath.mpf:
        theta = 2 * mpmath.asin(mpmath.sqrt(s**root / 2))
        return kernel(theta if end == 1 else mpmath.pi - theta)

    with mpmath.workdps(80):
        points = [mpmath.mpf(i) / 200 for i in range(1, 21)]  # 20 terms at s <= 0.1 leave out 1e-20 of the first
        powers = mpmath.matrix([[s**i for i in range(20)] for s in points])
        coefficients = mpmath.lu_solve(powers, mpmath.matrix([at(s) for s in points]))
        index = round(nu * root)
        assert all(abs(coefficients[i]) < 1e-10 for i in range(index) if i % root)  # it is the first of its kind
        return float(coefficients[index])


# The ends ---------------------------------------------------------------------------------------------------------

ENDS = [
    *((CompositionalKernel("relu", depth), relu(depth), 1.5, 2) for depth in (1, 2, 3, 4)),
    *((TangentKernel("relu", depth), tangent(0, 1, depth), 0.5, 2) for depth in (1, 2, 3, 4)),
    (CompositionalKernel(leaky_relu(-0.5), 3), deep(homogeneous(-0.5, 1)[0], 3), 1.5, 2),
    (TangentKernel(leaky_relu(0.25), 2), tangent(0.25, 1, 2), 0.5, 2),
    (CompositionalKernel(leaky_relu(-1.0), 2), deep(homogeneous(-1, 1)[0], 2), 1.5, 2),
    (CompositionalKernel("step", 1), step, 0.5, 2),
    (CompositionalKernel("step", 2), deep(step, 2), 0.25, 4),
    (CompositionalKernel("step", 3), deep(step, 3), 0.125, 8),
    (LaplaceKernel(0.7), lambda t: mpmath.exp(-1.4 * mpmath.sin(t / 2)), 0.5, 2),
    (
        CompositionalKernel("relu", 2) * LaplaceKernel(0.7),
        lambda t: relu(2)(t) * mpmath.exp(-1.4 * mpmath.sin(t / 2)),
        0.5,
        2,
    ),
    (
        3.0 * TangentKernel("relu", 2) + 2.0 + CompositionalKernel("step", 1),
        lambda t: 3 * tangent(0, 1, 2)(t) + 2 + step(t),
        0.5,
        2,
    ),
    (
        (1.0 + CompositionalKernel("identity", 1)) * CompositionalKernel("step", 1),
        lambda t: (1 + mpmath.cos(t)) * step(t),
        0.5,
        2,
    ),
    (TangentKernel("relu", 3, normalized=True), lambda t: tangent(0, 1, 3)(t) / 4, 0.5, 2),
]


@pytest.mark.parametrize(("kernel", "exact", "nu", "root"), ENDS)
def test_the_first_term_of_no_integer_exponent_is_that_of_the_taylor_series(kernel, exact, nu, root):
    found = endpoint_expansion(kernel)
    assert found.nu == nu
    assert found.c_1 == pytest.approx(term(exact, nu, root, 1), rel=1e-9)
    assert found.c_minus_1 == pytest.approx(term(exact, nu, root, -1), rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 10, 100])
def test_the_ends_of_relus_kernels_grow_with_depth_as_in_the_closed_form(depth):
    random_features, tangent = (endpoint_expansion(kernel("relu", depth)) for kernel in KINDS)
    assert random_features.nu == 1.5
    assert random_features.c_1 == pytest.approx(depth * 2 * math.sqrt(2) / (3 * math.pi), rel=1e-13)
    assert tangent.nu == 0.5
    assert tangent.c_1 == pytest.approx(-depth * (depth + 1) / math.sqrt(2) / math.pi, rel=1e-13)
    # at the other end the same for one layer, where one parity cancels, and less for more
    for found in (random_features, tangent):
        assert abs(found.c_minus_1) <= abs(found.c_1)
        assert (found.c_minus_1 == found.c_1) == (depth == 1)


@pytest.mark.parametrize("gamma", [0.1, 1.0, 30.0])
def test_laplaces_kernel_has_a_cone_at_one_end_alone(gamma):
    found = endpoint_expansion(LaplaceKernel(gamma))
    assert (found.nu, found.c_minus_1) == (0.5, 0)
    assert found.c_1 == pytest.approx(-gamma * math.sqrt(2), rel=1e-15)


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_a_layer_of_steps_halves_the_exponent(depth):
    # 1 - K(1 - t) of one layer is sqrt(2 t) / pi, and a layer makes of a t^nu: sqrt(2 a) / pi t^(nu / 2)
    a, nu = math.sqrt(2) / math.pi, 0.5
    for _ in range(depth - 1):
        a, nu = math.sqrt(2 * a) / math.pi, nu / 2
    found = endpoint_expansion(CompositionalKernel("step", depth))
    assert (found.nu, found.c_1) == (nu, pytest.approx(-a, rel=1e-14))


@pytest.mark.parametrize(
    "kernel",
    [
        CompositionalKernel("tanh", 3),
        TangentKernel("gelu", 2),
        CompositionalKernel("identity", 1),
        GaussianKernel(2.0),
        ConstantKernel(3.0),
        "softplus",
        2.0 * CompositionalKernel("erf", 2) + GaussianKernel(1.0) * TangentKernel("sin", 1),
    ],
    ids=str,
)
def test_a_smooth_kernel_has_no_such_term_and_a_decay_faster_than_any_power(kernel):
    found = endpoint_expansion(kernel)
    assert math.isinf(found.nu)
    assert (found.c_1, found.c_minus_1) == (0, 0)
    assert theorem_1(found, 5)(np.array([1, 2, 300])).tolist() == [0, 0, 0]


def test_a_kernel_may_be_named_by_its_activation():
    assert endpoint_expansion("relu") == endpoint_expansion(CompositionalKernel("relu", 1))


def test_a_kink_that_is_declared_is_as_good_as_a_known_one():
    own = Activation.from_callable("rectified", lambda x: x.relu(), kinks=(0.0,))
    known, found = (endpoint_expansion(TangentKernel(activation, 3)) for activation in ("relu", own))
    assert found.nu == known.nu
    assert (found.c_1, found.c_minus_1) == (pytest.approx(known.c_1), pytest.approx(known.c_minus_1))


def test_elu_whose_curvature_jumps_has_a_higher_exponent():
    found = endpoint_expansion(CompositionalKernel("elu", 1))
    # sigma'' falls by one at 0: G'' has -phi(0) sqrt(t / pi) / E sigma^2, which is integrated twice; at the other end
    # the jump meets itself, and the sign is +
    second_moment = 1 + mpmath.exp(2) * mpmath.ncdf(-2) - 2 * mpmath.exp(0.5) * mpmath.ncdf(-1)
    exact = 1 / (mpmath.sqrt(2) * mpmath.pi) / (mpmath.mpf(3) / 2 * mpmath.mpf(5) / 2) / second_moment
    assert found.nu == 2.5
    assert found.c_1 == pytest.approx(-float(exact), rel=1e-12)
    assert found.c_minus_1 == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("kernel", [np.exp, lambda t: t, [1.0, 2.0], None, Poisson(1.0)])
def test_what_is_known_by_its_values_alone_has_no_ends(kernel):
    with pytest.raises(ValueError, match=r"^[^\n]* is no kernel of deepk\.kernels: its ends are not known$"):
        endpoint_expansion(kernel)


# Theorem 1 --------------------------------------------------------------------------------------------------------


def eigenvalue_of_a_power(nu: float, d: int, k: int) -> float:
    """Of (1 - t)^nu: E (1 - T)^nu times (-nu)_k / (nu + d - 1)_k, rising factorials (Rodrigues)."""
    with mpmath.workdps(30):
        nu, half = mpmath.mpf(nu), mpmath.mpf(d - 1) / 2
        density = mpmath.gamma(mpmath.mpf(d) / 2) / (mpmath.sqrt(mpmath.pi) * mpmath.gamma(half))
        mean = density * 2 ** (nu + d - 2) * mpmath.beta(nu + half, half)
        return float(mean * mpmath.rf(-nu, k) / mpmath.rf(nu + d - 1, k))


@pytest.mark.parametrize("d", [2, 3, 4, 10, 50])
@pytest.mark.parametrize("nu", [0.125, 0.25, 0.5, 1.5, 2.5])
def test_it_has_the_constant_of_a_power_to_second_order(nu, d):
    at_one, at_minus_one = (theorem_1(EndpointExpansion(nu, *c), d) for c in ((2.0, 0.0), (0.0, 2.0)))
    k = np.array([10**4, 10**4 + 1])
    exact = np.array([2 * eigenvalue_of_a_power(nu, d, degree) for degree in k.tolist()])
    # Gamma(k - nu) / Gamma(k + nu + d - 1) is (k + (d - 2) / 2)^-n (1 + (n^3 - n) / 24 k^2 + ...), n = 2 nu + d - 1
    n = 2 * nu + d - 1
    correction = (n**3 - n) / 24 / k**2
    assert exact / at_one(k) - 1 == pytest.approx(correction, rel=0.01)
    assert exact * [1, -1] / at_minus_one(k) - 1 == pytest.approx(correction, rel=0.01)


def test_it_takes_degrees_in_an_array_of_any_shape():
    predicted = theorem_1(EndpointExpansion(0.5, -1.0, 0.25), 4)
    degrees = np.array([[3, 10], [11, 400]])
    assert predicted(degrees).shape == (2, 2)
    assert predicted(degrees).ravel().tolist() == predicted(degrees.ravel()).tolist()
    # c_1 + (-1)^k c_-1 is -3/4 for even and -5/4 for odd degrees
    one_end = theorem_1(EndpointExpansion(0.5, -1.0, 0.0), 4)
    assert predicted(degrees) == pytest.approx(one_end(degrees) * [[1.25, 0.75], [1.25, 0.75]], rel=1e-14)
    assert (one_end(degrees) > 0).all()


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize("number", [int, np.int64, np.float64])
def test_it_takes_a_degree_alone(number):
    predicted = theorem_1(EndpointExpansion(0.5, -1.0, 0.25), 4)
    assert float(predicted(number(12))) == predicted(np.array([12]))[0]


KINDS = [CompositionalKernel, TangentKernel]


def deviations(kernel: DotProductKernel, d: int, ks: list[int]) -> np.ndarray:
    """Of the ratio from one; 0 where both vanish."""
    found, predicted = spectrum(kernel, d, ks).values, theorem_1(endpoint_expansion(kernel), d)(np.array(ks))
    assert ((found == 0) == (predicted == 0)).all()
    return np.abs(np.divide(found, predicted, where=predicted != 0, out=np.ones(len(ks))) - 1)


@pytest.mark.usefixtures("annotations_are_not_enforced")  # it takes longer than the mathematics
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("d", "depth"), [(3, 1), (3, 4), (4, 1), (4, 2), (4, 3), (4, 4), (10, 1), (10, 3)])
def test_it_is_the_limit_of_the_eigenvalues_of_relus_kernels(d, depth, kind):
    even, odd, twice_even, twice_odd = deviations(kind("relu", depth), d, [150, 151, 300, 301])
    assert max(twice_even, twice_odd) < 1e-3
    # the next term is smaller by k^2
    assert twice_even < 0.3 * even
    assert twice_odd < 0.3 * odd or depth == 1
    # of one layer, with parts of the same size at both ends, odd degrees vanish
    assert (odd == twice_odd == 0) == (depth == 1)


@pytest.mark.usefixtures("annotations_are_not_enforced")
@pytest.mark.parametrize(
    ("kernel", "d"),
    [
        (LaplaceKernel(0.7), 3),
        (CompositionalKernel("step", 1), 4),
        (CompositionalKernel(leaky_relu(-0.5), 2), 4),
        (TangentKernel("relu", 1) * LaplaceKernel(0.5) + GaussianKernel(1.0), 5),
        (
            (1.0 + CompositionalKernel("identity", 1)) * CompositionalKernel("step", 1)
            + CompositionalKernel("relu", 1),
            4,
        ),
    ],
    ids=["Laplace", "step", "leaky ReLU", "a product and a sum", "ReLU with biases"],
)
def test_it_is_the_limit_of_the_eigenvalues_of_other_kernels(kernel, d):
    first, second = np.split(deviations(kernel, d, [60, 61, 180, 181]), 2)
    assert (second < 1e-3).all()
    assert (second < first / 7)[first > 0].all()
    assert (first > 0).any()


@pytest.mark.usefixtures("annotations_are_not_enforced")
def test_a_deep_kernel_of_steps_comes_near_it_slowly():
    # nu is 1/4 at 1, and 1/2 at -1: the next term is smaller by k^(1/2) alone, and has the sign of the parity
    ks = [100, 101, 400, 401]
    kernel = CompositionalKernel("step", 2)
    ratio = spectrum(kernel, 4, ks).values / theorem_1(endpoint_expansion(kernel), 4)(np.array(ks)) - 1
    assert (np.sign(ratio) == [-1, 1, -1, 1]).all()
    assert ratio[2:] / ratio[:2] == pytest.approx([1 / 2, 1 / 2], rel=0.02)


@pytest.mark.parametrize("d", [1, 0])
def test_a_dimension_below_two_is_refused_in_one_line(d):
    with pytest.raises(ValueError, match=rf"^dimension = {d}: it is at least 2[^\n]*$"):
        theorem_1(EndpointExpansion(0.5, 1.0, 0.0), d)


@pytest.mark.usefixtures("annotations_are_not_enforced")
def test_a_dimension_that_is_no_integer_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^dimension = 2\.5 is not an integer$"):
        theorem_1(EndpointExpansion(0.5, 1.0, 0.0), 2.5)
