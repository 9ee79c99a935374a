"""Piecewise-linear maps at random, exact and with a Markov partition."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from deepk.dynamics import GOLDEN_RATIO

# Knots and values. The test makes the map of them: what checks annotations draws numbers, unknown to hypothesis.
Drawn = tuple[list, list]


def integer_maps(most: int = 5) -> st.SearchStrategy[Drawn]:
    """Of 0, ..., k into themselves, linear between: flat, straight, folded, with slopes that cancel. All Markov."""
    return st.integers(1, most).flatmap(
        lambda k: st.tuples(st.just(list(range(k + 1))), st.lists(st.integers(0, k), min_size=k + 1, max_size=k + 1))
    )


@st.composite
def markov_maps(draw: st.DrawFn, most: int = 4) -> Drawn:
    """Of some numbers, unevenly spaced, into themselves: slopes of all sizes, of which some are irrational."""
    points = sorted(draw(st.sets(st.fractions(-3, 3, max_denominator=7), min_size=2, max_size=most + 1)))
    images = draw(st.lists(st.sampled_from(points), min_size=len(points), max_size=len(points)))
    unit = draw(st.sampled_from([Fraction(1), GOLDEN_RATIO]))
    # where it is phi, on one side of 0 alone, slopes across are irrational
    scale = {point: point * unit if point > 0 else point for point in points}
    return [scale[x] for x in points], [scale[y] for y in images]
