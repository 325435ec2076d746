"""Operators and methods of tensors: Python's signs for the operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.autodiff.operations import (
    conditions,
    elementwise,
    indexing,
    linear_algebra,
    reductions,
    shapes,
)
from rapidity.autodiff.tensor import Operand, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _reflected(function: Callable[[Operand, Operand], Tensor]) -> Callable[[Tensor, Operand], Tensor]:
    return lambda self, other: function(other, self)


OPERATORS: Mapping[str, Callable[..., Any]] = {
    "__add__": elementwise.add,
    "__radd__": _reflected(elementwise.add),
    "__sub__": elementwise.subtract,
    "__rsub__": _reflected(elementwise.subtract),
    "__mul__": elementwise.multiply,
    "__rmul__": _reflected(elementwise.multiply),
    "__truediv__": elementwise.divide,
    "__rtruediv__": _reflected(elementwise.divide),
    "__floordiv__": elementwise.floor_divide,
    "__rfloordiv__": _reflected(elementwise.floor_divide),
    "__mod__": elementwise.remainder,
    "__rmod__": _reflected(elementwise.remainder),
    "__pow__": elementwise.power,
    "__rpow__": _reflected(elementwise.power),
    "__matmul__": linear_algebra.matmul,
    "__rmatmul__": _reflected(linear_algebra.matmul),
    "__neg__": elementwise.negative,
    "__abs__": elementwise.absolute,
    "__lt__": conditions.less,
    "__le__": conditions.less_equal,
    "__gt__": conditions.greater,
    "__ge__": conditions.greater_equal,
    "__eq__": conditions.equal,
    "__ne__": conditions.not_equal,
    "__and__": conditions.logical_and,
    "__or__": conditions.logical_or,
    "__invert__": conditions.logical_not,
    "__getitem__": indexing.getitem,
    "sum": reductions.sum,
    "mean": reductions.mean,
    "max": reductions.max,
    "min": reductions.min,
    "reshape": shapes.reshape,
    "transpose": shapes.transpose,
    "astype": elementwise.astype,
}

for _name, _function in OPERATORS.items():
    setattr(Tensor, _name, _function)
