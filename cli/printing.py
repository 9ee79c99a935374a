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
    """The judged claims as a table, then why the others could not be judged, each reason once."""
    judged = [claim for claim in claims if claim["verdict"] != "not-comparable"]
    if judged:
        table([_shown(claim) for claim in judged], ["verdict", "claim", "measured", "", "expected", "why"])
    aside: dict[str, int] = {}
    for claim in claims:
        if claim["verdict"] == "not-comparable":
            first, _, more = str(claim["explanation"]).partition("; ")
            reason = f"{first} ..." if more else first
            aside[reason] = aside.get(reason, 0) + 1
    for reason, number in sorted(aside.items(), key=lambda item: -item[1]):
        typer.echo(f"not-comparable  {number} claims: {reason}")
    typer.echo(count)


def _shown(claim: Mapping[str, Any]) -> dict[str, Any]:
    tolerance = claim["tolerance"]
    explanation = claim["explanation"] if isinstance(claim["explanation"], str) else ""
    return {
        "verdict": claim["verdict"],
        "claim": claim["name"],
        "measured": claim["measured"],
        "": claim["relation"],
        "expected": _text(claim["expected"]) + (f" +- {tolerance:.3g}" if tolerance else ""),
        "why": f"printed: {claim['published']}" if claim["verdict"] == "erratum" else explanation,
    }
