"""Softmax and its logarithm, and the logarithm of a sum of exponentials; each subtracts the maximum first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import OUTPUT, Operation, Vjp
from rapidity.autodiff.operations.elementwise import exp
from rapidity.autodiff.operations.reductions import sum as sum_over
from rapidity.autodiff.operations.shapes import expand_dims
from rapidity.autodiff.tape import apply

if TYPE_CHECKING:
    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory


def _shifted(memory: Memory, x: Array, axis: int) -> Array:
    # exp() of a raw logit overflows float32 above 88; with the maximum at 0 it cannot.
    out = memory.empty(x.shape, x.dtype)
    np.subtract(x, x.max(axis, keepdims=True), out=out)
    return out


def _softmax(memory: Memory, x: Array, axis: int) -> Array:
    out = _shifted(memory, x, axis)
    np.exp(out, out=out)
    out /= out.sum(axis, keepdims=True)
    return out


def _log_softmax(memory: Memory, x: Array, axis: int) -> Array:
    out = _shifted(memory, x, axis)
    out -= np.log(np.exp(out).sum(axis, keepdims=True))
    return out


def _log_sum_exp(memory: Memory, x: Array, axis: int, *, keepdims: bool) -> Array:
    largest = x.max(axis, keepdims=True)
    # All minus infinity (a sum of nothing): without this, inf - inf would be NaN.
    largest = np.where(np.isinf(largest), 0, largest)
    with np.errstate(divide="ignore", over="ignore"):
        total: Array = np.log(np.exp(x - largest).sum(axis, keepdims=True)) + largest
    return total if keepdims else total.squeeze(axis)


def _softmax_rule(g: Tensor, value: Tensor, axis: int) -> Tensor:
    return value * (g - sum_over(g * value, axis, keepdims=True))


def _log_softmax_rule(g: Tensor, value: Tensor, axis: int) -> Tensor:
    return g - exp(value) * sum_over(g, axis, keepdims=True)


def _log_sum_exp_rule(g: Tensor, x: Tensor, value: Tensor, axis: int, keepdims: bool) -> Tensor:
    if not keepdims:
        g, value = expand_dims(g, axis), expand_dims(value, axis)
    return g * exp(x - value)


SOFTMAX = Operation("softmax", _softmax, (Vjp(_softmax_rule, needs=(OUTPUT,)),))
LOG_SOFTMAX = Operation("log_softmax", _log_softmax, (Vjp(_log_softmax_rule, needs=(OUTPUT,)),))
LOG_SUM_EXP = Operation("log_sum_exp", _log_sum_exp, (Vjp(_log_sum_exp_rule, needs=(0, OUTPUT)),))


def softmax(x: Operand, axis: int = -1) -> Tensor:
    """Return ``exp(x)`` over its sum along an axis; NaN anywhere makes all of them NaN."""
    return apply(SOFTMAX, x, axis=axis)


def log_softmax(x: Operand, axis: int = -1) -> Tensor:
    """Return the logarithm of `softmax`, finite for finite x."""
    return apply(LOG_SOFTMAX, x, axis=axis)


def log_sum_exp(x: Operand, axis: int = -1, *, keepdims: bool = False) -> Tensor:
    """Return ``log(sum(exp(x)))`` along an axis, finite for finite x.

    Minus infinity takes no part; where all are minus infinity so is the result, its gradient NaN.
    """
    return apply(LOG_SUM_EXP, x, axis=axis, keepdims=keepdims)
