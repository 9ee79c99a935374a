"""Claims: numbers that a paper prints, or that we check ourselves, beside what a run measured; and the verdicts.

A verdict is a function of the numbers alone, so `deepk verify` can judge any run again from its CSV files.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import pandas as pd

Relation = Literal["=", ">=", "<="]
Kind = Literal["printed", "ours"]


class Verdict(StrEnum):
    """What a run says of one claim; the first that applies, from the bottom of this list up."""

    REPRODUCED = "reproduced"  # it holds, and the run could have shown that it does not
    ERRATUM = "erratum"  # so, of the exact value; the printed number is another
    UNDERPOWERED = "underpowered"  # it is not refuted, and the run knows too little to confirm it
    DIFFERS = "differs"  # it is refuted
    NOT_COMPARABLE = "not-comparable"  # the run was made at another setting than the claim names


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One number, what a run measured in its place, how far apart the two may be, and how finely that must be known.

    Attributes:
        name: unique in its experiment; `compare` and the known deviations find the claim by it.
        statement: what is claimed, in words.
        kind: `printed` for a number, figure or statement of the paper; `ours` for an identity, a control, a check.
        source: where it is printed (paper, table or figure), or on what our own check rests.
        relation: of the measured number to the expected one.
        expected: the exact value where theory gives one, else the published one.
        measured: None where the run was made at another setting.
        tolerance: half the width of the interval of `measured`, absolute; infinite where there is no interval.
        reason: where the tolerance comes from.
        resolution: the smallest difference that would matter to what the number is printed for, absolute; fixed before
            a run. An equality needs one.
        resolution_reason: where the resolution comes from.
        published: the printed number, or None.
        precision: half a unit of its last printed digit. An exact value further from the print than that is an erratum.
        other_setting: the setting of this run that is not the claim's, or nothing.
        explanation: what a reader of the verdict should know, or nothing.

    Raises ValueError where one of these contradicts another.
    """

    name: str
    statement: str
    kind: Kind
    source: str
    relation: Relation
    expected: float
    measured: float | None
    tolerance: float
    reason: str
    resolution: float = math.nan
    resolution_reason: str = ""
    published: float | None = None
    precision: float = 0.0
    other_setting: str = ""
    explanation: str = ""

    def __post_init__(self) -> None:
        if self.relation not in get_args(Relation):
            raise ValueError(f"claim {self.name}: relation {self.relation!r} is not one of =, >=, <=")
        if self.kind not in get_args(Kind):
            raise ValueError(f"claim {self.name}: kind {self.kind!r} is not printed or ours")
        if self.relation == "=" and not self.resolution_reason:
            raise ValueError(f"claim {self.name}: an equality without a resolution and its reason")
        if self.other_setting:
            return
        if self.measured is None:
            raise ValueError(f"claim {self.name}: nothing was measured, and nothing says why")
        if not self.tolerance >= 0 and not math.isnan(self.measured):
            raise ValueError(f"claim {self.name}: tolerance {self.tolerance} is negative or not a number")
        if not self.reason:
            raise ValueError(f"claim {self.name}: a tolerance without a reason")
        if self.relation == "=" and not self.resolution >= 0 and not math.isnan(self.expected):
            raise ValueError(f"claim {self.name}: resolution {self.resolution} is negative or not a number")

    @property
    def verdict(self) -> Verdict:
        """The verdict on this claim, from its numbers alone: the comparison first, then the power, then the print."""
        if self.other_setting or self.measured is None:
            return Verdict.NOT_COMPARABLE
        if _refuted(self.measured, self.relation, self.expected, self.tolerance):
            return Verdict.DIFFERS
        if not _confirmed(self.measured, self.relation, self.expected, self.tolerance, self.resolution):
            return Verdict.UNDERPOWERED
        misprinted = self.published is not None and abs(self.published - self.expected) > self.precision
        return Verdict.ERRATUM if misprinted and self.relation == "=" else Verdict.REPRODUCED

    def row(self) -> dict[str, object]:
        """The claim as a row of claims.csv, without the column `known`."""
        silent = bool(self.other_setting)
        return {
            "name": self.name,
            "statement": self.statement,
            "kind": self.kind,
            "source": self.source,
            "published": self.published,
            "relation": self.relation,
            "expected": self.expected,
            "measured": None if silent else self.measured,
            "tolerance": None if silent else self.tolerance,
            "resolution": self.resolution,
            "reason": self.reason,
            "resolution_reason": self.resolution_reason,
            "verdict": str(self.verdict),
            "explanation": self.other_setting or self.explanation,
        }


def _refuted(measured: float, relation: Relation, expected: float, tolerance: float) -> bool:
    """Whether the relation fails on all of [measured - tolerance, measured + tolerance]; always for NaN.

    An infinite measurement is no number with an interval: it is compared as it is.
    """
    if math.isnan(measured) or math.isnan(expected):
        return True
    width = 0.0 if math.isinf(measured) else tolerance
    if relation == "=":
        return measured != expected and not abs(measured - expected) <= width
    return measured + width < expected if relation == ">=" else measured - width > expected


def _confirmed(measured: float, relation: Relation, expected: float, tolerance: float, resolution: float) -> bool:
    """Whether a relation that is not refuted holds on the whole interval; an equality, to its resolution."""
    if relation == "=":
        return tolerance <= resolution
    if math.isinf(measured):
        return True
    return measured - tolerance >= expected if relation == ">=" else measured + tolerance <= expected


@dataclass(frozen=True)
class Deviation:
    """Why a claim is known to differ, and what was measured when that was understood.

    Attributes:
        measured: what was measured; NaN of a training that diverged.
        within: how far from it a measurement still has the same cause, absolute.
        reason: `tested: <experiment, figure>: ...`, or `guess: ...`.

    Raises ValueError for a reason that is neither.
    """

    measured: float
    within: float
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.startswith(("tested: ", "guess: ")):
            raise ValueError(f"a known deviation's reason begins with 'tested: ' or 'guess: ', not {self.reason!r}")

    def explains(self, measured: float) -> bool:
        """Whether a measurement deviates as it did then."""
        if math.isnan(self.measured) or math.isnan(measured):
            return math.isnan(self.measured) and math.isnan(measured)
        return abs(measured - self.measured) <= self.within


CLAIM_COLUMNS = (
    "name",
    "statement",
    "kind",
    "source",
    "published",
    "relation",
    "expected",
    "measured",
    "tolerance",
    "resolution",
    "reason",
    "resolution_reason",
    "verdict",
    "known",
    "explanation",
)


def judge(claims: Iterable[Claim], known_deviations: Mapping[str, Deviation] | None = None) -> pd.DataFrame:
    """The table of verdicts, a row for each claim, in the columns of claims.csv.

    A known deviation stays `differs`; the column `known` gives its reason where the measurement is within its range.
    Raises ValueError where two claims share a name.
    """
    import pandas as pd

    known = known_deviations or {}
    judged: list[dict[str, object]] = []
    names: set[str] = set()
    for claim in claims:
        if claim.name in names:
            raise ValueError(f"two claims are named {claim.name}")
        names.add(claim.name)
        deviation = known.get(claim.name)
        deviates = claim.verdict is Verdict.DIFFERS and claim.measured is not None and deviation is not None
        explained = deviates and deviation is not None and deviation.explains(float(claim.measured or 0.0))
        row = {**claim.row(), "known": deviation.reason if deviation and explained else None}
        if deviates and deviation is not None and not explained:
            known_at = f"known to differ at {deviation.measured:.6g} +- {deviation.within:.2g}, not here"
            row["explanation"] = "; ".join(filter(None, [claim.explanation, known_at]))
        judged.append(row)
    return pd.DataFrame(judged, columns=list(CLAIM_COLUMNS))


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table of verdicts as a list of rows; an empty cell is an empty text or NaN, as pandas read it."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict(orient="records")]


def unexplained(table: pd.DataFrame) -> list[str]:
    """Names of the claims of a table of verdicts that differ, and are not known to, or not by so much."""
    return [str(name) for name in table.loc[(table["verdict"] == Verdict.DIFFERS) & table["known"].isna(), "name"]]


def counts(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    """How many claims of each kind have each verdict; and how many differences are known, and known by a guess."""
    found = {
        kind: {
            str(verdict): int(((table["kind"] == kind) & (table["verdict"] == verdict)).sum()) for verdict in Verdict
        }
        for kind in get_args(Kind)
    }
    reasons = table["known"].dropna().astype(str)
    known = {"known": len(reasons), "guesses": int(reasons.str.startswith("guess: ").sum())}
    return {**found, "deviations": known}


def count_line(table: pd.DataFrame) -> str:
    """The counts in one line, what a paper prints apart from our own checks.

    Such as `printed: 35 reproduced, 36 errata, 0 differ, 2 underpowered, 147 not comparable; our own: 408 of 408`.
    """
    found = counts(table)
    printed, ours, deviations = found["printed"], found["ours"], found["deviations"]
    line = (
        f"printed: {printed['reproduced']} reproduced, {_errata(printed['erratum'])}, {_differ(printed['differs'])}, "
        f"{printed['underpowered']} underpowered, {printed['not-comparable']} not comparable"
    )
    silent = ours["not-comparable"]
    if not sum(ours.values()):
        return line + _known(deviations)
    line += f"; our own: {ours['reproduced'] + ours['erratum']} of {sum(ours.values()) - silent}"
    aside = {"differs": _differ(ours["differs"]), "underpowered": f"{ours['underpowered']} underpowered"}
    line += "".join(f", {words}" for verdict, words in aside.items() if ours[verdict])
    line += f", {silent} not comparable" if silent else ""
    return line + _known(deviations)


def _known(deviations: Mapping[str, int]) -> str:
    if not deviations["known"]:
        return ""
    return f"; {deviations['known']} of the differences known, {deviations['guesses']} of them by a guess"


def _errata(count: int) -> str:
    return f"{count} erratum" if count == 1 else f"{count} errata"


def _differ(count: int) -> str:
    return f"{count} differs" if count == 1 else f"{count} differ"
