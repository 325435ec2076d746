"""Activation functions, applied to every value by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from rapidity.network.layer import Layer, Shape
from rapidity.network.layers.arity import one_shape

ActivationName = Literal[
    "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign", "hard_sigmoid",
    "sigmoid", "tanh", "softmax",
]  # fmt: skip
ACTIVATIONS: tuple[str, ...] = get_args(ActivationName)


class Activation(Layer):
    """A function of each value; in a list of layers its bare name (`relu`) is short for it."""

    type: Literal["activation"]
    function: ActivationName
    """Which function; softmax acts along the last axis."""
    slope: float = 0.01
    """Slope below zero of leaky_relu."""
    alpha: float = 1.0
    """Depth below zero of elu."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        return one_shape(shapes)
