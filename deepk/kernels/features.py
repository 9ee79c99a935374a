"""Random features of compositional and of other dot-product kernels, as scikit-learn transformers.

L layers of an activation, compressed into one: with K(rho) = sum alpha_k rho^k, f = sum sqrt(alpha_k) h_k and Gaussian
directions theta, K(<x, y>) = E f(<x, theta>) f(<y, theta>) on unit vectors (Liang, Tran-Bach 2020, arXiv:2004.04767,
algorithm 2; algorithm 1 has directions on the sphere, and Legendre polynomials in place of Hermite's).
"""

from __future__ import annotations

import hashlib
import math
import warnings
from operator import index
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from deepk import activations
from deepk.activations import Activation
from deepk.kernels.composition import CompositionalKernel
from deepk.kernels.dual import dual_kernel
from deepk.kernels.orthogonal import (
    Series,
    gegenbauer_recurrence,
    hermite_recurrence,
    legendre_coefficients,
    orthonormal,
    projected_coefficients,
)

_ROWS = 512  # at once: full speed of the matrix product
_MUCH = 0.1  # share of the kernel beyond the truncation, of which a user is warned
_TAYLOR = 1024  # degree to which a kernel's Taylor coefficients are asked for, if it has them
_PLANE = 400  # nodes on each axis: ten digits at |rho| = 0.9
_UNCERTAIN = 1e-6  # of the largest value of a kernel: Legendre coefficients less certain than this are refused


class _PolynomialFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """What both transformers share: unit rows, their products with random directions, polynomials of these, in blocks.

    A subclass's `fit` sets `random_weights_`, the directions, of shape (d, m), and `_series`, a `Series` of one function
    divided by sqrt(m).
    """

    n_components: int
    device: str
    random_weights_: Float[np.ndarray, "d m"]
    _series: Series
    _noise_key: bytes

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Features of the directions of the rows, (n, m), in float32 for float32 and else in float64.

        A row of zeros has no direction, and zero features. Computed in blocks on the device; takes little memory beside
        its result. Raises ValueError for entries that are not finite, or another number of columns than in `fit`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        weights = torch.from_numpy(self.random_weights_.astype(X.dtype)).to(self.device)
        features = np.empty((len(X), weights.shape[1]), X.dtype)
        for i in range(0, len(X), _ROWS):
            rows = np.array(X[i : i + _ROWS], order="C")  # a copy: the caller's may be read-only
            unit, zero = _unit(torch.from_numpy(rows).to(self.device))
            z = self._noise(rows).to(self.device) if self._series.noisy else None
            block = self._series(unit @ weights, z=z)[0]
            block[zero] = 0
            features[i : i + _ROWS] = block.numpy(force=True)
        return features

    def _noise(self, rows: Float[np.ndarray, "n d"]) -> Float[Tensor, "n m"]:
        """Standard normal numbers that are each row's own, whatever other rows are transformed beside it."""
        draws = np.empty((len(rows), self._n_features_out), rows.dtype)
        for row, draw in zip(rows, draws, strict=True):
            digest = hashlib.blake2b(row.tobytes(), key=self._noise_key, digest_size=16).digest()
            np.random.Generator(np.random.SFC64(int.from_bytes(digest))).standard_normal(dtype=draws.dtype, out=draw)
        return torch.from_numpy(draws)

    def _checked(self, X: ArrayLike, truncation: int) -> np.ndarray:
        """X as an array; ValueError for it or for the parameters, in one line."""
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        for name, value, least in (("n_components", self.n_components, 1), ("truncation", truncation, 0)):
            if index(value) < least:
                raise ValueError(f"{name} = {value} is not at least {least}")
        return X

    def _warn_of_tail(self, share: float, kernel: str, truncation: int) -> None:
        if share > _MUCH:
            warnings.warn(
                f"{share:.0%} of {kernel} is beyond degree {truncation}, and missing in its features: "
                "take a larger truncation, or fewer layers",
                stacklevel=3,
            )

    @property
    def _n_features_out(self) -> int:
        return int(self.random_weights_.shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class CompositionalFeatures(_PolynomialFeatures):
    """Random features of `CompositionalKernel`: phi(x) . phi(y) is an unbiased estimate of K^(L), truncated.

        phi_j(x) = f(<x, theta_j>) / sqrt(m),   f = sum_{k <= truncation} sqrt(alpha_k) h_k,   theta_j ~ N(0, I)

    with x scaled to norm one, alpha_k = P(Z_L = k) the Taylor coefficients of K^(L), and h_k normalized Hermite
    polynomials. The estimate's standard deviation falls like m^(-1/2). It is moderate for inputs that are not alike;
    towards rho = 1 the products of high Hermite polynomials have rare, huge values (`feature_deviation`). Divided by
    sqrt(m) they are 1/sqrt(m) times the paper's, so that SGD on these with learning rate m eta is SGD on those with eta.

    Args:
        activation: a known name, or an `Activation`.
        depth: L >= 1.
        n_components: m.
        truncation: the highest degree; the paper's is 20.
        centered: whether sigma - E sigma takes the place of sigma.
        ridge_noise: adds to phi_j(x) the square root of the missing share of the kernel times independent standard
            normal noise over sqrt(m): "implicit regularization", which restores E |phi(x)|^2 = 1 and changes no other
            entry of the Gram matrix in expectation. The noise of a row is its own, and the same in each call.
        random_state: an int, a `numpy.random.RandomState`, or None, as in scikit-learn.
        device: of the computation, "cpu" or "cuda" say; the result is a NumPy array.

    Attributes:
        coefficients_: alpha_0..alpha_truncation.
        tail_mass_: 1 - sum of these, the share of the kernel that is left out. `fit` warns where it is above 10 %.
        random_weights_: theta, of shape (d, m).

    `fit` looks at the number of columns alone. Raises ValueError as `CompositionalKernel` does, for n_components < 1 or
    a negative truncation.
    """

    coefficients_: Float[np.ndarray, " terms"]
    tail_mass_: float

    def __init__(
        self,
        activation: str | Activation = "relu",
        depth: int = 2,
        n_components: int = 1024,
        *,
        truncation: int = 20,
        centered: bool = False,
        ridge_noise: bool = False,
        random_state: Any = None,
        device: str = "cpu",
    ) -> None:
        """Keeps its arguments as they are; `fit` looks at them."""
        self.activation = activation
        self.depth = depth
        self.n_components = n_components
        self.truncation = truncation
        self.centered = centered
        self.ridge_noise = ridge_noise
        self.random_state = random_state
        self.device = device

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Computes the compressed activation and draws the directions."""
        X = self._checked(X, self.truncation)
        kernel = CompositionalKernel(self.activation, self.depth, centered=self.centered)
        self.coefficients_, self.tail_mass_ = truncated(kernel, self.truncation)
        generator = check_random_state(self.random_state)
        self.random_weights_ = generator.standard_normal((X.shape[1], self.n_components))
        self._noise_key = generator.bytes(16)
        missing = np.array([self.tail_mass_]) if self.ridge_noise else None
        self._series = hermite_series(self.coefficients_[None], noise=missing, scale=self.n_components**-0.5)
        self._warn_of_tail(self.tail_mass_, f"the kernel of {self.depth} layers of {kernel.dual.name}", self.truncation)
        return self


class GegenbauerFeatures(_PolynomialFeatures):
    """Random features of any positive-definite dot-product kernel f(<x, y>) on the unit sphere in R^d.

        phi_j(x) = sum_{k <= truncation} sqrt(lambda_k N(d, k)) P_k(<x, theta_j>) / sqrt(m),  theta_j uniform on it

    where f = sum lambda_k P_k in the Legendre (Gegenbauer) polynomials of dimension d, P_k(1) = 1, and N(d, k) is the
    number of spherical harmonics of degree k; phi(x) . phi(y) is an unbiased estimate of f, truncated (Liang, Tran-Bach
    2020, algorithm 1). Rows are scaled to norm one.

    Args:
        kernel: f. Best given by its Taylor coefficients: as an array of them, all >= 0, or as an object with a method
            `coefficients(degree)`, such as a `CompositionalKernel`; they give lambda_k without cancellation in every
            dimension. The name of an activation, or an `Activation`, stands for its dual kernel. A function of an array
            of correlations is integrated against P_k, which amplifies its roundings by sqrt(N(d, k)).
        n_components: m.
        truncation: the highest degree.
        random_state: as in scikit-learn.
        device: of the computation.

    Attributes:
        coefficients_: lambda_0..lambda_truncation, in the dimension of X.
        tail_mass_: f(1) less the sum of these, over f(1). `fit` warns where it is above 10 %.
        random_weights_: theta, of shape (d, m).

    Raises ValueError for a kernel with a negative coefficient, which is not positive definite; for a function whose
    coefficients cannot be told to 1e-6 in this dimension; and for a single column.
    """

    coefficients_: Float[np.ndarray, " terms"]
    tail_mass_: float

    def __init__(
        self,
        kernel: Any,
        n_components: int = 1024,
        *,
        truncation: int = 20,
        random_state: Any = None,
        device: str = "cpu",
    ) -> None:
        """Keeps its arguments as they are; `fit` looks at them."""
        self.kernel = kernel
        self.n_components = n_components
        self.truncation = truncation
        self.random_state = random_state
        self.device = device

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Computes the kernel's Legendre coefficients in the dimension of X and draws the directions."""
        X = self._checked(X, self.truncation)
        d = X.shape[1]
        if d < 2:
            raise ValueError("n_features=1: the unit sphere of one dimension is two points")
        self.coefficients_, self.tail_mass_ = sphere_coefficients(self.kernel, d, self.truncation)
        theta = check_random_state(self.random_state).standard_normal((d, self.n_components))
        self.random_weights_ = theta / np.linalg.norm(theta, axis=0)
        scaled = np.sqrt(self.coefficients_ / self.n_components)
        self._series = Series(scaled[None], gegenbauer_recurrence(self.truncation, d))
        self._warn_of_tail(self.tail_mass_, "the kernel", self.truncation)
        return self


# --- series -----------------------------------------------------------------------------------------------------------


def truncated(kernel: CompositionalKernel, truncation: int) -> tuple[Float[np.ndarray, " terms"], float]:
    """alpha_0..alpha_truncation, and the share of the kernel beyond."""
    alpha = kernel.coefficients(truncation)
    return alpha, max(0.0, 1 - float(alpha.sum()))


def hermite_series(
    alpha: Float[np.ndarray, "functions degree+1"],
    *,
    noise: Float[np.ndarray, " functions"] | None = None,
    scale: float = 1.0,
) -> Series:
    """The compressed activations scale sum_k sqrt(alpha_rk) h_k; with `noise`, plus scale sqrt(noise_r) z."""
    amplitudes = None if noise is None else scale * np.sqrt(noise)
    return Series(scale * np.sqrt(alpha), hermite_recurrence(alpha.shape[1] - 1), noise=amplitudes)


def feature_deviation(alpha: Float[np.ndarray, " terms"], rho: float, *, within: float | None = None) -> float:
    """Standard deviation of f(U) f(V), U and V standard normal of correlation rho: of the product of one feature.

    A kernel estimate of m features has this deviation over sqrt(m). By Mehler's formula E f(U)^2 f(V)^2 = sum_j e_j^2
    rho^j with the Hermite coefficients e_j of the polynomial f^2; all digits are there, however large it is.

    Much of it may rest on values too rare to be seen. With `within`, values of |U| or |V| beyond that count as zero: at
    the c for which P(|U| > c) = 1/N it is about what N features show. |rho| < 1 then.
    """
    degree = len(alpha) - 1
    mean = float(alpha @ rho ** np.arange(degree + 1.0))
    if within is None:
        nodes, weights = hermegauss(2 * degree + 1)  # exact to degree 4 degree + 1, that of f^2 h_(2 degree)
        h = orthonormal(nodes, hermite_recurrence(2 * degree))
        e = h @ (weights / weights.sum() * (np.sqrt(alpha) @ h[: degree + 1]) ** 2)
        return math.sqrt(e**2 @ rho ** np.arange(2 * degree + 1.0) - mean**2)
    nodes, weights = leggauss(_PLANE)
    u = within * nodes
    f = np.sqrt(alpha) @ orthonormal(u, hermite_recurrence(degree))
    inner = (u[:, None] ** 2 - 2 * rho * np.outer(u, u) + u**2) / (1 - rho**2)
    density = np.exp(-inner / 2) / (2 * math.pi * math.sqrt(1 - rho**2)) * within**2
    return math.sqrt(max(0.0, float((weights * f**2) @ density @ (weights * f**2)) - mean**2))


def sphere_coefficients(kernel: Any, dimension: int, degree: int) -> tuple[Float[np.ndarray, " terms"], float]:
    """lambda_0..lambda_degree of `GegenbauerFeatures`, and the share of f(1) beyond; ValueError as there."""
    if isinstance(kernel, str | Activation):
        kernel = dual_kernel(activations.get(kernel), False)
    if callable(kernel) and not hasattr(kernel, "coefficients"):
        found, uncertain = projected_coefficients(kernel, dimension, degree)
        at_one = float(np.asarray(kernel(np.ones(1)), np.float64)[0])
        if uncertain[-1] > _UNCERTAIN * abs(at_one):
            enough = int(np.flatnonzero(uncertain <= _UNCERTAIN * abs(at_one)).max(initial=0))
            raise ValueError(
                f"degree {degree} of a kernel in dimension {dimension} cannot be told from its values: "
                f"give its Taylor coefficients, or truncation={enough}"
            )
    else:
        has_method = hasattr(kernel, "coefficients")
        taylor = np.asarray(kernel.coefficients(max(_TAYLOR, degree)) if has_method else kernel, np.float64)
        if taylor.ndim != 1 or not len(taylor) or not np.isfinite(taylor).all():
            raise ValueError("kernel is neither a function nor a sequence of finite Taylor coefficients")
        at_one, uncertain = (1.0 if has_method else float(taylor.sum())), np.zeros(degree + 1)
        if not has_method and taylor.min() < 0:
            raise ValueError(f"Taylor coefficient {taylor.min():g} is negative: the kernel is not positive definite")
        found = legendre_coefficients(taylor, dimension, degree)
    k = int(np.argmin(found + uncertain))
    if found[k] < -uncertain[k]:
        raise ValueError(f"the kernel is not positive definite: its Legendre coefficient {k} is {found[k]:.2g}")
    found = np.maximum(found, 0.0)
    return found, max(0.0, 1 - float(found.sum()) / at_one)


def _unit(rows: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n d"], Bool[Tensor, " n"]]:
    """Rows scaled to norm one, and which were zero, and stay so."""
    size = rows.abs().amax(dim=1, keepdim=True)
    zero = size == 0
    rows = rows / size.masked_fill(zero, 1)  # so that no square overflows
    return rows / rows.norm(dim=1, keepdim=True).masked_fill(zero, 1), zero[:, 0]


# --- many feature maps at once ----------------------------------------------------------------------------------------


class FeatureMaps:
    """R compressed activations of the same products, for each of S draws of directions: made for the rows asked for.

    What is kept is <x_i, theta_j>, so R feature maps take the memory of one.
    """

    def __init__(
        self,
        x: Float[Tensor, "n d"],
        directions: Float[Tensor, "draws d m"],
        series: Series,
        noise: Float[Tensor, "draws n m"] | None = None,
    ) -> None:
        """Takes unit rows, and standard normal numbers for z if the series has noise."""
        self._series = series
        self._products = torch.stack([x @ theta for theta in directions])  # (S, n, m)
        self._noise = noise
        self._buffer = x.new_empty(0)

    def __call__(
        self, rows: Int[Tensor, "draws batch"], *, maps: slice = slice(None)
    ) -> Float[Tensor, "maps draws batch m"]:
        """The features of row `rows[s, i]` under draw s, of all maps or some. The next call writes to the same memory."""
        draws, n, m = self._products.shape
        chosen = (rows + n * torch.arange(draws, device=rows.device)[:, None]).ravel()
        x, z = (
            None if one is None else one.view(draws * n, m).index_select(0, chosen)
            for one in (self._products, self._noise)
        )
        assert x is not None  # noqa: S101 - the products are there
        series = self._series[maps]
        shape = (len(series), len(chosen), m)
        if self._buffer.shape != shape:
            self._buffer = x.new_empty(shape)
        return series(x, z=z, out=self._buffer).view(len(series), draws, rows.shape[1], m)
