"""Activations: their values and slopes against closed forms, and what a name or a path that leads nowhere is told."""

import math
import subprocess
import sys

import pytest
import torch

from deepk import activations

# A few ulp: one elementary function and one or two roundings on each side.
ROUNDING = 1e-15

GRID = torch.linspace(-6, 6, 241, dtype=torch.float64)
SMOOTH = GRID[GRID.abs() > 1e-9]  # without the kink at 0


def float64(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


# Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "x", "value"),
    [
        ("relu", -2.0, 0.0),
        ("relu", 3.5, 3.5),
        ("elu", -1.0, math.exp(-1) - 1),
        ("elu", 2.0, 2.0),
        ("elu", -1e-10, math.expm1(-1e-10)),
        ("tanh", 0.5, (math.e - 1) / (math.e + 1)),
        ("tanh", -0.5, (1 - math.e) / (math.e + 1)),
        ("shifted-softplus", 1.0, math.log((1 + math.e) / 2)),
        ("shifted-softplus", -1.0, math.log((1 + 1 / math.e) / 2)),
    ],
)
def test_a_known_activation_has_its_closed_form_value(name, x, value):
    assert activations.get(name)(float64(x)).item() == pytest.approx(value, rel=ROUNDING, abs=0)


@pytest.mark.parametrize("name", activations.NAMES)
def test_every_known_activation_is_zero_at_zero(name):
    assert activations.get(name)(float64(0.0)).item() == 0


def test_shifted_softplus_of_x_and_of_minus_x_are_x_apart():
    phi = activations.get("shifted-softplus")
    # Two softplus of at most 6, each within an ulp, and the two shifts: 4 roundings of 6.
    torch.testing.assert_close(phi(GRID) - phi(-GRID), GRID, rtol=0, atol=4 * 6 * 2.3e-16)


@pytest.mark.parametrize("x", [20.5, 25.0, 30.0])
def test_shifted_softplus_keeps_float64_accuracy_where_torch_would_cut_it_to_a_line(x):
    exact = x + math.log1p(math.exp(-x)) - math.log(2)
    assert activations.get("shifted-softplus")(float64(x)).item() == pytest.approx(exact, rel=ROUNDING, abs=0)


@pytest.mark.parametrize("name", activations.NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_activation_keeps_shape_and_dtype(name, dtype):
    value = activations.get(name)(torch.ones(2, 3, dtype=dtype))
    assert (value.shape, value.dtype) == ((2, 3), dtype)


# Slopes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("relu", lambda x: (x > 0).to(x.dtype)),
        ("elu", lambda x: torch.where(x > 0, torch.ones_like(x), x.exp())),
        ("tanh", lambda x: x.cosh() ** -2),
        ("shifted-softplus", lambda x: 1 / (1 + (-x).exp())),
    ],
)
def test_the_derivative_is_the_closed_form(name, slope):
    # Absolute: 1 - tanh^2, which torch forms, loses relative accuracy in the tails but not absolute accuracy.
    torch.testing.assert_close(activations.get(name).derivative(SMOOTH), slope(SMOOTH), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", [name for name in activations.NAMES if activations.get(name).kinks])
def test_the_derivative_at_a_kink_is_one_sided(name):
    phi = activations.get(name)
    for kink in phi.kinks:
        at, left, right = phi.derivative(float64(kink, kink - 1e-12, kink + 1e-12)).tolist()
        # A one-sided limit, 1e-12 away, moves by at most 1e-12 |phi''|, and |phi''| <= 1 here.
        assert min(abs(at - left), abs(at - right)) <= 1e-12


def test_the_derivative_needs_no_gradient_mode():
    with torch.no_grad():
        assert activations.get("relu").derivative(float64(-1.0, 1.0)).tolist() == [0.0, 1.0]


def test_the_derivative_leaves_its_argument_as_it_was():
    x = float64(1.0)
    activations.get("tanh").derivative(x)
    assert not x.requires_grad


# Names and paths --------------------------------------------------------------------------------------------------


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    (tmp_path / "users_activations.py").write_text(
        "import torch\n"
        "def cube(x): return x**3\n"
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


@pytest.mark.parametrize("name", activations.NAMES)
def test_a_known_activation_goes_by_its_name(name):
    assert activations.get(name).name == name


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tahn", "tanh"),
        ("softplus", "shifted-softplus"),
        ("shifted_softplus", "shifted-softplus"),
        ("Tanh", "tanh"),  # the papers' own spellings
        ("Relu", "relu"),
        ("ReLU", "relu"),
        ("ELU", "elu"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_right_one(typed, meant):
    with pytest.raises(ValueError, match=f"unknown activation '{typed}'; did you mean {meant}\\?") as error:
        activations.get(typed)
    one_line(error)


def test_a_name_unlike_any_is_answered_with_all_names_and_no_guess():
    with pytest.raises(ValueError, match="relu, elu, tanh, shifted-softplus, or package") as error:
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
