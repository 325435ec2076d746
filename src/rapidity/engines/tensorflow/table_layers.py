"""Layers of rows of numbers as Keras layers of our own.

They are registered under the package `rapidity`, so that a saved model can be loaded again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from rapidity.engines.tensorflow.lowering import Lowered

if TYPE_CHECKING:
    from rapidity.network import Node
    from rapidity.network.layers import PeriodicEmbedding

FLOAT = {"dtype": "float32"}


@keras.saving.register_keras_serializable(package="rapidity")
class NtkDense(keras.layers.Dense):
    """A dense layer that divides its input by the root of the number of values."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return ``inputs @ kernel / sqrt(n_in) + bias``."""
        return super().call(inputs / math.sqrt(inputs.shape[-1]), training)


@keras.saving.register_keras_serializable(package="rapidity")
class ParametricActivation(keras.layers.Layer):
    """Goes a trained part of the way from each value to that of a function.

    Parameters
    ----------
    function
        A Keras layer.
    """

    def __init__(self, function: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self.function = (
            keras.saving.deserialize_keras_object(function) if isinstance(function, dict) else function
        )

    def build(self, input_shape: Any) -> None:
        """Make ``part (n_features,)``."""
        self.part = self.add_weight(name="part", shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs: Any) -> Any:
        """Return ``x + part * (function(x) - x)``."""
        return inputs + tf.convert_to_tensor(self.part) * (self.function(inputs) - inputs)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "function": keras.saving.serialize_keras_object(self.function)}


@keras.saving.register_keras_serializable(package="rapidity")
class PeriodicWaves(keras.layers.Layer):
    """Turns each feature into sums of waves of it, with the feature itself behind."""

    def __init__(self, frequencies: int, width: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.frequencies = frequencies
        self.width = width

    def build(self, input_shape: Any) -> None:
        """Make frequency, phase, kernel and bias, as they are declared."""
        waves, n_sums = (input_shape[-1], self.frequencies), self.width - 1
        self.frequency = self.add_weight(name="frequency", shape=waves, initializer="zeros")
        self.phase = self.add_weight(name="phase", shape=waves, initializer="zeros")
        self.kernel = self.add_weight(name="kernel", shape=(*waves, n_sums), initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=(input_shape[-1], n_sums), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, n_features * width)``."""
        # The features first: one product of matrices for each.
        frequency = 2 * math.pi * tf.convert_to_tensor(self.frequency)
        angles = tf.transpose(inputs)[:, :, tf.newaxis] * frequency[:, tf.newaxis]
        waves = tf.cos(angles + tf.convert_to_tensor(self.phase)[:, tf.newaxis])
        sums = tf.matmul(waves, tf.convert_to_tensor(self.kernel))
        sums = tf.transpose(sums, (1, 0, 2)) + tf.convert_to_tensor(self.bias)
        return tf.concat([tf.reshape(sums, [-1, sums.shape[1] * sums.shape[2]]), inputs], axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return ``(n_events, n_features * width)``."""
        return (input_shape[0], input_shape[-1] * self.width)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "frequencies": self.frequencies, "width": self.width}


def lower_periodic_embedding(node: Node, layer: PeriodicEmbedding, name: str) -> Lowered:
    """Return the layer that owns the waves."""
    waves = PeriodicWaves(layer.frequencies, layer.width, name=name, **FLOAT)
    return Lowered(waves, {spec.name: spec.name for spec in node.parameters})
