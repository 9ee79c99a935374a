"""The tangent kernel of a finite network: beside gradients one by one, and beside the limit of infinite width."""

import math
from functools import cache

import jaxtyping
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deepk.kernels import TangentKernel
from deepk.networks import NormalizedMlp, empirical_tangent_kernel

STANDARD_ERRORS = 5  # of an honest simulation, which leaves them once in two million; the seeds are fixed


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(n: int, d: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=seeded(seed), dtype=torch.float64)


def initialized(module: nn.Module, seed: int = 1) -> nn.Module:
    """In float64, parameters and buffers of a fixed seed."""
    module, generator = module.double(), seeded(seed)
    with torch.no_grad():
        for values in module.parameters():
            values.copy_(torch.randn(values.shape, generator=generator, dtype=torch.float64) / 2)
        for values in module.buffers():
            if values.is_floating_point():
                values.copy_(torch.rand(values.shape, generator=generator, dtype=torch.float64) + 0.5)
    return module


class Scaled(nn.Module):
    """A buffer that is saved, one that is not, and outputs without a dimension of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(3, 5), nn.Linear(5, 1)
        self.register_buffer("saved", torch.ones(5))
        self.register_buffer("left_out", torch.ones(5), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = (self.inner(x) * self.saved).tanh() * self.left_out
        return self.outer(hidden).squeeze(1)


def networks() -> dict[str, nn.Module]:
    made = {
        "linear": nn.Linear(3, 1),
        "one-output": nn.Sequential(nn.Linear(3, 7), nn.ReLU(), nn.Linear(7, 1)),
        "several-outputs": nn.Sequential(nn.Linear(3, 7), nn.Tanh(), nn.Linear(7, 5), nn.GELU(), nn.Linear(5, 4)),
        "batch-norm": nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2)),
        "layer-norm": nn.Sequential(nn.Linear(3, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, 2)),
        "buffers": Scaled(),
    }
    return {name: initialized(module).eval() for name, module in made.items()}


NETWORKS = networks()


def gradients(module: nn.Module, x: Tensor) -> Tensor:
    """(outputs, parameters) of one row, by one backward pass for each output."""
    trained = [values for values in module.parameters() if values.requires_grad]
    outputs = module(x[None]).reshape(-1)
    every = [torch.autograd.grad(output, trained, retain_graph=True, materialize_grads=True) for output in outputs]
    return torch.stack([torch.cat([part.reshape(-1) for part in parts]) for parts in every])


def one_by_one(module: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """The mean over outputs o of the scalar products of df_o(x) and df_o(y)."""
    left, right = ([gradients(module, row) for row in z] for z in (x, y))
    return torch.stack([torch.stack([(a * b).sum(dim=1).mean() for b in right]) for a in left])


# Gradients one by one ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_the_kernel_is_that_of_gradients_one_by_one(name):
    module, x, y = NETWORKS[name], rows(5), rows(4, seed=1)
    found = empirical_tangent_kernel(module, x, y)
    assert found.shape == (5, 4)
    assert found.dtype == torch.float64
    exact = one_by_one(module, x, y)
    torch.testing.assert_close(found, exact, rtol=1e-12, atol=1e-12 * float(exact.abs().max()))


@pytest.mark.parametrize("name", ["one-output", "several-outputs", "batch-norm"])
def test_the_kernel_of_rows_with_each_other_is_symmetric_and_positive(name):
    module, x = NETWORKS[name], rows(6)
    found = empirical_tangent_kernel(module, x)
    torch.testing.assert_close(found, empirical_tangent_kernel(module, x, x), rtol=0, atol=0)
    size = float(found.abs().max())
    torch.testing.assert_close(found, found.T, rtol=0, atol=1e-14 * size)
    assert float(torch.linalg.eigvalsh(found)[0]) >= -1e-13 * size
    assert (found.diagonal() > 0).all()


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 64])
def test_batches_of_any_size_give_the_same(batch):
    module, x, y = NETWORKS["several-outputs"], rows(7), rows(5, seed=1)
    whole = one_by_one(module, x, y)
    found = empirical_tangent_kernel(module, x, y, batch=batch)
    torch.testing.assert_close(found, whole, rtol=1e-12, atol=1e-12 * float(whole.abs().max()))


def test_the_mean_is_taken_over_outputs_and_not_the_sum():
    module, x = NETWORKS["several-outputs"], rows(3)
    parts = []
    for output in range(4):
        part = initialized(nn.Sequential(nn.Linear(3, 7), nn.Tanh(), nn.Linear(7, 5), nn.GELU(), nn.Linear(5, 4)))
        parts.append(empirical_tangent_kernel(nn.Sequential(part, Chosen(output)), x))
    torch.testing.assert_close(empirical_tangent_kernel(module, x), torch.stack(parts).mean(dim=0))


class Chosen(nn.Module):
    def __init__(self, output: int) -> None:
        super().__init__()
        self.output = output

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.output]


def test_a_linear_map_has_the_scalar_product_and_one_for_its_bias():
    x, y = rows(4), rows(3, seed=1)
    torch.testing.assert_close(empirical_tangent_kernel(NETWORKS["linear"], x, y), x @ y.T + 1)


def test_no_rows_give_an_empty_matrix():
    module, x = NETWORKS["several-outputs"], rows(3)
    assert empirical_tangent_kernel(module, x[:0]).shape == (0, 0)
    assert empirical_tangent_kernel(module, x, x[:0]).shape == (3, 0)


def test_float32_stays_float32():
    module = nn.Sequential(nn.Linear(3, 7), nn.Tanh(), nn.Linear(7, 2))
    found = empirical_tangent_kernel(module, rows(4).float())
    assert found.dtype == torch.float32
    exact = one_by_one(module.double(), rows(4).float().double(), rows(4).float().double())
    torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=1e-5)


# Frozen parameters, buffers ---------------------------------------------------------------------------------------


def test_frozen_parameters_do_not_count():
    module, x = initialized(nn.Sequential(nn.Linear(3, 7), nn.Tanh(), nn.Linear(7, 2))), rows(4)
    whole = empirical_tangent_kernel(module, x)
    parts = []
    for frozen in range(4):
        for i, values in enumerate(module.parameters()):
            values.requires_grad_(i != frozen)
        left = empirical_tangent_kernel(module, x)
        torch.testing.assert_close(left, one_by_one(module, x, x))
        parts.append(whole - left)
    torch.testing.assert_close(torch.stack(parts).sum(dim=0), whole)  # a sum over parameters
    assert all(float(part.abs().max()) > 1e-3 for part in parts)


def one_layer_used_twice() -> nn.Module:
    shared = nn.Linear(3, 3, bias=False)
    return nn.Sequential(shared, nn.Tanh(), shared, nn.Linear(3, 1))


def two_layers_of_the_same_weights() -> nn.Module:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3, bias=False)
    second.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), second, nn.Linear(3, 1))


@pytest.mark.parametrize("make", [one_layer_used_twice, two_layers_of_the_same_weights])
def test_weights_that_are_shared_count_once_and_stay_what_they_are(make):
    module, x = initialized(make()), rows(3)
    before = [*module.parameters()]
    found = empirical_tangent_kernel(module, x)
    assert all(one is other for one, other in zip(module.parameters(), before, strict=True))
    torch.testing.assert_close(found, one_by_one(module, x, x))


def test_buffers_have_the_values_that_they_have():
    module, x = initialized(Scaled()), rows(4)
    before = empirical_tangent_kernel(module, x)
    for buffer in (module.saved, module.left_out):
        with torch.no_grad():
            buffer.mul_(1.5)
        after = empirical_tangent_kernel(module, x)
        torch.testing.assert_close(after, one_by_one(module, x, x))
        assert float((after - before).abs().max()) > 1e-3
        before = after


def test_the_network_is_left_as_it_was():
    module = NETWORKS["batch-norm"]
    before = {name: value.clone() for name, value in module.state_dict().items()}
    found = empirical_tangent_kernel(module, rows(4))
    assert not found.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(values.grad is None and values.requires_grad for values in module.parameters())
    assert not module.training


def test_what_surrounds_it_does_not_matter():
    module, x = NETWORKS["several-outputs"], rows(3)
    expected = empirical_tangent_kernel(module, x)
    with torch.no_grad():
        assert torch.equal(empirical_tangent_kernel(module, x), expected)
    with torch.inference_mode():
        assert torch.equal(empirical_tangent_kernel(module, x), expected)


# Bad input --------------------------------------------------------------------------------------------------------


def test_a_network_without_parameters_is_refused_in_one_line():
    frozen = initialized(nn.Linear(3, 2)).requires_grad_(False)
    for module in (nn.Tanh(), frozen):
        with pytest.raises(ValueError, match=r"^the module has no parameters that are trained$"):
            empirical_tangent_kernel(module, rows(2))


@pytest.mark.parametrize("batch", [0, -1])
def test_a_batch_below_one_is_refused_in_one_line(batch):
    with pytest.raises(ValueError, match=rf"^batch = {batch} is not at least 1$"):
        empirical_tangent_kernel(NETWORKS["linear"], rows(2), batch=batch)


@pytest.mark.parametrize("part", [nn.BatchNorm1d(3), nn.Dropout(0.5)], ids=lambda part: type(part).__name__)
def test_a_network_that_treats_rows_together_is_refused_in_one_line(part):
    module = initialized(nn.Sequential(part, nn.Linear(3, 1)))
    with pytest.raises(ValueError, match=r"^batch normalization and dropout [^\n]*: call module\.eval\(\) first$"):
        empirical_tangent_kernel(module.train(), rows(2))
    assert empirical_tangent_kernel(module.eval(), rows(2)).shape == (2, 2)


@pytest.fixture
def annotations_are_not_enforced(monkeypatch):
    """As outside of these tests."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


class Shaped(nn.Module):
    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.inner, self.shape = nn.Linear(3, 4).double(), shape

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).reshape(self.shape)


@pytest.mark.parametrize("shape", [(1, 2, 2), (4,), (2, 2), (4, 1)], ids=str)
def test_outputs_that_are_no_vector_of_a_row_are_refused_in_one_line(shape):
    said = str(shape).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=rf"^the module maps a row to shape {said}; it takes [^\n]*$"):
        empirical_tangent_kernel(Shaped(*shape), rows(2))


def test_a_scalar_for_a_row_is_refused_in_one_line():
    summed = nn.Sequential(Shaped(1, 4), Total())
    with pytest.raises(ValueError, match=r"^the module maps a row to shape \(\); it takes [^\n]*$"):
        empirical_tangent_kernel(summed, rows(2))


class Total(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum()


@pytest.mark.usefixtures("annotations_are_not_enforced")
def test_rows_of_any_shape_are_taken_where_the_network_takes_them():
    module = initialized(nn.Sequential(nn.Flatten(), nn.Linear(6, 2)))
    x = rows(4, 6)
    found = empirical_tangent_kernel(module, x.reshape(4, 2, 3))
    torch.testing.assert_close(found, empirical_tangent_kernel(module, x))


# The limit of infinite width --------------------------------------------------------------------------------------

RHO = 0.5
PAIR = torch.tensor([[1.0, 0.0, 0.0], [RHO, math.sqrt(1 - RHO**2), 0.0]], dtype=torch.float64)


@cache
def deviations(activation: str, depth: int, width: int, count: int) -> np.ndarray:
    """(networks, 2): of the kernel of two inputs of correlation RHO, and of one with itself, from the limit."""
    limit, generator, found = TangentKernel(activation, depth), seeded(width), []
    for _ in range(count):
        network = NormalizedMlp(3, activation, depth=depth, width=width, generator=generator)
        kernel = empirical_tangent_kernel(network, PAIR)
        found.append([float(kernel[0, 1]) - limit(RHO), float(kernel[0, 0]) - limit.at_one])
    return np.array(found)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_one_hidden_layer_has_the_limit_as_its_mean_at_any_width(activation):
    # a mean over independent units
    found = deviations(activation, 1, 20, 60)
    error = found.std(axis=0, ddof=1) / math.sqrt(len(found))
    assert (np.abs(found.mean(axis=0)) <= STANDARD_ERRORS * error).all()
    assert (error < 0.12 * np.array([TangentKernel(activation, 1)(RHO), TangentKernel(activation, 1).at_one])).all()


def test_the_deviation_falls_like_one_over_the_root_of_the_width():
    # the mean square is c / width (1 + O(1 / width)), of which 8 / 24 are allowed
    narrow, wide = (deviations("relu", 2, width, count) ** 2 for width, count in ((24, 80), (384, 30)))
    ratio = np.log(narrow.mean(axis=0) / wide.mean(axis=0)) - math.log(384 / 24)
    spread = [
        squares.std(axis=0, ddof=1) / math.sqrt(len(squares)) / squares.mean(axis=0) for squares in (narrow, wide)
    ]
    error = np.hypot(*spread)
    assert (np.abs(ratio) <= STANDARD_ERRORS * error + 8 / 24).all()
    assert (STANDARD_ERRORS * error + 8 / 24 < math.log(384 / 24)).all()  # neither width^0 nor width^-1 pass


def test_a_wide_deep_network_has_the_kernel_of_the_limit():
    # the standard deviation at width 384 is that of the mean square above
    found = deviations("relu", 2, 384, 30)
    error = found.std(axis=0, ddof=1) / math.sqrt(len(found))
    assert (np.abs(found.mean(axis=0)) <= STANDARD_ERRORS * error).all()
    assert (error < 0.12).all()  # of 1.35 and 3
