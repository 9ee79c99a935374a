"""What `tent-compositions` claims: exact numbers of pieces, exact deep networks, and shallow ones that stay away."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from deepk.dynamics import get_map
from deepk.lab.claims import Claim
from experiments.published.depth_width import PAPER, SLIDES
from experiments.tent_map_claims import fibonacci, interval, nearest

if TYPE_CHECKING:
    from experiments.schema import TentCompositions

TELGARSKY = "Telgarsky 2016 (arXiv:1602.04485)"
FRESH_POINTS = 20_000  # on which trained networks are compared with f^n
SHOWN_PIECES = (6, 64)  # compositions and pieces of the slides' picture
DEEP_UNITS = 400  # of the slides' deep network at L = 100
PIECES: dict[str, Callable[[int], int]] = {"tent": lambda n: 2**n, "golden": lambda n: 2 * fibonacci(n + 1)}
FORMULAS = {"tent": "2^n", "golden": "2 F_(n+1)"}
LOG_ROUNDING = 1e-12  # of a logarithm to base 2 of up to 100
ROUNDINGS = 4  # of a unit's arithmetic, each stretched by the layers after it


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: TentCompositions) -> list[Claim]:
    """Pieces, deep networks, shallow networks."""
    parts = (_pieces, _deep, _shallow)
    return [claim for part in parts for claim in part(theory, data, cfg)]


def pick(table: pd.DataFrame, map_: str, quantity: str, width: int = 0) -> pd.Series[float]:
    """A quantity of a map, at a width where networks have one, by the number of compositions."""
    found = (table["map"] == map_) & (table["quantity"] == quantity) & (table["width"] == width)
    return table[found].set_index("compositions")["value"].astype(float).sort_index()


def rounding(name: str, n: int) -> float:
    """How far the network of n layers may be from f^n: some roundings a unit, stretched by the layers after it."""
    map_ = get_map(name)
    largest, slope = max(abs(float(end)) for end in map_.interval), float(map_.lipschitz)
    return ROUNDINGS * map_.pieces * 2.0**-53 * largest * sum(slope**k for k in range(n + 1))


def _pieces(theory: pd.DataFrame, data: pd.DataFrame, cfg: TentCompositions) -> Iterator[Claim]:
    for name in cfg.maps:
        known, counted = (pick(table, name, "log2 pieces") for table in (theory, data))
        wrong, written = (pick(data, name, quantity) for quantity in ("miscounted", "written out"))
        blocked = "" if len(counted) else f"no pieces of the {name} map in this run"
        formula = FORMULAS.get(name, "the count by recursion")
        if name in PIECES:
            yield Claim(
                name=f"pieces/{name}",
                statement=f"for how many n <= {cfg.counted} the pieces of f^n are not {formula} for the {name} map",
                source=f"{SLIDES}; {TELGARSKY}: exponentially many bumps",
                relation="=",
                expected=0.0,
                measured=None if blocked else float(wrong.reindex(counted.index).to_numpy().sum()),
                tolerance=0.0,
                reason="none needed: integers are compared",
                blocked=blocked,
            )
        exact = (2 ** (known if name in PIECES else counted)).round()
        missed = (written.reindex(range(1, cfg.written + 1)) - exact).loc[: cfg.written].abs()
        yield Claim(
            name=f"pieces-written-out/{name}",
            statement=f"the most by which the pieces of f^n, written out for n <= {cfg.written}, miss {formula}",
            source=f"{SLIDES}; {TELGARSKY}",
            relation="=",
            expected=0.0,
            measured=None if blocked else float(missed.to_numpy().max()),
            tolerance=0.0,
            reason="none needed: both are integers",
            blocked=blocked,
        )
    n, pieces = SHOWN_PIECES
    written = pick(data, "tent", "written out")
    blocked = "" if n in written.index else f"f^{n} was not written out in this run"
    yield Claim(
        name="pieces-shown/tent",
        statement=f"pieces of f^{n} for the tent map",
        source=f"{SLIDES}: repeated compositions, picture of f^6",
        published=float(pieces),
        relation="=",
        expected=float(2**n),
        measured=None if blocked else float(written[n]),
        tolerance=0.0,
        reason="none needed: the count is exact",
        blocked=blocked,
    )


def _deep(theory: pd.DataFrame, data: pd.DataFrame, cfg: TentCompositions) -> Iterator[Claim]:
    del theory
    for name in cfg.maps:
        errors = pick(data, name, "error")
        blocked = "" if len(errors) else f"no deep network of the {name} map in this run"
        shares = errors.to_numpy() / [rounding(name, n) for n in errors.index.tolist()]
        yield Claim(
            name=f"deep-network/{name}",
            statement=f"largest error of networks of up to {max(cfg.network_depths)} layers on as many compositions of "
            f"the {name} map, as a share of the rounding that each may have",
            source=f"{TELGARSKY}: a deep network of few units",
            relation="<=",
            expected=1.0,
            measured=None if blocked else float(np.max(shares)),
            tolerance=0.0,
            reason=f"none needed: expected are {ROUNDINGS} roundings a unit, stretched by the layers after it",
            blocked=blocked,
        )
    units = pick(data, "tent", "units")
    blocked = "" if len(units) else "no deep network of the tent map in this run"
    yield Claim(
        name="deep-network-units",
        statement=f"units of the deep network of {cfg.counted} compositions of the tent map",
        source=f"{PAPER}, slides: depth separation, L = 100 with 400 against 10000 ReLUs",
        relation="<=",
        published=float(DEEP_UNITS),
        expected=float(DEEP_UNITS),
        measured=None if blocked else float(units.iloc[-1]),
        tolerance=0.0,
        reason="none needed: they are counted",
        blocked=blocked or ("" if cfg.counted == 100 else f"counted={cfg.counted}, not 100"),
    )


def _shallow(theory: pd.DataFrame, data: pd.DataFrame, cfg: TentCompositions) -> Iterator[Claim]:
    first = cfg.maps[0]
    found = pick(data, "tent", "shallow bound")
    many = cfg.counted > math.log2(2 * (cfg.shallow + 1))
    blocked = "" if many else "too few compositions for the bound"
    blocked = blocked or ("" if len(found) else "no pieces of the tent map in this run")
    yield Claim(
        name="shallow-bound",
        statement=f"floor of the mean absolute error of one layer of {cfg.shallow} units on {cfg.counted} compositions "
        "of the tent map",
        source=f"{PAPER}, theorem on L1 separation",
        relation="=",
        expected=1 / 8 - (cfg.shallow + 1) / 4 * 2.0**-cfg.counted,
        measured=None if blocked else float(found.iloc[-1]),
        tolerance=LOG_ROUNDING,
        reason="rounding of the logarithms that the bound is computed by, from counted crossings",
        blocked=blocked,
    )
    for n, width in product(cfg.targets, cfg.widths):
        bound = float(pick(theory, first, "mean L1 bound", width).get(n, math.nan))
        if math.isnan(bound):  # a layer this wide has pieces enough: the theorem says nothing
            continue
        best = nearest(data[(data["width"] == width) & (data["compositions"] == n)], FRESH_POINTS)
        blocked = "" if best.count else f"width {width} is not in this run"
        yield Claim(
            name=f"shallow-stays-away/f^{n}/width-{width}",
            statement=f"mean absolute error on {n} compositions of the {first} map of the best among trained networks "
            f"of one layer of {width} units is above the theorem's bound",
            source=f"{PAPER}, theorem on L1 separation",
            relation=">=",
            expected=bound,
            measured=None if blocked else best.mean,
            tolerance=0.0 if blocked else interval(best),
            reason="99 % interval of its mean over fresh points: the bound is one of every network",
            blocked=blocked,
        )
