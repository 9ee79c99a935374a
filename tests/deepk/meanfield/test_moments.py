"""Moments of activations against references in 40 digits, and the Dirac masses that kinks and jumps leave."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch.nn import functional

from deepk import activations
from deepk.activations import Activation
from deepk.meanfield import moments

# What the library promises, relative to the reference. Measured on the tables below: 1e-15.
DIGITS = 1e-12

BENT = Activation.from_callable("bent", lambda x: (x - 0.3).relu() + 0.2 * x, kinks=(0.3,))
SELU = Activation.from_callable("selu", functional.selu, kinks=(0.0,))
HARD_TANH = Activation.from_callable("hard-tanh", functional.hardtanh, kinks=(-1.0, 1.0))
JUMP = Activation.from_callable("jump", lambda x: x.tanh() + 3.0 * (x > 0.5), jumps=(0.5,))


def phi(name: str) -> Activation:
    own = {"bent": BENT, "selu": SELU}
    return own[name] if name in own else activations.get(name)


def close(reference: str | float) -> object:
    return pytest.approx(float(reference), rel=DIGITS, abs=0)


# References -------------------------------------------------------------------------------------------------------
# Computed once with mpmath in 40 digits. Smooth activations by the trapezoid rule, whose error falls exponentially with
# the distance of the nearest pole over the step; erf by arcsines and sin by exponentials; piecewise linear or
# exponential ones in one dimension by 48-point Gauss-Legendre rules between breaks, and in two with the inner
# expectation in closed form. The rules agree with the arcsine and the arc-cosine kernels to 5e-39. "bent" is
# relu(x - 0.3) + 0.2 x.

# activation, q, E phi^2, E phi'^2, E phi''^2 (without Dirac masses)
MOMENTS = [
    ("tanh", 0.001, "0.00099800564609165086268", "0.9980069688329748869", "0.0039682407523264656416"),
    ("tanh", 0.3, "0.19726338750221824595", "0.68587155289605394702", "0.31359805202163950121"),
    ("tanh", 7.0, "0.71428653120286126321", "0.1965989558055048783", "0.15190642764609895144"),
    ("tanh", 400.0, "0.96014669830624069695", "0.026585439306237784464", "0.021255069430307836797"),
    ("elu", 0.001, "0.00097561907447316776653", "0.97573600675103876453", "0.47573600675103876453"),
    ("elu", 0.3, "0.22063769410724746157", "0.74901228428534145939", "0.24901228428534145939"),
    ("elu", 7.0, "3.8030241322344382267", "0.57294724045574263359", "0.072947240455742633587"),
    ("elu", 400.0, "200.47017210389164725", "0.50996733518830130998", "0.0099673351883013099835"),
    ("swish", 0.001, "0.0002501873439047665283", "0.25024975029127144737", "0.24975037435539587067"),
    ("swish", 0.3, "0.088594406029021814449", "0.30816109476376203943", "0.19752376512660855458"),
    ("swish", 7.0, "3.2470344629244302127", "0.48816533432902564117", "0.064201606876253761885"),
    ("swish", 400.0, "199.93548845066856175", "0.50410220810374716122", "0.0088293988370028495605"),
    ("gelu", 0.001, "0.00025047667035218063504", "0.25063534902132636413", "0.63534986634535591791"),
    ("gelu", 0.3, "0.10354028684143442318", "0.36872610764542638734", "0.42219524607181995661"),
    ("gelu", 7.0, "3.4403825998640611348", "0.5106602557005887275", "0.11451424783009196388"),
    ("gelu", 400.0, "199.99065186689108978", "0.50278485109494211351", "0.015468041225081350443"),
    ("shifted-softplus", 0.001, "0.00025004685548070326192", "0.25006246877211525684", "0.062468777313191831636"),
    ("shifted-softplus", 0.3, "0.078770106960579427603", "0.26641131826237191246", "0.054988873901290318869"),
    ("shifted-softplus", 7.0, "2.4961452825188738315", "0.37403974496760886329", "0.023132002533123584586"),
    ("shifted-softplus", 400.0, "189.42172578752287336", "0.4801342158576291678", "0.0033191742342572396313"),
    ("sigmoid", 0.001, "0.25006246877211525684", "0.062468777313191831636", "0.000015593809127203960568"),
    ("sigmoid", 0.3, "0.26641131826237191246", "0.054988873901290318869", "0.0028860988468555860403"),
    ("sigmoid", 7.0, "0.37403974496760886329", "0.023132002533123584586", "0.0040646831615843050401"),
    ("sigmoid", 400.0, "0.4801342158576291678", "0.0033191742342572396313", "0.00066218058909304065114"),
    ("erf", 0.001, "0.0012706989921935079513", "1.2707006797069769609", "0.0050625525087927370009"),
    ("erf", 0.3, "0.24471458707824624472", "0.85841792594320766121", "0.46822795960538598915"),
    ("erf", 7.0, "0.76622811354091958814", "0.23643464783999158912", "0.22828172894895739639"),
    ("erf", 400.0, "0.96818557666726717017", "0.031821046094751112731", "0.03180117036327406644"),
    ("sin", 0.001, "0.00099900066633346664301", "0.99900099933366653336", "0.00099900066633346664301"),
    ("sin", 0.3, "0.22559418195298677759", "0.77440581804701322241", "0.22559418195298677759"),
    ("sin", 7.0, "0.49999958423564044822", "0.50000041576435955178", "0.49999958423564044822"),
    ("sin", 400.0, "0.5", "0.5", "0.5"),
    ("leaky-relu", 0.001, "0.00050005000000000001041", "0.50005", "0.0"),
    ("leaky-relu", 0.3, "0.15001499999999999445", "0.50005", "0.0"),
    ("leaky-relu", 7.0, "3.50035", "0.50005", "0.0"),
    ("leaky-relu", 400.0, "200.02", "0.50005", "0.0"),
    ("bent", 0.001, "0.000040000000000000005274", "0.040000000000000004443", "0.0"),
    ("bent", 0.3, "0.10446810836596625381", "0.44871769453925563598", "0.0"),
    ("bent", 7.0, "4.4639532054823992974", "0.67680532240188875449", "0.0"),
    ("bent", 400.0, "290.30008754380628941", "0.73162252626801289182", "0.0"),
    ("selu", 0.001, "0.0020220836017697118306", "2.0224450293016808307", "1.4704587468867900828"),
    ("selu", 0.3, "0.38393087237713075712", "1.321661661855446035", "0.76967537944055528706"),
    ("selu", 7.0, "4.8005252951116910122", "0.77745987757527316505", "0.22547359516038241709"),
    ("selu", 400.0, "222.24777417153799692", "0.58279445123710098675", "0.030808168822210238792"),
]

# activation, q, d/dq E phi^2
DERIVATIVES = [
    ("tanh", 0.001, "0.99601691779110796241"),
    ("tanh", 0.3, "0.45214143369259833295"),
    ("tanh", 7.0, "0.018369929822237161319"),
    ("tanh", 400.0, "0.000049714531194747293791"),
    ("elu", 0.001, "0.96384181966379473067"),
    ("elu", 0.3, "0.65883727348163592265"),
    ("elu", 7.0, "0.51093292680083306374"),
    ("elu", 400.0, "0.50003705472827558837"),
    ("swish", 0.001, "0.25037453186888494543"),
    ("swish", 0.3, "0.33205448228001905675"),
    ("swish", 7.0, "0.50011142334962170761"),
    ("swish", 400.0, "0.50007791266122178511"),
    ("gelu", 0.001, "0.25095254752274526159"),
    ("gelu", 0.3, "0.4079527402305618997"),
    ("gelu", 7.0, "0.50286958842147810495"),
    ("gelu", 400.0, "0.5000116099690897273"),
    ("shifted-softplus", 0.001, "0.25009369145405340259"),
    ("shifted-softplus", 0.3, "0.27385335507682035723"),
    ("shifted-softplus", 7.0, "0.40013898171978832592"),
    ("shifted-softplus", 400.0, "0.48617124838859522052"),
    ("sigmoid", 0.001, "0.062437566325633123328"),
    ("sigmoid", 0.3, "0.048172280835056912837"),
    ("sigmoid", 7.0, "0.0064158800831751854047"),
    ("sigmoid", 400.0, "0.000024630631586302795706"),
    ("erf", 0.001, "1.2681643510049670268"),
    ("erf", 0.3, "0.5365112037145047957"),
    ("erf", 7.0, "0.015762309855999439274"),
    ("erf", 400.0, "0.000039726649306805384184"),
    ("sin", 0.001, "0.99800199866733306671"),
    ("sin", 0.3, "0.54881163609402644481"),
    ("sin", 7.0, "8.3152871910356788406e-7"),
    ("sin", 400.0, "3.6678745841776872135e-348"),
    ("leaky-relu", 0.001, "0.50005"),
    ("leaky-relu", 0.3, "0.50005"),
    ("leaky-relu", 7.0, "0.50005"),
    ("leaky-relu", 400.0, "0.50005"),
    ("bent", 0.001, "0.040000000000000004464"),
    ("bent", 0.3, "0.48633230049290688152"),
    ("bent", 7.0, "0.68579450915452795417"),
    ("bent", 400.0, "0.73281921847377094024"),
    ("selu", 0.001, "1.9856811283327581904"),
    ("selu", 0.3, "1.0429385223300603558"),
    ("selu", 7.0, "0.58577901118719716963"),
    ("selu", 400.0, "0.55210081536705988334"),
]

# activation, q_a, q_b, c, E phi(X) phi(Y)
COVARIANCES = [
    ("tanh", 0.7, 0.7, 0.6, "0.19148943970306831699"),
    ("tanh", 0.7, 0.7, -0.95, "-0.31217202835770674675"),
    ("tanh", 2.0, 0.3, -0.4, "-0.12020119624021912925"),
    ("tanh", 0.5, 3.0, 0.999, "0.3919405387525907878"),
    ("tanh", 1.25, 1.25, 0.999999, "0.43502465723322455995"),
    ("elu", 0.7, 0.7, 0.6, "0.28136425273396559279"),
    ("elu", 0.7, 0.7, -0.95, "-0.38008538266988544704"),
    ("elu", 2.0, 0.3, -0.4, "-0.16620057353958317726"),
    ("elu", 0.5, 3.0, 0.999, "0.76131359683338394302"),
    ("elu", 1.25, 1.25, 0.999999, "0.78701511010312786756"),
    ("swish", 0.7, 0.7, 0.6, "0.14096936941016264826"),
    ("swish", 0.7, 0.7, -0.95, "-0.11049472511686894641"),
    ("swish", 2.0, 0.3, -0.4, "-0.046064331322171287972"),
    ("swish", 0.5, 3.0, 0.999, "0.43645822714834950797"),
    ("swish", 1.25, 1.25, 0.999999, "0.46214613835887913378"),
    ("gelu", 0.7, 0.7, 0.6, "0.17203668554566239365"),
    ("gelu", 0.7, 0.7, -0.95, "-0.065927950340258062698"),
    ("gelu", 2.0, 0.3, -0.4, "-0.019926250898194078559"),
    ("gelu", 0.5, 3.0, 0.999, "0.51087326670607511274"),
    ("gelu", 1.25, 1.25, 0.999999, "0.54783881277144492795"),
    ("shifted-softplus", 0.7, 0.7, 0.6, "0.11574185383448216789"),
    ("shifted-softplus", 0.7, 0.7, -0.95, "-0.14922390197342668851"),
    ("shifted-softplus", 2.0, 0.3, -0.4, "-0.067834477481481249609"),
    ("shifted-softplus", 0.5, 3.0, 0.999, "0.35123404194404605086"),
    ("shifted-softplus", 1.25, 1.25, 0.999999, "0.36297186983862271703"),
    ("softplus", 0.7, 0.7, 0.6, "0.70873126247868933131"),
    ("softplus", 0.7, 0.7, -0.95, "0.44376550667078047491"),
    ("softplus", 2.0, 0.3, -0.4, "0.5829459830717326804"),
    ("softplus", 0.5, 3.0, 0.999, "1.0776714130191443246"),
    ("softplus", 1.25, 1.25, 0.999999, "1.0351105001327727274"),
    ("sigmoid", 0.7, 0.7, 0.6, "0.26980555651146008109"),
    ("sigmoid", 0.7, 0.7, -0.95, "0.218473855355765773"),
    ("sigmoid", 2.0, 0.3, -0.4, "0.2368386303735783009"),
    ("sigmoid", 0.5, 3.0, 0.999, "0.29596369873933362386"),
    ("sigmoid", 1.25, 1.25, 0.999999, "0.3007121979544238835"),
    ("erf", 0.7, 0.7, 0.6, "0.22763683460802957898"),
    ("erf", 0.7, 0.7, -0.95, "-0.37392595574266438098"),
    ("erf", 2.0, 0.3, -0.4, "-0.14061702864159447131"),
    ("erf", 0.5, 3.0, 0.999, "0.45381992928620800517"),
    ("erf", 1.25, 1.25, 0.999999, "0.50649592139530430759"),
    ("sin", 0.7, 0.7, 0.6, "0.21475197341634298245"),
    ("sin", 0.7, 0.7, -0.95, "-0.35511237013474436169"),
    ("sin", 2.0, 0.3, -0.4, "-0.099683567614269417596"),
    ("sin", 0.5, 3.0, 0.999, "0.26977877551969188623"),
    ("sin", 1.25, 1.25, 0.999999, "0.4589568243852850034"),
    ("leaky-relu", 0.7, 0.7, 0.6, "0.23662252990878563201"),
    ("leaky-relu", 0.7, 0.7, -0.95, "-0.0054961204077583497848"),
    ("leaky-relu", 2.0, 0.3, -0.4, "0.051612754580555425134"),
    ("leaky-relu", 0.5, 3.0, 0.999, "0.61182693541891028474"),
    ("leaky-relu", 1.25, 1.25, 0.999999, "0.62506187512133332903"),
    ("bent", 0.7, 0.7, 0.6, "0.19233136576632743278"),
    ("bent", 0.7, 0.7, -0.95, "-0.12234571577140947764"),
    ("bent", 2.0, 0.3, -0.4, "-0.042761017106932562573"),
    ("bent", 0.5, 3.0, 0.999, "0.60019865153886651406"),
    ("bent", 1.25, 1.25, 0.999999, "0.64629240498715994388"),
    ("selu", 0.7, 0.7, 0.6, "0.44827446838364486246"),
    ("selu", 0.7, 0.7, -0.95, "-0.70182810880205703427"),
    ("selu", 2.0, 0.3, -0.4, "-0.31770964894384882307"),
    ("selu", 0.5, 3.0, 0.999, "1.1376258785260243999"),
    ("selu", 1.25, 1.25, 0.999999, "1.1907587523193405662"),
]

# activation, q, c, E phi'(X) phi'(Y), E (phi(X) - phi(Y))^2
SLOPES = [
    ("tanh", 0.7, 0.6, "0.47222963637894564654", "0.27805871949729763837"),
    ("tanh", 1.25, -0.8, "0.37454141776348668773", "1.5415363543617046746"),
    ("tanh", 1.25, 0.999999, "0.42540413423498344763", "1.0635107818934527137e-6"),
    ("elu", 0.7, 0.6, "0.65583307879066306686", "0.37637756929381641159"),
    ("elu", 1.25, -0.8, "0.50178603012153202555", "2.5567364749878471795"),
    ("elu", 1.25, 0.999999, "0.65439658554557664661", "1.6359917048748663757e-6"),
    ("swish", 0.7, 0.6, "0.31197620094031810917", "0.18675956417093213118"),
    ("swish", 1.25, -0.8, "0.13692826115209991559", "1.1894033349690827793"),
    ("swish", 1.25, 0.999999, "0.39496697407634827027", "9.8741764313243698113e-7"),
    ("gelu", 0.7, 0.6, "0.35242528382165730192", "0.21893418094957776894"),
    ("gelu", 1.25, -0.8, "0.087074216470215782197", "1.2198679698871363518"),
    ("gelu", 1.25, 0.999999, "0.46865402455436237577", "1.171635454090046184e-6"),
    ("shifted-softplus", 0.7, 0.6, "0.26980555651146008109", "0.15483449840475670548"),
    ("shifted-softplus", 1.25, -0.8, "0.20975276924762127091", "1.1477289104434143586"),
    ("shifted-softplus", 1.25, 0.999999, "0.3007121979544238835", "7.5178056118157561026e-7"),
    ("sigmoid", 0.7, 0.6, "0.047483426837384858318", "0.026824586107357729444"),
    ("sigmoid", 1.25, -0.8, "0.041361579797469781848", "0.1819189634518445152"),
    ("sigmoid", 1.25, 0.999999, "0.042415292634424762214", "1.0603823929002604247e-7"),
    ("erf", 0.7, 0.6, "0.56633749347242015593", "0.33773376884287535082"),
    ("erf", 1.25, -0.8, "0.4432851108351940056", "1.78743546626341137"),
    ("erf", 1.25, 0.999999, "0.51979732603412217279", "1.2994939919409519734e-6"),
    ("sin", 0.7, 0.6, "0.54103176803938249137", "0.32389908922570753626"),
    ("sin", 1.25, -0.8, "0.4421000038166346212", "1.5913165598856417854"),
    ("sin", 1.25, 0.999999, "0.54104192561549621033", "1.3526055311980259603e-6"),
    ("leaky-relu", 0.7, 0.6, "0.35540329634081034371", "0.22682494018242869156"),
    ("leaky-relu", 1.25, -0.8, "0.1103782963408103366", "1.2368999530950707808"),
    ("leaky-relu", 1.25, 0.999999, "0.49982939997624709542", "1.2497573333419383214e-6"),
    ("bent", 0.7, 0.6, "0.40624216290587381057", "0.25385118008183009457"),
    ("bent", 1.25, -0.8, "0.22639335859923498223", "1.6822876434924960993"),
    ("bent", 1.25, 0.999999, "0.59169559361947456727", "1.4794199177404678214e-6"),
    ("selu", 0.7, 0.6, "1.0793924289309389301", "0.61528800336144664729"),
    ("selu", 1.25, -0.8, "0.90937445913527629534", "4.1986105182428593161"),
    ("selu", 1.25, 0.999999, "1.0291006628353505149", "2.5728455695837100831e-6"),
]


@pytest.mark.parametrize(("name", "q", "reference"), [row[:3] for row in MOMENTS])
def test_the_second_moment_has_twelve_digits(name, q, reference):
    assert moments.second_moment(phi(name), q) == close(reference)


@pytest.mark.parametrize(("name", "q", "reference"), [(row[0], row[1], row[3]) for row in MOMENTS])
def test_the_slopes_second_moment_has_twelve_digits(name, q, reference):
    assert moments.slope_second_moment(phi(name), q) == close(reference)


@pytest.mark.parametrize(
    ("name", "q", "reference"), [(row[0], row[1], row[4]) for row in MOMENTS if not moments.slope_jumps(phi(row[0]))]
)
def test_the_curvatures_second_moment_has_twelve_digits(name, q, reference):
    assert moments.curvature_second_moment(phi(name), q) == close(reference)


@pytest.mark.parametrize(("name", "q", "reference"), DERIVATIVES)
def test_the_second_moments_derivative_has_twelve_digits(name, q, reference):
    # Relative to E |phi^2 (Z^2 - 1)| / 2q, about E phi^2 / q: of that, sin and tanh leave little at large q.
    size = moments.second_moment(phi(name), q) / q
    assert moments.second_moment_slope(phi(name), q) == pytest.approx(float(reference), rel=DIGITS, abs=DIGITS * size)


@pytest.mark.parametrize(("name", "q_a", "q_b", "c", "reference"), COVARIANCES)
def test_the_covariance_has_twelve_digits(name, q_a, q_b, c, reference):
    assert moments.covariance(phi(name), q_a, q_b, c) == close(reference)


@pytest.mark.parametrize(("name", "q_a", "q_b", "c", "reference"), [row for row in COVARIANCES if row[1] != row[2]])
def test_the_covariance_is_the_same_from_the_other_input(name, q_a, q_b, c, reference):
    assert moments.covariance(phi(name), q_b, q_a, c) == close(reference)


@pytest.mark.parametrize(("name", "q", "c", "reference"), [row[:4] for row in SLOPES])
def test_the_slopes_covariance_has_twelve_digits(name, q, c, reference):
    assert moments.slope_covariance(phi(name), q, c) == close(reference)


@pytest.mark.parametrize(("name", "q", "c", "reference"), [(row[0], row[1], row[2], row[4]) for row in SLOPES])
def test_the_squared_difference_has_twelve_digits_close_to_correlation_one(name, q, c, reference):
    assert 2 * moments.half_squared_difference(phi(name), q, 1 - c) == close(reference)


# The references again, by one other short route each ---------------------------------------------------------------


def trapezoid(f, step: str) -> mpmath.mpf:
    """E f(Z) in 30 digits, for an f without poles within step * 13 of the real line."""
    h = mpmath.mpf(step)
    return h * mpmath.fsum(f(k * h) * mpmath.npdf(k * h) for k in range(-int(12 / h), int(12 / h) + 1))


SMOOTH = {
    "tanh": (mpmath.tanh, "0.1"),  # sqrt(0.3) z has its pole at 2.9 i
    "swish": (lambda x: x / (1 + mpmath.exp(-x)), "0.2"),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), "0.2"),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_the_table_of_second_moments_is_reproduced_by_a_trapezoid_rule(name):
    reference = next(row[2] for row in MOMENTS if row[:2] == (name, 0.3))
    function, step = SMOOTH[name]
    with mpmath.workdps(30):
        value = trapezoid(lambda z: function(mpmath.sqrt(mpmath.mpf(0.3)) * z) ** 2, step)
        assert abs(value / mpmath.mpf(reference) - 1) < 1e-18  # the table holds 20 digits


@pytest.mark.parametrize(("q_a", "q_b", "c", "reference"), [row[1:] for row in COVARIANCES if row[0] == "erf"])
def test_the_table_of_covariances_is_reproduced_by_the_arcsine(q_a, q_b, c, reference):
    with mpmath.workdps(30):
        a, b = mpmath.mpf(q_a), mpmath.mpf(q_b)
        sine = 2 * mpmath.mpf(c) * mpmath.sqrt(a * b) / mpmath.sqrt((1 + 2 * a) * (1 + 2 * b))
        assert abs(2 / mpmath.pi * mpmath.asin(sine) / mpmath.mpf(reference) - 1) < 1e-18


@pytest.mark.parametrize(("q", "c", "slope", "difference"), [row[1:] for row in SLOPES if row[0] == "leaky-relu"])
def test_the_table_of_slopes_is_reproduced_by_the_arc_cosine_kernels(q, c, slope, difference):
    # phi = (1 + a) x / 2 + (1 - a) |x| / 2, and both parts are even or odd: their products with each other vanish.
    with mpmath.workdps(30):
        a, q, c = mpmath.mpf(0.01), mpmath.mpf(q), mpmath.mpf(c)
        even, odd = ((1 - a) / 2) ** 2, ((1 + a) / 2) ** 2
        sign, absolute = 2 * mpmath.asin(c) / mpmath.pi, 2 * (mpmath.sqrt(1 - c**2) + c * mpmath.asin(c)) / mpmath.pi
        assert abs((odd + even * sign) / mpmath.mpf(slope) - 1) < 1e-18
        value = 2 * q * (odd * (1 - c) + even * (1 - absolute))
        assert abs(value / mpmath.mpf(difference) - 1) < 1e-18


# Closed forms and identities ------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [0.01, 0.5, 3.0, 100.0])
def test_relu_halves_the_second_moment(q):
    assert moments.second_moment(phi("relu"), q) == close(q / 2)


@pytest.mark.parametrize("q", [0.01, 0.5, 3.0, 100.0])
def test_relus_slope_is_one_half_of_the_time(q):
    assert moments.slope_second_moment(phi("relu"), q) == close(1 / 2)


@pytest.mark.parametrize("a", [-0.5, 0.0, 0.1, 0.9])
def test_a_leaky_slope_adds_its_square(a):
    assert moments.second_moment(activations.leaky_relu(a), 2.0) == close(1 + a**2)


@pytest.mark.parametrize("q", [0.1, 1.0, 7.0])
def test_a_kink_away_from_zero_moves_with_the_scale(q):
    # phi(x) = max(x - 1, 0): E phi'^2 = P(sqrt(q) Z > 1).
    shifted = Activation.from_callable("shifted-relu", lambda x: (x - 1).relu(), kinks=(1.0,))
    assert moments.slope_second_moment(shifted, q) == close(stats.norm.sf(1 / math.sqrt(q)))


@pytest.mark.parametrize("name", [name for name in activations.NAMES if name not in ("sigmoid", "softplus")])
def test_no_variance_gives_no_second_moment_to_a_function_that_vanishes_at_zero(name):
    assert moments.second_moment(phi(name), 0.0) == 0


@pytest.mark.parametrize(("name", "value"), [("sigmoid", 1 / 2), ("softplus", math.log(2))])
def test_no_variance_leaves_the_square_of_the_value_at_zero(name, value):
    assert moments.second_moment(phi(name), 0.0) == close(value**2)


@settings(max_examples=15, deadline=None)  # each some milliseconds of quadrature
@given(name=st.sampled_from(["tanh", "elu", "relu", "gelu", "bent"]), q=st.floats(0.05, 20), c=st.floats(-1, 1))
def test_a_covariance_is_at_most_the_second_moment(name, q, c):
    most = moments.second_moment(phi(name), q)
    assert abs(moments.covariance(phi(name), q, q, c)) <= most * (1 + DIGITS)


@pytest.mark.parametrize("name", ["tanh", "elu", "swish", "relu", "bent", "step"])
@pytest.mark.parametrize("q", [0.3, 9.0])
def test_at_correlation_one_the_covariance_is_the_second_moment(name, q):
    assert moments.covariance(phi(name), q, q, 1.0) == close(moments.second_moment(phi(name), q))


@pytest.mark.parametrize("name", ["elu", "swish", "relu", "bent", "step"])
def test_without_correlation_the_covariance_is_a_product_of_means(name):
    single = mpmath_mean(name, 0.7) * mpmath_mean(name, 2.0)
    assert moments.covariance(phi(name), 0.7, 2.0, 0.0) == close(single)


def mpmath_mean(name: str, q: float) -> float:
    """E phi(sqrt(q) Z) in 20 digits."""
    functions = {
        "elu": lambda x: x if x > 0 else mpmath.expm1(x),
        "swish": lambda x: x / (1 + mpmath.exp(-x)),
        "relu": lambda x: max(x, 0),
        "bent": lambda x: max(x - mpmath.mpf(0.3), 0) + x * mpmath.mpf(0.2),
        "step": lambda x: 1 if x > 0 else 0,
    }
    with mpmath.workdps(20):
        scale = mpmath.sqrt(q)
        pieces = [-12, -6, -3, -1, 0, mpmath.mpf(0.3) / scale, 3, 6, 12]
        return float(mpmath.quad(lambda z: functions[name](scale * z) * mpmath.npdf(z), pieces, maxdegree=6))


@pytest.mark.parametrize("phi", [BENT, SELU, HARD_TANH, JUMP, *(activations.get(n) for n in ("relu", "tanh", "step"))])
@pytest.mark.parametrize("q", [0.7])
def test_the_covariance_grows_with_correlation_by_its_slope(phi, q):
    # cov(cos a) - cov(cos b) = q int_a^b sin(t) E phi' phi' dt: 24 nodes are exact on a smooth integrand
    a, b = 0.4, 1.9
    nodes, weights = np.polynomial.legendre.leggauss(24)
    t = (a + b) / 2 + (b - a) / 2 * nodes
    slopes = [moments.sine_slope_covariance(phi, q, angle) for angle in t.tolist()]
    rise = moments.covariance(phi, q, q, math.cos(a)) - moments.covariance(phi, q, q, math.cos(b))
    size = moments.second_moment(phi, q)
    assert q * (b - a) / 2 * float(weights @ slopes) == pytest.approx(rise, rel=0, abs=DIGITS * size)


@pytest.mark.parametrize("phi", [BENT, SELU, HARD_TANH, *(activations.get(name) for name in ("relu", "tanh", "elu"))])
@pytest.mark.parametrize("q", [0.7])
def test_the_slopes_covariance_grows_with_correlation_by_the_curvatures(phi, q):
    # Which holds with the Dirac masses of the kinks, also of two of them with each other, and not without.
    a, b = 0.4, 1.9
    nodes, weights = np.polynomial.legendre.leggauss(24)
    t = (a + b) / 2 + (b - a) / 2 * nodes
    curvatures = [moments.sine_curvature_covariance(phi, q, angle) for angle in t.tolist()]
    rise = moments.slope_covariance(phi, q, math.cos(a)) - moments.slope_covariance(phi, q, math.cos(b))
    size = moments.slope_second_moment(phi, q)
    assert q * (b - a) / 2 * float(weights @ curvatures) == pytest.approx(rise, rel=0, abs=DIGITS * size)


@pytest.mark.parametrize("theta", [1e-6, 0.3, 2.0, 3.1])
@pytest.mark.parametrize("q", [0.2, 5.0])
def test_relus_curvature_is_one_dirac_mass(q, theta):
    assert moments.sine_curvature_covariance(phi("relu"), q, theta) == close(1 / (2 * math.pi * q))


@pytest.mark.parametrize("theta", [1e-6, 0.3, 2.0, 3.1])
@pytest.mark.parametrize("q", [0.2, 5.0])
def test_the_steps_slope_is_one_dirac_mass(q, theta):
    assert moments.sine_slope_covariance(phi("step"), q, theta) == close(1 / (2 * math.pi * q))


@pytest.mark.parametrize("c", [-0.9, 0.0, 0.5, 0.999])
def test_two_steps_agree_with_sheppards_formula(c):
    # P(X > 0, Y > 0) = 1/4 + arcsin(c) / 2 pi (Sheppard 1899)
    assert moments.covariance(phi("step"), 1.7, 0.2, c) == close(1 / 4 + math.asin(c) / (2 * math.pi))


def test_a_jump_has_no_mean_square_slope():
    assert moments.slope_second_moment(phi("step"), 1.0) == math.inf


def test_a_kink_has_no_mean_square_curvature():
    assert moments.curvature_second_moment(phi("relu"), 1.0) == math.inf


def test_a_kink_of_the_second_derivative_alone_leaves_the_mean_square_curvature_finite():
    # E e^{2X} for X < 0, of variance 1: e^2 P(Z < -2)
    assert moments.curvature_second_moment(phi("elu"), 1.0) == close(math.e**2 * stats.norm.sf(2))


# Breaks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phi", "expected"),
    [
        (activations.get("relu"), [(0.0, 1.0)]),
        (activations.leaky_relu(0.2), [(0.0, 0.8)]),
        (BENT, [(0.3, 1.0)]),
        (SELU, [(0.0, 1.0507009873554805 * (1 - 1.6732632423543772))]),
        (HARD_TANH, [(-1.0, 1.0), (1.0, -1.0)]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_slopes_jumps_are_found_with_their_size(phi, expected):
    # Extrapolated from two points at 1e-6 and 2e-6: 2e-12 of the third derivative, and rounding of 1e-10.
    found = moments.slope_jumps(phi)
    assert [x for x, _ in found] == [x for x, _ in expected]
    assert [size for _, size in found] == pytest.approx([size for _, size in expected], rel=1e-9)


@pytest.mark.parametrize("name", ["elu", "tanh", "swish"])
def test_a_slope_that_is_continuous_has_no_jumps(name):
    assert moments.slope_jumps(phi(name)) == ()


def test_a_kink_declared_where_there_is_none_is_no_jump_of_the_slope():
    smooth = Activation.from_callable("smooth", torch.tanh, kinks=(0.7,))
    assert moments.slope_jumps(smooth) == ()


def test_a_jump_is_found_with_its_size():
    ((x, size),) = moments.jumps(JUMP)
    assert (x, size) == (0.5, pytest.approx(3.0, rel=1e-9))


@pytest.mark.parametrize(
    ("name", "slopes"), [("relu", (0.0, 1.0)), ("leaky-relu", (0.01, 1.0)), ("identity", (1.0, 1.0))]
)
def test_a_homogeneous_activation_is_recognized_by_its_two_slopes(name, slopes):
    assert moments.homogeneous_slopes(phi(name)) == slopes


@pytest.mark.parametrize("name", ["tanh", "elu", "swish", "step", "bent", "selu", "sin", "softplus"])
def test_other_activations_are_not_homogeneous(name):
    assert moments.homogeneous_slopes(phi(name)) is None


# Bad input --------------------------------------------------------------------------------------------------------

EXPLOSIVE = Activation.from_callable("explosive", lambda x: (x * x).exp())


@pytest.mark.parametrize(
    "moment",
    [
        lambda: moments.second_moment(EXPLOSIVE, 1.0),
        lambda: moments.slope_second_moment(EXPLOSIVE, 1.0),
        lambda: moments.covariance(EXPLOSIVE, 1.0, 1.0, 0.5),
        lambda: moments.half_squared_difference(EXPLOSIVE, 1.0, 0.5),
    ],
    ids=["second moment", "slope", "covariance", "difference"],
)
def test_an_activation_without_second_moment_is_refused_by_name(moment):
    with pytest.raises(ValueError, match=r"^explosive is not square-integrable under N\(0, 1\)[^\n]*$"):
        moment()
