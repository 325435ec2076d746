"""The residual multilayer perceptron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.catalogue.mlp import Normalization, normalization_layers
from rapidity.network.catalogue.rows import join_rows
from rapidity.network.layers import Activation, Add, Dense, Dropout
from rapidity.network.layers.activation import ActivationName, initializer_before
from rapidity.network.layers.dropout import DropoutRate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.network.layer import Layer, Shape


class ResidualMlp(CatalogueNetwork):
    """Residual perceptron: blocks that normalise what they get and add to it; for deeper networks."""

    paper: ClassVar[str] = "ResNet of Gorishniy et al., arXiv:2106.11959, section 3.2"

    type: Literal["residual_mlp"]
    width: Annotated[int, Field(gt=0)] = 192
    """Units between the blocks."""
    blocks: Annotated[int, Field(gt=0)] = 2
    """Number of residual blocks."""
    expansion: Annotated[float, Field(gt=0)] = 2.0
    """Units inside a block over units between the blocks."""
    activation: ActivationName = "relu"
    """Function inside each block and before the head."""
    dropout: DropoutRate = 0.15
    """Fraction of the units inside a block set to zero while training."""
    residual_dropout: DropoutRate = 0.0
    """Fraction of what a block adds set to zero while training."""
    normalization: Normalization = "batch"
    """At the start of each block and before the head: `batch`, `layer` or `none`."""

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the first dense layer, the blocks, normalisation and activation."""
        # The skip connection starts here, so that the first block too adds to a row of the right width.
        layers = [
            *join_rows(inputs),
            Dense(type="dense", name="stem", units=self.width, initializer="lecun_normal"),
        ]
        start = "stem"
        for number in range(1, self.blocks + 1):
            layers += self._block(f"block_{number}", start)
            start = f"block_{number}_add"
        layers += normalization_layers(self.normalization, name="last_norm")
        layers.append(Activation(type="activation", name="last_activation", function=self.activation))
        return layers

    def _block(self, name: str, start: str) -> list[Layer]:
        """Return ``x + dropout(dense(dropout(activation(dense(norm(x))))))`` for x the layer `start`."""
        inside = max(1, round(self.width * self.expansion))
        initializer = initializer_before(self.activation)
        layers: list[Layer] = [
            *normalization_layers(self.normalization, name=f"{name}_norm"),
            Dense(type="dense", name=f"{name}_dense_1", units=inside, initializer=initializer),
            Activation(type="activation", name=f"{name}_activation", function=self.activation),
        ]
        if self.dropout > 0:
            layers.append(Dropout(type="dropout", name=f"{name}_dropout", rate=self.dropout))
        layers.append(
            Dense(type="dense", name=f"{name}_dense_2", units=self.width, initializer="lecun_normal")
        )
        if self.residual_dropout > 0:
            layers.append(
                Dropout(type="dropout", name=f"{name}_residual_dropout", rate=self.residual_dropout)
            )
        end = layers[-1].name or name
        return [*layers, Add(type="add", name=f"{name}_add", inputs=(start, end))]
