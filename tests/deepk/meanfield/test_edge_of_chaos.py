"""The edge of chaos: points of the papers' activations, chi_1 = 1 on it, its limits, and where there is none."""

import math

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from deepk import activations
from deepk.activations import Activation
from deepk.gaussian import expectation
from deepk.meanfield import chi_1, edge_of_chaos, limiting_variance
from deepk.meanfield.maps import second_moment, slope_second_moment

# The iteration stops at a relative step of 1e-13, and contracts by 0.99 at the slowest of the points below (shifted
# softplus at sigma_b = 0.0238): the steps not taken sum to a hundred such.
SOLVED = 1e-11

PHI = {name: activations.get(name) for name in activations.NAMES} | {
    "swish": Activation("swish", functional.silu),
    "gelu": Activation("gelu", functional.gelu),
}

# sigma_b, sigma_w, q, recomputed independently by quadrature to the digits printed here. At sigma_b = 1 the digits of q
# come from 30-digit arithmetic: 21.77754992 and 39.39459122.
POINTS = [
    ("tanh", 0.05, "1.12254", ".15369"),
    ("tanh", 0.1, "1.19340", ".27330"),
    ("tanh", 0.2, "1.30415", ".51208"),
    ("tanh", 0.3, "1.39558", ".76347"),
    ("tanh", 0.5, "1.54967", "1.31794"),
    ("tanh", 1.0, "1.85559", "3.03640"),
    ("tanh", 2.0, "2.32502", "7.94751"),
    ("tanh", 5.0, "3.33369", "34.624"),
    ("elu", 0.05, "1.13187", ".18917"),
    ("elu", 0.1, "1.17615", ".43783"),
    ("elu", 0.2, "1.22925", "1.10693"),
    ("elu", 0.3, "1.26311", "2.03454"),
    ("elu", 0.5, "1.30611", "4.88663"),
    ("elu", 1.0, "1.35798", "21.7775"),
    ("swish", 0.05, "1.90501", ".11363"),
    ("swish", 0.1, "1.82005", ".25971"),
    ("swish", 0.2, "1.67953", ".68945"),
    ("swish", 0.3, "1.57562", "1.39959"),
    ("swish", 0.5, "1.45695", "4.42808"),
    ("swish", 1.0, "1.40251", "39.395"),
]
# q, sigma_b, sigma_w, of the same source, listed there by q.
POINTS_BY_Q = [
    ("shifted-softplus", 0.1, ".0238", "1.9766"),
    ("shifted-softplus", 0.3, ".0658", "1.9374"),
    ("shifted-softplus", 1.0, ".1763", "1.8462"),
    ("shifted-softplus", 3.0, ".3649", "1.7260"),
    ("shifted-softplus", 10.0, ".6735", "1.6019"),
    ("gelu", 0.1, ".0632", "1.8166"),
    ("gelu", 1.0, ".2592", "1.4811"),
    ("gelu", 10.0, ".5687", "1.3985"),
]
EDGE = [(name, sigma_b) for name, sigma_b, _, _ in POINTS]


def as_printed(printed: str) -> object:
    return pytest.approx(float(printed), rel=0, abs=0.5 * 10.0 ** -len(printed.partition(".")[2]))


def sigma_b_at(phi: Activation, q: float) -> float:
    """The sigma_b whose edge has the limiting variance q."""
    return math.sqrt(q - second_moment(phi, q) / slope_second_moment(phi, q))


# Points -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "sigma_b", "sigma_w", "_"), POINTS)
def test_sigma_w_is_the_reference_value(name, sigma_b, sigma_w, _):
    assert edge_of_chaos(PHI[name], sigma_b=sigma_b).sigma_w == as_printed(sigma_w)


@pytest.mark.parametrize(("name", "sigma_b", "_", "q"), POINTS)
def test_q_is_the_reference_value(name, sigma_b, _, q):
    assert edge_of_chaos(PHI[name], sigma_b=sigma_b).q == as_printed(q)


@pytest.mark.parametrize(("name", "q", "sigma_b", "_"), POINTS_BY_Q)
def test_the_edge_passes_the_reference_sigma_b_at_its_q(name, q, sigma_b, _):
    assert sigma_b_at(PHI[name], q) == as_printed(sigma_b)


@pytest.mark.parametrize(("name", "q", "_", "sigma_w"), POINTS_BY_Q)
def test_the_edge_passes_the_reference_sigma_w_at_its_q(name, q, _, sigma_w):
    assert slope_second_moment(PHI[name], q) ** -0.5 == as_printed(sigma_w)


@pytest.mark.parametrize(("name", "q", "_b", "_w"), POINTS_BY_Q)
def test_the_edge_is_found_again_from_the_sigma_b_of_its_q(name, q, _b, _w):
    phi = PHI[name]
    assert edge_of_chaos(phi, sigma_b=sigma_b_at(phi, q)).q == pytest.approx(q, rel=SOLVED)


MPMATH = {
    "tanh": (mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
    "elu": (lambda x: x if x > 0 else mpmath.expm1(x), lambda x: mpmath.mpf(1) if x > 0 else mpmath.exp(x)),
}


@pytest.mark.parametrize(("name", "sigma_b"), [("tanh", 0.2), ("elu", 0.1)])
def test_the_edge_agrees_with_another_quadrature_and_root_finder(name, sigma_b):
    phi, slope = MPMATH[name]
    edge = edge_of_chaos(PHI[name], sigma_b=sigma_b)

    def moment(f, q):
        pieces = [-12, -6, -3, -1, 0, 1, 3, 6, 12]
        return mpmath.quad(lambda z: f(mpmath.sqrt(q) * z) ** 2 * mpmath.npdf(z), pieces, maxdegree=6)

    with mpmath.workdps(20):
        q = mpmath.findroot(
            lambda q: mpmath.mpf(sigma_b) ** 2 + moment(phi, q) / moment(slope, q) - q, (edge.q * 0.98, edge.q * 1.02)
        )
        sigma_w = moment(slope, q) ** -0.5
        assert (edge.q, edge.sigma_w) == pytest.approx((float(q), float(sigma_w)), rel=SOLVED)


# Invariants -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "sigma_b"), EDGE)
def test_chi_1_is_one_on_the_edge(name, sigma_b):
    edge = edge_of_chaos(PHI[name], sigma_b=sigma_b)
    # The same quadrature defines sigma_w: a square and an inverse root are left.
    assert chi_1(PHI[name], sigma_w=edge.sigma_w, q=edge.q) == pytest.approx(1, rel=1e-15)


@settings(max_examples=25, deadline=None)  # each a few hundred quadratures
@given(name=st.sampled_from(["tanh", "elu", "swish", "shifted-softplus"]), sigma_b=st.floats(0.05, 0.8))
def test_q_on_the_edge_is_a_fixed_point_of_the_variance_map(name, sigma_b):
    phi, edge = PHI[name], edge_of_chaos(PHI[name], sigma_b=sigma_b)
    # The solver's last step, 1e-13, and a few roundings.
    assert sigma_b**2 + edge.sigma_w**2 * second_moment(phi, edge.q) == pytest.approx(edge.q, rel=2e-13)


@pytest.mark.parametrize(("name", "sigma_b"), [point for point in EDGE if point[0] in ("tanh", "elu")])
def test_q_on_the_edge_is_the_limiting_variance_of_tanh_and_elu(name, sigma_b):
    edge = edge_of_chaos(PHI[name], sigma_b=sigma_b)
    q = limiting_variance(PHI[name], sigma_w=edge.sigma_w, sigma_b=sigma_b)
    assert q == pytest.approx(edge.q, rel=SOLVED)


# phi'' in closed form, or by its definition where it is short.
CURVATURE = {
    "tanh": lambda x: -2 * x.tanh() * x.cosh() ** -2,
    "elu": lambda x: torch.where(x < 0, x.exp(), torch.zeros_like(x)),
    "shifted-softplus": lambda x: x.sigmoid() * (-x).sigmoid(),
}


def slope_of_variance_map(name: str, sigma_b: float) -> float:
    """d/dq of sigma_b^2 + sigma_w^2 E phi(sqrt(q) Z)^2 on the edge, which is chi_1 + sigma_w^2 E phi phi''."""
    edge = edge_of_chaos(PHI[name], sigma_b=sigma_b)
    scale = math.sqrt(edge.q)
    bend = expectation(lambda z: PHI[name](scale * z) * CURVATURE[name](scale * z), kinks=(0.0,))
    return 1 + edge.sigma_w**2 * bend


@pytest.mark.parametrize("name", ["tanh", "elu"])
@pytest.mark.parametrize("sigma_b", [0.05, 0.2, 1.0])
def test_the_edge_of_a_saturating_activation_attracts_the_variance(name, sigma_b):
    assert 0 < slope_of_variance_map(name, sigma_b) < 1


@pytest.mark.parametrize("sigma_b", [0.05, 0.2, 0.6])
def test_the_edge_of_shifted_softplus_repels_the_variance(sigma_b):
    # E phi phi'' > 0: phi'' is even and positive, and phi is x / 2 plus an even positive function.
    assert slope_of_variance_map("shifted-softplus", sigma_b) > 1


@pytest.mark.parametrize("name", ["tanh", "elu"])
def test_sigma_w_grows_along_the_edge_of_a_saturating_activation(name):
    line = [edge_of_chaos(PHI[name], sigma_b=sigma_b).sigma_w for sigma_b in (0.05, 0.1, 0.3, 1.0)]
    assert line == sorted(line)


@pytest.mark.parametrize(("name", "sigma_b"), [("tanh", 0.2), ("elu", 0.1)])
@pytest.mark.parametrize(("factor", "sign"), [(0.9, -1), (1.1, 1)])
def test_less_weight_than_on_the_edge_is_ordered_and_more_is_chaotic(name, sigma_b, factor, sign):
    sigma_w = factor * edge_of_chaos(PHI[name], sigma_b=sigma_b).sigma_w
    q = limiting_variance(PHI[name], sigma_w=sigma_w, sigma_b=sigma_b)
    assert math.copysign(1, chi_1(PHI[name], sigma_w=sigma_w, q=q) - 1) == sign


# Limits -----------------------------------------------------------------------------------------------------------


def test_tanhs_q_vanishes_with_the_two_thirds_power_of_sigma_b():
    # Expanding tanh under the expectations, sigma_b^2 = 4/3 q^3 - 8 q^4 + 748/15 q^5 - ...; the series alternates, so
    # the first term left out bounds the error.
    q = edge_of_chaos(PHI["tanh"], sigma_b=0.01).q
    assert 4 / 3 * q**3 - 8 * q**4 == pytest.approx(0.01**2, rel=0, abs=748 / 15 * q**5)


def test_tanhs_sigma_w_tends_to_one_as_one_plus_q():
    # Likewise sigma_w = 1 + q - 2 q^2 + 23/3 q^3 - ...
    edge = edge_of_chaos(PHI["tanh"], sigma_b=0.01)
    assert edge.sigma_w == pytest.approx(1 + edge.q - 2 * edge.q**2, rel=0, abs=23 / 3 * edge.q**3)


@pytest.mark.parametrize("a", [0.0, 0.1, 0.5, -1.0])
def test_without_bias_the_edge_of_a_leaky_slope_is_he_initialization(a):
    leaky = Activation("leaky", lambda x: torch.where(x > 0, x, a * x), kinks=(0.0,))
    assert edge_of_chaos(leaky, sigma_b=0.0).sigma_w == pytest.approx(math.sqrt(2 / (1 + a**2)), rel=SOLVED)


def test_without_bias_relus_edge_is_at_the_square_root_of_two():
    assert edge_of_chaos(PHI["relu"], sigma_b=0.0).sigma_w == pytest.approx(math.sqrt(2), rel=SOLVED)


def test_with_bias_relu_has_no_edge():
    with pytest.raises(ValueError, match=r"relu has no edge of chaos that can be found at sigma_b = 0\.1"):
        edge_of_chaos(PHI["relu"], sigma_b=0.1)


def test_a_constant_has_no_edge():
    flat = Activation("flat", lambda x: 0 * x + 1)
    with pytest.raises(ValueError, match="flat has no edge of chaos"):
        edge_of_chaos(flat, sigma_b=0.1)
