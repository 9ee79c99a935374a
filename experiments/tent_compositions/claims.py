"""What `tent-compositions` claims: exact numbers of pieces, exact deep networks, and shallow ones that stay away."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd

from deepk.dynamics import get_map
from deepk.lab import Claim, Judging, Sample, absolute, exact, needs, only, present, rounding, share, t_interval, where
from experiments.published.depth_width import PAPER, SLIDES
from experiments.tent_compositions import FRESH_POINTS, PIECES, Config

TELGARSKY = "Telgarsky 2016 (arXiv:1602.04485)"
SHOWN_PIECES = (6, 64)  # compositions and pieces of the slides' picture
DEEP_UNITS, DEEP = 400, 100  # of the slides' deep network: units, and L
FORMULAS = {"tent": "2^n", "golden": "2 F_(n+1)"}
ROUNDINGS = 4  # of a unit's arithmetic, each stretched by the layers after it
COUNTS = absolute(0.5, "counts are integers")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Pieces, deep networks, shallow networks."""
    claim = Judging()
    for name in cfg.maps:
        _pieces(claim, theory, data, cfg, name)
    _shown(claim, data, cfg)
    for name in cfg.maps:
        _deep(claim, data, cfg, name)
    _units(claim, data, cfg)
    _shallow_bound(claim, data, cfg)
    for n, width in product(cfg.targets, cfg.widths):
        _stays_away(claim, theory, data, cfg, n, width)
    return claim.claims


def series(table: pd.DataFrame, name: str, quantity: str) -> pd.Series[float]:
    """A quantity of a map by the number of compositions; may be empty. Of points of a sweep, the first."""
    rows = where(table, map=name, quantity=quantity).drop_duplicates("compositions")
    return rows.set_index("compositions")["value"].astype(float).sort_index()


def largest_rounding(name: str, n: int) -> float:
    """How far the network of n layers may be from f^n: some roundings a unit, stretched by the layers after it."""
    map_ = get_map(name)
    largest, slope = max(abs(float(end)) for end in map_.interval), float(map_.lipschitz)
    return ROUNDINGS * map_.pieces * 2.0**-53 * largest * sum(slope**k for k in range(n + 1))


def _pieces(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, name: str) -> None:
    """Counts by recursion against a formula, and against f^n written out."""
    counted, formula = series(data, name, "log2 pieces"), FORMULAS.get(name, "the count by recursion")
    if name in PIECES:
        with claim.printed(
            f"pieces/{name}",
            f"for how many n <= {cfg.counted} the pieces of f^n are not {formula} for the {name} map",
            f"{SLIDES}; {TELGARSKY}: exponentially many bumps",
            expected=0,
            resolution=COUNTS,
        ) as finding:
            present(data, map=name, quantity="log2 pieces")
            wrong = series(data, name, "miscounted").reindex(counted.index)  # a count that is lacking is NaN
            finding.gives(wrong.to_numpy().sum(), exact("integers are compared"))
    with claim.printed(
        f"pieces-written-out/{name}",
        f"the most by which the pieces of f^n, written out for n <= {cfg.written}, miss {formula}",
        f"{SLIDES}; {TELGARSKY}",
        expected=0,
        resolution=COUNTS,
    ) as finding:
        present(data, map=name, quantity="written out")
        known = (2 ** (series(theory, name, "log2 pieces") if name in PIECES else counted)).round()
        n = range(1, cfg.written + 1)
        missed = series(data, name, "written out").reindex(n) - known.reindex(n)
        finding.gives(missed.abs().to_numpy().max(), exact("both are integers"))


def _shown(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """The slides' picture of f^6."""
    n, pieces = SHOWN_PIECES
    with claim.printed(
        "pieces-shown/tent",
        f"pieces of f^{n} for the tent map",
        f"{SLIDES}: repeated compositions, picture of f^6",
        expected=2**n,
        published=pieces,
        resolution=COUNTS,
    ) as finding:
        first = cfg.seeds[0]
        written = only(data, map="tent", quantity="written out", compositions=n, seed=first)
        finding.gives(written, exact("the count is exact"))


def _deep(claim: Judging, data: pd.DataFrame, cfg: Config, name: str) -> None:
    """The deep network is f^n, but for roundings."""
    with claim.printed(
        f"deep-network/{name}",
        f"largest error of networks of up to {max(cfg.network_depths)} layers on as many compositions of the {name} "
        "map, as a share of the rounding that each may have",
        f"{TELGARSKY}: a deep network of few units",
        "<=",
        1.0,
    ) as finding:
        rows = present(data, map=name, quantity="error")
        allowed = [largest_rounding(name, int(n)) for n in rows["compositions"]]
        worst = np.max(rows["value"].to_numpy(dtype=np.float64) / allowed)
        finding.gives(worst, exact(f"expected are {ROUNDINGS} roundings a unit, stretched by the layers after it"))


def _units(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """The slides' deep network has more units than are needed."""
    with claim.printed(
        "deep-network-units",
        f"units of the deep network of {cfg.counted} compositions of the tent map",
        f"{PAPER}, slides: depth separation, L = 100 with 400 against 10000 ReLUs",
        "<=",
        DEEP_UNITS,
        published=DEEP_UNITS,
    ) as finding:
        needs(cfg.counted == DEEP, f"counted={cfg.counted}, not {DEEP}")
        units = only(data, map="tent", quantity="units", seed=cfg.seeds[0])
        finding.gives(units, exact("they are counted"))


def _shallow_bound(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """The theorem's floor for one wide layer on many compositions."""
    with claim.printed(
        "shallow-bound",
        f"floor of the mean absolute error of one layer of {cfg.shallow} units on {cfg.counted} compositions of the "
        "tent map",
        f"{PAPER}, theorem on L1 separation",
        expected=1 / 8 - (cfg.shallow + 1) / 4 * 2.0**-cfg.counted,
        resolution=share(1e-9, "a closed form in float64"),
    ) as finding:
        needs(2.0**cfg.counted > 2 * (cfg.shallow + 1), f"counted={cfg.counted}: too few compositions for the bound")
        bound = only(data, map="tent", quantity="shallow bound", seed=cfg.seeds[0])
        finding.gives(bound, rounding(1e-12, "rounding of the logarithms that the bound is computed by"))


def _stays_away(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, n: int, width: int) -> None:
    """A bound holds for every network, so for the nearest of the trained ones; only the points are random."""
    first = cfg.maps[0]
    bound = only(theory, map=first, quantity="mean L1 bound", compositions=n, width=width)
    if math.isnan(bound):  # a layer this wide has pieces enough: the theorem says nothing
        return
    with claim.printed(
        f"shallow-stays-away/f^{n}/width-{width}",
        f"mean absolute error on {n} compositions of the {first} map of the best among trained networks of one layer "
        f"of {width} units is above the theorem's bound",
        f"{PAPER}, theorem on L1 separation",
        ">=",
        bound,
    ) as finding:
        at = {"part": "trained", "width": width, "compositions": n}
        mae, mse = (
            present(data, **at, quantity=f"fresh {error}").set_index("seed")["value"].astype(float).sort_index()
            for error in ("mae", "mse")
        )
        nearest = int(mae.to_numpy().argmin())  # of NaNs the first, which differs
        mean = float(mae.iloc[nearest])
        spread = math.sqrt(max(float(mse.iloc[nearest]) - mean**2, 0.0))
        finding.gives(mean, t_interval(Sample(mean, spread, FRESH_POINTS), over="fresh points"))
