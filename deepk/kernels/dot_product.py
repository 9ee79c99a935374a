"""Kernels of unit vectors that depend on their product alone, k(x, y) = kappa(<x, y>), their sums and products."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Real
from typing import Any, overload

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepk.arrays import Array, elementwise
from deepk.kernels.arithmetic import Correlation, Number
from deepk.kernels.dual import correlation
from deepk.kernels.gram import filled_gram, product_rounding
from deepk.kernels.structure import Degrees, End, Health

_EPS = float(np.finfo(np.float64).eps)
_UNCERTAIN = 1e-8  # uncertainty of an entry that a user is warned of


class DotProductKernel(ABC):
    """kappa(rho) for rho in [-1, 1]; `a + b`, `a * b` and `2 * a` are kernels, too."""

    @abstractmethod
    def _values(self, rho: Float[Tensor, ...]) -> Float[Tensor, ...]:
        """Kappa at correlations in [-1, 1], float64 on any device."""

    @abstractmethod
    def _complement(self, u: Array) -> Array:
        """1 - kappa(1 - u) / kappa(1) for u in [0, 2]."""

    @property
    @abstractmethod
    def at_one(self) -> float:
        """kappa(1), positive."""

    @property
    @abstractmethod
    def amplification(self) -> float:
        """kappa'(1) / kappa(1), by which a difference of rho near 1 grows; of a network mu^L, the slope of its K_L."""

    @property
    def parity(self) -> int:
        """1 or -1 where kappa(-rho) = +- kappa(rho), else 0."""
        return self.degrees.parity

    @property
    @abstractmethod
    def error_bound(self) -> float:
        """Of kappa(rho), beside kappa(1)."""

    # --- what spectra are made of -------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def degrees(self) -> Degrees:
        """Where symmetry leaves zeros."""

    @property
    @abstractmethod
    def ends(self) -> tuple[End, End]:
        """At 1 and at -1."""

    @property
    @abstractmethod
    def order(self) -> float:
        """The power of theta that kappa(cos theta) is a smooth function of near 0: 1, or 2^(1 - L) for a jump."""

    @property
    @abstractmethod
    def most_digits(self) -> float:
        """To how many digits `exact` knows kappa at a number; 0 where that is not known."""

    @property
    @abstractmethod
    def is_smooth(self) -> bool:
        """Whether kappa is smooth on [-1, 1], ends included."""

    @abstractmethod
    def exact(self, x: Correlation) -> Number:
        """Kappa in numbers of the kind of x, at the precision and length that are set.

        Raises ValueError where kappa is neither smooth nor made of closed forms.
        """

    @abstractmethod
    def exact_at_one(self, x: Correlation) -> Number:
        """kappa(1), of the same origin as the numbers that `exact` makes of x."""

    # --- what a user calls --------------------------------------------------------------------------------------------

    @overload
    def __call__(self, rho: Tensor) -> Tensor: ...
    @overload
    def __call__(self, rho: float) -> float: ...
    @overload
    def __call__(self, rho: np.ndarray) -> np.ndarray: ...
    def __call__(self, rho: float | np.ndarray | Tensor) -> float | np.ndarray | Tensor:
        """kappa(rho), like rho a number, array or tensor; ValueError for a rho outside [-1, 1] beyond rounding."""
        if isinstance(rho, Tensor):
            value = self._values(correlation(rho.detach()).double())
            return value.to(rho.dtype if rho.is_floating_point() else value.dtype)
        return elementwise(lambda c: self._values(torch.from_numpy(c)).numpy(), correlation(rho))

    @overload
    def complement(self, one_minus_rho: Tensor) -> Tensor: ...
    @overload
    def complement(self, one_minus_rho: float) -> float: ...
    @overload
    def complement(self, one_minus_rho: np.ndarray) -> np.ndarray: ...
    def complement(self, one_minus_rho: float | np.ndarray | Tensor) -> float | np.ndarray | Tensor:
        """1 - kappa(1 - u) / kappa(1) for u in [0, 2], relatively accurate however small u is; like u."""

        def checked(u: Array) -> Array:
            if u.size and not (np.min(u) >= 0 and np.max(u) <= 2):
                raise ValueError(f"1 - rho = {u[~((u >= 0) & (u <= 2))].flat[0]} is not in [0, 2]")
            return self._complement(u)

        return elementwise(checked, one_minus_rho)

    @overload
    def gram(self, X: Tensor, Y: Tensor | None = None, *, out: Any = None) -> Tensor: ...
    @overload
    def gram(self, X: np.ndarray, Y: np.ndarray | None = None, *, out: Any = None) -> np.ndarray: ...
    def gram(self, X: Any, Y: Any = None, *, out: Any = None) -> Any:
        """Kappa of the correlations of the rows of X with those of Y, or with each other.

        Rows are scaled to norm one, so the kernel is that of their directions. Computed in float64, tile by tile: it
        takes a copy of X and Y beside the result. Of X with itself it is exactly symmetric, with kappa(1) on its
        diagonal.

        Args:
            X: array or tensor of shape (n, d); entries of any numeric type.
            Y: the same of shape (m, d); X by default.
            out: an array or tensor of shape (n, m) to write to, a `numpy.memmap` say; a new one of X's floating-point
                type (else float64) by default.

        Raises ValueError for rows that are zero or not finite, or shapes that do not fit. Warns where rows are so close
        that the rounding of rho, which the kernel amplifies, leaves an entry uncertain by more than 1e-8 kappa(1).
        """
        result, closest = filled_gram(self._values, self.at_one, X, Y, out, even=bool(self.parity))
        u = max(1 - closest, _EPS)
        # by (1 - kappa) / (1 - rho) at most, kappa being convex on [0, 1]
        uncertainty = min(1.0, product_rounding(np.shape(X)[1]) * self.complement(u) / u)
        if uncertainty > _UNCERTAIN:
            what = f"rounding leaves their entries uncertain by {uncertainty:.0e}"
            warnings.warn(f"rows are as close as 1 - |rho| = {u:.1g}: {what}", stacklevel=2)
        return result

    def health(self, X: np.ndarray | Tensor) -> Health:
        """Extreme eigenvalues, symmetry and precision of the Gram matrix of X."""
        gram = torch.as_tensor(self.gram(X))
        eigenvalues = torch.linalg.eigvalsh(gram.double())
        smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
        return Health(
            smallest_eigenvalue=smallest,
            largest_eigenvalue=largest,
            condition=largest / smallest if smallest > 0 else math.inf,
            symmetric=bool((gram == gram.T).all()),
            dtype=str(gram.dtype).removeprefix("torch."),
            amplification=self.amplification * _EPS,
        )

    def __add__(self, other: DotProductKernel | float) -> DotProductKernel:
        """The sum with a kernel, or with a number > 0."""
        return Sum(self, _kernel(other)) if isinstance(other, _Factor) else NotImplemented

    def __mul__(self, other: DotProductKernel | float) -> DotProductKernel:
        """The product with a kernel, or with a number > 0."""
        return Product(self, _kernel(other)) if isinstance(other, _Factor) else NotImplemented

    def __radd__(self, other: DotProductKernel | float) -> DotProductKernel:
        """The same from the left, where 0 is allowed: Python's `sum` begins with it."""
        return self if isinstance(other, Real) and other == 0 else self + other

    __rmul__ = __mul__


_Factor = DotProductKernel | Real


def _kernel(value: DotProductKernel | Real) -> DotProductKernel:
    return value if isinstance(value, DotProductKernel) else ConstantKernel(float(value))


@dataclass(frozen=True)
class ConstantKernel(DotProductKernel):
    """The same number > 0 everywhere."""

    value: float

    def __post_init__(self) -> None:
        """Raises ValueError for a number that is not finite and > 0."""
        if not 0 < self.value < math.inf:
            raise ValueError(f"{self.value} is not a finite number > 0, nor a kernel")

    amplification = 0.0
    error_bound = 0.0
    order = 1.0
    most_digits = math.inf
    is_smooth = True
    degrees = Degrees(0.0, -math.inf)

    @property
    def at_one(self) -> float:
        return float(self.value)

    @property
    def ends(self) -> tuple[End, End]:
        return End(self.at_one), End(self.at_one)

    def _values(self, rho: Float[Tensor, ...]) -> Float[Tensor, ...]:
        return torch.full_like(rho, self.value)

    def _complement(self, u: Array) -> Array:
        return np.zeros_like(u)

    def exact(self, x: Correlation) -> Number:
        return x.number(float(self.value))

    def exact_at_one(self, x: Correlation) -> Number:
        return x.number(float(self.value))


@dataclass(frozen=True)
class _Pair(DotProductKernel):
    first: DotProductKernel
    second: DotProductKernel

    @property
    def most_digits(self) -> float:
        return min(self.first.most_digits, self.second.most_digits)

    @property
    def order(self) -> float:
        return min(self.first.order, self.second.order)

    @property
    def is_smooth(self) -> bool:
        return self.first.is_smooth and self.second.is_smooth


class Sum(_Pair):
    """The sum of two kernels."""

    @property
    def at_one(self) -> float:
        return self.first.at_one + self.second.at_one

    @property
    def degrees(self) -> Degrees:
        return self.first.degrees + self.second.degrees

    @property
    def ends(self) -> tuple[End, End]:
        (a, b), (c, d) = self.first.ends, self.second.ends
        return a + c, b + d

    @property
    def amplification(self) -> float:
        return self._share * self.first.amplification + (1 - self._share) * self.second.amplification

    @property
    def error_bound(self) -> float:
        return self._share * self.first.error_bound + (1 - self._share) * self.second.error_bound

    @property
    def _share(self) -> float:
        """Of the first kernel at 1."""
        return self.first.at_one / self.at_one

    def _values(self, rho: Float[Tensor, ...]) -> Float[Tensor, ...]:
        return self.first._values(rho) + self.second._values(rho)

    def _complement(self, u: Array) -> Array:
        return np.asarray(self._share * self.first._complement(u) + (1 - self._share) * self.second._complement(u))

    def exact(self, x: Correlation) -> Number:
        return self.first.exact(x) + self.second.exact(x)

    def exact_at_one(self, x: Correlation) -> Number:
        return self.first.exact_at_one(x) + self.second.exact_at_one(x)


class Product(_Pair):
    """The product of two kernels."""

    @property
    def at_one(self) -> float:
        return self.first.at_one * self.second.at_one

    @property
    def degrees(self) -> Degrees:
        return self.first.degrees * self.second.degrees

    @property
    def ends(self) -> tuple[End, End]:
        (a, b), (c, d) = self.first.ends, self.second.ends
        return a * c, b * d

    @property
    def amplification(self) -> float:
        return self.first.amplification + self.second.amplification

    @property
    def error_bound(self) -> float:
        return self.first.error_bound + self.second.error_bound

    def _values(self, rho: Float[Tensor, ...]) -> Float[Tensor, ...]:
        return self.first._values(rho) * self.second._values(rho)

    def _complement(self, u: Array) -> Array:
        a, b = self.first._complement(u), self.second._complement(u)
        return np.asarray(a + b - a * b)

    def exact(self, x: Correlation) -> Number:
        return self.first.exact(x) * self.second.exact(x)

    def exact_at_one(self, x: Correlation) -> Number:
        return self.first.exact_at_one(x) * self.second.exact_at_one(x)
