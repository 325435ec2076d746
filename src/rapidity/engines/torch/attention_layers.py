"""Attention as native modules around `torch.nn.functional.scaled_dot_product_attention`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rapidity.engines.torch.dropout import QuickDropout
from rapidity.engines.torch.lowering import Lowered, TensorPlace
from rapidity.engines.torch.token_layers import find_objects, put_in_front, zero_padding
from rapidity.network.layers.attention import HIDDEN_LOGIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.network import Node
    from rapidity.network.layers import Attention, ClassAttention

Heads = tuple[Tensor, Tensor, Tensor, Tensor | None]
"""Query, key and value ``(n_events, heads, n_tokens, n_each)``, and what is added to the logits."""


def hide_keys(bias: Tensor | None, is_object: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Return what to add to the logits, so that nobody attends to where there is no object."""
    if is_object is None:
        return bias
    keys = is_object[:, None, None, :]
    if bias is not None:
        return torch.where(keys, bias, HIDDEN_LOGIT)
    return (~keys).to(dtype) * HIDDEN_LOGIT


def weigh(query: Tensor, key: Tensor, bias: Tensor | None) -> Tensor:
    """Return the attention weights ``(n_events, heads, n_queries, n_keys)``."""
    scale = query.shape[-1] ** -0.5
    if bias is None:
        return torch.softmax((query * scale) @ key.transpose(2, 3), dim=-1)
    n_events, heads, n_queries, _ = query.shape
    shape = (n_events, heads, n_queries, key.shape[2])
    logits = torch.baddbmm(
        bias.expand(shape).flatten(0, 1), query.flatten(0, 1), key.flatten(0, 1).transpose(1, 2), alpha=scale
    )
    return torch.softmax(logits, dim=-1).view(shape)


class HeadedModule(nn.Module):
    """What the attentions share: from query, key and value of each head to the result.

    Parameters
    ----------
    roles
        What each input is: tokens, bias, mask, token.
    """

    def __init__(self, n_features: int, heads: int, dropout: float, roles: Sequence[str]) -> None:
        super().__init__()
        self.heads = heads
        self.roles = tuple(roles)
        self.output = nn.Linear(n_features, n_features)
        self.dropout = QuickDropout(dropout)

    def make_heads(self, *inputs: Tensor) -> Heads:
        """Return query, key, value and what is added to the logits."""
        raise NotImplementedError

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return ``(n_events, n_queries, n_features)``."""
        query, key, value, bias = self.make_heads(*inputs)
        rate = self.dropout.p if self.dropout.training else 0.0
        is_trained = bias is not None and bias.requires_grad
        if query.device.type == "cpu" and (rate > 0 or is_trained):
            # No kernel for the CPU has dropout or a gradient of the bias, and what PyTorch does instead looks
            # for rows without any key, of which there are none here.
            gathered = self.dropout(weigh(query, key, bias)) @ value
        else:
            gathered = nn.functional.scaled_dot_product_attention(query, key, value, bias, rate)
        result: Tensor = self.output(gathered.transpose(1, 2).flatten(2))
        return result

    def find_weights(self, *inputs: Tensor) -> Tensor:
        """Return the attention weights ``(n_events, heads, n_queries, n_keys)`` of the same inputs."""
        query, key, _, bias = self.make_heads(*inputs)
        return weigh(query, key, bias)

    def split_heads(self, projected: Tensor, n_parts: int) -> tuple[Tensor, ...]:
        """Return the projections that lie side by side, each with its heads as an axis."""
        n_events, n_tokens, n_features = projected.shape
        n_each = n_features // n_parts // self.heads
        apart = projected.view(n_events, n_tokens, n_parts, self.heads, n_each)
        return apart.permute(2, 0, 3, 1, 4).unbind(0)


class SelfAttention(HeadedModule):
    """Each object gathers from all objects."""

    def __init__(self, n_features: int, heads: int, dropout: float, roles: Sequence[str]) -> None:
        super().__init__(n_features, heads, dropout, roles)
        self.projection = nn.Linear(n_features, 3 * n_features)

    def make_heads(self, *inputs: Tensor) -> Heads:
        """Return query, key, value and what is added to the logits."""
        given = dict(zip(self.roles, inputs, strict=True))
        x, mask, bias = given["tokens"], given.get("mask"), given.get("bias")
        is_object = None if mask is None else find_objects(mask, x.shape[1])
        if is_object is not None:
            x = zero_padding(x, is_object)
        if bias is not None:
            bias = bias.permute(0, 3, 1, 2)
        query, key, value = self.split_heads(self.projection(x), 3)
        return query, key, value, hide_keys(bias, is_object, query.dtype)


class TokenAttention(HeadedModule):
    """One token, given or trained, gathers from itself and all objects."""

    def __init__(self, n_features: int, heads: int, dropout: float, roles: Sequence[str]) -> None:
        super().__init__(n_features, heads, dropout, roles)
        self.query = nn.Linear(n_features, n_features)
        self.projection = nn.Linear(n_features, 2 * n_features)
        self.token = None if "token" in roles else nn.Parameter(torch.zeros(n_features))

    def make_heads(self, *inputs: Tensor) -> Heads:
        """Return query, key, value and what is added to the logits."""
        given = dict(zip(self.roles, inputs, strict=True))
        x, mask = given["tokens"], given.get("mask")
        is_object = None
        if mask is not None:
            x = zero_padding(x, find_objects(mask, x.shape[1]))
            is_object = find_objects(mask, x.shape[1] + 1)
        everything = put_in_front(given["token"] if self.token is None else self.token, x)
        (query,) = self.split_heads(self.query(everything[:, :1]), 1)
        key, value = self.split_heads(self.projection(everything), 2)
        return query, key, value, hide_keys(None, is_object, query.dtype)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return ``(n_events, n_features)``."""
        return super().forward(*inputs)[:, 0]

    def find_weights(self, *inputs: Tensor) -> Tensor:
        """Return the attention weights ``(n_events, heads, 1 + n_objects)`` of the same inputs."""
        return super().find_weights(*inputs)[:, :, 0]


def _places(node: Node) -> dict[str, TensorPlace]:
    """Return where the parameters sit; torch keeps kernels as ``(n_out, n_in)``."""
    places = {}
    for spec in node.parameters:
        module, _, kind = spec.name.rpartition("_")
        attribute = {"kernel": f"{module}.weight", "bias": f"{module}.bias"}.get(kind, spec.name)
        places[spec.name] = TensorPlace(attribute, (1, 0) if kind == "kernel" else None)
    return places


def lower_attention(node: Node, layer: Attention) -> Lowered:
    """Return self-attention."""
    roles = layer.roles(node.input_shapes)
    module = SelfAttention(node.shape[-1], layer.heads, layer.dropout, roles)
    return Lowered(module, _places(node), {"weights": module.find_weights})


def lower_class_attention(node: Node, layer: ClassAttention) -> Lowered:
    """Return the attention of one token."""
    roles = layer.roles(node.input_shapes)
    module = TokenAttention(node.shape[-1], layer.heads, layer.dropout, roles)
    return Lowered(module, _places(node), {"weights": module.find_weights})
