"""Branching processes: laws of the number of offspring, draws from them, and their generations. Knows no kernel."""

from deepk.branching.generations import generation_law
from deepk.branching.laws import OffspringLaw
from deepk.branching.named_laws import Binomial, Finite, Geometric, Poisson, PowersOfTwo, Uniform

__all__ = [
    "Binomial",
    "Finite",
    "Geometric",
    "OffspringLaw",
    "Poisson",
    "PowersOfTwo",
    "Uniform",
    "generation_law",
]
