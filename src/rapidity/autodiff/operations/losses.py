"""Losses of each event by itself; means and weights are ordinary operations on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.operations.activations import sigmoid
from rapidity.autodiff.operations.shapes import expand_dims
from rapidity.autodiff.operations.softmax import log_softmax, softmax
from rapidity.autodiff.tape import apply

if TYPE_CHECKING:
    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory


def _binary_cross_entropy(memory: Memory, logits: Array, target: Array) -> Array:
    # max(z, 0) - z t + log(1 + exp(-|z|)): the exponential never overflows.
    result = np.abs(logits)
    np.negative(result, out=result)
    np.exp(result, out=result)
    np.log1p(result, out=result)
    result += np.maximum(logits, 0)
    result -= logits * target
    return result


def _softmax_cross_entropy(memory: Memory, logits: Array, target: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Array = np.log(np.exp(shifted).sum(axis=-1))
    result -= (shifted * target).sum(axis=-1)
    return result


BINARY_CROSS_ENTROPY = Operation(
    "binary_cross_entropy",
    _binary_cross_entropy,
    (
        Vjp(lambda g, logits, target: g * (sigmoid(logits) - target), needs=(0, 1)),
        Vjp(lambda g, logits: -(g * logits), needs=(0,)),
    ),
)
SOFTMAX_CROSS_ENTROPY = Operation(
    "softmax_cross_entropy",
    _softmax_cross_entropy,
    (
        Vjp(lambda g, logits, target: expand_dims(g, -1) * (softmax(logits) - target), needs=(0, 1)),
        Vjp(lambda g, logits: -(expand_dims(g, -1) * log_softmax(logits)), needs=(0,)),
    ),
)


def binary_cross_entropy(logits: Operand, target: Operand) -> Tensor:
    """Return ``-t ln p - (1 - t) ln(1 - p)`` of each value, in nats, with ``p = sigmoid(logits)``.

    Parameters
    ----------
    logits
        Any shape; finite values of any size give finite losses.
    target
        t in [0, 1], of the same shape.

    Examples
    --------
    >>> binary_cross_entropy(np.array([0.0, 1000.0]), np.array([1.0, 1.0])).numpy().round(3)
    array([0.693, 0.   ])
    """
    return apply(BINARY_CROSS_ENTROPY, logits, target)


def softmax_cross_entropy(logits: Operand, target: Operand) -> Tensor:
    """Return ``-sum_k t_k ln p_k`` of each event ``(n_events,)``, in nats, with ``p = softmax(logits)``.

    Parameters
    ----------
    logits
        Shape ``(n_events, n_classes)``.
    target
        t, of the same shape; each row must add up to 1 (a truth of one class, smoothed or not).

    Examples
    --------
    >>> softmax_cross_entropy(np.zeros((1, 4)), np.eye(4)[:1]).numpy().round(3)
    array([1.386])
    """
    return apply(SOFTMAX_CROSS_ENTROPY, logits, target)
