"""Gram matrices of deep kernels: their entries, kinds and shapes, what they refuse, warn of and cost."""

import math
import re
import tracemalloc
import warnings

import mpmath
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.svm import SVC
from torch.utils._python_dispatch import TorchDispatchMode

from deepk.kernels import CompositionalKernel

EPS = 2.0**-52
# rho: a few roundings of a scalar product of unit vectors; amplified by K' <= mu^L < 4 of the kernels below
ROUNDING = 32 * EPS
TILE = 512  # rows; sizes are chosen below, at, and across multiples of it

RELU = CompositionalKernel("relu", 3)
GELU = CompositionalKernel("gelu", 3, centered=True)
SIGMOID = CompositionalKernel("sigmoid", 2, centered=True)  # odd
STEP = CompositionalKernel("step", 2)
DEEP = CompositionalKernel("relu", 100, centered=True)
FEW = [RELU, GELU, SIGMOID]

light = settings(max_examples=25, deadline=None)


def rows(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    unit = [z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y)]
    return np.clip(unit[0] @ unit[1].T, -1, 1)


# Entries ----------------------------------------------------------------------------------------------------------


SIZES = [(GELU, n) for n in (1, 2, TILE - 1, TILE, TILE + 1, 2 * TILE + 5)]


@pytest.mark.parametrize(("kernel", "n"), [*SIZES, (RELU, 40), (SIGMOID, 40), (SIGMOID, TILE + 9)], ids=str)
def test_the_matrix_of_an_input_is_the_kernel_of_its_correlations(kernel, n):
    x = rows(n)
    gram = kernel.gram(x)
    assert gram.shape == (n, n)
    off = ~np.eye(n, dtype=bool)
    assert np.abs(gram - kernel(correlations(x, x)))[off].max(initial=0) <= ROUNDING
    assert (gram == gram.T).all()
    assert (np.diag(gram) == 1).all()


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 5), (TILE - 1, 2), (2, TILE + 1), (TILE + 1, TILE), (700, 1100)])
def test_the_matrix_of_two_inputs_is_the_kernel_of_their_correlations(n, m):
    x, y = rows(n), rows(m, seed=1)
    gram = GELU.gram(x, y)
    assert gram.shape == (n, m)
    assert np.abs(gram - GELU(correlations(x, y))).max() <= ROUNDING


def test_the_same_rows_as_a_second_input_give_the_same_matrix():
    x = rows(TILE + 3)
    assert (GELU.gram(x, x) == GELU.gram(x)).all()
    assert np.abs(GELU.gram(x, x.copy()) - GELU.gram(x)).max() <= ROUNDING


def test_exchanging_the_inputs_transposes_the_matrix():
    x, y = rows(20), rows(TILE + 2, seed=1)
    assert np.abs(GELU.gram(x, y) - GELU.gram(y, x).T).max() <= ROUNDING


@pytest.mark.parametrize("scale", [2.0**600, 2.0**-600, 2.0**-1050])
def test_a_power_of_two_changes_nothing(scale):
    x = np.array([[1.0, 2.0, -3.0], [0.5, 4.0, 1.0], [-2.0, 1.0, 1.0]])  # exact also where float64 has few digits
    assert (GELU.gram(scale * x) == GELU.gram(x)).all()


@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e307, 1e-290])
def test_rows_of_any_size_have_the_matrix_of_their_directions(scale):
    x = rows(10) / 10
    assert np.abs(GELU.gram(scale * x) - GELU.gram(x)).max() <= ROUNDING


@light
@given(factors=st.lists(st.floats(1e-100, 1e100), min_size=6, max_size=6))
def test_each_row_counts_by_its_direction_alone(factors):
    x = rows(6)
    assert np.abs(GELU.gram(np.array(factors)[:, None] * x) - GELU.gram(x)).max() <= ROUNDING


@pytest.mark.parametrize("kernel", FEW, ids=str)
def test_the_matrix_is_positive_semidefinite_to_rounding(kernel):
    x = np.vstack([rows(60, 4), rows(20, 4), 3 * rows(20, 4)])  # of rank 60
    # entries are off by the table's error and the rounding of rho, and a matrix by n times that
    assert np.linalg.eigvalsh(kernel.gram(x))[0] >= -len(x) * (2 * kernel.error_bound + ROUNDING)


def test_parallel_and_opposite_rows_have_the_ends_of_the_kernel():
    x = np.array([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]])
    for kernel in FEW:
        gram = kernel.gram(x)
        assert gram[0, 1] == pytest.approx(1, abs=ROUNDING)
        assert gram[0, 2] == pytest.approx(kernel(-1.0), abs=ROUNDING)


# Kinds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_an_array_of_a_floating_point_type_gives_one_of_that_type(dtype):
    x = rows(20).astype(dtype)
    gram = GELU.gram(x)
    assert isinstance(gram, np.ndarray)
    assert gram.dtype == dtype
    assert (gram == GELU.gram(x.astype(np.float64)).astype(dtype)).all()


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8, np.uint16, bool])
def test_an_array_of_another_type_gives_float64(dtype):
    x = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]], dtype)
    gram = GELU.gram(x)
    assert gram.dtype == np.float64
    assert gram[0, 1] == pytest.approx(GELU(0.5), abs=ROUNDING)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_a_tensor_gives_a_tensor_of_its_type(dtype):
    x = torch.from_numpy(rows(20)).to(dtype)
    gram = GELU.gram(x)
    assert isinstance(gram, torch.Tensor)
    assert gram.dtype == dtype
    assert (gram == torch.from_numpy(GELU.gram(x.double().numpy())).to(dtype)).all()
    assert GELU.gram(x.long() + 5).dtype == torch.float64


def test_a_second_input_may_be_of_another_kind():
    x, y = rows(4), rows(5, seed=1)
    expected = GELU.gram(x, y)
    assert (GELU.gram(torch.from_numpy(x), y).numpy() == expected).all()
    assert (GELU.gram(x, torch.from_numpy(y)) == expected).all()


def test_no_gradient_flows_through():
    assert not GELU.gram(torch.ones(2, 3, requires_grad=True)).requires_grad


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_table_of_pandas_gives_an_array(dtype):
    x = rows(5).astype(dtype)
    gram = GELU.gram(pd.DataFrame(x, index=list("abcde")))
    assert type(gram) is np.ndarray
    assert gram.dtype == dtype
    assert (gram == GELU.gram(x)).all()
    assert (GELU.gram(pd.DataFrame(x), pd.DataFrame(x[:2])) == GELU.gram(x, x[:2])).all()


def test_lists_are_taken():
    assert GELU.gram([[1, 0], [1, 1]])[0, 1] == pytest.approx(GELU(math.sqrt(0.5)), abs=ROUNDING)


def read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.setflags(write=False)
    return x


@pytest.mark.parametrize(
    "view",
    [read_only, lambda x: x[::-1], lambda x: x[:, ::-1], np.asfortranarray, lambda x: x[::2, 1:]],
    ids=["read-only", "reversed", "mirrored", "fortran", "strided"],
)
def test_an_array_is_taken_however_it_lies_in_memory(view):
    x = view(rows(12))
    for gram in (GELU.gram(x), GELU.gram(x, rows(3, x.shape[1]))):
        assert np.isfinite(gram).all()
    # a matrix product may add in another order
    assert np.abs(GELU.gram(x) - GELU.gram(np.array(x, order="C"))).max() <= ROUNDING


@pytest.mark.parametrize("dtype", [">f8", ">i4", np.longdouble])
def test_every_numeric_type_is_taken(dtype):
    x = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]]).astype(dtype)
    assert GELU.gram(x)[0, 1] == pytest.approx(GELU(0.5), abs=ROUNDING)


def test_the_inputs_are_left_as_they_were():
    x, y = rows(5), rows(6, seed=1)
    before = x.copy(), y.copy()
    GELU.gram(x, y)
    GELU.gram(x)
    assert (x == before[0]).all()
    assert (y == before[1]).all()


# out --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_matrix_is_written_to_a_file_that_is_mapped_into_memory(tmp_path, dtype):
    x = rows(TILE + 7)
    out = np.memmap(tmp_path / "gram", dtype=dtype, mode="w+", shape=(len(x), len(x)))
    assert GELU.gram(x, out=out) is out
    out.flush()
    read = np.memmap(tmp_path / "gram", dtype=dtype, mode="r", shape=out.shape)
    assert (read == GELU.gram(x).astype(dtype)).all()


def test_the_matrix_is_written_to_what_is_given():
    x, y = rows(5), rows(6, seed=1)
    expected = GELU.gram(x, y)
    for out in (np.empty((5, 6)), np.empty((6, 5)).T, torch.empty(5, 6, dtype=torch.float64)):
        assert GELU.gram(x, y, out=out) is out
        assert (np.asarray(out) == expected).all()


@pytest.mark.parametrize("shape", [(5, 4), (4, 5), (5,), (5, 6, 1)], ids=str)
def test_an_output_of_another_shape_is_refused_in_one_line(shape):
    said = rf"^out is float64 of shape {re.escape(str(shape))}; it takes floating-point numbers of shape \(5, 6\)$"
    with pytest.raises(ValueError, match=said):
        GELU.gram(rows(5), rows(6), out=np.empty(shape))
    with pytest.raises(ValueError, match=said.replace("float64", r"torch\.float64")):
        GELU.gram(rows(5), rows(6), out=torch.empty(shape, dtype=torch.float64))


@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128"])
def test_an_output_that_would_truncate_or_is_complex_is_refused_in_one_line(dtype):
    said = rf"{dtype} of shape \(5, 5\); it takes floating-point numbers of shape \(5, 5\)$"
    with pytest.raises(ValueError, match=rf"^out is {said}"):
        GELU.gram(rows(5), out=np.zeros((5, 5), dtype))
    with pytest.raises(ValueError, match=rf"^out is torch\.{said}"):
        GELU.gram(rows(5), out=torch.zeros(5, 5, dtype=getattr(torch, dtype)))


def test_an_output_that_is_no_array_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^out is a list; it takes an array or tensor$"):
        GELU.gram(rows(1), out=[[0.0]])


# What is refused --------------------------------------------------------------------------------------------------


def spoilt(row: int, value: float, n: int = 6) -> np.ndarray:
    x = rows(n)
    x[row] = value
    return x


@pytest.mark.parametrize("row", [0, 3, 5])
def test_a_row_without_a_direction_is_refused_by_its_number(row):
    with pytest.raises(ValueError, match=rf"^row {row} of X is zero[^\n]*$"):
        GELU.gram(spoilt(row, 0))
    with pytest.raises(ValueError, match=rf"^row {row} of Y is zero[^\n]*$"):
        GELU.gram(rows(3), spoilt(row, 0))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_row_that_is_not_finite_is_refused_by_its_number(value):
    x = rows(6)
    x[4, 2] = value
    with pytest.raises(ValueError, match=r"^row 4 of X is not finite[^\n]*$"):
        GELU.gram(x)
    with pytest.raises(ValueError, match=r"^row 4 of Y is not finite[^\n]*$"):
        GELU.gram(torch.ones(2, 8), torch.from_numpy(x))


@pytest.mark.parametrize("shape", [(3,), (), (2, 3, 4)], ids=str)
def test_what_is_not_rows_is_refused_in_one_line(shape):
    with pytest.raises(ValueError, match=r"^X has shape [^\n]*\(n, d\)$"):
        GELU.gram(np.ones(shape))
    with pytest.raises(ValueError, match=r"^Y has shape [^\n]*\(n, d\)$"):
        GELU.gram(np.ones((2, 3)), np.ones(shape))


def test_rows_of_different_lengths_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^rows of X have 8 entries, those of Y 5$"):
        GELU.gram(rows(3), rows(3, 5))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)], ids=str)
def test_no_rows_or_no_entries_are_refused_in_one_line(shape):
    said = rf"has shape {re.escape(str(shape))}; it takes rows, \(n, d\)$"
    for empty in (np.empty(shape), torch.empty(shape)):
        with pytest.raises(ValueError, match=rf"^X {said}"):
            GELU.gram(empty)
        with pytest.raises(ValueError, match=rf"^Y {said}"):
            GELU.gram(rows(4, 3), empty)


def test_complex_numbers_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^X is complex; it takes real numbers$"):
        GELU.gram(rows(3) + 1j)
    with pytest.raises(ValueError, match=r"^Y is complex; it takes real numbers$"):
        GELU.gram(rows(3), [[1j] * 8])


def test_a_complex_tensor_is_refused():
    with pytest.raises(ValueError, match="X is complex; it takes real numbers"):
        GELU.gram(torch.ones(2, 3, dtype=torch.complex128))


# What is warned of ------------------------------------------------------------------------------------------------


def two(angle: float) -> np.ndarray:
    return np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])


def test_close_rows_at_great_depth_are_warned_of():
    said = r"^rows are as close as 1 - \|rho\| = \S+: rounding leaves their entries uncertain by \S+$"
    with pytest.warns(UserWarning, match=said):
        DEEP.gram(two(1e-7))
    with pytest.warns(UserWarning, match="rows are as close"):
        DEEP.gram(rows(3), rows(3))  # each row of the one is a row of the other


@pytest.mark.parametrize(
    "kernel",
    [CompositionalKernel("relu", 3, centered=True), CompositionalKernel("relu", 100)],
    ids=["depth-3", "critical"],
)
@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-7, 1e-3])
def test_close_rows_are_not_warned_of_where_nothing_is_amplified(kernel, angle):
    kernel.gram(two(angle))  # a warning is an error here


def test_rows_that_are_not_close_are_not_warned_of_at_any_depth():
    assert np.abs(DEEP.gram(rows(30, 50)) - np.eye(30)).max() < 1e-8


@pytest.mark.parametrize("sign", [1, -1])
def test_an_odd_kernel_warns_of_opposite_rows_as_well(sign):
    kernel = CompositionalKernel("sin", 150)
    with pytest.warns(UserWarning, match="rows are as close"):
        kernel.gram(np.array([[1.0, 0.0], [sign * math.cos(1e-7), sign * math.sin(1e-7)]]))


@pytest.mark.parametrize("depth", [3, 10, 30, 60, 100])
@pytest.mark.parametrize("angle", [0.3, 1e-2, 1e-4, 1e-6])
def test_an_entry_is_certain_to_what_is_said_of_it(depth, angle):
    kernel, x = CompositionalKernel("relu", depth, centered=True), two(angle)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = kernel.gram(x)[0, 1]
    with mpmath.workdps(40):
        u = float(1 - mpmath.mpf(x[1, 0]) / mpmath.hypot(*map(mpmath.mpf, x[1])))
    certain = float(str(caught[0].message).rsplit(maxsplit=1)[1]) if caught else 1e-8
    # the warning gives one digit; the complement is accurate to the bound whatever the angle
    assert abs(found - (1 - kernel.complement(u))) <= 2 * certain + 2 * kernel.error_bound


# As a kernel of scikit-learn --------------------------------------------------------------------------------------


def test_a_support_vector_machine_takes_the_matrix_as_its_kernel():
    x, y = load_digits(return_X_y=True)
    train, test = slice(0, 200), slice(200, 300)
    machine = SVC(kernel=RELU.gram).fit(x[train], y[train])
    precomputed = SVC(kernel="precomputed").fit(RELU.gram(x[train]), y[train])
    found = machine.decision_function(x[test])
    # libsvm stops at a gap of 1e-3, but both see the same matrix to rounding
    assert found == pytest.approx(precomputed.decision_function(RELU.gram(x[test], x[train])), abs=1e-6)
    assert (machine.predict(x[test]) == precomputed.predict(RELU.gram(x[test], x[train]))).all()
    assert machine.score(x[test], y[test]) > 0.85  # ten classes


# What it costs ----------------------------------------------------------------------------------------------------


class Largest(TorchDispatchMode):
    """Notes the size of the largest tensor that anything returns."""

    entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.entries = max(self.entries, result.numel())
        return result


@pytest.mark.parametrize("two_inputs", [False, True])
def test_nothing_of_the_size_of_the_matrix_is_made_beside_it(two_inputs):
    x = rows(1300, 4)
    y, out = x[::-1].copy() if two_inputs else None, np.empty((1300, 1300))
    with Largest():
        RELU.gram(x[:3])  # makes the table, and imports what it takes to look
    tracemalloc.start()
    with Largest() as largest:
        RELU.gram(x, y, out=out)
    peak = tracemalloc.get_traced_memory()[1]  # of NumPy and Python
    tracemalloc.stop()
    assert 0 < largest.entries <= TILE**2
    assert peak < out.nbytes / 8


# Health -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", [RELU, GELU, CompositionalKernel("tanh", 12)], ids=str)
def test_health_is_that_of_the_matrix(kernel):
    x = rows(30)
    health, eigenvalues = kernel.health(x), np.linalg.eigvalsh(kernel.gram(x))
    assert health.smallest_eigenvalue == pytest.approx(eigenvalues[0], abs=30 * ROUNDING)
    assert health.largest_eigenvalue == pytest.approx(eigenvalues[-1], rel=30 * ROUNDING)
    assert health.condition == health.largest_eigenvalue / health.smallest_eigenvalue
    assert health.symmetric is True
    assert health.dtype == "float64"
    assert health.amplification == pytest.approx(kernel.dual.mu**kernel.depth * EPS, rel=1e-12)


def test_health_of_equal_rows_has_no_condition():
    x = np.vstack([rows(5), rows(5)])
    health = RELU.health(x)
    assert abs(health.smallest_eigenvalue) < 10 * ROUNDING
    assert health.condition == math.inf or health.condition > 1 / (10 * ROUNDING)


def test_health_of_orthogonal_rows_of_a_centered_kernel_is_perfect():
    health = GELU.health(np.eye(7))
    assert health.condition == pytest.approx(1, abs=7 * ROUNDING)
    assert health.largest_eigenvalue == pytest.approx(1, abs=7 * ROUNDING)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_health_names_the_type_of_the_entries(kind):
    assert RELU.health(rows(4).astype(kind)).dtype == np.dtype(kind).name
    assert RELU.health(torch.from_numpy(rows(4).astype(kind))).dtype == np.dtype(kind).name


def test_amplification_is_infinite_where_a_jump_or_depth_makes_it_so():
    assert STEP.health(rows(4)).amplification == math.inf
    assert CompositionalKernel("relu", 2000, centered=True).health(np.eye(3)).amplification == math.inf


@light
@given(st.integers(1, 30), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_every_matrix_is_symmetric_with_ones_and_nothing_larger(n, d, seed):
    for gram in (RELU.gram(rows(n, d, seed)), SIGMOID.gram(rows(n, d, seed))):
        assert (gram == gram.T).all()
        assert (np.diag(gram) == 1).all()
        assert (np.abs(gram) <= 1).all()
