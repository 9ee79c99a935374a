"""What theory says of `kernel-limits`: curves of the kernels, their limits, and how far these are -> theory.csv."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deepk.branching import PowersOfTwo
from deepk.kernels import GaltonWatson, rescaled_limit
from experiments.kernel_limits import POWERS_OF_TWO, Config
from experiments.kernel_limits.cases import Case, Curve, cases, correlations, times
from experiments.kernel_limits.powers_of_two import complement, gamma, leading_order

UNSCALED_CURVE, RESCALED_CURVE = 73, 33  # points of a curve
PER_DECADE = 12  # depths of the slow limit, evenly spaced on a logarithmic scale


def predict(cfg: Config) -> pd.DataFrame:
    """Curves at points x: rho of the unscaled kernel, t of the rescaled one.

    kind: 'unscaled' and 'rescaled', K and, where it is measured, the standard deviation of rho^{Z_L}; 'limit' of the
    latter, 'printed', the paper's formula for it with the unconditional W, and 'bound' of the distance of the deepest
    curve; 'extinction' (mu <= 1), 1 - K^(L)(1/e); 'kesten-stigum', 1 - K^(L)(exp(-1/mu^L)) of the powers of two, its
    'leading' order and 'exponent' gamma; 'mu'; 'xi'.
    """
    parts = [part for case in cases(cfg) for part in _case(cfg, case)]
    return pd.concat([*parts, *_kesten_stigum(cfg)], ignore_index=True)


def _rows(case: Case, kind: str, depth: int | list[int], x: float | Curve, *values: object) -> pd.DataFrame:
    """Of value and, where there is one, deviation; numbers are repeated to the length of the arrays."""
    value, deviation = (*values, math.nan)[:2]
    columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(c)) for c in (depth, x, value, deviation)))
    at = {"activation": case.activation, "centering": case.centering, "kind": kind}
    return pd.DataFrame(at | dict(zip(("depth", "x", "value", "deviation"), columns, strict=True)))


def _case(cfg: Config, case: Case) -> list[pd.DataFrame]:
    dual, depths = case.dual, case.depths(cfg)
    mu, xi = dual.mu, dual.extinction_probability
    rho_measured, t_measured = correlations(cfg), times(cfg)
    rho = np.union1d(np.cos(np.linspace(0, math.pi, UNSCALED_CURVE)).round(9), rho_measured)  # dense next to 1
    t = np.union1d(np.linspace(0, 1, RESCALED_CURVE), t_measured)
    parts = [_rows(case, "mu", 0, 0.0, mu), _rows(case, "xi", 0, 0.0, xi)]
    parts += [_kernel_rows(case, "unscaled", depth, rho, 1 - rho, 1 - rho**2, rho_measured) for depth in depths]
    if math.isinf(mu):
        return parts
    for depth in depths:
        s = case.exponents(depth, t)
        parts.append(_kernel_rows(case, "rescaled", depth, t, -np.expm1(-s), -np.expm1(-2 * s), t_measured))
    limit = rescaled_limit(dual, t)
    parts.append(_rows(case, "limit", 0, t, limit.value))
    if limit.regime == "martingale limit":
        parts.append(_rows(case, "printed", 0, t, xi + (1 - xi) * np.asarray(limit.value)))
        parts.append(_bound(case, max(depths), t_measured))
    if limit.regime == "extinction":
        deep = sorted({*depths, cfg.deep // 2, cfg.deep})
        below = [case.kernel(depth).complement(-math.expm1(-1)) for depth in deep]
        parts.append(_rows(case, "extinction", deep, 1.0, below))
    return parts


def _kernel_rows(
    case: Case, kind: str, depth: int, x: Curve, u: Curve, u_squared: Curve, measured: Curve
) -> pd.DataFrame:
    """K(1 - u), and at measured points the deviation of rho^Z: its variance is K(rho^2) - K(rho)^2."""
    kernel = case.kernel(depth)
    below = kernel.complement(u)
    deviation = np.where(np.isin(x, measured), _deviation(below, kernel.complement(u_squared)), math.nan)
    return _rows(case, kind, depth, x, 1 - below, deviation)


def _deviation(below: Curve, below_squared: Curve) -> Curve:
    """sqrt(K(rho^2) - K(rho)^2) from 1 - K(rho) and 1 - K(rho^2)."""
    return np.asarray(np.sqrt(np.clip(2 * below - below_squared - below**2, 0, None)))


def _bound(case: Case, depth: int, t: Curve) -> pd.DataFrame:
    """Of |K^(L)(e^{-t/mu^L}) - E e^{-tW}|: E e^{-tW} = K^(L)(phi(s)) with s = t / mu^L, and K^(L) has slope <= mu^L."""
    s = case.exponents(depth, t)
    phi = GaltonWatson(case.dual).martingale_limit_laplace(s)
    return _rows(case, "bound", depth, t, (phi - np.exp(-s)) * case.dual.mu**depth)


def _kesten_stigum(cfg: Config) -> list[pd.DataFrame]:
    law, case = PowersOfTwo(), Case(POWERS_OF_TWO, "uncentered")
    exponent, deepest = gamma(law), cfg.kesten_stigum_depth
    even = np.geomspace(1, deepest, 1 + math.ceil(PER_DECADE * math.log10(deepest))).round().astype(int)
    depths = np.unique([*even, *range(1, cfg.kesten_stigum_generations + 1), deepest // 10]).tolist()
    below, below_squared = (
        np.array([complement(law, depth, -math.expm1(-t * law.mu**-depth)) for depth in depths]) for t in (1, 2)
    )
    late = [depth for depth in depths if depth >= 10]  # log L is not large before
    leading = [leading_order(exponent, law.mu, depth) for depth in late]
    return [
        _rows(case, "mu", 0, 0.0, law.mu),
        _rows(case, "exponent", 0, 0.0, exponent),
        _rows(case, "kesten-stigum", depths, 1.0, below, _deviation(below, below_squared)),
        _rows(case, "leading", late, 1.0, leading),
    ]
