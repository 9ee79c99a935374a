"""What is known of a kernel beside its values: its zeros by symmetry, and its expansions at both ends of [-1, 1]."""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import cache

import mpmath
import numpy as np
import pytest

from deepk.activations import Activation, leaky_relu
from deepk.kernels import (
    CompositionalKernel,
    ConstantKernel,
    DotProductKernel,
    DualKernel,
    GaussianKernel,
    LaplaceKernel,
    TangentKernel,
)
from deepk.kernels.ends import dual_ends
from deepk.kernels.structure import Degrees, End
from tests.support.layers import Layer, elu

INF = math.inf
Function = Callable[[mpmath.mpf], mpmath.mpf]

CLIPPED = Activation.from_callable("clipped", lambda x: x.clamp(-0.5, 0.5), kinks=(-0.5, 0.5))
STAIRS = Activation.from_callable("stairs", lambda x: (x - 0.5).sign() + (x + 0.5).sign(), jumps=(-0.5, 0.5))
WINDOW = Activation.from_callable("window", lambda x: (x.abs() < 1).to(x.dtype), jumps=(-1.0, 1.0))
ONE = Activation.from_callable("one", lambda x: 0 * x + 1)


# The algebra of ends ----------------------------------------------------------------------------------------------


def without(f: Function, t: mpmath.mpf, exponents: Sequence[float]) -> mpmath.mpf:
    """Of f at t, what these powers leave: each is taken away by f(2t) - 2^power f(t)."""
    values = [f(t * 2**i) for i in range(len(exponents) + 1)]
    for power in exponents:
        values = [far - mpmath.mpf(2) ** power * near for near, far in itertools.pairwise(values)]
    return values[0]


def coefficient(f: Function, nu: float, t: mpmath.mpf, others: Sequence[float] = ()) -> mpmath.mpf:
    """c of f(t) = a polynomial + c t^nu + o(t^nu), in whose place may be terms of `others`."""
    exponents = [*range(math.ceil(nu)), *others]
    scale = mpmath.fprod(mpmath.mpf(2) ** nu - mpmath.mpf(2) ** power for power in exponents)
    return without(f, t, exponents) / (t ** mpmath.mpf(nu) * scale)


def expansion(end: End) -> Function:
    """A function with that end."""
    return lambda t: end.value + 3 * t - t * t + (end.c * t ** mpmath.mpf(end.nu) if end.c else 0)


ENDS = [End(2.0), End(-0.5, 0.5, 3.0), End(1.5, 0.5, -1.0), End(0.25, 1.5, 2.0), End(-3.0, 0.25, 1.0)]


@pytest.mark.parametrize(("a", "b"), itertools.product(ENDS, ENDS), ids=str)
def test_sums_and_products_of_ends_are_those_of_the_functions(a, b):
    f, g = expansion(a), expansion(b)
    sums: tuple[End, Function] = a + b, lambda t: f(t) + g(t)
    products: tuple[End, Function] = a * b, lambda t: f(t) * g(t)
    with mpmath.workdps(400):
        t = mpmath.mpf(10) ** -80  # the next term is smaller by t^(1/4)
        for found, function in (sums, products):
            assert found.value == function(mpmath.mpf(0))
            assert found.nu == min(a.nu, b.nu)
            if found.nu < INF:
                assert abs(coefficient(function, found.nu, t) - found.c) <= 1e-18


def test_terms_that_cancel_leave_none():
    assert End(1.0, 0.5, 2.0) + End(3.0, 0.5, -2.0) == End(4.0, 0.5, 0.0)
    assert End(0.0, 0.5, 2.0) * End(0.0, 0.5, 1.0) == End(0.0, 0.5, 0.0)


def test_a_polynomial_has_no_term():
    assert End(2.0) == End(2.0, INF, 0.0)
    assert End(2.0) + End(3.0) == End(5.0)
    assert End(2.0) * End(3.0) == End(6.0)


# The algebra of degrees -------------------------------------------------------------------------------------------


def polynomials(degree: int) -> list[np.ndarray]:
    """Of all sets of powers up to a degree, with positive coefficients, so that nothing cancels."""
    return [np.array(powers) for powers in itertools.product((0, 1), repeat=degree + 1)]


def degrees(polynomial: np.ndarray) -> Degrees:
    powers = np.flatnonzero(polynomial)
    return Degrees(*(float(max(powers[powers % 2 == parity], default=-INF)) for parity in (0, 1)))


def test_degrees_of_sums_and_products_are_those_of_polynomials():
    for p, q in itertools.product(polynomials(3), repeat=2):
        total = np.polynomial.polynomial.polyadd(p, q)
        assert degrees(p) + degrees(q) == degrees(total), (p, q)
        assert degrees(p) * degrees(q) == degrees(np.convolve(p, q)), (p, q)


def test_the_degrees_of_a_derivative_are_those_of_the_polynomials():
    for p in polynomials(4):
        assert degrees(p).derivative == degrees(np.polynomial.polynomial.polyder(p)), p


def composed(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    result = np.zeros(1)
    for coefficient_ in p[::-1]:
        result = np.polynomial.polynomial.polyadd(np.convolve(result, q), [coefficient_])
    return result


def test_degrees_of_a_composition_bound_those_of_the_polynomial_and_keep_its_symmetry():
    for p, q in itertools.product(polynomials(3), repeat=2):
        if not q.any():
            continue
        found, exact = degrees(p).of(degrees(q)), degrees(composed(p, q))
        assert found.even >= exact.even, (p, q)
        assert found.odd >= exact.odd, (p, q)
        assert max(found.even, found.odd) == max(exact.even, exact.odd), (p, q)
        assert found.parity == exact.parity or degrees(p).parity or degrees(q).parity, (p, q)
        if degrees(q).parity:  # of others p(q) is neither even nor odd, but for a constant p
            assert found == exact, (p, q)


def test_what_is_beyond_the_degree_of_its_parity_vanishes():
    of_relu = Degrees(INF, 1.0)
    assert [k for k in range(8) if of_relu.vanishes(k)] == [3, 5, 7]
    assert [k for k in range(8) if Degrees(0.0, INF).vanishes(k)] == [2, 4, 6]
    assert [k for k in range(8) if Degrees(-INF, INF).vanishes(k)] == [0, 2, 4, 6]
    assert [k for k in range(8) if Degrees(4.0, -INF).vanishes(k)] == [1, 3, 5, 6, 7]
    assert not any(Degrees().vanishes(k) for k in range(8))


def test_parity_is_that_of_the_part_that_is_left():
    found = [Degrees(*parts).parity for parts in ((INF, -INF), (-INF, INF), (INF, INF), (0.0, 1.0), (0.0, -INF))]
    assert found == [1, -1, 0, 0, 1]


# Kernels at the ends ----------------------------------------------------------------------------------------------


def homogeneous(below: float) -> Layer:
    """Of x for x > 0 and below x for x < 0."""

    def layer(c: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
        a, t = mpmath.mpf(below), mpmath.acos(c)
        same = mpmath.sin(t) + (mpmath.pi - t) * c
        opposite = mpmath.sin(t) - t * c
        one = (1 + a * a) * mpmath.pi
        return ((1 + a * a) * same - 2 * a * opposite) / one, ((1 + a * a) * (mpmath.pi - t) + 2 * a * t) / one

    return layer


def centered(layer: Layer) -> Layer:
    def shifted(c: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
        zero = layer(mpmath.mpf(0))[0]
        value, slope = layer(c)
        return (value - zero) / (1 - zero), slope / (1 - zero)

    return shifted


def step(c: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    return 1 - mpmath.acos(c) / mpmath.pi, mpmath.mpf(0)  # whose slope no test asks for


def networks(layer: Layer, rho: mpmath.mpf, depth: int) -> tuple[mpmath.mpf, mpmath.mpf]:
    """K_L and Theta_L."""
    kernel = theta = rho
    for _ in range(depth):
        kernel, slope = layer(kernel)
        theta = theta * slope + kernel
    return kernel, theta


KINKS: dict[str, tuple[str | Activation, bool, Layer]] = {
    "relu": ("relu", False, homogeneous(0.0)),
    "centered-relu": ("relu", True, centered(homogeneous(0.0))),
    "leaky": (leaky_relu(0.25), False, homogeneous(0.25)),
    "falling": (leaky_relu(-0.5), False, homogeneous(-0.5)),
    "absolute": (leaky_relu(-1.0), False, homogeneous(-1.0)),
}


def agrees(end: End, nu: float, f: Function, t: mpmath.mpf) -> None:
    assert end.nu == nu
    assert abs(f(mpmath.mpf(0)) - end.value) <= 1e-12
    # the next term is smaller by t^(1/2), or for layers of a step by t^(1 / 2^L)
    assert abs(coefficient(f, nu, t) - end.c) <= 1e-12


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("name", KINKS)
def test_a_kink_leaves_a_power_of_three_halves_at_both_ends(name, depth):
    activation, is_centered, layer = KINKS[name]
    one, minus_one = CompositionalKernel(activation, depth, centered=is_centered).ends
    with mpmath.workdps(150):
        t = mpmath.mpf(10) ** -40
        agrees(one, 1.5, lambda t: networks(layer, 1 - t, depth)[0], t)
        agrees(minus_one, 1.5, lambda t: networks(layer, -1 + t, depth)[0], t)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("name", [name for name, (_, is_centered, _) in KINKS.items() if not is_centered])
def test_a_kink_leaves_a_root_in_the_tangent_kernel_at_both_ends(name, depth):
    activation, _, layer = KINKS[name]
    one, minus_one = TangentKernel(activation, depth).ends
    with mpmath.workdps(120):
        t = mpmath.mpf(10) ** -30
        agrees(one, 0.5, lambda t: networks(layer, 1 - t, depth)[1], t)
        agrees(minus_one, 0.5, lambda t: networks(layer, -1 + t, depth)[1], t)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("is_centered", [False, True])
def test_a_jump_leaves_a_root_of_which_each_layer_takes_the_root_at_one(depth, is_centered):
    one, minus_one = CompositionalKernel("step", depth, centered=is_centered).ends
    layer = centered(step) if is_centered else step
    with mpmath.workdps(350):
        t = mpmath.mpf(10) ** -120
        agrees(one, 0.5**depth, lambda t: networks(layer, 1 - t, depth)[0], t)
        # centered, it is odd; else K is not 1 or -1 there from the second layer on
        nu = 0.5**depth if is_centered else 0.5
        agrees(minus_one, nu, lambda t: networks(layer, -1 + t, depth)[0], t)


FINE = 10_000


@cache
def layers_of_elu(side: int, i: int) -> tuple[tuple[mpmath.mpf, mpmath.mpf], ...]:
    """K and Theta of 0, 1 and 2 layers at correlation side (1 - t), t = 2^i / FINE."""
    with mpmath.workdps(30):
        kernel = theta = side * (1 - mpmath.mpf(2) ** i / FINE)
        found = [(kernel, theta)]
        for _ in range(2):
            kernel, slope = elu(kernel)
            theta = theta * slope + kernel
            found.append((kernel, theta))
    return tuple(found)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("side", [1, -1])
def test_a_jump_of_the_curvature_leaves_five_halves_and_three_in_the_tangent_kernel(depth, side):
    def at(which: int) -> Function:
        return lambda t: layers_of_elu(side, int(mpmath.nint(mpmath.log(t * FINE, 2))))[depth][which]

    kernel, tangent = CompositionalKernel("elu", depth), TangentKernel("elu", depth)
    end, tangent_end = (pair[0 if side == 1 else 1] for pair in (kernel.ends, tangent.ends))
    with mpmath.workdps(30):
        t = mpmath.mpf(1) / FINE
        assert (end.nu, tangent_end.nu) == (2.5, 1.5)
        # without the next two powers, what is left over is smaller by t^(3/2) = 1e-6, times factors of doubling
        assert abs(coefficient(at(0), 2.5, t, [3, 3.5]) / end.c - 1) <= 1e-3
        assert abs(coefficient(at(1), 1.5, t, [2, 2.5]) / tangent_end.c - 1) <= 1e-3
        nearest = networks(elu, mpmath.mpf(side), depth)
        assert abs(nearest[0] - end.value) <= 1e-12
        assert abs(nearest[1] - tangent_end.value) <= 1e-12


@pytest.mark.parametrize("depth", [1, 3, 50])
def test_the_tangent_kernel_of_relu_has_the_coefficient_of_the_theorem(depth):
    # -L (L + 1) / (sqrt(2) pi), the sum over layers of l / (sqrt(2) pi), twice
    one, _ = TangentKernel("relu", depth).ends
    assert one.c == pytest.approx(-depth * (depth + 1) / (math.sqrt(2) * math.pi), rel=1e-12)
    assert one.value == pytest.approx(depth + 1, rel=1e-12)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("name", ["erf", "gelu", "swish"])
def test_a_smooth_activation_leaves_a_smooth_kernel(name, depth):
    for kernel in (CompositionalKernel(name, depth), TangentKernel(name, depth)):
        one, minus_one = kernel.ends
        assert one == End(one.value)
        assert minus_one == End(minus_one.value)
        assert one.value == pytest.approx(kernel.at_one, rel=1e-12)
        assert minus_one.value == pytest.approx(kernel(-1.0), rel=1e-9)
        assert kernel.is_smooth


@pytest.mark.parametrize("name", ["relu", "elu", "tanh"])
def test_the_normalized_tangent_kernel_has_the_same_ends_in_its_own_unit(name):
    kernel, normalized = TangentKernel(name, 3), TangentKernel(name, 3, normalized=True)
    for end, scaled in zip(kernel.ends, normalized.ends, strict=True):
        assert scaled.nu == end.nu
        assert scaled.value == pytest.approx(end.value / kernel.at_one, rel=1e-12)
        assert scaled.c == pytest.approx(end.c / kernel.at_one, rel=1e-12)


# Breaks away from zero, where c is the integral of the joint density, X and Y at one break or at opposite ones


def density(x: float, y: float, c: mpmath.mpf) -> mpmath.mpf:
    s = 1 - c * c
    return mpmath.exp(-(mpmath.mpf(x) ** 2 + mpmath.mpf(y) ** 2 - 2 * c * x * y) / (2 * s)) / (
        2 * mpmath.pi * mpmath.sqrt(s)
    )


# breaks, and by how much sigma or its slope jumps there: odd, even and odd
JUMPS = {
    "stairs": (STAIRS, {-0.5: 2, 0.5: 2}, -1),
    "window": (WINDOW, {-1.0: 1, 1.0: -1}, 1),
}


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("name", JUMPS)
def test_jumps_away_from_zero_meet_themselves_at_one_and_their_opposites_at_minus_one(name, side):
    # E' is the sum over pairs of jumps of size times size times density, and c t^(1/2) has the slope c / (2 sqrt(t))
    activation, jumps, parity = JUMPS[name]
    dual = DualKernel(activation)
    end = dual_ends(dual)[0 if side == 1 else 1]
    with mpmath.workdps(80):
        t = mpmath.mpf(10) ** -30
        pairs = itertools.product(jumps.items(), repeat=2)
        slope = mpmath.fsum(a * b * density(x, y, side * (1 - t)) for (x, a), (y, b) in pairs)
        exact = -side * slope * 2 * mpmath.sqrt(t) / dual.variance
        assert (end.value, end.nu) == (1 if side == 1 else parity, 0.5)
        assert abs(end.c - exact) <= 1e-9  # a jump is read from the function, to 1e-10


@pytest.mark.parametrize("side", [1, -1])
def test_kinks_away_from_zero_meet_themselves_at_one_and_their_opposites_at_minus_one(side):
    # E'' is that sum for the jumps of the slope, and c t^(3/2) has the second derivative (3/4) c / sqrt(t)
    dual, kinks = DualKernel(CLIPPED), {-0.5: 1, 0.5: -1}
    end = dual_ends(dual)[0 if side == 1 else 1]
    with mpmath.workdps(80):
        t = mpmath.mpf(10) ** -30
        pairs = itertools.product(kinks.items(), repeat=2)
        second = mpmath.fsum(a * b * density(x, y, side * (1 - t)) for (x, a), (y, b) in pairs)
        exact = second * mpmath.sqrt(t) * 4 / 3 / dual.variance
        assert (end.value, end.nu) == (side, 1.5)
        assert abs(end.c - exact) <= 1e-9


def of_relu(rho: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    return networks(homogeneous(0.0), rho, 1)


def laplace(rho: mpmath.mpf) -> mpmath.mpf:
    return mpmath.exp(-mpmath.mpf(0.5) * mpmath.sqrt(2 - 2 * rho))


def gaussian(rho: mpmath.mpf) -> mpmath.mpf:
    return mpmath.exp(-(2 - 2 * rho) / 4)


RELU, LAPLACE, GAUSSIAN = CompositionalKernel("relu", 1), LaplaceKernel(0.5), GaussianKernel(0.25)
# with the exponents at 1 and at -1
COMBINED = {
    "laplace": (LAPLACE, laplace, 0.5, INF),
    "gaussian": (GAUSSIAN, gaussian, INF, INF),
    "sum": (LAPLACE + RELU, lambda rho: laplace(rho) + of_relu(rho)[0], 0.5, 1.5),
    "product": (RELU * LAPLACE, lambda rho: laplace(rho) * of_relu(rho)[0], 0.5, 1.5),
    "smoothed": (GAUSSIAN * RELU + 2.0, lambda rho: gaussian(rho) * of_relu(rho)[0] + 2, 1.5, 1.5),
    "square": (
        TangentKernel("relu", 1) * TangentKernel("relu", 1) * 3.0,
        lambda rho: 3 * of_relu(rho)[1] ** 2,
        0.5,
        0.5,
    ),
}


@pytest.mark.parametrize("name", COMBINED)
def test_sums_and_products_of_kernels_have_the_ends_of_the_functions(name):
    kernel, function, at_one, at_minus_one = COMBINED[name]
    with mpmath.workdps(150):
        t = mpmath.mpf(10) ** -40
        for end, side, nu in zip(kernel.ends, (1, -1), (at_one, at_minus_one), strict=True):
            if nu < INF:
                agrees(end, nu, lambda t, side=side: function(side * (1 - t)), t)
            else:
                assert end == End(end.value)
                assert abs(end.value - function(mpmath.mpf(side))) <= 1e-12


def test_a_constant_is_the_same_at_both_ends():
    assert ConstantKernel(2.0).ends == (End(2.0), End(2.0))


# Zeros ------------------------------------------------------------------------------------------------------------

NODES, WEIGHTS = np.polynomial.legendre.leggauss(160)
HIGHEST = 7


def legendre_parts(kernel: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Of degree 0, ..., 7 on the sphere in space, by quadrature in the angle, of which kernels are smooth."""
    theta = (NODES + 1) * math.pi / 2
    rho, weights = np.cos(theta), WEIGHTS * np.sin(theta) * math.pi / 4
    return np.abs(np.polynomial.legendre.legvander(rho, HIGHEST).T @ (weights * kernel(rho)))


RAMPS, LEVELS = ["relu", "gelu", "swish", "softplus"], ["step", "sigmoid"]
ZEROS = [
    *((name, False, 1, {3, 5, 7}) for name in RAMPS),  # the odd part is that of x / 2
    *((name, False, 1, {2, 4, 6}) for name in LEVELS),  # the even part is that of 1 / 2
    *((name, False, 2, set()) for name in (*RAMPS, *LEVELS)),
    *((name, True, depth, {0, 2, 4, 6}) for name in LEVELS for depth in (1, 2)),
    *((name, False, depth, {0, 2, 4, 6}) for name in ("erf", "tanh") for depth in (1, 2)),
    *((leaky_relu(-1.0), False, depth, {1, 3, 5, 7}) for depth in (1, 2)),
    ("elu", False, 1, set()),
]
TANGENT_ZEROS = [
    (name, depth, zeros) for name, is_centered, depth, zeros in ZEROS if name != "step" and not is_centered
]


def vanish(kernel: DotProductKernel, zeros: set[int]) -> None:
    assert {k for k in range(HIGHEST + 1) if kernel.degrees.vanishes(k)} == zeros
    parts = legendre_parts(kernel) / kernel.at_one
    rounding = 2 * kernel.error_bound + 1e-15
    for k, part in enumerate(parts):
        assert part <= rounding if k in zeros else part > 20 * rounding, k


@pytest.mark.parametrize(("activation", "is_centered", "depth", "zeros"), ZEROS, ids=str)
def test_zeros_of_a_kernel_are_where_symmetry_leaves_them(activation, is_centered, depth, zeros):
    vanish(CompositionalKernel(activation, depth, centered=is_centered), zeros)


@pytest.mark.parametrize(("activation", "depth", "zeros"), TANGENT_ZEROS, ids=str)
def test_zeros_of_a_tangent_kernel_are_where_symmetry_leaves_them(activation, depth, zeros):
    vanish(TangentKernel(activation, depth), zeros)


def test_the_identity_and_a_constant_are_polynomials_of_their_own_degree():
    for depth in (1, 4):
        assert CompositionalKernel("identity", depth).degrees == Degrees(-INF, 1.0)
        assert TangentKernel("identity", depth).degrees == Degrees(-INF, 1.0)
        assert CompositionalKernel(ONE, depth).degrees == Degrees(0.0, -INF)


def test_symmetry_of_sums_and_products_of_kernels():
    odd, half = CompositionalKernel("erf", 1), CompositionalKernel("relu", 1)
    beyond = {
        odd + 1.0: {2, 4, 6},
        odd * odd: {1, 3, 5, 7},
        odd + 2.0 * odd: {0, 2, 4, 6},
        half + 3.0: {3, 5, 7},
        half * half: set(),
        half + odd: set(),
    }
    for kernel, zeros in beyond.items():
        vanish(kernel, zeros)
