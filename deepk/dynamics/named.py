"""The maps of the theory papers, and maps by name: these, and a researcher's own."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from operator import index
from typing import Any

from deepk.dynamics.maps import PiecewiseLinearMap
from deepk.dynamics.numbers import GOLDEN_RATIO, exact
from deepk.naming import load


def tent_map(slope: Any = 2) -> PiecewiseLinearMap:
    """slope min(x, 1 - x) on [0, 1]; ValueError for a slope outside (0, 2]."""
    if not 0 < slope <= 2:
        raise ValueError(f"slope = {float(slope):g} is not in (0, 2]: the tent would leave [0, 1]")
    half = Fraction(1, 2)
    number = exact(slope)
    top = half * number if number is not None else 0.5 * float(slope)
    return PiecewiseLinearMap([Fraction(0), half, Fraction(1)], [Fraction(0), top, Fraction(0)])


def bounded_slope_map(slope: Any) -> PiecewiseLinearMap:
    """slope |x| - 1 on [-1, 1]; it has a point of odd period p > 1 if and only if slope >= growth_rate(p).

    (Chatziafratis, Nagarajan, Panageas 2020, arXiv:2003.00777.) ValueError for a slope outside (0, 2].
    """
    if not 0 < slope <= 2:
        raise ValueError(f"slope = {float(slope):g} is not in (0, 2]: the map would leave [-1, 1]")
    number = exact(slope)
    end = (number if number is not None else float(slope)) - 1
    return PiecewiseLinearMap([-1, 0, 1], [end, -1, end])


def golden_map() -> PiecewiseLinearMap:
    """phi |x| - 1 on [-1, 1] with the golden ratio, exactly: the least slope with period 3, on 0, -1, phi - 1."""
    return bounded_slope_map(GOLDEN_RATIO)


def li_yorke_map() -> PiecewiseLinearMap:
    """The map of [1, 5] that takes 1, ..., 5 to 3, 5, 4, 2, 1; it has period 5 and no period 3.

    (Li, Yorke 1975, Amer. Math. Monthly 82.)
    """
    return period_map(5)


def period_map(period: int) -> PiecewiseLinearMap:
    """A map of [1, p] that permutes 1, ..., p in a cycle, and has no period that stands before p in Sharkovsky's order.

    The slides draw maps of this kind for periods 3, 4 and 5; that of 5 is Li and Yorke's. The cycle is Stefan's for an
    odd p; for p = 2r, 1, ..., r are exchanged with r + 1, ..., p so that twice the map is that of r on the left half.
    Raises ValueError for a period below 2.
    """
    if index(period) < 2:
        raise ValueError(f"period = {period} is not at least 2")
    return PiecewiseLinearMap(range(1, period + 1), _cycle(period))


def _cycle(period: int) -> list[int]:
    """The images of 1, ..., period (Stefan 1977, Comm. Math. Phys. 54, for an odd one)."""
    half = period // 2
    if period == 1:
        return [1]
    if period % 2 == 0:
        return [image + half for image in _cycle(half)] + list(range(1, half + 1))
    return [half + 1, *range(period, half + 1, -1), *range(half, 0, -1)]


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
