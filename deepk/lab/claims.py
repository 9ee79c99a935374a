"""Claims: named numbers of a paper beside what a run measured, and the verdict that follows.

A verdict is a function of the numbers alone, so `deepk verify` can re-judge any run from its CSV files.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Relation = Literal["=", ">=", "<="]


class Verdict(StrEnum):
    """What a run says of one published number."""

    REPRODUCED = "reproduced"  # the relation holds within the tolerance
    DIFFERS = "differs"  # it does not
    NOT_COMPARABLE = "not-comparable"  # this run cannot speak to it
    ERRATUM = "erratum"  # measured agrees with the exact value, and the printed number does not


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One number of a paper, what a run measured in its place, and how far apart the two may be.

    `expected` is the exact value where theory gives one, else the published one. `tolerance` is absolute, and `reason`
    says where it comes from. `precision` is half a unit of the last printed digit of `published`: an exact expectation
    further from the print than that is an erratum of the paper, once our measurement agrees with it.

    `blocked` says why this run cannot speak to the claim, decided from the settings that the claim names; with it, no
    measurement is needed. A measurement of NaN (a diverged training) holds no relation, so the claim differs.
    """

    name: str
    statement: str
    source: str
    relation: Relation
    expected: float
    measured: float | None
    tolerance: float
    reason: str
    published: float | None = None
    precision: float = 0.0
    blocked: str = ""
    explanation: str = ""

    def __post_init__(self) -> None:
        if self.relation not in ("=", ">=", "<="):
            raise ValueError(f"claim {self.name}: relation {self.relation!r} is not one of =, >=, <=")
        if not self.tolerance >= 0:
            raise ValueError(f"claim {self.name}: tolerance {self.tolerance} is negative or not a number")
        if not self.reason:
            raise ValueError(f"claim {self.name}: a tolerance without a reason")
        if self.measured is None and not self.blocked:
            raise ValueError(f"claim {self.name}: nothing was measured, and nothing says why")

    @property
    def verdict(self) -> Verdict:
        """The verdict on this claim, from its numbers alone."""
        if self.blocked or self.measured is None:
            return Verdict.NOT_COMPARABLE
        if not _holds(self.measured, self.relation, self.expected, self.tolerance):
            return Verdict.DIFFERS
        misprinted = self.published is not None and abs(self.published - self.expected) > self.precision
        return Verdict.ERRATUM if misprinted and self.relation == "=" else Verdict.REPRODUCED

    def row(self) -> dict[str, object]:
        """The claim as a row of claims.csv."""
        return {
            "name": self.name,
            "statement": self.statement,
            "source": self.source,
            "published": self.published,
            "relation": self.relation,
            "expected": self.expected,
            "measured": self.measured,
            "tolerance": self.tolerance,
            "reason": self.reason,
            "verdict": str(self.verdict),
            "explanation": "; ".join(part for part in (self.blocked, self.explanation) if part),
        }


def _holds(measured: float, relation: Relation, expected: float, tolerance: float) -> bool:
    """`measured relation expected`, up to `tolerance`; never for NaN."""
    if math.isnan(measured) or math.isnan(expected):
        return False
    if relation == "=":
        return abs(measured - expected) <= tolerance
    return measured >= expected - tolerance if relation == ">=" else measured <= expected + tolerance


CLAIM_COLUMNS = (
    "name",
    "statement",
    "source",
    "published",
    "relation",
    "expected",
    "measured",
    "tolerance",
    "reason",
    "verdict",
    "explanation",
)


def judge(claims: Iterable[Claim], known_deviations: dict[str, str] | None = None) -> pd.DataFrame:
    """The table of verdicts, a row for each claim, in the columns of claims.csv.

    A known deviation stays `differs`; its explanation is added. Raises ValueError where two claims share a name, since
    `compare` and the known deviations look claims up by it.
    """
    import pandas as pd

    known = known_deviations or {}
    judged = []
    names: set[str] = set()
    for claim in claims:
        if claim.name in names:
            raise ValueError(f"two claims are named {claim.name}")
        names.add(claim.name)
        if claim.verdict is Verdict.DIFFERS and claim.name in known:
            explanation = "; ".join(
                part for part in (claim.explanation, f"known deviation: {known[claim.name]}") if part
            )
            claim = replace(claim, explanation=explanation)
        judged.append(claim.row())
    return pd.DataFrame(judged, columns=list(CLAIM_COLUMNS))


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table of verdicts as a list of rows; an empty cell is an empty text or NaN, as pandas read it."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict(orient="records")]


def unexplained(table: pd.DataFrame, known_deviations: dict[str, str]) -> list[str]:
    """Names of the claims of a table of verdicts that differ, and are not known to."""
    differs = table.loc[table["verdict"] == Verdict.DIFFERS, "name"]
    return [name for name in differs if base_name(name) not in known_deviations]


def base_name(name: str) -> str:
    """A claim's own name: in a joined sweep, `name[width=8]` is the claim `name` at that point of the sweep."""
    return name.split("[", 1)[0]


def count_verdicts(table: pd.DataFrame) -> str:
    """One line, such as `9 of 13 judged: 8 reproduced, 1 differs; 4 not-comparable`."""
    counts = table["verdict"].value_counts()
    judged = [f"{counts[v]} {v}" for v in Verdict if v is not Verdict.NOT_COMPARABLE and counts.get(v, 0)]
    total = len(table)
    aside = int(counts.get(Verdict.NOT_COMPARABLE, 0))
    line = f"{total - aside} of {total} judged"
    line += f": {', '.join(judged)}" if judged else ""
    return line + (f"; {aside} {Verdict.NOT_COMPARABLE}" if aside else "")
