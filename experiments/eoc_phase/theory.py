"""What theory says of `eoc-phase`: grid, edge, simulated line and reference points, by quadrature -> theory.csv."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pandas as pd

from deepk import activations
from deepk.gaussian import expectation
from deepk.meanfield import EdgeOfChaos, MeanField, edge_of_chaos
from deepk.meanfield.moments import second_moment
from experiments.eoc_phase import START, Axis, Config
from experiments.published.edge_of_chaos import LIMITS, PHASE_POINTS, POINTS, EdgePoint


def predict(cfg: Config) -> pd.DataFrame:
    """The `grid` of the diagrams, the `edge` over it, the simulated `line`, its `curve`, and the points checked."""
    rows = [row for name in cfg.activations for row in _theory(cfg, name)]
    return pd.DataFrame([*rows, *_references()])


def _theory(cfg: Config, name: str) -> Iterator[dict[str, object]]:
    second_moment(activations.get(name), 1.0)  # an error where it is infinite: then nothing below has a meaning
    for sigma_b, sigma_w in itertools.product(_ticks(cfg.sigma_b), _ticks(cfg.sigma_w)):
        yield _row("grid", name, sigma_b, sigma_w)
    for sigma_w in cfg.line_sigma_w:
        yield _line_row("line", cfg, name, sigma_w)
    for sigma_w in _ticks(cfg.sigma_w):
        yield _line_row("curve", cfg, name, sigma_w)
    for point in _edge(cfg, name):
        yield _edge_row("edge", name, point)


def _references() -> Iterator[dict[str, object]]:
    """Solved for at any scale and for any choice of activations: milliseconds, and exact."""
    for phase in PHASE_POINTS:
        yield _row("check", phase.activation, phase.sigma_b, phase.sigma_w)
    for reference in POINTS:
        yield _reference(reference)
    for name in LIMITS:
        yield _edge_row("limit", name, edge_of_chaos(name, sigma_b=0.0))


def _ticks(axis: Axis) -> list[float]:
    ticks: list[float] = np.linspace(axis.low, axis.high, axis.points).tolist()
    return ticks


def _row(kind: str, name: str, sigma_b: float, sigma_w: float) -> dict[str, object]:
    """The theory at one point; NaN for what has no meaning where the variance diverges or vanishes."""
    theory = MeanField(name, sigma_w=sigma_w, sigma_b=sigma_b)
    row: dict[str, object] = {"kind": kind, "activation": name, "sigma_b": sigma_b, "sigma_w": sigma_w}
    row |= {"phase": "diverging", "q": math.nan, "chi_1": math.nan, "correlation": math.nan, "depth_scale": math.nan}
    with suppress(ValueError):
        row["chi_1"] = theory.chi_1  # of ReLU also where its variance diverges
        row |= {"q": theory.limiting_variance(), "phase": theory.phase}
        row |= {"correlation": theory.limiting_correlation(), "depth_scale": theory.depth_scale()}
    return row


def _line_row(kind: str, cfg: Config, name: str, sigma_w: float) -> dict[str, object]:
    """A point on the line where networks are simulated, with chi as the slides print it, sigma_w^2 E phi'(sqrt(q) Z).

    The correlation is that of the same layers as in the simulation, which near the edge are far from the limit; for
    ReLU it is known also where the variance diverges.
    """
    row = _row(kind, name, cfg.line_sigma_b, sigma_w)
    phi, theory = activations.get(name), MeanField(name, sigma_w=sigma_w, sigma_b=cfg.line_sigma_b)
    with suppress(ValueError):
        layers = theory.complements(START, cfg.simulation.depth - 1)
        row["correlation"] = 1 - float(layers[cfg.simulation.depth // 2 :].mean())
        scale = math.sqrt(theory.limiting_variance())
        kinks = [point / scale for point in phi.breaks]
        row["printed_chi"] = sigma_w**2 * expectation(lambda z: phi.derivative(scale * z), kinks=kinks)
    return row


def _edge(cfg: Config, name: str) -> list[EdgeOfChaos]:
    """Points of the edge within the diagram: one for a homogeneous activation, none where there is no edge."""
    points = []
    steps = np.linspace(0, 1, cfg.edge_points) ** 2  # denser at small sigma_b, where the edge turns
    for sigma_b in (cfg.sigma_b.low + (cfg.sigma_b.high - cfg.sigma_b.low) * steps).tolist():
        try:
            points.append(edge_of_chaos(name, sigma_b=sigma_b))
        except ValueError:
            continue
    return points


def _reference(point: EdgePoint) -> dict[str, object]:
    by_q = point.given == "q"
    solved = (
        edge_of_chaos(point.activation, q=point.q) if by_q else edge_of_chaos(point.activation, sigma_b=point.sigma_b)
    )
    return _edge_row(f"reference-{point.given}", point.activation, solved)


def _edge_row(kind: str, name: str, point: EdgeOfChaos) -> dict[str, object]:
    theory = MeanField(name, sigma_w=point.sigma_w, sigma_b=point.sigma_b, q=point.q)
    row = {"kind": kind, "activation": name, "sigma_b": point.sigma_b, "sigma_w": point.sigma_w, "q": point.q}
    return row | {"phase": theory.phase, "chi_1": theory.chi_1, "beta_q": point.beta_q}
