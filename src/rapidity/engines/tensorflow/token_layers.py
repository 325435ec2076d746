"""Layers of objects and tokens ``(n_events, n_objects, n_features)`` as Keras layers of our own.

They are registered under the package `rapidity`, so that a saved model can be loaded again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from rapidity.engines.tensorflow.lowering import Lowered

if TYPE_CHECKING:
    from rapidity.network import Node
    from rapidity.network.layers import MaskedPool, TakeToken

FLOAT = {"dtype": "float32"}


def find_objects(mask: Any, n_tokens: int) -> Any:
    """Return where there is an object, ``(n_events, n_tokens)``: class tokens in front are always there."""
    n_front = n_tokens - mask.shape[1]
    return (tf.pad(mask, [(0, 0), (n_front, 0)], constant_values=1.0) if n_front else mask) > 0


def zero_padding(x: Any, is_object: Any) -> Any:
    """Return the objects with zeros where there is none, whatever stands there: NaN too."""
    return tf.where(is_object[..., tf.newaxis], x, tf.zeros((), x.dtype))


def put_in_front(token: Any, tokens: Any) -> Any:
    """Return the tokens with one in front: ``(n_features,)``, the same for all events, or one for each."""
    n_features = tokens.shape[2]
    if len(token.shape) == 1:
        front = tf.broadcast_to(token, [tf.shape(tokens)[0], 1, n_features])
    else:
        front = tf.reshape(token, [-1, 1, n_features])
    return tf.concat([front, tokens], axis=1)


@keras.saving.register_keras_serializable(package="rapidity")
class ClassTokenLayer(keras.layers.Layer):
    """Puts a trained token in front of the others."""

    def build(self, input_shape: Any) -> None:
        """Make ``token (n_features,)``."""
        self.token = self.add_weight(name="token", shape=(input_shape[-1],), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, 1 + n_tokens, n_features)``."""
        return put_in_front(tf.convert_to_tensor(self.token), inputs)


@keras.saving.register_keras_serializable(package="rapidity")
class PositionLayer(keras.layers.Layer):
    """Adds a trained row to each token."""

    def build(self, input_shape: Any) -> None:
        """Make ``embedding (n_tokens, n_features)``."""
        self.embedding = self.add_weight(name="embedding", shape=input_shape[1:], initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """Return the tokens with their rows added."""
        return inputs + tf.convert_to_tensor(self.embedding)


@keras.saving.register_keras_serializable(package="rapidity")
class ScaleFeatures(keras.layers.Layer):
    """Multiplies each feature by a trained number."""

    def build(self, input_shape: Any) -> None:
        """Make ``scale (n_features,)``."""
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs: Any) -> Any:
        """Return the scaled values."""
        return inputs * tf.convert_to_tensor(self.scale)


@keras.saving.register_keras_serializable(package="rapidity")
class MultiplyBranches(keras.layers.Layer):
    """Multiplies its inputs; one row per event holds for all its objects or pixels."""

    def call(self, inputs: Any) -> Any:
        """Return the product, in the shape of the first."""
        first, *others = inputs
        for other in others:
            missing = len(first.shape) - len(other.shape)
            first = first * tf.reshape(other, [-1, *(1,) * missing, *other.shape[1:]])
        return first

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the first."""
        return input_shape[0]


@keras.saving.register_keras_serializable(package="rapidity")
class TakeOneToken(keras.layers.Layer):
    """Keeps one token.

    Parameters
    ----------
    index
        Which one; from the end if negative.
    """

    def __init__(self, index: int = 0, **settings: Any) -> None:
        super().__init__(**settings)
        self.index = index

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, n_features)``."""
        return inputs[:, self.index]

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "index": self.index}


@keras.saving.register_keras_serializable(package="rapidity")
class MaskedPooling(keras.layers.Layer):
    """The mean, sum or maximum of each feature over the objects that there are; of none, zeros.

    Of edges ``(n_events, n_objects, k, n_features)`` over the neighbours of each object.

    Parameters
    ----------
    function
        `mean`, `sum` or `max`.
    """

    def __init__(self, function: str = "mean", **settings: Any) -> None:
        super().__init__(**settings)
        self.function = function

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, n_features)``."""
        if not isinstance(inputs, list | tuple):
            return getattr(tf, f"reduce_{self.function}")(inputs, axis=1)
        x, mask = inputs
        is_object = find_objects(mask, x.shape[1])
        if self.function == "max":
            hidden = tf.where(is_object[..., tf.newaxis], x, tf.constant(x.dtype.min, x.dtype))
            has_objects = tf.reduce_any(is_object, axis=-1, keepdims=True)
            return tf.where(has_objects, tf.reduce_max(hidden, axis=-2), tf.zeros((), x.dtype))
        total = tf.reduce_sum(zero_padding(x, is_object), axis=-2)
        if self.function == "sum":
            return total
        n_objects = tf.reduce_sum(tf.cast(is_object, x.dtype), axis=-1, keepdims=True)
        return total / tf.maximum(n_objects, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "function": self.function}


def own_places(node: Node) -> dict[str, str]:
    """Return that each parameter is the variable of its own name."""
    return {spec.name: spec.name for spec in node.parameters}


def lower_to_tokens(node: Node, layer: Any, name: str) -> Lowered:
    """Return a change of shape."""
    return Lowered(keras.layers.Reshape(node.shape, name=name, **FLOAT))


def lower_class_token(node: Node, layer: Any, name: str) -> Lowered:
    """Return the layer that owns the token."""
    return Lowered(ClassTokenLayer(name=name, **FLOAT), own_places(node))


def lower_position_embedding(node: Node, layer: Any, name: str) -> Lowered:
    """Return the layer that owns the rows."""
    return Lowered(PositionLayer(name=name, **FLOAT), own_places(node))


def lower_scale(node: Node, layer: Any, name: str) -> Lowered:
    """Return the layer that owns the factors."""
    return Lowered(ScaleFeatures(name=name, **FLOAT), own_places(node))


def lower_multiply(node: Node, layer: Any, name: str) -> Lowered:
    """Return a product."""
    return Lowered(MultiplyBranches(name=name, **FLOAT))


def lower_take_token(node: Node, layer: TakeToken, name: str) -> Lowered:
    """Return a choice of one token."""
    return Lowered(TakeOneToken(layer.index, name=name, **FLOAT))


def lower_masked_pool(node: Node, layer: MaskedPool, name: str) -> Lowered:
    """Return a mean, a sum or a maximum over the objects."""
    return Lowered(MaskedPooling(layer.function, name=name, **FLOAT))
