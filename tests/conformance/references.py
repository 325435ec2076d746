"""What every layer must compute, in NumPy and float64, by definition rather than by speed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rapidity.network import Network, Node

Array = NDArray[np.float64]

ERF = np.vectorize(math.erf)
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""Klambauer et al., arXiv:1706.02515, equation 14."""


@dataclass(frozen=True)
class Call:
    """A layer at work.

    Attributes
    ----------
    own
        The layer's parameters by their names.
    """

    layer: Any
    inputs: list[Array]
    own: Mapping[str, Array]
    is_training: bool


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


REFERENCE_ACTIVATIONS: Mapping[str, Callable[[Array, Any], Array]] = {
    "relu": lambda x, _: np.maximum(x, 0),
    "leaky_relu": lambda x, layer: np.where(x > 0, x, layer.slope * x),
    "elu": lambda x, layer: np.where(x > 0, x, layer.alpha * np.expm1(x)),
    "selu": lambda x, _: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(x)),
    "gelu": lambda x, _: x * (1 + ERF(x / np.sqrt(2))) / 2,
    "silu": lambda x, _: x * sigmoid(x),
    "mish": lambda x, _: x * np.tanh(np.log1p(np.exp(x))),
    "softplus": lambda x, _: np.log1p(np.exp(x)),
    "softsign": lambda x, _: x / (1 + np.abs(x)),
    "hard_sigmoid": lambda x, _: np.clip(x / 6 + 0.5, 0, 1),
    "sigmoid": lambda x, _: sigmoid(x),
    "tanh": lambda x, _: np.tanh(x),
    "softmax": lambda x, _: softmax(x),
}


def reference_batch_norm(call: Call) -> Array:
    x, own = call.inputs[0], call.own
    rows = x.reshape(-1, x.shape[-1])
    if call.is_training and len(rows) > 1:
        mean, variance = rows.mean(axis=0), rows.var(axis=0)
    else:
        mean, variance = own["running_mean"], own["running_variance"]
    return (x - mean) / np.sqrt(variance + call.layer.epsilon) * own["scale"] + own["bias"]


def reference_layer_norm(call: Call) -> Array:
    x = call.inputs[0]
    deviation = np.sqrt(x.var(axis=-1, keepdims=True) + call.layer.epsilon)
    return (x - x.mean(axis=-1, keepdims=True)) / deviation * call.own["scale"] + call.own["bias"]


def pad_images(images: Array, layer: Any, value: float) -> Array:
    """Return the images with the layer's padding, worked out here once more."""
    sides = []
    stride = layer.kernel_size if layer.stride is None else layer.stride
    dilation = getattr(layer, "dilation", (1, 1))
    for axis, n_pixels in enumerate(images.shape[1:3]):
        if layer.padding == "same":
            last = (math.ceil(n_pixels / stride[axis]) - 1) * stride[axis]
            missing = max(0, last + dilation[axis] * (layer.kernel_size[axis] - 1) - (n_pixels - 1))
            sides.append((missing // 2, math.ceil(missing / 2)))
        else:
            pixels = 0 if layer.padding == "valid" else layer.padding[axis]
            sides.append((pixels, pixels))
    return np.pad(images, [(0, 0), *sides, (0, 0)], constant_values=value)


def windows(padded: Array, layer: Any) -> Iterator[tuple[int, int, Array]]:
    """Yield row, column and pixels ``(n_events, height, width, channels)`` of each place of the window."""
    stride = layer.kernel_size if layer.stride is None else layer.stride
    dilation = getattr(layer, "dilation", (1, 1))
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, layer.kernel_size, strict=True)]
    for row, top in enumerate(range(0, padded.shape[1] - extent[0] + 1, stride[0])):
        for column, left in enumerate(range(0, padded.shape[2] - extent[1] + 1, stride[1])):
            below = padded[:, top : top + extent[0] : dilation[0], left : left + extent[1] : dilation[1]]
            yield row, column, below


def slide(padded: Array, layer: Any, compute: Callable[[Array], Array]) -> Array:
    """Return ``compute(pixels)``, of ``(n_events, filters)``, for every place of the window."""
    found = {(row, column): compute(below) for row, column, below in windows(padded, layer)}
    n_rows, n_columns = (last + 1 for last in max(found))
    lines = [np.stack([found[row, column] for column in range(n_columns)], axis=1) for row in range(n_rows)]
    return np.stack(lines, axis=1)


def reference_convolution(call: Call) -> Array:
    """Each group of filters sees its group of channels."""
    images, kernel = call.inputs[0], call.own["kernel"]
    n_groups = images.shape[-1] // kernel.shape[2]
    padded = pad_images(images, call.layer, 0.0)
    groups = [
        slide(pixels, call.layer, lambda below, filters=filters: np.tensordot(below, filters, axes=3))
        for pixels, filters in zip(
            np.split(padded, n_groups, axis=-1), np.split(kernel, n_groups, axis=-1), strict=True
        )
    ]
    return np.concatenate(groups, axis=-1) + call.own.get("bias", 0)


def reference_max_pool(call: Call) -> Array:
    return slide(pad_images(call.inputs[0], call.layer, -np.inf), call.layer, lambda x: x.max(axis=(1, 2)))


def reference_average_pool(call: Call) -> Array:
    """Padding is marked with NaN and left out."""
    padded = pad_images(call.inputs[0], call.layer, np.nan)
    return slide(padded, call.layer, lambda below: np.nanmean(below, axis=(1, 2)))


def reference_global_pool(call: Call) -> Array:
    return getattr(call.inputs[0], {"average": "mean", "max": "max"}[call.layer.function])(axis=(1, 2))


def reference_upsample(call: Call) -> Array:
    down, across = call.layer.factor
    return np.kron(call.inputs[0], np.ones((1, down, across, 1)))


REFERENCES: Mapping[str, Callable[[Call], Array]] = {
    "dense": lambda call: call.inputs[0] @ call.own["kernel"] + call.own.get("bias", 0),
    "activation": lambda call: REFERENCE_ACTIVATIONS[call.layer.function](call.inputs[0], call.layer),
    "dropout": lambda call: call.inputs[0],  # Switched off wherever numbers are compared.
    "batch_norm": reference_batch_norm,
    "layer_norm": reference_layer_norm,
    "concatenate": lambda call: np.concatenate(call.inputs, axis=-1),
    "add": lambda call: np.sum(call.inputs, axis=0),
    "flatten": lambda call: call.inputs[0].reshape(len(call.inputs[0]), -1),
    "conv2d": reference_convolution,
    "depthwise_conv2d": reference_convolution,
    "max_pool2d": reference_max_pool,
    "average_pool2d": reference_average_pool,
    "global_pool": reference_global_pool,
    "upsample2d": reference_upsample,
}


def compute(
    network: Network,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any],
    *,
    is_training: bool = False,
) -> dict[str, Array]:
    """Return node name -> result, in float64, without dropout."""
    values = {name: np.asarray(array, np.float64) for name, array in inputs.items()}
    for node in network.nodes:
        own = own_parameters(node, parameters)
        call = Call(node.layer, [values[name] for name in node.inputs], own, is_training)
        values[node.name] = REFERENCES[node.layer.kind](call)
    return values


def own_parameters(node: Node, parameters: Mapping[str, Any]) -> dict[str, Array]:
    return {
        spec.name: np.asarray(parameters[f"{node.name}.{spec.name}"], np.float64) for spec in node.parameters
    }


def compute_loss(
    network: Network, parameters: Mapping[str, Any], inputs: Mapping[str, Any], target: NDArray[np.int64]
) -> float:
    """Return the mean cross-entropy in training mode; a single logit is that of class 1."""
    logits = compute(network, parameters, inputs, is_training=True)[network.outputs["class"]]
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_score = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_score[np.arange(len(target)), target].mean())
