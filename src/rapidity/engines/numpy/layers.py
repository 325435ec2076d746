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
from rapidity.engines.numpy.image_layers import (
    lower_average_pool2d,
    lower_convolution,
    lower_global_pool,
    lower_max_pool2d,
    lower_upsample2d,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rapidity.autodiff import Tensor
    from rapidity.autodiff.workspace import Array
    from rapidity.engines.numpy.lowering import Compute, Mode, Own
    from rapidity.network import Node
    from rapidity.network.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm


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
    """Return ``x @ kernel + bias``."""

    def dense(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return ad.linear(x, own["kernel"], own.get("bias"))

    return dense


def lower_activation(node: Node, layer: Activation) -> Compute:
    """Return the function of the activation."""
    function = ACTIVATION_FUNCTIONS[layer.function](layer)

    def activation(mode: Mode, own: Own, x: Tensor) -> Tensor:
        return function(x)

    return activation


DROPOUT_LEVELS = 2**16
"""Dropout compares numbers of 16 bits with its rate: four of them come out of each 64-bit number drawn."""


def lower_dropout(node: Node, layer: Dropout) -> Compute:
    """Return dropout, which outside training (and without random numbers) does nothing."""
    threshold = round(layer.rate * DROPOUT_LEVELS)
    scale = np.float32(1 / (1 - layer.rate))

    def dropout(mode: Mode, own: Own, x: Tensor) -> Tensor:
        if mode.rng is None or not mode.is_training or threshold == 0:
            return x
        drawn = mode.rng.integers(0, 2**64, -(-x.size // 4), dtype=np.uint64).view(np.uint16)[: x.size]
        factor = x.workspace.memory.empty(x.shape, x.dtype)
        np.multiply(drawn.reshape(x.shape) >= threshold, scale, out=factor)
        return x * factor

    return dropout


def lower_batch_norm(node: Node, layer: BatchNorm) -> Compute:
    """Return a batch normalisation over the last axis; training moves the running statistics.

    A training batch of one value per channel has no variance: it uses the running statistics.
    """

    def normalize(mode: Mode, own: Own, x: Tensor) -> Tensor:
        n_values = x.size // x.shape[-1]
        running = own["running_mean"], own["running_variance"]
        if not mode.is_training or n_values == 1:
            return ad.batch_norm(x, own["scale"], own["bias"], *running, epsilon=layer.epsilon)
        mean, variance = ad.batch_statistics(x)
        if not mode.keeps_statistics:
            # In PyTorch the running variance is that of the whole, of which the batch is a sample: n - 1.
            _move(running[0].array, mean, layer.momentum)
            _move(running[1].array, variance * np.float32(n_values / (n_values - 1)), layer.momentum)
        return ad.batch_norm(
            x, own["scale"], own["bias"], mean, variance, epsilon=layer.epsilon, of_batch=True
        )

    return normalize


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
    },
    EngineError,
)


def lower_node(node: Node) -> Compute:
    """Return the function of a node; an EngineError names engines that have a layer which this lacks."""
    return find_lowering(LOWERINGS, "numpy", node)(node, node.layer)
