"""Random features of compositional and of other dot-product kernels, as scikit-learn transformers.

(Liang, Tran-Bach 2020, arXiv:2004.04767: algorithm 2, and algorithm 1, which has directions on the sphere and Legendre
polynomials in place of Gaussian ones and Hermite's.)
"""

from __future__ import annotations

import hashlib
import warnings
from numbers import Integral
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from deepk.activations import Activation
from deepk.features.compressed import hermite_series, truncated
from deepk.kernels.composition import CompositionalKernel
from deepk.spectra.legendre import sphere_coefficients
from deepk.spectra.orthogonal import Series, gegenbauer_recurrence

_ROWS = 512  # at once: full speed of the matrix product
_MUCH = 0.1  # share of the kernel beyond the truncation, of which a user is warned


class _PolynomialFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """What both transformers share: unit rows, their products with random directions, polynomials of these, in blocks.

    A subclass's `fit` sets `random_weights_`, the directions, of shape (d, m), and `_series`, one function divided by
    sqrt(m).
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
        inputs = np.asarray(validate_data(self, X, dtype=[np.float64, np.float32], reset=False))
        weights = torch.from_numpy(self.random_weights_.astype(inputs.dtype)).to(self.device)
        features = np.empty((len(inputs), weights.shape[1]), inputs.dtype)
        for i in range(0, len(inputs), _ROWS):
            rows = np.array(inputs[i : i + _ROWS], order="C")  # a copy: the caller's may be read-only
            unit, zero = _unit(torch.from_numpy(rows).to(self.device))
            z = self._noise(rows).to(self.device) if self._series.noisy else None
            block = self._series(unit @ weights, z=z)[0]
            if zero.any():
                block[zero] = 0
            features[i : i + _ROWS] = block.numpy(force=True)
        return features

    def _noise(self, rows: Float[np.ndarray, "n d"]) -> Float[Tensor, "n m"]:
        """Standard normal numbers that are each row's own, whatever other rows are transformed beside it."""
        draws = np.empty((len(rows), self._n_features_out), rows.dtype)
        for row, draw in zip(rows, draws, strict=True):
            digest = hashlib.blake2b((row + 0).tobytes(), key=self._noise_key, digest_size=16).digest()
            np.random.Generator(np.random.SFC64(int.from_bytes(digest))).standard_normal(dtype=draws.dtype, out=draw)
        return torch.from_numpy(draws)

    def _checked(self, X: ArrayLike, truncation: int) -> int:
        """The number of columns of X; ValueError for it or for the parameters, in one line."""
        columns = validate_data(self, X, dtype=[np.float64, np.float32]).shape[1]
        for name, value, least in (("n_components", self.n_components, 1), ("truncation", truncation, 0)):
            if not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name} = {value} is not an integer >= {least}")
        return int(columns)

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
    towards rho = 1 the products of high Hermite polynomials have rare, huge values (`feature_deviation`). The
    paper's features are sqrt(m) times these: SGD with learning rate eta on those is SGD with m eta on these.

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

    def fit(self, X: ArrayLike, y: object = None) -> CompositionalFeatures:
        """Computes the compressed activation and draws the directions."""
        del y
        d = self._checked(X, self.truncation)
        kernel = CompositionalKernel(self.activation, self.depth, centered=self.centered)
        self.coefficients_, self.tail_mass_ = truncated(kernel, self.truncation)
        generator = check_random_state(self.random_state)
        self.random_weights_ = generator.standard_normal((d, self.n_components))
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

    def fit(self, X: ArrayLike, y: object = None) -> GegenbauerFeatures:
        """Computes the kernel's Legendre coefficients in the dimension of X and draws the directions."""
        del y
        d = self._checked(X, self.truncation)
        if d < 2:
            raise ValueError("n_features=1: the unit sphere of one dimension is two points")
        self.coefficients_, self.tail_mass_ = sphere_coefficients(self.kernel, d, self.truncation)
        theta = check_random_state(self.random_state).standard_normal((d, self.n_components))
        self.random_weights_ = theta / np.linalg.norm(theta, axis=0)
        scaled = np.sqrt(self.coefficients_ / self.n_components)
        self._series = Series(scaled[None], gegenbauer_recurrence(self.truncation, d))
        self._warn_of_tail(self.tail_mass_, "the kernel", self.truncation)
        return self


def _unit(rows: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n d"], Bool[Tensor, " n"]]:
    """Rows scaled to norm one, and which were zero, and stay so."""
    size = rows.abs().amax(dim=1, keepdim=True)
    zero = size == 0
    rows = rows / size.masked_fill(zero, 1)  # so that no square overflows
    return rows / rows.norm(dim=1, keepdim=True).masked_fill(zero, 1), zero[:, 0]
