"""The command as a user runs it, and a small experiment of a user's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DEEPK = Path(sys.executable).parent / "deepk"

# An experiment as a user writes it, in one file of the working directory. Its faults are set from the command line.
TOY = '''
"""The square of a number is a parabola."""

import os
import time
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from deepk.lab import Configuration, Judging, Unit, bounds, exact, needs

COLUMNS = ("x", "square", "noise")
FIGURES = ("parabola",)
KNOWN_DEVIATIONS = {}


@dataclass
class Config(Configuration):
    threads: int = 1
    device: str = "cpu"
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2, 3])
    power: float = 2.0
    megabytes: float = bounds.at_least(0, default=0.0)
    fault: str = "none"
    fault_at: int = 2


def predict(cfg):
    return pd.DataFrame({"x": cfg.seeds, "square": [float(x) ** 2 for x in cfg.seeds]})


def units(cfg):
    return [Unit({"x": x}, steps=4) for x in cfg.seeds]


def measure(cfg, unit, lab):
    x = unit.key["x"]
    state = lab.restore() or {"step": 0}
    for step in range(state["step"], 4):
        while x > 0 and os.path.exists(f"hold-{cfg.power:g}"):  # see Terminal.hold
            time.sleep(0.01)
            lab.progress(0, step=step)
        lab.progress(1, step=step)
        lab.checkpoint({"step": step + 1})
    if x == cfg.fault_at:
        if cfg.fault == "raise":
            raise ArithmeticError("the parabola broke")
        if cfg.fault == "die":
            os._exit(9)
        if cfg.fault == "columns":
            return pd.DataFrame({"cube": [x**3]})
    noise = np.random.default_rng(x).standard_normal()
    rows = 1 + int(cfg.megabytes * 50_000)
    return pd.DataFrame({"square": [float(x) ** cfg.power] * rows, "noise": [noise] * rows})


def claims(theory, data, cfg):
    claim = Judging()
    with claim.printed(
        "parabola", "largest distance from the parabola", "Apollonius, Conics, book 1", "<=", 1e-12
    ) as finding:
        needs(not data.empty, "nothing was measured")
        finding.gives(float((data["square"] - data["x"] ** 2).abs().max()), exact("the bound is one of rounding"))
    return claim.claims


def draw(theory, data, cfg):
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot(theory["x"], theory["square"], label="theory")
    points = data.drop_duplicates("x")
    axes.plot(points["x"], points["square"], "o", label="measured")
    return {"parabola": figure}
'''


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The last line of stderr: the one line that an error is."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


class Terminal:
    """A user's shell in a folder of its own, with an empty home and no data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("DEEPK", "PYTHON"))}
        self.environment = {**kept, "HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "cache")}

    def start(self, *words: str, prefix: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[str]:
        """The command, running, behind the words of `prefix`."""
        # A suite that a script runs in the background ignores Ctrl-C, and the commands it starts would ignore it, too.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                [*prefix, str(DEEPK), *words],
                cwd=self.folder,
                env={**self.environment, **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,  # so that a test can signal the whole group, as a terminal does
            )
        finally:
            signal.signal(signal.SIGINT, before)

    def __call__(self, *words: str, **environment: str) -> Finished:
        """The command, finished."""
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=200)
        return Finished(process.returncode, out, err)

    def hold(self, what: str = "2") -> Path:
        """A file that keeps `toy` at the power `what` from finishing its second unit, for as long as it is there.

        No run can then end before the test has acted, however slow the machine.
        """
        path = self.folder / f"hold-{what}"
        path.touch()
        return path

    def release(self) -> None:
        """Removes every such file."""
        for path in self.folder.glob("hold-*"):
            path.unlink()

    def results(self) -> list[str]:
        """Names of what is in the results folder, if there is one."""
        home = self.folder / "results"
        return sorted(str(path.relative_to(home)) for path in home.glob("*/*")) if home.exists() else []
