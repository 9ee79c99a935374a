"""Maps by name: those of the papers, and a researcher's own."""

from __future__ import annotations

from collections.abc import Callable

from deepk.dynamics.maps import PiecewiseLinearMap, golden_map, li_yorke_map, tent_map
from deepk.naming import load

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
    if isinstance(name, str) and name in _KNOWN:
        return _KNOWN[name]()
    return load("map", name, MAP_NAMES, _made)


def _made(found: object) -> PiecewiseLinearMap:
    map_ = found() if callable(found) and not isinstance(found, PiecewiseLinearMap) else found
    if not isinstance(map_, PiecewiseLinearMap):
        raise TypeError(f"it leads to a {type(map_).__name__}, not to a deepk.dynamics.PiecewiseLinearMap")
    map_.check_maps_into_itself()
    return map_
