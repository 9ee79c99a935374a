"""gpfy's side of spectra.py, which starts this file with the Python that has gpfy: one spectrum a process.

    PYTHON benchmarks/peer_spectra.py '{"kind": "NTK", "depth": 2, "dimension": 4, "degree": 20}'

Prints one line of JSON: seconds of the first call and of the fastest later one, and mu_0, ..., mu_degree of ReLU's
kernel of this depth, "NTK" (not normalized) or "ArcCosine". Needs gpfy, not deepk.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any

LATER = 3  # calls


def spectrum(*, kind: str, depth: int, dimension: int, degree: int) -> dict[str, Any]:
    """Eigenvalues by gpfy's quadrature of 1000 nodes."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from gpfy import spherical

    kernel = getattr(spherical, kind)(depth=depth)
    scale = depth + 1 if kind == "NTK" else 1  # it divides by Theta(1)
    seconds = []
    for _ in range(1 + LATER):
        started = time.perf_counter()
        found = scale * kernel._compute_eigvals(dimension - 1, max_num_eigvals=degree + 1)
        values = found.tolist()
        seconds.append(time.perf_counter() - started)
    return {"first": seconds[0], "warm": min(seconds[1:]), "values": values, "version": version("gpfy")}


def main() -> None:
    """One spectrum, by its arguments in JSON."""
    if len(sys.argv) == 1:
        print("nothing to measure by itself: spectra.py starts it")
        return
    print(json.dumps(spectrum(**json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
