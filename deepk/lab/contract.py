"""The contract between an experiment and the lab: what its module offers, and the units of work that it consists of."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from deepk.data.errors import DataError
from deepk.errors import LabError
from deepk.lab.configuration import Configuration

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from deepk.lab.claims import Claim, Deviation
    from deepk.lab.lending import Lab

Key = str | int | float


def file_name(text: str) -> str:
    """A text as a file name that leads nowhere else: what could is an underscore, and 80 characters are enough."""
    return re.sub(r"[^A-Za-z0-9.=,-]+", "_", text)[:80]


@dataclass(frozen=True)
class Unit:
    """One independent piece of work: a training, or a simulation at one grid point.

    `key` names it and becomes the leading columns of its rows; `steps` is how often `lab.progress` will count. `parts`
    names what a unit measures that another one, with another key, might measure as well: its trainings, say.
    """

    key: Mapping[str, Key]
    steps: int = 1
    parts: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What a person reads: the values of the key."""
        return " ".join(str(value) for value in self.key.values())

    @property
    def file_stem(self) -> str:
        """A file name that is this key's alone: readable, and unique through a checksum of the key."""
        digest = hashlib.sha256(json.dumps(dict(self.key), sort_keys=True).encode()).hexdigest()[:8]
        return f"{file_name('-'.join(str(value) for value in self.key.values()))}-{digest}"


# What an experiment defines, and in which module of its package; in a single file all of it stands together.
ARGUMENT = ("Config", "COLUMNS", "FIGURES", "KNOWN_DEVIATIONS")
PARTS = {
    "predict": "theory",
    "units": "measurement",
    "measure": "measurement",
    "claims": "claims",
    "draw": "figures",
}


@dataclass(frozen=True)
class Experiment:
    """An experiment by its module: a package whose parts are imported when they are first asked for, or one file.

    Attributes:
        module: its dotted path.
    """

    module: str

    @property
    def argument(self) -> ModuleType:
        """The module itself: the argument in its docstring, `Config`, and the three tables of names."""
        return import_module(self.module)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of data.csv, the unit's key first."""
        return tuple(self.argument.COLUMNS)

    @property
    def timing(self) -> tuple[str, ...]:
        """Columns of timing.csv after the unit's key: `TIMING`, by default the seconds of the whole unit.

        A name that is also in COLUMNS (`epoch`, say) tells the rows of a unit apart.
        """
        return tuple(getattr(self.argument, "TIMING", ("seconds",)))

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures that `draw` returns."""
        return tuple(self.argument.FIGURES)

    @property
    def known_deviations(self) -> dict[str, Deviation]:
        """By a claim's name, why ours differs and how far, once that is understood."""
        return dict(self.argument.KNOWN_DEVIATIONS)

    def predict(self, cfg: Any) -> pd.DataFrame:
        """The theory, as a table; in seconds."""
        table: pd.DataFrame = self._call("predict", cfg)
        return table

    def units(self, cfg: Any) -> list[Unit]:
        """The independent pieces of work."""
        return list(self._call("units", cfg))

    def measure(self, cfg: Any, unit: Unit, lab: Lab) -> pd.DataFrame:
        """The rows of one unit."""
        table: pd.DataFrame = self._part("measure")(cfg, unit, lab)
        return table

    def claims(self, theory: pd.DataFrame, data: pd.DataFrame, cfg: Any) -> list[Claim]:
        """What the tables of a run say of the paper."""
        return list(self._call("claims", theory, data, cfg))

    def draw(self, theory: pd.DataFrame, data: pd.DataFrame, cfg: Any) -> dict[str, Figure]:
        """The figures, by name."""
        figures: dict[str, Figure] = self._call("draw", theory, data, cfg)
        return figures

    def _call(self, function: str, *arguments: Any) -> Any:
        """A part at work; raises LabError, in one line, for whatever goes wrong in it."""
        try:
            return self._part(function)(*arguments)
        except (LabError, DataError):
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise LabError(f"{function} of {self.module} failed: {reason}") from error

    def _part(self, function: str) -> Callable[..., Any]:
        home = self.argument
        if hasattr(home, "__path__"):
            home = import_module(f"{self.module}.{PARTS[function]}")
        part: Callable[..., Any] = getattr(home, function)
        return part


@dataclass(frozen=True)
class Entry:
    """An experiment by the name that was typed: a name becomes one of these once, and is never looked up again.

    Attributes:
        name: `tent-map` of ours, the module's path of a user's own.
        module: its dotted path.
    """

    name: str
    module: str

    @property
    def own(self) -> bool:
        """Whether it is a user's own, which has one scale and no YAML files."""
        return self.name == self.module

    @property
    def experiment(self) -> Experiment:
        """What the module defines."""
        return Experiment(self.module)

    @property
    def config(self) -> type[Configuration]:
        """The dataclass of its configuration.

        Raises TypeError where the module's `Config` is no `deepk.lab.Configuration`; whatever the import raises.
        """
        found = getattr(import_module(self.module), "Config", None)
        if not (isinstance(found, type) and issubclass(found, Configuration)):
            raise TypeError(f"module {self.module} needs a dataclass `Config` derived from deepk.lab.Configuration")
        return found
