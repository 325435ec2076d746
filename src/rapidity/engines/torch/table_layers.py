"""Layers of rows of numbers as modules of our own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rapidity.engines.torch.lowering import Lowered, TensorPlace

if TYPE_CHECKING:
    from rapidity.network import Node
    from rapidity.network.layers import PeriodicEmbedding


class NtkLinear(nn.Linear):
    """A linear module that divides its input by the root of the number of values."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in torch
        """Return ``input @ weight.T / sqrt(in_features) + bias``."""
        return super().forward(input / math.sqrt(self.in_features))


class ParametricActivation(nn.Module):
    """Goes a trained part of the way from each value to that of a function."""

    def __init__(self, n_features: int, function: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.part = nn.Parameter(torch.ones(n_features))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x + part * (function(x) - x)``."""
        # Not torch.lerp, which refuses values in 16 bits beside parameters in 32.
        return torch.addcmul(x, self.part, self.function(x) - x)


class PeriodicWaves(nn.Module):
    """Turns each feature into sums of waves of it, with the feature itself behind."""

    def __init__(self, n_features: int, frequencies: int, width: int) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.zeros(n_features, frequencies))
        self.phase = nn.Parameter(torch.zeros(n_features, frequencies))
        self.kernel = nn.Parameter(torch.zeros(n_features, frequencies, width - 1))
        self.bias = nn.Parameter(torch.zeros(n_features, width - 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n_events, n_features * width)``."""
        # The features first: one product of matrices for each.
        frequency = (2 * math.pi * self.frequency)[:, None]
        waves = torch.cos(torch.addcmul(self.phase[:, None], x.t()[:, :, None], frequency))
        sums = torch.baddbmm(self.bias[:, None], waves, self.kernel)
        return torch.cat([sums.transpose(0, 1).flatten(1), x], dim=1)


def lower_periodic_embedding(node: Node, layer: PeriodicEmbedding) -> Lowered:
    """Return the module that owns the waves."""
    (n_features,) = node.input_shapes[0]
    waves = PeriodicWaves(n_features, layer.frequencies, layer.width)
    return Lowered(waves, {spec.name: TensorPlace(spec.name) for spec in node.parameters})
