"""One small lowering per layer into Keras layers.

The canonical semantics are PyTorch's. Keras shares most of them; where it does not, a layer of our own
stands in, registered under the package `rapidity` so that a saved model can be loaded again.
Layers of images are in `image_layers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from rapidity.core.errors import EngineError
from rapidity.core.registry import Registry
from rapidity.engines.engine import find_lowering
from rapidity.engines.tensorflow.attention_layers import lower_attention, lower_class_attention
from rapidity.engines.tensorflow.graph_layers import (
    lower_edges,
    lower_full_mask,
    lower_join_objects,
    lower_neighbours,
    lower_pair_features,
    lower_pair_mask,
    lower_square_pairs,
    lower_take_objects,
    lower_to_token,
)
from rapidity.engines.tensorflow.image_layers import (
    lower_average_pool2d,
    lower_convolution,
    lower_depthwise_conv2d,
    lower_global_pool,
    lower_max_pool2d,
    lower_upsample2d,
)
from rapidity.engines.tensorflow.lowering import Lowered
from rapidity.engines.tensorflow.table_layers import (
    NtkDense,
    ParametricActivation,
    lower_periodic_embedding,
)
from rapidity.engines.tensorflow.token_layers import (
    find_objects,
    lower_class_token,
    lower_masked_pool,
    lower_multiply,
    lower_position_embedding,
    lower_scale,
    lower_take_token,
    lower_to_tokens,
    zero_padding,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rapidity.network import Node
    from rapidity.network.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
    from rapidity.network.layers import ParametricActivation as ParametricActivationLayer

FLOAT = {"dtype": "float32"}
"""Said to every layer: the user may have set another type for Keras as a whole."""


@keras.saving.register_keras_serializable(package="rapidity")
class LastAxisBatchNorm(keras.layers.Layer):
    """Batch normalisation of the last axis with the semantics of PyTorch.

    Keras' own moves the running variance by the variance over n, where PyTorch takes that over n - 1; its
    `momentum` is one minus ours; and one value per feature makes it divide by the epsilon alone. Here such
    a batch uses the running statistics and leaves them alone.

    Parameters
    ----------
    momentum
        Part of each new batch in the running mean and variance.
    epsilon
        Added to the variance.
    """

    def __init__(self, momentum: float = 0.1, epsilon: float = 1e-5, **settings: Any) -> None:
        super().__init__(**settings)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Make the variables, each ``(n_features,)``."""
        is_masked = isinstance(input_shape[0], list | tuple)
        shape = ((input_shape[0] if is_masked else input_shape)[-1],)
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")
        self.bias = self.add_weight(name="bias", shape=shape, initializer="zeros")
        self.running_mean = self.add_weight(
            name="running_mean", shape=shape, initializer="zeros", trainable=False
        )
        self.running_variance = self.add_weight(
            name="running_variance", shape=shape, initializer="ones", trainable=False
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the normalised values, of the same shape; with a mask, zeros where there is no object."""
        x, is_object = inputs, None
        if isinstance(inputs, list | tuple):
            x, mask = inputs
            is_object = find_objects(mask, x.shape[1])
            x = zero_padding(x, is_object)
        running = tf.convert_to_tensor(self.running_mean), tf.convert_to_tensor(self.running_variance)
        mean, variance = self._train(x, is_object, *running) if training else running
        result = tf.nn.batch_normalization(
            x,
            mean,
            variance,
            tf.convert_to_tensor(self.bias),
            tf.convert_to_tensor(self.scale),
            self.epsilon,
        )
        return result if is_object is None else zero_padding(result, is_object)

    def _train(self, x: Any, is_object: Any, running_mean: Any, running_variance: Any) -> tuple[Any, Any]:
        """Return the mean and variance to normalise with, and move the running ones."""
        if is_object is None:
            mean, variance = tf.nn.moments(x, list(range(len(x.shape) - 1)))
            n_values = tf.cast(tf.size(x) // x.shape[-1], x.dtype)
        else:
            mean, variance, n_values = _masked_moments(x, is_object)
        has_variance = n_values > 1
        part = tf.where(has_variance, tf.constant(self.momentum, x.dtype), 0.0)
        unbiased = variance * n_values / tf.maximum(n_values - 1, 1)
        self.running_mean.assign(running_mean + part * (mean - running_mean))
        self.running_variance.assign(running_variance + part * (unbiased - running_variance))
        return tf.where(has_variance, mean, running_mean), tf.where(has_variance, variance, running_variance)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape[0] if isinstance(input_shape[0], list | tuple) else input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


def _masked_moments(x: Any, is_object: Any) -> tuple[Any, Any, Any]:
    """Return mean and variance of each feature over the objects, and their number; x is zero elsewhere."""
    axes = list(range(len(x.shape) - 1))
    n_objects = tf.reduce_sum(tf.cast(is_object, x.dtype))
    n_values = tf.maximum(n_objects, 1.0)
    mean = tf.reduce_sum(x, axes) / n_values
    distance = zero_padding(x - mean, is_object)
    return mean, tf.reduce_sum(distance * distance, axes) / n_values, n_objects


def _function(name: str) -> Callable[[Activation, str], Any]:
    return lambda _layer, layer_name: keras.layers.Activation(name, name=layer_name, **FLOAT)


ACTIVATION_LAYERS: Mapping[str, Callable[[Activation, str], Any]] = {
    "relu": _function("relu"),
    "leaky_relu": lambda layer, name: keras.layers.LeakyReLU(layer.slope, name=name, **FLOAT),
    "elu": lambda layer, name: keras.layers.ELU(layer.alpha, name=name, **FLOAT),
    "selu": _function("selu"),
    "gelu": _function("gelu"),
    "silu": _function("silu"),
    "mish": _function("mish"),
    "softplus": _function("softplus"),
    "softsign": _function("softsign"),
    "hard_sigmoid": _function("hard_sigmoid"),
    "sigmoid": _function("sigmoid"),
    "tanh": _function("tanh"),
    "softmax": _function("softmax"),
}


def lower_dense(node: Node, layer: Dense, name: str) -> Lowered:
    """Return a dense layer; Keras keeps its kernel as we do."""
    # Any start will do, since the parameters follow; Keras' default would draw from a global generator.
    variant = NtkDense if layer.parametrization == "ntk" else keras.layers.Dense
    dense = variant(layer.units, use_bias=layer.bias, kernel_initializer="zeros", name=name, **FLOAT)
    return Lowered(dense, {spec.name: spec.name for spec in node.parameters})


def lower_activation(node: Node, layer: Activation, name: str) -> Lowered:
    """Return the layer of the function."""
    return Lowered(ACTIVATION_LAYERS[layer.function](layer, name))


def lower_parametric_activation(node: Node, layer: ParametricActivationLayer, name: str) -> Lowered:
    """Return the layer of the function with its parts."""
    function = ACTIVATION_LAYERS[layer.function](layer.activation, f"{name}_function")
    return Lowered(ParametricActivation(function, name=name, **FLOAT), {"part": "part"})


def lower_dropout(node: Node, layer: Dropout, name: str) -> Lowered:
    """Return a dropout layer; every epoch gives it a seed."""
    return Lowered(keras.layers.Dropout(layer.rate, seed=0, name=name, **FLOAT))


def lower_batch_norm(node: Node, layer: BatchNorm, name: str) -> Lowered:
    """Return our own batch normalisation."""
    norm = LastAxisBatchNorm(layer.momentum, layer.epsilon, name=name, **FLOAT)
    return Lowered(norm, {spec.name: spec.name for spec in node.parameters})


def lower_layer_norm(node: Node, layer: LayerNorm, name: str) -> Lowered:
    """Return a layer normalisation of the last axis."""
    norm = keras.layers.LayerNormalization(axis=-1, epsilon=layer.epsilon, name=name, **FLOAT)
    return Lowered(norm, {"scale": "gamma", "bias": "beta"})


LOWERINGS: Registry[Callable[[Node, Any, str], Lowered]] = Registry(
    "layer of the engine 'tensorflow'",
    {
        "dense": lower_dense,
        "activation": lower_activation,
        "dropout": lower_dropout,
        "batch_norm": lower_batch_norm,
        "layer_norm": lower_layer_norm,
        "concatenate": lambda _, __, name: Lowered(keras.layers.Concatenate(axis=-1, name=name, **FLOAT)),
        "add": lambda _, __, name: Lowered(keras.layers.Add(name=name, **FLOAT)),
        "flatten": lambda _, __, name: Lowered(keras.layers.Flatten(name=name, **FLOAT)),
        "conv2d": lower_convolution,
        "depthwise_conv2d": lower_depthwise_conv2d,
        "max_pool2d": lower_max_pool2d,
        "average_pool2d": lower_average_pool2d,
        "global_pool": lower_global_pool,
        "upsample2d": lower_upsample2d,
        "multiply": lower_multiply,
        "scale": lower_scale,
        "to_tokens": lower_to_tokens,
        "class_token": lower_class_token,
        "position_embedding": lower_position_embedding,
        "take_token": lower_take_token,
        "attention": lower_attention,
        "class_attention": lower_class_attention,
        "masked_pool": lower_masked_pool,
        "neighbours": lower_neighbours,
        "edges": lower_edges,
        "pair_features": lower_pair_features,
        "pair_mask": lower_pair_mask,
        "square_pairs": lower_square_pairs,
        "join_objects": lower_join_objects,
        "take_objects": lower_take_objects,
        "to_token": lower_to_token,
        "full_mask": lower_full_mask,
        "parametric_activation": lower_parametric_activation,
        "periodic_embedding": lower_periodic_embedding,
    },
    EngineError,
)


def lower_node(node: Node, name: str) -> Lowered:
    """Return the Keras layers of a node, called `name`.

    Raises
    ------
    EngineError
        If this engine lacks the layer; it names the engines that have it.
    """
    return find_lowering(LOWERINGS, "tensorflow", node)(node, node.layer, name)
