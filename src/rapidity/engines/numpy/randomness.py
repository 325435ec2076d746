"""What is drawn at random while a network trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rapidity.autodiff import Tensor
    from rapidity.engines.numpy.lowering import Mode

DROPOUT_LEVELS = 2**16
"""Dropout compares numbers of 16 bits with its rate: four of them come out of each 64-bit number drawn."""


def drop(x: Tensor, rate: float, mode: Mode) -> Tensor:
    """Return the values, while training a fraction `rate` of them zero and the rest over ``1 - rate``.

    Outside training, or without random numbers, the values as they are. Of the rate counts the part that the
    mode says.
    """
    rate *= mode.dropout_strength
    threshold = round(rate * DROPOUT_LEVELS)
    if mode.rng is None or not mode.is_training or threshold == 0:
        return x
    drawn = mode.rng.integers(0, 2**64, -(-x.size // 4), dtype=np.uint64).view(np.uint16)[: x.size]
    factor = x.workspace.memory.empty(x.shape, x.dtype)
    np.multiply(drawn.reshape(x.shape) >= threshold, np.float32(1 / (1 - rate)), out=factor)
    return x * factor
