"""ParticleNet: edge convolutions among neighbours that change from block to block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from rapidity.network.catalogue.clouds import (
    CloudInputs,
    join_clouds,
    join_masks,
    layer_name,
    sort_cloud_inputs,
    take_clouds,
    tokens_of_clouds,
)
from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.layer import Shape
from rapidity.network.layers import (
    Activation,
    Add,
    BatchNorm,
    Concatenate,
    Dense,
    Dropout,
    Edges,
    MaskedPool,
    Neighbours,
)
from rapidity.network.layers.activation import ActivationName, initializer_before
from rapidity.network.layers.dropout import DropoutRate
from rapidity.network.layers.masks import COORDINATES_SUFFIX

if TYPE_CHECKING:
    from rapidity.network.layer import Layer

Units = Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(min_length=1)]
JOINED_CLOUDS, JOINED_COORDINATES, JOINED_MASK = "objects", "coordinates", "mask"


class ParticleNet(CatalogueNetwork):
    """Dynamic graph network: every object gathers from its k nearest neighbours, block after block.

    The neighbours of the first block are the nearest in the coordinates, say eta and phi; those of a later
    block in the features that the block before made. Its result does not depend on the order of the objects,
    nor on places that are left empty; an object with fewer than k others gathers from those that there are.
    Several clouds get an embedding each and are one cloud from there on; tables join after the pooling. The
    lite setting of the paper: `k: 7`, `channels: [[32, 32, 32], [64, 64, 64]]`, `hidden: [128]`.
    """

    paper: ClassVar[str] = "Qu and Gouskos, arXiv:1902.08570; edge convolution: Wang et al., arXiv:1801.07829"
    reference_inputs: ClassVar[Mapping[str, Shape]] = {
        "particles": (100, 7),
        "particles.mask": (100,),
        "particles.coordinates": (100, 2),
    }

    type: Literal["particle_net"]
    k: Annotated[int, Field(gt=0)] = 16
    """How many neighbours each object gathers from; less than the objects of an event at most."""
    channels: Annotated[tuple[Units, ...], Field(min_length=1)] = (
        (64, 64, 64),
        (128, 128, 128),
        (256, 256, 256),
    )
    """For each block the units of its dense layers on the edges."""
    embedding: Annotated[int, Field(gt=0)] = 32
    """Features that every object gets at the start where there are several clouds."""
    hidden: tuple[Annotated[int, Field(gt=0)], ...] = (256,)
    """Units of each dense layer after the pooling, before the head."""
    activation: ActivationName = "relu"
    """Function between the layers."""
    dropout: DropoutRate = 0.1
    """Fraction of the values set to zero while training, after each dense layer of `hidden`."""

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the embedding, the blocks, the pooling, and the dense layers."""
        given = self._sort(inputs)
        starts, places, mask = self._names(given)
        layers = [
            *self._embed(given),
            *join_clouds(JOINED_CLOUDS, [layer_name(cloud, "embedded") for cloud in given.clouds]),
            *join_clouds(JOINED_COORDINATES, [cloud + COORDINATES_SUFFIX for cloud in given.clouds]),
            *join_masks(JOINED_MASK, given),
        ]
        for number, units in enumerate(self.channels, start=1):
            layers += self._block(f"block_{number}", starts, (places, *mask), units)
            starts = places = f"block_{number}"
        layers += take_clouds(given, starts)
        layers.append(MaskedPool(type="masked_pool", name="pooled", inputs=(starts, *mask)))
        if given.tables:
            layers.append(
                Concatenate(type="concatenate", name="joined_tables", inputs=("pooled", *given.tables))
            )
        return [*layers, *self._end()]

    def token_nodes(self, inputs: Mapping[str, Shape]) -> Mapping[str, str]:
        """Return cloud -> the node that holds its objects after the last block."""
        return tokens_of_clouds(self._sort(inputs), f"block_{len(self.channels)}")

    def _sort(self, inputs: Mapping[str, Shape]) -> CloudInputs:
        given = sort_cloud_inputs(self.type, inputs)
        given.check_beside(
            self.type,
            COORDINATES_SUFFIX,
            "looks for neighbours in the coordinates",
            "'coordinates: [...]', names of its features or expressions, such as [d_eta, d_phi];"
            " 'deep_sets' needs none.",
        )
        return given

    @staticmethod
    def _names(given: CloudInputs) -> tuple[str, str, tuple[str, ...]]:
        """Return the names of the objects, of their coordinates and of their mask, if any, at the start."""
        if len(given.clouds) > 1:
            return JOINED_CLOUDS, JOINED_COORDINATES, (JOINED_MASK,)
        (cloud,) = given.clouds
        return layer_name(cloud, "norm"), cloud + COORDINATES_SUFFIX, given.masks[cloud]

    def _embed(self, given: CloudInputs) -> list[Layer]:
        """Return the normalisation of each cloud and, where there are several, a dense layer each."""
        layers: list[Layer] = []
        for cloud, mask in given.masks.items():
            norm = layer_name(cloud, "norm")
            layers.append(BatchNorm(type="batch_norm", name=norm, inputs=(cloud, *mask)))
            if len(given.clouds) > 1:
                end = layer_name(cloud, "embedded")
                layers += self._dense(layer_name(cloud, "dense"), norm, self.embedding, mask)
                layers.append(Activation(type="activation", name=end, function=self.activation))
        return layers

    def _dense(self, name: str, start: str, units: int, mask: tuple[str, ...]) -> list[Layer]:
        """Return a dense layer called `name` and the normalisation of its result."""
        return [
            self._plain_dense(name, start, units),
            BatchNorm(type="batch_norm", name=f"{name}_norm", inputs=(name, *mask)),
        ]

    def _plain_dense(self, name: str, start: str, units: int) -> Layer:
        # Batch normalisation takes the mean away, and with it any constant.
        initializer = initializer_before(self.activation)
        return Dense(type="dense", name=name, inputs=start, units=units, bias=False, initializer=initializer)

    def _block(self, name: str, start: str, places: tuple[str, ...], units: Units) -> list[Layer]:
        """Return an edge convolution on the objects `start`, whose neighbours are found in `places`.

        The first dense layer, on ``[x_i, x_j - x_i]``, is one on x_i and one on x_j - x_i: both are applied
        to the objects, of which there are fewer than edges.
        """
        near, mask = f"{name}_neighbours", places[1:]
        layers: list[Layer] = [
            Neighbours(type="neighbours", name=near, inputs=places, k=self.k),
            self._plain_dense(f"{name}_own", start, units[0]),
            self._plain_dense(f"{name}_other", start, units[0]),
            Edges(type="edges", name=f"{name}_edges", inputs=(f"{name}_own", f"{name}_other", near)),
            BatchNorm(type="batch_norm", name=f"{name}_edges_norm", inputs=(f"{name}_edges", near)),
        ]
        for number, width in enumerate(units[1:], start=2):
            before = f"{name}_activation_{number - 1}"
            layers.append(Activation(type="activation", name=before, function=self.activation))
            layers += self._dense(f"{name}_dense_{number}", before, width, (near,))
        last = f"{name}_activation_{len(units)}"
        return [
            *layers,
            Activation(type="activation", name=last, function=self.activation),
            MaskedPool(type="masked_pool", name=f"{name}_gathered", inputs=(last, near)),
            *self._dense(f"{name}_shortcut", start, units[-1], mask),
            Add(type="add", name=f"{name}_add", inputs=(f"{name}_gathered", f"{name}_shortcut_norm")),
            Activation(type="activation", name=name, function=self.activation),
        ]

    def _end(self) -> list[Layer]:
        layers: list[Layer] = []
        for units in self.hidden:
            initializer = initializer_before(self.activation)
            layers += [
                Dense(type="dense", units=units, initializer=initializer),
                Activation(type="activation", function=self.activation),
            ]
            if self.dropout > 0:
                layers.append(Dropout(type="dropout", rate=self.dropout))
        return layers
