"""Eigenvalues on the sphere beside quadrature in float64, as its peers compute them: time, error, false zeros.

    python benchmarks/spectra.py

Prints one table: the tangent kernel of ReLU, L = 3 in the paper's count, k = 0..200 in dimensions 4, 10 and 50,
k = 0..1000 in dimension 4, and a smooth kernel. For each side the time of the first call and of the fastest of two
later ones, the ratio of the second to deepk's, the largest relative error against digits made with mpmath, and how many
eigenvalues that are exactly zero are not. The other side is Gauss's quadrature of the sphere's weight with 2,000 nodes
in float64 (scipy). Then what is asked of deepk. Two minutes, most of them mpmath's, on one thread, where nothing else
runs.

gpfy stands in the table, for ReLU's kernels, where a variable names a Python that has it:

    pip install gpfy==0.7.0                      in an environment of its own: DEEPK_GPFY=.../bin/python
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import mpmath
import numpy as np
import torch
from mpmath import mp, mpf
from scipy.special import eval_gegenbauer, roots_gegenbauer

from deepk.kernels import CompositionalKernel, DotProductKernel, TangentKernel
from deepk.spectra import spectrum

NODES = 2000  # of the quadrature in float64
PEER_CODE = Path(__file__).with_name("peer_spectra.py")
KINDS = {CompositionalKernel: "ArcCosine", TangentKernel: "NTK"}  # by what gpfy calls them
CHECKED = (2, 7, 60, 200, 1000)  # degrees that mpmath computes, where they are asked for
ASKED = {"k = 0..200, d <= 50": 0.5, "k = 0..1000, d = 4": 3.0}


class Case(NamedTuple):
    """A spectrum to compute."""

    name: str
    kernel: DotProductKernel
    dimension: int
    degree: int


CASES = [
    Case("ReLU tangents, L = 3", TangentKernel("relu", 2), 4, 200),
    Case("ReLU tangents, L = 3", TangentKernel("relu", 2), 10, 200),
    Case("ReLU tangents, L = 3", TangentKernel("relu", 2), 50, 200),
    Case("ReLU tangents, L = 3", TangentKernel("relu", 2), 4, 1000),
    Case("ReLU features, L = 2", CompositionalKernel("relu", 1), 4, 200),
    Case("GELU features, L = 2", CompositionalKernel("gelu", 1), 4, 60),
]


def in_float64(case: Case) -> np.ndarray:
    """E kappa(T) P_k(T) by Gauss's quadrature for the law of T: what a script of ten lines does."""
    alpha = case.dimension / 2 - 1
    nodes, weights = roots_gegenbauer(NODES, alpha)
    values = weights * np.asarray(case.kernel(nodes)) / weights.sum()
    k = np.arange(case.degree + 1)
    return np.array([values @ (eval_gegenbauer(j, alpha, nodes) / eval_gegenbauer(j, alpha, 1.0)) for j in k])


def at_gpfy(python: str, case: Case) -> tuple[Seconds, np.ndarray]:
    """How long it takes, and the eigenvalues; ends with its last words if it fails."""
    assert isinstance(case.kernel, CompositionalKernel | TangentKernel)
    about = {"kind": KINDS[type(case.kernel)], "depth": case.kernel.depth}
    arguments = json.dumps(about | {"dimension": case.dimension, "degree": case.degree})
    environment = os.environ | {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "OMP_NUM_THREADS": "1"}
    command = [python, str(PEER_CODE), arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{python}: {done.stderr.strip()[-500:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Seconds(found["first"], found["warm"]), np.array(found["values"])


def exact(case: Case, k: int) -> mpf:
    """The same integral by mpmath in the angle, with 60 digits; zero where a symmetry says so."""
    if case.kernel.degrees.vanishes(k):
        return mpf(0)
    d = case.dimension
    with mp.workdps(60 + int(d / 4) + (200 if case.kernel.is_smooth else 0)):
        constant = mpmath.gamma(mpf(d) / 2) / (mpmath.sqrt(mpmath.pi) * mpmath.gamma(mpf(d - 1) / 2))

        def integrand(theta: mpf) -> mpf:
            return kappa(case.kernel, theta) * legendre(d, k, mpmath.cos(theta)) * mpmath.sin(theta) ** (d - 2)

        pieces = mpmath.linspace(0, mpmath.pi, 2 + max(4, (k + d) // 8))
        return constant * mpmath.quad(integrand, pieces, method="gauss-legendre")


def kappa(kernel: DotProductKernel, theta: mpf) -> mpf:
    """The kernels of this file, by their recursions."""
    c, tangent = mpmath.cos(theta), mpmath.cos(theta)
    assert isinstance(kernel, CompositionalKernel | TangentKernel)
    for _ in range(kernel.depth):
        if kernel.activation.name == "gelu":
            raw = c / 4 + (c * mpmath.asin(c / 2) + 1 / mpmath.sqrt(4 - c * c)) / (2 * mpmath.pi)
            c, slope = raw / (mpf(1) / 4 + (mpmath.pi / 6 + 1 / mpmath.sqrt(3)) / (2 * mpmath.pi)), mpf(0)
        else:
            angle = mpmath.acos(c)
            slope = (mpmath.pi - angle) / mpmath.pi
            c = (mpmath.sin(angle) + (mpmath.pi - angle) * mpmath.cos(angle)) / mpmath.pi
        tangent = tangent * slope + c
    return tangent if isinstance(kernel, TangentKernel) else c


def legendre(d: int, k: int, t: mpf) -> mpf:
    """P_k of dimension d."""
    before, p = mpf(0), mpf(1)
    for j in range(k):
        before, p = p, ((2 * j + d - 2) * t * p - j * before) / (j + d - 2)
    return p


class Seconds(NamedTuple):
    """Of the first call, which computes the nodes of a rule (or compiles), and of the fastest later one."""

    first: float
    warm: float


def timed(run: Callable[[], Any]) -> tuple[Seconds, Any]:
    """How long it takes, and what came out."""
    seconds, found = [], None
    for _ in range(3):
        started = time.perf_counter()
        found = run()
        seconds.append(time.perf_counter() - started)
    return Seconds(seconds[0], min(seconds[1:])), found


def main() -> None:
    """Measures, and prints."""
    torch.set_num_threads(1)
    seconds = f"{'first':>7} {'later':>7} {'ratio':>6}"
    print(f"{'kernel':24} {'d':>4} {'k <=':>5} {'side':26} {seconds} {'error':>9} {'false zeros':>11}")
    slowest: dict[str, float] = {}
    for case in CASES:
        truth = {k: exact(case, k) for k in CHECKED if k <= case.degree}
        ours, found = timed(lambda case=case: spectrum(case.kernel, case.dimension, range(case.degree + 1)).values)
        report(case, "deepk", ours, ours, found, truth)
        theirs, rough = timed(lambda case=case: in_float64(case))
        report(case, f"float64, {NODES} nodes", theirs, ours, rough, truth)
        if (python := os.environ.get("DEEPK_GPFY")) and "ReLU" in case.name:
            theirs, rough = at_gpfy(python, case)
            report(case, "gpfy", theirs, ours, rough, truth)
        key = "k = 0..1000, d = 4" if case.degree == 1000 else "k = 0..200, d <= 50"
        slowest[key] = max(slowest.get(key, 0.0), ours.first)
    for what, bound in ASKED.items():
        verdict = "holds" if slowest[what] < bound else "MISSED"
        print(f"{what}: {slowest[what]:.2f} s at first, asked < {bound} s: {verdict}")


def report(case: Case, side: str, seconds: Seconds, ours: Seconds, found: np.ndarray, truth: dict[int, mpf]) -> None:
    """One line of the table."""
    errors = [float(abs(mpf(float(found[k])) / exact - 1)) for k, exact in truth.items() if exact]
    zeros = [found[k] for k in range(case.degree + 1) if case.kernel.degrees.vanishes(k)]
    false = f"{sum(value != 0 for value in zeros)} of {len(zeros)}"
    print(
        f"{case.name:24} {case.dimension:4} {case.degree:5} {side:26} {seconds.first:7.3f} {seconds.warm:7.3f} "
        f"{seconds.warm / ours.warm:6.1f} {max(errors):9.1e} "
        f"{false:>11}",
        flush=True,
    )


if __name__ == "__main__":
    main()
