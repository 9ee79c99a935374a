"""The table of many layers, against laws whose iterates have a closed form, and what it promises of itself."""

import math

import mpmath
import numpy as np
import pytest
import torch

from deepk.branching.iterates import iterate
from deepk.kernels import Binomial, DualKernel, Finite, Geometric, Poisson, PowersOfTwo

EPS = 2.0**-52
ANGLES = torch.tensor([math.pi / 2, 1.0, 0.1, 1e-3, 1e-8, 1e-30, 1e-100], dtype=torch.float64)

LAWS = {
    "poisson": Poisson(1.5),
    "subcritical": Poisson(0.5),
    "critical": Geometric(0.5),
    "geometric": Geometric(0.7),
    "binomial": Binomial(1, 0.3),
    "finite": Finite([0.2, 0.3, 0.5]),
    "powers-of-two": PowersOfTwo(),
    "relu": DualKernel("relu"),
    "centered-gelu": DualKernel("gelu", centered=True),
    "step": DualKernel("step"),
}


def complement(theta: torch.Tensor) -> np.ndarray:
    return np.asarray(2 * np.sin(theta.numpy() / 2) ** 2)


def assert_close(found: torch.Tensor, exact: list[mpmath.mpf], bound: float) -> None:
    """1 - G to twice the relative error of its angle."""
    for value, true in zip(complement(found).tolist(), exact, strict=True):
        if true < 1e-300:  # beyond float64
            assert value < 1e-300
            continue
        assert abs(value / true - 1) <= 2 * bound + 4 * EPS


def starts() -> list[mpmath.mpf]:
    """u = 1 - cos(theta), exactly from the float64 angles."""
    return [2 * mpmath.sin(mpmath.mpf(theta) / 2) ** 2 for theta in ANGLES.tolist()]


@pytest.mark.parametrize("depth", [1, 2, 3, 10, 100, 1000])
@pytest.mark.parametrize("p", [0.3, 0.5, 0.7])
def test_geometric_generations_are_linear_fractional(p, depth):
    # 1 / (1 - G_L) = mu^-L / u + (1 + mu^-1 + ... + mu^-(L-1)), from 1 / (1 - G) = 1 / (mu u) + 1
    table = iterate(Geometric(p), depth)
    with mpmath.workdps(30):
        inverse = (1 - mpmath.mpf(p)) / mpmath.mpf(p)
        total = mpmath.fsum(inverse**j for j in range(depth))
        exact = [1 / (inverse**depth / u + total) for u in starts()]
        assert_close(table(ANGLES), exact, table.error_bound)


@pytest.mark.parametrize("depth", [1, 7, 100])
def test_individuals_with_one_child_or_none_survive_by_powers(depth):
    table = iterate(Binomial(1, 0.75), depth)
    with mpmath.workdps(30):
        assert_close(table(ANGLES), [mpmath.mpf(0.75) ** depth * u for u in starts()], table.error_bound)


@pytest.mark.parametrize("depth", [1, 4, 20])
def test_generations_of_powers_of_two_agree_with_mpmath(depth):
    # E Y log Y is infinite: the map is never linear, however small the angle
    table = iterate(PowersOfTwo(), depth)
    with mpmath.workdps(40):
        weight = [mpmath.mpf(2) ** -j / j**2 for j in range(1, 600)]
        total = mpmath.polylog(2, mpmath.mpf(1) / 2)

        def layer(u: mpmath.mpf) -> mpmath.mpf:
            log = mpmath.log1p(-u)
            terms = (-w * mpmath.expm1(mpmath.mpf(2) ** j * log) for j, w in enumerate(weight, 1))
            return mpmath.fsum(terms) / total

        exact = [2 * mpmath.sin(mpmath.mpf(theta) / 2) ** 2 for theta in (1.0, 1e-30)]
        for _ in range(depth):
            exact = [layer(u) for u in exact]
        assert_close(table(torch.tensor([1.0, 1e-30], dtype=torch.float64)), exact, table.error_bound)


@pytest.mark.parametrize("depth", [1, 2, 5, 30])
def test_layers_of_the_step_agree_with_its_recursion(depth):
    # 1 - cos(theta_1) = theta / pi
    table = iterate(DualKernel("step"), depth)
    with mpmath.workdps(30):
        exact = starts()
        for _ in range(depth):
            exact = [2 * mpmath.asin(mpmath.sqrt(u / 2)) / mpmath.pi for u in exact]
        assert_close(table(ANGLES), exact, table.error_bound)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 4), (3, 2), (100, 28)])
@pytest.mark.parametrize("name", LAWS)
def test_generations_compose(name, a, b):
    first, second, both = (iterate(LAWS[name], depth) for depth in (b, a, a + b))
    once, twice = both(ANGLES), second(first(ANGLES))
    bound = both.error_bound + second.error_bound + max(1.0, second.stretch) * first.error_bound
    assert float((once / twice - 1).abs().max()) <= bound + 8 * EPS


@pytest.mark.parametrize("name", LAWS)
def test_nothing_becomes_of_a_zero_angle(name):
    zero = torch.zeros(2, dtype=torch.float64)
    for depth in (1, 5, 3000):
        assert iterate(LAWS[name], depth)(zero).tolist() == [0, 0]


@pytest.mark.parametrize("depth", [1, 6, 100])
@pytest.mark.parametrize("name", LAWS)
def test_the_logarithm_is_that_of_the_image(name, depth):
    table = iterate(LAWS[name], depth)
    log = table.log(ANGLES.log().numpy())
    # the exponential turns a rounding of the logarithm, 230 at most, into a relative one
    assert np.exp(log) == pytest.approx(table(ANGLES).numpy(), rel=500 * EPS)


POWERS = [("relu", 6, 1.0), ("poisson", 6, 1.0), ("centered-gelu", 6, 1.0), ("step", 1, 0.5), ("step", 3, 0.125)]


@pytest.mark.parametrize(("name", "depth", "power"), POWERS)
def test_the_power_is_that_of_the_angle_next_to_zero(name, depth, power):
    table = iterate(LAWS[name], depth)
    assert table.power == power
    low, lower = table.log(np.array([math.log(1e-120), math.log(1e-140)]))
    # the next term is smaller by theta_L^2 or, for relu, by L theta
    assert low - lower == pytest.approx(power * 20 * math.log(10), rel=1e-12)


@pytest.mark.parametrize("depth", [1, 6, 100])
@pytest.mark.parametrize("name", ["poisson", "subcritical", "critical", "centered-gelu"])
def test_below_the_table_a_finite_mean_multiplies_by_its_root(name, depth):
    # theta_L = mu^(L/2) theta (1 + O(theta))
    law = LAWS[name]
    table, theta = iterate(law, depth), torch.tensor([1e-100], dtype=torch.float64)
    assert float(table(theta) / theta) == pytest.approx(law.mu ** (depth / 2), rel=table.error_bound + depth * 1e-13)


@pytest.mark.parametrize("depth", [1, 3, 50])
@pytest.mark.parametrize("name", LAWS)
def test_no_two_angles_are_stretched_more_than_it_says(name, depth):
    table = iterate(LAWS[name], depth)
    x = np.linspace(float(table.log_factor.edges[0]), float(table.log_factor.edges[-1]), 3000)
    slope = np.diff(table.log(x)) / np.diff(x)
    # rounding of the logarithms, 350 at most, over a step of 0.01; between the nodes a slope may be a little larger
    assert slope.max() <= table.stretch * (1 + 1e-6) + 4 * EPS * 350 / (x[1] - x[0])


@pytest.mark.parametrize("name", LAWS)
def test_the_bound_grows_with_depth_like_the_number_of_layers_at_most(name):
    one, many = iterate(LAWS[name], 1).error_bound, iterate(LAWS[name], 1024).error_bound
    assert EPS < one < many <= 4 * 1024 * one  # a table of its own for each doubling


@pytest.mark.parametrize("name", LAWS)
def test_the_pieces_cover_what_the_law_maps_into_itself(name):
    table = iterate(LAWS[name], 12)
    assert (table.log_factor.edges.diff() > 0).all()
    assert float(table.log_factor.edges[-1]) == math.log(LAWS[name].largest_angle)
    assert table.log_factor.polynomials.shape[1] == len(table.log_factor.edges) - 1


def test_a_table_is_made_once():
    assert iterate(DualKernel("relu"), 300) is iterate(DualKernel("relu"), 300)


def test_angles_keep_their_shape():
    table = iterate(DualKernel("relu"), 3)
    assert table(torch.rand(2, 3, 4, dtype=torch.float64)).shape == (2, 3, 4)
    assert table(torch.tensor(0.5, dtype=torch.float64)).shape == ()
    assert table(torch.empty(0, 2, dtype=torch.float64)).shape == (0, 2)


class Broken(Poisson):
    """One that jumps, as no generating function does."""

    def complement_at_angles(self, theta):
        return super().complement_at_angles(theta) * np.where(theta > 0.3, 1.0, 0.9)


class Undefined(Poisson):
    """One that is not finite somewhere."""

    def complement_at_angles(self, theta):
        return super().complement_at_angles(theta) * np.where(theta > 0.3, 1.0, math.nan)


@pytest.mark.parametrize("law", [Broken(1.5), Undefined(1.5)], ids=["broken", "undefined"])
def test_what_is_not_smooth_is_refused_in_one_line(law):
    with pytest.raises(ValueError, match=r"^poisson\(1\.5\) is too steep, or [^\n]* 1 layers to be tabulated$"):
        iterate(law, 4)
