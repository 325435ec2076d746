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
from rapidity.autodiff.operations import activation_arrays as arrays
from rapidity.autodiff.operations.elementwise import (
    absolute,
    exp,
    multiply,
    reciprocal,
    sign,
    square,
)
from rapidity.autodiff.tape import apply
from rapidity.core.errors import GradientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory

INPUT = 0


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
        out = slope(arrays.like(memory, kept), kept, **settings)
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
        lambda memory, x, **settings: forward(memory, arrays.floating(x), **settings),
        (Vjp(lambda g, kept, **settings: apply(gradient, g, kept, **settings), needs=(keeps,)),),
    )
    return operation, gradient


def _silu_bend(x: Tensor) -> Tensor:
    share = sigmoid(x)
    return share * (1.0 - share) * (2.0 + x * (1.0 - 2.0 * share))


def _softplus_bend(x: Tensor) -> Tensor:
    share = sigmoid(x)
    return share * (1.0 - share)


def _mish_bend(x: Tensor) -> Tensor:
    bent, share = tanh(softplus(x)), sigmoid(x)
    turn = (1.0 - square(bent)) * share
    return turn * (2.0 + x * (1.0 - share - 2.0 * bent * share))


def _gelu_bend(x: Tensor) -> Tensor:
    return exp(-0.5 * square(x)) * (2.0 - square(x)) * (1 / math.sqrt(2 * math.pi))


def _softsign_bend(x: Tensor) -> Tensor:
    return -2.0 * sign(x) * reciprocal((1.0 + absolute(x)) ** 3)


# name, value, slope, derivative of the slope by what is kept
RELU, RELU_GRADIENT = _activation("relu", arrays.relu, arrays.relu_slope)
LEAKY_RELU, LEAKY_RELU_GRADIENT = _activation("leaky_relu", arrays.leaky_relu, arrays.leaky_relu_slope)
ELU, ELU_GRADIENT = _activation("elu", arrays.elu, arrays.elu_slope, lambda value, alpha: value <= 0)
SELU, SELU_GRADIENT = _activation("selu", arrays.selu, arrays.selu_slope, lambda value: value <= 0)
GELU, GELU_GRADIENT = _activation("gelu", arrays.gelu, arrays.gelu_slope, _gelu_bend, keeps=INPUT)
SILU, SILU_GRADIENT = _activation("silu", arrays.silu, arrays.silu_slope, _silu_bend, keeps=INPUT)
MISH, MISH_GRADIENT = _activation("mish", arrays.mish, arrays.mish_slope, _mish_bend, keeps=INPUT)
SOFTPLUS, SOFTPLUS_GRADIENT = _activation(
    "softplus", arrays.softplus, arrays.sigmoid_into, _softplus_bend, keeps=INPUT
)
SOFTSIGN, SOFTSIGN_GRADIENT = _activation(
    "softsign", arrays.softsign, arrays.softsign_slope, _softsign_bend, keeps=INPUT
)
HARD_SIGMOID, HARD_SIGMOID_GRADIENT = _activation(
    "hard_sigmoid", arrays.hard_sigmoid, arrays.hard_sigmoid_slope
)
SIGMOID, SIGMOID_GRADIENT = _activation(
    "sigmoid", arrays.sigmoid, arrays.sigmoid_slope, lambda value: 1.0 - 2.0 * value
)
LOG_SIGMOID, LOG_SIGMOID_GRADIENT = _activation(
    "log_sigmoid", arrays.log_sigmoid, arrays.log_sigmoid_slope, lambda value: -exp(value)
)
TANH, TANH_GRADIENT = _activation("tanh", arrays.tanh, arrays.tanh_slope, lambda value: -2.0 * value)


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
