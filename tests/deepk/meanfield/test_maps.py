"""`MeanField`: fixed points, maps, phases, depth scales against 40 digits, the papers, and networks that were drawn."""

import math
from functools import cache

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn
from torch.nn import functional

from deepk import activations, networks
from deepk.activations import Activation
from deepk.meanfield import MeanField, edge_of_chaos
from deepk.statistics import Sample

# What the library promises. Measured on the table below: 6e-16.
DIGITS = 1e-12

BENT = Activation.from_callable("bent", lambda x: (x - 0.3).relu() + 0.2 * x, kinks=(0.3,))
SELU = Activation.from_callable("selu", functional.selu, kinks=(0.0,))
EXPLOSIVE = Activation.from_callable("explosive", lambda x: (x * x).exp())


@cache
def theory(name: str, sigma_w: float, sigma_b: float) -> MeanField:
    own = {"bent": BENT, "selu": SELU}
    return MeanField(own.get(name, name), sigma_w=sigma_w, sigma_b=sigma_b)


def close(reference: str | float) -> object:
    return pytest.approx(float(reference), rel=DIGITS, abs=0)


def as_printed(printed: str) -> object:
    return pytest.approx(float(printed), rel=0, abs=0.5 * 10.0 ** -len(printed.partition(".")[2]))


# Fixed points in twenty digits --------------------------------------------------------------------------------------
# activation, sigma_w, sigma_b, q, chi_1, slope of the variance map at q, by mpmath in 40 digits: secant steps on the
# variance map, with the moments of tests/deepk/meanfield/test_moments.py. "bent" is relu(x - 0.3) + 0.2 x.
FIXED = [
    ("tanh", 1.0, 1.0, "1.4638508911025472694", "0.39887900654373577686", "0.1243388018363018694"),
    ("elu", 1.0, 1.0, "2.4330350390264584344", "0.61752556584748945255", "0.53454710852784878742"),
    ("shifted-softplus", 1.0, 1.0, "1.4166609008271893347", "0.30514186387332255119", "0.3248460696127047763"),
    ("tanh", 2.0, 0.3, "2.2537533762278918904", "1.3270703910154267514", "0.30871792550206404827"),
    ("tanh", 1.5, 0.1, "0.81332232687287101545", "1.1290526986640531104", "0.49380274973790136003"),
    ("tanh", 10.0, 0.5, "91.966837578409138552", "5.5369870578042765803", "0.044636330231106844338"),
    ("swish", 1.0, 1.0, "1.6303747610565039811", "0.4132711676853972492", "0.45039249476875734827"),
    ("gelu", 1.0, 1.0, "1.8436201476814138204", "0.48650342168368556498", "0.50127833815765123335"),
    ("erf", 1.3, 0.4, "0.91737185240424434926", "0.99577729337863872415", "0.35127595192804636244"),
    ("sin", 1.2, 0.5, "0.83426187798071334566", "0.85573812201928654776", "0.2714762440385732021"),
    ("sin", 4.0, 0.1, "8.0099991175438108633", "8.0000008824561891378", "1.7649123782755413012e-6"),
    ("sigmoid", 4.0, 0.1, "5.8668218485909095289", "0.39855792263704099432", "0.12408469220657774685"),
    ("softplus", 1.0, 0.3, "1.0205776682448999375", "0.29401763738389735272", "0.45367634807672097267"),
    ("leaky-relu", 1.0, 1.0, "2.0002000200020002", "0.50005", "0.50005"),
    ("leaky-relu", 0.9, 0.05, "0.0042019666884888809432", "0.40504050000000001999", "0.40504050000000001999"),
    ("bent", 1.0, 0.5, "0.4100341574388455329", "0.48759806364909239586", "0.5210937438245417829"),
    ("selu", 0.9, 0.4, "0.91663822001200605877", "0.88175235779158134738", "0.64656471265657708768"),
]


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "q"), [row[:4] for row in FIXED])
def test_the_limiting_variance_has_twelve_digits(name, sigma_w, sigma_b, q):
    assert theory(name, sigma_w, sigma_b).limiting_variance() == close(q)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "chi_1"), [(*row[:3], row[4]) for row in FIXED])
def test_chi_1_has_twelve_digits(name, sigma_w, sigma_b, chi_1):
    assert theory(name, sigma_w, sigma_b).chi_1 == close(chi_1)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "slope"), [(*row[:3], row[5]) for row in FIXED])
def test_the_variance_depth_scale_is_the_logarithm_of_the_maps_slope(name, sigma_w, sigma_b, slope):
    # The slope is what cancellation leaves of terms of size sigma_w^2 / 2q: their rounding, here within 1e-15, is 1e-9
    # of the smallest slope, 1.8e-6, whose logarithm divides it by 13.
    exact = float(slope)
    loss = 1e-15 / exact / abs(math.log(exact))
    assert theory(name, sigma_w, sigma_b).variance_depth_scale() == pytest.approx(
        -1 / math.log(exact), rel=max(1e-12, loss), abs=0
    )


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "chi_1"), [(*row[:3], row[4]) for row in FIXED])
def test_the_phase_is_the_side_of_one_on_which_chi_1_lies(name, sigma_w, sigma_b, chi_1):
    assert theory(name, sigma_w, sigma_b).phase == ("chaotic" if float(chi_1) > 1 else "ordered")


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), [row[:3] for row in FIXED])
def test_iterating_the_variance_map_from_one_leads_to_the_limiting_variance(name, sigma_w, sigma_b):
    network, q = theory(name, sigma_w, sigma_b), 1.0
    for _ in range(150):  # the slowest, SELU, contracts by 0.65
        q = network.variance_map(q)
    assert q == close(network.limiting_variance())


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"), [row[:3] for row in FIXED if float(row[5]) > 0.1 and row[0] != "leaky-relu"]
)
def test_the_variance_depth_scale_is_the_measured_decay(name, sigma_w, sigma_b):
    network = theory(name, sigma_w, sigma_b)
    limit = network.limiting_variance()
    q = limit * (1 + 1e-4)
    distances = []
    for _ in range(4):
        q = network.variance_map(q)
        distances.append(q - limit)
    decay = -1 / np.diff(np.log(distances)).mean()
    # the map's curvature leaves 1e-4 of the slope, times a factor of size one to ten
    assert network.variance_depth_scale() == pytest.approx(decay, rel=1e-3)


@pytest.mark.parametrize(("q", "chi_1", "row"), [(row[3], row[4], row[:3]) for row in FIXED if row[0] == "erf"])
def test_the_table_is_reproduced_by_erfs_arcsine(q, chi_1, row):
    with mpmath.workdps(30):
        q, w, b = mpmath.mpf(q), mpmath.mpf(row[1]) ** 2, mpmath.mpf(row[2]) ** 2
        assert abs(b + w * 2 / mpmath.pi * mpmath.asin(2 * q / (1 + 2 * q)) - q) < 1e-18  # the table holds 20 digits
        assert abs(w * 4 / mpmath.pi / mpmath.sqrt(1 + 4 * q) - mpmath.mpf(chi_1)) < 1e-18


# (sigma_w, sigma_b, q, chi_1) recomputed independently to the printed digits; Hayou et al. call (1, 1) ordered.
PHASES = [
    ("relu", 1.0, 1.0, "2.0000", "0.50000", "ordered"),
    ("tanh", 1.0, 1.0, "1.4639", "0.39888", "ordered"),
    ("elu", 1.0, 1.0, "2.433", "0.6175", "ordered"),
    ("shifted-softplus", 1.0, 1.0, "1.4167", "0.3051", "ordered"),
    ("tanh", 2.0, 0.3, "2.2538", "1.3271", "chaotic"),
]


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "q"), [row[:4] for row in PHASES])
def test_the_limiting_variance_is_the_printed_value(name, sigma_w, sigma_b, q):
    assert theory(name, sigma_w, sigma_b).limiting_variance() == as_printed(q)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "chi_1"), [(*row[:3], row[4]) for row in PHASES])
def test_chi_1_is_the_printed_value(name, sigma_w, sigma_b, chi_1):
    assert theory(name, sigma_w, sigma_b).chi_1 == as_printed(chi_1)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "phase"), [(*row[:3], row[5]) for row in PHASES])
def test_the_phase_is_the_papers(name, sigma_w, sigma_b, phase):
    assert theory(name, sigma_w, sigma_b).phase == phase


# Variance ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma_w", [0.5, 1.0, 1.3, 1.4])
def test_relus_limiting_variance_is_a_geometric_series(sigma_w):
    assert theory("relu", sigma_w, 0.7).limiting_variance() == close(0.7**2 / (1 - sigma_w**2 / 2))


@pytest.mark.parametrize("q", [0.0, 0.3, 4.0])
def test_relus_variance_map_is_a_line(q):
    assert theory("relu", 1.2, 0.5).variance_map(q) == close(0.25 + 1.44 * q / 2)


@pytest.mark.parametrize("q", [0.0, 0.3, 4.0, 1e4])
def test_sines_variance_map_is_an_exponential(q):
    assert theory("sin", 1.2, 0.5).variance_map(q) == close(0.25 - 1.44 * math.expm1(-2 * q) / 2)


def test_without_bias_an_ordered_tanh_network_forgets_its_input():
    assert theory("tanh", 0.5, 0.0).limiting_variance() == 0


def test_a_variance_that_vanishes_does_so_by_chi_1_in_a_layer():
    assert theory("tanh", 0.5, 0.0).variance_depth_scale() == close(-1 / math.log(0.25))


def test_a_homogeneous_activation_keeps_any_variance_on_its_edge():
    network = MeanField("relu", sigma_w=math.sqrt(2), sigma_b=0.0, q=5.0)
    assert (network.limiting_variance(), network.variance_depth_scale()) == (5, math.inf)


@pytest.mark.parametrize("name", ["swish", "gelu", "shifted-softplus"])
def test_where_the_edge_repels_the_variance_never_settles(name):
    point = edge_of_chaos(name, q=0.3)
    assert theory(name, point.sigma_w, point.sigma_b).variance_depth_scale() == math.inf


@pytest.mark.parametrize("name", ["swish", "gelu", "shifted-softplus"])
def test_on_an_edge_that_repels_the_theory_stays_at_the_edges_variance(name):
    point = edge_of_chaos(name, q=0.3)
    network = theory(name, point.sigma_w, point.sigma_b)
    assert network.limiting_variance() == close(0.3)
    assert network.chi_1 == close(1)


def test_another_fixed_point_may_be_chosen():
    # The map of tanh with sigma_w = 2 and no bias keeps 0 beside 2.12.
    low = MeanField("tanh", sigma_w=2.0, sigma_b=0.0, q=0.0)
    assert (low.limiting_variance(), low.chi_1) == (0, close(4))


@pytest.mark.parametrize("name", ["relu", "elu", "swish", "gelu", "softplus", "shifted-softplus", "leaky-relu"])
def test_a_variance_that_diverges_is_one_line_that_says_where(name):
    with pytest.raises(ValueError, match=rf"^the variance of {name} at sigma_w = 2, sigma_b = 0\.3 diverges$"):
        theory(name, 2.0, 0.3).limiting_variance()


@pytest.mark.parametrize("name", ["relu", "elu"])
def test_where_the_variance_diverges_there_is_no_phase(name):
    with pytest.raises(ValueError, match=rf"^the variance of {name} at sigma_w = 2, sigma_b = 0\.3 diverges$"):
        _ = theory(name, 2.0, 0.3).phase


def test_where_relus_variance_diverges_its_gradients_explode():
    assert theory("relu", 2.0, 0.3).chi_1 == close(2)


def test_where_relus_variance_diverges_its_correlation_still_tends_to_one():
    network = theory("relu", 2.0, 0.3)
    assert network.limiting_correlation() == 1
    # as on the edge: 9 pi^2 / 2 l^2 to 3 % at l = 1000
    assert network.complements(0.0, 1000)[-1] == pytest.approx(9 * math.pi**2 / 2e6, rel=0.03)


# Correlation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("c", [-1.0, -0.7, 0.0, 0.5, 0.999, 1 - 1e-9, 1.0])
@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(math.sqrt(2), 0.0), (1.0, 1.0), (0.7, 0.2)])
def test_relus_correlation_map_is_the_arc_cosine_kernel(sigma_w, sigma_b, c):
    with mpmath.workdps(30):
        x = mpmath.mpf(c)
        kernel = (x * mpmath.asin(x) + mpmath.sqrt(1 - x**2)) / mpmath.pi + x / 2
        share = mpmath.mpf(sigma_w) ** 2 / 2 if sigma_b else mpmath.mpf(1)  # of q = sigma_b^2 / (1 - sigma_w^2 / 2)
        exact = 1 - share * (1 - kernel)
    assert theory("relu", sigma_w, sigma_b).correlation_map(c) == pytest.approx(float(exact), rel=DIGITS, abs=1e-15)


@pytest.mark.parametrize("c", [-1.0, -0.7, 0.0, 0.5, 0.999, 1 - 1e-9, 1.0])
@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(1.3, 0.4), (2.0, 0.1)])
def test_erfs_correlation_map_is_an_arcsine(sigma_w, sigma_b, c):
    network = theory("erf", sigma_w, sigma_b)
    with mpmath.workdps(30):
        q = mpmath.mpf(network.limiting_variance())
        kernel = 2 / mpmath.pi * mpmath.asin(2 * q * mpmath.mpf(c) / (1 + 2 * q))
        exact = (mpmath.mpf(sigma_b) ** 2 + mpmath.mpf(sigma_w) ** 2 * kernel) / q
    assert network.correlation_map(c) == close(float(exact))


@pytest.mark.parametrize("c", [-1.0, -0.3, 0.0, 0.5, 0.999])
def test_the_steps_correlation_map_is_sheppards_arcsine(c):
    network = theory("step", 1.5, 0.4)
    exact = (0.16 + 2.25 * (0.25 + math.asin(c) / (2 * math.pi))) / (0.16 + 2.25 / 2)
    assert network.correlation_map(c) == close(exact)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), [("tanh", 2.0, 0.3), ("elu", 1.0, 1.0), ("bent", 1.0, 0.5)])
@pytest.mark.parametrize("c", [-0.5, 0.0, 0.5, 0.9])
def test_the_correlation_map_is_the_covariance_map_over_the_variance(name, sigma_w, sigma_b, c):
    network = theory(name, sigma_w, sigma_b)
    q = network.limiting_variance()
    assert network.correlation_map(c) == close(network.covariance_map(q, q, c) / q)


@pytest.mark.parametrize("name", ["relu", "elu", "swish", "sin"])
@pytest.mark.parametrize("distance", [1e-6, 1e-10, 1e-14, 2.0**-53])
def test_close_to_one_the_correlation_map_leaves_it_by_chi_1(name, distance):
    network = theory(name, 1.0, 1.0)
    lost = 1 - network.correlation_map(1 - distance)
    # of 1 - f: sqrt(1 - c) from a kink of the slope, with a factor of size one, and the rounding of f next to one
    assert lost == pytest.approx(network.chi_1 * (1 - (1 - distance)), rel=2 * math.sqrt(distance), abs=2.0**-52)


@pytest.mark.parametrize("name", ["tanh", "relu", "swish", "step"])
def test_equal_inputs_stay_equal(name):
    assert theory(name, 1.0, 1.0).correlation_map(1.0) == 1


@settings(max_examples=15, deadline=None)  # each some milliseconds of quadrature
@given(name=st.sampled_from(["relu", "elu", "tanh", "swish", "bent"]), c=st.floats(-1, 1))
def test_a_correlation_maps_to_a_correlation(name, c):
    assert -1 <= theory(name, 1.0, 1.0).correlation_map(c) <= 1


@pytest.mark.parametrize(("q_a", "q_b", "c"), [(0.3, 2.0, 0.7), (1.0, 1.0, -1.0), (5.0, 0.1, 0.0)])
def test_sines_covariance_map_is_a_hyperbolic_sine(q_a, q_b, c):
    exact = 0.25 + 1.44 * math.exp(-(q_a + q_b) / 2) * math.sinh(c * math.sqrt(q_a * q_b))
    assert theory("sin", 1.2, 0.5).covariance_map(q_a, q_b, c) == close(exact)


@pytest.mark.parametrize("q_b", [0.0, 0.3, 2.0])
def test_an_input_of_variance_zero_is_the_number_zero(q_b):
    # E phi(0) phi(Y) = phi(0) E phi(Y), where sigmoid is 1/2 and E sigmoid(Y) is 1/2 by symmetry
    assert theory("sigmoid", 2.0, 0.5).covariance_map(0.0, q_b, 0.4) == close(0.25 + 4 / 4)


CHAOTIC = [("tanh", 2.0, 0.3), ("tanh", 1.5, 0.1), ("erf", 2.0, 0.1), ("sin", 1.6, 0.3), ("step", 1.0, 0.5)]


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), CHAOTIC)
def test_in_the_chaotic_phase_the_limiting_correlation_is_a_fixed_point(name, sigma_w, sigma_b):
    network = theory(name, sigma_w, sigma_b)
    c = network.limiting_correlation()
    assert 0 < c < 1
    assert network.correlation_map(c) == close(c)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), [("sin", 2.5, 0.3), ("step", 1.0, 0.5)])
def test_in_the_chaotic_phase_plain_iteration_leads_to_the_limiting_correlation(name, sigma_w, sigma_b):
    network, c = theory(name, sigma_w, sigma_b), 0.5
    for _ in range(math.ceil(32 * network.depth_scale())):  # e^-32 = 1e-14
        c = network.correlation_map(c)
    assert c == close(network.limiting_correlation())


@pytest.mark.parametrize("name", ["tanh", "sin", "erf"])
def test_without_bias_a_chaotic_odd_activation_makes_inputs_orthogonal(name):
    assert theory(name, 2.0, 0.0).limiting_correlation() == 0


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), [("relu", 1.0, 1.0), ("tanh", 1.0, 1.0), ("elu", 1.0, 1.0)])
def test_in_the_ordered_phase_correlation_tends_to_one(name, sigma_w, sigma_b):
    assert theory(name, sigma_w, sigma_b).limiting_correlation() == 1


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), [("relu", 1.0, 1.0), ("tanh", 1.0, 1.0), ("swish", 1.0, 1.0)])
def test_the_ordered_depth_scale_is_the_logarithm_of_chi_1(name, sigma_w, sigma_b):
    network = theory(name, sigma_w, sigma_b)
    assert network.depth_scale() == close(-1 / math.log(network.chi_1))


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(2.0, 0.3), (1.4, 0.1)])
def test_erfs_chaotic_depth_scale_is_in_closed_form(sigma_w, sigma_b):
    # f'(c) = sigma_w^2 (4 / pi) / sqrt((1 + 2q)^2 - (2qc)^2)
    network = theory("erf", sigma_w, sigma_b)
    q, c = network.limiting_variance(), network.limiting_correlation()
    slope = sigma_w**2 * 4 / math.pi / math.sqrt((1 + 2 * q) ** 2 - (2 * q * c) ** 2)
    # the logarithm magnifies the fixed point's 1e-13 by f'' / log f', some tens this close to the edge
    assert network.depth_scale() == pytest.approx(-1 / math.log(slope), rel=1e-11)


def test_the_steps_depth_scale_is_finite():
    # f'(c) = sigma_w^2 / (2 pi q sqrt(1 - c^2))
    network = theory("step", 1.0, 0.5)
    q, c = network.limiting_variance(), network.limiting_correlation()
    assert network.depth_scale() == pytest.approx(
        -1 / math.log(1 / (2 * math.pi * q * math.sqrt(1 - c * c))), rel=1e-11
    )


def test_the_steps_gradients_are_chaotic_at_any_weights():
    network = theory("step", 0.1, 3.0)
    assert (network.chi_1, network.phase) == (math.inf, "chaotic")


def test_chi_1_grows_with_the_square_of_sigma_w():
    # Which is visible at a fixed variance: erf's chi_1 = sigma_w^2 (4 / pi) / sqrt(1 + 4q)
    network = theory("erf", 1.9, 0.2)
    q = network.limiting_variance()
    assert network.chi_1 == close(1.9**2 * 4 / math.pi / math.sqrt(1 + 4 * q))


# Bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sigma_w": -1.0}, r"sigma_w = -1\.0 is not a finite number > 0"),
        ({"sigma_w": 0.0}, r"sigma_w = 0\.0 is not a finite number > 0"),
        ({"sigma_w": math.nan}, "sigma_w = nan is not a finite number > 0"),
        ({"sigma_w": math.inf}, "sigma_w = inf is not a finite number > 0"),
        ({"sigma_b": -1.0}, r"sigma_b = -1\.0 is not a finite number >= 0"),
        ({"sigma_b": math.nan}, "sigma_b = nan is not a finite number >= 0"),
        ({"sigma_b": math.inf}, "sigma_b = inf is not a finite number >= 0"),
        ({"q": -1.0}, r"q = -1\.0 is not a finite number >= 0"),
        ({"q": math.nan}, "q = nan is not a finite number >= 0"),
        ({"q": math.inf}, "q = inf is not a finite number >= 0"),
        ({"q": 2.0}, r"q = 2\.0 is no fixed point of tanh at sigma_w = 1, sigma_b = 1: the variance map gives 1\.5199"),
    ],
)
def test_a_point_that_is_none_is_refused_in_one_line(given, said):
    with pytest.raises(ValueError, match=rf"^{said}[^\n]*$"):
        MeanField("tanh", **{"sigma_w": 1.0, "sigma_b": 1.0, **given})


def test_an_unknown_activation_is_answered_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"^unknown activation 'tahn'; did you mean tanh\?[^\n]*$"):
        MeanField("tahn", sigma_w=1.0, sigma_b=1.0)


@pytest.mark.parametrize("c", [1.1, -1.1, math.nan, math.inf])
def test_a_correlation_outside_its_interval_is_refused_in_one_line(c):
    with pytest.raises(ValueError, match=rf"^c = {c} is not a correlation in \[-1, 1\]$"):
        theory("tanh", 1.0, 1.0).correlation_map(c)
    with pytest.raises(ValueError, match=rf"^c(orrelation)? = {c} is not [^\n]*\[-1, 1\]$"):
        theory("tanh", 1.0, 1.0).covariance_map(1.0, 1.0, c)


@pytest.mark.parametrize("q", [-1.0, math.nan, math.inf])
@pytest.mark.parametrize(
    "ask",
    [
        lambda network, q: network.variance_map(q),
        lambda network, q: network.covariance_map(q, 1.0, 0.0),
        lambda network, q: network.covariance_map(1.0, q, 0.0),
    ],
    ids=["variance map", "first input", "second input"],
)
def test_a_variance_that_is_none_is_refused_in_one_line(ask, q):
    with pytest.raises(ValueError, match=rf"^q = {q} is not a finite number >= 0$"):
        ask(theory("tanh", 1.0, 1.0), q)


@pytest.mark.parametrize(
    "ask",
    [
        lambda network: network.limiting_variance(),
        lambda network: network.variance_map(1.0),
        lambda network: network.covariance_map(1.0, 1.0, 0.5),
        lambda network: network.phase,
    ],
    ids=["limit", "variance map", "covariance map", "phase"],
)
def test_an_activation_without_second_moment_is_refused_by_name(ask):
    with pytest.raises(ValueError, match=r"^explosive is not square-integrable under N\(0, 1\)[^\n]*$"):
        ask(MeanField(EXPLOSIVE, sigma_w=1.0, sigma_b=1.0))


def test_where_the_variance_vanishes_there_is_no_correlation():
    with pytest.raises(ValueError, match=r"^the variance of tanh at sigma_w = 0\.5, sigma_b = 0 vanishes[^\n]*$"):
        theory("tanh", 0.5, 0.0).correlation_map(0.5)


# Networks that were drawn -----------------------------------------------------------------------------------------

WIDTH, DEPTH, DRAWS = 300, 8, 60
# Of Student's t with 59 degrees of freedom: 4.2 standard errors. Eight layers and four networks ask 60 questions, so an
# honest simulation misses somewhere with probability 0.6 % at most; the seed is fixed. The theory's own error at finite
# width, of order 1/WIDTH, is a fraction of a standard error.
LEVEL = 0.9999

SIMULATED = [
    ("tanh", 1.3041458400565114, 0.2),  # both on the edge
    ("elu", 1.1761484737073744, 0.1),
    ("tanh", 2.0, 0.3),
    ("elu", 1.0, 1.0),
]


@cache
def simulate(name: str, sigma_w: float, sigma_b: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Variance of y^l, (DRAWS, DEPTH), and ratio of mean square gradients at y^l and y^(l+1), (DRAWS, DEPTH - 1).

    The input has the norm at which the first layer already has the limiting variance.
    """
    q = theory(name, sigma_w, sigma_b).limiting_variance()
    network = networks.mlp(WIDTH, WIDTH, activations.get(name), depth=DEPTH, width=WIDTH)
    layers: list[torch.Tensor] = []
    for module in network:
        if isinstance(module, nn.Linear):
            module.register_forward_hook(lambda _module, _input, y: layers.append(y))
    generator = torch.Generator().manual_seed(7)
    x = torch.full((1, WIDTH), math.sqrt((q - sigma_b**2) / sigma_w**2), dtype=torch.float32)
    variances, ratios = [], []
    for _ in range(DRAWS):
        networks.normal_(network, sigma_w=sigma_w, sigma_b=sigma_b, generator=generator)
        layers.clear()
        y = network(x)
        gradients = torch.autograd.grad(y, layers, torch.randn(y.shape, generator=generator))
        size = torch.stack([(gradient**2).mean() for gradient in gradients])
        variances.append(torch.stack([(y.detach() ** 2).mean() for y in layers]))
        ratios.append(size[:-1] / size[1:])
    return torch.stack(variances), torch.stack(ratios)


def half_width(sample: Sample) -> float:
    return float(stats.t.ppf((1 + LEVEL) / 2, sample.count - 1)) * sample.deviation / math.sqrt(sample.count)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), SIMULATED)
@pytest.mark.parametrize("layer", range(DEPTH))
def test_wide_random_networks_have_the_limiting_variance_in_every_layer(name, sigma_w, sigma_b, layer):
    variances, _ = simulate(name, sigma_w, sigma_b)
    sample = Sample.of(variances[:, layer].tolist())
    q = theory(name, sigma_w, sigma_b).limiting_variance()
    assert sample.mean == pytest.approx(q, rel=0, abs=half_width(sample))


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), SIMULATED)
@pytest.mark.parametrize("layer", range(DEPTH - 1))
def test_gradients_of_wide_random_networks_change_by_chi_1_in_every_layer(name, sigma_w, sigma_b, layer):
    _, ratios = simulate(name, sigma_w, sigma_b)
    sample = Sample.of(ratios[:, layer].tolist())
    assert sample.mean == pytest.approx(theory(name, sigma_w, sigma_b).chi_1, rel=0, abs=half_width(sample))


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), SIMULATED)
def test_the_simulation_is_sharp_enough_to_tell_a_tenth_apart(name, sigma_w, sigma_b):
    for table in simulate(name, sigma_w, sigma_b):
        for column in table.T:
            sample = Sample.of(column.tolist())
            assert half_width(sample) < 0.1 * sample.mean
