"""What every experiment is written with, ours and your own: its configuration, its units of work, its claims.

    from deepk.lab import Configuration, Data, Lab, Unit, bounds
    from deepk.lab import Judging, Sample, absolute, exact, needs, only, present, share, t_interval, where

`deepk.figures` holds what figures are made of. README.md beside this file tells a run's life.
"""

from deepk.lab import bounds
from deepk.lab.claims import Claim, Deviation, Verdict
from deepk.lab.configuration import Configuration, Data
from deepk.lab.contract import Unit
from deepk.lab.judging import (
    Finding,
    Judging,
    Resolution,
    Tolerance,
    absolute,
    exact,
    logit_interval,
    rounding,
    scaled_interval,
    share,
    t_interval,
    welch_interval,
)
from deepk.lab.lending import Lab
from deepk.lab.tables import needs, once, only, present, values, where
from deepk.statistics import Sample

__all__ = [
    "Claim",
    "Configuration",
    "Data",
    "Deviation",
    "Finding",
    "Judging",
    "Lab",
    "Resolution",
    "Sample",
    "Tolerance",
    "Unit",
    "Verdict",
    "absolute",
    "bounds",
    "exact",
    "logit_interval",
    "needs",
    "once",
    "only",
    "present",
    "rounding",
    "scaled_interval",
    "share",
    "t_interval",
    "values",
    "welch_interval",
    "where",
]
