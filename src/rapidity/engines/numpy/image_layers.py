"""Layers of images as operations on ``(n_events, height, width, channels)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rapidity.autodiff as ad

if TYPE_CHECKING:
    from rapidity.autodiff import Tensor
    from rapidity.engines.numpy.lowering import Compute, Mode, Own
    from rapidity.network import Node
    from rapidity.network.layers import AveragePool2d, Convolution, GlobalPool, MaxPool2d, Upsample2d


def lower_convolution(node: Node, layer: Convolution) -> Compute:
    """Return a convolution; a depthwise one has as many groups as channels."""
    window = layer.window(node.input_shapes[0])
    groups = layer.n_groups(node.input_shapes[0][-1])

    def convolution(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return ad.conv2d(
            x,
            own["kernel"],
            own.get("bias"),
            stride=window.stride,
            padding=window.padding,
            dilation=window.dilation,
            groups=groups,
        )

    return convolution


def lower_max_pool2d(node: Node, layer: MaxPool2d) -> Compute:
    """Return a max pooling."""
    window = layer.window(node.input_shapes[0])

    def pool(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return ad.max_pool2d(x, window.kernel, stride=window.stride, padding=window.padding)

    return pool


def lower_average_pool2d(node: Node, layer: AveragePool2d) -> Compute:
    """Return an average pooling that leaves the padding out."""
    window = layer.window(node.input_shapes[0])

    def pool(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return ad.average_pool2d(x, window.kernel, stride=window.stride, padding=window.padding)

    return pool


def lower_global_pool(node: Node, layer: GlobalPool) -> Compute:
    """Return the mean or the maximum of each channel over the pixels."""
    function = ad.global_max_pool2d if layer.function == "max" else ad.global_average_pool2d

    def pool(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return function(x)

    return pool


def lower_upsample2d(node: Node, layer: Upsample2d) -> Compute:
    """Return a repetition of rows and columns."""

    def repeat(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return ad.upsample2d(x, layer.factor)

    return repeat
