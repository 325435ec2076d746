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


def reference_dense(call: Call) -> Array:
    product = call.inputs[0] @ call.own["kernel"]
    if call.layer.parametrization == "ntk":
        product = product / math.sqrt(call.inputs[0].shape[-1])
    return product + call.own.get("bias", 0)


def reference_parametric_activation(call: Call) -> Array:
    (x,), part = call.inputs, call.own["part"]
    found = REFERENCE_ACTIVATIONS[call.layer.function](x, call.layer.activation)
    return (1 - part) * x + part * found


def reference_periodic_embedding(call: Call) -> Array:
    """PBLD: for one feature after the other, cosines, a matrix of its own; all features behind."""
    (x,), own = call.inputs, call.own
    rows = []
    for number in range(x.shape[1]):
        angles = 2 * np.pi * np.outer(x[:, number], own["frequency"][number]) + own["phase"][number]
        rows.append(np.cos(angles) @ own["kernel"][number] + own["bias"][number])
    return np.concatenate([*rows, x], axis=1)


def find_objects(mask: Array, n_tokens: int) -> NDArray[np.bool_]:
    """Return where there is an object; tokens in front of those that the mask knows are always there."""
    front = np.ones((len(mask), n_tokens - mask.shape[1], *mask.shape[2:]))
    return np.concatenate([front, mask], axis=1) > 0


def reference_batch_norm(call: Call) -> Array:
    x, own = call.inputs[0], call.own
    is_object = np.ones(x.shape[:-1], bool)
    if len(call.inputs) > 1:
        is_object = find_objects(call.inputs[1], x.shape[1])
    rows = x[is_object]
    if call.is_training and len(rows) > 1:
        mean, variance = rows.mean(axis=0), rows.var(axis=0)
    else:
        mean, variance = own["running_mean"], own["running_variance"]
    result = np.zeros_like(x)
    result[is_object] = (rows - mean) / np.sqrt(variance + call.layer.epsilon) * own["scale"] + own["bias"]
    return result


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


def reference_masked_pool(call: Call) -> Array:
    """Event by event, over a list of the objects that there are."""
    x = call.inputs[0]
    is_object = (
        find_objects(call.inputs[1], x.shape[1]) if len(call.inputs) > 1 else np.ones(x.shape[:2], bool)
    )
    function = getattr(np, call.layer.function)
    rows = [
        function(objects[there], axis=0) if there.any() else np.zeros(x.shape[-1])
        for objects, there in zip(
            x.reshape(-1, *x.shape[-2:]), is_object.reshape(-1, x.shape[-2]), strict=True
        )
    ]
    return np.reshape(rows, (*x.shape[:-2], x.shape[-1]))


def reference_neighbours(call: Call) -> Array:
    """Object by object: the others in the order of their distance, and of their places where it is equal."""
    x = call.inputs[0].astype(np.float32)  # Equal distances are equal in the type of the engines.
    is_object = call.inputs[1] > 0 if len(call.inputs) > 1 else np.ones(x.shape[:2], bool)
    found = np.zeros((*x.shape[:2], call.layer.k))
    for event, place in zip(*np.nonzero(is_object), strict=True):
        others = [other for other in np.flatnonzero(is_object[event]) if other != place]
        distances = [float(((x[event, place] - x[event, other]) ** 2).sum()) for other in others]
        order = [other for _, other in sorted(zip(distances, others, strict=True))][: call.layer.k]
        found[event, place, : len(order)] = np.add(order, 1)
    return found


def reference_edges(call: Call) -> Array:
    x, y, *numbers = call.inputs
    n_events, n_objects, _ = x.shape
    itself = np.broadcast_to(np.arange(n_objects)[:, np.newaxis], (n_events, n_objects, 1))
    neighbours = np.broadcast_to(np.arange(n_objects), (n_events, n_objects, n_objects))
    if numbers:
        neighbours = np.where(numbers[0] > 0, numbers[0].astype(int) - 1, itself)
    taken = np.stack([rows[places] for rows, places in zip(y, neighbours, strict=True)])
    return x[:, :, np.newaxis] + taken - y[:, :, np.newaxis]


def reference_pair_features(call: Call) -> Array:
    """Equations 3 to 6 of arXiv:2202.03772, pair by pair."""
    momenta = call.inputs[0]
    is_object = call.inputs[1] > 0 if len(call.inputs) > 1 else np.ones(momenta.shape[:2], bool)
    further = ((0, 0), (0, call.layer.without_momentum))
    momenta, is_object = np.pad(momenta, (*further, (0, 0))), np.pad(is_object, further)
    events = [
        [
            describe_pair(objects[a], objects[b]) if there[a] and there[b] else np.zeros(4)
            for a in range(len(objects))
            for b in range(a + 1, len(objects))
        ]
        for objects, there in zip(momenta, is_object, strict=True)
    ]
    return np.array(events)


def describe_pair(a: Array, b: Array) -> Array:
    pt_a, pt_b = math.hypot(*a[:2]), math.hypot(*b[:2])
    if min(pt_a, pt_b) == 0:
        return np.zeros(4)
    a, b = (np.append(p[:3], max(p[3], math.hypot(*p[:3]))) for p in (a, b))
    dy = np.subtract(*(0.5 * math.log((p[3] + p[2]) / (p[3] - p[2])) for p in (a, b)))
    dphi = abs(math.remainder(math.atan2(a[1], a[0]) - math.atan2(b[1], b[0]), 2 * math.pi))
    delta_r, total = math.hypot(dy, dphi), a + b
    squared_mass = total[3] ** 2 - (total[:3] ** 2).sum()
    values = [min(pt_a, pt_b) * delta_r, min(pt_a, pt_b) / (pt_a + pt_b), delta_r, squared_mass]
    return np.log(np.maximum(values, 1e-8))


def reference_pair_mask(call: Call) -> Array:
    there = call.inputs[0] > 0
    pairs = [there[:, a] & there[:, b] for a in range(there.shape[1]) for b in range(a + 1, there.shape[1])]
    return np.stack(pairs, axis=1).astype(np.float64)


def reference_square_pairs(call: Call) -> Array:
    pairs = call.inputs[0]
    n_objects = next(n for n in range(2, 100) if n * (n - 1) // 2 == pairs.shape[1])
    square = np.zeros((len(pairs), n_objects, n_objects, *pairs.shape[2:]))
    number = 0
    for a in range(n_objects):
        for b in range(a + 1, n_objects):
            square[:, a, b] = square[:, b, a] = pairs[:, number]
            number += 1
    return square


def reference_take_objects(call: Call) -> Array:
    return call.inputs[0][:, call.layer.start : call.layer.start + call.layer.count]


def attend(query: Array, key: Array, value: Array, heads: int, logits: Array) -> tuple[Array, Array]:
    """Return what each query gathers, and the weights, head by head; `logits` is added to theirs."""
    parts = [np.split(array, heads, axis=-1) for array in (query, key, value)]
    weights, gathered = [], []
    for number, (asks, asked, gives) in enumerate(zip(*parts, strict=True)):
        likeness = asks @ asked.swapaxes(1, 2) / math.sqrt(asks.shape[-1])
        weights.append(softmax(likeness + logits[..., number]))
        gathered.append(weights[-1] @ gives)
    return np.concatenate(gathered, axis=-1), np.stack(weights, axis=1)


def hide(is_object: NDArray[np.bool_], logits: Array) -> Array:
    """Return logits ``(n_events, n_queries, n_keys, heads)`` so low that nobody looks at padding."""
    return np.where(is_object[:, np.newaxis, :, np.newaxis], logits, -3e4)


def reference_attention(call: Call) -> Mapping[str, Array]:
    x, *others = call.inputs
    n_events, n_tokens, _ = x.shape
    heads, own = call.layer.heads, call.own
    logits = np.zeros((n_events, n_tokens, n_tokens, heads))
    if others and others[0].ndim == 4:
        logits = others.pop(0)
    if others:
        is_object = find_objects(others[0], n_tokens)
        x = np.where(is_object[..., np.newaxis], x, 0)
        logits = hide(is_object, logits)
    query, key, value = np.split(x @ own["projection_kernel"] + own["projection_bias"], 3, axis=-1)
    gathered, weights = attend(query, key, value, heads, logits)
    return {"": gathered @ own["output_kernel"] + own["output_bias"], "weights": weights}


def reference_class_attention(call: Call) -> Mapping[str, Array]:
    inputs, own, heads = [*call.inputs], call.own, call.layer.heads
    token = inputs.pop(0) if inputs[0].ndim == 2 else np.tile(own["token"], (len(inputs[0]), 1))
    x, *masks = inputs
    is_object = np.ones((len(x), 1 + x.shape[1]), bool)
    if masks:
        is_object = find_objects(masks[0], 1 + x.shape[1])
        x = np.where(find_objects(masks[0], x.shape[1])[..., np.newaxis], x, 0)
    everything = np.concatenate([token[:, np.newaxis], x], axis=1)
    query = token[:, np.newaxis] @ own["query_kernel"] + own["query_bias"]
    key, value = np.split(everything @ own["projection_kernel"] + own["projection_bias"], 2, axis=-1)
    logits = hide(is_object, np.zeros((len(x), 1, 1 + x.shape[1], heads)))
    gathered, weights = attend(query, key, value, heads, logits)
    return {
        "": (gathered @ own["output_kernel"] + own["output_bias"])[:, 0],
        "weights": weights[:, :, 0],
    }


def reference_multiply(call: Call) -> Array:
    """A row of one event is repeated for all its objects or pixels."""
    first, *others = call.inputs
    for other in others:
        missing = tuple(range(1, 1 + first.ndim - other.ndim))
        first = first * np.expand_dims(other, missing)
    return first


def reference_class_token(call: Call) -> Array:
    tokens = call.inputs[0]
    front = np.tile(call.own["token"], (len(tokens), 1, 1))
    return np.concatenate([front, tokens], axis=1)


REFERENCES: Mapping[str, Callable[[Call], Array | Mapping[str, Array]]] = {
    "dense": reference_dense,
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
    "multiply": reference_multiply,
    "scale": lambda call: call.inputs[0] * call.own["scale"],
    "to_tokens": lambda call: call.inputs[0].reshape(len(call.inputs[0]), -1, call.inputs[0].shape[-1]),
    "class_token": reference_class_token,
    "position_embedding": lambda call: call.inputs[0] + call.own["embedding"],
    "take_token": lambda call: call.inputs[0][:, call.layer.index],
    "attention": reference_attention,
    "class_attention": reference_class_attention,
    "masked_pool": reference_masked_pool,
    "neighbours": reference_neighbours,
    "edges": reference_edges,
    "pair_features": reference_pair_features,
    "pair_mask": reference_pair_mask,
    "square_pairs": reference_square_pairs,
    "join_objects": lambda call: np.concatenate(call.inputs, axis=1),
    "take_objects": reference_take_objects,
    "to_token": lambda call: call.inputs[0][:, np.newaxis],
    "full_mask": lambda call: np.ones(call.inputs[0].shape[:2]),
    "parametric_activation": reference_parametric_activation,
    "periodic_embedding": reference_periodic_embedding,
}


def compute(
    network: Network,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any],
    *,
    is_training: bool = False,
) -> dict[str, Array]:
    """Return name of a node or of a further result of one -> result, in float64, without dropout."""
    values = {name: np.asarray(array, np.float64) for name, array in inputs.items()}
    for node in network.nodes:
        own = own_parameters(node, parameters)
        call = Call(node.layer, [values[name] for name in node.inputs], own, is_training)
        found = REFERENCES[node.layer.kind](call)
        if isinstance(found, np.ndarray):
            found = {"": found}
        values |= {f"{node.name}.{title}" if title else node.name: array for title, array in found.items()}
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
