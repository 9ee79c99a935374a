"""What the terminal shows: plain aligned columns that survive a pipe, and JSON."""

from __future__ import annotations

import json
import math
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

COLORS = {
    "reproduced": typer.colors.GREEN,
    "erratum": typer.colors.CYAN,
    "differs": typer.colors.RED,
    "underpowered": typer.colors.YELLOW,
    "done": typer.colors.GREEN,
    "failed": typer.colors.RED,
    "interrupted": typer.colors.YELLOW,
    "corrupt": typer.colors.RED,
}


def as_json(content: Any) -> None:
    """Prints JSON; NaN, which JSON does not have, becomes null."""
    typer.echo(json.dumps(_clean(content), indent=2, default=str))


def _clean(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _clean(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_clean(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Aligned columns under their names. On a terminal the last column is wrapped to its width."""
    cells = [[_text(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in [list(columns), *cells]) for i in range(len(columns))]
    for line in [list(columns), *cells]:
        _line(line, widths)


def _line(line: Sequence[str], widths: Sequence[int]) -> None:
    padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
    indent = sum(width + 2 for width in widths[:-1])
    room = shutil.get_terminal_size().columns - indent
    last = line[-1]
    if sys.stdout.isatty() and room >= 20:
        last = ("\n" + " " * indent).join(textwrap.wrap(last, room)) or last
    typer.echo("  ".join([*(_colored(cell) for cell in padded[:-1]), _colored(last)]).rstrip())


def _colored(cell: str) -> str:
    color = COLORS.get(cell.strip())
    return typer.style(cell, fg=color) if color else cell


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def short(path: Path) -> Path:
    """A path as seen from the working directory, where it lies below it."""
    path, here = path.resolve(), Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path


def duration(seconds: float) -> str:
    """`4.2 s`, `3 min 20 s`, `5 h 2 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def verdicts(claims: Sequence[Mapping[str, Any]], count: str) -> None:
    """The judged claims as a table, then the settings at which the others were not made, each once; and the counts."""
    judged = [claim for claim in claims if claim["verdict"] != "not-comparable"]
    if judged:
        table([_shown(claim) for claim in judged], ["verdict", "claim", "measured", "", "expected", "why"])
    aside: dict[str, int] = {}
    for claim in claims:
        if claim["verdict"] == "not-comparable":
            first, _, more = _words(claim["explanation"]).partition("; ")
            reason = f"{first} ..." if more else first
            aside[reason] = aside.get(reason, 0) + 1
    for reason, number in sorted(aside.items(), key=lambda item: -item[1]):
        typer.echo(f"not-comparable  {number} claim{'s' if number > 1 else ''}: {reason}")
    typer.echo(count)


def _shown(claim: Mapping[str, Any]) -> dict[str, Any]:
    tolerance = float(claim["tolerance"])
    close = claim["relation"] == "=" and claim["verdict"] == "underpowered"  # the width is what is read
    width = f" +- {tolerance:.{3 if close else 2}g}" if 0 < tolerance < math.inf else ""
    return {
        "verdict": claim["verdict"],
        "claim": claim["name"] if claim["kind"] == "printed" else f"{claim['name']} (ours)",
        "measured": number(claim["measured"], tolerance) + width,
        "": claim["relation"],
        "expected": number(claim["expected"], tolerance),
        "why": _why(claim, tolerance),
    }


def _why(claim: Mapping[str, Any], tolerance: float) -> str:
    """What a reader of a verdict asks next: why it differs, what is lacking, what is misprinted."""
    reasons = [_words(claim["known"]), _words(claim["explanation"])]
    measured, expected = claim["measured"], claim["expected"]
    if claim["verdict"] == "underpowered":
        reasons.insert(0, _lacking(claim, tolerance))
    if claim["verdict"] == "differs" and not math.isnan(measured):
        times = f", {abs(measured - expected) / tolerance:.2g} times its interval" if tolerance else ""
        reasons.insert(0, f"off by {abs(measured - expected):.2g}{times}")
    if claim["verdict"] == "erratum":
        reasons.insert(0, f"printed: {claim['published']:.6g}")
    return "; ".join(reason for reason in reasons if reason)


def _lacking(claim: Mapping[str, Any], tolerance: float) -> str:
    """What an underpowered claim lacks: an interval, one narrow enough, or one on a single side of the bound."""
    if math.isinf(tolerance):
        return _words(claim["reason"])
    if claim["relation"] == "=":
        return f"a difference of {claim['resolution']:.2g} would matter"
    ends = ", ".join(number(claim["measured"] + side * tolerance, tolerance) for side in (-1, 1))
    return f"the interval [{ends}] reaches past {number(claim['expected'], tolerance)}"


def _words(cell: Any) -> str:
    """A cell of text; an empty one comes back from a CSV file as NaN."""
    return cell if isinstance(cell, str) else ""


def number(value: Any, tolerance: float) -> str:
    """A number to the digits that its tolerance makes meaningful; to seven, or all of a count's, where it is exact."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(tolerance) and math.isfinite(value):
        return f"{value:.4g}"
    if not tolerance > 0 or not math.isfinite(value):
        return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.7g}"
    decimals = 1 - math.floor(math.log10(tolerance))
    if abs(value) < 1e-4 or decimals > 15 or abs(value) >= 1e7:
        digits = max(1, decimals + math.floor(math.log10(abs(value))) + 1) if value else 1
        return f"{value:.{min(digits, 17)}g}"
    return f"{value:.{max(decimals, 0)}f}"
