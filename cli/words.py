"""The right word for a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?`, or what there is."""
    known = list(known)
    begun = [name for name in known if word and name.startswith(word)]
    matches = begun or difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {matches[0]}?" if matches else f"; there are {', '.join(known)}"
