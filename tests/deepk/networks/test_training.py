"""Training: one step against the closed form, the order of samples, the way back in, divergence; and accuracy."""

import copy
import math
from collections.abc import Iterator
from itertools import chain, pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from deepk import activations, networks
from deepk.networks import Epoch
from deepk.networks.training import steps_per_epoch


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def problem(n: int = 40, d: int = 6, classes: int = 3) -> tuple[Tensor, Tensor]:
    x = torch.randn(n, d, generator=seeded(1), dtype=torch.float64)
    return x, torch.randint(classes, (n,), generator=seeded(2))


def softmax_regression(d: int = 6, classes: int = 3) -> nn.Linear:
    network = nn.Linear(d, classes, dtype=torch.float64)
    networks.normal_(network, sigma_w=1.0, sigma_b=1.0, generator=seeded(3))
    return network


def state(network: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(network.state_dict())


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


# One step ---------------------------------------------------------------------------------------------------------


def full_batch_step(learning_rate: float) -> tuple[dict[str, Tensor], dict[str, Tensor], Epoch]:
    """The state after one full-batch step, as trained and in closed form, and the epoch."""
    x, y = problem()
    network = softmax_regression()
    before = state(network)
    (epoch,) = networks.train(
        network, x, y, learning_rate=learning_rate, batch_size=len(x), epochs=1, generator=seeded()
    )
    residual = (x @ before["weight"].T + before["bias"]).softmax(dim=1) - nn.functional.one_hot(y, 3)
    expected = {
        "weight": before["weight"] - learning_rate * residual.T @ x / len(x),
        "bias": before["bias"] - learning_rate * residual.mean(dim=0),
    }
    return state(network), expected, epoch


@pytest.mark.parametrize("parameter", ["weight", "bias"])
@pytest.mark.parametrize("learning_rate", [1e-3, 0.5, 10.0])
def test_a_full_batch_step_is_the_gradient_step_of_softmax_regression(parameter, learning_rate):
    trained, expected, _ = full_batch_step(learning_rate)
    # The gradient is a mean of 40 products of size one, summed in another order, magnified by the learning rate.
    torch.testing.assert_close(trained[parameter], expected[parameter], rtol=0, atol=1e-15 * (2 + learning_rate))


def test_the_training_loss_is_taken_before_the_update():
    x, y = problem()
    logits = softmax_regression()(x)
    loss = (logits.logsumexp(dim=1) - logits[torch.arange(len(x)), y]).mean().item()
    _, _, epoch = full_batch_step(0.5)
    assert epoch.train_loss == pytest.approx(loss, rel=1e-14)  # a mean of 40 terms, in another order


@pytest.mark.parametrize("classes", [2, 10])
def test_a_network_that_knows_nothing_loses_log_classes_nats(classes):
    x, y = problem(classes=classes)
    network = nn.Linear(6, classes, dtype=torch.float64)
    nn.init.zeros_(network.weight)
    nn.init.zeros_(network.bias)
    (epoch,) = networks.train(network, x, y, learning_rate=0.1, batch_size=40, epochs=1, generator=seeded())
    assert epoch.train_loss == pytest.approx(math.log(classes), rel=1e-15)


def test_the_training_loss_is_the_mean_over_batches_each_before_its_update():
    x, y = problem(n=2)
    network, losses = softmax_regression(), []
    network.register_forward_hook(lambda _module, inputs, logits: losses.append((inputs[0], logits.detach())))
    (epoch,) = networks.train(network, x, y, learning_rate=0.5, batch_size=1, epochs=1, generator=seeded())
    each = [(logits.logsumexp(dim=1) - logits[0, y[(x == inputs).all(dim=1)]]).item() for inputs, logits in losses]
    assert epoch.train_loss == pytest.approx(sum(each) / 2, rel=1e-15)


def test_full_batch_descent_below_the_inverse_curvature_never_raises_the_loss():
    x, y = problem()
    inputs = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
    # The Hessian of softmax regression is at most half the inputs' second moment; the descent lemma needs 1/L.
    curvature = float(torch.linalg.matrix_norm(inputs.T @ inputs / len(x), ord=2)) / 2
    run = networks.train(
        softmax_regression(), x, y, learning_rate=1 / curvature, batch_size=len(x), epochs=60, generator=seeded()
    )
    losses = [epoch.train_loss for epoch in run]
    assert all(after < before for before, after in pairwise(losses))


# Epochs and batches -----------------------------------------------------------------------------------------------


def visits(n: int, batch_size: int, epochs: int, seed: int = 0) -> list[list[int]]:
    """The samples of each batch, in the order of training."""
    x = torch.arange(n, dtype=torch.float32)[:, None]
    network, seen = nn.Linear(1, 2), []
    network.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].flatten().int().tolist()))
    y = torch.zeros(n, dtype=torch.int64)
    for _ in networks.train(
        network, x, y, learning_rate=1e-6, batch_size=batch_size, epochs=epochs, generator=seeded(seed)
    ):
        pass
    return seen


@pytest.mark.parametrize(("n", "batch_size"), [(12, 4), (13, 4), (5, 8), (7, 1)])
def test_every_epoch_visits_every_sample_once(n, batch_size):
    batches = visits(n, batch_size, epochs=3)
    steps = len(batches) // 3
    for epoch in range(3):
        assert sorted(chain(*batches[epoch * steps : (epoch + 1) * steps])) == list(range(n))


def test_the_last_batch_holds_the_rest():
    assert [len(batch) for batch in visits(13, 4, epochs=1)] == [4, 4, 4, 1]


def test_the_order_changes_from_epoch_to_epoch():
    first, second = visits(50, 50, epochs=2)
    assert first != second


def test_the_order_is_the_generators():
    assert visits(50, 8, epochs=2, seed=4) == visits(50, 8, epochs=2, seed=4)
    assert visits(50, 8, epochs=2, seed=4) != visits(50, 8, epochs=2, seed=5)


def test_each_sample_keeps_its_label():
    # Labels are the sign of the only feature, so a network that copies it loses nothing, in any order.
    x = torch.tensor([[-100.0], [100.0]] * 20)
    network = nn.Linear(1, 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[-1.0], [1.0]]))
        network.bias.zero_()
    y = (x[:, 0] > 0).long()
    (epoch,) = networks.train(network, x, y, learning_rate=1.0, batch_size=7, epochs=1, generator=seeded())
    assert epoch.train_loss == 0  # exp(-200) is below the smallest float32


@given(samples=st.integers(1, 300), batch_size=st.integers(1, 300))
def test_the_steps_of_an_epoch_are_the_batches_that_torch_splits(samples, batch_size):
    assert steps_per_epoch(samples, batch_size) == len(torch.arange(samples).split(batch_size))


def test_epochs_are_numbered_from_one_and_steps_are_counted_throughout():
    x, y = problem()
    run = networks.train(softmax_regression(), x, y, learning_rate=0.1, batch_size=16, epochs=3, generator=seeded())
    assert [(epoch.number, epoch.step) for epoch in run] == [(1, 3), (2, 6), (3, 9)]


def test_every_step_is_reported():
    x, y = problem()
    calls = []
    for _ in networks.train(
        softmax_regression(),
        x,
        y,
        learning_rate=0.1,
        batch_size=16,
        epochs=3,
        generator=seeded(),
        on_step=lambda: calls.append(None),
    ):
        pass
    assert len(calls) == 3 * steps_per_epoch(40, 16)


def test_seconds_never_run_backwards():
    x, y = problem()
    run = networks.train(softmax_regression(), x, y, learning_rate=0.1, batch_size=16, epochs=3, generator=seeded())
    seconds = [0.0, *(epoch.seconds for epoch in run)]
    assert seconds == sorted(seconds)


# A way back in ----------------------------------------------------------------------------------------------------

SETTINGS = {"learning_rate": 0.05, "batch_size": 16, "epochs": 5}


def deep() -> nn.Sequential:
    """A network with buffers as well as parameters."""
    network = networks.mlp(6, 3, activations.get("tanh"), depth=3, width=8, batch_norm=True).double()
    networks.normal_(network, sigma_w=1.3, sigma_b=0.2, generator=seeded(3))
    return network


def timeless(epochs: Iterator[Epoch]) -> list[tuple[int, int, float]]:
    return [(epoch.number, epoch.step, epoch.train_loss) for epoch in epochs]


def interrupted(at: int) -> tuple[nn.Module, list[tuple[int, int, float]]]:
    """Trains to epoch `at`, then goes on from what was saved there, in another network with another generator."""
    x, y = problem()
    network, generator = deep(), seeded(9)
    run, first = networks.train(network, x, y, generator=generator, **SETTINGS), []
    for epoch in run:
        first.append(epoch)
        if epoch.number == at:
            break
    restored, going_on = (
        networks.mlp(6, 3, activations.get("tanh"), depth=3, width=8, batch_norm=True).double(),
        seeded(0),
    )
    restored.load_state_dict(state(network))
    going_on.set_state(generator.get_state())
    rest = networks.train(restored, x, y, generator=going_on, after=first[-1], **SETTINGS)
    return restored, timeless(iter(first)) + timeless(rest)


@pytest.mark.parametrize("at", [1, 3, 4])
def test_training_that_was_interrupted_ends_bit_for_bit_where_it_would_have(at):
    x, y = problem()
    network = deep()
    for _ in networks.train(network, x, y, generator=seeded(9), **SETTINGS):
        pass
    restored, _ = interrupted(at)
    assert same(state(restored), state(network))


@pytest.mark.parametrize("at", [1, 3, 4])
def test_training_that_was_interrupted_yields_the_epochs_it_would_have(at):
    x, y = problem()
    _, epochs = interrupted(at)
    assert epochs == timeless(networks.train(deep(), x, y, generator=seeded(9), **SETTINGS))


def test_after_the_last_epoch_nothing_is_left_to_train():
    x, y = problem()
    last = Epoch(number=5, step=15, train_loss=1.0, seconds=2.0)
    assert list(networks.train(deep(), x, y, generator=seeded(), after=last, **SETTINGS)) == []


def test_seconds_go_on_from_the_interruption():
    x, y = problem()
    last = Epoch(number=4, step=12, train_loss=1.0, seconds=1000.0)
    (epoch,) = networks.train(deep(), x, y, generator=seeded(), after=last, **SETTINGS)
    assert 1000 < epoch.seconds < 1060


def test_evaluating_between_epochs_does_not_change_the_training():
    x, y = problem()
    alone, watched = deep(), deep()
    for _ in networks.train(alone, x, y, generator=seeded(9), **SETTINGS):
        pass
    for _ in networks.train(watched, x, y, generator=seeded(9), **SETTINGS):
        networks.accuracy(watched, x, y)
    assert same(state(watched), state(alone))


# Divergence -------------------------------------------------------------------------------------------------------


def diverging() -> tuple[list[Epoch], int]:
    """The epochs of a training at a learning rate that no float survives, and the batches it saw."""
    x, y = problem()
    network, forwards = networks.mlp(6, 3, activations.get("relu"), depth=4, width=8).double(), []
    networks.normal_(network, sigma_w=2**0.5, sigma_b=0.0, generator=seeded(3))
    network.register_forward_hook(lambda *_: forwards.append(None))
    run = networks.train(network, x, y, learning_rate=1e120, batch_size=16, epochs=50, generator=seeded())
    return list(run), len(forwards)


def test_a_training_that_diverges_ends_with_a_loss_that_is_not_finite():
    epochs, _ = diverging()
    assert not math.isfinite(epochs[-1].train_loss)


def test_a_training_that_diverges_stops_early():
    epochs, _ = diverging()
    assert len(epochs) < 50


def test_only_the_last_epoch_has_diverged():
    epochs, _ = diverging()
    assert [epoch.diverged for epoch in epochs] == [False] * (len(epochs) - 1) + [True]


def test_a_training_that_diverges_counts_the_batch_where_it_happened_as_its_last_step():
    epochs, forwards = diverging()
    assert epochs[-1].step == forwards


def test_a_loss_that_is_not_finite_updates_nothing():
    x, y = problem()
    network = softmax_regression()
    before = state(network)
    (epoch,) = networks.train(network, x * math.nan, y, learning_rate=0.1, batch_size=16, epochs=5, generator=seeded())
    assert epoch.step == 1
    assert same(state(network), before)


@pytest.mark.parametrize(
    ("loss", "diverged"), [(0.0, False), (1e300, False), (math.inf, True), (-math.inf, True), (math.nan, True)]
)
def test_an_epoch_has_diverged_when_its_loss_is_not_finite(loss, diverged):
    assert Epoch(number=1, step=1, train_loss=loss, seconds=0.0).diverged is diverged


# Accuracy ---------------------------------------------------------------------------------------------------------

LOGITS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [-1.0, -3.0, -2.0], [5.0, 5.5, 6.0]])


@pytest.mark.parametrize(
    ("labels", "share"),
    [([0, 1, 0, 2], 1.0), ([0, 1, 0, 0], 0.75), ([0, 2, 1, 0], 0.25), ([1, 0, 2, 1], 0.0)],
)
def test_accuracy_is_the_share_of_labels_with_the_largest_logit(labels, share):
    assert networks.accuracy(nn.Identity(), LOGITS, torch.tensor(labels)) == share


@pytest.mark.parametrize("n", [1, 999, 1000, 1001, 2500])
def test_accuracy_counts_every_sample_once_whatever_the_batches(n):
    # Every third sample is right.
    logits = torch.eye(3).repeat(n // 3 + 1, 1)[:n]
    share = networks.accuracy(nn.Identity(), logits, torch.zeros(n, dtype=torch.int64))
    assert share == math.ceil(n / 3) / n


@pytest.mark.parametrize("place", [0, 999, 1000, 2499])
def test_one_nan_among_the_logits_makes_accuracy_nan(place):
    logits = torch.zeros(2500, 3)
    logits[place, 1] = math.nan
    assert math.isnan(networks.accuracy(nn.Identity(), logits, torch.zeros(2500, dtype=torch.int64)))


def test_accuracy_leaves_running_statistics_untouched():
    x, y = problem()
    network = deep()
    before = state(network)
    networks.accuracy(network, x, y)
    assert same(state(network), before)


def test_accuracy_uses_the_running_statistics_and_not_the_batchs():
    # Normalized by their own mean the two samples would be told apart; by the running mean of 0 both are positive.
    network = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 2))
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[-1.0], [1.0]]))
        network[1].bias.zero_()
    assert networks.accuracy(network, torch.tensor([[1.0], [2.0]]), torch.tensor([0, 1])) == 0.5
