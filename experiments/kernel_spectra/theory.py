"""What theory says of `kernel-spectra`: each kernel's behaviour at the ends, and targets expanded on the sphere."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.special import gammaln, gammasgn, ive

from deepk import activations
from deepk.kernels import CompositionalKernel
from deepk.meanfield import moments
from deepk.spectra import endpoint_expansion, multiplicity, spectrum
from experiments.kernel_spectra import FEATURES, TARGETS, Config, named
from experiments.kernel_spectra.kernels import kernel_of, kernels

TAYLOR, LOW = 512, 10  # Taylor coefficients, and the degrees of which they tell the eigenvalues


def predict(cfg: Config) -> pd.DataFrame:
    """A row for each number: of a kernel, of a target, or of an activation's second moment."""
    rows: list[tuple[str, int, int, str, int, float]] = []
    for name, layers in kernels(cfg):
        kernel = kernel_of(cfg, name, layers)
        expansion = endpoint_expansion(kernel)
        of_kernel = {
            "nu": expansion.nu,
            "c_1": expansion.c_1,
            "c_minus_1": expansion.c_minus_1,
            "at_one": kernel.at_one,
            "amplification": kernel.amplification,
        }
        rows += [(name, layers, 0, quantity, 0, value) for quantity, value in of_kernel.items()]
    for activation in cfg.smooth:
        rows += _by_taylor(cfg, activation)
    for activation in ("relu", "step"):
        moment = moments.second_moment(activations.get(activation), 1.0)
        rows.append((named(activation, FEATURES), 0, 0, "second moment", 0, moment))
    for target in TARGETS:
        d = cfg.dimensions[0]
        parts = target_parts(cfg, target, d, cfg.degree)
        rows += [(f"target {target}", 0, d, "part", k, part) for k, part in enumerate(parts.tolist())]
    return pd.DataFrame(rows, columns=["kernel", "layers", "dimension", "quantity", "degree", "value"])


def _by_taylor(cfg: Config, activation: str) -> list[tuple[str, int, int, str, int, float]]:
    """Low eigenvalues of one layer from a_i^2, the squared Hermite coefficients: kappa(u) = sum a_i^2 u^i."""
    squares = CompositionalKernel(activation, 1).dual.coefficients(TAYLOR)
    d = cfg.dimensions[0]
    found = spectrum(squares, d, range(LOW + 1))
    name = named(activation, FEATURES)
    return [(name, 2, d, "by Taylor", k, value) for k, value in enumerate(found.values.tolist())]


def target_parts(cfg: Config, target: str, d: int, degree: int) -> np.ndarray:
    """The norm in L^2 of the part of each degree 0..degree of a function g(<x, w>): sqrt(N(d, k)) abs(m_k)."""
    k = np.arange(degree + 1)
    eigenvalues = {"bump": _bump, "power": _power, "exponential": _exponential}[target](cfg, d, k)
    counts = np.array([math.sqrt(multiplicity(d, degree)) for degree in k.tolist()])
    return np.asarray(counts * np.abs(eigenvalues))


def _constant(d: int) -> float:
    return math.exp(gammaln(d / 2) - gammaln((d - 1) / 2)) / math.sqrt(math.pi)


def _bump(cfg: Config, d: int, k: np.ndarray) -> np.ndarray:
    """c_d (1 - a^2)^((d-1)/2) / (d - 1) P_(k-1) in dimension d + 2 at a, from the equation that P_k solves."""
    a, upper = cfg.target_height, d + 2
    p = np.empty(len(k))
    p[:2] = 1.0, a
    for j in range(1, len(k) - 1):
        p[j + 1] = ((2 * j + upper - 2) * a * p[j] - j * p[j - 1]) / (j + upper - 2)
    found = np.empty(len(k))
    found[1:] = _constant(d) * (1 - a * a) ** ((d - 1) / 2) / (d - 1) * p[:-1]
    theta = np.linspace(0, math.acos(a), 20001)
    found[0] = _constant(d) * np.trapezoid(np.sin(theta) ** (d - 2), theta)
    return found


def _power(cfg: Config, d: int, k: np.ndarray) -> np.ndarray:
    """E abs(t)^s P_k(t) = Gamma(s+1) Gamma(d/2) / (2^s Gamma((s-k)/2 + 1) Gamma((s+k+d)/2)) for even k, else 0."""
    s = cfg.target_power
    below = (s - k) / 2 + 1
    log = gammaln(s + 1) + gammaln(d / 2) - s * math.log(2) - gammaln(below) - gammaln((s + k + d) / 2)
    return np.asarray(np.where(k % 2, 0.0, gammasgn(below) * np.exp(log)))


def _exponential(cfg: Config, d: int, k: np.ndarray) -> np.ndarray:
    """Gamma(d/2) 2^(d/2 - 1) I_(k + d/2 - 1)(1)."""
    del cfg
    return np.asarray(math.gamma(d / 2) * 2 ** (d / 2 - 1) * math.e * ive(k + d / 2 - 1, 1.0))
