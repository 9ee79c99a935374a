"""The staircase on spheres: printed values, sums over degrees with their tail, steps, and networks that are drawn."""

import math
from collections.abc import Callable

import jaxtyping
import numpy as np
import pytest

from deepk.asymptotics import kernel_risk, staircase
from deepk.kernels import CompositionalKernel, GaussianKernel, LaplaceKernel, TangentKernel
from deepk.spectra import multiplicity, spectrum

EQUAL = [0.0, 1 / 3, 1 / 3, 1 / 3]


@pytest.fixture(autouse=True)
def annotations_are_not_enforced(monkeypatch):
    """Of spectra, which would take ten times as long."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def relu(t: np.ndarray) -> np.ndarray:
    """Its dual kernel, 1 at 1."""
    angle = np.arccos(np.clip(t, -1, 1))
    return (np.sin(angle) + (math.pi - angle) * t) / math.pi


def tangent_of_relu(t: np.ndarray) -> np.ndarray:
    """Of one hidden layer, 2 at 1."""
    return t * (math.pi - np.arccos(np.clip(t, -1, 1))) / math.pi + relu(t)


# Values -----------------------------------------------------------------------------------------------------------

# Solved by others for the tangent kernels of ReLU with 1 and 2 hidden layers, in dimension 30, by the fixed point of
# kernel regression: equal power in degrees 1, 2, 3, neither noise nor ridge.
SAMPLES = [30, 60, 120, 240, 480, 960, 2000, 4000, 8000, 16000, 30000]
PRINTED = {
    1: [0.983, 0.907, 0.794, 0.694, 0.608, 0.511, 0.424, 0.380, 0.362, 0.358, 0.362],
    2: [0.936, 0.856, 0.762, 0.665, 0.566, 0.463, 0.361, 0.275, 0.186, 0.100, 0.044],
}
# In dimension 400, one hidden layer, at 400^.5, 400^.75, ... samples.
PRINTED_OF_400 = [1.03, 1.00, 0.963, 0.80, 0.686, 0.622, 0.494, 0.372, 0.342, 0.336]


@pytest.mark.parametrize("depth", PRINTED)
def test_they_round_to_the_printed_digits(depth):
    found = staircase(TangentKernel("relu", depth), 30, EQUAL, samples=SAMPLES)
    assert np.abs(found - PRINTED[depth]).max() < 0.6e-3


def test_they_round_to_the_printed_digits_in_400_dimensions():
    found = staircase(TangentKernel("relu", 1), 400, EQUAL, samples=400.0 ** np.arange(0.5, 3, 0.25))
    assert np.abs(found[[0, 1, 3]] - np.array(PRINTED_OF_400)[[0, 1, 3]]).max() < 0.6e-2
    assert np.abs(found - PRINTED_OF_400)[[2, 4, 5, 6, 7, 8, 9]].max() < 0.6e-3


KERNELS = {
    "tangent": TangentKernel("relu", 2),
    "random features": CompositionalKernel("relu", 1),
    "erf": CompositionalKernel("erf", 2),
    "Laplace": LaplaceKernel(0.5),
    "Gauss": GaussianKernel(0.3),
    "a sum": 1.0 + 3.0 * CompositionalKernel("relu", 1),
}


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("d", [10, 50])
def test_they_are_the_risks_of_the_first_degrees_and_all_others_in_the_tail(kernel, d):
    power, degrees = [0.2, 0.3, 0.3, 0.15, 0.05], 48
    where = {"samples": [40, 700, math.inf], "features": [math.inf, 90, 200], "ridge": [0.0, 1e-3, 0.1], "noise": 0.2}
    found = staircase(kernel, d, power, **where)
    of_degree = spectrum(kernel, d, range(degrees))
    counts = [float(multiplicity(d, k)) for k in range(degrees)]
    tail = kernel.at_one - math.fsum(of_degree.totals)
    padded = [*power, *[0.0] * (degrees - len(power))]
    expected = kernel_risk(of_degree.values, counts, padded, tail=max(tail, 0.0), **where)
    assert found == pytest.approx(expected, rel=1e-9)


def test_as_many_degrees_are_taken_as_it_takes():
    # 64 of them leave 6e-8 of it here
    kernel, degrees = CompositionalKernel("relu", 1), 256
    of_degree, counts = spectrum(kernel, 4, range(degrees)), [float((k + 1) ** 2) for k in range(degrees)]
    padded, tail = [*EQUAL, *[0.0] * (degrees - 4)], kernel.at_one - math.fsum(of_degree.totals)
    expected = kernel_risk(of_degree.values, counts, padded, samples=300.0, noise=0.1, tail=tail)
    assert staircase(kernel, 4, EQUAL, samples=300.0, noise=0.1) == pytest.approx(expected, rel=1e-11)


def test_samples_that_see_more_degrees_than_are_taken_are_warned_of():
    with pytest.warns(UserWarning, match=r"^1024 degrees of the kernel are taken, too few: [^\n]*$"):
        staircase("relu", 3, [0.0, 0.5, 0.5], samples=1e6, noise=0.1)


def test_eigenvalues_below_float64_are_part_of_the_tail():
    # of degree 300 in dimension 784 none of them is learnt, and less noise than there is target
    found = staircase("relu", 784, [0.0] * 300 + [1.0], samples=[10.0, 1000.0])
    assert (found > 1).all()
    assert (found < 2).all()


def test_degrees_that_are_left_out_of_the_kernel_change_the_risk():
    kernel = TangentKernel("relu", 2)
    of_degree, counts = spectrum(kernel, 30, range(4)), [float(multiplicity(30, k)) for k in range(4)]
    without = kernel_risk(of_degree.values, counts, EQUAL, samples=900.0)
    with_all = staircase(kernel, 30, EQUAL, samples=900.0)
    assert abs(without / with_all - 1) > 0.01


def test_power_beyond_the_first_sixteen_degrees_is_not_lost():
    found = staircase("relu", 8, [0.0] * 20 + [1.0], samples=50.0, ridge=0.1)
    assert found == pytest.approx(staircase("relu", 8, [0.0] * 18 + [1.0], samples=50.0, ridge=0.1), rel=1e-3)
    assert found > 1


def test_an_activation_is_its_dual_kernel_and_a_function_the_kernel_that_it_is():
    where = {"samples": [20, 100, 500], "features": [300, 100, math.inf], "noise": 0.1, "ridge": [0.0, 0.01, 0.1]}
    one = staircase(CompositionalKernel("relu", 1), 20, EQUAL, **where)
    assert staircase("relu", 20, EQUAL, **where).tolist() == one.tolist()
    assert staircase(relu, 20, EQUAL, **where) == pytest.approx(one, rel=1e-9)
    tangent = staircase(TangentKernel("relu", 1), 20, EQUAL, **where)
    assert staircase(tangent_of_relu, 20, EQUAL, **where) == pytest.approx(tangent, rel=1e-9)
    assert (np.abs(tangent / one - 1) > 0.01).all()


@pytest.mark.parametrize("d", [10, 30])
def test_a_function_is_the_kernel_that_it_is_without_a_ridge_too(d):
    where = {"samples": [10, 100, 1000, 10_000], "noise": 0.3}
    found = staircase(relu, d, EQUAL, **where)
    assert found == pytest.approx(staircase("relu", d, EQUAL, **where), rel=1e-9)


@pytest.mark.parametrize("factor", [1e-3, 40.0])
def test_a_multiple_of_the_kernel_is_another_unit_of_the_ridge(factor):
    where = {"samples": [20, 500], "features": [300, math.inf], "noise": 0.1}
    one = staircase("relu", 20, EQUAL, ridge=0.01, **where)
    other = staircase(factor * CompositionalKernel("relu", 1), 20, EQUAL, ridge=factor * 0.01, **where)
    assert other == pytest.approx(one, rel=1e-9)


# Steps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["samples", "features"])
def test_degrees_are_learnt_one_after_the_other_as_the_fewer_of_both_pass_powers_of_the_dimension(side):
    d, kernel = 1000, TangentKernel("relu", 2)
    found = staircase(kernel, d, EQUAL, **{side: [d**0.5, d**1.5, d**2.5]})
    assert found == pytest.approx([1, 2 / 3, 1 / 3], abs=0.03)
    both = staircase(kernel, d, EQUAL, samples=[d**1.5, d**2.5], features=[d**2.5, d**1.5])
    assert both == pytest.approx([2 / 3, 2 / 3], abs=0.05)


@pytest.mark.parametrize("kernel", ["relu", TangentKernel("relu", 1)], ids=["random features", "tangent"])
def test_two_layers_of_relu_never_learn_degree_three(kernel):
    found = staircase(kernel, 10, [0.0, 0.3, 0.3, 0.4], samples=[1e2, 1e3, 1e4, 1e5, math.inf])
    assert (found >= 0.4).all()
    assert found[3] < 0.6
    assert found[-1] == pytest.approx(0.4, rel=1e-12)
    deeper = staircase(TangentKernel("relu", 2), 10, [0.0, 0.3, 0.3, 0.4], samples=[1e4, math.inf])
    assert deeper[0] < 0.05
    assert deeper[1] == 0


def test_a_linear_kernel_is_least_squares():
    for kernel in ("identity", TangentKernel("identity", 2), 3.0 * CompositionalKernel("identity", 1)):
        found = staircase(kernel, 30, [0.0, 1.0], samples=[40, 1000], noise=0.5)
        assert found == pytest.approx([0.5 * 30 / 10, 0.5 * 30 / 970], rel=1e-12)


# Kernels that float64 hardly knows --------------------------------------------------------------------------------


@pytest.mark.parametrize(("constant", "degree", "rank"), [(1.0, 2, 65), (0.4, 2, 65), (0.6, 3, 275)])
def test_a_polynomial_is_least_squares(constant, degree, rank):
    # degrees 0, 1, 2, 3 have 1, 10, 54, 210 dimensions; roundings leave more or less than nothing for the others
    samples = rank + np.array([5, 35, 935])
    found = staircase(lambda t: (constant + t) ** degree, 10, [0.0, 0.5, 0.5], samples=samples, noise=1.0)
    assert found == pytest.approx(rank / np.array([5, 35, 935]), rel=1e-6)


def test_a_smooth_kernel_in_three_dimensions_is_its_first_ninety_degrees():
    kernel, samples = GaussianKernel(1.0), [10.0, 100.0, 1000.0, 5000.0]
    mu, counts = spectrum(kernel, 3, range(90)).values, [float(multiplicity(3, k)) for k in range(90)]
    for noise in (0.0, 1.0):
        expected = kernel_risk(mu, counts, [0.0, 0.5, 0.5, *[0.0] * 87], samples=samples, noise=noise)
        assert (expected > 0).all()
        found = [staircase(kernel, 3, [0.0, 0.5, 0.5], samples=n, noise=noise) for n in samples]
        assert found == pytest.approx(expected, rel=1e-9, abs=0)


def test_a_smooth_kernel_in_three_dimensions_has_a_risk_of_many_samples():
    risks = staircase(GaussianKernel(1.0), 3, [0.0, 0.5, 0.5], samples=[5e3, 1e4], noise=1.0)
    assert np.isfinite(risks).all()
    assert (risks > 0.3).all()  # noisy samples that are met exactly


# Beside kernels and networks that are drawn -----------------------------------------------------------------------


def on_the_sphere(generator: np.random.Generator, count: int, d: int) -> np.ndarray:
    rows = generator.standard_normal((count, d))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def target(generator: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """A function of mean square 1/3 in each of degrees 1, 2, 3, of sums of Legendre polynomials around 40 points."""
    d = x.shape[1]
    legendre: list[Callable[[np.ndarray], np.ndarray]] = [
        lambda t: t,
        lambda t: (d * t**2 - 1) / (d - 1),
        lambda t: ((d + 2) * t**3 - 3 * t) / (d - 1),
    ]
    values = np.zeros(len(x))
    for k, p in enumerate(legendre, start=1):
        around = on_the_sphere(generator, 40, d)
        square = p(around @ around.T).sum() / multiplicity(d, k)
        values += p(x @ around.T).sum(axis=1) / math.sqrt(3 * square)
    return values


def mean_risk(one: Callable[[np.random.Generator], float], draws: int) -> tuple[float, float]:
    """And its standard error."""
    generator = np.random.default_rng(0)
    found = np.array([one(generator) for _ in range(draws)])
    return float(found.mean()), float(found.std(ddof=1) / math.sqrt(draws))


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_kernel_regression_of_a_hundred_samples_has_this_risk(ridge):
    d, n = 25, 100

    def one(generator: np.random.Generator) -> float:
        x = on_the_sphere(generator, n + 200, d)
        f, gram = target(generator, x), tangent_of_relu(x @ x[:n].T)
        y = f[:n] + math.sqrt(0.2) * generator.standard_normal(n)
        return float(np.mean((f[n:] - gram[n:] @ np.linalg.solve(gram[:n] + ridge * np.eye(n), y)) ** 2))

    found, error = mean_risk(one, 40)
    expected = staircase(TangentKernel("relu", 1), d, EQUAL, samples=n, ridge=ridge, noise=0.2)
    assert abs(found - expected) < 3.5 * error
    assert error < 0.03 * expected


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("neurons", "n", "ridge"), [(150, 100, 0.02), (60, 200, 0.2)])
def test_random_features_regression_has_this_risk(neurons, n, ridge):
    d = 20

    def one(generator: np.random.Generator) -> float:
        x, w = on_the_sphere(generator, n + 200, d), generator.standard_normal((neurons, d))
        f, z = target(generator, x), np.maximum(x @ w.T, 0) * math.sqrt(2 / neurons)
        y = f[:n] + math.sqrt(0.2) * generator.standard_normal(n)
        a = np.linalg.solve(z[:n].T @ z[:n] + ridge * np.eye(neurons), z[:n].T @ y)
        return float(np.mean((f[n:] - z[n:] @ a) ** 2))

    found, error = mean_risk(one, 40)
    expected = staircase("relu", d, EQUAL, samples=n, features=neurons, ridge=ridge, noise=0.2)
    assert abs(found - expected) < 3.5 * error
    assert error < 0.03 * expected


# What goes in and comes out ---------------------------------------------------------------------------------------


def test_numbers_give_a_number_and_arrays_what_they_broadcast_to():
    assert isinstance(staircase("relu", 10, EQUAL, samples=50), float)
    found = staircase("relu", 10, EQUAL, samples=[[50], [90]], features=[30, 70, math.inf], ridge=0.1)
    assert found.shape == (2, 3)
    alone = staircase("relu", 10, EQUAL, samples=90, features=30, ridge=0.1)
    assert found[1, 0] == pytest.approx(alone, rel=1e-11)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kernel": "rulu"}, "unknown activation 'rulu'.*"),
        ({"kernel": 3}, "kernel is neither .+"),
        ({"kernel": lambda t: 0 * t}, "all eigenvalues are zero: there is no kernel"),
        ({"dimension": 1}, "dimension = 1: it is at least 2.*"),
        ({"dimension": 2.5}, r"dimension = 2\.5 is not an integer"),
        ({"power": [0.0, -1.0]}, r"power = -1\.0 is not finite and >= 0"),
        ({"power": [[0.0, 1.0]]}, "eigenvalues, multiplicities and power .+"),
        ({"samples": 0}, r"samples = 0\.0 is not > 0"),
        ({"features": math.nan}, "features = nan is not > 0"),
        ({"ridge": -1}, r"ridge = -1\.0 is not finite and >= 0"),
        ({"noise": math.inf}, "noise = inf is not finite and >= 0"),
        ({"samples": [1, 2], "features": [1, 2, 3]}, r"these shapes do not broadcast: samples \(2,\), features \(3,\)"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(wrong, message):
    with pytest.raises(ValueError, match=rf"\A{message}\Z"):
        staircase(**{"kernel": "relu", "dimension": 5, "power": [0.0, 1.0], "samples": 4, **wrong})
