"""Layers of objects and tokens ``(n_events, n_objects, n_features)`` as native modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rapidity.engines.torch.lowering import Lowered, TensorPlace

if TYPE_CHECKING:
    from rapidity.network import Node
    from rapidity.network.layers import (
        ClassToken,
        MaskedPool,
        PositionEmbedding,
        Scale,
        TakeToken,
        ToTokens,
    )


def find_objects(mask: Tensor, n_tokens: int) -> Tensor:
    """Return where there is an object, ``(n_events, n_tokens)``: class tokens in front are always there."""
    n_front = n_tokens - mask.shape[1]
    return (nn.functional.pad(mask, (n_front, 0), value=1.0) if n_front else mask) > 0


def zero_padding(x: Tensor, is_object: Tensor) -> Tensor:
    """Return the objects with zeros where there is none, whatever stands there: NaN too."""
    return torch.where(is_object.unsqueeze(-1), x, 0.0)


def put_in_front(token: Tensor, tokens: Tensor) -> Tensor:
    """Return the tokens with one in front: ``(n_features,)``, the same for all events, or one for each."""
    front = token.unsqueeze(-2).expand(tokens.shape[0], 1, tokens.shape[2])
    return torch.cat([front, tokens], dim=1)


class PixelsToTokens(nn.Module):
    """Makes a token of each pixel."""

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(n_events, height * width, channels)``."""
        return images.flatten(1, 2)


class ClassTokenModule(nn.Module):
    """Puts a trained token in front of the others."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(n_features))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return ``(n_events, 1 + n_tokens, n_features)``."""
        return put_in_front(self.token, tokens)


class PositionModule(nn.Module):
    """Adds a trained row to each token."""

    def __init__(self, n_tokens: int, n_features: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.zeros(n_tokens, n_features))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the tokens with their rows added."""
        return tokens + self.embedding


class ScaleFeatures(nn.Module):
    """Multiplies each feature by a trained number."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(n_features))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled values."""
        return x * self.scale


class MultiplyBranches(nn.Module):
    """Multiplies its inputs; one row per event holds for all its objects or pixels."""

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        """Return the product, in the shape of the first."""
        for other in others:
            missing = first.dim() - other.dim()
            first = first * other[(slice(None), *(None,) * missing)]
        return first


class TakeOneToken(nn.Module):
    """Keeps one token."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, tokens: Tensor) -> Tensor:
        """Return ``(n_events, n_features)``."""
        return tokens[:, self.index]


class MaskedSum(nn.Module):
    """The sum of each feature over the objects that there are, or over the neighbours of each object."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return ``(n_events, n_features)``, or of edges ``(n_events, n_objects, n_features)``."""
        if mask is not None:
            x = zero_padding(x, find_objects(mask, x.shape[1]))
        return x.sum(dim=-2)


class MaskedMean(nn.Module):
    """The mean of each feature over the objects that there are; of none, zeros."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return ``(n_events, n_features)``, or of edges ``(n_events, n_objects, n_features)``."""
        if mask is None:
            return x.mean(dim=1)
        is_object = find_objects(mask, x.shape[1])
        n_objects = is_object.sum(dim=-1, keepdim=True).clamp(min=1)
        return zero_padding(x, is_object).sum(dim=-2) / n_objects


class MaskedMax(nn.Module):
    """The largest value of each feature over the objects that there are; of none, zeros."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return ``(n_events, n_features)``, or of edges ``(n_events, n_objects, n_features)``."""
        if mask is None:
            return x.amax(dim=1)
        is_object = find_objects(mask, x.shape[1])
        hidden = torch.where(is_object.unsqueeze(-1), x, torch.finfo(x.dtype).min)
        return torch.where(is_object.any(dim=-1, keepdim=True), hidden.amax(dim=-2), 0.0)


POOLS: dict[str, type[nn.Module]] = {"mean": MaskedMean, "sum": MaskedSum, "max": MaskedMax}


def lower_to_tokens(node: Node, layer: ToTokens) -> Lowered:
    """Return a change of shape."""
    return Lowered(PixelsToTokens())


def lower_class_token(node: Node, layer: ClassToken) -> Lowered:
    """Return the module that owns the token."""
    return Lowered(ClassTokenModule(node.shape[-1]), {"token": TensorPlace("token")})


def lower_position_embedding(node: Node, layer: PositionEmbedding) -> Lowered:
    """Return the module that owns the rows."""
    return Lowered(PositionModule(node.shape[0], node.shape[1]), {"embedding": TensorPlace("embedding")})


def lower_scale(node: Node, layer: Scale) -> Lowered:
    """Return the module that owns the factors."""
    return Lowered(ScaleFeatures(node.shape[-1]), {"scale": TensorPlace("scale")})


def lower_take_token(node: Node, layer: TakeToken) -> Lowered:
    """Return a choice of one token."""
    return Lowered(TakeOneToken(layer.index))


def lower_masked_pool(node: Node, layer: MaskedPool) -> Lowered:
    """Return a mean, a sum or a maximum over the objects."""
    return Lowered(POOLS[layer.function]())
