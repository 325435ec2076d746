"""Layers of images as native modules that take and give ``(n_events, height, width, channels)``.

PyTorch's own order is ``(n_events, channels, height, width)``. A permuted view of ours is what it calls
`channels_last`, the order that its kernels are quickest with: nothing is copied, and a network of these
modules trains no slower than one in PyTorch's order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rapidity.engines.torch.lowering import Lowered, TensorPlace

if TYPE_CHECKING:
    from rapidity.network import Node
    from rapidity.network.layers import AveragePool2d, Convolution, GlobalPool, MaxPool2d, Upsample2d
    from rapidity.network.window import Window


def channels_first(images: Tensor) -> Tensor:
    """Return a view ``(n_events, channels, height, width)`` of ``(n_events, height, width, channels)``."""
    return images.permute(0, 3, 1, 2)


def channels_last(images: Tensor) -> Tensor:
    """Return a view ``(n_events, height, width, channels)`` of ``(n_events, channels, height, width)``."""
    return images.permute(0, 2, 3, 1)


def add_padding(images: Tensor, window: Window, value: float = 0.0) -> Tensor:
    """Return ``(n_events, height, width, channels)`` with the window's padding around the images."""
    (top, bottom), (left, right) = window.padding
    return nn.functional.pad(images, (0, 0, left, right, top, bottom), value=value)


def own_padding(window: Window) -> tuple[int, int]:
    """Return the padding that a module of PyTorch can add itself: equal on both sides, else none."""
    (top, _), (left, _) = window.padding
    return (top, left) if window.has_equal_sides else (0, 0)


class ImageConv2d(nn.Conv2d):
    """`torch.nn.Conv2d` for images with the channels last, whose padding may differ from side to side."""

    def __init__(self, n_in: int, n_out: int, window: Window, *, groups: int, bias: bool) -> None:
        super().__init__(
            n_in,
            n_out,
            window.kernel,
            stride=window.stride,
            padding=own_padding(window),
            dilation=window.dilation,
            groups=groups,
            bias=bias,
        )
        self.window = window
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in torch
        """Return ``(n_events, height, width, filters)``."""
        padded = input if self.window.has_equal_sides else add_padding(input, self.window)
        return channels_last(super().forward(channels_first(padded)))


class ImageMaxPool2d(nn.MaxPool2d):
    """`torch.nn.MaxPool2d` for images with the channels last, whose padding may differ from side to side."""

    def __init__(self, window: Window) -> None:
        super().__init__(window.kernel, window.stride, own_padding(window))
        self.window = window

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in torch
        """Return ``(n_events, height, width, channels)``."""
        padded = input if self.window.has_equal_sides else add_padding(input, self.window, -torch.inf)
        result: Tensor = super().forward(channels_first(padded))
        return channels_last(result)


class ImageAveragePool2d(nn.AvgPool2d):
    """`torch.nn.AvgPool2d` for images with the channels last; the padding on any side does not count."""

    factor: Tensor

    def __init__(self, window: Window, image: tuple[int, int]) -> None:
        super().__init__(window.kernel, window.stride, own_padding(window), count_include_pad=False)
        self.window = window
        # Where zeros are put around the image: all pixels of a window over those inside the image.
        inside = nn.functional.avg_pool2d(
            channels_first(add_padding(torch.ones(1, *image, 1), window)), window.kernel, window.stride
        )
        self.register_buffer("factor", channels_last(1.0 / inside), persistent=False)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in torch
        """Return ``(n_events, height, width, channels)``."""
        if self.window.has_equal_sides:
            return channels_last(super().forward(channels_first(input)))
        padded = add_padding(input, self.window)
        return channels_last(super().forward(channels_first(padded))) * self.factor


class GlobalAveragePool(nn.Module):
    """The mean of each channel over the image."""

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(n_events, channels)``."""
        return images.mean(dim=(1, 2))


class GlobalMaxPool(nn.Module):
    """The largest value of each channel in the image."""

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(n_events, channels)``."""
        return images.amax(dim=(1, 2))


class RepeatPixels(nn.Module):
    """Repeats rows and columns of pixels: `torch.nn.Upsample` without its scales of floating point."""

    def __init__(self, factor: tuple[int, int]) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(n_events, factor * height, factor * width, channels)``."""
        n_events, height, width, channels = images.shape
        down, across = self.factor
        repeated = images[:, :, None, :, None, :].expand(n_events, height, down, width, across, channels)
        return repeated.reshape(n_events, height * down, width * across, channels)


def lower_convolution(node: Node, layer: Convolution) -> Lowered:
    """Return a convolution; torch keeps its kernel as ``(filters, n_in / groups, height, width)``."""
    n_in, n_out = node.input_shapes[0][-1], node.shape[-1]
    window = layer.window(node.input_shapes[0])
    places = {"kernel": TensorPlace("weight", (3, 2, 0, 1))}
    if layer.bias:
        places["bias"] = TensorPlace("bias")
    return Lowered(ImageConv2d(n_in, n_out, window, groups=layer.n_groups(n_in), bias=layer.bias), places)


def lower_max_pool2d(node: Node, layer: MaxPool2d) -> Lowered:
    """Return a max pooling."""
    return Lowered(ImageMaxPool2d(layer.window(node.input_shapes[0])))


def lower_average_pool2d(node: Node, layer: AveragePool2d) -> Lowered:
    """Return an average pooling that leaves the padding out."""
    height, width, _ = node.input_shapes[0]
    return Lowered(ImageAveragePool2d(layer.window(node.input_shapes[0]), (height, width)))


def lower_global_pool(node: Node, layer: GlobalPool) -> Lowered:
    """Return a mean or a maximum over the pixels."""
    return Lowered(GlobalMaxPool() if layer.function == "max" else GlobalAveragePool())


def lower_upsample2d(node: Node, layer: Upsample2d) -> Lowered:
    """Return a repetition of rows and columns."""
    return Lowered(RepeatPixels(layer.factor))
