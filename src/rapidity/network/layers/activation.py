"""Activation functions, applied to every value by itself (softmax: along the last axis)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from rapidity.network.layer import Layer, Shape
from rapidity.network.layers.arity import one_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.network.initializers import Initializer

ActivationName = Literal[
    "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign", "hard_sigmoid",
    "sigmoid", "tanh", "softmax",
]  # fmt: skip
ACTIVATIONS: tuple[str, ...] = get_args(ActivationName)
SATURATING = ("softsign", "hard_sigmoid", "sigmoid", "tanh", "softmax")

DEFAULT_SLOPE = 0.01
DEFAULT_ALPHA = 1.0


def initializer_before(function: ActivationName) -> Initializer:
    """Return the initialiser of a dense layer that this activation follows, by its own paper.

    Examples
    --------
    >>> initializer_before("relu"), initializer_before("selu"), initializer_before("tanh")
    ('he_uniform', 'lecun_normal', 'glorot_uniform')
    """
    if function == "selu":
        return "lecun_normal"
    return "glorot_uniform" if function in SATURATING else "he_uniform"


class Activation(Layer):
    """A function of each value; in a list of layers its bare name (`relu`) is short for it."""

    type: Literal["activation"]
    function: ActivationName
    """Which function; gelu is the exact one (with erf), hard_sigmoid is ``clip(x / 6 + 1 / 2, 0, 1)``,
    softmax acts along the last axis."""
    slope: Annotated[float, Field(ge=0)] = DEFAULT_SLOPE
    """Slope below zero of leaky_relu."""
    alpha: Annotated[float, Field(gt=0)] = DEFAULT_ALPHA
    """Depth below zero of elu."""

    @model_validator(mode="after")
    def _keys_belong_to_the_function(self) -> Self:
        for key, owner, default in (("slope", "leaky_relu", DEFAULT_SLOPE), ("alpha", "elu", DEFAULT_ALPHA)):
            if self.function != owner and getattr(self, key) != default:
                message = f"{key} belongs to {owner}, but the function is {self.function}. Leave it out"
                raise ValueError(message)
        return self

    @property
    def default_name(self) -> str:
        """The function's name says more than `activation`."""
        return self.function

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        return one_shape(shapes)
