"""Errors that end a command with one line and an exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CommandError(Exception):
    """What was wrong, the value, and what to do, in one line; ends the command with `exit_code`."""

    exit_code = 1


class UsageError(CommandError):
    """The command itself was wrong: nothing was started, nothing was left behind."""

    exit_code = 2


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?`, or what there is."""
    known = list(known)
    begun = [name for name in known if word and name.startswith(word)]
    matches = begun or difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {matches[0]}?" if matches else f"; there are {', '.join(known)}"
