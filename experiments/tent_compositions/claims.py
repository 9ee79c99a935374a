"""What `tent-compositions` claims: exact numbers of pieces, exact deep networks, and shallow ones that stay away."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from deepk.lab import Claim, Judging, absolute, exact, needs, once, only, present, rounding, share, where
from experiments.published.depth_width import DEEP_UNITS, LAYERS, PAPER, SHOWN_PIECES, SLIDES, TELGARSKY
from experiments.separation import nearest
from experiments.tent_compositions import FRESH_POINTS, ONCE, Config
from experiments.tent_compositions.theory import PIECES, ROUNDINGS, stretched_rounding

FORMULAS = {"tent": "2^n", "golden": "2 F_(n+1)"}
SEPARATION = f"{PAPER}, theorem on L1 separation"
LOG_ROUNDING = 1e-12  # of a logarithm to base 2 of up to 100
COUNTS = absolute(0.5, "counts are integers")
NINE_DIGITS = share(1e-9, "a closed form, beside the same bound from counted crossings: nine digits")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Pieces, deep networks, shallow networks."""
    claim, data = Judging(), once(data, cfg.seeds[0], part=ONCE)
    for name in cfg.maps:
        _pieces(claim, theory, data, cfg, name)
    _shown(claim, data)
    for name in cfg.maps:
        _deep(claim, data, cfg, name)
    _units(claim, data, cfg)
    _shallow_bound(claim, data, cfg)
    _shallow(claim, theory, data, cfg)
    return claim.claims


def by_compositions(table: pd.DataFrame, map_: str, quantity: str) -> pd.Series[float]:
    """A quantity of a map by the number of compositions."""
    rows = present(table, map=map_, quantity=quantity)
    return rows.set_index("compositions")["value"].astype(float).sort_index()


def _pieces(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, name: str) -> None:
    """By recursion there are as many pieces as the formula says, which is printed of the tent map; written out too."""
    formula = FORMULAS.get(name, "the count by recursion")
    if name in PIECES:
        header: Any = claim.printed if name == "tent" else claim.ours
        words = f"for how many n <= {cfg.counted} the pieces of f^n are not {formula} for the {name} map"
        source = f"{SLIDES}; {TELGARSKY}: exponentially many bumps"
        source = source if name == "tent" else "f covers the parts of its interval as Fibonacci's numbers add up"
        with header(f"pieces/{name}", words, source, "=", 0.0, resolution=COUNTS) as finding:
            known, counted = (by_compositions(table, name, "log2 pieces") for table in (theory, data))
            same = by_compositions(data, name, "miscounted").reindex(known.index) == 0  # what is lacking is not
            right = same & ((counted.reindex(known.index) - known).abs() <= LOG_ROUNDING)
            finding.gives((~right).sum(), exact("integers are compared"))
    words = f"the most by which the pieces of f^n, written out for n <= {cfg.written}, miss {formula}"
    source = "f^n written out knows neither the formula nor the recursion"
    with claim.ours(f"pieces-written-out/{name}", words, source, "=", 0.0, resolution=COUNTS) as finding:
        written = by_compositions(data, name, "written out").reindex(range(1, cfg.written + 1))
        logs = by_compositions(theory if name in PIECES else data, name, "log2 pieces").loc[: cfg.written]
        finding.gives((written - (2**logs).round()).abs().to_numpy().max(), exact("both are integers"))


def _shown(claim: Judging, data: pd.DataFrame) -> None:
    n, pieces = SHOWN_PIECES
    name, words, source = "pieces-shown/tent", f"pieces of f^{n} for the tent map", f"{SLIDES}: picture of f^{n}"
    with claim.printed(name, words, source, "=", 2**n, published=pieces, resolution=COUNTS) as finding:
        finding.gives(only(data, map="tent", quantity="written out", compositions=n), exact("the count is exact"))


def _deep(claim: Judging, data: pd.DataFrame, cfg: Config, name: str) -> None:
    """The network of n layers computes f^n, but for roundings."""
    words = f"largest error of networks of up to {max(cfg.network_depths)} layers on as many compositions of the "
    words += f"{name} map, as a share of {ROUNDINGS} roundings a unit, stretched by the layers after it"
    source = f"{TELGARSKY}: a deep network of few units"
    with claim.printed(f"deep-network/{name}", words, source, "<=", 1.0) as finding:
        errors = by_compositions(data, name, "error")
        shares = errors.to_numpy() / [stretched_rounding(name, int(n)) for n in errors.index]
        finding.gives(float(np.max(shares)), exact("expected is the most that roundings can do"))


def _units(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    words = f"units of the deep network of {LAYERS} compositions of the tent map"
    source = f"{PAPER}, slides: depth separation, L = {LAYERS} with {DEEP_UNITS} against 10000 ReLUs"
    with claim.printed("deep-network-units", words, source, "<=", DEEP_UNITS, published=DEEP_UNITS) as finding:
        units = only(data, map="tent", quantity="units")
        needs(cfg.counted == LAYERS, f"counted={cfg.counted}, not {LAYERS}")
        finding.gives(units, exact("they are counted"))


def _shallow_bound(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """One layer's floor, from counted crossings beside the closed form."""
    n, units = cfg.counted, cfg.shallow
    words = f"floor of the mean absolute error of one layer of {units} units on {n} compositions of the tent map"
    source = f"{SEPARATION}, its constants kept: (1/8)(1 - 2 (u + 1) / 2^n)"
    form = 1 / 8 - (units + 1) / 4 * 2.0**-n
    with claim.ours("shallow-bound", words, source, "=", form, resolution=NINE_DIGITS) as finding:
        needs(n > math.log2(2 * (units + 1)), f"counted={n}: too few compositions for a bound on {units} units")
        bound = only(data, map="tent", quantity="shallow bound")
        finding.gives(bound, rounding(LOG_ROUNDING, "rounding of the logarithms that the bound is computed by"))


def _shallow(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """The bound is one of every network of a layer, so of the nearest of the trained ones."""
    first = cfg.maps[0]
    for n, width in product(cfg.targets, cfg.widths):
        bounds = where(theory, map=first, quantity="mean L1 bound", compositions=n, width=width)["value"].dropna()
        if bounds.empty:  # a layer this wide has pieces enough: the theorem says nothing
            continue
        name, bound = f"shallow-stays-away/f^{n}/width-{width}", float(bounds.iloc[0])
        words = f"mean absolute error on {n} compositions of the {first} map of the best among trained networks of one "
        words += f"layer of {width} units is above the theorem's bound"
        with claim.printed(name, words, SEPARATION, ">=", bound) as finding:
            rows = present(data, part="trained", width=width, compositions=n).set_index("seed")
            mae, mse = (where(rows, quantity=f"fresh {error}")["value"].astype(float) for error in ("mae", "mse"))
            finding.gives(*nearest(mae, mse.loc[mae.index], FRESH_POINTS))
