"""Training many small networks at once beside one at a time, and counting oscillations beside writing iterates out.

    python benchmarks/dynamics.py [--depths 5 1] [--width 20] [--networks 10] [--batch 100] [--steps 300] [--threads 1]

Training: the networks of `tent-map`'s depth sweep (two tasks of five seeds, so ten), by
`deepk.networks.ensemble.train_ensemble`, beside the plain way in PyTorch: `nn.Sequential`, autograd and
`torch.optim.Adam`, a network after the other. Seconds that one step of all networks takes, in float32, the median over
rounds in which both sides have their turn, and their ratio; and the largest difference of the weights after as many
steps in float64 from the same weights over the same batches: both sides do the same thing. Rounding grows with steps.

Counting: `linear_pieces` and `crossings` of the golden map at n = 500, where f^n has 10^104 pieces; and for small n
beside f^n written out, where the counts are the same.

Both sides of a ratio run in one process with the same threads. Half a minute where nothing else runs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from deepk.dynamics import compose, crossings, golden_map, linear_pieces
from deepk.networks.ensemble import Ensemble, train_ensemble

LEARNING_RATE = 1e-3
COMPOSITIONS = (8, 40)  # of the two tasks
ROUNDS = 5  # of which the median is taken: the machine may be doing something else during one of them
LARGE, SMALL = 500, (8, 11, 14)  # compositions; more than some 25 cannot be written out
ASKED_RATIO, ASKED_SECONDS = 4.0, 1.0


# --- training ---------------------------------------------------------------------------------------------------------


class Setting(NamedTuple):
    """What is trained, and on how many steps' worth of points."""

    depth: int
    width: int
    networks: int
    batch: int
    steps: int


def ensemble(setting: Setting, dtype: torch.dtype) -> Ensemble:
    """The same networks each time."""
    generators = [torch.Generator().manual_seed(r) for r in range(setting.networks)]
    return Ensemble(generators, depth=setting.depth, width=setting.width, dtype=dtype)


def points(setting: Setting, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """An epoch's points for each network, (networks, n, 1): the first half has the easy task, the second the hard."""
    shape = (setting.networks, setting.batch * setting.steps, 1)
    x = 2 * torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1
    half = setting.networks // 2
    map_ = golden_map()
    parts = zip((x[:half], x[half:]), COMPOSITIONS, strict=True)
    y = torch.cat([torch.from_numpy(map_.iterate(part.numpy(), n)) for part, n in parts])
    return x.to(dtype), y.to(dtype)


def at_once(setting: Setting, dtype: torch.dtype) -> tuple[float, Tensor]:
    """Seconds a step of all networks together, and their parameters afterwards."""
    networks, (x, y) = ensemble(setting, dtype), points(setting, dtype)
    epochs = train_ensemble(
        networks,
        x,
        y,
        learning_rate=LEARNING_RATE,
        batch_size=setting.batch,
        epochs=1,
        generator=torch.Generator().manual_seed(1),
    )
    started = time.perf_counter()
    next(epochs)
    return (time.perf_counter() - started) / setting.steps, networks.parameters


def one_at_a_time(setting: Setting, dtype: torch.dtype) -> tuple[float, Tensor]:
    """Seconds for a step of each network, one after the other, and their parameters afterwards."""
    start, (x, y) = ensemble(setting, dtype), points(setting, dtype)
    order = torch.randperm(x.shape[1], generator=torch.Generator().manual_seed(1))
    loss = nn.MSELoss()
    seconds, ends = 0.0, []
    for r in range(setting.networks):
        network = sequential(start, r, setting, dtype)
        optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
        started = time.perf_counter()
        for batch in order.split(setting.batch):
            optimizer.zero_grad()
            loss(network(x[r, batch]), y[r, batch]).backward()
            optimizer.step()
        seconds += time.perf_counter() - started
        layers = [layer for layer in network if isinstance(layer, nn.Linear)]
        ends.append(torch.cat([part.flatten() for layer in layers for part in (layer.weight.detach().T, layer.bias)]))
    return seconds / setting.steps, torch.stack(ends).detach()


def sequential(start: Ensemble, r: int, setting: Setting, dtype: torch.dtype) -> nn.Sequential:
    """Network r of an ensemble, as PyTorch's own layers."""
    sizes = [1, *[setting.width] * setting.depth, 1]
    linear = [nn.Linear(a, b, dtype=dtype) for a, b in pairwise(sizes)]
    with torch.no_grad():
        for layer, (weight, bias) in zip(linear, start.layers, strict=True):
            layer.weight.copy_(weight[r].T)
            layer.bias.copy_(bias[r, 0])
    hidden = [module for layer in linear[:-1] for module in (layer, nn.ReLU())]
    return nn.Sequential(*hidden, linear[-1])


def training(setting: Setting) -> None:
    """Prints both sides at one depth."""
    for side in (at_once, one_at_a_time):  # memory, and what PyTorch loads at first use
        side(setting._replace(steps=10), torch.float32)
    rounds = [[side(setting, torch.float32)[0] for side in (at_once, one_at_a_time)] for _ in range(ROUNDS)]
    ours, plain = (statistics.median(times) for times in zip(*rounds, strict=True))
    ratios = sorted(b / a for a, b in rounds)
    ends = [side(setting, torch.float64)[1] for side in (at_once, one_at_a_time)]
    ratio = statistics.median(ratios)
    print(f"{setting.networks} networks, depth {setting.depth}, width {setting.width}, batch {setting.batch}")
    print(f"  {'at once':42s} {1e3 * ours:9.3f} ms a step of all")
    print(f"  {'plain PyTorch, one at a time':42s} {1e3 * plain:9.3f} ms")
    print(
        f"  {'ratio':42s} {ratio:9.1f}    ({ratios[0]:.1f} to {ratios[-1]:.1f}); {asked(ratio >= ASKED_RATIO, '>= 4')}"
    )
    difference = float((ends[0] - ends[1]).abs().max())
    print(f"  {'largest difference of weights, float64':42s} {difference:9.0e}    after {setting.steps} steps")


# --- counting ---------------------------------------------------------------------------------------------------------


def timed(count: Callable[[], int]) -> tuple[float, int]:
    """Seconds, the median of a few, and the count."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        found = count()
        times.append(time.perf_counter() - started)
    return statistics.median(times), found


def counts(n: int) -> Iterator[tuple[str, float, int]]:
    """What is counted of f^n by recursion, how long it takes, and the count."""
    map_ = golden_map()
    yield ("pieces", *timed(lambda: linear_pieces(map_, n)))
    yield ("crossings of [-1, 0]", *timed(lambda: crossings(map_, n, -1, 0)))


def written_out(n: int) -> tuple[float, int]:
    """Seconds to write f^n out, once, and its pieces."""
    map_ = golden_map()
    started = time.perf_counter()
    pieces = compose(map_, n).pieces
    return time.perf_counter() - started, pieces


def counting() -> None:
    """Prints all counts."""
    print("phi |x| - 1, counted by recursion")
    for name, seconds, count in counts(LARGE):
        size = f"10^{len(str(count)) - 1}"
        verdict = asked(seconds < ASKED_SECONDS, "< 1 s")
        print(f"  {f'n = {LARGE}, {name}':42s} {1e3 * seconds:9.1f} ms   {size}; {verdict}")
    for n in SMALL:
        _, ours, count = next(counts(n))
        theirs, pieces = written_out(n)
        agreed = "the same count" if count == pieces else f"{count} beside {pieces} pieces"
        print(f"  {f'n = {n}, pieces':42s} {1e3 * ours:9.1f} ms   written out {1e3 * theirs:.1f} ms; {agreed}")


def asked(holds: bool, what: str) -> str:
    """What is asked of deepk, and whether it holds."""
    return f"asked {what}: {'holds' if holds else 'fails'}"


def main() -> None:
    """Prints everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--depths", type=int, nargs="+", default=[5, 1], help="hidden layers")
    for name, default in (("width", 20), ("networks", 10), ("batch", 100), ("steps", 300), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{options.threads} threads; medians of {ROUNDS}")
    for depth in options.depths:
        training(Setting(depth, options.width, options.networks, options.batch, options.steps))
    counting()


if __name__ == "__main__":
    main()
