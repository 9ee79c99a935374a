"""Tables of functions of one number: their error, their edges and slopes, and what is not resolved by pieces."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from deepk.tabulation import Table, tabulate

EPS = 2.0**-52
Function = Callable[[np.ndarray], np.ndarray]


def table_of(f: Function, low: float, high: float, noise: float = 0.0) -> Table | None:
    found = tabulate(lambda x: (f(x),), low, high, noise=noise)
    return None if found is None else found[0]


def tabulated(f: Function, low: float, high: float, noise: float = 0.0) -> Table:
    found = table_of(f, low, high, noise)
    assert found is not None
    return found


def at(table: Table, x: np.ndarray) -> np.ndarray:
    return table(torch.from_numpy(x)).numpy()


def steep(x: np.ndarray) -> np.ndarray:
    return np.tanh(100 * x)


SMOOTH: dict[str, tuple[Function, float, float]] = {
    "line": (lambda x: 3 * x - 1, -2.0, 5.0),
    "polynomial": (lambda x: x**3 - 2 * x, -1.0, 1.0),
    "exponential": (np.exp, -20.0, 1.0),
    "sine": (np.sin, -7.0, 9.0),
    "steep": (steep, -2.0, 3.0),
    "pole-beside": (lambda x: 1 / (1 + 25 * x * x), -1.0, 1.0),
    "constant": (lambda x: 3 + 0 * x, 0.0, 8.0),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_a_smooth_function_is_known_to_a_few_roundings(name):
    f, low, high = SMOOTH[name]
    table = tabulated(f, low, high)
    x = np.append(np.random.default_rng(0).uniform(low, high, 3000), [low, high])
    # x rounds, and is moved to [-1, 1] on its piece, which the slope turns into an error of f
    slope = max(abs(table.least_slope), abs(table.largest_slope))
    rounding = 4 * EPS * (np.abs(f(x)).max() + slope * max(abs(low), abs(high)))
    assert np.abs(at(table, x) - f(x)).max() <= 2 * table.rest + rounding
    assert table.rest <= 1e-14


@pytest.mark.parametrize("name", SMOOTH)
def test_pieces_cover_the_interval_in_order(name):
    f, low, high = SMOOTH[name]
    table = tabulated(f, low, high)
    assert (table.edges.diff() > 0).all()
    assert (float(table.edges[0]), float(table.edges[-1])) == (low, high)
    assert table.polynomials.shape[1] == len(table.edges) - 1


def test_pieces_are_short_where_the_function_is_steep():
    table = tabulated(steep, -2.0, 3.0)
    middles, widths = (table.edges[1:] + table.edges[:-1]) / 2, table.edges.diff()
    assert widths[middles.abs() < 0.02].max() < 0.05
    assert widths[middles > 1].min() > 0.25


@pytest.mark.parametrize("name", ["exponential", "sine", "pole-beside"])
def test_the_function_is_continuous_across_its_edges(name):
    f, low, high = SMOOTH[name]
    table = tabulated(f, low, high)
    edges = table.edges[1:-1].numpy()
    jump = at(table, np.nextafter(edges, high)) - at(table, edges)
    assert np.abs(jump).max() <= 1e-14


def test_it_is_constant_below_and_above():
    table = tabulated(np.sin, -7.0, 9.0)
    ends = at(table, np.array([-7.0, 9.0]))
    for below, above in ((-7.1, 9.1), (-1e300, 1e300), (-math.inf, math.inf)):
        assert at(table, np.array([below, above])).tolist() == ends.tolist()


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (0, 2)], ids=str)
def test_values_keep_the_shape_of_their_places(shape):
    table = tabulated(np.sin, -7.0, 9.0)
    found = table(torch.full(shape, 0.5, dtype=torch.float64))
    assert found.shape == shape
    assert found.dtype == torch.float64
    assert found.numpy() == pytest.approx(np.full(shape, math.sin(0.5)), abs=1e-14)


def test_a_place_that_is_no_number_has_no_value():
    assert math.isnan(at(tabulated(np.sin, -7.0, 9.0), np.array([math.nan]))[0])


@pytest.mark.parametrize("name", ["line", "exponential", "sine", "steep"])
def test_slopes_are_the_smallest_and_largest_of_the_derivative(name):
    f, low, high = SMOOTH[name]
    slopes = {
        "line": (3.0, 3.0),
        "exponential": (math.exp(low), math.exp(high)),
        "sine": (-1.0, 1.0),
        "steep": (0.0, 100.0),
    }[name]
    table = tabulated(f, low, high)
    # at nodes, of which the outermost are 2% of a piece from its end
    assert table.least_slope == pytest.approx(slopes[0], rel=0.1, abs=1e-8)
    assert table.largest_slope == pytest.approx(slopes[1], rel=0.1, abs=1e-8)
    assert table.least_slope >= slopes[0] - 1e-9
    assert table.largest_slope <= slopes[1] + 1e-9


def test_several_functions_share_the_pieces_of_the_one_that_needs_most():
    both = tabulate(lambda x: (steep(x), x**2), -2.0, 3.0)
    assert both is not None
    alone = tabulated(steep, -2.0, 3.0)
    assert torch.equal(both[0].edges, alone.edges)
    assert torch.equal(both[0].edges, both[1].edges)
    assert torch.equal(both[0].polynomials, alone.polynomials)
    x = np.linspace(-2, 3, 101)
    assert at(both[1], x) == pytest.approx(x**2, abs=1e-14)
    assert both[1].largest_slope == pytest.approx(6, rel=0.01)


def test_noise_is_not_resolved_where_it_is_allowed():
    def rough(x: np.ndarray) -> np.ndarray:
        return np.sin(x) + 1e-10 * np.sin(1e9 * x)

    assert table_of(rough, 0.0, 8.0) is None
    table, x = tabulated(rough, 0.0, 8.0, noise=1e-9), np.linspace(0, 8, 999)
    assert len(table.edges) <= 9
    # noise of a node is stretched between nodes by the Lebesgue constant, 3 for 13 of Chebyshev
    assert np.abs(at(table, x) - np.sin(x)).max() <= 4e-10
    assert 1e-12 < table.rest < 1e-9


def test_large_values_are_resolved_to_their_own_rounding():
    table, x = tabulated(lambda x: 1e8 + np.sin(x), 0.0, 8.0), np.linspace(0, 8, 999)
    assert len(table.edges) <= 9
    assert np.abs(at(table, x) - (1e8 + np.sin(x))).max() <= 1e8 * 8 * EPS


def test_a_kink_that_halving_finds_is_an_edge():
    table = tabulated(np.abs, -1.0, 1.0)
    assert 0 in table.edges.tolist()
    assert (table.least_slope, table.largest_slope) == pytest.approx((-1, 1))


UNRESOLVED: dict[str, Function] = {
    "jump": lambda x: np.where(x > 0.3, 1.0, 0.0),
    "root": lambda x: np.sqrt(np.abs(x - 0.3)),
    "too-fast": lambda x: np.sin(1e5 * x),
    "undefined": lambda x: np.where(x > 0.3, math.nan, x),
    "infinite": lambda x: np.where(x > 0.3, math.inf, x),
}


@pytest.mark.parametrize("name", UNRESOLVED)
def test_what_is_not_smooth_has_no_table(name):
    f = UNRESOLVED[name]
    assert table_of(f, -1.0, 2.0) is None
    assert tabulate(lambda x: (x, f(x)), -1.0, 2.0) is None
