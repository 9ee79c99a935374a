"""Elementwise functions keep the kind, shape and type of what they are given."""

import numpy as np
import pytest
import torch

from deepk.arrays import elementwise

FLOATING = [np.float16, np.float32, np.float64]
OTHER = [bool, np.int8, np.int64, np.uint16]
SHAPES = [(), (3,), (2, 3), (2, 1, 3), (0,), (4, 0)]


def double(x: np.ndarray) -> np.ndarray:
    return 2 * x


@pytest.mark.parametrize("number", [0.25, 3, True, np.float64(0.25), np.float32(0.25), np.int64(3)])
def test_a_number_gives_a_number(number):
    value = elementwise(double, number)
    assert type(value) is float
    assert value == 2 * float(number)


def test_a_list_gives_an_array():
    value = elementwise(double, [[1, 2], [3, 4]])
    assert isinstance(value, np.ndarray)
    assert value.tolist() == [[2, 4], [6, 8]]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_array_keeps_its_shape_also_without_dimensions_or_entries(shape):
    x = np.arange(np.prod(shape, dtype=int), dtype=np.float64).reshape(shape)
    value = elementwise(double, x)
    assert isinstance(value, np.ndarray)
    assert value.shape == shape
    assert (value == 2 * x).all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_tensor_keeps_its_shape_also_without_dimensions_or_entries(shape):
    x = torch.arange(np.prod(shape, dtype=int), dtype=torch.float64).reshape(shape)
    value = elementwise(double, x)
    assert isinstance(value, torch.Tensor)
    assert value.shape == shape
    assert (value == 2 * x).all()


@pytest.mark.parametrize("dtype", FLOATING)
def test_an_array_of_a_floating_point_type_keeps_it(dtype):
    assert elementwise(double, np.ones(2, dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", OTHER)
def test_any_other_array_becomes_float64(dtype):
    value = elementwise(lambda x: x / 4, np.ones(2, dtype))
    assert value.dtype == np.float64
    assert value.tolist() == [0.25, 0.25]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_tensor_of_a_floating_point_type_keeps_it(dtype):
    assert elementwise(double, torch.ones(2, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", [torch.bool, torch.int8, torch.int64])
def test_any_other_tensor_becomes_float64(dtype):
    value = elementwise(lambda x: x / 4, torch.ones(2, dtype=dtype))
    assert value.dtype == torch.float64
    assert value.tolist() == [0.25, 0.25]


@pytest.mark.parametrize(
    "x",
    [1, 0.5, np.ones((2, 3), np.float32), np.ones((2, 2), int), torch.ones(2, 3), torch.ones((), dtype=torch.int64)],
    ids=["int", "float", "float32", "int64", "tensor", "scalar-tensor"],
)
def test_the_function_is_given_float64_in_one_dimension(x):
    seen = []
    elementwise(lambda points: seen.append((points.dtype, points.ndim)) or points, x)
    assert seen == [(np.float64, 1)]


def test_float32_is_rounded_once_at_the_end():
    third = np.float32(1 / 3)
    # In float32, 1 + third would lose the digits that are left.
    value = elementwise(lambda x: (1 + x) - 1 - float(third), np.array([third]))
    assert abs(value[0]) <= 2**-53


@pytest.mark.parametrize(
    "view",
    [lambda x: x.T, lambda x: x[::-1, ::2], lambda x: np.asfortranarray(x), lambda x: x.astype(">f8")],
    ids=["transposed", "reversed", "fortran", "big-endian"],
)
def test_every_entry_stays_where_it_was_whatever_the_order_in_memory(view):
    x = view(np.arange(12.0).reshape(3, 4))
    assert (elementwise(double, x) == 2 * x).all()


def test_entries_of_a_transposed_tensor_stay_where_they_were():
    x = torch.arange(12.0).reshape(3, 4).T
    assert (elementwise(double, x) == 2 * x).all()


def test_a_read_only_array_is_taken():
    x = np.ones(3)
    x.setflags(write=False)
    assert elementwise(double, x).tolist() == [2, 2, 2]


@pytest.mark.parametrize("dtype", [">f8", ">f4", np.longdouble])
def test_an_array_of_any_floating_point_type_keeps_it(dtype):
    value = elementwise(double, np.ones(2, dtype))
    assert value.dtype == np.dtype(dtype)
    assert value.tolist() == [2, 2]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_what_is_too_large_for_a_type_is_infinite_in_it(dtype):
    # without a warning, which is an error here
    assert elementwise(lambda x: x * -1e300, np.ones(2, dtype)).tolist() == [-np.inf] * 2


def test_an_array_without_dimensions_stays_one():
    for x in (np.array(0.25, np.float32), torch.tensor(0.25)):
        value = elementwise(double, x)
        assert type(value) is type(x)
        assert value.dtype == x.dtype
        assert value.shape == ()
        assert value == 0.5


def test_no_gradient_flows_through():
    assert not elementwise(double, torch.ones(2, requires_grad=True)).requires_grad
