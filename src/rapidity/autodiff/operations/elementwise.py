"""Functions of each value by itself: arithmetic, powers, exponentials, circular functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff.operation import OUTPUT, Operation, Vjp
from rapidity.autodiff.tape import apply

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory


def elementwise(function: np.ufunc) -> Callable[..., Array]:
    """Return the forward pass of a NumPy function, its result in the workspace's memory."""

    def forward(memory: Memory, *arrays: Any) -> Array:
        dtype = np.result_type(*arrays)
        shapes = [np.shape(array) for array in arrays]
        shape = shapes[0] if len({*shapes}) == 1 else np.broadcast_shapes(*shapes)
        result: Array = function(*arrays, out=memory.empty(shape, dtype), casting="same_kind")
        return result

    return forward


ADD = Operation("add", elementwise(np.add), (Vjp(lambda g: g), Vjp(lambda g: g)))
SUBTRACT = Operation("subtract", elementwise(np.subtract), (Vjp(lambda g: g), Vjp(lambda g: -g)))
MULTIPLY = Operation(
    "multiply",
    elementwise(np.multiply),
    (Vjp(lambda g, y: g * y, needs=(1,)), Vjp(lambda g, x: g * x, needs=(0,))),
)
DIVIDE = Operation(
    "divide",
    elementwise(np.divide),
    (
        Vjp(lambda g, y: g / y, needs=(1,)),
        Vjp(lambda g, y, result: -g * result / y, needs=(1, OUTPUT)),
    ),
)
NEGATIVE = Operation("negative", elementwise(np.negative), (Vjp(lambda g: -g),))
EXP = Operation("exp", elementwise(np.exp), (Vjp(lambda g, result: g * result, needs=(OUTPUT,)),))
LOG = Operation("log", elementwise(np.log), (Vjp(lambda g, x: g / x, needs=(0,)),))
SIN = Operation("sin", elementwise(np.sin), (Vjp(lambda g, x: g * cos(x), needs=(0,)),))
COS = Operation("cos", elementwise(np.cos), (Vjp(lambda g, x: -g * sin(x), needs=(0,)),))
POWER = Operation(
    "power",
    elementwise(np.power),
    (
        Vjp(lambda g, x, y: g * y * x ** (y - 1), needs=(0, 1)),
        Vjp(lambda g, x, result: g * result * log(x), needs=(0, OUTPUT)),
    ),
)


def add(x: Operand, y: Operand) -> Tensor:
    """Return ``x + y``."""
    return apply(ADD, x, y)


def subtract(x: Operand, y: Operand) -> Tensor:
    """Return ``x - y``."""
    return apply(SUBTRACT, x, y)


def multiply(x: Operand, y: Operand) -> Tensor:
    """Return ``x * y``."""
    return apply(MULTIPLY, x, y)


def divide(x: Operand, y: Operand) -> Tensor:
    """Return ``x / y``."""
    return apply(DIVIDE, x, y)


def negative(x: Operand) -> Tensor:
    """Return ``-x``."""
    return apply(NEGATIVE, x)


def exp(x: Operand) -> Tensor:
    """Return e to the power of x."""
    return apply(EXP, x)


def log(x: Operand) -> Tensor:
    """Return the natural logarithm."""
    return apply(LOG, x)


def sin(x: Operand) -> Tensor:
    """Return the sine of an angle in radians."""
    return apply(SIN, x)


def cos(x: Operand) -> Tensor:
    """Return the cosine of an angle in radians."""
    return apply(COS, x)


def power(x: Operand, y: Operand) -> Tensor:
    """Return x to the power of y."""
    return apply(POWER, x, y)
