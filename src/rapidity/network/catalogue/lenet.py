"""LeNet-5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from rapidity.network.catalogue.convolutional import Pool, dense_layers, pooling_layer
from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.catalogue.images import check_pixels, one_image_shape
from rapidity.network.layer import Shape
from rapidity.network.layers import Activation, Conv2d, Flatten
from rapidity.network.layers.activation import ActivationName, initializer_before

if TYPE_CHECKING:
    from rapidity.network.layer import Layer

FULL_SIZE = 32
"""Pixels of the images of the paper; smaller ones are padded with zeros, as digits of 28 x 28 were there."""
KERNEL = 5


class Lenet(CatalogueNetwork):
    """LeNet-5: two 5 x 5 convolutions, each followed by pooling, and two dense layers; small and quick.

    On 32 x 32 pixels, or 28 x 28 padded, exactly the sizes of the paper; its own functions are `activation:
    tanh` and `pooling: average`.
    """

    paper: ClassVar[str] = "LeCun et al., Proc. IEEE 86 (1998) 2278"
    reference_inputs: ClassVar[Mapping[str, Shape]] = {"image": (28, 28, 1)}

    type: Literal["lenet"]
    filters: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]] = (6, 16)
    """Channels that come out of the first and of the second convolution."""
    hidden: tuple[Annotated[int, Field(gt=0)], ...] = (120, 84)
    """Units of each dense layer before the head."""
    activation: ActivationName = "relu"
    """Function after each convolution and each dense layer."""
    pooling: Pool = "max"
    """What is kept of each 2 x 2 pixels: the `max` or the `average`."""

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return convolution, activation, pooling, twice; flatten; the dense layers."""
        height, width, _ = shape = one_image_shape(self.type, inputs)
        check_pixels(self.type, next(iter(inputs)), shape, len(self.filters), "Use 'mlp' for images so small")
        initializer = initializer_before(self.activation)
        layers: list[Layer] = []
        room = min(height, width)
        for filters, needed in zip(self.filters, (FULL_SIZE, KERNEL + 1), strict=True):
            padding: Literal["same", "valid"] = "valid" if room >= needed else "same"
            room = (room if padding == "same" else room - KERNEL + 1) // 2
            layers += [
                Conv2d(
                    type="conv2d",
                    filters=filters,
                    kernel_size=(KERNEL, KERNEL),
                    padding=padding,
                    initializer=initializer,
                ),
                Activation(type="activation", function=self.activation),
                pooling_layer(self.pooling),
            ]
        return [*layers, Flatten(type="flatten"), *dense_layers(self.hidden, self.activation)]
