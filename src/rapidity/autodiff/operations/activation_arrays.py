"""Activation functions and their slopes on arrays, in as few passes as they need.

A function ``name(memory, x)`` returns values in the workspace's memory; ``name_slope(out, kept)`` writes
the slope, from the value or from x, whichever `activations` keeps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff.operations.error_function import erf_of_array

if TYPE_CHECKING:
    from rapidity.autodiff.workspace import Array, Memory

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""G. Klambauer et al., Self-Normalizing Neural Networks, arXiv:1706.02515, eq. (2) and appendix A.2."""


def like(memory: Memory, x: Array) -> Array:
    """Return an array of the shape and type of x, to be filled."""
    return memory.empty(x.shape, x.dtype)


def floating(x: Any) -> Array:
    """Return whole numbers as float64, all else as it is."""
    array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def relu(memory: Memory, x: Array, *, overwrite: bool = False) -> Array:
    """Return relu of x."""
    # A third of the time of np.maximum(x, 0): NumPy's loop for a maximum with one number is not vectorised.
    return np.clip(x, 0, np.inf, out=x if overwrite else like(memory, x))


def relu_slope(out: Array, value: Array, *, overwrite: bool = False) -> Array:
    """Write the slope of relu, from its value."""
    return np.greater(value, 0, out=out, casting="unsafe")


def leaky_relu(memory: Memory, x: Array, *, slope: float) -> Array:
    """Return leaky_relu of x."""
    out = np.multiply(x, slope, out=like(memory, x))
    return (np.maximum if slope <= 1 else np.minimum)(x, out, out=out)


def leaky_relu_slope(out: Array, value: Array, *, slope: float) -> Array:
    """Write the slope of leaky_relu, from its value."""
    np.greater(value, 0, out=out, casting="unsafe")
    out *= 1 - slope
    out += slope
    return out


def elu(memory: Memory, x: Array, *, alpha: float) -> Array:
    """Return elu of x."""
    out = np.minimum(x, 0, out=like(memory, x))
    np.expm1(out, out=out)
    out *= alpha
    out += np.maximum(x, 0)
    return out


def elu_slope(out: Array, value: Array, *, alpha: float) -> Array:
    """Write the slope of elu, from its value."""
    # Below 0 the slope is alpha * exp(x), which is value + alpha; above it is 1.
    np.minimum(value, 0, out=out)
    out += alpha
    if alpha != 1:
        out += (value > 0) * out.dtype.type(1 - alpha)
    return out


def selu(memory: Memory, x: Array) -> Array:
    """Return selu of x."""
    out = elu(memory, x, alpha=SELU_ALPHA)
    out *= SELU_SCALE
    return out


def selu_slope(out: Array, value: Array) -> Array:
    """Write the slope of selu, from its value."""
    np.minimum(value, 0, out=out)
    out += SELU_SCALE * SELU_ALPHA
    out += (value > 0) * out.dtype.type(SELU_SCALE - SELU_SCALE * SELU_ALPHA)
    return out


def normal_integral(x: Array, out: Array) -> Array:
    """Write the integral of the normal distribution up to x."""
    np.multiply(x, math.sqrt(0.5), out=out)
    erf_of_array(out, out)
    out += 1
    out *= 0.5
    return out


def gelu(memory: Memory, x: Array) -> Array:
    """Return gelu of x."""
    out = normal_integral(x, like(memory, x))
    out *= x
    return out


def gelu_slope(out: Array, x: Array) -> Array:
    """Write the slope of gelu, from x."""
    density = np.square(x, out=np.empty_like(x))
    density *= -0.5
    np.exp(density, out=density)
    density *= x
    density *= 1 / math.sqrt(2 * math.pi)
    normal_integral(x, out)
    out += density
    return out


def sigmoid_into(out: Array, x: Array) -> Array:
    """Write the sigmoid of x."""
    # exp(-x) overflows far below 0, where 1 / (1 + inf) is the right 0.
    with np.errstate(over="ignore"):
        np.negative(x, out=out)
        np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)


def sigmoid(memory: Memory, x: Array) -> Array:
    """Return sigmoid of x."""
    return sigmoid_into(like(memory, x), x)


def sigmoid_slope(out: Array, value: Array) -> Array:
    """Write the slope of sigmoid, from its value."""
    np.subtract(1, value, out=out)
    out *= value
    return out


def silu(memory: Memory, x: Array) -> Array:
    """Return silu of x."""
    out = sigmoid(memory, x)
    out *= x
    return out


def silu_slope(out: Array, x: Array) -> Array:
    """Write the slope of silu, from x."""
    # s + x s (1 - s)
    share = sigmoid_into(np.empty_like(x), x)
    np.subtract(1, share, out=out)
    out *= x
    out += 1
    out *= share
    return out


def softplus(memory: Memory, x: Array) -> Array:
    """Return softplus of x."""
    # max(x, 0) + log(1 + exp(-|x|)): the exponential never overflows.
    out = np.abs(x, out=like(memory, x))
    np.negative(out, out=out)
    np.exp(out, out=out)
    np.log1p(out, out=out)
    out += np.maximum(x, 0)
    return out


def tanh_of_softplus(x: Array) -> Array:
    """Return ``tanh(log(1 + exp(x)))``."""
    # With n = e (e + 2), e = exp(x), it is n / (n + 2); beyond 20 it is 1 to more than double precision.
    rise = np.exp(np.minimum(x, 20))
    rise *= rise + 2
    rise /= rise + 2
    return rise


def mish(memory: Memory, x: Array) -> Array:
    """Return mish of x."""
    return np.multiply(x, tanh_of_softplus(x), out=like(memory, x))


def mish_slope(out: Array, x: Array) -> Array:
    """Write the slope of mish, from x."""
    # t + x s (1 - t**2), with t = tanh(softplus(x)) and s = sigmoid(x)
    bent = tanh_of_softplus(x)
    sigmoid_into(out, x)
    out *= 1 - bent * bent
    out *= x
    out += bent
    return out


def softsign(memory: Memory, x: Array) -> Array:
    """Return softsign of x."""
    out = np.abs(x, out=like(memory, x))
    out += 1
    return np.divide(x, out, out=out)


def softsign_slope(out: Array, x: Array) -> Array:
    """Write the slope of softsign, from x."""
    np.abs(x, out=out)
    out += 1
    np.multiply(out, out, out=out)
    return np.reciprocal(out, out=out)


def hard_sigmoid(memory: Memory, x: Array) -> Array:
    """Return hard_sigmoid of x."""
    out = np.multiply(x, 1 / 6, out=like(memory, x))
    out += 0.5
    return np.clip(out, 0, 1, out=out)


def hard_sigmoid_slope(out: Array, value: Array) -> Array:
    """Write the slope of hard_sigmoid, from its value."""
    np.logical_and(value > 0, value < 1, out=out, casting="unsafe")
    out *= 1 / 6
    return out


def log_sigmoid(memory: Memory, x: Array) -> Array:
    """Return log_sigmoid of x."""
    out = softplus(memory, np.negative(x))
    return np.negative(out, out=out)


def log_sigmoid_slope(out: Array, value: Array) -> Array:
    """Write the slope of log_sigmoid, from its value."""
    # 1 - exp(value), exact for large x, where the value is next to 0
    np.expm1(value, out=out)
    return np.negative(out, out=out)


def tanh(memory: Memory, x: Array) -> Array:
    """Return tanh of x."""
    return np.tanh(x, out=like(memory, x))


def tanh_slope(out: Array, value: Array) -> Array:
    """Write the slope of tanh, from its value."""
    np.multiply(value, value, out=out)
    return np.subtract(1, out, out=out)
