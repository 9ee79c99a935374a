"""The deep network of an iterate: the iterate itself, with as many layers and units as promised."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from piecewise import integer_maps, markov_maps
from torch import nn

from deepk.dynamics import (
    PiecewiseLinearMap,
    golden_map,
    li_yorke_map,
    linear_pieces,
    period_map,
    relu_network,
    relu_pieces_bound,
    tent_map,
)

EPS = float(np.finfo(np.float64).eps)
SHIFTED = PiecewiseLinearMap([-3, Fraction(-1, 2), 1, 4], [Fraction(7, 2), -2, 4, Fraction(-1, 3)])
MAPS = {
    "tent": tent_map(),
    "golden": golden_map(),
    "Li-Yorke": li_yorke_map(),
    "period 4": period_map(4),
    "period 7": period_map(7),
    "no value at zero": SHIFTED,
    "in floats": PiecewiseLinearMap([0.1, 0.25, 0.9], [0.9, 0.15, 0.6]),
    "constant": PiecewiseLinearMap([1, 2], [Fraction(3, 2), Fraction(3, 2)]),
}


def rounding(f: PiecewiseLinearMap, n: int) -> float:
    """Each layer adds up a term per unit, a change of slope times a distance; later ones stretch its errors."""
    slope, width = max(float(f.lipschitz), 1.0), f.pieces
    start, end = (float(x) for x in f.interval)
    size = max(abs(start), abs(end)) + 2 * width * slope * (end - start)
    return n * slope**n * (width + 2) * size * EPS


def check(f: PiecewiseLinearMap, n: int) -> None:
    start, end = (float(x) for x in f.interval)
    x = np.unique([*np.linspace(start, end, 23), *(float(knot) for knot in f.knots)])
    x = x[[f.as_number(float(point)) >= f.knots[0] and f.as_number(float(point)) <= f.knots[-1] for point in x]]
    with torch.no_grad():
        found = relu_network(f, n)(torch.from_numpy(x)[:, None])
    assert found.shape == (len(x), 1)
    assert found.dtype == torch.float64
    exact = [float(f.iterate(f.as_number(float(point)), n)) for point in x]
    np.testing.assert_allclose(found[:, 0].numpy(), exact, rtol=0, atol=rounding(f, n))


@pytest.mark.parametrize("n", [1, 2, 5, 12])
@pytest.mark.parametrize("f", MAPS.values(), ids=MAPS)
def test_it_computes_the_iterate_up_to_rounding(f, n):
    check(f, n)
    assert n > 5 or rounding(f, n) < 1e-6  # and the tolerance is one


@settings(max_examples=15, deadline=None)
@given(drawn=integer_maps() | markov_maps(), n=st.integers(1, 4))
def test_so_it_does_for_any_map(drawn, n):
    check(PiecewiseLinearMap(*drawn), n)


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("f", MAPS.values(), ids=MAPS)
def test_it_has_a_hidden_layer_for_each_composition_as_wide_as_the_map_has_pieces(f, n):
    network = relu_network(f, n)
    assert [type(layer) for layer in network] == [*[nn.Linear, nn.ReLU] * n, nn.Linear]
    shapes = [tuple(layer.weight.shape) for layer in network if isinstance(layer, nn.Linear)]
    width = f.pieces
    assert shapes == [(width, 1), *[(width, width)] * (n - 1), (1, width)]
    assert {p.dtype for p in network.parameters()} == {torch.float64}


@pytest.mark.parametrize(
    ("f", "n"), [(tent_map(), 8), (golden_map(), 10), (li_yorke_map(), 6)], ids=["tent", "golden", "Li-Yorke"]
)
def test_it_bends_as_often_as_the_iterate(f, n):
    # slopes by autograd, in the middles of cells that are narrower than any piece: no knot is such a fraction of 2^16
    start, end = (float(x) for x in f.interval)
    middles = (torch.arange(2**15, dtype=torch.float64) + 0.5) / 2**15
    x = (start + (end - start) * middles)[:, None].requires_grad_()
    (slopes,) = torch.autograd.grad(relu_network(f, n)(x).sum(), x)
    changes = int((slopes.diff(dim=0).abs() > 1e-6).sum())
    assert changes == linear_pieces(f, n) - 1 < relu_pieces_bound(n, f.pieces)


def test_with_two_units_a_layer_it_has_more_pieces_than_a_hundred_units_in_one():
    assert linear_pieces(tent_map(), 7) > relu_pieces_bound(1, 100)
    check(tent_map(), 7)


def test_it_can_be_trained_and_draws_nothing_from_the_global_generator():
    before = torch.random.get_rng_state()
    network = relu_network(golden_map(), 3)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("n", [0, -1])
def test_no_compositions_are_refused(n):
    with pytest.raises(ValueError, match=rf"^n = {n} is not at least 1$"):
        relu_network(tent_map(), n)


def test_a_map_that_leaves_its_interval_is_refused():
    with pytest.raises(ValueError, match=r"^the map leaves its interval \[0, 1\]: it takes 1 to 2$"):
        relu_network(PiecewiseLinearMap([0, 1], [0, 2]), 2)
