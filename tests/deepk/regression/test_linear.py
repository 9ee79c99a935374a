"""Linear classifiers against torch.optim, scikit-learn, and hat matrices written out."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from torch.nn.functional import cross_entropy

from deepk.kernels import CompositionalFeatures, CompositionalKernel
from deepk.regression.linear import Pass, RidgeFit, accuracy, kernel_ridge, ridge, softmax_regression

N, M, CLASSES, MAPS, DRAWS = 23, 7, 3, 4, 2

light = settings(max_examples=15, deadline=None)


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


PHI = normal(MAPS, DRAWS, N, M)
Y = torch.from_numpy(np.random.default_rng(1).integers(0, CLASSES, N))
START = 0.3 * normal(MAPS, DRAWS, CLASSES, M, seed=2)
SETTING = {"learning_rate": 0.2, "batch_size": 5, "epochs": 4}


def features(phi: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """Of rows given for each draw, from a table of shape (maps, draws, n, m)."""
    return lambda rows: torch.stack([phi[:, s, rows[s]] for s in range(phi.shape[1])], dim=1)


def generators(draws: int = DRAWS) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(10 + s) for s in range(draws)]


def trained(phi: torch.Tensor, weights: torch.Tensor, **changed) -> list[Pass]:
    """All epochs; the weights of each are a copy."""
    given_features = features(phi)
    options = {**SETTING, "generators": generators(phi.shape[1]), **changed}
    passes: Iterator[Pass] = softmax_regression(given_features, Y, weights.clone(), **options)
    return [Pass(p.number, p.seconds, p.accuracy, p.loss, p.weights.clone()) for p in passes]


# Stochastic gradient descent --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 5, N, 100])
@pytest.mark.parametrize(("a", "s"), [(0, 0), (3, 1)])
def test_a_classifier_is_that_of_torchs_own_sgd_on_the_same_batches(a, s, batch_size):
    found = trained(PHI, START, batch_size=batch_size)
    w = START[a, s].clone().requires_grad_()
    optimizer, generator = torch.optim.SGD([w], lr=0.2), generators()[s]
    for epoch in found:
        hits, loss = 0, 0.0
        for batch in torch.randperm(N, generator=generator).split(batch_size):
            logits = PHI[a, s, batch] @ w.T
            mean = cross_entropy(logits, Y[batch])
            hits += int((logits.argmax(dim=1) == Y[batch]).sum())
            loss += float(mean.detach()) * len(batch)
            optimizer.zero_grad()
            mean.backward()
            optimizer.step()
        # sums in another order, in float64
        torch.testing.assert_close(epoch.weights[a, s], w.detach(), rtol=1e-11, atol=1e-11)
        assert float(epoch.accuracy[a, s]) == hits / N
        assert float(epoch.loss[a, s]) == pytest.approx(loss / N, rel=1e-12)


def test_the_first_step_is_the_gradient_of_a_mean():
    # softmax minus one-hot, times phi, over all samples at once
    (found,) = trained(PHI[:1, :1], START[:1, :1], batch_size=N, epochs=1)
    phi, w = PHI[0, 0].numpy(), START[0, 0].numpy()
    p = np.exp(phi @ w.T)
    p /= p.sum(axis=1, keepdims=True)
    gradient = (p - np.eye(CLASSES)[Y.numpy()]).T @ phi / N
    assert found.weights[0, 0].numpy() == pytest.approx(w - 0.2 * gradient, rel=1e-12)


def test_all_at_once_are_what_each_is_alone():
    found = trained(PHI, START)
    for a in range(MAPS):
        for s in range(DRAWS):
            one = slice(a, a + 1), slice(s, s + 1)
            alone = trained(PHI[one], START[one], generators=generators()[s : s + 1])
            for together, single in zip(found, alone, strict=True):
                torch.testing.assert_close(together.weights[one], single.weights, rtol=1e-11, atol=1e-11)
                torch.testing.assert_close(together.loss[one], single.loss, rtol=1e-11, atol=0)
                assert torch.equal(together.accuracy[one], single.accuracy)


def test_float32_is_trained_in_float32_and_close():
    single, double = trained(PHI.float(), START.float())[-1], trained(PHI, START)[-1]
    assert single.weights.dtype == torch.float32
    assert single.loss.dtype == single.accuracy.dtype == torch.float64
    # 20 steps of a few roundings each, of numbers of size one
    torch.testing.assert_close(single.weights.double(), double.weights, rtol=0, atol=1e-4)


@pytest.mark.parametrize("done", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_training_that_is_continued_is_the_same_to_the_last_bit(done, dtype):
    phi, start = PHI.to(dtype), START.to(dtype)
    whole = trained(phi, start)
    before, drawn = start.clone(), generators()
    first = list(softmax_regression(features(phi), Y, before, **{**SETTING, "epochs": done}, generators=drawn))
    states = [generator.get_state() for generator in drawn]
    restored = [torch.Generator() for _ in states]
    for generator, state in zip(restored, states, strict=True):
        generator.set_state(state)
    rest = trained(phi, before, generators=restored, after=(done, first[-1].seconds))
    assert [p.number for p in rest] == list(range(done + 1, 5))
    assert all(p.seconds > first[-1].seconds for p in rest)
    for one, other in zip(whole[done:], rest, strict=True):
        assert torch.equal(one.weights, other.weights)
        assert torch.equal(one.loss, other.loss)
        assert torch.equal(one.accuracy, other.accuracy)


def test_a_training_that_is_done_has_no_further_epochs():
    assert trained(PHI, START, after=(4, 1.0)) == []


@pytest.mark.parametrize("batch_size", [1, 5, N])
def test_an_epoch_visits_every_sample_once_for_each_draw_in_an_order_of_its_own(batch_size):
    visited = []

    def watched(rows: torch.Tensor) -> torch.Tensor:
        visited.append(rows.clone())
        return features(PHI)(rows)

    options = {**SETTING, "batch_size": batch_size, "epochs": 2}
    list(softmax_regression(watched, Y, START.clone(), **options, generators=generators()))
    orders = torch.cat(visited, dim=1).view(DRAWS, 2, N)
    for order in orders.flatten(0, 1):
        assert sorted(order.tolist()) == list(range(N))
    assert len({tuple(order.tolist()) for order in orders.flatten(0, 1)}) == 2 * DRAWS


def test_accuracy_and_loss_are_those_before_each_update():
    # without one, of the weights as they are; weights of zero have a loss of log(classes)
    still = trained(PHI, START, learning_rate=0.0)[-1]
    assert torch.equal(still.accuracy, accuracy(features(PHI), Y, START, batch_size=4))
    assert torch.equal(still.weights, START)
    first = trained(PHI, torch.zeros_like(START), batch_size=N, epochs=1)[0]
    assert first.loss.numpy() == pytest.approx(np.full((MAPS, DRAWS), math.log(CLASSES)), rel=1e-12)
    assert (first.weights != 0).any()


def test_the_loss_of_small_steps_on_all_samples_only_falls():
    losses = torch.stack([p.loss for p in trained(PHI, START, batch_size=N, learning_rate=0.05, epochs=30)])
    assert (losses.diff(dim=0) < 0).all()


def test_what_is_told_of_steps_is_told_once_for_each_batch():
    steps = []
    trained(PHI, START, on_step=lambda: steps.append(1))
    assert len(steps) == 4 * math.ceil(N / 5)


def test_the_weights_given_are_those_that_change():
    weights = START.clone()
    *_, last = softmax_regression(features(PHI), Y, weights, **SETTING, generators=generators())
    assert last.weights is weights
    assert torch.equal(weights, trained(PHI, START)[-1].weights)


@pytest.mark.parametrize("batch_size", [1, 4, N, 100])
def test_accuracy_is_the_share_of_labels_with_the_largest_logit(batch_size):
    logits = np.einsum("asnm,askm->asnk", PHI.numpy(), START.numpy())
    exact = (logits.argmax(axis=-1) == Y.numpy()).mean(axis=-1)
    assert accuracy(features(PHI), Y, START, batch_size=batch_size).numpy() == pytest.approx(exact, rel=1e-15)


# Ridge regression -------------------------------------------------------------------------------------------------


def labelled(n: int, m: int, classes: int = 3, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of unequal sizes and with a mean, and labels that depend on them, with errors."""
    phi = normal(n, m, seed=n + m) * torch.logspace(0, -2, m, dtype=torch.float64) + 1
    scores = phi @ normal(m, classes, seed=m) + 0.3 * normal(n, classes, seed=n)
    return phi.to(dtype), (scores - scores.mean(dim=0)).argmax(dim=1)


def candidates(centered: np.ndarray) -> np.ndarray:
    """Four for each of seven factors of ten, up to the largest eigenvalue."""
    return np.linalg.eigvalsh(centered @ centered.T)[-1] * 10.0 ** -np.arange(0, 7.01, 0.25)


def scores(hat: np.ndarray, y: torch.Tensor) -> float:
    """n RSS / (n - trace)^2 of the fitted values, hat times one-hot labels."""
    targets = np.eye(int(y.max()) + 1)[y.numpy()]
    n = len(hat)
    return n * ((targets - hat @ targets) ** 2).sum() / (n - np.trace(hat)) ** 2


SIZES = [(60, 5), (60, 40), (40, 40), (40, 41), (30, 80)]


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_ridge_is_scikit_learns_with_an_intercept_at_the_same_penalty(n, m):
    phi, y = labelled(n, m)
    fit = ridge([phi], y, 3)
    exact = Ridge(alpha=fit.penalty).fit(phi.numpy(), np.eye(3)[y.numpy()])
    assert fit.weights.T.numpy() == pytest.approx(exact.coef_, rel=1e-8, abs=1e-8)
    assert fit.bias.numpy() == pytest.approx(exact.intercept_, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_penalty_is_the_candidate_of_least_cross_validation_by_the_hat_matrix(n, m, dtype):
    phi, y = labelled(n, m, dtype=dtype)
    x = phi.double().numpy()
    x = x - x.mean(axis=0)

    def hat(penalty: float) -> np.ndarray:
        return 1 / n + x @ np.linalg.solve(x.T @ x + penalty * np.eye(m), x.T)

    tried = candidates(x)
    best = tried[np.argmin([scores(hat(penalty), y) for penalty in tried])]
    # by the largest eigenvalue, which float32 knows to seven digits
    assert ridge([phi], y, 3).penalty == pytest.approx(best, rel=1e-5 if dtype == torch.float32 else 1e-10)
    assert tried[-1] < best < tried[0]


def test_more_random_features_than_samples_in_float32_are_penalized_as_in_float64():
    # labels that are chance: every penalty but the largest fits them exactly, up to float32
    x = np.random.default_rng(0).standard_normal((100, 20))
    y = torch.from_numpy(np.random.default_rng(1).integers(0, 3, 100))
    phi = torch.from_numpy(CompositionalFeatures("gelu", 2, 400, random_state=0).fit_transform(x))
    single, double = ridge([phi.float()], y, 3), ridge([phi], y, 3)
    assert single.penalty == pytest.approx(double.penalty, rel=1e-5)
    torch.testing.assert_close(single.weights, double.weights, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("size", [1, 7, 25, 1000])
def test_ridge_does_not_see_how_rows_come_in_blocks(n, m, size):
    phi, y = labelled(n, m)
    whole, parts = ridge([phi], y, 3), ridge(iter(phi.split(size)), y, 3)
    assert parts.penalty == pytest.approx(whole.penalty, rel=1e-10)
    torch.testing.assert_close(parts.weights, whole.weights, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(parts.bias, whole.bias, rtol=1e-7, atol=1e-7)


def test_ridge_of_float32_is_close_to_that_of_float64():
    phi, y = labelled(60, 5)
    single, double = ridge([phi.float()], y, 3), ridge([phi], y, 3)
    assert single.weights.dtype == torch.float64
    # products to 1e-7 of the largest eigenvalue, which is 1e4 times the smallest
    torch.testing.assert_close(single.weights, double.weights, rtol=1e-3, atol=1e-3)


@light
@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-10, 10), scale=st.floats(0.01, 100))
def test_a_shift_and_a_scale_of_all_features_change_no_score(seed, shift, scale):
    phi, y = normal(25, 4, seed=seed), torch.arange(25) % 3
    one, other = ridge([phi], y, 3), ridge([scale * phi + shift], y, 3)
    assume(
        other.penalty == pytest.approx(scale**2 * one.penalty, rel=1e-3)
    )  # of two penalties as good, either is taken
    expected = phi @ one.weights + one.bias
    # a shift of 1000 standard deviations costs six digits of the centered products
    torch.testing.assert_close((scale * phi + shift) @ other.weights + other.bias, expected, rtol=0, atol=1e-5)


@light
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(4, 30), m=st.integers(1, 30))
def test_the_mean_score_of_a_class_is_its_share(seed, n, m):
    phi, y = normal(n, m, seed=seed) + 1, torch.arange(n) % 3
    fit = ridge([phi], y, 3)
    shares = np.bincount(y.numpy()) / n
    assert (phi @ fit.weights + fit.bias).mean(dim=0).numpy() == pytest.approx(shares, rel=0, abs=1e-9)


@pytest.mark.parametrize("n", [30, 80])
def test_kernel_ridge_is_scikit_learns_of_centered_labels_at_the_same_penalty(n):
    x, y = labelled(n, 6)
    gram = CompositionalKernel("relu", 2).gram(x)
    fit = kernel_ridge(gram, y, 3)
    targets = np.eye(3)[y.numpy()]
    assert fit.bias.numpy() == pytest.approx(targets.mean(axis=0), rel=1e-14)
    exact = KernelRidge(alpha=fit.penalty, kernel="precomputed").fit(gram.numpy(), targets - targets.mean(axis=0))
    assert fit.weights.numpy() == pytest.approx(exact.dual_coef_, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("n", [30, 80])
def test_the_penalty_of_kernel_ridge_is_the_candidate_of_least_cross_validation_by_the_hat_matrix(n):
    x, y = labelled(n, 6)
    gram = CompositionalKernel("relu", 2).gram(x).numpy()
    residuals = np.eye(3)[y.numpy()] - np.eye(3)[y.numpy()].mean(axis=0)

    def score(penalty: float) -> float:
        smoother, mean = gram @ np.linalg.inv(gram + penalty * np.eye(n)), np.ones((n, n)) / n
        hat = mean + smoother @ (np.eye(n) - mean)  # takes labels to fitted ones
        return n * ((residuals - hat @ residuals) ** 2).sum() / (n - np.trace(hat)) ** 2

    tried = np.linalg.eigvalsh(gram)[-1] * 10.0 ** -np.arange(0, 11.01, 0.25)
    best = tried[np.argmin([score(penalty) for penalty in tried])]
    assert kernel_ridge(torch.from_numpy(gram), y, 3).penalty == pytest.approx(best, rel=1e-10)


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_of_centered_features_and_their_products_both_are_the_same_classifier(n, m):
    phi, y = labelled(n, m)
    phi = phi - phi.mean(dim=0)
    primal, dual = ridge([phi], y, 3), kernel_ridge(phi @ phi.T, y, 3)
    assert dual.penalty == pytest.approx(primal.penalty, rel=1e-9)
    torch.testing.assert_close(phi.T @ dual.weights, primal.weights, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(dual.bias, primal.bias, rtol=0, atol=1e-12)
    assert dual.accuracy(phi @ phi.T, y) == primal.accuracy(phi, y)


def test_random_features_become_the_kernel_they_estimate():
    x, y = labelled(40, 5)
    phi = torch.from_numpy(CompositionalFeatures("sigmoid", 1, 20_000, centered=True, random_state=0).fit_transform(x))
    gram = CompositionalKernel("sigmoid", 1, centered=True).gram(x)
    dual = kernel_ridge(gram, y, 3)
    primal = RidgeFit(phi.T @ dual.weights, dual.bias, dual.penalty)
    # products deviate by 0.03 at most, weights are below 0.2
    exact, found = gram @ dual.weights, phi @ primal.weights
    assert float((exact - found).abs().max()) < 0.1
    assert primal.accuracy(phi, y) == pytest.approx(dual.accuracy(gram, y), abs=0.1)


def test_the_accuracy_of_a_fit_is_the_share_of_labels_with_the_largest_score():
    phi, y = labelled(50, 5)
    fit = ridge([phi], y, 3)
    answers = (phi.numpy() @ fit.weights.numpy() + fit.bias.numpy()).argmax(axis=1)
    assert fit.accuracy(phi, y) == (answers == y.numpy()).mean()
    assert fit.accuracy(phi.float(), y) == pytest.approx(fit.accuracy(phi, y), abs=1 / 50)


@pytest.mark.parametrize(
    ("rows", "message"), [(0, "0"), (20, "20"), (29, "29"), (31, "31 or more"), (60, "40 or more")]
)
def test_another_number_of_rows_than_of_labels_is_refused_in_one_line(rows, message):
    _, y = labelled(30, 5)
    with pytest.raises(ValueError, match=rf"^{message} rows of features, and 30 labels$"):
        ridge(normal(60, 5)[:rows].split(20), y, 3)
