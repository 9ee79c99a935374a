"""The tangent kernel of a network as it is: of finite width, at any point of its training."""

from __future__ import annotations

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

    Raises ValueError for a module without parameters that are trained, or that does not map a row to a vector.
    """
    parameters = {name: value.detach() for name, value in module.named_parameters() if value.requires_grad}
    if not parameters:
        raise ValueError("the module has no parameters that are trained")
    frozen = {name: value.detach() for name, value in module.state_dict().items() if name not in parameters}

    def outputs(values: dict[str, Tensor], row: Tensor) -> Tensor:
        found: Tensor = functional_call(module, (values, frozen), (row[None],))
        if found.ndim not in (1, 2) or len(found) != 1:
            raise ValueError(f"the module maps a row to shape {tuple(found.shape)}; it takes (1,) or (1, outputs)")
        return found.reshape(-1)

    def jacobians(rows: Tensor) -> Float[Tensor, "rows outputs parameters"]:
        every = vmap(jacrev(outputs), (None, 0))(parameters, rows)
        return torch.cat([part.flatten(2) for part in every.values()], dim=2)

    others = X if Y is None else Y
    kernel = X.new_empty(len(X), len(others))
    for j in range(0, len(others), batch):
        right = jacobians(others[j : j + batch])
        for i in range(0, len(X), batch):
            left = jacobians(X[i : i + batch])
            products = torch.einsum("iop,jop->ij", left, right) / left.shape[1]
            kernel[i : i + batch, j : j + batch] = products
    return kernel
