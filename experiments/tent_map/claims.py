"""What `tent-map` claims: depth helps the easy task, the hard one is as good as noise, and the bounds hold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from deepk.dynamics import get_map
from deepk.dynamics.numbers import fibonacci
from deepk.lab import (
    Claim,
    Judging,
    Sample,
    absolute,
    exact,
    needs,
    once,
    only,
    present,
    rounding,
    scaled_interval,
    t_interval,
    welch_interval,
)
from deepk.statistics import binomial_deviation
from experiments.published.depth_width import DEPTHS, HARD, PAPER, SLIDES, WIDTH
from experiments.separation import nearest
from experiments.tent_map import ONCE, STATED, Config

TRAINED = 40_000  # steps of Adam from which errors are compared: after 8000 the easy task is still at its floor
GOLDEN = "golden"  # the map of the slides' experiment, with its period 3
EASY_TASK, HARD_TASK = f"{SLIDES}, easy task", f"{SLIDES}, hard task"
OVER = "seeds, each with its own points"
SHOWN = 0.05  # of the best constant's error: .01 of .20, what a figure of errors that begins at 0 shows at least
COUNTS = absolute(0.5, "counts are integers")


@dataclass(frozen=True)
class Run:
    """A run's tables, asked for errors of trainings with nothing swept."""

    theory: pd.DataFrame
    data: pd.DataFrame
    cfg: Config

    def floor(self, quantity: str, n: int) -> float:
        """An error of the best constant on n compositions."""
        return only(self.theory, quantity=quantity, compositions=n, depth=0)

    def ends(self, task: str, n: int, depth: int, quantity: str) -> pd.Series[float]:
        """Errors at the last epoch, by seed."""
        at = {"task": task, "compositions": n, "depth": depth, "setting": STATED, "epoch": self.cfg.epochs}
        return present(self.data, **at, quantity=quantity).set_index("seed")["value"].astype(float).sort_index()

    def trained(self, task: str, n: int, depth: int, quantity: str) -> pd.Series[float]:
        """Errors at the last epoch, by seed, of a run with as many steps as its claims need."""
        errors = self.ends(task, n, depth, quantity)
        steps = self.cfg.epochs * math.ceil(self.cfg.points / self.cfg.batch_size)
        needs(steps >= TRAINED, f"{steps} steps of Adam, fewer than {TRAINED}")
        return errors


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """The easy task, the hard task, the theorem's bounds, and what floats can carry."""
    claim, run = Judging(), Run(theory, once(data, cfg.seeds[0], part=ONCE), cfg)
    for part in (_easy, _hard, _bounds, _condition, _counts, _digits):
        part(claim, run)
    return claim.claims


def layers(depth: int) -> str:
    """A number of hidden layers in words."""
    return f"{depth} hidden layer{'s' if depth > 1 else ''}"


def _easy(claim: Judging, run: Run) -> None:
    """Depth lowers both errors on the easy task."""
    n, shallow, deep = run.cfg.easy, min(run.cfg.depths), max(run.cfg.depths)
    for task, error, words in (
        ("regression", "mse", "mean square error"),
        ("classification", "sign error", "share of wrong signs"),
    ):
        words += f" on {n} compositions: its fall from {shallow} to {layers(deep)} is one that a figure shows, "
        words += f"{SHOWN:g} of the best constant's"
        least = SHOWN * run.floor(error, n)
        with claim.printed(f"easy-falls-with-depth/{task}", words, EASY_TASK, ">=", least) as finding:
            needs(shallow < deep, "one depth alone")
            first, last = (
                Sample.of(run.trained(task, n, depth, f"train {error}").tolist()) for depth in (shallow, deep)
            )
            finding.gives(first.mean - last.mean, welch_interval(first, last, over="seeds"))


def _hard(claim: Judging, run: Run) -> None:
    """Training teaches as much of the hard task as of shuffled labels, at every depth: nothing."""
    n, first, last = run.cfg.hard, min(run.cfg.depths), max(run.cfg.depths)
    constant = run.floor("mse", n)
    shown = absolute(SHOWN * constant, f"{SHOWN:g} of the best constant's error: what a figure that begins at 0 shows")
    for depth in sorted(run.cfg.depths):
        name, words = f"hard-at-the-floor/depth-{depth}", f"training error of {layers(depth)} on {n} compositions"
        source = f"{HARD_TASK}: error is extremely close to the theoretical bound, here the best constant's"
        with claim.printed(name, words, source, "=", constant, resolution=shown) as finding:
            train = Sample.of(run.trained("regression", n, depth, "train mse").tolist())
            finding.gives(train.mean, scaled_interval(train, constant, over=OVER))
        name, words = f"hard-is-not-learnt/depth-{depth}", f"error of {layers(depth)} on fresh points of {n} "
        words += f"compositions is not below a constant's, less {SHOWN:g} of it"
        source = "what is learnt of the hard task shows on fresh points"
        with claim.ours(name, words, source, ">=", constant - shown.width) as finding:
            fresh = Sample.of(run.trained("regression", n, depth, "fresh mse").tolist())
            finding.gives(fresh.mean, scaled_interval(fresh, constant, over=OVER))
    words = (
        f"fall of the training error on {n} compositions from {first} to {layers(last)}, less that on shuffled labels"
    )
    source = f"{HARD_TASK}: error is independent of depth"
    with claim.printed("hard-is-flat", words, source, "=", 0.0, resolution=shown) as finding:
        needs(first < last, "one depth alone")
        hard, shuffled = (
            run.trained(task, n, first, "train mse") - run.trained(task, n, last, "train mse")
            for task in ("regression", "shuffled")
        )
        excess = Sample.of((hard - shuffled).tolist())
        finding.gives(excess.mean, t_interval(excess, over="seeds, whose two trainings share points and labels"))


def _bounds(claim: Judging, run: Run) -> None:
    """The L1 bound from (u + 1)^l pieces holds for every network, so for the nearest of the trained ones."""
    n, cfg = run.cfg.hard, run.cfg
    for depth in cfg.depths:
        bound = only(run.theory, quantity="mean L1 bound", compositions=n, depth=depth)
        words = f"mean absolute error on {n} compositions of the best among trained networks of {layers(depth)} "
        words += "is above the theorem's bound, with at most (u + 1)^l pieces"
        source = f"{PAPER}, theorem on L1 separation"
        with claim.printed(f"bound-holds/depth-{depth}", words, source, ">=", bound) as finding:
            absolute_, squared = (run.ends("regression", n, depth, f"fresh {error}") for error in ("mae", "mse"))
            needs(math.isfinite(bound), f"{n} compositions cross too seldom for {depth} layers of {cfg.width} units")
            finding.gives(*nearest(absolute_, squared, cfg.fresh_points))


def _condition(claim: Judging, run: Run) -> None:
    """The slides draw their bound for one to five layers, and its condition holds for fewer."""
    cfg = run.cfg
    lucas = fibonacci(HARD - 1) + fibonacci(HARD + 1)  # phi^40 + phi^-40: phi^40 lies just below this integer
    with claim.printed(
        "slides-condition",
        f"up to how many layers of {WIDTH} units the slides' condition u <= phi^({HARD}/l) / 8 holds",
        f"{HARD_TASK}: the bound is drawn for 1 to 5 layers",
        expected=sum((8 * WIDTH) ** depth < lucas for depth in DEPTHS),
        published=max(DEPTHS),
        precision=0.5,
        resolution=COUNTS,
        explanation="the bound from (u + 1)^l pieces holds at 4 and 5 layers all the same",
    ) as finding:
        stated = (cfg.map, cfg.hard, cfg.width) == (GOLDEN, HARD, WIDTH)
        needs(stated, f"map={cfg.map}, hard={cfg.hard}, width={cfg.width}")
        needs(set(DEPTHS) <= set(cfg.depths), f"depths={cfg.depths}, not {list(DEPTHS)}")
        holds = only(run.data, quantity="slides' condition")
        finding.gives(holds, exact("(8 u)^l <= phi^40 is a comparison of integers"))


def _counts(claim: Judging, run: Run) -> None:
    """f^n crosses [-1, 0] exactly 2 F_(n+1) times, for the golden map."""
    for n in sorted({run.cfg.easy, run.cfg.hard}):
        words = f"f^{n} crosses [-1, 0] 2 F_{n + 1} times"
        source = f"f covers [-1, 0] and [0, phi - 1] as Fibonacci's numbers add up; main lemma of {PAPER}, period 3"
        with claim.ours(f"crossings/{n}", words, source, "=", 2 * fibonacci(n + 1), resolution=COUNTS) as finding:
            needs(run.cfg.map == GOLDEN, f"map={run.cfg.map}")
            finding.gives(only(run.data, quantity="crossings", compositions=n), exact("the count is exact"))


def _digits(claim: Judging, run: Run) -> None:
    """Float32 labels of the hard task are noise; float64 ones are not."""
    n, cfg = run.cfg.hard, run.cfg
    rare, slope = run.floor("sign error", n), float(get_map(cfg.map).lipschitz)
    noise = 2 * rare * (1 - rare)
    with claim.ours(
        "float32-labels-are-noise",
        f"share of wrong signs of f^{n} in float32: that of two independent points",
        "24 binary digits are stretched by phi^n",
        expected=noise,
        resolution=absolute(0.05, "one label in twenty: with fewer wrong ones something could be learnt"),
    ) as finding:
        wrong = only(run.data, quantity="float32 wrong signs", compositions=n)
        needs(cfg.map == GOLDEN, f"map={cfg.map}: roundings are another's")
        needs(n >= HARD, f"hard={n}: float32 keeps digits up to some 30 compositions")
        deviation = binomial_deviation(noise, cfg.float_points)
        finding.gives(wrong, rounding(3 * deviation, "three binomial standard deviations for so many points"))
    with claim.ours(
        "float64-labels-are-good",
        f"mean error of f^{n} in float64 is at most a rounding in each iteration, stretched by those that follow",
        "roundings add up as a geometric series, 2^-52 slope^n slope / (slope - 1)",
        "<=",
        slope**n * 2.0**-52 * slope / (slope - 1) if slope > 1 else math.nan,
    ) as finding:
        off = only(run.data, quantity="float64 error", compositions=n)
        needs(slope > 1, f"map={cfg.map}: no slope above 1 stretches a rounding")
        finding.gives(off, exact("the bound is one of every rounding"))
