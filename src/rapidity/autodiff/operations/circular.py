"""Circular and hyperbolic functions and their inverses; angles in radians."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import OUTPUT, Operation, Vjp
from rapidity.autodiff.operations.conditions import where
from rapidity.autodiff.operations.elementwise import sqrt, square
from rapidity.autodiff.operations.ufuncs import elementwise
from rapidity.autodiff.tape import apply

if TYPE_CHECKING:
    from rapidity.autodiff.tensor import Operand, Tensor


def _sine_to_cosine(x: Tensor) -> Tensor:
    """Return ``sqrt(1 - x**2)`` without cancellation next to 1."""
    return sqrt((1.0 - x) * (1.0 + x))


def _per_length(x: Tensor, length: Tensor) -> Tensor:
    """Return ``x / length``, and 0 at the origin, where the direction is undefined."""
    return x / where(length == 0, 1.0, length)


def _arctan2_rule(g: Tensor, leg: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Return the gradient by one leg of the angle, given the other one, with its sign."""
    length = hypot(y, x)
    return g * _per_length(_per_length(leg, length), length)


SIN = Operation("sin", elementwise(np.sin), (Vjp(lambda g, x: g * cos(x), needs=(0,)),))
COS = Operation("cos", elementwise(np.cos), (Vjp(lambda g, x: -g * sin(x), needs=(0,)),))
TAN = Operation(
    "tan", elementwise(np.tan), (Vjp(lambda g, result: g * (1.0 + square(result)), needs=(OUTPUT,)),)
)
ARCSIN = Operation("arcsin", elementwise(np.arcsin), (Vjp(lambda g, x: g / _sine_to_cosine(x), needs=(0,)),))
ARCCOS = Operation("arccos", elementwise(np.arccos), (Vjp(lambda g, x: -g / _sine_to_cosine(x), needs=(0,)),))
ARCTAN = Operation("arctan", elementwise(np.arctan), (Vjp(lambda g, x: g / (1.0 + square(x)), needs=(0,)),))
ARCTAN2 = Operation(
    "arctan2",
    elementwise(np.arctan2),
    (
        Vjp(lambda g, y, x: _arctan2_rule(g, x, y, x), needs=(0, 1)),
        Vjp(lambda g, y, x: _arctan2_rule(g, -y, y, x), needs=(0, 1)),
    ),
)
SINH = Operation("sinh", elementwise(np.sinh), (Vjp(lambda g, x: g * cosh(x), needs=(0,)),))
COSH = Operation("cosh", elementwise(np.cosh), (Vjp(lambda g, x: g * sinh(x), needs=(0,)),))
ARCSINH = Operation("arcsinh", elementwise(np.arcsinh), (Vjp(lambda g, x: g / hypot(x, 1.0), needs=(0,)),))
HYPOT = Operation(
    "hypot",
    elementwise(np.hypot),
    (
        Vjp(lambda g, x, length: g * _per_length(x, length), needs=(0, OUTPUT)),
        Vjp(lambda g, y, length: g * _per_length(y, length), needs=(1, OUTPUT)),
    ),
)


def sin(x: Operand) -> Tensor:
    """Return the sine of an angle."""
    return apply(SIN, x)


def cos(x: Operand) -> Tensor:
    """Return the cosine of an angle."""
    return apply(COS, x)


def tan(x: Operand) -> Tensor:
    """Return the tangent of an angle."""
    return apply(TAN, x)


def arcsin(x: Operand) -> Tensor:
    """Return the inverse sine in [-pi/2, pi/2]; NaN beyond -1 and 1, where the gradient is infinite."""
    return apply(ARCSIN, x)


def arccos(x: Operand) -> Tensor:
    """Return the inverse cosine in [0, pi]; NaN beyond -1 and 1, where the gradient is infinite."""
    return apply(ARCCOS, x)


def arctan(x: Operand) -> Tensor:
    """Return the inverse tangent in [-pi/2, pi/2]."""
    return apply(ARCTAN, x)


def arctan2(y: Operand, x: Operand) -> Tensor:
    """Return the angle of the point (x, y) in [-pi, pi]; at the origin the gradient is 0."""
    return apply(ARCTAN2, y, x)


def sinh(x: Operand) -> Tensor:
    """Return the hyperbolic sine."""
    return apply(SINH, x)


def cosh(x: Operand) -> Tensor:
    """Return the hyperbolic cosine."""
    return apply(COSH, x)


def arcsinh(x: Operand) -> Tensor:
    """Return the inverse hyperbolic sine."""
    return apply(ARCSINH, x)


def hypot(x: Operand, y: Operand) -> Tensor:
    """Return ``sqrt(x**2 + y**2)``, free of overflow; at the origin the gradient is 0."""
    return apply(HYPOT, x, y)
