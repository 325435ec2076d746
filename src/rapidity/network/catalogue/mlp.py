"""The multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from rapidity.core.block import Block
from rapidity.network.layer import Layer
from rapidity.network.layers import Activation, Dense
from rapidity.network.layers.activation import ActivationName


class Mlp(Block):
    """Dense layers one after the other; the first choice for tables."""

    type: Literal["mlp"]
    hidden: tuple[Annotated[int, Field(gt=0)], ...] = (128, 128, 128)
    """Units of each hidden layer."""
    activation: ActivationName = "relu"

    def layers(self, input_names: Sequence[str]) -> list[Layer]:
        """Return the layers between the inputs (joined if several) and the head."""
        layers: list[Layer] = []
        for number, units in enumerate(self.hidden, start=1):
            layers.append(Dense(type="dense", name=f"dense_{number}", units=units))
            layers.append(
                Activation(type="activation", name=f"activation_{number}", function=self.activation)
            )
        return layers
