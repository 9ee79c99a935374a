"""Mean-field theory of Tanh beside the direct way, scipy's adaptive integrals, and beside DeepMind's dks.

    python benchmarks/meanfield.py

Prints one table: 50 points of the edge of chaos, two depth scales and 10^5 layers of correlation on the edge; for each
side the first call, the median of later ones, its ratio to deepk's, and the relative error against digits made with
mpmath. Where the first call takes more than five seconds there is no later one, and it counts for both.

All sides run here, in float64, on one thread, each measurement in a forked process that has imported everything and
computed nothing, so that no side warms another (Linux and macOS). About 20 seconds; a minute with dks.

dks stands in the table where it can be imported: pip install dks==0.1.2 absl-py. It offers local kernel maps of one
activation without weights and biases, at variance one; the rest (scaling, bias, fixed points) is added to it below.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from scipy.integrate import IntegrationWarning, dblquad, quad
from scipy.optimize import brentq

from deepk.meanfield import MeanField, edge_of_chaos

try:
    from dks.base import activation_transform
    from dks.base.activation_getter import get_activation_function

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

SIGMA_B = np.linspace(0.01, 2, 50).tolist()
QS = np.linspace(0.01, 2.25, 50).tolist()
LAYERS = 100_000
REPEATS, BUDGET = 5, 5.0  # later calls at most, and the seconds after which none begins

# References, Tanh. Moments and Hermite coefficients by the trapezoidal rule (step 1/24) with 45 digits in mpmath, the
# correlation map as its power series, c^l iterated with 34 digits; the series' sum agrees with the moments to 4e-30.
EDGE_B = 0.2
EDGE_Q, EDGE_W = 0.512078504233901518068048619851, 1.30414584005651143066858923429
CHAOTIC, CHAOTIC_DEPTH = (2.0, 0.3), 6.64826361348039673121881086544  # c* = 0.263894780315815324951068638339
ORDERED, ORDERED_DEPTH = (1.0, 1.0), 1.08802426401941061615356098827
LAST_BUT_ONE, LAST = 7.086053733629678028781632e-5, 7.085982853463937580008326e-5  # 1 - c^l, l = 99999 and 100000


@dataclass(frozen=True)
class Peer:
    """How a peer integrates, for X, Y ~ N(0, q) of correlation c; everything else follows from these two.

    product(q, c) is E phi(X) phi(Y), slopes(q, c) is E phi'(X) phi'(Y).
    """

    label: str
    product: Callable[[float, float], float]
    slopes: Callable[[float, float], float]


def direct_way() -> Peer:
    """As it is usually written: adaptive quadrature over the line or the plane, at scipy's own tolerances."""
    return Peer(
        f"scipy {version('scipy')}, directly",
        lambda q, c: gaussian_mean(math.tanh, q, c),
        lambda q, c: gaussian_mean(lambda x: 1 - math.tanh(x) ** 2, q, c),
    )


def dks() -> Peer:
    """Its C map, and the slope of that, of x -> tanh(sqrt(q) x) at variance one, times the output's variance."""
    return Peer(
        f"dks {version('dks')}",
        lambda q, c: float(activation_transform._calc_c_map(scaled_tanh(q), c=c, q_output=1.0)),
        lambda q, c: float(activation_transform._calc_c_slope(scaled_tanh(q), c=c, q_output=q)),
    )


def scaled_tanh(q: float) -> Callable[[Any], Any]:
    """x -> tanh(sqrt(q) x), as dks has it."""
    phi, scale = get_activation_function("tanh"), math.sqrt(q)
    return lambda x: phi(scale * x)


def gaussian_mean(f: Callable[[float], float], q: float, c: float) -> float:
    """E f(X) f(Y)."""
    scale, rest = math.sqrt(q), math.sqrt(1 - c * c)
    if c == 1:
        return quad(lambda x: f(scale * x) ** 2 * density(x), -math.inf, math.inf)[0]

    def integrand(y: float, x: float) -> float:
        return f(scale * x) * f(scale * (c * x + rest * y)) * density(x) * density(y)

    return dblquad(integrand, -math.inf, math.inf, -math.inf, math.inf)[0]


def density(x: float) -> float:
    """The standard normal density."""
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


# --- what both peers have to add --------------------------------------------------------------------------------------


def edge_at(peer: Peer, q: float) -> tuple[float, float]:
    """(sigma_w, sigma_b) on the edge of chaos at this q."""
    slope = peer.slopes(q, 1.0)
    return slope**-0.5, math.sqrt(q - peer.product(q, 1.0) / slope)


def edge(peer: Peer, sigma_b: float) -> tuple[float, float]:
    """(q, sigma_w) on the edge of chaos at this sigma_b; q is at most 10 for sigma_b <= 2."""
    q = brentq(lambda q: edge_at(peer, q)[1] ** 2 - sigma_b**2, sigma_b**2, 10.0)
    return q, edge_at(peer, q)[0]


def depth_scale(peer: Peer, sigma_w: float, sigma_b: float) -> float:
    """xi_c, by the fixed points q and c*."""
    bias, gain = sigma_b**2, sigma_w**2
    q = brentq(lambda q: bias + gain * peer.product(q, 1.0) - q, bias, bias + gain)  # |tanh| < 1
    slope = gain * peer.slopes(q, 1.0)
    if slope > 1:
        # c = 1 is a fixed point as well; the other one is below 0.99 where the slope at 1 is well above 1
        c = brentq(lambda c: (bias + gain * peer.product(q, c)) / q - c, 0.0, 0.99)
        slope = gain * peer.slopes(q, c)
    return -1 / math.log(slope)


def last_layer(peer: Peer) -> float:
    """1 - c^100000, from the reference one layer before."""
    return 1 - (EDGE_B**2 + EDGE_W**2 * peer.product(EDGE_Q, 1 - LAST_BUT_ONE)) / EDGE_Q


# --- the table --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """One line: what is timed, how many times as much the task is, and the relative error of what it returns."""

    label: str
    run: Callable[[], Any]
    error: Callable[[Any], float]
    times: int = 1


Task = tuple[str, list[Side]]  # a title; deepk's side comes first


def relative(values: tuple[float, ...], references: tuple[float, ...]) -> float:
    """The largest relative error."""
    return max(abs(value / reference - 1) for value, reference in zip(values, references, strict=True))


def curve(peers: list[Peer]) -> Task:
    """(q, sigma_w) on the edge by sigma_b; the error is that at sigma_b = 0.2."""

    def side(label: str, point: Callable[[float], tuple[float, float]]) -> Side:
        return Side(
            label,
            lambda: [point(sigma_b) for sigma_b in SIGMA_B],
            lambda _: relative(point(EDGE_B), (EDGE_Q, EDGE_W)),
        )

    def ours(sigma_b: float) -> tuple[float, float]:
        found = edge_of_chaos("tanh", sigma_b=sigma_b)
        return found.q, found.sigma_w

    title = "edge of chaos, 50 points by sigma_b (target: 0.05 s)"
    return title, [side("deepk", ours), *(side(peer.label, partial(edge, peer)) for peer in peers)]


def curve_by_q(peers: list[Peer]) -> Task:
    """(sigma_w, sigma_b) on the edge by q, where nothing has to be solved for; the error is that at the same point."""

    def side(label: str, point: Callable[[float], tuple[float, float]]) -> Side:
        return Side(label, lambda: [point(q) for q in QS], lambda _: relative(point(EDGE_Q), (EDGE_W, EDGE_B)))

    def ours(q: float) -> tuple[float, float]:
        found = edge_of_chaos("tanh", q=q)
        return found.sigma_w, found.sigma_b

    title = "edge of chaos, 50 points by q"
    return title, [side("deepk", ours), *(side(peer.label, partial(edge_at, peer)) for peer in peers)]


def correlation_depth(phase: str, point: tuple[float, float], exact: float, peers: list[Peer]) -> Task:
    """The depth scale at one point of the plane, for deepk of a network not seen before."""
    sigma_w, sigma_b = point

    def side(label: str, run: Callable[[], float]) -> Side:
        return Side(label, run, lambda found: relative((found,), (exact,)))

    def ours() -> float:
        return MeanField("tanh", sigma_w=sigma_w, sigma_b=sigma_b).depth_scale()

    title = f"depth scale, {phase}, sigma_w = {sigma_w:g}, sigma_b = {sigma_b:g} (target: 0.005 s)"
    return title, [side("deepk", ours), *(side(peer.label, partial(depth_scale, peer, *point)) for peer in peers)]


def correlation(peers: list[Peer]) -> Task:
    """1 - c^l from orthogonal inputs. The peers are asked for the last layer alone: all would take an hour or more."""
    point = {"sigma_w": EDGE_W, "sigma_b": EDGE_B}
    kept = MeanField("tanh", **point)

    def side(label: str, run: Callable[[], float], times: int = 1) -> Side:
        return Side(label, run, lambda found: relative((found,), (LAST,)), times)

    def ours(network: MeanField) -> float:
        return float(network.complements(0.0, LAYERS)[-1])

    sides = [
        side("deepk, table kept", lambda: ours(kept)),
        side("deepk, with its table", lambda: ours(MeanField("tanh", **point))),
        *(side(f"{peer.label}: last layer x 10^5", partial(last_layer, peer), LAYERS) for peer in peers),
    ]
    return f"1 - c^l on the edge, sigma_b = {EDGE_B:g}, l = 0..{LAYERS}", sides


@dataclass(frozen=True)
class Measured:
    """Seconds of the first call and, in the median, of later ones; the relative error."""

    first: float
    warm: float
    error: float


def measure(side: Side) -> Measured:
    """Of one side, in this process."""
    first, found = timed(side.run)
    later: list[float] = []
    while len(later) < REPEATS and first + sum(later) < BUDGET:
        later.append(timed(side.run)[0])
    return Measured(side.times * first, side.times * statistics.median(later or [first]), side.error(found))


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time of one call in seconds, and what it returned."""
    started = time.perf_counter()
    found = run()
    return time.perf_counter() - started, found


def measure_apart(side: Side) -> Measured:
    """Of one side, in a process forked for it: nothing has been computed there."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sender.send(measure(side)))
    process.start()
    sender.close()
    measured: Measured = receiver.recv()
    process.join()
    return measured


def line(label: str, measured: Measured, ours: Measured) -> str:
    """One line of the table."""
    ratio = "" if measured is ours else short(measured.warm / ours.warm)
    return (
        f"  {label:40s} {short(measured.first):>9s} s {short(measured.warm):>9s} s {ratio:>9s} {measured.error:11.0e}"
    )


def short(value: float) -> str:
    """Three digits, and all of those before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> None:
    """Prints the table."""
    torch.set_num_threads(1)
    # dks asks its plane integrals for a zero absolute error, which draws this; the errors are in the table.
    warnings.simplefilter("ignore", IntegrationWarning)
    peers = [direct_way()]
    if MISSING:
        print(f"dks is not in the table ({MISSING}): pip install dks==0.1.2 absl-py")
    else:
        peers = [dks(), *peers]
    print(f"Tanh, float64, 1 thread of {os.cpu_count()} cores")
    print(f"  {'':40s} {'first call':>11s} {'warm':>11s} {'x deepk':>9s} {'rel. error':>11s}")
    tasks = (
        curve(peers),
        curve_by_q(peers),
        correlation_depth("chaotic", CHAOTIC, CHAOTIC_DEPTH, peers),
        correlation_depth("ordered", ORDERED, ORDERED_DEPTH, peers),
        correlation(peers),
    )
    for title, sides in tasks:
        print(title)
        ours = None
        for side in sides:
            measured = measure_apart(side)
            ours = ours or measured
            print(line(side.label, measured, ours), flush=True)


if __name__ == "__main__":
    main()
