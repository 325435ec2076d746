"""One small lowering per layer into operations of `rapidity.autodiff`.

A lowering looks at the declared layer once and returns a function of tensors. What it may depend on besides
them is the mode: whether the network trains, and with which random numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import rapidity.autodiff as ad
from rapidity.core.errors import EngineError
from rapidity.core.registry import Registry
from rapidity.engines.engine import find_lowering
from rapidity.engines.numpy.attention_layers import (
    lower_attention,
    lower_attention_weights,
    lower_class_attention,
    lower_class_attention_weights,
)
from rapidity.engines.numpy.graph_layers import (
    find_edges,
    join_objects,
    lower_neighbours,
    lower_pair_features,
    lower_pair_mask,
    lower_square_pairs,
    lower_take_objects,
    make_full_mask,
    to_token,
)
from rapidity.engines.numpy.image_layers import (
    lower_average_pool2d,
    lower_convolution,
    lower_global_pool,
    lower_max_pool2d,
    lower_upsample2d,
)
from rapidity.engines.numpy.randomness import drop
from rapidity.engines.numpy.table_layers import embed_periodically
from rapidity.engines.numpy.token_layers import (
    add_positions,
    find_objects,
    lower_masked_pool,
    lower_take_token,
    multiply,
    put_class_token,
    scale,
    to_tokens,
    zero_padding,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rapidity.autodiff import Tensor
    from rapidity.autodiff.workspace import Array
    from rapidity.engines.numpy.lowering import Compute, Mode, Own
    from rapidity.network import Node
    from rapidity.network.layers import (
        Activation,
        BatchNorm,
        Dense,
        Dropout,
        LayerNorm,
        ParametricActivation,
    )


def rectify_in_place(mode: Mode, own: Own, x: Tensor) -> Tensor:
    """Return ``max(x, 0)``, written over x."""
    return ad.relu(x, overwrite=True)


ACTIVATION_FUNCTIONS: Mapping[str, Callable[[Activation], Callable[[Tensor], Tensor]]] = {
    "relu": lambda _: ad.relu,
    "leaky_relu": lambda layer: lambda x: ad.leaky_relu(x, layer.slope),
    "elu": lambda layer: lambda x: ad.elu(x, layer.alpha),
    "selu": lambda _: ad.selu,
    "gelu": lambda _: ad.gelu,
    "silu": lambda _: ad.silu,
    "mish": lambda _: ad.mish,
    "softplus": lambda _: ad.softplus,
    "softsign": lambda _: ad.softsign,
    "hard_sigmoid": lambda _: ad.hard_sigmoid,
    "sigmoid": lambda _: ad.sigmoid,
    "tanh": lambda _: ad.tanh,
    "softmax": lambda _: ad.softmax,
}


def lower_dense(node: Node, layer: Dense) -> Compute:
    """Return ``x @ kernel + bias``, of the input times its factor."""
    factor = layer.input_factor(node.input_shapes[0][-1])

    def dense(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return ad.linear(x if factor == 1 else x * factor, own["kernel"], own.get("bias"))

    return dense


def lower_activation(node: Node, layer: Activation) -> Compute:
    """Return the function of the activation."""
    function = ACTIVATION_FUNCTIONS[layer.function](layer)

    def activation(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return function(x)

    return activation


def lower_parametric_activation(node: Node, layer: ParametricActivation) -> Compute:
    """Return a way from the input to the function of it, as far as the trained parts say."""
    function = ACTIVATION_FUNCTIONS[layer.function](layer.activation)

    def activation(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return x + own["part"] * (function(x) - x)

    return activation


def lower_dropout(node: Node, layer: Dropout) -> Compute:
    """Return dropout, which outside training (and without random numbers) does nothing."""

    def dropout(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return drop(x, layer.rate, mode)

    return dropout


def lower_batch_norm(node: Node, layer: BatchNorm) -> Compute:
    """Return a batch normalisation over the last axis; training moves the running statistics.

    A training batch of one value per channel has no variance: it uses the running statistics.
    """

    def normalize(mode: Mode, own: Own, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return _normalize(mode, own, x, layer)
        objects = find_objects(mask, x.shape[1])
        if not objects.any():
            return zero_padding(x, objects)
        return ad.scatter(_normalize(mode, own, x[objects], layer), objects, x.shape)

    return normalize


def _normalize(mode: Mode, own: Own, x: Tensor, layer: BatchNorm) -> Tensor:
    n_values = x.size // x.shape[-1]
    running = own["running_mean"], own["running_variance"]
    if not mode.is_training or n_values == 1:
        return ad.batch_norm(x, own["scale"], own["bias"], *running, epsilon=layer.epsilon)
    mean, variance = ad.batch_statistics(x)
    if not mode.keeps_statistics:
        # In PyTorch the running variance is that of the whole, of which the batch is a sample: n - 1.
        _move(running[0].array, mean, layer.momentum)
        _move(running[1].array, variance * np.float32(n_values / (n_values - 1)), layer.momentum)
    return ad.batch_norm(x, own["scale"], own["bias"], mean, variance, epsilon=layer.epsilon, of_batch=True)


def _move(running: Array, found: Array, momentum: float) -> None:
    """Move running statistics by the part `momentum` towards those found."""
    running *= 1 - momentum
    running += momentum * found


def lower_layer_norm(node: Node, layer: LayerNorm) -> Compute:
    """Return a layer normalisation over the last axis."""

    def normalize(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return ad.layer_norm(x, own["scale"], own["bias"], epsilon=layer.epsilon)

    return normalize


def concatenate(mode: Mode, own: Own, *branches: Tensor) -> Tensor:
    """Return its inputs side by side along the last axis."""
    return ad.concatenate(branches, axis=-1)


def add(mode: Mode, own: Own, first: Tensor, *others: Tensor) -> Tensor:
    """Return the sum of its inputs."""
    for other in others:
        first = first + other
    return first


def flatten(mode: Mode, own: Own, x: Tensor) -> Tensor:
    """Return all values of an event in one axis."""
    return x.reshape((len(x), int(np.prod(x.shape[1:]))))


LOWERINGS: Registry[Callable[[Node, Any], Compute]] = Registry(
    "layer of the engine 'numpy'",
    {
        "dense": lower_dense,
        "activation": lower_activation,
        "dropout": lower_dropout,
        "batch_norm": lower_batch_norm,
        "layer_norm": lower_layer_norm,
        "concatenate": lambda _node, _layer: concatenate,
        "add": lambda _node, _layer: add,
        "flatten": lambda _node, _layer: flatten,
        "conv2d": lower_convolution,
        "depthwise_conv2d": lower_convolution,
        "max_pool2d": lower_max_pool2d,
        "average_pool2d": lower_average_pool2d,
        "global_pool": lower_global_pool,
        "upsample2d": lower_upsample2d,
        "multiply": lambda _node, _layer: multiply,
        "scale": lambda _node, _layer: scale,
        "to_tokens": lambda _node, _layer: to_tokens,
        "class_token": lambda _node, _layer: put_class_token,
        "position_embedding": lambda _node, _layer: add_positions,
        "take_token": lower_take_token,
        "attention": lower_attention,
        "class_attention": lower_class_attention,
        "masked_pool": lower_masked_pool,
        "neighbours": lower_neighbours,
        "edges": lambda _node, _layer: find_edges,
        "pair_features": lower_pair_features,
        "pair_mask": lower_pair_mask,
        "square_pairs": lower_square_pairs,
        "join_objects": lambda _node, _layer: join_objects,
        "take_objects": lower_take_objects,
        "to_token": lambda _node, _layer: to_token,
        "parametric_activation": lower_parametric_activation,
        "periodic_embedding": lambda _node, _layer: embed_periodically,
        "full_mask": lambda _node, _layer: make_full_mask,
    },
    EngineError,
)


FURTHER_LOWERINGS: Mapping[str, Callable[[Node, Any], Mapping[str, Compute]]] = {
    "attention": lower_attention_weights,
    "class_attention": lower_class_attention_weights,
}
"""What gives the further results of a layer, computed anew from its inputs when asked for."""


def lower_node(node: Node) -> Compute:
    """Return the function of a node; an EngineError names engines that have a layer which this lacks."""
    return find_lowering(LOWERINGS, "numpy", node)(node, node.layer)


def lower_further_results(node: Node) -> dict[str, Compute]:
    """Return ``<node>.<name>`` -> function of the node's inputs, for what its layer has beside the result."""
    if node.layer.kind not in FURTHER_LOWERINGS:
        return {}
    found = FURTHER_LOWERINGS[node.layer.kind](node, node.layer)
    return {f"{node.name}.{name}": compute for name, compute in found.items()}
