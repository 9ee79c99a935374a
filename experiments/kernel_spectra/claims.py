"""What `kernel-spectra` claims: exponents of decay, their constants, who shares a space with whom, and three errata."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deepk.lab import Claim, Judging, absolute, exact, needs, only, present, rounding, share, values
from experiments.kernel_spectra import FEATURES, GAUSSIAN, LAPLACE, TANGENT, Config, named
from experiments.kernel_spectra.slopes import SHARES, Spectrum, limit
from experiments.published import deep_equals_shallow as paper
from experiments.published.deep_equals_shallow import COROLLARY_3, SLIDES, THEOREM_1

PARITIES = {"even": 0, "odd": 1}
RELU, STEP = "relu", "step"
STEEPER = -1.0  # by which a local slope falls from one octave of degrees to the next, of what falls faster than powers
EXPONENT = absolute(0.1, "less than half of 1/4, the smallest difference between two exponents that the slides compare")
CONSTANT = absolute(0.02, "constants of neighbouring depths differ by a fifth at least")
SERIES = share(1e-9, "squared Hermite coefficients are known to 1e-12 of the norm")
UNITS = absolute(0.01, "1 and 2, or 1/2, are further apart")


def claims(theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> list[Claim]:
    """Decay in each dimension, then what depth changes, smooth kernels, targets, and the slides' slips."""
    claim = Judging()
    for d in cfg.dimensions:
        _decay(claim, data, cfg, d)
        _constants(claim, theory, data, cfg, d)
        _growth_with_depth(claim, data, cfg, d)
        _same_space(claim, data, cfg, d)
        _steps_improve(claim, data, cfg, d)
    _smooth(claim, data, cfg)
    _zeros(claim, data)
    _taylor(claim, theory, data, cfg)
    _targets(claim, theory, data, cfg)
    _errata(claim, theory, data, cfg)
    return claim.claims


def _nu(kernel: str, layers: int) -> float:
    """The exponent that the slides give."""
    if kernel == LAPLACE:
        return paper.LAPLACE
    activation, kind = kernel.rsplit(" ", 1)
    if activation == STEP:
        return paper.step_nu(layers)
    return paper.RELU_FEATURES if kind == FEATURES else paper.RELU_TANGENT


def _exponent(kernel: str, layers: int, d: int) -> float:
    return 1 - d - 2 * _nu(kernel, layers)


def _printed_kernels(cfg: Config) -> list[tuple[str, int]]:
    """Those of which the slides give an exponent."""
    networks = [named(RELU, FEATURES), named(RELU, TANGENT), named(STEP, FEATURES)]
    return [*((kernel, layers) for kernel in networks for layers in cfg.layers), (LAPLACE, 0)]


def _label(kernel: str, layers: int) -> str:
    return f"{kernel.replace(' ', '-')}-{layers}" if layers else kernel


def _decay(claim: Judging, data: pd.DataFrame, cfg: Config, d: int) -> None:
    """The local slope at the highest degrees, by parity."""
    for kernel, layers in _printed_kernels(cfg):
        for word, parity in PARITIES.items():
            with claim.printed(
                f"decay/{_label(kernel, layers)}/{d}/{word}",
                f"eigenvalues of {word} degree of {kernel}{f', L = {layers},' if layers else ''} in dimension {d} fall "
                "like a power of the degree: which",
                THEOREM_1 if kernel.startswith(STEP) else COROLLARY_3,
                expected=_exponent(kernel, layers, d),
                resolution=EXPONENT,
            ) as finding:
                finding.gives(*limit(_slopes(data, kernel, layers, d, parity)))


def _slopes(data: pd.DataFrame, kernel: str, layers: int, d: int, parity: int) -> list[float]:
    found = Spectrum.of(data, kernel, layers, d, parity)
    return [found.slope(part) for part in SHARES]


def _constants(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config, d: int) -> None:
    """The constant of theorem 1, which it leaves open, beside the one in closed form; for nu = 1/2 and 3/2."""
    smoother = [(kernel, layers) for kernel, layers in _printed_kernels(cfg) if not kernel.startswith(STEP)]
    for kernel, layers in smoother:
        for word, parity in PARITIES.items():
            with claim.ours(
                f"constant/{_label(kernel, layers)}/{d}/{word}",
                f"logarithm of eigenvalues of {word} degree of {kernel}{f', L = {layers},' if layers else ''} in "
                f"dimension {d} over (c_1 +- c_-1) C(d, nu) (k + (d - 2) / 2)^(1 - d - 2 nu)",
                f"{THEOREM_1}, with C(d, nu) = 2^(nu+d-2) Gamma(d/2) Gamma(nu+(d-1)/2) / (sqrt(pi) Gamma(-nu))",
                expected=0.0,
                resolution=CONSTANT,
            ) as finding:
                found = Spectrum.of(data, kernel, layers, d, parity)
                ends = (only(theory, kernel=kernel, layers=layers, quantity=name) for name in ("c_1", "c_minus_1"))
                predicted = prefactor(_nu(kernel, layers), d) * float(np.dot([1, 1 - 2 * parity], [*ends]))
                exponent = _exponent(kernel, layers, d)
                finding.gives(*limit(log_quotient(found.constant(exponent, part), predicted) for part in SHARES))


def log_quotient(number: float, other: float) -> float:
    """Of which NaN where one is not positive; a wrong power of the degree moves it more than its tolerance."""
    return math.log(number / other) if min(number, other) > 0 else math.nan


def prefactor(nu: float, d: int) -> float:
    """C(d, nu)."""
    upper = 2 ** (nu + d - 2) * math.gamma(d / 2) * math.gamma(nu + (d - 1) / 2)
    return upper / (math.sqrt(math.pi) * math.gamma(-nu))


def _growth_with_depth(claim: Judging, data: pd.DataFrame, cfg: Config, d: int) -> None:
    """The mean over both parities of the constant, over that of two layers."""
    for kind, words in ((TANGENT, "quadratically, L (L - 1) / 2"), (FEATURES, "linearly, L - 1")):
        kernel = named(RELU, kind)
        for layers in (layers for layers in cfg.layers if layers > 2):
            with claim.printed(
                f"growth-with-depth/{_label(kernel, layers)}/{d}",
                f"the constant of {kernel}, averaged over parities, grows {words}: logarithm of L = {layers} over "
                f"L = 2, d = {d}",
                COROLLARY_3,
                expected=math.log(growth(kind, layers)),
                resolution=absolute(0.1, "a line and a parabola through L = 2 are further apart at L = 3"),
            ) as finding:
                one = Spectrum.of(data, kernel, 2, d, 0)
                several = [Spectrum.of(data, kernel, layers, d, parity) for parity in PARITIES.values()]
                exponent = _exponent(kernel, layers, d)
                both = (
                    log_quotient(sum(each.constant(exponent, part) for each in several), one.constant(exponent, part))
                    for part in SHARES
                )
                finding.gives(*limit(both))


def growth(kind: str, layers: float) -> float:
    """The coefficient c_1 of ReLU's kernel over that of two layers."""
    return layers * (layers - 1) / 2 if kind == TANGENT else layers - 1


def _same_space(claim: Judging, data: pd.DataFrame, cfg: Config, d: int) -> None:
    """Deep tangent kernels over Laplace's."""
    for layers in (layers for layers in cfg.layers if layers > 2):
        for word, parity in PARITIES.items():
            with claim.printed(
                f"same-decay-as-laplace/{layers}/{d}/{word}",
                f"eigenvalues of {word} degree of the tangent kernel, L = {layers}, over Laplace's, d = {d}: "
                "which power of the degree is left",
                f"{SLIDES}: NTKs have the same decay as Laplace kernels",
                expected=0.0,
                resolution=EXPONENT,
            ) as finding:
                tangent = Spectrum.of(data, named(RELU, TANGENT), layers, d, parity)
                laplace = Spectrum.of(data, LAPLACE, 0, d, parity)
                finding.gives(*limit(tangent.slope(part) - laplace.slope(part) for part in SHARES))


def _steps_improve(claim: Judging, data: pd.DataFrame, cfg: Config, d: int) -> None:
    """Networks of steps: each layer makes the decay slower; odd degrees, of which two layers have some."""
    kernel = named(STEP, FEATURES)
    for layers in (layers for layers in cfg.layers if layers + 1 in cfg.layers):
        with claim.printed(
            f"steps-improve-with-depth/{layers}/{d}",
            f"eigenvalues of {kernel} in dimension {d} fall more slowly with L = {layers + 1} than with {layers}: "
            "difference of the exponents",
            f"{SLIDES}: DNNs with the step activation improve with depth",
            ">=",
            0.0,
        ) as finding:
            (one, within_one), (two, within_two) = (
                limit(_slopes(data, kernel, each, d, 1)) for each in (layers, layers + 1)
            )
            finding.gives(two - one, within_one + within_two)


def _smooth(claim: Judging, data: pd.DataFrame, cfg: Config) -> None:
    """Local slopes of smooth kernels keep growing."""
    kernels = [
        (named(name, kind), layers) for name in cfg.smooth for kind in (FEATURES, TANGENT) for layers in cfg.layers
    ]
    for kernel, layers in [*kernels, (GAUSSIAN, 0)]:
        for d in cfg.dimensions:
            with claim.printed(
                f"faster-than-powers/{_label(kernel, layers)}/{d}",
                f"eigenvalues of {kernel}{f', L = {layers},' if layers else ''} in dimension {d} fall faster than any "
                "power: by how much the local exponent falls from one octave of degrees to the next",
                f"{SLIDES}: C-infinity activations",
                "<=",
                STEEPER,
            ) as finding:
                found = Spectrum.of(data, kernel, layers, d, _parity(data, kernel, layers, d))
                finding.gives(found.slope() - found.slope(0.5), exact("the eigenvalues have 16 digits"))


def _parity(data: pd.DataFrame, kernel: str, layers: int, d: int) -> int:
    """Of degrees that are not zero by symmetry: even ones, but of odd activations."""
    rows = present(data, kernel=kernel, layers=layers, dimension=d)
    return int((rows[(rows["degree"] % 2 == 0) & (rows["degree"] > 2)]["eigenvalue"] == 0).all())


def _zeros(claim: Judging, data: pd.DataFrame) -> None:
    """What symmetry forbids is exactly zero."""
    for kernel, parity in ((named(RELU, FEATURES), 1), (named(RELU, TANGENT), 1), (named(STEP, FEATURES), 0)):
        word = [*PARITIES][parity]
        with claim.printed(
            f"zeros/{kernel.replace(' ', '-')}",
            f"{kernel} of two layers has no eigenvalue of {word} degree above 2: the largest of all dimensions",
            THEOREM_1,
            "<=",
            0.0,
        ) as finding:
            rows = present(data, kernel=kernel, layers=2)
            high = rows[(rows["degree"] > 2) & (rows["degree"] % 2 == parity)]
            finding.gives(float(high["eigenvalue"].abs().max()), exact("zero by symmetry, and not by a threshold"))


def _taylor(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """kappa(u) = sum a_i^2 u^i, on the sphere."""
    d = cfg.dimensions[0]
    for activation in cfg.smooth:
        kernel = named(activation, FEATURES)
        with claim.ours(
            f"from-hermite-coefficients/{activation}",
            f"sum of the low eigenvalues of {kernel}, L = 2, d = {d}, and of those that the squared Hermite "
            "coefficients a_i^2 give: their quotient",
            f"{SLIDES}: kappa(u) = sum a_i^2 u^i",
            expected=1.0,
            resolution=SERIES,
        ) as finding:
            by_series = values(theory, kernel=kernel, quantity="by Taylor")
            rows = present(data, kernel=kernel, layers=2, dimension=d).sort_values("degree")
            by_integrals = rows["eigenvalue"].to_numpy(float)[: len(by_series)]
            quotient = by_integrals.sum() / by_series.sum()
            finding.gives(quotient, rounding(1e-10, "of the coefficients, 1e-12 each"))


def _targets(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """abs(<x, w>)^s: the exponent of the terms of its squared norm, finite below -1: at every depth, or none."""
    d, s = cfg.dimensions[0], cfg.target_power
    for kind in (FEATURES, TANGENT):
        kernel = named(RELU, kind)
        for layers in cfg.layers:
            with claim.ours(
                f"norm-of-a-power/{_label(kernel, layers)}",
                f"abs(<x, w>)^{s:g} in the space of {kernel}, L = {layers}, d = {d}: power of the degree with which "
                "the terms of its squared norm change",
                f"{THEOREM_1}: terms k^(d - 2 s - 3 + 2 nu), a finite norm below -1",
                expected=d - 2 * s - 3 + 2 * _nu(kernel, layers),
                resolution=EXPONENT,
            ) as finding:
                found = Spectrum.of(data, kernel, layers, d, 0)
                parts = present(theory, kernel="target power", quantity="part").set_index("degree")["value"]
                terms = parts.loc[found.degrees].to_numpy(float) ** 2 / found.eigenvalues
                each = Spectrum(found.degrees, terms, d)
                finding.gives(*limit(each.slope(part) for part in SHARES))


def _errata(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    """Where the slides' formulas take a factor of two, or a sign."""
    for activation in (RELU, STEP):
        with claim.printed(
            f"kappa-at-one/{activation}",
            f"E sigma(Z)^2 of {activation}, which is kappa(1)",
            f"{SLIDES}: kappa_0 and kappa_1 as E sigma(w.x) sigma(w.y), w ~ N(0, I)",
            expected=paper.AT_ONE,
            published=paper.PRINTED_AT_ONE,
            resolution=UNITS,
            explanation="kappa_0 and kappa_1 are twice the kernels of step and ReLU",
        ) as finding:
            needs(len(data), "nothing is measured yet")
            moment = only(theory, kernel=named(activation, FEATURES), quantity="second moment")
            finding.gives(moment, rounding(1e-12, "of the integral"))
    with claim.printed(
        "weight-variance",
        "n Var W of the weights with which kappa_1 is the kernel of a ReLU layer of n units",
        f"{SLIDES}: W ~ N(0, 1/n)",
        expected=paper.WEIGHT_VARIANCE,
        published=paper.PRINTED_WEIGHT_VARIANCE,
        resolution=UNITS,
        explanation="with 1/n each layer halves the kernel",
    ) as finding:
        needs(len(data), "nothing is measured yet")
        moment = only(theory, kernel=named(RELU, FEATURES), quantity="second moment")
        finding.gives(1 / moment, rounding(1e-11, "of the integral"))
    _condition(claim, theory, data, cfg)


def _condition(claim: Judging, theory: pd.DataFrame, data: pd.DataFrame, cfg: Config) -> None:
    kernel, d = named(RELU, TANGENT), cfg.dimensions[0]
    with claim.printed(
        "condition-for-even-degrees",
        f"of {kernel}, L = 2, the coefficient of the even eigenvalues, which theorem 1 asks not to vanish",
        f"{THEOREM_1}: c_1 - c_-1 in the slides; it is c_1 + c_-1",
        resolution=share(0.1, "zero is further"),
        explanation="the slides' condition c_1 != c_-1 for even k should read c_1 != -c_-1",
    ) as finding:
        needs(2 in cfg.layers, "layers without 2")
        c_1, c_minus_1 = (only(theory, kernel=kernel, layers=2, quantity=name) for name in ("c_1", "c_minus_1"))
        finding.expects(c_1 + c_minus_1, published=c_1 - c_minus_1)
        found = Spectrum.of(data, kernel, 2, d, 0)
        exponent, scale = _exponent(kernel, 2, d), prefactor(paper.RELU_TANGENT, d)
        finding.gives(*limit(found.constant(exponent, part) / scale for part in SHARES))
