"""A user's own torch network beside the mean-field theory: what it does to a batch, and how deep it can carry one."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from deepk import activations
from deepk.activations import Activation
from deepk.layers import Layer, fan_in, weighted_layers
from deepk.meanfield.maps import MeanField

# Schoenholz et al. 2017 (arXiv:1611.01232): networks of up to about this many depth scales train.
DEPTH_SCALES = 6
# Standard errors of the measured sigma_w within which chi_1 = 1 cannot be told from the edge of chaos.
_ERRORS = 3


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found.

    Attributes:
        activation: the nonlinearity between the layers.
        sigma_w: root mean square of sqrt(fan_in) W over all weights after the first layer.
        sigma_b: root mean square of the biases there.
        phase: ordered, chaotic, edge (chi_1 = 1 within what so many weights can tell), or diverging.
        chi_1: the mean-square factor of a gradient in one layer; NaN where the variance diverges.
        depth_scale: xi_c in layers, infinite on the edge; NaN where the variance diverges.
        trainable_depth: 6 xi_c, the depth that Schoenholz et al. 2017 find trainable; NaN where the variance diverges.
            On the edge the width is what limits: beyond about width / 5 layers a network departs from the theory.
        layers: a row for each layer, in the order of the forward pass: layer, name, fan_in, sigma_w, sigma_b, then
            variance and correlation as measured and, after the first layer, as predicted from the layer before it on.
    """

    activation: Activation
    sigma_w: float
    sigma_b: float
    phase: str
    chi_1: float
    depth_scale: float
    trainable_depth: float
    layers: pd.DataFrame

    def __str__(self) -> str:
        """One sentence, and the table."""
        depth = f"depth scale {self.depth_scale:.3g}: trains to about {self.trainable_depth:.0f} layers"
        said = {
            "diverging": "the variance diverges",
            "edge": "on the edge of chaos, it carries any depth that its width allows",
        }.get(self.phase, f"{self.phase} phase, {depth}")
        point = f"{self.activation.name}, sigma_w = {self.sigma_w:.4g}, sigma_b = {self.sigma_b:.4g}"
        return f"{point}: {said}\n{self.layers.to_string(index=False)}"


def diagnose(
    module: nn.Module, inputs: Float[Tensor, "n ..."], *, activation: str | Activation | None = None
) -> Diagnosis:
    """Passes a batch through a network and sets variance and correlation in each layer beside the theory.

    The variance of a layer is the mean square of its outputs before the nonlinearity, averaged over inputs, units and
    pixels; the correlation is the mean cosine between two inputs. The prediction starts from what the first layer gave,
    and goes on with each layer's own sigma_w and sigma_b. Written for plain networks; in a convolutional one the
    correlation is that of whole images, and the prediction a guide.

    Args:
        module: any module of Linear and Conv layers; not changed.
        inputs: a batch of at least two inputs, as the module takes it.
        activation: the nonlinearity, where the module does not hold it as a submodule (`torch.relu` in `forward`).

    Raises ValueError for a module with normalization layers or without weights, a nonlinearity that cannot be told, and
    inputs that are fewer than two or not finite.
    """
    if len(inputs) < 2:
        raise ValueError(f"diagnose compares inputs with each other: it needs at least two, not {len(inputs)}")
    if not inputs.isfinite().all():
        raise ValueError("the inputs hold NaN or infinite values")
    for part in module.modules():
        if isinstance(part, _NormBase | nn.LayerNorm | nn.GroupNorm | nn.RMSNorm):
            raise ValueError(f"{type(part).__name__} normalizes: the mean-field maps here are of networks without it")
    phi = _nonlinearity(module) if activation is None else activations.get(activation)
    measured = _forward(module, inputs)
    if not measured:
        raise ValueError(f"{type(module).__name__} called none of its Linear or Conv layers")
    table = pd.DataFrame([_row(number, name, layer, y) for number, (name, layer, y) in enumerate(measured, start=1)])
    later = slice(1 if len(table) > 1 else 0, None)
    weights = np.array([layer.weight.numel() for _, layer, _ in measured[later]])
    units = np.array([_outputs(layer) for _, layer, _ in measured[later]])
    sigma_w = math.sqrt(np.average(table["sigma_w"].iloc[later] ** 2, weights=weights))
    sigma_b = math.sqrt(np.average(table["sigma_b"].iloc[later] ** 2, weights=units))
    phase, chi_1, depth_scale = _theory(MeanField(phi, sigma_w=sigma_w, sigma_b=sigma_b), int(weights.sum()))
    table = pd.concat([table, _predictions(phi, table)], axis=1)
    return Diagnosis(phi, sigma_w, sigma_b, phase, chi_1, depth_scale, DEPTH_SCALES * depth_scale, table)


def _forward(module: nn.Module, inputs: Tensor) -> list[tuple[str, Layer, Tensor]]:
    """Each layer in the order of its calls, with its outputs in float64."""
    calls: list[tuple[str, Layer, Tensor]] = []
    hooks = [
        layer.register_forward_hook(
            lambda layer, _, y, name=name: calls.append(
                (name, layer, y.detach().flatten(1).to(torch.float64, copy=True))
            )
        )
        for name, layer in weighted_layers(module).items()
    ]
    training = {part: part.training for part in module.modules()}
    try:
        with torch.no_grad():
            module.eval()(inputs)
    finally:
        for part, mode in training.items():
            part.training = mode
        for hook in hooks:
            hook.remove()
    return calls


def _row(number: int, name: str, layer: Layer, y: Float[Tensor, "n units"]) -> dict[str, float | int | str]:
    weight, bias = layer.weight.detach().double(), layer.bias
    gram = y @ y.T / y.shape[1]
    scale = gram.diagonal().sqrt()
    cosine = gram / torch.outer(scale, scale)
    n = len(y)
    return {
        "layer": number,
        "name": name,
        "fan_in": fan_in(layer),
        "sigma_w": float((weight**2).mean() * fan_in(layer)) ** 0.5,
        "sigma_b": 0.0 if bias is None else float((bias.detach().double() ** 2).mean()) ** 0.5,
        "variance": float(gram.diagonal().mean()),
        "correlation": float((cosine.sum() - cosine.diagonal().sum()) / (n * (n - 1))),
    }


def _predictions(phi: Activation, table: pd.DataFrame) -> pd.DataFrame:
    """Variance and correlation of each layer from those measured in the first; empty for the first itself."""
    rows = [(math.nan, math.nan)]
    q, c = float(table["variance"].iloc[0]), float(table["correlation"].iloc[0])
    with suppress(ValueError, ZeroDivisionError):  # the variance overflows or vanishes: nothing is predicted from there
        for sigma_w, sigma_b in table[["sigma_w", "sigma_b"]].iloc[1:].itertuples(index=False):
            theory = MeanField(phi, sigma_w=sigma_w, sigma_b=sigma_b)
            following = theory.variance_map(q)
            covariance = theory.covariance_map(q, q, min(max(c, -1.0), 1.0))  # rounding of the measured cosine
            q, c = following, covariance / following
            rows.append((q, c))
    rows += [(math.nan, math.nan)] * (len(table) - len(rows))
    return pd.DataFrame(rows, columns=["predicted_variance", "predicted_correlation"])


def _theory(theory: MeanField, weights: int) -> tuple[str, float, float]:
    """Phase, chi_1 and depth scale; on the edge where chi_1 = 1 within the error that so many weights leave."""
    try:
        chi_1 = theory.chi_1  # of a homogeneous activation also where the variance diverges
        error = chi_1 * math.sqrt(2 / weights)  # of sigma_w^2 as the mean square of `weights` normal numbers
        if abs(chi_1 - 1) <= _ERRORS * error < math.inf:
            return "edge", chi_1, math.inf
        phase = theory.phase
    except ValueError:
        return "diverging", math.nan, math.nan
    # In the ordered phase also the layers in which a gradient falls; defined where the variance vanishes, too.
    return phase, chi_1, -1 / math.log(chi_1) if phase == "ordered" else theory.depth_scale()


def _outputs(layer: Layer) -> int:
    return layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels


def _nonlinearity(module: nn.Module) -> Activation:
    """The one nonlinearity among the submodules; an identity beside it is a placeholder."""
    found: dict[str, Activation] = {}
    for part in module.modules():
        phi = _known(part)
        if phi is not None:
            found[phi.name] = phi
        elif type(part).__module__ == nn.ReLU.__module__:
            name = type(part).__name__
            raise ValueError(f"{name} is not known here: pass activation=Activation.from_callable(...) with its kinks")
    if len(found) > 1:
        found.pop("identity", None)
    if len(found) != 1:
        seen = ", ".join(found) or "none"
        raise ValueError(f"which nonlinearity the network has is not clear (found: {seen}); name it by activation=...")
    return next(iter(found.values()))


def _known(part: nn.Module) -> Activation | None:
    """A module as an activation, if it is one."""
    own = getattr(part, "activation", None)
    if isinstance(own, Activation):
        return own
    if isinstance(part, nn.LeakyReLU):
        return activations.leaky_relu(part.negative_slope)
    if isinstance(part, nn.ELU) and part.alpha != 1:
        return Activation.from_callable(f"elu({part.alpha:g})", part, kinks=(0.0,))
    if isinstance(part, nn.GELU) and part.approximate != "none":
        return Activation.from_callable("gelu-tanh", part)
    if isinstance(part, nn.Softplus) and part.beta != 1:
        return Activation.from_callable(f"softplus({part.beta:g})", part)
    return next((activations.get(name) for kind, name in _MODULES.items() if type(part) is kind), None)


_MODULES: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.ELU: "elu",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    nn.SiLU: "swish",
    nn.GELU: "gelu",
    nn.Softplus: "softplus",
    nn.Identity: "identity",
}
