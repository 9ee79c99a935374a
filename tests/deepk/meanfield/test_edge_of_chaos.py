"""The edge of chaos: points against 40 digits and the papers', its limits, rates of convergence, and where it ends."""

import math
from functools import cache

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from deepk import activations
from deepk.activations import Activation
from deepk.meanfield import MeanField, edge_of_chaos, moments, rate

# What `edge_of_chaos` promises for sigma_b >= 0.01. Measured on the table below: 3e-13 at 0.01, 8e-15 above.
DIGITS = 1e-12

BENT = Activation.from_callable("bent", lambda x: (x - 0.3).relu() + 0.2 * x, kinks=(0.3,))
SELU = Activation.from_callable("selu", functional.selu, kinks=(0.0,))
EXPLOSIVE = Activation.from_callable("explosive", lambda x: (x * x).exp())


def phi(name: str) -> Activation:
    own = {"bent": BENT, "selu": SELU}
    return own[name] if name in own else activations.get(name)


# Points in twenty digits ------------------------------------------------------------------------------------------
# activation, sigma_b, sigma_w, q, beta_q, slope of the variance map, by mpmath in 40 digits: secant steps in log q on
# q - E phi^2 / E phi'^2 = sigma_b^2. Moments of smooth activations by the trapezoid rule, those of erf and sin in
# closed form, those of piecewise linear or exponential ones by 48-point Gauss-Legendre rules between breaks. sigma_b is
# the float64 nearest to what is written. "bent" is relu(x - 0.3) + 0.2 x.
EDGE = [
    ("tanh", 0.01, "1.0421258525243931459", "0.045709078695282465536", "302.80086949534172532", 0.9192),
    ("tanh", 0.2, "1.3041458400565114416", "0.51207850423390154515", "7.0837378249059788018", 0.5426),
    ("tanh", 1.0, "1.8555891011388918127", "3.0363963946237029688", "0.88973706119242695779", 0.1864),
    ("tanh", 5.0, "3.333688470864617936", "34.62398733160262121", "0.072724547843212878325", 0.0210),
    ("elu", 0.01, "1.0634463500266364425", "0.0318841229477780908", "144.35267317800902714", 0.9414),
    ("elu", 0.1, "1.1761484737073743074", "0.43782923012817082736", "14.814911450643529292", 0.8708),
    ("elu", 1.0, "1.3579771771737758814", "21.777549922291419826", "1.1781768034748041333", 0.9267),
    ("swish", 0.01, "1.9802001550161400081", "0.020508611051939971618", "101.49970825648826716", 1.0097),
    ("swish", 0.2, "1.6795316006916457547", "0.68945250291376804682", "6.3591431275648374034", 1.0987),
    ("swish", 1.0, "1.4025124179786507562", "39.394591224910244562", "0.92388577212013642341", 0.9867),
    ("gelu", 0.01, "1.968540282733015148", "0.012980571460813519107", "64.063387006806808381", 1.0153),
    ("gelu", 0.3, "1.4504704099011762674", "1.4248745906459640703", "2.8066764311315374987", 1.0456),
    ("gelu", 1.0, "1.4059445268384735954", "82.31277916635318068", "0.3610409026680449836", 0.9886),
    ("shifted-softplus", 0.01, "1.9900749112910310548", "0.040807250334687438337", "201.98435878660000813", 1.0049),
    ("shifted-softplus", 0.3, "1.7628264641556220008", "2.1716188659591028563", "8.2179091427851177646", 1.0713),
    ("shifted-softplus", 1.0, "1.5303530942015455738", "26.66621454492368306", "2.5462301560028441698", 1.0461),
    ("erf", 0.01, "0.92335670877156003442", "0.044603757544970726805", "296.1593065926240311", 0.9181),
    ("erf", 0.3, "1.2336725058390206606", "0.68877126946500406644", "3.9576714597026948722", 0.4206),
    ("erf", 2.0, "2.0801109916909860045", "7.3376323859830432071", "0.28185411346309671009", 0.0638),
    ("sin", 0.01, "1.032900439569608221", "0.06698331806308988431", "446.42193818302856168", 0.9331),
    ("sin", 0.3, "1.2626646046632838526", "0.68432190386948689594", "4.9175390566854599848", 0.4057),
    ("sin", 3.0, "1.4142135609156393355", "9.9999999958776927296", "0.20000000090690760325", 0.0000),
    ("sigmoid", 0.01, "10.14927564146193434", "45.624498357804557589", "0.22395524354480642175", 0.0603),
    ("sigmoid", 1.0, "10.264992936052786827", "47.800484107608968476", "0.21355399914890221167", 0.0577),
    ("bent", 0.1, "3.0601363385413608527", "0.032366646764559740895", "0.0", 1.3102),
    ("bent", 0.3, "1.4069217579141320779", "0.4786614341617316545", "0.0", 1.0623),
    ("bent", 1.0, "1.1838313084028465629", "40.079626581615786403", "0.0", 1.0053),
    ("selu", 0.1, "0.87191316124990800635", "0.30894163814908137992", "0.0", 0.7874),
    ("selu", 1.0, "1.1479172005944666928", "8.3990892261071718636", "0.0", 0.7630),
]
POINTS = [row[:2] for row in EDGE]


@pytest.mark.parametrize(("name", "sigma_b", "sigma_w"), [row[:3] for row in EDGE])
def test_sigma_w_has_twelve_digits(name, sigma_b, sigma_w):
    assert edge_of_chaos(phi(name), sigma_b=sigma_b).sigma_w == pytest.approx(float(sigma_w), rel=DIGITS)


@pytest.mark.parametrize(("name", "sigma_b", "q"), [(*row[:2], row[3]) for row in EDGE])
def test_q_has_twelve_digits(name, sigma_b, q):
    assert edge_of_chaos(phi(name), sigma_b=sigma_b).q == pytest.approx(float(q), rel=DIGITS)


@pytest.mark.parametrize(("name", "sigma_b", "beta_q"), [(*row[:2], row[4]) for row in EDGE])
def test_beta_q_has_twelve_digits(name, sigma_b, beta_q):
    assert edge_of_chaos(phi(name), sigma_b=sigma_b).beta_q == pytest.approx(float(beta_q), rel=DIGITS, abs=0)


@pytest.mark.parametrize(("name", "sigma_b", "sigma_w", "q"), [row[:4] for row in EDGE])
def test_the_same_point_is_reached_from_its_q(name, sigma_b, sigma_w, q):
    point = edge_of_chaos(phi(name), q=float(q))
    # sigma_b^2 = q - E phi^2 / E phi'^2 keeps the rounding of q, some 1e-15 of it
    rounding = 4e-15 * float(q) / sigma_b**2
    assert (point.sigma_w, point.sigma_b) == (
        pytest.approx(float(sigma_w), rel=DIGITS),
        pytest.approx(sigma_b, rel=max(DIGITS, rounding)),
    )


@pytest.mark.parametrize(("name", "sigma_b"), POINTS)
def test_the_theory_at_a_point_of_the_edge_has_the_points_q(name, sigma_b):
    point = edge_of_chaos(phi(name), sigma_b=sigma_b)
    theory = MeanField(phi(name), sigma_w=point.sigma_w, sigma_b=sigma_b)
    assert theory.limiting_variance() == pytest.approx(point.q, rel=DIGITS)


@pytest.mark.parametrize(("name", "sigma_b"), POINTS)
def test_chi_1_is_one_on_the_edge(name, sigma_b):
    point = edge_of_chaos(phi(name), sigma_b=sigma_b)
    assert MeanField(phi(name), sigma_w=point.sigma_w, sigma_b=sigma_b).chi_1 == pytest.approx(1, rel=DIGITS)


@pytest.mark.parametrize(("name", "sigma_b"), POINTS)
def test_a_point_of_the_edge_is_known_to_be_there(name, sigma_b):
    point = edge_of_chaos(phi(name), sigma_b=sigma_b)
    theory = MeanField(phi(name), sigma_w=point.sigma_w, sigma_b=sigma_b)
    assert (theory.phase, theory.depth_scale()) == ("edge", math.inf)


@pytest.mark.parametrize(("name", "sigma_b", "slope"), [(*row[:2], row[5]) for row in EDGE])
def test_the_variance_map_has_the_reference_slope_on_the_edge(name, sigma_b, slope):
    point = edge_of_chaos(phi(name), sigma_b=sigma_b)
    # Printed to four decimals.
    assert point.sigma_w**2 * moments.second_moment_slope(phi(name), point.q) == pytest.approx(slope, abs=0.5e-4)


def trapezoid(f, step: str) -> mpmath.mpf:
    """E f(Z) in 25 digits, for an f without poles within step * 10 of the real line."""
    h = mpmath.mpf(step)
    return h * mpmath.fsum(f(k * h) * mpmath.npdf(k * h) for k in range(-int(12 / h), int(12 / h) + 1))


SHORT_ROUTES = {  # E phi^2 and E phi'^2 at q
    "erf": (
        lambda q: 2 / mpmath.pi * mpmath.asin(2 * q / (1 + 2 * q)),
        lambda q: 4 / mpmath.pi / mpmath.sqrt(1 + 4 * q),
    ),
    "elu": (
        lambda q: (
            q / 2
            + mpmath.exp(2 * q) * mpmath.ncdf(-2 * mpmath.sqrt(q))
            - 2 * mpmath.exp(q / 2) * mpmath.ncdf(-mpmath.sqrt(q))
            + mpmath.mpf(1) / 2
        ),
        lambda q: mpmath.mpf(1) / 2 + mpmath.exp(2 * q) * mpmath.ncdf(-2 * mpmath.sqrt(q)),
    ),
    "tanh": (
        lambda q: trapezoid(lambda z: mpmath.tanh(mpmath.sqrt(q) * z) ** 2, "0.1"),
        lambda q: trapezoid(lambda z: mpmath.sech(mpmath.sqrt(q) * z) ** 4, "0.1"),
    ),
}


@pytest.mark.parametrize(("name", "sigma_b"), [("erf", 0.3), ("elu", 0.1), ("tanh", 0.2)])
def test_the_table_solves_the_equations_of_the_edge(name, sigma_b):
    _, _, sigma_w, q, _, _ = next(row for row in EDGE if row[:2] == (name, sigma_b))
    with mpmath.workdps(30):
        sigma_w, q = mpmath.mpf(sigma_w), mpmath.mpf(q)
        square, slope = (moment(q) for moment in SHORT_ROUTES[name])
        assert abs(sigma_w**2 * slope - 1) < 1e-18  # the table holds 20 digits
        assert abs(mpmath.mpf(sigma_b) ** 2 + sigma_w**2 * square - q) < 1e-18 * q


# The papers' points -----------------------------------------------------------------------------------------------
# sigma_b, sigma_w, q, beta_q, recomputed independently by quadrature to the digits printed here. That source rounds the
# last digit the other way in six places, here by 40 digits: q = 21.777549922 and 39.394591225 at sigma_b = 1, and
# beta_q = 7.39065 (ELU, 0.2), 4.85974 (ELU, 0.3), 2.78354 (ELU, 0.5) and 4.50849 (swish, 0.3).
PRINTED = [
    ("tanh", 0.05, "1.12254", ".15369", "39.28"),
    ("tanh", 0.1, "1.19340", ".27330", "16.64"),
    ("tanh", 0.2, "1.30415", ".51208", "7.0837"),
    ("tanh", 0.3, "1.39558", ".76347", "4.283"),
    ("tanh", 0.5, "1.54967", "1.31794", "2.242"),
    ("tanh", 1.0, "1.85559", "3.03640", ".8897"),
    ("tanh", 2.0, "2.32502", "7.94751", ".3244"),
    ("tanh", 5.0, "3.33369", "34.624", ".0727"),
    ("elu", 0.05, "1.13187", ".18917", "29.41"),
    ("elu", 0.1, "1.17615", ".43783", "14.81"),
    ("elu", 0.2, "1.22925", "1.10693", "7.391"),
    ("elu", 0.3, "1.26311", "2.03454", "4.860"),
    ("elu", 0.5, "1.30611", "4.88663", "2.784"),
    ("elu", 1.0, "1.35798", "21.777549922", "1.178"),
    ("swish", 0.05, "1.90501", ".11363", "21.49"),
    ("swish", 0.1, "1.82005", ".25971", "11.47"),
    ("swish", 0.2, "1.67953", ".68945", "6.359"),
    ("swish", 0.3, "1.57562", "1.39959", "4.508"),
    ("swish", 0.5, "1.45695", "4.42808", "2.688"),
    ("swish", 1.0, "1.40251", "39.394591225", ".924"),
]
# q, sigma_b, sigma_w, of the same source, listed there by q.
PRINTED_BY_Q = [
    ("shifted-softplus", 0.1, ".0238", "1.9766"),
    ("shifted-softplus", 0.3, ".0658", "1.9374"),
    ("shifted-softplus", 1.0, ".1763", "1.8462"),
    ("shifted-softplus", 3.0, ".3649", "1.7260"),
    ("shifted-softplus", 10.0, ".6735", "1.6019"),
    ("gelu", 0.1, ".0632", "1.8166"),
    ("gelu", 1.0, ".2592", "1.4811"),
    ("gelu", 10.0, ".5687", "1.3985"),
]


def as_printed(printed: str) -> object:
    return pytest.approx(float(printed), rel=0, abs=0.5 * 10.0 ** -len(printed.partition(".")[2]))


@pytest.mark.parametrize(("name", "sigma_b", "sigma_w"), [row[:3] for row in PRINTED])
def test_sigma_w_is_the_printed_value(name, sigma_b, sigma_w):
    assert edge_of_chaos(name, sigma_b=sigma_b).sigma_w == as_printed(sigma_w)


@pytest.mark.parametrize(("name", "sigma_b", "q"), [(*row[:2], row[3]) for row in PRINTED])
def test_q_is_the_printed_value(name, sigma_b, q):
    assert edge_of_chaos(name, sigma_b=sigma_b).q == as_printed(q)


@pytest.mark.parametrize(("name", "sigma_b", "beta_q"), [(*row[:2], row[4]) for row in PRINTED])
def test_beta_q_is_the_printed_value(name, sigma_b, beta_q):
    assert edge_of_chaos(name, sigma_b=sigma_b).beta_q == as_printed(beta_q)


@pytest.mark.parametrize(("name", "q", "sigma_b"), [row[:3] for row in PRINTED_BY_Q])
def test_the_edge_passes_the_printed_sigma_b_at_its_q(name, q, sigma_b):
    assert edge_of_chaos(name, q=q).sigma_b == as_printed(sigma_b)


@pytest.mark.parametrize(("name", "q", "sigma_w"), [(*row[:2], row[3]) for row in PRINTED_BY_Q])
def test_the_edge_passes_the_printed_sigma_w_at_its_q(name, q, sigma_w):
    assert edge_of_chaos(name, q=q).sigma_w == as_printed(sigma_w)


@pytest.mark.parametrize(("name", "q"), [row[:2] for row in PRINTED_BY_Q])
def test_the_edge_is_found_again_from_the_sigma_b_of_its_q(name, q):
    assert edge_of_chaos(name, sigma_b=edge_of_chaos(name, q=q).sigma_b).q == pytest.approx(q, rel=DIGITS)


# Closed forms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [0.1, 1.0, 30.0])
def test_erfs_edge_is_in_closed_form(q):
    # From Williams' arcsine (1997): E phi'^2 = 4 / (pi sqrt(1 + 4q)), E phi''^2 = 16 q / (pi (1 + 4q)^(3/2))
    point = edge_of_chaos("erf", q=q)
    assert point.sigma_w == pytest.approx(math.sqrt(math.pi / 4) * (1 + 4 * q) ** 0.25, rel=DIGITS)
    assert point.beta_q == pytest.approx((1 + 4 * q) / (2 * q**2), rel=DIGITS)


@pytest.mark.parametrize("q", [0.1, 1.0, 5.0])
def test_sines_edge_is_in_closed_form(q):
    # E sin^2 = (1 - e^{-2q}) / 2 and E cos^2 = (1 + e^{-2q}) / 2
    point = edge_of_chaos("sin", q=q)
    assert point.sigma_b == pytest.approx(math.sqrt(q - math.tanh(q)), rel=DIGITS)
    assert point.beta_q == pytest.approx(2 / (q * math.tanh(q)), rel=DIGITS)


@settings(max_examples=12, deadline=None)  # each a hundred quadratures
@given(name=st.sampled_from(["tanh", "elu", "swish", "gelu", "shifted-softplus", "bent"]), sigma_b=st.floats(0.02, 1))
def test_q_on_the_edge_is_a_fixed_point_of_the_variance_map(name, sigma_b):
    point = edge_of_chaos(phi(name), sigma_b=sigma_b)
    theory = MeanField(phi(name), sigma_w=point.sigma_w, sigma_b=sigma_b)
    assert theory.variance_map(point.q) == pytest.approx(point.q, rel=DIGITS)


@pytest.mark.parametrize("name", ["tanh", "erf", "elu", "selu", "sigmoid"])
def test_the_edge_attracts_the_variance(name):
    assert all(0 < slope < 1 for other, *_, slope in EDGE if other == name)


@pytest.mark.parametrize("name", ["swish", "gelu", "shifted-softplus"])
@pytest.mark.parametrize("q", [0.05, 0.3, 1.0])
def test_the_edge_of_a_smoothed_relu_repels_the_variance(name, q):
    point = edge_of_chaos(name, q=q)
    assert point.sigma_w**2 * moments.second_moment_slope(phi(name), q) > 1


@pytest.mark.parametrize(("name", "slope"), [("swish", 1.08), ("gelu", 1.11), ("shifted-softplus", 1.03)])
def test_at_a_variance_of_three_tenths_the_edge_repels_as_strongly_as_documented(name, slope):
    point = edge_of_chaos(name, q=0.3)
    assert point.sigma_w**2 * moments.second_moment_slope(phi(name), 0.3) == pytest.approx(slope, abs=0.005)


@pytest.mark.parametrize("name", ["swish", "gelu", "shifted-softplus"])
def test_a_network_just_off_a_repelling_point_leaves_it(name):
    point = edge_of_chaos(name, q=0.3)
    theory = MeanField(phi(name), sigma_w=point.sigma_w, sigma_b=point.sigma_b)
    q = 0.3 * (1 + 1e-3)
    for _ in range(20):
        q = theory.variance_map(q)
    # the weakest of them grows by 1.03 in a layer, hence by 1.8 in twenty
    assert q / 0.3 - 1 > 1.5e-3


@pytest.mark.parametrize("name", ["tanh", "elu"])
def test_sigma_w_grows_along_the_edge_of_a_saturating_activation(name):
    line = [edge_of_chaos(name, sigma_b=sigma_b).sigma_w for sigma_b in (0.05, 0.1, 0.3, 1.0)]
    assert line == sorted(line)


@pytest.mark.parametrize(("name", "sigma_b"), [("tanh", 0.2), ("elu", 0.1), ("selu", 0.3)])
@pytest.mark.parametrize(("factor", "phase"), [(0.9, "ordered"), (1.1, "chaotic")])
def test_less_weight_than_on_the_edge_is_ordered_and_more_is_chaotic(name, sigma_b, factor, phase):
    sigma_w = factor * edge_of_chaos(phi(name), sigma_b=sigma_b).sigma_w
    assert MeanField(phi(name), sigma_w=sigma_w, sigma_b=sigma_b).phase == phase


# Limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sigma_w"),
    [
        ("tanh", 1.0),
        ("elu", 1.0),
        ("sin", 1.0),
        ("erf", math.sqrt(math.pi) / 2),
        ("swish", 2.0),
        ("gelu", 2.0),
        ("shifted-softplus", 2.0),
        ("bent", 5.0),
    ],
)
def test_without_bias_the_edge_begins_at_the_inverse_slope(name, sigma_w):
    point = edge_of_chaos(phi(name), sigma_b=0.0)
    assert (point.sigma_b, point.q, point.beta_q) == (0, 0, math.inf)
    assert point.sigma_w == pytest.approx(sigma_w, rel=DIGITS)


@pytest.mark.parametrize("name", ["tanh", "elu", "swish", "gelu", "shifted-softplus", "erf"])
def test_the_edge_tends_to_its_limit(name):
    far, near = (edge_of_chaos(name, sigma_b=sigma_b) for sigma_b in (1e-2, 1e-4))
    limit = edge_of_chaos(name, sigma_b=0.0)
    # q falls at least as sigma_b^(2/3) (tanh), so by 21 over two decades, and sigma_w - limit at least as sqrt(q) (ELU)
    assert near.q < far.q / 20
    assert abs(near.sigma_w - limit.sigma_w) < abs(far.sigma_w - limit.sigma_w) / 4


def test_tanhs_q_vanishes_with_the_two_thirds_power_of_sigma_b():
    # Expanding tanh under the expectations, sigma_b^2 = 4/3 q^3 - 8 q^4 + 748/15 q^5 - ...; the series alternates, so
    # the first term left out bounds the error.
    q = edge_of_chaos("tanh", sigma_b=0.01).q
    assert 4 / 3 * q**3 - 8 * q**4 == pytest.approx(0.01**2, rel=0, abs=748 / 15 * q**5)


def test_tanhs_sigma_w_tends_to_one_as_one_plus_q():
    # Likewise sigma_w = 1 + q - 2 q^2 + 23/3 q^3 - ...
    point = edge_of_chaos("tanh", sigma_b=0.01)
    assert point.sigma_w == pytest.approx(1 + point.q - 2 * point.q**2, rel=0, abs=23 / 3 * point.q**3)


@pytest.mark.parametrize("a", [-1.0, -0.3, 0.0, 0.1, 0.5])
@pytest.mark.parametrize("q", [None, 0.01, 7.0])
def test_a_homogeneous_activation_has_he_initialization_at_any_variance(a, q):
    point = edge_of_chaos(activations.leaky_relu(a), sigma_b=None if q else 0.0, q=q)
    assert point.sigma_w == pytest.approx(math.sqrt(2 / (1 + a**2)), rel=DIGITS)
    assert (point.sigma_b, point.q) == (0, q or 1)


def test_a_homogeneous_activation_takes_its_variance_beside_a_bias_of_zero():
    assert edge_of_chaos("relu", sigma_b=0.0, q=3.0).q == 3


def test_the_identitys_correlation_never_converges():
    assert edge_of_chaos("identity", sigma_b=0.0).beta_q == math.inf


def test_sigmoids_edge_begins_at_a_large_variance():
    # phi(0) = 1/2: the edge cannot start at q = 0. E phi^2 = q E phi'^2 there.
    q = edge_of_chaos("sigmoid", sigma_b=0.0).q
    square, slope = (moment(phi("sigmoid"), q) for moment in (moments.second_moment, moments.slope_second_moment))
    assert (square, q > 40) == (pytest.approx(q * slope, rel=DIGITS), True)


# Rates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "sigma_b"), [("tanh", 0.2), ("swish", 0.2), ("elu", 0.1), ("erf", 0.3)])
def test_a_continuous_slope_gives_beta_q_over_depth(name, sigma_b):
    found = rate(name, sigma_b=sigma_b)
    assert (found.constant, found.power) == (edge_of_chaos(name, sigma_b=sigma_b).beta_q, 1)


@pytest.mark.parametrize("a", [0.0, 0.01, 0.3, -0.5, -1.0])
def test_a_leaky_slope_gives_the_inverse_square_of_depth(a):
    # kappa = (sigma_w^2 / 2) (1 - a)^2 = (1 - a)^2 / (1 + a^2), whatever q
    found = rate(activations.leaky_relu(a), sigma_b=0.0)
    kappa = (1 - a) ** 2 / (1 + a**2)
    # The jump of the slope is read off next to the kink, to 1e-10.
    assert found.constant == pytest.approx(9 * math.pi**2 / (2 * kappa**2), rel=1e-9)
    assert found.power == 2


def test_a_kink_away_from_zero_counts_by_the_density_there():
    found, point = rate(BENT, sigma_b=0.3), edge_of_chaos(BENT, sigma_b=0.3)
    kappa = point.sigma_w**2 / 2 * math.exp(-(0.3**2) / (2 * point.q))
    assert found.constant == pytest.approx(9 * math.pi**2 / (2 * kappa**2), rel=1e-9)  # as above


def test_where_the_slope_has_a_kink_beta_q_is_zero():
    assert edge_of_chaos(BENT, sigma_b=0.3).beta_q == 0


# 1 - c^l from c^0 = 0 over the rate's prediction. ReLU by the arc-cosine kernel; tanh and swish by Hermite series in 40
# digits (their 1 - c^5000 is 0.001422355645382819 and 0.001269219191006374).
RATIOS = [
    ("relu", 0.0, 10, ".289"),
    ("relu", 0.0, 50, ".683"),
    ("relu", 0.0, 100, ".805"),
    ("relu", 0.0, 200, ".8865"),
    ("relu", 0.0, 1000, ".971"),
    ("tanh", 0.2, 5000, "1.00396"),
    ("swish", 0.2, 5000, ".99795"),
]


@cache
def orbit(name: str, sigma_b: float) -> np.ndarray:
    """1 - c^l from c^0 = 0 on the edge, as far as the printed ratios go."""
    point = edge_of_chaos(name, sigma_b=sigma_b)
    deepest = max(depth for other, _, depth, _ in RATIOS if other == name)
    return MeanField(name, sigma_w=point.sigma_w, sigma_b=sigma_b).complements(0.0, deepest)


@pytest.mark.parametrize(("name", "sigma_b", "depth", "ratio"), RATIOS)
def test_correlation_approaches_the_rate_as_printed(name, sigma_b, depth, ratio):
    assert orbit(name, sigma_b)[depth] / rate(name, sigma_b=sigma_b)(float(depth)) == as_printed(ratio)


def test_the_rate_answers_for_an_array_of_depths():
    found = rate("tanh", sigma_b=0.2)
    assert found(np.array([10.0, 100.0])).tolist() == [found(10.0), found(100.0)]


# No edge, bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["relu", "leaky-relu", "identity"])
def test_with_a_bias_a_homogeneous_activation_has_no_edge(name):
    with pytest.raises(ValueError, match=rf"^{name} has no edge of chaos at sigma_b = 0\.1[^\n]*$"):
        edge_of_chaos(name, sigma_b=0.1)


@pytest.mark.parametrize("sigma_b", [0.0, 0.1, 3.0])
def test_softplus_has_no_edge(sigma_b):
    with pytest.raises(ValueError, match=rf"^softplus has no edge of chaos at sigma_b = {sigma_b}[^\n]*$"):
        edge_of_chaos("softplus", sigma_b=sigma_b)


def test_a_variance_that_no_point_of_the_edge_has_is_refused():
    with pytest.raises(ValueError, match=r"^softplus has no edge of chaos at q = 1\.0[^\n]*$"):
        edge_of_chaos("softplus", q=1.0)


@pytest.mark.parametrize("given", [{"sigma_b": 0.1}, {"q": 1.0}])
def test_a_step_has_no_edge(given):
    with pytest.raises(ValueError, match=r"^step has no edge of chaos[^\n]*$"):
        edge_of_chaos("step", **given)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_constant_has_no_edge(value):
    flat = Activation.from_callable("flat", lambda x: 0 * x + value)
    with pytest.raises(ValueError, match=r"^flat has no edge of chaos[^\n]*$"):
        edge_of_chaos(flat, sigma_b=0.1)


@pytest.mark.parametrize("function", [edge_of_chaos, rate])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "give sigma_b or q"),
        ({"sigma_b": 0.1, "q": 1.0}, r"give sigma_b = 0\.1 or q = 1\.0, not both"),
        ({"sigma_b": -0.1}, r"sigma_b = -0\.1 is not a finite number >= 0"),
        ({"sigma_b": math.nan}, "sigma_b = nan is not a finite number >= 0"),
        ({"sigma_b": math.inf}, "sigma_b = inf is not a finite number >= 0"),
        ({"q": 0.0}, r"q = 0\.0 is not a finite number > 0"),
        ({"q": -1.0}, r"q = -1\.0 is not a finite number > 0"),
        ({"q": math.nan}, "q = nan is not a finite number > 0"),
        ({"q": math.inf}, "q = inf is not a finite number > 0"),
    ],
)
def test_a_point_that_is_not_named_by_one_number_is_refused_in_one_line(function, given, said):
    with pytest.raises(ValueError, match=rf"^{said}[^\n]*$"):
        function("tanh", **given)


def test_an_unknown_activation_is_answered_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"^unknown activation 'tahn'; did you mean tanh\?[^\n]*$"):
        edge_of_chaos("tahn", sigma_b=0.1)


def test_an_activation_without_second_moment_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^explosive is not square-integrable under N\(0, 1\)[^\n]*$"):
        edge_of_chaos(EXPLOSIVE, q=1.0)
