"""A small convolutional network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from rapidity.network.catalogue.convolutional import ConvolutionalNetwork, dense_layers
from rapidity.network.catalogue.pooled import sort_images_and_tables
from rapidity.network.layer import Shape
from rapidity.network.layers import Concatenate, Flatten

if TYPE_CHECKING:
    from rapidity.network.layer import Layer


class Cnn(ConvolutionalNetwork):
    """Convolutional network: blocks of convolutions that halve the image; the first choice for images.

    Tables (the momentum and the mass of a jet beside its picture) join what the blocks make of the image.
    """

    paper: ClassVar[str] = (
        "Simonyan and Zisserman, arXiv:1409.1556, with batch normalisation (arXiv:1502.03167)"
    )
    reference_inputs: ClassVar[Mapping[str, Shape]] = {"image": (28, 28, 1)}

    type: Literal["cnn"]

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the blocks, flatten, the tables joined, and the dense layers."""
        given = sort_images_and_tables(self.type, inputs)
        dense = dense_layers(self.hidden, self.activation, self.dropout)
        if not given.tables:
            return [*self.blocks(given.images[0], given.shape), Flatten(type="flatten"), *dense]
        return [
            *given.join_images(),
            *self.blocks(given.images[0], given.shape, inputs=given.start),
            Flatten(type="flatten", name="flat"),
            Concatenate(type="concatenate", name="joined_tables", inputs=("flat", *given.tables)),
            *dense,
        ]
