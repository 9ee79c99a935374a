"""Galton-Watson processes: what is simulated against generating functions, and the martingale limit against theory."""

import math

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from deepk.kernels import Binomial, CompositionalKernel, Finite, GaltonWatson, Geometric, Poisson, PowersOfTwo, Uniform
from deepk.kernels.dual import DualKernel

EPS = float(np.finfo(np.float64).eps)
FALSE_ALARM = 1e-6  # of one test of an honest simulation; the seeds are fixed
ERRORS = float(stats.norm.isf(FALSE_ALARM / 2))  # standard errors that a normal mean leaves with this probability
DEPTH, PATHS = 5, 8000

PAPER = [(name, centered) for name in ("relu", "gelu", "sigmoid", "swish") for centered in (False, True)]
GROWING = [(name, centered) for name, centered in PAPER if centered or name in ("gelu", "swish")]


def seeded(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def as_id(value) -> str:
    return value if isinstance(value, str) else {True: "centered", False: "as it is"}.get(value, "")


# Simulation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "centered"), PAPER, ids=as_id)
def test_the_kernel_is_the_expectation_of_rho_to_the_population(name, centered):
    # Several depths and rho together, against the quantile for that many; Var rho^Z = K(rho^2) - K(rho)^2. Only where a
    # hundred populations are expected to live, so that the mean is normal: un-centered sigmoid, at depth 1.
    process = GaltonWatson(name, centered=centered)
    sizes, alive = process.simulate(DEPTH, PATHS, generator=seeded(1)), process.survival(DEPTH)
    depths = [depth for depth in (1, 3, DEPTH) if PATHS * alive[depth] > 100]
    deviations = []
    for depth in depths:
        kernel = CompositionalKernel(name, depth, centered=centered)
        for rho in (0.2, 0.6, 0.9):
            mean = (rho ** sizes[:, depth].astype(np.float64)).mean()
            spread = math.sqrt((kernel(rho**2) - kernel(rho) ** 2) / PATHS)
            deviations.append(abs(mean - kernel(rho)) / spread)
    assert max(deviations) < stats.norm.isf(FALSE_ALARM / 2 / len(deviations))


@pytest.mark.parametrize(
    "source",
    [Poisson(1.5), Binomial(4, 0.5), Geometric(0.4), Uniform(4), Finite([0.2, 0.3, 0.1, 0.4]), "gelu", "swish"],
    ids=lambda source: source if isinstance(source, str) else source.name,
)
def test_the_mean_population_grows_like_mu_to_the_generation(source):
    # Var Z_l = sigma^2 mu^(l - 1) (mu^l - 1) / (mu - 1)
    process = GaltonWatson(source)
    sizes = process.simulate(DEPTH, PATHS, generator=seeded(2))
    mu, k = process.mu, np.arange(200)
    variance = float(process.law.coefficients(199) @ k**2) - mu**2
    for generation in range(1, DEPTH + 1):
        spread = math.sqrt(variance * mu ** (generation - 1) * (mu**generation - 1) / (mu - 1) / PATHS)
        assert abs(sizes[:, generation].mean() - mu**generation) < ERRORS * spread


@pytest.mark.parametrize(("name", "centered"), PAPER, ids=as_id)
def test_as_many_are_extinct_as_the_generating_function_says(name, centered):
    process = GaltonWatson(name, centered=centered)
    sizes = process.simulate(DEPTH, PATHS, generator=seeded(3))
    alive = process.survival(DEPTH)
    for generation in (1, 2, DEPTH):
        living = int((sizes[:, generation] > 0).sum())
        assert stats.binomtest(living, PATHS, min(alive[generation], 1.0)).pvalue > FALSE_ALARM
        assert 1 - alive[generation] == pytest.approx(
            CompositionalKernel(name, generation, centered=centered)(0.0), rel=0, abs=1e-14
        )


def test_powers_of_two_never_shrink():
    sizes = GaltonWatson(PowersOfTwo()).simulate(DEPTH, 500, generator=seeded(4))
    assert (sizes[:, 1:] >= 2 * sizes[:, :-1]).all()


@pytest.mark.parametrize("source", ["relu", "swish", Geometric(0.5)], ids=["relu", "swish", "geometric"])
def test_who_is_extinct_stays_extinct(source):
    sizes = GaltonWatson(source).simulate(12, 2000, generator=seeded(5))
    dead = sizes == 0
    assert dead[:, -1].any()
    assert not dead[:, -1].all()
    assert (dead[:, 1:] >= dead[:, :-1]).all()


def test_one_child_for_ever_is_one_individual_for_ever():
    assert (GaltonWatson([0.0, 1.0]).simulate(50, 10, generator=seeded(0)) == 1).all()


def test_a_simulation_starts_from_one_and_counts_in_64_bits():
    sizes = GaltonWatson("gelu").simulate(3, 7, generator=seeded(6))
    assert sizes.shape == (7, 4)
    assert sizes.dtype == np.int64
    assert (sizes[:, 0] == 1).all()
    assert GaltonWatson("gelu").simulate(0, 7, generator=seeded(6)).shape == (7, 1)


def test_a_seed_gives_the_same_paths_again():
    first, second = (GaltonWatson("relu").simulate(6, 200, generator=seeded(7)) for _ in range(2))
    assert (first == second).all()
    assert (first != GaltonWatson("relu").simulate(6, 200, generator=seeded(8))).any()


def test_a_generation_depends_on_the_last_alone():
    # E Z_{l+1} given Z_l is mu Z_l: what is left of it is uncorrelated with Z_l and with Z_{l-1}
    process = GaltonWatson(Poisson(1.5))
    sizes = process.simulate(4, PATHS, generator=seeded(9)).astype(np.float64)
    rest = sizes[:, 4] - process.mu * sizes[:, 3]
    for earlier in (sizes[:, 3], sizes[:, 2]):
        products = rest * (earlier - earlier.mean())
        assert abs(products.mean()) < ERRORS * products.std() / math.sqrt(PATHS)


@pytest.mark.parametrize(
    ("generations", "paths", "said"),
    [
        (-1, 5, "generations = -1, paths = 5"),
        (3, 0, "generations = 3, paths = 0"),
        (3, -2, "generations = 3, paths = -2"),
    ],
)
def test_counts_that_are_none_are_refused(generations, paths, said):
    with pytest.raises(ValueError, match=rf"^{said}[^\n]*$"):
        GaltonWatson("relu").simulate(generations, paths, generator=seeded(0))


def test_a_population_that_explodes_is_refused():
    with pytest.raises(ValueError, match=r"^a population exceeds 7\.2e\+16: simulate fewer generations$"):
        GaltonWatson([0.0, 0.0, 0.0, 1.0]).simulate(60, 2, generator=seeded(0))


# Survival ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.1, 0.2, 0.45, 0.6, 0.9])
def test_survival_of_geometric_families_is_the_closed_form_also_where_it_is_tiny(p):
    # G^l(0) = (mu^l - 1) / (mu^(l + 1) - 1); each generation adds its own rounding
    depth = 300
    with mp.workdps(400):
        mu = mp.mpf(p) / (1 - mp.mpf(p))
        exact = [float(mu**level * (mu - 1) / (mu ** (level + 1) - 1)) for level in range(depth + 1)]
    alive = GaltonWatson(Geometric(p)).survival(depth)
    np.testing.assert_allclose(alive, exact, rtol=8 * EPS * depth, atol=0)


def test_survival_starts_at_one_and_falls_to_survival_for_ever():
    for name, centered in PAPER:
        process = GaltonWatson(name, centered=centered)
        alive = process.survival(400)
        assert alive[0] == 1
        assert (np.diff(alive) <= 0).all()
        assert alive[-1] >= 1 - process.extinction_probability - 1e-12
    assert GaltonWatson("gelu").survival(400)[-1] == pytest.approx(1 - 0.7604, abs=5e-5)


def test_critical_survival_falls_like_two_over_the_variance_and_the_generation():
    # Kolmogorov: l P(Z_l > 0) -> 2 / sigma^2, here 2, with a relative correction of log(l) / l
    depth = 5000
    assert depth * GaltonWatson(Poisson(1.0)).survival(depth)[-1] == pytest.approx(2, rel=math.log(depth) / depth)


def test_relus_survival_falls_like_the_square_of_the_generation():
    # its variance is infinite: 1 / theta_l grows by 1 / 3 pi each layer, so that 1 - cos theta_l -> (3 pi / l)^2 / 2
    depth = 5000
    exact = (3 * math.pi / depth) ** 2 / 2
    # relative correction: 1 / theta_l = l / 3 pi + O(log l)
    assert GaltonWatson("relu").survival(depth)[-1] == pytest.approx(exact, rel=3 * math.pi * math.log(depth) / depth)


def test_mu_and_extinction_are_the_laws():
    process = GaltonWatson("swish", centered=True)
    assert (process.mu, process.extinction_probability) == (process.law.mu, 0.0)
    assert GaltonWatson("swish").extinction_probability == pytest.approx(0.6587, abs=5e-5)


# The martingale limit ---------------------------------------------------------------------------------------------

T = np.array([1e-6, 1e-3, 0.1, 0.5, 1.0, 3.0, 10.0, 100.0, 1e4])
BRANCHING = [
    *[
        pytest.param(GaltonWatson(name, centered=centered), id=f"{name}-{as_id(centered)}")
        for name, centered in GROWING
    ],
    pytest.param(GaltonWatson("tanh"), id="tanh"),
    pytest.param(GaltonWatson(Poisson(2.0)), id="poisson"),
    pytest.param(GaltonWatson(Geometric(0.7)), id="geometric"),
    pytest.param(GaltonWatson(Finite([0.1, 0.2, 0.3, 0.4])), id="finite"),
]


@pytest.mark.parametrize("process", BRANCHING)
def test_its_laplace_transform_solves_the_functional_equation(process):
    phi = process.martingale_limit_laplace
    np.testing.assert_allclose(phi(process.mu * T), process.law(phi(T)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("process", BRANCHING)
def test_its_laplace_transform_falls_from_one_to_the_extinction_probability(process):
    phi = process.martingale_limit_laplace
    assert phi(0.0) == 1
    assert phi(math.inf) == process.extinction_probability
    # what is left at t falls like a power of t, of exponent log G'(xi) / log mu
    assert 0 < phi(1e9) - process.extinction_probability < phi(1e4) - process.extinction_probability
    t = np.linspace(0, 20, 201)
    value = phi(t)
    assert (np.diff(value) < 0).all()
    assert (np.diff(value, 2) > -1e-12).all()


@pytest.mark.parametrize("process", BRANCHING)
def test_w_has_the_mean_one(process):
    # 1 - phi(t) is t less at most E W^2 t^2 / 2, E W^2 = 1 + sigma^2 / (mu (mu - 1)); phi is rounded, and good to 1e-13
    law, mu, t = process.law, process.mu, 1e-5
    k = np.arange(2001)
    variance = float(law.coefficients(2000) @ k**2) - mu**2
    slope = (1 - process.martingale_limit_laplace(t)) / t
    if getattr(law, "activation", None) and law.activation.kinks:  # E W^2 is infinite
        smaller = (1 - process.martingale_limit_laplace(t / 100)) / (t / 100)
        # the next term is t^(3/2): ten times smaller, but for the one after it and the rounding
        assert (1 - slope) / (1 - smaller) == pytest.approx(10, rel=0.02)
        assert 1 - slope < 0.01
    else:
        moment = 1 + variance / (mu * (mu - 1))
        assert 1 - moment * t / 2 - 1e-13 / t <= slope <= 1 + 1e-13 / t


@pytest.mark.parametrize("p", [0.55, 0.7, 0.95])
def test_of_geometric_families_it_is_an_atom_and_an_exponential(p):
    # (G(s) - xi) / (1 - G(s)) = (s - xi) / (1 - s) / mu, and (phi - xi) / (1 - phi) = (1 - xi) / t for the phi below
    process = GaltonWatson(Geometric(p))
    xi = (1 - p) / p
    exact = xi + (1 - xi) ** 2 / (1 - xi + T)
    np.testing.assert_allclose(process.martingale_limit_laplace(T), exact, rtol=0, atol=1e-12)


def test_of_uncentered_gelu_it_is_as_found_before():
    assert GaltonWatson("gelu").martingale_limit_laplace(1.0) == pytest.approx(0.806846, abs=0.5e-6)


@pytest.mark.parametrize(
    ("name", "centered", "depth"),
    [("gelu", False, 50), ("gelu", True, 14), ("relu", True, 24)],
    ids=as_id,
)
def test_it_is_the_mean_over_simulated_populations(name, centered, depth):
    process = GaltonWatson(name, centered=centered)
    paths = 4000
    sizes = process.simulate(depth, paths, generator=seeded(10))[:, -1] / process.mu**depth
    kernel = CompositionalKernel(name, depth, centered=centered)
    for t in (0.3, 1.0, 4.0):
        drawn, limit = np.exp(-t * sizes), process.martingale_limit_laplace(t)
        bias = abs(1 - kernel.complement(-math.expm1(-t / process.mu**depth)) - limit)
        half = ERRORS * drawn.std() / math.sqrt(paths)
        assert abs(drawn.mean() - limit) < half + bias
        assert half + bias < 0.05  # and sharp


@pytest.mark.parametrize("source", ["relu", "sigmoid", Poisson(0.5), Poisson(1.0), Geometric(0.5)], ids=str)
def test_without_growth_the_limit_is_zero(source):
    assert (GaltonWatson(source).martingale_limit_laplace(np.append(T, [0, math.inf])) == 1).all()


def test_without_change_it_is_one():
    np.testing.assert_array_equal(GaltonWatson([0.0, 1.0]).martingale_limit_laplace(T), np.exp(-T))
    np.testing.assert_array_equal(GaltonWatson("identity").martingale_limit_laplace(T), np.exp(-T))


def test_where_mu_star_is_infinite_it_is_zero():
    assert (GaltonWatson(PowersOfTwo()).martingale_limit_laplace(np.append(T, [0, math.inf])) == 1).all()


def test_an_infinite_mean_has_none():
    with pytest.raises(ValueError, match=r"^step has an infinite mean: there is no martingale limit$"):
        GaltonWatson("step").martingale_limit_laplace(1.0)


@pytest.mark.parametrize("t", [-1.0, -1e-300, math.nan, -math.inf])
@pytest.mark.parametrize("source", ["gelu", "relu", "identity"])
def test_a_t_that_is_not_at_least_zero_is_refused(source, t):
    with pytest.raises(ValueError, match=rf"^t = {t} is not at least 0$"):
        GaltonWatson(source).martingale_limit_laplace(t)
    with pytest.raises(ValueError, match=rf"^t = {t} is not at least 0$"):
        GaltonWatson(source).martingale_limit_laplace(np.array([1.0, t]))


def test_numbers_give_numbers_and_arrays_arrays_of_their_shape():
    process = GaltonWatson("gelu")
    assert isinstance(process.martingale_limit_laplace(1.0), float)
    values = process.martingale_limit_laplace(np.ones((2, 3)))
    assert values.shape == (2, 3)
    assert process.martingale_limit_laplace(np.ones((0, 2))).shape == (0, 2)
    # together with others it may be iterated more often: the same to the promised accuracy
    np.testing.assert_allclose(process.martingale_limit_laplace(T)[4], values, rtol=0, atol=1e-12)


def test_the_law_is_kept():
    law = Poisson(2.0)
    assert GaltonWatson(law).law is law
    assert GaltonWatson("relu", centered=True).law == DualKernel("relu", centered=True)
    assert GaltonWatson((0.5, 0.5)).law == Finite([0.5, 0.5])
