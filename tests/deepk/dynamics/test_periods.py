"""Periodic points, Sharkovsky's order and growth: closed forms, traces, orbits followed, polynomials of mpmath."""

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piecewise import integer_maps, markov_maps

from deepk.dynamics import (
    PiecewiseLinearMap,
    bounded_slope_map,
    golden_map,
    growth_rate,
    implied_periods,
    li_yorke_map,
    linear_pieces,
    markov_partition,
    period_map,
    periodic_points,
    periods,
    sharkovsky_order,
    tent_map,
    topological_entropy,
)

light = settings(max_examples=15, deadline=None)

EPS = float(np.finfo(np.float64).eps)

# Points of least period 1, ..., 7: of the golden map by Lucas numbers, of the tent by powers of two (see the trace
# formula below, which is independent of both)
COUNTS = {
    "golden": (golden_map(), [1, 2, 3, 4, 10, 12, 28]),
    "tent": (tent_map(), [2, 2, 6, 12, 30, 54, 126]),
    "slope 1.618": (bounded_slope_map(Fraction(1618, 1000)), [1, 2, 0, 4, 10, 12, 28]),
    "Li-Yorke": (li_yorke_map(), [1, 2, 0, 4, 5, 12, 14]),
}
NUMBERS = st.integers(1, 400)


def least_period(f: PiecewiseLinearMap, x, up_to: int) -> int:
    y = x
    for n in range(1, up_to + 1):
        y = f(y)
        if y == x:
            return n
    return 0


# Periodic points --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", range(1, 8))
@pytest.mark.parametrize(("f", "counts"), COUNTS.values(), ids=COUNTS)
def test_points_of_a_least_period_are_as_many_as_known(f, counts, p):
    assert len(periodic_points(f, p)) == counts[p - 1]


@pytest.mark.parametrize("p", range(1, 7))
@pytest.mark.parametrize("f", [f for f, _ in COUNTS.values()], ids=COUNTS)
def test_each_point_returns_after_its_period_and_not_before(f, p):
    points = periodic_points(f, p)
    assert points == sorted(set(points))
    assert all(least_period(f, x, p) == p for x in points)
    assert {f(x) for x in points} == set(points)


def fixed_by_traces(f: PiecewiseLinearMap, n: int) -> int:
    """Fixed points of f^n for a map whose slopes exceed 1: closed walks of n steps through the partition.

    Each walk ends around one fixed point of its branch of f^n. At a point of the partition the branches on both sides
    may see the same one, each where it rises, or none of them.
    """
    partition = markov_partition(f)
    matrix = np.array([[j in partition.covered(i) for j in partition.intervals] for i in partition.intervals], int)
    count = int(np.trace(np.linalg.matrix_power(matrix, n)))
    beside = Fraction(1, 10**12)  # nearer than any other point of the partition, after n steps as well
    for x in partition.points:
        if f.iterate(x, n) == x:
            sides = [y for y in (x - beside, x + beside) if f.knots[0] <= y <= f.knots[-1]]
            count += 1 - sum((f.iterate(y, n) - x) * (y - x) > 0 for y in sides)
    return count


def moebius(n: int) -> int:
    if n == 1:
        return 1
    return -sum(moebius(d) for d in range(1, n) if n % d == 0)


@st.composite
def steep_maps(draw: st.DrawFn) -> tuple[list, list]:
    """Of 0, ..., k into themselves, each image two or more from the last."""
    k = draw(st.integers(3, 4))
    images = [draw(st.integers(0, k))]
    for _ in range(k):
        images.append(draw(st.sampled_from([y for y in range(k + 1) if abs(y - images[-1]) > 1])))
    return list(range(k + 1)), images


@light
@given(drawn=steep_maps(), p=st.integers(1, 4))
def test_by_moebius_they_are_as_many_as_closed_walks_through_the_partition(drawn, p):
    f = PiecewiseLinearMap(*drawn)
    count = sum(moebius(p // d) * fixed_by_traces(f, d) for d in range(1, p + 1) if p % d == 0)
    assert len(periodic_points(f, p)) == count


@pytest.mark.parametrize("p", [1, 2, 4, 6, 8])
def test_a_fixed_interval_is_named_where_single_points_are_asked_for(p):
    # 1 -> 3 -> 2 -> 4 -> 1 with slopes -1 and 1 around it, so that all of [1, 2] returns after 4 steps
    f = period_map(4)
    if p % 4:
        assert len(periodic_points(f, p)) == {1: 1, 2: 2, 6: 0}[p]
    else:
        with pytest.raises(ValueError, match=rf"^all points from 1 to 2 return after {p} steps$"):
            periodic_points(f, p)


@pytest.mark.parametrize("unit", [1, 0.1, math.pi])
def test_periods_count_fixed_intervals_too(unit):
    f = period_map(4)
    assert periods(PiecewiseLinearMap([x * unit for x in f.knots], [y * unit for y in f.values]), 9) == [1, 2, 4]
    assert periods(PiecewiseLinearMap([0, unit], [0, unit]), 5) == [1]  # the identity
    assert periods(PiecewiseLinearMap([0, unit], [unit, 0]), 5) == [1, 2]  # a reflection, and its one fixed point


@light
@given(drawn=integer_maps(4) | markov_maps(3))
def test_periods_are_those_of_orbits_and_closed_under_sharkovskys_order(drawn):
    f, most = PiecewiseLinearMap(*drawn), 4
    found = periods(f, most)
    partition = markov_partition(f)
    assert {n for x in partition.points if (n := least_period(f, x, most))} <= set(found)
    for p in found:
        assert set(implied_periods(p, up_to=most)) <= set(found)


@pytest.mark.parametrize("p", [3, 5, 7, 9])
def test_in_floats_a_point_that_returns_but_for_a_rounding_is_periodic(p):
    # at the least slope with period p the iterate touches the diagonal; 1e-6 below it stays away by more than 1e-9
    f = bounded_slope_map(growth_rate(p))
    points = periodic_points(f, p)
    assert len(points) == p
    assert all(f.iterate(x, p) == pytest.approx(x, abs=1e-9) for x in points)
    assert periodic_points(bounded_slope_map(growth_rate(p) - 1e-6), p) == []


@pytest.mark.parametrize("p", range(1, 8))
def test_in_floats_points_are_those_of_the_exact_map(p):
    f = li_yorke_map()
    floats = PiecewiseLinearMap([float(x) for x in f.knots], [float(y) for y in f.values])
    # A fixed point of slope s is f^p's rounding, stretched by 2^p, over |s - 1|
    exact = [float(x) for x in periodic_points(f, p)]
    assert periodic_points(floats, p) == pytest.approx(exact, abs=16 * EPS * 2**p)


@pytest.mark.parametrize("p", [0, -2])
def test_a_period_that_is_not_positive_has_no_points(p):
    with pytest.raises(ValueError, match=rf"^period = {p} is not at least 1$"):
        periodic_points(tent_map(), p)


@pytest.mark.parametrize("ask", [periodic_points, periods])
def test_periods_of_a_map_that_leaves_its_interval_are_refused(ask):
    with pytest.raises(ValueError, match=r"^the map leaves its interval \[0, 1\]: it takes 1 to 2$"):
        ask(PiecewiseLinearMap([0, 1], [0, 2]), 2)


@pytest.mark.parametrize("up_to", [0, -1])
def test_periods_are_looked_for_up_to_a_positive_number(up_to):
    with pytest.raises(ValueError, match=rf"^up_to = {up_to} is not at least 1$"):
        periods(tent_map(), up_to)
    with pytest.raises(ValueError, match=rf"^up_to = {up_to} is not at least 1$"):
        implied_periods(3, up_to=up_to)


@pytest.mark.parametrize("scale", [1e-9, 1e-6, 1.0, 1e9])
@pytest.mark.parametrize("start", [0.0, -0.5])
def test_in_floats_a_map_has_as_many_points_at_every_scale(scale, start):
    f = PiecewiseLinearMap([scale * (start + x) for x in (0, 0.5, 1)], [scale * (start + y) for y in (0, 1, 0)])
    assert [len(periodic_points(f, p)) for p in range(1, 9)] == [2, 2, 6, 12, 30, 54, 126, 240]


def test_an_enormous_odd_period_has_the_rate_of_the_limit():
    assert growth_rate(10**400 + 1) == pytest.approx(math.sqrt(2), rel=EPS)


# Sharkovsky's order -----------------------------------------------------------------------------------------------

HEAD = [3, 5, 7, 9, 11, 13, 15, 17, 19]
TAIL = [16, 8, 4, 2, 1]


def test_the_order_is_the_one_that_is_printed():
    # 3, 5, 7, ..., then their doubles, ..., and at last the powers of two, falling
    twice, four = [2 * q for q in HEAD if 2 * q < 20], [4 * q for q in HEAD if 4 * q < 20]
    order = [*HEAD, *twice, *four, *TAIL]
    assert sorted(order) == list(range(1, 20))
    assert sorted(order, key=lambda p: [sharkovsky_order(p, other) for other in order].count(1)) == order


@given(a=NUMBERS, b=NUMBERS)
def test_of_two_different_periods_one_stands_before(a, b):
    assert sharkovsky_order(a, b) == -sharkovsky_order(b, a)
    assert (sharkovsky_order(a, b) == 0) == (a == b)


@given(a=NUMBERS, b=NUMBERS, c=NUMBERS)
def test_the_order_is_transitive(a, b, c):
    if sharkovsky_order(a, b) <= 0 and sharkovsky_order(b, c) <= 0:
        assert sharkovsky_order(a, c) <= 0


@given(a=NUMBERS)
def test_three_stands_first_and_one_last(a):
    assert sharkovsky_order(3, a) <= 0
    assert sharkovsky_order(a, 1) <= 0


@given(a=NUMBERS, b=NUMBERS)
def test_doubles_stand_as_what_they_double(a, b):
    # but for powers of two, which fall
    if a & (a - 1) and b & (b - 1):
        assert sharkovsky_order(2 * a, 2 * b) == sharkovsky_order(a, b)
        assert sharkovsky_order(a, 2 * b) <= 0 or a % 2 == 0


@pytest.mark.parametrize(
    ("p", "implied"),
    [
        (3, list(range(1, 13))),
        (5, [1, 2, *range(4, 13)]),
        (6, [1, 2, 4, 6, 8, 10, 12]),
        (12, [1, 2, 4, 8, 12]),
        (8, [1, 2, 4, 8]),
        (2, [1, 2]),
        (1, [1]),
    ],
)
def test_a_period_implies_all_that_stand_after_it(p, implied):
    assert implied_periods(p, up_to=12) == implied


@pytest.mark.parametrize("p", range(2, 10))
def test_the_map_of_a_period_has_those_that_it_implies_and_no_others(p):
    assert periods(period_map(p), 10) == implied_periods(p, up_to=10)


@pytest.mark.parametrize("p", [0, -3])
@pytest.mark.parametrize(
    "ask",
    [
        growth_rate,
        lambda p: sharkovsky_order(p, 1),
        lambda p: sharkovsky_order(1, p),
        lambda p: implied_periods(p, up_to=3),
    ],
    ids=["growth", "order", "order, second", "implied"],
)
def test_what_is_no_period_is_refused(ask, p):
    with pytest.raises(ValueError, match=rf"^period = {p} is not a positive integer$"):
        ask(p)


# Growth -----------------------------------------------------------------------------------------------------------


def root(p: int) -> float:
    """The largest real root of x^p - 2 x^(p-2) - 1."""
    with mp.workdps(40):
        roots = mp.polyroots([1, 0, -2, *[0] * (p - 3), -1], maxsteps=200, extraprec=200)
        return float(max(mp.re(x) for x in roots if abs(mp.im(x)) < mp.mpf(10) ** -20))


@pytest.mark.parametrize("p", range(3, 22, 2))
def test_the_growth_of_an_odd_period_is_the_largest_root_of_its_polynomial(p):
    assert growth_rate(p) == pytest.approx(root(p), rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("p", "printed"),
    # roots of x^p - 2 x^(p-2) - 1, to six digits
    [
        (3, 1.618034),
        (5, 1.512876),
        (7, 1.465571),
        (9, 1.441315),
        (11, 1.428423),
        (13, 1.421573),
        (15, 1.417982),
        (21, 1.414699),
    ],
)
def test_growth_is_as_tabulated(p, printed):
    assert growth_rate(p) == pytest.approx(printed, abs=0.5e-6)


def test_growth_falls_to_the_square_root_of_two():
    rates = [growth_rate(p) for p in range(3, 62, 2)]
    assert rates == sorted(rates, reverse=True)
    # rho_p^2 - 2 = rho_p^(2 - p)
    assert growth_rate(61) - math.sqrt(2) == pytest.approx(2 ** (-59 / 2) / 2 / math.sqrt(2), rel=1e-5)
    assert growth_rate(10**6 + 1) == pytest.approx(math.sqrt(2), rel=1e-15)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("q", [3, 5, 9])
def test_growth_of_a_doubled_period_is_that_of_the_iterate(q, k):
    assert growth_rate(2**k * q) ** (2**k) == pytest.approx(growth_rate(q), rel=2**k * EPS)


@pytest.mark.parametrize("k", range(8))
def test_powers_of_two_imply_no_growth(k):
    assert growth_rate(2**k) == 1


@given(a=NUMBERS, b=NUMBERS)
def test_what_stands_before_grows_at_least_as_fast(a, b):
    if sharkovsky_order(a, b) <= 0:
        assert growth_rate(a) >= growth_rate(b) * (1 - 2 * EPS)


# Entropy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "rate"),
    [
        (golden_map(), (1 + math.sqrt(5)) / 2),
        (tent_map(), 2),
        (li_yorke_map(), growth_rate(5)),
        (PiecewiseLinearMap(range(4), [0, 3, 0, 3]), 3),
        (PiecewiseLinearMap(range(4), [0, 3, 3, 0]), 2),  # what stays on the flat piece counts for nothing
        (PiecewiseLinearMap([0, 1], [0, 1]), 1),
        (PiecewiseLinearMap([0, 1], [1, 1]), 1),
        (PiecewiseLinearMap([0, 1, 2], [1, 1, 1]), 1),
    ],
    ids=["golden", "tent", "Li-Yorke", "three", "flat in the middle", "identity", "constant", "constant of two pieces"],
)
def test_entropies_are_logarithms_of_known_numbers(f, rate):
    assert topological_entropy(f) == pytest.approx(math.log(rate), abs=8 * EPS)


@pytest.mark.parametrize("p", [*range(2, 14), 16, 32, 64])
def test_the_map_of_a_period_grows_no_faster_than_its_period_forces(p):
    # The matrix has as many parts of growth 1 as p has factors of 2: together, a Jordan block, they would be found to
    # a root of the rounding
    assert topological_entropy(period_map(p)) == pytest.approx(math.log(growth_rate(p)), abs=64 * EPS)


@pytest.mark.parametrize(
    "f",
    [golden_map(), tent_map(), li_yorke_map(), period_map(6), PiecewiseLinearMap(range(5), [2, 4, 0, 1, 3])],
    ids=["golden", "tent", "Li-Yorke", "period 6", "five points"],
)
def test_entropy_is_the_growth_of_the_number_of_pieces(f):
    # log N(n) = n h + c + o(1), of which 40 more steps leave h; two at a time, as halves may be exchanged
    growth = (math.log(linear_pieces(f, 120)) - math.log(linear_pieces(f, 80))) / 40
    assert topological_entropy(f) == pytest.approx(growth, rel=1e-9)


@light
@given(drawn=integer_maps(4) | markov_maps(3))
def test_the_periods_that_a_map_has_force_its_entropy(drawn):
    f = PiecewiseLinearMap(*drawn)
    assert topological_entropy(f) >= max(math.log(growth_rate(p)) for p in periods(f, 4)) - 64 * EPS


@light
@given(order=st.integers(2, 9).flatmap(lambda p: st.permutations(range(p))))
def test_any_cycle_grows_at_least_as_fast_as_its_length_forces(order):
    images = [0] * len(order)
    for x, y in zip(order, order[1:] + order[:1], strict=True):
        images[x] = y
    f = PiecewiseLinearMap(range(len(order)), images)
    assert least_period(f, 0, len(order)) == len(order)
    assert topological_entropy(f) >= math.log(growth_rate(len(order))) - 64 * EPS


@light
@given(drawn=integer_maps(5))
def test_no_map_grows_faster_than_its_slope(drawn):
    f = PiecewiseLinearMap(*drawn)
    assert topological_entropy(f) <= max(math.log(f.lipschitz), 0) + 64 * EPS if f.lipschitz else True


@pytest.mark.parametrize("f", [bounded_slope_map(Fraction(3, 2)), tent_map(2.0)], ids=["open orbits", "floats"])
def test_without_a_partition_there_is_no_entropy(f):
    with pytest.raises(ValueError, match=r"^the map has no Markov partition that is known: [^\n]*finite$"):
        topological_entropy(f)


def test_a_map_that_leaves_its_interval_has_no_entropy():
    with pytest.raises(ValueError, match=r"^the map leaves its interval \[0, 1\]: it takes 1 to 2$"):
        topological_entropy(PiecewiseLinearMap([0, 1], [0, 2]))
