"""Residual networks of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from rapidity.network.catalogue.images import check_pixels
from rapidity.network.catalogue.pooled import PooledNetwork
from rapidity.network.layer import Shape
from rapidity.network.layers import Activation, Add, BatchNorm, Conv2d, Dense, GlobalPool, MaxPool2d, Multiply
from rapidity.network.layers.activation import initializer_before
from rapidity.network.window import Size

if TYPE_CHECKING:
    from rapidity.network.layer import Layer

Number = Annotated[int, Field(gt=0)]


class Resnet(PooledNetwork):
    """Residual network: blocks of two 3 x 3 convolutions that add to what they get; deep, and easy to train.

    With its defaults the network of 20 layers of the paper for images of 32 x 32. Larger images are halved at
    the start by `stem_stride` and `stem_pooling`. Tables join after the global average at the end.
    """

    paper: ClassVar[str] = "He et al., arXiv:1512.03385, section 4.2; squeeze: Hu et al., arXiv:1709.01507"
    reference_inputs: ClassVar[Mapping[str, Shape]] = {"image": (32, 32, 3)}

    type: Literal["resnet"]
    widths: Annotated[tuple[Number, ...], Field(min_length=1)] = (16, 32, 64)
    """Channels in each stage; every stage but the first halves the image."""
    depths: Annotated[tuple[Number, ...], Field(min_length=1)] = (3, 3, 3)
    """Number of blocks in each stage."""
    stem_kernel_size: Size = (3, 3)
    """Height and width of the first convolution's kernels in pixels; one number for square ones."""
    stem_stride: Size = (1, 1)
    """Stride of the first convolution; 2 halves large images at once."""
    stem_pooling: bool = False
    """Halve the image once more after the first convolution, by a max pooling over 3 x 3 pixels."""
    squeeze: Number | None = None
    """Channels over the units of a squeeze-and-excitation at the end of each block; left out, none."""

    @model_validator(mode="after")
    def _every_stage_has_a_depth(self) -> Self:
        if len(self.widths) != len(self.depths):
            found = f"{len(self.widths)} widths but {len(self.depths)} depths"
            message = f"there are {found}. Give each stage one of both"
            raise ValueError(message)
        return self

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the stem, the stages of blocks, the pooling, and what follows it."""
        given = self.sort_inputs(inputs)
        n_halvings = len(self.widths) - 1 + self.stem_pooling + max(self.stem_stride).bit_length() - 1
        cure = "Take fewer 'widths', one for each stage, or halve less in the stem"
        check_pixels(self.type, given.images[0], given.shape, n_halvings, cure)
        layers = [*given.join_images(), *self._stem(given.start)]
        start, n_channels = layers[-1].name or "", self.widths[0]
        for stage, (width, depth) in enumerate(zip(self.widths, self.depths, strict=True), start=1):
            for number in range(1, depth + 1):
                stride = 2 if stage > 1 and number == 1 else 1
                name = f"stage_{stage}_block_{number}"
                layers += self._block(name, start, n_channels, width, stride)
                start, n_channels = name, width
        layers.append(GlobalPool(type="global_pool", name="pooled", inputs=start))
        return [*layers, *self.end("pooled", given.tables)]

    def _stem(self, start: str) -> list[Layer]:
        conv = self._convolution("stem_conv", start, self.widths[0], self.stem_stride, self.stem_kernel_size)
        layers = [
            conv,
            BatchNorm(type="batch_norm", name="stem_norm"),
            Activation(type="activation", name="stem", function=self.activation),
        ]
        if self.stem_pooling:
            layers.append(
                MaxPool2d(
                    type="max_pool2d", name="stem_pool", kernel_size=(3, 3), stride=(2, 2), padding="same"
                )
            )
        return layers

    def _block(self, name: str, start: str, n_in: int, n_out: int, stride: int) -> list[Layer]:
        """Return ``activation(norm(conv(activation(norm(conv(x))))) + x)`` for x the layer `start`.

        Where the size changes, x goes through a 1 x 1 convolution: the shortcut B of the paper.
        """
        strides = (stride, stride)
        layers: list[Layer] = [
            self._convolution(f"{name}_conv_1", start, n_out, strides),
            BatchNorm(type="batch_norm", name=f"{name}_norm_1"),
            Activation(type="activation", name=f"{name}_activation", function=self.activation),
            self._convolution(f"{name}_conv_2", None, n_out),
            BatchNorm(type="batch_norm", name=f"{name}_norm_2"),
        ]
        end = f"{name}_norm_2"
        if self.squeeze is not None:
            layers += self._squeeze(name, end, n_out, self.squeeze)
            end = f"{name}_excited"
        if stride > 1 or n_in != n_out:
            layers += [
                self._convolution(f"{name}_shortcut", start, n_out, strides, (1, 1)),
                BatchNorm(type="batch_norm", name=f"{name}_shortcut_norm"),
            ]
            start = f"{name}_shortcut_norm"
        return [
            *layers,
            Add(type="add", name=f"{name}_add", inputs=(end, start)),
            Activation(type="activation", name=name, function=self.activation),
        ]

    def _squeeze(self, name: str, end: str, n_channels: int, reduction: int) -> list[Layer]:
        """Return the image times a factor for each channel, which follows from the means of all channels."""
        return [
            GlobalPool(type="global_pool", name=f"{name}_squeeze", inputs=end),
            Dense(type="dense", name=f"{name}_squeeze_1", units=max(1, n_channels // reduction)),
            Activation(type="activation", name=f"{name}_squeeze_activation", function="relu"),
            Dense(type="dense", name=f"{name}_squeeze_2", units=n_channels, initializer="glorot_uniform"),
            Activation(type="activation", name=f"{name}_excitation", function="sigmoid"),
            Multiply(type="multiply", name=f"{name}_excited", inputs=(end, f"{name}_excitation")),
        ]

    def _convolution(
        self,
        name: str,
        start: str | None,
        filters: int,
        stride: tuple[int, int] = (1, 1),
        kernel_size: tuple[int, int] = (3, 3),
    ) -> Layer:
        return Conv2d(
            type="conv2d",
            name=name,
            inputs=start,
            filters=filters,
            kernel_size=kernel_size,
            stride=stride,
            padding="same",
            # Batch normalisation takes the mean away, and with it any constant.
            bias=False,
            initializer="he_normal" if self.activation == "relu" else initializer_before(self.activation),
        )
