"""Layers of images as Keras layers.

Keras orders images as we do and its `same` is ours. What it lacks: padding by a number of pixels, a
dilation together with a stride, groups without a compiler, and poolings that leave such padding out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from rapidity.engines.tensorflow.lowering import Lowered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.network import Node
    from rapidity.network.layers import (
        AveragePool2d,
        Conv2d,
        Convolution,
        DepthwiseConv2d,
        GlobalPool,
        MaxPool2d,
        Upsample2d,
    )
    from rapidity.network.window import Pair, Window

IMAGE = {"data_format": "channels_last", "dtype": "float32"}
"""Said to every layer: the user may have set others for Keras as a whole."""
LOWEST = float(np.finfo(np.float32).min)
"""What the padding of a maximum holds; unlike infinity it can be written to a file of Keras."""


@keras.saving.register_keras_serializable(package="rapidity")
class ConstantPadding2D(keras.layers.Layer):
    """Puts pixels of one value around images ``(n_events, height, width, channels)``.

    Parameters
    ----------
    padding
        ``((top, bottom), (left, right))``.
    """

    def __init__(self, padding: tuple[Pair, Pair], value: float = 0.0, **settings: Any) -> None:
        super().__init__(**settings)
        self.padding = padding
        self.value = value

    def call(self, inputs: Any) -> Any:
        """Return the larger images."""
        return tf.pad(inputs, [(0, 0), *self.padding, (0, 0)], constant_values=self.value)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return ``(n_events, height, width, channels)``."""
        n_events, height, width, channels = input_shape
        return (n_events, height + sum(self.padding[0]), width + sum(self.padding[1]), channels)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "padding": self.padding, "value": self.value}


@keras.saving.register_keras_serializable(package="rapidity")
class AnyConv2D(keras.layers.Layer):
    """A convolution with any stride, dilation and groups together, on images that are padded already.

    Keras refuses a stride with a dilation, and TensorFlow on the CPU knows no groups and for depthwise
    kernels no strides that differ. Here zeros between the values of a kernel make the dilation, and each
    group is a convolution of its own.

    Parameters
    ----------
    kernel_size, strides, dilation_rate
        (height, width) each.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Pair,
        strides: Pair,
        dilation_rate: Pair,
        *,
        groups: int,
        use_bias: bool,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.filters = filters
        self.kernel_size, self.strides, self.dilation_rate = kernel_size, strides, dilation_rate
        self.groups = groups
        self.use_bias = use_bias

    def build(self, input_shape: Any) -> None:
        """Make ``kernel (height, width, n_in / groups, filters)`` and ``bias (filters,)``."""
        shape = (*self.kernel_size, input_shape[-1] // self.groups, self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="zeros")
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, height, width, filters)``."""
        kernel = tf.convert_to_tensor(self.kernel)
        for axis, spread in enumerate(self.dilation_rate):
            kernel = _spread(kernel, axis, spread)
        parts = [
            tf.nn.conv2d(part, own, self.strides, "VALID")
            for part, own in zip(
                tf.split(inputs, self.groups, axis=3), tf.split(kernel, self.groups, axis=3), strict=True
            )
        ]
        result = tf.concat(parts, axis=3)
        return tf.nn.bias_add(result, tf.convert_to_tensor(self.bias)) if self.use_bias else result

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return ``(n_events, height, width, filters)``."""
        places = [
            (size - spread * (kernel - 1) - 1) // stride + 1
            for size, kernel, stride, spread in zip(
                input_shape[1:3], self.kernel_size, self.strides, self.dilation_rate, strict=True
            )
        ]
        return (input_shape[0], *places, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        own = ("filters", "kernel_size", "strides", "dilation_rate", "groups", "use_bias")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _spread(kernel: Any, axis: int, dilation: int) -> Any:
    """Return a kernel with ``dilation - 1`` zeros between its values along an axis."""
    if dilation == 1:
        return kernel
    size = kernel.shape[axis]
    apart = tf.expand_dims(kernel, axis + 1)
    zeros = [(0, dilation - 1 if number == axis + 1 else 0) for number in range(5)]
    shape = [*kernel.shape]
    shape[axis] = size * dilation
    joined = tf.reshape(tf.pad(apart, zeros), shape)
    return tf.gather(joined, tf.range(dilation * (size - 1) + 1), axis=axis)


@keras.saving.register_keras_serializable(package="rapidity")
class PaddedAveragePooling2D(keras.layers.Layer):
    """Average pooling whose padding, any number of pixels on each side, does not count.

    Parameters
    ----------
    padding
        ``((top, bottom), (left, right))``.
    """

    def __init__(self, pool_size: Pair, strides: Pair, padding: tuple[Pair, Pair], **settings: Any) -> None:
        super().__init__(**settings)
        self.pool_size, self.strides, self.padding = pool_size, strides, padding

    def build(self, input_shape: Any) -> None:
        """Find, for each place, all pixels of the window over those inside the image."""
        down, across = (
            size / _count_inside(n_pixels, sides, size, stride)
            for n_pixels, sides, size, stride in zip(
                input_shape[1:3], self.padding, self.pool_size, self.strides, strict=True
            )
        )
        self.factor = np.outer(down, across)[:, :, np.newaxis].astype(np.float32)

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, height, width, channels)``."""
        padded = tf.pad(inputs, [(0, 0), *self.padding, (0, 0)])
        return tf.nn.avg_pool2d(padded, self.pool_size, self.strides, "VALID") * self.factor

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        own = ("pool_size", "strides", "padding")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _count_inside(n_pixels: int, sides: Pair, size: int, stride: int) -> NDArray[np.int64]:
    """Return how many pixels of each place of a window lie inside the image, along one axis."""
    starts = np.arange(0, n_pixels + sum(sides) - size + 1, stride) - sides[0]
    return np.minimum(starts + size, n_pixels) - np.maximum(starts, 0)


def _own_padding(padding: Any, window: Window) -> str | None:
    """Return Keras' word for the padding, or None where it has none."""
    if isinstance(padding, str):
        return padding
    return None if window.is_padded else "valid"


def _padding_layer(window: Window, name: str, value: float = 0.0) -> Any:
    if not window.is_padded:
        return None
    if value == 0:
        return keras.layers.ZeroPadding2D(window.padding, name=f"{name}_padding", **IMAGE)
    return ConstantPadding2D(window.padding, value, name=f"{name}_padding", dtype="float32")


def lower_convolution(node: Node, layer: Conv2d, name: str) -> Lowered:
    """Return a convolution; Keras keeps its kernel as we do."""
    shape = node.input_shapes[0]
    window = layer.window(shape)
    if layer.groups > 1 or (max(window.stride) > 1 and max(window.dilation) > 1):
        return _lower_any_convolution(node, layer, name)
    own = _own_padding(layer.padding, window)
    convolution = keras.layers.Conv2D(
        layer.filters,
        window.kernel,
        strides=window.stride,
        padding=own or "valid",
        dilation_rate=window.dilation,
        use_bias=layer.bias,
        kernel_initializer="zeros",
        name=name,
        **IMAGE,
    )
    places = {spec.name: spec.name for spec in node.parameters}
    return Lowered(convolution, places, None if own else _padding_layer(window, name))


def _lower_any_convolution(node: Node, layer: Convolution, name: str) -> Lowered:
    n_in = node.input_shapes[0][-1]
    window = layer.window(node.input_shapes[0])
    convolution = AnyConv2D(
        layer.n_filters(n_in),
        window.kernel,
        window.stride,
        window.dilation,
        groups=layer.n_groups(n_in),
        use_bias=layer.bias,
        name=name,
        dtype="float32",
    )
    places = {spec.name: spec.name for spec in node.parameters}
    return Lowered(convolution, places, _padding_layer(window, name))


def lower_depthwise_conv2d(node: Node, layer: DepthwiseConv2d, name: str) -> Lowered:
    """Return a depthwise convolution; Keras' kernel is ``(height, width, channels, multiplier)``."""
    window = layer.window(node.input_shapes[0])
    has_dilation = max(window.dilation) > 1
    if window.stride[0] != window.stride[1] or (max(window.stride) > 1 and has_dilation):
        return _lower_any_convolution(node, layer, name)
    own = _own_padding(layer.padding, window)
    convolution = keras.layers.DepthwiseConv2D(
        window.kernel,
        strides=window.stride,
        padding=own or "valid",
        depth_multiplier=layer.multiplier,
        dilation_rate=window.dilation,
        use_bias=layer.bias,
        depthwise_initializer="zeros",
        name=name,
        **IMAGE,
    )
    places = {spec.name: spec.name for spec in node.parameters}
    return Lowered(convolution, places, None if own else _padding_layer(window, name))


def lower_max_pool2d(node: Node, layer: MaxPool2d, name: str) -> Lowered:
    """Return a max pooling."""
    window = layer.window(node.input_shapes[0])
    own = _own_padding(layer.padding, window)
    pooling = keras.layers.MaxPooling2D(
        window.kernel, window.stride, padding=own or "valid", name=name, **IMAGE
    )
    return Lowered(pooling, padding=None if own else _padding_layer(window, name, LOWEST))


def lower_average_pool2d(node: Node, layer: AveragePool2d, name: str) -> Lowered:
    """Return an average pooling that leaves the padding out."""
    window = layer.window(node.input_shapes[0])
    own = _own_padding(layer.padding, window)
    if own is None:
        return Lowered(
            PaddedAveragePooling2D(window.kernel, window.stride, window.padding, name=name, dtype="float32")
        )
    return Lowered(
        keras.layers.AveragePooling2D(window.kernel, window.stride, padding=own, name=name, **IMAGE)
    )


def lower_global_pool(node: Node, layer: GlobalPool, name: str) -> Lowered:
    """Return a mean or a maximum over the pixels."""
    pooling = {"average": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}
    return Lowered(pooling[layer.function](name=name, **IMAGE))


def lower_upsample2d(node: Node, layer: Upsample2d, name: str) -> Lowered:
    """Return a repetition of rows and columns."""
    return Lowered(keras.layers.UpSampling2D(layer.factor, name=name, **IMAGE))
