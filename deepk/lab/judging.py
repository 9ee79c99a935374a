"""The vocabulary of claims: a header that says what is claimed, and a body with what it needs and what was measured.

    claim = Judging()
    with claim.ours("crossings/40", "f^40 crosses [-1, 0] 2 F_41 times", LEMMA, expected=2 * fibonacci(41),
                    resolution=absolute(0.5, "counts are integers")) as finding:
        needs(cfg.map == "golden", f"map={cfg.map}")
        finding.gives(only(data, quantity="crossings", compositions=40), exact("the count is exact"))

A body that stays silent (`needs`, or a table without the rows that it asks for) makes its claim not comparable.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from deepk.lab.claims import Claim, Kind, Relation
from deepk.lab.tables import Silent
from deepk.statistics import Sample, logit_half_width, mean_half_width, welch_half_width


@dataclass(frozen=True)
class Tolerance:
    """Half the width of the interval of a measured number, absolute, and where it comes from; tolerances add up."""

    width: float
    reason: str

    def __add__(self, other: Tolerance) -> Tolerance:
        return Tolerance(self.width + other.width, f"{self.reason}, and {other.reason}")


@dataclass(frozen=True)
class Resolution:
    """The smallest difference from the expected number that would matter, and why; written down before any run.

    Attributes:
        width: absolute, or as a share of the expected number.
        reason: what in the paper it is taken from.
        relative: whether the width is such a share.
    """

    width: float
    reason: str
    relative: bool = False

    def at(self, expected: float) -> float:
        """The absolute difference, for this expected number."""
        return self.width * abs(expected) if self.relative else self.width


def absolute(width: float, why: str) -> Resolution:
    """A resolution in the unit of the number."""
    return Resolution(width, why)


def share(width: float, why: str) -> Resolution:
    """A resolution as a share of the expected number: 0.01 for one per cent."""
    return Resolution(width, why, relative=True)


# --- tolerances -------------------------------------------------------------------------------------------------------


def exact(why: str) -> Tolerance:
    """No tolerance at all, for a number without any error."""
    return Tolerance(0.0, f"none needed: {why}")


def rounding(width: float, why: str) -> Tolerance:
    """A stated numerical error, absolute."""
    return Tolerance(width, why)


def t_interval(sample: Sample, *, over: str, level: float = 0.99) -> Tolerance:
    """Half width of the t-interval of a mean; infinite for fewer than two runs, which have no spread.

    For numbers whose scatter does not grow with them. Of a positive quantity that may be wrong by a factor use
    `scaled_interval`: there a wrong factor would widen this interval as much as it moves the mean.
    """
    reason = f"{100 * level:g} % interval of the mean over {over}"
    if sample.count < 2:
        return Tolerance(math.inf, f"no interval: one value alone has no spread ({over})")
    width = mean_half_width(sample, level=level)
    return Tolerance(0.0 if math.isnan(width) else width, reason)


def scaled_interval(sample: Sample, expected: float, *, over: str, level: float = 0.99) -> Tolerance:
    """The t-interval of a mean, relative to the mean, as a share of the expected number.

    To first order the interval of the logarithm: a wrong factor moves the mean and leaves the interval as it is.
    """
    plain = t_interval(sample, over=over, level=level)
    if math.isinf(plain.width) or math.isnan(sample.mean):
        return plain
    relative = plain.width / abs(sample.mean) if sample.mean else 0.0
    return Tolerance(relative * abs(expected), f"{plain.reason}, on a logarithmic scale")


def logit_interval(shares: Sequence[float], expected: float, *, over: str, level: float = 0.99) -> Tolerance:
    """The t-interval of a mean share in [0, 1] on the scale of logits, at the expected share; infinite for one run."""
    if len(shares) < 2:
        return Tolerance(math.inf, f"no interval: one value alone has no spread ({over})")
    width = logit_half_width(shares, expected, level=level)
    reason = f"{100 * level:g} % interval of the mean over {over}, on the scale of logits"
    return Tolerance(0.0 if math.isnan(width) else width, reason)


def welch_interval(first: Sample, second: Sample, *, over: str, level: float = 0.99) -> Tolerance:
    """Half width of Welch's interval of mean(first) - mean(second); infinite where one has no spread."""
    if min(first.count, second.count) < 2:
        return Tolerance(math.inf, f"no interval: one value alone has no spread ({over})")
    width = welch_half_width(first, second, level=level)
    reason = f"{100 * level:g} % Welch interval of the difference over {over}"
    return Tolerance(0.0 if math.isnan(width) else width, reason)


# --- claims -----------------------------------------------------------------------------------------------------------


@dataclass
class Finding:
    """What a run has to say to the claim whose body this is."""

    expected: float
    published: float | None
    precision: float
    measured: float | None = None
    tolerance: Tolerance = Tolerance(math.nan, "")
    explanation: str = ""

    def expects(self, expected: float, *, published: float | None = None, precision: float | None = None) -> None:
        """The expected number, and the printed one, where they are known from the run's theory alone."""
        self.expected = float(expected)
        self.published = self.published if published is None else float(published)
        self.precision = self.precision if precision is None else precision

    def gives(self, measured: float, within: Tolerance, *, remark: str = "") -> None:
        """What was measured, how far it may be off, and what a reader of the verdict should know."""
        self.measured, self.tolerance = float(measured), within
        self.explanation = remark or self.explanation


@dataclass
class Judging:
    """Collects claims in `claims`, each from a `with` block."""

    claims: list[Claim] = field(default_factory=list)

    @contextmanager
    def printed(
        self,
        name: str,
        statement: str,
        source: str,
        relation: Relation = "=",
        expected: float = math.nan,
        *,
        resolution: Resolution | None = None,
        published: float | None = None,
        precision: float = 0.0,
        explanation: str = "",
    ) -> Iterator[Finding]:
        """A claim on a number, figure or statement of the paper; see `Claim` for what the header says."""
        with self._claim("printed", name, statement, source, relation, expected, resolution) as finding:
            finding.published, finding.precision, finding.explanation = published, precision, explanation
            yield finding

    @contextmanager
    def ours(
        self,
        name: str,
        statement: str,
        source: str,
        relation: Relation = "=",
        expected: float = math.nan,
        *,
        resolution: Resolution | None = None,
        explanation: str = "",
    ) -> Iterator[Finding]:
        """A claim of our own: an identity, a control; `source` says what it rests on."""
        with self._claim("ours", name, statement, source, relation, expected, resolution) as finding:
            finding.explanation = explanation
            yield finding

    @contextmanager
    def _claim(
        self,
        kind: Kind,
        name: str,
        statement: str,
        source: str,
        relation: Relation,
        expected: float,
        resolution: Resolution | None,
    ) -> Iterator[Finding]:
        finding, other_setting = Finding(float(expected), None, 0.0), ""
        try:
            yield finding
        except Silent as why:
            other_setting = str(why)
        self.claims.append(
            Claim(
                name=name,
                statement=statement,
                kind=kind,
                source=source,
                relation=relation,
                expected=finding.expected,
                measured=finding.measured,
                tolerance=finding.tolerance.width,
                reason=finding.tolerance.reason,
                resolution=math.nan if resolution is None else resolution.at(finding.expected),
                resolution_reason="" if resolution is None else resolution.reason,
                published=finding.published,
                precision=finding.precision,
                other_setting=other_setting,
                explanation=finding.explanation,
            )
        )
