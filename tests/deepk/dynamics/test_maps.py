"""Piecewise-linear maps: exact and in floats, iterated and written out, and the maps of the papers."""

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piecewise import integer_maps, markov_maps

from deepk.dynamics import (
    GOLDEN_RATIO,
    PiecewiseLinearMap,
    Sqrt5,
    bounded_slope_map,
    compose,
    composition,
    golden_map,
    growth_rate,
    li_yorke_map,
    period_map,
    periods,
    tent_map,
)

light = settings(max_examples=25, deadline=None)

EPS = float(np.finfo(np.float64).eps)
PAPERS = {"tent": tent_map(), "golden": golden_map(), "Li-Yorke": li_yorke_map(), "period 6": period_map(6)}

SHARES = st.fractions(0, 1, max_denominator=50)


def inside(f: PiecewiseLinearMap, share: Fraction):
    """The point that divides the interval so."""
    low, high = f.interval
    return low + (high - low) * share


def in_floats(f: PiecewiseLinearMap) -> PiecewiseLinearMap:
    return PiecewiseLinearMap([float(x) for x in f.knots], [float(y) for y in f.values])


def one_line(said: str) -> str:
    return rf"^{said}[^\n]*$"


# What it is -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "exact"),
    [
        ([0, 1, 3], True),
        ([Fraction(1, 3), 1, 2], True),
        ([0, GOLDEN_RATIO, 2], True),
        (np.array([0, 1, 3]), True),
        ([0.0, 1, 3], False),
        (np.array([0.0, 1.0, 3.0]), False),
        ([np.float32(0), Fraction(1), GOLDEN_RATIO], False),
    ],
)
def test_it_is_exact_where_all_of_its_numbers_are(numbers, exact):
    f = PiecewiseLinearMap(numbers, [0, 1, 0])
    assert f.is_exact is exact
    kinds = (Fraction, Sqrt5) if exact else (float,)
    assert all(isinstance(number, kinds) for number in (*f.knots, *f.values, *f.slopes, f.lipschitz))
    assert PiecewiseLinearMap([0, 1, 4], numbers).is_exact is exact


def test_integers_of_numpy_do_not_overflow():
    knots, values = np.array([0, 1, 3]) * 10**13, np.array([0, 3, 0]) * 10**13
    exact = PiecewiseLinearMap([0, 10**13, 3 * 10**13], [0, 3 * 10**13, 0])
    assert compose(PiecewiseLinearMap(knots, values), 3) == compose(exact, 3)


@pytest.mark.parametrize("unit", [1, Fraction(1, 3), GOLDEN_RATIO, 1.0, 0.1, math.pi], ids=str)
def test_knots_that_bend_nothing_are_dropped(unit):
    f = PiecewiseLinearMap([x * unit for x in (0, 1, 2, 3, 4, 6, 7)], [y * unit for y in (0, 2, 4, 6, 3, 3, 3)])
    assert f.pieces == 3
    assert f == PiecewiseLinearMap([x * unit for x in (0, 3, 4, 7)], [y * unit for y in (0, 6, 3, 3)])


def test_a_straight_line_has_its_ends_alone():
    assert PiecewiseLinearMap(range(9), range(9)).knots == (0, 8)


@pytest.mark.parametrize("small", [Fraction(1, 10**30), 161 - 72 * Sqrt5(0, 1)])
def test_an_exact_bend_is_kept_however_small(small):
    assert PiecewiseLinearMap([0, 1, 2], [0, 1, 2 - small]).pieces == 2


@light
@given(drawn=markov_maps())
def test_slopes_are_rises_over_runs_and_the_steepest_is_the_lipschitz_constant(drawn):
    f = PiecewiseLinearMap(*drawn)
    slopes = np.diff([float(y) for y in f.values]) / np.diff([float(x) for x in f.knots])
    # knots are up to 5 in size, and 1/42 apart or more
    np.testing.assert_allclose([float(slope) for slope in f.slopes], slopes, rtol=0, atol=1e-10)
    assert f.lipschitz == max(f.slopes + tuple(-slope for slope in f.slopes))
    assert f.pieces == len(f.slopes)
    assert f.interval == (f.knots[0], f.knots[-1])


@pytest.mark.parametrize(
    ("knots", "values", "said"),
    [
        ([0, 1], [0, 1, 0], "2 knots and 3 values: it takes two or more"),
        ([0], [0], "1 knots and 1 values: it takes two or more"),
        ([], [], "0 knots and 0 values"),
        ([0, 1, 1, 2], [0, 1, 2, 0], "knots do not increase: 1 follows 1"),
        ([0, 2.5, 1], [0, 1, 0], r"knots do not increase: 1 follows 2\.5"),
        ([0, 1, math.nan], [0, 1, 0], "nan is not a finite number"),
        ([0, 1, math.inf], [0, 1, 0], "inf is not a finite number"),
        ([0, 1, 2], [0, -math.inf, 0], "-inf is not a finite number"),
        ([0.0, 1, 2], [0, math.nan, 0], "nan is not a finite number"),
    ],
)
def test_what_is_no_map_is_refused(knots, values, said):
    with pytest.raises(ValueError, match=one_line(said)):
        PiecewiseLinearMap(knots, values)


# At a point -------------------------------------------------------------------------------------------------------


@light
@given(drawn=markov_maps(), shares=st.lists(SHARES, min_size=1, max_size=8))
def test_values_are_those_of_numpy(drawn, shares):
    f = PiecewiseLinearMap(*drawn)
    x = np.array([float(inside(f, share)) for share in shares])
    np.clip(x, float(f.knots[0]), float(f.knots[-1]), out=x)
    knots, values = np.array([float(k) for k in f.knots]), np.array([float(v) for v in f.values])
    # a rounding of the largest value
    np.testing.assert_allclose(f(x), np.interp(x, knots, values), rtol=0, atol=8 * EPS)
    assert f(x[0]) == f(x)[0]


@light
@given(drawn=markov_maps(), share=SHARES)
def test_an_exact_value_is_exact_and_the_float_is_near_it(drawn, share):
    f = PiecewiseLinearMap(*drawn)
    x = inside(f, share)
    y = f(x)
    assert isinstance(y, Fraction | Sqrt5)
    # on the line through both ends of its piece
    i = max(i for i in range(f.pieces) if f.knots[i] <= x)
    assert (y - f.values[i]) * (f.knots[i + 1] - x) == (f.values[i + 1] - y) * (x - f.knots[i])
    # x is rounded, and stretched by the slope
    low, high = (float(end) for end in f.interval)
    assert f(min(max(float(x), low), high)) == pytest.approx(float(y), abs=16 * EPS * (1 + float(f.lipschitz)))


@light
@given(drawn=markov_maps())
def test_knots_have_their_values(drawn):
    f = PiecewiseLinearMap(*drawn)
    assert tuple(f(x) for x in f.knots) == f.values


def test_arrays_give_arrays_of_their_shape_and_numbers_numbers():
    f = golden_map()
    assert f(np.zeros((2, 3))).shape == (2, 3)
    assert f(np.zeros(0)).shape == (0,)
    assert f([0, 0.5]).dtype == np.float64
    assert type(f(0.25)) is float
    assert type(f(np.float64(0.25))) is float
    assert isinstance(f(np.int64(0)), Fraction | Sqrt5)
    assert type(in_floats(f)(Fraction(1, 4))) is float


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (Fraction(-3, 2), r"x = -1\.5 is not in \[-1, 1\]"),
        (GOLDEN_RATIO, r"x = 1\.61803 is not in \[-1, 1\]"),
        (1.5, r"x = 1\.5 is not in \[-1, 1\]"),
        (math.nan, r"x = nan is not in \[-1, 1\]"),
        (np.array([0.0, 0.5, -2.0, 7.0]), r"x = -2 is not in \[-1, 1\]"),
        (np.array([0.0, math.nan]), r"x = nan is not in \[-1, 1\]"),
        (np.nextafter(1, 2), r"x = 1 is not in \[-1, 1\]"),
    ],
)
def test_a_point_outside_is_refused(x, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        golden_map()(x)


@light
@given(
    ends=st.tuples(st.floats(-4, -0.1), st.floats(0.1, 1)),
    share=st.floats(0.01, 0.99),
    up=st.booleans(),
    n=st.integers(1, 9),
)
def test_rounding_never_leaves_the_interval(ends, share, up, n):
    # beside a turning point a rounding upwards would be beyond its value, and the next iteration refused
    low, high = ends
    middle = low + (high - low) * share
    f = PiecewiseLinearMap([low, middle, high], [low, high, low] if up else [high, low, high])
    beside = np.nextafter([middle, high, low, middle], [low, low, high, high])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a steep piece loses digits soon
        assert ((low <= (y := f.iterate(beside, n))) & (y <= high)).all()


@pytest.mark.parametrize(
    ("x", "there"),
    [(1, Fraction(1)), (0.375, Fraction(3, 8)), (GOLDEN_RATIO, GOLDEN_RATIO), (np.int64(2), Fraction(2))],
)
def test_an_exact_map_takes_numbers_as_exact_ones(x, there):
    number = tent_map().as_number(x)
    assert number == there
    assert type(number) is type(there)
    assert type(in_floats(tent_map()).as_number(x)) is float
    assert in_floats(tent_map()).as_number(x) == float(there)


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("f", [tent_map(), tent_map(2.0)], ids=["exact", "float"])
def test_what_is_not_finite_is_no_number(f, x):
    with pytest.raises(ValueError, match=f"^{x} is not a finite number$"):
        f.as_number(x)


# Iterated, and written out ----------------------------------------------------------------------------------------


@light
@given(drawn=integer_maps() | markov_maps(3), n=st.integers(0, 4), shares=st.lists(SHARES, min_size=1, max_size=5))
def test_a_composition_is_the_iterate_at_every_point(drawn, n, shares):
    f = PiecewiseLinearMap(*drawn)
    composed = compose(f, n)
    assert all(composed(x) == f.iterate(x, n) for x in (inside(f, share) for share in shares))
    assert composed.interval == f.interval


def turning_points(f: PiecewiseLinearMap, n: int) -> list:
    """Where f^n may bend: what is carried to a knot by one of its powers, found backwards."""
    found = set(f.knots)
    for _ in range(n - 1):
        for y in list(found):
            for i, slope in enumerate(f.slopes):
                if slope != 0:
                    x = f.knots[i] + (y - f.values[i]) / slope
                    if f.knots[i] <= x <= f.knots[i + 1]:
                        found.add(x)
    return sorted(found)


@light
@given(drawn=integer_maps(4) | markov_maps(3), n=st.integers(1, 3))
def test_a_composition_has_a_knot_exactly_where_the_iterate_bends(drawn, n):
    f = PiecewiseLinearMap(*drawn)
    x = turning_points(f, n)
    y = [f.iterate(point, n) for point in x]
    slopes = [(y[i + 1] - y[i]) / (x[i + 1] - x[i]) for i in range(len(x) - 1)]
    bent = [x[0], *(x[i] for i in range(1, len(x) - 1) if slopes[i - 1] != slopes[i]), x[-1]]
    assert compose(f, n).knots == tuple(bent)


@light
@given(drawn=integer_maps(4), m=st.integers(0, 2), n=st.integers(0, 2))
def test_a_composition_composed_is_one_of_the_product(drawn, m, n):
    f = PiecewiseLinearMap(*drawn)
    assert compose(compose(f, m), n) == compose(f, m * n)


def test_nothing_iterated_is_the_identity():
    assert compose(golden_map(), 0) == PiecewiseLinearMap([-1, 1], [-1, 1])
    assert golden_map().iterate(Fraction(1, 3), 0) == Fraction(1, 3)


@light
@given(drawn=integer_maps(), unit=st.sampled_from([1.0, 0.1, 1 / 3, math.pi]), n=st.integers(1, 4))
def test_in_floats_a_composition_has_as_many_pieces_as_the_exact_one(drawn, unit, n):
    f = PiecewiseLinearMap(*drawn)
    # which needs that knots and bends of the size of a rounding are none
    scaled = PiecewiseLinearMap([float(x) * unit for x in f.knots], [float(y) * unit for y in f.values])
    composed, exact = compose(scaled, n), compose(f, n)
    assert composed.pieces == exact.pieces
    np.testing.assert_allclose(composed.knots, np.array(exact.knots, np.float64) * unit, rtol=0, atol=1e-12 * unit)


def test_in_floats_the_golden_map_composes_although_its_orbits_do_not_close():
    composed = compose(bounded_slope_map(float(GOLDEN_RATIO)), 12)
    assert composed.pieces == 2 * 233  # 2 F_13


def test_exact_iterates_keep_all_digits_where_floats_have_none():
    # The tent of slope 2 shifts the digits of x: after 54 steps a float has none left, and 1/3 goes to 2/3 for ever
    x = np.random.default_rng(0).uniform(size=200)
    with pytest.warns(UserWarning, match="float64 has lost its digits"):
        assert (tent_map().iterate(x, 54) == 0).all()
    assert tent_map().iterate(Fraction(1, 3), 54) == Fraction(2, 3)
    assert tent_map().iterate(Fraction(x[0]), 40) > 0


@pytest.mark.parametrize(
    ("f", "last"),
    # slope^n 2^-52 <= 1e-3
    [(tent_map(), 42), (golden_map(), 60), (li_yorke_map(), 42), (tent_map(2.0), 42), (tent_map(1), 1000)],
    ids=["tent", "golden", "Li-Yorke", "tent in floats", "slope 1"],
)
def test_a_warning_comes_with_the_step_that_leaves_less_than_three_digits(f, last):
    x = float(f.knots[1]) / 3 + float(f.knots[0]) * 2 / 3
    f.iterate(x, last)  # warnings are errors here
    if last < 1000:
        message = rf"^after {last + 1} iterations of slope up to [\d.]+ float64 has lost its digits: [^\n]*Fraction$"
        with pytest.warns(UserWarning, match=message):
            f.iterate(np.array([x]), last + 1)


def test_exact_numbers_are_iterated_without_a_warning():
    assert 0 <= tent_map().iterate(Fraction(1, 7), 500) <= 1
    assert -1 <= golden_map().iterate(GOLDEN_RATIO / 7, 200) <= 1


@pytest.mark.parametrize("n", [4, 20, 40])
def test_errors_of_floats_grow_no_faster_than_the_slope(n):
    # each of n steps adds a rounding or two, which later ones stretch
    f = golden_map()
    for share in (Fraction(1, 7), Fraction(5, 9), Fraction(41, 64)):
        x = 2 * share - 1
        assert abs(f.iterate(float(x), n) - float(f.iterate(x, n))) < 4 * n * EPS * float(f.lipschitz) ** n


LEAVES = PiecewiseLinearMap([0, 1, 2], [0, 3, 1])


@pytest.mark.parametrize("use", [lambda f: f.iterate(0, 2), lambda f: f.iterate(0.5, 2), lambda f: compose(f, 1)])
def test_a_map_that_leaves_its_interval_is_not_iterated(use):
    with pytest.raises(ValueError, match=r"^the map leaves its interval \[0, 2\]: it takes 1 to 3$"):
        use(LEAVES)
    assert LEAVES(1) == 3


@pytest.mark.parametrize("use", [lambda f: f.iterate(0, -1), lambda f: compose(f, -1)], ids=["iterate", "compose"])
def test_a_negative_number_of_times_is_refused(use):
    with pytest.raises(ValueError, match=r"^n = -1 is negative$"):
        use(tent_map())


def test_more_knots_than_fit_are_refused(monkeypatch):
    monkeypatch.setattr(composition, "_MOST_KNOTS", 1000)
    assert compose(tent_map(), 9).pieces == 512
    said = r"^n = 12 is too large to write out: the composition has more than 1000 knots$"
    with pytest.raises(ValueError, match=said):
        compose(tent_map(), 12)


# The maps of the papers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slope", [2, 1, Fraction(3, 2), GOLDEN_RATIO, 0.7, 1.618])
def test_tents_and_bounded_slopes_are_their_formulas(slope):
    for share in (Fraction(0), Fraction(1, 5), Fraction(1, 2), Fraction(7, 8), Fraction(1)):
        x = share if not isinstance(slope, float) else float(share)
        exactly = (lambda y: y) if not isinstance(slope, float) else lambda y: pytest.approx(y, abs=4 * EPS)
        assert tent_map(slope)(x) == exactly(slope * min(x, 1 - x))
        assert bounded_slope_map(slope)(2 * x - 1) == exactly(slope * abs(2 * x - 1) - 1)
    assert tent_map(slope).lipschitz == bounded_slope_map(slope).lipschitz == slope


@pytest.mark.parametrize("slope", [0, -1, 2.5, Fraction(21, 10), GOLDEN_RATIO + 1, math.nan, math.inf])
@pytest.mark.parametrize(("make", "where"), [(tent_map, r"\[0, 1\]"), (bounded_slope_map, r"\[-1, 1\]")])
def test_a_slope_that_would_leave_the_interval_is_refused(make, where, slope):
    with pytest.raises(ValueError, match=rf"^slope = \S+ is not in \(0, 2\]: the \w+ would leave {where}$"):
        make(slope)


def test_the_golden_map_has_period_3_on_0_and_minus_1_and_phi_minus_1():
    f = golden_map()
    assert [f.iterate(0, n) for n in range(4)] == [0, -1, GOLDEN_RATIO - 1, 0]
    assert f.lipschitz == GOLDEN_RATIO


@pytest.mark.parametrize("p", [3, 5, 7, 9])
def test_a_bounded_slope_has_an_odd_period_from_its_growth_rate_on(p):
    rate = Fraction(growth_rate(p))
    assert p in periods(bounded_slope_map(rate + Fraction(1, 10**9)), p)
    assert p not in periods(bounded_slope_map(rate - Fraction(1, 10**9)), p)


def test_li_and_yorkes_map_takes_1_to_5_to_3_5_4_2_1():
    assert [li_yorke_map()(k) for k in range(1, 6)] == [3, 5, 4, 2, 1]
    assert li_yorke_map() == period_map(5)


@pytest.mark.parametrize("p", range(2, 20))
def test_the_map_of_a_period_permutes_its_integers_in_one_cycle(p):
    f = period_map(p)
    assert f.is_exact
    assert f.interval == (1, p)
    assert sorted(f.iterate(1, n) for n in range(p)) == list(range(1, p + 1))
    assert f.iterate(1, p) == 1


@pytest.mark.parametrize("p", [1, 0, -3])
def test_there_is_no_map_of_a_period_below_2(p):
    with pytest.raises(ValueError, match=rf"^period = {p} is not at least 2$"):
        period_map(p)


@pytest.mark.parametrize(
    ("knots", "values", "turns"),
    [
        ([0, 1, 2], [0, 2, 0], [1]),
        ([0, 1, 2], [0, 1, 3], []),
        ([0, 1, 2, 3], [0, 1, 1, 0], [2]),  # a plateau's end
        ([0, 1, 2, 3], [0, 1, 1, 2], []),
        ([1, 2, 3, 4, 5], [3, 5, 4, 2, 1], [2]),
        ([0, 1, 2, 3], [0, 3, 1, 2], [1, 2]),
    ],
)
def test_turning_points(knots, values, turns):
    assert list(PiecewiseLinearMap(knots, values).turning_points) == turns


def test_a_composition_too_large_is_refused_before_it_is_written_out():
    with pytest.raises(ValueError, match=r"^n = 500 is too large to write out: .* more than \d+ knots$"):
        compose(tent_map(), 500)


@pytest.mark.parametrize(("f", "most"), [(tent_map(), 42), (golden_map(), 60), (tent_map(1), math.inf)])
def test_iterations_in_floats_end_where_a_user_is_warned(f, most):
    assert f.iterations_in_floats == most
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f.iterate(0.3, min(most, 1000))
        if most < math.inf:
            with pytest.raises(UserWarning, match=rf"^after {most + 1} iterations"):
                f.iterate(0.3, most + 1)
