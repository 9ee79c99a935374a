"""What is measured for `tent-map`: trainings of all networks of a depth at once, counts, digits -> data.csv."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from deepk.dynamics import PiecewiseLinearMap, crossings, get_map
from deepk.dynamics.numbers import Number
from deepk.lab import Lab, Unit
from deepk.networks import Adam, Ensemble, Kind, Regression
from experiments.ensembles import train_resumably
from experiments.tent_map import COLUMNS, KEY, STATED, Config
from experiments.tent_map.theory import turn

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Task:
    """One training: what is fitted, on how many compositions, from which seed, and what is swept of its setting."""

    name: str  # regression, classification, or shuffled
    compositions: int
    seed: int
    setting: str
    learning_rate: float
    absolute: bool = False
    narrow: bool = False


def units(cfg: Config) -> list[Unit]:
    """All trainings of a depth at once, the deepest first; those with other batch sizes; counts; digits of floats."""
    sizes = [cfg.batch_size, *(size for size in cfg.batch_sizes if size != cfg.batch_size)]
    found = [
        Unit(dict(zip(KEY, ("training", depth, size), strict=True)), cfg.epochs * math.ceil(cfg.points / size))
        for size in sizes
        for depth in sorted(cfg.depths, reverse=True)
    ]
    return found + [Unit(dict(zip(KEY, (part, 0, 0), strict=True))) for part in ("counts", "digits")]


def measure(cfg: Config, unit: Unit, lab: Lab) -> pd.DataFrame:
    """Rows of one part."""
    part = str(unit.key["part"])
    if part == "training":
        rows = _train(cfg, int(unit.key["depth"]), int(unit.key["batch_size"]), lab)
    else:
        rows = {"counts": _counts, "digits": _digits}[part](cfg, lab)
        lab.progress()
    empty = {"task": "", "setting": STATED, "compositions": 0, "seed": cfg.seeds[0], "epoch": 0}
    return pd.DataFrame([{**empty, **row} for row in rows])[list(COLUMNS[len(KEY) :])]


def _tasks(cfg: Config, batch_size: int) -> list[Task]:
    """What is trained side by side: at another batch size the easy and the hard task of the first seed alone."""
    both, map_ = [cfg.easy, cfg.hard], get_map(cfg.map)
    rate, first = cfg.learning_rate, cfg.seeds[0]
    if batch_size != cfg.batch_size:
        return [Task("regression", n, first, f"batch size {batch_size}", rate) for n in both]
    every = list(dict.fromkeys([*cfg.compositions, *both]))
    found = [Task("regression", n, seed, STATED, rate) for n in every for seed in cfg.seeds]
    found += [
        Task(name, n, seed, STATED, rate) for name in ("classification", "shuffled") for n in both for seed in cfg.seeds
    ]
    for n in both:
        others = [eta for eta in cfg.learning_rates if eta != rate]
        found += [Task("regression", n, first, f"learning rate {eta}", eta) for eta in others]
        found.append(Task("regression", n, first, "absolute error", rate, absolute=True))
        if (covered := _covered(map_)) != map_.interval:
            low, high = (float(end) for end in covered)
            found.append(Task("regression", n, first, f"on [{low:.3g}, {high:.3g}]", rate, narrow=True))
    return found


def _covered(map_: PiecewiseLinearMap) -> tuple[Number, Number]:
    """The part of the interval that f maps it onto, which no iterate leaves."""
    return min(map_.values), max(map_.values)


def _points(
    map_: PiecewiseLinearMap, task: Task, count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """x uniform on the interval, and f^n(x), iterated in float64; of a classification the side of the middle, +-1."""
    low, high = (float(end) for end in (_covered(map_) if task.narrow else map_.interval))
    x = generator.uniform(low, high, count)
    y = map_.iterate(x, task.compositions)
    if task.name == "classification":
        y = np.where(y > float(turn(map_)), 1.0, -1.0)
    return x, generator.permutation(y) if task.name == "shuffled" else y


def _train(cfg: Config, depth: int, batch_size: int, lab: Lab) -> Rows:
    """One ensemble: a network for each task, on its own points."""
    tasks = _tasks(cfg, batch_size)
    generators = [lab.generator(task.seed, f"weights {depth}") for task in tasks]
    networks = Ensemble([Kind("relu")] * len(tasks), [1, *[cfg.width] * depth, 1], device=lab.device)
    networks.draw_uniform_(generators)
    data = {part: _stacked(cfg, tasks, part, lab) for part in ("train", "fresh")}
    absolute = torch.tensor([task.absolute for task in tasks], device=lab.device)
    notes: dict[str, Any] = {}
    kept = set(np.linspace(0, cfg.epochs, cfg.evaluations + 1).round().astype(int)[1:])
    for epoch in train_resumably(
        lab,
        networks,
        Regression(*data["train"], absolute),
        Adam(networks, learning_rate=torch.tensor([task.learning_rate for task in tasks])),
        batch_size=batch_size,
        epochs=cfg.epochs,
        generators=[lab.generator(cfg.seeds[0], "batches")],
        notes=notes,
    ):
        if epoch.number == cfg.epochs:
            notes["rows"] += [row for part, (x, y) in data.items() for row in _errors(cfg, tasks, part, networks(x), y)]
        elif epoch.number in kept:
            notes["rows"] += _on_the_way(cfg, tasks, epoch.number, networks, *data["train"])
        lab.progress(0, epoch=epoch.number)
    found: Rows = notes["rows"]
    return found


def _stacked(cfg: Config, tasks: list[Task], part: str, lab: Lab) -> tuple[Tensor, Tensor]:
    """Each task's points, (tasks, n, 1); those of one seed and interval are the same."""
    count = cfg.points if part == "train" else cfg.fresh_points
    map_ = get_map(cfg.map)
    found = [_points(map_, task, count, lab.numpy_generator(task.seed, f"{part} points")) for task in tasks]
    x, y = (np.stack(column)[..., None] for column in zip(*found, strict=True))
    return torch.from_numpy(x).float().to(lab.device), torch.from_numpy(y).float().to(lab.device)


def _on_the_way(cfg: Config, tasks: list[Task], epoch: int, networks: Ensemble, x: Tensor, y: Tensor) -> Rows:
    """The training errors, of an epoch before the last, that are drawn: of the easy and the hard task as stated."""
    errors = (networks(x) - y).double().square().mean(dim=(1, 2)).tolist()
    return [
        _error(task, epoch, "train mse", error)
        for task, error in zip(tasks, errors, strict=True)
        if (task.name, task.setting) == ("regression", STATED) and task.compositions in (cfg.easy, cfg.hard)
    ]


def _errors(cfg: Config, tasks: list[Task], part: str, found: Tensor, y: Tensor) -> Rows:
    """All errors, of the last epoch."""
    off = (found - y).double()
    between = float(turn(get_map(cfg.map)))
    signs = torch.tensor([0.0 if task.name == "classification" else between for task in tasks], device=y.device)
    signs = signs[:, None, None]
    values = {
        "mse": off.square().mean(dim=(1, 2)),
        "mae": off.abs().mean(dim=(1, 2)),
        "sign error": ((found > signs) != (y > signs)).double().mean(dim=(1, 2)),
    }
    return [
        _error(task, cfg.epochs, f"{part} {name}", float(value[r]))
        for name, value in values.items()
        for r, task in enumerate(tasks)
    ]


def _error(task: Task, epoch: int, quantity: str, value: float) -> dict[str, Any]:
    return {
        "task": task.name,
        "setting": task.setting,
        "compositions": task.compositions,
        "seed": task.seed,
        "epoch": epoch,
        "quantity": quantity,
        "value": value,
    }


def _counts(cfg: Config, _: Lab) -> Rows:
    """Crossings of f^n from the lower end to where f turns, and up to how many layers the slides' condition holds."""
    map_ = get_map(cfg.map)
    low, slope = map_.interval[0], float(map_.lipschitz)
    rows: Rows = [
        {"compositions": n, "quantity": "crossings", "value": float(crossings(map_, n, low, turn(map_)))}
        for n in (cfg.easy, cfg.hard)
    ]
    deepest = max((depth for depth in cfg.depths if cfg.width <= slope ** (cfg.hard / depth) / 8), default=0)
    return [*rows, {"compositions": cfg.hard, "quantity": "slides' condition", "value": float(deepest)}]


def _digits(cfg: Config, lab: Lab) -> Rows:
    """How far iterates in float32 and in float64 are from the exact ones, and how many signs are wrong."""
    map_ = get_map(cfg.map)
    low, high = (float(end) for end in map_.interval)
    between = float(turn(map_))
    drawn = lab.numpy_generator(cfg.seeds[0], "digits").uniform(low, high, cfg.float_points).astype(np.float32)
    exact: list[Any] = [Fraction(float(x)) for x in drawn]
    iterates: dict[str, np.ndarray] = {"float32": drawn, "float64": drawn.astype(np.float64)}
    rows: Rows = []
    for n in range(1, cfg.hard + 1):
        exact = [map_(x) for x in exact]
        true = np.array([float(x) for x in exact])
        for name, x in iterates.items():
            iterates[name] = _in_its_own_precision(map_, x)
            off = np.abs(iterates[name] - true)
            wrong = float(((iterates[name] > between) != (true > between)).mean())
            found = {f"{name} error": float(off.mean()), f"{name} wrong signs": wrong}
            rows += [{"compositions": n, "quantity": quantity, "value": value} for quantity, value in found.items()]
    return rows


def _in_its_own_precision(map_: PiecewiseLinearMap, x: np.ndarray) -> np.ndarray:
    """f(x), all of it computed in the precision of x."""
    knots, values, slopes = (
        np.array([float(number) for number in numbers], x.dtype) for numbers in (map_.knots, map_.values, map_.slopes)
    )
    piece = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(slopes) - 1)
    image: np.ndarray = np.clip(values[piece] + slopes[piece] * (x - knots[piece]), values.min(), values.max())
    return image
