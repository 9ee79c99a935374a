"""Pieces and oscillations of iterates: closed forms, and recursions against iterates that are written out."""

import re
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piecewise import integer_maps, markov_maps

from deepk.dynamics import (
    GOLDEN_RATIO,
    PiecewiseLinearMap,
    bounded_slope_map,
    compose,
    crossings,
    fibonacci,
    golden_map,
    li_yorke_map,
    linear_pieces,
    markov_partition,
    period_map,
    tent_map,
)

light = settings(max_examples=20, deadline=None)

# Exact, but the orbits of its knots never return; and in floats, where no orbit is followed
NO_PARTITION = {
    "slope 809/500": bounded_slope_map(Fraction(809, 500)),
    "slope 1.618 in floats": bounded_slope_map(1.618),
    "three pieces": PiecewiseLinearMap([0, Fraction(1, 3), Fraction(3, 4), 1], [Fraction(1, 5), 1, 0, Fraction(7, 9)]),
}


def counted(f: PiecewiseLinearMap, n: int, low, high) -> int:
    """Along the knots of f^n, monotone in between: how often what is at low or below gets to high or above, or back."""
    sides = [value >= high for value in compose(f, n).values if value <= low or value >= high]
    return sum(a != b for a, b in pairwise(sides))


# Closed forms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 6, 10, 64, 200])
def test_an_iterated_tent_has_two_to_the_n_pieces_each_of_which_crosses(n):
    assert linear_pieces(tent_map(), n) == 2**n
    assert crossings(tent_map(), n, 0, 1) == 2**n


@pytest.mark.parametrize("n", [*range(1, 12), 40, 500])
def test_the_golden_map_has_twice_a_fibonacci_number_of_pieces(n):
    assert linear_pieces(golden_map(), n) == 2 * fibonacci(n + 1)


def test_forty_golden_compositions_have_331160282_pieces():
    assert linear_pieces(golden_map(), 40) == 331160282


@pytest.mark.parametrize("n", [2, 3, 4, 7, 20, 100])
def test_of_golden_pieces_all_but_some_cross_from_minus_1_to_0(n):
    # with the partition -1, 0, phi - 1, 1 they obey the recursion of the pieces
    count = [crossings(golden_map(), m, -1, 0) for m in (n, n + 1, n + 2)]
    assert count[2] == count[1] + count[0]
    assert 2 * fibonacci(n) <= count[0] <= 2 * fibonacci(n + 1)


@pytest.mark.parametrize("n", [1, 5, 300])
@pytest.mark.parametrize(
    "f",
    [
        PiecewiseLinearMap([0, 1], [0, 1]),
        PiecewiseLinearMap([0, 1], [1, 0]),
        PiecewiseLinearMap([0, 1], [Fraction(1, 2), Fraction(1, 2)]),
        PiecewiseLinearMap([0, 1], [Fraction(1, 4), Fraction(3, 4)]),
    ],
    ids=["identity", "reflection", "constant", "contraction"],
)
def test_a_straight_map_stays_straight(f, n):
    assert linear_pieces(f, n) == 1
    quarters = crossings(f, n, Fraction(1, 4), Fraction(3, 4))
    assert quarters == (f.lipschitz == 1 or (n == 1 and f.lipschitz > 0))


def test_the_slope_1_map_keeps_its_two_pieces():
    # |x| - 1 and then -|x|, by turns
    f = bounded_slope_map(1)
    assert [linear_pieces(f, n) for n in (1, 2, 3, 4, 101)] == [2] * 5


# Recursion against what is written out ----------------------------------------------------------------------------


@light
@given(drawn=integer_maps() | markov_maps(), n=st.integers(1, 4))
def test_pieces_are_counted_as_if_the_iterate_were_written_out(drawn, n):
    f = PiecewiseLinearMap(*drawn)
    assert markov_partition(f) is not None
    assert linear_pieces(f, n) == compose(f, n).pieces


@light
@given(drawn=integer_maps(), n=st.integers(1, 4), ends=st.tuples(st.integers(0, 20), st.integers(1, 20)))
def test_oscillations_are_counted_as_along_the_knots_of_the_iterate(drawn, n, ends):
    # ends at halves of what lies between integers: their orbits close, as all slopes are integers
    f = PiecewiseLinearMap(*drawn)
    whole = f.interval[1]
    low = whole * Fraction(min(ends[0], 19), 20)
    high = low + (whole - low) * Fraction(ends[1], 20)
    assert crossings(f, n, low, high) == counted(f, n, low, high)


@light
@given(drawn=markov_maps(), n=st.integers(1, 3), data=st.data())
def test_oscillations_across_points_of_any_partition_are_counted_so_too(drawn, n, data):
    f = PiecewiseLinearMap(*drawn)
    points = markov_partition(f).points
    i = data.draw(st.integers(0, len(points) - 2))
    j = data.draw(st.integers(i + 1, len(points) - 1))
    assert crossings(f, n, points[i], points[j]) == counted(f, n, points[i], points[j])


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("f", NO_PARTITION.values(), ids=NO_PARTITION)
def test_without_a_partition_the_iterate_is_written_out(f, n):
    assert markov_partition(f) is None
    composed = compose(f, n)
    assert linear_pieces(f, n) == composed.pieces
    low, high = f.interval
    for share in (Fraction(1, 3), Fraction(1, 2)):
        end = low + (high - low) * f.as_number(share)
        assert crossings(f, n, low, end) == counted(f, n, low, end)


@pytest.mark.parametrize("n", [1, 4, 7])
@pytest.mark.parametrize(
    "f", [tent_map(), golden_map(), li_yorke_map(), period_map(6)], ids=lambda f: f"{f.pieces} pieces"
)
def test_crossings_are_those_that_a_fine_grid_sees(f, n):
    # n slopes of 2 leave hundreds of points on each piece; ends inside, so that a crossing has points beyond both
    start, end = (float(x) for x in f.interval)
    low, high = start + (end - start) * 5 / 16, start + (end - start) * 9 / 16
    y = f.iterate(np.linspace(start, end, 100_001), n)
    sides = np.sign(np.where(y <= low, -1, np.where(y >= high, 1, 0)))
    sides = sides[sides != 0]
    assert crossings(f, n, low, high) == int((np.diff(sides) != 0).sum())


def test_oscillations_are_fewer_across_more():
    f = li_yorke_map()
    across = [crossings(f, 9, 3 - Fraction(k, 8), 3 + Fraction(k, 8)) for k in range(1, 17)]
    assert across == sorted(across, reverse=True)
    assert 0 < across[-1] < across[0] <= linear_pieces(f, 9)


# The numbers that are given ---------------------------------------------------------------------------------------


def test_ends_may_be_exact_or_floats_whichever_the_map_is():
    exact, floats = golden_map(), bounded_slope_map(float(GOLDEN_RATIO))
    for low, high in [(-1, 0), (Fraction(-1, 2), 0.25), (-0.5, GOLDEN_RATIO - 1), (np.float64(-0.75), 0)]:
        assert crossings(exact, 6, low, high) == counted(exact, 6, exact.as_number(low), exact.as_number(high))
        assert crossings(floats, 6, float(low), float(high)) == crossings(floats, 6, low, high)


@pytest.mark.parametrize("count", [linear_pieces, lambda f, n: crossings(f, n, 0, 1)], ids=["pieces", "crossings"])
class TestRefusals:
    @pytest.mark.parametrize("n", [0, -1])
    def test_no_compositions_are_refused(self, count, n):
        with pytest.raises(ValueError, match=rf"^n = {n} is not at least 1$"):
            count(tent_map(), n)

    def test_a_map_that_leaves_its_interval_is_refused(self, count):
        with pytest.raises(ValueError, match=r"^the map leaves its interval \[0, 1\]: it takes 1 to 2$"):
            count(PiecewiseLinearMap([0, 1], [0, 2]), 1)

    def test_an_iterate_too_large_to_write_out_is_refused(self, count, monkeypatch):
        monkeypatch.setattr("deepk.dynamics.composition._MOST_KNOTS", 500)
        with pytest.raises(ValueError, match=r"^n = 40 is too large to write out: [^\n]* more than 500 knots$"):
            count(bounded_slope_map(1.9), 40)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.5, 0.25, "low = 0.5, high = 0.25"),
        (0.5, 0.5, "low = 0.5, high = 0.5"),
        (-1, 0.5, "low = -1, high = 0.5"),
        (0, GOLDEN_RATIO, "low = 0, high = 1.61803"),
    ],
)
@pytest.mark.parametrize("f", [tent_map(), tent_map(2.0)], ids=["exact", "float"])
def test_ends_out_of_order_or_outside_are_refused(f, low, high, said):
    with pytest.raises(ValueError, match=rf"^{re.escape(said)}: low < high, both in \[0, 1\]$"):
        crossings(f, 3, low, high)


def test_an_end_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match=r"^nan is not a finite number$"):
        crossings(tent_map(), 3, float("nan"), 1)


# Partitions -------------------------------------------------------------------------------------------------------


@light
@given(drawn=integer_maps() | markov_maps())
def test_a_partition_holds_the_knots_and_is_mapped_into_itself(drawn):
    f = PiecewiseLinearMap(*drawn)
    partition = markov_partition(f)
    assert set(f.knots) <= set(partition.points)
    assert list(partition.points) == sorted(set(partition.points))
    assert [f(x) for x in partition.points] == [partition.points[i] for i in partition.images]


@light
@given(drawn=integer_maps() | markov_maps())
def test_what_an_interval_covers_is_its_image_in_order(drawn):
    f = PiecewiseLinearMap(*drawn)
    partition = markov_partition(f)
    x = partition.points
    for i in partition.intervals:
        ends = [number for j in partition.covered(i) for number in (x[j], x[j + 1])]
        start, end = f(x[i]), f(x[i + 1])
        assert (min(ends, default=start), max(ends, default=start)) == (min(start, end), max(start, end))
        assert list(partition.covered(i)) == sorted(partition.covered(i), reverse=start > end)


@pytest.mark.parametrize(
    ("f", "points"),
    [
        (tent_map(), [0, Fraction(1, 2), 1]),
        (golden_map(), [-1, 0, GOLDEN_RATIO - 1, 1]),
        (li_yorke_map(), [1, 2, 3, 4, 5]),
    ],
    ids=["tent", "golden", "Li-Yorke"],
)
def test_partitions_of_the_papers_are_the_orbits_of_their_knots(f, points):
    assert list(markov_partition(f).points) == points


def test_a_partition_takes_more_points_and_their_orbits():
    partition = markov_partition(tent_map(), [0.125, Fraction(1, 3)])
    assert list(partition.points) == [Fraction(k, 24) for k in (0, 3, 6, 8, 12, 16, 24)]


def test_every_rational_point_has_a_finite_orbit_under_the_golden_map():
    # The golden ratio is a Pisot number (Schmidt 1980): 40 compositions are counted across any rational interval
    count = crossings(golden_map(), 40, Fraction(-3, 7), Fraction(1, 10))
    assert 0 < count < linear_pieces(golden_map(), 40)


@pytest.mark.parametrize("slope", [Fraction(3, 2), Fraction(809, 500), GOLDEN_RATIO - Fraction(1, 100)], ids=str)
def test_orbits_that_do_not_close_are_given_up(slope):
    assert markov_partition(bounded_slope_map(slope)) is None
