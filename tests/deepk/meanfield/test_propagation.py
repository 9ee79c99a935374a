"""Correlation layer by layer, in 1 - c: 10^4 and 10^5 layers against 40 digits, and what each phase does to it."""

import math
from functools import cache

import mpmath
import numpy as np
import pytest
from torch.nn import functional

from deepk import activations
from deepk.activations import Activation
from deepk.meanfield import MeanField, edge_of_chaos, rate
from deepk.meanfield.propagation import ComplementMap, orbit

EPSILON = 2.0**-52
DIGITS = 1e-12

BENT = Activation.from_callable("bent", lambda x: (x - 0.3).relu() + 0.2 * x, kinks=(0.3,))
HARD_TANH = Activation.from_callable("hard-tanh", functional.hardtanh, kinks=(-1.0, 1.0))
ZERO = Activation.from_callable("zero", lambda x: 0 * x)
ONE = Activation.from_callable("one", lambda x: 0 * x + 1)


@cache  # of which each keeps the table of its map
def theory(name: str, sigma_w: float, sigma_b: float) -> MeanField:
    return MeanField(BENT if name == "bent" else name, sigma_w=sigma_w, sigma_b=sigma_b)


def on_edge(name: str, sigma_b: float) -> MeanField:
    """At the float64 that the table of orbits has, where it has one."""
    listed = [row[1] for row in ORBITS if (row[0], row[2]) == (name, sigma_b)]
    return theory(name, listed[0] if listed else edge_of_chaos(name, sigma_b=sigma_b).sigma_w, sigma_b)


# Orbits in eighteen digits ----------------------------------------------------------------------------------------
# activation, sigma_w, sigma_b, c^0, and 1 - c^l at these l: iterated with mpmath in 40 digits from exactly these
# float64 parameters, at their own fixed point q. The map of 1 - c is
#   relu        u - (sin t - t cos t) / pi, t = 2 arcsin sqrt(u / 2)
#   erf, sin    differences of arcsines and of hyperbolic sines
#   tanh, swish sigma_w^2 / q sum a_k^2 (1 - (1 - u)^k), with 381 and 150 Hermite coefficients by the trapezoid rule
#   elu, bent   a Chebyshev series in t of degree 55, of 50-digit integrals with the inner one in closed form
# and agrees at u = 0.3 with a double integral to 34 digits. "bent" is relu(x - 0.3) + 0.2 x.
LAYERS = [1, 10, 100, 1000, 10_000, 100_000]
ORBITS = [
    (
        "relu",
        1.4142135623730951,
        0.0,
        -0.5,
        [
            "0.891002218955770642",
            "0.14037123427433608",
            "0.00362491598752011359",
            "0.0000431920290302434584",
            "4.42583868025593324e-7",
            "4.43946355718938414e-9",
        ],
    ),
    (
        "relu",
        1.4142135623730951,
        0.0,
        0.0,
        [
            "0.681690113816209328",
            "0.128464483978482379",
            "0.00357685331605237404",
            "0.0000431297325492140133",
            "4.42519273598012989e-7",
            "4.43939866660673028e-9",
        ],
    ),
    (
        "relu",
        1.4142135623730951,
        0.0,
        0.9,
        [
            "0.0904616011553279048",
            "0.0440761785243169369",
            "0.00289485655728443438",
            "0.0000421038006967774208",
            "4.41437059962542708e-7",
            "4.43830958606765331e-9",
        ],
    ),
    (
        "relu",
        1.4142135623730951,
        0.0,
        1 - 1e-6,
        [
            "9.9969989457501841e-7",
            "9.97005014591956845e-7",
            "9.7064525043446017e-7",
            "7.56032950069022122e-7",
            "1.59906148059174679e-7",
            "3.90337261669558202e-9",
        ],
    ),
    (
        "erf",
        1.2336725058390206,
        0.3,
        -0.5,
        [
            "1.28278197130777713",
            "0.435921276485496682",
            "0.0423186547092155933",
            "0.00400557485252674784",
            "0.000396453978930211554",
            "0.0000395856879690697143",
        ],
    ),
    (
        "erf",
        1.2336725058390206,
        0.3,
        0.0,
        [
            "0.869332528823528625",
            "0.353109056618153771",
            "0.0411786067757082587",
            "0.00399487379916446214",
            "0.00039634867481547224",
            "0.0000395846376268468716",
        ],
    ),
    (
        "erf",
        1.2336725058390206,
        0.3,
        0.9,
        [
            "0.0976691008151369998",
            "0.0806511809641235002",
            "0.0289560026534238574",
            "0.00383501889449608335",
            "0.000394712954712195328",
            "0.0000395682576084869628",
        ],
    ),
    (
        "erf",
        1.2336725058390206,
        0.3,
        1 - 1e-6,
        [
            "9.99999747355138898e-7",
            "9.99997473298333943e-7",
            "9.99974733299118206e-7",
            "9.99747390175987925e-7",
            "9.97479631528642984e-7",
            "9.75355337545866291e-7",
        ],
    ),
    (
        "sin",
        1.262664604663284,
        0.3,
        -0.5,
        [
            "1.27848881412595484",
            "0.442980538212629749",
            "0.0497293852406475746",
            "0.00493328948925886641",
            "0.000492011776536117156",
            "0.0000491789733318345572",
        ],
    ),
    (
        "sin",
        1.262664604663284,
        0.3,
        1 - 1e-6,
        [
            "9.99999796675085359e-7",
            "9.99997966495774351e-7",
            "9.99979665071108758e-7",
            "9.99796687661418656e-7",
            "9.97970589792845537e-7",
            "9.80069914513247715e-7",
        ],
    ),
    (
        "tanh",
        1.3041458400565114,
        0.2,
        -0.5,
        [
            "1.36961146129538332",
            "0.668706296081999552",
            "0.0772869169284050944",
            "0.00721234355066897656",
            "0.000710297416633558686",
            "0.0000708630870529524854",
        ],
    ),
    (
        "tanh",
        1.3041458400565114,
        0.2,
        0.0,
        [
            "0.921886976959045993",
            "0.506969117009900566",
            "0.0737402049575154189",
            "0.0071788784076472497",
            "0.000709970283851513899",
            "0.0000708598285344644067",
        ],
    ),
    (
        "tanh",
        1.3041458400565114,
        0.2,
        0.9,
        [
            "0.0986813902063882576",
            "0.0881816237532694187",
            "0.0423197335553120747",
            "0.00668270691985478023",
            "0.000704777103902731651",
            "0.0000708077357092780873",
        ],
    ),
    (
        "tanh",
        1.3041458400565114,
        0.2,
        1 - 1e-6,
        [
            "9.99999858860445846e-7",
            "9.99998588347451037e-7",
            "9.99985883395063029e-7",
            "9.99858851624687106e-7",
            "9.98590306771147699e-7",
            "9.86079677862125719e-7",
        ],
    ),
    (
        "swish",
        1.6795316006916459,
        0.2,
        -0.5,
        [
            "1.16702237624163268",
            "0.419310971141315539",
            "0.0598102689115568368",
            "0.00631123762499412683",
            "0.000635350331836296227",
            "0.0000635849677111548962",
        ],
    ),
    (
        "swish",
        1.6795316006916459,
        0.2,
        1 - 1e-6,
        [
            "9.99999842774875482e-7",
            "9.99998427492179426e-7",
            "9.9998427488554855e-7",
            "9.99842770848747839e-7",
            "9.98429929976216566e-7",
            "9.84518068959751643e-7",
        ],
    ),
    (
        "elu",
        1.1761484737073744,
        0.1,
        -0.5,
        [
            "1.41053881243890368",
            "0.903420912346935319",
            "0.17291649750723744",
            "0.0164486178684719816",
            "0.00154010023811834113",
            "0.000150063404476848077",
        ],
    ),
    (
        "elu",
        1.1761484737073744,
        0.1,
        1 - 1e-6,
        [
            "9.99999932565531599e-7",
            "9.99999325396924568e-7",
            "9.99993253751400468e-7",
            "9.99932541350507188e-7",
            "9.99325822503339911e-7",
            "9.93298879030453351e-7",
        ],
    ),
    (
        "bent",
        1.406921757914132,
        0.3,
        -0.5,
        [
            "0.965436857255556859",
            "0.166056615408554816",
            "0.00443922711441004572",
            "0.0000531811778783019549",
            "5.45261742067436467e-7",
            "5.46972840397735359e-9",
        ],
    ),
    (
        "bent",
        1.406921757914132,
        0.3,
        1 - 1e-6,
        [
            "9.99729632324396717e-7",
            "9.97301249708821846e-7",
            "9.73496520216034719e-7",
            "7.75975328377035669e-7",
            "1.80767753095471067e-7",
            "4.74384993538344972e-9",
        ],
    ),
]


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b", "c0", "reference"), ORBITS)
def test_ten_thousand_layers_lose_no_more_than_a_rounding_each(name, sigma_w, sigma_b, c0, reference):
    layers = np.array(LAYERS[:-1])
    found = theory(name, sigma_w, sigma_b).complements(c0, 10_000)[layers]
    exact = np.array([float(value) for value in reference[:-1]])
    assert (np.abs(found / exact - 1) <= np.maximum(DIGITS, layers * EPSILON)).all()


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b", "c0", "reference"), [row for row in ORBITS if (row[0], row[3]) == ("relu", 0.0)]
)
def test_a_hundred_thousand_layers_lose_no_more_than_a_rounding_each(name, sigma_w, sigma_b, c0, reference):
    found = theory(name, sigma_w, sigma_b).complements(c0, 100_000)[-1]
    assert found == pytest.approx(float(reference[-1]), rel=1e5 * EPSILON)


def relu_step(u):
    t = 2 * mpmath.asin(mpmath.sqrt(u / 2))
    return u - (mpmath.sin(t) - t * mpmath.cos(t)) / mpmath.pi


def erf_step(sigma_w: float, sigma_b: float):
    with mpmath.workdps(30):
        w, b = mpmath.mpf(sigma_w) ** 2 * 2 / mpmath.pi, mpmath.mpf(sigma_b) ** 2
        q = mpmath.findroot(lambda q: b + w * mpmath.asin(2 * q / (1 + 2 * q)) - q, 0.7)
        a = 2 * q / (1 + 2 * q)
        one = mpmath.asin(a)
    return lambda u: w / q * (one - mpmath.asin(a * (1 - u)))


@pytest.mark.parametrize("name", ["relu", "erf"])
def test_the_table_of_orbits_is_reproduced_from_its_closed_forms(name):
    _, sigma_w, sigma_b, c0, reference = next(row for row in ORBITS if row[0] == name and row[3] == 0.9)
    step = relu_step if name == "relu" else erf_step(sigma_w, sigma_b)
    with mpmath.workdps(30):
        u = 1 - mpmath.mpf(c0)
        for _ in range(100):
            u = step(u)
        assert abs(u / mpmath.mpf(reference[2]) - 1) < 1e-16  # the table holds 18 digits


@pytest.mark.parametrize("u", [2.0, 1.5, 1.0, 0.3, 1e-2, 1e-4, 1e-8, 1e-12, 1e-200])
@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(1.2336725058390206, 0.3), (2.0, 0.1)])
def test_one_layer_of_erf_has_twelve_digits_at_any_correlation(sigma_w, sigma_b, u):
    network = theory("erf", sigma_w, sigma_b)
    with mpmath.workdps(250):  # 1 - 1e-200 has to be told from one
        q = mpmath.mpf(network.limiting_variance())
        a = 2 * q / (1 + 2 * q)
        one, exact_u = mpmath.asin(a), mpmath.mpf(u)
        exact = mpmath.mpf(sigma_w) ** 2 * 2 / mpmath.pi / q * (one - mpmath.asin(a * (1 - exact_u)))
        assert network.complement_map(u) == pytest.approx(float(exact), rel=DIGITS, abs=0)


@pytest.mark.parametrize("u", [2.0, 1.5, 1.0, 0.3, 1e-2, 1e-4, 1e-8, 1e-12, 1e-200])
def test_one_layer_of_the_step_has_twelve_digits_at_any_correlation(u):
    # 1 - f = sigma_w^2 arccos(c) / (2 pi q), with arccos(1 - u) = 2 arcsin sqrt(u / 2)
    network = theory("step", 1.0, 0.5)
    exact = math.asin(math.sqrt(u / 2)) / (math.pi * (0.5**2 + 1 / 2))
    assert network.complement_map(u) == pytest.approx(exact, rel=DIGITS, abs=0)


# 1 - f of hard tanh with sigma_w = 1, whose two kinks put exp(-1 / (2 q sin^2(theta / 2))) into the curvature: by the
# same route as ELU above, in 50 digits.
HARD = [
    (2.0, "1.0321171019234266008"),
    (1.0, "0.5160585509617133004"),
    (0.1, "0.062513194186830718228"),
    (1e-3, "0.00067693341476769930078"),
    (1e-6, "6.8250746898735626147e-7"),
    (1e-10, "6.8268767190558862598e-11"),
]


@pytest.mark.parametrize(("u", "exact"), HARD)
def test_one_layer_of_two_kinks_has_twelve_digits(u, exact):
    # at u = 2 the density of the two inputs at one kink, exp(-x^2 / (2 q cos^2(theta / 2))), has its singularity
    assert hard_tanh_map()(u) == pytest.approx(float(exact), rel=DIGITS)


@cache
def hard_tanh_map() -> ComplementMap:
    return ComplementMap(HARD_TANH, sigma_w=1.0, q=1.0)


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"),
    [
        ("tanh", 2.0, 0.3),
        ("elu", 1.0, 1.0),
        ("swish", 1.6795316006916459, 0.2),
        ("bent", 1.406921757914132, 0.3),
        ("step", 1.0, 0.5),
    ],
)
@pytest.mark.parametrize("c", [-1.0, -0.6, 0.0, 0.7, 0.99])
def test_the_table_agrees_with_the_double_integral(name, sigma_w, sigma_b, c):
    network = theory(name, sigma_w, sigma_b)
    # 1 - c rounds to 1e-14 of itself at c = 0.99
    assert network.complement_map(1 - c) == pytest.approx(1 - network.correlation_map(c), rel=DIGITS, abs=1e-15)


# Phases -----------------------------------------------------------------------------------------------------------

ORDERED = [("relu", 1.0, 1.0), ("tanh", 1.0, 1.0), ("elu", 1.0, 1.0), ("shifted-softplus", 1.0, 1.0)]
CHAOTIC = [("tanh", 2.0, 0.3), ("erf", 2.0, 0.1), ("sin", 1.6, 0.3), ("step", 1.0, 0.5)]


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), ORDERED)
def test_in_the_ordered_phase_correlation_tends_to_one_without_noise(name, sigma_w, sigma_b):
    u = theory(name, sigma_w, sigma_b).complements(0.0, 2000)
    kept = u[u > 1e-300]
    assert (np.diff(kept) < 0).all()
    assert len(kept) < 2000


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), ORDERED)
def test_in_the_ordered_phase_correlation_comes_closer_by_chi_1_in_a_layer(name, sigma_w, sigma_b):
    network = theory(name, sigma_w, sigma_b)
    u = network.complements(0.0, 2000)
    # sqrt(1 - c) of ReLU's next term is below 1e-12, and so is the rounding of a layer
    late = u[(u < 1e-26) & (u > 1e-290)]
    assert late[1:] / late[:-1] == pytest.approx(network.chi_1, rel=DIGITS)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), ORDERED)
def test_in_the_ordered_phase_the_depth_scale_is_the_measured_decay(name, sigma_w, sigma_b):
    network = theory(name, sigma_w, sigma_b)
    u = network.complements(0.0, 300)
    log = np.log(u[(u < 1e-26) & (u > 1e-290)])
    assert network.depth_scale() == pytest.approx(-1 / np.diff(log).mean(), rel=DIGITS)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), CHAOTIC)
@pytest.mark.parametrize("c0", [0.0, 0.9, 1 - 1e-10])
def test_in_the_chaotic_phase_correlation_tends_to_its_fixed_point(name, sigma_w, sigma_b, c0):
    network = theory(name, sigma_w, sigma_b)
    u = network.complements(c0, 400)
    # f'(c*) < 1 damps the roundings of the layers; the fixed point is solved to 1e-13
    assert u[-1] == pytest.approx(1 - network.limiting_correlation(), rel=DIGITS)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), CHAOTIC)
def test_in_the_chaotic_phase_the_depth_scale_is_the_measured_decay(name, sigma_w, sigma_b):
    network = theory(name, sigma_w, sigma_b)
    distance = network.complements(0.9, 400) - (1 - network.limiting_correlation())
    late = np.log(np.abs(distance[(np.abs(distance) < 1e-6) & (np.abs(distance) > 1e-9)]))
    # The curvature of f leaves about 1e-6 in each ratio, the rounding of the fixed point 1e-13 / 1e-9.
    assert network.depth_scale() == pytest.approx(-1 / np.diff(late).mean(), rel=1e-3)


def test_in_the_chaotic_phase_close_inputs_part_by_chi_1_in_a_layer():
    network = theory("tanh", 2.0, 0.3)
    u = network.complements(1 - 1e-12, 20)
    # the next term of 1 - f is smaller by 1 - c < 1e-9, with a factor of size one
    assert u[1:] / u[:-1] == pytest.approx(network.chi_1, rel=1e-8)


@pytest.mark.parametrize("c0", [-1.0, 0.0, 0.5])
@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(2.0, 0.3), (1.5, 0.0), (1.0, 0.0)])
def test_a_homogeneous_correlation_does_not_depend_on_a_scale_that_vanishes_or_diverges(sigma_w, sigma_b, c0):
    edge = theory("relu", math.sqrt(2), 0.0).complements(c0, 50)
    assert (theory("relu", sigma_w, sigma_b).complements(c0, 50) == edge).all()


EDGES = [("relu", 0.0), ("leaky-relu", 0.0), ("bent", 0.3), ("elu", 0.1), ("tanh", 0.2), ("erf", 0.3), ("swish", 0.2)]


@pytest.mark.parametrize(("name", "sigma_b"), EDGES)
def test_on_the_edge_correlation_grows_in_every_layer(name, sigma_b):
    assert (np.diff(on_edge(name, sigma_b).complements(0.0, 1000)) < 0).all()


@pytest.mark.parametrize(("name", "sigma_b"), EDGES)
def test_on_the_edge_each_layer_close_to_one_adds_what_the_rate_says(name, sigma_b):
    # 1 - c^l ~ constant / l^p says that (1 - c)^(-1/p) grows by constant^(-1/p) in a layer. The next term is smaller by
    # the square root of 1 - c where phi'' or phi' jumps, 1e-3 here, with a factor of size one to ten.
    network = on_edge(name, sigma_b)
    found = rate(network.activation, sigma_b=sigma_b)
    before, after = network.complements(1 - 1e-6, 1) ** (-1 / found.power)
    assert after - before == pytest.approx(found.constant ** (-1 / found.power), rel=1e-2)


@pytest.mark.parametrize("c0", [-1.0, -0.5, 0.0, 0.9])
def test_the_identity_keeps_every_correlation(c0):
    u = MeanField("identity", sigma_w=1.0, sigma_b=0.0).complements(c0, 10)
    assert u == pytest.approx(1 - c0, rel=DIGITS)


@pytest.mark.parametrize("phi", [ZERO, ONE], ids=["zero", "one"])
def test_a_constant_makes_all_inputs_alike_in_one_layer(phi):
    u = MeanField(phi, sigma_w=2.0, sigma_b=1.0).complements(0.0, 3)
    assert u.tolist() == [1, 0, 0, 0]


# Orbits -----------------------------------------------------------------------------------------------------------


def test_the_orbit_begins_at_its_start():
    assert orbit(lambda u: u / 2, 0.5, 3).tolist() == [0.5, 0.25, 0.125, 0.0625]


@pytest.mark.parametrize("name", ["relu", "tanh", "elu", "step"])
def test_equal_inputs_stay_equal(name):
    assert theory(name, 1.0, 1.0).complements(1.0, 5).tolist() == [0] * 6


def test_no_layers_leave_the_start():
    assert theory("relu", 1.0, 1.0).complements(0.25, 0).tolist() == [0.75]


@pytest.mark.parametrize("c0", [1.1, -1.1, math.nan, math.inf])
def test_a_start_that_is_no_correlation_is_refused_in_one_line(c0):
    with pytest.raises(ValueError, match=rf"^c0 = {c0} is not a correlation in \[-1, 1\][^\n]*$"):
        theory("relu", 1.0, 1.0).complements(c0, 3)


def test_a_negative_depth_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^depth = -1 is negative[^\n]*$"):
        theory("relu", 1.0, 1.0).complements(0.5, -1)


# Many angles at once ----------------------------------------------------------------------------------------------

ANGLES = np.array([1e-200, 1e-30, 1e-8, 1e-3, 0.1, 1.0, math.pi / 2, 2.5, 3.1])
MAPS = [("relu", 1.1, 0.7), ("erf", 1.3, 0.6), ("sin", 1.2, 0.4), ("step", 1.0, 1.0)]


@cache
def table(name: str, sigma_w: float, q: float) -> ComplementMap:
    return ComplementMap(activations.get(name), sigma_w=sigma_w, q=q)


def exact_slope(name: str, sigma_w: float, q: float, c: mpmath.mpf) -> mpmath.mpf:
    """sigma_w^2 E phi'(X) phi'(Y) at variance q: orthants, a Gaussian integral, and characteristic functions."""
    w, q = mpmath.mpf(sigma_w) ** 2, mpmath.mpf(q)
    if name == "relu":
        return w * (mpmath.pi - mpmath.acos(c)) / (2 * mpmath.pi)
    if name == "erf":
        return w * 4 / mpmath.pi / mpmath.sqrt((1 + 2 * q) ** 2 - (2 * q * c) ** 2)
    if name == "sin":
        return w * mpmath.exp(-q) * mpmath.cosh(q * c)
    return w / (2 * mpmath.pi * q * mpmath.sqrt(1 - c * c))


def exact_fall(name: str, sigma_w: float, q: float, c: mpmath.mpf) -> mpmath.mpf:
    """1 - f(c) = sigma_w^2 (E phi^2 - E phi(X) phi(Y)) / q."""
    w, q, one = mpmath.mpf(sigma_w) ** 2, mpmath.mpf(q), mpmath.mpf(1)

    def covariance(c: mpmath.mpf) -> mpmath.mpf:
        if name == "relu":
            return q * (mpmath.sqrt(1 - c * c) + c * (mpmath.pi - mpmath.acos(c))) / (2 * mpmath.pi)
        if name == "erf":
            return 2 / mpmath.pi * mpmath.asin(2 * q * c / (1 + 2 * q))
        if name == "sin":
            return mpmath.exp(-q) * mpmath.sinh(q * c)
        return (mpmath.pi - mpmath.acos(c)) / (2 * mpmath.pi)

    return w * (covariance(one) - covariance(c)) / q


@pytest.mark.parametrize(("name", "sigma_w", "q"), MAPS)
def test_the_map_of_many_angles_has_twelve_digits_however_small_they_are(name, sigma_w, q):
    with mpmath.workdps(450):  # cos(1e-200) has to be told from one
        exact = [float(exact_fall(name, sigma_w, q, mpmath.cos(mpmath.mpf(theta)))) for theta in ANGLES]
    found = table(name, sigma_w, q).at_angles(ANGLES)
    normal = np.array(exact) > 1e-300  # 1e-200 squared is not
    assert found[normal] == pytest.approx(np.array(exact)[normal], rel=DIGITS, abs=0)
    assert (found[~normal] < 1e-300).all()


@pytest.mark.parametrize(("name", "sigma_w", "q"), MAPS)
def test_the_map_of_many_angles_is_that_of_each(name, sigma_w, q):
    u = np.array([0.0, 1e-100, 1e-6, 0.4, 1.0, 1.9, 2.0])
    each = [table(name, sigma_w, q)(value) for value in u]
    # the angle rounds, and is halved and doubled
    assert table(name, sigma_w, q).at_angles(2 * np.arcsin(np.sqrt(u / 2))) == pytest.approx(
        each, rel=20 * EPSILON, abs=0
    )


@pytest.mark.parametrize(("name", "sigma_w", "q"), MAPS)
def test_the_slope_of_the_map_agrees_with_mpmath(name, sigma_w, q):
    with mpmath.workdps(450):
        exact = [float(exact_slope(name, sigma_w, q, mpmath.cos(mpmath.mpf(theta)))) for theta in ANGLES]
    assert table(name, sigma_w, q).slope(ANGLES) == pytest.approx(exact, rel=DIGITS, abs=0)


@pytest.mark.parametrize(("name", "sigma_w", "q"), MAPS[:3])
def test_the_gap_of_the_slope_has_twelve_digits_of_its_largest_value_times_the_angle(name, sigma_w, q):
    with mpmath.workdps(450):
        one = exact_slope(name, sigma_w, q, mpmath.mpf(1))
        exact = [float(one - exact_slope(name, sigma_w, q, mpmath.cos(mpmath.mpf(theta)))) for theta in ANGLES]
    found = table(name, sigma_w, q).slope_gap(ANGLES)
    # to the digits of the table, and for small angles to the absolute accuracy that is promised
    assert (np.abs(found - exact) <= DIGITS * np.array(exact) + 1e-15 * ANGLES * max(exact)).all()


@pytest.mark.parametrize(("name", "sigma_w", "q"), MAPS[:3])
def test_slope_and_gap_sum_to_the_slope_at_one(name, sigma_w, q):
    slopes, gaps = (
        f(np.append(ANGLES, [0.0, math.pi])) for f in (table(name, sigma_w, q).slope, table(name, sigma_w, q).slope_gap)
    )
    assert slopes + gaps == pytest.approx(float(exact_slope(name, sigma_w, q, mpmath.mpf(1))), rel=DIGITS)
    assert gaps[-2] == 0


@pytest.mark.parametrize("method", ["at_angles", "slope", "slope_gap"])
def test_angles_keep_their_shape(method):
    angles = np.full((2, 3, 1), 0.5)
    assert getattr(table("relu", 1.1, 0.7), method)(angles).shape == angles.shape
