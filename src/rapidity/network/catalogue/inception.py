"""A network of Inception modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from rapidity.network.catalogue.images import check_pixels
from rapidity.network.catalogue.mlp import Normalization, normalization_layers
from rapidity.network.catalogue.pooled import PooledNetwork
from rapidity.network.layer import Shape
from rapidity.network.layers import Activation, Concatenate, Conv2d, GlobalPool, MaxPool2d
from rapidity.network.layers.activation import initializer_before

if TYPE_CHECKING:
    from rapidity.network.layer import Layer

PARTS = 16
"""Into so many parts the channels of a module are shared out among its branches."""
SHARES = {"1x1": 4, "3x3_reduced": 6, "3x3": 8, "5x5_reduced": 1, "5x5": 2, "pool_reduced": 2}
"""Of these parts, the channels of each convolution: as in module 3a of the paper, table 1."""


class Inception(PooledNetwork):
    """Inception network: modules that see each place with windows of several sizes, side by side.

    Each module has four branches: 1 x 1; 3 x 3 and 5 x 5, each after a 1 x 1 convolution that takes the
    channels down; and a max pooling with a 1 x 1 convolution. The modules are those of the paper of 2014 with
    batch normalisation, in fewer stages for images of about 32 x 32. Its auxiliary heads, which are to help
    gradients through 22 layers, are left out.
    """

    paper: ClassVar[str] = "Szegedy et al., arXiv:1409.4842, with batch normalisation (arXiv:1502.03167)"
    reference_inputs: ClassVar[Mapping[str, Shape]] = {"image": (32, 32, 3)}

    type: Literal["inception"]
    filters: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(min_length=1)] = (64, 128, 256)
    """Channels that come out of the modules of each stage, multiples of 16; every stage but the first halves
    the image."""
    modules: Annotated[int, Field(gt=0)] = 2
    """Number of modules in each stage."""
    normalization: Normalization = "batch"
    """Between each convolution and its activation: `batch` or `layer` normalisation, or `none`."""
    dropout: float = 0.4
    """Fraction of the values set to zero while training, before each dense layer and the head."""

    @field_validator("filters")
    @classmethod
    def _branches_share_the_channels(cls, filters: tuple[int, ...]) -> tuple[int, ...]:
        for number in filters:
            if number % PARTS:
                below = max(PARTS, number // PARTS * PARTS)
                message = (
                    f"{number} is not a multiple of {PARTS}, the parts in which the branches of a module"
                    f" share its channels out. Take {below} or {below + PARTS}"
                )
                raise ValueError(message)
        return filters

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the stem, the stages of modules, the pooling, and what follows it."""
        given = self.sort_inputs(inputs)
        cure = "Take fewer 'filters', one for each stage"
        check_pixels(self.type, given.images[0], given.shape, len(self.filters) - 1, cure)
        layers = [*given.join_images(), *self._convolve("stem", given.start, self.filters[0], 3)]
        start = "stem"
        for stage, filters in enumerate(self.filters, start=1):
            if stage > 1:
                layers.append(self._pool(f"stage_{stage}_pool", start, stride=2))
                start = f"stage_{stage}_pool"
            for number in range(1, self.modules + 1):
                name = f"stage_{stage}_module_{number}"
                layers += self._module(name, start, filters)
                start = name
        layers.append(GlobalPool(type="global_pool", name="pooled", inputs=start))
        return [*layers, *self.end("pooled", given.tables)]

    def _module(self, name: str, start: str, filters: int) -> list[Layer]:
        """Return the four branches and their concatenation."""
        n = {branch: share * filters // PARTS for branch, share in SHARES.items()}
        reduced_3, reduced_5, pool = f"{name}_3x3_reduced", f"{name}_5x5_reduced", f"{name}_pool"
        ends = tuple(f"{name}_{branch}" for branch in ("1x1", "3x3", "5x5", "pool_reduced"))
        return [
            *self._convolve(ends[0], start, n["1x1"], 1),
            *self._convolve(reduced_3, start, n["3x3_reduced"], 1),
            *self._convolve(ends[1], reduced_3, n["3x3"], 3),
            *self._convolve(reduced_5, start, n["5x5_reduced"], 1),
            *self._convolve(ends[2], reduced_5, n["5x5"], 5),
            self._pool(pool, start, stride=1),
            *self._convolve(ends[3], pool, n["pool_reduced"], 1),
            Concatenate(type="concatenate", name=name, inputs=ends),
        ]

    def _convolve(self, name: str, start: str, filters: int, size: int) -> list[Layer]:
        """Return convolution, normalisation and activation, the last under this name."""
        return [
            Conv2d(
                type="conv2d",
                name=f"{name}_conv",
                inputs=start,
                filters=filters,
                kernel_size=(size, size),
                padding="same",
                bias=self.normalization != "batch",
                initializer=initializer_before(self.activation),
            ),
            *normalization_layers(self.normalization, name=f"{name}_norm"),
            Activation(type="activation", name=name, function=self.activation),
        ]

    def _pool(self, name: str, start: str, stride: int) -> Layer:
        return MaxPool2d(
            type="max_pool2d",
            name=name,
            inputs=start,
            kernel_size=(3, 3),
            stride=(stride, stride),
            padding="same",
        )
