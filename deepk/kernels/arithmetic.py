"""A correlation in several kinds of numbers, so that the closed form of a kernel is written once.

A closed form is a function of a `Correlation` c = cos(theta), made of its attributes and functions, and gives a number
of the same kind: an array of float64 (`Floats`), a number of many digits or a power series (`deepk.kernels.precise`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np

Number = Any  # of one of the kinds; they have no type in common


class Correlation(ABC):
    """A correlation, and what closed forms are made of.

    Attributes:
        cos: c in [-1, 1].
        angle: theta in [0, pi].
        sine: sqrt(1 - c^2).
        chord: sqrt(2 - 2c), the distance of two unit vectors of correlation c.
        pi: the number.
    """

    cos: Number
    angle: Number
    sine: Number
    chord: Number
    pi: Number

    @abstractmethod
    def next(self, cos: Number) -> Correlation:
        """Another correlation of the same kind."""

    @abstractmethod
    def number(self, value: float) -> Number:
        """A float, with no rounding."""

    @abstractmethod
    def asin(self, x: Number) -> Number:
        """arcsin x."""

    @abstractmethod
    def sqrt(self, x: Number) -> Number:
        """The square root of x."""

    @abstractmethod
    def exp(self, x: Number) -> Number:
        """e^x."""

    @abstractmethod
    def sinh(self, x: Number) -> Number:
        """The hyperbolic sine of x."""

    @abstractmethod
    def cosh(self, x: Number) -> Number:
        """The hyperbolic cosine of x."""


class Floats(Correlation):
    """An array of float64."""

    pi = math.pi

    def __init__(self, cos: np.ndarray) -> None:
        """Takes c."""
        self.cos = cos

    @cached_property
    def angle(self) -> Number:
        return np.arccos(self.cos)

    @cached_property
    def sine(self) -> Number:
        return np.sqrt((1 - self.cos) * (1 + self.cos))

    @cached_property
    def chord(self) -> Number:
        return np.sqrt(2 * (1 - self.cos))

    def next(self, cos: Number) -> Floats:
        return Floats(cos)

    def number(self, value: float) -> Number:
        return value

    def asin(self, x: Number) -> Number:
        return np.arcsin(x)

    def sqrt(self, x: Number) -> Number:
        return np.sqrt(x)

    def exp(self, x: Number) -> Number:
        return np.exp(x)

    def sinh(self, x: Number) -> Number:
        return np.sinh(x)

    def cosh(self, x: Number) -> Number:
        return np.cosh(x)
