"""Where `random-features` is known to differ from the paper, by how much, and why."""

from __future__ import annotations

from deepk.lab import Deviation

KNOWN_DEVIATIONS: dict[str, Deviation] = {}
