"""Maps by name: those of the papers, and a researcher's own."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib import import_module

from deepk.dynamics.maps import PiecewiseLinearMap, golden_map, li_yorke_map, tent_map

_KNOWN: dict[str, Callable[[], PiecewiseLinearMap]] = {
    "golden": golden_map,
    "li-yorke": li_yorke_map,
    "tent": tent_map,
}
MAP_NAMES = tuple(_KNOWN)


def get_map(name: str) -> PiecewiseLinearMap:
    """The map of a known name, or the one at `package.module:name`, which may be a function that makes it.

    Raises ValueError, in one line, for an unknown name, a path that leads to no map, or a map that leaves its interval.
    """
    if name in _KNOWN:
        return _KNOWN[name]()
    module, colon, attribute = name.partition(":")
    if not colon:
        nearest = difflib.get_close_matches(name.lower(), MAP_NAMES, n=1)
        hint = f"did you mean {nearest[0]}? " if nearest else ""
        raise ValueError(f"unknown map {name!r}; {hint}known are {', '.join(MAP_NAMES)}, or package.module:name")
    try:
        found = getattr(import_module(module), attribute)
        found = found() if callable(found) and not isinstance(found, PiecewiseLinearMap) else found
        if not isinstance(found, PiecewiseLinearMap):
            raise TypeError(f"it leads to a {type(found).__name__}, not to a deepk.dynamics.PiecewiseLinearMap")
        found.check_maps_into_itself()
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"map {name!r} cannot be used: {type(error).__name__}: {reason}") from error
    return found
