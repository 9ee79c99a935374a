"""Normalized dual kernels and their compositions in numbers of any kind, for activations whose kernel is known exactly.

`ExactDual` is one layer; a kernel of depth L is L steps of it, from a correlation to the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import flint
from flint import arb

from deepk.kernels.arithmetic import Correlation, Number
from deepk.kernels.closed_forms import Form, closed_form
from deepk.kernels.dual import DualKernel
from deepk.kernels.precise import Digits, Series
from deepk.kernels.smooth import most_digits_of_series, smooth_form, terms_of_precision


@dataclass(frozen=True, eq=False)
class ExactDual:
    """G(c) = (E sigma(X) sigma(Y) - m^2) / (E sigma^2 - m^2), m = E sigma if centered and 0 otherwise.

    Attributes:
        form: E sigma(X) sigma(Y).
        center: m^2.
        variance: E sigma^2 - m^2.
    """

    form: Form
    center: arb
    variance: arb

    def kernel(self, x: Correlation) -> Correlation:
        """G, the next layer's correlation."""
        return x.next((self.form.kernel(x) - self.center) / self.variance)

    def slope(self, x: Correlation) -> Number:
        """G'."""
        return self.form.slope(x) / self.variance

    @property
    def mu(self) -> arb:
        """G'(1)."""
        found: arb = self.slope(Digits.at(arb(0)))
        return found


def exact_dual(dual: DualKernel, x: Correlation) -> ExactDual:
    """The kernel for numbers of the kind of x, at the precision and length that are set.

    Raises ValueError for an activation with a kink and no closed form, and for a number of many digits where Hermite
    coefficients are known in float64 alone.
    """
    if not (isinstance(x, Series) or dual.activation.breaks or most_digits(dual)):
        raise ValueError(f"the kernel of {dual.name} is known in float64, and not to more digits")
    length = flint.ctx.cap if isinstance(x, Series) else terms_of_precision(dual.activation)
    return _exact(dual, length, flint.ctx.prec)


@lru_cache(maxsize=64)
def _exact(dual: DualKernel, terms: int, bits: int) -> ExactDual:
    del bits  # the precision at which the constants are computed
    form: Form = closed_form(dual.activation) or smooth_form(dual.activation, terms)
    center = form.kernel(Digits.at(arb.pi() / 2)) if dual.centered else arb(0)
    return ExactDual(form, center, form.kernel(Digits.at(arb(0))) - center)


def most_digits(dual: DualKernel) -> float:
    """To how many digits the kernel is known at a number."""
    return math.inf if dual.is_closed else most_digits_of_series(dual.activation)
