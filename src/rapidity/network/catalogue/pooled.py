"""What the networks that make one row of an image share: several images, tables beside them, the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from rapidity.core.errors import GraphError
from rapidity.network.catalogue.convolutional import dense_layers
from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.catalogue.images import IMAGE_AXES, describe_inputs
from rapidity.network.layers import Concatenate, Dropout
from rapidity.network.layers.activation import ActivationName
from rapidity.network.layers.dropout import DropoutRate
from rapidity.network.layers.masks import is_optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.network.layer import Layer, Shape

JOINED_IMAGES = "image_channels"


@dataclass(frozen=True)
class PooledInputs:
    """The inputs of a network that makes one row of an image.

    Attributes
    ----------
    shape
        ``(height, width, channels)`` of all images together.
    images, tables
        Names of the inputs.
    """

    shape: Shape
    images: tuple[str, ...]
    tables: tuple[str, ...]

    @property
    def start(self) -> str:
        """Name of the input, or of the layer, that the first layer takes."""
        return self.images[0] if len(self.images) == 1 else JOINED_IMAGES

    def join_images(self) -> list[Layer]:
        """Return the layer that puts several images side by side as channels, or none."""
        if len(self.images) == 1:
            return []
        return [Concatenate(type="concatenate", name=JOINED_IMAGES, inputs=self.images)]


def sort_images_and_tables(network: str, inputs: Mapping[str, Shape]) -> PooledInputs:
    """Return which inputs are images and which are tables.

    Raises
    ------
    GraphError
        If there is no image, images differ in height or width, or an input is neither.
    """
    inputs = {name: shape for name, shape in inputs.items() if not is_optional(name, inputs)}
    images = {name: shape for name, shape in inputs.items() if len(shape) == IMAGE_AXES}
    sizes = {shape[:2] for shape in images.values()}
    if len(sizes) != 1 or any(len(shape) not in (1, IMAGE_AXES) for shape in inputs.values()):
        message = (
            f"network '{network}' takes one image (height, width, channels), or several of one size,"
            f" and tables beside, but the inputs are {describe_inputs(inputs)}."
            "\n  Use 'two_branch_cnn' for images of several sizes, 'mlp' for tables, 'deep_sets' for"
            " clouds of objects."
        )
        raise GraphError(message)
    (size,) = sizes
    shape = (*size, sum(shape[2] for shape in images.values()))
    tables = tuple(name for name in inputs if name not in images)
    return PooledInputs(shape, tuple(images), tables)


class PooledNetwork(CatalogueNetwork):
    """Base of the networks that make one row of an image, which tables then join."""

    activation: ActivationName = "relu"
    """Function between the layers."""
    hidden: tuple[Annotated[int, Field(gt=0)], ...] = ()
    """Units of each dense layer before the head; empty: the head follows the pooling and the tables."""
    dropout: DropoutRate = 0.0
    """Fraction of the values set to zero while training, before each dense layer and the head."""

    def sort_inputs(self, inputs: Mapping[str, Shape]) -> PooledInputs:
        """Return which inputs are images and which are tables; see `sort_images_and_tables`."""
        return sort_images_and_tables(self.kind, inputs)

    def end(self, pooled: str, tables: tuple[str, ...]) -> list[Layer]:
        """Return what follows the row called `pooled`: the tables joined, dense layers, dropout."""
        layers: list[Layer] = []
        if tables:
            layers.append(Concatenate(type="concatenate", name="joined_tables", inputs=(pooled, *tables)))
        if self.hidden:
            return layers + dense_layers(self.hidden, self.activation, self.dropout)
        return layers + ([Dropout(type="dropout", rate=self.dropout)] if self.dropout > 0 else [])
