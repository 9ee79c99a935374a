"""What the configurations of several experiments share. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from deepk.lab import bounds


@dataclass
class RandomNetworks:
    """How many random networks are drawn for each seed, and of which size."""

    width: int = bounds.at_least(2)
    depth: int = bounds.at_least(2)
    networks: int = bounds.at_least(1)
