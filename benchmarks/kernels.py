"""Gram matrices of deep kernels beside neural-tangents and BoTorch: time, error, memory.

    python benchmarks/kernels.py

Prints one table, n = 1000 rows in dimension 784: ReLU at depths 3 and 200, tanh at depth 3, and the tangent kernel of
ReLU at depth 200; for each side the first call, the median of later ones and its ratio to deepk's, and the largest
error of the entries between the first rows, the diagonal among them, against digits made with mpmath, beside the kernel
at one. deepk is there twice: with the table of its kernel kept from one call to the next, as it is in use, and with the
table made anew in each. Then memory, depth 10,000, and the largest difference from neural-tangents, of both kernels,
for every activation that it has in closed form. At the end, what is asked of deepk.

All sides work in float64 with the same rows and the same number of threads, on that many cores where the system can
bind a process to cores (Linux), each measurement in a process of its own that has imported everything and computed
nothing. Half a minute, and four minutes with both peers, where nothing else runs.

A peer stands in the table where a variable names a Python that has it; for BoTorch this Python may do.

    pip install "jax==0.4.23" "jaxlib==0.4.23" "numpy<2" "scipy<1.13" "tensorflow-cpu==2.15.1" "tf2jax==0.3.6" \\
        neural-tangents==0.6.5                     in an environment of its own: DEEPK_NEURAL_TANGENTS=.../bin/python
    pip install botorch==0.18.1                    DEEPK_BOTORCH=.../bin/python

neural-tangents computes tanh by quadrature of degree 25 in the plane, compiled; 40 layers and more are not compiled,
which would take minutes.
"""

from __future__ import annotations

import importlib.util
import json
import math
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from agreement import AGREED, agreement
from mpmath import mp, mpf
from peer_kernels import BLOCK, QUADRATURE, Result, measure

from deepk import activations
from deepk.kernels import CompositionalKernel, TangentKernel

T = TypeVar("T")

N, D = 1000, 784
SHALLOW, DEEP = 3, 200
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
THREADS = min(2, len(CORES))
OURS = {"repeats": 25, "budget": 4.0}  # later calls at most, and the seconds after which none begins
PEERS = {"repeats": 9, "budget": 22.0}  # at least two calls of the slowest, 14 s on a machine that does nothing else

KEPT, ANEW, NEURAL_TANGENTS, BOTORCH = "deepk, table kept", "deepk, table made anew", "neural-tangents", "BoTorch"
LARGE, VERY_DEEP = 4000, 10_000
KINDS = {"nngp": CompositionalKernel, "ntk": TangentKernel}  # by what neural-tangents calls them

PEER_CODE = Path(__file__).with_name("peer_kernels.py")
HOW_TO_INSTALL = {
    NEURAL_TANGENTS: "install it as the head of this file says, and set DEEPK_NEURAL_TANGENTS to its Python",
    BOTORCH: "pip install botorch==0.18.1, here or elsewhere with DEEPK_BOTORCH set to that Python",
}


def rows(n: int) -> np.ndarray:
    """n rows of norm sqrt(d), as neural-tangents wants them, with correlations all over (-0.9, 0.9)."""
    generator = np.random.default_rng(0)
    towards = generator.uniform(-3, 3, (n, 1)) * generator.standard_normal(D)
    rough = towards + generator.standard_normal((n, D))
    return rough * math.sqrt(D) / np.linalg.norm(rough, axis=1, keepdims=True)


# --- references, with 40 digits ---------------------------------------------------------------------------------------


def reference(X: np.ndarray, kappa: Callable[[mpf], mpf]) -> np.ndarray:
    """The kernel of the first rows, by that of a correlation."""
    vectors = [[mpf(entry) for entry in row] for row in X[:BLOCK].tolist()]
    norms = [mp.sqrt(mp.fdot(x, x)) for x in vectors]
    kernel = float(kappa(mpf(1))) * np.eye(BLOCK)
    for i in range(BLOCK):
        for j in range(i):
            c = mp.fdot(vectors[i], vectors[j]) / (norms[i] * norms[j])
            kernel[i, j] = kernel[j, i] = float(kappa(c))
    return kernel


def iterated(layer: Callable[[mpf], mpf], c: mpf, depth: int) -> mpf:
    """layer(layer(...(c)))."""
    for _ in range(depth):
        c = layer(c)
    return c


def relu_layer(c: mpf) -> mpf:
    """(sin theta + (pi - theta) cos theta) / pi (Cho and Saul 2009)."""
    theta = mp.acos(c)
    return (mp.sin(theta) + (mp.pi - theta) * c) / mp.pi


def relu_tangents(c: mpf, depth: int) -> mpf:
    """Theta_(l+1) = Theta_l G'(K_l) + K_(l+1), G' = (pi - theta) / pi (Jacot, Gabriel, Hongler 2018)."""
    tangent = c
    for _ in range(depth):
        slope = (mp.pi - mp.acos(c)) / mp.pi
        c = relu_layer(c)
        tangent = tangent * slope + c
    return tangent


class Tanh(NamedTuple):
    """E tanh(Z)^2, and the odd coefficients of its normalized kernel: all others are zero."""

    square: mpf
    odd: list[mpf]

    def layer(self, c: mpf) -> mpf:
        """sum a_k^2 c^k / E tanh(Z)^2."""
        return c * mp.polyval(self.odd[::-1], c * c)


def tanh_by_mehler(degree: int = 201) -> Tanh:
    """Moments by the trapezoidal rule, whose error here is exp(-pi^2 24) = 1e-103 and, where it ends, exp(-100).

    Beyond this degree the coefficients add up to 5e-19, which is 1 minus the sum of those that are kept.
    """
    step = mpf(1) / 24
    z = np.array([j * step for j in range(1, 24 * 20)])
    values = np.array([mp.tanh(x) for x in z])
    weights = np.array([2 * step * mp.npdf(x) for x in z])  # both integrands are even, and zero at zero
    square = (values**2 * weights).sum()
    odd, last, hermite = [], z * 0, z**0
    for k in range(1, degree + 1):
        last, hermite = hermite, (z * hermite - mp.sqrt(k - 1) * last) / mp.sqrt(k)
        if k % 2:
            odd.append((values * hermite * weights).sum() ** 2 / square)
    return Tanh(square, odd)


# --- the table --------------------------------------------------------------------------------------------------------


class Setting(NamedTuple):
    """What is timed on all sides: the kernel, and the error of a block of it."""

    activation: str
    depth: int
    sigma_w: float
    expected: np.ndarray
    kind: str = "nngp"

    def error(self, found: Result) -> float:
        """Largest error of an entry, beside the kernel at one."""
        return float(np.abs(np.array(found["block"]) - self.expected).max() / self.expected.max())

    @property
    def title(self) -> str:
        """For the table."""
        return f"{self.activation}{', tangent kernel' if self.kind == 'ntk' else ''}, depth {self.depth}"


def table_kept(X: np.ndarray, setting: Setting) -> Result:
    """deepk, one kernel for all calls."""
    kernel = KINDS[setting.kind](setting.activation, setting.depth)
    return measure(lambda: kernel.gram(X), **OURS)


def table_anew(X: np.ndarray, setting: Setting) -> Result:
    """deepk, each time of an activation that it has not seen: whatever it remembers, it remembers by activation."""
    known = activations.get(setting.activation)

    def gram() -> np.ndarray:
        new = replace(known, function=lambda x: known(x))
        return KINDS[setting.kind](new, setting.depth).gram(X)

    return measure(gram, **OURS)


def apart(run: Callable[[], T]) -> T:
    """What it returns, in a process forked for it: nothing has been computed there."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sender.send(run()))
    process.start()
    sender.close()
    found: T = receiver.recv()
    process.join()
    return found


def at_peer(python: str, side: str, **arguments: Any) -> Result:
    """What a side of peer_kernels.py returns under that Python; the end of its last words if it fails."""
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [python, str(PEER_CODE), side, json.dumps(arguments)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    except OSError as error:
        sys.exit(f"{python} cannot be started: {error.strerror}")
    if done.returncode != 0:
        sys.exit(f"{python}, {side}: {done.stderr.strip()[-500:]}")
    found: Result = json.loads(done.stdout.splitlines()[-1])
    return found


def peers() -> dict[str, str]:
    """Which Python has which peer; says of those that are missing how to install them."""
    here = sys.executable if importlib.util.find_spec("botorch") else None
    found = {
        NEURAL_TANGENTS: os.environ.get("DEEPK_NEURAL_TANGENTS"),
        BOTORCH: os.environ.get("DEEPK_BOTORCH", here),
    }
    for peer, python in found.items():
        if not python:
            print(f"{peer} is not in the table: {HOW_TO_INSTALL[peer]}")
    return {peer: python for peer, python in found.items() if python}


def sides(setting: Setting, X: np.ndarray, file: str, pythons: dict[str, str]) -> dict[str, Callable[[], Result]]:
    """By label, what measures a side; deepk with its table kept comes first."""
    found = {
        KEPT: partial(apart, partial(table_kept, X, setting)),
        ANEW: partial(apart, partial(table_anew, X, setting)),
    }
    about = {"rows": file, "depth": setting.depth, **PEERS}
    if python := pythons.get(NEURAL_TANGENTS):
        gain = {"activation": setting.activation, "sigma_w": setting.sigma_w, "kind": setting.kind}
        found[NEURAL_TANGENTS] = partial(at_peer, python, "neural_tangents", **about, **gain)
    if (setting.activation, setting.kind) == ("relu", "nngp") and (python := pythons.get(BOTORCH)):
        found[BOTORCH] = partial(at_peer, python, "botorch", **about)
        if setting.depth == DEEP:
            found[f"{BOTORCH}, acos_eps=0"] = partial(at_peer, python, "botorch", **about, acos_eps=0.0)
    return found


def measured(setting: Setting, X: np.ndarray, file: str, pythons: dict[str, str]) -> dict[str, Result]:
    """All sides, one after the other; prints a line for each."""
    quadrature = f"; neural-tangents by quadrature of degree {QUADRATURE}" if setting.activation == "tanh" else ""
    print(f"{setting.title}{quadrature}")
    found: dict[str, Result] = {}
    for label, side in sides(setting, X, file, pythons).items():
        result = side()
        found[label] = result = result | {"error": setting.error(result)}
        ratio = "" if label == KEPT else short(result["warm"] / found[KEPT]["warm"])
        name, comma, how = label.partition(",")
        title = f"{name} {result['version']}{comma}{how}" if "version" in result else label
        print(
            f"  {title:32s} {short(result['first']):>9s} s {short(result['warm']):>9s} s "
            f"{result['later']:6d} {ratio:>9s} {result['error']:11.0e}",
            flush=True,
        )
    return found


def short(value: float) -> str:
    """Three digits, and all of those before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


# --- beside the table -------------------------------------------------------------------------------------------------


def memory(inputs: np.ndarray, folder: str) -> str:
    """Of a Gram matrix that is written to a file, in a process that has made a small one before.

    The rows come from the parent process: making them takes memory that would hide some of the peak.
    """
    kernel = CompositionalKernel("relu", DEEP)
    kernel.gram(inputs[:2])
    before = peak()
    out = np.memmap(Path(folder) / "gram", np.float64, "w+", shape=(LARGE, LARGE))
    started = time.perf_counter()
    kernel.gram(inputs, out=out)
    seconds = time.perf_counter() - started
    beside = peak() - before - out.nbytes
    return (
        f"n = {LARGE:,}, relu, depth {DEEP}, into a memory-mapped file of {megabytes(out.nbytes)}: {seconds:.2g} s; "
        f"peak memory beside the file {megabytes(beside)}, the copy of the rows being {megabytes(inputs.nbytes)}"
    )


def peak() -> int:
    """The most memory that this process has had, in bytes; a file's pages in memory count."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def megabytes(size: int) -> str:
    """In MB."""
    return f"{size / 1e6:.0f} MB"


def very_deep() -> str:
    """The relative error of 1 - K, as a number of digits."""
    gaps = [2.0, 1.0, 1e-3, 1e-6]
    kernel = CompositionalKernel("relu", VERY_DEEP)
    exact = [1 - iterated(relu_layer, 1 - mpf(u), VERY_DEEP) for u in gaps]
    worst = max(abs(kernel.complement(u) / one_minus_k - 1) for u, one_minus_k in zip(gaps, exact, strict=True))
    digits = float(-mp.log10(worst))
    return (
        f"1 - K of relu, depth {VERY_DEEP:,}, at 1 - rho = {', '.join(f'{u:g}' for u in gaps)}: "
        f"{digits:.1f} digits of {float(exact[0]):.2g} to {float(exact[-1]):.2g}"
    )


# --- what is asked ----------------------------------------------------------------------------------------------------


def ratios(
    relu_shallow: dict[str, Result], relu_deep: dict[str, Result], tanh: dict[str, Result], tangents: dict[str, Result]
) -> None:
    """Prints the ratio of warm times beside each one that is asked for."""
    print(f"{'asked of deepk':60s} {'table kept':>18s} {'table made anew':>18s}")
    for title, asked, found, peer in (
        (f"relu, depth {DEEP}: times as fast as neural-tangents, >= 10", 10, relu_deep, NEURAL_TANGENTS),
        (f"relu, depth {DEEP}: times as fast as BoTorch, >= 4", 4, relu_deep, BOTORCH),
        (f"tanh, depth {SHALLOW}: times as fast as neural-tangents, >= 50", 50, tanh, NEURAL_TANGENTS),
        (f"relu tangents, depth {DEEP}: times as fast as neural-tangents, > 1", 1, tangents, NEURAL_TANGENTS),
    ):
        if peer in found:
            values = [found[peer]["warm"] / found[ours]["warm"] for ours in (KEPT, ANEW)]
            print_ratios(title, values, [value >= asked for value in values])
    values = [relu_deep[ours]["warm"] / relu_shallow[ours]["warm"] for ours in (KEPT, ANEW)]
    print_ratios(f"relu, time at depth {DEEP} over that at depth {SHALLOW}, <= 1.3", values, [v <= 1.3 for v in values])
    values = [tangents[ours]["warm"] / relu_deep[ours]["warm"] for ours in (KEPT, ANEW)]
    print_ratios(f"relu, depth {DEEP}: tangent over compositional kernel, <= 1.5", values, [v <= 1.5 for v in values])


def print_ratios(title: str, values: list[float], holds: list[bool]) -> None:
    """One line."""
    words = [f"{short(value)} ({'holds' if true else 'fails'})" for value, true in zip(values, holds, strict=True)]
    print(f"  {title:58s} " + " ".join(f"{word:>18s}" for word in words))


def main() -> None:
    """Prints everything."""
    started = time.perf_counter()
    place = f"{len(CORES)} cores; neural-tangents may use all of them"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, CORES[:THREADS])
        place = f"{THREADS} of {len(CORES)} cores"
    torch.set_num_threads(THREADS)
    mp.dps = 40
    pythons = peers()
    inputs, tanh_ = rows(N), tanh_by_mehler()
    gain = {"relu": math.sqrt(2), "tanh": float(1 / mp.sqrt(tanh_.square))}
    layer = {"relu": relu_layer, "tanh": tanh_.layer}
    print(f"n = {N}, d = {D}, float64, {THREADS} threads on {place}")
    print(f"  {'':32s} {'first call':>11s} {'warm':>11s} {'later':>6s} {'x deepk':>9s} {'error':>11s}")
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "X.npy")
        np.save(file, inputs)
        settings = [
            Setting(name, depth, gain[name], reference(inputs, partial(iterated, layer[name], depth=depth)))
            for name, depth in (("relu", SHALLOW), ("relu", DEEP), ("tanh", SHALLOW))
        ]
        expected = reference(inputs, partial(relu_tangents, depth=DEEP))
        settings.append(Setting("relu", DEEP, gain["relu"], expected, kind="ntk"))
        tables = [measured(setting, inputs, file, pythons) for setting in settings]
        print(apart(partial(memory, rows(LARGE), folder)))
    print(apart(very_deep))
    agreed = ""
    if python := pythons.get(NEURAL_TANGENTS):
        agreed = agreement(at_peer(python, "agreement"))
    ratios(*tables)
    if agreed:
        ours, theirs = (tables[2][side]["error"] for side in (KEPT, NEURAL_TANGENTS))
        print(f"  tanh, depth {SHALLOW}: a smaller error: {ours:.0e} beside {theirs:.0e}")
        print(f"  agreement with neural-tangents to {AGREED:g}: {agreed}")
    print(f"{time.perf_counter() - started:.0f} s in all")


if __name__ == "__main__":
    main()
