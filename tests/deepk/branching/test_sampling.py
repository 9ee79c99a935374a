"""Draws of offspring: the law of what is drawn, the tail beyond the table, and populations that are too large."""

import math
from functools import cache

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from deepk.activations import Activation
from deepk.branching.sampling import DEGREE, HEAD, MOST, Table, sums_of_offspring
from deepk.kernels import Binomial, Finite, Geometric, Poisson, Uniform
from deepk.kernels.dual import DualKernel

FALSE_ALARM = 1e-6  # of one test of an honest simulation; the seeds are fixed
ERRORS = float(stats.norm.isf(FALSE_ALARM / 2))  # standard errors that a normal mean leaves with this probability
# What `tabulated` promises of the power law for ReLU, wherever it is used
TAIL = 3e-4

RELU, STEP, GELU = DualKernel("relu"), DualKernel("step"), DualKernel("gelu")


def seeded(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


# The table --------------------------------------------------------------------------------------------------------


@cache
def survival_of_relu() -> dict[int, float]:
    """P(Y >= K) for even K, by summing p_2m = ((2m - 3)!!)^2 / (pi (2m)!), beside p_0 = 1/pi and p_1 = 1/2."""
    with mp.workdps(40):
        survival = {}
        rest, p = mp.mpf(1) / 2 - 1 / mp.pi, 1 / (2 * mp.pi)  # P(Y >= 2) and p_2
        for m in range(1, 2**15 + 1):
            survival[2 * m] = float(rest)
            rest -= p
            p *= mp.mpf(2 * m - 1) ** 2 / ((2 * m + 1) * (2 * m + 2))
        return survival


def drawn_survival(table: Table, k: float) -> float:
    """P(Y >= k) by what `beyond` draws: the uniform at which it first reaches k, found by bisection."""
    low, high = 0.0, 1.0  # beyond(low) < k <= beyond(high)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if table.beyond(np.array([[middle], [0.0]]))[0] >= k else (middle, high)
    return (1 - high) * float(table.survival[HEAD])


@pytest.mark.parametrize("k", [2, 64, 1000, 2048, 4096])
def test_the_tables_survival_is_the_laws(k):
    # to what rounding leaves of one minus a sum of 4096 coefficients
    assert RELU.table.survival[k] == pytest.approx(survival_of_relu()[k], rel=0, abs=1e-14)


def test_the_tables_survival_falls_from_one():
    for law in (RELU, STEP, GELU, Poisson(2.0), Uniform(20)):
        survival = law.table.survival
        assert survival.shape == (DEGREE + 2,)
        assert survival[0] == 1
        assert (np.diff(survival) <= 0).all()
        assert survival[-1] >= 0


def test_a_hazard_is_the_share_of_those_who_stop_there():
    table = RELU.table
    p = RELU.coefficients(HEAD)
    np.testing.assert_allclose(table.hazard, p[:HEAD] / table.survival[:HEAD], rtol=1e-12, atol=1e-20)
    assert (table.hazard[3::2] < 1e-20).all()  # ReLU has no odd coefficients but the first


def test_a_law_that_ends_within_the_table_has_no_tail():
    for law in (GELU, Poisson(2.0), Uniform(20), Binomial(4, 0.5), Geometric(0.5)):
        table = law.table
        assert table.survival[-1] == 0
        assert table.tail_index == math.inf


def test_beyond_the_head_the_table_is_inverted_exactly():
    # uniforms in the middle of each step give its k, and those just beside the edge the neighbours
    table = Poisson(60.0).table
    survival = table.survival / table.survival[HEAD]
    for k in (64, 65, 70, 90):
        middle = (survival[k] + survival[k + 1]) / 2
        assert table.beyond(np.array([[1 - middle], [0.5]]))[0] == k
        assert table.beyond(np.array([[1 - survival[k + 1] * 1.001], [0.5]]))[0] == k
        assert table.beyond(np.array([[1 - survival[k + 1] * 0.999], [0.5]]))[0] == k + 1


def test_beyond_the_head_nothing_is_smaller():
    uniform = np.array([[0.0, 0.3, 1 - 2**-53], [0.0, 0.5, 1 - 2**-53]])
    for law in (RELU, STEP, Poisson(60.0)):
        assert (law.table.beyond(uniform) >= HEAD).all()


@pytest.mark.parametrize("law", [Poisson(60.0), RELU, STEP], ids=["poisson", "relu", "step"])
def test_large_families_have_their_probabilities_given_that_they_are_large(law):
    # on a grid of a million levels each k is met to one level; no chance in it
    n = 10**6
    table = law.table
    drawn = table.beyond(np.stack([(np.arange(n) + 0.5) / n, np.full(n, 0.5)]))
    p = law.coefficients(2000) / table.survival[HEAD]
    k = np.arange(HEAD, 2000)
    count = np.bincount(drawn[drawn < 2000].astype(np.int64), minlength=2000)[HEAD:]
    np.testing.assert_allclose(count, n * p[k], rtol=0, atol=1.001)


def test_a_law_whose_largest_family_is_beyond_the_usual_table_has_a_larger_one():
    p = np.zeros(5001)
    p[[0, 5000]] = 0.5
    table = Finite(p).table
    assert len(table.survival) == 2 * DEGREE + 2
    assert table.survival[[1, 5000, 5001]].tolist() == [0.5, 0.5, 0]
    assert set(sums_of_offspring(Finite(p).table, np.full(100, 1), seeded(0)).tolist()) == {0, 5000}


def test_a_steep_smooth_activation_is_tabulated_until_nothing_is_left():
    table = DualKernel(Activation.from_callable("steep", lambda x: (8 * x).erf())).table
    assert len(table.survival) > DEGREE + 2 or table.survival[-1] == 0
    # P(Y >= k) by a_k^2 = (2 / pi) C(2m, m) (2 a^2 / (1 + 2 a^2))^k / (4^m k) at k = 2m + 1, over E sigma^2
    x = 128 / 129
    m = np.arange(20_000)
    p = np.cumprod(np.append(1.0, (2 * m[1:] - 1) / (2 * m[1:]))) * x ** (2 * m + 1.0) / (2 * m + 1) / math.asin(x)
    for k in (1, 65, 513, 1025):
        assert table.survival[k] == pytest.approx(math.fsum(p[(k - 1) // 2 :]), abs=1e-11)


def test_a_law_that_is_spread_too_widely_to_be_tabulated_is_refused():
    p = np.zeros(2**17 + 2)
    p[[0, -1]] = 0.5
    with pytest.raises(ValueError, match=r"^finite\(131073\) has offspring beyond 131072: too many to be tabulated$"):
        _ = Finite(p).table


# The tail beyond the table ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [4098, 5000, 8192, 16384, 65536])
def test_relus_power_law_is_its_series_to_the_promised_accuracy(k):
    assert drawn_survival(RELU.table, k) == pytest.approx(survival_of_relu()[k], rel=TAIL, abs=0)


def test_relus_tail_has_the_stated_probability():
    assert RELU.table.survival[-1] == pytest.approx(3e-7, rel=1 / 6)  # one digit


@pytest.mark.parametrize(("name", "index"), [("relu", 1.5), ("step", 0.5), ("elu", 2.5)])
def test_the_tail_index_is_that_of_the_kink_or_jump(name, index):
    # a_k^2 ~ k^(-index - 1), in the mean over even and odd k; the next order is relative 1 / k
    table, law = DualKernel(name).table, DualKernel(name)
    assert table.tail_index == index
    p = law.coefficients(4096)
    octaves = p[1024:2048].sum() / p[2048:4096].sum()
    assert octaves == pytest.approx(2**index, rel=4 / 1024)


@pytest.mark.parametrize("k", [4097, 8193, 65537, 10**6 + 1])
def test_steps_power_law_is_its_series(k):
    # p_{2j+1} = C(2j, j) 4^-j / (pi (2j + 1)), the series of arcsin / pi, of which 1/2 is left at its start. The
    # next order of the tail is relative 1 / k; the sum has 1e-10.
    j = np.arange((k - 1) // 2)
    p = np.cumprod(np.append(1.0, (2 * j[1:] - 1) / (2 * j[1:]))) / (math.pi * (2 * j + 1))
    assert drawn_survival(STEP.table, k) == pytest.approx(0.5 - math.fsum(p), rel=TAIL, abs=0)


@pytest.mark.parametrize(("law", "odd"), [(RELU, 0), (STEP, 1)], ids=["relu", "step"])
def test_the_tail_has_the_laws_parity(law, odd):
    # levels that all lie in the tail
    table = law.table
    share = table.survival[-1] / table.survival[HEAD]
    uniform = seeded(4).random((2, 10_000))
    uniform[0] = 1 - share * (1 - uniform[0])
    families = table.beyond(uniform)
    assert (families > DEGREE).all()
    families = families[families < 2**53]  # beyond, float64 knows even numbers alone
    assert (families % 2 == odd).all()


def test_a_kink_beside_zero_leaves_even_and_odd_members_in_the_tail():
    bent = Activation.from_callable("bent", lambda x: (x - 0.3).relu(), kinks=(0.3,))
    table = DualKernel(bent).table
    assert 0 < table.even < 1
    assert table.survival[-1] > 0
    uniform = seeded(4).random((2, 40_000))
    uniform[0] = 1 - table.survival[-1] / table.survival[HEAD] * (1 - uniform[0])
    families = table.beyond(uniform)
    even = int((families % 2 == 0).sum())
    assert stats.binomtest(even, len(families), table.even).pvalue > FALSE_ALARM


def test_the_table_and_its_tail_carry_the_mean_of_relu():
    # E Y = sum_{k > 0} P(Y >= k), where beyond the table each even member counts twice: sum_j 2 (2 j + 4097)^-index
    table = RELU.table
    last, index, share = DEGREE + 1, table.tail_index, float(table.survival[-1])
    assert drawn_survival(table, 3 * last + 1) == pytest.approx(share * 3**-index, rel=1e-9)
    beyond = share * (last - 1 + 2 * (last / 2) ** index * float(special.zeta(index, last / 2)))
    inside = math.fsum(RELU.coefficients(DEGREE) * np.arange(DEGREE + 1))
    assert inside + beyond == pytest.approx(RELU.mu, rel=0, abs=1e-5)
    assert beyond > 300 * 1e-5  # without the tail the mean is short of it


# Sums -------------------------------------------------------------------------------------------------------------

LAWS = {
    "finite": Finite([0.2, 0.3, 0.1, 0.4]),
    "poisson": Poisson(2.0),
    "poisson beyond the head": Poisson(70.0),
    "geometric": Geometric(0.9),
    "uniform beyond the head": Uniform(100),
    "relu": RELU,
    "centered gelu": DualKernel("gelu", centered=True),
}


def several(law, counts, seed):
    """The sums by drawing each family on its own."""
    generator = seeded(seed)
    p = law.coefficients(DEGREE)
    cumulative = np.cumsum(p)
    owner = np.repeat(np.arange(len(counts)), counts)
    families = np.searchsorted(cumulative, generator.random(len(owner)), side="right").clip(0, DEGREE)
    return np.bincount(owner, families, minlength=len(counts))


@pytest.mark.parametrize("key", LAWS)
@pytest.mark.parametrize("count", [1, 3, 50])
def test_sums_have_the_law_of_families_drawn_one_by_one(key, count):
    counts = np.full(4000, count)
    drawn = sums_of_offspring(LAWS[key].table, counts, seeded(1))
    direct = several(LAWS[key], counts, 2)
    values, inverse = np.unique(np.concatenate([drawn, direct]), return_inverse=True)
    halves = np.split(inverse, 2)
    table = np.stack([np.bincount(half, minlength=len(values)) for half in halves])
    # neighbouring values together, about twenty in a class
    classes = np.minimum(table.sum(0).cumsum() // 20, table.sum() // 20 - 1)
    table = np.stack([np.bincount(classes.astype(int), row) for row in table])
    table = table[:, table.sum(0) > 0]
    if table.shape[1] > 1:
        assert stats.chi2_contingency(table).pvalue > FALSE_ALARM


@pytest.mark.parametrize("key", [key for key, law in LAWS.items() if law is not RELU])  # its variance is infinite
def test_the_sum_of_a_large_population_has_the_laws_mean_and_variance(key):
    # of 400 populations, each so large that its sum is normal
    law, count, paths = LAWS[key], 10**4 if "beyond" in key else 10**6, 400
    k = np.arange(DEGREE + 1)
    variance = float(law.coefficients(DEGREE) @ k**2) - law.mu**2
    drawn = sums_of_offspring(law.table, np.full(paths, count), seeded(3))
    standard = (drawn - count * law.mu) / math.sqrt(count * variance)
    assert abs(standard.mean()) < ERRORS / math.sqrt(paths)
    low, high = stats.chi2.interval(1 - FALSE_ALARM, paths)
    assert low < (standard**2).sum() < high


# law, and the largest population it still draws, whose mean is as large as what is counted
NAMED = {
    "poisson": (Poisson(3.0), MOST // 3),
    "binomial": (Binomial(3, 0.5), MOST // 3),
    "geometric": (Geometric(0.5), MOST // 2),
}


@pytest.mark.parametrize("key", NAMED)
@pytest.mark.parametrize("count", [1, 4])
def test_the_sums_of_a_named_law_have_the_law_of_families_drawn_one_by_one(key, count):
    law, n = NAMED[key][0], 20_000
    drawn = law.sums(np.full(n, count), seeded(21))
    p = np.eye(1, 200)[0]
    for _ in range(count):
        p = np.convolve(p, law.coefficients(199))[:200]
    common = np.flatnonzero(n * p >= 10)
    seen = np.bincount(drawn, minlength=200)[common]
    expected = n * p[common]
    assert n - seen.sum() <= stats.poisson.isf(FALSE_ALARM, n - expected.sum() + 1e-9)
    assert stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > FALSE_ALARM


@pytest.mark.parametrize("key", NAMED)
def test_a_named_law_draws_populations_of_any_size_at_once(key):
    # no family is drawn on its own: the sum of so many has a relative deviation of 1e-8
    law, count = NAMED[key]
    drawn = law.sums(np.array([0, count, 5]), seeded(22))
    assert drawn.dtype == np.int64
    assert drawn[0] == 0
    k = np.arange(200)
    variance = float(law.coefficients(199) @ k**2) - law.mu**2
    assert abs(drawn[1] / (count * law.mu) - 1) < ERRORS * math.sqrt(variance / count) / law.mu
    with pytest.raises(ValueError, match=r"^a population exceeds 7\.2e\+16: simulate fewer generations$"):
        law.sums(np.array([0, MOST + 10**10]), seeded(22))


def test_a_geometric_population_that_becomes_too_large_is_refused():
    # of 2^54 families of nine each
    with pytest.raises(ValueError, match=r"^a population exceeds 7\.2e\+16: simulate fewer generations$"):
        Geometric(0.9).sums(np.array([2**54]), seeded(0))


@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(0, 1000), min_size=1, max_size=6), seed=st.integers(0, 2**32))
def test_a_family_of_three_for_everybody_trebles_each_population(counts, seed):
    drawn = sums_of_offspring(Finite([0.0, 0.0, 0.0, 1.0]).table, np.array(counts), seeded(seed))
    assert drawn.tolist() == [3 * count for count in counts]


@pytest.mark.parametrize("key", LAWS)
def test_nobody_has_no_children_and_sums_are_whole_numbers_of_64_bits(key):
    drawn = sums_of_offspring(LAWS[key].table, np.array([0, 5, 0]), seeded(0))
    assert drawn.dtype == np.int64
    assert drawn[0] == drawn[2] == 0
    assert sums_of_offspring(LAWS[key].table, np.zeros(0, np.int64), seeded(0)).shape == (0,)


@pytest.mark.parametrize("key", LAWS)
def test_a_seed_gives_the_same_sums_again_and_leaves_the_counts(key):
    counts = np.array([1, 10, 1000])
    first, second = (sums_of_offspring(LAWS[key].table, counts, seeded(7)) for _ in range(2))
    assert (first == second).all()
    assert counts.tolist() == [1, 10, 1000]
    assert (first != sums_of_offspring(LAWS[key].table, counts, seeded(8))).any()


def test_the_largest_population_that_is_allowed_keeps_its_mean():
    # 2^55 families of 2 or 0: the relative deviation of their sum is 2^-27.5
    count = MOST // 2
    drawn = sums_of_offspring(Finite([0.5, 0.0, 0.5]).table, np.full(20, count), seeded(5))
    assert (np.abs(drawn / count - 1) < ERRORS / math.sqrt(count)).all()


def test_a_population_that_becomes_too_large_is_refused():
    with pytest.raises(ValueError, match=r"^a population exceeds 7\.2e\+16: simulate fewer generations$"):
        sums_of_offspring(Finite([0.0, 0.0, 0.0, 1.0]).table, np.array([MOST // 2]), seeded(0))


def test_too_many_large_families_to_draw_one_by_one_are_refused():
    with pytest.raises(
        ValueError, match=r"^a population of 1e\+09 has too many large families to draw them one by one$"
    ):
        sums_of_offspring(Poisson(70.0).table, np.array([10**9]), seeded(0))


def test_families_of_infinite_mean_soon_are_too_large():
    # the largest of n families of the step is like n^2: 1e10 of them exceed 7e16 almost surely
    with pytest.raises(ValueError, match=r"^a population "):
        sums_of_offspring(STEP.table, np.array([10**10]), seeded(0))


@pytest.mark.parametrize(
    ("law", "spread"),
    [(Geometric(0.999), 1000.0), (Uniform(5000), 1445.0), (Poisson(5000.0), 71.0), (Binomial(10_000, 0.9), 30.0)],
    ids=["geometric", "uniform", "poisson", "binomial"],
)
def test_a_law_beyond_the_table_that_is_no_power_law_keeps_its_mean(law, spread):
    n = 100_000
    drawn = sums_of_offspring(law.table, np.full(n, 1), seeded(11))
    assert drawn.mean() == pytest.approx(law.mu, abs=ERRORS * spread / math.sqrt(n))
