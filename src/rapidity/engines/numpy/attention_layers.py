"""Attention of tensors; heads are an axis of their own: ``(n_events, heads, n_tokens, ...)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import rapidity.autodiff as ad
from rapidity.engines.numpy.randomness import drop
from rapidity.engines.numpy.token_layers import find_objects, put_in_front, zero_padding
from rapidity.network.layers.attention import HIDDEN_LOGIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from rapidity.autodiff import Tensor
    from rapidity.engines.numpy.lowering import Compute, Mode, Own
    from rapidity.network import Node
    from rapidity.network.layers import Attention, ClassAttention


class Heads(NamedTuple):
    """What meets in an attention: who asks, who is asked, what they give, and what is added to the logits."""

    query: Tensor
    key: Tensor
    value: Tensor
    bias: Tensor | NDArray[np.float32] | None

    def find_weights(self) -> Tensor:
        """Return ``(n_events, heads, n_queries, n_keys)``, which add up to 1 over the keys."""
        n_each = self.query.shape[-1]
        logits = ad.matmul(self.query * n_each**-0.5, self.key.transpose((0, 1, 3, 2)))
        return ad.softmax(logits if self.bias is None else logits + self.bias)


def split_heads(x: Tensor, n_parts: int, heads: int) -> list[Tensor]:
    """Return the `n_parts` projections side by side in the features, each with its heads as an axis."""
    n_events, n_tokens, n_features = x.shape
    apart = x.reshape((n_events, n_tokens, n_parts, heads, n_features // n_parts // heads))
    return [apart[:, :, part].transpose((0, 2, 1, 3)) for part in range(n_parts)]


def join_heads(x: Tensor) -> Tensor:
    """Return ``(n_events, n_tokens, n_features)`` of heads apart."""
    n_events, heads, n_tokens, n_each = x.shape
    return x.transpose((0, 2, 1, 3)).reshape((n_events, n_tokens, heads * n_each))


def hide_keys(
    bias: Tensor | None, is_object: NDArray[np.bool_] | None
) -> Tensor | NDArray[np.float32] | None:
    """Return what to add to the logits, so that nobody attends to where there is no object."""
    if is_object is None:
        return bias
    keys = is_object[:, np.newaxis, np.newaxis]
    if bias is None:
        return np.where(keys, np.float32(0), np.float32(HIDDEN_LOGIT))
    return ad.where(keys, bias, HIDDEN_LOGIT)


def _make_heads(node: Node, layer: Attention) -> Callable[..., Heads]:
    roles = layer.roles(node.input_shapes)

    def make(own: Own, *inputs: Tensor) -> Heads:
        given = dict(zip(roles, inputs, strict=True))
        x, mask, bias = given["tokens"], given.get("mask"), given.get("bias")
        is_object = None if mask is None else find_objects(mask, x.shape[1])
        if is_object is not None:
            x = zero_padding(x, is_object)
        if bias is not None:
            bias = bias.transpose((0, 3, 1, 2))
        projected = ad.linear(x, own["projection_kernel"], own["projection_bias"])
        query, key, value = split_heads(projected, 3, layer.heads)
        return Heads(query, key, value, hide_keys(bias, is_object))

    return make


def _make_class_heads(node: Node, layer: ClassAttention) -> Callable[..., Heads]:
    roles = layer.roles(node.input_shapes)

    def make(own: Own, *inputs: Tensor) -> Heads:
        given = dict(zip(roles, inputs, strict=True))
        x, mask = given["tokens"], given.get("mask")
        is_object = None
        if mask is not None:
            x = zero_padding(x, find_objects(mask, x.shape[1]))
            is_object = find_objects(mask, x.shape[1] + 1)
        everything = put_in_front(given["token"] if "token" in given else own["token"], x)
        asking = ad.linear(everything[:, :1], own["query_kernel"], own["query_bias"])
        projected = ad.linear(everything, own["projection_kernel"], own["projection_bias"])
        (query,) = split_heads(asking, 1, layer.heads)
        key, value = split_heads(projected, 2, layer.heads)
        return Heads(query, key, value, hide_keys(None, is_object))

    return make


def _lower(make: Callable[..., Heads], rate: float, *, is_row: bool) -> Compute:
    def attend(mode: Mode, own: Own, *inputs: Tensor) -> Tensor:
        heads = make(own, *inputs)
        gathered = ad.matmul(drop(heads.find_weights(), rate, mode), heads.value)
        result = ad.linear(join_heads(gathered), own["output_kernel"], own["output_bias"])
        return result.reshape((len(result), result.shape[-1])) if is_row else result

    return attend


def _lower_weights(make: Callable[..., Heads], *, is_row: bool) -> Compute:
    def weigh(mode: Mode, own: Own, *inputs: Tensor) -> Tensor:
        weights = make(own, *inputs).find_weights()
        return weights[:, :, 0] if is_row else weights

    return weigh


def lower_attention(node: Node, layer: Attention) -> Compute:
    """Return self-attention."""
    return _lower(_make_heads(node, layer), layer.dropout, is_row=False)


def lower_class_attention(node: Node, layer: ClassAttention) -> Compute:
    """Return the attention of one token."""
    return _lower(_make_class_heads(node, layer), layer.dropout, is_row=True)


def lower_attention_weights(node: Node, layer: Attention) -> Mapping[str, Compute]:
    """Return what gives the weights of self-attention."""
    return {"weights": _lower_weights(_make_heads(node, layer), is_row=False)}


def lower_class_attention_weights(node: Node, layer: ClassAttention) -> Mapping[str, Compute]:
    """Return what gives the weights of the attention of one token."""
    return {"weights": _lower_weights(_make_class_heads(node, layer), is_row=True)}
