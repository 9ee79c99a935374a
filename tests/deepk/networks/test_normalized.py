"""Normalized networks with explicit weights: beside numpy, and beside the compositional kernel they tend to."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from deepk.activations import Activation
from deepk.kernels import CompositionalKernel
from deepk.networks import NormalizedMlp

STANDARD_ERRORS = 5  # of an honest simulation, which leaves them once in two million; the seeds are fixed
RHO = 0.5
PAIR = torch.tensor([[1.0, 0.0, 0.0], [RHO, math.sqrt(1 - RHO**2), 0.0]], dtype=torch.float64)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(activation: str | Activation = "relu", *, depth: int = 3, width: int = 8, seed: int = 0) -> NormalizedMlp:
    return NormalizedMlp(3, activation, depth=depth, width=width, generator=seeded(seed))


def rows(n: int, seed: int = 1) -> Tensor:
    return torch.randn(n, 3, generator=seeded(seed), dtype=torch.float64)


# With E sigma(Z)^2 in closed form
SECOND_MOMENTS = {
    "relu": (lambda x: np.maximum(x, 0), 0.5),
    "identity": (lambda x: x, 1.0),
    "sin": (np.sin, (1 - math.exp(-2)) / 2),
}


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("name", SECOND_MOMENTS)
def test_outputs_are_those_of_the_definition(name, depth):
    sigma, second_moment = SECOND_MOMENTS[name]
    module, x = network(name, depth=depth, width=8), rows(5)
    *weights, last = (values.detach().numpy() for values in module.weights)
    h = x.numpy() / np.linalg.norm(x.numpy(), axis=1, keepdims=True)
    for layer, weight in enumerate(weights):
        # the units of the first layer have variance |x|^2 = 1, those of the others that of a mean over 8
        h = sigma(h @ weight.T / (math.sqrt(8) if layer else 1)) / math.sqrt(second_moment)
    np.testing.assert_allclose(module.hidden(x).detach().numpy(), h / math.sqrt(8), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(module(x).detach().numpy(), h @ last / math.sqrt(8), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_weights_have_the_shapes_of_their_layers(depth):
    module = NormalizedMlp(7, "gelu", depth=depth, width=4)
    shapes = [tuple(values.shape) for values in module.parameters()]
    assert shapes == [(4, 7), *[(4, 4)] * (depth - 1), (4,)]
    assert all(values.requires_grad and values.dtype == torch.float64 for values in module.parameters())
    assert module(torch.ones(6, 7, dtype=torch.float64)).shape == (6,)
    assert module.hidden(torch.ones(6, 7, dtype=torch.float64)).shape == (6, 4)


def test_weights_are_standard_normal():
    weights = torch.cat([values.detach().reshape(-1) for values in network(width=150).parameters()])
    n = len(weights)
    assert n > 40_000
    # the standard errors of the first four moments of a normal law: 1, sqrt(2), sqrt(15), sqrt(96) over sqrt(n)
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(float((weights**power).mean()) - moment) <= STANDARD_ERRORS * math.sqrt(spread / n)


def test_inputs_count_by_their_direction_alone():
    module, x = network("gelu"), rows(4)
    torch.testing.assert_close(module(x * torch.tensor([[1e-3], [2.0], [5.0], [1e6]])), module(x))


def test_a_seed_gives_the_same_network_again():
    first, second, other = (network(seed=seed)(PAIR) for seed in (3, 3, 4))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_without_a_generator_torchs_own_is_taken():
    made = []
    for _ in range(2):
        torch.manual_seed(5)
        made.append(NormalizedMlp(3, "relu", depth=2, width=4)(PAIR))
    assert torch.equal(*made)


def test_weights_may_be_float32():
    module = NormalizedMlp(3, "tanh", depth=2, width=16, generator=seeded(0), dtype=torch.float32)
    assert {values.dtype for values in module.parameters()} == {torch.float32}
    assert module(rows(2).float()).dtype == torch.float32


def test_an_activation_of_ones_own_is_taken():
    own = Activation.from_callable("own", lambda x: (2 * x).relu())
    torch.testing.assert_close(network(own)(PAIR), network("relu")(PAIR))  # of which a factor is normalized away


# The kernel -------------------------------------------------------------------------------------------------------


def products(activation: str, *, depth: int, width: int, count: int) -> np.ndarray:
    """(networks, 2): h_L(x) . h_L(y) / m of two inputs of correlation RHO, and of one with itself."""
    generator, found = seeded(width), []
    with torch.no_grad():
        for _ in range(count):
            h = NormalizedMlp(3, activation, depth=depth, width=width, generator=generator).hidden(PAIR)
            found.append([float(h[0] @ h[1]), float(h[0] @ h[0])])
    return np.array(found)


@pytest.mark.parametrize("activation", ["relu", "step"])
def test_products_of_one_layer_have_the_kernel_as_their_mean_at_any_width(activation):
    found = products(activation, depth=1, width=20, count=200)
    exact = np.array([CompositionalKernel(activation, 1)(RHO), 1.0])
    error = found.std(axis=0, ddof=1) / math.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - exact) <= STANDARD_ERRORS * error).all()
    assert (error < 0.05).all()


def test_products_of_deep_layers_tend_to_the_kernel():
    count, exact = 80, np.array([CompositionalKernel("relu", 3)(RHO), 1.0])
    narrow, wide = (products("relu", depth=3, width=width, count=count) for width in (25, 400))
    deviation = wide.mean(axis=0) - exact
    error = wide.std(axis=0, ddof=1) / math.sqrt(len(wide))
    # fluctuations of the variance of layers move the mean by the order of depth / width
    assert (np.abs(deviation) <= STANDARD_ERRORS * error + 3 / 400).all()
    assert (error < 0.03).all()
    # by 16 times the width their mean square falls to a sixteenth, but for 8 / width of itself
    squares = [(found - exact) ** 2 for found in (narrow, wide)]
    means = [each.mean(axis=0) for each in squares]
    spreads = [each.std(axis=0, ddof=1) / math.sqrt(count) / mean for each, mean in zip(squares, means, strict=True)]
    allowed = STANDARD_ERRORS * np.hypot(*spreads) + 8 / 25
    assert (np.abs(np.log(means[0] / means[1] / 16)) <= allowed).all()
    assert (allowed < math.log(16)).all()  # which would be found where they did not fall, or fell twice as fast


def test_outputs_have_the_variance_of_the_kernel():
    # v is independent of h_L: E f(x) f(y) = E h_L(x) . h_L(y) / m
    outputs = torch.stack([network("gelu", depth=1, width=12, seed=seed)(PAIR).detach() for seed in range(400)])
    found = (outputs[:, 0] * outputs[:, 1]).numpy()
    error = found.std(ddof=1) / math.sqrt(len(found))
    assert abs(found.mean() - CompositionalKernel("gelu", 1)(RHO)) <= STANDARD_ERRORS * error
    assert error < 0.1


# Bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("features", "depth", "width"), [(3, 0, 4), (3, -1, 4), (3, 2, 0), (3, 2, -3), (0, 2, 4)])
def test_features_a_depth_or_width_below_one_are_refused_in_one_line(features, depth, width):
    said = rf"^features = {features}, depth = {depth} and width = {width} must be at least 1$"
    with pytest.raises(ValueError, match=said):
        NormalizedMlp(features, "relu", depth=depth, width=width)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match=r"^unknown activation 'rellu'; did you mean relu\?[^\n]*$"):
        NormalizedMlp(3, "rellu", depth=2, width=4)
