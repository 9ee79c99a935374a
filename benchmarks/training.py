"""One step of depth-200 training beside the machine's own limit: the matrix products of the same shapes alone.

    python benchmarks/training.py [width] [batch]

Prints milliseconds a step, both sides in one run with the same threads, the share of the limit that is reached, and
what flushing denormal numbers is worth in the ordered phase, where gradients shrink through them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch

from deepk import activations
from deepk.meanfield import edge_of_chaos
from deepk.networks import mlp, normal_, train

DEPTH, FEATURES, CLASSES = 200, 784, 10
STEPS = 12
WARM = 4  # the first steps allocate memory


def seconds_a_step(step: Callable[[], None]) -> float:
    """Median over the timed steps: the machine may be doing something else during one of them."""
    times = []
    for index in range(STEPS):
        started = time.perf_counter()
        step()
        if index >= WARM:
            times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2]


def training(width: int, batch: int, sigma_w: float, sigma_b: float) -> float:
    """A step of `deepk.networks.train`: forward, backward, update."""
    generator = torch.Generator().manual_seed(0)
    network = mlp(FEATURES, CLASSES, activations.get("tanh"), depth=DEPTH, width=width)
    normal_(network, sigma_w=sigma_w, sigma_b=sigma_b, generator=generator)
    x = torch.rand(batch, FEATURES, generator=generator)
    y = torch.randint(CLASSES, (batch,), generator=generator)
    epochs = train(network, x, y, learning_rate=1e-4, batch_size=batch, epochs=STEPS, generator=generator)
    return seconds_a_step(lambda: next(epochs) and None)


def products(width: int, batch: int) -> float:
    """The products of a step alone: forward, gradient of the input, gradient of the weight, in each layer."""
    x, weight = torch.randn(batch, width), torch.randn(width, width)

    def step() -> None:
        for _ in range(DEPTH):
            torch.mm(x, weight)
            torch.mm(x, weight.t())
            torch.mm(x.t(), x)

    return seconds_a_step(step)


def main() -> None:
    """Prints the table."""
    width, batch = (int(word) for word in (*sys.argv[1:], "300", "64")[:2])
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    point = edge_of_chaos(activations.get("tanh"), sigma_b=0.2)
    ours = training(width, batch, point.sigma_w, point.sigma_b)
    limit = products(width, batch)
    ordered = training(width, batch, 1.0, 1.0)
    torch.set_flush_denormal(False)
    denormal = training(width, batch, 1.0, 1.0)
    print(f"Tanh, depth {DEPTH}, width {width}, batch {batch}, float32, 1 thread, median of {STEPS - WARM} steps")
    print(f"training step, edge of chaos         {1e3 * ours:8.1f} ms")
    print(f"its matrix products alone            {1e3 * limit:8.1f} ms   ({limit / ours:.2f} of the step)")
    print(f"training step, ordered phase         {1e3 * ordered:8.1f} ms   ({ordered / ours:.2f} x the edge)")
    print(f"  without flushing denormal numbers  {1e3 * denormal:8.1f} ms   ({denormal / ours:.2f} x the edge)")


if __name__ == "__main__":
    main()
