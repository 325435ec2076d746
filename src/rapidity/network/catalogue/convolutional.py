"""What the convolutional networks share: their keys, and the blocks made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.catalogue.images import check_pixels
from rapidity.network.catalogue.mlp import Normalization, normalization_layers
from rapidity.network.layers import Activation, AveragePool2d, Conv2d, Dense, Dropout, MaxPool2d
from rapidity.network.layers.activation import ActivationName, initializer_before
from rapidity.network.layers.dropout import DropoutRate
from rapidity.network.window import Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.network.layer import Layer, Shape

Pool = Literal["max", "average"]


def pooling_layer(pooling: Pool) -> Layer:
    """Return the layer that halves height and width."""
    return MaxPool2d(type="max_pool2d") if pooling == "max" else AveragePool2d(type="average_pool2d")


def dense_layers(hidden: Sequence[int], activation: ActivationName, dropout: float = 0.0) -> list[Layer]:
    """Return dropout, dense, activation for each hidden layer, and dropout before the head."""
    layers: list[Layer] = []
    drop: list[Layer] = [Dropout(type="dropout", rate=dropout)] if dropout > 0 else []
    for units in hidden:
        layers += [
            *drop,
            Dense(type="dense", units=units, initializer=initializer_before(activation)),
            Activation(type="activation", function=activation),
        ]
    return layers + drop


class ConvolutionalNetwork(CatalogueNetwork):
    """Base of the networks of convolutional blocks, each of which halves the image."""

    filters: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(min_length=1)] = (32, 64)
    """Channels that come out of each block; as many blocks as numbers."""
    convolutions: Annotated[int, Field(gt=0)] = 1
    """Convolutions in each block, before its pooling."""
    kernel_size: Size = (3, 3)
    """Height and width of the kernels in pixels; one number for square ones."""
    activation: ActivationName = "relu"
    """Function after each convolution and each dense layer."""
    normalization: Normalization = "batch"
    """Between each convolution and its activation: `batch` or `layer` normalisation, or `none`."""
    pooling: Pool = "max"
    """What is kept of each 2 x 2 pixels at the end of a block: the `max` or the `average`."""
    hidden: tuple[Annotated[int, Field(gt=0)], ...] = (128,)
    """Units of each dense layer before the head; empty: the head follows the blocks."""
    dropout: DropoutRate = 0.3
    """Fraction of the values set to zero while training, before each dense layer and the head."""

    def blocks(self, name: str, shape: Shape, inputs: str | None = None) -> list[Layer]:
        """Return the blocks on an image of shape ``(height, width, channels)``, each halving it.

        Parameters
        ----------
        name
            The image, for messages.
        inputs
            Input of the first layer; None: what comes before.
        """
        cure = "Take fewer 'filters', one for each block"
        check_pixels(self.kind, name, shape, len(self.filters), cure)
        layers: list[Layer] = []
        for filters in self.filters:
            for _ in range(self.convolutions):
                layers.append(self._convolution(filters, None if layers else inputs))
                layers += normalization_layers(self.normalization)
                layers.append(Activation(type="activation", function=self.activation))
            layers.append(pooling_layer(self.pooling))
        return layers

    def _convolution(self, filters: int, inputs: str | None) -> Layer:
        return Conv2d(
            type="conv2d",
            inputs=inputs,
            filters=filters,
            kernel_size=self.kernel_size,
            padding="same",
            # Batch normalisation takes the mean away, and with it any constant.
            bias=self.normalization != "batch",
            initializer=initializer_before(self.activation),
        )
