"""The multilayer perceptron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.catalogue.rows import join_rows
from rapidity.network.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
from rapidity.network.layers.activation import ActivationName, initializer_before
from rapidity.network.layers.dropout import DropoutRate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.network.layer import Layer, Shape

Normalization = Literal["none", "batch", "layer"]


def normalization_layers(normalization: Normalization, **place: str) -> list[Layer]:
    """Return the normalisation layer that a `normalization` key names, or none."""
    match normalization:
        case "batch":
            return [BatchNorm(type="batch_norm", **place)]
        case "layer":
            return [LayerNorm(type="layer_norm", **place)]
        case "none":
            return []


class Mlp(CatalogueNetwork):
    """Multilayer perceptron: dense layers one after the other; the first choice for tables."""

    paper: ClassVar[str] = "Rumelhart, Hinton and Williams, Nature 323 (1986) 533"

    type: Literal["mlp"]
    hidden: tuple[Annotated[int, Field(gt=0)], ...] = (128, 128, 128)
    """Units of each hidden layer; empty: a linear model."""
    activation: ActivationName = "relu"
    """Function after each hidden layer."""
    dropout: DropoutRate = 0.0
    """Fraction of the units of each hidden layer set to zero while training."""
    normalization: Normalization = "none"
    """Between each hidden layer and its activation: `batch` or `layer` normalisation, or `none`."""

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return dense, normalisation, activation, dropout for each hidden layer; images come flat."""
        layers = join_rows(inputs)
        initializer = initializer_before(self.activation)
        for units in self.hidden:
            layers.append(Dense(type="dense", units=units, initializer=initializer))
            layers += normalization_layers(self.normalization)
            layers.append(Activation(type="activation", function=self.activation))
            if self.dropout > 0:
                layers.append(Dropout(type="dropout", rate=self.dropout))
        return layers
