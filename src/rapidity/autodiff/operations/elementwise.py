"""Functions of each value by itself: arithmetic, powers, exponentials, rounding.

Operands broadcast as in NumPy. NaN goes through values and gradients alike unless a docstring says
otherwise; warnings of floating-point trouble are NumPy's own (`numpy.errstate`).
Circular and hyperbolic functions are in `circular`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff.operation import OUTPUT, Operation, Vjp
from rapidity.autodiff.operations.conditions import where
from rapidity.autodiff.operations.ufuncs import elementwise
from rapidity.autodiff.tape import apply

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory

NumberOrTensor = Any


def _power_of_base(g: Tensor, x: Tensor, y: NumberOrTensor) -> Tensor:
    if isinstance(y, int | float):
        return g * y * power(x, y - 1) if y != 0 else g * 0.0
    # With y = 0 the derivative is 0 everywhere, also at x = 0, where x ** -1 is infinite.
    return multiply(g * y, power(x, where(y == 0, 1.0, y - 1)))


def _power_of_exponent(g: Tensor, x: NumberOrTensor, result: Tensor) -> Tensor:
    if isinstance(x, int | float):
        return g * result * (math.log(x) if x > 0 else 0.0 if x == 0 else math.nan)
    # 0 ** y stays 0 for y > 0, although log(0) is infinite.
    return g * result * log(where(x == 0, 1.0, x))


def _clip(memory: Memory, x: Array, low: ArrayLike | None, high: ArrayLike | None) -> Array:
    return np.clip(x, low, high)


def _clip_rule(g: Tensor, x: Tensor, low: ArrayLike | None, high: ArrayLike | None) -> Tensor:
    if low is not None:
        g = g * (x >= low)
    return g if high is None else g * (x <= high)


def _astype(memory: Memory, x: Array, dtype: DTypeLike, before: DTypeLike) -> Array:
    return x.astype(dtype)


# Rules take what arrives (g), then what they need, in that order.
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
FLOOR_DIVIDE = Operation("floor_divide", elementwise(np.floor_divide), (None, None))
REMAINDER = Operation(
    "remainder",
    elementwise(np.remainder),
    (Vjp(lambda g: g), Vjp(lambda g, x, y: -g * floor_divide(x, y), needs=(0, 1))),
)
NEGATIVE = Operation("negative", elementwise(np.negative), (Vjp(lambda g: -g),))
POWER = Operation(
    "power",
    elementwise(np.power),
    (Vjp(_power_of_base, needs=(0, 1)), Vjp(_power_of_exponent, needs=(0, OUTPUT))),
)
SQUARE = Operation("square", elementwise(np.square), (Vjp(lambda g, x: g * (2.0 * x), needs=(0,)),))
SQRT = Operation("sqrt", elementwise(np.sqrt), (Vjp(lambda g, root: g / (2.0 * root), needs=(OUTPUT,)),))
RECIPROCAL = Operation(
    "reciprocal",
    elementwise(np.reciprocal),
    (Vjp(lambda g, result: -g * square(result), needs=(OUTPUT,)),),
)
EXP = Operation("exp", elementwise(np.exp), (Vjp(lambda g, result: g * result, needs=(OUTPUT,)),))
EXPM1 = Operation(
    "expm1", elementwise(np.expm1), (Vjp(lambda g, result: g * (result + 1.0), needs=(OUTPUT,)),)
)
LOG = Operation("log", elementwise(np.log), (Vjp(lambda g, x: g / x, needs=(0,)),))
LOG1P = Operation("log1p", elementwise(np.log1p), (Vjp(lambda g, x: g / (x + 1.0), needs=(0,)),))
LOG10 = Operation("log10", elementwise(np.log10), (Vjp(lambda g, x: g / (x * math.log(10.0)), needs=(0,)),))
ABSOLUTE = Operation("absolute", elementwise(np.absolute), (Vjp(lambda g, x: g * sign(x), needs=(0,)),))
SIGN = Operation("sign", elementwise(np.sign), (None,))
FLOOR = Operation("floor", elementwise(np.floor), (None,))
CEIL = Operation("ceil", elementwise(np.ceil), (None,))
# In a tie both comparisons hold for both sides, each of which then gets half.
MAXIMUM = Operation(
    "maximum",
    elementwise(np.maximum),
    (
        Vjp(lambda g, x, y: 0.5 * (g * (x > y) + g * (x >= y)), needs=(0, 1)),
        Vjp(lambda g, x, y: 0.5 * (g * (y > x) + g * (y >= x)), needs=(0, 1)),
    ),
)
MINIMUM = Operation(
    "minimum",
    elementwise(np.minimum),
    (
        Vjp(lambda g, x, y: 0.5 * (g * (x < y) + g * (x <= y)), needs=(0, 1)),
        Vjp(lambda g, x, y: 0.5 * (g * (y < x) + g * (y <= x)), needs=(0, 1)),
    ),
)
CLIP = Operation("clip", _clip, (Vjp(_clip_rule, needs=(0,)),))
ASTYPE = Operation("astype", _astype, (Vjp(lambda g, dtype, before: astype(g, before)),))


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


def floor_divide(x: Operand, y: Operand) -> Tensor:
    """Return ``x // y``, which has no gradient: it changes in jumps only."""
    return apply(FLOOR_DIVIDE, x, y)


def remainder(x: Operand, y: Operand) -> Tensor:
    """Return ``x % y`` with the sign of `y`; at its jumps the gradient is that from the right."""
    return apply(REMAINDER, x, y)


def negative(x: Operand) -> Tensor:
    """Return ``-x``."""
    return apply(NEGATIVE, x)


def power(x: Operand, y: Operand) -> Tensor:
    """Return x to the power of y.

    A plain number 2, 1/2 or -1 in the exponent is a square, a root or a reciprocal, as in NumPy. Below 0 only
    constant exponents have a gradient; that of the exponent is NaN there, and 0 at x = 0.
    """
    if isinstance(y, int | float):
        short_way = {2: square, 0.5: sqrt, -1: reciprocal}.get(y)
        if short_way is not None:
            return short_way(x)
    return apply(POWER, x, y)


def square(x: Operand) -> Tensor:
    """Return ``x * x``."""
    return apply(SQUARE, x)


def sqrt(x: Operand) -> Tensor:
    """Return the square root; NaN below 0, an infinite gradient at 0."""
    return apply(SQRT, x)


def reciprocal(x: Operand) -> Tensor:
    """Return ``1 / x`` of floating-point values."""
    return apply(RECIPROCAL, x)


def exp(x: Operand) -> Tensor:
    """Return e to the power of x."""
    return apply(EXP, x)


def expm1(x: Operand) -> Tensor:
    """Return ``exp(x) - 1``, exact for small x."""
    return apply(EXPM1, x)


def log(x: Operand) -> Tensor:
    """Return the natural logarithm; NaN below 0, an infinite gradient at 0."""
    return apply(LOG, x)


def log1p(x: Operand) -> Tensor:
    """Return ``log(1 + x)``, exact for small x; NaN below -1."""
    return apply(LOG1P, x)


def log10(x: Operand) -> Tensor:
    """Return the logarithm to base 10; NaN below 0."""
    return apply(LOG10, x)


def absolute(x: Operand) -> Tensor:
    """Return the size without the sign; at 0 the gradient is 0."""
    return apply(ABSOLUTE, x)


def sign(x: Operand) -> Tensor:
    """Return -1, 0 or 1; without a gradient, as it changes in jumps only."""
    return apply(SIGN, x)


def floor(x: Operand) -> Tensor:
    """Return the largest whole number not above x; without a gradient."""
    return apply(FLOOR, x)


def ceil(x: Operand) -> Tensor:
    """Return the smallest whole number not below x; without a gradient."""
    return apply(CEIL, x)


def maximum(x: Operand, y: Operand) -> Tensor:
    """Return the larger of two; in a tie each has half the gradient, beside NaN neither has any."""
    return apply(MAXIMUM, x, y)


def minimum(x: Operand, y: Operand) -> Tensor:
    """Return the smaller of two; in a tie each has half the gradient, beside NaN neither has any."""
    return apply(MINIMUM, x, y)


def clip(x: Operand, low: ArrayLike | None, high: ArrayLike | None) -> Tensor:
    """Return x, or the end of the interval that it lies beyond; None is no limit.

    The limits are constants. The gradient is 1 inside, ends included, and 0 outside and for NaN.
    """
    return apply(CLIP, x, low=low, high=high)


def astype(x: Tensor, dtype: DTypeLike) -> Tensor:
    """Return the values in another type; the gradient comes back in the type of x."""
    return apply(ASTYPE, x, dtype=np.dtype(dtype), before=x.dtype)
