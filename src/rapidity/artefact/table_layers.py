"""Layers of rows of numbers as ONNX nodes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np

from rapidity.artefact.activations import ACTIVATIONS

if TYPE_CHECKING:
    from rapidity.artefact.place import Place
    from rapidity.network.layers import ParametricActivation


def lower_parametric_activation(place: Place) -> str:
    """Return ``x + part * (function(x) - x)``."""
    layer = cast("ParametricActivation", place.node.layer)
    found = ACTIVATIONS[layer.function](place, layer.activation)
    way = place.add("Sub", [found, place.inputs[0]])
    part = place.channel_constant(place.parameter("part"), "part")
    return place.add("Add", [place.inputs[0], place.add("Mul", [way, part])])


def lower_periodic_embedding(place: Place) -> str:
    """Return sums of waves of each feature, and the features behind; MatMul takes the features as batches."""
    frequency = 2 * math.pi * place.parameter("frequency").astype(np.float64)
    columns = place.add("Unsqueeze", [place.add("Transpose", perm=(1, 0)), place.integers([2], "wave_axis")])
    angles = place.add("Mul", [columns, place.constant(frequency[:, None], "frequency")])
    angles = place.add("Add", [angles, place.constant(place.parameter("phase")[:, None], "phase")])
    kernel = place.constant(place.parameter("kernel"), "kernel")
    sums = place.add("MatMul", [place.add("Cos", [angles]), kernel])
    sums = place.add("Add", [sums, place.constant(place.parameter("bias")[:, None], "bias")])
    rows = place.add("Flatten", [place.add("Transpose", [sums], perm=(1, 0, 2))], axis=1)
    return place.add("Concat", [rows, place.inputs[0]], axis=1)
