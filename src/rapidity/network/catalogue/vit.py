"""The vision transformer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from rapidity.core.errors import GraphError
from rapidity.network.catalogue.pooled import PooledNetwork
from rapidity.network.catalogue.transformer import EncoderBlock, check_heads
from rapidity.network.layer import Shape
from rapidity.network.layers import (
    ClassToken,
    Conv2d,
    LayerNorm,
    MaskedPool,
    PositionEmbedding,
    TakeToken,
    ToTokens,
)
from rapidity.network.layers.activation import ActivationName
from rapidity.network.layers.dropout import DropoutRate
from rapidity.network.window import Size

if TYPE_CHECKING:
    from rapidity.network.layer import Layer


class Vit(PooledNetwork):
    """Vision transformer: patches of the image as tokens, among which attention looks for what goes together.

    Without dropout unless asked for: detector images are sparse, and what is dropped of a few filled pixels
    is much of the event.
    """

    paper: ClassVar[str] = "Dosovitskiy et al., arXiv:2010.11929"
    reference_inputs: ClassVar[Mapping[str, Shape]] = {"image": (32, 32, 3)}

    type: Literal["vit"]
    patch_size: Size = (4, 4)
    """Height and width of the patches in pixels, one number for square ones; must divide the image."""
    width: Annotated[int, Field(gt=0)] = 64
    """Features of a token."""
    blocks: Annotated[int, Field(gt=0)] = 4
    """Number of blocks of attention and dense layers."""
    heads: Annotated[int, Field(gt=0)] = 4
    """Heads of each attention; must divide `width`."""
    expansion: Annotated[float, Field(gt=0)] = 2.0
    """Units inside the dense layers of a block over `width`."""
    pooling: Literal["class_token", "mean"] = "class_token"
    """What stands for the image at the end: a trained `class_token`, or the `mean` of all tokens."""
    activation: ActivationName = "gelu"
    """Function inside the blocks and the dense layers."""
    block_dropout: DropoutRate = 0.0
    """Fraction of what each half of a block adds set to zero while training."""
    attention_dropout: DropoutRate = 0.0
    """Fraction of the attention weights set to zero while training."""

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        check_heads(self.heads, self.width)
        return self

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return patches, tokens with their positions, the blocks, the pooling, and what follows it."""
        given = self.sort_inputs(inputs)
        self._check_patches(given.images[0], given.shape)
        layers: list[Layer] = [
            *given.join_images(),
            Conv2d(
                type="conv2d",
                name="patches",
                inputs=given.start,
                filters=self.width,
                kernel_size=self.patch_size,
                stride=self.patch_size,
                initializer="lecun_normal",
            ),
            ToTokens(type="to_tokens", name="tokens"),
        ]
        if self.pooling == "class_token":
            layers.append(ClassToken(type="class_token", name="with_class_token"))
        layers.append(PositionEmbedding(type="position_embedding", name="embedded"))
        start = "embedded"
        for number in range(1, self.blocks + 1):
            layers += self._block(f"block_{number}", start)
            start = f"block_{number}"
        layers.append(LayerNorm(type="layer_norm", name="last_norm", inputs=start))
        if self.pooling == "class_token":
            layers.append(TakeToken(type="take_token", name="pooled"))
        else:
            layers.append(MaskedPool(type="masked_pool", name="pooled", function="mean"))
        return [*layers, *self.end("pooled", given.tables)]

    def _block(self, name: str, start: str) -> list[Layer]:
        block = EncoderBlock(
            width=self.width,
            heads=self.heads,
            expansion=self.expansion,
            activation=self.activation,
            dropout=self.block_dropout,
            attention_dropout=self.attention_dropout,
        )
        return block.layers(name, start)

    def _check_patches(self, name: str, shape: Shape) -> None:
        """Raise a GraphError that names sizes which divide the image, unless the patches do."""
        if any(pixels % size for pixels, size in zip(shape, self.patch_size, strict=False)):
            height, width = (_divisors(pixels) for pixels in shape[:2])
            down = ", ".join(map(str, height))
            across = "" if height == width else f" of the height, {', '.join(map(str, width))} of the width"
            message = (
                f"network '{self.type}' cuts images into patches of {self.patch_size[0]} x"
                f" {self.patch_size[1]} pixels, which do not divide '{name}' of {shape[0]} x {shape[1]}."
                f"\n  Set 'patch_size' to divisors: {down}{across}; or crop or rebin the image."
            )
            raise GraphError(message)


def _divisors(number: int) -> list[int]:
    return [size for size in range(1, number + 1) if number % size == 0]
