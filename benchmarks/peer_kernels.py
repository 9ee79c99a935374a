"""The peers' side of kernels.py, which starts this file with the Python that has the peer: one measurement a process.

    PYTHON benchmarks/peer_kernels.py neural_tangents '{"activation": "relu", ...}'

Prints one line of JSON. Needs numpy and the peer, not deepk.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

BLOCK = 16  # rows whose entries are compared with the reference
QUADRATURE = 25  # neural-tangents' degree for tanh: nodes along each axis of the plane
COMPILED = 40  # layers from which XLA takes longer to compile than to compute (half a minute at 40)
RHO = [-1, -0.99, -0.9, -0.7, -0.5, -0.2, 0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999, 1]
AGREEMENT_DEPTH = 6
# E sigma(Z)^2 of those whose variance neural-tangents finds to be NaN, so that it has one layer of them, not two.
NO_VARIANCE = {"RectifiedMonomial(0)": 1 / 2, "RectifiedMonomial(1)": 1 / 2, "RectifiedMonomial(2)": 3 / 2}

Result = dict[str, Any]


def measure(gram: Callable[[], np.ndarray], *, repeats: int, budget: float) -> Result:
    """Seconds of the first call and, in the median, of later ones; how many those were; a block of what came out.

    There are at most `repeats` later calls, and none begins after they have taken `budget` seconds.
    """
    first, found = timed(gram)
    later: list[float] = []
    while len(later) < repeats and sum(later) < budget:
        later.append(timed(gram)[0])
    block = np.asarray(found)[:BLOCK, :BLOCK].tolist()
    return {"first": first, "warm": statistics.median(later), "later": len(later), "block": block}


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time of one call in seconds, and what it returned."""
    started = time.perf_counter()
    found = run()
    return time.perf_counter() - started, found


def neural_tangents(
    *, rows: str, activation: str, depth: int, sigma_w: float, kind: str, repeats: int, budget: float
) -> Result:
    """The kernel of `depth` layers, "nngp" or "ntk"; sigma_w^2 E phi(Z)^2 = 1, so that it is normalized as deepk's."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    from neural_tangents import stax

    inputs = jnp.asarray(np.load(rows))
    layer = {"relu": stax.Relu, "tanh": lambda: stax.ElementwiseNumerical(jnp.tanh, deg=QUADRATURE)}[activation]
    kernel = stax.serial(stax.Dense(1), *[layer(), stax.Dense(1, W_std=sigma_w)] * depth)[2]

    def wanted(X: Any) -> Any:
        return kernel(X, X, kind)

    compiled = jax.jit(wanted) if depth < COMPILED else wanted
    return measure(lambda: np.asarray(compiled(inputs)), repeats=repeats, budget=budget) | {
        "version": version("neural-tangents")
    }


def botorch(*, rows: str, depth: int, acos_eps: float | None = None, repeats: int, budget: float) -> Result:
    """The kernel of `depth` ReLU layers, at its own acos_eps where none is given."""
    import torch
    from botorch.models.kernels.infinite_width_bnn import InfiniteWidthBNNKernel

    inputs = torch.from_numpy(np.load(rows))
    options = {} if acos_eps is None else {"acos_eps": acos_eps}
    kernel = InfiniteWidthBNNKernel(depth=depth, **options).double()
    kernel.weight_var, kernel.bias_var = 2.0, 0.0

    def gram() -> np.ndarray:
        with torch.no_grad():
            return kernel(inputs).to_dense().numpy()

    found = measure(gram, repeats=repeats, budget=budget)
    normalized = (np.array(found["block"]) / 2).tolist()  # its diagonal is the variance of the weights
    return found | {"block": normalized, "version": version("botorch")}


def agreement() -> Result:
    """By activation, its normalized kernel and its tangent kernel at RHO, of one layer where it has no more."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from neural_tangents import stax

    layers = {
        "Relu": stax.Relu,
        "LeakyRelu(0.2)": lambda: stax.LeakyRelu(0.2),
        "ABRelu(-0.5, 1.5)": lambda: stax.ABRelu(-0.5, 1.5),
        "Abs": stax.Abs,
        "Sign": stax.Sign,
        "Erf": stax.Erf,
        "Sigmoid_like": stax.Sigmoid_like,
        "Gelu": stax.Gelu,
        "Sin": stax.Sin,
        "Cos": stax.Cos,
        "Sin(1.3, 0.7, 0.4)": lambda: stax.Sin(1.3, 0.7, 0.4),
        "Rbf": stax.Rbf,
        "Gabor": stax.Gabor,
        "Gaussian": stax.Gaussian,
        "Exp": stax.Exp,
        "Exp(1, 0.5)": lambda: stax.Exp(1, 0.5),
        "ExpNormalized": stax.ExpNormalized,
        "Hermite(3)": lambda: stax.Hermite(3),
        "Polynomial(0.1, 0.5, 0, 0.25)": lambda: stax.Polynomial([0.1, 0.5, 0.0, 0.25]),
        **{f"Monomial({k})": lambda k=k: stax.Monomial(k) for k in (2, 3, 4, 5)},
        **{f"RectifiedMonomial({k})": lambda k=k: stax.RectifiedMonomial(k) for k in (0, 1, 2)},
    }
    one = np.array([[2.0, 0, 0, 0]])  # four entries of square 1 in the mean: the scalar product over 4 is rho
    others = np.array([[2 * rho, 2 * math.sqrt((1 - rho) * (1 + rho)), 0, 0] for rho in RHO])
    found: Result = {"version": version("neural-tangents")}
    for name, layer in layers.items():
        depth = 1 if name in NO_VARIANCE else AGREEMENT_DEPTH
        square = NO_VARIANCE.get(name) or float(stax.serial(stax.Dense(1), layer())[2](one, None, "nngp")[0, 0])
        kernel = stax.serial(stax.Dense(1), *[layer(), stax.Dense(1, W_std=square**-0.5)] * depth)[2]
        both = kernel(one, others, ("nngp", "ntk"))
        found[name] = [np.asarray(each)[0].tolist() for each in both]
    return found


def main() -> None:
    """One measurement, by its name and its arguments in JSON."""
    if len(sys.argv) == 1:
        print("nothing to measure by itself: kernels.py starts it")
        return
    warnings.simplefilter("ignore")  # the peers' own, about versions of what they use
    side = {"neural_tangents": neural_tangents, "botorch": botorch, "agreement": agreement}[sys.argv[1]]
    print(json.dumps(side(**json.loads(sys.argv[2]))))


if __name__ == "__main__":
    main()
