"""How far deepk's kernels are from those of neural-tangents, for every activation that it has in closed form.

`kernels.py` prints it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from peer_kernels import AGREEMENT_DEPTH, NO_VARIANCE, RHO, Result

from deepk.activations import Activation, leaky_relu
from deepk.kernels import CompositionalKernel, DotProductKernel, TangentKernel

AGREED = 1e-9  # largest difference, beside the kernel at one


def smooth(name: str, f: Callable[[torch.Tensor], torch.Tensor]) -> Activation:
    """Without kinks and jumps."""
    return Activation.from_callable(name, f)


# By what neural-tangents calls it.
ACTIVATIONS: dict[str, str | Activation] = {
    "Relu": "relu",
    "LeakyRelu(0.2)": leaky_relu(0.2),
    "ABRelu(-0.5, 1.5)": Activation.from_callable("abrelu", lambda x: 1.5 * x.relu() + 0.5 * (-x).relu(), kinks=[0]),
    "Abs": Activation.from_callable("abs", torch.abs, kinks=[0]),
    "Sign": Activation.from_callable("sign", torch.sign, jumps=[0]),
    "Erf": "erf",
    "Sigmoid_like": smooth("sigmoid-like", lambda x: (x / 2.4020563531719796).erf() / 2 + 0.5),
    "Gelu": "gelu",
    "Sin": "sin",
    "Cos": smooth("cos", torch.cos),
    "Sin(1.3, 0.7, 0.4)": smooth("wave", lambda x: 1.3 * (0.7 * x + 0.4).sin()),
    "Rbf": smooth("rbf", lambda x: math.sqrt(2) * (math.sqrt(2) * x + math.pi / 4).sin()),
    "Gabor": smooth("gabor", lambda x: (-x * x).exp() * x.sin()),
    "Gaussian": smooth("gaussian", lambda x: (-x * x).exp()),
    "Exp": smooth("exp", torch.exp),
    "Exp(1, 0.5)": smooth("exp-half", lambda x: (x / 2).exp()),
    "ExpNormalized": smooth("exp", torch.exp),  # the same kernel, exp(rho - 1)
    "Hermite(3)": smooth("hermite-3", lambda x: (x**3 - 3 * x) / math.sqrt(6)),
    "Polynomial(0.1, 0.5, 0, 0.25)": smooth("polynomial", lambda x: 0.1 + 0.5 * x + 0.25 * x**3),
    "Monomial(2)": smooth("square", lambda x: x**2),
    "Monomial(3)": smooth("cube", lambda x: x**3),
    "Monomial(4)": smooth("power-4", lambda x: x**4),
    "Monomial(5)": smooth("power-5", lambda x: x**5),
    "RectifiedMonomial(0)": "step",
    "RectifiedMonomial(1)": "relu",
    "RectifiedMonomial(2)": Activation.from_callable("relu-squared", lambda x: x.relu() ** 2, kinks=[0]),
}


def agreement(theirs: Result) -> str:
    """Prints a line for each activation; returns how many agree. `theirs` is what peer_kernels.agreement found."""
    rho = np.array(RHO, np.float64)
    print(f"largest difference from neural-tangents {theirs['version']} after {AGREEMENT_DEPTH} layers, of the kernel")
    print("and of the tangent kernel, beside its value at one")
    print(f"  {'':32s} {'|rho| < 1':>11s} {'|rho| = 1':>11s} {'tangents:':>11s} {'|rho| = 1':>11s}")
    agreeing, tangents = 0, 0
    for name, activation in ACTIVATIONS.items():
        depth, remark = (1, "  after one layer: its variance is NaN") if name in NO_VARIANCE else (AGREEMENT_DEPTH, "")
        kernel = CompositionalKernel(activation, depth)
        found: list[DotProductKernel] = [kernel]
        if not kernel.activation.jumps:  # where sigma jumps, no tangent kernel is
            found.append(TangentKernel(activation, depth))
        differences = [np.abs(ours(rho) - theirs[name][i]) / ours.at_one for i, ours in enumerate(found)]
        inside = np.abs(rho) < 1
        sizes = [part for each in differences for part in (each[inside].max(), each[~inside].max())]
        print(f"  {name:32s} {' '.join(f'{size:11.0e}' for size in sizes)}{remark}")
        checked = sizes[::2] if name in NO_VARIANCE else sizes
        agreeing += max(checked[: len(checked) // len(found)]) <= AGREED
        tangents += len(found) == 2 and max(checked) <= AGREED
    with_one = sum(not CompositionalKernel(each, 1).activation.jumps for each in ACTIVATIONS.values())
    return (
        f"{agreeing} of {len(ACTIVATIONS)} activations, and {tangents} of {with_one} tangent kernels; "
        f"{len(NO_VARIANCE)} of them after one layer and at |rho| < 1"
    )
