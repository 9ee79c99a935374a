"""Activations: values and derivatives against mpmath, derivatives by autograd, names and paths that lead nowhere."""

import dataclasses
import math
import subprocess
import sys

import mpmath
import pytest
import torch

from deepk import activations
from deepk.activations import Activation

EPS = 2.0**-52
# A few ulp: one elementary function and one or two roundings on each side.
ROUNDING = 4 * EPS

# Both sides of the break at 0, near and far, into the tails where torch's own formulas cancel or saturate.
POINTS = (-30, -20.5, -12, -7.3, -5, -3.1, -2, -1.2784645, -1, -0.6, -0.25, -1e-3, -1e-8)
POINTS = (*POINTS, 1e-8, 1e-3, 0.25, 0.6, 1, 1.4142, 2, 2.4, 3.1, 5, 7.3, 12, 20.5, 30)

GRID = torch.linspace(-6, 6, 241, dtype=torch.float64)
SMOOTH = GRID[GRID.abs() > 1e-9]  # without the break at 0


def float64(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def both_derivatives(phi: Activation) -> tuple:
    return phi.function, phi.derivative, phi.second_derivative


# Values and derivatives -------------------------------------------------------------------------------------------

# Each function away from zero, for mpmath. Derivatives are taken from these numerically, so that nothing here repeats
# the formulas under test; 250 digits, since gelu''(30) = 1e-193 is a difference of numbers of size 30.
EXACT = {
    "relu": lambda x: max(x, 0),
    "leaky-relu": lambda x: max(x, mpmath.mpf(0.01) * x),
    "elu": lambda x: x if x > 0 else mpmath.exp(x) - 1,
    "tanh": mpmath.tanh,
    "erf": mpmath.erf,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "swish": lambda x: x / (1 + mpmath.exp(-x)),
    "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "shifted-softplus": lambda x: mpmath.log((1 + mpmath.exp(x)) / 2),
    "step": lambda x: mpmath.mpf(x > 0),
    "sin": mpmath.sin,
    "identity": lambda x: x,
}

# What an error is relative to, where not to the value: the terms of a sum that has a zero on the line.
SIZES = {
    ("shifted-softplus", 0): lambda x: math.log(2) + max(x, 0),
    ("swish", 1): lambda x: (1 + abs(x)) / (1 + math.exp(-x)),
    ("swish", 2): lambda x: (2 + abs(x)) / (4 * math.cosh(x / 2) ** 2),
    ("gelu", 1): lambda x: math.erfc(-x / math.sqrt(2)) / 2 + abs(x) * math.exp(-x * x / 2),
    ("gelu", 2): lambda x: (2 + x * x) * math.exp(-x * x / 2),
}
GAUSSIAN = ("erf", "gelu")  # exp(-x^2) turns the rounding of x^2 into a relative error of x^2 ulp


def exact(name: str, order: int, x: float) -> mpmath.mpf:
    with mpmath.workdps(250):
        return mpmath.diff(EXACT[name], mpmath.mpf(x), order)


@pytest.mark.parametrize("order", [0, 1, 2], ids=["value", "derivative", "second-derivative"])
@pytest.mark.parametrize("name", activations.NAMES)
def test_a_known_activation_agrees_with_mpmath_also_in_the_tails(name, order):
    values = both_derivatives(activations.get(name))[order](float64(*POINTS)).tolist()
    for x, value in zip(POINTS, values, strict=True):
        true = exact(name, order, x)
        size = SIZES.get((name, order), lambda _, true=true: abs(float(true)))(x)
        bound = ROUNDING * size * (1 + x * x / 2 if name in GAUSSIAN else 1)
        # Below 1e-300 float64 loses digits, and erf'(30) = 1e-391 altogether.
        assert abs(value - true) <= bound + 1e-300, (x, value, float(true))


@pytest.mark.parametrize("name", activations.NAMES)
def test_its_value_at_zero_is_exact(name):
    expected = {"sigmoid": 0.5, "softplus": math.log(2)}.get(name, 0.0)
    assert activations.get(name)(float64(0.0)).item() == expected


def test_shifted_softplus_of_x_and_of_minus_x_are_x_apart():
    phi = activations.get("shifted-softplus")
    # Two softplus of at most 6, each within an ulp, and the two shifts: 4 roundings of 6.
    torch.testing.assert_close(phi(GRID) - phi(-GRID), GRID, rtol=0, atol=4 * 6 * EPS)


@pytest.mark.parametrize("name", ["softplus", "shifted-softplus"])
@pytest.mark.parametrize("x", [20.5, 25.0, 30.0, 39.9, 40.1])
def test_softplus_keeps_float64_accuracy_where_torch_would_cut_it_to_a_line(name, x):
    true = x + math.log1p(math.exp(-x)) - (math.log(2) if name == "shifted-softplus" else 0)
    assert activations.get(name)(float64(x)).item() == pytest.approx(true, rel=ROUNDING, abs=0)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "elu"])
def test_no_derivative_overflows_far_out(name):
    far = float64(-1e4, -800, 800, 1e4)  # exp(800) is infinite in float64
    assert all(f(far).isfinite().all() for f in both_derivatives(activations.get(name)))


# Shapes and dtypes ------------------------------------------------------------------------------------------------

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", activations.NAMES)
def test_an_activation_and_its_derivatives_keep_shape_and_dtype(name, dtype):
    for f in both_derivatives(activations.get(name)):
        for shape in ((), (0,), (7,), (2, 3), (2, 0, 3)):
            value = f(torch.ones(shape, dtype=dtype))
            assert (value.shape, value.dtype) == (shape, dtype)


@pytest.mark.parametrize("dtype", DTYPES[:3], ids=str)
@pytest.mark.parametrize("name", activations.NAMES)
def test_in_low_precision_it_differs_from_float64_by_roundings(name, dtype):
    x = torch.linspace(-16, 16, 129, dtype=dtype)  # multiples of 1/4, which bfloat16 holds exactly
    for f in both_derivatives(activations.get(name)):
        error = (f(x).double() - f(x.double())).abs()
        # A handful of operations on numbers of size 1 + |x|.
        assert (error <= 12 * torch.finfo(dtype).eps * (1 + x.double().abs())).all()


@pytest.mark.parametrize("name", activations.NAMES)
def test_gradients_flow_through_a_known_activation_at_its_own_slope(name):
    phi, x = activations.get(name), SMOOTH.clone().requires_grad_()
    value = phi(x)
    if value.requires_grad:  # step is constant for autograd
        (slope,) = torch.autograd.grad(value.sum(), x)
        torch.testing.assert_close(slope, phi.derivative(SMOOTH), rtol=0, atol=8 * 6 * EPS)  # of terms of up to |x| = 6


# Breaks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", activations.NAMES)
def test_kinks_and_jumps_stand_where_one_sided_limits_differ(name):
    phi = activations.get(name)
    places = torch.arange(-24, 25, dtype=torch.float64) / 8
    h = 1e-9  # one-sided limits, to 1e-9 times the next derivative: all are below 3 here
    gaps = [(f(places + h) - f(places - h)).abs() > 1e-8 for f in both_derivatives(phi)]
    assert tuple(places[gaps[0]].tolist()) == phi.jumps
    assert tuple(places[~gaps[0] & (gaps[1] | gaps[2])].tolist()) == phi.kinks


@pytest.mark.parametrize("name", [name for name in activations.NAMES if activations.get(name).breaks])
def test_the_derivatives_at_a_break_are_one_sided(name):
    phi = activations.get(name)
    for f in (phi.derivative, phi.second_derivative):
        for at in phi.breaks:
            here, left, right = f(float64(at, at - 1e-12, at + 1e-12)).tolist()
            # A one-sided limit, 1e-12 away, moves by at most 1e-12 of the next derivative, which is at most 1 here.
            assert min(abs(here - left), abs(here - right)) <= 1e-12


def test_breaks_are_kinks_and_jumps_in_order():
    phi = Activation.from_callable("f", torch.tanh, kinks=[3.0, -1.0], jumps=[2.0])
    assert phi.breaks == (-1.0, 2.0, 3.0)


@pytest.mark.parametrize("point", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", ["kinks", "jumps"])
def test_a_break_that_is_not_finite_is_refused_in_one_line(where, point):
    with pytest.raises(ValueError, match=r"activation mine: .*must be finite") as error:
        Activation.from_callable("mine", torch.tanh, **{where: (0.0, point)})
    one_line(error)


@pytest.mark.parametrize(
    ("kinks", "jumps"), [((1.0, 1.0), ()), ((), (2.0, 2.0)), ((0.0, 1.0), (1.0,)), ((0.0, -0.0), ())]
)
def test_a_point_declared_twice_is_refused_in_one_line(kinks, jumps):
    with pytest.raises(ValueError, match="activation mine: a point stands twice") as error:
        Activation.from_callable("mine", torch.tanh, kinks, jumps)
    one_line(error)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Activation)])
def test_an_activation_is_frozen(field):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(activations.get("relu"), field, None)


# Leaky ReLU -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.01, 0.3, 1.0, 2])
def test_leaky_relu_is_torchs_own(slope):
    expected = torch.nn.functional.leaky_relu(GRID, slope)
    assert torch.equal(activations.leaky_relu(slope)(GRID), expected)


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.01, 0.3, 1.0, 2])
def test_leaky_relu_has_two_slopes_and_no_curvature(slope):
    phi = activations.leaky_relu(slope)
    assert phi.derivative(float64(-2.0, -1e-9, 1e-9, 2.0)).tolist() == [slope, slope, 1.0, 1.0]
    assert not phi.second_derivative(GRID).any()


def test_leaky_relu_declares_its_kink_and_carries_its_slope_in_its_name():
    phi = activations.leaky_relu(0.25)
    assert (phi.name, phi.kinks, phi.jumps) == ("leaky-relu(0.25)", (0.0,), ())


# From a callable --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", activations.NAMES)
def test_automatic_derivatives_are_the_closed_ones(name):
    known = activations.get(name)
    found = Activation.from_callable("copy", known.function, known.kinks, known.jumps)
    for automatic, closed in zip(both_derivatives(found), both_derivatives(known), strict=True):
        # Absolute: autograd's 1 - tanh^2 and sigmoid (1 - sigmoid) cancel in the tails; terms of up to x^2 = 36.
        torch.testing.assert_close(automatic(SMOOTH), closed(SMOOTH), rtol=0, atol=36 * EPS)


@pytest.mark.parametrize("name", activations.NAMES)
def test_an_activation_from_a_callable_takes_over_function_and_breaks(name):
    known = activations.get(name)
    found = Activation.from_callable("copy", known.function, known.kinks, known.jumps)
    assert (found.name, found.function, found.breaks) == ("copy", known.function, known.breaks)


@pytest.mark.parametrize(
    "f", [lambda x: torch.full_like(x, 2.0), lambda x: (x > 0).to(x.dtype), torch.sign, torch.round, torch.floor]
)
def test_a_piecewise_constant_function_has_slopes_zero(f):
    phi = Activation.from_callable("constant", f)
    for derivative in (phi.derivative, phi.second_derivative):
        slope = derivative(SMOOTH)
        assert (slope.shape, slope.dtype) == (SMOOTH.shape, SMOOTH.dtype)
        assert not slope.any()


@pytest.mark.parametrize("f", [lambda x: 3 * x + 1, torch.relu, torch.abs])
def test_a_piecewise_linear_function_has_second_derivative_zero(f):
    assert not Activation.from_callable("linear", f).second_derivative(SMOOTH).any()


def cube() -> Activation:
    return Activation.from_callable("cube", lambda x: x**3)


def test_an_automatic_derivative_keeps_shape_and_dtype():
    for dtype in DTYPES:
        for shape in ((), (0,), (2, 3)):
            for f in both_derivatives(cube()):
                value = f(torch.ones(shape, dtype=dtype))
                assert (value.shape, value.dtype) == (shape, dtype)


def test_an_automatic_derivative_is_differentiable_where_its_argument_is():
    x = float64(-1.0, 2.0).requires_grad_()
    (curvature,) = torch.autograd.grad(cube().derivative(x).sum(), x)
    assert curvature.tolist() == [-6.0, 12.0]
    (third,) = torch.autograd.grad(cube().second_derivative(x).sum(), x)
    assert third.tolist() == [6.0, 6.0]


def test_an_automatic_derivative_is_detached_where_its_argument_is():
    assert not any(f(float64(2.0)).requires_grad for f in both_derivatives(cube()))


def test_an_automatic_derivative_leaves_its_argument_as_it_was():
    plain, tracked = float64(1.0), float64(1.0).requires_grad_()
    for f in both_derivatives(cube()):
        f(plain)
        f(tracked)
    assert not plain.requires_grad
    assert tracked.grad is None


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_an_automatic_derivative_needs_no_gradient_mode(mode):
    with mode():
        x = float64(-1.0, 2.0)
        assert cube().derivative(x).tolist() == [3.0, 12.0]
        assert cube().second_derivative(x).tolist() == [-6.0, 12.0]


def test_a_closed_derivative_needs_no_gradient_mode():
    with torch.no_grad():
        assert activations.get("relu").derivative(float64(-1.0, 1.0)).tolist() == [0.0, 1.0]


# Names and paths --------------------------------------------------------------------------------------------------


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    (tmp_path / "users_activations.py").write_text(
        "import torch\n"
        "from deepk.activations import Activation\n"
        "def cube(x): return x**3\n"
        "ramp = Activation.from_callable('ramp', lambda x: x.clamp(-1, 1), kinks=(-1.0, 1.0))\n"
        "pole_too = Activation.from_callable('pole', lambda x: 1 / x)\n"
        "def total(x): return x.sum()\n"
        "def doubled(x): return torch.cat([x, x])\n"
        "def root(x): return x.sqrt()\n"
        "def pole(x): return 1 / x\n"
        "def as_list(x): return x.tolist()\n"
        "def fails(x): raise RuntimeError('two\\nlines')\n"
        "number = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("users_activations", None)


def test_the_known_names_are_these():
    assert set(activations.NAMES) == set(EXACT)


def test_an_activation_stands_for_itself():
    phi = cube()
    assert activations.get(phi) is phi


@pytest.mark.parametrize("name", activations.NAMES)
def test_a_known_activation_goes_by_its_name(name):
    assert activations.get(name).name == name


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tahn", "tanh"),
        ("softpluss", "softplus"),
        ("shifted_softplus", "shifted-softplus"),
        ("leaky_relu", "leaky-relu"),
        ("sine", "sin"),
        ("Tanh", "tanh"),  # the papers' own spellings
        ("Relu", "relu"),
        ("ReLU", "relu"),
        ("ELU", "elu"),
        ("GELU", "gelu"),
        ("Sigmoid", "sigmoid"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_right_one(typed, meant):
    with pytest.raises(ValueError, match=f"unknown activation '{typed}'; did you mean {meant}\\?") as error:
        activations.get(typed)
    one_line(error)


def test_a_name_unlike_any_is_answered_with_all_names_and_no_guess():
    with pytest.raises(ValueError, match=f"known are {', '.join(activations.NAMES)}, or package") as error:
        activations.get("zzz")
    assert "did you mean" not in one_line(error)


@pytest.mark.usefixtures("user_module")
def test_a_path_leads_to_a_users_function():
    assert activations.get("users_activations:cube")(float64(2.0)).item() == 8


@pytest.mark.usefixtures("user_module")
def test_a_users_function_has_a_derivative():
    assert activations.get("users_activations:cube").derivative(float64(2.0)).item() == 12


@pytest.mark.usefixtures("user_module")
def test_a_users_function_goes_by_its_path():
    assert activations.get("users_activations:cube").name == "users_activations:cube"


@pytest.mark.usefixtures("user_module")
def test_a_users_function_has_a_second_derivative_and_no_breaks():
    phi = activations.get("users_activations:cube")
    assert phi.second_derivative(float64(2.0)).item() == 12
    assert phi.breaks == ()


@pytest.mark.usefixtures("user_module")
def test_a_path_to_an_activation_gives_that_activation_with_its_breaks():
    phi = activations.get("users_activations:ramp")
    assert phi is sys.modules["users_activations"].ramp
    assert phi.kinks == (-1.0, 1.0)


@pytest.mark.usefixtures("user_module")
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("no_such_module:f", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("users_activations:absent", "AttributeError: .*'absent'"),
        (":cube", "ValueError: Empty module name"),
        ("users_activations:", "cannot be used"),
        ("users_activations:number", "TypeError: 'int' object is not callable"),
        ("users_activations:total", "finite tensor of the same shape"),
        ("users_activations:doubled", "finite tensor of the same shape"),
        ("users_activations:as_list", "finite tensor of the same shape"),
        ("users_activations:root", "finite tensor of the same shape"),  # NaN left of 0
        ("users_activations:pole", "finite tensor of the same shape"),  # infinite at 0
        ("users_activations:pole_too", "finite tensor of the same shape"),
        ("users_activations:fails", "RuntimeError: two"),
        ("torch:addmm", "TypeError: addmm"),  # torch lists the signatures, a line for each
    ],
)
def test_a_path_to_no_activation_is_a_one_line_error_that_names_it(path, says):
    with pytest.raises(ValueError, match=f"activation '{path}' .*{says}") as error:
        activations.get(path)
    one_line(error)


@pytest.mark.parametrize("statement", ["import deepk.activations as a", "import deepk.activations as a; a.get('relu')"])
def test_importing_and_looking_up_import_no_torch(statement):
    code = f"{statement}; import sys; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
