"""A small convolutional network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from rapidity.network.catalogue.convolutional import ConvolutionalNetwork, dense_layers
from rapidity.network.catalogue.images import one_image_shape
from rapidity.network.layer import Shape
from rapidity.network.layers import Flatten

if TYPE_CHECKING:
    from rapidity.network.layer import Layer


class Cnn(ConvolutionalNetwork):
    """Convolutional network: blocks of convolutions that halve the image; the first choice for images."""

    paper: ClassVar[str] = (
        "Simonyan and Zisserman, arXiv:1409.1556, with batch normalisation (arXiv:1502.03167)"
    )
    reference_inputs: ClassVar[Mapping[str, Shape]] = {"image": (28, 28, 1)}

    type: Literal["cnn"]

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the blocks, flatten, and the dense layers."""
        blocks = self.blocks(next(iter(inputs)), one_image_shape(self.type, inputs))
        return [*blocks, Flatten(type="flatten"), *dense_layers(self.hidden, self.activation, self.dropout)]
