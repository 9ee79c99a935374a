"""kernel-spectra: targets against integrals, and what its claims conclude from made tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest
import smoke

from deepk.lab import Claim, Verdict, only
from experiments.kernel_spectra import COLUMNS, TARGETS
from experiments.kernel_spectra.claims import claims, growth, prefactor
from experiments.kernel_spectra.kernels import kernels
from experiments.kernel_spectra.slopes import SHARES, limit
from experiments.kernel_spectra.theory import predict, target_parts

Change = Callable[[str, int, int, np.ndarray], Any]


def compose(scale: str, *overrides: str) -> Any:
    return smoke.compose("kernel-spectra", scale, *overrides)


@pytest.fixture(scope="module")
def cfg() -> Any:
    return compose("smoke", "layers=[2,3,4]", "degree=200", "kinked=[relu,step]")


@pytest.fixture(scope="module")
def theory(cfg: Any) -> pd.DataFrame:
    return predict(cfg)


def tables(cfg: Any, theory: pd.DataFrame, factor: Change = lambda *_: 1.0) -> pd.DataFrame:
    """Eigenvalues that are theorem 1 to the letter, times a factor of (kernel, layers, dimension, degrees)."""
    rows = []
    for name, layers in kernels(cfg):
        nu, c_1, c_minus_1 = (
            only(theory, kernel=name, layers=layers, quantity=end) for end in ("nu", "c_1", "c_minus_1")
        )
        for d in cfg.dimensions:
            k = np.arange(1, cfg.degrees(name, d) + 1)
            if math.isinf(nu):
                mu = np.exp(-k.astype(float))
            else:
                sign = np.where(k % 2, c_1 - c_minus_1, c_1 + c_minus_1)
                mu = np.round(sign, 12) * prefactor(nu, d) * (k + (d - 2) / 2) ** (1 - d - 2 * nu)
            mu = mu * factor(name, layers, d, k)
            rows += [(name, layers, d, degree, value, value, 0.0) for degree, value in zip(k, mu, strict=True)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def judged(cfg: Any, theory: pd.DataFrame, data: pd.DataFrame) -> dict[str, Claim]:
    return {claim.name: claim for claim in claims(theory, data, cfg)}


def verdicts(found: dict[str, Claim], start: str) -> set[Verdict]:
    return {claim.verdict for name, claim in found.items() if name.startswith(start)}


def legendre(d: int, k: int, t: mpmath.mpf) -> mpmath.mpf:
    """P_k of dimension d: (j + d - 2) P_(j+1) = (2j + d - 2) t P_j - j P_(j-1)."""
    before, p = mpmath.mpf(0), mpmath.mpf(1)
    for j in range(k):
        before, p = p, ((2 * j + d - 2) * t * p - j * before) / (j + d - 2)
    return p


@pytest.mark.parametrize("k", [0, 1, 2, 5])
@pytest.mark.parametrize("d", [3, 10])
@pytest.mark.parametrize("target", TARGETS)
def test_targets_are_expanded_as_mpmath_integrates_them(target: str, d: int, k: int) -> None:
    cfg = compose("smoke")
    g, cuts = {
        "bump": (lambda _: mpmath.mpf(1), [mpmath.mpf(cfg.target_height), 1]),
        "power": (lambda t: abs(t) ** cfg.target_power, [-1, 0, 1]),
        "exponential": (mpmath.exp, [-1, 1]),
    }[target]
    constant = mpmath.gamma(mpmath.mpf(d) / 2) / (mpmath.sqrt(mpmath.pi) * mpmath.gamma(mpmath.mpf(d - 1) / 2))
    eigenvalue = constant * mpmath.quad(
        lambda t: g(t) * legendre(d, k, t) * (1 - t * t) ** (mpmath.mpf(d - 3) / 2), cuts
    )
    count = 1 if k == 0 else (2 * k + d - 2) * math.comb(k + d - 3, d - 2) // k
    exact = float(mpmath.sqrt(count) * abs(eigenvalue))
    # The volume of the cap is by a trapezoidal rule of 20,000 steps.
    assert target_parts(cfg, target, d, 8)[k] == pytest.approx(exact, rel=1e-8, abs=1e-12)


def test_eigenvalues_that_follow_theorem_1_are_reproduced(cfg: Any, theory: pd.DataFrame) -> None:
    found = judged(cfg, theory, tables(cfg, theory))
    comparable = {name: claim.verdict for name, claim in found.items() if claim.verdict != Verdict.NOT_COMPARABLE}
    wrong = {name for name, verdict in comparable.items() if verdict not in (Verdict.REPRODUCED, Verdict.ERRATUM)}
    # made tables know nothing of low degrees, which a Taylor series does
    assert wrong == {"from-hermite-coefficients/gelu"}
    assert len(comparable) > 100


def test_parities_that_vanish_are_not_judged(cfg: Any, theory: pd.DataFrame) -> None:
    found = judged(cfg, theory, tables(cfg, theory))
    for name in ("relu-nngp-2/3/odd", "relu-ntk-2/4/odd", "step-nngp-2/3/even"):
        assert found[f"decay/{name}"].verdict is Verdict.NOT_COMPARABLE


@pytest.mark.parametrize("power", [-2.0, -0.5, 0.5, 2.0])
def test_another_power_of_the_degree_differs(cfg: Any, theory: pd.DataFrame, power: float) -> None:
    data = tables(cfg, theory, lambda name, layers, _, k: k**power if name == "relu ntk" and layers == 3 else 1.0)
    found = judged(cfg, theory, data)
    for start in (
        "decay/relu-ntk-3/",
        "constant/relu-ntk-3/",
        "same-decay-as-laplace/3/",
        "growth-with-depth/relu-ntk-3",
    ):
        assert verdicts(found, start) == {Verdict.DIFFERS}, start
    assert verdicts(found, "decay/relu-ntk-4/") == {Verdict.REPRODUCED}


def test_a_constant_that_grows_linearly_is_not_quadratic(cfg: Any, theory: pd.DataFrame) -> None:
    data = tables(cfg, theory, lambda name, layers, *_: 2 / layers if name == "relu ntk" else 1.0)
    found = judged(cfg, theory, data)
    assert verdicts(found, "growth-with-depth/relu-ntk") == {Verdict.DIFFERS}
    assert verdicts(found, "growth-with-depth/relu-nngp") == {Verdict.REPRODUCED}
    assert verdicts(found, "decay/relu-ntk") <= {Verdict.REPRODUCED, Verdict.NOT_COMPARABLE}  # the power is the same


def test_the_coefficients_of_depth_are_those_of_the_expansions(theory: pd.DataFrame) -> None:
    for kind in ("ntk", "nngp"):
        c_1 = {n: only(theory, kernel=f"relu {kind}", layers=n, quantity="c_1") for n in (2, 3, 4)}
        assert [c_1[n] / c_1[2] for n in (2, 3, 4)] == pytest.approx([growth(kind, n) for n in (2, 3, 4)], rel=1e-12)


def test_a_smooth_kernel_that_falls_like_a_power_differs(cfg: Any, theory: pd.DataFrame) -> None:
    data = tables(cfg, theory, lambda name, _layers, _d, k: np.exp(k) * k**-8.0 if name == "gelu ntk" else 1.0)
    found = judged(cfg, theory, data)
    assert verdicts(found, "faster-than-powers/gelu-ntk") == {Verdict.DIFFERS}
    assert verdicts(found, "faster-than-powers/gelu-nngp") == {Verdict.REPRODUCED}


def test_one_false_eigenvalue_where_a_zero_belongs_differs(cfg: Any, theory: pd.DataFrame) -> None:
    data = tables(cfg, theory)
    row = data[(data["kernel"] == "relu ntk") & (data["layers"] == 2) & (data["degree"] == 7)].index[0]
    data.loc[row, "eigenvalue"] = 1e-19
    assert judged(cfg, theory, data)["zeros/relu-ntk"].verdict is Verdict.DIFFERS


@pytest.mark.parametrize("power", [0.5, 0.75, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("top", [40, 1000])
def test_what_converges_with_the_degree_is_within_its_tolerance_of_the_limit(power: float, top: int) -> None:
    at, within = limit(1.0 + 3.0 * (share * top) ** -power for share in SHARES)
    assert abs(at - 1.0) <= within.width


def test_a_number_that_does_not_converge_is_no_excuse_for_itself() -> None:
    _, within = limit([-500.0, -250.0, -125.0])
    assert within.width == pytest.approx(0.5)


def test_a_number_that_turns_is_as_far_as_its_change_before() -> None:
    at, within = limit([1.1, 1.1, 1.2])
    assert (at, within.width) == (1.1, pytest.approx(3 * 0.1 / math.sqrt(2)))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["high_dimension=4"], "high_dimension"),
        (["smooth=[relu]"], "smooth"),
        (["target_power=2.0"], "target_power"),
        (["layers=[1]"], "layers"),
    ],
)
def test_what_does_not_go_together_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compose("smoke", *words)
