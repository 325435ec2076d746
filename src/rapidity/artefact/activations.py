"""Activation functions as ONNX nodes; the canonical semantics are PyTorch's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ExportError
from rapidity.core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.artefact.place import Place
    from rapidity.network.layers import Activation


def _operator(op: str, **attributes: Any) -> Callable[[Place, Activation], str]:
    """Return the lowering to a single operator."""

    def lower(place: Place, layer: Activation) -> str:
        return place.add(op, **attributes)

    return lower


def _leaky_relu(place: Place, layer: Activation) -> str:
    return place.add("LeakyRelu", alpha=layer.slope)


def _elu(place: Place, layer: Activation) -> str:
    return place.add("Elu", alpha=layer.alpha)


def _gelu(place: Place, layer: Activation) -> str:
    """Return ``x / 2 (1 + erf(x / sqrt 2))``, the exact form; ONNX has an operator from opset 20 on."""
    half, one, root = (
        place.constant(np.array(value, np.float32), name)
        for value, name in ((0.5, "half"), (1.0, "one"), (math.sqrt(2.0), "root_two"))
    )
    error = place.add("Erf", [place.add("Div", [*place.inputs, root])])
    return place.add("Mul", [place.add("Mul", [*place.inputs, place.add("Add", [error, one])]), half])


def _silu(place: Place, layer: Activation) -> str:
    return place.add("Mul", [*place.inputs, place.add("Sigmoid")])


def _mish(place: Place, layer: Activation) -> str:
    return place.add("Mul", [*place.inputs, place.add("Tanh", [place.add("Softplus")])])


ACTIVATIONS: Registry[Callable[[Place, Activation], str]] = Registry(
    "activation",
    {
        "relu": _operator("Relu"),
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "selu": _operator("Selu"),
        "gelu": _gelu,
        "silu": _silu,
        "mish": _mish,
        "softplus": _operator("Softplus"),
        "softsign": _operator("Softsign"),
        "hard_sigmoid": _operator("HardSigmoid", alpha=1.0 / 6.0, beta=0.5),
        "sigmoid": _operator("Sigmoid"),
        "tanh": _operator("Tanh"),
        "softmax": lambda place, _: place.add("Softmax", axis=place.channel_axis),
    },
    ExportError,
)
