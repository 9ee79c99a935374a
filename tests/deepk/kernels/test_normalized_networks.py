"""`network_correlations` beside normalized networks with explicit weights, and beside the kernel they tend to."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from deepk.kernels import CompositionalKernel, network_correlations
from deepk.kernels.dual import DualKernel

FALSE_ALARM = 1e-6  # of one test of an honest simulation; the seeds are fixed
RHO, DEPTH = 0.5, 4
PAPER = [(name, centered) for name in ("relu", "gelu", "sigmoid", "swish") for centered in (False, True)]
# activations whose features vanish with no probability at small width
LAWS = [("gelu", False), ("relu", True), ("tanh", False), ("sigmoid", True)]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sent(name: str, *, width: int, networks: int, seed: int, rho: float = RHO, centered: bool = False, depth=DEPTH):
    return network_correlations(
        name, rho, depth=depth, width=width, networks=networks, generator=seeded(seed), centered=centered
    )


# Explicit weights -------------------------------------------------------------------------------------------------

WIDTH, NETWORKS = 10, 4000


@cache
def both(name: str, centered: bool) -> tuple[Tensor, Tensor]:
    """By the library, and by definition: x' = sigma(W x / |x|) with matrices that are drawn, all of width 10."""
    generator = seeded(11)
    sigma = DualKernel(name, centered=centered).normalized
    x = torch.zeros(NETWORKS, WIDTH, 2, dtype=torch.float64)
    x[:, 0, :] = 1.0
    x[:, 0, 1], x[:, 1, 1] = RHO, math.sqrt(1 - RHO**2)
    cosines = []
    for _ in range(DEPTH):
        weight = torch.randn(NETWORKS, WIDTH, WIDTH, generator=generator, dtype=torch.float64)
        x = sigma(weight @ (x / x.norm(dim=1, keepdim=True)))
        cosines.append(torch.cosine_similarity(x[..., 0], x[..., 1], dim=1))
    return sent(name, width=WIDTH, networks=NETWORKS, seed=5, centered=centered), torch.stack(cosines, dim=1)


@pytest.mark.parametrize(("name", "centered"), LAWS)
@pytest.mark.parametrize("layer", [1, 2, DEPTH])
def test_cosines_have_the_law_of_networks_with_explicit_weights(name, centered, layer):
    ours, drawn = (cosines[:, layer - 1].numpy() for cosines in both(name, centered))
    assert stats.ks_2samp(ours, drawn).pvalue > FALSE_ALARM


@pytest.mark.parametrize(("name", "centered"), LAWS)
@pytest.mark.parametrize("layer", [1, 2, DEPTH])
def test_they_have_the_same_mean_and_variance(name, centered, layer):
    ours, drawn = (cosines[:, layer - 1].numpy() for cosines in both(name, centered))
    assert stats.ttest_ind(ours, drawn, equal_var=False).pvalue > FALSE_ALARM
    centered_squares = [(values - values.mean()) ** 2 for values in (ours, drawn)]
    assert stats.ttest_ind(*centered_squares, equal_var=False).pvalue > FALSE_ALARM


@pytest.mark.parametrize(("name", "centered"), LAWS)
def test_a_networks_layers_depend_on_each_other_as_in_those(name, centered):
    # the product of the first and last layers' cosines feels it
    ours, drawn = ((cosines[:, 1] * cosines[:, -1]).numpy() for cosines in both(name, centered))
    assert stats.ks_2samp(ours, drawn).pvalue > FALSE_ALARM


def test_the_comparison_tells_another_width():
    other = sent("gelu", width=2 * WIDTH, networks=NETWORKS, seed=5)
    assert stats.ks_2samp(other[:, -1].numpy(), both("gelu", False)[1][:, -1].numpy()).pvalue < FALSE_ALARM


# The kernel -------------------------------------------------------------------------------------------------------


def test_the_mean_over_networks_is_the_kernel_but_for_a_bias_of_one_over_width():
    # 2 m(2 w) - m(w) is free of the bias c / w; what is left is of order 1 / w^2, of which DEPTH^2 are allowed. All
    # activations and layers together, against the normal quantile for that many.
    width, networks, deviations = 50, 1000, []
    for name, centered in PAPER:
        narrow = sent(name, width=width, networks=networks, seed=1, centered=centered)
        wide = sent(name, width=2 * width, networks=networks, seed=2, centered=centered)
        mean = 2 * wide.mean(0) - narrow.mean(0)
        error = (4 * wide.var(0) + narrow.var(0)).div(networks).sqrt()
        for layer in range(DEPTH):
            kernel = CompositionalKernel(name, layer + 1, centered=centered)(RHO)
            excess = abs(float(mean[layer]) - kernel) - DEPTH**2 / width**2
            deviations.append(excess / float(error[layer]))
            assert error[layer] < 0.02  # and sharp
    assert max(deviations) < stats.norm.isf(FALSE_ALARM / 2 / len(deviations))


@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.8, 0.99])
def test_at_any_correlation_wide_networks_have_the_kernels(rho):
    width, networks = 2000, 60
    cosines = sent("gelu", width=width, networks=networks, seed=3, rho=rho, centered=True)
    for layer in range(DEPTH):
        kernel = CompositionalKernel("gelu", layer + 1, centered=True)(rho)
        values = cosines[:, layer].numpy() - kernel
        half = float(stats.t.isf(FALSE_ALARM / 8, networks - 1)) * values.std(ddof=1) / math.sqrt(networks)
        assert abs(values.mean()) < half + DEPTH / width  # and the bias, of order 1 / width a layer
        assert half < 0.05


@pytest.mark.parametrize(("name", "centered"), [("relu", True), ("gelu", False)])
def test_fluctuations_fall_like_the_root_of_the_width(name, centered):
    networks = 2000
    narrow, wide = (
        sent(name, width=width, networks=networks, seed=4, centered=centered)[:, -1].var() for width in (100, 400)
    )
    # four times, within an F-interval; sharp to 1 / sqrt(1000), to which the next order adds 1 / 100
    low, high = stats.f.interval(1 - FALSE_ALARM, networks - 1, networks - 1)
    assert 4 * low * 0.9 < float(narrow / wide) < 4 * high * 1.1


# Ends -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "centered"), PAPER)
def test_equal_inputs_stay_equal(name, centered):
    cosines = sent(name, width=30, networks=5, seed=6, rho=1.0, centered=centered)
    np.testing.assert_allclose(cosines, 1, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("name", "centered"), [("tanh", False), ("sigmoid", True)])
def test_opposite_inputs_stay_opposite_where_the_activation_is_odd(name, centered):
    cosines = sent(name, width=30, networks=5, seed=6, rho=-1.0, centered=centered)
    np.testing.assert_allclose(cosines, -1, rtol=0, atol=1e-12)  # E sigma, which is subtracted, has 1e-12 too


def test_cosines_are_correlations_in_float64():
    cosines = sent("swish", width=3, networks=500, seed=7, rho=0.999)
    assert cosines.shape == (500, DEPTH)
    assert cosines.dtype == torch.float64
    assert (cosines.abs() <= 1).all()


def test_a_seed_gives_the_same_networks_again():
    first, second, other = (sent("relu", width=20, networks=4, seed=seed) for seed in (8, 8, 9))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_a_shallower_network_is_the_beginning_of_a_deeper_one():
    deep, shallow = (sent("gelu", width=20, networks=4, seed=8, depth=depth) for depth in (5, 2))
    assert torch.equal(deep[:, :2], shallow)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rho": 1.1}, r"rho = 1\.1 is not in \[-1, 1\]"),
        ({"rho": -1.5}, r"rho = -1\.5 is not in \[-1, 1\]"),
        ({"rho": math.nan}, r"rho = nan is not in \[-1, 1\]"),
        ({"depth": 0}, "depth = 0, width = 5 and networks = 2 must be at least 1"),
        ({"width": 0}, "depth = 2, width = 0 and networks = 2 must be at least 1"),
        ({"networks": -1}, "depth = 2, width = 5 and networks = -1 must be at least 1"),
    ],
)
def test_parameters_that_are_none_are_refused_in_one_line(given, said):
    sound = {"rho": 0.5, "depth": 2, "width": 5, "networks": 2, "seed": 0}
    with pytest.raises(ValueError, match=rf"^{said}[^\n]*$"):
        sent("relu", **{**sound, **given})


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="unknown activation 'rellu'"):
        sent("rellu", width=5, networks=2, seed=0)
