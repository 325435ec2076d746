"""Statistics of each event over the last axis: layer normalisation.

Means and variances are ``(..., 1)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operations.normalizations.statistics import Statistics, blocks_of

if TYPE_CHECKING:
    from rapidity.autodiff.workspace import Array, Memory


def find_statistics(memory: Memory, x: Array) -> Statistics:
    """Return mean and variance of each event."""
    rows = x.reshape(-1, x.shape[-1])
    mean, variance = (np.empty((len(rows), 1), x.dtype) for _ in range(2))
    for block in blocks_of(rows):
        rows[block].mean(axis=-1, keepdims=True, out=mean[block])
        shifted = np.subtract(rows[block], mean[block], out=memory.empty(rows[block].shape, x.dtype))
        variance[block] = _mean_product(shifted, shifted)
    shape = (*x.shape[:-1], 1)
    return Statistics(mean.reshape(shape), variance.reshape(shape))


def standardize(memory: Memory, x: Array, scale: Array, bias: Array, mean: Array, inverse: Array) -> Array:
    """Return ``(x - mean) * inverse * scale + bias``."""
    rows, means, inverses = _as_rows(x, mean, inverse)
    result = memory.empty(x.shape, np.result_type(x, scale, bias))
    made = result.reshape(rows.shape)
    for block in blocks_of(rows):
        part = made[block]
        np.subtract(rows[block], means[block], out=part)
        part *= inverses[block]
        part *= scale
        part += bias
    return result


def input_gradient(
    memory: Memory, gradient: Array, x: Array, scale: Array, mean: Array, inverse: Array
) -> Array:
    """Return the gradient of `x`, on which the mean and the variance depend.

    With h = (x - mean) * inverse and u = g * scale: ``inverse * (u - <u> - h <u h>)``, means over the
    features.
    """
    rows, means, inverses = _as_rows(x, mean, inverse)
    arriving = gradient.reshape(rows.shape)
    result = memory.empty(x.shape, np.result_type(gradient, x, scale))
    made = result.reshape(rows.shape)
    for block in blocks_of(rows):
        part = made[block]
        np.multiply(arriving[block], scale, out=part)
        standard = np.subtract(rows[block], means[block], out=memory.empty(part.shape, part.dtype))
        standard *= inverses[block]
        slope = _mean_product(part, standard)
        part -= part.mean(axis=-1, keepdims=True)
        standard *= slope
        part -= standard
        part *= inverses[block]
    return result


def scale_gradient(memory: Memory, gradient: Array, x: Array, mean: Array, inverse: Array) -> Array:
    """Return the gradient of the scale, the sum of ``gradient * (x - mean) * inverse`` over all events."""
    rows, means, inverses = _as_rows(x, mean, inverse)
    arriving = gradient.reshape(rows.shape)
    total = np.zeros(x.shape[-1], np.result_type(gradient, x))
    for block in blocks_of(rows):
        standard = np.subtract(rows[block], means[block], out=memory.empty(rows[block].shape, total.dtype))
        standard *= inverses[block]
        standard *= arriving[block]
        total += standard.sum(axis=0)
    return total


def _as_rows(x: Array, mean: Array, inverse: Array) -> tuple[Array, Array, Array]:
    return x.reshape(-1, x.shape[-1]), mean.reshape(-1, 1), inverse.reshape(-1, 1)


def _mean_product(x: Array, y: Array) -> Array:
    """Return the mean over the last axis of the product of two matrices, as a column."""
    product: Array = np.einsum("ij,ij->i", x, y)
    product /= x.dtype.type(x.shape[-1])
    return product[:, np.newaxis]
