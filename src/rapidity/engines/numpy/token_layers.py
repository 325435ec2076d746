"""Layers of objects and tokens ``(n_events, n_objects, n_features)`` as operations on tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import rapidity.autodiff as ad

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.autodiff import Tensor
    from rapidity.engines.numpy.lowering import Compute, Mode, Own
    from rapidity.network import Node
    from rapidity.network.layers import MaskedPool, TakeToken


def find_objects(mask: Tensor, n_tokens: int) -> NDArray[np.bool_]:
    """Return where there is an object, ``(n_events, n_tokens)``: class tokens in front are always there."""
    is_object: NDArray[np.bool_] = mask.array > 0
    n_front = n_tokens - is_object.shape[1]
    return np.pad(is_object, ((0, 0), (n_front, 0)), constant_values=True) if n_front else is_object


def zero_padding(x: Tensor, is_object: NDArray[np.bool_]) -> Tensor:
    """Return the objects with zeros where there is none, whatever stands there: NaN too."""
    return ad.where(is_object[..., np.newaxis], x, 0.0)


def to_tokens(mode: Mode, own: Own, images: Tensor) -> Tensor:
    """Return a token for each pixel."""
    n_events, height, width, channels = images.shape
    return images.reshape((n_events, height * width, channels))


def put_class_token(mode: Mode, own: Own, tokens: Tensor) -> Tensor:
    """Return the tokens with a trained one in front."""
    return put_in_front(own["token"], tokens)


def put_in_front(token: Tensor, tokens: Tensor) -> Tensor:
    """Return the tokens with one in front: ``(n_features,)``, the same for all events, or one for each."""
    n_events, _, n_features = tokens.shape
    if token.ndim == 1:
        front = ad.broadcast_to(token, (n_events, 1, n_features))
    else:
        front = token.reshape((n_events, 1, n_features))
    return ad.concatenate([front, tokens], axis=1)


def add_positions(mode: Mode, own: Own, tokens: Tensor) -> Tensor:
    """Return the tokens with a trained row for each place added."""
    return tokens + own["embedding"]


def scale(mode: Mode, own: Own, x: Tensor) -> Tensor:
    """Return each feature times its factor."""
    return x * own["scale"]


def multiply(mode: Mode, own: Own, first: Tensor, *others: Tensor) -> Tensor:
    """Return the product; one row per event holds for all its objects or pixels."""
    for other in others:
        shape = (len(other), *(1,) * (first.ndim - other.ndim), *other.shape[1:])
        first = first * (other if other.ndim == first.ndim else other.reshape(shape))
    return first


def lower_take_token(node: Node, layer: TakeToken) -> Compute:
    """Return one of the tokens."""

    def take(mode: Mode, own: Own, tokens: Tensor) -> Tensor:
        token: Tensor = tokens[:, layer.index]
        return token

    return take


def lower_masked_pool(node: Node, layer: MaskedPool) -> Compute:
    """Return the mean, sum or maximum of the objects that there are."""
    pool = {"mean": _pool_mean, "sum": _pool_sum, "max": _pool_max}[layer.function]

    def take_together(mode: Mode, own: Own, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return pool(x, None if mask is None else find_objects(mask, x.shape[1]))

    return take_together


def _pool_sum(x: Tensor, is_object: NDArray[np.bool_] | None) -> Tensor:
    return ad.sum(x if is_object is None else zero_padding(x, is_object), axis=-2)


def _pool_mean(x: Tensor, is_object: NDArray[np.bool_] | None) -> Tensor:
    if is_object is None:
        return x.mean(axis=1)
    n_objects = np.maximum(is_object.sum(axis=-1, keepdims=True), 1)
    return ad.multiply(_pool_sum(x, is_object), (1.0 / n_objects).astype(x.dtype))


def _pool_max(x: Tensor, is_object: NDArray[np.bool_] | None) -> Tensor:
    if is_object is None:
        return ad.max(x, axis=1)
    largest = ad.max(ad.where(is_object[..., np.newaxis], x, np.finfo(x.dtype).min), axis=-2)
    return ad.where(np.any(is_object, axis=-1, keepdims=True), largest, 0.0)
