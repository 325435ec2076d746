"""Comparisons, tests and choices.

The value of a comparison is a tensor of truth values without a gradient: it changes in jumps only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.tape import apply

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory


def _without_gradient(name: str, function: Callable[..., Any], n_inputs: int = 2) -> Operation:
    def forward(memory: Memory, *arrays: Any) -> Array:
        return function(*arrays)  # type: ignore[no-any-return]

    return Operation(name, forward, (None,) * n_inputs)


LESS = _without_gradient("less", np.less)
LESS_EQUAL = _without_gradient("less_equal", np.less_equal)
GREATER = _without_gradient("greater", np.greater)
GREATER_EQUAL = _without_gradient("greater_equal", np.greater_equal)
EQUAL = _without_gradient("equal", np.equal)
NOT_EQUAL = _without_gradient("not_equal", np.not_equal)
LOGICAL_AND = _without_gradient("logical_and", np.logical_and)
LOGICAL_OR = _without_gradient("logical_or", np.logical_or)
LOGICAL_NOT = _without_gradient("logical_not", np.logical_not, 1)
ISNAN = _without_gradient("isnan", np.isnan, 1)
ISINF = _without_gradient("isinf", np.isinf, 1)
ISFINITE = _without_gradient("isfinite", np.isfinite, 1)


def _where(memory: Memory, condition: Any, x: Any, y: Any) -> Array:
    chosen: Array = np.where(condition, x, y)
    return chosen


WHERE = Operation(
    "where",
    _where,
    (
        None,
        Vjp(lambda g, condition: where(condition, g, 0.0), needs=(0,)),
        Vjp(lambda g, condition: where(condition, 0.0, g), needs=(0,)),
    ),
)


def less(x: Operand, y: Operand) -> Tensor:
    """Return whether ``x < y``; False beside NaN."""
    return apply(LESS, x, y)


def less_equal(x: Operand, y: Operand) -> Tensor:
    """Return whether ``x <= y``; False beside NaN."""
    return apply(LESS_EQUAL, x, y)


def greater(x: Operand, y: Operand) -> Tensor:
    """Return whether ``x > y``; False beside NaN."""
    return apply(GREATER, x, y)


def greater_equal(x: Operand, y: Operand) -> Tensor:
    """Return whether ``x >= y``; False beside NaN."""
    return apply(GREATER_EQUAL, x, y)


def equal(x: Operand, y: Operand) -> Tensor:
    """Return whether ``x == y``; False beside NaN."""
    return apply(EQUAL, x, y)


def not_equal(x: Operand, y: Operand) -> Tensor:
    """Return whether ``x != y``; True beside NaN."""
    return apply(NOT_EQUAL, x, y)


def logical_and(x: Operand, y: Operand) -> Tensor:
    """Return whether both hold."""
    return apply(LOGICAL_AND, x, y)


def logical_or(x: Operand, y: Operand) -> Tensor:
    """Return whether one of them holds."""
    return apply(LOGICAL_OR, x, y)


def logical_not(x: Operand) -> Tensor:
    """Return whether it does not hold."""
    return apply(LOGICAL_NOT, x)


def isnan(x: Operand) -> Tensor:
    """Return whether a value is NaN."""
    return apply(ISNAN, x)


def isinf(x: Operand) -> Tensor:
    """Return whether a value is infinite."""
    return apply(ISINF, x)


def isfinite(x: Operand) -> Tensor:
    """Return whether a value is neither NaN nor infinite."""
    return apply(ISFINITE, x)


def where(condition: Operand, x: Operand, y: Operand) -> Tensor:
    """Return `x` where the condition holds and `y` elsewhere; all three broadcast.

    What is not chosen has a gradient of exactly 0. If it was computed from something undefined, its own
    rule may still make NaN of that zero (``where(x > 0, log(x), 0)`` at x = 0 is ``0 / 0``): choose the
    argument of the function, not only its value.

    Examples
    --------
    >>> import rapidity.autodiff as ad
    >>> x = ad.tensor([-1.0, 2.0], requires_gradient=True)
    >>> ad.where(x > 0, x**2, 3 * x).sum().backward()
    >>> x.gradient
    Tensor([3., 4.])
    """
    return apply(WHERE, condition, x, y)
