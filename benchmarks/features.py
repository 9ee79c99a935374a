"""Random features of deep kernels beside the machine's matrix product, scikit-learn, and training one at a time.

    python benchmarks/features.py [--threads 2] [--memory-rows 60000] ...        (--help lists all sizes)

First the memory that `fit_transform` takes beside inputs and result, 3072 columns to 4096 features, in a process of its
own. Then the feature map: 60,000 x 784 inputs to 2048 features of degree 20, all of `transform`, beside the product of
the same shapes alone, which is written where memory is already. Then scikit-learn's features at equal m: seconds of
`fit` and of `transform`, and test accuracy of one and the same ridge regression, whose penalty is chosen by generalized
cross-validation. Then logistic regression by SGD for four activations, three depths and some seeds: as one batched
product of features that are made anew in each step, beside `nn.Linear` and `torch.optim.SGD` on stored features, one
training after the other; that side counts neither hits nor losses, as the first does. At the end, what is asked.

All sides work in one run with the same threads and the same float32 rows (PolynomialCountSketch goes to float64, and
its Fourier transforms keep to one thread). Seconds are the least of several; feature maps and product take turns.
Images are MNIST where $DEEPK_DATA or the cache has it, else 8x8 digits, scaled to norm one. 5 GB of memory.
"""

from __future__ import annotations

import argparse
import itertools
import math
import multiprocessing
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from kernels import megabytes, peak, short
from sklearn.kernel_approximation import Nystroem, PolynomialCountSketch, RBFSampler
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from deepk.data import DataMissing, load
from deepk.features.compressed import FeatureMaps, hermite_series
from deepk.kernels import CompositionalFeatures, CompositionalKernel, GegenbauerFeatures
from deepk.regression.linear import ridge, softmax_regression
from deepk.spectra.orthogonal import Series

DEPTH, TRUNCATION = 3, 20
COLUMNS = 784  # MNIST's
WIDE, MANY = 3072, 4096  # columns and features where memory is measured: CIFAR-10's
ASKED_ROWS = 60_000
ASKED_RATIO, ASKED_BYTES = 0.5, 2_000_000_000

ACTIVATIONS, DEPTHS = ("relu", "gelu", "swish", "sigmoid"), (1, 2, 3)
LEARNING_RATE = 1.0  # on features of norm about one: far from where SGD multiplies roundings
BLOCK = 1000  # rows at once in ridge regression


class Images(NamedTuple):
    """Images of norm one."""

    name: str
    x: Float[Tensor, "n d"]
    y: Int[Tensor, " n"]
    test_x: Float[Tensor, "n_test d"]
    test_y: Int[Tensor, " n_test"]
    classes: int


def images(train_size: int, test_size: int) -> Images:
    """A subset of MNIST, or all digits."""
    try:
        found = load("mnist", train_size=train_size, test_size=test_size)
    except DataMissing:
        found = load("digits")
    x, test_x = normalize(found.train_x, dim=1), normalize(found.test_x, dim=1)
    return Images(found.name, x, found.train_y, test_x, found.test_y, len(found.classes))


def seconds(call: Callable[[], object]) -> float:
    """Of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def least_seconds(calls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Of later calls; the sides take turns, so that what else the machine does meets all of them."""
    for call in calls.values():
        call()
    rounds = [{label: seconds(call) for label, call in calls.items()} for _ in range(repeats)]
    return {label: min(times[label] for times in rounds) for label in calls}


# --- the feature map --------------------------------------------------------------------------------------------------


def feature_map(n: int, m: int, repeats: int) -> float:
    """Prints the rate of each feature map beside that of the product; returns the least ratio, without noise."""
    inputs = np.random.default_rng(0).random((n, COLUMNS), dtype=np.float32)
    x, out = torch.from_numpy(inputs), torch.empty(n, m)
    maps: dict[str, dict[str, Any]] = {
        f"relu, depth {DEPTH}": {},
        f"relu, depth {DEPTH}, centered": {"centered": True},
        f"relu, depth {DEPTH}, with noise": {"ridge_noise": True},
    }
    fitted = {
        label: CompositionalFeatures("relu", DEPTH, m, truncation=TRUNCATION, random_state=0, **options).fit(inputs)
        for label, options in maps.items()
    }
    theta = torch.randn(COLUMNS, m, generator=torch.Generator().manual_seed(0))
    calls: dict[str, Callable[[], object]] = {"product alone": partial(torch.mm, x, theta, out=out)}
    calls |= {label: partial(one.transform, inputs) for label, one in fitted.items()}
    found = least_seconds(calls, repeats)
    print(
        f"feature map: {n:,} x {COLUMNS} to {m} features, degree {TRUNCATION}; "
        f"least of {repeats}, {2 * COLUMNS} flops a feature"
    )
    print(f"  {'':32s} {'time':>11s} {'GFLOP/s':>9s} {'ratio':>9s}")
    ratios = {label: found["product alone"] / time_ for label, time_ in found.items()}
    for label, time_ in found.items():
        rate = 2 * n * COLUMNS * m / time_ / 1e9
        print(f"  {label:32s} {short(time_):>9s} s {rate:9.0f} {ratios[label]:9.2f}")
    return min(ratio for label, ratio in ratios.items() if "noise" not in label)


def memory(n: int, threads: int) -> int:
    """Bytes beside inputs and result, directions and their copy in float32 among them; for a fresh process."""
    set_threads(threads)
    features = CompositionalFeatures("relu", DEPTH, MANY, truncation=TRUNCATION, random_state=0)
    CompositionalFeatures("relu", DEPTH, 2).fit_transform(np.eye(2, dtype=np.float32))  # what any use takes once
    inputs = np.random.default_rng(0).random((n, WIDE), dtype=np.float32)
    before = peak()
    result = np.asarray(features.fit_transform(inputs))
    return peak() - before - result.nbytes


# --- beside scikit-learn ----------------------------------------------------------------------------------------------


def transformers(m: int, gamma: float) -> dict[str, Any]:
    """By label; the kernel of two of them is exp(-gamma |x - y|^2)."""
    common: dict[str, Any] = {"n_components": m, "random_state": 0}
    return {
        "CompositionalFeatures, depth 1": CompositionalFeatures("relu", 1, truncation=TRUNCATION, **common),
        f"CompositionalFeatures, depth {DEPTH}": CompositionalFeatures("relu", DEPTH, truncation=TRUNCATION, **common),
        "GegenbauerFeatures, depth 1": GegenbauerFeatures(CompositionalKernel("relu", 1), **common),
        "RBFSampler": RBFSampler(gamma=gamma, **common),
        "PolynomialCountSketch, degree 2": PolynomialCountSketch(degree=2, coef0=1, **common),
        "Nystroem, same kernel": Nystroem(gamma=gamma, **common),
    }


def beside_scikit_learn(data: Images, m: int, repeats: int) -> None:
    """Prints a line for each kind of features."""
    x, test_x = data.x.numpy(), data.test_x.numpy()
    m = min(m, len(x))  # Nystroem takes no more
    print(f"{data.name}, {len(x):,} and {len(test_x):,} images of {x.shape[1]} pixels, {m} features, ridge regression")
    print(f"  {'':32s} {'fit':>11s} {'first call':>11s} {'warm':>11s} {'x deepk':>9s} {'accuracy':>9s}")
    gamma = 1 / (x.shape[1] * float(x.var()))  # scikit-learn's "scale"
    ours = math.nan
    for label, transformer in transformers(m, gamma).items():
        fitted = seconds(partial(transformer.fit, x))
        started = time.perf_counter()
        phi = transformer.transform(x)
        first = time.perf_counter() - started
        fit = ridge(torch.from_numpy(phi).float().split(BLOCK), data.y, data.classes)
        del phi
        accuracy = fit.accuracy(torch.from_numpy(transformer.transform(test_x)).float(), data.test_y)
        warm = min(seconds(partial(transformer.transform, x)) for _ in range(repeats))
        ours = warm if math.isnan(ours) else ours
        print(
            f"  {label:32s} {short(fitted):>9s} s {short(first):>9s} s {short(warm):>9s} s "
            f"{short(warm / ours):>9s} {100 * accuracy:7.2f} %",
            flush=True,
        )


# --- trainings --------------------------------------------------------------------------------------------------------


class Trained(NamedTuple):
    """Seconds before the first step, seconds of each epoch of all trainings, and their weights."""

    before: float
    epochs: list[float]
    weights: Float[Tensor, "maps draws classes m"]


def at_once(
    data: Images, directions: Float[Tensor, "draws d m"], series: Series, batch_size: int, epochs: int
) -> Trained:
    """deepk: what is stored are the products with the directions."""
    draws, _, m = directions.shape
    started = time.perf_counter()
    features = FeatureMaps(data.x, directions, series)
    before = time.perf_counter() - started
    weights = torch.zeros(len(series), draws, data.classes, m)
    passes = softmax_regression(
        features,
        data.y,
        weights,
        learning_rate=LEARNING_RATE,
        batch_size=batch_size,
        epochs=epochs,
        generators=[torch.Generator().manual_seed(seed) for seed in range(draws)],
    )
    ends = [one.seconds for one in passes]
    return Trained(before, np.diff([0.0, *ends]).tolist(), weights)


def one_at_a_time(
    data: Images, directions: Float[Tensor, "draws d m"], series: Series, batch_size: int, epochs: int
) -> Trained:
    """Plain PyTorch: features of one activation, depth and seed are stored, trained on and forgotten."""
    before, times = 0.0, [0.0] * epochs
    weights = torch.empty(len(series), len(directions), data.classes, directions.shape[2])
    for (s, theta), r in itertools.product(enumerate(directions), range(len(series))):
        started = time.perf_counter()
        phi = series[r : r + 1](data.x @ theta)[0]
        before += time.perf_counter() - started
        linear = nn.Linear(phi.shape[1], data.classes, bias=False)
        nn.init.zeros_(linear.weight)
        optimizer = torch.optim.SGD(linear.parameters(), lr=LEARNING_RATE)
        generator = torch.Generator().manual_seed(s)
        for epoch in range(epochs):
            started = time.perf_counter()
            for rows in torch.randperm(len(phi), generator=generator).split(batch_size):
                optimizer.zero_grad()
                cross_entropy(linear(phi[rows]), data.y[rows]).backward()
                optimizer.step()
            times[epoch] += time.perf_counter() - started
        weights[r, s] = linear.weight.detach()
    return Trained(before, times, weights)


def trainings(data: Images, m: int, seeds: int, batch_sizes: list[int], epochs: int) -> None:
    """Prints both sides for each batch size, and how far apart their weights end."""
    alpha = [CompositionalKernel(name, depth).coefficients(TRUNCATION) for name in ACTIVATIONS for depth in DEPTHS]
    series = hermite_series(np.stack(alpha), scale=m**-0.5)
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(seeds, data.x.shape[1], m, generator=generator)
    print(
        f"SGD on {len(data.x):,} images, {m} features: {len(ACTIVATIONS)} activations x {len(DEPTHS)} depths x "
        f"{seeds} seeds; an epoch is the least of {epochs}"
    )
    print(f"  {'':32s} {'before':>11s} {'an epoch':>11s} {'ratio':>9s} {'weights':>11s}")
    for batch_size in batch_sizes:
        ours = at_once(data, directions, series, batch_size, epochs)
        plain = one_at_a_time(data, directions, series, batch_size, epochs)
        apart = float((ours.weights - plain.weights).abs().max() / plain.weights.abs().max())
        for label, side, note in (("all at once", ours, ""), ("one at a time", plain, f"{apart:11.0e}")):
            ratio = min(side.epochs) / min(ours.epochs)
            print(
                f"  {f'batch {batch_size}, {label}':32s} {short(side.before):>9s} s {short(min(side.epochs)):>9s} s "
                f"{short(ratio):>9s} {note}",
                flush=True,
            )


# --- what is asked ----------------------------------------------------------------------------------------------------


def set_threads(threads: int) -> None:
    """Of PyTorch, and of the libraries that NumPy and SciPy call."""
    torch.set_num_threads(threads)
    threadpool_limits(threads)


def arguments() -> argparse.Namespace:
    """From the command line."""
    parser = argparse.ArgumentParser(
        description=str(__doc__).partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )

    def size(name: str, default: int, what: str) -> None:
        parser.add_argument(name, type=int, default=default, help=what)

    size("--threads", torch.get_num_threads(), "of all sides")
    size("--rows", ASKED_ROWS, "of the feature map")
    size("--components", 2048, "features, of the feature map and beside scikit-learn")
    size("--repeats", 3, "later calls, of which the fastest counts")
    size("--memory-rows", 10_000, f"where memory is measured; {ASKED_ROWS} take 2 GB for themselves")
    size("--train-size", 20_000, "images of MNIST beside scikit-learn")
    size("--test-size", 10_000, "images of MNIST")
    size("--sgd-size", 10_000, "images in trainings, the first of them")
    size("--sgd-components", 1024, "features in trainings")
    size("--seeds", 5, "of trainings")
    size("--epochs", 2, "of each training, of which the fastest counts")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[16, 256], help="of trainings")
    return parser.parse_args()


def main() -> None:
    """Prints everything."""
    started = time.perf_counter()
    sizes = arguments()
    warnings.filterwarnings("ignore", message=r".*is beyond degree")  # deep kernels lose some, which costs no time
    set_threads(sizes.threads)
    print(f"float32, threads: {sizes.threads}")
    # First: the peak that a process reports is at least what its parent had when it was started.
    with multiprocessing.get_context("spawn").Pool(1) as fresh:
        beside = fresh.apply(memory, (sizes.memory_rows, sizes.threads))
    print(
        f"{sizes.memory_rows:,} x {WIDE} to {MANY} features, inputs of "
        f"{megabytes(4 * sizes.memory_rows * WIDE)} and a result of {megabytes(4 * sizes.memory_rows * MANY)}: "
        f"{megabytes(beside)} of memory beside them",
        flush=True,
    )
    ratio = feature_map(sizes.rows, sizes.components, sizes.repeats)
    data = images(sizes.train_size, sizes.test_size)
    beside_scikit_learn(data, sizes.components, sizes.repeats)
    some = data._replace(x=data.x[: sizes.sgd_size], y=data.y[: sizes.sgd_size])
    trainings(some, sizes.sgd_components, sizes.seeds, sizes.batch_sizes, sizes.epochs)
    print("asked of deepk")
    print_asked(
        f"feature map of {ASKED_ROWS:,} rows: share of the product's rate, >= {ASKED_RATIO:g}",
        f"{ratio:.2f}",
        ratio >= ASKED_RATIO,
        sizes.rows,
    )
    print_asked(
        f"memory beside {ASKED_ROWS:,} rows and their features, < {megabytes(ASKED_BYTES)}",
        megabytes(beside),
        beside < ASKED_BYTES,
        sizes.memory_rows,
    )
    print(f"{time.perf_counter() - started:.0f} s in all")


def print_asked(title: str, value: str, holds: bool, rows: int) -> None:
    """One line; says where other rows were measured than asked."""
    other = "" if rows == ASKED_ROWS else f", at {rows:,} rows"
    print(f"  {title:66s} {value:>9s} ({'holds' if holds else 'fails'}{other})")


if __name__ == "__main__":
    main()
