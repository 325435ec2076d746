"""Dropout whose rate is a tensor of the compiled step: a schedule sets it, and nothing is compiled again.

A layer of Keras holds its rate as a number, which becomes a constant of whatever is compiled. While steps are
compiled, its `call` is therefore one that multiplies the rate by a tensor; the layers of a user stay those
of Keras.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from rapidity.core.errors import EngineError, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rapidity.engines.tensorflow.module import NativeNetwork

KINDS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)
"""Layers whose rate can be a tensor. What inherits from them may compute anything, and is not among them."""
RANDOM = ("Random", "Multinomial")
"""Parts of the names of TensorFlow's operations that draw random numbers."""


@contextmanager
def scaled(graph: Any, strength: Any) -> Iterator[None]:
    """Let the dropout layers of a model take this part of their rates, a tensor, inside the block.

    With None they stay what they are. Only what is traced inside the block heeds it.
    """
    if strength is None:
        yield
        return
    with _called(graph, lambda layer: partial(_drop, layer, strength)):
        yield


def _drop(layer: Any, strength: Any, inputs: Any, training: bool = False) -> Any:
    """Return what `keras.layers.Dropout` would with this part of its rate, by the same random numbers."""
    if not training or layer.rate == 0:
        return inputs
    # As in keras.random, whose function asks whether the rate is 0: no question for a tensor.
    seed = tf.cast(tf.math.floormod(layer.seed_generator.next(), tf.int32.max - 1), tf.int32)
    rate = tf.cast(layer.rate * strength, inputs.dtype)
    return tf.nn.experimental.stateless_dropout(inputs, rate, seed, noise_shape=_noise_shape(layer, inputs))


def _noise_shape(layer: Any, inputs: Any) -> Any:
    """Return along which axes values are dropped one by one (their length) or together (1); None: all."""
    if isinstance(layer, KINDS[1:]):
        return layer._get_noise_shape(inputs)
    if layer.noise_shape is None:
        return None
    return [tf.shape(inputs)[axis] if size is None else size for axis, size in enumerate(layer.noise_shape)]


def check_rates_are_found(network: NativeNetwork) -> None:
    """Refuse a user's own model whose dropout rates a schedule cannot set.

    Without its dropout layers, a step must not draw anything at random.

    Raises
    ------
    EngineError
        Naming what draws.
    """

    def run(*inputs: Any) -> Any:
        return network.logits(inputs, training=True)

    specs = [tf.TensorSpec((None, *shape), tf.float32) for shape in network.inputs.values()]
    with _called(network.graph, lambda layer: _pass):
        traced = tf.function(run, input_signature=specs, autograph=False).get_concrete_function()
    definition = traced.graph.as_graph_def()
    nodes = [*definition.node, *(node for part in definition.library.function for node in part.node_def)]
    drawing = [node.name for node in nodes if any(word in node.op for word in RANDOM)]
    if drawing:
        message = (
            f"training.dropout_schedule is flat_cosine, but model {network.model.name} draws random numbers"
            f" outside of dropout layers, in {shorten(drawing)}, so it has dropout or noise whose strength"
            " cannot be set from outside. Every rate must sit in a keras.layers.Dropout or SpatialDropout."
            " Use such layers, or set dropout_schedule: constant."
        )
        raise EngineError(message)


def _pass(inputs: Any, training: bool = False) -> Any:
    return inputs


@contextmanager
def _called(graph: Any, make_call: Callable[[Any], Callable[..., Any]]) -> Iterator[None]:
    """Give each dropout layer of a model another `call` inside the block."""
    layers = [layer for layer in graph._flatten_layers() if type(layer) in KINDS]
    for layer in layers:
        # Past Keras' own __setattr__, which would look for variables in it.
        vars(layer)["call"] = make_call(layer)
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["call"]
