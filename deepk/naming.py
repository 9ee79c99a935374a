"""Things by name, and a user's own by `package.module:name`; what is neither is one line. And where modules lie."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def source(module: str) -> Path | None:
    """The file of a module, found without running it; the packages that it lies in are imported. None without one."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def load(kind: str, path: str, known: Iterable[str], check: Callable[[Any], T], *, leads_to: str = "name") -> T:
    """What `check` makes of the object at `package.module:name`.

    Raises ValueError, in one line that begins with the kind of thing, for a text without a colon, with the known name
    nearest to it, and for whatever goes wrong on the way: an import that fails or exits, a name that is not there, an
    exception of `check`.
    """
    if not isinstance(path, str):
        raise ValueError(f"{path!r} is no {kind}: give a name, or package.module:{leads_to}")
    module, colon, attribute = path.partition(":")
    if not colon:
        names = list(known)
        nearest = difflib.get_close_matches(path.lower(), names, n=1)
        hint = f"did you mean {nearest[0]}? " if nearest else ""
        raise ValueError(f"unknown {kind} {path!r}; {hint}known are {', '.join(names)}, or package.module:{leads_to}")
    try:
        return check(getattr(import_module(module), attribute))
    except (Exception, SystemExit) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{kind} {path!r} cannot be used: {type(error).__name__}: {reason}") from error
