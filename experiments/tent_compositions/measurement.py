"""What is measured for `tent-compositions`: curves, counts, deep networks and shallow ones -> data.csv."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch

from deepk.dynamics import PiecewiseLinearMap, compose, get_map, l1_lower_bound, linear_pieces, relu_network
from deepk.lab import Lab, Unit
from deepk.networks import Adam, Ensemble, Kind, Regression
from experiments.ensembles import train_resumably
from experiments.tent_compositions import COLUMNS, FRESH_POINTS, KEY, Config
from experiments.tent_compositions.theory import PIECES

Rows = list[dict[str, Any]]


def units(cfg: Config) -> list[Unit]:
    """Networks of each width, the widest first; curves, counts and deep networks of each map."""
    steps = cfg.epochs * math.ceil(cfg.points / cfg.batch_size)
    widths = sorted(cfg.widths, reverse=True)
    trained = [Unit({"part": "trained", "map": cfg.maps[0], "width": width}, steps) for width in widths]
    return trained + [
        Unit({"part": part, "map": name, "width": 0}) for part in ("curves", "pieces", "deep") for name in cfg.maps
    ]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Rows of one part."""
    part, name = str(unit.key["part"]), str(unit.key["map"])
    if part == "trained":
        rows = _trained(cfg, get_map(name), int(unit.key["width"]), lab)
    else:
        rows = {"curves": _curves, "pieces": _pieces, "deep": _deep}[part](cfg, name, lab)
        lab.progress()
    empty = {"compositions": 0, "seed": cfg.seeds[0], "x": np.nan}
    return pd.DataFrame([{**empty, **row} for row in rows])[list(COLUMNS[len(KEY) :])]


def _curves(cfg: Config, name: str, _: Lab) -> Rows:
    """f^n at evenly spaced points."""
    map_ = get_map(name)
    low, high = (float(end) for end in map_.interval)
    x = np.linspace(low, high, cfg.curve_points)
    return [
        {"compositions": n, "x": a, "quantity": "curve", "value": b}
        for n in cfg.shown
        for a, b in zip(x, map_.iterate(x, n), strict=True)
    ]


def _pieces(cfg: Config, name: str, _: Lab) -> Rows:
    """By recursion on a Markov partition, beside the formula, and, independently, of f^n written out."""
    map_ = get_map(name)
    rows: Rows = []
    for n in range(1, cfg.counted + 1):
        pieces = linear_pieces(map_, n)
        found = {"log2 pieces": math.log2(pieces)}
        if name in PIECES:
            found["miscounted"] = float(pieces != PIECES[name](n))
        if n <= cfg.written:
            found["written out"] = float(compose(map_, n).pieces)
        rows += [{"compositions": n, "quantity": quantity, "value": value} for quantity, value in found.items()]
    if (bound := l1_lower_bound(map_, cfg.counted, 1, cfg.shallow).mean) is not None:
        rows.append({"compositions": cfg.counted, "quantity": "shallow bound", "value": bound})
    return rows


def _deep(cfg: Config, name: str, lab: Lab) -> Rows:
    """The largest difference of the deep network from f^n at random points, iterated exactly; its hidden units."""
    map_ = get_map(name)
    low, high = (float(end) for end in map_.interval)
    x = lab.numpy_generator(cfg.seeds[0], "deep").uniform(low, high, cfg.network_points)
    iterates: list[Any] = [Fraction(point) for point in x.tolist()]
    rows: Rows = []
    for n in range(1, max(cfg.network_depths) + 1):
        iterates = [map_(point) for point in iterates]
        if n in cfg.network_depths:
            found = relu_network(map_, n)(torch.from_numpy(x)[:, None])[:, 0].detach().numpy()
            error = float(np.abs(found - [float(point) for point in iterates]).max())
            rows.append({"compositions": n, "quantity": "error", "value": error})
    hidden = [layer for layer in list(relu_network(map_, cfg.counted))[:-1] if isinstance(layer, torch.nn.Linear)]
    units = float(sum(layer.out_features for layer in hidden))
    return [*rows, {"compositions": cfg.counted, "quantity": "units", "value": units}]


def _trained(cfg: Config, map_: PiecewiseLinearMap, width: int, lab: Lab) -> Rows:
    """Networks of one hidden layer, one for each target and seed, at the end of their training."""
    tasks = list(product(cfg.targets, cfg.seeds))
    generators = [lab.generator(seed, f"weights {width}") for _, seed in tasks]
    networks = Ensemble([Kind("relu")] * len(tasks), [1, width, 1], device=lab.device).draw_uniform_(generators)

    for _ in train_resumably(
        lab,
        networks,
        Regression(*_points(map_, tasks, "train", cfg.points, lab)),
        Adam(networks, learning_rate=cfg.learning_rate),
        batch_size=cfg.batch_size,
        epochs=cfg.epochs,
        generators=[lab.generator(cfg.seeds[0], f"batches {width}")],
        notes={},
    ):
        pass
    fresh, target = _points(map_, tasks, "fresh", FRESH_POINTS, lab)
    off = (networks(fresh) - target).double()
    return [
        {"compositions": n, "seed": seed, "quantity": f"fresh {name}", "value": value}
        for name, errors in (("mae", off.abs()), ("mse", off.square()))
        for (n, seed), value in zip(tasks, errors.mean(dim=(1, 2)).tolist(), strict=True)
    ]


def _points(
    map_: PiecewiseLinearMap, tasks: list[tuple[int, int]], part: str, count: int, lab: Lab
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each task (n, seed) uniform points and f^n there, (tasks, count, 1); the points are the seed's own."""
    low, high = (float(end) for end in map_.interval)
    points = [lab.numpy_generator(seed, part).uniform(low, high, count) for _, seed in tasks]
    labels = [map_.iterate(x, n) for (n, _), x in zip(tasks, points, strict=True)]
    x, y = (torch.from_numpy(np.stack(column)[..., None]).float().to(lab.device) for column in (points, labels))
    return x, y
