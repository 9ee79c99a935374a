"""Linear classifiers on features, many at once: logistic regression by SGD, and ridge regression in closed form."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

# Least penalty, as a power of ten of the largest eigenvalue: features are products in float32, good to 1e-7 of it;
# kernels are good to float64. The eigenvalue of a constant that all inputs share may be far above those that tell.
_LEAST_OF_FEATURES, _LEAST_OF_KERNELS = -7, -11

# rows[s, i] -> features of row rows[s, i] under draw s, for each of the maps
Features = Callable[[Int[Tensor, "draws batch"]], Float[Tensor, "maps draws batch m"]]


@dataclass(frozen=True)
class Pass:
    """What an epoch of `softmax_regression` left.

    Attributes:
        number: of the epoch, from 1.
        seconds: in training steps since the start.
        accuracy: share of right answers on the epoch's batches, each before its update, in [0, 1].
        loss: mean cross entropy of the same, in nats.
        weights: the classifiers.
    """

    number: int
    seconds: float
    accuracy: Float[Tensor, "maps draws"]
    loss: Float[Tensor, "maps draws"]
    weights: Float[Tensor, "maps draws classes m"]


def softmax_regression(
    features: Features,
    y: Int[Tensor, " n"],
    weights: Float[Tensor, "maps draws classes m"],
    *,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    generators: Sequence[torch.Generator],
    after: tuple[int, float] = (0, 0.0),
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[Pass]:
    """Multi-class logistic regression without bias by plain SGD, for all feature maps and draws as one batched product.

        w <- w - learning_rate * gradient of the batch's mean cross entropy,    logits = w phi(x)

    Changes `weights` in place. Every epoch visits all samples once, for each draw in an order of its own generator. To
    continue after an interruption, restore weights and generators, and pass the last epoch's number and seconds.
    """
    maps, draws, classes, m = weights.shape
    flat = weights.view(maps * draws, classes, m)
    right_answers = torch.eye(classes, dtype=weights.dtype, device=weights.device)
    seconds = after[1]
    for number in range(after[0] + 1, epochs + 1):
        started = time.perf_counter()
        hits, loss = torch.zeros(2, maps, draws, dtype=torch.float64, device=weights.device)
        orders = torch.stack([torch.randperm(len(y), generator=generator) for generator in generators])
        for rows in orders.to(y.device).split(batch_size, dim=1):
            phi = features(rows)
            logits = _logits(flat, phi)
            labels = y[rows]
            log_p = logits.log_softmax(dim=-1)
            hits += (logits.argmax(dim=-1) == labels).sum(dim=-1)
            loss -= log_p.gather(-1, labels.expand(maps, -1, -1)[..., None])[..., 0].sum(dim=-1)
            error = log_p.exp().sub_(right_answers[labels])
            flat.baddbmm_(error.flatten(0, 1).mT, phi.flatten(0, 1), alpha=-learning_rate / rows.shape[1])
            on_step()
        seconds += time.perf_counter() - started
        yield Pass(number, seconds, hits / len(y), loss / len(y), weights)


def _logits(
    weights: Float[Tensor, "replicas classes m"], phi: Float[Tensor, "maps draws batch m"]
) -> Float[Tensor, "maps draws batch classes"]:
    # w phi^T rather than phi w^T, which takes twice the time on a CPU with so few classes
    logits = torch.bmm(weights, phi.flatten(0, 1).mT)
    return logits.view(*phi.shape[:2], *logits.shape[1:]).mT


def accuracy(
    features: Features, y: Int[Tensor, " n"], weights: Float[Tensor, "maps draws classes m"], *, batch_size: int
) -> Float[Tensor, "maps draws"]:
    """Share of rows whose largest logit is the label's, in [0, 1]."""
    maps, draws, classes, m = weights.shape
    hits = torch.zeros(maps, draws, dtype=torch.float64, device=weights.device)
    for rows in torch.arange(len(y), device=y.device).split(batch_size):
        phi = features(rows.expand(draws, -1))
        logits = _logits(weights.view(maps * draws, classes, m), phi)
        hits += (logits.argmax(dim=-1) == y[rows]).sum(dim=-1)
    return hits / len(y)


# --- ridge regression -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RidgeFit:
    """Scores b + w phi(x), one for each class, the largest of which is the answer.

    Attributes:
        weights: w, one row for each feature; of kernel regression, for each training sample.
        bias: b, the classes' shares of the training set.
        penalty: lambda, as chosen by generalized cross-validation, in |y - b - w phi|^2 + lambda |w|^2 of all samples.
    """

    weights: Float[Tensor, "m classes"]
    bias: Float[Tensor, " classes"]
    penalty: float

    def accuracy(self, phi: Float[Tensor, "n m"], y: Int[Tensor, " n"]) -> float:
        """Share of right answers on features, or on the kernel between n samples and those of the training set."""
        scores = phi.double() @ self.weights + self.bias
        return float((scores.argmax(dim=1) == y).double().mean())


def ridge(blocks: Iterable[Float[Tensor, "_ m"]], y: Int[Tensor, " n"], classes: int) -> RidgeFit:
    """Ridge regression of one-hot labels on features that come in blocks of rows, with an unpenalized bias.

    In closed form: from the eigenvectors of the centered Gram matrix of the features, lambda by generalized
    cross-validation, min n RSS / (n - trace)^2 (Golub, Heath, Wahba 1979). Products are taken in the features' type and
    added up in float64.
    """
    n, targets = len(y), _one_hot(y, classes)
    sums: list[Tensor] = []
    start = 0
    for phi in blocks:
        start += len(phi)
        if start > n:
            raise ValueError(f"{start} or more rows of features, and {n} labels")
        if phi.shape[1] >= n:  # labels are interpolated: what is left of them is less than a rounding of float32
            phi = phi.double()
        labels = targets[start - len(phi) : start].to(phi.dtype)
        parts = [part.double() for part in (phi.mT @ phi, phi.mT @ labels, phi.double().sum(dim=0))]
        sums = [one.add_(part) for one, part in zip(sums, parts, strict=True)] if sums else parts
    if start != n:
        raise ValueError(f"{start} rows of features, and {n} labels")
    gram, cross, total = sums
    mean, bias = total / n, targets.mean(dim=0)
    values, vectors = torch.linalg.eigh(gram - n * torch.outer(mean, mean))
    values = values.clamp(min=0)
    projected = vectors.mT @ (cross - n * torch.outer(mean, bias))
    # sum |y - b|^2 - sum (v + 2 lambda) / (v + lambda)^2 |projected|^2 over the eigenvalues v
    energy, spread = projected.square().sum(dim=1), float((targets - bias).square().sum())
    penalty = _best(
        values,
        n,
        _LEAST_OF_FEATURES,
        lambda penalty: spread - ((values + 2 * penalty) / (values + penalty) ** 2 * energy).sum(),
    )
    weights = vectors @ (projected / (values + penalty)[:, None])
    return RidgeFit(weights, bias - mean @ weights, penalty)


def kernel_ridge(gram: Float[Tensor, "n n"], y: Int[Tensor, " n"], classes: int) -> RidgeFit:
    """Ridge regression of one-hot labels in the dual, w = sum_i alpha_i phi(x_i), from a kernel matrix.

    b is the classes' shares, not fitted; lambda is chosen by generalized cross-validation.
    """
    targets = _one_hot(y, classes)
    bias = targets.mean(dim=0)
    values, vectors = torch.linalg.eigh(gram.double())
    values = values.clamp(min=0)
    projected = vectors.mT @ (targets - bias)
    energy = projected.square().sum(dim=1)
    penalty = _best(
        values,
        len(y),
        _LEAST_OF_KERNELS,
        lambda penalty: ((penalty / (values + penalty)) ** 2 * energy).sum(),
        constant=vectors.sum(dim=0).square() / len(y),
    )
    return RidgeFit(vectors @ (projected / (values + penalty)[:, None]), bias, penalty)


def _one_hot(y: Int[Tensor, " n"], classes: int) -> Float[Tensor, "n classes"]:
    return torch.eye(classes, dtype=torch.float64, device=y.device)[y]


def _best(
    values: Float[Tensor, " m"],
    n: int,
    least: int,
    residual: Callable[[float], Tensor],
    *,
    constant: Float[Tensor, " m"] | float = 0.0,
) -> float:
    """The penalty with the least cross-validation score, four for each factor of ten of the largest eigenvalue.

    The trace of what takes labels to fitted ones, H = 11'/n + S (I - 11'/n) with S = K (K + lambda)^-1, is 1 + tr S -
    1'S1/n; `constant` holds the squared shares of the eigenvectors in 1/sqrt(n).
    """
    largest = float(values.max()) or 1.0  # of constant features, on which any penalty gives zero weights
    penalties: list[float] = (largest * np.logspace(least, 0, 1 - 4 * least)).tolist()

    def score(penalty: float) -> float:
        trace = 1 + float((values / (values + penalty) * (1 - constant)).sum())
        return float(residual(penalty)) / (n - trace) ** 2

    return min(penalties, key=score)
