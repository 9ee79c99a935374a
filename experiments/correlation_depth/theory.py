"""What theory says of `correlation-depth`: 1 - c^l of each case, its limit and its asymptote -> theory.csv."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deepk import activations
from deepk.gaussian import expectation
from deepk.meanfield import MeanField, moments, rate, residual_complements, residual_gamma
from experiments.correlation_depth import FOLLOWS, Config
from experiments.correlation_depth.cases import Case, cases
from experiments.published.edge_of_chaos import RELU_COMPLEMENTS


def predict(cfg: Config) -> pd.DataFrame:
    """1 - c^l of each case at some layers up to the greatest depth, its limit, and what it is predicted to approach."""
    return pd.concat([_curve(cfg, case) for case in cases(cfg)], ignore_index=True)


def _curve(cfg: Config, case: Case) -> pd.DataFrame:
    depth = case.depth(cfg.depth)
    layers = _kept(cfg, case, depth)
    limit, scale, asymptote = 1.0, math.inf, np.full(len(layers), math.nan)
    if case.residual:
        complements = residual_complements(cfg.c0, depth, sigma_w=case.sigma_w)
        asymptote = rate("relu", sigma_b=0.0)(layers.astype(float)) / residual_gamma(case.sigma_w)
    else:
        theory = MeanField(case.activation, sigma_w=case.sigma_w, sigma_b=case.sigma_b, q=case.q)
        complements = theory.complements(cfg.c0, depth)
        limit, scale = theory.limiting_correlation(), theory.depth_scale()
        if not case.off_edge:
            asymptote = rate(case.activation, sigma_b=case.sigma_b)(layers.astype(float))
    constants = {"sigma_b": case.sigma_b, "q": case.q, "limit": limit, "depth_scale": scale}
    constants["follows_until"] = _follows_until(cfg, case)
    constants["printed"] = _printed_depth_scale(case)
    values = {"layer": layers, "complement": complements[layers], "asymptote": asymptote}
    return pd.DataFrame({**case.key, **constants, **values})


def _printed_depth_scale(case: Case) -> float:
    """-log chi with chi = sigma_w^2 E phi'(sqrt(q) Z), as the slides print xi_c; NaN where chi <= 0."""
    phi, scale = activations.get(case.activation), math.sqrt(case.q)
    kinks = [point / scale for point in phi.breaks]
    chi = case.sigma_w**2 * expectation(lambda z: phi.derivative(scale * z), kinks=kinks)
    return -math.log(chi) if chi > 0 else math.nan


def _follows_until(cfg: Config, case: Case) -> float:
    """The layer up to which networks of this width are expected to follow the theory.

    A fifth of the width, since the fluctuations of log(1 - c^l) grow like l / width; and where the variance's fixed
    point repels, the layer at which its fluctuation, sqrt(2 / width) at first, has grown to a quarter.
    """
    width = cfg.simulation.width
    if case.residual or moments.homogeneous_slopes(activations.get(case.activation)) is not None:
        return width * FOLLOWS
    slope = case.sigma_w**2 * moments.second_moment_slope(activations.get(case.activation), case.q)
    repelled = math.log(0.25 / math.sqrt(2 / width)) / math.log(slope) if slope > 1 else math.inf
    return min(width * FOLLOWS, repelled)


def _kept(cfg: Config, case: Case, depth: int) -> np.ndarray:
    """The layers of theory.csv: those of a simulation of any depth up to this one, and the reference's."""
    reference = [layer for layer in RELU_COMPLEMENTS if layer <= depth and not case.off_edge]
    simulated = case.layers(min(cfg.simulation.depth, depth))
    return np.union1d(np.union1d(case.layers(depth), simulated), np.array(reference, dtype=int))
