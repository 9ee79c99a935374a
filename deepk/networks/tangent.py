"""The tangent kernel of a network as it is: of finite width, at any point of its training."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

_BATCH = 64  # rows whose Jacobians are in memory at once


def empirical_tangent_kernel(
    module: nn.Module, X: Float[Tensor, "n d"], Y: Float[Tensor, "m d"] | None = None, *, batch: int = _BATCH
) -> Float[Tensor, "n m"]:
    """sum over parameters of df(x) df(y) for the rows of X and of Y, the mean over outputs of a network of several.

    Jacobians of `batch` rows of X and of Y at a time, by torch.func; memory is 2 `batch` times that of the parameters.
    As the width tends to infinity it tends, for a network whose layers keep variance, to `TangentKernel` at
    initialization (Jacot, Gabriel, Hongler 2018, arXiv:1806.07572), with fluctuations of the order of width^(-1/2).

    Args:
        module: maps rows (n, d) to outputs (n,) or (n, outputs), each row by itself.
        X: inputs, of the module's type and on its device.
        Y: the same; X by default.
        batch: rows at a time.

    Raises ValueError for a module without parameters that are trained, one that does not map a row to a vector or
    treats rows of a batch together, and a batch below 1.
    """
    if batch < 1:
        raise ValueError(f"batch = {batch} is not at least 1")
    trained = [value for value in module.parameters() if value.requires_grad]  # each once
    if not trained:
        raise ValueError("the module has no parameters that are trained")
    together = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
    if any(part.training and isinstance(part, together) for part in module.modules()):
        raise ValueError("batch normalization and dropout treat the rows of a batch together: call module.eval() first")
    parameters = tuple(value.detach() for value in trained)
    position = {id(value): i for i, value in enumerate(trained)}
    places = {name: position[id(value)] for name, value in _places(module) if id(value) in position}

    def outputs(values: tuple[Tensor, ...], row: Tensor) -> Tensor:
        given = {name: values[i] for name, i in places.items()}
        found: Tensor = functional_call(module, given, (row[None],), tie_weights=False)
        if found.ndim not in (1, 2) or len(found) != 1:
            raise ValueError(f"the module maps a row to shape {tuple(found.shape)}; it takes (1,) or (1, outputs)")
        return found.reshape(-1)

    def jacobians(rows: Tensor) -> Float[Tensor, "rows outputs parameters"]:
        every = vmap(jacrev(outputs), (None, 0))(parameters, rows)
        return torch.cat([part.flatten(2) for part in every], dim=2)

    columns = X if Y is None else Y
    kernel = X.new_empty(len(X), len(columns))
    for j in range(0, len(columns), batch):
        right = jacobians(columns[j : j + batch])
        for i in range(0, len(X), batch):
            left = jacobians(X[i : i + batch])
            products = torch.einsum("iop,jop->ij", left, right) / left.shape[1]
            kernel[i : i + batch, j : j + batch] = products
    return kernel


def _places(module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Where parameters are: one that two layers share is in two places, one of a layer that is used twice in one.

    Where `functional_call` ties weights by itself, it takes the second for two and leaves the module changed.
    """
    for path, part in module.named_modules():
        for name, value in part.named_parameters(recurse=False, remove_duplicate=False):
            yield f"{path}.{name}" if path else name, value
