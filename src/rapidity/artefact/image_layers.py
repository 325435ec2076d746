"""Layers of images as ONNX nodes; all take and give ``(n, channels, height, width)``.

Padding is written out in numbers: `auto_pad` would leave it to each runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from rapidity.artefact.place import Place
    from rapidity.network.layers import Convolution, GlobalPool, Pooling, Upsample2d
    from rapidity.network.window import Window


def _window_attributes(window: Window) -> dict[str, Any]:
    """Return the attributes that say where a window goes."""
    (top, bottom), (left, right) = window.padding
    return {
        "kernel_shape": window.kernel,
        "strides": window.stride,
        "pads": (top, left, bottom, right),
        "dilations": window.dilation,
    }


def lower_convolution(place: Place) -> str:
    """Return the convolution; ONNX keeps the kernel as ``(filters, n_in / groups, height, width)``."""
    layer = cast("Convolution", place.node.layer)
    shape = place.node.input_shapes[0]
    constants = [place.constant(place.parameter("kernel").transpose(3, 2, 0, 1), "kernel")]
    if layer.bias:
        constants.append(place.constant(place.parameter("bias"), "bias"))
    attributes = _window_attributes(layer.window(shape))
    return place.add("Conv", [*place.inputs, *constants], group=layer.n_groups(shape[-1]), **attributes)


def lower_max_pool2d(place: Place) -> str:
    """Return the largest value of each window."""
    layer = cast("Pooling", place.node.layer)
    return place.add("MaxPool", **_window_attributes(layer.window(place.node.input_shapes[0])))


def lower_average_pool2d(place: Place) -> str:
    """Return the mean of the pixels of the image in each window."""
    layer = cast("Pooling", place.node.layer)
    attributes = _window_attributes(layer.window(place.node.input_shapes[0]))
    # Only from opset 19 on can an average pooling be dilated; ours never is.
    del attributes["dilations"]
    return place.add("AveragePool", count_include_pad=0, **attributes)


def lower_global_pool(place: Place) -> str:
    """Return one number per channel, ``(n, channels)``."""
    layer = cast("GlobalPool", place.node.layer)
    operator = "GlobalMaxPool" if layer.function == "max" else "GlobalAveragePool"
    return place.add("Flatten", [place.add(operator)], axis=1)


def lower_upsample2d(place: Place) -> str:
    """Return the image with rows and columns repeated."""
    layer = cast("Upsample2d", place.node.layer)
    scales = place.constant(np.array([1.0, 1.0, *layer.factor], np.float32), "scales")
    return place.add(
        "Resize",
        [*place.inputs, "", scales],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
