"""Attention as Keras layers of our own.

Keras' `MultiHeadAttention` has no pair bias and keeps its parameters in another layout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from rapidity.engines.tensorflow import token_layers
from rapidity.engines.tensorflow.graph_layers import GRAPH_LAYERS
from rapidity.engines.tensorflow.lowering import Lowered
from rapidity.engines.tensorflow.table_layers import PeriodicWaves
from rapidity.engines.tensorflow.token_layers import find_objects, own_places, put_in_front, zero_padding
from rapidity.network.layers.attention import HIDDEN_LOGIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.network import Node
    from rapidity.network.layers import Attention, ClassAttention


def project(x: Any, kernel: Any, bias: Any) -> Any:
    """Return ``x @ kernel + bias`` along the last axis: one product of all rows."""
    rows = tf.reshape(x, [-1, x.shape[-1]])
    result = tf.nn.bias_add(tf.matmul(rows, tf.convert_to_tensor(kernel)), tf.convert_to_tensor(bias))
    return tf.reshape(result, [-1, *x.shape[1:-1], kernel.shape[-1]])


def hide_keys(bias: Any, is_object: Any) -> Any:
    """Return what to add to the logits, so that nobody attends to where there is no object."""
    if is_object is None:
        return bias
    hidden = tf.constant(HIDDEN_LOGIT, tf.float32)
    return tf.where(is_object[:, tf.newaxis, tf.newaxis], 0.0 if bias is None else bias, hidden)


class HeadedLayer(keras.layers.Layer):
    """What the attentions share: from query, key and value of each head to the result.

    Parameters
    ----------
    rate
        Of the dropout of the attention weights.
    roles
        What each input is: tokens, bias, mask, token.
    """

    def __init__(self, heads: int, rate: float, roles: Sequence[str], **settings: Any) -> None:
        super().__init__(**settings)
        self.heads = heads
        self.rate = rate
        self.roles = tuple(roles)
        self.drop = keras.layers.Dropout(rate, seed=0, dtype="float32")

    def _add_projection(self, name: str, n_features: int, n_projections: int) -> None:
        width = n_projections * n_features
        for kind, shape in (("kernel", (n_features, width)), ("bias", (width,))):
            title = f"{name}_{kind}"
            setattr(self, title, self.add_weight(name=title, shape=shape, initializer="zeros"))

    def _project(self, name: str, x: Any) -> Any:
        return project(x, getattr(self, f"{name}_kernel"), getattr(self, f"{name}_bias"))

    def _split_heads(self, projected: Any, n_parts: int) -> list[Any]:
        """Return the projections that lie side by side, each ``(n_events, heads, n_tokens, n_each)``."""
        _, n_tokens, n_features = projected.shape
        apart = [-1, n_tokens, n_parts, self.heads, n_features // n_parts // self.heads]
        parts = tf.transpose(tf.reshape(projected, apart), (2, 0, 3, 1, 4))
        return [parts[number] for number in range(n_parts)]

    def _given(self, inputs: Any) -> dict[str, Any]:
        listed = inputs if isinstance(inputs, list | tuple) else [inputs]
        return dict(zip(self.roles, listed, strict=True))

    def make_heads(self, inputs: Any) -> tuple[Any, Any, Any, Any]:
        """Return query, key and value of each head, and what is added to the logits."""
        raise NotImplementedError

    def find_attention_weights(self, inputs: Any) -> Any:
        """Return the attention weights ``(n_events, heads, n_queries, n_keys)``."""
        return self._weigh(*self.make_heads(inputs))

    def _weigh(self, query: Any, key: Any, _value: Any, bias: Any) -> Any:
        logits = tf.matmul(query * query.shape[-1] ** -0.5, key, transpose_b=True)
        return tf.nn.softmax(logits if bias is None else logits + bias)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return ``(n_events, n_queries, n_features)``."""
        heads = self.make_heads(inputs)
        weights = self.drop(self._weigh(*heads), training=training)
        gathered = tf.transpose(tf.matmul(weights, heads[2]), (0, 2, 1, 3))
        _, n_tokens, n_heads, n_each = gathered.shape
        return self._project("output", tf.reshape(gathered, [-1, n_tokens, n_heads * n_each]))

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "heads": self.heads, "rate": self.rate, "roles": self.roles}


@keras.saving.register_keras_serializable(package="rapidity")
class SelfAttention(HeadedLayer):
    """Each object gathers from all objects."""

    def build(self, input_shape: Any) -> None:
        """Make the projections and their biases."""
        n_features = (input_shape if len(self.roles) == 1 else input_shape[0])[-1]
        self._add_projection("projection", n_features, 3)
        self._add_projection("output", n_features, 1)

    def make_heads(self, inputs: Any) -> tuple[Any, Any, Any, Any]:
        """Return query, key and value of each head, and what is added to the logits."""
        given = self._given(inputs)
        x, mask, bias = given["tokens"], given.get("mask"), given.get("bias")
        is_object = None if mask is None else find_objects(mask, x.shape[1])
        if is_object is not None:
            x = zero_padding(x, is_object)
        if bias is not None:
            bias = tf.transpose(bias, (0, 3, 1, 2))
        query, key, value = self._split_heads(self._project("projection", x), 3)
        return query, key, value, hide_keys(bias, is_object)


@keras.saving.register_keras_serializable(package="rapidity")
class TokenAttention(HeadedLayer):
    """One token, given or trained, gathers from itself and all objects."""

    def build(self, input_shape: Any) -> None:
        """Make the projections, their biases, and the token if none is given."""
        n_features = (input_shape if len(self.roles) == 1 else input_shape[0])[-1]
        self._add_projection("query", n_features, 1)
        self._add_projection("projection", n_features, 2)
        self._add_projection("output", n_features, 1)
        if "token" not in self.roles:
            self.token = self.add_weight(name="token", shape=(n_features,), initializer="zeros")

    def make_heads(self, inputs: Any) -> tuple[Any, Any, Any, Any]:
        """Return query, key and value of each head, and what is added to the logits."""
        given = self._given(inputs)
        x, mask = given["tokens"], given.get("mask")
        is_object = None
        if mask is not None:
            x = zero_padding(x, find_objects(mask, x.shape[1]))
            is_object = find_objects(mask, x.shape[1] + 1)
        token = given["token"] if "token" in given else tf.convert_to_tensor(self.token)
        everything = put_in_front(token, x)
        (query,) = self._split_heads(self._project("query", everything[:, :1]), 1)
        key, value = self._split_heads(self._project("projection", everything), 2)
        return query, key, value, hide_keys(None, is_object)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return ``(n_events, n_features)``."""
        return super().call(inputs, training=training)[:, 0]

    def find_attention_weights(self, inputs: Any) -> Any:
        """Return the attention weights ``(n_events, heads, 1 + n_objects)``."""
        return super().find_attention_weights(inputs)[:, :, 0]


class AttentionWeights(keras.layers.Layer):
    """The weights of an attention on the same inputs; it shares the parameters and is no part of the model.

    Parameters
    ----------
    attention
        The layer whose weights these are.
    """

    def __init__(self, attention: HeadedLayer, **settings: Any) -> None:
        super().__init__(**settings)
        self.attention = attention

    def call(self, inputs: Any) -> Any:
        """Return the attention weights."""
        return self.attention.find_attention_weights(inputs)


def _lower(kind: type[HeadedLayer], node: Node, layer: Any, name: str) -> Lowered:
    attention = kind(layer.heads, layer.dropout, layer.roles(node.input_shapes), name=name, dtype="float32")
    weights = AttentionWeights(attention, name=f"{name}.weights", dtype="float32")
    return Lowered(attention, own_places(node), further={"weights": weights})


SETTINGS = {"heads": "heads", "dropout": "rate"}
OWN_LAYERS: Mapping[type[Any], tuple[str, Mapping[str, str]]] = {
    token_layers.ClassTokenLayer: ("class_token", {}),
    token_layers.PositionLayer: ("position_embedding", {}),
    token_layers.ScaleFeatures: ("scale", {}),
    token_layers.MultiplyBranches: ("multiply", {}),
    token_layers.TakeOneToken: ("take_token", {"index": "index"}),
    token_layers.MaskedPooling: ("masked_pool", {"function": "function"}),
    **GRAPH_LAYERS,
    PeriodicWaves: ("periodic_embedding", {"frequencies": "frequencies", "width": "width"}),
    SelfAttention: ("attention", SETTINGS),
    TokenAttention: ("class_attention", SETTINGS),
}
"""Layer of our own -> the `type` that it stands for, and key in YAML -> attribute that holds it."""


def lower_attention(node: Node, layer: Attention, name: str) -> Lowered:
    """Return self-attention."""
    return _lower(SelfAttention, node, layer, name)


def lower_class_attention(node: Node, layer: ClassAttention, name: str) -> Lowered:
    """Return the attention of one token."""
    return _lower(TokenAttention, node, layer, name)
