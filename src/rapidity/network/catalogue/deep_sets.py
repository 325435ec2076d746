"""Deep sets: the particle-flow network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from rapidity.network.catalogue.clouds import layer_name, sort_cloud_inputs
from rapidity.network.catalogue.convolutional import dense_layers
from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.catalogue.mlp import Normalization
from rapidity.network.layer import Shape
from rapidity.network.layers import Activation, BatchNorm, Concatenate, Dense, LayerNorm, MaskedPool
from rapidity.network.layers.activation import ActivationName, initializer_before
from rapidity.network.layers.dropout import DropoutRate

if TYPE_CHECKING:
    from rapidity.network.layer import Layer

Units = tuple[Annotated[int, Field(gt=0)], ...]


class DeepSets(CatalogueNetwork):
    """Particle-flow network: a perceptron for each object by itself, their sum, a perceptron for the event.

    Its result does not depend on the order of the objects, nor on how many places for objects there are. Each
    cloud has a perceptron of its own; tables join after the sum.
    """

    paper: ClassVar[str] = "Komiske, Metodiev and Thaler, arXiv:1810.05165; Zaheer et al., arXiv:1703.06114"
    reference_inputs: ClassVar[Mapping[str, Shape]] = {"particles": (100, 4), "particles.mask": (100,)}

    type: Literal["deep_sets"]
    object_hidden: Annotated[Units, Field(min_length=1)] = (100, 100, 256)
    """Units of each dense layer that sees one object at a time; as many as the last come out of the sum."""
    pooling: Literal["sum", "mean", "max"] = "sum"
    """What is taken over the objects of an event: the `sum` knows their number, `mean` and `max` do not."""
    hidden: Units = (100, 100, 100)
    """Units of each dense layer after the pooling, before the head."""
    activation: ActivationName = "relu"
    """Function after each dense layer."""
    normalization: Normalization = "none"
    """Of the objects, between a dense layer and its activation: `batch` (over the objects that there are),
    `layer` or `none`."""
    dropout: DropoutRate = 0.0
    """Fraction of the values set to zero while training, before each dense layer of `hidden` and the head."""

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the branch of each cloud, the concatenation with the tables, and the dense layers."""
        given = sort_cloud_inputs(self.type, inputs)
        layers: list[Layer] = []
        for cloud, mask in given.masks.items():
            layers += self._branch(cloud, mask)
        pooled = tuple(layer_name(cloud, "pooled") for cloud in given.masks)
        if len(pooled) + len(given.tables) > 1:
            layers.append(Concatenate(type="concatenate", inputs=(*pooled, *given.tables)))
        return [*layers, *dense_layers(self.hidden, self.activation, self.dropout)]

    def token_nodes(self, inputs: Mapping[str, Shape]) -> Mapping[str, str]:
        """Return cloud -> the last node before its pooling."""
        last = len(self.object_hidden)
        return {
            cloud: layer_name(cloud, self.activation, last)
            for cloud in sort_cloud_inputs(self.type, inputs).masks
        }

    def _branch(self, cloud: str, mask: tuple[str, ...]) -> list[Layer]:
        """Return dense, normalisation and activation for each size, and the pooling over the objects."""
        layers: list[Layer] = []
        start = cloud
        for number, units in enumerate(self.object_hidden, start=1):
            name = layer_name(cloud, "dense", number)
            initializer = initializer_before(self.activation)
            layers += [
                Dense(type="dense", name=name, inputs=start, units=units, initializer=initializer),
                *self._normalize(layer_name(cloud, "norm", number), name, mask),
            ]
            start = layer_name(cloud, self.activation, number)
            layers.append(Activation(type="activation", name=start, function=self.activation))
        name = layer_name(cloud, "pooled")
        return [
            *layers,
            MaskedPool(type="masked_pool", name=name, inputs=(start, *mask), function=self.pooling),
        ]

    def _normalize(self, name: str, start: str, mask: tuple[str, ...]) -> list[Layer]:
        match self.normalization:
            case "batch":
                return [BatchNorm(type="batch_norm", name=name, inputs=(start, *mask))]
            case "layer":
                return [LayerNorm(type="layer_norm", name=name)]
            case "none":
                return []
