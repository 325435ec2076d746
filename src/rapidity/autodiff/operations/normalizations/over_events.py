"""Statistics of each channel over all axes but the last: batch normalisation.

Means and variances are ``(n_channels,)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operations.channels import channel_sum, fold
from rapidity.autodiff.operations.normalizations.statistics import Statistics, blocks_of
from rapidity.autodiff.operations.runs import in_long_runs

if TYPE_CHECKING:
    from rapidity.autodiff.workspace import Array, Memory


@in_long_runs()
def find_statistics(memory: Memory, x: Array) -> Statistics:
    """Return mean and variance of each channel."""
    n_values = x.dtype.type(x.size // x.shape[-1])
    mean = channel_sum(x) / n_values
    rows = fold(x)
    means = _widen(mean, rows)
    total = np.zeros(rows.shape[1], x.dtype)
    for block in blocks_of(rows):
        # The mean is taken off first: mean(x**2) - mean(x)**2 would lose digits.
        shifted = np.subtract(rows[block], means, out=memory.empty(rows[block].shape, x.dtype))
        shifted *= shifted
        total += shifted.sum(axis=0)
    return Statistics(mean, total.reshape(-1, x.shape[-1]).sum(axis=0) / n_values)


@in_long_runs()
def standardize(memory: Memory, x: Array, scale: Array, bias: Array, mean: Array, inverse: Array) -> Array:
    """Return ``(x - mean) * inverse * scale + bias``."""
    rows = fold(x)
    result = memory.empty(x.shape, np.result_type(x, scale, bias))
    made = result.reshape(rows.shape)
    means, factors, biases = (_widen(each, rows) for each in (mean, inverse * scale, bias))
    for block in blocks_of(rows):
        part = made[block]
        np.subtract(rows[block], means, out=part)
        part *= factors
        part += biases
    return result


@in_long_runs()
def input_gradient(
    memory: Memory, gradient: Array, x: Array, scale: Array, mean: Array, inverse: Array
) -> Array:
    """Return the gradient of `x`, on which the mean and the variance depend.

    With h = (x - mean) * inverse: ``scale * inverse * (g - <g> - h <g h>)``, means over the events. Source:
    Ioffe and Szegedy, arXiv:1502.03167, section 3.
    """
    n_values = x.dtype.type(x.size // x.shape[-1])
    rows, arriving = fold(x), fold(gradient)
    slope = scale_gradient(memory, gradient, x, mean, inverse) * inverse / n_values
    average = channel_sum(gradient) / n_values
    result = memory.empty(x.shape, np.result_type(gradient, x, scale))
    made = result.reshape(rows.shape)
    means, slopes, averages, factors = (
        _widen(each, rows) for each in (mean, slope, average, scale * inverse)
    )
    for block in blocks_of(rows):
        part = made[block]
        np.subtract(rows[block], means, out=part)
        part *= slopes
        np.subtract(arriving[block], part, out=part)
        part -= averages
        part *= factors
    return result


@in_long_runs()
def scale_gradient(memory: Memory, gradient: Array, x: Array, mean: Array, inverse: Array) -> Array:
    """Return the gradient of the scale, the sum of ``gradient * (x - mean) * inverse``."""
    rows, arriving = fold(x), fold(gradient)
    means = _widen(mean, rows)
    total = np.zeros(rows.shape[1], np.result_type(gradient, x))
    for block in blocks_of(rows):
        shifted = np.subtract(rows[block], means, out=memory.empty(rows[block].shape, total.dtype))
        shifted *= arriving[block]
        total += shifted.sum(axis=0)
    result: Array = total.reshape(-1, x.shape[-1]).sum(axis=0) * inverse
    return result


def _widen(values: Array, rows: Array) -> Array:
    """Return values of the channels repeated to the length of a folded row."""
    return np.tile(values, rows.shape[1] // len(values))
