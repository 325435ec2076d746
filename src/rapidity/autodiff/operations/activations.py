"""Activation functions of layers, each a single operation.

Each function f comes with a second operation, ``g * f'``, computed in one go on arrays: a training step
needs nothing else. Its own rules, which second derivatives need, follow from the derivative of the slope.
Where the slope follows from the value, the value is kept: the next layer mostly keeps it anyway.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff.operation import OUTPUT, Operation, Vjp
from rapidity.autodiff.operations.elementwise import (
    absolute,
    exp,
    multiply,
    reciprocal,
    sign,
    square,
)
from rapidity.autodiff.operations.error_function import erf_of_array
from rapidity.autodiff.tape import apply
from rapidity.core.errors import GradientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory

INPUT = 0
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""G. Klambauer et al., Self-Normalizing Neural Networks, arXiv:1706.02515, eq. (2) and appendix A.2."""


def _activation(
    name: str,
    forward: Callable[..., Array],
    slope: Callable[..., Array],
    bend: Callable[..., Any] | None = None,
    *,
    keeps: int = OUTPUT,
) -> tuple[Operation, Operation]:
    """Return the operation of a function and that of its gradient.

    Parameters
    ----------
    slope
        ``slope(out, kept, **settings)`` writes f' into `out`, from what is kept.
    bend
        ``bend(kept, **settings)``: derivative of the slope by what is kept, on tensors; None for 0.
    keeps
        What the slope is computed from: `INPUT` or `OUTPUT`.
    """

    def gradient_forward(memory: Memory, g: Array, kept: Array, **settings: Any) -> Array:
        out = slope(_like(memory, kept), kept, **settings)
        return np.multiply(out, g, out=out) if out.dtype == g.dtype else out * g

    def by_arriving(again: Tensor, kept: Tensor, **settings: Any) -> Tensor:
        return apply(gradient, again, kept, **settings)

    def by_kept(again: Tensor, g: Tensor, kept: Tensor, **settings: Any) -> Tensor:
        return multiply(again * g, bend(kept, **settings) if bend is not None else 0.0)

    gradient = Operation(
        f"{name}_gradient",
        gradient_forward,
        (Vjp(by_arriving, needs=(1,)), Vjp(by_kept, needs=(0, 1)) if bend is not None else None),
    )
    operation = Operation(
        name,
        lambda memory, x, **settings: forward(memory, _floating(x), **settings),
        (Vjp(lambda g, kept, **settings: apply(gradient, g, kept, **settings), needs=(keeps,)),),
    )
    return operation, gradient


def _like(memory: Memory, x: Array) -> Array:
    return memory.empty(x.shape, x.dtype)


def _floating(x: Any) -> Array:
    array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _relu(memory: Memory, x: Array, *, overwrite: bool = False) -> Array:
    # A third of the time of np.maximum(x, 0): NumPy's loop for a maximum with one number is not vectorised.
    return np.clip(x, 0, np.inf, out=x if overwrite else _like(memory, x))


def _relu_slope(out: Array, value: Array, *, overwrite: bool = False) -> Array:
    return np.greater(value, 0, out=out, casting="unsafe")


def _leaky_relu(memory: Memory, x: Array, *, slope: float) -> Array:
    out = np.multiply(x, slope, out=_like(memory, x))
    return (np.maximum if slope <= 1 else np.minimum)(x, out, out=out)


def _leaky_relu_slope(out: Array, value: Array, *, slope: float) -> Array:
    np.greater(value, 0, out=out, casting="unsafe")
    out *= 1 - slope
    out += slope
    return out


def _elu(memory: Memory, x: Array, *, alpha: float) -> Array:
    out = np.minimum(x, 0, out=_like(memory, x))
    np.expm1(out, out=out)
    out *= alpha
    out += np.maximum(x, 0)
    return out


def _elu_slope(out: Array, value: Array, *, alpha: float) -> Array:
    # Below 0 the slope is alpha * exp(x), which is value + alpha; above it is 1.
    np.minimum(value, 0, out=out)
    out += alpha
    if alpha != 1:
        out += (value > 0) * out.dtype.type(1 - alpha)
    return out


def _selu(memory: Memory, x: Array) -> Array:
    out = _elu(memory, x, alpha=SELU_ALPHA)
    out *= SELU_SCALE
    return out


def _selu_slope(out: Array, value: Array) -> Array:
    np.minimum(value, 0, out=out)
    out += SELU_SCALE * SELU_ALPHA
    out += (value > 0) * out.dtype.type(SELU_SCALE - SELU_SCALE * SELU_ALPHA)
    return out


def _normal_integral(x: Array, out: Array) -> Array:
    """Write the integral of the normal distribution up to x."""
    np.multiply(x, math.sqrt(0.5), out=out)
    erf_of_array(out, out)
    out += 1
    out *= 0.5
    return out


def _gelu(memory: Memory, x: Array) -> Array:
    out = _normal_integral(x, _like(memory, x))
    out *= x
    return out


def _gelu_slope(out: Array, x: Array) -> Array:
    density = np.square(x, out=np.empty_like(x))
    density *= -0.5
    np.exp(density, out=density)
    density *= x
    density *= 1 / math.sqrt(2 * math.pi)
    _normal_integral(x, out)
    out += density
    return out


def _sigmoid_into(out: Array, x: Array) -> Array:
    # exp(-x) overflows far below 0, where 1 / (1 + inf) is the right 0.
    with np.errstate(over="ignore"):
        np.negative(x, out=out)
        np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)


def _sigmoid(memory: Memory, x: Array) -> Array:
    return _sigmoid_into(_like(memory, x), x)


def _sigmoid_slope(out: Array, value: Array) -> Array:
    np.subtract(1, value, out=out)
    out *= value
    return out


def _silu(memory: Memory, x: Array) -> Array:
    out = _sigmoid(memory, x)
    out *= x
    return out


def _silu_slope(out: Array, x: Array) -> Array:
    # s + x s (1 - s)
    share = _sigmoid_into(np.empty_like(x), x)
    np.subtract(1, share, out=out)
    out *= x
    out += 1
    out *= share
    return out


def _silu_bend(x: Tensor) -> Tensor:
    share = sigmoid(x)
    return share * (1.0 - share) * (2.0 + x * (1.0 - 2.0 * share))


def _softplus(memory: Memory, x: Array) -> Array:
    # max(x, 0) + log(1 + exp(-|x|)): the exponential never overflows.
    out = np.abs(x, out=_like(memory, x))
    np.negative(out, out=out)
    np.exp(out, out=out)
    np.log1p(out, out=out)
    out += np.maximum(x, 0)
    return out


def _softplus_bend(x: Tensor) -> Tensor:
    share = sigmoid(x)
    return share * (1.0 - share)


def _tanh_of_softplus(x: Array) -> Array:
    # With n = e (e + 2), e = exp(x), it is n / (n + 2); beyond 20 it is 1 to more than double precision.
    rise = np.exp(np.minimum(x, 20))
    rise *= rise + 2
    rise /= rise + 2
    return rise


def _mish(memory: Memory, x: Array) -> Array:
    return np.multiply(x, _tanh_of_softplus(x), out=_like(memory, x))


def _mish_slope(out: Array, x: Array) -> Array:
    # t + x s (1 - t**2), with t = tanh(softplus(x)) and s = sigmoid(x)
    bent = _tanh_of_softplus(x)
    _sigmoid_into(out, x)
    out *= 1 - bent * bent
    out *= x
    out += bent
    return out


def _mish_bend(x: Tensor) -> Tensor:
    bent, share = tanh(softplus(x)), sigmoid(x)
    turn = (1.0 - square(bent)) * share
    return turn * (2.0 + x * (1.0 - share - 2.0 * bent * share))


def _softsign(memory: Memory, x: Array) -> Array:
    out = np.abs(x, out=_like(memory, x))
    out += 1
    return np.divide(x, out, out=out)


def _softsign_slope(out: Array, x: Array) -> Array:
    np.abs(x, out=out)
    out += 1
    np.multiply(out, out, out=out)
    return np.reciprocal(out, out=out)


def _hard_sigmoid(memory: Memory, x: Array) -> Array:
    out = np.multiply(x, 1 / 6, out=_like(memory, x))
    out += 0.5
    return np.clip(out, 0, 1, out=out)


def _hard_sigmoid_slope(out: Array, value: Array) -> Array:
    np.logical_and(value > 0, value < 1, out=out, casting="unsafe")
    out *= 1 / 6
    return out


def _log_sigmoid(memory: Memory, x: Array) -> Array:
    out = _softplus(memory, np.negative(x))
    return np.negative(out, out=out)


def _log_sigmoid_slope(out: Array, value: Array) -> Array:
    # 1 - exp(value), exact for large x, where the value is next to 0
    np.expm1(value, out=out)
    return np.negative(out, out=out)


def _tanh(memory: Memory, x: Array) -> Array:
    return np.tanh(x, out=_like(memory, x))


def _tanh_slope(out: Array, value: Array) -> Array:
    np.multiply(value, value, out=out)
    return np.subtract(1, out, out=out)


def _gelu_bend(x: Tensor) -> Tensor:
    return exp(-0.5 * square(x)) * (2.0 - square(x)) * (1 / math.sqrt(2 * math.pi))


def _softsign_bend(x: Tensor) -> Tensor:
    return -2.0 * sign(x) * reciprocal((1.0 + absolute(x)) ** 3)


# name, value, slope, derivative of the slope by what is kept
RELU, RELU_GRADIENT = _activation("relu", _relu, _relu_slope)
LEAKY_RELU, LEAKY_RELU_GRADIENT = _activation("leaky_relu", _leaky_relu, _leaky_relu_slope)
ELU, ELU_GRADIENT = _activation("elu", _elu, _elu_slope, lambda value, alpha: value <= 0)
SELU, SELU_GRADIENT = _activation("selu", _selu, _selu_slope, lambda value: value <= 0)
GELU, GELU_GRADIENT = _activation("gelu", _gelu, _gelu_slope, _gelu_bend, keeps=INPUT)
SILU, SILU_GRADIENT = _activation("silu", _silu, _silu_slope, _silu_bend, keeps=INPUT)
MISH, MISH_GRADIENT = _activation("mish", _mish, _mish_slope, _mish_bend, keeps=INPUT)
SOFTPLUS, SOFTPLUS_GRADIENT = _activation("softplus", _softplus, _sigmoid_into, _softplus_bend, keeps=INPUT)
SOFTSIGN, SOFTSIGN_GRADIENT = _activation("softsign", _softsign, _softsign_slope, _softsign_bend, keeps=INPUT)
HARD_SIGMOID, HARD_SIGMOID_GRADIENT = _activation("hard_sigmoid", _hard_sigmoid, _hard_sigmoid_slope)
SIGMOID, SIGMOID_GRADIENT = _activation("sigmoid", _sigmoid, _sigmoid_slope, lambda value: 1.0 - 2.0 * value)
LOG_SIGMOID, LOG_SIGMOID_GRADIENT = _activation(
    "log_sigmoid", _log_sigmoid, _log_sigmoid_slope, lambda value: -exp(value)
)
TANH, TANH_GRADIENT = _activation("tanh", _tanh, _tanh_slope, lambda value: -2.0 * value)


def relu(x: Operand, *, overwrite: bool = False) -> Tensor:
    """Return ``max(x, 0)``; at 0 and for NaN the gradient is 0.

    Parameters
    ----------
    overwrite
        Write the result over `x`, which saves memory and time. Right only where nobody needs `x` any more:
        neither the caller nor the rule of what made it (that of a linear layer, say, needs its input).

    Raises
    ------
    GradientError
        If `x` is a leaf or was made by an operation that keeps its value for its rule.
    """
    if overwrite:
        _check_may_be_overwritten(x)
    return apply(RELU, x, overwrite=overwrite)


def _check_may_be_overwritten(x: Any) -> None:
    node = getattr(x, "node", None)
    if getattr(x, "requires_gradient", False):
        message = "relu cannot overwrite a leaf that requires a gradient. Leave out overwrite=True."
        raise GradientError(message)
    if node is not None and OUTPUT in (node.saved or {}):
        message = (
            f"relu cannot overwrite the value of '{node.operation.name}', whose gradient rule needs it."
            " Leave out overwrite=True."
        )
        raise GradientError(message)


def leaky_relu(x: Operand, slope: float = 0.01) -> Tensor:
    """Return x above 0 and ``slope * x`` below, `slope` >= 0; at 0 the gradient is `slope`."""
    if slope < 0:
        message = f"leaky_relu has the slope {slope}, but its rule tells the sides apart by the sign of the"
        message += " value. Give a slope of 0 or more."
        raise ValueError(message)
    return apply(LEAKY_RELU, x, slope=slope)


def elu(x: Operand, alpha: float = 1.0) -> Tensor:
    """Return x above 0 and ``alpha * (exp(x) - 1)`` below, alpha > 0; at 0 the gradient is `alpha`.

    Source: D.-A. Clevert et al., arXiv:1511.07289.
    """
    return apply(ELU, x, alpha=alpha)


def selu(x: Operand) -> Tensor:
    """Return the scaled ELU that keeps mean 0 and variance 1.

    Source: G. Klambauer et al., arXiv:1706.02515.
    """
    return apply(SELU, x)


def gelu(x: Operand) -> Tensor:
    """Return x times the normal integral up to x, exact (with erf).

    Source: D. Hendrycks, K. Gimpel, arXiv:1606.08415.
    """
    return apply(GELU, x)


def silu(x: Operand) -> Tensor:
    """Return ``x * sigmoid(x)``; source: S. Elfwing et al., arXiv:1702.03118."""
    return apply(SILU, x)


def mish(x: Operand) -> Tensor:
    """Return ``x * tanh(softplus(x))``; source: D. Misra, arXiv:1908.08681."""
    return apply(MISH, x)


def softplus(x: Operand) -> Tensor:
    """Return ``log(1 + exp(x))``, finite for every finite x."""
    return apply(SOFTPLUS, x)


def softsign(x: Operand) -> Tensor:
    """Return ``x / (1 + |x|)``."""
    return apply(SOFTSIGN, x)


def hard_sigmoid(x: Operand) -> Tensor:
    """Return ``clip(x / 6 + 1 / 2, 0, 1)``; at -3 and 3 the gradient is 0."""
    return apply(HARD_SIGMOID, x)


def sigmoid(x: Operand) -> Tensor:
    """Return ``1 / (1 + exp(-x))``, without overflow and exact where it is small."""
    return apply(SIGMOID, x)


def log_sigmoid(x: Operand) -> Tensor:
    """Return the logarithm of ``sigmoid(x)``, finite for every finite x."""
    return apply(LOG_SIGMOID, x)


def tanh(x: Operand) -> Tensor:
    """Return the hyperbolic tangent."""
    return apply(TANH, x)
