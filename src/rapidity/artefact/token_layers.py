"""Layers of objects and tokens ``(n, n_objects, n_features)`` as ONNX nodes, for any number of events."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np

from rapidity.network.layers.attention import HIDDEN_LOGIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.artefact.place import Place
    from rapidity.core.records import FloatArray
    from rapidity.network.layers import Attention, ClassAttention, MaskedPool, TakeToken

LOWEST = float(np.finfo(np.float32).min)


def find_objects(place: Place, mask: str, n_objects: int, n_tokens: int) -> str:
    """Return where there is an object, ``(n, n_tokens)``: class tokens in front are always there."""
    if n_tokens > n_objects:
        sides = place.integers([0, n_tokens - n_objects, 0, 0], "sides")
        mask = place.add("Pad", [mask, sides, place.constant(np.array(1.0), "there")])
    return place.add("Greater", [mask, _zero(place)])


def zero_padding(place: Place, x: str, is_object: str) -> str:
    """Return the objects with zeros where there is none, whatever stands there."""
    return place.add("Where", [_unsqueeze(place, is_object, [-1]), x, _zero(place)])


def _zero(place: Place) -> str:
    return place.constant(np.array(0.0), "zero")


def _unsqueeze(place: Place, value: str, axes: Sequence[int]) -> str:
    return place.add("Unsqueeze", [value, place.integers(axes, "axes")])


def _reshape(place: Place, value: str, shape: Sequence[int]) -> str:
    """Return a value in another shape; 0 leaves an axis, such as that of the events, as it is."""
    return place.add("Reshape", [value, place.integers(shape, "shape")])


def _add_projection(
    place: Place, x: str, name: str, part: int = 0, n_parts: int = 1, scale: float = 1
) -> str:
    """Return one of the projections that lie side by side in a kernel, of every token."""
    kernel, bias = (
        np.split(place.parameter(f"{name}_{kind}"), n_parts, axis=-1)[part].astype(np.float64) * scale
        for kind in ("kernel", "bias")
    )
    product = place.add("MatMul", [x, place.constant(kernel, f"{name}_kernel")])
    return place.add("Add", [product, place.constant(bias, f"{name}_bias")])


def lower_to_tokens(place: Place) -> str:
    """Return a token for each pixel."""
    return _reshape(place, place.inputs[0], (0, *place.node.shape))


def _put_in_front(place: Place, token: str | FloatArray, tokens: str, n_features: int) -> str:
    """Return the tokens with one in front: a constant, the same for all events, or a value for each."""
    if isinstance(token, str):
        front = _unsqueeze(place, token, [1])
    else:
        n_events = place.add("Shape", [tokens], start=0, end=1)
        shape = place.add("Concat", [n_events, place.integers([1, n_features], "row")], axis=0)
        front = place.add("Expand", [place.constant(token, "token"), shape])
    return place.add("Concat", [front, tokens], axis=1)


def lower_class_token(place: Place) -> str:
    """Return the tokens with the trained one in front."""
    return _put_in_front(place, place.parameter("token"), place.inputs[0], place.node.shape[-1])


def lower_position_embedding(place: Place) -> str:
    """Return the tokens with a row added to each."""
    return place.add("Add", [*place.inputs, place.constant(place.parameter("embedding"), "embedding")])


def lower_take_token(place: Place) -> str:
    """Return one token."""
    layer = cast("TakeToken", place.node.layer)
    index = layer.index % place.node.input_shapes[0][0]
    return place.add("Gather", [*place.inputs, place.integers(index, "index")], axis=1)


def lower_scale(place: Place) -> str:
    """Return each feature times its factor."""
    return place.add("Mul", [*place.inputs, place.channel_constant(place.parameter("scale"), "scale")])


def lower_multiply(place: Place) -> str:
    """Return the product; one row per event holds for all its objects or pixels."""
    product, first = place.inputs[0], place.node.input_shapes[0]
    for value, shape in zip(place.inputs[1:], place.node.input_shapes[1:], strict=True):
        missing = len(first) - len(shape)
        axes = range(2, 2 + missing) if place.has_channels_first else range(1, 1 + missing)
        product = place.add("Mul", [product, _unsqueeze(place, value, axes) if missing else value])
    return product


def lower_masked_pool(place: Place) -> str:
    """Return the mean, sum or maximum of the objects that there are; of none, zeros."""
    layer = cast("MaskedPool", place.node.layer)
    x, *masks = place.inputs
    axes = place.integers([1], "axes")
    if not masks:
        if layer.function == "sum":
            return place.add("ReduceSum", [x, axes], keepdims=0)
        return place.add("ReduceMax" if layer.function == "max" else "ReduceMean", [x, axes], keepdims=0)
    (n_tokens, *_), (n_objects, *_) = place.node.input_shapes
    axes, objects = place.integers([-2], "axes"), place.integers([-1], "objects")
    is_object = find_objects(place, masks[0], n_objects, n_tokens)
    there = place.add("Cast", [is_object], to=1)
    if layer.function == "max":
        lowest = place.constant(np.array(LOWEST), "lowest")
        hidden = place.add("Where", [_unsqueeze(place, is_object, [-1]), x, lowest])
        largest = place.add("ReduceMax", [hidden, axes], keepdims=0)
        most = place.add("ReduceMax", [there, objects], keepdims=1)
        has_objects = place.add("Greater", [most, _zero(place)])
        return place.add("Where", [has_objects, largest, _zero(place)])
    total = place.add("ReduceSum", [zero_padding(place, x, is_object), axes], keepdims=0)
    if layer.function == "sum":
        return total
    count = place.add("ReduceSum", [there, objects], keepdims=1)
    return place.add("Div", [total, place.add("Max", [count, place.constant(np.array(1.0), "there")])])


def _split_heads(place: Place, projected: str, heads: int, n_features: int, order: Sequence[int]) -> str:
    """Return a projection with its heads as an axis; `order` is that of events, tokens, heads, features."""
    apart = _reshape(place, projected, (0, 0, heads, n_features // heads))
    return place.add("Transpose", [apart], perm=order)


def _attend(
    place: Place, asking: str, asked: str, names: tuple[str, int], *, heads: int, bias: str | None
) -> str:
    """Return what the tokens `asking` gather from the tokens `asked`.

    Parameters
    ----------
    names
        Name of the projection that holds the query, and how many projections are in that which holds key and
        value as its last two.
    """
    query_name, n_parts = names
    n_features = place.node.shape[-1]
    n_queries = n_parts if query_name == "projection" else 1
    scale = 1 / math.sqrt(n_features // heads)
    query = _add_projection(place, asking, query_name, 0, n_queries, scale)
    key = _add_projection(place, asked, "projection", n_parts - 2, n_parts)
    value = _add_projection(place, asked, "projection", n_parts - 1, n_parts)
    queries = _split_heads(place, query, heads, n_features, (0, 2, 1, 3))
    keys = _split_heads(place, key, heads, n_features, (0, 2, 3, 1))
    values = _split_heads(place, value, heads, n_features, (0, 2, 1, 3))
    logits = place.add("MatMul", [queries, keys])
    weights = place.add("Softmax", [logits if bias is None else place.add("Add", [logits, bias])], axis=-1)
    gathered = place.add("Transpose", [place.add("MatMul", [weights, values])], perm=(0, 2, 1, 3))
    return _add_projection(place, _reshape(place, gathered, (0, 0, n_features)), "output")


def _hide_keys(place: Place, bias: str | None, is_object: str | None) -> str | None:
    """Return what to add to the logits, so that nobody attends to where there is no object."""
    if is_object is None:
        return bias
    hidden = place.constant(np.array(HIDDEN_LOGIT), "hidden")
    return place.add("Where", [_unsqueeze(place, is_object, [1, 2]), bias or _zero(place), hidden])


def lower_attention(place: Place) -> str:
    """Return self-attention."""
    layer = cast("Attention", place.node.layer)
    shapes = place.node.input_shapes
    given = dict(zip(layer.roles(shapes), place.inputs, strict=True))
    x, bias, is_object = given["tokens"], given.get("bias"), None
    if "mask" in given:
        is_object = find_objects(place, given["mask"], shapes[-1][0], shapes[0][0])
        x = zero_padding(place, x, is_object)
    if bias is not None:
        bias = place.add("Transpose", [bias], perm=(0, 3, 1, 2))
    hidden = _hide_keys(place, bias, is_object)
    return _attend(place, x, x, ("projection", 3), heads=layer.heads, bias=hidden)


def lower_class_attention(place: Place) -> str:
    """Return the attention of one token."""
    layer = cast("ClassAttention", place.node.layer)
    shapes, n_features = place.node.input_shapes, place.node.shape[-1]
    roles = layer.roles(shapes)
    given = dict(zip(roles, place.inputs, strict=True))
    x, is_object = given["tokens"], None
    if "mask" in given:
        n_tokens, n_objects = shapes[roles.index("tokens")][0], shapes[-1][0]
        x = zero_padding(place, x, find_objects(place, given["mask"], n_objects, n_tokens))
        is_object = find_objects(place, given["mask"], n_objects, n_tokens + 1)
    token = given["token"] if "token" in given else place.parameter("token")
    everything = _put_in_front(place, token, x, n_features)
    asking = place.add("Gather", [everything, place.integers([0], "index")], axis=1)
    hidden = _hide_keys(place, None, is_object)
    result = _attend(place, asking, everything, ("query", 2), heads=layer.heads, bias=hidden)
    return place.add("Squeeze", [result, place.integers([1], "axes")])
