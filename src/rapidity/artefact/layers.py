"""Layers as ONNX nodes: one small lowering per layer type, in float32, with PyTorch's semantics.

A layer of `network.layers` without a lowering here fails a test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from rapidity.artefact.activations import ACTIVATIONS
from rapidity.artefact.graph_layers import (
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
from rapidity.artefact.image_layers import (
    lower_average_pool2d,
    lower_convolution,
    lower_global_pool,
    lower_max_pool2d,
    lower_upsample2d,
)
from rapidity.artefact.image_order import CHANNELS_FIRST_KINDS, ImageValues, can_take_channels_first
from rapidity.artefact.place import Place
from rapidity.artefact.table_layers import lower_parametric_activation, lower_periodic_embedding
from rapidity.artefact.token_layers import (
    find_objects,
    lower_attention,
    lower_class_attention,
    lower_class_token,
    lower_masked_pool,
    lower_multiply,
    lower_position_embedding,
    lower_scale,
    lower_take_token,
    lower_to_tokens,
    zero_padding,
)
from rapidity.core.errors import ExportError
from rapidity.core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rapidity.artefact.graph import GraphBuilder
    from rapidity.core.records import Parameters
    from rapidity.network.graph import Network
    from rapidity.network.layers import Activation, BatchNorm, Dense, LayerNorm


def lower_dense(place: Place) -> str:
    """Return ``x @ kernel + bias`` along the last axis."""
    layer = cast("Dense", place.node.layer)
    values = place.parameter("kernel")
    kernel = place.constant(values * np.float64(layer.input_factor(len(values))), "kernel")
    if not layer.bias:
        return place.add("MatMul", [*place.inputs, kernel])
    bias = place.constant(place.parameter("bias"), "bias")
    if place.n_axes == 2:
        return place.add("Gemm", [*place.inputs, kernel, bias])
    return place.add("Add", [place.add("MatMul", [*place.inputs, kernel]), bias])


def lower_activation(place: Place) -> str:
    """Return the activation function of each value."""
    layer = cast("Activation", place.node.layer)
    return ACTIVATIONS[layer.function](place, layer)


def lower_dropout(place: Place) -> str:
    """Return the values as they are: dropout is for training."""
    return place.inputs[0]


def lower_batch_norm(place: Place) -> str:
    """Return ``x * factor + offset``: the running statistics are constants by now; zeros for padding."""
    layer = cast("BatchNorm", place.node.layer)
    names = ("scale", "bias", "running_mean", "running_variance")
    scale, bias, mean, variance = (place.parameter(name).astype(np.float64) for name in names)
    factor = scale / np.sqrt(variance + layer.epsilon)
    scaled = place.add("Mul", [place.inputs[0], place.channel_constant(factor, "factor")])
    result = place.add("Add", [scaled, place.channel_constant(bias - mean * factor, "offset")])
    if len(place.inputs) == 1:
        return result
    (n_tokens, *_), (n_objects, *_) = place.node.input_shapes
    return zero_padding(place, result, find_objects(place, place.inputs[1], n_objects, n_tokens))


def lower_layer_norm(place: Place) -> str:
    """Return the values standardised along the last axis."""
    layer = cast("LayerNorm", place.node.layer)
    scale, bias = (place.constant(place.parameter(name), name) for name in ("scale", "bias"))
    return place.add("LayerNormalization", [*place.inputs, scale, bias], axis=-1, epsilon=layer.epsilon)


def lower_concatenate(place: Place) -> str:
    """Return the inputs side by side along the axis of features or channels."""
    return place.add("Concat", axis=place.channel_axis)


def lower_add(place: Place) -> str:
    """Return the sum of the inputs."""
    total = place.inputs[0]
    for value in place.inputs[1:]:
        total = place.add("Add", [total, value])
    return total


def lower_flatten(place: Place) -> str:
    """Return the values of each event in one row."""
    return place.add("Flatten", axis=1)


LOWERINGS: Registry[Callable[[Place], str]] = Registry(
    "layer",
    {
        "dense": lower_dense,
        "activation": lower_activation,
        "dropout": lower_dropout,
        "batch_norm": lower_batch_norm,
        "layer_norm": lower_layer_norm,
        "concatenate": lower_concatenate,
        "add": lower_add,
        "flatten": lower_flatten,
        "conv2d": lower_convolution,
        "depthwise_conv2d": lower_convolution,
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
    ExportError,
)


def lower_network(
    graph: GraphBuilder, network: Network, parameters: Parameters, inputs: Mapping[str, str]
) -> dict[str, str]:
    """Add a network to a graph and return output name -> the value of its logits.

    Parameters
    ----------
    inputs
        Input name -> value in the graph, float32 ``(n, ...)``; images ``(n, height, width, channels)``.

    Notes
    -----
    ONNX convolves ``(n, channels, height, width)`` only. From the first layer that needs it, images stay in
    this order until a layer needs the canonical one, so that a chain of convolutions is transposed at
    its ends alone.
    """
    values = ImageValues(graph, inputs)
    for node in network.nodes:
        is_first = node.layer.kind in CHANNELS_FIRST_KINDS or (
            can_take_channels_first(node) and any(values.has_channels_first(name) for name in node.inputs)
        )
        taken = [
            values.get(name, channels_first=is_first and len(shape) == 3)
            for name, shape in zip(node.inputs, node.input_shapes, strict=True)
        ]
        place = Place(graph, node, taken, 1 + len(node.input_shapes[0]), parameters, is_first)
        result = LOWERINGS.get_variant(node.layer.kind)(place)
        values.put(node.name, result, channels_first=is_first and len(node.shape) == 3)
    return {name: values.get(node, channels_first=False) for name, node in network.outputs.items()}
