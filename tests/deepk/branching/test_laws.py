"""Laws of offspring against their definitions in 80 digits: probabilities, moments, and extinction."""

import copy
import math
import re

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deepk.activations import Activation
from deepk.kernels import Binomial, Finite, GaltonWatson, Geometric, OffspringLaw, Poisson, PowersOfTwo, Uniform
from deepk.kernels.dual import DualKernel
from deepk.kernels.galton_watson import as_law

EPS = float(np.finfo(np.float64).eps)
FALSE_ALARM = 1e-6  # of one test of a simulation; the seeds are fixed
DIGITS = 80  # 1 - G(1 - 1e-30) loses 30 of them, twice that in G'
FEW = 16 * EPS  # what "a few roundings" may be: a sum of positive terms, and an elementary function or two

LEAKY = Activation.from_callable("leaky", lambda x: x.relu() - 0.1 * (-x).relu(), kinks=(0.0,))


# Definitions ------------------------------------------------------------------------------------------------------


def power_series(p):
    """G of a finite law, as written."""
    return lambda s: mp.fsum(mp.mpf(weight) * s**k for k, weight in enumerate(p))


def powers_of_two(s):
    """Sum of 2^-j j^-2 s^(2^j) over Li_2(1/2); 2^-400 is far below 80 digits."""
    powers = [s]
    for _ in range(400):
        powers.append(powers[-1] ** 2)
    return mp.fsum(mp.mpf(2) ** -j / j**2 * powers[j] for j in range(1, 401)) / mp.polylog(2, mp.mpf(1) / 2)


def relu(s):
    """The arc-cosine kernel of order one, for E relu^2 = 1/2."""
    return (mp.sqrt(1 - s * s) + s * (mp.pi - mp.acos(s))) / mp.pi


def gelu(s):
    """E gelu(X) gelu(Y), not normalized."""
    return s / 4 + (s * mp.asin(s / 2) + 1 / mp.sqrt(4 - s * s)) / (2 * mp.pi)


# a law, and its generating function in mpmath
TINY = [0.2, 0.3, 0.1, 0.4]
GENERATED = {
    "finite": (Finite(TINY), power_series(TINY)),
    "certain death": (Finite([1.0]), lambda s: mp.mpf(1) + 0 * s),
    "one child": (Finite([0.0, 1.0]), lambda s: s),
    "uniform(20)": (Uniform(20), lambda s: mp.fsum(s**k for k in range(21)) / 21),
    "poisson(2)": (Poisson(2.0), lambda s: mp.exp(2 * (s - 1))),
    "poisson(0.3)": (Poisson(0.3), lambda s: mp.exp(mp.mpf(0.3) * (s - 1))),
    "binomial(4, 1/2)": (Binomial(4, 0.5), lambda s: ((1 + s) / 2) ** 4),
    "binomial(3, 0.9)": (Binomial(3, 0.9), lambda s: (1 - mp.mpf(0.9) + mp.mpf(0.9) * s) ** 3),
    "binomial(2, 1)": (Binomial(2, 1.0), lambda s: s**2),
    "geometric(1/2)": (Geometric(0.5), lambda s: 1 / (2 - s)),
    "geometric(0.7)": (Geometric(0.7), lambda s: (1 - mp.mpf(0.7)) / (1 - mp.mpf(0.7) * s)),
    "powers of two": (PowersOfTwo(), powers_of_two),
    "relu": (DualKernel("relu"), relu),
    "centered relu": (DualKernel("relu", centered=True), lambda s: (relu(s) - 1 / mp.pi) / (1 - 1 / mp.pi)),
    "gelu": (DualKernel("gelu"), lambda s: gelu(s) / gelu(mp.mpf(1))),
    "sin": (DualKernel("sin"), lambda s: mp.sinh(s) / mp.sinh(1)),
    "step": (DualKernel("step"), lambda s: mp.mpf(1) / 2 + mp.asin(s) / mp.pi),
}

# and those whose generating function has no closed form, for what all laws have in common
EVERY = {key: law for key, (law, _) in GENERATED.items()} | {
    "sigmoid": DualKernel("sigmoid"),
    "centered sigmoid": DualKernel("sigmoid", centered=True),
    "swish": DualKernel("swish"),
    "centered tanh": DualKernel("tanh", centered=True),
    "own activation": DualKernel(LEAKY),
    "poisson(0)": Poisson(0.0),
    "geometric(0)": Geometric(0.0),
    "binomial(5, 0)": Binomial(5, 0.0),
    "uniform(0)": Uniform(0),
}
FINITE_MEAN = {key: law for key, law in EVERY.items() if math.isfinite(law.mu)}


def over(laws):
    """A test for each of them."""
    return pytest.mark.parametrize("law", list(laws.values()), ids=list(laws))


def at(law: OffspringLaw, u: float) -> float:
    return float(law.complement(np.array([u]))[0])


# What every law promises ------------------------------------------------------------------------------------------


@over(EVERY)
def test_probabilities_are_not_negative_and_sum_to_one_at_most(law):
    p = law.coefficients(300)
    assert p.shape == (301,)
    assert (p >= 0).all()
    assert math.fsum(p) <= 1 + 1e-12  # of coefficients that are integrals, to 1e-12


@over(EVERY)
def test_what_the_first_probabilities_leave_to_one_is_the_generating_functions_remainder(law):
    # 1 - G(s) = sum_{k <= n} p_k (1 - s^k) and a remainder between 1 - s^n and 1 times the tail; 0.99^1000 = 4e-5
    u, n = 0.01, 1000
    p = law.coefficients(n)
    tail = 1 - math.fsum(p)
    head = math.fsum(p * -np.expm1(np.arange(n + 1) * math.log1p(-u)))
    assert tail > -1e-12
    assert head + tail * (1 - (1 - u) ** n) - 1e-12 <= at(law, u) <= head + tail + 1e-12


@over(EVERY)
def test_fewer_probabilities_are_the_first_of_more(law):
    # by different quadratures for an activation, to 1e-12 each
    np.testing.assert_allclose(law.coefficients(7), law.coefficients(40)[:8], rtol=0, atol=1e-12)
    assert law.coefficients(0)[0] == pytest.approx(law.coefficients(40)[0], abs=1e-12)


@over(EVERY)
def test_the_complement_is_zero_at_zero_and_survival_at_one(law):
    assert law.a1_squared == law.coefficients(1)[1]
    assert at(law, 0.0) == 0
    assert at(law, 1.0) == pytest.approx(1 - law.coefficients(0)[0], abs=1e-12)


@over(EVERY)
def test_the_generating_function_at_a_half_is_its_power_series(law):
    p = law.coefficients(60)  # 2^-61 of what is left
    assert float(law(np.array([0.5]))[0]) == pytest.approx(math.fsum(p * 0.5 ** np.arange(61)), abs=1e-12)


@over(EVERY)
def test_the_complement_rises_and_its_chords_fall(law):
    # G is increasing and convex; beside each other, values may be off by their roundings
    u = np.logspace(-30, 0, 301)
    value = law.complement(u)
    assert (np.diff(value) >= -FEW * value[1:]).all()
    assert (np.diff(value / u) <= FEW * (value / u)[:-1]).all()


@over(EVERY)
def test_at_angles_the_same_is_asked_of_the_cosine(law):
    theta = np.array([0.0, 1e-10, 1e-3, 0.7, math.pi / 2])
    u = 2 * np.sin(theta / 2) ** 2  # 1 - cos theta; a rounding of it may count twice where G(1 - u) is steep
    np.testing.assert_allclose(law.complement_at_angles(theta), law.complement(u), rtol=FEW, atol=0)


@over(FINITE_MEAN)
def test_the_complement_starts_with_the_mean(law):
    # (1 - G(1 - u)) / u tends to mu; it falls short by mu_2 u / 2, and for a kinked activation by its square root. For
    # the powers of two it does so only like 1 / log u, and is asked of mpmath below.
    if isinstance(law, PowersOfTwo):
        assert at(law, 1e-300) / 1e-300 < law.mu
    else:
        assert at(law, 1e-30) == pytest.approx(law.mu * 1e-30, rel=1e-12, abs=0)


@over(FINITE_MEAN)
def test_the_slope_gap_is_mu_minus_the_slope(law):
    # by a central difference of width h: the third derivative of G at s <= 1/2 is 6 at most, since k^3 2^-k < 4
    u, h = 0.6, 1e-4
    slope = (at(law, u + h) - at(law, u - h)) / (2 * h)
    gap = float(law.slope_gap(np.array([u]))[0])
    assert gap == pytest.approx(law.mu - slope, abs=h**2 * 20 + EPS / h)


@over(FINITE_MEAN)
def test_the_slope_gap_is_zero_at_zero_and_all_but_p_1_at_one(law):
    gap = law.slope_gap(np.array([0.0, 1.0]))
    assert gap[0] == 0
    assert gap[1] == pytest.approx(law.mu - law.a1_squared, abs=1e-9)  # G' of an activation at rho = 0: see DualKernel


@over(FINITE_MEAN)
def test_mu_is_at_most_its_jensen_bound_on_mu_star(law):
    # x log x is convex: E Y log Y >= mu log mu
    assert law.mu_star >= (law.mu * math.log(law.mu) if law.mu > 0 else 0) - 1e-12


@over(EVERY)
def test_extinction_is_the_smallest_fixed_point_in_the_unit_interval(law):
    xi = law.extinction_probability
    assert 0 <= xi <= 1
    assert float(law(np.array([xi]))[0]) == pytest.approx(xi, abs=1e-15 + FEW)
    below = np.linspace(0, 1, 50)[:-1] * xi
    assert xi < 1e-30 or (law(below) > below).all()


@over(EVERY)
def test_subcritical_and_critical_families_die_out_and_supercritical_ones_may_live(law):
    xi = law.extinction_probability
    if law.a1_squared == 1 or law.coefficients(0)[0] < 1e-30:
        assert xi == 0
    elif law.mu <= 1 + 1e-12:
        assert xi == 1
    else:
        assert 0 < xi < 1


@over(EVERY)
def test_its_sums_have_its_probabilities(law):
    # Single families of 20000 counts, against p_k; what is expected fewer than ten times is put together.
    n = 20_000
    drawn = law.sums(np.ones(n, np.int64), np.random.default_rng(12))
    p = law.coefficients(2000)
    common = np.flatnonzero(n * p >= 10)
    expected = n * np.append(p[common], max(1 - p[common].sum(), 0.0))
    seen = np.append([(drawn == k).sum() for k in common], n - np.isin(drawn, common).sum())
    if expected[-1] < 10:  # so rare that it is compared on its own
        assert seen[-1] <= stats.poisson.isf(FALSE_ALARM, expected[-1] + 1e-9)
        expected, seen = expected[:-1], seen[:-1]
    if len(seen) > 1:
        assert stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > FALSE_ALARM


def test_a_law_is_a_law_as_it_is_and_cannot_be_centered():
    for law in EVERY.values():
        assert as_law(law) is law
        assert GaltonWatson(law).law is law
        with pytest.raises(ValueError, match=r"^only an activation can be centered[^\n]*$"):
            GaltonWatson(law, centered=True)


def test_equal_laws_are_equal_and_hash_alike():
    for law in EVERY.values():
        twin = copy.copy(law)
        assert twin == law
        assert hash(twin) == hash(law)
        assert twin.name == law.name != ""


@pytest.mark.parametrize(
    ("law", "identity"),
    [
        *[(DualKernel(Activation.from_callable("linear", lambda x, a=a: a * x)), True) for a in (1.0, 0.3, 7.0, -1.7)],
        (Finite([0.0, 1.0]), True),
        (Finite([0.5e-12, 1 - 0.5e-12]), True),
        (Finite([1e-11, 1 - 1e-11]), False),
        (Binomial(1, 1 - 1e-11), False),
        (DualKernel("tanh"), False),
    ],
    ids=lambda value: value if isinstance(value, bool) else value.name,
)
def test_who_always_has_one_child_but_for_rounding_is_the_identity(law, identity):
    assert law.is_identity is identity


@pytest.mark.parametrize("probabilities", [[0.5e-12, 1 - 0.5e-12], [0.0, 1 - 0.5e-12, 0.5e-12]], ids=["die", "grow"])
def test_the_identity_to_rounding_never_dies_out(probabilities):
    assert Finite(probabilities).extinction_probability == 0


# Against mpmath ---------------------------------------------------------------------------------------------------

US = ["1e-30", "1e-15", "3e-8", "0.001", "0.1", "0.5", "0.9", "1"]


@pytest.mark.parametrize("key", GENERATED)
def test_the_complement_has_a_few_roundings_however_small_u_is(key):
    law, generating = GENERATED[key]
    with mp.workdps(DIGITS):
        for text in US:
            u = float(text)
            exact = generating(mp.mpf(1)) - generating(1 - mp.mpf(u))
            assert at(law, u) == pytest.approx(float(exact), rel=FEW, abs=0), u


def slope_gap(key: str, u: float) -> mp.mpf:
    """G'(1) - G'(1 - u) from the derivative of the generating function; by series where its sum does not converge."""
    s = 1 - mp.mpf(u)
    match key:
        case "powers of two":
            head = mp.fsum((1 - s ** (2**j - 1)) / mp.mpf(j) ** 2 for j in range(1, 201))  # s^(2^200) is zero
            return (head + mp.polygamma(1, 201)) / mp.polylog(2, mp.mpf(1) / 2)
        case "relu":
            return mp.acos(s) / mp.pi
        case "centered relu":
            return mp.acos(s) / mp.pi / (1 - 1 / mp.pi)
        case _:
            generating = GENERATED[key][1]
            return mp.diff(generating, mp.mpf(1)) - mp.diff(generating, s)


SMOOTH = ("gelu", "sin")  # whose slope gap falls like u, faster than what its series rounds


@pytest.mark.parametrize("key", [key for key, (law, _) in GENERATED.items() if math.isfinite(law.mu)])
def test_the_slope_gap_has_a_few_roundings_however_small_u_is(key):
    law = GENERATED[key][0]
    largest = float(law.slope_gap(np.array([1.0]))[0])
    with mp.workdps(2 * DIGITS):  # mpmath differentiates numerically, in half of the digits
        for text in US:
            u = float(text)
            exact = float(slope_gap(key, u))
            # of a smooth activation: of its largest value, as promised
            # its own derivative is good to 1e-70, which is all that is left where the slope is constant
            absolute = 1e-15 * math.sqrt(u) * largest if key in SMOOTH else 1e-60
            assert float(law.slope_gap(np.array([u]))[0]) == pytest.approx(exact, rel=FEW, abs=absolute), u


@pytest.mark.parametrize("key", [key for key, (law, _) in GENERATED.items() if math.isfinite(law.mu)])
def test_mu_is_the_sum_of_k_p_k(key):
    law, generating = GENERATED[key]
    with mp.workdps(DIGITS):
        if key == "powers of two":
            exact = mp.fsum([mp.zeta(2)]) / mp.polylog(2, mp.mpf(1) / 2)
        elif key == "relu":
            exact = mp.mpf(1)
        elif key == "centered relu":
            exact = 1 / (1 - 1 / mp.pi)
        else:
            exact = mp.diff(generating, mp.mpf(1))
        assert law.mu == pytest.approx(float(exact), rel=1e-14, abs=0)


def test_a_jump_has_an_infinite_mean():
    assert DualKernel("step").mu == math.inf
    assert DualKernel("step").mu_star == math.inf


def relu_mu_star() -> mp.mpf:
    """Sum over even k of k log(k) ((k - 3)!!)^2 / (pi k!), 199 of them by hand, then by Euler and Maclaurin."""

    def term(m):
        p = (
            (mp.gamma(m - mp.mpf(1) / 2) / mp.gamma(mp.mpf(1) / 2)) ** 2
            * mp.mpf(4) ** (m - 1)
            / (mp.pi * mp.gamma(2 * m + 1))
        )
        return 2 * m * mp.log(2 * m) * p

    head = mp.fsum(term(mp.mpf(m)) for m in range(1, 200))
    return head + mp.sumem(term, [200, mp.inf], tol=mp.mpf(10) ** -18)


MU_STARS = {
    "finite": lambda: mp.fsum(k * mp.log(k) * mp.mpf(TINY[k]) for k in (2, 3)),
    "uniform": lambda: mp.fsum(k * mp.log(k) for k in range(1, 21)) / 21,
    "poisson": lambda: mp.nsum(lambda k: k * mp.log(k) * mp.exp(-2) * 2**k / mp.factorial(k), [1, mp.inf]),
    "binomial": lambda: mp.fsum(k * mp.log(k) * mp.binomial(4, k) / 16 for k in range(1, 5)),
    "geometric": lambda: mp.nsum(lambda k: k * mp.log(k) / mp.mpf(2) ** (k + 1), [1, mp.inf]),
    "sin": lambda: mp.nsum(
        lambda j: (2 * j + 1) * mp.log(2 * j + 1) / mp.factorial(2 * j + 1) / mp.sinh(1), [1, mp.inf]
    ),
    "relu": relu_mu_star,
    "centered relu": lambda: relu_mu_star() / (1 - 1 / mp.pi),
}


@pytest.mark.parametrize(
    ("law", "key"),
    [
        (Finite(TINY), "finite"),
        (Uniform(20), "uniform"),
        (Poisson(2.0), "poisson"),
        (Binomial(4, 0.5), "binomial"),
        (Geometric(0.5), "geometric"),
        (DualKernel("sin"), "sin"),
        (DualKernel("relu"), "relu"),
        (DualKernel("relu", centered=True), "centered relu"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mu_star_is_the_sum_of_k_log_k_p_k(law, key):
    with mp.workdps(25):
        exact = float(MU_STARS[key]())
    assert law.mu_star == pytest.approx(exact, rel=1e-12, abs=0)  # the quadrature is asked for 1e-13


@pytest.mark.parametrize(
    ("name", "centered", "mu_star"),
    [
        # five digits, as in the table of the paper's notes; summed from k = 2
        ("relu", False, 0.73878),
        ("relu", True, 1.08375),
        ("gelu", False, 0.3863),
        ("gelu", True, 0.4753),
        ("sigmoid", False, 0.0084),
        ("sigmoid", True, 0.0568),
        ("swish", False, 0.2656),
        ("swish", True, 0.3018),
    ],
)
def test_mu_star_of_the_papers_activations(name, centered, mu_star):
    half = 0.5e-5 if name == "relu" else 0.5e-4  # half a unit of the last digit
    assert as_law(name, centered=centered).mu_star == pytest.approx(mu_star, abs=half * 1.01)


@pytest.mark.parametrize(
    ("key", "guess"),
    [
        ("finite", 0.3),
        ("uniform(20)", 0.05),
        ("poisson(2)", 0.2),
        ("geometric(0.7)", 0.43),
        ("gelu", 0.76),
        ("step", 0.8),
    ],
)
def test_the_extinction_probability_is_the_root_that_mpmath_finds(key, guess):
    law, generating = GENERATED[key]
    with mp.workdps(30):
        root = mp.re(mp.findroot(lambda s: generating(s) - s, guess))
        # a rounding of 1 - G moves the root by 1 / (1 - G'(xi)) of it
        tolerance = FEW / float(1 - mp.re(mp.diff(generating, root)))
    assert root < 0.999
    assert law.extinction_probability == pytest.approx(float(root), rel=0, abs=tolerance)


def moved(p: float) -> float:
    """How far roundings of G move the smaller root: by the inverse of 1 - G', which is of the size of 2 p - 1."""
    return FEW / abs(2 * p - 1) if p > 0.5 else 0.0


@pytest.mark.parametrize("p", [0.1, 0.4, 0.5, 0.500001, 0.6, 0.9, 0.999])
def test_geometric_families_die_out_with_probability_one_minus_p_over_p(p):
    assert Geometric(p).extinction_probability == pytest.approx(min(1, (1 - p) / p), rel=0, abs=moved(p))


@pytest.mark.parametrize("p", [0.2, 0.5, 0.51, 0.75, 0.99])
def test_families_of_two_die_out_with_probability_one_minus_p_over_p_squared(p):
    # s = (1 - p + p s)^2 has the roots 1 and ((1 - p) / p)^2
    exact = min(1, ((1 - p) / p) ** 2)
    assert Binomial(2, p).extinction_probability == pytest.approx(exact, rel=0, abs=moved(p))


def test_a_single_child_for_ever_never_dies_out():
    assert Finite([0.0, 1.0]).extinction_probability == 0
    assert DualKernel("identity").extinction_probability == 0


def test_a_mean_just_above_one_still_has_a_chance():
    # xi = 1 - 2 (mu - 1) / G''(1) + ..., and G''(1) = mu^2 for a Poisson law
    delta = 1e-9
    assert 1 - Poisson(1 + delta).extinction_probability == pytest.approx(2 * delta, rel=1e-6)


# Laws by construction ---------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)  # each computes in 80 digits
@given(
    weights=st.lists(st.floats(0.01, 1.0), min_size=2, max_size=8),
    u=st.floats(1e-30, 1.0),
)
def test_a_finite_laws_complement_is_that_of_its_polynomial(weights, u):
    law = Finite(np.array(weights) / sum(weights))
    with mp.workdps(DIGITS):
        p = [mp.mpf(value) for value in law.probabilities]
        exact = mp.fsum(weight * (1 - (1 - mp.mpf(u)) ** k) for k, weight in enumerate(p))
    assert at(law, u) == pytest.approx(float(exact), rel=FEW, abs=1e-300)


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("finite(3)", Finite(TINY)),
        ("uniform(20)", Uniform(20)),
        ("poisson(2)", Poisson(2.0)),
        ("binomial(4, 0.5)", Binomial(4, 0.5)),
        ("geometric(0.5)", Geometric(0.5)),
        ("powers-of-two", PowersOfTwo()),
        ("relu", DualKernel("relu")),
        ("centered relu", DualKernel("relu", centered=True)),
    ],
)
def test_a_law_has_a_name(name, law):
    assert law.name == name


@pytest.mark.parametrize(
    ("law", "pmf"),
    [
        (Poisson(2.0), stats.poisson(2.0).pmf),
        (Binomial(4, 0.3), stats.binom(4, 0.3).pmf),
        (Geometric(0.3), stats.geom(0.7, loc=-1).pmf),
        (Uniform(20), stats.randint(0, 21).pmf),
    ],
    ids=["poisson", "binomial", "geometric", "uniform"],
)
def test_the_laws_of_the_papers_table_are_scipys(law, pmf):
    np.testing.assert_allclose(law.coefficients(40), pmf(np.arange(41)), rtol=1e-12, atol=1e-18)


@pytest.mark.parametrize("law", [Poisson(2.0), Binomial(4, 0.5), Geometric(0.7), Uniform(20), Finite(TINY)])
def test_a_laws_probabilities_sum_to_one(law):
    assert math.fsum(law.coefficients(400)) == pytest.approx(1, rel=0, abs=FEW)


def test_the_tail_of_relus_probabilities_is_a_power():
    # a_{2m}^2 / E relu^2 ~ (2 pi)^-1 ... k^(-5/2): eight times fewer beyond four times as far
    p = DualKernel("relu").coefficients(1600)
    ratio = (1 - math.fsum(p[:401])) / (1 - math.fsum(p))
    assert ratio == pytest.approx(8, rel=1.5 * 3 / 400)  # (K - c)^(-3/2), with c < 3, by comparing with the integral


def test_probabilities_may_be_a_list_a_tuple_or_an_array():
    laws = [as_law(source) for source in ([0.25, 0.75], (0.25, 0.75), np.array([0.25, 0.75]))]
    assert laws == [Finite([0.25, 0.75])] * 3


def test_probabilities_are_divided_by_a_sum_that_is_off_by_rounding():
    law = Finite([0.25 + 4e-10, 0.75])
    assert math.fsum(law.probabilities) == pytest.approx(1, rel=0, abs=EPS)


def test_an_activation_may_be_a_name_or_an_activation():
    assert as_law("relu") == DualKernel("relu")
    assert as_law("relu", centered=True) == DualKernel("relu", centered=True)
    assert as_law(LEAKY) == DualKernel(LEAKY)
    assert as_law("relu") != as_law("relu", centered=True)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="unknown activation 'rellu'; did you mean relu"):
        GaltonWatson("rellu")


@pytest.mark.parametrize("source", [[0.5, 0.5], (0.5, 0.5), np.array([0.5, 0.5])], ids=["list", "tuple", "array"])
def test_probabilities_cannot_be_centered(source):
    with pytest.raises(ValueError, match=r"^only an activation can be centered[^\n]*$"):
        GaltonWatson(source, centered=True)


@pytest.mark.parametrize(
    "probabilities",
    [[-0.5, 1.5], [math.nan, 1.0], [-math.inf, 1.0], []],
    ids=str,
)
def test_what_are_no_probabilities_is_refused(probabilities):
    said = re.escape(f"probabilities {probabilities}: they must be a list of numbers >= 0")
    with pytest.raises(ValueError, match=f"^{said}$"):
        Finite(probabilities)


@pytest.mark.parametrize(
    ("probabilities", "total"),
    [([0.5, 0.6], "1.1"), ([0.5, 0.4], "0.9"), ([math.inf, 0.0], "inf"), ([1.0 + 1e-8], "1.00000001"), ([0.0], "0")],
    ids=str,
)
def test_probabilities_that_do_not_sum_to_one_are_refused(probabilities, total):
    with pytest.raises(ValueError, match=rf"^probabilities that sum to {total}: they must sum to 1$"):
        Finite(probabilities)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Poisson(-1.0), r"rate = -1\.0 is not a finite number >= 0"),
        (lambda: Poisson(math.nan), "rate = nan is not a finite number >= 0"),
        (lambda: Poisson(math.inf), "rate = inf is not a finite number >= 0"),
        (lambda: Binomial(0, 0.5), r"n = 0, p = 0\.5"),
        (lambda: Binomial(3, 1.5), r"n = 3, p = 1\.5"),
        (lambda: Binomial(3, -0.5), r"n = 3, p = -0\.5"),
        (lambda: Binomial(3, math.nan), "n = 3, p = nan"),
        (lambda: Geometric(1.0), r"p = 1\.0 is not in \[0, 1\)"),
        (lambda: Geometric(-0.1), r"p = -0\.1 is not in \[0, 1\)"),
        (lambda: Geometric(math.nan), r"p = nan is not in \[0, 1\)"),
        (lambda: Uniform(-1), "n = -1 is negative"),
    ],
)
def test_parameters_that_are_none_are_refused_in_one_line(make, said):
    with pytest.raises(ValueError, match=rf"^{said}[^\n]*$"):
        make()


# Powers of two: mu_star infinite ----------------------------------------------------------------------------------


def test_powers_of_two_have_a_mean_in_closed_form():
    with mp.workdps(30):
        dilogarithm = mp.nsum(lambda j: mp.mpf(2) ** -j / j**2, [1, mp.inf])
        series = mp.nsum(lambda j: mp.mpf(1) / j**2, [1, mp.inf]) / dilogarithm  # 2^j times the probability
    assert PowersOfTwo().mu == pytest.approx(float(series), rel=4 * EPS)


def test_powers_of_two_have_no_finite_mu_star():
    # 2^j log(2^j) p_j = log 2 / (j Li_2(1/2)): as many again from 2^j = 2^n to 2^(2n), for all n
    law = PowersOfTwo()
    k = np.arange(2, 2**20 + 1)
    terms = k * np.log(k) * law.coefficients(2**20)[2:]
    halves = [terms[2**n - 1 : 2 ** (2 * n) - 1].sum() for n in (2, 5, 10)]  # 2^n < k <= 2^(2n)
    harmonic = [sum(1 / j for j in range(n + 1, 2 * n + 1)) for n in (2, 5, 10)]
    ratio = math.log(2) / (math.pi**2 / 12 - math.log(2) ** 2 / 2)
    np.testing.assert_allclose(halves, ratio * np.array(harmonic), rtol=1e-12)
    assert law.mu_star == math.inf


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4, 7, 8, 100])
def test_powers_of_two_have_probabilities_there_alone(degree):
    p = PowersOfTwo().coefficients(degree)
    with mp.workdps(30):
        unit = mp.polylog(2, mp.mpf(1) / 2)
        exact = [0.0] * (degree + 1)
        for j in range(1, 7):
            if 2**j <= degree:
                exact[2**j] = float(mp.mpf(2) ** -j / j**2 / unit)
    np.testing.assert_allclose(p, exact, rtol=4 * EPS, atol=0)


def test_powers_of_two_never_die_out():
    assert PowersOfTwo().extinction_probability == 0
    assert (PowersOfTwo().sums(np.full(1000, 1), np.random.default_rng(0)) >= 2).all()


def test_sums_of_powers_of_two_over_a_large_population_have_its_mean_below_the_tail():
    # A power above 2^30 has probability 2^-30 / 900; without them mu is short of sum_{j > 30} j^-2, 2 %, and the
    # variance of a family is sum_{j <= 30} 2^j j^-2 / Li_2(1/2).
    law, count, paths = PowersOfTwo(), 10**6, 400
    total = law.sums(np.full(paths, count), np.random.default_rng(3))
    j = np.arange(1, 31)
    unit = math.pi**2 / 12 - math.log(2) ** 2 / 2
    mean, square = (j**-2.0).sum() / unit, (2.0**j / j**2).sum() / unit
    half = stats.norm.isf(FALSE_ALARM / 2) * math.sqrt(square / (count * paths))
    # nobody of 4e8 exceeds 2^30 but with probability 4e8 2^-30 / 900 (1 + 1/2 + ...) / Li_2 < 0.002
    assert total.mean() / count == pytest.approx(mean, abs=half)
    assert half < 0.2 * mean


def test_a_population_of_powers_of_two_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match=r"^a population exceeds [^\n]*simulate fewer generations$"):
        PowersOfTwo().sums(np.array([2**56]), np.random.default_rng(0))
