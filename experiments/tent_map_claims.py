"""What `tent-map` claims: depth helps the easy task, the hard one is as good as noise, and the bounds hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from deepk.dynamics import get_map
from deepk.lab.claims import Claim
from deepk.statistics import Sample, binomial_deviation, mean_half_width, welch_half_width
from experiments.published.depth_width import DEPTHS, HARD, PAPER, SLIDES, WIDTH

if TYPE_CHECKING:
    from experiments.schema import TentMap

STATED = "as stated"  # `setting` of a training with none of the swept values
FEWEST_SEEDS = 3  # with two, a 99 % interval is 64 standard errors wide, and nothing could differ
TRAINED = 40_000  # steps of Adam from which errors are compared: after 8000 the easy task is still at its floor
UNSEEN = 1 / 4  # of a constant's error: a wider interval over seeds, with zero inside, does not say whether depth helps
GOLDEN = "golden"  # the map of the slides' experiment, with its period 3


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: TentMap) -> list[Claim]:
    """The easy task, the hard task, the theorem's bounds, and what floats can carry."""
    run = Run(theory, data, cfg)
    parts = (_easy, _hard, _bounds, _counts, _digits)
    return [claim for part in parts for claim in part(run)]


@dataclass(frozen=True)
class Run:
    """The tables of a run, asked for errors of trainings."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: TentMap

    def known(self, quantity: str, n: int, depth: int = 0) -> float:
        """A number of the theory; NaN where there is none."""
        t = self.theory
        found = t[(t["quantity"] == quantity) & (t["compositions"] == n) & (t["depth"] == depth)]["value"]
        return float(found.iloc[0]) if len(found) else math.nan

    def trainings(self, task: str, n: int, depth: int) -> pd.DataFrame:
        """All errors of those with nothing swept."""
        d = self.data
        return d[(d["task"] == task) & (d["compositions"] == n) & (d["depth"] == depth) & (d["setting"] == STATED)]

    def ends(self, task: str, n: int, depth: int) -> pd.DataFrame:
        """Of these the errors at the last epoch."""
        rows = self.trainings(task, n, depth)
        return rows[rows["epoch"] == self.cfg.epochs]

    def last(self, task: str, n: int, depth: int, quantity: str) -> Sample:
        """Errors of the seeds at the last epoch."""
        rows = self.ends(task, n, depth)
        values = rows[rows["quantity"] == quantity].sort_values("seed")["value"].astype(float).tolist()
        return sample_of(values)

    def falls(self, task: str, n: int, first: int, last: int) -> pd.Series[float]:
        """How much the training error of each seed falls between two depths."""
        ends = (self.ends(task, n, depth) for depth in (first, last))
        before, after = (rows[rows["quantity"] == "train mse"].set_index("seed")["value"] for rows in ends)
        return (before - after).astype(float)

    def silent(self, *samples: Sample) -> str:
        """Why errors are not compared, or nothing."""
        steps = self.cfg.epochs * math.ceil(self.cfg.points / self.cfg.batch_size)
        if any(sample.count == 0 for sample in samples):
            return "these trainings are not in this run"
        if any(sample.count < FEWEST_SEEDS for sample in samples):
            return f"an interval test needs {FEWEST_SEEDS} seeds"
        return f"{steps} steps of Adam, fewer than {TRAINED}" if steps < TRAINED else ""


def sample_of(values: Sequence[float]) -> Sample:
    """Of no values too."""
    return Sample.of(values) if len(values) else Sample(math.nan, math.nan, 0)


def layers(depth: int) -> str:
    """In words."""
    return f"{depth} hidden layer{'s' if depth > 1 else ''}"


def nearest(rows: pd.DataFrame, points: int) -> Sample:
    """Absolute errors on so many fresh points of the network among those of `rows` that is nearest to f^n.

    A bound holds for every network, and only the points are random: their deviation is sqrt(mse - mae^2). NaN where one
    has diverged.
    """
    mae, mse = (
        rows[rows["quantity"] == f"fresh {name}"].set_index("seed")["value"].astype(float).sort_index()
        for name in ("mae", "mse")
    )
    if mae.empty:
        return Sample(math.nan, math.nan, 0)
    best = int(mae.to_numpy().argmin())  # of NaNs the first
    return Sample(mae.iloc[best], math.sqrt(max(mse.iloc[best] - mae.iloc[best] ** 2, 0.0)), points)


def interval(sample: Sample) -> float:
    """A tolerance: the 99 % interval of a mean; 0 where a value is NaN, which differs."""
    width = mean_half_width(sample)
    return 0.0 if math.isnan(width) else width


def _easy(run: Run) -> Iterator[Claim]:
    """Depth lowers both errors on the easy task."""
    n, (shallow, *_, deep) = run.cfg.easy, [*sorted(run.cfg.depths), max(run.cfg.depths)]
    for task, quantity, words in (
        ("regression", "train mse", "mean square error"),
        ("classification", "train sign error", "share of wrong signs"),
    ):
        first, last = (run.last(task, n, depth, quantity) for depth in (shallow, deep))
        constant = run.known(quantity.removeprefix("train "), n)
        blocked = run.silent(first, last) or ("one depth alone" if shallow == deep else "")
        fall = math.nan if blocked else first.mean - last.mean
        width = math.nan if blocked else welch_half_width(first, last)
        if width > max(UNSEEN * constant, abs(fall)):
            blocked = f"{first.count} seeds scatter too much: the fall is {fall:.3g} +- {width:.3g} of {constant:.3g}"
        yield Claim(
            name=f"easy-falls-with-depth/{task}",
            statement=f"{words} on {n} compositions falls from {shallow} to {layers(deep)} by more than scatter",
            source=f"{SLIDES}, easy task",
            relation=">=",
            expected=width,
            measured=None if blocked else fall,
            tolerance=0.0,
            reason="none needed: expected is the 99 % Welch interval of the difference over seeds",
            blocked=blocked,
        )


def _hard(run: Run) -> Iterator[Claim]:
    """Training teaches as much of the hard task as of shuffled labels, at every depth: nothing."""
    n, depths = run.cfg.hard, sorted(run.cfg.depths)
    for depth in depths:
        train, fresh = (run.last("regression", n, depth, f"{part} mse") for part in ("train", "fresh"))
        blocked = run.silent(train, fresh)
        yield Claim(
            name=f"hard-at-the-floor/depth-{depth}",
            statement=f"training error of {layers(depth)} on {n} compositions, beside that of the best constant",
            source=f"{SLIDES}, hard task: error is extremely close to the theoretical bound, here the best constant's",
            relation="=",
            expected=run.known("mse", n),
            measured=None if blocked else train.mean,
            tolerance=0.0 if blocked else interval(train),
            reason="99 % interval of the mean over seeds, each with its own points",
            blocked=blocked,
        )
        yield Claim(
            name=f"hard-is-not-learnt/depth-{depth}",
            statement=f"error of {layers(depth)} on fresh points of {n} compositions is not below a constant's",
            source="ours: what is learnt of the hard task",
            relation=">=",
            expected=run.known("mse", n),
            measured=None if blocked else fresh.mean,
            tolerance=0.0 if blocked else interval(fresh),
            reason="99 % interval of the mean over seeds, each with its own points",
            blocked=blocked,
        )
    first, last = depths[0], depths[-1]
    falls = [run.falls(task, n, first, last) for task in ("regression", "shuffled")]
    hard, shuffled, difference = (sample_of(values.tolist()) for values in (*falls, falls[0] - falls[1]))
    blocked = run.silent(hard, shuffled, difference) or ("one depth alone" if first == last else "")
    yield Claim(
        name="hard-is-flat",
        statement=f"fall of the training error on {n} compositions from {first} to {layers(last)}, beside that on "
        "shuffled labels",
        source=f"{SLIDES}, hard task: error is independent of depth",
        relation="=",
        expected=shuffled.mean,
        measured=None if blocked else hard.mean,
        tolerance=0.0 if blocked else interval(difference),
        reason="99 % interval of the mean difference over seeds, whose two trainings share points and labels",
        blocked=blocked,
    )


def _bounds(run: Run) -> Iterator[Claim]:
    """The L1 bound from (u + 1)^l pieces, and where the slides' condition for it holds."""
    n, cfg = run.cfg.hard, run.cfg
    for depth in cfg.depths:
        bound, best = run.known("mean L1 bound", n, depth), nearest(run.ends("regression", n, depth), cfg.fresh_points)
        blocked = "" if best.count else "these trainings are not in this run"
        if math.isnan(bound):
            blocked = f"{n} compositions cross too seldom for {depth} layers of {cfg.width} units"
        yield Claim(
            name=f"bound-holds/depth-{depth}",
            statement=f"mean absolute error on {n} compositions of the best among trained networks of {layers(depth)} "
            "is above the theorem's bound, with at most (u + 1)^l pieces",
            source=f"{PAPER}, theorem on L1 separation",
            relation=">=",
            expected=bound,
            measured=None if blocked else best.mean,
            tolerance=0.0 if blocked else interval(best),
            reason="99 % interval of its mean over fresh points: the bound is one of every network",
            blocked=blocked,
        )
    yield _condition(run)


def _condition(run: Run) -> Claim:
    """The slides draw their bound for one to five layers, and it holds for fewer."""
    cfg = run.cfg
    stated = (cfg.map, cfg.hard, cfg.width) == (GOLDEN, HARD, WIDTH)
    other = "" if stated else f"map={cfg.map}, hard={cfg.hard}, width={cfg.width}"
    missing = [depth for depth in DEPTHS if depth not in cfg.depths]
    other = other or (f"depths={cfg.depths}, not {list(DEPTHS)}" if missing else "")
    found = run.data[run.data["quantity"] == "slides' condition"]["value"]
    lucas = fibonacci(HARD - 1) + fibonacci(HARD + 1)  # phi^40 + phi^-40: phi^40 lies just below this integer
    return Claim(
        name="slides-condition",
        statement=f"up to how many layers of {WIDTH} units the slides' condition u <= phi^({HARD}/l) / 8 holds",
        source=f"{SLIDES}, hard task: the bound is drawn for 1 to 5 layers",
        published=float(max(DEPTHS)),
        precision=0.5,
        relation="=",
        expected=float(sum((8 * WIDTH) ** depth < lucas for depth in DEPTHS)),
        measured=float(found.iloc[0]) if len(found) else None,
        tolerance=0.0,
        reason="none needed: (8 u)^l <= phi^40 is a comparison of integers",
        blocked=other or ("" if len(found) else "nothing is counted in this run"),
        explanation="the bound from (u + 1)^l pieces holds at 4 and 5 layers all the same",
    )


def _counts(run: Run) -> Iterator[Claim]:
    """f^n crosses [-1, 0] exactly 2 F_(n+1) times, for the golden map."""
    counted = run.data[run.data["quantity"] == "crossings"].set_index("compositions")["value"].astype(float)
    for n in sorted({run.cfg.easy, run.cfg.hard}):
        blocked = "" if n in counted.index else "nothing is counted in this run"
        yield Claim(
            name=f"crossings/{n}",
            statement=f"f^{n} crosses [-1, 0] 2 F_{n + 1} times",
            source=f"{PAPER}, main lemma, period 3",
            relation="=",
            expected=2.0 * fibonacci(n + 1),
            measured=None if blocked else float(counted[n]),
            tolerance=0.0,
            reason="none needed: the count is exact",
            blocked=("" if run.cfg.map == GOLDEN else f"map={run.cfg.map}") or blocked,
        )


def fibonacci(n: int) -> int:
    """F_1 = F_2 = 1."""
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def _digits(run: Run) -> Iterator[Claim]:
    """Float32 labels of the hard task are noise; float64 ones are not."""
    n, d = run.cfg.hard, run.data
    wrong = d[(d["quantity"] == "float32 wrong signs") & (d["compositions"] == n)]["value"]
    rare = run.known("sign error", n)
    noise = 2 * rare * (1 - rare)
    blocked = "" if len(wrong) else "floats were not compared in this run"
    blocked = blocked or ("" if run.cfg.map == GOLDEN else f"map={run.cfg.map}: roundings are another's")
    blocked = blocked or ("" if n >= HARD else f"hard={n}: float32 keeps digits up to some 30 compositions")
    yield Claim(
        name="float32-labels-are-noise",
        statement=f"share of wrong signs of f^{n} in float32: that of two independent points",
        source="ours: 24 binary digits are stretched by phi^n",
        relation="=",
        expected=noise,
        measured=None if blocked else float(wrong.iloc[0]),
        tolerance=0.0 if blocked else 3 * binomial_deviation(noise, run.cfg.float_points),
        reason="three binomial standard deviations for so many points",
        blocked=blocked,
    )
    off = d[(d["quantity"] == "float64 error") & (d["compositions"] == n)]["value"]
    slope = float(get_map(run.cfg.map).lipschitz)
    stretched = slope**n * 2.0**-52
    blocked = "" if len(off) else "floats were not compared in this run"
    blocked = blocked or ("" if slope > 1 else f"map={run.cfg.map}: no slope above 1 stretches a rounding")
    yield Claim(
        name="float64-labels-are-good",
        statement=f"mean error of f^{n} in float64 is no more than a rounding, stretched by the slope's power",
        source="ours",
        relation="<=",
        expected=stretched,
        measured=float(off.iloc[0]) if len(off) else None,
        tolerance=0.0 if blocked else stretched / (slope - 1),
        reason="the roundings of later iterations add up as a geometric series",
        blocked=blocked,
    )
