"""Bounds of configuration values that only the theory can check: laws of offspring, maps and their iterates.

Imports no torch.
"""

from __future__ import annotations

from typing import Any

from deepk.lab.bounds import bounded


def _is_countable(name: str) -> bool:
    from deepk.dynamics import get_map, markov_partition  # takes as long to import as the command line to start

    if markov_partition(get_map(name)) is None:
        raise ValueError(
            "oscillations are counted where the orbits of all knots are finite, and their numbers exact: "
            "integers, fractions.Fraction or deepk.dynamics.Sqrt5"
        )
    return True


_A_MAP = "golden, tent, li-yorke, or package.module:name"


def markov_map() -> Any:
    """A known map or `package.module:name`, which is imported; its orbits must allow exact counts."""
    return bounded(f"a map: {_A_MAP}", _is_countable)


def markov_maps(*, least: int = 1) -> Any:
    """A list of so many such maps or more, without repetition."""
    return bounded(
        f"a list of maps: {_A_MAP}",
        lambda xs: least <= len(xs) == len(set(xs)) and all(_is_countable(x) for x in xs),
    )


def out_of_digits(maps: list[str], **compositions: list[int]) -> tuple[str, str]:
    """The first key with more compositions than leave three digits in float64, and how many do; or nothing."""
    from deepk.dynamics import get_map

    steepest = min((get_map(name) for name in maps), key=lambda map_: map_.iterations_in_floats)
    most = steepest.iterations_in_floats
    for key, counts in compositions.items():
        if max(counts) > most:
            slope = float(steepest.lipschitz)
            return key, f"at most {most}, after which slope {slope:.4g} leaves no three digits in float64"
    return "", ""


def _are_different_laws(texts: list[str]) -> bool:
    from deepk.branching.named_laws import parse_law  # imports torch

    return len({parse_law(text) for text in texts}) == len(texts)


def law_list() -> Any:
    """A list, may be empty, without repetition, of LAWS with their numbers."""
    return bounded("a list of different laws", _are_different_laws)
