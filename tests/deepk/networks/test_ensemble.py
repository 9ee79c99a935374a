"""Many networks at once: the same gradients and steps as one at a time by autograd and torch's Adam."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from deepk.networks.ensemble import Ensemble, train_ensemble

ROUNDING = 1e-12  # of float64, through a few hundred steps that do not amplify it


def generators(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(count)]


def alone(networks: Ensemble, r: int) -> nn.Sequential:
    """Network r as an ordinary torch module."""
    layers: list[nn.Module] = []
    for weight, bias in networks.layers:
        linear = nn.Linear(weight.shape[1], weight.shape[2], dtype=weight.dtype)
        linear.weight.data.copy_(weight[r].T)
        linear.bias.data.copy_(bias[r, 0])
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def data(count: int, n: int = 64, inputs: int = 1, outputs: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(99)
    x = torch.rand(count, n, inputs, generator=generator, dtype=torch.float64) * 2 - 1
    y = torch.rand(count, n, outputs, generator=generator, dtype=torch.float64)
    return x, y


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (3, 2)])
def test_gradients_are_those_of_autograd(depth: int, inputs: int, outputs: int) -> None:
    networks = Ensemble(generators(3), depth=depth, width=7, inputs=inputs, outputs=outputs, dtype=torch.float64)
    x, y = data(3, inputs=inputs, outputs=outputs)
    found = torch.empty_like(networks.parameters)
    losses = networks.gradient(x, y, found)
    for r in range(3):
        network = alone(networks, r)
        loss = nn.functional.mse_loss(network(x[r]), y[r])
        loss.backward()
        torch.testing.assert_close(losses[r], loss.detach(), rtol=ROUNDING, atol=ROUNDING)
        for (weight, bias), linear in zip(networks.views(found), network[::2], strict=True):
            torch.testing.assert_close(weight[r].T, linear.weight.grad, rtol=ROUNDING, atol=ROUNDING)
            torch.testing.assert_close(bias[r, 0], linear.bias.grad, rtol=ROUNDING, atol=ROUNDING)


def test_the_absolute_error_is_for_those_that_ask_for_it() -> None:
    networks = Ensemble(generators(2), depth=1, width=4, dtype=torch.float64)
    x, y = data(2)
    found = torch.empty_like(networks.parameters)
    losses = networks.gradient(x, y, found, absolute=torch.tensor([False, True]))
    for r, loss in enumerate((nn.functional.mse_loss, nn.functional.l1_loss)):
        network = alone(networks, r)
        value = loss(network(x[r]), y[r])
        value.backward()
        torch.testing.assert_close(losses[r], value.detach(), rtol=ROUNDING, atol=ROUNDING)
        slope = networks.views(found)[0][0][r].T
        torch.testing.assert_close(slope, network[0].weight.grad, rtol=ROUNDING, atol=ROUNDING)


def test_an_ensemble_trains_as_each_network_does_alone_under_torchs_adam() -> None:
    networks = Ensemble(generators(2), depth=2, width=5, dtype=torch.float64)
    x, y = data(2)
    modules, rates = [alone(networks, r) for r in range(2)], torch.tensor([1e-3, 1e-2], dtype=torch.float64)
    batches, epochs = 20, 8  # the last batch of an epoch is smaller
    for _ in train_ensemble(
        networks, x, y, learning_rate=rates, batch_size=batches, epochs=epochs, generator=generators(1)[0]
    ):
        pass
    order = generators(1)[0]
    optimizers = [torch.optim.Adam(m.parameters(), lr=float(rate)) for m, rate in zip(modules, rates, strict=True)]
    for _ in range(epochs):
        for batch in torch.randperm(x.shape[1], generator=order).split(batches):
            for r, (module, optimizer) in enumerate(zip(modules, optimizers, strict=True)):
                optimizer.zero_grad()
                nn.functional.mse_loss(module(x[r, batch]), y[r, batch]).backward()
                optimizer.step()
    for r, module in enumerate(modules):
        torch.testing.assert_close(networks(x)[r], module(x[r]).detach(), rtol=ROUNDING, atol=ROUNDING)


def test_a_training_that_goes_on_is_one_that_never_stopped_bit_for_bit() -> None:
    x, y = data(2)
    settings = {"learning_rate": 1e-3, "batch_size": 16}
    whole, parts = (Ensemble(generators(2), depth=2, width=5, dtype=torch.float64) for _ in range(2))
    losses = [e.loss for e in train_ensemble(whole, x, y, epochs=4, generator=generators(1)[0], **settings)]
    order, state = generators(1)[0], {}
    first = [e.loss for e in train_ensemble(parts, x, y, epochs=2, generator=order, state=state, **settings)]
    second = [e.loss for e in train_ensemble(parts, x, y, epochs=4, generator=order, state=state, **settings)]
    torch.testing.assert_close(torch.stack(first + second), torch.stack(losses), rtol=0, atol=0)
    torch.testing.assert_close(parts.parameters, whole.parameters, rtol=0, atol=0)


def test_a_network_does_not_depend_on_those_beside_it() -> None:
    both = Ensemble(generators(2), depth=3, width=4, dtype=torch.float64)
    second = Ensemble(generators(2)[1:], depth=3, width=4, dtype=torch.float64)
    torch.testing.assert_close(both.parameters[1:], second.parameters, rtol=0, atol=0)


def test_parameters_begin_as_torchs_linear_layers_do() -> None:
    networks = Ensemble(generators(50), depth=1, width=100, inputs=4)
    for weight, bias in networks.layers:
        bound = weight.shape[1] ** -0.5
        for part in (weight, bias):
            assert float(part.abs().max()) <= bound
            if part.numel() > 1000:  # the largest of so many is this close but once in exp(10) cases
                assert float(part.abs().max()) > bound * (1 - 10 / part.numel())


def test_there_are_as_many_parameters_as_the_layers_have() -> None:
    networks = Ensemble(generators(1), depth=3, width=5, inputs=2, outputs=4)
    sizes = [2, 5, 5, 5, 4]
    assert networks.parameters.shape == (1, sum((a + 1) * b for a, b in pairwise(sizes)))


@pytest.mark.parametrize(("depth", "width"), [(-1, 3), (2, 0)])
def test_a_depth_or_width_that_is_none_is_refused(depth: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"depth = {depth}, width = {width}: it takes at least 0 and 1"):
        Ensemble(generators(1), depth=depth, width=width)
