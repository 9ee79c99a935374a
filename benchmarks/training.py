"""One step of depth-200 training beside the machine's own limit, and beside torch's own way of training.

    python benchmarks/training.py [width] [batch]

All ratios are of one run, one thread a process. The limit is the time of a step's matrix products alone: once of the
same small matrices again and again, which stay in the cache, and once of the network's own weights, which do not. With
a CUDA device replicas are measured there; without one, the work of a step is counted and the time that it implies is
marked as predicted.
"""

from __future__ import annotations

import io
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

from deepk import activations
from deepk.meanfield import edge_of_chaos
from deepk.networks import Classification, Ensemble, Kind, Sgd, mlp, normal_, train

DEPTH, FEATURES, CLASSES, RATE = 200, 784, 10, 1e-4
STEPS, WARM = 16, 4  # the first steps allocate memory
EDGE = {"relu": 0.0, "elu": 0.1, "tanh": 0.2}  # sigma_b in the paper
EPOCH = 938  # steps of MNIST at batch 64
H100 = {"bytes a second": 3.35e12, "operations a second": 6.7e13, "seconds a kernel": 2e-6}  # as its maker states them


def sizes(width: int) -> list[int]:
    """Of the layers."""
    return [FEATURES, *[width] * (DEPTH - 1), CLASSES]


def data(batch: int) -> tuple[Tensor, Tensor]:
    """Images and labels for all steps."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(batch * STEPS, FEATURES, generator=generator)
    return x, torch.randint(CLASSES, (len(x),), generator=generator)


def seconds_between(run: Callable[[Callable[[], None]], object]) -> float:
    """Median seconds from call to call of what it hands to `run`."""
    times = [time.perf_counter()]
    run(lambda: times.append(time.perf_counter()))
    return median(after - before for before, after in list(pairwise(times))[WARM:])


# --- three ways to take a step ----------------------------------------------------------------------------------------


def ours(
    width: int,
    batch: int,
    name: str,
    *,
    sigma: tuple[float, float] | None = None,
    replicas: int = 1,
    device: str = "cpu",
) -> tuple[float, float]:
    """Seconds a step of `deepk.networks.train`, and the mean loss."""
    point = edge_of_chaos(name, sigma_b=EDGE[name])
    sigma_w, sigma_b = sigma or (point.sigma_w, point.sigma_b)
    networks = Ensemble([Kind(name)] * replicas, sizes(width), device=device)
    generators = [torch.Generator().manual_seed(seed) for seed in range(replicas)]
    networks.draw_normal_(generators, [sigma_w] * replicas, [sigma_b] * replicas)
    x, y = data(batch)
    task = Classification(x.to(device), y.to(device), torch.ones(replicas, 1, 1, device=device))
    optimizer, losses = Sgd(networks, learning_rate=RATE), []

    def run(on_step: Callable[[], None]) -> None:
        def step() -> None:
            if device == "cuda":
                torch.cuda.synchronize()
            on_step()

        orders = [torch.Generator().manual_seed(2) for _ in generators]
        setting = {"batch_size": batch, "epochs": 1, "generators": orders, "on_step": step}
        losses.extend(epoch.loss[0] for epoch in train(networks, task, optimizer, **setting))

    return seconds_between(run), float(losses[0])


def torchs(width: int, batch: int, name: str) -> tuple[float, float]:
    """The same with `nn.Sequential`, autograd and `torch.optim.SGD`."""
    point = edge_of_chaos(name, sigma_b=EDGE[name])
    network = mlp(FEATURES, CLASSES, activations.get(name), depth=DEPTH, width=width)
    generator = torch.Generator().manual_seed(0)
    normal_(network, sigma_w=point.sigma_w, sigma_b=point.sigma_b, generator=generator)
    x, y = data(batch)
    optimizer, losses = torch.optim.SGD(network.parameters(), lr=RATE), []

    def run(on_step: Callable[[], None]) -> None:
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(2))
        for index in order.split(batch):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(x[index]), y[index])
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
            on_step()

    return seconds_between(run), sum(losses) / len(losses)


def products(width: int, batch: int, *, own: bool) -> float:
    """Seconds of a step's products: forward, gradient by the input, gradient by the weight, in each layer."""
    shapes = list(pairwise(sizes(width))) if own else [(width, width)]
    weights = [torch.randn(shape) for shape in shapes]
    given = [torch.randn(batch, a) for a, _ in shapes]
    deltas = [torch.randn(batch, b) for _, b in shapes]

    def run(on_step: Callable[[], None]) -> None:
        for _ in range(STEPS):
            for layer in range(DEPTH):
                torch.mm(given[layer % len(shapes)], weights[layer % len(shapes)])
            for layer in reversed(range(DEPTH)):
                at = layer % len(shapes)
                torch.mm(deltas[at], weights[at].t())
                weights[at].addmm_(given[at].t(), deltas[at], alpha=-1e-9)
            on_step()

    return seconds_between(run)


# --- beside each other, and for how long ------------------------------------------------------------------------------


def _alone(width: int, batch: int) -> float:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    return ours(width, batch, "tanh")[0]


def two_at_once(width: int, batch: int) -> tuple[float, float]:
    """Seconds a step in a process alone, and, the slower of two, in two processes at once."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        alone = pool.apply(_alone, (width, batch))
        both = pool.starmap(_alone, [(width, batch)] * 2)
    return alone, max(both)


def _peak(width: int, batch: int) -> tuple[int, int]:
    """Bytes of memory at its highest, before and after some steps."""
    torch.set_num_threads(1)
    x, _ = data(batch)
    torch.mm(x, x.T)
    before = _high_water()
    ours(width, batch, "tanh")
    return before, _high_water()


def _high_water() -> int:
    """The most memory that this process has held so far, in bytes; Linux alone tells it of one process."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def memory(width: int, batch: int) -> tuple[int, int]:
    """Bytes that a step takes at most, and those of weights, one gradient in flight, and activations."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        before, after = pool.apply(_peak, (width, batch))
    pairs = list(pairwise(sizes(width)))
    weights = sum((a + 1) * b for a, b in pairs)
    in_flight = 2 * batch * width + max(a * b for a, b in pairs)
    return after - before, 4 * (weights + in_flight + batch * sum(sizes(width)))


def checkpoint_seconds(width: int) -> float:
    """Seconds to put a network's state into bytes and onto the disk."""
    networks = Ensemble([Kind("tanh")], sizes(width))
    started = time.perf_counter()
    buffer = io.BytesIO()
    torch.save(networks.tensors(), buffer)
    with tempfile.TemporaryFile() as stream:
        stream.write(buffer.getvalue())
    return time.perf_counter() - started


def predicted(width: int, batch: int, replicas: int) -> float:
    """Seconds a step on an H100-class card by its stated limits, in the slower of work and launches."""
    pairs = list(pairwise(sizes(width)))
    operations = 6 * batch * sum(a * b for a, b in pairs) * replicas
    # weights are read twice and read and written once; values are written, read back, and their gradients as well
    moved = 4 * replicas * (4 * sum(a * b for a, b in pairs) + 10 * batch * sum(sizes(width)))
    kernels = 9 * DEPTH
    work = max(moved / H100["bytes a second"], operations / H100["operations a second"])
    return max(work, kernels * H100["seconds a kernel"])


def main() -> None:
    """Prints the table."""
    width, batch = (int(word) for word in (*sys.argv[1:], "300", "64")[:2])
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    print(f"depth {DEPTH}, width {width}, batch {batch}, float32, 1 thread, median of {STEPS - WARM} steps")
    cached, own = products(width, batch, own=False), products(width, batch, own=True)
    print(
        f"matrix products alone, in the cache   {1e3 * cached:7.1f} ms; of the network's own weights {1e3 * own:.1f} ms"
    )
    for name in EDGE:
        (step, loss), (peer, its) = ours(width, batch, name), torchs(width, batch, name)
        print(
            f"{name:5} a step {1e3 * step:6.1f} ms: {cached / step:.2f} and {own / step:.2f} of those rates; "
            f"nn.Sequential and SGD {1e3 * peer:6.1f} ms, {peer / step:.2f} x; losses differ by {abs(loss - its):.1e}"
        )
    edge = ours(width, batch, "tanh")[0]
    ordered = ours(width, batch, "tanh", sigma=(1.0, 1.0))[0]
    print(f"ordered phase                         {ordered / edge:7.2f} x the edge of chaos")
    alone, both = two_at_once(width, batch)
    print(f"two trainings at once                 {2 * alone / both:7.2f} x the rate of one")
    print(
        f"a checkpoint an epoch                 {100 * checkpoint_seconds(width) / (EPOCH * edge):7.2f} % of the time"
    )
    taken, needed = memory(width, batch)
    print(f"memory of a step                      {taken / needed:7.2f} x weights, gradients in flight and values")
    if torch.cuda.is_available():
        one, ten = (ours(width, batch, "tanh", replicas=count, device="cuda")[0] for count in (1, 10))
        nine = ours(width, batch, "tanh", replicas=9, device="cuda")[0]
        print(
            f"{torch.cuda.get_device_name()}: ten replicas {ten / one:.2f} x one; nine for 100 epochs of MNIST", end=" "
        )
        print(f"{100 * EPOCH * nine / 60:.1f} minutes")
    else:
        one, ten, nine = (predicted(width, batch, count) for count in (1, 10, 9))
        print(f"predicted of an H100: ten replicas {ten / one:.2f} x one; nine for 100 epochs of MNIST", end=" ")
        print(f"{100 * EPOCH * nine / 60:.1f} minutes")


if __name__ == "__main__":
    main()
