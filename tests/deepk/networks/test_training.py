"""Training: one step against the closed form, the order of samples, the way back in, divergence; and accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from deepk.networks import Adam, BatchNorm, Classification, Ensemble, Epoch, Kind, Sgd, accuracy, train, training
from deepk.networks.training import steps_per_epoch

LINEAR = Kind("relu")  # no activation is applied in a network without hidden layers


def generators(seeds: Iterable[int]) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def scaled(*scale: float) -> Tensor:
    """By what each network sees the samples multiplied."""
    return torch.tensor(scale, dtype=torch.float64)[:, None, None]


def problem(scale: Sequence[float], classes: int = 3) -> Classification:
    """Forty samples of six numbers, which network r sees times scale[r]."""
    generator = torch.Generator().manual_seed(99)
    x = torch.randn(40, 6, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (40,), generator=generator)
    return Classification(x, labels, scaled(*scale))


def softmax_regression(networks: int) -> Ensemble:
    """Networks without hidden layers, each drawn by itself."""
    found = Ensemble([LINEAR] * networks, [6, 3], dtype=torch.float64)
    return found.draw_normal_(generators(range(networks)), [1.0] * networks, [1.0] * networks)


def linear(weight: list[list[float]], networks: int, dtype: torch.dtype = torch.float64) -> Ensemble:
    """Networks f(x) = x W, all with this W."""
    found = Ensemble([LINEAR] * networks, [len(weight), len(weight[0])], dtype=dtype)
    found.layers[0][0].copy_(torch.tensor(weight, dtype=dtype))
    return found


def cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    """Of each network and sample: log sum_k exp(f_k) - f_label."""
    return outputs.logsumexp(dim=2) - torch.stack([outputs[:, i, label] for i, label in enumerate(labels)], dim=1)


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


@dataclass(frozen=True)
class Watched(Classification):
    """Keeps the outputs of each batch, as they were when its loss was taken, and the batch's samples."""

    outputs: list[Tensor] = field(default_factory=list)
    batches: list[Tensor] = field(default_factory=list)

    def loss(self, outputs: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        self.outputs.append(outputs.clone())
        self.batches.append(index)
        return super().loss(outputs, index)


# --- one step ---------------------------------------------------------------------------------------------------------


def full_batch(networks: Ensemble, task: Classification, *, learning_rate: float, epochs: int = 1) -> list[Epoch]:
    """Trains with all samples in one batch."""
    optimizer = Sgd(networks, learning_rate=learning_rate)
    return list(train(networks, task, optimizer, batch_size=task.samples, epochs=epochs, generators=generators([0])))


@pytest.mark.parametrize("learning_rate", [1e-3, 0.5, 10.0])
def test_a_full_batch_step_is_the_gradient_step_of_softmax_regression(learning_rate: float) -> None:
    task, networks = problem(scale=[1.0, 0.5]), softmax_regression(2)
    weight, bias = (before.clone() for before in networks.layers[0])
    x = task.scale * task.x
    residual = (x @ weight + bias).softmax(dim=2) - torch.eye(3, dtype=torch.float64)[task.labels]
    full_batch(networks, task, learning_rate=learning_rate)
    trained_weight, trained_bias = networks.layers[0]
    # The gradient is a mean of 40 products of size one, summed in another order, magnified by the learning rate.
    bound = 1e-15 * (2 + learning_rate)
    torch.testing.assert_close(trained_weight, weight - learning_rate * x.mT @ residual / 40, rtol=0, atol=bound)
    torch.testing.assert_close(trained_bias, bias - learning_rate * residual.mean(1, keepdim=True), rtol=0, atol=bound)


def test_the_loss_is_taken_before_the_update() -> None:
    task, networks = problem(scale=[1.0, 0.5]), softmax_regression(2)
    expected = cross_entropy(networks(task.scale * task.x), task.labels).mean(dim=1)
    (epoch,) = full_batch(networks, task, learning_rate=0.5)
    torch.testing.assert_close(epoch.loss, expected, rtol=1e-14, atol=0)  # a mean of 40 terms, in another order


@pytest.mark.parametrize("classes", [2, 10])
def test_a_network_that_knows_nothing_loses_log_classes_nats(classes: int) -> None:
    networks = Ensemble([LINEAR], [6, classes], dtype=torch.float64)
    (epoch,) = full_batch(networks, problem(scale=[1.0], classes=classes), learning_rate=0.1)
    assert epoch.loss.item() == pytest.approx(math.log(classes), rel=1e-15)


def test_the_loss_of_an_epoch_is_the_mean_over_its_samples_each_batch_before_its_update() -> None:
    plain, networks = problem(scale=[1.0, 0.5]), softmax_regression(2)
    task = Watched(plain.x, plain.labels, plain.scale)
    optimizer = Sgd(networks, learning_rate=0.5)
    (epoch,) = train(networks, task, optimizer, batch_size=16, epochs=1, generators=generators([0]))
    # The last batch holds 8 samples: the mean over the batches would be another number.
    each = [cross_entropy(f, task.labels[index[0]]) for f, index in zip(task.outputs, task.batches, strict=True)]
    torch.testing.assert_close(epoch.loss, torch.cat(each, dim=1).mean(dim=1), rtol=1e-14, atol=0)


def test_full_batch_descent_below_the_inverse_curvature_never_raises_the_loss() -> None:
    task = problem(scale=[1.0, 0.5])
    inputs = torch.cat([task.x, torch.ones(40, 1, dtype=torch.float64)], dim=1)
    # The Hessian of softmax regression is at most half the inputs' second moment; the descent lemma needs 1/L.
    curvature = float(torch.linalg.matrix_norm(inputs.T @ inputs / 40, ord=2)) / 2
    run = full_batch(softmax_regression(2), task, learning_rate=1 / curvature, epochs=60)
    assert all((after.loss < before.loss).all() for before, after in pairwise(run))


# --- epochs and batches -----------------------------------------------------------------------------------------------


def visits(
    n: int, batch_size: int, epochs: int, seeds: Sequence[int] = (0,), networks: int = 1
) -> list[list[list[int]]]:
    """The samples of each batch as each network sees them, in the order of training: visits[network][batch]."""
    # A network that copies its input, and learns nothing, says which sample it was given.
    copying = linear([[1.0, 0.0]], networks)
    x, labels = torch.arange(n, dtype=torch.float64)[:, None], torch.zeros(n, dtype=torch.int64)
    task = Watched(x, labels, scaled(*[1.0] * networks))
    setting = {"batch_size": batch_size, "epochs": epochs, "generators": generators(seeds)}
    for _ in train(copying, task, Sgd(copying, learning_rate=0.0), **setting):
        pass
    return [[outputs[r, :, 0].int().tolist() for outputs in task.outputs] for r in range(networks)]


@pytest.mark.parametrize(("n", "batch_size"), [(12, 4), (13, 4), (5, 8), (7, 1)])
@pytest.mark.parametrize("seeds", [[0], [0, 1]])
def test_every_epoch_visits_every_sample_once(n: int, batch_size: int, seeds: list[int]) -> None:
    for batches in visits(n, batch_size, epochs=3, seeds=seeds, networks=2):
        steps = len(batches) // 3
        for epoch in range(3):
            assert sorted(chain(*batches[epoch * steps : (epoch + 1) * steps])) == list(range(n))


def test_the_last_batch_holds_the_rest() -> None:
    (batches,) = visits(9, 4, epochs=1)
    assert [len(batch) for batch in batches] == [4, 4, 1]


def test_the_order_changes_from_epoch_to_epoch() -> None:
    ((first, second),) = visits(50, 50, epochs=2)
    assert first != second


def test_the_order_is_the_generators() -> None:
    assert visits(50, 8, epochs=2, seeds=[4]) == visits(50, 8, epochs=2, seeds=[4])
    assert visits(50, 8, epochs=2, seeds=[4]) != visits(50, 8, epochs=2, seeds=[5])


def test_a_single_generator_draws_one_order_for_all_networks() -> None:
    assert visits(50, 8, epochs=2, seeds=[4], networks=3) == 3 * visits(50, 8, epochs=2, seeds=[4])


def test_generators_of_their_own_give_each_network_the_order_that_it_has_alone() -> None:
    each = [*visits(50, 8, epochs=2, seeds=[4]), *visits(50, 8, epochs=2, seeds=[5])]
    assert visits(50, 8, epochs=2, seeds=[4, 5], networks=2) == each


@pytest.mark.parametrize("seeds", [[0], [0, 1]])
def test_each_sample_keeps_its_label(seeds: list[int]) -> None:
    # Labels are the sign of the only input, so a network that copies it loses nothing, in any order.
    networks, x = linear([[-1.0, 1.0]], 2, torch.float32), torch.tensor([[-100.0], [100.0]] * 20)
    task = Classification(x, (x[:, 0] > 0).long(), torch.ones(2, 1, 1))
    run = train(networks, task, Sgd(networks, learning_rate=1.0), batch_size=7, epochs=1, generators=generators(seeds))
    assert next(run).loss.tolist() == [0, 0]  # exp(-200) is below the smallest float32


@given(samples=st.integers(1, 300), batch_size=st.integers(1, 300))
def test_the_steps_of_an_epoch_are_the_batches_that_torch_splits(samples: int, batch_size: int) -> None:
    assert steps_per_epoch(samples, batch_size) == len(torch.arange(samples).split(batch_size))


def test_epochs_are_numbered_from_one_and_steps_are_counted_throughout() -> None:
    networks = softmax_regression(1)
    optimizer = Sgd(networks, learning_rate=0.1)
    run = train(networks, problem([1.0]), optimizer, batch_size=16, epochs=3, generators=generators([0]))
    assert [(epoch.number, epoch.step) for epoch in run] == [(1, 3), (2, 6), (3, 9)]


def test_every_step_is_reported_after_it_was_taken() -> None:
    networks, seen = softmax_regression(1), []
    setting = {"batch_size": 16, "epochs": 3, "generators": generators([0])}

    def on_step() -> None:
        seen.append(networks.parameters.tolist())

    before = networks.parameters.tolist()
    for _ in train(networks, problem([1.0]), Sgd(networks, learning_rate=0.1), on_step=on_step, **setting):
        pass
    assert len(seen) == 3 * steps_per_epoch(40, 16)
    assert all(one != two for one, two in pairwise([before, *seen]))


# --- the way back in --------------------------------------------------------------------------------------------------

SETTING = {"batch_size": 16, "epochs": 5}
Numbers = list[tuple[int, int, list[float]]]


class Training:
    """Two networks, with an order of samples for each: all that a training changes."""

    def __init__(self, learner: type[Sgd | Adam]) -> None:
        kinds = [Kind("tanh", BatchNorm(trained=learner is Sgd)), Kind("relu")]  # Adam refuses to train it
        self.networks = Ensemble(kinds, [6, 8, 8, 3], dtype=torch.float64)
        self.optimizer = learner(self.networks, learning_rate=0.05)
        self.generators = generators([8, 9])

    def drawn(self) -> Training:
        self.networks.draw_normal_(generators([0, 1]), [1.3, 1.3], [0.2, 0.2])
        return self

    def tensors(self) -> dict[str, Tensor]:
        return self.networks.tensors() | self.optimizer.tensors()

    def restore(self, other: Training) -> None:
        for name, tensor in self.tensors().items():
            tensor.copy_(other.tensors()[name])
        for mine, its in zip(self.generators, other.generators, strict=True):
            mine.set_state(its.get_state())

    def run(self, *, until: int = 5, after: Epoch | None = None) -> Numbers:
        """Trains up to the end of an epoch."""
        found: Numbers = []
        task = problem([1.0, 0.5])
        for epoch in train(self.networks, task, self.optimizer, generators=self.generators, after=after, **SETTING):
            found.append((epoch.number, epoch.step, epoch.loss.tolist()))
            if epoch.number == until:
                break
        return found


@pytest.mark.parametrize("learner", [Sgd, Adam])
@pytest.mark.parametrize("at", [1, 3, 4])
def test_training_that_was_interrupted_goes_on_bit_for_bit_as_it_would_have(learner: type[Sgd | Adam], at: int) -> None:
    whole, first, second = Training(learner).drawn(), Training(learner).drawn(), Training(learner)
    epochs = whole.run()
    begun = first.run(until=at)
    second.restore(first)
    number, step, loss = begun[-1]
    assert begun + second.run(after=Epoch(number, step, torch.tensor(loss), 0.0)) == epochs
    assert same(second.tensors(), whole.tensors())
    x = torch.randn(2, 10, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.equal(second.networks(x), whole.networks(x))  # by the averages, which training does not read


def test_after_the_last_epoch_nothing_is_left_to_train() -> None:
    assert Training(Sgd).drawn().run(after=Epoch(5, 15, torch.ones(2), 2.0)) == []


def test_after_an_epoch_in_which_all_have_diverged_nothing_is_trained() -> None:
    lost = Epoch(2, 6, torch.tensor([math.nan, math.inf]), 2.0)
    assert Training(Sgd).drawn().run(after=lost) == []


def test_as_many_generators_as_neither_one_nor_the_networks_are_refused() -> None:
    networks = softmax_regression(3)
    run = train(
        networks, problem([1.0] * 3), Sgd(networks, learning_rate=0.1), generators=generators([0, 1]), **SETTING
    )
    with pytest.raises(ValueError, match="2 generators for 3 networks: it takes one, or one each"):
        next(run)


def test_evaluating_between_epochs_does_not_change_the_training() -> None:
    alone, watched, task = Training(Sgd).drawn(), Training(Sgd).drawn(), problem([1.0, 0.5])
    alone.run()
    for _ in train(watched.networks, task, watched.optimizer, generators=watched.generators, **SETTING):
        accuracy(watched.networks, task)
    assert same(watched.tensors(), alone.tensors())


@pytest.mark.parametrize("before", [0.0, 1000.0])
def test_seconds_are_those_of_the_steps_since_the_start(monkeypatch: pytest.MonkeyPatch, before: float) -> None:
    clock = [500.0]
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: clock[0]))

    def pass_by(seconds: float) -> None:
        clock[0] += seconds

    networks, seconds = softmax_regression(1), []
    last = Epoch(2, 6, torch.ones(1), before)
    setting = {**SETTING, "generators": generators([0]), "after": last, "on_step": lambda: pass_by(1.0)}
    for epoch in train(networks, problem([1.0]), Sgd(networks, learning_rate=0.1), **setting):
        seconds.append(epoch.seconds)
        pass_by(100.0)  # of evaluation
    assert seconds == [before + 3, before + 6, before + 9]


# --- divergence -------------------------------------------------------------------------------------------------------

HUGE = 1e200  # the first full-batch step makes weights as large, and the next outputs have no float64


def regressions(scale: Sequence[float], epochs: int = 6) -> tuple[Ensemble, list[Epoch]]:
    """Softmax regressions that see the samples at these scales, trained with all samples in one batch."""
    networks = softmax_regression(len(scale))
    return networks, full_batch(networks, problem(scale), learning_rate=0.5, epochs=epochs)


def test_each_network_diverges_by_itself_from_the_epoch_on_in_which_its_loss_leaves_the_numbers() -> None:
    _, run = regressions([1.0, HUGE, math.nan])
    assert [epoch.diverged for epoch in run] == [[False, False, True]] + [[False, True, True]] * 5


@pytest.mark.parametrize("scale", [HUGE, math.nan])
def test_a_network_goes_on_bit_for_bit_beside_one_that_diverges(scale: float) -> None:
    networks, run = regressions([1.0, scale])
    healthy, expected = regressions([1.0, 0.5])
    assert [epoch.loss[0].item() for epoch in run] == [epoch.loss[0].item() for epoch in expected]
    assert torch.equal(networks.parameters[0], healthy.parameters[0])


def test_training_stops_after_the_first_epoch_in_which_all_networks_have_diverged() -> None:
    _, run = regressions([HUGE, math.nan])
    assert [epoch.diverged for epoch in run] == [[False, True], [True, True]]


def test_an_epoch_in_which_the_last_network_diverges_is_trained_to_its_end() -> None:
    networks = softmax_regression(1)
    optimizer = Sgd(networks, learning_rate=0.5)
    run = train(networks, problem([math.nan]), optimizer, batch_size=16, epochs=5, generators=generators([0]))
    assert [epoch.step for epoch in run] == [steps_per_epoch(40, 16)]


def test_an_epoch_has_diverged_for_each_network_whose_loss_is_not_finite() -> None:
    loss = torch.tensor([0.0, 1e300, math.inf, -math.inf, math.nan], dtype=torch.float64)
    assert Epoch(number=1, step=1, loss=loss, seconds=0.0).diverged == [False, False, True, True, True]


# --- accuracy ---------------------------------------------------------------------------------------------------------

OUTPUTS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [-1.0, -3.0, -2.0], [5.0, 5.5, 6.0]], dtype=torch.float64)
IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("labels", "share", "of_smallest"),
    [([0, 1, 0, 2], 1.0, 0.0), ([0, 1, 0, 0], 0.75, 0.25), ([0, 2, 1, 0], 0.25, 0.5), ([2, 0, 1, 0], 0.0, 1.0)],
)
def test_accuracy_is_each_networks_share_of_labels_with_the_largest_output(
    labels: list[int], share: float, of_smallest: float
) -> None:
    # The second network sees the samples with the other sign, so its largest output is the first one's smallest.
    task = Classification(OUTPUTS, torch.tensor(labels), scaled(1.0, -1.0))
    assert accuracy(linear(IDENTITY, 2), task).tolist() == [share, of_smallest]


@pytest.mark.parametrize("n", [1, 999, 1000, 1001, 2500])
def test_accuracy_counts_every_sample_once_whatever_the_batches(n: int) -> None:
    generator = torch.Generator().manual_seed(0)
    largest, labels = torch.randint(3, (2, n), generator=generator)
    task = Classification(torch.eye(3, dtype=torch.float64)[largest], labels, scaled(1.0))
    assert accuracy(linear(IDENTITY, 1), task).item() == int((largest == labels).sum()) / n


@pytest.mark.parametrize("place", [0, 999, 1000, 2499])
def test_one_nan_among_its_outputs_makes_a_networks_accuracy_nan_and_no_others(place: int) -> None:
    x = torch.ones(2500, 1, dtype=torch.float64)
    x[place] = math.inf
    networks = linear([[1.0, -1.0]], 2)
    _, bias = networks.layers[0]
    bias[1, 0, 0] = -math.inf  # and inf - inf is NaN
    first, second = accuracy(networks, Classification(x, torch.zeros(2500, dtype=torch.int64), scaled(1.0, 1.0)))
    assert first == 1
    assert second.isnan()


def test_accuracy_leaves_the_averages_untouched() -> None:
    networks = Training(Sgd).drawn().networks
    before = {name: tensor.clone() for name, tensor in networks.tensors().items()}
    accuracy(networks, problem([1.0, 0.5]))
    assert same(networks.tensors(), before)


def test_accuracy_takes_the_averages_or_the_batchs_own_mean_where_there_are_to_be_none() -> None:
    # Normalized by their own mean the two samples are told apart; by the average of 0 both are positive.
    kinds = [Kind("tanh", BatchNorm()), Kind("tanh", BatchNorm(averages=False))]
    networks = Ensemble(kinds, [1, 1, 2], dtype=torch.float64)
    (first, _), (second, _) = networks.layers
    first.fill_(1.0)
    second.copy_(torch.tensor([[-1.0, 1.0]]))
    task = Classification(torch.tensor([[1.0], [2.0]], dtype=torch.float64), torch.tensor([0, 1]), scaled(1.0, 1.0))
    assert accuracy(networks, task).tolist() == [0.5, 1.0]
