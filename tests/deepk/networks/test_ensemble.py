"""Many networks at once: the same numbers as one at a time by autograd and torch's optimizers."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from deepk import activations
from deepk.activations import Activation
from deepk.networks import (
    Adam,
    BatchNorm,
    Classification,
    Ensemble,
    Kind,
    Regression,
    Sgd,
    accuracy,
    mlp,
    normal_,
    train,
)
from deepk.networks.mlp import Elementwise
from deepk.networks.optimizers import Gradient

ROUNDING = 1e-12  # of float64, through a few hundred steps that do not amplify it
SOFTSIGN = Activation.from_callable("softsign", lambda x: x / (1 + x.abs()))
KINDS = [
    *(Kind(name) for name in ("relu", "elu", "tanh", "swish", "shifted-softplus")),
    Kind(SOFTSIGN),
    Kind("relu", BatchNorm()),
    Kind("tanh", BatchNorm(trained=False)),
    Kind("elu", BatchNorm(output=True, unbiased=True, epsilon=1e-5, momentum=0.9)),
    Kind("tanh", BatchNorm(averages=False)),
]


def generators(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(count)]


class Normalization(nn.BatchNorm1d):
    """torch's, with the choices of ours that it does not have."""

    def __init__(self, width: int, how: BatchNorm) -> None:
        super().__init__(width, eps=how.epsilon, momentum=1 - how.momentum, affine=how.trained)
        self.how = how

    def forward(self, z: Tensor) -> Tensor:
        if not self.training and not self.how.averages:
            return nn.functional.batch_norm(z, None, None, self.weight, self.bias, training=True, eps=self.eps)
        if self.training and not self.how.unbiased:  # torch's average takes the unbiased variance
            average = self.running_var.clone().lerp_(z.detach().var(dim=0, correction=0), self.momentum)
            found = super().forward(z)
            self.running_var = average
            return found
        return super().forward(z)


def module(kind: Kind, sizes: list[int], seed: int, sigma_w: float = 1.3, sigma_b: float = 0.2) -> nn.Sequential:
    """A network of this kind as an ordinary torch module, drawn as `normal_` does."""
    layers: list[nn.Module] = []
    for index, (a, b) in enumerate(pairwise(sizes), start=1):
        last = index == len(sizes) - 1
        layers.append(nn.Linear(a, b))
        if kind.batch_norm and (kind.batch_norm.output or not last):
            layers.append(Normalization(b, kind.batch_norm))
        if not last:
            layers.append(Elementwise(activations.get(kind.activation)))
    network = nn.Sequential(*layers).double()
    normal_(network, sigma_w=sigma_w, sigma_b=sigma_b, generator=torch.Generator().manual_seed(seed))
    return network


def drawn(kinds: list[Kind], sizes: list[int], seeds: list[int], dtype: torch.dtype = torch.float64) -> Ensemble:
    networks = Ensemble(kinds, sizes, dtype=dtype)
    own = [torch.Generator().manual_seed(seed) for seed in seeds]
    return networks.draw_normal_(own, [1.3] * len(kinds), [0.2] * len(kinds))


def images(n: int = 50, inputs: int = 6, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(99)
    x = torch.rand(n, inputs, generator=generator, dtype=torch.float64)
    return x, torch.randint(classes, (n,), generator=generator)


def test_each_network_trains_as_it_does_alone_by_autograd_and_torchs_sgd() -> None:
    sizes, epochs, rate = [6, 8, 8, 8, 3], 4, 0.05
    seeds, scales = list(range(len(KINDS))), torch.linspace(0.5, 1.5, len(KINDS), dtype=torch.float64)
    networks, (x, y) = drawn(KINDS, sizes, seeds), images()
    task = Classification(x, y, scales[:, None, None])
    optimizer = Sgd(networks, learning_rate=rate)
    own = [torch.Generator().manual_seed(100 + seed) for seed in seeds]
    run = list(train(networks, task, optimizer, batch_size=16, epochs=epochs, generators=own))
    shares = accuracy(networks, task)
    for r, kind in enumerate(KINDS):
        alone, order, losses = module(kind, sizes, r), torch.Generator().manual_seed(100 + r), []
        sgd = torch.optim.SGD(alone.parameters(), lr=rate)
        for _ in range(epochs):
            total = 0.0
            for batch in torch.randperm(len(x), generator=order).split(16):
                sgd.zero_grad()
                loss = nn.functional.cross_entropy(alone(scales[r] * x[batch]), y[batch])
                loss.backward()
                sgd.step()
                total += float(loss.detach()) * len(batch) / len(x)
            losses.append(total)
        assert [float(epoch.loss[r]) for epoch in run] == pytest.approx(losses, rel=1e-10), kind
        alone.eval()
        outputs = alone(scales[r] * x).detach()
        torch.testing.assert_close(networks(task.inputs(torch.arange(len(x))[None]))[r], outputs, rtol=1e-9, atol=1e-9)
        assert float(shares[r]) == float((outputs.argmax(dim=1) == y).double().mean())


@pytest.mark.parametrize(
    ("dtype", "last"),
    # Batch normalization amplifies a rounding in each layer and step: in float32 the numbers are soon others.
    [(torch.float32, Kind("swish")), (torch.float64, Kind("relu", BatchNorm()))],
    ids=["float32", "float64, with batch normalization"],
)
def test_a_network_depends_on_nothing_beside_it(dtype: torch.dtype, last: Kind) -> None:
    sizes, (x, y) = [6, 8, 8, 3], images()
    kinds = [Kind("tanh"), Kind("relu"), Kind("elu"), last]

    def trained(chosen: list[int]) -> tuple[Tensor, Tensor]:
        networks = drawn([kinds[r] for r in chosen], sizes, chosen, dtype)
        task = Classification(x.to(dtype), y, torch.ones(len(chosen), 1, 1, dtype=dtype))
        own = [torch.Generator().manual_seed(100 + r) for r in chosen]
        (*_, end) = train(networks, task, Sgd(networks, learning_rate=0.1), batch_size=16, epochs=5, generators=own)
        return networks.parameters, end.loss

    together, losses = trained([0, 1, 2, 3])
    bound = 100 * torch.finfo(dtype).eps  # 20 steps of order one, through four layers
    for r in range(4):
        alone, loss = trained([r])
        torch.testing.assert_close(together[r], alone[0], rtol=bound, atol=bound)
        torch.testing.assert_close(losses[r], loss[0], rtol=bound, atol=bound)


def test_weights_are_those_that_the_module_is_drawn_with() -> None:
    networks = drawn([Kind("tanh")] * 2, [6, 8, 8, 3], [5, 6], torch.float32)
    for r, seed in enumerate((5, 6)):
        network = mlp(6, 3, activations.get("tanh"), depth=3, width=8)
        normal_(network, sigma_w=1.3, sigma_b=0.2, generator=torch.Generator().manual_seed(seed))
        for (weight, bias), linear in zip(networks.layers, network[::2], strict=True):
            torch.testing.assert_close(weight[r].T, linear.weight.detach(), rtol=0, atol=0)
            torch.testing.assert_close(bias[r, 0], linear.bias.detach(), rtol=0, atol=0)


# --- small regressions by Adam ----------------------------------------------------------------------------------------


def uniform(count: int, sizes: list[int]) -> Ensemble:
    return Ensemble([Kind("relu")] * count, sizes, dtype=torch.float64).draw_uniform_(generators(count))


def alone(networks: Ensemble, r: int) -> nn.Sequential:
    """ReLU network r as an ordinary torch module."""
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


def gradient(networks: Ensemble, task: Regression) -> tuple[Tensor, Gradient]:
    """Losses and gradients of one batch of all samples."""
    found, index = Gradient(networks), torch.arange(task.samples)[None]
    losses, delta = task.loss(networks.forward(task.inputs(index)), index)
    networks.backward(delta, found)
    return losses, found


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (3, 2)])
def test_gradients_are_those_of_autograd(depth: int, inputs: int, outputs: int) -> None:
    networks = uniform(3, [inputs, *[7] * depth, outputs])
    x, y = data(3, inputs=inputs, outputs=outputs)
    losses, found = gradient(networks, Regression(x, y))
    for r in range(3):
        network = alone(networks, r)
        loss = nn.functional.mse_loss(network(x[r]), y[r])
        loss.backward()
        torch.testing.assert_close(losses[r], loss.detach(), rtol=ROUNDING, atol=ROUNDING)
        for (weight, bias), linear in zip(networks.views(found.flat), network[::2], strict=True):
            torch.testing.assert_close(weight[r].T, linear.weight.grad, rtol=ROUNDING, atol=ROUNDING)
            torch.testing.assert_close(bias[r, 0], linear.bias.grad, rtol=ROUNDING, atol=ROUNDING)


def test_the_absolute_error_is_for_those_that_ask_for_it() -> None:
    networks = uniform(2, [1, 4, 1])
    x, y = data(2)
    losses, found = gradient(networks, Regression(x, y, torch.tensor([False, True])))
    for r, loss in enumerate((nn.functional.mse_loss, nn.functional.l1_loss)):
        network = alone(networks, r)
        value = loss(network(x[r]), y[r])
        value.backward()
        torch.testing.assert_close(losses[r], value.detach(), rtol=ROUNDING, atol=ROUNDING)
        slope = networks.views(found.flat)[0][0][r].T
        torch.testing.assert_close(slope, network[0].weight.grad, rtol=ROUNDING, atol=ROUNDING)


def test_an_ensemble_trains_as_each_network_does_alone_under_torchs_adam() -> None:
    networks = uniform(2, [1, 5, 5, 1])
    x, y = data(2)
    modules, rates = [alone(networks, r) for r in range(2)], torch.tensor([1e-3, 1e-2], dtype=torch.float64)
    batches, epochs = 20, 8  # the last batch of an epoch is smaller
    adam = Adam(networks, learning_rate=rates)
    for _ in train(networks, Regression(x, y), adam, batch_size=batches, epochs=epochs, generators=generators(1)):
        pass
    order = generators(1)[0]
    optimizers = [torch.optim.Adam(m.parameters(), lr=float(rate)) for m, rate in zip(modules, rates, strict=True)]
    for _ in range(epochs):
        for batch in torch.randperm(x.shape[1], generator=order).split(batches):
            for r, (network, optimizer) in enumerate(zip(modules, optimizers, strict=True)):
                optimizer.zero_grad()
                nn.functional.mse_loss(network(x[r, batch]), y[r, batch]).backward()
                optimizer.step()
    for r, network in enumerate(modules):
        torch.testing.assert_close(networks(x)[r], network(x[r]).detach(), rtol=ROUNDING, atol=ROUNDING)


def test_networks_may_each_have_their_own_order() -> None:
    together = uniform(2, [1, 5, 1])
    x, y = data(2)

    def trained(networks: Ensemble, chosen: slice) -> Tensor:
        task, own = Regression(x[chosen], y[chosen]), generators(2)[chosen]
        adam = Adam(networks, learning_rate=1e-2)
        for _ in train(networks, task, adam, batch_size=20, epochs=3, generators=own):
            pass
        return networks.parameters

    both = trained(together, slice(0, 2))
    for r in range(2):
        alone = Ensemble([Kind("relu")], [1, 5, 1], dtype=torch.float64).draw_uniform_([generators(2)[r]])
        torch.testing.assert_close(both[r], trained(alone, slice(r, r + 1))[0], rtol=ROUNDING, atol=ROUNDING)


def test_parameters_begin_as_torchs_linear_layers_do() -> None:
    for weight, bias in uniform(50, [4, 100, 1]).layers:
        bound = weight.shape[1] ** -0.5
        for part in (weight, bias):
            assert float(part.abs().max()) <= bound
            if part.numel() > 1000:  # the largest of so many is this close but once in exp(10) cases
                assert float(part.abs().max()) > bound * (1 - 10 / part.numel())


def test_there_are_as_many_parameters_as_the_layers_have() -> None:
    sizes = [2, 5, 5, 5, 4]
    assert uniform(1, sizes).parameters.shape == (1, sum((a + 1) * b for a, b in pairwise(sizes)))


def test_an_activation_of_ones_own_is_trained_as_it_is_whatever_its_name() -> None:
    steep = Activation.from_callable("tanh", lambda x: (3 * x).tanh())
    x = torch.ones(2, 4, 6, dtype=torch.float64)
    outputs = drawn([Kind(steep), Kind("tanh")], [6, 8, 3], [0, 0])(x)
    assert float((outputs[0] - outputs[1]).abs().max()) > 0.1


def test_each_network_needs_its_own_draws() -> None:
    networks = Ensemble([Kind("tanh")] * 3, [2, 3, 1])
    with pytest.raises(ValueError, match="1 generators for 3 networks: it takes one each"):
        networks.draw_uniform_(generators(1))
    with pytest.raises(ValueError, match="2 sigma_w for 3 networks: it takes one each"):
        networks.draw_normal_(generators(3), [1.0, 1.0], [0.0] * 3)
    with pytest.raises(ValueError, match="an ensemble has at least one network"):
        Ensemble([], [2, 3, 1])


def test_a_normalization_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"epsilon = -1.0, momentum = 2.0: it takes > 0"):
        BatchNorm(epsilon=-1.0, momentum=2.0)


@pytest.mark.parametrize("sizes", [[3], [2, 0, 1], []])
def test_sizes_that_are_none_are_refused(sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="sizes = "):
        Ensemble([Kind("relu")], sizes)


def test_adam_refuses_batch_normalization_that_it_would_not_train() -> None:
    with pytest.raises(ValueError, match="Adam does not train batch normalization"):
        Adam(Ensemble([Kind("relu", BatchNorm())], [2, 3, 1]), learning_rate=0.1)
