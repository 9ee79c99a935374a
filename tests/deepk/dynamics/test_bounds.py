"""Bounds against networks that are measured; floors of the best constant against closed forms and samples."""

import math
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from piecewise import integer_maps, markov_maps
from scipy import stats
from torch import nn

from deepk.dynamics import (
    GOLDEN_RATIO,
    PiecewiseLinearMap,
    bounded_slope_map,
    compose,
    constant_predictor_floor,
    crossings,
    golden_map,
    l1_lower_bound,
    li_yorke_map,
    period_map,
    relu_pieces_bound,
    share_above,
    tent_map,
)

light = settings(max_examples=15, deadline=None)

EPS = float(np.finfo(np.float64).eps)
ROUNDING = 1e-12  # of a sum of some masses and squares, all below 100
ERRORS = float(
    stats.norm.isf(1e-6 / 2)
)  # standard errors that a mean of many leaves with this probability; seeds fixed
PHI = (1 + math.sqrt(5)) / 2

SHAPES = [(1, 1), (1, 4), (2, 3), (3, 2), (4, 2), (2, 6)]


def random_network(depth: int, width: int, seed: int) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    sizes = [1, *[width] * depth, 1]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layer = nn.utils.skip_init(nn.Linear, fan_in, fan_out, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.normal_(0, math.sqrt(2 / fan_in), generator=generator)
            layer.bias.normal_(0, 0.5, generator=generator)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def values_and_slopes(network: nn.Module, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = torch.from_numpy(x)[:, None].requires_grad_()
    y = network(points)
    (slopes,) = torch.autograd.grad(y.sum(), points)
    return y.detach().numpy()[:, 0], slopes.numpy()[:, 0]


MIDDLES = (np.arange(2**15) + 0.5) / 2**15  # of cells


def pieces_seen(network: nn.Module, start: float, end: float) -> int:
    """Changes of the slope along a fine grid, which may miss a piece between two of its points."""
    _, slopes = values_and_slopes(network, start + (end - start) * MIDDLES)
    return 1 + int((np.abs(np.diff(slopes)) > 1e-9 * np.abs(slopes).max()).sum())


# Pieces of networks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "width"), SHAPES)
def test_no_random_network_has_more_pieces(depth, width):
    seen = [pieces_seen(random_network(depth, width, seed), -4, 4) for seed in range(12)]
    assert max(seen) <= relu_pieces_bound(depth, width)
    assert max(seen) > 1


@pytest.mark.parametrize("width", [1, 2, 5, 13])
def test_one_layer_with_its_kinks_apart_has_all_of_them(width):
    network = random_network(1, width, 0)
    with torch.no_grad():
        network[0].weight.fill_(1.0)
        network[0].bias.copy_(-torch.linspace(-3, 3, width + 2, dtype=torch.float64)[1:-1])
    assert pieces_seen(network, -4, 4) == relu_pieces_bound(1, width) == width + 1


def test_each_layer_multiplies_and_no_layer_is_a_straight_line():
    assert [relu_pieces_bound(depth, 20) for depth in range(6)] == [1, 21, 441, 9261, 194481, 4084101]
    assert relu_pieces_bound(100, 99) == 100**100


@pytest.mark.parametrize(("depth", "width"), [(-1, 3), (2, 0), (2, -1)])
def test_a_network_of_no_shape_is_refused(depth, width):
    with pytest.raises(ValueError, match=rf"^depth = {depth}, width = {width}: it takes at least 0 and 1$"):
        relu_pieces_bound(depth, width)


# A floor of the distance ------------------------------------------------------------------------------------------

BELOW, WHOLE = (-1, 0), (-1, GOLDEN_RATIO - 1)


@pytest.mark.parametrize("depth", range(1, 6))
@pytest.mark.parametrize(("interval", "height"), [(BELOW, 0.1809), (WHOLE, 0.2927)], ids=["[-1, 0]", "[-1, phi - 1]"])
def test_forty_golden_compositions_keep_their_distance_from_width_20(interval, height, depth):
    # height (1 - 2 p / s), the height to four digits
    bound = l1_lower_bound(golden_map(), 40, depth, 20, interval)
    share = 1 - 2 * 21**depth / bound.crossings
    assert (bound.pieces, bound.crossings) == (21**depth, crossings(golden_map(), 40, *interval))
    assert bound.value == pytest.approx(height * share, abs=0.5e-4)
    assert bound.mean == pytest.approx(bound.value / 2, rel=EPS)
    assert bound.condition == f"{bound.crossings} crossings > 2 x {21**depth} pieces"
    assert depth < 5 or 0.95 < share < 0.99  # and still says something


def test_without_an_interval_it_is_the_best_between_knots_and_values():
    best = l1_lower_bound(golden_map(), 40, 3, 20)
    assert best == l1_lower_bound(golden_map(), 40, 3, 20, WHOLE)
    assert best.interval == WHOLE


@light
@given(drawn=integer_maps() | markov_maps(3), n=st.integers(1, 4), width=st.integers(1, 3), data=st.data())
def test_no_interval_between_knots_is_better_than_the_best(drawn, n, width, data):
    f = PiecewiseLinearMap(*drawn)
    low, high = sorted(data.draw(st.lists(st.sampled_from(f.knots), min_size=2, max_size=2, unique=True)))
    best, other = l1_lower_bound(f, n, 1, width), l1_lower_bound(f, n, 1, width, (low, high))
    assert (best.value or 0) >= (other.value or 0)
    assert best == l1_lower_bound(f, n, 1, width, best.interval)


def test_where_none_holds_the_best_says_so_of_the_most_crossings():
    bound = l1_lower_bound(tent_map(), 3, 1, 20)
    assert (bound.value, bound.crossings, bound.condition) == (None, 8, "8 crossings > 2 x 21 pieces does not hold")


@pytest.mark.parametrize("n", [8, 20, 60, 400])
def test_of_tents_it_is_an_eighth_but_for_the_pieces(n):
    bound = l1_lower_bound(tent_map(), n, 1, 20, (0, 1))
    # the exponent is a difference of logarithms of size n
    assert bound.value == bound.mean == pytest.approx((1 - 2 * 21 / 2**n) / 8, rel=8 * n * EPS)


@light
@given(drawn=integer_maps() | markov_maps(3), n=st.integers(1, 5), width=st.integers(1, 3))
def test_it_is_its_formula(drawn, n, width):
    f = PiecewiseLinearMap(*drawn)
    low, high = f.interval
    bound = l1_lower_bound(f, n, 1, width, (low, high))
    s, p = crossings(f, n, low, high), width + 1
    assert (bound.value is None) == (s <= 2 * p)
    if bound.value is not None:
        exact = None
        if all(isinstance(number, Fraction) for number in (low, high, f.lipschitz)):
            exact = Fraction(s - 2 * p, 2) * ((high - low) / 2) ** 2 / f.lipschitz**n
        expected = exact or (s / 2 - p) * (float(high - low) / 2) ** 2 / float(f.lipschitz) ** n
        assert bound.value == pytest.approx(float(expected), rel=ROUNDING)
        assert bound.mean == pytest.approx(bound.value / float(high - low), rel=EPS)


@pytest.mark.parametrize(("n", "depth"), [(3, 1), (8, 2), (1, 1)])
def test_where_it_says_nothing_it_says_why(n, depth):
    bound = l1_lower_bound(golden_map(), n, depth, 20, BELOW)
    assert (bound.value, bound.mean) == (None, None)
    assert bound.condition == f"{bound.crossings} crossings > 2 x {21**depth} pieces does not hold"
    assert bound.crossings <= 2 * bound.pieces


def mean_distance(f: PiecewiseLinearMap, n: int, g, steepest: float) -> tuple[float, float]:
    """Mean of |f^n - g| in the middles of cells, and how far that may be off: a quarter of a cell, times the slope."""
    start, end = (float(x) for x in f.interval)
    x = start + (end - start) * MIDDLES
    error = (float(f.lipschitz) ** n + steepest) * (end - start) / len(x) / 4
    return float(np.abs(f.iterate(x, n) - g(x)).mean()), error


CASES = [
    pytest.param(tent_map(), 7, (0, 1), id="tent"),
    pytest.param(golden_map(), 9, BELOW, id="golden"),
    pytest.param(golden_map(), 9, WHOLE, id="golden, wider"),
    pytest.param(li_yorke_map(), 9, (2, 4), id="Li-Yorke"),
]
written = cache(compose)


@pytest.mark.parametrize(("f", "n", "interval"), CASES)
@pytest.mark.parametrize(("depth", "width"), [(1, 3), (1, 6), (2, 2)])
def test_no_random_network_is_nearer(f, n, interval, depth, width):
    bound = l1_lower_bound(f, n, depth, width, interval)
    for seed in range(8):
        network = random_network(depth, width, seed)
        start, end = (float(x) for x in f.interval)
        _, slopes = values_and_slopes(network, np.linspace(start, end, 4001))
        distance, error = mean_distance(f, n, lambda x, net=network: values_and_slopes(net, x)[0], abs(slopes).max())
        assert distance + error >= bound.mean


@pytest.mark.parametrize(("f", "n", "interval"), CASES)
@pytest.mark.parametrize("width", [2, 6, 10])
def test_a_network_that_copies_as_many_pieces_as_it_has_is_no_nearer(f, n, interval, width):
    # f^n on its first pieces, and from there on the middle: one layer, each kink a unit
    bound = l1_lower_bound(f, n, 1, width, interval)
    whole = written(f, n)
    knots = [float(x) for x in whole.knots[:width]]
    values = [*[float(y) for y in whole.values[: width - 1]], float(interval[0] + interval[1]) / 2]
    steep = max(abs(np.diff(values) / np.diff(knots)))
    distance, error = mean_distance(f, n, lambda x: np.interp(x, knots, values), steep)
    assert distance + error >= bound.mean > 0


@pytest.mark.parametrize(("f", "n", "interval"), CASES)
def test_the_best_constant_is_no_nearer(f, n, interval):
    for more in (0, 10, 40):
        bound = l1_lower_bound(f, n + more, 1, 1, interval)
        assert constant_predictor_floor(f, n + more).mae >= bound.mean > 0


def test_a_float_may_be_an_end():
    exactly = l1_lower_bound(golden_map(), 9, 1, 3, (Fraction(-1, 2), Fraction(1, 4)))
    assert l1_lower_bound(golden_map(), 9, 1, 3, (-0.5, 0.25)) == exactly
    in_floats = l1_lower_bound(bounded_slope_map(PHI), 9, 1, 3, (Fraction(-1, 2), 0.25))
    assert in_floats.value == pytest.approx(exactly.value, rel=ROUNDING)


# The best constant ------------------------------------------------------------------------------------------------


def golden_limit() -> dict[str, float]:
    """Of the invariant density (5 + sqrt 5)/10 on [-1, 0] and 1/sqrt 5 on [0, phi - 1], by hand."""
    left, right, end = (5 + math.sqrt(5)) / 10, 1 / math.sqrt(5), PHI - 1
    mean = -left / 2 + right * end**2 / 2
    median = 1 / (2 * left) - 1
    mae = left * (median**2 + (1 + median) ** 2) / 2 + right * ((end - median) ** 2 - median**2) / 2
    return {"mse": left / 3 + right * end**3 / 3 - mean**2, "mae": mae, "mean": mean, "median": median}


@pytest.mark.parametrize("n", [80, 200])
def test_of_many_golden_compositions_it_is_that_of_the_invariant_density(n):
    floor = constant_predictor_floor(golden_map(), n)
    assert vars(floor) == pytest.approx(golden_limit(), rel=0, abs=ROUNDING)
    assert share_above(golden_map(), n, 0) == pytest.approx((PHI - 1) / math.sqrt(5), abs=ROUNDING)


@pytest.mark.parametrize("n", [8, 16, 40])
def test_of_golden_compositions_it_is_as_recomputed(n):
    # to three digits at each of these
    floor = constant_predictor_floor(golden_map(), n)
    printed = {"mse": 0.2000, "mae": 0.3782, "mean": -0.27639, "median": -0.3090}
    assert vars(floor) == pytest.approx(printed, rel=0, abs=2e-4)
    assert share_above(golden_map(), n, 0) == pytest.approx(0.2764, abs=2e-4)


@pytest.mark.parametrize("n", [1, 2, 30])
def test_an_iterated_tent_is_uniform(n):
    floor = constant_predictor_floor(tent_map(), n)
    assert (floor.mse, floor.mae) == pytest.approx((1 / 12, 1 / 4), rel=4 * EPS)
    assert (floor.mean, floor.median) == pytest.approx((1 / 2, 1 / 2), rel=4 * EPS)
    assert [share_above(tent_map(), n, Fraction(k, 8)) for k in range(-1, 10)] == pytest.approx(
        [1, *(1 - k / 8 for k in range(9)), 0], abs=4 * EPS
    )


TABLE = PiecewiseLinearMap(range(4), [0, 3, 3, 0])  # a third lands on 3, the rest evenly on [0, 3]; 3 goes to 0


@pytest.mark.parametrize(
    ("n", "mse", "mae", "mean", "median"),
    [
        # by hand: 2/3 of a uniform number on [0, 3] and 1/3 of 3
        (1, 1, 0.875, 2, 2.25),
        # 4/9 of one, 2/9 of 3 and 1/3 of 0: the median at 3 (1/2 - 1/3) / (4/9)
        (
            2,
            4 / 9 * 3 + 2 / 9 * 9 - 16 / 9,
            2 / 9 * 1.875 + 1 / 3 * 1.125 + 4 / 9 * (1.125**2 + 1.875**2) / 6,
            4 / 3,
            1.125,
        ),
    ],
)
def test_a_flat_piece_puts_mass_on_a_point(n, mse, mae, mean, median):
    floor = constant_predictor_floor(TABLE, n)
    assert (floor.mse, floor.mae, floor.mean, floor.median) == pytest.approx((mse, mae, mean, median), rel=8 * EPS)


def test_an_almost_flat_piece_puts_it_almost_there():
    # where a density of 1e15 would drown the others
    flat, almost = (PiecewiseLinearMap([0.0, 0.3, 0.6, 1.0], [0.2, 0.9, top, 0.1]) for top in (0.9, 0.9 + 1e-15))
    for n in (1, 5, 8):
        assert vars(constant_predictor_floor(almost, n)) == pytest.approx(
            vars(constant_predictor_floor(flat, n)), abs=ROUNDING
        )


def test_a_level_at_a_point_of_mass_is_not_above_itself():
    assert share_above(TABLE, 1, 3) == 0
    assert share_above(TABLE, 1, 2.999) == pytest.approx(1 / 3 + 2 / 3 * 0.001 / 3, rel=ROUNDING)
    assert share_above(TABLE, 2, 0) == pytest.approx(2 / 3, rel=ROUNDING)


@pytest.mark.parametrize("value", [0, Fraction(1, 3), 1])
def test_of_a_constant_map_nothing_is_left(value):
    floor = constant_predictor_floor(PiecewiseLinearMap([0, 1], [value, value]), 3)
    assert (floor.mse, floor.mae, floor.mean, floor.median) == (0, 0, float(value), float(value))


@light
@given(drawn=integer_maps(4) | markov_maps(3), n=st.integers(1, 3))
def test_by_its_partition_it_is_as_if_the_iterate_were_written_out(drawn, n):
    # the same map in floats has no partition; the median of a law with a gap is any point of the gap
    f = PiecewiseLinearMap(*drawn)
    floats = PiecewiseLinearMap([float(x) for x in f.knots], [float(y) for y in f.values])
    carried, written = constant_predictor_floor(f, n), constant_predictor_floor(floats, n)
    assert (carried.mse, carried.mae, carried.mean) == pytest.approx(
        (written.mse, written.mae, written.mean), rel=0, abs=1e-9
    )


SAMPLED = {
    "golden": golden_map(),
    "Li-Yorke": li_yorke_map(),
    "period 6": period_map(6),
    "flat": TABLE,
    "no partition": bounded_slope_map(Fraction(809, 500)),
    "floats": PiecewiseLinearMap([0.0, 0.3, 0.45, 1.0], [0.2, 1.0, 0.0, 0.7]),
    "flat in floats": PiecewiseLinearMap([0.0, 0.3, 0.45, 1.0], [0.2, 0.9, 0.9, 0.1]),
    "golden ends": PiecewiseLinearMap([0, 1, GOLDEN_RATIO], [1, GOLDEN_RATIO, 0]),
}


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("f", SAMPLED.values(), ids=SAMPLED)
def test_it_is_that_of_a_sample_up_to_its_error(f, n):
    floor, size = constant_predictor_floor(f, n), 20_000
    start, end = (float(x) for x in f.interval)
    y = f.iterate(np.random.default_rng(n).uniform(start, end, size), n)
    squares, away = (y - floor.mean) ** 2, np.abs(y - floor.median)
    for sample, mean in [(y, floor.mean), (squares, floor.mse), (away, floor.mae)]:
        assert abs(sample.mean() - mean) < ERRORS * sample.std() / math.sqrt(size)
    half = ERRORS / 2 / math.sqrt(size)
    assert (y < floor.median - 1e-9).mean() - half < 0.5 < (y <= floor.median + 1e-9).mean() + half
    for level in np.linspace(start, end, 7)[1:-1] + 1e-6:
        share = share_above(f, n, float(level))
        assert abs((y > level).mean() - share) <= ERRORS * math.sqrt(share * (1 - share) / size) + EPS


@light
@example(drawn=([Fraction(-5, 2), -2, Fraction(1, 3)], [Fraction(1, 3), *[Fraction(-5, 2)] * 2]), n=2, share=0)
@given(drawn=integer_maps(4) | markov_maps(3), n=st.integers(1, 3), share=st.floats(0, 1))
def test_no_other_constant_is_better(drawn, n, share):
    # E |Y - c| <= E |Y - median| + |c - median|, and mean absolute errors are below root mean squares
    f = PiecewiseLinearMap(*drawn)
    floor = constant_predictor_floor(f, n)
    low, high = float(f.knots[0]), float(f.knots[-1])
    assert low - ROUNDING <= floor.mean <= high + ROUNDING
    assert low <= floor.median <= high
    assert floor.mae <= math.sqrt(floor.mse) + ROUNDING
    assert abs(floor.mean - floor.median) <= math.sqrt(floor.mse) + ROUNDING
    level = low + share * (high - low)
    assert 0 <= share_above(f, n, level) <= 1 + ROUNDING


@pytest.mark.parametrize("ask", [constant_predictor_floor, lambda f, n: share_above(f, n, 0.5)], ids=["floor", "share"])
def test_laws_of_no_composition_are_refused(ask):
    with pytest.raises(ValueError, match=r"^n = 0 is not at least 1$"):
        ask(tent_map(), 0)
    with pytest.raises(ValueError, match=r"^the map leaves its interval \[0, 1\]: it takes 1 to 2$"):
        ask(PiecewiseLinearMap([0, 1], [0, 2]), 1)
