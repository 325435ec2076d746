"""Layers of rows of numbers as operations on tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import rapidity.autodiff as ad

if TYPE_CHECKING:
    from rapidity.autodiff import Tensor
    from rapidity.engines.numpy.lowering import Mode, Own


def embed_periodically(mode: Mode, own: Own, x: Tensor) -> Tensor:
    """Return sums of waves of each feature in one row, and the features themselves behind."""
    # The features first: one product of matrices for each.
    angles = ad.expand_dims(ad.transpose(x, (1, 0)), 2) * ad.expand_dims(own["frequency"] * (2 * math.pi), 1)
    waves = ad.cos(angles + ad.expand_dims(own["phase"], 1))
    sums = ad.transpose(ad.matmul(waves, own["kernel"]), (1, 0, 2)) + own["bias"]
    return ad.concatenate([sums.reshape((len(x), sums.shape[1] * sums.shape[2])), x], axis=1)
